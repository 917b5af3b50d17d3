//! Workbooks of RVTools: the machines, network cards and hypervisors of a vCenter.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read, sink};

use calamine::{DataRef, Reader, Xlsx};
use groma_model::fact::Declared;

use crate::columns::{Field, Header};
use crate::row::{Row, declared, macs, tidy, uuid};
use crate::{CELL_BYTES, COLUMNS, ImportError, Kind, ROWS, Reading};

/// Most bytes that the parts of a workbook may unpack to, together.
const UNPACKED_BYTES: u64 = 256 << 20;

/// Most parts of a workbook.
const PARTS: usize = 4096;

/// Most bytes of text in the cells of one sheet: many cells may name one long string.
const SHEET_BYTES: usize = 128 << 20;

/// Columns of vInfo and vHost that say what a machine is and do not move from one export to the next. Load,
/// heartbeat, used space and the like would make every export a new list.
const STEADY: &[&str] = &[
    "Powerstate",
    "Template",
    "SRM Placeholder",
    "Cluster",
    "Datacenter",
    "Resource pool",
    "Folder",
    "vApp",
    "CPUs",
    "Memory",
    "Firmware",
    "HW version",
    "Annotation",
    "CPU Model",
    "# CPU",
    "# Cores",
    "# Memory",
    "Vendor",
    "Model",
    "Serial number",
    "Service tag",
    "NTP Server(s)",
    "Domain",
    "function",
    "site",
];

type Book<'b> = Xlsx<Cursor<&'b [u8]>>;

pub(crate) fn recognise(bytes: &[u8]) -> Kind {
    match open("the file", bytes) {
        Ok(book) if sheet(&book, "vInfo").is_some() => Kind::RvTools,
        Ok(mut book) => filled_in(&mut book),
        Err(ImportError::Unknown { why, .. } | ImportError::Broken { why, .. }) => {
            Kind::Unknown(why)
        }
        Err(other) => Kind::Unknown(other.to_string()),
    }
}

pub(crate) fn read(list: &str, bytes: &[u8]) -> Result<Reading, ImportError> {
    let mut book = open(list, bytes)?;
    let mut reading = Reading::default();
    let cards = cards(list, &mut book, &mut reading)?;
    if let Some(machines) = table(list, &mut book, "vInfo", &mut reading)? {
        for row in &machines.rows {
            if let Some(mut machine) = declared(&machines.header, row, list, "vm", &mut reading) {
                keep_steady(&mut machine);
                cards.join(&mut machine);
                reading.declared.push(machine);
            }
        }
    }
    if let Some(hosts) = table(list, &mut book, "vHost", &mut reading)? {
        for row in &hosts.rows {
            if let Some(mut host) = declared(&hosts.header, row, list, "hypervisor", &mut reading) {
                keep_steady(&mut host);
                reading.declared.push(host);
            }
        }
    }
    Ok(reading)
}

/// Sheets of a workbook that are looked at for a table people filled in.
const SHEETS: usize = 8;
/// Rows that may stand above its header.
const TITLES: usize = 20;

/// Rows of a sheet from its header on, each with its number as a spreadsheet counts it.
pub(crate) type Rows = Vec<(u32, Vec<String>)>;

/// A workbook that is none of RVTools: a sheet people filled in, or nothing we know.
fn filled_in(book: &mut Book<'_>) -> Kind {
    if has(book, crate::questionnaire::OWN) {
        return Kind::Questionnaire;
    }
    if has(book, crate::register::OWN) {
        return Kind::RiskRegister;
    }
    Kind::Unknown(
        "a workbook without the sheet vInfo of RVTools: save the sheet with the list as CSV"
            .to_owned(),
    )
}

fn has(book: &mut Book<'_>, own: &[&str]) -> bool {
    let is_meant = |names: &[String]| own.iter().all(|own| names.iter().any(|n| n == own));
    matches!(with("the file", book, is_meant), Ok(Some(_)))
}

/// The first sheet of a workbook with a header that `is_meant`, by the names of its columns in small letters.
pub(crate) fn table_with(
    list: &str,
    bytes: &[u8],
    is_meant: impl Fn(&[String]) -> bool,
) -> Result<Option<(String, Rows)>, ImportError> {
    with(list, &mut open(list, bytes)?, is_meant)
}

