//! `sed -n 's/^host: //p' FILE | head -n 1`: what a pipeline that only takes text apart would print. Nothing is run;
//! a stage that is not known here, or known with other options, leaves the whole unknown.

use super::Beside;
use super::pattern::{Pattern, replace};
use crate::format;
use groma_knowledge::rules::Format;

const LINES_MAX: usize = 2_000;
const STAGES_MAX: usize = 12;

/// The lines `text` would print, or `None` if that cannot be told.
pub(super) fn lines_of(text: &str, beside: &dyn Beside) -> Option<Vec<String>> {
    let (text, input) = without_redirections(text)?;
    let mut lines: Option<Vec<String>> = match input {
        Some(path) => Some(read(&path, beside)?),
        None => None,
    };
    let stages = stages(&text)?;
    if stages.is_empty() || stages.len() > STAGES_MAX {
        return None;
    }
    for stage in stages {
        lines = Some(one(&words_of(&stage)?, lines, beside)?);
    }
    lines
}

/// The words of one command. Within double quotes a backslash stays, unless it stands before what it may hide there.
fn words_of(stage: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = stage.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (Some('"'), '\\') => {
                let next = chars.next()?;
                let held = word.get_or_insert_default();
                if !matches!(next, '$' | '`' | '"' | '\\') {
                    held.push(c);
                }
                held.push(next);
            }
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => out.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    (quote.is_none() && out.len() < 256).then_some(out)
}

fn read(path: &str, beside: &dyn Beside) -> Option<Vec<String>> {
    let text = beside.text(path)?;
    Some(text.lines().take(LINES_MAX).map(str::to_owned).collect())
}

/// Splits at `|` outside of quotes; a list, a substitution or a block is nothing to follow.
fn stages(text: &str) -> Option<Vec<String>> {
    let mut out = vec![String::new()];
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => {
                out.last_mut()?.push(c);
                out.last_mut()?.push(chars.next()?);
                continue;
            }
            (None | Some('"'), '`') => return None,
            (None, '|') => {
                out.push(String::new());
                continue;
            }
            (None, ';' | '&' | '<' | '>' | '\n') => return None,
            _ => {}
        }
        out.last_mut()?.push(c);
    }
    Some(out)
}

/// `2>/dev/null` and `2>&1` taken away, `< FILE` as the input.
fn without_redirections(text: &str) -> Option<(String, Option<String>)> {
    let text = text
        .replace("2>/dev/null", "")
        .replace("2> /dev/null", "")
        .replace("2>&1", "");
    match text.split_once('<') {
        Some((before, after))
            if !after.starts_with(['<', '(']) && !before.contains(['\'', '"']) =>
        {
            let after = after.trim_start();
            let end = after.find([' ', '|']).unwrap_or(after.len());
            let path = after.get(..end)?.trim_matches(['"', '\'']).to_owned();
            let rest = after.get(end..)?;
            let text = if before.trim().is_empty() {
                format!("cat {rest}")
            } else {
                format!("{before} {rest}")
            };
            Some((text, Some(path)))
        }
        _ => Some((text, None)),
    }
}

fn one(words: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    let program = words.first()?.rsplit('/').next()?;
    let words = words.get(1..)?;
    match program {
        "cat" => input(words, lines, beside),
        "echo" | "printf" => {
            let said: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .filter(|w| !w.starts_with('-'))
                .collect();
            let text = said.join(" ");
            (!text.contains('%') && !text.contains('$')).then(|| vec![text])
        }
        "sed" => sed(words, lines, beside),
        "grep" | "egrep" | "fgrep" => grep(program, words, lines, beside),
        "awk" | "mawk" | "gawk" => awk(words, lines, beside),
        "cut" => cut(words, lines, beside),
        "head" => ends(words, lines, beside, true),
        "tail" => ends(words, lines, beside, false),
        "tr" => tr(words, &lines?),
        "sort" | "uniq" => {
            let mut lines = input(&arguments(words), lines, beside)?;
            lines.sort();
            if program == "uniq" || words.iter().any(|w| w == "-u") {
                lines.dedup();
            }
            Some(lines)
        }
        "jq" | "yq" => jq(words, lines, beside),
        _ => None,
    }
}

