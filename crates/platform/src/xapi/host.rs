//! Hosts: their hardware, cards, bridges and names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{Hypervisor, HypervisorNic, Platform, VirtualSwitch};
use groma_model::{Fact, Foreign, HostName, Peer, Timestamp};
use serde_json::Value;

use super::class::Class;
use super::network::Networks;
use super::pool::is_cluster;
use super::reader::Machines;
use super::storage::{Stores, reached};
use super::table::{Tables, reference, references, uuid, within};
use crate::Read;
use crate::json::{flag, items, rounded, small, text, whole};
use crate::words::{mac_address, reachable, sold_mhz};

/// Most cards, bridges and names of a host.
const PARTS_MAX: usize = 4_000;

/// The facts of all hosts, with what of their memory is used.
pub(super) fn tell_hosts(
    tables: &Tables,
    stores: &Stores,
    networks: &Networks<'_>,
    platform: &Platform,
    machines: &Machines<'_>,
    read: &mut Read,
) {
    let all = All {
        tables,
        networks,
        pifs: by_host(tables),
        alone: alone(tables, networks, machines),
        cluster: is_cluster(tables).then(|| platform.id.clone()),
        reached: reached(tables, stores),
    };
    let mut told: BTreeMap<String, Hypervisor> = BTreeMap::new();
    for (at, record) in tables.all(Class::Host) {
        if let Some(host) = all.host(at, record, platform) {
            measure(tables, record, &host, read);
            told.insert(host.key.clone(), host);
        }
    }
    let facts = told.into_values();
    read.facts
        .extend(facts.map(|host| Fact::Hypervisor(Box::new(host))));
}

struct All<'t> {
    tables: &'t Tables,
    networks: &'t Networks<'t>,
    pifs: BTreeMap<&'t str, Vec<&'t Value>>,
    /// Networks without a way out that guests of a host are on.
    alone: BTreeMap<&'t str, BTreeSet<&'t str>>,
    cluster: Option<String>,
    reached: BTreeMap<String, BTreeSet<String>>,
}

fn by_host(tables: &Tables) -> BTreeMap<&str, Vec<&Value>> {
    let mut found: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (_, pif) in tables.all(Class::Pif) {
        if let Some(host) = reference(pif, "host") {
            let pifs = found.entry(host).or_default();
            if pifs.len() < PARTS_MAX {
                pifs.push(pif);
            }
        }
    }
    found
}

/// Bridges no host has a card in stand where a guest is on them.
fn alone<'t>(
    tables: &'t Tables,
    networks: &Networks<'_>,
    machines: &Machines<'t>,
) -> BTreeMap<&'t str, BTreeSet<&'t str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in machines.guests.values() {
        let Some(host) = reference(record, "resident_on") else {
            continue;
        };
        let cards = tables.each(record, "VIFs", Class::Vif);
        let on = cards.filter_map(|card| reference(card, "network"));
        let on = on.filter(|at| networks.is_alone(at));
        found.entry(host).or_default().extend(on);
    }
    found
}

impl All<'_> {
    /// `None` for a host without a UUID.
    fn host(&self, at: &str, record: &Value, platform: &Platform) -> Option<Hypervisor> {
        let key = uuid(record)?;
        let pifs = self.pifs.get(at).map_or(&[][..], Vec::as_slice);
        let metrics = self.tables.follow(record, "metrics", Class::HostMetrics);
        let reached = self.reached.get(at).into_iter().flatten();
        let cpu = record.get("cpu_info").unwrap_or(&Value::Null);
        let processor = text(cpu, "modelname");
        let threads = small(cpu, "cpu_count").filter(|count| *count > 0);
        let each = small(cpu, "threads_per_core").filter(|count| *count > 0);
        Some(Hypervisor {
            platform: platform.clone(),
            name: Foreign::from(text(record, "name_label").unwrap_or_else(|| key.clone())),
            names: names(record, pifs),
            addresses: addresses(record, pifs),
            product: product(record),
            vendor: within(record, "bios_strings", "system-manufacturer"),
            model: within(record, "bios_strings", "system-product-name"),
            core_mhz: processor.as_deref().and_then(sold_mhz),
            processor,
            sockets: small(cpu, "socket_count").filter(|count| *count > 0),
            cores: threads.and_then(|threads| threads.checked_div(each?)),
            threads,
            memory_bytes: metrics
                .and_then(|metrics| whole(metrics, "memory_total"))
                .filter(|bytes| *bytes > 0),
            cluster: self.cluster.clone(),
            maintenance: flag(record, "enabled").map(|enabled| !enabled),
            connected: metrics.and_then(|metrics| flag(metrics, "live")),
            dns_servers: dns_servers(pifs),
            ntp_servers: ntp_servers(record),
            nics: self.cards(pifs),
            switches: self.switches(at, pifs),
            datastores: reached.cloned().collect(),
            started_at: started_at(record),
            key,
            ..Hypervisor::default()
        })
    }

    fn cards(&self, pifs: &[&Value]) -> Vec<HypervisorNic> {
        let cards = pifs
            .iter()
            .filter(|pif| flag(pif, "physical") == Some(true));
        let mut cards: Vec<HypervisorNic> = cards
            .map(|pif| {
                let metrics = self.tables.follow(pif, "metrics", Class::PifMetrics);
                let is_up = metrics.and_then(|metrics| flag(metrics, "carrier")) != Some(false);
                let device = self.tables.follow(pif, "PCI", Class::Pci);
                HypervisorNic {
                    name: text(pif, "device").unwrap_or_default(),
                    mac: text(pif, "MAC").and_then(|mac| mac_address(&mac)),
                    driver: device.and_then(|device| text(device, "driver_name")),
                    speed_mbps: metrics
                        .and_then(|metrics| small(metrics, "speed"))
                        .filter(|speed| is_up && (1..=1_000_000).contains(speed)),
                }
            })
            .collect();
        cards.sort();
        cards.dedup();
        cards
    }

    fn switches(&self, at: &str, pifs: &[&Value]) -> Vec<VirtualSwitch> {
        let led = pifs
            .iter()
            .filter_map(|pif| self.networks.switch(reference(pif, "network")?, Some(pif)));
        let alone = self.alone.get(at).into_iter().flatten();
        let alone = alone.filter_map(|network| self.networks.switch(network, None));
        let mut switches: Vec<VirtualSwitch> = led.chain(alone).take(PARTS_MAX).collect();
        switches.sort();
        switches.dedup();
        switches
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of memory, to a ten-thousandth of a percent"
)]
fn measure(tables: &Tables, record: &Value, host: &Hypervisor, read: &mut Read) {
    let Some(metrics) = tables.follow(record, "metrics", Class::HostMetrics) else {
        return;
    };
    // What is told of a host that does not answer is old.
    if host.connected == Some(false) {
        return;
    }
    let used = || {
        host.memory_bytes?
            .checked_sub(whole(metrics, "memory_free")?)
    };
    if let Some(used) = used() {
        let subject = host.platform.subject(&host.key);
        read.measured("hypervisor_memory_used_bytes", &subject, used as f64);
    }
}

