use super::*;

const CLIENT: [u8; 4] = [10, 0, 0, 31];
const SERVER: [u8; 4] = [10, 0, 0, 5];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_250_000 + seconds)
}

/// One connection whose client speaks first, as a capture has it.
struct Call {
    from: SocketAddr,
    to: SocketAddr,
    begins: i64,
    ends: i64,
    said: &'static [u8],
    answered: String,
}

impl Call {
    fn of(from: u16, to: u16, begins: i64) -> Self {
        Self {
            from: SocketAddr::from((CLIENT, from)),
            to: SocketAddr::from((SERVER, to)),
            begins,
            ends: begins + 1,
            said: b"%PDF-1.4 a page",
            answered: String::new(),
        }
    }

    fn opening(&self) -> Segment<'_> {
        Segment {
            at: at(self.begins),
            from: self.from,
            to: self.to,
            number: 100,
            acknowledges: None,
            opens: true,
            ends: false,
            resets: false,
            carried: 0,
            content: b"",
        }
    }

    fn begin(&self, wire: &mut Wire) {
        let opening = self.opening();
        wire.segment(&opening);
        wire.segment(&Segment {
            from: self.to,
            to: self.from,
            number: 500,
            acknowledges: Some(101),
            ..opening
        });
        for (from, to, number, acknowledges, content) in [
            (self.from, self.to, 101, 501, self.said),
            (self.to, self.from, 501, 101, self.answered.as_bytes()),
        ] {
            wire.segment(&Segment {
                from,
                to,
                number,
                acknowledges: Some(acknowledges),
                opens: false,
                carried: content.len(),
                content,
                ..opening
            });
        }
    }

    fn end(&self, wire: &mut Wire) {
        for (from, to) in [(self.from, self.to), (self.to, self.from)] {
            wire.segment(&Segment {
                at: at(self.ends),
                from,
                to,
                number: 900,
                acknowledges: Some(900),
                opens: false,
                ends: true,
                ..self.opening()
            });
        }
    }

    fn whole(&self, wire: &mut Wire) {
        self.begin(wire);
        self.end(wire);
    }
}

/// Doors that are told, with how often.
fn doors(wire: Wire) -> (Vec<(u16, u64)>, Counts) {
    let (heard, counts) = wire.end();
    let rows = heard.uses.iter();
    let rows = rows.map(|(used, seen)| (used.port.map_or(0, |port| port.0), seen.count));
    (rows.collect(), counts)
}

#[test]
fn a_port_for_one_transfer_is_nobodys_need() {
    let mut wire = Wire::default();
    let mut control = Call::of(40_000, 21, 0);
    control.said = b"USER scan\r\n";
    control.answered = "220 FTP\r\n".to_owned();
    for number in 0..40 {
        let port = 33_000 + number;
        // Some ports come twice, as they do in a long capture.
        for again in 0..1 + number % 2 {
            Call::of(41_000 + 2 * number + again, port, 10).whole(&mut wire);
        }
        control.answered += &format!("229 Entering Extended Passive Mode (|||{port}|)\r\n");
    }
    control.whole(&mut wire);
    let (told, counts) = doors(wire);
    assert_eq!(told, [(21, 1)]);
    assert_eq!(counts.once, 0);
}

#[test]
fn nor_is_one_of_a_server_whose_words_are_not_read() {
    let mut wire = Wire::default();
    for number in 0..40 {
        Call::of(41_000 + number, 33_000 + number, 10).whole(&mut wire);
    }
    // What chance brings once more, and what the server opens to its client.
    Call::of(42_000, 33_003, 20).whole(&mut wire);
    Call::of(20, 34_000, 20).whole(&mut wire);
    Call::of(20, 34_000, 30).whole(&mut wire);
    let (told, counts) = doors(wire);
    assert_eq!(told, []);
    assert_eq!(counts.once, 41);
}

#[test]
fn a_door_that_is_entered_again_or_where_somebody_stays_is_told_whatever_is_said() {
    let mut wire = Wire::default();
    Call::of(41_000, 7_777, 0).whole(&mut wire);
    let mut other = Call::of(41_001, 7_777, 5);
    other.from.set_ip([10, 0, 0, 32].into());
    other.whole(&mut wire);
    let mut stays = Call::of(41_002, 7_778, 0);
    stays.ends = 7_200;
    stays.whole(&mut wire);
    Call::of(41_003, 7_779, 0).whole(&mut wire);
    let (mut told, counts) = doors(wire);
    told.sort();
    assert_eq!(told, [(7_777, 1), (7_777, 1), (7_778, 1)]);
    assert_eq!(counts.once, 1);
}

#[test]
fn ports_that_are_opened_again_and_again_take_no_room() {
    let mut wire = Wire::default();
    let call = Call::of(40_000, 7_777, 0);
    for number in 0..20_000 {
        wire.segment(&Segment {
            number,
            ..call.opening()
        });
    }
    assert_eq!(wire.streams.len(), 1);
    assert!(wire.order.len() < 3 * ORDER_SPARE, "{}", wire.order.len());
}

