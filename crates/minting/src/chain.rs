//! What a chain can be asked. [`crate::rpc`] asks a real node; nothing else speaks JSON-RPC.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::account::Account;

use crate::call::EditionTerms;
use crate::contract::{ItemEvent, LogEntry, WholeCallRefusal};
use crate::departure::Departure;
use crate::send_error::SendRefusal;
use crate::token::TokenId;
use crate::wallet::code_proof::CodeQuestion;

pub use alloy::primitives::B256;

/// A block's height and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
}

/// Which state of an account's nonce is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountAt {
    /// With the node's pool.
    Pending,
    /// At the head.
    Latest,
    /// At that height.
    Height(u64),
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The hash of the attempt that made it.
    pub attempt_hash: B256,
    /// Where.
    pub block: Block,
    /// False when the whole call reverted.
    pub succeeded: bool,
    /// What happened to its items, in order.
    pub events: Vec<ItemEvent>,
    /// Gas that it used.
    pub gas_used: u64,
    /// What it cost, in wei.
    pub cost: u128,
}

/// What the last blocks cost, in wei for each unit of gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeHistory {
    /// Base fee of the next block (EIP-1559).
    pub base_fee: u128,
    /// The middle one of the tips that the last blocks took.
    pub median_tip: u128,
}

/// The mint that made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstMint {
    /// To whom.
    pub recipient: Account,
    /// In which block.
    pub block: Block,
}

/// A token as the contract itself describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOnChain {
    /// Where it stands.
    pub status: StatusOnChain,
    /// Who holds it, while somebody does.
    pub owner: Option<Account>,
    /// Unix seconds from which nobody can void it; 0 without an owner.
    pub settles_at: u64,
    /// For a tombstone, the next issue of the sheet, if there is one.
    pub successor: Option<u64>,
}

/// `TokenStatus` of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusOnChain {
    /// Never minted.
    Unissued,
    /// Minted, revocable, locked.
    Bound,
    /// Irrevocable and free.
    Settled,
    /// A tombstone by the issuer.
    Voided,
    /// A tombstone by the owner.
    Surrendered,
}

impl StatusOnChain {
    /// The word in JSON and on the terminal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unissued => "unissued",
            Self::Bound => "bound",
            Self::Settled => "settled",
            Self::Voided => "voided",
            Self::Surrendered => "surrendered",
        }
    }
}

/// The roles of the contract that a lane can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Opens editions.
    Curator,
    /// Mints.
    Minter,
    /// Voids and settles.
    Registrar,
    /// Keeps tokens in a buyer's name.
    Vault,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Curator, Self::Minter, Self::Registrar, Self::Vault];

    /// The word in the database, in file names and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Curator => "curator",
            Self::Minter => "minter",
            Self::Registrar => "registrar",
            Self::Vault => "vault",
        }
    }

    /// The role that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A question that got no answer, or an impossible one.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No answer: nobody knows what happened. Ask again.
    #[error("the chain did not answer `{question}`: {reason}")]
    NoAnswer {
        /// The JSON-RPC method.
        question: &'static str,
        /// What was said in its place, without the node's address.
        reason: String,
    },
    /// The provider does not want to work now: rate limit, quota, an error page. Ask another, or later.
    #[error("the provider is busy, asked `{question}`: {reason}")]
    Busy {
        /// The JSON-RPC method.
        question: &'static str,
        /// What was said.
        reason: String,
    },
    /// The node answered that it cannot or will not tell: the question is the trouble, not the node.
    #[error("the chain declined to answer `{question}`: {reason}")]
    Declined {
        /// The JSON-RPC method.
        question: &'static str,
        /// What was said.
        reason: String,
    },
    /// No provider may be asked now.
    #[error("no provider can be used: {standings}")]
    NoProvider {
        /// Where each stands.
        standings: String,
    },
    /// Too few providers tell the same. Nothing may follow that cannot be taken back.
    #[error("the providers do not agree on {about}")]
    NoAgreement {
        /// On what.
        about: &'static str,
    },
    /// An answer that cannot be. Treated as no answer.
    #[error("the chain answered `{question}` with something impossible: {problem}")]
    Impossible {
        /// The JSON-RPC method.
        question: &'static str,
        /// What is wrong with the answer.
        problem: String,
    },
}

impl ChainError {
    /// True where the provider is the trouble, so that another one may do better.
    #[must_use]
    pub fn is_of_the_provider(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Busy { .. } | Self::Impossible { .. })
    }
}

