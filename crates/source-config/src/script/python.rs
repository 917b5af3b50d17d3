//! A Python program, followed as far as literals go: constants, text put together (`+`, `%`, `f"…"`, `.join`,
//! `.format`), settings read from YAML, JSON and INI files, loops over lists. What it calls with known arguments
//! becomes settings; the section is the function, keys are `1`, `2`, … and the names of arguments.

use std::collections::BTreeMap;

use super::values::{Value, ini, tree};
use super::{Beside, by_default};
use crate::settings::Settings;

const STEPS_MAX: u32 = 50_000;
const DEPTH_MAX: usize = 24;
const ROUNDS_MAX: usize = 64;
const TEXT_MAX: usize = 16 << 10;

/// Calls with known arguments; a command that is started is a setting `command`.
pub(crate) fn python(text: &str, beside: &dyn Beside) -> Settings {
    let lines = logical_lines(text);
    let mut python = Python {
        settings: Settings::default(),
        variables: BTreeMap::new(),
        imports: BTreeMap::new(),
        beside,
        steps: STEPS_MAX,
    };
    python.run(&lines, 0);
    python.settings
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Name(String),
    Text(String),
    Format(String),
    Number(String),
    Sign(char),
}

/// A token and the line it stands on.
type Placed = (u32, Token);

#[derive(Clone, Debug)]
struct Line {
    indent: usize,
    tokens: Vec<Placed>,
}

struct Python<'b> {
    settings: Settings,
    variables: BTreeMap<String, Value>,
    imports: BTreeMap<String, String>,
    beside: &'b dyn Beside,
    steps: u32,
}

