//! Laws over all combinations of payment, dispute, goods and event, and of claim, token and sheet.

use super::lifecycle::{all_events, known};
use super::*;

fn wishes() -> [Option<ReturnWish>; 3] {
    [None, Some(ReturnWish::Return(at(NOON + DAY))), Some(ReturnWish::Keep(at(NOON + DAY)))]
}

/// Every state that a sale can be in, with each wish that the buyer may have uttered.
fn all_sales() -> Vec<Sale> {
    let mut sales = Vec::new();
    for payment in PAYMENTS {
        for dispute in DISPUTES {
            for goods in all_goods() {
                for return_wish in wishes() {
                    let disputed_at = (dispute != Dispute::None).then(|| at(NOON + DAY));
                    sales.push(Sale { payment, dispute, disputed_at, return_wish, ..sale(goods.clone()) });
                }
            }
        }
    }
    assert_eq!(sales.len(), 3 * 4 * 10 * 3);
    sales
}

/// All events: before, at, and after the moments of [`all_sales`].
fn events() -> Vec<ShopEvent> {
    [0, DAY, 2 * DAY].into_iter().flat_map(|offset| all_events(at(NOON + offset))).collect()
}

fn is_of_money(event: &ShopEvent) -> bool {
    matches!(
        event,
        ShopEvent::Paid
            | ShopEvent::Refunded { .. }
            | ShopEvent::AmountRefunded(_)
            | ShopEvent::Disputed { .. }
    )
}

fn after(sale: &Sale, event: &ShopEvent) -> Sale {
    match sale.clone().hear(event) {
        Ok(Step::Changed(after)) => after,
        Ok(Step::Unchanged(after)) => {
            assert_eq!(after, *sale, "{} is said to change nothing", event.as_str());
            after
        }
        Err(_) => sale.clone(),
    }
}

#[test]
fn money_never_moves_goods_and_goods_never_move_money() {
    for sale in all_sales() {
        for event in events() {
            let after = after(&sale, &event);
            if is_of_money(&event) {
                let expected = Sale {
                    payment: after.payment,
                    dispute: after.dispute,
                    disputed_at: after.disputed_at,
                    ..sale.clone()
                };
                assert_eq!(after, expected, "{}", event.as_str());
            } else {
                let expected =
                    Sale { goods: after.goods.clone(), return_wish: after.return_wish, ..sale.clone() };
                assert_eq!(after, expected, "{}", event.as_str());
            }
        }
    }
}

/// So three small tables are the whole table of all 120 states.
#[test]
fn an_axis_moves_the_same_wherever_the_others_stand() {
    let kind = |heard: &Result<Step<Sale>, Refusal>| match heard {
        Ok(Step::Changed(_)) => "changed",
        Ok(Step::Unchanged(_)) => "unchanged",
        Err(Refusal::TooEarly { .. }) => "early",
        Err(Refusal::Contradiction { .. }) => "no",
    };
    for sale in all_sales() {
        for event in events() {
            let heard = sale.clone().hear(&event);
            let alone = if is_of_money(&event) {
                Sale { goods: Goods::Reserved, return_wish: None, ..sale.clone() }
            } else {
                Sale { payment: Payment::Paid, dispute: Dispute::None, disputed_at: None, ..sale.clone() }
            };
            let heard_alone = alone.hear(&event);
            assert_eq!(kind(&heard), kind(&heard_alone), "{}", event.as_str());
            if let (Ok(Step::Changed(here)), Ok(Step::Changed(there))) = (heard, heard_alone) {
                if is_of_money(&event) {
                    assert_eq!((here.payment, here.dispute), (there.payment, there.dispute));
                } else {
                    assert_eq!((here.goods, here.return_wish), (there.goods, there.return_wish));
                }
            }
        }
    }
}

#[test]
fn what_was_told_twice_changes_nothing_the_second_time() {
    for sale in all_sales() {
        for event in events() {
            if let Ok(Step::Changed(once)) = sale.clone().hear(&event) {
                assert_eq!(once.clone().hear(&event), Ok(Step::Unchanged(once)), "{}", event.as_str());
            }
        }
    }
}

#[test]
fn what_is_over_is_over() {
    for sale in all_sales() {
        for event in events() {
            let after = after(&sale, &event);
            if sale.payment == Payment::Refunded {
                assert_eq!(after.payment, Payment::Refunded);
            }
            if matches!(sale.goods, Goods::Canceled | Goods::Inspected(..)) {
                assert_eq!(after.goods.as_str(), sale.goods.as_str(), "{}", event.as_str());
            }
        }
    }
}

