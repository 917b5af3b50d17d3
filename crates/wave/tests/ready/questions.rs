//! One question after the other.

use std::time::Duration;

use groma_model::fact::{Account, Archive, FilterRule, Job, MailPurpose, OperatingSystem};
use groma_model::inventory::*;
use groma_model::name::Protection;
use groma_model::store::{Annotation, Word};
use groma_model::wave::{Coexistence, Rollback};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{CoverageState, EvidenceId, HostName, Port, SourceName, Timestamp};
use groma_wave::{Beside, Checklist, ItemState, Topic, Watch, check};

use crate::build::*;
use crate::{at, checked, estate, items, silent, the, wave};

fn with_waves(wave: &groma_model::wave::Wave, waves: &[groma_model::wave::Wave]) -> Checklist {
    let beside = Beside {
        waves,
        ..Beside::default()
    };
    check(&estate(vec![], vec![]), wave, &beside)
}

fn heard(inventory: &Inventory, said: &[Annotation]) -> Checklist {
    let beside = Beside {
        said,
        ..Beside::default()
    };
    check(inventory, &wave(), &beside)
}

fn verdict(about: &str, verdict: VerdictWord, hours: i64) -> Annotation {
    Annotation {
        about: about.to_owned(),
        by: "jo".to_owned(),
        at: at(hours),
        word: Word::Verdict {
            verdict,
            because: "ticket 4711".to_owned(),
        },
    }
}

#[test]
fn a_name_nobody_has_is_corrected_and_one_that_is_there_is_not_spoken_of() {
    let mut wrong = wave();
    wrong.members.push("mailx1".to_owned());
    let list = checked(&estate(vec![], vec![]), &wrong);
    let item = the(&list, Topic::WaveFile, "mailx1");
    assert_eq!(item.state, ItemState::Do);
    assert!(item.because.contains("mail1"), "{}", item.because);
    silent(
        &checked(&estate(vec![], vec![]), &wave()),
        "Correct the name",
    );
}

#[test]
fn a_target_that_is_not_there_yet_is_a_question() {
    let mut ahead = wave();
    ahead.moves[0].to = "mail9".to_owned();
    let list = checked(&estate(vec![], vec![]), &ahead);
    assert_eq!(
        the(&list, Topic::WaveFile, "Is mail9 up?").state,
        ItemState::Ask
    );
}

#[test]
fn two_machines_of_one_name_are_told_apart_by_id() {
    let mut twin = host("mail1 of the branch");
    twin.names = vec!["mail1".to_owned()];
    let list = checked(&estate(vec![twin], vec![]), &wave());
    assert!(
        the(&list, Topic::WaveFile, "Say which machine mail1 is")
            .because
            .contains("ent-mail1")
    );
}

#[test]
fn windows_that_are_missing_over_or_shared_are_told() {
    let none = Wave0 { window: None }.of();
    the(
        &checked(&estate(vec![], vec![]), &none),
        Topic::WaveFile,
        "Write the window",
    );
    let over = Wave0 {
        window: Some(TimeWindow {
            from: at(-9),
            to: at(-1),
        }),
    }
    .of();
    the(
        &checked(&estate(vec![], vec![]), &over),
        Topic::WaveFile,
        "Set a new window",
    );
    let mut other = wave();
    other.name = "w2".to_owned();
    let list = with_waves(&wave(), &[other.clone()]);
    the(&list, Topic::WaveFile, "share hours");
    other.parallel_with = vec!["w1".to_owned()];
    silent(&with_waves(&wave(), &[other]), "share hours");
}

struct Wave0 {
    window: Option<TimeWindow>,
}

impl Wave0 {
    fn of(self) -> groma_model::wave::Wave {
        groma_model::wave::Wave {
            window: self.window,
            ..wave()
        }
    }
}

#[test]
fn waves_that_require_each_other_can_never_begin() {
    let (mut one, mut other) = (wave(), wave());
    one.requires = vec!["w0".to_owned()];
    other.name = "w0".to_owned();
    other.window = Some(TimeWindow {
        from: at(100),
        to: at(110),
    });
    let ordered = with_waves(&one, &[other.clone()]);
    assert_eq!(
        the(&ordered, Topic::WaveFile, "Is wave w0 proven?").state,
        ItemState::Ask
    );
    other.window = Some(TimeWindow {
        from: at(100),
        to: at(241),
    });
    the(
        &with_waves(&one, &[other.clone()]),
        Topic::WaveFile,
        "Move the window behind",
    );
    other.requires = vec!["w1".to_owned()];
    the(
        &with_waves(&one, &[other]),
        Topic::WaveFile,
        "Cut the circle",
    );
}

