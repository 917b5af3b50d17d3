//! `host.mail-routes`: where mail goes on to, by settings that Postfix, Exim and Dovecot themselves took.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use std::path::Path;

use groma_model::CoverageState;
use groma_source::Recorder;
use groma_source_content::RoutesSource;
use support::{look, machine, put, says, world};

fn looked(root: &Path) -> Recorder {
    let world = world(root);
    let seen = look(&mut RoutesSource::new(world.clone()), &world);
    let all = format!("{:?}", seen.records);
    for never in ["canary", "ghost", "anna@", "\"anna\"", "bert@", "clara@"] {
        assert!(!all.contains(never), "{never} left the machine");
    }
    seen
}

/// A machine with what was recorded under `name`.
fn recorded(name: &str) -> tempfile::TempDir {
    let root = machine();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/routes")
        .join(name);
    copy(&from, root.path());
    root
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn gaps(seen: &Recorder) -> Vec<String> {
    seen.gaps().map(|gap| gap.what.clone()).collect()
}

#[test]
fn postfix_tells_every_way_mail_leaves_it() {
    let root = recorded("postfix");
    put(root.path(), "etc/postfix/lost.db", b"compiled");
    let seen = looked(root.path());
    insta::assert_snapshot!(says(&seen).join("\n"));
    assert_eq!(
        gaps(&seen),
        [
            "the entries of virtual_alias_maps of Postfix: only the compiled map /etc/postfix/lost.db is there, not the text it was made of"
        ]
    );
    assert!(seen.coverage().all(|c| c.state == CoverageState::Partial));
}

#[test]
fn what_a_package_ships_sends_mail_nowhere() {
    let root = machine();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/routes/postfix/etc/postfix/main.cf");
    let text = std::fs::read_to_string(shipped).unwrap();
    let (package, _) = text.split_once("# What the house added.").unwrap();
    let package = package.replace("relayhost = [smart1.corp.example]:587", "relayhost =");
    put(root.path(), "etc/postfix/main.cf", package.as_bytes());
    put(
        root.path(),
        "etc/aliases",
        b"postmaster: root\n# root: ghost@ghost.example\nroot: admin\n",
    );
    let seen = looked(root.path());
    assert_eq!(
        says(&seen),
        [
            "Postfix: takes mail for corp.example (/etc/postfix/main.cf:40)",
            "Postfix: takes mail for mail1.corp.example (/etc/postfix/main.cf:40)",
        ]
    );
    assert!(seen.coverage().all(|c| c.state == CoverageState::Complete));
}

#[test]
fn exim_as_debian_makes_its_configuration() {
    let root = recorded("exim");
    insta::assert_snapshot!(says(&looked(root.path())).join("\n"));
}

#[test]
fn exim_by_hand() {
    let root = recorded("exim2");
    insta::assert_snapshot!(says(&looked(root.path())).join("\n"));
}

#[test]
fn dovecot_and_the_rules_of_its_users() {
    let root = recorded("dovecot");
    insta::assert_snapshot!(says(&looked(root.path())).join("\n"));
}

#[test]
fn users_lists_and_signatures() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/passwd",
        b"anna:x:1001:1001::/home/anna:/bin/sh\nbert:x:1002:1002::/home/bert:/bin/sh\n",
    );
    put(
        root,
        "home/anna/.forward",
        b"# ghost@ghost.example\n\\anna, anna@example.net\n\"|/usr/bin/vacation canary\"\n",
    );
    put(
        root,
        "home/bert/.forward",
        b"# Exim filter\nif error_message then finish endif\nunseen deliver bert@example.org\n",
    );
    put(
        root,
        "home/bert/.procmailrc",
        b"# ! ghost@ghost.example\n:0 c\n! bert@example.com\n:0\n| /usr/bin/sort-mail canary\n",
    );
    put(
        root,
        "etc/opendkim.conf",
        b"KeyTable file:/etc/dkim/keys\nSelector ghost\n",
    );
    put(
        root,
        "etc/dkim/keys",
        b"main corp.example:sel2024:/etc/dkim/canary.private\n",
    );
    put(
        root,
        "etc/rspamd/local.d/dkim_signing.conf",
        b"# selector = \"ghost\";\nselector = \"rs1\";\ndomain {\n  brand.example {\n    selector = \"rs2\";\n    path = \"/canary\";\n  }\n}\n",
    );
    put(
        root,
        "etc/amavis/conf.d/50-user",
        b"$enable_dkim_signing = 1;\ndkim_key('shop.example', 'am1', '/var/canary.pem');\n",
    );
    put(
        root,
        "var/spool/mlmmj/news/control/listaddress",
        b"news@lists.example\n",
    );
    put(
        root,
        "var/spool/mlmmj/team/control/listaddress",
        b"team@lists.example\n",
    );
    put(root, "var/lib/mailman3/lists/board.lists.example/x", b"");
    assert_eq!(
        says(&looked(root)),
        [
            "Mailman 3: mailing lists for lists.example (/var/lib/mailman3/lists)",
            "OpenDKIM: signature for corp.example with selector sel2024 (/etc/dkim/keys:1)",
            "Rspamd: signature for brand.example with selector rs2 (/etc/rspamd/local.d/dkim_signing.conf:5)",
            "Rspamd: signature with selector rs1 (/etc/rspamd/local.d/dkim_signing.conf:2)",
            "amavis: signature for shop.example with selector am1 (/etc/amavis/conf.d/50-user:2)",
            "forward: copy to an archive to example.org (/home/bert/.forward:3)",
            "forward: forward of a user to example.net (/home/anna/.forward:2)",
            "forward: forward of a user to program /usr/bin/vacation (/home/anna/.forward:3)",
            "mlmmj: mailing lists for lists.example (2 entries) (/var/spool/mlmmj)",
            "procmail: forward of a user to example.com (/home/bert/.procmailrc:3)",
            "procmail: forward of a user to program /usr/bin/sort-mail (/home/bert/.procmailrc:5)",
        ]
    );
}

