//! A disk that said it had written, and had not: after the cut the books lack their last commits. FAULTS row 96.
//!
//! Of `SQLite`: its log of writes is cut behind an earlier commit. What that leaves is what a power cut leaves on such a disk.

use std::path::{Path, PathBuf};

use crate::harness::app::{TestApp, Wallet};
use crate::harness::by_hand::{count_of, minted};
use crate::harness::database::{on_sqlite, open};

/// The mint's bytes are in the books, and what came of them is not.
const OPEN_MINTS: &str =
    "SELECT count(*) FROM transactions WHERE kind = 'mint' AND state IN ('signed', 'live')";
const MINTS: &str = "SELECT count(*) FROM calls WHERE kind = 'mint'";

#[test]
fn books_that_lost_their_last_commits_double_nothing() {
    on_sqlite(|db| async move {
        let mut app = Box::pin(TestApp::start_beside_a_chain(&db)).await;
        let edition = Box::pin(app.publish_edition(3)).await;
        app.opened(&edition).await;
        let cards = [app.shipped(&edition).await, app.shipped(&edition).await, app.shipped(&edition).await];
        let buyers = [Wallet::fresh(), Wallet::fresh(), Wallet::fresh()];
        app.die();
        // Whoever closes the books last empties the log: it holds what follows, and nothing else.
        db.db.close().await;
        app.start_again().await;
        let first = app.redeem(&cards[0], &buyers[0]).await.expect(202).at("/token/token_id");
        let sent = app.recorded(&first).await["tx_hash"].clone();
        app.die();
        let books = PathBuf::from(db.url.strip_prefix("sqlite:").expect("a file"));

        // The bytes are there, as they were committed before they left: the books find their end by themselves.
        let of_bytes = Box::pin(cut_back_to(&books, OPEN_MINTS, 1)).await;
        let of_nothing = Box::pin(cut_back_to(&books, MINTS, 0)).await;
        app.set("COLOPHON_DATABASE_URL", &of_bytes);
        app.start_again().await;
        assert_eq!(app.recorded(&first).await["tx_hash"], sent);
        let second = app.redeem(&cards[1], &buyers[1]).await.expect(202).at("/token/token_id");
        app.recorded(&second).await;
        assert_eq!(minted(&app).await, [1_000_100, 1_000_200]);
        app.die();

        // The books know of neither: the lane stands still, and each buyer finds the token that is there.
        app.set("COLOPHON_DATABASE_URL", &of_nothing);
        app.start_again().await;
        app.measures("colophon_foreign_tokens_open 2").await;
        for (card, (buyer, token_id)) in cards.iter().zip(buyers.iter().zip([&first, &second])) {
            assert_eq!(app.redeem(card, buyer).await.expect(202).at("/token/token_id"), **token_id);
        }
        let minter = app.signer("minter");
        let third = app.redeem(&cards[2], &buyers[2]).await.expect(202).at("/token/token_id");
        app.say(&["lane", "adopt", &minter, "--reason", "the disk lost what it had written"]);
        assert_eq!(app.recorded(&third).await["recipient"], buyers[2].address());
        assert_eq!(minted(&app).await, [1_000_100, 1_000_200, 1_000_300]);
        assert_eq!(count_of(&app, &minter).await, 3);
    });
}

/// The newest books that count so many, when later commits are cut off one by one; gives their address.
async fn cut_back_to(books: &Path, sql: &'static str, wanted: i64) -> String {
    for lost in 1..200 {
        let cut = books.with_extension(format!("without-{lost}"));
        cut_off(books, &cut, lost);
        let probe = cut.with_extension("probe");
        cut_off(books, &probe, lost);
        let probed = open(&format!("sqlite:{}", probe.display())).await;
        let mut tx = probed.begin_read().await.expect("the books");
        let (found,): (i64,) = tx.fetch_one(sql, &[]).await.expect("a count");
        drop(tx);
        probed.close().await;
        if found == wanted {
            return format!("sqlite:{}", cut.display());
        }
    }
    panic!("no books count {wanted}: {sql}");
}

/// Copies books and their log of writes, without the last `lost` commits (the format: sqlite.org/fileformat2.html#walformat).
fn cut_off(books: &Path, copy: &Path, lost: usize) {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log_of = |books: &Path| PathBuf::from(format!("{}-wal", books.display()));
    std::fs::copy(books, copy).expect("a copy");
    let mut log = std::fs::read(log_of(books)).expect("the log of writes");
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let frame = FRAME_HEADER + usize::try_from(number(8)).expect("the size of a page");
    let mut ends = Vec::new();
    for start in (HEADER..=log.len().saturating_sub(frame)).step_by(frame) {
        // Frames of an earlier round bear other salts.
        if log[start + 8..start + 16] != log[16..24] {
            break;
        }
        if number(start + 4) != 0 {
            ends.push(start + frame);
        }
    }
    assert!(ends.len() > lost, "{} commits and no more", ends.len());
    log.truncate(ends[ends.len() - 1 - lost]);
    std::fs::write(log_of(copy), log).expect("a log of writes");
}