#[test]
fn a_record_is_lowered_as_long_before_as_it_is_remembered() {
    let zone = |seconds| ZoneRecordEntry {
        zone: HostName::parse("corp.example").unwrap(),
        owner: "mail.corp.example".to_owned(),
        kind: "A".to_owned(),
        values: vec!["10.0.0.5".to_owned()],
        ttl_seconds: Some(seconds),
        view: None,
        through: vec![],
        machines: vec![id("mail1")],
        nobodys: vec![],
        nowhere: vec![],
        asked: None,
        served_by: vec![],
        kept_by: vec![id("app1")],
        files: vec![],
        evidence: vec![EvidenceId::of(&["zone"])],
    };
    let mut long = estate(vec![], vec![]);
    long.zone_records = vec![zone(86_400)];
    let list = checked(&long, &wave());
    let item = the(&list, Topic::Names, "Lower the time to live");
    assert_eq!(
        (item.state, item.by, item.overdue),
        (ItemState::Do, Some(at(216)), false)
    );
    assert_eq!(item.evidence, [EvidenceId::of(&["zone"])]);
    the(
        &list,
        Topic::Names,
        "Prepare the change of 1 record of zone corp.example",
    );
    long.zone_records = vec![zone(300)];
    let list = checked(&long, &wave());
    assert_eq!(
        the(&list, Topic::Names, "ten minutes at most").state,
        ItemState::Done
    );
    silent(&list, "Lower the time");
    long.zone_records = vec![zone(86_400 * 30)];
    assert!(
        the(
            &checked(&long, &wave()),
            Topic::Names,
            "Lower the time to live"
        )
        .overdue
    );
}

#[test]
fn a_sender_that_moves_is_added_to_spf_first() {
    let mut with = estate(vec![], vec![]);
    with.mail_records = vec![MailRecordEntry {
        domain: HostName::parse("example.org").unwrap(),
        purpose: MailPurpose::Spf,
        asked: HostName::parse("example.org").unwrap(),
        values: vec!["v=spf1 ip4:192.0.2.5 -all".to_owned()],
        ttl_seconds: Some(300),
        lookups: Some(0),
        faults: vec![],
        machines: vec![id("mail1")],
        seen_from: vec![],
        evidence: vec![],
    }];
    the(
        &checked(&with, &wave()),
        Topic::Names,
        "SPF record of example.org",
    );
    with.mail_records[0].machines = vec![id("mail2")];
    silent(&checked(&with, &wave()), "SPF");
}

#[test]
fn who_calls_by_address_is_named_with_the_file_and_who_calls_by_name_is_done() {
    let by_address = |consumer: &str| {
        with(depends(consumer, "smtp-relay", "mail1", 25), |d| {
            d.reached_by = Some(ReachedBy::AddressLiteral);
            d.reached_as = Some("10.0.0.5".to_owned());
            d.details.written_in = vec!["/etc/postfix/main.cf:8".to_owned()];
        })
    };
    let needs = vec![
        by_address("app1"),
        by_address("app2"),
        depends("app3", "imap", "mail1", 143),
    ];
    let list = checked(&estate(vec![host("app2"), host("app3")], needs), &wave());
    let item = the(&list, Topic::Followers, "/etc/postfix/main.cf");
    assert!(
        item.says.contains("app1 and app2") && item.says.contains("10.0.0.5"),
        "{}",
        item.says
    );
    assert_eq!(items(&list, Topic::Followers, ItemState::Do).len(), 1);
    assert_eq!(items(&list, Topic::Followers, ItemState::Done).len(), 1);
}

#[test]
fn an_address_that_stands_in_no_file_is_asked_for() {
    let copier = with(depends("copier", "smtp-relay", "mail1", 25), |d| {
        d.reached_by = Some(ReachedBy::AddressLiteral);
        d.reached_as = Some("10.0.0.5".to_owned());
        d.details.written_in.clear();
    });
    let mut owned = entity("device", "copier");
    owned.owner = Some("front desk".to_owned());
    let list = checked(&estate(vec![owned], vec![copier]), &wave());
    let item = the(
        &list,
        Topic::Followers,
        "Where is 10.0.0.5 written down on copier?",
    );
    assert_eq!(
        (item.state, item.who.as_deref()),
        (ItemState::Ask, Some("front desk"))
    );
}

