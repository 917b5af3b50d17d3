//! What the names of a wave file mean. A certificate or a share may have the name of a machine; a wave moves machines.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};
use groma_model::remembered;
use groma_model::wave::Wave;

/// True for what one can switch off.
pub(crate) fn is_machine(entity: &Entity) -> bool {
    matches!(
        entity.kind.as_str(),
        "host" | "vm" | "hypervisor" | "device"
    )
}

/// The members of a wave that stay, because they take the place of another: by their name, or by what it means.
pub(crate) fn arriving<'w>(inventory: &Inventory, wave: &'w Wave) -> BTreeSet<&'w String> {
    let (from, to) = (
        || wave.moves.iter().map(|m| &m.from),
        || wave.moves.iter().map(|m| &m.to),
    );
    let meant = meant(inventory, wave.members.iter().chain(from()).chain(to()));
    let of = |name: &String| meant.get(name).into_iter().flatten();
    let going: BTreeSet<&EntityId> = from().flat_map(of).collect();
    let places: BTreeSet<&EntityId> = to().flat_map(of).collect();
    let stays = |member: &&String| {
        let same = |other: &String| other.eq_ignore_ascii_case(member);
        let is_place = to().any(same) || of(member).any(|id| places.contains(id));
        is_place && !from().any(same) && !of(member).any(|id| going.contains(id))
    };
    wave.members.iter().filter(stays).collect()
}

/// What each name means: the machines of that name, and whatever else has it only where no machine has.
pub(crate) fn meant<'n>(
    inventory: &Inventory,
    names: impl IntoIterator<Item = &'n String>,
) -> BTreeMap<&'n String, BTreeSet<EntityId>> {
    let mut meant = remembered::meant(inventory, names);
    let machine = |id: &EntityId| inventory.entity(id).is_some_and(is_machine);
    for ids in meant.values_mut() {
        if ids.iter().any(machine) {
            ids.retain(machine);
        }
    }
    meant
}
