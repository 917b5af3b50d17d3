//! When duplicity last ended well, by the names it gives its files.
//!
//! A manifest is written when everything else of a backup is there (`duplicity-full.20261121T002354Z.manifest`,
//! `duplicity-inc.….to.….manifest`, with `.gpg` where it is encrypted). It lies in the target and, in the clear, in a directory of
//! this machine that is named after the MD5 of the target as it was written. Its name says when the backup began.

use std::path::{Path, PathBuf};

use groma_model::Timestamp;
use md5::{Digest, Md5};

use crate::reading::Reading;
use crate::text::{file_name, lossy};

/// Where root's runs remember what they did.
const MEMORY: &str = "/root/.cache/duplicity";

/// The newest backup that is whole, as the target itself or this machine's memory of it tells.
pub(super) fn last_success(reading: &mut Reading<'_>, written: &str) -> Option<i64> {
    let sum: String = Md5::digest(written.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let local = written
        .strip_prefix("file://")
        .filter(|path| path.starts_with('/'));
    let places = [local.map(PathBuf::from), Some(Path::new(MEMORY).join(sum))];
    let newest = places.into_iter().flatten().filter_map(|place| {
        let entries = reading.list(&place).ok()?;
        let begun = entries.iter().filter_map(|e| begun(file_name(&e.path)));
        begun.max()
    });
    newest.max()
}

/// The time in the name of a finished manifest; a `.part` is one that was broken off.
fn begun(name: &[u8]) -> Option<i64> {
    let name = lossy(name);
    let name = [".gpg", ".gz"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    let name = name.strip_suffix(".manifest")?;
    // A prefix of the operator's own may stand before it.
    let time = match (name.find("duplicity-full."), name.find("duplicity-inc.")) {
        (Some(at), _) => name.get(at + "duplicity-full.".len()..)?,
        (None, Some(at)) => name.get(at..)?.split_once(".to.")?.1,
        (None, None) => return None,
    };
    moment(time)
}

/// `20261121T002354Z`.
fn moment(text: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then_some(part)
    };
    if text.len() != 16 || text.get(8..9)? != "T" || !text.ends_with('Z') {
        return None;
    }
    let date = format!("{}-{}-{}", digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let time = format!("{}:{}:{}", digits(9, 11)?, digits(11, 13)?, digits(13, 15)?);
    let at: Timestamp = format!("{date}T{time}Z").parse().ok()?;
    Some(at.millis() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in a target and in the memory of duplicity 0.8.22 after a full and an incremental backup.
    const RECORDED: &str = include_str!("../../tests/fixtures/backups/duplicity-0.8/names.txt");

    #[test]
    fn the_names_that_duplicity_gave_say_when_each_backup_began() {
        let begun: Vec<i64> = RECORDED
            .lines()
            .filter_map(|name| begun(name.as_bytes()))
            .collect();
        // Twice each: encrypted in the target, in the clear in the memory.
        let (full, inc) = (1_795_220_634, 1_795_220_641);
        assert_eq!(begun, [full, inc, full, inc]);
    }

    #[test]
    fn what_was_broken_off_and_what_another_program_wrote_says_nothing() {
        for name in [
            "duplicity-full.20261121T002354Z.manifest.part",
            "duplicity-full.20261121T002354Z.vol1.difftar.gpg",
            "duplicity-full-signatures.20261121T002354Z.sigtar.gz",
            "duplicity-full.20261321T002354Z.manifest",
            "notes.manifest",
            "duplicity-inc.20261121T002354Z.manifest",
        ] {
            assert_eq!(begun(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn no_name_makes_it_panic() {
        groma_fuzz::hammer(
            2000,
            &[
                RECORDED.as_bytes(),
                b"duplicity-full.20261121T002354Z.manifest.gpg",
            ],
            |bytes| {
                begun(bytes);
            },
        );
    }
}
