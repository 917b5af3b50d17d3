//! What is no configuration of this machine: samples, copies, documentation, test data, libraries.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use groma_knowledge::rules::SILENCE;

use crate::patterns::{Patterns, ending};
use crate::quick::{Words, words};

static DIRECTORIES: LazyLock<Words> = LazyLock::new(|| words(&SILENCE.directories));
static NAMES: LazyLock<Words> = LazyLock::new(|| words(&SILENCE.names));
static PATHS: LazyLock<Patterns<()>> =
    LazyLock::new(|| Patterns::new(SILENCE.paths.iter().map(|glob| (glob.as_str(), ()))));
/// Every ending by its last part (`js` of `.min.js`), and the last parts alone, to be asked first.
static ENDINGS: LazyLock<(Words, bool)> = LazyLock::new(|| {
    let last: Words = SILENCE.endings.iter().filter_map(|e| ending(e)).collect();
    let without = SILENCE.endings.iter().any(|e| ending(e).is_none());
    (last, without)
});
static MARKS: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(&SILENCE.marks).expect("a short list fits an automaton"));

/// True for a directory (its whole path) that is never entered.
pub(crate) fn is_silent_directory(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    is_silent_name(name) || is_silent_path(path)
}

/// True for the name of a directory that is entered nowhere.
pub(crate) fn is_silent_name(name: &str) -> bool {
    DIRECTORIES.contains(name) || is_put_aside(name)
}

/// Ends of the names of directories somebody put aside. A profile of a browser is called `x.default`.
const ASIDE: &[&str] = &[
    ".bak",
    ".bkp",
    ".backup",
    ".old",
    ".orig",
    ".save",
    ".saved",
    ".disabled",
    ".off",
    ".dpkg-old",
    ".rpmsave",
    ".alt",
    ".copy",
    ".unused",
    "~",
];

/// True for `app.old`, `conf.d.disabled`, `disabled`.
fn is_put_aside(name: &str) -> bool {
    let whole = [
        "disabled",
        "inactive",
        "unused",
        "deaktiviert",
        "inaktiv",
        "desactive",
        "disattivati",
        "desactivado",
    ];
    whole.contains(&name)
        || ASIDE
            .iter()
            .any(|end| name.len() > end.len() && name.ends_with(end))
}

/// True for a path that stands in the list of paths never read.
pub(crate) fn is_silent_path(path: &str) -> bool {
    PATHS.fits(path)
}

/// The name at the end of `path`, lower case.
fn name_of(path: &str) -> Cow<'_, str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// True for a file whose name marks a sample or a copy of a configuration.
pub(crate) fn is_copy(path: &str) -> bool {
    let name = name_of(path);
    let name = name.as_ref();
    let marked = MARKS.find_overlapping_iter(name).any(|found| {
        let rest = name.get(found.end()..).unwrap_or_default();
        let open = name.get(..found.end()).is_some_and(|n| n.ends_with('-'));
        found.start() > 0 && (rest.is_empty() || rest.starts_with('.') || open)
    });
    marked
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || is_dated(name)
        || is_edition(name)
        || is_renamed(name)
        || (may_be_called_a_copy(name) && COPIES.iter().any(|mark| name.contains(mark)))
        || is_developers(path, name)
}

/// What desktops and people write into the name of a copy.
const COPIES: &[&str] = &[
    "copy_of_",
    "copy-of-",
    "(copy",
    "(kopie",
    "(copie",
    "(copia",
    "kopie_von_",
    "kopie-von-",
    "copie_de_",
    "copie-de-",
    "copia_de_",
    "copia_di_",
    // The Explorer of Windows writes it behind the name.
    " - copy",
    " - kopie",
    " - copie",
    " - copia",
    " - kopia",
];

/// False for nearly every name: each of [`COPIES`] has these two letters.
fn may_be_called_a_copy(name: &str) -> bool {
    name.as_bytes().windows(2).any(|two| two == b"op")
}

/// Endings of settings and scripts, behind which a further word says that the file was put aside.
const WHOLE: &[&str] = &[
    "conf",
    "cfg",
    "ini",
    "cnf",
    "xml",
    "yml",
    "yaml",
    "json",
    "properties",
    "toml",
    "repo",
    "service",
    "php",
    "py",
    "pl",
    "sh",
    "list",
    "sources",
];

/// Words that products themselves put behind a whole name: `dovecot-sql.conf.ext`, `jail.conf.local`.
const FURTHER: &[&str] = &[
    "ext",
    "local",
    "options",
    "php",
    "js",
    "pl",
    "py",
    "rb",
    "conf",
    "cfg",
    "ini",
    "yml",
    "yaml",
    "json",
    "xml",
    "toml",
    "properties",
    "inc",
    "sh",
    "lua",
    "env",
    "cf",
    "cnf",
    "ps1",
    "d",
    "head",
    "tail",
    "base",
    "prod",
    "production",
    "live",
    "config",
    "default-zones",
    "include",
    "common",
    "global",
    "site",
    "custom",
    "user",
    "override",
    "m4",
    "db",
];

