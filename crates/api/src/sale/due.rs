//! What a sale asks of its claim, its token and its sheet.
//!
//! It depends on where things stand and not on the way there: so it does not matter in which order events come, and
//! the same function follows an event, the end of a call, and the clock. What has been done is not asked again.

use std::time::Duration;

use catalog::clock::Timestamp;
use catalog::impression::ImpressionState;
use minting::call::{CallState, VoidReason};
use minting::token::{Token, TokenState};

use super::{Condition, Dispute, Goods, Payment, Refusal, Sale, ShopEvent, Step};

/// How long before its token settles a return that is still open voids it: a later `Void` might come too late.
pub const LAST_CALL: Duration = Duration::from_hours(48);

/// Why a sale is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The money went back, or is on its way.
    Refunded,
    /// The payment was disputed and lost.
    Disputed,
    /// The order was canceled before shipment.
    Canceled,
    /// The sheet came back.
    Returned,
    /// The sheet was lost on its way.
    Lost,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Refunded, Self::Disputed, Self::Canceled, Self::Returned, Self::Lost];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::Canceled => "canceled",
            Self::Returned => "returned",
            Self::Lost => "lost",
        }
    }

    /// The cause that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }

    fn reason(self) -> VoidReason {
        match self {
            Self::Refunded => VoidReason::Refunded,
            Self::Disputed => VoidReason::Disputed,
            Self::Canceled => VoidReason::Canceled,
            Self::Returned => VoidReason::Returned,
            Self::Lost => VoidReason::Lost,
        }
    }
}

/// What is known of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimStanding {
    /// Not active yet.
    Prepared,
    /// May be redeemed, now or, when expired, after a new code.
    Redeemable,
    /// Redeemed for a wallet.
    Redeemed,
    /// Redeemed, and its token kept by the issuer's vault.
    Safekept,
    /// Redeemed into safekeeping, and handed out.
    Released,
    /// Void.
    Void,
}

/// What is known of the newest token of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStanding {
    /// The claim was not redeemed.
    NotAsked,
    /// Its mint is queued or under way.
    Minting,
    /// On chain, and revocable.
    Bound,
    /// Its void is queued or under way.
    Voiding,
    /// Irrevocable.
    Settled,
    /// A tombstone by the issuer.
    Voided,
    /// A tombstone by its owner.
    Surrendered,
}

impl TokenStanding {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotAsked,
        Self::Minting,
        Self::Bound,
        Self::Voiding,
        Self::Settled,
        Self::Voided,
        Self::Surrendered,
    ];

    /// Where a token stands by the confirmed state of the chain and the call that voids it. A void that was refused came
    /// too late. The clock has no say: the chain may hold a late mint longer than we asked, so the chain decides.
    #[must_use]
    pub fn of(token: &Token, void: Option<&CallState>) -> Self {
        match (token.state, void) {
            (TokenState::Voided, _) => Self::Voided,
            (TokenState::Surrendered, _) => Self::Surrendered,
            (TokenState::Settled, _) | (_, Some(CallState::Refused(_))) => Self::Settled,
            (
                _,
                Some(
                    CallState::Queued { .. }
                    | CallState::Bound(_)
                    | CallState::Review(_)
                    | CallState::Done(_),
                ),
            ) => Self::Voiding,
            (TokenState::Unissued, None | Some(CallState::Void)) => Self::Minting,
            (TokenState::Bound, None | Some(CallState::Void)) => Self::Bound,
        }
    }

    /// True when no token of this claim lives or will.
    #[must_use]
    pub fn is_gone(self) -> bool {
        matches!(self, Self::NotAsked | Self::Voided | Self::Surrendered)
    }
}

/// How far the release of a token out of safekeeping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing {
    /// Not ordered, or come to nothing.
    Not,
    /// On its way to the chain.
    UnderWay,
    /// Confirmed by the chain.
    Done,
}

impl Handing {
    /// By the call that releases the token, if there is one.
    #[must_use]
    pub fn of(release: Option<&CallState>) -> Self {
        match release {
            Some(CallState::Done(_)) => Self::Done,
            Some(CallState::Queued { .. } | CallState::Bound(_)) => Self::UnderWay,
            None | Some(CallState::Void | CallState::Refused(_) | CallState::Review(_)) => Self::Not,
        }
    }
}

