//! Mailboxes that are tied to one another: one row for each two, however many lists and rights say so.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::mailbox::{MailboxTie, MailboxTieEntry, TieWay, mailbox_key_at};
use groma_model::{EntityId, EvidenceId};

use crate::gather::Raws;

#[derive(Default)]
struct Row {
    mailbox: BTreeSet<String>,
    names: BTreeSet<String>,
    other: BTreeSet<String>,
    ways: BTreeSet<TieWay>,
    rights: BTreeSet<String>,
    lists: BTreeSet<EntityId>,
    evidence: BTreeSet<EvidenceId>,
}

/// The ties that newest lists still say, sorted.
pub(crate) fn ties(facts: &Raws<MailboxTie>) -> Vec<MailboxTieEntry> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for raw in facts.iter().filter(|raw| raw.current) {
        let tie = &raw.fact;
        let (mailbox, other) = (tie.mailbox.to_string(), tie.other.to_string());
        // What a server's own files say has no list.
        let server = tie.at.as_ref().map(|_| &raw.host);
        let key = |name: &str| mailbox_key_at(name, server);
        let row = rows.entry((key(&mailbox), key(&other))).or_default();
        row.names.extend(tie.names.iter().cloned());
        row.rights.extend(tie.rights.iter().cloned());
        row.ways.insert(tie.way);
        row.lists.insert(raw.host.clone());
        row.evidence.insert(raw.id.clone());
        row.mailbox.insert(mailbox);
        row.other.insert(other);
    }
    let mut out: Vec<MailboxTieEntry> = rows.into_values().filter_map(entry).collect();
    out.sort();
    out
}

fn entry(mut row: Row) -> Option<MailboxTieEntry> {
    // The first spelling stands for all; the rest are further names.
    let mailbox = row.mailbox.pop_first()?;
    row.names.append(&mut row.mailbox);
    row.names.remove(&mailbox);
    Some(MailboxTieEntry {
        mailbox,
        names: row.names.into_iter().collect(),
        other: row.other.pop_first()?,
        ways: row.ways.into_iter().collect(),
        rights: row.rights.into_iter().collect(),
        lists: row.lists.into_iter().collect(),
        evidence: row.evidence.into_iter().collect(),
    })
}
