//! How much lies on each machine, and how long it takes to carry it over.
//!
//! An agent measured it, or it is a guest and its platform tells of its disks. Both speak of the same bytes: where an agent
//! measured anything of a machine, the platform's number is left out.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory, Volume};

use super::machines::Machines;
use super::shape::{DiskBytes, PlatformPart, WaveVolume};

/// Names that are told.
const NAMES: usize = 10;

/// What is known of one machine.
#[derive(Clone, Copy, Default, Debug)]
struct Load {
    bytes: u64,
    /// What its platform tells, where that is all there is.
    told: Option<DiskBytes>,
    /// None where the inventory reckoned no hours for some of it.
    hours: Option<[f64; 2]>,
}

/// What lies on each node of which that is known.
pub(super) struct Loads(BTreeMap<usize, Load>);

impl Loads {
    /// File systems and what lies in them are two numbers for the same bytes, so the larger one counts for each machine.
    pub(super) fn of(inventory: &Inventory, machines: &Machines<'_>) -> Self {
        let entities: BTreeMap<&EntityId, &Entity> =
            inventory.entities.iter().map(|e| (&e.id, e)).collect();
        let mut whole: BTreeMap<(usize, String), &Volume> = BTreeMap::new();
        let mut parts: BTreeMap<(usize, String), &Volume> = BTreeMap::new();
        for volume in &inventory.volumes {
            let Some(node) = machines.node(&volume.entity) else {
                continue;
            };
            let entity = entities.get(&volume.entity);
            let is_machine = machines
                .nodes
                .get(node)
                .is_some_and(|n| n.entity.id == volume.entity);
            let (rows, key) = match entity {
                Some(entity) if is_machine => match device(entity, &volume.subject) {
                    Some(device) => (&mut whole, device),
                    None => continue,
                },
                // Of a thing with parts the whole counts: the largest row.
                _ => (&mut parts, volume.entity.to_string()),
            };
            let slot = rows.entry((node, key)).or_insert(volume);
            if (volume.bytes, &slot.subject) > (slot.bytes, &volume.subject) {
                *slot = volume;
            }
        }
        let mut loads = summed(whole);
        for (node, load) in summed(parts) {
            let slot = loads.entry(node).or_default();
            if load.bytes > slot.bytes {
                *slot = load;
            } else if let (Some(own), Some(more)) = (&mut slot.hours, load.hours) {
                // Many small things take longer than their bytes.
                own[1] = own[1].max(more[1]);
            }
        }
        for (node, load) in told(inventory, machines) {
            loads.entry(node).or_insert(load);
        }
        Self(loads)
    }

    /// What a wave of these nodes carries.
    pub(super) fn together(&self, machines: &Machines<'_>, nodes: &[usize]) -> WaveVolume {
        let known: Vec<&Load> = nodes.iter().filter_map(|n| self.0.get(n)).collect();
        let of_platforms = [DiskBytes::Used, DiskBytes::Provisioned].into_iter();
        let of_platforms = of_platforms.filter_map(|from| self.part(machines, nodes, from));
        let mut unknown: Vec<String> = nodes
            .iter()
            .filter(|n| !self.0.contains_key(n))
            .map(|n| machines.name(*n).to_owned())
            .collect();
        unknown.sort();
        let not_measured_total = unknown.len();
        unknown.truncate(NAMES);
        let bytes = known
            .iter()
            .fold(0_u64, |sum, l| sum.saturating_add(l.bytes));
        let hours: Option<Vec<[f64; 2]>> = known.iter().map(|l| l.hours).collect();
        let hours = hours.filter(|h| !h.is_empty());
        WaveVolume {
            bytes: (!known.is_empty()).then_some(bytes),
            transfer_hours: hours.map(|hours| {
                let sum = |at: fn(&[f64; 2]) -> f64| rounded(hours.iter().map(at).sum());
                [sum(|h| h[0]), sum(|h| h[1])]
            }),
            measured: known.iter().filter(|l| l.told.is_none()).count(),
            of_platforms: of_platforms.collect(),
            not_measured: unknown,
            not_measured_total,
        }
    }

    /// The guests of a wave of which platforms tell this alone.
    fn part(
        &self,
        machines: &Machines<'_>,
        nodes: &[usize],
        from: DiskBytes,
    ) -> Option<PlatformPart> {
        let of = |node: &&usize| self.0.get(*node).is_some_and(|l| l.told == Some(from));
        let those: Vec<&usize> = nodes.iter().filter(of).collect();
        let bytes = those.iter().filter_map(|n| self.0.get(*n));
        let mut names: Vec<String> = those
            .iter()
            .map(|n| machines.name(**n).to_owned())
            .collect();
        names.sort();
        names.truncate(NAMES);
        (!those.is_empty()).then(|| PlatformPart {
            from,
            bytes: bytes.fold(0, |sum, l| sum.saturating_add(l.bytes)),
            names,
            machines: those.len(),
        })
    }
}

/// What platforms tell of the disks of guests.
fn told(inventory: &Inventory, machines: &Machines<'_>) -> BTreeMap<usize, Load> {
    let mut told: BTreeMap<usize, Load> = BTreeMap::new();
    for guest in &inventory.guests {
        let node = machines.node(&guest.entity).zip(guest.bytes);
        let Some((node, bytes)) = node else {
            continue;
        };
        let load = Load {
            bytes,
            told: Some(match guest.bytes_measured {
                true => DiskBytes::Used,
                false => DiskBytes::Provisioned,
            }),
            hours: usable(guest.transfer_hours),
        };
        let slot = told.entry(node).or_insert(load);
        if load.bytes > slot.bytes {
            *slot = load;
        }
    }
    told
}

/// What a row of a machine is counted as: a device that is mounted in two places is one. None for what lies elsewhere.
fn device(entity: &Entity, subject: &str) -> Option<String> {
    let mounts = entity.attributes.file_systems.iter();
    let mut at = mounts.filter(|m| m.mount_point.as_str() == Some(subject));
    match at.next() {
        Some(mount) if mount.remote.is_some() => None,
        // Names like tmpfs stand for many devices; only a path is one.
        Some(mount) if mount.device.lossy().starts_with('/') || mount.device.is_of_windows() => {
            Some(format!("device {}", mount.device))
        }
        _ => Some(format!("subject {subject}")),
    }
}

fn summed(rows: BTreeMap<(usize, String), &Volume>) -> BTreeMap<usize, Load> {
    let mut loads: BTreeMap<usize, Load> = BTreeMap::new();
    for ((node, _), volume) in rows {
        let hours = usable(volume.transfer_hours);
        loads
            .entry(node)
            .and_modify(|load| {
                load.bytes = load.bytes.saturating_add(volume.bytes);
                load.hours = load
                    .hours
                    .zip(hours)
                    .map(|(a, b)| [a[0] + b[0], a[1] + b[1]]);
            })
            .or_insert(Load {
                bytes: volume.bytes,
                told: None,
                hours,
            });
    }
    loads
}

fn usable(hours: Option<[f64; 2]>) -> Option<[f64; 2]> {
    hours.filter(|h| h.iter().all(|h| h.is_finite() && *h >= 0.0))
}

/// To hundredths of an hour, as the inventory has them.
fn rounded(hours: f64) -> f64 {
    (hours * 100.0).round() / 100.0
}
