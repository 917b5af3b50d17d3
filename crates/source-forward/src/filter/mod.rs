//! Packet filters: which connections they hand on, and which rules name a literal address.
//!
//! The ruleset in force is asked of the kernel where the rights allow; the files that bring it back at the
//! next start are read beside it. Chains that programs fill by themselves (Docker, Kubernetes, libvirt,
//! fail2ban) name addresses by the thousand that nobody wrote, and are left out.

pub(crate) mod decode;
mod firewalld;
mod iptables;
mod netlink;
mod nft;
mod rule;

use std::path::Path;

use groma_model::fact::{FilterRule, Forward};

use crate::handed::unit;
use crate::read::Reading;
use crate::units::Units;

pub use decode::{Kernel, LeftOut};
pub use netlink::kernel;
use rule::Rule;

/// Rules with an address one machine may say.
const RULES_MAX: usize = 1_000;
const FORWARDS_MAX: usize = 1_000;

/// Files of iptables-save's format, with the unit that loads them.
const IPTABLES: &[(&str, &str)] = &[
    ("/etc/iptables/rules.v4", "netfilter-persistent.service"),
    ("/etc/iptables/rules.v6", "netfilter-persistent.service"),
    ("/etc/sysconfig/iptables", "iptables.service"),
    ("/etc/sysconfig/ip6tables", "ip6tables.service"),
];
const UFW: &[&str] = &[
    "/etc/ufw/before.rules",
    "/etc/ufw/before6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/etc/ufw/after.rules",
    "/etc/ufw/after6.rules",
];

/// What filters say.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    pub(crate) forwards: Vec<Forward>,
    pub(crate) rules: Vec<FilterRule>,
    /// True if there were more than are said.
    pub(crate) cut: bool,
}

impl Filters {
    fn take(&mut self, rules: &[Rule], service: Option<&str>) {
        let component = service.map_or_else(rule::kernel_component, unit);
        for rule in rules.iter().filter(|r| !r.is_somebodys_own()) {
            self.forwards.extend(rule.forwards(&component));
            self.rules.extend(rule.filter_rules());
            self.cut |= rule.is_cut();
        }
        self.cut |= self.rules.len() > RULES_MAX || self.forwards.len() > FORWARDS_MAX;
        self.rules.truncate(RULES_MAX);
        self.forwards.truncate(FORWARDS_MAX);
    }
}

/// What the files say that are loaded at the next start.
pub(crate) fn written(reading: &mut Reading<'_>, units: &Units) -> Filters {
    let mut filters = Filters::default();
    for main in ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"] {
        if units.is_off("nftables.service") {
            continue;
        }
        if let Some(text) = reading.text(main) {
            filters.take(&nft::rules(reading, &text), Some("nftables.service"));
        }
    }
    for (path, service) in IPTABLES {
        if !units.is_off(service)
            && let Some(text) = reading.text(path)
        {
            filters.take(&iptables::rules(&text), Some(service));
        }
    }
    let ufw = reading.text("/etc/ufw/ufw.conf");
    let enabled = ufw.is_some_and(|t| {
        t.text
            .lines()
            .any(|l| l.trim().eq_ignore_ascii_case("enabled=yes"))
    });
    for path in UFW.iter().filter(|_| enabled) {
        if let Some(text) = reading.text(path) {
            filters.take(&iptables::rules(&text), Some("ufw.service"));
        }
    }
    if !units.is_off("firewalld.service") {
        for pattern in [
            "/etc/firewalld/zones/*.xml",
            "/etc/firewalld/policies/*.xml",
        ] {
            for text in reading.texts(pattern) {
                filters.take(&firewalld::rules(&text), Some("firewalld.service"));
            }
        }
    }
    filters
}

/// What is in force, as the kernel says it.
pub(crate) fn live(kernel: &Kernel) -> Filters {
    let mut filters = Filters::default();
    filters.take(&decode::rules(kernel), None);
    filters
}

/// Why the kernel is not asked: a request would load a module that is not there, and change the machine.
pub(crate) fn is_absent(reading: &mut Reading<'_>) -> bool {
    let Some(loaded) = reading.bytes(Path::new("/proc/modules")) else {
        return false;
    };
    let has = |text: &[u8], word: &[u8]| text.windows(word.len()).any(|w| w == word);
    if loaded
        .split(|b| *b == b'\n')
        .any(|l| l.starts_with(b"nf_tables "))
    {
        return false;
    }
    let release = reading
        .text("/proc/sys/kernel/osrelease")
        .map(|t| t.text.trim().to_owned());
    let Some(release) = release else { return true };
    let builtin = reading.bytes(Path::new(&format!(
        "/lib/modules/{release}/modules.builtin"
    )));
    // A kernel that loads nothing has everything built in, or answers that it has not.
    let loads_nothing = loaded.is_empty() && builtin.is_none();
    !loads_nothing && !builtin.is_some_and(|text| has(&text, b"/nf_tables.ko"))
}

/// Tables of the older iptables, which have another interface.
pub(crate) fn older_tables(reading: &mut Reading<'_>) -> Vec<String> {
    let names = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"];
    let texts = names.iter().filter_map(|p| reading.text(p));
    texts
        .flat_map(|t| t.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
