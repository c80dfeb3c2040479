use axum::body::Body;
use axum::http::Request;
use catalog::digest::Sha256Digest;
use serde_json::json;

use crate::test_api::TestApi;

#[tokio::test]
async fn an_artwork_is_catalogued_revised_and_listed() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let artwork_id = api.artwork().await;
    let path = format!("/v1/artworks/{artwork_id}");
    let made = api.get(&path).await.json();
    assert_eq!(made["title"], json!({ "zh": "神奈川冲浪里", "en": "The Great Wave" }));
    assert_eq!((&made["image"], &made["description"]), (&json!(null), &json!({})));

    let revision = r#"{"year":null,"title":{"zh":null},"description":{"en":"A wave."}}"#;
    let revised = api.write("PATCH", &path, "unused", revision).await.json();
    assert_eq!(revised["title"], json!({ "en": "The Great Wave" }));
    assert_eq!((&revised["year"], &revised["description"]), (&json!(null), &json!({ "en": "A wave." })));
    let untitled = api.write("PATCH", &path, "unused", r#"{"title":{"en":null}}"#).await;
    assert_eq!(untitled.problem(), (422, "title_invalid".to_owned()));
    assert_eq!(api.get(&path).await.json(), revised);

    for _ in 0..2 {
        api.artwork().await;
    }
    let first = api.get("/v1/artworks?limit=2").await.json();
    let cursor = first["next_cursor"].as_str().unwrap_or_default().to_owned();
    let rest = api.get(&format!("/v1/artworks?limit=2&cursor={cursor}")).await.json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next_cursor"], json!(null));
    Ok(())
}

