//! The program `colophon`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use api::binding;
use api::chain_side::{self, Beside};
use api::cli::{
    AuditCommand, Cli, Command, ContractCommand, InboxCommand, KeyCommand, LaneCommand, ReconcileArgs,
    ReconcileCommand, ReportFormat,
};
use api::config::{LogSettings, Settings};
use api::encryption::ContactKey;
use api::feed::ChannelName;
use api::inbox::{Review, encrypt_older};
use api::keys::{KeyRing, key_name};
use api::linking::Linking;
use api::lost_orders::{LostOrders, Recovery};
use api::reconciliation::to_csv;
use api::reconciling::Reconciling;
use api::secrets::{ADMIN, CONTACT_KEY, Secrets};
use api::service::open_database;
use api::telemetry::{self, Log};
use catalog::chance::SystemChance;
use catalog::clock::{Clock as _, SystemClock};
use catalog::db::Db;
use catalog::text::Line;
use clap::Parser as _;
use minting::signer::SigningKey;
use minting::token::TokenId;
use minting::wallet::{checksummed, parse_account};
use tokio::net::TcpListener;

/// Exit code of a command that looked and found something wrong.
const SOMETHING_FOUND: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            // One line: what failed, and what made it fail.
            let _ = writeln!(std::io::stderr(), "colophon: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "failpoints")]
    catalog::crash::arm(&api::config::failpoints())?;
    let settings = cli.settings.load()?;
    let log = match &cli.command {
        // The demo's transcript is what a person reads; the service behind it tells only of trouble.
        Command::Demo { .. } => LogSettings { level: "warn".to_owned(), ..settings.log.clone() },
        _ => settings.log.clone(),
    };
    let log = telemetry::start_logging(&log)?;
    let done = match cli.command {
        Command::Reconcile(args) => return reconcile(&settings, args).await,
        Command::Audit(AuditCommand::Verify { head }) => return audit(&settings, head.as_deref()).await,
        Command::Serve => serve(settings, &log).await,
        Command::Demo { image } => {
            let told = api::demo::play(&settings, image.as_deref()).await?;
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&told)?)?;
            Ok(())
        }
        Command::Contract(ContractCommand::Deploy) => deploy(&settings).await,
        Command::Verify { token_id } => verify(&settings, token_id).await,
        Command::Lane(command) => lane(&settings, command).await,
        Command::Inbox(command) => inbox(&settings, command).await,
        Command::Key(command) => key(&settings, command).await,
        Command::Migrate => {
            open_database(&settings).await?.close().await;
            tracing::info!(database = %settings.database_url, "the schema is up to date");
            Ok(())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn serve(settings: Settings, log: &Log) -> anyhow::Result<()> {
    let metrics = telemetry::start_counting()?;
    tokio::spawn(log.count_dropped());
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", settings.listen))?;
    Ok(api::service::serve(settings, listener, metrics, api::server::stop_signal()).await?)
}

/// Deploys with the admin key, and prints the address for `contract`.
async fn deploy(settings: &Settings) -> anyhow::Result<()> {
    let dir = settings.secrets_dir.path();
    let secrets = Secrets::load(dir)?;
    let admin = SigningKey::open(dir, ADMIN)?;
    let reached = chain_side::reach(settings).await?;
    let contract = chain_side::deploy(settings, &secrets, &admin, &reached.url).await?;
    writeln!(std::io::stdout(), "{}", checksummed(contract))?;
    Ok(())
}

/// Prints what was found as JSON; fails unless everything fits.
async fn verify(settings: &Settings, token_id: TokenId) -> anyhow::Result<()> {
    let finding = api::verification::verify(settings, token_id).await?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&finding)?)?;
    anyhow::ensure!(finding.holds(), "the token is not proved: {}", finding.verdict);
    Ok(())
}

