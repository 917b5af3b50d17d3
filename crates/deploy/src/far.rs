//! What runs on the far side: POSIX sh, with every value of ours quoted by one function.

/// `text` as one word of a shell, whatever stands in it (POSIX XCU §2.2.2). A shell cannot hold a NUL; there is none
/// in what is left.
pub fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c != '\0').collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A script: values, what all scripts share, and the step itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(String);

impl Script {
    /// Adds a value under a name of ours.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&quoted(value));
        self.0.push('\n');
        self
    }

    /// Adds `yes`, or nothing.
    pub(crate) fn with_flag(self, name: &'static str, is_so: bool) -> Self {
        self.with(name, if is_so { "yes" } else { "" })
    }

    /// The whole text, ending with `step`.
    pub(crate) fn ending(self, step: &str) -> String {
        format!("{}{COMMON}{step}", self.0)
    }
}

/// What ssh is asked to run: takes so many bytes of standard input as its script and leaves the rest to it. A login
/// shell of any kind reads it the same, and no value of ours stands in it.
pub(crate) fn command(script: &str, sudo: bool) -> String {
    let sudo = if sudo { "sudo -n " } else { "" };
    // Byte by byte: reading ahead would take from what is handed over behind the script.
    format!(
        "{sudo}sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'",
        script.len()
    )
}

const COMMON: &str = include_str!("far/common.sh");
pub(crate) const LOOK: &str = include_str!("far/look.sh");
pub(crate) const UPLOAD: &str = include_str!("far/upload.sh");
pub(crate) const PLACE: &str = include_str!("far/place.sh");
pub(crate) const ENROLL: &str = include_str!("far/enroll.sh");
pub(crate) const START: &str = include_str!("far/start.sh");
pub(crate) const STATUS: &str = include_str!("far/status.sh");
pub(crate) const KEEP: &str = include_str!("far/keep.sh");
pub(crate) const UNDO: &str = include_str!("far/undo.sh");
pub(crate) const REMOVE: &str = include_str!("far/remove.sh");

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn through(shell: &[&str], text: &str) -> Vec<u8> {
        let (program, first) = shell.split_first().unwrap();
        let script = format!("printf %s {}", quoted(text));
        let said = Command::new(program)
            .args(first)
            .args(["-c", &script])
            .output()
            .unwrap();
        assert!(said.status.success(), "{text:?}");
        said.stdout
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
        #[test]
        fn any_text_comes_back_from_a_shell_as_it_was(text in proptest::collection::vec(proptest::prelude::any::<char>(), 0..40)) {
            let text: String = text.into_iter().filter(|c| *c != '\0').collect();
            proptest::prop_assert_eq!(through(&["sh"], &text), text.as_bytes());
        }
    }

    #[test]
    fn what_a_shell_acts_on_comes_back_as_it_was() {
        let mut shells = vec![vec!["sh"]];
        for more in [vec!["dash"], vec!["busybox", "sh"], vec!["bash"]] {
            if Command::new(more[0]).arg("--help").output().is_ok() {
                shells.push(more);
            }
        }
        for text in [
            "",
            "'",
            "''",
            "'\\''",
            "$(id)",
            "`id`",
            "a\nb\n",
            "\\",
            "!x",
            "~",
            "*",
            "-n",
            "\u{202e}é",
            "'; rm -rf / #",
        ] {
            for shell in &shells {
                assert_eq!(through(shell, text), text.as_bytes(), "{shell:?} {text:?}");
            }
        }
    }

    #[test]
    fn nothing_of_ours_stands_in_the_command_that_ssh_is_given() {
        let script = Script::default()
            .with("url", "https://secret.example")
            .ending(LOOK);
        let command = command(&script, true);
        assert!(
            !command.contains("secret") && command.len() < 100,
            "{command}"
        );
        assert!(command.starts_with("sudo -n sh -c 'eval "));
    }
}
