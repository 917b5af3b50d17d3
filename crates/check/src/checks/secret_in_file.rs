//! `secret-in-file`: a password or key stands in a file, beside the place it opens. The value is never known here.

use std::collections::BTreeSet;

use groma_model::inventory::{Dependency, Likelihood, Severity};

use crate::wording::{count, names, place};
use crate::{Check, Draft, View};

pub(crate) struct SecretInFile;

impl Check for SecretInFile {
    fn name(&self) -> &'static str {
        "secret-in-file"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_consumer(|d| d.details.secret_in_file);
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let host = &first.consumer;
    let remote = dependencies.iter().any(|d| !d.details.local);
    let opened: BTreeSet<String> = dependencies.iter().map(|d| place(&d.provider)).collect();
    let mut draft = Draft::about(&[host.entity.as_str()]);
    draft.severity = if remote {
        Severity::Medium
    } else {
        Severity::Low
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} keeps {} in its files: whoever reads the machine, its backup or its copy can open {} too.",
        host.name,
        count(opened.len(), "password or key", "passwords or keys"),
        names(&opened)
    );
    let files: BTreeSet<&String> = dependencies
        .iter()
        .flat_map(|d| &d.details.written_in)
        .collect();
    let accounts: BTreeSet<&String> = dependencies
        .iter()
        .flat_map(|d| &d.details.accounts)
        .collect();
    let whose = if accounts.is_empty() {
        String::new()
    } else {
        format!("; for {}", names(accounts))
    };
    draft.indicator = match files.is_empty() {
        true => format!(
            "beside what it connects to: {}{whose}; the value was not read out",
            names(&opened)
        ),
        false => format!(
            "written in {}{whose}; the value was not read out",
            names(files)
        ),
    };
    "A copied disk or an old backup is enough to get in; and if the password changes in the move, this machine stops.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "List these files among what must change when the password or the server changes.",
        "Let only the account that needs it read the file, and leave it out of shared backups.",
        "With the move, issue a new password; do not carry the old one over.",
    ];
    view.entity(&host.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
