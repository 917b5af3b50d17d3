//! A Python program as logical lines of tokens (the language reference, "Lexical analysis").

const TEXT_MAX: usize = 16 << 10;

#[derive(Clone, PartialEq, Eq, Debug)]
/// One token; a text is without its quotes.
pub(super) enum Token {
    Name(String),
    Text(String),
    Format(String),
    Number(String),
    Sign(char),
}

/// A token and the line it stands on.
pub(super) type Placed = (u32, Token);

#[derive(Clone, Debug)]
/// One statement and how far it is indented.
pub(super) struct Line {
    pub(super) indent: usize,
    pub(super) tokens: Vec<Placed>,
}

/// Lines as Python sees them: one goes on while a bracket is open or a backslash ends it.
pub(super) fn logical_lines(text: &str) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut scan = Scan {
        rest: text,
        line: 1,
    };
    let mut depth = 0_usize;
    let mut indent = 0;
    let mut begins = true;
    let mut tokens: Vec<Placed> = Vec::new();
    while let Some(first) = scan.rest.chars().next() {
        let line = scan.line;
        match first {
            '\n' => {
                scan.eat(1);
                if depth == 0 {
                    finish(&mut out, &mut tokens, indent);
                    begins = true;
                    indent = 0;
                }
            }
            ' ' | '\t' | '\r' | '\u{c}' => {
                scan.eat(1);
                if begins {
                    indent += if first == '\t' { 8 } else { 1 };
                }
            }
            '#' => {
                let end = scan.rest.find('\n').unwrap_or(scan.rest.len());
                scan.eat(end);
            }
            '\\' if scan.rest.starts_with("\\\n") => {
                scan.eat(2);
            }
            _ => {
                begins = false;
                let token = scan.token(first);
                match &token {
                    Token::Sign('(' | '[' | '{') => depth += 1,
                    Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if tokens.len() < 20_000 {
                    tokens.push((line, token));
                }
            }
        }
        if out.len() > 20_000 {
            break;
        }
    }
    finish(&mut out, &mut tokens, indent);
    out
}

fn finish(out: &mut Vec<Line>, tokens: &mut Vec<Placed>, indent: usize) {
    if !tokens.is_empty() {
        out.push(Line {
            indent,
            tokens: std::mem::take(tokens),
        });
    }
}

struct Scan<'t> {
    rest: &'t str,
    line: u32,
}

impl<'t> Scan<'t> {
    fn eat(&mut self, length: usize) -> &'t str {
        let length = length.min(self.rest.len());
        let (head, tail) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        let lines = head.bytes().filter(|b| *b == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = tail;
        head
    }

    fn token(&mut self, first: char) -> Token {
        if first.is_alphabetic() || first == '_' {
            let end = self
                .rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(self.rest.len());
            let word = self.rest.get(..end).unwrap_or_default();
            let after = self.rest.get(end..).and_then(|r| r.chars().next());
            let prefix = word.len() <= 2 && word.chars().all(|c| "rbfuRBFU".contains(c));
            if prefix && matches!(after, Some('"' | '\'')) {
                let is_format = word.contains(['f', 'F']);
                let raw = word.contains(['r', 'R']);
                self.eat(end);
                let text = self.text(raw);
                return if is_format {
                    Token::Format(text)
                } else {
                    Token::Text(text)
                };
            }
            return Token::Name(self.eat(end).to_owned());
        }
        if first.is_ascii_digit() {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(self.rest.len());
            return Token::Number(self.eat(end).to_owned());
        }
        if matches!(first, '"' | '\'') {
            return Token::Text(self.text(false));
        }
        self.eat(first.len_utf8());
        Token::Sign(first)
    }

    fn text(&mut self, raw: bool) -> String {
        let quote = self.rest.chars().next().unwrap_or('"');
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if self.rest.starts_with(&triple) {
            triple
        } else {
            quote.to_string()
        };
        self.eat(mark.len());
        let mut out = String::new();
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with(&mark) {
                self.eat(mark.len());
                break;
            }
            if c == '\n' && mark.len() == 1 {
                break;
            }
            self.eat(c.len_utf8());
            if c == '\\' && !raw {
                let next = self.rest.chars().next();
                if let Some(next) = next {
                    self.eat(next.len_utf8());
                    match next {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        '\n' => {}
                        other => out.push(other),
                    }
                }
            } else if out.len() < TEXT_MAX {
                out.push(c);
            }
        }
        out
    }
}

/// How far an expression was read.
pub(super) struct Reader<'t> {
    pub(super) tokens: &'t [Placed],
    pub(super) at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(_, t)| t)
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.at).map_or(0, |(line, _)| *line)
    }

    pub(super) fn next_is(&self, sign: char) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((_, Token::Sign(c))) if *c == sign)
    }

    pub(super) fn after_next_is(&self, sign: char) -> bool {
        matches!(self.tokens.get(self.at + 2), Some((_, Token::Sign(c))) if *c == sign)
    }

    /// Past the bracket that closes what is open here.
    pub(super) fn skip_to(&mut self, end: char) {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token {
                Token::Sign(c) if *c == end && depth == 0 => return,
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}
