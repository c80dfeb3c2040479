//! What the outside may see of a row of the journal: its type, who may read it, and which of its fields. A field that does not
//! stand here goes nowhere, and a kind that does not stand here is for auditors, with its subject alone. docs/EVENTS.md
//! explains each type.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Who may read an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The shop, and auditors.
    Shop,
    /// Auditors alone.
    Auditor,
}

impl Audience {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Auditor => "auditor",
        }
    }
}

/// An event as it goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// `sale.recorded`.
    pub event_type: Cow<'static, str>,
    /// Who may read it.
    pub audience: Audience,
    /// Its facts.
    pub data: Map<String, Value>,
}

/// A kind of row, the type that it goes out as, and the fields that go with it.
struct Line(&'static str, &'static str, Audience, &'static [&'static str]);

use Audience::{Auditor, Shop};

/// Every kind of row, but the ends of calls, which have a type for each call.
const LINES: [Line; 57] = [
    Line("artwork_cataloged", "artwork.cataloged", Shop, &["artwork_id"]),
    Line("artwork_revised", "artwork.revised", Shop, &["artwork_id"]),
    Line("image_taken_in", "artwork.image_taken_in", Shop, &["artwork_id", "sha256"]),
    Line("edition_drafted", "edition.drafted", Shop, &["edition_id", "artwork_id"]),
    Line(
        "edition_published",
        "edition.published",
        Shop,
        &["edition_id", "number", "image_sha256", "colophon_sha256", "declared_size"],
    ),
    Line("impression_moved", "impression.moved", Shop, &["impression_id", "from", "to"]),
    Line("impression_marked", "impression.marked", Shop, &["impression_id", "unreturned"]),
    Line("impression_withdrawn", "impression.withdrawn", Shop, &["impression_id"]),
    Line(
        "sale_recorded",
        "sale.recorded",
        Shop,
        &[
            "sale_id",
            "channel",
            "order",
            "line",
            "unit",
            "edition_id",
            "impression_id",
            "amount_minor",
            "currency",
            "sold_at",
        ],
    ),
    Line("sale_sheet_exchanged", "sale.sheet_exchanged", Shop, &["sale_id", "reserved", "packed"]),
    // Carrier and tracking number lead to the buyer's address.
    Line("sale_shipped", "sale.shipped", Shop, &["sale_id", "impression_id", "shipped_at"]),
    Line("sale_delivered", "sale.delivered", Shop, &["sale_id", "delivered_at"]),
    Line("sale_lost", "sale.lost", Shop, TOLD),
    Line("sale_canceled", "sale.canceled", Shop, TOLD),
    Line("sale_return_requested", "sale.return_requested", Shop, TOLD),
    Line("sale_return_given_up", "sale.return_given_up", Shop, TOLD),
    Line("sale_received", "sale.received", Shop, TOLD),
    Line("sale_inspected", "sale.inspected", Shop, TOLD),
    Line("sale_refunded", "sale.refunded", Shop, TOLD),
    Line("sale_disputed", "sale.disputed", Shop, TOLD),
    Line(
        "sale_amount_refunded",
        "sale.amount_refunded",
        Shop,
        &["sale_id", "reference", "amount_minor", "refunded_at"],
    ),
    // That there is a contact, never what it says.
    Line("contact_recorded", "sale.contact_recorded", Shop, &["sale_id"]),
    Line("contact_changed", "sale.contact_changed", Shop, &["sale_id"]),
    Line("contact_erased", "sale.contact_erased", Shop, &["sale_id"]),
    Line("window_outlives_lock", "sale.window_outlives_lock", Shop, &["sale_id"]),
    Line("claim_prepared", "claim.prepared", Shop, CLAIM),
    Line("claim_opened", "claim.opened", Shop, CLAIM),
    Line("claim_code_issued", "claim.code_issued", Shop, &["claim_id", "replaced"]),
    Line(
        "claim_redeemed",
        "claim.redeemed",
        Shop,
        &["claim_id", "recipient", "token_id", "settles_at", "safekeeping"],
    ),
    Line("claim_release_ordered", "claim.release_ordered", Shop, &["claim_id", "recipient", "token_id"]),
    Line("claim_surrender_ordered", "claim.surrender_ordered", Shop, &["claim_id", "token_id"]),
    Line("claim_released", "claim.released", Shop, &["claim_id", "recipient", "token_id"]),
    Line("claim_voided", "claim.voided", Shop, CLAIM),
    Line("claim_reissued", "claim.reissued", Shop, &["claim_id", "voided", "token_id"]),
    Line("token_issued", "token.issued", Shop, &["token_id", "impression_id", "recipient"]),
    Line("token_surrendered", "token.surrendered", Shop, &["token_id"]),
    Line("token_flagged", "token.flagged", Shop, &["sale_id", "token_id", "cause"]),
    Line("token_unflagged", "token.unflagged", Shop, &["sale_id", "token_id"]),
    Line("call_queued", "call.queued", Auditor, &["call_id", "business_key"]),
    Line("call_requeued", "call.requeued", Auditor, &["call_id", "business_key", "reason"]),
    Line("call_ended", "call.ended", Auditor, CALL),
    Line("lane_opened", "lane.opened", Auditor, &["signer", "role", "first_nonce"]),
    Line("lane_frozen", "lane.frozen", Auditor, &["signer", "reason"]),
    Line("lane_resumed", "lane.resumed", Auditor, &["signer", "put_back"]),
    Line("database_bound", "database.bound", Auditor, &["chain_id", "contract", "image_store_id"]),
    Line("secret_bound", "secret.bound", Auditor, &["name"]),
    Line("api_key_created", "api_key.created", Auditor, &["api_key_id", "scope"]),
    Line("api_key_revoked", "api_key.revoked", Auditor, &["api_key_id"]),
    Line("webhook_endpoint_created", "webhook_endpoint.created", Auditor, ENDPOINT),
    Line("webhook_endpoint_changed", "webhook_endpoint.changed", Auditor, ENDPOINT),
    Line("webhook_endpoint_enabled", "webhook_endpoint.enabled", Auditor, ENDPOINT),
    Line(
        "webhook_endpoint_disabled",
        "webhook_endpoint.disabled",
        Auditor,
        &["webhook_endpoint_id", "reason"],
    ),
    Line("webhook_endpoint_removed", "webhook_endpoint.removed", Auditor, ENDPOINT),
    Line(
        "webhook_secret_rotated",
        "webhook_endpoint.secret_rotated",
        Auditor,
        &["webhook_endpoint_id", "version"],
    ),
    Line(
        "webhook_deliveries_replayed",
        "webhook_endpoint.replayed",
        Auditor,
        &["webhook_endpoint_id", "events"],
    ),
    Line(TESTED_KIND, TESTED, Shop, ENDPOINT),
    Line(
        "webhook_delivery_given_up",
        "webhook_endpoint.delivery_given_up",
        Auditor,
        &["webhook_endpoint_id", "event_id"],
    ),
];

