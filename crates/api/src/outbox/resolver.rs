//! The guard at the resolver: names are looked up by us, every address that comes back is checked, and those are the addresses
//! that are connected to. A name that changes its mind between two lookups gains nothing, and one that leads to a public and a
//! private address leads nowhere.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::endpoint_url::{Reach, literal};
use super::public_address::is_public;

/// Looks names up. Production asks the system.
pub trait Lookup: Send + Sync {
    /// The addresses of a name.
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name that leads to an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub struct NotPublic;

/// Resolves names to addresses that may be connected to, or not at all.
#[derive(Clone)]
pub struct Guard {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

impl Guard {
    /// A guard over `lookup`.
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>, reach: Reach) -> Self {
        Self { lookup, reach }
    }

    /// Whether an address may be connected to.
    fn admits(&self, address: IpAddr) -> bool {
        is_public(address) || self.reach == Reach::PublicAndLoopback && address.is_loopback()
    }

    /// Whether the host of a URL may be connected to as far as it is an address and no name: such a one is never resolved.
    #[must_use]
    pub fn admits_literal(&self, url: &url::Url) -> bool {
        literal(url).is_none_or(|address| self.admits(address))
    }

    /// Whether all that a name leads to may be connected to. A name that nobody knows may be known later.
    pub async fn admits_name(&self, name: &str) -> bool {
        let found = self.lookup.look_up(name.to_owned()).await.unwrap_or_default();
        found.into_iter().all(|address| self.admits(address))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = guard.lookup.look_up(name.as_str().to_owned()).await?;
            if !found.iter().all(|address| guard.admits(*address)) {
                return Err(NotPublic.into());
            }
            // The port is the URL's.
            let addresses: Vec<_> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers with one list after the other, and with the last one for ever.
    struct Script {
        answers: Vec<Vec<&'static str>>,
        asked: AtomicUsize,
    }

    impl Lookup for Script {
        fn look_up(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
            let answer = self.answers[turn].iter().map(|text| text.parse().expect("an address")).collect();
            Box::pin(async { Ok(answer) })
        }
    }

    fn guard(answers: Vec<Vec<&'static str>>, reach: Reach) -> Guard {
        Guard::new(Arc::new(Script { answers, asked: AtomicUsize::new(0) }), reach)
    }

    async fn resolve(guard: &Guard) -> Result<Vec<IpAddr>, String> {
        let name = "hooks.example.com".parse().expect("a name");
        let found = guard.resolve(name).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip()).collect())
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_leads_nowhere() {
        let guard = guard(vec![vec!["93.184.215.14"], vec!["127.0.0.1"]], Reach::Public);
        assert_eq!(resolve(&guard).await, Ok(vec!["93.184.215.14".parse().unwrap()]));
        assert_eq!(resolve(&guard).await, Err(NotPublic.to_string()));
    }

    #[tokio::test]
    async fn one_private_address_among_public_ones_closes_the_name() {
        for private in ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"] {
            let guard = guard(vec![vec!["93.184.215.14", private]], Reach::PublicAndLoopback);
            let outcome = resolve(&guard).await;
            assert_eq!(outcome.is_ok(), private == "::1", "{private}: {outcome:?}");
            let closed = self::guard(vec![vec!["93.184.215.14", private]], Reach::Public);
            assert_eq!(resolve(&closed).await, Err(NotPublic.to_string()), "{private}");
            assert!(!closed.admits_name("hooks.example.com").await, "{private}");
        }
    }

    #[test]
    fn an_address_in_the_place_of_a_name_is_checked_too() {
        let admits =
            |url: &str, reach| guard(vec![vec![]], reach).admits_literal(&url.parse().expect("a URL"));
        for url in ["https://127.0.0.1/", "https://0x7f.1/", "https://[::1]/", "https://10.0.0.1/"] {
            assert!(!admits(url, Reach::Public), "{url}");
        }
        assert!(
            admits("https://8.8.8.8/", Reach::Public) && admits("https://hooks.example.com/", Reach::Public)
        );
        assert!(admits("https://127.0.0.1/", Reach::PublicAndLoopback));
        assert!(!admits("https://10.0.0.1/", Reach::PublicAndLoopback));
    }

    /// The client asks the guard and connects to nothing else: the listener never sees a connection.
    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let ask = async |reach| {
            let guard = guard(vec![vec!["127.0.0.1"]], reach);
            let client = super::super::courier::client(&guard).expect("a client");
            client.post(format!("http://hooks.example.com:{port}/")).send().await
        };
        let refused = tokio::select! {
            answered = ask(Reach::Public) => answered.expect_err("a refusal"),
            _ = listener.accept() => panic!("somebody connected"),
        };
        assert!(crate::error::chain(&refused).contains(&NotPublic.to_string()), "{refused:?}");
        // The same name, where it may lead here, does.
        let asking = ask(Reach::PublicAndLoopback);
        tokio::select! {
            answered = asking => panic!("nobody can have answered: {answered:?}"),
            connected = listener.accept() => assert!(connected.is_ok()),
        }
    }
}
