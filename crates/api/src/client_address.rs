//! Who asks: the address of the client, behind as many proxies as are configured and no more.
//!
//! A header says what its sender wants. It is read from its end, where the nearest proxy wrote, and only as far as those
//! who wrote are trusted.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;

use crate::state::AppState;

/// The other end of the connection. The accept loop puts it into each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// A client as failures are counted: an IPv4 address, or the /64 of an IPv6 address, which is what one line is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

/// The header in which trusted proxies tell the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies whose word is taken.
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    /// Where they are.
    pub networks: Vec<IpNet>,
    /// What they write.
    pub header: AddressHeader,
}

impl Default for TrustedProxies {
    /// Nobody.
    fn default() -> Self {
        Self { networks: Vec::new(), header: AddressHeader::XForwardedFor }
    }
}

impl ClientAddress {
    /// The client at an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl TrustedProxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The address of the client whose request came from `peer` with these headers: the first, from the end, that is
    /// no trusted proxy's. A proxy that tells nothing, or no address, is the client itself.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        let mut told = self.told(headers).into_iter().rev();
        while self.trust(client) {
            match told.next().and_then(parse) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        ClientAddress::of(client)
    }

    /// What the header tells of each hop, the nearest last.
    fn told<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        let name = match self.header {
            AddressHeader::XForwardedFor => "x-forwarded-for",
            AddressHeader::Forwarded => header::FORWARDED.as_str(),
        };
        // A line that is no text tells nothing, and hides what is before it.
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        let hops = lines.flat_map(|line| line.split(','));
        match self.header {
            AddressHeader::XForwardedFor => hops.map(str::trim).collect(),
            AddressHeader::Forwarded => hops.map(forwarded_for).collect(),
        }
    }
}

/// The `for` of one element of `Forwarded`, without its quotes.
fn forwarded_for(element: &str) -> &str {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value);
    values.next().unwrap_or_default().trim_matches('"')
}

/// An address, with or without brackets and port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(client_of(parts, state))
    }
}

/// The client of a request. Requests that no connection brought, as in tests, are one client together.
pub(crate) fn client_of(parts: &Parts, state: &AppState) -> ClientAddress {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    state.settings.throttle.proxies.client(peer, &parts.headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(header: AddressHeader) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7/32"];
        TrustedProxies { networks: networks.map(|network| network.parse().unwrap()).to_vec(), header }
    }

    fn client(header: AddressHeader, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            for name in ["x-forwarded-for", "forwarded"] {
                // The header that is not configured says something else.
                let own = (name == "forwarded") == (header == AddressHeader::Forwarded);
                let value = if own { (*line).to_owned() } else { "198.51.100.99".to_owned() };
                headers.append(name, value.parse().unwrap());
            }
        }
        proxies(header).client(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        let x = AddressHeader::XForwardedFor;
        let cases: [(&str, &[&str], &str); 16] = [
            ("203.0.113.5", &[], "203.0.113.5"),
            ("203.0.113.5", &["198.51.100.1"], "203.0.113.5"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9,192.0.2.7"], "198.51.100.1"),
            ("10.1.2.3", &["10.9.9.9"], "10.9.9.9"),
            ("10.1.2.3", &["1.1.1.1, nonsense"], "10.1.2.3"),
            ("10.1.2.3", &["1.1.1.1, "], "10.1.2.3"),
            ("10.1.2.3", &["nonsense, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &["[2a00:1450::2f:1]:4711"], "2a00:1450::"),
            ("2001:db8:1::5", &["2a00:1450:0:7:aaaa:bbbb:cccc:dddd"], "2a00:1450:0:7::"),
        ];
        for (peer, lines, expected) in cases {
            assert_eq!(client(x, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_header_of_rfc_7239_is_read_where_it_is_configured() {
        let cases: [(&[&str], &str); 6] = [
            (&["for=198.51.100.1"], "198.51.100.1"),
            (&["For=\"[2a00:1450::1]:4711\";proto=https;by=10.0.0.1"], "2a00:1450::"),
            (&["for=1.1.1.1, for=198.51.100.1;host=x"], "198.51.100.1"),
            (&["for=1.1.1.1", "proto=http;for=\"198.51.100.1:80\""], "198.51.100.1"),
            (&["for=unknown"], "10.1.2.3"),
            (&["for=1.1.1.1, proto=https"], "10.1.2.3"),
        ];
        for (lines, expected) in cases {
            assert_eq!(client(AddressHeader::Forwarded, "10.1.2.3", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn neighbors_in_one_ipv6_network_are_one_client() {
        let of = |text: &str| ClientAddress::of(text.parse().unwrap());
        assert_eq!(of("2a00:1450:0:7::1"), of("2a00:1450:0:7:ffff::2"));
        assert_ne!(of("2a00:1450:0:7::1"), of("2a00:1450:0:8::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
