//! Calls of no known part of a machine: they confirm what they can only mean, and never make two needs one.

mod common;

use common::*;
use groma_model::fact::{Component, ComponentClass, LoggedUse, NameSource, Program, Reference};
use groma_model::inventory::Dependency;
use groma_model::name::{Port, Transport};
use groma_model::{Fact, Witness};

fn app_and_mail() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("oldmail", "10.0.0.2");
    told.name(
        "app1",
        NameSource::Dns,
        "oldmail.corp.example",
        &[],
        &["10.0.0.2"],
    );
    told
}

fn line(file: &str, class: ComponentClass, name: &str) -> Reference {
    Reference {
        component: Component {
            class,
            name: name.into(),
        },
        ..reference("mail", file, "oldmail.corp.example", 25, "smtp-relay")
    }
}

/// An ERP's settings, a script that cron starts, a unit, and what a person's programs send with.
fn four_ways() -> Vec<Reference> {
    vec![
        line(
            "/etc/erp/jobs.ini",
            ComponentClass::File,
            "/etc/erp/jobs.ini",
        ),
        line(
            "/opt/crm/nightly",
            ComponentClass::ScheduledJob,
            "/etc/cron.d/crm:1",
        ),
        line(
            "/etc/systemd/system/report.service",
            ComponentClass::Unit,
            "report.service",
        ),
        line("/etc/msmtprc", ComponentClass::File, "/etc/msmtprc"),
    ]
}

fn written(ways: &[Reference]) -> Told {
    let mut told = app_and_mail();
    for way in ways {
        told.writes("app1", way.clone());
    }
    told
}

/// Says one more thing.
type Call = fn(&mut Told);

