//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::SiteId;
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    AffinityRule, AffinitySort, At, Blocker, Guest, GuestRow, GuestSort, Numbers, Platform,
    Platforms,
};

use crate::volumes::copy_hours;

/// Makes the rows of `inventory` anew, for its line. Sorted by guest.
pub fn fill(inventory: &mut Inventory) {
    let numbers = Numbers::of(&inventory.measurements);
    let beside = Beside::of(&inventory.entities);
    let rows = inventory.entities.iter().filter_map(|entity| {
        let guest = entity.attributes.guest.as_deref()?;
        let told = guest.sort != GuestSort::Template;
        told.then(|| row(entity, guest, &numbers, &beside, inventory.link_bps))
    });
    let mut rows: Vec<GuestRow> = rows.collect();
    rows.sort_by(|a, b| a.entity.cmp(&b.entity));
    inventory.guests = rows;
}

/// What is known of a guest by those beside it: the hosts of each cluster, and how many guests of a platform have their changes
/// tracked.
struct Beside<'a> {
    platforms: Platforms<'a>,
    clusters: BTreeMap<At<'a>, BTreeSet<&'a str>>,
    tracked: BTreeMap<(&'a SiteId, &'a Platform), Tracked>,
}

#[derive(Default)]
struct Tracked {
    on: usize,
    off: usize,
}

impl<'a> Beside<'a> {
    fn of(entities: &'a [Entity]) -> Self {
        Self {
            platforms: Platforms::of(entities),
            clusters: clusters(entities),
            tracked: tracked(entities),
        }
    }

    /// It is off as long as no backup asked for it: what stands out is one that is left out where most others have it.
    fn of_others(&self, entity: &Entity, guest: &Guest) -> Option<Blocker> {
        let count = self.tracked.get(&(&entity.site, &guest.platform))?;
        let stands_out = guest.changed_block_tracking == Some(false) && count.on > count.off;
        let what = || format!("it is switched off, and on for {} others", count.on);
        blocker("changed_block_tracking", &stands_out.then(what)?)
    }

    /// Rules that bind it to hosts, or keep it off some.
    fn of_rules(&self, entity: &Entity, guest: &Guest) -> Option<Blocker> {
        let host = self.platforms.host_of((entity, guest));
        let cluster = host.and_then(|(_, host)| host.cluster.as_deref());
        let hosts =
            cluster.and_then(|key| self.clusters.get(&(&entity.site, &guest.platform, key)));
        let rules = self.platforms.rules((entity, guest)).iter();
        let binding = rules.filter(|rule| binds(rule, hosts));
        let names: Vec<&str> = binding.map(|rule| rule.name.as_str()).collect();
        match names.is_empty() {
            true => None,
            false => blocker("host_affinity", &names.join(", ")),
        }
    }
}

/// Keys of the hosts of each cluster.
fn clusters(entities: &[Entity]) -> BTreeMap<At<'_>, BTreeSet<&str>> {
    let mut clusters: BTreeMap<At<'_>, BTreeSet<&str>> = BTreeMap::new();
    for entity in entities {
        if let Some(host) = entity.attributes.hypervisor.as_deref()
            && let Some(cluster) = &host.cluster
        {
            let at = (&entity.site, &host.platform, cluster.as_str());
            clusters.entry(at).or_default().insert(&host.key);
        }
    }
    clusters
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
    numbers: &Numbers<'_>,
    beside: &Beside<'_>,
    link_bps: u64,
) -> GuestRow {
    let measured = numbers.bytes(&entity.id, "vm_disk_used_bytes");
    let (bytes, bytes_measured) = size(guest, measured);
    let mut stands = blockers(guest);
    stands.extend(beside.of_rules(entity, guest));
    stands.extend(beside.of_others(entity, guest));
    stands.sort();
    let host = beside.platforms.host_of((entity, guest));
    GuestRow {
        entity: entity.id.clone(),
        host: host.map(|(host, _)| host.id.clone()),
        bytes,
        bytes_measured,
        transfer_hours: bytes.map(|bytes| copy_hours(bytes, link_bps)),
        blockers: stands,
        ways: ways(
            guest,
            Load {
                bytes,
                written_per_day: numbers.number(&entity.id, "vm_disk_written_bytes_per_day"),
                link_bps,
            },
        ),
    }
}

/// What a copy of its disks takes, and whether that was measured. Snapshots and memory that is kept beside the disks count as
/// used, and no copy is larger than the disks are.
fn size(guest: &Guest, measured: Option<u64>) -> (Option<u64>, bool) {
    let at_most = guest.capacity_bytes();
    let measured = measured.filter(|bytes| at_most.is_none_or(|most| *bytes <= most));
    (measured.or(at_most), measured.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::inventory::Attributes;
    use groma_model::virtualization::{Cluster, GuestDisk, Hypervisor};
    use groma_model::{EntityId, Timestamp};

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
            host: Some("host-1".to_owned()),
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
        let beside = Beside::of(entities);
        let entity = entities.iter().find(|one| one.name == "vm-1");
        let entity = entity.expect("every test has one");
        let guest = entity.attributes.guest.as_deref().expect("it is one");
        let all = [
            beside.of_rules(entity, guest),
            beside.of_others(entity, guest),
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
