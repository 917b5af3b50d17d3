//! The look: every machine a sweep met, one conversation at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use groma_model::device::{Deed, DeviceClass, DeviceSays};
use groma_model::{CoverageState, Fact, Port, Reason, Scope, SourceName};
use groma_source::{Budget, Conversation, Explanation, Sink, SinkExt, Source, Window, World};

use crate::http::{self, Url};
use crate::{escl, ipp, mdns, ssdp, wsd};

/// The name of this source in evidence.
pub const NAME: &str = "network.devices";

/// Machines that are asked at the same time.
const HOSTS_AT_ONCE: usize = 12;
/// The most that is heard of one datagram.
const DATAGRAM_MAX: usize = 9_000;
/// Paths at which printers answer, in the order in which they are tried.
const PRINTER_PATHS: &[&str] = &["/ipp/print", "/ipp"];
/// Places at which a printer is asked by IPP.
const PRINTER_PLACES_MAX: usize = 3;
/// And within TLS: as it announces, and at the usual one.
const SECURE_PLACES_MAX: usize = 2;
/// Descriptions that are fetched of those a machine names (UPnP).
const DESCRIPTIONS_MAX: usize = 2;
/// Datagrams to a machine: two of multicast DNS, one of WSD, one of SSDP.
const DATAGRAMS_MAX: usize = 4;
/// Requests to a machine: its description by WSD, those by UPnP, its printers, its scanner.
const REQUESTS_MAX: usize = 1 + DESCRIPTIONS_MAX + PRINTER_PLACES_MAX + SECURE_PLACES_MAX + 1;
const IPP: Port = Port(631);
const METADATA: Port = Port(5357);

/// A machine a sweep met, and what it answered there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Met {
    /// TCP ports that are open.
    pub tcp: BTreeSet<Port>,
    /// Protocols of datagrams it was heard in: `mdns`, `wsd`, `ssdp`.
    pub heard: BTreeSet<String>,
}

/// What devices say of themselves.
pub struct DeviceSource {
    world: World,
    met: BTreeMap<IpAddr, Met>,
}

impl DeviceSource {
    /// The source over machines that were met; nobody else is contacted.
    pub fn new(world: World, met: BTreeMap<IpAddr, Met>) -> Self {
        Self { world, met }
    }
}

impl Source for DeviceSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Sees what printers, scanners and other devices say of themselves: model, place, serial number, whether they scan or fax.".into(),
            reads: Vec::new(),
            contacts: lines(&[
                "machines met in the networks named by --target: by mDNS, WSD and SSDP where the sweep heard an answer in that protocol, TCP 631 (IPP, within TLS where it does not answer in the clear) where it is open, TCP 80 or 443 (eSCL) of what proved to print or scan, and the place at the same machine where it says its description is; never TCP 515, 9100 to 9116 and 9999",
            ]),
            sends: lines(&[
                "per device: class, maker, model, serial number, UUID, firmware version, location, what it says it can, and which attribute or record says so",
            ]),
            never_sends: lines(&[
                "a print job, a scan, a logon, a password",
                "anything of jobs, of people who print, of contacts and address books",
            ]),
            rights: lines(&["none"]),
            cost: format!("up to {DATAGRAMS_MAX} datagrams and {REQUESTS_MAX} short requests a machine; what proves to be a printer gets two frames a second and one conversation at a time"),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let (tell, told) = mpsc::channel();
        let world = &self.world;
        let hosts = Mutex::new(self.met.iter());
        let next = || hosts.lock().unwrap_or_else(PoisonError::into_inner).next();
        std::thread::scope(|scope| {
            for _ in 0..HOSTS_AT_ONCE.min(self.met.len()) {
                let (tell, next) = (tell.clone(), &next);
                scope.spawn(move || {
                    while let Some((address, met)) = next() {
                        let mut asking = Asking::new(world, window, budget, *address);
                        asking.all(met);
                        // Nobody listens once the look is over.
                        let _ = tell.send((*address, asking.said, asking.cut));
                    }
                });
            }
            drop(tell);
            for (address, said, cut) in told {
                let scope = Scope::new("host", &address.to_string());
                for says in said {
                    sink.saw_now(window, &scope, Fact::DeviceSays(says));
                }
                let state = match cut {
                    None => CoverageState::Complete,
                    Some(reason) => {
                        let what =
                            "what the device says of itself: it could not be asked in every way";
                        sink.missed_because(&scope, what, reason, "look again");
                        CoverageState::Partial
                    }
                };
                sink.covered_now(window, &scope, state);
            }
        });
    }
}

/// One machine as it is asked.
struct Asking<'a> {
    world: &'a World,
    window: &'a Window,
    address: IpAddr,
    timeout: Duration,
    said: Vec<DeviceSays>,
    /// Why not everything was asked.
    cut: Option<Reason>,
}

