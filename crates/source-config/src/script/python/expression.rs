//! Expressions of Python: what a value is put together from.

use super::super::by_default;
use super::super::values::Value;
use super::calls::is_environment;
use super::text::percent;
use super::tokens::{Placed, Reader, Token, logical_lines};
use super::{DEPTH_MAX, Python, TEXT_MAX};

impl Python<'_> {
    pub(super) fn value_of(&mut self, tokens: &[Placed]) -> Value {
        let mut reader = Reader { tokens, at: 0 };
        self.expression(&mut reader, 0)
    }

    pub(super) fn expression(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
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
                        (Value::Text(a), Value::Text(b)) if a.len() + b.len() < TEXT_MAX => {
                            Value::Text(a + &b)
                        }
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

    pub(super) fn term(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
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
                    _ => self.allowance.take(self.variables.get(name)),
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
    pub(super) fn sequence(&mut self, reader: &mut Reader<'_>, end: char, depth: usize) -> Value {
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

    pub(super) fn map(&mut self, reader: &mut Reader<'_>, depth: usize) -> Value {
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

    pub(super) fn arguments(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Vec<(String, Value)> {
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

    /// `f"{a}.{b['c']}"`: unknown if a part is.
    pub(super) fn format_text(&mut self, text: &str, depth: usize) -> Value {
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
