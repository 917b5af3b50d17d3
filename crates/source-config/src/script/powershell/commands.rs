//! Pipelines: cmdlets with their parameters, functions of the script, and other programs.

use super::super::values::{Value, table, tree};
use super::super::values::{joined, replaced};
use super::expression::class_name;
use super::tokens::Token;
use super::{Code, DEPTH_MAX, SAID_MAX, Shell, flat, given_name, parameters_of};
use crate::script::CONDITIONAL;

const TEXT_MAX: usize = 2_000;
const ARGUMENTS_MAX: usize = 64;
/// Functions that call functions.
const CALLS_MAX: usize = 8;

/// Short names of cmdlets (about_Aliases) that call somebody or hand values on.
const ALIASES: &[(&str, &str)] = &[
    ("irm", "invoke-restmethod"),
    ("iwr", "invoke-webrequest"),
    ("icm", "invoke-command"),
    ("nsn", "new-pssession"),
    ("etsn", "enter-pssession"),
    ("gwmi", "get-wmiobject"),
    ("gcim", "get-ciminstance"),
    ("ndr", "new-psdrive"),
    ("saps", "start-process"),
    ("start", "start-process"),
    ("gc", "get-content"),
    ("cat", "get-content"),
    ("type", "get-content"),
    ("ipcsv", "import-csv"),
    ("cpi", "copy-item"),
    ("copy", "copy-item"),
    ("cp", "copy-item"),
    ("mi", "move-item"),
    ("move", "move-item"),
    ("gci", "get-childitem"),
    ("ls", "get-childitem"),
    ("dir", "get-childitem"),
    ("tnc", "test-netconnection"),
    ("%", "foreach-object"),
    ("foreach", "foreach-object"),
    ("?", "where-object"),
    ("where", "where-object"),
    ("sort", "sort-object"),
    ("select", "select-object"),
    ("nv", "new-variable"),
    ("sv", "set-variable"),
    ("echo", "write-output"),
];

/// Cmdlets that only speak to people.
const SPEAKERS: &[&str] = &[
    "write-host",
    "write-verbose",
    "write-debug",
    "write-warning",
    "write-error",
    "write-information",
    "write-progress",
    "write-log",
    "read-host",
    "write-eventlog",
];

/// Cmdlets whose block is for other machines once one of these parameters is there.
const ELSEWHERE: &[&str] = &[
    "computername",
    "session",
    "hostname",
    "connectionuri",
    "cn",
    "vmname",
    "sshconnection",
];

/// What stands behind the name of a command.
#[derive(Default)]
struct Heard {
    /// Parameters by name, arguments by number.
    named: Vec<(String, Value)>,
    /// All of it as words, for programs that are no cmdlets.
    words: Vec<Option<String>>,
    blocks: Vec<Code>,
}

impl Heard {
    fn of(&self, names: &[&str]) -> Option<&Value> {
        names
            .iter()
            .find_map(|name| self.named.iter().find(|(key, _)| key == name))
            .map(|(_, value)| value)
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        self.of(names).and_then(Value::text)
    }
}

