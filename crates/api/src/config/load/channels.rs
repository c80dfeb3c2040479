//! The shops that feed us.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::{Host, Url};

use super::{SettingError, within};
use crate::config::{ChannelSettings, FeedSettings};
use crate::feed::{ChannelName, shopify};

/// The newest version of Shopify's API that these readers were written for.
const API_VERSION: &str = "2026-10";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFeeds {
    patience_hours: u64,
}

impl RawFeeds {
    pub(super) fn check(self) -> Result<FeedSettings, SettingError> {
        let hours: u64 = within("feeds.patience_hours", self.patience_hours, 1..=8_760)?;
        Ok(FeedSettings { patience: Duration::from_hours(hours) })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChannel {
    platform: String,
    shop: String,
    webhook_secrets: Vec<PathBuf>,
    api_version: Option<String>,
    api_url: Option<String>,
    access_token: Option<PathBuf>,
}

pub(super) fn check(
    raw: BTreeMap<String, RawChannel>,
) -> Result<BTreeMap<ChannelName, ChannelSettings>, SettingError> {
    raw.into_iter()
        .map(|(name, raw)| raw.check(&name).map(|channel| (channel.name.clone(), channel)))
        .collect()
}

impl RawChannel {
    fn check(self, name: &str) -> Result<ChannelSettings, SettingError> {
        let field = |field: &str| format!("channels.{name}.{field}");
        let name: ChannelName = name
            .parse()
            .map_err(|problem| SettingError::new("channels", format!("holds a name that {problem}")))?;
        if self.platform != "shopify" {
            return Err(SettingError::new(field("platform"), "must be \"shopify\""));
        }
        if !(1..=2).contains(&self.webhook_secrets.len()) {
            let problem = "must name one file, or two while one secret takes the other's place";
            return Err(SettingError::new(field("webhook_secrets"), problem));
        }
        let api_version = self.api_version.unwrap_or_else(|| API_VERSION.to_owned());
        if !shopify::is_version(&api_version) {
            return Err(SettingError::new(field("api_version"), "must be a version such as \"2026-10\""));
        }
        let api_url =
            self.api_url.unwrap_or_else(|| format!("https://{}/admin/api/{api_version}", self.shop));
        let api_url = Url::parse(&api_url).ok().filter(may_see_the_token).ok_or_else(|| {
            let problem = "and `shop` must make an https:// address; http:// only for this very machine";
            SettingError::new(field("api_url"), problem)
        })?;
        Ok(ChannelSettings {
            name,
            webhook_secrets: self.webhook_secrets,
            api_version,
            api_url,
            access_token: self.access_token,
        })
    }
}

/// The access token goes there in a header.
fn may_see_the_token(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[cfg(test)]
mod tests {
    use crate::config::{Layers, Settings};

    const SHOP: &str = "[channels.boutique]\nplatform = \"shopify\"\nshop = \"prints.myshopify.com\"\n\
        webhook_secrets = [\"boutique-webhook\"]\n";

    fn load(text: &str) -> Result<Settings, String> {
        let layers = Layers { file: Some(text.to_owned()), ..Layers::default() };
        Settings::load(layers).map_err(|problem| problem.setting)
    }

    #[test]
    fn a_shop_is_read_with_the_address_of_its_own_domain() {
        let channels = load(SHOP).expect("settings").channels;
        let channel = channels.values().next().expect("a channel");
        assert_eq!(channel.name.as_str(), "boutique");
        assert_eq!(channel.api_url.as_str(), "https://prints.myshopify.com/admin/api/2026-10");
        assert!(load("").expect("settings").channels.is_empty());
    }

    #[test]
    fn a_shop_that_cannot_be_is_refused_with_the_setting_that_it_concerns() {
        let with = |line: &str| load(&format!("{SHOP}{line}\n")).map(|_| ()).expect_err("refused");
        for address in ["http://prints.myshopify.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "prints"] {
            assert_eq!(with(&format!("api_url = \"{address}\"")), "channels.boutique.api_url", "{address}");
        }
        assert!(load(&format!("{SHOP}api_url = \"http://127.0.0.1:8080/admin\"\n")).is_ok());
        assert_eq!(with("api_version = \"latest\""), "channels.boutique.api_version");
        assert!(with("currency = \"CNY\"").contains("currency"));
        let instead = |from: &str, to: &str| load(&SHOP.replace(from, to)).map(|_| ()).expect_err("refused");
        assert_eq!(instead("\"shopify\"", "\"amazon\""), "channels.boutique.platform");
        assert_eq!(instead("[\"boutique-webhook\"]", "[]"), "channels.boutique.webhook_secrets");
        assert_eq!(instead("boutique]", "Boutique_1]"), "channels");
    }
}
