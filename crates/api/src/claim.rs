//! The buyer's right to the token of the sheet that was bought.
//!
//! A claim is written *prepared* with its sale and opened by the event that the policy names. Its code is the
//! secret on the card in the box; whoever has it and proves control of a wallet redeems the claim, once.
//!
//! *Invariant: one answer for every code that does not stand.* Unknown, replaced, void and expired codes are not
//! told apart, neither by what is said nor by how long it takes.

pub mod challenge;
pub mod code;
mod events;
pub mod proof_text;
mod settling;
mod status_token;

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::typed_id;
use minting::token::TokenId;
use minting::wallet;

pub use events::ClaimEvent;
pub use settling::settles_at;
pub use status_token::{InvalidStatusToken, StatusToken};

use crate::config::OpenOn;
use crate::sale::{Goods, SaleId};
use code::CodeHmac;

typed_id!(
    /// A claim: `claim_…`.
    ClaimId, "claim");

/// The code that stands for a claim; a new one takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingCode {
    /// What is kept of it.
    pub hmac: CodeHmac,
    /// When it was made.
    pub issued_at: Timestamp,
}

/// What redeeming a claim fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// The account that the token is minted to: the buyer's wallet, or the vault.
    pub recipient: Account,
    /// The token.
    pub token_id: TokenId,
    /// When.
    pub redeemed_at: Timestamp,
    /// Who keeps it.
    pub keeper: Keeper,
}

/// Who keeps the token of a redeemed claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// The buyer, in a wallet that signed the challenge of this nonce.
    Wallet {
        /// Its nonce.
        proof_nonce: String,
    },
    /// The issuer's vault, in the buyer's name, until the buyer orders otherwise: once.
    Vault(Option<VaultOrder>),
}

/// What a buyer orders about a token in safekeeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultOrder {
    /// To hand it to a wallet.
    Release {
        /// Which.
        recipient: Account,
        /// The challenge by whose signature that wallet was proved.
        proof_nonce: String,
        /// When.
        ordered_at: Timestamp,
    },
    /// To give it up.
    Surrender {
        /// When.
        ordered_at: Timestamp,
    },
}

impl Keeper {
    /// The order about a token in safekeeping, if there is one.
    #[must_use]
    pub fn order(&self) -> Option<&VaultOrder> {
        match self {
            Self::Wallet { .. } => None,
            Self::Vault(order) => order.as_ref(),
        }
    }

    /// The challenge by whose signature a wallet was proved, if one was.
    #[must_use]
    pub fn proof_nonce(&self) -> Option<&str> {
        match (self, self.order()) {
            (Self::Wallet { proof_nonce }, _) | (_, Some(VaultOrder::Release { proof_nonce, .. })) => {
                Some(proof_nonce)
            }
            _ => None,
        }
    }
}

impl Redemption {
    /// The buyer's own wallet, where one was proved: whoever proves another finds no claim.
    #[must_use]
    pub fn wallet(&self) -> Option<Account> {
        match (&self.keeper, self.keeper.order()) {
            (Keeper::Wallet { .. }, _) => Some(self.recipient),
            (_, Some(VaultOrder::Release { recipient, .. })) => Some(*recipient),
            _ => None,
        }
    }

    /// True when it is the vault that the token was minted to.
    #[must_use]
    pub fn is_safekept(&self) -> bool {
        matches!(self.keeper, Keeper::Vault(_))
    }
}

