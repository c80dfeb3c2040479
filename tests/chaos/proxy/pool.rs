//! Rules of geth's pool that anvil does not hold to.

use std::collections::HashMap;
use std::sync::Mutex;

use catalog::account::Account;
use minting::fees::Fees;
use minting::signer::WireTransaction;

/// No transaction asks for more gas (EIP-7825).
pub(crate) const GAS_CAP: u64 = 16_777_216;

/// What the pool was last given for each nonce.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<(Account, u64), (String, Fees)>>);

impl Pool {
    /// The transaction that `new` would replace, if it does not pay a tenth more in both fields.
    pub(crate) fn too_cheap(&self, new: &WireTransaction) -> Option<String> {
        let pool = self.0.lock().expect("the pool");
        let (hash, old) = pool.get(&(new.signer, new.nonce))?;
        let tenth_more = |old: u128| old + old.div_ceil(10);
        let enough = new.fees.max_fee >= tenth_more(old.max_fee)
            && new.fees.max_priority_fee >= tenth_more(old.max_priority_fee);
        (*hash != new.hash.to_string() && !enough).then(|| hash.clone())
    }

    /// The node took it.
    pub(crate) fn took(&self, new: &WireTransaction) {
        let mut pool = self.0.lock().expect("the pool");
        pool.insert((new.signer, new.nonce), (new.hash.to_string(), new.fees));
    }
}
