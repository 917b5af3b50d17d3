//! The log files of Microsoft's RADIUS server (NPS, IAS), which say nothing of themselves: one `<Event>` a line, a line of the
//! columns a database would have, or pairs of a number and a value. The values are told by the names of the first kind.
//!
//! Who asks for a logon writes his own name into them. A value that holds a mark of the format, or a value that stands there
//! twice, makes the line none: rather no row than one that somebody wrote.

use std::collections::BTreeMap;

/// Which log this is to the grammars.
pub(super) const LOG: &str = "NPS";
/// The machine whose log it is.
const COMPUTER: &str = "Computer-Name";
/// Who asked: the access point, the switch, the VPN.
const CLIENT: &str = "Client-IP-Address";
/// 1 to 3: a logon is asked for, granted, refused; 4: what it used is told (RFC 2865 3).
const PACKET: &str = "Packet-Type";
/// How it was proven.
const PROOF: &str = "Authentication-Type";
/// When, by the clock of the server, as `2026-11-20 13:04:33`.
pub(super) const TIME: &str = "Timestamp";
const KEPT: &[&str] = &[COMPUTER, CLIENT, PACKET, PROOF, TIME];
/// Names of ways to prove it, by number (Authentication-Type of NPS).
const PROOFS: &[(&str, &str)] = &[
    ("1", "PAP"),
    ("2", "CHAP"),
    ("3", "MS-CHAPv1"),
    ("4", "MS-CHAPv2"),
    ("5", "EAP"),
    ("7", "Unauthenticated"),
    ("8", "Extension"),
    ("11", "PEAP"),
];
/// Columns of a database, in part: a number counts from 0.
const COLUMNS: &[(usize, &str)] = &[(0, COMPUTER), (4, PACKET), (15, CLIENT), (23, PROOF)];
const COLUMNS_MIN: usize = 26;
/// Pairs, by number; what stands before them are six columns.
const PAIRS: &[(&str, &str)] = &[("4108", CLIENT), ("4136", PACKET), ("4127", PROOF)];
const HEAD: usize = 6;
const SERVICES: &[&str] = &["IAS", "NPS", "RAS"];

/// How a file writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// An element of XML a line.
    Events,
    /// So many columns.
    Columns(usize),
    /// Pairs.
    Pairs,
}

type Values = BTreeMap<String, String>;

impl Dialect {
    /// How the file writes whose first line this is; `cells` are those of a line with commas.
    pub(super) fn of(line: &str, cells: impl Fn(&str) -> Option<Vec<String>>) -> Option<Self> {
        if line.starts_with("<Event><") {
            return Some(Self::Events);
        }
        let cells = cells(line)?;
        let is_service = |at: usize| {
            cells
                .get(at)
                .is_some_and(|s| SERVICES.contains(&s.as_str()))
        };
        let has_time = time(cells.get(2)?, cells.get(3)?).is_some();
        match has_time {
            true if is_service(1) && cells.len() >= COLUMNS_MIN => Some(Self::Columns(cells.len())),
            true if is_service(4) && cells.len() > HEAD => Some(Self::Pairs),
            _ => None,
        }
    }

    /// What a line says; `None` for one that is none of its kind.
    pub(super) fn values(
        self,
        line: &str,
        cells: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Option<Values> {
        let mut values = match self {
            Self::Events => elements(line)?,
            Self::Columns(count) => columns(&cells(line).filter(|cells| cells.len() == count)?)?,
            Self::Pairs => pairs(&cells(line)?)?,
        };
        if let Some(proof) = values.get_mut(PROOF) {
            let name = PROOFS.iter().find(|(number, _)| number == proof);
            *proof = name.map(|(_, name)| (*name).to_owned()).unwrap_or_default();
        }
        let is_whole = [COMPUTER, PACKET, TIME]
            .iter()
            .all(|name| values.contains_key(*name));
        is_whole.then_some(values)
    }
}

/// `<Event><Name data_type="1">value</Name>…</Event>`.
fn elements(line: &str) -> Option<Values> {
    let mut rest = line
        .trim_end()
        .strip_prefix("<Event>")?
        .strip_suffix("</Event>")?;
    let mut out = Values::new();
    while !rest.is_empty() {
        let (head, after) = rest.strip_prefix('<')?.split_once('>')?;
        let name = head.split_once(' ').map_or(head, |(name, _)| name);
        rest = match head.ends_with('/') {
            true => after,
            false => {
                let (value, after) = after.split_once('<')?;
                if let Some(kept) = KEPT.iter().find(|kept| **kept == name) {
                    let known = out.insert((*kept).to_owned(), value.trim().to_owned());
                    if known.is_some() {
                        return None;
                    }
                }
                after
                    .strip_prefix('/')?
                    .strip_prefix(name)?
                    .strip_prefix('>')?
            }
        };
    }
    let (date, of_day) = out.get(TIME)?.split_once(' ')?;
    let at = time(date, of_day)?;
    out.insert(TIME.to_owned(), at);
    Some(out)
}

fn columns(cells: &[String]) -> Option<Values> {
    let of = COLUMNS
        .iter()
        .map(|(at, name)| Some(((*name).to_owned(), cells.get(*at)?.clone())));
    let mut out: Values = of.collect::<Option<_>>()?;
    out.insert(TIME.to_owned(), time(cells.get(2)?, cells.get(3)?)?);
    let is_service = SERVICES.contains(&cells.get(1)?.as_str());
    is_service.then_some(out)
}

fn pairs(cells: &[String]) -> Option<Values> {
    let (head, rest) = cells.split_at_checked(HEAD)?;
    let mut out = Values::from([
        (TIME.to_owned(), time(head.get(2)?, head.get(3)?)?),
        (COMPUTER.to_owned(), head.get(5)?.clone()),
    ]);
    if !SERVICES.contains(&head.get(4)?.as_str()) || rest.len() % 2 != 0 {
        return None;
    }
    for pair in rest.chunks_exact(2) {
        let [number, value] = pair else { continue };
        let name = PAIRS.iter().find(|(known, _)| known == number);
        if let Some((_, name)) = name
            && out.insert((*name).to_owned(), value.clone()).is_some()
        {
            return None;
        }
    }
    Some(out)
}

/// `11/20/2026` and `13:04:33.609` as `2026-11-20 13:04:33.609`.
fn time(date: &str, of_day: &str) -> Option<String> {
    let mut parts = date.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let is_date = digits(month, 2) && digits(day, 2) && digits(year, 4) && parts.next().is_none();
    let is_time = of_day.len() >= 8
        && of_day
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
    (is_date && is_time).then(|| format!("{year}-{month}-{day} {of_day}"))
}
