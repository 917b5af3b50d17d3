//! `ntlm-client`: who still proves himself by NTLM.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::ledger::LedgerEntry;

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct NtlmClient;

impl Check for NtlmClient {
    fn name(&self) -> &'static str {
        "ntlm-client"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut servers: BTreeMap<&EntityId, Vec<&LedgerEntry>> = BTreeMap::new();
        for row in view.all(|i| &i.ledger).filter(|row| is_ntlm(row)) {
            servers.entry(&row.provider).or_default().push(row);
        }
        servers
            .into_iter()
            .filter_map(|(server, rows)| draft(view, server, &rows))
            .collect()
    }
}

fn word(row: &LedgerEntry) -> String {
    row.mechanism.as_deref().unwrap_or_default().to_lowercase()
}

/// `NTLMv2`, `NTLMv1`, `NTLM`, `ntlmssp`; LANMAN is older still.
fn is_ntlm(row: &LedgerEntry) -> bool {
    let word = word(row);
    word.starts_with("ntlm") || word.starts_with("lanman") || word == "lm"
}

/// The versions that newer servers refuse.
fn is_old(row: &LedgerEntry) -> bool {
    let word = word(row);
    word.starts_with("ntlmv1") || word.starts_with("lanman") || word == "lm"
}

fn draft(view: &View<'_>, server: &EntityId, rows: &[&LedgerEntry]) -> Option<Draft> {
    let server = view.entity(server)?;
    let clients: BTreeMap<&EntityId, &str> = rows
        .iter()
        .filter_map(|row| Some((&row.consumer, view.entity(&row.consumer)?.name.as_str())))
        .collect();
    let old = rows.iter().any(|row| is_old(row));
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.severity = if old {
        Severity::High
    } else {
        Severity::Medium
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = if old {
        Likelihood::High
    } else {
        Likelihood::Medium
    };
    draft.risk = format!(
        "{} still {} to {} by NTLM{}: it works by address and without Kerberos, and stops where the new server wants Kerberos.",
        count(clients.len(), "machine", "machines"),
        agree(clients.len(), "logs on", "log on"),
        server.name,
        if old {
            ", some by its first version"
        } else {
            ""
        },
    );
    let versions: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.mechanism.as_deref())
        .collect();
    let accounts = rows.iter().filter_map(|row| row.account.as_deref());
    let accounts = names(accounts.filter(|account| !account.is_empty()));
    let with = match accounts.is_empty() {
        true => String::new(),
        false => format!("; as {accounts}"),
    };
    draft.indicator = format!("{} from {}{with}", names(versions), names(clients.values()));
    "Copiers, old programs and whoever calls by address: each is refused without a word when NTLM is switched off or the name no longer fits.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "For each of them: call by name, give the name a service principal, and see Kerberos in the log.",
        "What cannot (a device, a program nobody mends) goes on a list of exceptions that the new server knows.",
        "Switch NTLM off for a test outside working hours before the wave, not in it.",
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
