//! Dependencies as rows: who needs whom, how it is known, and why it is hidden.

use groma_model::inventory::{Dependency, Through};
use groma_model::registry::REGISTRY;
use serde::Serialize;

use super::Rows;
use crate::index::{Index, is_wrong};
use crate::text::Catalogue;
use crate::visible::visible;

/// Evidence lines per row.
const LINES: usize = 3;

/// One dependency, ready to print.
#[derive(Serialize)]
pub(crate) struct Need {
    pub(crate) id: String,
    pub(crate) consumer: String,
    pub(crate) component: String,
    pub(crate) provider: String,
    /// `389/tcp`, where a port is known.
    pub(crate) endpoint: Option<String>,
    /// The word of the registry.
    pub(crate) kind: String,
    /// The same for a person.
    pub(crate) kind_title: &'static str,
    pub(crate) strength: &'static str,
    pub(crate) basis: &'static str,
    pub(crate) witnesses: Vec<&'static str>,
    pub(crate) hidden: bool,
    pub(crate) shared: bool,
    pub(crate) reasons: Vec<String>,
    /// `by address 10.0.0.5`.
    pub(crate) reached: Option<String>,
    pub(crate) accounts: Vec<String>,
    pub(crate) mechanism: Option<String>,
    pub(crate) protection: Option<&'static str>,
    pub(crate) resources: Vec<String>,
    /// What stands between, from the consumer on: `reverse proxy nginx.service on web1:443`.
    pub(crate) through: Vec<String>,
    /// True if others behind the same relay do the same work.
    pub(crate) one_of_several: bool,
    /// Where the provider may hand it on to.
    pub(crate) onward: Vec<String>,
    pub(crate) written_in: Vec<String>,
    pub(crate) programs: Vec<String>,
    pub(crate) secret_in_file: bool,
    pub(crate) rhythm: Option<String>,
    pub(crate) first_seen: String,
    pub(crate) last_seen: String,
    /// Absent where nobody saw it in use.
    pub(crate) last_used: Option<String>,
    pub(crate) next_due: Option<String>,
    pub(crate) count: u64,
    pub(crate) current: bool,
    pub(crate) verdict: Option<String>,
    pub(crate) because: Vec<String>,
}

/// Hidden dependencies, the most surprising first.
pub(crate) fn hidden(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<Need> {
    Rows::first(&index.hidden(), limit, |d| need(d, index, words))
}

/// All dependencies nobody judged wrong: hidden ones first, shared services last.
pub(crate) fn all(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<Need> {
    let mut all = index.hidden();
    let plain = index
        .inventory
        .dependencies
        .iter()
        .filter(|d| !d.hidden && !is_wrong(d));
    let (mut own, mut shared): (Vec<_>, Vec<_>) = plain.partition(|d| !d.shared_service);
    all.append(&mut own);
    all.append(&mut shared);
    Rows::first(&all, limit, |d| need(d, index, words))
}

fn need(dependency: &Dependency, index: &Index<'_>, words: &Catalogue) -> Need {
    Need {
        because: evidence_lines(index, &dependency.evidence, LINES),
        ..Need::plain(dependency, words)
    }
}

impl Need {
    /// The row without its evidence.
    pub(crate) fn plain(dependency: &Dependency, words: &Catalogue) -> Self {
        let details = &dependency.details;
        let list = |texts: &[String]| texts.iter().map(|t| visible(t)).collect::<Vec<_>>();
        let verdict = dependency.verdict.as_ref();
        Self {
            id: visible(dependency.id.as_str()),
            consumer: visible(&dependency.consumer.name),
            component: visible(&dependency.consumer.component.name.lossy()),
            provider: visible(&dependency.provider.name),
            endpoint: endpoint(dependency),
            kind: visible(&dependency.kind),
            kind_title: &REGISTRY.kind(&dependency.kind).title,
            strength: words.strength(dependency.strength),
            basis: words.basis(dependency.basis),
            witnesses: dependency
                .witnesses
                .iter()
                .map(|w| words.witness(*w))
                .collect(),
            hidden: dependency.hidden,
            shared: dependency.shared_service,
            reasons: reasons(dependency),
            reached: reached(dependency, words),
            accounts: list(&details.accounts),
            mechanism: details.mechanism.as_deref().map(visible),
            protection: details.protection.map(|p| words.protection(p)),
            resources: list(&details.resources),
            through: details.through.iter().map(between).collect(),
            one_of_several: details.one_of_several,
            onward: list(&details.onward),
            written_in: list(&details.written_in),
            programs: list(&details.programs),
            secret_in_file: details.secret_in_file,
            rhythm: dependency.rhythm.as_deref().map(visible),
            first_seen: dependency.first_seen.minute(),
            last_seen: dependency.last_seen.minute(),
            last_used: details.last_used.map(|at| at.minute()),
            next_due: dependency.next_due.map(|t| t.minute()),
            count: dependency.count,
            current: dependency.current,
            verdict: verdict.map(|v| {
                format!(
                    "{}, {}: {}",
                    words.verdict(v.verdict),
                    visible(&v.by),
                    visible(&v.because)
                )
            }),
            because: Vec::new(),
        }
    }
}

/// One thing that stands between.
pub(crate) fn between(through: &Through) -> String {
    let mode = through.mode.word();
    let part = visible(&through.component.name.lossy());
    format!("{mode} {part} on {}", place(&through.name, through.port))
}

/// `web1:443`.
pub(crate) fn place(name: &str, port: Option<groma_model::Port>) -> String {
    let name = visible(name);
    match port {
        Some(port) if name.contains(':') => format!("[{name}]:{port}"),
        Some(port) => format!("{name}:{port}"),
        None => name,
    }
}

/// Facts as lines: what, and when it was last so.
pub(crate) fn evidence_lines(
    index: &Index<'_>,
    ids: &[groma_model::EvidenceId],
    limit: usize,
) -> Vec<String> {
    let facts = index.evidence(ids, limit);
    facts
        .iter()
        .map(|f| {
            format!(
                "{} ({}, {})",
                visible(&f.says),
                visible(f.source.as_str()),
                f.observed_at.minute()
            )
        })
        .collect()
}

/// `389/tcp`.
pub(crate) fn endpoint(dependency: &Dependency) -> Option<String> {
    let port = dependency.provider.port?;
    Some(match dependency.provider.transport {
        Some(transport) => format!("{port}/{transport}"),
        None => port.to_string(),
    })
}

/// Why it is hidden, for a person.
pub(crate) fn reasons(dependency: &Dependency) -> Vec<String> {
    dependency.hidden_because.iter().map(reason).collect()
}

/// One reason for a person; a word the registry does not hold stands as it came.
pub(crate) fn reason(word: &String) -> String {
    let known = REGISTRY.hidden.get(word).cloned();
    known.unwrap_or_else(|| visible(word))
}

/// How the consumer finds the provider, in words.
pub(crate) fn reached(dependency: &Dependency, words: &Catalogue) -> Option<String> {
    let by = dependency.reached_by.map(|by| words.reached_by(by));
    let name = dependency.reached_as.as_deref().map(visible);
    match (by, name) {
        (Some(by), Some(name)) => Some(format!("{by} {name}")),
        (Some(by), None) => Some(by.to_owned()),
        (None, name) => name,
    }
}
