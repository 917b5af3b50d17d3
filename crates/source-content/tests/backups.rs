//! `host.backups` beside real repositories of restic and borg.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here, and says aloud what it skips"
)]

mod support;

use std::process::Command;

use groma_source_content::BackupsSource;
use support::{look, machine, number, put, says, world};

#[test]
fn a_snapshot_that_restic_took_tells_when_the_job_last_ended_well() {
    let root = machine();
    put(root.path(), "srv/data/x", b"x");
    let repository = root.path().join("backup/r");
    let restic = |words: &[&str]| {
        let mut command = Command::new("restic");
        command
            .env("RESTIC_PASSWORD", "canary")
            .env("HOME", root.path())
            .arg("-r")
            .arg(&repository)
            .args(words);
        command.output().is_ok_and(|o| o.status.success())
    };
    let data = root.path().join("srv/data");
    if !restic(&["init"]) || !restic(&["backup", &data.to_string_lossy()]) {
        return println!("skipped: restic is not installed");
    }
    put(
        root.path(),
        "usr/local/sbin/nightly",
        b"#!/bin/bash\nexport RESTIC_REPOSITORY=/backup/r\nexport RESTIC_PASSWORD=canary\nnice restic backup --exclude /srv/data/tmp /srv/data\n",
    );
    put(
        root.path(),
        "etc/cron.d/backup",
        b"MAILTO=root\n15 3 * * * root /usr/local/sbin/nightly >/dev/null\n",
    );
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "restic /usr/local/sbin/nightly:4 copies /srv/data to /backup/r, daily (/usr/local/sbin/nightly:4)"
        ]
    );
    assert!(
        number(
            &seen,
            "backup_last_success_seconds",
            "/usr/local/sbin/nightly:4"
        )
        .unwrap()
            > 1.7e9
    );
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

#[test]
fn an_archive_that_borg_made_tells_it_too_also_for_a_repository_known_by_its_name_alone() {
    let root = machine();
    put(root.path(), "srv/data/x", b"x");
    let repository = root.path().join("backup/b");
    std::fs::create_dir_all(root.path().join("backup")).unwrap();
    let borg = |words: &[&str]| {
        let mut command = Command::new("borg");
        command
            .env("HOME", root.path().join("root"))
            .env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
            .args(words);
        command.output().is_ok_and(|o| o.status.success())
    };
    let at = repository.to_string_lossy().into_owned();
    if !borg(&["init", "-e", "none", &at])
        || !borg(&[
            "create",
            &format!("{at}::a"),
            &root.path().join("srv").to_string_lossy(),
        ])
    {
        return println!("skipped: borg is not installed");
    }
    put(
        root.path(),
        "etc/borgmatic/config.yaml",
        b"source_directories:\n    - /srv\nrepositories:\n    - path: /backup/b\n",
    );
    put(
        root.path(),
        "etc/systemd/system/borgmatic.timer",
        b"[Timer]\nOnCalendar=daily\n",
    );
    put(
        root.path(),
        "etc/systemd/system/borgmatic.service",
        b"[Service]\nExecStart=/usr/bin/borgmatic --verbosity -1\n",
    );
    // The same repository, reached over the network: borg's own record tells.
    put(
        root.path(),
        "etc/cron.weekly/far",
        format!("#!/bin/sh\nborg create 'b@nas1:{at}::w' /etc\n").as_bytes(),
    );
    {
        use std::os::unix::fs::PermissionsExt as _;
        let script = root.path().join("etc/cron.weekly/far");
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let records = root.path().join("root/.config/borg/security");
    for entry in std::fs::read_dir(records).unwrap() {
        std::fs::write(
            entry.unwrap().path().join("location"),
            format!("ssh://b@nas1{at}"),
        )
        .unwrap();
    }
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            format!("borg /etc/cron.weekly/far:2 copies /etc to nas1:{at}, weekly (/etc/cron.weekly/far:2)"),
            "borgmatic /etc/borgmatic/config.yaml copies /srv to /backup/b, daily (/etc/borgmatic/config.yaml:1)".to_owned(),
        ]
    );
    for job in ["/etc/borgmatic/config.yaml", "/etc/cron.weekly/far:2"] {
        assert!(
            number(&seen, "backup_last_success_seconds", job).unwrap() > 1.7e9,
            "{job}"
        );
    }
}