/// Lines as Python sees them: one goes on while a bracket is open or a backslash ends it.
fn logical_lines(text: &str) -> Vec<Line> {
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

impl Python<'_> {
    fn run(&mut self, lines: &[Line], depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                self.settings.partial = true;
                return;
            }
            if let Some((name, value)) = self.loop_of(line).filter(|_| depth < DEPTH_MAX) {
                let end = lines
                    .iter()
                    .skip(at)
                    .position(|l| l.indent <= line.indent)
                    .map_or(lines.len(), |n| at + n);
                let inner = lines.get(at..end).unwrap_or_default().to_vec();
                at = end;
                self.round(&name, &value, &inner, depth);
                continue;
            }
            self.statement(line);
        }
    }

    /// `for NAME in VALUE:`
    fn loop_of(&mut self, line: &Line) -> Option<(Vec<String>, Value)> {
        if !matches!(line.tokens.first(), Some((_, Token::Name(n))) if n == "for") {
            return None;
        }
        let at = line
            .tokens
            .iter()
            .position(|(_, t)| matches!(t, Token::Name(n) if n == "in"))?;
        let names = line.tokens.get(1..at)?.iter().filter_map(|(_, t)| match t {
            Token::Name(name) => Some(name.clone()),
            _ => None,
        });
        let names = names.collect();
        let value = self.value_of(line.tokens.get(at + 1..)?);
        Some((names, value))
    }

    fn round(&mut self, names: &[String], value: &Value, inner: &[Line], depth: usize) {
        let items = value.items();
        if items.is_empty() {
            for name in names {
                self.variables.remove(name);
            }
            self.run(inner, depth + 1);
        }
        for item in items.into_iter().take(ROUNDS_MAX) {
            match names {
                [name] => {
                    self.variables.insert(name.clone(), item);
                }
                names => {
                    for (at, name) in names.iter().enumerate() {
                        self.variables
                            .insert(name.clone(), item.get(&at.to_string()));
                    }
                }
            }
            self.run(inner, depth + 1);
        }
        for name in names {
            self.variables.remove(name);
        }
    }

    fn statement(&mut self, line: &Line) {
        let tokens = line.tokens.as_slice();
        let first = match tokens.first() {
            Some((_, Token::Name(name))) => name.as_str(),
            _ => "",
        };
        match first {
            "import" | "from" => return self.import(tokens),
            // What a function is given is not known.
            "def" => {
                for (_, token) in tokens.iter().skip(2) {
                    if let Token::Name(name) = token {
                        self.variables.remove(name);
                    }
                }
                return;
            }
            "class" => return,
            _ => {}
        }
        let keyword = matches!(
            first,
            "with"
                | "if"
                | "elif"
                | "while"
                | "return"
                | "yield"
                | "assert"
                | "await"
                | "try"
                | "else"
                | "raise"
                | "async"
        );
        let tokens = tokens.get(usize::from(keyword)..).unwrap_or_default();
        let targets = (!keyword).then(|| assigned(tokens)).flatten();
        let Some((names, right)) = targets else {
            let value = self.value_of(tokens);
            if first == "with"
                && let Some((_, Token::Name(name))) = tokens
                    .iter()
                    .rev()
                    .find(|(_, t)| !matches!(t, Token::Sign(':')))
            {
                self.variables.insert(name.clone(), value);
            }
            return;
        };
        let value = self.value_of(right);
        for (at, name) in names.iter().enumerate() {
            let value = if names.len() == 1 {
                value.clone()
            } else {
                value.get(&at.to_string())
            };
            if self.variables.len() < 4096 {
                self.variables.insert(name.clone(), value);
            }
        }
    }

    /// `import a.b as c`, `from a import b as c, d`.
    fn import(&mut self, tokens: &[Placed]) {
        let mut words: Vec<String> = Vec::new();
        for (_, token) in tokens {
            match token {
                Token::Name(name) => match words.last_mut().filter(|w| w.ends_with('.')) {
                    Some(last) => last.push_str(name),
                    None => words.push(name.clone()),
                },
                Token::Sign('.') => {
                    if let Some(last) = words.last_mut() {
                        last.push('.');
                    }
                }
                Token::Sign(',') => words.push(",".to_owned()),
                _ => {}
            }
        }
        let (module, names) = match words.as_slice() {
            [from, module, import, names @ ..] if from == "from" && import == "import" => {
                (format!("{module}."), names)
            }
            [_, names @ ..] => (String::new(), names),
            [] => return,
        };
        for part in names.split(|w| w == ",").take(200) {
            let (Some(name), last) = (part.first(), part.last()) else {
                continue;
            };
            let alias = last.filter(|_| part.len() == 3).unwrap_or(name);
            self.imports
                .insert(alias.clone(), format!("{module}{name}"));
        }
    }

    fn value_of(&mut self, tokens: &[Placed]) -> Value {
        let mut reader = Reader { tokens, at: 0 };
        self.expression(&mut reader, 0)
    }

    fn expression(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
        let mut value = self.term(reader, depth);
        loop {
            match reader.peek() {
                Some(Token::Sign('+')) => {
                    reader.at += 1;
                    let right = self.term(reader, depth);
                    value = match (value, right) {
                        (Value::Text(a), Value::Text(b)) if a.len() + b.len() < TEXT_MAX => {
                            Value::Text(a + &b)
                        }
                        (Value::List(mut a), Value::List(b)) if a.len() + b.len() < 4096 => {
                            a.extend(b);
                            Value::List(a)
                        }
                        _ => Value::Unknown,
                    };
                }
                Some(Token::Sign('%')) => {
                    reader.at += 1;
                    let right = self.term(reader, depth);
                    value = percent(&value, &right);
                }
                // Text beside text is one.
                Some(Token::Text(_) | Token::Format(_)) if matches!(value, Value::Text(_)) => {
                    let right = self.term(reader, depth);
                    value = match (value, right) {
                        (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
                        _ => Value::Unknown,
                    };
                }
                Some(Token::Name(word)) if word == "or" => {
                    reader.at += 1;
                    let right = self.expression(reader, depth);
                    if value == Value::Unknown {
                        value = by_default(self.beside, right);
                    }
                }
                Some(Token::Name(word))
                    if matches!(word.as_str(), "if" | "and" | "in" | "is" | "not") =>
                {
                    reader.at += 1;
                    let _ = self.expression(reader, depth);
                    value = Value::Unknown;
                }
                Some(Token::Sign('-' | '*' | '/' | '<' | '>' | '!' | '&' | '|' | '^' | '@')) => {
                    reader.at += 1;
                    let _ = self.term(reader, depth);
                    value = Value::Unknown;
                }
                Some(Token::Sign('=')) if reader.next_is('=') => {
                    reader.at += 2;
                    let _ = self.term(reader, depth);
                    value = Value::Unknown;
                }
                _ => return value,
            }
        }
    }

    fn term(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
        if depth > DEPTH_MAX || self.steps == 0 {
            reader.at = reader.tokens.len();
            return Value::Unknown;
        }
        self.steps -= 1;
        let line = reader.line();
        let Some(token) = reader.next() else {
            return Value::Unknown;
        };
        let mut path = String::new();
        let mut value = match token {
            Token::Text(text) => Value::Text(text.clone()),
            Token::Number(number) => Value::Text(number.clone()),
            Token::Format(text) => self.format_text(text, depth),
            Token::Name(name) => {
                path = self
                    .imports
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| name.clone());
                match name.as_str() {
                    "True" | "False" => Value::Text(name.to_ascii_lowercase()),
                    "not" | "lambda" | "await" => {
                        let _ = self.term(reader, depth + 1);
                        Value::Unknown
                    }
                    _ => self.variables.get(name).cloned().unwrap_or(Value::Unknown),
                }
            }
            Token::Sign('(') => self.sequence(reader, ')', depth),
            Token::Sign('[') => match self.sequence(reader, ']', depth) {
                Value::List(items) => Value::List(items),
                Value::Unknown => Value::Unknown,
                one => Value::List(vec![one]),
            },
            Token::Sign('{') => self.map(reader, depth),
            Token::Sign('-') => {
                let _ = self.term(reader, depth + 1);
                Value::Unknown
            }
            Token::Sign(_) => return Value::Unknown,
        };
        loop {
            match reader.peek() {
                Some(Token::Sign('.')) => {
                    reader.at += 1;
                    let Some(Token::Name(name)) = reader.next() else {
                        return Value::Unknown;
                    };
                    let name = name.clone();
                    if reader.peek() == Some(&Token::Sign('(')) {
                        reader.at += 1;
                        let arguments = self.arguments(reader, depth);
                        let whole = if path.is_empty() {
                            name.clone()
                        } else {
                            format!("{path}.{name}")
                        };
                        value = self.method(&value, &path, &name, &whole, line, &arguments);
                        path = whole;
                    } else {
                        value = value.get(&name);
                        path = format!("{path}.{name}");
                    }
                }
                Some(Token::Sign('(')) => {
                    reader.at += 1;
                    let arguments = self.arguments(reader, depth);
                    value = self.call(&path, line, &arguments);
                }
                Some(Token::Sign('[')) => {
                    reader.at += 1;
                    let key = self.expression(reader, depth + 1);
                    reader.skip_to(']');
                    value = match key.text() {
                        Some(name) if is_environment(&path) => self.given(name),
                        Some(key) => value.get(key),
                        None => Value::Unknown,
                    };
                    path.clear();
                }
                _ => return value,
            }
        }
    }

    /// What stands between brackets: a list, or the one value within parentheses.
    fn sequence(&mut self, reader: &mut Reader<'_>, end: char, depth: usize) -> Value {
        let mut items = Vec::new();
        let mut commas = false;
        loop {
            match reader.peek() {
                None => break,
                Some(Token::Sign(c)) if *c == end => {
                    reader.at += 1;
                    break;
                }
                Some(Token::Sign(',')) => {
                    commas = true;
                    reader.at += 1;
                }
                Some(Token::Name(word)) if word == "for" => {
                    reader.skip_to(end);
                    return Value::Unknown;
                }
                _ => {
                    let before = reader.at;
                    let item = self.expression(reader, depth + 1);
                    if reader.at == before {
                        reader.at += 1;
                    }
                    items.push(item);
                }
            }
            if items.len() > 4096 {
                break;
            }
        }
        if end == ')' && !commas && items.len() == 1 {
            return items.pop().unwrap_or(Value::Unknown);
        }
        Value::List(items)
    }

    fn map(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
        let mut entries = Vec::new();
        loop {
            match reader.peek() {
                None => break,
                Some(Token::Sign('}')) => {
                    reader.at += 1;
                    break;
                }
                Some(Token::Sign(',')) => reader.at += 1,
                _ => {
                    let before = reader.at;
                    let key = self.expression(reader, depth + 1);
                    if reader.peek() == Some(&Token::Sign(':')) {
                        reader.at += 1;
                        let value = self.expression(reader, depth + 1);
                        if let Some(key) = key.text() {
                            entries.push((key.to_owned(), value));
                        }
                    }
                    if reader.at == before {
                        reader.at += 1;
                    }
                }
            }
            if entries.len() > 4096 {
                break;
            }
        }
        Value::Map(entries)
    }

    fn arguments(&mut self, reader: &mut Reader<'_>, depth: usize) -> Vec<(String, Value)> {
        let mut out = Vec::new();
        let mut number = 0;
        loop {
            match reader.peek() {
                None => break,
                Some(Token::Sign(')')) => {
                    reader.at += 1;
                    break;
                }
                Some(Token::Sign(',' | '*')) => reader.at += 1,
                Some(Token::Name(name)) if reader.next_is('=') && !reader.after_next_is('=') => {
                    let name = name.clone();
                    reader.at += 2;
                    let value = self.expression(reader, depth + 1);
                    out.push((name, value));
                }
                Some(Token::Name(word)) if word == "for" => {
                    reader.skip_to(')');
                    break;
                }
                _ => {
                    let before = reader.at;
                    let value = self.expression(reader, depth + 1);
                    if reader.at == before {
                        reader.at += 1;
                    }
                    number += 1;
                    out.push((number.to_string(), value));
                }
            }
            if out.len() > 64 {
                reader.skip_to(')');
                break;
            }
        }
        out
    }

    fn method(
        &mut self,
        on: &Value,
        path: &str,
        name: &str,
        whole: &str,
        line: u32,
        arguments: &[(String, Value)],
    ) -> Value {
        let first = || arguments.first().map_or(Value::Unknown, |(_, v)| v.clone());
        let text = first().text().map(str::to_owned);
        match (on, name) {
            (_, "get") if is_environment(path) => self.given_or(&first(), arguments.get(1)),
            (Value::Text(mark), "join") => {
                let parts: Option<Vec<String>> = first()
                    .items()
                    .iter()
                    .map(|v| v.text().map(str::to_owned))
                    .collect();
                match (first(), parts) {
                    (Value::List(_), Some(parts)) => Value::Text(parts.join(mark)),
                    _ => Value::Unknown,
                }
            }
            (Value::Text(template), "format") => braces(template, arguments),
            (Value::Text(text), "strip" | "rstrip" | "lstrip" | "lower" | "encode" | "decode") => {
                Value::Text(text.trim().to_owned())
            }
            (Value::Text(whole), "split") => {
                let parts: Vec<Value> = match &text {
                    Some(mark) if !mark.is_empty() => whole
                        .split(mark.as_str())
                        .map(|p| Value::Text(p.to_owned()))
                        .collect(),
                    _ => whole
                        .split_whitespace()
                        .map(|p| Value::Text(p.to_owned()))
                        .collect(),
                };
                Value::List(parts)
            }
            (Value::Text(text), "splitlines") => Value::List(
                text.lines()
                    .take(1_000)
                    .map(|l| Value::Text(l.to_owned()))
                    .collect(),
            ),
            (Value::Text(text), "read_text") => {
                self.beside.text(text).map_or(Value::Unknown, Value::Text)
            }
            (Value::File(file), "read") => {
                self.beside.text(file).map_or(Value::Unknown, Value::Text)
            }
            // A parser of settings is told its file.
            (Value::Map(entries), "read") if entries.is_empty() => {
                let file = match first() {
                    Value::List(files) => files.first().and_then(|f| f.text().map(str::to_owned)),
                    one => one.text().map(str::to_owned),
                };
                if let Some(text) = file.and_then(|file| self.beside.text(&file)) {
                    self.variables.insert(path.to_owned(), ini(&text));
                }
                Value::Unknown
            }
            (Value::Map(_), "get" | "getint" | "getboolean")
                if arguments.len() >= 2
                    && on.get(text.as_deref().unwrap_or_default()) != Value::Unknown =>
            {
                let inner = on.get(text.as_deref().unwrap_or_default());
                let key = arguments
                    .get(1)
                    .and_then(|(_, v)| v.text())
                    .unwrap_or_default();
                match inner {
                    Value::Map(_) => inner.get(key),
                    one => one,
                }
            }
            (Value::Map(_), "get" | "getint" | "getboolean") => {
                on.get(text.as_deref().unwrap_or_default())
            }
            (Value::Map(entries), "values") => {
                Value::List(entries.iter().map(|(_, v)| v.clone()).collect())
            }
            (Value::Map(entries), "items") => Value::List(
                entries
                    .iter()
                    .map(|(k, v)| Value::List(vec![Value::Text(k.clone()), v.clone()]))
                    .collect(),
            ),
            (Value::Map(entries), "keys" | "sections") => Value::List(
                entries
                    .iter()
                    .map(|(k, _)| Value::Text(k.clone()))
                    .collect(),
            ),
            (Value::Object(class), _) => {
                let whole = format!("{class}.{name}");
                self.call(&whole, line, arguments)
            }
            _ => self.call(whole, line, arguments),
        }
    }

    /// What the environment says under a name.
    fn given(&self, name: &str) -> Value {
        let found = self.beside.variable(name);
        found.map_or(Value::Unknown, Value::Text)
    }

    /// What it says, or what the program falls back to.
    fn given_or(&self, name: &Value, default: Option<&(String, Value)>) -> Value {
        match (name.text().map(|name| self.given(name)), default) {
            (Some(Value::Unknown) | None, Some((_, default))) => {
                by_default(self.beside, default.clone())
            }
            (found, _) => found.unwrap_or(Value::Unknown),
        }
    }

    /// A call of a function by its whole name: what it gives back, and what it says about machines.
    fn call(&mut self, path: &str, line: u32, arguments: &[(String, Value)]) -> Value {
        let first = arguments.first().map_or(Value::Unknown, |(_, v)| v.clone());
        let text = first.text().map(str::to_owned);
        match path {
            "os.getenv" => return self.given_or(&first, arguments.get(1)),
            "open" | "io.open" => return text.map_or(Value::Unknown, Value::File),
            "str" | "int" | "Path" | "pathlib.Path" | "os.path.expanduser" | "quote" => {
                return first;
            }
            "os.path.join" => {
                let parts: Option<Vec<&str>> = arguments.iter().map(|(_, v)| v.text()).collect();
                return parts.map_or(Value::Unknown, |p| Value::Text(p.join("/")));
            }
            "list" | "sorted" | "set" | "tuple" | "reversed" => return first,
            "enumerate" | "zip" | "range" | "len" | "print" => return Value::Unknown,
            "dict" => return Value::Map(arguments.to_vec()),
            _ => {}
        }
        let tail = path.rsplit('.').next().unwrap_or(path);
        if matches!(tail, "safe_load" | "full_load" | "load" | "loads")
            && ["yaml", "json", "ruamel"].iter().any(|m| path.contains(m))
        {
            let content = match &first {
                Value::File(file) => self.beside.text(file),
                one => one.text().map(str::to_owned),
            };
            return content.map_or(Value::Unknown, |text| tree(&text));
        }
        if matches!(
            tail,
            "ConfigParser" | "RawConfigParser" | "SafeConfigParser"
        ) {
            return Value::Map(Vec::new());
        }
        let starts = path.starts_with("subprocess.")
            || matches!(path, "os.system" | "os.popen" | "os.execvp" | "os.execv");
        if starts {
            self.started(line, &first);
        } else {
            self.say(path, line, arguments);
        }
        // What is made of a class has its methods.
        let is_class = tail.starts_with(|c: char| c.is_ascii_uppercase());
        if is_class && path.len() < 200 {
            return Value::Object(path.to_owned());
        }
        Value::Unknown
    }

    fn started(&mut self, line: u32, what: &Value) {
        let text = match what {
            Value::Text(text) => text.clone(),
            Value::List(words) => {
                // A word that is not known is a word all the same.
                let words = words.iter().map(|w| match w.text() {
                    Some(text) if text.contains(['"', '\'']) => text.to_owned(),
                    Some(text) => format!("'{text}'"),
                    None => "$".to_owned(),
                });
                words.collect::<Vec<_>>().join(" ")
            }
            _ => return,
        };
        let group = self.settings.open_group();
        self.settings.add_marked(line, group, "", "command", &text);
    }

    fn say(&mut self, path: &str, line: u32, arguments: &[(String, Value)]) {
        let known = arguments.iter().any(|(_, v)| !matches!(v, Value::Unknown));
        if path.is_empty() || path.len() > 200 || !known {
            return;
        }
        let group = self.settings.open_group();
        for (name, value) in arguments.iter().take(16) {
            let text = match value {
                Value::Text(text) => text.clone(),
                // A pair of host and port.
                Value::List(items) => match items.as_slice() {
                    [Value::Text(host), Value::Text(port)]
                        if port.bytes().all(|b| b.is_ascii_digit()) =>
                    {
                        format!("{host}:{port}")
                    }
                    _ => continue,
                },
                _ => continue,
            };
            if text.len() < 2_000 && !text.contains('\n') {
                self.settings.add_marked(line, group, path, name, &text);
            }
        }
    }

    /// `f"{a}.{b['c']}"`: unknown if a part is.
    fn format_text(&mut self, text: &str, depth: usize) -> Value {
        let mut out = String::new();
        let mut rest = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
        while let Some((before, after)) = rest.clone().split_once('{') {
            out.push_str(before);
            let Some((inner, tail)) = after.split_once('}') else {
                return Value::Unknown;
            };
            let inner = inner.split(['!', ':']).next().unwrap_or(inner);
            let lines = logical_lines(inner);
            let value = match lines.first() {
                Some(line) if depth < DEPTH_MAX => {
                    let mut reader = Reader {
                        tokens: &line.tokens,
                        at: 0,
                    };
                    self.expression(&mut reader, depth + 1)
                }
                _ => Value::Unknown,
            };
            match value.text() {
                Some(text) if out.len() + text.len() < TEXT_MAX => out.push_str(text),
                _ => return Value::Unknown,
            }
            rest = tail.to_owned();
        }
        out.push_str(&rest);
        Value::Text(out.replace('\u{1}', "{").replace('\u{2}', "}"))
    }
}

