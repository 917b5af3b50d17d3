//! What a spool promises one thing at a time.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod common;

use std::collections::BTreeSet;

use common::{open, payload, small};
use groma_spool::testing::{Fault, Manner, ModelDisk};
use groma_spool::{Body, Frame, Limits, Loss, Number, Reason, Spool, SpoolError};

fn fill(spool: &mut Spool, sequences: std::ops::Range<u64>, length: usize) {
    for sequence in sequences {
        let bytes = payload(Number { epoch: 9, sequence }, length);
        spool.append(9, sequence, &bytes).unwrap();
    }
}

fn sequences(spool: &mut Spool) -> Vec<u64> {
    let payloads = spool
        .frames()
        .map(Result::unwrap)
        .filter(|f| matches!(f.body, Body::Payload(_)));
    payloads.map(|f| f.sequence).collect()
}

fn records(spool: &mut Spool) -> Vec<Loss> {
    let losses = spool.frames().filter_map(|f| match f.unwrap().body {
        Body::Loss(loss) => Some(loss),
        _ => None,
    });
    losses.collect()
}

fn plain(at: u64, errno: i32) -> Fault {
    Fault {
        at,
        errno,
        lasts: false,
        manner: Manner::Plain,
    }
}

#[test]
fn frames_come_in_the_order_of_appending_whatever_their_epochs() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    for epoch in [u64::MAX, 3, 1 << 40, 0] {
        spool.append(epoch, 5, b"x").unwrap();
    }
    let epochs: Vec<u64> = spool.frames().map(|f| f.unwrap().epoch).collect();
    assert_eq!(epochs, [u64::MAX, 3, 1 << 40, 0]);
    assert_eq!(spool.free_through(3, 5).unwrap(), 2);
    assert_eq!(spool.oldest().unwrap().unwrap().epoch, 1 << 40);
    assert_eq!(
        spool.free_through(3, 5).unwrap(),
        0,
        "an acknowledgement that comes twice"
    );
}

#[test]
fn several_frames_are_read_ahead_of_the_first_acknowledgement() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..30, 700);
    let mut frame: Frame = spool.oldest().unwrap().unwrap();
    let mut seen = vec![frame.sequence];
    while let Some(next) = spool.after(&frame).unwrap() {
        seen.push(next.sequence);
        frame = next;
    }
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
}

#[test]
fn a_full_spool_drops_the_oldest_and_says_which() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..400, 500);
    let there = sequences(&mut spool);
    let told = records(&mut spool);
    assert!(told.iter().all(|l| l.reason == Reason::DroppedForRoom));
    let runs = told.iter().flat_map(|l| l.numbers.runs());
    let dropped: Vec<u64> = runs.flat_map(|r| r.first..=r.last).collect();
    let frames: u64 = told.iter().filter_map(|l| l.frames).sum();
    assert_eq!(frames, dropped.len() as u64);
    let dropped: BTreeSet<u64> = dropped.into_iter().collect();
    assert_eq!(frames, dropped.len() as u64, "none is told twice");
    let all: Vec<u64> = dropped
        .iter()
        .copied()
        .chain(there.iter().copied())
        .collect();
    assert_eq!(
        all,
        (0..400).collect::<Vec<_>>(),
        "each frame is there or told, none is both"
    );
    let status = spool.status();
    assert!(status.bytes <= small().bytes_max);
    assert_eq!(
        status.oldest,
        there.first().map(|s| Number {
            epoch: 9,
            sequence: *s
        })
    );
    assert_eq!(
        status.newest,
        Some(Number {
            epoch: 9,
            sequence: 399
        })
    );
    assert_eq!(
        status.losses[&Reason::DroppedForRoom].frames,
        dropped.len() as u64
    );
}

#[test]
fn a_record_of_a_drop_that_was_read_is_told_under_the_same_number_until_it_is_freed() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..150, 500);
    let number = |spool: &mut Spool| {
        let mut frames = spool.frames().map(Result::unwrap);
        frames
            .find(|f| matches!(f.body, Body::Loss(_)))
            .map(|f| (f.epoch, f.sequence, f.body))
            .unwrap()
    };
    let first = number(&mut spool);
    fill(&mut spool, 150..300, 500);
    drop(spool);
    let (mut spool, _) = open(&disk, small());
    assert!(
        spool
            .frames()
            .map(Result::unwrap)
            .any(|f| (f.epoch, f.sequence, f.body) == first),
        "it was carried on"
    );
}

