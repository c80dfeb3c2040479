//! The one door to JSON-RPC: a real node behind [`Chain`].

mod departures;
mod fee_history;
mod logs;
mod signatures;
mod wire;

use std::sync::Arc;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::{BlockNumberOrTag as Tag, Filter, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::{RpcError, TransportErrorKind};
use async_trait::async_trait;
use catalog::account::Account;

use crate::call::EditionTerms;
use crate::chain::{
    Block, Chain, ChainError, CountAt, DryRunError, FeeHistory, FirstMint, Receipt, Role, StatusOnChain,
    TokenOnChain,
};
use crate::contract::{self, IPrintEditions, Inherited, LogEntry};
use crate::departure::Departure;
use crate::send_error::{self, SendRefusal};
use crate::token::TokenId;
use crate::wallet::code_proof::CodeQuestion;
use fee_history::FeeHistoryAnswer;
use wire::Wire;

/// Blocks that a fee quote looks back on.
const FEE_BLOCKS: u64 = 10;

/// How a block becomes final on this chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// The node's `finalized` tag.
    Tag,
    /// For chains without that tag: so many blocks behind the head.
    Depth(u64),
}

/// A node and the address of our contract on its chain.
#[derive(Clone)]
pub struct RpcChain {
    provider: RootProvider,
    contract: Address,
    finality: Finality,
}

impl std::fmt::Debug for RpcChain {
    /// Without the node's address, which may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcChain").field("contract", &self.contract).finish_non_exhaustive()
    }
}

type Failure = RpcError<TransportErrorKind>;

impl RpcChain {
    /// A chain behind `url`, with our contract at `contract`. Asks nothing yet.
    pub fn new(url: url::Url, contract: Account, finality: Finality) -> Result<Self, ChainError> {
        let wire = Wire::new(url).map_err(|error| no_answer("client", &error.without_url()))?;
        let provider = RootProvider::new(RpcClient::new(wire, false));
        Ok(Self { provider, contract: contract::address(contract), finality })
    }

    /// A digest of the code at our contract's address.
    pub(crate) async fn code_digest(&self) -> Result<B256, ChainError> {
        let code = self.provider.get_code_at(self.contract).await;
        Ok(keccak256(code.map_err(|error| failed("eth_getCode", &error))?))
    }

    /// Hands signed bytes to the node. The outer failure is the provider's own: nobody knows what became of them.
    pub(crate) async fn offer(&self, raw: &[u8]) -> Result<Result<(), SendRefusal>, ChainError> {
        let question = "eth_sendRawTransaction";
        match self.provider.send_raw_transaction(raw).await {
            Ok(taken) if *taken.tx_hash() == keccak256(raw) => Ok(Ok(())),
            Ok(_) => Err(impossible(question, "the hash of other bytes")),
            Err(RpcError::ErrorResp(payload)) => {
                Ok(Err(send_error::classify(payload.code, &payload.message)))
            }
            Err(error) => Err(failed(question, &error)),
        }
    }

    /// The base fee of the block after the newest, at its highest.
    async fn next_base_fee(&self) -> Result<u128, ChainError> {
        let question = "eth_getBlockByNumber";
        let block = self.provider.get_block_by_number(Tag::Latest).await;
        let block = block.map_err(|error| failed(question, &error))?;
        let base_fee = block.and_then(|block| block.header.base_fee_per_gas).map(u128::from);
        let base_fee = base_fee.ok_or_else(|| impossible(question, "no base fee"))?;
        Ok(base_fee.saturating_add(base_fee.div_ceil(8)))
    }

    /// The gas that creating a contract would use.
    pub(crate) async fn estimate_creation(&self, creator: Account, code: &[u8]) -> Result<u64, ChainError> {
        let request = TransactionRequest::default()
            .from(contract::address(creator))
            .input(code.to_vec().into())
            .create();
        self.provider.estimate_gas(request).await.map_err(|error| failed("eth_estimateGas", &error))
    }

    /// Gives an account ether on a development chain.
    pub(crate) async fn grant(&self, account: Account, wei: u128) -> Result<(), ChainError> {
        let parameters = (contract::address(account), U256::from(wei));
        let granted: Result<Option<bool>, _> =
            self.provider.raw_request("anvil_setBalance".into(), parameters).await;
        granted.map(|_| ()).map_err(|error| failed("anvil_setBalance", &error))
    }

