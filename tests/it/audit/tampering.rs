//! What somebody with a hand in the database may do to sealed rows, drawn by dice.

use api::audit::chain;
use api::audit::verification::Problem;
use catalog::clock::Timestamp;
use catalog::db::{Sql, Tx, Value};
use catalog::digest::Sha256Digest;
use catalog::store::{self, SealedHead};

/// Takes the guards away.
pub(super) const UNGUARD: [Sql; 2] = [
    Sql {
        sqlite: "DROP TRIGGER journal_is_not_deleted",
        postgres: "DROP TRIGGER journal_is_not_deleted ON journal",
    },
    Sql {
        sqlite: "DROP TRIGGER journal_is_not_changed",
        postgres: "DROP TRIGGER journal_is_not_changed ON journal",
    },
];

/// Single edits of the row at `$1`, each of another column.
const EDITS: [&str; 9] = [
    "UPDATE journal SET occurred_at = occurred_at - 1 WHERE position = $1",
    "UPDATE journal SET actor = 'operator' WHERE position = $1",
    "UPDATE journal SET reason = reason || ' ' WHERE position = $1",
    "UPDATE journal SET request_id = NULL WHERE position = $1",
    "UPDATE journal SET kind = 'claim_redeemed' WHERE position = $1",
    "UPDATE journal SET subject = subject || '0' WHERE position = $1",
    "UPDATE journal SET payload = replace(payload, ':', ': ') WHERE position = $1",
    "UPDATE journal SET event_id = event_id || '0' WHERE position = $1",
    "UPDATE journal SET sealed_at = sealed_at + 1 WHERE position = $1",
];

/// How many are drawn: a hundred, or what `COLOPHON_TEST_TAMPERINGS` says.
#[expect(clippy::disallowed_methods, reason = "a test asks how long it should play")]
pub(super) fn tampering_count() -> u64 {
    std::env::var("COLOPHON_TEST_TAMPERINGS").map_or(100, |count| count.parse().expect("a number"))
}

/// Chance that can be played again.
pub(super) struct Dice {
    seed: u64,
    rolled: u64,
}

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self { seed, rolled: 0 }
    }

    /// A number from `low` to `high`.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.rolled += 1;
        let digest = Sha256Digest::of(format!("{}/{}", self.seed, self.rolled).as_bytes());
        let (head, _) = digest.as_bytes().split_first_chunk().expect("32 bytes");
        let span = (high - low + 1).unsigned_abs();
        low + i64::try_from(u64::from_be_bytes(*head) % span).expect("a small number")
    }
}

/// One deed.
#[derive(Debug)]
pub(super) enum Tampering {
    /// One column of one row.
    Edit { position: i64, statement: &'static str },
    /// One row, whose own hash is made to fit.
    EditAndSeal { position: i64 },
    /// One row, and every hash from there on, and the stored end: the books fit in themselves.
    Rewrite { position: i64, rows: i64 },
    /// The hash of one row.
    EditHash { position: i64 },
    /// Rows from a place to a place.
    Delete { from: i64, to: i64 },
    /// One row, and those behind it close up.
    DeleteAndCloseUp { position: i64, rows: i64 },
    /// Two rows take each other's place.
    Swap { one: i64, other: i64 },
    /// Two rows take each other's payload.
    SwapPayloads { one: i64, other: i64 },
    /// A row takes another place, and those between move up.
    Move { from: i64, to: i64 },
    /// Everything behind a place.
    Truncate { after: i64 },
    /// Everything behind a place, and the stored end is set back to fit.
    TruncateAndSetBack { after: i64 },
    /// Everything behind a place loses its seal, as if it had never had one.
    Unseal { after: i64 },
    /// A row too many at the end.
    Insert { rows: i64 },
    /// The stored end alone.
    MoveHead { rows: i64 },
}

impl Tampering {
    /// Draws one for a journal of `rows` sealed rows.
    pub(super) fn draw(dice: &mut Dice, rows: i64) -> Self {
        let position = dice.between(1, rows);
        let (low, high) = {
            let other = dice.between(1, rows - 1);
            let other = if other >= position { other + 1 } else { other };
            (position.min(other), position.max(other))
        };
        let after = dice.between(0, rows - 1);
        match dice.between(0, 17) {
            0..=3 => {
                let edit = usize::try_from(dice.between(0, 8)).expect("a place");
                Self::Edit { position, statement: EDITS[edit] }
            }
            4 => Self::EditAndSeal { position },
            5 => Self::Rewrite { position, rows },
            6 => Self::EditHash { position },
            7 => Self::Delete { from: position, to: position },
            8 => Self::Delete { from: low, to: high },
            9 => Self::DeleteAndCloseUp { position, rows },
            10 => Self::Swap { one: low, other: high },
            11 => Self::Swap { one: position.min(rows - 1), other: position.min(rows - 1) + 1 },
            12 => Self::SwapPayloads { one: low, other: high },
            13 => Self::Move { from: low, to: high },
            14 => Self::Truncate { after },
            15 => Self::TruncateAndSetBack { after },
            16 => Self::Unseal { after },
            _ => {
                if dice.between(0, 1) == 0 {
                    Self::Insert { rows }
                } else {
                    Self::MoveHead { rows }
                }
            }
        }
    }

