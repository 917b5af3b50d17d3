//! Unit files (systemd.syntax(7)) → settings. Pure.

use crate::text::pair;

/// Settings of one file that are kept at all.
const SETTINGS_MAX: usize = 10_000;

/// One unit with its drop-ins laid over it: settings in order, an empty value resets what stood before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct UnitFile {
    settings: Vec<(Section, Vec<u8>, Vec<u8>)>,
}

/// The sections that are read; the others, and every setting that is not named in `WANTED`, are dropped
/// while reading: `Environment=` may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    /// `[Unit]`
    Unit,
    /// `[Service]`, `[Socket]`, `[Timer]`, `[Path]`, `[Mount]`, …
    Kind,
}

const WANTED: &[&[u8]] = &[
    b"Description",
    b"Wants",
    b"Requires",
    b"BindsTo",
    b"Upholds",
    b"ExecStart",
    b"User",
    b"Unit",
    b"Service",
    b"OnCalendar",
    b"OnBootSec",
    b"OnStartupSec",
    b"OnActiveSec",
    b"OnUnitActiveSec",
    b"OnUnitInactiveSec",
    b"RandomizedDelaySec",
    b"Persistent",
];

impl UnitFile {
    /// Lays one more file over what is there.
    pub(crate) fn lay(&mut self, bytes: &[u8]) {
        let mut section = None;
        for line in logical_lines(bytes) {
            if let Some(name) = line.strip_prefix(b"[").and_then(|l| l.strip_suffix(b"]")) {
                section = match name {
                    b"Unit" => Some(Section::Unit),
                    b"Install" => None,
                    other if other.starts_with(b"X-") => None,
                    _ => Some(Section::Kind),
                };
                continue;
            }
            let (Some(section), Some((key, value))) = (section, pair(&line, b'=')) else {
                continue;
            };
            if WANTED.contains(&key) && self.settings.len() < SETTINGS_MAX {
                if value.is_empty() {
                    self.settings
                        .retain(|(s, k, _)| (*s, k.as_slice()) != (section, key));
                } else {
                    self.settings.push((section, key.to_vec(), value.to_vec()));
                }
            }
        }
    }

    /// All values of a setting, in order.
    pub(crate) fn all<'a>(
        &'a self,
        section: Section,
        key: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.settings
            .iter()
            .filter(move |(s, k, _)| *s == section && k == key.as_bytes())
            .map(|(.., value)| value.as_slice())
    }

    /// The value that counts of a setting that has one.
    pub(crate) fn last<'a>(&'a self, section: Section, key: &'a str) -> Option<&'a [u8]> {
        self.all(section, key).last()
    }

    /// Unit names listed by any of these settings of `[Unit]`.
    pub(crate) fn units<'a>(&'a self, keys: &'a [&'a str]) -> impl Iterator<Item = &'a [u8]> {
        keys.iter()
            .flat_map(|key| self.all(Section::Unit, key))
            .flat_map(crate::text::words)
    }
}

/// Lines without comments, a final backslash joining the next one.
fn logical_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for (_, line) in crate::text::lines(bytes) {
        let line = line.trim_ascii();
        // Comments may stand between continued lines.
        if matches!(line.first(), Some(b'#' | b';')) || (line.is_empty() && open.is_none()) {
            continue;
        }
        let (text, goes_on) = line
            .strip_suffix(b"\\")
            .map_or((line, false), |text| (text, true));
        let mut whole = open.take().unwrap_or_default();
        if whole.len() < 1 << 20 {
            whole.extend_from_slice(text);
        }
        if goes_on {
            whole.push(b' ');
            open = Some(whole);
        } else {
            lines.push(whole.trim_ascii().to_vec());
        }
    }
    lines.extend(open.map(|l| l.trim_ascii().to_vec()));
    lines
}

