//! An archive, said: whose it is, what uses it, how much it is.

use groma_model::fact::{Archive, Measurement};
use groma_model::{Fact, Reason};

use super::outlook;
use super::people::Person;
use super::walk::{Found, ending_of};
use crate::{Machine, Part, Said, is_of_a_person};

/// A path as part of a scope, whose parts are parted by `/`.
pub(super) fn scope_path(path: &str) -> String {
    path.trim_end_matches('\\').replace('\\', "/")
}

/// One archive with its numbers, in a scope of its own.
pub(super) fn archive(
    machine: &Machine<'_>,
    found: &Found,
    people: &[Person],
    medium: Option<&str>,
) -> Said {
    let mut part = Part::begin("archive", &scope_path(&found.path));
    let (owner, owner_by) = owner(machine, &found.path, people).unzip();
    let used_by = used_by(&found.path, people);
    let orphan = used_by.is_empty() && is_left_over(&found.path, people);
    part.saw(Fact::Archive(Archive {
        path: found.path.as_str().into(),
        format: found.format.name.to_owned(),
        variant: found.format.variant.map(str::to_owned),
        encryption: found.format.encryption.map(str::to_owned),
        damaged: found.format.damaged,
        owner: owner.map(Into::into),
        owner_by: owner_by.map(str::to_owned),
        used_by,
        orphan,
        medium: medium.map(str::to_owned),
    }));
    numbers(&mut part, found);
    unread(&mut part, found);
    part.close()
}

/// A file with its content elsewhere on the network has no size that is known here.
fn numbers(part: &mut Part, found: &Found) {
    let mut number = |metric: &str, value: f64| {
        part.saw(Fact::Measurement(Measurement {
            metric: metric.to_owned(),
            subject: found.path.as_str().into(),
            value,
        }));
    };
    if found.path.starts_with(r"\\") {
        return;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a measurement is a floating number; a few bytes in a petabyte do not matter"
    )]
    {
        number("content_bytes", found.bytes as f64);
        if let Some(items) = found.items {
            number("content_items", items as f64);
        }
        if found.modified != 0 {
            number("content_modified_seconds", found.modified as f64);
        }
    }
    // Nobody else may read what one program keeps to itself.
    if found.unread == Some(Reason::Locked) {
        number("content_open", 1.0);
    }
}

fn unread(part: &mut Part, found: &Found) {
    let path = &found.path;
    match &found.unread {
        // Of a locked file all but its header is known; of one that was only written down, what was written.
        None | Some(Reason::Locked | Reason::NotPresent) => {}
        Some(Reason::RemoteFileSystem) => part.missed_with(
            format!("content of the mail archive {path}"),
            Reason::RemoteFileSystem,
            "look from the machine its content lies on, or ask whose cloud it is in",
        ),
        Some(reason) => part.missed(format!("header of the mail archive {path}"), reason.clone()),
    }
}

/// The person whose profile opens it; else whose home it lies in; else who owns the file. Groups own for nobody.
fn owner(machine: &Machine<'_>, path: &str, people: &[Person]) -> Option<(String, &'static str)> {
    let lower = path.to_lowercase();
    let names = |person: &&Person| {
        person.profiles_of(path).next().is_some() || person.remembered.contains(&lower)
    };
    let mut named = people.iter().filter(names);
    let at_home = people.iter().find(|person| person.has_at_home(path));
    if let Some(first) = named.next() {
        // Several open it: whose home it lies in decides.
        let person = at_home.filter(|person| names(person)).unwrap_or(first);
        return Some((person.name.clone(), "profile"));
    }
    if let Some(person) = at_home {
        return Some((person.name.clone(), "home"));
    }
    let sid = machine
        .files
        .owner(path)
        .filter(|sid| is_of_a_person(sid))?;
    Some((machine.name_of(&sid), "file"))
}

fn used_by(path: &str, people: &[Person]) -> Vec<String> {
    let mut by: Vec<String> = people
        .iter()
        .flat_map(|person| {
            let profiles = person.profiles_of(path);
            profiles
                .map(move |profile| format!("Outlook profile {} of {}", profile.name, person.name))
        })
        .collect();
    by.sort();
    by.dedup();
    by
}

/// True for a store in Outlook's own folder of somebody all of whose profiles were read. Stores of groups (NST) stand in no profile.
fn is_left_over(path: &str, people: &[Person]) -> bool {
    let is_store = matches!(ending_of(path).as_str(), "pst" | "ost");
    let mut owners = people.iter().filter(|person| person.known);
    is_store
        && owners.any(|person| {
            let home = person.home.as_deref();
            home.is_some_and(|home| outlook::is_own_folder(path, home))
        })
}
