//! The tables of `docs/LIFECYCLE.md`, written from the code that decides. `make lifecycle` writes them anew.

use std::fmt::Write as _;

use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LIFECYCLE.md");
/// Says that the tables are to be written and not compared.
const WRITE: &str = "COLOPHON_TEST_WRITE_LIFECYCLE";

/// Every kind of event once, at one moment.
pub(super) fn all_events(at: Timestamp) -> Vec<ShopEvent> {
    let mut events = vec![
        ShopEvent::Paid,
        ShopEvent::Refunded { stage: RefundStage::Pending, refunded_at: at },
        ShopEvent::Refunded { stage: RefundStage::Done, refunded_at: at },
        ShopEvent::AmountRefunded(AmountRefund {
            reference: word("R-1"),
            amount: Money::parse(100, "CNY").unwrap(),
            refunded_at: at,
        }),
    ];
    events.extend(DisputeOutcome::ALL.map(|outcome| ShopEvent::Disputed { outcome, occurred_at: at }));
    events.extend(goods_events(at));
    events
}

fn goods_events(at: Timestamp) -> Vec<ShopEvent> {
    let shipped = |carrier| ShopEvent::Shipped { shipment: shipment(carrier), packed: None };
    let mut events = vec![
        shipped("SF Express"),
        shipped("EMS"),
        ShopEvent::Delivered { delivered_at: at },
        ShopEvent::Lost { lost_at: at },
        ShopEvent::Canceled { canceled_at: at },
        ShopEvent::ReturnRequested { requested_at: at },
        ShopEvent::ReturnGivenUp { given_up_at: at },
        ShopEvent::Received { received_at: at },
    ];
    events.extend(Condition::ALL.map(|condition| ShopEvent::Inspected { condition, inspected_at: at }));
    events
}

fn cell(heard: Result<Step<Sale>, Refusal>, word: impl Fn(&Sale) -> String) -> String {
    match heard {
        Ok(Step::Changed(sale)) => word(&sale),
        Ok(Step::Unchanged(_)) => "·".to_owned(),
        Err(Refusal::TooEarly { .. }) => "early".to_owned(),
        Err(Refusal::Contradiction { .. }) => "no".to_owned(),
    }
}

fn table(head: &[String], rows: Vec<Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head);
    let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
    for row in &rows {
        text.push_str(&line(row));
    }
    text
}

fn head(first: &str, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(rest).collect()
}

fn goods_table() -> String {
    let later = at(NOON + 3 * DAY);
    let names = ["shipped as known", "shipped otherwise"].map(str::to_owned);
    let columns = names
        .into_iter()
        .chain(goods_events(later).into_iter().skip(2).map(|event| event.as_str().to_owned()));
    let rows = all_goods().into_iter().map(|goods| {
        let sale = sale(goods);
        let cells = goods_events(later)
            .iter()
            .map(|event| {
                cell(sale.clone().hear(event), |after| match after.goods.as_str() {
                    unmoved if unmoved == sale.goods.as_str() => "date noted".to_owned(),
                    word => word.to_owned(),
                })
            })
            .collect::<Vec<_>>();
        head(sale.goods.as_str(), cells)
    });
    table(&head("goods", columns), rows.collect())
}

fn payment_table() -> String {
    let events = &all_events(at(NOON))[..4];
    let rows = PAYMENTS.map(|payment| {
        let sale = Sale { payment, ..sale(Goods::Reserved) };
        let cells = events
            .iter()
            .map(|event| cell(sale.clone().hear(event), |after| after.payment.as_str().to_owned()));
        head(payment.as_str(), cells)
    });
    table(&head("payment", events.iter().map(|event| event.as_str().to_owned())), rows.into())
}

