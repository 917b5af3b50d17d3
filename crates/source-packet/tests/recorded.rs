//! What real clients and servers said to each other, and what is told of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use groma_model::Peer;
use groma_model::fact::ReportedUse;
use groma_model::reported::NETBIOS_NAMES;
use groma_source_packet::file::{self, Frame};
use groma_source_packet::frame::Carried;
use groma_source_packet::{Counts, Heard, Wire};

/// What the clients were given to prove themselves with, or wrote: none of it may be told.
const SECRETS: &[&str] = &["Tr0ub4dor", "secret", "wrong-Secret", "anna", "boris"];

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// A frame of its own: time, link type, bytes.
type Kept = (groma_model::Timestamp, u32, Vec<u8>);

fn frames(name: &str) -> Vec<Kept> {
    let bytes = std::fs::read(recorded().join(name)).unwrap();
    let mut out = Vec::new();
    let mut keep = |frame: Frame<'_>| {
        out.push((frame.at, frame.link, frame.bytes.to_vec()));
        true
    };
    assert_eq!(file::read(&mut bytes.as_slice(), &mut keep), Ok(false));
    out
}

fn hear<'k>(frames: impl IntoIterator<Item = &'k Kept>) -> (Heard, Counts) {
    let mut wire = Wire::default();
    for (at, link, bytes) in frames {
        wire.take(&Frame {
            at: *at,
            link: *link,
            wire_bytes: 0,
            bytes,
        });
    }
    wire.end()
}

fn lines(heard: &Heard) -> Vec<String> {
    let uses = heard.uses.iter().map(|(used, seen)| {
        let fact = groma_model::Fact::PacketUse(used.clone());
        format!(
            "{}x {} {}",
            seen.count,
            used.kind,
            fact.says().trim_end_matches([' ', ':'])
        )
    });
    let sightings = heard
        .sightings
        .keys()
        .map(groma_model::sighting::Sighting::says);
    let neighbours = heard
        .neighbours
        .keys()
        .map(|(address, mac)| format!("{address} has {mac:02x?}"));
    let needs = heard.needs.keys().cloned();
    let needs = needs.map(|need| groma_model::Fact::DirectoryNeed(need).says());
    let links = heard.links.keys().cloned();
    let links = links.map(|link| groma_model::Fact::LinkSeen(link).says());
    uses.chain(sightings)
        .chain(needs)
        .chain(neighbours)
        .chain(links)
        .collect()
}

fn of(name: &str) -> (Vec<ReportedUse>, Counts) {
    let (heard, counts) = hear(&frames(name));
    (heard.uses.into_keys().collect(), counts)
}

fn captures() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(recorded())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".pcap"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_capture_tells_what_was_done_and_nothing_else() {
    let mut told = String::new();
    for name in captures() {
        let (heard, _) = hear(&frames(&name));
        let _ = writeln!(told, "{name}");
        for line in lines(&heard) {
            let _ = writeln!(told, "  {line}");
        }
    }
    let kept = recorded().join("TOLD.txt");
    if std::env::var_os("GROMA_RECORD").is_some() {
        std::fs::write(&kept, &told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(kept).unwrap());
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} was told");
    }
}

#[test]
fn the_secrets_were_there_to_be_told() {
    for (name, secret) in [
        ("ldap-simple.pcap", "Tr0ub4dor-Secret"),
        ("snmp.pcap", "secret-community"),
        ("syslog.pcap", "secret-message"),
        ("smtp-relay.pcap", "secret-subject"),
    ] {
        let bytes = std::fs::read(recorded().join(name)).unwrap();
        let mut windows = bytes.windows(secret.len());
        assert!(windows.any(|w| w == secret.as_bytes()), "{name}");
    }
}

#[test]
fn a_scan_is_nobodys_need() {
    for name in ["scan-syn.pcap", "scan-connect.pcap"] {
        assert_eq!(of(name).0, Vec::new(), "{name}");
    }
}

