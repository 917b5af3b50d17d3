//! Commands of a script or a crontab line, as far as words, quotes and plain variables go. Nothing is run.

use std::collections::BTreeMap;

/// Lines of a script, and words of a command, that are read at all.
const LINES_MAX: usize = 5_000;
const WORDS_MAX: usize = 500;
/// A variable whose value grows beyond this is left as it is written.
const VALUE_MAX: usize = 4_096;

/// One command: its words, and where its output goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Command {
    pub(super) line: u32,
    pub(super) words: Vec<String>,
    pub(super) output: Option<String>,
}

/// The commands of `text`, variables replaced by what the script itself says; settings a command begins with
/// (`RESTIC_REPOSITORY=x restic …`) and exported ones are found in the second list.
pub(super) fn commands(text: &str) -> (Vec<Command>, BTreeMap<String, String>) {
    let mut values = BTreeMap::new();
    let mut commands = Vec::new();
    for (number, line) in joined(text) {
        let mut command = at_line(number);
        let mut pipe = commands.len();
        let mut redirected = false;
        for token in tokens(&line) {
            match token {
                Token::Word(word) => {
                    let word = replaced(&word, &values);
                    if redirected {
                        command.output = Some(word);
                        redirected = false;
                    } else if command.words.is_empty() && assigns(&word, &mut values) {
                    } else if command.words.len() < WORDS_MAX {
                        command.words.push(word);
                    }
                }
                Token::Output => redirected = true,
                Token::Pipe => commands.push(std::mem::replace(&mut command, at_line(number))),
                Token::End => {
                    commands.push(std::mem::replace(&mut command, at_line(number)));
                    pass_output_back(commands.get_mut(pipe..).unwrap_or_default());
                    pipe = commands.len();
                }
            }
        }
        commands.push(command);
        pass_output_back(commands.get_mut(pipe..).unwrap_or_default());
    }
    commands.retain(|c| !c.words.is_empty());
    (commands, values)
}

fn at_line(line: u32) -> Command {
    Command {
        line,
        ..Command::default()
    }
}

/// `pg_dump shop | gzip > /backup/shop.gz`: the dump's output is the file.
fn pass_output_back(pipe: &mut [Command]) {
    let output = pipe.last().and_then(|last| last.output.clone());
    for command in pipe {
        command.output = command.output.take().or_else(|| output.clone());
    }
}

fn joined(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate().take(LINES_MAX) {
        let trimmed = line.trim();
        if !open && (trimmed.is_empty() || trimmed.starts_with('#')) {
            continue;
        }
        let (part, more) = match trimmed.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, before)) => {
                before.push(' ');
                before.push_str(part);
            }
            None => lines.push((u32::try_from(at + 1).unwrap_or(u32::MAX), part.to_owned())),
        }
        open = more;
    }
    lines
}

enum Token {
    Word(String),
    Output,
    Pipe,
    End,
}

fn tokens(line: &str) -> Vec<Token> {
    let (mut tokens, mut word, mut any) = (Vec::new(), String::new(), false);
    let mut quote = None;
    let mut letters = line.chars().peekable();
    let end = |tokens: &mut Vec<Token>, word: &mut String, any: &mut bool| {
        if std::mem::take(any) {
            tokens.push(Token::Word(std::mem::take(word)));
        }
    };
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, '\\') => {
                word.extend(letters.next());
                any = true;
            }
            (None, '#') if !any => break,
            (None, c) if c.is_whitespace() => end(&mut tokens, &mut word, &mut any),
            (None, '|' | ';' | '&') => {
                end(&mut tokens, &mut word, &mut any);
                let twice = letters.next_if_eq(&c).is_some();
                // `2>&1` and `&>x` redirect.
                match (c, twice) {
                    ('&', false) if letters.peek() == Some(&'>') => {}
                    ('|', false) => tokens.push(Token::Pipe),
                    _ => tokens.push(Token::End),
                }
            }
            (None, '>') => {
                // A digit before it is a channel, and `>&1` goes nowhere new.
                let channel = word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty();
                let errors = channel && word != "1";
                if channel {
                    word.clear();
                    any = false;
                }
                end(&mut tokens, &mut word, &mut any);
                letters.next_if_eq(&'>');
                if letters.next_if_eq(&'&').is_some() {
                    letters.next();
                } else if errors {
                    skip_word(&mut letters);
                } else {
                    tokens.push(Token::Output);
                }
            }
            (None, c) => {
                word.push(c);
                any = true;
            }
        }
    }
    end(&mut tokens, &mut word, &mut any);
    tokens
}

fn skip_word(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while letters.next_if(|c| c.is_whitespace()).is_some() {}
    while letters.next_if(|c| !c.is_whitespace()).is_some() {}
}

/// True for `NAME=value`, which is remembered.
fn assigns(word: &str, values: &mut BTreeMap<String, String>) -> bool {
    if word == "export" || word == "local" || word == "declare" {
        return true;
    }
    let Some((name, value)) = word.split_once('=') else {
        return false;
    };
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && value.len() <= VALUE_MAX {
        values.insert(name.to_owned(), value.to_owned());
    }
    plain
}

/// `$NAME` and `${NAME}` by their values; what nobody set stays as it is written.
fn replaced(word: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let body = from.get(1..).unwrap_or_default();
        let (name, used) = match body.strip_prefix('{').and_then(|b| b.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let length = body
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .count();
                (body.get(..length).unwrap_or_default(), length + 1)
            }
        };
        match values
            .get(name)
            .filter(|v| out.len() + v.len() <= VALUE_MAX)
        {
            Some(value) => out.push_str(value),
            None => out.push_str(from.get(..used).unwrap_or(from)),
        }
        rest = from.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_variables_and_outputs_are_told_apart() {
        let text = "#!/bin/sh\n# tar ghost\nSRC=/srv/data\nexport OUT=\"/backup dir\"\ntar czf \"$OUT/data-$(date +%F).tgz\" ${SRC} 2>/dev/null\n\
            pg_dump shop | gzip > $OUT/shop.gz; echo done # rsync ghost\nrsync -a \\\n  /a /b && true\n";
        let (commands, values) = commands(text);
        let said: Vec<String> = commands
            .iter()
            .map(|c| format!("{}: {} > {:?}", c.line, c.words.join("|"), c.output))
            .collect();
        assert_eq!(
            said[0],
            "5: tar|czf|/backup dir/data-$(date +%F).tgz|/srv/data > None"
        );
        assert_eq!(said[1], "6: pg_dump|shop > Some(\"/backup dir/shop.gz\")");
        assert_eq!(said[4], "7: rsync|-a|/a|/b > None");
        assert_eq!(values.get("SRC").map(String::as_str), Some("/srv/data"));
    }

    #[test]
    fn no_script_makes_it_panic_or_grow() {
        groma_fuzz::hammer(
            2000,
            &[b"A=$A$A$A$A\nA=$A$A\nx \"$A\" 2>&1 | y > ${A} ; $\n"],
            |bytes| {
                commands(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
