//! What was learnt from the entries of one question, on its way to facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::fact::{DirectoryNeed, DirectoryObject, Fact, Measurement, NeedReason};
use groma_model::{Foreign, HostName, Peer, Port, Reason, Stated, Timestamp, Transport};

use crate::ad::{Folders, Held};
use crate::cause::Cause;
use crate::entry::Entry;
use crate::mounts::Mounts;

/// Values of one attribute that a fact holds.
const VALUES_MAX: usize = 64;

/// Names that are told of those with malformed records.
const MALFORMED_SHOWN: usize = 8;

/// Addresses of names in zones that are kept until aliases are resolved.
const NAMES_MAX: usize = 300_000;

/// What later questions need of the answers to earlier ones, as it is noted between the two.
macro_rules! carried {
    ($($field:ident),*) => {
        impl Learnt {
            /// What is carried on, as JSON by name.
            pub(crate) fn carried(&self) -> Vec<(&'static str, serde_json::Value)> {
                vec![$((stringify!($field), serde_json::to_value(&self.$field).unwrap_or_default())),*]
            }

            /// True if [`Learnt::take_back`] understands it.
            pub(crate) fn reads(&self, name: &str, value: &serde_json::Value) -> bool {
                match name {
                    $(stringify!($field) => is_like(&self.$field, value),)*
                    _ => false,
                }
            }

            /// Takes back what was carried on; what cannot be read is as if nothing had been noted: false.
            pub(crate) fn take_back(&mut self, name: &str, value: serde_json::Value) -> bool {
                match name {
                    $(stringify!($field) => match serde_json::from_value(value) {
                        Ok(value) => {
                            self.$field = value;
                            true
                        }
                        Err(_) => false,
                    },)*
                    _ => false,
                }
            }
        }
    };
}

/// True if `value` can become what `_field` is.
fn is_like<'v, T: serde::Deserialize<'v>>(_field: &T, value: &'v serde_json::Value) -> bool {
    T::deserialize(value).is_ok()
}

carried!(
    counts,
    servers,
    mail_servers,
    policy_links,
    trusted_by,
    asked_for,
    mailbox_rights,
    rights_left_out,
    managed,
    relay_right,
    open_connectors,
    addresses,
    aliases,
    flat_names,
    group_members,
    disabled
);

/// Facts of one question, and what later questions need of it.
#[derive(Debug)]
pub(crate) struct Learnt {
    /// The directory's name: a DNS domain, or its naming context.
    pub(crate) directory: String,
    /// The server that is asked.
    pub(crate) server: (Peer, Port),
    /// The moment.
    pub(crate) now: Timestamp,
    /// What is to be told.
    pub(crate) facts: Vec<Fact>,
    /// Objects counted, never listed.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Directory servers by distinguished name, lower case, of their `server` object.
    pub(crate) servers: HashMap<String, HostName>,
    /// Mail servers by name, lower case.
    pub(crate) mail_servers: HashMap<String, Peer>,
    /// Where policies are linked: GUID in upper case → names of units.
    pub(crate) policy_links: HashMap<String, BTreeSet<String>>,
    /// Who may act for anybody towards a machine: identifier → machines.
    pub(crate) trusted_by: BTreeMap<String, BTreeSet<(String, Peer)>>,
    /// Identifiers whose names are wanted.
    pub(crate) asked_for: BTreeSet<String>,
    /// Mailboxes somebody else may use, until it is known who that is.
    pub(crate) mailbox_rights: Vec<Held>,
    /// Mailboxes with such rights that there was no room for.
    pub(crate) rights_left_out: u64,
    /// Managed accounts and who may fetch their passwords, until it is known who that is.
    pub(crate) managed: Vec<(DirectoryObject, Vec<String>)>,
    /// The right to send to any recipient, as this organisation numbers it.
    pub(crate) relay_right: Option<[u8; 16]>,
    /// Connectors that give it to everybody, by distinguished name, lower case.
    pub(crate) open_connectors: BTreeSet<String>,
    /// Names of zones and their addresses.
    pub(crate) addresses: HashMap<HostName, Vec<IpAddr>>,
    /// Names of zones that lead to another name.
    pub(crate) aliases: Vec<(HostName, HostName, u32)>,
    /// Names whose aliases lead back to them.
    pub(crate) circles: Vec<String>,
    /// What could not be read of the answers, for gaps.
    pub(crate) troubles: Vec<Cause>,
    /// Names with records that are none, and how many such records.
    pub(crate) faulty_records: (Vec<String>, u64),
    /// Machines whose account is switched off.
    pub(crate) disabled: BTreeSet<Peer>,
    /// Our own end of the conversation, where it has an address.
    pub(crate) own: Option<SocketAddr>,
    /// As whom we ask; empty for nobody.
    pub(crate) own_account: String,
    /// Machines by the distinguished name of their part in a replication group, lower case.
    pub(crate) group_members: HashMap<String, Peer>,
    /// Receive connectors whose conversations nobody writes down.
    pub(crate) unlogged: Vec<String>,
    /// Connections of this look, until it is known whether their accounts are people's.
    pub(crate) connected: Vec<DirectoryNeed>,
    /// Names that domains have in paths, lower case, and their names in DNS.
    pub(crate) flat_names: HashMap<String, HostName>,
    /// Shares that people have folders on, until all people were read.
    pub(crate) folders: Folders,
    /// Places that maps mount from, until all entries were read.
    pub(crate) mounts: Mounts,
}

