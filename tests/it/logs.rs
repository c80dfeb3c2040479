//! What the log never says, however much it is asked to say: FAULTS section 4, row 56 and the rule of every row.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;

use crate::harness::app::{TestApp, Wallet, fresh, id_of};

/// The calls that take a claim code.
const CLAIM_CALLS: [&str; 6] = ["lookup", "challenge", "redeem", "status", "release", "surrender"];
/// Headers in which secrets travel, or in which somebody puts one by mistake.
const HEADERS: [&str; 13] = [
    "authorization",
    "cookie",
    "idempotency-key",
    "x-shopify-hmac-sha256",
    "x-shopify-topic",
    "x-shopify-webhook-id",
    "x-forwarded-for",
    "user-agent",
    "referer",
    "content-type",
    "accept",
    "if-none-match",
    "x-api-key",
];
/// Paths of ours with something else in the place of a name.
const PATHS: [&str; 14] = [
    "/claim/{}",
    "/nowhere/{}",
    "/v1/{}",
    "/v1/claims/{}",
    "/v1/tokens/{}",
    "/metadata/{}.json",
    "/v1/editions/{}",
    "/v1/editions/{}/census",
    "/v1/artworks/{}",
    "/v1/sales/{}",
    "/v1/sales/{}/claim/code",
    "/v1/sales/{}/refund",
    "/v1/webhooks/{}",
    "/v1/impressions/{}/withdraw",
];

/// Requests with secrets in them, and the secrets.
struct Whispers {
    client: Client,
    url: String,
    secrets: Vec<String>,
}

impl Whispers {
    /// A text that stands nowhere else.
    fn secret(&mut self) -> String {
        let secret = fresh("whisper");
        self.secrets.push(secret.clone());
        secret
    }

    fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        self.client.request(method.clone(), format!("{}{path}", self.url))
    }

    /// Sends it, and holds that it is refused as a fault of the caller's.
    async fn is_refused(&self, request: RequestBuilder) -> (u16, String) {
        let answer = request.send().await.expect("an answer");
        let (status, url) = (answer.status().as_u16(), answer.url().clone());
        let text = answer.text().await.expect("a text");
        assert!((400..500).contains(&status), "{url}: {status} {text}");
        (status, text)
    }

    async fn in_queries(&mut self, code: &str) {
        for call in CLAIM_CALLS {
            for method in [Method::POST, Method::GET, Method::HEAD, Method::OPTIONS] {
                let path = format!("/v1/claims/{call}?code={code}&note={}", self.secret());
                let request = self.request(&method, &path).json(&json!({ "code": code }));
                let (status, text) = self.is_refused(request).await;
                let refused = text.contains("query_not_allowed");
                assert_eq!(
                    (status, refused),
                    if method == Method::POST { (400, true) } else { (405, false) }
                );
            }
        }
        for path in ["/nowhere", "/v1/events", "/v1/sales", "/v1/reports/reconciliation"] {
            let path = format!("{path}?code={code}&cursor={}", self.secret());
            self.is_refused(self.request(&Method::GET, &path)).await;
        }
    }

    async fn in_paths(&mut self, code: &str, key: &str) {
        for path in PATHS {
            for method in [Method::GET, Method::POST] {
                for secret in [code.to_owned(), self.secret()] {
                    let request = self.request(&method, &path.replace("{}", &secret));
                    self.is_refused(request.bearer_auth(key).json(&json!({}))).await;
                }
            }
        }
    }

    async fn in_headers(&mut self) {
        for name in HEADERS {
            for path in ["/v1/claims/lookup", "/v1/sales", "/v1/webhooks/boutique"] {
                let secret = self.secret();
                let secret = if name == "authorization" { format!("Bearer {secret}") } else { secret };
                let request = self.request(&Method::POST, path).header(name, secret);
                self.is_refused(request.body("{}")).await;
            }
        }
        // What is no id of a request is not taken for one.
        let odd = format!("{} and more", self.secret());
        self.is_refused(self.request(&Method::GET, "/nowhere").header("x-request-id", odd)).await;
    }

    async fn in_bodies(&mut self, code: &str, key: &str) {
        for path in ["/v1/claims/lookup", "/v1/claims/redeem", "/v1/sales", "/v1/artworks"] {
            let secret = self.secret();
            let bodies = [
                secret.clone(),
                format!("{{\"code\": \"{secret}"),
                json!({ "code": secret }).to_string(),
                json!({ "code": [secret] }).to_string(),
                json!({ "code": code, secret.clone(): code }).to_string(),
                json!({ "code": code, "recipient": secret, "signature": secret }).to_string(),
            ];
            for body in bodies {
                // A code that stands is no fault, where nothing else is wrong.
                let request = self.request(&Method::POST, path).header("content-type", "application/json");
                self.is_refused(request.header("idempotency-key", &secret).bearer_auth(key).body(body)).await;
            }
        }
    }
}

/// Everything the service has said, once it has said that it handled a last request.
async fn all_that_was_said(app: &TestApp, whispers: &Whispers) -> String {
    let last = fresh("last").replace(':', "-");
    let asked = whispers.request(&Method::GET, "/healthz").header("x-request-id", &last);
    assert!(asked.send().await.expect("an answer").status().is_success());
    let begun = Instant::now();
    loop {
        let log = app.log();
        if log.contains(&last) {
            return log;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the last request is not in the log");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

both_databases! {
    async fn nothing_secret_that_a_caller_sends_stands_in_the_log_or_in_the_metrics(db: TestDb) {
        let app = TestApp::start_with(&db, &[("COLOPHON_LOG__LEVEL", "trace")]).await;
        let key = app.key("admin");
        let edition = app.publish_edition(2).await;
        let (sale, code) = app.shipped_sale(&edition).await;
        let (_, kept_code) = app.shipped_sale(&edition).await;
        let mut whispers = Whispers { client: Client::new(), url: app.url().to_owned(), secrets: Vec::new() };
        whispers.in_queries(&code).await;
        whispers.in_paths(&code, &key).await;
        whispers.in_headers().await;
        whispers.in_bodies(&code, &key).await;

        // And what goes well is told without them.
        let buyer = Wallet::fresh();
        let asked = json!({ "code": code, "recipient": buyer.address() });
        let message = app.post("/v1/claims/challenge", &asked).await.expect(200).text("message");
        let signature = buyer.sign(&message);
        let ticket = app.look_up(&code).await.expect(200).text("status_token");
        app.redeem_with(&code, &buyer.address(), &signature).await.expect(202);
        app.post("/v1/claims/status", &json!({ "status_token": ticket })).await.expect(200);
        app.keep(&kept_code).await.expect(202);
        let path = format!("/v1/sales/{}", id_of(&sale));
        app.get(&path).with_key(&key).await.expect(200);

        let log = all_that_was_said(&app, &whispers).await;
        let metrics = reqwest::get(format!("{}/metrics", app.url())).await.expect("metrics");
        let told = format!("{log}\n{}", metrics.text().await.expect("a text")).to_lowercase();
        let handled = log.matches("handled").count();
        assert!(handled > whispers.secrets.len(), "{handled} requests of more than {}", whispers.secrets.len());
        assert!(log.contains(&path), "what a request was about is told where that exists");
        let mut secrets = whispers.secrets;
        for code in [code, kept_code] {
            secrets.push(code.replace('-', ""));
            secrets.push(code);
        }
        secrets.extend([key, ticket, signature.trim_start_matches("0x").to_owned()]);
        for secret in secrets {
            let line = told.lines().find(|line| line.contains(&secret.to_lowercase()));
            assert_eq!(line, None, "{secret} was told");
        }
    }
}
