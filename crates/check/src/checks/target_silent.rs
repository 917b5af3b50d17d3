//! `target-silent`: something is set up to call a service, and nobody listens there.

use groma_model::fact::ForwardEnd;
use groma_model::inventory::{Dependency, Likelihood, ListenerEntry, Severity, Strength};
use groma_model::{Port, Transport};

use crate::view::{is_written, was_seen_alive};
use crate::wording::{count, kinds_of, names, place, who};
use crate::{Check, Draft, View};

pub(crate) struct TargetSilent;

impl Check for TargetSilent {
    fn name(&self) -> &'static str {
        "target-silent"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let key = |d: &'_ Dependency| {
            Some((
                d.provider.port?,
                d.provider.transport.unwrap_or(Transport::Tcp),
            ))
        };
        let groups = view.grouped(|d| is_silent(view, d).then(|| (&d.provider.entity, key(d))));
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

/// Written, at a host whose listeners were all seen, and nobody listens there. A container may publish a
/// port without a listener of its own, so a host that runs containers is not judged.
pub(super) fn is_silent(view: &View<'_>, d: &Dependency) -> bool {
    // What the need itself tells comes first: most needs are answered there.
    let answered = d.current && was_seen_alive(d);
    let Some(port) = d.provider.port.filter(|_| is_written(d) && !answered) else {
        return false;
    };
    let transport = d.provider.transport.unwrap_or(Transport::Tcp);
    let host = &d.provider.entity;
    let Some(provider) = view.entity(host).filter(|e| e.has_agent) else {
        return false;
    };
    let publishes = provider.attributes.containers.iter().any(|c| c.running);
    // The kernel hands on what no program of the machine takes in.
    let handed_on = provider.attributes.forwards.iter().any(|f| {
        matches!(&f.listens, ForwardEnd::Endpoint { port: taken, .. } if taken.is_none_or(|p| p == port))
    });
    let open = view
        .listeners(host)
        .iter()
        .any(|l| answers(l, d, port, transport));
    !publishes && !handed_on && !open && view.listeners_complete(host, transport, port)
}

fn answers(listener: &ListenerEntry, d: &Dependency, port: Port, transport: Transport) -> bool {
    let reachable = d.details.local || !listener.address.is_loopback();
    listener.port == port && listener.transport == transport && reachable
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let port = provider.port.map_or_else(String::new, |p| p.to_string());
    let local = dependencies.iter().all(|d| d.details.local);
    let only_itself = view
        .listeners(&provider.entity)
        .iter()
        .any(|l| Some(l.port) == provider.port);
    let blocking = dependencies
        .iter()
        .any(|d| d.strength == Strength::Blocking);
    let mut draft = Draft::about(&[provider.entity.as_str(), &port]);
    draft.severity = match (blocking, local) {
        (true, false) => Severity::Medium,
        _ => Severity::Low,
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::Medium;
    let target = place(provider);
    draft.risk = match only_itself {
        true => format!(
            "{target} is written in a configuration, but {} answers there only to itself.",
            provider.name
        ),
        false => format!(
            "{target} is written in a configuration, but nobody listens there: a leftover, or a service that is down."
        ),
    };
    let files: Vec<&String> = dependencies
        .iter()
        .flat_map(|d| &d.details.written_in)
        .collect();
    let files = if files.is_empty() {
        String::new()
    } else {
        format!("; written in {}", names(files))
    };
    draft.indicator = format!(
        "{} for {}: {}{files}; everything that listens on {} was seen",
        count(dependencies.len(), "dependency", "dependencies"),
        kinds_of(dependencies),
        who(dependencies),
        provider.name
    );
    "Either nobody needs it any more, then it must not be carried over; or it is down now, and the move will be blamed for it.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask the owner whether it is still meant to work.",
        "If it is: start it and look again before the wave. If not: take the line out.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
