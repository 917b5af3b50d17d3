//! How far a look at directories came, in one file beside the agent's state, until its batch is written; and in another
//! how far a sweep came, and whom it leaves alone.
//!
//! It holds what the batch will hold, so it is as closed as the state. What fails here costs no more than the notes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use groma_source::Memory;
use groma_source_directory::Journal;
use groma_source_sweep::Notes;

const FILE: &str = "directory.progress";
const SWEEPS: &str = "sweep.progress";

/// What the notes may hold; a look that brings more begins anew when it is killed.
const BYTES_MAX: u64 = 512 << 20;

/// The notes in the directory of the agent's memory.
pub(crate) struct FileJournal {
    path: PathBuf,
    owner: Option<u32>,
    program: String,
    out: Option<fs::File>,
    bytes: u64,
    /// True once nothing more is noted in this look: there was no room, or no file could be made.
    given_up: bool,
}

fn path_of(memory: &Memory) -> PathBuf {
    memory.path.with_file_name(FILE)
}

/// Forgets the notes: what they held is in a batch now.
pub fn forget_progress(memory: &Memory) {
    let _ = fs::remove_file(path_of(memory));
}

impl FileJournal {
    pub(crate) fn beside(memory: &Memory) -> Self {
        Self::at(memory, path_of(memory))
    }

    fn at(memory: &Memory, path: PathBuf) -> Self {
        Self {
            path,
            owner: memory.owner,
            program: memory.program.clone(),
            out: None,
            bytes: 0,
            given_up: false,
        }
    }

    /// The file, if it is a file of this account alone. What was opened is judged, not what the path named before:
    /// where others may write beside it, that changes in between. Nothing is opened but files.
    fn own(&self, append: bool) -> Option<fs::File> {
        let file = groma_sys::own::open_alone(&self.path, append)?;
        let fits = file.metadata().ok()?.len() <= BYTES_MAX;
        let is_ours = self.owner == groma_sys::own::account();
        (fits && is_ours).then_some(file)
    }

    fn open(&mut self) -> Option<&mut fs::File> {
        if self.out.is_none() {
            groma_sys::own::folder(self.path.parent()?).ok()?;
            let mut file = match self.own(true) {
                Some(file) => file,
                None => {
                    let _ = fs::remove_file(&self.path);
                    groma_sys::own::create_new_to_append(&self.path).ok()?
                }
            };
            self.bytes = file.metadata().ok()?.len();
            end_of_line(&mut file).ok()?;
            self.out = Some(file);
        }
        self.out.as_mut()
    }

    fn write(&mut self, line: &str) -> bool {
        let size = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let Some(out) = self.open() else { return false };
        let whole = out.write_all(format!("{line}\n").as_bytes()).is_ok();
        self.bytes = self.bytes.saturating_add(size);
        whole && self.bytes <= BYTES_MAX
    }
}

/// Ends the line a killed program left half: what follows must not become part of it.
fn end_of_line(file: &mut fs::File) -> std::io::Result<()> {
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    match last {
        [b'\n'] => Ok(()),
        _ => file.write_all(b"\n"),
    }
}

/// The notes of sweeps, kept with the same care.
pub(crate) struct SweepNotes(FileJournal);

impl SweepNotes {
    pub(crate) fn beside(memory: &Memory) -> Self {
        Self(FileJournal::at(memory, memory.path.with_file_name(SWEEPS)))
    }
}

impl Notes for SweepNotes {
    fn replay(&mut self, each: &mut dyn FnMut(&str)) {
        self.0.replay(each);
    }

    fn note(&mut self, line: &str) {
        self.0.note(line);
    }

    fn begin(&mut self, lines: &[String]) {
        self.0.out = None;
        self.0.bytes = 0;
        let _ = fs::remove_file(&self.0.path);
        lines.iter().for_each(|line| self.0.note(line));
    }
}

impl Journal for FileJournal {
    fn program(&self) -> &str {
        &self.program
    }

    fn replay(&mut self, each: &mut dyn FnMut(&str)) {
        let Some(file) = self.own(false) else {
            return;
        };
        let mut lines = BufReader::new(file.take(BYTES_MAX));
        let mut line = String::new();
        // A line without its end was being written when the program was killed.
        while lines.read_line(&mut line).is_ok_and(|n| n > 0) && line.ends_with('\n') {
            each(line.trim_end());
            line.clear();
        }
    }

    fn note(&mut self, line: &str) {
        if self.given_up || self.write(line) {
            return;
        }
        // Half of what is noted is worse than nothing, and a file without a name would go on growing.
        self.given_up = true;
        self.out = None;
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::Path;

    use super::*;

    fn memory(at: &Path) -> Memory {
        crate::memory_in(at)
    }

    fn lines(at: &Path) -> Vec<String> {
        let mut all = Vec::new();
        FileJournal::beside(&memory(at)).replay(&mut |line| all.push(line.to_owned()));
        all
    }

    #[test]
    fn what_was_noted_comes_back_until_it_is_forgotten() {
        let at = tempfile::tempdir().unwrap();
        let mut progress = FileJournal::beside(&memory(at.path()));
        progress.note("one");
        progress.note("two");
        let half = fs::OpenOptions::new()
            .append(true)
            .open(at.path().join(FILE));
        half.unwrap().write_all(b"thr").unwrap();
        assert_eq!(lines(at.path()), ["one", "two"]);
        // What the next look notes is a line of its own.
        FileJournal::beside(&memory(at.path())).note("four");
        assert_eq!(lines(at.path()), ["one", "two", "thr", "four"]);
        forget_progress(&memory(at.path()));
        assert!(lines(at.path()).is_empty());
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_a_link_is_not_believed() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join(FILE);
        fs::write(&path, "one\n").unwrap();
        assert!(lines(at.path()).is_empty());
        FileJournal::beside(&memory(at.path())).note("mine");
        assert_eq!(lines(at.path()), ["mine"]);
        fs::rename(&path, at.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(lines(at.path()).is_empty());
    }

    #[test]
    fn what_somebody_puts_in_place_of_the_file_is_never_written_to() {
        let at = tempfile::tempdir().unwrap();
        let (path, others) = (at.path().join(FILE), at.path().join("shadow"));
        let mut options = fs::OpenOptions::new();
        let kept = options.write(true).create(true).mode(0o600).open(&others);
        kept.unwrap().write_all(b"root\n").unwrap();
        let is_untouched = || fs::read(&others).unwrap() == b"root\n";
        // A link that appears after the old file was removed.
        std::os::unix::fs::symlink("shadow", &path).unwrap();
        groma_sys::own::create_new_to_append(&path).unwrap_err();
        assert!(FileJournal::beside(&memory(at.path())).own(true).is_none());
        FileJournal::beside(&memory(at.path())).note("mine");
        assert!(is_untouched());
        assert_eq!(lines(at.path()), ["mine"]);
        // A second name of a file that is as closed as ours.
        fs::remove_file(&path).unwrap();
        fs::hard_link(&others, &path).unwrap();
        assert!(lines(at.path()).is_empty());
        FileJournal::beside(&memory(at.path())).note("mine");
        assert!(is_untouched());
        assert_eq!(lines(at.path()), ["mine"]);
    }
}
