//! dpkg's status file (deb822) → installed packages. Pure, and fed in pieces: the file may have megabytes.

use groma_model::fact::Package;

use crate::text::{lossy, pair};

/// A paragraph longer than this is given up.
const PARAGRAPH_BYTES_MAX: usize = 1 << 20;

/// Reads a status file piece by piece.
#[derive(Default)]
pub(crate) struct StatusReader {
    rest: Vec<u8>,
    /// Bytes of `rest` in which no paragraph ends.
    searched: usize,
    skipping: bool,
    /// What is installed so far.
    pub(crate) packages: Vec<Package>,
    /// Paragraphs that were not understood.
    pub(crate) unread: usize,
}

impl StatusReader {
    /// Takes the next piece of the file.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        let mut done = 0;
        while let Some(end) = self.paragraph_end(self.searched.max(done)) {
            let paragraph = self.rest.get(done..end).unwrap_or_default().to_vec();
            done = end + 2;
            if !std::mem::take(&mut self.skipping) {
                self.paragraph(&paragraph);
            }
        }
        self.rest.drain(..done);
        if self.rest.len() > PARAGRAPH_BYTES_MAX {
            // Keep the last byte: the blank line may begin there.
            let last = self.rest.pop();
            self.rest.clear();
            self.rest.extend(last);
            self.unread += usize::from(!self.skipping);
            self.skipping = true;
        }
        self.searched = self.rest.len().saturating_sub(1);
    }

    /// Where the next blank line begins, at or after `from`.
    fn paragraph_end(&self, from: usize) -> Option<usize> {
        self.rest
            .get(from..)?
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .map(|at| from + at)
    }

    /// Takes what was left without a blank line behind it.
    pub(crate) fn finish(mut self) -> (Vec<Package>, usize) {
        let rest = std::mem::take(&mut self.rest);
        if !self.skipping {
            self.paragraph(&rest);
        }
        self.packages.sort_by(|a, b| {
            (&a.name, &a.architecture, &a.version).cmp(&(&b.name, &b.architecture, &b.version))
        });
        (self.packages, self.unread)
    }

    fn paragraph(&mut self, paragraph: &[u8]) {
        let (mut name, mut version, mut architecture, mut status) = (None, None, None, None);
        for line in paragraph.split(|b| *b == b'\n') {
            // A continuation belongs to a field nobody asked for.
            if matches!(line.first(), None | Some(b' ' | b'\t')) {
                continue;
            }
            let Some((key, value)) = pair(line, b':') else {
                continue;
            };
            match key.to_ascii_lowercase().as_slice() {
                b"package" => name = Some(value),
                b"version" => version = Some(value),
                b"architecture" => architecture = Some(value),
                b"status" => status = Some(value),
                _ => {}
            }
        }
        let Some(name) = name else {
            self.unread += usize::from(!paragraph.trim_ascii().is_empty());
            return;
        };
        // `hold ok installed` is installed as well; `deinstall ok config-files` is not.
        let installed = status.is_some_and(|status| {
            crate::text::words(status).eq([b"install".as_slice(), b"ok", b"installed"])
                || crate::text::words(status).eq([b"hold".as_slice(), b"ok", b"installed"])
        });
        if installed {
            self.packages.push(Package {
                name: lossy(name),
                version: lossy(version.unwrap_or_default()),
                architecture: lossy(architecture.unwrap_or_default()),
                manager: "dpkg".into(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.0-1\nDescription: x\n Package: no\n .\n more\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: half\nStatus: install ok half-configured\nVersion: 1\n\n\
        Package: kept\nStatus: hold ok installed\nArchitecture: all\nVersion: 3\n";

    fn read(bytes: &[u8], piece: usize) -> (Vec<Package>, usize) {
        let mut reader = StatusReader::default();
        for chunk in bytes.chunks(piece.max(1)) {
            reader.feed(chunk);
        }
        reader.finish()
    }

    #[test]
    fn only_what_is_installed_counts() {
        let (packages, unread) = read(STATUS, 4096);
        let short: Vec<_> = packages
            .iter()
            .map(|p| format!("{} {} {}", p.name, p.version, p.architecture))
            .collect();
        assert_eq!(
            (short, unread),
            (
                vec!["kept 3 all".to_owned(), "web 1:2.0-1 amd64".to_owned()],
                0
            )
        );
    }

    #[test]
    fn a_paragraph_without_end_is_given_up_and_the_next_one_read() {
        let mut endless = b"Package: big\nX: ".to_vec();
        endless.extend(std::iter::repeat_n(b'x', PARAGRAPH_BYTES_MAX + 70_000));
        endless.extend_from_slice(
            b"\n\nPackage: next\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
        );
        let (packages, unread) = read(&endless, 65_536);
        assert_eq!((packages.len(), unread), (1, 1));
    }

    proptest::proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(size in 1_usize..200) {
            proptest::prop_assert_eq!(read(STATUS, size), read(STATUS, 4096));
        }
    }

    #[test]
    fn hammered_status_files_never_panic() {
        groma_fuzz::hammer(1000, &[STATUS], |bytes| {
            read(bytes, 64);
        });
    }
}
