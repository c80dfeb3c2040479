//! Which deliveries are taken in. FAULTS §4 rows 45 to 48 and 50.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use catalog::digest::Sha256Digest;

use super::*;

const SIGNATURE: &str = "X-Shopify-Hmac-SHA256";

both_databases! {
    async fn what_is_not_signed_as_it_must_be_is_refused_and_leaves_nothing(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 3).await;
        let body = order_of(1, 1).to_string().into_bytes();
        let right = shopify::sign(&body);
        let bytes = BASE64_STANDARD.decode(&right).expect("base64");
        let hexed = Sha256Digest::from_bytes(bytes.clone().try_into().expect("32 bytes")).to_string();
        let mut forged = bytes.clone();
        forged[31] ^= 1;
        for wrong in [
            String::new(),
            hexed,
            BASE64_STANDARD.encode(&bytes[..31]),
            BASE64_STANDARD.encode([&bytes[..], b"\0"].concat()),
            BASE64_URL_SAFE.encode([&[0xFB_u8][..], &bytes[1..]].concat()),
            right.trim_end_matches('=').to_owned(),
            BASE64_STANDARD.encode(&forged),
            api::feed::signature::WebhookSecret::new(b"the secret of another shop").sign(&body),
            format!("{right}, {right}"),
        ] {
            let answer = feed.post("orders/paid", &[(SIGNATURE, &wrong)], body.clone()).await;
            assert_eq!(answer.outcome(), (401, "webhook_signature_invalid"), "{wrong}");
        }
        let none = feed.post("orders/paid", &[], body.clone()).await;
        assert_eq!(none.outcome(), (401, "webhook_signature_invalid"));
        let two = feed.post("orders/paid", &[(SIGNATURE, &right), (SIGNATURE, &right)], body.clone()).await;
        assert_eq!(two.outcome(), (401, "webhook_signature_invalid"));
        // The same text after a proxy had its hands on it.
        let text = String::from_utf8(body.clone()).expect("text");
        let reordered: Value = serde_json::from_str(&text).expect("JSON");
        for changed in [
            serde_json::to_vec_pretty(&reordered).expect("JSON"),
            text.replace(",\"", ",\r\n\"").into_bytes(),
            [b"\xEF\xBB\xBF", &body[..]].concat(),
            [&body[..], b"\n"].concat(),
            body[..body.len() - 1].to_vec(),
            Vec::new(),
        ] {
            let answer = feed.post("orders/paid", &[(SIGNATURE, &right)], changed).await;
            assert_eq!(answer.outcome(), (401, "webhook_signature_invalid"));
        }
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM inbox").await, 0);

        let loud = feed.post("orders/paid", &[("X-SHOPIFY-HMAC-SHA256", &right)], body).await;
        assert_eq!((loud.status, feed.work().await, feed.sales(1).await.len()), (200, 1, 1));
    }

    async fn the_shop_is_the_one_whose_secret_signed_whatever_headers_say(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 3).await;
        let body = order_of(1, 1).to_string().into_bytes();
        let signature = shopify::sign(&body);
        let headers = [
            (SIGNATURE, signature.as_str()),
            ("X-Shopify-Shop-Domain", "another-shop.myshopify.com"),
            ("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
        ];
        assert_eq!(feed.post("orders/paid", &headers, body.clone()).await.status, 200);
        feed.work().await;
        assert_eq!(feed.facts(1, "channel").await, ["boutique"]);
        // A captured delivery under other topics: the signed body does not say what they say.
        for topic in ["orders/cancelled", "refunds/create", "fulfillments/create", "disputes/create"] {
            assert_eq!(feed.post(topic, &headers, body.clone()).await.status, 200);
        }
        feed.work().await;
        assert_eq!(feed.reasons("parked").await, ["body_unreadable"; 4]);
        assert_eq!((feed.facts(1, "goods").await, feed.facts(1, "payment").await), (vec!["reserved".to_owned()], vec!["paid".to_owned()]));
        let elsewhere = Request::post("/v1/webhooks/corner-shop").header(SIGNATURE, &signature);
        let elsewhere = feed.house.send(elsewhere.body(Body::from(body)).expect("a request")).await;
        assert_eq!(elsewhere.outcome(), (404, "not_found"));
    }

    async fn what_is_signed_is_kept_to_the_byte_whatever_it_says(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 3).await;
        let order = order_of(1, 1).to_string();
        let id = |text: &str| order.replace("\"id\":1,", &format!("\"id\":{text},")).into_bytes();
        let deep = [b"{\"id\":1,\"note\":", &b"[".repeat(200_000)[..]].concat();
        let odd: [(&str, &str, Vec<u8>, &str); 13] = [
            ("products/create", "2026-10", order.clone().into_bytes(), "topic_unknown"),
            ("", "2026-10", order.clone().into_bytes(), "topic_unknown"),
            ("orders/paid", "2031-01", order.clone().into_bytes(), "api_version_unknown"),
            ("orders/paid", "unstable", id("12"), "api_version_unknown"),
            ("orders/paid", "2026-10", id("9223372036854775808"), "body_unreadable"),
            ("orders/paid", "2026-10", id("1.5"), "body_unreadable"),
            ("orders/paid", "2026-10", id("null"), "body_unreadable"),
            ("orders/paid", "2026-10", order.replace("\"currency\"", "\"money\"").into_bytes(), "body_unreadable"),
            ("orders/paid", "2026-10", b"{}".to_vec(), "body_unreadable"),
            ("orders/paid", "2026-10", b"not JSON".to_vec(), "body_unreadable"),
            ("orders/paid", "2026-10", b"{\"id\":\"\xFF\xFE\"}".to_vec(), "body_unreadable"),
            ("orders/paid", "2026-10", b"{\"id\":\"\0\"}".to_vec(), "body_unreadable"),
            ("orders/paid", "2026-10", deep, "body_unreadable"),
        ];
        for (topic, version, body, _) in &odd {
            let headers = [(SIGNATURE, &*shopify::sign(body)), ("X-Shopify-API-Version", version)];
            // Unknown topics are one: the first and second are the same delivery.
            assert_eq!(feed.post(topic, &headers, body.clone()).await.status, 200, "{topic}");
        }
        feed.work().await;
        let parked = feed.review().list("parked").await.expect("entries");
        let kept: Vec<_> = odd.iter().enumerate().filter(|(place, _)| *place != 1).map(|(_, odd)| odd).collect();
        assert_eq!(parked.len(), kept.len());
        for (_, version, body, reason) in kept {
            let found = parked.iter().find(|entry| {
                feed.opened(entry).as_ref() == Some(body) && entry.version_told.as_deref() == Some(version)
            });
            let found = found.and_then(|entry| entry.state.reason());
            assert_eq!(found.map(|found| &*found.code), Some(*reason));
        }
        assert_eq!(feed.house.count("SELECT COUNT(*) FROM sales").await, 0);
        // Numbers may come as text: that is no oddity.
        feed.deliver("orders/paid", &serde_json::from_slice(&id("\"77\"")).expect("JSON")).await;
        feed.work().await;
        assert_eq!(feed.sales(77).await.len(), 1);
    }

    async fn an_order_of_five_megabytes_is_taken_in_and_a_larger_one_than_the_limit_is_not(db: TestDb) {
        let (feed, _) = Feed::open(&db.db, 3).await;
        feed.sells("POSTCARD", None).await;
        let mut lines: Vec<_> = (0..9_999).map(|n| shopify::line(10_000 + n, "POSTCARD", 1, "12.00")).collect();
        lines.push(shopify::line(LINE, SKU, 2, "19400.00"));
        let mut order = shopify::order(1, &lines);
        order["note"] = "n".repeat(2 << 20).into();
        assert!(order.to_string().len() > 4 << 20);
        feed.feed("orders/paid", &order).await;
        assert_eq!(feed.facts(1, "payment").await, ["paid"; 2]);

        order["note"] = "n".repeat(9 << 20).into();
        let body = order.to_string().into_bytes();
        let answer = feed.post("orders/paid", &[(SIGNATURE, &shopify::sign(&body))], body).await;
        assert_eq!(answer.outcome(), (413, "body_too_large"));
    }

    async fn either_of_two_secrets_signs_and_then_only_the_new_one(db: TestDb) {
        let settings = |folder: &std::path::Path, both: bool| {
            let settings = shopify::settings(folder, "http://127.0.0.1:9/");
            let newer = folder.join("boutique-newer");
            minting::signer::write_secret(&newer, b"shpss_the_newer_secret\n").expect("a secret");
            let old = format!("\"{}/boutique-webhook\"", folder.display());
            let newer = format!("\"{}\"", newer.display());
            let secrets = if both { format!("{old}, {newer}") } else { newer };
            Some(settings.replace(&old, &secrets))
        };
        let newer = api::feed::signature::WebhookSecret::new(b"shpss_the_newer_secret");
        for both in [true, false] {
            let secrets = TempDir::with_prefix("colophon-shop-").expect("a folder");
            let parts = Parts { file: settings(secrets.path(), both), ..Parts::default() };
            let house = House::open_beside(&db.db, &[], parts).await;
            for (signature, good) in [(shopify::sign(b"{}"), both), (newer.sign(b"{}"), true)] {
                let request = Request::post("/v1/webhooks/boutique").header(SIGNATURE, signature);
                let answer = house.send(request.body(Body::from("{}")).expect("a request")).await;
                assert_eq!(answer.status, if good { 200 } else { 401 });
            }
        }
    }
}
