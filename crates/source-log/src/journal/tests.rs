use groma_source::{DiskError, EntryKind, Metadata};

use super::*;

/// Bytes as a file.
struct InMemory(Vec<u8>, Metadata);

impl OpenFile for InMemory {
    fn metadata(&self) -> &Metadata {
        &self.1
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let from = usize::try_from(offset).unwrap().min(self.0.len());
        let length = into.len().min(self.0.len() - from);
        into[..length].copy_from_slice(&self.0[from..from + length]);
        Ok(length)
    }
}

fn file(bytes: &[u8]) -> Box<dyn OpenFile> {
    let disk = groma_source::testing::FakeDisk::new().file("/j", bytes);
    let metadata = groma_source::Disk::metadata(&disk, std::path::Path::new("/j")).unwrap();
    assert_eq!(metadata.kind, EntryKind::File);
    Box::new(InMemory(bytes.to_vec(), metadata))
}

/// When, by which process, and what.
type Met = (i64, String, Vec<u8>);
/// Flags and payload of a field.
type Written = (u8, Vec<u8>);

fn read(bytes: &[u8], tag: &str) -> (Result<Told, Reason>, Vec<Met>) {
    let mut out = Vec::new();
    let wants = |met: &[u8]| met == tag.as_bytes();
    let told = of(file(bytes), &|| false, wants, |entry| {
        let process = String::from_utf8_lossy(entry.process).into_owned();
        out.push((entry.at.millis(), process, entry.message.to_vec()));
    });
    (told, out)
}

