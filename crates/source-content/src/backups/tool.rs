//! Programs that copy data away, known by name and words: what, and where to.

use super::dumped;
use super::shell::Command;

/// What one command copies.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Copy {
    pub(super) product: &'static str,
    pub(super) covers: Vec<String>,
    pub(super) excludes: Vec<String>,
    pub(super) databases: Vec<String>,
    pub(super) target: Option<String>,
}

const RESTIC: &[&str] = &[
    "-r",
    "--repo",
    "--repository-file",
    "-p",
    "--password-file",
    "--password-command",
    "--exclude-file",
    "--iexclude",
    "--iexclude-file",
    "--tag",
    "-H",
    "--host",
    "--cache-dir",
    "-o",
    "--option",
    "--files-from",
    "--limit-upload",
    "--limit-download",
    "--cacert",
    "--parent",
    "--key-hint",
    "--tls-client-cert",
];
const BORG: &[&str] = &[
    "--exclude-from",
    "--pattern",
    "--patterns-from",
    "-C",
    "--compression",
    "--comment",
    "--timestamp",
    "--chunker-params",
    "--rsh",
    "--remote-path",
    "--lock-wait",
    "--umask",
    "-c",
    "--checkpoint-interval",
    "--exclude-if-present",
    "--files-cache",
    "--upload-ratelimit",
];
const RSYNC: &[&str] = &[
    "-e",
    "--rsh",
    "--exclude-from",
    "--include",
    "--include-from",
    "--files-from",
    "--link-dest",
    "--log-file",
    "--password-file",
    "--bwlimit",
    "--rsync-path",
    "--backup-dir",
    "--suffix",
    "--port",
    "--filter",
    "-f",
    "--temp-dir",
    "-T",
    "--partial-dir",
    "--chmod",
    "--chown",
    "--timeout",
];
const POSTGRESQL: &[&str] = &[
    "-h",
    "--host",
    "-p",
    "--port",
    "-U",
    "--username",
    "-F",
    "--format",
    "-n",
    "--schema",
    "-t",
    "--table",
    "-N",
    "-T",
    "-j",
    "--jobs",
    "-Z",
    "--compress",
    "-E",
    "-f",
    "--file",
    "-D",
    "--pgdata",
    "-d",
    "--dbname",
    "-X",
    "-c",
    "-l",
];
const DUPLICITY: &[&str] = &[
    "--archive-dir",
    "--log-file",
    "--log-fd",
    "--name",
    "--tempdir",
    "--encrypt-key",
    "--hidden-encrypt-key",
    "--encrypt-sign-key",
    "--encrypt-secret-keyring",
    "--sign-key",
    "--gpg-options",
    "--gpg-binary",
    "--ssh-options",
    "--rsync-options",
    "--full-if-older-than",
    "--volsize",
    "--include",
    "--exclude",
    "--include-filelist",
    "--exclude-filelist",
    "--include-regexp",
    "--exclude-regexp",
    "--exclude-if-present",
    "--exclude-older-than",
    "--file-prefix",
    "--file-prefix-manifest",
    "--file-prefix-archive",
    "--file-prefix-signature",
    "--num-retries",
    "--max-blocksize",
    "--timeout",
    "--verbosity",
    "-v",
    "--backend-retry-delay",
    "--s3-endpoint-url",
    "--s3-region-name",
    "--par2-redundancy",
    "--par2-options",
    "-t",
    "--time",
    "--restore-time",
    "-r",
    "--path-to-restore",
    "--file-to-restore",
];

const DUPLICITY_FLAGS: &[&str] = &[
    "--no-encryption",
    "--no-compression",
    "--no-print-statistics",
    "--allow-source-mismatch",
    "--asynchronous-upload",
    "--exclude-other-filesystems",
    "--exclude-device-files",
    "--use-agent",
    "--use-new-style",
    "--s3-use-new-style",
    "--dry-run",
    "--progress",
    "--no-files-changed",
    "--ssl-no-check-certificate",
    "--copy-links",
    "--s3-use-ia",
    "--s3-use-rrs",
    "--s3-use-onezone-ia",
    "--s3-use-glacier",
    "--s3-use-multiprocessing",
    "--s3-european-buckets",
    "--s3-unencrypted-connection",
    "--use-scp",
    "--scp-use-agent",
    "--ftp-passive",
    "--ftp-regular",
    "--numeric-owner",
    "--do-not-restore-ownership",
    "--short-filenames",
    "--old-filenames",
    "--log-timestamp",
    "--force",
    "--null-separator",
    "--use-glacier",
];

