//! What a shop's platform told, on its way into the books: one message, one decision, in the caller's transaction. Sales
//! are recorded and told of as the routes do it, by [`selling`] and [`telling`].

use catalog::clock::Timestamp;
use catalog::db::Tx;
use catalog::journal::Occasion;

use crate::error::ApiError;
use crate::feed::message::{CanceledOrder, DisputeWord, Fulfillment, PaidOrder, Refund, SoldLine};
use crate::feed::{ChannelName, Message, Reason, Topic, units};
use crate::redeeming::Terms;
use crate::sale::{
    AmountRefund, Goods, OrderLine, Quantity, Reference, Sale, SaleId, Shipment, ShopEvent, Wanted,
    check_moment,
};
use crate::selling;
use crate::store::{self, FeedEffect, SaleFilter};
use crate::telling;

/// Sales of an order that are read at once.
const BATCH: u32 = 500;

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Fed {
    /// It had its effect, or it had none to have.
    Done,
    /// It waits for something that is still to come.
    Waits(Reason),
    /// A person must look.
    Parked(Reason),
}

/// Where a message comes from, and by which rules it is taken in.
pub(crate) struct Feeding<'a> {
    pub(crate) channel: &'a ChannelName,
    pub(crate) occasion: &'a Occasion<'a>,
    pub(crate) terms: &'a Terms<'a>,
}