fn recorded(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    zstd::stream::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

/// A journal file as the format says, with one array for every two entries.
fn journal(compact: bool, entries: &[(u64, Vec<Written>)]) -> Vec<u8> {
    let mut out = vec![0; 264];
    out[..8].copy_from_slice(SIGNATURE);
    out[12] = 4 | 8 | if compact { 16 } else { 0 };
    out[88..96].copy_from_slice(&264u64.to_le_bytes());
    out[152..160].copy_from_slice(&(entries.len() as u64).to_le_bytes());
    let object = |out: &mut Vec<u8>, kind: u8, flags: u8, body: &[u8]| {
        out.resize(out.len().next_multiple_of(8), 0);
        let at = out.len();
        out.extend([kind, flags, 0, 0, 0, 0, 0, 0]);
        out.extend((16 + body.len() as u64).to_le_bytes());
        out.extend(body);
        at as u64
    };
    let offset = |at: u64| match compact {
        true => (at as u32).to_le_bytes().to_vec(),
        false => at.to_le_bytes().to_vec(),
    };
    let mut last_array = 176;
    for pair in entries.chunks(2) {
        let mut places = Vec::new();
        for (micros, fields) in pair {
            let mut body = [&7u64.to_le_bytes()[..], &micros.to_le_bytes(), &[0; 32]].concat();
            for (flags, payload) in fields {
                let head = vec![0; if compact { 56 } else { 48 }];
                let at = object(&mut out, DATA, *flags, &[head, payload.clone()].concat());
                body.extend(offset(at));
                body.resize(body.len() + if compact { 0 } else { 8 }, 0);
            }
            places.push(object(&mut out, ENTRY, 0, &body));
        }
        let mut body = vec![0; 8];
        body.extend(places.iter().flat_map(|at| offset(*at)));
        let array = object(&mut out, ENTRY_ARRAY, 0, &body);
        out[last_array..last_array + 8].copy_from_slice(&array.to_le_bytes());
        last_array = array as usize + 16;
    }
    out
}

fn line(tag: &str, message: &[u8]) -> Vec<Written> {
    let field = |name: &str, value: &[u8]| (0, [name.as_bytes(), b"=", value].concat());
    vec![
        field("SYSLOG_IDENTIFIER", tag.as_bytes()),
        field("MESSAGE", message),
        field("_PID", b"77"),
        field("_HOSTNAME", b"mail1"),
    ]
}

#[test]
fn what_systemd_wrote_is_read_in_both_layouts() {
    for name in ["system.journal.zst", "remote.journal.zst"] {
        let bytes = recorded(name);
        let (told, sshd) = read(&bytes, "sshd");
        let told = told.unwrap();
        assert_eq!(
            (told.damaged, told.packed, told.too_long),
            (0, 0, 0),
            "{name}"
        );
        assert!(told.entries >= 40, "{name}: {told:?}");
        let accepted = sshd.iter().filter(|(_, _, m)| m.starts_with(b"Accepted "));
        assert_eq!(accepted.count(), 3, "{name}");
        let (_, postfix) = read(&bytes, "postfix/smtpd");
        assert_eq!(postfix.len(), 2, "{name}");
        assert!(postfix[0].2.len() > 1_500, "packed with zstd: {name}");
        let first = Timestamp::from_millis(sshd[0].0).minute();
        assert_eq!(first, "2026-11-21 00:45", "{name}");
    }
}

#[test]
fn a_packed_message_is_unpacked_or_counted() {
    let message = b"MESSAGE=abababababab!";
    let lz4 = [&21u64.to_le_bytes()[..], b"\xa6MESSAGE=ab\x02\x00\x10!"].concat();
    let zstd = zstd::stream::encode_all(&message[..], 3).unwrap();
    let tag = (0, b"SYSLOG_IDENTIFIER=x".to_vec());
    for compact in [false, true] {
        let entries = [(2, lz4.clone()), (4, zstd.clone()), (1, b"xz".to_vec())];
        let entries: Vec<_> = entries
            .into_iter()
            .map(|packed| (5_000, vec![tag.clone(), packed]))
            .collect();
        let (told, met) = read(&journal(compact, &entries), "x");
        assert_eq!(
            met,
            vec![(5, String::new(), message[8..].to_vec()); 2],
            "{compact}"
        );
        assert_eq!(told.unwrap().packed, 1);
    }
}

#[test]
fn a_message_without_end_costs_itself_alone() {
    let huge = vec![b'x'; 1 << 20];
    let bomb = zstd::stream::encode_all(&vec![b'M'; 64 << 20][..], 1).unwrap();
    let tag = (0, b"SYSLOG_IDENTIFIER=x".to_vec());
    let entries = [
        (1_000, line("x", &huge)),
        (2_000, vec![tag, (4, bomb)]),
        (3_000, line("x", b"after")),
    ];
    let (told, met) = read(&journal(false, &entries), "x");
    assert_eq!(met.len(), 1);
    assert_eq!(told.unwrap().too_long, 2);
}

#[test]
fn arrays_in_a_circle_and_offsets_into_nowhere_end() {
    let good = journal(
        false,
        &[
            (1, line("x", b"a")),
            (2, line("x", b"b")),
            (3, line("x", b"c")),
        ],
    );
    let first = u64_at(&good, 176) as usize;
    let mut circle = good.clone();
    circle[first + 16..first + 24].copy_from_slice(&(first as u64).to_le_bytes());
    let (told, met) = read(&circle, "x");
    assert_eq!((told.unwrap().damaged, met.len()), (1, 2));
    let mut nowhere = good.clone();
    nowhere[first + 24..first + 32].copy_from_slice(&u64::MAX.to_le_bytes());
    let (told, met) = read(&nowhere, "x");
    assert_eq!((told.unwrap().damaged, met.len()), (1, 2));
    let mut newer = good;
    newer[13] = 1;
    assert_eq!(read(&newer, "x").0, Err(Reason::Unsupported));
    assert_eq!(read(b"LPKSHHRH", "x").0, Err(Reason::Malformed));
}

#[test]
fn a_journal_cut_short_is_damaged_and_one_that_grew_meanwhile_is_not() {
    let written = [
        (1, line("x", b"a")),
        (2, line("x", b"b")),
        (3, line("x", b"c")),
    ];
    for compact in [false, true] {
        let good = journal(compact, &written);
        let first = u64_at(&good, 176) as usize;
        let damaged = |bytes: &[u8]| {
            let (told, met) = read(bytes, "x");
            (told.unwrap().damaged, met.len())
        };
        assert_eq!(damaged(&good), (0, 3));
        let mut no_further_array = good.clone();
        no_further_array[first + 16..first + 24].fill(0);
        assert_eq!(damaged(&no_further_array), (1, 2));
        let mut no_array = good.clone();
        no_array[176..184].fill(0);
        assert_eq!(damaged(&no_array), (1, 0));
        let width = if compact { 4 } else { 8 };
        let mut hole = good.clone();
        hole[first + 24 + width..first + 24 + 2 * width].fill(0);
        assert_eq!(damaged(&hole), (1, 1));
        // Linked already, and not yet counted by the head that was read.
        let mut grown = good;
        grown[152..160].copy_from_slice(&2u64.to_le_bytes());
        assert_eq!(damaged(&grown), (0, 2));
    }
}

#[test]
fn no_file_makes_it_panic() {
    let small = journal(true, &[(1, line("x", b"a")), (2, line("x", b"b"))]);
    let large = journal(
        false,
        &[
            (1, line("x", b"a")),
            (2, line("x", b"b")),
            (3, line("y", b"c")),
        ],
    );
    groma_fuzz::hammer(3_000, &[&small, &large], |bytes| {
        let _ = read(bytes, "x");
    });
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read(messages in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), 0..9), compact: bool) {
        let entries: Vec<_> = messages.iter().enumerate().map(|(n, m)| (n as u64 * 1_000, line("x", m))).collect();
        let (told, met) = read(&journal(compact, &entries), "x");
        proptest::prop_assert_eq!(told.unwrap().damaged, 0);
        let want: Vec<_> = messages.iter().enumerate().map(|(n, m)| (n as i64, "77".to_owned(), m.clone())).collect();
        proptest::prop_assert_eq!(met, want);
    }
}
