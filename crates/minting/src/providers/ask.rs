//! Asking one provider after the other, or all at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use catalog::crash_point;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Providers;
use super::provider::Provider;
use crate::chain::ChainError;
use crate::rpc::RpcChain;
use crate::send_error::SendRefusal;

/// Once a majority has answered, the others get so long.
const GRACE: Duration = Duration::from_secs(2);

/// A question, put to one node.
pub(super) type Question<'a, T> = BoxFuture<'a, Result<T, ChainError>>;

/// What a provider told.
pub(super) type Told<T> = (Arc<Provider>, T);

impl Providers {
    /// The answer of the provider in use; when it fails, the next healthy one's, which is in use from then on.
    pub(super) async fn ask<T>(
        &self,
        question: impl for<'a> Fn(&'a RpcChain) -> Question<'a, T>,
    ) -> Result<T, ChainError> {
        let mut failed = None;
        let mut in_use_failed = false;
        for provider in self.usable().await? {
            let answer = question(&provider.chain).await;
            in_use_failed |= provider.note(&answer);
            match answer {
                Ok(answer) => {
                    if in_use_failed {
                        self.current.store(provider.position, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| ChainError::NoProvider { standings: self.describe() }))
    }

    /// What the healthy providers answer. The slow ones are not waited for once a majority has answered.
    pub(super) async fn ask_all<T>(
        &self,
        question: impl for<'a> Fn(&'a RpcChain) -> Question<'a, T>,
    ) -> Result<Vec<Told<T>>, ChainError> {
        let asked = self.usable().await?;
        let mut answers: FuturesUnordered<_> = asked
            .iter()
            .map(|provider| {
                let answer = question(&provider.chain);
                async move { (Arc::clone(provider), answer.await) }
            })
            .collect();
        let mut told = Vec::new();
        let mut heard = Vec::new();
        let mut until = None;
        loop {
            let next = match until {
                Some(until) => tokio::time::timeout_at(until, answers.next()).await,
                None => Ok(answers.next().await),
            };
            match next {
                Ok(Some((provider, answer))) => {
                    provider.note(&answer);
                    heard.push(provider.position);
                    told.extend(answer.ok().map(|answer| (provider, answer)));
                }
                Ok(None) => break,
                Err(_) => {
                    asked
                        .iter()
                        .filter(|slow| !heard.contains(&slow.position))
                        .for_each(|slow| slow.failed("slower than the others"));
                    break;
                }
            }
            if until.is_none() && told.len() >= self.majority() {
                until = Some(tokio::time::Instant::now() + GRACE);
            }
        }
        drop(answers);
        if told.is_empty() { Err(ChainError::NoProvider { standings: self.describe() }) } else { Ok(told) }
    }

    /// Hands bytes to every healthy provider. Returns with the first that takes them, while the others still get
    /// them; otherwise with all answers.
    pub(super) async fn hand_out(&self, raw: &[u8]) -> Vec<Result<(), SendRefusal>> {
        let usable = match self.usable().await {
            Ok(usable) => usable,
            Err(error) => return vec![Err(SendRefusal::Unknown(error.to_string()))],
        };
        let raw: Arc<[u8]> = raw.into();
        let mut offers: FuturesUnordered<_> =
            usable.into_iter().map(|provider| tokio::spawn(offer(provider, Arc::clone(&raw)))).collect();
        let mut answers = Vec::new();
        while let Some(answer) = offers.next().await {
            let lost = |_| Err(SendRefusal::Unknown("the offer ended badly".to_owned()));
            let answer = answer.unwrap_or_else(lost);
            let taken = answer.is_ok();
            answers.push(answer);
            if taken {
                break;
            }
        }
        answers
    }
}

async fn offer(provider: Arc<Provider>, raw: Arc<[u8]>) -> Result<(), SendRefusal> {
    let answer = provider.chain.offer(&raw).await;
    crash_point!("provider.answered");
    provider.note(&answer);
    let refusal = match answer {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(refusal)) => refusal,
        Err(ChainError::Busy { reason, .. }) => SendRefusal::ProviderBusy(reason),
        Err(error) => SendRefusal::Unknown(error.to_string()),
    };
    match &refusal {
        SendRefusal::WrongChain(_) => provider.doubted(),
        SendRefusal::ProviderBusy(reason) => provider.failed(reason),
        _ => {}
    }
    Err(refusal)
}
