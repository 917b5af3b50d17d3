//! Security descriptors: who owns something, and who may do what with it ([MS-DTYP] 2.4, 2.5).
//!
//! Windows hands them out as text (SDDL) or, in the registry, as bytes. Both become the same.

mod bytes;
mod sddl;
mod well_known;

pub(crate) use well_known::{is_of_a_domain, relative_name, well_known_name};

/// Entries of one list that are read; 64 KiB, the largest list, hold some three thousand.
const ENTRIES_MAX: usize = 8_192;

/// A security descriptor, as far as an inventory cares.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Descriptor {
    /// The owner, where it is told.
    pub(crate) owner: Option<Who>,
    /// Who may do what; `None` where there is no list, which means that everybody may do everything.
    pub(crate) entries: Option<Vec<Entry>>,
}

/// Somebody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Who {
    /// A SID: `S-1-5-32-544`.
    Sid(String),
    /// A number within the domain, or the machine, whose SID the text leaves out (`DA` is 512).
    Relative(u32),
}

/// One entry of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Who.
    pub(crate) who: Who,
    /// True if it denies.
    pub(crate) denies: bool,
    /// True if it came from the folder above.
    pub(crate) inherited: bool,
    /// What, in bits of an access mask.
    pub(crate) mask: u32,
}

impl Descriptor {
    /// Reads SDDL; `None` where it is none.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        sddl::read(text)
    }

    /// Reads a self-relative descriptor; `None` where the bytes are none.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes::read(bytes)
    }
}

impl Entry {
    /// The word for what it gives: `denied`, `full-access`, `write`, `read`. As Samba's lists are read: any bit that
    /// writes, appends, deletes or changes rights is `write`.
    pub(crate) fn right(&self) -> &'static str {
        const ALL: u32 = 0x001f_01ff;
        const GENERIC_ALL: u32 = 0x1000_0000;
        const WRITES: u32 = 0x400d_0156;
        match () {
            () if self.denies => "denied",
            () if self.mask & ALL == ALL || self.mask & GENERIC_ALL != 0 => "full-access",
            () if self.mask & WRITES != 0 => "write",
            () => "read",
        }
    }
}

#[cfg(test)]
pub(crate) use bytes::tests as tests_of_bytes;
