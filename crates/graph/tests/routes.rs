//! Where mail servers send mail on to becomes rows, and needs of the machine that hands it on.

mod common;

use common::*;
use groma_model::fact::*;
use groma_model::name::{Port, Transport};
use groma_model::{Fact, HostName, Peer, Witness};

fn route(rule: RouteRule, to: RouteTarget) -> Fact {
    Fact::MailRoute(MailRoute {
        rule,
        product: "Postfix".to_owned(),
        from: Some("partner.example".to_owned()),
        to,
        file: "/etc/postfix/transport".into(),
        key: "transport_maps".to_owned(),
        line: 3,
        entries: 1,
    })
}

fn host(peer: &str, port: u16) -> RouteTarget {
    RouteTarget::Host {
        peer: Peer::parse(peer).expect("a test says it right"),
        port: Some(Port(port)),
    }
}

fn told(facts: Vec<Fact>) -> Told {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.1").host("gate1", "10.0.0.2");
    for fact in facts {
        let source = match fact {
            Fact::Reference(_) => "written.config",
            _ => "host.mail-routes",
        };
        told.say("mail1", source, fact);
    }
    told
}

#[test]
fn a_transport_is_a_row_and_a_need_of_its_next_hop_with_file_and_line() {
    let graph = told(vec![route(RouteRule::Transport, host("10.0.0.2", 2525))]).graph();
    assert_eq!(graph.mail_routes.len(), 1);
    assert!(graph.mail_routes[0].next.is_some());
    let [need] = graph.dependencies.as_slice() else {
        panic!("{:#?}", graph.dependencies)
    };
    assert_eq!(
        (
            need.kind.as_str(),
            need.provider.port,
            need.provider.name.as_str()
        ),
        ("smtp-relay", Some(Port(2525)), "gate1")
    );
    assert_eq!(need.witnesses, [Witness::Written]);
    assert_eq!(need.details.written_in, ["/etc/postfix/transport:3"]);
}

#[test]
fn what_a_file_of_settings_states_already_stands_once() {
    let reference = Fact::Reference(Reference {
        rule: "postfix-transport".to_owned(),
        file: "/etc/postfix/transport".into(),
        line: 3,
        key: "column 2".to_owned(),
        peer: Peer::parse("10.0.0.2").expect("an address"),
        port: Some(Port(2525)),
        transport: Transport::Tcp,
        kind: "smtp-relay".to_owned(),
        component: Component {
            class: ComponentClass::Unit,
            name: "postfix.service".into(),
        },
        resource: None,
        account: None,
        protection: None,
        mechanism: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    });
    let routed = route(RouteRule::Transport, host("10.0.0.2", 2525));
    let graph = told(vec![routed, reference]).graph();
    assert_eq!(graph.dependencies.len(), 1, "{:#?}", graph.dependencies);
    assert_eq!(graph.dependencies[0].evidence.len(), 2);
}

#[test]
fn what_stays_here_leads_to_a_domain_or_asks_a_list_is_no_need() {
    let domain = HostName::parse("example.net").expect("a name");
    let graph = told(vec![
        route(RouteRule::Takes, RouteTarget::Here),
        route(RouteRule::Filter, host("127.0.0.1", 10024)),
        route(
            RouteRule::Alias,
            RouteTarget::Domain {
                domain: domain.clone(),
            },
        ),
        route(RouteRule::BlockList, RouteTarget::Domain { domain }),
        route(RouteRule::Lookup, host("10.0.0.2", 389)),
    ])
    .graph();
    assert_eq!(graph.mail_routes.len(), 5);
    assert!(graph.dependencies.is_empty(), "{:#?}", graph.dependencies);
}

/// The mail server's rule joined whoever happened to be seen calling there.
#[test]
fn another_program_that_mails_through_the_same_server_is_not_the_mail_server() {
    let relay = || told(vec![route(RouteRule::Relay, host("10.0.0.2", 25))]);
    let mut both = relay();
    both.calls(
        "mail1",
        "10.0.0.2",
        25,
        unit("/usr/bin/msmtp", "cron.service"),
    );
    let graph = both.graph();
    let names = graph.dependencies.iter().map(|d| &d.consumer.component);
    let mut names: Vec<_> = names.map(|c| c.name.lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["/usr/bin/msmtp", "postfix.service"]);
    assert!(graph.dependencies.iter().all(|d| d.evidence.len() == 1));
    // What its log says it did, it did itself.
    let sent = LoggedUse {
        direction: Direction::Outgoing,
        kind: "smtp-relay".to_owned(),
        peer: ip("10.0.0.2"),
        name: None,
        port: Some(Port(25)),
        transport: Transport::Tcp,
        product: "Postfix".to_owned(),
        account: None,
        mechanism: None,
        program: None,
        share: None,
        protection: None,
        log: "/var/log/mail.log".into(),
    };
    both.say("mail1", "log.services", Fact::LoggedUse(sent.clone()));
    let graph = both.graph();
    let of_log = graph.dependencies.iter();
    let of_log = of_log.filter(|d| d.witnesses.contains(&Witness::History));
    let of_log: Vec<_> = of_log.map(|d| d.consumer.component.name.lossy()).collect();
    assert_eq!(of_log, ["postfix.service"]);
    // What the other end tells beside it is as ever of whoever was seen.
    let taken = LoggedUse {
        direction: Direction::Incoming,
        peer: ip("10.0.0.1"),
        ..sent
    };
    both.say("gate1", "log.services", Fact::LoggedUse(taken));
    let graph = both.graph();
    let all = graph.dependencies.iter();
    let all: Vec<_> = all
        .map(|d| (d.witnesses.contains(&Witness::History), d.evidence.len()))
        .collect();
    assert_eq!(
        all,
        [(true, 2), (true, 2)],
        "each has its own log, and no other's"
    );
    // Its own call is its own.
    let mut own = relay();
    let program = unit("/usr/lib/postfix/sbin/smtp", "postfix@-.service");
    own.calls("mail1", "10.0.0.2", 25, program);
    let edge = own.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
}