impl<'a> Asking<'a> {
    fn new(world: &'a World, window: &'a Window, budget: &Budget, address: IpAddr) -> Self {
        Self {
            world,
            window,
            address,
            timeout: Duration::from_millis(budget.network_timeout_ms.max(1)),
            said: Vec::new(),
            cut: None,
        }
    }

    fn all(&mut self, met: &Met) {
        let heard = |protocol: &str| met.heard.contains(protocol);
        let mut announced = BTreeMap::new();
        if heard("mdns") {
            announced = self.announced();
            self.take(mdns::says(self.address, &announced));
        }
        if heard("wsd") {
            self.wsd(met);
        }
        if heard("ssdp") {
            self.ssdp();
        }
        let ports = self.ipp_places(met, &announced);
        for place in ports {
            if self.ipp(&place) {
                break;
            }
        }
        if let Some(place) = self.escl_place(met, &announced) {
            let document = self.fetch(&place, &http::get(self.address, &place));
            let says = document.and_then(|document| escl::says(self.address, &document));
            self.take(says);
        }
    }

    /// Keeps what was said. Whoever prints breaks easily: from now on it is asked more slowly.
    fn take(&mut self, says: Option<DeviceSays>) {
        let Some(says) = says else { return };
        let is_fragile = says.can.contains(&Deed::Print)
            || says.can.contains(&Deed::Scan)
            || says.class.is_some_and(|class| {
                matches!(
                    class,
                    DeviceClass::Ups | DeviceClass::PowerStrip | DeviceClass::Camera
                )
            });
        if is_fragile {
            self.world.network.is_fragile(self.address);
        }
        self.said.push(says);
    }

    /// What it announces, and what the announcements say.
    fn announced(&mut self) -> BTreeMap<String, mdns::Instance> {
        let to = SocketAddr::new(self.address, 5353);
        let id = self.number();
        let heard = self.datagrams(to, &mdns::question(id));
        let mut all: BTreeMap<String, mdns::Instance> = BTreeMap::new();
        for message in &heard {
            mdns::join(&mut all, mdns::parse(message));
        }
        let silent = mdns::untold(&all);
        if !silent.is_empty() {
            for message in self.datagrams(to, &mdns::question_about(id, &silent)) {
                mdns::join(&mut all, mdns::parse(&message));
            }
        }
        all
    }

    fn wsd(&mut self, met: &Met) {
        let to = SocketAddr::new(self.address, 3702);
        let heard = self.datagrams(to, &wsd::probe(&self.id()));
        let found = heard.iter().find_map(|one| wsd::answer(self.address, one));
        let Some(found) = found else { return };
        let question = wsd::metadata_question(&found.uuid, &self.id());
        // Who names no place is found where Windows, and whoever does as it does, keeps it.
        let usual = || self.place(METADATA.0, &found.uuid);
        let usual = usual().filter(|_| met.tcp.contains(&METADATA));
        let place = found.at.clone().or(usual);
        let document = place.and_then(|place| {
            let request = http::post(self.address, &place, "application/soap+xml", &question);
            self.fetch(&place, &request)
        });
        let says = wsd::says(self.address, &found, document.as_deref());
        self.take(Some(says));
    }

    fn ssdp(&mut self) {
        let to = SocketAddr::new(self.address, 1900);
        let heard = self.datagrams(to, &ssdp::question(to));
        let mut places: Vec<Url> = Vec::new();
        for place in heard
            .iter()
            .filter_map(|one| ssdp::location(self.address, one))
        {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for place in places.iter().take(DESCRIPTIONS_MAX) {
            let document = self.fetch(place, &http::get(self.address, place));
            let says = document.and_then(|document| ssdp::says(self.address, &document));
            self.take(says);
        }
    }

    /// Where a printer may answer: as it announces, and at the usual places of an open port of IPP.
    fn ipp_places(&self, met: &Met, announced: &BTreeMap<String, mdns::Instance>) -> Vec<Url> {
        let of = |service: &'static str, secure: bool| {
            let own = announced.values().filter(move |one| one.service == service);
            let own = own.filter(|one| !one.is_shared_queue());
            own.filter_map(move |one| {
                let path = one.says.get("rp").map_or("ipp/print", String::as_str);
                self.place_of(secure, one.port?, path)
            })
        };
        let mut out: Vec<Url> = of("_ipp._tcp", false).collect();
        let usual = |secure| {
            let paths = PRINTER_PATHS.iter();
            paths.filter_map(move |path| self.place_of(secure, IPP.0, path))
        };
        if met.tcp.contains(&IPP) {
            out.extend(usual(false));
        }
        out.truncate(PRINTER_PLACES_MAX);
        // Some answer within TLS alone; it costs a fragile machine more, so it comes last.
        out.extend(of("_ipps._tcp", true).take(1));
        if met.tcp.contains(&IPP) {
            out.extend(usual(true).take(1));
        }
        let mut known = BTreeSet::new();
        out.retain(|place| known.insert((place.secure, place.port, place.path.clone())));
        out
    }

