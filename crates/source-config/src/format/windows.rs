//! Command files and scripts of Windows (`.bat`, `.cmd`, `.vbs`, `.kix`): every share they name, and what they start,
//! variables filled in where the file itself sets them (learn.microsoft.com, "cmd", "set", "for").

use std::collections::BTreeMap;

use crate::settings::Settings;
use crate::text::lines;

/// Shares one line may name.
const SHARES_MAX: usize = 16;
/// Rounds of one loop, and commands of one line.
const ROUNDS_MAX: usize = 64;
const COMMANDS_MAX: usize = 16;
const LINE_MAX: usize = 8192;

/// Shares under `share`, `printer` and `time`, programs under `command`. What is printed and what is commented out
/// names nobody.
pub(super) fn windows(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (number, line) in lines(text) {
        let line = line.trim().trim_start_matches('@');
        let lower = line.to_ascii_lowercase();
        let silent = ["rem", "echo", "title"].iter().any(|word| {
            lower
                .strip_prefix(word)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '.']))
        });
        if silent || lower.starts_with(['\'', ';', '#']) || lower.starts_with("::") {
            continue;
        }
        if let Some((name, value)) = assigned(line, &lower) {
            if variables.len() < 4096 {
                variables.insert(name, value);
            }
            continue;
        }
        // `/delete` takes a drive away.
        if lower.contains("/delete") || lower.contains("/del ") || lower.ends_with("/d") {
            continue;
        }
        for line in rounds(line, &lower, &variables) {
            say(&mut settings, number, &line);
        }
    }
    settings
}

/// One line as it is, or once for each word its loop goes through; variables filled in.
fn rounds(line: &str, lower: &str, variables: &BTreeMap<String, String>) -> Vec<String> {
    let Some((name, words, body)) = loop_of(line, lower) else {
        return vec![filled(line, variables)];
    };
    let words = filled(words, variables);
    let words = words.split([' ', ',', ';', '\t']).filter(|w| !w.is_empty());
    words
        .take(ROUNDS_MAX)
        .map(|word| filled(&body.replace(name, word), variables))
        .collect()
}

/// `for %%H in (a b) do REST`: the variable, the words, and the rest. One over files is none.
fn loop_of<'l>(line: &'l str, lower: &str) -> Option<(&'l str, &'l str, &'l str)> {
    lower.strip_prefix("for %%")?;
    let name = line.get(4..7)?;
    let (_, rest) = line.split_once('(')?;
    let (words, rest) = rest.split_once(')')?;
    let body = rest.trim_start().get(2..)?.trim_start();
    (!words.contains(['*', '?', '\'', '"'])).then_some((name, words, body))
}

/// The shares and the programs of a line.
fn say(settings: &mut Settings, number: u32, line: &str) {
    let lower = line.trim_start().to_ascii_lowercase();
    let time = lower.starts_with("net time") || lower.starts_with("w32tm");
    let printer = lower.contains("printui") || lower.contains("addwindowsprinterconnection");
    let key = match (time, printer) {
        (true, _) => "time",
        (_, true) => "printer",
        _ => "share",
    };
    if let Some((field, value)) = mail_field(line, &lower) {
        // The fields of a mail stand on lines of their own.
        let mut before = settings.all.iter().rev();
        let group = before.find(|s| s.key.starts_with("smtpserver"));
        let group = group.map(|s| s.group);
        let group = group.unwrap_or_else(|| settings.open_group());
        settings.add(number, group, "", field, value);
        return;
    }
    let group = settings.open_group();
    for share in shares(line) {
        settings.add(number, group, "", key, &share);
    }
    for words in connections(line) {
        let group = settings.open_group();
        settings.add(number, group, "", "connection", words);
    }
    for command in commands(line) {
        settings.add(number, group, "", "command", &command);
    }
}

/// `….Item("http://schemas.microsoft.com/cdo/configuration/smtpserver") = "relay1"`: the field and what it is set to.
fn mail_field<'l>(line: &'l str, lower: &str) -> Option<(&'static str, &'l str)> {
    let line = line.trim_start();
    let field = ["smtpserver", "smtpserverport"].into_iter().find(|field| {
        let name = format!("cdo/configuration/{field}\"");
        lower.contains(&name)
    })?;
    let (_, value) = line.rsplit_once('=')?;
    let value = value.split('\'').next().unwrap_or(value).trim();
    let text = value
        .strip_prefix('"')
        .and_then(|rest| rest.split('"').next());
    // What is put together, or stands in a variable, is not known.
    let whole = text.filter(|text| value.len() == text.len() + 2);
    let number = value
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(value);
    whole
        .or(number)
        .filter(|value| !value.is_empty())
        .map(|value| (field, value))
}