/// What is known besides the sale itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five questions that are each answered yes or no")]
pub struct Known {
    /// Of its claim.
    pub claim: ClaimStanding,
    /// Whether the policy's event has come that opens the claim.
    pub opens: bool,
    /// Of its token.
    pub token: TokenStanding,
    /// Of that token's way out of safekeeping.
    pub handing: Handing,
    /// When the claim was redeemed and when its token settles.
    pub terms: Option<(Timestamp, Timestamp)>,
    /// Whether its token is being settled early.
    pub settling: bool,
    /// Of its sheet.
    pub sheet: ImpressionState,
    /// Whether the sheet bears the mark.
    pub unreturned: bool,
    /// Whether the sheet can have another token: it has a hundred at most.
    pub issues_left: bool,
    /// How long a buyer may ask for a return.
    pub window: Duration,
    /// Whether tokens are settled as soon as their window has closed.
    pub settle_early: bool,
    /// The moment.
    pub now: Timestamp,
}

/// One thing that a sale asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The claim may be redeemed.
    OpenClaim,
    /// The claim answers to its code no more.
    VoidClaim,
    /// The vault has handed the token to its buyer.
    ReleaseClaim,
    /// The mint is taken back where no byte of it was signed, and the chain is asked to void the id.
    VoidToken(VoidReason),
    /// The chain is asked to end the token's lock.
    SettleToken,
    /// The token is out of reach, and says so.
    FlagToken(Cause),
    /// The sale stands again, and so does its token.
    UnflagToken,
    /// The buyer keeps the sheet though its token was voided: the same claim gets the next issue.
    ReissueToken,
    /// The sheet stands there from now on. `Available` ends the sale's right to it.
    MoveSheet(ImpressionState),
    /// The sheet is outside, and nobody has paid for it.
    MarkUnreturned(bool),
    /// The buyer may return the sheet when the token can no longer be voided: reported, since nothing moves the lock.
    ReportWindowOutlivesLock,
}

/// What is due now, and whether the chain or the clock may make more of it due without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// In the order in which they are done.
    pub effects: Vec<Effect>,
    /// Whether the sale waits for something.
    pub waits: bool,
}

impl Sale {
    /// Why the sale is undone, if it is. Money comes first: it names the reason on chain.
    #[must_use]
    pub fn undone(&self) -> Option<Cause> {
        match (self.payment, self.dispute, &self.goods) {
            (Payment::RefundPending | Payment::Refunded, _, _) => Some(Cause::Refunded),
            (_, Dispute::Lost, _) => Some(Cause::Disputed),
            (_, _, Goods::Canceled) => Some(Cause::Canceled),
            (_, _, Goods::Inspected(_, Condition::SameSheet)) => Some(Cause::Returned),
            (_, _, Goods::Lost(_)) => Some(Cause::Lost),
            _ => None,
        }
    }

    /// Takes in `event` and tells what it asks for.
    pub fn decide(self, event: &ShopEvent, known: &Known) -> Result<(Step<Self>, Vec<Effect>), Refusal> {
        let sale = match self.hear(event)? {
            Step::Unchanged(sale) => return Ok((Step::Unchanged(sale), Vec::new())),
            Step::Changed(sale) => sale,
        };
        let mut effects = due(&sale, known).effects;
        if let (ShopEvent::Delivered { delivered_at }, Some((redeemed_at, settles_at))) = (event, known.terms)
            && redeemed_at.max(*delivered_at).plus(known.window) > settles_at
        {
            effects.push(Effect::ReportWindowOutlivesLock);
        }
        let sale = sale.after(&effects);
        Ok((Step::Changed(sale), effects))
    }

    /// Whether the clock alone may ask for something of its revocable token: the end of its window where tokens are
    /// settled early, or a return that stays open.
    #[must_use]
    pub fn waits_for_clock(&self, settles_early: bool) -> bool {
        self.undone().is_some() || self.goods.are_in_return() || settles_early
    }

    /// The sale once `effects` are done: its flag, and its right to the sheet.
    #[must_use]
    pub fn after(mut self, effects: &[Effect]) -> Self {
        for effect in effects {
            match effect {
                Effect::FlagToken(cause) => self.token_flag = Some(*cause),
                Effect::UnflagToken => self.token_flag = None,
                Effect::MoveSheet(ImpressionState::Available | ImpressionState::Withdrawn) => {
                    self.holds_impression = false;
                }
                _ => {}
            }
        }
        self
    }
}

