//! `hosts` and `lmhosts`: names that files of this machine decide (hosts(5); Microsoft: "LMHOSTS.SAM").

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::fact::{Component, ComponentClass, NameAnswer, NameSource, Reference};
use groma_model::{Fact, HostName, Peer, Port, Reason, Transport};

use super::value::unc;
use crate::{Machine, Part, Said, joined, settled};

const STACK: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
const NETBIOS: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters";
/// Largest file that is read, in bytes: lists that block advertisers are long.
const FILE_MAX: u64 = 8 << 20;
/// Names that are said.
const NAMES_MAX: usize = 4096;
/// Names on one line.
const WORDS_MAX: usize = 64;

/// Both files, a scope each.
pub(super) fn read(machine: &Machine<'_>) -> Vec<Said> {
    let stack = machine
        .registry
        .key(STACK)
        .ok()
        .flatten()
        .unwrap_or_default();
    let folder = stack
        .text("DataBasePath")
        .unwrap_or(r"%SystemRoot%\System32\drivers\etc");
    let folder = settled(folder, &machine.expand());
    let netbios = machine
        .registry
        .key(NETBIOS)
        .ok()
        .flatten()
        .unwrap_or_default();
    let mut said = vec![one(machine, &joined(&folder, "hosts"), hosts)];
    if netbios.number("EnableLMHOSTS") != Some(0) {
        said.push(one(machine, &joined(&folder, "lmhosts"), lmhosts));
    }
    said
}

/// What one file says.
#[derive(Default)]
struct Names {
    by_name: BTreeMap<HostName, Vec<IpAddr>>,
    includes: Vec<(u32, String)>,
}

fn one(machine: &Machine<'_>, path: &str, parse: fn(&str) -> Names) -> Said {
    let mut part = Part::begin("file", &path.replace('\\', "/"));
    let read = machine.files.read(path, FILE_MAX);
    let bytes = part.or_missed(path, read).unwrap_or_default();
    let names = parse(&String::from_utf8_lossy(&bytes));
    if names.by_name.len() > NAMES_MAX {
        part.missed(format!("all names of {path}"), Reason::TooLarge);
    }
    for (name, mut addresses) in names.by_name.into_iter().take(NAMES_MAX) {
        addresses.sort();
        addresses.dedup();
        part.saw(Fact::Name(NameAnswer {
            asked: Peer::Name(name),
            by: NameSource::HostsFile,
            aliases: Vec::new(),
            addresses,
            names: Vec::new(),
            ttl_seconds: None,
        }));
    }
    for (line, include) in names.includes {
        part.saw_include(path, line, &include);
    }
    part.close()
}

impl Part {
    /// `#INCLUDE \\server\share\lmhosts`: the rest of the file lies elsewhere.
    fn saw_include(&mut self, path: &str, line: u32, include: &str) {
        let Some(target) = unc(include).filter(|target| !target.peer.is_loopback()) else {
            return;
        };
        self.saw(Fact::Reference(Reference {
            rule: "windows-lmhosts-include".to_owned(),
            file: path.into(),
            line,
            key: "#INCLUDE".to_owned(),
            peer: target.peer,
            port: Some(Port(445)),
            transport: Transport::Tcp,
            kind: "smb".to_owned(),
            component: Component {
                class: ComponentClass::File,
                name: path.into(),
            },
            resource: target.resource.map(Into::into),
            account: None,
            mechanism: None,
            protection: None,
            has_secret: false,
            rhythm: None,
            weak: false,
        }));
    }
}

/// As on Linux: names of this machine and addresses nobody has are left out.
fn hosts(text: &str) -> Names {
    let mut found = Names::default();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        if let Some(address) = words.next().and_then(address) {
            let names = words.take(WORDS_MAX).filter_map(HostName::parse);
            found.keep(names, address);
        }
    }
    found
}

/// `ADDRESS NAME #PRE #DOM:domain`, `#INCLUDE path`; `"NAME   \0x1b"` has a sixteenth letter that tells what serves there.
fn lmhosts(text: &str) -> Names {
    let mut found = Names::default();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#INCLUDE") {
            if found.includes.len() < WORDS_MAX {
                found.includes.push((number, path.trim().to_owned()));
            }
            continue;
        }
        let Some((first, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        let name = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split(['"', '\\']).next(),
            None => rest.split([' ', '\t', '#']).next(),
        };
        let name = name.and_then(|name| HostName::parse(name.trim()));
        if let Some(address) = address(first) {
            found.keep(name.into_iter(), address);
        }
    }
    found
}

