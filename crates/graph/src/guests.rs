//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    AffinityRule, AffinitySort, Blocker, Guest, GuestRow, GuestSort, Platform,
};
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

/// Hosts by key, whom a rule binds to hosts, and how many of a platform's guests have their changes tracked.
struct Platforms<'a> {
    hosts: BTreeMap<At<'a>, &'a EntityId>,
    bound: BTreeMap<At<'a>, Vec<&'a str>>,
    tracked: BTreeMap<(&'a SiteId, &'a Platform), Tracked>,
}

#[derive(Default)]
struct Tracked {
    on: usize,
    off: usize,
}

impl<'a> Platforms<'a> {
    fn of(entities: &'a [Entity]) -> Self {
        let hosts = entities.iter().filter_map(|entity| {
            let host = entity.attributes.hypervisor.as_deref()?;
            let at = (&entity.site, &host.platform, host.key.as_str());
            Some((at, &entity.id))
        });
        Self {
            hosts: hosts.collect(),
            bound: bound(entities),
            tracked: tracked(entities),
        }
    }

    /// It is off as long as no backup asked for it: what stands out is one that is left out where most others have it.
    fn of_others(&self, site: &SiteId, guest: &Guest) -> Option<Blocker> {
        let count = self.tracked.get(&(site, &guest.platform))?;
        let stands_out = guest.changed_block_tracking == Some(false) && count.on > count.off;
        let what = || format!("it is switched off, and on for {} others", count.on);
        blocker("changed_block_tracking", &stands_out.then(what)?)
    }

    fn of_rules(&self, site: &SiteId, guest: &Guest) -> Option<Blocker> {
        let at = (site, &guest.platform, guest.key.as_str());
        let names = self.bound.get(&at)?;
        blocker("host_affinity", &names.join(", "))
    }
}

/// Keys of the hosts of each cluster.
fn of_clusters(entities: &[Entity]) -> BTreeMap<At<'_>, BTreeSet<&str>> {
    let mut of_clusters: BTreeMap<At<'_>, BTreeSet<&str>> = BTreeMap::new();
    for entity in entities {
        if let Some(host) = entity.attributes.hypervisor.as_deref()
            && let Some(cluster) = &host.cluster
        {
            let at = (&entity.site, &host.platform, cluster.as_str());
            of_clusters.entry(at).or_default().insert(&host.key);
        }
    }
    of_clusters
}

/// Names of the rules that bind each guest to hosts.
fn bound(entities: &[Entity]) -> BTreeMap<At<'_>, Vec<&str>> {
    let of_clusters = of_clusters(entities);
    let mut bound: BTreeMap<At<'_>, Vec<&str>> = BTreeMap::new();
    for entity in entities {
        let Some(cluster) = entity.attributes.cluster.as_deref() else {
            continue;
        };
        let hosts = of_clusters.get(&(&entity.site, &cluster.platform, cluster.key.as_str()));
        let rules = cluster.rules.iter().filter(|rule| binds(rule, hosts));
        for rule in rules {
            for guest in &rule.guests {
                let at = (&entity.site, &cluster.platform, guest.as_str());
                bound.entry(at).or_default().push(&rule.name);
            }
        }
    }
    bound
}

fn tracked(entities: &[Entity]) -> BTreeMap<(&SiteId, &Platform), Tracked> {
    let mut tracked: BTreeMap<_, Tracked> = BTreeMap::new();
    for entity in entities {
        let guest = entity.attributes.guest.as_deref();
        let Some(guest) = guest.filter(|guest| guest.sort == GuestSort::Machine) else {
            continue;
        };
        let count = tracked.entry((&entity.site, &guest.platform)).or_default();
        match guest.changed_block_tracking {
            Some(true) => count.on += 1,
            Some(false) => count.off += 1,
            None => {}
        }
    }
    tracked
}

