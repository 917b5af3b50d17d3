//! An Exchange organisation as its directory keeps it, below `CN=Microsoft Exchange,CN=Services`.
//!
//! Attributes as Microsoft publishes them in the Exchange schema. Read from entries built to that schema only: no
//! Exchange server was asked while this was written.

use std::net::IpAddr;

use groma_model::fact::NeedReason;
use groma_model::{Peer, Port, Reason};

use super::objects::host_of;
use super::security;
use crate::cause::Cause;
use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says, need};

/// A mail server. Others name it by its short name.
pub(crate) fn server(entry: &Entry, learnt: &mut Learnt) {
    let name = entry.text("cn").unwrap_or_else(|| entry.first_name());
    let full = entry
        .texts("networkAddress")
        .find_map(|a| a.strip_prefix("ncacn_ip_tcp:").map(str::to_owned));
    let host = full
        .and_then(|n| Peer::parse(&n))
        .or_else(|| Peer::parse(&name));
    let mut object = learnt.described("mail-server", entry, &["serialNumber"]);
    // msExchCurrentServerRoles, bits of Exchange 2007 and later.
    let roles = entry.number("msExchCurrentServerRoles").unwrap_or(0);
    let words = [
        (0x2, "mailbox"),
        (0x4, "client access"),
        (0x10, "unified messaging"),
        (0x20, "hub transport"),
        (0x40, "edge transport"),
        (0x4000, "front end transport"),
    ];
    let held = words.iter().filter(|(bit, _)| roles & bit != 0);
    object.says("roles", held.map(|(_, word)| (*word).to_owned()));
    object.host.clone_from(&host);
    learnt
        .mail_servers
        .extend(host.map(|h| (name.to_lowercase(), h)));
    learnt.object(object);
}

/// The server an object belongs to: the part of its name above `CN=Servers`, or the one an attribute names.
fn server_of(dn: &str, learnt: &Learnt) -> Option<Peer> {
    let parts = names(dn);
    let at = parts
        .iter()
        .position(|(_, v)| v.eq_ignore_ascii_case("Servers"))?;
    let (_, name) = parts.get(at.checked_sub(1)?)?;
    learnt.mail_servers.get(&name.to_lowercase()).cloned()
}

/// Anything else of the organisation, by its class.
pub(crate) fn part(entry: &Entry, learnt: &mut Learnt) {
    if entry.is("msExchSmtpReceiveConnector") {
        receive_connector(entry, learnt);
    } else if entry.is("msExchRoutingSMTPConnector") {
        send_connector(entry, learnt);
    } else if entry.is("msExchAcceptedDomain") {
        let mut object = learnt.described("accepted-domain", entry, &[]);
        if let Some(domain) = entry.text("msExchAcceptedDomainName") {
            object.name = domain.to_lowercase().into();
        }
        // msExchAcceptedDomainFlags, the two lowest bits.
        let kind = match entry.number("msExchAcceptedDomainFlags").unwrap_or(0) & 3 {
            0 => "authoritative",
            1 => "internal relay",
            _ => "external relay",
        };
        object.says("kind", [kind.to_owned()]);
        learnt.object(object);
    } else if entry.is("msExchPrivateMDB") {
        let mut object = learnt.described(
            "mail-database",
            entry,
            &[
                "msExchEDBFile",
                "msExchESEParamLogFilePath",
                "mDBStorageQuota",
                "mDBOverQuotaLimit",
                "mDBOverHardQuotaLimit",
            ],
        );
        let owner = entry.text("msExchOwningServer");
        let short = owner
            .and_then(|dn| names(&dn).into_iter().next())
            .map(|(_, name)| name.to_lowercase());
        object.host = short.and_then(|name| learnt.mail_servers.get(&name).cloned());
        learnt.object(object);
    } else if entry.is("msExchMDBAvailabilityGroup") {
        let object = learnt.described("availability-group", entry, &[]);
        learnt.object(object);
    } else {
        let mut object = learnt.described(
            "virtual-directory",
            entry,
            &["msExchInternalHostName", "msExchExternalHostName"],
        );
        object.host = server_of(&entry.dn, learnt);
        let reached = ["msExchInternalHostName", "msExchExternalHostName"]
            .iter()
            .filter_map(|a| host_of(&entry.text(a)?));
        object.says("names", reached.map(|p| p.to_string()));
        learnt.object(object);
    }
}

