//! What a directory says, as one line each.

use crate::Foreign;
use crate::fact::{DirectoryNeed, DirectoryObject, NeedReason};

/// Values of one attribute a line shows at most.
const VALUES_SHOWN: usize = 4;

pub(super) fn object(object: &DirectoryObject) -> String {
    let DirectoryObject {
        class, name, dn, ..
    } = object;
    let mut line = format!("directory {}: {class} {name}", object.directory);
    if let Some(account) = object.account.as_ref().filter(|a| *a != name) {
        line.push_str(&format!(", account {account}"));
    }
    if let Some(host) = &object.host {
        line.push_str(&format!(", on {host}"));
    }
    for (attribute, values) in object.attributes.iter() {
        line.push_str(&format!(", {attribute} {}", shown(values)));
    }
    line.push_str(&format!(" ({dn})"));
    line
}

fn shown(values: &[String]) -> String {
    let mut text = values
        .iter()
        .take(VALUES_SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if values.len() > VALUES_SHOWN {
        text.push_str(&format!(" and {} more", values.len() - VALUES_SHOWN));
    }
    text
}

pub(super) fn need(need: &DirectoryNeed) -> String {
    let DirectoryNeed {
        consumer,
        dn,
        attribute,
        ..
    } = need;
    let at = super::at(&need.provider, need.port);
    let account = need.account.as_ref().filter(|a| !a.is_empty());
    let who = account.map_or_else(|| consumer.to_string(), |a| format!("{consumer} as {a}"));
    let what = need.resource.as_ref().map_or_else(String::new, of);
    let line = match need.reason {
        NeedReason::Delegation => format!("{who} may act for others towards {at}{what}"),
        NeedReason::PrintQueue => format!("print server {consumer} prints on {at}{what}"),
        NeedReason::NameSpaceLink => format!("the name space on {consumer} leads to {at}{what}"),
        NeedReason::PersonalFolder => {
            format!("people of {consumer} have folders on {at}{what}")
        }
        NeedReason::LogonScript => {
            format!("people of {consumer} run a script from {at}{what} when they log on")
        }
        NeedReason::MountMap => {
            format!("a map that {consumer} keeps mounts from {at}{what}")
        }
        NeedReason::FolderReplication => {
            format!("{consumer} keeps a folder like the one on {at}{what}")
        }
        NeedReason::DecidesLogon => format!("{consumer} asks {at} who may log on{what}"),
        NeedReason::Forwarder => format!("{consumer} asks {at} for names{what}"),
        NeedReason::ReceiveConnector => format!("{at} takes mail from {consumer}{what}"),
        NeedReason::SendConnector => format!("{consumer} hands mail on to {at}{what}"),
        NeedReason::Replication => format!("{who} takes its content from {at}{what}"),
        NeedReason::Supply => format!("{who} sends its content to {at}{what}"),
        NeedReason::HandedOn => format!("{who} asks {at} for a part of its tree{what}"),
        NeedReason::HandedOut => format!("{consumer} is told to use {at}{what}"),
        NeedReason::SignIn => format!("{consumer} signs people in by the word of {at}{what}"),
        NeedReason::Panel => format!("{who} is set up to use {at}{what}"),
        NeedReason::Connection if account.is_none() => {
            format!("{who} is connected to {at}, as nobody")
        }
        NeedReason::Connection => format!("{who} is connected to {at}"),
    };
    format!("{line}: {attribute} of {dn}")
}

fn of(resource: &Foreign) -> String {
    format!(" ({resource})")
}
