//! Who a provider says that it is, and whether it is one of ours. Decided without I/O.

use super::agreement::majority;
use super::health::Quarantine;
use crate::chain::B256;

/// What a provider tells of its chain. What it cannot tell is none: pruned nodes do not know the first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) chain_id: u64,
    pub(super) genesis: Option<B256>,
    pub(super) code: Option<B256>,
}

/// Whether a provider may be used, given what all configured ones told last. The chain id is ours to know; first
/// block and code are compared with what a majority of the configured providers names.
pub(super) fn verdict(own: Identity, chain_id: u64, all: &[Option<Identity>]) -> Result<(), Quarantine> {
    if own.chain_id != chain_id {
        return Err(Quarantine::OtherChain(own.chain_id));
    }
    let ours = || all.iter().flatten().filter(|identity| identity.chain_id == chain_id);
    let genesis = named_by_most(ours().filter_map(|identity| identity.genesis), all.len());
    if differs(own.genesis, genesis) {
        return Err(Quarantine::OtherGenesis);
    }
    let code = named_by_most(ours().filter_map(|identity| identity.code), all.len());
    if differs(own.code, code) {
        return Err(Quarantine::OtherCode);
    }
    Ok(())
}

fn differs(own: Option<B256>, named: Option<B256>) -> bool {
    matches!((own, named), (Some(own), Some(named)) if own != named)
}

fn named_by_most(named: impl Iterator<Item = B256>, configured: usize) -> Option<B256> {
    let named: Vec<B256> = named.collect();
    let count = |hash: &B256| named.iter().filter(|other| *other == hash).count();
    named.iter().copied().find(|hash| count(hash) >= majority(configured))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(chain_id: u64, genesis: u8, code: u8) -> Identity {
        let hash = |byte| Some(B256::repeat_byte(byte)).filter(|_| byte != 0);
        Identity { chain_id, genesis: hash(genesis), code: hash(code) }
    }

    #[test]
    fn the_odd_one_out_is_quarantined() {
        let good = identity(7, 1, 2);
        let cases = [
            (good, vec![good, good, good], Ok(())),
            (identity(5, 1, 2), vec![identity(5, 1, 2)], Err(Quarantine::OtherChain(5))),
            (identity(7, 9, 2), vec![identity(7, 9, 2), good, good], Err(Quarantine::OtherGenesis)),
            (identity(7, 1, 9), vec![identity(7, 1, 9), good, good], Err(Quarantine::OtherCode)),
            // What it does not tell is not held against it.
            (identity(7, 0, 0), vec![identity(7, 0, 0), good, good], Ok(())),
        ];
        for (own, all, expected) in cases {
            let all: Vec<_> = all.into_iter().map(Some).collect();
            assert_eq!(verdict(own, 7, &all), expected, "{own:?}");
        }
    }

    #[test]
    fn without_a_majority_of_the_configured_nobody_is_judged_by_the_others() {
        let (one, other) = (identity(7, 1, 2), identity(7, 9, 9));
        for all in [vec![Some(one), Some(other)], vec![Some(one), Some(other), None]] {
            assert_eq!(verdict(other, 7, &all), Ok(()));
            assert_eq!(verdict(one, 7, &all), Ok(()));
        }
    }

    #[test]
    fn providers_of_another_chain_have_no_voice() {
        let (ours, theirs) = (identity(7, 1, 2), identity(5, 9, 9));
        let all = [Some(ours), Some(theirs), Some(theirs)];
        assert_eq!(verdict(ours, 7, &all), Ok(()));
    }
}
