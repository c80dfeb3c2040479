//! Lists in pieces: `?limit=50&cursor=…` in, `{"items": […], "next_cursor": …}` out.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use catalog::invalid::InvalidField;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Required, schema};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::state::AppState;

const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 200;

/// Which piece of a list is asked for.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    pub limit: u32,
    /// `next_cursor` of the piece before.
    #[param(required = false)]
    cursor: Option<String>,
}

/// A piece of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Asks for the piece after this one; null at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// The parameters of a list that can be narrowed by some texts, by name and description, and those of its paging.
pub(super) fn filtered_by(
    texts: &[(&str, &str)],
    parameter_in: impl Fn() -> Option<ParameterIn>,
) -> Vec<Parameter> {
    let parameter = |(name, description): &(&str, &str)| {
        ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(*description))
            .schema(Some(schema::Object::with_type(schema::Type::String)))
            .build()
    };
    texts.iter().map(parameter).chain(Page::into_params(parameter_in)).collect()
}

impl Page {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { limit: DEFAULT_LIMIT, cursor: None };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    page.limit = limit.ok_or_else(|| {
                        InvalidField::new("limit", "limit_invalid", "must be a number from 1 to 200")
                    })?;
                }
                "cursor" => page.cursor = Some(value.into_owned()),
                _ => {
                    let detail = "this call knows the parameters `limit` and `cursor` alone".into();
                    return Err(ApiError::Shape { code: "parameter_unknown", detail, field: None });
                }
            }
        }
        Ok(page)
    }

    /// The key of the last item before this piece.
    pub fn after<K: FromStr>(&self) -> Result<Option<K>, InvalidField> {
        let read = |cursor: &String| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            String::from_utf8(bytes).ok()?.parse().ok()
        };
        let problem = "is not a cursor that this list gave out";
        self.cursor
            .as_ref()
            .map(|cursor| read(cursor).ok_or_else(|| InvalidField::new("cursor", "cursor_invalid", problem)))
            .transpose()
    }

    /// How many items to ask the database for: one more than is shown tells whether there are more.
    #[must_use]
    pub fn fetch_limit(&self) -> u32 {
        self.limit + 1
    }

    /// The piece, from what the database gave for [`Page::fetch_limit`]. `key` names an item for the cursor.
    pub fn listing<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Listing<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| BASE64_URL_SAFE_NO_PAD.encode(key(last)));
        Listing { items, next_cursor }
    }
}

impl FromRequestParts<AppState> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(query: &str) -> Option<&'static str> {
        Page::parse(query).err().map(|error| error.code())
    }

    #[test]
    fn a_limit_is_a_number_from_1_to_200() {
        for odd in ["limit=0", "limit=-1", "limit=201", "limit=1000000000", "limit=", "limit=1e2"] {
            assert_eq!(code_of(odd), Some("limit_invalid"), "{odd}");
        }
        assert_eq!(Page::parse("limit=200").ok().map(|page| page.limit), Some(200));
        assert_eq!(Page::parse("").ok().map(|page| page.limit), Some(50));
        assert_eq!(code_of("sort=1%3Bdrop"), Some("parameter_unknown"));
    }

    #[test]
    fn a_cursor_leads_to_the_next_piece_and_a_made_up_one_nowhere() {
        let page = Page { limit: 2, cursor: None };
        let listing = page.listing(vec![1_u16, 2, 3], ToString::to_string);
        assert_eq!(listing.items, [1, 2]);
        let next = Page { limit: 2, cursor: listing.next_cursor };
        assert_eq!(next.after::<u16>(), Ok(Some(2)));
        assert!(next.listing(vec![3_u16], ToString::to_string).next_cursor.is_none());
        for made_up in ["", "!", "Mg==", "LTE"] {
            let page = Page { limit: 2, cursor: Some(made_up.to_owned()) };
            assert_eq!(page.after::<u16>().map_err(|e| e.code), Err("cursor_invalid"), "{made_up}");
        }
    }
}
