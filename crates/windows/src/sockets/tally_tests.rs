use groma_model::{CoverageState, Fact};

use super::*;
use crate::{Adapter, Missing, Said, Value, WrittenFiles, WrittenRegistry};

const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

fn registry() -> WrittenRegistry {
    let on = |made: WrittenRegistry, name: &str| {
        made.with(&format!("{SERVICES}\\{name}"), "Start", Value::Number(2))
    };
    [
        "LanmanServer",
        "LanmanWorkstation",
        "Dnscache",
        "TermService",
    ]
    .into_iter()
    .fold(WrittenRegistry::default(), on)
}

/// `tcp listen 0.0.0.0:443 800`, `tcp established 10.0.0.5:50001 10.0.0.9:25 800`.
fn socket(text: &str) -> SocketRow {
    let mut words: Vec<&str> = text.split(' ').collect();
    let process = words.pop().unwrap().parse().unwrap();
    let end = |text: &str| {
        let (ip, port) = text.rsplit_once(':').unwrap();
        (ip.parse::<IpAddr>().unwrap(), port.parse::<u16>().unwrap())
    };
    let (local, local_port) = end(words[2]);
    let remote = words.get(3).map(|text| end(text));
    SocketRow {
        transport: words[0].into(),
        state: words[1].into(),
        local,
        local_port,
        remote: remote.map(|(ip, _)| ip),
        remote_port: remote.map_or(0, |(_, port)| port),
        process,
        service: None,
    }
}

fn process(id: u32, path: &str, services: &[&str]) -> Process {
    Process {
        id,
        name: crate::base_name(path).into(),
        executable: path.contains('\\').then(|| path.into()),
        user: Some("S-1-5-20".into()),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        ..Process::default()
    }
}

/// The machine of most tests.
fn rows(sockets: &[&str]) -> Rows {
    Rows {
        sockets: sockets.iter().map(|text| socket(text)).collect(),
        processes: vec![
            process(
                700,
                r"C:\Windows\System32\lsass.exe",
                &["SamSs", "Netlogon"],
            ),
            process(800, r"D:\app\server.exe", &["App"]),
            process(900, r"C:\Windows\System32\svchost.exe", &["TermService"]),
            process(950, r"D:\app\worker.exe", &[]),
        ],
        ..Rows::default()
    }
}

fn folded(registry: &WrittenRegistry, samples: &[Rows]) -> Sockets {
    let nothing = Rows::default();
    let mut sockets = Sockets::of(&Machine {
        registry,
        files: &WrittenFiles::default(),
        rows: &nothing,
        certificate: &|_| None,
    })
    .without(4000);
    for (at, rows) in (1_i64..).zip(samples) {
        sockets.sample(rows, Timestamp::from_seconds(at));
    }
    sockets
}

fn line(fact: &Fact) -> String {
    let who = |program: &Program| {
        let name = program.executable.as_ref().map(ToString::to_string);
        let name = crate::base_name(&name.unwrap_or("?".into())).to_owned();
        format!("{name} {}", program.unit.as_deref().unwrap_or("-"))
    };
    match fact {
        Fact::Listener(l) => format!(
            "{} {}:{} {}",
            l.transport,
            l.address,
            l.port,
            who(&l.program)
        ),
        Fact::Connection(c) => {
            let arrow = if c.direction == Direction::Incoming {
                "<-"
            } else {
                "->"
            };
            format!(
                "{} {} {arrow} {} {} {}",
                c.transport,
                c.local,
                c.remote,
                c.service_port,
                who(&c.program)
            )
        }
        other => format!("{other:?}"),
    }
}

fn told(sockets: &Sockets) -> Vec<String> {
    let all = sockets.observations();
    all.iter().map(|seen| line(&seen.fact)).collect()
}

fn of(sockets: &[&str]) -> Vec<String> {
    told(&folded(&registry(), &[rows(sockets)]))
}

