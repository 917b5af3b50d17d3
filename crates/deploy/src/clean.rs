//! What a far side said, fit to be shown: no control characters, nothing that turns the direction of writing, not long.

/// Letters of a reason that is shown.
const REASON_MAX: usize = 400;

/// The text on one line.
pub(crate) fn line(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !turns_direction(*c))
        .take(REASON_MAX)
        .collect();
    shown.trim().to_owned()
}

/// The last lines of what was said, joined: a program says last why it ended.
pub(crate) fn reason(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(3);
    line(&lines.get(last..).unwrap_or_default().join("; "))
}

/// Marks of the bidirectional algorithm (UAX #9), and what has no width.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(line("\u{1b}[2Ja\u{202e}b\u{7}\tc\r\n"), "[2Jab c");
        assert_eq!(line(&"x".repeat(10_000)).len(), REASON_MAX);
        assert_eq!(reason("a\n\nb\nc\nd\n"), "b; c; d");
        assert_eq!(reason(""), "");
    }
}