async fn lane(settings: &Settings, command: LaneCommand) -> anyhow::Result<()> {
    let db = open_database(settings).await?;
    let mut out = std::io::stdout();
    match command {
        LaneCommand::List => {
            for lane in api::lanes::list(&db).await? {
                let (signer, role) = (checksummed(lane.signer), lane.role.as_str());
                let state =
                    lane.frozen_reason.map_or("works".to_owned(), |reason| format!("frozen: {reason}"));
                writeln!(out, "{signer}\t{role}\t{state}")?;
            }
        }
        LaneCommand::Resume { signer } => {
            let signer = parse_account(&signer).context("the signer's address")?;
            let put_back = api::lanes::resume(settings, &db, signer).await?;
            writeln!(out, "{put_back} transactions that the chain had lost are under way again")?;
        }
        LaneCommand::Adopt { signer, reason } => {
            let signer = parse_account(&signer).context("the signer's address")?;
            let adopted = api::lanes::adopt(settings, &db, signer, &reason).await?;
            let used = adopted.next_nonce - adopted.from_nonce;
            writeln!(out, "{used} nonces were used without these books; the next is {}", adopted.next_nonce)?;
        }
    }
    db.close().await;
    Ok(())
}

/// 0 when everything agrees, 3 when something was found.
async fn reconcile(settings: &Settings, args: ReconcileArgs) -> anyhow::Result<ExitCode> {
    let db = open_database(settings).await?;
    let code = match args.command {
        None => report(settings, &db, &args).await?,
        Some(ReconcileCommand::Shopify { channel, days }) => {
            find_lost_orders(settings, &db, channel.as_ref(), days).await?
        }
        Some(ReconcileCommand::Link { token_id, reason, in_house }) => {
            link(settings, &db, token_id, &reason, in_house).await?
        }
        Some(ReconcileCommand::Reject { token_id, reason, void }) => {
            reject(settings, &db, token_id, &reason, void).await?
        }
    };
    db.close().await;
    Ok(code)
}

/// Prints the report; 3 when something was found.
async fn report(settings: &Settings, db: &Db, args: &ReconcileArgs) -> anyhow::Result<ExitCode> {
    let beside = Beside::open(settings, db).await?;
    let reconciling = Reconciling {
        db,
        chain: beside.chain.as_ref(),
        policies: &settings.policies,
        patience: Duration::from_secs(args.patience_minutes.saturating_mul(60)),
        now: SystemClock.now(),
    };
    let compared = reconciling.report().await;
    beside.leave().await;
    let report = compared?;
    let text = match args.format {
        ReportFormat::Json => serde_json::to_string_pretty(&report)? + "\n",
        ReportFormat::Csv => to_csv(&report.findings)?,
    };
    write!(std::io::stdout(), "{text}")?;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOMETHING_FOUND) })
}

/// Puts orders into the inbox that webhooks lost; 3 when there were some.
async fn find_lost_orders(
    settings: &Settings,
    db: &Db,
    channel: Option<&ChannelName>,
    days: u16,
) -> anyhow::Result<ExitCode> {
    let key = &inbox_key(settings, db).await?;
    let hand = LostOrders { settings, db, clock: &SystemClock, chance: &SystemChance, key };
    let found = hand.recover(channel, days).await?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&found)?)?;
    let lost = found.iter().any(Recovery::found_something);
    Ok(if lost { ExitCode::from(SOMETHING_FOUND) } else { ExitCode::SUCCESS })
}

/// Takes into the books what the chain has and they did not know.
async fn link(
    settings: &Settings,
    db: &Db,
    token_id: TokenId,
    reason: &Line,
    in_house: bool,
) -> anyhow::Result<ExitCode> {
    let beside = Beside::open(settings, db).await?;
    let home = beside.home(settings)?;
    let chain = beside.chain.as_ref();
    let linking = Linking { db, chain, home: &home, clock: &SystemClock, chance: &SystemChance };
    let linked = linking.link(token_id, reason, in_house).await;
    beside.leave().await;
    linked?;
    writeln!(std::io::stdout(), "{token_id} linked")?;
    Ok(ExitCode::SUCCESS)
}

