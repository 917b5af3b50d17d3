//! Who may see what, how much of it is taken, and as what it is told.

use super::*;

#[test]
fn a_token_that_sees_a_part_is_a_hole_with_the_role_that_is_missing() {
    let rights = r#"{"data":{"/":{"Sys.Audit":1},"/vms/104":{"VM.Audit":1}}}"#;
    let server = server(move |path| match path {
        "/access/permissions" => Some(("200 OK", rights)),
        _ => None,
    });
    let recorder = look(&server);
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("Datastore.Audit, VM.Audit everywhere"))
        .unwrap();
    assert!(gap.remedy.as_ref().unwrap().contains("PVEAuditor"));
    assert_eq!(states(&recorder), [CoverageState::Partial]);
}

#[test]
fn a_lone_node_is_told_by_its_domain_and_asked_for_it_once() {
    let server = server(|path| match path {
        "/cluster/status" => Some((
            "200 OK",
            r#"{"data":[{"type":"node","name":"pve1","online":1}]}"#,
        )),
        _ => None,
    });
    let recorder = look(&server);
    assert_eq!(
        guest(&recorder, "qemu/104").platform.id,
        "pve1.corp.example"
    );
    let asked = server.asked();
    let dns = asked.iter().filter(|asked| asked.line.contains("/dns"));
    assert_eq!(dns.count(), 1);
}

#[test]
fn an_answer_about_one_thing_may_be_shorter_than_a_list_of_all() {
    for (long, is_cut) in [("qemu/104/config", true), ("rrddata", false)] {
        let server = Server::secured(move |asked, out| {
            let path = asked.line.split(' ').nth(1).unwrap_or_default();
            let path = path.strip_prefix("/api2/json").unwrap_or_default();
            let (status, body) = answered(path);
            let room = if path.contains(long) { 5 << 20 } else { 0 };
            whole(out, status, &format!("{body}{}", " ".repeat(room)))
        });
        let recorder = look(&server);
        let cut = gaps(&recorder)
            .iter()
            .any(|gap| gap.starts_with("TooLarge: "));
        assert_eq!(cut, is_cut, "{:?}", gaps(&recorder));
    }
}

#[test]
fn helpers_that_may_not_be_asked_are_one_hole_with_the_right_that_is_missing() {
    let server = server(|path| {
        path.contains("/agent/")
            .then_some(("403 Permission check failed", r#"{"data":null}"#))
    });
    let recorder = look(&server);
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("helpers"))
        .unwrap();
    assert!(gap.remedy.as_ref().unwrap().contains("VM.GuestAgent.Audit"));
    assert_eq!(guest(&recorder, "qemu/104").tools, None, "nobody knows");
}

#[test]
fn a_guest_that_is_not_listed_is_gone_also_for_a_role_that_may_not_ask_helpers() {
    let server = server(|path| match path.contains("/agent/") {
        true => Some(("403 Permission check failed", r#"{"data":null}"#)),
        false => lone_node(path),
    });
    let recorder = look(&server);
    assert_eq!(states(&recorder), [CoverageState::Complete]);
    assert_eq!(gaps(&recorder).len(), 1, "{:?}", gaps(&recorder));
}

#[test]
fn what_may_not_be_read_is_told_with_the_role_that_is_missing() {
    let server = server(|path| {
        path.contains("/storage").then_some((
            "403 Permission check failed (/storage, Datastore.Audit)",
            r#"{"data":null}"#,
        ))
    });
    let recorder = look(&server);
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("/storage"))
        .unwrap();
    assert!(gap.remedy.as_ref().unwrap().contains("PVEAuditor"));
    assert_eq!(guests(&recorder).len(), 4, "the rest goes on");
}

/// Looks at all of `servers`, one after the other.
fn looked_at_all(servers: &[&Server]) -> Recorder {
    let (world, window) = machine(Duration::from_secs(60));
    let mut recorder = Recorder::new(groma_model::SourceName::new(NAME));
    let all = servers.iter().map(|server| access(server, token(TOKEN)));
    HypervisorSource::new(world, all.collect()).look(&window, &Budget::default(), &mut recorder);
    recorder
}

#[test]
fn two_servers_that_tell_one_platform_are_a_hole_that_names_both() {
    let (one, other) = (server(|_| None), server(|_| None));
    let recorder = looked_at_all(&[&one, &other]);
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("the same platform"))
        .unwrap();
    assert!(gap.what.contains(&one.url) && gap.what.contains(&other.url));
    assert!(gap.what.contains("prod"), "{}", gap.what);
    assert!(gap.remedy.as_ref().unwrap().contains("another name"));
}

#[test]
fn two_servers_of_two_names_are_no_hole() {
    let one = server(|_| None);
    let other = server(|path| match path {
        "/cluster/status" => Some((
            "200 OK",
            r#"{"data":[{"type":"cluster","name":"second"},{"type":"node","name":"pve1","online":1}]}"#,
        )),
        _ => None,
    });
    let recorder = looked_at_all(&[&one, &other]);
    let gaps = gaps(&recorder);
    assert!(
        !gaps.iter().any(|gap| gap.contains("the same platform")),
        "{gaps:?}"
    );
}
