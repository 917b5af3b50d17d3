//! States of a guest that somebody kept.

use groma_model::Foreign;
use groma_model::virtualization::GuestSnapshot;

use super::element::Element;
use super::inventory::unescaped;

/// Snapshots of one guest that are told.
const SNAPSHOTS_MAX: usize = 1_000;

/// All snapshots of a `VirtualMachineSnapshotInfo`, oldest first.
pub(super) fn snapshots(tree: &Element) -> Vec<GuestSnapshot> {
    let current = tree.text("currentSnapshot");
    let mut open: Vec<&Element> = tree.all("rootSnapshotList").collect();
    let mut all = Vec::new();
    while let Some(one) = open.pop() {
        if all.len() >= SNAPSHOTS_MAX {
            break;
        }
        open.extend(one.all("childSnapshotList"));
        all.push(GuestSnapshot {
            name: Foreign::from(unescaped(one.text("name").unwrap_or_default())),
            taken_at: one.text("createTime").and_then(|time| time.parse().ok()),
            // The state it goes back to: one without memory comes back switched off.
            with_memory: one.text("state").is_some_and(|state| state != "poweredOff"),
            current: current.is_some() && one.text("snapshot") == current,
        });
    }
    all.sort_by(|a, b| (a.taken_at, &a.name).cmp(&(b.taken_at, &b.name)));
    all
}
