use catalog::artwork::{ArtworkFacts, ArtworkInput, Year};
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::edition::{BasisPoints, EditionFacts, EditionNumber, Run, SizeMm};
use catalog::ids::{EditionId, ImpressionId};
use catalog::image::{ImageFormat, PrintImage};
use catalog::impression::{ImpressionState, sheets};
use catalog::text::Line;

use super::*;

fn line(text: &str) -> Option<Line> {
    Line::parse("field", "code", text).ok()
}

fn size(height: u64, width: u64) -> Option<SizeMm> {
    SizeMm::parse("field", height, width).ok()
}

fn wave<'a>() -> ArtworkInput<'a> {
    ArtworkInput {
        accession_number: Some("HK-1831-01"),
        artist: "葛飾北斎",
        title_zh: Some("神奈川冲浪里"),
        title_en: Some("The Great Wave off Kanagawa"),
        year: Some(1831),
        ..ArtworkInput::default()
    }
}

fn publication(artwork: &ArtworkInput<'_>, plain: bool) -> Publication {
    let number = EditionNumber::new(12).expect("a number");
    let image = PrintImage {
        sha256: Sha256Digest::of(b"image"),
        cid: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku".to_owned(),
        format: ImageFormat::Tiff,
        width_px: 9_000,
        height_px: 6_000,
        byte_count: 61_000_000,
        taken_in_at: "2026-11-20T00:00:00Z".parse().expect("a time"),
    };
    let facts = EditionFacts {
        run: Run {
            size: 50,
            artist_proofs: if plain { 0 } else { 5 },
            printer_proofs: 0,
            hors_commerce: 0,
            bon_a_tirer: 0,
        },
        medium: line("color woodblock print").expect("a line"),
        support: line("kozo paper").filter(|_| !plain),
        printer: line("Studio of \"Water & Wood\"").filter(|_| !plain),
        printed_in: Year::parse("field", 2026).ok().filter(|_| !plain),
        sheet_size: size(257, 379).filter(|_| !plain),
        image_size: size(246, 365).filter(|_| !plain),
        royalty_receiver: None,
        royalty: BasisPoints::parse("field", 500).expect("a royalty"),
    };
    let artwork = ArtworkFacts::parse(artwork).expect("an artwork");
    let (colophon_digest, colophon) =
        catalog::colophon::compose(&artwork, &facts, number, &image).expect("a colophon");
    let published_at = "2026-11-23T09:30:00Z".parse().expect("a time");
    Publication { number, image: image.sha256, colophon, colophon_digest, published_at }
}

fn impression(serial: u16) -> Impression {
    let run = Run { size: 50, artist_proofs: 5, printer_proofs: 0, hors_commerce: 0, bon_a_tirer: 0 };
    let (serial, label) = sheets(&run).nth(usize::from(serial) - 1).expect("a sheet");
    let now = SystemClock.now();
    Impression {
        impression_id: ImpressionId::generate(now, &SystemChance),
        edition_id: EditionId::generate(now, &SystemChance),
        serial,
        label,
        state: ImpressionState::Available,
        unreturned: false,
    }
}

fn home(site: &str) -> Home {
    let contract = Account::from_bytes([0xab; 20]);
    Home::new(Url::parse(site).expect("a URL"), 137, contract).expect("a home")
}

fn written(artwork: &ArtworkInput<'_>, plain: bool, serial: u16) -> Value {
    let metadata = token_metadata(
        &home("https://prints.example"),
        &publication(artwork, plain),
        &impression(serial),
        Issue::FIRST,
    );
    serde_json::from_str(&metadata.expect("written").text).expect("JSON")
}

#[test]
fn metadata_is_the_same_to_the_byte() {
    let metadata = token_metadata(
        &home("https://prints.example"),
        &publication(&wave(), false),
        &impression(7),
        Issue::FIRST,
    );
    let metadata = metadata.expect("written");
    assert_eq!(metadata.text, include_str!("golden.json").trim_end());
    assert_eq!(metadata.sha256, Sha256Digest::of(metadata.text.as_bytes()));
}

#[test]
fn who_writes_the_colophon_out_again_gets_the_digest_on_chain() {
    let publication = publication(&wave(), false);
    let metadata =
        token_metadata(&home("https://prints.example"), &publication, &impression(1), Issue::FIRST);
    let metadata: Value = serde_json::from_str(&metadata.expect("written").text).expect("JSON");
    let (digest, _) = Sha256Digest::of_canonical(&metadata["properties"]["colophon"]).expect("canonical");
    assert_eq!(digest, publication.colophon_digest);
    assert_eq!(metadata["properties"]["colophon_sha256"], digest.to_string());
}