impl Feeding<'_> {
    /// Takes in a message, once for ever under the platform's own name for it.
    pub(crate) async fn take_in(&self, tx: &mut Tx, message: &Message) -> Result<Fed, ApiError> {
        match message {
            _ if !message.has_consequence() => Ok(Fed::Done),
            Message::Paid(told) => self.sell(tx, told).await,
            _ => self.tell_of_order(tx, message).await,
        }
    }

    /// One sale for each unit of each line, all of the order or nothing.
    async fn sell(&self, tx: &mut Tx, told: &PaidOrder) -> Result<Fed, ApiError> {
        let order = reference("order", &told.order)?;
        let key = told.order.to_string();
        if told.test {
            self.take_key(tx, Topic::Order, &key, FeedEffect::Ignored).await?;
            return Ok(Fed::Done);
        }
        check_moment("sold_at", "sold_at_invalid", told.sold_at, self.occasion.at)?;
        let mut lines = Vec::with_capacity(told.lines.len());
        for line in &told.lines {
            match self.order_line(tx, &order, line, told.sold_at).await? {
                Wish::Sell(line) => lines.push(line),
                Wish::Nothing => {}
                Wish::Ask(reason) => return Ok(Fed::Parked(reason)),
            }
        }
        // Editions are locked in one order by everybody.
        lines.sort_by(|one, other| one.edition_id.cmp(&other.edition_id));
        let open_on = self.terms.policies.of(told.sold_at).open_on;
        for line in &lines {
            selling::record(tx, self.occasion, line, open_on).await?;
        }
        self.take_key(tx, Topic::Order, &key, FeedEffect::Applied).await?;
        Ok(Fed::Done)
    }

    /// What is wished of us by a line: a sale, nothing (an article that is no print; a line in the books already), or a
    /// person's word.
    async fn order_line(
        &self,
        tx: &mut Tx,
        order: &Reference,
        line: &SoldLine,
        sold_at: Timestamp,
    ) -> Result<Wish, ApiError> {
        if line.quantity == 0 {
            return Ok(Wish::Nothing);
        }
        let channel = self.channel.reference()?;
        let line_ref = reference("line", &line.line)?;
        let known = store::list_sales_of_line(tx, &channel, order, &line_ref).await?;
        if !known.is_empty() {
            let grown = known.len() < usize::try_from(line.quantity).unwrap_or(usize::MAX);
            let reason =
                || Reason::new("line_grown", format!("line {} has more units than were sold", line.line));
            return Ok(if grown { Wish::Ask(reason()) } else { Wish::Nothing });
        }
        let Some(sku) = store::find_sku(tx, self.channel, line.sku.as_str()).await? else {
            return Ok(Wish::Ask(Reason::new("sku_unmapped", line.sku.as_str())));
        };
        let Some(edition_id) = sku.edition_id else { return Ok(Wish::Nothing) };
        Ok(Wish::Sell(OrderLine {
            channel,
            order: order.clone(),
            line: line_ref,
            edition_id,
            wanted: Wanted::Lowest(Quantity::parse(line.quantity.into())?),
            price: line.price,
            sold_at,
        }))
    }

    /// Tells the sales of an order what happened to it. It waits for an order that is not there yet.
    async fn tell_of_order(&self, tx: &mut Tx, message: &Message) -> Result<Fed, ApiError> {
        let (topic, key) = (message.topic(), message.business_key());
        if store::find_feed_effect(tx, self.channel, topic, &key).await?.is_some() {
            return Ok(Fed::Done);
        }
        let order = message.order();
        let sales = self.sales_of(tx, &reference("order", order)?).await?;
        if sales.is_empty() {
            let effect = store::find_feed_effect(tx, self.channel, Topic::Order, &order.to_string()).await?;
            if effect.is_none() {
                let detail = format!("order {order} is not in the books");
                return Ok(Fed::Waits(Reason::new("sale_missing", detail)));
            }
            self.take_key(tx, topic, &key, FeedEffect::Ignored).await?;
            return Ok(Fed::Done);
        }
        if matches!(message, Message::Shipped(Fulfillment { carrier: None, .. })) {
            let detail = "nobody is named who carries it; add the carrier in the shop";
            return Ok(Fed::Waits(Reason::new("carrier_missing", detail)));
        }
        // Whoever takes the key has the effect; another transaction waits for it here.
        if !self.take_key(tx, topic, &key, FeedEffect::Applied).await? {
            return Ok(Fed::Done);
        }
        let sales = lock_all(tx, sales).await?;
        match message {
            Message::Paid(_) => {}
            Message::Canceled(told) => self.cancel(tx, told, &sales).await?,
            Message::Shipped(told) => self.ship(tx, told, &sales).await?,
            Message::Refunded(told) => return self.refund(tx, told, &sales).await,
            Message::Disputed(told) => self.dispute(tx, told, &sales).await?,
        }
        Ok(Fed::Done)
    }

    async fn cancel(&self, tx: &mut Tx, told: &CanceledOrder, sales: &[Sale]) -> Result<(), ApiError> {
        check_moment("cancelled_at", "canceled_at_invalid", told.canceled_at, self.occasion.at)?;
        for sale in sales {
            let event = ShopEvent::Canceled { canceled_at: told.canceled_at };
            self.tell(tx, &sale.sale_id, &event).await?;
        }
        Ok(())
    }

    async fn ship(&self, tx: &mut Tx, told: &Fulfillment, sales: &[Sale]) -> Result<(), ApiError> {
        check_moment("created_at", "shipped_at_invalid", told.shipped_at, self.occasion.at)?;
        let Some(carrier) = told.carrier.clone() else { return Ok(()) };
        let tracking_ref = told.tracking_ref.clone();
        let shipment = Shipment { carrier, tracking_ref, shipped_at: told.shipped_at };
        for (line, quantity) in &told.lines {
            let of_line = of_line(sales, &line.to_string());
            for sale in units::to_ship(&of_line, *quantity) {
                // The shop has told of its parcel already, by another way.
                if sale.goods.shipment().is_some() {
                    continue;
                }
                let event = ShopEvent::Shipped { shipment: shipment.clone(), packed: None };
                self.tell(tx, &sale.sale_id, &event).await?;
            }
        }
        Ok(())
    }

    /// Units that are named are undone. Money that goes back without any is an amount, spread over the sales.
    async fn refund(&self, tx: &mut Tx, told: &Refund, sales: &[Sale]) -> Result<Fed, ApiError> {
        let refunded_at = told.refunded_at;
        check_moment("processed_at", "refunded_at_invalid", refunded_at, self.occasion.at)?;
        for line in &told.lines {
            let of_line = of_line(sales, &line.line.to_string());
            for sale in units::to_refund(&of_line, line.quantity, line.canceled) {
                self.tell(tx, &sale.sale_id, &ShopEvent::Refunded { stage: told.stage, refunded_at }).await?;
                if line.canceled && sale.goods == Goods::Reserved {
                    let event = ShopEvent::Canceled { canceled_at: refunded_at };
                    self.tell(tx, &sale.sale_id, &event).await?;
                }
            }
        }
        let Some(amount) = told.amount.filter(|amount| told.lines.is_empty() && amount.amount_minor() > 0)
        else {
            return Ok(Fed::Done);
        };
        let Some(shares) = units::spread(amount, sales) else {
            let detail = "it gives back more than the order's prints cost, or another currency";
            return Err(ApiError::conflict("refund_amount_invalid", detail));
        };
        let reference = reference("reference", &told.refund)?;
        for (sale, amount) in shares {
            let refund = AmountRefund { reference: reference.clone(), amount, refunded_at };
            self.tell(tx, &sale.sale_id, &ShopEvent::AmountRefunded(refund)).await?;
        }
        Ok(Fed::Done)
    }

    async fn dispute(&self, tx: &mut Tx, told: &DisputeWord, sales: &[Sale]) -> Result<(), ApiError> {
        let occurred_at = told.occurred_at;
        check_moment("initiated_at", "occurred_at_invalid", occurred_at, self.occasion.at)?;
        for sale in sales {
            let event = ShopEvent::Disputed { outcome: told.outcome, occurred_at };
            self.tell(tx, &sale.sale_id, &event).await?;
        }
        Ok(())
    }

    async fn tell(&self, tx: &mut Tx, sale_id: &SaleId, event: &ShopEvent) -> Result<(), ApiError> {
        telling::tell(tx, self.occasion, sale_id, event, self.terms).await.map(|_| ())
    }

    async fn take_key(
        &self,
        tx: &mut Tx,
        topic: Topic,
        key: &str,
        effect: FeedEffect,
    ) -> Result<bool, ApiError> {
        Ok(store::take_feed_key(tx, self.channel, topic, key, effect, self.occasion.at).await?)
    }

    async fn sales_of(&self, tx: &mut Tx, order: &Reference) -> Result<Vec<Sale>, ApiError> {
        let filter = SaleFilter::Order { channel: self.channel.reference()?, order: order.clone() };
        let mut sales: Vec<Sale> = Vec::new();
        loop {
            let after = sales.last().map(|sale| sale.sale_id.clone());
            let mut batch = store::list_sales(tx, &filter, after.as_ref(), BATCH).await?;
            if batch.is_empty() {
                return Ok(sales);
            }
            sales.append(&mut batch);
        }
    }
}

/// What is wished of us by a line of an order.
enum Wish {
    Sell(OrderLine),
    Nothing,
    Ask(Reason),
}

/// The same sales under their locks, as they stand now: which units are meant is decided by one transaction at a time.
async fn lock_all(tx: &mut Tx, sales: Vec<Sale>) -> Result<Vec<Sale>, ApiError> {
    let mut locked = Vec::with_capacity(sales.len());
    for sale in sales {
        locked.extend(store::lock_sale(tx, &sale.sale_id).await?);
    }
    Ok(locked)
}

fn reference(field: &'static str, id: &impl std::fmt::Display) -> Result<Reference, ApiError> {
    Ok(Reference::parse(field, &id.to_string())?)
}

fn of_line(sales: &[Sale], line: &str) -> Vec<Sale> {
    sales.iter().filter(|sale| sale.unit.line.as_str() == line).cloned().collect()
}
