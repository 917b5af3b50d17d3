//! The sources on machines made up for one purpose each: what is told, what becomes a gap, what stays unsaid.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::fact::{
    Account, Container, FileSystem, HostIdentity, Job, Measurement, OperatingSystem, Package, Unit,
};
use groma_model::{CoverageState, Fact, Reason};
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, World,
};
use groma_source_host::{
    AccountsSource, ContainersSource, JobsSource, Machine, NetworkSource, PackagesSource,
    StorageSource, SystemSource, UnitsSource,
};

fn look(source: &mut dyn Source, world: &World) -> Recorder {
    let mut recorder = Recorder::new(source.name());
    source.look(&window(world), &Budget::default(), &mut recorder);
    recorder
}

macro_rules! facts {
    ($recorder:expr, $variant:ident, $kind:ty) => {
        $recorder
            .facts()
            .filter_map(|f| {
                if let Fact::$variant(fact) = f {
                    Some(fact.clone())
                } else {
                    None
                }
            })
            .collect::<Vec<$kind>>()
    };
}

/// Every file may be executed.
struct Executable(FakeDisk);

impl Disk for Executable {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.0.read(path, limit)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.0.open(path)
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.0.list(path, limit)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.0.metadata(path).map(|metadata| Metadata {
            mode: Some(0o755),
            ..metadata
        })
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.0.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.0.space(path)
    }
}

fn machine() -> Machine {
    Machine {
        kernel: "6.1".into(),
        architecture: "x86_64".into(),
        processor: None,
        processors: 2,
        memory_bytes: 4 << 30,
        memory_available_bytes: 1 << 30,
    }
}

#[test]
fn a_virtual_machine_tells_its_identity_without_junk() {
    let dmi = |file: &str| format!("/sys/class/dmi/id/{file}");
    let disk = FakeDisk::new()
        .file("/proc/sys/kernel/hostname", "mail1\n")
        .file("/etc/hosts", "127.0.1.1 mail1.corp.example mail1\n")
        .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file(
            "/etc/os-release",
            "ID=rhel\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 9.4 (Plow)\"\n",
        )
        .file(
            &dmi("product_uuid"),
            "564D4CBC-C6A9-1969-8D7A-B0E4B1C0FF01\n",
        )
        .file(&dmi("product_serial"), "To be filled by O.E.M.\n")
        .file(&dmi("board_serial"), "None\n")
        .file(&dmi("sys_vendor"), "VMware, Inc.\n")
        .file("/sys/class/net/ens192/type", "1\n")
        .file("/sys/class/net/ens192/address", "00:50:56:AA:00:01\n")
        .link("/sys/class/net/ens192/device", "../../../0000:0b:00.0")
        .file("/sys/class/net/docker0/type", "1\n")
        .file("/sys/class/net/docker0/address", "02:42:ac:11:00:01\n");
    let world = world(disk);
    let recorder = look(
        &mut SystemSource::with_machine(world.clone(), machine),
        &world,
    );
    let identity = facts!(recorder, Identity, HostIdentity).remove(0);
    assert_eq!(
        identity.qualified_name.unwrap().as_str(),
        "mail1.corp.example"
    );
    assert_eq!(
        identity.smbios_uuid.as_deref(),
        Some("564d4cbc-c6a9-1969-8d7a-b0e4b1c0ff01")
    );
    assert_eq!(
        (identity.serial, identity.macs),
        (None, vec!["00:50:56:aa:00:01".to_owned()])
    );
    let system = facts!(recorder, OperatingSystem, OperatingSystem).remove(0);
    assert_eq!(
        (system.id.as_str(), system.virtualization.as_deref()),
        ("rhel", Some("vmware"))
    );
    assert_eq!(recorder.gaps().count(), 0);
}

