//! `host.archives` on mail that real programs delivered, and on what only looks like mail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here, and says aloud what it skips"
)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use groma_model::{CoverageState, Reason};
use groma_source::Budget;
use groma_source_content::ArchivesSource;
use support::{look, look_within, machine, number, put, says, world};

const LETTER: &str = "From: anna@corp.example\nTo: boris@corp.example\nSubject: one\n\
    Date: Fri, 20 Nov 2026 09:00:00 +0000\nMessage-ID: <1@corp.example>\n\nFrom here on it is text\n\nFrom next week on\n";
const DELIVER: &str = "/usr/lib/dovecot/dovecot-lda";

/// Delivers a letter with Dovecot's own program, as an account without rights; false where it is not installed.
fn deliver(root: &Path, location: &str, folder: Option<&str>) -> bool {
    if !Path::new(DELIVER).exists() {
        println!("skipped: {DELIVER} is not installed (package dovecot-core)");
        return false;
    }
    let settings = root.join("lda.conf");
    std::fs::write(
        &settings,
        "first_valid_uid = 0\nssl = no\nprotocols =\nlog_path = /dev/null\n",
    )
    .unwrap();
    let home = root.join("home/anna");
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            DELIVER,
            "-c",
        ])
        .arg(&settings);
    command.args([
        "-o",
        &format!(
            "mail_location={}",
            location.replace("~", &home.to_string_lossy())
        ),
    ]);
    command.args(["-o", "lda_mailbox_autocreate=yes", "-f", "x@corp.example"]);
    folder.into_iter().for_each(|folder| {
        command.args(["-m", folder]);
    });
    let mut child = command
        .env("HOME", &home)
        .env("USER", "nobody")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(LETTER.as_bytes())
        .unwrap();
    child.wait().unwrap().success()
}

fn open_to_all(root: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for at in ["", "home", "home/anna"] {
        std::fs::create_dir_all(root.join(at)).unwrap();
        std::fs::set_permissions(root.join(at), std::fs::Permissions::from_mode(0o777)).unwrap();
    }
}

#[test]
fn mail_that_dovecot_delivered_is_found_in_every_format_it_writes() {
    let root = machine();
    open_to_all(root.path());
    put(
        root.path(),
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nanna:x:65534:65534::/home/anna:/bin/sh\n",
    );
    put(
        root.path(),
        "etc/dovecot/dovecot.conf",
        b"!include conf.d/*.conf\n",
    );
    put(
        root.path(),
        "etc/dovecot/conf.d/10-mail.conf",
        b"mail_location = maildir:~/Maildir # ours\n",
    );
    let is_root = std::fs::metadata("/proc/self")
        .map(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
        .unwrap();
    if !is_root || !deliver(root.path(), "maildir:~/Maildir", None) {
        println!("skipped: needs root and Dovecot's delivery program");
        return;
    }
    for location in [
        "maildir:~/Maildir",
        "mbox:~/mail:INBOX=~/inbox",
        "mdbox:~/mdbox",
        "sdbox:~/sdbox",
    ] {
        assert!(
            deliver(root.path(), location, None) && deliver(root.path(), location, Some("Sent"))
        );
    }
    deliver(root.path(), "mbox:~/mail:INBOX=~/inbox", None);
    let world = world(root.path());
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "/home/anna/Maildir is a mail archive (maildir) of anna, used by Dovecot",
            "/home/anna/inbox is a mail archive (mbox, mboxcl) of anna",
            "/home/anna/mail/Sent is a mail archive (mbox, mboxcl) of anna",
            "/home/anna/mdbox is a mail archive (mdbox) of anna",
            "/home/anna/sdbox is a mail archive (sdbox) of anna",
        ]
    );
    // Two in the inbox and one in the folder `.Sent`.
    assert_eq!(
        number(&seen, "content_items", "/home/anna/Maildir"),
        Some(3.0)
    );
    assert_eq!(
        number(&seen, "content_items", "/home/anna/inbox"),
        Some(2.0)
    );
    assert_eq!(
        number(&seen, "content_items", "/home/anna/mail/Sent"),
        Some(1.0)
    );
    assert_eq!(
        number(&seen, "content_items", "/home/anna/sdbox"),
        Some(2.0)
    );
    assert_eq!(number(&seen, "content_items", "/home/anna/mdbox"), None);
    // Dovecot wrote 171 bytes for each letter, and so the names of the files say.
    let letter = LETTER.len() as f64;
    let bytes = number(&seen, "content_bytes", "/home/anna/Maildir").unwrap();
    assert!(
        bytes >= 3.0 * letter && bytes < 3.0 * (letter + 300.0),
        "{bytes}"
    );
    assert!(
        seen.coverage().all(|c| c.state == CoverageState::Complete),
        "{:?}",
        seen.gaps().collect::<Vec<_>>()
    );
}

