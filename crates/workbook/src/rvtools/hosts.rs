//! Hosts, clusters, and what made the file.

use std::collections::BTreeSet;

use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{Cluster, Hypervisor, Platform};

use super::estate::{Estate, of_host, of_platform};
use super::row::{Row, maybe_truth, mib, told, truth};
use crate::cell::{count, list};

/// Rows of vHost.
pub(super) fn hosts<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    let hosts = estate.hosts.iter();
    hosts.map(|(entity, host)| carries(estate, (entity, host), hardware(estate, entity, host)))
}

fn hardware<'a>(estate: &Estate<'a>, entity: &'a Entity, host: &'a Hypervisor) -> Row {
    let per = |part: Option<u32>, whole: Option<u32>| {
        let part = part.filter(|part| *part > 0);
        whole.zip(part).map(|(whole, part)| whole / part)
    };
    let threads = host.threads.zip(host.cores);
    let used = estate
        .numbers
        .number(&entity.id, "hypervisor_memory_used_bytes");
    let memory = host.memory_bytes.filter(|bytes| *bytes > 0);
    let used = used
        .zip(memory)
        .map(|(used, all)| (100.0 * used / all as f64).round());
    let load = estate
        .numbers
        .number(&entity.id, "hypervisor_cpu_used_percent")
        .map(f64::round);
    of_host(estate, (entity, host))
        .with("in Maintenance Mode", maybe_truth(host.maintenance))
        .with("CPU Model", host.processor.as_deref())
        .with("Speed", host.core_mhz)
        .with(
            "HT Active",
            maybe_truth(threads.map(|(threads, cores)| threads > cores)),
        )
        .with("# CPU", host.sockets)
        .with("Cores per CPU", per(host.sockets, host.cores))
        .with("# Cores", host.cores)
        .with("CPU usage %", load)
        .with("# Memory", mib(host.memory_bytes))
        .with("Memory usage %", used)
        .with("# NICs", told(host.nics.len()))
        .with("ESX Version", host.product.as_deref())
        .with("Boot time", host.started_at)
        .with("DNS Servers", list(&host.dns_servers))
        .with("NTP Server(s)", list(&host.ntp_servers))
        .with("Vendor", host.vendor.as_deref())
        .with("Model", host.model.as_deref())
        .with("Object ID", host.key.as_str())
        .with("UUID", host.uuid.as_deref())
}

fn carries(estate: &Estate<'_>, (entity, host): (&Entity, &Hypervisor), row: Row) -> Row {
    let load = estate.platforms.on_host((entity, host));
    let cores = host.cores.filter(|cores| *cores > 0).map(f64::from);
    let per_core = |number: u64| cores.map(|cores| (100.0 * number as f64 / cores).round() / 100.0);
    row.with("# VMs total", load.guests)
        .with("# VMs", load.running)
        .with("VMs per Core", per_core(load.running))
        .with("# vCPUs", load.processors)
        .with("vCPUs per Core", per_core(load.processors))
        .with("vRAM", mib(load.memory))
}

/// Rows of vCluster.
pub(super) fn clusters<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    estate
        .clusters
        .iter()
        .map(|(entity, cluster)| self::cluster(estate, entity, cluster))
}

fn cluster(estate: &Estate<'_>, entity: &Entity, cluster: &Cluster) -> Row {
    let hosts: Vec<&Hypervisor> = estate
        .hosts
        .iter()
        .filter(|(e, host)| (&e.site, &host.platform) == (&entity.site, &cluster.platform))
        .map(|(_, host)| *host)
        .filter(|host| host.cluster.as_deref() == Some(&cluster.key))
        .collect();
    // A sum with a part that nobody told would be too small.
    let sum = |part: fn(&Hypervisor) -> Option<u64>| {
        let parts: Option<Vec<u64>> = hosts.iter().map(|host| part(host)).collect();
        let parts = parts.filter(|parts| !parts.is_empty())?;
        Some(parts.into_iter().fold(0, u64::saturating_add))
    };
    let speed = |host: &Hypervisor| Some(u64::from(host.cores?) * u64::from(host.core_mhz?));
    of_platform(&cluster.platform)
        .with("Name", cluster.name.to_string())
        .with("NumHosts", count(hosts.len()))
        .with("TotalCpu", sum(speed))
        .with("NumCpuCores", sum(|host| host.cores.map(u64::from)))
        .with("NumCpuThreads", sum(|host| host.threads.map(u64::from)))
        .with("TotalMemory", mib(sum(|host| host.memory_bytes)))
        .with("HA enabled", maybe_truth(cluster.restarts_guests))
        .with("DRS enabled", truth(cluster.spreads_guests.is_some()))
        .with(
            "DRS default VM behavior",
            cluster.spreads_guests.as_deref().map(behaviour),
        )
        .with("Object ID", cluster.key.as_str())
}

/// The word of vSphere for ours.
fn behaviour(word: &str) -> &str {
    match word {
        "partially-automated" => "partiallyAutomated",
        "fully-automated" => "fullyAutomated",
        other => other,
    }
}

/// A row of vMetaData for each platform. The layout is that of RVTools 4; that RVTools made it, nobody says.
pub(super) fn meta(inventory: &Inventory, estate: &Estate<'_>) -> Vec<Row> {
    let hosts = estate.hosts.iter().map(|(_, host)| &host.platform);
    let guests = estate.guests.iter().map(|told| &told.guest.platform);
    let platforms: BTreeSet<&Platform> = hosts.chain(guests).collect();
    let row = |server: Option<&str>| {
        Row::default()
            .with("RVTools major version", 4_u64)
            .with("RVTools version", "4.0 (this layout, written by groma)")
            .with("xlsx creation datetime", inventory.generated_at)
            .with("Server", server)
    };
    match platforms.is_empty() {
        true => vec![row(None)],
        false => platforms
            .into_iter()
            .map(|platform| row(Some(&platform.id)))
            .collect(),
    }
}
