//! Foreign text on its way to a person: nothing invisible, nothing that reorders, nothing endless.

use groma_model::visible::{is_plain, push_visible};

/// Longest text shown, in characters.
const LONGEST: usize = 300;

/// `text` with every control, bidirectional and zero-width character made visible, cut at [`LONGEST`].
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST * 2));
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            out.push('…');
            break;
        }
        push_visible(&mut out, c);
    }
    out
}

/// True if a reader sees each character of `text` as it is, in the order in which they stand.
pub(super) fn is_plain_text(text: &str) -> bool {
    text.chars().all(is_plain)
}

/// `1 machine`, `3 machines`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The first ten of `names` made visible, and how many more there are of `total`.
pub(super) fn listed(names: &[String], total: usize) -> String {
    let first: Vec<String> = names.iter().take(10).map(|name| shown(name)).collect();
    let more = total.saturating_sub(first.len());
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Bytes in the largest unit that fits, as `12.5 GiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let fitting = (1..=units.len()).rev().find(|p| bytes >> (10 * p) > 0);
    let Some(power) = fitting else {
        return count(
            usize::try_from(bytes).unwrap_or(usize::MAX),
            "byte",
            "bytes",
        );
    };
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    let unit = units.get(power - 1).copied().unwrap_or_default();
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_text_is_shown_and_letters_of_every_script_stay() {
        assert_eq!(shown("a\u{1b}[31m\0b\u{202e}"), "a␛[31m␀b[U+202E]");
        for text in ["почта.example", "Büro-Drucker", "会計"] {
            assert_eq!(shown(text), text);
            assert!(is_plain_text(text));
        }
        assert!(!is_plain_text("a\u{200b}b"));
        assert_eq!(shown(&"x".repeat(9000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn sizes_use_one_unit() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
    }
}
