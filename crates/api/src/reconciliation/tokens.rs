//! Findings about tokens: of sales, of what the chain has, of what the books have.

use std::collections::BTreeSet;
use std::time::Duration;

use catalog::clock::Timestamp;
use minting::foreign::Standing;
use minting::ledger::LedgerToken;
use minting::token::{TokenId, TokenState};

use super::{BookedSale, Books, Finding, Kind, OnChain, SheetPlace, is_settled, is_tombstone};

pub(super) fn of_sales(books: &Books, chain: &OnChain, patience: Duration, now: Timestamp) -> Vec<Finding> {
    let of_sale = |sale: &BookedSale| {
        let redemption = sale.redemption?;
        of_sale(sale, redemption.0, redemption.2, books, chain, now.minus(patience))
            .map(|finding| finding.of_sale(sale).of_token(redemption.0))
    };
    books.sales.iter().filter_map(of_sale).collect()
}

/// What is wrong with the token of a sale; what changed after `settled` may still be under way.
fn of_sale(
    sale: &BookedSale,
    token_id: TokenId,
    redeemed_at: Timestamp,
    books: &Books,
    chain: &OnChain,
    settled: Timestamp,
) -> Option<Finding> {
    let lives = chain.ledger.living(token_id).is_some();
    if let Some(cause) = sale.undone {
        let settled_on_chain = is_settled(token_id, chain);
        let is_wrong = lives && sale.changed_at <= settled && !(settled_on_chain && sale.is_flagged);
        let state = if settled_on_chain { "settled, without a flag" } else { "revocable" };
        let detail = format!("the sale is undone ({}), and its token lives, {state}", cause.as_str());
        return is_wrong.then(|| Kind::RefundWithLiveToken.finding(detail));
    }
    if chain.ledger.tokens.get(&token_id).is_some_and(|token| token.is_surrendered) {
        // Its holder wanted it so.
        return None;
    }
    if !lives {
        let detail = if is_tombstone(token_id, chain) {
            "its token is a tombstone, and no other was issued"
        } else {
            "its claim is redeemed, and the chain has no token of it"
        };
        let late = redeemed_at <= settled && sale.changed_at <= settled;
        return late.then(|| Kind::SaleWithoutToken.finding(detail));
    }
    let settles_at = match chain.asked.get(&token_id) {
        Some(token) => token.settles_at,
        None => books.tokens.get(&token_id)?.settles_at.as_seconds(),
    };
    let ends_at = sale.window_ends_at?.as_seconds();
    let detail = format!("the window ends {} s after the lock", ends_at.saturating_sub(settles_at));
    (ends_at > settles_at).then(|| Kind::WindowOutlivesLock.finding(detail))
}

/// What the chain has. What is younger than the books may be ours, and is not looked at.
pub(super) fn of_the_chain(books: &Books, chain: &OnChain) -> Vec<Finding> {
    let claimed: BTreeSet<TokenId> =
        books.sales.iter().filter_map(|sale| Some(sale.redemption.as_ref()?.0)).collect();
    let mut findings = Vec::new();
    for (token_id, token) in &chain.ledger.tokens {
        let mut say = |kind: Kind, detail: String| findings.push(kind.finding(detail).of_token(*token_id));
        if let Some((moved_at, settles_at)) = moved_while_locked(*token_id, token, chain) {
            let seconds = settles_at - moved_at;
            say(Kind::MovedWhileLocked, format!("it changed hands {seconds} s before it was settled"));
        }
        if token.changed_in > chain.known_through {
            continue;
        }
        let verdict = books.verdicts.get(token_id).copied().unwrap_or("not looked at");
        match (token.standing, books.tokens.get(token_id)) {
            (Standing::Token, None) => {
                say(Kind::ForeignMint, format!("the books know no such token ({verdict})"));
            }
            (Standing::Token, Some(booked)) if token.recipient != Some(booked.recipient) => {
                say(Kind::ForeignMint, format!("it was minted to somebody else ({verdict})"));
            }
            (Standing::Token, Some(_)) => {
                if !claimed.contains(token_id) {
                    say(Kind::TokenWithoutSale, "no sale has it".to_owned());
                }
                let place = SheetPlace { edition: token_id.edition(), serial: token_id.serial() };
                if books.free.contains(&place) {
                    say(Kind::FreeSheetWithLiveToken, "its sheet is for sale".to_owned());
                }
            }
            (Standing::Tombstone, Some(booked)) => {
                let ended = matches!(booked.state, TokenState::Voided | TokenState::Surrendered);
                // A holder may give up a token that nobody waits for; its issuer's own void is asked for in the books.
                if !ended && !booked.is_void_asked && verdict == "open" {
                    say(Kind::ForeignTombstone, "the books have it as a token".to_owned());
                }
            }
            (Standing::Tombstone, None) => {
                say(Kind::ForeignTombstone, format!("the books know no such tombstone ({verdict})"));
            }
        }
    }
    findings
}

/// When it moved and when it settled, in Unix seconds, where that is the wrong way round.
fn moved_while_locked(token_id: TokenId, token: &LedgerToken, chain: &OnChain) -> Option<(u64, u64)> {
    let (moved_at, settles_at) = (token.first_moved_at?, chain.asked.get(&token_id)?.settles_at);
    (moved_at < settles_at).then_some((moved_at, settles_at))
}

/// What the books have as minted for good.
pub(super) fn of_the_books(books: &Books, chain: &OnChain) -> Vec<Finding> {
    let missing = |token_id: &TokenId| !chain.ledger.tokens.contains_key(token_id);
    let minted = books
        .tokens
        .iter()
        .filter(|(_, token)| matches!(token.state, TokenState::Bound | TokenState::Settled));
    let say = |token_id: TokenId| {
        Kind::TokenNotOnChain.finding("the books have it as minted, in a final block").of_token(token_id)
    };
    minted.filter(|(token_id, _)| missing(token_id)).map(|(token_id, _)| say(*token_id)).collect()
}
