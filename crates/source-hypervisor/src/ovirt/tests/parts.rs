//! Pages that are lost, lists that are a part, and answers that are none.

use super::*;

/// A page of `vms` that holds machines with the numbers `from` to `to`.
fn machines(from: usize, to: usize) -> String {
    let one = |number: usize| {
        format!(
            r#"{{"id":"m-{number:05}","name":"m{number:05}","nics":{{}},"disk_attachments":{{}}}}"#
        )
    };
    let all: Vec<String> = (from..to).map(one).collect();
    format!(r#"{{"vm":[{}]}}"#, all.join(","))
}

/// The page that is asked for.
fn page(path: &str) -> usize {
    let (_, rest) = path.split_once("page%20").unwrap_or(("", "0"));
    rest.split('&')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0)
}

/// A greeting that counts `machines` and two hosts.
fn greeting(machines: usize) -> String {
    GREETING.replace(r#""total": "3""#, &format!(r#""total": "{machines}""#))
}

/// A server with 250 machines, of whose pages those in `lost` break off.
fn long(lost: &'static [usize]) -> Server {
    server(move |_, path| match list(path) {
        "" => said("200 OK", &greeting(250)),
        "vms" if lost.contains(&page(path)) => said("200 OK", "<html>busy</html>"),
        "vms" => {
            let from = (page(path) - 1) * 100;
            said("200 OK", &machines(from, (from + 100).min(250)))
        }
        _ => None,
    })
}

#[test]
fn a_long_list_is_read_page_by_page() {
    let server = long(&[]);
    let recorder = look(&server);
    assert_eq!((gaps(&recorder), guests(&recorder).len()), (vec![], 251));
    assert_eq!(count(&server, "GET /api/vms"), 3);
}

#[test]
fn a_page_that_is_lost_in_the_middle_is_a_gap_and_the_next_is_read() {
    let server = long(&[2]);
    let recorder = look(&server);
    assert_eq!(guests(&recorder).len(), 151);
    let gaps = gaps(&recorder);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].starts_with("Malformed: page 2 of vms"), "{gaps:?}");
    assert!(gaps[1].contains("150 of 250 machines"), "{gaps:?}");
    assert_eq!(states(&recorder), [CoverageState::Partial]);
}

#[test]
fn two_lost_pages_end_a_list_and_not_the_look() {
    let server = long(&[1, 2]);
    let recorder = look(&server);
    assert_eq!(guests(&recorder).len(), 1, "the template");
    assert_eq!(count(&server, "GET /api/vms"), 2);
    assert_eq!(hosts(&recorder).len(), 2);
}

#[test]
fn an_engine_that_counts_no_pages_is_not_asked_for_ever() {
    let server = server(|_, path| match list(path) {
        "" => said("200 OK", &greeting(100)),
        "vms" => said("200 OK", &machines(0, 100)),
        _ => None,
    });
    let recorder = look(&server);
    assert_eq!((gaps(&recorder), guests(&recorder).len()), (vec![], 101));
    assert_eq!(count(&server, "GET /api/vms"), 2);
}

#[test]
fn a_machine_that_went_away_between_two_pages_is_missed_aloud() {
    // The first of all went away after its page was read: what stood first on the second page now stands last on the first.
    let server = server(|_, path| match (list(path), page(path)) {
        ("", _) => said("200 OK", &greeting(150)),
        ("vms", 1) => said("200 OK", &machines(0, 100)),
        ("vms", _) => said("200 OK", &machines(101, 150)),
        _ => None,
    });
    let recorder = look(&server);
    let [gap] = &gaps(&recorder)[..] else {
        panic!("{:?}", gaps(&recorder))
    };
    assert_eq!(gap, "Vanished: 149 of 150 machines were shown");
}

