use axum::body::Body;
use axum::http::Request;

use crate::test_api::{Answer, TestApi};

const GOOD: &str = r#"{"artist":"a","title":{"en":"b"}}"#;

async fn post(api: &TestApi, content_type: &str, body: impl Into<Body>) -> Answer {
    let key = hex::encode(api.state.chance.bytes::<8>());
    let request = api.as_curator("POST", "/v1/artworks").header("idempotency-key", key);
    api.send(request.header("content-type", content_type), body).await
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for odd in ["", "text/plain", "application/json; charset=utf-16", "multipart/form-data"] {
        let answer = post(&api, odd, GOOD).await;
        assert_eq!(answer.problem(), (415, "content_type_unsupported".to_owned()), "{odd}");
    }
    let deep = "[".repeat(10_000);
    let malformed = ["", "{", "\u{feff}{}", "{} {}", r#"{"artist":1e999}"#, r#"{"artist":"\ud800"}"#, &deep];
    for odd in malformed {
        let answer = post(&api, "application/json", odd.to_owned()).await;
        assert_eq!(answer.problem(), (400, "malformed_json".to_owned()), "{}", odd.get(..20).unwrap_or(odd));
    }
    let request = api.as_curator("POST", "/v1/artworks").header("idempotency-key", "k");
    let request = request.header("content-type", "application/json").header("content-encoding", "gzip");
    assert_eq!(api.send(request, GOOD).await.status, 415);
    Ok(())
}

#[tokio::test]
async fn a_body_of_the_wrong_shape_is_refused_without_repeating_it() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let cases = [
        ("null", "wrong_type"),
        ("[]", "wrong_type"),
        (r#"["a",{"en":"b"}]"#, "wrong_type"),
        (r#"{"artist":"s3cret","title":{"en":"b"},"s3cret":1}"#, "unknown_field"),
        (r#"{"artist":"a","title":{"s3cret":"b"}}"#, "unknown_field"),
        (r#"{"artist":"a","title":{"en":"b"},"artwork_id":"s3cret"}"#, "unknown_field"),
        (r#"{"artist":"a","title":{"en":"b"},"year":"s3cret"}"#, "wrong_type"),
        (r#"{"artist":"a","title":"s3cret"}"#, "wrong_type"),
        (r#"{"artist":"a","title":["s3cret"]}"#, "wrong_type"),
        (r#"{"title":{"en":"s3cret"}}"#, "field_missing"),
        (r#"{"artist":"s3cret\u0000","title":{"en":"b"}}"#, "text_invalid"),
        (r#"{"artist":"a","title":{}}"#, "title_invalid"),
        (r#"{"artist":"a","title":{"en":""}}"#, "title_invalid"),
        (r#"{"artist":"a\u202e","title":{"en":"b"}}"#, "artist_invalid"),
        (r#"{"artist":"a","title":{"en":"b"},"year":2200}"#, "year_invalid"),
    ];
    for (body, code) in cases {
        let answer = post(&api, "application/json", body).await;
        assert_eq!(answer.problem(), (422, code.to_owned()), "{body}");
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    }
    let long = format!(r#"{{"artist":"a","title":{{"en":"{}"}}}}"#, "b".repeat(10_000));
    assert_eq!(post(&api, "application/json", long).await.problem(), (422, "title_invalid".to_owned()));
    let typed = post(&api, "application/json", r#"{"artist":"a","title":{"en":1}}"#).await;
    assert_eq!(typed.field("field"), "title.en");
    assert_eq!(api.get("/v1/artworks").await.json()["items"], serde_json::json!([]));
    Ok(())
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_also_when_it_never_ends() -> anyhow::Result<()> {
    let api = TestApi::start_with(&[("limits.json_bytes", "1024")]).await?;
    let large = post(&api, "application/json", "x".repeat(1025)).await;
    assert_eq!(large.problem(), (413, "body_too_large".to_owned()));
    let piece = || Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 512]));
    let endless = Body::from_stream(futures_util::stream::iter(std::iter::repeat_with(piece)));
    assert_eq!(post(&api, "application/json", endless).await.problem(), (413, "body_too_large".to_owned()));
    Ok(())
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_problems_too() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let odd = [
        "/",
        "/v1",
        "/v1/artworks/",
        "//v1/artworks",
        "/v1/%2e%2e/artworks",
        "/v1/artworks/art_x",
        "/v1/artworks/%00",
        "/v1/artworks/%ff",
        "/v1/artworks/ed_0123456789abcdef0123456789abcdef",
        "/v1/artworks/art_0123456789abcdef0123456789abcdef",
        "/v1/artworks/art_0123456789abcdef0123456789abcdef/image/thumb",
        "/v1/editions/ed_0123456789abcdef0123456789abcdef/impressions",
        "/images/0/thumb",
    ];
    for path in odd {
        assert_eq!(api.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    let answer = api.send(api.as_curator("DELETE", "/v1/artworks"), Body::empty()).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    assert!(answer.header("allow").contains("POST"));
    Ok(())
}

#[tokio::test]
async fn odd_limits_and_cursors_are_refused() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for (query, code) in [
        ("limit=0", "limit_invalid"),
        ("limit=201", "limit_invalid"),
        ("cursor=%27%20OR%201%3D1", "cursor_invalid"),
        ("cursor=ZWRfMQ", "cursor_invalid"),
        ("order=artist", "parameter_unknown"),
    ] {
        assert_eq!(api.get(&format!("/v1/artworks?{query}")).await.problem(), (422, code.to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_another_is_replaced() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let with = |id: &str| Request::get("/healthz").header("x-request-id", id);
    assert_eq!(api.send(with("order-17.a"), Body::empty()).await.header("x-request-id"), "order-17.a");
    for odd in ["", "a b", "<script>", &"a".repeat(65)] {
        let answer = api.send(with(odd), Body::empty()).await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{odd}");
    }
    Ok(())
}
