//! What a number may be: a low, a middle and a high, out of a mixture of counts.

/// Of the chance, half of a tenth lies below the low end and half of it above the high one.
const TAIL: f64 = 0.05;
/// Above this mean a count is told by a smooth curve instead of step by step.
const SMOOTH: f64 = 60.0;
/// No count is looked for beyond this.
const COUNT_MAX: f64 = 1e9;

/// A 90 % interval of a count, with its middle (the median).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// One time in twenty it is less.
    pub low: f64,
    /// As often more as less.
    pub middle: f64,
    /// One time in twenty it is more.
    pub high: f64,
}

impl Interval {
    /// Low, middle and high, as the document holds them.
    pub fn as_array(self) -> [f64; 3] {
        [self.low, self.middle, self.high]
    }

    /// True if `count` lies in it.
    pub fn covers(&self, count: f64) -> bool {
        self.low <= count && count <= self.high
    }
}

/// One possibility: a negative binomial count of this mean and shape, `scale` at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Possibility {
    pub(crate) weight: f64,
    pub(crate) mean: f64,
    pub(crate) shape: f64,
    pub(crate) scale: f64,
}

/// The interval of a mixture of possibilities; weights need not add up to one.
pub(crate) fn interval(possibilities: &[Possibility]) -> Interval {
    let all: f64 = possibilities.iter().map(|p| p.weight).sum();
    let likely: Vec<Possibility> = possibilities
        .iter()
        .filter(|p| p.weight > all * 1e-5)
        .copied()
        .collect();
    let quantile = |share: f64| quantile(&likely, share);
    Interval {
        low: quantile(TAIL),
        middle: quantile(0.5),
        high: quantile(1.0 - TAIL),
    }
}

/// The least whole count that is not exceeded with chance `share`.
fn quantile(possibilities: &[Possibility], share: f64) -> f64 {
    let all: f64 = possibilities.iter().map(|p| p.weight).sum();
    let reached = |count: f64| {
        let below: f64 = possibilities
            .iter()
            .map(|p| p.weight * p.up_to(count))
            .sum();
        below >= share * all
    };
    if reached(0.0) {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while !reached(high) && high < COUNT_MAX {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 1.0 {
        let middle = f64::floor((low + high) / 2.0);
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

impl Possibility {
    /// The chance that it is `count` or less.
    fn up_to(&self, count: f64) -> f64 {
        let steps = (count / self.scale).floor();
        if self.mean > SMOOTH {
            return self.smooth(steps + 0.5);
        }
        let odds = self.mean / (self.shape + self.mean);
        let mut chance = (1.0 - odds).powf(self.shape);
        let (mut sum, mut at) = (chance, 0.0);
        while at < steps && sum < 1.0 - 1e-9 {
            chance *= (self.shape + at) / (at + 1.0) * odds;
            sum += chance;
            at += 1.0;
        }
        sum.min(1.0)
    }

    /// The same for a gamma distribution of the same mean and variance (Wilson and Hilferty 1931).
    fn smooth(&self, count: f64) -> f64 {
        let variance = self.mean + self.mean * self.mean / self.shape;
        let shape = self.mean * self.mean / variance;
        let ninth = 1.0 / (9.0 * shape);
        normal(((count / self.mean).cbrt() - (1.0 - ninth)) / ninth.sqrt())
    }
}

/// The chance that a standard normal number is `z` or less (Zelen and Severo 1964; error below 1e-7).
pub(crate) fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let sum = series
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    let tail = sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(mean: f64, shape: f64) -> Interval {
        interval(&[Possibility {
            weight: 1.0,
            mean,
            shape,
            scale: 1.0,
        }])
    }

    #[test]
    fn nothing_expected_is_nothing_counted() {
        assert_eq!(one(0.0, 0.5).as_array(), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_count_of_nearly_fixed_mean_is_a_poisson_count() {
        // Tables of the Poisson distribution of mean 10: 5 % at 5, half at 10, 95 % at 15.
        assert_eq!(one(10.0, 1e6).as_array(), [5.0, 10.0, 15.0]);
    }

    #[test]
    fn smooth_and_stepwise_meet_where_one_takes_over() {
        let (step, smooth) = (one(SMOOTH - 0.01, 5.0), one(SMOOTH + 0.01, 5.0));
        for (a, b) in step.as_array().into_iter().zip(smooth.as_array()) {
            assert!((a - b).abs() <= 2.0, "{step:?} {smooth:?}");
        }
    }

    #[test]
    fn the_normal_distribution_is_the_one_of_the_tables() {
        assert!((normal(1.644_853_6) - 0.95).abs() < 1e-6);
        assert!((normal(-1.644_853_6) - 0.05).abs() < 1e-6);
    }
}
