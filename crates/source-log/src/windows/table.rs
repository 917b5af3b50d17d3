//! Text logs of Windows servers: tables that say their columns themselves (`#Fields`), with commas (Exchange) or blanks
//! (IIS, <https://www.w3.org/TR/WD-logfile>) between them.

use std::collections::BTreeMap;

use groma_model::Timestamp;
use groma_model::schedule::Zone;

use super::nps::{self, Dialect};
use crate::stamp::Clock;

/// Columns one table may have.
const COLUMNS_MAX: usize = 256;

/// Longest name of a program or a log.
const NAME_MAX: usize = 128;

/// What a table says of itself, so far: it may change from line to line.
pub(super) struct Table<'z> {
    /// `#Log-type`, else `#Software`.
    software: String,
    log_type: String,
    columns: Vec<String>,
    commas: bool,
    /// How the file of a RADIUS server writes, which says nothing of itself; `None` until its first line is known.
    radius: Option<Option<Dialect>>,
    clock: Clock<'z>,
    /// By the wall of the site: who writes no zone means his own.
    wall_clock: Clock<'z>,
    /// Rows that have not the columns the table says.
    pub(super) malformed: u64,
}

/// A row: its values by column.
pub(super) struct Row {
    pub(super) at: Timestamp,
    pub(super) values: BTreeMap<String, String>,
}

impl<'z> Table<'z> {
    /// Of a log read at `now`: no row is younger. `zone` is that of times, `local` that of the site, which some mean.
    pub(super) fn new(zone: &'z Zone, local: &'z Zone, now: Timestamp) -> Self {
        Self {
            software: String::new(),
            log_type: String::new(),
            columns: Vec::new(),
            commas: false,
            radius: None,
            clock: Clock::new(zone, now),
            wall_clock: Clock::new(local, now),
            malformed: 0,
        }
    }

    /// Which log it is.
    pub(super) fn log(&self) -> &str {
        match self.log_type.is_empty() {
            _ if self.radius.flatten().is_some() => nps::LOG,
            true => &self.software,
            false => &self.log_type,
        }
    }

    /// The row a line is; nothing for one about the table itself.
    pub(super) fn row(&mut self, line: &[u8]) -> Option<Row> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        // A file that is still written has zeros behind its last line.
        if line.is_empty() || line.contains(&0) {
            return None;
        }
        let text = String::from_utf8_lossy(line);
        if let Some(head) = text.strip_prefix('#') {
            self.learn(head);
            self.radius.get_or_insert(None);
            return None;
        }
        let radius = *self.radius.get_or_insert_with(|| Dialect::of(&text, cells));
        if let Some(dialect) = radius {
            let row = dialect
                .values(&text, cells)
                .and_then(|values| self.told_by_nps(values));
            self.malformed += u64::from(row.is_none());
            return row;
        }
        if self.columns.is_empty() {
            return None;
        }
        let cells = match self.commas {
            true => cells(&text),
            false => Some(text.split(' ').map(str::to_owned).collect()),
        };
        let row = cells
            .filter(|cells| cells.len() == self.columns.len())
            .and_then(|cells| self.told(cells));
        self.malformed += u64::from(row.is_none());
        row
    }

    fn told_by_nps(&mut self, values: BTreeMap<String, String>) -> Option<Row> {
        Some(Row {
            at: self.wall_clock.read(values.get(nps::TIME)?)?,
            values,
        })
    }

    fn learn(&mut self, head: &str) {
        let Some((name, value)) = head.split_once(':') else {
            return;
        };
        let value = value.trim();
        match name.trim() {
            "Software" => named(value).clone_into(&mut self.software),
            "Log-type" => named(value).clone_into(&mut self.log_type),
            "Fields" => {
                self.commas = value.contains(',');
                let split = |c| if self.commas { c == ',' } else { c == ' ' };
                let columns = value.split(split).take(COLUMNS_MAX);
                self.columns = columns.map(|column| column.trim().to_owned()).collect();
            }
            _ => {}
        }
    }

    fn told(&mut self, cells: Vec<String>) -> Option<Row> {
        let values: BTreeMap<String, String> = self.columns.iter().cloned().zip(cells).collect();
        let time = match (values.get("date"), values.get("time")) {
            (Some(date), Some(time)) => format!("{date} {time}"),
            _ => values
                .get("date-time")
                .or_else(|| values.get("dateTime"))?
                .clone(),
        };
        Some(Row {
            at: self.clock.read(&time)?,
            values,
        })
    }
}

/// A name; none for one nobody would give.
fn named(value: &str) -> &str {
    if value.len() <= NAME_MAX { value } else { "" }
}

/// The cells of a line with commas (RFC 4180); nothing if a quote is not closed or stands where it may not.
fn cells(line: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut rest = line;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (cell, after) = rest.split_at(end);
                (cell.to_owned(), after)
            }
        };
        out.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(out),
        }
        if out.len() > COLUMNS_MAX {
            return None;
        }
    }
}

fn quoted_cell(quoted: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Vec<Row>, u64) {
        let zone = Zone::default();
        let mut table = Table::new(&zone, &zone, Timestamp::from_seconds(1_795_212_000));
        let rows = text
            .lines()
            .filter_map(|line| table.row(line.as_bytes()))
            .collect();
        (rows, table.malformed)
    }

    #[test]
    fn columns_may_change_and_are_asked_each_time() {
        let (rows, malformed) = rows(
            "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip\n2026-11-20 05:00:00 10.0.0.1\n\
             #Fields: date time s-ip c-ip\n2026-11-20 05:00:01 10.0.0.5 10.0.0.2\n2026-11-20 05:00:02 10.0.0.3\n",
        );
        let clients: Vec<&str> = rows.iter().map(|row| row.values["c-ip"].as_str()).collect();
        assert_eq!(
            (clients.as_slice(), malformed),
            (&["10.0.0.1", "10.0.0.2"][..], 1)
        );
        assert_eq!(rows[0].at.minute(), "2026-11-20 05:00");
    }

    #[test]
    fn quotes_and_commas_forge_no_column() {
        let head = "#Log-type: Message Tracking Log\n#Fields: date-time,client-ip,message-subject,source\n";
        let line =
            |subject: &str| format!("{head}2026-11-20T05:00:00.123Z,10.0.0.1,{subject},SMTP\n");
        let (good, _) = rows(&line("\"a, \"\"b\"\", 10.0.0.9\""));
        assert_eq!(good[0].values["message-subject"], "a, \"b\", 10.0.0.9");
        for forged in [
            "a,10.0.0.9",
            "\"a\"b",
            "\"open",
            "\"a\n2026-11-20T05:00:00Z,10.0.0.9,x,SMTP\"",
        ] {
            let (rows, malformed) = rows(&line(forged));
            assert!(malformed > 0, "{forged}");
            assert!(
                rows.iter().all(|row| row.values["source"] == "SMTP"),
                "{forged}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_is_read(cells_in in proptest::collection::vec("\\PC{0,20}", 1..6)) {
            let line: Vec<String> = cells_in.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
            proptest::prop_assert_eq!(cells(&line.join(",")), Some(cells_in));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = rows(&format!("#Fields: a,b\n{text}\n#Fields: {text}\n{text}"));
        }
    }
}
