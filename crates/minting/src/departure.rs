//! How a token left the vault, and what that means for a call that the vault was to make about it. Pure.

use catalog::account::Account;

use crate::call::Call;
use crate::chain::Block;
use crate::ending::CallEnd;

/// A log by which a token left the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// In which way.
    pub way: Way,
    /// In which block.
    pub block: Block,
}

/// In which way a token left the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was handed to that wallet by a release.
    Released(Account),
    /// Its owner gave it up.
    Surrendered,
    /// It was voided.
    Voided,
    /// It was moved to that account by a plain transfer, which none of our lanes makes.
    Moved(Account),
}

/// What became of a call that the contract refuses because the vault does not hold the token: decided by how the token
/// left it, in final blocks. None when the chain does not show that it ever left: then nothing can be said yet.
#[must_use]
pub fn end_of(call: &Call, ways: &[Way]) -> Option<CallEnd> {
    let wanted = match call {
        Call::Release { recipient, .. } => Way::Released(*recipient),
        Call::Surrender { .. } => Way::Surrendered,
        _ => return None,
    };
    if ways.contains(&wanted) {
        return Some(CallEnd::Done);
    }
    if ways.contains(&Way::Voided) {
        return Some(CallEnd::Void);
    }
    // A release comes with a plain transfer; the release tells more.
    let telling = ways.iter().find(|way| !matches!(way, Way::Moved(_))).or(ways.first())?;
    Some(CallEnd::Review(match telling {
        Way::Released(other) => format!("the vault handed the token to another wallet, {other}"),
        Way::Moved(other) => format!("the vault does not hold the token: it was moved to {other}"),
        Way::Surrendered | Way::Voided => "the token was given up".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenId;

    fn account(byte: u8) -> Account {
        Account::from_bytes([byte; 20])
    }

    #[test]
    fn a_token_that_left_the_vault_ends_its_call_as_the_chain_shows() {
        let token_id = TokenId::from_number(12_017_100).expect("a token id");
        let release = Call::Release { token_id, recipient: account(1) };
        let surrender = Call::Surrender { token_id };
        let reviewed = |call: &Call, ways: &[Way]| matches!(end_of(call, ways), Some(CallEnd::Review(_)));
        let to = |byte| [Way::Moved(account(byte)), Way::Released(account(byte))];
        // Our own release, known to the chain and not to the books; and the buyer moved on.
        assert_eq!(end_of(&release, &to(1)), Some(CallEnd::Done));
        assert_eq!(end_of(&release, &[to(1).as_slice(), &[Way::Surrendered]].concat()), Some(CallEnd::Done));
        assert!(reviewed(&release, &to(2)), "another wallet");
        assert!(reviewed(&release, &[Way::Moved(account(1))]), "nobody moves a token out but by a release");
        assert!(reviewed(&release, &[Way::Surrendered]));
        assert_eq!(end_of(&release, &[Way::Voided]), Some(CallEnd::Void));
        assert_eq!(end_of(&surrender, &[Way::Surrendered]), Some(CallEnd::Done));
        assert_eq!(end_of(&surrender, &[Way::Voided]), Some(CallEnd::Void));
        assert!(reviewed(&surrender, &to(1)));
        for call in [&release, &surrender] {
            assert_eq!(end_of(call, &[]), None, "the chain does not show that it left");
        }
        assert_eq!(end_of(&Call::Settle { token_id }, &[Way::Voided]), None, "not a call of the vault");
    }
}
