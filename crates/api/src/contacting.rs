//! What the shop tells of its buyers, into the books and out of them, in the caller's transaction: encrypted on the way in,
//! decrypted on the way out.

use catalog::clock::Timestamp;
use catalog::db::{DbError, Tx};
use catalog::journal::{self, Occasion};
use zeroize::Zeroizing;

use crate::contact::{Contact, ContactEvent, Happened};
use crate::encryption::{ContactKey, NotDecrypted, Place};
use crate::error::ApiError;
use crate::sale::SaleId;
use crate::selling::no_such_sale;
use crate::store;

/// A contact that stands in the books.
#[derive(Debug)]
pub(crate) struct KeptContact {
    pub(crate) contact: Contact,
    /// When the sale got one.
    pub(crate) recorded_at: Timestamp,
    /// When it became this one.
    pub(crate) changed_at: Timestamp,
}

/// The contact of a sale, if there is one.
pub(crate) async fn find(
    tx: &mut Tx,
    key: &ContactKey,
    sale_id: &SaleId,
) -> Result<Option<KeptContact>, DbError> {
    let Some(stored) = store::find_contact(tx, sale_id).await? else { return Ok(None) };
    let odd = |problem: &dyn ToString| DbError::inconsistent("contacts", sale_id, problem.to_string());
    let text = key.decrypt(Place::Contact(sale_id), &stored.encrypted);
    let text = text.map_err(|problem: NotDecrypted| odd(&problem))?;
    let contact = serde_json::from_slice(&text).map_err(|_| odd(&"what is encrypted here is no contact"))?;
    Ok(Some(KeptContact { contact, recorded_at: stored.recorded_at, changed_at: stored.changed_at }))
}

/// Makes `contact` the contact of a sale. The one that it has already changes nothing.
pub(crate) async fn keep(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    key: &ContactKey,
    sale_id: &SaleId,
    contact: &Contact,
) -> Result<KeptContact, ApiError> {
    store::lock_sale(tx, sale_id).await?.ok_or_else(no_such_sale)?;
    let known = find(tx, key, sale_id).await?;
    let (happened, recorded_at) = match known {
        Some(known) if known.contact == *contact => return Ok(known),
        Some(known) => (Happened::Changed, known.recorded_at),
        None => (Happened::Recorded, occasion.at),
    };
    let text = serde_json::to_vec(contact).map(Zeroizing::new);
    let text = text.map_err(|error| ApiError::internal("writing a contact", error))?;
    let encrypted = key.encrypt(Place::Contact(sale_id), &text, occasion.chance);
    let encrypted = encrypted.map_err(|error| ApiError::internal("encrypting a contact", error))?;
    store::set_contact(tx, sale_id, &encrypted, occasion.at).await?;
    journal::append(tx, occasion, &ContactEvent { sale_id: sale_id.clone(), happened })?;
    Ok(KeptContact { contact: contact.clone(), recorded_at, changed_at: occasion.at })
}

/// Erases the contact of a sale. Where there is none, nothing changes.
pub(crate) async fn erase(tx: &mut Tx, occasion: &Occasion<'_>, sale_id: &SaleId) -> Result<(), ApiError> {
    store::lock_sale(tx, sale_id).await?.ok_or_else(no_such_sale)?;
    if store::remove_contact(tx, sale_id).await? {
        let event = ContactEvent { sale_id: sale_id.clone(), happened: Happened::Erased };
        journal::append(tx, occasion, &event)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;
    use catalog::clock::{Clock, SystemClock};
    use catalog::db::{Db, DbUrl};

    use super::*;
    use crate::error::chain;

    #[tokio::test]
    async fn what_cannot_be_decrypted_is_an_inconsistency_that_names_the_sale() {
        let dir = tempfile::tempdir().expect("a folder");
        let db = Db::connect(&DbUrl::Sqlite(dir.path().join("books.db"))).await.expect("connected");
        let mut tx = db.begin_write().await.expect("a transaction");
        let table = "CREATE TABLE contacts (sale_id TEXT PRIMARY KEY, encrypted TEXT, recorded_at BIGINT, changed_at BIGINT)";
        tx.execute(table, &[]).await.expect("a table without its sales");
        let key = ContactKey::from_bytes(&[7; 32]).expect("a key");
        let one: SaleId = "sale_01988888888870008000000000000001".parse().expect("an id");
        let other: SaleId = "sale_01988888888870008000000000000002".parse().expect("an id");
        let encrypted =
            |text: &[u8]| key.encrypt(Place::Contact(&one), text, &SystemChance).expect("encrypted");
        let now = SystemClock.now();

        store::set_contact(&mut tx, &one, &encrypted(br#"{"name":"Ada"}"#), now).await.expect("a row");
        assert!(find(&mut tx, &key, &one).await.expect("a contact").is_some());
        store::set_contact(&mut tx, &other, &encrypted(br#"{"name":"Ada"}"#), now).await.expect("a row");
        let moved = find(&mut tx, &key, &other).await.expect_err("it is of another sale");
        assert_eq!(
            chain(&moved),
            format!("inconsistent row {other} in contacts: what is encrypted here cannot be decrypted")
        );
        store::set_contact(&mut tx, &one, &encrypted(b"Ada"), now).await.expect("a row");
        let odd = find(&mut tx, &key, &one).await.expect_err("it is no contact");
        assert_eq!(
            chain(&odd),
            format!("inconsistent row {one} in contacts: what is encrypted here is no contact")
        );
    }
}
