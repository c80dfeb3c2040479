//! The curator publishes editions.

use catalog::image::ImageFormat;
use minting::drawing;
use reqwest::Method;
use serde_json::json;

use super::client::{Answer, Body, Client, Question, Who};

/// An edition as the service says it is.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its id.
    pub edition_id: String,
    /// Its number on chain.
    pub number: u64,
    /// Run and proofs.
    pub declared_size: u64,
    /// Of the print image.
    pub image_sha256: String,
    /// Of the colophon.
    pub colophon_sha256: String,
}

/// Catalogs artwork `number` with an image of its own, drawn from `seed`, and publishes an edition of it.
pub async fn publish(shop: &Client, seed: u64, number: u32, size: u32) -> Result<Published, String> {
    let ask = |path: &str, body| Question::post(Who::Curator, path, Body::Json(body));
    let artwork = json!({
        "artist": "葛飾北斎",
        "title": { "zh": "富嶽三十六景", "en": format!("Thirty-Six Views of Mount Fuji, plate {number}") },
        "year": 1831,
    });
    let artwork = ask("/v1/artworks", artwork).once(format!("artwork-{number}"));
    let artwork_id = shop.insist(&artwork, &[201]).await?.text("/artwork_id")?;

    let image = drawing::encode(&drawing::draw(seed, 480, 360), ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    let path = format!("/v1/artworks/{artwork_id}/image");
    let upload =
        Question { who: Who::Curator, method: Method::PUT, path, once: None, body: Body::Bytes(image) };
    let sha256 = shop.insist(&upload, &[200, 201]).await?.text("/image/sha256")?;

    let edition = json!({
        "size": size,
        "proofs": { "artist_proofs": 1 },
        "medium": "color woodblock print",
        "royalty": { "basis_points": 500 },
    });
    let edition =
        ask(&format!("/v1/artworks/{artwork_id}/editions"), edition).once(format!("edition-{number}"));
    let edition_id = shop.insist(&edition, &[201]).await?.text("/edition_id")?;
    let publish = Question::post(Who::Curator, format!("/v1/editions/{edition_id}/publish"), Body::Nothing);
    // 409 when an earlier question had its effect and no answer.
    shop.insist(&publish, &[202, 409]).await?;
    let path = format!("/v1/editions/{edition_id}");
    let read = Question { who: Who::Curator, method: Method::GET, path, once: None, body: Body::Nothing };
    let edition = shop.insist(&read, &[200]).await?;
    let published = read_published(&edition, edition_id)?;
    if published.image_sha256 == sha256 {
        Ok(published)
    } else {
        Err("the edition shows another image".to_owned())
    }
}

fn read_published(edition: &Answer, edition_id: String) -> Result<Published, String> {
    Ok(Published {
        edition_id,
        number: edition.number("/number")?,
        declared_size: edition.number("/declared_size")?,
        image_sha256: edition.text("/image_sha256")?,
        colophon_sha256: edition.text("/colophon_sha256")?,
    })
}
