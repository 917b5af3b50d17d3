//! `host.archives`: mail that lies in files, whose it is, and what profiles of Outlook say.

mod addins;
mod header;
mod outlook;
mod people;
mod references;
mod servers;
mod tell;
mod walk;

use groma_model::Reason;

use crate::{Area, FolderEntry, Machine, Part, Said, Volume, VolumeKind};
use people::Person;
pub(crate) use people::homes;
use walk::{Found, Walk};

/// Mail archives, and the profiles that use them.
pub(crate) const AREA: Area = Area {
    name: "host.archives",
    purpose: "Finds mail that lies in files (PST, OST, NSF, mbox, DBX, OLM, folders of EML), how much it is and whose, and which servers Outlook is set up for.",
    reads: &[
        "names, sizes and times of files on fixed drives; the folder of Windows, recycle bins and System Volume Information left out, links never followed, at most 2,000,000 entries",
        "the first 4 KiB of files with an ending of mail, and of files without one in folders of mail; nothing of files whose content lies in a cloud",
        "HKU: profiles of Outlook (servers, ports, accounts, paths), its search catalogue, ForcePSTPath, network drives; ProfileList",
        "HKLM and HKU: add-ins of Outlook",
    ],
    never_sends: &[
        "senders, recipients, subjects or text of any message",
        "names of files that are no archives",
        "passwords of mail accounts: the values that hold them are not asked for",
    ],
    read: archives,
};

fn archives(machine: &Machine<'_>) -> Vec<Said> {
    let mut profiles = Part::begin("host", "outlook");
    let people = people::all(machine, &mut profiles);
    references::all(machine, &people, &mut profiles);
    addins::all(machine, &mut profiles);
    let mut said = vec![profiles.close()];
    let closed = [machine.expand().windows];
    let mut walk = Walk::begin(machine.files, &closed);
    said.extend(walked(machine, &mut walk));
    let named = named_elsewhere(machine, &people, &walk.found);
    let found = walk.found.iter().map(|found| (found, None));
    let named = named.iter().map(|(found, medium)| (found, *medium));
    for (found, medium) in found.chain(named) {
        said.push(tell::archive(machine, found, &people, medium));
    }
    said
}

/// Walks every fixed drive; each is a scope of its own.
fn walked(machine: &Machine<'_>, walk: &mut Walk<'_>) -> Vec<Said> {
    let system = machine.expand().windows;
    let system = format!("{}\\", system.get(..2).unwrap_or("C:"));
    let mut said = Vec::new();
    for volume in volumes(machine, &system) {
        let mut part = Part::begin("archive", &tell::scope_path(&volume.mount_point));
        let at = &volume.mount_point;
        match volume.kind {
            VolumeKind::Fixed => {
                let met = walk.all(at, &mut part);
                if met == 0 && at.eq_ignore_ascii_case(&system) {
                    part.missed(format!("files of {at}"), Reason::NotPresent);
                }
            }
            VolumeKind::Remote => part.missed_with(
                format!(
                    "mail archives on another machine's drive ({at} {})",
                    volume.device
                ),
                Reason::RemoteFileSystem,
                "look from the machine the files lie on",
            ),
            _ => continue,
        }
        said.push(part.close());
    }
    if let Some(reason) = machine.rows.missing("volumes") {
        let mut part = Part::begin("archive", "");
        part.missed(
            "mail archives on drives other than that of the system",
            reason.clone(),
        );
        said.push(part.close());
    }
    said
}

/// The drives, each once: one that is mounted at two places is walked at the shorter. Without a table, that of the system.
fn volumes(machine: &Machine<'_>, system: &str) -> Vec<Volume> {
    let mut all = machine.rows.volumes.clone();
    if !all
        .iter()
        .any(|volume| volume.mount_point.eq_ignore_ascii_case(system))
    {
        all.push(Volume {
            mount_point: system.to_owned(),
            ..Volume::default()
        });
    }
    all.retain(|volume| !volume.mount_point.is_empty());
    all.sort_by_key(|volume| (volume.mount_point.len(), volume.mount_point.to_lowercase()));
    let mut seen: Vec<String> = Vec::new();
    all.retain(|volume| {
        let device = volume.device.to_lowercase();
        let is_new = device.is_empty() || !seen.contains(&device);
        seen.push(device);
        is_new
    });
    all
}

/// Archives that profiles name and no walk met: on a medium somebody may pull out, behind a link, on another machine.
fn named_elsewhere(
    machine: &Machine<'_>,
    people: &[Person],
    walked: &[Found],
) -> Vec<(Found, Option<&'static str>)> {
    let mut named: Vec<(Found, Option<&'static str>)> = Vec::new();
    let profiles = people.iter().flat_map(|person| {
        let files = person
            .profiles
            .iter()
            .filter(|profile| !profile.name.is_empty());
        files
            .flat_map(|profile| &profile.files)
            .map(move |file| (person, &file.path))
    });
    for (person, path) in profiles {
        let is_it = |found: &Found| found.path.eq_ignore_ascii_case(path);
        if walked.iter().any(is_it) || named.iter().any(|(found, _)| is_it(found)) {
            continue;
        }
        if person.on_network(path).is_some() {
            named.push((on_network(path), None));
        } else if let Ok(Some(entry)) = machine.files.entry(path)
            && let Some(found) = walk::file(machine.files, &entry, true)
        {
            named.push((found, medium(machine, path)));
        }
    }
    named
}

/// An archive that lies on another machine, of which nothing is known but its name.
fn on_network(path: &str) -> Found {
    let entry = FolderEntry {
        path: path.to_owned(),
        kind: crate::Kind::Placeholder,
        bytes: 0,
        modified: 0,
    };
    let blank = Found::of(
        &entry,
        header::Format::named("pst"),
        Some(Reason::RemoteFileSystem),
    );
    match walk::ending_of(path).as_str() {
        "ost" | "nst" => Found {
            format: header::Format::named("ost"),
            ..blank
        },
        _ => blank,
    }
}

fn medium(machine: &Machine<'_>, path: &str) -> Option<&'static str> {
    let removable = machine.rows.volumes.iter().any(|volume| {
        volume.kind == VolumeKind::Removable && people::lies_in(path, &volume.mount_point)
    });
    removable.then_some("removable")
}

#[cfg(test)]
mod tests;
