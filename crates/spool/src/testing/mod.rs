//! A disk in memory that fails, tears and forgets as real ones do.
//!
//! It keeps two views: what programs see, and what a power cut leaves. Bytes become durable by [`SpoolDisk::sync_data`] alone,
//! names by [`SpoolDisk::sync_dir`] alone. A power cut keeps any part of the rest: whole sectors, none, or zeros in their place; a
//! rename but not the removal before it. A failed sync behaves as Linux does: the bytes stay visible, count as clean, and
//! never reach the disk, whatever is synced later.

mod model;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Space, SpoolDisk};
use model::Model;

/// What a failing call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The number of the call that fails, counted from 0 at [`ModelDisk::fail`].
    pub at: u64,
    /// The error number: `ENOSPC` is 28, `EIO` 5, `EROFS` 30, `EDQUOT` 122.
    pub errno: i32,
    /// Whether all later calls fail too, until [`ModelDisk::mend`].
    pub lasts: bool,
    /// How the call fails.
    pub manner: Manner,
}

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Nothing happens; of an append, the half.
    Plain,
    /// It is done, and called a failure all the same.
    DoneAnyway,
    /// An append takes half of the bytes and says so; other calls fail plainly.
    Short,
}

/// The disk; clones are the same one, so that a test keeps a hand on what it gave away.
#[derive(Clone, Default)]
pub struct ModelDisk(Arc<Mutex<Model>>);

impl ModelDisk {
    /// An empty disk of a tebibyte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the size of the disk.
    pub fn resize(&self, bytes: u64) {
        self.model().capacity = bytes;
    }

    /// Arms a failure.
    pub fn fail(&self, fault: Fault) {
        let mut model = self.model();
        model.calls = 0;
        model.fault = Some(fault);
    }

    /// Ends all failures; returns how many calls there were since they were armed.
    pub fn mend(&self) -> u64 {
        let mut model = self.model();
        model.fault = None;
        model.calls
    }

    /// Calls since the last failure was armed.
    pub fn calls(&self) -> u64 {
        self.model().calls
    }

    /// Cuts the power: what was not synced survives as `below` decides, which returns a number below its argument.
    pub fn crash(&self, below: &mut dyn FnMut(usize) -> usize) {
        self.model().crash(below);
    }

    /// Kills the program and not the machine: everything written stays visible, nothing becomes durable.
    pub fn kill(&self) {
        self.model().open.clear();
    }

    /// The bytes of every file, by name, as programs see them.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        self.model().files()
    }

    /// Puts a file there, durable, replacing what has its name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.model().put(name, bytes);
    }

    /// Takes a file away, durably.
    pub fn take(&self, name: &str) {
        self.model().take(name);
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpoolDisk for ModelDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.model().call(|m| Ok(m.names()))
    }

    fn length(&mut self, name: &str) -> io::Result<u64> {
        self.model().call(|m| m.length(name))
    }

    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.model().call(|m| m.read_at(name, offset, buffer))
    }

    fn create_new(&mut self, name: &str) -> io::Result<()> {
        self.model().call(|m| m.create(name))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        self.model().append(name, bytes)
    }

    fn sync_data(&mut self, name: &str) -> io::Result<()> {
        self.model().sync_data(name)
    }

    fn close(&mut self, name: &str) {
        self.model().open.remove(name);
    }

    fn overwrite(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.model().overwrite(name, bytes)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.model().call(|m| m.rename(from, to))
    }

    fn unlink(&mut self, name: &str) -> io::Result<()> {
        self.model().call(|m| m.unlink(name))
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        self.model().call(|m| {
            m.sync_dir();
            Ok(())
        })
    }

    fn space(&mut self) -> io::Result<Space> {
        self.model().call(|m| Ok(m.space()))
    }
}
