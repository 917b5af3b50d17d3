//! Shares and machines that sites, logs, certificates and sessions need.

use std::collections::BTreeSet;

use groma_model::fact::Reference;
use groma_model::{Fact, Peer, Port, Transport};

use super::model::{Pool, Server};
use super::{WEB_SERVER, web_server};
use crate::addressed::{Place, host_and_port, share};
use crate::host::domain::{Domain, ShortNames};
use crate::host::stated::Stated;
use crate::markup::Element;
use crate::{Machine, Part};

const CENTRAL: &str = r"HKLM\SOFTWARE\Microsoft\IIS\CentralCertProvider";
const REDIRECTION: &str = "iis-redirection";
/// Where the state server of ASP.NET listens by habit.
const STATE_PORT: u16 = 42_424;

fn needed(place: Place, rule: &str, file: &str, line: u32, key: &str) -> Reference {
    place.reference(rule, file, line, key, web_server())
}

/// The share certificates are taken from, where IIS takes them from one.
pub(super) fn of_registry(machine: &Machine<'_>, part: &mut Part) -> Vec<Fact> {
    let key = part.or_missed(CENTRAL, machine.registry.key(CENTRAL));
    let Some(key) = key.filter(|key| key.number("Enabled") == Some(1)) else {
        return Vec::new();
    };
    let Some(place) = key.text("CertStoreLocation").and_then(share) else {
        return Vec::new();
    };
    // A registry has no lines.
    let mut found = needed(place, "iis-certificates", CENTRAL, 0, "CertStoreLocation");
    found.account = key.text("UserName").map(Into::into);
    found.has_secret = key.value("Password").is_some();
    vec![Fact::Reference(found)]
}

/// The share that the configuration itself lies on.
pub(super) fn of_redirection(root: &Element, file: &str) -> Option<Fact> {
    let element = root.child("configurationRedirection")?;
    if !element
        .attribute("enabled")
        .is_some_and(|said| said.eq_ignore_ascii_case("true"))
    {
        return None;
    }
    let place = share(element.attribute("path")?)?;
    let mut found = needed(place, REDIRECTION, file, element.line, "path");
    found.account = element.attribute("userName").map(Into::into);
    found.has_secret = element.attribute("password").is_some();
    Some(Fact::Reference(found))
}

/// True for the need of a configuration that lies elsewhere.
pub(super) fn is_of_redirection(fact: &Fact) -> bool {
    matches!(fact, Fact::Reference(reference) if reference.rule == REDIRECTION)
}

/// Shares that folders and logs of sites lie on.
pub(super) fn of_server(server: &Server) -> Vec<Fact> {
    let mut facts = Vec::new();
    for folder in server.sites.iter().flat_map(|site| &site.folders) {
        let Some(place) = share(&folder.path) else {
            continue;
        };
        let mut found = needed(place, "iis-site", &server.file, folder.line, "physicalPath");
        let pool = server.pools.get(&folder.pool);
        let by_pool = pool.and_then(|pool| pool.account.clone());
        found.account = folder.account.clone().or(by_pool).map(Into::into);
        found.has_secret = folder.has_secret;
        facts.push(Fact::Reference(found));
    }
    for log in &server.logs {
        if let Some(place) = share(&log.path) {
            let found = needed(place, "iis-log", &server.file, log.line, "directory");
            facts.push(Fact::Reference(found));
        }
    }
    facts
}

/// Where accounts of pools log on that a site uses.
pub(super) fn of_accounts(machine: &Machine<'_>, server: &Server, part: &mut Part) -> Vec<Fact> {
    let domain = Domain::of(machine);
    let folders = server.sites.iter().flat_map(|site| &site.folders);
    let used: BTreeSet<&str> = folders.map(|folder| folder.pool.as_str()).collect();
    let pools = used.into_iter().filter_map(|name| server.pools.get(name));
    let mut unresolved = ShortNames::default();
    let logon = |pool: &Pool| {
        let account = pool.account.as_deref()?;
        unresolved.add(&domain, account);
        let stated = Stated {
            rule: "iis-pool-account",
            key: &server.file,
            value: "userName",
            kind: "kerberos",
            port: (88, Transport::Tcp),
            unit: WEB_SERVER,
        };
        let mut found = stated.of(Peer::Name(domain.of_account(account)?));
        found.line = pool.line;
        found.account = Some(account.into());
        found.has_secret = pool.has_secret;
        Some(Fact::Reference(found))
    };
    let facts = pools.filter_map(logon).collect();
    unresolved.say(part);
    facts
}

/// The machine that keeps sessions (`sessionState` in `mode="StateServer"`: `tcpip=server:42424`).
pub(super) fn of_sessions(root: &Element, file: &str) -> Option<Fact> {
    let element = root.at(&["system.web", "sessionState"])?;
    let is_server = |mode: &str| mode.eq_ignore_ascii_case("StateServer");
    let text = element.attribute("stateConnectionString")?;
    let text = text
        .strip_prefix("tcpip=")
        .filter(|_| element.attribute("mode").is_some_and(is_server))?;
    let (host, port) = host_and_port(text.trim());
    let peer = Peer::parse(host).filter(|peer| !peer.is_loopback())?;
    let place = Place {
        peer,
        port: Some(Port(port.unwrap_or(STATE_PORT))),
        kind: "other",
        resource: None,
        account: None,
        has_secret: false,
        protection: None,
    };
    let found = needed(
        place,
        "iis-session",
        file,
        element.line,
        "stateConnectionString",
    );
    Some(Fact::Reference(found))
}
