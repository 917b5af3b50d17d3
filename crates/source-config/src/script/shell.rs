//! A shell script, followed as far as its own text and the files it names go: variables, arrays, loops over words,
//! `. FILE`, functions of one line, `$(sed …)`, and programs of another language in here-documents.

use std::collections::BTreeMap;

use super::pipeline::lines_of;
use super::{Alone, Beside};
use crate::format::{Ends, assignment, closing};
use crate::settings::Settings;
use crate::text::{joined_lines, split_near};

/// Lines followed, loops counted as often as they go round.
const STEPS_MAX: u32 = 20_000;
/// Rounds of one loop.
const ROUNDS_MAX: usize = 64;
const DEPTH_MAX: usize = 8;
const VALUE_MAX: usize = 4096;
const VARIABLES_MAX: usize = 4096;

/// Assignments as settings under their names, everything else as settings `command`, variables filled in.
pub(crate) fn shell(text: &str, beside: &dyn Beside) -> Settings {
    let lines = script_lines(text);
    let mut shell = Shell {
        settings: Settings::default(),
        variables: BTreeMap::new(),
        functions: BTreeMap::new(),
        beside,
        steps: STEPS_MAX,
        quiet: false,
    };
    shell.run(&lines, 0);
    shell.settings
}

/// One line of a script, or a part of one that stands between `;` and a word of the loop.
#[derive(Clone, Debug)]
struct Line {
    number: u32,
    body: String,
    /// The text of a here-document that begins here, and the line it begins at.
    here: Option<(String, u32)>,
}

struct Shell<'b> {
    settings: Settings,
    variables: BTreeMap<String, Vec<String>>,
    functions: BTreeMap<String, String>,
    beside: &'b dyn Beside,
    steps: u32,
    /// True while a file is only read for its variables.
    quiet: bool,
}

fn script_lines(text: &str) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut here_end: Option<String> = None;
    let lines = joined_lines(text);
    let ends = Ends::of(&lines);
    for (index, (number, line)) in lines.iter().enumerate() {
        let number = *number;
        if let Some(end) = &here_end {
            if line.trim() == end.as_str() {
                here_end = None;
            } else if let Some((held, _)) = out.last_mut().and_then(|l| l.here.as_mut())
                && held.len() < 256 << 10
            {
                held.push_str(line);
                held.push('\n');
            }
            continue;
        }
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        here_end = ends.begun(index, body);
        for part in parts(body) {
            out.push(Line {
                number,
                body: part,
                here: None,
            });
        }
        if here_end.is_some()
            && let Some(last) = out.last_mut()
        {
            last.here = Some((String::new(), number + 1));
        }
    }
    out
}

/// A line with a loop in it falls into the parts around its words, so that a loop on one line is one on several.
fn parts(body: &str) -> Vec<String> {
    let is_loop = ["for ", "while ", "until ", "do ", "done"]
        .iter()
        .any(|w| body.starts_with(w))
        || body.contains("; do")
        || body.contains("; done");
    if !is_loop {
        return vec![body.to_owned()];
    }
    let mut out = Vec::new();
    let mut part = String::new();
    let mut quote = None;
    for c in body.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ';') => {
                out.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    out.push(part);
    let mut spread = Vec::new();
    for part in out {
        let part = part.trim();
        match part.strip_prefix("do ") {
            Some(rest) => spread.extend(["do".to_owned(), rest.trim().to_owned()]),
            None if !part.is_empty() => spread.push(part.to_owned()),
            None => {}
        }
    }
    spread
}

