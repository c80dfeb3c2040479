//! How a sale takes in an event: each event touches one axis, and no axis looks at another.
//!
//! The whole table stands in `docs/LIFECYCLE.md`, which a test writes from this file.

use catalog::clock::Timestamp;
use catalog::ids::ImpressionId;

use super::{
    Condition, Dispute, DisputeOutcome, Goods, Journey, Payment, RefundStage, Refusal, ReturnWish, Sale,
    Shipment, ShopEvent, Step,
};

type Heard = Result<Step<Sale>, Refusal>;

impl Sale {
    /// Takes in `event`. What is known already changes nothing; what contradicts, or comes before what it builds on, is
    /// refused and changes nothing.
    pub fn hear(self, event: &ShopEvent) -> Heard {
        match event {
            ShopEvent::Paid | ShopEvent::AmountRefunded(_) => Ok(Step::Unchanged(self)),
            ShopEvent::Refunded { stage, .. } => Ok(self.refund(*stage)),
            ShopEvent::Disputed { outcome, occurred_at } => self.dispute(*outcome, *occurred_at, event),
            ShopEvent::Shipped { shipment, packed } => self.ship(shipment, packed.as_ref(), event),
            ShopEvent::Delivered { delivered_at } => self.deliver(*delivered_at, event),
            ShopEvent::Lost { .. } => self.lose(event),
            ShopEvent::Canceled { .. } => self.cancel(event),
            ShopEvent::ReturnRequested { requested_at } => {
                self.wish(ReturnWish::Return(*requested_at), event)
            }
            ShopEvent::ReturnGivenUp { given_up_at } => self.wish(ReturnWish::Keep(*given_up_at), event),
            ShopEvent::Received { .. } => self.receive(event),
            ShopEvent::Inspected { condition, .. } => self.inspect(*condition, event),
        }
    }

    fn refund(self, stage: RefundStage) -> Step<Self> {
        match (self.payment, stage) {
            (Payment::Paid, RefundStage::Pending) => {
                Step::Changed(Self { payment: Payment::RefundPending, ..self })
            }
            (Payment::Paid | Payment::RefundPending, RefundStage::Done) => {
                Step::Changed(Self { payment: Payment::Refunded, ..self })
            }
            (Payment::RefundPending | Payment::Refunded, RefundStage::Pending)
            | (Payment::Refunded, RefundStage::Done) => Step::Unchanged(self),
        }
    }

    /// The newest word of the bank stands. Two words of one moment that say different things contradict.
    fn dispute(self, outcome: DisputeOutcome, occurred_at: Timestamp, event: &ShopEvent) -> Heard {
        let leaves = outcome.leaves();
        match self.disputed_at {
            Some(known) if known > occurred_at => Ok(Step::Unchanged(self)),
            Some(known) if known == occurred_at => {
                if self.dispute == leaves {
                    Ok(Step::Unchanged(self))
                } else {
                    Err(Refusal::Contradiction { from: self.dispute.in_words(), event: event.as_str() })
                }
            }
            // A later moment of the same standing is kept too: it decides what is older from now on.
            _ => Ok(Step::Changed(Self { dispute: leaves, disputed_at: Some(occurred_at), ..self })),
        }
    }

    fn ship(self, shipment: &Shipment, packed: Option<&ImpressionId>, event: &ShopEvent) -> Heard {
        let packed = packed.unwrap_or(&self.impression_id).clone();
        match &self.goods {
            Goods::Reserved => Ok(Step::Changed(Self {
                impression_id: packed,
                goods: Goods::Shipped(shipment.clone()),
                ..self
            })),
            goods if goods.shipment() == Some(shipment) && packed == self.impression_id => {
                Ok(Step::Unchanged(self))
            }
            _ => Err(self.contradicts(event)),
        }
    }

    /// The first report of a delivery stands. One that comes after the sheet went on fills the gap.
    fn deliver(self, delivered_at: Timestamp, event: &ShopEvent) -> Heard {
        let told = |journey: Journey| Journey { delivered_at: Some(delivered_at), ..journey };
        let goods = match self.goods.clone() {
            Goods::Reserved => return Err(self.too_early(event)),
            Goods::Lost(Journey { delivered_at: None, .. }) | Goods::Canceled => {
                return Err(self.contradicts(event));
            }
            goods if goods.delivered_at().is_some() => return Ok(Step::Unchanged(self)),
            Goods::Shipped(shipment) => Goods::Delivered { shipment, delivered_at },
            Goods::ReturnRequested(journey) => Goods::ReturnRequested(told(journey)),
            Goods::Received(journey) => Goods::Received(told(journey)),
            Goods::Inspected(journey, condition) => Goods::Inspected(told(journey), condition),
            // Both know when they were delivered, and were answered above.
            Goods::Delivered { .. } | Goods::Lost(_) => return Ok(Step::Unchanged(self)),
        };
        Ok(Step::Changed(Self { goods, ..self }))
    }

