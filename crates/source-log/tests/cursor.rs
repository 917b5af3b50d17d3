//! One look after the other: each reads only what was added, and says what a look that reads everything would.
#![allow(
    clippy::unwrap_used,
    reason = "what prepares a test may fail as the test does"
)]

mod machine;

use std::fs;
use std::time::Duration;

use machine::{Machine, mail};

/// Longer than a change is taken for one that may be followed by another unseen.
fn let_it_settle() {
    std::thread::sleep(Duration::from_millis(2_300));
}

/// A log of so many mails.
fn log(numbers: std::ops::Range<u32>) -> String {
    let clients = |n: u32| format!("10.20.1.{}", n % 7 + 1);
    numbers.map(|n| mail(&clients(n), n, "svc-erp")).collect()
}

/// Looks on with what was kept, and holds it against a look that reads everything.
fn holds(machine: &Machine, what: &str) -> u64 {
    let looked = machine.look_again();
    let anew = Machine::beside(machine).look(Duration::ZERO, &|_| ());
    assert_eq!(looked.everything(), anew.everything(), "{what}");
    looked.read
}

#[test]
fn the_next_look_reads_what_was_added_and_says_the_whole() {
    let machine = Machine::new();
    machine.append("mail.log", &log(0..300));
    let first = holds(&machine, "the first look");
    machine.append("mail.log", &log(300..303));
    let second = holds(&machine, "three mails more");
    assert!(first > 200_000 && second < 60_000, "{first}, {second}");
    let_it_settle();
    holds(&machine, "nothing more, and settled");
    assert_eq!(holds(&machine, "untouched"), 0, "no log is opened");
}

#[test]
fn a_session_that_two_looks_share_is_one_row() {
    let machine = Machine::new();
    let whole = mail("10.20.1.5", 1, "svc-erp");
    for at in 1..whole.len() {
        if at % 37 == 0 && whole.is_char_boundary(at) {
            let machine = Machine::new();
            machine.append("mail.log", &whole[..at]);
            machine.look_again();
            machine.append("mail.log", &whole[at..]);
            holds(&machine, &whole[..at]);
        }
    }
    machine.append("mail.log", &whole);
    holds(&machine, "in one");
}

#[test]
fn rotation_in_every_way_loses_nothing_and_counts_nothing_twice() {
    let machine = Machine::new();
    machine.append("mail.log", &log(0..100));
    holds(&machine, "before");
    machine.rename("mail.log", "mail.log.1");
    machine.append("mail.log", &log(100..110));
    let read = holds(&machine, "renamed");
    assert!(read < 60_000, "the renamed file is not read again: {read}");
    machine.append("mail.log", &log(110..120));
    machine.copy_and_cut("mail.log", "mail.log.0");
    machine.append("mail.log", &log(120..125));
    holds(&machine, "copied and cut off");
    machine.pack("mail.log.1", "mail.log.2.gz");
    holds(&machine, "packed");
    machine.rename("mail.log.2.gz", "mail.log.3.gz");
    holds(&machine, "packed and renamed");
    machine.remove("mail.log.3.gz");
    holds(&machine, "gone");
}

#[test]
fn a_file_that_holds_something_else_is_read_again() {
    let machine = Machine::new();
    machine.append("mail.log", &log(0..100));
    holds(&machine, "before");
    // Cut off, and longer than before when the next look comes.
    machine.write("mail.log", log(200..400).as_bytes());
    holds(&machine, "cut off and grown");
    // As long as before, with another client in the middle.
    let other = log(200..400).replacen("10.20.1.3]", "10.20.9.3]", 40);
    let_it_settle();
    machine.write("mail.log", other.as_bytes());
    holds(&machine, "changed within");
    // Another file under the same name, perhaps with the same number.
    machine.remove("mail.log");
    machine.append("mail.log", &log(500..900));
    holds(&machine, "another file");
    machine.write("mail.log", b"");
    assert!(machine.look_again().uses().is_empty(), "empty");
    machine.append("mail.log", &log(0..3));
    holds(&machine, "begun again");
}

#[test]
fn what_is_kept_of_another_machine_or_by_another_program_is_not_believed() {
    let mut machine = Machine::new();
    machine.append("mail.log", &log(0..100));
    let_it_settle();
    machine.look_again();
    assert_eq!(holds(&machine, "the same"), 0);
    machine.program = "2".to_owned();
    assert!(holds(&machine, "another program") > 0);
    machine.etc("timezone", "Asia/Tokyo\n");
    assert!(holds(&machine, "another zone") > 0);
    assert_eq!(holds(&machine, "the same again"), 0);
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(machine.memory().path, fs::Permissions::from_mode(0o644)).unwrap();
    let looked = machine.look_again();
    assert!(
        looked.read > 0
            && looked
                .gaps()
                .iter()
                .any(|gap| gap.contains("all logs were read anew"))
    );
}

#[test]
fn a_look_whose_memory_is_lost_or_old_says_the_same() {
    let machine = Machine::new();
    machine.append("mail.log", &log(0..100));
    machine.look_again();
    let old = fs::read(machine.memory().path).unwrap();
    machine.append("mail.log", &log(100..150));
    holds(&machine, "added");
    machine.append("mail.log", &log(150..160));
    fs::write(machine.memory().path, old).unwrap();
    holds(&machine, "the memory of the look before");
    fs::write(machine.memory().path, "torn").unwrap();
    holds(&machine, "no memory");
}

