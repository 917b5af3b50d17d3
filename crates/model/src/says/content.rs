//! Archives, databases, shares and backups as one line each.

use crate::fact::{
    Access, Admission, Archive, BackupJob, Database, Grant, Share, Watch, WatchPurpose,
};
use crate::mailbox::{MailboxTie, TieWay};
use crate::relying::RelyingParty;

pub(super) fn archive(archive: &Archive) -> String {
    let mut line = format!("{} is a mail archive ({}", archive.path, archive.format);
    for word in archive.variant.iter().chain(&archive.encryption) {
        line.push_str(&format!(", {word}"));
    }
    line.push(')');
    if let Some(owner) = &archive.owner {
        line.push_str(&format!(" of {owner}"));
    }
    if !archive.used_by.is_empty() {
        line.push_str(&format!(", used by {}", archive.used_by.join(", ")));
    }
    if archive.orphan {
        line.push_str(", which no setting names any more");
    }
    if archive.damaged {
        line.push_str(", its header is damaged");
    }
    line
}

pub(super) fn database(database: &Database) -> String {
    let version = database.version.as_deref().unwrap_or("of unknown version");
    let mut line = format!(
        "{} {version} keeps its data in {}",
        database.engine, database.directory
    );
    if !database.names.is_empty() {
        let names: Vec<String> = database.names.iter().map(ToString::to_string).collect();
        line.push_str(&format!(": {}", names.join(", ")));
    }
    if let Some(role) = &database.role {
        line.push_str(&format!(" ({role})"));
    }
    line
}

pub(super) fn share(share: &Share) -> String {
    let path = match share.path.is_empty() {
        true => share.sort.clone(),
        false => share.path.to_string(),
    };
    format!(
        "{}:{} offers {path} as {} share {}{}{}",
        share.file,
        share.line,
        share.protocol,
        share.name,
        if share.read_only { ", read-only" } else { "" },
        granted(&share.grants)
    )
}

pub(super) fn access(access: &Access) -> String {
    format!(
        "{} has {}{}",
        access.path,
        access.kind,
        granted(&access.grants)
    )
}

fn granted(grants: &[Grant]) -> String {
    let all: Vec<String> = grants
        .iter()
        .map(|g| format!("{} {}", g.principal, g.right))
        .collect();
    match all.is_empty() {
        true => String::new(),
        false => format!(": {}", all.join(", ")),
    }
}

pub(super) fn watch(watch: &Watch) -> String {
    let who = match (&watch.peer, watch.network.as_deref()) {
        (Some(peer), _) => peer.to_string(),
        (None, Some("*") | None) => "anybody".to_owned(),
        (None, Some(network)) => network.to_owned(),
    };
    let port = watch.port.map(|p| format!(" at {p}/{}", watch.transport));
    let port = port.unwrap_or_default();
    let said = match watch.purpose {
        WatchPurpose::WatchedBy => format!("{who} may ask {}{port}", watch.product),
        WatchPurpose::Watches => format!("{} watches {who}{port}", watch.product),
        WatchPurpose::LogsTo => format!("{} sends logs to {who}{port}", watch.product),
    };
    match watch.line {
        0 => format!("{said} ({})", watch.file),
        line => format!("{said} ({}:{line})", watch.file),
    }
}

pub(super) fn mailbox_tie(tie: &MailboxTie) -> String {
    let MailboxTie { mailbox, other, .. } = tie;
    let does = match tie.way {
        TieWay::FullAccess => format!("{other} opens all of the mailbox {mailbox}"),
        TieWay::SendAs => format!("{other} sends as the mailbox {mailbox}"),
        TieWay::SendOnBehalf => format!("{other} sends on behalf of the mailbox {mailbox}"),
        TieWay::Calendar => format!("{other} uses the calendar of the mailbox {mailbox}"),
        TieWay::Folder => format!("{other} uses folders of the mailbox {mailbox}"),
        TieWay::Forward => format!("mail of the mailbox {mailbox} is handed on to {other}"),
    };
    let by = match &tie.at {
        Some(at) => format!("as the mail server's files in {at} say"),
        None => format!("as the list {} says", tie.list),
    };
    match tie.rights.is_empty() {
        true => format!("{does}, {by}"),
        false => format!("{does} ({}), {by}", tie.rights.join(", ")),
    }
}

pub(super) fn relying_party(party: &RelyingParty) -> String {
    let places: Vec<String> = party.places.iter().map(ToString::to_string).collect();
    let at = match places.is_empty() {
        true => String::new(),
        false => format!(" at {}", places.join(", ")),
    };
    let provider = party.provider.as_ref().map(|peer| format!(" on {peer}"));
    let by = match &party.file {
        Some(_) => format!("({})", party.place_written()),
        None => format!("as the list {} says", party.list),
    };
    format!(
        "{}{} signs people in for {}{at} by {}, {by}",
        party.product,
        provider.unwrap_or_default(),
        party.name,
        party.way.as_str(),
    )
}

pub(super) fn admission(admission: &Admission) -> String {
    let who = match (&admission.peer, admission.network.as_deref()) {
        (Some(peer), _) => peer.to_string(),
        (None, Some("*") | None) => "anybody".to_owned(),
        (None, Some(network)) => network.to_owned(),
    };
    let port = admission
        .port
        .map(|p| format!(" at {p}/{}", admission.transport));
    format!(
        "{} lets {who} ({}) in{} ({}:{})",
        admission.product,
        admission.name,
        port.unwrap_or_default(),
        admission.file,
        admission.line
    )
}

pub(super) fn backup(job: &BackupJob) -> String {
    let what: Vec<String> = job
        .covers
        .iter()
        .chain(&job.databases)
        .map(ToString::to_string)
        .collect();
    let what = match what.is_empty() {
        true => "what is decided elsewhere".to_owned(),
        false => what.join(", "),
    };
    let target = job.target.as_ref().map(|t| format!(" to {t}"));
    let when = match (&job.rhythm, &job.schedule, job.unscheduled) {
        (_, _, true) => ", and nothing starts it".to_owned(),
        (Some(rhythm), _, _) => format!(", {rhythm}"),
        (None, Some(schedule), _) => format!(", at \"{schedule}\""),
        _ => String::new(),
    };
    format!(
        "{} {} copies {what}{}{when} ({}:{})",
        job.product,
        job.name,
        target.unwrap_or_default(),
        job.file,
        job.line
    )
}
