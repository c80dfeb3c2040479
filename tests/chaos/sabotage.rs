//! An oracle that never objected proves nothing: each of these spoils a run that went well, and must be found.

use std::time::Duration;

use catalog::account::Account;
use minting::call::Call;
use minting::contract;
use minting::fees::Fees;
use minting::signer::Unsigned;
use minting::token::TokenId;
use serde_json::{Value, json};
use tests::anvil::{hex, number};

use crate::ground::Ground;
use crate::plan::Plan;
use crate::tell;
use crate::trade::Trade;

/// What is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// The minter's key mints a token that nobody redeemed: duplicated, and a nonce that the books do not know.
    ForeignToken,
    /// The chain forgets its last blocks, final ones too: lost tokens.
    LostBlocks,
    /// A buyer meant another wallet: the wrong owner.
    OtherWallet,
    /// A transaction is struck from the books: an unexplained nonce.
    StruckNonce,
    /// An attempt is struck from the books: bytes that left and were not stored.
    StruckAttempt,
    /// A sale is struck from the books: an accepted request that is not reflected.
    StruckToken,
}

const ALL: [(&str, Sabotage); 6] = [
    ("foreign_token", Sabotage::ForeignToken),
    ("lost_blocks", Sabotage::LostBlocks),
    ("other_wallet", Sabotage::OtherWallet),
    ("struck_nonce", Sabotage::StruckNonce),
    ("struck_attempt", Sabotage::StruckAttempt),
    ("struck_token", Sabotage::StruckToken),
];

/// The newest transaction of a minter.
const NEWEST: &str = "
    SELECT transaction_id
    FROM transactions
    WHERE kind = 'mint'
    ORDER BY bound_at DESC
    LIMIT 1";

impl Sabotage {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        ALL.into_iter().find(|(known, _)| *known == word).map(|(_, sabotage)| sabotage)
    }

    pub(crate) fn as_str(self) -> &'static str {
        ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }

    /// All words, for whoever mistypes one.
    pub(crate) fn words() -> String {
        format!("one of {}", ALL.map(|(word, _)| word).join(", "))
    }
}

/// Spoils what the plan says.
pub(crate) async fn commit(plan: &Plan, ground: &Ground, trade: &mut Trade) {
    let Some(sabotage) = plan.sabotage else { return };
    tell!("now spoiling the run on purpose: {}", sabotage.as_str());
    match sabotage {
        Sabotage::ForeignToken => mint_a_foreign_token(ground, trade).await,
        Sabotage::LostBlocks => {
            let _nobody_mines = ground.blocks.lock().await;
            let depth = ground.chain.height().await / 2;
            ground.chain.ask("anvil_reorg", json!([depth, []])).await;
        }
        Sabotage::OtherWallet => {
            let mut redeemed = trade.redeemed.values_mut();
            let recipient = &mut redeemed.next().expect("a redeemed claim").recipient;
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".clone_into(recipient);
        }
        Sabotage::StruckNonce => {
            strike_out(ground, "UPDATE calls SET transaction_id = NULL WHERE transaction_id = $1").await;
            strike_out(ground, "DELETE FROM attempts WHERE transaction_id = $1").await;
            strike_out(ground, "DELETE FROM transactions WHERE transaction_id = $1").await;
        }
        Sabotage::StruckAttempt => {
            strike_out(ground, "DELETE FROM attempts WHERE transaction_id = $1").await;
        }
        Sabotage::StruckToken => {
            strike_out(
                ground,
                "DELETE FROM tokens
                 WHERE mint_call_id IN (SELECT call_id FROM calls WHERE transaction_id = $1)",
            )
            .await;
        }
    }
}

async fn strike_out(ground: &Ground, sql: &'static str) {
    let mut tx = ground.books.begin_write().await.expect("the books");
    let (transaction_id,): (String,) = tx.fetch_one(NEWEST, &[]).await.expect("a transaction");
    tx.execute(sql, &[transaction_id.into()]).await.expect("the stroke");
    tx.commit().await.expect("the stroke");
}

/// Mints the artist's proof of the first edition, which nobody bought, to a stranger.
async fn mint_a_foreign_token(ground: &Ground, trade: &Trade) {
    let edition = trade.editions.values().next().expect("an edition");
    let minter = ground.minter();
    let ask = |method: &'static str, parameters: Value| ground.chain.ask(method, parameters);
    let nonce = ask("eth_getTransactionCount", json!([minter.account().to_string(), "latest"])).await;
    let block = ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let settles_at = number(&block["timestamp"]).expect("a time") + 30 * 24 * 3_600;
    let call = Call::Mint {
        token_id: TokenId::from_number(edition.number * 1_000_000 + edition.declared_size * 100)
            .expect("a token id"),
        recipient: Account::from_bytes([7; 20]),
        settles_at,
    };
    let signed = minter.sign(&Unsigned {
        chain_id: 31_337,
        nonce: number(&nonce).expect("a nonce"),
        to: Some(ground.contract),
        data: &contract::calldata(&[call]).expect("calldata"),
        gas_limit: 200_000,
        fees: Fees { max_fee: 100_000_000_000, max_priority_fee: 1_000_000_000 },
    });
    let raw = hex(&signed.expect("a signature").raw);
    ask("eth_sendRawTransaction", json!([format!("0x{raw}")])).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
}