/// True for the environment of the process.
fn is_environment(path: &str) -> bool {
    matches!(path, "os.environ" | "environ")
}

struct Reader<'t> {
    tokens: &'t [Placed],
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(_, t)| t)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn line(&self) -> u32 {
        self.tokens.get(self.at).map_or(0, |(line, _)| *line)
    }

    fn next_is(&self, sign: char) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((_, Token::Sign(c))) if *c == sign)
    }

    fn after_next_is(&self, sign: char) -> bool {
        matches!(self.tokens.get(self.at + 2), Some((_, Token::Sign(c))) if *c == sign)
    }

    /// Past the bracket that closes what is open here.
    fn skip_to(&mut self, end: char) {
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

/// `A = …`, `A, B = …`: the names and what they are set to.
fn assigned(tokens: &[Placed]) -> Option<(Vec<String>, &[Placed])> {
    let mut names = Vec::new();
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Name(name) => names.push(name.clone()),
            Token::Sign(',') => {}
            Token::Sign('=') if !names.is_empty() => {
                let right = tokens.get(at + 1..)?;
                let compares = matches!(right.first(), Some((_, Token::Sign('='))));
                return (!compares).then_some((names, right));
            }
            _ => return None,
        }
    }
    None
}

/// `"%s.%s" % (a, b)`: unknown if a part is.
fn percent(template: &Value, with: &Value) -> Value {
    let Some(template) = template.text() else {
        return Value::Unknown;
    };
    let mut values = match with {
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    }
    .into_iter();
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd') => match values.next() {
                Some(Value::Text(text)) if out.len() < TEXT_MAX => out.push_str(&text),
                _ => return Value::Unknown,
            },
            _ => return Value::Unknown,
        }
    }
    Value::Text(out)
}

