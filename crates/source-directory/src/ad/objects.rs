//! What else a domain keeps: roles, sites, trusts, printers, name spaces, certificate services, policies, and who
//! publishes itself.

use std::net::IpAddr;

use groma_model::fact::{DirectoryObject, NeedReason};
use groma_model::{HostName, Peer};

use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says, need};

/// A directory server of a site: others refer to it by its distinguished name.
pub(crate) fn server(entry: &Entry, learnt: &mut Learnt) {
    let Some(host) = entry.text("dNSHostName").and_then(|n| HostName::parse(&n)) else {
        return;
    };
    learnt.servers.insert(entry.dn.to_lowercase(), host);
}

pub(crate) fn site(entry: &Entry, learnt: &mut Learnt) {
    let class = if entry.is("subnet") { "subnet" } else { "site" };
    let mut object = learnt.described(class, entry, &["location"]);
    let of = entry
        .text("siteObject")
        .and_then(|dn| names(&dn).into_iter().next());
    object.says("site", of.map(|(_, name)| name));
    learnt.object(object);
}

/// An operations master role: the holder is a child object of the server's.
pub(crate) fn role(entry: &Entry, learnt: &mut Learnt) {
    let Some(holder) = entry.text("fSMORoleOwner") else {
        return;
    };
    let first = entry.first_name().to_lowercase();
    let role = match first.as_str() {
        "rid manager$" => "RID master",
        "infrastructure" => "infrastructure master",
        "schema" => "schema master",
        "partitions" => "domain naming master",
        _ => "PDC emulator",
    };
    // Each application partition has an infrastructure master of its own: only the domain's is the one people mean.
    let lower = entry.dn.to_lowercase();
    let zones = lower.contains("dc=domaindnszones,") || lower.contains("dc=forestdnszones,");
    let mut object = learnt.described("role", entry, &[]);
    object.name = match zones {
        true => format!("{role} of the DNS zones").into(),
        false => role.into(),
    };
    let parent = holder.split_once(',').map(|(_, rest)| rest.to_lowercase());
    let host = parent.and_then(|dn| learnt.servers.get(&dn).cloned());
    object.host = host.map(Peer::Name);
    object.says("fSMORoleOwner", [holder]);
    learnt.object(object);
}

pub(crate) fn trust(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described("trust", entry, &["flatName"]);
    if let Some(partner) = entry.text("trustPartner") {
        object.name = partner.into();
    }
    let number = |attribute| entry.number(attribute).unwrap_or(0);
    trust_words(
        &mut object,
        number("trustDirection"),
        number("trustType"),
        number("trustAttributes"),
    );
    learnt.object(object);
}

/// Direction, type and attributes of a trust in words ([MS-ADTS] 6.1.6.7.12, .15 and .9).
pub(crate) fn trust_words(
    object: &mut DirectoryObject,
    direction: i64,
    kind: i64,
    attributes: i64,
) {
    let direction = match direction {
        1 => "inbound",
        2 => "outbound",
        3 => "both ways",
        _ => "disabled",
    };
    let kind = match kind {
        1 => "Windows NT domain",
        2 => "Active Directory domain",
        3 => "Kerberos realm",
        _ => "other",
    };
    let flags = [
        (0x1, "not transitive"),
        (0x4, "SIDs filtered"),
        (0x8, "forest"),
        (0x20, "within the forest"),
        (0x40, "treated as external"),
    ];
    object.says("direction", [direction.to_owned()]);
    object.says("kind", [kind.to_owned()]);
    let said = flags.iter().filter(|(bit, _)| attributes & bit != 0);
    object.says("trustAttributes", said.map(|(_, word)| (*word).to_owned()));
}

/// A queue a print server publishes: its port often names the device.
pub(crate) fn print_queue(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described(
        "print-queue",
        entry,
        &[
            "uNCName",
            "driverName",
            "location",
            "portName",
            "printShareName",
        ],
    );
    if let Some(name) = entry.text("printerName") {
        object.name = name.into();
    }
    let server = entry
        .text("serverName")
        .and_then(|s| Peer::parse(s.trim_start_matches('\\')));
    object.host = server.clone();
    let is_off = server.as_ref().is_some_and(|s| learnt.disabled.contains(s));
    object.says("state", is_off.then(|| "its server is disabled".to_owned()));
    let queue = object.name.clone();
    learnt.object(object);
    let Some(server) = server.filter(|_| !is_off) else {
        return;
    };
    for port in entry
        .texts("portName")
        .flat_map(|p| p.split(',').map(str::to_owned).collect::<Vec<_>>())
    {
        let Some(device) = device_of(&port) else {
            continue;
        };
        let mut need = need(
            server.clone(),
            device,
            ("print", NeedReason::PrintQueue),
            entry,
            "portName",
        );
        need.resource = Some(queue.clone());
        learnt.need(need);
    }
}

