//! What `master.cf` says of services of Postfix that take mail (master(5)): on which port each serves, the name its lines are
//! signed with, and settings of its own.

use std::collections::BTreeMap;
use std::path::Path;

use groma_model::Port;
use groma_source::Disk;

pub(crate) const MASTER: &str = "/etc/postfix/master.cf";
const BYTES_MAX: u64 = 1 << 20;
const MAIN: &str = "/etc/postfix/main.cf";

/// The name Postfix has of itself (`myhostname`), without the domain: with it begin the lines of a log it keeps itself
/// (`maillog_file`), whatever the machine is called. Nothing where it is made of other settings.
pub(crate) fn own_name(disk: &dyn Disk) -> Option<String> {
    let read = disk.read(Path::new(MAIN), BYTES_MAX).ok()?;
    own_name_of(&String::from_utf8_lossy(&read.bytes))
}

fn own_name_of(text: &str) -> Option<String> {
    // Of several the last one counts.
    let mut said = text.lines().rev().filter_map(|line| line.split_once('='));
    let (_, name) = said.find(|(key, _)| key.trim_end() == "myhostname")?;
    let short = name.trim().split('.').next()?;
    (!short.is_empty() && !short.contains('$')).then(|| short.to_owned())
}

/// A service that takes mail from clients.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Service {
    pub(crate) port: Port,
    /// Name, value and line of each setting that counts here instead of that in `main.cf`.
    pub(crate) settings: Vec<(String, String, u32)>,
}

/// Every service that takes mail. Nothing where the file cannot be read.
pub(crate) fn services(disk: &dyn Disk) -> Vec<Service> {
    let read = disk.read(Path::new(MASTER), BYTES_MAX);
    read.map_or_else(
        |_| Vec::new(),
        |read| services_of(&String::from_utf8_lossy(&read.bytes)),
    )
}

fn services_of(text: &str) -> Vec<Service> {
    let mut out = Vec::new();
    // The service the lines that follow belong to, if it is one that takes mail.
    let mut open: Option<Service> = None;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        let mut options = text;
        if !text.starts_with([' ', '\t']) {
            out.extend(open.take());
            open = service(text);
            options = text.find(" -o").map_or("", |at| &text[at..]);
        }
        if let Some(service) = &mut open {
            let set = settings(options).into_iter();
            service
                .settings
                .extend(set.map(|(name, value)| (name, value, line)));
        }
    }
    out.extend(open);
    out
}

/// The service a line begins, if it is one that takes mail.
fn service(line: &str) -> Option<Service> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (name, kind, command) = (fields.first()?, fields.get(1)?, fields.get(7)?);
    let place = name.rsplit(':').next().unwrap_or(name);
    (*kind == "inet" && *command == "smtpd").then_some(())?;
    Some(Service {
        port: port(place)?,
        settings: Vec::new(),
    })
}

