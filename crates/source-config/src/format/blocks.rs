//! Formats with blocks in braces.

use crate::settings::Settings;

/// Blocks within blocks; deeper ones are read as if they stood at this depth.
const DEPTH_MAX: usize = 64;

/// `name arguments { … }` with statements ending in `;` (nginx, BIND, syslog-ng). The key is the first word.
pub(super) fn braces(text: &str) -> Settings {
    read(text, Ending::Semicolon)
}

/// The same with one statement per line, `key = value`, and `[section]` (krb5, dovecot, bacula).
pub(super) fn blocks(text: &str) -> Settings {
    read(text, Ending::Line)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Semicolon,
    Line,
}

struct Reader {
    settings: Settings,
    ending: Ending,
    path: Vec<(String, u32)>,
    statement: String,
    began: u32,
}

fn read(text: &str, ending: Ending) -> Settings {
    let mut reader = Reader {
        settings: Settings::default(),
        ending,
        path: Vec::new(),
        statement: String::new(),
        began: 1,
    };
    let mut rest = text.char_indices().peekable();
    let mut line = 1_u32;
    while let Some((at, c)) = rest.next() {
        let here = text.get(at..).unwrap_or_default();
        let at_word = reader.statement.is_empty() || reader.statement.ends_with([' ', '\t']);
        let comment_end = match c {
            '#' if at_word => Some("\n"),
            // `! a comment` of keepalived; `!include` of Dovecot says something.
            '!' if ending == Ending::Line
                && reader.statement.is_empty()
                && !here.starts_with("!include") =>
            {
                Some("\n")
            }
            ';' if at_word && ending == Ending::Line && reader.statement.trim().is_empty() => {
                Some("\n")
            }
            '/' if at_word && here.starts_with("//") => Some("\n"),
            '/' if at_word && here.starts_with("/*") => Some("*/"),
            _ => None,
        };
        if let Some(end) = comment_end {
            let skip = here
                .find(end)
                .map_or(here.len(), |n| if end == "\n" { n } else { n + end.len() });
            line += count_lines(here.get(..skip).unwrap_or_default());
            while rest.next_if(|(next, _)| *next < at + skip).is_some() {}
            continue;
        }
        match c {
            '"' | '\'' if reader.opens(c) => {
                let by_line = ending == Ending::Line;
                while let Some((_, inner)) =
                    rest.next_if(|(_, n)| *n != c && !(by_line && *n == '\n'))
                {
                    line += u32::from(inner == '\n');
                    let escaped =
                        (inner == '\\').then(|| rest.next_if(|(_, n)| *n == c || *n == '\\'));
                    reader.push(escaped.flatten().map_or(inner, |(_, n)| n), line);
                }
                rest.next_if(|(_, n)| *n == c);
            }
            '{' if !reader.statement.ends_with('$') => reader.open(),
            '}' if !reader.statement.contains("${") => reader.close(),
            ';' => reader.end(),
            '\n' => {
                line += 1;
                // `@define name "value"` of syslog-ng ends with its line.
                if reader.is_heading_before(here) {
                    reader.push(' ', line)
                } else if ending == Ending::Line || reader.statement.trim_start().starts_with('@') {
                    reader.end()
                } else {
                    reader.push(' ', line)
                }
            }
            _ => reader.push(c, line),
        }
    }
    reader.end();
    reader.settings
}

fn count_lines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

impl Reader {
    /// True where a quote opens, and is no apostrophe: at the begin of a word. `zone"x"` opens without white space.
    fn opens(&self, quote: char) -> bool {
        let before = self.statement.chars().next_back();
        let by_sign = self.ending == Ending::Semicolon && quote == '"';
        by_sign || before.is_none_or(|b| !b.is_alphanumeric())
    }

    /// True for a name whose brace stands on the next line that is not empty.
    fn is_heading_before(&self, rest: &str) -> bool {
        let names = !self.statement.trim().is_empty() && !self.statement.contains('=');
        names && rest.trim_start().starts_with('{')
    }

    fn push(&mut self, c: char, line: u32) {
        if self.statement.is_empty() {
            self.began = line;
            if c.is_whitespace() {
                return;
            }
        }
        // A statement longer than this is no configuration; its rest is dropped.
        if self.statement.len() < 16 << 10 {
            self.statement.push(c);
        }
    }

