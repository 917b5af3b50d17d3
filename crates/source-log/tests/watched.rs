//! Logs that are written while a look watches, and what becomes of them between two readings: on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what prepares a test may fail as the test does"
)]

mod machine;

use std::time::Duration;

use machine::{Machine, mail};

const WATCH: Duration = Duration::from_secs(30);

#[test]
fn what_a_service_writes_while_the_look_watches_is_told_by_this_look() {
    let machine = Machine::new();
    machine.append("mail.log", &mail("10.20.1.5", 1, "svc-erp"));
    let meanwhile = |machine: &Machine| {
        machine.append("mail.log", &mail("10.20.1.5", 2, "svc-erp"));
        machine.append("mail.log", &mail("10.20.1.6", 3, "svc-crm"));
    };
    let looked = machine.look(WATCH, &meanwhile);
    assert_eq!(
        looked.uses(),
        ["1 10.20.1.6 svc-crm", "2 10.20.1.5 svc-erp"]
    );
    assert!(looked.gaps().is_empty(), "{:?}", looked.gaps());
    // Its twin: without a watch nobody waits, and what comes later is the next look's.
    let twin = Machine::new();
    twin.append("mail.log", &mail("10.20.1.5", 1, "svc-erp"));
    assert_eq!(
        twin.look(Duration::ZERO, &meanwhile).uses(),
        ["1 10.20.1.5 svc-erp"]
    );
}

#[test]
fn a_session_that_goes_on_while_the_look_watches_is_one() {
    let machine = Machine::new();
    let whole = mail("10.20.1.5", 1, "svc-erp");
    let (come, goes_on) = whole.split_at(whole.find("sasl_method").unwrap());
    machine.append("mail.log", come);
    let looked = machine.look(WATCH, &|machine: &Machine| {
        machine.append("mail.log", goes_on)
    });
    assert_eq!(looked.uses(), ["1 10.20.1.5 svc-erp"]);
    assert!(looked.gaps().is_empty(), "{:?}", looked.gaps());
}

#[test]
fn a_log_that_is_rotated_while_the_look_watches_is_counted_once() {
    for by_copy in [false, true] {
        let machine = Machine::new();
        machine.append("mail.log", &mail("10.20.1.5", 1, "svc-erp"));
        let whole = mail("10.20.1.6", 2, "svc-crm");
        let (come, goes_on) = whole.split_at(whole.find("sasl_method").unwrap());
        let (come, rest) = come.split_at(come.rfind('\n').unwrap() + 1);
        machine.append("mail.log", come);
        let looked = machine.look(WATCH, &|machine: &Machine| {
            match by_copy {
                true => machine.copy_and_cut("mail.log", "mail.log.1"),
                false => machine.rename("mail.log", "mail.log.1"),
            }
            machine.append("mail.log", &format!("{rest}{goes_on}"));
        });
        let want = ["1 10.20.1.5 svc-erp", "1 10.20.1.6 svc-crm"];
        // Who came in one file and logged on in the next one came there too.
        let mut uses = looked.uses();
        uses.retain(|line| line.contains("svc-"));
        assert_eq!(uses, want, "by copy: {by_copy}");
        assert_eq!(looked.mail(), want, "by copy: {by_copy}");
        assert!(looked.gaps().is_empty(), "{:?}", looked.gaps());
    }
}

#[test]
fn a_look_that_is_told_to_stop_tells_the_logs_all_the_same() {
    let machine = Machine::new();
    machine.append("mail.log", &mail("10.20.1.5", 1, "svc-erp"));
    let looked = machine.look(WATCH, &|machine: &Machine| {
        machine.append("mail.log", &mail("10.20.1.6", 2, "svc-crm"));
        machine.stop.ask();
    });
    assert_eq!(
        looked.uses(),
        ["1 10.20.1.5 svc-erp", "1 10.20.1.6 svc-crm"]
    );
    assert!(looked.took < Duration::from_secs(5), "{:?}", looked.took);
}

/// An administrator gave the service a file of its own, and the monthly client stands in what rotation left of it.
#[test]
fn a_log_that_only_the_syslog_daemons_settings_name_is_read() {
    let machine = Machine::new();
    machine.append("own/post.log", "");
    machine.append("own/post.log.1", &mail("10.20.1.5", 1, "svc-erp"));
    machine.pack("own/post.log.1", "own/post.log.1.gz");
    assert!(machine.look_again().uses().is_empty());
    machine.etc(
        "rsyslog.d/10-own.conf",
        "mail.*\t-/var/log/own/post.log;RSYSLOG_TraditionalFileFormat\n",
    );
    let looked = machine.look_again();
    assert_eq!(looked.uses(), ["1 10.20.1.5 svc-erp"]);
    assert!(looked.gaps().is_empty(), "{:?}", looked.gaps());
}
