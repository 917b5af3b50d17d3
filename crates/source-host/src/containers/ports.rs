//! Published ports that are not in a runtime's own list of containers. Pure.
//!
//! Podman keeps them in a database of its own, but whoever opens the port writes down what for: the plugins of CNI
//! (`/var/lib/cni/results`, by which containerd and CRI-O publish as well), netavark (`/run/containers/networks`), and the unit
//! that starts the container (quadlet, or `podman run -p` as `podman generate systemd` writes it).

use std::net::IpAddr;

use groma_model::fact::{Container, PublishedPort};
use groma_model::{Port, Transport};
use serde::Deserialize;

use crate::text::lossy;

/// Ports one container may publish.
const PORTS_MAX: usize = 256;
/// Ports of one range (`8000-8010:8000-8010`).
const RANGE_MAX: u16 = 64;

type Read = fn(&[u8]) -> Option<Told>;

/// Directories with a state file for each container, and how it is read.
pub(super) const STATES: [(&str, Read); 2] = [
    ("/var/lib/cni/results", cni),
    ("/run/containers/networks/firewall/ports", netavark),
];

/// Directories with units that start containers.
pub(super) const UNITS: [&str; 4] = [
    "/etc/containers/systemd",
    "/usr/share/containers/systemd",
    "/run/containers/systemd",
    "/etc/systemd/system",
];

/// What a state file says of one container.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub(super) container: String,
    network: Option<String>,
    addresses: Vec<IpAddr>,
    ports: Vec<PublishedPort>,
}

impl Told {
    /// A port that leads to an address within.
    pub(super) fn of_port(within: IpAddr, port: PublishedPort) -> Self {
        Self {
            addresses: vec![within],
            ports: vec![port],
            ..Self::default()
        }
    }
}

/// What a unit says of the container it starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToldByUnit {
    unit: String,
    name: String,
    ports: Vec<PublishedPort>,
}

impl ToldByUnit {
    /// True if this container, which runs, is the one.
    pub(super) fn starts(&self, container: &Container) -> bool {
        let by_label = container.labels.get("PODMAN_SYSTEMD_UNIT") == Some(&self.unit);
        let by_name = container
            .name
            .as_ref()
            .is_some_and(|n| n.lossy() == self.name);
        container.running && (by_label || by_name)
    }
}

impl From<ToldByUnit> for Told {
    fn from(unit: ToldByUnit) -> Self {
        Self {
            ports: unit.ports,
            ..Self::default()
        }
    }
}

/// Adds what was told to the container it is about.
pub(super) fn give(container: &mut Container, told: Told) {
    container.networks.extend(told.network);
    container.networks.sort();
    container.networks.dedup();
    container.addresses.extend(told.addresses);
    container.addresses.sort();
    container.addresses.dedup();
    container.ports.extend(told.ports);
    container.ports.sort();
    container.ports.dedup();
    container.ports.truncate(PORTS_MAX);
}

