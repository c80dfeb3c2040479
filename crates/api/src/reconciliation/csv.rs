//! Findings as lines for a spreadsheet (RFC 4180). A cell that a spreadsheet would run as a formula is made a text.

use std::borrow::Cow;

use super::Finding;

/// The first characters by which spreadsheets know a formula (OWASP, CSV injection).
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// The names of the columns.
const HEADER: [&str; 6] = ["kind", "token_id", "sale_id", "unit", "subject", "detail"];

/// Lines that could not be written, which does not happen to text in memory.
#[derive(Debug, thiserror::Error)]
#[error("the lines could not be written")]
pub struct InvalidCsv(#[from] ::csv::Error);

/// Writes a line for each finding, and one with the names of the columns.
pub fn to_csv(findings: &[Finding]) -> Result<String, InvalidCsv> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for finding in findings {
        let cells = [
            Some(finding.kind),
            finding.token_id.as_deref(),
            finding.sale_id.as_deref(),
            finding.unit.as_deref(),
            finding.subject.as_deref(),
            Some(finding.detail.as_str()),
        ];
        writer.write_record(cells.map(|cell| harmless(cell.unwrap_or_default()).into_owned()))?;
    }
    let bytes = writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_as_a_formula() {
        let with = |unit: &str| Finding {
            kind: "foreign_mint",
            token_id: Some("12017100".to_owned()),
            sale_id: None,
            unit: Some(unit.to_owned()),
            subject: None,
            detail: "said \"no\",\nand left".to_owned(),
        };
        for start in FORMULA {
            let text = to_csv(&[with(&format!("{start}cmd|' /C calc'!A0"))]).expect("lines");
            let mut reader = ::csv::Reader::from_reader(text.as_bytes());
            let record = reader.records().next().expect("a line").expect("a record");
            assert_eq!(record.get(3), Some(format!("'{start}cmd|' /C calc'!A0").as_str()));
            assert_eq!(record.get(5), Some("said \"no\",\nand left"));
        }
        let text = to_csv(&[with("boutique/A-1/1#1")]).expect("lines");
        assert_eq!(text.lines().next(), Some("kind,token_id,sale_id,unit,subject,detail"));
        assert!(text.contains("foreign_mint,12017100,,boutique/A-1/1#1,,"), "{text}");
    }
}