/// Where a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimState {
    /// Written with its sale; its code answers "not yet active".
    Prepared,
    /// May be redeemed.
    Open {
        /// Since when.
        opened_at: Timestamp,
    },
    /// Its token is asked for, or there.
    Redeemed {
        /// Since when it could be.
        opened_at: Timestamp,
        /// For whom.
        redemption: Redemption,
    },
    /// The issuer's vault handed the token out to its buyer.
    Released {
        /// Since when it could be redeemed.
        opened_at: Timestamp,
        /// For whom.
        redemption: Redemption,
    },
    /// The sale was undone.
    Void {
        /// Since when it could be redeemed, if it came to that.
        opened_at: Option<Timestamp>,
        /// The redemption that it undid, if there was one.
        redemption: Option<Redemption>,
    },
    /// It was not redeemed in time; a new code opens it again.
    Expired {
        /// Since when it could have been.
        opened_at: Timestamp,
    },
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub claim_id: ClaimId,
    /// The sale that it belongs to.
    pub sale_id: SaleId,
    /// The code that stands for it, if one was made.
    pub code: Option<StandingCode>,
    /// Where it stands.
    pub state: ClaimState,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A verb that the claim's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a claim that is {from} cannot be {verb}")]
pub struct InvalidTransition {
    /// Where it stands.
    pub from: &'static str,
    /// What was tried, as a past participle.
    pub verb: &'static str,
}

impl ClaimState {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Open { .. } => "open",
            Self::Redeemed { .. } => "redeemed",
            Self::Released { .. } => "released",
            Self::Void { .. } => "void",
            Self::Expired { .. } => "expired",
        }
    }

    /// What redeeming fixed, if it happened.
    #[must_use]
    pub fn redemption(&self) -> Option<&Redemption> {
        match self {
            Self::Prepared | Self::Open { .. } | Self::Expired { .. } => None,
            Self::Redeemed { redemption, .. } | Self::Released { redemption, .. } => Some(redemption),
            Self::Void { redemption, .. } => redemption.as_ref(),
        }
    }

    /// Since when the claim could be redeemed, if ever.
    #[must_use]
    pub fn opened_at(&self) -> Option<Timestamp> {
        match self {
            Self::Prepared => None,
            Self::Open { opened_at }
            | Self::Redeemed { opened_at, .. }
            | Self::Released { opened_at, .. }
            | Self::Expired { opened_at } => Some(*opened_at),
            Self::Void { opened_at, .. } => *opened_at,
        }
    }
}

/// True when a sale whose goods are `goods` has passed the event that opens its claim.
#[must_use]
pub fn opens(open_on: OpenOn, goods: &Goods) -> bool {
    match open_on {
        OpenOn::Sale => true,
        OpenOn::Shipment => matches!(goods, Goods::Shipped(_) | Goods::Delivered { .. }),
        OpenOn::Delivery => matches!(goods, Goods::Delivered { .. }),
    }
}

impl Claim {
    /// Writes the claim of a new sale: prepared, without a code.
    #[must_use]
    pub fn prepare(claim_id: ClaimId, sale_id: SaleId, created_at: Timestamp) -> Self {
        Self { claim_id, sale_id, code: None, state: ClaimState::Prepared, created_at }
    }