const CLAIMS: [ClaimStanding; 6] = [
    ClaimStanding::Prepared,
    ClaimStanding::Redeemable,
    ClaimStanding::Redeemed,
    ClaimStanding::Safekept,
    ClaimStanding::Released,
    ClaimStanding::Void,
];

/// Everything that may be known beside every sale.
fn all_matters() -> impl Iterator<Item = (Sale, Known)> {
    all_sales().into_iter().flat_map(|sale| {
        let mut matters = Vec::new();
        for claim in CLAIMS {
            for token in TokenStanding::ALL {
                let asked = token != TokenStanding::NotAsked;
                let redeemed = matches!(
                    claim,
                    ClaimStanding::Redeemed | ClaimStanding::Safekept | ClaimStanding::Released
                );
                if asked != redeemed && claim != ClaimStanding::Void {
                    continue;
                }
                for sheet in ImpressionState::ALL {
                    for last_days in [false, true] {
                        let mut known = known(claim, token, sheet);
                        if last_days {
                            known = Known { now: at(NOON + 199 * DAY), settle_early: true, ..known };
                        }
                        matters.push((sale.clone(), known));
                        if claim == ClaimStanding::Safekept {
                            let of = |handing| (sale.clone(), Known { handing, ..known });
                            matters.extend([Handing::UnderWay, Handing::Done].map(of));
                        }
                    }
                }
            }
        }
        matters
    })
}

/// What is known once `effects` are done and the chain has said nothing yet.
fn done(mut known: Known, effects: &[Effect]) -> Known {
    for effect in effects {
        match *effect {
            Effect::OpenClaim => known.claim = ClaimStanding::Redeemable,
            Effect::VoidClaim => known.claim = ClaimStanding::Void,
            Effect::ReleaseClaim => known.claim = ClaimStanding::Released,
            Effect::VoidToken(_) => known.token = TokenStanding::Voiding,
            Effect::SettleToken => known.settling = true,
            Effect::ReissueToken => known.token = TokenStanding::Minting,
            Effect::MoveSheet(state) => known.sheet = state,
            Effect::MarkUnreturned(unreturned) => known.unreturned = unreturned,
            Effect::FlagToken(_) | Effect::UnflagToken | Effect::ReportWindowOutlivesLock => {}
        }
    }
    known
}

#[test]
fn what_was_done_is_not_due_again() {
    for (sale, known) in all_matters() {
        let first = due(&sale, &known);
        let known = done(known, &first.effects);
        let again = due(&sale.after(&first.effects), &known);
        // A token that is issued again in the last days may be asked back at once: it was the caller's clock.
        let again: Vec<_> =
            again.effects.into_iter().filter(|_| !first.effects.contains(&Effect::ReissueToken)).collect();
        assert_eq!(again, [], "after {:?} of {known:?}", first.effects);
    }
}

#[test]
fn nothing_of_an_undone_sale_can_be_claimed_or_lives_unasked() {
    for (sale, known) in all_matters().filter(|(sale, _)| sale.undone().is_some()) {
        let known = done(known, &due(&sale, &known).effects);
        // The vault keeps what the chain has not ended: of such a token only the buyer can dispose.
        let not_ended = !known.token.is_gone() || known.handing == Handing::UnderWay;
        let kept = known.claim == ClaimStanding::Safekept && not_ended;
        assert!(kept || matches!(known.claim, ClaimStanding::Void | ClaimStanding::Released), "{known:?}");
        assert!(!kept || due(&sale, &known).waits, "{known:?}");
        let released = may_release(&known).is_ok() && kept;
        assert!(!released || known.token == TokenStanding::Settled, "{known:?}");
        assert!(!matches!(known.token, TokenStanding::Minting | TokenStanding::Bound), "{known:?}");
        let effects = due(&sale, &known).effects;
        let sale = sale.after(&effects);
        if known.token == TokenStanding::Settled {
            assert_eq!(sale.token_flag, sale.undone(), "{known:?}");
        }
    }
}

#[test]
fn a_claim_is_released_when_the_chain_says_so_and_never_else() {
    for (sale, known) in all_matters() {
        let due = due(&sale, &known);
        let released = due.effects.contains(&Effect::ReleaseClaim);
        let handed_out = known.claim == ClaimStanding::Safekept && known.handing == Handing::Done;
        assert_eq!(released, handed_out, "{known:?}");
        assert!(!released || !due.effects.contains(&Effect::VoidClaim), "{known:?}");
        assert!(known.handing != Handing::UnderWay || due.waits, "{known:?}");
        let on_its_way = known.claim == ClaimStanding::Safekept && known.handing == Handing::UnderWay;
        assert!(!on_its_way || !due.effects.contains(&Effect::VoidClaim), "{known:?}");
    }
}

