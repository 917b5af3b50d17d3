//! What directories say: by directory, then by what it is about, each object with the facts it stands on.

use std::collections::BTreeMap;

use groma_model::fact::{DirectoryEntry, DirectoryObject};
use groma_model::inventory::Entity;
use serde::Serialize;

use super::Rows;
use crate::human::number;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Values of one attribute a row prints, and how long each may be.
const PRINTED_MAX: usize = 8;
const VALUE_MAX: usize = 160;

/// Facts a row names.
const SOURCES_MAX: usize = 3;

/// One directory.
#[derive(Serialize)]
pub(crate) struct DirectoryPart {
    pub(crate) name: String,
    /// How much it holds of what is counted and not listed.
    pub(crate) lead: String,
    pub(crate) groups: Vec<DirectoryGroup>,
}

/// Objects that somebody who moves looks at together.
#[derive(Serialize)]
pub(crate) struct DirectoryGroup {
    pub(crate) title: String,
    pub(crate) rows: Rows<DirectoryRow>,
}

/// One object.
#[derive(Serialize)]
pub(crate) struct DirectoryRow {
    pub(crate) name: String,
    /// What it is, in the word of the inventory.
    pub(crate) class: String,
    /// The machine or account it is written on; empty where that is the directory itself.
    pub(crate) on: String,
    /// What it says, attribute by attribute.
    pub(crate) says: Vec<String>,
    /// Where it stands in the directory.
    pub(crate) dn: String,
    /// Which look of which machine told it, and when.
    pub(crate) sources: Vec<String>,
}

/// Groups in the order of a move: who answers for the domain first, what hangs on it after.
const GROUPS: usize = 16;

/// Which group an object stands in; `None` for what is only counted: a machine in use that may act for nobody.
fn group_of(object: &DirectoryObject) -> Option<usize> {
    Some(match object.class.as_str() {
        "directory" | "server" | "domain-controller" | "role" | "domain-service" | "settings" => 0,
        "site" | "subnet" => 1,
        "trust" => 2,
        "computer" if is_quiet(object) => 3,
        "computer" => return None,
        "service-account" | "managed-service-account" | "service-principal" => 4,
        "group-policy" => 6,
        "print-queue" => 7,
        "dfs-root" | "dfs-link" | "volume" | "people-folders" | "mount-map"
        | "replication-group" => 8,
        "dhcp-server" => 9,
        "dns-zone" | "dns-service" | "dns-record" => 10,
        "enrolment-service" | "certificate-template" | "logon-authorities" => 11,
        "connection-point" => 12,
        "mail-server" | "receive-connector" | "send-connector" | "accepted-domain"
        | "mail-database" | "availability-group" | "virtual-directory" | "autodiscover" => 13,
        "mailbox" | "mailbox-rights" | "mail-group" => 14,
        _ => 15,
    })
}

const DELEGATION: usize = 5;

fn titles(words: &Catalogue) -> [&'static str; GROUPS] {
    [
        words.directory_domain,
        words.directory_sites,
        words.directory_trusts,
        words.directory_quiet,
        words.directory_services,
        words.directory_delegation,
        words.directory_policies,
        words.directory_printing,
        words.directory_files,
        words.directory_dhcp,
        words.directory_dns,
        words.directory_certificates,
        words.directory_points,
        words.directory_mail,
        words.directory_mailboxes,
        words.directory_other,
    ]
}

fn says<'a>(object: &'a DirectoryObject, attribute: &str) -> &'a [String] {
    object.attributes.get(attribute).map_or(&[], Vec::as_slice)
}

fn is_quiet(object: &DirectoryObject) -> bool {
    says(object, "activity").iter().any(|a| a != "active")
        || says(object, "state").iter().any(|s| s == "disabled")
}

fn delegates(object: &DirectoryObject) -> bool {
    object.attributes.contains_key("delegation")
        || object.attributes.contains_key("delegation-accepted-from")
}

/// An object and the thing it is written on.
type Told<'a> = (&'a Entity, &'a DirectoryEntry);

/// Senders by the mail server and the connector that lets them in.
type Senders<'a> = BTreeMap<(&'a str, &'a str), Vec<String>>;

/// Every directory, by name.
pub(crate) fn parts(index: &Index<'_>, words: &Catalogue, limit: usize) -> Vec<DirectoryPart> {
    let mut directories: BTreeMap<&str, Vec<Told<'_>>> = BTreeMap::new();
    for entity in &index.inventory.entities {
        for entry in &entity.attributes.directory_objects {
            let name = entry.object.directory.as_str();
            directories.entry(name).or_default().push((entity, entry));
        }
    }
    if directories.is_empty() {
        return Vec::new();
    }
    let senders = senders(index);
    let part = |(name, told): (&str, Vec<Told<'_>>)| DirectoryPart {
        lead: lead(name, &told, index, words),
        groups: groups(&told, &senders, index, words, limit),
        name: visible(name),
    };
    directories.into_iter().map(part).collect()
}

