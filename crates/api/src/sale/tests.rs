use catalog::chance::{Chance, SystemChance};
use catalog::clock::Timestamp;
use catalog::digest::Sha256Digest;
use catalog::ids::{EditionId, ImpressionId};
use catalog::impression::{Impression, ImpressionState, Serial};

use super::*;

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
        Goods::Lost(shipment),
        Goods::Canceled,
    ]
}

fn outcome(step: Result<Step<Sale>, InvalidTransition>) -> &'static str {
    match step {
        Ok(Step::Changed(sale)) => sale.goods.as_str(),
        Ok(Step::Unchanged(_)) => "unchanged",
        Err(_) => "refused",
    }
}

#[test]
fn a_new_sale_is_paid_and_its_sheet_reserved() {
    let sale = sale(Goods::Reserved);
    assert_eq!(
        (sale.payment, sale.dispute, sale.goods.as_str(), sale.unit.unit_no),
        (Payment::Paid, Dispute::None, "reserved", 1)
    );
}

#[test]
fn every_state_of_the_goods_decides_every_event() {
    let table = all_goods().map(|goods| {
        let sale = sale(goods);
        let again = sale.clone().ship(shipment("SF Express"), None);
        let other = sale.clone().ship(shipment("EMS"), None);
        (sale.goods.as_str(), outcome(again), outcome(other), outcome(sale.deliver(at(NOON + 2 * DAY))))
    });
    let expected = [
        // goods, the same shipment, another shipment, a delivery
        ("reserved", "shipped", "shipped", "refused"),
        ("shipped", "unchanged", "refused", "delivered"),
        ("delivered", "unchanged", "refused", "unchanged"),
        ("return_requested", "unchanged", "refused", "refused"),
        ("received", "unchanged", "refused", "refused"),
        ("inspected_same", "unchanged", "refused", "refused"),
        ("inspected_swapped", "unchanged", "refused", "refused"),
        ("inspected_damaged", "unchanged", "refused", "refused"),
        ("lost", "unchanged", "refused", "refused"),
        ("canceled", "refused", "refused", "refused"),
    ];
    assert_eq!(table, expected);
}

#[test]
fn the_first_report_of_a_delivery_stands() {
    let Ok(Step::Changed(delivered)) = sale(Goods::Shipped(shipment("EMS"))).deliver(at(NOON)) else {
        panic!("a shipped sheet can arrive")
    };
    let Ok(Step::Unchanged(again)) = delivered.deliver(at(NOON + DAY)) else { panic!("arrived before") };
    assert_eq!(again.goods.delivered_at(), Some(at(NOON)));
}

#[test]
fn a_shipment_names_the_sheet_that_was_packed() {
    let packed = sheet_id();
    let Ok(Step::Changed(shipped)) = sale(Goods::Reserved).ship(shipment("EMS"), Some(&packed)) else {
        panic!("a reserved sheet can leave")
    };
    assert_eq!(shipped.impression_id, packed);
    assert_eq!(outcome(shipped.clone().ship(shipment("EMS"), Some(&packed))), "unchanged");
    assert_eq!(outcome(shipped.ship(shipment("EMS"), Some(&sheet_id()))), "refused");
}

#[test]
fn a_sale_holds_its_sheet_until_it_is_canceled_or_the_sheet_looked_at() {
    let holding = all_goods().map(|goods| goods.hold_the_impression());
    assert_eq!(holding, [true, true, true, true, true, false, false, false, true, false]);
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
