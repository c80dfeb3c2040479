//! Channels: the shops that feed us, each with its secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use catalog::invalid::InvalidField;
use minting::signer::{KeystoreError, read_secret};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use super::signature::WebhookSecret;
use crate::config::{ChannelSettings, Settings};
use crate::sale::Reference;

/// Longest name of a channel.
const NAME_CHARS: usize = 40;

/// A shop in our books and in paths: `boutique`. 1 to 40 lower-case letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ChannelName(String);

/// A text that is not the name of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {NAME_CHARS} lower-case letters, digits and dashes")]
pub struct InvalidChannelName;

impl FromStr for ChannelName {
    type Err = InvalidChannelName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let well_formed = (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(known);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidChannelName) }
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ChannelName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as sales keep it.
    pub fn reference(&self) -> Result<Reference, InvalidField> {
        Reference::parse("channel", &self.0)
    }
}

/// A shop whose deliveries can be checked.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: ChannelName,
    /// The newest version of the platform's API whose texts we read.
    pub api_version: String,
    /// One secret, or two while one takes the other's place.
    pub secrets: Vec<WebhookSecret>,
}

/// Why a channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// A secret's file cannot be used.
    #[error("a secret of the channel `{channel}` cannot be used")]
    Secret {
        /// Which channel.
        channel: ChannelName,
        /// Why not.
        #[source]
        source: KeystoreError,
    },
    /// What is in the file is no secret.
    #[error("the file {} holds no secret: it must be one line of at least 16 characters", path.display())]
    NoSecret {
        /// Which.
        path: PathBuf,
    },
    /// There is no such channel.
    #[error("there is no channel `{0}` in the settings")]
    Unknown(ChannelName),
    /// It does not say how its orders are read.
    #[error("the channel `{0}` has no `access_token` in the settings")]
    NoToken(ChannelName),
}

/// All channels by name.
#[derive(Debug, Default)]
pub struct Channels(BTreeMap<ChannelName, Channel>);

impl Channels {
    /// Reads the secrets of all channels.
    pub fn open(settings: &Settings) -> Result<Self, ChannelError> {
        let dir = settings.secrets_dir.path();
        let open = |channel: &ChannelSettings| {
            let files = channel.webhook_secrets.iter();
            let secrets = files.map(|file| {
                read_line(&channel.name, &dir.join(file)).map(|line| WebhookSecret::new(line.as_bytes()))
            });
            Ok(Channel {
                name: channel.name.clone(),
                api_version: channel.api_version.clone(),
                secrets: secrets.collect::<Result<_, _>>()?,
            })
        };
        let channels = settings.channels.iter().map(|(name, channel)| Ok((name.clone(), open(channel)?)));
        channels.collect::<Result<_, _>>().map(Self)
    }

    /// The channel of that name.
    #[must_use]
    pub fn find(&self, name: &ChannelName) -> Option<&Channel> {
        self.0.get(name)
    }
}

/// Where a shop's orders can be read, and with what.
#[derive(Debug)]
pub struct OrdersDoor {
    /// The channel.
    pub name: ChannelName,
    /// The root of the platform's API.
    pub api_url: Url,
    /// What opens it.
    pub access_token: SecretString,
}

impl OrdersDoor {
    /// The door to the orders of a channel.
    pub fn open(settings: &Settings, name: &ChannelName) -> Result<Self, ChannelError> {
        let channel = settings.channels.get(name).ok_or_else(|| ChannelError::Unknown(name.clone()))?;
        let file = channel.access_token.as_ref().ok_or_else(|| ChannelError::NoToken(name.clone()))?;
        let token = read_line(name, &settings.secrets_dir.path().join(file))?;
        let access_token = SecretString::from(token.as_str());
        Ok(Self { name: name.clone(), api_url: channel.api_url.clone(), access_token })
    }
}

fn read_line(channel: &ChannelName, path: &Path) -> Result<Zeroizing<String>, ChannelError> {
    let odd = |source| ChannelError::Secret { channel: channel.clone(), source };
    let bytes = read_secret(path).map_err(odd)?;
    let line = std::str::from_utf8(&bytes).ok().map(str::trim);
    line.filter(|line| line.len() >= 16 && line.bytes().all(|b| b.is_ascii_graphic()))
        .map(|line| Zeroizing::new(line.to_owned()))
        .ok_or_else(|| ChannelError::NoSecret { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_a_plain_name() {
        for good in ["boutique", "shop-2", "x"] {
            assert_eq!(good.parse::<ChannelName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "x".repeat(NAME_CHARS + 1);
        for odd in ["", "Boutique", "a b", "é", "a/b", "a_b", long.as_str()] {
            assert_eq!(odd.parse::<ChannelName>(), Err(InvalidChannelName), "{odd}");
        }
    }
}
