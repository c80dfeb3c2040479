//! The settings of the throttles.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::{SettingError, within, word};
use crate::client_address::{AddressHeader, TrustedProxies};
use crate::throttle::{Allowance, ThrottleSettings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThrottle {
    failures_by_address: u64,
    forgiven_after_seconds: u64,
    failures_in_all: u64,
    forgiven_in_all_per_minute: u64,
    trusted_proxies: Vec<String>,
    client_address_header: String,
}

impl RawThrottle {
    pub(super) fn check(self) -> Result<ThrottleSettings, SettingError> {
        let a_minute: u32 =
            within("throttle.forgiven_in_all_per_minute", self.forgiven_in_all_per_minute, 1..=1_000_000)?;
        let forgiven_after =
            within("throttle.forgiven_after_seconds", self.forgiven_after_seconds, 1..=86_400)?;
        let headers =
            [("x-forwarded-for", AddressHeader::XForwardedFor), ("forwarded", AddressHeader::Forwarded)];
        let most = u64::from(u32::MAX);
        Ok(ThrottleSettings {
            by_address: Allowance {
                at_once: within("throttle.failures_by_address", self.failures_by_address, 1..=most)?,
                pause: Duration::from_secs(forgiven_after),
            },
            in_all: Allowance {
                at_once: within("throttle.failures_in_all", self.failures_in_all, 1..=most)?,
                pause: Duration::from_mins(1) / a_minute,
            },
            proxies: TrustedProxies {
                networks: self.trusted_proxies.iter().map(|text| network(text)).collect::<Result<_, _>>()?,
                header: word("throttle.client_address_header", &self.client_address_header, &headers)?,
            },
        })
    }
}

/// An address, or a network of them that is not the whole world.
fn network(text: &str) -> Result<IpNet, SettingError> {
    let odd = |problem| SettingError::new("throttle.trusted_proxies", problem);
    let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
    let network: IpNet =
        network.map_err(|_| odd("must hold addresses and networks such as 10.0.0.0/8".to_owned()))?;
    if network.prefix_len() == 0 {
        return Err(odd("must not hold everybody: then every client could name its own address".to_owned()));
    }
    Ok(network)
}
