//! Who is not let in, what may not be read, and what makes no sense.

use super::*;

#[test]
fn a_wrong_password_is_tried_once_and_not_shown() {
    let server = server(|_, _, _| None);
    let recorder = looked(
        vec![access(&server, "wrong-s3cret")],
        Duration::from_secs(60),
    );
    let [gap] = recorder.gaps().collect::<Vec<_>>()[..] else {
        panic!("{:?}", gaps(&recorder))
    };
    assert_eq!(gap.reason, groma_model::Reason::PermissionDenied);
    assert!(gap.remedy.as_ref().unwrap().contains("not tried again"));
    assert_eq!(server.asked().len(), 1, "nobody is in, so nobody goes out");
    assert!(!format!("{:?}", recorder.records).contains("s3cret"));
    assert_eq!(recorder.facts().count(), 0);
}

#[test]
fn a_token_is_no_way_in_and_nothing_is_sent() {
    let server = server(|_, _, _| None);
    for logon in [
        Logon::Nobody,
        Logon::Token(Zeroizing::new("s3cret".to_owned())),
    ] {
        let access = Access {
            logon,
            ..access(&server, PASSWORD)
        };
        let recorder = looked(vec![access], Duration::from_secs(60));
        assert!(
            gaps(&recorder)[0].starts_with("Locked: "),
            "{:?}",
            gaps(&recorder)
        );
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn nothing_is_sent_to_a_server_nobody_named() {
    let server = server(|_, _, _| None);
    let access = Access {
        trust: Trust::Nothing,
        ..access(&server, PASSWORD)
    };
    let recorder = looked(vec![access], Duration::from_secs(60));
    assert!(
        gaps(&recorder)[0].starts_with("Locked: "),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(server.asked(), []);
}

#[test]
fn a_member_of_a_pool_names_its_coordinator() {
    for (leader, url) in [
        ("10.30.0.11", "https://10.30.0.11\""),
        ("fd00::11", "https://[fd00::11]\""),
    ] {
        let member = server(move |_, _, _| Some(no("HOST_IS_SLAVE", &[leader])));
        let recorder = look(&member);
        let [gap] = recorder.gaps().collect::<Vec<_>>()[..] else {
            panic!("{:?}", gaps(&recorder))
        };
        assert!(gap.what.contains(leader));
        assert!(
            gap.remedy.as_ref().unwrap().contains(url),
            "{:?}",
            gap.remedy
        );
        assert_eq!(
            member.asked().len(),
            1,
            "the coordinator was not named, and is not asked"
        );
    }
}

#[test]
fn a_member_whose_coordinator_is_named_too_is_no_hole_and_ends_nothing() {
    let member = server(|_, _, _| Some(no("HOST_IS_SLAVE", &["127.0.0.1"])));
    let leader = server(|_, _, _| None);
    let platforms = vec![access(&member, PASSWORD), access(&leader, PASSWORD)];
    let recorder = looked(platforms, Duration::from_secs(60));
    assert_eq!(gaps(&recorder), [""; 0]);
    assert_eq!(
        states(&recorder),
        [CoverageState::Partial, CoverageState::Complete]
    );
    assert_eq!(guests(&recorder).len(), 5);
}

#[test]
fn a_right_that_is_missing_is_told_with_the_role_and_the_rest_goes_on() {
    let server = server(|_, method, _| {
        (method == "VDI.get_all_records").then(|| {
            no(
                "RBAC_PERMISSION_DENIED",
                &["vdi.get_all_records", "No permission"],
            )
        })
    });
    let recorder = look(&server);
    let [gap] = recorder.gaps().collect::<Vec<_>>()[..] else {
        panic!("{:?}", gaps(&recorder))
    };
    assert!(gap.what.contains("VDI") && gap.remedy.as_ref().unwrap().contains("read-only"));
    assert_eq!(guests(&recorder).len(), 5);
    assert_eq!(states(&recorder), [CoverageState::Partial]);
}

#[test]
fn without_its_pool_nothing_is_told_and_the_session_is_closed() {
    let server = server(|_, method, _| {
        (method == "pool.get_all_records").then(|| no("RBAC_PERMISSION_DENIED", &["pool", "x"]))
    });
    let recorder = look(&server);
    assert_eq!((recorder.facts().count(), recorder.gaps().count()), (0, 1));
    assert!(
        gaps(&recorder)[0].starts_with("PermissionDenied: "),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(count(&server, "session.logout"), 1);
}

#[test]
fn a_disk_that_went_away_meanwhile_is_told() {
    let server = server(|_, method, _| {
        (method == "VDI.get_all_records").then(|| {
            answer("VDI")
                .unwrap()
                .replace("\"OpaqueRef:vdi4\"", "\"OpaqueRef:new\"")
        })
    });
    let recorder = look(&server);
    assert_eq!(
        gaps(&recorder),
        ["Vanished: 1 records of VDI went away meanwhile"]
    );
    assert_eq!(guests(&recorder).len(), 5);
}

#[test]
fn an_answer_that_makes_no_sense_is_a_hole_and_three_are_an_end() {
    let deep = format!(
        "{{\"result\":{}{}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    for nonsense in ["<html>maintenance</html>".to_owned(), deep] {
        let answer = nonsense.clone();
        let one =
            server(move |_, method, _| (method == "Bond.get_all_records").then(|| answer.clone()));
        let recorder = look(&one);
        let [gap] = &gaps(&recorder)[..] else {
            panic!("{:?}", gaps(&recorder))
        };
        assert!(gap.starts_with("Malformed: not all Bond records"), "{gap}");
        assert_eq!(guests(&recorder).len(), 5);
        let all = server(move |_, method, _| {
            let is_asked = method.ends_with("get_all_records") && method != "pool.get_all_records";
            is_asked.then(|| nonsense.clone())
        });
        let recorder = look(&all);
        assert_eq!(recorder.gaps().count(), 3, "{:?}", gaps(&recorder));
        assert_eq!(
            count(&all, "PIF.get_all_records") + count(&all, "PIF_metrics.get_all_records"),
            1
        );
        assert_eq!(count(&all, "session.logout"), 1);
    }
}

#[test]
fn a_field_nobody_knows_changes_nothing() {
    let server = server(|_, method, _| {
        let strange = |text: &str| {
            text.replace(
                "\"name_label\"",
                "\"field_of_tomorrow\": {\"a\": [[1]]}, \"name_label\"",
            )
        };
        (method == "VM.get_all_records").then(|| strange(answer("VM").unwrap()))
    });
    let recorder = look(&server);
    let plain = look(&super::server(|_, _, _| None));
    assert_eq!(guests(&recorder), guests(&plain));
}

#[test]
fn a_look_without_time_logs_out_all_the_same() {
    let server = Server::secured(|asked, out| match called(asked).0.as_str() {
        "session.login_with_password" => whole(out, "200 OK", &yes(&json!("OpaqueRef:session-1"))),
        "session.logout" => whole(out, "200 OK", &yes(&json!(""))),
        _ => {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        }
    });
    let recorder = looked(vec![access(&server, PASSWORD)], Duration::from_secs(6));
    assert!(
        gaps(&recorder)[0].starts_with("BudgetExhausted: "),
        "{:?}",
        gaps(&recorder)
    );
    assert_eq!(count(&server, "session.logout"), 1);
}

#[test]
fn what_is_no_xapi_is_told_apart() {
    for (status, reason) in [
        ("404 Not Found", "NotThisService"),
        ("503 Busy", "Unreachable"),
    ] {
        let server = Server::secured(move |_, out| whole(out, status, "<html>"));
        let recorder = look(&server);
        assert!(
            gaps(&recorder)[0].starts_with(reason),
            "{:?}",
            gaps(&recorder)
        );
    }
    let booting = server(|_, _, _| Some(no("HOST_STILL_BOOTING", &[])));
    assert!(gaps(&look(&booting))[0].starts_with("Unreachable: "));
}
