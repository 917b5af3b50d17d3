//! What devices say of themselves: of a machine that takes no agent, this is all there is.
//!
//! It describes the entity at the address that was asked and joins nothing: a device may call itself what it likes, and
//! addresses it claims besides stay a claim. Where several ways tell of one device, each is kept, and the newest of each way.

use std::collections::BTreeMap;

use groma_model::Estate;
use groma_model::device::{DeviceClass, DeviceSays, DeviceWitness};
use groma_model::inventory::Entity;

use crate::gather::{Gathered, Spoken};

/// Layer of things that are no computers.
const ENDPOINT: &str = "endpoint";

/// Adds what each device says to the entity at its address.
pub(crate) fn describe(gathered: &Gathered, estate: &mut Estate) {
    let mut at: BTreeMap<_, Vec<&Spoken>> = BTreeMap::new();
    for spoken in &gathered.devices {
        let address = spoken.says.address.to_canonical();
        if let Some(id) = estate.addresses.get(&(spoken.site.clone(), address)) {
            at.entry(id.clone()).or_default().push(spoken);
        }
    }
    for (id, spoken) in at {
        if let Some(entity) = estate.entities.get_mut(&id) {
            add(entity, &spoken);
        }
    }
}

/// `spoken` is in the order of newness, what holds last.
fn add(entity: &mut Entity, spoken: &[&Spoken]) {
    entity
        .evidence
        .extend(spoken.iter().map(|spoken| spoken.evidence.clone()));
    let mut newest: BTreeMap<(DeviceWitness, _), &DeviceSays> = BTreeMap::new();
    let holds = spoken.iter().filter(|spoken| spoken.current);
    newest.extend(holds.map(|spoken| ((spoken.says.by, spoken.says.address), &spoken.says)));
    let says: Vec<DeviceSays> = newest.into_values().cloned().collect();
    if !entity.has_agent {
        take_over(entity, &says);
    }
    entity.attributes.device_says = says;
    entity.attributes.device_says.sort();
}

fn take_over(entity: &mut Entity, says: &[DeviceSays]) {
    for device in says {
        entity
            .names
            .extend(device.names.iter().map(ToString::to_string));
        entity.attributes.macs.extend(device.macs.iter().cloned());
    }
    entity.attributes.macs.sort();
    entity.attributes.macs.dedup();
    let named_by_address = entity
        .addresses
        .iter()
        .any(|address| entity.name == address.to_string());
    let mut names = says.iter().flat_map(|device| &device.names);
    if named_by_address && let Some(name) = names.next() {
        entity.name = name.to_string();
    }
    if entity.kind == "host" && !entity.declared && is_device(says) {
        "device".clone_into(&mut entity.kind);
        ENDPOINT.clone_into(&mut entity.layer);
    }
}

/// What somebody read off its panel, or its tables, says: it is none of the computers that take an agent. One way that
/// takes it for a computer outweighs the others, for a computer may imitate every device.
fn is_device(says: &[DeviceSays]) -> bool {
    let classes = || says.iter().filter_map(|device| device.class);
    classes().any(DeviceClass::is_device) && classes().all(DeviceClass::is_device)
}
