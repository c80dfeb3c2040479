//! `?edition_id=…`, or `?channel=…&order=…`, beside the paging of every list.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::ids::EditionId;
use catalog::invalid::InvalidField;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::error::ApiError;
use crate::routes::paging::{Page, filtered_by};
use crate::sale::Reference;
use crate::selling::edition_unknown;
use crate::state::AppState;
use crate::store::SaleFilter;

/// Which piece of which sales is asked for.
#[derive(Debug)]
pub(super) struct SalesQuery {
    pub(super) filter: SaleFilter,
    pub(super) page: Page,
}

impl SalesQuery {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let (mut edition_id, mut channel, mut order) = (None, None, None);
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "edition_id" => edition_id = Some(value.parse::<EditionId>().map_err(|_| edition_unknown())?),
                "channel" => channel = Some(Reference::parse("channel", &value)?),
                "order" => order = Some(Reference::parse("order", &value)?),
                _ => {
                    rest.append_pair(&name, &value);
                }
            }
        }
        let filter = match (edition_id, channel, order) {
            (None, None, None) => SaleFilter::All,
            (Some(edition_id), None, None) => SaleFilter::Edition(edition_id),
            (None, Some(channel), Some(order)) => SaleFilter::Order { channel, order },
            _ => {
                let problem = "goes with `channel`, and not with `edition_id`";
                return Err(InvalidField::new("order", "filter_invalid", problem).into());
            }
        };
        Ok(Self { filter, page: Page::parse(&rest.finish())? })
    }
}

impl FromRequestParts<AppState> for SalesQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl IntoParams for SalesQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let texts = [
            ("edition_id", "Only sales of this edition"),
            ("channel", "Only sales of an order of this channel"),
            ("order", "That order"),
        ];
        filtered_by(&texts, parameter_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_all_of_an_edition_or_of_an_order() {
        let filter = |query: &str| SalesQuery::parse(query).map(|query| query.filter).map_err(|e| e.code());
        let text = |text| Reference::parse("order", text).unwrap();
        assert_eq!(filter("limit=5"), Ok(SaleFilter::All));
        let order = SaleFilter::Order { channel: text("boutique"), order: text("A 1") };
        assert_eq!(filter("order=A+1&channel=boutique&limit=5"), Ok(order));
        assert!(matches!(
            filter("edition_id=ed_01988888888870008000000000000001"),
            Ok(SaleFilter::Edition(_))
        ));
        assert_eq!(filter("order=A1"), Err("filter_invalid"));
        assert_eq!(filter("edition_id=' OR 1=1"), Err("edition_unknown"));
        assert_eq!(filter("sort=price"), Err("parameter_unknown"));
        assert_eq!(filter("limit=0"), Err("limit_invalid"));
    }
}