    fn section(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|(name, _)| name.as_str()).collect();
        names.join("/")
    }

    fn group(&self) -> u32 {
        self.path.last().map_or(0, |(_, group)| *group)
    }

    fn open(&mut self) {
        let name = std::mem::take(&mut self.statement);
        let name = name.trim().trim_end_matches('=').trim_end().to_owned();
        // `real_server 10.0.0.1 80 {` says something by itself.
        if let Some((key, value)) = name.split_once([' ', '\t'])
            && self.ending == Ending::Line
        {
            let (section, group) = (self.section(), self.group());
            self.settings
                .add(self.began, group, &section, key, value.trim());
        }
        let group = self.settings.open_group();
        if self.path.len() < DEPTH_MAX {
            self.path.push((name.chars().take(200).collect(), group));
        } else {
            self.settings.partial = true;
        }
    }

    fn close(&mut self) {
        self.end();
        self.path.pop();
    }

    fn end(&mut self) {
        let statement = std::mem::take(&mut self.statement);
        let statement = statement.trim();
        if statement.is_empty() {
            return;
        }
        if let Some(name) = statement
            .strip_prefix('[')
            .and_then(|s| s.strip_suffix(']'))
        {
            let group = self.settings.open_group();
            self.path = vec![(name.to_owned(), group)];
            return;
        }
        let by_sign = (self.ending == Ending::Line)
            .then(|| statement.split_once('='))
            .flatten();
        let (key, value) = by_sign
            .or_else(|| statement.split_once(char::is_whitespace))
            .unwrap_or((statement, ""));
        let (group, section) = (self.group(), self.section());
        self.settings
            .add(self.began, group, &section, key.trim(), value.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(settings: &Settings) -> Vec<String> {
        settings
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn statements_know_their_blocks() {
        let text = "http {\n  # server old;\n  upstream app { server 10.0.0.1:80; }\n  proxy_pass http://app; /* x;\n */\n}\n";
        assert_eq!(
            shown(&braces(text)),
            [
                "3 http/upstream app server=10.0.0.1:80",
                "4 http proxy_pass=http://app"
            ]
        );
    }

    #[test]
    fn lines_end_statements_where_semicolons_do_not() {
        let text = "[realms]\nCORP = {\n  kdc = kdc1:88\n; kdc = old\n}\nDirector { Name = a; Address = b }\n";
        assert_eq!(
            shown(&blocks(text)),
            [
                "3 realms/CORP kdc=kdc1:88",
                "6 realms/Director Name=a",
                "6 realms/Director Address=b"
            ]
        );
    }

    #[test]
    fn white_space_behind_a_word_is_gone_through_once() {
        let text = format!("a{}b;\n", " ".repeat(400_000));
        assert_eq!(shown(&braces(&text)), ["1  a="]);
        assert_eq!(shown(&braces("\n  a b;")), ["2  a=b"]);
    }

    #[test]
    fn an_apostrophe_hides_nothing_behind_it() {
        let dovecot =
            "login_greeting = Don't panic\nldap { hosts = \"db1\" }\n!include conf.d/*.conf\n";
        assert_eq!(
            shown(&blocks(dovecot)),
            [
                "1  login_greeting=Don't panic",
                "2 ldap hosts=db1",
                "3  !include=conf.d/*.conf"
            ]
        );
        let bareos = "Client {\n  Description = Joe's laptop\n  Address = c1\n  Password = \"a # b\n  Port = 1\n}\n";
        assert_eq!(
            shown(&blocks(bareos)),
            [
                "2 Client Description=Joe's laptop",
                "3 Client Address=c1",
                "4 Client Password=a # b",
                "5 Client Port=1"
            ]
        );
        let keepalived = "! don't touch {\nvrrp_instance a {\n  state MASTER\n}\n";
        assert_eq!(
            shown(&blocks(keepalived)),
            ["2  vrrp_instance=a", "3 vrrp_instance a state=MASTER"]
        );
        let nginx = "return 200 \"a\\\"b; c\"; proxy_pass http://x; file(\"/a\\.b\");\n";
        assert_eq!(
            shown(&braces(nginx)),
            [
                "1  return=200 a\"b; c",
                "1  proxy_pass=http://x",
                "1  file(/a\\.b)="
            ]
        );
    }

    #[test]
    fn a_list_names_its_members_as_keys() {
        assert_eq!(
            shown(&braces("forwarders { 10.0.0.1; 10.0.0.2 port 5353; };")),
            ["1 forwarders 10.0.0.1=", "1 forwarders 10.0.0.2=port 5353"]
        );
    }
}