/// `IP_10.1.2.3`, `10.1.2.3_1`, `10.1.2.3:9100` and a bare address are ports of the standard monitor; anything else
/// (`LPT1:`, `WSD-…`, `FILE:`, a name somebody gave the port) may be anything.
fn device_of(port: &str) -> Option<Peer> {
    let port = port.trim();
    let bare = port.strip_prefix("IP_").unwrap_or(port);
    let end = bare
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(bare.len());
    let address: IpAddr = bare.get(..end)?.parse().ok()?;
    let rest = bare.get(end..)?;
    let usual = rest.is_empty() || rest.starts_with(['_', ':']);
    (usual && !address.is_loopback() && !address.is_unspecified()).then_some(Peer::Address(address))
}

/// A published folder, a name space, or a folder of one that leads to shares.
pub(crate) fn name_space(entry: &Entry, learnt: &mut Learnt) {
    if entry.is("volume") {
        let mut object = learnt.described("volume", entry, &["uNCName"]);
        object.host = entry.text("uNCName").and_then(|unc| server_of(&unc));
        learnt.object(object);
        return;
    }
    let (class, path) = match entry.is("msDFS-Linkv2") {
        true => ("dfs-link", entry.text("msDFS-LinkPathv2")),
        false => ("dfs-root", Some(entry.first_name())),
    };
    let mut targets = targets_of(entry.bytes("msDFS-TargetListv2").unwrap_or_default());
    targets.extend(
        entry
            .texts("remoteServerName")
            .filter(|t| t.starts_with("\\\\")),
    );
    targets.sort();
    targets.dedup();
    let mut object = learnt.described(class, entry, &[]);
    object.says("targets", targets.iter().cloned());
    object.name = path.unwrap_or_else(|| entry.first_name()).into();
    if class == "dfs-root" {
        object.host = targets.first().and_then(|t| server_of(t));
        learnt.object(object);
        return;
    }
    // Whoever opens the folder is led on: the name space itself has the name of the domain.
    let space = HostName::parse(&learnt.directory).map(Peer::Name);
    for target in &targets {
        let (Some(space), Some(server)) = (space.clone(), server_of(target)) else {
            continue;
        };
        let mut need = need(
            space,
            server,
            ("smb", NeedReason::NameSpaceLink),
            entry,
            "msDFS-TargetListv2",
        );
        need.port = Some(groma_model::Port(445));
        need.resource = Some(target.as_str().into());
        learnt.need(need);
    }
    learnt.object(object);
}

/// The machine of `\\server\share`.
fn server_of(path: &str) -> Option<Peer> {
    Peer::parse(path.strip_prefix("\\\\")?.split('\\').next()?)
}

/// The paths in a list of targets: XML in UTF-16 with a byte order mark, or in UTF-8 ([MS-DFSNM] 2.3.3.1.1.3). Only
/// what stands between tags and begins like a path is taken; no entity is expanded but the five of XML.
fn targets_of(bytes: &[u8]) -> Vec<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => {
            let units: Vec<u16> = rest
                .chunks_exact(2)
                .map(|p| p.iter().rev().fold(0, |sum, b| (sum << 8) | u16::from(*b)))
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    let pieces = text.split('>').filter_map(|piece| piece.split('<').next());
    let paths = pieces
        .map(str::trim)
        .filter(|piece| piece.starts_with("\\\\") && piece.len() < 1024);
    let plain = |path: &str| {
        path.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&")
    };
    paths.take(256).map(plain).collect()
}

/// A server that may give out addresses.
pub(crate) fn dhcp(entry: &Entry, learnt: &mut Learnt) {
    let name = entry.first_name();
    // The container itself has the class too; its list repeats what stands below it.
    if name.eq_ignore_ascii_case("DhcpRoot") {
        return;
    }
    let mut object = learnt.described("dhcp-server", entry, &["dhcpServers"]);
    object.host = Peer::parse(&name);
    learnt.object(object);
}

pub(crate) fn certificate_service(entry: &Entry, learnt: &mut Learnt) {
    if entry.is("pKICertificateTemplate") {
        let object = learnt.described("certificate-template", entry, &["pKIExtendedKeyUsage"]);
        learnt.object(object);
        return;
    }
    // Whoever one of these authorities signs for may log on to the domain with the certificate.
    if entry
        .first_name()
        .eq_ignore_ascii_case("NTAuthCertificates")
    {
        let mut object = learnt.described("logon-authorities", entry, &[]);
        let prints = entry.values("cACertificate").iter().filter(|c| c.len() > 1);
        object.says("sha256", prints.map(|c| groma_trust::print_of(c)));
        learnt.object(object);
        return;
    }
    let mut object = learnt.described("enrolment-service", entry, &["certificateTemplates"]);
    object.host = entry.text("dNSHostName").and_then(|n| Peer::parse(&n));
    learnt.object(object);
}

