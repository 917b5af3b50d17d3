//! Files of the agent's own that are replaced as a whole: a crash leaves the old one or the new one, never half of either.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use groma_sys::own;

/// How much of a replacement has to outlive a power cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lasts {
    /// Nothing of it: a cache, a view.
    Perhaps,
    /// All of it, when this returns.
    Surely,
}

/// Puts what `fill` writes in place of `path`, for its owner alone, and makes the folder (0700) where there is none.
///
/// # Errors
/// Of the disk; what was there before stays.
pub(crate) fn replace(
    path: &Path,
    lasts: Lasts,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    own::folder(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let _ = fs::remove_file(&fresh);
    // Made anew, so that no link and no other account's file is written to.
    let file = own::create_new(&fresh)?;
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if lasts == Lasts::Surely {
        file.sync_all()?;
    }
    fs::rename(&fresh, path)?;
    match lasts {
        Lasts::Surely => own::settle(directory),
        Lasts::Perhaps => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn what_fails_half_way_leaves_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/file");
        replace(&path, Lasts::Surely, |out| out.write_all(b"one")).unwrap();
        let failed = replace(&path, Lasts::Surely, |out| {
            out.write_all(b"tw")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_somebody_put_there_is_not_written_through() {
        let home = tempfile::tempdir().unwrap();
        let theirs = home.path().join("theirs");
        fs::write(&theirs, b"theirs").unwrap();
        symlink(&theirs, home.path().join("file.new")).unwrap();
        let path = home.path().join("file");
        replace(&path, Lasts::Perhaps, |out| out.write_all(b"ours")).unwrap();
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
        assert_eq!(fs::read(&path).unwrap(), b"ours");
    }
}
