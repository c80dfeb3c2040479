//! What happened, told in every order: whoever tells again what was early ends where the events in their own order end.

use std::collections::VecDeque;

use super::*;

/// Things that can happen to one sale, in the order in which they do.
fn histories() -> [Vec<ShopEvent>; 6] {
    let day = |day: i64| at(NOON + day * DAY);
    let shipped = || ShopEvent::Shipped { shipment: shipment("EMS"), packed: None };
    let delivered = || ShopEvent::Delivered { delivered_at: day(1) };
    let asks = |on| ShopEvent::ReturnRequested { requested_at: day(on) };
    let keeps = |on| ShopEvent::ReturnGivenUp { given_up_at: day(on) };
    let received = || ShopEvent::Received { received_at: day(5) };
    let inspected = |condition| ShopEvent::Inspected { condition, inspected_at: day(6) };
    let refunded = |stage| ShopEvent::Refunded { stage, refunded_at: day(7) };
    let bank = |outcome, on| ShopEvent::Disputed { outcome, occurred_at: day(on) };
    let (pending, done) = (RefundStage::Pending, RefundStage::Done);
    [
        vec![shipped(), delivered(), asks(2), received(), inspected(Condition::SameSheet), refunded(done)],
        vec![shipped(), delivered(), asks(2), keeps(3), asks(4), refunded(pending)],
        vec![shipped(), ShopEvent::Lost { lost_at: day(3) }, received(), inspected(Condition::Damaged)],
        vec![shipped(), received(), inspected(Condition::Swapped), bank(DisputeOutcome::Lost, 8)],
        vec![ShopEvent::Canceled { canceled_at: day(0) }, refunded(pending), refunded(done)],
        vec![
            bank(DisputeOutcome::Opened, 1),
            bank(DisputeOutcome::Won, 2),
            refunded(pending),
            bank(DisputeOutcome::Reopened, 3),
            refunded(done),
            bank(DisputeOutcome::Lost, 4),
        ],
    ]
}

/// Every order of `events`.
fn orders(events: &[ShopEvent]) -> Vec<Vec<ShopEvent>> {
    if events.is_empty() {
        return vec![Vec::new()];
    }
    let beginning_with = |place: usize| {
        let mut rest = events.to_vec();
        let first = rest.remove(place);
        orders(&rest).into_iter().map(move |order| [vec![first.clone()], order].concat())
    };
    (0..events.len()).flat_map(beginning_with).collect()
}

/// Tells `events`, and again at the end what was early.
fn told_until_taken_in(events: &[ShopEvent]) -> Sale {
    let words = || events.iter().map(ShopEvent::as_str).collect::<Vec<_>>();
    let mut sale = sale(Goods::Reserved);
    let mut waiting: VecDeque<&ShopEvent> = events.iter().collect();
    let mut early = 0;
    while let Some(event) = waiting.pop_front() {
        assert!(early <= waiting.len(), "{:?}: nobody takes in `{}`", words(), event.as_str());
        match sale.clone().hear(event) {
            Ok(Step::Changed(heard) | Step::Unchanged(heard)) => (sale, early) = (heard, 0),
            Err(Refusal::TooEarly { .. }) => {
                waiting.push_back(event);
                early += 1;
            }
            Err(refused) => panic!("{:?}: {refused}", words()),
        }
    }
    sale
}

#[test]
fn what_happened_ends_alike_in_whatever_order_it_is_told() {
    let end = |sale: &Sale| (sale.payment, sale.dispute, sale.disputed_at, sale.goods.clone());
    for history in histories() {
        let expected = end(&told_until_taken_in(&history));
        for order in orders(&history) {
            let words: Vec<_> = order.iter().map(ShopEvent::as_str).collect();
            assert_eq!(end(&told_until_taken_in(&order)), expected, "{words:?}");
        }
    }
}