const TOLD: &[&str] = &["sale_id", "happened_at", "outcome"];
const CLAIM: &[&str] = &["claim_id", "sale_id"];
const CALL: &[&str] = &["call_id", "business_key", "state", "reason"];
const ENDPOINT: &[&str] = &["webhook_endpoint_id"];

/// The types that say to which sale a token belongs from then on.
pub(crate) const BINDS_A_TOKEN: [&str; 2] = ["claim.redeemed", "claim.reissued"];

/// The kind of row that asks for a test event.
pub(super) const TESTED_KIND: &str = "webhook_endpoint_tested";
/// The type of a test event. It goes to the endpoint that asked for it, and to no other.
pub const TESTED: &str = "webhook_endpoint.tested";

/// What the chain has done when a call of that kind is done, by the first part of its business key.
const DONE: [(&str, &str); 6] = [
    ("open_edition", "edition.opened"),
    ("mint", "token.minted"),
    ("settle", "token.settled"),
    ("void", "token.voided"),
    ("release", "token.released"),
    ("surrender", "token.surrendered"),
];

/// The types that an endpoint may ask for.
#[must_use]
pub fn subscribable() -> Vec<&'static str> {
    let lines = LINES.iter().filter(|line| line.2 == Shop && line.1 != TESTED).map(|line| line.1);
    let mut types: Vec<_> = lines.chain(DONE.iter().map(|(_, done)| *done)).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// Every type.
#[must_use]
pub fn all() -> Vec<&'static str> {
    let mut types: Vec<_> =
        LINES.iter().map(|line| line.1).chain(DONE.iter().map(|(_, done)| *done)).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// What the outside may see of a row.