/// True for a rule that keeps guests from some of the cluster's hosts. A wish binds nobody, and neither does a rule that names
/// every host there is.
fn binds(rule: &AffinityRule, hosts: Option<&BTreeSet<&str>>) -> bool {
    let names_all = || {
        let named: BTreeSet<&str> = rule.hosts.iter().map(String::as_str).collect();
        hosts.is_some_and(|hosts| hosts.is_subset(&named))
    };
    let is_narrow = match rule.sort {
        AffinitySort::OnHosts => !names_all(),
        AffinitySort::OffHosts => true,
        AffinitySort::Apart | AffinitySort::Together => false,
    };
    rule.enabled && rule.mandatory && is_narrow
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
    stands.extend(platforms.of_others(&entity.site, guest));
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
    use groma_model::Timestamp;
    use groma_model::inventory::Attributes;
    use groma_model::virtualization::{Cluster, GuestDisk, Hypervisor};

    fn thing(id: &str, attributes: Attributes) -> Entity {
        Entity {
            id: EntityId::new(id),
            kind: String::new(),
            name: id.to_owned(),
            names: Vec::new(),
            addresses: Vec::new(),
            layer: String::new(),
            site: SiteId::default(),
            system: None,
            owner: None,
            criticality: None,
            first_seen: Timestamp::from_millis(0),
            last_seen: Timestamp::from_millis(0),
            has_agent: false,
            declared: false,
            attributes,
            merged_because: Vec::new(),
            evidence: Vec::new(),
        }
    }

    fn machine(key: &str, changed_block_tracking: Option<bool>) -> Entity {
        let guest = Guest {
            key: key.to_owned(),
            changed_block_tracking,
            ..Guest::default()
        };
        let attributes = Attributes {
            guest: Some(Box::new(guest)),
            ..Attributes::default()
        };
        thing(key, attributes)
    }

    /// The words about the guest `vm-1` that need all others.
    fn said(entities: &[Entity]) -> Vec<String> {
        let platforms = Platforms::of(entities);
        let entity = entities.iter().find(|one| one.name == "vm-1");
        let entity = entity.expect("every test has one");
        let guest = entity.attributes.guest.as_deref().expect("it is one");
        let all = [
            platforms.of_rules(&entity.site, guest),
            platforms.of_others(&entity.site, guest),
        ];
        all.into_iter().flatten().map(|one| one.rule).collect()
    }

    #[test]
    fn a_rule_binds_where_the_platform_keeps_it_and_leaves_a_host_out() {
        let bound = |sort, mandatory, hosts: &[&str]| {
            let rule = AffinityRule {
                name: "licensed".to_owned(),
                sort,
                enabled: true,
                mandatory,
                guests: vec!["vm-1".to_owned()],
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            };
            let cluster = Cluster {
                key: "c".to_owned(),
                rules: vec![rule],
                ..Cluster::default()
            };
            let mut all = vec![machine("vm-1", None)];
            all.push(thing(
                "c",
                Attributes {
                    cluster: Some(Box::new(cluster)),
                    ..Attributes::default()
                },
            ));
            all.extend(["host-1", "host-2"].map(|key| {
                let host = Hypervisor {
                    key: key.to_owned(),
                    cluster: Some("c".to_owned()),
                    ..Hypervisor::default()
                };
                let hypervisor = Some(Box::new(host));
                thing(
                    key,
                    Attributes {
                        hypervisor,
                        ..Attributes::default()
                    },
                )
            }));
            !said(&all).is_empty()
        };
        use AffinitySort::{OffHosts, OnHosts};
        assert!(bound(OnHosts, true, &["host-1"]));
        assert!(bound(OffHosts, true, &["host-2"]));
        assert!(!bound(OnHosts, false, &["host-1"]), "a wish");
        assert!(
            !bound(OnHosts, true, &["host-1", "host-2"]),
            "all there are"
        );
        assert!(!bound(AffinitySort::Apart, true, &["host-1"]));
    }

    #[test]
    fn who_is_not_tracked_is_told_where_most_others_are() {
        let all = |states: &[Option<bool>]| -> Vec<Entity> {
            let keys = (1..).map(|number| format!("vm-{number}"));
            let all = keys.zip(states).map(|(key, state)| machine(&key, *state));
            all.collect()
        };
        let (on, off) = (Some(true), Some(false));
        assert_eq!(said(&all(&[off, on, on])), ["changed_block_tracking"]);
        assert_eq!(
            said(&all(&[off, off, on])),
            [""; 0],
            "one that is backed up"
        );
        assert_eq!(said(&all(&[off, off, off])), [""; 0], "nobody is");
        assert_eq!(said(&all(&[None, on, on])), [""; 0], "it is not told");
        assert_eq!(said(&all(&[on, on, off])), [""; 0]);
    }

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