/// Keywords of a connection point that Exchange publishes: with a URL, and one that leads elsewhere.
const AUTODISCOVER: [&str; 2] = [
    "77378F46-2C66-4aa9-A6A6-3E7A48B19596",
    "67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68",
];

/// Somebody published where it is to be found.
pub(crate) fn connection_point(entry: &Entry, learnt: &mut Learnt) {
    let keywords: Vec<String> = entry.texts("keywords").collect();
    let is = |word: &str| keywords.iter().any(|k| k.eq_ignore_ascii_case(word));
    let class = match AUTODISCOVER.iter().any(|word| is(word)) {
        true => "autodiscover",
        false => "connection-point",
    };
    let mut object = learnt.described(
        class,
        entry,
        &[
            "keywords",
            "serviceBindingInformation",
            "serviceClassName",
            "serviceDNSName",
            "mSSMSMPName",
        ],
    );
    let named = ["serviceDNSName", "mSSMSMPName"]
        .iter()
        .find_map(|a| Peer::parse(&entry.text(a)?));
    let url = entry
        .text("serviceBindingInformation")
        .and_then(|url| host_of(&url));
    object.host = match class {
        "autodiscover" => url.or(named),
        _ => named.or(url),
    };
    learnt.object(object);
}

/// The machine of a URL.
pub(crate) fn host_of(url: &str) -> Option<Peer> {
    let (scheme, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let bare = match place.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => place,
    };
    (scheme.chars().all(|c| c.is_ascii_alphanumeric())).then(|| Peer::parse(bare))?
}

/// Links of policies: `[LDAP://cn={GUID},cn=policies,…;flags]…`; flag 1 is a link that is switched off.
pub(crate) fn policy_link(entry: &Entry, learnt: &mut Learnt) {
    for text in entry.texts("gPLink") {
        for link in text.split('[').filter_map(|l| l.split(']').next()) {
            let Some((path, flags)) = link.rsplit_once(';') else {
                continue;
            };
            let on = flags.trim().parse::<u32>().is_ok_and(|f| f & 1 == 0);
            let guid = path
                .find('{')
                .and_then(|from| path.get(from..path.find('}')? + 1));
            if let (true, Some(guid)) = (on, guid) {
                let places = learnt
                    .policy_links
                    .entry(guid.to_ascii_uppercase())
                    .or_default();
                if places.len() < 64 {
                    places.insert(entry.dn.clone());
                }
            }
        }
    }
}

pub(crate) fn policy(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described("group-policy", entry, &["gPCFileSysPath"]);
    let guid = entry.first_name().to_ascii_uppercase();
    object.says(
        "linked-to",
        learnt
            .policy_links
            .get(&guid)
            .into_iter()
            .flatten()
            .cloned(),
    );
    learnt.object(object);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_that_name_a_device_are_told_from_those_that_do_not() {
        for (port, device) in [
            ("IP_10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3_1", "10.1.2.3"),
            ("10.1.2.3:9100", "10.1.2.3"),
        ] {
            assert_eq!(device_of(port), Peer::parse(device), "{port}");
        }
        for port in [
            "LPT1:",
            "WSD-1f2e.0031",
            "FILE:",
            "nul:",
            "IP_copier",
            "10.1.2",
            "127.0.0.1_x",
            "10.1.2.3abc",
        ] {
            assert_eq!(device_of(port), None, "{port}");
        }
    }

    #[test]
    fn targets_are_found_in_both_encodings() {
        let xml = "<?xml version=\"1.0\"?><targets totalNumber=\"1\"><target priorityRank=\"0\">\\\\fs1.corp.example\\data &amp; more</target></targets>";
        let mut wide = vec![0xff, 0xfe];
        wide.extend(xml.encode_utf16().flat_map(u16::to_le_bytes));
        let path = "\\\\fs1.corp.example\\data & more";
        assert_eq!(targets_of(xml.as_bytes()), [path]);
        assert_eq!(targets_of(&wide), [path]);
        assert_eq!(server_of(path), Peer::parse("fs1.corp.example"));
    }

    #[test]
    fn no_bytes_bring_it_down() {
        groma_fuzz::hammer(
            5_000,
            &[b"<target>\\\\a\\b</target>", b"\xff\xfe<\x00t\x00>\x00"],
            |bytes| {
                let _ = targets_of(bytes);
            },
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,120}") {
            let entry = Entry { dn: text.clone(), attributes: vec![("gplink".into(), vec![text.clone().into_bytes()])] };
            let mut learnt = crate::testing::learnt();
            policy_link(&entry, &mut learnt);
            let _ = (device_of(&text), host_of(&text), server_of(&text));
        }
    }
}
