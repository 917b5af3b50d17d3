//! The domain the machine belongs to: where its people and its services log on.

use std::collections::BTreeSet;

use groma_model::{Fact, HostName, Peer, Reason, Transport};

use super::stated::Stated;
use super::units::unit_name;
use super::{SERVICES, TCPIP};
use crate::{Key, Machine, Part, Said, is_of_a_person};

const NETLOGON: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters";
const PRODUCT: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions";
const POLICY: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy";

/// What is known of the machine and its domain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Domain {
    /// The name of the domain in DNS, if the machine belongs to one.
    name: Option<HostName>,
    /// Its older name, as it stands before a `\`.
    older_name: Option<String>,
    /// Host name of the machine.
    host: String,
    /// What stands before the `\` of the system's own accounts and groups, in lower case and in its language.
    of_system: BTreeSet<String>,
    /// True for a domain controller: it needs nobody to know its own domain.
    is_controller: bool,
}

impl Domain {
    /// What keys and tables say. A suffix of names alone is no domain: a machine that belongs to none may have one.
    pub(crate) fn of(machine: &Machine<'_>) -> Self {
        let key = |path: &str| {
            machine
                .registry
                .key(path)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let network = key(TCPIP);
        let suffix = network.text("Domain").or_else(|| network.text("NV Domain"));
        let host = network
            .text("Hostname")
            .unwrap_or(&machine.rows.system.host_name);
        let product = key(PRODUCT);
        Self {
            name: suffix
                .and_then(HostName::parse)
                .filter(|_| is_joined(machine)),
            older_name: older_name(machine),
            host: host.to_owned(),
            of_system: of_system(machine),
            is_controller: product
                .text("ProductType")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("LanmanNT")),
        }
    }

    /// The domain an account belongs to, by its name in DNS; `None` for those of the machine and of the system, for what a
    /// controller itself knows, and for a domain whose name in DNS nobody tells.
    pub(crate) fn of_account(&self, account: &str) -> Option<HostName> {
        let domain = match account.split_once('\\') {
            Some((domain, _)) => domain,
            None => account.rsplit_once('@').map(|(_, domain)| domain)?,
        };
        let found = match HostName::parse(domain)? {
            named if named.is_qualified() => named,
            named if self.is_host(named.as_str()) => return None,
            named => self
                .name
                .clone()
                .filter(|own| self.is_own(own, named.as_str()))?,
        };
        let known_here = self.is_controller && self.name.as_ref() == Some(&found);
        (!known_here).then_some(found)
    }

    /// True for an account of a domain of which only the short name is known: neither the machine's, nor the system's, nor one
    /// that [`Self::of_account`] finds.
    fn is_of_short_name(&self, account: &str) -> bool {
        let Some(short) = account.split_once('\\').map(|(domain, _)| domain) else {
            return false;
        };
        let is_own = |name: &HostName| {
            let mut known = self.name.iter();
            known.any(|own| self.is_own(own, name.as_str()))
        };
        HostName::parse(short).is_some_and(|name| {
            !name.is_qualified()
                && !self.host.is_empty()
                && !self.is_host(name.as_str())
                && !self.of_system.contains(name.as_str())
                && !is_own(&name)
        })
    }

    /// NetBIOS keeps fifteen letters of a name.
    fn is_host(&self, name: &str) -> bool {
        let short: String = self.host.chars().take(15).collect();
        short.eq_ignore_ascii_case(name)
    }

    fn is_own(&self, own: &HostName, name: &str) -> bool {
        match &self.older_name {
            Some(older) if older.eq_ignore_ascii_case(name) => true,
            _ => own.short() == name,
        }
    }
}

/// Accounts of one area whose domain nobody can be found for, each once.
#[derive(Debug, Default)]
pub(crate) struct ShortNames(BTreeSet<String>);

impl ShortNames {
    /// Keeps an account, if only the short name of its domain is known.
    pub(crate) fn add(&mut self, domain: &Domain, account: &str) {
        if domain.is_of_short_name(account) {
            self.0.insert(account.to_lowercase());
        }
    }

    /// Says how many there were, in one gap. All that the area reads was seen nevertheless.
    pub(crate) fn say(self, part: &mut Part) {
        let accounts = match self.0.len() {
            0 => return,
            1 => "1 account".to_owned(),
            more => format!("{more} accounts"),
        };
        let what = format!("{accounts} of a domain known by its short name only");
        let remedy = "look up its name in DNS (nltest /domain_trusts on the machine)";
        part.cannot(what, Reason::NotPresent, remedy);
    }
}

/// `NT AUTHORITY`, `BUILTIN` and their like in the machine's language, by the SIDs they have; Entra's accounts are in no
/// domain.
fn of_system(machine: &Machine<'_>) -> BTreeSet<String> {
    let is_in_a_domain = |sid: &str| is_of_a_person(sid) && !sid.starts_with("S-1-12-1-");
    let names = machine.rows.names.iter();
    let known = names.filter(|(sid, _)| !is_in_a_domain(sid));
    let heads = known.filter_map(|(_, name)| name.split_once('\\').map(|(head, _)| head));
    heads
        .chain(["BUILTIN", "AzureAD"])
        .map(str::to_lowercase)
        .collect()
}

