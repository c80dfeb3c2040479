//! A publishing house without a chain: its routes, its books, a clock that is moved by hand, and buyers' wallets.

use std::sync::Arc;
use std::time::Duration;

use api::auth::{ApiKey, ApiKeyId, ApiKeyRecord, Scope};
use api::claim::code::ClaimPepper;
use api::config::{Layers, Settings};
use api::encryption::ContactKey;
use api::feed::Channels;
use api::outbox::secret::WebhookKey;
use api::readiness::Readiness;
use api::service;
use api::state::{App, AppState, ChainFacts, Outbox};
use api::throttle::Throttles;
use api::{routes, store, telemetry};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use catalog::account::Account;
use catalog::artwork::{Artwork, ArtworkFacts, ArtworkInput};
use catalog::chance::{Chance, SystemChance};
use catalog::clock::{Clock, Timestamp};
use catalog::colophon;
use catalog::db::Db;
use catalog::digest::Sha256Digest;
use catalog::edition::{BasisPoints, Edition, EditionFacts, Publication, Run};
use catalog::ids::{ArtworkId, EditionId, ImpressionId};
use catalog::image::{ImageFormat, PrintImage};
use catalog::impression::{Impression, ImpressionState, sheets};
use catalog::journal::Actor;
use catalog::text::Line;
use minting::call::EditionTerms;
use minting::image_intake::ImageIntake;
use minting::rpc::{Finality, RpcChain};
use minting::signer::SigningKey;
use minting::wallet::WalletJudge;
use minting::worker::Wake;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::harness::clock::HandClock;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Value,
}

impl Answer {
    /// The status and, of a problem, its code.
    pub(super) fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// The same answer without the request's id.
    pub(super) fn anonymous(mut self) -> Self {
        if let Some(fields) = self.body.as_object_mut() {
            fields.remove("request_id");
        }
        self
    }
}

/// What a house is opened with besides its settings.
pub(super) struct Parts {
    /// Judges wallets.
    pub(super) wallets: WalletJudge,
    /// Accounts that sign for the issuer.
    pub(super) signers: Vec<Account>,
    /// Gives random bytes.
    pub(super) chance: Arc<dyn Chance>,
    /// The settings' file.
    pub(super) file: Option<String>,
}

impl Default for Parts {
    /// No chain, no signers.
    fn default() -> Self {
        Self {
            wallets: WalletJudge::of_keys_alone(),
            signers: Vec::new(),
            chance: Arc::new(SystemChance),
            file: None,
        }
    }
}

/// The account of the vault.
pub(super) const VAULT: &str = "0x000000000000000000000000000000000000a017";

/// The house.
#[derive(Clone)]
pub(super) struct House {
    pub(super) app: AppState,
    router: Router,
    /// Its clock, for who sets it back.
    pub(super) clock: Arc<HandClock>,
    shop_key: String,
    curator_key: String,
    _folder: Arc<TempDir>,
}

impl House {
    /// Opens it on a database, with its default settings.
    pub(super) async fn open(db: &Db) -> Self {
        Self::open_with(db, &[]).await
    }

