//! The whole router over an embedded database in a temporary folder, spoken to without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, request};
use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use http_body_util::BodyExt;
use minting::image_intake::ImageIntake;
use minting::rpc::{Finality, RpcChain};
use minting::wallet::WalletJudge;
use minting::worker::Wake;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::auth::Scope;
use crate::claim::code::ClaimPepper;
use crate::config::{Layers, Settings};
use crate::encryption::ContactKey;
use crate::feed::Channels;
use crate::keys::{KeyRing, key_name};
use crate::outbox::secret::WebhookKey;
use crate::readiness::{DatabaseProbe, ImageStoreProbe, Readiness};
use crate::state::{App, AppState, ChainFacts, Outbox};
use crate::throttle::Throttles;
use crate::{routes, service, telemetry};

pub(crate) struct TestApi {
    pub(crate) state: AppState,
    pub(crate) curator: String,
    pub(crate) shop: String,
    router: Router,
    _folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A field of the answer as text: `answer.field("artwork_id")`.
    pub(crate) fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code of a problem, which must be well-formed and bear the request's id.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.json()["status"], self.status);
        assert_eq!(self.field("request_id"), self.header("x-request-id"));
        (self.status, self.field("code"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl TestApi {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(flags: &[(&'static str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut flags: Vec<_> = flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        // Everybody in a test comes from one address.
        for name in ["throttle.failures_by_address", "throttle.failures_in_all"] {
            if !flags.iter().any(|(given, _)| *given == name) {
                flags.push((name, "1000000".to_owned()));
            }
        }
        flags.push(("data_dir", folder.path().display().to_string()));
        let settings = Settings::load(Layers { flags, ..Layers::default() })?;
        let db = service::open_database(&settings).await?;
        let images = service::open_images(&settings).await?;
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
        let (uploads, decodes) = (folder.path().join("uploads"), settings.limits.image_decodes);
        let intake = ImageIntake::open(images.clone(), uploads, decodes, clock.now(), chance.clone()).await?;
        let readiness = Readiness::new(vec![
            Arc::new(DatabaseProbe(db.clone())),
            Arc::new(ImageStoreProbe(images.clone())),
        ]);
        let reach = settings.outbox.reach;
        let channels = Channels::open(&settings)?;
        let nobody = Account::from_bytes([0; 20]);
        let state = Arc::new(App {
            db,
            clock,
            chance,
            throttles: Throttles::new(&settings.throttle),
            settings,
            chain: ChainFacts {
                chain_id: 31_337,
                contract: nobody,
                royalty_receiver: nobody,
                vault: nobody,
                signers: Vec::new(),
            },
            // Nobody listens there.
            on_chain: Arc::new(RpcChain::new("http://127.0.0.1:9".parse()?, nobody, Finality::Tag)?),
            claim_pepper: ClaimPepper::from_bytes(&[7; 32])?,
            contact_key: ContactKey::from_bytes(&[7; 32])?,
            outbox: Outbox::new(WebhookKey::from_bytes(&[7; 32])?, reach),
            wallets: WalletJudge::of_keys_alone(),
            images,
            intake,
            readiness,
            wake: Wake::default(),
            channels,
            inbox_bell: Notify::new(),
            metrics: telemetry::idle_metrics(),
        });
        let ring = KeyRing { db: &state.db, clock: &SystemClock, chance: &SystemChance };
        let (_, curator) = ring.create(&key_name("curator")?, Scope::Curator).await?;
        let (_, shop) = ring.create(&key_name("shop")?, Scope::Shop).await?;
        Ok(Self {
            router: routes::router(Arc::clone(&state)),
            curator: curator.reveal().to_owned(),
            shop: shop.reveal().to_owned(),
            state,
            _folder: folder,
        })
    }

    pub(crate) async fn send(&self, request: request::Builder, body: impl Into<Body>) -> Answer {
        let request = request.body(body.into()).expect("a request");
        let response: Response<Body> = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// A request by the curator.
    pub(crate) fn as_curator(&self, method: &str, path: &str) -> request::Builder {
        let key = format!("Bearer {}", self.curator);
        Request::builder().method(method).uri(path).header("authorization", key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.as_curator("GET", path), Body::empty()).await
    }

    /// A JSON request by the curator under an idempotency key.
    pub(crate) async fn write(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let request = self.as_curator(method, path).header("content-type", "application/json");
        self.send(request.header("idempotency-key", key), body.to_owned()).await
    }

    /// A new artwork's id.
    pub(crate) async fn artwork(&self) -> String {
        let body = r#"{"artist":"葛飾北斎","title":{"zh":"神奈川冲浪里","en":"The Great Wave"},"year":1831}"#;
        let key = hex::encode(self.state.chance.bytes::<8>());
        let answer = self.write("POST", "/v1/artworks", &key, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.field("artwork_id")
    }

    /// A small print image, each `shade` another one.
    pub(crate) fn png(shade: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_pixel(64, 48, image::Rgb([shade, 90, 160]));
        pixels.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
        bytes.into_inner()
    }

    /// A draft's id, of an artwork that has a print image.
    pub(crate) async fn draft(&self, body: &str) -> String {
        let artwork_id = self.artwork().await;
        let path = format!("/v1/artworks/{artwork_id}/image");
        let put = self.send(self.as_curator("PUT", &path), Self::png(200)).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let path = format!("/v1/artworks/{artwork_id}/editions");
        let answer = self.write("POST", &path, "draft", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.field("edition_id")
    }
}