    /// Whether the problem is the one that this deed leaves, at the first row that it touched.
    pub(super) fn is_found_in(&self, problem: Option<&Problem>) -> bool {
        let altered = |at: i64| matches!(problem, Some(Problem::Altered { position, .. }) if *position == at);
        let missing = |at: i64| matches!(problem, Some(Problem::Missing { position }) if *position == at);
        match *self {
            Self::Edit { position, .. } | Self::EditHash { position } => altered(position),
            // The row fits, and the next one does not; behind the last row it is the stored end.
            Self::EditAndSeal { position } => {
                altered(position + 1)
                    || matches!(problem, Some(Problem::HeadDiffers { position: at }) if *at == position)
            }
            Self::Rewrite { rows, .. } => {
                matches!(problem, Some(Problem::FileDiffers { position }) if *position == rows)
            }
            Self::Delete { from, .. } => missing(from),
            Self::DeleteAndCloseUp { position, rows } => {
                if position == rows {
                    missing(rows)
                } else {
                    altered(position)
                }
            }
            Self::Swap { one, .. } | Self::SwapPayloads { one, .. } => altered(one),
            Self::Move { from, .. } => altered(from),
            Self::Truncate { after } | Self::TruncateAndSetBack { after } | Self::Unseal { after } => {
                missing(after + 1)
            }
            Self::Insert { rows } => altered(rows + 1),
            Self::MoveHead { rows } => missing(rows + 1),
        }
    }

