//! Each fact as one line a person understands: the answer to "why do you believe this?".
//!
//! The words carry no colour and no layout; control characters that strangers wrote are still in them,
//! and every sink escapes for itself.

mod content;
mod directory;
mod mail;
mod reported;

use crate::Fact;
use crate::fact::{
    Attachment, CertificatePlace, CertificateRole, Connection, Direction, FileSystem, FilterRule,
    Forward, ForwardEnd, ForwardMode, Job, Listener, LoggedSearch, LoggedUse, NameAnswer,
    NameSource, Program, Reference,
};
use crate::mail::MailRecord;
use crate::name::{Peer, Protection};

impl Fact {
    /// The fact in one line, without who looked and when.
    pub fn says(&self) -> String {
        match self {
            Self::Identity(identity) => format!("the machine calls itself {}", identity.host_name),
            Self::OperatingSystem(os) => format!("runs {}, kernel {}", os.pretty_name, os.kernel),
            Self::Hardware(hardware) => format!(
                "{} processors, {} MiB memory",
                hardware.processors,
                hardware.memory_bytes >> 20
            ),
            Self::FileSystem(mount) => file_system(mount),
            Self::Interface(interface) => format!(
                "interface {} has {}",
                interface.name,
                interface.addresses.join(", ")
            ),
            Self::Route(route) => format!(
                "routes {} {}",
                route.destination,
                route
                    .gateway
                    .map_or_else(|| "directly".to_owned(), |g| format!("through {g}"))
            ),
            Self::Neighbour(neighbour) => format!(
                "{} is on the same link with MAC {}",
                neighbour.address, neighbour.mac
            ),
            Self::Account(account) => format!(
                "account {} {}",
                account.name,
                if account.can_log_in {
                    "can log in"
                } else {
                    "cannot log in"
                }
            ),
            Self::Package(package) => format!("package {} {}", package.name, package.version),
            Self::Unit(unit) => format!(
                "unit {} is {}",
                unit.name,
                if unit.enabled {
                    "enabled"
                } else {
                    "not enabled"
                }
            ),
            Self::Job(job) => says_job(job),
            Self::Container(container) => format!(
                "{} container {}",
                container.runtime,
                container
                    .name
                    .as_ref()
                    .map_or_else(|| container.id.clone(), ToString::to_string)
            ),
            Self::Listener(listener) => says_listener(listener),
            Self::Connection(connection) => says_connection(connection),
            Self::Certificate(sighting) => {
                let place = match &sighting.place {
                    CertificatePlace::File { path, .. } => format!("stands in {path}"),
                    CertificatePlace::Endpoint {
                        address,
                        port,
                        protocol,
                        ..
                    } => format!("is presented at {address} port {port} ({protocol})"),
                };
                format!(
                    "certificate \"{}\" {place}, valid until {}",
                    sighting.certificate.subject,
                    sighting.certificate.not_after.day()
                )
            }
            Self::CertificateUse(used) => {
                let does = match used.role {
                    CertificateRole::Presents => "presents",
                    CertificateRole::Trusts => "trusts",
                };
                format!(
                    "{} {does} the certificate in {}, as {}:{} {} says",
                    used.component.name, used.certificate_file, used.file, used.line, used.key
                )
            }
            Self::Name(answer) => says_name(answer),
            Self::Reference(reference) => says_reference(reference),
            Self::Pin(pin) => format!(
                "{}:{} {} trusts one certificate by its {} hash {}…",
                pin.file,
                pin.line,
                pin.key,
                pin.algorithm,
                pin.digest.get(..16).unwrap_or(&pin.digest)
            ),
            Self::Declared(row) => format!("the list {} names {}", row.list, row.name),
            Self::MailboxTie(tie) => content::mailbox_tie(tie),
            Self::RelyingParty(party) => content::relying_party(party),
            Self::Archive(archive) => content::archive(archive),
            Self::Database(database) => content::database(database),
            Self::Share(share) => content::share(share),
            Self::Access(access) => content::access(access),
            Self::BackupJob(job) => content::backup(job),
            Self::Watch(watch) => content::watch(watch),
            Self::Admission(admission) => content::admission(admission),
            Self::MailRecord(record) => says_mail_record(record),
            Self::MailRoute(route) => route.says(),
            Self::Measurement(m) => format!("{} of {} is {}", m.metric, m.subject, m.value),
            Self::Forward(forward) => says_forward(forward),
            Self::FilterRule(rule) => says_filter_rule(rule),
            Self::ProtocolSetting(setting) => setting.says(),
            Self::Attachment(device) => says_attachment(device),
            Self::LoggedUse(used) => says_logged_use(used),
            Self::LoggedSearch(search) => says_logged_search(search),
            Self::ReportedUse(used) | Self::PacketUse(used) | Self::TableUse(used) => {
                reported::used(used)
            }
            Self::Sighting(sighting) => sighting.says(),
            Self::MailUse(used) => mail::used(used),
            Self::MailReader(reader) => mail::reader(reader),
            Self::MailServer(server) => mail::server(server),
            Self::DirectoryObject(object) => directory::object(object),
            Self::DirectoryNeed(need) => directory::need(need),
            Self::ZoneRecord(record) => says_zone_record(record),
            Self::HostMet(met) => format!("{} is there: {}", met.address, met.by.words()),
            Self::OpenPort(open) => says_open(open),
            Self::AskedName(asked) => {
                format!(
                    "{} was asked for {}: {}",
                    asked.product, asked.name, asked.log
                )
            }
            Self::SeenService(seen) => seen.says(),
            Self::DeviceSays(device) => device.says(),
            Self::LinkSeen(link) => link.says(),
            Self::SentinelPost(post) => post.says(),
            Self::Knock(knock) => knock.says(),
            Self::Guest(guest) => guest.says(),
            Self::Hypervisor(host) => host.says(),
            Self::Cluster(cluster) => cluster.says(),
            Self::Datastore(datastore) => datastore.says(),
            Self::Unknown(_) => "a fact this version does not know".to_owned(),
        }
    }
}