impl Shell<'_> {
    fn run(&mut self, lines: &[Line], depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                self.settings.partial = true;
                return;
            }
            let (before, body) = loop_begin(&line.body);
            if let Some(head) = body {
                let end = end_of_loop(lines, at);
                let inner = lines.get(at..end).unwrap_or_default();
                let done = lines.get(end).map_or("", |l| l.body.as_str());
                at = end + 1;
                if depth < DEPTH_MAX {
                    self.round(line.number, before, head, inner, done, depth);
                }
                continue;
            }
            self.statement(line);
        }
    }

    /// A loop: once for each value its variable takes, or once where they are not known.
    fn round(
        &mut self,
        number: u32,
        before: &str,
        head: &str,
        inner: &[Line],
        done: &str,
        depth: usize,
    ) {
        let inner: Vec<Line> = inner.iter().filter(|l| l.body != "do").cloned().collect();
        let (names, rounds) = self.rounds(before, head, done);
        if !before.is_empty() || !head.starts_with("for ") {
            let spelt = self.expand(&format!("{before}{head}"));
            self.command(number, &spelt);
        } else {
            // What a list is made from may call somebody: `for x in $(ssh h ls)`.
            let spelt = self.expand(head);
            if spelt.contains("$(") || spelt.contains('`') {
                self.command(number, &spelt);
            }
        }
        let kept: Vec<Option<Vec<String>>> = names
            .iter()
            .map(|n| self.variables.get(n).cloned())
            .collect();
        if rounds.is_empty() {
            for name in &names {
                self.variables.remove(name);
            }
            self.run(&inner, depth + 1);
        }
        for round in rounds.into_iter().take(ROUNDS_MAX) {
            for (at, name) in names.iter().enumerate() {
                match round.get(at) {
                    Some(value) => self.set(name, vec![value.clone()]),
                    None => {
                        self.variables.remove(name);
                    }
                }
            }
            self.run(&inner, depth + 1);
        }
        for (name, before) in names.iter().zip(kept) {
            match before {
                Some(before) => self.set(name, before),
                None => {
                    self.variables.remove(name);
                }
            }
        }
    }

    /// The names a loop sets, and what it sets them to in each round.
    fn rounds(&mut self, before: &str, head: &str, done: &str) -> (Vec<String>, Vec<Vec<String>>) {
        if let Some(rest) = head.strip_prefix("for ") {
            let (name, words) = rest.split_once(" in ").unwrap_or((rest, ""));
            let name = name.trim().to_owned();
            if !is_name(&name) {
                return (Vec::new(), Vec::new());
            }
            let mut rounds = Vec::new();
            for word in words_of(words) {
                match self.values(&word) {
                    Some(values) => rounds.extend(values.into_iter().map(|v| vec![v])),
                    None => return (vec![name], Vec::new()),
                }
            }
            return (vec![name], rounds);
        }
        // `while read -r a b; do … done < FILE`, or behind a pipeline.
        let Some((_, rest)) = head.split_once("read ") else {
            return (Vec::new(), Vec::new());
        };
        let names: Vec<String> = rest
            .split_whitespace()
            .filter(|w| !w.starts_with('-'))
            .take_while(|w| is_name(w))
            .map(str::to_owned)
            .collect();
        let file = done.split_once('<').map(|(_, file)| file.trim());
        let lines = match file {
            Some(file) if !file.starts_with(['<', '(']) => {
                let path = self.expand(file);
                let path = path.trim_matches(['"', '\'']).to_owned();
                lines_of(&format!("cat {path}"), self.beside)
            }
            _ => {
                let pipeline = self.expand(before.trim().trim_end_matches('|'));
                lines_of(&pipeline, self.beside).filter(|_| !before.is_empty())
            }
        };
        let mut rounds = Vec::new();
        for line in lines.into_iter().flatten() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            if words.len() > names.len() && !names.is_empty() {
                let rest = words.split_off(names.len() - 1);
                words.push(rest.join(" "));
            }
            rounds.push(words);
        }
        (names, rounds)
    }

    fn statement(&mut self, line: &Line) {
        let body = line.body.as_str();
        if let Some((name, inner)) = function(body) {
            self.functions.insert(name.to_owned(), inner.to_owned());
            return;
        }
        if let Some(path) = sourced(body) {
            let path = self.expand(path);
            self.include(path.trim_matches(['"', '\'']));
            return;
        }
        if self.array(body) {
            return;
        }
        self.assign_defaults(body);
        if self.is_guarded(body) {
            return;
        }
        let mut rest = without_keyword(body);
        while let Some((name, after)) = assignment(rest) {
            let (word, tail) = first_word(after);
            let value = match self.values(&word) {
                Some(values) if values.len() > 1 => values.join("\n"),
                _ => unquoted(&self.expand(&word)),
            };
            self.say(line.number, name, &value);
            if value.contains("$(") || value.contains('`') {
                // What a value is made from may call somebody.
                self.command(line.number, &value);
            }
            self.set(name, vec![value]);
            rest = tail.trim_start().trim_start_matches(';').trim_start();
        }
        if !rest.is_empty() && !rest.starts_with('#') {
            let spelt = self.expand(rest);
            self.command(line.number, &spelt);
            if let Some((text, begins)) = &line.here {
                self.inner(&spelt, text, *begins);
            }
        }
    }

    /// True for `[ -n "${NAME:-}" ] && …` where nobody sets the name: what follows is for whoever sets it by hand.
    fn is_guarded(&self, body: &str) -> bool {
        let inner = ["[[ -n ", "[ -n ", "test -n "]
            .iter()
            .find_map(|opening| body.strip_prefix(opening));
        let Some((word, rest)) = inner.and_then(|inner| inner.split_once(' ')) else {
            return false;
        };
        let rest = rest.trim_start_matches([']', ' ']);
        let name = word
            .trim_matches('"')
            .strip_prefix("${")
            .and_then(|w| w.strip_suffix(":-}").or_else(|| w.strip_suffix("-}")));
        name.is_some_and(|name| {
            rest.starts_with("&&")
                && is_name(name)
                && !self.variables.contains_key(name)
                && self.beside.variable(name).is_none()
        })
    }

    /// `${NAME:=VALUE}` sets what nobody set.
    fn assign_defaults(&mut self, body: &str) {
        let mut rest = body;
        while let Some((_, after)) = rest.split_once("${") {
            rest = after;
            let Some((inner, _)) = after.split_once('}') else {
                return;
            };
            let Some((name, value)) = inner.split_once(":=").or_else(|| inner.split_once('='))
            else {
                continue;
            };
            if is_name(name) && !self.variables.contains_key(name) {
                let value = match self.beside.variable(name) {
                    Some(given) => given,
                    None => unquoted(&self.expand(value)),
                };
                self.set(name, vec![value]);
            }
        }
    }

    /// A program in another language that stands in the script itself.
    fn inner(&mut self, command: &str, text: &str, begins: u32) {
        let program = crate::format::commands(command);
        let program = program
            .first()
            .and_then(|words| words.first().cloned())
            .unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or_default().to_owned();
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let settings = match stem {
            "python" => super::python(text, self.beside),
            "perl" => super::perl(text, self.beside),
            "sh" | "bash" | "dash" | "ksh" => shell(text, &Alone),
            _ => return,
        };
        for mut setting in settings.all {
            setting.line = setting.line.saturating_add(begins).saturating_sub(1);
            if !self.quiet {
                // Each program has groups of its own.
                let group = setting
                    .group
                    .saturating_add(super::INNER)
                    .saturating_add(begins);
                self.settings.add(
                    setting.line,
                    group,
                    &setting.section,
                    &setting.key,
                    &setting.value,
                );
            }
        }
    }

    fn say(&mut self, number: u32, name: &str, value: &str) {
        if !self.quiet {
            self.settings.add(number, 0, "", name, value);
        }
    }

    fn command(&mut self, number: u32, text: &str) {
        self.say(number, "command", text);
    }

    fn set(&mut self, name: &str, values: Vec<String>) {
        let fits = values.iter().map(String::len).sum::<usize>() < 4 * VALUE_MAX;
        if fits && self.variables.len() < VARIABLES_MAX {
            self.variables.insert(name.to_owned(), values);
        }
    }

    /// `a=(x y)`, `declare -A a=([k]=v …)`, `mapfile -t a < <(…)`.
    fn array(&mut self, body: &str) -> bool {
        let bare = without_keyword(body);
        if let Some(rest) = ["mapfile ", "readarray "]
            .iter()
            .find_map(|w| bare.strip_prefix(w))
        {
            let Some((names, source)) = rest.split_once('<') else {
                return false;
            };
            let name = names
                .split_whitespace()
                .rfind(|w| is_name(w))
                .unwrap_or_default()
                .to_owned();
            let source = source.trim();
            let inner = source
                .strip_prefix("<(")
                .and_then(|s| s.strip_suffix(')'))
                .map_or_else(|| format!("cat {source}"), str::to_owned);
            let text = self.expand(&inner);
            if let Some(lines) = lines_of(&text, self.beside).filter(|_| is_name(&name)) {
                self.set(
                    &name,
                    lines
                        .into_iter()
                        .filter(|l| !l.is_empty())
                        .take(ROUNDS_MAX)
                        .collect(),
                );
            }
            return true;
        }
        // The Korn shell's `set -A NAME a b`.
        let korn = bare.strip_prefix("set -A ").and_then(|r| r.split_once(' '));
        let listed = korn.or_else(|| {
            let (name, list) = bare.split_once("=(")?;
            Some((name, list.trim_end().strip_suffix(')')?))
        });
        let Some((name, list)) = listed.filter(|(name, _)| is_name(name)) else {
            return false;
        };
        let mut values = Vec::new();
        for word in words_of(list) {
            match word.strip_prefix('[').and_then(|w| w.split_once("]=")) {
                Some((key, value)) => {
                    let value = unquoted(&self.expand(value));
                    let key = key.trim_matches(['"', '\'']);
                    self.set(&format!("{name}[{key}]"), vec![value]);
                }
                None => match self.values(&word) {
                    Some(more) => values.extend(more),
                    None => return true,
                },
            }
        }
        values.truncate(ROUNDS_MAX);
        self.set(name, values);
        true
    }

    /// The variables another file of this machine sets.
    fn include(&mut self, path: &str) {
        let Some(text) = self.beside.text(path) else {
            return;
        };
        let was = std::mem::replace(&mut self.quiet, true);
        let lines = script_lines(&text);
        // Files of settings hold assignments; their loops and calls are none of ours.
        for line in lines.iter().take(2_000) {
            self.statement(line);
        }
        self.quiet = was;
    }

    /// The values a word stands for, if all of them are known: `"${a[@]}"`, `$(cat FILE)`, plain text.
    fn values(&mut self, word: &str) -> Option<Vec<String>> {
        let bare = word.trim_matches('"');
        if let Some(name) = bare
            .strip_prefix("${")
            .and_then(|b| b.strip_suffix("[@]}").or_else(|| b.strip_suffix("[*]}")))
        {
            return self.variables.get(name).cloned().filter(|v| !v.is_empty());
        }
        if let Some(inner) = bare.strip_prefix("$(").and_then(|b| b.strip_suffix(')'))
            && closing(bare.get(1..)?) + 2 == bare.len()
        {
            let lines = self.printed(inner)?;
            return Some(
                lines
                    .iter()
                    .flat_map(|l| l.split_whitespace())
                    .map(str::to_owned)
                    .collect(),
            );
        }
        let spelt = unquoted(&self.expand(word));
        if spelt.contains(['$', '`', '*', '?']) {
            return None;
        }
        // A variable that is not quoted falls into words.
        if word.starts_with('$') {
            return Some(spelt.split_whitespace().map(str::to_owned).collect());
        }
        Some(brace_list(&spelt))
    }

    /// What a substitution prints.
    fn printed(&mut self, inner: &str) -> Option<Vec<String>> {
        let first = inner.split_whitespace().next()?;
        let text = match self.functions.get(first).cloned() {
            Some(body) => {
                let arguments = words_of(inner);
                let mut text = body;
                for (at, argument) in arguments.iter().enumerate().skip(1).take(9) {
                    let argument = unquoted(&self.expand(argument));
                    let place = format!("${at}");
                    let grown = text.matches(&place).count().saturating_mul(argument.len());
                    if grown > 0 && grown.saturating_add(text.len()) > 4 * VALUE_MAX {
                        return None;
                    }
                    text = text.replace(&place, &argument);
                }
                text
            }
            None => inner.to_owned(),
        };
        let spelt = self.expand_plain(&text, false, 0);
        lines_of(&spelt, self.beside)
    }

    fn expand(&mut self, text: &str) -> String {
        self.expand_plain(text, true, 0)
    }

    /// Variables filled in where they are known, the rest left as it is. Within single quotes nothing is.
    fn expand_plain(&mut self, text: &str, substitutes: bool, depth: usize) -> String {
        if !text.contains(['$', '`']) || depth > DEPTH_MAX {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '`']) {
            let (head, tail) = rest.split_at(at);
            out.push_str(head);
            if out.len() > 64 << 10 {
                break;
            }
            let quoted = tail.starts_with('`');
            if quoted || tail.starts_with("$(") {
                let length = if quoted {
                    tail.get(1..)
                        .and_then(|t| t.find('`'))
                        .map_or(tail.len(), |n| n + 2)
                } else {
                    (closing(tail.get(1..).unwrap_or_default()) + 2).min(tail.len())
                };
                let whole = tail.get(..length).unwrap_or(tail);
                let inner = whole
                    .get(if quoted { 1 } else { 2 }..whole.len().saturating_sub(1))
                    .unwrap_or_default()
                    .to_owned();
                let is_sum = whole.starts_with("$((");
                match Some(&inner)
                    .filter(|_| substitutes && !is_sum)
                    .and_then(|inner| self.printed(inner))
                {
                    Some(lines) if !lines.is_empty() => out.push_str(&lines.join("\n")),
                    _ => {
                        // Not known by what it prints; what it calls is still of interest.
                        let spelt = self.expand_plain(&inner, false, depth + 1);
                        out.push_str(if quoted { "`" } else { "$(" });
                        out.push_str(&spelt);
                        out.push_str(if quoted { "`" } else { ")" });
                    }
                }
                rest = tail.get(length..).unwrap_or_default();
                continue;
            }
            let after = tail.get(1..).unwrap_or_default();
            let (name, default, left) = reference(after);
            let known = self.variables.get(&name).map(|values| values.join(" "));
            let known = known
                .filter(|v| !v.contains('$'))
                .or_else(|| self.beside.variable(&name))
                .or(default);
            match known {
                Some(value) if !name.is_empty() => out.push_str(&value),
                _ => {
                    out.push('$');
                    out.push_str(after.get(..after.len() - left.len()).unwrap_or_default());
                }
            }
            rest = left;
        }
        out.push_str(rest);
        out
    }
}

