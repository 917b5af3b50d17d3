//! Literal assignments in PHP and Python: `NAME = "text"`, `define('NAME', 'text')`, `'key' => 'text'`,
//! `'key': "text"`, nested. Nothing is evaluated: a call, a sum or a variable is no value.

use std::collections::HashMap;

use crate::fallbacks::{self, Spelling};
use crate::settings::{NAMES_MAX, Settings};
use crate::text::split_near;

const DEPTH_MAX: usize = 64;
/// Names of known text one file may have.
const CONSTANTS_MAX: usize = 4096;

pub(super) fn php(text: &str) -> Settings {
    // Outside of `<?php … ?>` stands a page, not a program.
    let start = text.find("<?").map_or(text.len(), |at| at + 2);
    let mut tokens = Tokens {
        rest: text.get(start..).unwrap_or_default(),
        line: 1 + newlines(text.get(..start).unwrap_or_default()),
        language: Language::Php,
        behind_dot: false,
    };
    read(&mut tokens)
}

pub(super) fn python(text: &str) -> Settings {
    of(Language::Python, text)
}

pub(super) fn lua(text: &str) -> Settings {
    of(Language::Lua, text)
}

pub(super) fn perl(text: &str) -> Settings {
    of(Language::Perl, text)
}

/// What a program on a server says; a script of a page is for whoever looks at it.
pub(super) fn javascript(text: &str) -> Settings {
    let on_server = ["process.env", "require(", "module.exports", "node:", "#!"];
    if !on_server.iter().any(|word| text.contains(word)) {
        return Settings::default();
    }
    of(Language::Javascript, text)
}

pub(super) fn ruby(text: &str) -> Settings {
    of(Language::Ruby, text)
}

fn of(language: Language, text: &str) -> Settings {
    read(&mut Tokens {
        rest: text,
        line: 1,
        language,
        behind_dot: false,
    })
}

/// What differs between the languages is how they comment, how a statement ends, and how an index is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Php,
    Python,
    Lua,
    Perl,
    Javascript,
    Ruby,
}

impl Language {
    /// True if a line end ends a statement.
    fn ends_lines(self) -> bool {
        matches!(
            self,
            Self::Python | Self::Lua | Self::Javascript | Self::Ruby
        )
    }

