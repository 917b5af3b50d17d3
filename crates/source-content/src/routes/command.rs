//! The program of a command line: which word of it is one. What is no program is an argument or a value, and stays here.

use groma_model::Foreign;

const PROGRAM_BYTES_MAX: usize = 4096;

/// One word as a shell takes it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Word {
    text: String,
    /// Part of it stood in quotes.
    is_quoted: bool,
}

/// The program of a command: the first word that is one, without any argument. Assignments before it are passed over
/// whole. Where a quote stays open, or the word may be part of a value, there is none.
pub(super) fn program(command: &str) -> Option<Foreign> {
    let command = unwrapped(command.trim());
    // A shell within a shell, or quotes within quotes: which words belong to a value is not sure, but for full paths.
    let is_sure = !command.contains(['\\', '`']) && !command.contains("$(");
    let mut full_path_only = !is_sure;
    for word in words(command)? {
        if is_other(&word.text) {
            continue;
        }
        if word.text.starts_with('-') {
            full_path_only = true;
        } else if word.text.starts_with('/') || !full_path_only {
            return named(&word);
        }
    }
    None
}

/// Words that stand before a program: assignments, and what a shell has of its own.
fn is_other(word: &str) -> bool {
    word.is_empty()
        || word.contains('=')
        || matches!(
            word,
            "exec" | "test" | "sudo" | "env" | "#" | "{" | "}" | "!"
        )
}

/// The word as a program's name: letters, digits and the marks that paths are made of.
fn named(word: &Word) -> Option<Foreign> {
    // A path in quotes with its arguments, or with a blank in it: the arguments stay here.
    let first = match word.is_quoted {
        true => word.text.split_ascii_whitespace().next()?,
        false => word.text.as_str(),
    };
    let is_path = |b: u8| b.is_ascii_alphanumeric() || b"/._-+~$@,%".contains(&b) || !b.is_ascii();
    (first.len() <= PROGRAM_BYTES_MAX && first.bytes().all(is_path)).then(|| Foreign::from(first))
}

/// Without the one pair of quotes or braces that holds all of it.
fn unwrapped(command: &str) -> &str {
    for (open, close) in [('"', '"'), ('\'', '\''), ('{', '}')] {
        let inner = command
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.contains([open, close])) {
            return inner.trim();
        }
    }
    command
}

/// The words of a command; `None` where a quote is not closed.
fn words(command: &str) -> Option<Vec<Word>> {
    let (mut words, mut word, mut quote) = (Vec::new(), Word::default(), None);
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.is_quoted = true;
            }
            (None | Some('"'), '\\') => word.text.extend(rest.next()),
            (None, c) if c.is_ascii_whitespace() || ";|&<>()".contains(c) => {
                words.push(std::mem::take(&mut word));
            }
            (_, c) => word.text.push(c),
        }
    }
    words.push(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str) -> String {
        program(command).map_or_else(String::new, |path| path.to_string())
    }

    #[test]
    fn the_first_word_that_is_a_program() {
        for (command, path) in [
            ("/usr/bin/fax --password hunter2", "/usr/bin/fax"),
            ("\"/opt/x y\"", "/opt/x"),
            ("\"/opt/x y\" z", "/opt/x"),
            ("\"vacation anna\"", "vacation"),
            ("IFS=' ' && exec /usr/bin/procmail -f-", "/usr/bin/procmail"),
            (
                "IFS=' '&&exec /usr/bin/procmail||exit 75 #anna",
                "/usr/bin/procmail",
            ),
            ("(formail -c; echo x)", "formail"),
            (
                "test -x /usr/bin/sort && exec /usr/bin/sort",
                "/usr/bin/sort",
            ),
            ("sudo -u vmail /usr/bin/sort", "/usr/bin/sort"),
            ("$HOME/bin/sort canary", "$HOME/bin/sort"),
            ("API_KEY=abc notify", "notify"),
        ] {
            assert_eq!(shown(command), path, "{command}");
        }
    }

    #[test]
    fn a_value_in_quotes_before_a_program_is_no_program() {
        for (command, path) in [
            ("API_KEY='two canary' /usr/bin/notify", "/usr/bin/notify"),
            ("PW=\"a canary\" notify", "notify"),
            ("PW=\"a 'b canary\" notify", "notify"),
            ("PW=a' 'b' canary' notify", "notify"),
            (r"PW='it'\''s canary' notify", "notify"),
            (r#"PW=\"two canary\" /usr/bin/notify"#, "/usr/bin/notify"),
            ("PW=`echo two canary` /usr/bin/notify", "/usr/bin/notify"),
            ("PW=$(echo two canary) /usr/bin/notify", "/usr/bin/notify"),
        ] {
            assert!(["", path].contains(&shown(command).as_str()), "{command}");
        }
        for command in [
            "PW='two canary",
            "PW=\"two canary\\\" x",
            "canary{x",
            "${if eq{canary}{x}}",
            "-p canary",
        ] {
            assert_eq!(shown(command), "", "{command}");
        }
        assert_eq!(
            shown("API_KEY='two canary' /usr/bin/notify"),
            "/usr/bin/notify"
        );
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"A='b \\' c' \"/x y\" | (d; e) && exec f -g"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                assert!(program(&text).is_none_or(|path| !path.as_bytes().contains(&b' ')));
            },
        );
    }
}
