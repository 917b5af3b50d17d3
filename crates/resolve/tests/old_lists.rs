//! A list of a platform beside a look at that very platform: what only an old list tells is let go of once a later look saw all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::hour;
use groma_model::fact::*;
use groma_model::store::{Identities, LookRecord};
use groma_model::virtualization::{PLATFORM_SOURCE, Platform, PlatformKind};
use groma_model::*;
use groma_resolve::{Gathering, Resolution};

const ASKER: &str = "agt-asker";
const PLACE: &str = "libvirt/qemu/kvm1.corp.example/system";

/// Evidence and looks, in the order in which they arrive.
#[derive(Default, Clone)]
struct Case {
    evidence: Vec<Evidence>,
    looks: Vec<LookRecord>,
}

fn place(part: &str) -> Scope {
    Scope::new("hypervisor", &format!("{PLACE}/{part}"))
}

impl Case {
    fn say(
        &mut self,
        vantage: &AgentId,
        scope: Scope,
        fact: Fact,
        hours: (i64, i64),
    ) -> EvidenceId {
        let source = match vantage.is_list() {
            true => SourceName::new("declared.list"),
            false => SourceName::new(PLATFORM_SOURCE),
        };
        let (site, state) = (SiteId::default(), EvidenceState::Current);
        let json = serde_json::to_string(&fact).unwrap();
        let id = Evidence::id_of(&site, vantage, &source, &scope, &json);
        let seen = Seen::between(hour(hours.0), hour(hours.1), 1);
        self.evidence.push(Evidence {
            id: id.clone(),
            site,
            vantage: vantage.clone(),
            source,
            scope,
            fact,
            seen,
            state,
        });
        id
    }

    /// The list `name`, imported at `at`, tells it.
    fn listed(&mut self, name: &str, fact: Fact, at: i64) -> EvidenceId {
        let list = AgentId::of_list(name);
        self.say(&list, Scope::new("list", name), fact, (at, at))
    }

    /// The looks until `until` tell it, the first of them at hour 0.
    fn seen(&mut self, part: &str, fact: Fact, until: i64) -> EvidenceId {
        self.say(&AgentId::new(ASKER), place(part), fact, (0, until))
    }

    /// A look of an hour from `at` on; `holes` are the parts it did not see all of.
    fn looked(&mut self, at: i64, holes: &[&str]) {
        let (from, to) = (hour(at), hour(at + 1));
        let closed = |scope: Scope, is_partial: bool| Coverage {
            scope,
            state: match is_partial {
                true => CoverageState::Partial,
                false => CoverageState::Complete,
            },
            from,
            to,
            how: None,
        };
        let parts = ["host", "guests", "storage", "networks"];
        let parts = parts.map(|part| closed(place(part), holes.contains(&part)));
        let whole = closed(Scope::new("hypervisor", PLACE), !holes.is_empty());
        self.looks.push(LookRecord {
            site: SiteId::default(),
            vantage: AgentId::new(ASKER),
            source: SourceName::new(PLATFORM_SOURCE),
            started: from,
            ended: to,
            coverage: parts.into_iter().chain([whole]).collect(),
            gaps: Vec::new(),
        });
    }

    fn resolved(&self) -> Resolution {
        let mut gathering = Gathering::default();
        self.looks.iter().for_each(|look| gathering.covered(look));
        self.evidence.iter().for_each(|one| gathering.take(one));
        finished(gathering)
    }
}

fn finished(gathering: Gathering) -> Resolution {
    let mut next = 0;
    let mut mint = || {
        next += 1;
        EntityId::new(format!("ent-{next:03}"))
    };
    gathering.resolve(&Identities::default(), &mut mint)
}

fn platform(id: &str) -> Platform {
    Platform {
        kind: PlatformKind::Libvirt,
        id: id.into(),
    }
}

fn guest(of: &str, name: &str) -> Fact {
    Fact::Guest(Box::new(Guest {
        platform: platform(of),
        key: format!("key-{name}"),
        name: name.into(),
        host: Some(of.into()),
        ..Guest::default()
    }))
}