/// Why a dry run of a call did not go through.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// The contract refuses the whole call.
    #[error("the contract refuses the whole call: {0:?}")]
    Refused(WholeCallRefusal),
    /// The signer cannot pay.
    #[error("the signer cannot pay for the gas")]
    InsufficientFunds,
    /// No usable answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A chain with our contract on it.
#[async_trait]
pub trait Chain: Send + Sync + std::fmt::Debug {
    /// The chain's id (EIP-155), as the node tells it.
    async fn chain_id(&self) -> Result<u64, ChainError>;
    /// The newest block.
    async fn head(&self) -> Result<Block, ChainError>;
    /// The newest final block.
    async fn finalized(&self) -> Result<Block, ChainError>;
    /// The hash of the canonical block at a height, if the chain is that long.
    async fn block_hash(&self, number: u64) -> Result<Option<B256>, ChainError>;
    /// The hash of the canonical block at a height, and those of its transactions, if the chain is that long.
    async fn block_transactions(&self, number: u64) -> Result<Option<(B256, Vec<B256>)>, ChainError>;
    /// Gas limit of the newest block.
    async fn block_gas_limit(&self) -> Result<u64, ChainError>;
    /// The receipt of an attempt, if it is in a block.
    async fn receipt(&self, attempt_hash: B256) -> Result<Option<Receipt>, ChainError>;
    /// How many transactions the account has sent.
    async fn transaction_count(&self, account: Account, at: CountAt) -> Result<u64, ChainError>;
    /// What the account owns, in wei.
    async fn balance(&self, account: Account) -> Result<u128, ChainError>;
    /// What the last blocks cost.
    async fn fee_history(&self) -> Result<FeeHistory, ChainError>;
    /// Hands signed bytes to the node. Only [`SendRefusal`] says what may follow.
    async fn send(&self, raw: &[u8]) -> Result<(), SendRefusal>;
    /// Whether a call to our contract would go through now with so much gas. One execution by the node, which knows
    /// nothing of what the chain charges besides.
    async fn dry_run(&self, signer: Account, calldata: &[u8], gas_limit: u64) -> Result<(), DryRunError>;
    /// The gas that a call to our contract would be charged for now, a layer 2's data fee included, or why it would
    /// not go through. Several executions by the node.
    async fn estimate(&self, signer: Account, calldata: &[u8]) -> Result<u64, DryRunError>;
    /// Whether the account holds the role.
    async fn has_role(&self, role: Role, account: Account) -> Result<bool, ChainError>;
    /// Whether the account is the contract's admin, or may stop it.
    async fn governs(&self, account: Account) -> Result<bool, ChainError>;
    /// What the contract says of a token.
    async fn token(&self, token_id: TokenId) -> Result<TokenOnChain, ChainError>;
    /// The first mint of a token, by its log, if there was one.
    async fn first_mint(&self, token_id: TokenId) -> Result<Option<FirstMint>, ChainError>;
    /// How a token left `keeper`, by its logs, in their order.
    async fn departures(&self, token_id: TokenId, keeper: Account) -> Result<Vec<Departure>, ChainError>;
    /// The terms of an edition, if it is open at the block of height `at`; at the newest block without one.
    async fn edition_terms(&self, edition: u64, at: Option<u64>) -> Result<Option<EditionTerms>, ChainError>;
    /// Whether the code of an account takes a signature for its own, at the newest block that can be agreed on. Nothing
    /// is sent, and no answer of the account, however bad, is an error.
    async fn takes_signature(&self, question: Arc<CodeQuestion>) -> Result<bool, ChainError>;
    /// What our contract wrote into its log in the blocks from `from` to `to`, both included, in its order. Nodes
    /// refuse ranges that are too wide: [`crate::scan`] asks for as much as they give.
    async fn log(&self, from: u64, to: u64) -> Result<Vec<LogEntry>, ChainError>;
    /// The first block with our contract's code, as far as the node remembers; 0 when it does not.
    async fn first_block(&self) -> Result<u64, ChainError>;
    /// Whether an account has code: a contract's, or what its key delegated itself to (EIP-7702).
    async fn has_code(&self, account: Account) -> Result<bool, ChainError>;
    /// Whether code stands at our contract's address.
    async fn contract_exists(&self) -> Result<bool, ChainError>;
}
