//! What each format says about a small office, one lone machine and nothing at all.

mod sample;

use groma_model::inventory::{Inventory, VerdictWord};

#[test]
fn the_office_as_markdown() {
    insta::assert_snapshot!(groma_report::markdown(&sample::office()));
}

#[test]
fn the_office_as_csv() {
    insta::assert_snapshot!(groma_report::csv(&sample::office()));
}

#[test]
fn the_office_on_a_terminal() {
    insta::assert_snapshot!(groma_report::summary(&sample::office()).to_string());
}

#[test]
fn the_lone_machine_on_a_terminal() {
    insta::assert_snapshot!(groma_report::summary(&sample::single()).to_string());
}

fn empty() -> Inventory {
    sample::Estate::watched_since(sample::noon()).finish()
}

#[test]
fn the_same_inventory_gives_the_same_bytes() {
    for make in [
        groma_report::html,
        groma_report::markdown,
        groma_report::json,
        groma_report::csv,
    ] {
        assert_eq!(make(&sample::office()), make(&sample::office()));
    }
}

#[test]
fn a_first_look_is_not_an_audit_and_says_so() {
    let summary = groma_report::summary(&sample::single());
    assert_eq!(summary.watched_seconds, 30);
    assert_eq!(
        summary.notices,
        [
            "Watched 30 s on 1 host: this is a first look, not an audit.",
            "Not compared with your list."
        ]
    );
    assert!(groma_report::html(&sample::single()).contains(&summary.notices[0]));
}

#[test]
fn a_long_look_from_many_hosts_that_was_compared_carries_no_warning() {
    assert!(groma_report::summary(&sample::office()).notices.is_empty());
}

#[test]
fn what_a_person_judged_wrong_is_left_out_and_counted() {
    let office = sample::office();
    let wrong = office
        .dependencies
        .iter()
        .filter(|d| {
            d.verdict
                .as_ref()
                .is_some_and(|v| v.verdict == VerdictWord::Wrong)
        })
        .count();
    assert_eq!(wrong, 1);
    assert_eq!(
        groma_report::summary(&office).dependencies,
        office.dependencies.len() - 1
    );
    for text in [
        groma_report::csv(&office),
        groma_report::json(&office),
        groma_report::html(&office),
    ] {
        assert!(!text.contains("/etc/bacula/old.conf"));
    }
    assert!(
        groma_report::html(&office)
            .contains("1 dependency was judged wrong by a person and is left out.")
    );
}

#[test]
fn the_first_screen_never_holds_more_than_ten_risks() {
    let json: serde_json::Value =
        serde_json::from_str(&groma_report::json(&sample::office())).unwrap();
    let risks = json["risks"].as_array().unwrap();
    assert_eq!(risks.len(), 10);
    assert_eq!(json["risks_more"], 3);
    let severities: Vec<&str> = risks
        .iter()
        .map(|r| r["severity"].as_str().unwrap())
        .collect();
    let rank = |s: &&str| {
        ["critical", "high", "medium", "low"]
            .iter()
            .position(|w| w == s)
            .unwrap()
    };
    assert!(severities.is_sorted_by_key(rank), "{severities:?}");
    assert!(
        risks
            .iter()
            .all(|r| r["risk"] != "The intranet will not follow the ERP server."),
        "an accepted risk is not a first risk"
    );
}

#[test]
fn every_reason_to_be_hidden_is_said_in_words() {
    let office = sample::office();
    let csv = groma_report::csv(&office);
    for (word, title) in &groma_model::registry::REGISTRY.hidden {
        let used = office
            .dependencies
            .iter()
            .any(|d| d.hidden_because.contains(word));
        assert!(used, "the sample lacks {word}");
        assert!(csv.contains(title.as_str()), "{word}");
    }
}

