//! The sheet that comes back from whoever stood before the devices: what each panel says, and whom the device is set up to use.
//!
//! A row that holds no answer stays on the sheet. What cannot be meant is said cell by cell, and the rest of the row counts.
//! No cell for a password is in it; an account with anything behind it is left out, for that may be one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use csv::ReaderBuilder;
use groma_model::device::{Deed, DeviceSays, DeviceWitness};
use groma_model::directory::NeedReason;
use groma_model::fact::DirectoryNeed;
use groma_model::id::digest;
use groma_model::name::{Port, Protection, Transport};
use groma_model::sheet::{SHEET_COLUMNS, SheetPart};
use groma_model::{Foreign, Peer};

use crate::columns::says_secret;
use crate::row::macs;
use crate::{ImportError, Reading, separated};

const DELIMITERS: &[u8] = b",;\t";
/// Columns that no other list has.
const OWN: &[&str] = &["device_id", "smtp_server", "scan_folder"];
/// What stands for an account whose name nobody wrote down.
const SOME_ACCOUNT: &str = "(an account its panel knows)";
/// Servers one cell may name.
const PEERS_MAX: usize = 8;

/// How a table is laid out.
struct Layout {
    delimiter: u8,
    columns: BTreeMap<String, usize>,
}

/// True if `text` is such a sheet.
pub(crate) fn is_meant(text: &str) -> bool {
    layout(text).is_some()
}

fn layout(text: &str) -> Option<Layout> {
    let first = text.lines().next()?;
    DELIMITERS.iter().find_map(|&delimiter| {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(first.as_bytes());
        let header = reader.records().next()?.ok()?;
        let named = header.iter().enumerate();
        let columns: BTreeMap<String, usize> = named
            .map(|(at, name)| (bare(name).to_lowercase(), at))
            .collect();
        let is_own = OWN.iter().all(|name| columns.contains_key(*name));
        is_own.then_some(Layout { delimiter, columns })
    })
}

/// A cell without the mark that keeps spreadsheets from computing it.
fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('\'').unwrap_or(cell).trim()
}

/// Reads the sheet `text`; what it is called from then on stands beside: a later sheet of other devices takes nothing back.
pub(crate) fn read(list: &str, text: &str) -> Result<(Reading, String), ImportError> {
    let mut reading = Reading::default();
    let Some(layout) = layout(text) else {
        return Ok((reading, list.to_owned()));
    };
    let mut devices = Vec::new();
    let place = (layout.delimiter, 0);
    separated::each_row(list, text, place, &mut reading, |reading, line, record| {
        let cells = cells(&layout, record);
        devices.extend(cells.get("device_id").cloned());
        Row {
            list,
            line,
            cells,
            reading,
        }
        .take();
    })?;
    devices.sort();
    let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
    let mark = digest(&devices);
    let name = format!("{list} (sheet {})", mark.get(..6).unwrap_or_default());
    Ok((reading, name))
}

/// The cells that hold something, by column.
fn cells(layout: &Layout, record: &csv::ByteRecord) -> BTreeMap<&'static str, String> {
    let of = |name: &'static str| {
        let cell = record.get(*layout.columns.get(name)?)?;
        let text = String::from_utf8_lossy(cell);
        let text = bare(&text);
        (!text.is_empty()).then(|| (name, text.to_owned()))
    };
    SHEET_COLUMNS.iter().filter_map(|c| of(c.name)).collect()
}

/// One device as it is read.
struct Row<'r> {
    list: &'r str,
    line: u64,
    cells: BTreeMap<&'static str, String>,
    reading: &'r mut Reading,
}