    /// Does it.
    pub(super) async fn happen(&self, tx: &mut Tx) {
        match *self {
            Self::Edit { position, statement } => run(tx, statement, &[position.into()]).await,
            Self::EditAndSeal { position } => {
                run(tx, "UPDATE journal SET actor = 'operator' WHERE position = $1", &[position.into()])
                    .await;
                let before = head_before(tx, position).await;
                let row = store::list_sealed(tx, position - 1, 1).await.expect("a row").remove(0);
                let sealed_at = Timestamp::from_micros(row.sealed_at).expect("a time");
                let head = chain::next(&before, &row.row, sealed_at).expect("a hash");
                let values = [position.into(), head.hash.into()];
                run(tx, "UPDATE journal SET hash = $2 WHERE position = $1", &values).await;
            }
            Self::Rewrite { position, .. } => {
                run(tx, "UPDATE journal SET actor = 'operator' WHERE position = $1", &[position.into()])
                    .await;
                let before = head_before(tx, position).await;
                let head = super::reseal(tx, position, before).await;
                store::move_sealed_head(tx, &head).await.expect("the end moved");
            }
            Self::EditHash { position } => {
                let values = [position.into(), Sha256Digest::of(b"anything").into()];
                run(tx, "UPDATE journal SET hash = $2 WHERE position = $1", &values).await;
            }
            Self::Delete { from, to } => {
                let sql = "DELETE FROM journal WHERE position BETWEEN $1 AND $2";
                run(tx, sql, &[from.into(), to.into()]).await;
            }
            Self::DeleteAndCloseUp { position, .. } => {
                run(tx, "DELETE FROM journal WHERE position = $1", &[position.into()]).await;
                shift(tx, position, i64::MAX).await;
            }
            Self::Swap { one, other } => {
                let place = "UPDATE journal SET position = $2 WHERE position = $1";
                for (from, to) in [(one, -1), (other, one), (-1, other)] {
                    run(tx, place, &[from.into(), to.into()]).await;
                }
            }
            Self::SwapPayloads { one, other } => {
                let first = store::list_sealed(tx, one - 1, 1).await.expect("a row").remove(0).row.payload;
                let second = store::list_sealed(tx, other - 1, 1).await.expect("a row").remove(0).row.payload;
                let sql = "UPDATE journal SET payload = $2 WHERE position = $1";
                run(tx, sql, &[one.into(), second.into()]).await;
                run(tx, sql, &[other.into(), first.into()]).await;
            }
            Self::Move { from, to } => {
                let place = "UPDATE journal SET position = $2 WHERE position = $1";
                run(tx, place, &[from.into(), i64::MIN.into()]).await;
                shift(tx, from, to).await;
                run(tx, place, &[i64::MIN.into(), to.into()]).await;
            }
            Self::Truncate { after } => truncate(tx, after).await,
            Self::TruncateAndSetBack { after } => {
                truncate(tx, after).await;
                let head = head_before(tx, after + 1).await;
                store::move_sealed_head(tx, &head).await.expect("the end set back");
            }
            Self::Unseal { after } => {
                let sql =
                    "UPDATE journal SET position = NULL, sealed_at = NULL, hash = NULL WHERE position > $1";
                run(tx, sql, &[after.into()]).await;
            }
            Self::Insert { rows } => {
                let sql = "
                    INSERT INTO journal (event_id, occurred_at, actor, reason, request_id, kind, subject, payload,
                                         position, sealed_at, hash)
                    SELECT 'evt_made_up', occurred_at, actor, reason, request_id, kind, subject, payload,
                           $1, sealed_at, hash
                    FROM journal
                    WHERE position = 1";
                run(tx, sql, &[(rows + 1).into()]).await;
            }
            Self::MoveHead { rows } => {
                let head = SealedHead { position: rows + 1, ..head_before(tx, rows + 1).await };
                store::move_sealed_head(tx, &head).await.expect("the end moved");
            }
        }
    }
}

async fn run(tx: &mut Tx, sql: &'static str, values: &[Value]) {
    assert!(tx.execute(sql, values).await.expect("a deed") > 0, "{sql} touched nothing");
}

async fn truncate(tx: &mut Tx, after: i64) {
    run(tx, "DELETE FROM journal WHERE position > $1", &[after.into()]).await;
}

/// Rows behind `after`, up to `to`, move up by one. In two steps: places are unique at each moment.
async fn shift(tx: &mut Tx, after: i64, to: i64) {
    let away = "UPDATE journal SET position = -position WHERE position > $1 AND position <= $2";
    tx.execute(away, &[after.into(), to.into()]).await.expect("a deed");
    let back = "UPDATE journal SET position = -position - 1 WHERE position < 0 AND position > $1";
    tx.execute(back, &[i64::MIN.into()]).await.expect("a deed");
}

/// The end of the chain before the row at `position`.
async fn head_before(tx: &mut Tx, position: i64) -> SealedHead {
    let before = SealedHead { position: 0, hash: chain::genesis(), sealed_at: Timestamp::EPOCH };
    if position == 1 {
        return before;
    }
    let row = store::list_sealed(tx, position - 2, 1).await.expect("a row").remove(0);
    let hash = row.hash.parse().expect("a hash");
    let sealed_at = Timestamp::from_micros(row.sealed_at).expect("a time");
    SealedHead { position: position - 1, hash, sealed_at }
}
