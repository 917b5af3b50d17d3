//! This machine's own registry and tables.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use groma_model::{Fact, Reason};
use groma_sys::windows::tables::{self as calls, SocketTable as Call};
use groma_sys::windows::{devices, disks, modules, people, registry};
use groma_windows::tables::{SocketTable, TableRead};
use groma_windows::{
    AREAS, Adapter, AdapterParts, DeviceRow, DiskRow, Key, LeftOut, Machine, Missing, Process,
    Registry, Rows, SessionRow, ShareRow, SocketRow, System as SystemRow, UnicastPart, User, Value,
    Volume, VolumeKind, WrittenFiles, is_of_a_person,
};

use crate::System;

/// This machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisSystem;

impl System for ThisSystem {
    fn registry(&self) -> &dyn Registry {
        self
    }

    fn rows(&self, offline: bool) -> Rows {
        let mut rows = self.sockets();
        let mut missing = std::mem::take(&mut rows.missing);
        let mut cut = Vec::new();
        rows.system = system();
        rows.system.booted = booted();
        rows.system.disks = taken("disks", &mut missing, disks::disks(), |found| {
            found.iter().filter_map(disk).collect()
        });
        rows.routes = taken("routes", &mut missing, calls::routes(), |bytes| {
            whole("routes", groma_windows::tables::routes(bytes), &mut cut)
        });
        rows.neighbours = taken("neighbours", &mut missing, calls::neighbours(), |bytes| {
            whole(
                "neighbours",
                groma_windows::tables::neighbours(bytes),
                &mut cut,
            )
        });
        rows.volumes = calls::volumes().into_iter().map(volume).collect();
        rows.shares = taken("shares", &mut missing, calls::shares(), |shares| {
            shares.iter().map(share).collect()
        });
        rows.sessions = taken("sessions", &mut missing, calls::sessions(), |sessions| {
            sessions.iter().map(session).collect()
        });
        rows.users = taken("users", &mut missing, people::local_users(), |users| {
            users.iter().map(user).collect()
        });
        rows.devices = taken("devices", &mut missing, devices::present(), |found| {
            found.iter().map(|instance| device(instance)).collect()
        });
        missing.append(&mut cut);
        rows.missing = missing;
        names(&mut rows, offline);
        rows
    }

    fn sockets(&self) -> Rows {
        let mut missing = Vec::new();
        let services = taken(
            "services",
            &mut missing,
            calls::running_services(),
            |found| found.clone(),
        );
        let processes = taken("processes", &mut missing, calls::processes(), |found| {
            found.iter().map(|row| process(row, &services)).collect()
        });
        let adapters = taken("adapters", &mut missing, calls::adapters(), |found| {
            found.iter().map(adapter).collect()
        });
        let sockets = sockets(&mut missing, &processes);
        Rows {
            processes,
            sockets,
            adapters,
            missing,
            ..Rows::default()
        }
    }
}

/// Why a call failed; what the standard library has no word for has one here (winerror.h).
fn reason(error: &io::Error) -> Reason {
    match error.raw_os_error() {
        // ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED, ERROR_PROC_NOT_FOUND
        Some(50 | 120 | 127) => Reason::Unsupported,
        // ERROR_SERVICE_NOT_ACTIVE, ERROR_NOT_FOUND, NERR_ServerNotStarted
        Some(1062 | 1168 | 2114) => Reason::NotPresent,
        _ => Reason::of_io(error),
    }
}

/// What a call gave, as rows; a call that failed leaves none, and a line that says why.
fn taken<T, R>(
    table: &str,
    missing: &mut Vec<Missing>,
    told: io::Result<T>,
    read: impl FnOnce(&T) -> Vec<R>,
) -> Vec<R> {
    match told {
        Ok(told) => read(&told),
        Err(error) => {
            missing.push(Missing {
                table: table.to_owned(),
                reason: reason(&error),
            });
            Vec::new()
        }
    }
}