#[test]
fn a_certificate_that_ends_within_a_month_of_the_window_is_renewed_before() {
    let served = |days| {
        presented_at(
            certificate("mail.corp.example", days),
            "mail1",
            [10, 0, 0, 5],
            993,
        )
    };
    let soon = checked(&estate(vec![served(39)], vec![]), &wave());
    assert_eq!(
        the(&soon, Topic::Certificates, "Renew the certificate").by,
        Some(at(240))
    );
    let later = checked(&estate(vec![served(41)], vec![]), &wave());
    assert_eq!(
        the(&later, Topic::Certificates, "past the month").state,
        ItemState::Done
    );
    let mut store = in_file(
        certificate("Some Root", 5),
        "mail1",
        "/etc/ssl/certs/root.pem",
        false,
    );
    store = altered(store, |c| c.authority = true);
    silent(&checked(&estate(vec![store], vec![]), &wave()), "Renew");
}

#[test]
fn the_new_place_must_hold_the_names_the_old_one_is_asked_for() {
    let need = with(
        protected(depends("app1", "imap", "mail1", 993), Protection::Tls),
        |d| {
            d.reached_as = Some("mail.corp.example".to_owned());
        },
    );
    let certificate_of =
        |name: &str| presented_at(certificate(name, 400), "mail2", [10, 0, 0, 6], 993);
    let with_listener = |name: &str| {
        let mut inventory = estate(vec![certificate_of(name)], vec![need.clone()]);
        let mut endpoint = listener("mail2", 993, "dovecot.service");
        endpoint.certificate = Some(certificate_of(name).id);
        inventory.listeners = vec![endpoint];
        checked(&inventory, &wave())
    };
    assert_eq!(
        the(
            &with_listener("mail2.corp.example"),
            Topic::Certificates,
            "it lacks mail.corp.example"
        )
        .state,
        ItemState::Do
    );
    assert_eq!(
        the(
            &with_listener("*.corp.example"),
            Topic::Certificates,
            "holds mail.corp.example"
        )
        .state,
        ItemState::Done
    );
    let bare = checked(&estate(vec![], vec![need.clone()]), &wave());
    the(&bare, Topic::Certificates, "Give mail2 a certificate");
    let clear = with(need, |d| d.details.protection = Some(Protection::None));
    assert!(
        items(
            &checked(&estate(vec![], vec![clear]), &wave()),
            Topic::Certificates,
            ItemState::Do
        )
        .is_empty()
    );
}

#[test]
fn ports_are_asked_for_until_the_consumer_was_seen_at_the_new_place() {
    let mut consumer = depends("app1", "smtp-relay", "mail1", 25);
    consumer.consumer.addresses = vec!["10.1.2.3".parse().unwrap()];
    let list = checked(&estate(vec![], vec![consumer.clone()]), &wave());
    let item = the(&list, Topic::Ports, "through to mail2 at 25/tcp");
    assert!(item.because.contains("10.1.2.0/24"), "{}", item.because);
    let arrived = with(depends("app1", "smtp-relay", "mail2", 25), |d| {
        d.details.last_used = Some(now())
    });
    let list = checked(&estate(vec![], vec![consumer.clone(), arrived]), &wave());
    assert_eq!(
        the(&list, Topic::Ports, "already reaches mail2:25").state,
        ItemState::Done
    );
    let written = depends("app1", "smtp-relay", "mail2", 25);
    let list = checked(&estate(vec![], vec![consumer, written]), &wave());
    assert_eq!(
        the(&list, Topic::Ports, "through to mail2").state,
        ItemState::Do,
        "a line in a file opens no port"
    );
}

#[test]
fn what_the_machine_itself_calls_must_be_reached_from_the_new_place() {
    let needs = vec![
        depends("mail1", "ldap-bind", "dc1", 389),
        depends("mail1", "sql", "mail1", 5432),
    ];
    let list = checked(&estate(vec![host("dc1")], needs), &wave());
    let item = the(&list, Topic::Ports, "Let mail2 through to what it needs");
    assert!(item.says.ends_with("dc1:389/tcp."), "{}", item.says);
}

