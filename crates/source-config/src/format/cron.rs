//! Crontabs (crontab(5)).

use std::collections::BTreeMap;

use groma_model::schedule::Cron;

use crate::format::shell::expand;
use crate::placeholders::is_secret;
use crate::settings::Settings;
use crate::text::{joined_lines, lines};

/// Variables of one crontab.
const GIVEN_MAX: usize = 256;

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

/// One setting `command` per job of anacron; its section is the period, as crontabs write it (anacrontab(5)).
pub(super) fn anacron(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(line) {
            variables.insert(name.to_owned(), value.trim_matches(['"', '\'']).to_owned());
            continue;
        }
        let Some((head, command)) = after_words(line, 3).filter(|(_, c)| !c.is_empty()) else {
            continue;
        };
        let schedule = match head.split_whitespace().next().unwrap_or_default() {
            "1" => "@daily",
            "7" => "@weekly",
            "30" | "31" => "@monthly",
            other => other,
        };
        let group = settings.open_group();
        settings.add(
            number,
            group,
            schedule,
            "command",
            &expand(command, &variables),
        );
    }
    settings
}

/// The variables a crontab gives its jobs, with the line each stands at; those that smell of a secret stay.
pub(crate) fn given(text: &str) -> Vec<(u32, String, String)> {
    let all = lines(text).filter_map(|(number, line)| {
        let (name, value) = variable(line.trim())?;
        let value = value.trim_matches(['"', '\'']);
        (!is_secret(name)).then(|| (number, name.to_owned(), value.to_owned()))
    });
    all.take(GIVEN_MAX).collect()
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
    fn jobs_of_anacron_are_commands_with_their_period() {
        let text = "SHELL=/bin/sh\nH=db1\n# 1 5 old curl http://ghost/\n1\t5\tdump\tpg_dump -h $H \\\n  erp\n7 25 weekly.x curl http://h1/ # x\n@monthly 45 m run-parts /etc/cron.monthly\n";
        let shown: Vec<_> = anacron(text)
            .all
            .iter()
            .map(|s| {
                (
                    s.line,
                    s.section.clone(),
                    s.value.split_whitespace().collect::<Vec<_>>().join(" "),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (4, "@daily".to_owned(), "pg_dump -h db1 erp".to_owned()),
                (6, "@weekly".to_owned(), "curl http://h1/ # x".to_owned()),
                (
                    7,
                    "@monthly".to_owned(),
                    "run-parts /etc/cron.monthly".to_owned()
                ),
            ]
        );
    }

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
