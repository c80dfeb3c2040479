//! From when nobody can void a token.

use catalog::clock::Timestamp;

use crate::config::ReturnSettings;

/// The moment from which the token of a claim redeemed at `redeemed_at` is irrevocable: when the return window has
/// closed after delivery or redemption, whichever is later, and a return asked for on its last day is through. As
/// long as no delivery is known, the longest transit counts. Nothing moves it later.
#[must_use]
pub fn settles_at(
    redeemed_at: Timestamp,
    delivered_at: Option<Timestamp>,
    returns: &ReturnSettings,
) -> Timestamp {
    let window_opens = match delivered_at {
        Some(delivered_at) => redeemed_at.max(delivered_at),
        None => redeemed_at.plus(returns.transit),
    };
    window_opens.plus(returns.window).plus(returns.processing)
}