#[test]
fn a_packet_filter_that_names_the_old_address_alone_needs_the_new_one() {
    let filter = |network: &str| {
        let mut gate = host("gate");
        gate.attributes.filter_rules = vec![FilterRule {
            verdict: "accept".to_owned(),
            source: false,
            network: network.to_owned(),
            port: Some(Port(25)),
            transport: None,
            chain: "inet filter forward".to_owned(),
            file: None,
            line: None,
        }];
        let mut mail = host("mail1");
        mail.addresses = vec!["10.0.0.5".parse().unwrap()];
        checked(&estate(vec![gate, mail], vec![]), &wave())
    };
    assert!(
        the(&filter("10.0.0.5"), Topic::Ports, "packet filter of gate")
            .because
            .contains("port 25")
    );
    silent(&filter("10.0.0.0/24"), "packet filter");
}

#[test]
fn accounts_that_log_on_there_must_be_known_at_the_new_place() {
    let need = with(depends("app1", "smtp-submission", "mail1", 587), |d| {
        d.details.accounts = vec!["scan".to_owned()]
    });
    let list = checked(&estate(vec![], vec![need]), &wave());
    the(
        &list,
        Topic::Accounts,
        "Have 1 account known at mail2: scan",
    );
    let account = |name: &str, id: &str| Account {
        name: name.into(),
        id: id.to_owned(),
        home: None,
        shell: None,
        can_log_in: true,
    };
    let mut mail = host("mail1");
    mail.attributes.accounts = vec![account("root", "0"), account("nobody", "65534")];
    silent(
        &checked(&estate(vec![mail.clone()], vec![]), &wave()),
        "local accounts",
    );
    mail.attributes.accounts.push(account("archive", "1001"));
    assert!(
        the(
            &checked(&estate(vec![mail], vec![]), &wave()),
            Topic::Accounts,
            "local accounts"
        )
        .says
        .contains(": archive?")
    );
}

#[test]
fn data_that_lies_there_is_carried_and_what_takes_longer_than_the_window_is_copied_before() {
    let mut share = entity("share", "projects");
    share.attributes.lies_on = Some(id("mail1"));
    let volume = |hours: f64| Volume {
        entity: id("projects"),
        subject: String::new(),
        bytes: 5 << 40,
        items: None,
        items_estimated: false,
        changed_per_day: None,
        growth_per_day: None,
        measured_at: now(),
        transfer_hours: Some([hours / 2.0, hours]),
        catch_up_hours: None,
    };
    let with_hours = |hours| {
        let mut inventory = estate(vec![share.clone()], vec![]);
        inventory.volumes = vec![volume(hours)];
        checked(&inventory, &wave())
    };
    the(
        &with_hours(20.0),
        Topic::Archives,
        "Carry over 1 share of mail1 to mail2 (5.0 TiB)",
    );
    the(&with_hours(20.0), Topic::Archives, "before the window");
    assert_eq!(
        the(&with_hours(7.0), Topic::Archives, "within the window").state,
        ItemState::Done
    );
    let unmeasured = checked(&estate(vec![share], vec![]), &wave());
    the(&unmeasured, Topic::Archives, "size not measured");
}

#[test]
fn archives_of_those_who_read_mail_there_are_asked_about_and_others_are_not() {
    let mut pst = entity("archive", "old.pst");
    pst.attributes.lies_on = Some(id("app1"));
    pst.attributes.archive = Some(Archive {
        path: "/home/anna/old.pst".into(),
        format: "pst".to_owned(),
        ..serde_json::from_value(serde_json::json!({"path": "", "format": ""})).unwrap()
    });
    let reads = depends("app1", "imap", "mail1", 143);
    the(
        &checked(&estate(vec![pst.clone()], vec![reads]), &wave()),
        Topic::Archives,
        "Decide what becomes of 1 mail archive",
    );
    silent(
        &checked(
            &estate(vec![pst], vec![depends("app1", "http", "mail1", 80)]),
            &wave(),
        ),
        "Decide what",
    );
}

