//! The sentences in metadata, in the two languages that the house writes. People's names are not translated.

use super::colophon::Colophon;

/// A language that the house writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

impl Language {
    /// The BCP 47 tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

/// What kind of sheet bears that label.
pub(super) fn kind(label: &str, language: Language) -> &'static str {
    let letters = label.split([' ', '/']).next().unwrap_or_default();
    match (letters, language) {
        ("AP", Language::English) => "artist’s proof",
        ("AP", Language::Chinese) => "艺术家试印版",
        ("PP", Language::English) => "printer’s proof",
        ("PP", Language::Chinese) => "印刷师试印版",
        ("HC", Language::English) => "hors commerce",
        ("HC", Language::Chinese) => "非卖品",
        ("BAT", Language::English) => "bon à tirer",
        ("BAT", Language::Chinese) => "付印样",
        (_, Language::English) => "numbered impression",
        (_, Language::Chinese) => "编号版",
    }
}

fn title(colophon: &Colophon, language: Language) -> &str {
    let (first, second) = match language {
        Language::English => (&colophon.title.en, &colophon.title.zh),
        Language::Chinese => (&colophon.title.zh, &colophon.title.en),
    };
    first.as_deref().or(second.as_deref()).unwrap_or_default()
}

/// The token's name: title and impression number.
pub(super) fn name(colophon: &Colophon, label: &str, language: Language) -> String {
    match language {
        Language::English => format!("{}, {label}", title(colophon, language)),
        Language::Chinese => format!("《{}》{label}", title(colophon, language)),
    }
}

/// What the token is, in a paragraph for somebody who has never seen one.
pub(super) fn description(colophon: &Colophon, label: &str, page: &str, language: Language) -> String {
    let title = title(colophon, language);
    let artist = &colophon.artist;
    let size = colophon.run.size;
    let proofs = colophon.run.proofs();
    let kind = kind(label, language);
    match language {
        Language::English => {
            let year = colophon.year.map(|year| format!(" ({year})")).unwrap_or_default();
            let matter = joined([&colophon.medium, &colophon.support], " on ");
            let matter = matter.map(|matter| format!(" {}.", capitalized(&matter))).unwrap_or_default();
            let besides = match proofs {
                0 => String::new(),
                1 => ", with 1 proof besides".to_owned(),
                proofs => format!(", with {proofs} proofs besides"),
            };
            format!(
                "Certificate of one sheet: “{title}”{year} by {artist}, {label} ({kind}).{matter} Edition of \
                 {size}{besides}. The edition’s statement of facts is in this file, and its digest is on chain. \
                 Check the sheet at {page}"
            )
        }
        Language::Chinese => {
            let year = colophon.year.map(|year| format!("，{year} 年")).unwrap_or_default();
            let matter = joined([&colophon.medium, &colophon.support], "，");
            let matter = matter.map(|matter| format!("{matter}。")).unwrap_or_default();
            let besides =
                if proofs == 0 { String::new() } else { format!("，另有试印及其他版 {proofs} 张") };
            format!(
                "数字藏品凭证，对应一张实物版画：{artist}《{title}》{year}，{label}（{kind}）。{matter}限量 {size} \
                 张{besides}。本文件载有该版次的版权页声明，其摘要已记录上链。查验：{page}"
            )
        }
    }
}

fn joined(parts: [&Option<String>; 2], between: &str) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
