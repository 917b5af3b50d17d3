//! `mail-relay-moves`: mail to partners leaves the house through a server that is about to move.

use std::collections::{BTreeSet, HashMap};

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Severity, WaveEntry};
use groma_model::mail_ledger::{MailDomainEntry, MailLedgerEntry};

use super::mail_rows::{about, consumers, grouped, name, number, sends, who};
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailRelayMoves;

impl Check for MailRelayMoves {
    fn name(&self) -> &'static str {
        "mail-relay-moves"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = grouped(view, |row| sends(row) && leaves(row).next().is_some());
        let waves = waves(view);
        let moving = groups.iter().filter_map(|(provider, rows)| {
            let wave = wave_of(view, &waves, provider)?;
            Some(draft(view, provider, rows, wave))
        });
        moving.collect()
    }
}

/// Domains of a row that are known to be others'.
fn leaves(row: &MailLedgerEntry) -> impl Iterator<Item = &MailDomainEntry> {
    row.recipient_domains
        .iter()
        .filter(|domain| domain.internal == Some(false))
}

/// The wave that takes each machine away, by the machine's name.
fn waves<'a>(view: &View<'a>) -> HashMap<&'a str, &'a WaveEntry> {
    let ahead = |wave: &&WaveEntry| !matches!(wave.state.as_str(), "moved" | "proven");
    let members = |wave: &'a WaveEntry| wave.members.iter().map(move |m| (m.as_str(), wave));
    view.all(|i| &i.waves)
        .filter(ahead)
        .flat_map(members)
        .collect()
}

fn wave_of<'a>(
    view: &View<'a>,
    waves: &HashMap<&'a str, &'a WaveEntry>,
    provider: &EntityId,
) -> Option<&'a WaveEntry> {
    let machine = view.entity(provider)?;
    let mut names = std::iter::once(&machine.name).chain(&machine.names);
    names.find_map(|name| waves.get(name.as_str()).copied())
}

fn draft(
    view: &View<'_>,
    provider: &EntityId,
    rows: &[&MailLedgerEntry],
    wave: &WaveEntry,
) -> Draft {
    let mut draft = about(view, provider, rows);
    draft.severity = Severity::High;
    draft.likelihood = Likelihood::Medium;
    draft.control_date = wave.window.map(|window| window.from);
    let machines = number(rows);
    let outside: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| leaves(row))
        .map(|domain| domain.name.as_str())
        .collect();
    draft.risk = format!(
        "{} {} mail to others through {}, which moves in {}: partners will get it from another address.",
        consumers(view, rows),
        agree(machines, "sends", "send"),
        name(view, provider),
        wave.name,
    );
    draft.indicator = format!(
        "{} outside ({}); {}",
        count(outside.len(), "domain", "domains"),
        names(outside),
        who(view, rows)
    );
    "Partners refuse mail from an address they do not know, SPF does not name it, and a filter that trusts the old one lets nothing through."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Put the new server's address into SPF and PTR, and tell partners who keep lists, before the switch.",
        "Move these senders with the server, or give them the new relay first.",
        "Send one message to each of these domains on the day of the move and wait for the answer.",
    ];
    draft
}
