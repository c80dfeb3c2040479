//! How the buyer of a sale is reached, if the shop told. It is no fact of the sale: nothing is decided by it, no proof holds
//! it, and the shop may change or erase it at any time.

use std::fmt;

use catalog::invalid::InvalidField;
use catalog::journal::Event;
use catalog::text::Line;
use serde::{Deserialize, Serialize};

use crate::sale::SaleId;

/// Longest name in characters.
const NAME_CHARS: usize = 200;
/// Longest mail address in characters (RFC 5321, 4.5.3.1.3).
const EMAIL_CHARS: usize = 254;
/// Longest telephone number in characters, as people write it.
const PHONE_CHARS: usize = 40;
/// Fewest digits of a telephone number.
const PHONE_DIGITS: usize = 3;

/// What the parts of a contact are called where the client gave them.
#[derive(Debug)]
pub(crate) struct FieldNames {
    contact: &'static str,
    name: &'static str,
    email: &'static str,
    phone: &'static str,
}

impl FieldNames {
    /// In a body that is a contact.
    pub(crate) const ALONE: Self = Self { contact: "contact", name: "name", email: "email", phone: "phone" };
    /// In a body that holds one.
    pub(crate) const IN_SALE: Self =
        Self { contact: "contact", name: "contact.name", email: "contact.email", phone: "contact.phone" };
}

/// A buyer's name, mail address and telephone number; at least one of them. Its `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

impl Contact {
    /// Checks what the shop told; a problem is reported for the field as `fields` calls it.
    pub(crate) fn parse(
        name: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
        fields: &FieldNames,
    ) -> Result<Self, InvalidField> {
        if name.is_none() && email.is_none() && phone.is_none() {
            let problem = "must have at least one of name, email and phone";
            return Err(InvalidField::new(fields.contact, "contact_empty", problem));
        }
        Ok(Self {
            name: name.map(|text| parse_name(fields.name, text)).transpose()?,
            email: email.map(|text| parse_email(fields.email, text)).transpose()?,
            phone: phone.map(|text| parse_phone(fields.phone, text)).transpose()?,
        })
    }

    /// The name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The mail address.
    pub(crate) fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The telephone number.
    pub(crate) fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }
}

/// One line of at most `most` characters, trimmed.
fn line(text: &str, most: usize) -> Option<String> {
    let line = Line::parse("contact", "contact_invalid", text).ok()?;
    let fits = line.as_str().chars().nth(most).is_none();
    fits.then(|| line.as_str().to_owned())
}

fn parse_name(field: &'static str, text: &str) -> Result<String, InvalidField> {
    line(text, NAME_CHARS).ok_or_else(|| {
        let problem = format!("must be one line of 1 to {NAME_CHARS} characters");
        InvalidField::new(field, "contact_name_invalid", problem)
    })
}

/// Whether mail reaches it only its server knows: it must have a part on either side of the last `@`, and no gaps.
fn parse_email(field: &'static str, text: &str) -> Result<String, InvalidField> {
    let has_parts =
        |text: &str| text.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    line(text, EMAIL_CHARS).filter(|text| has_parts(text) && !text.contains(char::is_whitespace)).ok_or_else(
        || {
            let problem = format!("must be a mail address of at most {EMAIL_CHARS} characters");
            InvalidField::new(field, "contact_email_invalid", problem)
        },
    )
}

fn parse_phone(field: &'static str, text: &str) -> Result<String, InvalidField> {
    let known = |c: char| c.is_ascii_digit() || " +-./()#*".contains(c);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    line(text, PHONE_CHARS)
        .filter(|text| text.chars().all(known) && digits(text) >= PHONE_DIGITS)
        .ok_or_else(|| {
            let problem = format!(
                "must be a telephone number: at most {PHONE_CHARS} digits, spaces and + - . / ( ) # *, at least \
                 {PHONE_DIGITS} of them digits"
            );
            InvalidField::new(field, "contact_phone_invalid", problem)
        })
}

/// What happened to the contact of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// There was none, and now there is one.
    Recorded,
    /// It is another one now.
    Changed,
    /// It is gone.
    Erased,
}

/// That something happened to the contact of a sale, as an event of the journal. What the contact says stands in none.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ContactEvent {
    /// Of which sale.
    pub(crate) sale_id: SaleId,
    /// What.
    #[serde(skip)]
    pub(crate) happened: Happened,
}

impl Event for ContactEvent {
    fn kind(&self) -> &'static str {
        match self.happened {
            Happened::Recorded => "contact_recorded",
            Happened::Changed => "contact_changed",
            Happened::Erased => "contact_erased",
        }
    }

    fn subject(&self) -> String {
        self.sale_id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(
        name: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Contact, (&'static str, &'static str)> {
        Contact::parse(name, email, phone, &FieldNames::IN_SALE).map_err(|odd| (odd.field, odd.code))
    }

    #[test]
    fn one_part_is_enough_and_none_is_not() {
        for (name, email, phone) in [
            (Some(" 吉田 千代 "), None, None),
            (None, Some("chiyo@example.com"), None),
            (None, None, Some("+81 (3) 5555-0100")),
            (Some("Ada"), Some("\"a@b\"@example.com"), Some("110")),
        ] {
            let contact = parse(name, email, phone).unwrap();
            assert_eq!(contact.name(), name.map(str::trim));
            assert_eq!((contact.email(), contact.phone()), (email, phone));
            assert_eq!(format!("{contact:?}"), "Contact(…)");
        }
        assert_eq!(parse(None, None, None), Err(("contact", "contact_empty")));
    }

    #[test]
    fn parts_that_are_none_are_refused_each_by_its_own_name() {
        let long = "x".repeat(NAME_CHARS + 1);
        for name in ["", "  ", "Ada\nLovelace", "Ada\0", "a\u{202E}b", long.as_str()] {
            assert_eq!(
                parse(Some(name), None, None),
                Err(("contact.name", "contact_name_invalid")),
                "{name:?}"
            );
        }
        let long = format!("{}@example.com", "x".repeat(EMAIL_CHARS));
        for email in
            ["", "ada", "@", "ada@", "@example.com", "a b@example.com", "a@b\r\nBcc: c@d", long.as_str()]
        {
            assert_eq!(
                parse(None, Some(email), None),
                Err(("contact.email", "contact_email_invalid")),
                "{email:?}"
            );
        }
        let long = "1".repeat(PHONE_CHARS + 1);
        for phone in ["", "12", "+-()", "call me", "１２３", "555\u{0}0100", long.as_str()] {
            assert_eq!(
                parse(None, None, Some(phone)),
                Err(("contact.phone", "contact_phone_invalid")),
                "{phone:?}"
            );
        }
    }
}
