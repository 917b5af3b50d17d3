//! The escape of this crate's terminal texts: what strangers wrote may not steer a terminal.

use std::fmt::Write as _;

/// `text` without anything that moves a cursor, hides or reverses: control characters, line and paragraph
/// separators, marks of writing direction, zero-width and tag characters become `\u{…}`.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            // Writing into a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c), 0xad | 0x61c | 0x115f..=0x1160 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        assert_eq!(
            plain("a\x1b[2Jb\u{202e}c\u{9b}\n"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{9b}\\u{a}"
        );
        assert_eq!(plain("почта-1 é 漢"), "почта-1 é 漢");
    }
}
