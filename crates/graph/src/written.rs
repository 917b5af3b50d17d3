//! References and mounts: what somebody wrote down.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::fact::{ComponentClass, Container, Job, Reference};
use groma_model::inventory::ReachedBy;
use groma_model::name::{Port, Transport};
use groma_model::registry::REGISTRY;
use groma_model::{Estate, Foreign, Meaning, Peer, Witness, contained};

use crate::draft::{Certainty, Draft, Drafts, Place, component, one_transport};
use crate::due::{job_that_starts, timer_of};
use crate::gather::{Gathered, Raw, Raws};
use crate::side_by_side;

/// Drafts of every written reference. A weak one (known_hosts) makes no edge; it confirms one that exists.
pub(crate) fn references(
    references: Raws<Reference>,
    gathered: &Gathered,
    estate: &Estate,
    drafts: &mut Drafts,
) {
    let (weak, firm): (Vec<_>, Vec<_>) = references.into_iter().partition(|r| r.fact.weak);
    side_by_side::each(
        firm,
        |raw| reference(*raw, gathered, estate),
        |read| {
            if let Some((place, draft)) = read {
                drafts.add(place, draft);
            }
        },
    );
    for raw in weak {
        let Some((place, draft)) = reference(*raw, gathered, estate) else {
            continue;
        };
        for known in drafts.places.get_mut(&place).into_iter().flatten() {
            known.evidence.extend(draft.evidence.iter().cloned());
            known.witnesses.insert(Witness::Written);
            known.reached.extend(draft.reached.iter().cloned());
        }
    }
}

fn reference(raw: Raw<Reference>, gathered: &Gathered, estate: &Estate) -> Option<(Place, Draft)> {
    let fact = &raw.fact;
    let container = container(&raw, estate);
    let meaning = match container {
        // One that names itself needs nobody.
        Some(container) if contained::stands_in(container, &fact.file) => return None,
        Some(_) => Meaning {
            entity: raw.host.clone(),
            reached_by: ReachedBy::Name,
            by: None,
        },
        None => estate.locate(&raw.site, &raw.vantage, &fact.peer)?,
    };
    let port = fact
        .port
        .or_else(|| default_port(&fact.kind, fact.transport));
    let place = Place {
        consumer: raw.host.clone(),
        provider: meaning.entity.clone(),
        port,
        transport: Some(one_transport(port, fact.transport)),
    };
    let mut draft = Draft::of(
        &raw,
        fact.component.clone(),
        &fact.kind,
        Certainty::Stated,
        Witness::Written,
    );
    draft
        .products
        .insert(fact.rule.split('-').next().unwrap_or(&fact.rule).to_owned());
    draft.files.insert(fact.file.clone());
    draft
        .written_in
        .insert(format!("{}:{}", fact.file, fact.line));
    draft.reached.insert(reached(&fact.peer, &meaning));
    match container {
        Some(container) => {
            let addresses = container.addresses.iter();
            draft.called.extend(addresses.map(IpAddr::to_canonical));
        }
        None => draft.called.extend(called(&fact.peer)),
    }
    draft
        .accounts
        .extend(fact.account.iter().map(ToString::to_string));
    draft
        .resources
        .extend(fact.resource.iter().map(ToString::to_string));
    draft.mechanisms.extend(fact.mechanism.iter().cloned());
    draft.protection = fact.protection;
    draft.secret = fact.has_secret;
    draft.rhythm.clone_from(&fact.rhythm);
    let jobs = gathered.jobs.get(&raw.host).map(Vec::as_slice);
    give_to_its_job(&mut draft, &fact.file, jobs.unwrap_or_default());
    Some((place, draft))
}

/// The container of the same machine that a reference names: its own port is meant then, whatever it is outside.
fn container<'a>(raw: &Raw<Reference>, estate: &'a Estate) -> Option<&'a Container> {
    let Peer::Name(name) = &raw.fact.peer else {
        return None;
    };
    let containers = &estate.entities.get(&raw.host)?.attributes.containers;
    contained::meant(containers, name, &raw.fact.file)
}

/// What a script names is what the job needs that starts the script; and what a unit needs has the rhythm of the timer
/// that starts it.
fn give_to_its_job(draft: &mut Draft, file: &Foreign, jobs: &[Job]) {
    let alone = matches!(
        draft.component.class,
        ComponentClass::File | ComponentClass::Executable
    );
    let job = match draft.component.class {
        _ if alone => job_that_starts(jobs, file),
        ComponentClass::Unit => draft
            .component
            .name
            .as_str()
            .and_then(|unit| timer_of(jobs, unit)),
        _ => None,
    };
    let Some(job) = job else {
        return;
    };
    if alone {
        draft.component = component(ComponentClass::ScheduledJob, job.name.clone());
    }
    if draft.rhythm.is_none() {
        draft.rhythm.clone_from(&job.rhythm);
    }
}

fn reached(peer: &Peer, meaning: &Meaning) -> (ReachedBy, String) {
    let by = match peer {
        Peer::Address(_) => ReachedBy::AddressLiteral,
        Peer::Name(_) => meaning.reached_by,
    };
    (by, peer.to_string())
}

/// The address a file states; a name has those of the day.
fn called(peer: &Peer) -> Option<IpAddr> {
    match peer {
        Peer::Address(address) => Some(address.to_canonical()).filter(|a| !a.is_unspecified()),
        Peer::Name(_) if peer.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
        Peer::Name(_) => None,
    }
}

/// The port a kind of service has by habit, where the file leaves it out.
fn default_port(kind: &str, transport: Transport) -> Option<Port> {
    REGISTRY
        .kind(kind)
        .endpoints()
        .find(|(_, t)| *t == transport)
        .map(|(port, _)| port)
}

/// Drafts of every mounted file system that lives on another machine.
pub(crate) fn mounts(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    for raw in &gathered.mounts {
        let Some(remote) = &raw.fact.remote else {
            continue;
        };
        let Some(meaning) = estate.locate(&raw.site, &raw.vantage, &remote.peer) else {
            continue;
        };
        let port = remote
            .port
            .or_else(|| default_port(&remote.kind, Transport::Tcp));
        let place = Place {
            consumer: raw.host.clone(),
            provider: meaning.entity.clone(),
            port,
            transport: Some(Transport::Tcp),
        };
        let part = component(ComponentClass::File, raw.fact.mount_point.clone());
        let mut draft = Draft::of(raw, part, &remote.kind, Certainty::Stated, raw.witness);
        draft.reached.insert(reached(&remote.peer, &meaning));
        draft.resources.insert(remote.resource.to_string());
        draft
            .accounts
            .extend(remote.account.iter().map(ToString::to_string));
        let line = drafts
            .places
            .get_mut(&place)
            .and_then(|known| known.iter_mut().find(|d| is_its_line(d, &draft)));
        match line {
            // The mount point names it, mounted or not, so that mounting it is not a new need.
            Some(line) => {
                line.component = draft.component.clone();
                line.absorb(draft);
            }
            None => drafts.add(place, draft),
        }
    }
}

/// True if `written` is the line of a file that says to mount what `mount` is.
fn is_its_line(written: &Draft, mount: &Draft) -> bool {
    written.component.class == ComponentClass::File
        && written.kind == mount.kind
        && !written.resources.is_disjoint(&mount.resources)
}
