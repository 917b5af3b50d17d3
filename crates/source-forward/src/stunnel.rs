//! stunnel: each service takes in at `accept` and sends on to `connect`, as client or as server.
//!
//! Several `connect` lines are one group; with `failover = prio` those after the first are backups. A
//! service that starts a program (`exec`) connects to nobody.

use groma_model::Transport;
use groma_model::fact::{Forward, ForwardMode};

use crate::handed::{
    FORWARDS_MAX, endpoint, everywhere, host_and_port, number, plain, socket, unit,
};
use crate::ini::{Section, sections};
use crate::read::{Reading, Text};

const FILES: &[&str] = &[
    "/etc/stunnel/*.conf",
    "/etc/stunnel/conf.d/*.conf",
    "/etc/stunnel5/*.conf",
];

pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    for pattern in FILES {
        for text in reading.texts(pattern) {
            found.extend(told(&text));
        }
    }
    found.truncate(FORWARDS_MAX);
    found
}

fn told(text: &Text) -> Vec<Forward> {
    let sections = sections(&text.text);
    let services = sections.iter().skip(1).flat_map(|s| service(s, text));
    services.collect()
}

fn service(section: &Section, text: &Text) -> Vec<Forward> {
    let Some(accept) = section.value("accept") else {
        return Vec::new();
    };
    let Some(listens) = end(accept, true) else {
        return Vec::new();
    };
    let by_priority = section.value("failover") == Some("prio");
    let mut found = Vec::new();
    for (at, (connect, line)) in section.values("connect").enumerate() {
        let Some(to) = end(connect, false) else {
            continue;
        };
        let mut forward = plain(
            ForwardMode::TcpProxy,
            listens.clone(),
            to,
            unit("stunnel4.service"),
        );
        forward.group = Some(section.title.clone());
        forward.backup = by_priority && at > 0;
        forward.file = Some(text.path.as_str().into());
        forward.line = Some(line);
        if let Some((_, name)) = section.value("sni").and_then(|s| s.split_once(':')) {
            forward.names = crate::handed::names([name.trim().to_owned()]);
        }
        found.push(forward);
    }
    found
}

/// `[host:]port` or a path. What is taken in without a host is taken in everywhere; what is sent on without one stays here.
fn end(text: &str, takes_in: bool) -> Option<groma_model::fact::ForwardEnd> {
    if text.starts_with('/') {
        return Some(socket(text));
    }
    if let Some(port) = number(text).filter(|_| text.bytes().all(|b| b.is_ascii_digit())) {
        let peer = if takes_in {
            everywhere()
        } else {
            groma_model::Peer::parse("127.0.0.1")?
        };
        return Some(endpoint(peer, Some(port), Transport::Tcp));
    }
    let text = text
        .strip_prefix(":::")
        .map_or(text.to_owned(), |port| format!("*:{port}"));
    let (peer, port) = host_and_port(&text)?;
    Some(endpoint(peer, Some(port?), Transport::Tcp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let (path, text) = ("/etc/stunnel/a.conf".into(), text.to_owned());
        told(&Text { path, text })
            .iter()
            .map(|f| {
                format!(
                    "{}:{} > {}{}",
                    f.listens,
                    f.line.unwrap_or(0),
                    f.sends_to,
                    if f.backup { " backup" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn a_service_sends_on_to_what_it_connects() {
        assert_eq!(
            shown(
                "client = yes\n[ldap]\naccept = 127.0.0.1:389\nconnect = dir1.corp.example:636\nconnect = dir2.corp.example:636\nfailover = prio\n[in]\naccept = 993\nconnect = 143\n"
            ),
            [
                "127.0.0.1:389:4 > dir1.corp.example:636",
                "127.0.0.1:389:5 > dir2.corp.example:636 backup",
                "0.0.0.0:993:9 > 127.0.0.1:143"
            ]
        );
    }

    #[test]
    fn a_commented_service_and_a_program_send_on_to_nobody() {
        assert!(
            shown(";[x]\n;accept=1\n;connect=a:1\n[sh]\naccept = 99\nexec = /bin/sh\n").is_empty()
        );
    }

    #[test]
    fn hammered_configurations_never_panic() {
        groma_fuzz::hammer(
            1000,
            &[b"[a]\naccept=:::1\nconnect=[::1]:2\nsni=a:b\n"],
            |bytes| {
                shown(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
