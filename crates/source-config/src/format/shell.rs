//! What a shell would read: assignments and commands. Nothing is run; variables are filled in where the
//! same file defines them with plain text.

use std::collections::BTreeMap;

use super::here::Ends;
use crate::settings::Settings;
use crate::text::{joined_lines, split_near};

/// Nested command substitutions beyond this are left as they are.
const DEPTH_MAX: usize = 4;
/// Words one line may have.
const WORDS_MAX: usize = 4096;

/// Assignments as settings, everything else as settings with the key `command`.
pub(super) fn shell(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut here_end: Option<String> = None;
    let lines = joined_lines(text);
    let ends = Ends::of(&lines);
    for (at, (number, line)) in lines.iter().enumerate() {
        if let Some(end) = &here_end {
            if line.trim() == end.as_str() {
                here_end = None;
            }
            continue;
        }
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        here_end = ends.begun(at, body);
        statement(&mut settings, &mut variables, *number, body);
    }
    settings
}

fn statement(
    settings: &mut Settings,
    variables: &mut BTreeMap<String, String>,
    number: u32,
    body: &str,
) {
    let mut rest = body
        .strip_prefix("export ")
        .or_else(|| body.strip_prefix("local "))
        .unwrap_or(body)
        .trim_start();
    while let Some((name, after)) = assignment(rest) {
        let (value, tail) = first_word(after);
        let value = expand(&value, variables);
        settings.add(number, 0, "", name, &value);
        if value.len() < 4096 && variables.len() < 4096 {
            variables.insert(name.to_owned(), value);
        }
        rest = tail.trim_start().trim_start_matches(';').trim_start();
    }
    if !rest.is_empty() && !rest.starts_with('#') {
        settings.add(number, 0, "", "command", &expand(rest, variables));
    }
}

/// Splits `NAME=rest`.
pub(crate) fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let fits = name
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let word = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    (fits && word && name.len() <= 128).then_some((name, rest))
}

/// The first word of `text`, unquoted, and what follows it.
fn first_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if c.is_whitespace() || c == ';' => {
                return (word, text.get(at..).unwrap_or_default());
            }
            _ => word.push(c),
        }
    }
    (word, "")
}

