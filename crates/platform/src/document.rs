//! `groma.platform/1`: a document in the very words of [`groma_model::virtualization`], and which document a text is.

use std::collections::BTreeSet;

use groma_model::Fact;
use groma_model::fact::Measurement;
use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestNic, Hypervisor, PLATFORM_SCHEMA, Platform,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json::items;
use crate::words::{mac_address, own_uuid, reachable};
use crate::{Read, hyperv};

/// Most things of one kind.
const THINGS_MAX: usize = 200_000;
/// Longest words of a fault that are shown.
const FAULT_MAX: usize = 200;

/// A document of ours, by its `schema`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// `groma.platform/1`.
    Platform,
    /// `groma.hyperv/1`.
    HyperV,
}

/// Which document `value` is; `None` for none of ours.
pub fn sort(value: &Value) -> Option<Sort> {
    match value.get("schema")?.as_str()?.trim() {
        PLATFORM_SCHEMA => Some(Sort::Platform),
        hyperv::SCHEMA => Some(Sort::HyperV),
        _ => None,
    }
}

/// Reads a document of either sort.
pub fn of_value(value: &Value) -> Read {
    match sort(value) {
        Some(Sort::Platform) => platform(value),
        Some(Sort::HyperV) => hyperv::of_value(value),
        None => Read {
            untold: vec![format!(
                "its schema is neither {PLATFORM_SCHEMA} nor {}",
                hyperv::SCHEMA
            )],
            ..Read::default()
        },
    }
}

fn platform(value: &Value) -> Read {
    let mut read = Read::default();
    let mut keys = BTreeSet::new();
    let mut each = Each {
        value,
        read: &mut read,
        keys: &mut keys,
    };
    each.take(
        "clusters",
        |thing: &mut Cluster| Some((&thing.platform, &thing.key)),
        |thing| Fact::Cluster(Box::new(thing)),
    );
    each.take(
        "hypervisors",
        |thing: &mut Hypervisor| {
            thing.uuid = thing.uuid.as_deref().and_then(own_uuid);
            thing
                .addresses
                .retain(|address| reachable(&address.to_string()).is_some());
            for nic in &mut thing.nics {
                nic.mac = nic.mac.as_deref().and_then(mac_address);
            }
            Some((&thing.platform, &thing.key))
        },
        |thing| Fact::Hypervisor(Box::new(thing)),
    );
    each.take(
        "datastores",
        |thing: &mut Datastore| Some((&thing.platform, &thing.key)),
        |thing| Fact::Datastore(Box::new(thing)),
    );
    each.take(
        "guests",
        |thing: &mut Guest| {
            thing.uuid = thing.uuid.as_deref().and_then(own_uuid);
            thing.nics.iter_mut().for_each(plain);
            Some((&thing.platform, &thing.key))
        },
        |thing| Fact::Guest(Box::new(thing)),
    );
    each.take(
        "measurements",
        |thing: &mut Measurement| {
            thing.value.is_finite().then_some(())?;
            None
        },
        Fact::Measurement,
    );
    read
}

/// Addresses as every other reader writes them.
fn plain(nic: &mut GuestNic) {
    nic.mac = nic.mac.as_deref().and_then(mac_address);
    nic.addresses
        .retain(|address| reachable(&address.to_string()).is_some());
    nic.addresses.sort();
    nic.addresses.dedup();
}

struct Each<'a> {
    value: &'a Value,
    read: &'a mut Read,
    /// Things that were told: list, kind and id of the platform, key.
    keys: &'a mut BTreeSet<(&'static str, String)>,
}

