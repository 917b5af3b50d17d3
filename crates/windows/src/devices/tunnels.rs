//! Private networks this machine dials into: phone books of Windows (rasphone.pbk), settings of OpenVPN, services of known
//! clients. Names and far ends; nothing else of these files is kept.

use groma_knowledge::attached::WINDOWS_VPN;
use groma_model::Reason;
use groma_model::fact::{Attachment, Component, ComponentClass, Reference};
use groma_model::name::{Peer, Port, Transport};

use super::blank;
use crate::{Machine, Part, archives, joined};

const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
const BOOK: &str = r"Microsoft\Network\Connections\Pbk\rasphone.pbk";
const BYTES_MAX: u64 = 1 << 20;
const ENTRIES_MAX: usize = 1_000;

/// A tunnel that begins here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Tunnel {
    name: String,
    product: &'static str,
    /// The far end as written.
    far: String,
    port: Option<u16>,
    tcp: bool,
    /// The line that says so, counted from 1.
    line: u32,
    key: &'static str,
}

/// All tunnels; the far end of each is a reference, too.
pub(super) fn all(
    machine: &Machine<'_>,
    part: &mut Part,
    found: &mut Vec<Attachment>,
) -> Vec<Reference> {
    clients(machine, found);
    let expand = machine.expand();
    let homes = archives::homes(machine, part);
    let homes: Vec<String> = homes.into_iter().map(|(_, home)| home).collect();
    let mut references = Vec::new();
    let mut tell = |path: &str, tunnel: Tunnel| {
        references.extend(reference(path, &tunnel));
        found.push(Attachment {
            product: Some(tunnel.product.to_owned()),
            known_as: Some(tunnel.name.into()),
            used_in: Some(path.into()),
            at: Some(tunnel.far.into()),
            ..blank("software", "vpn-client")
        });
    };
    let mut books = vec![joined(&expand.text("%ProgramData%"), BOOK)];
    books.extend(
        homes
            .iter()
            .map(|home| format!(r"{home}\AppData\Roaming\{BOOK}")),
    );
    for path in books {
        let text = read(machine, &path, part);
        phone_book(&text)
            .into_iter()
            .for_each(|tunnel| tell(&path, tunnel));
    }
    let programs = joined(&expand.text("%ProgramFiles%"), "OpenVPN");
    let mut folders = vec![
        joined(&programs, "config"),
        joined(&programs, "config-auto"),
    ];
    folders.extend(homes.iter().map(|home| format!(r"{home}\OpenVPN\config")));
    for folder in folders.iter().filter(|folder| !folder.starts_with('%')) {
        for path in settings(machine, folder, part) {
            let text = read(machine, &path, part);
            if let Some(tunnel) = dialled(&text, &path) {
                tell(&path, tunnel);
            }
        }
    }
    references
}

/// Programs that dial, by the services they install; one that is switched off (start 4) dials nowhere.
fn clients(machine: &Machine<'_>, found: &mut Vec<Attachment>) {
    for (service, product) in WINDOWS_VPN {
        let key = machine.registry.key(&format!(r"{SERVICES}\{service}"));
        if let Ok(Some(key)) = key
            && key.number("Start").is_some_and(|start| start != 4)
        {
            found.push(Attachment {
                product: Some((*product).to_owned()),
                known_as: Some((*service).into()),
                ..blank("software", "vpn-client")
            });
        }
    }
}

/// Settings of OpenVPN in a folder and the folders right below it, as its own interface looks for them.
fn settings(machine: &Machine<'_>, folder: &str, part: &mut Part) -> Vec<String> {
    let mut list = |folder: &str| match machine.files.list(folder, ENTRIES_MAX) {
        Ok(entries) => entries,
        Err(Reason::Vanished) => Vec::new(),
        Err(reason) => {
            part.missed(format!("settings of OpenVPN in {folder}"), reason);
            Vec::new()
        }
    };
    let mut entries = list(folder);
    let below: Vec<String> = entries
        .iter()
        .filter(|entry| entry.kind == crate::Kind::Folder)
        .map(|entry| entry.path.clone())
        .collect();
    below.iter().for_each(|folder| entries.extend(list(folder)));
    let is_one = |path: &String| path.to_lowercase().ends_with(".ovpn");
    let files = entries
        .into_iter()
        .filter(|entry| entry.kind == crate::Kind::File);
    files.map(|entry| entry.path).filter(is_one).collect()
}

