//! Proposed systems: what each machine seems to be for. A person confirms, renames, groups.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Dependency, ListenerEntry, System};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Estate};

use crate::live::service;

/// One system per machine that serves somebody, with the functions its listeners and consumers show.
pub(crate) fn propose(
    estate: &Estate,
    listeners: &[ListenerEntry],
    dependencies: &[Dependency],
) -> Vec<System> {
    let mut functions: BTreeMap<&EntityId, BTreeSet<&str>> = BTreeMap::new();
    let mut products: BTreeMap<&EntityId, BTreeSet<&str>> = BTreeMap::new();
    for listener in listeners.iter().filter(|l| !l.address.is_loopback()) {
        if let Some(service) = service(&listener.process) {
            functions
                .entry(&listener.entity)
                .or_default()
                .insert(&service.function);
            products
                .entry(&listener.entity)
                .or_default()
                .insert(&service.product);
        }
    }
    for dependency in dependencies
        .iter()
        .filter(|d| !d.details.local && d.kind != "other")
    {
        let layer = &REGISTRY.kind(&dependency.kind).layer;
        functions
            .entry(&dependency.provider.entity)
            .or_default()
            .insert(function_of(&dependency.kind, layer));
    }
    functions
        .into_iter()
        .filter_map(|(id, functions)| {
            let entity = estate
                .entities
                .get(id)
                // What carries machines is the system of none of them.
                .filter(|e| REGISTRY.is_machine(&e.kind) && e.kind != "hypervisor")?;
            let product = products
                .remove(id)
                .map(|p| p.into_iter().collect::<Vec<_>>().join(", "));
            Some(proposal(
                entity.id.clone(),
                &entity.name,
                functions,
                product,
                entity.owner.clone(),
                entity.criticality.clone(),
            ))
        })
        .collect()
}

/// What serving a kind of need makes a machine, in the words of `groma_knowledge::services`.
fn function_of<'a>(kind: &'a str, layer: &'a str) -> &'a str {
    match kind {
        "dns" => "name resolution",
        "ntp" => "time",
        "print" | "fax" => kind,
        "smb" | "nfs" | "ftp" => "files",
        "iscsi" => "block storage",
        "ldap-bind" | "kerberos" | "radius" => "directory",
        "http" => "web",
        "http-proxy" => "web proxy",
        "message-queue" => "messaging",
        "syslog" => "log collection",
        "ups" => "power",
        "ssh" | "rdp" | "telnet" => "remote access",
        "package-mirror" => "packages",
        _ => layer,
    }
}

fn proposal(
    id: EntityId,
    name: &str,
    functions: BTreeSet<&str>,
    product: Option<String>,
    owner: Option<String>,
    criticality: Option<String>,
) -> System {
    System {
        id: format!("sys-{id}"),
        name: name.to_owned(),
        functions: functions.into_iter().map(str::to_owned).collect(),
        members: vec![id],
        product,
        version: None,
        owner,
        key_users: None,
        on_call: None,
        criticality,
        allowed_downtime: None,
        disposition: None,
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    }
}
