//! When jobs run next, and when what they need is needed next.

mod common;

use std::collections::BTreeSet;

use common::*;
use groma_model::Timestamp;
use groma_model::fact::*;
use groma_model::inventory::{Dependency, Inventory};
use groma_model::{Fact, Foreign};

fn job(scheduler: &str, name: &str, schedule: &str, executable: &str) -> Job {
    Job {
        scheduler: scheduler.into(),
        name: name.into(),
        schedule: schedule.into(),
        rhythm: Some("monthly".into()),
        executable: (!executable.is_empty()).then(|| executable.into()),
        file: name.split(':').next().unwrap_or(name).into(),
        ..Job::default()
    }
}

fn office() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("db1", "10.0.0.2");
    told.say(
        "app1",
        "host.system",
        Fact::OperatingSystem(OperatingSystem {
            time_zone: Some("Europe/Berlin".into()),
            ..OperatingSystem::default()
        }),
    );
    told
}

/// The document of what was told, as far as this stage needs it.
fn document(told: &Told) -> Inventory {
    let (graph, entities) = told.graph_and_entities();
    let now: Timestamp = "2026-11-20T10:00:00Z"
        .parse()
        .expect("a test says it right");
    let mut inventory = Inventory {
        dependencies: graph.dependencies,
        measurements: graph.measurements,
        entities,
        ..empty(now)
    };
    groma_graph::due::fill(&mut inventory, now);
    inventory
}

fn only(inventory: &Inventory) -> &Dependency {
    assert_eq!(
        inventory.dependencies.len(),
        1,
        "{:#?}",
        inventory.dependencies
    );
    &inventory.dependencies[0]
}

fn due(inventory: &Inventory) -> Option<String> {
    only(inventory).next_due.map(|at| at.to_string())
}

#[test]
fn what_a_script_names_is_needed_when_its_job_runs() {
    let mut told = office();
    told.say(
        "app1",
        "host.jobs",
        Fact::Job(job(
            "cron",
            "/etc/crontab:7",
            "15 5 1 * *",
            "/opt/report/close",
        )),
    );
    told.writes(
        "app1",
        reference("shell-script", "/opt/report/close", "10.0.0.2", 5432, "sql"),
    );
    let inventory = document(&told);
    let needed = only(&inventory);
    assert_eq!(
        needed.consumer.component.class,
        ComponentClass::ScheduledJob
    );
    assert_eq!(needed.consumer.component.name, "/etc/crontab:7".into());
    assert_eq!(needed.rhythm.as_deref(), Some("monthly"));
    assert!(needed.hidden_because.contains(&"scheduled".to_owned()));
    // A quarter past five in Berlin.
    assert_eq!(due(&inventory).as_deref(), Some("2026-12-01T04:15:00Z"));
    let host = inventory
        .entities
        .iter()
        .find(|e| e.name == "app1")
        .unwrap();
    let entry = &host.attributes.jobs[0];
    assert_eq!(entry.next_runs.len(), 5);
    assert!(!entry.next_runs_approximate);
}

#[test]
fn a_script_no_job_starts_is_due_never() {
    let mut told = office();
    told.say(
        "app1",
        "host.jobs",
        Fact::Job(job(
            "cron",
            "/etc/crontab:7",
            "15 5 1 * *",
            "/opt/report/other",
        )),
    );
    told.writes(
        "app1",
        reference("shell-script", "/opt/report/close", "10.0.0.2", 5432, "sql"),
    );
    let inventory = document(&told);
    assert_eq!(
        only(&inventory).consumer.component.class,
        ComponentClass::File
    );
    assert_eq!(
        (due(&inventory), only(&inventory).rhythm.as_deref()),
        (None, None)
    );
    assert!(
        !only(&inventory)
            .hidden_because
            .contains(&"scheduled".to_owned())
    );
}

#[test]
fn what_a_unit_needs_is_needed_when_its_timer_elapses() {
    let mut told = office();
    let timer = Job {
        starts: Some("report.service".into()),
        ..job(
            "timer",
            "report.timer",
            "OnCalendar=*-*~01 05:00",
            "/opt/report",
        )
    };
    told.say("app1", "host.units", Fact::Job(timer));
    let mut written = reference("environment", "/etc/report.env", "10.0.0.2", 5432, "sql");
    written.component = Component {
        class: ComponentClass::Unit,
        name: "report.service".into(),
    };
    told.writes("app1", written);
    let inventory = document(&told);
    assert_eq!(due(&inventory).as_deref(), Some("2026-11-30T04:00:00Z"));
    assert_eq!(only(&inventory).rhythm.as_deref(), Some("monthly"));
    assert!(
        only(&inventory)
            .hidden_because
            .contains(&"scheduled".to_owned())
    );
}

#[test]
fn a_job_of_at_is_its_own_script() {
    let mut told = office();
    let spool = "/var/spool/cron/atjobs/a0000101cb61c2";
    told.say(
        "app1",
        "host.jobs",
        Fact::Job(job("at", spool, "2027-03-29T23:30:00Z", "")),
    );
    told.writes("app1", reference("at-job", spool, "10.0.0.2", 5432, "sql"));
    let inventory = document(&told);
    assert_eq!(
        only(&inventory).consumer.component.class,
        ComponentClass::ScheduledJob
    );
    assert_eq!(due(&inventory).as_deref(), Some("2027-03-29T23:30:00Z"));
}

#[test]
fn the_last_run_and_the_boot_are_taken_from_what_was_measured() {
    let mut told = office();
    let weekly = job("anacron", "tidy", "every 7 days", "/opt/tidy");
    told.say("app1", "host.jobs", Fact::Job(weekly));
    let timer = Job {
        starts: Some("pulse.service".into()),
        ..job(
            "timer",
            "pulse.timer",
            "OnBootSec=10min; OnUnitActiveSec=1d",
            "/opt/pulse",
        )
    };
    told.say("app1", "host.units", Fact::Job(timer));
    let mut measure = |metric: &str, subject: &str, at: &str| {
        let at: Timestamp = at.parse().expect("a test says it right");
        told.say(
            "app1",
            "host.jobs",
            Fact::Measurement(Measurement {
                metric: metric.into(),
                subject: Foreign::from(subject),
                value: (at.millis() / 1000) as f64,
            }),
        );
    };
    measure("job_last_run_seconds", "tidy", "2026-11-18T12:00:00Z");
    measure("booted_at_seconds", "system", "2026-11-19T12:00:00Z");
    let inventory = document(&told);
    let host = inventory
        .entities
        .iter()
        .find(|e| e.name == "app1")
        .unwrap();
    let next: BTreeSet<_> = host
        .attributes
        .jobs
        .iter()
        .map(|entry| (entry.job.name.to_string(), entry.next_runs[0].to_string()))
        .collect();
    assert_eq!(
        next,
        BTreeSet::from([
            ("pulse.timer".into(), "2026-11-20T12:10:00Z".into()),
            ("tidy".into(), "2026-11-25T06:30:00Z".into()),
        ])
    );
    assert!(
        host.attributes
            .jobs
            .iter()
            .all(|entry| entry.next_runs_approximate)
    );
}