#[test]
fn a_backup_that_duplicity_made_tells_when_it_began_in_its_target_and_in_its_memory() {
    let root = machine();
    put(root.path(), "srv/data/x", b"x");
    let at = |path: &str| root.path().join(path).to_string_lossy().into_owned();
    std::fs::create_dir_all(root.path().join("backup/d")).unwrap();
    let made = Command::new("duplicity")
        .args(["full", "--no-encryption", "--archive-dir", &at("memory")])
        .args([at("srv/data"), format!("file://{}", at("backup/d"))])
        .output();
    if !made.is_ok_and(|o| o.status.success()) {
        return println!("skipped: duplicity is not installed");
    }
    // What it remembers of a target elsewhere has the name of that target's sum.
    let far = "sftp://b@nas1.corp.example/d";
    let memory = std::fs::read_dir(root.path().join("memory"));
    let own = memory.unwrap().next().unwrap().unwrap().path();
    let sum = "4fc8659d19e8377e2bcdb37cf1db7d8e";
    let there = root.path().join("root/.cache/duplicity");
    std::fs::create_dir_all(&there).unwrap();
    std::fs::rename(own, there.join(sum)).unwrap();
    let jobs = format!(
        "0 3 * * * root duplicity /srv/data file:///backup/d\n0 4 * * * root duplicity /srv/data {far}\n0 5 * * * root duplicity /srv/data file:///elsewhere\n"
    );
    put(root.path(), "etc/cron.d/backup", jobs.as_bytes());
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    let ended = |line: u8| {
        let name = format!("/etc/cron.d/backup:{line}");
        number(&seen, "backup_last_success_seconds", &name)
    };
    assert!(ended(1).unwrap() > 1.7e9);
    assert_eq!(ended(2), ended(1));
    assert_eq!(ended(3), None, "nothing was ever copied there");
}

#[test]
fn a_job_nobody_starts_says_so_and_an_agent_says_that_it_cannot_know_more() {
    let root = machine();
    put(
        root.path(),
        "etc/rsnapshot.conf",
        b"snapshot_root\t/backup/\nbackup\t/home/\tlocalhost/\n",
    );
    put(
        root.path(),
        "etc/cron.d/rsnapshot",
        b"# 0 */4 * * * root /usr/bin/rsnapshot alpha\n",
    );
    put(root.path(), "backup/alpha.0/localhost/home/x", b"x");
    put(
        root.path(),
        "etc/bacula/bacula-fd.conf",
        b"Director {\n Name = dir\n Password = canary\n}\n",
    );
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "bacula agent copies what is decided elsewhere (/etc/bacula/bacula-fd.conf:1)",
            "rsnapshot /etc/rsnapshot.conf copies /home/ to /backup/, and nothing starts it (/etc/rsnapshot.conf:1)",
        ]
    );
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

#[test]
fn settings_as_shipped_that_nothing_starts_and_that_never_copied_anything_are_no_job() {
    let root = machine();
    let root = root.path();
    // As Debian ships them.
    put(
        root,
        "etc/rsnapshot.conf",
        b"snapshot_root\t/var/cache/rsnapshot/\nbackup\t/home/\tlocalhost/\nbackup\t/etc/\tlocalhost/\n",
    );
    put(
        root,
        "etc/cron.d/rsnapshot",
        b"# 0 */4\t\t* * *\t\troot\t/usr/bin/rsnapshot alpha\n# 30 3  \t* * *\t\troot\t/usr/bin/rsnapshot beta\n",
    );
    let said = || {
        let world = world(root);
        says(&look(&mut BackupsSource::new(world.clone()), &world))
    };
    assert_eq!(said(), [] as [&str; 0], "no directory");
    std::fs::create_dir_all(root.join("var/cache/rsnapshot")).unwrap();
    assert_eq!(said(), [] as [&str; 0], "an empty one");
    // It ran once, so somebody meant it: that nothing starts it any more is what they should know.
    put(root, "var/cache/rsnapshot/alpha.0/localhost/etc/x", b"x");
    let job = "rsnapshot /etc/rsnapshot.conf copies /home/, /etc/ to /var/cache/rsnapshot/";
    let at = "(/etc/rsnapshot.conf:1)";
    assert_eq!(said(), [format!("{job}, and nothing starts it {at}")]);
    // What something starts is a job before its first run too.
    std::fs::remove_dir_all(root.join("var/cache/rsnapshot")).unwrap();
    put(
        root,
        "etc/cron.d/rsnapshot",
        b"30 3 * * * root /usr/bin/rsnapshot beta\n",
    );
    assert_eq!(said(), [format!("{job}, daily {at}")]);
}