/// What it calls itself, with the domain its management card searches in.
fn names(record: &Value, pifs: &[&Value]) -> Vec<HostName> {
    let Some(name) = text(record, "hostname") else {
        return Vec::new();
    };
    let domain = managing(pifs).find_map(|pif| within(pif, "other_config", "domain"));
    let domain = domain.and_then(|all| all.split(',').next().map(|one| one.trim().to_owned()));
    let domain = domain.filter(|domain| !domain.is_empty() && !name.contains('.'));
    let whole = domain.map(|domain| format!("{name}.{domain}"));
    let names = whole.into_iter().chain([name]);
    names.filter_map(|name| HostName::parse(&name)).collect()
}

fn managing<'p>(pifs: &'p [&Value]) -> impl Iterator<Item = &'p Value> {
    let managing = pifs
        .iter()
        .filter(|pif| flag(pif, "management") == Some(true));
    managing.copied()
}

fn addresses(record: &Value, pifs: &[&Value]) -> Vec<IpAddr> {
    let mut found: BTreeSet<IpAddr> = BTreeSet::new();
    found.extend(text(record, "address").and_then(|text| reachable(&text)));
    for pif in pifs {
        found.extend(text(pif, "IP").and_then(|text| reachable(&text)));
        let six = references(pif, "IPv6").take(64);
        found.extend(six.filter_map(reachable));
    }
    found.into_iter().collect()
}

/// `XCP-ng 8.3.0 (cloud)`.
fn product(record: &Value) -> Option<String> {
    let version = within(record, "software_version", "product_version");
    let build = within(record, "software_version", "build_number");
    let brand = within(record, "software_version", "product_brand")?;
    let parts = [
        Some(brand),
        version,
        build.map(|build| format!("({build})")),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Of the management card first; no server is told twice.
fn dns_servers(pifs: &[&Value]) -> Vec<Peer> {
    let others = pifs
        .iter()
        .filter(|pif| flag(pif, "management") != Some(true));
    let mut servers = Vec::new();
    for pif in managing(pifs).chain(others.copied()) {
        let list = text(pif, "DNS").unwrap_or_default();
        let named = list.split(',').filter_map(|one| Peer::parse(one.trim()));
        for server in named {
            if servers.len() < 16 && !servers.contains(&server) {
                servers.push(server);
            }
        }
    }
    servers
}

/// Told by late versions alone, and only where somebody wrote them; those DHCP hands out are not told.
fn ntp_servers(record: &Value) -> Vec<Peer> {
    if !text(record, "ntp_mode").is_some_and(|mode| mode.eq_ignore_ascii_case("custom")) {
        return Vec::new();
    }
    let servers = items(record.get("ntp_custom_servers").unwrap_or(&Value::Null), 16);
    let servers = servers.filter_map(|server| Peer::parse(server.as_str()?.trim()));
    servers.collect()
}

/// Seconds since 1970, with a point and no digit behind it.
fn started_at(record: &Value) -> Option<Timestamp> {
    let seconds: f64 = within(record, "other_config", "boot_time")?.parse().ok()?;
    let seconds = rounded(seconds).filter(|seconds| *seconds > 0)?;
    i64::try_from(seconds).ok().map(Timestamp::from_seconds)
}
