//! One cause is one line, and the same need in other words is none. Each case has a twin that must be said.

use groma_diff::Class;
use groma_model::fact::{ComponentClass, Job};
use groma_model::inventory::{Basis, Dependency, Inventory, ReachedBy};
use groma_model::{DependencyId, EvidenceId};

use crate::build::*;
use crate::{classes, only, said};

fn estate(dependencies: Vec<Dependency>) -> Inventory {
    inventory(
        ["app1", "db1", "log1", "log2", "mail1", "mail2", "web1"]
            .map(host)
            .into(),
        dependencies,
    )
}

/// The same need by another part of the consumer, which no file names.
fn used_by(need: Dependency, class: ComponentClass, part: &str) -> Dependency {
    with(need, |d| {
        d.id = DependencyId::of(&[d.id.as_str(), part]);
        d.consumer.component.class = class;
        d.consumer.component.name = part.into();
        d.details.written_in.clear();
        d.reached_as = None;
        d.reached_by = None;
    })
}

/// Nobody saw which part it was.
fn unseen(need: Dependency) -> Dependency {
    let machine = need.consumer.name.clone();
    used_by(need, ComponentClass::Device, &machine)
}

fn program(need: Dependency, path: &str) -> Dependency {
    used_by(need, ComponentClass::Executable, path)
}

#[test]
fn a_part_that_is_seen_at_one_look_and_not_at_the_other_is_no_change() {
    let need = || depends("app1", "other", "app1", 8001);
    let (seen, whole) = (program(need(), "/usr/bin/curl"), unseen(need()));
    let of = |before: &Dependency, after: &Dependency| {
        said(&estate(vec![before.clone()]), &estate(vec![after.clone()]))
    };
    assert!(of(&whole, &seen).is_empty());
    assert!(of(&seen, &whole).is_empty());
    // The twins: another program, and another port.
    let other = program(need(), "/usr/bin/wget");
    assert_eq!(
        of(&seen, &other),
        ["app1 changed: network connection at app1:8001 is used by another part: /usr/bin/wget"]
    );
    let elsewhere = unseen(depends("app1", "other", "app1", 8002));
    assert_eq!(of(&seen, &elsewhere).len(), 1);
}

/// A file names the place, and nobody saw who reads it.
fn file(need: Dependency, path: &str) -> Dependency {
    let need = used_by(need, ComponentClass::File, path);
    with(need, |d| d.details.written_in = vec![format!("{path}:2")])
}

#[test]
fn files_whose_reader_was_seen_at_one_look_are_no_change() {
    let need = || depends("app1", "imap", "mail1", 143);
    let files = vec![
        file(need(), "/home/a/.mailrc"),
        file(need(), "/home/a/user.reg"),
    ];
    let read = |files: &[&str]| {
        with(program(need(), "/usr/bin/reader"), |d| {
            d.details.written_in = files.iter().map(|f| format!("{f}:2")).collect();
        })
    };
    let both = read(&["/home/a/.mailrc", "/home/a/user.reg"]);
    assert!(said(&estate(files.clone()), &estate(vec![both.clone()])).is_empty());
    assert!(said(&estate(vec![both.clone()]), &estate(files.clone())).is_empty());
    // The twins: a file that is gone, a file that is new, and another program that reads them.
    let less = estate(vec![read(&["/home/a/.mailrc"])]);
    assert_eq!(
        said(&estate(files.clone()), &less),
        [
            "app1 removed: /home/a/user.reg needs mailbox access (IMAP) at mail1:143 (written in /home/a/user.reg)"
        ]
    );
    assert_eq!(classes(&less, &estate(files)), [Class::Added]);
    let other = with(both.clone(), |d| {
        d.id = DependencyId::of(&["other"]);
        d.consumer.component.name = "/usr/bin/other".into();
    });
    assert_eq!(
        classes(&estate(vec![both]), &estate(vec![other])),
        [Class::Changed]
    );
}

