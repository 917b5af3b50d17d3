//! The two views of the disk, and how one becomes the other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;

use super::{Fault, Manner};
use crate::disk::Space;

/// What reaches the disk whole or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct File {
    /// What programs see.
    seen: Vec<u8>,
    /// What a power cut leaves at least.
    durable: Vec<u8>,
    /// Parts whose sync failed: clean for the kernel, and never written.
    forgotten: Vec<Range<usize>>,
    /// Bytes at the begin that were written over and may or may not be on the disk.
    over: Option<Vec<u8>>,
}

enum Change {
    Made(String, usize),
    Renamed(String, String, usize),
    Removed(String),
}

pub(super) struct Model {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    names_durable: BTreeMap<String, usize>,
    changes: Vec<Change>,
    pub(super) open: BTreeSet<String>,
    pub(super) calls: u64,
    pub(super) fault: Option<Fault>,
    pub(super) capacity: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            names: BTreeMap::new(),
            names_durable: BTreeMap::new(),
            changes: Vec::new(),
            open: BTreeSet::new(),
            calls: 0,
            fault: None,
            capacity: 1 << 40,
        }
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Model {
    /// Counts a call, and says how it fails.
    fn strike(&mut self) -> Option<Fault> {
        let call = self.calls;
        self.calls += 1;
        let fault = self.fault?;
        (call == fault.at || (fault.lasts && call > fault.at)).then_some(fault)
    }

    pub(super) fn call<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        let Some(fault) = self.strike() else {
            return act(self);
        };
        if fault.manner == Manner::DoneAnyway {
            let _ = act(self);
        }
        Err(io::Error::from_raw_os_error(fault.errno))
    }

    pub(super) fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        let fault = self.strike();
        if !self.open.contains(name) {
            return Err(io::Error::other("not open for appending"));
        }
        let room = usize::try_from(self.space().free).unwrap_or(usize::MAX);
        let wanted = match fault.map(|f| f.manner) {
            None | Some(Manner::DoneAnyway) => bytes.len(),
            Some(Manner::Plain | Manner::Short) => bytes.len() / 2,
        };
        let taken = bytes.get(..wanted.min(room)).unwrap_or_default();
        self.file(name)?.seen.extend_from_slice(taken);
        let taken = taken.len();
        match fault {
            Some(fault) if fault.manner != Manner::Short => {
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            _ if taken == 0 && !bytes.is_empty() => Err(io::Error::from_raw_os_error(28)),
            _ => Ok(taken),
        }
    }

    pub(super) fn sync_data(&mut self, name: &str) -> io::Result<()> {
        let fault = self.strike();
        let file = self.file(name)?;
        let dirty = file.durable.len()..file.seen.len();
        match fault {
            Some(fault) if fault.manner != Manner::DoneAnyway => {
                file.forgotten.push(dirty);
                return Err(io::Error::from_raw_os_error(fault.errno));
            }
            _ => file.reach_disk(dirty.end),
        }
        fault.map_or(Ok(()), |f| Err(io::Error::from_raw_os_error(f.errno)))
    }

    pub(super) fn overwrite(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fault = self.strike();
        let file = self.file(name)?;
        let seen = file.seen.get_mut(..bytes.len()).ok_or_else(missing)?;
        seen.copy_from_slice(bytes);
        file.over = Some(bytes.to_vec());
        match fault {
            Some(fault) => Err(io::Error::from_raw_os_error(fault.errno)),
            None => {
                file.reach_disk_over();
                Ok(())
            }
        }
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let id = *self.names.get(name).ok_or_else(missing)?;
        self.files.get_mut(id).ok_or_else(missing)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let bytes = |id: &usize| {
            self.files
                .get(*id)
                .map_or_else(Vec::new, |f| f.seen.clone())
        };
        self.names
            .iter()
            .map(|(n, id)| (n.clone(), bytes(id)))
            .collect()
    }

    pub(super) fn length(&mut self, name: &str) -> io::Result<u64> {
        self.file(name).map(|f| f.seen.len() as u64)
    }

    pub(super) fn read_at(
        &mut self,
        name: &str,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let file = self.file(name)?;
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(file.seen.len());
        let rest = file.seen.get(from..).unwrap_or_default();
        let many = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..many), rest.get(..many)) {
            to.copy_from_slice(from);
        }
        Ok(many)
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<()> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.files.len();
        self.files.push(File::default());
        self.names.insert(name.to_owned(), id);
        self.changes.push(Change::Made(name.to_owned(), id));
        self.open.insert(name.to_owned());
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.names.remove(from).ok_or_else(missing)?;
        self.open.remove(from);
        self.names.insert(to.to_owned(), id);
        self.changes
            .push(Change::Renamed(from.to_owned(), to.to_owned(), id));
        Ok(())
    }

    pub(super) fn unlink(&mut self, name: &str) -> io::Result<()> {
        self.names.remove(name).ok_or_else(missing)?;
        self.open.remove(name);
        self.changes.push(Change::Removed(name.to_owned()));
        Ok(())
    }

    pub(super) fn sync_dir(&mut self) {
        self.names_durable = self.names.clone();
        self.changes.clear();
    }

    pub(super) fn space(&self) -> Space {
        let held = |id: &usize| self.files.get(*id).map_or(0, |f| f.seen.len() as u64);
        let used: u64 = self.names.values().map(held).sum();
        Space {
            bytes: self.capacity,
            free: self.capacity.saturating_sub(used),
        }
    }

    pub(super) fn put(&mut self, name: &str, bytes: Vec<u8>) {
        let id = self.files.len();
        self.files.push(File {
            durable: bytes.clone(),
            seen: bytes,
            ..File::default()
        });
        self.names.insert(name.to_owned(), id);
        self.names_durable.insert(name.to_owned(), id);
    }

    pub(super) fn take(&mut self, name: &str) {
        self.names.remove(name);
        self.names_durable.remove(name);
    }

    pub(super) fn crash(&mut self, below: &mut dyn FnMut(usize) -> usize) {
        // A journal keeps the order of changes; other disks promise nothing.
        let prefix = (below(2) == 0).then(|| below(self.changes.len() + 1));
        let mut names = std::mem::take(&mut self.names_durable);
        for (index, change) in std::mem::take(&mut self.changes).into_iter().enumerate() {
            let survives = prefix.map_or_else(|| below(2) == 0, |end| index < end);
            if survives {
                change.apply(&mut names);
            }
        }
        self.names_durable = names.clone();
        self.names = names;
        self.open.clear();
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        for (id, file) in self.files.iter_mut().enumerate() {
            if named.contains(&id) {
                file.lose_power(below);
            } else {
                *file = File::default();
            }
        }
    }
}

