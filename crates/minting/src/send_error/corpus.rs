//! The texts of real nodes, and that each is understood as the table says.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{SendRefusal, classify};

const CORPUS: &str = include_str!("corpus.tsv");

struct Row {
    family: &'static str,
    code: i64,
    text: &'static str,
    class: &'static str,
    source: &'static str,
}

fn rows() -> Vec<Row> {
    let parse = |line: &'static str| {
        let fields: Vec<_> = line.split('\t').collect();
        let [family, code, text, class, source] = fields[..] else { panic!("five columns: {line}") };
        Row { family, code: code.parse().expect("a code"), text, class, source }
    };
    CORPUS.lines().skip(1).map(parse).collect()
}

#[test]
fn every_text_of_the_corpus_is_understood() {
    let misread: Vec<String> = rows()
        .iter()
        .filter(|row| classify(row.code, row.text).as_str() != row.class)
        .map(|row| {
            let found = classify(row.code, row.text);
            format!("{}: {:?} is {}, not {}", row.family, row.text, row.class, found.as_str())
        })
        .collect();
    assert!(misread.is_empty(), "{}", misread.join("\n"));
}

#[test]
fn the_corpus_is_wide_and_says_where_it_is_from() {
    let rows = rows();
    let families: BTreeSet<_> = rows.iter().map(|row| row.family).collect();
    let texts: BTreeSet<_> = rows.iter().map(|row| row.text.to_ascii_lowercase()).collect();
    let distinct: BTreeSet<_> = rows.iter().map(|row| (row.family, row.text)).collect();
    assert!(families.len() >= 15, "{families:?}");
    assert!(texts.len() >= 200, "{} texts", texts.len());
    assert_eq!(distinct.len(), rows.len(), "a text stands twice in a family");
    assert!(rows.iter().all(|row| row.source.len() > 5), "a text without a source");
}

#[test]
fn every_class_is_in_the_corpus() {
    let classes: BTreeSet<_> = rows().iter().map(|row| row.class).collect();
    assert_eq!(classes.len(), 17, "{classes:?}");
}

#[test]
fn what_a_contract_or_a_page_says_is_not_believed() {
    for lie in ["nonce too low", "already known", "insufficient funds", "replacement transaction underpriced"]
    {
        for (code, said) in [
            (3, format!("execution reverted: {lie}")),
            (-32_000, format!("Execution Reverted: {lie}")),
            (-32_603, format!("VM Exception while processing transaction: {lie}")),
        ] {
            assert_eq!(classify(code, &said), SendRefusal::Unknown(said.clone()), "{said}");
        }
        let page = format!("<html><body>{lie}</body></html>");
        assert_eq!(classify(0, &page).as_str(), "provider_busy");
        assert_eq!(classify(429, lie).as_str(), "provider_busy");
    }
}

#[test]
fn an_unknown_text_takes_the_safe_path() {
    for code in [0, 3, -32_000, -32_603, -32_003] {
        assert!(matches!(classify(code, "the moon is full"), SendRefusal::Unknown(_)));
    }
}

#[test]
fn a_code_that_nodes_agree_on_speaks_where_the_text_does_not() {
    assert_eq!(classify(-38_010, "no"), SendRefusal::NonceTooLow);
    assert_eq!(classify(-38_014, "no"), SendRefusal::InsufficientFunds);
    assert_eq!(classify(-32_005, "no").as_str(), "provider_busy");
}

#[test]
fn what_is_kept_of_a_text_is_short() {
    let long = "x".repeat(1 << 20);
    assert_eq!(classify(0, &long), SendRefusal::Unknown("x".repeat(200)));
}

proptest! {
    #[test]
    fn no_text_panics_and_case_does_not_matter(code in any::<i64>(), text in "\\PC{0,300}|[ -~]{0,200}") {
        let class = classify(code, &text);
        prop_assert_eq!(class.as_str(), classify(code, &text.to_ascii_uppercase()).as_str());
        prop_assert_eq!(class.as_str(), classify(code, &text.to_ascii_lowercase()).as_str());
    }

    #[test]
    fn a_known_text_in_any_case_and_wrapping_stays_known(index in any::<prop::sample::Index>(), upper in any::<bool>()) {
        let rows = rows();
        let row = index.get(&rows);
        let text = if upper { row.text.to_ascii_uppercase() } else { row.text.to_ascii_lowercase() };
        prop_assert_eq!(classify(row.code, &text).as_str(), row.class);
    }
}
