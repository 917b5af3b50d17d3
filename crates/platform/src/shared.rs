//! Disks that two guests have.

use std::collections::BTreeSet;

use groma_model::virtualization::{DiskMode, Guest, GuestDisk, GuestSort};

/// Two guests that have the same volume may both write to it.
pub(crate) fn mark_shared<T>(guests: &mut [(Guest, T)]) {
    let place = |guest: &Guest, disk: &GuestDisk| {
        let path = disk.path.clone()?;
        // A path is one of its node, a volume one of its storage.
        let at = disk.datastore.clone().or_else(|| guest.host.clone());
        (disk.mode != DiskMode::ReadOnly).then_some((at, path))
    };
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for (guest, _) in guests
        .iter()
        .filter(|(guest, _)| guest.sort == GuestSort::Machine)
    {
        let own: BTreeSet<_> = guest
            .disks
            .iter()
            .filter_map(|disk| place(guest, disk))
            .collect();
        for one in own {
            if !once.insert(one.clone()) {
                twice.insert(one);
            }
        }
    }
    for (guest, _) in guests {
        let shared: Vec<bool> = guest
            .disks
            .iter()
            .map(|disk| place(guest, disk).is_some_and(|at| twice.contains(&at)))
            .collect();
        for (disk, shared) in guest.disks.iter_mut().zip(shared) {
            disk.shared = shared;
        }
    }
}