    /// How values are taken from the environment.
    fn spelling(self) -> &'static Spelling {
        match self {
            Self::Php => &fallbacks::PHP,
            Self::Python => &fallbacks::PYTHON,
            Self::Lua => &fallbacks::LUA,
            Self::Perl => &fallbacks::PERL,
            Self::Javascript => &fallbacks::JAVASCRIPT,
            Self::Ruby => &fallbacks::RUBY,
        }
    }

    fn has_slash_comments(self) -> bool {
        matches!(self, Self::Php | Self::Javascript)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token<'t> {
    Word(&'t str),
    Text(String),
    Sign(char),
    /// `=>`, `:` or `=`: what stands before is the name of what stands after.
    Is,
    NewLine,
}

struct Frame {
    name: String,
    group: u32,
    call: bool,
}

fn read(tokens: &mut Tokens<'_>) -> Settings {
    let mut settings = Settings::default();
    let mut frames = vec![Frame {
        name: String::new(),
        group: 0,
        call: false,
    }];
    let mut name = String::new();
    let mut key: Option<String> = None;
    let mut held: Option<(u32, String)> = None;
    // A text of a list, and a text that another one is put behind.
    let mut element: Option<(u32, String)> = None;
    let mut joined: Option<(u32, String)> = None;
    let mut constants: HashMap<String, String> = HashMap::new();
    let dotted = matches!(tokens.language, Language::Php | Language::Perl);
    let by_lines = tokens.language.ends_lines();
    let php = tokens.language == Language::Php;
    let mut opens = false;
    while let Some((line, token)) = tokens.next() {
        // A text is an element of a list only where an element begins.
        let starts = opens;
        opens = matches!(token, Token::Sign('[' | ',' | '(')) || (opens && token == Token::NewLine);
        if token == Token::NewLine && (frames.len() > 1 || !by_lines) {
            continue;
        }
        // A literal counts once it is known what follows: `"a" + b` and `"a" . $b` are no literals.
        if let Some((at, value)) = held.take() {
            let ends = matches!(
                token,
                Token::NewLine | Token::Sign(',' | ';' | ')' | ']' | '}')
            );
            if dotted && token == Token::Sign('.') {
                joined = Some((at, value));
                continue;
            }
            if let Some(key) = key.take().filter(|_| ends) {
                if constants.len() < CONSTANTS_MAX && value.len() < 1024 {
                    constants.insert(key.clone(), value.clone());
                }
                emit(&mut settings, &frames, at, &key, &value);
            }
        }
        // Text and names of known text, put together with dots.
        if let Some((at, before)) = joined.take() {
            let piece = match &token {
                Token::Text(text) => Some(text.clone()),
                Token::Word(word) => constants.get(*word).cloned(),
                _ => None,
            };
            if let Some(piece) = piece.filter(|p| before.len() + p.len() < 4096) {
                held = Some((at, before + &piece));
                continue;
            }
            key = None;
        }
        if let Some((at, text)) = element.take()
            && matches!(token, Token::Sign(',' | ']' | ')'))
        {
            in_list(&mut settings, &frames, at, &text);
        }
        match token {
            Token::Word(word) if dotted && key.is_some() && constants.contains_key(word) => {
                held = constants.get(word).map(|value| (line, value.clone()));
            }
            Token::Word(word) if key.is_some() && is_plain(word) => {
                held = Some((line, word.to_owned()))
            }
            Token::Word(word) => word.clone_into(&mut name),
            Token::Text(text) if key.is_some() => held = Some((line, text)),
            Token::Text(text) => {
                // A literal that is a URL or a connection string speaks for itself, as an argument of a call.
                if text.len() < 2000
                    && !text.contains('\n')
                    && (text.contains("://") || text.contains("host="))
                {
                    let outer = frames.last().map_or(0, |f| f.group);
                    settings.add(line, outer, "", "literal", &text);
                }
                if dotted && starts {
                    element = Some((line, text.clone()));
                }
                name = text;
            }
            Token::Is => key = Some(std::mem::take(&mut name)),
            Token::Sign('(') if php && is_connection(&name) => {
                connection(tokens, &mut settings);
                name.clear();
            }
            Token::Sign('(') if name == "define" => {
                push(&mut settings, &mut frames, String::new(), true);
                name.clear();
            }
            // `define('NAME', 'text')`: the first text is the key of the second.
            Token::Sign(',')
                if frames.last().is_some_and(|f| f.call) && key.is_none() && !name.is_empty() =>
            {
                key = Some(std::mem::take(&mut name))
            }
            Token::Sign('[') if key.is_none() && !is_literal_name(&name) => {
                // `$conf['a']['b'] = …`: an index is part of the name.
                let index = tokens.index();
                name = index
                    .filter(|_| name.len() <= NAMES_MAX)
                    .map_or_else(String::new, |i| format!("{name}/{i}"));
            }
            Token::Sign('[' | '{' | '(') => {
                let inner = key
                    .take()
                    .filter(|_| is_literal_name(&name))
                    .unwrap_or_default();
                push(&mut settings, &mut frames, inner, false);
                name.clear();
            }
            Token::Sign(']' | '}' | ')') => {
                if frames.len() > 1 {
                    frames.pop();
                }
                key = None;
                name.clear();
            }
            Token::Sign(',' | ';') => {
                key = None;
                name.clear();
            }
            Token::NewLine => {
                key = None;
                name.clear();
            }
            // An operator: whatever comes is computed.
            Token::Sign(_) => {
                key = None;
                name.clear();
            }
        }
    }
    settings
}

/// `${process.env.X || 'd'}` within a template, as what it stands for.
fn template(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let spelt = fallbacks::at(after, &fallbacks::JAVASCRIPT)
            .filter(|(_, length)| after.get(*length..).is_some_and(|t| t.starts_with('}')));
        match spelt {
            Some((spelt, length)) => {
                out.push_str(&spelt);
                rest = after.get(length + 1..).unwrap_or_default();
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// True for a call whose arguments are host, account, secret, database and port (mysqli of PHP).
fn is_connection(name: &str) -> bool {
    name == "mysqli" || name == "mysqli_connect"
}

/// The literal arguments of such a call, as settings of a section `mysqli`; the secret as that it exists.
fn connection(tokens: &mut Tokens<'_>, settings: &mut Settings) {
    const KEYS: [&str; 5] = ["host", "username", "password", "database", "port"];
    let group = settings.open_group();
    let mut at = 0;
    let mut depth = 0_usize;
    let mut held: Option<(u32, String)> = None;
    let mut plain = true;
    while let Some((line, token)) = tokens.next() {
        match token {
            Token::Sign('(' | '[') => {
                depth += 1;
                plain = false;
            }
            Token::Sign(')' | ']') if depth > 0 => depth -= 1,
            Token::Sign(sign @ (',' | ')' | ';')) if depth == 0 || sign == ';' => {
                if let (Some((line, value)), Some(key)) =
                    (held.take().filter(|_| plain), KEYS.get(at))
                {
                    settings.add(line, group, "mysqli", key, value.trim_start_matches("p:"));
                }
                at += 1;
                plain = true;
                if sign != ',' {
                    return;
                }
            }
            Token::Text(text) if held.is_none() => held = Some((line, text)),
            Token::Word(word) if held.is_none() && is_plain(word) => {
                held = Some((line, word.to_owned()));
            }
            Token::NewLine => {}
            _ => plain = false,
        }
    }
}

/// True for a number or a truth: a value without quotes.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
        || ["true", "false"]
            .iter()
            .any(|t| word.eq_ignore_ascii_case(t))
}

/// True if what stands before a bracket leaves what is in it a literal.
fn is_literal_name(name: &str) -> bool {
    matches!(
        name,
        "" | "array" | "dict" | "return" | "in" | "echo" | "print"
    )
}

fn push(settings: &mut Settings, frames: &mut Vec<Frame>, name: String, call: bool) {
    let group = settings.open_group();
    if frames.len() < DEPTH_MAX {
        // A name that is cut here is too long for a setting all the same, which says so.
        let name = match name.char_indices().nth(NAMES_MAX + 1) {
            Some((at, _)) => name.get(..at).unwrap_or_default().to_owned(),
            None => name,
        };
        frames.push(Frame { name, group, call });
    } else {
        settings.partial = true;
    }
}

/// A text in a list is a value of the key the list belongs to.
fn in_list(settings: &mut Settings, frames: &[Frame], line: u32, text: &str) {
    let [outer @ .., list] = frames else { return };
    if list.name.is_empty() || list.call {
        return;
    }
    emit(settings, outer, line, &list.name.clone(), text);
}

/// `a/b` as key means the section `a` and the key `b`.
fn emit(settings: &mut Settings, frames: &[Frame], line: u32, key: &str, value: &str) {
    let call = frames.last().is_some_and(|f| f.call);
    let group = if call {
        0
    } else {
        frames.last().map_or(0, |f| f.group)
    };
    let mut parts: Vec<&str> = frames
        .iter()
        .map(|f| f.name.as_str())
        .filter(|n| !n.is_empty())
        .collect();
    let (section, key) = key.rsplit_once('/').unwrap_or(("", key));
    parts.extend(section.split('/').filter(|p| !p.is_empty()));
    settings.add(line, group, &parts.join("/"), key, value);
}

struct Tokens<'t> {
    rest: &'t str,
    line: u32,
    language: Language,
    /// True right behind a dot or an arrow: what comes is a member of something.
    behind_dot: bool,
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

impl<'t> Tokens<'t> {
    fn eat(&mut self, length: usize) -> &'t str {
        let (head, tail) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.line = self.line.saturating_add(newlines(head));
        self.rest = tail;
        head
    }

    fn eat_past(&mut self, mark: &str) {
        let length = self
            .rest
            .find(mark)
            .map_or(self.rest.len(), |at| at + mark.len());
        self.eat(length);
    }

    fn next(&mut self) -> Option<(u32, Token<'t>)> {
        let found = self.token()?;
        self.behind_dot = matches!(found.1, Token::Sign('.' | '>' | ':'));
        Some(found)
    }

    /// A value out of the environment, as one text.
    fn fallback(&mut self, first: char) -> Option<String> {
        let begins = first.is_ascii_alphabetic() || matches!(first, '$' | '(' | '\\');
        if !begins || self.behind_dot {
            return None;
        }
        let (spelt, length) = fallbacks::at(self.rest, self.language.spelling())?;
        self.eat(length);
        Some(spelt)
    }

    fn token(&mut self) -> Option<(u32, Token<'t>)> {
        loop {
            let first = self.rest.chars().next()?;
            let (line, language) = (self.line, self.language);
            if let Some(spelt) = self.fallback(first) {
                return Some((line, Token::Text(spelt)));
            }
            match first {
                '\n' => {
                    self.eat(1);
                    return Some((line, Token::NewLine));
                }
                _ if first.is_whitespace() => {
                    self.eat(first.len_utf8());
                }
                '-' if language == Language::Lua && self.rest.starts_with("--[[") => {
                    self.eat_past("]]");
                }
                '-' if language == Language::Lua && self.rest.starts_with("--") => self.eat_line(),
                '#' if !matches!(language, Language::Lua | Language::Javascript) => self.eat_line(),
                '/' if language.has_slash_comments() && self.rest.starts_with("//") => {
                    self.eat_line();
                }
                '/' if language.has_slash_comments() && self.rest.starts_with("/*") => {
                    self.eat_past("*/");
                }
                '=' if language == Language::Perl && self.begins_pod() => self.eat_past("\n=cut"),
                '-' | '{' if language == Language::Perl => {
                    if let Some(key) = self.perl_index() {
                        return Some((line, Token::Word(key)));
                    }
                    self.eat(1);
                    return Some((line, Token::Sign(first)));
                }
                '=' if language == Language::Ruby && self.rest.starts_with("=begin") => {
                    self.eat_past("\n=end");
                }
                '`' if language == Language::Javascript => {
                    let text = self.text(first);
                    return Some((line, Token::Text(template(&text))));
                }
                '\'' | '"' => return Some((line, Token::Text(self.text(first)))),
                '=' if self.rest.starts_with("=>") => {
                    self.eat(2);
                    return Some((line, Token::Is));
                }
                '=' if self.rest.starts_with("==") => {
                    self.eat(2);
                    return Some((line, Token::Sign('~')));
                }
                '=' => {
                    self.eat(1);
                    return Some((line, Token::Is));
                }
                ':' if matches!(
                    language,
                    Language::Python | Language::Javascript | Language::Ruby
                ) =>
                {
                    self.eat(1);
                    return Some((line, Token::Is));
                }
                _ if first.is_alphanumeric() || matches!(first, '_' | '$') => {
                    let end = self
                        .rest
                        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'))
                        .unwrap_or(self.rest.len());
                    return Some((line, Token::Word(self.eat(end).trim_start_matches('$'))));
                }
                _ => {
                    self.eat(first.len_utf8());
                    return Some((line, Token::Sign(first)));
                }
            }
        }
    }

    /// True at `=pod` and the like; the caller stands at the `=`.
    fn begins_pod(&self) -> bool {
        let word = self.rest.get(1..).unwrap_or_default();
        ["pod", "head", "over", "item", "begin", "for ", "encoding"]
            .iter()
            .any(|begin| word.starts_with(begin))
    }

    /// `->{key}` and `{key}` right behind a name: an index is the name of what follows.
    fn perl_index(&mut self) -> Option<&'t str> {
        let inner = self
            .rest
            .strip_prefix("->{")
            .or_else(|| self.rest.strip_prefix('{'))?;
        let before = self.rest.len() - inner.len();
        let (key, _) = split_near(inner, b'}')?;
        let end = key.len();
        let key = key.trim().trim_matches(['\'', '"']);
        let plain = !key.is_empty()
            && key.len() < 128
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'-'));
        // `{ key }` after white space is a block or a hash, not an index.
        let arrow = before == 3;
        (plain && arrow).then(|| {
            self.eat(before + end + 1);
            key
        })
    }

    fn eat_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.eat(end);
    }

    /// A text in quotes; three of them in Python. Escapes lose their backslash.
    fn text(&mut self, quote: char) -> String {
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        if self.language == Language::Python && self.rest.starts_with(&triple) {
            self.eat(3);
            let end = self.rest.find(&triple).unwrap_or(self.rest.len());
            let text = self.eat(end).to_owned();
            self.eat(3);
            return text;
        }
        self.eat(1);
        let mut out = String::new();
        let mut length = 0;
        let mut escaped = false;
        for c in self.rest.chars() {
            length += c.len_utf8();
            match c {
                _ if escaped => {
                    out.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '\n' if self.language.ends_lines() && quote != '`' => break,
                _ if c == quote => break,
                _ => out.push(c),
            }
        }
        self.eat(length);
        out
    }

    /// The text of an index `'a']` after an opening bracket.
    fn index(&mut self) -> Option<String> {
        let trimmed = self.rest.trim_start();
        let quote = trimmed.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (inner, _) = split_near(self.rest, b']').or_else(|| split_near(self.rest, b'\n'))?;
        let end = inner.find('\n').unwrap_or(inner.len());
        let inner = self.eat(end).trim().to_owned();
        if self.rest.starts_with(']') {
            self.eat(1);
        }
        quote.map(|q| inner.trim_matches(q).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(settings: &Settings) -> Vec<String> {
        settings
            .all
            .iter()
            .filter(|s| s.value.is_ascii())
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    /// What is taken from the environment, as `NAME|default`.
    fn taken(settings: &Settings) -> Vec<String> {
        let taken = settings.all.iter().filter(|s| !s.value.is_ascii());
        taken
            .map(|s| {
                let value = s.value.replace(['\u{e003}', '\u{e005}'], "");
                format!("{} {}={}", s.section, s.key, value.replace('\u{e004}', "|"))
            })
            .collect()
    }

    #[test]
    fn what_is_taken_from_the_environment_is_told_apart() {
        let text = "<?php return ['redis' => ['host' => env('REDIS_HOST', 'r1'), 'port' => (int) env('REDIS_PORT', 6379)]];\n$x = $this->env('A', 'b');\n";
        assert_eq!(
            taken(&php(text)),
            ["redis host=REDIS_HOST|r1", "redis port=REDIS_PORT|6379"]
        );
        let text = "// host: 'old'\nconst url = `amqp://${process.env.MQ || 'mq1'}:5672/x`\nmodule.exports = {\n  db: { host: process.env.DB_HOST || 'db1', port: 5432, 'name': \"erp\" },\n}\n";
        assert_eq!(
            taken(&javascript(text)),
            [" url=amqp://MQ|mq1:5672/x", "exports/db host=DB_HOST|db1"]
        );
        assert_eq!(
            shown(&javascript(text)),
            ["4 exports/db port=5432", "4 exports/db name=erp"]
        );
        let text = "# a: 'old'\nconfig.action_mailer.smtp_settings = {\n  :address => ENV.fetch('SMTP', 'm1'),\n  port: 25,\n  domain: 'corp'\n}\n";
        assert_eq!(taken(&ruby(text)), ["smtp_settings address=SMTP|m1"]);
        assert_eq!(
            shown(&ruby(text)),
            ["4 smtp_settings port=25", "5 smtp_settings domain=corp"]
        );
        assert!(javascript("var a = { host: 'h' }").all.is_empty());
    }

    #[test]
    fn what_opens_and_never_closes_is_gone_through_once() {
        let many = 200_000;
        let opens = format!("require('x');host=1;{}", "a[".repeat(many));
        let _ = javascript(&opens);
        let _ = perl(&"{".repeat(many));
        let _ = perl(&"->{".repeat(many));
        let _ = php(&format!("<?php {}", "a['b']".repeat(many)));
        let _ = php(&format!("<?php {}", "(int)".repeat(many)));
        let _ = php(&format!("<?php {}", "(".repeat(many)));
        let keys = format!(
            "x = {{'{}': {{{}}}}}",
            "k".repeat(100_000),
            "'a':'b',".repeat(50_000)
        );
        assert!(python(&keys).partial);
        assert_eq!(
            shown(&perl("$c->{db}->{ 'host' } = 'db1';\n")),
            ["1  host=db1"]
        );
    }

    #[test]
    fn php_literals_are_read_and_computed_values_are_not() {
        let text = "<?php\n// define('DB_HOST', 'old');\ndefine('DB_HOST', 'db1');\n$conf['db']['host'] = \"db2\";\n$x = 'a' . $b;\n\
            $c = env('DB_HOST', 'db9');\nreturn [ 'mail' => [ 'host' => 'm1', 'port' => env('P', 'x'), ], 'k' => array('host' => 'h3') ];\n";
        assert_eq!(
            shown(&php(text)),
            [
                "3  DB_HOST=db1",
                "4 conf/db host=db2",
                "7 mail host=m1",
                "7 k host=h3"
            ]
        );
    }

    #[test]
    fn python_literals_are_read_and_computed_values_are_not() {
        let text = "\"\"\"HOST = 'doc'\"\"\"\n# HOST = 'old'\nEMAIL_HOST = 'm1'\nDATABASES = {\n    'default': {\n        'HOST': 'db1',\n        'PORT': '5432',\n        'NAME': os.environ['X'],\n    }\n}\n\
            X = 'a' + b\nif HOST == 'z':\n    pass\n";
        assert_eq!(
            shown(&python(text)),
            [
                "3  EMAIL_HOST=m1",
                "6 DATABASES/default HOST=db1",
                "7 DATABASES/default PORT=5432"
            ]
        );
    }

    #[test]
    fn a_connection_names_its_host_by_its_place() {
        let text = "<?php\n$a = new mysqli('db1', 'shop', 'x', 'erp', 3307);\n$b = mysqli_connect($host, 'u', f('y', 1), 'd');\n// new mysqli('old');\n$c = new mysqli('h' . $x, 'u');\n$d = 'k';\n";
        assert_eq!(
            shown(&php(text)),
            [
                "2 mysqli host=db1",
                "2 mysqli username=shop",
                "2 mysqli password=x",
                "2 mysqli database=erp",
                "2 mysqli port=3307",
                "3 mysqli username=u",
                "3 mysqli database=d",
                "5 mysqli username=u",
                "6  d=k"
            ]
        );
    }

    #[test]
    fn numbers_and_truths_are_values_too() {
        assert_eq!(
            shown(&python("PORT = 25\nHOST = 'h'\nTLS = True\nX = HOST\n")),
            ["1  PORT=25", "2  HOST=h", "3  TLS=True"]
        );
    }

    #[test]
    fn text_put_together_with_constants_is_known_and_lists_have_their_key() {
        let text = "<?php\nconst ZONE = 'corp.example';\n$a = ['host' => 'ldap.' . ZONE, 'x' => 'y' . f(), 'z' => $u . '.b'];\nreturn ['servers' => ['dc1.corp.example', 'dc2'], 'port' => 3269];\n";
        let found = php(text);
        let shown: Vec<String> = found
            .all
            .iter()
            .map(|s| format!("{}={}", s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "ZONE=corp.example",
                "host=ldap.corp.example",
                "servers=dc1.corp.example",
                "servers=dc2",
                "port=3269"
            ]
        );
        let servers = found
            .all
            .iter()
            .find(|s| s.key == "servers")
            .map(|s| s.group);
        assert_eq!(servers, found.all.last().map(|s| s.group));
    }
}
