//! A file that is read here and there, in pages that are kept for a while.

use groma_source::OpenFile;

/// Length of a page.
const PAGE: u64 = 64 << 10;
/// Pages that are kept: 2 MiB.
const PAGES: usize = 32;

/// A file by pages, up to the size it had when it was opened.
pub(super) struct Pages {
    file: Box<dyn OpenFile>,
    pub(super) end: u64,
    /// Bytes that were read.
    pub(super) read: u64,
    /// Each page in the one place its number leaves it.
    kept: Vec<Option<(u64, Vec<u8>)>>,
}

impl Pages {
    pub(super) fn new(file: Box<dyn OpenFile>) -> Self {
        let end = file.metadata().bytes;
        Self {
            file,
            end,
            read: 0,
            kept: vec![None; PAGES],
        }
    }

    /// Fills `into` from `at`; `None` if the file ends before.
    pub(super) fn fill(&mut self, at: u64, into: &mut [u8]) -> Option<()> {
        let mut at = at;
        let mut into = into;
        while !into.is_empty() {
            let page = self.page(at / PAGE)?;
            let from = usize::try_from(at % PAGE).ok()?;
            let here = page.get(from..).filter(|here| !here.is_empty())?;
            let length = here.len().min(into.len());
            let (now, later) = into.split_at_mut(length);
            now.copy_from_slice(here.get(..length)?);
            into = later;
            at += length as u64;
        }
        Some(())
    }

    /// `N` bytes from `at`.
    pub(super) fn array<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        let mut out = [0; N];
        self.fill(at, &mut out)?;
        Some(out)
    }

    fn page(&mut self, number: u64) -> Option<&[u8]> {
        let slot = usize::try_from(number % PAGES as u64).ok()?;
        let kept = self.kept.get_mut(slot)?;
        if kept.as_ref().is_none_or(|(known, _)| *known != number) {
            let begin = number.checked_mul(PAGE).filter(|begin| *begin < self.end)?;
            let length = usize::try_from(PAGE.min(self.end - begin)).ok()?;
            let mut bytes = kept.take().map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.resize(length, 0);
            let mut have = 0;
            while have < length {
                let got = self
                    .file
                    .read_at(begin + have as u64, bytes.get_mut(have..)?);
                match got.ok()? {
                    0 => break,
                    got => have += got,
                }
            }
            bytes.truncate(have);
            self.read += have as u64;
            *kept = Some((number, bytes));
        }
        kept.as_ref().map(|(_, bytes)| bytes.as_slice())
    }
}
