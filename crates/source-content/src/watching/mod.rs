//! `host.watching`: who may ask the agents of this machine how it is, and which machines are above it.
//!
//! Whom an agent tells, and where logs go, are needs like any other and come from `config.files`. What no need says
//! is read here: the allow lists of agents, exporters that answer anybody, the zones of Icinga.

mod allow;
mod icinga;
mod who;

use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::fact::{Watch, WatchPurpose};
use groma_model::{Fact, Foreign, Port, Reason, Scope, SourceName, Transport};
use groma_source::disk::foreign;
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

use crate::enabled::Enabled;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{extension, lossy, meaningful, pair, unquoted, words};
use allow::{AGENTS, Agent};
use who::Who;

const TIME_MAX: Duration = Duration::from_secs(10);
/// Lines one machine may say about watching.
const SAID_MAX: usize = 2_000;

/// Servers that keep in a database of their own whom they watch.
const SERVERS: &[(&str, &str)] = &[
    ("/etc/zabbix/zabbix_server.conf", "Zabbix"),
    ("/opt/librenms/.env", "LibreNMS"),
    ("/etc/cacti/debian.php", "Cacti"),
    ("/opt/omd/sites", "Checkmk"),
    ("/etc/centreon/centreon.conf.php", "Centreon"),
];

/// Who watches this machine.
pub struct WatchingSource {
    world: World,
}

impl WatchingSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for WatchingSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.watching")
    }

    fn explain(&self) -> Explanation {
        let all = |list: &[String]| list.to_vec();
        let files = AGENTS.iter().flat_map(|agent| {
            let directories = agent
                .directories
                .iter()
                .map(|(d, ending)| format!("{d}/*.{ending}"));
            agent
                .files
                .iter()
                .map(|f| (*f).to_owned())
                .chain(directories)
        });
        let mut reads: Vec<String> = vec![files.collect::<Vec<_>>().join(", ")];
        reads.push("/etc/default/*exporter*, /etc/icinga2/zones.conf, /etc/icinga2/constants.conf; which units start by themselves".into());
        reads.push(
            "whether a server of Zabbix, LibreNMS, Cacti, Checkmk or Centreon is here".into(),
        );
        Explanation {
            purpose: "Tells who may ask the monitoring agents of this machine, so that it is known who watches it.".into(),
            reads,
            contacts: Vec::new(),
            sends: all(&["addresses, names and networks of allow lists, with file and line".into()]),
            never_sends: all(&["communities of SNMP, keys, accounts and passwords of agents".into()]),
            rights: all(&["root (or CAP_DAC_READ_SEARCH) where a package made its settings private".into()]),
            cost: "a dozen small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let mut part = Part::begin(window, sink, Scope::new("watching", "/"));
        let enabled = Enabled::read(&mut reading);
        let mut said = Vec::new();
        for agent in AGENTS.iter().filter(|agent| !enabled.is_off(agent.units)) {
            said.extend(of_agent(&mut reading, &mut part, agent));
        }
        said.extend(exporters(&mut reading, &enabled));
        if !enabled.is_off(&["icinga2.service"]) {
            said.extend(of_icinga(&mut reading, &mut part));
        }
        servers(&mut reading, &mut part);
        tell(&mut part, said);
        part.close();
    }
}

fn tell(part: &mut Part<'_>, mut said: Vec<Watch>) {
    said.sort();
    said.dedup();
    if said.len() > SAID_MAX {
        part.missed(
            format!("words of allow lists beyond the first {SAID_MAX}"),
            Reason::BudgetExhausted,
        );
    }
    for watch in said.into_iter().take(SAID_MAX) {
        let scope = Scope::new("watching", "/");
        part.saw_in(&scope, Fact::Watch(watch));
    }
}

/// A file, or `None` where nothing stands or nothing may be read; the latter is said.
fn text(reading: &mut Reading<'_>, part: &mut Part<'_>, path: &Path) -> Option<Vec<u8>> {
    match reading.read_if_there(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            part.refused("who may ask an agent", &error);
            None
        }
    }
}

