//! Spools that were damaged on purpose: they always start, what is whole is delivered, what is not is told, once.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{factor, open, payload};
use groma_fuzz::Chance;
use groma_spool::testing::ModelDisk;
use groma_spool::{Body, Limits, Loss, Number, Reason};

const HEADER: usize = 60;
const FRAME: usize = 36;

fn limits() -> Limits {
    Limits {
        bytes_max: 1 << 20,
        keep_free_bytes: 0,
        keep_free_percent: 0,
        segment_bytes: 1800,
        frame_bytes_max: 16 << 10,
    }
}

/// One whole frame of the original.
#[derive(Clone, Debug)]
struct Whole {
    number: Number,
    segment: String,
    range: std::ops::Range<usize>,
}

struct Original {
    files: BTreeMap<String, Vec<u8>>,
    segments: Vec<String>,
    frames: Vec<Whole>,
}

impl Original {
    /// Thirty frames in half a dozen segments, of two runs of the agent.
    fn make() -> Self {
        let disk = ModelDisk::new();
        let mut chance = Chance::new(1);
        for epoch in [0xabcd_ef01_2345_6789, 7] {
            let (mut spool, losses) = open(&disk, limits());
            assert!(losses.is_empty());
            for sequence in 0..15 {
                let number = Number { epoch, sequence };
                let bytes = payload(number, chance.below(400));
                spool.append(epoch, sequence, &bytes).unwrap();
            }
        }
        let files: BTreeMap<_, _> = disk.files().into_iter().collect();
        let segments: Vec<_> = files
            .keys()
            .filter(|n| n.ends_with(".spool"))
            .cloned()
            .collect();
        let frames = segments
            .iter()
            .flat_map(|s| whole_frames(s, &files[s]))
            .collect();
        Self {
            files,
            segments,
            frames,
        }
    }

    fn newest(&self) -> &String {
        self.segments.last().unwrap()
    }
}

fn whole_frames(segment: &str, bytes: &[u8]) -> Vec<Whole> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let mut frames = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let number = Number {
            epoch: word(at + 12),
            sequence: word(at + 20),
        };
        let range = at..at + FRAME + length;
        at = range.end;
        frames.push(Whole {
            number,
            segment: segment.to_owned(),
            range,
        });
    }
    frames
}

fn disk_of(files: &BTreeMap<String, Vec<u8>>) -> ModelDisk {
    let disk = ModelDisk::new();
    for (name, bytes) in files {
        disk.put(name, bytes.clone());
    }
    disk
}

fn read_all(disk: &ModelDisk) -> (Vec<Loss>, Vec<Number>, Vec<Loss>) {
    let (mut spool, found) = open(disk, limits());
    let (mut numbers, mut records) = (Vec::new(), Vec::new());
    for frame in spool.frames() {
        let frame = frame.expect("the disk itself is well");
        let number = Number {
            epoch: frame.epoch,
            sequence: frame.sequence,
        };
        match frame.body {
            Body::Payload(bytes) => {
                assert_eq!(bytes, payload(number, bytes.len()), "{number} is false");
                numbers.push(number);
            }
            Body::Loss(loss) => records.push(loss),
            Body::Unknown { .. } => panic!("an invented kind"),
        }
    }
    (found, numbers, records)
}

/// Opens damaged files and holds everything that can be said against the original. `copies` allows frames to come twice.
fn judge(
    original: &Original,
    files: &BTreeMap<String, Vec<u8>>,
    copies: bool,
    what: &str,
) -> Vec<Loss> {
    let disk = disk_of(files);
    let (found, numbers, records) = read_all(&disk);
    assert_eq!(found, records, "{what}: each loss is a frame, once");
    let place: BTreeMap<Number, usize> = original
        .frames
        .iter()
        .enumerate()
        .map(|(i, f)| (f.number, i))
        .collect();
    let places: Vec<usize> = numbers
        .iter()
        .map(|n| {
            *place
                .get(n)
                .unwrap_or_else(|| panic!("{what}: {n} is invented"))
        })
        .collect();
    assert!(
        copies || places.is_sorted_by(|a, b| a < b),
        "{what}: out of order: {places:?}"
    );
    let delivered: BTreeSet<Number> = numbers.iter().copied().collect();
    for frame in &original.frames {
        if delivered.contains(&frame.number) {
            continue;
        }
        assert!(
            !is_whole(original, files, frame),
            "{what}: {} is whole and does not come: {found:?}",
            frame.number
        );
        let number = u64::from_str_radix(&frame.segment[..16], 16).unwrap();
        let doubled = is_ambiguous(original, files, frame)
            && found.iter().any(|l| l.reason == Reason::Duplicate);
        let before = |l: &Loss| l.before.is_some_and(|n| place[&n] < place[&frame.number]);
        let behind = |l: &Loss| l.after.is_some_and(|n| place[&n] > place[&frame.number]);
        let between = found.iter().any(|l| before(l) && behind(l));
        let told = doubled
            || between
            || found
                .iter()
                .any(|l| (l.segment_first..=l.segment_last).contains(&number));
        assert!(
            told || nobody_can_know(original, files, frame),
            "{what}: {} is lost and nobody tells: {found:?}",
            frame.number
        );
    }
    for loss in found.iter().filter(|l| l.reason != Reason::DroppedForRoom) {
        for run in loss.numbers.runs() {
            let number = Number {
                epoch: run.epoch,
                sequence: run.first,
            };
            assert!(
                copies || !delivered.contains(&number),
                "{what}: {number} comes and is called lost"
            );
        }
    }
    let (again, numbers_again, records_again) = read_all(&disk);
    assert!(
        again.is_empty(),
        "{what}: told twice: {again:?} after {found:?}"
    );
    assert_eq!(numbers_again, numbers, "{what}: the second start");
    assert_eq!(records_again, records, "{what}: the second start");
    found
}