#[test]
fn a_port_that_is_listened_on_is_called_and_every_other_one_calls() {
    assert_eq!(
        of(&[
            "tcp listen 0.0.0.0:8443 800",
            "tcp established 10.0.0.5:8443 10.0.0.77:50123 800",
            "tcp established 10.0.0.5:8443 10.0.0.77:50124 800",
            "tcp established 10.0.0.5:50001 10.0.0.9:1433 800",
            "tcp close-wait 10.0.0.5:50002 10.0.0.9:1433 800",
            // Twins: nobody answered.
            "tcp syn-sent 10.0.0.5:50003 10.0.0.8:25 800",
            "tcp syn-received 10.0.0.5:8443 10.0.0.66:1 800",
        ]),
        [
            "tcp 0.0.0.0:8443 server.exe App.service",
            "tcp 10.0.0.5 -> 10.0.0.9 1433 server.exe App.service",
            "tcp 10.0.0.5 <- 10.0.0.77 8443 server.exe App.service",
        ]
    );
}

#[test]
fn ports_of_remote_procedures_are_known_for_directions_and_told_by_nobody() {
    assert_eq!(
        of(&[
            "tcp listen 0.0.0.0:49664 700",
            "tcp listen :::49664 700",
            "tcp listen 0.0.0.0:50022 800",
            "tcp listen 0.0.0.0:3389 900",
            "tcp established 10.0.0.5:49664 10.0.0.77:50123 700",
            "udp  0.0.0.0:50999 800",
        ]),
        [
            "tcp 0.0.0.0:3389 svchost.exe TermService.service",
            "tcp 0.0.0.0:50022 server.exe App.service",
            "tcp 10.0.0.5 <- 10.0.0.77 49664 lsass.exe -",
        ]
    );
}

#[test]
fn a_port_of_remote_procedures_that_somebody_fixed_is_told() {
    let path = format!(r"{SERVICES}\NTDS\Parameters");
    let registry = registry().with(&path, "TCP/IP Port", Value::Number(49_664));
    let sample = rows(&[
        "tcp listen 0.0.0.0:49664 700",
        "tcp listen 0.0.0.0:49665 700",
    ]);
    assert_eq!(
        told(&folded(&registry, &[sample])),
        ["tcp 0.0.0.0:49664 lsass.exe -"]
    );
    let narrow = self::registry().with(
        r"HKLM\SOFTWARE\Microsoft\Rpc\Internet",
        "Ports",
        Value::List(vec!["5000-5020".into()]),
    );
    let sample = rows(&["tcp listen 0.0.0.0:5001 700", "tcp listen 0.0.0.0:5021 700"]);
    assert_eq!(
        told(&folded(&narrow, &[sample])),
        ["tcp 0.0.0.0:5021 lsass.exe -"]
    );
}

#[test]
fn the_kernel_has_the_unit_that_its_port_belongs_to() {
    assert_eq!(
        of(&[
            "tcp listen 0.0.0.0:445 4",
            "tcp listen 0.0.0.0:8080 4",
            "tcp established 10.0.0.5:445 10.0.0.77:50123 4",
            "tcp established 10.0.0.5:50001 10.0.0.9:445 4",
            "udp  10.0.0.5:137 4",
        ]),
        [
            "tcp 0.0.0.0:445 System LanmanServer.service",
            "tcp 0.0.0.0:8080 System -",
            "tcp 10.0.0.5 -> 10.0.0.9 445 System LanmanWorkstation.service",
            "tcp 10.0.0.5 <- 10.0.0.77 445 System LanmanServer.service",
            "udp 10.0.0.5:137 System -",
        ]
    );
}

#[test]
fn what_nobody_holds_any_more_is_told_where_nothing_better_is_known() {
    assert_eq!(
        of(&[
            "tcp listen 0.0.0.0:8443 800",
            "tcp time-wait 10.0.0.5:8443 10.0.0.77:50123 0",
            "tcp time-wait 10.0.0.5:50001 10.0.0.9:25 0",
            "tcp time-wait 10.0.0.5:50002 10.0.0.9:1433 0",
            "tcp established 10.0.0.5:50003 10.0.0.9:1433 950",
            "tcp time-wait 127.0.0.1:50004 127.0.0.1:8443 0",
        ]),
        [
            "tcp 0.0.0.0:8443 server.exe App.service",
            "tcp 10.0.0.5 -> 10.0.0.9 25 ? -",
            "tcp 10.0.0.5 -> 10.0.0.9 1433 worker.exe -",
            "tcp 10.0.0.5 <- 10.0.0.77 8443 server.exe App.service",
        ]
    );
}

