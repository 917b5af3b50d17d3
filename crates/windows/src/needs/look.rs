//! What every topic asks: keys with their gaps, who "this machine" is, and how a need is said.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::fact::{Component, ComponentClass, Reference};
use groma_model::{Fact, Peer, Port, Reason, Transport};

use super::SERVICES;
use super::value::{Target, unc};
use crate::host::units::unit_name;
use crate::{Expand, Key, Machine, Part, Said, archives, program_of};

/// Needs one scope may say; more are a gap.
const NEEDS_MAX: usize = 4096;
/// Sub-keys of one key that are entered.
const KEYS_MAX: usize = 4096;

/// What is asked once for all topics.
pub(super) struct Surroundings {
    names: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
    expand: Expand,
}

impl Surroundings {
    /// Names and addresses of the machine itself, and its variables.
    pub(super) fn of(machine: &Machine<'_>) -> Self {
        let key = |path: &str| {
            machine
                .registry
                .key(path)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let active = key(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName");
        let kept = key(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName");
        let stack = key(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters");
        let mut names = BTreeSet::new();
        let found = [
            Some(machine.rows.system.host_name.as_str()),
            active.text("ComputerName"),
            kept.text("ComputerName"),
            stack.text("Hostname"),
            stack.text("NV Hostname"),
        ];
        let domains = [stack.text("Domain"), stack.text("NV Domain")];
        for name in found.into_iter().flatten().filter(|name| !name.is_empty()) {
            names.insert(name.to_lowercase());
            for domain in domains.into_iter().flatten() {
                names.insert(format!("{name}.{domain}").to_lowercase());
            }
        }
        let all = machine.rows.adapters.iter().flat_map(|a| &a.addresses);
        let address = |text: &String| text.split('/').next()?.parse::<IpAddr>().ok();
        Self {
            names,
            addresses: all.filter_map(address).map(|a| a.to_canonical()).collect(),
            expand: machine.expand(),
        }
    }

    /// True if it is the machine that says it: a name everybody has for himself, or one of its own.
    pub(super) fn is_own(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Address(address) => address.is_loopback() || self.addresses.contains(address),
            Peer::Name(name) => name.is_loopback() || self.names.contains(name.as_str()),
        }
    }
}

/// A need, before it is said.
pub(super) struct Need<'n> {
    /// Rule, as `windows-odbc`.
    pub(super) rule: &'static str,
    /// The key it stands in.
    pub(super) key: &'n str,
    /// The value's name.
    pub(super) value: &'n str,
    /// Dependency kind, where the target says none of its own.
    pub(super) kind: &'n str,
    /// Port where none is written.
    pub(super) port: Option<u16>,
    /// Whom.
    pub(super) target: Target,
    /// Who reads it; none where only the key is known.
    pub(super) reader: Option<Component>,
    /// True for a mere trace.
    pub(super) weak: bool,
}

/// The service as the one that reads a value, as units are named.
pub(super) fn unit(name: &str) -> Option<Component> {
    Some(Component {
        class: ComponentClass::Unit,
        name: unit_name(name).into(),
    })
}

/// One scope while it is being read.
pub(super) struct Look<'a> {
    pub(super) machine: &'a Machine<'a>,
    around: &'a Surroundings,
    part: Part,
    told: usize,
    /// The line of a file that is being read; a key has one.
    line: u32,
    /// Needs said, so that the same is not said twice.
    said: BTreeSet<String>,
}

impl<'a> Look<'a> {
    /// Begins `registry:path`.
    pub(super) fn begin(machine: &'a Machine<'a>, around: &'a Surroundings, path: &str) -> Self {
        Self {
            machine,
            around,
            part: Part::begin("registry", path),
            told: 0,
            line: 1,
            said: BTreeSet::new(),
        }
    }

    /// The hives to read: people, then accounts of services. `.DEFAULT` is LocalSystem's under another name.
    pub(super) fn hives(&mut self) -> Vec<String> {
        let mut hives = self.machine.people(&mut self.part);
        let there = |name: &str| {
            let found = self.machine.registry.key(&format!(r"HKU\{name}"));
            !matches!(found, Ok(None))
        };
        hives.extend(
            SERVICES
                .iter()
                .filter(|s| there(s))
                .map(|s| (*s).to_owned()),
        );
        if !there("S-1-5-18") && there(".DEFAULT") {
            hives.push(".DEFAULT".to_owned());
        }
        hives
    }

