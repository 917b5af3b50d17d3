//! Hives: the files in which Windows keeps its registry, read without Windows.
//!
//! For people who are not logged on, and for machines that do not run. Versions 1.3 to 1.6 of the format, as "Windows
//! registry file format specification" (M. Suhanov) describes it. A hive that was not closed is completed from its logs, in
//! memory. Damage in one place costs what stands there: such a key is [`Reason::Malformed`] when it is asked for, the rest
//! stays readable.

mod base;
mod bytes;
mod cells;
mod log;
mod marvin;
mod names;
mod over;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;

use groma_model::Reason;

pub use over::Hives;

use self::base::{Base, LENGTH};
use self::bytes::place;
use self::cells::{Below, Cells, Node};
use self::names::{Asked, is_same};
use crate::Key;

/// Levels of keys that are followed; Windows allows as many.
const LIMIT_DEPTH: usize = 512;

/// Sub-keys and values of one key.
const LIMIT_ENTRIES: usize = 65_536;

/// Bytes of one value.
const LIMIT_VALUE: usize = 1 << 20;

/// One hive, in memory.
#[derive(Clone, Debug)]
pub struct Hive {
    cells: Cells,
    root: Node,
}

/// Why a hive cannot be read at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// It does not begin as a hive does.
    NotAHive,
    /// A version of the format that is not known: major, minor.
    Version(u32, u32),
    /// Its first key is not where it should be.
    NoRoot,
}

/// What a hive that could be read may lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// It was not closed, and there is no log.
    LogsMissing,
    /// It was not closed, and its logs belong to another moment or are damaged.
    LogsDoNotFit,
    /// It was completed from its logs, but the end of them is damaged.
    LogTorn,
    /// The file is shorter than it says.
    Cut,
    /// Parts of it are damaged.
    Bins,
}

impl Hive {
    /// Reads a hive and, where it was not closed, its logs (`.LOG1`, `.LOG2`, `.LOG`) in any order.
    ///
    /// The hive may grow by what the logs hold and 16 MiB; the caller limits the size of both.
    ///
    /// # Errors
    /// Where nothing of it can be read.
    pub fn of_bytes(primary: Vec<u8>, logs: &[&[u8]]) -> Result<(Self, Vec<Doubt>), Damage> {
        let mut bytes = primary;
        let mut doubts = Vec::new();
        let own = Base::of_bytes(&bytes);
        let mut base = own;
        if !own.is_some_and(|base| base.is_closed()) {
            let (found, doubt) = log::recover(&mut bytes, own, logs);
            doubts.extend(doubt);
            base = found.or(own);
        }
        let base = base.ok_or(Damage::NotAHive)?;
        accepted(&base, own.as_ref())?;
        let there = bytes.len().saturating_sub(LENGTH);
        if there < place(base.bins) {
            doubts.push(Doubt::Cut);
        }
        let (cells, is_whole) = Cells::of_bytes(bytes, place(base.bins));
        if !is_whole && !doubts.contains(&Doubt::Cut) {
            doubts.push(Doubt::Bins);
        }
        let root = cells.node(base.root).ok_or(Damage::NoRoot)?;
        Ok((Self { cells, root }, doubts))
    }

    /// Whether a hive that begins with these bytes was closed: then its logs hold nothing that it lacks.
    pub fn is_closed(primary: &[u8]) -> bool {
        Base::of_bytes(primary).is_some_and(|base| base.is_closed())
    }

