//! A record of a virtual machine, and those it points to, become a guest.

use groma_model::virtualization::{
    Firmware, Guest, GuestDisk, GuestSnapshot, GuestSort, Power, Tools,
};
use groma_model::{Foreign, Timestamp};
use serde_json::Value;

use super::class::Class;
use super::inside::Inside;
use super::network::Networks;
use super::reader::sort;
use super::storage::Stores;
use super::table::{Tables, reference, references, uuid, within};
use super::{card, device, disk};
use crate::json::{flag, small, text, whole, yes};

/// Snapshots of one guest that are told.
const SNAPSHOTS_MAX: usize = 1_000;

/// The guest `record` is. `None` for one without a UUID: nobody could know it again.
pub(super) fn guest(
    tables: &Tables,
    (stores, networks): (&Stores, &Networks<'_>),
    record: &Value,
    kept: &[(&str, &Value)],
) -> Option<Guest> {
    let key = uuid(record)?;
    let sort = sort(record);
    let power = power(record).filter(|_| sort != GuestSort::Template);
    let inside = Inside::of(tables.follow(record, "guest_metrics", Class::VmGuestMetrics));
    let (disks, media) = disk::drives(tables, stores, record);
    let mut guest = Guest {
        name: Foreign::from(text(record, "name_label").unwrap_or_else(|| key.clone())),
        sort,
        uuid: Some(key.clone()),
        instance_uuid: Some(key.clone()),
        power,
        host: tables.key(record, "resident_on", Class::Host),
        folder: folder(tables, record).map(Foreign::from),
        processors: above_zero(record, "VCPUs_at_startup")
            .or_else(|| above_zero(record, "VCPUs_max")),
        cores_per_socket: within(record, "platform", "cores-per-socket")
            .and_then(|text| text.parse().ok()),
        memory_bytes: bytes(record, "memory_dynamic_max")
            .or_else(|| bytes(record, "memory_static_max")),
        changed_block_tracking: tracked(tables, record, &disks),
        disks,
        nics: card::cards(tables, networks, record, &inside, power == Some(Power::On)),
        snapshots: snapshots(record, kept),
        passthrough: device::devices(tables, networks, record),
        media,
        cpu_affinity: within(record, "VCPUs_params", "mask"),
        restarted_elsewhere: restarted(tables, record),
        starts_with_host: starts_with_host(tables, record),
        configured_os: within(record, "other_config", "base_template_name")
            .or_else(|| text(record, "reference_label")),
        reported_os: inside.os.clone(),
        host_name: inside.host_name.clone(),
        tools: tools(power, &inside),
        key,
        ..Guest::default()
    };
    starts(&mut guest, record);
    Some(guest)
}

fn above_zero(record: &Value, field: &str) -> Option<u32> {
    small(record, field).filter(|count| *count > 0)
}

fn bytes(record: &Value, field: &str) -> Option<u64> {
    whole(record, field).filter(|bytes| *bytes > 0)
}

fn power(record: &Value) -> Option<Power> {
    match text(record, "power_state")?.as_str() {
        "Running" => Some(Power::On),
        "Halted" => Some(Power::Off),
        "Suspended" | "Paused" => Some(Power::Suspended),
        _ => None,
    }
}

/// The folder people keep it in, else what it is started together with.
fn folder(tables: &Tables, record: &Value) -> Option<String> {
    let together = || {
        let appliance = tables.follow(record, "appliance", Class::VmAppliance)?;
        text(appliance, "name_label")
    };
    within(record, "other_config", "folder").or_else(together)
}

/// How it starts: by a firmware, or as Xen starts a kernel, without one.
fn starts(guest: &mut Guest, record: &Value) {
    let domain = text(record, "domain_type").filter(|word| word != "unspecified");
    // Before there was a word for it, an empty policy meant a kernel without firmware.
    let by_policy = || {
        let policy = record.get("HVM_boot_policy")?.as_str()?;
        Some(if policy.is_empty() { "pv" } else { "hvm" }.to_owned())
    };
    let Some(domain) = domain.or_else(by_policy) else {
        return;
    };
    if domain == "hvm" {
        let firmware = within(record, "HVM_boot_params", "firmware");
        guest.firmware = match firmware.as_deref() {
            Some("uefi") => Some(Firmware::Efi),
            // The platform's own default where nothing is written.
            Some("bios") | None => Some(Firmware::Bios),
            Some(_) => None,
        };
        guest.secure_boot = secure_boot(guest.firmware, record);
    }
    guest.tpm = trusted_module(record);
    guest.hardware_version = Some(match text(record, "hardware_platform_version") {
        Some(version) => format!("{domain} {version}"),
        None => domain,
    });
}

/// `auto` asks for signatures where the pool has keys, which nobody tells.
fn secure_boot(firmware: Option<Firmware>, record: &Value) -> Option<bool> {
    if firmware? != Firmware::Efi {
        return Some(false);
    }
    match within(record, "platform", "secureboot") {
        None => Some(false),
        Some(word) => yes(&word),
    }
}

fn trusted_module(record: &Value) -> Option<bool> {
    let has_module = references(record, "VTPMs").next().is_some();
    let is_set = within(record, "platform", "vtpm").and_then(|word| yes(&word)) == Some(true);
    match record.get("VTPMs") {
        _ if has_module || is_set => Some(true),
        Some(_) => Some(false),
        None => None,
    }
}

/// True where every disk keeps an account of its changes.
fn tracked(tables: &Tables, record: &Value, disks: &[GuestDisk]) -> Option<bool> {
    if disks.is_empty() {
        return None;
    }
    let flags: Option<Vec<bool>> = disk::own(tables, record)
        .map(|(_, vdi)| flag(vdi?, "cbt_enabled"))
        .collect();
    flags.map(|flags| flags.into_iter().all(|is_on| is_on))
}

fn restarted(tables: &Tables, record: &Value) -> Option<bool> {
    let (_, pool) = tables.all(Class::Pool).next()?;
    let priority = record.get("ha_restart_priority")?.as_str()?;
    Some(flag(pool, "ha_enabled")? && !priority.is_empty())
}

/// Both must say so: the guest, and the pool.
fn starts_with_host(tables: &Tables, record: &Value) -> Option<bool> {
    let (_, pool) = tables.all(Class::Pool).next()?;
    let says = |record: &Value| {
        record.get("other_config")?;
        let word = within(record, "other_config", "auto_poweron");
        Some(word.as_deref() == Some("true"))
    };
    Some(says(record)? && says(pool)?)
}

/// What runs and tells nothing has no helper that works. What is off tells nothing anyway.
fn tools(power: Option<Power>, inside: &Inside) -> Option<Tools> {
    (power? == Power::On).then(|| inside.tools())
}

/// Snapshots of a guest, oldest first. One that holds the memory too is suspended itself.
fn snapshots(record: &Value, kept: &[(&str, &Value)]) -> Vec<GuestSnapshot> {
    let parent = reference(record, "parent");
    let told = kept.iter().take(SNAPSHOTS_MAX);
    let mut snapshots: Vec<GuestSnapshot> = told
        .map(|(at, snapshot)| GuestSnapshot {
            name: Foreign::from(text(snapshot, "name_label").unwrap_or_default()),
            taken_at: text(snapshot, "snapshot_time").and_then(|time| moment(&time)),
            with_memory: text(snapshot, "power_state").as_deref() == Some("Suspended"),
            current: parent == Some(*at),
        })
        .collect();
    snapshots
        .sort_by(|a, b| (a.taken_at, &a.name, a.current).cmp(&(b.taken_at, &b.name, b.current)));
    snapshots
}

/// A moment as XAPI writes it: `20240312T10:11:12Z`, or with dashes. The beginning of 1970 means never.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_once('T')?;
    let day = match day.len() {
        8 if day.is_ascii() => {
            let (year, rest) = day.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            format!("{year}-{month}-{day}")
        }
        _ => day.to_owned(),
    };
    let read: Timestamp = format!("{day}T{rest}").parse().ok()?;
    (read.millis() > 0).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_both_writings() {
        let both = ["20240312T10:11:12Z", "2024-03-12T10:11:12Z"].map(|text| moment(text).unwrap());
        assert_eq!(both[0], both[1]);
        assert_eq!(both[0].minute(), "2024-03-12 10:11");
        for none in [
            "19700101T00:00:00Z",
            "",
            "T",
            "20240312",
            "2024é312T10:11:12Z",
        ] {
            assert_eq!(moment(none), None, "{none}");
        }
    }
}