fn host(of: &str, time_server: Option<&str>) -> Fact {
    Fact::Hypervisor(Box::new(Hypervisor {
        platform: platform(of),
        key: of.into(),
        name: of.into(),
        ntp_servers: time_server.and_then(Peer::parse).into_iter().collect(),
        ..Hypervisor::default()
    }))
}

fn used(of: &str, name: &str) -> Fact {
    Fact::Measurement(Measurement {
        metric: "vm_disk_used_bytes".into(),
        subject: platform(of).subject(&format!("key-{name}")),
        value: 1e9,
    })
}

/// Names of the guests that stand.
fn guests(resolution: &Resolution) -> Vec<&str> {
    let entities = resolution.estate.entities.values();
    let guests = entities.filter(|e| e.attributes.guest.is_some());
    let mut names: Vec<&str> = guests.map(|e| e.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// A list of hour 1 tells of two guests; looks from hour 0 until `until` tell of one of them.
fn deleted_since(until: i64) -> Case {
    let mut case = Case::default();
    for name in ["web1", "old1"] {
        case.listed("kvm.json", guest("kvm1", name), 1);
    }
    case.seen("host", host("kvm1", None), until);
    case.seen("guests", guest("kvm1", "web1"), until);
    case
}

#[test]
fn a_guest_of_an_old_list_that_a_later_whole_look_does_not_tell_is_let_go_of() {
    let mut case = deleted_since(6);
    let number = case.listed("kvm.json", used("kvm1", "old1"), 1);
    let kept = case.listed("kvm.json", used("kvm1", "web1"), 1);
    case.looked(5, &[]);
    let resolution = case.resolved();
    assert_eq!(guests(&resolution), ["web1"]);
    let old = platform("kvm1").subject("key-old1").to_string();
    let on_platforms = &resolution.estate.on_platforms;
    assert!(!on_platforms.contains_key(&(SiteId::default(), old)));
    assert!(
        !resolution
            .estate
            .entities
            .values()
            .any(|e| e.name == "old1"),
        "nothing is left of it"
    );
    let gone = case.evidence.get(1).unwrap().id.clone();
    assert_eq!(
        resolution.let_go,
        [gone, number].into(),
        "its word and its number, and nothing of {kept}"
    );
}

#[test]
fn a_look_with_a_hole_lets_nothing_go() {
    for hole in ["host", "guests", "storage", "networks"] {
        let mut case = deleted_since(6);
        case.looked(5, &[hole]);
        let resolution = case.resolved();
        assert_eq!(guests(&resolution), ["old1", "web1"], "{hole}");
        assert!(resolution.let_go.is_empty());
    }
    // A hole beneath a place that was closed as a whole is one too.
    let mut case = deleted_since(6);
    case.looked(5, &[]);
    case.looks[0].gaps.push(Gap {
        scope: place("guests/web9"),
        what: "it went away".into(),
        reason: Reason::PermissionDenied,
        remedy: None,
    });
    assert_eq!(guests(&case.resolved()), ["old1", "web1"]);
}

#[test]
fn a_place_nobody_closed_lets_nothing_go() {
    let mut case = deleted_since(6);
    case.looked(5, &[]);
    case.looks[0].coverage.clear();
    assert_eq!(guests(&case.resolved()), ["old1", "web1"]);
}

#[test]
fn what_a_whole_look_let_go_of_stays_so_when_the_next_one_has_a_hole() {
    let mut case = deleted_since(9);
    case.looked(5, &[]);
    case.looked(8, &["guests"]);
    assert_eq!(guests(&case.resolved()), ["web1"]);
    // That platform was not met by the look that was whole: another one answered at this place.
    let mut case = deleted_since(9);
    for one in case.evidence.iter_mut().filter(|e| !e.vantage.is_list()) {
        one.seen.first = hour(8);
    }
    case.looked(5, &[]);
    case.looked(8, &["guests"]);
    assert_eq!(guests(&case.resolved()), ["old1", "web1"]);
}

#[test]
fn a_list_that_is_newer_than_the_look_keeps_its_guests() {
    let mut case = deleted_since(6);
    for one in case.evidence.iter_mut().filter(|e| e.vantage.is_list()) {
        one.seen = Seen::between(hour(7), hour(7), 1);
    }
    case.looked(5, &[]);
    assert_eq!(guests(&case.resolved()), ["old1", "web1"]);
    // So does one of a time within the look, which may have passed the guest before.
    for one in case.evidence.iter_mut().filter(|e| e.vantage.is_list()) {
        one.seen = Seen::between(hour(5), hour(5), 1);
    }
    assert_eq!(guests(&case.resolved()), ["old1", "web1"]);
}

#[test]
fn a_list_of_another_platform_or_site_is_untouched() {
    let mut case = deleted_since(6);
    case.listed("other.json", guest("kvm2", "far1"), 1);
    case.listed("elsewhere.json", guest("kvm1", "there1"), 1);
    case.evidence.last_mut().unwrap().site = SiteId::new("paris");
    case.looked(5, &[]);
    assert_eq!(guests(&case.resolved()), ["far1", "there1", "web1"]);
}

#[test]
fn a_newer_list_that_tells_of_it_still_holds_it() {
    let mut case = deleted_since(6);
    case.listed("newer.json", guest("kvm1", "old1"), 9);
    case.looked(5, &[]);
    let resolution = case.resolved();
    assert_eq!(guests(&resolution), ["old1", "web1"]);
    assert_eq!(resolution.let_go.len(), 1, "the word of the old list alone");
}

#[test]
fn a_guest_that_another_asker_sees_is_not_gone() {
    let mut case = deleted_since(6);
    let other = AgentId::new("agt-other");
    case.say(&other, place("guests"), guest("kvm1", "old1"), (2, 2));
    case.looked(5, &[]);
    let resolution = case.resolved();
    assert_eq!(guests(&resolution), ["old1", "web1"]);
    assert!(resolution.let_go.is_empty());
}

#[test]
fn hosts_clusters_and_datastores_go_the_same_way_and_whom_they_asked_with_them() {
    let mut case = deleted_since(6);
    case.listed("kvm.json", host("kvm1", Some("time.corp.example")), 1);
    let mut gone = host("kvm1", Some("old-time.corp.example"));
    if let Fact::Hypervisor(host) = &mut gone {
        host.key = "kvm0".into();
    }
    case.listed("kvm.json", gone, 1);
    case.listed(
        "kvm.json",
        Fact::Datastore(Box::new(Datastore {
            platform: platform("kvm1"),
            key: "pool-9".into(),
            name: "old-pool".into(),
            server: Peer::parse("old-nas.corp.example"),
            ..Datastore::default()
        })),
        1,
    );
    case.listed(
        "kvm.json",
        Fact::Cluster(Box::new(Cluster {
            platform: platform("kvm1"),
            key: "cluster-9".into(),
            name: "old-cluster".into(),
            ..Cluster::default()
        })),
        1,
    );
    let before = case.resolved();
    case.looked(5, &[]);
    let after = case.resolved();
    let has = |resolution: &Resolution, name: &str| {
        let mut entities = resolution.estate.entities.values();
        entities.any(|e| e.names.iter().any(|n| n == name) || e.name == name)
    };
    for name in [
        "old-time.corp.example",
        "old-nas.corp.example",
        "old-pool",
        "old-cluster",
    ] {
        assert!(has(&before, name) && !has(&after, name), "{name}");
    }
    assert!(has(&after, "time.corp.example"), "that host is told still");
    assert!(has(&after, "kvm.json"), "the list itself stands");
}

#[test]
fn the_order_of_evidence_and_looks_does_not_matter() {
    let mut case = deleted_since(6);
    case.listed("kvm.json", used("kvm1", "old1"), 1);
    case.looked(5, &[]);
    case.looked(2, &["guests"]);
    let one = case.resolved();
    let mut gathering = Gathering::default();
    for piece in case.evidence.iter().rev().chain(&case.evidence) {
        gathering.take(piece);
    }
    for look in case.looks.iter().rev().chain(&case.looks) {
        gathering.covered(look);
    }
    let other = finished(gathering);
    assert_eq!(guests(&one), ["web1"]);
    assert_eq!(one.estate.entities, other.estate.entities);
    assert_eq!(one.estate.on_platforms, other.estate.on_platforms);
    assert_eq!(one.let_go, other.let_go);
}
