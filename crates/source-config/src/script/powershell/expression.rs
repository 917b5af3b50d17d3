//! Expressions: what a value is put together from.

use super::super::values::{TEXT_MAX, Value, joined, replaced};
use super::super::{by_default, values};
use super::tokens::{DOLLAR, Opening, Token, name_length, plain_name, tokens};
use super::{Code, DEPTH_MAX, Shell, flat};
use crate::format::closing;

const ITEMS_MAX: usize = 4096;

impl Shell<'_> {
    /// Whether a condition holds, where that is known. What it calls is said all the same.
    pub(super) fn truth(&mut self, head: &Code, depth: usize) -> Option<bool> {
        let mut code = head.clone();
        let negated = match code.peek() {
            Some(Token::Sign('!')) => true,
            Some(Token::Parameter(word)) => word.eq_ignore_ascii_case("not"),
            _ => false,
        };
        code.at += usize::from(negated);
        if code.is('(') {
            let inner = code.clone().within();
            let mut rest = code.clone();
            rest.within();
            if rest.peek().is_none() {
                return self.truth(&inner, depth + 1).map(|t| t != negated);
            }
        }
        let answer = match null_test(&code) {
            Some((name, wants_null)) => match self.variable(&name) {
                Value::Unknown => None,
                Value::Text(text) if text.is_empty() => Some(wants_null),
                _ => Some(!wants_null),
            },
            None => {
                let is_plain = code.is_one_variable();
                let value = self.run(code, depth + 1);
                match value {
                    Value::Text(text) if is_plain => Some(!text.is_empty() && text != "false"),
                    Value::Map(_) | Value::List(_) if is_plain => Some(true),
                    _ => None,
                }
            }
        };
        answer.map(|truth| truth != negated)
    }

    /// A value and what operators make of it.
    pub(super) fn expression(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut value = self.list(code, depth);
        loop {
            match code.peek() {
                Some(Token::Sign('+')) => {
                    code.at += 1;
                    code.skip_ends();
                    value = sum(value, self.list(code, depth));
                }
                Some(Token::Parameter(word)) => {
                    let word = word.to_ascii_lowercase();
                    code.at += 1;
                    code.skip_ends();
                    let right = self.list(code, depth);
                    value = operator(&word, &value, &right);
                }
                Some(Token::Word(word)) if word == "??" => {
                    code.at += 1;
                    code.skip_ends();
                    let right = self.expression(code, depth + 1);
                    if value == Value::Unknown {
                        value = by_default(self.beside, right);
                    }
                    return value;
                }
                Some(Token::Word(_)) => {
                    code.at += 1;
                    let _ = self.list(code, depth);
                    value = Value::Unknown;
                }
                _ => return value,
            }
        }
    }

    /// Values with commas between.
    pub(super) fn list(&mut self, code: &mut Code, depth: usize) -> Value {
        let first = self.primary(code, depth);
        if !code.is(',') {
            return first;
        }
        let mut items = vec![first];
        while code.is(',') && items.len() < ITEMS_MAX {
            code.at += 1;
            code.skip_ends();
            items.push(self.primary(code, depth));
        }
        Value::List(items)
    }

    pub(super) fn primary(&mut self, code: &mut Code, depth: usize) -> Value {
        let line = code.line();
        let Some(token) = code.peek().cloned() else {
            return Value::Unknown;
        };
        if depth > DEPTH_MAX || self.steps == 0 {
            code.at = code.end;
            return Value::Unknown;
        }
        self.steps -= 1;
        let mut path = String::new();
        let value = match token {
            Token::Text(text, expands) => {
                code.at += 1;
                let value = Value::Text(text).expanded_by(self, expands, depth);
                self.note_line(&value, line);
                value
            }
            Token::Word(word) => {
                code.at += 1;
                Value::Text(word).expanded_by(self, true, depth)
            }
            Token::Variable(name) => {
                code.at += 1;
                let value = self.variable(&name);
                path = name;
                value
            }
            Token::Sign('(') | Token::Open(Opening::Sub) => {
                let inner = code.within();
                self.run(inner, depth + 1)
            }
            Token::Open(Opening::List) => {
                let inner = code.within();
                self.collect(inner, depth + 1)
            }
            Token::Open(Opening::Map) => {
                let inner = code.within();
                self.map(inner, depth + 1)
            }
            Token::Sign('[') => return self.typed(code, depth, line),
            Token::Sign('{') => {
                code.within();
                Value::Unknown
            }
            Token::Sign('!' | '+' | ',') | Token::Parameter(_) => {
                code.at += 1;
                let value = self.primary(code, depth + 1);
                match token {
                    Token::Parameter(word) if word.eq_ignore_ascii_case("join") => {
                        operator("join", &value, &Value::Text(String::new()))
                    }
                    Token::Sign(',') => Value::List(vec![value]),
                    _ => Value::Unknown,
                }
            }
            _ => return Value::Unknown,
        };
        if let Value::Object(class) = &value {
            path.clone_from(class);
        }
        self.behind(code, value, path, depth, line)
    }

    /// Where a text stands, for what is said of it later.
    fn note_line(&mut self, value: &Value, line: u32) {
        if let Some(text) = value.text().filter(|text| text.len() < 1024)
            && self.lines.len() < ITEMS_MAX
            && !self.lines.contains_key(text)
            && !self.quiet
        {
            self.lines.insert(text.to_owned(), line);
        }
    }

    /// Members, calls and indices right behind a value.
    fn behind(
        &mut self,
        code: &mut Code,
        mut value: Value,
        mut path: String,
        depth: usize,
        line: u32,
    ) -> Value {
        loop {
            match code.peek() {
                Some(Token::Member(name)) => {
                    let name = name.clone();
                    code.at += 1;
                    if code.is_joined('(') {
                        let arguments = self.arguments(code, depth);
                        value = self.method(&value, &path, &name, line, &arguments);
                    } else {
                        value = value.member(&name);
                    }
                    path = format!("{path}.{}", name.to_ascii_lowercase());
                }
                Some(Token::Sign('[')) if code.is_joined('[') => {
                    let inner = code.within();
                    let key = self.run(inner, depth + 1);
                    value = key.text().map_or(Value::Unknown, |key| value.member(key));
                }
                _ => return value,
            }
        }
    }

    /// `[type]value`, `[type]::Member`, `[type]::new(…)`.
    fn typed(&mut self, code: &mut Code, depth: usize, line: u32) -> Value {
        let mut inner = code.within();
        let mut class = String::new();
        while let Some(token) = inner.peek() {
            match token {
                Token::Word(word) => class.push_str(word),
                Token::Member(word) => {
                    class.push('.');
                    class.push_str(word);
                }
                _ => {}
            }
            inner.at += 1;
        }
        let class = class_name(&class);
        if let Some(Token::Member(name)) = code.peek() {
            let name = name.to_ascii_lowercase();
            code.at += 1;
            if !code.is_joined('(') {
                return self.behind(code, Value::Unknown, class, depth, line);
            }
            let arguments = self.arguments(code, depth);
            let value = self.of_class(&class, &name, line, &arguments);
            return self.behind(code, value, class, depth, line);
        }
        let value = self.primary(code, depth + 1);
        match class.as_str() {
            "adsi" | "directoryservices.directoryentry" | "wmi" => {
                self.made(&class, line, &[("1".to_owned(), value)])
            }
            "int" | "string" | "uri" | "pscustomobject" | "ordered" | "array" | "string[]"
            | "object[]" | "hashtable" | "net.ipaddress" | "ipaddress" => value,
            _ if matches!(value, Value::Text(_) | Value::Map(_)) => value,
            _ => Value::Unknown,
        }
    }

    /// The arguments of a method, numbered.
    fn arguments(&mut self, code: &mut Code, depth: usize) -> Vec<(String, Value)> {
        let mut inner = code.within();
        let mut out = Vec::new();
        loop {
            while inner.is(',') || inner.peek() == Some(&Token::End) {
                inner.at += 1;
            }
            if inner.peek().is_none() || out.len() >= 32 {
                return out;
            }
            let before = inner.at;
            // A comma ends an argument here, and makes no list.
            let mut value = self.primary(&mut inner, depth + 1);
            while !inner.is(',') && inner.peek().is_some() {
                let at = inner.at;
                value = self.rest_of(&mut inner, value, depth);
                if inner.at == at {
                    inner.at += 1;
                }
            }
            if inner.at == before {
                inner.at += 1;
            }
            out.push(((out.len() + 1).to_string(), value));
        }
    }

    /// One operator behind a value within arguments.
    fn rest_of(&mut self, code: &mut Code, value: Value, depth: usize) -> Value {
        match code.peek().cloned() {
            Some(Token::Sign('+')) => {
                code.at += 1;
                let right = self.primary(code, depth + 1);
                sum(value, right)
            }
            Some(Token::Parameter(word)) => {
                code.at += 1;
                let word = word.to_ascii_lowercase();
                let right = if word == "f" {
                    self.list(code, depth + 1)
                } else {
                    self.primary(code, depth + 1)
                };
                operator(&word, &value, &right)
            }
            _ => {
                code.at += 1;
                Value::Unknown
            }
        }
    }

    /// `@( … )`: what each statement in it gives.
    fn collect(&mut self, mut code: Code, depth: usize) -> Value {
        let mut items = Vec::new();
        loop {
            code.skip_ends();
            if code.peek().is_none() || items.len() >= ITEMS_MAX {
                return Value::List(items);
            }
            let before = code.at;
            match self.pipeline(&mut code, depth) {
                Value::List(more) => items.extend(more),
                one => items.push(one),
            }
            if code.at == before {
                code.at += 1;
            }
        }
    }

    /// `@{ key = value; … }`; keys in lower case.
    fn map(&mut self, mut code: Code, depth: usize) -> Value {
        let mut entries = Vec::new();
        loop {
            code.skip_ends();
            let key = match code.peek().cloned() {
                None => return Value::Map(entries),
                Some(Token::Word(word)) => Some(word),
                Some(Token::Text(text, _)) => Some(text),
                Some(Token::Variable(name)) => self.variable(&name).text().map(str::to_owned),
                _ => None,
            };
            code.at += 1;
            if !code.is('=') {
                code.skip_statement();
                continue;
            }
            code.at += 1;
            code.skip_ends();
            let value = self.statement(&mut code, depth + 1);
            if let Some(key) = key.filter(|_| entries.len() < ITEMS_MAX) {
                entries.push((key.to_ascii_lowercase(), value));
            }
        }
    }

    pub(super) fn variable(&self, name: &str) -> Value {
        if let Some(name) = name.strip_prefix("env:") {
            let found = self.beside.variable(name);
            return found.map_or(Value::Unknown, Value::Text);
        }
        match name {
            "true" | "false" => Value::Text(name.to_owned()),
            "null" => Value::Text(String::new()),
            "psscriptroot" => directory(self.beside.directory()),
            "myinvocation" => {
                let path = format!("{}/script.ps1", self.beside.directory());
                let here =
                    ["path", "definition"].map(|k| (k.to_owned(), Value::Text(path.clone())));
                Value::Map(vec![("mycommand".to_owned(), Value::Map(here.to_vec()))])
            }
            _ => self.allowance.take(self.variables.get(name)),
        }
    }

    /// A text with its variables filled in; unknown if one of them is.
    fn expanded(&mut self, text: &str, depth: usize) -> Value {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('$') {
            out.push_str(head);
            let (value, length) = if tail.starts_with('(') {
                let end = closing(tail);
                let inner = tail.get(1..end).unwrap_or_default();
                let (tokens, _) = tokens(inner, 0);
                (self.run(Code::new(tokens), depth + 1), end + 1)
            } else if let Some((name, _)) = tail.strip_prefix('{').and_then(|t| t.split_once('}')) {
                (self.variable(&plain_name(name)), name.len() + 2)
            } else {
                let length = name_length(tail);
                let name = tail.get(..length).unwrap_or_default();
                (self.variable(&plain_name(name)), length)
            };
            match flat(&value) {
                Some(text) if length > 0 && out.len() + text.len() < TEXT_MAX => {
                    out.push_str(&text);
                }
                // A `$` before what is no name stands for itself.
                _ if length == 0 => out.push('$'),
                _ => return Value::Unknown,
            }
            rest = tail.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        Value::Text(out.replace(DOLLAR, "$"))
    }
}

