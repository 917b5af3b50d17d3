//! Sieve scripts (RFC 5228): where they send mail on to, which programs they run, and that they answer for somebody.

use std::path::{Path, PathBuf};

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::{HostName, Reason};

use super::aims::domain_of;
use super::{At, Found};

/// Words of one script.
const WORDS_MAX: usize = 200_000;

/// Where scripts of users lie.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Scripts {
    /// Below a home: the active script.
    pub(super) in_homes: Vec<PathBuf>,
    /// Directories below which virtual users have their homes, and how many levels below.
    pub(super) homes: Vec<(PathBuf, usize)>,
}

/// What a script does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// To the domain of a written address, or to one that is made when mail comes.
    Redirect(Option<HostName>),
    Notify(Option<HostName>),
    Vacation,
    /// A program by its name; none where the name is made when mail comes.
    Run(Option<String>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    Name(String),
    Tag(String),
    Text(String),
    Mark(char),
}

/// What stands in `text`, with lines.
pub(super) fn acts(text: &str) -> Vec<(u32, Act)> {
    let words = words(text);
    let mut acts = Vec::new();
    let mut rest = words.iter().peekable();
    let mut fresh = true;
    while let Some((line, word)) = rest.next() {
        let Word::Name(name) = word else {
            fresh = matches!(word, Word::Mark(';' | '{' | '}'));
            continue;
        };
        if !std::mem::replace(&mut fresh, false) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        // The arguments of the command, up to its end; a block opens at a brace.
        let mut texts: Vec<(Option<&str>, &str)> = Vec::new();
        let mut tag = None;
        while let Some((_, next)) = rest.peek() {
            match next {
                Word::Mark(';' | '{' | '}') => break,
                Word::Tag(name) => tag = Some(name.as_str()),
                Word::Text(text) => texts.push((tag.take(), text.as_str())),
                _ => {}
            }
            rest.next();
        }
        acts.extend(act(&name, &texts).map(|act| (*line, act)));
    }
    acts
}

fn act(name: &str, texts: &[(Option<&str>, &str)]) -> Option<Act> {
    let last = texts.last().map(|(_, text)| *text);
    // The first text that no tag has for itself.
    let own = texts.iter().find(|(tag, _)| {
        !matches!(
            *tag,
            Some(
                "from"
                    | "message"
                    | "options"
                    | "importance"
                    | "notify"
                    | "ret"
                    | "input"
                    | "output"
            )
        )
    });
    match name {
        "redirect" => last.map(|address| Act::Redirect(written(address))),
        "notify" => {
            let method = texts
                .iter()
                .find(|(tag, text)| *tag == Some("method") || text.contains(':'));
            Some(Act::Notify(method.and_then(|(_, method)| notified(method))))
        }
        "vacation" => Some(Act::Vacation),
        "pipe" | "execute" | "filter" => {
            own.map(|(_, program)| Act::Run(is_program(program).then(|| (*program).to_owned())))
        }
        _ => None,
    }
}

/// True for what a program may be called here: the text of a message is no program, wherever it stands.
fn is_program(text: &str) -> bool {
    let is_named_by = |b: u8| b.is_ascii_alphanumeric() || b"._-+/".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(is_named_by)
}

/// The domain of an address without variables in it.
fn written(address: &str) -> Option<HostName> {
    domain_of(address.trim())
}

/// `mailto:anna@example.org?subject=…`.
fn notified(method: &str) -> Option<HostName> {
    let rest = method.strip_prefix("mailto:")?;
    written(rest.split('?').next().unwrap_or_default())
}

