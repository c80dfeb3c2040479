//! Events out of the real program: killed at the worst moments, it tells its receiver all the same, under the same ids.

use serde_json::{Value, json};

use crate::harness::app::{TestApp, Wallet, id_of};
use crate::harness::receiver::{Received, Receiver, Reply};

const SETTINGS: [(&str, &str); 3] = [
    ("COLOPHON_OUTBOX__ALLOW_LOOPBACK", "true"),
    ("COLOPHON_OUTBOX__TIMEOUT_SECONDS", "2"),
    ("COLOPHON_OUTBOX__RETRY_SECONDS", "1,1,1,1,1,1,1,1,1,1"),
];

/// Makes an endpoint; gives its secret.
async fn endpoint(app: &TestApp, receiver: &Receiver) -> String {
    let body = json!({ "url": receiver.url() });
    app.post("/v1/webhook-endpoints", &body).by_shop().once().await.expect(201).text("secret")
}

/// The ids under which the journal knows what happened to a sale, by type.
async fn id_in_list(app: &TestApp, sale: &Value, event_type: &str) -> String {
    let path = format!("/v1/events?sale_id={}&type={event_type}", id_of(sale));
    app.get(&path).by_shop().await.expect(200).at("/items/0/event_id")
}

fn is(sale: &Value, event_type: &str) -> impl Fn(&Received) -> bool {
    let (sale, event_type) = (id_of(sale).to_owned(), event_type.to_owned());
    move |one| one.sale() == sale && one.event_type() == event_type
}

both_databases! {
    async fn a_service_killed_before_publishing_and_in_the_middle_of_a_delivery_tells_all_under_the_same_ids(db: TestDb) {
        let mut app = TestApp::start_with(&db, &SETTINGS).await;
        let edition = app.publish_edition(3).await;
        let receiver = Receiver::start().await;
        let secret = endpoint(&app, &receiver).await;

        // Killed at once: the sale is in the journal, and nobody was told.
        let sale = app.sell(&edition).await;
        app.die();
        // After the restart every delivery hangs: killed again while the receiver has it and the books do not know.
        receiver.always(Some(Reply::Hang));
        app.start_again().await;
        let first = receiver.wait_for(is(&sale, "sale.recorded")).await;
        app.die();
        receiver.always(None);
        receiver.take();
        app.start_again().await;
        let again = receiver.wait_for(is(&sale, "sale.recorded")).await;
        assert_eq!((&first.id, &first.body), (&again.id, &again.body));
        assert_eq!(again.id, id_in_list(&app, &sale, "sale.recorded").await);
        assert_eq!((first.signatures_of(&secret), again.signatures_of(&secret)), (1, 1));

        // And the rest of the story, to the chain and back.
        let code = app.claim_code(&sale).await;
        app.ship(&sale).await.expect(200);
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        let minted = receiver.wait_for(is(&sale, "token.minted")).await;
        assert_eq!(minted.json()["data"]["token_id"], json!(token_id));
        assert_eq!(minted.json()["data"]["transaction_hash"], app.recorded(&token_id).await["tx_hash"]);
        let refund = json!({ "scope": "sale", "refunded_at": "2026-11-22T10:00:00Z" });
        app.tell(&sale, "refund", &refund).await.expect(200);
        let voided = receiver.wait_for(is(&sale, "token.voided")).await;
        assert_eq!(voided.signatures_of(&secret), 1);

        // In order.
        let told: Vec<_> = receiver.received().into_iter().filter(|one| one.sale() == id_of(&sale)).collect();
        let place = |event_type: &str| told.iter().position(|one| one.event_type() == event_type).expect("it came");
        let order = ["sale.recorded", "claim.prepared", "sale.shipped", "claim.redeemed", "token.minted", "sale.refunded",
                     "claim.voided", "token.voided"];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{told:#?}");

        // The journal that all of it came from is sealed, and its end told.
        let said = app.say(&["audit", "verify"]).pop().expect("a line");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["verdict"], "intact", "{said}");
        assert!(said["rows"].as_i64() > Some(20) && said["head_file"]["count"].is_i64(), "{said}");
    }
}
