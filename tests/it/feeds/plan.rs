//! What the shop does, what of it arrives and how often, and what the books must say then.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use api::feed::signature::WebhookSecret;
use serde_json::{Value, json};
use tests::shopify;

/// Article numbers, each an edition's.
const SKUS: [&str; 3] = ["WAVE", "FUJI", "RAIN"];
/// Numbers of orders that no shop ever took.
const FORGED_ORDERS: u64 = 9_000_000_000;
/// The largest edition.
const LARGEST: u64 = 9_990;

/// A generator of one run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Shipped,
    Canceled,
    /// One unit of the first line, before shipment.
    TakenOff,
    /// All shipped, and one unit of the first line refunded.
    Refunded,
    DisputedAndLost,
    /// Something was given back for a dented tube.
    Goodwill,
    Test,
}

struct Order {
    id: u64,
    /// Line, article, quantity.
    lines: Vec<(u64, usize, u32)>,
    fate: Fate,
}

/// One thing that the shop tells.
struct Told {
    order: usize,
    topic: &'static str,
    body: Value,
    /// How often it is delivered; lost when never.
    times: u64,
}

/// A request to the service.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    topic: &'static str,
    body: Vec<u8>,
    signature: String,
    forged: bool,
}

impl Delivery {
    /// The right answer.
    pub(super) fn wants(&self) -> u16 {
        if self.forged { 401 } else { 200 }
    }

    pub(super) fn signed(topic: &'static str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { topic, signature: shopify::sign(&body), body, forged: false }
    }
}