impl Value {
    fn expanded_by(self, shell: &mut Shell<'_>, expands: bool, depth: usize) -> Self {
        match self {
            Self::Text(text) if expands && text.contains(['$', DOLLAR]) && depth < DEPTH_MAX => {
                shell.expanded(&text, depth + 1)
            }
            other => other,
        }
    }

    /// A member of a hash table, case ignored, or of each of a list.
    fn member(&self, name: &str) -> Self {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map_or(Self::Unknown, |(_, value)| value.clone()),
            Self::List(items) if name.parse::<usize>().is_ok() => self.get(name),
            Self::List(items) => Self::List(items.iter().map(|item| item.member(name)).collect()),
            _ => Self::Unknown,
        }
    }
}

impl Code {
    /// True if nothing but one variable and its members stands here.
    fn is_one_variable(&self) -> bool {
        let tokens = self.all.get(self.at..self.end).unwrap_or_default();
        let mut tokens = tokens.iter().map(|placed| &placed.token);
        matches!(tokens.next(), Some(Token::Variable(_)))
            && tokens.all(|token| matches!(token, Token::Member(_)))
    }
}

/// `$null -eq $x`, `$x -ne $null`, `[string]::IsNullOrEmpty($x)`: the variable, and whether null is wanted.
fn null_test(code: &Code) -> Option<(String, bool)> {
    let rest = code.all.get(code.at..code.end)?;
    let words: Vec<&Token> = rest.iter().map(|placed| &placed.token).collect();
    let names = match words.as_slice() {
        [Token::Variable(a), Token::Parameter(op), Token::Variable(b)] => {
            let wants = match op.to_ascii_lowercase().as_str() {
                "eq" => true,
                "ne" => false,
                _ => return None,
            };
            match (a.as_str(), b.as_str()) {
                ("null", name) | (name, "null") => (name.to_owned(), wants),
                _ => return None,
            }
        }
        [
            Token::Sign('['),
            _,
            Token::Sign(']'),
            Token::Member(name),
            Token::Sign('('),
            Token::Variable(variable),
            Token::Sign(')'),
        ] if name.to_ascii_lowercase().starts_with("isnullor") => (variable.clone(), true),
        _ => return None,
    };
    Some(names)
}

