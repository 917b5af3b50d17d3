//! Text of PowerShell as tokens (about_Parsing, about_Quoting_Rules, language specification 3.0, chapter 2).

use crate::format::closing;

/// A word or text longer than this is cut.
const TEXT_MAX: usize = 16 << 10;
const TOKENS_MAX: usize = 100_000;

/// One token. Variables within texts and words are still spelt out in them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// The end of a statement: a line end, `;`, `&&`, `||`.
    End,
    /// A bare word, variables not filled in.
    Word(String),
    /// A text; true if variables in it are filled in.
    Text(String, bool),
    /// `$name`, `${name}`, `$scope:name`, in lower case; of a scope only `env:` is kept.
    Variable(String),
    /// `@name`: the variable's entries as parameters.
    Splat(String),
    /// `-Name`, `-Name:value`, `-f`.
    Parameter(String),
    /// `.Name` or `::Name` right behind a value.
    Member(String),
    /// `@(`, `@{`, `$(`: their second letter; the bracket closes as usual.
    Open(Opening),
    /// One of `( ) { } [ ] , | & = + !`.
    Sign(char),
}

/// What opens a bracket with a letter before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opening {
    List,
    Map,
    Sub,
}

/// A token, its line, and whether white space stands before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) line: u32,
    pub(super) spaced: bool,
}

/// The tokens of a script. The flag is true if it was cut.
pub(super) fn tokens(text: &str, line: u32) -> (Vec<Placed>, bool) {
    let mut scan = Scan {
        rest: text,
        line,
        out: Vec::new(),
        open: Vec::new(),
    };
    let mut spaced = true;
    while let Some(first) = scan.rest.chars().next() {
        if scan.out.len() >= TOKENS_MAX {
            return (scan.out, true);
        }
        spaced = scan.step(first, spaced);
    }
    (scan.out, false)
}

struct Scan<'t> {
    rest: &'t str,
    line: u32,
    out: Vec<Placed>,
    /// Brackets that are open; true for the one of a hash table.
    open: Vec<bool>,
}

