//! A snapshot: what `virsh snapshot-dumpxml` writes.

use groma_model::virtualization::GuestSnapshot;
use groma_model::{Foreign, Timestamp};

use super::tree::Element;

/// The UUID of the guest, and its snapshot.
pub(super) fn snapshot(snapshot: &Element) -> Option<(String, GuestSnapshot)> {
    let guest = crate::uuid(snapshot.text_at(&["domain", "uuid"])?)?;
    let taken: Option<i64> = snapshot
        .text_at(&["creationTime"])
        .and_then(|text| text.parse().ok());
    // A time that no calendar has is none.
    let taken = taken.filter(|seconds| (0..=253_402_300_799).contains(seconds));
    Some((
        guest,
        GuestSnapshot {
            name: Foreign::from(snapshot.text_at(&["name"])?),
            taken_at: taken.map(Timestamp::from_seconds),
            with_memory: with_memory(snapshot),
            current: snapshot.text_at(&["active"]) == Some("1"),
        },
    ))
}

/// As it says; before libvirt 1.0 it said so by the state alone.
fn with_memory(snapshot: &Element) -> bool {
    match snapshot.child("memory") {
        Some(memory) => memory.attribute("snapshot").is_some_and(|how| how != "no"),
        None => matches!(snapshot.text_at(&["state"]), Some("running" | "paused")),
    }
}