#[test]
fn a_mirror_that_sees_every_frame_twice_doubles_nothing() {
    for name in captures() {
        let once = frames(&name);
        let (heard, _) = hear(&once);
        // The second copy carries the tag of a virtual network, as a trunk does.
        let tagged = |(at, link, bytes): &Kept| {
            let mut bytes = bytes.clone();
            if *link == 1 {
                bytes.splice(12..12, [0x81, 0x00, 0x00, 0x07]);
            }
            (*at, *link, bytes)
        };
        let twice: Vec<Kept> = once
            .iter()
            .flat_map(|frame| [frame.clone(), tagged(frame)])
            .collect();
        let (again, _) = hear(&twice);
        assert_eq!(
            lines(&heard)[..heard.uses.len()],
            lines(&again)[..again.uses.len()],
            "{name}"
        );
    }
}

#[test]
fn a_capture_from_the_middle_on_or_of_one_side_invents_nothing() {
    for name in captures() {
        let whole = frames(&name);
        let (all, _) = hear(&whole);
        let edges = |heard: &Heard| {
            // Who was looked for by name is the same, be it known by its address or not.
            let provider = |used: &ReportedUse| match (&used.name, used.product.as_str()) {
                (Some(name), NETBIOS_NAMES) => Peer::Name(name.clone()),
                _ => used.provider.clone(),
            };
            let edge = |used: &ReportedUse| (used.consumer.clone(), provider(used), used.port);
            heard
                .uses
                .keys()
                .map(edge)
                .collect::<std::collections::BTreeSet<_>>()
        };
        let known = edges(&all);
        for skip in 0..whole.len() {
            let (part, _) = hear(&whole[skip..]);
            assert!(edges(&part).is_subset(&known), "{name} from {skip}");
        }
        for side in [0_u8, 1] {
            // The sender's hardware address ends in 1 for the server, 2 for the client.
            let of_side = whole
                .iter()
                .filter(|(_, link, bytes)| *link == 1 && bytes.get(11) == Some(&(side + 1)));
            let (part, _) = hear(of_side);
            assert!(edges(&part).is_subset(&known), "{name} side {side}");
        }
    }
}

#[test]
fn one_side_of_a_bind_still_tells_the_bind_and_no_account() {
    let whole = frames("ldap-simple.pcap");
    let client = whole.iter().filter(|(_, _, bytes)| bytes[11] == 2);
    let (heard, _) = hear(client);
    let used: Vec<_> = heard.uses.keys().collect();
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].mechanism.as_deref(), Some("simple"));
    assert_eq!(used[0].account, None);
}

#[test]
fn whom_a_server_lets_in_as_a_guest_is_nobody_whatever_it_typed() {
    let accounts = |flag: u8| -> Vec<String> {
        let mut whole = frames("smb.pcap");
        for (_, _, bytes) in &mut whole {
            let Some(at) = bytes.windows(4).position(|four| four == b"\xfeSMB") else {
                continue;
            };
            // The answer to a session setup that was let in: [MS-SMB2] 2.2.6.
            let is_let_in = bytes[at + 8..at + 14] == [0, 0, 0, 0, 1, 0] && bytes[at + 16] & 1 != 0;
            if is_let_in {
                bytes[at + 64 + 2] |= flag;
            }
        }
        let (heard, _) = hear(&whole);
        let told = heard.uses.keys().filter_map(|used| used.account.as_ref());
        told.map(|account| account.lossy().into_owned()).collect()
    };
    assert_eq!(accounts(0), ["CORP\\svcscan"]);
    assert_eq!(accounts(1), [""]);
    assert_eq!(accounts(2), [""]);
}

#[test]
fn who_calls_itself_something_from_outside_is_nobody_of_ours() {
    let mut whole = frames("netbios.pcap");
    assert_eq!(hear(&whole).0.sightings.len(), 1);
    for (_, _, bytes) in &mut whole {
        if bytes[26..30] == [10, 77, 0, 1] {
            bytes[26..30].copy_from_slice(&[203, 0, 113, 5]);
        }
    }
    assert!(hear(&whole).0.sightings.is_empty());
}