fn with(
    list: &str,
    book: &mut Book<'_>,
    is_meant: impl Fn(&[String]) -> bool,
) -> Result<Option<(String, Rows)>, ImportError> {
    for sheet in book.sheet_names().into_iter().take(SHEETS) {
        let mut left_out = Reading::default();
        let rows = cells(list, book, &sheet, &mut left_out)?;
        let rows: Rows = rows
            .into_iter()
            .map(|(number, cells)| (number.saturating_add(1), in_a_row(cells)))
            .collect();
        let names = |(_, cells): &(u32, Vec<String>)| -> Vec<String> {
            let names = cells.iter().map(|cell| cell.trim().to_lowercase());
            names.collect()
        };
        let header = rows
            .iter()
            .take(TITLES)
            .position(|row| is_meant(&names(row)));
        let Some(header) = header else {
            continue;
        };
        if let Some(problem) = left_out.problems.first() {
            return Err(ImportError::Broken {
                list: list.to_owned(),
                place: format!("row {}", problem.row),
                why: problem.why.clone(),
            });
        }
        return Ok(Some((sheet, rows.into_iter().skip(header).collect())));
    }
    Ok(None)
}

/// Cells by their column, with what is empty between them.
fn in_a_row(cells: Vec<(u32, String)>) -> Vec<String> {
    let mut row = Vec::new();
    for (column, text) in cells {
        let column = usize::try_from(column).unwrap_or_default();
        if row.len() <= column {
            row.resize(column + 1, String::new());
        }
        if let Some(cell) = row.get_mut(column) {
            *cell = text;
        }
    }
    row
}

/// Opens a workbook after all its parts were unpacked once into nothing: sizes are measured, not believed.
fn open<'b>(list: &str, bytes: &'b [u8]) -> Result<Book<'b>, ImportError> {
    let broken = |why: String| ImportError::Broken {
        list: list.to_owned(),
        place: "the whole file".to_owned(),
        why,
    };
    let mut parts = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| broken(format!("not a workbook ({error})")))?;
    if parts.len() > PARTS {
        return Err(ImportError::TooLarge {
            list: list.to_owned(),
            what: "parts of a workbook",
            limit: PARTS as u64,
        });
    }
    if parts.index_for_name("xl/workbook.xml").is_none() {
        let why = "a zip archive, not a workbook: unpack it and import the lists in it".to_owned();
        return Err(ImportError::Unknown {
            list: list.to_owned(),
            why,
        });
    }
    let mut left = UNPACKED_BYTES;
    for index in 0..parts.len() {
        let part = parts
            .by_index(index)
            .map_err(|error| broken(error.to_string()))?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut sink())
            .map_err(|error| broken(error.to_string()))?;
        let too_large = || ImportError::TooLarge {
            list: list.to_owned(),
            what: "unpacked bytes",
            limit: UNPACKED_BYTES,
        };
        left = left.checked_sub(unpacked).ok_or_else(too_large)?;
    }
    Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))
}

/// The name of a sheet as this workbook writes it.
fn sheet(book: &Book<'_>, name: &str) -> Option<String> {
    let fits = |sheet: &String| {
        sheet.eq_ignore_ascii_case(name) || sheet.eq_ignore_ascii_case(&format!("tab{name}"))
    };
    book.sheet_names().into_iter().find(fits)
}

struct Table {
    header: Header,
    rows: Vec<Row>,
}

/// The rows of a sheet under its first row; `None` if there is no such sheet.
fn table(
    list: &str,
    book: &mut Book<'_>,
    name: &str,
    reading: &mut Reading,
) -> Result<Option<Table>, ImportError> {
    let Some(sheet) = sheet(book, name) else {
        return Ok(None);
    };
    let mut rows = cells(list, book, &sheet, reading)?;
    let Some((_, first)) = rows.pop_first() else {
        return Ok(None);
    };
    let header = Header::of(&first);
    if header.known() == 0 {
        let why = "its first row does not name the columns".to_owned();
        return Err(ImportError::Broken {
            list: list.to_owned(),
            place: format!("sheet {sheet}"),
            why,
        });
    }
    for secret in header.secrets() {
        reading.problem(
            format!("{sheet} 1"),
            secret,
            "a column of passwords: not read",
        );
    }
    reading.rows += rows.len();
    let rows = rows
        .into_iter()
        .map(|(number, cells)| Row {
            place: format!("{sheet} {}", number + 1),
            cells,
        })
        .collect();
    Ok(Some(Table { header, rows }))
}

