//! Hives: the files in which Windows keeps its registry, read without Windows.
//!
//! For people who are not logged on, and for machines that do not run. Versions 1.3 to 1.6 of the format, as "Windows
//! registry file format specification" (M. Suhanov) describes it. A hive that was not closed is completed from its logs, in
//! memory. Damage in one place costs what stands there: such a key is [`Reason::Malformed`] when it is asked for, the rest
//! stays readable.

mod base;
mod bytes;
mod cells;
mod lists;
mod log;
mod marvin;
mod names;
mod over;
#[cfg(test)]
pub(crate) mod tests;
mod told;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use groma_model::Reason;

pub use over::Hives;
pub use told::{Damage, Doubt};

use self::base::{Base, LENGTH};
use self::bytes::place;
use self::cells::{Cells, Node};
use self::lists::List;
use self::names::Asked;
use crate::Key;

/// Levels of keys that are followed; Windows allows as many.
const LIMIT_DEPTH: usize = 512;

/// Sub-keys and values of one key.
const LIMIT_ENTRIES: usize = 65_536;

/// Bytes of one value.
const LIMIT_VALUE: usize = 1 << 20;

/// Damaged keys below one key that are told one by one; with more of them, all of that key is damaged.
const LIMIT_LOST: usize = 4096;

/// How the names of damaged keys begin.
const LOST: &str = "\u{fffd} damaged key at ";

/// One hive, in memory.
#[derive(Clone, Debug)]
pub struct Hive {
    cells: Cells,
    root: Node,
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
        if base.is_whole && there < place(base.bins) {
            doubts.push(Doubt::Cut);
        }
        // A base block nobody vouches for does not say where the bins end.
        let length = if base.is_whole {
            place(base.bins)
        } else {
            there
        };
        let (cells, is_whole) = Cells::of_bytes(bytes, length);
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

    /// The key `name` below `above`. Lists are sorted, so that few keys are looked at; an order or a hint that is wrong
    /// costs time, not the key.
    fn below(&self, above: &Node, name: &str) -> Result<Option<Node>, Reason> {
        let lists = self.cells.lists(above)?;
        let asked = Asked::of(name);
        if let Some(node) = lists
            .iter()
            .find_map(|list| self.sought(above, list, &asked))
        {
            return Ok(Some(node));
        }
        let lost = place_of_lost(name);
        let mut is_lost = false;
        for is_likely in [true, false] {
            let entries = lists.iter().flat_map(List::entries);
            for entry in entries.filter(|entry| asked.may_be(entry.hint) == is_likely) {
                match self.node(above, entry.at) {
                    Some(node) if asked.is(&node.name) => return Ok(Some(node)),
                    Some(_) => {}
                    None => is_lost |= is_likely || lost == Some(entry.at),
                }
            }
        }
        match is_lost {
            true => Err(Reason::Malformed),
            false => Ok(None),
        }
    }

    /// The key in a list that is sorted by names in upper case.
    fn sought(&self, above: &Node, list: &List<'_>, asked: &Asked) -> Option<Node> {
        let (mut from, mut to) = (0, list.len());
        while from < to {
            let middle = from.midpoint(to);
            let node = self.node(above, list.entry(middle)?.at)?;
            match asked.cmp(&node.name) {
                Ordering::Equal => return Some(node),
                Ordering::Less => to = middle,
                Ordering::Greater => from = middle + 1,
            }
        }
        None
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
        let mut lost = 0;
        let lists = self.cells.lists(node)?;
        for entry in lists.iter().flat_map(List::entries) {
            let name = match self.node(node, entry.at) {
                Some(below) => below.name,
                None if lost == LIMIT_LOST => return Err(Reason::Malformed),
                None => {
                    lost += 1;
                    name_of_lost(entry.at)
                }
            };
            keys.entry(name.to_lowercase()).or_insert(name);
        }
        let mut keys: Vec<String> = keys.into_values().collect();
        keys.sort_unstable();
        Ok(Key {
            keys,
            values,
            written: node.written,
            ..Key::default()
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
    format!("{LOST}{at:x}")
}

/// Where the key stands that has such a name.
fn place_of_lost(name: &str) -> Option<u32> {
    u32::from_str_radix(name.strip_prefix(LOST)?, 16).ok()
}