fn dispute_table() -> String {
    let moments = [("newer", 2 * DAY), ("same moment", DAY), ("older", 0)];
    let columns = moments
        .iter()
        .flat_map(|(name, _)| DisputeOutcome::ALL.map(|outcome| format!("{}, {name}", outcome.as_str())));
    let rows = DISPUTES.map(|dispute| {
        let known = (dispute != Dispute::None).then(|| at(NOON + DAY));
        let sale = Sale { dispute, disputed_at: known, ..sale(Goods::Reserved) };
        let cells = moments
            .iter()
            .flat_map(|(_, offset)| {
                DisputeOutcome::ALL.map(|outcome| {
                    let event = ShopEvent::Disputed { outcome, occurred_at: at(NOON + offset) };
                    cell(sale.clone().hear(&event), |after| after.dispute.as_str().to_owned())
                })
            })
            .collect::<Vec<_>>();
        head(dispute.as_str(), cells)
    });
    table(&head("dispute", columns), rows.into())
}

fn undone_table() -> String {
    let pairs = PAYMENTS.map(|payment| DISPUTES.map(|dispute| (payment, dispute))).concat();
    let columns =
        pairs.iter().map(|(payment, dispute)| format!("{}, {}", payment.as_str(), dispute.as_str()));
    let rows = all_goods().into_iter().map(|goods| {
        let sale = sale(goods);
        let cells = pairs
            .iter()
            .map(|(payment, dispute)| {
                let sale = Sale { payment: *payment, dispute: *dispute, ..sale.clone() };
                sale.undone().map_or("·", Cause::as_str).to_owned()
            })
            .collect::<Vec<_>>();
        head(sale.goods.as_str(), cells)
    });
    table(&head("goods", columns), rows.collect())
}

fn standing_word(token: TokenStanding) -> String {
    match token {
        TokenStanding::NotAsked => "not asked",
        TokenStanding::Minting => "minting",
        TokenStanding::Bound => "bound",
        TokenStanding::Voiding => "voiding",
        TokenStanding::Settled => "settled",
        TokenStanding::Voided => "voided",
        TokenStanding::Surrendered => "surrendered",
    }
    .to_owned()
}

/// What is known of a sale whose token and claim stand so; a hundred days after all dates of the fixtures.
pub(super) fn known(claim: ClaimStanding, token: TokenStanding, sheet: ImpressionState) -> Known {
    let day = |days| at(NOON + days * DAY);
    Known {
        claim,
        opens: true,
        token,
        handing: Handing::Not,
        terms: (token != TokenStanding::NotAsked).then(|| (day(1), day(200))),
        settling: false,
        sheet,
        unreturned: false,
        issues_left: true,
        window: std::time::Duration::from_hours(7 * 24),
        settle_early: false,
        now: day(100),
    }
}

