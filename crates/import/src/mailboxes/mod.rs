//! What Exchange's management shell exports about mailboxes: who may use another one's, and whose mail is handed on.
//!
//! The output of `Get-MailboxPermission`, `Get-MailboxFolderPermission`, `Get-RecipientPermission`, `Get-ADPermission`,
//! `Get-InboxRule` and `Get-Mailbox`, piped into `Export-Csv`: columns as their documentation names them
//! (learn.microsoft.com/powershell/module/exchange), in any order, with or without the `#TYPE` line and with whatever
//! separates cells where the administrator lives. **Never run against a real Exchange**: tests stand on input made to that shape.

mod who;

use std::collections::{BTreeMap, BTreeSet};

use csv::ByteRecord;
use groma_model::mailbox::{MailboxTie, TieWay};

use crate::{ImportError, Reading, separated};
use who::{Holder, holder, lost, people, recipients, words};

const DELIMITERS: &[u8] = b",;\t";
/// Columns that name the mailbox, the surest first.
const MAILBOX: &[&str] = &[
    "mailbox",
    "mailboxidentity",
    "primarysmtpaddress",
    "windowsemailaddress",
    "mailboxownerid",
    "userprincipalname",
    "samaccountname",
    "alias",
    "displayname",
    "distinguishedname",
];
const WHOSE: &str =
    "no column says whose mailbox this is: export with Select-Object *,@{n='Mailbox';e={$mailbox}}";
const LOST: &str =
    "the export kept the name of a type in place of the values: use @{n='…';e={$_.… -join ';'}}";

/// Which command made the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Table {
    Folder,
    Mailbox,
    Recipient,
    Directory,
    Rule,
    Forwarding,
}

/// How a table is laid out.
struct Layout {
    table: Table,
    delimiter: u8,
    /// Bytes before the header.
    skip: usize,
    columns: BTreeMap<String, usize>,
}

/// True if `text` is such a table.
pub(crate) fn is_meant(text: &str) -> bool {
    layout(text).is_some()
}

/// Reads the table that `text` of `list` is.
pub(crate) fn read(list: &str, text: &str) -> Result<Reading, ImportError> {
    let mut reading = Reading::default();
    let Some(layout) = layout(text) else {
        return Ok(reading);
    };
    let mut ties = Ties::default();
    let place = (layout.delimiter, layout.skip);
    separated::each_row(list, text, place, &mut reading, |reading, line, record| {
        let row = Row {
            layout: &layout,
            record,
        };
        if let Err((column, why)) = take(&row, &mut ties) {
            reading.problem(line, column, why);
        }
    })?;
    reading.ties = ties.into_facts(list);
    Ok(reading)
}

/// The first line that names the columns of one of the commands.
fn layout(text: &str) -> Option<Layout> {
    let top = text.get(..text.floor_char_boundary(64 << 10))?;
    let mut skip = 0;
    for line in top.split_inclusive('\n').take(5) {
        let is_words = !line.trim().is_empty() && !line.starts_with("#TYPE");
        if is_words {
            return DELIMITERS
                .iter()
                .find_map(|delimiter| header(line, *delimiter, skip));
        }
        skip += line.len();
    }
    None
}

fn header(line: &str, delimiter: u8, skip: usize) -> Option<Layout> {
    let cells = line.trim().split(char::from(delimiter)).enumerate();
    let word = |cell: &str| -> String {
        cell.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase()
    };
    let columns: BTreeMap<String, usize> = cells.map(|(at, cell)| (word(cell), at)).collect();
    let has = |name: &str| columns.contains_key(name);
    let table = if has("foldername") && has("user") && has("accessrights") {
        Table::Folder
    } else if has("trustee") && has("accessrights") {
        Table::Recipient
    } else if has("extendedrights") && has("user") {
        Table::Directory
    } else if has("redirectto") || has("forwardasattachmentto") || has("forwardto") {
        Table::Rule
    } else if has("forwardingsmtpaddress") || has("forwardingaddress") || has("grantsendonbehalfto")
    {
        Table::Forwarding
    } else if has("user")
        && has("accessrights")
        && (has("deny") || has("isinherited") || has("identity") || has("mailbox"))
    {
        Table::Mailbox
    } else {
        return None;
    };
    Some(Layout {
        table,
        delimiter,
        skip,
        columns,
    })
}