/// A machine that has an account in a domain, or whose logon service starts by itself (only members have it so) after a
/// policy, or a site, of a domain reached it.
fn is_joined(machine: &Machine<'_>) -> bool {
    let key = |path: &str| {
        machine
            .registry
            .key(path)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    if machine.rows.system.directory_sid.is_some() {
        return true;
    }
    let service = key(&format!(r"{SERVICES}\Netlogon"));
    let starts = service.number("Start") == Some(2);
    let says = |key: &Key, names: &[&str]| names.iter().any(|name| key.text(name).is_some());
    starts
        && (says(&key(NETLOGON), &["DynamicSiteName", "SiteName"])
            || says(
                &key(&format!(r"{POLICY}\History")),
                &["DCName", "MachineDomain"],
            )
            || says(
                &key(&format!(r"{POLICY}\State\Machine")),
                &["Distinguished-Name"],
            ))
}

/// From any name of a SID of the same domain.
fn older_name(machine: &Machine<'_>) -> Option<String> {
    let (domain, _) = machine
        .rows
        .system
        .directory_sid
        .as_deref()?
        .rsplit_once('-')?;
    let is_of_it = |sid: &str| sid.rsplit_once('-').is_some_and(|(of, _)| of == domain);
    let mut names = machine.rows.names.iter();
    let (_, name) = names.find(|(sid, name)| is_of_it(sid) && name.contains('\\'))?;
    name.split_once('\\').map(|(domain, _)| domain.to_owned())
}

/// Says the membership. Which controller answered last moves from day to day, so only the domain is named.
pub(super) fn look(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("registry", NETLOGON);
    part.or_missed(NETLOGON, machine.registry.key(NETLOGON));
    part.or_missed("which domain it belongs to", machine.registry.key(TCPIP));
    let stated = Stated {
        rule: "windows-domain",
        key: TCPIP,
        value: "Domain",
        kind: "ldap-bind",
        port: (389, Transport::Tcp),
        unit: &unit_name("Netlogon"),
    };
    let domain = Domain::of(machine);
    if let Some(name) = domain.name.filter(|_| !domain.is_controller) {
        part.saw(Fact::Reference(stated.of(Peer::Name(name))));
    }
    part.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{references, said};
    use crate::host::units::AREA;
    use crate::{Rows, Value, WrittenRegistry};

    const MEMBER: &str =
        "windows-domain Domain -> ldap-bind corp.example:389/tcp by Netlogon.service";

    fn with_suffix() -> WrittenRegistry {
        WrittenRegistry::default().with_text(TCPIP, "Domain", "corp.example")
    }

    fn netlogon(registry: WrittenRegistry, start: u64) -> WrittenRegistry {
        registry.with(
            &format!(r"{SERVICES}\Netlogon"),
            "Start",
            Value::Number(start),
        )
    }

    fn told(registry: &WrittenRegistry) -> Vec<String> {
        references(&said(&AREA, registry, &Rows::default()))
    }

    #[test]
    fn a_member_needs_its_domain() {
        let by_site = netlogon(with_suffix(), 2).with_text(NETLOGON, "DynamicSiteName", "Berlin");
        assert_eq!(told(&by_site), [MEMBER]);
        let history = format!(r"{POLICY}\History");
        let by_policy =
            netlogon(with_suffix(), 2).with_text(&history, "DCName", r"\\dc1.corp.example");
        assert_eq!(told(&by_policy), [MEMBER]);
        let mut rows = Rows::default();
        rows.system.directory_sid = Some("S-1-5-21-1-2-3-1104".into());
        assert_eq!(references(&said(&AREA, &with_suffix(), &rows)), [MEMBER]);
    }

    #[test]
    fn a_suffix_alone_is_no_membership_and_one_that_left_has_none() {
        assert!(told(&with_suffix()).is_empty());
        assert!(told(&netlogon(with_suffix(), 2)).is_empty());
        let left = netlogon(with_suffix(), 3).with_text(NETLOGON, "DynamicSiteName", "Berlin");
        assert!(told(&left).is_empty());
        let unnamed = netlogon(WrittenRegistry::default(), 2).with_text(
            NETLOGON,
            "DynamicSiteName",
            "Berlin",
        );
        assert!(told(&unnamed).is_empty());
    }

    #[test]
    fn a_controller_does_not_need_its_own_domain() {
        let controller = netlogon(with_suffix(), 2)
            .with_text(NETLOGON, "DynamicSiteName", "Berlin")
            .with_text(PRODUCT, "ProductType", "LanmanNT");
        assert!(told(&controller).is_empty());
    }
}
