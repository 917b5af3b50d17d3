//! Shares and machines that sites, logs, certificates and sessions need.

use groma_model::Fact;
use groma_model::fact::Reference;

use super::model::Server;
use super::web_server;
use crate::addressed::{Place, host_and_port, share};
use crate::markup::Element;
use crate::{Machine, Part};
use groma_model::{Peer, Port};

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
