//! What the print shows, from the sky down to the nearest wave.

use super::grain::{Noise, smooth};
use super::wave::Wave;
use super::{Ink, PAPER, VERMILION, over};

/// Inks of one palette: sky above, sky at the horizon, far water, near water, depth.
const PALETTES: [[Ink; 5]; 3] = [
    // Dawn in Prussian blue.
    [[0.13, 0.25, 0.42], [0.94, 0.79, 0.63], [0.55, 0.70, 0.74], [0.20, 0.40, 0.56], [0.07, 0.17, 0.33]],
    // A green sea under a yellow sky.
    [[0.20, 0.36, 0.40], [0.95, 0.84, 0.58], [0.60, 0.74, 0.68], [0.20, 0.45, 0.47], [0.05, 0.20, 0.27]],
    // Dusk in indigo and rose.
    [[0.23, 0.21, 0.40], [0.93, 0.68, 0.60], [0.60, 0.62, 0.72], [0.28, 0.34, 0.55], [0.10, 0.13, 0.30]],
];
/// How many swells lie between the horizon and the foreground.
const SWELLS: i32 = 6;

/// The picture inside the block's edge. Lengths are in pixels.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) width: f32,
    pub(super) height: f32,
    inks: [Ink; 5],
    horizon: f32,
    sun: (f32, f32, f32),
    peak: (f32, f32),
    waves: Vec<Wave>,
}

impl Scene {
    /// Chooses the picture that belongs to the noise's seed.
    pub(super) fn new(noise: Noise, width: f32, height: f32) -> Self {
        let inks = PALETTES[(noise.choice(0) * PALETTES.len() as f32) as usize % PALETTES.len()];
        let horizon = 0.50 * height;
        let mirrored = noise.choice(1) < 0.5;
        let side = |at: f32| if mirrored { width * (1.0 - at) } else { width * at };
        let radius = width * (0.15 + 0.03 * noise.choice(3));
        let sun = (side(0.68 + 0.06 * noise.choice(2)), height * (0.235 + 0.03 * noise.choice(4)), radius);
        let peak = (side(0.30 + 0.06 * noise.choice(5)), height * (0.325 + 0.02 * noise.choice(6)));
        let waves = (0..SWELLS).map(|order| {
            let near = order as f32 / (SWELLS - 1) as f32;
            Wave {
                order,
                level: horizon + height * (0.035 + 0.45 * near.powf(1.2)),
                height: height * (0.022 + 0.185 * near.powf(1.1)),
                length: width * (0.16 + 0.50 * near),
                phase: 3.0 * noise.choice(10 + order),
                light: over(inks[2], inks[3], near),
                deep: over(inks[3], inks[4], 0.25 + 0.75 * near),
            }
        });
        Self { width, height, inks, horizon, sun, peak, waves: waves.collect() }
    }

    /// The color of the print at a place inside it.
    pub(super) fn color(&self, noise: Noise, x: f32, y: f32) -> Ink {
        let behind = self.waves.iter().rposition(|wave| wave.hides(noise, x, y));
        let color = if behind.is_none() { self.air(noise, x, y) } else { PAPER };
        let shown = &self.waves[behind.unwrap_or(0)..];
        shown.iter().fold(color, |color, wave| wave.print(noise, color, x, y))
    }

    fn air(&self, noise: Noise, x: f32, y: f32) -> Ink {
        let color = self.sky(noise, x, y);
        let color = self.mountain(noise, color, x + 1.0, y - 0.6);
        self.mist(noise, color, x, y)
    }

    /// Graded by hand (bokashi): dark above, warm at the horizon, the sun between.
    fn sky(&self, noise: Noise, x: f32, y: f32) -> Ink {
        let ink = noise.wood(x, y);
        let [above, low, ..] = self.inks;
        let streak = 0.03 * self.height * (noise.at(x * 0.004, y * 0.012) - 0.5);
        let dark = 1.0 - smooth(-0.04 * self.height, 0.30 * self.height, y + streak);
        let warm = smooth(0.22 * self.height, self.horizon, y + streak);
        let mut color = over(PAPER, low, 0.85 * warm * ink);
        let (sun_x, sun_y, radius) = self.sun;
        // A block of its own, two pixels out of register.
        let from_center = (x - sun_x - 1.5).hypot(y - sun_y + 1.0);
        let disc = 1.0 - smooth(radius - 0.8, radius + 0.8, from_center);
        let graded = 0.97 - 0.42 * smooth(sun_y - 0.2 * radius, sun_y + radius, y);
        color = over(color, VERMILION, disc * graded * noise.wood(x + 400.0, y * 0.9 + 77.0));
        over(color, above, (1.0 - 0.75 * disc) * dark * 0.95 * ink)
    }

    /// A volcano with snow on it.
    fn mountain(&self, noise: Noise, under: Ink, x: f32, y: f32) -> Ink {
        let (peak_x, peak_y) = self.peak;
        let away = ((x - peak_x) / (0.36 * self.width)).abs();
        let foot = self.horizon + 0.03 * self.height;
        let flank = (1.0 - away).max(0.0).powf(1.75);
        let notch = 0.012 * self.height * smooth(0.035, 0.0, away);
        let ridge = 0.006 * self.height * (noise.at(x * 0.03, 3.0) - 0.5);
        let top = foot - (foot - peak_y) * flank + notch + ridge;
        let inside = smooth(-0.7, 0.7, y - top);
        let [_, _, far, near, deep] = self.inks;
        let fall = smooth(peak_y, foot, y);
        let body = over(over(near, deep, 0.35), over(far, PAPER, 0.45), fall);
        let mut color = over(under, body, inside * noise.wood(x * 1.3, y + 900.0));
        // Snow runs down in tongues.
        let tongue =
            0.055 * self.height * (0.35 + (noise.at(x * 0.045, 11.0) + 0.5 * noise.at(x * 0.11, 5.0)));
        let snow = 1.0 - smooth(-1.0, 1.0, y - peak_y - tongue);
        color = over(color, PAPER, 0.96 * inside * snow);
        let outline = 1.0 - smooth(0.6, 1.7, (y - top).abs());
        over(color, deep, 0.75 * outline * smooth(1.0, 0.9, away))
    }

    /// Bands of mist with round ends, as old printers cut them.
    fn mist(&self, noise: Noise, under: Ink, x: f32, y: f32) -> Ink {
        let mut color = under;
        for band in 0..5 {
            let chance = |what: i32| noise.choice(40 + 10 * band + what);
            let thick = self.height * (0.009 + 0.008 * chance(0));
            let middle_y = self.height * (0.335 + 0.032 * band as f32 + 0.008 * chance(1));
            let half = self.width * (0.10 + 0.20 * chance(2));
            let middle_x = self.width * chance(3);
            let outside = ((x - middle_x).abs() - half).max(0.0).hypot(y - middle_y);
            let veil = 1.0 - smooth(thick - 0.8, thick + 0.8, outside);
            let edge = 1.0 - smooth(0.5, 1.5, (outside - thick).abs());
            color = over(color, over(PAPER, self.inks[1], 0.18), 0.9 * veil);
            color = over(color, self.inks[3], 0.35 * edge);
        }
        color
    }
}
