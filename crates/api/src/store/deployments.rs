//! Tables `deployments` and `key_checks`.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};

use crate::binding::{Binding, Bound};

catalog::statements! {
    INSERT = "
        INSERT INTO deployments (
            deployment_id,
            chain_id,
            contract,
            image_store_id,
            created_at
        ) VALUES (1, $1, $2, $3, $4)
        ON CONFLICT (deployment_id) DO NOTHING";
    FIND = "
        SELECT chain_id,
               contract,
               image_store_id
        FROM deployments
        WHERE deployment_id = 1";
    INSERT_KEY_CHECK = "
        INSERT INTO key_checks (
            name,
            check_value,
            created_at
        ) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO NOTHING";
    LIST_KEY_CHECKS = "
        SELECT name,
               check_value
        FROM key_checks
        ORDER BY name";
}

#[derive(sqlx::FromRow)]
struct DeploymentRow {
    chain_id: i64,
    contract: String,
    image_store_id: String,
}

impl TryFrom<DeploymentRow> for Bound {
    type Error = DbError;

    fn try_from(row: DeploymentRow) -> Result<Self, Self::Error> {
        let odd = |problem: &dyn std::fmt::Display| DbError::inconsistent("deployments", 1, problem);
        Ok(Self {
            chain_id: row.chain_id.try_into().map_err(|e| odd(&e))?,
            contract: row.contract.parse().map_err(|e| odd(&e))?,
            image_store_id: row.image_store_id.clone(),
        })
    }
}

/// Binds the database, unless it is bound; tells whether it was not.
pub(crate) async fn insert_deployment(
    tx: &mut Tx,
    binding: &Binding,
    at: Timestamp,
) -> Result<bool, DbError> {
    let chain_id = i64::try_from(binding.chain_id).unwrap_or(i64::MAX);
    let values =
        [chain_id.into(), binding.contract.into(), binding.image_store_id.as_str().into(), at.into()];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// What the database is bound to.
pub(crate) async fn find_deployment(tx: &mut Tx) -> Result<Option<Bound>, DbError> {
    let row: Option<DeploymentRow> = tx.fetch_optional(FIND, &[]).await?;
    row.map(TryInto::try_into).transpose()
}

/// Records a secret's check value, unless one stands under that name; tells whether none did.
pub(crate) async fn insert_key_check(
    tx: &mut Tx,
    name: &str,
    value: &str,
    at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(INSERT_KEY_CHECK, &[name.into(), value.into(), at.into()]).await? == 1)
}

/// All check values: `(name, value)`.
pub(crate) async fn list_key_checks(tx: &mut Tx) -> Result<Vec<(String, String)>, DbError> {
    tx.fetch_all(LIST_KEY_CHECKS, &[]).await
}
