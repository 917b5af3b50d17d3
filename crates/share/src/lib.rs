//! A document that may leave the house: names, addresses and accounts become stable pseudonyms, the structure stays.
//!
//! A vendor, a consultant or a public ticket needs the map, and not whose it is. [`share`] takes the inventory and a key and
//! gives the inventory back with the same entities, dependencies, findings, ports, dates, counts, products and versions,
//! in which no name of the house stands.
//!
//! - **Stable.** A pseudonym is HMAC-SHA256 of the name under the key of the store, never of the document: it is the same in
//!   every document, snapshot and format. Without the key it cannot be found by trying names.
//! - **The form stays.** A host in a domain is still a host in a domain, an address still lies in its network, a mail
//!   address, a path or a distinguished name is still one, so that a stranger reads the map.
//! - **Closed.** The document is walked by its own schema, and `fields.txt` decides about each field. A field nobody decided
//!   about is replaced like a name, and a test fails. A sentence loses every word that is no word of this program.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod address;
mod fields;
mod form;
mod grammar;
mod key;
mod known;
mod names;
mod number;
mod path;
mod plan;
mod shape;
mod text;
mod walk;
mod words;

use std::collections::BTreeMap;

use groma_model::inventory::Inventory;
use groma_model::visible::visible;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use key::ShareKey;
pub use names::Original;

use known::{Both, Known};
use names::Names as Pseudonyms;
use plan::{Plan, Plans};
use text::Reader;
use walk::{Row, Walker};

/// What a shared document says of itself.
pub const SAYS: &str = "Shared: names, addresses and accounts are pseudonyms, the same in every document of this estate. \
    The key to them stays with whoever made it.";

/// An inventory that may leave the house, and the way back for whoever made it.
#[derive(Debug)]
pub struct Shared {
    /// The inventory with pseudonyms; `shared` in it says so.
    pub inventory: Inventory,
    /// Which pseudonym stands for what. It never leaves the house.
    pub names: Names,
}

/// Which pseudonym stands for what.
pub type Names = BTreeMap<String, Original>;

/// The document could not be made into one without names. Nothing of it may be handed out.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// A row of the document has no other form than its own.
    #[error("replace the names in {part} of the document; nothing was written, please report it")]
    Row {
        /// The list the row stands in.
        part: &'static str,
        /// What the row lacked.
        source: serde_json::Error,
    },
}

/// Replaces every name, address and account of `inventory` by its pseudonym under `key`.
///
/// The same inventory and key give the same bytes, whatever order its lists are in.
///
/// # Errors
/// A row could not be read back. None of this program's documents does so.
pub fn share(inventory: &Inventory, key: &ShareKey) -> Result<Shared, ShareError> {
    let plans = Plans::of_inventory();
    let known = learnt(&plans, inventory)?;
    let mut names = Pseudonyms::new(key);
    loop {
        let reader = Reader::new(&names, &known);
        let walker = Walker::new(&plans, &reader);
        let shared = Work {
            walker,
            known: &known,
        }
        .inventory(inventory)?;
        // Two names met in one pseudonym: once more, with longer ones for both.
        match names.apart() {
            Some(again) => names = again,
            None => {
                return Ok(Shared {
                    inventory: shared,
                    names: names.into_table(),
                });
            }
        }
    }
}

/// The owner's table: pseudonym, kind, name, with a head; sorted by pseudonym.
///
/// Comma-separated (RFC 4180). What cannot be seen in a name is made visible, and none becomes a formula.
pub fn table(names: &Names) -> String {
    let mut out = String::from("pseudonym,kind,name\r\n");
    for (pseudonym, original) in names {
        let row = [pseudonym, &original.kind, &original.name].map(|text| cell(text));
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    let shown = visible(text);
    let formula = shown.starts_with(['=', '+', '-', '@']);
    let mark = if formula { "'" } else { "" };
    match formula || shown.contains([',', '"', '\'']) || shown.trim() != shown {
        true => format!("\"{mark}{}\"", shown.replace('"', "\"\"")),
        false => shown.into_owned(),
    }
}

/// The names the document has where names stand.
fn learnt(plans: &Plans, inventory: &Inventory) -> Result<Known, ShareError> {
    let mut known = Known::default();
    let mut pupil = Pupil {
        plans,
        known: &mut known,
    };
    let Inventory {
        schema: _,
        generated_at: _,
        snapshot,
        shared: _,
        window: _,
        data_level: _,
        compared_with_list: _,
        coverage: _,
        layers: _,
        sites,
        links: _,
        systems,
        entities,
        listeners,
        dependencies,
        link_bps: _,
        volumes,
        rights,
        backups,
        watching,
        mail_records,
        mail_routes,
        zone_records,
        ledger,
        mailbox_ties,
        relying_parties,
        mail_ledger,
        mail_servers,
        devices,
        guests,
        measurements,
        waves,
        findings,
        estimate: _,
        questions,
        // Sentences about what stands elsewhere.
        evidence: _,
    } = inventory;
    pupil.rows("snapshot", std::slice::from_ref(snapshot))?;
    pupil.rows("sites", sites)?;
    pupil.rows("systems", systems)?;
    pupil.rows("entities", entities)?;
    pupil.rows("listeners", listeners)?;
    pupil.rows("dependencies", dependencies)?;
    pupil.rows("volumes", volumes)?;
    pupil.rows("rights", rights)?;
    pupil.rows("backups", backups)?;
    pupil.rows("watching", watching)?;
    pupil.rows("mail_records", mail_records)?;
    pupil.rows("mail_routes", mail_routes)?;
    pupil.rows("zone_records", zone_records)?;
    pupil.rows("ledger", ledger)?;
    pupil.rows("mailbox_ties", mailbox_ties)?;
    pupil.rows("relying_parties", relying_parties)?;
    pupil.rows("mail_ledger", mail_ledger)?;
    pupil.rows("mail_servers", mail_servers)?;
    pupil.rows("devices", devices)?;
    pupil.rows("guests", guests)?;
    pupil.rows("measurements", measurements)?;
    pupil.rows("waves", waves)?;
    pupil.rows("findings", findings)?;
    pupil.rows("questions", questions)?;
    Ok(known)
}

struct Pupil<'p> {
    plans: &'p Plans,
    known: &'p mut Known,
}

