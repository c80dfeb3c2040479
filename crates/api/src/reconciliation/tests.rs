//! A world in which everything fits, and each way in which it may not.

use minting::chain::StatusOnChain;
use minting::ledger::LedgerToken;
use minting::token::TokenState;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_426_200_000_000;
const HEAD: u64 = 500;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW).expect("a time")
}

fn long_ago() -> Timestamp {
    now().minus(Duration::from_hours(48))
}

fn account(byte: u8) -> Account {
    Account::from_bytes([byte; 20])
}

fn id(edition: u64, serial: u64) -> TokenId {
    TokenId::from_number(edition * 1_000_000 + serial * 100).expect("a token id")
}

fn minted(recipient: Account) -> LedgerToken {
    LedgerToken {
        standing: Standing::Token,
        recipient: Some(recipient),
        owner: Some(recipient),
        changed_in: 10,
        first_moved_at: None,
        is_surrendered: false,
        mints: 1,
    }
}

fn tombstone() -> LedgerToken {
    LedgerToken { standing: Standing::Tombstone, owner: None, ..minted(account(1)) }
}

fn on_chain(status: StatusOnChain, settles_at: Timestamp) -> TokenOnChain {
    TokenOnChain { status, owner: Some(account(1)), settles_at: settles_at.as_seconds(), successor: None }
}

/// One edition: its first `sold` sheets are sold, each with its token; the others are free.
fn world(edition: u64, size: u64, sold: u64) -> (Books, OnChain) {
    let (mut books, mut chain) = (Books::default(), OnChain { known_through: HEAD, ..OnChain::default() });
    let settles_at = now().plus(Duration::from_hours(400));
    for serial in 1..=sold {
        let token_id = id(edition, serial);
        books.sales.push(BookedSale {
            sale_id: format!("sale_{serial}"),
            unit: format!("boutique/A-{serial}/1#1"),
            undone: None,
            is_flagged: false,
            changed_at: long_ago(),
            redemption: Some((token_id, account(1), long_ago())),
            window_ends_at: Some(now().plus(Duration::from_hours(100))),
        });
        let (recipient, state, is_void_asked) = (account(1), TokenState::Bound, false);
        books.tokens.insert(token_id, BookedToken { recipient, state, settles_at, is_void_asked });
        chain.ledger.tokens.insert(token_id, minted(account(1)));
    }
    books.free = (sold + 1..=size).map(|serial| SheetPlace { edition, serial }).collect();
    let sheets = vec![(ImpressionState::Sold, sold), (ImpressionState::Available, size - sold)];
    books.editions.push(BookedEdition { number: edition, declared_size: size, sheets });
    books.lanes.push(BookedLane {
        signer: account(9),
        first_nonce: 3,
        bound: 4,
        lowest: 3,
        next: 7,
        frozen_reason: None,
    });
    chain.counts.insert(account(9), 7);
    chain.ledger.editions.insert(edition, u16::try_from(size).expect("a size"));
    (books, chain)
}

fn found(books: &Books, chain: &OnChain) -> Vec<&'static str> {
    compare(books, chain, PATIENCE, now()).iter().map(|finding| finding.kind).collect()
}

type Break = fn(&mut Books, &mut OnChain);

/// Each way in which something may not fit, and what it is called. All break the first sheet of edition 7.
const BREAKS: [(&str, Break); 21] = [
    ("sale_without_token", |_, chain| {
        chain.ledger.tokens.remove(&id(7, 1));
    }),
    ("token_without_sale", |books, _| {
        books.sales.remove(0);
    }),
    ("sale_without_token", |_, chain| {
        chain.ledger.tokens.insert(id(7, 1), tombstone());
    }),
    ("refund_with_live_token", |books, _| books.sales[0].undone = Some(Cause::Refunded)),
    ("refund_with_live_token", |books, chain| {
        books.sales[0].undone = Some(Cause::Disputed);
        chain.asked.insert(id(7, 1), on_chain(StatusOnChain::Settled, long_ago()));
    }),
    ("moved_while_locked", |_, chain| {
        let token = chain.ledger.tokens.get_mut(&id(7, 1)).expect("the token");
        token.first_moved_at = Some(long_ago().as_seconds());
        chain.asked.insert(id(7, 1), on_chain(StatusOnChain::Bound, now()));
        token.owner = Some(account(2));
    }),
    ("foreign_mint", |_, chain| {
        chain.ledger.tokens.insert(id(7, 2), minted(account(1)));
    }),
    ("foreign_mint", |_, chain| {
        chain.ledger.tokens.insert(id(7, 1), minted(account(2)));
    }),
    ("foreign_tombstone", |_, chain| {
        chain.ledger.tokens.insert(id(7, 2), tombstone());
    }),
    ("foreign_edition", |_, chain| {
        chain.ledger.editions.insert(8, 5);
    }),
    ("foreign_edition", |_, chain| *chain.ledger.editions.get_mut(&7).expect("the edition") += 1),
    ("nonce_gap", |books, _| books.lanes[0].bound = 3),
    ("nonce_gap", |books, _| books.lanes[0].lowest = 4),
    ("nonce_gap", |_, chain| {
        chain.counts.insert(account(9), 8);
    }),
    ("nonce_gap", |books, _| books.lanes[0].frozen_reason = Some("somebody else".to_owned())),
    ("quarantined_impression", |books, _| {
        books.quarantined.insert(SheetPlace { edition: 7, serial: 2 }, "imp_2".to_owned());
    }),
    ("free_sheet_with_live_token", |books, _| {
        books.free.insert(SheetPlace { edition: 7, serial: 1 });
    }),
    ("census_broken", |books, _| books.editions[0].declared_size -= 1),
    ("census_broken", |_, chain| {
        // Two issues of a sheet, both alive: no contract of ours does that.
        let second = TokenId::from_number(id(7, 1).get() + 1).expect("a token id");
        chain.ledger.tokens.insert(second, LedgerToken { changed_in: HEAD + 1, ..minted(account(1)) });
    }),
    ("window_outlives_lock", |books, chain| {
        books.sales[0].window_ends_at = Some(now().plus(Duration::from_hours(500)));
        chain.asked.insert(id(7, 1), on_chain(StatusOnChain::Bound, now().plus(Duration::from_hours(499))));
    }),
    ("window_outlives_lock", |books, _| {
        books.sales[0].window_ends_at = Some(now().plus(Duration::from_hours(500)));
    }),
];

