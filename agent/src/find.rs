//! `groma-agent find`: everything on this machine that names a system somebody is about to move.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use groma_model::batch::{Record, Said};
use groma_model::fact::{CertificatePlace, Component, ComponentClass, Reference};
use groma_model::found::{FOUND_SCHEMA, Found, Naming, Place, Spelling};
use groma_model::{Batch, Fact, Foreign, Gap, HostName, Peer};
use groma_source::{Disk, Source, Window, World};
use groma_source_config::{FindSource, MENTION, by_hosts_file, is_common_word, packages_of};
use groma_source_dns::NamesSource;
use groma_source_x509::CertificateFiles;

use crate::apart::bounded::{self, End};
use crate::apart::{Sight, Silence};
use crate::compose::{LookRequest, Quiet, header, patient};
use crate::hearing::Hearing;

/// A short name below this many letters is everywhere and says nothing.
const SHORT_MIN: usize = 3;
/// How long the system's own files (hosts, resolv.conf, lists of packages) are waited for.
const READING_MAX: Duration = Duration::from_secs(30);

/// What was found, and the evidence it stands on.
pub struct Search {
    /// For people and programs.
    pub found: Found,
    /// For `groma import`.
    pub batch: Batch,
}

/// Searches this machine for every place that names one of `asked`. Nobody is contacted where the world is offline,
/// except by nobody's resolver but the machine's own where it is not.
pub fn find(world: &World, asked: &[Peer], request: &LookRequest) -> Search {
    let window = Window::open(
        world.clock.clone(),
        request.stop.clone(),
        Duration::ZERO,
        request.limit,
    );
    let mut gaps = Vec::new();
    let world = &patient(world);
    let hearing = Hearing {
        window: &window,
        request,
        progress: &Quiet,
        offline: world.network.is_offline(),
        spellings: &[],
        silence: &Silence::default(),
    };
    let spellings = spellings(world, asked, hearing, &mut gaps);
    let hearing = Hearing {
        spellings: &spellings,
        ..hearing
    };
    let source = FindSource::new(world.clone(), spellings.clone());
    let name = source.name();
    let told = hearing.apart(vec![Box::new(source)], Sight::Files, request.source_limit);
    let records = told.records();
    gaps.extend(records.iter().filter_map(gap).cloned());
    let mut places: Vec<Place> = records
        .iter()
        .filter_map(|r| place(r, &spellings))
        .collect();
    places.extend(certificates(world, hearing, &mut gaps));
    places.sort_by(|a, b| (&a.file, a.line, &a.named).cmp(&(&b.file, b.line, &b.named)));
    places.dedup();
    name_packages(world, hearing, &mut places);
    let found = Found {
        schema: FOUND_SCHEMA.to_owned(),
        at: window.now(),
        asked: asked.iter().map(ToString::to_string).collect(),
        spellings,
        places,
        gaps,
    };
    let batch = Batch {
        header: header(request, &window, vec![name]),
        records: groma_model::batch::gathered(records),
    };
    Search { found, batch }
}

/// Everything the systems are called: by the hosts file, by DNS, by the search list, and in short.
fn spellings(
    world: &World,
    asked: &[Peer],
    hearing: Hearing<'_>,
    gaps: &mut Vec<Gap>,
) -> Vec<Spelling> {
    let mut known: Vec<Spelling> = asked
        .iter()
        .map(|peer| spelling(peer, naming_of(peer, Naming::Name), peer))
        .collect();
    for domain in read_here(hearing, world, |disk| search_domains(disk)) {
        for peer in asked {
            let whole = match peer {
                Peer::Name(name) if !name.as_str().contains('.') => {
                    HostName::parse(&format!("{name}.{domain}"))
                }
                _ => None,
            };
            known.extend(whole.map(|name| spelling(&Peer::Name(name), Naming::Alias, peer)));
        }
    }
    let so_far = known.clone();
    known.extend(read_here(hearing, world, move |disk| {
        by_hosts_file(disk, &so_far)
    }));
    let mut questions: BTreeSet<Peer> = BTreeSet::new();
    // A name has addresses, an address has names: twice is the whole of it.
    for _ in 0..2 {
        let new: Vec<Peer> = known.iter().map(|s| s.peer.clone()).collect();
        let new: Vec<Peer> = new
            .into_iter()
            .filter(|p| questions.insert(p.clone()))
            .collect();
        if new.is_empty() {
            break;
        }
        let names = NamesSource::new(world.clone(), new);
        let told = hearing.here(Box::new(names), hearing.request.source_limit);
        let records = told.records();
        gaps.extend(records.iter().filter_map(gap).cloned());
        for record in &records {
            add_answer(record, &mut known);
        }
    }
    let short: Vec<Spelling> = known.iter().filter_map(short).collect();
    known.extend(short);
    dedup(&mut known);
    known
}