/// Fills in `$name`, `${name}` and `${name:-default}` where the value is known; the rest stays.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    if !text.contains('$') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, default, tail) = reference(after);
        let known = variables
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.contains('$'))
            .or(default);
        match known {
            Some(value) if !name.is_empty() && out.len() + value.len() < 64 << 10 => {
                out.push_str(value)
            }
            _ => {
                out.push('$');
                out.push_str(after.get(..after.len() - tail.len()).unwrap_or_default());
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Name, default and rest of what follows a `$`.
fn reference(after: &str) -> (&str, Option<&str>, &str) {
    let stops = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    if let Some((inner, tail)) = after.strip_prefix('{').and_then(|a| split_near(a, b'}')) {
        let end = inner.find(stops).unwrap_or(inner.len());
        let (name, operator) = inner.split_at(end);
        let default = operator
            .strip_prefix(":-")
            .or_else(|| operator.strip_prefix('-'));
        return (name, default.filter(|d| !d.contains('$')), tail);
    }
    let end = after.find(stops).unwrap_or(after.len());
    let (name, tail) = after.split_at(end);
    (name, None, tail)
}

/// The simple commands of a command line, as words: divided at `;`, `|`, `&`, parentheses and line ends;
/// quotes removed, redirections and comments dropped. What stands in `$(…)` and backticks follows.
pub(crate) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    split(line, 0, &mut out);
    out
}

fn split(line: &str, depth: usize, out: &mut Vec<Vec<String>>) {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote = None;
    let mut inner: Vec<String> = Vec::new();
    let mut chars = line.char_indices();
    let mut total = 0_usize;
    while let Some((at, c)) = chars.next() {
        let rest = line.get(at + c.len_utf8()..).unwrap_or_default();
        match (quote, c) {
            (None | Some('"'), '\\') => {
                if let Some((_, next)) = chars.next() {
                    word.push(next);
                    begun = true;
                }
            }
            (Some(q), _) if c == q => quote = None,
            (None | Some('"'), '`') => {
                let end = rest.find('`').unwrap_or(rest.len());
                inner.push(rest.get(..end).unwrap_or_default().to_owned());
                word.push('$');
                skip(&mut chars, at + 1 + end + 1);
            }
            (None | Some('"'), '$') if rest.starts_with('(') => {
                let end = closing(rest);
                inner.push(rest.get(1..end).unwrap_or_default().to_owned());
                word.push('$');
                skip(&mut chars, at + 1 + end + 1);
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                begun = true;
            }
            (None, '#') if word.is_empty() && !begun => {
                let end = rest.find('\n').unwrap_or(rest.len());
                skip(&mut chars, at + 1 + end);
            }
            (None, ';' | '|' | '&' | '(' | ')' | '\n' | '{' | '}')
                if !matches!(c, '{' | '}' | '(' | ')') || word.is_empty() =>
            {
                finish(&mut words, &mut word, &mut begun);
                if !words.is_empty() && out.len() < 1024 {
                    out.push(std::mem::take(&mut words));
                }
                words.clear();
            }
            (None, _) if c.is_whitespace() => finish(&mut words, &mut word, &mut begun),
            _ => word.push(c),
        }
        total += 1;
        if words.len() > WORDS_MAX || total > 1 << 20 {
            break;
        }
    }
    finish(&mut words, &mut word, &mut begun);
    if !words.is_empty() {
        out.push(words);
    }
    if depth < DEPTH_MAX {
        for line in inner.iter().take(64) {
            split(line, depth + 1, out);
        }
    }
}

/// Goes on to the byte `to`, never back: a line of substitutions is gone through once.
fn skip(chars: &mut std::str::CharIndices<'_>, to: usize) {
    while chars.offset() < to && chars.next().is_some() {}
}

/// Where the bracket that `text` begins with closes.
pub(crate) fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn finish(words: &mut Vec<String>, word: &mut String, begun: &mut bool) {
    let done = std::mem::take(word);
    if !done.is_empty() || *begun {
        words.push(done);
    }
    *begun = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        shell(text)
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect()
    }

    #[test]
    fn assignments_fill_in_later_ones() {
        let text =
            "# HOST=old\nHOST=db1\nexport URL=\"postgres://$HOST:5432/${NAME:-app}\"\nX=$UNKNOWN\n";
        assert_eq!(
            shown(text),
            [
                "2 HOST=db1",
                "3 URL=postgres://db1:5432/app",
                "4 X=$UNKNOWN"
            ]
        );
    }

    #[test]
    fn an_assignment_before_a_command_is_both() {
        assert_eq!(
            shown("PGPASSWORD=s psql -h db1\n"),
            ["1 PGPASSWORD=s", "1 command=psql -h db1"]
        );
    }

    #[test]
    fn here_documents_are_not_commands() {
        assert_eq!(
            shown("cat <<'EOF'\ncurl http://old\nEOF\nls\n"),
            ["1 command=cat <<'EOF'", "4 command=ls"]
        );
    }

    #[test]
    fn a_line_of_substitutions_is_gone_through_once() {
        let _ = commands(&"``".repeat(200_000));
        let _ = commands(&"$()".repeat(200_000));
        let _ = shell(&"${".repeat(400_000));
        assert_eq!(commands("a `b` c"), [vec!["a", "$", "c"], vec!["b"]]);
    }

    #[test]
    fn a_document_that_never_ends_hides_no_line() {
        assert_eq!(
            shown("x=$((1<<4))\necho a <<EOF\nHOST=db1\n"),
            ["1 x=$((1<<4))", "2 command=echo a <<EOF", "3 HOST=db1"]
        );
    }

    #[test]
    fn a_line_falls_into_simple_commands() {
        let found = commands("cd /x && pg_dump -h db1 app | gzip > \"a b\" # note ; curl x\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], ["pg_dump", "-h", "db1", "app"]);
        assert_eq!(commands("x=$(curl http://a) && echo `ssh b`").len(), 4);
    }
}
