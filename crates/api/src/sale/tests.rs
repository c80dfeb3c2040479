use catalog::chance::{Chance, SystemChance};
use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::{Impression, ImpressionState, Serial};

use super::*;

mod chain;
mod histories;
mod laws;
mod lifecycle;
mod shuffled;
mod world;

const NOON: i64 = 1_795_435_200_000_000;
const DAY: i64 = 86_400_000_000;
const CHANCE: &dyn Chance = &SystemChance;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn word(text: &str) -> Reference {
    Reference::parse("order", text).unwrap()
}

fn line(wanted: Wanted) -> OrderLine {
    OrderLine {
        channel: word("boutique"),
        order: word("A-1001"),
        line: word("1"),
        edition_id: EditionId::generate(at(NOON), CHANCE),
        wanted,
        price: Money::parse(1_940_000, "CNY").unwrap(),
        sold_at: at(NOON),
    }
}

fn sheet_id() -> ImpressionId {
    ImpressionId::generate(at(NOON), CHANCE)
}

fn shipment(carrier: &str) -> Shipment {
    Shipment::parse(carrier, Some("SF123"), at(NOON), at(NOON)).unwrap()
}

fn sale(goods: Goods) -> Sale {
    let line = line(Wanted::Lowest(Quantity::parse(1).unwrap()));
    let facts = line.facts_digest().unwrap();
    let sale_id = SaleId::generate(at(NOON), CHANCE);
    Sale { goods, ..Sale::record(sale_id, &line, 1, sheet_id(), facts, at(NOON)) }
}

const PAYMENTS: [Payment; 3] = [Payment::Paid, Payment::RefundPending, Payment::Refunded];
const DISPUTES: [Dispute; 4] = [Dispute::None, Dispute::Open, Dispute::Won, Dispute::Lost];

/// All goods, in the order of the schema.
fn all_goods() -> [Goods; 10] {
    let shipment = shipment("SF Express");
    let journey = Journey { shipment: shipment.clone(), delivered_at: Some(at(NOON + DAY)) };
    [
        Goods::Reserved,
        Goods::Shipped(shipment.clone()),
        Goods::Delivered { shipment: shipment.clone(), delivered_at: at(NOON + DAY) },
        Goods::ReturnRequested(journey.clone()),
        Goods::Received(journey.clone()),
        Goods::Inspected(journey.clone(), Condition::SameSheet),
        Goods::Inspected(journey.clone(), Condition::Swapped),
        Goods::Inspected(journey, Condition::Damaged),
        Goods::Lost(Journey { shipment, delivered_at: None }),
        Goods::Canceled,
    ]
}

#[test]
fn a_new_sale_is_paid_and_its_sheet_reserved() {
    let sale = sale(Goods::Reserved);
    assert_eq!(
        (sale.payment, sale.dispute, sale.goods.as_str(), sale.unit.unit_no),
        (Payment::Paid, Dispute::None, "reserved", 1)
    );
}

fn told(sale: Sale, event: &ShopEvent) -> Sale {
    match sale.hear(event) {
        Ok(Step::Changed(sale) | Step::Unchanged(sale)) => sale,
        Err(refused) => panic!("{refused}"),
    }
}

#[test]
fn the_first_report_of_a_delivery_stands_and_a_late_one_fills_the_gap() {
    let delivered = |at| ShopEvent::Delivered { delivered_at: at };
    let shipped = sale(Goods::Shipped(shipment("EMS")));
    let twice = told(told(shipped.clone(), &delivered(at(NOON))), &delivered(at(NOON + DAY)));
    assert_eq!(twice.goods.delivered_at(), Some(at(NOON)));
    let returning = told(shipped, &ShopEvent::ReturnRequested { requested_at: at(NOON + DAY) });
    let late = told(returning, &delivered(at(NOON)));
    assert_eq!((late.goods.as_str(), late.goods.delivered_at()), ("return_requested", Some(at(NOON))));
}

#[test]
fn a_shipment_names_the_sheet_that_was_packed() {
    let packed = sheet_id();
    let event = |packed: &ImpressionId| ShopEvent::Shipped {
        shipment: shipment("EMS"),
        packed: Some(packed.clone()),
    };
    let shipped = told(sale(Goods::Reserved), &event(&packed));
    assert_eq!(shipped.impression_id, packed);
    assert_eq!(shipped.clone().hear(&event(&packed)), Ok(Step::Unchanged(shipped.clone())));
    assert!(matches!(shipped.hear(&event(&sheet_id())), Err(Refusal::Contradiction { .. })));
}

#[test]
fn the_newest_word_of_the_bank_stands_in_whatever_order_the_words_come() {
    let words = [
        (DisputeOutcome::Opened, 1),
        (DisputeOutcome::Lost, 2),
        (DisputeOutcome::Reopened, 3),
        (DisputeOutcome::Won, 4),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        let sale = order.into_iter().fold(sale(Goods::Reserved), |sale, place: usize| {
            let (outcome, day) = words[place];
            told(sale, &ShopEvent::Disputed { outcome, occurred_at: at(NOON + day * DAY) })
        });
        assert_eq!(sale.dispute, Dispute::Won, "{order:?}");
    }
}

