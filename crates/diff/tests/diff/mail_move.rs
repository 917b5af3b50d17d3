//! A mail server moves, and the answer is known: twelve promises kept, five things nobody planned, one machine that was
//! not looked at again, and not one line of noise.

use crate::compare;
use groma_diff::{GapKind, WaveOutcome, compare_wave, html, markdown, wave_text};
use groma_model::inventory::*;
use groma_model::wave::{Move, Wave};
use groma_model::{CoverageState, SourceName, Timestamp, Witness};

use crate::build::*;

pub(crate) fn relay(consumer: &str, provider: &str) -> Dependency {
    depends(consumer, "smtp-relay", provider, 25)
}

pub(crate) fn looked(inventory: &mut Inventory, machines: &[&str], day: i64) {
    inventory.window = TimeWindow {
        from: in_days(day),
        to: in_days(day).plus(std::time::Duration::from_secs(3600)),
    };
    inventory.generated_at = inventory.window.to;
    for machine in machines {
        for source in ["host.sockets", "host.units", "host.archives", "host.shares"] {
            inventory.coverage.push(CoverageEntry {
                source: SourceName::new(source),
                from: in_days(day),
                to: inventory.window.to,
                ..sockets(machine, CoverageState::Complete)
            });
        }
    }
}

const MACHINES: [&str; 18] = [
    "app0", "app1", "app2", "app3", "app4", "app5", "app6", "app7", "app8", "app9", "quiet",
    "jobs", "mail1", "mail-new", "db1", "db2", "web1", "web2",
];

fn hosts() -> Vec<Entity> {
    MACHINES.map(host).into()
}

pub(crate) fn before() -> Inventory {
    let mut needs: Vec<Dependency> = (0..10)
        .map(|n| relay(&format!("app{n}"), "mail1"))
        .collect();
    needs.push(depends("web1", "sql", "db1", 5432));
    needs.push(depends("web2", "sql", "db1", 5432));
    needs.push(depends("quiet", "sql", "db2", 5432));
    needs.push(depends("quiet", "http", "web1", 80));
    let mut inventory = inventory(hosts(), needs);
    inventory
        .listeners
        .push(listener("web2", 8080, "shop.service"));
    named(&mut inventory, "mail1");
    inventory.snapshot = Some("before-w1".into());
    looked(&mut inventory, &MACHINES, 0);
    inventory
}

pub(crate) fn named(inventory: &mut Inventory, at: &str) {
    let it = inventory
        .entities
        .iter_mut()
        .find(|e| e.name == at)
        .expect("the machine is there");
    it.names.push("mail.corp.example".into());
}

pub(crate) fn after() -> Inventory {
    let mut needs: Vec<Dependency> = (0..10)
        .map(|n| relay(&format!("app{n}"), "mail-new"))
        .collect();
    needs.push(depends("mail-new", "ldap-bind", "db2", 389));
    // 1: moved although nobody planned it; 2: gone; 3: new.
    needs.push(depends("web1", "sql", "db2", 5432));
    needs.push(depends("web1", "http", "app9", 80));
    // Nobody looked at this one again: what it needs is only not seen.
    for need in [
        depends("quiet", "sql", "db2", 5432),
        depends("quiet", "http", "web1", 80),
    ] {
        needs.push(with(need, |d| d.current = false));
    }
    let mut inventory = inventory(hosts(), needs);
    // 4: a listener on another port.
    inventory
        .listeners
        .push(listener("web2", 8081, "shop.service"));
    // 5: a machine nobody knew.
    inventory.entities.push(host("stranger"));
    inventory.entities.sort_by(|a, b| a.id.cmp(&b.id));
    named(&mut inventory, "mail-new");
    inventory.snapshot = Some("after-w1".into());
    let seen: Vec<&str> = MACHINES.into_iter().filter(|m| *m != "quiet").collect();
    looked(&mut inventory, &seen, 7);
    inventory
}

pub(crate) fn wave() -> Wave {
    Wave {
        name: "w1".into(),
        owner: Some("Jo Example".into()),
        window: Some(TimeWindow {
            from: in_days(5),
            to: in_days(6),
        }),
        members: vec!["mail1".into()],
        moves: vec![Move {
            from: "mail1".into(),
            to: "mail-new".into(),
            names_that_follow: vec!["mail.corp.example".into()],
        }],
        expected: vec![
            "ldap-bind from mail-new to db2:389"
                .parse()
                .expect("an expectation"),
        ],
        ..Wave::default()
    }
}

pub(crate) fn judge(before: &Inventory, after: &Inventory, wave: &Wave) -> WaveOutcome {
    compare_wave(&compare(before, after), before, after, wave)
}