#[test]
fn a_machine_that_went_away_within_a_page_has_the_page_asked_again() {
    let times = AtomicUsize::new(0);
    let server = server(move |_, path| {
        let is_first = list(path) == "vms" && times.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| {
            (
                "404 Not Found",
                r#"{"reason":"Operation Failed","detail":"Entity not found: d-1"}"#.to_owned(),
            )
        })
    });
    let recorder = look(&server);
    assert_eq!((gaps(&recorder), guests(&recorder).len()), (vec![], 4));
    assert_eq!(
        count(&server, "GET /api/vms"),
        3,
        "the machines twice, their devices once"
    );
}

#[test]
fn an_engine_that_does_not_follow_numa_nodes_tells_the_rest() {
    let server = server(|_, path| match path.contains("numa_nodes") {
        true => said(
            "400 Bad Request",
            r#"{"fault":{"reason":"Operation Failed"}}"#,
        ),
        false => None,
    });
    let recorder = look(&server);
    assert_eq!(guests(&recorder).len(), 4);
    assert!(gaps(&recorder)[0].contains("NUMA"), "{:?}", gaps(&recorder));
    assert_eq!(named(&recorder, "mail1").disks.len(), 1);
}

#[test]
fn modules_nobody_may_ask_for_are_a_gap_and_the_rest_stands() {
    let server =
        server(|_, path| (list(path) == "devices").then(|| ("500 Internal", String::new())));
    let recorder = look(&server);
    assert_eq!(
        (gaps(&recorder).len(), named(&recorder, "mail1").tpm),
        (1, None)
    );
    assert_eq!(named(&recorder, "mail1").snapshots.len(), 1);
}

#[test]
fn who_is_no_administrator_is_told_a_part_and_it_is_said_so() {
    let server = server(|asked, path| {
        if !asked.head.contains(&"filter: true".to_owned()) {
            return said(
                "403 Forbidden",
                r#"{"fault":{"reason":"Operation Failed"}}"#,
            );
        }
        assert!(
            !path.contains("max="),
            "the engine counts pages before it leaves out"
        );
        match list(path) {
            "" => said(
                "200 OK",
                r#"{"product_info":{"instance_id":"e","version":{"major":"4","minor":"5"}}}"#,
            ),
            "hosts" => said("200 OK", "{}"),
            _ => None,
        }
    });
    let recorder = look(&server);
    let gaps = gaps(&recorder);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].contains("no administrator"), "{gaps:?}");
    assert!(
        gaps[1].contains("1 hosts that machines run on were not shown"),
        "{gaps:?}"
    );
    assert_eq!(
        (guests(&recorder).len(), states(&recorder)),
        (4, vec![CoverageState::Partial])
    );
}

#[test]
fn a_list_of_no_hosts_is_a_gap_where_the_engine_counts_some() {
    let server = server(|_, path| match list(path) {
        "hosts" => said("200 OK", "{}"),
        _ => None,
    });
    let recorder = look(&server);
    assert!(gaps(&recorder).contains(&"Vanished: 0 of 2 hosts were shown".to_owned()));
    let gap = recorder.gaps().next().unwrap();
    assert!(gap.remedy.as_ref().unwrap().contains("ReadOnlyAdmin"));
}

