//! Where a job copies to: cleaned of accounts and passwords, the machine in it, and when something last arrived.

use std::path::{Path, PathBuf};

use groma_model::{Foreign, Peer, Timestamp};
use groma_source::EntryKind;

use crate::reading::Reading;
use crate::text::{file_name, lossy};

/// The settings that rsnapshot goes by where nobody names others.
pub(super) const RSNAPSHOT: &str = "/etc/rsnapshot.conf";

/// The target without account and password; the letters of a query go too.
///
/// A password may hold any letter, also the `/` and `?` that end an authority elsewhere: everything before the
/// last `@` goes first. Words with white space or options in them are no place, and may be a command line.
pub(super) fn clean(target: &str) -> Foreign {
    let target = &without_commands(target);
    if target.contains(char::is_whitespace) {
        return Foreign::from("***");
    }
    if target.starts_with("rclone:") && target.contains([',', '=']) {
        return Foreign::from("rclone:***");
    }
    let target = &without_account(target);
    let target = target.split('?').next().unwrap_or_default();
    let (scheme, rest) = match target.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), target),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = match authority.rsplit_once('@') {
        // restic writes `sftp:user@host:/path`, and `rest:https://user:password@host/`.
        Some((account, host)) => {
            let driver = account
                .split_once(':')
                .map(|(driver, _)| driver)
                .filter(|d| matches!(*d, "sftp" | "rclone"));
            driver
                .map(|d| format!("{d}:{host}"))
                .unwrap_or_else(|| host.to_owned())
        }
        None => authority.to_owned(),
    };
    format!("{scheme}{authority}{path}").into()
}

/// `nas:copy-…/` of `nas:copy-$(date +%F)/`: what a command puts there, nobody knows before it runs.
fn without_commands(target: &str) -> String {
    let mut out = String::new();
    let mut rest = target;
    while let Some(at) = rest.find(['$', '`']) {
        let (before, command) = rest.split_at(at);
        out.push_str(before);
        let end = match command.strip_prefix('`') {
            Some(inner) => inner.find('`').map(|end| end + 2),
            None => end_of_command(command),
        };
        match end.and_then(|end| command.get(end..)) {
            Some(after) => {
                out.push('…');
                rest = after;
            }
            None => {
                out.push_str(command.get(..1).unwrap_or_default());
                rest = command.get(1..).unwrap_or_default();
            }
        }
    }
    out + rest
}

/// Where `$(…)` ends, with those inside it; `None` if it is none, or has no end.
fn end_of_command(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("$(")?;
    let mut depth = 1_usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 3);
        }
    }
    None
}

/// `sftp://nas/x` of `sftp://user:pass/word@nas/x`, `sftp:nas:/x` of `sftp:user@nas:/x`.
fn without_account(target: &str) -> String {
    let Some((head, rest)) = target.rsplit_once('@') else {
        return target.to_owned();
    };
    let driver = match head.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://"),
        None => head
            .split_once(':')
            .filter(|(driver, _)| matches!(*driver, "sftp" | "rclone" | "rest" | "s3"))
            .map_or(String::new(), |(driver, _)| format!("{driver}:")),
    };
    format!("{driver}{rest}")
}

/// The machine a target lies on; none for a path of this machine.
pub(super) fn peer(target: &str) -> Option<Peer> {
    let clean = clean(target).to_string();
    let bare = ["sftp:", "rest:", "s3:"]
        .iter()
        .fold(clean.as_str(), |t, driver| {
            t.strip_prefix(driver).unwrap_or(t)
        });
    if let Some((_, rest)) = bare.split_once("://") {
        let authority = rest.split('/').next().unwrap_or_default();
        return Peer::parse(
            authority
                .rsplit_once(':')
                .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
                .map_or(authority, |(host, _)| host),
        );
    }
    let (host, _) = bare.split_once(':')?;
    (!host.contains('/') && host.len() > 1).then(|| Peer::parse(host))?
}

/// When a job last ended well, as far as its target or its own records on this machine tell.
pub(super) fn last_success(reading: &mut Reading<'_>, product: &str, written: &str) -> Option<i64> {
    if product == "duplicity" {
        return super::duplicity::last_success(reading, written);
    }
    let at = Path::new(written);
    if !at.is_absolute() {
        return borg_manifest(reading, written);
    }
    match product {
        // A snapshot is written when everything else is there; borg commits an index.
        "restic" => newest(reading, &at.join("snapshots"), b""),
        "borg" | "borgmatic" => newest(reading, at, b"index."),
        "rsnapshot" => super::rsnapshot::last_success(reading, Path::new(RSNAPSHOT), |reading| {
            newest_directory(reading, at)
        }),
        // It gives copies the times of what it copied: they say nothing of when it ran.
        "rsync" => None,
        _ => arrived(reading, at),
    }
}

