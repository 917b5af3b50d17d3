//! WireGuard: everything for a peer's `AllowedIPs` goes through that peer's `Endpoint`.
//!
//! `wg-quick` files count only where the interface is there or its unit is enabled; networkd's `.netdev`
//! files count always, because networkd reads them all. Keys are never looked at.

use groma_model::Transport;
use groma_model::fact::{Component, Forward, ForwardEnd, ForwardMode};

use crate::handed::{FORWARDS_MAX, endpoint, host_and_port, plain, unit};
use crate::ini::{Section, sections};
use crate::read::{Reading, Text};

const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/wg-quick@";

pub(crate) fn forwards(reading: &mut Reading<'_>) -> Vec<Forward> {
    let mut found = Vec::new();
    for text in reading.texts("/etc/wireguard/*.conf") {
        let name = text.path.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".conf");
        let up = reading.is_there(&format!("/sys/class/net/{name}"));
        if up || reading.is_there(&format!("{WANTS}{name}.service")) {
            found.extend(told(
                &text,
                "peer",
                &unit(&format!("wg-quick@{name}.service")),
            ));
        }
    }
    for text in reading.texts("/etc/systemd/network/*.netdev") {
        found.extend(told(
            &text,
            "wireguardpeer",
            &unit("systemd-networkd.service"),
        ));
    }
    found.truncate(FORWARDS_MAX);
    found
}

fn told(text: &Text, peers: &str, component: &Component) -> Vec<Forward> {
    sections(&text.text)
        .iter()
        .filter(|s| s.name == peers)
        .flat_map(|section| peer(section, text, component))
        .collect()
}

fn peer(section: &Section, text: &Text, component: &Component) -> Vec<Forward> {
    let Some((to, Some(port))) = section.value("endpoint").and_then(host_and_port) else {
        return Vec::new();
    };
    let networks = section
        .values("allowedips")
        .flat_map(|(value, line)| value.split(',').map(move |n| (n.trim(), line)));
    networks
        .filter_map(|(network, line)| {
            let network = crate::network::Network::parse(network)?;
            let mut forward = plain(
                ForwardMode::Tunnel,
                ForwardEnd::Network {
                    network: network.to_string(),
                },
                endpoint(to.clone(), Some(port), Transport::Udp),
                component.clone(),
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

    #[test]
    fn a_peer_carries_what_it_allows() {
        let text = Text {
            path: "/etc/wireguard/wg0.conf".into(),
            text: "[Interface]\nPrivateKey = SECRETSECRET\n[Peer]\nPublicKey = x\nEndpoint = gw.corp.example:51820\nAllowedIPs = 192.0.2.0/24, 198.51.100.7\n[Peer]\nAllowedIPs = 10.0.0.0/8\n".into(),
        };
        let found = told(&text, "peer", &unit("x"));
        let shown: Vec<String> = found
            .iter()
            .map(|f| format!("{} > {}", f.listens, f.sends_to))
            .collect();
        assert_eq!(
            shown,
            [
                "192.0.2.0/24 > gw.corp.example:51820",
                "198.51.100.7 > gw.corp.example:51820"
            ]
        );
        assert!(!format!("{found:?}").contains("SECRET"));
    }
}
