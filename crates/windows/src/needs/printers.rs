//! Printers: queues of this machine with the devices behind them, and queues of print servers.
//!
//! A port that no queue uses is a leftover, and silent; so are programs that print into files.

use std::collections::BTreeMap;

use groma_model::fact::Attachment;
use groma_model::{Fact, Peer, Port};

use super::look::{Look, Need, unit};
use super::url::urls;
use super::value::{Target, host, peer, port, resource, unc};
use crate::Key;

const PRINT: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Print";
const CACHED: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Print\Providers\Client Side Rendering Print Provider\Servers";
const WSD_DEVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Enum\SWD\DAFWSDProvider";
/// Ports one queue may be pooled over.
const POOL_MAX: usize = 16;
/// The service that prints.
const SPOOLER: &str = "Spooler";

/// What stands behind a port.
#[derive(Clone, Debug, PartialEq)]
struct Device {
    /// `network`, `usb`, `parallel`, `serial`.
    bus: &'static str,
    /// Where it is reached, as CUPS writes it: `socket://192.0.2.9:9100`.
    at: Option<String>,
    target: Option<Target>,
    /// The key and value that name the target, where it is not the queue's own.
    named: Option<(String, &'static str)>,
}

/// Queues of this machine, and connections all its people have.
pub(super) fn machine(look: &mut Look<'_>) {
    let ports = ports(look);
    for (at, name, key) in look.below(&format!(r"{PRINT}\Printers")) {
        for port in key
            .text("Port")
            .unwrap_or_default()
            .split(',')
            .take(POOL_MAX)
        {
            if let Some(device) = device(look, port.trim(), &ports) {
                queue(look, &at, &name, &key, device);
            }
        }
    }
    connections(look, &format!(r"{PRINT}\Connections"));
    for name in look.key(CACHED).keys {
        if let Some(peer) = peer(name.trim_start_matches('\\')) {
            let target = Target::new(peer, None);
            look.needs(connection(
                "windows-print-server-cached",
                CACHED,
                &name,
                target,
                true,
            ));
        }
    }
}

/// Connections of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    connections(look, &format!(r"{hive}\Printers\Connections"));
}

/// Keys named `,,server,queue`.
fn connections(look: &mut Look<'_>, path: &str) {
    for (at, name, key) in look.below(path) {
        let (server, queue) = name
            .trim_start_matches(',')
            .split_once(',')
            .unwrap_or_default();
        let written = key
            .text("Server")
            .unwrap_or_default()
            .trim_start_matches('\\');
        let Some(peer) = peer(server).or_else(|| peer(written)) else {
            continue;
        };
        let mut target = Target::new(peer, None);
        target.resource = resource(queue);
        look.needs(connection(
            "windows-printer-connection",
            &at,
            "Server",
            target,
            false,
        ));
    }
}

fn connection<'n>(
    rule: &'static str,
    key: &'n str,
    value: &'n str,
    target: Target,
    weak: bool,
) -> Need<'n> {
    Need {
        rule,
        key,
        value,
        kind: "print",
        port: Some(445),
        target,
        reader: unit(SPOOLER),
        weak,
    }
}

fn queue(look: &mut Look<'_>, at: &str, name: &str, key: &Key, device: Device) {
    let is_own = device
        .target
        .as_ref()
        .is_some_and(|target| look.is_own(&target.peer));
    if is_own {
        // A program of this machine that prints into a file or a mail.
        return;
    }
    let text = |value: &str| key.text(value).map(str::to_owned);
    look.saw(Fact::Attachment(Attachment {
        bus: device.bus.to_owned(),
        role: "printer".to_owned(),
        product: text("Printer Driver"),
        driver: text("Printer Driver"),
        known_as: Some(text("Name").unwrap_or_else(|| name.to_owned()).into()),
        used_in: Some(at.into()),
        at: device.at.map(Into::into),
        ..Attachment::default()
    }));
    if let Some(target) = device.target {
        let own = (at.to_owned(), "Port");
        let (file, value) = device.named.unwrap_or(own);
        look.needs(connection("windows-printer", &file, value, target, false));
    }
}

/// Every port a monitor keeps, by its name in lower case.
fn ports(look: &mut Look<'_>) -> BTreeMap<String, (String, Key)> {
    let mut found = BTreeMap::new();
    for (monitor, ..) in look.below(&format!(r"{PRINT}\Monitors")) {
        for (at, name, key) in look.below(&format!(r"{monitor}\Ports")) {
            found.entry(name.to_lowercase()).or_insert((at, key));
        }
    }
    found
}