    /// The key at `path`, counted from the hive's first key, which is the empty path; `None` where nothing is.
    ///
    /// A key below that cannot be read is listed under a name of its own that begins with U+FFFD: whoever asks for it, or
    /// for a name that may have been its own, hears [`Reason::Malformed`].
    ///
    /// # Errors
    /// Damage of this key or on the way to it, and limits.
    pub fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        match self.at(path)? {
            Some(node) => self.read(&node).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a key stands at `path`, without reading its values.
    fn has(&self, path: &str) -> bool {
        matches!(self.at(path), Ok(Some(_)))
    }

    fn at(&self, path: &str) -> Result<Option<Node>, Reason> {
        let parts = path.split('\\').filter(|part| !part.is_empty());
        let mut node = self.root.clone();
        for (depth, part) in parts.enumerate() {
            if depth >= LIMIT_DEPTH {
                return Err(Reason::TooLarge);
            }
            match self.below(&node, part)? {
                Some(below) => node = below,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The key `name` below `above`. Likely entries first; a hint that is wrong costs time, not the key.
    fn below(&self, above: &Node, name: &str) -> Result<Option<Node>, Reason> {
        let listed = self.cells.below(above)?;
        let asked = Asked::of(name);
        let (likely, rest): (Vec<Below>, Vec<Below>) = listed
            .into_iter()
            .partition(|entry| asked.may_be(entry.hint));
        let mut is_lost = false;
        for entry in &likely {
            match self.node(above, entry.at) {
                Some(node) if is_same(&node.name, name) => return Ok(Some(node)),
                Some(_) => {}
                None => is_lost = true,
            }
        }
        for entry in &rest {
            match self.node(above, entry.at) {
                Some(node) if is_same(&node.name, name) => return Ok(Some(node)),
                Some(_) => {}
                None => is_lost |= name == name_of_lost(entry.at),
            }
        }
        match is_lost {
            true => Err(Reason::Malformed),
            false => Ok(None),
        }
    }

    /// The key `at`, if it says itself that it stands below `above`. As every key names one key above it and the first key
    /// stands below none, no way through a hive ever meets a key twice.
    fn node(&self, above: &Node, at: u32) -> Option<Node> {
        let node = self.cells.node(at)?;
        let is_below = node.above == above.at && node.at != self.root.at;
        let has_name = !node.name.is_empty() && !node.name.contains('\\');
        (is_below && has_name).then_some(node)
    }

    fn read(&self, node: &Node) -> Result<Key, Reason> {
        let values = self.cells.values(node)?;
        let mut keys = BTreeMap::new();
        for entry in self.cells.below(node)? {
            let name = match self.node(node, entry.at) {
                Some(below) => below.name,
                None => name_of_lost(entry.at),
            };
            keys.entry(name.to_lowercase()).or_insert(name);
        }
        let mut keys: Vec<String> = keys.into_values().collect();
        keys.sort_unstable();
        Ok(Key {
            keys,
            values,
            written: node.written,
        })
    }
}

/// Whether a hive of that kind can be read.
fn accepted(base: &Base, own: Option<&Base>) -> Result<(), Damage> {
    if own.is_some_and(|own| own.is_whole && own.kind != 0) {
        return Err(Damage::NotAHive);
    }
    match base.version {
        (1, 3..=6) => Ok(()),
        (major, minor) => Err(Damage::Version(major, minor)),
    }
}

/// What a key is called whose name cannot be read.
fn name_of_lost(at: u32) -> String {
    format!("\u{fffd} damaged key at {at:x}")
}

impl Damage {
    /// The word of a gap for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::NotAHive | Self::NoRoot => Reason::Malformed,
            Self::Version(..) => Reason::Unsupported,
        }
    }
}

impl Doubt {
    /// The word of a gap for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::LogsMissing => Reason::NotPresent,
            _ => Reason::Malformed,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAHive => f.write_str("no hive"),
            Self::Version(major, minor) => write!(f, "a hive of version {major}.{minor}"),
            Self::NoRoot => f.write_str("a hive without its first key"),
        }
    }
}

impl std::error::Error for Damage {}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogsMissing => {
                "hive was not closed; the newest changes are not in it (it has no log)"
            }
            Self::LogsDoNotFit => {
                "hive was not closed; the newest changes are not in it (its logs do not fit)"
            }
            Self::LogTorn => "hive was not closed; the last of its newest changes is damaged",
            Self::Cut => "hive is shorter than it says",
            Self::Bins => "parts of the hive are damaged",
        })
    }
}