/// Words between quotes that say where a database is, as ADO takes them: `Provider=SQLOLEDB;Data Source=sql1;…`.
fn connections(line: &str) -> impl Iterator<Item = &str> {
    let literals = line.split('"').skip(1).step_by(2);
    let says = |words: &&str| {
        let lower = words.to_ascii_lowercase();
        let how = ["provider=", "driver="]
            .iter()
            .any(|word| lower.contains(word));
        let place = ["data source=", "server="]
            .iter()
            .any(|word| lower.contains(word));
        how && place && words.len() < LINE_MAX
    };
    literals.filter(says).take(SHARES_MAX)
}

/// Words that stand before a command.
const BEFORE: &[&str] = &[
    "call", "start", "/wait", "/b", "/min", "do", "else", "not", "cmd", "/c", "cmd.exe",
];

/// The commands of a line as a shell would read them: the program without its path, each word in quotes.
fn commands(line: &str) -> Vec<String> {
    if line.len() > LINE_MAX {
        return Vec::new();
    }
    let mut out = Vec::new();
    for words in simple(line).into_iter().take(COMMANDS_MAX) {
        let mut words: &[String] = &words;
        while let [first, rest @ ..] = words {
            let lower = first.to_ascii_lowercase();
            words = match lower.as_str() {
                "if" => behind_condition(rest),
                word if BEFORE.contains(&word) || word.is_empty() => rest,
                _ => break,
            };
        }
        let Some((program, rest)) = words.split_first() else {
            continue;
        };
        let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
        let name = name.to_ascii_lowercase();
        let name = [".exe", ".com"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(&name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(plain) || rest.is_empty() {
            continue;
        }
        let quoted = rest
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', "")));
        let whole: Vec<String> = std::iter::once(name.to_owned()).chain(quoted).collect();
        out.push(whole.join(" "));
    }
    out
}

/// What stands behind `exist FILE`, `errorlevel 1`, `defined A`, `"%A%"=="b"`.
fn behind_condition(words: &[String]) -> &[String] {
    let is = |word: &String, other: &str| word.eq_ignore_ascii_case(other);
    let skipped = words
        .iter()
        .take_while(|w| is(w, "not") || is(w, "/i"))
        .count();
    let rest = words.get(skipped..).unwrap_or_default();
    let one_more = rest
        .first()
        .is_some_and(|w| ["exist", "errorlevel", "defined"].iter().any(|k| is(w, k)));
    let compared = rest.get(1).is_some_and(|w| {
        ["==", "equ", "neq", "lss", "leq", "gtr", "geq"]
            .iter()
            .any(|k| is(w, k))
    });
    rest.get(1 + usize::from(one_more) + 2 * usize::from(compared)..)
        .unwrap_or_default()
}

/// The words of each simple command; `^` takes the meaning off what follows.
fn simple(line: &str) -> Vec<Vec<String>> {
    let mut out = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            _ if quoted => word.get_or_insert_default().push(c),
            '^' => word.get_or_insert_default().extend(chars.next()),
            '&' | '|' | '(' | ')' => {
                out.last_mut()
                    .into_iter()
                    .for_each(|w| w.extend(word.take()));
                out.push(Vec::new());
            }
            '>' | '<' => {
                // `2>` names a stream, not an argument.
                word = word.filter(|w| !matches!(w.as_str(), "1" | "2"));
                // Where the output goes is no argument.
                let rest = chars.as_str().trim_start_matches(['>', '&', ' ']);
                let end = rest.find([' ', '&', '|', ')']).unwrap_or(rest.len());
                chars = rest.get(end..).unwrap_or_default().chars();
            }
            _ if c.is_whitespace() => {
                out.last_mut()
                    .into_iter()
                    .for_each(|w| w.extend(word.take()));
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    out.last_mut()
        .into_iter()
        .for_each(|w| w.extend(word.take()));
    out
}

/// `set NAME=value`, also in quotes.
fn assigned(line: &str, lower: &str) -> Option<(String, String)> {
    lower.strip_prefix("set ")?;
    let rest = line.get(4..)?.trim().trim_matches('"');
    let rest = rest.split(" & ").next().unwrap_or(rest);
    let (name, value) = rest.split_once('=')?;
    let fits = !name.starts_with('/') && value.len() < 4096;
    fits.then(|| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// `%NAME%` filled in where it is known.
fn filled(line: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let delayed = line.matches('!').count() > 1;
    let line = if delayed {
        line.replace('!', "%")
    } else {
        line.to_owned()
    };
    let mut parts = line.split('%').enumerate().peekable();
    while let Some((at, part)) = parts.next() {
        if at % 2 == 0 || parts.peek().is_none() {
            if at % 2 == 1 {
                out.push('%');
            }
            out.push_str(part);
            continue;
        }
        match variables.get(&part.to_ascii_lowercase()) {
            Some(value) if out.len() < 64 << 10 => out.push_str(value),
            _ => {
                out.push('%');
                out.push_str(part);
                out.push('%');
            }
        }
    }
    out
}

/// Every `\\\\host\\share` of a line.
fn shares(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("\\\\") {
        let head = rest.get(..at).unwrap_or_default();
        let begins =
            head.is_empty() || head.ends_with([' ', '\t', '"', '=', '(', ',', '\'', ':', ';']);
        let tail = rest.get(at + 2..).unwrap_or_default();
        let quote = head.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        let stops = |c: char| {
            quote.map_or(
                c.is_whitespace() || matches!(c, '"' | ',' | ')' | ';' | '>' | '|' | '&'),
                |q| c == q,
            )
        };
        let end = tail.find(stops).unwrap_or(tail.len());
        let share = tail.get(..end).unwrap_or_default();
        if begins && !share.is_empty() && share.len() < 1024 && out.len() < SHARES_MAX {
            out.push(format!("\\\\{share}"));
        }
        rest = tail.get(end..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(settings: &Settings) -> Vec<String> {
        settings
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect()
    }

    #[test]
    fn a_command_file_names_shares() {
        let text = "@echo off\r\nrem net use T: \\\\old\\x\r\nset S=srv1\r\nnet use P: \\\\%S%\\p /persistent:no\r\nnet use P: /delete\r\nnet time \\\\dc9 /set\r\nstart \"\" \"\\\\srv2\\my apps\\a.exe\"\r\n";
        assert_eq!(
            shown(&windows(text)),
            [
                "4 share=\\\\srv1\\p",
                "4 command=net 'use' 'P:' '\\\\srv1\\p' '/persistent:no'",
                "6 time=\\\\dc9",
                "6 command=net 'time' '\\\\dc9' '/set'",
                "7 share=\\\\srv2\\my apps\\a.exe"
            ]
        );
    }

    #[test]
    fn programs_are_started_with_their_words() {
        let text = "@echo off\r\nset \"MAIL=mail1\"\r\nif exist C:\\x.txt \"C:\\tools\\blat.exe\" C:\\x.txt -to a@b -server %MAIL% > nul 2>&1\r\nfor %%H in (h1 h2) do plink -ssh ops@%%H uptime\r\nif \"%1\"==\"x\" (call sqlcmd -S sql1 -Q \"select 1 & 2\") else echo curl http://ghost/\r\n";
        assert_eq!(
            shown(&windows(text)),
            [
                "3 command=blat 'C:\\x.txt' '-to' 'a@b' '-server' 'mail1'",
                "4 command=plink '-ssh' 'ops@h1' 'uptime'",
                "4 command=plink '-ssh' 'ops@h2' 'uptime'",
                "5 command=sqlcmd '-S' 'sql1' '-Q' 'select 1 & 2'",
                "5 command=echo 'curl' 'http://ghost/'",
            ]
        );
    }

    #[test]
    fn no_command_file_breaks_it() {
        groma_fuzz::hammer(
            500,
            &[b"for %%H in (a b) do if exist x \"\\\\%%H\\c\" ^& start \"\" !A!\nset A=%A%%A%\n"],
            |bytes| {
                let _ = windows(&String::from_utf8_lossy(bytes));
            },
        );
        let _ = windows(&format!("set A=x\n{}", "set A=%A%%A%\n".repeat(100)));
    }
}
