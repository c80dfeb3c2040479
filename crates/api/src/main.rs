//! The program `colophon`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use api::cli::{Cli, Command, KeyCommand};
use api::config::Settings;
use api::keys::{KeyRing, key_name};
use api::service::open_database;
use api::telemetry;
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: what failed, and what made it fail.
            let _ = writeln!(std::io::stderr(), "colophon: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = cli.settings.load()?;
    telemetry::start_logging(&settings.log)?;
    match cli.command {
        Command::Serve => serve(settings).await,
        Command::Key(command) => key(&settings, command).await,
        Command::Migrate => {
            open_database(&settings).await?.close().await;
            tracing::info!(database = %settings.database_url, "the schema is up to date");
            Ok(())
        }
    }
}

/// CHAIN: the lead starts the chain here and hands its side to `api::service::assemble`.
async fn serve(settings: Settings) -> anyhow::Result<()> {
    let _lock = api::service::lock_for_serving(&settings)?;
    let db = open_database(&settings).await?;
    let images = api::service::open_images(&settings).await?;
    let chain = api::service::ChainSide::absent()?;
    let metrics = telemetry::start_counting()?;
    let state = api::service::assemble(settings, db, images, chain, metrics).await?;
    api::service::run(state).await.context("serving")
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
