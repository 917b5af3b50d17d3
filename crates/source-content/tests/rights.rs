//! `host.mailbox-rights`: who may use whose mailbox, by files that Dovecot itself wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use std::path::Path;

use groma_model::CoverageState;
use groma_source::Recorder;
use groma_source_content::MailboxRightsSource;
use support::{look, machine, put, says, world};

const USERS: &str =
    "userdb {\n  driver = static\n  args = uid=1000 gid=1000 home=/var/vmail/%d/%n\n}\n";
const ON: &str = "plugin {\n  acl = vfile\n}\n";

/// A machine with the mailboxes recorded under `form` and these settings.
fn looked(form: &str, settings: &str) -> Recorder {
    let root = machine();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/rights")
        .join(form);
    copy(&from, &root.path().join("var/vmail"));
    put(root.path(), "etc/dovecot/dovecot.conf", settings.as_bytes());
    let world = world(root.path());
    look(&mut MailboxRightsSource::new(world.clone()), &world)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Without the file that says so: that differs with the form.
fn ties(seen: &Recorder) -> Vec<String> {
    let line = |said: &String| {
        said.split(", as the mail server")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    says(seen).iter().map(line).collect()
}

const WANT: [&str; 5] = [
    "@bau uses folders of the mailbox anna@corp.example (insert, lookup, read)",
    "bert@corp.example uses folders of the mailbox anna@corp.example (lookup, read, write-seen)",
    "carla@corp.example uses folders of the mailbox anna@corp.example (expunge, insert, lookup, read, write)",
    "everybody uses folders of the mailbox anna@corp.example (lookup)",
    "two words uses folders of the mailbox info@corp.example (lookup, read)",
];
const ALL: &str = "anna@corp.example uses folders of the mailbox info@corp.example (admin, create, delete, expunge, insert, lookup, post, read, write, write-deleted, write-seen)";

#[test]
fn dovecot_says_who_may_use_whose_mailbox() {
    let mut want: Vec<&str> = WANT.to_vec();
    want.push(ALL);
    want.sort_unstable();
    for (form, location) in [
        ("maildir", "mail_location = maildir:~/Maildir\n"),
        (
            "maildir",
            "mail_location = maildir:/var/vmail/%d/%n/Maildir\n",
        ),
        (
            "maildir",
            "mail_driver = maildir\nmail_path = %{home}/Maildir\n",
        ),
        ("dbox", "mail_location = sdbox:~/sdbox\n"),
    ] {
        let seen = looked(form, &format!("{location}{USERS}{ON}"));
        let mut said = ties(&seen);
        said.sort_unstable();
        assert_eq!(said, want, "{location}");
        assert_eq!(seen.gaps().count(), 0, "{location}");
        assert!(seen.coverage().all(|c| c.state == CoverageState::Complete));
        let all = format!("{:?}", seen.records);
        for folder in ["Neubau", "Kalender"] {
            assert!(!all.contains(folder), "a folder left the machine");
        }
    }
}

#[test]
fn files_of_a_plugin_that_is_off_say_nothing() {
    let off = format!("mail_location = maildir:~/Maildir\n{USERS}# plugin {{ acl = vfile }}\n");
    let elsewhere = format!("mail_location = maildir:/srv/other/%d/%n\n{USERS}{ON}");
    for settings in [off.as_str(), elsewhere.as_str(), ""] {
        let seen = looked("maildir", settings);
        assert_eq!(ties(&seen), Vec::<String>::new(), "{settings}");
        assert_eq!(seen.gaps().count(), 0, "{settings}");
    }
}

#[test]
fn rights_that_are_a_link_to_what_is_not_the_users_are_a_gap() {
    let root = machine();
    let root = root.path();
    let settings = [ON, "mail_location = maildir:~/Maildir\n"].concat();
    put(root, "etc/dovecot/dovecot.conf", settings.as_bytes());
    let mallory = b"mallory:x:61234:61234::/home/mallory:/bin/sh\n";
    put(root, "etc/passwd", mallory);
    put(root, "root/list", b"user=canary lrs\n");
    let mailbox = root.join("home/mallory/Maildir");
    std::fs::create_dir_all(&mailbox).unwrap();
    std::os::unix::fs::symlink("../../../root/list", mailbox.join("dovecot-acl")).unwrap();
    let world = world(root);
    let seen = look(&mut MailboxRightsSource::new(world.clone()), &world);
    assert!(!format!("{:?}", seen.records).contains("canary"));
    let gaps: Vec<&str> = seen.gaps().map(|gap| gap.what.as_str()).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].starts_with("who may use whose mailbox ("),
        "{gaps:?}"
    );
}