impl Program {
    /// The shortest text that tells a person which program it is.
    pub fn label(&self) -> String {
        let what = self
            .script
            .as_ref()
            .or(self.executable.as_ref())
            .map(ToString::to_string);
        match (what, &self.unit, &self.container) {
            (Some(what), _, Some(container)) => format!("{what} in container {container}"),
            (Some(what), Some(unit), None) => format!("{what} ({unit})"),
            (Some(what), None, None) => what,
            (None, Some(unit), _) => unit.clone(),
            (None, None, Some(container)) => format!("container {container}"),
            (None, None, None) => "a program we may not see".to_owned(),
        }
    }
}

fn file_system(mount: &FileSystem) -> String {
    match &mount.remote {
        Some(remote) => format!(
            "{} is {} {} of {}",
            mount.mount_point, mount.kind, remote.resource, remote.peer
        ),
        None => format!(
            "{} is {} on {}",
            mount.mount_point, mount.kind, mount.device
        ),
    }
}

fn says_job(job: &Job) -> String {
    let what = job
        .executable
        .as_ref()
        .map_or_else(|| job.name.to_string(), ToString::to_string);
    format!(
        "{} starts {what} at \"{}\" ({})",
        job.scheduler, job.schedule, job.file
    )
}

fn says_open(open: &crate::met::OpenPort) -> String {
    let (address, port, transport) = (open.address, open.port, open.transport);
    match &open.speaks {
        Some(protocol) => format!("{address} answers at {port}/{transport}, and speaks {protocol}"),
        None => format!("{address} accepts at {port}/{transport}, as seen over the network"),
    }
}

fn says_listener(listener: &Listener) -> String {
    format!(
        "{} listens on {} port {}/{}",
        listener.program.label(),
        listener.address,
        listener.port,
        listener.transport
    )
}