/// Sends a delivery; none when nobody answered.
pub(super) async fn send(client: &reqwest::Client, url: &str, delivery: &Delivery) -> Option<u16> {
    let request = client
        .post(format!("{url}/v1/webhooks/boutique"))
        .header("X-Shopify-Hmac-SHA256", &delivery.signature)
        .header("X-Shopify-Topic", delivery.topic)
        .header("X-Shopify-API-Version", "2026-10")
        .header("Content-Type", "application/json")
        .body(delivery.body.clone());
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

/// A sale as the books must have it: payment, goods, dispute; by order and line, as often as there are units.
pub(super) type Sales = BTreeMap<(String, String), Vec<(String, String, String)>>;

/// The whole run.
pub(super) struct Plan {
    orders: Vec<Order>,
    told: Vec<Told>,
    /// Which of the things told are of which order.
    of_order: Vec<Range<usize>>,
    seed: u64,
}

impl Plan {
    pub(super) fn of(seed: u64, orders: usize) -> Self {
        let mut dice = Dice(seed);
        let orders: Vec<_> = (0..orders).map(|place| Order::draw(&mut dice, place)).collect();
        let (mut told, mut of_order): (Vec<Told>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
        for (place, order) in orders.iter().enumerate() {
            let from = told.len();
            told.extend(order.tells(place));
            of_order.push(from..told.len());
        }
        for one in &mut told {
            // One in thirty is lost for good.
            one.times = if dice.below(30) == 0 { 0 } else { 1 + dice.below(20) };
        }
        // A small run loses an order and a refund too.
        for topic in ["orders/paid", "refunds/create"] {
            let lost = told.iter_mut().find(|one| one.topic == topic && orders[one.order].fate != Fate::Test);
            if let Some(lost) = lost {
                lost.times = 0;
            }
        }
        Self { orders, told, of_order, seed }
    }

    /// Article numbers with the size of each one's edition.
    pub(super) fn editions(&self) -> Vec<(&'static str, u64)> {
        let units = |article| {
            let lines = self.orders.iter().flat_map(|order| &order.lines).filter(|(_, of, _)| *of == article);
            lines.map(|(_, _, quantity)| u64::from(*quantity)).sum::<u64>()
        };
        let sizes = (0..).zip(SKUS).map(|(article, sku)| (sku, units(article) + 5));
        let sizes: Vec<_> = sizes.collect();
        assert!(
            sizes.iter().all(|(_, size)| *size <= LARGEST),
            "too many orders for three editions: {sizes:?}"
        );
        sizes
    }

    /// Everything that is sent, forged ones among it, in the order in which it is sent.
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        let mut dice = Dice(self.seed ^ 0xD31);
        let mut all = Vec::new();
        for told in &self.told {
            let delivery = Delivery::signed(told.topic, &told.body);
            all.extend((0..told.times).map(|_| delivery.clone()));
        }
        for number in 0..self.forged() as u64 {
            all.push(forge(
                number,
                &all[usize::try_from(dice.below(all.len() as u64)).expect("a place")].clone(),
            ));
        }
        for place in (1..all.len()).rev() {
            all.swap(place, usize::try_from(dice.below(place as u64 + 1)).expect("a place"));
        }
        all
    }

    /// One in twenty of all deliveries.
    pub(super) fn forged(&self) -> usize {
        usize::try_from(self.told.iter().map(|told| told.times).sum::<u64>()).expect("a number") / 19
    }

    /// How many things were lost that the shop's API shows: of a dispute it shows the newest word alone.
    pub(super) fn lost(&self) -> usize {
        let asks = |told: &&Told| told.topic != "disputes/create";
        self.told.iter().filter(|told| told.times == 0).filter(asks).count()
    }

    /// Entries that wait for an order that was lost.
    pub(super) fn waiting_for_lost(&self) -> i64 {
        let lost: BTreeSet<_> = self
            .told
            .iter()
            .filter(|told| told.topic == "orders/paid" && told.times == 0)
            .map(|told| told.order)
            .collect();
        let waits =
            |told: &&Told| told.topic != "orders/paid" && told.times > 0 && lost.contains(&told.order);
        i64::try_from(self.told.iter().filter(waits).count()).expect("a number")
    }

    /// Which things told have arrived, or will.
    pub(super) fn arrived(&self) -> Vec<bool> {
        self.told.iter().map(|told| told.times > 0).collect()
    }

    pub(super) fn all(&self) -> Vec<bool> {
        vec![true; self.told.len()]
    }

    /// What the books must say when the things marked in `known` are known.
    pub(super) fn sales(&self, known: &[bool]) -> Sales {
        let mut sales = Sales::new();
        for (order, range) in self.orders.iter().zip(&self.of_order) {
            let has =
                |topic: &str| range.clone().any(|place| self.told[place].topic == topic && known[place]);
            if order.fate == Fate::Test || !has("orders/paid") {
                continue;
            }
            for (number, (line, _, quantity)) in order.lines.iter().enumerate() {
                let (mut goods, mut dispute) = ("reserved", "none");
                if has("fulfillments/create") {
                    goods = "shipped";
                }
                if has("orders/cancelled") {
                    goods = "canceled";
                }
                if has("disputes/create") {
                    dispute = "open";
                }
                if has("disputes/update") {
                    dispute = "lost";
                }
                let mut units = vec![("paid", goods); usize::try_from(*quantity).expect("a few")];
                if number == 0 && has("refunds/create") {
                    match order.fate {
                        Fate::TakenOff => units[0] = ("refunded", "canceled"),
                        Fate::Refunded => units[0] = ("refunded", goods),
                        _ => {}
                    }
                }
                let units = units
                    .into_iter()
                    .map(|(payment, goods)| (payment.to_owned(), goods.to_owned(), dispute.to_owned()));
                let mut units: Vec<_> = units.collect();
                units.sort();
                sales.insert((order.id.to_string(), line.to_string()), units);
            }
        }
        sales
    }

    /// The shop's orders as its API shows them.
    pub(super) fn shown_orders(&self) -> Vec<Value> {
        let show = |place: usize| {
            let of_order = &self.told[self.of_order[place].clone()];
            let bodies = |topic: &str| -> Vec<Value> {
                of_order.iter().filter(|told| told.topic == topic).map(|told| told.body.clone()).collect()
            };
            let newest = bodies("orders/cancelled").pop().or_else(|| bodies("orders/paid").pop());
            let mut order = newest.expect("an order");
            order["fulfillments"] = bodies("fulfillments/create").into();
            order["refunds"] = bodies("refunds/create").into();
            order["updated_at"] = json!("2026-11-23T00:00:00Z");
            order
        };
        (0..self.orders.len()).map(show).collect()
    }

    /// The newest word on each dispute.
    pub(super) fn shown_disputes(&self) -> Vec<Value> {
        self.told
            .iter()
            .filter(|told| told.topic == "disputes/update")
            .map(|told| told.body.clone())
            .collect()
    }
}

/// A delivery that the shop never sent.
fn forge(number: u64, model: &Delivery) -> Delivery {
    let order = shopify::order(FORGED_ORDERS + number, &[shopify::line(1, SKUS[0], 1, "1.00")]);
    let body = order.to_string().into_bytes();
    let signature = match number % 3 {
        0 => WebhookSecret::new(b"the secret of somebody else").sign(&body),
        1 => model.signature.clone(),
        _ => String::new(),
    };
    Delivery { topic: "orders/paid", body, signature, forged: true }
}

impl Order {
    fn draw(dice: &mut Dice, place: usize) -> Self {
        let id = 5_000_000_000_u64 + place as u64;
        let lines = 1 + dice.below(2);
        let line = |number: u64, dice: &mut Dice| {
            let article = usize::try_from(dice.below(SKUS.len() as u64)).expect("a few");
            (id * 10 + number, article, 1 + u32::try_from(dice.below(2)).expect("a few"))
        };
        let lines = (0..lines).map(|number| line(number, dice)).collect();
        let fate = match dice.below(20) {
            0..=5 => Fate::Shipped,
            6..=7 => Fate::Canceled,
            8..=9 => Fate::TakenOff,
            10..=11 => Fate::Refunded,
            12 => Fate::DisputedAndLost,
            13 => Fate::Goodwill,
            14 => Fate::Test,
            _ => Fate::Kept,
        };
        Self { id, lines, fate }
    }

    fn tells(&self, place: usize) -> Vec<Told> {
        let line = |(line, article, quantity): &(u64, usize, u32)| {
            shopify::line(*line, SKUS[*article], *quantity, "19400.00")
        };
        let mut paid = shopify::order(self.id, &self.lines.iter().map(line).collect::<Vec<_>>());
        paid["test"] = json!(self.fate == Fate::Test);
        let all: Vec<_> = self.lines.iter().map(|(line, _, quantity)| (*line, *quantity)).collect();
        let one = [(self.lines[0].0, 1)];
        let (parcel, refund, dispute) = (self.id * 10 + 7, self.id * 10 + 8, self.id * 10 + 9);
        let word = |status, at| shopify::dispute(dispute, self.id, status, at);
        let shipped = || ("fulfillments/create", shopify::fulfillment(parcel, self.id, &all));
        let mut told = match self.fate {
            Fate::Kept | Fate::Test => Vec::new(),
            Fate::Shipped => vec![shipped()],
            Fate::Canceled => vec![("orders/cancelled", shopify::canceled(&paid))],
            Fate::TakenOff => vec![("refunds/create", shopify::refund(refund, self.id, &one, "cancel"))],
            Fate::Refunded => {
                vec![shipped(), ("refunds/create", shopify::refund(refund, self.id, &one, "return"))]
            }
            Fate::DisputedAndLost => vec![
                ("disputes/create", word("needs_response", "2026-11-21T00:00:00Z")),
                ("disputes/update", word("lost", "2026-11-22T00:00:00Z")),
            ],
            Fate::Goodwill => {
                vec![("refunds/create", shopify::refund_of_amount(refund, self.id, "150.50"))]
            }
        };
        told.insert(0, ("orders/paid", paid));
        told.into_iter().map(|(topic, body)| Told { order: place, topic, body, times: 0 }).collect()
    }
}
