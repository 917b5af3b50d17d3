//! Ears that were opened while there was the right to, for a source that looks without it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_source::Instruction;
use groma_source::ears::{Ear, Ears};

type Opened = BTreeMap<String, io::Result<Box<dyn Ear>>>;

/// What was opened, or why not; each is handed out once.
pub(crate) struct OpenedEars {
    ears: Arc<dyn Ears>,
    opened: Mutex<Opened>,
}

impl OpenedEars {
    /// Opens an ear at every interface that is to be listened at, if any is.
    pub(crate) fn at(ears: Arc<dyn Ears>, wish: Option<&groma_source_packet::Listening>) -> Self {
        let filter = groma_source_packet::filter();
        let names = wish.iter().flat_map(|wish| &wish.interfaces);
        let everybody = wish.is_some_and(|wish| wish.promiscuous);
        let names = names.take(groma_source_packet::INTERFACES_MAX);
        let opened = names.map(|name| (name.clone(), ears.open(name, everybody, &filter)));
        let opened = Mutex::new(opened.collect());
        Self { ears, opened }
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
