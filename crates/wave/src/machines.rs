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

/// What of the members of a wave stays, because it takes the place of another. A name may mean several machines: only the one
/// that takes a place stays.
pub(crate) struct Arriving<'w> {
    /// Members that are said to take a place by the very name; what such a name means stays.
    names: BTreeSet<&'w String>,
    machines: BTreeSet<EntityId>,
}

impl<'w> Arriving<'w> {
    pub(crate) fn of(inventory: &Inventory, wave: &'w Wave) -> Self {
        let (from, to) = (
            || wave.moves.iter().map(|m| &m.from),
            || wave.moves.iter().map(|m| &m.to),
        );
        let meant = meant(inventory, from().chain(to()));
        let of = |name: &String| meant.get(name).into_iter().flatten();
        let going: BTreeSet<&EntityId> = from().flat_map(of).collect();
        let machines = to().flat_map(of).filter(|id| !going.contains(id));
        let stays = |member: &&String| {
            let same = |other: &String| other.eq_ignore_ascii_case(member);
            to().any(same) && !from().any(same)
        };
        Self {
            machines: machines.cloned().collect(),
            names: wave.members.iter().filter(stays).collect(),
        }
    }

    /// The members that go, each with what it means of `meant`: without what stays, and not at all where nothing is left of
    /// what it means.
    pub(crate) fn going(
        &self,
        wave: &'w Wave,
        meant: &BTreeMap<&'w String, BTreeSet<EntityId>>,
    ) -> BTreeMap<&'w String, BTreeSet<EntityId>> {
        let members = wave.members.iter().filter(|m| !self.names.contains(m));
        members
            .filter_map(|member| {
                let all = meant.get(member).cloned().unwrap_or_default();
                let known = !all.is_empty();
                let left: BTreeSet<EntityId> = all.difference(&self.machines).cloned().collect();
                (!known || !left.is_empty()).then_some((member, left))
            })
            .collect()
    }
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
