//! `anonymous-directory-bind`: a client reads the directory without saying who it is.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::ledger::LedgerEntry;

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct AnonymousDirectoryBind;

impl Check for AnonymousDirectoryBind {
    fn name(&self) -> &'static str {
        "anonymous-directory-bind"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let of_directories = || view.all(|i| &i.ledger).filter(|r| r.kind == "ldap-bind");
        let says = |row: &&LedgerEntry| row.account.as_deref().is_some_and(|a| !a.is_empty());
        // A client that looks around before it says who it is does no harm.
        let named: BTreeSet<(&EntityId, &EntityId)> = of_directories()
            .filter(says)
            .map(|row| (&row.provider, &row.consumer))
            .collect();
        let mut servers: BTreeMap<&EntityId, Vec<&LedgerEntry>> = BTreeMap::new();
        let nameless = of_directories()
            .filter(|row| is_anonymous(row) && !named.contains(&(&row.provider, &row.consumer)));
        for row in nameless {
            servers.entry(&row.provider).or_default().push(row);
        }
        servers
            .into_iter()
            .filter_map(|(server, rows)| draft(view, server, &rows))
            .collect()
    }
}

/// An account that was told, and is empty; a log that tells none says nothing.
fn is_anonymous(row: &LedgerEntry) -> bool {
    row.account.as_deref() == Some("")
}

fn draft(view: &View<'_>, server: &EntityId, rows: &[&LedgerEntry]) -> Option<Draft> {
    let server = view.entity(server)?;
    let clients: BTreeMap<&EntityId, &str> = rows
        .iter()
        .filter_map(|row| Some((&row.consumer, view.entity(&row.consumer)?.name.as_str())))
        .collect();
    let times = rows
        .iter()
        .map(|row| row.count)
        .fold(0, u64::saturating_add);
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} {} without an account: a directory that asks everybody who they are turns them away.",
        count(clients.len(), "machine", "machines"),
        agree(clients.len(), "reads", "read"),
        server.name
    );
    draft.indicator = format!(
        "{} as nobody, from {}",
        count(
            usize::try_from(times).unwrap_or(usize::MAX),
            "bind",
            "binds"
        ),
        names(clients.values())
    );
    "Address books, telephones and scanners that find nobody after the move: the new server does not let strangers search.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Give each of them an account that may read what it looks for.",
        "Where a device cannot have one, let the new server answer strangers from its address alone, and write down until when.",
    ];
    draft.points_at(server);
    for row in rows {
        view.entity(&row.consumer)
            .into_iter()
            .for_each(|e| draft.points_at(e));
        draft.cites_evidence(&row.evidence);
    }
    Some(draft)
}