/// The cached result of a plugin of CNI (libcni, `cniCacheV1`).
fn cni(bytes: &[u8]) -> Option<Told> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cache {
        kind: String,
        container_id: String,
        #[serde(default)]
        network_name: Option<String>,
        #[serde(default)]
        capability_args: Capabilities,
        #[serde(default)]
        result: Outcome,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase")]
    struct Capabilities {
        #[serde(default)]
        port_mappings: Vec<Mapping>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Mapping {
        host_port: u16,
        container_port: u16,
        #[serde(default)]
        protocol: String,
        #[serde(default, rename = "hostIP")]
        address: String,
    }
    #[derive(Deserialize, Default)]
    struct Outcome {
        #[serde(default)]
        ips: Vec<Address>,
    }
    #[derive(Deserialize)]
    struct Address {
        #[serde(default)]
        address: String,
    }
    let cache: Cache = serde_json::from_slice(bytes).ok()?;
    if cache.kind != "cniCacheV1" {
        return None;
    }
    let mappings = cache
        .capability_args
        .port_mappings
        .into_iter()
        .take(PORTS_MAX);
    let ports =
        mappings.filter_map(|m| port(&m.address, m.host_port, m.container_port, &m.protocol));
    let bare = |text: &str| text.split('/').next()?.parse().ok();
    let addresses = cache.result.ips.iter().take(PORTS_MAX);
    Some(Told {
        container: cache.container_id,
        network: cache.network_name,
        addresses: addresses.filter_map(|a| bare(&a.address)).collect(),
        ports: ports.collect(),
    })
}

/// What netavark keeps to bring its rules back after a reload of the firewall.
fn netavark(bytes: &[u8]) -> Option<Told> {
    #[derive(Deserialize)]
    struct State {
        container_id: String,
        #[serde(default)]
        port_mappings: Option<Vec<Mapping>>,
        #[serde(default)]
        container_ip_v4: Option<IpAddr>,
        #[serde(default)]
        container_ip_v6: Option<IpAddr>,
    }
    #[derive(Deserialize)]
    struct Mapping {
        host_port: u16,
        container_port: u16,
        #[serde(default)]
        protocol: String,
        #[serde(default)]
        host_ip: String,
        #[serde(default)]
        range: u16,
    }
    let state: State = serde_json::from_slice(bytes).ok()?;
    let mappings = state
        .port_mappings
        .unwrap_or_default()
        .into_iter()
        .take(PORTS_MAX);
    let ports = mappings.flat_map(|m| {
        (0..m.range.clamp(1, RANGE_MAX)).filter_map(move |step| {
            let outer = m.host_port.checked_add(step)?;
            port(
                &m.host_ip,
                outer,
                m.container_port.checked_add(step)?,
                &m.protocol,
            )
        })
    });
    let addresses = state
        .container_ip_v4
        .into_iter()
        .chain(state.container_ip_v6);
    Some(Told {
        container: state.container_id,
        network: None,
        addresses: addresses.collect(),
        ports: ports.take(PORTS_MAX).collect(),
    })
}

fn port(address: &str, outer: u16, inner: u16, protocol: &str) -> Option<PublishedPort> {
    let transport = match protocol {
        "tcp" | "" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    let address = address
        .parse()
        .ok()
        .filter(|a: &IpAddr| !a.is_unspecified());
    (outer > 0 && inner > 0).then_some(PublishedPort {
        address,
        port: Port(outer),
        inner: Port(inner),
        transport,
    })
}

/// The containers that a unit starts: `NAME.container` of quadlet, or a service that runs podman or docker.
pub(super) fn of_unit(file: &str, bytes: &[u8]) -> Vec<ToldByUnit> {
    let text = lossy(bytes).replace("\\\n", " ");
    match file.rsplit_once('.') {
        Some((stem, "container")) => vec![of_quadlet(stem, &text)],
        Some((_, "service")) => of_service(file, &text),
        _ => Vec::new(),
    }
}

fn of_quadlet(stem: &str, text: &str) -> ToldByUnit {
    let mut told = ToldByUnit {
        unit: format!("{stem}.service"),
        // What podman-systemd.unit(5) says of a container without a name of its own.
        name: format!("systemd-{stem}"),
        ports: Vec::new(),
    };
    for (key, value) in assignments(text) {
        match key {
            "PublishPort" => told.ports.extend(published(value)),
            "ContainerName" => value.clone_into(&mut told.name),
            _ => {}
        }
    }
    told
}

fn of_service(unit: &str, text: &str) -> Vec<ToldByUnit> {
    let starts = assignments(text).filter(|(key, _)| *key == "ExecStart");
    starts
        .filter_map(|(_, command)| of_command(unit, command))
        .collect()
}

/// `podman run … --name shop -p 8080:80 IMAGE …`.
fn of_command(unit: &str, command: &str) -> Option<ToldByUnit> {
    let mut words = command.split_whitespace().take(500);
    let program = words.next()?.trim_start_matches(['-', '@', ':', '+', '!']);
    let is_engine = matches!(
        program.rsplit('/').next(),
        Some("podman" | "docker" | "nerdctl")
    );
    if !is_engine || words.next()? != "run" {
        return None;
    }
    let mut told = ToldByUnit {
        unit: unit.to_owned(),
        name: String::new(),
        ports: Vec::new(),
    };
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if option.starts_with('-') => (option, Some(value)),
            _ => (word, None),
        };
        match option {
            "-p" | "--publish" => told
                .ports
                .extend(published(value.or_else(|| words.next())?)),
            "--name" => value.or_else(|| words.next())?.clone_into(&mut told.name),
            _ => {}
        }
    }
    (!told.name.is_empty() && !told.ports.is_empty()).then_some(told)
}

fn assignments(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.starts_with(['#', ';']));
    lines.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        Some((key.trim(), value.trim()))
    })
}