/// One row under its header.
struct Row<'a> {
    layout: &'a Layout,
    record: &'a ByteRecord,
}

impl Row<'_> {
    /// The trimmed text of a column; empty where there is none.
    fn cell(&self, column: &str) -> String {
        let at = self.layout.columns.get(column);
        let cell = at.and_then(|at| self.record.get(*at)).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    }

    fn is(&self, column: &str) -> bool {
        let said = self.cell(column).to_lowercase();
        matches!(said.as_str(), "true" | "wahr" | "vrai" | "1" | "истина")
    }

    /// What the row calls the mailbox, the surest name first.
    fn mailbox(&self) -> Vec<String> {
        let mut names: Vec<String> = MAILBOX.iter().map(|column| self.cell(column)).collect();
        let identity = self.cell("identity");
        names.push(match self.layout.table {
            // `anna:\Calendar`; without a folder it repeats the holder.
            Table::Folder => identity
                .split_once(":\\")
                .map_or_else(String::new, |(mailbox, _)| mailbox.to_owned()),
            // `corp.example/Users/anna\1234567890`.
            Table::Rule => identity
                .rsplit_once('\\')
                .map_or_else(String::new, |(mailbox, _)| mailbox.to_owned()),
            _ => identity,
        });
        if self.layout.table == Table::Forwarding {
            names.push(self.cell("name"));
        }
        names.retain(|name| !name.is_empty() && !lost(name));
        names
    }

    /// The words of a cell of several values.
    fn words(&self, column: &'static str) -> Result<Vec<String>, Problem> {
        let cell = self.cell(column);
        match lost(&cell) {
            true => Err((column, LOST)),
            false => Ok(words(&cell)),
        }
    }
}

/// The column, and what is wrong with it.
type Problem = (&'static str, &'static str);

/// What rows told of one tie.
#[derive(Default)]
struct Told {
    names: BTreeSet<String>,
    rights: BTreeSet<String>,
}

/// Ties as they gather: the mailbox, who, in which way.
#[derive(Default)]
struct Ties {
    all: BTreeMap<(String, String, TieWay), Told>,
}

impl Ties {
    fn add(
        &mut self,
        names: &[String],
        other: &str,
        way: TieWay,
        rights: impl IntoIterator<Item = String>,
    ) {
        let Some((mailbox, more)) = names.split_first() else {
            return;
        };
        // What one may do to one's own mailbox ties nobody.
        if names.iter().any(|name| name.eq_ignore_ascii_case(other)) {
            return;
        }
        let key = (mailbox.clone(), other.to_owned(), way);
        let told = self.all.entry(key).or_default();
        let further = more.iter().filter(|name| *name != mailbox);
        told.names.extend(further.cloned());
        told.rights.extend(rights);
    }

    fn into_facts(self, list: &str) -> Vec<MailboxTie> {
        let fact = |((mailbox, other, way), told): ((String, String, TieWay), Told)| MailboxTie {
            list: list.to_owned(),
            at: None,
            mailbox: mailbox.into(),
            names: told.names.into_iter().collect(),
            other: other.into(),
            way,
            rights: told.rights.into_iter().collect(),
        };
        self.all.into_iter().map(fact).collect()
    }
}

