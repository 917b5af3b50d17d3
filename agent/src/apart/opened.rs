//! Ears that were opened while there was the right to, for a source that looks without it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_source::Instruction;
use groma_source::ears::{Ear, Ears};
use groma_source_packet::sentinel::Standing;

/// An interface, and what comes through.
pub(crate) type Door = (String, Vec<Instruction>);
type Opened = BTreeMap<String, io::Result<Box<dyn Ear>>>;

/// What was opened, or why not; each is handed out once.
pub(crate) struct OpenedEars {
    ears: Arc<dyn Ears>,
    opened: Mutex<Opened>,
}

impl OpenedEars {
    /// Opens an ear at every interface that is to be listened at, each through its filter; with `everybody`, for what is meant for
    /// others too.
    pub(crate) fn at(ears: Arc<dyn Ears>, doors: Vec<Door>, everybody: bool) -> Self {
        let opened = doors.into_iter().map(|(name, filter)| {
            let ear = ears.open(&name, everybody, &filter);
            (name, ear)
        });
        let opened = Mutex::new(opened.collect());
        Self { ears, opened }
    }

    /// Where `listen` listens.
    pub(crate) fn of_listening(listen: &groma_source_packet::Listening) -> Vec<Door> {
        let filter = groma_source_packet::filter();
        let names = listen.interfaces.iter();
        let names = names.take(groma_source_packet::INTERFACES_MAX);
        names.map(|name| (name.clone(), filter.clone())).collect()
    }

    /// Where a sentinel hears what comes for its addresses.
    pub(crate) fn of_standing(standing: &Standing) -> Vec<Door> {
        standing.doors()
    }
}

impl Ears for OpenedEars {
    fn open(&self, interface: &str, _: bool, _: &[Instruction]) -> io::Result<Box<dyn Ear>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.remove(interface);
        opened.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
    }

    fn processor_time(&self) -> Duration {
        self.ears.processor_time()
    }
}
