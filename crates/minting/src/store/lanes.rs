//! Table `lanes`: a signer, its first nonce, and the lease under which one process works it.

use std::time::Duration;

use catalog::account::Account;
use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::chain::Role;

catalog::statements! {
    CREATE = "
        INSERT INTO lanes (
            signer,
            role,
            first_nonce,
            lease_until,
            fence,
            created_at
        ) VALUES ($1, $2, $3, 0, 0, $4)
        ON CONFLICT (signer) DO NOTHING";
    LIST = "
        SELECT signer,
               role,
               first_nonce,
               frozen_reason
        FROM lanes
        ORDER BY signer";
    // The fence grows whenever the holder changes; one who comes back to its own lease keeps its fence.
    TAKE = "
        UPDATE lanes
        SET fence = CASE WHEN lease_holder = $2 THEN fence ELSE fence + 1 END,
            lease_holder = $2,
            lease_until = $4
        WHERE signer = $1
          AND (lease_holder = $2 OR lease_until < $3)
        RETURNING fence";
    RELEASE = "
        UPDATE lanes
        SET lease_until = 0
        WHERE signer = $1
          AND lease_holder = $2
          AND fence = $3";
    FREEZE = "
        UPDATE lanes
        SET frozen_at = $2,
            frozen_reason = $3
        WHERE signer = $1
          AND frozen_at IS NULL";
    @locked {
        HOLD = "
            SELECT first_nonce,
                   frozen_reason
            FROM lanes
            WHERE signer = $1
              AND lease_holder = $2
              AND fence = $3";
    }
}

/// A lane as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRecord {
    /// Whose nonces.
    pub signer: Account,
    /// The role that it was made for.
    pub role: Role,
    /// The first nonce that is ours.
    pub first_nonce: u64,
    /// Why it stands still, if it does.
    pub frozen_reason: Option<String>,
}

/// A lane under our lease, locked until the database transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldLane {
    pub(crate) first_nonce: u64,
    pub(crate) frozen_reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct LaneRow {
    signer: String,
    role: String,
    first_nonce: i64,
    frozen_reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    first_nonce: i64,
    frozen_reason: Option<String>,
}

fn nonce(signer: &str, value: i64) -> Result<u64, DbError> {
    u64::try_from(value).map_err(|problem| DbError::inconsistent("lanes", signer, problem))
}

/// Makes a lane for a signer; one that is there already stands. Tells whether it is new.
pub(crate) async fn create_lane(
    tx: &mut Tx,
    signer: Account,
    role: Role,
    first_nonce: u64,
    at: Timestamp,
) -> Result<bool, DbError> {
    let first_nonce = i64::try_from(first_nonce).unwrap_or(i64::MAX);
    let values = [signer.into(), role.as_str().into(), first_nonce.into(), at.into()];
    Ok(tx.execute(CREATE, &values).await? == 1)
}

/// All lanes.
pub async fn list_lanes(tx: &mut Tx) -> Result<Vec<LaneRecord>, DbError> {
    let rows: Vec<LaneRow> = tx.fetch_all(LIST, &[]).await?;
    rows.into_iter()
        .map(|row| {
            let odd = |problem: &str| DbError::inconsistent("lanes", &row.signer, problem);
            Ok(LaneRecord {
                signer: row.signer.parse().map_err(|_| odd("not an account"))?,
                role: Role::from_word(&row.role).ok_or_else(|| odd("unknown role"))?,
                first_nonce: nonce(&row.signer, row.first_nonce)?,
                frozen_reason: row.frozen_reason,
            })
        })
        .collect()
}

/// Takes or renews the lease on a lane, by the database's clock; the fence to write with, or none while another
/// process holds it. `sole` says that no other process can be alive, so that a dead one's lease is taken at once.
pub(crate) async fn take_lease(
    tx: &mut Tx,
    signer: Account,
    holder: &str,
    length: Duration,
    sole: bool,
) -> Result<Option<i64>, DbError> {
    let now = tx.now().await?;
    let expired_before = if sole { i64::MAX.into() } else { now.into() };
    let values = [signer.into(), holder.into(), expired_before, now.plus(length).into()];
    let row: Option<(i64,)> = tx.fetch_optional(TAKE, &values).await?;
    Ok(row.map(|(fence,)| fence))
}

/// Locks a lane if the lease is still ours: every statement that binds a nonce or stores bytes comes after this
/// one in its database transaction.
pub(crate) async fn hold_lane(
    tx: &mut Tx,
    signer: Account,
    holder: &str,
    fence: i64,
) -> Result<Option<HeldLane>, DbError> {
    let row: Option<HeldRow> = tx.fetch_optional(HOLD, &[signer.into(), holder.into(), fence.into()]).await?;
    row.map(|row| {
        let first_nonce = nonce(&signer.to_string(), row.first_nonce)?;
        Ok(HeldLane { first_nonce, frozen_reason: row.frozen_reason })
    })
    .transpose()
}

/// Gives the lease back, so that another process need not wait for its end.
pub(crate) async fn release_lease(
    tx: &mut Tx,
    signer: Account,
    holder: &str,
    fence: i64,
) -> Result<(), DbError> {
    tx.execute(RELEASE, &[signer.into(), holder.into(), fence.into()]).await?;
    Ok(())
}

/// Stops a lane until an operator has looked; tells whether it was moving.
pub(crate) async fn freeze_lane(
    tx: &mut Tx,
    signer: Account,
    reason: &str,
    at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(FREEZE, &[signer.into(), at.into(), reason.into()]).await? == 1)
}
