//! Which units of an order line are meant, where a shop tells a number and we have a sale for each. Always the same
//! ones for the same books.

use crate::sale::{Goods, Money, Payment, Sale};

/// The sales that a refund of `quantity` units means: first those whose refund is under way, then those that came to
/// nothing already or are coming back; then, if the refund says that they never left, those still in the house, else
/// those that are out; the highest units first. What is refunded already is not refunded again.
#[must_use]
pub fn to_refund(sales: &[Sale], quantity: u32, canceled: bool) -> Vec<&Sale> {
    let rank = |sale: &&Sale| {
        let goods = match &sale.goods {
            Goods::Canceled | Goods::Lost(_) => 0,
            Goods::ReturnRequested(_) | Goods::Received(_) | Goods::Inspected(..) => 1,
            Goods::Reserved => {
                if canceled {
                    0
                } else {
                    3
                }
            }
            Goods::Shipped(_) | Goods::Delivered { .. } => 2,
        };
        (sale.payment != Payment::RefundPending, goods, std::cmp::Reverse(sale.unit.unit_no))
    };
    first_of(sales.iter().filter(|sale| sale.payment != Payment::Refunded), quantity, rank)
}

/// The sales that a shipment of `quantity` units means: first those that wait in the house and are paid for, then those
/// that are out already (of which the shop told before), then any other; the lowest units first.
#[must_use]
pub fn to_ship(sales: &[Sale], quantity: u32) -> Vec<&Sale> {
    let rank = |sale: &&Sale| {
        let goods = match &sale.goods {
            Goods::Reserved if sale.payment == Payment::Paid => 0,
            Goods::Reserved => 1,
            goods if goods.shipment().is_some() => 2,
            _ => 3,
        };
        (goods, sale.unit.unit_no)
    };
    first_of(sales.iter(), quantity, rank)
}

fn first_of<'a, K: Ord>(
    sales: impl Iterator<Item = &'a Sale>,
    quantity: u32,
    rank: impl Fn(&&'a Sale) -> K,
) -> Vec<&'a Sale> {
    let mut ranked: Vec<_> = sales.collect();
    ranked.sort_by_key(rank);
    ranked.truncate(usize::try_from(quantity).unwrap_or(usize::MAX));
    ranked
}

/// Spreads an amount over sales: each takes up to its price, in order. None when it is more than they cost together, or
/// in another currency.
#[must_use]
pub fn spread(amount: Money, sales: &[Sale]) -> Option<Vec<(&Sale, Money)>> {
    let mut left = amount.amount_minor();
    let mut shares = Vec::new();
    for sale in sales {
        let share = left.min(sale.price.amount_minor());
        if share > 0 {
            shares.push((sale, Money::parse(share, amount.currency()).ok()?));
            left -= share;
        }
    }
    let alike = sales.iter().all(|sale| sale.price.currency() == amount.currency());
    (left == 0 && alike).then_some(shares)
}

#[cfg(test)]
mod tests {
    use catalog::chance::SystemChance;
    use catalog::clock::Timestamp;
    use catalog::digest::Sha256Digest;
    use catalog::ids::{EditionId, ImpressionId};

    use super::*;
    use crate::sale::{OrderLine, Quantity, Reference, SaleId, Shipment, Wanted};

    fn word(text: &str) -> Reference {
        Reference::parse("word", text).unwrap()
    }

    fn noon() -> Timestamp {
        Timestamp::from_micros(1_763_900_000_000_000).unwrap()
    }

    /// Units 1, 2, 3 of a line, each at 100.00.
    fn line() -> Vec<Sale> {
        let line = OrderLine {
            channel: word("boutique"),
            order: word("1"),
            line: word("2"),
            edition_id: EditionId::generate(noon(), &SystemChance),
            wanted: Wanted::Lowest(Quantity::parse(3).unwrap()),
            price: Money::parse(10_000, "CNY").unwrap(),
            sold_at: noon(),
        };
        let record = |unit| {
            let (sale, sheet) =
                (SaleId::generate(noon(), &SystemChance), ImpressionId::generate(noon(), &SystemChance));
            Sale::record(sale, &line, unit, sheet, Sha256Digest::of(b"facts"), noon())
        };
        (1..=3).map(record).collect()
    }

    fn shipped() -> Goods {
        Goods::Shipped(Shipment { carrier: word("SF Express"), tracking_ref: None, shipped_at: noon() })
    }

    fn units(sales: Vec<&Sale>) -> Vec<u16> {
        sales.into_iter().map(|sale| sale.unit.unit_no).collect()
    }

    #[test]
    fn a_refund_takes_the_highest_units_and_none_twice() {
        let mut sales = line();
        assert_eq!(units(to_refund(&sales, 1, false)), [3]);
        sales[2].payment = Payment::Refunded;
        assert_eq!(units(to_refund(&sales, 1, false)), [2]);
        assert_eq!(units(to_refund(&sales, 9, false)), [2, 1]);
        sales[0].payment = Payment::RefundPending;
        assert_eq!(units(to_refund(&sales, 1, false)), [1]);
    }

    #[test]
    fn a_refund_means_sheets_at_home_when_it_says_that_they_never_left_and_sheets_outside_when_not() {
        let mut sales = line();
        sales[0].goods = shipped();
        assert_eq!(units(to_refund(&sales, 2, true)), [3, 2]);
        assert_eq!(units(to_refund(&sales, 1, false)), [1]);
        sales[1].goods = Goods::Canceled;
        assert_eq!(units(to_refund(&sales, 1, false)), [2]);
    }

    #[test]
    fn a_shipment_takes_what_waits_first() {
        let mut sales = line();
        assert_eq!(units(to_ship(&sales, 2)), [1, 2]);
        sales[0].goods = shipped();
        assert_eq!(units(to_ship(&sales, 1)), [2]);
        sales[1].payment = Payment::Refunded;
        assert_eq!(units(to_ship(&sales, 2)), [3, 2]);
        sales[2].goods = Goods::Canceled;
        assert_eq!(units(to_ship(&sales, 9)), [2, 1, 3]);
    }

    #[test]
    fn an_amount_is_spread_to_the_last_cent_or_not_at_all() {
        let sales = line();
        let shares = |minor, currency| {
            let amount = Money::parse(minor, currency).unwrap();
            let shares = spread(amount, &sales)?;
            Some(shares.into_iter().map(|(_, share)| share.amount_minor()).collect::<Vec<_>>())
        };
        assert_eq!(shares(1, "CNY"), Some(vec![1]));
        assert_eq!(shares(10_001, "CNY"), Some(vec![10_000, 1]));
        assert_eq!(shares(30_000, "CNY"), Some(vec![10_000; 3]));
        assert_eq!(shares(30_001, "CNY"), None);
        assert_eq!(shares(1, "EUR"), None);
    }
}