#[test]
fn what_only_looks_like_mail_stays_silent() {
    let root = machine();
    put(
        root.path(),
        "home/anna/letter.mbox",
        b"From here on, everything is different.\n\nThat is all.\n",
    );
    put(
        root.path(),
        "home/anna/mail/novel",
        b"From anna Fri Nov 20 09:00:00 2026\nto the whole team: hello\n",
    );
    put(
        root.path(),
        "home/anna/budget.pst",
        b"PK\x03\x04 a workbook with a strange name",
    );
    put(root.path(), "home/anna/app.nsf", b"\x1a\x00 no");
    for part in ["cur", "new", "tmp"] {
        put(
            root.path(),
            &format!("srv/app/{part}/x.txt"),
            b"state of a program",
        );
    }
    put(
        root.path(),
        "srv/other/cur/1795165200.M1P1.h:2,S",
        b"only one of three",
    );
    for number in 0..5 {
        put(
            root.path(),
            &format!("srv/shop/{number}.eml"),
            b"# templates, not letters\nhello {{name}}\n",
        );
    }
    put(root.path(), "srv/one/a.eml", LETTER.as_bytes());
    put(
        root.path(),
        "home/anna/.cache/old.mbox",
        b"From a Fri Nov 20 09:00:00 2026\nFrom: a\nTo: b\n\n",
    );
    let world = world(root.path());
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    assert_eq!(says(&seen), [] as [&str; 0]);
    assert_eq!(seen.gaps().count(), 0);
}

#[test]
fn mailboxes_of_a_mail_server_are_one_store_with_a_row_for_each() {
    let root = machine();
    put(
        root.path(),
        "etc/postfix/main.cf",
        b"virtual_mailbox_base = /var/vmail\n",
    );
    put(
        root.path(),
        "etc/dovecot/dovecot.conf",
        b"mail_location = maildir:/var/vmail/%d/%n/Maildir\n",
    );
    for (person, letters) in [("anna", 3), ("boris", 1)] {
        for number in 0..letters {
            let name = format!(
                "var/vmail/corp.example/{person}/Maildir/cur/179516{number}200.M1P{number}.mail1,S=1000:2,S"
            );
            put(root.path(), &name, LETTER.as_bytes());
        }
        for part in ["new", "tmp"] {
            std::fs::create_dir_all(
                root.path()
                    .join(format!("var/vmail/corp.example/{person}/Maildir/{part}")),
            )
            .unwrap();
        }
    }
    put(
        root.path(),
        "var/mail/root",
        format!("From a Fri Nov 20 09:00:00 2026\n{LETTER}\n").as_bytes(),
    );
    let world = world(root.path());
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    assert_eq!(
        says(&seen),
        [
            "/var/mail is a mail archive (mbox, store)",
            "/var/vmail is a mail archive (maildir, store), used by Dovecot, Postfix",
        ]
    );
    assert_eq!(
        number(&seen, "content_bytes", "corp.example/anna"),
        Some(3000.0)
    );
    assert_eq!(
        number(&seen, "content_items", "corp.example/boris"),
        Some(1.0)
    );
    assert_eq!(number(&seen, "content_items", "/var/vmail"), Some(4.0));
    assert_eq!(number(&seen, "content_items", "root"), Some(1.0));
}