impl Pupil<'_> {
    fn rows<T: Serialize>(&mut self, part: &'static str, rows: &[T]) -> Result<(), ShareError> {
        let plan = entry(self.plans, part);
        for row in rows {
            let value =
                serde_json::to_value(row).map_err(|source| ShareError::Row { part, source })?;
            let mut spoken = Row::default();
            walk::learn(self.plans, plan, &value, self.known, &mut spoken);
            self.known.tell(&spoken.ids, &spoken.both);
        }
        Ok(())
    }
}

/// The plan of one row of this part of the document.
fn entry<'p>(plans: &'p Plans, part: &str) -> &'p Plan {
    const UNKNOWN: Plan = Plan::Text(fields::UNDECIDED);
    match plans.of_type(0).and_then(|fields| fields.get(part)) {
        Some(Plan::List(inner)) => inner,
        Some(plan) => plan,
        None => &UNKNOWN,
    }
}

struct Work<'w> {
    walker: Walker<'w>,
    known: &'w Known,
}

impl Work<'_> {
    fn inventory(&self, inventory: &Inventory) -> Result<Inventory, ShareError> {
        // Taken apart by name: a part the document gains is a part somebody must decide about.
        let Inventory {
            schema,
            generated_at,
            snapshot,
            shared: _,
            window,
            data_level,
            compared_with_list,
            coverage,
            layers,
            sites,
            links,
            systems,
            entities,
            listeners,
            dependencies,
            link_bps,
            volumes,
            rights,
            backups,
            watching,
            mail_records,
            mail_routes,
            zone_records,
            ledger,
            mailbox_ties,
            relying_parties,
            mail_ledger,
            mail_servers,
            devices,
            guests,
            measurements,
            waves,
            findings,
            estimate,
            questions,
            evidence,
        } = inventory;
        let mut dependencies = self.rows("dependencies", dependencies)?;
        dependencies.sort_by(|a, b| a.id.cmp(&b.id));
        let mut entities = self.rows("entities", entities)?;
        entities.sort_by(|a, b| a.id.cmp(&b.id));
        let mut evidence = self.rows("evidence", evidence)?;
        evidence.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Inventory {
            schema: schema.clone(),
            generated_at: *generated_at,
            snapshot: self.row("snapshot", snapshot)?,
            shared: Some(SAYS.to_owned()),
            window: *window,
            data_level: self.row("data_level", data_level)?,
            compared_with_list: *compared_with_list,
            coverage: self.sorted("coverage", coverage)?,
            layers: self.rows("layers", layers)?,
            sites: self.sorted("sites", sites)?,
            links: self.sorted("links", links)?,
            systems: self.sorted("systems", systems)?,
            entities,
            listeners: self.sorted("listeners", listeners)?,
            dependencies,
            link_bps: *link_bps,
            volumes: self.sorted("volumes", volumes)?,
            rights: self.sorted("rights", rights)?,
            backups: self.sorted("backups", backups)?,
            watching: self.sorted("watching", watching)?,
            mail_records: self.sorted("mail_records", mail_records)?,
            mail_routes: self.rows("mail_routes", mail_routes)?,
            zone_records: self.sorted("zone_records", zone_records)?,
            ledger: self.sorted("ledger", ledger)?,
            mailbox_ties: self.sorted("mailbox_ties", mailbox_ties)?,
            relying_parties: self.sorted("relying_parties", relying_parties)?,
            mail_ledger: self.sorted("mail_ledger", mail_ledger)?,
            mail_servers: self.sorted("mail_servers", mail_servers)?,
            devices: self.sorted("devices", devices)?,
            guests: self.sorted("guests", guests)?,
            measurements: self.sorted("measurements", measurements)?,
            waves: self.rows("waves", waves)?,
            findings: self.rows("findings", findings)?,
            estimate: self.row("estimate", estimate)?,
            questions: self.rows("questions", questions)?,
            evidence,
        })
    }

    /// Rows in the order they had: it says something, or is made anew.
    fn rows<T: Serialize + DeserializeOwned>(
        &self,
        part: &'static str,
        rows: &[T],
    ) -> Result<Vec<T>, ShareError> {
        rows.iter().map(|row| self.row(part, row)).collect()
    }

    /// Rows in the order of what stands in them now: where a name stood in the alphabet is a hint.
    fn sorted<T: Serialize + DeserializeOwned>(
        &self,
        part: &'static str,
        rows: &[T],
    ) -> Result<Vec<T>, ShareError> {
        let mut rows = self.rows(part, rows)?;
        rows.sort_by_cached_key(|row| serde_json::to_string(row).unwrap_or_default());
        Ok(rows)
    }

    fn row<T: Serialize + DeserializeOwned>(
        &self,
        part: &'static str,
        row: &T,
    ) -> Result<T, ShareError> {
        let wrong = |source| ShareError::Row { part, source };
        let plan = entry(self.walker.plans, part);
        let mut value = serde_json::to_value(row).map_err(wrong)?;
        let mut ids = Row::default();
        walk::ids(self.walker.plans, plan, &value, &mut ids.ids);
        let meant: Both = self.known.meant(&ids.ids);
        self.walker.replace(part, plan, &mut value, &meant);
        serde_json::from_value(value).map_err(wrong)
    }
}