/// `"{}.{name}".format(…)`: unknown if a part is.
fn braces(template: &str, arguments: &[(String, Value)]) -> Value {
    let mut out = String::new();
    let mut rest = template;
    let mut number = 0;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((inner, tail)) = after.split_once('}') else {
            return Value::Unknown;
        };
        number += 1;
        let key = match inner {
            "" => number.to_string(),
            n if n.bytes().all(|b| b.is_ascii_digit()) => n
                .parse::<usize>()
                .unwrap_or(0)
                .saturating_add(1)
                .to_string(),
            name => name.to_owned(),
        };
        match arguments.iter().find(|(k, _)| *k == key) {
            Some((_, Value::Text(text))) if out.len() < TEXT_MAX => out.push_str(text),
            _ => return Value::Unknown,
        }
        rest = tail;
    }
    out.push_str(rest);
    Value::Text(out)
}

#[cfg(test)]
mod tests {
    use super::super::Alone;
    use super::*;

    struct Files(&'static [(&'static str, &'static str)]);

    impl Beside for Files {
        fn text(&self, path: &str) -> Option<String> {
            self.0
                .iter()
                .find(|(p, _)| *p == path)
                .map(|(_, t)| (*t).to_owned())
        }
    }

    fn shown(text: &str, files: &'static [(&'static str, &'static str)]) -> Vec<String> {
        python(text, &Files(files))
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn what_is_put_together_from_literals_is_known() {
        let text = "import smtplib, socket\nfrom ldap3 import Server as S\nRELAY = \".\".join([\"10\", \"0\", \"0\", \"5\"])\nTEST = \"10.9.9.9\"\nwith smtplib.SMTP(RELAY, 25, timeout=10) as r:\n    r.sendmail(a, [b], c)\nD = (\"dir.corp.example\", 389)\nx = socket.create_connection(D, timeout=5)\nS(host=\"%s.%s\" % (\"ldap\", \"corp\"), port=636)\nS(f\"{'a'}.corp\" + \"x\")\nS(\"{}.{z}\".format(\"q\", z=\"corp\"))\nS(unknown + \".corp\")\n";
        assert_eq!(
            shown(text, &[]),
            [
                "5 smtplib.SMTP 1=10.0.0.5",
                "5 smtplib.SMTP 2=25",
                "5 smtplib.SMTP timeout=10",
                "8 socket.create_connection 1=dir.corp.example:389",
                "8 socket.create_connection timeout=5",
                "9 ldap3.Server host=ldap.corp",
                "9 ldap3.Server port=636",
                "10 ldap3.Server 1=a.corpx",
                "11 ldap3.Server 1=q.corp"
            ]
        );
    }

    #[test]
    fn settings_of_a_file_are_those_the_program_reads() {
        let text = "import configparser, imaplib, yaml, subprocess\ns = configparser.ConfigParser()\ns.read('/etc/b.ini')\nbox = s['box']\nimaplib.IMAP4_SSL(box['host'], box.getint('port'))\nplan = yaml.safe_load(open('/etc/h.yaml'))\nfor host in plan['hosts']:\n    place = f\"{host['user']}@{host['name']}.{plan['domain']}\"\n    for path in host['paths']:\n        subprocess.run(['rsync', '-a', f'{place}:{path}', '/srv'])\n";
        let files = &[
            (
                "/etc/b.ini",
                "[DEFAULT]\ndomain = corp.example\n[box]\nhost = imap.%(domain)s\nport = 993\n[old]\nhost = old1\n",
            ),
            (
                "/etc/h.yaml",
                "domain: corp.example\ncommon: &c\n  user: b\nhosts:\n  - <<: *c\n    name: app1\n    paths: [/etc]\n  - <<: *c\n    name: web1\n    paths: [/var]\n",
            ),
        ];
        assert_eq!(
            shown(text, files),
            [
                "5 imaplib.IMAP4_SSL 1=imap.corp.example",
                "5 imaplib.IMAP4_SSL 2=993",
                "10  command='rsync' '-a' 'b@app1.corp.example:/etc' '/srv'",
                "10  command='rsync' '-a' 'b@web1.corp.example:/var' '/srv'"
            ]
        );
    }

    #[test]
    fn hostile_programs_end() {
        let nested = "for a in [1,2,3,4,5,6,7,8,9]:\n".to_owned()
            + &(1..30)
                .map(|n| format!("{}for b{n} in [1,2,3,4,5,6,7,8,9]:\n", " ".repeat(n)))
                .collect::<String>()
            + &" ".repeat(31)
            + "f(a)\n";
        let _ = python(&nested, &Alone);
        for opening in ["(", "[", "{", "f(", "a[", "not ", "-", "f\"{"] {
            let _ = python(&opening.repeat(4_000), &Alone);
        }
        let _ = python(&"a = a + a\n".repeat(200), &Alone);
        groma_fuzz::hammer(
            300,
            &[b"import a.b as c\nfrom d import e\nx = {'k': [1, \"t\"], **y}\nfor i, j in x.items():\n    c.f(f\"{i}{j['k']}\", p=1)\n", b"a = '''x\ny''' % (b,)\n"],
            |bytes| {
                let _ = python(&String::from_utf8_lossy(bytes), &Alone);
            },
        );
    }
}
