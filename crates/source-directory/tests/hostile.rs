//! Servers that should not be trusted: each ends as a gap with its place, never as a hang, a crash or a wrong fact.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{gaps, look, needs, objects, tlv};
use groma_model::Reason;
use groma_source_directory::Limits;

/// What a client sent.
struct Asked {
    number: Vec<u8>,
    /// Tag of the operation: 0x60 bind, 0x63 search, 0x42 unbind, 0x77 extended.
    operation: u8,
    /// The bytes of the message, for looking for a name in them.
    bytes: Vec<u8>,
}

impl Asked {
    fn names(&self, text: &str) -> bool {
        self.bytes
            .windows(text.len())
            .any(|w| w.eq_ignore_ascii_case(text.as_bytes()))
    }

    /// True for the question about the root entry: an empty base, only itself.
    fn is_root(&self) -> bool {
        self.operation == 0x63 && self.names("supportedCapabilities")
    }

    fn answer(&self, operation: &[u8], controls: &[u8]) -> Vec<u8> {
        tlv(
            0x30,
            &[tlv(2, &self.number), operation.to_vec(), controls.to_vec()].concat(),
        )
    }

    fn result(&self, tag: u8, code: u8, text: &str) -> Vec<u8> {
        self.answer(
            &tlv(
                tag,
                &[tlv(10, &[code]), tlv(4, b""), tlv(4, text.as_bytes())].concat(),
            ),
            b"",
        )
    }

    /// The end of a page; a cookie asks for the next one.
    fn done(&self, cookie: &str) -> Vec<u8> {
        let value = tlv(0x30, &[tlv(2, &[0]), tlv(4, cookie.as_bytes())].concat());
        let control = tlv(
            0x30,
            &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &value)].concat(),
        );
        let result = [tlv(10, &[0]), tlv(4, b""), tlv(4, b"")].concat();
        self.answer(&tlv(0x65, &result), &tlv(0xa0, &control))
    }

    fn entry(&self, dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
        let attribute = |(name, value): &(&str, &str)| {
            tlv(
                0x30,
                &[
                    tlv(4, name.as_bytes()),
                    tlv(0x31, &tlv(4, value.as_bytes())),
                ]
                .concat(),
            )
        };
        let all: Vec<u8> = attributes.iter().flat_map(attribute).collect();
        self.answer(
            &tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &all)].concat()),
            b"",
        )
    }

    /// The root entry of an ordinary directory.
    fn root(&self) -> Vec<u8> {
        [
            self.entry("", &[("namingContexts", "dc=corp,dc=example")]),
            self.done(""),
        ]
        .concat()
    }

    /// The root entry of a domain.
    fn domain(&self) -> Vec<u8> {
        let root = [
            ("namingContexts", "DC=corp,DC=example"),
            ("defaultNamingContext", "DC=corp,DC=example"),
            (
                "configurationNamingContext",
                "CN=Configuration,DC=corp,DC=example",
            ),
            ("supportedCapabilities", "1.2.840.113556.1.4.800"),
        ];
        [self.entry("", &root), self.done("")].concat()
    }
}

/// A server that answers as it is told; every message it got stands in the list.
struct Server {
    port: u16,
    got: Arc<Mutex<Vec<u8>>>,
    calls: Arc<Mutex<u32>>,
}

fn serve(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = door.local_addr().unwrap().port();
    let got = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::new(Mutex::new(0));
    let (list, counted) = (Arc::clone(&got), Arc::clone(&calls));
    let answer = Arc::new(answer);
    // The thread ends with the process of the test.
    std::thread::spawn(move || {
        for stream in door.incoming().map_while(Result::ok) {
            *counted.lock().unwrap() += 1;
            let (list, answer) = (Arc::clone(&list), Arc::clone(&answer));
            std::thread::spawn(move || converse(stream, &list, answer.as_ref()));
        }
    });
    Server { port, got, calls }
}

fn converse(mut stream: TcpStream, got: &Mutex<Vec<u8>>, answer: &dyn Fn(&Asked) -> Vec<u8>) {
    while let Some(asked) = read(&mut stream) {
        got.lock().unwrap().push(asked.operation);
        if stream.write_all(&answer(&asked)).is_err() {
            return;
        }
    }
}