/// `8080:80`, `127.0.0.1:8080:80/tcp`, `[::1]:53:53/udp`, `8000-8002:9000-9002`. A port the engine chooses is none to rely on.
fn published(text: &str) -> Vec<PublishedPort> {
    let text = text.trim_matches(['"', '\'']);
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let Some((outside, inner)) = text.rsplit_once(':') else {
        return Vec::new();
    };
    let (address, outer) = outside.rsplit_once(':').unwrap_or(("", outside));
    let address = address.trim_matches(['[', ']']);
    let (Some(outer), Some(inner)) = (range(outer), range(inner)) else {
        return Vec::new();
    };
    let both = (outer.0..=outer.1).zip(inner.0..=inner.1);
    both.take(usize::from(RANGE_MAX))
        .filter_map(|(outer, inner)| port(address, outer, inner, protocol))
        .collect()
}

fn range(text: &str) -> Option<(u16, u16)> {
    match text.split_once('-') {
        Some((low, high)) => Some((low.parse().ok()?, high.parse().ok()?)),
        None => text.parse().ok().map(|only| (only, only)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CNI: &[u8] = include_bytes!("../../tests/fixtures/podman-4.3/cni-result.json");

    fn told(ports: &[PublishedPort]) -> Vec<String> {
        let address =
            |p: &PublishedPort| p.address.map_or_else(|| "*".to_owned(), |a| a.to_string());
        ports
            .iter()
            .map(|p| format!("{}:{}>{} {}", address(p), p.port, p.inner, p.transport))
            .collect()
    }

    #[test]
    fn what_cni_remembers_of_a_container_of_podman_is_read() {
        let read = cni(CNI).unwrap();
        assert!(read.container.starts_with("b3e4e0a43a36"));
        assert_eq!(
            told(&read.ports),
            ["127.0.0.1:15432>5432 tcp", "*:18080>80 tcp"]
        );
        assert_eq!(read.addresses, ["10.88.0.8".parse::<IpAddr>().unwrap()]);
        assert_eq!(read.network.as_deref(), Some("podman"));
    }

    #[test]
    fn what_netavark_keeps_is_read() {
        let state = br#"{"container_id":"c1","port_mappings":[{"container_port":80,"host_ip":"","host_port":8080,"protocol":"tcp","range":2}],"container_ip_v4":"10.89.0.2","container_ip_v6":null}"#;
        let read = netavark(state).unwrap();
        assert_eq!(told(&read.ports), ["*:8080>80 tcp", "*:8081>81 tcp"]);
    }

    #[test]
    fn units_say_what_they_publish() {
        let quadlet = b"[Container]\nImage=x\nPublishPort=8080:80\n#PublishPort=1:1\nPublishPort=[::1]:53:53/udp\nPublishPort=9000\n";
        let read = of_unit("shop.container", quadlet).remove(0);
        assert_eq!(
            (read.unit.as_str(), read.name.as_str()),
            ("shop.service", "systemd-shop")
        );
        assert_eq!(told(&read.ports), ["*:8080>80 tcp", "::1:53>53 udp"]);
        let service = b"[Service]\nExecStart=/usr/bin/podman run \\\n  --name shop -p 127.0.0.1:8080:80 --publish=7000-7001:7000-7001 x\n";
        let read = of_unit("shop.service", service).remove(0);
        assert_eq!(
            told(&read.ports),
            [
                "127.0.0.1:8080>80 tcp",
                "*:7000>7000 tcp",
                "*:7001>7001 tcp"
            ]
        );
        assert!(of_unit("ssh.service", b"ExecStart=/usr/sbin/sshd -p 22:23\n").is_empty());
    }

    #[test]
    fn a_unit_gives_its_ports_to_a_container_that_runs_and_to_no_other() {
        let read = of_unit("shop.container", b"PublishPort=8080:80\n").remove(0);
        let container = |running| Container {
            name: Some("systemd-shop".into()),
            running,
            ..Container::default()
        };
        assert!(read.starts(&container(true)) && !read.starts(&container(false)));
        assert!(!read.starts(&Container {
            name: Some("other".into()),
            running: true,
            ..Container::default()
        }));
    }

    #[test]
    fn no_state_breaks_the_readers() {
        let unit = b"[Container]\nPublishPort=1-9:2-10/udp\nExecStart=podman run -p 1:2 --name a\n";
        groma_fuzz::hammer(
            2000,
            &[CNI, unit, b"{\"container_id\":\"a\",\"port_mappings\":[]}"],
            |bytes| {
                let _ = (cni(bytes), netavark(bytes));
                let _ = of_unit("a.container", bytes);
                let _ = of_unit("a.service", bytes);
            },
        );
    }
}
