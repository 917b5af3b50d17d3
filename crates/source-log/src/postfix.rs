//! Which port a service of Postfix serves that signs its lines with a name of its own (master(5)).

use std::collections::BTreeMap;
use std::path::Path;

use groma_model::Port;
use groma_source::Disk;

const MASTER: &str = "/etc/postfix/master.cf";
const BYTES_MAX: u64 = 1 << 20;

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
