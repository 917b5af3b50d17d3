//! Answers of real programs (`fixtures/RECORDED.md`), and some made after the specifications: what they say, what is no device,
//! and that nothing broken breaks anything.
#![allow(clippy::unwrap_used, reason = "tests only")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::device::{Deed, DeviceClass, DeviceSays};
use groma_source::Source;
use groma_source_device::{DeviceSource, escl, ipp, mdns, ssdp, wsd};

const PRINT: &[u8] = include_bytes!("fixtures/ippeveprinter-2.4.2/print.bin");
const NOTHING: &[u8] = include_bytes!("fixtures/ippeveprinter-2.4.2/nothing.bin");
const SERVICES: &[u8] = include_bytes!("fixtures/avahi-0.8/services.bin");
const INSTANCE: &[u8] = include_bytes!("fixtures/avahi-0.8/instance.bin");
const COMPUTER: &[u8] = include_bytes!("fixtures/wsdd-0.7.0/match.xml");
const COMPUTER_SAYS: &[u8] = include_bytes!("fixtures/wsdd-0.7.0/metadata.xml");
const FILMS: &[u8] = include_bytes!("fixtures/minidlna-1.3.0/answer.txt");
const FILMS_SAY: &[u8] = include_bytes!("fixtures/minidlna-1.3.0/description.xml");
const ESCL: &[u8] = include_bytes!("fixtures/made-here/escl.xml");
const DESCRIPTION: &[u8] = include_bytes!("fixtures/made-here/description.xml");
const MATCH: &[u8] = include_bytes!("fixtures/made-here/match.xml");
const METADATA: &[u8] = include_bytes!("fixtures/made-here/metadata.xml");

fn address() -> IpAddr {
    "192.0.2.50".parse().unwrap()
}

fn words(says: &DeviceSays) -> [Option<&str>; 4] {
    [&says.maker, &says.model, &says.serial, &says.location].map(|word| word.as_deref())
}

#[test]
fn a_printer_tells_its_model_and_its_place_by_ipp() {
    let answer = ipp::parse(PRINT).unwrap();
    assert!(answer.is_success());
    let says = ipp::says(address(), &answer).unwrap();
    assert_eq!(
        words(&says),
        [Some("Example"), Some("C 300"), None, Some("2nd floor")]
    );
    assert_eq!(says.can, [Deed::Print]);
    assert_eq!(says.class, Some(DeviceClass::Printer));
    assert!(says.uuid.is_some());
}

#[test]
fn where_no_printer_is_nothing_is_said() {
    let answer = ipp::parse(NOTHING).unwrap();
    assert!(!answer.is_success());
    assert_eq!(ipp::says(address(), &answer), None);
    assert_eq!(ipp::parse(b"HTTP/1.1 200 OK\r\n\r\n"), None);
}

