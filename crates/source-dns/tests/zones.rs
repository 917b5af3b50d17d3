//! Zones out of the files of a name server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::path::Path;

use groma_model::{CoverageState, Fact, Reason};
use groma_source::testing::{self, FakeDisk};
use groma_source::{Budget, Recorder, Source};
use groma_source_dns::ZonesSource;

fn recorded(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/zones");
    std::fs::read(folder.join(name)).unwrap()
}

fn look(disk: FakeDisk) -> Recorder {
    let world = testing::world(disk);
    let window = testing::window(&world);
    let mut source = ZonesSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

const CONF: &str = r#"
options { directory "/var/cache/bind"; };
include "/etc/bind/named.conf.local";
"#;
const LOCAL: &str = r#"
zone "corp.example" { type master; file "corp.zone"; };
zone "77.10.in-addr.arpa" { type primary; file "/etc/bind/reverse.zone"; };
zone "raw.example" { type slave; masters { 10.0.0.2; }; file "raw.zone"; };
zone "gone.example" { type slave; masters { 10.0.0.2; }; file "gone.zone"; };
zone "memory.example" { type slave; masters { 10.0.0.2; }; };
zone "localhost" { type master; file "db.local"; };
zone "fwd.example" { type forward; forwarders { 10.0.0.3; }; };
"#;

fn server() -> FakeDisk {
    FakeDisk::new()
        .file("/etc/bind/named.conf", CONF)
        .file("/etc/bind/named.conf.local", LOCAL)
        .file("/var/cache/bind/corp.zone", recorded("corp.example.zone"))
        .file("/var/cache/bind/sub.inc", recorded("sub.inc"))
        .file("/etc/bind/reverse.zone", recorded("reverse.zone"))
        .file(
            "/var/cache/bind/raw.zone",
            [0, 0, 0, 2, 0, 0, 0, 1, 9, 9].to_vec(),
        )
}

#[test]
fn records_are_told_with_their_time_and_file() {
    let recorder = look(server());
    let says: Vec<String> = recorder.facts().map(Fact::says).collect();
    for wanted in [
        "www.corp.example CNAME is web.corp.example in /var/cache/bind/corp.zone, remembered for 60 s",
        "app1.corp.example A is 10.77.0.31, 10.77.0.32, 10.77.0.33 in /var/cache/bind/corp.zone, remembered for 3600 s",
        "quick.sub.corp.example A is 10.77.0.42 in /var/cache/bind/corp.zone, remembered for 300 s",
        "77.0.77.10.in-addr.arpa PTR is nobody.corp.example in /etc/bind/reverse.zone, remembered for 3600 s",
    ] {
        assert!(
            says.iter().any(|line| line == wanted),
            "{wanted}: {says:#?}"
        );
    }
    // What a zone says in text is nobody's way to a machine.
    assert!(
        !says
            .iter()
            .any(|line| line.contains("spf1") || line.contains("CAA"))
    );
}

#[test]
fn what_is_not_text_or_not_there_is_a_gap_and_ends_no_scope_as_complete() {
    let recorder = look(server());
    let gaps: Vec<String> = recorder.gaps().map(|gap| gap.what.clone()).collect();
    assert_eq!(gaps.len(), 3, "{gaps:?}");
    assert!(gaps[0].contains("raw.zone is in raw form"), "{gaps:?}");
    assert!(gaps[1].contains("gone.zone"), "{gaps:?}");
    assert!(gaps[2].contains("memory.example"), "{gaps:?}");
    let covered: Vec<String> = recorder
        .coverage()
        .map(|c| format!("{} {:?}", c.scope, c.state))
        .collect();
    assert_eq!(
        covered,
        [
            "zone:corp.example Complete",
            "zone:77.10.in-addr.arpa Complete",
            "zone:raw.example Partial",
            "zone:gone.example Partial",
            "zone:memory.example Partial",
        ]
    );
}

fn gaps(recorder: &Recorder) -> Vec<String> {
    let told = recorder.gaps().map(|gap| {
        let remedy = gap.remedy.as_deref().unwrap_or_default();
        format!("{}: {} ({:?}): {remedy}", gap.scope, gap.what, gap.reason)
    });
    told.collect()
}

#[test]
fn settings_that_could_not_be_read_are_a_gap() {
    let disk = FakeDisk::new()
        .file("/etc/bind/named.conf", "include \"keys.conf\";")
        .refused("/etc/bind/keys.conf", Reason::PermissionDenied);
    let recorder = look(disk);
    let gaps = gaps(&recorder);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let wanted = "zone-settings:bind: zones in the settings /etc/bind/keys.conf (PermissionDenied): run as root";
    assert!(gaps[0].starts_with(wanted), "{gaps:?}");
    assert_eq!(recorder.coverage().count(), 1);
}

#[test]
fn a_zone_whose_name_is_no_hosts_is_a_gap() {
    let conf = "zone \"0/26.2.0.192.in-addr.arpa\" { type master; file \"/z\"; };";
    let recorder = look(FakeDisk::new().file("/etc/bind/named.conf", conf));
    let gaps = gaps(&recorder);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].contains("the zone 0/26.2.0.192.in-addr.arpa"),
        "{gaps:?}"
    );
    let states: Vec<CoverageState> = recorder.coverage().map(|c| c.state).collect();
    assert_eq!(states, [CoverageState::Partial]);
}

#[test]
fn a_part_of_a_zone_that_may_not_be_read_is_no_fault_of_its_lines() {
    let conf = "zone \"a.example\" { type master; file \"/z\"; };";
    let disk = FakeDisk::new()
        .file("/etc/bind/named.conf", conf)
        .file("/z", "$INCLUDE /secret\n$INCLUDE /gone\nx A 10.0.0.1\n")
        .refused("/secret", Reason::PermissionDenied);
    let recorder = look(disk);
    let gaps = gaps(&recorder);
    let wanted = [
        "zone:a.example: what the zone a.example includes from /gone (Vanished): `named-checkconf`",
        "zone:a.example: what the zone a.example includes from /secret (PermissionDenied): run as root",
    ];
    assert_eq!(gaps.len(), wanted.len(), "{gaps:?}");
    for (gap, wanted) in gaps.iter().zip(wanted) {
        assert!(gap.starts_with(wanted), "{gap}");
    }
    let states: Vec<CoverageState> = recorder.coverage().map(|c| c.state).collect();
    assert_eq!(states, [CoverageState::Partial]);
    assert_eq!(recorder.facts().count(), 1);
}

#[test]
fn a_machine_without_a_name_server_says_nothing() {
    assert!(look(FakeDisk::new()).records.is_empty());
}
