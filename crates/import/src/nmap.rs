//! What nmap found, as it writes it (`-oX`): hosts that proved they are there, their doors, what answers at them.
//!
//! A host is one that answered: with its hardware address, an echo, a door that is open, or a refusal. Under `-Pn` nmap calls
//! every address up; one of which every port is only filtered is none. Where one hardware address stands behind many
//! addresses, or every address of a large range without a hole answers alike, something in between answers for everyone: only what was
//! recognised by its own words is somebody then. A service that nmap looked up by the number of its port is not told.
//!
//! The file is read piece by piece, and of any length. A declaration of entities ends the reading before it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::net::IpAddr;

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::id::digest;
use groma_model::name::{HostName, Port, Transport};
use groma_model::sighting::{Door, Sighting};
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, Observation, Scope, Seen, SiteId, SourceName, Timestamp,
};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::ImportError;
use crate::batch::number;

/// Longest piece between two angle brackets.
const PIECE_BYTES_MAX: usize = 1 << 20;
/// Hosts of one scan that are told.
const HOSTS_MAX: usize = 200_000;
/// Doors, addresses and names of one host.
const DOORS_MAX: usize = 2_000;
const OWN_MAX: usize = 16;
/// Addresses one hardware address may have before it is taken for one that answers for others.
const ADDRESSES_MAX: usize = 8;
/// As many addresses, all of which answer, are no coincidence.
const RANGE_MIN: usize = 32;
const TEXT_MAX: usize = 120;

/// A scan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scan {
    /// What it is called; a newer one of the same name replaces it.
    pub list: String,
    /// Who is there, sorted.
    pub sightings: Vec<(Sighting, Timestamp)>,
    /// Addresses at which nobody proved to be.
    pub unproven: u64,
    /// Addresses something in between answered for.
    pub answered_for: u64,
    /// Hosts there was no room for.
    pub left_out: u64,
    /// True if nmap came to its end.
    pub finished: bool,
}

/// True for the first bytes of a scan.
pub fn is_scan(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
        && head.contains("nmaprun")
}

/// Reads the scan `file`, which is called `name`.
///
/// # Errors
/// If it is no scan of nmap, or breaks off before its first host.
pub fn read(name: &str, file: &mut dyn Read, now: Timestamp) -> Result<Scan, ImportError> {
    let list: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let mut reading = Reading::at(now);
    let broken = |why: String| ImportError::Broken {
        list: list.clone(),
        place: "XML".to_owned(),
        why,
    };
    let buffered = io::BufReader::with_capacity(64 << 10, file);
    let mut reader = Reader::from_reader(Guarded {
        inner: buffered,
        left: PIECE_BYTES_MAX,
    });
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().left = PIECE_BYTES_MAX;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(Event::DocType(kind)) => {
                // Whoever declares entities wants them to be resolved.
                if kind.trim() != "nmaprun" {
                    return Err(broken(
                        "it declares a document type of its own, which is not read".to_owned(),
                    ));
                }
            }
            Ok(Event::Start(element)) => reading.begins(&element),
            Ok(Event::Empty(element)) => {
                reading.begins(&element);
                reading.ends(element.name().as_ref());
            }
            Ok(Event::End(element)) => reading.ends(element.name().as_ref()),
            Ok(_) => {}
            // A scan that was stopped has no end: what it found stands.
            Err(_) if !reading.hosts.is_empty() => break,
            Err(error) => return Err(broken(error.to_string())),
        }
    }
    if !reading.is_scan {
        return Err(broken("there is no scan of nmap in it".to_owned()));
    }
    Ok(reading.into_scan(list))
}

/// A reader that ends a piece which does not end by itself.
struct Guarded<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> Read for Guarded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl<R: BufRead> BufRead for Guarded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other("a piece of more than 1 MiB"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

/// A host as nmap tells it.
#[derive(Default)]
struct Host {
    at: Option<Timestamp>,
    is_up: bool,
    /// True if it answered, and is not only called up.
    answered: bool,
    addresses: Vec<IpAddr>,
    mac: Option<String>,
    names: Vec<HostName>,
    doors: Vec<Door>,
    /// True if a service was recognised by its words.
    recognised: bool,
    guess: Option<(u8, String)>,
}

struct Reading {
    now: Timestamp,
    at: Timestamp,
    is_scan: bool,
    finished: bool,
    /// Addresses that were up, and all of them, as nmap counts.
    counted: Option<(u64, u64)>,
    host: Option<Host>,
    door: Option<Door>,
    is_open: bool,
    hosts: Vec<Host>,
    left_out: u64,
}

fn value(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    let text = quick_xml::escape::unescape(&attribute.value).ok()?;
    let whole = text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control);
    (whole && !text.is_empty()).then(|| text.into_owned())
}