fn says_connection(connection: &Connection) -> String {
    let Connection {
        remote,
        service_port,
        transport,
        local,
        program,
        asked,
        ..
    } = connection;
    let remote = match asked {
        Some(name) => format!("{name} ({remote})"),
        None => remote.to_string(),
    };
    match connection.direction {
        Direction::Outgoing => format!(
            "{} is connected to {remote} port {service_port}/{transport}",
            program.label()
        ),
        Direction::Incoming => format!(
            "{remote} is connected to {} at {local} port {service_port}/{transport}",
            program.label()
        ),
    }
}

fn says_mail_record(record: &MailRecord) -> String {
    let what = record.purpose.as_str();
    let said = match record.values.as_slice() {
        [] => "nothing".to_owned(),
        values => values.join(", "),
    };
    let mut text = format!("{what} at {} is {said}", record.asked);
    if let Some(seconds) = record.ttl_seconds {
        text.push_str(&format!(", remembered for {seconds} s"));
    }
    if let Some(lookups) = record.lookups {
        text.push_str(&format!(", {lookups} look-ups"));
    }
    text
}

fn says_zone_record(record: &crate::zone::ZoneRecord) -> String {
    let values = record.values.join(", ");
    let mut text = format!(
        "{} {} is {values} in {}",
        record.owner, record.kind, record.file
    );
    if let Some(seconds) = record.ttl_seconds {
        text.push_str(&format!(", remembered for {seconds} s"));
    }
    text
}

fn says_logged_search(search: &LoggedSearch) -> String {
    let LoggedSearch {
        peer,
        product,
        base,
        log,
        ..
    } = search;
    let account = search
        .account
        .as_ref()
        .map(|account| match account.is_empty() {
            true => ", as nobody".to_owned(),
            false => format!(", as {account}"),
        });
    let account = account.unwrap_or_default();
    let by: Vec<String> = search.by.iter().map(ToString::to_string).collect();
    let by = match by.is_empty() {
        true => String::new(),
        false => format!(" by {}", by.join(", ")),
    };
    format!("{peer} searched {product} below {base}{by}{account}: {log}")
}

fn says_logged_use(used: &LoggedUse) -> String {
    let LoggedUse {
        peer,
        transport,
        product,
        log,
        ..
    } = used;
    let how = [
        used.account
            .as_ref()
            .map(|account| match account.is_empty() {
                true => "as nobody".to_owned(),
                false => format!("as {account}"),
            }),
        used.mechanism.as_ref().map(|how| format!("by {how}")),
        used.program
            .as_ref()
            .map(|program| format!("with {program}")),
        used.share.as_ref().map(|share| match used.kind.as_str() {
            "print" => format!("queue {share}"),
            _ => format!("share {share}"),
        }),
        used.protection.map(|protection| {
            match protection {
                Protection::None => "in clear text",
                Protection::Starttls => "with STARTTLS",
                Protection::Tls => "with TLS",
            }
            .to_owned()
        }),
    ];
    let how: String = how
        .into_iter()
        .flatten()
        .map(|h| format!(", {h}"))
        .collect();
    let port = used
        .port
        .map_or_else(String::new, |port| format!("port {port}/{transport}"));
    match used.direction {
        Direction::Incoming => {
            let name = used.name.as_ref().map(|name| name.to_string());
            let at: String = [Some(port).filter(|port| !port.is_empty()), name]
                .into_iter()
                .flatten()
                .map(|at| format!(" at {at}"))
                .collect();
            format!("{peer} used {product}{at}{how}: {log}")
        }
        Direction::Outgoing => {
            let name = used
                .name
                .as_ref()
                .map_or_else(|| peer.to_string(), |n| format!("{n} ({peer})"));
            let port = if port.is_empty() {
                port
            } else {
                format!(" {port}")
            };
            format!("{product} used {name}{port}{how}: {log}")
        }
    }
}

impl ForwardMode {
    /// What stands between, for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::HttpProxy => "reverse proxy",
            Self::TcpProxy => "relay",
            Self::Nat => "address translation",
            Self::Tunnel => "tunnel",
        }
    }
}

impl std::fmt::Display for ForwardEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Endpoint { peer, port, .. } => f.write_str(&at(peer, *port)),
            Self::Socket { path } => write!(f, "{path}"),
            Self::Network { network } => f.write_str(network),
        }
    }
}

