//! The truth of the ledgers: who binds at which directory, and who sends through which mail server, and as whom.

use std::path::Path;

use groma_model::inventory::Inventory;
use groma_model::mail_ledger::MailSide;
use serde::Deserialize;

use super::finding::End;
use super::place::{Place, Places};
use super::{Unreadable, text_of};

/// The two ledgers an issue asks for by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ledger {
    /// Who binds at a directory.
    Bindings,
    /// Who sends through a mail server.
    Mail,
}

impl Ledger {
    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bindings => "bindings",
            Self::Mail => "mail",
        }
    }

    fn holds(self, kind: &str) -> bool {
        match self {
            Self::Bindings => kind == "ldap-bind",
            Self::Mail => matches!(kind, "smtp-relay" | "smtp-submission"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<WrittenRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRow {
    ledger: Ledger,
    consumer: String,
    provider: String,
    port: u16,
    account: Option<String>,
    mechanism: Option<String>,
    protection: Option<String>,
    #[serde(rename = "where")]
    place: String,
}

/// One way in which one machine uses one service, as its own configuration says.
#[derive(Clone, Debug)]
pub struct Use {
    /// Of which ledger.
    pub ledger: Ledger,
    /// Who uses.
    pub consumer: Place,
    /// Who is used.
    pub provider: Place,
    /// On which port.
    pub port: u16,
    /// As whom; nobody: without an account.
    pub account: Option<String>,
    /// How the account is proven.
    pub mechanism: Option<String>,
    /// How it is protected, where the log of the service can know.
    pub protection: Option<String>,
    /// Where it is configured, as `host:path`.
    pub place: String,
}

impl Use {
    /// The use in one line.
    pub fn line(&self) -> String {
        let account = self.account.as_deref().unwrap_or("nobody");
        let (consumer, provider) = (self.consumer.name(), self.provider.name());
        format!("{consumer} at {provider}:{} as {account}", self.port)
    }
}

/// What became of one use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// It stands in the ledger with account, mechanism, protection and evidence.
    Whole,
    /// It stands there, and this differs.
    Differs(String),
    /// It does not stand there.
    Missed,
}

/// Reads the truth of the ledgers.
pub(super) fn read(file: &Path, places: &Places) -> Result<Vec<Use>, Unreadable> {
    parse(&text_of(file)?, places).map_err(|e| Unreadable::new(file, e))
}

fn parse(text: &str, places: &Places) -> Result<Vec<Use>, toml::de::Error> {
    let written: File = toml::from_str(text)?;
    let uses = written.row.into_iter().map(|row| Use {
        ledger: row.ledger,
        consumer: places.place(&row.consumer),
        provider: places.place(&row.provider),
        port: row.port,
        account: row.account,
        mechanism: row.mechanism,
        protection: row.protection,
        place: row.place,
    });
    Ok(uses.collect())
}

/// Holds the ledgers of an inventory against their truth.
pub(super) fn judge(uses: &[Use], inventory: &Inventory, places: &Places) -> Vec<Told> {
    let rows = rows_of(inventory, places);
    uses.iter().map(|one| told(one, &rows, places)).collect()
}

struct Row {
    ledger: Ledger,
    consumer: End,
    provider: End,
    kind: String,
    port: Option<u16>,
    account: Option<String>,
    mechanism: Option<String>,
    protection: Option<String>,
    proven: bool,
}

fn rows_of(inventory: &Inventory, places: &Places) -> Vec<Row> {
    let end = |id: &groma_model::EntityId| {
        let entity = inventory.entities.iter().find(|e| e.id == *id)?;
        Some(End::of_entity(entity, places))
    };
    let ledger = inventory.ledger.iter().filter_map(|entry| {
        Some(Row {
            ledger: Ledger::Bindings,
            consumer: end(&entry.consumer)?,
            provider: end(&entry.provider)?,
            kind: entry.kind.clone(),
            port: entry.port.map(|port| port.0),
            account: entry.account.clone(),
            mechanism: entry.mechanism.clone(),
            protection: entry.protection.map(|p| word(&p)),
            proven: !entry.evidence.is_empty(),
        })
    });
    // Who sends mail has a ledger of its own, which knows what a whole session told; a use that was only refused is none.
    let senders = inventory
        .mail_ledger
        .iter()
        .filter(|entry| entry.side == MailSide::Sends && entry.messages > 0);
    let mail = senders.filter_map(|entry| {
        Some(Row {
            ledger: Ledger::Mail,
            consumer: end(&entry.consumer)?,
            provider: end(&entry.provider)?,
            kind: entry.kind.clone(),
            port: entry.port.map(|port| port.0),
            account: entry.account.clone(),
            mechanism: entry.mechanism.clone(),
            protection: entry.protection.map(|p| word(&p)),
            proven: !entry.evidence.is_empty(),
        })
    });
    ledger.chain(mail).collect()
}

/// The word by which the document says a value of a closed list.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn told(one: &Use, rows: &[Row], places: &Places) -> Told {
    let of_it = |row: &&Row| {
        one.ledger == row.ledger
            && one.ledger.holds(&row.kind)
            && row.consumer.is(&one.consumer, places)
            && row.provider.is(&one.provider, places)
            && same(row.account.as_deref(), one.account.as_deref())
    };
    let mut differences: Vec<String> = rows
        .iter()
        .filter(of_it)
        .map(|row| difference(one, row))
        .collect();
    // The row that differs least speaks for the use.
    differences.sort_by_key(String::len);
    match differences.into_iter().next() {
        None => Told::Missed,
        Some(none) if none.is_empty() => Told::Whole,
        Some(some) => Told::Differs(some),
    }
}

fn difference(one: &Use, row: &Row) -> String {
    let says = |said: &Option<String>| said.clone().unwrap_or_else(|| "nothing".into());
    let mut parts = Vec::new();
    if row.port != Some(one.port) {
        let port = row.port.map(|port| port.to_string());
        parts.push(format!("port {}", says(&port)));
    }
    if !same(row.mechanism.as_deref(), one.mechanism.as_deref()) {
        parts.push(format!("mechanism {}", says(&row.mechanism)));
    }
    if one.protection.is_some() && row.protection != one.protection {
        parts.push(format!("protection {}", says(&row.protection)));
    }
    if !row.proven {
        parts.push("no evidence".into());
    }
    parts.join(", ")
}

/// Accounts and mechanisms are the same in any case; in names of a directory a blank behind a comma says nothing.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(", ", ",");
    one.map(plain) == other.map(plain)
}