fn seconds(element: &BytesStart<'_>, name: &str) -> Option<Timestamp> {
    let seconds = value(element, name)?.parse().ok()?;
    Some(Timestamp::from_seconds(seconds))
}

impl Reading {
    fn at(now: Timestamp) -> Self {
        Self {
            now,
            at: now,
            is_scan: false,
            finished: false,
            counted: None,
            host: None,
            door: None,
            is_open: false,
            hosts: Vec::new(),
            left_out: 0,
        }
    }

    fn begins(&mut self, element: &BytesStart<'_>) {
        let text = |name: &str| value(element, name);
        match element.name().as_ref() {
            "nmaprun" => {
                self.is_scan = true;
                self.at = seconds(element, "start").unwrap_or(self.now).min(self.now);
            }
            "finished" => self.finished |= text("exit").as_deref() == Some("success"),
            "hosts" => {
                let count = |name: &str| text(name)?.parse().ok();
                self.counted = count("up").zip(count("total"));
            }
            "host" => {
                let at = seconds(element, "endtime").map(|at| at.min(self.now));
                self.host = Some(Host {
                    at,
                    ..Host::default()
                });
            }
            "port" => self.door = door(element),
            "state" => {
                self.is_open = text("state").as_deref() == Some("open");
                let answers = matches!(
                    text("reason").as_deref(),
                    Some("syn-ack" | "reset" | "conn-refused" | "udp-response" | "port-unreach")
                );
                if let Some(host) = self.host.as_mut().filter(|_| self.door.is_some()) {
                    host.answered |= answers;
                }
            }
            "service" => self.service(element),
            _ => {
                if let Some(host) = &mut self.host {
                    host.takes(element);
                }
            }
        }
    }

    /// What answers, if nmap heard it say so.
    fn service(&mut self, element: &BytesStart<'_>) {
        let text = |name: &str| value(element, name);
        let is_probed = text("method").as_deref() == Some("probed");
        let (Some(door), Some(host)) = (self.door.as_mut(), self.host.as_mut()) else {
            return;
        };
        if is_probed && self.is_open {
            let over_tls = text("tunnel").as_deref() == Some("ssl");
            door.service = text("name").map(|name| match over_tls {
                true => format!("{name} over TLS"),
                false => name,
            });
            door.product = text("product");
            door.version = text("version");
            host.recognised |= door.product.is_some();
        }
    }