fn arguments(words: &[String]) -> Vec<String> {
    words
        .iter()
        .filter(|w| !w.starts_with('-'))
        .cloned()
        .collect()
}

/// The lines of the files given, or those that come in.
fn input(files: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    match files {
        [] => lines,
        files => {
            let mut out = Vec::new();
            for file in files.iter().take(4) {
                out.extend(read(file, beside)?);
            }
            out.truncate(LINES_MAX);
            Some(out)
        }
    }
}

/// One address, perhaps a range, perhaps turned round.
enum Address {
    All,
    Line(usize),
    Match(Pattern),
    Range(Pattern, Pattern),
}

fn sed(words: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    let (mut quiet, mut extended, mut script) = (false, false, None);
    let mut files = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-n" | "--quiet" => quiet = true,
            "-E" | "-r" => extended = true,
            "-ne" | "-nr" | "-nE" | "-rn" | "-En" => {
                quiet = true;
                extended |= word.contains(['r', 'E']);
                if word.ends_with('e') {
                    script = Some(words.next()?);
                }
            }
            "-e" if script.is_none() => script = Some(words.next()?),
            word if word.starts_with('-') => return None,
            _ if script.is_none() => script = Some(word),
            _ => files.push(word.clone()),
        }
    }
    let lines = input(&files, lines, beside)?;
    let (address, command) = address(script?, extended)?;
    let mut out = Vec::new();
    let mut within = false;
    for (number, line) in lines.iter().enumerate() {
        let selected = match &address {
            Address::All => true,
            Address::Line(wanted) => number + 1 == *wanted,
            Address::Match(pattern) => pattern.is_in(line),
            Address::Range(from, to) => {
                let selected = within || from.is_in(line);
                within = if within { !to.is_in(line) } else { selected };
                selected
            }
        };
        apply(command, extended, line, selected, quiet, &mut out)?;
    }
    Some(out)
}

fn address(script: &str, extended: bool) -> Option<(Address, &str)> {
    let script = script.trim();
    let Some(rest) = script.strip_prefix('/') else {
        let digits = script.len()
            - script
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let (number, command) = script.split_at(digits);
        return match number.parse() {
            Ok(number) => Some((Address::Line(number), command)),
            Err(_) => Some((Address::All, script)),
        };
    };
    let (first, rest) = upto_slash(rest)?;
    let first = Pattern::new(first, extended)?;
    match rest.strip_prefix(",/") {
        Some(rest) => {
            let (second, command) = upto_slash(rest)?;
            Some((
                Address::Range(first, Pattern::new(second, extended)?),
                command.trim(),
            ))
        }
        None => Some((Address::Match(first), rest.trim())),
    }
}

/// Splits at the first `/` that is neither escaped nor within a class.
fn upto_slash(text: &str) -> Option<(&str, &str)> {
    upto(text, '/')
}

fn upto(text: &str, mark: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    let mut class = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            _ if c == mark && !class => {
                return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
            }
            _ => {}
        }
    }
    None
}

fn apply(
    command: &str,
    extended: bool,
    line: &str,
    selected: bool,
    quiet: bool,
    out: &mut Vec<String>,
) -> Option<()> {
    let (command, turned) = command
        .strip_prefix('!')
        .map_or((command, false), |c| (c, true));
    let selected = selected != turned;
    let mut keep = |text: String| {
        if out.len() < LINES_MAX {
            out.push(text);
        }
    };
    match command.chars().next()? {
        'p' if command == "p" => {
            if selected || !quiet {
                keep(line.to_owned());
            }
        }
        'd' if command == "d" => {
            if !selected && !quiet {
                keep(line.to_owned());
            }
        }
        's' => {
            let mark = command.chars().nth(1)?;
            let rest = command.get(1 + mark.len_utf8()..)?;
            let (pattern, rest) = upto(rest, mark)?;
            let (with, flags) = upto(rest, mark)?;
            if !flags.chars().all(|c| matches!(c, 'p' | 'g')) {
                return None;
            }
            let pattern = Pattern::new(&pattern.replace("\\/", "/"), extended)?;
            let changed = if selected {
                replace(&pattern, line, with, flags.contains('g'))
            } else {
                None
            };
            match changed {
                Some(text) if flags.contains('p') || !quiet => keep(text),
                None if !quiet => keep(line.to_owned()),
                _ => {}
            }
        }
        _ => return None,
    }
    Some(())
}

