//! Foreign text on its way to a person: nothing invisible, nothing that reorders.
//!
//! Every name, path and subject may have been written by an attacker. A control character becomes its
//! picture (`␛`), a character that hides or turns text becomes its number (`[U+202E]`). How long a text
//! may be, and what a sink needs besides (HTML, CSV, a cell), is the business of that sink.

use std::borrow::Cow;

/// `text` with every control, bidirectional and zero-width character made visible.
///
/// ```
/// assert_eq!(groma_model::visible::visible("pay\u{202e}fdp.exe"), "pay[U+202E]fdp.exe");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.bytes().all(is_printable) || text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() * 2);
    text.chars().for_each(|c| push_visible(&mut shown, c));
    Cow::Owned(shown)
}

/// True for a character that a reader sees as it is.
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !is_deceptive(c)
}

/// Adds `c` to `shown`: as it is, as its picture, or as its number.
pub fn push_visible(shown: &mut String, c: char) {
    match c {
        '\u{0}'..='\u{1f}' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('␦')),
        '\u{7f}' => shown.push('␡'),
        c if is_plain(c) => shown.push(c),
        c => shown.push_str(&format!("[U+{:04X}]", c as u32)),
    }
}

/// Characters that a reader cannot see, that change the order of those around them, or that Unicode reserves as none: XML and
/// YAML forbid those.
fn is_deceptive(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_text_is_shown() {
        assert_eq!(visible("a\u{1b}[31mb"), "a␛[31mb");
        assert_eq!(visible("pay\u{202e}fdp.exe"), "pay[U+202E]fdp.exe");
        assert_eq!(visible("a\u{200b}b\u{feff}"), "a[U+200B]b[U+FEFF]");
        assert_eq!(visible("line\r\n\u{85}\0\u{7f}"), "line␍␊[U+0085]␀␡");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        for text in ["почта.example", "Büro-Drucker", "会計", "مكتب"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }
}
