//! Scripts within other files.

use super::shell::shell;
use crate::settings::Settings;
use crate::text::lines;

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
}