/// The cells of a sheet that hold something, by row. Nothing is reserved for the empty ones between them.
fn cells(
    list: &str,
    book: &mut Book<'_>,
    sheet: &str,
    reading: &mut Reading,
) -> Result<BTreeMap<u32, Vec<(u32, String)>>, ImportError> {
    let broken = |error: calamine::XlsxError| ImportError::Broken {
        list: list.to_owned(),
        place: format!("sheet {sheet}"),
        why: error.to_string(),
    };
    let mut rows: BTreeMap<u32, Vec<(u32, String)>> = BTreeMap::new();
    let mut bytes = 0;
    let mut reader = book.worksheet_cells_reader(sheet).map_err(broken)?;
    while let Some(cell) = reader.next_cell().map_err(broken)? {
        let (row, column) = cell.get_position();
        let Some(text) = text_of(cell.get_value()) else {
            continue;
        };
        bytes += text.len();
        if bytes > SHEET_BYTES {
            return Err(ImportError::TooLarge {
                list: list.to_owned(),
                what: "bytes of text in a sheet",
                limit: SHEET_BYTES as u64,
            });
        }
        if column >= COLUMNS || text.len() > CELL_BYTES {
            reading.problem(
                format!("{sheet} {}", row.saturating_add(1)),
                &format!("{}", column.saturating_add(1)),
                "a cell too long or too far to the right: left out",
            );
            continue;
        }
        rows.entry(row).or_default().push((column, text));
        if rows.len() > ROWS {
            return Err(ImportError::TooLarge {
                list: list.to_owned(),
                what: "rows in a sheet",
                limit: ROWS as u64,
            });
        }
    }
    Ok(rows)
}

fn text_of(value: &DataRef<'_>) -> Option<String> {
    let text = match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.trim().to_owned()
        }
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(true) => "True".to_owned(),
        DataRef::Bool(false) => "False".to_owned(),
        DataRef::DateTime(moment) => moment.as_f64().to_string(),
        DataRef::Error(_) | DataRef::Empty => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn keep_steady(machine: &mut Declared) {
    machine
        .more
        .retain(|column, _| STEADY.contains(&column.as_str()));
}

/// Network cards by the machine they belong to.
#[derive(Default)]
struct Cards {
    by_uuid: HashMap<String, Declared>,
    by_name: HashMap<String, Declared>,
}

impl Cards {
    /// Adds what the cards of `machine` know: by UUID, and by name only where no UUID is told, since names repeat.
    fn join(&self, machine: &mut Declared) {
        let by_name = || {
            machine
                .name
                .as_str()
                .and_then(|name| self.by_name.get(name))
        };
        let cards = match &machine.smbios_uuid {
            Some(uuid) => self.by_uuid.get(uuid),
            None => by_name(),
        };
        if let Some(cards) = cards {
            machine.macs.extend(cards.macs.iter().cloned());
            machine.addresses.extend(cards.addresses.iter().copied());
            tidy(machine);
        }
    }
}

fn cards(list: &str, book: &mut Book<'_>, reading: &mut Reading) -> Result<Cards, ImportError> {
    let mut cards = Cards::default();
    let before = reading.rows;
    let Some(table) = table(list, book, "vNetwork", reading)? else {
        return Ok(cards);
    };
    reading.rows = before;
    for row in &table.rows {
        let Some(card) = card(&table.header, row, reading) else {
            continue;
        };
        let place = match (&card.smbios_uuid, card.name.as_str()) {
            (Some(uuid), _) => cards.by_uuid.entry(uuid.clone()).or_default(),
            (None, Some(name)) => cards.by_name.entry(name.to_owned()).or_default(),
            (None, None) => continue,
        };
        place.macs.extend(card.macs);
        place.addresses.extend(card.addresses);
    }
    Ok(cards)
}

/// A row of vNetwork. The UUID is taken the same way as in vInfo, or the two would not meet.
fn card(header: &Header, row: &Row, reading: &mut Reading) -> Option<Declared> {
    let wanted = |column: u32| {
        header.columns.get(&column).is_some_and(|(field, _)| {
            matches!(
                field,
                Field::Name | Field::Address | Field::Mac | Field::Uuid | Field::UuidPerhaps
            )
        })
    };
    let cells = row
        .cells
        .iter()
        .filter(|(column, text)| wanted(*column) && is_told(header, *column, text))
        .cloned()
        .collect();
    let row = Row {
        place: row.place.clone(),
        cells,
    };
    declared(header, &row, "", "vm", reading)
        .filter(|card| !card.macs.is_empty() || !card.addresses.is_empty())
}

/// vNetwork writes words such as `unknown` where a guest told nothing; that is no mistake of the list.
fn is_told(header: &Header, column: u32, text: &str) -> bool {
    match header.columns.get(&column) {
        Some((Field::Mac, _)) => !macs(text).is_empty(),
        Some((Field::Uuid | Field::UuidPerhaps, _)) => uuid(text).is_some(),
        Some((Field::Address, _)) => text.contains(['.', ':']),
        _ => true,
    }
}
