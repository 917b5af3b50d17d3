//! Hears what a child says, and believes only its form: a child may have been turned against us.

use groma_model::batch::Record;
use groma_model::{Foreign, SourceName};

use super::words::{LINE_BYTES_MAX, SAID_BYTES_MAX, Word};

/// Everything heard of one child so far.
pub(crate) struct Ear {
    sources: Vec<SourceName>,
    records_max: usize,
    line: Vec<u8>,
    bytes: usize,
    /// It is this program.
    pub(crate) is_ready: bool,
    /// What its sources said, in order; the last one may not be done yet.
    pub(crate) heard: Vec<Heard>,
    /// The file that does not answer, and the file system it lies on.
    pub(crate) stuck: Option<(String, Foreign)>,
    /// What its kernel could not be asked for.
    pub(crate) lacking: Vec<String>,
}

/// What one source said.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) records: Vec<Record>,
    /// Lines it wants back at its next look; how much that may be is bounded with everything it says.
    pub(crate) kept: Vec<String>,
    pub(crate) is_done: bool,
    /// Where it failed.
    pub(crate) failed: Option<String>,
}

/// Why a child is not listened to any longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deaf {
    /// It says what no child of ours would.
    Nonsense,
    /// It says more than its budget allows.
    TooMuch,
}

impl Ear {
    pub(crate) fn new(sources: Vec<SourceName>, records_max: u64) -> Self {
        Self {
            sources,
            records_max: usize::try_from(records_max).unwrap_or(usize::MAX),
            line: Vec::new(),
            bytes: 0,
            is_ready: false,
            heard: Vec::new(),
            stuck: None,
            lacking: Vec::new(),
        }
    }

    /// The source that looks now.
    pub(crate) fn current(&self) -> Option<&SourceName> {
        self.heard.last().filter(|heard| !heard.is_done)?;
        self.sources.get(self.heard.len().wrapping_sub(1))
    }

    /// True once every source is done.
    pub(crate) fn is_done(&self) -> bool {
        self.heard.len() == self.sources.len() && self.heard.iter().all(|heard| heard.is_done)
    }

    /// Takes the next bytes, in whatever pieces they come.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Result<(), Deaf> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > SAID_BYTES_MAX {
            return Err(Deaf::TooMuch);
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > LINE_BYTES_MAX {
                return Err(Deaf::TooMuch);
            }
            if self.line.ends_with(b"\n") {
                let word = serde_json::from_slice(&self.line).map_err(|_| Deaf::Nonsense)?;
                self.line.clear();
                self.word(word)?;
            }
        }
        Ok(())
    }

    fn word(&mut self, word: Word) -> Result<(), Deaf> {
        if let Word::Ready { lacking } = word {
            self.is_ready = true;
            self.lacking = lacking;
            return Ok(());
        }
        if matches!(word, Word::Begins) {
            let may = self.is_ready
                && self.heard.len() < self.sources.len()
                && self.heard.iter().all(|heard| heard.is_done);
            self.heard.push(Heard::default());
            return may.then_some(()).ok_or(Deaf::Nonsense);
        }
        // The source is the one that was asked, whoever the child says it is.
        let at = self.heard.len().wrapping_sub(1);
        let source = self.sources.get(at).ok_or(Deaf::Nonsense)?;
        let heard = self.heard.get_mut(at).ok_or(Deaf::Nonsense)?;
        match word {
            _ if heard.is_done => return Err(Deaf::Nonsense),
            Word::Said(_) if heard.records.len() >= self.records_max => {
                return Err(Deaf::TooMuch);
            }
            Word::Said(said) => heard.records.push(Record {
                source: source.clone(),
                said,
            }),
            Word::Keeps(line) => heard.kept.push(line),
            Word::Stuck { path, place } => self.stuck = Some((path, place)),
            Word::Failed { place } => heard.failed = Some(place),
            Word::Done => heard.is_done = true,
            Word::Ready { .. } | Word::Begins => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::batch::Said;
    use groma_model::{Gap, Reason, Scope};

    fn ear(records_max: u64) -> Ear {
        let sources = ["host.one", "host.two"].map(SourceName::new);
        Ear::new(sources.to_vec(), records_max)
    }

    fn lines(words: &[Word]) -> Vec<u8> {
        let mut all = Vec::new();
        for word in words {
            serde_json::to_writer(&mut all, word).unwrap();
            all.push(b'\n');
        }
        all
    }

    fn gap() -> Word {
        Word::Said(Said::Missed(Gap {
            scope: Scope::new("file", "/etc"),
            what: "a line\nwith\u{1b}[31m odd letters".into(),
            reason: Reason::TimedOut,
            remedy: None,
        }))
    }

    fn ready() -> Word {
        Word::Ready { lacking: vec![] }
    }

    #[test]
    fn words_are_heard_in_whatever_pieces_they_come() {
        let (begins, done) = (Word::Begins, Word::Done);
        let all = lines(&[
            ready(),
            begins.clone(),
            gap(),
            gap(),
            done.clone(),
            begins,
            gap(),
            done,
        ]);
        for size in [1, 2, 7, all.len()] {
            let mut ear = ear(10);
            for piece in all.chunks(size) {
                ear.hear(piece).unwrap();
            }
            let many: Vec<_> = ear.heard.iter().map(|h| h.records.len()).collect();
            assert!(ear.is_done() && ear.current().is_none());
            assert_eq!(many, [2, 1]);
        }
    }

    #[test]
    fn a_child_that_talks_nonsense_or_too_much_is_not_listened_to() {
        let hear = |words: &[Word]| ear(1).hear(&lines(words));
        let begins = || Word::Begins;
        assert_eq!(ear(9).hear(b"running 3 tests\n"), Err(Deaf::Nonsense));
        assert_eq!(hear(&[gap()]), Err(Deaf::Nonsense));
        assert_eq!(hear(&[begins()]), Err(Deaf::Nonsense));
        assert_eq!(hear(&[ready(), gap()]), Err(Deaf::Nonsense));
        assert_eq!(hear(&[ready(), begins(), begins()]), Err(Deaf::Nonsense));
        assert_eq!(
            hear(&[ready(), begins(), Word::Done, gap()]),
            Err(Deaf::Nonsense)
        );
        let third = [
            ready(),
            begins(),
            Word::Done,
            begins(),
            Word::Done,
            begins(),
        ];
        assert_eq!(hear(&third), Err(Deaf::Nonsense));
        assert_eq!(hear(&[ready(), begins(), gap(), gap()]), Err(Deaf::TooMuch));
        let long = vec![b' '; LINE_BYTES_MAX + 1];
        assert_eq!(ear(9).hear(&long), Err(Deaf::TooMuch));
    }

    #[test]
    fn no_bytes_make_the_listener_fail() {
        let begin = lines(&[ready(), Word::Begins, gap(), Word::Done]);
        groma_fuzz::hammer(500, &[&begin], |bytes| {
            let _ = ear(9).hear(bytes);
        });
    }
}
