//! The people of a machine, their homes, and what their profiles of Outlook say.

use std::collections::BTreeSet;

use groma_model::Reason;

use super::outlook::{self, Profile};
use crate::{Machine, Part, is_of_a_person};

const PROFILE_LIST: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// People that are asked.
const PEOPLE_MAX: usize = 5_000;

/// Somebody who has a home or a part of the registry here.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Person {
    /// `DOMAIN\name`, or the SID.
    pub(super) name: String,
    pub(super) home: Option<String>,
    /// True if all profiles of Outlook could be read.
    pub(super) known: bool,
    pub(super) profiles: Vec<Profile>,
    /// Files the search of Outlook once had open, in lower case.
    pub(super) remembered: BTreeSet<String>,
    /// Network drives: letter with colon, in lower case, and where it leads.
    pub(super) drives: Vec<(String, String)>,
}

impl Person {
    /// The profiles that name this file.
    pub(super) fn profiles_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Profile> {
        let names = move |profile: &&Profile| {
            let mut files = profile.files.iter();
            files.any(|file| file.path.eq_ignore_ascii_case(path))
        };
        self.profiles.iter().filter(names)
    }

    /// True if the path lies in their home.
    pub(super) fn has_at_home(&self, path: &str) -> bool {
        let home = self.home.as_deref().filter(|home| home.len() > 3);
        home.is_some_and(|home| lies_in(path, home))
    }

    /// `\\server\share\…` for a path on one of their network drives.
    pub(super) fn on_network(&self, path: &str) -> Option<String> {
        if path.starts_with(r"\\") {
            return Some(path.to_owned());
        }
        let drive = path.get(..2)?.to_lowercase();
        let (_, to) = self.drives.iter().find(|(letter, _)| *letter == drive)?;
        Some(format!("{to}{}", path.get(2..)?))
    }
}

/// True if `path` lies below `folder`, in any letter case.
pub(super) fn lies_in(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('\\');
    let (Some(begin), Some(rest)) = (path.get(..folder.len()), path.get(folder.len()..)) else {
        return false;
    };
    rest.starts_with('\\') && begin.to_lowercase() == folder.to_lowercase()
}

/// All people; what cannot be read is a gap of `part`.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part) -> Vec<Person> {
    let expand = machine.expand();
    let homes = homes(machine, part);
    let loaded = machine.people(part);
    let mut sids: BTreeSet<String> = loaded.iter().map(|sid| sid.to_uppercase()).collect();
    let loaded = sids.clone();
    sids.extend(homes.iter().map(|(sid, _)| sid.to_uppercase()));
    let mut unloaded = Vec::new();
    let mut people = Vec::new();
    for sid in sids.into_iter().take(PEOPLE_MAX) {
        let home = homes.iter().find(|(of, _)| of.eq_ignore_ascii_case(&sid));
        let mut person = Person {
            name: machine.name_of(&sid),
            home: home.map(|(_, home)| home.clone()),
            ..Person::default()
        };
        match loaded.contains(&sid) {
            true => outlook::read(machine, &sid, &expand, &mut person, part),
            false => unloaded.push(person.name.clone()),
        }
        people.push(person);
    }
    say_unloaded(&unloaded, part);
    people
}

/// The homes of people by their SIDs.
pub(crate) fn homes(machine: &Machine<'_>, part: &mut Part) -> Vec<(String, String)> {
    let expand = machine.expand();
    let list = part.or_missed(
        "homes of people (ProfileList)",
        machine.registry.key(PROFILE_LIST),
    );
    let sids = list.map(|key| key.keys).unwrap_or_default();
    let home = |sid: String| {
        let key = machine.registry.key(&format!(r"{PROFILE_LIST}\{sid}"));
        let path = expand.text(key.ok()??.text("ProfileImagePath")?);
        Some((sid, path.trim_end_matches('\\').to_owned()))
    };
    let people = sids.into_iter().filter(|sid| is_of_a_person(sid));
    people.filter_map(home).take(PEOPLE_MAX).collect()
}

fn say_unloaded(names: &[String], part: &mut Part) {
    if names.is_empty() {
        return;
    }
    let shown: Vec<&str> = names.iter().map(String::as_str).take(5).collect();
    let more = names.len().saturating_sub(shown.len());
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    part.missed_with(
        format!(
            "Outlook profiles of people whose registry is not loaded: {}{more}",
            shown.join(", ")
        ),
        Reason::NotPresent,
        "look while they are logged on, or let the hives of their homes be read",
    );
}
