//! The office on its way: two waves (one of them all but blank), what must move with hours and copies, notes, a register
//! with rows in every state; and the same with names as an attacker would choose them.

use groma_model::fact::{Archive, Share};
use groma_model::inventory::*;
use groma_model::wave::{Coexistence, Criterion, Move, Rollback};
use groma_model::{EntityId, Timestamp};

use super::{HOSTILE, days_ago, office};

/// The office with everything a plan adds.
pub fn moving() -> Inventory {
    let mut inventory = office();
    inventory.waves = vec![later(), first()];
    held(&mut inventory);
    notes(&mut inventory);
    register(&mut inventory);
    questions(&mut inventory);
    inventory.entities.sort_by(|a, b| a.id.cmp(&b.id));
    inventory
}

/// Two more for the owner of the first wave.
fn questions(inventory: &mut Inventory) {
    for question in ["Who uses it at night?", "What counts as a failure?"] {
        inventory.questions.push(Question {
            to: Some("Jo Example".into()),
            about: "sys-mail1".into(),
            question: question.into(),
        });
    }
}

fn first() -> WaveEntry {
    WaveEntry {
        name: "w1 mail".into(),
        order: 1,
        window: Some(TimeWindow {
            from: days_ago(-15),
            to: days_ago(-16),
        }),
        members: vec![
            "mail1".into(),
            "dir1".into(),
            "mail-old.corp.example".into(),
        ],
        state: "ready".into(),
        owner: Some("Jo Example".into()),
        change_reference: Some("CHG-1042".into()),
        moves: vec![Move {
            from: "mail1".into(),
            to: "mail-new".into(),
            names_that_follow: vec!["mail.corp.example".into()],
        }],
        expected: vec!["smtp-relay to mail-new:25".parse().unwrap()],
        coexistence: Some(Coexistence {
            until: Some(days_ago(-30)),
            how: Some("the old server relays what still arrives there".into()),
        }),
        rollback: Some(Rollback {
            what: Some("point mail.corp.example back to mail1".into()),
            trigger: Some("mail waits longer than ten minutes".into()),
            minutes: Some(45),
            decides: None,
            backup: Some("nightly copy of mail1".into()),
            restore_tested_on: Some(days_ago(3)),
        }),
        criteria: vec![Criterion {
            metric: "mail_delay_p95_seconds".into(),
            threshold: Some(60.0),
            at_least: None,
            baseline: Some("before-w1".into()),
            accepted_by: Some("head of sales".into()),
        }],
        communications: [("users".to_owned(), "mail on Thursday before".to_owned())].into(),
        ..WaveEntry::default()
    }
}

/// A wave as `groma wave plan` proposes it: all but blank.
fn later() -> WaveEntry {
    WaveEntry {
        name: "w2 applications".into(),
        order: 2,
        members: vec!["app1".into(), "db1".into(), "web1".into(), "files1".into()],
        state: "planned".into(),
        requires: vec!["w1 mail".into()],
        ..WaveEntry::default()
    }
}

fn held(inventory: &mut Inventory) {
    let (measured_at, template) = (inventory.generated_at, inventory.entities[0].clone());
    let mut hold = |key: &str, kind: &str, name: &str, on: &str, bytes: u64, hours: [f64; 2]| {
        let mut entity = template.clone();
        entity.id = EntityId::new(format!("ent-{key}"));
        entity.kind = kind.to_owned();
        entity.name = name.to_owned();
        entity.names = vec![name.to_owned()];
        entity.addresses.clear();
        entity.attributes = Attributes {
            lies_on: Some(EntityId::new(format!("ent-{on}"))),
            ..Attributes::default()
        };
        match kind {
            "archive" => entity.attributes.archive = Some(archive()),
            _ => {
                entity.attributes.share = Some(Share {
                    protocol: "smb".into(),
                    sort: "disk".into(),
                    ..Share::default()
                });
            }
        }
        inventory.volumes.push(Volume {
            entity: entity.id.clone(),
            subject: name.to_owned(),
            bytes,
            items: Some(bytes >> 16),
            items_estimated: true,
            changed_per_day: Some(2e9),
            growth_per_day: Some(3e8),
            measured_at,
            transfer_hours: Some(hours),
            catch_up_hours: Some([hours[0] / 20.0, hours[1] / 20.0]),
        });
        inventory.backups.push(Backup {
            entity: EntityId::new(format!("ent-{on}")),
            by: Some(EntityId::new("ent-backup1")),
            rhythm: Some("daily".into()),
            last_success: Some(days_ago(1)),
            job: format!("restic, {key}"),
            target: Some("sftp://backup1/srv/copies".into()),
            covers: vec![name.to_owned()],
            unscheduled: false,
            evidence: vec![],
        });
        inventory.rights.push(Right {
            on: entity.id.clone(),
            principal: "uid 1234".into(),
            right: "rwx".into(),
            written_as: "posix-acl".into(),
            path: Some(format!("{name}/old")),
            orphan: key == "projects",
            evidence: vec![],
        });
        inventory.entities.push(entity);
    };
    hold(
        "pst",
        "archive",
        "/home/ana/archive-2019.pst",
        "files1",
        41 << 30,
        [0.1, 0.6],
    );
    hold(
        "projects",
        "share",
        "//files1/projects",
        "files1",
        3 << 40,
        [8.1, 31.5],
    );
    hold(
        "mailstore",
        "share",
        "//mail1/spool",
        "mail1",
        610 << 30,
        [1.6, 6.0],
    );
}

