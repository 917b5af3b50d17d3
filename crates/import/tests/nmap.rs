//! What the real nmap wrote, and what somebody might make of such a file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use groma_import::nmap::{self, Scan};
use groma_model::{Fact, SiteId, Timestamp};

const ONE: &str = include_str!("nmap/nmap-one.xml");
const PING: &str = include_str!("nmap/nmap-ping.xml");
const FILTERED: &str = include_str!("nmap/nmap-filtered.xml");

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_351_600)
}

fn read(text: &str) -> Scan {
    nmap::read("scan.xml", &mut text.as_bytes(), now()).unwrap()
}

fn says(scan: &Scan) -> Vec<String> {
    scan.sightings
        .iter()
        .map(|(sighting, _)| sighting.says())
        .collect()
}

#[test]
fn doors_that_are_open_and_what_answered_there() {
    let scan = read(ONE);
    let said = says(&scan);
    assert_eq!(said.len(), 1);
    let said = &said[0];
    for part in [
        "10.77.0.1 is there (nmap)",
        "MAC 02:00:5e:10:00:01",
        "said to be Linux 5.3 - 5.4 (a guess of nmap, 96 %)",
        "53/tcp domain dnsmasq 2.90",
        "389/tcp ldap OpenLDAP",
        "443/tcp http over TLS OpenSSL s_server",
        "445/tcp netbios-ssn Samba smbd",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(
        !said.contains("9999") && !said.contains("key.pem"),
        "{said}"
    );
    assert!(scan.finished);
    assert_eq!(scan.sightings[0].1, Timestamp::from_seconds(1_795_260_595));
}

#[test]
fn names_of_hosts_that_answered_a_ping() {
    let scan = read(PING);
    let names: Vec<_> = scan
        .sightings
        .iter()
        .map(|(s, _)| s.names[0].as_str())
        .collect();
    assert_eq!(names, ["srv1.corp.example", "ws1.corp.example"]);
}

#[test]
fn a_service_by_the_number_of_its_port_is_not_told() {
    let scan = read(FILTERED);
    let said = says(&scan);
    assert!(
        said.contains(
            &"10.77.0.1 is there (nmap), MAC 02:00:5e:10:00:01, serves 389/tcp".to_owned()
        ),
        "{said:?}"
    );
}

/// Under `-Pn` nmap calls an address up because it was told to.
#[test]
fn an_address_that_is_only_filtered_is_nobody() {
    let told_up = FILTERED.replace("reason=\"arp-response\"", "reason=\"user-set\"");
    let scan = read(&told_up);
    assert_eq!(scan.unproven, 1);
    let there: Vec<_> = scan
        .sightings
        .iter()
        .map(|(s, _)| s.address.unwrap().to_string())
        .collect();
    assert_eq!(there, ["10.77.0.1"], "it refused at two doors");
}

fn range(count: u8, mac: bool, service: &str, down: u32) -> String {
    let mut text = "<nmaprun start=\"1795260565\">".to_owned();
    for host in 1..=count {
        text.push_str(&format!("<host><status state=\"up\" reason=\"syn-ack\"/><address addr=\"10.9.0.{host}\" addrtype=\"ipv4\"/>"));
        if mac {
            text.push_str("<address addr=\"02:00:5E:10:00:01\" addrtype=\"mac\"/>");
        }
        text.push_str(&format!("<ports><port protocol=\"tcp\" portid=\"443\"><state state=\"open\" reason=\"syn-ack\"/>{service}</port></ports></host>"));
    }
    let total = u32::from(count) + down;
    text + &format!(
        "<runstats><finished exit=\"success\"/><hosts up=\"{count}\" down=\"{down}\" total=\"{total}\"/></runstats></nmaprun>"
    )
}

#[test]
fn what_answers_for_everyone_is_not_everyone() {
    let by_mac = read(&range(9, true, "", 5));
    assert_eq!((by_mac.sightings.len(), by_mac.answered_for), (0, 9));
    let by_range = read(&range(64, false, "", 0));
    assert_eq!((by_range.sightings.len(), by_range.answered_for), (0, 64));
    // A healthy network: a few addresses behind one card, some addresses silent.
    assert_eq!(read(&range(8, true, "", 5)).sightings.len(), 8);
    assert_eq!(read(&range(64, false, "", 3)).sightings.len(), 64);
    // Whoever says who he is, is.
    let service = "<service name=\"http\" product=\"nginx\" method=\"probed\"/>";
    assert_eq!(read(&range(64, false, service, 0)).sightings.len(), 64);
}

/// `nmap -iL servers.txt`: every one of them is up, or it would not be on the list.
#[test]
fn a_list_of_servers_is_nobody_in_between() {
    let same = range(64, false, "", 0);
    let mut apart = same.clone();
    let mut unlike = String::new();
    for host in 1..=64 {
        apart = apart.replace(&format!("\"10.9.0.{host}\""), &format!("\"10.9.{host}.7\""));
    }
    for (number, part) in same.split_inclusive("</host>").enumerate() {
        let port = ["443", "22", "389"][number % 3];
        unlike += &part.replace("\"443\"", &format!("\"{port}\""));
    }
    let mut cards = same.clone();
    for host in 1..=64 {
        let own = format!("<address addr=\"10.9.0.{host}\" addrtype=\"ipv4\"/>");
        let card = format!("{own}<address addr=\"02:00:5E:10:00:{host:02X}\" addrtype=\"mac\"/>");
        cards = cards.replace(&own, &card);
    }
    for text in [apart, unlike, cards] {
        let scan = read(&text);
        assert_eq!((scan.sightings.len(), scan.answered_for), (64, 0));
    }
}

#[test]
fn a_document_with_entities_of_its_own_is_refused() {
    for kind in [
        "<!DOCTYPE nmaprun [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>",
        "<!DOCTYPE nmaprun SYSTEM \"file:///etc/passwd\">",
    ] {
        let text = ONE.replace("<!DOCTYPE nmaprun>", kind);
        let refused = nmap::read("scan.xml", &mut text.as_bytes(), now()).unwrap_err();
        assert!(refused.to_string().contains("document type"), "{refused}");
    }
    let entity = range(
        1,
        false,
        "<service name=\"&b;\" product=\"&lt;i&gt;\" method=\"probed\"/>",
        0,
    );
    let said = says(&read(&entity));
    assert!(said[0].ends_with("443/tcp <i>"), "{said:?}");
}

#[test]
fn a_scan_that_was_stopped_tells_what_it_found() {
    let cut = &ONE[..ONE.find("<runstats>").unwrap()];
    let scan = read(cut);
    assert_eq!((scan.sightings.len(), scan.finished), (1, false));
}

#[test]
fn a_piece_without_an_end_ends() {
    let mut text = b"<nmaprun start=\"1\"><host comment=\"".to_vec();
    text.extend(std::iter::repeat_n(b'a', 4 << 20));
    assert!(nmap::read("scan.xml", &mut text.as_slice(), now()).is_err());
}

#[test]
fn the_batch_speaks_for_a_list_and_never_says_that_somebody_is_gone() {
    let batch = read(ONE).as_batch(now(), &SiteId::default(), "0.1.0");
    assert!(batch.header.agent.is_list());
    let facts = batch.records.iter().filter(|r| {
        matches!(&r.said, groma_model::batch::Said::Saw(o) if matches!(o.fact, Fact::Sighting(_)))
    });
    assert_eq!(facts.count(), 1);
    let partial = batch.records.iter().any(|r| {
        matches!(&r.said, groma_model::batch::Said::Covered(c) if c.state == groma_model::CoverageState::Partial)
    });
    assert!(partial);
}

#[test]
fn mutated_scans_break_nothing() {
    let corpus = [ONE.as_bytes(), PING.as_bytes(), FILTERED.as_bytes()];
    groma_fuzz::hammer(10_000, &corpus, |bytes| {
        let mut bytes = bytes;
        let _ = nmap::read("scan.xml", &mut bytes, now());
    });
}
