//! One row for each guest of a platform, as somebody who plans its move needs it: where it is, what stands in the way, and how
//! it would go where.

use groma_knowledge::vm_moves::{Load, blocker, blockers, ways};
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    AffinitySort, Blocker, Guest, GuestRow, GuestSort, Numbers, Platforms,
};

/// Makes the rows of `inventory` anew, for its line. Sorted by guest.
pub fn fill(inventory: &mut Inventory) {
    let numbers = Numbers::of(&inventory.measurements);
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

fn row(
    entity: &Entity,
    guest: &Guest,
    numbers: &Numbers<'_>,
    platforms: &Platforms<'_>,
    link_bps: u64,
) -> GuestRow {
    let measured = numbers.bytes(&entity.id, "vm_disk_used_bytes");
    let bytes = measured.or_else(|| guest.capacity_bytes());
    let mut stands = blockers(guest);
    stands.extend(bound(entity, guest, platforms));
    stands.sort();
    let host = platforms.host_of((entity, guest));
    GuestRow {
        entity: entity.id.clone(),
        host: host.map(|(host, _)| host.id.clone()),
        bytes,
        bytes_measured: measured.is_some(),
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

/// Rules that bind it to hosts, or keep it off some.
fn bound(entity: &Entity, guest: &Guest, platforms: &Platforms<'_>) -> Option<Blocker> {
    let rules = platforms.rules((entity, guest)).iter();
    let of_hosts =
        rules.filter(|rule| matches!(rule.sort, AffinitySort::OnHosts | AffinitySort::OffHosts));
    let names: Vec<&str> = of_hosts.map(|rule| rule.name.as_str()).collect();
    match names.is_empty() {
        true => None,
        false => blocker("host_affinity", &names.join(", ")),
    }
}
