//! Shopify's REST Admin API as far as we read it: lists in pages by the `Link` header (RFC 8288), with the patience that
//! 429 and `Retry-After` ask for.

use std::time::Duration;

use catalog::clock::Timestamp;
use reqwest::header::{HeaderMap, LINK, RETRY_AFTER};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use crate::feed::channel::OrdersDoor;

/// Orders of one page: the most that Shopify gives.
const PAGE: &str = "250";
/// How long one answer is waited for, and the connection to it.
const ANSWER: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(10);
/// How often one page is asked for before we give up.
const TRIES: u32 = 8;
/// The longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The largest page in bytes.
const PAGE_BYTES: usize = 256 << 20;

/// Why a shop's orders cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OrdersApiError {
    /// There is no HTTP client.
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    /// It does not answer, again and again.
    #[error("the shop's API did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// It refuses.
    #[error("the shop's API answered {0}; 401 and 403 mean that the access token may not read orders")]
    Refused(u16),
    /// The answer is not what it should be.
    #[error("the shop's API answered with something else than a list of {0}")]
    Odd(&'static str),
    /// The next page lies somewhere else. It does not get the token.
    #[error("the shop's API names a next page outside of itself")]
    Elsewhere,
}

/// A shop's lists, read page by page.
pub(super) struct OrdersApi {
    door: OrdersDoor,
    http: reqwest::Client,
    next: Option<Url>,
}

impl OrdersApi {
    pub(super) fn open(door: OrdersDoor) -> Result<Self, OrdersApiError> {
        // No redirect: the token goes to the shop alone.
        let http = reqwest::Client::builder()
            .timeout(ANSWER)
            .connect_timeout(CONNECT)
            .redirect(Policy::none())
            .user_agent(concat!("colophon/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(OrdersApiError::Client)?;
        Ok(Self { door, http, next: None })
    }

    /// Begins the list of all orders that changed since a moment.
    pub(super) fn list_orders(&mut self, since: Timestamp) {
        let since = since.to_string();
        self.begin("orders.json", &[("status", "any"), ("limit", PAGE), ("updated_at_min", &since)]);
    }

    /// Begins the list of all disputes: a bank may change its mind after months.
    pub(super) fn list_disputes(&mut self) {
        self.begin("shopify_payments/disputes.json", &[]);
    }

    fn begin(&mut self, path: &str, query: &[(&str, &str)]) {
        let mut url = self.door.api_url.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.next = Some(url);
    }

    /// The next page of the list, whose items stand under `name`; none after the last. A shop without the platform's own
    /// payments has no disputes.
    pub(super) async fn next_page(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<Value>>, OrdersApiError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        let answer = self.ask(&url).await?;
        if answer.status().as_u16() == 404 && name == "disputes" {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(OrdersApiError::Refused(answer.status().as_u16()));
        }
        self.next = next_link(answer.headers()).map(|next| self.inside(&next)).transpose()?;
        let mut page: Value =
            serde_json::from_slice(&bounded(answer, name).await?).map_err(|_| OrdersApiError::Odd(name))?;
        match page[name].take() {
            Value::Array(items) => Ok(Some(items)),
            _ => Err(OrdersApiError::Odd(name)),
        }
    }

    /// A page of this very API.
    fn inside(&self, next: &str) -> Result<Url, OrdersApiError> {
        let (root, next) = (&self.door.api_url, Url::parse(next));
        next.ok().filter(|next| next.origin() == root.origin()).ok_or(OrdersApiError::Elsewhere)
    }

    async fn ask(&self, url: &Url) -> Result<reqwest::Response, OrdersApiError> {
        let mut tries = 1;
        loop {
            let token = self.door.access_token.expose_secret();
            let asked = self.http.get(url.clone()).header("X-Shopify-Access-Token", token).send().await;
            let own_pause = Duration::from_millis(500).saturating_mul(1 << tries).min(LONGEST_PAUSE);
            let pause = match asked {
                Ok(answer) if matches!(answer.status().as_u16(), 429 | 500..) => {
                    if tries == TRIES {
                        return Err(OrdersApiError::Refused(answer.status().as_u16()));
                    }
                    retry_after(answer.headers()).unwrap_or(own_pause)
                }
                Ok(answer) => return Ok(answer),
                Err(error) if tries == TRIES => return Err(OrdersApiError::NoAnswer(error.without_url())),
                Err(_) => own_pause,
            };
            tracing::debug!(tries, pause_ms = pause.as_millis(), "the shop's API is asked again");
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }
}

async fn bounded(mut answer: reqwest::Response, name: &'static str) -> Result<Vec<u8>, OrdersApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) =
        answer.chunk().await.map_err(|error| OrdersApiError::NoAnswer(error.without_url()))?
    {
        bytes.extend_from_slice(&piece);
        if bytes.len() > PAGE_BYTES {
            return Err(OrdersApiError::Odd(name));
        }
    }
    Ok(bytes)
}

/// Seconds, as Shopify writes them: `2.0`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|pause| pause.min(LONGEST_PAUSE))
}

/// The address of the next page: `<https://…>; rel="next"`.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().split_once(';')?;
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim();
            parameter == "rel=\"next\"" || parameter == "rel=next"
        });
        let target = target.trim().strip_prefix('<')?.strip_suffix('>')?;
        is_next.then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: reqwest::header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_next_page_is_the_one_that_the_link_names_so() {
        let next = "https://prints.myshopify.com/admin/api/2026-10/orders.json?page_info=b%2C2";
        let before = "<https://prints.myshopify.com/o.json?page_info=a>; rel=\"previous\"";
        let both = format!("{before}, <{next}>; rel=\"next\"");
        assert_eq!(next_link(&headers(LINK, &both)).as_deref(), Some(next));
        assert_eq!(next_link(&headers(LINK, before)), None);
        assert_eq!(next_link(&HeaderMap::new()), None);
    }

    #[test]
    fn a_shop_says_how_long_to_wait_and_never_longer_than_a_minute() {
        let wait = |text| retry_after(&headers(RETRY_AFTER, text)).map(|pause| pause.as_millis());
        assert_eq!(wait("2.0"), Some(2_000));
        assert_eq!(wait("86400"), Some(60_000));
        assert_eq!((wait("-1"), wait("NaN"), wait("soon")), (None, None, None));
    }
}