/// `+`: texts become one, lists too.
pub(super) fn sum(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) if a.len() + b.len() < TEXT_MAX => Value::Text(a + &b),
        (Value::List(mut a), Value::List(b)) if a.len() + b.len() < ITEMS_MAX => {
            a.extend(b);
            Value::List(a)
        }
        (Value::List(mut a), one) if one != Value::Unknown && a.len() < ITEMS_MAX => {
            a.push(one);
            Value::List(a)
        }
        (Value::Map(mut a), Value::Map(b)) if a.len() + b.len() < ITEMS_MAX => {
            a.extend(b);
            Value::Map(a)
        }
        _ => Value::Unknown,
    }
}

fn operator(word: &str, left: &Value, right: &Value) -> Value {
    match (word, left, right) {
        ("f", Value::Text(template), _) => values::numbered(template, &right.as_items()),
        ("join", _, Value::Text(mark)) => joined(&left.as_items(), mark),
        ("split", Value::Text(text), Value::Text(mark)) if !mark.is_empty() => Value::List(
            text.split(mark.trim_start_matches('\\'))
                .take(ITEMS_MAX)
                .map(|part| Value::Text(part.to_owned()))
                .collect(),
        ),
        ("replace", Value::Text(text), Value::List(pair)) => match pair.as_slice() {
            [Value::Text(from), Value::Text(to)]
                if !from.is_empty()
                    && from.len() > 1
                    && !from.contains(['^', '[', '(', '*', '+', '?', '|', '$', '\\']) =>
            {
                replaced(text, from, to)
            }
            _ => Value::Unknown,
        },
        ("as", one, _) => one.clone(),
        _ => Value::Unknown,
    }
}

/// `System.Net.Mail.SmtpClient` as `net.mail.smtpclient`.
pub(super) fn class_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.strip_prefix("system.").unwrap_or(&lower).to_owned()
}

fn directory(path: &str) -> Value {
    if path.is_empty() {
        return Value::Unknown;
    }
    Value::Text(path.to_owned())
}
