//! What the names of a wave file mean. A certificate or a share may have the name of a machine; a wave moves machines.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};
use groma_model::registry::REGISTRY;
use groma_model::remembered;

/// True for what one can switch off.
pub(crate) fn is_machine(entity: &Entity) -> bool {
    REGISTRY.is_machine(&entity.kind)
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