impl Shell<'_> {
    /// Commands with `|` between; the value of the last one.
    pub(super) fn pipeline(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut value = Value::Unknown;
        let mut first = true;
        loop {
            let before = code.at;
            value = self.element(code, value, first, depth);
            first = false;
            if code.at == before {
                code.at += 1;
            }
            if !code.is('|') {
                return value;
            }
            code.at += 1;
            code.skip_ends();
        }
    }

    fn element(&mut self, code: &mut Code, input: Value, first: bool, depth: usize) -> Value {
        let line = code.line();
        match code.peek().cloned() {
            Some(Token::Sign('&')) => {
                code.at += 1;
                if code.is('{') {
                    let block = code.within();
                    return self.run(block, depth + 1);
                }
                // `"$env:ProgramFiles\PuTTY\plink.exe"`: where it lies does not matter.
                let spelt = match code.peek() {
                    Some(Token::Text(text, _) | Token::Word(text)) => {
                        let tail = text.rsplit(['\\', '/']).next().unwrap_or(text);
                        (!tail.contains('$')).then(|| tail.to_owned())
                    }
                    _ => None,
                };
                let name = self.primary(code, depth + 1);
                let heard = self.heard(code, depth);
                self.invoke(name.text().or(spelt.as_deref()), line, heard, input, depth)
            }
            Some(Token::Word(word)) if word == "." => {
                code.at += 1;
                if code.is('{') {
                    let block = code.within();
                    return self.run(block, depth + 1);
                }
                let path = self.primary(code, depth + 1);
                self.heard(code, depth);
                if let Some(path) = path.text() {
                    self.include(path, depth);
                }
                Value::Unknown
            }
            Some(Token::Word(word)) if is_command(&word) => {
                code.at += 1;
                let name = self.word_as_name(&word, depth);
                let heard = self.heard(code, depth);
                self.invoke(name.as_deref(), line, heard, input, depth)
            }
            _ if !first => {
                let _ = self.heard(code, depth);
                Value::Unknown
            }
            _ => {
                let value = self.expression(code, depth + 1);
                // What is left of an expression that was not understood.
                while !matches!(code.peek(), None | Some(Token::End | Token::Sign('|'))) {
                    match code.peek() {
                        Some(Token::Open(_) | Token::Sign('(' | '{' | '[')) => {
                            code.within();
                        }
                        _ => code.at += 1,
                    }
                }
                value
            }
        }
    }

    fn word_as_name(&mut self, word: &str, depth: usize) -> Option<String> {
        if !word.contains('$') {
            return Some(word.to_owned());
        }
        let mut code = Code::new(vec![super::Placed {
            token: Token::Word(word.to_owned()),
            line: 0,
            spaced: true,
        }]);
        let value = self.primary(&mut code, depth + 1);
        value.text().map(str::to_owned)
    }

    /// Parameters and arguments up to the end of a command.
    fn heard(&mut self, code: &mut Code, depth: usize) -> Heard {
        let mut heard = Heard::default();
        let mut number = 0;
        while let Some(token) = code.peek().cloned() {
            if heard.words.len() > ARGUMENTS_MAX {
                code.skip_statement();
                break;
            }
            match token {
                Token::End | Token::Sign('|' | ')' | '}' | ']') => break,
                Token::Parameter(whole) => {
                    code.at += 1;
                    self.parameter(code, &whole, &mut heard, depth);
                }
                Token::Splat(name) => {
                    code.at += 1;
                    heard.splat(self.variable(&name));
                }
                Token::Sign('{') => heard.blocks.push(code.within()),
                Token::Sign('&') => code.at += 1,
                Token::Word(word) if is_redirection(&word) => {
                    code.at += 1;
                    // `2>&1` has its end joined, `> FILE` behind it.
                    if word.ends_with('>') && !matches!(code.peek(), Some(Token::End) | None) {
                        code.at += 1;
                    }
                }
                _ => {
                    let before = code.at;
                    let value = self.argument(code, depth);
                    if code.at == before {
                        code.at += 1;
                    }
                    heard.words.push(flat(&value));
                    number += 1;
                    heard.named.push((number.to_string(), value));
                }
            }
        }
        heard
    }

    /// `-Name value`, `-Name:value`, or a switch.
    fn parameter(&mut self, code: &mut Code, whole: &str, heard: &mut Heard, depth: usize) {
        let (name, joined) = whole.split_once(':').unwrap_or((whole, ""));
        let mut value = Value::Text("true".to_owned());
        let mut spelt = None;
        if !joined.is_empty() {
            value = Value::Text(joined.to_owned());
        } else if let Some(Token::Sign('{')) = code.peek() {
            heard.blocks.push(code.within());
        } else if self.has_argument(code) {
            value = self.argument(code, depth);
            spelt = Some(flat(&value));
        }
        heard.words.push(Some(format!("-{whole}")));
        heard.words.extend(spelt);
        heard.named.push((name.to_ascii_lowercase(), value));
    }

    fn has_argument(&self, code: &Code) -> bool {
        match code.peek() {
            None => false,
            Some(Token::Word(word)) => !is_redirection(word),
            Some(token) => !matches!(
                token,
                Token::End
                    | Token::Parameter(_)
                    | Token::Splat(_)
                    | Token::Sign('|' | ')' | '}' | ']' | '&' | '=' | '+')
            ),
        }
    }

    /// Words and values that stand together are one argument: `\\$host\c$`, `"$a"/x`.
    fn argument(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut value = self.list(code, depth + 1);
        while let Some(placed) = code.placed() {
            let joins = !placed.spaced
                && matches!(
                    placed.token,
                    Token::Word(_)
                        | Token::Text(..)
                        | Token::Variable(_)
                        | Token::Sign('=' | '+' | '!')
                );
            if !joins {
                break;
            }
            let right = if let Token::Sign(sign) = placed.token {
                code.at += 1;
                Value::Text(sign.to_string())
            } else {
                self.primary(code, depth + 1)
            };
            value = super::expression::sum(value, right);
        }
        value
    }

    fn invoke(
        &mut self,
        name: Option<&str>,
        line: u32,
        heard: Heard,
        input: Value,
        depth: usize,
    ) -> Value {
        let Some(name) = name else {
            return Value::Unknown;
        };
        let lower = name.to_ascii_lowercase();
        let short = |pair: &&(&str, &str)| pair.0 == lower;
        let lower = ALIASES
            .iter()
            .find(short)
            .map_or(lower.clone(), |(_, whole)| (*whole).to_owned());
        if self.functions.contains_key(&lower) {
            return self.call_function(&lower, line, &heard.named, depth);
        }
        let elsewhere = heard.of(ELSEWHERE).is_some();
        if lower == "foreach-object" {
            return self.for_each(&heard, &input, depth);
        }
        if !elsewhere && lower != "where-object" {
            for block in &heard.blocks {
                self.run(block.clone(), depth + 1);
            }
        }
        match self.known(&lower, line, &heard, input, depth) {
            Some(value) => value,
            None if is_cmdlet(&lower) => {
                if !SPEAKERS.contains(&lower.as_str()) {
                    self.say(&lower, line, &heard.named);
                }
                Value::Unknown
            }
            None => {
                self.started(line, name, &heard.words);
                Value::Unknown
            }
        }
    }

    fn for_each(&mut self, heard: &Heard, input: &Value, depth: usize) -> Value {
        let mut value = Value::Unknown;
        for block in &heard.blocks {
            value = self.rounds("_", input, block, depth);
        }
        value
    }

    /// Cmdlets whose result is known, or that are not about their own parameters.
    fn known(
        &mut self,
        name: &str,
        line: u32,
        heard: &Heard,
        input: Value,
        depth: usize,
    ) -> Option<Value> {
        let file = || heard.text(&["path", "literalpath", "filepath", "1"]);
        let value = match name {
            "where-object" | "sort-object" | "select-object" | "tee-object" | "out-string" => input,
            "write-output" => heard.of(&["inputobject", "1"])?.clone(),
            "join-path" => {
                let head = heard.text(&["path", "1"]);
                let tail = heard.text(&["childpath", "2"]).or(heard.text(&["1"]));
                match (head, tail) {
                    (Some(head), Some(tail)) => {
                        let head = head.trim_end_matches(['/', '\\']);
                        let mark = if head.contains('\\') { '\\' } else { '/' };
                        Value::Text(format!(
                            "{head}{mark}{}",
                            tail.trim_start_matches(['/', '\\'])
                        ))
                    }
                    _ => Value::Unknown,
                }
            }
            "split-path" => file()
                .and_then(|path| path.rsplit_once(['/', '\\']))
                .map_or(Value::Unknown, |(head, _)| Value::Text(head.to_owned())),
            "get-content" => {
                let text = file().and_then(|path| self.text_at(path));
                self.share_of(line, file());
                text.map_or(Value::Unknown, Value::Text)
            }
            "convertfrom-json" => match heard.text(&["inputobject", "1"]).or(input.text()) {
                Some(text) => tree(text),
                None => Value::Unknown,
            },
            "convertfrom-stringdata" => match heard.text(&["stringdata", "1"]).or(input.text()) {
                Some(text) => pairs(text),
                None => Value::Unknown,
            },
            "import-powershelldatafile" => match file().and_then(|path| self.text_at(path)) {
                Some(text) if depth < DEPTH_MAX => self.read_settings(&text, depth),
                _ => Value::Unknown,
            },
            "import-csv" => {
                self.share_of(line, file());
                let mark = heard.text(&["delimiter"]).unwrap_or(",");
                file()
                    .and_then(|path| self.text_at(path))
                    .map_or(Value::Unknown, |text| table(&text, mark))
            }
            "set-variable" | "new-variable" => {
                let name = heard.text(&["name", "1"])?.to_ascii_lowercase();
                let value = heard.of(&["value", "2"])?.clone();
                self.set(&name, value);
                Value::Unknown
            }
            "get-variable" => self.variable(&heard.text(&["name", "1"])?.to_ascii_lowercase()),
            "new-object" => self.new_object(line, heard),
            "start-process" => {
                let program = heard.text(&["filepath", "1"])?.to_owned();
                let given = heard.of(&["argumentlist", "args", "2"]);
                let words = match given {
                    Some(Value::List(items)) => items.iter().map(flat).collect(),
                    Some(Value::Text(text)) => text
                        .split_whitespace()
                        .map(|w| Some(w.to_owned()))
                        .collect(),
                    _ => Vec::new(),
                };
                self.started(line, &program, &words);
                Value::Unknown
            }
            "get-credential" | "convertto-securestring" => Value::Unknown,
            _ => return None,
        };
        Some(value)
    }

    /// `New-Object TYPE ARGUMENTS`, also `-ComObject`.
    fn new_object(&mut self, line: u32, heard: &Heard) -> Value {
        let Some(class) = heard.text(&["typename", "comobject", "1"]) else {
            return Value::Unknown;
        };
        let class = class_name(class);
        let skipped = usize::from(heard.text(&["typename", "comobject"]).is_none());
        let positional = heard
            .named
            .iter()
            .filter(|(key, _)| key.bytes().all(|b| b.is_ascii_digit()))
            .skip(skipped)
            .map(|(_, value)| value);
        let given = heard.of(&["argumentlist", "args"]);
        let mut arguments: Vec<(String, Value)> = Vec::new();
        for value in given.into_iter().chain(positional) {
            for item in value.as_items() {
                arguments.push(((arguments.len() + 1).to_string(), item));
            }
        }
        if let Some(Value::Map(entries)) = heard.of(&["property"]) {
            arguments.extend(entries.iter().cloned());
        }
        self.made(&class, line, &arguments)
    }

    /// Something was made of a class.
    pub(super) fn made(&mut self, class: &str, line: u32, arguments: &[(String, Value)]) -> Value {
        let group = self.settings.open_group();
        for (key, value) in arguments.iter().take(16) {
            self.say_one(line, group, class, key, value);
        }
        Value::Object(class.to_owned())
    }

    /// A method of a class that needs no object.
    pub(super) fn of_class(
        &mut self,
        class: &str,
        name: &str,
        line: u32,
        arguments: &[(String, Value)],
    ) -> Value {
        let values: Vec<Value> = arguments.iter().map(|(_, value)| value.clone()).collect();
        let texts: Option<Vec<&str>> = values.iter().map(Value::text).collect();
        match (class, name) {
            (_, "new") => self.made(class, line, arguments),
            ("string", "format") => match values.split_first() {
                Some((Value::Text(template), rest)) => {
                    super::super::values::numbered(template, rest)
                }
                _ => Value::Unknown,
            },
            ("string", "join") => match values.split_first() {
                Some((Value::Text(mark), rest)) => {
                    let items: Vec<Value> = rest.iter().flat_map(Value::as_items).collect();
                    joined(&items, mark)
                }
                _ => Value::Unknown,
            },
            ("string", "concat") => joined(&values, ""),
            ("io.path", "combine") => joined(&values, "/"),
            ("io.file", "readalltext") => texts
                .and_then(|texts| self.text_at(texts.first()?))
                .map_or(Value::Unknown, Value::Text),
            ("environment", "getenvironmentvariable") => texts
                .and_then(|texts| self.beside.variable(texts.first()?))
                .map_or(Value::Unknown, Value::Text),
            _ => {
                self.say(&format!("{class}.{name}"), line, arguments);
                Value::Object(class.to_owned())
            }
        }
    }

    pub(super) fn method(
        &mut self,
        on: &Value,
        path: &str,
        name: &str,
        line: u32,
        arguments: &[(String, Value)],
    ) -> Value {
        let lower = name.to_ascii_lowercase();
        let first = arguments.first().and_then(|(_, value)| value.text());
        let second = arguments.get(1).and_then(|(_, value)| value.text());
        match (on, lower.as_str(), first, second) {
            (Value::Text(text), "trim" | "trimend" | "trimstart", None, _) => {
                Value::Text(text.trim().to_owned())
            }
            (Value::Text(text), "tolower", _, _) => Value::Text(text.to_lowercase()),
            (Value::Text(text), "toupper", _, _) => Value::Text(text.to_uppercase()),
            (Value::Text(text), "tostring", _, _) => Value::Text(text.clone()),
            (Value::Text(text), "replace", Some(from), Some(to)) if !from.is_empty() => {
                replaced(text, from, to)
            }
            (Value::Text(text), "split", Some(mark), _) if !mark.is_empty() => Value::List(
                text.split(mark)
                    .take(4096)
                    .map(|part| Value::Text(part.to_owned()))
                    .collect(),
            ),
            (Value::Text(_) | Value::List(_), ..) => Value::Unknown,
            _ => {
                self.say(&format!("{path}.{lower}"), line, arguments);
                Value::Unknown
            }
        }
    }

    /// A function of the script, with what it is given.
    pub(super) fn call_function(
        &mut self,
        name: &str,
        line: u32,
        given: &[(String, Value)],
        depth: usize,
    ) -> Value {
        let Some(function) = self.functions.get_mut(name) else {
            return Value::Unknown;
        };
        function.called = true;
        let function = function.clone();
        if depth > CALLS_MAX || !self.allowance.allows(self.variables.values()) {
            return Value::Unknown;
        }
        let outside = self.variables.clone();
        let mut list = function
            .parameters
            .clone()
            .or_else(|| parameter_block(&function.body));
        if let Some(list) = &mut list {
            let names = parameters_of(&mut list.clone());
            for (key, value) in given {
                let name = match key.parse::<usize>() {
                    Ok(number) => names
                        .get(number.wrapping_sub(1))
                        .map(|(name, _)| name.clone()),
                    Err(_) => Some(key.clone()),
                };
                if let Some(name) = name {
                    self.set(&given_name(&name), value.clone());
                }
            }
        }
        if let Some(list) = function.parameters {
            self.parameters(list, depth + 3);
        }
        let was = self.called_at;
        if function.is_elsewhere && was.is_none() {
            self.called_at = Some(line);
        }
        let value = self.run(function.body, depth + 3);
        self.called_at = was;
        self.variables = outside;
        value
    }

    /// A script that is dot-sourced: its variables and functions.
    fn include(&mut self, path: &str, depth: usize) {
        let Some(text) = self.text_at(path).filter(|_| depth < CALLS_MAX) else {
            return;
        };
        let was = std::mem::replace(&mut self.quiet, true);
        let (tokens, _) = super::tokens(&text, 1);
        self.run(Code::new(tokens), depth + 3);
        // Those nobody calls here are said where they stand.
        let elsewhere = self.functions.values_mut().filter(|f| f.is_elsewhere);
        elsewhere.for_each(|function| function.called = true);
        self.quiet = was;
    }

    fn read_settings(&mut self, text: &str, depth: usize) -> Value {
        let was = std::mem::replace(&mut self.quiet, true);
        let (tokens, _) = super::tokens(text, 1);
        let value = self.run(Code::new(tokens), depth + 3);
        self.quiet = was;
        value
    }

    /// The text of a file of this machine.
    fn text_at(&self, path: &str) -> Option<String> {
        let path = path.replace('\\', "/");
        let here = self.beside.directory();
        let whole = match path.strip_prefix("./") {
            Some(rest) => format!("{here}/{rest}"),
            None if !path.starts_with('/') && !path.contains(':') => format!("{here}/{path}"),
            None => path,
        };
        self.beside.text(&whole)
    }

    pub(super) fn say(&mut self, path: &str, line: u32, arguments: &[(String, Value)]) {
        let known = arguments.iter().any(|(_, value)| flat(value).is_some());
        if path.is_empty() || path.len() > 200 || !known {
            return;
        }
        let group = self.settings.open_group();
        for (name, value) in arguments.iter().take(32) {
            self.say_one(line, group, path, name, value);
        }
    }

    /// One setting; a `\\host\share` is one whatever it is a value of.
    pub(super) fn say_one(
        &mut self,
        line: u32,
        group: u32,
        section: &str,
        key: &str,
        value: &Value,
    ) {
        let items = match value {
            // Each share of a list is one of its own.
            Value::List(items) if items.iter().any(|i| i.text().is_some_and(is_share)) => {
                items.clone()
            }
            one => vec![one.clone()],
        };
        for item in items.iter().take(64) {
            let Some(text) = flat(item) else { continue };
            if self.quiet || text.is_empty() || text.len() > TEXT_MAX || text.contains('\n') {
                continue;
            }
            if self.said.len() < SAID_MAX {
                self.said.insert(text.clone());
            }
            let printer = key == "connectionname" || section.contains("printer");
            let key = match (is_share(&text), printer) {
                (true, true) => "printer",
                (true, false) => "share",
                _ => key,
            };
            let line = self.called_at.unwrap_or(line);
            self.settings.add_marked(line, group, section, key, &text);
        }
    }

    fn share_of(&mut self, line: u32, path: Option<&str>) {
        if let Some(path) = path.filter(|path| is_share(path)) {
            let group = self.settings.open_group();
            self.say_one(line, group, "", "share", &Value::Text(path.to_owned()));
        }
    }

    /// A program that is no cmdlet, as a line a shell would read.
    fn started(&mut self, line: u32, name: &str, words: &[Option<String>]) {
        let name = name
            .rsplit(['\\', '/'])
            .next()
            .unwrap_or(name)
            .to_ascii_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        let removes = words
            .iter()
            .flatten()
            .any(|word| word.eq_ignore_ascii_case("/delete") || word.eq_ignore_ascii_case("/d"));
        let group = self.settings.open_group();
        for word in words
            .iter()
            .flatten()
            .filter(|word| is_share(word) && !removes)
        {
            self.say_one(line, group, "", "share", &Value::Text(word.clone()));
        }
        let spelt = words.iter().map(|word| match word {
            Some(word) => format!("'{}'", word.replace('\'', "")),
            None => "$".to_owned(),
        });
        let whole: Vec<String> = std::iter::once(name.to_owned()).chain(spelt).collect();
        for word in words.iter().flatten() {
            if self.said.len() < SAID_MAX {
                self.said.insert(word.clone());
            }
        }
        let text = whole.join(" ");
        if !self.quiet && text.len() < TEXT_MAX && !text.contains('\n') {
            let line = self.called_at.unwrap_or(line);
            self.settings.add_marked(line, group, "", "command", &text);
        }
    }
}

