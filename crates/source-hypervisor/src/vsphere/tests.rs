//! Against a platform of a few lines on loopback.

mod hostile;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::virtualization::PlatformKind;
use groma_model::{CoverageState, Fact, Gap, Reason};
use groma_source::{Budget, Recorder, Source};
use groma_trust::Trust;
use zeroize::Zeroizing;

use crate::testing::{Asked, Server, machine, whole};
use crate::{Access, HypervisorSource, Logon};

const SERVICE: &str = "<returnval><rootFolder type='Folder'>group-d1</rootFolder>\
<propertyCollector type='PropertyCollector'>propertyCollector</propertyCollector>\
<viewManager type='ViewManager'>ViewManager</viewManager><about><apiType>VirtualCenter</apiType>\
<apiVersion>8.0.2.0</apiVersion><instanceUuid>dbed6e0c-bd88-4ef6-b594-21283e1c677f</instanceUuid></about>\
<sessionManager type='SessionManager'>SessionManager</sessionManager></returnval>";

fn envelope(method: &str, inside: &str) -> String {
    format!(
        "<?xml version='1.0'?><s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' \
         xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><s:Body><{method}Response xmlns='urn:vim25'>{inside}</{method}Response></s:Body></s:Envelope>"
    )
}

fn fault(out: &mut dyn Write, kind: &str, inside: &str) -> io::Result<()> {
    let text = format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><s:Body>\
         <s:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring><detail><{kind}Fault xsi:type='{kind}'>{inside}</{kind}Fault></detail></s:Fault></s:Body></s:Envelope>"
    );
    whole(out, "500 Internal Server Error", &text)
}

/// The first element of the body: what is asked for.
fn method(asked: &Asked) -> &str {
    let body = asked
        .body
        .split("<soapenv:Body><")
        .nth(1)
        .unwrap_or_default();
    body.split([' ', '>']).next().unwrap_or_default()
}

/// Answers what was asked for with `inside`.
fn says(asked: &Asked, out: &mut dyn Write, inside: &str) -> io::Result<()> {
    whole(out, "200 OK", &envelope(method(asked), inside))
}

/// Answers with one page of `objects`, and a token before them where more follow.
fn page(asked: &Asked, out: &mut dyn Write, objects: &str) -> io::Result<()> {
    says(asked, out, &format!("<returnval>{objects}</returnval>"))
}

/// A guest with a name.
fn guest(number: usize) -> String {
    format!(
        "<objects><obj type='VirtualMachine'>vm-{number}</obj><propSet><name>name</name><val>guest {number}</val></propSet></objects>"
    )
}

/// What a platform answers that has nothing and lets everybody in.
fn usual(asked: &Asked, out: &mut dyn Write) -> io::Result<()> {
    let method = method(asked);
    let inside = match method {
        "RetrieveServiceContent" => SERVICE.to_owned(),
        "Login" => {
            let text = envelope(method, "<returnval><key>k</key></returnval>");
            let length = text.len();
            return write!(
                out,
                "HTTP/1.1 200 OK\r\nset-cookie: vmware_soap_session=\"abc\"; Path=/; HttpOnly\r\ncontent-length: {length}\r\n\r\n{text}"
            );
        }
        "CreateContainerView" => {
            let kind = asked
                .body
                .split("<type>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap();
            format!("<returnval type='ContainerView'>session[1]{kind}</returnval>")
        }
        _ => String::new(),
    };
    says(asked, out, &inside)
}

/// True for the first page of guests.
fn is_guests(asked: &Asked) -> bool {
    method(asked) == "RetrievePropertiesEx" && asked.body.contains("<type>VirtualMachine</type>")
}

struct Told {
    guests: Vec<String>,
    measured: Vec<String>,
    gaps: Vec<Gap>,
    state: CoverageState,
}

fn look(server: &Server) -> Told {
    look_for(server, Duration::from_secs(300), Budget::default())
}

fn look_for(server: &Server, limit: Duration, budget: Budget) -> Told {
    let (world, window) = machine(limit);
    let access = Access {
        kind: PlatformKind::Vsphere,
        url: server.url.clone(),
        logon: Logon::Password {
            user: "reader@vsphere.local".to_owned(),
            password: Zeroizing::new("a&b <c>".to_owned()),
        },
        trust: Trust::Nothing,
        own_certificate: None,
        ask_guests: false,
    };
    let mut source = HypervisorSource::new(world, vec![access]);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &budget, &mut recorder);
    let mut told = Told {
        guests: Vec::new(),
        measured: Vec::new(),
        gaps: Vec::new(),
        state: CoverageState::Partial,
    };
    for record in recorder.records {
        match record.said {
            Said::Saw(seen) => match seen.fact {
                Fact::Guest(guest) => told.guests.push(guest.key),
                Fact::Measurement(one) => {
                    told.measured
                        .push(format!("{} {} {}", one.subject, one.metric, one.value));
                }
                _ => {}
            },
            Said::Missed(gap) => told.gaps.push(gap),
            Said::Covered(coverage) => told.state = coverage.state,
        }
    }
    told
}