/// Verbs that copy; without one the order of the places tells.
const DUPLICITY_COPIES: &[&str] = &["full", "incr", "inc", "incremental", "backup"];

/// What `command` copies; `None` where it is no such program, or copies to here what lies elsewhere.
pub(super) fn read(command: &Command, setting: &dyn Fn(&str) -> Option<String>) -> Option<Copy> {
    let words = without_prefix(&command.words);
    let (program, rest) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    let copy = match name {
        "restic" => restic(rest, setting)?,
        "borg" => borg(rest, setting)?,
        "duplicity" => duplicity(rest)?,
        "rsync" => rsync(rest)?,
        "tar" => tar(rest)?,
        "pg_dump" | "pg_dumpall" | "pg_basebackup" => postgresql(name, rest, command),
        "mysqldump" | "mariadb-dump" | "mariabackup" | "mariadb-backup" | "xtrabackup" => {
            mysql(name, rest, command)?
        }
        "slapcat" => Copy {
            product: "slapcat",
            databases: vec!["openldap/*".into()],
            target: option(rest, &["-l"]).or_else(|| command.output.clone()),
            ..Copy::default()
        },
        _ => return None,
    };
    Some(copy)
}

/// Programs that only start another one with other rights, priorities or watches.
fn without_prefix(words: &[String]) -> &[String] {
    let mut rest = words;
    while let Some((first, tail)) = rest.split_first() {
        let name = first.rsplit('/').next().unwrap_or(first);
        let opens = matches!(
            name,
            "sudo"
                | "nice"
                | "ionice"
                | "chrt"
                | "time"
                | "timeout"
                | "env"
                | "chronic"
                | "nohup"
                | "exec"
                | "flock"
                | "setsid"
                | "if"
                | "then"
                | "!"
        );
        if !opens {
            return rest;
        }
        let known = tail.iter().position(|w| is_known(w));
        match known {
            Some(at) => rest = tail.get(at..).unwrap_or_default(),
            None => return &[],
        }
    }
    rest
}

fn is_known(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    const NAMES: &[&str] = &[
        "restic",
        "borg",
        "duplicity",
        "rsync",
        "tar",
        "pg_dump",
        "pg_dumpall",
        "pg_basebackup",
        "mysqldump",
        "mariadb-dump",
        "mariabackup",
        "mariadb-backup",
        "xtrabackup",
        "slapcat",
    ];
    NAMES.contains(&name)
}

/// Words that are neither options nor the values of options that have one.
fn plain<'a>(words: &'a [String], with_value: &[&str]) -> Vec<&'a str> {
    plain_but(words, |word| with_value.contains(&word) || is_exclude(word))
}

/// The same, where `has_value` tells which options have a value behind them.
fn plain_but(words: &[String], has_value: impl Fn(&str) -> bool) -> Vec<&str> {
    let mut plain = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') && word.len() > 1 {
            if has_value(word) {
                words.next();
            }
        } else {
            plain.push(word.as_str());
        }
    }
    plain
}

/// True for short options written together (`-ze`) whose last one has a value.
fn takes_one(word: &str, with_value: &[&str]) -> bool {
    let last = word.bytes().next_back().map(char::from);
    !word.starts_with("--")
        && word.len() > 2
        && last.is_some_and(|last| {
            let alone = format!("-{last}");
            with_value.contains(&alone.as_str()) || is_exclude(&alone)
        })
}

fn is_exclude(word: &str) -> bool {
    matches!(word, "--exclude" | "-e")
}

/// The value of an option, written behind it or with `=`.
fn option(words: &[String], names: &[&str]) -> Option<String> {
    words.iter().enumerate().find_map(|(at, word)| {
        if names.contains(&word.as_str()) {
            return words.get(at + 1).cloned();
        }
        let (name, value) = word.split_once('=')?;
        names.contains(&name).then(|| value.to_owned())
    })
}

fn excludes(words: &[String], names: &[&str]) -> Vec<String> {
    let behind = words.windows(2).filter_map(|pair| match pair {
        [name, value] if names.contains(&name.as_str()) => Some(value.clone()),
        _ => None,
    });
    let within = words.iter().filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        names.contains(&name).then(|| value.to_owned())
    });
    behind
        .chain(within)
        .filter(|path| path.starts_with('/'))
        .collect()
}

