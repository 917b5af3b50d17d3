//! `host.shares` beside `testparm`, `setfacl` and Samba's own tool for Windows rights.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here, and says aloud what it skips"
)]

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use groma_model::fact::{Access, Share};
use groma_model::{CoverageState, Fact, Reason};
use groma_source::Recorder;
use groma_source_content::SharesSource;
use support::{look, machine, number, put, world};

fn shares(seen: &Recorder) -> BTreeMap<String, Share> {
    let shares = seen.facts().filter_map(|f| match f {
        Fact::Share(share) => Some((share.name.to_string(), share.clone())),
        _ => None,
    });
    shares.collect()
}

fn accesses(seen: &Recorder) -> Vec<String> {
    let accesses = seen.facts().filter_map(|f| match f {
        Fact::Access(Access {
            path,
            kind,
            grants,
            orphans,
        }) => {
            let grants: Vec<String> = grants
                .iter()
                .map(|g| format!("{} {}", g.principal, g.right))
                .collect();
            let orphans = if orphans.is_empty() {
                String::new()
            } else {
                format!(" (nobody: {orphans:?})")
            };
            Some(format!("{path} {kind}: {}{orphans}", grants.join(", ")))
        }
        _ => None,
    });
    accesses.collect()
}

const SETTINGS: &str = "# Debian's own, shortened, with shares of an office
[global]
   workgroup = CORP
   server role = standalone server
   map to guest = bad user
   hosts allow = 192.0.2. 127.0.0.1
[homes]
   browseable = no
   read only = no
   valid users = %S
[printers]
   path = /var/tmp
   printable = yes
   guest ok = no
[Projects]
   directory = /srv/projects
   writeable = yes
   valid users = @sales, anna
   admin users = anna
[old$]
   path = /srv/old
   public = yes
[copy of old]
   copy = old$
   path = /srv/copy
   write ok = yes
[off]
   path = /srv/off
   available = no
";

#[test]
fn samba_itself_says_the_same_about_its_shares() {
    let root = machine();
    put(root.path(), "etc/samba/smb.conf", SETTINGS.as_bytes());
    let world = world(root.path());
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    let ours = shares(&seen);
    let names: Vec<&str> = ours.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["Projects", "copy of old", "homes", "old$", "printers"]
    );
    if !std::path::Path::new("/usr/bin/testparm").exists() {
        return println!("skipped: testparm is not installed (package samba-common-bin)");
    }
    let file = root.path().join("etc/samba/smb.conf");
    for (name, share) in &ours {
        let ask = |setting: &str| {
            let mut command = Command::new("testparm");
            command
                .args([
                    "-s",
                    "-v",
                    "--section-name",
                    name,
                    "--parameter-name",
                    setting,
                ])
                .arg(&file);
            let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
            said.trim().to_owned()
        };
        assert_eq!(ask("read only") == "Yes", share.read_only, "{name}");
        assert_eq!(ask("guest ok") == "Yes", share.guest, "{name}");
        if share.sort == "disk" {
            assert_eq!(ask("path"), share.path.to_string(), "{name}");
        }
        let valid = ask("valid users");
        let connect: Vec<String> = share
            .grants
            .iter()
            .filter(|g| g.right == "connect")
            .map(|g| g.principal.to_string())
            .collect();
        for user in valid.split([' ', ',']).filter(|u| !u.is_empty()) {
            assert!(
                connect.contains(&user.to_owned()),
                "{name}: {user} of {connect:?}"
            );
        }
        assert_eq!(
            valid.is_empty(),
            connect.contains(&"*".to_owned()),
            "{name}"
        );
    }
}

#[test]
fn rights_that_setfacl_wrote_are_told_where_they_deviate() {
    let root = machine();
    put(
        root.path(),
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    put(root.path(), "etc/group", b"root:x:0:\nsales:x:2001:anna\n");
    put(
        root.path(),
        "etc/exports",
        b"/srv/projects 192.0.2.0/24(rw) backup1(ro,no_root_squash)\n",
    );
    put(root.path(), "srv/projects/plain/a.txt", &[b'x'; 1000]);
    put(
        root.path(),
        "srv/projects/closed/deep/deeper/b.txt",
        &[b'x'; 500],
    );
    let at = |path: &str| root.path().join(path);
    for path in [
        "srv/projects",
        "srv/projects/plain",
        "srv/projects/closed",
        "srv/projects/closed/deep",
    ] {
        std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(0o750)).unwrap();
    }
    let set = |entry: &str, path: &str| {
        Command::new("setfacl")
            .args(["-m", entry])
            .arg(at(path))
            .status()
            .is_ok_and(|s| s.success())
    };
    if !set(
        "u:1001:rwx,g:2001:r-x,u:1234:rw-,d:g:2001:rwx",
        "srv/projects/closed",
    ) {
        return println!("skipped: setfacl (package acl) or ACLs are not here");
    }
    std::os::unix::fs::symlink("/etc", at("srv/projects/link")).unwrap();
    let world = world(root.path());
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    assert_eq!(
        accesses(&seen),
        [
            "/srv/projects mode: @root r-x, root rwx",
            // The mode shows the mask where the group's rights stand, so it differs.
            "/srv/projects/closed mode: @root rwx, root rwx",
            "/srv/projects/closed posix-acl: @sales r-x, anna rwx, uid 1234 rw- (nobody: [\"uid 1234\"])",
            "/srv/projects/closed posix-default-acl: @sales rwx",
        ]
    );
    assert_eq!(
        number(&seen, "content_bytes", "/srv/projects"),
        Some(1500.0)
    );
    assert_eq!(number(&seen, "content_items", "/srv/projects"), Some(2.0));
    assert!(
        seen.coverage().all(|c| c.state == CoverageState::Complete),
        "{:?}",
        seen.gaps().collect::<Vec<_>>()
    );
}