#[tokio::test]
async fn an_image_comes_back_byte_for_byte_and_its_renditions_are_public_once_published() -> anyhow::Result<()>
{
    let api = TestApi::start().await?;
    let file = TestApi::png(200);
    let sha256 = Sha256Digest::of(&file).to_string();
    let edition_id = api.draft(r#"{"size":2,"medium":"etching"}"#).await;
    let edition = api.get(&format!("/v1/editions/{edition_id}")).await;
    let path = format!("/v1/artworks/{}/image", edition.field("artwork_id"));
    let artwork = api.get(path.trim_end_matches("/image")).await.json();
    assert_eq!(artwork["image"]["sha256"], sha256.as_str());
    assert_eq!(artwork["image"]["width_px"], 64);

    let original = api.get(&path).await;
    assert_eq!((original.status, original.header("content-type")), (200, "image/png"));
    assert_eq!(original.header("x-content-type-options"), "nosniff");
    assert_eq!(original.header("content-length"), file.len().to_string());
    let held = api.as_curator("GET", &path).header("if-none-match", original.header("etag"));
    assert_eq!(api.send(held, Body::empty()).await.status, 304);
    assert_eq!(api.get(&format!("{path}/display")).await.header("content-type"), "image/jpeg");
    assert_eq!(api.get(&format!("{path}/huge")).await.problem(), (404, "not_found".to_owned()));

    let public = format!("/images/{sha256}/thumb");
    let unseen = api.send(Request::get(&public), Body::empty()).await;
    assert_eq!(unseen.problem(), (404, "not_found".to_owned()));
    api.send(api.as_curator("POST", &format!("/v1/editions/{edition_id}/publish")), Body::empty()).await;
    let seen = api.send(Request::get(&public), Body::empty()).await;
    assert_eq!((seen.status, seen.header("content-type")), (200, "image/jpeg"));
    assert_eq!(seen.header("cache-control"), "public, max-age=31536000, immutable");
    let original = api.send(Request::get(format!("/images/{sha256}/original")), Body::empty()).await;
    assert_eq!(original.problem(), (404, "not_found".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_is_no_image_is_refused_and_nothing_is_changed() -> anyhow::Result<()> {
    let api = TestApi::start_with(&[("limits.image_bytes", "4096")]).await?;
    let artwork_id = api.artwork().await;
    let path = format!("/v1/artworks/{artwork_id}/image");
    let truncated = TestApi::png(1).get(..60).map(<[u8]>::to_vec).unwrap_or_default();
    let cases = [
        (b"%PDF-1.7 and so on, long enough to be looked at".to_vec(), 415, "image_type_unsupported"),
        (truncated, 422, "image_truncated"),
        (Vec::new(), 422, "image_empty"),
        (vec![0; 4097], 413, "image_too_large"),
    ];
    for (bytes, status, code) in cases {
        let answer = api.send(api.as_curator("PUT", &path), bytes).await;
        assert_eq!(answer.problem(), (status, code.to_owned()));
    }
    let form = api.as_curator("PUT", &path).header("content-type", "multipart/form-data; boundary=x");
    let answer = api.send(form, "--x").await;
    assert_eq!(answer.problem(), (415, "content_type_unsupported".to_owned()));
    assert_eq!(api.get(&format!("/v1/artworks/{artwork_id}")).await.json()["image"], json!(null));
    Ok(())
}

#[tokio::test]
async fn an_edition_is_published_once_and_then_has_its_sheets() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let draft = r#"{"size":20,"proofs":{"artist_proofs":2},"medium":"color woodblock print","support":"kozo paper",
        "sheet_size_mm":{"height":257,"width":379},"royalty":{"basis_points":500}}"#;
    let edition_id = api.draft(draft).await;
    let path = format!("/v1/editions/{edition_id}");
    let sheets = format!("{path}/impressions?limit=200");
    assert_eq!(api.get(&sheets).await.json()["items"], json!([]));

    let publish = || api.as_curator("POST", &format!("{path}/publish"));
    let published = api.send(publish(), Body::empty()).await;
    assert_eq!((published.status, published.header("location")), (202, path.as_str()));
    let view = published.json();
    assert_eq!(
        (&view["state"], &view["number"], &view["declared_size"]),
        (&json!("published"), &json!(1), &json!(22))
    );
    assert_eq!(view["colophon"]["title"]["en"], "The Great Wave");
    let (digest, _) = Sha256Digest::of_canonical(&view["colophon"])?;
    assert_eq!(view["colophon_sha256"], digest.to_string());
    assert_eq!(api.get(&path).await.json(), view);

    let again = api.send(publish(), "{}").await;
    assert_eq!(again.problem(), (409, "already_published".to_owned()));
    let items = api.get(&sheets).await.json()["items"].clone();
    let labels: Vec<_> =
        items.as_array().into_iter().flatten().filter_map(|item| item["label"].as_str()).collect();
    assert_eq!((labels.len(), labels.first(), labels.last()), (22, Some(&"1/20"), Some(&"AP II/II")));
    Ok(())
}

#[tokio::test]
async fn an_edition_that_cannot_be_is_refused() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let artwork_id = api.artwork().await;
    let path = format!("/v1/artworks/{artwork_id}/editions");
    let cases = [
        (r#"{"size":0,"medium":"m"}"#, "edition_size_invalid"),
        (r#"{"size":9999,"proofs":{"artist_proofs":1},"medium":"m"}"#, "edition_size_invalid"),
        (r#"{"size":-1,"medium":"m"}"#, "wrong_type"),
        (r#"{"size":9223372036854775808000,"medium":"m"}"#, "wrong_type"),
        (r#"{"size":1.5,"medium":"m"}"#, "wrong_type"),
        (r#"{"size":1,"medium":""}"#, "medium_invalid"),
        (r#"{"size":1,"medium":"m","state":"published"}"#, "unknown_field"),
        (r#"{"size":1,"medium":"m","sheet_size_mm":{"height":0,"width":1}}"#, "size_mm_invalid"),
        (r#"{"size":1,"medium":"m","royalty":{"basis_points":10001}}"#, "royalty_invalid"),
        (r#"{"size":1,"medium":"m","royalty":{"basis_points":1,"receiver":"0x0"}}"#, "royalty_invalid"),
    ];
    for (number, (body, code)) in cases.into_iter().enumerate() {
        let answer = api.write("POST", &path, &format!("k{number}"), body).await;
        assert_eq!(answer.problem(), (422, code.to_owned()), "{body}");
    }
    let bare = api.write("POST", &path, "good", r#"{"size":1,"medium":"m"}"#).await.field("edition_id");
    let publish = api.as_curator("POST", &format!("/v1/editions/{bare}/publish"));
    assert_eq!(api.send(publish, Body::empty()).await.problem(), (409, "image_missing".to_owned()));
    Ok(())
}