#[test]
fn the_floor_of_free_space_holds_and_nothing_is_dropped_in_vain() {
    let disk = ModelDisk::new();
    disk.resize(1 << 20);
    let limits = Limits {
        keep_free_percent: 97,
        ..small()
    };
    let (mut spool, _) = open(&disk, limits);
    fill(&mut spool, 0..40, 500);
    let before = sequences(&mut spool);
    // Somebody else fills the disk: even an empty spool would be too much.
    disk.put("somebody-else", vec![0; 900 << 10]);
    let error = spool.append(9, 40, &[0; 500]).unwrap_err();
    assert!(matches!(error, SpoolError::Full { .. }), "{error}");
    assert!(error.to_string().contains("free space"), "{error}");
    assert_eq!(sequences(&mut spool), before);
    disk.take("somebody-else");
    spool.append(9, 40, &[0; 500]).unwrap();
}

#[test]
fn a_payload_beyond_the_limit_is_refused_and_one_at_the_limit_has_a_segment_alone() {
    let disk = ModelDisk::new();
    let limits = Limits {
        bytes_max: 64 << 20,
        ..Limits {
            keep_free_bytes: 0,
            ..Limits::default()
        }
    };
    let (mut spool, _) = open(&disk, limits);
    let largest = vec![7; 8 << 20];
    spool.append(1, 1, b"small").unwrap();
    spool.append(1, 2, &largest).unwrap();
    spool.append(1, 3, b"small").unwrap();
    let error = spool.append(1, 4, &vec![7; (8 << 20) + 1]).unwrap_err();
    assert!(matches!(error, SpoolError::TooLarge { .. }), "{error}");
    drop(spool);
    let (mut spool, losses) = open(&disk, limits);
    assert!(losses.is_empty(), "{losses:?}");
    let lengths: Vec<usize> = spool
        .frames()
        .map(|f| match f.unwrap().body {
            Body::Payload(bytes) => bytes.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [5, 8 << 20, 5]);
}

#[test]
fn a_failed_sync_is_never_asked_again_and_the_frame_is_written_anew() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..3, 100);
    // Calls of an append into an open segment: space, append, sync.
    disk.fail(plain(2, 5));
    spool.append(9, 3, b"over there").unwrap();
    disk.mend();
    let segments = disk
        .files()
        .iter()
        .filter(|(n, _)| n.ends_with(".spool"))
        .count();
    assert_eq!(segments, 2, "the poisoned segment and the next");
    disk.crash(&mut |_| 0);
    let (mut spool, losses) = open(&disk, small());
    assert!(losses.is_empty(), "{losses:?}");
    assert_eq!(sequences(&mut spool), [0, 1, 2, 3]);
}

#[test]
fn a_segment_that_was_abandoned_and_comes_back_is_not_read() {
    let name = "0000000000000002.spool";
    let two_runs = |fault: Option<Fault>| {
        let disk = ModelDisk::new();
        fill(&mut open(&disk, small()).0, 0..2, 100);
        let (mut spool, _) = open(&disk, small());
        if let Some(fault) = fault {
            disk.fail(fault);
        }
        fill(&mut spool, 2..3, 100);
        disk.mend();
        fill(&mut spool, 3..4, 100);
        disk
    };
    let well = two_runs(None).files();
    let (_, abandoned) = well.into_iter().find(|f| f.0 == name).unwrap();
    // Calls of the first append: space, create, append, sync.
    let disk = two_runs(Some(plain(3, 5)));
    assert!(disk.files().iter().all(|f| f.0 != name), "it was removed");
    disk.put(name, abandoned);
    let (mut spool, losses) = open(&disk, small());
    assert!(losses.is_empty(), "{losses:?}");
    assert_eq!(sequences(&mut spool), [0, 1, 2, 3]);
}

