//! The estimate in plain sentences.

use crate::curve::Curve;
use crate::hosts::Missed;
use crate::silence::Days;
use crate::spread::Interval;

/// What is said of machines: `seen` were met, and `only_named` stand on lists and in files alone.
pub(crate) fn of_hosts(missed: &Missed, seen: usize, only_named: usize) -> Vec<String> {
    let known = seen;
    let first = match bare(&missed.unseen) {
        true => format!(
            "{known} machines were met, and the ways of looking agree: no other is likely to be there."
        ),
        false => format!(
            "{} there that nobody met, beside {known} that were.",
            about(&missed.unseen, "machine", ["is", "are"])
        ),
    };
    let mut says = vec![
        first,
        "A machine that leaves no trace anywhere cannot be counted.".to_owned(),
    ];
    if only_named > 0 {
        let [stand, are] = if only_named == 1 {
            ["stands", "is"]
        } else {
            ["stand", "are"]
        };
        says.push(format!(
            "{} more {stand} on a list or in a file and {are} not counted: nobody met what they name.",
            only_named
        ));
    }
    says
}

/// What is said of dependencies, of which `seen` were seen in use; `fresh` were left out.
pub(crate) fn of_dependencies(curve: &Curve, seen: usize, fresh: usize) -> Vec<String> {
    let reach = Days(curve.watched_days);
    let known = seen;
    let first = match (bare(&curve.unseen), curve.halves_in_days) {
        (true, _) => format!(
            "{known} dependencies were seen in {reach}; another {reach} would hardly show one more."
        ),
        (false, halves) => {
            let halves = halves.map(|days| match days.ceil() {
                1.0 => "; one more day halves that".to_owned(),
                days => format!("; {days:.0} more days halve that"),
            });
            format!(
                "{} still unseen that another {reach} of watching would show, beside {known} that are known{}.",
                about(&curve.unseen, "dependency", ["is", "are"]),
                halves.unwrap_or_default()
            )
        }
    };
    let rare = format!(
        "Jobs that run less often than every {reach} cannot be judged yet, unless a log or a schedule told of them."
    );
    let mut says = vec![first, rare];
    if fresh > 0 {
        says.push(format!(
            "{} more were seen where nobody watched for two days yet, and are not judged.",
            fresh
        ));
    }
    says
}

/// True where there is nothing to count.
fn bare(unseen: &Interval) -> bool {
    unseen.high < 1.0
}

/// As `About 14 (9 to 26) machines are`.
fn about(unseen: &Interval, thing: &str, [is, are]: [&str; 2]) -> String {
    let Interval { low, middle, high } = *unseen;
    let one = number(middle) == "1";
    let things = match thing.strip_suffix('y') {
        _ if one => thing.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{thing}s"),
    };
    let verb = if one { is } else { are };
    format!(
        "About {} ({} to {}) {things} {verb}",
        number(middle),
        number(low),
        number(high)
    )
}

/// A number as a person says it: two digits that count, the rest zeros. Whole below a hundred.
fn number(of: f64) -> String {
    let of = of.round().max(0.0);
    let digits = if of < 100.0 {
        0.0
    } else {
        of.log10().floor() - 1.0
    };
    let unit = 10_f64.powf(digits);
    format!("{:.0}", (of / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, middle: f64, high: f64) -> Interval {
        Interval { low, middle, high }
    }

    fn curve(unseen: Interval, halves_in_days: Option<f64>) -> Curve {
        Curve {
            unseen,
            halves_in_days,
            watched_days: 12.0,
        }
    }

    #[test]
    fn what_is_unseen_is_said_in_one_sentence() {
        let says = of_dependencies(&curve(interval(9.0, 14.0, 26.0), Some(4.2)), 310, 0);
        assert_eq!(
            says,
            [
                "About 14 (9 to 26) dependencies are still unseen that another 12 days of watching would show, beside 310 that are known; \
                 5 more days halve that.",
                "Jobs that run less often than every 12 days cannot be judged yet, unless a log or a schedule told of them.",
            ]
        );
    }

    #[test]
    fn an_audit_that_is_finished_does_not_frighten() {
        let says = of_dependencies(&curve(interval(0.0, 0.0, 0.0), None), 310, 0);
        assert!(says[0].contains("another 12 days would hardly show one more"));
        let missed = Missed {
            unseen: interval(0.0, 0.0, 0.0),
            lists: 3,
            merged: 0,
        };
        assert!(of_hosts(&missed, 140, 0)[0].contains("no other is likely"));
    }

    #[test]
    fn one_is_not_many() {
        let missed = Missed {
            unseen: interval(0.0, 1.0, 3.0),
            lists: 3,
            merged: 0,
        };
        let says = of_hosts(&missed, 140, 1);
        assert_eq!(
            says[0],
            "About 1 (0 to 3) machine is there that nobody met, beside 140 that were."
        );
        assert!(says[2].starts_with("1 more stands on a list"));
    }

    #[test]
    fn large_numbers_are_said_as_roughly_as_they_are_known() {
        for (of, said) in [
            (0.4, "0"),
            (9.5, "10"),
            (99.0, "99"),
            (143.0, "140"),
            (1468.0, "1500"),
        ] {
            assert_eq!(number(of), said);
        }
    }
}