/// The next message of a client, who writes lengths as it likes.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let length = match head[1] {
        short @ 0..0x80 => usize::from(short),
        long => {
            let mut digits = vec![0; usize::from(long & 0x7f)];
            stream.read_exact(&mut digits).ok()?;
            digits.iter().fold(0, |sum, d| (sum << 8) | usize::from(*d))
        }
    };
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok()?;
    let end = 2 + usize::from(*bytes.get(1)?);
    Some(Asked {
        number: bytes.get(2..end)?.to_vec(),
        operation: *bytes.get(end)?,
        bytes,
    })
}

fn anonymous(server: &Server) -> String {
    format!(
        "url = \"ldap://127.0.0.1:{}\"\nbind = \"anonymous\"",
        server.port
    )
}

/// Long enough for any machine; what ends a test is never the clock.
fn patient() -> Limits {
    Limits {
        page: Duration::from_secs(120),
        step: Duration::from_secs(240),
        ..Limits::default()
    }
}

#[test]
fn pages_that_bring_the_same_again_and_again_come_to_an_end() {
    let server = serve(|asked| match asked.is_root() {
        true => asked.root(),
        false => [
            asked.entry("cn=same,dc=corp,dc=example", &[("cn", "same")]),
            asked.done("more"),
        ]
        .concat(),
    });
    let seen = look(&anonymous(&server), patient());
    assert!(
        gaps(&seen).contains("page after page without an end"),
        "{}",
        gaps(&seen)
    );
    assert_eq!(objects(&seen, "computer").len(), 1);
    assert!(!common::is_complete(&seen, "hosts"));
}

#[test]
fn pages_that_always_bring_something_new_come_to_an_end() {
    let number = Mutex::new(0_u64);
    let server = serve(move |asked| {
        if asked.is_root() {
            return asked.root();
        }
        let mut number = number.lock().unwrap();
        *number += 1;
        [
            asked.entry(&format!("cn=host{number},dc=corp,dc=example"), &[]),
            asked.done("more"),
        ]
        .concat()
    });
    let limits = Limits {
        entries_max: 50,
        ..patient()
    };
    let seen = look(&anonymous(&server), limits);
    assert!(
        gaps(&seen).contains("page after page without an end"),
        "{}",
        gaps(&seen)
    );
    assert!(
        gaps(&seen).contains("beyond the 51 objects that came"),
        "{}",
        gaps(&seen)
    );
}

#[test]
fn a_faulty_entry_is_left_out_and_those_around_it_are_kept() {
    let server = serve(|asked| {
        if asked.is_root() {
            return asked.root();
        }
        let bomb = (0..20_000).fold(tlv(0x30, b""), |inner, _| tlv(0x30, &inner));
        let bomb = asked.answer(&tlv(0x64, &[tlv(4, b"cn=bomb"), bomb].concat()), b"");
        let bare = asked.answer(&tlv(0x64, b""), b"");
        [
            asked.entry("cn=one,dc=corp,dc=example", &[("cn", "one")]),
            bomb,
            bare,
            asked.entry("cn=two,dc=corp,dc=example", &[("cn", "two")]),
            asked.done(""),
        ]
        .concat()
    });
    let seen = look(&anonymous(&server), patient());
    assert_eq!(objects(&seen, "computer").len(), 2);
    assert!(
        gaps(&seen).contains("2 entries that are not built as LDAP says"),
        "{}",
        gaps(&seen)
    );
    assert!(!common::is_complete(&seen, "hosts"));
}

#[test]
fn a_server_that_never_answers_is_a_gap() {
    let server = serve(|_| Vec::new());
    let limits = Limits {
        page: Duration::from_millis(300),
        ..Limits::default()
    };
    let seen = look(&anonymous(&server), limits);
    assert!(
        seen.gaps().any(|g| g.reason == Reason::TimedOut),
        "{}",
        gaps(&seen)
    );
    assert!(seen.facts().next().is_none());
}

