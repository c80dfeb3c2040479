//! The whole job, played for a newcomer: a fresh embedded service, its own HTTP API, and at the end a look at the
//! chain itself.

mod client;
mod transcript;

use std::net::{Ipv4Addr, SocketAddr, TcpListener as PortFinder};
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::digest::Sha256Digest;
use catalog::image::ImageFormat;
use minting::chain::{Chain, StatusOnChain};
use minting::rpc::{Finality, RpcChain};
use minting::signer::SigningKey;
use minting::token::TokenId;
use minting::{drawing, wallet};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::client::Client;
use self::transcript::Transcript;
use crate::auth::Scope;
use crate::config::{Layers, Settings};
use crate::keys::{KeyRing, key_name};
use crate::{chain_side, service, telemetry};

/// Size of the print that the program draws when it is given none, in pixels.
const DRAWN: (u32, u32) = (1_200, 1_600);
/// How long the service may take to start, and the chain to confirm.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the demo looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What the demo tells on the last line of its standard output.
#[derive(Debug, Serialize)]
pub struct Told {
    image_sha256: String,
    artwork_id: String,
    edition_id: String,
    impression: String,
    sale_id: String,
    claim_id: String,
    contract: String,
    chain_id: u64,
    token_id: String,
    tx_hash: String,
    owner: String,
    token_status: String,
    metadata_sha256: String,
}

/// A demo that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file could not be read or made.
    #[error("{act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The drawing failed.
    #[error("the program could not draw its print: {0}")]
    Drawing(String),
    /// The service did not start, or ended.
    #[error("the service did not start or ended: {0}")]
    Service(String),
    /// A call to the API did not give what it should.
    #[error("{call}: {problem}")]
    Call {
        /// Method and path.
        call: String,
        /// Status and problem document, or what is missing.
        problem: String,
    },
    /// The chain says something else.
    #[error("the chain itself says otherwise: {0}")]
    Disproved(String),
}

/// Plays the demo with the print image in a file, or with a drawn one. `settings` tell only where to find the chain's
/// program and below which folder to work; everything else is fresh.
pub async fn play(settings: &Settings, image: Option<&Path>) -> Result<Told, DemoError> {
    let transcript = Transcript::begin();
    let bytes = match image {
        Some(path) => read(path)?,
        None => drawn()?,
    };
    let source = image.map_or("a print of our own drawing".to_owned(), |path| path.display().to_string());
    let demo = fresh_settings(settings)?;
    let home = demo.data_dir.clone();
    transcript.step("begin", &format!("{source}; everything lies in {}", home.display()));

    let (stop, stopped) = oneshot::channel::<()>();
    let listener = TcpListener::bind(demo.listen).await;
    let listener = listener.map_err(|error| DemoError::Service(error.to_string()))?;
    let metrics = telemetry::idle_metrics();
    let stopping = async {
        // A sender that is gone means the same.
        let _ = stopped.await;
    };
    let mut serving = tokio::spawn(service::serve(demo.clone(), listener, metrics, stopping));
    let played = tokio::select! {
        played = perform(&demo, &transcript, &bytes) => played,
        ended = &mut serving => return Err(DemoError::Service(how_it_ended(ended))),
    };
    let _ = stop.send(());
    let ended = how_it_ended(serving.await);
    let told = played?;
    if !ended.is_empty() {
        return Err(DemoError::Service(ended));
    }
    transcript.closing(&told, &home);
    Ok(told)
}