/// A logon at Dovecot, as syslog has it.
fn logon(client: &str, account: &str) -> String {
    format!(
        "Nov 20 05:00:00 mail1 dovecot: imap-login: Login: user=<{account}>, method=PLAIN, rip={client}, lip=10.0.0.2, mpid=1, TLS, session=<x>\n"
    )
}

#[test]
fn no_account_of_somebody_outside_or_of_a_crowd_and_no_stranger_is_kept() {
    let machine = Machine::new();
    machine.append("mail.log", &mail("203.0.113.7", 1, "anna"));
    machine.append("mail.log", &mail("10.20.1.9", 2, "svc-erp"));
    for number in 0..11 {
        let person = format!("person{number}");
        machine.append("mail.log", &mail("10.20.1.1", 10 + number, &person));
        machine.append("syslog", &logon("10.20.1.1", &person));
    }
    machine.append("syslog", &logon("203.0.113.66", "carla"));
    // One who is still at it.
    let open = mail("203.0.113.8", 90, "berta");
    let lines: Vec<&str> = open.split_inclusive('\n').take(3).collect();
    machine.append("mail.log", &lines.concat());
    holds(&machine, "the first look");
    let kept = fs::read_to_string(machine.memory().path).unwrap();
    for person in ["anna", "berta", "carla", "person", "203.0.113.66"] {
        assert!(!kept.contains(person), "{person}: {kept}");
    }
    assert!(kept.contains("svc-erp") && kept.contains("203.0.113.7"));
    // What was forgotten makes no person who comes next an account of the machine.
    for log in ["mail.log", "syslog"] {
        machine.rename(log, &format!("{log}.1"));
    }
    machine.append("mail.log", &mail("10.20.1.1", 100, "zoe"));
    machine.append("syslog", &logon("10.20.1.1", "zoe"));
    holds(&machine, "a further person");
    assert!(!format!("{:?}", machine.look_again().everything()).contains("zoe"));
}

/// `backup` is a word of senders and a kind of need too: what was kept names it in another place.
#[test]
fn a_sender_whose_word_is_kept_is_one_way_at_every_look() {
    let machine = Machine::new();
    let of = |n: u32| {
        let sender = format!("from=<backup@corp{}.example>", n % 3);
        let text = mail(&format!("10.20.1.{}", n % 4 + 1), n, "svc-erp");
        let (before, rest) = text.split_once("from=<").unwrap();
        let (_, after) = rest.split_once('>').unwrap();
        format!("{before}{sender}{after}")
    };
    for look in 0..4 {
        let more: String = (look * 20..(look + 1) * 20).map(of).collect();
        machine.append("mail.log", &more);
        holds(&machine, &format!("look {look}"));
    }
}

/// One long session hands in the mail of many: it is open, and nobody of them is kept.
#[test]
fn a_crowd_that_is_still_at_it_is_a_crowd_at_its_own_port() {
    let machine = Machine::new();
    let head = "Nov 20 10:00:00 m postfix/submission/smtpd[7]:";
    let mut log = format!("{head} connect from web[10.20.1.1]\n");
    for number in 0..12 {
        log += &format!(
            "{head} 4C0FFEE{number}: client=web[10.20.1.1], sasl_method=PLAIN, sasl_username=person{number}\n"
        );
    }
    // The same machine, of itself, at another port.
    let own = "Nov 20 10:00:09 m postfix/smtpd[8]:";
    log += &format!(
        "{own} connect from web[10.20.1.1]\n{own} 4C0FFEEX: client=web[10.20.1.1], sasl_method=PLAIN, sasl_username=svc-erp\n"
    );
    machine.append("mail.log", &log);
    holds(&machine, "the first look");
    let kept = fs::read_to_string(machine.memory().path).unwrap();
    assert!(!kept.contains("person"), "{kept}");
    assert!(kept.contains("svc-erp"));
    machine.append("mail.log", &mail("10.20.1.5", 1, "svc-crm"));
    holds(&machine, "and further");
}

#[test]
fn a_log_and_its_packed_copy_count_once() {
    let machine = Machine::new();
    machine.append("mail.log.1", &log(0..60));
    let alone = machine.look_again().everything();
    // Packed with the plain one kept, then cut as while it is being packed, then just made.
    machine.append("copy", &log(0..60));
    machine.pack("copy", "mail.log.1.gz");
    let whole = fs::read(machine.path("mail.log.1.gz")).unwrap();
    for length in [whole.len(), whole.len() / 2, 5, 0] {
        machine.write("mail.log.1.gz", &whole[..length]);
        let both = Machine::beside(&machine).look(Duration::ZERO, &|_| ());
        assert_eq!(both.everything(), alone, "{length}");
        assert_eq!(both.gaps(), Vec::<String>::new(), "{length}");
    }
    // Its twin: another log under that name.
    machine.append("copy", &log(100..130));
    machine.pack("copy", "mail.log.1.gz");
    let both = Machine::beside(&machine).look(Duration::ZERO, &|_| ());
    assert_ne!(both.everything(), alone);
}
