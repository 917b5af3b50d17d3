//! How much lies where, how fast it grows, and how long it takes to carry it over.

use std::collections::BTreeMap;

use groma_model::fact::Measurement;
use groma_model::inventory::{LINK_SHARES, MeasurementEntry, Volume};
use groma_model::store::EarlierNumber;
use groma_model::{EntityId, Estate};

use crate::gather::{Raw, Raws};

/// What each item costs beyond its bytes in the worst case: round trips to make and close it, and a commit to disk.
const SECONDS_PER_ITEM: f64 = 0.02;

/// Between two numbers that make a growth lie at least six hours: less, times four and more, is noise.
const GROWTH_MILLIS_MIN: i64 = 6 * 3_600_000;
const DAY_MILLIS: f64 = 86_400_000.0;

/// Volumes and all other numbers, the newest of each.
pub(crate) fn numbers(
    measurements: &Raws<Measurement>,
    estate: &Estate,
) -> (Vec<Volume>, Vec<MeasurementEntry>) {
    let mut newest: BTreeMap<_, &Raw<Measurement>> = BTreeMap::new();
    let all = measurements.iter().map(Box::as_ref);
    for raw in all.filter(|raw| estate.entities.contains_key(&raw.host)) {
        let key = (
            &raw.host,
            raw.fact.metric.as_str(),
            raw.fact.subject.to_string(),
        );
        let slot = newest.entry(key).or_insert(raw);
        if raw.seen.last > slot.seen.last {
            *slot = raw;
        }
    }
    let mut volumes: BTreeMap<(EntityId, String), Volume> = BTreeMap::new();
    let mut entries = Vec::new();
    for ((entity, metric, subject), raw) in newest {
        let (value, at) = (raw.fact.value, raw.seen.last);
        if matches!(metric, "file_system_used_bytes" | "content_bytes") {
            let volume = volume(entity.clone(), subject.clone(), value, at);
            volumes.insert((entity.clone(), subject), volume);
        } else if let Some(volume) = volumes
            .get_mut(&(entity.clone(), subject.clone()))
            .filter(|_| metric.starts_with("content_"))
            .filter(|v| v.measured_at == at)
        {
            if !complete(volume, metric, value) {
                entries.push(entry(entity, metric, subject, raw));
            }
        } else {
            entries.push(entry(entity, metric, subject, raw));
        }
    }
    (volumes.into_values().collect(), entries)
}

fn entry(
    entity: &EntityId,
    metric: &str,
    subject: String,
    raw: &Raw<Measurement>,
) -> MeasurementEntry {
    MeasurementEntry {
        entity: entity.clone(),
        metric: metric.to_owned(),
        subject,
        value: raw.fact.value,
        at: raw.seen.last,
    }
}

/// Takes a number that belongs to the row of its volume; false for any other. `content_bytes` sorts before them.
fn complete(volume: &mut Volume, metric: &str, value: f64) -> bool {
    match metric {
        "content_changed_bytes" => volume.changed_per_day = Some(value),
        "content_items" => volume.items = Some(whole(value)),
        "content_items_estimated" => {
            volume.items = Some(whole(value));
            volume.items_estimated = true;
        }
        _ => return false,
    }
    true
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measured count is never negative and below 2^53"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

fn volume(
    entity: EntityId,
    subject: String,
    value: f64,
    measured_at: groma_model::Timestamp,
) -> Volume {
    Volume {
        entity,
        subject,
        bytes: whole(value),
        items: None,
        items_estimated: false,
        changed_per_day: None,
        growth_per_day: None,
        measured_at,
        transfer_hours: None,
        catch_up_hours: None,
    }
}

/// Says of each volume how fast it grew since an earlier look, where one lies far enough back.
pub fn grow(volumes: &mut [Volume], earlier: &[EarlierNumber], estate: &Estate) {
    let mut before: BTreeMap<(EntityId, String), &EarlierNumber> = BTreeMap::new();
    let bytes = |n: &&EarlierNumber| {
        matches!(
            n.metric.as_str(),
            "file_system_used_bytes" | "content_bytes"
        )
    };
    for number in earlier.iter().filter(bytes) {
        let Some(machine) = estate.vantages.get(&number.vantage) else {
            continue;
        };
        let at = (machine.clone(), number.scope.clone());
        let entity = estate.holdings.get(&at).unwrap_or(machine).clone();
        let slot = before
            .entry((entity, number.subject.to_string()))
            .or_insert(number);
        if number.at < slot.at {
            *slot = number;
        }
    }
    for volume in volumes {
        let key = (volume.entity.clone(), volume.subject.clone());
        volume.growth_per_day = before.get(&key).and_then(|first| growth(volume, first));
    }
}

fn growth(volume: &Volume, first: &EarlierNumber) -> Option<f64> {
    let passed = volume
        .measured_at
        .millis()
        .saturating_sub(first.at.millis());
    if passed < GROWTH_MILLIS_MIN {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "bytes and milliseconds far below 2^53"
    )]
    let per_day = (volume.bytes as f64 - first.value) / (passed as f64 / DAY_MILLIS);
    Some(per_day.round())
}

