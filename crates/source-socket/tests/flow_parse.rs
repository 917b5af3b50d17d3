//! Recorded events of a kernel, recorded answers of a name server; and bytes nobody ever recorded.
#![cfg(target_os = "linux")]

use std::net::IpAddr;

use groma_model::Port;
use groma_source_socket::flow::datagram::Datagram;
use groma_source_socket::flow::dns::{mentioned, read_answer};
use groma_source_socket::flow::end::read_ends;
use groma_source_socket::flow::format::Format;
use groma_source_socket::flow::record::read_records;
use groma_source_socket::flow::trace::{Ends, PageReader, Step};
use proptest::prelude::*;

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/linux-6.18/flows/", $name)).as_slice()
    };
}
macro_rules! answer {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/bind-9.18/dns-", $name, ".bin")).as_slice()
    };
}

const STATES: &[u8] = recorded!("inet_sock_set_state.format");
const FORK: &[u8] = recorded!("sched_process_fork.format");
const EXEC: &[u8] = recorded!("sched_process_exec.format");
const PAGE: &[u8] = recorded!("page-0.bin");
const RECORDS: &[u8] = recorded!("records.bin");
const ENDS: &[u8] = recorded!("ends.netlink");

fn reader() -> PageReader {
    let formats = [STATES, FORK, EXEC].map(<[u8]>::to_vec);
    PageReader::new(&formats).expect("the formats were recorded")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("a test writes addresses right")
}

#[test]
fn a_recorded_page_tells_both_connections_from_call_to_close() {
    let page = reader().read(PAGE);
    assert!(!page.lost);
    assert_eq!(page.malformed, 0);
    let times: Vec<u64> = page.events.iter().map(|event| event.at).collect();
    assert!(times.is_sorted() && times.first() < times.last());
    for address in ["127.0.0.1", "::1"] {
        let toward = |ends: &Ends| ends.remote == ip(address) && ends.remote_port == Port(7431);
        let at = |ends: &Ends| ends.local == ip(address) && ends.local_port == Port(7431);
        let steps = || page.events.iter().map(|event| &event.step);
        let (socket, ends) = steps()
            .find_map(|step| match step {
                Step::Answered { socket, ends } if toward(ends) => Some((*socket, *ends)),
                _ => None,
            })
            .expect("the call was answered");
        assert_ne!(
            ends.local_port,
            Port(0),
            "an answered call has its own port"
        );
        assert!(steps().any(|s| matches!(s, Step::Calls { socket: s, .. } if *s == socket)));
        assert!(steps().any(|s| matches!(s, Step::Taken { ends: e } if *e == ends.reversed())));
        assert!(steps().any(|s| matches!(s, Step::Closed { ends: e, .. } if *e == ends)));
        assert!(steps().any(|s| matches!(s, Step::Closed { ends: e, .. } if at(e))));
        let listens = |s: &Step| matches!(s, Step::Listens { address: a, port: Port(7431), .. } if *a == ip(address));
        assert!(steps().any(listens));
    }
}

#[test]
fn a_program_that_is_started_is_told_with_who_made_it() {
    let page = reader().read(PAGE);
    let steps = || page.events.iter().map(|event| &event.step);
    let (task, path) = steps()
        .find_map(|step| match step {
            Step::Executed { task, path, .. } => Some((*task, path.clone())),
            _ => None,
        })
        .expect("a program was started");
    assert!(path.ends_with(b"bin/true"));
    assert!(steps().any(|s| matches!(s, Step::Forked { child, .. } if *child == task)));
}

#[test]
fn recorded_records_tell_what_the_pages_tell_with_network_account_and_bytes() {
    let page = read_records(RECORDS);
    assert_eq!((page.malformed, page.lost), (0, false));
    let times: Vec<u64> = page.events.iter().map(|event| event.at).collect();
    assert!(times.is_sorted() && times.first() < times.last());
    let network = page.events.iter().find_map(|event| event.network);
    assert!(network.is_some());
    let steps = || page.events.iter().map(|event| &event.step);
    for address in ["127.0.0.1", "::1"] {
        let toward = |ends: &Ends| ends.remote == ip(address) && ends.remote_port == Port(7431);
        let (socket, ends) = steps()
            .find_map(|step| match step {
                Step::Answered { socket, ends } if toward(ends) => Some((*socket, *ends)),
                _ => None,
            })
            .expect("the call was answered");
        let calls = |s: &Step| matches!(s, Step::Calls { socket: s, .. } if *s == socket);
        let call = page.events.iter().find(|event| calls(&event.step)).unwrap();
        assert_eq!((call.user, call.network), (Some(0), network));
        assert!(steps().any(|s| matches!(s, Step::Taken { ends: e } if *e == ends.reversed())));
        // 11 bytes one way and 100 the other, told at both ends.
        for side in [ends, ends.reversed()] {
            assert!(steps().any(
                |s| matches!(s, Step::Closed { ends, bytes: Some(111), .. } if *ends == side)
            ));
        }
        let listens = |s: &Step| matches!(s, Step::Listens { address: a, port: Port(7431), .. } if *a == ip(address));
        assert!(steps().any(listens));
    }
    let (task, path) = steps()
        .find_map(|step| match step {
            Step::Executed { task, path, .. } => Some((*task, path.clone())),
            _ => None,
        })
        .expect("a program was started");
    assert_eq!(path, b"/bin/true");
    assert!(steps().any(|s| matches!(s, Step::Forked { child, .. } if *child == task)));
}