#[test]
fn the_question_about_a_printer_is_no_other_operation() {
    let question = ipp::question("ipp://192.0.2.50:631/ipp/print");
    assert_eq!(question[2..4], [0x00, 0x0b], "Get-Printer-Attributes");
    for word in ["job", "contact", "person"] {
        let text = String::from_utf8_lossy(&question).to_lowercase();
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn an_announcement_tells_what_is_there_and_what_it_can() {
    let mut all = mdns::parse(SERVICES);
    all.extend(mdns::parse(INSTANCE));
    assert!(!all.is_empty());
    let says = mdns::says(address(), &all).unwrap();
    assert!(says.can.contains(&Deed::Print), "{says:?}");
    assert_eq!(says.location.as_deref(), Some("2nd floor"));
    assert!(
        says.model.as_deref().is_some_and(|m| m.contains("C 300")),
        "{says:?}"
    );
}

#[test]
fn queues_that_a_print_server_shares_are_no_printer() {
    let mut says = BTreeMap::new();
    says.insert("rp".to_owned(), "printers/office".to_owned());
    says.insert("ty".to_owned(), "Example C 300".to_owned());
    let queue = mdns::Instance {
        service: "_ipp._tcp".to_owned(),
        port: Some(631),
        says,
    };
    let mut all = BTreeMap::from([("Office._ipp._tcp.local".to_owned(), queue.clone())]);
    assert_eq!(mdns::says(address(), &all), None);
    // A copier that says it scans.
    let mut copier = queue;
    copier.says.insert("rp".to_owned(), "ipp/print".to_owned());
    copier.says.insert("scan".to_owned(), "T".to_owned());
    copier.says.insert("fax".to_owned(), "F".to_owned());
    all.insert("Copier._ipp._tcp.local".to_owned(), copier);
    let says = mdns::says(address(), &all).unwrap();
    assert_eq!(says.class, Some(DeviceClass::Multifunction));
    assert_eq!(says.cannot, [Deed::Fax]);
}

/// Every cupsd beside avahi holds the name of each of its queues so: `_printer._tcp` at port 0, with a TXT record of nothing.
#[test]
fn a_name_that_is_only_held_at_port_0_makes_no_printer_and_is_asked_nothing() {
    let is_held = |name: &String| name.ends_with("._printer._tcp.local");
    let mut all = mdns::parse(SERVICES);
    all.retain(|name, _| is_held(name));
    let [held] = all.values().collect::<Vec<_>>()[..] else {
        panic!("{all:?}");
    };
    assert!(held.is_placeholder() && held.says.is_empty());
    assert_eq!(mdns::says(address(), &all), None);
    assert!(mdns::untold(&all).is_empty());
    // A print server: as many names held as queues shared, and only what its queues say is asked for.
    let queue = |port| mdns::Instance {
        service: if port == 0 {
            "_printer._tcp"
        } else {
            "_ipp._tcp"
        }
        .to_owned(),
        port: Some(port),
        says: BTreeMap::new(),
    };
    for number in 0..9 {
        all.insert(format!("A{number}._printer._tcp.local"), queue(0));
        all.insert(format!("A{number}._ipp._tcp.local"), queue(631));
    }
    let asked = mdns::untold(&all);
    assert_eq!(asked.len(), 9);
    assert!(!asked.iter().any(is_held), "{asked:?}");
    // Of those there was no room to ask about nothing is known.
    assert_eq!(mdns::says(address(), &all), None);
}

/// The twin: the printer that holds the name is one by what it says of itself, and by nothing else.
#[test]
fn a_printer_that_holds_a_name_is_one_by_its_own_words() {
    let mut all = mdns::parse(SERVICES);
    mdns::join(&mut all, mdns::parse(INSTANCE));
    let says = mdns::says(address(), &all).unwrap();
    assert_eq!(says.class, Some(DeviceClass::Printer));
    assert_eq!(says.proof, ["_ipp._tcp"]);
    let ipp = all.values().find(|one| one.service == "_ipp._tcp").unwrap();
    assert_eq!(ipp.port, Some(8631), "the port is kept beside the words");
}

#[test]
fn a_computer_says_that_it_is_one_and_what_answers_there_is_a_program() {
    let found = wsd::answer(address(), COMPUTER).unwrap();
    assert_eq!(found.types, ["Device", "Computer"]);
    let says = wsd::says(address(), &found, Some(COMPUTER_SAYS));
    assert_eq!(says.class, Some(DeviceClass::Computer));
    assert_eq!(words(&says), [None; 4], "wsdd is no maker of computers");
    let films = ssdp::location(address(), FILMS).unwrap();
    assert_eq!((films.port.0, films.path.as_str()), (8200, "/rootDesc.xml"));
    assert_eq!(ssdp::says(address(), FILMS_SAY), None, "a media server");
    // Somebody who sends others after him is not followed.
    assert_eq!(ssdp::location("192.0.2.51".parse().unwrap(), FILMS), None);
}

#[test]
fn a_copier_tells_itself_in_each_of_its_tongues() {
    let found = wsd::answer(address(), MATCH).unwrap();
    let at = found.at.as_ref().unwrap();
    assert_eq!(at.path, "/wsd", "the place at its own address");
    let wsd = wsd::says(address(), &found, Some(METADATA));
    assert_eq!(wsd.class, Some(DeviceClass::Multifunction));
    assert_eq!(
        words(&wsd),
        [Some("Example"), Some("C 300"), Some("X1"), None]
    );
    let escl = escl::says(address(), ESCL).unwrap();
    assert_eq!(escl.can, [Deed::Scan]);
    assert_eq!(escl.serial.as_deref(), Some("X1"));
    let upnp = ssdp::says(address(), DESCRIPTION).unwrap();
    assert_eq!(upnp.class, Some(DeviceClass::Printer));
    for says in [&wsd, &escl, &upnp] {
        assert_eq!(
            says.uuid.as_deref(),
            Some("1c852a4d-b800-1f08-abcd-0123456789ab")
        );
    }
    // A page of the web about something else.
    assert_eq!(
        escl::says(address(), b"<html><body>Printer3D</body></html>"),
        None
    );
    assert_eq!(ssdp::says(address(), b"<html><body>x</body></html>"), None);
}

/// Two of multicast DNS, WSD, SSDP; a description by WSD, two by UPnP, three places of IPP and two within TLS, one of eSCL. Less was told.
#[test]
fn the_cost_that_is_told_is_the_most_that_is_asked() {
    let world = groma_sys::this_machine(true);
    let cost = DeviceSource::new(world, BTreeMap::new()).explain().cost;
    assert!(
        cost.contains("up to 4 datagrams and 9 short requests"),
        "{cost}"
    );
}

#[test]
fn ten_thousand_broken_answers_of_each_kind_break_nothing() {
    let at = address();
    groma_fuzz::hammer(10_000, &[PRINT, NOTHING], |bytes| {
        if let Some(answer) = ipp::parse(bytes) {
            let _ = ipp::says(at, &answer);
        }
    });
    groma_fuzz::hammer(10_000, &[SERVICES, INSTANCE], |bytes| {
        let _ = mdns::says(at, &mdns::parse(bytes));
    });
    groma_fuzz::hammer(
        10_000,
        &[COMPUTER, MATCH, METADATA, COMPUTER_SAYS],
        |bytes| {
            if let Some(found) = wsd::answer(at, bytes) {
                let _ = wsd::says(at, &found, Some(bytes));
            }
        },
    );
    groma_fuzz::hammer(10_000, &[FILMS, FILMS_SAY, DESCRIPTION, ESCL], |bytes| {
        let _ = ssdp::location(at, bytes);
        let _ = ssdp::says(at, bytes);
        let _ = escl::says(at, bytes);
    });
}