#[test]
fn a_refused_uuid_becomes_a_gap_and_a_missing_one_does_not() {
    let common = || {
        FakeDisk::new()
            .file("/proc/sys/kernel/hostname", "a")
            .file("/etc/os-release", "ID=debian\n")
    };
    let denied =
        world(common().refused("/sys/class/dmi/id/product_uuid", Reason::PermissionDenied));
    let recorder = look(
        &mut SystemSource::with_machine(denied.clone(), machine),
        &denied,
    );
    let gap = recorder.gaps().next().unwrap();
    assert_eq!(
        (gap.reason.clone(), gap.remedy.as_deref()),
        (
            Reason::PermissionDenied,
            Some("run as root, or grant CAP_DAC_READ_SEARCH")
        )
    );
    let without = world(common());
    assert_eq!(
        look(
            &mut SystemSource::with_machine(without.clone(), machine),
            &without
        )
        .gaps()
        .count(),
        0
    );
}

#[test]
fn a_container_does_not_take_the_firmware_of_its_host_for_its_own() {
    let disk = FakeDisk::new()
        .file("/proc/sys/kernel/hostname", "ct1")
        .file("/run/systemd/container", "lxc\n")
        .file(
            "/sys/class/dmi/id/product_uuid",
            "564D4CBC-C6A9-1969-8D7A-B0E4B1C0FF01\n",
        );
    let world = world(disk);
    let identity = facts!(
        look(
            &mut SystemSource::with_machine(world.clone(), machine),
            &world
        ),
        Identity,
        HostIdentity
    )
    .remove(0);
    assert_eq!((identity.in_container, identity.smbios_uuid), (true, None));
}

#[test]
fn remote_storage_is_told_mounted_or_only_written_down() {
    let disk = FakeDisk::new()
        .file("/proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/sda1 rw\n44 27 0:50 / /srv/nas rw - nfs4 nas1:/vol rw,addr=10.0.0.7\n50 27 8:17 / /srv/db rw - xfs /dev/sdb1 rw\n")
        .file("/etc/fstab", "/dev/sda1 / ext4 defaults 0 1\nnas1:/vol /srv/nas nfs4 defaults 0 0\n//files1/scans /srv/scans cifs noauto,username=svc-scan,password=s3cr3t 0 0\n")
        .link("/dev/disk/by-path/ip-10.0.0.5:3260-iscsi-iqn.2026-11.example:db-lun-0-part1", "../../sdb1");
    let world = world(disk);
    let recorder = look(&mut StorageSource::new(world.clone()), &world);
    let mut told: Vec<String> = facts!(recorder, FileSystem, FileSystem)
        .iter()
        .map(|f| {
            format!(
                "{} {} {}",
                f.mount_point,
                f.bytes.is_some(),
                f.remote.as_ref().map_or("-".into(), |r| format!(
                    "{} {} {}",
                    r.kind,
                    r.peer,
                    r.account.clone().unwrap_or_default()
                ))
            )
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "/ true -",
            "/srv/db true iscsi 10.0.0.5 ",
            "/srv/nas false nfs nas1 ",
            "/srv/scans false smb files1 svc-scan"
        ]
    );
    assert!(!format!("{:?}", recorder.records).contains("s3cr3t"));
    assert_eq!(
        recorder
            .facts()
            .filter(|f| matches!(f, Fact::Measurement(m) if m.subject == "/srv/nas".into()))
            .count(),
        0,
        "a remote one is never asked"
    );
}

#[test]
fn a_refused_socket_becomes_a_gap_in_every_table() {
    let world = world(FakeDisk::new());
    let recorder = look(
        &mut NetworkSource::with_tables(world.clone(), |_| {
            Err(io::ErrorKind::PermissionDenied.into())
        }),
        &world,
    );
    assert!(
        recorder
            .coverage()
            .all(|c| c.state == CoverageState::Partial)
    );
    assert_eq!(recorder.coverage().count(), 3);
}