    /// The homes of people.
    pub(super) fn homes(&mut self) -> Vec<String> {
        let homes = archives::homes(self.machine, &mut self.part).into_iter();
        homes.map(|(_, home)| home).collect()
    }

    /// Says in which line of its file the next need stands.
    pub(super) fn stands_at(&mut self, line: u32) {
        self.line = line;
    }

    /// False, with a gap, for a key that cannot be read.
    pub(super) fn may_enter(&mut self, path: &str) -> bool {
        let read = self.machine.registry.key(path);
        let may = read.is_ok();
        self.part.or_missed(path, read);
        may
    }

    /// The key; an absent one is empty, one that cannot be read is a gap.
    pub(super) fn key(&mut self, path: &str) -> Key {
        let read = self.machine.registry.key(path);
        self.part.or_missed(path, read).unwrap_or_default()
    }

    /// Every sub-key of `path` with its path and name.
    pub(super) fn below(&mut self, path: &str) -> Vec<(String, String, Key)> {
        let names = self.key(path).keys;
        if names.len() > KEYS_MAX {
            self.part.missed(format!("all of {path}"), Reason::TooLarge);
        }
        let mut found = Vec::new();
        for name in names.into_iter().take(KEYS_MAX) {
            let at = format!(r"{path}\{name}");
            let key = self.key(&at);
            found.push((at, name, key));
        }
        found
    }

    /// A text with its variables put in.
    pub(super) fn expanded(&self, text: &str) -> String {
        self.around.expand.text(text)
    }

    /// The program of a command line, without its arguments.
    pub(super) fn program(&self, command: &str) -> Option<String> {
        program_of(command, &self.around.expand)
    }

    /// True for a path in the folder of Windows.
    pub(super) fn is_of_windows(&self, path: &str) -> bool {
        let folder = format!("{}\\", self.around.expand.windows);
        let head = path.get(..folder.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(&folder))
    }

    /// True if it is the machine itself.
    pub(super) fn is_own(&self, peer: &Peer) -> bool {
        self.around.is_own(peer)
    }

    /// Says a need, unless it leads to the machine itself or was said.
    pub(super) fn needs(&mut self, need: Need<'_>) {
        if self.around.is_own(&need.target.peer) {
            return;
        }
        let reference = reference(need, self.line);
        let (file, peer) = (&reference.file, &reference.peer);
        let same = format!(
            "{}|{file}|{}|{peer}|{:?}|{:?}",
            reference.rule, reference.key, reference.port, reference.resource
        );
        if self.said.insert(same) {
            self.saw(Fact::Reference(reference));
        }
    }

    /// Says that a path on a share is used; a path of this machine is silent.
    pub(super) fn needs_share(&mut self, rule: &'static str, key: &str, value: &str, path: &str) {
        let path = self.expanded(path);
        if let Some(target) = unc(path.trim().trim_matches('"')) {
            self.needs(Need {
                rule,
                key,
                value,
                kind: "smb",
                port: Some(445),
                target,
                reader: None,
                weak: false,
            });
        }
    }

    /// A fact that is true now.
    pub(super) fn saw(&mut self, fact: Fact) {
        self.told += 1;
        if self.told <= NEEDS_MAX {
            self.part.saw(fact);
        }
    }

    /// Something that could not be seen.
    pub(super) fn missed(&mut self, what: impl Into<String>, reason: Reason) {
        self.part.missed(what, reason);
    }

    /// Ends the scope.
    pub(super) fn close(mut self) -> Said {
        if self.told > NEEDS_MAX {
            self.part
                .missed("all needs the registry names", Reason::BudgetExhausted);
        }
        self.part.close()
    }
}

fn reference(need: Need<'_>, line: u32) -> Reference {
    let target = need.target;
    let itself = || Component {
        class: ComponentClass::File,
        name: need.key.into(),
    };
    Reference {
        rule: need.rule.to_owned(),
        file: need.key.into(),
        line,
        key: need.value.to_owned(),
        peer: target.peer,
        port: target.port.or(target.default_port).or(need.port.map(Port)),
        transport: target.transport.unwrap_or(Transport::Tcp),
        kind: target.kind.unwrap_or(need.kind).to_owned(),
        component: need.reader.unwrap_or_else(itself),
        resource: target.resource.map(Into::into),
        account: target.account.map(Into::into),
        mechanism: None,
        protection: target.protection,
        has_secret: target.has_secret,
        rhythm: None,
        weak: need.weak,
    }
}