#[test]
fn a_list_that_may_not_be_read_leaves_the_rest() {
    let server = server(|asked, path| {
        let _ = asked;
        (list(path) == "storagedomains").then(|| ("403 Forbidden", String::new()))
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.contains("storagedomains may not be read")),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(guests(&recorder).len(), 4);
}

#[test]
fn a_host_in_maintenance_is_no_gap() {
    let server = server(|_, _| None);
    let recorder = look(&server);
    let resting: Vec<Option<bool>> = hosts(&recorder)
        .iter()
        .map(|host| host.maintenance)
        .collect();
    let all = vec![Some(false), Some(true)];
    assert_eq!((resting, gaps(&recorder)), (all, vec![]));
}

#[test]
fn an_answer_without_an_end_is_cut_and_the_rest_goes_on() {
    let server = Server::secured(|asked, out| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let path = path.strip_prefix("/ovirt-engine/api").unwrap_or("/token");
        if asked.line.starts_with("POST") {
            return whole(out, "200 OK", GRANTED);
        }
        if list(path) != "templates" {
            let (status, body) = answered(path);
            return whole(out, status, &body);
        }
        write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")?;
        let piece = vec![b' '; 1 << 20];
        (0..100).try_for_each(|_| out.write_all(&piece))
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.starts_with("TooLarge: ")),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(guests(&recorder).len(), 3);
}

#[test]
fn an_answer_that_is_deep_is_a_hole_of_its_own() {
    let server = server(|_, path| {
        let deep = || "[".repeat(1 << 20);
        (list(path) == "networks").then(|| ("200 OK", deep()))
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)
            .iter()
            .any(|gap| gap.starts_with("Malformed: page 1 of networks")),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(
        (
            guests(&recorder).len(),
            named(&recorder, "mail1").nics[0].network.clone()
        ),
        (4, None)
    );
}

#[test]
fn one_answer_that_breaks_off_is_one_hole_and_three_are_an_end() {
    for (broken, is_read) in [
        (&["networks"][..], true),
        (&["networks", "vnicprofiles"][..], false),
    ] {
        let server = Server::secured(move |asked, out| {
            let path = asked.line.split(' ').nth(1).unwrap_or_default();
            let path = path.strip_prefix("/ovirt-engine/api").unwrap_or("/token");
            if asked.line.starts_with("POST") {
                return whole(out, "200 OK", GRANTED);
            }
            if broken.contains(&list(path)) {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{{")?;
                return Err(io::ErrorKind::Other.into());
            }
            let (status, body) = answered(path);
            whole(out, status, &body)
        });
        let recorder = look(&server);
        assert_eq!(
            !guests(&recorder).is_empty(),
            is_read,
            "{:?}",
            gaps(&recorder)
        );
        assert_eq!(states(&recorder), [CoverageState::Partial]);
    }
}

#[test]
fn a_word_and_a_field_nobody_knows_are_no_hole() {
    let strange = r#"{"vm":[{"id":"x","name":"x","status":"dreaming","tomorrow":{"y":[1]},"nics":{},"disk_attachments":{}}]}"#;
    let server = server(move |_, path| match list(path) {
        "" => said("200 OK", &greeting(1)),
        "vms" => said("200 OK", strange),
        _ => None,
    });
    let recorder = look(&server);
    assert_eq!(
        (gaps(&recorder), named(&recorder, "x").power),
        (vec![], None)
    );
}

#[test]
fn an_old_engine_is_told_as_one_that_tells_little() {
    let server = server(|_, path| match list(path) {
        "" => said(
            "200 OK",
            r#"{"product_info":{"version":{"major":"4","minor":"1"}}}"#,
        ),
        "vms" => said("200 OK", r#"{"vm":[{"id":"x","name":"x"}]}"#),
        _ => None,
    });
    let recorder = look(&server);
    assert!(
        gaps(&recorder)[0].contains("older than version 4.2"),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(named(&recorder, "x").platform.id, "127.0.0.1");
}

#[test]
fn a_look_without_time_gives_its_token_back_all_the_same() {
    let server = Server::secured(|asked, out| match asked.line.split(' ').nth(1) {
        Some("/ovirt-engine/sso/oauth/token") => whole(out, "200 OK", super::GRANTED),
        Some("/ovirt-engine/services/sso-logout") => whole(out, "200 OK", "{}"),
        _ => {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        }
    });
    let recorder = looked(access(&server, right()), Duration::from_secs(6));
    assert!(!gaps(&recorder).is_empty());
    let asked = server.asked();
    let back = asked.iter().filter(|one| one.line.contains("sso-logout"));
    assert_eq!(back.count(), 1);
}
