//! Table `challenges`.

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{Db, DbError, Tx};

use super::claims::{self, ClaimRow};
use crate::claim::Claim;
use crate::claim::challenge::{Challenge, VALID_FOR};
use crate::claim::code::CodeHmac;

/// Live challenges of one claim and wallet that a signature is tried against. Whoever asks for more than that in
/// ten minutes can use the last ones.
const TRIED: u32 = 16;

catalog::statements! {
    INSERT = "
        INSERT INTO challenges (
            nonce,
            claim_id,
            recipient,
            message,
            issued_at,
            expires_at
        ) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "
        SELECT nonce,
               claim_id,
               recipient,
               message,
               issued_at,
               expires_at
        FROM challenges
        WHERE nonce = $1";
    // Void and expired claims are left out here, too. A claim without a live challenge is there alone. First the one made
    // nearest to now: those from before the clock was set back must not stand before a newer one.
    FIND_CLAIM_WITH_LIVE = concat!("
        SELECT ", claims::columns!(), ",
               nonce,
               message,
               issued_at,
               expires_at
        FROM claims
        LEFT JOIN challenges ON challenges.claim_id = claims.claim_id
                            AND challenges.recipient = $2
                            AND expires_at > $3
                            AND issued_at <= $4
        WHERE code_hmac = $1
          AND state IN ('prepared', 'open', 'redeemed', 'released')
        ORDER BY abs(issued_at - $3),
                 nonce
        LIMIT $5");
    // The ones that redeemed the claim or took its token out of safekeeping stay, for whoever asks again by them.
    REMOVE_STALE = "
        DELETE FROM challenges
        WHERE claim_id = $1
          AND expires_at <= $2
          AND nonce NOT IN (SELECT coalesce(proof_nonce, release_proof_nonce)
                            FROM claims
                            WHERE claim_id = $1
                              AND coalesce(proof_nonce, release_proof_nonce) IS NOT NULL)";
}

#[derive(sqlx::FromRow)]
struct ChallengeRow {
    nonce: String,
    claim_id: String,
    recipient: String,
    message: String,
    issued_at: i64,
    expires_at: i64,
}

#[derive(sqlx::FromRow)]
struct ClaimWithChallengeRow {
    #[sqlx(flatten)]
    claim: ClaimRow,
    nonce: Option<String>,
    message: Option<String>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
}

impl TryFrom<ChallengeRow> for Challenge {
    type Error = DbError;

    fn try_from(row: ChallengeRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("challenges", &row.nonce, problem);
        Ok(Self {
            claim_id: row.claim_id.parse().map_err(|e| odd(&e))?,
            recipient: row.recipient.parse::<Account>().map_err(|e| odd(&e))?,
            issued_at: Timestamp::from_micros(row.issued_at).map_err(|e| odd(&e))?,
            expires_at: Timestamp::from_micros(row.expires_at).map_err(|e| odd(&e))?,
            message: row.message.clone(),
            nonce: row.nonce.clone(),
        })
    }
}

/// Keeps a challenge, and removes those of the same claim whose time is over.
pub async fn insert_challenge(tx: &mut Tx, challenge: &Challenge) -> Result<(), DbError> {
    tx.execute(REMOVE_STALE, &[(&challenge.claim_id).into(), challenge.issued_at.into()]).await?;
    let values = [
        challenge.nonce.as_str().into(),
        (&challenge.claim_id).into(),
        challenge.recipient.into(),
        challenge.message.as_str().into(),
        challenge.issued_at.into(),
        challenge.expires_at.into(),
    ];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The challenge with that nonce.
pub async fn find_challenge(tx: &mut Tx, nonce: &str) -> Result<Option<Challenge>, DbError> {
    let row: Option<ChallengeRow> = tx.fetch_optional(FIND, &[nonce.into()]).await?;
    row.map(TryInto::try_into).transpose()
}

/// The claim for which that code stands, unless it is void or expired, and its live challenges for a wallet, the newest
/// first.
pub async fn find_claim_with_challenges(
    db: &Db,
    code: CodeHmac,
    recipient: Account,
    now: Timestamp,
) -> Result<Option<(Claim, Vec<Challenge>)>, DbError> {
    let values = [code.into(), recipient.into(), now.into(), now.plus(VALID_FOR).into(), TRIED.into()];
    let rows: Vec<ClaimWithChallengeRow> = db.look(FIND_CLAIM_WITH_LIVE, &values).await?;
    let mut found: Option<(Claim, Vec<Challenge>)> = None;
    for ClaimWithChallengeRow { claim, nonce, message, issued_at, expires_at } in rows {
        let (claim, challenges) = match &mut found {
            Some(found) => found,
            none => none.insert((claim.try_into()?, Vec::new())),
        };
        if let (Some(nonce), Some(message), Some(issued_at), Some(expires_at)) =
            (nonce, message, issued_at, expires_at)
        {
            let (claim_id, recipient) = (claim.claim_id.to_string(), recipient.to_string());
            let row = ChallengeRow { nonce, claim_id, recipient, message, issued_at, expires_at };
            challenges.push(row.try_into()?);
        }
    }
    Ok(found)
}
