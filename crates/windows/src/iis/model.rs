//! What `applicationHost.config` says ("IIS configuration reference": `system.applicationHost`, `webFarms`, `rewrite`).

use std::collections::BTreeMap;

use crate::markup::Element;
use crate::{Expand, joined};

/// Things of one kind that are read.
const THINGS_MAX: usize = 5_000;

/// A web server.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    /// The file.
    pub(super) file: String,
    pub(super) sites: Vec<Site>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) farms: BTreeMap<String, Farm>,
    /// Where logs go.
    pub(super) logs: Vec<Log>,
    /// True if requests may be handed on to whatever a rule names.
    pub(super) is_proxy: bool,
    /// Rules for every site.
    pub(super) rules: Vec<Element>,
    /// Rules that stand here for one site or a path below it, in lower case.
    pub(super) rules_of: BTreeMap<String, Vec<Element>>,
}

/// A site that starts by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) bindings: Vec<Binding>,
    pub(super) folders: Vec<Folder>,
}

/// Where a site takes requests in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Binding {
    /// Address, empty for every one.
    pub(super) address: String,
    pub(super) port: u16,
    /// Host name, lower case; empty for any.
    pub(super) host: String,
}

/// A folder that a site shows.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Its path on the site, `/` for the site itself.
    pub(super) at: String,
    /// Where it stands.
    pub(super) path: String,
    /// True for the folder of an application, false for one that is shown within it.
    pub(super) is_application: bool,
    pub(super) pool: String,
    pub(super) account: Option<String>,
    pub(super) has_secret: bool,
    pub(super) line: u32,
}

/// A pool of processes.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// The account it runs as, where it is one of somebody.
    pub(super) account: Option<String>,
    pub(super) has_secret: bool,
    pub(super) line: u32,
}

/// Servers that share a load.
#[derive(Clone, Debug)]
pub(super) struct Farm {
    pub(super) name: String,
    pub(super) servers: Vec<Member>,
}

/// A server of a farm.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) address: String,
    pub(super) http: u16,
    pub(super) https: u16,
    pub(super) line: u32,
}

/// A folder of logs.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) path: String,
    pub(super) line: u32,
}

impl Server {
    /// Reads the configuration.
    pub(super) fn of(root: &Element, file: &str, expand: &Expand) -> Self {
        let mut server = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let host = root.child("system.applicationHost");
        server.farms(root);
        if let Some(host) = host {
            server.pools(host);
            server.sites(host, expand);
        }
        let own = root.child("system.webServer");
        server.is_proxy = own
            .and_then(|own| own.child("proxy"))
            .is_some_and(|proxy| says_yes(proxy, "enabled"));
        server.rules = own.map(|own| rules(own, "globalRules")).unwrap_or_default();
        for place in root.all("location").take(THINGS_MAX) {
            let Some(own) = place.child("system.webServer") else {
                continue;
            };
            match place.attribute("path").map(str::to_lowercase) {
                None => server.rules.extend(rules(own, "rules")),
                Some(path) => server
                    .rules_of
                    .entry(path)
                    .or_default()
                    .extend(rules(own, "rules")),
            }
        }
        server
    }

    fn pools(&mut self, host: &Element) {
        let all = host.child("applicationPools");
        let usual = all.and_then(|all| all.at(&["applicationPoolDefaults", "processModel"]));
        for pool in all
            .into_iter()
            .flat_map(|all| all.all("add"))
            .take(THINGS_MAX)
        {
            let Some(name) = pool.attribute("name") else {
                continue;
            };
            let process = pool.child("processModel");
            let said = |name: &str| inherited(name, &[process, usual]);
            let account = said("userName").filter(|_| said("identityType") == Some("SpecificUser"));
            let read = Pool {
                account: account.map(str::to_owned),
                has_secret: said("password").is_some(),
                line: process.map_or(pool.line, |process| process.line),
            };
            self.pools.insert(name.to_lowercase(), read);
        }
    }

