//! Declared knowledge from files: inventory CSV, RVTools workbooks.
//!
//! What it sees: what somebody wrote down about the estate, so that "nobody had listed it" means
//! something. Where it reads it: in bytes that the operator hands in; this crate opens no file. Which
//! rights it needs, what it costs the host: none, and memory in proportion to the file.
//!
//! A file is recognised by its content, never by its name. A table of comma-, semicolon- or
//! tab-separated values may be in UTF-8, UTF-16, Windows-1252 or Windows-1251, with a title above the
//! header, quoted cells and columns named in English, French or Russian; what no column name explains is
//! kept under that name. Of an RVTools workbook the sheets vInfo (machines, by "VM UUID" or "SMBIOS
//! UUID", never by "VI SDK UUID", which is the vCenter's), vNetwork (their cards) and vHost (hypervisors)
//! are read; of its hundred columns those that do not move from one export to the next.
//!
//! What Exchange's management shell exports about mailboxes (who may use whose, where mail is handed on to) is read as
//! `Export-Csv` writes it. Who signs people in through an identity provider is read as AD FS' shell and Keycloak export it.
//!
//! The sheet of devices that groma prints for whoever walks around comes back through here, filled in.
//!
//! So do the questionnaires of owners ([`read_questionnaire`]) and the risk register ([`read_register`]): what people say is no
//! fact of a machine, and is kept by name and day beside what it is about.
//!
//! What NetBox answers to a list of devices, virtual machines or addresses is read as its REST API writes it.
//!
//! What platforms of virtualization were made to write is read by `groma-platform`: our own documents, what the inventory script for
//! Hyper-V writes, descriptors of OVF, settings of guests of Proxmox VE.
//!
//! What nmap writes (`-oX`) is read by [`nmap`]: who answered, with which doors.
//!
//! A bad row is reported and left out; only a file that as a whole cannot be read is an error. A cell is
//! text: what looks like a formula stays text. A column of passwords is not read at all, and a remark
//! that mentions a password is left out.
//!
//! No output of the real RVTools (a Windows program) was at hand when this was written: the workbooks of
//! the tests are made by us after its published column names. Not read: vDisk, vPartition, the old binary
//! `.xls`, workbooks locked with a password, other workbooks than RVTools' (save the sheet as CSV).
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod batch;
mod columns;
mod day;
mod filled;
mod mailboxes;
mod name;
mod netbox;
pub mod nmap;
mod panel;
mod platforms;
mod questionnaire;
mod register;
mod relying;
mod row;
mod separated;
mod text;
mod workbook;

use groma_model::fact::{Declared, DeviceSays, DirectoryNeed, MailboxTie, RelyingParty};
use groma_model::inventory::Inventory;
use groma_model::{Fact, Peer, Timestamp};

pub use batch::as_batch;
pub use name::list_name;
pub use questionnaire::Answered;
pub use register::Edited;

/// Most bytes of a file that is looked at.
pub const FILE_BYTES: usize = 64 << 20;

/// Most rows of a table.
pub(crate) const ROWS: usize = 200_000;

/// Most columns of a table.
pub(crate) const COLUMNS: u32 = 512;

/// Most bytes of text in one cell: what a spreadsheet program can hold.
pub(crate) const CELL_BYTES: usize = 32 << 10;

/// Most problems told one by one; the rest is counted in the last one.
pub(crate) const PROBLEMS: usize = 1000;

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A batch of an agent: for `groma_wire::decode`.
    Batch,
    /// A table of separated values with a column we know.
    Csv,
    /// A workbook of RVTools.
    RvTools,
    /// A table Exchange's management shell exported: who may use whose mailbox.
    Mailboxes,
    /// What an identity provider exported: whom it signs people in for.
    RelyingParties,
    /// Devices, virtual machines or addresses as NetBox lists them.
    NetBox,
    /// Guests, hosts and datastores of a platform of virtualization.
    Platform,
    /// The sheet of devices, filled in by whoever stood before them.
    DeviceSheet,
    /// A questionnaire that an owner filled in: for [`read_questionnaire`].
    Questionnaire,
    /// The risk register that somebody edited: for [`read_register`].
    RiskRegister,
    /// None of these; says what it looks like and what to do.
    Unknown(String),
}

