//! `written.iis`: sites, applications and pools of Internet Information Services, what they hand on, and whom they need.
//!
//! Web applications' own settings (connection strings, mail servers, addresses) are read by the rules for configuration
//! files, which walk the drives they stand on.

mod forwards;
mod model;
mod needs;
#[cfg(test)]
mod tests;

use groma_model::fact::{Component, ComponentClass};
use groma_model::{Fact, Reason};

use crate::markup::{Element, document};
use crate::{Area, Expand, Machine, Part, Said, joined};
use model::Server;

/// The service that runs sites.
const WEB_SERVER: &str = "W3SVC.service";
/// Bytes of the configuration of the server, and of one application.
const SERVER_BYTES_MAX: u64 = 16 << 20;
const APPLICATION_BYTES_MAX: u64 = 1 << 20;

pub(crate) const AREA: Area = Area {
    name: "written.iis",
    purpose: "Tells which machines the web server needs and hands requests on to.",
    reads: &[
        r"%SystemRoot%\System32\inetsrv\config\applicationHost.config, redirection.config",
        r"web.config in the folders of its applications: rules that hand requests on, where sessions are kept",
        r"HKLM\SOFTWARE\Microsoft\IIS\CentralCertProvider: the share that holds certificates",
    ],
    never_sends: &["passwords of pools, folders and connection strings: only whether there is one"],
    read: iis,
};

fn iis(machine: &Machine<'_>) -> Vec<Said> {
    let expand = machine.expand();
    let mut part = Part::begin("written", "iis");
    let mut facts = needs::of_registry(machine, &mut part);
    let folder = config_folder(&expand);
    let redirection = joined(&folder, "redirection.config");
    if let Some(root) = element(machine, &mut part, &redirection, SERVER_BYTES_MAX) {
        facts.extend(needs::of_redirection(&root, &redirection));
    }
    if facts.iter().any(needs::is_of_redirection) {
        // What stands here is not what the server reads.
        part.missed(
            "sites of IIS: its configuration lies on a share",
            Reason::RemoteFileSystem,
        );
    } else if let Some(server) = server(machine, &mut part, &expand) {
        facts.extend(needs::of_server(&server));
        facts.extend(needs::of_accounts(machine, &server, &mut part));
        let read = |site: &model::Site, part: &mut Part| forwards::own(machine, part, site);
        facts.extend(forwards::all(&server, &mut part, read));
        facts.extend(sessions(machine, &server));
    }
    facts.into_iter().for_each(|fact| part.saw(fact));
    vec![part.close()]
}

fn config_folder(expand: &Expand) -> String {
    joined(&expand.windows, r"System32\inetsrv\config")
}

fn server(machine: &Machine<'_>, part: &mut Part, expand: &Expand) -> Option<Server> {
    let path = joined(&config_folder(expand), "applicationHost.config");
    let root = element(machine, part, &path, SERVER_BYTES_MAX)?;
    Some(Server::of(&root, &path, expand))
}

/// The outermost element of a file; what cannot be read is a gap.
fn element(machine: &Machine<'_>, part: &mut Part, path: &str, limit: u64) -> Option<Element> {
    let bytes = part.or_missed(path, machine.files.read(path, limit))?;
    match document(&bytes) {
        Ok(root) => Some(root),
        Err(reason) => {
            part.missed(path, reason);
            None
        }
    }
}

/// `web.config` of a folder on a drive of this machine.
fn own_settings(
    machine: &Machine<'_>,
    part: &mut Part,
    folder: &model::Folder,
) -> Option<(String, Element)> {
    if folder.path.starts_with(r"\\") || !folder.is_application {
        return None;
    }
    let path = joined(&folder.path, "web.config");
    let root = element(machine, part, &path, APPLICATION_BYTES_MAX)?;
    Some((path, root))
}

fn sessions(machine: &Machine<'_>, server: &Server) -> Vec<Fact> {
    let folders = server.sites.iter().flat_map(|site| &site.folders);
    let mut facts = Vec::new();
    for folder in folders {
        // Gaps were told where rules were read.
        let mut quiet = Part::begin("written", "iis");
        if let Some((path, root)) = own_settings(machine, &mut quiet, folder) {
            facts.extend(needs::of_sessions(&root, &path));
        }
    }
    facts.dedup();
    facts
}

/// The service that runs sites.
fn web_server() -> Component {
    Component {
        class: ComponentClass::Unit,
        name: WEB_SERVER.into(),
    }
}
