//! What samples of a load say together.

/// What 95 of 100 samples do not exceed, of samples with the smallest first. `None` without any.
pub(crate) fn p95(sorted: &[f64]) -> Option<f64> {
    let rank = (sorted.len() * 95).div_ceil(100).checked_sub(1)?;
    sorted.get(rank).copied()
}

/// Their mean. `None` without any.
pub(crate) fn mean(samples: &[f64]) -> Option<f64> {
    let count = u32::try_from(samples.len()).ok().filter(|many| *many > 0)?;
    Some(samples.iter().sum::<f64>() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_of_the_samples_may_be_higher() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(p95(&hundred), Some(95.0));
        assert_eq!(p95(&[7.0]), Some(7.0));
        assert_eq!(
            p95(&[1.0, 2.0, 9.0]),
            Some(9.0),
            "of three none is a twentieth"
        );
        assert_eq!(mean(&[1.0, 2.0, 9.0]), Some(4.0));
        assert_eq!((p95(&[]), mean(&[])), (None, None));
    }
}
