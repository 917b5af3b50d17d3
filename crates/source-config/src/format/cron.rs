//! Crontabs (crontab(5)).

use std::collections::BTreeMap;

use groma_model::schedule::Cron;

use crate::format::shell::expand;
use crate::settings::Settings;
use crate::text::lines;

/// One setting `command` per line that starts something; its section is the schedule as written.
pub(super) fn cron(text: &str, with_account: bool) -> Settings {
    let mut settings = Settings::default();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (number, line) in lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(line) {
            variables.insert(name.to_owned(), value.trim_matches(['"', '\'']).to_owned());
            continue;
        }
        let columns = if line.starts_with('@') { 1 } else { 5 };
        let Some((schedule, rest)) = after_words(line, columns) else {
            continue;
        };
        let command = if with_account {
            after_words(rest, 1).map(|(_, command)| command)
        } else {
            Some(rest)
        };
        let Some(command) = command.filter(|c| !c.is_empty()) else {
            continue;
        };
        let group = settings.open_group();
        settings.add(
            number,
            group,
            schedule,
            "command",
            &expand(upto_percent(command), &variables),
        );
    }
    settings
}

/// `NAME = value` before the jobs.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (plain && !name.bytes().all(|b| b.is_ascii_digit())).then_some((name, value.trim()))
}

/// Splits after `count` words.
fn after_words(line: &str, count: usize) -> Option<(&str, &str)> {
    let mut rest = line.trim_start();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace)?;
        rest = rest.get(end..)?.trim_start();
    }
    let head = line.get(..line.len() - rest.len())?;
    Some((head.trim(), rest))
}

/// A command ends at the first `%` without a backslash; the rest is its input.
fn upto_percent(command: &str) -> &str {
    let mut before = ' ';
    for (at, c) in command.char_indices() {
        if c == '%' && before != '\\' {
            return command.get(..at).unwrap_or(command);
        }
        before = c;
    }
    command
}

/// The rhythm of a schedule (`*/5 * * * *`, `@monthly`), where it can be told.
pub(crate) fn rhythm(schedule: &str) -> Option<&'static str> {
    match schedule.trim() {
        "@reboot" => Some("boot"),
        other => Cron::parse(other)?.rhythm(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_commands_with_their_schedule() {
        let text = "MAILTO=x\nH=db1\n# 1 2 * * * root old\n1 2 * * * root pg_dump -h $H %in\n@monthly root /x\n";
        let shown: Vec<_> = cron(text, true)
            .all
            .iter()
            .map(|s| format!("{} [{}] {}", s.line, s.section, s.value))
            .collect();
        assert_eq!(shown, ["4 [1 2 * * *] pg_dump -h db1 ", "5 [@monthly] /x"]);
    }

    #[test]
    fn schedules_have_a_rhythm() {
        for (schedule, word) in [
            ("*/5 * * * *", "minutely"),
            ("7 * * * *", "hourly"),
            ("7 3 * * *", "daily"),
            ("7 3 * * sun", "weekly"),
            ("7 3 1 * *", "monthly"),
            ("0 0 1 1 *", "yearly"),
            ("@reboot", "boot"),
        ] {
            assert_eq!(rhythm(schedule), Some(word), "{schedule}");
        }
        assert_eq!(rhythm("nonsense"), None);
    }
}
