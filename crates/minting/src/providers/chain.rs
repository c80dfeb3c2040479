//! Which questions one provider may answer, and which need a majority.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use catalog::account::Account;

use super::Providers;
use super::agreement::{self, Evidence, Seen};
use super::ask::{Question, Told};
use crate::call::EditionTerms;
use crate::chain::{
    B256, Block, Chain, ChainError, CountAt, DryRunError, FeeHistory, FirstMint, Receipt, Role, TokenOnChain,
};
use crate::contract::LogEntry;
use crate::departure::Departure;
use crate::rpc::RpcChain;
use crate::send_error::SendRefusal;
use crate::token::TokenId;
use crate::wallet::code_proof::CodeQuestion;

impl Providers {
    /// What a majority of the configured providers says alike.
    async fn agree<T: PartialEq>(
        &self,
        about: &'static str,
        question: impl for<'a> Fn(&'a RpcChain) -> Question<'a, T>,
    ) -> Result<T, ChainError> {
        let told = answers(self.ask_all(question).await?);
        agreement::said_by_most(told, self.all.len()).ok_or(ChainError::NoAgreement { about })
    }

    /// The newest block that a majority has, by the hash that a majority gives it.
    async fn agree_on_head(&self) -> Result<Block, ChainError> {
        let told = answers(self.ask_all(|chain| Box::pin(chain.head())).await?);
        let numbers = told.into_iter().map(|block| block.number).collect();
        let number = agreement::reached_by_most(numbers, self.all.len());
        self.agree_on_hash("the newest block", number).await
    }

    async fn agree_on_hash(&self, about: &'static str, number: Option<u64>) -> Result<Block, ChainError> {
        let number = number.ok_or(ChainError::NoAgreement { about })?;
        let hash = self.block_hash(number).await?.ok_or(ChainError::NoAgreement { about })?;
        Ok(Block { number, hash })
    }

    /// The newest block that a majority knows to be final, by the hash that a majority gives it.
    async fn agree_on_final(&self) -> Result<Block, ChainError> {
        let told = self.ask_all(|chain| Box::pin(chain.finalized())).await?;
        for (provider, block) in &told {
            provider.saw_final(block.number);
        }
        let numbers = told.into_iter().map(|(_, block)| block.number).collect();
        let number = agreement::reached_by_most(numbers, self.all.len());
        self.agree_on_hash("the final block", number).await
    }
}

fn answers<T>(told: Vec<Told<T>>) -> Vec<T> {
    told.into_iter().map(|(_, answer)| answer).collect()
}

