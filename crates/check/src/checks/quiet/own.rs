//! What a machine itself says: what it is, what it runs, what it needs to be there.

use std::collections::BTreeSet;

use groma_model::inventory::{Dependency, Entity};
use groma_model::name::Transport;
use groma_model::path;
use groma_model::registry::REGISTRY;
use groma_model::watched::MORE_DATAGRAMS_HEARD;

use super::estate::only_watches;
use crate::View;
use crate::view::{is_loopback_or_link, is_outside};

/// What nearly every machine needs to be there at all; a machine that needs more does something.
const TO_BE_THERE: [&str; 14] = [
    "attached-to",
    "certificate-issued-by",
    "certificate-status",
    "certificate-used",
    "dhcp",
    "dns",
    "gateway",
    "kerberos",
    "monitoring",
    "ntp",
    "package-mirror",
    "runs-on",
    "snmp",
    "syslog",
];
/// Programs (by the begin of their names) that ask a directory who may log on. Another one that asks it does its own work:
/// it may carry accounts from one directory to the next.
const LOGON: [&str; 9] = [
    "adcli", "gssproxy", "nscd", "nslcd", "realmd", "sshd", "sssd", "sudo", "winbind",
];
/// Programs that fetch software for the machine itself.
const UPDATERS: [&str; 10] = [
    "apt",
    "dnf",
    "fwupd",
    "packagekit",
    "rhsmcertd",
    "snapd",
    "subscription-manager",
    "unattended-upgr",
    "yum",
    "zypper",
];
/// Units (by the begin of their names) that stand in for others, hand on for others, or that people sit at: nobody need be
/// seen to call such a machine over TCP or UDP, and it is needed all the same.
const NEEDED_UNSEEN: [&str; 34] = [
    "apcupsd",
    "bacula-dir",
    "bareos-dir",
    "bird",
    "corosync",
    "dhcpd",
    "display-manager",
    "dnsmasq",
    "drbd",
    "frr",
    "gdm",
    "heartbeat",
    "hostapd",
    "ipsec",
    "isc-dhcp-server",
    "kea-",
    "keepalived",
    "libvirtd",
    "lightdm",
    "nut-server",
    "openvpn",
    "pacemaker",
    "patroni",
    "pve-",
    "quagga",
    "radvd",
    "sddm",
    "strongswan",
    "tinc",
    "ucarp",
    "virtqemud",
    "vmware-vpxd",
    "wg-quick",
    "xrdp",
];
/// UDP ports at which nobody's service listens: clients of DHCP, names on the link, the clock's own control.
const NO_SERVICE: [u16; 5] = [68, 323, 546, 5353, 5355];

/// The machine itself says nothing against it: an agent looked at it, what comes to it would be seen, and nobody decided yet
/// what becomes of it or said who uses it.
pub(super) fn may_be_judged(view: &View<'_>, machine: &Entity) -> bool {
    let attributes = &machine.attributes;
    // What carries others works for them without a connection, and nobody looks at a device from inside.
    let carries = matches!(machine.kind.as_str(), "hypervisor" | "device");
    let is_machine = REGISTRY.is_machine(&machine.kind) && !carries;
    let hangs_on_it = |role: &str| role != "other";
    let told = view.systems_of(&machine.id).any(|system| {
        system.disposition.is_some()
            || system.key_users.is_some()
            || !system.further_consumers.is_empty()
    });
    is_machine
        && machine.has_agent
        && !told
        && !attributes.containers.iter().any(|c| c.running)
        && attributes.forwards.is_empty()
        && !may_hand_on(machine)
        && attributes.posts.is_empty()
        && !attributes.attachments.iter().any(|a| hangs_on_it(&a.role))
        && !attributes
            .units
            .iter()
            .any(|unit| unit.enabled && is_needed_unseen(&unit.name.lossy()))
        && !asks_for_groma(view, machine)
        && !serves_unheard(view, machine)
}