/// What stands before a loop on its line (`cmd | while …`), and its head.
fn loop_begin(body: &str) -> (&str, Option<&str>) {
    for word in ["for ", "while ", "until "] {
        if body.starts_with(word) {
            return ("", Some(body));
        }
    }
    match body.find("| while ") {
        Some(at) => {
            let (before, head) = body.split_at(at + 2);
            (before, Some(head))
        }
        None => (body, None),
    }
}

/// The index of the `done` that belongs to a loop whose inside begins at `from`.
fn end_of_loop(lines: &[Line], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, line) in lines.iter().enumerate().skip(from) {
        if loop_begin(&line.body).1.is_some() {
            depth += 1;
        }
        let word = line
            .body
            .split([' ', ';', ')', '|', '<', '>'])
            .next()
            .unwrap_or_default();
        if word == "done" {
            if depth == 0 {
                return at;
            }
            depth -= 1;
        }
    }
    lines.len()
}

/// `name() { body; }` on one line.
fn function(body: &str) -> Option<(&str, &str)> {
    let (name, rest) = body.split_once("()")?;
    let name = name.trim().trim_start_matches("function ").trim();
    let inner = rest
        .trim()
        .strip_prefix('{')?
        .trim_end()
        .strip_suffix('}')?;
    is_name(name).then(|| (name, inner.trim().trim_end_matches(';').trim()))
}