/// Who nobody is: ANONYMOUS LOGON, and everybody.
const ANYBODY: [&str; 2] = ["S-1-5-7", "S-1-1-0"];

/// How this organisation numbers the right to send to any recipient.
pub(crate) fn relay_right(entry: &Entry, learnt: &mut Learnt) {
    let right = entry.text("rightsGuid");
    learnt.relay_right = right.and_then(|guid| security::guid(guid.trim()));
}

/// A connector that lets somebody without a logon send to any recipient. What comes from above counts as well: the
/// organisation itself gives it to nobody.
pub(crate) fn connector_rights(entry: &Entry, learnt: &mut Learnt) {
    let Some(right) = learnt.relay_right else {
        return;
    };
    let all = entry
        .bytes("nTSecurityDescriptor")
        .and_then(security::entries);
    let open = all
        .into_iter()
        .flatten()
        .any(|e| ANYBODY.contains(&e.sid.as_str()) && e.gives(&right));
    if open {
        learnt.open_connectors.insert(entry.dn.to_lowercase());
    }
}

/// `msExchSMTPReceiveInboundSecurityFlag`: who comes in here was checked by something else, and may do everything.
const SECURED_ELSEWHERE: i64 = 0x20;

/// To whom a connector lets its senders write.
fn relay(entry: &Entry, learnt: &Learnt) -> Vec<String> {
    let flags = entry.number("msExchSMTPReceiveInboundSecurityFlag");
    let mut said = Vec::new();
    if learnt.open_connectors.contains(&entry.dn.to_lowercase()) {
        said.push("to anybody, without a logon".to_owned());
    }
    if flags.is_some_and(|f| f & SECURED_ELSEWHERE != 0) {
        said.push("to anybody: taken for secured by something else".to_owned());
    }
    said
}

/// Where mail comes in: the addresses it takes mail from are often the only list of copiers anybody has.
fn receive_connector(entry: &Entry, learnt: &mut Learnt) {
    let server = server_of(&entry.dn, learnt);
    let bindings: Vec<String> = entry.texts("msExchSmtpReceiveBindings").collect();
    let ranges: Vec<String> = entry.texts("msExchSmtpReceiveRemoteIPRanges").collect();
    let mut object = learnt.described(
        "receive-connector",
        entry,
        &[
            "msExchSmtpReceiveBindings",
            "msExchSmtpReceiveConnectorFQDN",
        ],
    );
    object.host.clone_from(&server);
    let singles: Vec<IpAddr> = ranges.iter().filter_map(|r| single(r)).collect();
    object.says(
        "networks",
        ranges.iter().filter(|r| single(r).is_none()).cloned(),
    );
    object.says("relay", relay(entry, learnt));
    let off = entry
        .text("msExchSmtpReceiveEnabled")
        .is_some_and(|t| t.eq_ignore_ascii_case("FALSE"));
    object.says("state", off.then(|| "disabled".to_owned()));
    object.says(
        "single-addresses",
        (!singles.is_empty()).then(|| singles.len().to_string()),
    );
    learnt.object(object);
    // 0 is no log at all (ProtocolLoggingLevel None).
    let unlogged = entry.number("msExchSmtpReceiveProtocolLoggingLevel") == Some(0);
    if let (true, false, Some(server)) = (unlogged, off, &server) {
        let machine = server.to_string();
        let short = machine.split('.').next().unwrap_or(&machine).to_uppercase();
        learnt
            .unlogged
            .push(format!("{short}\\{}", entry.first_name()));
    }
    let port = bindings
        .iter()
        .find_map(|b| b.rsplit_once(':')?.1.parse::<u16>().ok());
    let Some(server) = server.filter(|_| !off) else {
        return;
    };
    for address in singles {
        let reason = ("smtp-relay", NeedReason::ReceiveConnector);
        let mut need = need(
            Peer::Address(address),
            server.clone(),
            reason,
            entry,
            "msExchSmtpReceiveRemoteIPRanges",
        );
        need.port = port.map(Port);
        need.resource = Some(entry.first_name().into());
        learnt.need(need);
    }
}