fn spelling(peer: &Peer, naming: Naming, of: &Peer) -> Spelling {
    Spelling {
        text: peer.to_string(),
        naming,
        peer: peer.clone(),
        of: of.to_string(),
    }
}

fn naming_of(peer: &Peer, otherwise: Naming) -> Naming {
    match peer {
        Peer::Address(_) => Naming::Address,
        // A name without a domain is a word like any other: it must stand where a host may stand.
        Peer::Name(name) if !name.as_str().contains('.') => Naming::Short,
        Peer::Name(_) => otherwise,
    }
}

/// What DNS says of a name or an address that is searched for.
fn add_answer(record: &Record, known: &mut Vec<Spelling>) {
    let Said::Saw(observation) = &record.said else {
        return;
    };
    let Fact::Name(answer) = &observation.fact else {
        return;
    };
    let Some(of) = known
        .iter()
        .find(|s| s.peer == answer.asked)
        .map(|s| s.of.clone())
    else {
        return;
    };
    let names = answer
        .aliases
        .iter()
        .chain(&answer.names)
        .cloned()
        .map(Peer::Name);
    let addresses = answer.addresses.iter().map(|a| Peer::Address(*a));
    for peer in names.chain(addresses).filter(|peer| !peer.is_loopback()) {
        if known.iter().all(|s| s.peer != peer) {
            known.push(Spelling {
                text: peer.to_string(),
                naming: naming_of(&peer, Naming::Alias),
                peer,
                of: of.clone(),
            });
        }
    }
}

/// The first part of a name, where it tells one machine from others.
fn short(whole: &Spelling) -> Option<Spelling> {
    let Peer::Name(name) = &whole.peer else {
        return None;
    };
    let (first, _) = name.as_str().split_once('.')?;
    let telling = first.len() >= SHORT_MIN
        && !is_common_word(first)
        && !first.bytes().all(|b| b.is_ascii_digit());
    let peer = Peer::Name(HostName::parse(first)?);
    telling.then(|| Spelling {
        text: first.to_owned(),
        naming: Naming::Short,
        peer,
        of: whole.of.clone(),
    })
}

fn dedup(known: &mut Vec<Spelling>) {
    let mut seen = BTreeSet::new();
    known.retain(|s| seen.insert(s.text.to_ascii_lowercase()));
}

/// Domains the machine puts behind short names (`search` and `domain` of resolv.conf).
fn search_domains(disk: &dyn Disk) -> Vec<String> {
    let read = disk.read(Path::new("/etc/resolv.conf"), 64 << 10);
    let bytes = read.map(|r| r.bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lists = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("search" | "domain")).then(|| words.map(str::to_owned))
    });
    lists.flatten().take(8).collect()
}

fn gap(record: &Record) -> Option<&Gap> {
    match &record.said {
        Said::Missed(gap) => Some(gap),
        _ => None,
    }
}

fn place(record: &Record, spellings: &[Spelling]) -> Option<Place> {
    let Said::Saw(observation) = &record.said else {
        return None;
    };
    let Fact::Reference(reference) = &observation.fact else {
        return None;
    };
    let spelling = spellings.iter().find(|s| s.peer == reference.peer)?;
    let knows = reference.kind != "other";
    Some(Place {
        file: reference.file.clone(),
        line: Some(reference.line),
        key: Some(reference.key.clone()).filter(|key| !key.is_empty()),
        named: reference.peer.clone(),
        naming: naming_in(reference).unwrap_or(spelling.naming),
        of: spelling.of.clone(),
        component: reference.component.clone(),
        package: None,
        kind: knows.then(|| reference.kind.clone()),
        port: reference.port,
        certificate: false,
    })
}