fn sourced(body: &str) -> Option<&str> {
    let body = body.rsplit("&& ").next().unwrap_or(body);
    let path = body
        .strip_prefix(". ")
        .or_else(|| body.strip_prefix("source "))?;
    let path = path.split([';', '|', '&']).next()?.trim();
    (!path.contains(' ')).then_some(path)
}

fn without_keyword(body: &str) -> &str {
    let mut rest = body;
    for word in ["export ", "local ", "readonly ", "declare ", "typeset "] {
        if let Some(more) = rest.strip_prefix(word) {
            rest = more.trim_start();
            while let Some(flag) = rest.strip_prefix('-') {
                rest = flag.split_once(' ').map_or("", |(_, r)| r).trim_start();
            }
        }
    }
    rest
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && text.len() <= 128
}

/// The first word as written, quotes kept, and what follows it. A substitution is one word.
fn first_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if quote.is_none() && depth == 0 && !escaped && (c.is_whitespace() || c == ';') {
            return (word, text.get(at..).unwrap_or_default());
        }
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(q), _) if c == q && depth == 0 => quote = None,
            (_, '(') if before == '$' || depth > 0 => depth += 1,
            (_, ')') if depth > 0 => depth -= 1,
            (None, '"' | '\'' | '`') if depth == 0 => quote = Some(c),
            _ => {}
        }
        word.push(c);
        before = c;
    }
    (word, "")
}

