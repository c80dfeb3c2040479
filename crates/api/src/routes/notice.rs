//! Says plainly who holds a token in safekeeping, in the words that pages show.

use serde::Serialize;
use utoipa::ToSchema;

/// One sentence or two, in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notice {
    zh: &'static str,
    en: &'static str,
}

impl Notice {
    /// To the buyer whose token the vault keeps.
    pub(crate) const HELD_FOR_YOU: Self = Self {
        zh: concat!(
            "此数字藏品目前由发行方代为保管，并以您的名义登记；它还不在您自己的钱包中。",
            "锁定期满后，您可凭同一兑换码将其转入自己的钱包。请妥善保存兑换码。"
        ),
        en: concat!(
            "The issuer holds this token for you, in your name; it is not in a wallet of your own. ",
            "Once it is settled, the same code releases it to your wallet. Keep the code."
        ),
    };
    /// To anybody else.
    pub(crate) const HELD_FOR_ITS_BUYER: Self = Self {
        zh: "此数字藏品目前由发行方以买家的名义代为保管，尚未转入买家自己的钱包。",
        en: "The issuer holds this token for its buyer, in the buyer's name; it is not in a wallet of the buyer's own.",
    };
    /// Once it was released or surrendered.
    pub(crate) const LET_GO: Self = Self {
        zh: "此数字藏品已不再由发行方保管。",
        en: "The issuer no longer holds this token.",
    };
    /// Once it was voided in the vault.
    pub(crate) const VOIDED: Self = Self {
        zh: "此数字藏品已作废，发行方不再保管。",
        en: "This token was voided. The issuer no longer holds it.",
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_plain_running_text() {
        for notice in [Notice::HELD_FOR_YOU, Notice::HELD_FOR_ITS_BUYER, Notice::LET_GO, Notice::VOIDED] {
            assert!(!notice.zh.contains(char::is_whitespace), "{}", notice.zh);
            assert!(!notice.en.contains("  ") && notice.en.ends_with('.'), "{}", notice.en);
        }
    }
}
