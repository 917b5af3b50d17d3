//! What a source asks the system for, beside files.

use std::sync::{Arc, OnceLock};

use groma_windows::{Registry, Rows};

/// The tables and the registry of a machine.
pub trait System: Send + Sync {
    /// Its registry in force.
    fn registry(&self) -> &dyn Registry;

    /// All its tables. Whoever is `offline` asks nobody what an account is called.
    fn rows(&self, offline: bool) -> Rows;

    /// Sockets, processes and adapters alone.
    fn sockets(&self) -> Rows;
}

/// A system whose tables are asked for once, however many areas read them.
#[derive(Clone)]
pub struct Shared {
    system: Arc<dyn System>,
    rows: Arc<OnceLock<Rows>>,
}

impl Shared {
    /// Nothing is asked yet.
    pub fn of(system: Arc<dyn System>) -> Self {
        Self {
            system,
            rows: Arc::default(),
        }
    }

    pub(crate) fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    pub(crate) fn rows(&self, offline: bool) -> &Rows {
        self.rows.get_or_init(|| self.system.rows(offline))
    }
}