impl Row<'_> {
    fn cell(&self, name: &str) -> Option<&str> {
        self.cells.get(name).map(String::as_str)
    }

    fn problem(&mut self, column: &str, why: String) {
        self.reading.problem(self.line, column, why);
    }

    fn take(mut self) {
        let asked = SHEET_COLUMNS.iter().filter(|c| c.part == SheetPart::Asked);
        if !asked.into_iter().any(|c| self.cells.contains_key(c.name)) {
            self.problem(
                "scans",
                "no answer in this row: it stays on the sheet".to_owned(),
            );
            return;
        }
        let address = self.cell("address").map(str::parse::<IpAddr>);
        let Some(Ok(address)) = address else {
            self.problem("", "no address of the device: left out".to_owned());
            return;
        };
        let address = address.to_canonical();
        let mut says = DeviceSays::new(address, DeviceWitness::Panel);
        // What was printed tells which device is meant, and nothing of it: nobody read it off a panel, and a spreadsheet may
        // have turned 0012345 into a number.
        says.serial = self.cell("serial").map(str::to_owned);
        says.macs = self.cell("mac").map(macs).unwrap_or_default();
        says.macs.sort();
        for (column, deed) in [
            ("scans", Deed::Scan),
            ("faxes", Deed::Fax),
            ("sends_mail", Deed::Mail),
        ] {
            match self.yes_or_no(column) {
                Some(true) => says.can.push(deed),
                Some(false) => says.cannot.push(deed),
                None => {}
            }
        }
        self.mail(address, &mut says);
        for (column, kind, port, transport) in [
            ("ldap_server", "ldap-bind", Some(389), Transport::Tcp),
            ("fax_server", "fax", None, Transport::Tcp),
            ("ntp_server", "ntp", Some(123), Transport::Udp),
            ("dns_server", "dns", Some(53), Transport::Udp),
        ] {
            for (peer, written) in self.peers(column) {
                let port = written.or(port.map(Port));
                self.need(address, peer, (kind, port, transport), column);
            }
        }
        self.folder(address);
        says.can.sort();
        says.cannot.sort();
        says.proof = vec![format!("row {} of {}", self.line, self.list)];
        self.reading.devices.push(says);
    }

    /// The mail server, and that it sends if it has one. Who names no server may still say that it sends.
    fn mail(&mut self, address: IpAddr, says: &mut DeviceSays) {
        let none = self.cell("smtp_server").is_some_and(is_none);
        let peers = self.peers("smtp_server");
        let told = says.can.contains(&Deed::Mail) || says.cannot.contains(&Deed::Mail);
        if none && !told {
            says.cannot.push(Deed::Mail);
        }
        if !peers.is_empty() && says.cannot.contains(&Deed::Mail) {
            let why = "it names a mail server, and sends_mail says no: taken as it is written, the need is kept";
            self.problem("sends_mail", why.to_owned());
        } else if !peers.is_empty() && !told {
            says.can.push(Deed::Mail);
        }
        let protection = self.protection();
        let account = self.account();
        let port = self.port();
        for (peer, written) in peers {
            let port = written.or(port);
            let submits = match port {
                Some(Port(465 | 587)) => true,
                Some(Port(25)) => false,
                _ => account.as_ref().is_some_and(|account| !account.is_empty()),
            };
            let kind = if submits {
                "smtp-submission"
            } else {
                "smtp-relay"
            };
            let mut need = self.draft(address, peer, (kind, port, Transport::Tcp), "smtp_server");
            need.account.clone_from(&account);
            need.protection = protection;
            self.reading.needs.push(need);
        }
    }

    fn port(&mut self) -> Option<Port> {
        let text = self.cell("smtp_port")?.to_owned();
        match text.parse::<u16>() {
            Ok(port) if port > 0 => Some(Port(port)),
            _ => {
                self.problem("smtp_port", format!("not a port: {}", shown(&text)));
                None
            }
        }
    }

    fn protection(&mut self) -> Option<Protection> {
        let text = self.cell("smtp_tls")?.to_lowercase();
        match text.replace([' ', '-', '_', '/'], "").as_str() {
            "none" | "no" | "off" => Some(Protection::None),
            "starttls" | "yes" => Some(Protection::Starttls),
            "tls" | "ssl" | "ssltls" | "smtps" => Some(Protection::Tls),
            _ => {
                let why = format!("neither none nor starttls nor tls: {}", shown(&text));
                self.problem("smtp_tls", why);
                None
            }
        }
    }

    /// The account; empty for nobody.
    fn account(&mut self) -> Option<Foreign> {
        let text = self.cell("smtp_account")?.to_owned();
        if is_none(&text) {
            return Some(Foreign::default());
        }
        if text.eq_ignore_ascii_case("yes") {
            return Some(Foreign::from(SOME_ACCOUNT));
        }
        if !is_account(&text) || says_secret(&text) {
            let why = "more than the name of an account: what stands behind it may be a password, so nothing of it is kept but that there is one";
            self.problem("smtp_account", why.to_owned());
            return Some(Foreign::from(SOME_ACCOUNT));
        }
        Some(Foreign::from(text))
    }

    fn yes_or_no(&mut self, column: &'static str) -> Option<bool> {
        let text = self.cell(column)?.to_lowercase();
        match text.as_str() {
            "yes" | "y" | "x" | "true" | "1" => Some(true),
            "no" | "n" | "false" | "0" | "none" | "-" => Some(false),
            _ => {
                self.problem(column, format!("neither yes nor no: {}", shown(&text)));
                None
            }
        }
    }

    /// The machines a cell names, each with the port that stands behind it.
    fn peers(&mut self, column: &'static str) -> Vec<(Peer, Option<Port>)> {
        let Some(text) = self.cell(column).map(str::to_owned) else {
            return Vec::new();
        };
        if is_none(&text) {
            return Vec::new();
        }
        let mut out = Vec::new();
        let Some(parts) = servers(&text) else {
            let why = "more than names and addresses: some of it may be a password, so nothing of it is kept";
            self.problem(column, why.to_owned());
            return Vec::new();
        };
        for part in parts.into_iter().take(PEERS_MAX) {
            let without = part.rsplit_once("://").map_or(part, |(_, rest)| rest);
            match peer(without.trim_end_matches('/')) {
                Some(found) if !found.0.is_loopback() => out.push(found),
                _ => {
                    // A password may have been cut in two by what separates servers.
                    let part = if may_hold_more(&text) {
                        text.as_str()
                    } else {
                        part
                    };
                    let why = format!("neither a name nor an address: {}", shown(part));
                    self.problem(column, why);
                }
            }
        }
        out
    }

    /// `\\server\share\folder`, `smb://server/share`, `ftp://server/folder`.
    fn folder(&mut self, address: IpAddr) {
        let Some(text) = self.cell("scan_folder").map(str::to_owned) else {
            return;
        };
        if is_none(&text) {
            return;
        }
        let plain = text.replace('\\', "/");
        let (kind, port, rest) = match plain.split_once("://") {
            Some(("smb" | "cifs", rest)) => ("smb", Some(445), rest),
            Some(("ftp" | "ftps", rest)) => ("ftp", Some(21), rest),
            Some(("sftp", rest)) => ("ssh", Some(22), rest),
            Some(("http" | "https", rest)) => ("http", None, rest),
            Some(_) => ("", None, ""),
            None => match plain.strip_prefix("//") {
                Some(rest) => ("smb", Some(445), rest),
                None => ("", None, ""),
            },
        };
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        let host = parts.next().unwrap_or_default();
        // Whoever writes user:password@server keeps it for himself.
        let host = host.rsplit('@').next().unwrap_or_default();
        let Some((peer, written)) = peer(host).filter(|_| !kind.is_empty()) else {
            let why = format!(
                "neither \\\\server\\share nor smb://, ftp:// or sftp://server: {}",
                shown(&text)
            );
            self.problem("scan_folder", why);
            return;
        };
        let port = written.or(port.map(Port));
        let mut need = self.draft(address, peer, (kind, port, Transport::Tcp), "scan_folder");
        // The share; what lies below it is often called after a person.
        need.resource = parts
            .next()
            .filter(|share| !says_secret(share) && !speaks_of_logons(share))
            .map(Foreign::from);
        self.reading.needs.push(need);
    }

    fn need(
        &mut self,
        device: IpAddr,
        peer: Peer,
        what: (&str, Option<Port>, Transport),
        column: &str,
    ) {
        let need = self.draft(device, peer, what, column);
        self.reading.needs.push(need);
    }

    fn draft(
        &self,
        device: IpAddr,
        provider: Peer,
        (kind, port, transport): (&str, Option<Port>, Transport),
        column: &str,
    ) -> DirectoryNeed {
        DirectoryNeed {
            consumer: Peer::Address(device),
            provider,
            port,
            transport,
            kind: kind.to_owned(),
            reason: NeedReason::Panel,
            account: None,
            resource: None,
            protection: None,
            dn: Foreign::from(format!("row {} of {}", self.line, self.list)),
            attribute: column.to_owned(),
        }
    }
}

