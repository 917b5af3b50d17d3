//! `host.admissions`: whom servers of this machine let in by a list of their own, agreed on with a secret.
//!
//! RADIUS so far: each client is a Wi-Fi controller, a VPN gateway or a switch that nobody can look at from inside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_knowledge::radius::{self, ClientPlace, ClientWay, RadiusClient};
use groma_model::fact::Admission;
use groma_model::{Fact, Foreign, Port, Reason, Scope, SourceName, Transport};
use groma_source::disk::foreign;
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

use crate::enabled::Enabled;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{lossy, meaningful, pair, unquoted, words};

const TIME_MAX: Duration = Duration::from_secs(10);
/// Files one list may be spread over.
const FILES_MAX: usize = 200;

/// A server with a list of clients.
struct Server {
    product: &'static str,
    units: &'static [&'static str],
    files: &'static [&'static str],
    /// Where clients call it; `None` where that differs with each.
    port: Option<u16>,
    transport: Transport,
}

const SERVERS: &[Server] = &[
    Server {
        product: "FreeRADIUS",
        units: &["freeradius.service", "radiusd.service"],
        files: &[
            "/etc/freeradius/3.0/clients.conf",
            "/etc/freeradius/clients.conf",
            "/etc/raddb/clients.conf",
        ],
        port: Some(1812),
        transport: Transport::Udp,
    },
    Server {
        product: "radsecproxy",
        units: &["radsecproxy.service"],
        files: &["/etc/radsecproxy.conf"],
        port: None,
        transport: Transport::Udp,
    },
];

/// Whom servers here let in.
pub struct AdmissionsSource {
    world: World,
}

impl AdmissionsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for AdmissionsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.admissions")
    }

    fn explain(&self) -> Explanation {
        let all = |text: &str| vec![text.to_owned()];
        let files: Vec<&str> = SERVERS.iter().flat_map(|s| s.files).copied().collect();
        Explanation {
            purpose: "Tells which machines may log people on through the RADIUS servers here: each is a device that stops working with them.".into(),
            reads: vec![
                format!("{}, and what they include", files.join(", ")),
                "which units start by themselves".into(),
            ],
            contacts: Vec::new(),
            sends: all("names, addresses and networks of clients, with file and line"),
            never_sends: all("the secrets agreed on with them"),
            rights: all("root (or CAP_DAC_READ_SEARCH): the lists hold secrets"),
            cost: "a few small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let scope = Scope::new("admissions", "/");
        let mut part = Part::begin(window, sink, scope.clone());
        let enabled = Enabled::read(&mut reading);
        let mut said = Vec::new();
        for server in SERVERS.iter().filter(|s| !enabled.is_off(s.units)) {
            for (file, client) in of_server(&mut reading, &mut part, server) {
                said.extend(admission(server, file, client));
            }
        }
        said.sort();
        said.dedup();
        for admission in said {
            part.saw_in(&scope, Fact::Admission(admission));
        }
        part.close();
    }
}

/// The clients of a server, each with its file, over everything its list includes.
fn of_server(
    reading: &mut Reading<'_>,
    part: &mut Part<'_>,
    server: &Server,
) -> Vec<(Foreign, RadiusClient)> {
    let mut files: Vec<PathBuf> = server.files.iter().map(PathBuf::from).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(file) = files.get(at).cloned() {
        at += 1;
        let bytes = match reading.read_if_there(&file) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                part.refused("who may log people on", &error);
                continue;
            }
        };
        let found = radius::clients(&lossy(&bytes));
        if found.len() >= radius::CLIENTS_MAX {
            let what = format!(
                "clients beyond the first {} of {}",
                found.len(),
                foreign(&file)
            );
            part.missed(what, Reason::BudgetExhausted);
        }
        let name = foreign(&file);
        out.extend(found.into_iter().map(|client| (name.clone(), client)));
        for more in included(reading, &bytes, &file) {
            match (files.contains(&more), files.len() < FILES_MAX) {
                (true, _) => {}
                (false, true) => files.push(more),
                (false, false) => {
                    part.missed(format!("files {name} includes"), Reason::BudgetExhausted);
                    break;
                }
            }
        }
    }
    out
}

/// `$INCLUDE file`, `$INCLUDE directory/` and `$-INCLUDE` of FreeRADIUS; `include /etc/radsecproxy.conf.d/*.conf`.
fn included(reading: &mut Reading<'_>, bytes: &[u8], file: &Path) -> Vec<PathBuf> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    let mut out = Vec::new();
    for (_, line) in meaningful(bytes, b"#") {
        let mut words = words(line);
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(key.as_slice(), b"$include" | b"$-include" | b"include") {
            continue;
        }
        let rest = match pair(line, b'=') {
            Some((_, value)) => value,
            None => words.next().unwrap_or_default(),
        };
        let named = lossy(unquoted(rest)).replace("${confdir}", &directory.to_string_lossy());
        let path = directory.join(&named);
        match (
            named.ends_with('/'),
            path.file_name().map(|n| n.to_string_lossy().into_owned()),
        ) {
            (true, _) => out.extend(entries(reading, &path, "")),
            (false, Some(name)) if name.starts_with('*') => {
                let parent = path.parent().unwrap_or(directory).to_owned();
                out.extend(entries(reading, &parent, name.trim_start_matches('*')));
            }
            (false, _) => out.push(path),
        }
    }
    out
}

/// Files of a directory that such a line means: no hidden ones, no copies of an editor.
fn entries(reading: &mut Reading<'_>, directory: &Path, ending: &str) -> Vec<PathBuf> {
    let all = reading.list(directory).unwrap_or_default();
    let meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(ending) && !name.starts_with('.') && !name.ends_with('~')
    };
    let mut out: Vec<PathBuf> = all.into_iter().map(|e| e.path).filter(meant).collect();
    out.sort();
    out
}

/// Where a client calls that says how: the ports of RFC 2865, 6613, 6614 and 7360. A server of one port listens there.
fn place(server: &Server, way: Option<ClientWay>) -> (Option<Port>, Transport) {
    let (port, transport) = match (server.port, way) {
        (Some(_), _) | (None, None) => (server.port, server.transport),
        (None, Some(ClientWay::Udp)) => (Some(1812), Transport::Udp),
        (None, Some(ClientWay::Tcp)) => (Some(1812), Transport::Tcp),
        (None, Some(ClientWay::Tls)) => (Some(2083), Transport::Tcp),
        (None, Some(ClientWay::Dtls)) => (Some(2083), Transport::Udp),
    };
    (port.map(Port), transport)
}

/// The fact; `None` for the machine itself.
fn admission(server: &Server, file: Foreign, client: RadiusClient) -> Option<Admission> {
    let (peer, network) = match client.at {
        ClientPlace::Machine(peer) if peer.is_loopback() => return None,
        ClientPlace::Machine(peer) => (Some(peer), None),
        ClientPlace::Network(network) if network.starts_with("127.") => return None,
        ClientPlace::Network(network) => (None, Some(network)),
        ClientPlace::Anybody => (None, Some("*".to_owned())),
    };
    let (port, transport) = place(server, client.way);
    Some(Admission {
        product: server.product.to_owned(),
        name: client.name.into(),
        peer,
        network,
        kind: "radius".to_owned(),
        port,
        transport,
        file,
        line: client.line,
    })
}