#[test]
fn a_file_in_use_whose_user_is_seen_now_is_no_change_and_a_second_user_is() {
    let need = || depends("app1", "sql", "db1", 5432);
    let used = file(need(), "/home/a/.odbc.ini");
    let unused = written_only(used.clone());
    let reader = program(need(), "/usr/bin/isql");
    let of = |before: &[&Dependency], after: &[&Dependency]| {
        let side = |needs: &[&Dependency]| estate(needs.iter().map(|d| (*d).clone()).collect());
        classes(&side(before), &side(after))
    };
    assert!(of(&[&used], &[&unused, &reader]).is_empty());
    assert!(of(&[&unused, &reader], &[&used]).is_empty());
    // What stands behind the place it uses is concluded for it now.
    let behind = |of: &Dependency| {
        with(of.clone(), |d| {
            d.id = DependencyId::of(&[d.id.as_str(), "behind"]);
            d.provider.entity = id("web1");
            d.provider.name = "web1".into();
            d.basis = Basis::Inferred;
            d.details.written_in.clear();
        })
    };
    let concluded = behind(&reader);
    assert!(of(&[&used], &[&unused, &reader, &concluded]).is_empty());
    let of_another = with(behind(&used), |d| {
        d.consumer.component.name = "/home/b".into()
    });
    assert_eq!(
        of(&[&used], &[&unused, &reader, &of_another]),
        [Class::Added]
    );
    // Nobody used it before; and whoever used it still does.
    assert_eq!(of(&[&unused], &[&unused, &reader]), [Class::Added]);
    assert_eq!(of(&[&used], &[&used, &reader]), [Class::Added]);
}

#[test]
fn a_program_that_comes_to_one_nobody_could_name_is_new() {
    let need = || depends("app1", "sql", "db1", 5432);
    let whole = unseen(need());
    let after = estate(vec![whole.clone(), program(need(), "/srv/shop")]);
    assert_eq!(classes(&estate(vec![whole]), &after), [Class::Added]);
}

#[test]
fn a_client_that_was_led_elsewhere_is_one_line_although_the_old_server_remembers_it() {
    let before = estate(vec![depends("app1", "smtp-relay", "mail1", 25)]);
    let new = depends("app1", "smtp-relay", "mail2", 25);
    let remembered = unseen(depends("app1", "smtp-relay", "mail1", 25));
    let after = estate(vec![new.clone(), remembered.clone()]);
    assert_eq!(
        said(&before, &after),
        ["app1 moved: app1.service uses mail relay at mail2:25, before at mail1:25"]
    );
    // The twin still uses it: that is more than a memory.
    let used = with(remembered, |d| d.last_seen = in_days(1));
    assert_eq!(
        said(&before, &estate(vec![new, used])),
        [
            "app1 moved: app1.service uses mail relay at mail2:25, before at mail1:25",
            "app1 added: app1 needs mail relay at mail1:25",
        ]
    );
}

#[test]
fn a_file_that_names_another_place_is_one_line_although_the_old_one_was_seen_in_use() {
    let written = |need: Dependency| {
        with(need, |d| {
            d.details.written_in = vec!["/etc/log.d/60:1".into()]
        })
    };
    let old = written(depends("app1", "syslog", "log1", 514));
    let new = written(depends("app1", "syslog", "log2", 514));
    let unwritten = with(old.clone(), |d| d.details.written_in.clear());
    let before = estate(vec![old]);
    assert_eq!(
        said(&before, &estate(vec![unwritten.clone(), new.clone()])),
        ["app1 moved: app1.service uses log forwarding at log2:514, before at log1:514"]
    );
    // The twins: it is used on, and the new place stands in another file.
    let used = with(unwritten.clone(), |d| d.last_seen = in_days(1));
    assert_eq!(
        classes(&before, &estate(vec![used, new.clone()])),
        [Class::Added, Class::Changed]
    );
    let other = with(new.clone(), |d| {
        d.details.written_in = vec!["/etc/log.d/70:1".into()]
    });
    assert_eq!(
        classes(&before, &estate(vec![unwritten, other])),
        [Class::Added, Class::Changed]
    );
    // A second file that names the old place: nothing moved, and that file is told.
    let both = with(before.dependencies[0].clone(), |d| {
        d.details.written_in.push("/etc/log.d/80:1".into());
    });
    let one = with(both.clone(), |d| {
        d.details.written_in.remove(0);
    });
    assert_eq!(
        said(&estate(vec![both]), &estate(vec![one, new])),
        [
            "app1 added: app1.service needs log forwarding at log2:514 (written in /etc/log.d/60)",
            "app1 changed: app1.service needs log forwarding at log1:514 (written in /etc/log.d/80)",
        ]
    );
}

