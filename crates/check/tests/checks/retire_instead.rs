//! `retire-instead`

use groma_model::fact::{Account, WatchPurpose};
use groma_model::inventory::{
    CoverageEntry, Disposition, Inventory, ListenerEntry, System, Volume, Watching,
};
use groma_model::{CoverageState, EvidenceId, SourceName, Timestamp};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "retire-instead";
const WHOLE: &str = "flow coverage: every connection; 40 of 40 that ended were seen to begin (100.0 %); 40 of 40 with their program (100.0 %); 0 events lost";

fn serves(host: &str, port: u16, kind: &str, program: &str) -> ListenerEntry {
    let mut listener = listener(host, port, "");
    listener.process.unit = None;
    listener.process.executable = Some(program.into());
    listener.service = Some(kind.to_owned());
    listener
}

fn covered(source: &str, scope: &str, days: i64, how: &str) -> CoverageEntry {
    CoverageEntry {
        source: SourceName::new(source),
        scope: scope.to_owned(),
        state: CoverageState::Partial,
        from: in_days(-days),
        to: in_days(0),
        how: Some(how.to_owned()),
        ..sockets("old1", CoverageState::Complete)
    }
}

fn flows(days: i64) -> CoverageEntry {
    covered("host.flows", "flow:host/tcp", days, WHOLE)
}

/// A web server whose log tells of everybody.
fn log(days: i64) -> CoverageEntry {
    CoverageEntry {
        state: CoverageState::Complete,
        ..covered("log.services", "log:/var/log/nginx/access.log", days, "")
    }
}

/// A web server that the monitoring alone asks.
fn idle(coverage: Vec<CoverageEntry>) -> Inventory {
    let mut inventory = inventory(
        vec![host("old1"), host("mon1"), host("dns1")],
        vec![
            depends("mon1", "monitoring", "old1", 5666),
            depends("old1", "dns", "dns1", 53),
        ],
    );
    inventory.dependencies.iter_mut().for_each(|d| {
        d.shared_service = d.kind == "dns";
    });
    inventory.listeners = vec![
        serves("old1", 80, "http", "/usr/sbin/nginx"),
        serves("old1", 22, "ssh", "/usr/sbin/sshd"),
    ];
    inventory.coverage = coverage;
    inventory
        .coverage
        .push(sockets("old1", CoverageState::Complete));
    inventory
}

pub(crate) fn positive() -> Inventory {
    idle(vec![flows(40)])
}

pub(crate) fn negative() -> Inventory {
    let mut used = positive();
    used.entities.push(host("till1"));
    used.dependencies.push(depends("till1", "http", "old1", 80));
    used.entities.sort_by(|a, b| a.id.cmp(&b.id));
    used
}

fn says(inventory: &Inventory) -> String {
    only(CHECK, inventory).indicator
}

#[test]
fn it_says_how_it_is_known_and_that_nothing_speaks_against_it() {
    assert_eq!(
        says(&positive()),
        "it serves remote shell at port 22 and web at port 80; only mon1, to look after it, came; every connection was watched for 40 days; nothing found speaks against it"
            .replace("remote shell", title_of("ssh"))
            .replace("web at", &format!("{} at", title_of("http")))
    );
}

fn title_of(kind: &str) -> &'static str {
    &groma_model::registry::REGISTRY.kind(kind).title
}

#[test]
fn a_log_of_a_month_is_proof_as_well() {
    assert!(says(&idle(vec![log(35)])).contains("its own logs tell of 35 days without a hole"));
    assert!(
        says(&idle(vec![log(35)]))
            .contains("who comes by remote logon stands in none of these logs")
    );
    assert!(found(CHECK, &idle(vec![log(29)])).is_empty(), "too short");
}

#[test]
fn silence_is_no_answer_where_somebody_may_have_been_missed() {
    let with = |change: &dyn Fn(&mut CoverageEntry)| {
        let mut entry = flows(40);
        change(&mut entry);
        found(CHECK, &idle(vec![entry]))
    };
    assert!(with(&|c| c.from = in_days(-13)).is_empty(), "too short");
    assert!(
        with(&|c| {
            c.from = in_days(-60);
            c.to = in_days(-9);
        })
        .is_empty(),
        "too long ago"
    );
    let polled = "flow coverage: polled; 9 looks at the socket tables";
    for how in [
        polled.to_owned(),
        WHOLE.replace("; 0 events", "; 10 events"),
        format!("{WHOLE}; sampled: 3 events were too many to take up"),
        String::new(),
    ] {
        assert!(with(&|c| c.how = Some(how.clone())).is_empty(), "{how}");
    }
    assert!(found(CHECK, &idle(Vec::new())).is_empty(), "nobody watched");
    let mut half = positive();
    half.coverage.pop();
    half.coverage.push(sockets("old1", CoverageState::Partial));
    assert!(
        found(CHECK, &half).is_empty(),
        "not all listeners were seen"
    );
    let mut partial = log(40);
    partial.state = CoverageState::Partial;
    assert!(found(CHECK, &idle(vec![partial.clone()])).is_empty());
    partial.scope = "log:/var/log/nginx/shop.access.log".to_owned();
    assert!(
        found(CHECK, &idle(vec![log(40), partial])).is_empty(),
        "one of two logs has a hole"
    );
}