#[test]
fn the_buyers_last_word_about_a_return_stands_until_a_parcel_came_back() {
    let asks = |day| ShopEvent::ReturnRequested { requested_at: at(NOON + day * DAY) };
    let keeps = |day| ShopEvent::ReturnGivenUp { given_up_at: at(NOON + day * DAY) };
    let shipped = || sale(Goods::Shipped(shipment("EMS")));
    let word = |events: &[ShopEvent]| events.iter().fold(shipped(), told).goods.as_str();
    assert_eq!(word(&[asks(1)]), "return_requested");
    assert_eq!(word(&[asks(1), keeps(2)]), "shipped");
    assert_eq!(word(&[keeps(2), asks(1)]), "shipped", "out of order");
    assert_eq!(word(&[asks(1), keeps(2), asks(1)]), "shipped", "told late again");
    assert_eq!(word(&[asks(1), keeps(2), asks(3)]), "return_requested");
    let back = told(told(shipped(), &asks(1)), &ShopEvent::Received { received_at: at(NOON + 2 * DAY) });
    assert!(matches!(back.hear(&keeps(3)), Err(Refusal::Contradiction { .. })));
}

#[test]
fn only_an_available_sheet_of_the_edition_stands_in_for_the_reserved_one_and_only_before_redemption() {
    let edition_id = EditionId::generate(at(NOON), CHANCE);
    let sheet = |edition_id: &EditionId, serial, state| Impression {
        impression_id: sheet_id(),
        edition_id: edition_id.clone(),
        serial: Serial::new(serial).unwrap(),
        label: format!("{serial}/20"),
        state,
        unreturned: false,
    };
    let reserved = sheet(&edition_id, 1, ImpressionState::Reserved);
    for state in ImpressionState::ALL {
        let packed = sheet(&edition_id, 2, state);
        let exchanged = exchange(reserved.clone(), packed.clone(), false)
            .map(|(freed, packed)| (freed.state, packed.state));
        let expected = match state {
            ImpressionState::Available => Ok((ImpressionState::Available, ImpressionState::Reserved)),
            _ => Err(NotExchangeable::NotAvailable(state)),
        };
        assert_eq!(exchanged, expected);
        assert_eq!(exchange(reserved.clone(), packed, true), Err(NotExchangeable::Redeemed));
    }
    let withdrawn = sheet(&edition_id, 1, ImpressionState::Withdrawn);
    let packed = sheet(&edition_id, 2, ImpressionState::Available);
    let exchanged = exchange(withdrawn, packed, false).map(|(first, packed)| (first.state, packed.state));
    assert_eq!(exchanged, Ok((ImpressionState::Withdrawn, ImpressionState::Reserved)), "and stays withdrawn");
    let foreign = sheet(&EditionId::generate(at(NOON), CHANCE), 2, ImpressionState::Available);
    assert_eq!(exchange(reserved, foreign, false), Err(NotExchangeable::AnotherEdition));
}

#[test]
fn the_same_facts_have_the_same_digest_and_others_another() {
    let first = line(Wanted::Lowest(Quantity::parse(2).unwrap()));
    let digest = |line: &OrderLine| line.facts_digest().unwrap();
    assert_eq!(digest(&first), digest(&first.clone()));
    let others = [
        OrderLine { wanted: Wanted::Lowest(Quantity::parse(3).unwrap()), ..first.clone() },
        OrderLine { wanted: Wanted::Sheet(sheet_id()), ..first.clone() },
        OrderLine { price: Money::parse(1, "CNY").unwrap(), ..first.clone() },
        OrderLine { price: Money::parse(1_940_000, "JPY").unwrap(), ..first.clone() },
        OrderLine { sold_at: at(NOON + 1), ..first.clone() },
        OrderLine { edition_id: EditionId::generate(at(NOON), CHANCE), ..first.clone() },
    ];
    let mut digests: Vec<Sha256Digest> = others.iter().map(digest).collect();
    digests.push(digest(&first));
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), others.len() + 1);
}

#[test]
fn quantities_are_1_to_200_and_a_named_sheet_is_sold_once() {
    let units = |quantity, sheet| Wanted::parse(quantity, sheet).map(|wanted| wanted.units());
    assert_eq!(units(1, None).ok(), Some(1));
    assert_eq!(units(200, None).ok(), Some(200));
    assert_eq!(units(1, Some(sheet_id())).ok(), Some(1));
    for (quantity, sheet) in
        [(0, None), (-1, None), (201, None), (1_000_000, None), (i64::MAX, None), (2, Some(sheet_id()))]
    {
        assert_eq!(units(quantity, sheet).map_err(|e| e.code), Err("quantity_invalid"), "{quantity}");
    }
}

#[test]
fn moments_in_the_shops_books_lie_between_2000_and_tomorrow() {
    let check = |moment: &str| {
        let moment = moment.parse().unwrap();
        check_moment("sold_at", "sold_at_invalid", moment, at(NOON)).is_ok()
    };
    for (moment, sane) in [
        ("1999-12-31T23:59:59Z", false),
        ("2000-01-01T00:00:00Z", true),
        ("2026-11-23T12:00:00Z", true),
        ("2026-11-24T12:00:00Z", true),
        ("2026-11-24T12:00:00.000001Z", false),
        ("9998-12-31T23:59:59Z", false),
    ] {
        assert_eq!(check(moment), sane, "{moment}");
    }
}

#[test]
fn references_are_one_line_of_200_characters() {
    assert_eq!(Reference::parse("order", "  #1001 ").map(|r| r.as_str().to_owned()), Ok("#1001".to_owned()));
    assert!(Reference::parse("order", &"单".repeat(200)).is_ok());
    for text in ["", " ", "a\r\nb", "a\u{0}", "a\u{202e}b", &"x".repeat(201)] {
        assert_eq!(Reference::parse("order", text).map_err(|e| e.code), Err("reference_invalid"), "{text:?}");
    }
}
