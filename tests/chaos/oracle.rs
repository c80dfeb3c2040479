//! Compares what was agreed with the service, what the chain holds, and what the books say. The chain is read from
//! the node itself, not through the service or the proxy.

mod books;
mod nonces;
mod tokens;

use crate::ground::Ground;
use crate::tell;
use crate::trade::Trade;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Tokens on chain.
    pub(crate) tokens: u64,
    /// Redeemed claims without their token.
    pub(crate) lost: u64,
    /// Tokens beyond the one of each redeemed claim.
    pub(crate) duplicated: u64,
    /// Tokens in another wallet than the buyer's.
    pub(crate) wrong_owner: u64,
    /// Nonces of our signers that no transaction in the books explains.
    pub(crate) unexplained_nonces: u64,
    /// Everything that is not as it must be, in words.
    pub(crate) findings: Vec<String>,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        let Self { tokens: _, lost, duplicated, wrong_owner, unexplained_nonces, findings } = self;
        lost + duplicated + wrong_owner + unexplained_nonces == 0 && findings.is_empty()
    }

    /// Says what is wrong, the first fifty.
    pub(crate) fn tell(&self) {
        for finding in self.findings.iter().take(50) {
            tell!("WRONG: {finding}");
        }
        if self.findings.len() > 50 {
            tell!("and {} more", self.findings.len() - 50);
        }
    }

    fn find(&mut self, finding: String) {
        self.findings.push(finding);
    }
}

/// Looks at everything.
pub(crate) async fn judge(ground: &Ground, trade: &Trade) -> Verdict {
    let mut verdict = Verdict { findings: trade.complaints.clone(), ..Verdict::default() };
    tokens::judge(ground, trade, &mut verdict).await;
    nonces::judge(ground, &mut verdict).await;
    books::judge(ground, trade, &mut verdict).await;
    verdict.findings.extend(ground.proxy.wire.broken());
    verdict
}