#[test]
fn who_only_checks_signatures_signs_nothing() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/opendkim.conf",
        b"Mode v\nDomain corp.example\nSelector sel1\n",
    );
    put(
        root,
        "etc/rspamd/local.d/dkim_signing.conf",
        b"enabled = false;\nselector = \"rs1\";\n",
    );
    put(
        root,
        "etc/amavis/conf.d/50-user",
        b"# $enable_dkim_signing = 1;\ndkim_key('shop.example', 'am1', '/var/x.pem');\n",
    );
    put(
        root,
        "etc/amavis/conf.d/60-site",
        b"$enable_dkim_signing = 0;\n",
    );
    assert_eq!(says(&looked(root)), [] as [&str; 0]);
    put(
        root,
        "etc/opendkim.conf",
        b"Mode sv\nDomain corp.example\nSelector sel1\n",
    );
    assert_eq!(says(&looked(root)).len(), 1);
    put(
        root,
        "lib/systemd/system/opendkim.service",
        b"[Service]\nExecStart=/usr/sbin/opendkim\n",
    );
    assert_eq!(says(&looked(root)), [] as [&str; 0], "nothing starts it");
}

#[test]
fn a_server_that_nothing_starts_sends_nothing() {
    let root = recorded("exim2");
    put(
        root.path(),
        "lib/systemd/system/exim4.service",
        b"[Service]\nExecStart=/usr/sbin/exim4\n",
    );
    assert_eq!(
        says(&looked(root.path())),
        ["aliases: alias to example.net (/etc/aliases:2)"]
    );
}

#[test]
fn exim_tells_no_key_of_a_block_list_and_nothing_of_a_list_it_takes_apart() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/exim4/exim4.conf",
        b"begin acl\nc:\n  deny dnslists = canarycanarycanarycanary.zen.example.net=127.0.0.2/x\nbegin routers\nsmart:\n  driver = manualroute\n  route_data = ${extract{1}{:}{${lookup{$domain}lsearch{/etc/exim4/hosts}}}}\n",
    );
    put(
        root,
        "etc/exim4/hosts",
        b"corp.example: mail.corp.example:canary:canary.example\n",
    );
    let seen = looked(root);
    assert_eq!(
        says(&seen),
        ["Exim: block list at zen.example.net (/etc/exim4/exim4.conf:3)"]
    );
    assert_eq!(gaps(&seen).len(), 1, "{:?}", gaps(&seen));
}

const MALLORY: &[u8] = b"mallory:x:61234:61234::/home/mallory:/bin/sh\n";
/// A file of root's that a mail server would not read for a user.
const SECRET: &[u8] = b"/canary/place\n|canary-word x\npassword=abc@canary.example\n";

/// What only root may read stays unread: the gaps say so, nothing else does.
fn is_refused(seen: &Recorder, many: usize) {
    assert_eq!(says(seen), [] as [&str; 0]);
    let refused = |gap: &&String| gap.contains("neither theirs nor in their home");
    assert_eq!(
        gaps(seen).iter().filter(refused).count(),
        many,
        "{:?}",
        gaps(seen)
    );
}

#[test]
fn a_forward_that_includes_what_is_not_the_users_is_a_gap() {
    let root = machine();
    let root = root.path();
    put(root, "etc/passwd", MALLORY);
    put(root, "root/list", SECRET);
    put(
        root,
        "home/mallory/.forward",
        b":include:/root/list\n:include:/home/mallory/../../root/list\n:include:/home/mallory/inner/list\n",
    );
    let to = std::path::PathBuf::from("../../root");
    std::os::unix::fs::symlink(to, root.join("home/mallory/inner")).unwrap();
    is_refused(&looked(root), 3);
}