/// An `ExecStart=` value without the signs systemd puts before the program (systemd.service(5)).
pub(crate) fn command(value: &[u8]) -> &[u8] {
    let start = value
        .iter()
        .position(|b| !matches!(b, b'@' | b'-' | b':' | b'+' | b'!' | b'|'))
        .unwrap_or(value.len());
    value.get(start..).unwrap_or_default().trim_ascii_start()
}

/// The first word of a command, quotes undone.
pub(crate) fn first_word(command: &[u8]) -> Option<Vec<u8>> {
    let quote = command
        .first()
        .copied()
        .filter(|b| matches!(b, b'"' | b'\''));
    let word = match quote {
        Some(quote) => command.get(1..)?.split(|b| *b == quote).next()?,
        None => crate::text::words(command).next()?,
    };
    (!word.is_empty()).then(|| word.to_vec())
}

/// Replaces the specifiers that can be known without the running manager (systemd.unit(5)): the others stay.
pub(crate) fn expanded(text: &[u8], name: &str) -> Vec<u8> {
    let (stem, _) = name.rsplit_once('.').unwrap_or((name, ""));
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let put: &[u8] = match (byte, bytes.peek()) {
            (b'%', Some(b'i' | b'I')) => instance.as_bytes(),
            (b'%', Some(b'p' | b'P')) => prefix.as_bytes(),
            (b'%', Some(b'n')) => name.as_bytes(),
            (b'%', Some(b'N')) => stem.as_bytes(),
            (b'%', Some(b'%')) => b"%",
            _ => {
                out.push(byte);
                continue;
            }
        };
        bytes.next();
        out.extend_from_slice(put);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &[u8] = b"[Unit]\nDescription=Report \\\n  # why\n  of the month\nRequires=db.service\n; no\n[Service]\nEnvironment=PASSWORD=s3cr3t\nExecStart=-/opt/report --x\nUser=report\n[Install]\nWantedBy=multi-user.target\n";

    #[test]
    fn a_drop_in_resets_and_adds() {
        let mut unit = UnitFile::default();
        unit.lay(UNIT);
        unit.lay(
            b"[Service]\nExecStart=\nExecStart=!/opt/report2\n[Unit]\nRequires=cache.service\n",
        );
        assert_eq!(
            unit.all(Section::Kind, "ExecStart")
                .map(command)
                .collect::<Vec<_>>(),
            [b"/opt/report2"]
        );
        assert_eq!(
            unit.units(&["Requires"]).collect::<Vec<_>>(),
            [b"db.service".as_slice(), b"cache.service"]
        );
        assert_eq!(
            unit.last(Section::Unit, "Description"),
            Some(b"Report  of the month".as_slice())
        );
    }

    #[test]
    fn an_environment_is_dropped_while_reading() {
        let mut unit = UnitFile::default();
        unit.lay(UNIT);
        assert!(
            !format!("{unit:?}").contains("115, 51, 99, 114, 51, 116"),
            "bytes of s3cr3t"
        );
        assert_eq!(unit.settings.len(), 4);
    }

    #[test]
    fn quoted_programs_and_specifiers_are_understood() {
        assert_eq!(
            first_word(b"\"/opt/my app/run\" -x"),
            Some(b"/opt/my app/run".to_vec())
        );
        assert_eq!(
            first_word(command(b"@-/usr/bin/x y")),
            Some(b"/usr/bin/x".to_vec())
        );
        assert_eq!(
            expanded(b"%p on %i, %% %H", "getty@tty1.service"),
            b"getty on tty1, % %H"
        );
    }

    #[test]
    fn hammered_unit_files_never_panic() {
        let corpus: &[&[u8]] = &[
            UNIT,
            b"[Timer]\nOnCalendar=*:0/5\n",
            b"[Service]\nExecStart=\"a b\" \\\n c\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            let mut unit = UnitFile::default();
            unit.lay(bytes);
            for value in unit.all(Section::Kind, "ExecStart") {
                first_word(command(&expanded(value, "a@b.service")));
            }
        });
    }
}