#[test]
fn a_way_back_is_whole_tested_and_shorter_than_the_window() {
    let mut planned = wave();
    the(
        &checked(&estate(vec![], vec![]), &planned),
        Topic::Backup,
        "What is the way back",
    );
    let whole = Rollback {
        what: Some("point the name back".to_owned()),
        trigger: Some("mail waits".to_owned()),
        minutes: Some(45),
        decides: Some("Jo".to_owned()),
        backup: Some("nightly".to_owned()),
        restore_tested_on: Some(at(-240)),
    };
    planned.rollback = Some(whole.clone());
    let list = checked(&estate(vec![], vec![]), &planned);
    assert!(
        items(&list, Topic::Backup, ItemState::Do).is_empty(),
        "{list:#?}"
    );
    assert_eq!(items(&list, Topic::Backup, ItemState::Done).len(), 2);
    planned.rollback = Some(Rollback {
        minutes: Some(480),
        restore_tested_on: Some(at(-24 * 100)),
        decides: None,
        ..whole
    });
    let list = checked(&estate(vec![], vec![]), &planned);
    the(&list, Topic::Backup, "Shorten the way back");
    the(&list, Topic::Backup, "Test the restore again");
    the(&list, Topic::Backup, "who decides?");
}

#[test]
fn a_nightly_job_meets_the_window_if_it_needs_anybody_and_an_hourly_one_is_not_spoken_of() {
    let with_job = |schedule: &str, rhythm: &str, needs: bool| {
        let mut mail = host("mail1");
        mail.attributes.operating_system = Some(OperatingSystem {
            time_zone: Some("Etc/UTC".to_owned()),
            ..OperatingSystem::default()
        });
        let job: Job = serde_json::from_value(serde_json::json!({
            "scheduler": "cron", "name": "/etc/cron.d/copy:1", "schedule": schedule, "rhythm": rhythm, "file": "/etc/cron.d/copy"
        }))
        .unwrap();
        mail.attributes.jobs = vec![job.into()];
        let need = with(depends("mail1", "ssh", "vault", 22), |d| {
            d.consumer.component.name = "/etc/cron.d/copy:1".into();
        });
        let needs = if needs { vec![need] } else { vec![] };
        checked(&estate(vec![mail, host("vault")], needs), &wave())
    };
    // The window is from 12:00 to 20:00 UTC.
    the(
        &with_job("30 15 * * *", "daily", true),
        Topic::Schedule,
        "/etc/cron.d/copy:1 on 2026-11-30 15:30",
    );
    let late = with_job("30 21 * * *", "daily", true);
    assert_eq!(
        the(&late, Topic::Schedule, "No job of").state,
        ItemState::Done
    );
    let own = with_job("30 15 * * *", "daily", false);
    assert!(
        the(&own, Topic::Schedule, "No job of")
            .because
            .contains("1 job runs then")
    );
    assert!(
        items(
            &with_job("5 * * * *", "hourly", true),
            Topic::Schedule,
            ItemState::Do
        )
        .is_empty()
    );
}

#[test]
fn a_machine_is_watched_for_a_week_by_looks_or_by_its_own_logs() {
    let seen = |source: &str, days: u64| CoverageEntry {
        source: SourceName::new(source),
        from: Timestamp::from_millis(
            now().millis() - i64::try_from(Duration::from_secs(days * 86_400).as_millis()).unwrap(),
        ),
        to: now(),
        ..sockets("mail1", CoverageState::Complete)
    };
    let with_coverage = |coverage: Vec<CoverageEntry>| {
        let mut inventory = estate(vec![], vec![]);
        inventory.coverage = coverage;
        checked(&inventory, &wave())
    };
    assert_eq!(
        the(
            &with_coverage(vec![seen("host.sockets", 1)]),
            Topic::Observation,
            "Watch mail1"
        )
        .by,
        Some(at(72))
    );
    let by_log = with_coverage(vec![seen("host.sockets", 1), seen("log.services", 30)]);
    assert_eq!(
        the(&by_log, Topic::Observation, "for a week or longer").state,
        ItemState::Done
    );
    let blind = checked(&estate(vec![entity("host", "mail1")], vec![]), &wave());
    the(&blind, Topic::Observation, "Put an agent on mail1");
}

#[test]
fn a_monthly_need_that_nobody_has_seen_is_run_by_hand() {
    let need = with(written_only(depends("app1", "smb", "mail1", 445)), |d| {
        d.rhythm = Some("monthly".to_owned())
    });
    the(
        &checked(&estate(vec![], vec![need.clone()]), &wave()),
        Topic::Observation,
        "app1 to mail1 (monthly)",
    );
    let seen = with(need, |d| d.details.last_used = Some(now()));
    silent(
        &checked(&estate(vec![], vec![seen]), &wave()),
        "Run by hand",
    );
}

