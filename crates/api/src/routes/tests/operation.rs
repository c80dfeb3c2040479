use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn;
use axum::routing::get;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::readiness::{Probe, ProbeError, Readiness};
use crate::routes::bounds;
use crate::service;
use crate::test_api::TestApi;

#[tokio::test]
async fn the_service_says_that_it_is_alive_and_ready() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let bare = |path: &str| Request::get(path);
    assert_eq!(api.send(bare("/healthz"), Body::empty()).await.json(), json!({ "status": "ok" }));
    let ready = api.send(bare("/readyz"), Body::empty()).await;
    let checks = json!({ "database_write": "ok", "image_store": "ok" });
    assert_eq!((ready.status, ready.json()), (200, json!({ "status": "ready", "checks": checks })));
    assert_eq!(api.send(bare("/metrics"), Body::empty()).await.status, 200);
    Ok(())
}

struct Broken;

impl Probe for Broken {
    fn name(&self) -> &'static str {
        "chain_id"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ProbeError>> {
        Box::pin(async { Err("another chain answers".into()) })
    }
}

#[tokio::test]
async fn a_check_that_fails_is_named() {
    let outcome = Readiness::new(vec![Arc::new(Broken)]).outcome().await;
    assert_eq!(outcome.into_iter().collect::<Vec<_>>(), [("chain_id", false)]);
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_names_every_call() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let description = api.send(Request::get("/openapi.json"), Body::empty()).await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let create = &description["paths"]["/v1/artworks"]["post"];
    assert_eq!(create["operationId"], "create_artwork");
    for status in ["201", "400", "401", "403", "409", "422", "500", "503"] {
        assert!(create["responses"][status].is_object(), "{status}");
    }
    let schemas = &description["components"]["schemas"];
    assert!(schemas["Problem"]["properties"]["request_id"].is_object());
    assert_eq!(description["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
    let paths = description["paths"].as_object().into_iter().flatten();
    let mut names: Vec<_> = paths
        .flat_map(|(_, item)| item.as_object().into_iter().flatten())
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    let text = description.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(schemas[name].is_object(), "{name}");
    }
    assert_eq!(api.send(Request::get("/docs/"), Body::empty()).await.status, 200);
    Ok(())
}

async fn answer(router: Router) -> anyhow::Result<(u16, serde_json::Value)> {
    let response = router.oneshot(Request::get("/").body(Body::empty())?).await?;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&bytes)?))
}

#[tokio::test]
async fn a_panic_and_a_request_that_takes_too_long_are_problems() -> anyhow::Result<()> {
    async fn panics() {
        panic!("s3cret")
    }
    let router = Router::new().route("/", get(panics)).layer(CatchPanicLayer::custom(bounds::panicked));
    let (status, problem) = answer(router).await?;
    assert_eq!((status, &problem["code"]), (500, &json!("internal_error")));
    assert!(!problem.to_string().contains("s3cret"));

    let slow = get(async || tokio::time::sleep(Duration::from_mins(1)).await);
    let router = Router::new().route("/", slow).layer(from_fn(bounds::within(Duration::from_millis(20))));
    let (status, problem) = answer(router).await?;
    assert_eq!((status, &problem["code"]), (503, &json!("request_timed_out")));

    let router = Router::new().route("/", get(async || ())).layer(from_fn(bounds::gate(0)));
    let (status, problem) = answer(router).await?;
    assert_eq!((status, &problem["code"]), (503, &json!("overloaded")));
    Ok(())
}

#[test]
fn a_data_directory_serves_one_process() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let held = service::lock_data_dir(folder.path())?;
    let refused = service::lock_data_dir(folder.path()).map_err(|error| error.to_string());
    assert!(refused.is_err_and(|text| text.starts_with("another process uses the data directory")));
    drop(held);
    service::lock_data_dir(folder.path())?;
    Ok(())
}