#[test]
fn what_a_failed_write_left_spoils_nothing() {
    for errno in [28, 5, 30, 122] {
        let disk = ModelDisk::new();
        let (mut spool, _) = open(&disk, small());
        fill(&mut spool, 0..3, 100);
        disk.fail(plain(1, errno));
        let error = spool.append(9, 3, &[1; 300]).unwrap_err();
        assert!(error.to_string().contains("try again"), "{error}");
        disk.mend();
        fill(&mut spool, 3..6, 100);
        assert_eq!(sequences(&mut spool), [0, 1, 2, 3, 4, 5]);
        drop(spool);
        let (mut spool, losses) = open(&disk, small());
        assert!(losses.is_empty(), "{errno}: {losses:?}");
        assert_eq!(sequences(&mut spool), [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_disk_without_room_that_gets_room_again_needs_no_restart_and_collects_no_files() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..5, 400);
    let mut kept = 0;
    for at in 0..60 {
        disk.fail(Fault {
            at: at % 9,
            errno: 28,
            lasts: true,
            manner: Manner::Plain,
        });
        kept += usize::from(spool.append(9, 99, &[0; 50]).is_ok());
        disk.mend();
    }
    assert!(
        disk.files().len() <= kept + 3,
        "{:?}",
        disk.files().iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    fill(&mut spool, 5..8, 400);
    let mut there = sequences(&mut spool);
    there.retain(|s| *s != 99);
    assert_eq!(there, (0..8).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_can_still_be_freed() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..30, 500);
    disk.resize(1);
    assert_eq!(spool.free_through(9, 24).unwrap(), 25);
    let left: usize = disk.files().iter().map(|f| f.1.len()).sum();
    assert!(left < 9000, "{left} bytes are left");
    drop(spool);
    disk.crash(&mut |_| 0);
    let (mut spool, losses) = open(&disk, small());
    assert!(losses.is_empty(), "{losses:?}");
    assert_eq!(sequences(&mut spool), [25, 26, 27, 28, 29]);
}

#[test]
fn bytes_that_rot_while_the_spool_is_open_are_told_and_skipped() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..6, 100);
    let (name, mut bytes) = disk
        .files()
        .into_iter()
        .find(|f| f.0.ends_with(".spool"))
        .unwrap();
    bytes[60 + 136 * 2 + 50] ^= 1;
    disk.put(&name, bytes);
    assert_eq!(sequences(&mut spool), [0, 1, 3, 4, 5]);
    // The segment was replaced under its writer, so the record went wherever the disk still took it.
    let told = spool.status().losses;
    assert_eq!(told[&Reason::Damaged].frames, 1);
}

#[test]
fn a_damaged_segment_is_kept_aside_when_it_is_freed_and_only_one() {
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..60, 500);
    drop(spool);
    for (name, mut bytes) in disk.files().into_iter().filter(|f| f.0.ends_with(".spool")) {
        bytes[200] ^= 1;
        disk.put(&name, bytes);
    }
    let (mut spool, losses) = open(&disk, small());
    assert!(losses.len() > 3);
    let last = spool.frames().last().unwrap().unwrap();
    spool.free_through(last.epoch, last.sequence).unwrap();
    drop(spool);
    open(&disk, small());
    let aside = disk
        .files()
        .iter()
        .filter(|f| f.0.ends_with(".damaged"))
        .count();
    assert_eq!(aside, 1);
}

#[test]
fn a_piece_the_disk_refuses_is_given_up_only_when_the_record_of_it_is_kept() {
    // A disk whose one sector is gone for good cannot be made with counted failures; a disk that refuses all can.
    let disk = ModelDisk::new();
    let (mut spool, _) = open(&disk, small());
    fill(&mut spool, 0..6, 100);
    disk.fail(Fault {
        at: 0,
        errno: 5,
        lasts: true,
        manner: Manner::Plain,
    });
    for _ in 0..20 {
        spool.oldest().unwrap_err();
    }
    disk.mend();
    assert_eq!(sequences(&mut spool), (0..6).collect::<Vec<_>>());
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error_and_may_be_tried_again() {
    let disk = ModelDisk::new();
    disk.fail(plain(0, 5));
    let error = Spool::open(Box::new(disk.clone()), small()).err().unwrap();
    assert!(
        error.to_string().contains("open the spool again"),
        "{error}"
    );
    disk.mend();
    assert!(open(&disk, small()).1.is_empty());
}

#[test]
fn no_line_of_this_crate_asks_a_clock() {
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in ["std::time", "SystemTime", "Instant"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}
