//! Small relays with a file of their own: `redirect` of xinetd and the lines of rinetd.

use std::collections::BTreeMap;

use groma_model::Transport;
use groma_model::fact::{Forward, ForwardMode};

use crate::handed::{FORWARDS_MAX, endpoint, host, number, plain, unit};
use crate::read::{Reading, Text};

pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    let services = reading.text("/etc/services");
    for pattern in ["/etc/xinetd.conf", "/etc/xinetd.d/*"] {
        for path in reading.glob(pattern) {
            // xinetd.conf(5): a name with a dot or a tilde at its end is left out of `includedir`.
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_aside = pattern.ends_with('*') && (name.contains('.') || name.ends_with('~'));
            if let Some(text) = (!is_aside).then(|| reading.text(&path)).flatten() {
                found.extend(xinetd(&text, services.as_ref()));
            }
        }
    }
    if let Some(text) = reading.text("/etc/rinetd.conf") {
        found.extend(rinetd(&text));
    }
    found.truncate(FORWARDS_MAX);
    found
}

/// `service x { port = 1, redirect = host port }` (xinetd.conf(5)); `disable = yes` switches it off.
fn xinetd(text: &Text, services: Option<&Text>) -> Vec<Forward> {
    let mut found = Vec::new();
    let mut service = None;
    let mut settings: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    for (number, line) in (1_u32..).zip(text.text.lines()) {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("service ") {
            service = Some(name.trim().trim_end_matches('{').trim());
            settings.clear();
        } else if line.starts_with('}') {
            if let Some(name) = service.take() {
                found.extend(redirect(name, &settings, text, services));
            }
        } else if let Some((key, value)) = line.split_once('=') {
            settings.insert(
                key.trim().trim_end_matches('+').trim(),
                (value.trim(), number),
            );
        }
    }
    found
}

fn redirect(
    name: &str,
    settings: &BTreeMap<&str, (&str, u32)>,
    text: &Text,
    services: Option<&Text>,
) -> Option<Forward> {
    let value = |key: &str| settings.get(key).map(|(value, _)| *value);
    if value("disable") == Some("yes") {
        return None;
    }
    let (target, line) = settings.get("redirect")?;
    let (to, to_port) = target.split_once(char::is_whitespace)?;
    let udp = value("socket_type") == Some("dgram") || value("protocol") == Some("udp");
    let transport = if udp { Transport::Udp } else { Transport::Tcp };
    let port = value("port")
        .and_then(number)
        .or_else(|| listed(services?, name))?;
    let bind = value("bind").or_else(|| value("interface")).unwrap_or("*");
    let listens = endpoint(host(bind)?, Some(port), transport);
    let sends_to = endpoint(host(to)?, Some(number(to_port)?), transport);
    let mut forward = plain(
        ForwardMode::TcpProxy,
        listens,
        sends_to,
        unit("xinetd.service"),
    );
    forward.file = Some(text.path.as_str().into());
    forward.line = Some(*line);
    Some(forward)
}

/// The port a service has by the machine's own list.
fn listed(services: &Text, name: &str) -> Option<u16> {
    services.text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, port) = (words.next()?, words.next()?);
        (first == name).then(|| number(port.split('/').next()?))?
    })
}

/// `bindaddress bindport connectaddress connectport` (rinetd(8)); a port may end in `/udp`.
fn rinetd(text: &Text) -> Vec<Forward> {
    let lines = (1_u32..).zip(text.text.lines());
    lines
        .filter_map(|(line, words)| {
            let words: Vec<&str> = words.split('#').next()?.split_whitespace().collect();
            let [bind, port, to, to_port, ..] = words.as_slice() else {
                return None;
            };
            let part = |word: &str| {
                let (port, transport) = word.split_once('/').unwrap_or((word, "tcp"));
                let transport = if transport == "udp" {
                    Transport::Udp
                } else {
                    Transport::Tcp
                };
                number(port).map(|port| (port, transport))
            };
            let ((port, transport), (to_port, to_transport)) = (part(port)?, part(to_port)?);
            let listens = endpoint(host(bind)?, Some(port), transport);
            let sends_to = endpoint(host(to)?, Some(to_port), to_transport);
            let mut forward = plain(
                ForwardMode::TcpProxy,
                listens,
                sends_to,
                unit("rinetd.service"),
            );
            forward.file = Some(text.path.as_str().into());
            forward.line = Some(line);
            Some(forward)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text {
            path: "/etc/x".into(),
            text: text.into(),
        }
    }

    fn shown(all: &[Forward]) -> Vec<String> {
        all.iter()
            .map(|f| format!("{} > {} {}", f.listens, f.sends_to, f.line.unwrap_or(0)))
            .collect()
    }

    #[test]
    fn xinetd_redirects_what_is_not_disabled() {
        let file = text(
            "service imap\n{\n disable = no\n socket_type = stream\n redirect = 192.0.2.7 143\n}\nservice old\n{\n disable = yes\n port = 9\n redirect = 192.0.2.8 9\n}\n",
        );
        let services = text("imap2 143/tcp imap\nimap 143/tcp # x\n");
        assert_eq!(
            shown(&xinetd(&file, Some(&services))),
            ["0.0.0.0:143 > 192.0.2.7:143 5"]
        );
    }

    #[test]
    fn rinetd_hands_on_line_by_line() {
        let file = text(
            "# 0.0.0.0 1 192.0.2.9 1\nallow *.*\n0.0.0.0 8443 app1.corp.example 443\n10.0.0.1 53/udp 192.0.2.5 53/udp\nlogfile /var/log/rinetd.log\n",
        );
        assert_eq!(
            shown(&rinetd(&file)),
            [
                "0.0.0.0:8443 > app1.corp.example:443 3",
                "10.0.0.1:53 > 192.0.2.5:53 4"
            ]
        );
    }

    #[test]
    fn hammered_files_never_panic() {
        groma_fuzz::hammer(
            1000,
            &[
                b"service a {\nport=1\nredirect = b 2\n}\n",
                b"a 1 b 2/udp\n",
            ],
            |bytes| {
                let file = text(&String::from_utf8_lossy(bytes));
                xinetd(&file, Some(&file));
                rinetd(&file);
            },
        );
    }
}