/// Words as written, quotes kept.
fn words_of(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && out.len() < 1024 {
        let (word, tail) = first_word(rest);
        if word.is_empty() {
            break;
        }
        out.push(word);
        rest = tail.trim_start_matches(';').trim();
    }
    out
}

fn unquoted(word: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') => out.extend(chars.next()),
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => out.push(c),
        }
    }
    out
}

/// `web{1,2}` and `{1..3}` spelt out; anything else is itself.
fn brace_list(word: &str) -> Vec<String> {
    let spread = || {
        let (before, rest) = word.split_once('{')?;
        let (inner, after) = rest.split_once('}')?;
        let parts: Vec<String> = match inner.split_once("..") {
            Some((from, to)) => {
                let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
                (from..=to)
                    .take(ROUNDS_MAX)
                    .map(|n| n.to_string())
                    .collect()
            }
            None => inner.split(',').map(str::to_owned).collect(),
        };
        let plain = parts.len() > 1 && !after.contains('{');
        plain.then(|| {
            parts
                .iter()
                .map(|p| format!("{before}{p}{after}"))
                .collect()
        })
    };
    spread().unwrap_or_else(|| vec![word.to_owned()])
}

/// Name, default and rest of what follows a `$`; an element of an array is named as it is kept.
fn reference(after: &str) -> (String, Option<String>, &str) {
    let stops = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    if let Some((inner, tail)) = after.strip_prefix('{').and_then(|a| split_near(a, b'}')) {
        let end = inner.find(stops).unwrap_or(inner.len());
        let (name, operator) = inner.split_at(end);
        if let Some(key) = operator.strip_prefix('[').and_then(|o| o.strip_suffix(']')) {
            let key = key.trim_matches(['"', '\'']);
            let name = if matches!(key, "@" | "*" | "0") {
                name.to_owned()
            } else {
                format!("{name}[{key}]")
            };
            return (name, None, tail);
        }
        let default = [":-", ":=", "-", "="]
            .iter()
            .find_map(|o| operator.strip_prefix(o))
            .filter(|d| !d.contains('$'))
            .map(|d| d.trim_matches(['"', '\'']).to_owned());
        // `${X:?message}` is the value or nothing.
        let demanded = operator.starts_with(":?") || operator.starts_with('?');
        let known = operator.is_empty() || default.is_some() || demanded;
        return (
            if known {
                name.to_owned()
            } else {
                String::new()
            },
            default,
            tail,
        );
    }
    let end = after.find(stops).unwrap_or(after.len());
    let (name, tail) = after.split_at(end);
    (name.to_owned(), None, tail)
}

