//! Calls of a Python program: what they give back, and what they say about machines.

use super::super::by_default;
use super::super::values::{Value, ini, joined, tree};
use super::Python;
use super::text::braces;

impl Python<'_> {
    pub(super) fn method(
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
            (Value::Text(mark), "join") => match first() {
                Value::List(parts) => joined(&parts, mark),
                _ => Value::Unknown,
            },
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
    pub(super) fn given(&self, name: &str) -> Value {
        let found = self.beside.variable(name);
        found.map_or(Value::Unknown, Value::Text)
    }

    /// What it says, or what the program falls back to.
    pub(super) fn given_or(&self, name: &Value, default: Option<&(String, Value)>) -> Value {
        match (name.text().map(|name| self.given(name)), default) {
            (Some(Value::Unknown) | None, Some((_, default))) => {
                by_default(self.beside, default.clone())
            }
            (found, _) => found.unwrap_or(Value::Unknown),
        }
    }

    /// A call of a function by its whole name: what it gives back, and what it says about machines.
    pub(super) fn call(&mut self, path: &str, line: u32, arguments: &[(String, Value)]) -> Value {
        let first = arguments.first().map_or(Value::Unknown, |(_, v)| v.clone());
        let text = first.text().map(str::to_owned);
        match path {
            "os.getenv" => return self.given_or(&first, arguments.get(1)),
            "open" | "io.open" => return text.map_or(Value::Unknown, Value::File),
            "str" | "int" | "Path" | "pathlib.Path" | "os.path.expanduser" | "quote" => {
                return first;
            }
            "os.path.join" => {
                return joined(arguments.iter().map(|(_, part)| part), "/");
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

    pub(super) fn started(&mut self, line: u32, what: &Value) {
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

    pub(super) fn say(&mut self, path: &str, line: u32, arguments: &[(String, Value)]) {
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
}

/// True for the environment of the process.
pub(super) fn is_environment(path: &str) -> bool {
    matches!(path, "os.environ" | "environ")
}
