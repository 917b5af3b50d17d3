//! Exports over NFS, as `/etc/exports` and `/etc/exports.d` say them (exports(5)).

use std::path::{Path, PathBuf};

use groma_model::Foreign;
use groma_model::fact::{Grant, Share};
use groma_source::disk::foreign;

use crate::part::Part;
use crate::reading::Reading;
use crate::text::{extension, lines, lossy, unescaped};

const EXPORTS_MAX: usize = 20_000;

/// Everything that is exported.
pub(super) fn read(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Vec<Share> {
    let mut files = vec![PathBuf::from("/etc/exports")];
    match reading.list(Path::new("/etc/exports.d")) {
        Ok(entries) => files.extend(
            entries
                .into_iter()
                .map(|e| e.path)
                .filter(|p| extension(p) == b"exports"),
        ),
        Err(error) => part.refused("exports", &error),
    }
    let mut shares = Vec::new();
    for file in files {
        match reading.read_if_there(&file) {
            Ok(text) => shares.extend(exports(&file, &text.unwrap_or_default())),
            Err(error) => part.refused("exports", &error),
        }
    }
    shares
}

fn exports(file: &Path, text: &[u8]) -> Vec<Share> {
    logical(text)
        .into_iter()
        .filter_map(|(number, line)| export(file, number, &line))
        .take(EXPORTS_MAX)
        .collect()
}

/// Lines joined at a final `\`, without comments.
fn logical(text: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut all: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut open = false;
    for (number, line) in lines(text) {
        let line = line
            .split(|b| *b == b'#')
            .next()
            .unwrap_or_default()
            .trim_ascii_end();
        let (line, more) = match line.strip_suffix(b"\\") {
            Some(line) => (line, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| open) {
            Some((_, before)) => before.extend(line),
            None => all.push((number, line.to_vec())),
        }
        open = more;
    }
    all
}

fn export(file: &Path, line: u32, text: &[u8]) -> Option<Share> {
    let mut words = words(text).into_iter();
    let path = words.next().filter(|p| p.starts_with(b"/"))?;
    let mut habits = String::new();
    let mut clients = Vec::new();
    for word in words {
        let word = lossy(&word);
        match word.strip_prefix('-') {
            Some(options) if clients.is_empty() => habits = options.to_owned(),
            _ => clients.push(client(&word, &habits)),
        }
    }
    if clients.is_empty() {
        clients.push(client("*", &habits));
    }
    let mut grants: Vec<Grant> = clients.iter().flat_map(|c| c.grants.clone()).collect();
    grants.sort();
    grants.dedup();
    let path = Foreign::from_bytes(match path.strip_suffix(b"/") {
        Some(b"") | None => path.as_slice(),
        Some(short) => short,
    });
    Some(Share {
        protocol: "nfs".to_owned(),
        name: path.clone(),
        path,
        sort: "disk".to_owned(),
        read_only: clients.iter().all(|c| c.read_only),
        guest: false,
        grants,
        file: foreign(file),
        line,
    })
}

struct Client {
    grants: Vec<Grant>,
    read_only: bool,
}

/// `192.0.2.0/24(rw,no_root_squash)`; without options it may read.
fn client(word: &str, habits: &str) -> Client {
    let (who, options) = word.split_once('(').unwrap_or((word, ""));
    let who = if who.is_empty() { "*" } else { who };
    let options = options.trim_end_matches(')');
    let all = || habits.split(',').chain(options.split(','));
    let last = |yes: &str, no: &str| all().rfind(|o| *o == yes || *o == no) == Some(yes);
    let write = last("rw", "ro");
    let mut rights = vec![if write { "write" } else { "read" }];
    if last("no_root_squash", "root_squash") {
        rights.push("admin");
    }
    let grants = rights.into_iter().map(|right| Grant {
        principal: who.into(),
        right: right.to_owned(),
    });
    Client {
        grants: grants.collect(),
        read_only: !write,
    }
}

/// Words between blanks; one in quotes may hold blanks, and octal escapes are undone.
fn words(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), Vec::new(), false);
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(*other),
        }
    }
    words.push(word);
    words
        .into_iter()
        .filter(|w| !w.is_empty())
        .map(|w| unescaped(&w))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let shares = exports(Path::new("/etc/exports"), text.as_bytes());
        let one = |s: &Share| {
            let grants: Vec<String> = s
                .grants
                .iter()
                .map(|g| format!("{} {}", g.principal, g.right))
                .collect();
            format!(
                "{}:{} {} {}",
                s.line,
                s.path,
                if s.read_only { "ro" } else { "rw" },
                grants.join(", ")
            )
        };
        shares.iter().map(one).collect()
    }

    #[test]
    fn every_client_has_its_own_rights() {
        let text = "# /ghost *(rw)\n/srv/data 192.0.2.0/24(rw,no_root_squash) \\\n  backup1(ro)\n\
            \"/srv/old files\" -rw @hosts *(ro)\n/srv/a\\040b host1\nrelative host1\n";
        assert_eq!(
            said(text),
            [
                "2:/srv/data rw 192.0.2.0/24 admin, 192.0.2.0/24 write, backup1 read",
                "4:/srv/old files rw * read, @hosts write",
                "5:/srv/a b ro host1 read",
            ]
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        groma_fuzz::hammer(1000, &[b"/srv \"a b\"(rw) -ro c(\\\n)"], |bytes| {
            exports(Path::new("/e"), bytes);
        });
    }
}