#[test]
fn both_ends_within_the_machine_are_told_and_a_program_that_talks_to_itself_is_not() {
    assert_eq!(
        of(&[
            "tcp listen 127.0.0.1:5432 800",
            "tcp established 127.0.0.1:50001 127.0.0.1:5432 950",
            "tcp established 127.0.0.1:5432 127.0.0.1:50001 800",
            "tcp established 127.0.0.1:50010 127.0.0.1:50011 950",
            "tcp established 127.0.0.1:50011 127.0.0.1:50010 950",
            "tcp listen 0.0.0.0:49664 700",
            "tcp established 10.0.0.5:49664 10.0.0.5:50012 700",
            "tcp established 10.0.0.5:50012 10.0.0.5:49664 700",
        ]),
        [
            "tcp 127.0.0.1:5432 server.exe App.service",
            "tcp 127.0.0.1 -> 127.0.0.1 5432 worker.exe -",
            "tcp 127.0.0.1 <- 127.0.0.1 5432 server.exe App.service",
        ]
    );
}

#[test]
fn our_own_sockets_and_their_other_ends_are_left_out() {
    let said = of(&[
        "tcp listen 0.0.0.0:8443 800",
        "tcp listen 127.0.0.1:7000 4000",
        "tcp established 127.0.0.1:50001 127.0.0.1:8443 4000",
        "tcp established 127.0.0.1:8443 127.0.0.1:50001 800",
    ]);
    assert_eq!(said, ["tcp 0.0.0.0:8443 server.exe App.service"]);
}

#[test]
fn the_service_that_the_system_tells_is_the_unit() {
    let mut rows = rows(&["tcp established 10.0.0.5:50001 10.0.0.9:389 700"]);
    rows.sockets[0].service = Some("netlogon".into());
    let said = told(&folded(
        &registry().with(&format!("{SERVICES}\\Netlogon"), "Start", Value::Number(2)),
        &[rows],
    ));
    assert_eq!(
        said,
        ["tcp 10.0.0.5 -> 10.0.0.9 389 lsass.exe Netlogon.service"]
    );
}

