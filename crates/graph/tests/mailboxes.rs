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
fn boxes_of_one_name_on_two_servers_are_two() {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.1").host("mail2", "10.0.0.2");
    let may = |mailbox: &str, other: &str| {
        Fact::MailboxTie(MailboxTie {
            list: String::new(),
            at: Some("/var/vmail/info/Maildir".into()),
            mailbox: mailbox.into(),
            names: Vec::new(),
            other: other.into(),
            way: TieWay::Folder,
            rights: vec!["insert".to_owned()],
        })
    };
    for server in ["mail1", "mail2"] {
        told.say(server, "host.mailbox-rights", may("info", "anna"));
        // Its twin: the domain says that it is one, wherever it lies.
        let whole = may("info@corp.example", "anna@corp.example");
        told.say(server, "host.mailbox-rights", whole);
    }
    told.say(
        "list-1",
        "declared.list",
        tie("info", "anna", TieWay::FullAccess, &[]),
    );
    let ties = told.graph().mailbox_ties;
    let lists = |mailbox: &str| -> Vec<usize> {
        let rows = ties.iter().filter(|row| row.mailbox == mailbox);
        rows.map(|row| row.lists.len()).collect()
    };
    assert_eq!(lists("info"), [1, 1, 1]);
    assert_eq!(lists("info@corp.example"), [2]);
}

#[test]
fn a_group_is_no_person_of_its_name() {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.1");
    for other in ["sales", "@sales"] {
        let tie = Fact::MailboxTie(MailboxTie {
            list: String::new(),
            at: Some("/var/vmail/info/Maildir".into()),
            mailbox: "info".into(),
            names: Vec::new(),
            other: other.into(),
            way: TieWay::Folder,
            rights: vec!["insert".to_owned()],
        });
        told.say("mail1", "host.mailbox-rights", tie);
    }
    let ties = told.graph().mailbox_ties;
    let others: Vec<&str> = ties.iter().map(|row| row.other.as_str()).collect();
    assert_eq!(others, ["@sales", "sales"]);
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
