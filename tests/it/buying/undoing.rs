//! Sales that come to nothing: cancellations, refunds, disputes, losses, and what they leave of claim, token and sheet.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};

use super::house::{House, address, setting, text, wallet};

const NOON: &str = "2026-11-23T12:00:00Z";

fn refund() -> Value {
    json!({ "scope": "sale", "refunded_at": NOON })
}

/// How the sheets of an edition stand, as anyone sees it.
async fn census(house: &House, edition_id: &str) -> Value {
    let mut census = house.look(&format!("/v1/editions/{edition_id}/census")).await;
    assert_eq!(census["adds_up"], json!(true), "{census}");
    let fields = census.as_object_mut().expect("fields");
    fields.retain(|name, count| {
        !matches!(name.as_str(), "edition_id" | "adds_up" | "declared_size") && *count != json!(0)
    });
    census
}

/// One sheet and a proof sold, with its code.
async fn sold(house: &House, order: &str, edition_id: &str) -> (String, String) {
    let sale_id = text(&house.sell(edition_id, order).await.body["sales"][0]["sale_id"]);
    let code = text(&house.code(&sale_id, order).await.body["code"]);
    (sale_id, code)
}

both_databases! {
    async fn a_canceled_sale_frees_its_sheet_and_its_code_answers_no_more(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = sold(&house, "A-1", &edition_id).await;
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 1, "reserved": 1 }));
        let cancel = json!({ "canceled_at": NOON });
        let canceled = house.tell(&sale_id, "cancel", cancel.clone()).await;
        assert_eq!((canceled.status, &canceled.body["goods"], &canceled.body["payment"]), (200, &json!("canceled"), &json!("paid")));
        assert_eq!((&canceled.body["undone"], &canceled.body["claim"]["state"]), (&json!("canceled"), &json!("void")));
        assert_eq!(house.tell(&sale_id, "cancel", cancel).await.body, canceled.body, "told twice");
        let found = house.buyer("/v1/claims/lookup", &json!({ "code": code })).await;
        assert_eq!(found.outcome(), (404, "claim_not_found"));
        assert_eq!(house.code(&sale_id, "late").await.outcome(), (409, "claim_void"));
        assert_eq!(house.ship(&sale_id, None).await.outcome(), (409, "sale_transition_invalid"));
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 2 }));
        let next = house.sell(&edition_id, "A-2").await;
        assert_eq!((next.status, &next.body["sales"][0]["impression"]["label"]), (201, &json!("1/1")));
        let (late, refunded) = (house.tell(&sale_id, "refund", refund()).await, house.look(&format!("/v1/editions/{edition_id}/census")).await);
        assert_eq!((&late.body["payment"], &refunded["reserved"]), (&json!("refunded"), &json!(1)), "the next sale keeps its sheet");
    }

    async fn a_refunded_sale_cannot_be_claimed_and_its_sheet_does_not_move(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let (sale_id, code) = house.shipped(&edition_id, "A-1").await;
        let pending = json!({ "scope": "sale", "refunded_at": NOON, "pending": true });
        let pending = house.tell(&sale_id, "refund", pending).await;
        assert_eq!((&pending.body["payment"], &pending.body["claim"]["state"]), (&json!("refund_pending"), &json!("void")));
        let refunded = house.tell(&sale_id, "refund", refund()).await;
        assert_eq!((&refunded.body["payment"], &refunded.body["goods"]), (&json!("refunded"), &json!("shipped")));
        assert_eq!(house.tell(&sale_id, "refund", refund()).await.body, refunded.body, "told twice");
        assert_eq!(house.challenge(&code, &address(&wallet())).await.outcome(), (404, "claim_not_found"));
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 2, "sold": 1 }));
        assert_eq!(house.count("SELECT count(*) FROM impressions WHERE unreturned = 1 AND state = 'sold'").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'void'").await, 0, "there is no token to void");
        let received = json!({ "received_at": NOON });
        house.tell(&sale_id, "receipt", received).await;
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 2, "in_return": 1 }));
        assert_eq!(house.count("SELECT count(*) FROM impressions WHERE unreturned = 1").await, 0);
        let inspected = json!({ "condition": "same_sheet", "inspected_at": NOON });
        assert_eq!(house.tell(&sale_id, "inspection", inspected).await.status, 200);
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 3 }));
    }

    async fn a_refund_that_names_no_sale_changes_neither_claim_nor_sheet(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = house.shipped(&edition_id, "A-1").await;
        let goodwill = |amount: i64, reference: &str| json!({
            "scope": "amount_only", "refunded_at": NOON, "reference": reference,
            "amount": { "amount_minor": amount, "currency": "CNY" },
        });
        let first = house.tell(&sale_id, "refund", goodwill(500, "R-1")).await;
        assert_eq!((first.status, &first.body["payment"], &first.body["undone"]), (200, &json!("paid"), &Value::Null));
        assert_eq!(house.tell(&sale_id, "refund", goodwill(500, "R-1")).await.body, first.body, "told twice");
        assert_eq!(house.tell(&sale_id, "refund", goodwill(501, "R-1")).await.outcome(), (409, "refund_exists"));
        assert_eq!(house.tell(&sale_id, "refund", goodwill(500, "R-2")).await.status, 200);
        let too_much = house.tell(&sale_id, "refund", goodwill(1_940_001, "R-3")).await;
        assert_eq!(too_much.outcome(), (409, "refund_amount_invalid"));
        assert_eq!(house.count("SELECT count(*) FROM amount_refunds").await, 2);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'sale_amount_refunded'").await, 2);
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
    }

    async fn a_refund_takes_an_unsigned_mint_back_and_asks_for_a_tombstone(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = house.shipped(&edition_id, "A-1").await;
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["state"], &token["voiding"], &token["flag"]), (&json!("unissued"), &json!(false), &Value::Null));
        house.tell(&sale_id, "refund", refund()).await;
        house.tell(&sale_id, "refund", refund()).await;
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE business_key = 'mint:1000100' AND state = 'void'").await, 1);
        let waits_for_the_edition = "SELECT count(*) FROM calls JOIN calls AS opening ON opening.call_id = calls.after_call_id
             WHERE calls.business_key = 'void:1000100' AND calls.state = 'queued' AND opening.business_key = 'open_edition:1'";
        assert_eq!(house.count(waits_for_the_edition).await, 1);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'void'").await, 1, "once");
        let token = house.look("/v1/tokens/1000100").await;
        assert_eq!((&token["state"], &token["voiding"], &token["progress"]), (&json!("unissued"), &json!(true), &json!("reserved")));
        assert_eq!(house.buyer("/v1/claims/lookup", &json!({ "code": code })).await.outcome(), (404, "claim_not_found"));
    }

    async fn a_mint_whose_bytes_are_signed_is_left_to_the_chain(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = house.shipped(&edition_id, "A-1").await;
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        for statement in [
            "INSERT INTO lanes (signer, role, first_nonce, lease_until, fence, created_at)
             VALUES ('0x0000000000000000000000000000000000000001', 'minter', 0, 0, 1, 0)",
            "INSERT INTO transactions (transaction_id, signer, nonce, kind, state, calldata, gas_limit, bound_at, updated_at, fence)
             VALUES ('tx_01988888888870008000000000000001', '0x0000000000000000000000000000000000000001', 0, 'mint', 'live', '00', 100000, 0, 0, 1)",
            "UPDATE calls SET state = 'bound', transaction_id = 'tx_01988888888870008000000000000001', position = 0
             WHERE business_key = 'mint:1000100'",
        ] {
            house.write(statement).await;
        }
        assert_eq!(house.tell(&sale_id, "refund", refund()).await.status, 200);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE business_key = 'mint:1000100' AND state = 'bound'").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE business_key = 'void:1000100' AND state = 'queued'").await, 1);
    }

    async fn a_refund_and_a_redemption_at_one_moment_end_as_one_after_the_other(db: TestDb) {
        let house = House::open(&db.db).await;
        let (races, seed) = (setting("COLOPHON_TEST_RACES", 24), setting("COLOPHON_TEST_SEED", 1));
        let (mut edition_id, mut chance) = (String::new(), seed);
        let (mut redeemed_first, mut refunded_first) = (0, 0);
        for race in 0..races {
            if race % 500 == 0 {
                (edition_id, _) = house.publish(500).await;
            }
            let (sale_id, code) = house.shipped(&edition_id, &format!("A-{race}")).await;
            let buyer = wallet();
            let (to, challenge) = (address(&buyer), house.challenge(&code, &address(&buyer)).await);
            let proof = buyer.sign_text(&text(&challenge.body["message"])).expect("a signature");
            // Up to two milliseconds before or after: about what a request takes.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (early, late) = (Duration::ZERO, Duration::from_micros((chance >> 33) % 2_000));
            let waits = if chance >> 63 == 0 { (early, late) } else { (late, early) };
            let (redeemed, refunded) = join(
                async { tokio::time::sleep(waits.0).await; house.redeem(&code, &to, &proof).await },
                async { tokio::time::sleep(waits.1).await; house.tell(&sale_id, "refund", refund()).await },
            )
            .await;
            assert_eq!((refunded.status, &refunded.body["claim"]["state"]), (200, &json!("void")), "race {race} of seed {seed}");
            match redeemed.outcome() {
                (202, _) => redeemed_first += 1,
                (404, "claim_not_found") => refunded_first += 1,
                other => panic!("race {race} of seed {seed}: {other:?}"),
            }
        }
        println!("seed {seed}: redeemed first {redeemed_first}, refunded first {refunded_first}");
        assert_eq!(house.count("SELECT count(*) FROM claims WHERE state <> 'void'").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, redeemed_first);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'mint' AND state = 'void'").await, redeemed_first);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'void' AND state = 'queued'").await, redeemed_first);
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn disputes_show_on_the_token_and_a_lost_one_undoes_the_sale(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, code) = house.shipped(&edition_id, "A-1").await;
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
        let word = |outcome: &str, hour: u8| json!({ "outcome": outcome, "occurred_at": format!("2026-11-23T{hour:02}:00:00Z") });
        let told = async |outcome: &str, hour| text(&house.tell(&sale_id, "dispute", word(outcome, hour)).await.body["dispute"]);
        assert_eq!(told("opened", 5).await, "open");
        assert_eq!(house.look("/v1/tokens/1000100").await["disputed"], json!(true));
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'void'").await, 0);
        assert_eq!(told("won", 7).await, "won");
        assert_eq!(told("reopened", 6).await, "won", "late");
        assert_eq!(told("opened", 5).await, "won", "told again");
        let contradiction = house.tell(&sale_id, "dispute", word("lost", 7)).await;
        assert_eq!(contradiction.outcome(), (409, "sale_transition_invalid"));
        assert_eq!(told("lost", 8).await, "lost");
        assert_eq!(house.count("SELECT count(*) FROM claims WHERE state = 'void'").await, 1);
        let reason = "SELECT count(*) FROM calls WHERE business_key = 'void:1000100' AND arguments LIKE '%disputed%'";
        assert_eq!(house.count(reason).await, 1);
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 1, "sold": 1 }));
    }

    async fn what_does_not_fit_is_refused_and_changes_nothing(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (sale_id, _) = sold(&house, "A-1", &edition_id).await;
        let before = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        let early = [
            ("delivery", json!({ "delivered_at": NOON })),
            ("lost", json!({ "lost_at": NOON })),
            ("return", json!({ "requested_at": NOON })),
            ("return", json!({ "given_up_at": NOON })),
            ("receipt", json!({ "received_at": NOON })),
            ("inspection", json!({ "condition": "same_sheet", "inspected_at": NOON })),
        ];
        for (what, body) in early {
            assert_eq!(house.tell(&sale_id, what, body).await.outcome(), (409, "sale_event_early"), "{what}");
        }
        let bad = [
            ("cancel", json!({}), "field_missing"),
            ("cancel", json!({ "canceled_at": "1999-01-01T00:00:00Z" }), "canceled_at_invalid"),
            ("cancel", json!({ "canceled_at": "2026-11-25T00:00:00Z" }), "canceled_at_invalid"),
            ("cancel", json!({ "canceled_at": NOON, "goods": "canceled" }), "unknown_field"),
            ("return", json!({}), "return_invalid"),
            ("return", json!({ "requested_at": NOON, "given_up_at": NOON }), "return_invalid"),
            ("inspection", json!({ "condition": "fine", "inspected_at": NOON }), "condition_invalid"),
            ("refund", json!({ "scope": "all", "refunded_at": NOON }), "scope_invalid"),
            ("refund", json!({ "scope": "amount_only", "refunded_at": NOON }), "refund_invalid"),
            ("refund", json!({ "scope": "sale", "refunded_at": NOON, "reference": "R-1" }), "refund_invalid"),
            ("dispute", json!({ "outcome": "undecided", "occurred_at": NOON }), "outcome_invalid"),
        ];
        for (what, body, code) in bad {
            assert_eq!(house.tell(&sale_id, what, body.clone()).await.outcome(), (422, code), "{what} {body}");
        }
        let unknown = house.tell("sale_01988888888870008000000000000001", "cancel", json!({ "canceled_at": NOON })).await;
        assert_eq!(unknown.outcome(), (404, "not_found"));
        let after = house.shop("GET", &format!("/v1/sales/{sale_id}"), None, None).await.body;
        assert_eq!(after, before);
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind LIKE 'sale_%' AND kind <> 'sale_recorded'").await, 0);
    }

    async fn a_withdrawn_sheet_never_comes_back(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, sheets) = house.publish(3).await;
        let path = |place: usize| format!("/v1/impressions/{}/withdraw", sheets[place].impression_id);
        let reason = json!({ "reason": "torn in the press room" });
        assert_eq!(house.shop("POST", &path(0), None, Some(reason.clone())).await.outcome(), (403, "scope_insufficient"));
        let (sale_id, _) = sold(&house, "A-1", &edition_id).await;
        let withdrawn = house.curator(&path(0), &reason).await;
        assert_eq!((withdrawn.status, &withdrawn.body["state"]), (200, &json!("withdrawn")), "also of a sale that is not shipped");
        assert_eq!(house.curator(&path(0), &json!({ "reason": "again" })).await.body, withdrawn.body, "told twice");
        assert_eq!(house.count("SELECT count(*) FROM journal WHERE kind = 'impression_withdrawn'").await, 1);
        assert_eq!(house.curator("/v1/impressions/imp_x/withdraw", &reason).await.outcome(), (404, "not_found"));
        assert_eq!(house.curator(&path(1), &json!({ "reason": "" })).await.outcome(), (422, "reason_invalid"));
        assert_eq!(house.ship(&sale_id, None).await.outcome(), (409, "impression_not_available"));
        let shipped = house.ship(&sale_id, Some(sheets[1].impression_id.as_str())).await;
        assert_eq!((shipped.status, &shipped.body["impression"]["serial"]), (200, &json!(2)), "another one is packed");
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 2, "sold": 1, "withdrawn": 1 }));
        let other = text(&house.sell(&edition_id, "A-2").await.body["sales"][0]["sale_id"]);
        house.curator(&path(2), &reason).await;
        assert_eq!(house.tell(&other, "cancel", json!({ "canceled_at": NOON })).await.status, 200);
        assert_eq!(census(&house, &edition_id).await, json!({ "available": 1, "sold": 1, "withdrawn": 2 }));
        assert_eq!(api::conservation::check(&house.app).await.expect("an answer"), 0);
    }

    async fn a_hand_in_the_database_breaks_conservation_and_is_counted(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        house.shipped(&edition_id, "A-1").await;
        let breaches = async || api::conservation::check(&house.app).await.expect("an answer");
        assert_eq!(breaches().await, 0);
        house.write("UPDATE impressions SET state = 'available' WHERE serial = 1").await;
        assert_eq!(breaches().await, 1, "free, and of a sale");
        house.write("UPDATE impressions SET state = 'sold'").await;
        assert_eq!(breaches().await, 2, "two sheets are sold to nobody");
        house.write("UPDATE impressions SET state = 'available' WHERE serial > 1").await;
        assert_eq!(breaches().await, 0);
        house.write("UPDATE editions SET run_size = 3").await;
        assert_eq!(breaches().await, 1, "the edition is short of sheets");
        house.write("UPDATE sales SET payment = 'refunded'").await;
        assert_eq!(breaches().await, 2, "and the claim of a refunded sale stands");
        let census = house.look(&format!("/v1/editions/{edition_id}/census")).await;
        assert_eq!(census["adds_up"], json!(false));
        house.write("UPDATE sales SET payment = 'paid'").await;
        house.write("UPDATE editions SET run_size = 2").await;
        assert_eq!(breaches().await, 0);
        house.publish(3).await;
        house.write("UPDATE impressions SET state = 'sold'").await;
        assert_eq!(breaches().await, 6, "two in the one edition, four in the other");
        house.write("UPDATE impressions SET state = 'available' WHERE impression_id NOT IN (SELECT impression_id FROM sales)").await;
    }
}