fn of_agent(reading: &mut Reading<'_>, part: &mut Part<'_>, agent: &Agent) -> Vec<Watch> {
    let mut files: Vec<PathBuf> = agent.files.iter().map(PathBuf::from).collect();
    for (directory, ending) in agent.directories {
        let entries = reading.list(Path::new(directory)).unwrap_or_default();
        let fitting = entries.into_iter().map(|e| e.path);
        files.extend(fitting.filter(|path| extension(path) == ending.as_bytes()));
    }
    let (mut said, mut first, mut port, mut only_here) = (Vec::new(), None, agent.port, false);
    for file in files {
        let Some(bytes) = text(reading, part, &file) else {
            continue;
        };
        let allowed = (agent.read)(&bytes);
        port = allowed.port.map_or(port, |p| p.0);
        only_here |= allowed.only_here;
        said.extend(
            allowed
                .who
                .into_iter()
                .map(|(who, line)| (who, foreign(&file), line)),
        );
        first = first.or_else(|| Some(foreign(&file)));
    }
    let Some(first) = first else {
        return Vec::new();
    };
    if only_here {
        said = vec![(Who::Here, first, 0)];
    } else if said.is_empty() {
        said.extend(agent.unsaid.clone().map(|who| (who, first, 0)));
    }
    // Beside somebody from elsewhere, that the machine may ask itself says nothing.
    if said.iter().any(|(who, ..)| *who != Who::Here) {
        said.retain(|(who, ..)| *who != Who::Here);
    } else {
        said.truncate(1);
    }
    let one =
        |(who, file, line)| asked(agent.product, who, Port(port), agent.transport, file, line);
    said.into_iter().map(one).collect()
}

fn asked(
    product: &str,
    who: Who,
    port: Port,
    transport: Transport,
    file: Foreign,
    line: u32,
) -> Watch {
    let (peer, network) = match who {
        Who::Machine(peer) => (Some(peer), None),
        Who::Network(network) => (None, Some(network)),
        Who::Anybody => (None, Some("*".to_owned())),
        Who::Here => (None, Some("this machine".to_owned())),
    };
    Watch {
        purpose: WatchPurpose::WatchedBy,
        product: product.to_owned(),
        peer,
        network,
        port: Some(port),
        transport,
        file,
        line,
    }
}

/// Exporters of Prometheus answer whoever asks: a unit that starts by itself, and where its options listen.
fn exporters(reading: &mut Reading<'_>, enabled: &Enabled) -> Vec<Watch> {
    let units = enabled
        .wanted_ending("exporter.service")
        .map(lossy)
        .collect::<Vec<_>>();
    let one = |unit: String| {
        let name = unit.trim_end_matches(".service").to_owned();
        let file = PathBuf::from(format!("/etc/default/{name}"));
        let options = reading.read_if_there(&file).ok().flatten();
        let (port, here) = listens(options.as_deref().unwrap_or_default());
        let who = if here { Who::Here } else { Who::Anybody };
        let port = port.or_else(|| name.contains("node").then_some(9100))?;
        Some(asked(
            &name,
            who,
            Port(port),
            Transport::Tcp,
            unit.as_str().into(),
            0,
        ))
    };
    units.into_iter().filter_map(one).collect()
}

/// `ARGS="--web.listen-address=127.0.0.1:9100"`.
fn listens(options: &[u8]) -> (Option<u16>, bool) {
    let lines = meaningful(options, b"#").filter_map(|(_, line)| pair(line, b'='));
    let all: Vec<u8> = lines
        .flat_map(|(_, value)| [unquoted(value), b" "].concat())
        .collect();
    let mut before: &[u8] = b"";
    for word in words(&all) {
        let value = match word
            .splitn(2, |b| *b == b'=')
            .collect::<Vec<_>>()
            .as_slice()
        {
            [b"--web.listen-address", value] => *value,
            _ if before == b"--web.listen-address" => word,
            _ => {
                before = word;
                continue;
            }
        };
        let text = lossy(value);
        let (host, port) = text.rsplit_once(':').unwrap_or(("", &text));
        return (
            port.parse().ok(),
            who::who(host.as_bytes()) == Some(Who::Here),
        );
    }
    (None, false)
}

fn of_icinga(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Vec<Watch> {
    let file = Path::new("/etc/icinga2/zones.conf");
    let Some(zones) = text(reading, part, file) else {
        return Vec::new();
    };
    let constants = text(reading, part, Path::new("/etc/icinga2/constants.conf"));
    let host = || {
        let name = reading.read_if_there("/etc/hostname").ok().flatten()?;
        Some(lossy(name.trim_ascii()))
    };
    let own = constants.and_then(|c| icinga::node_name(&c)).or_else(host);
    let relatives = icinga::relatives(&zones, &own.unwrap_or_default());
    let one = |relative: icinga::Relative| Watch {
        purpose: relative.purpose,
        product: "Icinga 2".to_owned(),
        peer: Some(relative.peer),
        network: None,
        port: Some(relative.port.unwrap_or(Port(5665))),
        transport: Transport::Tcp,
        file: foreign(file),
        line: relative.line,
    };
    relatives.into_iter().map(one).collect()
}

/// What a server keeps in its database, no file says.
fn servers(reading: &mut Reading<'_>, part: &mut Part<'_>) {
    for (place, product) in SERVERS {
        if reading.metadata(Path::new(place)).is_ok() {
            part.cannot(
                format!("whom {product} on this machine watches: its own database says it"),
                Reason::Unsupported,
                "import a list of its hosts, or look at the machines: their agents name who may ask them",
            );
        }
    }
}