/// Who sends mail through which connector, as the needs say that follow from it.
fn senders<'a>(index: &Index<'a>) -> Senders<'a> {
    let mut senders = Senders::new();
    let listed = index.inventory.dependencies.iter();
    for need in listed.filter(|d| d.kind == "smtp-relay" && !crate::index::is_wrong(d)) {
        for connector in &need.details.resources {
            let key = (need.provider.entity.as_str(), connector.as_str());
            let names = senders.entry(key).or_default();
            names.push(index.name(&need.consumer.entity));
        }
    }
    senders
}

fn lead(name: &str, told: &[Told<'_>], index: &Index<'_>, words: &Catalogue) -> String {
    let computers: Vec<_> = told
        .iter()
        .filter(|(_, e)| e.object.class == "computer")
        .collect();
    let quiet = computers
        .iter()
        .filter(|(_, e)| is_quiet(&e.object))
        .count();
    let mut said = vec![fill(
        words.directory_computers,
        &[&number(computers.len()), &number(quiet)],
    )];
    let counted = index.inventory.measurements.iter();
    for count in counted.filter(|m| m.subject == name) {
        let Some(what) = count.metric.strip_prefix("directory_") else {
            continue;
        };
        if !what.starts_with("computers") && !what.starts_with("service_accounts") {
            said.push(format!(
                "{}: {}",
                visible(&what.replace('_', " ")),
                whole(count.value)
            ));
        }
    }
    said.join(" · ")
}

/// A count, which travels as a number that may have a fraction and has none.
fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn groups(
    told: &[Told<'_>],
    senders: &Senders<'_>,
    index: &Index<'_>,
    words: &Catalogue,
    limit: usize,
) -> Vec<DirectoryGroup> {
    let mut of: [Vec<Told<'_>>; GROUPS] = Default::default();
    for object in told {
        if let Some(group) = group_of(&object.1.object).and_then(|at| of.get_mut(at)) {
            group.push(*object);
        }
        if let Some(group) = of
            .get_mut(DELEGATION)
            .filter(|_| delegates(&object.1.object))
        {
            group.push(*object);
        }
    }
    let titled = of.into_iter().zip(titles(words));
    titled
        .filter(|(objects, _)| !objects.is_empty())
        .map(|(mut objects, title)| {
            objects.sort_by(|a, b| a.1.cmp(b.1));
            DirectoryGroup {
                title: title.to_owned(),
                rows: Rows::first(&objects, limit, |told| row(told, senders, index, words)),
            }
        })
        .collect()
}

fn row(
    (entity, entry): &Told<'_>,
    senders: &Senders<'_>,
    index: &Index<'_>,
    words: &Catalogue,
) -> DirectoryRow {
    let object = &entry.object;
    let mut says: Vec<String> = Vec::new();
    if let Some(account) = object.account.as_ref().filter(|a| **a != object.name) {
        says.push(fill(words.directory_account, &[&visible(&account.lossy())]));
    }
    for (attribute, values) in object.attributes.iter() {
        says.push(said(attribute, values, words));
    }
    if object.class == "receive-connector" {
        let name = object.name.lossy();
        let from = senders.get(&(entity.id.as_str(), name.as_ref()));
        says.extend(from.map(|names| said(words.directory_senders, names, words)));
    }
    DirectoryRow {
        name: cut(&visible(&object.name.lossy()), VALUE_MAX),
        class: visible(&object.class.replace('-', " ")),
        on: match entity.kind.as_str() {
            "directory" => object
                .host
                .as_ref()
                .map(|h| visible(&h.to_string()))
                .unwrap_or_default(),
            _ => visible(&entity.name),
        },
        says,
        dn: cut(&visible(&object.dn.lossy()), VALUE_MAX),
        sources: index
            .evidence(&entry.evidence, SOURCES_MAX)
            .iter()
            .map(|fact| {
                fill(
                    words.directory_told,
                    &[
                        &visible(fact.source.as_str()),
                        &index.name(&fact.vantage),
                        &fact.observed_at.minute(),
                    ],
                )
            })
            .collect(),
    }
}

/// `attribute: a, b and 3 more`.
fn said(attribute: &str, values: &[String], words: &Catalogue) -> String {
    let mut shown: Vec<String> = values
        .iter()
        .take(PRINTED_MAX)
        .map(|v| cut(&visible(v), VALUE_MAX))
        .collect();
    let more = values.len().saturating_sub(PRINTED_MAX);
    if more > 0 {
        shown.push(words.count(words.more, more));
    }
    format!("{}: {}", visible(attribute), shown.join(", "))
}
