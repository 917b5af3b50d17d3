//! What a script would know when it calls somebody: its variables, the files it reads settings from, the lists it goes
//! through. Nothing is run. A few ways of putting a text together are followed by the letter; whatever else a
//! script does leaves its value unknown, and an unknown value names nobody.

mod dead;
mod pattern;
mod perl;
mod pipeline;
mod powershell;
mod python;
mod shell;
mod values;

use std::cell::Cell;
use std::path::Path;

use groma_source::Disk;

use self::values::Value;
use crate::judged::is_on_a_drive;
use crate::settings::Settings;
use crate::text::decode;

pub(crate) use crate::settings::CONDITIONAL;

pub(crate) use self::dead::without_dead;
pub(crate) use self::perl::perl;
pub(crate) use self::powershell::powershell;
pub(crate) use self::python::python;
pub(crate) use self::shell::shell;

/// Files one script may be read together with, and how large one may be.
const FILES_MAX: u32 = 16;
/// Files it may look for in vain.
const TRIES_MAX: u32 = 512;
const FILE_MAX: u64 = 256 << 10;

/// Groups from here on are those of a program within a shell script.
pub(crate) const INNER: u32 = 1 << 24;

/// What stands beside a script: the files it names itself, read within limits, and what whoever starts it gives.
pub(crate) trait Beside {
    /// The text at an absolute path; `None` if there is none, or the limits are used up.
    fn text(&self, path: &str) -> Option<String>;

    /// What the environment says under a name.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// True if whoever starts the script is known, and so what its environment does not say.
    fn is_started(&self) -> bool {
        false
    }

    /// The directory the script lies in.
    fn directory(&self) -> &str {
        ""
    }
}

/// What a program falls back to where its environment says nothing: a hint, unless that it does is known.
fn by_default(beside: &dyn Beside, value: Value) -> Value {
    match value {
        Value::Text(text) if !beside.is_started() && !text.contains(CONDITIONAL) => {
            Value::Text(format!("{text}{CONDITIONAL}"))
        }
        other => other,
    }
}

/// No file is to be had.
pub(crate) struct Alone;

impl Beside for Alone {
    fn text(&self, _: &str) -> Option<String> {
        None
    }
}

/// Files of this machine, for one script.
pub(crate) struct OnDisk<'d> {
    disk: &'d dyn Disk,
    left: Cell<u32>,
    tries: Cell<u32>,
}

impl<'d> OnDisk<'d> {
    pub(crate) fn new(disk: &'d dyn Disk) -> Self {
        Self {
            disk,
            left: Cell::new(FILES_MAX),
            tries: Cell::new(TRIES_MAX),
        }
    }
}

impl Beside for OnDisk<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let (left, tries) = (self.left.get(), self.tries.get());
        let elsewhere = ["/proc/", "/sys/", "/dev/", "/run/"]
            .iter()
            .any(|not| path.starts_with(not));
        let is_whole = path.starts_with('/') || is_on_a_drive(path);
        if left == 0 || tries == 0 || elsewhere || !is_whole || path.contains("..") {
            return None;
        }
        self.tries.set(tries - 1);
        let read = self.disk.read(Path::new(path), FILE_MAX).ok()?;
        self.left.set(left - 1);
        decode(&read.bytes).map(std::borrow::Cow::into_owned)
    }
}

/// The language a script is written in, by its first line or its name; `None` for another one.
pub(crate) fn reader(path: &str, text: &str) -> Option<fn(&str, &dyn Beside) -> Settings> {
    let first = text.lines().next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or(path);
    let runs = |program: &str| {
        first.starts_with("#!")
            && first.split(['/', ' ', '\t']).any(|word| {
                word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') == program
            })
    };
    if runs("python") || name.ends_with(".py") {
        Some(python)
    } else if runs("perl") || name.ends_with(".pl") {
        Some(perl)
    } else {
        None
    }
}