#[test]
fn twelve_are_confirmed_five_unexpected_one_was_not_looked_at_and_nothing_is_noise() {
    let (before, after) = (before(), after());
    let outcome = judge(&before, &after, &wave());
    let page = wave_text(&outcome);
    assert_eq!(outcome.confirmed.len(), 12, "{page}");
    assert_eq!(outcome.unexpected.len(), 5, "{page}");
    assert_eq!(outcome.coverage_gaps.len(), 1, "{page}");
    let gap = &outcome.coverage_gaps[0];
    assert_eq!(
        (gap.name.as_str(), gap.kind, gap.not_compared),
        ("quiet", GapKind::NotLookedAgain, 2)
    );
    let noise = [
        &outcome.missing,
        &outcome.moved,
        &outcome.not_seen,
        &outcome.not_due_yet,
        &outcome.to_lower,
    ];
    assert!(noise.iter().all(|list| list.is_empty()), "{page}");
    assert!(
        outcome.warnings.is_empty() && outcome.contents.is_empty(),
        "{page}"
    );
    // Five to explain, and one machine to look at again.
    assert_eq!(outcome.to_do.len(), 6, "{page}");
    assert_eq!(outcome.open_until, None);
}

#[test]
fn a_pair_without_a_change_says_nothing_but_what_was_promised() {
    let before = before();
    let changes = compare(&before, &before);
    assert_eq!(markdown(&changes), "");
    assert!(html(&changes).contains("Nothing is different."));
    let outcome = compare_wave(
        &changes,
        &before,
        &before,
        &Wave {
            name: "w1".into(),
            ..Wave::default()
        },
    );
    assert_eq!(outcome.to_do, []);
    assert!(
        !outcome.needs_action() && outcome.coverage_gaps.is_empty() && outcome.warnings.is_empty()
    );
}