fn naming_in(reference: &Reference) -> Option<Naming> {
    let word = reference.rule.strip_prefix(MENTION)?;
    [Naming::Name, Naming::Alias, Naming::Address, Naming::Short]
        .into_iter()
        .find(|naming| naming.word() == word)
}

/// Certificates on this machine that speak for one of the names.
fn certificates(world: &World, hearing: Hearing<'_>, gaps: &mut Vec<Gap>) -> Vec<Place> {
    let spellings = hearing.spellings;
    let source = Box::new(CertificateFiles::new(world.clone()));
    let limit = hearing.request.source_limit;
    let records = hearing.apart(vec![source], Sight::Files, limit).records();
    gaps.extend(records.iter().filter_map(gap).cloned());
    let mut out = Vec::new();
    for record in &records {
        let Said::Saw(observation) = &record.said else {
            continue;
        };
        let Fact::Certificate(sighting) = &observation.fact else {
            continue;
        };
        let CertificatePlace::File { path, .. } = &sighting.place else {
            continue;
        };
        let names: Vec<String> = sighting
            .certificate
            .names
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let meant = spellings
            .iter()
            .filter(|s| s.naming != Naming::Short && names.contains(&s.text.to_ascii_lowercase()));
        out.extend(meant.map(|s| in_certificate(path, s)));
    }
    out
}

fn in_certificate(path: &Foreign, spelling: &Spelling) -> Place {
    Place {
        file: path.clone(),
        line: None,
        key: None,
        named: spelling.peer.clone(),
        naming: spelling.naming,
        of: spelling.of.clone(),
        component: Component {
            class: ComponentClass::File,
            name: path.clone(),
        },
        package: None,
        kind: None,
        port: None,
        certificate: true,
    }
}

/// Reads a file or two of the system's own within this process, and without them goes on after a while.
fn read_here<T: Default + Send + 'static>(
    hearing: Hearing<'_>,
    world: &World,
    read: impl FnOnce(&dyn Disk) -> T + Send + 'static,
) -> T {
    let disk = world.disk.clone();
    match bounded::within(hearing.window, READING_MAX, move || read(disk.as_ref())) {
        End::Done(read) => read,
        End::Failed | End::Stuck(_) => T::default(),
    }
}

fn name_packages(world: &World, hearing: Hearing<'_>, places: &mut [Place]) {
    let files: BTreeSet<String> = places
        .iter()
        .filter_map(|p| p.file.as_str().map(str::to_owned))
        .collect();
    let packages: BTreeMap<String, String> =
        read_here(hearing, world, move |disk| packages_of(disk, &files));
    for place in places {
        place.package = place.file.as_str().and_then(|f| packages.get(f)).cloned();
    }
}

/// The places as lines for people.
pub(crate) fn render(found: &Found) -> String {
    let mut text = String::new();
    let names: Vec<String> = found.spellings.iter().map(|s| s.peer.to_string()).collect();
    let _ = writeln!(text, "searched for: {}", names.join(", "));
    for place in &found.places {
        let line = place
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let key = place
            .key
            .as_ref()
            .map_or_else(String::new, |key| format!("  {key}"));
        let _ = write!(text, "{}{line}{key}  names {}", place.file, place.named);
        let _ = write!(text, "{}", way(place));
        let _ = writeln!(text, "{}", owner(place));
    }
    let _ = writeln!(
        text,
        "{} places in {} files",
        found.places.len(),
        found
            .places
            .iter()
            .map(|p| &p.file)
            .collect::<BTreeSet<_>>()
            .len()
    );
    for gap in &found.gaps {
        let _ = writeln!(text, "not searched: {} ({})", gap.what, gap.reason);
    }
    printable(&text)
}

fn way(place: &Place) -> String {
    let of = &place.of;
    match place.naming {
        _ if place.certificate => " in a certificate".to_owned(),
        Naming::Name => String::new(),
        Naming::Alias => format!(" (another name of {of})"),
        Naming::Address if place.named.to_string() == *of => String::new(),
        Naming::Address => format!(" (an address of {of})"),
        Naming::Short => format!(" (short for {of})"),
    }
}

