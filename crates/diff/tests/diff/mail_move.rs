//! A mail server moves, and the answer is known: twelve promises kept, five things nobody planned, one machine that was
//! not looked at again, and not one line of noise.

use groma_diff::{
    GapKind, Judgement, WaveOutcome, compare, compare_wave, html, markdown, wave_html,
    wave_markdown, wave_text,
};
use groma_model::inventory::*;
use groma_model::wave::{Criterion, Move, Wave};
use groma_model::{CoverageState, SourceName, Timestamp, Witness};

use crate::build::*;

fn relay(consumer: &str, provider: &str) -> Dependency {
    depends(consumer, "smtp-relay", provider, 25)
}

fn looked(inventory: &mut Inventory, machines: &[&str], day: i64) {
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

fn before() -> Inventory {
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

fn named(inventory: &mut Inventory, at: &str) {
    let it = inventory
        .entities
        .iter_mut()
        .find(|e| e.name == at)
        .expect("the machine is there");
    it.names.push("mail.corp.example".into());
}

fn after() -> Inventory {
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

fn wave() -> Wave {
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

fn judge(before: &Inventory, after: &Inventory, wave: &Wave) -> WaveOutcome {
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

fn monthly(provider: &str, used: i64) -> Dependency {
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

fn volume(on: &Entity, subject: &str, bytes: u64, items: Option<u64>, day: i64) -> Volume {
    Volume {
        entity: on.id.clone(),
        subject: subject.into(),
        bytes,
        items,
        items_estimated: false,
        changed_per_day: None,
        growth_per_day: None,
        measured_at: in_days(day),
        transfer_hours: None,
        catch_up_hours: None,
    }
}

fn right(on: &Entity, principal: &str, word: &str) -> Right {
    Right {
        on: on.id.clone(),
        principal: principal.into(),
        right: word.into(),
        written_as: "posix-acl".into(),
        path: None,
        orphan: false,
        evidence: Vec::new(),
    }
}

/// The mail store and the share of the old server, with three mailboxes and two rights.
fn with_contents() -> (Inventory, Inventory) {
    let (mut before, mut after) = (before(), after());
    let (old, new) = (
        holds("archive", "mail1", "/var/vmail"),
        holds("archive", "mail-new", "/srv/mail"),
    );
    let store = |mut e: Entity| {
        let archive = e.attributes.archive.as_mut().expect("an archive");
        archive.variant = Some("store".into());
        e
    };
    let (old, new) = (store(old), store(new));
    for (part, items) in [("anna", 100), ("ben", 200), ("cleo", 300)] {
        before.volumes.push(volume(
            &old,
            &format!("/var/vmail/{part}"),
            1000,
            Some(items),
            0,
        ));
    }
    after
        .volumes
        .push(volume(&new, "/srv/mail/anna", 700, Some(100), 7));
    after
        .volumes
        .push(volume(&new, "/srv/mail/ben", 1000, Some(199), 7));
    let (mut share, mut new_share) = (
        holds("share", "mail1", "/srv/lists"),
        holds("share", "mail-new", "/data/lists"),
    );
    for s in [&mut share, &mut new_share] {
        s.attributes.share.as_mut().expect("a share").name = "lists".into();
    }
    before.rights = vec![
        right(&share, "anna", "read"),
        right(&share, "@sales", "write"),
    ];
    after.rights = vec![
        right(&new_share, "Anna", "read"),
        right(&new_share, "*", "read"),
    ];
    before
        .volumes
        .push(volume(&share, "/srv/lists", 5000, None, 0));
    after
        .volumes
        .push(volume(&new_share, "/data/lists", 4800, None, 7));
    before.entities.extend([old, share]);
    after.entities.extend([new, new_share]);
    for i in [&mut before, &mut after] {
        i.entities.sort_by(|a, b| a.id.cmp(&b.id));
    }
    (before, after)
}

#[test]
fn contents_are_compared_mailbox_by_mailbox_and_right_by_right() {
    let (before, after) = with_contents();
    let outcome = judge(&before, &after, &wave());
    let row = |subject: &str, verdict| {
        let found = outcome
            .contents
            .iter()
            .find(|r| r.subject == subject && r.verdict == verdict);
        found
            .unwrap_or_else(|| panic!("{subject}: {:#?}", outcome.contents))
            .says
            .clone()
    };
    assert_eq!(
        row("anna in /var/vmail", Judgement::Pass),
        "as many as before or more"
    );
    assert_eq!(
        row("ben in /var/vmail", Judgement::Fail),
        "1 fewer than before"
    );
    assert_eq!(
        row("cleo in /var/vmail", Judgement::Fail),
        "not found at mail-new"
    );
    assert_eq!(
        row("lists", Judgement::Pass),
        "as large as before, within a tenth"
    );
    assert_eq!(row("lists", Judgement::Fail), "missing at mail-new");
    assert_eq!(row("lists", Judgement::Ask), "in addition at mail-new");
    assert_eq!(outcome.contents.len(), 6, "{:#?}", outcome.contents);
    assert!(outcome.needs_action());
    // The archives and shares themselves belong to the wave's machines or are told in the table: they are no surprise.
    assert_eq!(outcome.unexpected.len(), 5, "{}", wave_text(&outcome));
}

#[test]
fn where_nobody_looked_for_content_nothing_is_called_lost() {
    let (before, mut after) = with_contents();
    let gone: Vec<_> = after
        .entities
        .iter()
        .filter(|e| e.attributes.lies_on == Some(id("mail-new")))
        .map(|e| e.id.clone())
        .collect();
    after.entities.retain(|e| !gone.contains(&e.id));
    after
        .coverage
        .retain(|c| c.vantage != id("mail-new") || c.source.as_str() == "host.sockets");
    let outcome = judge(&before, &after, &wave());
    let verdicts: Vec<Judgement> = outcome.contents.iter().map(|r| r.verdict).collect();
    assert_eq!(
        verdicts,
        [Judgement::Ask, Judgement::Ask],
        "{:#?}",
        outcome.contents
    );
}

fn measured(on: &str, metric: &str, value: f64, day: i64) -> MeasurementEntry {
    MeasurementEntry {
        entity: id(on),
        metric: metric.into(),
        subject: "nightly".into(),
        value,
        at: in_days(day),
    }
}

#[test]
fn criteria_pass_fail_or_ask_a_person() {
    let (mut before, mut after) = (before(), after());
    before.measurements = vec![measured("mail1", "share_sessions", 3.0, 0)];
    after.measurements = vec![
        measured("mail-new", "share_sessions", 5.0, 7),
        measured("web1", "share_sessions", 500.0, 7),
        measured("mail-new", "content_open", 9.0, 7),
        measured(
            "mail-new",
            "backup_last_success_seconds",
            1_795_176_000.0 + 7.0 * 86_400.0,
            7,
        ),
        measured("mail-new", "share_clients", 1.0, 1),
    ];
    let criterion = |metric: &str, threshold: f64| Criterion {
        metric: metric.into(),
        threshold,
        baseline: Some("before-w1".into()),
        accepted_by: None,
    };
    let wave = Wave {
        criteria: vec![
            criterion("share_sessions", 10.0),
            criterion("content_open", 2.0),
            criterion("share_sesions", 10.0),
            criterion("mail_delay_p95_seconds", 60.0),
            criterion("backup_age_seconds", 90_000.0),
            criterion("share_clients", 10.0),
            criterion("content_open", f64::NAN),
        ],
        ..wave()
    };
    let outcome = judge(&before, &after, &wave);
    let rows = &outcome.criteria;
    let said: Vec<(Judgement, &str)> = rows.iter().map(|r| (r.verdict, r.says.as_str())).collect();
    assert_eq!(
        said,
        [
            (
                Judgement::Pass,
                "within its threshold, and higher than before"
            ),
            (Judgement::Fail, "above its threshold"),
            (
                Judgement::Ask,
                "no look measures it: did you mean share_sessions?"
            ),
            (Judgement::Ask, "no look measures it"),
            (Judgement::Pass, "within its threshold"),
            (Judgement::Ask, "not measured since the move: look again"),
            (
                Judgement::Ask,
                "its threshold is no number: write one into the wave file"
            ),
        ]
    );
    assert_eq!(
        (rows[0].before, rows[0].after, rows[0].subject.as_deref()),
        (Some(3.0), Some(5.0), Some("mail-new nightly"))
    );
    assert_eq!(rows[4].after, Some(3600.0));
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[test]
fn documents_of_two_stores_unknown_names_and_wrong_dates_are_said_at_the_top() {
    let strangers = inventory(vec![host("elsewhere")], Vec::new());
    let outcome = judge(&before(), &strangers, &wave());
    assert!(
        outcome.warnings[0].contains("they come from two stores"),
        "{:?}",
        outcome.warnings
    );

    let wrong = Wave {
        members: vec!["mial1".into(), "nowhere-at-all".into()],
        window: Some(TimeWindow {
            from: in_days(-9),
            to: in_days(-8),
        }),
        requires: vec!["w1".into(), "w2".into()],
        order: 1,
        ..wave()
    };
    let (before, mut after) = (before(), after());
    let other = |name: &str, order, from, to| WaveEntry {
        name: name.into(),
        order,
        window: Some(TimeWindow {
            from: in_days(from),
            to: in_days(to),
        }),
        members: vec!["db1".into()],
        state: "planned".into(),
    };
    after.waves = vec![other("w2", 2, 20, 21), other("w3", 3, -9, -7)];
    let outcome = judge(&before, &after, &wrong);
    let says = |words: &str| {
        assert!(
            outcome.warnings.iter().any(|w| w.contains(words)),
            "{words}: {:#?}",
            outcome.warnings
        );
    };
    says("did you mean mail1?");
    says("nowhere-at-all of the wave file is in neither document: check the name");
    says("before the first look");
    says("requires itself");
    says("wave w2 is required, but comes later");
    says("wave w3 has a window at the same time");
    let swapped = judge(&after, &before, &wave());
    assert!(
        swapped.warnings[0].contains("the wrong way round"),
        "{:?}",
        swapped.warnings
    );
    let early = Wave {
        window: Some(TimeWindow {
            from: in_days(30),
            to: in_days(31),
        }),
        ..wave()
    };
    assert!(judge(&before, &after, &early).warnings[0].contains("has not happened yet"));
}

#[test]
fn what_only_a_new_way_of_looking_tells_is_not_unexpected() {
    let (before, mut after) = (before(), after());
    let told = with(depends("web2", "ldap-bind", "db1", 389), |d| {
        d.witnesses = vec![Witness::History]
    });
    let entry = EvidenceEntry {
        id: told.evidence[0].clone(),
        source: SourceName::new("log.services"),
        witness: Witness::History,
        vantage: id("db1"),
        observed_at: in_days(7),
        says: "a bind".into(),
    };
    after.dependencies.push(told);
    assert_eq!(judge(&before, &after, &wave()).unexpected.len(), 6);
    after.evidence.push(entry);
    after.coverage.push(CoverageEntry {
        source: SourceName::new("log.services"),
        to: in_days(7),
        ..sockets("db1", CoverageState::Complete)
    });
    let outcome = judge(&before, &after, &wave());
    assert_eq!(outcome.unexpected.len(), 5, "{}", wave_text(&outcome));
    assert!(
        outcome
            .coverage_gaps
            .iter()
            .any(|g| g.kind == GapKind::NotLookedBefore)
    );
}

#[test]
fn a_page_has_no_script_and_no_foreign_element() {
    let evil = "<script>alert(1)</script>\u{202e}\"'&--><b>";
    let (mut before, mut after) = with_contents();
    for inventory in [&mut before, &mut after] {
        for entity in &mut inventory.entities {
            entity.owner = Some(evil.into());
            if entity.name == "app1" || entity.name == "web1" {
                entity.name = evil.into();
            }
        }
        for need in &mut inventory.dependencies {
            need.consumer.name = evil.into();
            need.consumer.component.name = evil.into();
            need.provider.name = evil.into();
        }
    }
    let wave = Wave {
        name: evil.into(),
        owner: Some(evil.into()),
        ..wave()
    };
    let changes = compare(&before, &after);
    let outcome = compare_wave(&changes, &before, &after, &wave);
    for page in [
        wave_html(&changes, &outcome, &before, &after),
        html(&changes),
    ] {
        assert!(!page.contains("<script") && !page.contains("<b>&") && !page.contains('\u{202e}'));
        assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"));
        assert!(!page.contains("alert(1)</script>"));
    }
    for page in [wave_markdown(&outcome), markdown(&changes)] {
        let bare = page.replace("\\<", "");
        assert!(!bare.contains('<') && !page.contains('\u{202e}'), "{page}");
    }
}

/// Writes the pages where somebody wants to look at them: `GROMA_PAGES=/tmp/pages cargo test -p groma-diff pages -- --ignored`.
#[test]
#[ignore = "for eyes"]
#[allow(
    clippy::disallowed_methods,
    reason = "a test that a person starts writes where that person says"
)]
fn pages() {
    let (mut before, mut after) = with_contents();
    before.dependencies.push(monthly("mail1", -5));
    before.dependencies.push(relay("db1", "mail1"));
    after.dependencies.push(relay("db1", "mail1"));
    for i in [&mut before, &mut after] {
        for e in &mut i.entities {
            e.owner = match e.name.as_str() {
                "web1" | "web2" => Some("Web team".into()),
                "db1" | "db2" => Some("Databases, Kim Example".into()),
                _ => None,
            };
        }
        i.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    }
    after.measurements = vec![
        measured("mail-new", "content_open", 9.0, 7),
        measured("mail-new", "share_sessions", 5.0, 7),
    ];
    let criterion = |metric: &str, threshold: f64| Criterion {
        metric: metric.into(),
        threshold,
        baseline: Some("before-w1".into()),
        accepted_by: Some("head of sales".into()),
    };
    let wave = Wave {
        criteria: vec![
            criterion("share_sessions", 10.0),
            criterion("content_open", 2.0),
            criterion("mail_delay_p95_seconds", 60.0),
        ],
        exclusions: vec!["biuld1".into()],
        ..wave()
    };
    let changes = compare(&before, &after);
    let outcome = compare_wave(&changes, &before, &after, &wave);
    let folder = std::path::PathBuf::from(std::env::var("GROMA_PAGES").expect("a folder"));
    for (name, page) in [
        ("wave.html", wave_html(&changes, &outcome, &before, &after)),
        ("diff.html", html(&changes)),
        ("wave.md", wave_markdown(&outcome)),
        ("wave.txt", wave_text(&outcome)),
    ] {
        std::fs::write(folder.join(name), page).expect("the folder is there");
    }
}
