//! What checks found about the machines of the wave, where no other question of the checklist says it.

use groma_model::inventory::{Finding, FindingState, Severity};

use super::item::{Draft, Topic};
use super::scene::Scene;

/// Checks whose question is asked here in the words of the wave.
const ASKED: &[&str] = &[
    "address-literal",
    "certificate-expires-soon",
    "certificate-name-mismatch",
    "delegation-crosses-systems",
    "delegation-crosses-waves",
    "hosts-file-override",
    "local-mail-archive",
    "mail-name-certificate",
    "mail-record-names-host",
    "pinned-certificate",
    "scheduled-only",
    "service-principal-names-host",
    "ttl-too-long",
];

/// Checks about what hangs on a machine, and about copies of its data.
const MACHINES: &[&str] = &["attached-hardware", "operating-system-end-of-life"];
const BACKUPS: &[&str] = &["backup-not-running", "data-without-backup"];
const ACCOUNTS: &[&str] = &[
    "account",
    "managed-account-hosts",
    "shared-account",
    "directory-role",
    "unconstrained-delegation",
];

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let leaving: std::collections::BTreeSet<&str> =
        scene.leaving.iter().map(|id| id.as_str()).collect();
    let ours = |f: &&Finding| {
        f.state == FindingState::Open && f.subjects.iter().any(|s| leaving.contains(s.as_str()))
    };
    let findings = scene.inventory.findings.iter().filter(ours);
    findings
        .filter(|f| !ASKED.contains(&f.check.as_str()))
        .map(|finding| draft(scene, finding))
        .collect()
}

fn draft(scene: &Scene<'_>, finding: &Finding) -> Draft {
    let check = finding.check.as_str();
    let topic = match check {
        _ if MACHINES.contains(&check) => Topic::Machines,
        _ if BACKUPS.contains(&check) => Topic::Backup,
        _ if ACCOUNTS.contains(&check) => Topic::Accounts,
        _ => Topic::Risks,
    };
    let first = finding.mitigations.first().map_or("", String::as_str);
    let grave = match finding.severity {
        Severity::Critical => "Critical: ",
        Severity::High => "High: ",
        Severity::Medium | Severity::Low => "",
    };
    Draft::to_do(
        topic,
        &["finding", finding.id.as_str()],
        format!("{grave}{}", finding.risk),
    )
    .because(joined(&finding.indicator, first))
    .who(finding.owner.clone().or_else(|| scene.wave.owner.clone()))
    .on(&finding.subjects)
    .cites(&finding.evidence)
    .by(finding.control_date.or_else(|| scene.begins()))
}

/// What shows it, and what to do first.
fn joined(indicator: &str, first: &str) -> String {
    match (indicator.is_empty(), first.is_empty()) {
        (true, _) => first.to_owned(),
        (false, true) => format!("{indicator}."),
        (false, false) => format!("{indicator}. {first}"),
    }
}
