//! Foreign text on its way to a person: nothing invisible, nothing that reorders, nothing endless.
//!
//! Every name, path and subject in an inventory may have been written by an attacker. A control
//! character becomes its picture (`␛`), a character that hides or turns text becomes its number
//! (`[U+202E]`). What a sink needs besides (HTML, CSV, Markdown) is added by that sink alone.

/// Longest text shown, in characters. What is longer is cut with `…`; `groma export` has all of it.
pub const LONGEST: usize = 400;

/// `text` with every control, bidirectional and zero-width character made visible, cut at [`LONGEST`].
pub fn visible(text: &str) -> String {
    let plain = |c: char| !c.is_control() && !is_deceptive(c);
    let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.len() <= LONGEST && (text.bytes().all(is_printable) || text.chars().all(plain)) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len().min(LONGEST * 2));
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        push_visible(&mut shown, c);
    }
    shown
}

fn push_visible(shown: &mut String, c: char) {
    match c {
        '\u{0}'..='\u{1f}' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('␦')),
        '\u{7f}' => shown.push('␡'),
        c if c.is_control() || is_deceptive(c) => shown.push_str(&format!("[U+{:04X}]", c as u32)),
        c => shown.push(c),
    }
}

/// Characters that a reader cannot see, or that change the order of those around them.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first `length` characters of `text`, with `…` where something is left out.
pub fn cut(text: &str, length: usize) -> String {
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
        assert_eq!(visible("a\u{1b}[31mb"), "a␛[31mb");
        assert_eq!(visible("pay\u{202e}fdp.exe"), "pay[U+202E]fdp.exe");
        assert_eq!(visible("a\u{200b}b\u{feff}"), "a[U+200B]b[U+FEFF]");
        assert_eq!(visible("line\r\n\u{85}"), "line␍␊[U+0085]");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        for text in ["почта.example", "Büro-Drucker", "会計", "مكتب"] {
            assert_eq!(visible(text), text);
        }
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
