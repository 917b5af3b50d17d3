//! Records that others remember for a while, and the moment by which that while must be shorter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::inventory::{Inventory, MailRecordEntry};
use crate::mail::MailPurpose;
use crate::{EntityId, Timestamp};

/// A time to live that needs no work before the night of a move.
pub const SHORT_SECONDS: u32 = 600;

/// The moment by which the time to live of `record` must be lowered for a wave that begins at `begins`: who asks a moment
/// before keeps the old answer until then. None for a record that is remembered no longer than [`SHORT_SECONDS`], of
/// which no server of the zone told for how long, or that goes with the old address (PTR).
pub fn lower_by(record: &MailRecordEntry, begins: Timestamp) -> Option<(u32, Timestamp)> {
    if record.purpose == MailPurpose::Reverse {
        return None;
    }
    let seconds = record.ttl_seconds.filter(|s| *s > SHORT_SECONDS)?;
    let before = i64::try_from(Duration::from_secs(seconds.into()).as_millis()).ok()?;
    let by = Timestamp::from_millis(begins.millis().saturating_sub(before));
    Some((seconds, by))
}

/// The entities that each of `names` means, as [`Inventory::find`] would tell, in two walks through the estate for all of
/// them. Names that mean nothing are left out.
pub fn meant<'n>(
    inventory: &Inventory,
    names: impl IntoIterator<Item = &'n String>,
) -> BTreeMap<&'n String, BTreeSet<EntityId>> {
    let mut wanted: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for name in names {
        let plain = name.trim_end_matches('.').to_lowercase();
        wanted.entry(plain).or_default().push(name);
    }
    let mut found: BTreeMap<&String, BTreeSet<EntityId>> = BTreeMap::new();
    let mut met = BTreeSet::new();
    for entity in &inventory.entities {
        let own = std::iter::once(entity.name.to_lowercase())
            .chain(entity.names.iter().map(|name| name.to_lowercase()))
            .chain(entity.addresses.iter().map(ToString::to_string))
            .chain([entity.id.to_string()]);
        for name in own {
            let Some(written) = wanted.get(&name) else {
                continue;
            };
            for name in written {
                found.entry(name).or_default().insert(entity.id.clone());
            }
            met.insert(name);
        }
    }
    wanted.retain(|name, _| !met.contains(name));
    if wanted.is_empty() {
        return found;
    }
    for entity in &inventory.entities {
        for name in &entity.names {
            let short = name.split('.').next().unwrap_or_default().to_lowercase();
            for name in wanted.get(&short).into_iter().flatten() {
                found.entry(name).or_default().insert(entity.id.clone());
            }
        }
    }
    found
}