impl Names {
    fn keep(&mut self, names: impl Iterator<Item = HostName>, address: IpAddr) {
        for name in names.filter(|name| !name.is_loopback()) {
            if self.by_name.len() <= NAMES_MAX || self.by_name.contains_key(&name) {
                let addresses = self.by_name.entry(name).or_default();
                if addresses.len() < WORDS_MAX {
                    addresses.push(address);
                }
            }
        }
    }
}

fn address(word: &str) -> Option<IpAddr> {
    let address: IpAddr = word.split('%').next()?.parse().ok()?;
    let nobody = address.is_loopback() || address.is_multicast() || address.is_unspecified();
    (!nobody).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{missed, of, said_with, shown};
    use super::*;
    use crate::{WrittenFiles, WrittenRegistry};

    const HOSTS: &[u8] = b"\xef\xbb\xbf# Copyright (c) 1993-2009 Microsoft Corp.\r\n#      102.54.94.97     rhino.acme.com\r\n\
        10.0.0.5 Old-Mail.corp.example old # the old one\r\n10.0.0.6\told\r\n127.0.0.1 ads.example\r\n0.0.0.0 tracker.example\r\n\
        ::1 localhost\r\nnonsense x\r\n";
    const LMHOSTS: &[u8] = b"10.0.0.7  PDC1  #PRE #DOM:CORP\r\n10.0.0.8 \"CORP           \\0x1b\" #PRE\r\n#10.0.0.9 gone\r\n\
        #BEGIN_ALTERNATE\r\n#INCLUDE \\\\files1\\public\\lmhosts\r\n#END_ALTERNATE\r\n127.0.0.1 me\r\n";

    #[test]
    fn names_that_files_decide_are_answers() {
        let files = WrittenFiles::default()
            .with(r"D:\names\hosts", HOSTS)
            .with(r"D:\names\lmhosts", LMHOSTS);
        let export = "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters]\r\n\"DataBasePath\"=\"D:\\\\names\"\r\n";
        let said = said_with(export, &files);
        let mut answers = Vec::new();
        for fact in said.iter().flat_map(|said| &said.facts) {
            if let Fact::Name(answer) = fact {
                assert_eq!(answer.by, NameSource::HostsFile);
                answers.push(format!("{} {:?}", answer.asked, answer.addresses));
            }
        }
        assert_eq!(
            answers,
            [
                "old [10.0.0.5, 10.0.0.6]",
                "old-mail.corp.example [10.0.0.5]",
                "corp [10.0.0.8]",
                "pdc1 [10.0.0.7]",
            ]
        );
        let scopes: Vec<&str> = said.iter().map(|said| said.scope.as_str()).collect();
        assert!(scopes.contains(&"file:D:/names/hosts"), "{scopes:?}");
        let include =
            "windows-lmhosts-include #INCLUDE -> smb files1 445/tcp, resource public/lmhosts";
        assert!(shown(&said).contains(&include.to_owned()));
    }

    #[test]
    fn lmhosts_that_are_switched_off_are_silent() {
        let folder = r"C:\Windows\System32\drivers\etc";
        let files = WrittenFiles::default().with(&format!(r"{folder}\lmhosts"), LMHOSTS);
        let export = "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\NetBT\\Parameters]\r\n\"EnableLMHOSTS\"=dword:00000000\r\n";
        assert!(shown(&said_with(export, &files)).is_empty());
    }

    #[test]
    fn a_file_that_is_refused_is_a_gap() {
        let path = r"C:\Windows\System32\drivers\etc\hosts";
        let files = WrittenFiles::default().refused(path, Reason::PermissionDenied);
        let missed = missed(&of(&WrittenRegistry::default(), &files));
        assert_eq!(missed.len(), 1);
        assert!(missed[0].contains(path));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        groma_fuzz::hammer(2000, &[HOSTS, LMHOSTS], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for names in [hosts(&text), lmhosts(&text)] {
                assert!(names.by_name.len() <= NAMES_MAX + WORDS_MAX);
            }
        });
    }
}
