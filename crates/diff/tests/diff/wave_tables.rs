//! What lay on the old mail server and lies on the new one, and the numbers that decide.

use groma_diff::{ContentKind, Judgement, wave_text};
use groma_model::inventory::*;
use groma_model::wave::{Criterion, Wave};

use crate::build::*;
use crate::mail_move::{after, before, judge, wave};

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
pub(crate) fn with_contents() -> (Inventory, Inventory) {
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

pub(crate) fn measured(on: &str, metric: &str, value: f64, day: i64) -> MeasurementEntry {
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
        threshold: Some(threshold),
        at_least: None,
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
            (Judgement::Ask, "no look measured it"),
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

/// Ceilings and floors, each for the way in which its metric is better.
#[test]
fn a_number_may_have_to_be_at_least_something() {
    let (mut before, mut after) = (before(), after());
    let on = |metric: &str, subject: &str, value: f64, day: i64| MeasurementEntry {
        subject: subject.into(),
        ..measured("mail-new", metric, value, day)
    };
    before.measurements = vec![MeasurementEntry {
        entity: id("mail1"),
        ..on("mail_messages", "Postfix, Friday", 900.0, 0)
    }];
    after.measurements = vec![
        on("mail_messages", "Postfix, Monday", 400.0, 7),
        on("mail_messages", "Postfix, Tuesday", 800.0, 8),
        // What was measured before the move says nothing of the new place.
        on("mail_messages", "Postfix, Friday", 1.0, 1),
        on("mail_delay_p95_seconds", "Postfix, Monday", 12.0, 7),
        on("mail_delay_p95_seconds", "Postfix, Tuesday", 61.0, 8),
        on("mail_queue_messages", "Postfix active", 0.0, 8),
        on("backup_last_success_seconds", "nightly", 1_795_176_000.0, 7),
        on("share_sessions", "lists", 5.0, 7),
        MeasurementEntry {
            entity: id("web1"),
            ..on("directory_bind_seconds", "mail-new 636", 0.02, 7)
        },
        MeasurementEntry {
            entity: id("mail-new"),
            ..on("directory_bind_seconds", "web1 636", 9.0, 7)
        },
    ];
    let of = |metric: &str, threshold: Option<f64>, at_least: Option<f64>| {
        let criterion = Criterion {
            metric: metric.into(),
            threshold,
            at_least,
            baseline: None,
            accepted_by: None,
        };
        let wave = Wave {
            criteria: vec![criterion],
            ..wave()
        };
        let row = judge(&before, &after, &wave).criteria.remove(0);
        (row.verdict, row.says, row.after)
    };
    let row = |verdict, says: &str, after| (verdict, says.to_owned(), Some(after));
    assert_eq!(
        of("mail_messages", None, Some(100.0)),
        row(
            Judgement::Pass,
            "at least what it must be, and lower than before",
            400.0
        )
    );
    assert_eq!(
        of("mail_messages", None, Some(500.0)),
        row(Judgement::Fail, "below what it must be at least", 400.0)
    );
    assert_eq!(
        of("mail_delay_p95_seconds", Some(60.0), None),
        row(Judgement::Fail, "above its threshold", 61.0)
    );
    assert_eq!(
        of("mail_delay_p95_seconds", Some(90.0), None),
        row(Judgement::Pass, "within its threshold", 61.0)
    );
    assert_eq!(
        of("mail_queue_messages", Some(0.0), None).0,
        Judgement::Pass
    );
    assert_eq!(
        of("share_sessions", Some(9.0), Some(1.0)).0,
        Judgement::Pass
    );
    assert_eq!(
        of("share_sessions", Some(9.0), Some(6.0)),
        row(Judgement::Fail, "below what it must be at least", 5.0)
    );
    // Who is asked stands in the subject; who asked it is a machine of no wave.
    assert_eq!(
        of("directory_bind_seconds", Some(0.5), None),
        row(Judgement::Pass, "within its threshold", 0.02)
    );
    // Nothing is judged by the wrong end.
    for (metric, threshold, at_least, why) in [
        (
            "mail_messages",
            Some(9.0),
            None,
            "more of it is better, and a threshold is a ceiling",
        ),
        (
            "mail_queue_messages",
            None,
            Some(9.0),
            "less of it is better, and at_least is a floor",
        ),
        (
            "backup_last_success_seconds",
            Some(9.0),
            None,
            "it is a moment",
        ),
    ] {
        let (verdict, says, _) = of(metric, threshold, at_least);
        assert_eq!(verdict, Judgement::Ask, "{says}");
        assert!(says.starts_with(why), "{says}");
    }
    assert_eq!(
        of("mail_delay_p50_seconds", Some(1.0), None),
        (Judgement::Ask, "no look measured it".to_owned(), None)
    );
}

fn tie(mailbox: &str, other: &str, list: &str) -> groma_model::mailbox::MailboxTieEntry {
    groma_model::mailbox::MailboxTieEntry {
        mailbox: mailbox.into(),
        names: Vec::new(),
        other: other.into(),
        ways: vec![groma_model::mailbox::TieWay::Calendar],
        rights: Vec::new(),
        lists: vec![id(list)],
        evidence: Vec::new(),
    }
}

#[test]
fn a_delegate_that_did_not_come_along_fails_and_one_that_did_is_silent() {
    let (mut before, mut after) = with_contents();
    let rows = |before: &Inventory, after: &Inventory| {
        let outcome = judge(before, after, &wave());
        let delegates = outcome
            .contents
            .into_iter()
            .filter(|r| r.kind == ContentKind::Delegate);
        delegates
            .map(|r| (r.verdict, r.subject, r.before.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    before.mailbox_ties = vec![
        tie("director", "secretary", "mail1"),
        tie("ben", "cleo", "mail1"),
    ];
    let told =
        |who: &str, whom: &str, verdict| (verdict, who.to_owned(), format!("calendar for {whom}"));
    // Nobody read the rights of mailboxes there: nothing is called missing.
    let asked = [
        told("ben", "cleo", Judgement::Ask),
        told("director", "secretary", Judgement::Ask),
    ];
    assert_eq!(rows(&before, &after), asked);
    after.mailbox_ties = vec![tie("Director", "CORP\\secretary", "mail-new")];
    assert_eq!(
        rows(&before, &after),
        [told("ben", "cleo", Judgement::Fail)]
    );
    after.mailbox_ties.push(tie("ben", "cleo", "mail-new"));
    assert_eq!(rows(&before, &after), []);
}

#[test]
fn a_right_in_a_mailbox_that_the_directory_lost_fails() {
    let (mut before, mut after) = with_contents();
    let hold = |inventory: &mut Inventory, said: &[(&str, &str)], others: &[&str]| {
        let host = inventory
            .entities
            .iter_mut()
            .find(|e| e.name == "db2")
            .expect("it is there");
        let mut objects = vec![directory_object("mailbox-rights", "info", said)];
        objects.extend(
            others
                .iter()
                .map(|name| directory_object("mailbox", name, &[])),
        );
        host.attributes.directory_objects = objects;
    };
    hold(&mut before, &[("send-as", "svc-crm")], &["anna", "ben"]);
    hold(&mut after, &[("full-access", "svc-crm")], &["anna"]);
    let outcome = judge(&before, &after, &wave());
    let members = outcome
        .contents
        .iter()
        .filter(|r| r.kind == ContentKind::Member);
    let said: Vec<(Judgement, &str, Option<&str>, Option<&str>)> = members
        .map(|r| {
            (
                r.verdict,
                r.subject.as_str(),
                r.before.as_deref(),
                r.after.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (Judgement::Fail, "ben", Some("mailbox"), None),
            (Judgement::Fail, "info", Some("send-as svc-crm"), None),
            (Judgement::Ask, "info", None, Some("full-access svc-crm")),
        ]
    );
    // The twin: a wave that has nothing to do with mail does not speak of mailboxes.
    let of_web = Wave {
        name: "w2".into(),
        members: vec!["web1".into()],
        ..Wave::default()
    };
    assert!(judge(&before, &after, &of_web).contents.is_empty());
}
