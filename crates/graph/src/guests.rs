//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use std::collections::BTreeMap;

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{AffinitySort, Blocker, Guest, GuestRow, GuestSort, Platform};

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

/// Hosts by key, and whom a rule binds to hosts.
struct Platforms<'a> {
    hosts: BTreeMap<(&'a Platform, &'a str), &'a EntityId>,
    bound: BTreeMap<(&'a Platform, &'a str), Vec<&'a str>>,
}

impl<'a> Platforms<'a> {
    fn of(entities: &'a [Entity]) -> Self {
        let mut bound: BTreeMap<(&Platform, &str), Vec<&str>> = BTreeMap::new();
        for cluster in entities
            .iter()
            .filter_map(|entity| entity.attributes.cluster.as_deref())
        {
            let rules = cluster.rules.iter().filter(|rule| {
                rule.enabled && matches!(rule.sort, AffinitySort::OnHosts | AffinitySort::OffHosts)
            });
            for rule in rules {
                for guest in &rule.guests {
                    let at = (&cluster.platform, guest.as_str());
                    bound.entry(at).or_default().push(&rule.name);
                }
            }
        }
        let hosts = entities.iter().filter_map(|entity| {
            let host = entity.attributes.hypervisor.as_deref()?;
            Some(((&host.platform, host.key.as_str()), &entity.id))
        });
        Self {
            hosts: hosts.collect(),
            bound,
        }
    }

    fn of_rules(&self, guest: &Guest) -> Option<Blocker> {
        let names = self.bound.get(&(&guest.platform, guest.key.as_str()))?;
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
    stands.extend(platforms.of_rules(guest));
    stands.sort();
    let at = guest.host.as_deref().map(|key| (&guest.platform, key));
    GuestRow {
        entity: entity.id.clone(),
        host: at
            .and_then(|at| platforms.hosts.get(&at))
            .map(|id| (*id).clone()),
        bytes,
        bytes_measured: measured.is_some(),
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
