//! The program dies at every place that `crash_point!` names, as by a power cut, while a house goes on with its
//! business beside a real chain. It is started again, whatever was not answered is asked again, and in the end
//! everything that was agreed is there exactly once. Needs the feature `failpoints`.

#[cfg(feature = "failpoints")]
mod business;
#[cfg(feature = "failpoints")]
mod first_start;
#[cfg(feature = "failpoints")]
mod ledger;
#[cfg(feature = "failpoints")]
mod ordeal;
mod points;
#[cfg(feature = "failpoints")]
mod weather;

#[cfg(feature = "failpoints")]
use ordeal::Ordeal;

#[cfg(feature = "failpoints")]
both_databases! {
    async fn whoever_dies_in_the_middle_of_business_has_done_everything_once(db: TestDb) {
        let mut ordeal = Ordeal::begin(&db, &points::BUSINESS).await;
        ordeal.drive(|ordeal| Box::pin(business::round(ordeal))).await;
        ordeal.end().await;
    }

    async fn whoever_dies_while_a_fee_is_raised_has_one_transaction(db: TestDb) {
        let mut ordeal = Ordeal::begin(&db, &points::FEES).await;
        ordeal.drive(|ordeal| Box::pin(weather::fees(ordeal))).await;
        ordeal.end().await;
    }

    async fn whoever_dies_while_the_chain_changes_its_mind_has_one_token(db: TestDb) {
        let mut ordeal = Ordeal::begin(&db, &points::REORGS).await;
        ordeal.drive(|ordeal| Box::pin(weather::reorg(ordeal))).await;
        ordeal.await_points(&points::REVERTS);
        ordeal.drive(|ordeal| Box::pin(weather::revert(ordeal))).await;
        ordeal.await_points(&points::DISPLACEMENTS);
        ordeal.drive(|ordeal| Box::pin(weather::displacement(ordeal))).await;
        ordeal.end().await;
    }

    async fn whoever_dies_on_losing_or_leaving_a_lane_leaves_it_whole(db: TestDb) {
        let mut ordeal = Ordeal::begin(&db, &points::THEFTS).await;
        ordeal.drive(|ordeal| Box::pin(weather::theft(ordeal))).await;
        ordeal.await_points(&points::STOPS);
        ordeal.drive(|ordeal| Box::pin(weather::stop(ordeal))).await;
        ordeal.end().await;
    }

    async fn whoever_dies_while_a_holder_surrenders_frees_the_sheet_once(db: TestDb) {
        let mut ordeal = Ordeal::begin(&db, &points::SURRENDERS).await;
        ordeal.drive(|ordeal| Box::pin(business::surrender(ordeal))).await;
        ordeal.end().await;
    }

    async fn whoever_dies_while_a_lane_freezes_or_resumes_can_do_it_again(db: TestDb) {
        first_start::frozen(&db).await;
    }

    async fn whoever_dies_on_a_first_start_starts_again(db: TestDb) {
        first_start::given(&db).await;
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn whoever_dies_on_a_first_embedded_start_starts_again() {
    crate::harness::database::on_sqlite(|db| async move { first_start::embedded(&db).await });
}
