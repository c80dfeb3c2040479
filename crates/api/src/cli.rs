//! The command line.

use std::path::PathBuf;

use catalog::invalid::InvalidField;
use catalog::text::Line;
use clap::{Args, Parser, Subcommand};

use minting::token::TokenId;

use crate::auth::{ApiKeyId, Scope};
use crate::config::{Layers, SettingError, Settings, environment};
use crate::feed::{ChannelName, EntryId};

/// Digital collectibles for physical limited-edition prints.
#[derive(Debug, Parser)]
#[command(name = "colophon", version, propagate_version = true)]
pub struct Cli {
    /// Where and how.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the service until SIGTERM or SIGINT.
    Serve,
    /// Makes, lists and revokes API keys; works beside a running service.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Brings the database's schema up to date.
    Migrate,
    /// Plays the whole job on a fresh embedded service: from a print image to a confirmed token.
    Demo {
        /// The print image; without it the program draws its own print.
        #[arg(long, value_name = "FILE")]
        image: Option<PathBuf>,
    },
    /// The contract on chain.
    #[command(subcommand)]
    Contract(ContractCommand),
    /// The signers' lanes; works beside a running service.
    #[command(subcommand)]
    Lane(LaneCommand),
    /// Compares shop, books and chain; works beside a running service. Exits with 0 when all of it agrees, 3 when
    /// something was found, 1 when it could not look.
    Reconcile(ReconcileArgs),
    /// The journal as an audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What shops sent and a person must look at; works beside a running service.
    #[command(subcommand)]
    Inbox(InboxCommand),
    /// Asks the chain and the stored image, and nothing else, about a token.
    Verify {
        /// Its id in plain decimal digits: `12017100`.
        token_id: TokenId,
    },
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Computes the chain of hashes over the journal again and compares it with its stored end and with the file that
    /// told the end before. Writes nothing. Prints one line of JSON; exits with 0 when all of it fits, 3 when rows were
    /// edited, deleted, put elsewhere or cut off, 1 when it could not look.
    Verify {
        /// What the journal's end was told to be. Default: the file in `audit.head_file`, if it is there.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
}

/// What to do with lanes.
#[derive(Debug, Subcommand)]
pub enum LaneCommand {
    /// Lists the lanes, and why one stands still.
    List,
    /// Lets a frozen lane go on. What the chain lost is sent again, the same calls at the same nonces.
    Resume {
        /// The signer's address.
        signer: String,
    },
    /// Lets a frozen lane go on whose key was used without these books, once `reconcile` has decided all that the chain
    /// has and the books do not. Its next nonce is the chain's finalized count.
    Adopt {
        /// The signer's address.
        signer: String,
        /// Why, for the journal.
        #[arg(long, value_parser = parse_reason)]
        reason: Line,
    },
}

/// Comparing everything, or one part of it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ReconcileArgs {
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = ReportFormat::Json)]
    pub format: ReportFormat,
    /// What changed within this time may still be under way, and is not reported.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub patience_minutes: u64,
    /// Without one: the whole report.
    #[command(subcommand)]
    pub command: Option<ReconcileCommand>,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// One JSON object.
    Json,
    /// A line for each finding.
    Csv,
}