impl Learnt {
    pub(crate) fn new(directory: String, server: (Peer, Port), now: Timestamp) -> Self {
        Self {
            directory,
            server,
            now,
            facts: Vec::new(),
            counts: BTreeMap::new(),
            servers: HashMap::new(),
            mail_servers: HashMap::new(),
            policy_links: HashMap::new(),
            trusted_by: BTreeMap::new(),
            asked_for: BTreeSet::new(),
            mailbox_rights: Vec::new(),
            rights_left_out: 0,
            managed: Vec::new(),
            relay_right: None,
            open_connectors: BTreeSet::new(),
            addresses: HashMap::new(),
            aliases: Vec::new(),
            circles: Vec::new(),
            troubles: Vec::new(),
            faulty_records: (Vec::new(), 0),
            disabled: BTreeSet::new(),
            own: None,
            own_account: String::new(),
            group_members: HashMap::new(),
            unlogged: Vec::new(),
            connected: Vec::new(),
            flat_names: HashMap::new(),
            folders: Folders::new(),
            mounts: Mounts::new(),
        }
    }

    /// Counts an object of a sort that is not listed.
    pub(crate) fn count(&mut self, what: &'static str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(what.to_owned(), 1);
            }
        }
    }

    /// Tells an object.
    pub(crate) fn object(&mut self, object: DirectoryObject) {
        self.facts.push(Fact::DirectoryObject(object));
    }

    /// Tells a need.
    pub(crate) fn need(&mut self, need: DirectoryNeed) {
        if need.consumer != need.provider {
            self.facts.push(Fact::DirectoryNeed(need));
        }
    }

    /// Keeps the addresses of a name in a zone.
    pub(crate) fn has_address(&mut self, name: &HostName, address: IpAddr) {
        if self.addresses.len() < NAMES_MAX || self.addresses.contains_key(name) {
            self.addresses
                .entry(name.clone())
                .or_default()
                .push(address);
        }
    }

    /// Notes records of a name that are none.
    pub(crate) fn malformed(&mut self, name: &str, records: u64) {
        let (names, count) = &mut self.faulty_records;
        *count += records;
        if names.len() < MALFORMED_SHOWN {
            names.push(name.to_owned());
        }
    }

    /// Says which records could not be read, once a question is answered.
    pub(crate) fn tell_malformed(&mut self) {
        let (names, count) = std::mem::take(&mut self.faulty_records);
        if count > 0 {
            self.troubles.push(Cause::new(
                format!(
                    "{count} records are not built as they should be, the first at {}",
                    names.join(", ")
                ),
                Reason::Malformed,
                "see what the DNS console shows there; delete what nobody can read",
            ));
        }
    }

    /// The counts as numbers that move.
    pub(crate) fn measurements(&mut self) {
        for (what, count) in std::mem::take(&mut self.counts) {
            self.facts.push(Fact::Measurement(Measurement {
                metric: format!("directory_{what}"),
                subject: Foreign::from(self.directory.as_str()),
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a directory has fewer than 2^52 objects"
                )]
                value: count as f64,
            }));
        }
    }

    /// How long the server took to answer the logon of this look: one sample, for it logs on once.
    pub(crate) fn bound_in(&mut self, bound_in: Option<Duration>) {
        let Some(bound_in) = bound_in else { return };
        let (peer, port) = &self.server;
        self.facts.push(Fact::Measurement(Measurement {
            metric: "directory_bind_seconds".to_owned(),
            subject: Foreign::from(format!("{peer} {port}").as_str()),
            value: bound_in.as_secs_f64(),
        }));
    }

    /// An object of `class` from `entry`, with the attributes named.
    pub(crate) fn described(
        &self,
        class: &str,
        entry: &Entry,
        attributes: &[&str],
    ) -> DirectoryObject {
        let name = entry
            .text("displayName")
            .or_else(|| entry.text("cn"))
            .unwrap_or_else(|| entry.first_name());
        let mut object = DirectoryObject {
            directory: self.directory.clone(),
            class: class.to_owned(),
            name: name.into(),
            dn: entry.dn.as_str().into(),
            host: None,
            account: None,
            attributes: Stated::new(),
        };
        for attribute in attributes {
            object.says(attribute, entry.texts(attribute));
        }
        object
    }
}

/// Adding what an object says.
pub(crate) trait Says {
    /// Notes the values of an attribute, sorted; none where there are none.
    fn says(&mut self, attribute: &str, values: impl IntoIterator<Item = String>);
}

impl Says for DirectoryObject {
    fn says(&mut self, attribute: &str, values: impl IntoIterator<Item = String>) {
        let mut values: Vec<String> = values.into_iter().filter(|v| !v.is_empty()).collect();
        values.sort();
        values.dedup();
        values.truncate(VALUES_MAX);
        if !values.is_empty() {
            self.attributes.insert(attribute.to_owned(), values);
        }
    }
}

/// A need with everything that has no better value left out.
pub(crate) fn need(
    consumer: Peer,
    provider: Peer,
    (kind, reason): (&str, NeedReason),
    entry: &Entry,
    attribute: &str,
) -> DirectoryNeed {
    DirectoryNeed {
        consumer,
        provider,
        port: None,
        transport: Transport::Tcp,
        kind: kind.to_owned(),
        reason,
        account: None,
        resource: None,
        protection: None,
        dn: entry.dn.as_str().into(),
        attribute: attribute.to_owned(),
    }
}