#[test]
fn room_is_made_by_what_began_first_and_not_by_what_has_its_ports_now() {
    let mut wire = Wire::default();
    let (one, other) = (Call::of(40_000, 389, 0), Call::of(40_001, 389, 1));
    one.whole(&mut wire);
    other.begin(&mut wire);
    Call::of(40_000, 389, 2).begin(&mut wire);
    let key = |call: &Call| Stream::key(&call.opening());
    assert_eq!(wire.oldest(), Some(key(&other)));
    assert_eq!(wire.oldest(), Some(key(&one)));
    assert_eq!(wire.oldest(), None);
}

/// What a name server answers: `name` leads to the server for `lasts` seconds.
fn answer(name: &str, lasts: u32) -> Vec<u8> {
    let mut out = vec![0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.bytes());
    }
    out.extend([0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1]);
    out.extend(lasts.to_be_bytes());
    out.extend([0, 4]);
    out.extend(SERVER);
    out
}

fn asks(wire: &mut Wire, name: &str, lasts: u32, seconds: i64) {
    wire.datagram(&Datagram {
        at: at(seconds),
        mac: None,
        from: SocketAddr::from(([10, 0, 0, 53], 53)),
        to: SocketAddr::from((CLIENT, 50_000)),
        cut: false,
        content: &answer(name, lasts),
    });
}

/// The name by which a bind was called that began at `seconds` and ended an hour later, with questions before and after.
fn name_of(before: &[(&str, u32, i64)], after: &[(&str, u32, i64)]) -> Option<String> {
    let mut wire = Wire::default();
    for (name, lasts, seconds) in before {
        asks(&mut wire, name, *lasts, *seconds);
    }
    let mut call = Call::of(40_000, 389, 100);
    call.ends = 3_700;
    call.begin(&mut wire);
    for (name, lasts, seconds) in after {
        asks(&mut wire, name, *lasts, *seconds);
    }
    call.end(&mut wire);
    let (heard, _) = wire.end();
    let used = heard.uses.into_keys().next().unwrap();
    used.name.map(|name| name.to_string())
}

#[test]
fn a_connection_has_the_name_that_was_asked_for_when_it_began() {
    let (directory, wiki) = ("ldap.corp", "wiki.corp");
    let ldap = Some(directory.to_owned());
    assert_eq!(name_of(&[(directory, 300, 99)], &[(wiki, 300, 400)]), ldap);
    // It keeps it, be it ever so old, as long as no other was asked for.
    assert_eq!(name_of(&[(directory, 5, -9_000)], &[]), ldap);
    assert_eq!(
        name_of(&[(wiki, 60, -9_000), (directory, 300, 99)], &[]),
        ldap
    );
    // Either may be meant.
    assert_eq!(name_of(&[(wiki, 300, 50), (directory, 300, 99)], &[]), None);
    assert_eq!(name_of(&[], &[(wiki, 300, 400)]), None);
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

/// Nearly every logon is refused once, until the client proves who it is.
#[test]
fn a_kdc_that_asks_for_proof_first_has_answered() {
    let body = tlv(0xa4, &tlv(0x30, &tlv(0xa2, &tlv(0x1b, b"CORP.EXAMPLE"))));
    let request = tlv(0x6a, &tlv(0x30, &body));
    let refusal = tlv(0x7e, b"pre-authentication");
    let heard = |answer: Option<&[u8]>| {
        let mut wire = Wire::default();
        let datagram = |from: ([u8; 4], u16), to: ([u8; 4], u16)| Datagram {
            at: at(0),
            mac: None,
            from: SocketAddr::from(from),
            to: SocketAddr::from(to),
            cut: false,
            content: &request,
        };
        let asked = datagram((CLIENT, 40_000), (SERVER, 88));
        wire.datagram(&asked);
        if let Some(content) = answer {
            let said = datagram((SERVER, 88), (CLIENT, 40_000));
            wire.datagram(&Datagram { content, ..said });
        }
        let (heard, counts) = wire.end();
        (heard.uses.len(), counts.unanswered)
    };
    assert_eq!(heard(None), (0, 1));
    assert_eq!(heard(Some(&refusal)), (0, 0), "no use, and no hole");
    assert_eq!(heard(Some(&tlv(0x6b, b""))).1, 0);
}

/// A message of DHCP between the client, at an address it has (`ciaddr`) or gets (`yiaddr`), and its server.
fn dhcp(kind: u8, has: [u8; 4], gets: [u8; 4], options: &[u8]) -> Vec<u8> {
    let is_answer = u8::from(kind == 5);
    let mut out = vec![1 + is_answer, 1, 6, 0];
    out.resize(240, 0);
    out[12..16].copy_from_slice(&has);
    out[16..20].copy_from_slice(&gets);
    out[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 31]);
    out[236..240].copy_from_slice(&[99, 130, 83, 99]);
    out.extend([53, 1, kind, 54, 4]);
    out.extend(SERVER);
    out.extend(options);
    out.push(255);
    out
}

