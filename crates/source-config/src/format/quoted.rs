//! Text in double quotes with `\` before what is meant as it is: preferences and registry exports write it alike.

/// The text in the quotes `text` begins with, and what follows.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((out, rest.get(at + 1..)?)),
            _ => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_quote_does_not_end_the_text() {
        let read = quoted(r#""a\"b\\c" rest"#);
        assert_eq!(read, Some((r#"a"b\c"#.to_owned(), " rest")));
        assert_eq!(quoted(r#""never closed\""#), None);
        assert_eq!(quoted("bare"), None);
    }
}
