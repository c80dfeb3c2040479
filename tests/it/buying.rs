//! From a sold sheet to a token in the books, over the routes, on both databases.

mod contacts;
mod feeds;
mod guessing;
mod house;
mod keeping;
mod outbox;
mod proving;
mod racing;
mod raw_look;
mod returning;
mod telling;
mod timing;
mod tombstones;
mod undoing;

use std::time::Duration;

use serde_json::{Value, json};

use self::house::{House, address, order_line, text, wallet};

both_databases! {
    async fn a_sold_sheet_becomes_a_token_of_its_buyers_wallet(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, sheets) = house.publish(3).await;
        let sold = house.sell(&edition_id, "A-1").await;
        let sale = &sold.body["sales"][0];
        let sale_id = text(&sale["sale_id"]);
        assert_eq!(sold.location, Some(format!("/v1/sales/{sale_id}")));
        assert_eq!(sale["impression"], json!({
            "impression_id": sheets[0].impression_id.as_str(), "serial": 1, "label": "1/3",
        }));
        assert_eq!((&sale["payment"], &sale["goods"], &sale["unit"]), (&json!("paid"), &json!("reserved"), &json!(1)));
        assert_eq!((&sale["shipment"], &sale["claim"]["state"]), (&Value::Null, &json!("prepared")));

        let code = text(&house.code(&sale_id, "code").await.body["code"]);
        let buyer = wallet();
        let looked_up = house.buyer("/v1/claims/lookup", &json!({ "code": code })).await;
        assert_eq!((looked_up.status, &looked_up.body["state"]), (200, &json!("prepared")));
        assert_eq!(looked_up.body["edition"]["colophon"]["artist"], "Katsushika Hokusai");
        assert_eq!(house.challenge(&code, &address(&buyer)).await.outcome(), (409, "claim_not_active"));
        assert_eq!(house.redeem(&code, &address(&buyer), "0x").await.outcome(), (409, "claim_not_active"));

        let shipped = house.ship(&sale_id, None).await;
        assert_eq!((&shipped.body["goods"], &shipped.body["claim"]["state"]), (&json!("shipped"), &json!("open")));
        assert_eq!(house.ship(&sale_id, None).await.body, shipped.body, "told twice");

        let (redeemed, _) = house.claim(&code.to_lowercase().replace('-', " "), &buyer).await;
        assert_eq!((redeemed.status, redeemed.location.as_deref()), (202, Some("/v1/tokens/1000100")));
        assert_eq!(redeemed.body, json!({
            "claim_id": shipped.body["claim"]["claim_id"],
            "state": "redeemed",
            "recipient": address(&buyer),
            "token": {
                "token_id": "1000100",
                "caip19": "eip155:31337/erc721:0x00000000000000000000000000000000C0109408/1000100",
                "state": "unissued",
                "progress": "being_recorded",
            },
        }));
        let looked_up = house.buyer("/v1/claims/lookup", &json!({ "code": code })).await;
        assert_eq!(looked_up.body["token"], redeemed.body["token"]);
        let ticket = json!({ "status_token": looked_up.body["status_token"] });
        let status = house.buyer("/v1/claims/status", &ticket).await;
        assert_eq!((status.status, &status.body["token"]), (200, &redeemed.body["token"]));
        let delivered = json!({ "delivered_at": "2026-11-23T11:30:00Z" });
        let delivered = house.shop("POST", &format!("/v1/sales/{sale_id}/delivery"), None, Some(delivered)).await;
        assert_eq!((&delivered.body["goods"], &delivered.body["claim"]["token_id"]), (&json!("delivered"), &json!("1000100")));
        assert_eq!(house.code(&sale_id, "late").await.outcome(), (409, "claim_redeemed"));
        house.wait(Duration::from_hours(2));
        assert_eq!(house.buyer("/v1/claims/status", &ticket).await.outcome(), (401, "status_token_invalid"));
    }

    async fn the_same_wallet_gets_the_first_answer_and_another_finds_nothing(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = house.shipped(&edition_id, "A-1").await;
        let (buyer, thief) = (wallet(), wallet());
        let thiefs_text = text(&house.challenge(&code, &address(&thief)).await.body["message"]);
        let (first, proof) = house.claim(&code, &buyer).await;
        assert_eq!(first.status, 202);
        assert_eq!(house.redeem(&code, &address(&buyer), &proof).await, first);
        // Long after the challenge's ten minutes, and over a fresh one too.
        house.wait(Duration::from_hours(24));
        assert_eq!(house.redeem(&code, &address(&buyer), &proof).await, first);
        assert_eq!(house.claim(&code, &buyer).await.0, first);
        assert_eq!(house.redeem(&code, &address(&buyer), &proof).await, first);
        assert_eq!(house.redeem(&code, &address(&buyer), "0x").await.outcome(), (401, "wallet_proof_invalid"));

        let thiefs_proof = thief.sign_text(&thiefs_text).expect("a signature");
        let refused = house.redeem(&code, &address(&thief), &thiefs_proof).await.anonymous();
        let unknown = house.redeem("never made", &address(&thief), &thiefs_proof).await.anonymous();
        assert_eq!(refused, unknown);
        assert_eq!(house.challenge(&code, &address(&thief)).await.outcome(), (404, "claim_not_found"));
        assert_eq!(house.count("SELECT count(*) FROM tokens").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM calls WHERE kind = 'mint'").await, 1);
    }

    async fn only_the_wallets_own_signature_over_its_own_challenge_proves_it(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let (_, code) = house.shipped(&edition_id, "A-1").await;
        let (_, other_code) = house.shipped(&edition_id, "A-2").await;
        let (buyer, stranger) = (wallet(), wallet());
        let (to, challenge) = (&address(&buyer), house.challenge(&code, &address(&buyer)).await);
        let message = text(&challenge.body["message"]);
        let others_message = text(&house.challenge(&other_code, to).await.body["message"]);
        let sign = |text: &str| buyer.sign_text(text).expect("a signature");
        let wrong = [
            String::new(),
            "0x".to_owned(),
            "sign here".to_owned(),
            stranger.sign_text(&message).expect("a signature"),
            sign("I claim"),
            sign(&message.replace("Chain ID: 31337", "Chain ID: 1")),
            sign(&format!("{message}\n")),
            sign(&others_message),
        ];
        for signature in &wrong {
            let answer = house.redeem(&code, to, signature).await;
            assert_eq!(answer.outcome(), (401, "wallet_proof_invalid"), "{signature}");
        }
        let missing = house.buyer("/v1/claims/redeem", &json!({ "code": code, "recipient": to })).await;
        assert_eq!(missing.outcome(), (401, "wallet_proof_invalid"));
        house.wait(Duration::from_mins(10));
        assert_eq!(house.redeem(&code, to, &sign(&message)).await.outcome(), (401, "wallet_proof_invalid"));
        assert_eq!(house.claim(&code, &buyer).await.0.status, 202);
    }

    async fn recipients_that_nobody_or_the_issuer_holds_are_refused(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = house.shipped(&edition_id, "A-1").await;
        let odd = [
            "",
            "vitalik.eth",
            "0x0000000000000000000000000000000000000000",
            "0x0000000000000000000000000000000000000001",
            "0x000000000000000000000000000000000000dEaD",
            "0x00000000000000000000000000000000c0109408",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        ];
        for recipient in odd {
            let challenge = house.challenge(&code, recipient).await;
            assert_eq!(challenge.outcome(), (422, "recipient_invalid"), "{recipient}");
            let redeemed = house.redeem(&code, recipient, "0x").await;
            assert_eq!(redeemed.outcome(), (422, "recipient_invalid"), "{recipient}");
        }
    }

    async fn codes_that_do_not_stand_are_one_and_the_same_404(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(2).await;
        let (sale_id, replaced) = house.shipped(&edition_id, "A-1").await;
        let (_, voided) = house.shipped(&edition_id, "A-2").await;
        assert_eq!(house.code(&sale_id, "again").await.status, 201);
        let mut tx = house.app.db.begin_write().await.expect("a transaction");
        let void = "UPDATE claims SET state = 'void' WHERE sale_id <> $1";
        tx.execute(void, &[sale_id.as_str().into()]).await.expect("an update");
        tx.commit().await.expect("a commit");

        let to = &address(&wallet());
        let unknown = "00000-00000-00000-00000-000000";
        for code in [unknown, &replaced, &voided, "", "not a code", "<script>", &"0".repeat(10_000)] {
            for answer in [
                house.buyer("/v1/claims/lookup", &json!({ "code": code })).await,
                house.challenge(code, to).await,
                house.redeem(code, to, "0x").await,
            ] {
                assert_eq!(answer.anonymous(), house.challenge(unknown, to).await.anonymous(), "{code}");
            }
        }
        assert_eq!(house.challenge(unknown, to).await.outcome(), (404, "claim_not_found"));
        let query = house.buyer("/v1/claims/lookup?code=00000", &json!({ "code": unknown })).await;
        assert_eq!(query.outcome(), (400, "query_not_allowed"));
        let get = house.shop("GET", "/v1/claims/lookup", None, None).await;
        assert_eq!(get.outcome(), (405, "method_not_allowed"));
    }

    async fn a_code_is_shown_once_and_kept_nowhere(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let sale = house.sell(&edition_id, "A-1").await;
        let sale_id = text(&sale.body["sales"][0]["sale_id"]);
        let first = house.code(&sale_id, "card").await;
        let replay = house.code(&sale_id, "card").await;
        assert_eq!((first.status, &first.body["code_already_shown"]), (201, &json!(false)));
        let withheld = json!({ "claim_id": first.body["claim_id"], "code": null, "code_already_shown": true });
        assert_eq!((replay.status, replay.body), (201, withheld));
        let code = text(&first.body["code"]);
        let looked_up = house.buyer("/v1/claims/lookup", &json!({ "code": code })).await;
        assert_eq!(looked_up.status, 200, "a replay does not kill the code");
        let mut tx = house.app.db.begin_read().await.expect("a transaction");
        let kept: Vec<(String,)> = tx
            .fetch_all("SELECT body FROM idempotency_keys WHERE body IS NOT NULL
                        UNION ALL SELECT payload FROM journal
                        UNION ALL SELECT code_hmac FROM claims", &[])
            .await
            .expect("rows");
        let plain = code.replace('-', "");
        assert!(kept.iter().all(|(row,)| !row.contains(&code) && !row.contains(&plain)));
        drop(tx);
        let missing = house.shop("POST", &format!("/v1/sales/{sale_id}/claim/code"), None, None).await;
        assert_eq!(missing.outcome(), (400, "idempotency_key_missing"));
    }

    async fn an_order_line_is_sold_once_whoever_tells_it_again(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(5).await;
        let mut line = order_line(&edition_id, "A-1");
        line["quantity"] = 2.into();
        let sell = async |key: &str, line: &Value| house.shop("POST", "/v1/sales", Some(key), Some(line.clone())).await;
        let first = sell("k1", &line).await;
        let serials = |answer: &house::Answer| {
            let sales = answer.body["sales"].as_array().cloned().unwrap_or_default();
            sales.iter().map(|sale| (sale["unit"].clone(), sale["impression"]["serial"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(serials(&first), [(json!(1), json!(1)), (json!(2), json!(2))]);
        assert_eq!(sell("k1", &line).await, first, "a replay");
        let again = sell("k2", &line).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "equal facts under another key");
        let mut other = line.clone();
        other["price"]["amount_minor"] = 1.into();
        assert_eq!(sell("k3", &other).await.outcome(), (409, "sale_exists"));
        assert_eq!(sell("k1", &other).await.outcome(), (422, "idempotency_key_reused"));
        assert_eq!(sell("k3", &other).await.outcome(), (409, "sale_exists"), "a replay");
        let listed = house.shop("GET", "/v1/sales?channel=boutique&order=A-1&limit=1", None, None).await;
        assert_eq!(listed.body["items"][0], first.body["sales"][0]);
        let cursor = text(&listed.body["next_cursor"]);
        let rest = house.shop("GET", &format!("/v1/sales?edition_id={edition_id}&cursor={cursor}"), None, None).await;
        assert_eq!((&rest.body["items"][0], &rest.body["next_cursor"]), (&first.body["sales"][1], &Value::Null));
        let one = house.shop("GET", &format!("/v1/sales/{}", text(&first.body["sales"][1]["sale_id"])), None, None).await;
        assert_eq!(one.body, first.body["sales"][1]);
        assert_eq!(house.shop("GET", "/v1/sales/sale_x", None, None).await.outcome(), (404, "not_found"));
    }

    async fn what_cannot_be_sold_leaves_nothing_behind(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, sheets) = house.publish(2).await;
        let (_, draft, _) = house.draft(1).await;
        let (proof, first) = (sheets[2].impression_id.as_str(), sheets[0].impression_id.as_str());
        let cases = [
            (json!({ "edition_id": "ed_01988888888870008000000000000001" }), 422, "edition_unknown"),
            (json!({ "edition_id": "12" }), 422, "edition_unknown"),
            (json!({ "edition_id": draft.edition_id }), 409, "edition_not_published"),
            (json!({ "quantity": 0 }), 422, "quantity_invalid"),
            (json!({ "quantity": -1 }), 422, "quantity_invalid"),
            (json!({ "quantity": 1_000_000 }), 422, "quantity_invalid"),
            (json!({ "quantity": 3 }), 409, "edition_sold_out"),
            (json!({ "quantity": 2, "impression_id": first }), 422, "quantity_invalid"),
            (json!({ "impression_id": "imp_01988888888870008000000000000001" }), 422, "impression_unknown"),
            (json!({ "price": { "amount_minor": -1, "currency": "CNY" } }), 422, "price_invalid"),
            (json!({ "price": { "amount_minor": 1e30, "currency": "CNY" } }), 422, "wrong_type"),
            (json!({ "price": { "amount_minor": 10.5, "currency": "JPY" } }), 422, "wrong_type"),
            (json!({ "price": { "amount_minor": 1, "currency": "RMB" } }), 422, "currency_invalid"),
            (json!({ "sold_at": "9999-01-01T00:00:00Z" }), 422, "wrong_type"),
            (json!({ "sold_at": "2026-11-25T12:00:00Z" }), 422, "sold_at_invalid"),
            (json!({ "sold_at": "1999-12-31T23:59:59Z" }), 422, "sold_at_invalid"),
            (json!({ "order": "" }), 422, "reference_invalid"),
            (json!({ "channel": "a\r\nb" }), 422, "reference_invalid"),
            (json!({ "token_id": 7 }), 422, "unknown_field"),
        ];
        for (place, (change, status, code)) in cases.into_iter().enumerate() {
            let mut line = order_line(&edition_id, "A-1");
            for (field, value) in change.as_object().expect("fields") {
                line[field] = value.clone();
            }
            let answer = house.shop("POST", "/v1/sales", Some(&format!("k{place}")), Some(line)).await;
            assert_eq!(answer.outcome(), (status, code), "{change}");
        }
        assert_eq!(house.count("SELECT count(*) FROM sales").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM impressions WHERE state <> 'available'").await, 0);

        let mut named = order_line(&edition_id, "P-1");
        named["impression_id"] = proof.into();
        let sold = house.shop("POST", "/v1/sales", Some("proof"), Some(named.clone())).await;
        assert_eq!(sold.body["sales"][0]["impression"]["label"], "AP I/I");
        named["order"] = "P-2".into();
        let again = house.shop("POST", "/v1/sales", Some("proof2"), Some(named)).await;
        assert_eq!(again.outcome(), (409, "impression_not_available"));
    }

    async fn the_sheet_that_was_packed_is_the_one_that_was_sold(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, sheets) = house.publish(3).await;
        let id = |place: usize| sheets[place].impression_id.as_str();
        let sale_id = async |order: &str| text(&house.sell(&edition_id, order).await.body["sales"][0]["sale_id"]);
        let (first, second) = (sale_id("A-1").await, sale_id("A-2").await);
        let refused = house.ship(&first, Some(id(1))).await;
        assert_eq!(refused.outcome(), (409, "impression_not_available"), "reserved for the other sale");
        let shipped = house.ship(&first, Some(id(2))).await;
        assert_eq!((shipped.status, &shipped.body["impression"]["serial"]), (200, &json!(3)));
        let states = "SELECT count(*) FROM impressions
                      WHERE (serial = 1 AND state = 'available') OR (serial = 3 AND state = 'sold')";
        assert_eq!(house.count(states).await, 2);
        assert_eq!(house.ship(&first, Some(id(2))).await.body, shipped.body, "told twice");
        assert_eq!(house.ship(&first, Some(id(0))).await.outcome(), (409, "sale_transition_invalid"));
        assert_eq!(text(&house.sell(&edition_id, "A-3").await.body["sales"][0]["impression"]["label"]), "1/3");
        assert_eq!(house.ship(&second, None).await.status, 200);
        let delivery = json!({ "delivered_at": "2026-11-23T11:30:00Z" });
        let path = format!("/v1/sales/{second}/delivery");
        let delivered = house.shop("POST", &path, None, Some(delivery.clone())).await;
        assert_eq!((delivered.status, &delivered.body["goods"]), (200, &json!("delivered")));
        assert_eq!(house.shop("POST", &path, None, Some(delivery)).await.body, delivered.body, "told twice");
    }

    async fn every_statement_of_the_shops_side_is_accepted(db: TestDb) {
        for statement in api::store::statements() {
            let mut tx = db.db.begin_write().await.expect("a transaction");
            let accepted = tx.prepare(statement).await;
            assert!(accepted.is_ok(), "{}\n{accepted:?}", statement.sqlite);
        }
    }
}