#[test]
fn a_forward_includes_lists_of_its_own_home() {
    let root = machine();
    let root = root.path();
    put(root, "etc/passwd", MALLORY);
    put(
        root,
        "home/mallory/.forward",
        b":include:/home/mallory/list\n",
    );
    put(root, "home/mallory/list", b"m@example.net\n");
    assert_eq!(
        says(&looked(root)),
        ["forward: forward of a user to example.net (/home/mallory/list:1)"]
    );
}

#[test]
fn rules_of_a_user_that_are_links_to_what_is_not_theirs_are_gaps() {
    let root = machine();
    let root = root.path();
    put(root, "etc/passwd", MALLORY);
    put(root, "etc/dovecot/dovecot.conf", b"protocols = imap\n");
    put(root, "root/list", SECRET);
    put(root, "root/script", b"pipe \"canary-word\";\n");
    put(root, "home/mallory/kept.sieve", b"pipe \"sort-mail\";\n");
    for (name, to) in [
        (".forward", "../../root/list"),
        (".procmailrc", "../../root/list"),
        (".dovecot.sieve", "../../root/script"),
    ] {
        std::os::unix::fs::symlink(to, root.join("home/mallory").join(name)).unwrap();
    }
    is_refused(&looked(root), 3);
    let script = root.join("home/mallory/.dovecot.sieve");
    std::fs::remove_file(&script).unwrap();
    std::os::unix::fs::symlink("kept.sieve", script).unwrap();
    assert_eq!(
        says(&looked(root)).len(),
        1,
        "a link within the home is the user's"
    );
}

#[test]
fn a_list_that_names_itself_is_read_once_and_leaves_room_for_the_homes_behind_it() {
    let root = machine();
    let root = root.path();
    let both = [MALLORY, b"zoe:x:1002:1002::/home/zoe:/bin/sh\n"].concat();
    put(root, "etc/passwd", &both);
    put(
        root,
        "home/mallory/.forward",
        b":include:/home/mallory/l0\n",
    );
    for at in 0..30 {
        let next = format!(
            ":include:/home/mallory/l{at}\n:include:/home/mallory/l{}\n",
            at + 1
        );
        put(
            root,
            &format!("home/mallory/l{at}"),
            next.repeat(2_000).as_bytes(),
        );
    }
    put(root, "home/zoe/.forward", b"zoe@example.net\n");
    assert_eq!(
        says(&looked(root)),
        ["forward: forward of a user to example.net (/home/zoe/.forward:1)"]
    );
}

#[test]
fn what_may_not_be_read_is_a_gap_and_no_circle_of_lists_hangs() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/aliases",
        b"a: :include:/etc/l1\nb: :include:/etc/none\n",
    );
    put(root, "etc/l1", b":include:/etc/l1\nx@example.net\n");
    let seen = looked(root);
    assert_eq!(says(&seen).len(), 1);
    // A circle is read once, and hides nothing.
    assert_eq!(gaps(&seen).len(), 1, "{:?}", gaps(&seen));
}

#[test]
fn no_file_of_a_stranger_breaks_it() {
    let root = machine();
    let root = root.path();
    put(
        root,
        "etc/passwd",
        b"anna:x:1001:1001::/home/anna:/bin/sh\n",
    );
    let files: [(&str, &[u8]); 8] = [
        ("etc/opendkim.conf", b"Mode sv\nDomain a.example, b.example\nSelector s1\nKeyTable file:/etc/keys\n"),
        ("etc/keys", b"x a.example:s1:/k\n"),
        ("etc/rspamd/local.d/dkim_signing.conf", b"selector = \"s\"; # x\ndomain { a.example { selector = s2; } }\nselector_map = \"$LOCAL_CONFDIR/m\";\n"),
        ("etc/amavis/conf.d/50-user", b"$enable_dkim_signing = 1;\ndkim_key('a.example', \"s\", '/k');\n"),
        ("home/anna/.forward", b"# Exim filter\nif $h_x: contains \"y\" then deliver a@b.example endif\n"),
        ("home/anna/.procmailrc", b":0 c\n! a@b.example\n| /bin/x y\n"),
        ("var/spool/mlmmj/l/control/listaddress", b"l@lists.example\n"),
        ("etc/sympa/sympa.conf", b"domain lists.example\n"),
    ];
    let corpus: Vec<&[u8]> = files.iter().map(|(_, text)| *text).collect();
    groma_fuzz::hammer(200, &corpus, |bytes| {
        for (file, _) in &files {
            put(root, file, bytes);
        }
        assert!(looked(root).coverage().count() == 1);
    });
}