impl Registry for ThisSystem {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let Some(raw) = registry::key(path).map_err(|error| Reason::of_io(&error))? else {
            return Ok(None);
        };
        let value =
            |(name, kind, bytes): (String, u32, Vec<u8>)| (name, Value::of_bytes(kind, &bytes));
        let mut left_out: Vec<LeftOut> = raw.too_large.into_iter().map(LeftOut::Value).collect();
        left_out.extend(raw.more_values.then_some(LeftOut::Values));
        left_out.extend(raw.more_keys.then_some(LeftOut::Keys));
        Ok(Some(Key {
            keys: raw.keys,
            values: raw.values.into_iter().map(value).collect(),
            written: Some(raw.written),
            left_out,
        }))
    }
}

/// What this machine says of itself as a whole: identity, system, hardware.
pub fn this_machine() -> Vec<Fact> {
    let mut rows = ThisSystem.sockets();
    rows.system = system();
    let files = WrittenFiles::default();
    let machine = Machine {
        registry: &ThisSystem,
        files: &files,
        rows: &rows,
        certificate: &|_| None,
    };
    let area = AREAS.iter().find(|area| area.name == "host.system");
    let said = area.map(|area| (area.read)(&machine)).unwrap_or_default();
    said.into_iter().flat_map(|said| said.facts).collect()
}

fn system() -> SystemRow {
    let (host_name, architecture, processors, memory_bytes, memory_available_bytes) =
        calls::machine();
    SystemRow {
        host_name,
        architecture: architecture.to_owned(),
        processors,
        memory_bytes,
        memory_available_bytes,
        smbios: calls::smbios().unwrap_or_default(),
        is_administrator: people::is_administrator(),
        ..SystemRow::default()
    }
}

fn sockets(missing: &mut Vec<Missing>, processes: &[Process]) -> Vec<SocketRow> {
    let mut all = Vec::new();
    let mut cut = Vec::new();
    let tables = [
        (Call::Tcp4, SocketTable::Tcp4Module),
        (Call::Tcp6, SocketTable::Tcp6Module),
        (Call::Udp4, SocketTable::Udp4Module),
        (Call::Udp6, SocketTable::Udp6Module),
    ];
    for (call, layout) in tables {
        let told = calls::sockets(call);
        all.extend(taken("sockets", missing, told, |bytes| {
            let table = groma_windows::tables::sockets(layout, bytes);
            let mut rows = whole("sockets", table, &mut cut);
            groma_windows::tell_services(&mut rows, layout, bytes, processes, &|row| {
                modules::owner(call, row)
            });
            rows
        }));
    }
    missing.append(&mut cut);
    all
}

/// The rows of a table; that it promised more is said.
fn whole<T>(table: &str, read: TableRead<T>, cut: &mut Vec<Missing>) -> Vec<T> {
    if read.missing > 0 {
        cut.push(Missing {
            table: table.to_owned(),
            reason: Reason::TooLarge,
        });
    }
    read.rows
}

fn process(row: &calls::RawProcess, services: &[(u32, String)]) -> Process {
    let hosted = services
        .iter()
        .filter(|(process, _)| *process == row.id && row.id != 0);
    Process {
        id: row.id,
        name: row.name.clone(),
        executable: row.executable.clone(),
        user: row.user.clone(),
        command: row.command.clone(),
        services: hosted.map(|(_, name)| name.clone()).collect(),
        began: row.began,
    }
}

fn adapter(row: &calls::RawAdapter) -> Adapter {
    let address =
        |(address, prefix, origin, state): &(std::net::IpAddr, u8, i32, i32)| UnicastPart {
            address: *address,
            prefix: *prefix,
            suffix_origin: origin.cast_unsigned(),
            state: state.cast_unsigned(),
        };
    groma_windows::adapter_of(&AdapterParts {
        friendly_name: row.name.clone(),
        description: row.description.clone(),
        guid: row.guid.clone(),
        index: if row.index == 0 {
            row.index_v6
        } else {
            row.index
        },
        interface_type: row.kind,
        status: row.status.cast_unsigned(),
        mac: row.mac.clone(),
        addresses: row.addresses.iter().map(address).collect(),
        name_servers: row.name_servers.clone(),
        suffix: row.suffix.clone(),
    })
}

