//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use std::collections::BTreeMap;

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{AffinitySort, Blocker, Guest, GuestRow, GuestSort, Platform};
use groma_model::{EntityId, SiteId};

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
    let (bytes, bytes_measured) = size(guest, measured);
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
        bytes_measured,
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

/// What a copy of its disks takes, and whether that was measured. Snapshots and memory that is kept beside the disks count as
/// used, and no copy is larger than the disks are.
fn size(guest: &Guest, measured: Option<u64>) -> (Option<u64>, bool) {
    let at_most = capacity(guest);
    let measured = measured.filter(|bytes| at_most.is_none_or(|most| *bytes <= most));
    (measured.or(at_most), measured.is_some())
}

/// What its disks take at most, if that is known of all.
fn capacity(guest: &Guest) -> Option<u64> {
    let mut sizes = guest.disks.iter().map(|disk| disk.capacity_bytes);
    let first = sizes.next()??;
    sizes.try_fold(first, |sum, size| Some(sum.saturating_add(size?)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite and not below zero; what is larger than any disk is cut"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::virtualization::GuestDisk;

    #[test]
    fn a_copy_is_never_larger_than_the_disks_are() {
        let of = |sizes: &[Option<u64>], measured| {
            let disks = sizes.iter().map(|size| GuestDisk {
                capacity_bytes: *size,
                ..GuestDisk::default()
            });
            let guest = Guest {
                disks: disks.collect(),
                ..Guest::default()
            };
            size(&guest, measured)
        };
        let both = [Some(40), Some(60)];
        assert_eq!(of(&both, Some(70)), (Some(70), true));
        assert_eq!(of(&both, Some(130)), (Some(100), false), "with snapshots");
        assert_eq!(of(&both, None), (Some(100), false));
        // The size of one is not known: what was measured is all there is.
        assert_eq!(of(&[Some(40), None], Some(130)), (Some(130), true));
        assert_eq!(of(&[Some(40), None], None), (None, false));
        assert_eq!(of(&[], None), (None, false));
    }
}
