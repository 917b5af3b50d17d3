//! How many use a share at this moment, as the server's own tables say it. Who they are, connections tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_model::Reason;

use super::tdb;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{lossy, meaningful, unescaped};

/// Where Samba keeps its tables: Debian, its own default, older layouts.
const PLACES: &[&str] = &["/run/samba", "/var/lib/samba/lock", "/var/cache/samba"];
/// Which client is connected to which share; which file is held open.
const CONNECTED: &str = "smbXsrv_tcon_global.tdb";
const HELD: &str = "locking.tdb";
/// Bytes before the name in a record: version, number, two pointers, the two numbers of the connection, the server's
/// process (24 bytes) and the time it began (smbXsrv.idl).
const NAME_AT: usize = 60;
/// Longest text of a table that is read, and how far into a record one is looked for.
const TEXT_BYTES_MAX: u32 = 4_096;
const RECORD_BYTES_MAX: usize = 1_024;
/// Clients of NFS 4 that are counted.
const CLIENTS_MAX: usize = 10_000;

/// Sessions by the name of a share in lower case; none where no server keeps a table.
pub(super) fn smb(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Option<BTreeMap<String, u64>> {
    counted(&table(reading, part, CONNECTED)?)
}

/// Files held open at this moment, by the directory their share offers.
pub(super) fn held(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
) -> Option<BTreeMap<String, u64>> {
    files(&table(reading, part, HELD)?)
}

fn table(reading: &mut Reading<'_>, part: &mut Part<'_>, name: &str) -> Option<Vec<u8>> {
    for place in PLACES {
        let table = format!("{place}/{name}");
        match reading.read_if_there(&table) {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => {}
            Err(error) => part.cannot(
                format!("what clients do with shares now ({table})"),
                error.reason,
                crate::part::BE_ROOT,
            ),
        }
    }
    None
}

/// Each record of `locking.tdb` is one file; the first text in it is the directory of the share (open_files.idl).
fn files(table: &[u8]) -> Option<BTreeMap<String, u64>> {
    let mut held = BTreeMap::new();
    for (_, value) in tdb::records(table)? {
        let mut texts = (0..value.len().min(RECORD_BYTES_MAX))
            .step_by(2)
            .filter_map(|at| text(value, at));
        if let Some(directory) = texts.find(|text| text.starts_with('/')) {
            let directory = directory.trim_end_matches('/').to_owned();
            *held.entry(directory).or_default() += 1;
        }
    }
    Some(held)
}

fn counted(table: &[u8]) -> Option<BTreeMap<String, u64>> {
    let mut sessions = BTreeMap::new();
    for (_, value) in tdb::records(table)? {
        if let Some(name) = share(value) {
            *sessions.entry(name).or_default() += 1;
        }
    }
    Some(sessions)
}

/// The name of the share stands at the first place behind the fixed part where a text begins.
fn share(value: &[u8]) -> Option<String> {
    let mut places = (NAME_AT.saturating_sub(16)..NAME_AT + 16).step_by(4);
    let name = places.find_map(|at| text(value, at).filter(|text| text.len() < 256));
    name.map(|name| name.to_lowercase())
}

/// A text as NDR writes it: room, offset 0, length, then the letters with a zero ([C706] 14.3.4).
fn text(value: &[u8], at: usize) -> Option<String> {
    let number = |at: usize| {
        let four: [u8; 4] = value.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    };
    let room = number(at).filter(|room| (2..=TEXT_BYTES_MAX).contains(room))?;
    if number(at + 4) != Some(0) || number(at + 8) != Some(room) {
        return None;
    }
    let length = usize::try_from(room).ok()?;
    let letters = value.get(at + 12..at + 12 + length)?.strip_suffix(b"\0")?;
    let plain = letters.iter().all(|b| *b >= b' ');
    plain.then(|| lossy(letters))
}

/// How many machines are clients of NFS 4 at this moment, as the kernel's own list says it; none where it has no server.
/// Which export they use stands nowhere.
pub(super) fn nfs4(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Option<u64> {
    let all = match reading.list(Path::new("/proc/fs/nfsd/clients")) {
        Ok(all) if all.is_empty() => return None,
        Ok(all) => all,
        Err(error) => {
            part.cannot("clients of NFS 4", error.reason, crate::part::BE_ROOT);
            return None;
        }
    };
    let mut machines = BTreeSet::new();
    for client in all.into_iter().take(CLIENTS_MAX) {
        // One that left meanwhile is none.
        let told = reading.read_if_there(client.path.join("info"));
        machines.extend(told.ok().flatten().and_then(|bytes| client_of(&bytes)));
    }
    u64::try_from(machines.len()).ok()
}

/// `address: "192.0.2.10:814"` of a client that is `confirmed` (Linux, nfsd's client_info_show).
fn client_of(info: &[u8]) -> Option<String> {
    let value = |key: &[u8]| {
        let mut lines = meaningful(info, b"#").filter_map(|(_, line)| line.strip_prefix(key));
        lines.next().map(|value| lossy(value.trim_ascii()))
    };
    if value(b"status:").is_some_and(|status| status != "confirmed") {
        return None;
    }
    let address = value(b"address:")?;
    let address = address.trim_matches('"');
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    (!host.is_empty()).then(|| host.trim_matches(['[', ']']).to_owned())
}

/// Clients by exported path, out of what rpc.mountd remembers of NFS 3 (`HOST:PATH:0xCOUNT`, rmtab).
pub(super) fn nfs(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Option<BTreeMap<String, u64>> {
    match reading.read_if_there("/var/lib/nfs/rmtab") {
        Ok(bytes) => bytes.map(|bytes| mounted(&bytes)),
        Err(error) => {
            part.cannot(
                "who has mounted exports",
                Reason::clone(&error.reason),
                crate::part::BE_ROOT,
            );
            None
        }
    }
}

fn mounted(table: &[u8]) -> BTreeMap<String, u64> {
    let mut clients = BTreeMap::new();
    for (_, line) in meaningful(table, b"#") {
        let text = lossy(&unescaped(line));
        // The address may hold colons itself; the path begins at the first of `:/`.
        if let Some((_, rest)) = text.split_once(":/")
            && let Some((path, _)) = rest.rsplit_once(":0x")
        {
            *clients.entry(format!("/{path}")).or_default() += 1;
        }
    }
    clients
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &[u8] =
        include_bytes!("../../tests/fixtures/shares/samba-4.17/smbXsrv_tcon_global.tdb");

    #[test]
    fn one_client_of_a_share_is_one_session() {
        assert_eq!(
            counted(RECORDED),
            Some(BTreeMap::from([("projects".to_owned(), 1)]))
        );
    }

    #[test]
    fn two_files_that_a_client_of_samba_held_open_are_two_of_their_share() {
        const RECORDED: &[u8] =
            include_bytes!("../../tests/fixtures/shares/samba-4.17/locking.tdb");
        assert_eq!(
            files(RECORDED),
            Some(BTreeMap::from([("/srv/projects".to_owned(), 2)]))
        );
    }

    /// After the kernel's documentation; no kernel with such a server was at hand.
    #[test]
    fn a_client_of_nfs_4_is_known_by_its_address_and_one_that_never_came_back_is_none() {
        let info = |address: &str, status: &str| {
            format!(
                "clientid: 0x6d0596d0d11a2ebb\naddress: \"{address}\"\nstatus: {status}\nseconds from last renew: 8\nname: \"Linux NFSv4.2 ws1\"\nminor version: 2\n"
            )
        };
        let of = |text: String| client_of(text.as_bytes());
        assert_eq!(
            of(info("192.0.2.10:814", "confirmed")).as_deref(),
            Some("192.0.2.10")
        );
        assert_eq!(
            of(info("[fd00::5]:814", "confirmed")).as_deref(),
            Some("fd00::5")
        );
        assert_eq!(of(info("192.0.2.10:814", "unconfirmed")), None);
    }

    #[test]
    fn mounts_are_counted_by_their_path() {
        let table = b"10.0.0.5:/srv/nfs:0x00000002\nfd00::5:/srv/nfs:0x00000001\nws1:/home:0x00000001\nbad\n";
        assert_eq!(
            mounted(table),
            BTreeMap::from([("/home".to_owned(), 1), ("/srv/nfs".to_owned(), 2)])
        );
    }

    #[test]
    fn no_table_makes_it_panic() {
        let value = crate::shares::tdb::records(RECORDED).unwrap()[0].1;
        groma_fuzz::hammer(3000, &[value, b"a:/b:0x1\n"], |bytes| {
            share(bytes);
            files(bytes);
            client_of(bytes);
            text(bytes, 0);
            mounted(bytes);
        });
    }
}
