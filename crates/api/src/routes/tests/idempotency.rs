use crate::idempotency;
use crate::test_api::TestApi;

const A: &str = r#"{"artist":"a","title":{"en":"b"},"accession_number":"N 1"}"#;
const B: &str = r#"{"artist":"a","title":{"en":"c"},"accession_number":"N 1"}"#;

#[tokio::test]
async fn a_request_sent_again_gets_the_first_answer_byte_for_byte() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let first = api.write("POST", "/v1/artworks", "k1", A).await;
    let again = api.write("POST", "/v1/artworks", "k1", A).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(api.get("/v1/artworks").await.json()["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_409_or_422_is_kept_and_given_again() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    assert_eq!(api.write("POST", "/v1/artworks", "k1", A).await.status, 201);
    let taken = api.write("POST", "/v1/artworks", "k2", B).await;
    assert_eq!(taken.problem(), (409, "accession_number_taken".to_owned()));
    let again = api.write("POST", "/v1/artworks", "k2", B).await;
    assert_eq!((again.status, &again.text), (409, &taken.text));
    assert_eq!(again.header("content-type"), "application/problem+json");
    let odd = r#"{"artist":"","title":{"en":"b"}}"#;
    let first = api.write("POST", "/v1/artworks", "k3", odd).await;
    assert_eq!(first.problem(), (422, "artist_invalid".to_owned()));
    assert_eq!(api.write("POST", "/v1/artworks", "k3", odd).await.text, first.text);
    Ok(())
}

#[tokio::test]
async fn the_key_is_needed_well_formed_and_bound_to_its_body_and_path() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let bare = api.as_curator("POST", "/v1/artworks").header("content-type", "application/json");
    assert_eq!(api.send(bare, A).await.problem(), (400, "idempotency_key_missing".to_owned()));
    for odd in ["", "a b", "é", &"k".repeat(256)] {
        let answer = api.write("POST", "/v1/artworks", odd, A).await;
        assert_eq!(answer.problem(), (400, "idempotency_key_invalid".to_owned()), "{odd}");
    }
    let key = "k".repeat(255);
    let made = api.write("POST", "/v1/artworks", &key, A).await;
    assert_eq!(made.status, 201);
    let other = api.write("POST", "/v1/artworks", &key, B).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
    let path = format!("{}/editions", made.header("location"));
    let edition = api.write("POST", &path, &key, r#"{"size":1,"medium":"etching"}"#).await;
    assert_eq!(edition.status, 201, "{}", edition.text);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_may_change_frees_the_key() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let nowhere = "/v1/artworks/art_0123456789abcdef0123456789abcdef/editions";
    let draft = r#"{"size":1,"medium":"etching"}"#;
    for _ in 0..2 {
        let answer = api.write("POST", nowhere, "k", draft).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
        assert_eq!(answer.header("idempotency-replayed"), "");
    }
    let mut tx = api.state.db.begin_read().await?;
    let (rows,): (i64,) = tx.fetch_one("SELECT count(*) FROM idempotency_keys", &[]).await?;
    assert_eq!(rows, 0);
    Ok(())
}

#[tokio::test]
async fn of_many_at_once_one_is_done_and_the_others_get_its_answer_or_wait() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let requests = (0..8).map(|_| api.write("POST", "/v1/artworks", "k", A));
    let answers = futures_util::future::join_all(requests).await;
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in &answers {
        if answer.status != 201 {
            assert_eq!(answer.problem(), (409, "request_in_flight".to_owned()));
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    assert_eq!(api.get("/v1/artworks").await.json()["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_key_left_in_flight_is_taken_over_when_its_lease_ran_out() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    assert_eq!(api.write("POST", "/v1/artworks", "k", A).await.status, 201);
    let reset = |until: i64| {
        let db = api.state.db.clone();
        async move {
            let mut tx = db.begin_write().await?;
            tx.execute("DELETE FROM artworks", &[]).await?;
            let sql =
                "UPDATE idempotency_keys SET status = NULL, body = NULL, location = NULL, leased_until = $1";
            tx.execute(sql, &[until.into()]).await?;
            tx.commit().await
        }
    };
    reset(i64::MAX).await?;
    let waiting = api.write("POST", "/v1/artworks", "k", A).await;
    assert_eq!(waiting.problem(), (409, "request_in_flight".to_owned()));
    reset(0).await?;
    let other = api.write("POST", "/v1/artworks", "k", B).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(api.write("POST", "/v1/artworks", "k", A).await.status, 201);
    Ok(())
}

#[tokio::test]
async fn answers_are_kept_for_30_days() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    assert_eq!(api.write("POST", "/v1/artworks", "k", A).await.status, 201);
    assert_eq!(idempotency::sweep(&api.state).await?, 0);
    let mut tx = api.state.db.begin_write().await?;
    let day: i64 = 24 * 3600 * 1_000_000;
    let sql = "UPDATE idempotency_keys SET created_at = created_at - $1";
    tx.execute(sql, &[(30 * day).into()]).await?;
    tx.commit().await?;
    assert_eq!(idempotency::sweep(&api.state).await?, 1);
    Ok(())
}