fn volume(row: calls::RawVolume) -> Volume {
    Volume {
        mount_point: row.mount_point,
        device: row.device,
        kind: match row.kind {
            2 => VolumeKind::Removable,
            3 => VolumeKind::Fixed,
            4 => VolumeKind::Remote,
            5 => VolumeKind::Optical,
            6 => VolumeKind::Memory,
            _ => VolumeKind::Other,
        },
        file_system: row.file_system,
        bytes: row.space.map(|(bytes, _)| bytes),
        free_bytes: row.space.map(|(_, free)| free),
    }
}

fn disk(row: &disks::RawDisk) -> Option<DiskRow> {
    groma_windows::disk_of(row.number, &row.descriptor, &row.geometry)
}

/// When the machine started, to the minute: the clock is set a little now and then.
fn booted() -> Option<i64> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let began = now.as_secs().checked_sub(calls::seconds_up())?;
    i64::try_from(began - began % 60).ok()
}

/// `STYPE_SPECIAL`.
const ADMINISTRATIVE: u32 = 0x8000_0000;

fn share(row: &calls::RawShare) -> ShareRow {
    let kind = match row.kind & 0xFF {
        0 => "disk",
        1 => "printer",
        2 => "device",
        _ => "ipc",
    };
    ShareRow {
        name: row.name.clone(),
        path: row.path.clone(),
        kind: kind.to_owned(),
        administrative: row.kind & ADMINISTRATIVE != 0,
        remark: Some(row.remark.clone()).filter(|remark| !remark.is_empty()),
        rights: row.rights.clone(),
        folder_rights: row.folder_rights.clone(),
    }
}

fn session((from, user): &(String, String)) -> SessionRow {
    SessionRow {
        from: from.trim_start_matches('\\').to_owned(),
        user: user.clone(),
        open_files: 0,
    }
}

fn user(row: &people::LocalUser) -> User {
    User {
        name: row.name.clone(),
        sid: row.sid.clone(),
        disabled: row.disabled,
        home: Some(row.home.clone()).filter(|home| !home.is_empty()),
    }
}

/// Names of the accounts that were met. Those of a domain are known to its controllers, which the machine asks for them as it
/// does for every window that shows rights; whoever looks offline asks nobody.
fn names(rows: &mut Rows, offline: bool) {
    for user in &rows.users {
        let name = format!(r"{}\{}", rows.system.host_name, user.name);
        rows.names.insert(user.sid.clone(), name);
    }
    if offline {
        return;
    }
    let profiles = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    let profiles = ThisSystem.key(profiles).ok().flatten().unwrap_or_default();
    let met = rows
        .processes
        .iter()
        .filter_map(|process| process.user.clone());
    let met: BTreeSet<String> = met.chain(profiles.keys).collect();
    let begin = Instant::now();
    for sid in met.iter().filter(|sid| is_of_a_person(sid)).take(NAMES_MAX) {
        // A controller that does not answer costs seconds a name.
        if begin.elapsed() > NAMES_WITHIN {
            return;
        }
        if !rows.names.contains_key(sid)
            && let Some(name) = people::name_of(sid)
        {
            rows.names.insert(sid.clone(), name);
        }
    }
}

/// Accounts whose name is asked for.
const NAMES_MAX: usize = 1024;
/// How long names are asked for.
const NAMES_WITHIN: Duration = Duration::from_secs(10);

/// Devices that are there, each with what the registry keeps of it.
fn device(instance: &str) -> DeviceRow {
    let enumerated = format!(r"HKLM\SYSTEM\CurrentControlSet\Enum\{instance}");
    let key = ThisSystem
        .key(&enumerated)
        .ok()
        .flatten()
        .unwrap_or_default();
    // A text of a driver's language file stands behind its place there: `@oem7.inf,%name%;Name`.
    let text = |name: &str| {
        let text = key.text(name)?;
        Some(text.rsplit(';').next().unwrap_or(text).to_owned())
    };
    DeviceRow {
        instance: instance.to_owned(),
        present: true,
        class: text("ClassGUID").and_then(|guid| class(&guid)),
        friendly_name: text("FriendlyName").or_else(|| text("DeviceDesc")),
        service: text("Service"),
        manufacturer: text("Mfg"),
    }
}

fn class(guid: &str) -> Option<String> {
    let path = format!(r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{guid}");
    let key = ThisSystem.key(&path).ok().flatten()?;
    Some(key.text("Class")?.to_owned())
}