#[test]
fn trust_stores_are_counted_and_own_certificates_listed() {
    let json: serde_json::Value =
        serde_json::from_str(&groma_report::json(&sample::office())).unwrap();
    assert_eq!(json["authorities_left_out"], 1);
    let rows = json["certificates"]["rows"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|r| r["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["mail.corp.example", "www.corp.example", "ldap.corp.example"]
    );
    assert_eq!(rows[0]["days"], -3);
    assert_eq!(rows[0]["weak"], true);
    assert_eq!(rows[0]["same_key"][0], "www.corp.example");
    assert_eq!(rows[2]["weak"], false);
}

#[test]
fn surprises_are_three_and_differ() {
    let surprises = groma_report::summary(&sample::office()).surprises;
    assert_eq!(surprises.len(), 3);
    assert!(
        surprises[0].contains("billing") && surprises[1].contains("copier"),
        "{surprises:?}"
    );
}

#[test]
fn nothing_looked_at_still_gives_every_format() {
    let nothing = empty();
    assert!(groma_report::html(&nothing).contains("No dependency was seen"));
    assert!(groma_report::markdown(&nothing).contains("No host was looked at."));
    assert_eq!(groma_report::csv(&nothing).lines().count(), 1);
    assert!(groma_report::summary(&nothing).surprises.is_empty());
}

#[test]
fn an_edge_to_an_unknown_entity_is_listed_though_it_cannot_be_drawn() {
    let mut office = sample::office();
    office.entities.retain(|e| e.id.as_str() != "ent-db1");
    assert!(groma_report::html(&office).contains("db1.corp.example"));
}

#[test]
fn what_must_move_is_a_table_where_anything_was_found() {
    use groma_model::inventory::{Backup, Right, Volume};
    let mut office = sample::office();
    assert!(!groma_report::markdown(&office).contains("Data that must move"));
    let mut share = office.entities[0].clone();
    share.id = groma_model::EntityId::new("ent-share");
    share.kind = "share".to_owned();
    share.name = "//files1/projects|x".to_owned();
    share.attributes = groma_model::inventory::Attributes {
        lies_on: Some(office.entities[0].id.clone()),
        share: Some(groma_model::fact::Share {
            protocol: "smb".to_owned(),
            sort: "disk".to_owned(),
            ..groma_model::fact::Share::default()
        }),
        ..groma_model::inventory::Attributes::default()
    };
    office.volumes = vec![Volume {
        entity: share.id.clone(),
        subject: "/srv/projects".to_owned(),
        bytes: 5 << 30,
        items: Some(12_345),
        items_estimated: true,
        changed_per_day: None,
        growth_per_day: Some(-1024.0),
        measured_at: office.generated_at,
        transfer_hours: Some([0.02, 0.11]),
        catch_up_hours: Some([0.01, 0.05]),
    }];
    office.rights = vec![Right {
        on: share.id.clone(),
        principal: "uid 1234".to_owned(),
        right: "rwx".to_owned(),
        written_as: "posix-acl".to_owned(),
        path: Some("/srv/projects/old".to_owned()),
        orphan: true,
        evidence: Vec::new(),
    }];
    office.backups = vec![Backup {
        entity: share.id.clone(),
        by: None,
        rhythm: Some("daily".to_owned()),
        last_success: Some(office.generated_at),
        job: "restic /etc/cron.d/backup:3".to_owned(),
        target: None,
        covers: Vec::new(),
        unscheduled: false,
        evidence: Vec::new(),
    }];
    office.entities.push(share);
    office.link_bps = 2_500_000_000;
    let text = groma_report::markdown(&office);
    assert!(text.contains("for a line of 2.5 Gbit/s"));
    let row = text
        .lines()
        .find(|l| l.contains("projects\\|x"))
        .expect("a row");
    for said in [
        "smb disk",
        "5.0\u{a0}GiB, about 12\u{202f}345 items",
        "1.0\u{a0}KiB less a day, 0.02 to 0.11 h, 0.01 to 0.05 h for what changes in a day",
        "uid 1234 rwx (/srv/projects/old), stands for nobody",
        "restic /etc/cron.d/backup:3, daily, last well",
    ] {
        assert!(row.contains(said), "{said} is not in {row}");
    }
    assert!(groma_report::html(&office).contains("id=\"data-volumes\""));
}

#[test]
fn who_watches_and_where_logs_go_is_shown_for_each_machine() {
    use groma_model::fact::WatchPurpose;
    use groma_model::inventory::Watching;
    let mut office = sample::office();
    let machines: Vec<_> = office
        .entities
        .iter()
        .filter(|e| e.has_agent)
        .map(|e| (e.id.clone(), e.name.clone()))
        .collect();
    let [(web, web_name), (mon, mon_name), ..] = machines.as_slice() else {
        panic!("the office has two machines that were looked at");
    };
    let row = |purpose, by: Option<&groma_model::EntityId>, name: &str| Watching {
        entity: web.clone(),
        purpose,
        by: by.cloned(),
        name: name.to_owned(),
        products: vec!["NRPE".to_owned()],
        witnesses: Vec::new(),
        evidence: Vec::new(),
    };
    office.watching = vec![
        row(WatchPurpose::WatchedBy, None, "10.0.0.0/8"),
        row(WatchPurpose::WatchedBy, Some(mon), mon_name),
    ];
    let text = groma_report::markdown(&office);
    let line = text
        .lines()
        .find(|l| l.contains("answers 10.0.0.0/8"))
        .expect("a row");
    assert!(
        line.contains(web_name) && line.contains(&format!("{mon_name} (NRPE)")),
        "{line}"
    );
    assert!(line.contains("They stay there"), "{line}");
    assert!(groma_report::html(&office).contains("id=\"watching\""));
}

#[test]
fn what_name_servers_say_about_mail_is_shown_with_what_others_remember() {
    use groma_model::fact::MailPurpose;
    use groma_model::inventory::MailRecordEntry;
    let mut office = sample::office();
    let machine = office.entities[0].clone();
    let domain = groma_model::HostName::parse("corp.example").expect("a name");
    let record = |values: &[&str], from: &groma_model::EntityId| MailRecordEntry {
        domain: domain.clone(),
        purpose: MailPurpose::Exchanger,
        asked: domain.clone(),
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        ttl_seconds: Some(7_200),
        lookups: None,
        faults: Vec::new(),
        machines: vec![machine.id.clone()],
        seen_from: vec![from.clone()],
        evidence: Vec::new(),
    };
    office.mail_records = vec![
        record(&["10 mail.corp.example"], &machine.id),
        record(&[], &office.entities[1].id),
    ];
    let text = groma_report::markdown(&office);
    let line = |word: &str| {
        text.lines()
            .find(|l| l.contains("| MX |") && l.contains(word))
    };
    let said = line("10 mail.corp.example").expect("a row");
    assert!(
        said.contains("2 h") && said.contains(&machine.name) && said.contains("told to"),
        "{said}"
    );
    assert!(line("Nothing").is_some(), "what is not there is said");
    assert!(groma_report::html(&office).contains("id=\"mail\""));
    assert!(!groma_report::html(&sample::office()).contains("id=\"mail\""));
}

/// A copier that is only asked how it is was drawn in the band of what watches.
#[test]
fn who_is_watched_is_not_drawn_as_what_watches() {
    let mut inventory = sample::office();
    for entity in &mut inventory.entities {
        if entity.name == "copier-2nd-floor" || entity.layer == "monitoring" {
            entity.kind = "host".into();
            entity.layer = "os".into();
        }
    }
    inventory.dependencies.retain(|d| d.kind != "monitoring");
    let bands = |inventory: &Inventory| {
        let html = groma_report::html(inventory);
        html.matches(">Monitoring</text>").count()
    };
    assert_eq!(bands(&inventory), 0);
    for dependency in &mut inventory.dependencies {
        if dependency.kind == "snmp" {
            dependency.provider.port = Some(groma_model::Port(162));
        }
    }
    assert_eq!(bands(&inventory), 1, "who takes the traps is monitoring");
}

#[test]
fn where_names_lead_is_shown_with_what_nobody_has() {
    use groma_model::zone::{Asked, ZoneRecordEntry};
    let mut office = sample::office();
    let machine = office.entities[0].clone();
    let at: groma_model::Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    let record =
        |owner: &str, machines: &[&groma_model::EntityId], nobodys: &[&str]| ZoneRecordEntry {
            zone: groma_model::HostName::parse("corp.example").expect("a name"),
            owner: owner.to_owned(),
            kind: "A".to_owned(),
            values: vec!["10.0.0.7".to_owned()],
            ttl_seconds: Some(3_600),
            view: None,
            through: Vec::new(),
            machines: machines.iter().map(|id| (*id).clone()).collect(),
            nobodys: nobodys
                .iter()
                .map(|a| a.parse().expect("an address"))
                .collect(),
            nowhere: Vec::new(),
            asked: Some(Asked {
                count: 12,
                first_seen: at,
                last_seen: at,
            }),
            served_by: vec![machine.id.clone()],
            kept_by: vec![machine.id.clone()],
            files: vec!["/var/lib/bind/corp.zone".to_owned()],
            evidence: Vec::new(),
        };
    office.zone_records = vec![
        record("zap<b>.corp.example", &[&machine.id], &[]),
        record("old.corp.example", &[], &["10.0.0.7"]),
        record("elsewhere.corp.example", &[], &[]),
    ];
    let text = groma_report::markdown(&office);
    let line = |word: &str| {
        text.lines()
            .find(|l| l.starts_with('|') && l.contains(word))
    };
    let old = line("| old.corp.example").expect("a row");
    assert!(
        old.contains("nobody we saw has 10.0.0.7: ask a person"),
        "{old}"
    );
    let app = line("zap").expect("a row");
    assert!(app.contains(&machine.name) || app.contains("1 h"), "{app}");
    assert!(
        line("elsewhere.corp.example").is_none(),
        "it leads to nobody we know"
    );
    let page = groma_report::html(&office);
    assert!(page.contains("id=\"leading\"") && !page.contains("zap<b>"));
    assert!(!groma_report::html(&sample::office()).contains("id=\"leading\""));
}

#[test]
fn the_ledger_says_who_logs_on_how() {
    use groma_model::ledger::{ConsumerClass, LedgerEntry};
    let mut office = sample::office();
    let (consumer, provider) = (office.entities[0].clone(), office.entities[1].clone());
    let at: groma_model::Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    office.ledger = vec![LedgerEntry {
        provider: provider.id.clone(),
        kind: "ldap-bind".to_owned(),
        consumer: consumer.id.clone(),
        class: ConsumerClass::Device,
        port: Some(groma_model::Port(389)),
        name: None,
        account: Some("cn=scan|<b>".to_owned()),
        mechanism: Some("SIMPLE".to_owned()),
        protection: Some(groma_model::name::Protection::None),
        says_it_is: None,
        service: None,
        asks: None,
        bases: Vec::new(),
        searches_by: Vec::new(),
        reached_by: None,
        reached_as: None,
        written_in: Vec::new(),
        rhythm: None,
        next_due: None,
        machine_account: false,
        refused: false,
        programs: Vec::new(),
        count: 12,
        first_seen: at,
        last_seen: at,
        hours: groma_model::Hours::default(),
        witnesses: Vec::new(),
        logs: vec!["/var/log/slapd.log".to_owned()],
        evidence: Vec::new(),
    }];
    let text = groma_report::markdown(&office);
    let line = text
        .lines()
        .find(|l| l.contains("/var/log/slapd.log"))
        .expect("a row");
    for part in [
        &format!("{} (device)", consumer.name),
        "ldap-bind, 389",
        "SIMPLE",
        "in clear text",
        "12 times",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let page = groma_report::html(&office);
    assert!(page.contains("id=\"ledger\"") && !page.contains("cn=scan|<b>"));
}

/// An object that directories say of the office's directory server, or of the copier, with the fact behind it.
fn told(estate: &mut sample::Estate, on: &str, class: &str, name: &str, said: &[(&str, &str)]) {
    use groma_model::fact::{DirectoryEntry, DirectoryObject};
    let fact = estate.fact(
        groma_model::Witness::Declared,
        "directory.objects",
        "ask1",
        &format!("{class} {name}"),
    );
    let said = said
        .iter()
        .map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()]));
    let object = DirectoryObject {
        directory: "corp.example".into(),
        class: class.into(),
        name: name.into(),
        dn: format!("CN={name},DC=corp,DC=example").as_str().into(),
        host: None,
        account: None,
        attributes: said.collect(),
    };
    let entity = estate
        .inventory
        .entities
        .iter_mut()
        .find(|e| e.id.as_str() == format!("ent-{on}"))
        .expect("it was added before");
    entity.attributes.directory_objects.push(DirectoryEntry {
        object,
        last_seen: Some(sample::noon()),
        evidence: vec![fact],
    });
}