#[test]
fn settings_that_nothing_starts_stay_where_their_place_cannot_be_told() {
    let root = machine();
    let root = root.path();
    put(root, "backup/archive.tar", b"x");
    for (target, said_at) in [
        ("/backup/archive.tar", "/backup/archive.tar"),
        ("/backup/{hostname}.borg", "/backup/{hostname}.borg"),
        ("ssh://b@nas1/./r", "ssh://nas1/./r"),
    ] {
        let settings =
            format!("source_directories:\n    - /srv\nrepositories:\n    - path: {target}\n");
        put(root, "etc/borgmatic/config.yaml", settings.as_bytes());
        let world = world(root);
        let said = says(&look(&mut BackupsSource::new(world.clone()), &world));
        let start = format!(
            "borgmatic /etc/borgmatic/config.yaml copies /srv to {said_at}, and nothing starts it"
        );
        assert!(said.len() == 1 && said[0].starts_with(&start), "{said:?}");
    }
}

#[test]
fn a_script_that_restores_or_cleans_up_is_no_backup() {
    let root = machine();
    put(root.path(), "etc/cron.daily/clean", b"#!/bin/sh\nrestic -r /backup/r forget --keep-daily 7\ntar xzf /backup/x.tgz -C /srv\nborg prune /backup/b\n");
    put(
        root.path(),
        "etc/cron.daily/dpkg",
        b"#!/bin/sh\ntar -cf alternatives.tar -C /var/lib/dpkg alternatives\n",
    );
    put(
        root.path(),
        "opt/never-started.sh",
        b"#!/bin/sh\ntar czf /backup/x.tgz /srv\n",
    );
    let world = world(root.path());
    assert_eq!(
        says(&look(&mut BackupsSource::new(world.clone()), &world)),
        [] as [&str; 0]
    );
}

/// A fixture that a real program wrote.
fn recorded(file: &str) -> Vec<u8> {
    let at = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/backups");
    std::fs::read(at.join(file)).unwrap()
}

#[test]
fn a_director_of_bacula_says_what_it_copies_of_whom_and_when_that_ended_well() {
    let root = machine();
    let settings = String::from_utf8(recorded("bacula-9.6/bacula-dir.conf")).unwrap();
    let more = "@/etc/bacula/clients.conf\n@|\"sh -c 'canary'\"\n";
    put(
        root.path(),
        "etc/bacula/bacula-dir.conf",
        (settings + more).as_bytes(),
    );
    put(root.path(), "etc/bacula/clients.conf", b"Client { Name = web1-fd; Address = web1.corp.example; Password = canary }\n\
        FileSet { Name = web; Include { Options { WildDir = /x }\n File = /srv/www\n File = \"|list\" }\n Exclude { File = /srv/www/tmp } }\n\
        Schedule { Name = quarter; Run = Full jan apr jul oct on 1 at 3:00 }\n\
        Job { Name = web1; JobDefs = DefaultJob; Client = web1-fd; FileSet = web; Schedule = quarter }\n\
        Job { Name = ghost; JobDefs = DefaultJob; Enabled = no }\n\
        Job { Name = idle; Type = Backup; Client = web1-fd; FileSet = web; Storage = File1 }\n");
    put(
        root.path(),
        "var/log/bacula/bacula.log",
        &recorded("bacula-9.6/bacula.log"),
    );
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "bacula BackupCatalog copies /var/lib/bacula/bacula.sql to File1, daily (/etc/bacula/bacula-dir.conf:30)",
            "bacula BackupClient1 copies /usr/sbin to File1, daily (/etc/bacula/bacula-dir.conf:26)",
            "bacula idle of web1.corp.example copies /srv/www to File1, and nothing starts it (/etc/bacula/clients.conf:9)",
            "bacula web1 of web1.corp.example copies /srv/www to File1, quarterly (/etc/bacula/clients.conf:7)",
        ]
    );
    let ended = |job: &str| number(&seen, "backup_last_success_seconds", job);
    assert_eq!(ended("BackupClient1"), Some(1_795_208_400.0));
    assert_eq!(ended("web1 of web1.corp.example"), None);
    let all = format!("{:?}", seen.records);
    assert!(!all.contains("canary") && all.contains("that a command writes"));
}