#[test]
fn a_name_that_leads_elsewhere_is_one_line_with_what_stood_behind_the_old_place() {
    let led = |provider: &str, by: ReachedBy| {
        with(depends("app1", "http", provider, 443), |d| {
            d.reached_as = Some("shop.corp.example".into());
            d.reached_by = Some(by);
            d.evidence.push(EvidenceId::of(&["/etc/cron.d/shop"]));
        })
    };
    let behind = with(depends("app1", "http", "db1", 8001), |d| {
        d.basis = Basis::Inferred;
        d.reached_as = None;
        d.details.written_in.clear();
        d.evidence.push(EvidenceId::of(&["/etc/cron.d/shop"]));
    });
    let before = estate(vec![led("web1", ReachedBy::Alias), behind.clone()]);
    let after = |by| {
        let mut after = estate(vec![led("db1", by)]);
        for named in after.entities.iter_mut().filter(|e| e.name == "db1") {
            named.names.push("shop.corp.example".into());
        }
        after
    };
    let line = "app1 moved: app1.service uses web service at db1:443, before at web1:443";
    // A line in the hosts file of one machine does not rename the other one; an alias does.
    assert_eq!(said(&before, &after(ReachedBy::HostsFile)), [line]);
    assert_eq!(
        said(&before, &after(ReachedBy::Alias)),
        [line, "db1 changed: has other names"]
    );
    // What stood behind a place that is still used has a line of its own when it goes.
    let stays = estate(vec![led("web1", ReachedBy::Alias)]);
    assert_eq!(only(&before, &stays).class, Class::Removed);
}

#[test]
fn a_new_job_is_told_by_its_need_and_one_that_needs_nobody_by_itself() {
    let job = |line: u32, program: &str| Job {
        scheduler: "cron".into(),
        name: format!("/etc/cron.d/copies:{line}").into(),
        schedule: "0 5 * * 1".into(),
        executable: Some(program.into()),
        file: "/etc/cron.d/copies".into(),
        ..Job::default()
    };
    let need = || {
        with(depends("app1", "ssh", "web1", 22), |d| {
            d.consumer.component.class = ComponentClass::ScheduledJob;
            d.consumer.component.name = "/etc/cron.d/copies:1".into();
        })
    };
    let having = |jobs: Vec<Job>, needs: Vec<Dependency>| {
        let mut inventory = estate(needs);
        for app in inventory.entities.iter_mut().filter(|e| e.name == "app1") {
            app.attributes.jobs = jobs.iter().cloned().map(Into::into).collect();
        }
        inventory
    };
    let (empty, one) = (|| having(Vec::new(), Vec::new()), job(1, "scp"));
    let told = having(vec![one.clone()], vec![need()]);
    assert_eq!(classes(&empty(), &told), [Class::Added]);
    assert_eq!(classes(&told, &empty()), [Class::Removed]);
    // The twins: nobody speaks of the second job, of one whose need was there before, and of another schedule.
    let two = having(vec![one.clone(), job(2, "scp")], vec![need()]);
    assert_eq!(classes(&empty(), &two), [Class::Added, Class::Added]);
    let known = having(Vec::new(), vec![need()]);
    assert_eq!(
        said(&known, &told),
        ["app1 added: scp in /etc/cron.d/copies"]
    );
    let hourly = Job {
        schedule: "0 * * * *".into(),
        ..one
    };
    assert_eq!(
        classes(&told, &having(vec![hourly], vec![need()])),
        [Class::Changed]
    );
}

