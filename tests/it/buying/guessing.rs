//! Codes of 16 bits, guessed from one address and from ten thousand, over connections, through a proxy that the service
//! trusts. Such codes come from a source of chance that only this file has: nothing in the program makes them.
//!
//! `COLOPHON_TEST_GUESSES` says how often each of the ten thousand guesses (2).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::claim::code::ClaimCode;
use api::server;
use catalog::chance::{Chance, SystemChance};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::house::{House, Parts, address, setting, text, wallet};

/// Addresses that guess together.
const ADDRESSES: usize = 10_000;
/// Guesses of the one that guesses alone.
const ALONE: usize = 3_000;
/// Failures that the default settings allow one address, and all of them.
const BY_ADDRESS: usize = 20;
const IN_ALL: usize = 1_000;

/// Gives codes 16 bits, and everything else what it needs.
#[derive(Debug)]
struct ScantChance;

impl Chance for ScantChance {
    fn fill(&self, bytes: &mut [u8]) {
        SystemChance.fill(bytes);
        if let Ok(symbols) = <&mut [u8; 26]>::try_from(bytes) {
            let number = u16::from_be_bytes([symbols[0], symbols[1]]);
            *symbols = symbols_of(number);
        }
    }
}

/// The symbols of the code of that number, 5 bits each.
fn symbols_of(number: u16) -> [u8; 26] {
    let mut symbols = [0; 26];
    for (place, shift) in [(22, 15), (23, 10), (24, 5), (25, 0)] {
        symbols[place] = u8::try_from(number >> shift & 31).expect("five bits");
    }
    symbols
}

/// The code of that number, as it would be printed.
fn code_of(number: usize) -> String {
    #[derive(Debug)]
    struct Given([u8; 26]);
    impl Chance for Given {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }
    let number = u16::try_from(number % 65_536).expect("sixteen bits");
    ClaimCode::generate(&Given(symbols_of(number))).reveal().to_string()
}

/// The house, listening.
struct Shopfront {
    url: String,
    client: reqwest::Client,
    serving: JoinHandle<()>,
}

/// What became of guesses.
#[derive(Default)]
struct Tally {
    /// 404 or a hit: the books were asked.
    reached: AtomicUsize,
    refused: AtomicUsize,
}

impl Shopfront {
    async fn open(house: &House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = api::routes::router(Arc::clone(&house.app));
        let serving = tokio::spawn(server::serve(listener, router, 256, std::future::pending()));
        Self { url, client: reqwest::Client::new(), serving }
    }

    /// The status and body for a client at `from`, as the proxy tells it.
    async fn post(&self, path: &str, from: &str, body: &Value) -> (u16, Option<String>, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).header("x-forwarded-for", from);
        let answer = request.json(body).send().await.expect("an answer");
        let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().expect("text").to_owned());
        (answer.status().as_u16(), wait, answer.json().await.expect("JSON"))
    }

    async fn guess(&self, from: &str, number: usize, tally: &Tally) {
        let (status, wait, body) =
            self.post("/v1/claims/lookup", from, &json!({ "code": code_of(number) })).await;
        match status {
            200 | 404 => tally.reached.fetch_add(1, Ordering::SeqCst),
            429 => {
                assert_eq!((body["code"].as_str(), wait.is_some()), (Some("too_many_failures"), true));
                tally.refused.fetch_add(1, Ordering::SeqCst)
            }
            _ => panic!("{status} {body}"),
        };
    }

    async fn ready(&self) -> Value {
        let answer = self.client.get(format!("{}/readyz", self.url)).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }
}

impl Drop for Shopfront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Tally {
    fn told(&self) -> (usize, usize) {
        (self.reached.load(Ordering::SeqCst), self.refused.load(Ordering::SeqCst))
    }
}

/// So many guesses, 32 at once, each of another code.
async fn storm(front: &Shopfront, tally: &Tally, guesses: usize, from: fn(usize) -> String) {
    let crowd = (0..32).map(|first| async move {
        for number in (first..guesses).step_by(32) {
            front.guess(&from(number), number * 3, tally).await;
        }
    });
    join_all(crowd).await;
}

async fn guarded_house(db: &catalog::db::Db) -> House {
    let settings = [("throttle.failures_by_address", "20"), ("throttle.failures_in_all", "1000")];
    let file = Some("[throttle]\ntrusted_proxies = [\"127.0.0.1\"]".to_owned());
    House::open_beside(db, &settings, Parts { chance: Arc::new(ScantChance), file, ..Parts::default() }).await
}

