//! Every nonce is explained, and everything that was seen on the wire is stored.

use tests::oracle::nonces;

use super::Verdict;
use crate::ground::Ground;

pub(super) async fn judge(ground: &Ground, verdict: &mut Verdict) {
    // Nothing reverts here, and nobody else uses the keys.
    let found = nonces::judge(&ground.chain, &ground.books, &["confirmed"]).await;
    verdict.unexplained_nonces += found.unexplained;
    verdict.findings.extend(found.findings);
    for hash in ground.proxy.wire.hashes() {
        if !found.stored.contains(hash.as_str()) {
            verdict.find(format!("the attempt {hash} left and is not in the books"));
        }
    }
}
