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
                "{} used at least once in {reach} and still unseen, beside {known} that are known{}.",
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