#[test]
fn frames_in_another_order_tell_the_same() {
    for name in ["ldap-simple.pcap", "smb.pcap", "tls12.pcap"] {
        let mut swapped = frames(name);
        let (heard, _) = hear(&swapped);
        // Neighbours change places, from the first word on: as two cards of a bond do.
        for pair in swapped[3..].chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
        let (again, _) = hear(&swapped);
        let kinds = |heard: &Heard| {
            heard
                .uses
                .keys()
                .map(|u| (u.kind.clone(), u.port))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(&heard), kinds(&again), "{name}");
    }
}

#[test]
fn whoever_only_scans_or_answers_nobody_looks_for_no_machine_by_name() {
    // A status is what scanners ask for; what was never looked for is no need of who has the name.
    let whole = frames("netbios.pcap");
    let status = whole.iter().filter(|(_, _, bytes)| {
        // The sort of record behind the question of 50 bytes: a status.
        bytes.len() == 92 && bytes[88..90] == [0, 33]
    });
    let (heard, counts) = hear(status);
    assert!(heard.uses.is_empty() && counts.unanswered == 0);
    let server = frames("netbios-names.pcap");
    let registers = server.iter().filter(|(_, _, bytes)| bytes[11] == 1);
    assert!(hear(registers).0.uses.is_empty());
}

#[test]
fn where_no_router_spoke_nobody_is_told_to_use_one() {
    let whole = frames("router.pcap");
    let is_advert = |bytes: &[u8]| bytes[20] == 58 && bytes[54] == 134;
    assert!(whole.iter().any(|(_, _, bytes)| is_advert(bytes)));
    let others = whole.iter().filter(|(_, _, bytes)| !is_advert(bytes));
    assert!(hear(others).0.needs.is_empty());
    // One that came from beyond the link is nobody's word, whatever it says.
    let mut far = whole.clone();
    for (_, _, bytes) in &mut far {
        if is_advert(bytes) {
            bytes[21] = 64;
        }
    }
    assert!(hear(&far).0.needs.is_empty());
    assert_eq!(hear(&whole).0.needs.len(), 3);
}

/// What a server hands out was judged when it came: in a capture that began between two words of the router, nobody was told.
#[test]
fn a_router_may_say_which_addresses_are_here_after_one_was_handed_out() {
    let public = |name: &str| {
        let mut whole = frames(name);
        for (_, _, bytes) in &mut whole {
            let places: Vec<usize> = (0..bytes.len())
                .filter(|at| {
                    bytes
                        .get(*at..)
                        .is_some_and(|rest| rest.starts_with(&[0xfd, 0x77]))
                })
                .collect();
            for at in places {
                bytes[at..at + 2].copy_from_slice(&[0x2a, 0x02]);
            }
        }
        whole
    };
    let leases = public("dhcp6.pcap");
    let told_of_dhcp = |frames: &[Kept]| {
        let needs = hear(frames).0.needs.into_keys();
        needs
            .filter(|need| need.dn.lossy().contains("DHCP"))
            .count()
    };
    let own = told_of_dhcp(&frames("dhcp6.pcap"));
    assert!(own > 0);
    let mut whole = leases.clone();
    whole.extend(public("router.pcap"));
    assert_eq!(told_of_dhcp(&whole), own);
    // Its twin: nobody says that these addresses are here.
    assert_eq!(told_of_dhcp(&leases), 0);
}