#[test]
fn a_record_of_another_build_and_a_path_that_was_cut_lead_nowhere() {
    let framed = |record: &[u8]| {
        let length = u32::try_from(record.len()).unwrap().to_ne_bytes();
        [&length[..], record].concat()
    };
    let head = |kind: u32| {
        let mut head = 7_u64.to_ne_bytes().to_vec();
        head.extend(kind.to_ne_bytes());
        head.extend(9_u32.to_ne_bytes());
        head
    };
    let unknown = read_records(&framed(&head(4)));
    assert_eq!((unknown.events.len(), unknown.malformed), (0, 1));
    for (length, told) in [(0_u32, ""), (5, "/bin"), (512, "")] {
        let mut record = head(3);
        record.extend(9_u32.to_ne_bytes());
        record.extend(length.to_ne_bytes());
        record.extend(b"/bin\0");
        record.resize(536, b'x');
        let page = read_records(&framed(&record));
        let path = page.events.first().map(|event| event.step.clone());
        let wanted = Step::Executed {
            task: 9,
            before: 9,
            path: told.into(),
        };
        assert_eq!(path, Some(wanted), "{length}");
    }
    assert_eq!(read_records(&[0xff; 4]).malformed, 1);
    assert_eq!(read_records(&[1]).malformed, 1);
}

#[test]
fn recorded_ends_carry_what_was_sent_and_a_refused_call_is_no_connection() {
    let (ends, malformed) = read_ends(ENDS);
    assert_eq!((ends.len(), malformed), (7, 0));
    let carried: Vec<_> = ends
        .iter()
        .filter(|end| end.answered && end.ends.remote_port != Port(0))
        .collect();
    // Both ends of both connections, 11 bytes one way and 100 the other.
    assert_eq!(carried.len(), 4);
    assert!(
        carried.iter().all(|end| end.bytes == Some(111)),
        "{carried:?}"
    );
    let refused: Vec<_> = ends
        .iter()
        .filter(|end| end.ends.remote_port == Port(7432))
        .collect();
    assert!(refused.iter().all(|end| !end.answered), "{refused:?}");
}

#[test]
fn an_answer_leads_from_the_question_through_aliases_to_addresses() {
    let plain = read_answer(answer!("a")).unwrap();
    assert_eq!(plain.asked.as_str(), "mx1.corp.example");
    assert_eq!(
        (plain.addresses, plain.ttl_seconds),
        (vec![ip("10.0.0.25")], 60)
    );
    let alias = read_answer(answer!("a-alias")).unwrap();
    assert_eq!(alias.asked.as_str(), "old-mail.corp.example");
    assert_eq!(
        (alias.addresses, alias.ttl_seconds),
        (vec![ip("10.0.0.25")], 60)
    );
    let written_large = read_answer(answer!("aaaa-alias")).unwrap();
    assert_eq!(written_large.asked.as_str(), "old-mail.corp.example");
    assert_eq!(written_large.addresses, [ip("fd00::25")]);
    let mut many = read_answer(answer!("many")).unwrap().addresses;
    many.sort();
    assert_eq!(many, [ip("10.0.1.1"), ip("10.0.1.2"), ip("10.0.1.3")]);
}

#[test]
fn what_leads_to_no_address_names_nobody() {
    for silent in [
        answer!("nxdomain"),
        answer!("refused"),
        answer!("question"),
        answer!("srv"),
    ] {
        assert_eq!(read_answer(silent), None);
    }
    // The service's host was named beside the answer: an address that a name server did speak of.
    assert_eq!(mentioned(answer!("srv")), [ip("10.0.0.10")]);
    assert!(mentioned(answer!("nxdomain")).is_empty());
}