impl<'t> Scan<'t> {
    fn eat(&mut self, length: usize) -> &'t str {
        let (head, tail) = self
            .rest
            .split_at_checked(length.min(self.rest.len()))
            .unwrap_or((self.rest, ""));
        let lines = memchr::memchr_iter(b'\n', head.as_bytes()).count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = tail;
        head
    }

    fn eat_past(&mut self, mark: &str) -> &'t str {
        let end = self.rest.find(mark).unwrap_or(self.rest.len());
        let inner = self.eat(end);
        self.eat(mark.len());
        inner
    }

    fn put(&mut self, token: Token, line: u32, spaced: bool) {
        self.out.push(Placed {
            token,
            line,
            spaced,
        });
    }

    /// Reads one token or what stands between two; true if white space was passed.
    fn step(&mut self, first: char, spaced: bool) -> bool {
        let line = self.line;
        match first {
            '\n' | ';' => {
                self.eat(1);
                self.put(Token::End, line, true);
                return true;
            }
            '`' if self.rest.starts_with("`\n") || self.rest.starts_with("`\r\n") => {
                let length = self.rest.find('\n').map_or(1, |n| n + 1);
                self.eat(length);
                return true;
            }
            _ if first.is_whitespace() => {
                self.eat(first.len_utf8());
                return true;
            }
            '<' if self.rest.starts_with("<#") => {
                self.eat_past("#>");
                return true;
            }
            '#' => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.eat(end);
                return true;
            }
            _ => {}
        }
        let token = self.token(first, spaced);
        match &token {
            Token::Open(opening) => self.open.push(*opening == Opening::Map),
            Token::Sign('(' | '{' | '[') => self.open.push(false),
            Token::Sign(')' | '}' | ']') => {
                self.open.pop();
            }
            _ => {}
        }
        self.put(token, line, spaced);
        false
    }

    fn token(&mut self, first: char, spaced: bool) -> Token {
        let starts = |mark: &str| self.rest.starts_with(mark);
        if starts("@'") || starts("@\"") {
            return self.here_string();
        }
        if starts("&&") || starts("||") {
            self.eat(2);
            return Token::End;
        }
        for (mark, opening) in [
            ("@(", Opening::List),
            ("@{", Opening::Map),
            ("$(", Opening::Sub),
        ] {
            if starts(mark) {
                self.eat(2);
                return Token::Open(opening);
            }
        }
        match first {
            '\'' | '\u{2018}' | '\u{2019}' => self.single(first),
            '"' | '\u{201c}' | '\u{201d}' => self.double(first),
            '$' => self.variable(),
            '@' if self.rest.chars().nth(1).is_some_and(is_letter) => {
                self.eat(1);
                Token::Splat(self.name().to_ascii_lowercase())
            }
            '-' => self.dashed(),
            '.' | ':' if !spaced && self.after_value() => self.member(first),
            '(' | ')' | '{' | '}' | '[' | ']' | ',' | '|' | '&' | '=' | '+' | '!' => {
                self.eat(1);
                Token::Sign(first)
            }
            _ => Token::Word(self.word()),
        }
    }

    /// True right behind what may have members or stand before an operator.
    fn after_value(&self) -> bool {
        matches!(
            self.out.last().map(|placed| &placed.token),
            Some(
                Token::Variable(_)
                    | Token::Text(..)
                    | Token::Member(_)
                    | Token::Sign(')' | ']' | '}')
            )
        )
    }

    fn name(&mut self) -> &'t str {
        let end = self
            .rest
            .find(|c: char| !(is_letter(c) || c.is_ascii_digit()))
            .unwrap_or(self.rest.len());
        self.eat(end)
    }

    fn variable(&mut self) -> Token {
        self.eat(1);
        if self.rest.starts_with('{') {
            self.eat(1);
            return Token::Variable(plain_name(self.eat_past("}")));
        }
        let end = name_length(self.rest);
        if end == 0 {
            // `$?`, `$$`, `$^`.
            let length = self.rest.chars().next().map_or(0, char::len_utf8);
            self.eat(length);
            return Token::Variable(String::new());
        }
        Token::Variable(plain_name(self.eat(end)))
    }

    fn member(&mut self, first: char) -> Token {
        let dots = if self.rest.starts_with("::") { 2 } else { 1 };
        let follows = self.rest.get(dots..).and_then(|r| r.chars().next());
        if (first == ':' && dots == 1) || !follows.is_some_and(|c| is_letter(c) || c == '$') {
            return Token::Word(self.word());
        }
        self.eat(dots);
        if follows == Some('$') {
            self.eat(1);
        }
        Token::Member(self.name().to_owned())
    }

    fn dashed(&mut self) -> Token {
        if !self.rest.chars().nth(1).is_some_and(is_letter) {
            return Token::Word(self.word());
        }
        self.eat(1);
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || "(){}[];|,\"'$@&".contains(c))
            .unwrap_or(self.rest.len());
        Token::Parameter(self.eat(end).to_owned())
    }

    /// A bare word: up to white space or a sign; variables and substitutions in it belong to it.
    fn word(&mut self) -> String {
        let in_map = self.open.last() == Some(&true);
        let mut out = String::new();
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("$(") {
                let length = closing(self.rest.get(1..).unwrap_or_default()) + 2;
                out.push_str(self.eat(length));
                continue;
            }
            let stops = c.is_whitespace()
                || "(){}[];|,&\"'".contains(c)
                || (in_map && c == '=')
                || (c == '`'
                    && self
                        .rest
                        .get(1..)
                        .is_some_and(|r| r.starts_with(['\n', '\r'])));
            if stops {
                break;
            }
            self.eat(c.len_utf8());
            if out.len() < TEXT_MAX && c != '`' {
                out.push(c);
            }
        }
        if out.is_empty() {
            let length = self.rest.chars().next().map_or(0, char::len_utf8);
            out.push_str(self.eat(length));
        }
        out
    }

    fn single(&mut self, first: char) -> Token {
        self.eat(first.len_utf8());
        let is_quote = |c: char| matches!(c, '\'' | '\u{2018}' | '\u{2019}');
        let mut out = String::new();
        while let Some(c) = self.rest.chars().next() {
            self.eat(c.len_utf8());
            if is_quote(c) {
                if !self.rest.starts_with(is_quote) {
                    break;
                }
                let doubled = self.rest.chars().next().map_or(0, char::len_utf8);
                self.eat(doubled);
            }
            if out.len() < TEXT_MAX {
                out.push(c);
            }
        }
        Token::Text(out, false)
    }

    fn double(&mut self, first: char) -> Token {
        self.eat(first.len_utf8());
        let is_quote = |c: char| matches!(c, '"' | '\u{201c}' | '\u{201d}');
        let mut out = String::new();
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("$(") {
                // What is computed within may hold quotes of its own.
                let length = closing(self.rest.get(1..).unwrap_or_default()) + 2;
                out.push_str(self.eat(length));
                continue;
            }
            self.eat(c.len_utf8());
            if c == '`' {
                let next = self.rest.chars().next().unwrap_or('`');
                self.eat(next.len_utf8());
                match next {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    '$' => out.push(DOLLAR),
                    other => out.push(other),
                }
                continue;
            }
            if is_quote(c) {
                if !self.rest.starts_with(is_quote) {
                    break;
                }
                let doubled = self.rest.chars().next().map_or(0, char::len_utf8);
                self.eat(doubled);
            }
            if out.len() < TEXT_MAX {
                out.push(c);
            }
        }
        Token::Text(out, true)
    }

    fn here_string(&mut self) -> Token {
        let expands = self.rest.starts_with("@\"");
        let head = self.rest.find('\n').map_or(self.rest.len(), |n| n + 1);
        self.eat(head);
        let mark = if expands { "\"@" } else { "'@" };
        let mut out = String::new();
        while !self.rest.is_empty() && !self.rest.starts_with(mark) {
            let end = self.rest.find('\n').map_or(self.rest.len(), |n| n + 1);
            let line = self.eat(end);
            if out.len() + line.len() < TEXT_MAX {
                out.push_str(line);
            }
        }
        self.eat(2);
        Token::Text(out.trim_end_matches(['\r', '\n']).to_owned(), expands)
    }
}

/// Stands for a `$` that was written as itself.
pub(super) const DOLLAR: char = '\u{e001}';

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Letters of the name at the start of `text`, with its scope.
pub(super) fn name_length(text: &str) -> usize {
    let mut end = 0;
    let mut scoped = false;
    for (at, c) in text.char_indices() {
        if is_letter(c) || c.is_ascii_digit() {
            end = at + c.len_utf8();
        } else if c == ':' && !scoped && at > 0 {
            // `$host:` before anything but a letter is a variable and a colon.
            let next = text.get(at + 1..).and_then(|r| r.chars().next());
            if !next.is_some_and(is_letter) {
                break;
            }
            scoped = true;
        } else {
            break;
        }
    }
    end
}

/// The name of a variable, lower case, without a scope of the script.
pub(super) fn plain_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.split_once(':') {
        Some(("env", rest)) => format!("env:{rest}"),
        Some((_, rest)) => rest.to_owned(),
        None => lower,
    }
}