fn effects_word(effects: &[Effect]) -> String {
    let words = effects.iter().filter_map(|effect| match effect {
        Effect::OpenClaim => Some("open the claim"),
        Effect::VoidClaim => Some("void the claim"),
        Effect::ReleaseClaim => Some("the claim is released"),
        Effect::VoidToken(_) => Some("take the mint back if unsigned, queue `Void`"),
        Effect::SettleToken => Some("queue `Settle`"),
        Effect::FlagToken(_) => Some("flag the token"),
        Effect::UnflagToken => Some("take the flag off"),
        Effect::ReissueToken => Some("queue the next issue"),
        Effect::MoveSheet(_) | Effect::MarkUnreturned(_) | Effect::ReportWindowOutlivesLock => None,
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { "·".to_owned() } else { words.join("; ") }
}

fn asked_table() -> String {
    let delivered = || sale(all_goods()[2].clone());
    let returning = || sale(all_goods()[3].clone());
    let columns = [
        "the sale stands",
        "a return is open 48 h before the token settles",
        "the window has closed, with `settle_early`",
        "the sale is undone",
        "it was undone and stands again",
    ];
    let rows = TokenStanding::ALL.map(|token| {
        let claim = if token == TokenStanding::NotAsked {
            ClaimStanding::Redeemable
        } else {
            ClaimStanding::Redeemed
        };
        let known = known(claim, token, ImpressionState::Sold);
        let last_call = Known { now: at(NOON + 199 * DAY), ..known };
        let early = Known { settle_early: true, ..known };
        let refunded = Sale { payment: Payment::Refunded, ..delivered() };
        let flagged = Sale { token_flag: Some(Cause::Disputed), ..delivered() };
        let voided = Known {
            claim: if token == TokenStanding::NotAsked { claim } else { ClaimStanding::Void },
            ..known
        };
        let cells = [
            due(&delivered(), &known),
            due(&returning(), &last_call),
            due(&delivered(), &early),
            due(&refunded, &known),
            due(&flagged, &voided),
        ];
        head(&standing_word(token), cells.map(|due| effects_word(&due.effects)))
    });
    table(&head("token", columns.map(str::to_owned)), rows.into())
}

fn safekeeping_table() -> String {
    let columns = [
        "may be released",
        "may be given up",
        "the sale stands, the token was handed out",
        "the sale is undone",
        "undone, a release is on its way",
        "undone, the token was handed out",
    ];
    let delivered = || sale(all_goods()[2].clone());
    let refunded = || Sale { payment: Payment::Refunded, ..delivered() };
    let allowed = |allowed: Result<(), NotInReach>| {
        match allowed {
            Ok(()) => "yes",
            Err(NotInReach::NotSettled(_)) => "from the day on which it settles",
            Err(NotInReach::NotRecorded) => "once it is recorded",
            Err(NotInReach::BeingVoided) => "once the chain has decided",
            Err(NotInReach::Gone) => "no",
        }
        .to_owned()
    };
    let rows = TokenStanding::ALL.into_iter().skip(1).map(|token| {
        let kept = known(ClaimStanding::Safekept, token, ImpressionState::Sold);
        let with = |handing| Known { handing, ..kept };
        let word = |due: Due| effects_word(&due.effects);
        let cells = [
            allowed(may_release(&kept)),
            allowed(may_surrender(&kept)),
            word(due(&delivered(), &with(Handing::Done))),
            word(due(&refunded(), &kept)),
            word(due(&refunded(), &with(Handing::UnderWay))),
            word(due(&refunded(), &with(Handing::Done))),
        ];
        head(&standing_word(token), cells)
    });
    table(&head("token", columns.map(str::to_owned)), rows.collect())
}

fn sheet_table() -> String {
    let columns = TokenStanding::ALL.map(|token| format!("undone, token {}", standing_word(token)));
    let columns: Vec<_> = std::iter::once("the sale stands".to_owned()).chain(columns).collect();
    let rows = all_goods().into_iter().map(|goods| {
        let stands = sale(goods);
        let refunded = Sale { payment: Payment::Refunded, ..stands.clone() };
        let at_rest = |sale: &Sale, token| {
            // From a state that no rule leads to, so that each one shows as a move.
            let place = |from| {
                let due = due(sale, &known(ClaimStanding::Void, token, from));
                due.effects.into_iter().find_map(|effect| match effect {
                    Effect::MoveSheet(to) => Some(to),
                    _ => None,
                })
            };
            let state = place(ImpressionState::Available).or_else(|| place(ImpressionState::Sold));
            state.map_or("?", ImpressionState::as_str).to_owned()
        };
        let word = stands.goods.as_str();
        let first = match stands.undone() {
            Some(_) => "·".to_owned(),
            None => at_rest(&stands, TokenStanding::Bound),
        };
        let rest = TokenStanding::ALL.map(|token| at_rest(&refunded, token));
        head(word, std::iter::once(first).chain(rest))
    });
    table(&head("goods", columns), rows.collect())
}

#[test]
fn the_document_holds_the_tables_that_the_code_decides_by() {
    let tables = [
        ("goods", goods_table()),
        ("payment", payment_table()),
        ("dispute", dispute_table()),
        ("undone", undone_table()),
        ("asked", asked_table()),
        ("safekeeping", safekeeping_table()),
        ("sheet", sheet_table()),
    ];
    let mut document = std::fs::read_to_string(DOCUMENT).expect("docs/LIFECYCLE.md");
    let writes = std::env::var_os(WRITE).is_some();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- table: {name} -->\n\n"), "\n<!-- end of table -->");
        let from = document.find(&begin).unwrap_or_else(|| panic!("no table {name}")) + begin.len();
        let to = from + document[from..].find(end).expect("the end of a table");
        if writes {
            document.replace_range(from..to, &table);
        } else {
            assert_eq!(&document[from..to], table, "run `make lifecycle`");
        }
    }
    if writes {
        std::fs::write(DOCUMENT, document).expect("docs/LIFECYCLE.md to be written");
    }
}