fn grep(
    program: &str,
    words: &[String],
    lines: Option<Vec<String>>,
    beside: &dyn Beside,
) -> Option<Vec<String>> {
    let (mut turned, mut extended, mut any_case) = (false, program == "egrep", false);
    let mut rest = Vec::new();
    let mut first = None;
    for word in words {
        match word
            .strip_prefix('-')
            .filter(|f| !f.is_empty() && rest.is_empty())
        {
            Some("m1") => first = Some(1),
            Some(flags) if flags.chars().all(|c| "vEihsFw".contains(c)) => {
                turned |= flags.contains('v');
                extended |= flags.contains('E');
                any_case |= flags.contains('i');
            }
            Some("e") => {}
            Some(_) => return None,
            None => rest.push(word.clone()),
        }
    }
    let (wanted, files) = rest.split_first()?;
    // A few patterns at once: `grep -v '^#\|^$'`.
    let mark = if extended { "|" } else { "\\|" };
    let patterns = wanted
        .split(mark)
        .map(|w| {
            Pattern::new(
                &if any_case {
                    w.to_lowercase()
                } else {
                    w.to_owned()
                },
                extended,
            )
        })
        .collect::<Option<Vec<_>>>()?;
    let lines = input(files, lines, beside)?;
    let fits = |line: &String| {
        let line = if any_case {
            line.to_lowercase()
        } else {
            line.clone()
        };
        patterns.iter().any(|p| p.is_in(&line)) != turned
    };
    Some(
        lines
            .into_iter()
            .filter(fits)
            .take(first.unwrap_or(LINES_MAX))
            .collect(),
    )
}

fn awk(words: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    let mut separator = None;
    let mut rest = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix("-F").filter(|_| rest.is_empty()) {
            Some("") => separator = Some(words.next()?.clone()),
            Some(joined) => separator = Some(joined.to_owned()),
            None if word.starts_with('-') && rest.is_empty() => return None,
            None => rest.push(word.clone()),
        }
    }
    let (script, files) = rest.split_first()?;
    let (condition, action) = script.trim().split_once('{')?;
    let action = action
        .trim()
        .strip_suffix('}')?
        .trim()
        .trim_end_matches(';')
        .trim();
    let column: usize = action
        .strip_prefix("print")?
        .trim()
        .strip_prefix('$')?
        .parse()
        .ok()?;
    let condition = condition.trim();
    let lines = input(files, lines, beside)?;
    let mut out = Vec::new();
    for line in lines {
        let fields: Vec<&str> = match &separator {
            None => line.split_whitespace().collect(),
            Some(mark) => {
                let mark = mark.trim_matches(['[', ']']);
                line.split(|c: char| mark.contains(c)).collect()
            }
        };
        if is_true(condition, &line, &fields)? {
            let field = match column {
                0 => Some(line.as_str()),
                n => fields.get(n - 1).copied(),
            };
            out.push(field.unwrap_or_default().to_owned());
        }
    }
    Some(out)
}

