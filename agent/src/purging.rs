//! Takes away what the agent keeps: the files it knows as its own, and its folders once they are empty. Whatever else lies there was
//! put there by somebody else, and stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files of the state folder; each may have a successor that was never put in its place (`.new`).
const OWN: &[&str] = &[
    "directory.progress",
    "enrolling.json",
    "identity.json",
    "policy.json",
    "state.json",
    "status.json",
    "sweep.progress",
];
/// Files of the spool, besides its segments.
const SPOOL: &[&str] = &["lock", "probe", "watermark", "watermark.new"];
/// Entries that are looked at in a folder.
const ENTRIES_MAX: usize = 100_000;

/// Removes the state in `home`; what is left there is returned, one path of it. No link is followed.
///
/// # Errors
/// Of the disk: what could not be removed.
pub(crate) fn purge(home: &Path) -> io::Result<Option<PathBuf>> {
    let spool = home.join("spool");
    match is_folder(home)? {
        None => return Ok(None),
        Some(false) => return Ok(Some(home.to_owned())),
        Some(true) => {}
    }
    if is_folder(&spool)? == Some(true) {
        remove_files(&spool, is_of_the_spool)?;
        remove_if_empty(&spool)?;
    }
    remove_files(home, is_of_the_state)?;
    remove_if_empty(home)?;
    match is_folder(home)? {
        None => Ok(None),
        Some(_) => Ok(Some(one_of(home)?.unwrap_or_else(|| home.to_owned()))),
    }
}

/// `None` where nothing is; false for a file or a link.
fn is_folder(path: &Path) -> io::Result<Option<bool>> {
    match path.symlink_metadata() {
        Ok(met) => Ok(Some(met.is_dir() && !met.is_symlink())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove_files(folder: &Path, is_own: fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.take(ENTRIES_MAX) {
        let entry = entry?;
        let is_file = entry.file_type()?.is_file();
        if is_file && entry.file_name().to_str().is_some_and(is_own) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

fn one_of(folder: &Path) -> io::Result<Option<PathBuf>> {
    let first = fs::read_dir(folder)?.next().transpose()?;
    Ok(first.map(|entry| entry.path()))
}

fn is_of_the_state(name: &str) -> bool {
    let name = name.strip_suffix(".new").unwrap_or(name);
    OWN.contains(&name) || name.strip_suffix(".memory").is_some_and(is_word)
}

/// A segment is called by its number, and keeps that when it was set aside.
fn is_of_the_spool(name: &str) -> bool {
    let plain = name.strip_suffix(".damaged").unwrap_or(name);
    let number = plain.strip_suffix(".spool").unwrap_or_default();
    let is_number = number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    SPOOL.contains(&plain) || is_number
}

/// The last part of a source's name.
fn is_word(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(home: &Path, names: &[&str]) {
        for name in names {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
    }

    #[test]
    fn all_that_the_agent_keeps_goes_and_its_folder_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("groma-agent");
        written(
            &home,
            &[
                "identity.json",
                "status.json.new",
                "config.memory",
                "services.memory",
                "directory.progress",
                "spool/0000000000000001.spool",
                "spool/000000000000001f.spool.damaged",
                "spool/lock",
                "spool/watermark",
            ],
        );
        assert_eq!(purge(&home).unwrap(), None);
        assert!(!home.exists() && folder.path().exists());
        assert_eq!(purge(&home).unwrap(), None);
    }

    #[test]
    fn what_is_not_the_agents_stays_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("groma-agent");
        written(
            &home,
            &[
                "identity.json",
                "notes.txt",
                "identity.json.bak",
                "spool/1.spool",
            ],
        );
        fs::create_dir(home.join("status.json")).unwrap();
        assert!(purge(&home).unwrap().unwrap().starts_with(&home));
        assert!(!home.join("identity.json").exists());
        for kept in [
            "notes.txt",
            "identity.json.bak",
            "spool/1.spool",
            "status.json",
        ] {
            assert!(home.join(kept).exists(), "{kept}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (home, other) = (folder.path().join("home"), folder.path().join("other"));
        written(&other, &["identity.json", "lock"]);
        std::os::unix::fs::symlink(&other, &home).unwrap();
        assert_eq!(purge(&home).unwrap(), Some(home.clone()));
        fs::remove_file(&home).unwrap();
        fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(&other, home.join("spool")).unwrap();
        std::os::unix::fs::symlink(other.join("lock"), home.join("state.json")).unwrap();
        assert!(purge(&home).unwrap().is_some());
        assert!(other.join("identity.json").exists() && other.join("lock").exists());
    }
}
