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

/// The members of a wave that stay, because they take the place of another.
pub(crate) fn arriving<'w>(inventory: &Inventory, wave: &'w Wave) -> BTreeSet<&'w String> {
    let moves = wave.moves.iter().flat_map(|m| [&m.from, &m.to]);
    let meant = meant(inventory, wave.members.iter().chain(moves));
    wave.arriving(|name| meant.get(name).cloned().unwrap_or_default())
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
