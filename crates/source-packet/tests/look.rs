//! The source: what it says of captures it was named, and of what is none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::{CoverageState, Fact, Reason, Timestamp};
use groma_source::testing::{self, FakeClock, FakeDisk};
use groma_source::{Budget, Recorder, Source, World};
use groma_source_packet::PacketSource;

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    std::fs::read(path).unwrap()
}

fn look_at(bytes: Vec<u8>, budget: &Budget) -> Recorder {
    let disk = FakeDisk::new().file("/srv/span", bytes);
    // Captures of today, looked at tomorrow.
    let clock = FakeClock::at(Timestamp::from_seconds(1_795_351_600));
    let world = World {
        clock: Arc::new(clock),
        ..testing::world(disk)
    };
    let window = testing::window(&world);
    let mut source = PacketSource::new(world, vec![PathBuf::from("/srv/span")]);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, budget, &mut recorder);
    recorder
}

#[test]
fn a_whole_capture_is_complete_and_speaks_for_its_own_time() {
    let told = look_at(recorded("ldap-simple.pcap"), &Budget::default());
    assert_eq!(told.gaps().count(), 0);
    let coverage: Vec<_> = told.coverage().collect();
    assert_eq!(coverage.len(), 1);
    assert_eq!(coverage[0].state, CoverageState::Complete);
    assert!(coverage[0].from <= coverage[0].to && coverage[0].to.day().starts_with("2026-11-2"));
    assert!(
        told.facts()
            .any(|fact| matches!(fact, Fact::PacketUse(used) if used.log.lossy() == "/srv/span"))
    );
}

#[test]
fn a_capture_that_breaks_off_tells_what_stands_before_and_that_it_does() {
    let mut bytes = recorded("ldap-simple.pcap");
    bytes.truncate(bytes.len() - 7);
    let told = look_at(bytes, &Budget::default());
    assert!(told.facts().any(|fact| matches!(fact, Fact::PacketUse(_))));
    let gaps: Vec<_> = told.gaps().collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].reason, Reason::Malformed);
    assert!(gaps[0].remedy.is_some());
    assert_eq!(
        told.coverage().next().unwrap().state,
        CoverageState::Partial
    );
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    for bytes in [
        b"#!/bin/sh\n".to_vec(),
        b"\x1f\x8b\x08\x00".to_vec(),
        b"<?xml version".to_vec(),
    ] {
        let told = look_at(bytes, &Budget::default());
        assert_eq!(told.facts().count(), 0);
        assert_eq!(told.gaps().next().unwrap().reason, Reason::Unsupported);
    }
}

#[test]
fn a_capture_beyond_the_budget_is_not_begun() {
    let budget = Budget {
        total_bytes_max: 100,
        ..Budget::default()
    };
    let told = look_at(recorded("ldap-simple.pcap"), &budget);
    assert_eq!(told.facts().count(), 0);
    assert_eq!(told.gaps().next().unwrap().reason, Reason::BudgetExhausted);
}

#[test]
fn packets_of_a_clock_that_was_never_set_are_left_out_and_said() {
    let mut bytes = recorded("ldap-simple.pcap");
    // The first frame's seconds.
    bytes[24..28].fill(0);
    let told = look_at(bytes, &Budget::default());
    assert!(
        told.gaps()
            .any(|gap| gap.what.contains("1 packets dated before 2000"))
    );
}

#[test]
fn packets_cut_short_are_said_and_still_tell_who_called() {
    let mut bytes = recorded("ldap-simple.pcap");
    // Each frame of the file, cut to its headers: what `tcpdump -s 68` writes.
    let mut at = 24;
    let mut cut = bytes[..24].to_vec();
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        let kept = length.min(68);
        bytes[at + 8..at + 12].copy_from_slice(&kept.to_le_bytes());
        cut.extend_from_slice(&bytes[at..at + 16 + kept as usize]);
        at += 16 + length as usize;
    }
    let told = look_at(cut, &Budget::default());
    assert!(told.gaps().any(|gap| gap.what.contains("captured in part")));
    let uses: Vec<_> = told
        .facts()
        .filter_map(|fact| match fact {
            Fact::PacketUse(used) if used.port.unwrap().0 == 389 => Some(used),
            _ => None,
        })
        .collect();
    assert_eq!(uses.len(), 1);
    assert_eq!(
        (uses[0].kind.as_str(), &uses[0].account),
        ("ldap-bind", &None)
    );
}
