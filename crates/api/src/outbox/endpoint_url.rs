//! Where events may be sent: `https`, by name or public address, at a port for web services, without a user.

use std::fmt;
use std::net::IpAddr;

use catalog::invalid::InvalidField;
use url::{Host, Url};

use super::public_address::is_public;

/// Longest address that is taken.
const MOST_CHARS: usize = 2_000;
/// Ports of web services; others belong to mail, databases, shells.
const PORTS: [u16; 2] = [443, 8443];
/// Names that never lead outside (RFC 6761, RFC 6762, RFC 8375, RFC 9476), and what clouds call their inside.
const INSIDE: [&str; 9] =
    ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "home.arpa"];

/// Where requests of ours may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, over TLS.
    Public,
    /// Besides, this machine, at any port and also without TLS: for development and tests.
    PublicAndLoopback,
}

/// The address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

fn refuse(code: &'static str, problem: &'static str) -> InvalidField {
    InvalidField::new("url", code, problem)
}

/// The address that stands in a URL as a number, in whatever spelling: the parser has read it as browsers do.
#[must_use]
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Whether the part before the path holds an `@`. The parser forgets an empty user.
fn names_a_user(text: &str) -> bool {
    let (_, rest) = text.split_once("://").unwrap_or_default();
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

fn is_loopback(url: &Url) -> bool {
    literal(url).is_some_and(|address| address.is_loopback()) || url.host_str() == Some("localhost")
}

impl EndpointUrl {
    /// Checks what can be seen in the text alone. Where its name leads is seen when it is resolved.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, InvalidField> {
        let malformed = || {
            refuse("webhook_url_invalid", "must be an absolute https:// address of at most 2,000 characters")
        };
        // The parser would mend these silently.
        if text.len() > MOST_CHARS || text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(malformed());
        }
        let url = Url::parse(text).map_err(|_| malformed())?;
        if names_a_user(text) {
            return Err(refuse("webhook_url_invalid", "must not hold a user name or password"));
        }
        if url.fragment().is_some() || url.host().is_none() {
            return Err(malformed());
        }
        if reach == Reach::PublicAndLoopback && is_loopback(&url) && matches!(url.scheme(), "http" | "https")
        {
            return Ok(Self(url));
        }
        if url.scheme() != "https" {
            return Err(malformed());
        }
        if !PORTS.contains(&url.port_or_known_default().unwrap_or(0)) {
            return Err(refuse("webhook_url_port_refused", "must use port 443 or 8443"));
        }
        if !leads_outside(&url) {
            return Err(not_public());
        }
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// 422: the address is not a public one.
#[must_use]
pub fn not_public() -> InvalidField {
    refuse("webhook_url_not_public", "must lead to a public address")
}

fn leads_outside(url: &Url) -> bool {
    let Some(Host::Domain(name)) = url.host() else {
        return literal(url).is_some_and(is_public);
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let inside = |end: &&str| name == *end || name.strip_suffix(*end).is_some_and(|rest| rest.ends_with('.'));
    // A name without a dot is looked up in the house's own domain.
    name.contains('.') && !INSIDE.iter().any(inside)
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        EndpointUrl::parse(text, Reach::Public).err().map(|invalid| invalid.code)
    }

    #[test]
    fn an_ordinary_address_is_taken() {
        for text in [
            "https://hooks.example.com/colophon?tenant=7",
            "https://example.com",
            "https://example.com:8443/x",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]/",
            "https://bücher.example/",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn other_schemes_users_and_odd_texts_are_refused() {
        for text in [
            "",
            "/hooks",
            "//example.com/",
            "example.com",
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "data:text/plain,x",
            "unix:/run/x.sock",
            "javascript:1",
            "https://",
            "https:///",
            "https://a@example.com/",
            "https://a:b@example.com/",
            "https://@example.com/",
            "https://example.com@127.0.0.1/",
            "https://example.com/#x",
            "https://exa mple.com/",
            "https://example.com/\n",
            " https://example.com/",
            "https:\\\\example.com\\",
            "https://[::1",
            "https://example.com:99999/",
        ] {
            assert!(code(text).is_some(), "{text:?}");
        }
        assert!(code(&format!("https://example.com/{}", "x".repeat(2_000))).is_some());
    }

    #[test]
    fn loopback_is_refused_in_every_spelling() {
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://127.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://0177.0x0.1/",
            "https://127.255.255.254/",
            "https://%31%32%37.0.0.1/",
            "https://127.0.0.1./",
            "https://０x7f.1/",
            "https://①②⑦.0.0.1/",
            "https://127。0。0。1/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::127.0.0.1]/",
            "https://[::]/",
            "https://0.0.0.0/",
            "https://0/",
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
        ] {
            assert_eq!(code(text), Some("webhook_url_not_public"), "{text}");
        }
    }

    #[test]
    fn private_and_special_addresses_and_inside_names_are_refused() {
        for text in [
            "https://10.0.0.1/",
            "https://192.168.1.1/",
            "https://172.16.0.1/",
            "https://100.64.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[2002:7f00:1::]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2001::1]/",
            "https://[2a00:1450::5efe:7f00:1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://192.0.2.1/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://intranet/",
            "https://db.lan/",
            "https://router.home.arpa/",
        ] {
            assert_eq!(code(text), Some("webhook_url_not_public"), "{text}");
        }
    }

    #[test]
    fn ports_of_other_services_are_refused() {
        for port in [1, 22, 25, 80, 6379, 5432, 9200, 65_535] {
            assert_eq!(
                code(&format!("https://example.com:{port}/")),
                Some("webhook_url_port_refused"),
                "{port}"
            );
        }
    }

    #[test]
    fn this_machine_is_reached_only_where_a_setting_says_so() {
        let local = |text: &str| EndpointUrl::parse(text, Reach::PublicAndLoopback).is_ok();
        for text in
            ["http://127.0.0.1:4000/", "http://[::1]:4000/", "http://localhost:4000/x", "https://127.0.0.1/"]
        {
            assert!(local(text), "{text}");
            assert!(code(text).is_some(), "{text}");
        }
        for text in ["http://10.0.0.1/", "https://10.0.0.1/", "http://example.com/", "ftp://127.0.0.1/"] {
            assert!(!local(text), "{text}");
        }
    }
}