/// What one program, or none that could be told, was seen calling; by the caller's own agent or by the server's.
fn calls() -> [(&'static str, Call); 4] {
    fn unseen(told: &mut Told) {
        told.calls("app1", "10.0.0.2", 25, Program::default());
    }
    fn of_cron(told: &mut Told) {
        let cron = Program {
            unit: Some("cron.service".into()),
            ..Program::default()
        };
        told.calls("app1", "10.0.0.2", 25, cron);
    }
    fn at_the_server(told: &mut Told) {
        told.is_called("oldmail", "10.0.0.1", 25, bare("/usr/sbin/smtpd"));
    }
    [
        ("a program that may not be seen", unseen),
        ("something that cron started", of_cron),
        ("the server alone saw it", at_the_server),
        ("both ends saw it", |told| {
            unseen(told);
            at_the_server(told);
        }),
    ]
}

fn is_cited(told: &Told, edge: &Dependency) -> bool {
    let flows = told
        .0
        .iter()
        .filter(|e| matches!(e.fact, Fact::Connection(_)));
    flows
        .into_iter()
        .all(|flow| edge.evidence.contains(&flow.id))
}

#[test]
fn a_call_of_no_known_part_leaves_four_written_needs_four() {
    let without = written(&four_ways()).edges();
    assert_eq!(without.len(), 4, "{without:?}");
    for (case, call) in calls() {
        let mut told = written(&four_ways());
        call(&mut told);
        assert_eq!(told.edges(), without, "{case}");
        for edge in told.graph().dependencies {
            assert_eq!(edge.witnesses, [Witness::Written], "{case}: {edge:#?}");
            assert!(is_cited(&told, &edge), "{case}: {edge:#?}");
        }
    }
}

#[test]
fn a_call_of_no_known_part_confirms_the_only_need_it_can_mean() {
    for (case, call) in calls() {
        for way in four_ways() {
            let mut told = written(std::slice::from_ref(&way));
            call(&mut told);
            let edge = told.only_edge();
            assert_eq!(edge.witnesses, [Witness::Live, Witness::Written], "{case}");
            assert_eq!(edge.consumer.component, way.component, "{case}");
            assert!(edge.count > 0, "{case}");
        }
    }
}

#[test]
fn a_call_of_no_known_part_is_the_machines_where_nothing_is_written() {
    for (case, call) in calls() {
        let mut told = app_and_mail();
        call(&mut told);
        let edge = told.only_edge();
        assert_eq!(
            edge.consumer.component.class,
            ComponentClass::Device,
            "{case}"
        );
        assert_eq!(edge.witnesses, [Witness::Live], "{case}");
    }
}

#[test]
fn the_lines_of_one_part_are_one_need_before_a_call_is_given_to_it() {
    let settings = || {
        let mut told = written(&[
            line("/opt/fetch/run", ComponentClass::Unit, "fetch.service"),
            line("/etc/fetch.ini", ComponentClass::File, "/etc/fetch.ini"),
        ]);
        told.calls("app1", "10.0.0.2", 25, Program::default());
        told
    };
    let edge = settings().only_edge();
    assert_eq!(edge.consumer.component.name, "fetch.service".into());
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
}

#[test]
fn a_known_caller_that_uses_the_name_of_several_lines_joins_none_of_them() {
    let asked = |told: &mut Told, program: Program| {
        told.calls("app1", "10.0.0.2", 25, program);
        for piece in &mut told.0 {
            if let Fact::Connection(connection) = &mut piece.fact {
                connection.asked = groma_model::HostName::parse("oldmail.corp.example");
            }
        }
    };
    let mut several = written(&four_ways());
    asked(&mut several, bare("/usr/bin/swaks"));
    assert_eq!(several.edges().len(), 5, "{:?}", several.edges());
    let mut one = written(&four_ways()[..1]);
    asked(&mut one, bare("/usr/bin/swaks"));
    assert_eq!(one.edges().len(), 1, "{:?}", one.edges());
}

#[test]
fn two_jobs_of_one_directory_stay_two_when_one_of_them_is_seen_calling() {
    let job = |at: u32| {
        line(
            &format!("/opt/erp/job{at}"),
            ComponentClass::ScheduledJob,
            &format!("/etc/cron.d/erp:{at}"),
        )
    };
    let without = written(&[job(4), job(5)]).edges();
    assert_eq!(without.len(), 2);
    for directory in [None, Some("/opt/erp".into())] {
        let mut told = written(&[job(4), job(5)]);
        let program = Program {
            working_directory: directory,
            ..bare("/usr/bin/python3")
        };
        told.calls("app1", "10.0.0.2", 25, program);
        let edges = told.edges();
        assert!(without.iter().all(|need| edges.contains(need)), "{edges:?}");
    }
}

fn mail_log(account: Option<&str>) -> Fact {
    Fact::LoggedUse(LoggedUse {
        product: "postfix".into(),
        direction: groma_model::fact::Direction::Incoming,
        peer: ip("10.0.0.1"),
        kind: "smtp-relay".into(),
        port: Some(Port(25)),
        transport: Transport::Tcp,
        account: account.map(Into::into),
        mechanism: None,
        protection: None,
        name: None,
        program: None,
        share: None,
        log: "/var/log/mail.log".into(),
    })
}

#[test]
fn what_the_servers_log_tells_is_the_same_with_and_without_the_call() {
    let needs = |ways: &[Reference], seen: bool, account: Option<&str>| {
        let mut told = written(ways);
        told.say("oldmail", "log.services", mail_log(account));
        if seen {
            told.calls("app1", "10.0.0.2", 25, Program::default());
        }
        told.graph().dependencies
    };
    for ways in [&four_ways()[..], &four_ways()[..1]] {
        let (quiet, seen) = (
            needs(ways, false, Some("erp")),
            needs(ways, true, Some("erp")),
        );
        let of = |all: &[Dependency]| -> Vec<_> {
            let row = |d: &Dependency| (short(d), d.details.accounts.clone());
            all.iter().map(row).collect()
        };
        assert_eq!(of(&quiet), of(&seen));
        let told = |d: &Dependency| d.witnesses.contains(&Witness::History);
        assert!(quiet.iter().all(told) && seen.iter().all(told));
    }
}

#[test]
fn the_order_in_which_it_arrives_changes_nothing() {
    let mut told = written(&four_ways());
    for (_, call) in calls() {
        call(&mut told);
    }
    told.say("oldmail", "log.services", mail_log(None));
    let once = told.graph();
    for turn in 1..told.0.len() {
        let mut turned = told.clone();
        turned.0.rotate_left(turn);
        if turn % 2 == 0 {
            turned.0.reverse();
        }
        assert_eq!(turned.graph(), once);
    }
}
