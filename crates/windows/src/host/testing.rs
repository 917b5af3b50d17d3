//! What the tests of this folder share.

use groma_model::Fact;
use groma_model::fact::Reference;

use crate::{Area, Machine, Rows, Said, WrittenFiles, WrittenRegistry};

/// What an area says of a machine that has only these.
pub(crate) fn said(area: &Area, registry: &WrittenRegistry, rows: &Rows) -> Vec<Said> {
    let files = WrittenFiles::default();
    let machine = Machine {
        registry,
        files: &files,
        rows,
        certificate: &|_| None,
    };
    (area.read)(&machine)
}

/// All facts.
pub(crate) fn facts(said: &[Said]) -> impl Iterator<Item = &Fact> {
    said.iter().flat_map(|said| &said.facts)
}

/// What was missed, as `scope: what`.
pub(crate) fn missed(said: &[Said]) -> Vec<String> {
    let gaps = said.iter().flat_map(|said| &said.gaps);
    gaps.map(|gap| format!("{}: {}", gap.scope, gap.what))
        .collect()
}

/// All references, as `rule key -> kind peer:port/transport by part [resource] (account)`.
pub(crate) fn references(said: &[Said]) -> Vec<String> {
    let references = facts(said).filter_map(|fact| match fact {
        Fact::Reference(reference) => Some(line(reference)),
        _ => None,
    });
    references.collect()
}

fn line(reference: &Reference) -> String {
    let port = reference
        .port
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let mut line = format!(
        "{} {} -> {} {}{port}/{} by {}",
        reference.rule,
        reference.key,
        reference.kind,
        reference.peer,
        reference.transport,
        reference.component.name
    );
    if let Some(resource) = &reference.resource {
        line.push_str(&format!(" [{resource}]"));
    }
    if let Some(account) = &reference.account {
        line.push_str(&format!(" ({account})"));
    }
    line
}