/// Names, tags, texts and marks, without comments.
fn words(text: &str) -> Vec<(u32, Word)> {
    let mut words = Vec::new();
    let mut line = 1_u32;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if words.len() >= WORDS_MAX {
            break;
        }
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let at = line;
        let end = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if after.starts_with('*') => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => {
                let (value, end) = quoted(rest);
                words.push((at, Word::Text(value)));
                end
            }
            ';' | '{' | '}' | '[' | ']' | '(' | ')' | ',' => {
                words.push((at, Word::Mark(c)));
                1
            }
            ':' => {
                let name = name_at(after);
                words.push((at, Word::Tag(name.to_ascii_lowercase())));
                1 + name.len()
            }
            _ if c.is_ascii_alphanumeric() || c == '_' => {
                let name = name_at(rest);
                match after
                    .get(name.len().saturating_sub(1)..)
                    .filter(|_| name == "text")
                {
                    Some(behind) if behind.starts_with(':') => {
                        let end = rest.find("\n.\n").or_else(|| rest.find("\n.\r\n"));
                        words.push((at, Word::Text(String::new())));
                        end.map_or(rest.len(), |end| end + 3)
                    }
                    _ => {
                        words.push((at, Word::Name(name.to_owned())));
                        name.len()
                    }
                }
            }
            _ => c.len_utf8(),
        };
        let passed = rest.get(..end).unwrap_or_default();
        let ends = passed.bytes().filter(|b| *b == b'\n').count();
        line = line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        rest = rest.get(end..).unwrap_or_default();
    }
    words
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// A quoted text, and where it ends.
fn quoted(text: &str) -> (String, usize) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                escaped = false;
                value.push(c);
            }
            '\\' => escaped = true,
            '"' => return (value, at + 1),
            _ => value.push(c),
        }
    }
    (value, text.len())
}

/// Adds what the script in `file` does. A directory stands for all scripts in it.
pub(super) fn add(found: &mut Found<'_, '_, '_, '_>, file: &Path, key: &str) {
    let Some(text) = found.text(file) else {
        return;
    };
    for (line, act) in acts(&text) {
        let at = At {
            product: "Dovecot",
            file,
            key,
            line,
        };
        match act {
            Act::Redirect(Some(domain)) | Act::Notify(Some(domain)) => {
                found.add(RouteRule::Sieve, None, RouteTarget::Domain { domain }, at);
            }
            Act::Redirect(None) => {
                let what = format!(
                    "where {}:{line} redirects to: the address is made when mail comes, or is no full one",
                    file.display()
                );
                found.gap(&what, Reason::Unsupported, "");
            }
            Act::Notify(None) => {}
            Act::Vacation => found.add(RouteRule::Vacation, None, RouteTarget::Here, at),
            Act::Run(None) => {
                let what = format!(
                    "which program {}:{line} runs: its name is made when mail comes",
                    file.display()
                );
                found.gap(&what, Reason::Unsupported, "");
            }
            Act::Run(Some(name)) => {
                let path = name.as_str().into();
                found.add(RouteRule::Sieve, None, RouteTarget::Program { path }, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_does_and_what_only_looks_like_it() {
        let text = r#"require ["fileinto", "copy", "vacation", "enotify", "vnd.dovecot.pipe"];
# redirect "ghost@example.net";
/* redirect
   "ghost@example.net"; */
if header :contains "subject" "redirect" { redirect :copy "Anna <anna@Example.NET>"; }
elsif address :is "from" "a@b.example" {
  vacation :days 7 :addresses ["me@corp.example"] text:
I am away; redirect "ghost@example.org";
.
;
}
notify :message "x" "mailto:pager@sms.example?subject=mail";
pipe :copy "ticket-in" ["--password", "canary"];
set "to" "x@variable.example"; redirect "${to}";
keep; fileinto "redirect";
"#;
        let shown: Vec<String> = acts(text)
            .iter()
            .map(|(line, act)| format!("{line} {act:?}"))
            .collect();
        assert_eq!(
            shown,
            [
                "5 Redirect(Some(HostName(\"example.net\")))",
                "7 Vacation",
                "12 Notify(Some(HostName(\"sms.example\")))",
                "13 Run(Some(\"ticket-in\"))",
                "14 Redirect(None)",
            ]
        );
    }

    #[test]
    fn what_is_handed_to_a_program_is_not_the_program() {
        let text = r#"execute :input "canary" :output "canary" "sort-mail" ["canary"];
execute :pipe "sort-mail"; pipe "${canary}"; filter "two canary";"#;
        let shown: Vec<String> = acts(text).iter().map(|(_, a)| format!("{a:?}")).collect();
        let (named, made) = ("Run(Some(\"sort-mail\"))", "Run(None)");
        assert_eq!(shown, [named, named, made, made]);
    }

    #[test]
    fn no_text_breaks_it() {
        let corpus: [&[u8]; 2] = [
            b"if not header :is [\"a\", \"b\\\"\"] \"c\" { redirect :copy \"a@b.example\"; stop; }",
            b"vacation text:\nx\n.\n; # c\n/* d */ notify \"mailto:a@b.example\";",
        ];
        groma_fuzz::hammer(3_000, &corpus, |bytes| {
            acts(&String::from_utf8_lossy(bytes));
        });
    }
}