/// One part of reconciling.
#[derive(Debug, Subcommand)]
pub enum ReconcileCommand {
    /// Takes a token or tombstone that the chain has and the books did not know into the books, where sheet,
    /// recipient and claim agree.
    Link {
        /// Its id in plain decimal digits: `12017100`.
        token_id: TokenId,
        /// Why, for the journal.
        #[arg(long, value_parser = parse_reason)]
        reason: Line,
        /// The sheet of a tombstone that no sale holds is here, and may be sold.
        #[arg(long)]
        in_house: bool,
    },
    /// Leaves such a token or tombstone foreign for good, and its sheet out of sale.
    Reject {
        /// Its id in plain decimal digits: `12017100`.
        token_id: TokenId,
        /// Why, for the journal.
        #[arg(long, value_parser = parse_reason)]
        reason: Line,
        /// Asks the registrar to void it, while that can be done.
        #[arg(long)]
        void: bool,
    },
    /// Reads a shop's orders from its platform and puts what its webhooks lost into the inbox, where the running
    /// service takes it in. Exits with 3 when something had been lost.
    Shopify {
        /// The shop, as the settings name it; without one: all that have an `access_token`.
        #[arg(long)]
        channel: Option<ChannelName>,
        /// How many days back.
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
}

/// Reads the reason that an operator gives for a decision.
fn parse_reason(text: &str) -> Result<Line, InvalidField> {
    Line::parse("reason", "reason_invalid", text)
}

/// What to do with entries of the inbox.
#[derive(Debug, Subcommand)]
pub enum InboxCommand {
    /// Lists entries, oldest first: id, channel, topic, order, reason, detail, when it came.
    List {
        /// Which ones.
        #[arg(long, value_enum, default_value_t = InboxState::Parked)]
        state: InboxState,
    },
    /// Prints what was sent, as it was sent. It names the buyer.
    Show {
        /// The entry: `inb_…`.
        entry_id: EntryId,
    },
    /// Lets an entry be tried again at once, for example after a mistake in the shop was mended.
    Replay {
        /// The entry: `inb_…`.
        entry_id: EntryId,
        /// Why, for the journal.
        #[arg(long)]
        reason: String,
    },
    /// Sets an entry aside for ever: it shall have no effect.
    Dismiss {
        /// The entry: `inb_…`.
        entry_id: EntryId,
        /// Why, for the journal.
        #[arg(long)]
        reason: String,
    },
}

/// Where an entry of the inbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InboxState {
    /// To be worked on.
    Waiting,
    /// A person must look.
    Parked,
    /// Set aside by a person.
    Dismissed,
}

impl InboxState {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Dismissed => "dismissed",
        }
    }
}

/// What to do with the contract.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Deploys a new `PrintEditions` with the roles that the secrets name, and prints its address.
    Deploy,
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes a key and prints it on standard output, once.
    Create {
        /// What it may do.
        #[arg(long)]
        scope: Scope,
        /// What to call it in lists.
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// Prints nothing but the key.
        #[arg(long)]
        quiet: bool,
    },
    /// Lists the keys; what they are is not known any more.
    List,
    /// Revokes a key for ever.
    Revoke {
        /// Its id: `key_…`.
        api_key_id: ApiKeyId,
    },
}

/// Flags for the main settings; `config.default.toml` explains all of them.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// File with settings.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of everything embedded.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address and port to listen on.
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How the outside reaches the service.
    #[arg(long, global = true, value_name = "URL")]
    public_base_url: Option<String>,
    /// The database. A password is better given in the environment or a file.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// JSON-RPC address of the chain; may be repeated.
    #[arg(long, global = true, value_name = "URL")]
    rpc_url: Vec<String>,
    /// The chain's id.
    #[arg(long, global = true, value_name = "NUMBER")]
    chain_id: Option<String>,
    /// The deployed contract.
    #[arg(long, global = true, value_name = "ADDRESS")]
    contract: Option<String>,
    /// Folder of the secrets.
    #[arg(long, global = true, value_name = "DIR")]
    secrets_dir: Option<String>,
    /// `plain` or `json`.
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// What is logged: `info`, `debug`, `info,minting=debug`.
    #[arg(long, global = true, value_name = "FILTER")]
    log_level: Option<String>,
}

impl SettingsArgs {
    /// Reads and checks every setting, with these flags on top.
    pub fn load(self) -> Result<Settings, SettingError> {
        let (environment, named_file) = environment()?;
        let file = self.config.or(named_file).map(|path| {
            std::fs::read_to_string(&path).map_err(|error| {
                SettingError::new(
                    "--config",
                    format!("names `{}`, which cannot be read: {error}", path.display()),
                )
            })
        });
        let flags = [
            ("data_dir", self.data_dir),
            ("listen", self.listen),
            ("public_base_url", self.public_base_url),
            ("database_url", self.database_url),
            ("chain_id", self.chain_id),
            ("contract", self.contract),
            ("secrets_dir", self.secrets_dir),
            ("log.format", self.log_format),
            ("log.level", self.log_level),
        ];
        Settings::load(Layers {
            file: file.transpose()?,
            environment,
            flags: flags.into_iter().filter_map(|(name, text)| Some((name, text?))).collect(),
            rpc_urls: self.rpc_url,
        })
    }
}