#[test]
fn a_place_that_is_not_understood_is_a_gap_and_not_complete() {
    for location in [
        "mail_location = maildir:~/Maildir:LAYOUT=fs\n",
        "mail_location = mbox:~/mail:CONTROL=~/control\n",
        "mail_driver = mbox\nmail_path = ~/mail\n",
        "mail_driver = maildir\nmailbox_list_layout = fs\nmail_path = ~/Maildir\n",
        "mail_location = maildir:~/Maildir\nnamespace public {\n  location = maildir:/var/mail/public\n}\n",
        "mail_location = maildir:~/Maildir\nplugin {\n  acl_shared_dict = proxy::acl\n}\ndict {\n  acl = mysql:/etc/dovecot/dict-sql.conf.ext\n}\n",
        "mail_location = maildir:~/Maildir\nplugin {\n  acl_shared_dict = file:/var/lib/dovecot/%d.db\n}\n",
        "",
    ] {
        let seen = looked("maildir", &format!("{location}{USERS}{ON}"));
        assert_eq!(seen.gaps().count(), 1, "{location}: {:?}", seen.records);
        assert!(
            seen.coverage().all(|c| c.state == CoverageState::Partial),
            "{location}"
        );
    }
    // Mailboxes of others are found where their owners have them.
    let shared = "mail_location = maildir:~/Maildir\nnamespace {\n  type = shared\n  location = maildir:%%h/Maildir:INDEXPVT=~/shared/%%u\n}\nnamespace inbox {\n  location =\n}\n";
    let seen = looked("maildir", &format!("{shared}{USERS}{ON}"));
    assert_eq!(seen.gaps().count(), 0, "{:?}", seen.records);
    // What is found at the top of a form that is not understood is told beside the gap.
    let odd = looked(
        "maildir",
        &format!("mail_location = maildir:~/Maildir:LAYOUT=fs\n{USERS}{ON}"),
    );
    assert!(!ties(&odd).is_empty());
    // Dovecot finds Maildir in the home by itself, and so do we.
    assert_eq!(ties(&looked("maildir", &format!("{USERS}{ON}"))).len(), 6);
}

/// What settings and the recorded files for all mailboxes say, without the mailboxes themselves.
fn of_all(settings: &str) -> Recorder {
    let root = machine();
    let root = root.path();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rights/all");
    copy(&from, &root.join("etc/dovecot/acl"));
    put(root, "etc/dovecot/dovecot.conf", settings.as_bytes());
    put(
        root,
        "etc/dovecot/acl/global-directory/INBOX~",
        b"user=old lr\n",
    );
    put(
        root,
        "etc/dovecot/acl/global-file.example",
        b"* user=example lr\n",
    );
    let world = world(root);
    look(&mut MailboxRightsSource::new(world.clone()), &world)
}

fn sorted(seen: &Recorder) -> Vec<String> {
    let mut said = ties(seen);
    said.sort_unstable();
    said
}

const PUBLIC: &str = "namespace {\n  type = public\n  prefix = Public/\n  location =\n}\n";