    fn ends(&mut self, name: &str) {
        match name {
            "port" => {
                let open = self.door.take().filter(|_| self.is_open);
                if let (Some(host), Some(door)) = (self.host.as_mut(), open)
                    && host.doors.len() < DOORS_MAX
                {
                    host.doors.push(door);
                }
                self.is_open = false;
            }
            "host" => {
                let host = self.host.take().filter(|host| host.is_up);
                match host {
                    Some(_) if self.hosts.len() >= HOSTS_MAX => self.left_out += 1,
                    Some(host) => self.hosts.push(host),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn into_scan(self, list: String) -> Scan {
        let mut behind: BTreeMap<String, usize> = BTreeMap::new();
        for mac in self.hosts.iter().filter_map(|host| host.mac.clone()) {
            *behind.entry(mac).or_default() += 1;
        }
        // A list of servers is up to the last one too: only neighbours without a difference may be one that answers for all.
        let everybody = self.counted.is_some_and(|(up, total)| up == total);
        let in_a_row = match everybody {
            true => in_a_row(&self.hosts),
            false => BTreeSet::new(),
        };
        let mut scan = Scan {
            list,
            finished: self.finished,
            left_out: self.left_out,
            ..Scan::default()
        };
        for host in self.hosts {
            let many = host.mac.as_ref().and_then(|mac| behind.get(mac));
            let is_alike = || host.addresses.first().is_some_and(|a| in_a_row.contains(a));
            let in_between = match many {
                Some(count) => *count > ADDRESSES_MAX,
                None => is_alike(),
            };
            if !host.answered {
                scan.unproven += 1;
            } else if in_between && !host.recognised {
                scan.answered_for += 1;
            } else {
                let at = host.at.unwrap_or(self.at);
                let mac = host.mac.clone().filter(|_| !in_between);
                scan.sightings
                    .extend(host.sightings(mac).map(|sighting| (sighting, at)));
            }
        }
        scan.sightings.sort();
        scan.sightings.dedup();
        scan
    }
}

/// Addresses of which at least [`RANGE_MIN`] follow one another, with the same doors open.
fn in_a_row(hosts: &[Host]) -> BTreeSet<IpAddr> {
    let doors = |host: &Host| -> BTreeSet<(Port, Transport)> {
        host.doors.iter().map(|d| (d.port, d.transport)).collect()
    };
    let own = hosts
        .iter()
        .filter_map(|host| Some((*host.addresses.first()?, doors(host))));
    let all: BTreeMap<IpAddr, BTreeSet<(Port, Transport)>> = own.collect();
    let rows: Vec<_> = all.into_iter().collect();
    let rows = rows.chunk_by(|(one, here), (next, there)| follows(*one, *next) && here == there);
    let long = rows.filter(|row| row.len() >= RANGE_MIN);
    long.flatten().map(|(address, _)| *address).collect()
}

/// True if `next` is the address behind `one`.
fn follows(one: IpAddr, next: IpAddr) -> bool {
    match (one, next) {
        (IpAddr::V4(one), IpAddr::V4(next)) => u32::from(one).checked_add(1) == Some(next.into()),
        (IpAddr::V6(one), IpAddr::V6(next)) => u128::from(one).checked_add(1) == Some(next.into()),
        _ => false,
    }
}

fn door(element: &BytesStart<'_>) -> Option<Door> {
    let transport = match value(element, "protocol")?.as_str() {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    let port = value(element, "portid")?.parse().ok()?;
    Some(Door {
        port: Port(port),
        transport,
        service: None,
        product: None,
        version: None,
    })
}

impl Host {
    /// Takes what stands in a host besides its ports.
    fn takes(&mut self, element: &BytesStart<'_>) {
        let text = |name: &str| value(element, name);
        match element.name().as_ref() {
            "status" => {
                self.is_up = text("state").as_deref() == Some("up");
                let called_up = matches!(
                    text("reason").as_deref(),
                    None | Some("user-set" | "no-response" | "unknown-response")
                );
                self.answered |= self.is_up && !called_up;
            }
            "address" => match text("addrtype").as_deref() {
                Some("mac") => self.mac = text("addr").and_then(|mac| mac_of(&mac)),
                _ if self.addresses.len() < OWN_MAX => {
                    self.addresses
                        .extend(text("addr").and_then(|a| a.parse::<IpAddr>().ok()));
                }
                _ => {}
            },
            "hostname" if self.names.len() < OWN_MAX => {
                self.names
                    .extend(text("name").and_then(|name| HostName::parse(&name)));
            }
            "osmatch" => {
                let accuracy = text("accuracy").and_then(|text| text.parse().ok());
                let (Some(accuracy), Some(name)) = (accuracy, text("name")) else {
                    return;
                };
                if self
                    .guess
                    .as_ref()
                    .is_none_or(|(known, _)| *known < accuracy)
                {
                    self.guess = Some((accuracy, name));
                }
            }
            _ => {}
        }
    }

    fn sightings(mut self, mac: Option<String>) -> impl Iterator<Item = Sighting> {
        self.names.sort();
        self.names.dedup();
        self.doors.sort();
        self.doors.dedup();
        let guess = self
            .guess
            .map(|(accuracy, name)| format!("{name} (a guess of nmap, {accuracy} %)"));
        let (names, doors) = (self.names, self.doors);
        self.addresses.into_iter().map(move |address| Sighting {
            by: "nmap".to_owned(),
            address: Some(address.to_canonical()),
            mac: mac.clone(),
            names: names.clone(),
            says_it_is: guess.clone(),
            scans: false,
            doors: doors.clone(),
        })
    }
}

/// Lower case with colons.
fn mac_of(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    (parts.len() == 6 && parts.iter().all(is_byte)).then(|| text.to_ascii_lowercase())
}

impl Scan {
    /// The batch of a scan, as groma `version` says it to `site`. What a later scan does not find is not gone: it is not
    /// seen, for an answer may be lost.
    pub fn as_batch(&self, now: Timestamp, site: &SiteId, version: &str) -> Batch {
        let source = SourceName::new("network.scan-list");
        let scope = Scope::new("scan", &self.list);
        let mut rows = Vec::new();
        let mut records = Vec::new();
        let mut say = |said: Said| {
            records.push(Record {
                source: source.clone(),
                said,
            });
        };
        for (sighting, at) in &self.sightings {
            let fact = Fact::Sighting(sighting.clone());
            rows.push(serde_json::to_string(&fact).unwrap_or_default());
            say(Said::Saw(Observation {
                scope: scope.clone(),
                fact,
                seen: Seen::once(*at),
            }));
        }
        let times = self.sightings.iter().map(|(_, at)| *at);
        say(Said::Covered(Coverage {
            scope,
            state: CoverageState::Partial,
            from: times.clone().min().unwrap_or(now),
            to: times.max().unwrap_or(now),
            how: Some("a scan of nmap".to_owned()),
        }));
        rows.sort();
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::of_list(&digest(&["scan", &self.list])),
            site: site.clone(),
            epoch: number(&rows),
            sequence: now.millis().unsigned_abs(),
            version: version.to_owned(),
            started: now,
            ended: now,
            sources: vec![source],
        };
        Batch { header, records }
    }
}