    async fn view<C: SolCall + Send>(
        &self,
        question: &'static str,
        call: C,
    ) -> Result<C::Return, ChainError> {
        self.view_at(question, call, Tag::Latest).await
    }

    async fn view_at<C: SolCall + Send>(
        &self,
        question: &'static str,
        call: C,
        at: Tag,
    ) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default().to(self.contract).input(call.abi_encode().into());
        let answer = self.provider.call(request).block(at.into()).await;
        let answer = answer.map_err(|error| failed(question, &error))?;
        C::abi_decode_returns(&answer).map_err(|error| impossible(question, error))
    }

    fn call_of(&self, signer: Account, calldata: &[u8]) -> TransactionRequest {
        let request = TransactionRequest::default().from(contract::address(signer)).to(self.contract);
        request.input(calldata.to_vec().into())
    }

    async fn block(&self, tag: Tag) -> Result<Block, ChainError> {
        let question = "eth_getBlockByNumber";
        let block = self.provider.get_block_by_number(tag).await.map_err(|error| failed(question, &error))?;
        let block = block.ok_or_else(|| impossible(question, format!("no {tag} block")))?;
        Ok(Block { number: block.header.number, hash: block.header.hash })
    }
}

fn no_answer(question: &'static str, reason: &impl ToString) -> ChainError {
    ChainError::NoAnswer { question, reason: send_error::excerpt(&reason.to_string()) }
}

fn impossible(question: &'static str, problem: impl ToString) -> ChainError {
    ChainError::Impossible { question, problem: send_error::excerpt(&problem.to_string()) }
}

/// Says what failed without the node's address, which may hold a key.
fn failed(question: &'static str, error: &Failure) -> ChainError {
    match error {
        RpcError::ErrorResp(payload) => match send_error::classify(payload.code, &payload.message) {
            SendRefusal::ProviderBusy(reason) => ChainError::Busy { question, reason },
            _ => ChainError::Declined { question, reason: send_error::excerpt(&payload.message) },
        },
        RpcError::DeserError { .. } | RpcError::NullResp => impossible(question, "not the expected form"),
        RpcError::Transport(TransportErrorKind::HttpError(error)) => {
            ChainError::Busy { question, reason: format!("HTTP status {}", error.status) }
        }
        RpcError::Transport(TransportErrorKind::Custom(reason)) => no_answer(question, reason),
        _ => no_answer(question, &"no connection, or none in time"),
    }
}

/// Why a call would not go through: what the contract or the node says of it, or that nobody knows.
fn would_not_go_through(question: &'static str, error: Failure) -> DryRunError {
    let RpcError::ErrorResp(payload) = &error else { return failed(question, &error).into() };
    if let Some(data) = payload.as_revert_data() {
        return DryRunError::Refused(contract::refusal(&data));
    }
    match send_error::classify(payload.code, &payload.message) {
        SendRefusal::InsufficientFunds => DryRunError::InsufficientFunds,
        _ => failed(question, &error).into(),
    }
}

