//! Foreign text on its way to a person: nothing invisible, nothing that reorders, nothing endless.
//!
//! Every name, path and subject in an inventory may have been written by an attacker. What hides or turns
//! text becomes visible as [`groma_model::visible`] says; here it is cut as well. What a sink needs besides
//! (HTML, CSV, Markdown) is added by that sink alone.

use groma_model::visible::push_visible;

/// Longest text shown, in characters. What is longer is cut with `…`; `groma export` has all of it.
pub(crate) const LONGEST: usize = 400;

/// `text` with every control, bidirectional and zero-width character made visible, cut at [`LONGEST`].
pub(crate) fn visible(text: &str) -> String {
    if text.len() <= LONGEST {
        return groma_model::visible::visible(text).into_owned();
    }
    let mut shown = String::with_capacity(LONGEST * 2);
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        push_visible(&mut shown, c);
    }
    shown
}

/// The same, however long it is.
pub(crate) fn visible_whole(text: &str) -> String {
    groma_model::visible::visible(text).into_owned()
}

/// The first `length` characters of `text`, with `…` where something is left out.
pub(crate) fn cut(text: &str, length: usize) -> String {
    if text.len() <= length || text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_text_is_shown_in_short_and_in_long_names() {
        assert_eq!(visible("pay\u{202e}fdp.exe"), "pay[U+202E]fdp.exe");
        let long = format!("\u{1b}{}", "x".repeat(LONGEST));
        assert!(visible(&long).starts_with("␛xxx"));
    }

    #[test]
    fn endless_names_end() {
        let shown = visible(&"x".repeat(100_000));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