    /// Opens it with some other settings.
    pub(super) async fn open_with(db: &Db, settings: &[(&'static str, &str)]) -> Self {
        Self::open_beside(db, settings, Parts::default()).await
    }

    /// Opens it with some other settings and parts.
    pub(super) async fn open_beside(db: &Db, settings: &[(&'static str, &str)], parts: Parts) -> Self {
        let Parts { wallets, signers, chance, file } = parts;
        let folder = TempDir::with_prefix("colophon-house-").expect("a folder");
        let mut flags: Vec<_> = settings.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        // Everybody in a test comes from one address.
        for name in ["throttle.failures_by_address", "throttle.failures_in_all"] {
            if !flags.iter().any(|(given, _)| *given == name) {
                // A million was used up by the third run of `make bench-claims`.
                flags.push((name, u32::MAX.to_string()));
            }
        }
        flags.push(("data_dir", folder.path().display().to_string()));
        let layers = Layers { flags, file, ..Layers::default() };
        let settings = Settings::load(layers).expect("the settings");
        let channels = Channels::open(&settings).expect("the channels");
        let images = service::open_images(&settings).await.expect("the image store");
        let contract = "0x00000000000000000000000000000000c0109408".parse().expect("an account");
        let clock = HandClock::new();
        let uploads = settings.data_dir.join("uploads");
        let intake = ImageIntake::open(
            images.clone(),
            uploads,
            std::num::NonZeroUsize::MIN,
            clock.now(),
            Arc::clone(&chance),
        )
        .await;
        let reach = settings.outbox.reach;
        let app = Arc::new(App {
            db: db.clone(),
            clock: Arc::<HandClock>::clone(&clock),
            chance,
            throttles: Throttles::new(&settings.throttle),
            settings,
            chain: ChainFacts {
                chain_id: 31_337,
                contract,
                royalty_receiver: contract,
                vault: VAULT.parse().expect("an account"),
                signers,
            },
            // Nobody listens there.
            on_chain: Arc::new(
                RpcChain::new("http://127.0.0.1:9".parse().expect("an address"), contract, Finality::Tag)
                    .expect("a node"),
            ),
            claim_pepper: ClaimPepper::from_bytes(&[7; 32]).expect("a pepper"),
            contact_key: ContactKey::from_bytes(&[7; 32]).expect("a key"),
            outbox: Outbox::new(WebhookKey::from_bytes(&[7; 32]).expect("a pepper"), reach),
            wallets,
            images,
            intake: intake.expect("the image intake"),
            readiness: Readiness::new(Vec::new()),
            wake: Wake::default(),
            channels,
            inbox_bell: Notify::new(),
            metrics: telemetry::idle_metrics(),
        });
        let shop_key = make_key(db, clock.now(), Scope::Shop).await;
        let curator_key = make_key(db, clock.now(), Scope::Curator).await;
        let router = routes::router(Arc::clone(&app));
        Self { app, router, clock, shop_key, curator_key, _folder: Arc::new(folder) }
    }

    /// Lets time pass.
    pub(super) fn wait(&self, time: Duration) {
        self.clock.wait(time);
    }

    /// Drafts an edition of `size` sheets and one artist's proof.
    pub(super) async fn draft(&self, size: u16) -> (Artwork, Edition, PrintImage) {
        let now = self.clock.now();
        let facts = ArtworkFacts::parse(&ArtworkInput {
            accession_number: None,
            artist: "Katsushika Hokusai",
            title_zh: None,
            title_en: Some("Under the Wave off Kanagawa"),
            year: Some(1831),
            description_zh: None,
            description_en: None,
        });
        let artwork = Artwork::catalog(ArtworkId::generate(now, &SystemChance), facts.expect("facts"), now);
        let image = PrintImage {
            sha256: Sha256Digest::of(b"great wave"),
            cid: "bafkreigreatwave".to_owned(),
            format: ImageFormat::Jpeg,
            width_px: 3_200,
            height_px: 2_160,
            byte_count: 123_262,
            taken_in_at: now,
        };
        let facts = EditionFacts {
            run: Run { size, artist_proofs: 1, printer_proofs: 0, hors_commerce: 0, bon_a_tirer: 0 },
            medium: Line::parse("medium", "medium_invalid", "color woodblock print").expect("a line"),
            support: None,
            printer: None,
            printed_in: None,
            sheet_size: None,
            image_size: None,
            royalty_receiver: None,
            royalty: BasisPoints::parse("royalty", 500).expect("a royalty"),
        };
        let edition_id = EditionId::generate(now, &SystemChance);
        let edition = Edition::draft(edition_id, artwork.artwork_id.clone(), facts, now);
        let mut tx = self.app.db.begin_write().await.expect("a transaction");
        catalog::store::insert_artwork(&mut tx, &artwork).await.expect("the artwork");
        catalog::store::insert_print_image(&mut tx, &image).await.expect("the image");
        catalog::store::insert_edition(&mut tx, &edition).await.expect("the edition");
        tx.commit().await.expect("a commit");
        (artwork, edition, image)
    }

    /// Publishes an edition of `size` sheets and one artist's proof; gives its sheets in order.
    pub(super) async fn publish(&self, size: u16) -> (String, Vec<Impression>) {
        let (artwork, edition, image) = self.draft(size).await;
        let (edition_id, at) = (&edition.edition_id, self.clock.now());
        let mut tx = self.app.db.begin_write().await.expect("a transaction");
        let number = catalog::store::next_edition_number(&mut tx).await.expect("a number");
        let (colophon_digest, colophon) =
            colophon::compose(&artwork.facts, &edition.facts, number, &image).expect("a colophon");
        let publication =
            Publication { number, image: image.sha256, colophon, colophon_digest, published_at: at };
        catalog::store::publish_edition(&mut tx, edition_id, &publication).await.expect("an update");
        let sheet = |(serial, label)| Impression {
            impression_id: ImpressionId::generate(at, &SystemChance),
            edition_id: edition_id.clone(),
            serial,
            label,
            state: ImpressionState::Available,
            unreturned: false,
        };
        let impressions: Vec<_> = sheets(&edition.facts.run).map(sheet).collect();
        catalog::store::insert_impressions(&mut tx, &impressions, at).await.expect("the sheets");
        let terms = EditionTerms {
            serials: edition.facts.run.declared_size(),
            image_digest: image.sha256,
            colophon_digest,
            royalty_receiver: self.app.chain.royalty_receiver,
            royalty_basis_points: 500,
        };
        let occasion = self.app.occasion(Actor::Operator);
        minting::store::open_edition(&mut tx, &occasion, number, terms).await.expect("the call");
        tx.commit().await.expect("a commit");
        (edition_id.to_string(), impressions)
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let location = response.headers().get("location");
        let location = location.map(|path| path.to_str().expect("a path").to_owned());
        let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, location, body }
    }

    /// The shop calls.
    pub(super) async fn shop(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        self.call(&self.shop_key, method, path, key, body).await
    }

    /// The curator posts.
    pub(super) async fn curator(&self, path: &str, body: &Value) -> Answer {
        self.call(&self.curator_key, "POST", path, None, Some(body.clone())).await
    }

    /// The shop tells what happened to a sale.
    pub(super) async fn tell(&self, sale_id: &str, what: &str, body: Value) -> Answer {
        self.shop("POST", &format!("/v1/sales/{sale_id}/{what}"), None, Some(body)).await
    }

    /// Anyone looks.
    pub(super) async fn look(&self, path: &str) -> Value {
        let answer = self.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Changes the books behind the service's back, as its lanes would.
    pub(super) async fn write(&self, statement: &'static str) {
        let mut tx = self.app.db.begin_write().await.expect("a transaction");
        tx.execute(statement, &[]).await.expect("an update");
        tx.commit().await.expect("a commit");
    }

    async fn call(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {bearer}"))
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// Somebody with a fresh key of that scope calls.
    pub(super) async fn with_scope(
        &self,
        scope: Scope,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let key = make_key(&self.app.db, self.clock.now(), scope).await;
        self.call(&key, method, path, Some("somebody"), body).await
    }

    /// A buyer calls.
    pub(super) async fn buyer(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// The shop sells one sheet as order `order`.
    pub(super) async fn sell(&self, edition_id: &str, order: &str) -> Answer {
        let line = order_line(edition_id, order);
        self.shop("POST", "/v1/sales", Some(&format!("sale-{order}")), Some(line)).await
    }

    /// The shop makes a code.
    pub(super) async fn code(&self, sale_id: &str, key: &str) -> Answer {
        self.shop("POST", &format!("/v1/sales/{sale_id}/claim/code"), Some(key), None).await
    }

    /// The shop ships the sheet, the one in `packed` if one is named.
    pub(super) async fn ship(&self, sale_id: &str, packed: Option<&str>) -> Answer {
        let mut body =
            json!({ "carrier": "SF Express", "tracking_ref": "SF1", "shipped_at": "2026-11-23T11:00:00Z" });
        if let Some(packed) = packed {
            body["impression_id"] = packed.into();
        }
        self.shop("POST", &format!("/v1/sales/{sale_id}/shipment"), None, Some(body)).await
    }

    /// A sold and shipped sheet: its sale, and the code on its card.
    pub(super) async fn shipped(&self, edition_id: &str, order: &str) -> (String, String) {
        let sale = self.sell(edition_id, order).await;
        let sale_id = text(&sale.body["sales"][0]["sale_id"]);
        let code = self.code(&sale_id, &format!("code-{order}")).await;
        let shipped = self.ship(&sale_id, None).await;
        assert_eq!((sale.status, code.status, shipped.status), (201, 201, 200), "{shipped:?}");
        (sale_id, text(&code.body["code"]))
    }

    /// The buyer asks for the text to sign.
    pub(super) async fn challenge(&self, code: &str, recipient: &str) -> Answer {
        self.buyer("/v1/claims/challenge", &json!({ "code": code, "recipient": recipient })).await
    }

    /// The buyer redeems.
    pub(super) async fn redeem(&self, code: &str, recipient: &str, signature: &str) -> Answer {
        let body = json!({ "code": code, "recipient": recipient, "signature": signature });
        self.buyer("/v1/claims/redeem", &body).await
    }

    /// The buyer asks for the text, signs it with `wallet` and redeems; gives the signature too.
    pub(super) async fn claim(&self, code: &str, wallet: &SigningKey) -> (Answer, String) {
        let challenge = self.challenge(code, &address(wallet)).await;
        if challenge.status != 200 {
            return (challenge, String::new());
        }
        let signature = wallet.sign_text(&text(&challenge.body["message"])).expect("a signature");
        (self.redeem(code, &address(wallet), &signature).await, signature)
    }

    /// How many rows a statement counts.
    pub(super) async fn count(&self, statement: &'static str) -> i64 {
        let mut tx = self.app.db.begin_read().await.expect("a transaction");
        let (count,): (i64,) = tx.fetch_one(statement, &[]).await.expect("a number");
        count
    }
}

async fn make_key(db: &Db, at: Timestamp, scope: Scope) -> String {
    let key = ApiKey::generate(scope, &SystemChance);
    let record = ApiKeyRecord {
        api_key_id: ApiKeyId::generate(at, &SystemChance),
        name: scope.as_str().to_owned(),
        scope,
        created_at: at,
        revoked_at: None,
    };
    let mut tx = db.begin_write().await.expect("a transaction");
    store::insert_key(&mut tx, &record, key.digest()).await.expect("the key");
    tx.commit().await.expect("a commit");
    key.reveal().to_owned()
}

/// The order line of one sheet.
pub(super) fn order_line(edition_id: &str, order: &str) -> Value {
    json!({
        "channel": "boutique",
        "order": order,
        "line": "1",
        "edition_id": edition_id,
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": "2026-11-23T10:00:00Z",
    })
}

/// A buyer's wallet.
pub(super) fn wallet() -> SigningKey {
    SigningKey::generate(&SystemChance)
}

/// Its address.
pub(super) fn address(wallet: &SigningKey) -> String {
    minting::wallet::checksummed(wallet.account())
}

/// A string in an answer.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// What the test was told by the environment.
#[expect(clippy::disallowed_methods, reason = "the test run says how many in the environment")]
pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}