fn read(machine: &Machine<'_>, path: &str, part: &mut Part) -> String {
    let bytes = part.or_missed(path, machine.files.read(path, BYTES_MAX));
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// Entries of a phone book that are no telephone numbers: `Type=2` or `DEVICE=vpn` (RASENTRY, RasSetEntryProperties).
fn phone_book(text: &str) -> Vec<Tunnel> {
    let mut tunnels = Vec::new();
    let mut entry = Tunnel::default();
    let mut is_tunnel = false;
    let text = text.trim_start_matches('\u{feff}');
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            tunnels.extend((is_tunnel && !entry.far.is_empty()).then_some(entry));
            is_tunnel = false;
            entry = Tunnel {
                name: name.to_owned(),
                product: "Windows VPN",
                key: "PhoneNumber",
                ..Tunnel::default()
            };
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "type" => is_tunnel |= value == "2",
            "device" => is_tunnel |= value.eq_ignore_ascii_case("vpn"),
            "phonenumber" if entry.far.is_empty() => {
                value.clone_into(&mut entry.far);
                entry.line = number;
            }
            // Which way is tried: PPTP alone or first, SSTP, L2TP and IKEv2, which both begin with IKE.
            "vpnstrategy" => match value {
                "1" | "2" => (entry.port, entry.tcp) = (Some(1723), true),
                "5" | "6" => (entry.port, entry.tcp) = (Some(443), true),
                "3" | "4" | "7" | "8" => entry.port = Some(500),
                _ => {}
            },
            _ => {}
        }
        if tunnels.len() >= ENTRIES_MAX {
            return tunnels;
        }
    }
    tunnels.extend((is_tunnel && !entry.far.is_empty()).then_some(entry));
    tunnels
}

/// The first `remote` of a client's settings, `remote host [port] [proto]`; a server has none.
fn dialled(text: &str, path: &str) -> Option<Tunnel> {
    let words = |line: &str| -> Vec<String> {
        let words = line
            .split_whitespace()
            .map(|word| word.trim_matches('"').to_owned());
        words.take(4).collect()
    };
    let lines = (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, words(line)));
    let lines: Vec<(u32, Vec<String>)> = lines.take(20_000).collect();
    let of = |wanted: &str| {
        lines
            .iter()
            .find(|(_, words)| words.first().is_some_and(|first| first == wanted))
    };
    let (line, remote) = of("remote")?;
    let setting = |wanted: &str| of(wanted).and_then(|(_, words)| words.get(1).cloned());
    let port = remote.get(2).cloned().or_else(|| setting("port"));
    let way = remote.get(3).cloned().or_else(|| setting("proto"));
    let name = crate::base_name(path);
    Some(Tunnel {
        name: name
            .rsplit_once('.')
            .map_or(name, |(stem, _)| stem)
            .to_owned(),
        product: "OpenVPN",
        far: remote.get(1)?.clone(),
        port: Some(port.and_then(|port| port.parse().ok()).unwrap_or(1194)),
        tcp: way.is_some_and(|way| way.starts_with("tcp")),
        line: *line,
        key: "remote",
    })
}

fn reference(path: &str, tunnel: &Tunnel) -> Option<Reference> {
    let peer = Peer::parse(&tunnel.far).filter(|peer| !peer.is_loopback())?;
    let rule = match tunnel.product {
        "OpenVPN" => "openvpn-remote",
        _ => "rasphone-entry",
    };
    Some(Reference {
        rule: rule.to_owned(),
        file: path.into(),
        line: tunnel.line,
        key: tunnel.key.to_owned(),
        peer,
        port: tunnel.port.map(Port),
        transport: if tunnel.tcp {
            Transport::Tcp
        } else {
            Transport::Udp
        },
        kind: "vpn".to_owned(),
        component: Component {
            class: ComponentClass::File,
            name: path.into(),
        },
        resource: None,
        account: None,
        mechanism: None,
        protection: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_book_names_tunnels_and_not_telephones() {
        let text = "[Office]\r\nType=2\r\nVpnStrategy=5\r\nMEDIA=rastapi\r\nDEVICE=vpn\r\nPhoneNumber=vpn.corp.example\r\n\r\n[Dial]\r\nType=1\r\nDEVICE=modem\r\nPhoneNumber=5551234\r\n[Empty]\r\nType=2\r\nPhoneNumber=\r\n";
        let found = phone_book(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "Office");
        assert_eq!(
            (found[0].port, found[0].tcp, found[0].line),
            (Some(443), true, 6)
        );
    }

    #[test]
    fn settings_of_a_client_name_its_server_and_those_of_a_server_nobody() {
        let text = "client\n;remote ghost 1\nremote vpn.corp.example 1195\nproto tcp-client\n<key>\ncanary\n</key>\n";
        let found = dialled(text, r"C:\a\branch.ovpn").unwrap();
        assert_eq!(
            (found.name.as_str(), found.port, found.tcp),
            ("branch", Some(1195), true)
        );
        assert!(!format!("{found:?}").contains("canary"));
        assert_eq!(
            dialled("server 10.8.0.0 255.255.255.0\nport 1194\n", "x.ovpn"),
            None
        );
    }

    #[test]
    fn no_text_makes_it_panic() {
        let corpus: &[&[u8]] = &[
            b"[a]\nType=2\nPhoneNumber=b\n",
            b"remote a 1 tcp\nproto udp\n",
        ];
        groma_fuzz::hammer(1000, corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            phone_book(&text);
            dialled(&text, r"C:\a.ovpn");
        });
    }
}
