//! Chance that is the same every time: smooth noise over the plane, and the grain of wood made of it.

/// Smooth noise over the plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    seed: u64,
}

/// From 0 at `low` to 1 at `high`, without a kink.
pub(super) fn smooth(low: f32, high: f32, at: f32) -> f32 {
    let t = ((at - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number of 0 to 1 that belongs to a grid point (the finalizer of `SplitMix64`).
    pub(super) fn point(self, x: i32, y: i32) -> f32 {
        let (x, y) = (u64::from(x.cast_unsigned()), u64::from(y.cast_unsigned()));
        let mut z = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (x << 32 | y);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// A number of 0 to 1 that the seed gives for `purpose`.
    pub(super) fn choice(self, purpose: i32) -> f32 {
        self.point(purpose, -1)
    }

    /// Noise of one scale.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (column, row) = (left as i32, top as i32);
        let across = smooth(0.0, 1.0, x - left);
        let between = |row| {
            let (from, to) = (self.point(column, row), self.point(column.wrapping_add(1), row));
            from + (to - from) * across
        };
        let (from, to) = (between(row), between(row.wrapping_add(1)));
        from + (to - from) * smooth(0.0, 1.0, y - top)
    }

    /// Noise of three scales.
    pub(super) fn cloud(self, x: f32, y: f32) -> f32 {
        let octave = |scale: f32, shift: f32| self.at(x * scale + shift, y * scale + shift);
        (octave(1.0, 0.0) * 4.0 + octave(2.03, 17.0) * 2.0 + octave(4.1, 31.0)) / 7.0
    }

    /// How much ink a block of wood leaves at this place, about 0.8 to 1: `x` runs along the grain.
    pub(super) fn wood(self, x: f32, y: f32) -> f32 {
        let ring = y * 0.02 + 2.6 * self.at(x * 0.0016, y * 0.005);
        let line = (ring * std::f32::consts::TAU).sin() * 0.5 + 0.5;
        let pore = self.at(x * 0.02, y * 0.55);
        let speck = smooth(0.74, 0.95, self.at(x * 0.43, y * 0.43));
        1.0 - 0.075 * line - 0.075 * pore - 0.12 * speck
    }
}
