//! Chance as an argument: whoever needs random bytes is handed their source.

/// A source of random bytes. Production uses [`SystemChance`]; a test may hand in a seeded one.
pub trait Chance: Send + Sync + std::fmt::Debug {
    /// Fills `bytes` with random values fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's cryptographically secure generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::RngExt::fill(&mut rand::rng(), bytes);
    }
}

impl dyn Chance + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
