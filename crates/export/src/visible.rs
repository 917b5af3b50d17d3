//! Foreign text on its way to another tool: nothing invisible, nothing that reorders, nothing a format cannot hold.
//!
//! A control character becomes its picture (`␛`), a character that hides or turns text becomes its number
//! (`[U+202E]`), and so does what Unicode reserves as no character: XML 1.0 and YAML 1.2 forbid it. Nothing is cut
//! here; a format with a limit cuts for itself.

/// `text` with everything made visible that a reader would not see.
pub(crate) fn visible(text: &str) -> String {
    groma_model::visible::visible(text).into_owned()
}

/// The first `length` characters of `text`, the last of them `…` where something is left out.
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
    fn what_hides_or_turns_text_is_shown() {
        assert_eq!(visible("a\u{1b}[31mb\0"), "a␛[31mb␀");
        assert_eq!(visible("pay\u{202e}fdp.exe"), "pay[U+202E]fdp.exe");
        assert_eq!(visible("line\r\n\u{85}"), "line␍␊[U+0085]");
        assert_eq!(visible("\u{fffe}\u{1ffff}"), "[U+FFFE][U+1FFFF]");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        for text in [
            "почта.example",
            "Büro-Drucker",
            "会計",
            "مكتب",
            "a b\u{fffd}",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
