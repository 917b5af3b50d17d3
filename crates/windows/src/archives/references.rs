//! The servers that profiles of Outlook name, as references.

use std::collections::BTreeSet;

use groma_model::Fact;
use groma_model::fact::{Component, ComponentClass, Reference};
use groma_model::name::{Peer, Port, Protection, Transport};

use super::outlook::NamedFile;
use super::people::Person;
use super::servers::NamedServer;
use crate::{Machine, Part};

/// Where the system is told of Outlook's program.
const PROGRAM: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\OUTLOOK.EXE";
const SMB: u16 = 445;

/// Says all references of all people.
pub(super) fn all(machine: &Machine<'_>, people: &[Person], part: &mut Part) {
    let component = outlook(machine);
    let mut told = BTreeSet::new();
    let mut say = |reference: Option<Reference>| {
        let Some(reference) = reference.filter(|reference| !reference.peer.is_loopback()) else {
            return;
        };
        let about = (
            reference.file.clone(),
            reference.key.clone(),
            reference.peer.clone(),
        );
        if told.insert(about) {
            part.saw(Fact::Reference(reference));
        }
    };
    for person in people {
        for profile in &person.profiles {
            for server in &profile.servers {
                say(of_server(server, &component));
            }
            for file in &profile.files {
                say(of_file(file, person, &component));
            }
        }
    }
}

fn outlook(machine: &Machine<'_>) -> Component {
    let key = machine.registry.key(PROGRAM).ok().flatten();
    let path = key.and_then(|key| key.text("").map(str::to_owned));
    let name = path.map(|path| path.trim_matches('"').to_owned());
    Component {
        class: ComponentClass::Executable,
        name: name.unwrap_or_else(|| "outlook.exe".to_owned()).into(),
    }
}

fn of_server(server: &NamedServer, component: &Component) -> Option<Reference> {
    let (host, port, by_url) = place(&server.server);
    Some(Reference {
        rule: "outlook-profile".to_owned(),
        file: server.key.as_str().into(),
        line: 1,
        key: server.value.clone(),
        peer: Peer::parse(host)?,
        port: server.port.or(port).map(Port),
        transport: Transport::Tcp,
        kind: server.kind.to_owned(),
        component: component.clone(),
        resource: server.resource.as_deref().map(Into::into),
        account: server.account.as_deref().map(Into::into),
        mechanism: None,
        protection: match (server.starttls, server.tls.or(by_url)) {
            (true, _) => Some(Protection::Starttls),
            (false, Some(true)) => Some(Protection::Tls),
            (false, Some(false)) => Some(Protection::None),
            (false, None) => None,
        },
        has_secret: false,
        rhythm: None,
        weak: false,
    })
}

/// Host, port and whether it is TLS, of a name or a URL; an account before the host is dropped.
fn place(written: &str) -> (&str, Option<u16>, Option<bool>) {
    let Some((scheme, rest)) = written.split_once("://") else {
        return (written, None, None);
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let tls = scheme.eq_ignore_ascii_case("https");
    let usual = if tls { 443 } else { 80 };
    match host.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => {
            (host, Some(port.parse().unwrap_or(usual)), Some(tls))
        }
        _ => (host, Some(usual), Some(tls)),
    }
}

/// A store on another machine: `\\server\share\…`, or a network drive that leads there.
fn of_file(file: &NamedFile, person: &Person, component: &Component) -> Option<Reference> {
    let unc = person.on_network(&file.path)?;
    let mut parts = unc.strip_prefix(r"\\")?.split('\\');
    let (server, share) = (parts.next()?, parts.next()?);
    Some(Reference {
        rule: "outlook-profile".to_owned(),
        file: file.key.as_str().into(),
        line: 1,
        key: file.value.clone(),
        peer: Peer::parse(server)?,
        port: Some(Port(SMB)),
        transport: Transport::Tcp,
        kind: "smb".to_owned(),
        component: component.clone(),
        resource: (!share.is_empty()).then(|| share.into()),
        account: None,
        mechanism: None,
        protection: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    })
}
