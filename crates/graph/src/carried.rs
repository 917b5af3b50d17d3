//! What a platform of virtualization tells of who carries whom: a guest runs on a host, its disks lie on datastores, its cards
//! are plugged into switches, and the datastore may be another machine's share. Whom the hosts ask for names and the time is a
//! need of theirs like any other.
//!
//! A template never runs, and what a guest that was moved had before is not told again.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{Datastore, Guest, HostIdentity, Hypervisor};
use groma_model::inventory::ReachedBy;
use groma_model::name::Transport;
use groma_model::virtualization::{ATTACHED_TO, GuestSort, Platform, RUNS_ON, STORED_ON};
use groma_model::{EntityId, Estate, Peer, Port, SiteId, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, one_transport};
use crate::gather::{Gathered, Raw};
use crate::live::whole;

/// Hosts by site, platform and key.
type Hosts<'a> = BTreeMap<(&'a SiteId, &'a Platform, &'a str), &'a Hypervisor>;

/// Adds what platforms tell to the drafts of everything else.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    let mut hosts: Vec<&Raw<Hypervisor>> = gathered.hypervisors.iter().map(AsRef::as_ref).collect();
    // What still holds, and of that the newest, speaks for a host.
    hosts.sort_by_key(|raw| (raw.current, raw.seen.last, &raw.id));
    let hosts: Hosts<'_> = hosts
        .into_iter()
        .map(|raw| {
            (
                (&raw.site, &raw.fact.platform, raw.fact.key.as_str()),
                &raw.fact,
            )
        })
        .collect();
    for raw in &gathered.guests {
        guest(raw, &hosts, estate, drafts);
    }
    for raw in gathered.carried.iter().filter(|raw| raw.current) {
        told_by_host(raw, estate, drafts);
    }
    for raw in &gathered.hypervisors {
        hypervisor(raw, estate, drafts);
    }
    for raw in &gathered.datastores {
        datastore(raw, estate, drafts);
    }
}

fn guest(raw: &Raw<Guest>, hosts: &Hosts<'_>, estate: &Estate, drafts: &mut Drafts) {
    let guest = &raw.fact;
    if guest.sort == GuestSort::Template {
        return;
    }
    let Some(consumer) = entity(raw, &guest.platform, &guest.key, estate) else {
        return;
    };
    // Another platform, or a newer look, speaks for it now: this one's word is of before.
    let known = estate
        .entities
        .get(consumer)
        .and_then(|e| e.attributes.guest.as_deref());
    let speaks = known.is_some_and(|known| {
        (&known.platform, &known.key, &known.host) == (&guest.platform, &guest.key, &guest.host)
    });
    if !speaks {
        return;
    }
    let mut add = |key: &str, kind: &str, resources: Vec<String>| {
        if let Some(provider) = entity(raw, &guest.platform, key, estate) {
            let mut draft = stated(raw, consumer, kind, estate);
            draft.resources.extend(resources);
            lead(consumer, provider, draft, drafts);
        }
    };
    if let Some(host) = &guest.host {
        add(host, RUNS_ON, Vec::new());
    }
    let stores: BTreeSet<&String> = guest
        .disks
        .iter()
        .filter_map(|disk| disk.datastore.as_ref())
        .collect();
    for store in stores {
        let here = guest
            .disks
            .iter()
            .filter(|disk| disk.datastore.as_ref() == Some(store));
        add(
            store,
            STORED_ON,
            here.map(|disk| disk.name.clone()).collect(),
        );
    }
    for switch in switches(&raw.site, guest, hosts) {
        add(&switch, ATTACHED_TO, Vec::new());
    }
}

/// Keys of the switches its cards are plugged into: those of its own host, or one that spans hosts.
fn switches(site: &SiteId, guest: &Guest, hosts: &Hosts<'_>) -> BTreeSet<String> {
    let at = guest
        .host
        .as_deref()
        .map(|key| (site, &guest.platform, key));
    let Some(host) = at.and_then(|at| hosts.get(&at)) else {
        return BTreeSet::new();
    };
    let named = guest.nics.iter().filter_map(|nic| {
        host.switches.iter().find(|switch| {
            let by_group = switch
                .port_groups
                .iter()
                .any(|group| Some(&group.name) == nic.network.as_ref());
            nic.switch
                .as_ref()
                .map_or(by_group, |name| *name == switch.name)
        })
    });
    named.map(|switch| host.switch_key(switch)).collect()
}

