use axum::body::Body;
use axum::http::{HeaderValue, Request};
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;

use crate::auth::{ApiKey, Scope};
use crate::keys::{KeyRing, key_name};
use crate::test_api::TestApi;

#[tokio::test]
async fn a_call_without_a_good_key_is_refused() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let missing = api.send(Request::get("/v1/artworks"), Body::empty()).await;
    assert_eq!(missing.problem(), (401, "api_key_missing".to_owned()));
    assert_eq!(missing.header("www-authenticate"), "Bearer");

    let unknown = ApiKey::generate(Scope::Curator, &SystemChance).reveal().to_owned();
    let odd = ["Bearer", "Bearer x", "Basic Zm9vOmJhcg==", &format!("Bearer {unknown}"), &"x".repeat(9000)];
    for value in odd {
        let request = Request::get("/v1/artworks").header("authorization", value);
        let answer = api.send(request, Body::empty()).await;
        assert_eq!(answer.problem(), (401, "api_key_invalid".to_owned()), "{value}");
        assert!(!answer.text.contains(&unknown));
    }
    let latin = HeaderValue::from_bytes(b"Bearer ck_\xe9")?;
    let answer = api.send(Request::get("/v1/artworks").header("authorization", latin), Body::empty()).await;
    assert_eq!(answer.problem(), (401, "api_key_invalid".to_owned()));
    let twice = api.as_curator("GET", "/v1/artworks").header("authorization", format!("Bearer {}", api.shop));
    assert_eq!(api.send(twice, Body::empty()).await.problem(), (401, "api_key_invalid".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_key_of_another_scope_is_refused_and_an_admin_may_everything() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let by = |key: &str| Request::get("/v1/artworks").header("authorization", format!("Bearer {key}"));
    let shop = api.send(by(&api.shop), Body::empty()).await;
    assert_eq!(shop.problem(), (403, "scope_insufficient".to_owned()));

    let ring = KeyRing { db: &api.state.db, clock: &SystemClock, chance: &SystemChance };
    let (record, admin) = ring.create(&key_name("admin")?, Scope::Admin).await?;
    assert_eq!(api.send(by(admin.reveal()), Body::empty()).await.status, 200);

    assert!(ring.revoke(&record.api_key_id).await?);
    assert!(!ring.revoke(&record.api_key_id).await?);
    let revoked = api.send(by(admin.reveal()), Body::empty()).await;
    assert_eq!(revoked.problem(), (401, "api_key_invalid".to_owned()));
    assert_eq!(ring.list().await?.len(), 3);
    Ok(())
}