/// Somebody who comes and goes is met by the look that asks again; who stays is one need, seen as often as it was.
#[test]
fn who_is_connected_is_asked_again_and_again_over_one_conversation() {
    let asked_before = Mutex::new(0_u32);
    let server = serve(move |asked| {
        if asked.is_root() {
            let root = asked.entry("", &[("structuralObjectClass", "OpenLDAProotDSE")]);
            return [root, asked.done("")].concat();
        }
        if !asked.names("cn=Connections") {
            return asked.done("");
        }
        let mut at = asked_before.lock().unwrap();
        *at += 1;
        let client = |number: &str, address: &str| {
            asked.entry(
                &format!("cn=Connection {number},cn=Connections,cn=Monitor"),
                &[
                    ("monitorConnectionPeerAddress", address),
                    ("monitorConnectionLocalAddress", "IP=10.0.0.1:389"),
                    ("monitorConnectionAuthzDN", "cn=app"),
                ],
            )
        };
        let mut told = client("1", "IP=10.0.0.7:40001");
        if *at == 2 {
            told.extend(client("2", "IP=10.0.0.8:40002"));
        }
        told.extend(asked.done(""));
        told
    });
    let limits = Limits {
        sample: Duration::from_millis(20),
        samples_max: 3,
        ..patient()
    };
    let seen = common::look_watching(&anonymous(&server), limits, Duration::from_secs(200));
    let mut met: Vec<(String, u64)> = Vec::new();
    for record in &seen.records {
        if let groma_model::batch::Said::Saw(o) = &record.said
            && let groma_model::Fact::DirectoryNeed(need) = &o.fact
        {
            met.push((need.consumer.to_string(), o.seen.count));
        }
    }
    met.sort();
    let expected = [("10.0.0.7", 3), ("10.0.0.8", 1)];
    assert_eq!(met, expected.map(|(who, count)| (who.to_owned(), count)));
    let how = seen
        .coverage()
        .find(|c| c.scope.as_str().ends_with("/connections"))
        .unwrap();
    assert_eq!(how.state, groma_model::CoverageState::Partial);
    assert_eq!(
        how.how.as_deref(),
        Some(
            "3 looks at who is connected, one every 0.02 s: whoever logs on and leaves in between is not met"
        )
    );
    assert_eq!(*server.calls.lock().unwrap(), 1, "one conversation");
    assert_eq!(common::count(&seen, "connections"), Some(1.0));
    assert_eq!(gaps(&seen), "");
}

#[test]
fn a_referral_in_a_circle_is_told_and_not_followed() {
    let server = serve(|asked| match asked.is_root() {
        true => asked.root(),
        false => {
            let reference = tlv(
                0xa3,
                &tlv(4, b"ldap://127.0.0.1/ou=here,dc=corp,dc=example"),
            );
            let result = [tlv(10, &[10]), tlv(4, b""), tlv(4, b""), reference].concat();
            asked.answer(&tlv(0x65, &result), b"")
        }
    });
    let seen = look(&anonymous(&server), patient());
    assert!(
        gaps(&seen).contains("referrals are not followed"),
        "{}",
        gaps(&seen)
    );
    assert!(gaps(&seen).contains("ou=here"), "{}", gaps(&seen));
    assert_eq!(*server.calls.lock().unwrap(), 1);
}

#[test]
fn what_is_no_directory_is_told_from_one() {
    for greeting in [
        &b"220 mail ESMTP\r\n"[..],
        b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01",
    ] {
        let server = serve(move |_| greeting.to_vec());
        let seen = look(&anonymous(&server), patient());
        assert!(
            seen.gaps().any(|g| g.reason == Reason::Malformed),
            "{}",
            gaps(&seen)
        );
    }
}