fn take(row: &Row<'_>, ties: &mut Ties) -> Result<(), Problem> {
    if row.is("deny")
        || row.is("isinherited")
        || row.cell("accesscontroltype").eq_ignore_ascii_case("deny")
    {
        return Ok(());
    }
    let names = row.mailbox();
    if names.is_empty() {
        return Err(("", WHOSE));
    }
    match row.layout.table {
        Table::Folder => folder(row, &names, ties),
        Table::Mailbox => {
            let rights = row.words("accessrights")?;
            if rights
                .iter()
                .any(|right| right.eq_ignore_ascii_case("fullaccess"))
            {
                given(row, "user", &names, TieWay::FullAccess, Vec::new(), ties)?;
            }
            Ok(())
        }
        Table::Recipient => {
            let rights = row.words("accessrights")?;
            if rights
                .iter()
                .any(|right| right.eq_ignore_ascii_case("sendas"))
            {
                given(row, "trustee", &names, TieWay::SendAs, Vec::new(), ties)?;
            }
            Ok(())
        }
        Table::Directory => {
            let rights = row.words("extendedrights")?;
            if rights
                .iter()
                .any(|right| right.replace(' ', "-").eq_ignore_ascii_case("send-as"))
            {
                given(row, "user", &names, TieWay::SendAs, Vec::new(), ties)?;
            }
            Ok(())
        }
        Table::Rule => rule(row, &names, ties),
        Table::Forwarding => forwarding(row, &names, ties),
    }
}

fn given(
    row: &Row<'_>,
    column: &'static str,
    names: &[String],
    way: TieWay,
    rights: Vec<String>,
    ties: &mut Ties,
) -> Result<(), Problem> {
    match holder(&row.cell(column)) {
        Holder::Person(other) => ties.add(names, &other, way, rights),
        Holder::Missing => return Err((column, "nobody is named: the row is left out")),
        Holder::Everybody if matches!(way, TieWay::Calendar | TieWay::Folder) => {
            ties.add(names, "everybody", way, rights);
        }
        Holder::Everybody | Holder::System => {}
    }
    Ok(())
}

fn folder(row: &Row<'_>, names: &[String], ties: &mut Ties) -> Result<(), Problem> {
    // Whether somebody is free is no right that could be missed.
    const NOTHING: &[&str] = &[
        "none",
        "availabilityonly",
        "limiteddetails",
        "foldervisible",
    ];
    let mut rights = row.words("accessrights")?;
    rights.retain(|right| !NOTHING.contains(&right.to_lowercase().as_str()));
    if rights.is_empty() {
        return Ok(());
    }
    let way = match who::is_calendar(&row.cell("foldername")) {
        true => TieWay::Calendar,
        false => TieWay::Folder,
    };
    given(row, "user", names, way, rights, ties)
}

fn rule(row: &Row<'_>, names: &[String], ties: &mut Ties) -> Result<(), Problem> {
    const WAYS: &[(&str, &str)] = &[
        ("forwardto", "forward"),
        ("forwardasattachmentto", "forward-as-attachment"),
        ("redirectto", "redirect"),
    ];
    let enabled = row.cell("enabled");
    if !enabled.is_empty() && !row.is("enabled") {
        return Ok(());
    }
    for (column, word) in WAYS {
        let cell = row.cell(column);
        if lost(&cell) {
            return Err((column, LOST));
        }
        for other in recipients(&cell) {
            ties.add(names, &other, TieWay::Forward, [(*word).to_owned()]);
        }
    }
    Ok(())
}

fn forwarding(row: &Row<'_>, names: &[String], ties: &mut Ties) -> Result<(), Problem> {
    let word = match row.is("delivertomailboxandforward") {
        true => "mailbox-forwarding, keeps a copy",
        false => "mailbox-forwarding",
    };
    for column in ["forwardingsmtpaddress", "forwardingaddress"] {
        let cell = row.cell(column);
        if lost(&cell) {
            return Err((column, LOST));
        }
        for other in recipients(&cell) {
            ties.add(names, &other, TieWay::Forward, [word.to_owned()]);
        }
    }
    let behalf = row.cell("grantsendonbehalfto");
    if lost(&behalf) {
        return Err(("grantsendonbehalfto", LOST));
    }
    for other in people(&behalf) {
        if let Holder::Person(other) = holder(&other) {
            ties.add(names, &other, TieWay::SendOnBehalf, []);
        }
    }
    Ok(())
}
