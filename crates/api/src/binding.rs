//! What a database is bound to from its first start: chain, contract, image store and keys. A process that differs in
//! one of them refuses to start and says in which, before it can do harm.

use catalog::account::Account;
use catalog::crash_point;
use catalog::db::{Db, DbError, retrying};
use catalog::journal::{self, Event, Occasion};
use serde::Serialize;

use crate::store;

/// What this process would work with.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The chain's id.
    pub chain_id: u64,
    /// The contract.
    pub contract: Account,
    /// The image store's own id.
    pub image_store_id: String,
    /// Check value of each secret, by its file's name.
    pub key_checks: Vec<(String, String)>,
}

/// The chain and the contract that a database is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The chain's id.
    pub chain_id: u64,
    /// The contract.
    pub contract: Account,
    /// The image store's own id.
    pub image_store_id: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BindingEvent<'a> {
    DatabaseBound { chain_id: u64, contract: Account, image_store_id: &'a str },
    SecretBound { name: &'a str },
}

impl Event for BindingEvent<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::DatabaseBound { .. } => "database_bound",
            Self::SecretBound { .. } => "secret_bound",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::DatabaseBound { contract, .. } => contract.to_string(),
            Self::SecretBound { name } => (*name).to_owned(),
        }
    }
}

/// A process that does not belong to this database.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// One of the facts differs.
    #[error("this database belongs to {what} {recorded}, and this process has {found}: check `{setting}`")]
    Differs {
        /// In words.
        what: &'static str,
        /// The setting to look at.
        setting: &'static str,
        /// What the database says.
        recorded: String,
        /// What this process has.
        found: String,
    },
    /// A secret differs. Neither is shown.
    #[error("the secret `{name}` is not the one that this database was made with: check `secrets_dir`")]
    SecretDiffers {
        /// The secret's file.
        name: String,
    },
    /// The database failed.
    #[error("the binding could not be read or written")]
    Db(#[from] DbError),
}

impl catalog::db::Retryable for BindingError {
    fn is_passing_conflict(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_passing_conflict())
    }
}

/// What the database is bound to; none before its first start.
pub async fn bound(db: &Db) -> Result<Option<Bound>, DbError> {
    let mut tx = db.begin_read().await?;
    store::find_deployment(&mut tx).await
}

/// Binds the database to what this process has, or checks that it is bound to it. Processes that start together
/// agree on the first one's.
pub async fn bind(db: &Db, binding: &Binding, occasion: &Occasion<'_>) -> Result<(), BindingError> {
    let now = occasion.at;
    let Binding { chain_id, contract, image_store_id, key_checks } = binding;
    retrying(|| async move {
        let mut tx = db.begin_write().await?;
        if store::insert_deployment(&mut tx, binding, now).await? {
            let (chain_id, contract) = (*chain_id, *contract);
            let event = BindingEvent::DatabaseBound { chain_id, contract, image_store_id };
            journal::append(&mut tx, occasion, &event)?;
        }
        let recorded = store::find_deployment(&mut tx).await?;
        let recorded = recorded.ok_or_else(|| DbError::inconsistent("deployments", 1, "not there"))?;
        compare(&recorded, binding)?;
        for (name, value) in key_checks {
            if store::insert_key_check(&mut tx, name, value, now).await? {
                journal::append(&mut tx, occasion, &BindingEvent::SecretBound { name })?;
            }
        }
        let known = store::list_key_checks(&mut tx).await?;
        for (name, value) in key_checks {
            if !known.iter().any(|(known, recorded)| known == name && recorded == value) {
                return Err(BindingError::SecretDiffers { name: name.clone() });
            }
        }
        crash_point!("start.binding");
        tx.commit().await?;
        crash_point!("start.bound");
        Ok(())
    })
    .await
}

/// Checks a secret that a command works with beside the service. A database before its first start knows none.
pub async fn check_secret(db: &Db, name: &str, value: &str) -> Result<(), BindingError> {
    let mut tx = db.begin_read().await?;
    let known = store::list_key_checks(&mut tx).await?;
    if known.iter().any(|(known, recorded)| known == name && recorded != value) {
        return Err(BindingError::SecretDiffers { name: name.to_owned() });
    }
    Ok(())
}

fn compare(recorded: &Bound, found: &Binding) -> Result<(), BindingError> {
    let facts = [
        ("chain", "chain_id", recorded.chain_id.to_string(), found.chain_id.to_string()),
        ("contract", "contract", recorded.contract.to_string(), found.contract.to_string()),
        ("image store", "data_dir", recorded.image_store_id.clone(), found.image_store_id.clone()),
    ];
    match facts.into_iter().find(|(_, _, recorded, found)| recorded != found) {
        None => Ok(()),
        Some((what, setting, recorded, found)) => {
            Err(BindingError::Differs { what, setting, recorded, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;
    use catalog::clock::{Clock, SystemClock};
    use catalog::db::DbUrl;

    use super::*;

    fn binding() -> Binding {
        Binding {
            chain_id: 137,
            contract: Account::from_bytes([1; 20]),
            image_store_id: "istore_1".to_owned(),
            key_checks: vec![("claim_pepper".to_owned(), "one".to_owned())],
        }
    }

    #[tokio::test]
    async fn a_process_that_differs_is_refused_and_told_in_what() {
        let dir = tempfile::tempdir().expect("a folder");
        let db = Db::connect(&DbUrl::Sqlite(dir.path().join("books.db"))).await.expect("connected");
        db.migrate().await.expect("migrated");
        let now = &Occasion::by_service(SystemClock.now(), "a start", &SystemChance);
        assert_eq!(bound(&db).await.expect("read"), None);
        bind(&db, &binding(), now).await.expect("bound");
        bind(&db, &binding(), now).await.expect("bound again");

        let pepper = Binding { key_checks: vec![("claim_pepper".to_owned(), "two".to_owned())], ..binding() };
        let contract = Binding { contract: Account::from_bytes([2; 20]), ..binding() };
        let store = Binding { image_store_id: "istore_2".to_owned(), ..binding() };
        let cases = [
            (Binding { chain_id: 1, ..binding() }, "chain_id"),
            (contract, "contract"),
            (store, "data_dir"),
            (pepper, "claim_pepper"),
        ];
        for (other, named) in cases {
            let refused = bind(&db, &other, now).await.expect_err("refused").to_string();
            assert!(refused.contains(named), "{refused}");
        }
        // A further minter is no difference.
        let mut more = binding();
        more.key_checks.push(("minter-2".to_owned(), "0x02".to_owned()));
        bind(&db, &more, now).await.expect("bound with a further key");
    }
}