#[test]
fn who_says_goodbye_is_no_neighbour() {
    for name in ["lldp.pcap", "cdp.pcap"] {
        let whole = frames(name);
        assert_eq!(hear(&whole).0.links.len(), 1, "{name}");
        // The last word alone, and the frames of everybody else.
        let mut taken_back = whole.clone();
        for (_, _, bytes) in &mut taken_back {
            match bytes.get(12..14) {
                Some([0x88, 0xcc]) => bytes[32..36].copy_from_slice(&[6, 2, 0, 0]),
                Some([0 | 1, _]) => bytes[23] = 0,
                _ => {}
            }
        }
        let (heard, _) = hear(&taken_back);
        assert!(
            heard.links.is_empty() && heard.sightings.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn mutated_captures_break_nothing() {
    let corpus: Vec<Vec<u8>> = captures()
        .iter()
        .map(|name| std::fs::read(recorded().join(name)).unwrap())
        .collect();
    let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    groma_fuzz::hammer(10_000, &corpus, |bytes| {
        let mut wire = Wire::default();
        let mut bytes = bytes;
        let _ = file::read(&mut bytes, &mut |frame| {
            wire.take(&frame);
            true
        });
        let _ = wire.end();
    });
}

#[test]
fn mutated_frames_break_nothing() {
    let all: Vec<Kept> = captures().iter().flat_map(|name| frames(name)).collect();
    let corpus: Vec<&[u8]> = all.iter().map(|(_, _, bytes)| bytes.as_slice()).collect();
    let (at, _, _) = all[0];
    groma_fuzz::hammer(10_000, &corpus, |bytes| {
        for link in [1, 101, 113, 276] {
            let mut wire = Wire::default();
            wire.take(&Frame {
                at,
                link,
                wire_bytes: 0,
                bytes,
            });
            let _ = wire.end();
        }
    });
}

/// What a link is told is a small part of all captures: by itself it is met as often as the rest together.
#[test]
fn mutated_words_of_a_link_break_nothing() {
    let names = [
        "lldp",
        "cdp",
        "router",
        "dhcp6",
        "netbios-server",
        "ipv6-headers",
    ];
    let all: Vec<Kept> = names
        .iter()
        .flat_map(|name| frames(&format!("{name}.pcap")))
        .collect();
    let corpus: Vec<&[u8]> = all.iter().map(|(_, _, bytes)| bytes.as_slice()).collect();
    let wire = std::sync::Mutex::new(Wire::default());
    let (at, _, _) = all[0];
    groma_fuzz::hammer(10_000, &corpus, |bytes| {
        wire.lock().unwrap().take(&Frame {
            at,
            link: 1,
            wire_bytes: 0,
            bytes,
        });
    });
    let _ = wire.into_inner().unwrap().end();
}

#[test]
fn mutated_words_break_no_parser() {
    // Both sides of every conversation, cut at their begin by the mutator's own choice.
    let mut said: Vec<Vec<u8>> = Vec::new();
    for name in captures() {
        for (at, link, bytes) in frames(&name) {
            let frame = Frame {
                at,
                link,
                wire_bytes: 0,
                bytes: &bytes,
            };
            match groma_source_packet::frame::read(&frame) {
                Some(Carried::Tcp(segment)) if !segment.content.is_empty() => {
                    said.push(segment.content.to_vec());
                }
                Some(Carried::Udp(datagram)) => said.push(datagram.content.to_vec()),
                Some(
                    Carried::Lldp { content, .. }
                    | Carried::Cdp { content, .. }
                    | Carried::Router { content, .. },
                ) => said.push(content.to_vec()),
                _ => {}
            }
        }
    }
    said.push(b"220 x\r\n227 Passive (10,0,0,5,130,7)\r\n229 Extended (|||33287|)\r\n".to_vec());
    let corpus: Vec<&[u8]> = said.iter().map(Vec::as_slice).collect();
    groma_fuzz::hammer(10_000, &corpus, |bytes| {
        use groma_source_packet::speech;
        let (one, other) = bytes.split_at(bytes.len() / 2);
        for port in [25, 88, 389, 443, 445] {
            let _ = speech::read(port, bytes, other);
            let _ = speech::read(port, one, bytes);
        }
        let _ = speech::answer(bytes);
        let _ = speech::announced(bytes);
        let _ = speech::netbios_names(bytes);
        let _ = speech::netbios(bytes);
        let _ = speech::lease6(bytes);
        let _ = speech::lldp(bytes);
        let _ = speech::cdp(bytes);
        let _ = speech::advertised(bytes);
        let _ = speech::lease(bytes);
        let _ = speech::snmp(bytes, true);
        let _ = speech::kerberos_asked(bytes);
        let _ = speech::handed_out(bytes);
    });
}