#[test]
fn what_a_directory_keeps_is_told_in_groups_with_who_said_it() {
    let mut estate = sample::Estate::watched_since(sample::days_ago(1));
    estate.host(
        "ask1",
        "identity",
        "ask1.corp.example",
        "10.1.0.9",
        "Debian",
    );
    estate.host("dc1", "identity", "dc1.corp.example", "10.1.0.10", "Debian");
    estate.entity("corp", "directory", "identity", "corp.example", "");
    estate.entity("mbx", "host", "mail", "mbx1.corp.example", "10.1.0.11");
    estate.entity("copier", "device", "endpoint", "copier-1", "10.1.7.20");
    told(&mut estate, "dc1", "role", "RID master", &[]);
    told(
        &mut estate,
        "corp",
        "trust",
        "partner.example",
        &[("direction", "both ways")],
    );
    told(
        &mut estate,
        "corp",
        "computer",
        "old7",
        &[("activity", "quiet-over-180-days")],
    );
    told(
        &mut estate,
        "dc1",
        "computer",
        "dc1",
        &[("activity", "active"), ("delegation", "to any service")],
    );
    told(
        &mut estate,
        "mbx",
        "receive-connector",
        "Scan",
        &[("networks", "10.9.0.0/16")],
    );
    told(&mut estate, "corp", "site", sample::HOSTILE[0], &[]);
    let at = estate.need(
        "copier",
        (groma_model::fact::ComponentClass::Device, "copier"),
        "smtp-relay",
        "mbx",
        25,
    );
    estate.inventory.dependencies[at].details.resources = vec!["Scan".into()];
    let inventory = estate.finish();
    let markdown = groma_report::markdown(&inventory);
    for line in [
        "## Directories",
        "### corp.example",
        "machines: 2, of which quiet or disabled: 1",
        "#### The domain, its servers and who holds which role (1)",
        "| RID master | role | dc1.corp.example |",
        "#### Trusts (1)",
        "| partner.example | trust |  | direction: both ways |",
        "#### Machines nobody heard of lately (1)",
        "#### Who may act for others (1)",
        "networks: 10.9.0.0/16; lets in: copier-1",
        "directory.objects from ask1.corp.example, 2026-11-20 10:00",
    ] {
        assert!(markdown.contains(line), "{line}\n{markdown}");
    }
    let html = groma_report::html(&inventory);
    assert!(html.contains("id=\"directories\""));
    assert!(!html.contains("<script>alert(1)"), "a name is no markup");
    assert!(!groma_report::html(&empty()).contains("id=\"directories\""));
}