#[cfg(test)]
mod tests {
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

    fn commands(text: &str, files: &'static [(&'static str, &'static str)]) -> Vec<String> {
        shell(text, &Files(files))
            .all
            .iter()
            .filter(|s| s.key == "command")
            .map(|s| format!("{} {}", s.line, s.value))
            .collect()
    }

    #[test]
    fn what_only_somebody_with_a_variable_gets_is_not_done() {
        let text = "[[ -n ${TEST:-} ]] && scp x ghost1:/y\n[ -n \"${TRY-}\" ] && scp x ghost2:/y\nON=1\n[ -n \"${ON:-}\" ] && scp x h1:/y\n: \"${VAULT:=v1}\"\nscp x \"$VAULT:/y\"\nset -A ALL a1 a2\nfor h in \"${ALL[@]}\"; do ssh $h; done\n";
        let said = commands(text, &[]);
        assert!(!said.iter().any(|c| c.contains("ghost")), "{said:?}");
        for expected in ["h1:/y", "v1:/y", "ssh a1", "ssh a2"] {
            assert!(
                said.iter().any(|c| c.contains(expected)),
                "{expected}: {said:?}"
            );
        }
    }

    #[test]
    fn a_loop_calls_each_of_its_words() {
        let text = "NET=10.1.2\nfor last in 201 202; do\n  snmpget \"$NET.$last\" x\ndone > /f\nfor h in a{1,2}; do ssh $h; done\nfor i in 1 2\ndo\n  for j in x y; do ping $j$i; done\ndone\n";
        assert_eq!(
            commands(text, &[]),
            [
                "3 snmpget \"10.1.2.201\" x",
                "3 snmpget \"10.1.2.202\" x",
                "5 ssh a1",
                "5 ssh a2",
                "8 ping x1",
                "8 ping y1",
                "8 ping x2",
                "8 ping y2"
            ]
        );
    }