#[test]
fn the_vault_hands_out_what_is_settled_and_gives_up_what_lives() {
    let at_day = |token, day| Known {
        now: at(NOON + day * DAY),
        ..known(ClaimStanding::Safekept, token, ImpressionState::Sold)
    };
    let settles_at = at(NOON + 200 * DAY);
    let told = |token, day| (may_release(&at_day(token, day)), may_surrender(&at_day(token, day)));
    let (not_settled, not_recorded) = (Err(NotInReach::NotSettled(settles_at)), Err(NotInReach::NotRecorded));
    let (voided, gone) = (Err(NotInReach::BeingVoided), Err(NotInReach::Gone));
    for (token, before, after) in [
        (TokenStanding::NotAsked, (gone, gone), (gone, gone)),
        (TokenStanding::Minting, (not_settled, not_recorded), (not_recorded, not_recorded)),
        (TokenStanding::Bound, (not_settled, Ok(())), (Ok(()), Ok(()))),
        (TokenStanding::Voiding, (voided, voided), (voided, voided)),
        (TokenStanding::Settled, (Ok(()), Ok(())), (Ok(()), Ok(()))),
        (TokenStanding::Voided, (gone, gone), (gone, gone)),
        (TokenStanding::Surrendered, (gone, gone), (gone, gone)),
    ] {
        assert_eq!((told(token, 199), told(token, 200)), (before, after), "{token:?}");
    }
}

#[test]
fn nothing_of_a_sale_that_stands_is_taken_away() {
    for (sale, known) in all_matters().filter(|(sale, _)| sale.undone().is_none()) {
        let in_time = !(sale.goods.are_in_return() && known.now >= at(NOON + 198 * DAY));
        for effect in due(&sale, &known).effects {
            assert!(!matches!(effect, Effect::VoidClaim | Effect::FlagToken(_)), "{known:?}");
            assert!(!matches!(effect, Effect::VoidToken(_)) || !in_time, "{known:?}");
        }
    }
}

#[test]
fn a_sheet_is_free_only_in_the_house_and_without_a_living_token() {
    for (sale, known) in all_matters() {
        for effect in due(&sale, &known).effects {
            if effect == Effect::MoveSheet(ImpressionState::Available) {
                let in_the_house =
                    matches!(sale.goods, Goods::Canceled | Goods::Inspected(_, Condition::SameSheet));
                assert!(in_the_house && known.token.is_gone(), "{} {known:?}", sale.goods.as_str());
            }
        }
    }
}

#[test]
fn a_withdrawn_sheet_and_one_that_was_let_go_are_left_alone() {
    for (sale, known) in all_matters() {
        let let_go = Sale { holds_impression: false, ..sale.clone() };
        let withdrawn = Known { sheet: ImpressionState::Withdrawn, ..known };
        for due in [due(&let_go, &known), due(&sale, &withdrawn)] {
            let touches =
                |effect: &Effect| matches!(effect, Effect::MoveSheet(_) | Effect::MarkUnreturned(_));
            assert!(!due.effects.iter().any(touches), "{:?}", due.effects);
        }
    }
}

#[test]
fn a_sheet_that_had_its_hundredth_token_is_withdrawn_and_not_free() {
    let known = Known {
        issues_left: false,
        ..known(ClaimStanding::Void, TokenStanding::Voided, ImpressionState::InReturn)
    };
    let returned = sale(all_goods()[5].clone());
    assert_eq!(due(&returned, &known).effects, [Effect::MoveSheet(ImpressionState::Withdrawn)]);
}

#[test]
fn a_window_that_outlives_the_lock_is_reported_with_the_delivery() {
    let shipped = sale(Goods::Shipped(shipment("EMS")));
    let known = known(ClaimStanding::Redeemed, TokenStanding::Bound, ImpressionState::Sold);
    let reported = |day| {
        let delivered = ShopEvent::Delivered { delivered_at: at(NOON + day * DAY) };
        let (_, effects) = shipped.clone().decide(&delivered, &known).unwrap();
        effects.contains(&Effect::ReportWindowOutlivesLock)
    };
    // The token settles on day 200, the window has 7 days.
    assert_eq!((reported(193), reported(194)), (false, true));
}