/// What is due.
#[must_use]
pub fn due(sale: &Sale, known: &Known) -> Due {
    let undone = sale.undone();
    let mut effects = Vec::new();
    effects.extend(of_claim(undone, known));
    effects.extend(of_token(sale, undone, known));
    if sale.holds_impression && known.sheet != ImpressionState::Withdrawn {
        let stands = sheet_stands(&sale.goods, undone.is_some(), known);
        if stands != known.sheet {
            // Looked at before anybody told that it came back: it came back all the same.
            if known.sheet == ImpressionState::Sold
                && sale.goods.journey().is_some()
                && stands == ImpressionState::Available
            {
                effects.push(Effect::MoveSheet(ImpressionState::InReturn));
            }
            effects.push(Effect::MoveSheet(stands));
        }
        let unreturned = undone.is_some() && sale.goods.are_out();
        if unreturned != known.unreturned {
            effects.push(Effect::MarkUnreturned(unreturned));
        }
    }
    let waits = match known.token {
        TokenStanding::Minting | TokenStanding::Bound => {
            let by_itself = known.terms.is_none_or(|(_, settles_at)| known.now >= settles_at);
            let to_settle = known.settle_early && !known.settling && !by_itself;
            sale.waits_for_clock(to_settle)
        }
        TokenStanding::Voiding => true,
        TokenStanding::Settled => undone.is_some(),
        TokenStanding::NotAsked | TokenStanding::Voided | TokenStanding::Surrendered => false,
    };
    let waits = waits || known.handing == Handing::UnderWay;
    Due { effects, waits }
}

fn of_claim(undone: Option<Cause>, known: &Known) -> Option<Effect> {
    match (known.claim, undone) {
        (ClaimStanding::Void | ClaimStanding::Released, _) => None,
        (ClaimStanding::Safekept, _) if known.handing == Handing::Done => Some(Effect::ReleaseClaim),
        // While the token lives, the chain decides: out of the issuer's reach it is the buyer's, who has nothing but this claim.
        // One that was handed out may be gone again before the books have heard of the handing.
        (ClaimStanding::Safekept, Some(_))
            if !known.token.is_gone() || known.handing == Handing::UnderWay =>
        {
            None
        }
        (_, Some(_)) => Some(Effect::VoidClaim),
        (ClaimStanding::Prepared, None) if known.opens => Some(Effect::OpenClaim),
        _ => None,
    }
}

fn of_token(sale: &Sale, undone: Option<Cause>, known: &Known) -> Option<Effect> {
    match (known.token, undone) {
        (TokenStanding::Minting | TokenStanding::Bound, Some(cause)) => {
            Some(Effect::VoidToken(cause.reason()))
        }
        (TokenStanding::Minting | TokenStanding::Bound, None) => {
            let (redeemed_at, settles_at) = known.terms?;
            if sale.goods.are_in_return() && known.now >= settles_at.minus(LAST_CALL) {
                return Some(Effect::VoidToken(VoidReason::Returned));
            }
            let delivered_at = sale.goods.delivered_at()?;
            let window_closed = known.now >= redeemed_at.max(delivered_at).plus(known.window);
            let quiet = matches!(sale.goods, Goods::Delivered { .. }) && sale.dispute != Dispute::Open;
            let early = known.settle_early && known.token == TokenStanding::Bound && known.now < settles_at;
            (early && window_closed && quiet && !known.settling).then_some(Effect::SettleToken)
        }
        (TokenStanding::Settled, cause) if cause != sale.token_flag => {
            Some(cause.map_or(Effect::UnflagToken, Effect::FlagToken))
        }
        (TokenStanding::Voided, None) => {
            let kept = matches!(sale.goods, Goods::Shipped(_) | Goods::Delivered { .. });
            let redeemed = matches!(known.claim, ClaimStanding::Redeemed | ClaimStanding::Safekept);
            (kept && redeemed && known.issues_left).then_some(Effect::ReissueToken)
        }
        _ => None,
    }
}

/// Where the sheet of a sale stands in the trade. It is free only when it is in the house again and no token of it lives.
#[expect(clippy::match_same_arms, reason = "one line for each stage of the goods reads better")]
fn sheet_stands(goods: &Goods, undone: bool, known: &Known) -> ImpressionState {
    let out_of_reach = undone && known.token == TokenStanding::Settled;
    let free = if known.issues_left { ImpressionState::Available } else { ImpressionState::Withdrawn };
    match goods {
        _ if out_of_reach => ImpressionState::Quarantined,
        Goods::Reserved => ImpressionState::Reserved,
        Goods::Shipped(_) | Goods::Delivered { .. } | Goods::Lost(_) => ImpressionState::Sold,
        Goods::ReturnRequested(_) | Goods::Received(_) => ImpressionState::InReturn,
        Goods::Inspected(_, Condition::Swapped | Condition::Damaged) => ImpressionState::Quarantined,
        Goods::Inspected(_, Condition::SameSheet) if known.token.is_gone() => free,
        Goods::Inspected(_, Condition::SameSheet) => ImpressionState::InReturn,
        Goods::Canceled if known.token.is_gone() => free,
        Goods::Canceled => ImpressionState::Reserved,
    }
}
