//! `service-account-interactive`: somebody sits down with the account of a program.

use groma_model::inventory::{Likelihood, Severity};
use groma_model::ledger::LedgerEntry;

use super::account::{Account, Uses, of_services};
use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct ServiceAccountInteractive;

impl Check for ServiceAccountInteractive {
    fn name(&self) -> &'static str {
        "service-account-interactive"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let accounts = of_services(view);
        let drafts = accounts.iter().filter_map(|(account, uses)| {
            let rows: Vec<&LedgerEntry> = uses
                .rows
                .iter()
                .copied()
                .filter(|row| is_interactive(row))
                .collect();
            (!rows.is_empty()).then(|| draft(view, account, uses, &rows))
        });
        drafts.collect()
    }
}

/// A desktop, or a logon that Windows calls interactive (4624, types 2, 7, 10 and 11). A key for ssh may be a program's.
fn is_interactive(row: &LedgerEntry) -> bool {
    let mechanism = row.mechanism.as_deref().unwrap_or_default().to_lowercase();
    row.kind == "rdp"
        || mechanism.contains("interactive")
        || (row.kind == "ssh"
            && matches!(mechanism.as_str(), "password" | "keyboard-interactive/pam"))
}

fn draft(
    view: &View<'_>,
    Account { of, name: account }: &Account<'_>,
    uses: &Uses<'_>,
    rows: &[&LedgerEntry],
) -> Draft {
    let mut draft = Draft::about(&[of.as_str(), account]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{account} is the account of a program, and somebody logs on with it by hand: what people do with it is in no plan."
    );
    let name = |id| view.entity(id).map_or("?", |e| e.name.as_str());
    let times = rows
        .iter()
        .map(|row| row.count)
        .fold(0, u64::saturating_add);
    let last = rows.iter().map(|row| row.last_seen).max();
    draft.indicator = format!(
        "{} to {} from {}{}; a program uses it towards {}",
        count(
            usize::try_from(times).unwrap_or(usize::MAX),
            "logon",
            "logons"
        ),
        names(rows.iter().map(|row| name(&row.provider))),
        names(rows.iter().map(|row| name(&row.consumer))),
        last.map(|at| format!(", last {}", at.day()))
            .unwrap_or_default(),
        names(uses.needs.iter().map(|d| d.provider.name.as_str())),
    );
    "A managed account that replaces it lets nobody log on by hand: scripts run from such a session stop, and nobody remembers them.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask who it is and what they do there; give them an account of their own.",
        "Then take the right to log on by hand from the account, and look again before the wave.",
    ];
    for row in rows {
        for id in [&row.provider, &row.consumer] {
            view.entity(id).into_iter().for_each(|e| draft.points_at(e));
        }
        draft.cites_evidence(&row.evidence);
    }
    uses.needs.iter().for_each(|need| draft.cites(need));
    draft
}