/// The machine knows from inside whom it runs on.
fn told_by_host(raw: &Raw<HostIdentity>, estate: &Estate, drafts: &mut Drafts) {
    let Some(host) = raw.fact.carried_by.clone().map(Peer::Name) else {
        return;
    };
    if let Some(meaning) = estate.locate(&raw.site, &raw.vantage, &host) {
        let part = whole(&raw.host, estate);
        let mut draft = Draft::of(raw, part, RUNS_ON, Certainty::Stated, raw.witness);
        draft.reached.insert((meaning.reached_by, host.to_string()));
        lead(&raw.host, &meaning.entity, draft, drafts);
    }
}

fn hypervisor(raw: &Raw<Hypervisor>, estate: &Estate, drafts: &mut Drafts) {
    let host = &raw.fact;
    let Some(consumer) = entity(raw, &host.platform, &host.key, estate) else {
        return;
    };
    // One that spans hosts stands on none of them.
    for switch in host.switches.iter().filter(|switch| !switch.distributed) {
        let key = host.switch_key(switch);
        if let Some(switch) = entity(raw, &host.platform, &key, estate) {
            lead(
                switch,
                consumer,
                stated(raw, switch, RUNS_ON, estate),
                drafts,
            );
        }
    }
    let asked = [
        ("dns", Port(53), Transport::Udp, &host.dns_servers),
        ("ntp", Port(123), Transport::Udp, &host.ntp_servers),
    ];
    for (kind, port, transport, peers) in asked {
        for peer in peers {
            let Some(meaning) = estate.locate(&raw.site, &raw.vantage, peer) else {
                continue;
            };
            // "Myself" is the platform's host, not the machine that asked it.
            if peer.is_loopback() || meaning.entity == *consumer {
                continue;
            }
            let place = Place {
                consumer: consumer.clone(),
                provider: meaning.entity.clone(),
                port: Some(port),
                transport: Some(one_transport(Some(port), transport)),
            };
            let mut draft = stated(raw, consumer, kind, estate);
            let by = match peer {
                Peer::Address(_) => ReachedBy::AddressLiteral,
                Peer::Name(_) => meaning.reached_by,
            };
            draft.reached.insert((by, peer.to_string()));
            drafts.add(place, draft);
        }
    }
}

fn datastore(raw: &Raw<Datastore>, estate: &Estate, drafts: &mut Drafts) {
    let store = &raw.fact;
    let consumer = entity(raw, &store.platform, &store.key, estate);
    if let (Some(consumer), [only], None) = (consumer, store.hosts.as_slice(), &store.server)
        && store.shared != Some(true)
        && let Some(host) = entity(raw, &store.platform, only, estate)
    {
        lead(
            consumer,
            host,
            stated(raw, consumer, STORED_ON, estate),
            drafts,
        );
    }
    let server = store.server.as_ref().filter(|peer| !peer.is_loopback());
    let server =
        server.and_then(|peer| Some((peer, estate.locate(&raw.site, &raw.vantage, peer)?)));
    let (Some(consumer), Some((peer, meaning))) = (consumer, server) else {
        return;
    };
    let mut draft = stated(raw, consumer, STORED_ON, estate);
    draft.reached.insert((meaning.reached_by, peer.to_string()));
    draft
        .resources
        .extend(store.path.as_ref().map(|path| path.lossy().into_owned()));
    lead(consumer, &meaning.entity, draft, drafts);
}

fn entity<'e, T>(
    raw: &Raw<T>,
    platform: &Platform,
    key: &str,
    estate: &'e Estate,
) -> Option<&'e EntityId> {
    let subject = platform.subject(key).to_string();
    estate.on_platforms.get(&(raw.site.clone(), subject))
}

fn stated<T>(raw: &Raw<T>, consumer: &EntityId, kind: &str, estate: &Estate) -> Draft {
    let part = whole(consumer, estate);
    let mut draft = Draft::of(raw, part, kind, Certainty::Stated, Witness::Declared);
    draft.alive = 0;
    draft
}

fn lead(consumer: &EntityId, provider: &EntityId, draft: Draft, drafts: &mut Drafts) {
    if consumer == provider {
        return;
    }
    let place = Place {
        consumer: consumer.clone(),
        provider: provider.clone(),
        port: None,
        transport: None,
    };
    drafts.add(place, draft);
}