#[cfg(test)]
mod tests {
    use super::super::examples::*;
    use super::*;
    use groma_model::ledger::{ConsumerClass, LedgerEntry};
    use groma_model::name::Protection;
    use groma_model::{Hours, Port};

    const TRUTH: &str = "[[row]]\nledger='bindings'\nconsumer='app1'\nprovider='ns1'\nport=389\n\
        account='cn=erp,dc=x'\nmechanism='simple'\nprotection='none'\nwhere='app1:/etc/erp'\n";

    fn inventory_with(change: impl FnOnce(&mut LedgerEntry)) -> Inventory {
        let mut inventory = inventory(&[edge(APP1, NS1, 389, "ldap-bind")]);
        let id = |name: &str| {
            let mut all = inventory.entities.iter();
            all.find(|e| e.name.starts_with(name)).unwrap().id.clone()
        };
        let mut entry = LedgerEntry {
            provider: id("ns1"),
            kind: "ldap-bind".into(),
            consumer: id("app1"),
            class: ConsumerClass::Application,
            port: Some(Port(389)),
            name: None,
            account: Some("CN=erp, DC=x".into()),
            mechanism: Some("SIMPLE".into()),
            protection: Some(Protection::None),
            says_it_is: None,
            service: None,
            asks: None,
            bases: Vec::new(),
            searches_by: Vec::new(),
            reached_by: None,
            reached_as: None,
            written_in: Vec::new(),
            rhythm: None,
            next_due: None,
            machine_account: false,
            refused: false,
            programs: Vec::new(),
            count: 1,
            first_seen: inventory.generated_at,
            last_seen: inventory.generated_at,
            hours: Hours::default(),
            witnesses: Vec::new(),
            logs: Vec::new(),
            evidence: vec![groma_model::EvidenceId::of(&["a bind"])],
        };
        change(&mut entry);
        inventory.ledger.push(entry);
        inventory
    }

    fn told_of(change: impl FnOnce(&mut LedgerEntry)) -> Told {
        let uses = parse(TRUTH, &places()).unwrap();
        judge(&uses, &inventory_with(change), &places()).remove(0)
    }

    #[test]
    fn a_row_counts_only_with_account_mechanism_protection_and_evidence() {
        assert_eq!(told_of(|_| ()), Told::Whole);
        assert_eq!(told_of(|e| e.account = None), Told::Missed);
        assert_eq!(told_of(|e| e.kind = "http".into()), Told::Missed);
        let other = |change: fn(&mut LedgerEntry), said: &str| {
            assert_eq!(told_of(change), Told::Differs(said.into()));
        };
        other(|e| e.mechanism = None, "mechanism nothing");
        other(|e| e.port = Some(Port(636)), "port 636");
        other(|e| e.evidence.clear(), "no evidence");
        other(|e| e.protection = Some(Protection::Tls), "protection tls");
    }

    #[test]
    fn a_misspelt_row_is_refused() {
        assert!(parse(&TRUTH.replace("port", "prot"), &places()).is_err());
    }
}
