//! What `sendmail.cf` says (Sendmail Installation and Operation Guide, 5): its commands, each in its line, and the port each
//! daemon serves.

use std::collections::BTreeMap;
use std::path::Path;

use groma_model::Port;
use groma_source::{Disk, DiskError};

/// Where the settings stand.
pub(crate) const SETTINGS: &[&str] = &["/etc/mail/sendmail.cf", "/etc/sendmail.cf"];
/// What stands before the name of a daemon among the names of services.
pub(crate) const DAEMON: &str = "sendmail ";
const BYTES_MAX: u64 = 1 << 20;

/// The port of every daemon, by `sendmail NAME`. Nothing where the file cannot be read.
pub(crate) fn ports(disk: &dyn Disk) -> BTreeMap<String, Port> {
    let found = settings(disk).ok().flatten();
    let text = found.map(|(_, text)| text).unwrap_or_default();
    let daemon = |(_, command): (u32, &str)| {
        let (name, port) = daemon(command.strip_prefix("O DaemonPortOptions=")?)?;
        Some((format!("{DAEMON}{name}"), port))
    };
    commands(&text).filter_map(daemon).collect()
}

/// The settings and where they stand, if there are any.
pub(crate) fn settings(disk: &dyn Disk) -> Result<Option<(&'static str, String)>, DiskError> {
    for path in SETTINGS {
        match disk.read(Path::new(path), BYTES_MAX) {
            Ok(read) => {
                let text = String::from_utf8_lossy(&read.bytes).into_owned();
                return Ok(Some((path, text)));
            }
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The lines that set something, with their numbers. A line that begins with a blank goes on with the one before, which
/// nothing that is asked for here does.
pub(crate) fn commands(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let begins = |(_, line): &(u32, &str)| line.starts_with(|c: char| c.is_ascii_alphabetic());
    (1..).zip(text.lines()).filter(begins)
}

/// `Family=inet, Name=MTA-v4, Port=smtp, M=Ea`: name and port.
fn daemon(options: &str) -> Option<(&str, Port)> {
    let value = |letter: char| {
        let mut fields = options.split(',').filter_map(|field| field.split_once('='));
        fields
            .find(|(name, _)| name.trim().starts_with(letter))
            .map(|(_, value)| value.trim())
    };
    let port = match value('P').unwrap_or("smtp") {
        "smtp" => Port(25),
        "submission" => Port(587),
        "smtps" | "submissions" => Port(465),
        number => Port(number.parse().ok()?),
    };
    Some((value('N')?, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::testing::FakeDisk;

    #[test]
    fn a_daemon_has_the_port_its_options_say() {
        let text = "# O DaemonPortOptions=Name=X, Port=1\nO DaemonPortOptions=Family=inet, Name=MTA-v4, Port=smtp\nO DaemonPortOptions=Family=inet, Name=SSL, Port=465, M=sa\nO DaemonPortOptions=Name=Odd, P=2525\nO DaemonPortOptions=Port=nowhere, Name=Y\n";
        let ports = ports(&FakeDisk::new().file("/etc/mail/sendmail.cf", text));
        let told: Vec<(&str, u16)> = ports.iter().map(|(n, p)| (n.as_str(), p.0)).collect();
        assert_eq!(
            told,
            [
                ("sendmail MTA-v4", 25),
                ("sendmail Odd", 2525),
                ("sendmail SSL", 465)
            ]
        );
    }
}