/// A name or an address, perhaps with a port.
fn peer(text: &str) -> Option<(Peer, Option<Port>)> {
    if let Some(peer) = Peer::parse(text) {
        return Some((peer, None));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    Some((Peer::parse(host)?, Some(Port(port))))
}

/// True for what names of accounts are made of. Whatever stands between a name and a password is none of it.
fn is_account(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@\\+$-".contains(c);
    text.chars().all(plain)
}

/// "There is none", in the words people use.
fn is_none(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "none" | "no" | "-" | "–" | "n/a" | "nothing" | "empty"
    )
}

/// The servers of a cell. Between blanks a word may be anything: it is a server there only if it is an address, or of the
/// domain of the first one; else `None`.
fn servers(text: &str) -> Option<Vec<&str>> {
    let mut out = Vec::new();
    for part in text.split([',', ';', '\n']) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let first = words.first().copied().unwrap_or_default();
        let domain = first.split_once('.').map(|(_, domain)| domain);
        let is_meant = |word: &&str| match peer(word) {
            Some((Peer::Address(_), _)) => true,
            Some(_) => {
                let of = word.split_once('.').map(|(_, domain)| domain);
                of.is_some() && of == domain
            }
            None => false,
        };
        if words.len() > 1 && (peer(first).is_none() || !words.iter().skip(1).all(is_meant)) {
            return None;
        }
        out.extend(words);
    }
    Some(out)
}

/// True for what says how somebody logs on, in words people write beside a share.
fn speaks_of_logons(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "pw", "pass", "pin", "user", "login", "logon", "benutzer", "kennwort", "as", "als",
    ];
    let mut words = text.split_whitespace().skip(1);
    words.any(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

/// True for what looks like an account with its password before a server.
fn may_hold_more(text: &str) -> bool {
    text.contains(['@', ':'])
}

/// A cell in a message: short, on one line, and nothing at all if it may hold a password.
fn shown(text: &str) -> String {
    if says_secret(text) || may_hold_more(text) {
        return "…".to_owned();
    }
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(40).collect()
}