    fn place(&self, port: u16, path: &str) -> Option<Url> {
        self.place_of(false, port, path)
    }

    fn place_of(&self, secure: bool, port: u16, path: &str) -> Option<Url> {
        let host = match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let path = path.trim_start_matches('/');
        let scheme = if secure { "https" } else { "http" };
        Url::of(&format!("{scheme}://{host}:{port}/{path}"), self.address)
    }

    /// True if a printer answered.
    fn ipp(&mut self, place: &Url) -> bool {
        let host = SocketAddr::new(self.address, place.port.0);
        let scheme = if place.secure { "ipps" } else { "ipp" };
        let question = ipp::question(&format!("{scheme}://{host}{}", place.path));
        let request = http::post(self.address, place, "application/ipp", &question);
        let answer = self.fetch(place, &request);
        let answer = answer.and_then(|body| ipp::parse(&body));
        let says = answer.and_then(|answer| ipp::says(self.address, &answer));
        let is_printer = says.is_some();
        self.take(says);
        is_printer
    }

    /// Where a scanner may tell what it can: as it announces; else at the usual place of what prints.
    fn escl_place(&self, met: &Met, announced: &BTreeMap<String, mdns::Instance>) -> Option<Url> {
        let by = |service: &str| {
            let mut scanners = announced.values().filter(|one| !one.is_placeholder());
            scanners.find(|one| one.service == service)
        };
        let scanner = by("_uscan._tcp").map(|one| (one, false));
        let scanner = scanner.or_else(|| by("_uscans._tcp").map(|one| (one, true)));
        if let Some((scanner, secure)) = scanner {
            let root = scanner.says.get("rs").map_or("eSCL", String::as_str);
            let path = format!("{}/ScannerCapabilities", root.trim_end_matches('/'));
            return self.place_of(secure, scanner.port?, &path);
        }
        let works =
            |says: &DeviceSays| says.can.contains(&Deed::Print) || says.can.contains(&Deed::Scan);
        let port = [80, 443]
            .into_iter()
            .find(|port| met.tcp.contains(&Port(*port)))?;
        let likely = self.said.iter().any(works);
        likely.then(|| self.place_of(port == 443, port, "eSCL/ScannerCapabilities"))?
    }

    /// Sends one datagram; what comes back until nothing more does.
    fn datagrams(&mut self, to: SocketAddr, question: &[u8]) -> Vec<Vec<u8>> {
        if self.is_over() {
            return Vec::new();
        }
        let mut heard = Vec::new();
        let opened = self.world.network.connect_datagrams(to, self.timeout);
        let mut talk = match opened {
            Ok(talk) => talk,
            Err(error) => {
                self.cut = Some(Reason::of_io(&error));
                return heard;
            }
        };
        if let Err(error) = talk.send(question) {
            self.cut = Some(Reason::of_io(&error));
            return heard;
        }
        let mut room = vec![0; DATAGRAM_MAX];
        while heard.len() < 4 {
            match talk.receive(&mut room) {
                Ok(length) => heard.push(room.get(..length).unwrap_or_default().to_vec()),
                Err(_) => break,
            }
        }
        heard
    }

    fn fetch(&mut self, place: &Url, request: &[u8]) -> Option<Vec<u8>> {
        if self.is_over() {
            return None;
        }
        let to = SocketAddr::new(self.address, place.port.0);
        let stream = match self.world.network.connect(to, self.timeout) {
            Ok(stream) => stream,
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied {
                    self.cut = Some(Reason::Forbidden);
                }
                return None;
            }
        };
        let length = self.timeout.saturating_mul(4);
        let mut talk = Conversation::new(stream, self.world.clock.clone(), length);
        if !place.secure {
            return http::ask(&mut talk, request);
        }
        // Whom it is, nobody proves here: what is asked is no secret, and what is heard is only what it says of itself.
        let (session, _) = groma_tls::session(groma_tls::ServerName::from(self.address)).ok()?;
        let mut talk = groma_tls::StreamOwned::new(session, talk);
        let heard = http::ask(&mut talk, request);
        talk.conn.send_close_notify();
        let _ = std::io::Write::flush(&mut talk);
        heard
    }

    fn is_over(&mut self) -> bool {
        let over = self.window.is_over();
        if over {
            self.cut = Some(Reason::BudgetExhausted);
        }
        over
    }

    fn number(&self) -> u16 {
        let mut bytes = [0; 2];
        self.world.randomness.fill(&mut bytes);
        u16::from_be_bytes(bytes)
    }

    /// A UUID that is used once.
    fn id(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.world.randomness.fill(&mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let cut = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
        let groups = cut.iter().filter_map(|&(from, to)| hex.get(from..to));
        groups.collect::<Vec<_>>().join("-")
    }
}
