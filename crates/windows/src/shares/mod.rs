//! `host.shares`: what other machines may use here, and who may do what with it.
//!
//! Who uses a share now is no matter of this area: connections to port 445 are seen by `host.sockets`, and which person
//! sits where is nobody's business. How many machines do, the server says.

mod names;
mod stored;

use std::collections::BTreeSet;

use groma_model::fact::{Access, Grant, Measurement, Share};
use groma_model::{Fact, Foreign, Gap, Reason, Scope};

use crate::security::{Descriptor, Entry, Who};
use crate::{Area, Machine, Part, Said, ShareRow};
use names::{Names, Standing};

/// The area.
pub(crate) const AREA: Area = Area {
    name: "host.shares",
    purpose: "Tells which folders other machines may use, and who may do what there.",
    reads: &[
        "shares of the Server service with the rights on them, and owner and explicit rights of the folders they offer",
        r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares, \Shares\Security, \Parameters (NullSessionShares); Netlogon\Parameters (SysVol)",
        "how many machines have a session with the Server service",
    ],
    never_sends: &["who has a session, and which files are open"],
    read: shares,
};

/// Where the Server service keeps what it shares.
const KEPT_IN: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares";
/// Shares of one machine that are told.
const SHARES_MAX: usize = 20_000;
/// SIDs a gap names.
const NAMED_MAX: usize = 5;

fn shares(machine: &Machine<'_>) -> Vec<Said> {
    let mut whole = Part::begin("share", "smb");
    let (rows, were_asked) = match why_not_asked(machine) {
        None => (machine.rows.shares.clone(), true),
        Some(reason) => (stored::shares(machine, &reason, &mut whole), false),
    };
    let names = Names::of(machine, were_asked);
    let open = guests(machine);
    let mut left = Left::default();
    let mut said = Vec::new();
    let told = rows.iter().filter(|row| is_offered(row));
    for row in told.clone().take(SHARES_MAX) {
        said.push(one(row, &names, &open, &mut left));
    }
    if told.count() > SHARES_MAX {
        whole.missed("further shares", Reason::TooLarge);
    }
    left.say(machine, were_asked, &mut whole);
    let mut whole = whole.close();
    whole.facts.extend(clients(machine));
    whole.gaps.extend(left.unnamed());
    said.insert(0, whole);
    said
}

/// Why the table of shares tells nothing. A Server service that runs always has `IPC$`, so an empty table beside shares in
/// the registry was never asked for: a document of hives alone.
fn why_not_asked(machine: &Machine<'_>) -> Option<Reason> {
    let told = machine.rows.missing("shares").cloned();
    told.or_else(|| {
        let kept = machine.registry.key(KEPT_IN).ok().flatten()?;
        let silent = machine.rows.shares.is_empty() && !kept.values.is_empty();
        silent.then_some(Reason::NotPresent)
    })
}

/// Shares that somebody made, and those of a domain controller; not what each Windows offers to administrators, and not the
/// drivers for printers.
fn is_offered(row: &ShareRow) -> bool {
    let is_usual = matches!(row.kind.as_str(), "disk" | "printer");
    is_usual && !row.administrative && !row.name.eq_ignore_ascii_case("print$")
}

fn one(row: &ShareRow, names: &Names<'_>, open: &Guests, left: &mut Left) -> Said {
    let mut part = Part::begin("share", &format!("smb/{}", row.name));
    let whole = descriptor(row, row.rights.as_deref(), "the share", &mut part);
    let folder = descriptor(
        row,
        row.folder_rights.as_deref(),
        "the folder of the share",
        &mut part,
    );
    let is_disk = row.kind == "disk";
    let path = Foreign::from(if is_disk { trimmed(&row.path) } else { "" });
    part.saw(Fact::Share(Share {
        protocol: "smb".to_owned(),
        name: row.name.as_str().into(),
        path: path.clone(),
        sort: if is_disk { "disk" } else { "printers" }.to_owned(),
        read_only: whole.as_ref().is_some_and(is_read_only),
        guest: open.may_use(&row.name, whole.as_ref()),
        grants: Vec::new(),
        file: KEPT_IN.into(),
        line: 1,
    }));
    left.take(row, is_disk);
    for (kind, descriptor) in [("share-acl", whole), ("nt-acl", folder)] {
        let told = descriptor.filter(|_| !path.is_empty());
        if let Some(access) = told.and_then(|found| access(kind, &path, &found, names, left)) {
            part.saw(Fact::Access(access));
        }
    }
    part.close()
}

fn descriptor(
    row: &ShareRow,
    text: Option<&str>,
    what: &str,
    part: &mut Part,
) -> Option<Descriptor> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    let read = Descriptor::of_text(text);
    if read.is_none() {
        part.missed(format!("rights on {what} {}", row.name), Reason::Malformed);
    }
    read
}

/// `D:\data` of `D:\data\`, but `D:\` as it is.
fn trimmed(path: &str) -> &str {
    let short = path.trim().trim_end_matches('\\');
    if short.ends_with(':') {
        path.trim()
    } else {
        short
    }
}

fn is_read_only(descriptor: &Descriptor) -> bool {
    let given = |entry: &&Entry| !entry.denies;
    let entries = descriptor.entries.iter().flatten().filter(given);
    let rights: BTreeSet<&str> = entries.map(Entry::right).collect();
    rights == BTreeSet::from(["read"])
}