/// True for `server.conf.before-move`, `app.yml_orig`, `job.sh.nicht-mehr`: a whole name with a word behind it that no
/// product puts there, in whatever language.
fn is_renamed(name: &str) -> bool {
    // Nearly every name has nothing behind its ending.
    let mut behind = name.bytes().skip_while(|b| *b != b'.').skip(1);
    if !behind.any(|b| matches!(b, b'.' | b'_' | b'-')) {
        return false;
    }
    // BIND's and Samba's settings take in files called so.
    if name.starts_with("named.conf.") || name.starts_with("smb.conf.") {
        return false;
    }
    WHOLE.iter().any(|ending| {
        let at = name.match_indices(&format!(".{ending}")).next();
        let Some((head, rest)) =
            at.and_then(|(n, dot)| Some((name.get(..n)?, name.get(n + dot.len()..)?)))
        else {
            return false;
        };
        let Some(tail) = rest.strip_prefix(['.', '_', '-']) else {
            return false;
        };
        let known = tail.split('.').next().unwrap_or(tail);
        let is_word = tail.bytes().any(|b| b.is_ascii_alphabetic());
        !head.is_empty() && is_word && !FURTHER.contains(&known) && !FURTHER.contains(&tail)
    })
}

/// Words for what people develop and test with, in several languages.
const DEVELOPMENT: &[&str] = &[
    "dev",
    "devel",
    "develop",
    "development",
    "developer",
    "test",
    "tests",
    "testing",
    "unittest",
    "ci",
    "mock",
    "entwicklung",
    "developpement",
    "ontwikkeling",
    "desarrollo",
    "sviluppo",
];

/// True for the name of a profile or environment no production runs with.
pub(crate) fn is_for_development(profile: &str) -> bool {
    DEVELOPMENT.contains(&profile.trim().to_ascii_lowercase().as_str())
}

/// True for `appsettings.Development.json`, `application-test.yml`, `config/development.json`: a program that
/// has such files reads the one of the environment it runs in.
fn is_developers(path: &str, name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    if stem == ".env" {
        return is_for_development(ending);
    }
    let by_environment = [
        "json",
        "json5",
        "yml",
        "yaml",
        "properties",
        "toml",
        "config",
        "env",
    ];
    if !by_environment.contains(&ending) {
        return false;
    }
    match stem.rsplit_once(['.', '-', '_']) {
        Some((_, last)) => is_for_development(last),
        None => {
            let above = path.rsplit('/').nth(1).unwrap_or_default();
            matches!(above, "config" | "environments" | "env") && is_for_development(stem)
        }
    }
}

/// True for `smb.conf.2019`, `slapd.conf.dist-2017`, `main.cf.v2`: a whole name of a configuration with a
/// year, a version or a delivery behind it. A year alone may also name an edition (`office-2019`).
fn is_edition(name: &str) -> bool {
    let ends_whole = |head: &str| {
        head.rsplit_once('.').is_some_and(|(_, ending)| {
            (2..=10).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphabetic())
        })
    };
    let Some((head, tail)) = name.rsplit_once(['.', '-', '_']) else {
        return false;
    };
    if tail
        .strip_prefix("dist")
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    {
        return ends_whole(head);
    }
    let is_year = |tail: &str| {
        tail.len() == 4
            && (tail.starts_with("19") || tail.starts_with("20"))
            && tail.bytes().all(|b| b.is_ascii_digit())
    };
    let is_version = |tail: &str| {
        tail.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let delivered = head
        .rsplit_once('.')
        .is_some_and(|(_, word)| word.starts_with("dist"));
    (is_year(tail) || is_version(tail)) && (ends_whole(head) || delivered)
}

