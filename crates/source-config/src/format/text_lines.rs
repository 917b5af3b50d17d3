//! Files whose lines are values themselves.

use crate::settings::Settings;
use crate::text::{joined_lines, lines};

/// Every line that says something, under the key `line`.
pub(super) fn text_lines(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with(['#', ';', '[']) {
            let group = settings.open_group();
            settings.add(number, group, "", "line", line);
        }
    }
    settings
}

/// `master.info` of MySQL and MariaDB: a number of lines, the log and the place in it, host, account, secret,
/// port. The secret is not kept.
pub(super) fn master_info(text: &str) -> Settings {
    let mut settings = Settings::default();
    let rows: Vec<(u32, &str)> = lines(text).take(16).collect();
    let counted = rows
        .first()
        .is_some_and(|(_, first)| first.trim().parse::<u32>().is_ok());
    if !counted {
        return settings;
    }
    for (at, key) in [(3, "host"), (4, "account"), (6, "port")] {
        if let Some((number, value)) = rows.get(at).filter(|(_, value)| !value.trim().is_empty()) {
            settings.add(*number, 0, "", key, value.trim());
        }
    }
    settings
}

/// `key:type:value` (settings of a remote desktop).
pub(super) fn typed(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        let mut parts = line.trim().splitn(3, ':');
        if let (Some(key), Some(_), Some(value)) = (parts.next(), parts.next(), parts.next()) {
            settings.add(number, 0, "", key.trim(), value.trim());
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_typed_values_are_settings() {
        assert_eq!(text_lines("[x]\n; y\nA=1;B=2\n").all[0].value, "A=1;B=2");
        let settings = master_info("33\nbin.1\n4\nh1\nrepl\nhunter2\n3307\n60\n");
        assert_eq!(settings.all[2].value, "3307");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let settings = typed("full address:s:srv1:3390\nno\n");
        assert_eq!(settings.all[0].value, "srv1:3390");
    }
}
