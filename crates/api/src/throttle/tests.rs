use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::*;

#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A throttle, a clock, and how many tries were let through.
struct Desk {
    throttles: Throttles,
    clock: HandClock,
    worked: AtomicUsize,
}

fn address(text: &str) -> ClientAddress {
    ClientAddress::of(text.parse().unwrap())
}

fn numbered(number: u32) -> ClientAddress {
    ClientAddress::of(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

impl Desk {
    fn new(by_address: u32, in_all: u32) -> Self {
        let pause = Duration::from_secs(30);
        let settings = ThrottleSettings {
            by_address: Allowance { at_once: by_address, pause },
            in_all: Allowance { at_once: in_all, pause: Duration::from_secs(1) },
            proxies: TrustedProxies::default(),
        };
        let clock = HandClock(AtomicI64::new(1_795_435_200_000_000));
        Self { throttles: Throttles::new(&settings), clock, worked: AtomicUsize::new(0) }
    }

    async fn ask(&self, client: ClientAddress, answer: Result<(), ApiError>) -> Result<(), (u16, u32)> {
        let work = async {
            self.worked.fetch_add(1, Ordering::SeqCst);
            answer
        };
        self.throttles.claims.guard(client, &self.clock, work).await.map_err(|error| match error {
            ApiError::TooMany { retry_after, .. } => (429, retry_after),
            error => (error.status().as_u16(), 0),
        })
    }

    async fn fail(&self, client: ClientAddress) -> Result<(), (u16, u32)> {
        self.ask(client, Err(ApiError::no_such("claim"))).await
    }

    fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn worked(&self) -> usize {
        self.worked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn an_address_that_failed_too_often_is_turned_away_until_one_is_forgiven() {
    let desk = Desk::new(3, 100);
    let (guesser, neighbor) = (address("192.0.2.1"), address("192.0.2.2"));
    for _ in 0..3 {
        assert_eq!(desk.fail(guesser).await, Err((404, 0)));
    }
    for _ in 0..1_000 {
        assert_eq!(desk.fail(guesser).await, Err((429, 30)));
    }
    assert_eq!(desk.worked(), 3);
    assert_eq!(desk.ask(neighbor, Ok(())).await, Ok(()));
    desk.wait(29);
    assert_eq!(desk.fail(guesser).await, Err((429, 1)));
    desk.wait(1);
    assert_eq!(desk.fail(guesser).await, Err((404, 0)));
    assert_eq!(desk.fail(guesser).await, Err((429, 30)));
}

#[tokio::test]
async fn only_wrong_codes_proofs_and_keys_count() {
    let desk = Desk::new(1, 100);
    let client = address("192.0.2.1");
    for _ in 0..50 {
        assert_eq!(desk.ask(client, Ok(())).await, Ok(()));
        assert_eq!(
            desk.ask(client, Err(ApiError::conflict("claim_not_active", "not yet"))).await,
            Err((409, 0))
        );
        assert_eq!(desk.ask(client, Err(ApiError::internal("counting", "broken"))).await, Err((500, 0)));
    }
    assert_eq!(desk.ask(client, Err(ApiError::KeyInvalid)).await, Err((401, 0)));
    assert_eq!(desk.ask(client, Ok(())).await, Err((429, 30)));
}

#[tokio::test]
async fn above_what_all_may_fail_only_the_unblemished_go_on() {
    let desk = Desk::new(10, 100);
    for number in 0..100 {
        assert_eq!(desk.fail(numbered(number)).await, Err((404, 0)));
    }
    assert_eq!(desk.fail(numbered(0)).await, Err((429, 1)), "it failed before");
    assert_eq!(desk.fail(numbered(1_000)).await, Err((404, 0)), "its first try");
    assert_eq!(desk.fail(numbered(1_000)).await, Err((429, 1)));
    let buyer = address("198.51.100.7");
    for _ in 0..20 {
        assert_eq!(desk.ask(buyer, Ok(())).await, Ok(()), "who has the code never fails");
    }
    assert_eq!(desk.worked(), 100 + 1 + 20);
}

#[tokio::test]
async fn an_attack_is_one_alarm_and_the_next_one_another() {
    let desk = Desk::new(1, 10);
    let alarms = || desk.throttles.alarms(desk.clock.now());
    assert_eq!(desk.fail(numbered(1)).await, Err((404, 0)));
    assert!(alarms().is_empty(), "a mistyped code is no attack");
    for number in 0..5_000 {
        let _ = desk.fail(numbered(number % 50)).await;
    }
    assert_eq!((desk.throttles.claims.attacks(), alarms()), (1, vec!["claim_guessing"]));
    desk.wait(599);
    assert_eq!(alarms(), ["claim_guessing"]);
    desk.wait(1);
    assert!(alarms().is_empty());
    for _ in 0..3 {
        let _ = desk.fail(numbered(1)).await;
    }
    assert_eq!((desk.throttles.claims.attacks(), desk.throttles.keys.attacks()), (2, 0));
}

#[tokio::test]
async fn tries_under_way_count_until_they_are_known_to_be_right() {
    let desk = Desk::new(4, 100);
    let client = address("192.0.2.1");
    let (release, _) = tokio::sync::broadcast::channel::<()>(1);
    let slow = |answer: Result<(), ApiError>| {
        let mut released = release.subscribe();
        let work = async move {
            let _ = released.recv().await;
            answer
        };
        desk.throttles.claims.guard(client, &desk.clock, work)
    };
    let four = futures_util::future::join_all((0..4).map(|_| slow(Ok(()))));
    let fifth = async {
        tokio::task::yield_now().await;
        let fifth = desk.ask(client, Ok(())).await;
        let _ = release.send(());
        fifth
    };
    let (right, fifth) = tokio::join!(four, fifth);
    assert!(right.iter().all(Result::is_ok));
    assert_eq!(fifth, Err((429, 30)), "a thousand tries at once are not a thousand failures");
    assert_eq!(desk.ask(client, Ok(())).await, Ok(()));
}

#[tokio::test]
async fn a_try_that_is_dropped_half_way_has_failed() {
    let desk = Desk::new(1, 100);
    let client = address("192.0.2.1");
    let never = std::future::pending::<Result<(), ApiError>>();
    let dropped = tokio::time::timeout(
        Duration::from_millis(1),
        desk.throttles.claims.guard(client, &desk.clock, never),
    );
    assert!(dropped.await.is_err());
    assert_eq!(desk.ask(client, Ok(())).await, Err((429, 30)));
}

#[tokio::test]
async fn forgiven_addresses_are_forgotten() {
    let desk = Desk::new(2, 100_000);
    for number in 0..1_000 {
        let _ = desk.fail(numbered(number)).await;
    }
    assert_eq!(desk.throttles.claims.book().by_address.len(), 1_000);
    desk.wait(31);
    let _ = desk.fail(numbered(7)).await;
    assert_eq!(desk.throttles.claims.book().by_address.len(), 1);
}
