//! How documents speak of several things: plurals, lists that end, sizes, times to live, addresses with ports.

use std::collections::HashSet;
use std::hash::Hash;

use crate::inventory::Provider;
use crate::registry::REGISTRY;

/// Names a list prints before it says "and N more".
const NAMES_MAX: usize = 6;

/// `1 host`, `2 hosts`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The word that agrees with `number`: `agree(1, "stops", "stop")` is `stops`.
pub fn agree(number: usize, one: &'static str, many: &'static str) -> &'static str {
    if number == 1 { one } else { many }
}

/// `a`, `a and b`, `a, b and c`, and from the seventh on `a, b, c, d, e, f and 3 more`. Doubles count once.
pub fn names<S: AsRef<str> + Ord + Hash>(names: impl IntoIterator<Item = S>) -> String {
    told(names, |name| name.as_ref().to_owned())
}

/// As [`names`], for things that have an order of their own: only those that are printed are put into words.
pub fn told<K: Ord + Hash>(
    things: impl IntoIterator<Item = K>,
    say: impl Fn(&K) -> String,
) -> String {
    // Forty thousand consumers are told by six of them: the others are counted, and never put in order.
    let unique: HashSet<K> = things.into_iter().collect();
    let more = match unique.len().saturating_sub(NAMES_MAX) {
        1 => 0,
        more => more,
    };
    let first = first(unique.iter(), unique.len() - more);
    let mut said: Vec<String> = first.into_iter().map(say).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    joined(&said)
}

/// The first `many` of `things`, in order.
fn first<K: Ord>(things: impl Iterator<Item = K>, many: usize) -> Vec<K> {
    let mut first: Vec<K> = Vec::with_capacity(many + 1);
    for thing in things {
        if first.len() < many || first.last().is_some_and(|last| thing < *last) {
            let at = first.partition_point(|before| *before < thing);
            first.insert(at, thing);
            first.truncate(many);
        }
    }
    first
}

fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `812 bytes`, `3.4 GiB`: a number a person can compare.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} bytes");
    }
    let (mut tenths, mut unit) = (u128::from(number) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `5 minutes`, `1 day`, `36 hours`: a time to live in the largest unit that counts it whole.
pub fn lasting(seconds: u32) -> String {
    let whole = |unit: u32| seconds >= unit && seconds.is_multiple_of(unit);
    let (number, one, many) = match seconds {
        _ if whole(86_400) => (seconds / 86_400, "day", "days"),
        _ if whole(3_600) => (seconds / 3_600, "hour", "hours"),
        _ if whole(60) => (seconds / 60, "minute", "minutes"),
        _ => (seconds, "second", "seconds"),
    };
    count(number as usize, one, many)
}

/// `in 12 days`, `tomorrow`, `today`, `3 days ago`.
pub fn in_days(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "1 day ago".to_owned(),
        ahead if ahead > 0 => format!("in {ahead} days"),
        ago => format!("{} days ago", ago.unsigned_abs()),
    }
}

/// `mail1`, or `mail1:25` where the port is known.
pub fn place(provider: &Provider) -> String {
    match provider.port {
        Some(port) if provider.name.contains(':') => format!("[{}]:{port}", provider.name),
        Some(port) => format!("{}:{port}", provider.name),
        None => provider.name.clone(),
    }
}

/// What a kind is called in front of a person: `directory logon (LDAP)`.
pub fn title(kind: &str) -> &'static str {
    REGISTRY.kind(kind).title.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_after_six_names() {
        assert_eq!(names(["a"]), "a");
        assert_eq!(names(["b", "a", "b"]), "a and b");
        assert_eq!(
            names(["a", "b", "c", "d", "e", "f", "g"]),
            "a, b, c, d, e, f and g"
        );
        assert_eq!(
            names(["a", "b", "c", "d", "e", "f", "g", "h"]),
            "a, b, c, d, e, f and 2 more"
        );
    }

    #[test]
    fn one_is_not_plural() {
        assert_eq!(count(1, "host", "hosts"), "1 host");
        assert_eq!(count(0, "host", "hosts"), "0 hosts");
        assert_eq!(in_days(1), "tomorrow");
        assert_eq!(in_days(-1), "1 day ago");
        assert_eq!(in_days(-2), "2 days ago");
        assert_eq!(bytes(812), "812 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 30), "5.0 GiB");
    }
}