/// Whether the bytes of a frame stand in a file that says, or at least is called, what it should be.
fn is_whole(original: &Original, files: &BTreeMap<String, Vec<u8>>, frame: &Whole) -> bool {
    let source = &original.files[&frame.segment];
    let bytes = &source[frame.range.clone()];
    if is_ambiguous(original, files, frame) {
        return false;
    }
    files.iter().any(|(name, file)| {
        let says = file.get(..HEADER) == Some(&source[..HEADER]);
        let another = original.segments.iter().any(|s| {
            *s != frame.segment && file.get(..HEADER) == Some(&original.files[s][..HEADER])
        });
        // What lies beyond the end that the next segment knows is not looked at.
        let readable = &file[..file.len().min(source.len())];
        (says || (*name == frame.segment && !another && !is_version(file)))
            && readable.windows(bytes.len()).any(|w| w == bytes)
    })
}

/// Whether two files have a claim to be the segment, and the one called so is not what it was: one is read, the other told. A file
/// has a claim by a header that is whole, or by its name and a frame that is.
fn is_ambiguous(original: &Original, files: &BTreeMap<String, Vec<u8>>, frame: &Whole) -> bool {
    let source = &original.files[&frame.segment];
    if files.get(&frame.segment) == Some(source) {
        return false;
    }
    let claims = files.iter().filter(|(name, file)| {
        let frames = original.frames.iter().filter(|f| f.segment == **name);
        let mut pieces = frames.filter_map(|f| source.get(f.range.clone()));
        let remains =
            **name == frame.segment && pieces.any(|p| file.windows(p.len().max(1)).any(|w| w == p));
        file.starts_with(&source[..HEADER]) || remains
    });
    claims.count() > 1
}

fn is_version(file: &[u8]) -> bool {
    file.len() >= HEADER
        && crc32c::crc32c(&file[..HEADER - 4]).to_le_bytes() == file[HEADER - 4..HEADER]
        && file[8..12] != 1_u32.to_le_bytes()
}

/// The end of the newest segment, gone without a trace: nothing behind it knows that it was. And its begin, if the watermark is
/// gone too: then it may have been freed.
fn nobody_can_know(original: &Original, files: &BTreeMap<String, Vec<u8>>, frame: &Whole) -> bool {
    let first = !original
        .segments
        .iter()
        .any(|s| *s <= frame.segment && files.contains_key(s));
    if first && files.get("watermark") != original.files.get("watermark") {
        return true;
    }
    // Only a file that says it is a later segment proves that there was one before it.
    let says = |s: &String| {
        let header = &original.files[s][..HEADER];
        files.values().any(|f| f.starts_with(header))
    };
    if original
        .segments
        .iter()
        .any(|s| *s > frame.segment && says(s))
    {
        return false;
    }
    let source = &original.files[&frame.segment];
    match files.get(&frame.segment) {
        None => true,
        // It bears the name, and is another segment whole.
        Some(file)
            if original
                .segments
                .iter()
                .any(|s| *s != frame.segment && file.starts_with(&original.files[s][..HEADER])) =>
        {
            true
        }
        Some(file) => {
            let border = original
                .frames
                .iter()
                .any(|f| f.segment == frame.segment && f.range.start == file.len());
            source.starts_with(file) && (file.is_empty() || border)
        }
    }
}

#[test]
fn a_spool_cut_off_at_any_byte_keeps_everything_before() {
    let original = Original::make();
    for segment in [&original.segments[1], original.newest()] {
        for length in 0..original.files[segment].len() {
            let mut files = original.files.clone();
            files.get_mut(segment).unwrap().truncate(length);
            let found = judge(
                &original,
                &files,
                false,
                &format!("{segment} cut to {length}"),
            );
            let newest = segment == original.newest();
            let expected = if newest {
                Reason::TornTail
            } else {
                Reason::Damaged
            };
            assert!(
                found.iter().all(|l| l.reason == expected),
                "{segment} cut to {length}: {found:?}"
            );
        }
    }
}