impl Change {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Made(name, id) => drop(names.insert(name, id)),
            Self::Removed(name) => drop(names.remove(&name)),
            Self::Renamed(from, to, id) => {
                names.remove(&from);
                names.insert(to, id);
            }
        }
    }
}

impl File {
    /// Makes everything up to `end` durable, but what was forgotten: zeros stand there.
    fn reach_disk(&mut self, end: usize) {
        let from = self.durable.len();
        let new = self.seen.get(from..end).unwrap_or_default();
        self.durable.extend_from_slice(new);
        for range in &self.forgotten {
            let range = range.start.max(from)..range.end.min(end);
            if let Some(lost) = self.durable.get_mut(range) {
                lost.fill(0);
            }
        }
    }

    /// What was written over is on the disk.
    fn reach_disk_over(&mut self) {
        if let Some(over) = self.over.take()
            && let Some(durable) = self.durable.get_mut(..over.len())
        {
            durable.copy_from_slice(&over);
        }
    }

    fn lose_power(&mut self, below: &mut dyn FnMut(usize) -> usize) {
        match below(3) {
            0 => self.over = None,
            1 => self.over = self.over.take().map(|o| vec![0; o.len()]),
            _ => {}
        }
        self.reach_disk_over();
        let (kept, seen) = (self.durable.len(), self.seen.len());
        let mut end = match below(4) {
            0 => kept,
            1 => seen,
            _ => kept + below(seen - kept + 1),
        };
        end = end.max(kept);
        let mut bytes = self.durable.clone();
        bytes.resize(end, 0);
        let mut at = kept;
        while at < end {
            let next = ((at / SECTOR + 1) * SECTOR).min(end);
            let forgotten = self.forgotten.iter().any(|r| r.start < next && at < r.end);
            let fate = below(8);
            let piece = bytes.get_mut(at..next).unwrap_or_default();
            if fate < 5 && !forgotten {
                let new = self.seen.get(at..next).unwrap_or_default();
                piece.copy_from_slice(new);
            } else if fate == 7 {
                // What an earlier file left in that sector.
                piece
                    .iter_mut()
                    .for_each(|b| *b = below(256).to_le_bytes()[0]);
            }
            at = next;
        }
        self.seen.clone_from(&bytes);
        self.durable = bytes;
        self.forgotten.clear();
    }
}
