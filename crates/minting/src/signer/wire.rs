//! Signed bytes, read back as a node reads them.

use alloy::consensus::{Transaction, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use catalog::account::Account;

use crate::chain::B256;
use crate::contract;
use crate::fees::Fees;

/// What stands in signed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireTransaction {
    /// The transaction hash.
    pub hash: B256,
    /// Who signed.
    pub signer: Account,
    /// Its nonce.
    pub nonce: u64,
    /// The called account; none for a creation.
    pub to: Option<Account>,
    /// Calldata.
    pub data: Vec<u8>,
    /// Gas limit.
    pub gas_limit: u64,
    /// Fees.
    pub fees: Fees,
}

/// Bytes that no node takes for a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the bytes of a signed transaction")]
pub struct Unreadable;

impl WireTransaction {
    /// Reads signed bytes (EIP-2718) and recovers their signer.
    pub fn read(raw: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = raw;
        let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|_| Unreadable)?;
        if !rest.is_empty() {
            return Err(Unreadable);
        }
        let signer = envelope.signature().recover_address_from_prehash(&envelope.signature_hash());
        let max_fee = envelope.max_fee_per_gas();
        Ok(Self {
            hash: *envelope.tx_hash(),
            signer: contract::account(signer.map_err(|_| Unreadable)?),
            nonce: envelope.nonce(),
            to: envelope.to().map(contract::account),
            data: envelope.input().to_vec(),
            gas_limit: envelope.gas_limit(),
            fees: Fees { max_fee, max_priority_fee: envelope.max_priority_fee_per_gas().unwrap_or(max_fee) },
        })
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;

    use super::*;
    use crate::signer::{SigningKey, Unsigned};

    #[test]
    fn what_was_signed_is_read_back() {
        let key = SigningKey::generate(&SystemChance);
        let fees = Fees { max_fee: 7, max_priority_fee: 3 };
        let to = Some(Account::from_bytes([5; 20]));
        let unsigned = Unsigned { chain_id: 1, nonce: 9, to, data: &[1, 2], gas_limit: 21_000, fees };
        let signed = key.sign(&unsigned).expect("signed");
        let read = WireTransaction::read(&signed.raw).expect("read");
        let expected = WireTransaction {
            hash: signed.hash,
            signer: key.account(),
            nonce: 9,
            to,
            data: vec![1, 2],
            gas_limit: 21_000,
            fees,
        };
        assert_eq!(read, expected);
        assert_eq!(WireTransaction::read(&signed.raw[1..]), Err(Unreadable));
        assert_eq!(WireTransaction::read(&[signed.raw.as_slice(), &[0]].concat()), Err(Unreadable));
    }
}
