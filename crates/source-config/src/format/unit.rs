//! Units of systemd (systemd.syntax(7)).

use std::collections::BTreeMap;

use crate::format::shell::expand;
use crate::settings::Settings;
use crate::text::joined_lines;

/// Settings per section; `Environment=` becomes settings of a section `Environment`.
pub(super) fn unit(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut section = String::new();
    let mut group = 0;
    let environment = settings.open_group();
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            name.clone_into(&mut section);
            group = settings.open_group();
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "Documentation" | "Description" => {}
            "Environment" => {
                for word in words(value) {
                    if let Some((name, value)) = word.split_once('=') {
                        settings.add(number, environment, "Environment", name, value);
                    }
                }
            }
            _ if key.starts_with("Exec") => settings.add(
                number,
                group,
                &section,
                key,
                value.trim_start_matches(['-', '@', ':', '+', '!', '|']),
            ),
            _ => settings.add(number, group, &section, key, value),
        }
    }
    fill(&mut settings, environment);
    settings
}

/// `$NAME` and `${NAME}` in commands, where the unit itself sets the variable.
fn fill(settings: &mut Settings, environment: u32) {
    let variables: BTreeMap<String, String> = settings
        .all
        .iter()
        .filter(|s| s.group == environment && s.value.len() < 4096)
        .take(4096)
        .map(|s| (s.key.clone(), s.value.clone()))
        .collect();
    if variables.is_empty() {
        return;
    }
    for setting in &mut settings.all {
        if setting.key.starts_with("Exec") && setting.group != environment {
            setting.value = expand(&setting.value, &variables);
        }
    }
}

/// Words of a unit's value: divided by white space, quotes around or within them.
fn words(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quote = None;
    for c in value.chars().take(64 << 10) {
        match quote {
            Some(q) if c == q => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => out.push(String::new()),
            _ => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out.retain(|word| !word.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_knows_the_variables_of_its_unit() {
        let text = "[Service]\nExecStart=/usr/bin/ssh -N t@${PEER} $MORE\nEnvironment=PEER=db1\n";
        let settings = unit(text);
        assert_eq!(settings.all[0].value, "/usr/bin/ssh -N t@db1 $MORE");
    }

    #[test]
    fn environment_is_taken_apart_and_documentation_is_not_read() {
        let text = "[Unit]\nDocumentation=https://x\n[Service]\nEnvironment=\"A=b c\" D=e\nExecStart=-/bin/x -h y \\\n  -p 1\n#ExecStop=/bin/z\n";
        let shown: Vec<_> = unit(text)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "4 Environment A=b c",
                "4 Environment D=e",
                "5 Service ExecStart=/bin/x -h y  -p 1"
            ]
        );
    }
}
