//! The machine a reader is given, and the list of readers.

use groma_model::fact::Certificate;

use crate::{AREAS, Files, Part, Registry, Rows, Said};

/// Reads the DER bytes of a certificate; `None` where they are none. It is handed in: the parser has a home of its own.
pub type ReadCertificate<'a> = &'a (dyn Fn(&[u8]) -> Option<Certificate> + Send + Sync);

/// A machine as a reader sees it.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// Its registry, with the people it knows under `HKU`.
    pub registry: &'a dyn Registry,
    /// Its files.
    pub files: &'a dyn Files,
    /// Tables the system keeps.
    pub rows: &'a Rows,
    /// Reads certificates.
    pub certificate: ReadCertificate<'a>,
}

/// One way of looking at a machine.
#[derive(Clone, Copy)]
pub struct Area {
    /// The permanent name of its source, as `host.units`.
    pub name: &'static str,
    /// One sentence: what it is for.
    pub purpose: &'static str,
    /// Keys, files and tables it reads.
    pub reads: &'static [&'static str],
    /// What it sees in passing and never says.
    pub never_sends: &'static [&'static str],
    /// Reads.
    pub read: fn(&Machine<'_>) -> Vec<Said>,
}

/// What all areas say of a machine.
pub fn look(machine: &Machine<'_>) -> Vec<(&'static str, Vec<Said>)> {
    let read = |area: &Area| (area.name, (area.read)(machine));
    AREAS.iter().map(read).collect()
}

impl Machine<'_> {
    /// The people whose part of the registry is there: SIDs of accounts, without the `_Classes` beside each, and without
    /// the system's own ([`is_of_a_person`]).
    pub fn people(&self, part: &mut Part) -> Vec<String> {
        let key = part.or_missed("people of the registry (HKU)", self.registry.key("HKU"));
        let keys = key.map(|key| key.keys).unwrap_or_default();
        keys.into_iter().filter(|sid| is_of_a_person(sid)).collect()
    }

    /// Whose SID it is, as `DOMAIN\name`; the SID itself where no table knows.
    pub fn name_of(&self, sid: &str) -> String {
        let known = self.rows.names.get(sid);
        known.cloned().unwrap_or_else(|| sid.to_owned())
    }
}

/// True for the SID of somebody who may log on: of a domain or the machine (`S-1-5-21-…`), of Entra (`S-1-12-1-…`).
pub fn is_of_a_person(sid: &str) -> bool {
    let sid = sid.to_ascii_uppercase();
    (sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-")) && !sid.ends_with("_CLASSES")
}