/// Connectors shown of those without a log.
const UNLOGGED_SHOWN: usize = 16;

/// Text as it stands between single quotes in PowerShell: each of the five signs that it takes for one would end the argument,
/// and is doubled. A control character means nothing in a name.
fn in_single_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        out.push(letter);
        if matches!(letter, '\'' | '\u{2018}'..='\u{201b}') {
            out.push(letter);
        }
    }
    out
}

/// Says which receive connectors write down nothing: who sends through them is nowhere to be read.
pub(crate) fn tell_unlogged(learnt: &mut Learnt) {
    let all = std::mem::take(&mut learnt.unlogged);
    for connector in all.iter().take(UNLOGGED_SHOWN) {
        let quoted = in_single_quotes(connector);
        learnt.troubles.push(Cause::new(
            format!("the receive connector {connector} keeps no protocol log: who sends through it is written nowhere"),
            Reason::LogDisabled,
            &format!(
                "on the server, for as long as it takes: Set-ReceiveConnector '{quoted}' -ProtocolLoggingLevel Verbose (without a restart; some KB for each message, 30 days or 250 MB are kept by default), then look at the exported logs; back with: Set-ReceiveConnector '{quoted}' -ProtocolLoggingLevel None"
            ),
        ));
    }
    if all.len() > UNLOGGED_SHOWN {
        let more = all.len() - UNLOGGED_SHOWN;
        let what = format!("{more} receive connectors more keep no protocol log");
        learnt
            .troubles
            .push(Cause::new(what, Reason::LogDisabled, ""));
    }
}

/// The address of a range that holds only one: `10.0.0.50`, `10.0.0.50-10.0.0.50`, `10.0.0.50/32`.
fn single(range: &str) -> Option<IpAddr> {
    let range = range.trim();
    let address: IpAddr = match (range.split_once('-'), range.split_once('/')) {
        (Some((from, to)), _) if from.trim() == to.trim() => from.trim().parse().ok()?,
        (Some(_), _) => return None,
        (None, Some((address, "32"))) => address.parse().ok()?,
        (None, Some((address, "128"))) if address.contains(':') => address.parse().ok()?,
        (None, Some(_)) => return None,
        (None, None) => range.parse().ok()?,
    };
    let nobody = address.is_unspecified() || address.is_loopback() || address.is_multicast();
    (!nobody).then_some(address)
}

