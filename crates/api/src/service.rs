//! Putting the service together: data directory, database, image store, state.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::chance::{Chance, SystemChance};
use catalog::clock::{Clock, SystemClock};
use catalog::db::{Db, DbError, DbKind, DbUrl};
use metrics_exporter_prometheus::PrometheusHandle;
use minting::chain::Chain;
use minting::image_intake::{ImageIntake, ImageIntakeError};
use minting::image_store::{ImageStore, ImageStoreError};
use minting::wallet::WalletJudge;
use minting::worker::Wake;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::chain_side::{self, ChainSide, ChainSideError, Ground};
use crate::config::Settings;
use crate::feed::{ChannelError, Channels};
use crate::following::Follower;
use crate::inbox::InboxInClear;
use crate::outbox::courier::{self, Courier, NoClient};
use crate::outbox::publishing;
use crate::readiness::{DatabaseProbe, ImageStoreProbe, Probe, Readiness};
use crate::state::{App, AppState, Outbox};
use crate::throttle::Throttles;
use crate::{
    audit, chores, conservation, following, idempotency, inbox, recovering, routes, server, write_log,
};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process serves from the same data directory.
    #[error("another process uses the data directory `{}`; stop it first, or set `data_dir`", .0.display())]
    DataDirInUse(PathBuf),
    /// The data directory cannot be used.
    #[error("the data directory `{}` cannot be used", path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("the database {url} cannot be used")]
    Database {
        /// Which, without its password.
        url: DbUrl,
        /// Why not.
        #[source]
        source: DbError,
    },
    /// The image store cannot be used.
    #[error("the image store cannot be used")]
    ImageStore(#[from] ImageStoreError),
    /// Uploads cannot be taken in.
    #[error("uploads cannot be taken in")]
    Intake(#[from] ImageIntakeError),
    /// The address cannot be listened on.
    #[error("cannot listen on the address in `listen`")]
    Listen(#[source] std::io::Error),
    /// Texts of the inbox that older versions kept in clear cannot be encrypted.
    #[error(transparent)]
    Inbox(#[from] InboxInClear),
    /// Events cannot be sent.
    #[error(transparent)]
    Webhooks(#[from] NoClient),
    /// A shop that feeds us cannot be checked.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The chain's side cannot be had.
    #[error(transparent)]
    Chain(#[from] ChainSideError),
}

/// The right of this process alone to serve from a data directory; it ends with the process.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Makes the data directory, which only its owner may enter.
pub fn make_data_dir(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::DataDir { path: path.to_owned(), source })
}

/// Takes the data directory for this process; a second process is refused.
pub fn lock_data_dir(path: &Path) -> Result<DataDirLock, StartError> {
    make_data_dir(path)?;
    let odd = |source| StartError::DataDir { path: path.to_owned(), source };
    let file =
        File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(odd)?;
    match file.try_lock() {
        Ok(()) => Ok(DataDirLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StartError::DataDirInUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(odd(source)),
    }
}

/// Takes what this process alone may use: the data directory, when the embedded database lies in it. Several
/// processes may share a `PostgreSQL` database.
pub fn lock_for_serving(settings: &Settings) -> Result<Option<DataDirLock>, StartError> {
    match settings.database_url {
        DbUrl::Sqlite(_) => lock_data_dir(&settings.data_dir).map(Some),
        DbUrl::Postgres(_) => Ok(None),
    }
}

/// Opens the database and brings its schema up to date.
pub async fn open_database(settings: &Settings) -> Result<Db, StartError> {
    if matches!(settings.database_url, DbUrl::Sqlite(_)) {
        make_data_dir(&settings.data_dir)?;
    }
    let odd = |source| StartError::Database { url: settings.database_url.clone(), source };
    let db = Db::connect(&settings.database_url).await.map_err(odd)?;
    db.migrate().await.map_err(odd)?;
    Ok(db)
}

/// Opens the image store.
pub async fn open_images(settings: &Settings) -> Result<ImageStore, StartError> {
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let folder = settings.data_dir.join("images");
    make_data_dir(&settings.data_dir)?;
    Ok(ImageStore::open_fs(&folder, SystemClock.now(), chance).await?)
}

/// Puts the parts together.
pub async fn assemble(
    settings: Settings,
    db: Db,
    images: ImageStore,
    chain: &ChainSide,
    metrics: PrometheusHandle,
) -> Result<AppState, StartError> {
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let uploads = settings.data_dir.join("uploads");
    let decodes = settings.limits.image_decodes;
    let intake =
        ImageIntake::open(images.clone(), uploads, decodes, SystemClock.now(), Arc::clone(&chance)).await?;
    let mut probes: Vec<Arc<dyn Probe>> =
        vec![Arc::new(DatabaseProbe(db.clone())), Arc::new(ImageStoreProbe(images.clone()))];
    let channels = Channels::open(&settings)?;
    probes.extend(chain.probes(settings.minting.min_signer_balance_wei));
    let outbox = Outbox::new(chain.secrets.webhook_key.clone(), settings.outbox.reach);
    Ok(Arc::new(App {
        db,
        clock: Arc::new(SystemClock),
        chance,
        throttles: Throttles::new(&settings.throttle),
        settings,
        chain: chain.facts.clone(),
        on_chain: Arc::clone(&chain.chain) as Arc<dyn Chain>,
        claim_pepper: chain.secrets.claim_pepper.clone(),
        contact_key: chain.secrets.contact_key.clone(),
        outbox,
        wallets: WalletJudge::new(Arc::clone(&chain.chain) as Arc<dyn Chain>),
        images,
        intake,
        readiness: Readiness::new(probes),
        wake: Wake::default(),
        channels,
        inbox_bell: Notify::new(),
        metrics,
    }))
}

/// Opens everything and serves on `listener` until `stop` is done: database, image store, chain, lanes, HTTP. Then
/// requests, lanes and the embedded chain come to their end in this order.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    metrics: PrometheusHandle,
    stop: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let _lock = lock_for_serving(&settings)?;
    let db = open_database(&settings).await?;
    if db.kind() == DbKind::Sqlite {
        // Under the data directory's lock, whoever held a key is dead.
        let freed = idempotency::free_all(&db).await.map_err(ChainSideError::from)?;
        tracing::debug!(freed, "freed idempotency keys of requests that died");
    }
    let images = open_images(&settings).await?;
    let (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>) = (Arc::new(SystemClock), Arc::new(SystemChance));
    let ground = Ground { settings: &settings, db: &db, images: &images, clock, chance };
    let chain = chain_side::patiently(&settings, || chain_side::open(&ground)).await?;
    inbox::encrypt_older(&db, &chain.secrets.contact_key, &SystemChance).await?;
    let state = assemble(settings, db, images, &chain, metrics).await?;
    let lanes = chain_side::patiently(&state.settings, || {
        let (clock, chance) = (Arc::clone(&state.clock), Arc::clone(&state.chance));
        chain.start_lanes(&state.settings.minting, &state.db, clock, chance, &state.wake)
    })
    .await?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    tracing::info!(%address, database = %state.settings.database_url, "serving");
    let chores = start_chores(&state, &chain, Courier::new(Arc::clone(&state))?);
    let connections = state.settings.limits.connections;
    let stop = async {
        stop.await;
        // Before requests under way are waited for: no nonce is taken from here on.
        lanes.tell_to_stop();
    };
    server::serve(listener, routes::router(Arc::clone(&state)), connections, stop).await;
    chores.iter().for_each(tokio::task::JoinHandle::abort);
    lanes.stop().await;
    state.db.close().await;
    if let Some(devchain) = chain.devchain {
        devchain.end().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// What goes on beside requests and lanes.
fn start_chores(state: &AppState, chain: &ChainSide, courier: Courier) -> [JoinHandle<()>; 10] {
    let app = || Arc::clone(state);
    let (sweeps, checks, seals, exports, publishes, follows) = (app(), app(), app(), app(), app(), app());
    let (scans, works) = (app(), app());
    let written = state.db.clone();
    let chain = Arc::clone(&chain.chain) as Arc<dyn Chain>;
    let scanned = Arc::clone(&chain);
    let follower = move || Follower::new(Arc::clone(&follows), Arc::clone(&chain));
    [
        chores::keep_up("scan", move || recovering::scan_forever(Arc::clone(&scans), Arc::clone(&scanned))),
        chores::keep_up("sweep", move || server::sweep_forever(Arc::clone(&sweeps))),
        chores::keep_up("conservation", move || conservation::check_forever(Arc::clone(&checks))),
        chores::keep_up("write_log", move || write_log::watch_forever(written.clone())),
        chores::keep_up("seal", move || audit::sealing::seal_forever(Arc::clone(&seals))),
        chores::keep_up("head", move || audit::head_file::export_forever(Arc::clone(&exports))),
        chores::keep_up("publish", move || publishing::publish_forever(Arc::clone(&publishes))),
        chores::keep_up("deliver", move || courier::deliver_forever(courier.clone())),
        chores::keep_up("inbox", move || inbox::work_forever(Arc::clone(&works))),
        chores::keep_up("follow", move || following::follow_forever(follower())),
    ]
}
