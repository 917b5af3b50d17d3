//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use std::collections::BTreeMap;

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{AffinitySort, Blocker, Guest, GuestRow, GuestSort, Platform};
use groma_model::{EntityId, SiteId};

use crate::volumes::copy_hours;

/// Makes the rows of `inventory` anew, for its line. Sorted by guest.
pub fn fill(inventory: &mut Inventory) {
    let numbers = Numbers::of(inventory);
    let platforms = Platforms::of(&inventory.entities);
    let rows = inventory.entities.iter().filter_map(|entity| {
        let guest = entity.attributes.guest.as_deref()?;
        let told = guest.sort != GuestSort::Template;
        told.then(|| row(entity, guest, &numbers, &platforms, inventory.link_bps))
    });
    let mut rows: Vec<GuestRow> = rows.collect();
    rows.sort_by(|a, b| a.entity.cmp(&b.entity));
    inventory.guests = rows;
}

/// The newest numbers of guests.
struct Numbers(BTreeMap<(EntityId, String), f64>);

impl Numbers {
    fn of(inventory: &Inventory) -> Self {
        let mut of_guests: Vec<_> = inventory
            .measurements
            .iter()
            .filter(|number| number.metric.starts_with("vm_"))
            .collect();
        of_guests.sort_by_key(|number| number.at);
        let newest = of_guests
            .into_iter()
            .map(|number| ((number.entity.clone(), number.metric.clone()), number.value));
        Self(newest.collect())
    }

    fn of_guest(&self, entity: &EntityId, metric: &str) -> Option<f64> {
        let value = self.0.get(&(entity.clone(), metric.to_owned()));
        value
            .copied()
            .filter(|value| value.is_finite() && *value >= 0.0)
    }
}

/// A thing of a platform: what installations are called means something within a site alone.
type At<'a> = (&'a SiteId, &'a Platform, &'a str);

/// Hosts by key, and whom a rule binds to hosts.
struct Platforms<'a> {
    hosts: BTreeMap<At<'a>, &'a EntityId>,
    bound: BTreeMap<At<'a>, Vec<&'a str>>,
}

impl<'a> Platforms<'a> {
    fn of(entities: &'a [Entity]) -> Self {
        let mut bound: BTreeMap<At<'_>, Vec<&str>> = BTreeMap::new();
        for entity in entities {
            let Some(cluster) = entity.attributes.cluster.as_deref() else {
                continue;
            };
            let rules = cluster.rules.iter().filter(|rule| {
                rule.enabled && matches!(rule.sort, AffinitySort::OnHosts | AffinitySort::OffHosts)
            });
            for rule in rules {
                for guest in &rule.guests {
                    let at = (&entity.site, &cluster.platform, guest.as_str());
                    bound.entry(at).or_default().push(&rule.name);
                }
            }
        }
        let hosts = entities.iter().filter_map(|entity| {
            let host = entity.attributes.hypervisor.as_deref()?;
            let at = (&entity.site, &host.platform, host.key.as_str());
            Some((at, &entity.id))
        });
        Self {
            hosts: hosts.collect(),
            bound,
        }
    }

    fn of_rules(&self, site: &SiteId, guest: &Guest) -> Option<Blocker> {
        let at = (site, &guest.platform, guest.key.as_str());
        let names = self.bound.get(&at)?;
        blocker("host_affinity", &names.join(", "))
    }
}

fn row(
    entity: &Entity,
    guest: &Guest,
    numbers: &Numbers,
    platforms: &Platforms<'_>,
    link_bps: u64,
) -> GuestRow {
    let measured = numbers
        .of_guest(&entity.id, "vm_disk_used_bytes")
        .map(whole);
    let at_most = || {
        let sizes: Option<Vec<u64>> = guest.disks.iter().map(|disk| disk.capacity_bytes).collect();
        let sizes = sizes.filter(|sizes| !sizes.is_empty())?;
        Some(sizes.into_iter().fold(0, u64::saturating_add))
    };
    let bytes = measured.or_else(at_most);
    let mut stands = blockers(guest);
    stands.extend(platforms.of_rules(&entity.site, guest));
    stands.sort();
    let host = guest.host.as_deref();
    let at = host.map(|key| (&entity.site, &guest.platform, key));
    GuestRow {
        entity: entity.id.clone(),
        host: at
            .and_then(|at| platforms.hosts.get(&at))
            .map(|id| (*id).clone()),
        bytes,
        bytes_measured: measured.is_some(),
        transfer_hours: bytes.map(|bytes| copy_hours(bytes, link_bps)),
        blockers: stands,
        ways: ways(
            guest,
            Load {
                bytes,
                written_per_day: numbers.of_guest(&entity.id, "vm_disk_written_bytes_per_day"),
                link_bps,
            },
        ),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite and not below zero; what is larger than any disk is cut"
)]
fn whole(value: f64) -> u64 {
    value as u64
}
