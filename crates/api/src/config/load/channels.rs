//! The shops that feed us.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use url::{Host, Url};

use super::SettingError;
use crate::config::ChannelSettings;
use crate::feed::{ChannelName, shopify};

/// The newest version of Shopify's API that these readers were written for.
const API_VERSION: &str = "2026-10";

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
    raw.into_iter().map(|(name, raw)| raw.check(&name).map(|channel| (channel.name.clone(), channel))).collect()
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
        let api_url = self.api_url.unwrap_or_else(|| format!("https://{}/admin/api/{api_version}", self.shop));
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