impl Heard {
    /// `@parameters`: the entries of a hash table, or the items of a list.
    fn splat(&mut self, value: Value) {
        match value {
            Value::Map(entries) => self.named.extend(entries),
            Value::List(items) => {
                self.words.extend(items.iter().map(flat));
                for item in items {
                    let number = self.words.len();
                    self.named.push((number.to_string(), item));
                }
            }
            _ => {}
        }
    }
}

/// The `param ( … )` a body begins with.
fn parameter_block(body: &Code) -> Option<Code> {
    let mut code = body.clone();
    loop {
        code.skip_ends();
        if code.is('[') {
            code.within();
        } else if code.word().as_deref() == Some("param") {
            code.at += 1;
            return code.bracket('(');
        } else {
            return None;
        }
    }
}

/// Lines `name = value` as a hash table.
fn pairs(text: &str) -> Value {
    let entries = text.lines().take(1_000).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let key = key.trim();
        (!key.is_empty() && !key.starts_with('#')).then(|| {
            (
                key.to_ascii_lowercase(),
                Value::Text(value.trim().to_owned()),
            )
        })
    });
    Value::Map(entries.collect())
}

/// True for `\\host\share`, not for `\\.\pipe` and `\\?\C:`.
fn is_share(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("\\\\") else {
        return false;
    };
    let host = rest.split('\\').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | CONDITIONAL);
    !host.is_empty() && host != "." && host.chars().all(fits)
}

fn is_redirection(word: &str) -> bool {
    word.starts_with('>')
        || word.starts_with("2>")
        || word.starts_with("*>")
        || word.starts_with("1>")
}

/// True for a word that begins a command: no number, no operator.
fn is_command(word: &str) -> bool {
    word.starts_with(|c: char| {
        c.is_alphabetic() || matches!(c, '_' | '.' | '\\' | '/' | '%' | '?' | '~')
    }) && word != "??"
}

/// `Verb-Noun`.
fn is_cmdlet(name: &str) -> bool {
    let name = name.rsplit('\\').next().unwrap_or(name);
    name.split_once('-').is_some_and(|(verb, noun)| {
        verb.len() > 2
            && verb.bytes().all(|b| b.is_ascii_alphabetic())
            && noun.starts_with(|c: char| c.is_ascii_alphabetic())
            && !name.contains(['.', '/'])
    })
}