/// What was read from a list.
#[derive(Clone, PartialEq, Debug)]
pub struct Imported {
    /// The name of the list, by which a newer one replaces it.
    pub list: String,
    /// The moment of the import.
    pub at: Timestamp,
    /// The rows that could be read, in the order of the file, each once.
    pub declared: Vec<Declared>,
    /// Who is tied to which mailbox, sorted.
    pub ties: Vec<MailboxTie>,
    /// Whom an identity provider signs people in for, in the order of the file.
    pub parties: Vec<RelyingParty>,
    /// What that provider itself needs to do so.
    pub needs: Vec<DirectoryNeed>,
    /// What panels of devices say.
    pub devices: Vec<DeviceSays>,
    /// What a platform of virtualization tells, each fact once.
    pub facts: Vec<Fact>,
    /// What could not be read, by row: the first ones, and a last that counts the rest.
    pub skipped: Vec<RowProblem>,
    /// Rows that are left out.
    pub rows_left_out: usize,
    /// Cells of other rows that could not be read or are not kept.
    pub cells_left_out: usize,
}

/// A row or a cell that was left out, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowProblem {
    /// The row as a spreadsheet or an editor counts it, from 1; after a sheet name for a workbook.
    pub row: String,
    /// The column as its header names it; empty if the whole row is meant.
    pub column: String,
    /// Why, and what was done.
    pub why: String,
}