/// Leaves foreign what the chain has and the books did not know.
async fn reject(
    settings: &Settings,
    db: &Db,
    token_id: TokenId,
    reason: &Line,
    void: bool,
) -> anyhow::Result<ExitCode> {
    let beside = Beside::open(settings, db).await?;
    let home = beside.home(settings)?;
    let chain = beside.chain.as_ref();
    let linking = Linking { db, chain, home: &home, clock: &SystemClock, chance: &SystemChance };
    let rejected = linking.reject(token_id, reason, void).await;
    beside.leave().await;
    rejected?;
    writeln!(std::io::stdout(), "{token_id} rejected")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what was found of the journal as one line of JSON.
async fn audit(settings: &Settings, head: Option<&Path>) -> anyhow::Result<ExitCode> {
    let usual = &settings.audit.head_file;
    let finding = api::audit::verification::verify_books(&settings.database_url, head, usual).await?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&finding)?)?;
    Ok(if finding.problem.is_none() { ExitCode::SUCCESS } else { ExitCode::from(SOMETHING_FOUND) })
}

/// The key of the inbox's texts, after what an older version kept in clear was encrypted with it.
async fn inbox_key(settings: &Settings, db: &Db) -> anyhow::Result<ContactKey> {
    let key = Secrets::load_contact_key(settings.secrets_dir.path())?;
    binding::check_secret(db, CONTACT_KEY, &key.check_value()).await?;
    encrypt_older(db, &key, &SystemChance).await?;
    Ok(key)
}

async fn inbox(settings: &Settings, command: InboxCommand) -> anyhow::Result<()> {
    let db = open_database(settings).await?;
    let key = inbox_key(settings, &db).await?;
    let review = Review { db: &db, clock: &SystemClock, chance: &SystemChance };
    let mut out = std::io::stdout();
    match command {
        InboxCommand::List { state } => {
            for entry in review.list(state.as_str()).await? {
                let reason = entry.state.reason();
                let (code, detail) = reason.map_or(("", ""), |reason| (&*reason.code, &*reason.detail));
                let (id, channel, topic) = (&entry.entry_id, &entry.channel, entry.topic.as_str());
                let order = entry.order_ref.as_deref().unwrap_or("-");
                let detail = detail.escape_debug();
                writeln!(out, "{id}\t{channel}\t{topic}\t{order}\t{code}\t{detail}\t{}", entry.received_at)?;
            }
        }
        InboxCommand::Show { entry_id } => {
            let body = review.find(&entry_id).await?.decrypt_body(&key);
            let body = body.with_context(|| format!("the entry {entry_id}"))?;
            out.write_all(&body.context("its text is gone: it is done or was dismissed")?)?;
        }
        InboxCommand::Replay { entry_id, reason } => review.replay(&entry_id, &reason).await?,
        InboxCommand::Dismiss { entry_id, reason } => review.dismiss(&entry_id, &reason).await?,
    }
    db.close().await;
    Ok(())
}

async fn key(settings: &Settings, command: KeyCommand) -> anyhow::Result<()> {
    let db = open_database(settings).await?;
    let ring = KeyRing { db: &db, clock: &SystemClock, chance: &SystemChance };
    let mut out = std::io::stdout();
    match command {
        KeyCommand::Create { scope, name, quiet } => {
            let (record, key) = ring.create(&key_name(&name)?, scope).await?;
            if !quiet {
                let id = &record.api_key_id;
                let _ = writeln!(std::io::stderr(), "{id}: keep the key, it is not shown again");
            }
            writeln!(out, "{}", key.reveal())?;
        }
        KeyCommand::List => {
            for record in ring.list().await? {
                let state = record.revoked_at.map_or("live".to_owned(), |at| format!("revoked {at}"));
                let (id, scope) = (&record.api_key_id, record.scope.as_str());
                writeln!(out, "{id}\t{scope}\t{}\t{state}\t{}", record.created_at, record.name)?;
            }
        }
        KeyCommand::Revoke { api_key_id } => {
            anyhow::ensure!(ring.revoke(&api_key_id).await?, "there is no live key {api_key_id}");
        }
    }
    db.close().await;
    Ok(())
}