#[test]
fn a_server_that_hangs_up_in_the_middle_leaves_what_it_had_told() {
    let server = serve(|asked| match asked.is_root() {
        true => asked.root(),
        false => {
            let goodbye = tlv(
                0x78,
                &[tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down")].concat(),
            );
            let goodbye = tlv(0x30, &[tlv(2, &[0]), goodbye].concat());
            [asked.entry("cn=one,dc=corp,dc=example", &[]), goodbye].concat()
        }
    });
    let seen = look(&anonymous(&server), patient());
    assert!(gaps(&seen).contains("going down"), "{}", gaps(&seen));
    assert!(
        gaps(&seen).contains("service-accounts, mount-maps, people, groups"),
        "{}",
        gaps(&seen)
    );
    assert_eq!(objects(&seen, "directory").len(), 1);
}

#[test]
fn a_refused_logon_is_tried_once_and_explained() {
    let server = serve(|asked| {
        asked.result(0x61, 49, "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 775, v4563")
    });
    let table = format!(
        "url = \"ldap://127.0.0.1:{}\"\nuser = \"reader@corp.example\"\npassword = \"secret-of-a-test\"",
        server.port
    );
    let seen = look(&table, patient());
    assert!(gaps(&seen).contains("locked out"), "{}", gaps(&seen));
    assert_eq!(
        server
            .got
            .lock()
            .unwrap()
            .iter()
            .filter(|op| **op == 0x60)
            .count(),
        1
    );
    assert!(!format!("{:?}", seen.records).contains("secret-of-a-test"));
}

#[test]
fn a_password_never_leaves_in_clear_text() {
    // An address of RFC 5737, which nobody has; the look must end before anything is sent.
    let seen = look(
        "url = \"ldap://192.0.2.1\"\nuser = \"a\"\npassword = \"b\"",
        patient(),
    );
    assert!(
        gaps(&seen).contains("never sent in clear text"),
        "{}",
        gaps(&seen)
    );
}

#[test]
fn clear_text_behind_the_answer_to_starttls_is_refused() {
    let server = serve(|asked| [asked.result(0x78, 0, ""), asked.result(0x61, 0, "")].concat());
    let table = format!(
        "url = \"ldap://127.0.0.1:{}\"\nstarttls = true\nuser = \"a\"\npassword = \"b\"\npin = \"sha256:{}\"",
        server.port,
        "00".repeat(32)
    );
    let seen = look(&table, patient());
    assert!(gaps(&seen).contains("STARTTLS failed"), "{}", gaps(&seen));
    assert_eq!(*server.got.lock().unwrap(), [0x77]);
}

#[test]
fn values_that_come_in_ranges_are_fetched_to_the_end() {
    let server = serve(|asked| {
        if asked.is_root() {
            return asked.domain();
        }
        let servers = "CN=MBX1,CN=Servers,CN=A,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=corp,DC=example";
        let connector = format!("CN=Scan,CN=SMTP Receive Connectors,CN=Protocols,{servers}");
        if asked.names("ranges;range=1-*") {
            let entry = asked.entry(
                &connector,
                &[("msExchSmtpReceiveRemoteIPRanges;range=1-1", "10.0.0.51")],
            );
            return [entry, asked.done("")].concat();
        }
        if asked.names("ranges;range=2-*") {
            let entry = asked.entry(
                &connector,
                &[("msExchSmtpReceiveRemoteIPRanges;range=2-*", "10.0.0.52")],
            );
            return [entry, asked.done("")].concat();
        }
        if asked.names("networkAddress") {
            let entry = asked.entry(
                servers,
                &[
                    ("cn", "MBX1"),
                    ("networkAddress", "ncacn_ip_tcp:mbx1.corp.example"),
                ],
            );
            return [entry, asked.done("")].concat();
        }
        if asked.names("msExchSmtpReceiveRemoteIPRanges") {
            let entry = asked.entry(
                &connector,
                &[
                    ("objectClass", "msExchSmtpReceiveConnector"),
                    ("msExchSmtpReceiveBindings", "0.0.0.0:25"),
                    ("msExchSmtpReceiveRemoteIPRanges", ""),
                    ("msExchSmtpReceiveRemoteIPRanges;range=0-0", "10.0.0.50"),
                ],
            );
            return [entry, asked.done("")].concat();
        }
        asked.done("")
    });
    let seen = look(&anonymous(&server), patient());
    let senders: Vec<String> = needs(&seen)
        .iter()
        .map(|n| n.consumer.to_string())
        .collect();
    assert_eq!(
        senders,
        ["10.0.0.50", "10.0.0.51", "10.0.0.52"],
        "{}",
        gaps(&seen)
    );
}