/// Empty for a service that ended well.
fn how_it_ended(ended: Result<Result<(), service::StartError>, tokio::task::JoinError>) -> String {
    match ended {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => crate::error::chain(&error),
        Err(error) => error.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DemoError> {
    let act = "cannot read the image";
    std::fs::read(path).map_err(|source| DemoError::File { act, path: path.to_owned(), source })
}

fn drawn() -> Result<Vec<u8>, DemoError> {
    let seed = SystemClock.now().as_seconds();
    let drawing = drawing::draw(seed, DRAWN.0, DRAWN.1);
    drawing::encode(&drawing, ImageFormat::Png).map_err(|error| DemoError::Drawing(error.to_string()))
}

/// Default settings in a folder of this demo alone, on a port that is free.
fn fresh_settings(given: &Settings) -> Result<Settings, DemoError> {
    let at = SystemClock.now().as_micros() / 1_000_000;
    let folder = given.data_dir.with_file_name("colophon-demo").join(at.to_string());
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|source| DemoError::File { act: "cannot make the folder", path: folder.clone(), source })?;
    let port = PortFinder::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let port = port.map_err(|error| DemoError::Service(error.to_string()))?.port();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let flags = vec![("data_dir", folder.display().to_string()), ("listen", listen.to_string())];
    let settings = Settings::load(Layers { flags, ..Layers::default() });
    let mut settings = settings.map_err(|error| DemoError::Service(error.to_string()))?;
    settings.chain.anvil.clone_from(&given.chain.anvil);
    Ok(settings)
}

/// Makes an admin key beside the running service, as `colophon key create` does.
async fn make_key(settings: &Settings) -> Result<String, DemoError> {
    let odd = |error: &(dyn std::error::Error + 'static)| DemoError::Service(crate::error::chain(error));
    let db = service::open_database(settings).await.map_err(|error| odd(&error))?;
    let ring = KeyRing { db: &db, clock: &SystemClock, chance: &SystemChance };
    let name = key_name("demo").map_err(|error| odd(&error))?;
    let made = ring.create(&name, Scope::Admin).await;
    db.close().await;
    let (_, key) = made.map_err(|error| odd(&error))?;
    Ok(key.reveal().to_owned())
}

async fn perform(settings: &Settings, transcript: &Transcript, bytes: &[u8]) -> Result<Told, DemoError> {
    let client = Client::new(settings.listen);
    client.wait_until_ready(PATIENCE, PAUSE).await?;
    let client = client.with_key(make_key(settings).await?);
    transcript.step("service", &format!("ready on http://{}, contract deployed", settings.listen));

    let artwork = client.post("/v1/artworks", &artwork(), Some("demo-artwork")).await?;
    let artwork_id = text(&artwork, "artwork_id")?;
    transcript.step("artwork", &artwork_id);

    let image = client.put_image(&format!("/v1/artworks/{artwork_id}/image"), bytes).await?;
    let image_sha256 = text(&image["image"], "sha256")?;
    let (width, height) = (&image["image"]["width_px"], &image["image"]["height_px"]);
    transcript.step("fingerprint", &format!("SHA-256 {image_sha256}, {width} × {height} pixels"));

    let path = format!("/v1/artworks/{artwork_id}/editions");
    let edition = client.post(&path, &edition(), Some("demo-edition")).await?;
    let edition_id = text(&edition, "edition_id")?;
    transcript.step("edition", &format!("{edition_id}: 20 impressions and 2 artist's proofs"));

    client.post(&format!("/v1/editions/{edition_id}/publish"), &Value::Null, None).await?;
    let path = format!("/v1/editions/{edition_id}");
    let edition = client.wait_for(&path, PATIENCE, PAUSE, |edition| recorded(&edition["recording"])).await?;
    let opened = text(&edition["recording"], "tx_hash")?;
    transcript.step("publish", &format!("edition {} is open on chain by {opened}", edition["number"]));

    let sales = client.post("/v1/sales", &order_line(&edition_id), Some("demo-sale")).await?;
    let sale = &sales["sales"][0];
    let sale_id = text(sale, "sale_id")?;
    let impression = text(&sale["impression"], "label")?;
    transcript.step("sale", &format!("{sale_id}: impression {impression}"));

    let code =
        client.post(&format!("/v1/sales/{sale_id}/claim/code"), &Value::Null, Some("demo-code")).await?;
    let claim_id = text(&code, "claim_id")?;
    let code = text(&code, "code")?;
    transcript.step("claim code", &format!("printed on the card in the box: {code}"));

    let shipment = json!({ "carrier": "SF Express", "tracking_ref": "SF1000000000001", "shipped_at": now() });
    client.post(&format!("/v1/sales/{sale_id}/shipment"), &shipment, None).await?;
    transcript.step("shipment", "the sheet has left the house; the claim is open");

    let buyer = SigningKey::generate(&SystemChance);
    let recipient = wallet::checksummed(buyer.account());
    let asked = json!({ "code": code, "recipient": recipient });
    let challenge = client.post("/v1/claims/challenge", &asked, None).await?;
    let signature = buyer.sign_text(&text(&challenge, "message")?);
    let signature = signature.map_err(|error| DemoError::Service(error.to_string()))?;
    let redeem = json!({ "code": code, "recipient": recipient, "signature": signature });
    let redeemed = client.post("/v1/claims/redeem", &redeem, None).await?;
    let token_id = text(&redeemed["token"], "token_id")?;
    transcript.step("redeem", &format!("token {token_id} for wallet {recipient}"));

    let path = format!("/v1/tokens/{token_id}");
    let token = client.wait_for(&path, PATIENCE, PAUSE, recorded).await?;
    let tx_hash = text(&token, "tx_hash")?;
    transcript.step("mint", &format!("in block {} by {tx_hash}", token["block_number"]));

    let metadata = client.get_text(&format!("/metadata/{token_id}.json")).await?;
    let metadata_sha256 = Sha256Digest::of(metadata.as_bytes()).to_string();
    let contract = text(&token, "contract")?;
    let on_chain = ask_the_chain(settings, &contract, &token_id, buyer.account(), bytes).await?;
    transcript.step("proof", "the chain itself names this owner, and this image for the edition");

    Ok(Told {
        image_sha256,
        artwork_id,
        edition_id,
        impression,
        sale_id,
        claim_id,
        contract,
        chain_id: on_chain.0,
        token_id,
        tx_hash,
        owner: recipient,
        token_status: on_chain.1.as_str().to_owned(),
        metadata_sha256,
    })
}

/// Reads back through RPC, past our database: the token lives, belongs to the buyer, and the edition's image digest is
/// that of the file.
async fn ask_the_chain(
    settings: &Settings,
    contract: &str,
    token_id: &str,
    buyer: Account,
    image: &[u8],
) -> Result<(u64, StatusOnChain), DemoError> {
    let odd = |error: &(dyn std::error::Error + 'static)| DemoError::Disproved(crate::error::chain(error));
    let reached = chain_side::reach(settings).await.map_err(|error| odd(&error))?;
    let contract = wallet::parse_account(contract).map_err(|error| odd(&error))?;
    let id: TokenId = token_id.parse().map_err(|error| odd(&error))?;
    let chain = RpcChain::new(reached.url, contract, Finality::Tag).map_err(|error| odd(&error))?;
    let chain_id = chain.chain_id().await.map_err(|error| odd(&error))?;
    let token = chain.token(id).await.map_err(|error| odd(&error))?;
    if token.owner != Some(buyer) {
        return Err(DemoError::Disproved(format!("the owner of {token_id} is {:?}", token.owner)));
    }
    let terms = chain.edition_terms(id.get() / 1_000_000, None).await.map_err(|error| odd(&error))?;
    let digest = terms.map(|terms| terms.image_digest);
    if digest != Some(Sha256Digest::of(image)) {
        return Err(DemoError::Disproved(format!("the edition's image digest is {digest:?}")));
    }
    Ok((chain_id, token.status))
}

fn now() -> String {
    SystemClock.now().to_string()
}

fn artwork() -> Value {
    json!({
        "artist": "Colophon",
        "title": { "zh": "海与日", "en": "Sea and Sun" },
        "year": 2026,
        "description": { "zh": "演示用的版画。", "en": "A print for demonstration." },
    })
}

fn edition() -> Value {
    json!({
        "size": 20,
        "proofs": { "artist_proofs": 2 },
        "medium": "Pigment print",
        "support": "Cotton paper, 310 g/m²",
        "sheet_size_mm": { "height": 800, "width": 600 },
        "royalty": { "basis_points": 500 },
    })
}

fn order_line(edition_id: &str) -> Value {
    json!({
        "channel": "demo",
        "order": "D-1001",
        "line": "1",
        "edition_id": edition_id,
        "price": { "amount_minor": 1_940_000, "currency": "CNY" },
        "sold_at": now(),
    })
}

fn recorded(progress: &Value) -> bool {
    progress["progress"] == "recorded"
}

/// A text that an answer must have.
fn text(answer: &Value, field: &str) -> Result<String, DemoError> {
    answer[field].as_str().map(ToOwned::to_owned).ok_or_else(|| DemoError::Call {
        call: "reading an answer".to_owned(),
        problem: format!("it has no `{field}`: {answer}"),
    })
}
