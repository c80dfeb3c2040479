//! Table `webhook_secrets`: which secrets of an endpoint hold. None of them stands in it.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::outbox::endpoint::WebhookEndpointId;

catalog::statements! {
    INSERT = "
        INSERT INTO webhook_secrets (
            webhook_endpoint_id,
            version,
            created_at
        ) VALUES ($1, $2, $3)";
    LAST = "
        SELECT coalesce(max(version), 0)
        FROM webhook_secrets
        WHERE webhook_endpoint_id = $1";
    LIMIT_OTHERS = "
        UPDATE webhook_secrets
        SET valid_until = $3
        WHERE webhook_endpoint_id = $1
          AND version < $2
          AND valid_until IS NULL";
    LIST_VALID = "
        SELECT version
        FROM webhook_secrets
        WHERE webhook_endpoint_id = $1
          AND (valid_until IS NULL OR valid_until > $2)
        ORDER BY version DESC
        LIMIT 100";
}

fn number(version: i64) -> Result<u32, DbError> {
    u32::try_from(version).map_err(|problem| DbError::inconsistent("webhook_secrets", version, problem))
}

/// Gives an endpoint its next secret's number; those before hold until `others_until`. Asked under the endpoint's lock.
pub(crate) async fn add_secret(
    tx: &mut Tx,
    endpoint: &WebhookEndpointId,
    at: Timestamp,
    others_until: Timestamp,
) -> Result<u32, DbError> {
    let (last,): (i64,) = tx.fetch_one(LAST, &[endpoint.into()]).await?;
    let version = last + 1;
    tx.execute(INSERT, &[endpoint.into(), version.into(), at.into()]).await?;
    tx.execute(LIMIT_OTHERS, &[endpoint.into(), version.into(), others_until.into()]).await?;
    number(version)
}

/// The numbers of the secrets that hold at a moment, the newest first.
pub(crate) async fn valid_secrets(
    tx: &mut Tx,
    endpoint: &WebhookEndpointId,
    now: Timestamp,
) -> Result<Vec<u32>, DbError> {
    let rows: Vec<(i64,)> = tx.fetch_all(LIST_VALID, &[endpoint.into(), now.into()]).await?;
    rows.into_iter().map(|(version,)| number(version)).collect()
}