pub(crate) fn monthly(provider: &str, used: i64) -> Dependency {
    with(relay("jobs", provider), |d| {
        d.rhythm = Some("monthly".into());
        d.witnesses = vec![Witness::History];
        d.last_seen = in_days(used);
        d.details.last_used = Some(in_days(used));
        d.details.written_in.clear();
    })
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

#[test]
fn the_wave_stays_open_until_its_monthly_job_has_returned() {
    let (mut before, after) = (before(), after());
    // Last used on 2026-11-15, so due on 2026-12-15; the later look is of 2026-11-27.
    before.dependencies.push(monthly("mail1", -5));
    let outcome = judge(&before, &after, &wave());
    let line = "jobs (jobs.service) for mail relay: runs again on 2026-12-15";
    assert_eq!(outcome.not_due_yet.len(), 1, "{}", wave_text(&outcome));
    assert_eq!(outcome.not_due_yet[0].says, line);
    assert_eq!(outcome.open_until, Some(at("2026-12-15T12:00:00Z")));
    assert!(
        wave_text(&outcome).contains(&format!("\nthe wave stays open until 2026-12-15: {line}\n"))
    );
    assert!(outcome.missing.is_empty());
}

#[test]
fn a_log_of_yesterday_does_not_hold_a_job_at_the_old_place() {
    let (mut before, mut after) = (before(), after());
    before.dependencies.push(monthly("mail1", -5));
    after.dependencies.push(monthly("mail1", -5));
    let outcome = judge(&before, &after, &wave());
    assert_eq!(outcome.missing.len(), 0, "{}", wave_text(&outcome));
    assert_eq!(outcome.not_due_yet.len(), 1);
    // Its twin was used there after the move: it stayed.
    let mut stayed = super::mail_move::after();
    stayed.dependencies.push(monthly("mail1", 7));
    let outcome = judge(&before, &stayed, &wave());
    assert_eq!(
        outcome.missing[0].says,
        "jobs (jobs.service) for mail relay: still at mail1"
    );
}

#[test]
fn what_was_due_and_did_not_come_is_missing() {
    let (mut before, mut after) = (before(), after());
    before.dependencies.push(monthly("mail1", -5));
    looked(&mut after, &["jobs"], 40);
    let outcome = judge(&before, &after, &wave());
    assert_eq!(
        outcome.missing[0].says,
        "jobs (jobs.service) for mail relay: was due on 2026-12-15, did not come",
        "{}",
        wave_text(&outcome)
    );
    assert_eq!(outcome.open_until, None);
    // Its twin came.
    after.dependencies.push(monthly("mail-new", 25));
    let outcome = judge(&before, &after, &wave());
    assert!(
        outcome.missing.is_empty() && outcome.not_due_yet.is_empty(),
        "{}",
        wave_text(&outcome)
    );
    assert_eq!(outcome.confirmed.len(), 13);
}

#[test]
fn forty_machines_with_the_same_line_in_the_same_file_are_one_thing_to_do() {
    let names: Vec<String> = (0..40).map(|n| format!("node{n:02}")).collect();
    let build = || {
        let mut hosts: Vec<Entity> = names.iter().map(|n| host(n)).collect();
        for (number, host) in hosts.iter_mut().enumerate() {
            host.owner = (number < 39).then(|| "Web team".to_owned());
        }
        hosts.extend([host("mail1"), host("mail-new")]);
        let need = |name: &String| {
            with(relay(name, "mail1"), |d| {
                d.details.written_in = vec!["/etc/msmtprc:4".into()]
            })
        };
        inventory(hosts, names.iter().map(need).collect())
    };
    let no_owner = Wave {
        owner: None,
        ..wave()
    };
    let outcome = judge(&build(), &build(), &no_owner);
    let missing: Vec<_> = outcome
        .to_do
        .iter()
        .filter(|t| t.says.contains("/etc/msmtprc"))
        .collect();
    assert_eq!(missing.len(), 2, "{:#?}", outcome.to_do);
    assert_eq!(missing[0].owner.as_deref(), Some("Web team"));
    assert_eq!(
        missing[0].says,
        "39 machines (node00, node01, node02 and 36 more): in /etc/msmtprc put mail-new in place of mail1 (mail relay), or lead that name there"
    );
    assert_eq!(
        (missing[0].count, missing[1].count, missing[1].owner.clone()),
        (39, 1, None)
    );
    assert!(wave_text(&outcome).contains("\nto do: no owner known\n"));
}

#[test]
fn who_owns_a_system_owns_what_is_to_be_done_on_its_machines() {
    let (mut before, mut after) = (before(), after());
    for inventory in [&mut before, &mut after] {
        inventory.dependencies.push(relay("db2", "mail1"));
        let host = inventory.entities.iter_mut().find(|e| e.name == "db2");
        host.expect("it is there").system = Some("sys-1".into());
        inventory.systems = vec![System {
            id: "sys-1".into(),
            name: "shop".into(),
            functions: Vec::new(),
            members: vec![id("db2")],
            product: None,
            version: None,
            owner: Some("Kim".into()),
            key_users: None,
            on_call: None,
            criticality: None,
            allowed_downtime: None,
            disposition: None,
            confirmed_by: None,
            confirmed_on: None,
            ..System::default()
        }];
    }
    let outcome = judge(&before, &after, &wave());
    let of_kim: Vec<_> = outcome
        .to_do
        .iter()
        .filter(|t| t.owner.as_deref() == Some("Kim"))
        .collect();
    assert_eq!(of_kim.len(), 1, "{:#?}", outcome.to_do);
    assert!(
        of_kim[0]
            .says
            .starts_with("db2: in /etc/db2.conf put mail-new in place of mail1")
    );
}

#[test]
fn many_machines_without_a_part_in_the_wave_are_one_row() {
    let (mut before, after) = (before(), after());
    for number in 0..50 {
        let name = format!("far{number:02}");
        before
            .coverage
            .push(sockets(&name, groma_model::CoverageState::Complete));
    }
    let outcome = judge(&before, &after, &wave());
    assert_eq!(
        outcome.coverage_gaps.len(),
        1,
        "{:#?}",
        outcome.coverage_gaps
    );
    assert_eq!(outcome.coverage_gaps[0].vantage, None);
    assert!(
        outcome.coverage_gaps[0]
            .says
            .starts_with("51 machines without a part in this wave were not looked at again")
    );
    assert_eq!(outcome.unexpected.len(), 5);
}

#[test]
fn a_machine_that_was_seen_in_part_is_one_row_with_its_remedy() {
    let (before, mut after) = (before(), after());
    let gap = GapEntry {
        what: "sockets of other accounts".into(),
        reason: "permission-denied".into(),
        remedy: Some("run as root".into()),
    };
    let at_web2 =
        |c: &&mut CoverageEntry| c.vantage == id("web2") && c.source.as_str() == "host.sockets";
    let entry = after
        .coverage
        .iter_mut()
        .find(at_web2)
        .expect("it was looked at");
    entry.state = groma_model::CoverageState::Partial;
    entry.gaps = vec![gap];
    let outcome = judge(&before, &after, &wave());
    let row = outcome
        .coverage_gaps
        .iter()
        .find(|g| g.name == "web2")
        .expect("a row");
    assert_eq!(row.kind, GapKind::Partial);
    assert_eq!(
        row.says,
        "web2 was seen completely before, and only in part now, by host.sockets: sockets of other accounts (permission-denied)"
    );
    assert!(outcome.to_do.iter().any(|t| t.says == "web2: run as root"));
}
