//! Numbers, lengths of time and sizes, as people write them.

use std::time::Duration;

use crate::text::{Catalogue, fill};

/// `12 345`, with a narrow no-break space between thousands.
pub(crate) fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + 6);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// A length of time in its largest sensible unit: `30 s`, `12 min`, `5 h`, `3 days`.
pub(crate) fn length(time: Duration, words: &Catalogue) -> String {
    let seconds = time.as_secs();
    let (unit, n) = match seconds {
        0..120 => (words.seconds, seconds),
        120..7_200 => (words.minutes, seconds / 60),
        7_200..172_800 => (words.hours, seconds / 3_600),
        _ => (words.days, seconds / 86_400),
    };
    fill(
        words.plural(unit, n),
        &[&number(usize::try_from(n).unwrap_or(usize::MAX))],
    )
}

/// Bytes in binary units, as `16 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes}\u{a0}B");
    }
    let mut value = bytes;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024 {
            break;
        }
        // Keep one decimal below ten: 1.5 GiB says more than 1 GiB.
        if value < 10 * 1024 {
            let tenths = value * 10 / 1024;
            return format!("{}.{}\u{a0}{next}", tenths / 10, tenths % 10);
        }
        value /= 1024;
        unit = next;
    }
    format!("{value}\u{a0}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ENGLISH;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_000), "1\u{202f}000");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn lengths_use_one_unit() {
        let say = |seconds| length(Duration::from_secs(seconds), &ENGLISH);
        assert_eq!(say(30), "30 s");
        assert_eq!(say(600), "10 min");
        assert_eq!(say(3 * 3_600), "3 h");
        assert_eq!(say(3 * 86_400), "3 days");
    }

    #[test]
    fn sizes_use_one_unit() {
        assert_eq!(size(512), "512\u{a0}B");
        assert_eq!(size(1536), "1.5\u{a0}KiB");
        assert_eq!(size(16 << 30), "16\u{a0}GiB");
        assert_eq!(size(u64::MAX), "16383\u{a0}PiB");
    }
}
