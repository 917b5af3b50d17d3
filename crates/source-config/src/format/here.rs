//! Here-documents of a shell: where one begins, and where it ends.

use std::borrow::Cow;
use std::collections::HashMap;

/// The last line each word stands on by itself: a document without its end is none, and its lines are commands.
pub(crate) struct Ends<'t>(HashMap<&'t str, usize>);

impl<'t> Ends<'t> {
    pub(crate) fn of(lines: &'t [(u32, Cow<'_, str>)]) -> Self {
        let alone = lines
            .iter()
            .enumerate()
            .map(|(at, (_, line))| (line.trim(), at));
        Self(alone.filter(|(word, _)| is_word(word)).collect())
    }

    /// The word that ends the document begun by `line`, the one at the index `at`.
    pub(crate) fn begun(&self, at: usize, line: &str) -> Option<String> {
        let word = here_document(line)?;
        self.0
            .get(word.as_str())
            .is_some_and(|last| *last > at)
            .then_some(word)
    }
}

/// A word that may end a document; a number is what something is shifted by.
fn is_word(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    word.bytes().all(plain) && word.bytes().any(|b| !b.is_ascii_digit())
}

/// The word behind `<<` where a shell takes it for the begin of a document: outside of quotes, comments and sums.
fn here_document(line: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let mut before = ' ';
    let mut letters = line.char_indices();
    while let Some((at, c)) = letters.next() {
        let rest = line.get(at..)?;
        match (open.last(), c) {
            (Some('\''), '\'') | (Some('"'), '"') | (Some('('), ')') => {
                open.pop();
            }
            (Some('\''), _) => {}
            (_, '\\') => {
                letters.next();
            }
            (_, '$') if rest.starts_with("$((") => skip_sum(&mut letters, rest, at),
            (_, '$') if rest.starts_with("$(") => {
                letters.next();
                open.push('(');
            }
            (Some('"'), _) => {}
            (_, '"' | '\'') => open.push(c),
            (_, '#') if before.is_whitespace() || matches!(before, ';' | '(') => return None,
            (_, '(') if rest.starts_with("((") => skip_sum(&mut letters, rest, at),
            (_, '(') => open.push(c),
            (_, '<') if rest.starts_with("<<<") => {
                letters.nth(1);
            }
            (_, '<') if rest.starts_with("<<") => return end_word(rest.get(2..)?),
            _ => {}
        }
        before = c;
    }
    None
}

/// Goes on behind a sum, or to the end where it does not end on this line.
fn skip_sum(letters: &mut std::str::CharIndices<'_>, rest: &str, at: usize) {
    let to = at + rest.find("))").map_or(rest.len(), |end| end + 2);
    while letters.offset() < to && letters.next().is_some() {}
}

fn end_word(after: &str) -> Option<String> {
    let after = after.strip_prefix('-').unwrap_or(after).trim_start();
    let word = after
        .split([' ', '\t', ';', '|', '>', '<', '&', ')'])
        .next()?;
    let word = word.trim_matches(['"', '\'', '\\']);
    (!word.is_empty() && is_word(word)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_for_shifting_or_within_quotes_begins_no_document() {
        for line in [
            "x=$((1<<4))",
            "x=$((a<<b)) # y",
            "((a<<b))",
            "let x=1<<4",
            "echo \"a << b\"",
            "echo 'a << b'",
            "cmd # <<EOF",
            "cat <<< EOF",
            "echo \\<<\\<",
        ] {
            assert_eq!(here_document(line), None, "{line}");
        }
        for line in [
            "cat <<EOF",
            "cat <<-'EOF' | sh",
            "cat > /x << \"EOF\"",
            "x=\"$(cat <<EOF",
            "x=$(( 1 << 2 )); cat <<\\EOF",
            "(cat <<EOF)",
            "a#b <<EOF",
        ] {
            assert_eq!(here_document(line).as_deref(), Some("EOF"), "{line}");
        }
    }

    #[test]
    fn no_line_breaks_it() {
        let _ = here_document(&"$((".repeat(100_000));
        groma_fuzz::hammer(
            1000,
            &[b"x=\"$(cat <<-'EOF' | a <<<b)\" # $((1<<2))"],
            |bytes| {
                let _ = here_document(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