/// The owner and what somebody wrote there: what came from the folder above is told there, if at all.
fn access(
    kind: &str,
    path: &Foreign,
    descriptor: &Descriptor,
    names: &Names<'_>,
    left: &mut Left,
) -> Option<Access> {
    let (mut grants, mut orphans) = (BTreeSet::new(), BTreeSet::new());
    let mut give = |who: &Who, right: &str| {
        let (principal, standing) = names.who(who);
        match standing {
            Standing::Known => {}
            Standing::Nobody => {
                orphans.insert(principal.clone().to_string());
            }
            Standing::Unknown => left.note(&principal),
        }
        grants.insert(Grant {
            principal,
            right: right.to_owned(),
        });
    };
    if let Some(owner) = descriptor.owner.as_ref().filter(|_| kind == "nt-acl") {
        give(owner, "owner");
    }
    match &descriptor.entries {
        Some(entries) => {
            for entry in entries.iter().filter(|entry| !entry.inherited) {
                give(&entry.who, entry.right());
            }
        }
        None => give(&Who::Sid("S-1-1-0".to_owned()), "full-access"),
    }
    (!grants.is_empty()).then(|| Access {
        path: path.clone(),
        kind: kind.to_owned(),
        grants: grants.into_iter().collect(),
        orphans: orphans.into_iter().map(Foreign::from).collect(),
    })
}

/// Who gets in without an account.
struct Guests {
    without_session: Vec<String>,
    has_guest: bool,
}

/// `NullSessionShares` names shares for which nobody logs on at all; with a guest account that is switched on, whoever is
/// unknown is the guest (Microsoft Learn, "Guest access in SMB").
fn guests(machine: &Machine<'_>) -> Guests {
    let path = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters";
    let key = machine.registry.key(path).ok().flatten();
    let key = key.unwrap_or_default();
    let is_guest = |sid: &str| crate::security::is_of_a_domain(sid).is_some_and(|(_, n)| n == 501);
    let users = machine.rows.users.iter();
    Guests {
        without_session: key
            .list("NullSessionShares")
            .into_iter()
            .map(str::to_lowercase)
            .collect(),
        has_guest: users
            .filter(|user| is_guest(&user.sid))
            .any(|user| !user.disabled),
    }
}

impl Guests {
    fn may_use(&self, name: &str, descriptor: Option<&Descriptor>) -> bool {
        let entries = descriptor.and_then(|found| found.entries.as_ref());
        let given = |sids: &[&str]| {
            let is_one = |entry: &Entry| {
                let named = matches!(&entry.who, Who::Sid(sid) if sids.contains(&sid.as_str()));
                !entry.denies && named
            };
            entries.is_some_and(|entries| entries.iter().any(is_one))
        };
        let without = self.without_session.contains(&name.to_lowercase());
        without || (self.has_guest && given(&["S-1-1-0", "S-1-5-32-546"]))
    }
}

/// What stays open over all shares: each thing is said once.
#[derive(Default)]
struct Left {
    unnamed: BTreeSet<String>,
    without_rights: usize,
    without_folder_rights: usize,
}

impl Left {
    fn take(&mut self, row: &ShareRow, is_disk: bool) {
        self.without_rights += usize::from(row.rights.is_none());
        self.without_folder_rights += usize::from(is_disk && row.folder_rights.is_none());
    }

    fn note(&mut self, principal: &Foreign) {
        self.unnamed.insert(principal.to_string());
    }

    fn say(&self, machine: &Machine<'_>, were_asked: bool, whole: &mut Part) {
        let reason = match machine.rows.system.is_administrator {
            true => Reason::NotPresent,
            false => Reason::PermissionDenied,
        };
        for (count, what) in [
            (self.without_rights, "rights on shares as a whole"),
            (
                self.without_folder_rights,
                "rights on the folders of shares",
            ),
        ] {
            if were_asked && count > 0 {
                whole.missed(format!("{what} ({count} of them)"), reason.clone());
            }
        }
    }

    /// Whose SIDs they are is no part of what shares say: they were seen whole all the same.
    fn unnamed(&self) -> Option<Gap> {
        let some: Vec<&str> = self
            .unnamed
            .iter()
            .take(NAMED_MAX)
            .map(String::as_str)
            .collect();
        let more = self.unnamed.len().saturating_sub(some.len());
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!some.is_empty()).then(|| Gap {
            scope: Scope::new("share", "smb"),
            what: format!("whom {}{more} stand for", some.join(", ")),
            reason: Reason::Unreachable,
            remedy: Some("ask the directory: Get-ADObject -Filter \"objectSid -eq 'SID'\"".into()),
        })
    }
}

/// How many machines have a session: they use some share.
fn clients(machine: &Machine<'_>) -> Option<Fact> {
    if machine.rows.missing("sessions").is_some() {
        return None;
    }
    let sessions = machine.rows.sessions.iter();
    let machines: BTreeSet<String> = sessions
        .map(|session| session.from.trim_start_matches('\\').to_lowercase())
        .collect();
    let count = u32::try_from(machines.len())
        .ok()
        .filter(|count| *count > 0)?;
    Some(Fact::Measurement(Measurement {
        metric: "share_clients".to_owned(),
        subject: "smb".into(),
        value: f64::from(count),
    }))
}

#[cfg(test)]
mod tests;