#[test]
fn what_is_told_in_other_words_still_tells_how_it_is_used() {
    use groma_model::name::Protection;
    let need = || depends("app1", "sql", "db1", 5432);
    let seen = |protection, accounts: &[&str]| {
        with(program(need(), "/usr/bin/shop"), |d| {
            d.details.protection = Some(protection);
            d.details.accounts = accounts.iter().map(|a| (*a).to_owned()).collect();
        })
    };
    let whole = |protection, accounts: &[&str]| {
        with(unseen(need()), |d| {
            d.details = seen(protection, accounts).details;
        })
    };
    let told = |before: Dependency, after: Dependency| {
        let change = only(&estate(vec![before]), &estate(vec![after]));
        let details = change.details.iter();
        let words = details.map(|d| (d.what.clone(), d.before.clone(), d.after.clone()));
        (change.act, words.collect::<Vec<_>>())
    };
    let protection = |one: &str, other: &str| {
        vec![(
            "protection".to_owned(),
            Some(one.to_owned()),
            Some(other.to_owned()),
        )]
    };
    let (act, weaker) = told(
        seen(Protection::Tls, &[]),
        whole(Protection::None, &["shop"]),
    );
    assert_eq!(weaker, protection("TLS", "clear text"));
    assert!(act.is_some());
    let (act, stronger) = told(
        whole(Protection::None, &["shop"]),
        seen(Protection::Tls, &[]),
    );
    assert_eq!((act, stronger), (None, protection("clear text", "TLS")));
    let (_, accounts) = told(
        seen(Protection::Tls, &["shop"]),
        whole(Protection::Tls, &["root"]),
    );
    assert_eq!(accounts.len(), 2);
    let found = |by| {
        with(program(need(), "/usr/bin/shop"), |d| {
            d.reached_by = Some(by)
        })
    };
    let asked = |by| with(unseen(need()), |d| d.reached_by = Some(by));
    let (_, by) = told(found(ReachedBy::Name), asked(ReachedBy::HostsFile));
    assert_eq!(
        by,
        [(
            "reached by".to_owned(),
            Some("its own name".to_owned()),
            Some("a hosts file".to_owned())
        )]
    );
    // The twins: the same, and what only one of the two ends can know.
    let of = |before, after| said(&estate(vec![before]), &estate(vec![after]));
    assert!(of(found(ReachedBy::Name), asked(ReachedBy::Name)).is_empty());
    assert!(
        of(
            seen(Protection::Tls, &["shop"]),
            whole(Protection::Tls, &[])
        )
        .is_empty()
    );
    assert!(of(seen(Protection::None, &[]), unseen(need())).is_empty());
}

#[test]
fn a_name_in_a_hosts_file_is_told_where_its_need_has_no_line() {
    let led = |by| {
        with(unseen(depends("app1", "http", "db1", 443)), |d| {
            d.reached_as = Some("shop.corp.example".into());
            d.reached_by = Some(by);
        })
    };
    let named = |needs: Vec<Dependency>| {
        let mut estate = estate(needs);
        for db1 in estate.entities.iter_mut().filter(|e| e.name == "db1") {
            db1.names.push("shop.corp.example".into());
        }
        estate
    };
    // The need was known by a part of the machine: only its name is new.
    let known = program(depends("app1", "http", "db1", 443), "/usr/bin/curl");
    let after = named(vec![led(ReachedBy::HostsFile)]);
    assert_eq!(
        said(&estate(vec![known]), &after),
        ["db1 changed: has other names"]
    );
    // Where the need is new, it tells the name.
    assert_eq!(classes(&estate(Vec::new()), &after), [Class::Added]);
}

#[test]
fn parts_that_are_told_as_one_lost_no_account() {
    let need = || depends("app1", "sql", "db1", 5432);
    let part = |path: &str, account: &str| {
        with(program(need(), path), |d| {
            d.details.accounts = vec![account.to_owned()];
        })
    };
    let whole = |accounts: &[&str]| {
        with(unseen(need()), |d| {
            d.details.accounts = accounts.iter().map(|a| (*a).to_owned()).collect();
        })
    };
    let before = estate(vec![part("php", "shop"), part("cron", "report")]);
    let after = estate(vec![whole(&["report", "shop"])]);
    assert_eq!(said(&before, &after), [""; 0]);
    assert_eq!(said(&after, &before), [""; 0]);
    // Of one part alone another account is a change.
    let (one, other) = (
        estate(vec![part("php", "shop")]),
        estate(vec![whole(&["root"])]),
    );
    assert_eq!(said(&one, &other).len(), 1);
}
