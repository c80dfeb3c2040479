//! Table `claims`.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx, Value};
use minting::token::TokenId;

use crate::claim::code::CodeHmac;
use crate::claim::{Claim, ClaimId, ClaimState, Keeper, Redemption, StandingCode, VaultOrder};
use crate::sale::SaleId;

/// The columns of a claim, in the order of [`ClaimRow`].
macro_rules! columns {
    () => {
        "claims.claim_id,
               claims.sale_id,
               state,
               code_hmac,
               code_issued_at,
               opened_at,
               claims.recipient,
               token_id,
               redeemed_at,
               proof_nonce,
               safekept,
               vault_order,
               vault_ordered_at,
               release_recipient,
               release_proof_nonce,
               claims.created_at AS claim_created_at"
    };
}
pub(super) use columns;

catalog::statements! {
    INSERT = "
        INSERT INTO claims (
            claim_id,
            sale_id,
            state,
            opened_at,
            created_at,
            updated_at
        ) VALUES ($1, $2, $3, $4, $5, $5)";
    FIND = concat!("
        SELECT ", columns!(), "
        FROM claims
        WHERE claim_id = $1");
    FIND_OF_SALE = concat!("
        SELECT ", columns!(), "
        FROM claims
        WHERE sale_id = $1");
    // Void and expired claims are left out here, so that their codes are answered as unknown ones are: by one look.
    FIND_BY_CODE = concat!("
        SELECT ", columns!(), "
        FROM claims
        WHERE code_hmac = $1
          AND state IN ('prepared', 'open', 'redeemed', 'released')");
    UPDATE = "
        UPDATE claims
        SET state = $2,
            code_hmac = $3,
            code_issued_at = $4,
            opened_at = $5,
            recipient = $6,
            token_id = $7,
            redeemed_at = $8,
            proof_nonce = $9,
            safekept = $10,
            vault_order = $11,
            vault_ordered_at = $12,
            release_recipient = $13,
            release_proof_nonce = $14,
            updated_at = $15
        WHERE claim_id = $1";
    @locked {
        LOCK_OF_SALE = concat!("
            SELECT ", columns!(), "
            FROM claims
            WHERE sale_id = $1");
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ClaimRow {
    claim_id: String,
    sale_id: String,
    state: String,
    code_hmac: Option<String>,
    code_issued_at: Option<i64>,
    opened_at: Option<i64>,
    recipient: Option<String>,
    token_id: Option<i64>,
    redeemed_at: Option<i64>,
    proof_nonce: Option<String>,
    safekept: i64,
    vault_order: Option<String>,
    vault_ordered_at: Option<i64>,
    release_recipient: Option<String>,
    release_proof_nonce: Option<String>,
    claim_created_at: i64,
}

impl ClaimRow {
    fn odd(&self, problem: impl ToString) -> DbError {
        DbError::inconsistent("claims", &self.claim_id, problem)
    }

    fn moment(&self, micros: i64) -> Result<Timestamp, DbError> {
        Timestamp::from_micros(micros).map_err(|e| self.odd(e))
    }

    fn code(&self) -> Result<Option<StandingCode>, DbError> {
        match (&self.code_hmac, self.code_issued_at) {
            (Some(hmac), Some(issued_at)) => Ok(Some(StandingCode {
                hmac: CodeHmac::from_hex(hmac).ok_or_else(|| self.odd("the code's HMAC is no HMAC"))?,
                issued_at: self.moment(issued_at)?,
            })),
            (None, None) => Ok(None),
            _ => Err(self.odd("half a code")),
        }
    }

    fn order(&self) -> Result<Option<VaultOrder>, DbError> {
        let ordered_at = self.vault_ordered_at.map(|micros| self.moment(micros)).transpose()?;
        let wallet = (&self.release_recipient, &self.release_proof_nonce);
        match (self.vault_order.as_deref(), ordered_at, wallet) {
            (None, None, (None, None)) => Ok(None),
            (Some("release"), Some(ordered_at), (Some(recipient), Some(proof_nonce))) => {
                let recipient = recipient.parse().map_err(|e| self.odd(e))?;
                Ok(Some(VaultOrder::Release { recipient, proof_nonce: proof_nonce.clone(), ordered_at }))
            }
            (Some("surrender"), Some(ordered_at), (None, None)) => {
                Ok(Some(VaultOrder::Surrender { ordered_at }))
            }
            _ => Err(self.odd("half an order")),
        }
    }

    fn keeper(&self) -> Result<Option<Keeper>, DbError> {
        match (self.safekept, &self.proof_nonce, self.order()?) {
            (1, None, order) => Ok(Some(Keeper::Vault(order))),
            (0, Some(proof_nonce), None) => Ok(Some(Keeper::Wallet { proof_nonce: proof_nonce.clone() })),
            (0, None, None) => Ok(None),
            _ => Err(self.odd("kept in two places")),
        }
    }

    fn redemption(&self) -> Result<Option<Redemption>, DbError> {
        match (&self.recipient, self.token_id, self.redeemed_at, self.keeper()?) {
            (Some(recipient), Some(token_id), Some(redeemed_at), Some(keeper)) => {
                let token_id = u64::try_from(token_id).map_err(|e| self.odd(e))?;
                Ok(Some(Redemption {
                    recipient: recipient.parse::<Account>().map_err(|e| self.odd(e))?,
                    token_id: TokenId::from_number(token_id).map_err(|e| self.odd(e))?,
                    redeemed_at: self.moment(redeemed_at)?,
                    keeper,
                }))
            }
            (None, None, None, None) => Ok(None),
            _ => Err(self.odd("half a redemption")),
        }
    }

    fn state(&self) -> Result<ClaimState, DbError> {
        let opened_at = self.opened_at.map(|micros| self.moment(micros)).transpose()?;
        match (self.state.as_str(), opened_at, self.redemption()?) {
            ("prepared", None, None) => Ok(ClaimState::Prepared),
            ("open", Some(opened_at), None) => Ok(ClaimState::Open { opened_at }),
            ("expired", Some(opened_at), None) => Ok(ClaimState::Expired { opened_at }),
            ("redeemed", Some(opened_at), Some(redemption)) => {
                Ok(ClaimState::Redeemed { opened_at, redemption })
            }
            ("released", Some(opened_at), Some(redemption))
                if matches!(redemption.keeper.order(), Some(VaultOrder::Release { .. })) =>
            {
                Ok(ClaimState::Released { opened_at, redemption })
            }
            ("void", opened_at, redemption) => Ok(ClaimState::Void { opened_at, redemption }),
            _ => Err(self.odd("the state and its facts disagree")),
        }
    }
}

impl TryFrom<ClaimRow> for Claim {
    type Error = DbError;

    fn try_from(row: ClaimRow) -> Result<Self, Self::Error> {
        Ok(Self {
            claim_id: row.claim_id.parse().map_err(|e| row.odd(e))?,
            sale_id: row.sale_id.parse().map_err(|e| row.odd(e))?,
            code: row.code()?,
            state: row.state()?,
            created_at: row.moment(row.claim_created_at)?,
        })
    }
}

async fn one(tx: &mut Tx, sql: catalog::db::Sql, key: Value) -> Result<Option<Claim>, DbError> {
    let row: Option<ClaimRow> = tx.fetch_optional(sql, &[key]).await?;
    row.map(TryInto::try_into).transpose()
}

/// Inserts the claim of a new sale; it has no code yet.
pub async fn insert_claim(tx: &mut Tx, claim: &Claim) -> Result<(), DbError> {
    let values = [
        (&claim.claim_id).into(),
        (&claim.sale_id).into(),
        claim.state.as_str().into(),
        claim.state.opened_at().into(),
        claim.created_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The claim with that id.
pub async fn find_claim(tx: &mut Tx, claim_id: &ClaimId) -> Result<Option<Claim>, DbError> {
    one(tx, FIND, claim_id.into()).await
}

/// The claim of a sale: there is exactly one.
pub async fn claim_of_sale(tx: &mut Tx, sale_id: &SaleId) -> Result<Claim, DbError> {
    one(tx, FIND_OF_SALE, sale_id.into())
        .await?
        .ok_or_else(|| DbError::inconsistent("sales", sale_id, "a sale without a claim"))
}

/// The claim of a sale, locked until the transaction ends. The sale is locked before it.
pub async fn lock_claim_of_sale(tx: &mut Tx, sale_id: &SaleId) -> Result<Claim, DbError> {
    one(tx, LOCK_OF_SALE, sale_id.into())
        .await?
        .ok_or_else(|| DbError::inconsistent("sales", sale_id, "a sale without a claim"))
}

/// The claim for which that code stands, unless it is void or expired.
pub async fn find_claim_by_code(tx: &mut Tx, code: CodeHmac) -> Result<Option<Claim>, DbError> {
    one(tx, FIND_BY_CODE, code.into()).await
}

/// Writes what an event changed about a claim.
pub async fn update_claim(tx: &mut Tx, claim: &Claim, at: Timestamp) -> Result<(), DbError> {
    let redemption = claim.state.redemption();
    let keeper = redemption.map(|redemption| &redemption.keeper);
    let proof_nonce = match keeper {
        Some(Keeper::Wallet { proof_nonce }) => Some(proof_nonce.as_str()),
        _ => None,
    };
    let order = keeper.and_then(Keeper::order);
    let (word, ordered_at, wallet, wallet_nonce) = match order {
        None => (None, None, None, None),
        Some(VaultOrder::Release { recipient, proof_nonce, ordered_at }) => {
            (Some("release"), Some(*ordered_at), Some(*recipient), Some(proof_nonce.as_str()))
        }
        Some(VaultOrder::Surrender { ordered_at }) => (Some("surrender"), Some(*ordered_at), None, None),
    };
    let values = [
        (&claim.claim_id).into(),
        claim.state.as_str().into(),
        Value::Text(claim.code.as_ref().map(|code| code.hmac.to_hex())),
        claim.code.as_ref().map(|code| code.issued_at).into(),
        claim.state.opened_at().into(),
        redemption.map(|redemption| redemption.recipient).into(),
        redemption.map_or(Value::Int(None), |redemption| redemption.token_id.into()),
        redemption.map(|redemption| redemption.redeemed_at).into(),
        proof_nonce.into(),
        redemption.is_some_and(Redemption::is_safekept).into(),
        word.into(),
        ordered_at.into(),
        wallet.into(),
        wallet_nonce.into(),
        at.into(),
    ];
    tx.execute(UPDATE, &values).await?;
    Ok(())
}
