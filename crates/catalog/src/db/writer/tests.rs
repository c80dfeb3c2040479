use super::*;
use crate::db::retrying;

async fn writer(folder: &tempfile::TempDir) -> Writer {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("test.db"))
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .create_if_missing(true);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    pool.execute("CREATE TABLE notes (note BIGINT NOT NULL UNIQUE)").await.unwrap();
    Writer::new(pool, Duration::from_secs(10))
}

async fn note(turn: &mut Turn, note: &'static str) -> Result<(), sqlx::Error> {
    turn.connection().unwrap().execute(note).await.map(drop)
}

/// What another connection sees.
async fn seen(folder: &tempfile::TempDir) -> Vec<i64> {
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let mut other = <SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    sqlx::query_scalar("SELECT note FROM notes ORDER BY note").fetch_all(&mut other).await.unwrap()
}

/// Waits until so many wait for a turn.
async fn until_waiting(writer: &Writer, count: usize) {
    while writer.waiting.load(Ordering::Acquire) < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_is_told_of_a_commit_is_seen_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut turn = writer.begin().await.unwrap();
    note(&mut turn, "INSERT INTO notes VALUES (1)").await.unwrap();
    assert_eq!(seen(&folder).await, [0_i64; 0]);
    turn.commit().await.unwrap();
    assert_eq!(seen(&folder).await, [1]);
}

#[tokio::test]
async fn a_writer_shares_its_commit_with_those_who_wait_and_is_answered_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut first = writer.begin().await.unwrap();
    note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
    let (second, third) = (writer.clone(), writer.clone());
    let second = tokio::spawn(async move { second.begin().await });
    let third = tokio::spawn(async move { third.begin().await });
    until_waiting(&writer, 2).await;
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap().unwrap();
    // The first had its turn and is not answered: what it did is not there for others.
    assert!(!first.is_finished());
    assert_eq!(seen(&folder).await, [0_i64; 0]);
    // It gives up, and takes nothing of the others with it.
    note(&mut second, "INSERT INTO notes VALUES (2)").await.unwrap();
    drop(second);
    let mut third = third.await.unwrap().unwrap();
    note(&mut third, "INSERT INTO notes VALUES (3)").await.unwrap();
    third.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(seen(&folder).await, [1, 3]);
}

#[tokio::test]
async fn whoever_closes_one_commit_does_not_cut_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let begin = || {
        let writer = writer.clone();
        tokio::spawn(async move { writer.begin().await })
    };
    // The third asks between the ends of the first two, so that it is between those who could close their commit.
    let mut first = writer.begin().await.unwrap();
    note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
    let second = begin();
    until_waiting(&writer, 1).await;
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap().unwrap();
    note(&mut second, "INSERT INTO notes VALUES (2)").await.unwrap();
    let third = begin();
    until_waiting(&writer, 1).await;
    let second = tokio::spawn(second.commit());
    let mut third = third.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    // The third has a commit of its own, and shares it with the fourth.
    note(&mut third, "INSERT INTO notes VALUES (3)").await.unwrap();
    let fourth = begin();
    until_waiting(&writer, 1).await;
    let third = tokio::spawn(third.commit());
    let mut fourth = fourth.await.unwrap().unwrap();
    assert!(!third.is_finished());
    assert_eq!(seen(&folder).await, [1, 2]);
    note(&mut fourth, "INSERT INTO notes VALUES (4)").await.unwrap();
    fourth.commit().await.unwrap();
    third.await.unwrap().unwrap();
    assert_eq!(seen(&folder).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn whoever_only_looked_tells_nothing_before_what_it_saw_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut first = writer.begin().await.unwrap();
    note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
    let (second, third) = (writer.clone(), writer.clone());
    let looking = tokio::spawn(retrying(move || {
        let second = second.clone();
        async move {
            let mut turn = second.begin().await?;
            note(&mut turn, "INSERT INTO notes VALUES (1)")
                .await
                .map_err(|source| DbError::from_sqlx(source, "INSERT"))
        }
    }));
    until_waiting(&writer, 1).await;
    let third = tokio::spawn(async move { third.begin().await });
    until_waiting(&writer, 2).await;
    let first = tokio::spawn(first.commit());
    // The second looked and left; the third has its turn, and keeps the commit waiting.
    let third = third.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!looking.is_finished());
    assert_eq!(seen(&folder).await, [0_i64; 0]);
    drop(third);
    assert!(looking.await.unwrap().unwrap_err().is_unique_violation());
    assert_eq!(seen(&folder).await, [1]);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_seen_and_never_committed_is_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut first = writer.begin().await.unwrap();
    note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
    let (second, third) = (writer.clone(), writer.clone());
    let looking = tokio::spawn(retrying(move || {
        let second = second.clone();
        async move {
            let mut turn = second.begin().await?;
            let connection = turn.connection()?;
            let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM notes").fetch_one(connection);
            count.await.map_err(|source| DbError::from_sqlx(source, "SELECT"))
        }
    }));
    until_waiting(&writer, 1).await;
    let third = tokio::spawn(async move { third.begin().await });
    until_waiting(&writer, 2).await;
    let first = tokio::spawn(first.commit());
    let mut third = third.await.unwrap().unwrap();
    // What a full disk does.
    note(&mut third, "ROLLBACK").await.unwrap();
    assert!(third.commit().await.is_err());
    assert!(first.await.unwrap().is_err());
    assert_eq!(looking.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_writer_that_gives_up_does_not_keep_others_from_writing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut turn = writer.begin().await.unwrap();
    note(&mut turn, "INSERT INTO notes VALUES (1)").await.unwrap();
    assert!(note(&mut turn, "INSERT INTO notes VALUES (1)").await.is_err());
    drop(turn);
    // Another process, as a command beside the service is.
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let mut other = <SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    other.execute("INSERT INTO notes VALUES (7)").await.unwrap();
    assert_eq!(seen(&folder).await, [7]);
}

#[tokio::test]
async fn nobody_is_told_of_a_commit_that_the_database_took_back() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut first = writer.begin().await.unwrap();
    note(&mut first, "INSERT INTO notes VALUES (1)").await.unwrap();
    let second = writer.clone();
    let second = tokio::spawn(async move { second.begin().await });
    until_waiting(&writer, 1).await;
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap().unwrap();
    // What a full disk does.
    note(&mut second, "ROLLBACK").await.unwrap();
    assert!(second.commit().await.is_err());
    assert!(first.await.unwrap().is_err());
    assert_eq!(seen(&folder).await, [0_i64; 0]);

    let mut third = writer.begin().await.unwrap();
    note(&mut third, "INSERT INTO notes VALUES (3)").await.unwrap();
    third.commit().await.unwrap();
    assert_eq!(seen(&folder).await, [3]);
}

#[tokio::test]
async fn two_hundred_writers_at_once_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder).await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let writer = writer.clone();
        writers.spawn(async move {
            let mut turn = writer.begin().await.unwrap();
            note(&mut turn, "INSERT INTO notes SELECT coalesce(max(note), 0) + 1 FROM notes").await.unwrap();
            turn.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(seen(&folder).await, (1..=200).collect::<Vec<i64>>());
}