/// True for a machine in more than one network: what it hands on from one to the other belongs to none of its programs, and no
/// watch of connections tells it.
fn may_hand_on(machine: &Entity) -> bool {
    let routes = machine.attributes.routes.iter();
    let own = routes.filter(|route| route.gateway.is_none());
    let networks = |v6: bool| {
        let names = own.clone().map(|route| route.destination.as_str());
        let of_kind = names.filter(move |name| name.contains(':') == v6);
        let real = of_kind
            .filter(|n| !(n.starts_with("fe80:") || n.ends_with("/32") || n.ends_with("/128")));
        real.filter(|n| {
            !n.starts_with("ff00:") && !n.starts_with("127.") && !n.starts_with("169.254.")
        })
        .collect::<BTreeSet<&str>>()
        .len()
    };
    networks(false) > 1 || networks(true) > 1
}

fn is_needed_unseen(unit: &str) -> bool {
    NEEDED_UNSEEN.iter().any(|begin| unit.starts_with(begin))
}

/// True where groma itself works: its own connections are told by nobody.
fn asks_for_groma(view: &View<'_>, machine: &Entity) -> bool {
    let asks = |source: &str| source.starts_with("network.") || source.starts_with("directory.");
    let is_groma = |path: &str| path::program_name(path) == "groma";
    let serves = |executable: Option<&groma_model::Foreign>| {
        executable.is_some_and(|path| is_groma(&path.lossy()))
    };
    view.coverage(&machine.id)
        .iter()
        .any(|c| asks(c.source.as_str()))
        || view
            .listeners(&machine.id)
            .iter()
            .any(|l| serves(l.process.executable.as_ref()))
}

/// True if a UDP port is open at which no watch of ours hears who calls.
fn serves_unheard(view: &View<'_>, machine: &Entity) -> bool {
    let is_heard = |port: groma_model::Port| {
        REGISTRY.kind_by_port(port, Transport::Udp).is_some()
            || MORE_DATAGRAMS_HEARD.contains(&port.0)
            || NO_SERVICE.contains(&port.0)
    };
    let listeners = view.listeners(&machine.id).iter();
    let mut open = listeners.filter(|l| {
        let is_within = is_loopback_or_link(&l.address) && !l.address.is_unspecified();
        l.transport == Transport::Udp && !is_within
    });
    open.any(|listener| !is_heard(listener.port))
}

/// True for a need of something more than to be there. Who calls the agents of watched machines watches them; who copies
/// others away has no job that copies itself.
pub(super) fn is_work(view: &View<'_>, d: &Dependency) -> bool {
    let is_own_copy = d.kind == "backup" && view.backups(&d.consumer.entity).next().is_some();
    // Where its disks lie as a platform tells it; a share it mounts itself is its own work.
    let is_there = d.is_carried() || (TO_BE_THERE.contains(&d.kind.as_str()) && !only_watches(d));
    let is_logon = d.kind == "ldap-bind" && is_by(d, &LOGON);
    !is_there && !is_own_copy && !is_logon && !is_update(view, d)
}

/// True if every program that was seen in a need begins like this; where none was seen, the part that has it.
fn is_by(d: &Dependency, begins: &[&str]) -> bool {
    let names = |path: &str| {
        let program = path::program_name(path);
        // `/usr/lib/apt/methods/http` is of apt, as its folder says.
        let is_of = |begin: &&str| {
            program.starts_with(*begin) || path::parts(path).any(|folder| folder == *begin)
        };
        begins.iter().any(is_of)
    };
    match d.details.programs.as_slice() {
        [] => names(&d.consumer.component.name.lossy()),
        all => all.iter().all(|program| names(program)),
    }
}

/// True if it fetches software for the machine it runs on, from outside the house.
fn is_update(view: &View<'_>, d: &Dependency) -> bool {
    let outside = is_outside(view.entity(&d.provider.entity), &d.provider.addresses);
    outside && is_by(d, &UPDATERS)
}