#[test]
fn thunderbird_names_what_it_uses_and_what_it_left_behind_is_an_orphan() {
    let root = machine();
    put(
        root.path(),
        "etc/passwd",
        b"anna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    let mailbox =
        format!("From - Fri Nov 20 09:00:00 2026\r\nX-Mozilla-Status: 0001\r\n{LETTER}\n");
    let at = "home/anna/.thunderbird";
    put(
        root.path(),
        &format!("{at}/profiles.ini"),
        b"[Profile0]\nName=default\nIsRelative=1\nPath=ab12.default\n",
    );
    put(
        root.path(),
        &format!("{at}/ab12.default/prefs.js"),
        b"user_pref(\"mail.server.server2.directory-rel\", \"[ProfD]Mail/Local Folders\");\n",
    );
    put(
        root.path(),
        &format!("{at}/ab12.default/Mail/Local Folders/Inbox"),
        mailbox.as_bytes(),
    );
    put(
        root.path(),
        &format!("{at}/ab12.default/Mail/Local Folders/Inbox.msf"),
        b"// index",
    );
    put(
        root.path(),
        &format!("{at}/ab12.default/Mail/pop.gone.example/Inbox"),
        mailbox.as_bytes(),
    );
    put(root.path(), &format!("{at}/zz99.old/prefs.js"), b"");
    put(
        root.path(),
        &format!("{at}/zz99.old/Mail/Local Folders/Sent"),
        mailbox.as_bytes(),
    );
    let world = world(root.path());
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    let profile = "/home/anna/.thunderbird/ab12.default";
    let lines = says(&seen);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].ends_with(&format!("Local Folders/Inbox is a mail archive (mbox) of anna, used by Thunderbird profile {profile}")), "{lines:#?}");
    assert!(
        lines[1].contains("pop.gone.example")
            && lines[1].ends_with("which no setting names any more"),
        "{lines:#?}"
    );
    assert!(
        lines[2].contains("zz99.old") && lines[2].ends_with("which no setting names any more"),
        "{lines:#?}"
    );
    // Two copies of one file share a key.
    let key =
        |line: &str| number(&seen, "content_key", line.split(" is a").next().unwrap()).unwrap();
    assert_eq!(key(&lines[0]), key(&lines[1]));
}

#[test]
fn a_budget_that_ends_says_where_and_the_next_look_goes_on_there() {
    let root = machine();
    let mailbox = format!("From - Fri Nov 20 09:00:00 2026\nX-Mozilla-Status: 0001\n{LETTER}\n");
    for number in 0..40 {
        put(
            root.path(),
            &format!("srv/d{number:02}/mail/box"),
            mailbox.as_bytes(),
        );
    }
    let world = world(root.path());
    let budget = Budget {
        entries_max: 50,
        ..Budget::default()
    };
    let mut source = ArchivesSource::new(world.clone());
    let mut found = std::collections::BTreeSet::new();
    let first = look_within(&mut source, &world, &budget);
    found.extend(says(&first));
    assert!(!found.is_empty() && found.len() < 40);
    let gap = first
        .gaps()
        .find(|g| g.reason == Reason::BudgetExhausted)
        .expect("a gap");
    assert!(gap.what.contains("/srv from /srv/d"), "{gap:?}");
    assert!(first.coverage().all(|c| c.state == CoverageState::Partial));
    for _ in 0..20 {
        found.extend(says(&look_within(&mut source, &world, &budget)));
    }
    assert_eq!(found.len(), 40);
}

