//! The answers nobody hopes for: cut, endless, too long, of something else; and statistics, which may fail alone.

use super::*;

#[test]
fn a_page_that_is_cut_keeps_what_came_before_and_the_session_is_closed() {
    let server = Server::open(|asked, out| match is_guests(asked) {
        true => {
            let text = envelope(
                "RetrievePropertiesEx",
                &format!("<returnval>{}{}</returnval>", guest(1), guest(2)),
            );
            let length = text.len();
            let cut = &text[..text.find("guest 2").unwrap()];
            write!(
                out,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{cut}"
            )?;
            out.flush()?;
            Err(io::ErrorKind::Other.into())
        }
        false => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!(
        (told.guests.as_slice(), told.gaps.len(), told.state),
        (["vm-1".to_owned()].as_slice(), 1, CoverageState::Partial)
    );
    assert_eq!(count(&server, "Logout"), 1);
}

#[test]
fn a_kind_that_may_not_be_read_does_not_hide_the_others() {
    let server = Server::open(|asked, out| match method(asked) {
        "CreateContainerView" if asked.body.contains("<type>ResourcePool") => fault(
            out,
            "NoPermission",
            "<privilegeId>System.View</privilegeId>",
        ),
        _ if is_guests(asked) => page(asked, out, &guest(1)),
        _ => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!(
        (told.guests.len(), told.gaps.len(), told.state),
        (1, 1, CoverageState::Partial)
    );
    assert_eq!(told.gaps[0].reason, Reason::PermissionDenied);
}

#[test]
fn a_platform_that_never_ends_is_left_and_logged_out_of() {
    let server = Server::open(|asked, out| match method(asked) {
        "ContinueRetrievePropertiesEx" => {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        }
        _ if is_guests(asked) => page(asked, out, &format!("<token>1</token>{}", guest(1))),
        _ => usual(asked, out),
    });
    let budget = Budget {
        network_timeout_ms: 50,
        ..Budget::default()
    };
    let told = look_for(&server, Duration::from_secs(2), budget);
    assert_eq!((told.guests.len(), told.state), (1, CoverageState::Partial));
    assert!(
        told.gaps
            .iter()
            .any(|gap| gap.reason == Reason::BudgetExhausted),
        "{:?}",
        told.gaps
    );
    assert_eq!(count(&server, "Logout"), 1);
}

#[test]
fn endless_pages_and_pages_without_end_are_ended() {
    let server = Server::open(|asked, out| match method(asked) {
        "ContinueRetrievePropertiesEx" => page(asked, out, "<token>1</token>"),
        _ if is_guests(asked) => page(asked, out, &format!("<token>1</token>{}", guest(1))),
        _ => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!((told.guests.len(), told.gaps.len()), (1, 1));
    assert_eq!(told.gaps[0].reason, Reason::Malformed);

    let next = AtomicUsize::new(0);
    let server = Server::open(move |asked, out| {
        match is_guests(asked) || method(asked).starts_with("Continue") {
            true => {
                let from = next.fetch_add(100, Ordering::SeqCst);
                let all: String = (from..from + 100).map(guest).collect();
                page(asked, out, &format!("<token>1</token>{all}"))
            }
            false => usual(asked, out),
        }
    });
    let budget = Budget {
        observations_max: 1_000,
        ..Budget::default()
    };
    let told = look_for(&server, Duration::from_secs(300), budget);
    assert_eq!(told.gaps[0].reason, Reason::BudgetExhausted);
    assert!(told.guests.len() <= 1_000);
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_read_and_its_property_left_out() {
    let server = Server::open(|asked, out| match is_guests(asked) {
        true => {
            write!(out, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            let text = envelope(
                "RetrievePropertiesEx",
                "<returnval><objects><obj type='VirtualMachine'>vm-1</obj><propSet><name>config.hardware.device</name><val>@</val></propSet></objects></returnval>",
            );
            let (before, after) = text.split_once('@').unwrap();
            let piece = format!(
                "<VirtualDevice><key>{}</key></VirtualDevice>",
                "x".repeat(100_000)
            );
            out.write_all(before.as_bytes())?;
            for _ in 0..1_000 {
                out.write_all(piece.as_bytes())?;
            }
            out.write_all(after.as_bytes())?;
            out.flush()?;
            Err(io::ErrorKind::Other.into())
        }
        false => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!(told.guests, ["vm-1"]);
    let gap = gap(&told);
    assert!(gap.what.contains("too long"), "{gap:?}");
}

#[test]
fn what_is_no_vsphere_is_told_apart_and_gets_no_password() {
    for (status, body, reason) in [
        ("404 Not Found", "<html>no</html>", Reason::NotThisService),
        ("200 OK", "<html>a page</html>", Reason::Malformed),
        ("503 Service Unavailable", "", Reason::Unreachable),
        ("500 Internal Server Error", "oops", Reason::NotThisService),
        (
            "200 OK",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
            Reason::Malformed,
        ),
    ] {
        let server = Server::open(move |_, out| whole(out, status, body));
        let told = look(&server);
        let gap = gap(&told);
        assert_eq!(gap.reason, reason, "{status} {gap:?}");
        assert_eq!(count(&server, "Login"), 0);
    }
}

#[test]
fn an_old_platform_is_asked_as_the_oldest_that_counts() {
    let server = Server::open(|asked, out| {
        let versioned = asked
            .head
            .iter()
            .any(|line| line == "soapaction: urn:vim25/8.0.2.0");
        match versioned {
            true => whole(
                out,
                "500 Internal Server Error",
                "<html>Unsupported version URI</html>",
            ),
            false => usual(asked, out),
        }
    });
    let told = look(&server);
    assert_eq!((told.gaps.len(), told.state), (0, CoverageState::Complete));
    let asked = server.asked();
    let login = asked.iter().find(|one| method(one) == "Login").unwrap();
    assert!(login.head.contains(&"soapaction: urn:vim25/5.0".to_owned()));
}

/// A platform with three running guests, one of them deleted before its statistics are asked for; or with none at all.
fn counting(refused: bool) -> Server {
    Server::open(move |asked, out| match method(asked) {
        "RetrieveServiceContent" => {
            let service = SERVICE.replace(
                "</returnval>",
                "<perfManager type='PerformanceManager'>PerfMgr</perfManager></returnval>",
            );
            says(asked, out, &service)
        }
        "QueryPerf" if refused => fault(out, "NoPermission", ""),
        "QueryPerf" if asked.body.contains(">vm-1<") => fault(out, "ManagedObjectNotFound", ""),
        "QueryPerf" => {
            let mut all = String::new();
            for number in [0, 2] {
                if asked.body.contains(&format!(">vm-{number}<")) {
                    let _ = write!(
                        all,
                        "<returnval xsi:type='PerfEntityMetricCSV'><entity type='VirtualMachine'>vm-{number}</entity>\
                        <value><id><counterId>2</counterId><instance></instance></id><value>100,-1,2550</value></value></returnval>"
                    );
                }
            }
            says(asked, out, &all)
        }
        "RetrievePropertiesEx" if asked.body.contains("perfCounter") => {
            let counter = "<PerfCounterInfo><key>2</key><nameInfo><key>usage</key></nameInfo><groupInfo><key>cpu</key></groupInfo><rollupType>average</rollupType></PerfCounterInfo>";
            let manager = format!(
                "<objects><obj type='PerformanceManager'>PerfMgr</obj><propSet><name>perfCounter</name><val>{counter}</val></propSet></objects>"
            );
            page(asked, out, &manager)
        }
        _ if is_guests(asked) => {
            let mut all = String::new();
            for number in 0..3 {
                let on = "<propSet><name>runtime.powerState</name><val>poweredOn</val></propSet></objects>";
                all.push_str(&guest(number).replace("</objects>", on));
            }
            page(asked, out, &all)
        }
        _ => usual(asked, out),
    })
}

#[test]
fn statistics_of_guests_are_told_although_one_of_them_was_deleted() {
    let told = look(&counting(false));
    assert_eq!((told.gaps.len(), told.state), (0, CoverageState::Complete));
    let of = |key: &str| {
        let all = told.measured.iter().filter(|one| one.contains(key));
        let mut all: Vec<&str> = all
            .filter_map(|one| one.split_once(' '))
            .map(|(_, rest)| rest)
            .collect();
        all.sort_unstable();
        all
    };
    let wanted = [
        "vm_cpu_p95_percent 25.5",
        "vm_cpu_peak_percent 25.5",
        "vm_load_period_seconds 3600",
    ];
    assert_eq!((of("/vm-0"), of("/vm-1").len()), (wanted.to_vec(), 0));
    assert_eq!(of("/vm-2"), wanted);
}

#[test]
fn statistics_that_may_not_be_read_are_told_and_hide_nothing() {
    let told = look(&counting(true));
    assert_eq!(
        (told.guests.len(), told.gaps.len(), told.state),
        (3, 1, CoverageState::Complete)
    );
    assert_eq!(told.measured.len(), 0);
}
