//! The chain that the tests stand on does what we count on.

use std::time::Duration;

use tests::anvil::{Anvil, Blocks};

#[tokio::test]
async fn a_chain_on_demand_stands_still_until_it_is_told_to_go_on() {
    let chain = Anvil::start(Blocks::OnDemand);
    let before = chain.height().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(chain.height().await, before);
    chain.mine(3).await;
    assert_eq!(chain.height().await, before + 3);
}

#[tokio::test]
async fn a_chain_of_its_own_rhythm_makes_blocks_and_ends_with_the_test() {
    let chain = Anvil::start(Blocks::EverySecond);
    let before = chain.height().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(chain.height().await > before);

    let url = chain.url().to_owned();
    drop(chain);
    reqwest::get(url).await.expect_err("nobody listens there anymore");
}
