//! Who may call what: every operation of the description is tried with every scope. A route that is added later is tried
//! too, and a public one fails here until its name stands below.

use axum::http::Request;
use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use serde_json::Value;

use crate::auth::Scope;
use crate::keys::{KeyRing, key_name};
use crate::routes;
use crate::test_api::{Answer, TestApi};

/// What anybody may call without an API key: what pages and wallets read, and what a buyer does by the code.
const PUBLIC: [&str; 16] = [
    "get_census",
    "get_published_image",
    "get_token",
    "list_tokens",
    "get_token_metadata",
    "get_contract_metadata",
    "look_up_claim",
    "read_claim_status",
    "challenge_wallet",
    "redeem_claim",
    "release_token",
    "surrender_token",
    "healthz",
    "readyz",
    "metrics",
    "take_webhook",
];

/// What names buyers: the shop's alone, and not for auditors either.
const NAMES_BUYERS: [&str; 3] = ["get_sale_contact", "set_sale_contact", "erase_sale_contact"];

/// An operation of the description.
struct Operation {
    method: String,
    path: String,
    name: String,
    tag: String,
    /// The scopes that it names; none for a public one.
    scopes: Option<Vec<String>>,
}

fn operations() -> Vec<Operation> {
    let description = serde_json::to_value(routes::description()).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for method in ["get", "put", "post", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let scopes = operation["security"].as_array().map(|any_of| {
                let scopes = any_of.iter().filter_map(|scheme| scheme["api_key"].as_array()).flatten();
                scopes.map(text).collect()
            });
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                name: text(&operation["operationId"]),
                tag: text(&operation["tags"][0]),
                scopes,
            });
        }
    }
    assert!(found.len() > 40, "the description holds {} operations", found.len());
    found
}

/// A path whose parts can be read, though they name nothing.
fn filled(path: &str) -> String {
    let hex = "0123456789abcdef0123456789abcdef";
    let parts = path.split('/').map(|part| match part {
        "{artwork_id}" => format!("art_{hex}"),
        "{edition_id}" => format!("ed_{hex}"),
        "{impression_id}" => format!("imp_{hex}"),
        "{sale_id}" => format!("sale_{hex}"),
        "{webhook_endpoint_id}" => format!("we_{hex}"),
        "{token_id}" => "1000100".to_owned(),
        "{sha256}" => format!("{hex}{hex}"),
        part if part.starts_with('{') => "thumb".to_owned(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn call(api: &TestApi, operation: &Operation, key: Option<&str>) -> Answer {
    let mut request = Request::builder()
        .method(operation.method.as_str())
        .uri(filled(&operation.path))
        .header("content-type", "application/json")
        .header("idempotency-key", "roles");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let body = if operation.method == "GET" { "" } else { "{" };
    api.send(request, body).await
}

/// Whether a call was stopped at the door.
fn was_stopped(answer: &Answer) -> Option<(u16, String)> {
    let code = answer.field("code");
    let stopped = ["api_key_missing", "api_key_invalid", "scope_insufficient"].contains(&code.as_str());
    stopped.then_some((answer.status, code))
}

#[tokio::test]
async fn every_call_lets_in_the_scopes_that_it_names_and_no_other() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let ring = KeyRing { db: &api.state.db, clock: &SystemClock, chance: &SystemChance };
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        let (_, key) = ring.create(&key_name(scope.as_str())?, scope).await?;
        keys.push((scope, key.reveal().to_owned()));
    }
    let mut tried = 0;
    for operation in operations() {
        let name = &operation.name;
        let stranger = was_stopped(&call(&api, &operation, None).await);
        let Some(scopes) = &operation.scopes else {
            assert_eq!(stranger, None, "{name} says that it is public");
            continue;
        };
        assert_eq!(stranger, Some((401, "api_key_missing".to_owned())), "{name}");
        for (scope, key) in &keys {
            let stopped = was_stopped(&call(&api, &operation, Some(key)).await);
            let allowed = *scope == Scope::Admin || scopes.iter().any(|named| named == scope.as_str());
            let expected = (!allowed).then(|| (403, "scope_insufficient".to_owned()));
            assert_eq!(stopped, expected, "{name} by a key with the scope {}", scope.as_str());
            tried += 1;
        }
    }
    println!("{tried} calls with a key");
    Ok(())
}

#[test]
fn shops_sell_curators_publish_and_auditors_read() {
    for Operation { method, name, tag, scopes, path } in operations() {
        let Some(scopes) = scopes else {
            assert!(PUBLIC.contains(&name.as_str()), "{name} needs no key, and is not known to be public");
            continue;
        };
        assert!(!PUBLIC.contains(&name.as_str()), "{name} needs a key, though it is known to be public");
        let admits = |scope: Scope| scopes.iter().any(|named| named == scope.as_str());
        assert!(scopes.iter().all(|named| Scope::from_word(named).is_some()), "{name}: {scopes:?}");
        // Nobody but an admin may do both sides' work.
        assert!(!(admits(Scope::Shop) && admits(Scope::Curator)) || method == "GET", "{name}: {scopes:?}");
        if NAMES_BUYERS.contains(&name.as_str()) {
            assert_eq!(scopes, ["shop"], "{name}");
            continue;
        }
        // Auditors read all else that needs a key, and change nothing.
        if admits(Scope::Shop) || admits(Scope::Curator) {
            assert_eq!(admits(Scope::Auditor), method == "GET", "{name}: {scopes:?}");
        }
        if admits(Scope::Auditor) {
            assert_eq!(method, "GET", "{name}: {scopes:?}");
        }
        // What tells of orders, sales and buyers is not the curators'.
        if path.starts_with("/v1/sales") || tag == "sales" {
            assert!(!admits(Scope::Curator), "{name}: {scopes:?}");
        }
        // What makes and publishes editions is not the shop's.
        if method != "GET"
            && ["artworks", "editions", "impressions"].iter().any(|of| path.starts_with(&format!("/v1/{of}")))
        {
            assert!(!admits(Scope::Shop), "{name}: {scopes:?}");
        }
    }
}