#[test]
fn members_that_others_need_must_go_somewhere() {
    let mut adrift = wave();
    adrift.moves.clear();
    let list = checked(
        &estate(vec![], vec![depends("app1", "imap", "mail1", 143)]),
        &adrift,
    );
    the(&list, Topic::WaveFile, "Say what takes the place of mail1");
    the(
        &list,
        Topic::WaveFile,
        "Say how old and new live side by side",
    );
    let mut settled = wave();
    settled.coexistence = Some(Coexistence {
        until: Some(at(300)),
        how: Some("relay".to_owned()),
    });
    let list = checked(
        &estate(vec![], vec![depends("app1", "imap", "mail1", 143)]),
        &settled,
    );
    silent(&list, "Say what takes");
    silent(&list, "side by side");
}

#[test]
fn a_verdict_of_a_person_closes_what_that_person_saw_and_nothing_more() {
    let mut inventory = estate(
        vec![host("app2")],
        vec![depends("app1", "imap", "mail1", 143)],
    );
    let open = checked(&inventory, &wave());
    let item = the(&open, Topic::Ports, "through to mail2").clone();
    let said = [verdict(&item.id, VerdictWord::Confirmed, 0)];
    let closed = heard(&inventory, &said);
    let now_done = closed.items.iter().find(|i| i.id == item.id).unwrap();
    assert_eq!(now_done.state, ItemState::Done);
    assert!(
        now_done
            .closed
            .as_deref()
            .unwrap()
            .contains("jo on 2026-11-20: ticket 4711")
    );
    inventory
        .dependencies
        .push(depends("app2", "imap", "mail1", 143));
    let grown = heard(&inventory, &said);
    let item = the(&grown, Topic::Ports, "through to mail2");
    assert_eq!(
        item.state,
        ItemState::Do,
        "a further machine was not agreed to"
    );
    assert!(item.closed.as_deref().unwrap().contains("changed since"));
}

#[test]
fn a_verdict_is_taken_back_by_the_word_wrong() {
    let inventory = estate(vec![], vec![depends("app1", "imap", "mail1", 143)]);
    let id = the(
        &checked(&inventory, &wave()),
        Topic::Ports,
        "through to mail2",
    )
    .id
    .clone();
    let said = [
        verdict(&id, VerdictWord::Confirmed, 0),
        verdict(&id, VerdictWord::Wrong, 1),
    ];
    let list = heard(&inventory, &said);
    assert_eq!(
        the(&list, Topic::Ports, "through to mail2").state,
        ItemState::Do
    );
}

#[test]
fn two_moves_to_one_place_have_an_item_each() {
    let mut both = wave();
    let mut second = both.moves[0].clone();
    second.from = "mail3".to_owned();
    both.moves.push(second);
    let need = |old: &str| {
        with(
            protected(depends("app1", "imap", old, 993), Protection::Tls),
            |d| {
                d.reached_as = Some(format!("{old}.corp.example"));
            },
        )
    };
    let inventory = estate(vec![host("mail3")], vec![need("mail1"), need("mail3")]);
    let list = checked(&inventory, &both);
    let all = items(&list, Topic::Certificates, ItemState::Do);
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_ne!(all[0].id, all[1].id);
}

#[test]
fn what_is_set_up_between_the_old_place_and_the_new_one_is_the_move_itself() {
    let needs = vec![
        depends("mail2", "imap", "mail1", 143),
        depends("mail1", "smtp-relay", "mail2", 25),
    ];
    let list = checked(&estate(vec![], needs), &wave());
    assert!(
        items(&list, Topic::Ports, ItemState::Do).is_empty(),
        "{list:#?}"
    );
}

#[test]
fn a_certificate_that_has_the_name_of_a_machine_is_none() {
    let mut certificate = certificate("mail1", 400);
    certificate.names = vec!["mail1".to_owned()];
    let list = checked(&estate(vec![certificate], vec![]), &wave());
    assert_eq!(list.machines, ["mail1"]);
    silent(&list, "Say which machine");
}