both_databases! {
    async fn guessing_is_hopeless_and_locks_no_buyer_out(db: TestDb) {
        let house = guarded_house(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = house.shipped(&edition_id, "A-1").await;
        assert!((0..65_536).any(|number| code_of(number) == code), "{code} has 16 bits");
        let front = Shopfront::open(&house).await;
        assert_eq!(front.ready().await["alarms"], Value::Null);

        let alone = Tally::default();
        storm(&front, &alone, ALONE, |_| "203.0.113.9".to_owned()).await;
        let (reached, refused) = alone.told();
        assert!(reached <= BY_ADDRESS, "{reached} guesses of one address reached the books");
        assert_eq!(reached + refused, ALONE);

        let together = Tally::default();
        let each = usize::try_from(setting("COLOPHON_TEST_GUESSES", 2)).expect("a few");
        let guesses = storm(&front, &together, ADDRESSES * each, |number| {
            let from = number % ADDRESSES;
            format!("10.0.{}.{}", from / 250, from % 250)
        });
        // Far into the attack, and while it goes on, the buyer comes from an address of his own.
        let redeeming = async {
            while together.told().1 < 100 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let (buyer, from) = (wallet(), "2001:db8:7::1");
            let to = address(&buyer);
            let given = front.post("/v1/claims/challenge", from, &json!({ "code": code, "recipient": to })).await;
            assert_eq!(given.0, 200, "{given:?}");
            let signature = buyer.sign_text(&text(&given.2["message"])).expect("a signature");
            let body = json!({ "code": code, "recipient": to, "signature": signature });
            let redeemed = front.post("/v1/claims/redeem", from, &body).await;
            (redeemed.0, together.told().1)
        };
        let ((), (status, refused_by_then)) = tokio::join!(guesses, redeeming);
        let (reached, refused) = together.told();
        assert_eq!(status, 202, "the rightful buyer");
        assert!(refused_by_then < refused, "the attack was over before the buyer came");
        // What all may fail together, and the first try of each address.
        assert!(reached <= IN_ALL + ADDRESSES, "{reached} guesses of many addresses reached the books");
        assert_eq!(reached + refused, ADDRESSES * each);
        println!("of {ALONE} guesses from one address and {} from {ADDRESSES} {reached} reached the books", ADDRESSES * each);
        assert_eq!(house.app.throttles.claims.attacks(), 1);
        assert_eq!(front.ready().await["alarms"], json!(["claim_guessing"]));
        assert_eq!(front.ready().await["status"], "ready", "an attack takes nobody out of service");
    }

    async fn whoever_is_turned_away_is_so_before_the_books_are_asked(db: TestDb) {
        let house = guarded_house(&db.db).await;
        let front = Shopfront::open(&house).await;
        let (from, tally) = ("203.0.113.9", Tally::default());
        for number in 0..BY_ADDRESS {
            front.guess(from, number, &tally).await;
        }
        assert_eq!(tally.told(), (BY_ADDRESS, 0));
        // No books any more: whoever asks them gets 503.
        house.app.db.close().await;
        let (to, code) = (address(&wallet()), code_of(7));
        let bodies = [
            ("/v1/claims/lookup", json!({ "code": code })),
            ("/v1/claims/challenge", json!({ "code": code, "recipient": to })),
            ("/v1/claims/redeem", json!({ "code": code, "recipient": to, "signature": "0x" })),
        ];
        for (path, body) in &bodies {
            assert_eq!(front.post(path, from, body).await.0, 429, "{path}");
            assert_ne!(front.post(path, "203.0.113.10", body).await.0, 429, "{path}");
        }
    }

    async fn whatever_looks_at_a_link_ahead_of_its_reader_changes_nothing(db: TestDb) {
        let house = House::open(&db.db).await;
        let (edition_id, _) = house.publish(1).await;
        let (_, code) = house.shipped(&edition_id, "A-1").await;
        let events = "SELECT count(*) FROM journal";
        let before = house.count(events).await;
        for path in ["lookup", "challenge", "redeem", "status"] {
            for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
                for _ in 0..50 {
                    let bare = house.shop(method, &format!("/v1/claims/{path}"), None, None).await;
                    assert_eq!(bare.status, 405, "{method} {path}");
                    let with_code = house.shop(method, &format!("/v1/claims/{path}?code={code}"), None, None).await;
                    assert_eq!(with_code.status, 405, "{method} {path}");
                }
            }
            let posted = house.buyer(&format!("/v1/claims/{path}?code={code}"), &json!({ "code": code })).await;
            assert_eq!(posted.outcome(), (400, "query_not_allowed"), "{path}");
        }
        assert_eq!(house.count(events).await, before);
        assert_eq!(house.count("SELECT count(*) FROM challenges").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM claims WHERE state = 'open'").await, 1);
        assert_eq!(house.claim(&code, &wallet()).await.0.status, 202);
    }
}