fn is_true(condition: &str, line: &str, fields: &[&str]) -> Option<bool> {
    let (condition, turned) = condition
        .strip_prefix('!')
        .map_or((condition, false), |c| (c, true));
    let holds = if condition.is_empty() {
        return Some(true);
    } else if condition == "NF" {
        !fields.is_empty()
    } else if let Some(pattern) = condition
        .strip_prefix('/')
        .and_then(|c| c.strip_suffix('/'))
    {
        Pattern::new(pattern, true)?.is_in(line)
    } else {
        let (left, right) = condition.split_once("==")?;
        let column: usize = left.trim().strip_prefix('$')?.parse().ok()?;
        let right = right.trim().strip_prefix('"')?.strip_suffix('"')?;
        column.checked_sub(1).and_then(|n| fields.get(n)) == Some(&right)
    };
    Some(holds != turned)
}

fn cut(words: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    let (mut mark, mut field) = ('\t', None);
    let mut files = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(joined) = word.strip_prefix("-d") {
            let text = if joined.is_empty() {
                words.next()?.as_str()
            } else {
                joined
            };
            mark = text.chars().next()?;
        } else if let Some(joined) = word.strip_prefix("-f") {
            field = Some(if joined.is_empty() {
                words.next()?.as_str()
            } else {
                joined
            });
        } else if word.starts_with('-') {
            return None;
        } else {
            files.push(word.clone());
        }
    }
    let field = field?;
    let (from, open) = field
        .strip_suffix('-')
        .map_or((field, false), |f| (f, true));
    let from: usize = from.parse().ok().filter(|n| *n > 0)?;
    let one = |line: String| {
        let mut parts = line.split(mark).skip(from - 1);
        if !line.contains(mark) {
            return line.clone();
        }
        let rest: Vec<&str> = if open {
            parts.collect()
        } else {
            parts.next().into_iter().collect()
        };
        rest.join(&mark.to_string())
    };
    Some(input(&files, lines, beside)?.into_iter().map(one).collect())
}

fn ends(
    words: &[String],
    lines: Option<Vec<String>>,
    beside: &dyn Beside,
    first: bool,
) -> Option<Vec<String>> {
    let mut count = 10_usize;
    let mut files = Vec::new();
    let mut words = words.iter();
    let mut from = None;
    while let Some(word) = words.next() {
        let number = match word.strip_prefix("-n") {
            Some("") => words.next()?.as_str(),
            Some(joined) => joined,
            None => match word.strip_prefix('-') {
                Some(number) => number,
                None => {
                    files.push(word.clone());
                    continue;
                }
            },
        };
        match number.strip_prefix('+') {
            Some(number) if !first => from = number.parse::<usize>().ok(),
            _ => count = number.parse().ok()?,
        }
    }
    let lines = input(&files, lines, beside)?;
    let skipped = match (first, from) {
        (true, _) => 0,
        (false, Some(from)) => from.saturating_sub(1),
        (false, None) => lines.len().saturating_sub(count),
    };
    let most = if from.is_some() { usize::MAX } else { count };
    Some(lines.into_iter().skip(skipped).take(most).collect())
}

