//! A PowerShell script, followed as far as literals go: variables, hash tables and what is splatted out of them,
//! texts put together (`"$a.$b"`, `-f`, `+`, `-join`), functions with what they are called with, loops over lists,
//! `-not $x` where `$x` is known, files of settings (`psd1`, JSON, CSV) and scripts that are dot-sourced.
//!
//! A cmdlet becomes settings whose section is its name and whose keys are its parameters; a call of a class the
//! same with `type.method`; any other program a setting `command`; every `\\host\share` a setting `share`. What a
//! block sent to other machines says is theirs. Nothing is run (about_Parsing, about_Splatting, about_Functions).

mod commands;
mod expression;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::tokens::{Placed, Token, tokens};
use super::values::{Allowance, Value};
use super::{Beside, by_default};
use crate::settings::Settings;

const STEPS_MAX: u32 = 50_000;
const DEPTH_MAX: usize = 24;
const ROUNDS_MAX: usize = 64;
const VARIABLES_MAX: usize = 4096;
/// Values that were part of a call; what is remembered of one file.
const SAID_MAX: usize = 4096;

/// Calls with known arguments, and after them what variables hold that no call used.
pub(crate) fn powershell(text: &str, beside: &dyn Beside) -> Settings {
    let (tokens, cut) = tokens(text, 1);
    let mut shell = Shell {
        settings: Settings::default(),
        variables: BTreeMap::new(),
        assigned: BTreeMap::new(),
        groups: BTreeMap::new(),
        functions: BTreeMap::new(),
        said: BTreeSet::new(),
        lines: BTreeMap::new(),
        called_at: None,
        beside,
        steps: STEPS_MAX,
        allowance: Allowance::default(),
        quiet: false,
    };
    let result = shell.run(Code::new(tokens), 0);
    shell.call_the_rest();
    shell.say_variables(&result);
    shell.settings.partial |= shell.allowance.has_refused();
    shell.settings.partial |= cut;
    shell.settings
}

/// A piece of a script, and how far it was read.
#[derive(Clone, Debug)]
struct Code {
    all: Rc<[Placed]>,
    at: usize,
    end: usize,
}

impl Code {
    fn new(tokens: Vec<Placed>) -> Self {
        Self {
            end: tokens.len(),
            all: tokens.into(),
            at: 0,
        }
    }

    fn placed(&self) -> Option<&Placed> {
        self.all.get(self.at).filter(|_| self.at < self.end)
    }

    fn peek(&self) -> Option<&Token> {
        self.placed().map(|placed| &placed.token)
    }

    fn line(&self) -> u32 {
        self.placed().map_or(0, |placed| placed.line)
    }

    fn is(&self, sign: char) -> bool {
        self.peek() == Some(&Token::Sign(sign))
    }

    /// True if the next token stands right behind the last one and is this sign.
    fn is_joined(&self, sign: char) -> bool {
        self.is(sign) && self.placed().is_some_and(|placed| !placed.spaced)
    }