#[test]
fn a_log_proves_nothing_of_another_service_or_of_one_whose_log_is_off_by_default() {
    let mut two = idle(vec![log(40)]);
    two.listeners
        .push(serves("old1", 445, "smb", "/usr/sbin/smbd"));
    assert!(found(CHECK, &two).is_empty());
    let mut strange = idle(vec![log(40)]);
    strange
        .listeners
        .push(serves("old1", 9000, "other", "/opt/x/serve"));
    assert!(found(CHECK, &strange).is_empty());
    let mut ldap = idle(vec![CoverageEntry {
        scope: "log:/var/log/slapd.log".to_owned(),
        ..log(40)
    }]);
    ldap.listeners = vec![serves("old1", 389, "ldap-bind", "/usr/sbin/slapd")];
    assert!(found(CHECK, &ldap).is_empty());
    // Datagrams are another watch.
    let mut udp = positive();
    udp.listeners.push(ListenerEntry {
        transport: groma_model::Transport::Udp,
        ..serves("old1", 69, "other", "/usr/sbin/in.tftpd")
    });
    let mut listen = sockets("old1", CoverageState::Complete);
    listen.scope = "socket:host/udp/listen".to_owned();
    udp.coverage.push(listen);
    assert!(found(CHECK, &udp).is_empty());
    udp.coverage.push(covered(
        "host.flows",
        "flow:host/udp",
        40,
        "flow coverage: every datagram to a known service port, and the answers of name servers",
    ));
    assert_eq!(found(CHECK, &udp).len(), 1);
}

#[test]
fn a_machine_that_serves_nothing_or_hands_on_is_left_alone() {
    let mut plain = positive();
    plain.listeners.remove(0);
    assert!(found(CHECK, &plain).is_empty(), "ssh is on every machine");
    let mut local = positive();
    local
        .listeners
        .iter_mut()
        .for_each(|l| l.address = [127, 0, 0, 1].into());
    assert!(found(CHECK, &local).is_empty());
    let mut foreign = positive();
    foreign
        .entities
        .iter_mut()
        .for_each(|e| e.has_agent = false);
    assert!(found(CHECK, &foreign).is_empty());
}

#[test]
fn what_a_setting_names_is_needed_and_who_watches_is_not_whom_it_is_for() {
    let mut written = positive();
    written
        .dependencies
        .push(written_only(depends("dns1", "http", "old1", 80)));
    assert!(found(CHECK, &written).is_empty());
    let mut watched = positive();
    watched
        .dependencies
        .push(depends("mon1", "http", "old1", 80));
    assert!(
        found(CHECK, &watched).is_empty(),
        "nobody says that it watches"
    );
    watched.watching.push(Watching {
        entity: id("old1"),
        purpose: WatchPurpose::WatchedBy,
        by: Some(id("mon1")),
        name: "mon1".to_owned(),
        products: vec!["NRPE".to_owned()],
        witnesses: Vec::new(),
        evidence: vec![EvidenceId::new("evi-w")],
    });
    assert_eq!(found(CHECK, &watched).len(), 1);
}

#[test]
fn an_owner_who_decided_is_not_asked_again() {
    let mut decided = positive();
    decided.systems.push(System {
        id: "sys-old1".to_owned(),
        members: vec![id("old1")],
        disposition: Some(Disposition::Move),
        ..System::default()
    });
    assert!(found(CHECK, &decided).is_empty());
    decided.systems[0].disposition = None;
    assert_eq!(found(CHECK, &decided).len(), 1);
}

#[test]
fn what_speaks_against_it_is_said() {
    let mut inventory = idle(vec![flows(16)]);
    let account = |name: &str, number: &str, can_log_in| Account {
        name: name.into(),
        id: number.to_owned(),
        home: None,
        shell: None,
        can_log_in,
    };
    let machine = inventory
        .entities
        .iter_mut()
        .find(|e| e.name == "old1")
        .unwrap();
    machine.attributes.accounts = vec![
        account("root", "0", true),
        account("anna", "1000", true),
        account("ben", "1001", false),
    ];
    let mut share = entity("share", "scans");
    share.attributes.lies_on = Some(id("old1"));
    inventory.volumes.push(Volume {
        entity: share.id.clone(),
        subject: String::new(),
        bytes: 1,
        items: None,
        items_estimated: false,
        changed_per_day: Some(2048.0),
        growth_per_day: None,
        measured_at: Timestamp::from_seconds(0),
        transfer_hours: None,
        catch_up_hours: None,
    });
    inventory.entities.push(share);
    inventory.entities.push(host("db1"));
    inventory.entities.sort_by(|a, b| a.id.cmp(&b.id));
    inventory
        .dependencies
        .push(with(depends("old1", "sql", "db1", 5432), |d| {
            d.rhythm = Some("monthly".to_owned());
        }));
    let said = says(&inventory);
    let sql = title_of("sql");
    for part in [
        "against it: what comes once a month may not have come yet",
        "1 person can log on to it",
        &format!("its scheduled jobs use db1:5432 ({sql})"),
        "still written to: share scans (2.0 KiB a day)",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}