    #[test]
    fn a_file_beside_the_script_gives_its_variables() {
        let text = ". /etc/default/job\nrsync \"rsync://$SERVER.$ZONE/$MODULE/\" /srv\n[ -r /etc/x ] && . /etc/x\ncurl $URL\n";
        let files = &[
            (
                "/etc/default/job",
                "# c\nSERVER=files1\nZONE=corp.example\nMODULE=m\nOLD=old1\n",
            ),
            ("/etc/x", "URL='http://h/'\nssh nobody\n"),
        ];
        assert_eq!(
            commands(text, files),
            [
                "2 rsync \"rsync://files1.corp.example/m/\" /srv",
                "4 curl http://h/"
            ]
        );
    }

    #[test]
    fn arrays_and_functions_are_followed() {
        let text = "declare -A to=([server]=files1 [share]=p)\nhosts=(a b)\nvalue() { sed -n \"/^\\[x\\]/,/^\\[/s/^$1 *= *//p\" /etc/j.ini; }\nsmbclient \"//${to[server]}.corp/${to[share]}\"\nfor h in \"${hosts[@]}\"; do ssh $h; done\nsmbclient \"$(value share)\" -A x\nmapfile -t m < <(grep -v '^#' /etc/list)\nfor h in \"${m[@]}\"; do nc $h 25; done\n";
        let files = &[
            (
                "/etc/j.ini",
                "[y]\nshare=//no/x\n[x]\nshare = //files/acc\n[z]\nshare=//no/z\n",
            ),
            ("/etc/list", "h1\n#h2\nh3\n"),
        ];
        assert_eq!(
            commands(text, files),
            [
                "4 smbclient \"//files1.corp/p\"",
                "5 ssh a",
                "5 ssh b",
                "6 smbclient \"//files/acc\" -A x",
                "8 nc h1 25",
                "8 nc h3 25"
            ]
        );
    }

    #[test]
    fn a_file_read_line_by_line_is_a_list() {
        let text = "while read -r host port rest; do\n  nc $host $port\ndone < /etc/list\ngrep a /etc/list | while read h; do ssh $h; done\ncurl http://x/ | while read h; do echo $h; done\n";
        let files = &[("/etc/list", "# x\na1 25 z z\nb1 80\n")];
        let found = commands(text, files);
        assert!(
            found.contains(&"2 nc a1 25".to_owned()) && found.contains(&"2 nc b1 80".to_owned()),
            "{found:?}"
        );
        assert!(found.contains(&"4 ssh a1 25 z z".to_owned()), "{found:?}");
        assert!(
            found.iter().any(|c| c.starts_with("5 curl http://x/")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        let text = "for h in $(ssh a list); do ping $h; done\nX=$(date)\nssh $1 \"$UNKNOWN\"\nfor f in *.gz; do scp $f h1:; done\n";
        assert_eq!(
            commands(text, &[]),
            [
                "1 for h in $(ssh a list)",
                "1 ping $h",
                "2 $(date)",
                "3 ssh $1 \"$UNKNOWN\"",
                "4 scp $f h1:"
            ]
        );
    }

    #[test]
    fn hostile_scripts_end() {
        let nested =
            "for a in 1 2 3 4 5 6 7 8 9; do\n".repeat(40) + "x $a\n" + &"done\n".repeat(40);
        let _ = shell(&nested, &Alone);
        let _ = shell(&"a=$a$a\n".repeat(2_000), &Alone);
        let _ = shell(&"$(".repeat(4_000), &Alone);
        let _ = shell(&"f() { f; }\nx=$(f)\n".repeat(10), &Alone);
        groma_fuzz::hammer(
            300,
            &[b"for h in \"${a[@]}\" $(cat /f); do x $h; done\na=(x [k]=\"y\")\n. /f\nwhile read a b; do z; done < /f\npython3 - <<'P'\nx = 1\nP\n"],
            |bytes| {
                let _ = shell(&String::from_utf8_lossy(bytes), &Files(&[("/f", "A=b\nc d\n")]));
            },
        );
    }
}
