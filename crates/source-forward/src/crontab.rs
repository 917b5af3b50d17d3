//! Tunnels and relays a crontab keeps alive, most often at `@reboot`.

use groma_model::fact::{Component, ComponentClass, Forward};
use groma_model::schedule::{cron_takes, is_user_table};

use crate::command::{split, told};
use crate::read::{Reading, Text};
use crate::units::tunnel;

/// Patterns, and whether a field names the account.
const TABLES: &[(&str, bool)] = &[
    ("/etc/crontab", true),
    ("/etc/cron.d/*", true),
    ("/var/spool/cron/crontabs/*", false),
    ("/var/spool/cron/tabs/*", false),
    ("/var/spool/cron/*", false),
    ("/etc/crontabs/*", false),
];

pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    let debian = reading.is_there("/etc/debian_version");
    for (pattern, names_account) in TABLES {
        for path in reading.glob(pattern) {
            let name = path.rsplit('/').next().unwrap_or_default().as_bytes();
            let counts = match *names_account {
                true => cron_takes(name, debian),
                false => is_user_table(name),
            };
            if let Some(text) = counts.then(|| reading.text(&path)).flatten() {
                found.extend(table(reading, &text, *names_account));
            }
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

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn read(disk: FakeDisk) -> Vec<String> {
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let all = forwards(&mut reading);
        all.iter().map(|f| f.component.name.to_string()).collect()
    }

    const SYSTEM: &str = "@reboot root ssh -N -L 5432:db1:5432 far\n";
    const OWN: &str = "@reboot ssh -N -L 5432:db1:5432 far\n";

    #[test]
    fn a_table_that_was_put_aside_forwards_nothing_and_one_beside_it_does() {
        let disk = FakeDisk::new()
            .file("/etc/cron.d/tunnel", SYSTEM)
            .file("/etc/cron.d/tunnel.disabled", SYSTEM)
            .file("/etc/cron.d/tunnel.dpkg-old", SYSTEM)
            .file("/var/spool/cron/crontabs/tmp.12ab", OWN);
        assert_eq!(read(disk), ["/etc/cron.d/tunnel:1"]);
    }

    #[test]
    fn the_tables_of_users_are_read_wherever_a_system_keeps_them() {
        let disk = FakeDisk::new()
            .file("/var/spool/cron/tabs/root", OWN)
            .file("/etc/crontabs/root", OWN);
        let names = read(disk);
        assert_eq!(
            names,
            ["/var/spool/cron/tabs/root:1", "/etc/crontabs/root:1"]
        );
    }
}
