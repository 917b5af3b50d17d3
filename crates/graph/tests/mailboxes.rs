//! Lists of mailbox rights become one row for each two, and no machine.

mod common;

use common::Told;
use groma_model::fact::*;
use groma_model::mailbox::TieWay;

fn tie(mailbox: &str, other: &str, way: TieWay, rights: &[&str]) -> Fact {
    Fact::MailboxTie(MailboxTie {
        list: "rights.csv".into(),
        at: None,
        mailbox: mailbox.into(),
        names: Vec::new(),
        other: other.into(),
        way,
        rights: rights.iter().map(|r| (*r).to_owned()).collect(),
    })
}

#[test]
fn what_a_mail_server_says_of_its_mailboxes_is_its_own_word() {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.1");
    let file = Fact::MailboxTie(MailboxTie {
        list: String::new(),
        at: Some("/var/vmail/corp.example/info/Maildir".into()),
        mailbox: "info@corp.example".into(),
        names: Vec::new(),
        other: "anna@corp.example".into(),
        way: TieWay::Folder,
        rights: vec!["read".to_owned()],
    });
    told.say("mail1", "host.mailbox-rights", file);
    let (graph, entities) = told.graph_and_entities();
    assert!(entities.iter().all(|e| e.kind != "list"));
    let [row] = graph.mailbox_ties.as_slice() else {
        panic!("{:?}", graph.mailbox_ties)
    };
    let by = entities.iter().find(|e| row.lists == [e.id.clone()]);
    assert_eq!(by.expect("the server itself").name, "mail1");
}

#[test]
fn two_spellings_and_two_ways_are_one_row_of_one_list() {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.1");
    for fact in [
        tie(
            "corp.example/Users/Info",
            "CORP\\anna",
            TieWay::FullAccess,
            &[],
        ),
        tie("info", "Anna", TieWay::Calendar, &["Editor"]),
        tie("info", "bert", TieWay::SendAs, &[]),
    ] {
        told.say("list-1", "declared.list", fact);
    }
    let (graph, entities) = told.graph_and_entities();
    let rows: Vec<String> = graph
        .mailbox_ties
        .iter()
        .map(|row| {
            format!(
                "{} {} {:?} {:?}",
                row.mailbox, row.other, row.ways, row.rights
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "corp.example/Users/Info Anna [FullAccess, Calendar] [\"Editor\"]",
            "info bert [SendAs] []"
        ]
    );
    let kinds: Vec<&str> = entities.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "list").count(), 1);
    assert_eq!(kinds.len(), 2, "people are no machines: {kinds:?}");
    for row in &graph.mailbox_ties {
        assert!(entities.iter().any(|e| row.lists == [e.id.clone()]));
        assert!(
            row.evidence
                .iter()
                .all(|id| graph.evidence.iter().any(|e| e.id == *id))
        );
    }
    assert_eq!(graph.dependencies, []);
}