    fn sites(&mut self, host: &Element, expand: &Expand) {
        let Some(sites) = host.child("sites") else {
            return;
        };
        let defaults = sites.at(&["siteDefaults", "logFile"]);
        let central = ["centralW3CLogFile", "centralBinaryLogFile"];
        let mode = host
            .child("log")
            .and_then(|log| log.attribute("centralLogFileMode"));
        let is_central = mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("Site"));
        for log in central
            .iter()
            .filter_map(|name| host.at(&["log", name]))
            .filter(|_| is_central)
        {
            self.log(log.attribute("directory"), log.line, None, expand);
        }
        for site in sites.all("site").take(THINGS_MAX) {
            if site
                .attribute("serverAutoStart")
                .is_some_and(|said| said.eq_ignore_ascii_case("false"))
            {
                continue;
            }
            let own = site
                .child("logFile")
                .filter(|log| log.attribute("directory").is_some());
            let log = own.or(defaults);
            let number = site.attribute("id").unwrap_or("1");
            let directory = log.and_then(|log| log.attribute("directory"));
            if !is_central {
                let line = log.map_or(site.line, |log| log.line);
                self.log(directory, line, Some(number), expand);
            }
            self.sites.push(Site::of(site, sites, expand));
        }
    }

    fn log(&mut self, directory: Option<&str>, line: u32, site: Option<&str>, expand: &Expand) {
        let usual = r"%SystemDrive%\inetpub\logs\LogFiles";
        let directory = expand.text(directory.unwrap_or(usual));
        let path = match site {
            Some(number) => joined(&directory, &format!("W3SVC{number}")),
            None => directory,
        };
        self.logs.push(Log { path, line });
    }

    fn farms(&mut self, root: &Element) {
        let farms = root.child("webFarms").into_iter();
        for farm in farms
            .flat_map(|farms| farms.all("webFarm"))
            .take(THINGS_MAX)
        {
            let Some(name) = farm.attribute("name").filter(|_| !says_no(farm, "enabled")) else {
                continue;
            };
            let members = farm
                .all("server")
                .filter(|server| !says_no(server, "enabled"));
            let member = |server: &Element| {
                let routing = server.child("applicationRequestRouting");
                let port = |name: &str| routing?.attribute(name)?.parse().ok();
                Some(Member {
                    address: server.attribute("address")?.to_owned(),
                    http: port("httpPort").unwrap_or(80),
                    https: port("httpsPort").unwrap_or(443),
                    line: server.line,
                })
            };
            let read = Farm {
                name: name.to_owned(),
                servers: members.filter_map(member).take(THINGS_MAX).collect(),
            };
            self.farms.insert(name.to_lowercase(), read);
        }
    }
}

impl Site {
    fn of(site: &Element, sites: &Element, expand: &Expand) -> Self {
        let bindings = site.child("bindings").into_iter();
        let bindings = bindings.flat_map(|bindings| bindings.all("binding"));
        let defaults = sites.child("applicationDefaults");
        let usual = defaults.and_then(|defaults| defaults.attribute("applicationPool"));
        let of_site = site.child("virtualDirectoryDefaults");
        let of_all = sites.child("virtualDirectoryDefaults");
        let mut folders = Vec::new();
        for application in site.all("application").take(THINGS_MAX) {
            let pool = application.attribute("applicationPool").or(usual);
            let base = application.attribute("path").unwrap_or("/");
            let around = application.child("virtualDirectoryDefaults");
            for shown in application.all("virtualDirectory").take(THINGS_MAX) {
                let Some(path) = shown.attribute("physicalPath") else {
                    continue;
                };
                let below = shown.attribute("path").unwrap_or("/");
                let said = |name: &str| inherited(name, &[Some(shown), around, of_site, of_all]);
                folders.push(Folder {
                    at: format!("{}{}", base.trim_end_matches('/'), below),
                    path: folder(&expand.text(path)),
                    is_application: below == "/",
                    pool: pool.unwrap_or("DefaultAppPool").to_lowercase(),
                    account: said("userName").map(str::to_owned),
                    has_secret: said("password").is_some(),
                    line: shown.line,
                });
            }
        }
        Self {
            name: site.attribute("name").unwrap_or_default().to_owned(),
            bindings: bindings.filter_map(binding).take(THINGS_MAX).collect(),
            folders,
        }
    }
}

/// An attribute of the first element that has it: what stands in one holds for those within, too.
fn inherited<'e>(name: &str, elements: &[Option<&'e Element>]) -> Option<&'e str> {
    elements.iter().flatten().find_map(|e| e.attribute(name))
}

/// A path without the sign at its end, but for the root of a drive.
fn folder(path: &str) -> String {
    match path.trim_end_matches('\\') {
        drive if drive.ends_with(':') => format!(r"{drive}\"),
        folder => folder.to_owned(),
    }
}

/// `*:80:www.corp.example`, `[fd00::1]:443:` of HTTP and HTTPS.
fn binding(element: &Element) -> Option<Binding> {
    let protocol = element.attribute("protocol")?;
    if !matches!(protocol, "http" | "https") {
        return None;
    }
    let (rest, host) = element.attribute("bindingInformation")?.rsplit_once(':')?;
    let (address, port) = rest.rsplit_once(':')?;
    Some(Binding {
        address: address.trim_matches('*').to_owned(),
        port: port.parse().ok()?,
        host: host.trim().to_lowercase(),
    })
}

/// The rules of a list that are switched on.
pub(super) fn rules(own: &Element, list: &str) -> Vec<Element> {
    let list = own.at(&["rewrite", list]).into_iter();
    let all = list.flat_map(|list| list.all("rule"));
    let on = all.filter(|rule| !says_no(rule, "enabled"));
    on.take(THINGS_MAX).cloned().collect()
}

fn says_yes(element: &Element, name: &str) -> bool {
    element
        .attribute(name)
        .is_some_and(|said| said.eq_ignore_ascii_case("true"))
}

fn says_no(element: &Element, name: &str) -> bool {
    element
        .attribute(name)
        .is_some_and(|said| said.eq_ignore_ascii_case("false"))
}