/// `-o name=value -o { name = value with blanks }`.
fn settings(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("-o") {
        rest = after;
        if !before.is_empty() && !before.ends_with([' ', '\t']) {
            continue;
        }
        let after = after.trim_start();
        let set = match after.strip_prefix('{') {
            Some(braced) => braced.split('}').next().unwrap_or_default(),
            None => after.split_whitespace().next().unwrap_or_default(),
        };
        if let Some((name, value)) = set.split_once('=') {
            out.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    out
}

/// The port of every `smtpd`, by its syslog tag. Nothing where the file cannot be read: the names everybody uses are known.
pub(crate) fn ports(disk: &dyn Disk) -> BTreeMap<String, Port> {
    let read = disk.read(Path::new(MASTER), BYTES_MAX);
    read.map_or_else(
        |_| BTreeMap::new(),
        |read| parse(&String::from_utf8_lossy(&read.bytes)),
    )
}

fn parse(text: &str) -> BTreeMap<String, Port> {
    let mut out = BTreeMap::new();
    for entry in logical_lines(text) {
        let mut words = entry.split_whitespace();
        let service = words.next().unwrap_or_default();
        let fields: Vec<&str> = words.collect();
        let (Some(&"inet"), Some(&"smtpd")) = (fields.first(), fields.get(6)) else {
            continue;
        };
        let place = service.rsplit(':').next().unwrap_or(service);
        let Some(port) = port(place) else { continue };
        let name = fields
            .iter()
            .find_map(|word| word.strip_prefix("syslog_name="));
        let name = name.map_or("postfix".to_owned(), |name| {
            name.replace("$service_name", place)
                .replace("${service_name}", place)
        });
        // Port 25 keeps the plain name against a service beside it that has none.
        out.entry(format!("{name}/smtpd"))
            .and_modify(|known| {
                if port == Port(25) {
                    *known = port;
                }
            })
            .or_insert(port);
    }
    out
}

fn port(name: &str) -> Option<Port> {
    match name {
        "smtp" => Some(Port(25)),
        "submission" => Some(Port(587)),
        "smtps" | "submissions" | "ssmtp" => Some(Port(465)),
        number => number.parse().ok().map(Port),
    }
}

/// Entries, each with the lines that continue it.
fn logical_lines(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let spoken = |line: &&str| !line.trim_start().starts_with('#') && !line.trim().is_empty();
    for line in text.lines().filter(spoken) {
        match out.last_mut() {
            Some(entry) if line.starts_with([' ', '\t']) => entry.push_str(line),
            _ => out.push(line.to_owned()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postfix_has_a_name_of_its_own() {
        let of = |text: &str| own_name_of(text);
        let text = "# myhostname = a.b\nmyhostname = old\nmydomain = x\nmyhostname= Mail.corp.example\n myhostname = no\n";
        assert_eq!(of(text).as_deref(), Some("Mail"));
        assert_eq!(of("myhostname = $mydomain\n"), None);
        assert_eq!(of("myhostname =\n"), None);
    }

    #[test]
    fn a_service_has_settings_of_its_own_with_their_lines() {
        let found = services_of(
            "smtp inet n - y - - smtpd\n#2526 inet n - y - - smtpd\n# -o mynetworks=0.0.0.0/0\nsubmission inet n - y - - smtpd\n  -o syslog_name=postfix/submission\n\
             # a word between\n  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject } -o a-o=b\n2525 inet n - y - - smtpd -o mynetworks=10.61.0.0/16\n\
             smtp unix - - y - - smtp\n  -o mynetworks=0.0.0.0/0\n",
        );
        let settings = found.iter().flat_map(|service| {
            let port = service.port.0;
            let set = service.settings.iter();
            set.map(move |(name, value, line)| format!("{port} {name}={value}:{line}"))
        });
        assert_eq!(
            settings.collect::<Vec<_>>(),
            [
                "587 syslog_name=postfix/submission:5",
                "587 smtpd_relay_restrictions=permit_sasl_authenticated, reject:7",
                "587 a-o=b:7",
                "2525 mynetworks=10.61.0.0/16:8",
            ]
        );
        assert_eq!(found.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([ a-z0-9#:={}-]{0,24}\n|smtp inet n - y - - smtpd -o [{} =a-z-]{0,9}\n){0,8}") {
            let _ = (services_of(&text), parse(&text));
        }
    }

    #[test]
    fn a_service_with_a_name_of_its_own_has_its_port() {
        let ports = parse(
            "smtp inet n - y - - smtpd\n#2526 inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n  -o syslog_name=postfix/submission\n\
             # a word between\n  -o smtpd_sasl_auth_enable=yes\n10.0.0.1:2525 inet n - y - - smtpd\n\t-o syslog_name=postfix/$service_name\n\
             smtp unix - - y - - smtp\nlocalhost:10025 inet n - y - - smtpd\n",
        );
        let of = |tag: &str| ports.get(tag).copied();
        assert_eq!(of("postfix/smtpd"), Some(Port(25)));
        assert_eq!(of("postfix/submission/smtpd"), Some(Port(587)));
        assert_eq!(of("postfix/2525/smtpd"), Some(Port(2525)));
        assert_eq!(ports.len(), 3);
    }
}