#[test]
fn rights_that_samba_wrote_for_windows_are_told_without_the_inherited_ones() {
    let root = machine();
    put(
        root.path(),
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    let settings = "[global]\nserver role = standalone server\n[data]\npath = /srv/data\nvfs objects = acl_xattr\n";
    put(root.path(), "etc/samba/smb.conf", settings.as_bytes());
    put(root.path(), "srv/data/x", b"x");
    std::fs::set_permissions(
        root.path().join("srv/data"),
        std::fs::Permissions::from_mode(0o750),
    )
    .unwrap();
    // Samba's own marshalling and its own attribute, without a running server.
    let script = "import sys\nfrom samba.ndr import ndr_pack\nfrom samba.dcerpc import xattr, security\nfrom samba import xattr_native\n\
        s = security.descriptor.from_sddl('O:S-1-22-1-1001G:S-1-22-2-0D:(A;OICI;0x001f01ff;;;S-1-22-1-1001)(A;OICIID;0x001f01ff;;;WD)(D;;0x2;;;S-1-22-1-4711)(A;;0x001200a9;;;S-1-5-21-1-2-3-1105)', security.dom_sid('S-1-5-21-1-2-3'))\n\
        n = xattr.NTACL()\nn.version = 1\nn.info = s\nxattr_native.wrap_setxattr(sys.argv[1], 'security.NTACL', ndr_pack(n))\n";
    let set = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(root.path().join("srv/data"))
        .output()
        .unwrap();
    if !set.status.success() {
        return println!(
            "skipped: needs root and python3-samba: {}",
            String::from_utf8_lossy(&set.stderr)
        );
    }
    let world = world(root.path());
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    assert_eq!(
        accesses(&seen),
        [
            "/srv/data mode: gid 0 r-x, root rwx",
            "/srv/data nt-acl: S-1-5-21-1-2-3-1105 read, anna full-access, anna owner, uid 4711 denied (nobody: [\"uid 4711\"])",
        ]
    );
}

/// Runs one of Samba's programs on tables of its own; `None` where it is not there or refuses.
fn samba(program: &str, words: &[&str], input: &[u8]) -> Option<String> {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(words)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said)
}