#[test]
fn a_world_in_which_everything_fits_has_no_findings() {
    let (books, chain) = world(7, 20, 1);
    assert_eq!(found(&books, &chain), Vec::<&str>::new());
    assert_eq!(questions(&books, &chain.ledger).len(), 0);
    let census = censuses(&books, &chain.ledger);
    assert_eq!(census.len(), 1);
    assert_eq!((census[0].tokens, census[0].untouched, census[0].serials_on_chain), (1, 19, 20));
}

#[test]
fn each_way_not_to_fit_is_found_under_its_name() {
    for (number, (kind, break_it)) in BREAKS.iter().enumerate() {
        let (mut books, mut chain) = world(7, 20, 1);
        break_it(&mut books, &mut chain);
        assert!(found(&books, &chain).contains(kind), "{number}: {kind} in {:?}", found(&books, &chain));
    }
}

#[test]
fn what_is_under_way_is_no_finding() {
    let just_now = now().minus(Duration::from_mins(59));
    let (mut books, mut chain) = world(7, 20, 3);
    // Redeemed just now, and not minted yet.
    books.sales[0].redemption = Some((id(7, 1), account(1), just_now));
    books.sales[0].changed_at = just_now;
    chain.ledger.tokens.remove(&id(7, 1));
    books.tokens.get_mut(&id(7, 1)).expect("the token").state = TokenState::Unissued;
    // Refunded just now, and its void is on its way.
    books.sales[1].undone = Some(Cause::Refunded);
    books.sales[1].changed_at = just_now;
    // Its holder gave it up.
    chain.ledger.tokens.insert(id(7, 3), LedgerToken { is_surrendered: true, ..tombstone() });
    // Minted after the books were read.
    chain.ledger.tokens.insert(id(7, 4), LedgerToken { changed_in: HEAD + 1, ..minted(account(4)) });
    // Refunded long ago, settled before, and it says so.
    let (mut others, settled) = world(7, 20, 1);
    others.sales[0].undone = Some(Cause::Refunded);
    others.sales[0].is_flagged = true;
    let asked = [(id(7, 1), on_chain(StatusOnChain::Settled, long_ago()))].into();
    assert_eq!(found(&others, &OnChain { asked, ..settled }), Vec::<&str>::new());
    assert_eq!(found(&books, &chain), Vec::<&str>::new());
}

#[test]
fn the_chain_is_asked_about_what_the_log_does_not_tell() {
    let (mut books, mut chain) = world(7, 20, 4);
    books.sales[0].undone = Some(Cause::Refunded);
    books.sales[1].window_ends_at = Some(now().plus(Duration::from_hours(500)));
    chain.ledger.tokens.get_mut(&id(7, 3)).expect("the token").first_moved_at = Some(5);
    let asked: Vec<_> = questions(&books, &chain.ledger).into_iter().collect();
    assert_eq!(asked, [id(7, 1), id(7, 2), id(7, 3)]);
}

proptest! {
    /// However large the world is: it has no finding; and a break is found in it, whatever else is broken.
    #[test]
    fn nothing_hides_a_break(size in 2_u64..40, sold in 1_u64..40, broken in proptest::collection::btree_set(0..BREAKS.len(), 0..4)) {
        let sold = sold.min(size - 1);
        let (mut books, mut chain) = world(7, size.max(20), sold);
        if sold > 1 {
            // The breaks are about the second sheet being free.
            prop_assert_eq!(found(&books, &chain), Vec::<&str>::new());
            return Ok(());
        }
        for number in &broken {
            let mut alone = world(7, 20, 1);
            BREAKS[*number].1(&mut alone.0, &mut alone.1);
            prop_assert!(found(&alone.0, &alone.1).contains(&BREAKS[*number].0));
        }
        // Breaks of sales and lanes go by place in the list, so only those of the chain are laid upon each other.
        let laid: Vec<_> = broken.iter().filter(|number| (6..12).contains(*number)).collect();
        for number in &laid {
            BREAKS[**number].1(&mut books, &mut chain);
        }
        prop_assert_eq!(laid.is_empty(), found(&books, &chain).is_empty());
    }
}