/// The device behind a port; nothing for a program, a file, a port of somebody's remote desktop.
fn device(
    look: &mut Look<'_>,
    port: &str,
    ports: &BTreeMap<String, (String, Key)>,
) -> Option<Device> {
    let lower = port.to_ascii_lowercase();
    for (prefix, bus) in [
        ("usb", "usb"),
        ("dot4_", "usb"),
        ("lpt", "parallel"),
        ("com", "serial"),
    ] {
        let number = lower
            .strip_prefix(prefix)
            .map(|rest| rest.trim_end_matches(':'));
        if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            return Some(Device {
                bus,
                at: None,
                target: None,
                named: None,
            });
        }
    }
    if port.contains("://") {
        return urls(port).into_iter().next().and_then(web);
    }
    if port.starts_with(r"\\") {
        return unc(port).map(shared);
    }
    if lower.starts_with("wsd-") {
        return Some(discovered(look, &lower, ports));
    }
    let (at, key) = ports.get(&lower)?;
    let (value, mut target, protocol) = kept(key)?;
    let is_line = protocol == "lpd";
    let number = target
        .port
        .map_or(if is_line { 515 } else { 9100 }, |port| port.0);
    let host = bracketed(&target.peer);
    let shown = match &target.resource {
        Some(queue) if is_line => format!("lpd://{host}/{queue}"),
        _ => format!("{protocol}://{host}:{number}"),
    };
    target.port = Some(Port(number));
    Some(Device {
        bus: "network",
        at: Some(shown),
        target: Some(target),
        named: Some((at.clone(), value)),
    })
}

fn bracketed(peer: &Peer) -> String {
    match peer {
        Peer::Address(address) if address.is_ipv6() => format!("[{address}]"),
        peer => peer.to_string(),
    }
}

/// What a monitor keeps of a port: the standard TCP/IP port (and those of makers alike), the LPR port.
fn kept(key: &Key) -> Option<(&'static str, Target, &'static str)> {
    for value in ["HostName", "IPAddress", "Server Name", "Address", "Host"] {
        let Some(mut target) = key.text(value).and_then(host) else {
            continue;
        };
        // Protocol 2 is LPR; the LPR monitor has no such value ([MS-RPRN], PORT_DATA_1).
        let is_line = value == "Server Name" || key.number("Protocol") == Some(2);
        let number = key.number("PortNumber").and_then(|n| port(&n.to_string()));
        target.port = number.filter(|_| !is_line).or(target.port);
        let queue = key.text("Queue").or_else(|| key.text("Printer Name"));
        target.resource = queue.filter(|_| is_line).and_then(resource);
        return Some((value, target, if is_line { "lpd" } else { "socket" }));
    }
    None
}

/// A queue that is reached over IPP.
fn web(mut target: Target) -> Option<Device> {
    let number = target.port.or(target.default_port)?;
    let host = bracketed(&target.peer);
    target.port = Some(number);
    target.kind = Some("print");
    Some(Device {
        bus: "network",
        at: Some(format!("ipp://{host}:{number}")),
        target: Some(target),
        named: None,
    })
}

/// A local port that leads to the queue of another machine.
fn shared(target: Target) -> Device {
    let host = bracketed(&target.peer);
    let queue = target.resource.clone().unwrap_or_default();
    Device {
        bus: "network",
        at: Some(format!("smb://{host}/{queue}")),
        target: Some(target),
        named: None,
    }
}

/// A printer that was found by itself (WSD): its port knows a UUID, and the device tree where that answered.
fn discovered(look: &mut Look<'_>, port: &str, ports: &BTreeMap<String, (String, Key)>) -> Device {
    let mut device = Device {
        bus: "network",
        at: None,
        target: None,
        named: None,
    };
    let values = ports
        .get(port)
        .map(|(_, key)| key.values.clone())
        .unwrap_or_default();
    let uuids: Vec<String> = values
        .iter()
        .filter_map(|(_, value)| uuid(value.text()?))
        .collect();
    if uuids.is_empty() {
        return device;
    }
    for (at, name, key) in look.below(WSD_DEVICES) {
        if !uuid(&name).is_some_and(|uuid| uuids.contains(&uuid)) {
            continue;
        }
        let places = urls(key.text("LocationInformation").unwrap_or_default());
        if let Some(mut target) = places.into_iter().next() {
            target.kind = Some("print");
            let number = target.port.or(target.default_port).unwrap_or(Port(5357));
            target.port = Some(number);
            device.at = Some(format!("wsd://{}:{number}", bracketed(&target.peer)));
            device.target = Some(target);
            device.named = Some((at, "LocationInformation"));
            return device;
        }
    }
    device
}

/// The UUID of `urn:uuid:…`, as its end in lower case: 36 letters of hexadecimal digits and dashes.
fn uuid(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let after = lower.split("uuid:").nth(1)?;
    let sound = |c: &char| c.is_ascii_hexdigit() || *c == '-';
    let uuid: String = after.chars().take_while(sound).take(36).collect();
    (uuid.len() == 36).then_some(uuid)
}

#[cfg(test)]
mod tests;