fn at(peer: &Peer, port: Option<crate::Port>) -> String {
    match (peer, port) {
        (Peer::Address(address), Some(port)) if address.is_ipv6() => format!("[{address}]:{port}"),
        (peer, Some(port)) => format!("{peer}:{port}"),
        (peer, None) => peer.to_string(),
    }
}

/// Where a file and line, or a live table, says it.
fn place_of(file: Option<&crate::Foreign>, line: Option<u32>, table: Option<&str>) -> String {
    match (file, line, table) {
        (Some(file), Some(line), _) => format!("{file}:{line}"),
        (Some(file), None, _) => file.to_string(),
        (None, _, Some(table)) => table.to_owned(),
        (None, _, None) => "the running system".to_owned(),
    }
}

fn says_forward(forward: &Forward) -> String {
    let place = place_of(
        forward.file.as_ref(),
        forward.line,
        forward.table.as_deref(),
    );
    let mut line = format!(
        "{place}: {} takes in at {} and sends on to {}",
        forward.mode.word(),
        forward.listens,
        forward.sends_to
    );
    if let Some(via) = &forward.via {
        line.push_str(&format!(" from {via}"));
    }
    if !forward.names.is_empty() {
        line.push_str(&format!(" for {}", forward.names.join(", ")));
    }
    if forward.conditional {
        line.push_str(" under a condition");
    }
    if forward.backup {
        line.push_str(", as a backup");
    }
    line
}

fn says_filter_rule(rule: &FilterRule) -> String {
    let place = place_of(rule.file.as_ref(), rule.line, Some("the ruleset in force"));
    let side = if rule.source { "from" } else { "to" };
    let port = rule.port.map_or_else(String::new, |p| format!(" port {p}"));
    format!(
        "{place}: {} says {} {side} {}{port}",
        rule.chain, rule.verdict, rule.network
    )
}

fn says_attachment(device: &Attachment) -> String {
    let what = match (&device.vendor, &device.product) {
        (Some(vendor), Some(product)) => format!("{vendor} {product}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => device
            .number
            .clone()
            .unwrap_or_else(|| "a device without a name".to_owned()),
    };
    let known = device
        .known_as
        .as_ref()
        .map_or_else(String::new, |name| format!(" as {name}"));
    let used = device
        .used_in
        .as_ref()
        .map_or_else(String::new, |file| format!(", used in {file}"));
    let at = device
        .at
        .as_ref()
        .map_or_else(String::new, |at| format!(" at {at}"));
    let many: Vec<String> = device.offered_to.iter().map(ToString::to_string).collect();
    let offered = match many.is_empty() {
        true => String::new(),
        false => format!(" for {}", many.join(", ")),
    };
    format!(
        "{} {what} ({}){known}{at}{offered}{used}",
        device.bus, device.role
    )
}

fn says_name(answer: &NameAnswer) -> String {
    let by = match answer.by {
        NameSource::HostsFile => "the hosts file says",
        NameSource::Dns => "DNS says",
    };
    let mut results: Vec<String> = answer
        .aliases
        .iter()
        .map(|a| format!("alias {a}"))
        .collect();
    results.extend(answer.addresses.iter().map(ToString::to_string));
    results.extend(answer.names.iter().map(ToString::to_string));
    if results.is_empty() {
        return format!("{by} {} does not exist", answer.asked);
    }
    format!("{by} {} is {}", answer.asked, results.join(", "))
}

fn says_reference(reference: &Reference) -> String {
    let at = at(&reference.peer, reference.port);
    let mut line = format!(
        "{}:{} {} names {at}",
        reference.file, reference.line, reference.key
    );
    if let Some(account) = &reference.account {
        line.push_str(&format!(" as {account}"));
    }
    match reference.protection {
        Some(Protection::None) => line.push_str(", in clear text"),
        Some(Protection::Starttls) => line.push_str(", with STARTTLS"),
        Some(Protection::Tls) => line.push_str(", with TLS"),
        None => {}
    }
    if reference.has_secret {
        line.push_str(", with a secret beside it");
    }
    line
}