/// Says of each volume how many hours it takes over a line of `link_bps` bits per second, low and high.
///
/// Low is the line at its best and nothing else in the way; high is a third of it and a price for each item. Where
/// a machine can say neither, a probe must: `docs/reference/volumes.md`.
pub fn transfer(volumes: &mut [Volume], link_bps: u64) {
    for volume in volumes {
        let items = precise(volume.items.unwrap_or(1));
        volume.transfer_hours = Some(hours(precise(volume.bytes), items, link_bps));
        let grown = volume.growth_per_day.filter(|grown| *grown > 0.0);
        // As many items of a day as the day's share of the bytes: nobody counted them.
        let daily = volume
            .changed_per_day
            .or(grown)
            .filter(|bytes| *bytes > 0.0);
        volume.catch_up_hours = daily.map(|bytes| {
            let share = (bytes / precise(volume.bytes.max(1))).min(1.0);
            hours(bytes, (items * share).max(1.0), link_bps)
        });
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a duration in hours needs no more than seven digits"
)]
fn precise(number: u64) -> f64 {
    number as f64
}

/// Hours for one thing of `bytes` over a line of `link_bps`, low and high, as [`transfer`] reckons them.
pub(crate) fn copy_hours(bytes: u64, link_bps: u64) -> [f64; 2] {
    hours(precise(bytes), 1.0, link_bps)
}

fn hours(bytes: f64, items: f64, link_bps: u64) -> [f64; 2] {
    let seconds = bytes * 8.0 / precise(link_bps.max(1));
    let hours = |seconds: f64| (seconds / 36.0).ceil() / 100.0;
    let [best, worst] = LINK_SHARES;
    [
        hours(seconds / best),
        hours(seconds / worst + items * SECONDS_PER_ITEM),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::Timestamp;
    use groma_model::inventory::LINK_BPS;

    fn of(bytes: f64, items: Option<u64>) -> Volume {
        Volume {
            items,
            ..volume(
                EntityId::new("ent-1"),
                "/srv".into(),
                bytes,
                Timestamp::from_seconds(0),
            )
        }
    }

    #[test]
    fn small_files_cost_time_that_bytes_do_not_show() {
        let mut volumes = [
            of(100e9, Some(10)),
            of(100e9, Some(1_000_000)),
            of(0.0, None),
        ];
        transfer(&mut volumes, LINK_BPS);
        let [few, many, none] = volumes.map(|v| v.transfer_hours.unwrap());
        // 100 GB at 941 Mbit/s are 850 s.
        assert_eq!(few[0], 0.24);
        assert_eq!(few[0], many[0]);
        assert!(many[1] - few[1] > 5.0, "a million files: {many:?}");
        assert_eq!(none, [0.0, 0.01]);
    }

    #[test]
    fn the_disks_of_a_guest_take_as_long_as_a_volume_of_their_size() {
        for bytes in [0, 100_000_000_000] {
            let mut volume = [of(0.0, None)];
            volume[0].bytes = bytes;
            transfer(&mut volume, LINK_BPS);
            assert_eq!(Some(copy_hours(bytes, LINK_BPS)), volume[0].transfer_hours);
        }
    }

    #[test]
    fn a_slower_line_takes_longer_and_what_changes_daily_has_hours_of_its_own() {
        let mut slow = [of(100e9, Some(10))];
        slow[0].changed_per_day = Some(1e9);
        transfer(&mut slow, 100_000_000);
        assert_eq!(slow[0].transfer_hours.unwrap()[0], 2.37);
        // 1 GB at 94 Mbit/s are 85 s.
        assert_eq!(slow[0].catch_up_hours.unwrap()[0], 0.03);
        let mut shrinking = [of(100e9, None)];
        shrinking[0].growth_per_day = Some(-5e9);
        transfer(&mut shrinking, LINK_BPS);
        assert_eq!(shrinking[0].catch_up_hours, None);
    }

    #[test]
    fn growth_needs_time_between_two_looks() {
        let number = |seconds: i64| EarlierNumber {
            vantage: groma_model::AgentId::new("agt-1"),
            scope: groma_model::Scope::new("mounts", "/"),
            metric: "content_bytes".into(),
            subject: "/srv".into(),
            value: 1000.0,
            at: Timestamp::from_seconds(seconds),
        };
        let mut now = of(3000.0, None);
        now.measured_at = Timestamp::from_seconds(2 * 86_400);
        assert_eq!(growth(&now, &number(0)), Some(1000.0));
        assert_eq!(growth(&now, &number(2 * 86_400 - 3600)), None);
    }
}