/// The only gap.
fn gap(told: &Told) -> &Gap {
    let [gap] = told.gaps.as_slice() else {
        panic!("{:?}", told.gaps)
    };
    gap
}

fn count(server: &Server, name: &str) -> usize {
    server
        .asked()
        .iter()
        .filter(|asked| method(asked) == name)
        .count()
}

#[test]
fn pages_follow_each_other_in_one_session_that_is_closed() {
    let server = Server::open(|asked, out| {
        let mut hundred = |from: usize, token: &str| {
            let all: String = (from..from + 100).map(guest).collect();
            page(asked, out, &format!("{token}{all}"))
        };
        match method(asked) {
            _ if is_guests(asked) => hundred(0, "<token>1 &lt;</token>"),
            "ContinueRetrievePropertiesEx" if asked.body.contains("<token>1 &lt;</token>") => {
                hundred(100, "<token>2</token>")
            }
            "ContinueRetrievePropertiesEx" => hundred(200, ""),
            _ => usual(asked, out),
        }
    });
    let told = look(&server);
    assert_eq!(
        (told.guests.len(), told.gaps.len(), told.state),
        (300, 0, CoverageState::Complete)
    );
    assert_eq!(
        (
            count(&server, "Login"),
            count(&server, "Logout"),
            server.connections()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        count(&server, "CreateContainerView"),
        count(&server, "DestroyView")
    );
    let asked = server.asked();
    let with_password: Vec<&Asked> = asked
        .iter()
        .filter(|one| one.body.contains("a&amp;b &lt;c&gt;"))
        .collect();
    assert_eq!(with_password.len(), 1);
    let after = asked
        .iter()
        .skip_while(|one| method(one) != "Login")
        .skip(1);
    for one in after {
        assert!(
            one.head
                .contains(&"cookie: vmware_soap_session=\"abc\"".to_owned()),
            "{one:?}"
        );
        assert!(
            one.head
                .contains(&"soapaction: urn:vim25/8.0.2.0".to_owned()),
            "{one:?}"
        );
    }
}

#[test]
fn nothing_is_asked_that_changes_anything() {
    let server = Server::open(usual);
    look(&server);
    let may = [
        "RetrieveServiceContent",
        "Login",
        "CreateContainerView",
        "RetrievePropertiesEx",
        "ContinueRetrievePropertiesEx",
        "DestroyView",
        "QueryPerf",
        "Logout",
    ];
    for asked in server.asked() {
        assert!(may.contains(&method(&asked)), "{asked:?}");
    }
}

#[test]
fn a_refused_log_on_is_not_tried_again() {
    let server = Server::open(|asked, out| match method(asked) {
        "Login" => fault(out, "InvalidLogin", ""),
        _ => usual(asked, out),
    });
    let told = look(&server);
    let gap = gap(&told);
    assert_eq!(
        (gap.reason.clone(), told.state),
        (Reason::PermissionDenied, CoverageState::Partial)
    );
    assert!(gap.remedy.is_some() && !gap.what.contains("a&b"));
    assert_eq!((count(&server, "Login"), count(&server, "Logout")), (1, 0));
}

/// A platform that forgets the session `times` times, in the middle of the guests.
fn forgetful(times: usize) -> Server {
    let ended = Arc::new(AtomicUsize::new(0));
    Server::open(move |asked, out| match method(asked) {
        _ if is_guests(asked) => {
            let all: String = (0..2).map(guest).collect();
            page(asked, out, &format!("<token>1</token>{all}"))
        }
        "ContinueRetrievePropertiesEx" => match ended.fetch_add(1, Ordering::SeqCst) < times {
            true => fault(out, "NotAuthenticated", ""),
            false => page(asked, out, &guest(2)),
        },
        _ => usual(asked, out),
    })
}

#[test]
fn a_session_that_ends_in_the_middle_is_opened_once_more_and_not_twice() {
    let server = forgetful(1);
    let told = look(&server);
    assert_eq!((told.gaps.len(), told.state), (0, CoverageState::Complete));
    assert_eq!(told.guests, ["vm-0", "vm-1", "vm-2"]);
    assert_eq!(count(&server, "Login"), 2);
    let server = forgetful(2);
    let told = look(&server);
    assert_eq!((told.gaps.len(), told.state), (1, CoverageState::Partial));
    assert_eq!(count(&server, "Login"), 2);
}

#[test]
fn what_was_deleted_while_it_was_read_does_not_end_the_rest() {
    let times = AtomicUsize::new(0);
    let server = Server::open(move |asked, out| match is_guests(asked) {
        true if times.fetch_add(1, Ordering::SeqCst) == 0 => fault(
            out,
            "ManagedObjectNotFound",
            "<obj type='VirtualMachine'>vm-9</obj>",
        ),
        true => page(asked, out, &guest(1)),
        false => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!(
        (told.guests.len(), told.gaps.len(), told.state),
        (1, 0, CoverageState::Complete)
    );
}

#[test]
fn a_property_that_a_version_does_not_have_is_left_out_of_the_question() {
    let server = Server::open(|asked, out| match is_guests(asked) {
        true if asked.body.contains("config.firmware") => {
            fault(out, "InvalidProperty", "<name>config.firmware</name>")
        }
        true => page(asked, out, &guest(1)),
        false => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!(
        (told.guests.len(), told.gaps.len(), told.state),
        (1, 0, CoverageState::Complete)
    );
}

#[test]
fn a_guest_whose_settings_nobody_can_read_is_not_gone() {
    let look_at = |state: &'static str| {
        let server = Server::open(move |asked, out| match is_guests(asked) {
            true => {
                let all = format!(
                    "{}<objects><obj type='VirtualMachine'>vm-2</obj><propSet><name>runtime.connectionState</name>\
                    <val>{state}</val></propSet></objects>",
                    guest(1)
                );
                let answer = format!("<returnval>{all}</returnval>");
                whole(out, "200 OK", &envelope("RetrievePropertiesEx", &answer))
            }
            false => usual(asked, out),
        });
        let told = look(&server);
        (told.guests, told.gaps.len(), told.state)
    };
    let (guests, gaps, state) = look_at("inaccessible");
    assert_eq!(
        (guests, gaps, state),
        (vec!["vm-1".to_owned()], 1, CoverageState::Partial)
    );
    let (guests, gaps, state) = look_at("disconnected");
    assert_eq!(
        (guests.len(), gaps, state),
        (2, 0, CoverageState::Complete),
        "its host is away, and the platform keeps its settings"
    );
}

#[test]
fn what_a_role_hides_is_one_gap_with_its_number() {
    let server = Server::open(|asked, out| match is_guests(asked) {
        true => {
            let mut all = String::new();
            for number in 0..5 {
                let _ = write!(
                    all,
                    "<objects><obj type='VirtualMachine'>vm-{number}</obj><missingSet><path>config.uuid</path><fault>\
                    <fault xsi:type='NoPermission'><privilegeId>System.Read</privilegeId></fault><localizedMessage/></fault></missingSet></objects>"
                );
            }
            page(asked, out, &all)
        }
        false => usual(asked, out),
    });
    let told = look(&server);
    assert_eq!((told.guests.len(), told.state), (5, CoverageState::Partial));
    let gap = gap(&told);
    assert_eq!(gap.reason, Reason::PermissionDenied);
    assert_eq!(
        gap.what,
        "config.uuid of 5 virtual machines is hidden from this account; it needs System.Read"
    );
}