#[async_trait]
impl Chain for RpcChain {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        self.provider.get_chain_id().await.map_err(|error| failed("eth_chainId", &error))
    }

    async fn head(&self) -> Result<Block, ChainError> {
        self.block(Tag::Latest).await
    }

    async fn finalized(&self) -> Result<Block, ChainError> {
        match self.finality {
            Finality::Tag => self.block(Tag::Finalized).await,
            Finality::Depth(depth) => {
                let head = self.head().await?;
                self.block(Tag::Number(head.number.saturating_sub(depth))).await
            }
        }
    }

    async fn block_hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        let block = self.provider.get_block_by_number(Tag::Number(number)).await;
        let block = block.map_err(|error| failed("eth_getBlockByNumber", &error))?;
        Ok(block.filter(|block| block.header.number == number).map(|block| block.header.hash))
    }

    async fn block_transactions(&self, number: u64) -> Result<Option<(B256, Vec<B256>)>, ChainError> {
        let block = self.provider.get_block_by_number(Tag::Number(number)).await;
        let block = block.map_err(|error| failed("eth_getBlockByNumber", &error))?;
        let block = block.filter(|block| block.header.number == number);
        Ok(block.map(|block| (block.header.hash, block.transactions.hashes().collect())))
    }

    async fn block_gas_limit(&self) -> Result<u64, ChainError> {
        let question = "eth_getBlockByNumber";
        let block = self.provider.get_block_by_number(Tag::Latest).await;
        let block = block.map_err(|error| failed(question, &error))?;
        block.map(|block| block.header.gas_limit).ok_or_else(|| impossible(question, "no latest block"))
    }

    async fn receipt(&self, attempt_hash: B256) -> Result<Option<Receipt>, ChainError> {
        let question = "eth_getTransactionReceipt";
        let receipt = self.provider.get_transaction_receipt(attempt_hash).await;
        let Some(receipt) = receipt.map_err(|error| failed(question, &error))? else { return Ok(None) };
        if receipt.transaction_hash != attempt_hash {
            return Err(impossible(question, "the receipt of another transaction"));
        }
        let of_another = |log: &alloy::rpc::types::Log| {
            log.transaction_hash.is_some_and(|hash| hash != attempt_hash)
                || (log.block_hash.is_some() && log.block_hash != receipt.block_hash)
        };
        if receipt.logs().iter().any(of_another) {
            return Err(impossible(question, "a receipt with the logs of another transaction"));
        }
        // A receipt without its block is one that is not in a block yet.
        let (Some(number), Some(hash)) = (receipt.block_number, receipt.block_hash) else { return Ok(None) };
        Ok(Some(Receipt {
            attempt_hash,
            block: Block { number, hash },
            succeeded: receipt.status(),
            events: contract::item_events(self.contract, receipt.logs()),
            gas_used: receipt.gas_used,
            cost: u128::from(receipt.gas_used).saturating_mul(receipt.effective_gas_price),
        }))
    }

    async fn transaction_count(&self, account: Account, at: CountAt) -> Result<u64, ChainError> {
        let at = match at {
            CountAt::Pending => BlockId::Number(BlockNumberOrTag::Pending),
            CountAt::Latest => BlockId::Number(BlockNumberOrTag::Latest),
            CountAt::Height(number) => BlockId::Number(BlockNumberOrTag::Number(number)),
        };
        let count = self.provider.get_transaction_count(contract::address(account)).block_id(at).await;
        count.map_err(|error| failed("eth_getTransactionCount", &error))
    }

    async fn balance(&self, account: Account) -> Result<u128, ChainError> {
        let balance = self.provider.get_balance(contract::address(account)).await;
        let balance = balance.map_err(|error| failed("eth_getBalance", &error))?;
        Ok(u128::try_from(balance).unwrap_or(u128::MAX))
    }

    async fn fee_history(&self) -> Result<FeeHistory, ChainError> {
        let question = "eth_feeHistory";
        let parameters = (format!("{FEE_BLOCKS:#x}"), "latest", [50.0]);
        let answer: Result<FeeHistoryAnswer, _> =
            self.provider.raw_request(question.into(), parameters).await;
        let answer = match answer.map_err(|error| failed(question, &error)) {
            Err(error @ (ChainError::NoAnswer { .. } | ChainError::Busy { .. })) => return Err(error),
            // A node without the method, or with an answer that cannot be: its newest block tells the base fee too.
            other => other.unwrap_or_default(),
        };
        let base_fee = match answer.base_fee() {
            Some(base_fee) => base_fee,
            None => self.next_base_fee().await?,
        };
        Ok(FeeHistory { base_fee, median_tip: answer.median_tip() })
    }

    async fn send(&self, raw: &[u8]) -> Result<(), SendRefusal> {
        match self.offer(raw).await {
            Ok(answer) => answer,
            Err(ChainError::Busy { reason, .. }) => Err(SendRefusal::ProviderBusy(reason)),
            Err(error) => Err(SendRefusal::Unknown(error.to_string())),
        }
    }

    async fn dry_run(&self, signer: Account, calldata: &[u8], gas_limit: u64) -> Result<(), DryRunError> {
        let request = self.call_of(signer, calldata).gas_limit(gas_limit);
        // Not the pending one, which is the default: a node that has one makes it anew for the question, with all that waits.
        let answer = self.provider.call(request).latest().await;
        answer.map(drop).map_err(|error| would_not_go_through("eth_call", error))
    }

    async fn estimate(&self, signer: Account, calldata: &[u8]) -> Result<u64, DryRunError> {
        let answer = self.provider.estimate_gas(self.call_of(signer, calldata)).await;
        answer.map_err(|error| would_not_go_through("eth_estimateGas", error))
    }

    async fn has_role(&self, role: Role, account: Account) -> Result<bool, ChainError> {
        let role = match role {
            Role::Curator => self.view("CURATOR_ROLE", IPrintEditions::CURATOR_ROLECall {}).await?,
            Role::Minter => self.view("MINTER_ROLE", IPrintEditions::MINTER_ROLECall {}).await?,
            Role::Registrar => self.view("REGISTRAR_ROLE", IPrintEditions::REGISTRAR_ROLECall {}).await?,
            Role::Vault => self.view("VAULT_ROLE", IPrintEditions::VAULT_ROLECall {}).await?,
        };
        self.view("hasRole", Inherited::hasRoleCall { role, account: contract::address(account) }).await
    }

    async fn governs(&self, account: Account) -> Result<bool, ChainError> {
        let pauser = self.view("PAUSER_ROLE", IPrintEditions::PAUSER_ROLECall {}).await?;
        let account = contract::address(account);
        let holds = |role| self.view("hasRole", Inherited::hasRoleCall { role, account });
        // The default admin role is zero (OpenZeppelin's AccessControl).
        Ok(holds(B256::ZERO).await? || holds(pauser).await?)
    }

    async fn token(&self, token_id: TokenId) -> Result<TokenOnChain, ChainError> {
        use IPrintEditions::TokenStatus;
        let id = U256::from(token_id.get());
        let told = self.view("statusOf", IPrintEditions::statusOfCall { tokenId: id }).await?;
        let status = match told.status {
            TokenStatus::Unissued => StatusOnChain::Unissued,
            TokenStatus::Bound => StatusOnChain::Bound,
            TokenStatus::Settled => StatusOnChain::Settled,
            TokenStatus::Voided => StatusOnChain::Voided,
            TokenStatus::Surrendered => StatusOnChain::Surrendered,
            TokenStatus::__Invalid => return Err(impossible("statusOf", "unknown status")),
        };
        let lives = matches!(status, StatusOnChain::Bound | StatusOnChain::Settled);
        let owner = if lives {
            let owner = self.view("ownerOf", Inherited::ownerOfCall { tokenId: id }).await?;
            Some(contract::account(owner))
        } else {
            None
        };
        let settles_at = self.view("settlesAtOf", IPrintEditions::settlesAtOfCall { tokenId: id }).await?;
        Ok(TokenOnChain {
            status,
            owner,
            settles_at: u64::try_from(settles_at).unwrap_or(u64::MAX),
            successor: u64::try_from(told.successor).ok().filter(|id| *id != 0),
        })
    }

    async fn first_mint(&self, token_id: TokenId) -> Result<Option<FirstMint>, ChainError> {
        let filter = Filter::new()
            .address(self.contract)
            .event_signature(Inherited::Transfer::SIGNATURE_HASH)
            .topic1(B256::ZERO)
            .topic3(B256::from(U256::from(token_id.get())))
            .from_block(Tag::Earliest);
        let logs = self.provider.get_logs(&filter).await.map_err(|error| failed("eth_getLogs", &error))?;
        let first_mint = |log: &alloy::rpc::types::Log| {
            let block = Block { number: log.block_number?, hash: log.block_hash? };
            let transfer = log.log_decode::<Inherited::Transfer>().ok()?;
            Some(FirstMint { recipient: contract::account(transfer.inner.data.to), block })
        };
        Ok(logs.iter().find_map(first_mint))
    }

    async fn departures(&self, token_id: TokenId, keeper: Account) -> Result<Vec<Departure>, ChainError> {
        self.read_departures(token_id, keeper).await
    }

    async fn edition_terms(&self, edition: u64, at: Option<u64>) -> Result<Option<EditionTerms>, ChainError> {
        let call = IPrintEditions::editionTermsCall { edition: U256::from(edition) };
        let at = at.map_or(Tag::Latest, Tag::Number);
        let terms = self.view_at("editionTerms", call, at).await?;
        Ok((terms.serials != 0).then(|| terms.into()))
    }

    async fn takes_signature(&self, question: Arc<CodeQuestion>) -> Result<bool, ChainError> {
        self.takes_signature_at(&question, self.head().await?).await
    }

    async fn log(&self, from: u64, to: u64) -> Result<Vec<LogEntry>, ChainError> {
        self.read_log(from, to).await
    }

    async fn first_block(&self) -> Result<u64, ChainError> {
        self.find_first_block().await
    }

    async fn has_code(&self, account: Account) -> Result<bool, ChainError> {
        let code = self.provider.get_code_at(contract::address(account)).await;
        Ok(!code.map_err(|error| failed("eth_getCode", &error))?.is_empty())
    }

    async fn contract_exists(&self) -> Result<bool, ChainError> {
        self.has_code(contract::account(self.contract)).await
    }
}
