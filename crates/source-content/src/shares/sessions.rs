//! How many use a share at this moment, as the server's own tables say it. Who they are, connections tell.

use std::collections::BTreeMap;

use groma_model::Reason;

use super::tdb;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{lossy, meaningful, unescaped};

/// Where Samba keeps which client is connected to which share: Debian, its own default, older layouts.
const TABLES: &[&str] = &[
    "/run/samba/smbXsrv_tcon_global.tdb",
    "/var/lib/samba/lock/smbXsrv_tcon_global.tdb",
    "/var/cache/samba/smbXsrv_tcon_global.tdb",
];
/// Bytes before the name in a record: version, number, two pointers, the two numbers of the connection, the server's
/// process (24 bytes) and the time it began (smbXsrv.idl).
const NAME_AT: usize = 60;

/// Sessions by the name of a share in lower case; none where no server keeps a table.
pub(super) fn smb(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Option<BTreeMap<String, u64>> {
    for table in TABLES {
        match reading.read_if_there(table) {
            Ok(Some(bytes)) => return counted(&bytes),
            Ok(None) => {}
            Err(error) => part.cannot(
                format!("who is connected to shares now ({table})"),
                error.reason,
                crate::part::BE_ROOT,
            ),
        }
    }
    None
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

/// A string as NDR writes it: room, offset 0, length, then the letters with a zero ([C706] 14.3.4). It stands at the
/// first place behind the fixed part where such a one begins.
fn share(value: &[u8]) -> Option<String> {
    let number = |at: usize| {
        let four: [u8; 4] = value.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    };
    let begins = |at: &usize| {
        let room = number(*at);
        room.is_some_and(|n| (2..=256).contains(&n))
            && number(at + 4) == Some(0)
            && number(at + 8) == room
    };
    let at = (NAME_AT.saturating_sub(16)..NAME_AT + 16)
        .step_by(4)
        .find(begins)?;
    let length = usize::try_from(number(at)?).ok()?;
    let letters = value.get(at + 12..at + 12 + length)?.strip_suffix(b"\0")?;
    let plain = letters.iter().all(|b| *b >= b' ');
    (plain && !letters.is_empty()).then(|| lossy(letters).to_lowercase())
}

/// Clients by exported path, out of what rpc.mountd remembers of NFS 3 (`HOST:PATH:0xCOUNT`, rmtab). Clients of NFS 4
/// leave no such trace.
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
            mounted(bytes);
        });
    }
}