/// Where mail goes out, and to whom it is handed on.
fn send_connector(entry: &Entry, learnt: &mut Learnt) {
    let hosts: Vec<String> = entry
        .texts("msExchSmtpSmartHost")
        .flat_map(|text| {
            text.split([',', ';'])
                .map(|h| h.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|h| !h.is_empty())
        .collect();
    let mut object = learnt.described(
        "send-connector",
        entry,
        &["msExchSmtpSendPort", "routingList"],
    );
    object.says("smart-hosts", hosts.iter().cloned());
    learnt.object(object);
    let port = entry
        .number("msExchSmtpSendPort")
        .and_then(|p| u16::try_from(p).ok())
        .unwrap_or(25);
    let sources = entry.texts("msExchSourceBridgeheadServersDN");
    let mut sources: Vec<Peer> = sources.filter_map(|dn| server_of(&dn, learnt)).collect();
    sources.sort();
    sources.dedup();
    for source in &sources {
        for host in hosts
            .iter()
            .filter_map(|h| Peer::parse(h.trim_start_matches('[').trim_end_matches(']')))
        {
            let mut need = need(
                source.clone(),
                host,
                ("smtp-relay", NeedReason::SendConnector),
                entry,
                "msExchSmtpSmartHost",
            );
            need.port = Some(Port(port));
            need.resource = Some(entry.first_name().into());
            learnt.need(need);
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_model::fact::Fact;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, learnt, needs};

    const SERVERS: &str = "CN=Servers,CN=Exchange Administrative Group,CN=Administrative Groups,CN=Acme,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=corp,DC=example";

    fn organisation() -> Learnt {
        let mut learnt = learnt();
        let mbx = entry(
            &format!("CN=MBX1,{SERVERS}"),
            &[
                ("cn", "MBX1"),
                ("networkAddress", "ncacn_ip_tcp:mbx1.corp.example"),
                ("msExchCurrentServerRoles", "16439"),
            ],
        );
        server(&mbx, &mut learnt);
        learnt
    }

    #[test]
    fn a_copier_that_a_connector_lets_in_is_a_sender_and_a_network_is_none() {
        let mut learnt = organisation();
        let connector = entry(
            &format!("CN=Scan to mail,CN=SMTP Receive Connectors,CN=Protocols,CN=MBX1,{SERVERS}"),
            &[
                ("objectClass", "msExchSmtpReceiveConnector"),
                ("msExchSmtpReceiveBindings", "0.0.0.0:25"),
                ("msExchSmtpReceiveRemoteIPRanges", "10.0.0.50"),
                ("msExchSmtpReceiveRemoteIPRanges", "10.0.0.60-10.0.0.60"),
                ("msExchSmtpReceiveRemoteIPRanges", "10.9.0.0/16"),
                ("msExchSmtpReceiveRemoteIPRanges", "0.0.0.0-255.255.255.255"),
            ],
        );
        part(&connector, &mut learnt);
        let told = needs(&learnt);
        assert_eq!(
            told,
            [
                "10.0.0.50 smtp-relay mbx1.corp.example:25",
                "10.0.0.60 smtp-relay mbx1.corp.example:25"
            ]
        );
        let object = learnt.facts.iter().find_map(|f| match f {
            Fact::DirectoryObject(o) if o.class == "receive-connector" => Some(o),
            _ => None,
        });
        assert_eq!(object.unwrap().attributes["networks"].len(), 2);
    }

    #[test]
    fn no_quote_of_a_name_ends_the_argument_of_a_remedy() {
        let mut learnt = organisation();
        for quote in ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'] {
            learnt
                .unlogged
                .push(format!("MBX1\\x{quote}; Remove-It; {quote}"));
        }
        tell_unlogged(&mut learnt);
        assert_eq!(learnt.troubles.len(), 5);
        for trouble in &learnt.troubles {
            let remedy = format!("{trouble:?}");
            let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
            let argument = remedy.split("Set-ReceiveConnector '").nth(1).unwrap();
            let argument = argument.split("' -Protocol").next().unwrap();
            let signs: Vec<char> = argument.chars().collect();
            let runs = signs.chunk_by(|a, b| is_quote(a) == is_quote(b));
            assert!(
                runs.filter(|run| is_quote(&run[0]))
                    .all(|run| run.len() % 2 == 0),
                "{argument}"
            );
        }
    }

    #[test]
    fn a_send_connector_leads_to_its_smart_hosts() {
        let mut learnt = organisation();
        let connector = entry(
            "CN=Internet,CN=Connections,CN=Routing,CN=x",
            &[
                ("objectClass", "msExchRoutingSMTPConnector"),
                ("msExchSmtpSmartHost", "[10.0.0.9],gate.corp.example"),
                (
                    "msExchSourceBridgeheadServersDN",
                    &format!("CN=1,CN=SMTP,CN=Protocols,CN=MBX1,{SERVERS}"),
                ),
            ],
        );
        part(&connector, &mut learnt);
        assert_eq!(
            needs(&learnt),
            [
                "mbx1.corp.example smtp-relay 10.0.0.9:25",
                "mbx1.corp.example smtp-relay gate.corp.example:25"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            let _ = (single(&text), server_of(&text, &learnt()));
        }
    }
}