/// A file as a whole cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is nothing we know.
    #[error("{list}: {why}")]
    Unknown {
        /// The file.
        list: String,
        /// What it looks like, and what to do.
        why: String,
    },
    /// It is a batch, and goes another way.
    #[error("{list} is a batch of an agent, not a list")]
    IsABatch {
        /// The file.
        list: String,
    },
    /// It says what people decided, and is no list of things.
    #[error("{list} is a {what}, not a list: its words are kept beside what they are about")]
    IsPeoplesWords {
        /// The file.
        list: String,
        /// What it is.
        what: &'static str,
    },
    /// It is larger than it may be.
    #[error("{list}: more than {limit} {what}: split the file and import the parts")]
    TooLarge {
        /// The file.
        list: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// It is broken.
    #[error("{list}, {place}: {why}: save it again in the program that made it, or as CSV")]
    Broken {
        /// The file.
        list: String,
        /// Sheet and row, as far as they are known.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// Nothing in it could be used.
    #[error("{list}: none of its {rows} rows can be used (row {}, {}: {})", first.row, first.column, first.why)]
    NothingUsable {
        /// The file.
        list: String,
        /// How many rows there are.
        rows: usize,
        /// The first thing that is wrong.
        first: Box<RowProblem>,
    },
}

/// Says what a file is, by its content.
pub fn recognise(bytes: &[u8]) -> Kind {
    match bytes {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Batch,
        [b'P', b'K', 3, 4, ..] => workbook::recognise(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            Kind::Unknown("an old Excel workbook or one locked with a password: save it as CSV or as xlsx without a password".to_owned())
        }
        [] => Kind::Unknown("the file is empty".to_owned()),
        _ if platforms::is_one(bytes) => Kind::Platform,
        _ if relying::is_json(bytes) => Kind::RelyingParties,
        _ if netbox::is_json(bytes) => Kind::NetBox,
        _ => separated::recognise(bytes),
    }
}

/// Reads the list `bytes`, which is called `name`: what somebody said, or [`list_name`] of the file.
pub fn read(name: &str, bytes: &[u8], now: Timestamp) -> Result<Imported, ImportError> {
    read_of(name, bytes, now, None)
}

/// The same for an export of the identity provider or of the platform `of`, where the export does not say so itself.
pub fn read_of(
    name: &str,
    bytes: &[u8],
    now: Timestamp,
    of: Option<&Peer>,
) -> Result<Imported, ImportError> {
    let mut list = named(name, bytes)?;
    let mut reading = match recognise(bytes) {
        Kind::Csv => separated::read(&list, bytes)?,
        Kind::Mailboxes => mailboxes::read(&list, &text::decode(bytes).unwrap_or_default())?,
        Kind::RelyingParties => relying::read(&list, &text::decode(bytes).unwrap_or_default(), of)?,
        Kind::NetBox => netbox::read(&list, &text::decode(bytes).unwrap_or_default())?,
        Kind::RvTools => workbook::read(&list, bytes)?,
        Kind::Platform => platforms::read(&list, bytes, of)?,
        Kind::DeviceSheet => {
            let (reading, name) = panel::read(&list, &text::decode(bytes).unwrap_or_default())?;
            list = name;
            reading
        }
        Kind::Batch => return Err(ImportError::IsABatch { list }),
        Kind::Questionnaire => {
            let what = "questionnaire";
            return Err(ImportError::IsPeoplesWords { list, what });
        }
        Kind::RiskRegister => {
            let what = "risk register";
            return Err(ImportError::IsPeoplesWords { list, what });
        }
        Kind::Unknown(why) => return Err(ImportError::Unknown { list, why }),
    };
    let nothing = reading.declared.is_empty()
        && reading.ties.is_empty()
        && reading.parties.is_empty()
        && reading.needs.is_empty()
        && reading.devices.is_empty()
        && reading.facts.is_empty();
    if let (true, Some(first)) = (nothing, reading.problems.first()) {
        return Err(ImportError::NothingUsable {
            list,
            rows: reading.rows,
            first: Box::new(first.clone()),
        });
    }
    reading.settle();
    Ok(Imported {
        list,
        at: now,
        declared: reading.declared,
        ties: reading.ties,
        parties: reading.parties,
        needs: reading.needs,
        devices: reading.devices,
        facts: reading.facts,
        skipped: reading.problems,
        rows_left_out: reading.rows_left_out,
        cells_left_out: reading.cells_left_out,
    })
}

/// Reads the questionnaire `bytes`, which is called `name`, as it came back at `now`. What it is about must be in `inventory`.
///
/// A row without an answer says nothing, so that an untouched sheet declares nothing. An answer counts by the name and the day
/// at the top of the sheet; without them, or with a day that is still to come, it is left out and said so.
pub fn read_questionnaire(
    name: &str,
    bytes: &[u8],
    inventory: &Inventory,
    now: Timestamp,
) -> Result<Answered, ImportError> {
    let list = named(name, bytes)?;
    let filled = filled::read(&list, bytes, questionnaire::OWN)?;
    Ok(questionnaire::read(filled, inventory, now))
}

/// Reads the risk register `bytes`, which is called `name`: what was changed since it went out, and risks people added. The
/// findings of `inventory` are the register as it stands.
pub fn read_register(
    name: &str,
    bytes: &[u8],
    inventory: &Inventory,
) -> Result<Edited, ImportError> {
    let list = named(name, bytes)?;
    let filled = filled::read(&list, bytes, register::OWN)?;
    Ok(register::read(filled, inventory))
}

/// What a list is called in messages, if it is not too large.
fn named(name: &str, bytes: &[u8]) -> Result<String, ImportError> {
    let list = name.chars().filter(|c| !c.is_control()).take(200);
    let list: String = list.collect();
    if bytes.len() > FILE_BYTES {
        return Err(ImportError::TooLarge {
            list,
            what: "bytes",
            limit: FILE_BYTES as u64,
        });
    }
    Ok(list)
}

/// What could not be read of a sheet, bounded.
#[derive(Default)]
pub(crate) struct Problems {
    told: Vec<RowProblem>,
    untold: usize,
}

impl Problems {
    pub(crate) fn of(broken: Vec<RowProblem>) -> Self {
        let mut problems = Self::default();
        for problem in broken {
            problems.push(problem);
        }
        problems
    }

    pub(crate) fn say(&mut self, row: &str, column: &str, why: String) {
        self.push(RowProblem {
            row: row.to_owned(),
            column: column.to_owned(),
            why,
        });
    }

    fn push(&mut self, problem: RowProblem) {
        match self.told.len() < PROBLEMS {
            true => self.told.push(problem),
            false => self.untold += 1,
        }
    }

    pub(crate) fn settled(mut self) -> Vec<RowProblem> {
        if self.untold > 0 {
            self.told.push(RowProblem {
                row: "all".to_owned(),
                column: String::new(),
                why: format!("and {} more problems", self.untold),
            });
        }
        self.told
    }
}

/// What comes out of a table as it is read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) declared: Vec<Declared>,
    pub(crate) ties: Vec<MailboxTie>,
    pub(crate) parties: Vec<RelyingParty>,
    pub(crate) needs: Vec<DirectoryNeed>,
    pub(crate) devices: Vec<DeviceSays>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) problems: Vec<RowProblem>,
    pub(crate) rows: usize,
    untold: usize,
    rows_left_out: usize,
    cells_left_out: usize,
}

impl Reading {
    pub(crate) fn problem(&mut self, row: impl ToString, column: &str, why: impl Into<String>) {
        match column.is_empty() {
            true => self.rows_left_out += 1,
            false => self.cells_left_out += 1,
        }
        if self.problems.len() >= PROBLEMS {
            self.untold += 1;
            return;
        }
        self.problems.push(RowProblem {
            row: row.to_string(),
            column: column.to_owned(),
            why: why.into(),
        });
    }

    /// Rows that say exactly the same count once; problems beyond the bound become one.
    fn settle(&mut self) {
        let mut told = std::collections::HashSet::new();
        self.declared
            .retain(|declared| told.insert(serde_json::to_string(declared).unwrap_or_default()));
        if self.untold > 0 {
            let why = format!("and {} more problems", self.untold);
            self.problems.push(RowProblem {
                row: "all".to_owned(),
                column: String::new(),
                why,
            });
        }
    }
}
