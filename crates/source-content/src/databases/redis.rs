//! Redis and Valkey: a dump and an append-only log.

use std::path::{Path, PathBuf};

use super::places::{Places, Processes};
use super::{Seen, bytes_below, size};
use crate::reading::{Reading, piece};
use crate::text::{extension, lossy, meaningful, path, unquoted, words};

/// The header of a dump is read to the number of keys of its first database.
const HEAD_BYTES: usize = 4096;

pub(super) fn places(reading: &mut Reading<'_>, _: &Processes) -> Places {
    let mut places = Places::default();
    let mut files = vec![PathBuf::from("/etc/redis.conf")];
    for directory in ["/etc/redis", "/etc/valkey"] {
        let entries = places.list(reading, Path::new(directory));
        files.extend(entries.into_iter().filter(|p| extension(p) == b"conf"));
    }
    for file in files {
        let text = places.text(reading, &file);
        let setting = |names: &[&[u8]]| {
            let all = meaningful(&text, b"#").filter_map(|(_, line)| {
                let mut words = words(line);
                words.next().filter(|key| names.contains(key))?;
                words.next()
            });
            all.last()
        };
        let role = setting(&[b"replicaof", b"slaveof"]).map(|_| "standby");
        if let Some(directory) = setting(&[b"dir"]) {
            places.named(&path(unquoted(directory)), &file, role);
        }
    }
    for habit in ["/var/lib/redis", "/var/lib/valkey"] {
        places.habit(reading, Path::new(habit), "dump.rdb");
    }
    places
}

pub(super) fn read(reading: &mut Reading<'_>, at: &Path) -> Option<Seen> {
    let entries = reading.list(at).ok()?;
    let dumps = entries
        .iter()
        .filter(|e| extension(&e.path) == b"rdb")
        .map(|e| e.path.clone());
    let logs = at.join("appendonlydir");
    let (log_bytes, whole) = match reading.metadata(&logs) {
        Ok(_) => bytes_below(reading, &logs),
        Err(_) => (0, true),
    };
    let old_log = size(reading, &at.join("appendonly.aof")).unwrap_or(0);
    let mut seen = Seen {
        engine: "redis",
        bytes: log_bytes.saturating_add(old_log),
        cut: !whole,
        ..Seen::default()
    };
    let mut any = log_bytes > 0 || old_log > 0;
    for dump in dumps {
        let head = reading
            .open(&dump)
            .and_then(|file| piece(file.as_ref(), 0, HEAD_BYTES))
            .unwrap_or_default();
        let Some(head) = header(&head) else { continue };
        any = true;
        seen.bytes = seen.bytes.saturating_add(size(reading, &dump).unwrap_or(0));
        seen.version = seen.version.or(head.version);
        seen.items = seen.items.or(head.keys);
    }
    any.then_some(seen)
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Header {
    version: Option<String>,
    /// Keys of the first database.
    keys: Option<u64>,
}

/// `REDIS0011`, then pairs behind 0xFA, then 0xFE with the number of a database and 0xFB with how many keys it has.
fn header(bytes: &[u8]) -> Option<Header> {
    let mut rest = bytes.strip_prefix(b"REDIS")?.get(4..)?;
    let mut header = Header::default();
    while let Some((mark, tail)) = rest.split_first() {
        rest = tail;
        match mark {
            0xfa => {
                let (Some(key), Some(value)) = (text(&mut rest), text(&mut rest)) else {
                    break;
                };
                if key == "redis-ver" || key == "valkey-ver" {
                    header.version = Some(value);
                }
            }
            0xfe => {
                if length(&mut rest).is_none() {
                    break;
                }
            }
            0xfb => {
                header.keys = length(&mut rest);
                break;
            }
            _ => break,
        }
    }
    Some(header)
}

/// A length: 6, 14, 32 or 64 bits; `None` for what is no plain length.
fn length(rest: &mut &[u8]) -> Option<u64> {
    let (first, tail) = rest.split_first()?;
    let (value, used) = match (first >> 6, first) {
        (0, _) => (u64::from(first & 0x3f), 0),
        (1, _) => (u64::from(first & 0x3f) << 8 | u64::from(*tail.first()?), 1),
        (2, 0x80) => (
            u64::from(u32::from_be_bytes(tail.get(..4)?.try_into().ok()?)),
            4,
        ),
        (2, 0x81) => (u64::from_be_bytes(tail.get(..8)?.try_into().ok()?), 8),
        _ => return None,
    };
    *rest = tail.get(used..)?;
    Some(value)
}

/// A string, or a small number written as one of 8, 16 or 32 bits.
fn text(rest: &mut &[u8]) -> Option<String> {
    let first = *rest.first()?;
    if let 0xc0..=0xc2 = first {
        let bytes = 1_usize << (first & 3);
        *rest = rest.get(1 + bytes..)?;
        return Some(String::new());
    }
    let length = usize::try_from(length(rest)?).ok()?;
    let text = rest.get(..length)?;
    *rest = rest.get(length..)?;
    Some(lossy(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &[u8] =
        b"REDIS0011\xfa\x09redis-ver\x067.0.15\xfa\x0aredis-bits\xc0\x40\xfe\x00\xfb\x41\x00\x00";

    #[test]
    fn the_head_of_a_dump_tells_version_and_keys() {
        let expected = Header {
            version: Some("7.0.15".into()),
            keys: Some(256),
        };
        assert_eq!(header(DUMP), Some(expected));
        assert_eq!(header(b"RDB of something else"), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        groma_fuzz::hammer(3000, &[DUMP], |bytes| {
            header(bytes);
        });
    }
}