/// What is heard when the client says its name, and the server answers.
fn after_dhcp(kind: u8, has: [u8; 4], gets: [u8; 4]) -> Heard {
    let script = b"http://wpad.corp.example/wpad.dat";
    let mut options = vec![252, u8::try_from(script.len()).unwrap()];
    options.extend(script);
    let mut wire = Wire::default();
    let mut says = |from: ([u8; 4], u16), to: ([u8; 4], u16), content: &[u8]| {
        wire.datagram(&Datagram {
            at: at(0),
            mac: None,
            from: SocketAddr::from(from),
            to: SocketAddr::from(to),
            cut: false,
            content,
        });
    };
    let name = [&[12, 5][..], b"pc-31"].concat();
    says((has, 68), (SERVER, 67), &dhcp(kind, has, [0; 4], &name));
    let answer = dhcp(5, has, gets, &options);
    says((SERVER, 67), (CLIENT, 68), &answer);
    // A mirrored port sees it twice.
    says((SERVER, 67), (CLIENT, 68), &answer);
    wire.end().0
}

/// Windows asks that way for the proxy script alone, at addresses nobody leased to it.
#[test]
fn who_only_asks_what_to_use_is_told_and_got_no_address() {
    let script = |heard: &Heard| {
        let mut needs = heard.needs.keys();
        needs.any(|need| {
            need.consumer == Peer::Address(CLIENT.into()) && need.attribute.contains("WPAD")
        })
    };
    let informed = after_dhcp(8, CLIENT, [0; 4]);
    assert!(script(&informed) && informed.sightings.is_empty());
    assert_eq!(informed.uses.len(), 1, "it uses the server");
    let leased = after_dhcp(3, [0; 4], CLIENT);
    assert!(script(&leased));
    let sighting = leased.sightings.keys().next().unwrap();
    assert_eq!(sighting.address, Some(CLIENT.into()));
    assert_eq!(sighting.names.len(), 1);
    // An answer about no address at all tells of nobody.
    let nobody = after_dhcp(8, [0; 4], [0; 4]);
    assert!(nobody.needs.is_empty() && nobody.uses.is_empty() && nobody.sightings.is_empty());
}

/// What is heard of a machine that asks everybody for machines, each by what it wants of it: its files, or whatever it is.
fn after_lookups(services: impl IntoIterator<Item = char>) -> Heard {
    let mut wire = Wire::default();
    for (number, service) in (0_u16..).zip(services) {
        let name = format!("{:<15}{service}", format!("SRV{number}"));
        let letters = name
            .bytes()
            .flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]);
        let [high, low] = number.to_be_bytes();
        let mut content = vec![high, low, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 32];
        content.extend(letters);
        content.extend([0, 0, 32, 0, 1]);
        wire.datagram(&Datagram {
            at: at(i64::from(number)),
            from: SocketAddr::from((CLIENT, 137)),
            to: SocketAddr::from(([10, 0, 0, 255], 137)),
            mac: None,
            cut: false,
            content: &content,
        });
    }
    wire.end().0
}

/// Somebody who went through a list of names once needed each of them.
#[test]
fn who_goes_through_a_list_of_names_needs_none_that_nobody_has() {
    const FILES: char = ' ';
    const ANY: char = '\0';
    let of = |service: char, many| std::iter::repeat_n(service, many);
    assert_eq!(after_lookups(of(FILES, 16)).uses.len(), 16);
    assert!(after_lookups(of(FILES, 200)).uses.is_empty());
    // A browser tries names that nobody has, to know whether somebody answers for all of them.
    let browser = after_lookups(of(ANY, 30).chain(of(FILES, 1)));
    assert_eq!(browser.uses.len(), 1);
}

/// Where a piece begins, its bytes, how many more were carried than captured, whose it is, and flags: opens, ends, resets.
type Piece = (u16, u8, u32, u32, bool, [bool; 3]);

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    /// Pieces come in any order, twice, with holes, over each other, cut: what is counted as kept is what is kept. A sum that
    /// drifts upwards is a wire that is full for ever.
    #[test]
    fn what_is_counted_as_kept_is_what_is_kept(
        pieces in proptest::collection::vec(
            (0_u16..6, proptest::num::u8::ANY, 0_u32..20_000, 0_u32..3, proptest::bool::ANY, [proptest::bool::weighted(0.1); 3]),
            1..120,
        ),
    ) {
        let content = vec![b'x'; 2_000];
        let mut wire = Wire::default();
        for (port, length, place, beyond, is_client, [opens, ends, resets]) in pieces as Vec<Piece> {
            let call = Call::of(40_000 + port, 7_777, 0);
            let (from, to) = if is_client { (call.from, call.to) } else { (call.to, call.from) };
            let length = usize::from(length) * 8;
            wire.segment(&Segment {
                from,
                to,
                number: 100 + place,
                acknowledges: (!opens || !is_client).then_some(501),
                opens,
                ends,
                resets,
                carried: length + usize::try_from(beyond).unwrap() / 2,
                content: &content[..length.min(2_000)],
                ..call.opening()
            });
            let kept: usize = wire.streams.values().map(Stream::kept).sum();
            proptest::prop_assert_eq!(wire.kept, kept);
        }
    }
}
