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
