//! A daemon of libvirt that misbehaves in every way one can, and one that behaves.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{Guest, Hypervisor};
use groma_model::virtualization::{PlatformKind, Power};
use groma_model::{CoverageState, Fact, Reason, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_hypervisor::{Access, HypervisorSource, Logon, NAME};
use groma_trust::Trust;

const GUEST: &str = include_str!("../../platform/tests/fixtures/libvirt/domain-web-01.xml");
const HOST: &str = include_str!("../../platform/tests/fixtures/libvirt/capabilities-qemu.xml");
const MACHINE: &str = "<sysinfo type='smbios'><system><entry name='uuid'>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</entry></system></sysinfo>";
const UUID: [u8; 16] = [
    0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x43, 0x33, 0x84, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 1,
];

/// What a question gets.
enum Reply {
    /// Words of an answer.
    Yes(Vec<u8>),
    /// libvirt's number and words.
    No(i32, &'static str),
    /// Bytes as they are, and then the end.
    Raw(Vec<u8>),
    /// Nothing at all.
    Silence,
    /// Bytes as they are, before the answer that an honest daemon gives.
    Before(Vec<u8>),
}

fn word(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn text(text: &str) -> Vec<u8> {
    let padding = vec![0; text.len().wrapping_neg() % 4];
    [word(text.len() as u32), text.as_bytes().to_vec(), padding].concat()
}

fn domain(name: &str, last: u8) -> Vec<u8> {
    let mut uuid = UUID;
    uuid[15] = last;
    [text(name), uuid.to_vec(), word(7)].concat()
}

fn frame(
    program: u32,
    procedure: u32,
    sort: u32,
    serial: u32,
    status: u32,
    words: &[u8],
) -> Vec<u8> {
    let length = 28 + words.len() as u32;
    let head = [length, program, 1, procedure, sort, serial, status];
    [
        head.iter().flat_map(|word| word.to_be_bytes()).collect(),
        words.to_vec(),
    ]
    .concat()
}

fn refusal(code: i32, words: &str) -> Vec<u8> {
    [word(code as u32), word(10), word(1), text(words)].concat()
}

/// What an honest daemon with two guests says.
fn honest(procedure: u32, question: &[u8]) -> Reply {
    let yes = |words: Vec<Vec<u8>>| Reply::Yes(words.concat());
    match procedure {
        1 | 2 => yes(vec![]),
        66 => yes(vec![word(1), word(0)]),
        7 => yes(vec![text(HOST)]),
        59 => yes(vec![text("hv1.corp.example")]),
        203 => yes(vec![text(MACHINE)]),
        3 => yes(vec![text("QEMU")]),
        4 => yes(vec![word(0), word(7_002_022)]),
        157 => yes(vec![word(0), word(9_000_000)]),
        // Running and started with the host, and nothing else.
        273 if question.ends_with(&word(1 << 4)) || question.ends_with(&word(1 << 10)) => {
            yes(vec![
                word(2),
                domain("web-01", 1),
                domain("app-02", 9),
                word(2),
            ])
        }
        273 if !question.ends_with(&word(0)) => yes(vec![word(0), word(0)]),
        273 => yes(vec![
            word(2),
            domain("web-01", 1),
            domain("app-02", 9),
            word(2),
        ]),
        14 if question.windows(6).any(|bytes| bytes == b"app-02") => Reply::No(42, "gone"),
        14 => yes(vec![text(GUEST)]),
        353 => {
            let address = |a: &str| [word(0), text(a), word(24)].concat();
            yes(vec![
                word(1),
                text("vnet0"),
                word(1),
                text("52:54:00:AA:00:01"),
                word(3),
                address("10.77.0.12"),
                address("fe80::1"),
                address("nonsense"),
            ])
        }
        _ => Reply::No(3, "this function is not supported by the connection driver"),
    }
}

type Answers = dyn Fn(u32, &[u8]) -> Reply + Send + Sync;

fn serve(mut stream: UnixStream, answers: &Answers) {
    loop {
        let mut head = [0; 28];
        if stream.read_exact(&mut head).is_err() {
            return;
        }
        let at =
            |place: usize| u32::from_be_bytes(head[place * 4..place * 4 + 4].try_into().unwrap());
        let mut question = vec![0; at(0) as usize - 28];
        stream.read_exact(&mut question).unwrap();
        let (program, procedure, serial) = (at(1), at(3), at(5));
        if program != 0x2000_8086 {
            continue;
        }
        let mut reply = answers(procedure, &question);
        if let Reply::Before(bytes) = reply {
            let _ = stream.write_all(&bytes);
            reply = honest(procedure, &question);
        }
        let bytes = match reply {
            Reply::Yes(words) => frame(program, procedure, 1, serial, 0, &words),
            Reply::No(code, words) => {
                frame(program, procedure, 1, serial, 1, &refusal(code, words))
            }
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Reply::Silence => {
                std::thread::sleep(Duration::from_secs(20));
                return;
            }
            Reply::Before(_) => unreachable!("answered above"),
        };
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// One look at a daemon that answers so.
fn look(answers: impl Fn(u32, &[u8]) -> Reply + Send + Sync + 'static) -> Recorder {
    look_with(answers, Budget::default(), false)
}

fn look_with(
    answers: impl Fn(u32, &[u8]) -> Reply + Send + Sync + 'static,
    budget: Budget,
    ask_guests: bool,
) -> Recorder {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    let answers: Arc<Answers> = Arc::new(answers);
    std::thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            serve(stream, answers.as_ref());
        }
    });
    let access = access(&format!("qemu:///system?socket={}", path.display()));
    let access = Access {
        ask_guests,
        ..access
    };
    asked_within(access, budget)
}

fn access(url: &str) -> Access {
    Access {
        kind: PlatformKind::Libvirt,
        url: url.to_owned(),
        logon: Logon::Nobody,
        trust: Trust::Nothing,
        own_certificate: None,
        ask_guests: false,
    }
}

fn asked(access: Access) -> Recorder {
    asked_within(access, Budget::default())
}

fn asked_within(access: Access, budget: Budget) -> Recorder {
    let world = groma_sys::this_machine(false);
    let budget = Budget {
        network_timeout_ms: 60,
        ..budget
    };
    let limit = Duration::from_secs(20);
    let window = Window::open(world.clock.clone(), Stop::default(), limit, limit);
    let mut recorder = Recorder::new(SourceName::new(NAME));
    HypervisorSource::new(world, vec![access]).look(&window, &budget, &mut recorder);
    recorder
}

fn guests(recorder: &Recorder) -> Vec<&Guest> {
    let all = recorder.facts().filter_map(|fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    });
    all.collect()
}

fn host(recorder: &Recorder) -> Hypervisor {
    let mut all = recorder.facts().filter_map(|fact| match fact {
        Fact::Hypervisor(host) => Some(Hypervisor::clone(host)),
        _ => None,
    });
    all.next().unwrap()
}

/// The only gap, and that the whole is partial.
fn gap(recorder: &Recorder) -> (Reason, String) {
    let gaps: Vec<_> = recorder.gaps().collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(
        recorder.coverage().last().unwrap().state,
        CoverageState::Partial
    );
    (
        gaps[0].reason.clone(),
        format!(
            "{} {}",
            gaps[0].what,
            gaps[0].remedy.as_deref().unwrap_or_default()
        ),
    )
}

/// Coverage of the part whose scope ends so.
fn part(recorder: &Recorder, end: &str) -> CoverageState {
    let mut all = recorder.coverage();
    all.find(|one| one.scope.as_str().ends_with(end))
        .unwrap()
        .state
}

/// [`honest`], with both guests there.
fn whole(procedure: u32, question: &[u8]) -> Reply {
    match procedure {
        14 => {
            let body = match question.windows(6).any(|bytes| bytes == b"app-02") {
                true => GUEST
                    .replace("555501", "555509")
                    .replace("web-01", "app-02"),
                false => GUEST.to_owned(),
            };
            Reply::Yes(text(&body))
        }
        _ => honest(procedure, question),
    }
}

/// One look at a daemon that is [`whole`] but for its answer to one procedure.
fn look_but(procedure: u32, reply: impl Fn() -> Reply + Send + Sync + 'static) -> Recorder {
    look(move |asked, question| match asked == procedure {
        true => reply(),
        false => whole(asked, question),
    })
}

#[test]
fn an_honest_daemon_is_read_whole() {
    let seen = look(whole);
    assert_eq!(
        seen.gaps().count(),
        0,
        "{:?}",
        seen.gaps().collect::<Vec<_>>()
    );
    let guests = guests(&seen);
    assert_eq!(guests.len(), 2);
    assert!(
        guests
            .iter()
            .all(|guest| guest.power == Some(Power::On) && guest.starts_with_host == Some(true))
    );
    assert_eq!(
        guests[0].platform.id,
        "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
    );
    let addresses: Vec<String> = guests[0].addresses().map(|one| one.to_string()).collect();
    assert_eq!(addresses, ["10.77.0.12"]);
    assert!(
        seen.coverage()
            .all(|one| one.state == CoverageState::Complete)
    );
    assert_eq!(seen.coverage().count(), 5);
}

#[test]
fn the_clock_of_this_moment_makes_no_other_host_of_it() {
    let told = |mhz: u32| {
        let seen = look_but(6, move || {
            let name = word(0).repeat(32);
            let rest = [2, mhz, 1, 1, 2, 1].map(word).concat();
            Reply::Yes([name, word(0), word(4_096), rest].concat())
        });
        assert_eq!(seen.gaps().count(), 0);
        host(&seen)
    };
    let host = told(1_200);
    assert_eq!((host.core_mhz, &host), (None, &told(3_400)));
}

#[test]
fn an_address_that_a_helper_tells_and_that_is_another_tomorrow_is_no_fact() {
    let helped = |procedure, question: &[u8]| match procedure {
        14 => {
            let channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel></devices>";
            Reply::Yes(text(&GUEST.replacen("</devices>", channel, 1)))
        }
        // Of leases, and of the helper inside.
        353 => {
            let address = |a: &str| [word(1), text(a), word(64)].concat();
            let told = match question.ends_with(&[word(1), word(0)].concat()) {
                true => ["2001:db8::5054:ff:feaa:1", "2001:db8::4f1c:93de:1:2"],
                false => ["2001:db8::77:4242:1:2", "10.77.0.12"],
            };
            let card = [word(1), text("eth0"), word(1), text("52:54:00:aa:00:01")];
            let all = told.map(address).concat();
            Reply::Yes([card.concat(), word(2), all].concat())
        }
        277 => Reply::Yes(text("web-01.corp.example")),
        _ => whole(procedure, question),
    };
    let seen = look_with(helped, Budget::default(), true);
    let addresses: Vec<String> = guests(&seen)[0]
        .addresses()
        .map(|one| one.to_string())
        .collect();
    assert_eq!(
        addresses,
        [
            "10.77.0.12",
            "2001:db8::77:4242:1:2",
            "2001:db8::5054:ff:feaa:1"
        ]
    );
}

/// [`whole`], with so many guests that are gone when they are asked for.
fn crowded(many: u32) -> impl Fn(u32, &[u8]) -> Reply {
    move |procedure, question| match procedure {
        273 if question.ends_with(&word(0)) => {
            let all = (0..many).map(|one| domain(&format!("app-02-{one}"), 9));
            Reply::Yes([word(many), all.collect::<Vec<_>>().concat(), word(many)].concat())
        }
        273 => Reply::No(8, "unsupported flags"),
        _ => honest(procedure, question),
    }
}

#[test]
fn gaps_beyond_two_hundred_are_counted() {
    let seen = look(crowded(203));
    let last = seen.gaps().last().unwrap();
    assert_eq!(seen.gaps().count(), 201);
    assert!(last.what.starts_with("3 more"), "{}", last.what);
    assert_eq!(part(&seen, "/guests"), CoverageState::Partial);
    assert_eq!(look(crowded(200)).gaps().count(), 200);
}

#[test]
fn no_more_is_told_than_the_look_may_observe() {
    let of = |observations_max| {
        let budget = Budget {
            observations_max,
            ..Budget::default()
        };
        look_with(whole, budget, false)
    };
    let all = of(1_000);
    assert_eq!((all.facts().count(), all.gaps().count()), (3, 0));
    let some = of(2);
    assert_eq!(some.facts().count(), 2);
    let (reason, words) = gap(&some);
    assert_eq!(reason, Reason::BudgetExhausted);
    assert!(words.contains("raise observations_max"), "{words}");
    assert_eq!(part(&some, "/guests"), CoverageState::Partial);
    assert_eq!(part(&some, "/host"), CoverageState::Complete);
    // Nobody asks for a guest that could not be told.
    let one = of(1);
    assert_eq!((one.facts().count(), guests(&one).len()), (1, 0));
    assert!(
        one.gaps()
            .any(|gap| gap.what.contains("beyond the first 1"))
    );
}

#[test]
fn a_guest_on_no_list_is_asked_for_its_state() {
    for (state, reason, power) in [
        (1, 1, Some(Power::On)),
        (7, 0, Some(Power::Suspended)),
        (6, 1, Some(Power::Off)),
        (5, 5, Some(Power::Suspended)),
        (99, 0, None),
    ] {
        let seen = look(move |procedure, question| match procedure {
            273 if !question.ends_with(&word(0)) => Reply::No(8, "unsupported flags"),
            212 => Reply::Yes([word(state), word(reason)].concat()),
            _ => whole(procedure, question),
        });
        assert_eq!(seen.gaps().count(), 0);
        let guests = guests(&seen);
        assert_eq!(
            (guests[0].power, guests[0].starts_with_host),
            (power, None),
            "{state}"
        );
    }
}

#[test]
fn a_guest_that_goes_while_it_is_read_is_a_gap_and_the_others_are_read() {
    let seen = look(honest);
    assert_eq!(guests(&seen).len(), 1);
    let (reason, words) = gap(&seen);
    assert_eq!(reason, Reason::Vanished);
    assert!(words.contains("app-02"), "{words}");
    assert_eq!(part(&seen, "/guests"), CoverageState::Partial);
    assert_eq!(part(&seen, "/storage"), CoverageState::Complete);
}

#[test]
fn a_right_that_is_missing_is_a_gap_with_what_to_do() {
    let seen = look_but(281, || Reply::No(88, "access denied by\u{1b}[31m policy"));
    assert_eq!(guests(&seen).len(), 2);
    let (reason, words) = gap(&seen);
    assert_eq!(reason, Reason::PermissionDenied);
    assert!(
        words.contains("polkit") && !words.contains('\u{1b}'),
        "{words}"
    );
    assert_eq!(part(&seen, "/storage"), CoverageState::Partial);
    assert_eq!(part(&seen, "/guests"), CoverageState::Complete);
}

#[test]
fn a_length_that_is_a_lie_ends_the_conversation() {
    for length in [u32::MAX, 0, 27, (32 << 20) + 1] {
        let seen = look_but(273, move || Reply::Raw(word(length)));
        assert_eq!(gap(&seen).0, Reason::Malformed, "{length}");
        // What was heard before is kept, and known to be old news of a part alone.
        assert!(seen.facts().any(|fact| matches!(fact, Fact::Hypervisor(_))));
        assert_eq!(part(&seen, "/host"), CoverageState::Complete);
        assert_eq!(part(&seen, "/guests"), CoverageState::Partial);
    }
}

#[test]
fn an_answer_that_breaks_off_is_told() {
    let cut = |bytes: Vec<u8>| look_but(59, move || Reply::Raw(bytes.clone()));
    let answer = frame(0x2000_8086, 59, 1, 4, 0, &text("hv1"));
    let seen = cut(answer[..30].to_vec());
    assert_eq!(gap(&seen).0, Reason::Malformed);
    assert!(guests(&seen).is_empty());
    assert_eq!(part(&seen, "/guests"), CoverageState::Partial);
    // The frame is whole, and the text in it is not.
    let short = frame(0x2000_8086, 59, 1, 4, 0, &[0, 0, 0, 9, b'h']);
    assert_eq!(gap(&cut(short)).0, Reason::Malformed);
}

#[test]
fn an_answer_to_another_question_is_none() {
    let seen = look_but(59, || {
        Reply::Raw(frame(0x2000_8086, 59, 1, 77, 0, &text("somebody else")))
    });
    let (reason, words) = gap(&seen);
    assert_eq!(reason, Reason::Malformed);
    assert!(words.contains("another question"), "{words}");
    let other = look(|_, _| Reply::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    assert_eq!(gap(&other).0, Reason::Malformed);
}

#[test]
fn a_daemon_that_says_nothing_is_left_in_time() {
    let seen = look_but(7, || Reply::Silence);
    let (reason, words) = gap(&seen);
    assert_eq!(reason, Reason::TimedOut);
    assert!(words.contains("virsh"), "{words}");
}

#[test]
fn who_asks_whether_we_live_and_who_tells_of_guests_delays_nothing() {
    let noise = [
        frame(0x6b65_6570, 1, 2, 0, 0, &[]),
        frame(0x6b65_6570, 2, 2, 0, 0, &[]),
        frame(0x2000_8086, 318, 2, 0, 0, &[1, 2, 3, 4]),
    ];
    let noise = noise.concat();
    let seen = look_but(59, move || Reply::Before(noise.clone()));
    assert_eq!(seen.gaps().count(), 0);
    assert_eq!(guests(&seen).len(), 2);
}

#[test]
fn noise_without_end_ends() {
    let one = frame(0x2000_8086, 318, 2, 0, 0, &[]);
    let noise = one.repeat(1_500);
    let seen = look_but(59, move || Reply::Before(noise.clone()));
    assert_eq!(gap(&seen).0, Reason::Malformed);
}

#[test]
fn a_list_longer_than_its_answer_and_a_guest_that_is_no_xml_are_refused() {
    let seen = look_but(273, || {
        Reply::Yes([word(u32::MAX), domain("x", 1)].concat())
    });
    assert_eq!(gap(&seen).0, Reason::Malformed);
    let seen = look_but(14, || {
        Reply::Yes(text("<!DOCTYPE x [<!ENTITY a 'b'>]><domain/>"))
    });
    assert_eq!(seen.gaps().count(), 2);
    assert!(guests(&seen).is_empty());
}

#[test]
fn who_wants_a_password_is_told_what_groma_speaks() {
    let seen = look_but(66, || Reply::Yes([word(1), word(1)].concat()));
    let (reason, words) = gap(&seen);
    assert_eq!(reason, Reason::Unsupported);
    assert!(
        words.contains("SASL") && words.contains("certificate"),
        "{words}"
    );
    let seen = look(|procedure, question| match procedure {
        66 => Reply::Yes([word(1), word(2)].concat()),
        70 => Reply::No(45, "authentication failed"),
        _ => whole(procedure, question),
    });
    assert_eq!(gap(&seen).0, Reason::PermissionDenied);
}

#[test]
fn what_is_never_asked_is_refused_with_a_way_out() {
    for (url, reason, word) in [
        (
            "qemu+ssh://root@hv1/system",
            Reason::Unsupported,
            "groma-agent",
        ),
        (
            "qemu+tcp://192.0.2.9/system",
            Reason::Forbidden,
            "clear text",
        ),
        (
            "qemu+tcp://hv1.corp.example/system",
            Reason::Forbidden,
            "clear text",
        ),
        (
            "qemu:///system?socket=/nowhere/at/all",
            Reason::NotPresent,
            "socket=PATH",
        ),
    ] {
        let (told, words) = gap(&asked(access(url)));
        assert_eq!(told, reason, "{url}");
        assert!(words.contains(word), "{url}: {words}");
    }
    let mut named = access("qemu:///system");
    named.logon = Logon::Password {
        user: "a".to_owned(),
        password: "s3cret-of-a-test".to_owned().into(),
    };
    let (reason, words) = gap(&asked(named));
    assert_eq!(reason, Reason::Unsupported);
    assert!(!words.contains("s3cret"));
}

#[test]
fn whatever_an_answer_holds_does_no_harm() {
    let corpus: Vec<Vec<u8>> = [273_u32, 7, 353, 66]
        .into_iter()
        .map(|procedure| match whole(procedure, &[]) {
            Reply::Yes(words) => words,
            _ => Vec::new(),
        })
        .collect();
    for seed in 0..60_u64 {
        let corpus = corpus.clone();
        let seen = look(move |procedure, question| {
            let pieces: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
            match procedure {
                1 | 66 => whole(procedure, question),
                _ if (seed + u64::from(procedure)) % 3 == 0 => Reply::Yes(groma_fuzz::mutate(
                    seed * 1_000 + u64::from(procedure),
                    &pieces,
                )),
                _ => whole(procedure, question),
            }
        });
        assert!(seen.coverage().count() >= 1);
    }
}