/// The newest file whose name begins like the target's, up to its first variable, digit or command.
fn arrived(reading: &mut Reading<'_>, target: &Path) -> Option<i64> {
    if reading
        .metadata(target)
        .is_ok_and(|m| m.kind == EntryKind::Directory)
    {
        return newest(reading, target, b"").or_else(|| newest_directory(reading, target));
    }
    let name = file_name(target);
    let fixed = name
        .iter()
        .position(|b| matches!(b, b'$' | b'`' | b'%' | b'0'..=b'9'));
    let start = name.get(..fixed.unwrap_or(name.len())).unwrap_or_default();
    let directory = target
        .parent()
        .filter(|d| !d.as_os_str().as_encoded_bytes().contains(&b'$'))?;
    (start.len() > 1).then(|| newest(reading, directory, start))?
}

fn newest(reading: &mut Reading<'_>, directory: &Path, start: &[u8]) -> Option<i64> {
    modified(reading, directory, start, EntryKind::File)
}

fn newest_directory(reading: &mut Reading<'_>, directory: &Path) -> Option<i64> {
    modified(reading, directory, b"", EntryKind::Directory)
}

fn modified(
    reading: &mut Reading<'_>,
    directory: &Path,
    start: &[u8],
    kind: EntryKind,
) -> Option<i64> {
    let entries = reading.list(directory).ok()?;
    let fits: Vec<PathBuf> = entries
        .into_iter()
        .filter(|e| e.kind == kind && file_name(&e.path).starts_with(start))
        .map(|e| e.path)
        .collect();
    let files = fits.iter().filter_map(|path| {
        let metadata = reading.metadata(path).ok()?;
        // An empty file is a dump that failed.
        (kind == EntryKind::Directory || metadata.bytes > 0).then_some(metadata.modified)
    });
    files.max()
}

/// borg keeps, for each repository it knows, where it lies and when its manifest was last written (UTC).
fn borg_manifest(reading: &mut Reading<'_>, repository: &str) -> Option<i64> {
    for entry in reading
        .list(Path::new("/root/.config/borg/security"))
        .ok()?
    {
        let read = |reading: &mut Reading<'_>, name: &str| {
            reading.read_if_there(entry.path.join(name)).ok().flatten()
        };
        let Some(location) = read(reading, "location") else {
            continue;
        };
        if is_same(&lossy(location.trim_ascii()), repository) {
            let written = lossy(read(reading, "manifest-timestamp")?.trim_ascii());
            let whole = written.split(['.', '+']).next().unwrap_or_default();
            return format!("{whole}Z")
                .parse::<Timestamp>()
                .ok()
                .map(|t| t.millis() / 1000);
        }
    }
    None
}

/// `ssh://b@nas1/./repo` and `b@nas1:repo` are one place.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = clean(text).to_string();
        let text = text
            .strip_prefix("ssh://")
            .unwrap_or(&text)
            .replacen(':', "/", 1)
            .replace("/./", "/")
            .replace("//", "/");
        text.trim_end_matches('/').to_owned()
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_any_letters_is_left_out() {
        for target in [
            "ftp://b:ca/nary@nas/x",
            "ftp://b:ca?nary@nas/x",
            "sftp:b:ca/nary@nas:/x",
            "rclone::sftp,host=nas,user=b,pass=canary:/r",
            "sshpass -p canary ssh",
        ] {
            let said = clean(target).to_string();
            assert!(!said.contains("nary") && !said.contains("b:ca"), "{said}");
        }
        assert_eq!(clean("ftp://b:ca/nary@nas/x").to_string(), "ftp://nas/x");
    }

    #[test]
    fn no_account_and_no_password_is_left_in_a_target() {
        let said = |target: &str| {
            (
                clean(target).to_string(),
                peer(target).map(|p| p.to_string()),
            )
        };
        let of = |target: &str, peer: &str| (target.to_owned(), Some(peer.to_owned()));
        assert_eq!(said("b:canary@nas1:repo"), of("nas1:repo", "nas1"));
        assert_eq!(
            said("ssh://b:canary@nas1.corp.example:2222/./r"),
            of("ssh://nas1.corp.example:2222/./r", "nas1.corp.example")
        );
        assert_eq!(said("sftp:b@nas1:/r"), of("sftp:nas1:/r", "nas1"));
        assert_eq!(
            said("rest:https://b:canary@b1.corp.example/r?k=canary"),
            of("rest:https://b1.corp.example/r", "b1.corp.example")
        );
        assert_eq!(said("/backup/x"), ("/backup/x".to_owned(), None));
        assert_eq!(
            said("b@10.0.0.60:mail-$(date +%Y-%m)/`id -n`"),
            of("10.0.0.60:mail-…/…", "10.0.0.60")
        );
        assert_eq!(said("b:$(echo canary)@nas1:r"), of("nas1:r", "nas1"));
        assert_eq!(said("nas1:$x $(open").0, "***");
        assert!(is_same("ssh://b@nas1/./repo", "b@nas1:repo"));
    }

    #[test]
    fn no_target_makes_it_panic() {
        groma_fuzz::hammer(
            1000,
            &[b"rest:https://a:b@c:1/d?e", b"a@b:c", b"a:$(b $(c) )`d`"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                clean(&text);
                peer(&text);
                is_same(&text, &text);
            },
        );
    }
}