impl Each<'_> {
    /// Takes the list `name`, thing by thing: one that makes no sense is told, and the rest goes on.
    fn take<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        known: impl Fn(&mut T) -> Option<(&Platform, &String)>,
        fact: impl Fn(T) -> Fact,
    ) {
        let list = self.value.get(name).unwrap_or(&Value::Null);
        let length = list.as_array().map_or(0, Vec::len);
        if length > THINGS_MAX {
            self.read.untold.push(format!(
                "{name}: more than {THINGS_MAX}, the rest is left out"
            ));
        }
        for (at, thing) in items(list, THINGS_MAX).enumerate() {
            let mut thing: T = match serde_json::from_value(thing.clone()) {
                Ok(thing) => thing,
                Err(error) => {
                    let fault: String = error.to_string().chars().take(FAULT_MAX).collect();
                    self.read.untold.push(format!("{name}[{at}]: {fault}"));
                    continue;
                }
            };
            match known(&mut thing) {
                Some((platform, key)) if key.is_empty() || platform.id.is_empty() => {
                    self.read.untold.push(format!(
                        "{name}[{at}]: key and platform.id must not be empty"
                    ));
                    continue;
                }
                Some((platform, key)) => {
                    let whole = platform.subject(key).to_string();
                    if !self.keys.insert((name, whole)) {
                        self.read
                            .untold
                            .push(format!("{name}[{at}]: its key stands above already"));
                        continue;
                    }
                }
                None => {}
            }
            self.read.facts.push(fact(thing));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a document of one machine says.
    fn document() -> Value {
        let platform = json!({"kind": "other", "id": "nutanix-1"});
        json!({
            "schema": "groma.platform/1",
            "guests": [{
                "platform": platform, "key": "vm-1", "name": "mail1", "sort": "machine", "uuid": "{4D2A1F60-9B7C-4E55-8A11-22334455AA66}",
                "power": "on", "nics": [{"name": "nic0", "mac": "50-6B-8D-01-02-03", "addresses": ["10.0.0.4", "fe80::1"]}],
                "disks": [{"name": "scsi.0", "format": "raw", "capacity_bytes": 34359738368_u64}], "a field of tomorrow": 1
            }],
            "hypervisors": [{"platform": platform, "key": "h1", "name": "ahv1"}],
            "clusters": [{"platform": platform, "key": "c1", "name": "cluster"}],
            "datastores": [{"platform": platform, "key": "s1", "name": "store", "sort": "spread"}],
            "measurements": [{"metric": "vm_cpu_peak_percent", "subject": "other:nutanix-1/vm-1", "value": 93.0}]
        })
    }

    #[test]
    fn a_document_is_read_into_the_same_words_everything_else_is_told_in() {
        let read = of_value(&document());
        assert_eq!(
            (read.facts.len(), read.untold.len()),
            (5, 0),
            "{:?}",
            read.untold
        );
        let guest = read.facts.iter().find_map(|fact| match fact {
            Fact::Guest(guest) => Some(guest),
            _ => None,
        });
        let guest = guest.unwrap();
        assert_eq!(
            guest.uuid.as_deref(),
            Some("4d2a1f60-9b7c-4e55-8a11-22334455aa66")
        );
        assert_eq!(guest.nics[0].mac.as_deref(), Some("50:6b:8d:01:02:03"));
        assert_eq!(
            guest.nics[0].addresses.len(),
            1,
            "one of the link is nobody's"
        );
    }

    #[test]
    fn a_thing_that_makes_no_sense_is_told_with_its_place_and_the_rest_is_read() {
        let mut document = document();
        let guests = document["guests"].as_array_mut().unwrap();
        let good = guests[0].clone();
        guests.push(json!({"name": "no key"}));
        guests.push(good);
        let read = of_value(&document);
        assert_eq!(read.facts.len(), 5);
        assert!(
            read.untold[0].starts_with("guests[1]: missing field"),
            "{:?}",
            read.untold
        );
        assert_eq!(read.untold[1], "guests[2]: its key stands above already");
    }

    #[test]
    fn another_document_is_none() {
        for value in [
            json!({}),
            json!({"schema": "groma.platform/2"}),
            json!([1]),
            json!({"schema": 1}),
        ] {
            assert_eq!(sort(&value), None);
            assert!(of_value(&value).facts.is_empty());
        }
    }

    #[test]
    fn no_document_breaks_the_reader() {
        let text = document().to_string();
        groma_fuzz::hammer(3000, &[text.as_bytes()], |bytes| {
            if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
                drop(of_value(&value));
                drop(platform(&value));
            }
        });
    }
}
