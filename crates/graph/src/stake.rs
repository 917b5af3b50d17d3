//! What lies on a machine that goes, and whom nobody watches when it has gone.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::WatchPurpose;
use groma_model::inventory::{Entity, Inventory, Volume, Watching};
use groma_model::outside::watched_alone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data that must be carried over before its machine goes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DataAtStake {
    /// The archive, database or share; the machine itself for a file system.
    pub entity: EntityId,
    /// Its name, or the mount point.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Growth in bytes per day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth_per_day: Option<f64>,
    /// Hours to carry it over the line of the inventory (`link_bps`), low and high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_hours: Option<[f64; 2]>,
    /// Hours for what changes in a day, low and high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up_hours: Option<[f64; 2]>,
}

impl DataAtStake {
    /// The line a person reads.
    pub(crate) fn line(&self) -> String {
        let hours = |[low, high]: [f64; 2]| format!("{low} to {high} h");
        let carried = self
            .transfer_hours
            .map(|h| format!(", {} to carry over", hours(h)));
        let daily = self
            .catch_up_hours
            .map(|h| format!(", {} for what changes in a day", hours(h)));
        format!(
            "{}: {}{}{}",
            self.name,
            size(self.bytes),
            carried.unwrap_or_default(),
            daily.unwrap_or_default()
        )
    }
}

/// `12.5 GiB`.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let fitting = (1..=units.len())
        .rev()
        .find(|power| bytes >> (10 * power) > 0);
    let Some(power) = fitting else {
        return format!("{bytes} bytes");
    };
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    let unit = units.get(power - 1).copied().unwrap_or_default();
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// What lies on `of`, or is it; the largest first. Of a thing with parts the whole counts.
pub(crate) fn data(inventory: &Inventory, of: &EntityId) -> Vec<DataAtStake> {
    let things: BTreeMap<&EntityId, &Entity> = inventory
        .entities
        .iter()
        .filter(|e| e.id == *of || e.attributes.lies_on.as_ref() == Some(of))
        .map(|e| (&e.id, e))
        .collect();
    let mut rows: BTreeMap<(&EntityId, &str), &Volume> = BTreeMap::new();
    for volume in inventory
        .volumes
        .iter()
        .filter(|v| things.contains_key(&v.entity))
    {
        let whole = things
            .get(&volume.entity)
            .is_some_and(|e| e.attributes.lies_on.is_some());
        let part = if whole { "" } else { volume.subject.as_str() };
        let slot = rows.entry((&volume.entity, part)).or_insert(volume);
        if volume.bytes > slot.bytes {
            *slot = volume;
        }
    }
    let row = |((id, part), volume): ((&EntityId, &str), &Volume)| DataAtStake {
        entity: id.clone(),
        name: match (part, things.get(id)) {
            ("", Some(entity)) => format!("{} {}", entity.kind, entity.name),
            _ => format!("file system {part}"),
        },
        bytes: volume.bytes,
        growth_per_day: volume.growth_per_day,
        transfer_hours: volume.transfer_hours,
        catch_up_hours: volume.catch_up_hours,
    };
    let mut data: Vec<DataAtStake> = rows.into_iter().map(row).collect();
    data.sort_by(|a, b| (b.bytes, &a.name, &a.entity).cmp(&(a.bytes, &b.name, &b.entity)));
    data
}

/// One line for each machine that only `of` watches, or keeps the logs of.
pub(crate) fn unwatched(inventory: &Inventory, of: &EntityId) -> Vec<String> {
    let line = |row: &Watching| {
        let name = inventory.entity(&row.entity).map(|e| &e.name);
        let products = row.products.join(", ");
        match row.purpose {
            WatchPurpose::LogsTo => Some(format!(
                "{} sends its logs nowhere else ({products})",
                name?
            )),
            _ => Some(format!("{} is watched by nobody else ({products})", name?)),
        }
    };
    let alone = watched_alone(inventory).remove(of).unwrap_or_default();
    let lines = alone.into_iter().filter_map(line);
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        let all = [0, 1023, 1024, 1536, 5 << 30, u64::MAX].map(size);
        assert_eq!(
            all,
            [
                "0 bytes",
                "1023 bytes",
                "1.0 KiB",
                "1.5 KiB",
                "5.0 GiB",
                "16383.9 PiB"
            ]
        );
    }
}