fn tr(words: &[String], lines: &[String]) -> Option<Vec<String>> {
    let text = lines.join("\n");
    let named = |word: &String| {
        word.replace("\\n", "\n")
            .replace("\\t", "\t")
            .replace("[:space:]", " \t\n")
    };
    match words {
        [flag, which] if flag == "-d" => {
            let which = named(which);
            let kept: String = text.chars().filter(|c| !which.contains(*c)).collect();
            Some(kept.lines().map(str::to_owned).collect())
        }
        [from, to]
            if from.chars().count() == to.chars().count()
                || from.starts_with('\\')
                || to.starts_with('\\') =>
        {
            let (from, to) = (named(from), named(to));
            if from.chars().count() != to.chars().count() {
                return None;
            }
            let swapped: String = text
                .chars()
                .map(|c| {
                    from.chars()
                        .zip(to.chars())
                        .find(|(f, _)| *f == c)
                        .map_or(c, |(_, t)| t)
                })
                .collect();
            Some(swapped.lines().map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// `jq -r .a.b FILE`, `yq '.hosts[].name' FILE`.
fn jq(words: &[String], lines: Option<Vec<String>>, beside: &dyn Beside) -> Option<Vec<String>> {
    let rest = arguments(words);
    let rest: Vec<String> = rest
        .into_iter()
        .filter(|w| w != "eval" && w != "e")
        .collect();
    let (path, files) = rest.split_first()?;
    let path = path.trim().strip_prefix('.')?;
    let parts: Vec<&str> = path
        .split('.')
        .map(|part| part.trim_end_matches("[]").trim_matches('"'))
        .filter(|part| !part.is_empty())
        .collect();
    let plain = |part: &&str| {
        part.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    let (key, section) = parts.split_last()?;
    if !parts.iter().all(plain) {
        return None;
    }
    let text = input(files, lines, beside)?.join("\n");
    let settings = format::read(Format::Yaml, &[], &text);
    let section = section.join("/");
    let found: Vec<String> = settings
        .all
        .iter()
        .filter(|s| s.key == *key && s.section == section)
        .map(|s| s.value.clone())
        .collect();
    (!settings.partial && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);

    impl Beside for One {
        fn text(&self, path: &str) -> Option<String> {
            (path == "/etc/f").then(|| self.0.to_owned())
        }
    }

    const INVENTORY: &str = "# list\n[linux]\nns1\nmail1 port=22\n\n[windows]\nw1\n[retired]\nx1\n";

    fn printed(text: &str, file: &'static str) -> Option<String> {
        lines_of(text, &One(file)).map(|lines| lines.join("|"))
    }

    #[test]
    fn values_are_taken_out_of_files_by_the_letter() {
        let ini = "[a]\nhost = h0\n[b]\n# host = old\nhost = h1\nport=5\n[c]\nhost=h2\n";
        for (text, file, expected) in [
            ("sed -n 's/^  host: //p' /etc/f", "  host: h1\n# x\n", "h1"),
            (
                "sed -n \"/^\\[b\\]/,/^\\[/s/^host *= *//p\" /etc/f",
                ini,
                "h1",
            ),
            (
                "sed -n '/^\\[linux\\]/,/^\\[/p' /etc/f | grep -v '^\\[' | awk 'NF {print $1}'",
                INVENTORY,
                "ns1|mail1",
            ),
            (
                "grep ^HOST= /etc/f | cut -d= -f2",
                "HOST=h1\nPORT=1\n",
                "h1",
            ),
            (
                "grep -v '^#\\|^$' /etc/f | head -n 1",
                "# a\n\nh1 x\n",
                "h1 x",
            ),
            (
                "awk -F: '$1==\"host\" {print $2}' /etc/f",
                "host:h1\nport:2\n",
                "h1",
            ),
            ("cat /etc/f | tr -d ' ' | sort -u", "b \na\na\n", "a|b"),
            (
                "jq -r .mail.host /etc/f",
                "{\"mail\": {\"host\": \"h1\"}}",
                "h1",
            ),
            ("tail -n +2 < /etc/f", "name\nh1\n", "h1"),
            (
                "awk '!/^#/ {print $2}' /etc/f 2>/dev/null",
                "# x y\na h1\n",
                "h1",
            ),
        ] {
            assert_eq!(printed(text, file).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_only_text_stays_unknown() {
        for text in [
            "sed -n 's/a/b/p' /etc/other",
            "curl http://h1/ | head -n 1",
            "cat /etc/f; rm x",
            "cat /etc/f > /etc/g",
            "sed -i s/a/b/ /etc/f",
            "awk '{print $1 $2}' /etc/f",
            "cat `x`",
        ] {
            assert_eq!(printed(text, "a b\n"), None, "{text}");
        }
    }

    #[test]
    fn no_pipeline_breaks_it() {
        groma_fuzz::hammer(
            300,
            &[b"sed -n '/a/,/b/s/^x *= *\\(.*\\)$/\\1/p' /etc/f | grep -v '#' | cut -d= -f2- | tr -d '\"' | head -1"],
            |bytes| {
                let _ = lines_of(&String::from_utf8_lossy(bytes), &One(INVENTORY));
            },
        );
    }
}
