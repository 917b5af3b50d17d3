//! `clients-without-agent`: a time or name server's own list knows clients that nobody looked at.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::ledger::LedgerEntry;

use crate::sole::is_going;
use crate::wording::{agree, count, names, title};
use crate::{Check, Draft, View};

const KINDS: &[&str] = &["dns", "ntp"];

pub(crate) struct ClientsWithoutAgent;

impl Check for ClientsWithoutAgent {
    fn name(&self) -> &'static str {
        "clients-without-agent"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut servers: BTreeMap<(&EntityId, &str), Vec<&LedgerEntry>> = BTreeMap::new();
        for row in view.all(|i| &i.ledger) {
            let unknown = view
                .entity(&row.consumer)
                .is_some_and(|e| !e.has_agent && !e.declared);
            if unknown && KINDS.contains(&row.kind.as_str()) {
                let key = (&row.provider, row.kind.as_str());
                servers.entry(key).or_default().push(row);
            }
        }
        servers
            .into_iter()
            .filter_map(|((server, kind), rows)| {
                Some(draft(view, view.entity(server)?, kind, &rows))
            })
            .collect()
    }
}

fn draft(view: &View<'_>, server: &Entity, kind: &str, rows: &[&LedgerEntry]) -> Draft {
    let clients: BTreeSet<&EntityId> = rows.iter().map(|row| &row.consumer).collect();
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.about.push(kind.to_owned());
    draft.severity = match is_going(view, &server.id) {
        true => Severity::High,
        false => Severity::Low,
    };
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} of {} for {} {} nobody looked at: no agent will tell that {} changed over.",
        count(clients.len(), "client", "clients"),
        server.name,
        title(kind),
        agree(clients.len(), "is one that", "are ones that"),
        agree(clients.len(), "it was", "they were"),
    );
    let shown = clients.iter().filter_map(|id| view.entity(id));
    let newest = rows.iter().map(|row| row.last_seen).max();
    let asked = newest.map_or_else(String::new, |at| format!("; last asked {}", at.minute()));
    draft.indicator = format!("{}{asked}", names(shown.map(|e| e.name.as_str())));
    "Telephones, cameras, switches and forgotten machines go on asking the old address. What fails there is reported one by one, by people, for weeks.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out for each address what stands there and who looks after it; the neighbours and the lease list of the DHCP server know most of them.",
        "Change them over before the server goes, and look at its own list again until it stays empty.",
        "Keep the old address answering (on the new machine, if need be) until then.",
    ];
    draft.points_at(server);
    draft
        .subjects
        .extend(clients.iter().map(|id| id.to_string()));
    rows.iter()
        .for_each(|row| draft.cites_evidence(&row.evidence));
    draft
}
