//! The figure in the middle.

/// The median of some figures; the upper one of two in the middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The figure that `share` of the others are not above.
pub(crate) fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// A figure with so many digits as mean something.
pub(crate) fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_hundred_figures() {
        let figures: Vec<f64> = (0..100).rev().map(f64::from).collect();
        let found = [0.5, 0.99, 1.0].map(|share| quantile(&figures, share).to_string());
        assert_eq!(found, ["50", "99", "99"]);
        assert_eq!(median(&figures).to_string(), "50");
        assert!(median(&[]).is_nan());
    }
}
