//! Every place that `crash_point!` names, by the story that takes a process there, in the order in which it does.

use std::collections::BTreeSet;

/// A round of a house's business.
pub(super) const BUSINESS: [&str; 83] = [
    "idempotency.taken",
    "idempotency.answered",
    "artwork.committed",
    "idempotency.committed",
    "image.received",
    "image.rendition_named",
    "image.unnamed",
    "image.named",
    "image.kept",
    "image.attached",
    "image.attached.committed",
    "publish.sheets",
    "publish",
    "publish.committed",
    "lease.taken",
    "lease.taken.committed",
    "bind.members",
    "bind",
    "bind.committed",
    "sign.signed",
    "purse.promised",
    "store",
    "store.committed",
    "send.begun",
    "provider.answered",
    "send.answered",
    "send.noted",
    "send.noted.committed",
    "receipt.read",
    "included",
    "included.committed",
    "confirmed",
    "purse.settled",
    "call.ended",
    "confirmed.committed",
    "sale.before_claim",
    "sale",
    "sale.committed",
    "code",
    "code.committed",
    "idempotency.refused",
    "idempotency.freed",
    "carry_out.sale",
    "carry_out.claim_opened",
    "tell.shipped",
    "tell",
    "tell.committed",
    "challenge",
    "mint.queued",
    "redeem.token_issued",
    "redeem",
    "redeem.committed",
    "tell.delivered",
    "carry_out.settling",
    "tell.disputed",
    "tell.amount_refunded",
    "tell.canceled",
    "carry_out.sheet_moved",
    "exchange.freed",
    "tell.lost",
    "carry_out.claim_voided",
    "carry_out.sheet_marked",
    "tell.refunded",
    "carry_out.mint_withdrawn",
    "tell.return_requested",
    "tell.received",
    "tell.inspected",
    "follow",
    "follow.committed",
    "tell.return_given_up",
    "carry_out.reissued",
    "carry_out.flagged",
    "lease.renewed",
    "conservation.looking",
    "idempotency.swept",
    "audit.seal",
    "audit.seal.committed",
    "audit.head_unnamed",
    "events.publish",
    "events.publish.committed",
    "deliver.taken",
    "deliver.answered",
    "deliver.settled",
];
/// A transaction that waits is offered more.
pub(super) const FEES: [&str; 4] = ["bump.signed", "bump.store", "bump.store.committed", "bump.sent"];
/// A block that held a transaction goes.
pub(super) const REORGS: [&str; 2] = ["fell_out", "fell_out.committed"];
/// A transaction reverts as a whole.
pub(super) const REVERTS: [&str; 3] = ["reverted", "call.requeued", "reverted.committed"];
/// Somebody else's transaction takes the nonce.
pub(super) const DISPLACEMENTS: [&str; 2] = ["displaced", "displaced.committed"];
/// Another process has the lane.
pub(super) const THEFTS: [&str; 1] = ["lease.lost"];
/// The process is told to stop.
pub(super) const STOPS: [&str; 1] = ["lease.given_back"];
/// A holder gives a settled token up.
pub(super) const SURRENDERS: [&str; 1] = ["follow.surrendered"];
/// The chain loses final blocks, and an operator lets the lane go on.
pub(super) const FROZEN: [&str; 3] = ["lane.frozen", "lane.resumed", "lane.resumed.committed"];
/// A first start beside a chain.
pub(super) const FIRST_START: [&str; 8] = [
    "schema.step",
    "start.secrets",
    "start.chain",
    "start.binding",
    "start.bound",
    "lane.made",
    "lane.made.committed",
    "lease.taken",
];
/// A first start that brings its own chain.
pub(super) const FIRST_EMBEDDED_START: [&str; 12] = [
    "schema.step",
    "start.secrets",
    "devchain.spawned",
    "devchain.recorded",
    "start.chain",
    "deploy.signed",
    "deploy.sent",
    "start.deployed",
    "start.binding",
    "start.bound",
    "lane.made",
    "lane.made.committed",
];

const ALL: [&[&str]; 11] = [
    &BUSINESS,
    &FEES,
    &REORGS,
    &REVERTS,
    &DISPLACEMENTS,
    &THEFTS,
    &STOPS,
    &SURRENDERS,
    &FROZEN,
    &FIRST_START,
    &FIRST_EMBEDDED_START,
];

/// The names in the sources of the crates.
fn named() -> Vec<String> {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"))];
    let mut named = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                let places = code.split("crash_point!(\"").skip(1);
                named.extend(places.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned()));
            }
        }
    }
    named
}

#[test]
fn every_named_place_is_driven_by_a_story_and_has_a_name_of_its_own() {
    let named = named();
    let driven: BTreeSet<String> = ALL.concat().into_iter().map(ToOwned::to_owned).collect();
    let distinct: BTreeSet<String> = named.iter().cloned().collect();
    assert_eq!(named.len(), distinct.len(), "two places have one name: {named:?}");
    assert_eq!(distinct, driven, "the places in the sources, and those that a story drives");
    assert!(distinct.len() >= 45, "only {} places are named", distinct.len());
}
