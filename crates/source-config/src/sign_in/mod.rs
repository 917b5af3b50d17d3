//! `host.relying-parties`: which services the identity providers of this machine sign people in for, by the files they
//! keep such lists in.
//!
//! Keycloak and others keep the list in a database: what an administrator exports there is imported (`groma import`), and a
//! gap says so. A realm file beside Keycloak says what it was told at its first start, not what it knows now.

mod lemonldap;
mod metadata;
mod openid;
mod party;
mod shibboleth;
mod simplesaml;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_model::fact::RelyingParty;
use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World};

use crate::text::decode;
use openid::{AUTHELIA, DEX, Layout};
use party::Party;
use shibboleth::Place;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 4096;
/// Files one product may spread its list over.
const FILES_MAX: usize = 500;

const SIMPLESAML: &[&str] = &[
    "/etc/simplesamlphp",
    "/opt/simplesamlphp",
    "/srv/simplesamlphp",
    "/var/simplesamlphp",
    "/var/www/simplesamlphp",
];
const SHIBBOLETH: &[&str] = &[
    "/opt/shibboleth-idp",
    "/opt/shibboleth/idp",
    "/etc/shibboleth-idp",
];
const LEMONLDAP: &[&str] = &[
    "/var/lib/lemonldap-ng/conf",
    "/usr/local/lemonldap-ng/data/conf",
];
const OPENID: &[(&str, &Layout, &[&str])] = &[
    (
        "Authelia",
        &AUTHELIA,
        &[
            "/etc/authelia/configuration.yml",
            "/etc/authelia/configuration.yaml",
            "/etc/authelia/config.yml",
            "/opt/authelia/configuration.yml",
            "/srv/authelia/configuration.yml",
        ],
    ),
    (
        "Dex",
        &DEX,
        &[
            "/etc/dex/config.yaml",
            "/etc/dex/cfg/config.yaml",
            "/etc/dex/dex.yaml",
            "/opt/dex/config.yaml",
        ],
    ),
];
/// Settings of products that keep the list in a database, and how the list is had.
const ELSEWHERE: &[(&str, &[&str], &str)] = &[(
    "Keycloak",
    &[
        "/opt/keycloak/conf/keycloak.conf",
        "/etc/keycloak/keycloak.conf",
    ],
    "export the realm (kc.sh export --file corp.json --users skip) and import it: groma import corp.json --of THIS-MACHINE",
)];

/// Services that providers of this machine sign people in for.
pub struct RelyingPartiesSource {
    world: World,
}

impl RelyingPartiesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for RelyingPartiesSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.relying-parties")
    }

    fn explain(&self) -> Explanation {
        let all = |text: &str| vec![text.to_owned()];
        let mut reads = vec![
            format!(
                "config.php and metadata/*-sp-remote.php below {}",
                SIMPLESAML.join(", ")
            ),
            format!(
                "conf/metadata-providers.xml, conf/relying-party.xml and the metadata they name, below {}",
                SHIBBOLETH.join(", ")
            ),
            format!("the newest lmConf-*.json in {}", LEMONLDAP.join(", ")),
        ];
        reads.extend(OPENID.iter().map(|(_, _, files)| files.join(", ")));
        reads.extend(
            ELSEWHERE
                .iter()
                .map(|(_, files, _)| format!("whether one of {} is there", files.join(", "))),
        );
        Explanation {
            purpose: "Tells which services the identity providers here sign people in for: all of them stop letting people in when the provider moves.".into(),
            reads,
            contacts: Vec::new(),
            sends: all("what each service is called, by what the provider knows it, the machines people are sent back to, with file and line"),
            never_sends: all("secrets of clients, keys and certificates, persons, paths and queries of web addresses"),
            rights: all("root (or CAP_DAC_READ_SEARCH): the files hold secrets of clients"),
            cost: "a few small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut look = Look {
            disk: self.world.disk.as_ref(),
            window,
            limit: budget.file_bytes_max,
            scope: Scope::new("relying-parties", "/"),
            complete: true,
            said: BTreeSet::new(),
            sink,
        };
        look.simplesaml();
        look.shibboleth();
        look.lemonldap();
        look.openid();
        look.elsewhere();
        look.close();
    }
}

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    limit: u64,
    scope: Scope,
    complete: bool,
    said: BTreeSet<RelyingParty>,
    sink: &'a mut dyn Sink,
}