fn absolute<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words
        .into_iter()
        .filter(|w| w.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

fn restic(words: &[String], setting: &dyn Fn(&str) -> Option<String>) -> Option<Copy> {
    let plain = plain(words, RESTIC);
    let (first, paths) = plain.split_first()?;
    (*first == "backup").then(|| Copy {
        product: "restic",
        covers: absolute(paths.iter().copied()),
        excludes: excludes(words, &["-e", "--exclude"]),
        target: option(words, &["-r", "--repo"]).or_else(|| setting("RESTIC_REPOSITORY")),
        ..Copy::default()
    })
}

fn borg(words: &[String], setting: &dyn Fn(&str) -> Option<String>) -> Option<Copy> {
    let plain = plain(words, BORG);
    let (first, rest) = plain.split_first()?;
    let (archive, paths) = rest.split_first()?;
    let repository = archive
        .split("::")
        .next()
        .filter(|r| !r.is_empty())
        .map(str::to_owned);
    (*first == "create").then(|| Copy {
        product: "borg",
        covers: absolute(paths.iter().copied()),
        excludes: excludes(words, &["-e", "--exclude"]),
        target: repository.or_else(|| setting("BORG_REPO")),
        ..Copy::default()
    })
}

/// `duplicity [VERB] SOURCE URL`, options anywhere. The other way round it restores.
fn duplicity(words: &[String]) -> Option<Copy> {
    let plain = plain(words, DUPLICITY);
    let is_last = |at: usize| at + 2 == plain.len();
    // A target out of a setting nobody knows is one as well, where nothing stands behind it.
    let (at, source, target) = plain
        .windows(2)
        .enumerate()
        .find_map(|(at, pair)| match pair {
            [source, target]
                if target.contains("://") || (is_last(at) && target.starts_with('$')) =>
            {
                Some((at, *source, *target))
            }
            _ => None,
        })
        .filter(|(_, source, _)| source.starts_with('/'))?;
    // What stands behind an option nobody knows may be its value.
    let doubtful = words.windows(2).any(|pair| {
        matches!(pair, [option, value] if value == source
            && option.starts_with('-')
            && !option.contains('=')
            && !DUPLICITY_FLAGS.contains(&option.as_str()))
    });
    // Two places and at most a verb that copies: it copies, though what is not sure.
    let verbs = plain.get(..at).unwrap_or_default();
    let copies = is_last(at) && verbs.iter().all(|verb| DUPLICITY_COPIES.contains(verb));
    (!doubtful || copies).then(|| Copy {
        product: "duplicity",
        covers: match doubtful {
            true => Vec::new(),
            false => vec![source.to_owned()],
        },
        excludes: excludes(words, &["--exclude"]),
        target: Some(target.to_owned()),
        ..Copy::default()
    })
}

fn rsync(words: &[String]) -> Option<Copy> {
    let plain = plain_but(words, |word| {
        RSYNC.contains(&word) || is_exclude(word) || takes_one(word, RSYNC)
    });
    let (target, sources) = plain.split_last()?;
    let covers = absolute(sources.iter().copied());
    (!covers.is_empty()).then(|| Copy {
        product: "rsync",
        covers,
        excludes: excludes(words, &["--exclude"]),
        target: Some((*target).to_owned()),
        ..Copy::default()
    })
}

/// `tar -czf FILE -C DIR PATH…`; modes without `c` take nothing away.
fn tar(words: &[String]) -> Option<Copy> {
    let mode = words.first()?;
    let letters = mode.trim_start_matches('-');
    let creates = words.iter().any(|w| {
        w == "--create" || (w.starts_with('-') && !w.starts_with("--") && w.contains('c'))
    });
    let bundled = !mode.starts_with('-')
        && letters.chars().all(|c| c.is_ascii_alphabetic())
        && letters.contains('c');
    if !creates && !bundled {
        return None;
    }
    let mut target = option(words, &["--file"]);
    let (mut covers, mut directory) = (Vec::new(), String::new());
    let mut rest = words.iter().enumerate();
    while let Some((at, word)) = rest.next() {
        let short = !word.starts_with("--") && (word.starts_with('-') || (at == 0 && bundled));
        match word.as_str() {
            "-C" | "--directory" => {
                directory = rest.next().map(|(_, d)| d.clone()).unwrap_or_default()
            }
            "-X"
            | "-T"
            | "-g"
            | "-I"
            | "-b"
            | "-L"
            | "-N"
            | "-H"
            | "-V"
            | "-K"
            | "-F"
            | "--exclude-from"
            | "--files-from"
            | "--exclude"
            | "--use-compress-program"
            | "--rsh-command"
            | "--to-command"
            | "--transform"
            | "--checkpoint-action"
            | "--info-script"
            | "--new-volume-script"
            | "--owner"
            | "--group"
            | "--mode"
            | "--mtime"
            | "--newer"
            | "--listed-incremental"
            | "--label"
            | "--format" => {
                rest.next();
            }
            _ if short && word.ends_with('f') => target = rest.next().map(|(_, f)| f.clone()),
            _ if word.starts_with('-') || short => {}
            path if path.starts_with('/') => covers.push(path.to_owned()),
            path if directory.starts_with('/') => covers.push(
                format!("{directory}/{}", path.trim_start_matches("./"))
                    .trim_end_matches("/.")
                    .to_owned(),
            ),
            _ => {}
        }
    }
    (!covers.is_empty()).then(|| Copy {
        product: "tar",
        covers,
        excludes: excludes(words, &["--exclude"]),
        target,
        ..Copy::default()
    })
}

fn postgresql(name: &str, words: &[String], command: &Command) -> Copy {
    let product = match name {
        "pg_dump" => "pg_dump",
        "pg_dumpall" => "pg_dumpall",
        _ => "pg_basebackup",
    };
    let one = option(words, &["-d", "--dbname"]).or_else(|| {
        let plain = plain(words, POSTGRESQL);
        dumped::postgresql(words, &plain).map(str::to_owned)
    });
    let database = match one.filter(|_| product == "pg_dump") {
        Some(one) if !one.contains(['=', '/', '$']) => format!("postgresql/{one}"),
        Some(_) => "postgresql/?".to_owned(),
        None => "postgresql/*".to_owned(),
    };
    Copy {
        product,
        databases: vec![database],
        target: option(words, &["-f", "--file", "-D", "--pgdata"])
            .or_else(|| command.output.clone()),
        ..Copy::default()
    }
}

fn mysql(name: &str, words: &[String], command: &Command) -> Option<Copy> {
    let dump = matches!(name, "mysqldump" | "mariadb-dump");
    if !dump && !words.iter().any(|w| w == "--backup") {
        return None;
    }
    let all = !dump || words.iter().any(|w| w == "-A" || w == "--all-databases");
    let several = words.iter().any(|w| w == "-B" || w == "--databases");
    let databases: Vec<String> = match (all, dumped::mysql(words)) {
        (true, _) => vec!["mariadb/*".into(), "mysql/*".into()],
        (false, None) => vec!["mariadb/?".into(), "mysql/?".into()],
        (false, Some(names)) => names
            .iter()
            .take(if several { names.len() } else { 1 })
            .filter(|name| !name.contains('$'))
            .flat_map(|name| [format!("mariadb/{name}"), format!("mysql/{name}")])
            .collect(),
    };
    Some(Copy {
        product: if dump { "mysqldump" } else { "mariabackup" },
        databases,
        target: option(words, &["-r", "--result-file", "--target-dir"])
            .or_else(|| command.output.clone()),
        ..Copy::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backups::shell::commands;

    fn said(text: &str) -> Vec<String> {
        let (commands, values) = commands(text);
        let copies = commands
            .iter()
            .filter_map(|c| read(c, &|name| values.get(name).cloned()));
        copies
            .map(|c| {
                format!(
                    "{} {:?} -{:?} {:?} > {}",
                    c.product,
                    c.covers,
                    c.excludes,
                    c.databases,
                    c.target.unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn what_and_where_to_is_read_out_of_each_programs_words() {
        let text = "nice -n 19 ionice -c3 borg create --stats -C lz4 -e /srv/tmp backup@nas1:repo::{now} /srv /etc\n\
            export RESTIC_REPOSITORY=sftp:b@nas1:/r\nrestic --password-file /root/.pw backup /home --exclude=/home/x\n\
            rsync -a -e 'ssh -i /k' --delete /srv/mail/ b@nas1:/backup/mail/\ntar -czf /backup/e.tgz -C /srv www ./data\ntar czf /b/x.tgz /opt\n\
            pg_dump -U postgres -Fc shop > /backup/shop.dump\npg_dumpall | gzip > /backup/all.gz\nmysqldump -u root -pcanary --single-transaction shop orders > /b/s.sql\n\
            mariadb-dump --all-databases -r /b/all.sql\nduplicity --full-if-older-than 1M /var/mail sftp://nas1/mail\n";
        assert_eq!(
            said(text),
            [
                "borg [\"/srv\", \"/etc\"] -[\"/srv/tmp\"] [] > backup@nas1:repo",
                "restic [\"/home\"] -[\"/home/x\"] [] > sftp:b@nas1:/r",
                "rsync [\"/srv/mail/\"] -[] [] > b@nas1:/backup/mail/",
                "tar [\"/srv/www\", \"/srv/data\"] -[] [] > /backup/e.tgz",
                "tar [\"/opt\"] -[] [] > /b/x.tgz",
                "pg_dump [] -[] [\"postgresql/shop\"] > /backup/shop.dump",
                "pg_dumpall [] -[] [\"postgresql/*\"] > /backup/all.gz",
                "mysqldump [] -[] [\"mariadb/shop\", \"mysql/shop\"] > /b/s.sql",
                "mysqldump [] -[] [\"mariadb/*\", \"mysql/*\"] > /b/all.sql",
                "duplicity [\"/var/mail\"] -[] [] > sftp://nas1/mail",
            ]
        );
    }

    #[test]
    fn the_command_behind_an_option_is_no_place() {
        let words = |line: &[&str]| line.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let packed = tar(&words(&[
            "-C",
            "/srv",
            "-I",
            "gpg --passphrase canary -c",
            "-cf",
            "/b/x",
            "www",
        ]));
        assert_eq!(packed.unwrap().covers, ["/srv/www"]);
        let sent = rsync(&words(&[
            "-a",
            "/srv/data",
            "nas1:/b",
            "-ze",
            "sshpass -p canary ssh",
        ]));
        assert_eq!(sent.unwrap().target.as_deref(), Some("nas1:/b"));
    }

    #[test]
    fn a_secret_behind_a_bare_option_is_no_database() {
        let unsure = "mysqldump [] -[] [\"mariadb/?\", \"mysql/?\"] > ";
        for line in [
            "mysqldump -u root -p S3cret shop",
            "mysqldump --user root --password S3cret shop",
            "P=S3cret\nmysqldump -uroot -p $P shop",
            "mysqldump -vp S3cret shop",
            "mysqldump --next-years-option S3cret shop",
            "mariadb-dump shop -p S3cret",
        ] {
            assert_eq!(said(line), [unsure], "{line}");
        }
        for line in [
            "pg_dump -U p -W S3cret",
            "pg_dump shop --next-option S3cret",
        ] {
            assert_eq!(
                said(line),
                ["pg_dump [] -[] [\"postgresql/?\"] > "],
                "{line}"
            );
        }
        let sure = "mysqldump [] -[] [\"mariadb/shop\", \"mysql/shop\"] > ";
        for line in [
            "mysqldump --default-character-set utf8mb4 shop",
            "mysqldump -uroot -pS3cret -h db1 shop",
            "mysqldump -p --single_transaction --skip-lock-tables -eq shop",
            "mysqldump --databases shop --password=S3cret",
        ] {
            assert_eq!(said(line), [sure], "{line}");
        }
    }

    #[test]
    fn duplicity_copies_to_what_has_a_scheme() {
        assert_eq!(
            said("duplicity /data sftp://h/b --archive-dir /c --log-file /l"),
            ["duplicity [\"/data\"] -[] [] > sftp://h/b"]
        );
        assert_eq!(
            said("duplicity full --no-encryption /data file:///b"),
            ["duplicity [\"/data\"] -[] [] > file:///b"]
        );
        for line in [
            "duplicity --copy-links /data sftp://h/b",
            "duplicity incr --use-scp /data sftp://h/b",
        ] {
            assert_eq!(
                said(line),
                ["duplicity [\"/data\"] -[] [] > sftp://h/b"],
                "{line}"
            );
        }
        assert_eq!(
            said("duplicity /data $TARGET"),
            ["duplicity [\"/data\"] -[] [] > $TARGET"]
        );
        // What stands behind an option nobody knows may be a secret: that it copies is told, and not what.
        assert_eq!(
            said("duplicity full --next-option /data sftp://h/b"),
            ["duplicity [] -[] [] > sftp://h/b"]
        );
        for line in [
            "duplicity cleanup --next-option /c sftp://h/b",
            "duplicity $SOURCE /data",
            "duplicity --next-option /c $SOURCE /data",
            "duplicity sftp://h/b /data",
            "duplicity --archive-dir /c sftp://h/b /data",
            "duplicity --next-option /c sftp://h/b /data",
        ] {
            assert_eq!(said(line), [] as [&str; 0], "{line}");
        }
    }

    #[test]
    fn what_restores_lists_or_fetches_is_no_backup() {
        let text = "tar xzf /backup/e.tgz -C /srv\nborg list repo\nrestic check\nrsync -a nas1:/data/ .\nborg prune repo\nrestic forget /srv\n\
            # borg create r::a /srv\necho tar czf /b /srv\nmariabackup --prepare\npg_restore /b/x\n";
        assert_eq!(said(text), [] as [&str; 0]);
    }

    #[test]
    fn no_words_make_it_panic() {
        groma_fuzz::hammer(
            2000,
            &[b"tar -c -f x -C / y\nborg create r::a /s -e\nmysqldump -B a b\n"],
            |bytes| {
                said(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
