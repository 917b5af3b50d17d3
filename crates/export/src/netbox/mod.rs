//! Objects for NetBox, in the shape of its REST API (docs.netbox.dev/en/stable/integrations/rest-api; the fields and
//! limits are those of version 4.6).
//!
//! One object with a list per endpoint, in the order in which they must be created: each list can be posted as it
//! stands to `/api/<its key>/`. Other objects are named by what is unique about them (`{"slug": …}`), which NetBox
//! takes in place of an id.
//!
//! Two kinds of reference NetBox takes by id alone, and ids exist only afterwards: to what an address or a MAC address
//! is assigned, and on what a service runs. There the document holds the type and, as NetBox itself answers, the object
//! (`assigned_object`, `parent`): whoever loads it looks that up and adds `assigned_object_id` or `parent_object_id`.
//!
//! NetBox refuses an address twice. One that several machines hold (an inner bridge, a cluster) is listed once,
//! assigned to nobody, and its description says who holds it. Loopback and link-local addresses are left out.

mod catalogue;
mod parts;
mod who;

use std::collections::BTreeMap;

use groma_model::inventory::Inventory;
use serde::Serialize;
use serde_json::Value;

use crate::object::Object;
use crate::view::View;
use parts::Parts;
use who::Estate;

/// The lists, by endpoint, in the order of creation.
#[derive(Serialize)]
struct Lists {
    #[serde(rename = "tenancy/tenants")]
    tenants: Vec<Value>,
    #[serde(rename = "dcim/sites")]
    sites: Vec<Value>,
    #[serde(rename = "dcim/manufacturers")]
    manufacturers: Vec<Value>,
    #[serde(rename = "dcim/device-roles")]
    roles: Vec<Value>,
    #[serde(rename = "dcim/platforms")]
    platforms: Vec<Value>,
    #[serde(rename = "dcim/device-types")]
    types: Vec<Value>,
    #[serde(rename = "virtualization/cluster-types")]
    cluster_types: Vec<Value>,
    #[serde(rename = "virtualization/clusters")]
    clusters: Vec<Value>,
    #[serde(rename = "dcim/devices")]
    devices: Vec<Value>,
    #[serde(rename = "virtualization/virtual-machines")]
    virtual_machines: Vec<Value>,
    #[serde(rename = "dcim/interfaces")]
    interfaces: Vec<Value>,
    #[serde(rename = "virtualization/interfaces")]
    virtual_interfaces: Vec<Value>,
    #[serde(rename = "dcim/mac-addresses")]
    macs: Vec<Value>,
    #[serde(rename = "ipam/ip-addresses")]
    addresses: Vec<Value>,
    #[serde(rename = "ipam/services")]
    services: Vec<Value>,
}

/// Machines and devices, and what stands on them, as objects for NetBox.
pub fn netbox(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let estate = Estate::of(&view);
    let parts = Parts::of(&estate);
    let lists = Lists {
        tenants: values(estate.tenants.objects()),
        sites: values(
            estate
                .sites
                .objects()
                .map(|site| site.with("status", "active")),
        ),
        manufacturers: values(estate.manufacturers.objects()),
        roles: values(
            estate
                .roles
                .objects()
                .map(|role| role.with("vm_role", true)),
        ),
        platforms: values(estate.platforms.objects()),
        types: values(estate.device_types()),
        cluster_types: values(estate.cluster_types.objects()),
        clusters: values(estate.clusters()),
        devices: values(estate.devices()),
        virtual_machines: values(estate.virtual_machines()),
        interfaces: values(parts.interfaces(&estate, false)),
        virtual_interfaces: values(parts.interfaces(&estate, true)),
        macs: values(parts.macs(&estate)),
        addresses: values(parts.addresses(&estate)),
        services: values(services(&view, &estate)),
    };
    let mut text = serde_json::to_string_pretty(&lists).unwrap_or_default();
    text.push('\n');
    text
}

fn values(objects: impl IntoIterator<Item = Object>) -> Vec<Value> {
    objects.into_iter().map(Value::from).collect()
}

/// What listens where others reach it: the ports of one service of one machine are one object.
fn services<'i>(view: &View<'i>, estate: &Estate<'i>) -> Vec<Object> {
    let mut found: BTreeMap<(&str, String, &str), Vec<u16>> = BTreeMap::new();
    for listener in &view.inventory.listeners {
        let port = listener.port.0;
        if port == 0
            || listener.address.to_canonical().is_loopback()
            || estate.who(&listener.entity).is_none()
        {
            continue;
        }
        let unit = listener
            .process
            .unit
            .as_deref()
            .map(|unit| unit.trim_end_matches(".service"));
        let file = listener
            .process
            .executable
            .as_ref()
            .map(|file| file.file_name().lossy().into_owned());
        let name = listener
            .service
            .as_deref()
            .or(unit)
            .map(str::to_owned)
            .or(file);
        let name = name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| "unknown".to_owned());
        let key = (listener.entity.as_str(), name, listener.transport.as_str());
        found.entry(key).or_default().push(port);
    }
    let object = |((id, name, protocol), mut ports): ((&str, String, &str), Vec<u16>)| {
        ports.sort_unstable();
        ports.dedup();
        let who = estate.who_by(id)?;
        let parent = match who.is_virtual {
            true => "virtualization.virtualmachine",
            false => "dcim.device",
        };
        let object = Object::default()
            .short("name", &name, 100)
            .with("protocol", protocol)
            .with("ports", ports);
        Some(
            object
                .with("parent_object_type", parent)
                .with("parent", who.reference(estate)),
        )
    };
    found.into_iter().filter_map(object).collect()
}