impl Look<'_> {
    fn simplesaml(&mut self) {
        for root in SIMPLESAML.iter().map(Path::new) {
            let configs = ["config.php", "config/config.php"].map(|name| root.join(name));
            let Some(config) = configs.iter().find_map(|path| self.text(path)) else {
                continue;
            };
            for (name, switch, way) in simplesaml::SETS {
                let file = root.join("metadata").join(name);
                if simplesaml::is_on(&config, switch)
                    && let Some(text) = self.text(&file)
                {
                    self.tell("SimpleSAMLphp", &file, simplesaml::services(&text, *way));
                }
            }
        }
    }

    fn shibboleth(&mut self) {
        for home in SHIBBOLETH {
            let providers = Path::new(home).join("conf/metadata-providers.xml");
            let mut known = BTreeSet::new();
            if let Some(text) = self.text(&providers) {
                // Some write the metadata of a service right into it.
                known.extend(self.shibboleth_file(&providers, &text));
                let mut fetched = false;
                let mut files = Vec::new();
                for place in shibboleth::places(&text, home) {
                    match place {
                        Place::File(path) => files.push(PathBuf::from(path)),
                        Place::Folder(path) => files.extend(self.folder(Path::new(&path))),
                        Place::Fetched => fetched = true,
                    }
                }
                self.bound(&mut files, &providers);
                for file in files {
                    if let Some(text) = self.text(&file) {
                        known.extend(self.shibboleth_file(&file, &text));
                    }
                }
                if fetched {
                    self.missed(
                        format!("services of the federation whose list {} fetches", providers.display()),
                        Reason::Unsupported,
                        "ask who of the federation signs in here: the provider's log (idp-audit.log) names them",
                    );
                }
            }
            let relying = Path::new(home).join("conf/relying-party.xml");
            if let Some(text) = self.text(&relying) {
                let (mut parties, partial) = shibboleth::overrides(&text);
                parties.retain(|p| p.identifier.as_ref().is_none_or(|id| !known.contains(id)));
                self.tell("Shibboleth", &relying, (parties, partial));
            }
        }
    }

    fn shibboleth_file(&mut self, file: &Path, text: &str) -> Vec<String> {
        let (parties, partial) = metadata::services(text);
        let known = parties
            .iter()
            .filter_map(|p| p.identifier.clone())
            .collect();
        self.tell("Shibboleth", file, (parties, partial));
        known
    }

    fn lemonldap(&mut self) {
        for folder in LEMONLDAP.iter().map(Path::new) {
            let states = self.entries(folder).into_iter().filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                Some((lemonldap::number(name)?, path))
            });
            // What was saved before is history.
            let Some((_, file)) = states.max() else {
                continue;
            };
            if let Some(text) = self.text(&file) {
                self.tell("LemonLDAP::NG", &file, lemonldap::services(&text));
            }
        }
    }

    fn openid(&mut self) {
        for (product, layout, files) in OPENID {
            for file in files.iter().map(Path::new) {
                if let Some(text) = self.text(file) {
                    self.tell(product, file, openid::services(layout, &text));
                }
            }
        }
    }

    fn elsewhere(&mut self) {
        for (product, files, remedy) in ELSEWHERE {
            let there = files
                .iter()
                .any(|file| self.disk.metadata(Path::new(file)).is_ok());
            if there {
                let what = format!(
                    "services that {product} signs people in for: it keeps them in its database"
                );
                self.missed(what, Reason::Unsupported, remedy);
            }
        }
    }

    /// A file that is there, as text.
    fn text(&mut self, path: &Path) -> Option<String> {
        match self.disk.read(path, self.limit) {
            Ok(read) => decode(&read.bytes).map(std::borrow::Cow::into_owned),
            Err(error) if error.is_absent() => None,
            Err(error) => {
                let remedy = match error.reason {
                    Reason::PermissionDenied => "run as root",
                    _ => "",
                };
                self.missed(
                    format!("services that {} lists", path.display()),
                    error.reason,
                    remedy,
                );
                None
            }
        }
    }

    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        match self.disk.list(folder, ENTRIES_MAX) {
            Ok(entries) => entries.into_iter().map(|entry| entry.path).collect(),
            Err(error) if error.is_absent() => Vec::new(),
            Err(error) => {
                self.missed(
                    format!("files in {}", folder.display()),
                    error.reason,
                    "run as root",
                );
                Vec::new()
            }
        }
    }

    /// Metadata in a folder: no copies and no samples beside it.
    fn folder(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut files = self.entries(folder);
        files.retain(|path| path.extension().is_some_and(|ending| ending == "xml"));
        files.sort();
        files
    }

    fn bound(&mut self, files: &mut Vec<PathBuf>, by: &Path) {
        if files.len() > FILES_MAX {
            files.truncate(FILES_MAX);
            let what = format!(
                "metadata beyond the first {FILES_MAX} files that {} names",
                by.display()
            );
            self.missed(what, Reason::BudgetExhausted, "");
        }
    }

    fn tell(&mut self, product: &str, file: &Path, (parties, partial): (Vec<Party>, bool)) {
        let name = foreign(file);
        let facts = parties
            .into_iter()
            .filter_map(|party| party.into_fact(product, &name));
        self.said.extend(facts);
        if partial {
            let what = format!("services that {name} lists beyond what could be read");
            self.missed(what, Reason::Malformed, "");
        }
    }

    fn missed(&mut self, what: String, reason: Reason, remedy: &str) {
        self.complete = false;
        self.sink.missed_because(&self.scope, what, reason, remedy);
    }

    fn close(self) {
        for fact in self.said {
            self.sink
                .saw_now(self.window, &self.scope, Fact::RelyingParty(fact));
        }
        let state = match self.complete {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.sink.covered_now(self.window, &self.scope, state);
    }
}