#[async_trait]
impl Chain for Providers {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        self.ask(|chain| Box::pin(chain.chain_id())).await
    }

    async fn head(&self) -> Result<Block, ChainError> {
        self.ask(|chain| Box::pin(chain.head())).await
    }

    async fn finalized(&self) -> Result<Block, ChainError> {
        if self.all.len() == 1 {
            return self.ask(|chain| Box::pin(chain.finalized())).await;
        }
        match self.agree_on_final().await {
            Ok(block) => Ok(self.keep_final(block)),
            // What was agreed before is still final, while too few answer.
            Err(error) => self.agreed_final().ok_or(error),
        }
    }

    async fn block_hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        self.agree("the canonical block", move |chain| Box::pin(chain.block_hash(number))).await
    }

    async fn block_transactions(&self, number: u64) -> Result<Option<(B256, Vec<B256>)>, ChainError> {
        self.agree("what a block holds", move |chain| Box::pin(chain.block_transactions(number))).await
    }

    async fn block_gas_limit(&self) -> Result<u64, ChainError> {
        self.ask(|chain| Box::pin(chain.block_gas_limit())).await
    }

    async fn receipt(&self, attempt_hash: B256) -> Result<Option<Receipt>, ChainError> {
        let told = self.ask_all(move |chain| Box::pin(chain.receipt(attempt_hash))).await?;
        let agreed = self.highest_final.load(Ordering::Relaxed);
        let seen = |(provider, receipt): Told<Option<Receipt>>| match receipt {
            Some(receipt) => Seen::There(receipt),
            None if self.all.len() == 1 || provider.final_seen() >= agreed => Seen::Missing,
            None => Seen::TooEarly,
        };
        let seen: Vec<_> = told.into_iter().map(seen).collect();
        match agreement::weigh(&seen, self.all.len()) {
            Evidence::There(receipt) => Ok(Some(receipt)),
            Evidence::Missing => Ok(None),
            Evidence::Open => Err(ChainError::NoAgreement { about: "a receipt" }),
        }
    }

    async fn transaction_count(&self, account: Account, at: CountAt) -> Result<u64, ChainError> {
        let about = "a count of transactions";
        if let CountAt::Height(_) = at {
            return self.agree(about, move |chain| Box::pin(chain.transaction_count(account, at))).await;
        }
        let told = self.ask_all(move |chain| Box::pin(chain.transaction_count(account, at))).await?;
        let told = answers(told);
        let reached = agreement::reached_by_most(told.clone(), self.all.len());
        let reached = reached.ok_or(ChainError::NoAgreement { about })?;
        // Whoever knows of one more waiting transaction is believed: it only makes us more careful.
        Ok(if at == CountAt::Pending { told.into_iter().max().unwrap_or(reached) } else { reached })
    }

    async fn balance(&self, account: Account) -> Result<u128, ChainError> {
        self.ask(move |chain| Box::pin(chain.balance(account))).await
    }

    async fn fee_history(&self) -> Result<FeeHistory, ChainError> {
        let told = answers(self.ask_all(|chain| Box::pin(chain.fee_history())).await?);
        let middle = |fee: fn(&FeeHistory) -> u128| agreement::middle(told.iter().map(fee).collect());
        let market = middle(|told| told.base_fee).zip(middle(|told| told.median_tip));
        let (base_fee, median_tip) = market.ok_or(ChainError::NoAgreement { about: "the market's fees" })?;
        Ok(FeeHistory { base_fee, median_tip })
    }

    async fn send(&self, raw: &[u8]) -> Result<(), SendRefusal> {
        agreement::strongest(self.hand_out(raw).await)
    }

    async fn dry_run(&self, signer: Account, calldata: &[u8], gas_limit: u64) -> Result<(), DryRunError> {
        let calldata: Arc<[u8]> = calldata.into();
        self.ask(move |chain| {
            let calldata = Arc::clone(&calldata);
            Box::pin(async move { answered(chain.dry_run(signer, &calldata, gas_limit).await) })
        })
        .await?
    }

    async fn estimate(&self, signer: Account, calldata: &[u8]) -> Result<u64, DryRunError> {
        let calldata: Arc<[u8]> = calldata.into();
        self.ask(move |chain| {
            let calldata = Arc::clone(&calldata);
            Box::pin(async move { answered(chain.estimate(signer, &calldata).await) })
        })
        .await?
    }

    async fn has_role(&self, role: Role, account: Account) -> Result<bool, ChainError> {
        self.ask(move |chain| Box::pin(chain.has_role(role, account))).await
    }

    async fn governs(&self, account: Account) -> Result<bool, ChainError> {
        self.ask(move |chain| Box::pin(chain.governs(account))).await
    }

    async fn token(&self, token_id: TokenId) -> Result<TokenOnChain, ChainError> {
        self.ask(move |chain| Box::pin(chain.token(token_id))).await
    }

    async fn first_mint(&self, token_id: TokenId) -> Result<Option<FirstMint>, ChainError> {
        self.agree("a token's first mint", move |chain| Box::pin(chain.first_mint(token_id))).await
    }

    async fn departures(&self, token_id: TokenId, keeper: Account) -> Result<Vec<Departure>, ChainError> {
        let about = "how a token left the vault";
        self.agree(about, move |chain| Box::pin(chain.departures(token_id, keeper))).await
    }

    async fn edition_terms(&self, edition: u64, at: Option<u64>) -> Result<Option<EditionTerms>, ChainError> {
        self.agree("an edition's terms", move |chain| Box::pin(chain.edition_terms(edition, at))).await
    }

    async fn takes_signature(&self, question: Arc<CodeQuestion>) -> Result<bool, ChainError> {
        let block = self.agree_on_head().await?;
        self.agree("whether an account takes a signature", move |chain| {
            takes_signature(chain, Arc::clone(&question), block)
        })
        .await
    }

    async fn log(&self, from: u64, to: u64) -> Result<Vec<LogEntry>, ChainError> {
        if self.all.len() == 1 {
            // Its refusal says what is wrong with the range.
            return self.ask(move |chain| Box::pin(chain.log(from, to))).await;
        }
        self.agree("the contract's log", move |chain| Box::pin(chain.log(from, to))).await
    }

    async fn first_block(&self) -> Result<u64, ChainError> {
        self.ask(|chain| Box::pin(chain.first_block())).await
    }

    async fn has_code(&self, account: Account) -> Result<bool, ChainError> {
        self.agree("the code of an account", move |chain| Box::pin(chain.has_code(account))).await
    }

    async fn contract_exists(&self) -> Result<bool, ChainError> {
        self.ask(|chain| Box::pin(chain.contract_exists())).await
    }
}

/// A refusal by the contract is an answer: the provider did its work.
fn answered<T>(tried: Result<T, DryRunError>) -> Result<Result<T, DryRunError>, ChainError> {
    match tried {
        Err(DryRunError::Chain(error)) => Err(error),
        answer => Ok(answer),
    }
}

fn takes_signature(chain: &RpcChain, question: Arc<CodeQuestion>, block: Block) -> Question<'_, bool> {
    Box::pin(async move { chain.takes_signature_at(&question, block).await })
}