fn archive() -> Archive {
    Archive {
        path: "/home/ana/archive-2019.pst".into(),
        format: "pst".into(),
        ..Archive::default()
    }
}

fn notes(inventory: &mut Inventory) {
    let note = |days, by: &str, says: &str| NoteTold {
        on: days_ago(days),
        by: by.into(),
        says: says.into(),
    };
    inventory.systems[0].notes = vec![
        note(8, "Ana Example", "the fax gateway sends through it too"),
        note(2, "Jo Example", "ask Ben before the first of a month"),
    ];
    let host = inventory
        .entities
        .iter_mut()
        .find(|e| e.name.starts_with("db1"));
    host.expect("the office has a database").attributes.notes =
        vec![note(4, "Ben Example", "version 15, not 13")];
}

fn register(inventory: &mut Inventory) {
    let template = inventory.findings[0].clone();
    let mut add = |key: &str, state, because: Option<&str>, closed: Option<Timestamp>, person| {
        let mut finding = template.clone();
        finding.id = groma_model::FindingId::of(&[key]);
        finding.risk = format!("A risk that is {key}.");
        finding.state = state;
        finding.state_because = because.map(Into::into);
        finding.closed_on = closed;
        finding.first_seen = Some(days_ago(9));
        if person {
            finding.origin = FindingOrigin::Person;
        }
        inventory.findings.push(finding);
    };
    let gone = Some("the newest look saw the new certificate everywhere");
    add(
        "closed",
        FindingState::Closed,
        gone,
        Some(days_ago(2)),
        false,
    );
    add("written by a person", FindingState::Open, None, None, true);
}

/// Every text that a plan, a note, a copy or the register adds is `text`.
pub fn moving_named(text: &str) -> Inventory {
    let mut inventory = moving();
    let name = || text.to_owned();
    let some = || Some(text.to_owned());
    for wave in &mut inventory.waves {
        (wave.name, wave.state) = (name(), name());
        (wave.owner, wave.change_reference) = (some(), some());
        (wave.requires, wave.parallel_with) = (vec![name()], vec![name()]);
        wave.members.push(name());
        wave.exclusions = vec![name()];
        wave.moves = vec![Move {
            from: name(),
            to: name(),
            names_that_follow: vec![name()],
        }];
        wave.coexistence = Some(Coexistence {
            until: None,
            how: some(),
        });
        wave.rollback = Some(Rollback {
            what: some(),
            trigger: some(),
            minutes: Some(u32::MAX),
            decides: some(),
            backup: some(),
            restore_tested_on: None,
        });
        wave.criteria = vec![Criterion {
            metric: name(),
            threshold: Some(f64::MAX),
            at_least: None,
            baseline: some(),
            accepted_by: None,
        }];
        wave.communications = [(name(), name())].into();
    }
    for system in &mut inventory.systems {
        system.name = name();
        for note in &mut system.notes {
            (note.by, note.says) = (name(), name());
        }
    }
    for volume in &mut inventory.volumes {
        volume.subject = name();
    }
    for right in &mut inventory.rights {
        (right.principal, right.right, right.written_as) = (name(), name(), name());
        right.path = some();
    }
    for backup in &mut inventory.backups {
        (backup.job, backup.rhythm, backup.target) = (name(), some(), some());
        backup.covers = vec![name()];
    }
    for finding in &mut inventory.findings {
        (finding.check, finding.state_because) = (name(), some());
    }
    for entity in &mut inventory.entities {
        entity.name = name();
        entity.attributes.declared = [("note".to_owned(), name())].into();
    }
    for dependency in &mut inventory.dependencies {
        (dependency.consumer.name, dependency.provider.name) = (name(), name());
    }
    inventory.estimate = Some(Estimate {
        unseen_hosts: None,
        unseen_dependencies: None,
        method: name(),
        meaningful: false,
        seen_hosts: None,
        seen_dependencies: None,
        watched_days: None,
        halves_in_days: None,
        says: vec![name()],
        why_not: some(),
    });
    for question in &mut inventory.questions {
        (question.to, question.question) = (some(), name());
    }
    inventory
}

/// [`moving_named`] with all that an attacker would try.
pub fn moving_hostile() -> Vec<Inventory> {
    HOSTILE.iter().map(|text| moving_named(text)).collect()
}