#[test]
fn samples_fold_and_a_query_port_of_one_sample_is_none() {
    let first = rows(&[
        "tcp listen 0.0.0.0:8443 800",
        "udp  0.0.0.0:20001 800",
        "udp  0.0.0.0:7777 800",
    ]);
    let second = rows(&[
        "tcp listen 0.0.0.0:8443 800",
        "tcp established 10.0.0.5:50001 10.0.0.9:25 950",
        "tcp established 10.0.0.5:50002 10.0.0.9:25 950",
        "udp  0.0.0.0:7777 800",
    ]);
    let third = rows(&[
        "tcp listen 0.0.0.0:8443 800",
        "tcp time-wait 10.0.0.5:50001 10.0.0.9:25 0",
    ]);
    let sockets = folded(&registry(), &[first, second, third]);
    let seen: Vec<(String, u64, i64, i64)> = sockets
        .observations()
        .iter()
        .map(|one| {
            (
                line(&one.fact),
                one.seen.count,
                one.seen.first.millis(),
                one.seen.last.millis(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "tcp 0.0.0.0:8443 server.exe App.service".to_owned(),
                3,
                1000,
                3000
            ),
            (
                "tcp 10.0.0.5 -> 10.0.0.9 25 worker.exe -".to_owned(),
                1,
                2000,
                2000
            ),
            (
                "udp 0.0.0.0:7777 server.exe App.service".to_owned(),
                2,
                1000,
                2000
            ),
        ]
    );
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut texts = vec![
        "tcp established 10.0.0.5:8443 10.0.0.77:50123 800",
        "tcp listen 0.0.0.0:8443 800",
        "tcp time-wait 10.0.0.5:50002 10.0.0.9:1433 0",
        "tcp established 10.0.0.5:50003 10.0.0.9:1433 950",
        "udp  0.0.0.0:123 900",
    ];
    let one = of(&texts);
    texts.reverse();
    assert_eq!(of(&texts), one);
}

#[test]
fn an_address_for_a_day_is_no_place_to_listen_and_one_of_an_adapter_is() {
    let mut rows = rows(&[
        "tcp listen fd00::5:8443 800",
        "tcp listen fd00::aaaa:8443 800",
        "tcp listen fe80::1:8443 800",
    ]);
    let listen = told(&folded(&registry(), &[rows.clone()]));
    assert_eq!(listen.len(), 3);
    rows.adapters = vec![Adapter {
        addresses: vec!["fd00::5/64".into()],
        ..Adapter::default()
    }];
    let listen = told(&folded(&registry(), &[rows]));
    assert_eq!(
        listen,
        [
            "tcp fd00::5:8443 server.exe App.service",
            "tcp fe80::1:8443 server.exe App.service"
        ]
    );
}

fn scopes(sockets: &Sockets) -> Vec<String> {
    let state = |said: &Said| match said.state {
        CoverageState::Complete => "whole",
        CoverageState::Partial => "part",
    };
    let said = sockets.said();
    said.iter()
        .map(|said| format!("{} {} {}", said.scope, state(said), said.facts.len()))
        .collect()
}

#[test]
fn scopes_are_those_of_linux_and_a_hidden_program_makes_a_hole_of_its_port() {
    let mut rows = rows(&[
        "tcp listen 0.0.0.0:8443 800",
        "tcp listen 0.0.0.0:9000 960",
        "tcp established 10.0.0.5:50003 10.0.0.9:1433 950",
    ]);
    rows.processes.push(process(960, "hidden.exe", &[]));
    let sockets = folded(&registry(), &[rows]);
    assert_eq!(
        scopes(&sockets),
        [
            "socket:host part 0",
            "socket:host/tcp/listen whole 0",
            "socket:host/tcp/listen/8443 whole 1",
            "socket:host/tcp/listen/9000 part 1",
            "socket:host/tcp/connections part 1",
            "socket:host/udp/listen whole 0",
            "socket:host/udp/connections part 0",
        ]
    );
    let gap = &sockets.said()[0].gaps[0];
    assert_eq!(gap.what, "the paths of the programs behind 1 sockets");
}

#[test]
fn tables_that_could_not_be_asked_are_gaps_and_nothing_counts_as_gone() {
    let mut closed = rows(&["tcp listen 0.0.0.0:8443 800"]);
    closed.processes.clear();
    let missing = |table: &str| Missing {
        table: table.into(),
        reason: Reason::PermissionDenied,
    };
    closed.missing = vec![missing("processes"), missing("sockets")];
    let sockets = folded(&registry(), &[closed]);
    let said = sockets.said();
    assert_eq!(said[0].gaps.len(), 2);
    assert!(said.iter().all(|said| said.state == CoverageState::Partial));
    assert_eq!(told(&sockets), ["tcp 0.0.0.0:8443 ? -"]);
    let silent = folded(&registry(), &[Rows::default()]).said();
    assert_eq!(silent[0].gaps[0].reason, Reason::NotPresent);
    assert!(
        silent
            .iter()
            .all(|said| said.state == CoverageState::Partial)
    );
}

proptest::proptest! {
    #[test]
    fn facts_hold_no_port_that_a_caller_was_given(
        ports in proptest::collection::vec((49_152_u16..=65_535, 1_u16..1024), 1..40),
    ) {
        let texts: Vec<String> = ports.iter()
            .map(|(own, other)| format!("tcp established 10.0.0.5:{own} 10.0.0.9:{other} 950"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let called: BTreeSet<u16> = ports.iter().map(|(_, other)| *other).collect();
        proptest::prop_assert_eq!(of(&texts).len(), called.len());
    }
}