#[test]
fn sendmail_tells_every_way_mail_leaves_it() {
    let seen = looked(recorded("sendmail").path());
    insta::assert_snapshot!(says(&seen).join("\n"));
    assert_eq!(gaps(&seen), [""; 0]);
}

#[test]
fn a_sendmail_that_is_off_sends_mail_nowhere() {
    let root = recorded("sendmail");
    std::fs::remove_file(root.path().join("etc/mail/aliases")).unwrap();
    std::fs::remove_file(root.path().join("etc/mail/sendmail.cf")).unwrap();
    assert_eq!(says(&looked(root.path())), [""; 0]);
}

/// What was said of a Dovecot that has recorded settings as `dovecot.conf`, and these lines behind them.
fn retained(lines: &str) -> Vec<String> {
    let root = recorded("dovecot-retention");
    let file = "etc/dovecot/dovecot.conf";
    let settings = std::fs::read_to_string(root.path().join(file)).unwrap();
    put(root.path(), file, format!("{settings}{lines}").as_bytes());
    let seen = looked(root.path());
    assert_eq!(gaps(&seen), Vec::<String>::new());
    says(&seen)
}

#[test]
fn dovecot_tells_what_it_deletes_by_itself_and_how_much_a_mailbox_may_hold() {
    let all = retained("");
    let want = [
        "Dovecot: deletes old mail in Spam mail after 2 weeks (/etc/dovecot/dovecot.conf:11)",
        "Dovecot: deletes old mail in Trash after 30 days (/etc/dovecot/dovecot.conf:7)",
        "Dovecot: deletes old mail in Trash beyond 5000 mails (/etc/dovecot/dovecot.conf:8)",
        "Dovecot: limits mailboxes to +10% in Trash (/etc/dovecot/dovecot.conf:25)",
        "Dovecot: limits mailboxes to 1G and 20000 mails (/etc/dovecot/dovecot.conf:24)",
        "Dovecot: limits mailboxes to 50M a mail (/etc/dovecot/dovecot.conf:27)",
    ];
    let mut said = all;
    said.sort_unstable();
    assert_eq!(said, want);
    let expire = "mail_plugins = $mail_plugins expire\nplugin {\n  expire = Trash/*\n}\n";
    let job = "Dovecot: deletes old mail in Trash/* when a job of doveadm does (/etc/dovecot/dovecot.conf:31)";
    assert!(retained(expire).contains(&job.to_owned()));
}

#[test]
fn what_is_switched_off_or_shown_as_an_example_deletes_nothing() {
    for settings in [
        "namespace inbox {\n  mailbox Trash {\n    #autoexpunge = 30d\n  }\n}\n",
        "namespace inbox {\n  mailbox Trash {\n    autoexpunge = 30d\n    autoexpunge = 0\n  }\n}\n",
        "namespace inbox {\n  mailbox Trash {\n    special_use = \\Trash\n  }\n}\nautoexpunge = 30d\n",
        "plugin {\n  expire = Trash\n  quota = count:User quota\n  quota_rule = *:storage=1G\n}\n",
        "mail_plugins = quota\nplugin {\n  quota_rule = *:storage=1G\n}\n",
        "mail_plugins = quota\nplugin {\n  quota = count:User quota\n  quota_rule = *:storage=0\n  quota_rule2 = Archive:ignore\n}\n",
        "!include conf.d/*.conf\n",
    ] {
        let root = machine();
        put(root.path(), "etc/dovecot/dovecot.conf", settings.as_bytes());
        let example = b"namespace inbox {\n  mailbox Trash {\n    autoexpunge = 30d\n  }\n}\n";
        put(
            root.path(),
            "etc/dovecot/conf.d/15-mailboxes.conf.example",
            example,
        );
        assert_eq!(
            says(&looked(root.path())),
            Vec::<String>::new(),
            "{settings}"
        );
    }
}

#[test]
fn dovecot_since_2_4_tells_them_too() {
    let root = machine();
    let settings = "mail_plugins {\n  quota = yes\n}\nquota \"User quota\" {\n  storage_size = 2G\n  message_count = unlimited\n}\nnamespace inbox {\n  mailbox Trash {\n    mailbox_autoexpunge = 4w\n    quota_storage_extra = 100M\n  }\n}\n";
    put(root.path(), "etc/dovecot/dovecot.conf", settings.as_bytes());
    let mut said = says(&looked(root.path()));
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "Dovecot: deletes old mail in Trash after 4 weeks (/etc/dovecot/dovecot.conf:10)",
            "Dovecot: limits mailboxes to +100M in Trash (/etc/dovecot/dovecot.conf:11)",
            "Dovecot: limits mailboxes to 2G (/etc/dovecot/dovecot.conf:5)",
        ]
    );
}