#[test]
fn amanda_tells_what_it_copies_of_each_machine_and_when() {
    let root = machine();
    put(
        root.path(),
        "etc/amanda/daily/amanda.conf",
        &recorded("amanda-3.5/amanda.conf"),
    );
    put(
        root.path(),
        "etc/amanda/daily/disklist",
        b"localhost /srv/data gt\nweb1 /srv gt\n",
    );
    put(
        root.path(),
        "var/lib/amanda/state/curinfo/localhost/_srv_data/info",
        &recorded("amanda-3.5/info"),
    );
    put(
        root.path(),
        "etc/amanda/weekly/disklist",
        b"web1 /home gt\n",
    );
    put(
        root.path(),
        "etc/cron.d/amanda",
        b"45 0 * * sun backup /usr/sbin/amdump daily\n",
    );
    let world = world(root.path());
    let seen = look(&mut BackupsSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "amanda daily copies /srv/data to chg-disk:/srv/vtapes, weekly (/etc/amanda/daily/disklist:1)",
            "amanda daily of web1 copies /srv to chg-disk:/srv/vtapes, weekly (/etc/amanda/daily/disklist:2)",
            "amanda weekly of web1 copies /home, and nothing starts it (/etc/amanda/weekly/disklist:1)",
        ]
    );
    assert_eq!(
        number(&seen, "backup_last_success_seconds", "daily"),
        Some(1_795_210_762.0)
    );
}

#[test]
fn a_timer_that_is_shipped_and_not_enabled_starts_nothing() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "lib/systemd/system/dump.timer",
        b"[Timer]\nOnCalendar=Sun 03:00\n[Install]\nWantedBy=timers.target\n",
    );
    put(
        root,
        "lib/systemd/system/dump.service",
        b"[Service]\nExecStart=/usr/bin/pg_dump -f /backup/shop.sql shop\n",
    );
    put(
        root,
        "lib/systemd/system/pg_dump@.timer",
        b"[Timer]\nOnCalendar=weekly\n[Install]\nWantedBy=timers.target\n",
    );
    put(
        root,
        "lib/systemd/system/pg_dump@.service",
        b"[Service]\nExecStart=/usr/bin/pg_dumpall -f /backup/all.sql\n",
    );
    let said = || {
        let world = world(root);
        says(&look(&mut BackupsSource::new(world.clone()), &world))
    };
    assert_eq!(
        said(),
        [
            "pg_dump /lib/systemd/system/dump.service:1 copies postgresql/shop to /backup/shop.sql, and nothing starts it (/lib/systemd/system/dump.service:1)"
        ]
    );
    let wants = root.join("etc/systemd/system/timers.target.wants");
    std::fs::create_dir_all(&wants).unwrap();
    std::os::unix::fs::symlink("/lib/systemd/system/dump.timer", wants.join("dump.timer")).unwrap();
    assert_eq!(
        said(),
        [
            "pg_dump /lib/systemd/system/dump.service:1 copies postgresql/shop to /backup/shop.sql, weekly (/lib/systemd/system/dump.service:1)"
        ]
    );
    // Masked: a link to nothing, in the directory that wins.
    std::os::unix::fs::symlink("/dev/null", root.join("etc/systemd/system/dump.timer")).unwrap();
    assert_eq!(said(), [] as [&str; 0]);
}