#[test]
fn volumes_that_fit_one_by_one_may_not_fit_together() {
    let share = |name: &str| {
        let mut share = entity("share", name);
        share.attributes.lies_on = Some(id("mail1"));
        share
    };
    let volume = |name: &str| Volume {
        entity: id(name),
        subject: String::new(),
        bytes: 1 << 40,
        items: None,
        items_estimated: false,
        changed_per_day: None,
        growth_per_day: None,
        measured_at: now(),
        transfer_hours: Some([3.0, 5.0]),
        catch_up_hours: None,
    };
    let mut inventory = estate(vec![share("one"), share("two")], vec![]);
    inventory.volumes = vec![volume("one"), volume("two")];
    the(
        &checked(&inventory, &wave()),
        Topic::Archives,
        "Begin to copy before the window",
    );
    // The file system they lie on holds the same bytes.
    inventory.volumes = vec![volume("one"), volume("mail1")];
    assert_eq!(
        the(
            &checked(&inventory, &wave()),
            Topic::Archives,
            "within the window"
        )
        .state,
        ItemState::Done
    );
}

#[test]
fn a_log_of_one_caller_does_not_make_another_machine_watched() {
    let old = with(depends("mail1", "ldap-bind", "dc1", 389), |d| {
        d.first_seen = at(-24 * 400);
        d.details.last_used = Some(now());
    });
    let mut inventory = estate(vec![host("dc1")], vec![old]);
    inventory.coverage = vec![sockets("mail1", CoverageState::Complete)];
    the(
        &checked(&inventory, &wave()),
        Topic::Observation,
        "Watch mail1",
    );
    let daily = |days: i64| Watch {
        entity: id("mail1"),
        from: at(-24 * days),
        to: at(-24 * days + 1),
        by: None,
    };
    let watches: Vec<Watch> = (0..20).map(daily).collect();
    let beside = Beside {
        watches: &watches,
        ..Beside::default()
    };
    let list = check(&inventory, &wave(), &beside);
    assert_eq!(
        the(&list, Topic::Observation, "for a week or longer").state,
        ItemState::Done
    );
}

#[test]
fn the_order_of_the_lists_changes_nothing() {
    let needs = || {
        vec![
            depends("app1", "imap", "mail1", 143),
            depends("app1", "smtp-relay", "mail1", 25),
            depends("mail1", "dns", "dc1", 53),
        ]
    };
    let one = estate(vec![host("dc1")], needs());
    let mut other = estate(vec![host("dc1")], needs());
    other.dependencies.reverse();
    assert_eq!(checked(&one, &wave()), checked(&other, &wave()));
}

#[test]
fn a_member_that_takes_the_place_of_another_stays_and_any_other_goes() {
    let needs = || {
        vec![
            depends("app1", "imap", "mail2", 143),
            depends("app1", "sql", "db1", 5432),
        ]
    };
    let mut wave = wave();
    wave.members.extend(["mail2".to_owned(), "db1".to_owned()]);
    let list = checked(&estate(vec![host("db1")], needs()), &wave);
    silent(&list, "takes the place of mail2");
    the(&list, Topic::WaveFile, "Say what takes the place of db1");
}

#[test]
fn a_device_is_asked_at_its_panel_and_whoever_tells_how_it_finds_the_place_is_not() {
    let calls = |consumer: &str, by: Option<ReachedBy>| {
        with(depends(consumer, "smtp-relay", "mail1", 25), |d| {
            d.reached_by = by;
            d.details.written_in.clear();
        })
    };
    let asked = |needs: Vec<Dependency>| {
        let more = vec![
            entity("device", "copier1"),
            entity("device", "ups1"),
            host("app2"),
        ];
        checked(&estate(more, needs), &wave())
    };
    let list = asked(vec![calls("copier1", None), calls("ups1", None)]);
    let item = the(&list, Topic::Followers, "Look at the panel.");
    assert_eq!(item.state, ItemState::Ask);
    assert_eq!(
        item.says,
        "How do copier1 and ups1 find mail1, by name or by address? Look at the panel."
    );
    // One that was seen to ask for a name, one that an agent looks into, and one that was only concluded.
    let concluded = with(calls("copier1", None), |d| d.basis = Basis::Inferred);
    for need in [
        calls("ups1", Some(ReachedBy::Name)),
        calls("app2", None),
        concluded,
    ] {
        silent(&asked(vec![need]), "panel");
    }
}