#[test]
fn a_right_of_an_account_that_samba_deleted_is_nobodys_and_no_password_is_read() {
    let root = machine();
    let at = |path: &str| root.path().join(path).to_string_lossy().into_owned();
    put(root.path(), "var/lib/samba/private/x", b"");
    put(root.path(), "srv/closed/x", b"x");
    put(
        root.path(),
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n",
    );
    put(root.path(), "etc/group", b"root:x:0:\ndaemon:x:1:\n");
    let shares = "[closed]\npath = /srv/closed\n";
    let global =
        "[global]\nnetbios name = FILES1\nworkgroup = OFFICE\nserver role = standalone server\n";
    put(
        root.path(),
        "etc/samba/smb.conf",
        format!("{global}{shares}").as_bytes(),
    );
    // The same server, with its tables where this test may write them.
    let places = [
        "private dir",
        "state directory",
        "lock directory",
        "cache directory",
        "pid directory",
    ];
    let places: String = places
        .iter()
        .map(|key| {
            let below = if *key == "private dir" {
                "/private"
            } else {
                ""
            };
            format!("{key} = {}{below}\n", at("var/lib/samba"))
        })
        .collect();
    put(
        root.path(),
        "smb.conf",
        format!("{global}{places}{shares}").as_bytes(),
    );
    let settings = at("smb.conf");
    let add = ["-s", &settings, "-a", "-t", "-u", "daemon"];
    let secret = "canary-Pa55\ncanary-Pa55\n";
    let made = samba("pdbedit", &add, secret.as_bytes());
    let own = samba("net", &["-s", &settings, "getlocalsid"], b"");
    let (Some(_), Some(own)) = (made, own) else {
        return println!(
            "skipped: needs root and Samba's programs (packages samba, samba-common-bin)"
        );
    };
    let own = own.rsplit(' ').next().unwrap().trim();
    let acl =
        format!("{own}-1000:ALLOWED/0/FULL,{own}-4711:ALLOWED/0/CHANGE,S-1-1-0:DENIED/0/READ");
    samba("sharesec", &["-s", &settings, "closed", "-R", &acl], b"").unwrap();
    let world = world(root.path());
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    let told = accesses(&seen);
    let share_acl = told
        .iter()
        .find(|line| line.contains(" share-acl: "))
        .unwrap();
    for part in [
        format!("{own}-4711 write"),
        "daemon full-access".into(),
        "S-1-1-0 denied".into(),
        format!("(nobody: [\"{own}-4711\"])"),
    ] {
        assert!(share_acl.contains(&part), "{part} of {share_acl}");
    }
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

#[test]
fn files_that_belong_to_nobody_are_counted_below_the_share_and_those_of_accounts_are_not() {
    let root = machine();
    put(
        root.path(),
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    put(root.path(), "etc/group", b"root:x:0:\nanna:x:1001:\n");
    put(root.path(), "etc/exports", b"/srv/data 192.0.2.0/24(rw)\n");
    for (path, owner) in [
        ("a/b/c/d/left.doc", 1234),
        ("a/b/c/d/also.doc", 1234),
        ("a/hers.doc", 1001),
        ("root.doc", 0),
    ] {
        put(root.path(), &format!("srv/data/{path}"), b"x");
        let at = root.path().join("srv/data").join(path);
        if std::os::unix::fs::chown(at, Some(owner), Some(owner)).is_err() {
            return println!("skipped: only root may give files away");
        }
    }
    let told = |root: &std::path::Path| {
        let world = world(root);
        let seen = look(&mut SharesSource::new(world.clone()), &world);
        let files: Vec<String> = accesses(&seen)
            .into_iter()
            .filter(|l| l.contains(" files: "))
            .collect();
        (files, number(&seen, "content_orphan_items", "/srv/data"))
    };
    let nobody = "(nobody: [\"gid 1234\", \"uid 1234\"])";
    assert_eq!(
        told(root.path()),
        (
            vec![format!(
                "/srv/data files: gid 1234 owner, uid 1234 owner {nobody}"
            )],
            Some(2.0)
        )
    );
    // With a directory behind it nobody here can say so.
    put(root.path(), "etc/nsswitch.conf", b"passwd: files sss\n");
    assert_eq!(told(root.path()), (vec![], None));
}

#[test]
fn what_is_not_offered_stays_silent_and_what_cannot_be_told_is_a_gap() {
    let root = machine();
    let world_of = |settings: &str| {
        put(root.path(), "etc/samba/smb.conf", settings.as_bytes());
        put(root.path(), "etc/exports", b"# /srv/ghost *(rw)\n\n");
        world(root.path())
    };
    let world = world_of(
        "# [ghost]\n#path = /srv\n[global]\ninclude = registry\n[gone]\npath = /srv/gone\n",
    );
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    let known = shares(&seen);
    assert_eq!(
        known.keys().map(String::as_str).collect::<Vec<_>>(),
        ["gone"]
    );
    let reasons: Vec<_> = seen.gaps().map(|g| g.reason.clone()).collect();
    assert_eq!(reasons, [Reason::Unsupported, Reason::Vanished]);
}

#[test]
fn sessions_are_counted_out_of_sambas_own_table_and_a_directory_is_left_to_answer() {
    let root = machine();
    let root = root.path();
    let recorded = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/shares/samba-4.17/smbXsrv_tcon_global.tdb");
    put(
        root,
        "run/samba/smbXsrv_tcon_global.tdb",
        &std::fs::read(recorded).unwrap(),
    );
    let held = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/shares/samba-4.17/locking.tdb");
    let held = std::fs::read(held).unwrap();
    put(root, "run/samba/locking.tdb", &held);
    put(
        root,
        "etc/samba/smb.conf",
        b"[Projects]\n path = /srv/projects\n[idle]\n path = /srv/idle\n",
    );
    put(root, "srv/projects/x", b"x");
    put(root, "srv/idle/x", b"x");
    put(root, "etc/passwd", b"nobody:x:65534:65534::/:/bin/false\n");
    put(root, "etc/group", b"nogroup:x:65534:\n");
    put(root, "etc/nsswitch.conf", b"passwd: files sss\n");
    let world = world(root);
    let seen = look(&mut SharesSource::new(world.clone()), &world);
    assert_eq!(number(&seen, "share_sessions", "/srv/projects"), Some(1.0));
    assert_eq!(number(&seen, "share_sessions", "/srv/idle"), Some(0.0));
    let open = |path: &str| number(&seen, "share_open_files", path);
    assert_eq!(
        (open("/srv/projects"), open("/srv/idle")),
        (Some(2.0), Some(0.0))
    );
    let orphans = seen
        .facts()
        .any(|f| matches!(f, Fact::Access(access) if !access.orphans.is_empty()));
    assert!(!orphans, "a directory may know them");
    assert!(format!("{:?}", seen.records).contains("whether the directory knows gid"));
}