#[test]
fn another_machines_file_system_is_a_gap_and_links_and_fifos_are_left_alone() {
    let root = machine();
    put(
        root.path(),
        "proc/self/mountinfo",
        b"1 0 254:0 / / rw - ext4 /dev/vda1 rw\n2 1 0:44 / /srv/nas rw - nfs4 nas1:/x rw\n",
    );
    let mailbox = format!("From - Fri Nov 20 09:00:00 2026\nX-Mozilla-Status: 0001\n{LETTER}\n");
    put(root.path(), "srv/nas/mail/box", mailbox.as_bytes());
    std::fs::create_dir_all(root.path().join("srv/loop/mail")).unwrap();
    std::os::unix::fs::symlink("..", root.path().join("srv/loop/mail/up")).unwrap();
    std::os::unix::fs::symlink("/srv/nas/mail/box", root.path().join("srv/loop/mail/box")).unwrap();
    let fifo = Command::new("mkfifo")
        .arg(root.path().join("srv/loop/mail/inbox.mbox"))
        .status();
    assert!(fifo.is_ok_and(|s| s.success()));
    let world = world(root.path());
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    assert_eq!(says(&seen), [] as [&str; 0]);
    let gaps: Vec<_> = seen
        .gaps()
        .map(|g| (g.scope.to_string(), g.reason.clone()))
        .collect();
    assert_eq!(
        gaps,
        [("archive:/srv/nas".to_owned(), Reason::RemoteFileSystem)]
    );
}

/// A Maildir with one letter, and files of a server in it.
fn maildir(root: &Path, at: &str, beside: &[&str]) {
    put(
        root,
        &format!("{at}/cur/1795165200.M1P1.mail1,S=1000:2,S"),
        b"Subject: x\n\nx\n",
    );
    for part in ["new", "tmp"] {
        std::fs::create_dir_all(root.join(at).join(part)).unwrap();
    }
    for name in beside {
        put(root, &format!("{at}/{name}"), b"3 V1 N1\n");
    }
}

#[test]
fn mail_that_a_server_serves_is_not_local_however_it_is_told_where() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/passwd",
        b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    put(root, "etc/dovecot/dovecot.conf", b"mail_location = maildir:~/Maildir\nuserdb {\n  driver = passwd-file\n  args = username_format=%u /etc/dovecot/users\n}\nuserdb {\n  driver = sql\n  args = /etc/dovecot/sql.conf.ext\n}\n");
    put(
        root,
        "etc/dovecot/users",
        b"ben:{CRYPT}canary:5000:5000::/srv/vmail/corp/ben::userdb_mail=x\n",
    );
    put(
        root,
        "etc/exim4/update-exim4.conf.conf",
        b"dc_localdelivery='maildir_home'\n",
    );
    maildir(root, "srv/vmail/corp/ben/Maildir", &[]);
    maildir(root, "data/mail/cleo", &["dovecot-uidlist"]);
    maildir(root, "data/old/dora", &[]);
    maildir(root, "data/old/emil", &["courierimapuiddb"]);
    maildir(root, "home/anna/Maildir", &[]);
    let world = world(root);
    let seen = look(&mut ArchivesSource::new(world.clone()), &world);
    let said: Vec<String> = says(&seen)
        .into_iter()
        .map(|line| line.replace(" of root", ""))
        .collect();
    assert_eq!(
        said,
        [
            "/data/mail/cleo is a mail archive (maildir), used by Dovecot",
            "/data/old/dora is a mail archive (maildir)",
            // Courier is not here any more: what it served lies there.
            "/data/old/emil is a mail archive (maildir)",
            "/home/anna/Maildir is a mail archive (maildir) of anna, used by Dovecot, Exim",
            "/srv/vmail/corp is a mail archive (maildir, store), used by Dovecot",
        ]
    );
    let all = format!("{:?}", seen.records);
    assert!(all.contains("asks for elsewhere (sql)") && !all.contains("canary"));
}
