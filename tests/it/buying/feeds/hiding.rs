//! What shops send names the buyer: it is encrypted while it waits or is parked, and gone after.

use api::inbox::encrypt_older;
use catalog::digest::Sha256Digest;
use tests::anvil::hex;

use super::super::raw_look::{all_rows, assert_hidden, exchange};
use super::*;

const NAME: &str = "Chiyo Yoshida";
const EMAIL: &str = "chiyo@example.com";
const PHONE: &str = "+81 3 5555 0100";

/// A text with its buyer.
fn bought(mut text: Value) -> Value {
    text["customer"] = json!({ "name": NAME, "email": EMAIL });
    text["phone"] = json!(PHONE);
    text
}

impl Feed {
    async fn open_entry(&self, state: &str) -> api::feed::Entry {
        self.review().list(state).await.expect("entries").remove(0)
    }
}

both_databases! {
    async fn what_is_sent_stands_nowhere_in_clear_whatever_becomes_of_it(db: TestDb) {
        let feed = Feed::without_articles(&db.db).await;
        let (edition_id, _) = feed.house.publish(9).await;
        let order = bought(order_of(7, 1));
        let refund = bought(shopify::refund(71, 7, &[(LINE, 1)], "cancel"));
        let digest = Sha256Digest::of(order.to_string().as_bytes()).to_string();
        let secrets = [NAME, EMAIL, PHONE, &digest];
        feed.feed("refunds/create", &refund).await;
        feed.feed("orders/paid", &order).await;
        assert_eq!((feed.reasons("waiting").await, feed.reasons("parked").await), (vec!["sale_missing".to_owned()], vec!["sku_unmapped".to_owned()]));
        assert_hidden(&db, &secrets, "while one waits and one is parked").await;
        // What was sent can still be shown.
        let parked = feed.open_entry("parked").await;
        assert_eq!(feed.opened(&parked), Some(order.to_string().into_bytes()));
        assert!(!format!("{parked:?}").contains("Chiyo"));

        feed.review().replay(&parked.entry_id, "looked at").await.expect("replayed");
        feed.work().await;
        assert_eq!(feed.reasons("parked").await, ["sku_unmapped"]);
        feed.deliver("orders/paid", &order).await;
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox").await, 2, "the same text is known again");
        assert_hidden(&db, &secrets, "after a replay").await;

        feed.sells(SKU, Some(&edition_id)).await;
        feed.work().await;
        assert_eq!(feed.facts(7, "payment").await, ["refunded"]);
        feed.feed("products/create", &order).await;
        let dismissed = feed.open_entry("parked").await.entry_id;
        feed.review().dismiss(&dismissed, "no use").await.expect("dismissed");
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox WHERE body_encrypted IS NOT NULL").await, 0);
        assert_hidden(&db, &secrets, "when all is over").await;
    }

    async fn a_text_in_another_entrys_row_cannot_be_read_and_has_no_effect(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        feed.deliver("orders/paid", &bought(order_of(7, 1))).await;
        feed.deliver("orders/paid", &bought(order_of(8, 1))).await;
        let (select, update) = ("SELECT entry_id, body_encrypted FROM inbox", "UPDATE inbox SET body_encrypted = $2 WHERE entry_id = $1");
        exchange(&db.db, select, update).await;
        feed.work().await;
        assert_eq!(feed.reasons("waiting").await, ["internal_error"; 2]);
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM sales").await, 0);
    }

    async fn what_an_older_version_kept_in_clear_is_encrypted_and_goes_on(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 9).await;
        let order = bought(order_of(7, 1));
        let odd = b"{\"name\":\"Chiyo\xFF\"}";
        keep_plain(&feed, "order", Some(&order.to_string()), None, order.to_string().as_bytes()).await;
        keep_plain(&feed, "refund", None, Some(&hex(odd)), odd).await;
        let done = bought(order_of(6, 1)).to_string();
        keep_plain(&feed, "order", None, None, done.as_bytes()).await;
        assert!(all_rows(&db.db).await.contains(NAME));

        let app = &feed.house.app;
        let encrypted = encrypt_older(&app.db, &app.contact_key, &SystemChance).await.expect("encrypted");
        let again = encrypt_older(&app.db, &app.contact_key, &SystemChance).await.expect("encrypted");
        assert_eq!((encrypted, again), (3, 0));
        let rows = all_rows(&db.db).await;
        let digest = Sha256Digest::of(order.to_string().as_bytes()).to_string();
        for secret in [NAME, EMAIL, PHONE, &hex(odd), &digest] {
            assert!(!rows.contains(secret), "{secret} is still there");
        }
        // They are known again, and worked on.
        feed.deliver("orders/paid", &order).await;
        feed.deliver("orders/paid", &bought(order_of(6, 1))).await;
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox").await, 3);
        feed.work().await;
        assert_eq!((feed.sales(7).await.len(), feed.reasons("parked").await), (1, vec!["body_unreadable".to_owned()]));
        assert_eq!(feed.opened(&feed.open_entry("parked").await), Some(odd.to_vec()));
    }
}

/// Writes an entry as the version before did: open with its text, done without.
async fn keep_plain(feed: &Feed, topic: &str, body: Option<&str>, body_hex: Option<&str>, bytes: &[u8]) {
    let app = &feed.house.app;
    let state = if body.is_some() || body_hex.is_some() { "waiting" } else { "done" };
    let entry_id = api::feed::EntryId::generate(app.clock.now(), &SystemChance);
    let values = [
        (&entry_id).into(),
        topic.into(),
        body.into(),
        body_hex.into(),
        Sha256Digest::of(bytes).into(),
        state.into(),
        app.clock.now().into(),
    ];
    let mut tx = app.db.begin_write().await.expect("a transaction");
    let insert = "
        INSERT INTO inbox (
            entry_id, channel, topic, topic_told, origin, body, body_hex, body_mac, plain, state, tries, due_at,
            waits_from, received_at, updated_at
        ) VALUES ($1, 'boutique', $2, '', 'webhook', $3, $4, $5, 1, $6, 0, $7, $7, $7, $7)";
    tx.execute(insert, &values).await.expect("a row");
    tx.commit().await.expect("a commit");
}