#[test]
fn rights_in_all_mailboxes_are_told_without_the_names_of_folders() {
    let both = [
        "@bau uses folders of the mailbox public folders (lookup, read, write, write-seen)",
        "carla@corp.example uses folders of the mailbox every mailbox (lookup, read, write-seen)",
    ];
    let file = [
        "archive@corp.example uses folders of the mailbox every mailbox (lookup, read)",
        "everybody uses folders of the mailbox public folders (lookup, read)",
    ];
    let home = format!("mail_location = maildir:~/Maildir\n{PUBLIC}");
    let mut of_file = [both, file].concat();
    of_file.sort_unstable();
    for (on, want) in [
        (
            "plugin {\n  acl = vfile:/etc/dovecot/acl/global-file:cache_secs=60\n}\n",
            of_file.clone(),
        ),
        (
            "acl_driver = vfile\nacl_global_path = /etc/dovecot/acl/global-file\n",
            of_file,
        ),
        (
            "plugin {\n  acl = vfile:/etc/dovecot/acl/global-directory\n}\n",
            both.to_vec(),
        ),
    ] {
        let seen = of_all(&format!("{home}{on}"));
        assert_eq!(sorted(&seen), want, "{on}");
        assert_eq!(seen.gaps().count(), 0, "{on}: {:?}", seen.records);
        let all = format!("{:?}", seen.records);
        assert!(!all.contains("Two Words") && !all.contains("INBOX"), "{on}");
    }
}

#[test]
fn rights_within_the_settings_are_told() {
    let settings = "acl_driver = vfile\nacl_globals_only = yes\nacl user=archive {\n  rights = lr\n}\nnamespace open {\n  type = public\n  mailbox Neubau {\n    acl group=bau {\n      acl_rights = lrw\n    }\n  }\n}\n# acl user=bert {\n# rights = lr\n# }\n";
    assert_eq!(
        sorted(&of_all(settings)),
        [
            "@bau uses folders of the mailbox public folders (lookup, read, write)",
            "archive uses folders of the mailbox every mailbox (lookup, read)",
        ]
    );
}

#[test]
fn the_dictionary_says_who_shares_with_whom() {
    let home = "mail_location = maildir:~/Maildir\n";
    let file = "/etc/dovecot/acl/shared-mailboxes.db";
    let want: Vec<String> = [
        ("@bau", "anna"),
        ("anna@corp.example", "info"),
        ("archive@corp.example", "info"),
        ("carla@corp.example", "anna"),
        ("carla@corp.example", "info"),
        ("everybody", "anna"),
        ("bert@corp.example", "anna"),
        ("two words", "info"),
    ]
    .iter()
    .map(|(who, whose)| format!("{who} uses folders of the mailbox {whose}@corp.example (lookup)"))
    .collect();
    let want: std::collections::BTreeSet<String> = want.into_iter().collect();
    for named in [
        format!("{ON}plugin {{\n  acl_shared_dict = file:{file}\n}}\n"),
        format!(
            "{ON}plugin {{\n  acl_shared_dict = proxy::acl\n}}\ndict {{\n  acl = file:{file}\n}}\n"
        ),
        format!(
            "acl_driver = vfile\nacl_sharing_map {{\n  dict file {{\n    path = {file}\n  }}\n}}\n"
        ),
    ] {
        let seen = of_all(&format!("{home}{named}"));
        assert!(
            sorted(&seen).iter().eq(&want),
            "{named}: {:?}",
            sorted(&seen)
        );
        assert_eq!(seen.gaps().count(), 0, "{named}");
    }
    for silent in [
        // The plugin is off; the line is none; nobody shares yet.
        format!("plugin {{\n  acl_shared_dict = file:{file}\n}}\n"),
        format!("{ON}plugin {{\n  # acl_shared_dict = file:{file}\n}}\n"),
        format!("{ON}plugin {{\n  acl_shared_dict = file:/var/lib/dovecot/none.db\n}}\n"),
    ] {
        let seen = of_all(&format!("{home}{silent}"));
        assert_eq!(sorted(&seen), Vec::<String>::new(), "{silent}");
        assert_eq!(seen.gaps().count(), 0, "{silent}");
    }
}

#[test]
fn files_in_mailboxes_say_nothing_where_only_the_rights_of_all_hold() {
    let only = format!("mail_location = maildir:~/Maildir\n{USERS}{ON}acl_globals_only = yes\n");
    assert_eq!(ties(&looked("maildir", &only)), Vec::<String>::new());
}
