//! What surrounds a file: the environment of whoever reads it, and the files beside it that fill that environment.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use groma_knowledge::rules::Format;
use groma_model::fact::{Component, ComponentClass};

use crate::format;
use crate::machine::{Machine, assignments_in};
use crate::placeholders::is_secret;
use crate::script::Beside;

/// Names a composition has by habit.
pub(crate) const COMPOSITIONS: &[&str] = &[
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
];

/// Directories above a program in which its environment may lie: `app/config/settings.py` has `app/.env`.
const ABOVE: usize = 2;

/// Endings of programs whose libraries read such files by themselves; a shell is told to.
const PROGRAMS: &[&str] = &["py", "php", "rb", "js", "mjs", "cjs", "pl", "lua", "inc"];

/// The files around one file, and the environment its program gets.
pub(crate) struct Surroundings<'a> {
    pub(crate) files: &'a dyn Beside,
    pub(crate) machine: &'a Machine,
    pub(crate) path: &'a str,
    /// Who reads the file.
    pub(crate) component: Component,
    /// True for a program that is started by its own name (`#!`): by a person or a clock, with a bare environment.
    pub(crate) is_program: bool,
    near: OnceCell<Near>,
}

/// Variables given beside the file.
#[derive(Default)]
struct Near {
    variables: BTreeMap<String, String>,
    /// True if there is a file that fills the environment: what it leaves out nobody gives.
    is_filled: bool,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(
        files: &'a dyn Beside,
        machine: &'a Machine,
        path: &'a str,
        component: Component,
        is_program: bool,
    ) -> Self {
        Self {
            files,
            machine,
            path,
            component,
            is_program,
            near: OnceCell::new(),
        }
    }

    fn near(&self) -> &Near {
        self.near.get_or_init(|| self.look_around())
    }

    /// `.env` beside the file and above it, and what a composition there gives all its containers alike.
    fn look_around(&self) -> Near {
        let mut near = Near::default();
        let ending = self.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if !PROGRAMS.contains(&ending) {
            return near;
        }
        let mut directory = self.directory();
        for _ in 0..=ABOVE {
            if directory.is_empty() || directory == "/etc" {
                break;
            }
            if let Some(text) = self.files.text(&format!("{directory}/.env")) {
                near.is_filled = true;
                for (name, value) in assignments_in(&text) {
                    near.variables.entry(name).or_insert(value);
                }
            }
            for name in COMPOSITIONS {
                if let Some(text) = self.files.text(&format!("{directory}/{name}")) {
                    near.is_filled = true;
                    near.take_composition(&text);
                    self.take_files(&text, directory, &mut near);
                    break;
                }
            }
            directory = directory.rsplit_once('/').map_or("", |(head, _)| head);
        }
        near
    }
}

impl Surroundings<'_> {
    /// `env_file` of a composition.
    fn take_files(&self, composition: &str, directory: &str, near: &mut Near) {
        let settings = format::read(Format::Yaml, &[], composition).all;
        let named = settings.iter().filter(|s| {
            s.key == "env_file"
                || s.section.ends_with("/env_file")
                || s.section.contains("/env_file/")
        });
        for setting in named.take(8) {
            let path = setting.value.trim_start_matches("./");
            let path = if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("{directory}/{path}")
            };
            for (name, value) in self
                .files
                .text(&path)
                .iter()
                .flat_map(|t| assignments_in(t))
            {
                near.variables.entry(name).or_insert(value);
            }
        }
    }
}

impl Near {
    fn take_composition(&mut self, text: &str) {
        for (name, value) in given_by_composition(text) {
            let value = format::expand(&value, &self.variables);
            self.variables.entry(name).or_insert(value);
        }
    }
}

/// The variables containers of a composition get, without those two of them get with different values.
fn given_by_composition(text: &str) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, Option<String>> = BTreeMap::new();
    for setting in format::read(Format::Yaml, &[], text).all {
        let mut parts = setting.section.split('/');
        if parts.next() != Some("services") {
            continue;
        }
        let in_section = parts.nth(1) == Some("environment");
        let pair = if in_section && !setting.key.bytes().all(|b| b.is_ascii_digit()) {
            Some((setting.key, setting.value))
        } else if in_section || setting.key == "environment" {
            let pair = setting.value.split_once('=');
            pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
        } else {
            None
        };
        let Some((name, value)) = pair.filter(|(name, _)| !is_secret(name)) else {
            continue;
        };
        let known = out.entry(name).or_insert_with(|| Some(value.clone()));
        if known.as_deref() != Some(&value) {
            *known = None;
        }
    }
    let known = out.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .take(4096)
        .collect()
}

impl Beside for Surroundings<'_> {
    fn text(&self, path: &str) -> Option<String> {
        self.files.text(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        if is_secret(name) {
            return None;
        }
        let unit = self.component.name.as_str();
        let given = unit.and_then(|unit| self.machine.given(unit)?.get(name));
        let by_job = || self.machine.starter(self.path)?.given.get(name);
        given
            .or_else(by_job)
            .or_else(|| self.near().variables.get(name))
            .filter(|value| !value.is_empty() && !value.contains('$'))
            .cloned()
    }

    fn is_started(&self) -> bool {
        self.is_program || self.component.class != ComponentClass::File || self.near().is_filled
    }

    fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(head, _)| head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composition_gives_what_its_containers_agree_on() {
        let text = "services:\n  web:\n    environment:\n      DB_HOST: db1\n      MODE: a\n      DB_PASSWORD: canary\n  job:\n    environment:\n      - DB_HOST=db1\n      - MODE=b\n      - MAIL=m1\n  other:\n    labels: {X: y}\n";
        let given = given_by_composition(text);
        assert_eq!(
            given.into_iter().collect::<Vec<_>>(),
            [("DB_HOST", "db1"), ("MAIL", "m1")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
    }
}
