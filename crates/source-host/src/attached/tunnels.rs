//! Private networks this machine dials into: connections of NetworkManager (nm-settings-keyfile(5)) and of OpenVPN. Names, kinds and
//! far ends; nothing else of these files, which hold keys and passwords, is kept.

use groma_model::fact::Attachment;

use super::parse::named;
use crate::text::{lossy, meaningful_lines};

/// Where such files lie.
pub(super) const PLACES: &[&str] = &[
    "/etc/NetworkManager/system-connections",
    "/etc/openvpn",
    "/etc/openvpn/client",
];

/// The tunnel a file describes, if it is one that begins here.
pub(super) fn connection(bytes: &[u8], file: &str) -> Option<Attachment> {
    let (stem, ending) = file.rsplit('/').next()?.rsplit_once('.')?;
    let (product, name, at) = match ending {
        "nmconnection" => keyfile(bytes)?,
        "conf" | "ovpn" => ("OpenVPN".to_owned(), stem.to_owned(), dialled(bytes)?),
        _ => return None,
    };
    let mut found = named("vpn-client", "software", &name, None, file);
    found.product = Some(product);
    found.at = Some(at).filter(|at| !at.is_empty()).map(Into::into);
    Some(found)
}

/// `[connection]` with `type=vpn` and what `[vpn]` says of its service and its other end.
fn keyfile(bytes: &[u8]) -> Option<(String, String, String)> {
    let mut section = String::new();
    let (mut id, mut kind, mut service, mut far) = (None, None, None, None);
    for (_, line) in meaningful_lines(bytes) {
        let text = lossy(line);
        if let Some(name) = text.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            continue;
        };
        match (section.as_str(), key.trim()) {
            ("connection", "id") => id = Some(value.trim().to_owned()),
            ("connection", "type") => kind = Some(value.trim().to_owned()),
            ("vpn", "service-type") => service = value.rsplit('.').next().map(str::to_owned),
            ("vpn", "gateway" | "remote" | "address" | "right") => far = Some(a_place(value)),
            _ => {}
        }
    }
    let product = match kind.as_deref()? {
        "vpn" => service?,
        "wireguard" => "WireGuard".to_owned(),
        _ => return None,
    };
    Some((product, id?, far.unwrap_or_default()))
}

/// The first of several places, without an account before it.
fn a_place(value: &str) -> String {
    let first = value.split([',', ' ']).find(|word| !word.is_empty());
    let first = first.unwrap_or_default();
    first.rsplit('@').next().unwrap_or_default().to_owned()
}

/// The first `remote` of a client's settings; a server has none.
fn dialled(bytes: &[u8]) -> Option<String> {
    let lines = meaningful_lines(bytes).map(|(_, line)| lossy(line));
    let mut remotes = lines.filter_map(|line| {
        let rest = line.strip_prefix("remote")?;
        rest.starts_with(char::is_whitespace)
            .then(|| rest.split_whitespace().next().map(str::to_owned))?
    });
    remotes.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, file: &str) -> Option<String> {
        let found = connection(text.as_bytes(), file)?;
        assert!(!format!("{found:?}").contains("canary"));
        Some(groma_model::Fact::Attachment(found).says())
    }

    #[test]
    fn tunnels_that_begin_here_are_told_and_nothing_secret_of_them() {
        let at = "/etc/NetworkManager/system-connections/head office.nmconnection";
        let text = "[connection]\nid=head office\nuuid=1\ntype=vpn\n\n[vpn]\ngateway=vpn.corp.example\nuser=canary\nservice-type=org.freedesktop.NetworkManager.openconnect\n\n[vpn-secrets]\npassword=canary\n";
        assert_eq!(
            said(text, at).unwrap(),
            format!(
                "software openconnect (vpn-client) as head office at vpn.corp.example, used in {at}"
            )
        );
        let at = "/etc/openvpn/client/branch.conf";
        let text =
            "client\n;remote ghost 1194\nremote vpn2.corp.example 1194\n<key>\ncanary\n</key>\n";
        assert_eq!(
            said(text, at).unwrap(),
            format!("software OpenVPN (vpn-client) as branch at vpn2.corp.example, used in {at}")
        );
    }

    #[test]
    fn wires_wireless_and_servers_are_no_clients() {
        let wifi = "[connection]\nid=office\ntype=wifi\n[wifi-security]\npsk=canary\n";
        assert_eq!(
            said(
                wifi,
                "/etc/NetworkManager/system-connections/office.nmconnection"
            ),
            None
        );
        let server = "port 1194\nserver 10.8.0.0 255.255.255.0\nremote-cert-tls client\n";
        assert_eq!(said(server, "/etc/openvpn/server.conf"), None);
        assert_eq!(said("remote x\n", "/etc/openvpn/update-resolv-conf"), None);
    }

    #[test]
    fn no_settings_make_it_panic() {
        let corpus: &[&[u8]] = &[
            b"[connection]\nid=a\ntype=vpn\n[vpn]\ngateway=b\nservice-type=c.d\n",
            b"remote a 1\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            connection(bytes, "/x/a.nmconnection");
            connection(bytes, "/x/a.conf");
        });
    }
}