    /// A loss that is told of after the parcel came back is over: it was found.
    fn lose(self, event: &ShopEvent) -> Heard {
        let goods = match &self.goods {
            Goods::Reserved => return Err(self.too_early(event)),
            Goods::Lost(_) | Goods::Received(_) | Goods::Inspected(..) => return Ok(Step::Unchanged(self)),
            Goods::Shipped(shipment) => {
                Goods::Lost(Journey { shipment: shipment.clone(), delivered_at: None })
            }
            Goods::ReturnRequested(journey) => Goods::Lost(journey.clone()),
            Goods::Delivered { .. } | Goods::Canceled => return Err(self.contradicts(event)),
        };
        Ok(Step::Changed(Self { goods, ..self }))
    }

    fn cancel(self, event: &ShopEvent) -> Heard {
        match self.goods {
            Goods::Reserved => Ok(Step::Changed(Self { goods: Goods::Canceled, ..self })),
            Goods::Canceled => Ok(Step::Unchanged(self)),
            _ => Err(self.contradicts(event)),
        }
    }

    /// The newest wish stands while the sheet is with the buyer. Once a parcel came back, the wish was to return.
    fn wish(self, wish: ReturnWish, event: &ShopEvent) -> Heard {
        let journey = match &self.goods {
            Goods::Reserved => return Err(self.too_early(event)),
            Goods::Lost(_) | Goods::Canceled => return Err(self.contradicts(event)),
            Goods::Received(_) | Goods::Inspected(..) => {
                return match wish {
                    ReturnWish::Return(_) => Ok(Step::Unchanged(self)),
                    ReturnWish::Keep(_) if self.is_older(wish) => Ok(Step::Unchanged(self)),
                    ReturnWish::Keep(_) => Err(self.contradicts(event)),
                };
            }
            Goods::Shipped(_) | Goods::Delivered { .. } | Goods::ReturnRequested(_) => self.goods.journey(),
        };
        let Some(journey) = journey else { return Err(self.contradicts(event)) };
        match self.return_wish {
            Some(known) if known == wish || self.is_older(wish) => Ok(Step::Unchanged(self)),
            Some(known) if known.at() == wish.at() => Err(self.contradicts(event)),
            _ => {
                let goods = match wish {
                    ReturnWish::Return(_) => Goods::ReturnRequested(journey),
                    ReturnWish::Keep(_) => Goods::kept(journey),
                };
                Ok(Step::Changed(Self { goods, return_wish: Some(wish), ..self }))
            }
        }
    }

    fn is_older(&self, wish: ReturnWish) -> bool {
        self.return_wish.is_some_and(|known| wish.at() < known.at())
    }

    /// A parcel may come back unasked: undeliverable, refused at the door, or lost and found.
    fn receive(self, event: &ShopEvent) -> Heard {
        match &self.goods {
            Goods::Reserved => Err(self.too_early(event)),
            Goods::Canceled => Err(self.contradicts(event)),
            Goods::Received(_) | Goods::Inspected(..) => Ok(Step::Unchanged(self)),
            goods => match goods.journey() {
                Some(journey) => Ok(Step::Changed(Self { goods: Goods::Received(journey), ..self })),
                None => Err(self.contradicts(event)),
            },
        }
    }

    /// What was looked at is in the house: an inspection tells of the arrival as well.
    fn inspect(self, condition: Condition, event: &ShopEvent) -> Heard {
        match &self.goods {
            Goods::Inspected(_, known) if *known == condition => Ok(Step::Unchanged(self)),
            Goods::Inspected(..) | Goods::Canceled => Err(self.contradicts(event)),
            Goods::Reserved => Err(self.too_early(event)),
            goods => match goods.journey() {
                Some(journey) => {
                    Ok(Step::Changed(Self { goods: Goods::Inspected(journey, condition), ..self }))
                }
                None => Err(self.contradicts(event)),
            },
        }
    }

    fn too_early(&self, event: &ShopEvent) -> Refusal {
        Refusal::TooEarly { from: self.goods.as_str(), event: event.as_str() }
    }

    fn contradicts(&self, event: &ShopEvent) -> Refusal {
        Refusal::Contradiction { from: self.goods.as_str(), event: event.as_str() }
    }
}

impl Dispute {
    fn in_words(self) -> &'static str {
        match self {
            Self::None => "not disputed",
            Self::Open => "disputed",
            Self::Won => "disputed and won",
            Self::Lost => "disputed and lost",
        }
    }
}
