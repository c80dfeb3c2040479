//! What the books say.

use api::conservation;
use api::sale::{Dispute, Payment, Sale, SaleId};
use api::store::{self, SaleFilter};

use super::plan::Sales;
use crate::harness::database::TestDb;

/// Refunds of an amount that stand at two sales though one of them would have had room for it.
const NOTED_TWICE: &str = "
    SELECT COUNT(*)
    FROM (
        SELECT refund_ref
        FROM amount_refunds
        GROUP BY refund_ref
        HAVING COUNT(*) > 1
    ) AS twice";

async fn all_sales(db: &TestDb) -> Vec<Sale> {
    let mut tx = db.db.begin_read().await.expect("a transaction");
    let (mut sales, mut after): (Vec<Sale>, Option<SaleId>) = (Vec::new(), None);
    loop {
        let batch = store::list_sales(&mut tx, &SaleFilter::All, after.as_ref(), 1_000).await.expect("sales");
        let Some(last) = batch.last() else { return sales };
        after = Some(last.sale_id.clone());
        sales.extend(batch);
    }
}

/// Asserts that the books have these sales and no others, each unit of a line once, where they must stand.
pub(super) async fn agree(db: &TestDb, expected: &Sales, when: &str) {
    let mut found = Sales::new();
    let mut units = std::collections::BTreeSet::new();
    // Those that were sold while the pace was measured begin with another digit.
    for sale in all_sales(db).await.into_iter().filter(|sale| sale.unit.order.as_str().starts_with('5')) {
        let line = (sale.unit.order.as_str().to_owned(), sale.unit.line.as_str().to_owned());
        assert!(units.insert((line.clone(), sale.unit.unit_no)), "two sales of one unit: {line:?}");
        let words = [Payment::as_str(sale.payment), sale.goods.as_str(), Dispute::as_str(sale.dispute)];
        let [payment, goods, dispute] = words.map(ToOwned::to_owned);
        found.entry(line).or_default().push((payment, goods, dispute));
    }
    for units in found.values_mut() {
        units.sort();
    }
    for (line, units) in expected {
        assert_eq!(found.get(line), Some(units), "{when}: line {line:?}");
    }
    assert_eq!(found.len(), expected.len(), "{when}: sales that nobody made");
}

/// Asserts that every goodwill was noted once, that conservation holds, and that nobody's forgery was kept.
pub(super) async fn hold(db: &TestDb) {
    let breaches = conservation::breaches(&db.db).await.expect("a count");
    assert!(breaches.is_empty(), "{breaches:?}");
    assert_eq!(number(db, "SELECT COUNT(*) FROM inbox WHERE order_ref LIKE '9%'").await, 0);
    assert_eq!(
        number(db, "SELECT COUNT(*) FROM inbox WHERE state = 'done' AND body_encrypted IS NOT NULL").await,
        0
    );
    assert_eq!(number(db, NOTED_TWICE).await, 0);
}

/// Entries that a person must look at.
pub(super) async fn parked(db: &TestDb) -> i64 {
    number(db, "SELECT COUNT(*) FROM inbox WHERE state = 'parked'").await
}

/// Entries that wait, and those that wait for an order; none is parked.
pub(super) async fn unfinished(db: &TestDb) -> (i64, i64) {
    let all = number(db, "SELECT COUNT(*) FROM inbox WHERE state <> 'done'").await;
    let for_orders = "SELECT COUNT(*) FROM inbox WHERE state = 'waiting' AND reason = 'sale_missing'";
    (all, number(db, for_orders).await)
}

/// How many sales there are.
pub(super) async fn count(db: &TestDb) -> i64 {
    number(db, "SELECT COUNT(*) FROM sales").await
}

async fn number(db: &TestDb, statement: &'static str) -> i64 {
    let mut tx = db.db.begin_read().await.expect("a transaction");
    let (number,): (i64,) = tx.fetch_one(statement, &[]).await.expect("a number");
    number
}