fn owner(place: &Place) -> String {
    let mut out = String::new();
    if let Some(kind) = &place.kind {
        let port = place
            .port
            .map_or_else(String::new, |port| format!(" at port {port}"));
        let _ = write!(out, ", for {kind}{port}");
    }
    let class = match place.component.class {
        ComponentClass::Unit => "unit",
        ComponentClass::ScheduledJob => "job",
        ComponentClass::Executable => "program",
        ComponentClass::Device => "device",
        ComponentClass::Container => "container",
        ComponentClass::File => "",
    };
    if !class.is_empty() {
        let _ = write!(out, "; {class} {}", place.component.name);
    }
    if let Some(package) = &place.package {
        let _ = write!(out, "; package {package}");
    }
    out
}

/// What was found is a stranger's text: no control character reaches a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use groma_model::AgentId;
    use groma_source::testing::{FakeDisk, world};

    use super::*;

    fn search(disk: FakeDisk, asked: &[&str]) -> Search {
        let mut world = world(disk);
        world.network = Arc::new(groma_source::testing::NoNetwork);
        let asked: Vec<Peer> = asked.iter().map(|a| Peer::parse(a).unwrap()).collect();
        let agent = AgentId::from_random([7; 16]);
        find(&world, &asked, &LookRequest::new(agent, Duration::ZERO))
    }

    fn machine() -> FakeDisk {
        FakeDisk::new()
            .file(
                "/etc/hosts",
                "10.0.0.5 oldmail.corp.example relay\n10.0.0.6 other\n",
            )
            .file(
                "/etc/postfix/main.cf",
                "relayhost = [oldmail.corp.example]:587\n",
            )
            .file(
                "/lib/systemd/system/postfix.service",
                "[Service]\nExecStart=/x\n",
            )
            .file(
                "/etc/cron.d/pages",
                "0 6 1 * * root /usr/local/sbin/pages\n",
            )
            .file(
                "/usr/local/sbin/pages",
                "#!/bin/sh\n# oldmail\nssh relay true\n",
            )
            .file(
                "/etc/postfix/master.cf",
                "relay     unix  -       -       y       -       -       smtp\n",
            )
            .file("/etc/nftables.conf", "ip daddr 10.0.0.5 accept\n")
            .file("/etc/app.conf.bak", "host = oldmail.corp.example\n")
            .file("/opt/a/README.md", "oldmail.corp.example\n")
            .file(
                "/opt/a/a.conf",
                "password=oldmail-hunter2\nurl=http://u:hunter2@oldmail.corp.example/\n",
            )
            .file("/var/lib/dpkg/info/postfix.list", "/etc/postfix/main.cf\n")
    }

    #[test]
    fn everything_that_names_a_system_is_found_and_nothing_else() {
        let found = search(machine(), &["oldmail.corp.example"]).found;
        assert_eq!(
            render(&found).lines().collect::<Vec<_>>(),
            [
                "searched for: oldmail.corp.example, 10.0.0.5, relay, oldmail",
                "/etc/hosts:1  names 10.0.0.5 (an address of oldmail.corp.example)",
                "/etc/hosts:1  names oldmail.corp.example",
                "/etc/hosts:1  names relay (another name of oldmail.corp.example)",
                "/etc/nftables.conf:1  names 10.0.0.5 (an address of oldmail.corp.example)",
                "/etc/postfix/main.cf:1  relayhost  names oldmail.corp.example, for smtp-submission at port 587; unit postfix.service; package postfix",
                "/opt/a/a.conf:2  url  names oldmail.corp.example, for http at port 80",
                "/usr/local/sbin/pages:3  command  names relay (another name of oldmail.corp.example), for ssh at port 22; job /etc/cron.d/pages:1",
                "7 places in 5 files",
                "not searched: what 3 names and addresses: this machine has no resolver that can be used (not present)",
            ]
        );
        let json = serde_json::to_string(&found).unwrap();
        assert!(!json.contains("hunter2"));
    }

    #[test]
    fn the_evidence_is_a_hint_for_each_place() {
        let batch = search(machine(), &["10.0.0.5"]).batch;
        let weak = batch.records.iter().all(|r| match &r.said {
            Said::Saw(o) => {
                matches!(&o.fact, Fact::Reference(r) if r.weak && r.rule.starts_with(MENTION))
            }
            _ => true,
        });
        assert!(weak && batch.records.len() > 3);
    }
}