#[test]
fn an_answer_to_another_question_is_not_taken_along() {
    // The answer's owner is not what was asked, nor an alias of it.
    let mut message = answer!("a").to_vec();
    let question = 12;
    message[question + 1] = b'x'; // xx1.corp.example; the record points back at the question
    assert_eq!(
        read_answer(&message).unwrap().asked.as_str(),
        "xx1.corp.example"
    );
    // A record that spells out another owner instead of pointing back is passed over.
    let end_of_question = question + 18 + 4;
    let mut foreign = message[..end_of_question].to_vec();
    foreign.extend(b"\x03mx9\x04corp\x07example\x00");
    foreign.extend(&message[end_of_question + 2..]);
    assert_eq!(read_answer(&foreign), None);
}

#[test]
fn a_name_that_points_at_itself_ends() {
    let mut message = answer!("a").to_vec();
    let record = 12 + 18 + 4;
    for pointer in [record, record + 2, 0x3fff] {
        message[record..record + 2].copy_from_slice(&(0xc000 | pointer as u16).to_be_bytes());
        assert_eq!(read_answer(&message), None);
    }
}

#[test]
fn a_kernel_that_describes_its_events_otherwise_is_not_guessed_at() {
    assert!(PageReader::new(&[FORK.to_vec(), EXEC.to_vec()]).is_none());
    let text = String::from_utf8(STATES.to_vec()).unwrap();
    let renamed = text.replace("skaddr", "socket_address");
    assert!(PageReader::new(&[renamed.into_bytes()]).is_none());
    assert!(
        !PageReader::new(&[STATES.to_vec()])
            .unwrap()
            .knows_processes()
    );
    let moved = text.replace("offset:24", "offset:2400").into_bytes();
    let page = PageReader::new(&[moved]).unwrap().read(PAGE);
    assert!(page.events.is_empty() && page.malformed > 0);
}

#[test]
fn a_datagram_is_cut_out_of_both_versions_of_ip() {
    let mut v4 = vec![
        0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 5, 10, 0, 0, 9,
    ];
    v4.extend([0x9c, 0x40, 0, 123, 0, 11, 0, 0, 1, 2, 3]);
    let read = Datagram::read(0x0800, &v4).unwrap();
    assert_eq!(
        (read.source, read.source_port),
        (ip("10.0.0.5"), Port(40_000))
    );
    assert_eq!(
        (read.destination, read.destination_port),
        (ip("10.0.0.9"), Port(123))
    );
    assert_eq!((read.bytes, read.content), (3, &[1, 2, 3][..]));
    v4[9] = 6;
    assert_eq!(Datagram::read(0x0800, &v4), None, "TCP");
    let mut v6 = vec![0_u8; 40];
    v6[0] = 0x60;
    v6[6] = 17;
    v6[23] = 1;
    v6[39] = 2;
    v6.extend([0x9c, 0x40, 2, 2, 0, 8, 0, 0]);
    let read = Datagram::read(0x86dd, &v6).unwrap();
    assert_eq!((read.source, read.destination), (ip("::1"), ip("::2")));
    assert_eq!((read.destination_port, read.bytes), (Port(514), 0));
    assert_eq!(Datagram::read(0x0806, &v6), None, "ARP");
}

fn read_everything(bytes: &[u8]) {
    let page = reader().read(bytes);
    assert!(page.events.len() <= bytes.len());
    let records = read_records(bytes);
    assert!(records.events.len() <= bytes.len());
    let (ends, _) = read_ends(bytes);
    assert!(ends.len() <= bytes.len());
    if let Some(answer) = read_answer(bytes) {
        assert!(!answer.addresses.is_empty());
    }
    assert!(mentioned(bytes).len() <= bytes.len());
    for protocol in [0x0800, 0x86dd] {
        if let Some(datagram) = Datagram::read(protocol, bytes) {
            assert!(datagram.content.len() < bytes.len());
        }
    }
    if let Some(reader) = PageReader::new(&[bytes.to_vec()]) {
        reader.read(PAGE);
    }
    let _ = Format::parse(bytes);
}

#[test]
fn hammered_events_and_answers_break_nothing() {
    groma_fuzz::hammer(2000, &[PAGE, ENDS, RECORDS], read_everything);
    groma_fuzz::hammer(
        2000,
        &[answer!("a-alias"), answer!("srv"), answer!("many")],
        read_everything,
    );
    groma_fuzz::hammer(1000, &[STATES, FORK, EXEC], read_everything);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_everything(&bytes);
    }

    #[test]
    fn a_cut_page_gives_what_it_still_holds(cut in 0..PAGE.len()) {
        let whole = reader().read(PAGE).events;
        let part = reader().read(&PAGE[..cut]).events;
        prop_assert!(whole.starts_with(&part));
    }
}