#[test]
fn who_may_log_in_is_told_from_who_may_not() {
    let passwd = "root:x:0:0::/root:/bin/bash\nkeyed:x:1000:1000::/home/keyed:/bin/bash\nlocked:x:1001:1001::/home/locked:/bin/bash\nold:x:1002:1002::/home/old:/bin/sh\nwww:x:33:33::/var/www:/usr/sbin/nologin\n";
    let shadow = "root:$6$s3cr3t$x:1::::::\nkeyed:!:1::::::\nlocked:!*:1::::::\nold:$6$y:1:::::1000:\nwww:*:1::::::\n";
    let common = || {
        FakeDisk::new()
            .file("/etc/passwd", passwd)
            .file("/home/keyed/.ssh/authorized_keys", "ssh-ed25519 A\n")
    };
    let open = |recorder: &Recorder| {
        facts!(recorder, Account, Account)
            .into_iter()
            .filter(|a| a.can_log_in)
            .map(|a| a.name.lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let as_root = world(common().file("/etc/shadow", shadow));
    let recorder = look(&mut AccountsSource::new(as_root.clone()), &as_root);
    assert_eq!(open(&recorder), ["keyed", "root"]);
    assert!(!format!("{:?}", recorder.records).contains("s3cr3t"));
    let as_nobody = world(common().refused("/etc/shadow", Reason::PermissionDenied));
    let recorder = look(&mut AccountsSource::new(as_nobody.clone()), &as_nobody);
    assert_eq!(open(&recorder), ["keyed", "locked", "old", "root"]);
    assert_eq!(
        (
            recorder.gaps().count(),
            recorder.coverage().next().unwrap().state
        ),
        (1, CoverageState::Partial)
    );
}

#[test]
fn an_rpm_database_is_read_and_an_unknown_manager_is_a_gap() {
    let database = include_bytes!("fixtures/rpm-4.18/rpmdb.sqlite");
    let disk = FakeDisk::new()
        .file("/var/lib/rpm/rpmdb.sqlite", *database)
        .file("/lib/apk/db/installed", "P:x\n");
    let world = world(disk);
    let recorder = look(&mut PackagesSource::new(world.clone()), &world);
    assert_eq!(
        facts!(recorder, Package, Package)
            .iter()
            .map(|p| p.manager.as_str())
            .collect::<Vec<_>>(),
        ["rpm"; 4]
    );
    assert_eq!(
        recorder
            .gaps()
            .map(|g| g.reason.clone())
            .collect::<Vec<_>>(),
        [Reason::Unsupported]
    );
    let complete = |scope: &str| {
        recorder
            .coverage()
            .find(|c| c.scope.as_str() == scope)
            .unwrap()
            .state
            == CoverageState::Complete
    };
    assert!(complete("packages:dpkg") && complete("packages:rpm") && !complete("packages:apk"));
}

#[test]
fn changes_that_wait_beside_the_rpm_database_are_a_gap() {
    let database = include_bytes!("fixtures/rpm-4.18/rpmdb.sqlite");
    let world = world(
        FakeDisk::new()
            .file("/var/lib/rpm/rpmdb.sqlite", *database)
            .file("/var/lib/rpm/rpmdb.sqlite-wal", "x"),
    );
    let recorder = look(&mut PackagesSource::new(world.clone()), &world);
    assert_eq!(recorder.gaps().count(), 1);
}

#[test]
fn units_are_read_with_links_masks_and_drop_ins() {
    let lib = |name: &str| format!("/usr/lib/systemd/system/{name}");
    let disk = FakeDisk::new()
        .link("/lib", "usr/lib")
        .file(&lib("multi-user.target"), "[Unit]\nDescription=Multi\n")
        .link(&lib("default.target"), "multi-user.target")
        .file(&lib("shop.service"), "[Unit]\nDescription=Shop\nRequires=shop-db.service\n[Service]\nEnvironment=TOKEN=s3cr3t\nExecStart=/opt/shop/bin/shop --token s3cr3t\n")
        .file(&lib("shop-db.service"), "[Service]\nExecStart=/opt/shop/bin/db\n")
        .file("/etc/systemd/system/shop.service.d/user.conf", "[Service]\nUser=shop\n")
        .file("/etc/systemd/system/shop.service.d/user.conf.bak", "[Service]\nUser=root\n")
        .link("/etc/systemd/system/multi-user.target.wants/shop.service", "/usr/lib/systemd/system/shop.service")
        .file(&lib("telnet.service"), "[Service]\nExecStart=/usr/sbin/telnetd\n")
        .link("/etc/systemd/system/telnet.service", "/dev/null")
        .link("/etc/systemd/system/multi-user.target.wants/gone.service", "/usr/lib/systemd/system/gone.service")
        .refused("/etc/systemd/system/private.service", Reason::PermissionDenied);
    let world = world(disk);
    let recorder = look(&mut UnitsSource::new(world.clone()), &world);
    let units: Vec<String> = facts!(recorder, Unit, Unit)
        .iter()
        .map(|u| {
            format!(
                "{} {} {} {}",
                u.name,
                u.enabled,
                u.executable.clone().unwrap_or_default(),
                u.user.clone().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        units,
        [
            "telnet.service false  ",
            "shop-db.service true /opt/shop/bin/db ",
            "shop.service true /opt/shop/bin/shop shop"
        ]
    );
    assert!(!format!("{:?}", recorder.records).contains("s3cr3t"));
    let partial: Vec<&str> = recorder
        .coverage()
        .filter(|c| c.state == CoverageState::Partial)
        .map(|c| c.scope.as_str())
        .collect();
    assert_eq!(partial, ["file:/etc/systemd/system"]);
}

#[test]
fn jobs_are_told_wherever_they_are_written() {
    let disk = FakeDisk::new()
        .file("/etc/debian_version", "12.1\n")
        .file("/etc/crontab", "25 6 * * * root cd / && run-parts --report /etc/cron.daily\n15 2 1 * * backup /opt/report/run --password=s3cr3t\n")
        .file("/etc/cron.d/sync", "*/10 * * * * www-data /opt/sync\n")
        .file("/etc/cron.d/sync.dpkg-dist", "* * * * * root /opt/never\n")
        .file("/etc/cron.daily/rotate", "#!/bin/sh\n")
        .file("/etc/cron.daily/.placeholder", "")
        .file("/etc/anacrontab", "7 10 tidy /opt/tidy\n")
        .refused("/var/spool/cron/crontabs/anna", Reason::PermissionDenied)
        .file("/var/spool/cron/crontabs/bob", "@reboot /home/bob/up\n")
        .file("/var/spool/cron/atjobs/a0000101cb61c2", *include_bytes!("fixtures/at-3.2.5/job"));
    let world = World {
        disk: Arc::new(Executable(disk)),
        ..world(FakeDisk::new())
    };
    let recorder = look(&mut JobsSource::new(world.clone()), &world);
    let jobs: Vec<String> = facts!(recorder, Job, Job)
        .iter()
        .map(|j| {
            format!(
                "{} {} [{}] {} {} {}",
                j.scheduler,
                j.name,
                j.schedule,
                j.rhythm.clone().unwrap_or_default(),
                j.user.clone().unwrap_or_default(),
                j.executable.clone().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        jobs,
        [
            "cron /etc/crontab:2 [15 2 1 * *] monthly backup /opt/report/run",
            "cron /etc/cron.d/sync:1 [*/10 * * * *] minutely www-data /opt/sync",
            "anacron tidy [every 7 days] weekly root /opt/tidy",
            "cron /etc/cron.daily/rotate [25 6 * * *] daily root /etc/cron.daily/rotate",
            "cron /var/spool/cron/crontabs/bob:1 [@reboot] boot bob /home/bob/up",
            "at /var/spool/cron/atjobs/a0000101cb61c2 [2027-03-29T23:30:00Z] once 0 /opt/report/once",
        ]
    );
    let said = format!("{:?}", recorder.records);
    assert!(!said.contains("s3cr3t") && !said.contains("hunter2"));
    assert_eq!(
        recorder
            .gaps()
            .map(|g| (g.scope.as_str(), g.reason.clone()))
            .collect::<Vec<_>>(),
        [("file:/var/spool/cron/crontabs", Reason::PermissionDenied)]
    );
}

fn jobs_of(disk: FakeDisk) -> Recorder {
    let world = World {
        disk: Arc::new(Executable(disk)),
        ..world(FakeDisk::new())
    };
    look(&mut JobsSource::new(world.clone()), &world)
}

#[test]
fn anacron_tells_its_delays_its_hours_and_when_each_job_last_ran() {
    let recorder = jobs_of(
        FakeDisk::new()
            .file("/etc/anacrontab", "START_HOURS_RANGE=3-22\nRANDOM_DELAY=45\n1 5 cron.daily nice run-parts /etc/cron.daily\n@monthly 45 closing /opt/closing\n")
            .file("/etc/cron.daily/tidy", "#!/bin/sh\n")
            .file("/var/spool/anacron/cron.daily", "20261119\n")
            .file("/var/spool/anacron/closing", "20261101\n"),
    );
    let jobs = facts!(recorder, Job, Job);
    let timing: Vec<_> = jobs
        .iter()
        .map(|j| {
            (
                j.name.to_string(),
                j.delay_seconds,
                j.random_delay_seconds,
                j.hours.as_deref(),
                j.persistent,
            )
        })
        .collect();
    assert_eq!(
        timing,
        [
            (
                "closing".into(),
                Some(2_700),
                Some(2_700),
                Some("3-22"),
                true
            ),
            (
                "/etc/cron.daily/tidy".into(),
                Some(300),
                Some(2_700),
                Some("3-22"),
                true
            ),
        ]
    );
    let ran: Vec<_> = facts!(recorder, Measurement, Measurement)
        .into_iter()
        .map(|m| (m.metric, m.subject.to_string(), m.value))
        .collect();
    assert_eq!(
        ran,
        [
            (
                "job_last_run_seconds".into(),
                "closing".into(),
                1_793_534_400.0
            ),
            (
                "job_last_run_seconds".into(),
                "/etc/cron.daily/tidy".into(),
                1_795_089_600.0
            ),
        ]
    );
}

#[test]
fn a_zone_in_a_table_counts_where_the_daemon_reads_it() {
    let table = "CRON_TZ=Asia/Tokyo\n0 6 * * * root /opt/a\n";
    let zone = |disk: FakeDisk| {
        let recorder = jobs_of(disk.file("/etc/crontab", table));
        facts!(recorder, Job, Job).remove(0).time_zone
    };
    let cronie = FakeDisk::new().file("/usr/sbin/crond", "");
    assert_eq!(zone(cronie).as_deref(), Some("Asia/Tokyo"));
    let debian = FakeDisk::new().file("/usr/sbin/cron", "");
    assert_eq!(
        zone(debian),
        None,
        "Debian's cron hands it to the job like any setting"
    );
}

#[test]
fn what_nothing_starts_is_no_job() {
    let recorder = jobs_of(
        FakeDisk::new()
            .file("/run/systemd/system", "")
            .link("/etc/systemd/system/cron.service", "/dev/null")
            .file("/etc/crontab", "0 6 * * * root /opt/a\n")
            .file("/etc/cron.d/b", "0 6 * * * root /opt/b\n")
            .file("/etc/cron.daily/c", "#!/bin/sh\n")
            .file("/var/spool/cron/crontabs/anna", "0 6 * * * /opt/d\n"),
    );
    assert_eq!(facts!(recorder, Job, Job), []);
    let recorder = jobs_of(
        FakeDisk::new()
            .file("/etc/debian_version", "12.1\n")
            .file(
                "/etc/crontab",
                "# 0 6 * * * root /opt/a\n#0 6 * * * root /opt/a\n",
            )
            .file("/etc/cron.d/.placeholder", "0 6 * * * root /opt/b\n")
            .file("/etc/cron.d/b.dpkg-old", "0 6 * * * root /opt/b\n")
            .file("/etc/cron.d/b.disabled", "0 6 * * * root /opt/b\n")
            .file("/etc/cron.daily/c.sh", "#!/bin/sh\n")
            .file("/etc/cron.daily/c~", "#!/bin/sh\n")
            .file("/var/spool/cron/crontabs/tmp.Xy12", "0 6 * * * /opt/d\n")
            .file("/var/spool/cron/atjobs/.SEQ", "00001\n"),
    );
    assert_eq!(facts!(recorder, Job, Job), []);
}

#[test]
fn a_directory_that_a_line_runs_is_walked_and_one_that_none_runs_is_not() {
    let recorder = jobs_of(
        FakeDisk::new()
            .file("/etc/crontab", "*/15 * * * * root run-parts /etc/cron.quarter\n7 3 * * * root /opt/first && run-parts /opt/parts\n")
            .file("/etc/cron.quarter/sync", "#!/bin/sh\n")
            .file("/etc/cron.quarter/sync.disabled", "#!/bin/sh\n")
            .file("/opt/parts/second", "#!/bin/sh\n")
            .file("/etc/cron.unused/never", "#!/bin/sh\n")
            .file("/var/spool/cron/crontabs/anna", "5 5 * * * run-parts /home/anna/jobs\n")
            .file("/home/anna/jobs/mine", "#!/bin/sh\n"),
    );
    let mut jobs: Vec<String> = facts!(recorder, Job, Job)
        .iter()
        .map(|j| format!("{} [{}] {}", j.name, j.schedule, j.user.clone().unwrap()))
        .collect();
    jobs.sort();
    assert_eq!(
        jobs,
        [
            "/etc/cron.quarter/sync [*/15 * * * *] root",
            "/etc/crontab:2 [7 3 * * *] root",
            "/home/anna/jobs/mine [5 5 * * *] anna",
            "/opt/parts/second [7 3 * * *] root",
        ]
    );
}

#[test]
fn a_line_whose_directory_is_told_with_another_time_or_account_is_a_job_of_its_own() {
    let told = |first: &str, table: &str| {
        let recorder = jobs_of(
            FakeDisk::new()
                .file("/etc/crontab", first)
                .file("/opt/parts/one", "#!/bin/sh\n")
                .file("/etc/cron.d/more", table),
        );
        let mut jobs: Vec<String> = facts!(recorder, Job, Job)
            .iter()
            .map(|j| format!("{} [{}] {}", j.name, j.schedule, j.user.clone().unwrap()))
            .collect();
        jobs.sort();
        jobs
    };
    let first = "7 3 * * * root run-parts /opt/parts\n";
    let script = "/opt/parts/one [7 3 * * *] root";
    assert_eq!(
        told(
            first,
            "7 4 * * * root run-parts /opt/parts\n7 3 * * * backup run-parts /opt/parts\n"
        ),
        [
            "/etc/cron.d/more:1 [7 4 * * *] root",
            "/etc/cron.d/more:2 [7 3 * * *] backup",
            script,
        ]
    );
    // Twin: the same time and account tell nothing new.
    assert_eq!(told(first, first), [script]);
    let many: String = (0..70)
        .map(|at| format!("7 3 * * * root run-parts /opt/none{at}\n"))
        .collect();
    let beyond = told(first, &many);
    assert_eq!(beyond.len(), 8, "{beyond:?}");
    assert!(beyond.contains(&"/etc/cron.d/more:64 [7 3 * * *] root".to_owned()));
}

#[test]
fn where_no_cron_is_installed_its_tables_start_nothing() {
    let scripts = || {
        FakeDisk::new()
            .file("/run/systemd/system", "")
            .file("/etc/cron.daily/apt-compat", "#!/bin/sh\n")
            .file(
                "/etc/cron.d/e2scrub_all",
                "30 3 * * 0 root /sbin/e2scrub_all\n",
            )
    };
    let none = jobs_of(scripts());
    assert_eq!(facts!(none, Job, Job), []);
    let cron = jobs_of(scripts().file("/usr/sbin/cron", ""));
    assert_eq!(facts!(cron, Job, Job).len(), 2);
    let anacron = jobs_of(scripts().file("/usr/sbin/anacron", ""));
    assert_eq!(facts!(anacron, Job, Job).len(), 2);
}

#[test]
fn a_timer_tells_its_unit_its_delay_and_when_it_last_elapsed() {
    let disk = FakeDisk::new()
        .file("/etc/systemd/system/report.timer", "[Timer]\nOnCalendar=*-*-01 05:00 Europe/Berlin\nOnCalendar=Mon *-*~07/1\nRandomizedDelaySec=1h\nPersistent=yes\nUnit=monthly-report.service\n[Install]\nWantedBy=timers.target\n")
        .file("/etc/systemd/system/monthly-report.service", "[Service]\nExecStart=/opt/report\n")
        .file("/etc/systemd/system/idle.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
        .file("/etc/systemd/system/idle.service", "[Service]\nExecStart=/opt/idle\n")
        .link("/etc/systemd/system/masked.timer", "/dev/null")
        .file("/lib/systemd/system/masked.timer", "[Timer]\nOnCalendar=daily\n")
        .file("/lib/systemd/system/default.target", "[Unit]\nRequires=basic.target\n")
        .file("/lib/systemd/system/basic.target", "[Unit]\nWants=timers.target\n")
        .file("/lib/systemd/system/timers.target", "[Unit]\n")
        .link("/etc/systemd/system/timers.target.wants/report.timer", "/etc/systemd/system/report.timer")
        .link("/etc/systemd/system/timers.target.wants/masked.timer", "/lib/systemd/system/masked.timer")
        .file("/var/lib/systemd/timers/stamp-report.timer", "");
    let world = world(disk);
    let recorder = look(&mut UnitsSource::new(world.clone()), &world);
    let jobs = facts!(recorder, Job, Job);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let job = &jobs[0];
    assert_eq!(job.starts, Some("monthly-report.service".into()));
    assert_eq!(
        job.schedule,
        "OnCalendar=*-*-01 05:00 Europe/Berlin; OnCalendar=Mon *-*~07/1"
    );
    assert_eq!(
        (
            job.rhythm.as_deref(),
            job.random_delay_seconds,
            job.persistent
        ),
        (Some("monthly"), Some(3_600), true)
    );
    let ran = facts!(recorder, Measurement, Measurement);
    assert_eq!(ran.len(), 1);
    assert_eq!(
        (ran[0].metric.as_str(), ran[0].subject.clone()),
        ("job_last_run_seconds", "report.timer".into())
    );
}

#[test]
fn the_time_zone_is_where_the_clock_leads() {
    let zone = |disk: FakeDisk| {
        let world = world(disk);
        let recorder = look(
            &mut SystemSource::with_machine(world.clone(), machine),
            &world,
        );
        facts!(recorder, OperatingSystem, OperatingSystem)
            .remove(0)
            .time_zone
    };
    let link = FakeDisk::new().link("/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin");
    assert_eq!(
        zone(link.file("/etc/timezone", "America/New_York\n")).as_deref(),
        Some("Europe/Berlin")
    );
    let copy = FakeDisk::new().file("/etc/localtime", "TZif2");
    assert_eq!(
        zone(copy.file("/etc/timezone", "Asia/Tokyo\n")).as_deref(),
        Some("Asia/Tokyo")
    );
    let nameless = FakeDisk::new().file("/etc/localtime", "TZif2");
    assert_eq!(zone(nameless), None, "a copy has no name");
    assert_eq!(zone(FakeDisk::new()).as_deref(), Some("UTC"));
}

#[test]
fn a_container_that_runs_is_told_from_one_that_is_kept() {
    let (one, two) = ("a".repeat(64), "b".repeat(64));
    let state = |id: &str, name: &str| {
        format!(
            r#"{{"ID":"{id}","Name":"/{name}","Config":{{"Image":"shop:1","Env":["P=s3cr3t"]}}}}"#
        )
    };
    let disk = FakeDisk::new()
        .file(
            &format!("/var/lib/docker/containers/{one}/config.v2.json"),
            state(&one, "shop"),
        )
        .file(
            &format!("/var/lib/docker/containers/{two}/config.v2.json"),
            state(&two, "old"),
        )
        .file("/proc/1/cgroup", "0::/init.scope\n")
        .file(
            "/proc/77/cgroup",
            format!("0::/system.slice/docker-{one}.scope\n"),
        )
        .file("/proc/78/cgroup", "0::/lxc.payload.ct7/init.scope\n");
    let world = world(disk);
    let recorder = look(&mut ContainersSource::new(world.clone()), &world);
    let told: Vec<String> = facts!(recorder, Container, Container)
        .iter()
        .map(|c| {
            format!(
                "{} {} {}",
                c.runtime,
                c.name.clone().unwrap_or_default(),
                c.running
            )
        })
        .collect();
    assert_eq!(told, ["docker shop true", "docker old false", "lxc  true"]);
    assert!(!format!("{:?}", recorder.records).contains("s3cr3t"));
}

#[test]
fn a_published_port_is_known_by_the_proxy_that_holds_it_where_no_file_of_the_engine_can_be_read() {
    let (web, other) = ("a".repeat(64), "b".repeat(64));
    let scope = |id: &str| format!("0::/system.slice/docker-{id}.scope\n");
    let table = |address: &str| format!("Main:\n     |-- {address}\n        /32 host LOCAL\n");
    let proxy = |port: &str, within: &str| {
        format!(
            "/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\00.0.0.0\0-host-port\0{port}\0-container-ip\0{within}\0-container-port\080\0"
        )
    };
    let engine = "0::/system.slice/docker.service\n";
    let disk = FakeDisk::new()
        .file("/proc/1/cgroup", "0::/init.scope\n")
        .file("/proc/50/cgroup", engine)
        .file("/proc/50/comm", "docker-proxy\n")
        .file("/proc/50/cmdline", proxy("8080", "172.17.0.2"))
        // Leads to a container nobody sees; and a program of that name that is none of Docker's.
        .file("/proc/51/cgroup", engine)
        .file("/proc/51/comm", "docker-proxy\n")
        .file("/proc/51/cmdline", proxy("8081", "172.17.0.9"))
        .file("/proc/52/cgroup", "0::/user.slice/session-2.scope\n")
        .file("/proc/52/comm", "docker-proxy\n")
        .file("/proc/52/cmdline", proxy("8082", "172.17.0.2"))
        .file("/proc/77/cgroup", scope(&web))
        .file("/proc/77/net/fib_trie", table("172.17.0.2"))
        .file("/proc/78/cgroup", scope(&other))
        .file("/proc/78/net/fib_trie", table("172.17.0.3"));
    let world = world(disk);
    let recorder = look(&mut ContainersSource::new(world.clone()), &world);
    let told: Vec<(bool, Vec<u16>, usize)> = facts!(recorder, Container, Container)
        .iter()
        .map(|c| {
            let ports = c.ports.iter().map(|p| p.port.0).collect();
            (c.id == web, ports, c.addresses.len())
        })
        .collect();
    assert_eq!(told, [(true, vec![8080], 1), (false, vec![], 0)]);
}

#[test]
fn seen_from_inside_a_container_is_not_a_guest_of_itself() {
    let id = "a".repeat(64);
    let line = format!("0::/system.slice/docker-{id}.scope\n");
    let world = world(
        FakeDisk::new()
            .file("/proc/1/cgroup", line.clone())
            .file("/proc/20/cgroup", line),
    );
    assert_eq!(
        look(&mut ContainersSource::new(world.clone()), &world)
            .facts()
            .count(),
        0
    );
}

#[test]
fn a_used_up_budget_is_a_gap_in_every_source_that_reads_files() {
    let world = world(
        FakeDisk::new()
            .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("/etc/systemd/system/a.service", "")
            .file("/etc/cron.d/a", "")
            .file("/var/lib/dpkg/status", ""),
    );
    let nothing = Budget {
        total_bytes_max: 0,
        ..Budget::default()
    };
    for mut source in groma_source_host::sources(&world) {
        if source.name().as_str() == "host.network" {
            continue;
        }
        let mut recorder = Recorder::new(source.name());
        source.look(&window(&world), &nothing, &mut recorder);
        assert!(
            recorder.gaps().any(|g| g.reason == Reason::BudgetExhausted),
            "{}",
            source.name()
        );
    }
}

#[test]
fn every_source_explains_itself() {
    let world = world(FakeDisk::new());
    for source in groma_source_host::sources(&world) {
        let explanation = source.explain();
        assert!(
            explanation.contacts.is_empty(),
            "this machine is looked at, nobody is asked"
        );
        for part in [
            &explanation.reads,
            &explanation.sends,
            &explanation.never_sends,
            &explanation.rights,
        ] {
            assert!(!part.is_empty(), "{}", source.name());
        }
    }
}