#[test]
fn numbers_are_numbers_and_dates_are_unix_seconds() {
    let metadata = written(&wave(), false, 7);
    let value = |name: &str| {
        let all = metadata["attributes"].as_array().expect("a list");
        let found = all.iter().find(|attribute| attribute["trait_type"] == name).expect("there");
        (found["value"].clone(), found.get("display_type").cloned())
    };
    assert_eq!(value("Year"), (json!(1831), Some(json!("number"))));
    assert_eq!(value("Edition size"), (json!(50), Some(json!("number"))));
    assert_eq!(value("Proofs"), (json!(5), Some(json!("number"))));
    assert_eq!(value("Published"), (json!(1_795_426_200), Some(json!("date"))));
    assert_eq!(value("Sheet size"), (json!("257 × 379 mm"), None));
}

#[test]
fn a_title_in_one_language_serves_both() {
    let chinese = ArtworkInput { title_en: None, ..wave() };
    let metadata = written(&chinese, true, 52);
    assert_eq!(metadata["name"], "神奈川冲浪里, AP II/V");
    assert_eq!(metadata["localization"]["zh-CN"]["name"], "《神奈川冲浪里》AP II/V");
    let description = metadata["description"].as_str().expect("a text");
    assert!(
        description.contains("AP II/V (artist’s proof). Color woodblock print. Edition of 50."),
        "{description}"
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let unknown = ArtworkInput { year: None, accession_number: None, ..wave() };
    let metadata = written(&unknown, true, 1);
    let names: Vec<_> =
        metadata["attributes"].as_array().expect("a list").iter().map(|a| a["trait_type"].clone()).collect();
    let expected = [
        "Artist",
        "Impression",
        "Kind of impression",
        "Medium",
        "Edition",
        "Edition size",
        "Proofs",
        "Serial",
        "Published",
    ];
    assert_eq!(names, expected);
    assert!(!metadata.to_string().contains("null"));
}

#[test]
fn pages_are_under_the_public_base_url_with_or_without_a_slash() {
    let token_id = "12017100".parse().expect("an id");
    for (site, page) in [
        ("https://prints.example", "https://prints.example/verify/12017100"),
        ("https://prints.example/", "https://prints.example/verify/12017100"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/verify/12017100"),
        ("https://house.example/prints/", "https://house.example/prints/verify/12017100"),
        ("https://house.example/prints", "https://house.example/prints/verify/12017100"),
    ] {
        assert_eq!(home(site).verify_page(token_id), page);
    }
    let asset = "eip155:137/erc721:0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB/12017100";
    assert_eq!(home("https://prints.example").asset(token_id), asset);
}

#[test]
fn a_site_that_pages_cannot_be_under_is_refused() {
    for site in ["mailto:a@b.example", "ipfs://bafk", "https://x.example/?a=1", "https://x.example/#a"] {
        let home = Home::new(Url::parse(site).expect("a URL"), 1, Account::from_bytes([1; 20]));
        assert!(matches!(home, Err(MetadataError::OddSite)), "{site}");
    }
}

#[test]
fn a_damaged_colophon_is_an_error_that_names_its_edition() {
    let damaged = Publication { colophon: "{}".to_owned(), ..publication(&wave(), false) };
    let written = token_metadata(&home("https://x.example"), &damaged, &impression(1), Issue::FIRST);
    assert!(matches!(written, Err(MetadataError::OddColophon { edition: 12, .. })), "{written:?}");
}

#[test]
fn the_contract_tells_its_name_and_its_site() {
    let home = home("https://prints.example/");
    let metadata = contract_metadata(&home, "House \"Prints\"", "限量版画", None).expect("written");
    let text =
        r#"{"description":"限量版画","external_link":"https://prints.example","name":"House \"Prints\""}"#;
    assert_eq!(metadata.text, text);
    let with_image = contract_metadata(&home, "House", "Prints", Some(Sha256Digest::of(b"image")));
    let image = format!("https://prints.example/images/{}/display", Sha256Digest::of(b"image"));
    assert!(with_image.expect("written").text.contains(&image));
}