#[test]
fn ten_thousand_damaged_spools_start_and_tell() {
    let original = Original::make();
    for seed in 0..10_000 * factor() {
        let mut chance = Chance::new(seed);
        let mut files = original.files.clone();
        let mut what = format!("seed {seed}");
        let mut copies = false;
        for _ in 0..=chance.below(2) {
            let (did, doubles) = spoil(&mut chance, seed, &original, &mut files);
            what = format!("{what}: {did}");
            copies |= doubles;
        }
        judge(&original, &files, copies, &what);
    }
}

/// Damages the files in one way; says how, and whether frames may stand twice in their segment now.
fn spoil(
    chance: &mut Chance,
    seed: u64,
    original: &Original,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> (String, bool) {
    let name = original.segments[chance.below(original.segments.len())].clone();
    let other = original.segments[chance.below(original.segments.len())].clone();
    let Some(bytes) = files.get(&name).cloned() else {
        return ("nothing".into(), false);
    };
    let mut new = bytes.clone();
    let at = chance.below(new.len());
    let mut doubles = false;
    let did = match chance.below(11) {
        0 => {
            new.truncate(at);
            "cut"
        }
        1 => {
            if let Some(byte) = new.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
            "bit"
        }
        2 => {
            let end = (at + 1 + chance.below(600)).min(new.len());
            new.get_mut(at..end).unwrap_or_default().fill(0);
            "zeros"
        }
        3 => {
            new.fill(0);
            "all zeros"
        }
        4 => {
            files.remove(&name);
            return (format!("{name} missing"), false);
        }
        5 => {
            // Two segments change places.
            if let Some(second) = files.get(&other).cloned() {
                files.insert(name.clone(), second);
                files.insert(other.clone(), bytes);
            }
            return (format!("{name} and {other} swapped"), false);
        }
        6 => {
            let copy = format!("{:016x}.spool", 20 + chance.below(5));
            files.insert(copy.clone(), bytes);
            return (format!("{copy} is a copy of {name}"), false);
        }
        7 => {
            let stranger = [
                "0000000000000000.spool",
                "lost+found",
                "00000000000000aa.spool",
                "watermark",
                "\u{fc}.spool",
            ][chance.below(5)];
            files.insert(
                stranger.to_owned(),
                groma_fuzz::mutate(
                    seed,
                    &[bytes.get(HEADER..).unwrap_or(&bytes), b"something else"],
                ),
            );
            return (format!("a stranger {stranger}"), false);
        }
        8 => {
            if new.len() >= HEADER {
                new[8] = 2 + chance.below(200).to_le_bytes()[0];
                let sum = crc32c::crc32c(&new[..HEADER - 4]).to_le_bytes();
                new[HEADER - 4..HEADER].copy_from_slice(&sum);
            }
            "another version"
        }
        9 => {
            new.chunks_exact_mut(4).for_each(<[u8]>::reverse);
            "wrong endian"
        }
        _ => {
            new = groma_fuzz::mutate(
                seed,
                &[&bytes, &files.get(&other).cloned().unwrap_or_default()],
            );
            doubles = true;
            "mutated"
        }
    };
    files.insert(name.clone(), new);
    (format!("{name} {did} at {at}"), doubles)
}

#[test]
fn a_reader_of_arbitrary_bytes_never_panics() {
    let original = Original::make();
    let corpus: Vec<&[u8]> = original.files.values().map(Vec::as_slice).collect();
    groma_fuzz::hammer(1500, &corpus, |bytes| {
        let disk = ModelDisk::new();
        disk.put("0000000000000001.spool", bytes.to_vec());
        disk.put("watermark", bytes.to_vec());
        let (mut spool, _) = open(&disk, limits());
        spool.append(1, 1, b"still works").unwrap();
        let payloads = spool
            .frames()
            .filter(|f| matches!(f.as_ref().unwrap().body, Body::Payload(_)))
            .count();
        assert!(payloads >= 1);
    });
}

#[test]
fn headers_that_overlap_on_purpose_do_not_take_for_ever() {
    // Every 36 bytes a whole header of a frame that reaches to the end and whose payload is another one: quadratic for
    // whoever believes each of them.
    let original = Original::make();
    let template = &original.files[&original.segments[0]];
    let mut bytes = template[..HEADER].to_vec();
    let end = 1 << 20;
    while bytes.len() + FRAME <= end {
        let length = u32::try_from(end - bytes.len() - FRAME).unwrap();
        let mut header = template[HEADER..HEADER + FRAME].to_vec();
        header[4..8].copy_from_slice(&length.to_le_bytes());
        let sum = crc32c::crc32c_append(crc32c::crc32c(&1_u64.to_le_bytes()), &header[..FRAME - 4]);
        header[FRAME - 4..].copy_from_slice(&sum.to_le_bytes());
        bytes.extend(header);
    }
    let disk = ModelDisk::new();
    disk.put(&original.segments[0], bytes);
    let (found, numbers, _) = read_all(&disk);
    assert!(numbers.is_empty() && !found.is_empty());
}
