//! Scripts within other files, and the command files of Windows.

use std::collections::BTreeMap;

use super::shell::shell;
use crate::settings::Settings;
use crate::text::lines;

/// Shares one line may name.
const SHARES_MAX: usize = 16;

/// The scripts of logrotate (logrotate(8)), as a shell reads them.
pub(super) fn logrotate(text: &str) -> Settings {
    const BEGIN: &[&str] = &[
        "prerotate",
        "postrotate",
        "firstaction",
        "lastaction",
        "preremove",
    ];
    let mut inside = false;
    let mut script = String::with_capacity(text.len());
    for (_, line) in lines(text) {
        let word = line.trim();
        if inside && word == "endscript" {
            inside = false;
        }
        if inside {
            script.push_str(line);
        }
        if !inside && BEGIN.contains(&word) {
            inside = true;
        }
        // What is no script becomes an empty line, so that lines keep their numbers.
        script.push('\n');
    }
    shell(&script)
}

/// A job of at(1): the environment it was given comes first, then what is to be run.
pub(super) fn at_job(text: &str) -> Settings {
    let mut script = String::with_capacity(text.len());
    let mut delimiter = None;
    for (_, line) in lines(text) {
        let mark = line
            .split_once("<< '")
            .and_then(|(_, rest)| rest.split('\'').next());
        if let Some(mark) = mark.filter(|mark| mark.starts_with("marcinDELIMITER")) {
            delimiter = Some(mark.to_owned());
        } else if delimiter.as_deref() != Some(line.trim()) {
            script.push_str(line);
        }
        script.push('\n');
    }
    shell(&script)
}

/// Command files and scripts of Windows (`.bat`, `.cmd`, `.vbs`, `.kix`): every share they name, variables
/// filled in where the file itself sets them. What is printed and what is commented out names nobody.
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
        let group = settings.open_group();
        let line = filled(line, &variables);
        // `/delete` takes a drive away.
        if lower.contains("/delete") || lower.contains("/del ") || lower.ends_with("/d") {
            continue;
        }
        let time = lower.trim_start().starts_with("net time") || lower.starts_with("w32tm");
        let printer = lower.contains("printui") || lower.contains("addwindowsprinterconnection");
        let key = match (time, printer) {
            (true, _) => "time",
            (_, true) => "printer",
            _ => "share",
        };
        for share in shares(&line) {
            settings.add(number, group, "", key, &share);
        }
    }
    settings
}

/// `set NAME=value`, also in quotes.
fn assigned(line: &str, lower: &str) -> Option<(String, String)> {
    lower.strip_prefix("set ")?;
    let rest = line.get(4..)?.trim().trim_matches('"');
    let (name, value) = rest.split_once('=')?;
    let fits = !name.starts_with('/') && value.len() < 4096;
    fits.then(|| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// `%NAME%` filled in where it is known.
fn filled(line: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
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
    fn only_the_scripts_of_logrotate_are_commands() {
        let text =
            "/var/log/a {\n  weekly\n  postrotate\n    rsync a h1::m\n    # b\n  endscript\n}\n";
        assert_eq!(shown(&logrotate(text)), ["4 command=rsync a h1::m"]);
    }

    #[test]
    fn a_job_of_at_is_read_within_its_delimiter_too() {
        let text = "#!/bin/sh\numask 22\n${SHELL:-/bin/sh} << 'marcinDELIMITER1'\ncurl http://h1/\nmarcinDELIMITER1\n";
        assert_eq!(
            shown(&at_job(text)),
            ["2 command=umask 22", "4 command=curl http://h1/"]
        );
    }

    #[test]
    fn a_command_file_names_shares() {
        let text = "@echo off\r\nrem net use T: \\\\old\\x\r\nset S=srv1\r\nnet use P: \\\\%S%\\p /persistent:no\r\nnet use P: /delete\r\nnet time \\\\dc9 /set\r\nstart \"\" \"\\\\srv2\\my apps\\a.exe\"\r\n";
        assert_eq!(
            shown(&windows(text)),
            [
                "4 share=\\\\srv1\\p",
                "6 time=\\\\dc9",
                "7 share=\\\\srv2\\my apps\\a.exe"
            ]
        );
    }
}
