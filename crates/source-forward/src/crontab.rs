//! Tunnels and relays a crontab keeps alive, most often at `@reboot`.

use groma_model::fact::{Component, ComponentClass, Forward};

use crate::command::{split, told};
use crate::read::{Reading, Text};
use crate::units::tunnel;

/// Patterns, and whether a field names the account.
const TABLES: &[(&str, bool)] = &[
    ("/etc/crontab", true),
    ("/etc/cron.d/*", true),
    ("/var/spool/cron/crontabs/*", false),
    ("/var/spool/cron/*", false),
];

pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    for (pattern, names_account) in TABLES {
        for text in reading.texts(pattern) {
            found.extend(table(reading, &text, *names_account));
        }
    }
    found
}

fn table(reading: &mut Reading<'_>, text: &Text, names_account: bool) -> Vec<Forward> {
    let mut found = Vec::new();
    let owner = text.path.rsplit('/').next().unwrap_or_default().to_owned();
    for (line, words) in (1_u32..).zip(text.text.lines()) {
        let trimmed = words.trim();
        if trimmed.starts_with('#') || !(trimmed.contains("ssh") || trimmed.contains("socat")) {
            continue;
        }
        let fields = if trimmed.starts_with('@') { 1 } else { 5 };
        let mut words = split(trimmed).into_iter().skip(fields);
        let user = if names_account {
            words.next().unwrap_or_default()
        } else {
            owner.clone()
        };
        let command: Vec<String> = words.collect();
        // `cd / && ssh …`, `pgrep -f x || autossh …`: every program of the line by itself.
        for part in command.split(|w| {
            matches!(
                w.as_str(),
                "&&" | "||" | ";" | "|" | "&" | ">" | ">>" | "2>&1"
            )
        }) {
            let component = Component {
                class: ComponentClass::ScheduledJob,
                name: format!("{}:{line}", text.path).into(),
            };
            let told = told(part, &component);
            let mut all = told.forwards;
            if let Some(session) = told.session {
                all.extend(tunnel(reading, session, Some(&user), &component));
            }
            for forward in &mut all {
                forward.file = Some(text.path.as_str().into());
                forward.line = Some(line);
            }
            found.extend(all);
        }
    }
    found
}