#[must_use]
pub fn outgoing(kind: &str, subject: &str, payload: &Value) -> Outgoing {
    if let Some(done) = (kind == "call_ended").then(|| call_done(payload)).flatten() {
        return done;
    }
    let Some(Line(_, event_type, audience, fields)) = LINES.iter().find(|line| line.0 == kind) else {
        let data = Map::from_iter([("subject".to_owned(), subject.into())]);
        let event_type = Cow::Owned(kind.replacen('_', ".", 1));
        return Outgoing { event_type, audience: Auditor, data };
    };
    let picked = fields.iter().filter_map(|field| Some(((*field).to_owned(), payload.get(*field)?.clone())));
    Outgoing { event_type: Cow::Borrowed(event_type), audience: *audience, data: picked.collect() }
}

/// A call that the chain carried out: what it means, and where it stands.
fn call_done(payload: &Value) -> Option<Outgoing> {
    let text = |field: &str| payload.get(field).and_then(Value::as_str);
    let (call, on) = text("business_key")?.split_once(':')?;
    let (_, event_type) = DONE.iter().find(|(known, _)| *known == call && text("state") == Some("done"))?;
    let subject = if call == "open_edition" { "number" } else { "token_id" };
    let on = match on.parse::<u64>() {
        Ok(number) if call == "open_edition" => number.into(),
        _ => on.into(),
    };
    let mut data = Map::from_iter([(subject.to_owned(), on)]);
    for (field, name) in [("attempt_hash", "transaction_hash"), ("block_number", "block_number")] {
        if let Some(value) = payload.get(field) {
            data.insert(name.to_owned(), value.clone());
        }
    }
    Some(Outgoing { event_type: Cow::Borrowed(event_type), audience: Shop, data })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_listed_fields_go_out() {
        let payload = json!({ "sale_id": "sale_1", "impression_id": "imp_1", "carrier": "SF", "tracking_ref": "SF1",
                              "shipped_at": "2026-11-23T11:00:00Z", "buyer_email": "a@example.com" });
        let out = outgoing("sale_shipped", "sale_1", &payload);
        assert_eq!((out.event_type.as_ref(), out.audience), ("sale.shipped", Audience::Shop));
        let data =
            json!({ "sale_id": "sale_1", "impression_id": "imp_1", "shipped_at": "2026-11-23T11:00:00Z" });
        assert_eq!(Value::Object(out.data), data);
    }

    #[test]
    fn a_kind_that_nobody_listed_shows_its_subject_to_auditors() {
        let out = outgoing("parcel_weighed_twice", "parcel_1", &json!({ "secret": "x" }));
        assert_eq!((out.event_type.as_ref(), out.audience), ("parcel.weighed_twice", Audience::Auditor));
        assert_eq!(Value::Object(out.data), json!({ "subject": "parcel_1" }));
    }

    #[test]
    fn the_end_of_a_call_is_told_as_what_the_chain_did() {
        let ended = |key: &str, state: &str| {
            let payload = json!({ "call_id": "call_1", "business_key": key, "state": state, "attempt_hash": "0xab",
                                  "block_number": 7 });
            outgoing("call_ended", key, &payload)
        };
        let minted = ended("mint:12017100", "done");
        assert_eq!((minted.event_type.as_ref(), minted.audience), ("token.minted", Audience::Shop));
        let data = json!({ "token_id": "12017100", "transaction_hash": "0xab", "block_number": 7 });
        assert_eq!(Value::Object(minted.data), data);
        assert_eq!(ended("open_edition:12", "done").data["number"], 12);
        for (key, state) in [("mint:12017100", "void"), ("void:12017100", "refused"), ("odd", "done")] {
            let out = ended(key, state);
            assert_eq!((out.event_type.as_ref(), out.audience), ("call.ended", Audience::Auditor), "{key}");
        }
    }

    #[test]
    fn the_document_names_every_type() {
        let document = include_str!("../../../../docs/EVENTS.md");
        let missing: Vec<_> =
            all().into_iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
        assert_eq!(missing, [""; 0], "tell in docs/EVENTS.md what they hold");
    }

    #[test]
    fn each_type_is_told_of_one_kind_and_each_kind_once() {
        let mut kinds: Vec<_> = LINES.iter().map(|line| line.0).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), LINES.len());
        assert!(subscribable().contains(&"token.minted") && !subscribable().contains(&TESTED));
        assert!(!subscribable().contains(&"api_key.created"));
    }
}