#[test]
fn the_mail_ledger_says_what_each_sender_needs() {
    use groma_model::fact::{MailRefusal, RelayBy, RelayRule};
    use groma_model::ledger::ConsumerClass;
    use groma_model::mail_ledger::{MailDomainEntry, MailLedgerEntry, MailRefusalEntry, MailSide};
    let mut office = sample::office();
    let (consumer, provider) = (office.entities[0].clone(), office.entities[1].clone());
    let at: groma_model::Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    let to = |name: &str, internal| MailDomainEntry {
        name: name.to_owned(),
        internal,
    };
    office.mail_ledger = vec![MailLedgerEntry {
        provider: provider.id.clone(),
        consumer: consumer.id.clone(),
        side: MailSide::Sends,
        kind: "smtp-relay".to_owned(),
        protocol: None,
        clients: Vec::new(),
        software: Vec::new(),
        port: Some(groma_model::Port(25)),
        account: None,
        accounts: 0,
        mechanism: None,
        protection: Some(groma_model::name::Protection::None),
        addresses: vec!["10.20.1.201".parse().unwrap()],
        product: "Postfix".to_owned(),
        class: ConsumerClass::Device,
        class_because: vec!["sends as scan".to_owned()],
        helo: vec!["=RNP|<b>".to_owned()],
        tls: vec!["TLSv1".to_owned()],
        certificate: false,
        sender_domains: vec![to("corp.example", Some(true))],
        recipient_domains: vec![
            to("corp.example", Some(true)),
            to("partner.example", Some(false)),
            to("x.example", None),
        ],
        allowed_by: Some(RelayRule {
            by: RelayBy::Address,
            entry: "10.20.1.200/29".to_owned(),
            setting: "mynetworks".to_owned(),
            file: Some("/etc/postfix/main.cf".into()),
            line: Some(14),
            port: None,
        }),
        reached_by: Some(groma_model::inventory::ReachedBy::AddressLiteral),
        reached_as: Some("10.20.1.20".to_owned()),
        programs: Vec::new(),
        messages: 4,
        bytes: Some(2_048),
        refusals: vec![MailRefusalEntry {
            why: MailRefusal::RelayDenied,
            count: 3,
            last_seen: at,
        }],
        first_seen: at,
        last_seen: at,
        hours: groma_model::Hours::of(at),
        witnesses: Vec::new(),
        logs: vec!["/var/log/mail.log".to_owned()],
        evidence: Vec::new(),
    }];
    let text = groma_report::markdown(&office);
    let line = text
        .lines()
        .find(|l| l.contains("/var/log/mail.log"))
        .expect("a row");
    for part in [
        "device · sends as scan",
        "in clear text · TLSv1",
        "reaches the server by its address 10.20.1.20",
        "as corp.example · out of the house: partner.example · inside: corp.example · to x.example",
        "10.20.1.200/29 (mynetworks, /etc/postfix/main.cf:14)",
        "4 messages",
        "3 refused (relay-denied), last 2026-11-01 10:00 UTC",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let page = groma_report::html(&office);
    assert!(page.contains("id=\"mail-ledger\"") && !page.contains("RNP|<b>"));
    let csv = groma_report::mail_ledger_csv(&office);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("\"side\",\"consumer\",\"addresses\",\"class\""));
    assert!(
        lines[1].contains("\"'=RNP|<b>\""),
        "no cell is a formula: {}",
        lines[1]
    );
    assert!(lines[1].contains("\"mynetworks 10.20.1.200/29 /etc/postfix/main.cf:14\""));
    assert_eq!(groma_report::ledger_csv(&office).lines().count(), 1);
}
