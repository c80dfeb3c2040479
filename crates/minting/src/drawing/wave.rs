//! One swell of the sea: its crest, the lines cut along it, its foam and its spray.

use std::f32::consts::TAU;

use super::grain::{Noise, smooth};
use super::{Ink, PAPER, over};

/// One swell, printed over those behind it. Lengths are in pixels.
#[derive(Debug)]
pub(super) struct Wave {
    /// Which one, from the horizon to the foreground; also its stream of chance.
    pub(super) order: i32,
    /// The level that the water would have at rest.
    pub(super) level: f32,
    /// How high the crest rises above it.
    pub(super) height: f32,
    /// From crest to crest.
    pub(super) length: f32,
    /// Where the first crest stands, in crests.
    pub(super) phase: f32,
    /// Color just under the crest.
    pub(super) light: Ink,
    /// Color in the depth.
    pub(super) deep: Ink,
}

impl Wave {
    /// How far the crest rises over `x`, 0 to 1: pointed tops that lean forward, of unequal height.
    fn rise(&self, noise: Noise, x: f32) -> f32 {
        let t = x / self.length + self.phase;
        let lean = t + 0.125 * (TAU * t).cos();
        let arch = 1.0 - (std::f32::consts::PI * lean).sin().abs();
        let uneven = 0.62 + 0.38 * noise.at(t * 0.83 + 5.0, f32_of(self.order) * 3.7);
        arch.powf(1.2) * uneven
    }

    /// Whether nothing behind the swell shows here.
    pub(super) fn hides(&self, noise: Noise, x: f32, y: f32) -> bool {
        y > self.level + 2.0 || y > self.level - self.height * self.rise(noise, x) + 2.0
    }

    /// Prints the swell over what is there.
    pub(super) fn print(&self, noise: Noise, under: Ink, x: f32, y: f32) -> Ink {
        // Far above the crest there is neither water nor spray.
        if y < self.level - 1.6 * self.height {
            return under;
        }
        let rise = self.rise(noise, x);
        let slope = self.height * (self.rise(noise, x + 1.0) - rise);
        let steep = (1.0 + slope * slope).sqrt();
        let below = y - (self.level - self.height * rise);
        let above = -below / steep;
        let mut color = under;
        if below > -2.0 {
            let body = self.body(noise, x, y, rise, below);
            color = over(color, body, smooth(-0.7, 0.7, below / steep));
            let outline = 1.0 - smooth(0.9, 2.2, (below / steep - 0.6).abs());
            color = over(color, self.deep.map(|ink| ink * 0.62), 0.9 * outline);
        }
        let spray = self.spray(noise, x, y, rise, above);
        over(color, PAPER, spray)
    }

    fn body(&self, noise: Noise, x: f32, y: f32, rise: f32, below: f32) -> Ink {
        // The lines flatten with depth. A line of depth d runs at level + d − height · rise · e^(−d / reach).
        let reach = 1.7 * self.height;
        let mut depth = below;
        for _ in 0..3 {
            depth = y - self.level + self.height * rise * (-depth.max(0.0) / reach).exp();
        }
        let depth = depth.max(0.0);
        let ink = noise.wood(x, y + 131.0 * f32_of(self.order));
        let color = over(self.light, self.deep, smooth(0.0, 2.3 * self.height, depth));
        let mut color = over(PAPER, color, ink);

        let spacing = 0.085 * self.height + 4.0;
        let warp = 0.35 * noise.at(x * 0.012, f32_of(self.order) * 9.0 + depth * 0.008);
        let at = depth / spacing + warp;
        let from_line = (at - at.round()).abs() * spacing;
        let broken = smooth(0.28, 0.4, noise.at(x * 0.018 + at.round() * 7.3, at.round()));
        let fade = 1.0 - smooth(1.2 * self.height, 2.6 * self.height, depth);
        let thickness = 0.35 + 0.24 * spacing * 0.35 * fade;
        let line = (1.0 - smooth(thickness, thickness + 1.2, from_line)) * broken;
        let pale = over(self.light, PAPER, 0.55);
        color = over(color, pale, 0.75 * line * (0.25 + 0.75 * fade));

        // Foam: bare paper under the crest with a scalloped hem, and a second, thinner fall of it.
        let scallop = |width: f32| ((x / width + self.phase) * std::f32::consts::PI).sin().abs();
        let hem = self.height * rise.powf(1.6) * (0.2 + 0.2 * scallop(0.16 * self.height));
        let foam = 1.0 - smooth(hem - 0.8, hem + 0.8, below);
        let contour = 1.0 - smooth(0.8, 1.9, (below - hem).abs());
        let curl = (below / (0.055 * self.height + 2.0) + 0.9 * scallop(0.08 * self.height)).fract();
        let shade = foam * smooth(0.72, 0.9, curl) * smooth(2.0, 6.0, below);
        color = over(color, PAPER, foam);
        color = over(color, self.light, 0.5 * shade);
        over(color, self.deep, 0.85 * contour * smooth(0.03, 0.12, rise))
    }

    /// Drops thrown up near the tops, one at most in each cell of a grid.
    fn spray(&self, noise: Noise, x: f32, y: f32, rise: f32, above: f32) -> f32 {
        let cell = 0.05 * self.height + 5.0;
        if above < 0.12 * cell || rise < 0.12 {
            return 0.0;
        }
        let (i, j) = ((x / cell).floor(), (y / cell).floor());
        let chance = |stream: i32| noise.point(i as i32 + 811 * (self.order + 1), j as i32 + 4_099 * stream);
        let likely = 0.62 * smooth(0.12, 0.7, rise) * (1.0 - smooth(0.0, 0.42 * self.height, above));
        if chance(1) > likely {
            return 0.0;
        }
        let radius = cell * (0.1 + 0.2 * chance(2));
        let center = |at: f32, stream: i32| (at + 0.3 + 0.4 * chance(stream)) * cell;
        let distance = (x - center(i, 3)).hypot(y - center(j, 4));
        1.0 - smooth(radius - 0.6, radius + 0.6, distance)
    }
}

fn f32_of(order: i32) -> f32 {
    order as f32
}