    fn word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) => Some(word.to_ascii_lowercase()),
            _ => None,
        }
    }

    fn skip_ends(&mut self) {
        while self.peek() == Some(&Token::End) {
            self.at += 1;
        }
    }

    /// Past the bracket that opens here; gives what is in it.
    fn within(&mut self) -> Self {
        let from = self.at + 1;
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Open(_) | Token::Sign('(' | '{' | '[') => depth += 1,
                Token::Sign(')' | '}' | ']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        let closed = self.at.saturating_sub(1).max(from);
        Self {
            all: Rc::clone(&self.all),
            at: from.min(self.end),
            end: closed.min(self.end),
        }
    }

    /// A bracket of this kind, perhaps on a later line.
    fn bracket(&mut self, sign: char) -> Option<Self> {
        let was = self.at;
        self.skip_ends();
        if self.is(sign) {
            return Some(self.within());
        }
        self.at = was;
        None
    }

    /// Past the end of a statement.
    fn skip_statement(&mut self) {
        while let Some(token) = self.peek() {
            match token {
                Token::End => return,
                Token::Open(_) | Token::Sign('(' | '{' | '[') => {
                    self.within();
                }
                _ => self.at += 1,
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Function {
    parameters: Option<Code>,
    body: Code,
    called: bool,
    /// True if another file defines it.
    is_elsewhere: bool,
}

struct Shell<'b> {
    settings: Settings,
    variables: BTreeMap<String, Value>,
    /// The line each variable was last set at, outside of functions.
    assigned: BTreeMap<String, u32>,
    /// What is said of one object stands together.
    groups: BTreeMap<String, u32>,
    functions: BTreeMap<String, Function>,
    /// Values that were part of a call.
    said: BTreeSet<String>,
    /// The line each text was first seen at.
    lines: BTreeMap<String, u32>,
    /// The line a function of another file was called at.
    called_at: Option<u32>,
    beside: &'b dyn Beside,
    steps: u32,
    allowance: Allowance,
    /// True while a file is only read for its variables and functions.
    quiet: bool,
}

impl Shell<'_> {
    /// Statements, one after the other; the value of the last one.
    fn run(&mut self, mut code: Code, depth: usize) -> Value {
        let mut last = Value::Unknown;
        if depth > DEPTH_MAX {
            return last;
        }
        loop {
            code.skip_ends();
            if code.peek().is_none() {
                return last;
            }
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                self.settings.partial = true;
                return Value::Unknown;
            }
            let before = code.at;
            last = self.statement(&mut code, depth);
            if code.at == before {
                code.at += 1;
            }
        }
    }

    fn statement(&mut self, code: &mut Code, depth: usize) -> Value {
        if let Some(word) = code.word()
            && let Some(value) = self.keyword(&word, code, depth)
        {
            return value;
        }
        if let Some(target) = assigned(code) {
            let added = code.is('+');
            code.at += usize::from(added) + 1;
            code.skip_ends();
            let value = self.statement(code, depth + 1);
            self.assign(&target, value, added, depth);
            return Value::Unknown;
        }
        self.pipeline(code, depth)
    }

    fn keyword(&mut self, word: &str, code: &mut Code, depth: usize) -> Option<Value> {
        let at = code.at;
        code.at += 1;
        let value = match word {
            "if" => self.either(code, depth),
            "foreach" if code.is('(') => self.each(code, depth),
            "for" | "while" | "until" if code.bracket_follows() => {
                let head = code.bracket('(')?;
                if word != "for" {
                    self.truth(&head, depth);
                }
                self.block(code, depth)
            }
            "switch" if code.bracket_follows() => {
                code.bracket('(')?;
                self.cases(code, depth)
            }
            "do" | "try" | "finally" | "begin" | "process" | "end" | "else" | "data"
                if code.block_follows() =>
            {
                self.block(code, depth)
            }
            "catch" | "trap" => {
                while code.is('[') {
                    code.within();
                }
                self.block(code, depth)
            }
            "function" | "filter" | "workflow" => {
                self.define(code);
                Value::Unknown
            }
            "param" if code.bracket_follows() => {
                let list = code.bracket('(')?;
                self.parameters(list, depth);
                Value::Unknown
            }
            "return" | "exit" => self.pipeline(code, depth),
            "throw" | "using" | "break" | "continue" => {
                code.skip_statement();
                Value::Unknown
            }
            "class" | "enum" => {
                code.skip_statement();
                Value::Unknown
            }
            _ => {
                code.at = at;
                return None;
            }
        };
        Some(value)
    }

    /// `if`: a branch that is known not to be taken says nothing.
    fn either(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut value = Value::Unknown;
        let mut decided = false;
        let mut sure = true;
        while let Some(head) = code.bracket('(') {
            let truth = self.truth(&head, depth);
            sure &= truth.is_some();
            let Some(block) = code.bracket('{') else {
                return value;
            };
            if !decided && truth != Some(false) {
                let found = self.run(block, depth + 1);
                if found != Value::Unknown {
                    value = found;
                }
            }
            decided |= truth == Some(true);
            let was = code.at;
            code.skip_ends();
            match code.word().as_deref() {
                Some("elseif") => code.at += 1,
                Some("else") => {
                    code.at += 1;
                    if let Some(block) = code.bracket('{').filter(|_| !decided) {
                        let found = self.run(block, depth + 1);
                        if value == Value::Unknown {
                            value = if sure {
                                found
                            } else {
                                by_default(self.beside, found)
                            };
                        }
                    }
                    return value;
                }
                _ => {
                    code.at = was;
                    return value;
                }
            }
        }
        value
    }

    /// `foreach ($x in LIST) { … }`: once for each value, or once where they are not known.
    fn each(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut head = code.within();
        let Some(Token::Variable(name)) = head.peek().cloned() else {
            return self.block(code, depth);
        };
        head.at += 1;
        if head.word().as_deref() == Some("in") {
            head.at += 1;
        }
        let list = self.run(head, depth + 1);
        let Some(block) = code.bracket('{') else {
            return Value::Unknown;
        };
        self.rounds(&name, &list, &block, depth)
    }

    /// A block, once for each item.
    fn rounds(&mut self, name: &str, list: &Value, block: &Code, depth: usize) -> Value {
        let before = self.variables.get(name).cloned();
        let items = match list {
            Value::List(items) if !items.is_empty() => items.clone(),
            one => vec![one.clone()],
        };
        let mut out = Vec::new();
        for item in items.into_iter().take(ROUNDS_MAX) {
            self.set(name, item);
            out.push(self.run(block.clone(), depth + 1));
        }
        match before {
            Some(before) => self.set(name, before),
            None => {
                self.variables.remove(name);
            }
        }
        if out.contains(&Value::Unknown) {
            Value::Unknown
        } else {
            Value::List(out)
        }
    }

    fn block(&mut self, code: &mut Code, depth: usize) -> Value {
        let Some(block) = code.bracket('{') else {
            return Value::Unknown;
        };
        self.run(block, depth + 1)
    }

    /// The block behind each case of a switch.
    fn cases(&mut self, code: &mut Code, depth: usize) -> Value {
        let mut cases = code.bracket('{').unwrap_or_else(|| Code::new(Vec::new()));
        while cases.peek().is_some() {
            if cases.is('{') {
                let block = cases.within();
                self.run(block, depth + 1);
            } else {
                cases.at += 1;
            }
        }
        Value::Unknown
    }

    fn define(&mut self, code: &mut Code) {
        let Some(Token::Word(name)) = code.peek().cloned() else {
            return;
        };
        code.at += 1;
        let name = name
            .rsplit(':')
            .next()
            .unwrap_or(&name)
            .to_ascii_lowercase();
        let parameters = code.bracket('(');
        let Some(body) = code.bracket('{') else {
            return;
        };
        if self.functions.len() < VARIABLES_MAX {
            let function = Function {
                parameters,
                body,
                called: false,
                is_elsewhere: self.quiet,
            };
            self.functions.insert(name, function);
        }
    }

    /// `param ([string]$Server = 'a', …)`: what nobody gave takes its default, or is not known.
    fn parameters(&mut self, mut list: Code, depth: usize) {
        for (name, default) in parameters_of(&mut list) {
            if self.variables.contains_key(&given_name(&name)) {
                let value = self.variables.remove(&given_name(&name));
                self.set(&name, value.unwrap_or(Value::Unknown));
                continue;
            }
            let value = match default {
                Some(code) => self.run(code, depth + 1),
                None => Value::Unknown,
            };
            self.set(&name, value);
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        if self.variables.len() < VARIABLES_MAX || self.variables.contains_key(name) {
            self.variables.insert(name.to_owned(), value);
        }
    }

    fn assign(&mut self, target: &Target, value: Value, added: bool, depth: usize) {
        if target.path.is_empty() {
            let value = match (added, self.variables.get(&target.name)) {
                (true, Some(before)) => expression::sum(before.clone(), value),
                _ => value,
            };
            if depth <= 2 && !self.quiet {
                self.assigned.insert(target.name.clone(), target.line);
            }
            self.groups.remove(&target.name);
            if matches!(value, Value::Object(_)) {
                // What it was made with and what is set later are of one thing.
                let group = self.settings.last_group();
                self.groups.insert(target.name.clone(), group);
            }
            return self.set(&target.name, value);
        }
        match self.variables.get_mut(&target.name) {
            Some(Value::Object(class)) => {
                let class = class.clone();
                let group = match self.groups.get(&target.name) {
                    Some(group) => *group,
                    None => self.settings.open_group(),
                };
                self.groups.insert(target.name.clone(), group);
                let key = target.path.last().map_or("", String::as_str);
                self.say_one(target.line, group, &class, key, &value);
            }
            Some(map @ Value::Map(_)) => put(map, &target.path, value),
            _ => {
                // Of something that was not seen being made.
                let group = self.settings.open_group();
                let key = target.path.last().cloned().unwrap_or_default();
                self.say_one(target.line, group, &target.name, &key, &value);
            }
        }
    }

    /// Functions nobody called in this file, with their defaults: a module's are called by others.
    fn call_the_rest(&mut self) {
        for _ in 0..2 {
            let open: Vec<String> = self
                .functions
                .iter()
                .filter(|(_, function)| !function.called)
                .map(|(name, _)| name.clone())
                .collect();
            for name in open {
                self.call_function(&name, 0, &[], 1);
            }
        }
    }

    /// What variables of the script hold, unless a call said it.
    fn say_variables(&mut self, result: &Value) {
        let assigned = std::mem::take(&mut self.assigned);
        for (name, line) in assigned {
            let value = self.variables.get(&name).cloned().unwrap_or(Value::Unknown);
            self.say_tree(line, "", &name, &value, 0);
        }
        // A file of settings is one hash table.
        if let Value::Map(entries) = result {
            for (key, value) in entries {
                self.say_tree(1, "", key, value, 0);
            }
        }
    }

    fn say_tree(&mut self, line: u32, section: &str, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Map(entries) if depth < 8 => {
                let inner = if section.is_empty() {
                    name.to_owned()
                } else {
                    format!("{section}/{name}")
                };
                let group = self.settings.open_group();
                for (key, value) in entries.iter().take(256) {
                    match value {
                        Value::Map(_) => self.say_tree(line, &inner, key, value, depth + 1),
                        one => self.say_unsaid(line, group, &inner, key, one),
                    }
                }
            }
            Value::List(items) if items.iter().any(|i| matches!(i, Value::Map(_))) => {
                for item in items.iter().take(64) {
                    self.say_tree(line, section, name, item, depth + 1);
                }
            }
            one => self.say_unsaid(line, 0, section, name, one),
        }
    }

    fn say_unsaid(&mut self, line: u32, group: u32, section: &str, key: &str, value: &Value) {
        let Some(text) = flat(value) else { return };
        if !self.said.contains(&text) {
            let line = self.lines.get(&text).copied().unwrap_or(line);
            self.say_one(line, group, section, key, value);
        }
    }
}

/// Under which a value given to a function waits for its `param`.
fn given_name(name: &str) -> String {
    format!("{name}\u{e002}")
}

/// One text, or texts with commas between.
fn flat(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::List(items) if !items.is_empty() => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::text).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

fn put(map: &mut Value, path: &[String], value: Value) {
    let (Value::Map(entries), Some((key, rest))) = (map, path.split_first()) else {
        return;
    };
    let key = key.to_ascii_lowercase();
    let has_room = rest.is_empty() && entries.len() < VARIABLES_MAX;
    match entries.iter_mut().find(|(name, _)| *name == key) {
        Some((_, inner)) if !rest.is_empty() => put(inner, rest, value),
        Some((_, inner)) => *inner = value,
        None if has_room => entries.push((key, value)),
        None => {}
    }
}

/// What stands left of `=`.
#[derive(Debug)]
struct Target {
    name: String,
    /// Members and indices behind the name.
    path: Vec<String>,
    line: u32,
}

/// `[type]$name.member['index'] =`, the code left standing at the sign; else as it was.
fn assigned(code: &mut Code) -> Option<Target> {
    let was = code.at;
    let line = code.line();
    let found = target(code);
    let ends = code.is('=')
        || (code.is('+')
            && code
                .all
                .get(code.at + 1)
                .is_some_and(|p| p.token == Token::Sign('=')));
    match found.filter(|_| ends) {
        Some((name, path)) => Some(Target { name, path, line }),
        None => {
            code.at = was;
            None
        }
    }
}

fn target(code: &mut Code) -> Option<(String, Vec<String>)> {
    while code.is('[') {
        code.within();
        code.skip_ends();
    }
    let Some(Token::Variable(name)) = code.peek().cloned() else {
        return None;
    };
    code.at += 1;
    let mut path = Vec::new();
    loop {
        match code.peek() {
            Some(Token::Member(member)) => {
                path.push(member.to_ascii_lowercase());
                code.at += 1;
            }
            Some(Token::Sign('[' | '(')) if code.placed().is_some_and(|p| !p.spaced) => {
                let inner = code.within();
                if let Some(Token::Text(text, _)) = inner.peek() {
                    // `Fields.Item('http://…/smtpserver')` is known by its last word.
                    let last = text.rsplit('/').next().unwrap_or(text);
                    path.push(last.replace(' ', "").to_ascii_lowercase());
                }
            }
            _ => return Some((name, path)),
        }
    }
}

/// Names and defaults of a list of parameters; attributes and types are passed over.
fn parameters_of(list: &mut Code) -> Vec<(String, Option<Code>)> {
    let mut out = Vec::new();
    while let Some(token) = list.peek().cloned() {
        match token {
            Token::Sign('[') => {
                list.within();
            }
            Token::Variable(name) => {
                list.at += 1;
                list.skip_ends();
                let default = list.is('=').then(|| {
                    list.at += 1;
                    upto_comma(list)
                });
                out.push((name, default));
            }
            _ => list.at += 1,
        }
        if out.len() >= 64 {
            break;
        }
    }
    out
}

fn upto_comma(list: &mut Code) -> Code {
    let from = list.at;
    while let Some(token) = list.peek() {
        match token {
            Token::Sign(',') => break,
            Token::Open(_) | Token::Sign('(' | '{' | '[') => {
                list.within();
            }
            _ => list.at += 1,
        }
    }
    Code {
        all: Rc::clone(&list.all),
        at: from,
        end: list.at,
    }
}

impl Code {
    fn bracket_follows(&self) -> bool {
        self.clone().bracket('(').is_some()
    }

    fn block_follows(&self) -> bool {
        self.clone().bracket('{').is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Alone;
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        powershell(text, &Alone)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect()
    }

    #[test]
    fn a_cmdlet_is_its_parameters() {
        let text = "#Requires -Version 5\n<# Send-MailMessage -SmtpServer ghost #>\n$Domain = 'corp.example'\n$mail = @{\n  SmtpServer = \"smtp.$Domain\" # ghost\n  Port = 587\n  UseSsl = $true\n}\nSend-MailMessage @mail -To 'a@b' `\n  -Subject \"x $(Get-Date)\"\nirm -Uri ('https://{0}:{1}/api' -f 'erp.corp.example', 8443) -Method Get | Out-Null\n";
        assert_eq!(
            shown(text),
            [
                "9 send-mailmessage smtpserver=smtp.corp.example",
                "9 send-mailmessage port=587",
                "9 send-mailmessage usessl=true",
                "9 send-mailmessage to=a@b",
                "11 invoke-restmethod uri=https://erp.corp.example:8443/api",
                "11 invoke-restmethod method=Get",
                "3  domain=corp.example",
            ]
        );
    }

    #[test]
    fn objects_shares_and_programs_are_said() {
        let text = "$s = [System.Net.Mail.SmtpClient]::new('mail1', 25)\n$t = New-Object Net.Sockets.TcpClient\n$t.Connect(\"db1\", 5432)\n$c = New-Object System.Data.SqlClient.SqlConnection\n$c.ConnectionString = 'Server=sql1;Database=erp'\n$srv = 'files1'\nnet use P: \\\\$srv\\public /persistent:no\nCopy-Item -Path C:\\x -Destination \"\\\\$srv\\in$\\y\"\n& 'C:\\Program Files\\PuTTY\\plink.exe' -ssh ops@h2 uptime\nnet use P: \\\\ghost\\x /delete\n";
        assert_eq!(
            shown(text),
            [
                "1 net.mail.smtpclient 1=mail1",
                "1 net.mail.smtpclient 2=25",
                "3 net.sockets.tcpclient.connect 1=db1",
                "3 net.sockets.tcpclient.connect 2=5432",
                "5 data.sqlclient.sqlconnection connectionstring=Server=sql1;Database=erp",
                "7  share=\\\\files1\\public",
                "7  command=net 'use' 'P:' '\\\\files1\\public' '/persistent:no'",
                "8 copy-item path=C:\\x",
                "8 copy-item share=\\\\files1\\in$\\y",
                "9  command=plink '-ssh' 'ops@h2' 'uptime'",
                "10  command=net 'use' 'P:' '\\\\ghost\\x' '/delete'",
                "6  srv=files1",
            ]
        );
    }

    #[test]
    fn functions_loops_and_branches_are_followed() {
        let text = "function Send-Note {\n  [CmdletBinding()]\n  param([string]$Text, [string]$Server = 'mail1')\n  Send-MailMessage -SmtpServer $Server -Body $Text\n}\nSend-Note 'x'\nSend-Note -Server mail2 -Text 'y'\nforeach ($h in 'a1','a2') { Invoke-Command -ComputerName $h -ScriptBlock { irm http://ghost/ } }\n@('b1', 'b2') | ForEach-Object { Restart-Service -ComputerName $_ -Name x }\nif (-not $Unknown) { $Unknown = 'c1' }\n$known = 'd1'\nif (-not $known) { $known = 'ghost' }\n$p = if ($known) { $known } else { 'ghost' }\nTest-NetConnection $p -Port 389\nswitch ($x) { 'q' { irm http://e1/ } default { irm http://e2/ } }\ntry { irm http://f1/ } catch [Exception] { irm http://f2/ } finally { }\n";
        let said = shown(text);
        for expected in [
            "4 send-mailmessage smtpserver=mail1",
            "4 send-mailmessage smtpserver=mail2",
            "8 invoke-command computername=a1",
            "8 invoke-command computername=a2",
            "9 restart-service computername=b2",
            "14 test-netconnection 1=d1",
            "14 test-netconnection port=389",
            "15 invoke-restmethod 1=http://e1/",
            "15 invoke-restmethod 1=http://e2/",
            "16 invoke-restmethod 1=http://f1/",
            "16 invoke-restmethod 1=http://f2/",
        ] {
            assert!(said.iter().any(|s| s == expected), "{expected}: {said:#?}");
        }
        assert!(!said.iter().any(|s| s.contains("ghost")), "{said:#?}");
    }

    #[test]
    fn what_doubles_at_each_line_ends_and_what_is_joined_once_is_known() {
        for doubles in [
            "$x = ($x, $x) -join ''\n",
            "$x = $x -replace 'aa', 'aaaa'\n",
            "$x = $x.Replace('a', 'aa')\n",
            "$x = [string]::Concat($x, $x)\n",
            "$x = [string]::Join('', $x, $x)\n",
            "$x = [IO.Path]::Combine($x, $x)\n",
            "$x = @{ a = $x; b = $x }\n",
        ] {
            let text = format!("$x = 'aaaaaaaa'\n{}irm -Uri $x\n", doubles.repeat(40));
            let _ = shown(&text);
        }
        assert!(
            shown("$x = 'a.corp'\n$x = ('http:', '', $x) -join '/'\nirm -Uri $x\n")
                .contains(&"3 invoke-restmethod uri=http://a.corp".to_owned())
        );
    }

    #[test]
    fn hostile_scripts_end() {
        for opening in [
            "(",
            "@(",
            "@{",
            "$(",
            "{",
            "[",
            "\"$(",
            "if (",
            "foreach ($a in ",
            "-not ",
            "& ",
            "a | ",
            "@'",
            "@\"\n",
            "$a.b(",
            "function f { ",
            "switch (1) { ",
            ". ",
            "$x = ",
        ] {
            let _ = powershell(&opening.repeat(4_000), &Alone);
        }
        let nested = "foreach ($a in 1,2,3,4,5,6,7,8,9) {".repeat(30);
        let _ = powershell(&nested, &Alone);
        let _ = powershell("function f { f; f; g }\nfunction g { f; g }\nf\n", &Alone);
        let _ = powershell(
            &format!("$a = 'xxxxxxxx'\n{}", "$a = $a + $a\n".repeat(200)),
            &Alone,
        );
        groma_fuzz::hammer(
            300,
            &[
                b"param([string]$A = 'x')\n$b = @{ K = \"$A.c\"; L = 1 }\nfunction F { param($q) irm -Uri $q }\nF @b | % { $_.k }\n[Net.X]::new(\"$($b.K)\", 2).Go($A -f 1)\n",
                b"@'\nx\n'@ | ConvertFrom-Json\nif (-not $x) { net use P: \\\\a\\b } else { & \"$x\" -y:z 2>&1 }\n",
            ],
            |bytes| {
                let _ = powershell(&String::from_utf8_lossy(bytes), &Alone);
            },
        );
    }
}
