//! Writes event logs to the published format, for tests: a head, chunks with their checksums, templates that events of a
//! chunk share, values by type.

use super::CHUNK;
use super::chunk::checksum;

/// An event to be written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) record: u64,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) provider: &'static str,
    pub(crate) number: u16,
    pub(crate) channel: &'static str,
    pub(crate) computer: &'static str,
    /// Names and texts; an empty name is none.
    pub(crate) values: Vec<(String, String)>,
}

/// A chunk that is being written.
struct Chunk {
    bytes: Vec<u8>,
    /// Where the template of events lies.
    system: Option<usize>,
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A name right behind its place.
fn name(out: &mut Vec<u8>, base: usize, text: &str) {
    let here = base + out.len() + 4;
    out.extend((here as u32).to_le_bytes());
    out.extend([0; 6]);
    out.extend((text.encode_utf16().count() as u16).to_le_bytes());
    out.extend(utf16(text));
    out.extend([0; 2]);
}

/// An element of a template, with attributes and content.
fn element(
    out: &mut Vec<u8>,
    base: usize,
    called: &str,
    attributes: &[(&str, Vec<u8>)],
    content: &dyn Fn(&mut Vec<u8>),
) {
    out.push(if attributes.is_empty() { 0x01 } else { 0x41 });
    out.extend([0xff, 0xff]);
    let size_at = size(out);
    name(out, base, called);
    if !attributes.is_empty() {
        let size_at = size(out);
        for (number, (called, value)) in attributes.iter().enumerate() {
            out.push(if number + 1 < attributes.len() {
                0x46
            } else {
                0x06
            });
            name(out, base, called);
            out.extend(value);
        }
        sized(out, size_at);
    }
    out.push(0x02);
    content(out);
    out.push(0x04);
    sized(out, size_at);
}

/// Room for the size of what follows.
fn size(out: &mut Vec<u8>) -> usize {
    out.extend([0; 4]);
    out.len() - 4
}

fn sized(out: &mut [u8], size_at: usize) {
    let size = (out.len() - size_at - 4) as u32;
    out[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
}

fn substitution(number: u16, kind: u8) -> Vec<u8> {
    let [low, high] = number.to_le_bytes();
    vec![0x0e, low, high, kind]
}

pub(crate) fn literal(text: &str) -> Vec<u8> {
    let mut out = vec![0x05, 0x01];
    out.extend((text.encode_utf16().count() as u16).to_le_bytes());
    out.extend(utf16(text));
    out
}

/// The head of an instance, and the template itself where it is not yet in the chunk.
fn instance(
    out: &mut Vec<u8>,
    base: usize,
    known: Option<usize>,
    body: &dyn Fn(&mut Vec<u8>, usize),
) -> usize {
    out.extend([0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0]);
    let here = base + out.len() + 4;
    let at = known.unwrap_or(here);
    out.extend((at as u32).to_le_bytes());
    if known.is_none() {
        out.extend([0; 20]);
        let size_at = size(out);
        out.extend([0x0f, 1, 1, 0]);
        body(out, base);
        out.push(0);
        sized(out, size_at);
    }
    at
}

pub(crate) fn values(out: &mut Vec<u8>, values: &[(u8, Vec<u8>)]) {
    out.extend((values.len() as u32).to_le_bytes());
    for (kind, bytes) in values {
        out.extend((bytes.len() as u16).to_le_bytes());
        out.extend([*kind, 0]);
    }
    out.extend(values.iter().flat_map(|(_, bytes)| bytes));
    // The end of the document.
    out.push(0);
}

pub(crate) fn filetime(millis: i64) -> [u8; 8] {
    ((millis + 11_644_473_600_000) as u64 * 10_000).to_le_bytes()
}

/// The template of an event: what the values 0 to 6 mean.
fn system(out: &mut Vec<u8>, base: usize) {
    element(out, base, "Event", &[], &|out| {
        element(out, base, "System", &[], &|out| {
            element(
                out,
                base,
                "Provider",
                &[("Name", substitution(0, 1))],
                &|_| (),
            );
            element(out, base, "EventID", &[], &|out| {
                out.extend(substitution(1, 6))
            });
            element(out, base, "EventRecordID", &[], &|out| {
                out.extend(substitution(6, 0x0a))
            });
            element(
                out,
                base,
                "TimeCreated",
                &[("SystemTime", substitution(2, 0x11))],
                &|_| (),
            );
            element(out, base, "Channel", &[], &|out| {
                out.extend(substitution(3, 1))
            });
            element(out, base, "Computer", &[], &|out| {
                out.extend(substitution(4, 1))
            });
        });
        out.extend(substitution(5, 0x21));
    });
}

fn data(out: &mut Vec<u8>, base: usize, written: &Written) {
    element(out, base, "EventData", &[], &|out| {
        for (number, (called, _)) in written.values.iter().enumerate() {
            let attributes: Vec<(&str, Vec<u8>)> = match called.as_str() {
                "" => Vec::new(),
                called => vec![("Name", literal(called))],
            };
            element(out, base, "Data", &attributes, &|out| {
                out.extend(substitution(number as u16, 1));
            });
        }
    });
}

impl Chunk {
    fn new() -> Self {
        let mut bytes = vec![0; 512];
        bytes[..8].copy_from_slice(b"ElfChnk\0");
        bytes[40] = 128;
        Self {
            bytes,
            system: None,
        }
    }

    fn add(&mut self, written: &Written) {
        let body = |chunk: &mut Self, body: &dyn Fn(&mut Vec<u8>, usize) -> Option<usize>| {
            let begin = chunk.bytes.len();
            let mut out = b"\x2a\x2a\0\0\0\0\0\0".to_vec();
            out.extend(written.record.to_le_bytes());
            out.extend(filetime(written.at));
            let system = body(&mut out, begin);
            out.resize((out.len() + 4).next_multiple_of(8) - 4, 0);
            let size = (out.len() as u32 + 4).to_le_bytes();
            out[4..8].copy_from_slice(&size);
            out.extend(size);
            chunk.bytes.extend(out);
            chunk.system = system;
            chunk.count(written.record, begin);
        };
        let known = self.system;
        body(self, &|out, base| {
            let at = instance(out, base, known, &system);
            let texts = [written.provider, written.channel, written.computer].map(utf16);
            let [provider, channel, computer] = texts;
            let heads = [
                (1, provider),
                (6, written.number.to_le_bytes().to_vec()),
                (0x11, filetime(written.at).to_vec()),
                (1, channel),
                (1, computer),
            ];
            let record = (0x0a, written.record.to_le_bytes().to_vec());
            // The part has places of its own in the chunk, which depend on where it lies: behind the other values.
            let before: usize =
                4 + 4 * 7 + heads.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
            let part_base = base + out.len() + before;
            let mut part = Vec::new();
            instance(&mut part, part_base, None, &|out, base| {
                data(out, base, written)
            });
            let texts: Vec<(u8, Vec<u8>)> = written
                .values
                .iter()
                .map(|(_, text)| (1, utf16(text)))
                .collect();
            values(&mut part, &texts);
            let all: Vec<(u8, Vec<u8>)> = heads.into_iter().chain([(0x21, part), record]).collect();
            values(out, &all);
            Some(at)
        });
    }

    /// Says in the chunk's head which records are in it: their numbers, twice, and where the last one lies.
    fn count(&mut self, record: u64, begin: usize) {
        let record = record.to_le_bytes();
        if self.bytes[8..16] == [0; 8] {
            self.bytes[8..16].copy_from_slice(&record);
            self.bytes[24..32].copy_from_slice(&record);
        }
        self.bytes[16..24].copy_from_slice(&record);
        self.bytes[32..40].copy_from_slice(&record);
        self.bytes[44..48].copy_from_slice(&(begin as u32).to_le_bytes());
    }

    fn close(mut self) -> Vec<u8> {
        let free = self.bytes.len() as u32;
        self.bytes.resize(CHUNK, 0);
        self.bytes[48..52].copy_from_slice(&free.to_le_bytes());
        seal(&mut self.bytes);
        self.bytes
    }
}

/// Puts the right checksums into a chunk.
pub(crate) fn seal(chunk: &mut [u8]) {
    let free = u32::from_le_bytes(chunk[48..52].try_into().unwrap()) as usize;
    let records = checksum(&[&chunk[512..free]]);
    chunk[52..56].copy_from_slice(&records.to_le_bytes());
    let head = checksum(&[&chunk[..120], &chunk[128..512]]);
    chunk[124..128].copy_from_slice(&head.to_le_bytes());
}

/// A chunk with one record of whatever is in `body`, behind its own head.
pub(crate) fn chunk_of(body: &dyn Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut chunk = Chunk::new();
    let begin = chunk.bytes.len();
    let body = body(begin + 24);
    let size = (24 + body.len() as u32 + 4).to_le_bytes();
    chunk.bytes.extend(b"\x2a\x2a\0\0");
    chunk.bytes.extend(size);
    chunk.bytes.extend(1_u64.to_le_bytes());
    chunk.bytes.extend(filetime(1_795_000_000_000));
    chunk.bytes.extend(body);
    chunk.bytes.extend(size);
    chunk.close()
}

/// The head of a file with so many chunks.
pub(crate) fn head(chunks: u16, flags: u32) -> Vec<u8> {
    let mut out = vec![0; 4096];
    out[..8].copy_from_slice(super::SIGNATURE);
    let last = u64::from(chunks).saturating_sub(1);
    out[16..24].copy_from_slice(&last.to_le_bytes());
    out[32..36].copy_from_slice(&128_u32.to_le_bytes());
    out[36..40].copy_from_slice(&[1, 0, 3, 0]);
    out[40..42].copy_from_slice(&4096_u16.to_le_bytes());
    out[42..44].copy_from_slice(&chunks.to_le_bytes());
    out[120..124].copy_from_slice(&flags.to_le_bytes());
    let sum = checksum(&[&out[..120]]);
    out[124..128].copy_from_slice(&sum.to_le_bytes());
    out
}

/// A whole file, with `most` events in a chunk.
pub(crate) fn file(events: &[Written], most: usize) -> Vec<u8> {
    let chunks: Vec<&[Written]> = events.chunks(most).collect();
    let mut out = head(chunks.len() as u16, 0);
    let next = events.iter().map(|event| event.record + 1).max();
    out[24..32].copy_from_slice(&next.unwrap_or(1).to_le_bytes());
    let sum = checksum(&[&out[..120]]);
    out[124..128].copy_from_slice(&sum.to_le_bytes());
    for events in chunks {
        let mut chunk = Chunk::new();
        events.iter().for_each(|event| chunk.add(event));
        out.extend(chunk.close());
    }
    out
}

/// A file of one chunk as an export writes it: its records are counted from 1 on, and keep their numbers within.
pub(crate) fn exported(events: &[Written]) -> Vec<u8> {
    let mut out = file(events, events.len());
    let mut at = 4096 + 512;
    for number in 1..=events.len() as u64 {
        out[at + 8..at + 16].copy_from_slice(&number.to_le_bytes());
        at += u32::from_le_bytes(out[at + 4..at + 8].try_into().unwrap()) as usize;
    }
    seal(&mut out[4096..]);
    out
}