/// True for `main.cf.20240101`, `main.cf-2024-01-01`: a copy somebody dated.
fn is_dated(name: &str) -> bool {
    let tail = name.rsplit(['.', '_']).next().unwrap_or_default();
    let tail = if tail.len() < 6 {
        name.get(name.len().saturating_sub(10)..)
            .unwrap_or_default()
    } else {
        tail
    };
    let tail = tail
        .get(tail.len().saturating_sub(10)..)
        .unwrap_or_default();
    let digits = tail.bytes().filter(u8::is_ascii_digit).count();
    digits >= 6
        && tail
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// True for a file that is no configuration by its name: documents, pictures, archives, sources, data.
pub(crate) fn is_other_matter(path: &str) -> bool {
    let name = name_of(path);
    let name = name.as_ref();
    let (last, without_dot) = &*ENDINGS;
    let may_end_so = *without_dot || ending(name).is_some_and(|ending| last.contains(ending));
    NAMES.contains(name)
        || (may_end_so
            && SILENCE
                .endings
                .iter()
                .any(|ending| name.ends_with(ending.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_develop_with_is_no_configuration_of_a_server() {
        for path in [
            "/srv/a/appsettings.Development.json",
            "/srv/a/application-test.yml",
            "/srv/a/config/development.json",
            "/srv/a/.env.development",
        ] {
            assert!(is_copy(path), "{path}");
        }
        for path in [
            "/srv/a/appsettings.Production.json",
            "/srv/a/application-prod.yml",
            "/srv/a/contest.json",
            "/srv/a/.env.local",
            "/etc/nginx/conf.d/test.conf",
        ] {
            assert!(!is_copy(path), "{path}");
        }
    }

    #[test]
    fn every_word_for_a_copy_has_the_letters_it_is_told_by() {
        assert!(COPIES.iter().all(|word| may_be_called_a_copy(word)));
    }

    #[test]
    fn samples_and_copies_are_silent() {
        for path in [
            "/srv/a/.env.example",
            "/etc/apt/sources.list.d/b.list.disabled-by-upgrade",
            "/etc/a.conf.dpkg-dist",
            "/etc/a.conf.bak",
            "/etc/a.conf~",
            "/srv/config.sample.php",
            "/etc/main.cf.20240101",
            "/etc/main.cf-2024-01-01",
            "/etc/.a.conf.swp",
            "/etc/#a#",
            "/srv/config-dist.php",
            "/etc/x.rpmsave",
            "/etc/x.ucf-dist",
            "/etc/a.conf.old",
            "/etc/smb.conf.2019",
            "/etc/slapd.conf.dist-2017",
            "/etc/slapd.conf.dist2017",
            "/etc/main.cf.20190304",
            "/etc/a.conf-2019",
            "/etc/x.conf.v2",
        ] {
            assert!(is_copy(path), "{path}");
        }
        for path in [
            "/etc/postfix/main.cf",
            "/srv/a/.env",
            "/etc/nginx/sites-enabled/default",
            "/etc/cron.d/e2scrub_all",
            "/srv/oldmail.conf",
            "/etc/rsyslog.d/50-forward.conf",
            "/etc/app.d/10.0.conf",
            "/etc/default/office-2019",
            "/etc/cron.d/report2019",
            "/srv/api.v2/settings.yml",
            "/etc/cron.d/sync-v2",
            "/etc/a/distances.conf",
        ] {
            assert!(!is_copy(path), "{path}");
        }
    }

    #[test]
    fn what_somebody_renamed_or_put_aside_is_silent_and_what_products_call_so_is_not() {
        for path in [
            "/etc/a/server.conf.before-move",
            "/etc/a/server.conf_orig",
            "/etc/a/app.yml-vor-umzug",
            "/etc/a/server.conf.unused",
            "/etc/a/copy_of_server.conf",
            "/etc/a/server (copy).conf",
            "/usr/local/bin/job.sh.nicht-mehr",
        ] {
            assert!(is_copy(path), "{path}");
        }
        for path in [
            "/etc/dovecot/dovecot-sql.conf.ext",
            "/etc/fail2ban/jail.conf.local",
            "/etc/bind/named.conf.acl",
            "/etc/z-push/imap.conf.php",
            "/srv/a/client.ini.php",
            "/etc/a/10.conf-d",
            "/etc/a/app.config.js",
            "/etc/cron.d/php-sessions",
            "/etc/a/x.service.d",
            "/etc/a/confluence.cfg.xml",
            "/srv/a/docker-compose.override.yml",
        ] {
            assert!(!is_copy(path), "{path}");
        }
        for path in ["/opt/app.old", "/etc/a/conf.d.disabled", "/etc/a/disabled"] {
            assert!(is_silent_directory(path), "{path}");
        }
        assert!(!is_silent_directory("/home/a/.mozilla/firefox/p1.default"));
        assert!(!is_silent_directory("/opt/threshold"));
    }

    #[test]
    fn documents_and_test_data_are_silent() {
        assert!(is_silent_directory("/srv/app/tests"));
        assert!(is_silent_directory("/opt/x/node_modules"));
        assert!(is_silent_directory("/etc/apache2/sites-available"));
        assert!(!is_silent_directory("/etc/apache2/sites-enabled"));
        assert!(is_other_matter("/srv/app/README.md"));
        assert!(is_other_matter("/srv/shares/Time sheet.URL"));
        assert!(!is_other_matter("/srv/app/settings.py"));
        assert!(is_silent_path("/etc/os-release"));
        assert!(!is_silent_path("/etc/hosts"));
    }
}
