//! The sheets with a row for each part of a guest: disks, cards, media, snapshots.

use std::net::IpAddr;

use groma_model::virtualization::{DiskController, DiskMode, GuestDisk, GuestNic, PassthroughSort};

use super::estate::{Estate, Told};
use super::guests::common;
use super::row::{Row, maybe_truth, mib, truth};
use crate::cell::{Cell, list};
use crate::platforms::store_name;

/// A row for each of the parts that `parts` makes of a guest, behind what is said of the guest.
fn each<'a>(
    estate: &'a Estate<'a>,
    parts: impl Fn(&Told<'a>) -> Vec<Row> + 'a,
) -> impl Iterator<Item = Row> + 'a {
    estate.guests.iter().flat_map(move |told| {
        let rows = parts(told);
        let common = if rows.is_empty() {
            Row::default()
        } else {
            common(estate, told)
        };
        rows.into_iter().map(move |row| row.and(&common))
    })
}

/// Rows of vDisk.
pub(super) fn disks<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| {
        let disks = told.guest.disks.iter();
        disks
            .map(|disk| self::disk(disk, &path(estate, told, disk)))
            .collect()
    })
}

fn disk(disk: &GuestDisk, path: &Cell) -> Row {
    let sharing = if disk.shared {
        "sharingMultiWriter"
    } else {
        "sharingNone"
    };
    Row::default()
        .with("Disk", disk.name.as_str())
        .with("Disk Path", path.clone())
        .with("Path", path.clone())
        .with("Capacity MiB", mib(disk.capacity_bytes))
        .with("Raw", truth(disk.raw_device))
        .with("Disk Mode", mode(disk.mode))
        .with("Sharing mode", sharing)
        .with("Thin", maybe_truth(disk.thin))
        .with("Controller", disk.controller.map(controller))
}

/// The file behind the name of its datastore in brackets: whoever reads RVTools finds the datastore there.
fn path<'a>(estate: &Estate<'a>, told: &Told<'a>, disk: &'a GuestDisk) -> Cell {
    let file = disk
        .path
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let on = disk.datastore.as_deref().filter(|_| !file.starts_with('['));
    let at = |key| (&told.entity.site, &told.guest.platform, key);
    let on = on.map(|key| store_name(&estate.platforms, at(key)));
    match on {
        Some(on) => Cell::from(format!("[{on}] {file}").trim_end().to_owned()),
        None => Cell::from(file),
    }
}

fn mode(mode: DiskMode) -> Option<&'static str> {
    match mode {
        DiskMode::Dependent => Some("persistent"),
        DiskMode::IndependentPersistent => Some("independent_persistent"),
        DiskMode::IndependentNonpersistent => Some("independent_nonpersistent"),
        DiskMode::ReadOnly => None,
    }
}

fn controller(controller: DiskController) -> &'static str {
    match controller {
        DiskController::Ide => "IDE",
        DiskController::Sata => "SATA controller",
        DiskController::Scsi | DiskController::Pvscsi => "SCSI controller",
        DiskController::VirtioScsi => "VirtIO SCSI controller",
        DiskController::Virtio => "VirtIO",
        DiskController::Nvme => "NVME controller",
        DiskController::Xen => "Xen",
        DiskController::Usb => "USB",
        DiskController::Floppy => "Floppy",
    }
}

/// Rows of vPartition: what an agent inside saw; how full they are it does not ask.
pub(super) fn partitions<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| {
        let all = told.entity.attributes.file_systems.iter();
        let own = all.filter(|one| one.remote.is_none() && one.bytes.is_some());
        own.map(|one| {
            Row::default()
                .with("Disk", one.mount_point.to_string())
                .with("Capacity MiB", mib(one.bytes))
        })
        .collect()
    })
}

/// Rows of vNetwork.
pub(super) fn cards<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| told.guest.nics.iter().map(card).collect())
}

fn card(nic: &GuestNic) -> Row {
    let of = |which: fn(&IpAddr) -> bool| list(nic.addresses.iter().filter(|a| which(a)));
    Row::default()
        .with("NIC label", nic.name.as_str())
        .with("Adapter", nic.model.as_deref())
        .with("Network", nic.network.as_deref())
        .with("Switch", nic.switch.as_deref())
        .with("Connected", maybe_truth(nic.connected))
        .with("Mac Address", nic.mac.as_deref())
        .with("IPv4 Address", of(IpAddr::is_ipv4))
        .with("IPv6 Address", of(IpAddr::is_ipv6))
}

/// Rows of vCD: drives with something in them; empty ones are not told.
pub(super) fn media<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| {
        let media = told.guest.media.iter();
        media
            .map(|what| {
                Row::default()
                    .with("Device Type", what.to_string())
                    .with("Connected", truth(true))
            })
            .collect()
    })
}

/// Rows of vUSB.
pub(super) fn usb<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| {
        let all = told.guest.passthrough.iter();
        let usb = all.filter(|device| device.sort == PassthroughSort::Usb);
        usb.map(|device| {
            Row::default()
                .with("Device Type", device.what.as_str())
                // This one sheet writes the title with a small letter.
                .with(
                    "OS according to the VMware tools",
                    told.guest.reported_os.clone(),
                )
        })
        .collect()
    })
}

/// Rows of vSnapshot.
pub(super) fn snapshots<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    each(estate, |told| {
        let snapshots = told.guest.snapshots.iter();
        snapshots
            .map(|kept| {
                Row::default()
                    .with("Name", kept.name.to_string())
                    .with("Date / time", kept.taken_at)
            })
            .collect()
    })
}