    /// Opens a prepared claim.
    pub fn open(self, at: Timestamp) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Prepared => Ok(Self { state: ClaimState::Open { opened_at: at }, ..self }),
            _ => Err(self.refuse("opened")),
        }
    }

    /// Gives the claim a new code; the one before is worthless from now on. An expired claim is open again.
    pub fn issue_code(self, hmac: CodeHmac, at: Timestamp) -> Result<Self, InvalidTransition> {
        let state = match self.state {
            state @ (ClaimState::Prepared | ClaimState::Open { .. }) => state,
            ClaimState::Expired { .. } => ClaimState::Open { opened_at: at },
            _ => return Err(self.refuse("given a new code")),
        };
        Ok(Self { state, code: Some(StandingCode { hmac, issued_at: at }), ..self })
    }

    /// Redeems an open claim.
    pub fn redeem(self, redemption: Redemption) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Open { opened_at } => {
                Ok(Self { state: ClaimState::Redeemed { opened_at, redemption }, ..self })
            }
            _ => Err(self.refuse("redeemed")),
        }
    }

    /// Takes the buyer's order about the token that the vault keeps. There is one, and it stands.
    pub fn order(self, order: VaultOrder) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Redeemed { opened_at, redemption } if redemption.keeper == Keeper::Vault(None) => {
                let redemption = Redemption { keeper: Keeper::Vault(Some(order)), ..redemption };
                Ok(Self { state: ClaimState::Redeemed { opened_at, redemption }, ..self })
            }
            _ => Err(self.refuse("ordered out of safekeeping")),
        }
    }

    /// The vault has handed the token to the wallet that the buyer ordered.
    pub fn release(self) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Redeemed { opened_at, redemption }
                if matches!(redemption.keeper.order(), Some(VaultOrder::Release { .. })) =>
            {
                Ok(Self { state: ClaimState::Released { opened_at, redemption }, ..self })
            }
            _ => Err(self.refuse("released")),
        }
    }

    /// Undoes the claim with its sale: its code answers no more. What was handed out of safekeeping stays handed out.
    pub fn void(self) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Void { .. } | ClaimState::Released { .. } => Err(self.refuse("voided")),
            state => {
                let (opened_at, redemption) = (state.opened_at(), state.redemption().cloned());
                Ok(Self { state: ClaimState::Void { opened_at, redemption }, ..self })
            }
        }
    }

    /// Gives a redeemed claim the next token of its sheet, after the first was voided though the buyer keeps the sheet.
    pub fn reissue(self, token_id: TokenId) -> Result<Self, InvalidTransition> {
        match self.state {
            ClaimState::Redeemed { opened_at, redemption } => {
                // An order about the token before it went with that token.
                let keeper = match redemption.keeper {
                    Keeper::Vault(_) => Keeper::Vault(None),
                    wallet @ Keeper::Wallet { .. } => wallet,
                };
                let redemption = Redemption { token_id, keeper, ..redemption };
                Ok(Self { state: ClaimState::Redeemed { opened_at, redemption }, ..self })
            }
            _ => Err(self.refuse("given another token")),
        }
    }

    /// The same claim, expired when it is open and its time is up.
    #[must_use]
    pub fn expire_after(self, after: Option<std::time::Duration>, now: Timestamp) -> Self {
        match (self.state, after) {
            (ClaimState::Open { opened_at }, Some(after)) if now >= opened_at.plus(after) => {
                Self { state: ClaimState::Expired { opened_at }, ..self }
            }
            (state, _) => Self { state, ..self },
        }
    }

    /// True while the vault keeps its token, as far as the books know.
    #[must_use]
    pub fn is_safekept(&self) -> bool {
        matches!(&self.state, ClaimState::Redeemed { redemption, .. } if redemption.is_safekept())
    }

    /// True while the claim answers to its code.
    #[must_use]
    pub fn stands(&self) -> bool {
        !matches!(self.state, ClaimState::Void { .. } | ClaimState::Expired { .. })
    }

    fn refuse(&self, verb: &'static str) -> InvalidTransition {
        InvalidTransition { from: self.state.as_str(), verb }
    }
}

/// A wallet that a token must not go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipient {
    /// Not an address.
    #[error(transparent)]
    NotAnAddress(#[from] wallet::InvalidAddress),
    /// An address that nobody holds.
    #[error("must be a wallet that somebody holds")]
    Ownerless,
    /// One of ours.
    #[error("must be the buyer's own wallet, not an account of the issuer")]
    Ours,
}

/// Reads the wallet that a buyer names. `ours` are the accounts of the issuer: the contract and the signers.
pub fn parse_recipient(text: &str, ours: &[Account]) -> Result<Account, InvalidRecipient> {
    let account = wallet::parse_account(text)?;
    if wallet::is_ownerless(account) {
        return Err(InvalidRecipient::Ownerless);
    }
    if ours.contains(&account) {
        return Err(InvalidRecipient::Ours);
    }
    Ok(account)
}

#[cfg(test)]
mod tests;
