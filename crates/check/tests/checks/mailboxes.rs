//! `mailboxes-tied`, `mail-handed-on-outside`

use groma_model::EvidenceId;
use groma_model::inventory::Inventory;
use groma_model::mailbox::{MailboxTieEntry, TieWay};

use crate::build::*;
use crate::{found, only};

fn tie(mailbox: &str, other: &str, way: TieWay, rights: &[&str]) -> MailboxTieEntry {
    MailboxTieEntry {
        mailbox: mailbox.to_owned(),
        names: Vec::new(),
        other: other.to_owned(),
        ways: vec![way],
        rights: rights.iter().map(|r| (*r).to_owned()).collect(),
        lists: vec![id("rights.csv")],
        evidence: vec![EvidenceId::of(&["tie", mailbox, other])],
    }
}

fn with(ties: Vec<MailboxTieEntry>) -> Inventory {
    let mut inventory = inventory(
        vec![host("mail1"), entity("list", "rights.csv")],
        Vec::new(),
    );
    inventory.mailbox_ties = ties;
    inventory
}

pub(crate) mod tied {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        let mut info = tie("info@corp.example", "CORP\\anna", TieWay::FullAccess, &[]);
        info.names = vec!["info".to_owned()];
        with(vec![
            info,
            tie("chef@corp.example", "Anna", TieWay::Calendar, &["Editor"]),
            tie("corp.example/Users/Info", "bert", TieWay::SendAs, &[]),
            tie("desk@corp.example", "dora", TieWay::SendOnBehalf, &[]),
        ])
    }

    pub(crate) fn negative() -> Inventory {
        // A calendar that is read, one that everybody may keep, and mail that is handed on.
        with(vec![
            tie("chef@corp.example", "anna", TieWay::Calendar, &["Reviewer"]),
            tie(
                "room1@corp.example",
                "everybody",
                TieWay::Calendar,
                &["Editor"],
            ),
            tie(
                "info@corp.example",
                "bert@corp.example",
                TieWay::Forward,
                &["redirect"],
            ),
        ])
    }

    #[test]
    fn people_of_one_display_name_are_not_one_mailbox() {
        let named = |mailbox: &str, other: &str, names: &[&str]| {
            let mut tie = tie(mailbox, other, TieWay::FullAccess, &[]);
            tie.names = names.iter().map(|n| (*n).to_owned()).collect();
            tie
        };
        let groups = |ties: Vec<MailboxTieEntry>| {
            let risk = only("mailboxes-tied", &with(ties)).risk;
            risk.split(' ').next().map(str::to_owned)
        };
        let two = vec![
            named("anna1@corp.example", "bert", &["Anna Berg"]),
            named("anna2@corp.example", "carla", &["Anna Berg"]),
        ];
        assert_eq!(groups(two).as_deref(), Some("2"));
        let one = vec![
            named("anna1@corp.example", "bert", &["Anna Berg"]),
            named(
                "anna2@corp.example",
                "carla",
                &["Anna Berg", "anna1@corp.example"],
            ),
        ];
        assert_eq!(groups(one).as_deref(), Some("1"));
    }

    #[test]
    fn people_of_two_servers_that_have_one_name_do_not_belong_together() {
        let groups = |one: &str, two: &str| {
            let on = |server: &str, mailbox: &str, other: &str| MailboxTieEntry {
                lists: vec![id(server)],
                ..tie(mailbox, other, TieWay::Folder, &["insert"])
            };
            let mut inventory = with(vec![
                on("mail1", one, "anna"),
                on("mail1", one, "bert"),
                on("mail2", two, "carla"),
                tie("info", "dora", TieWay::FullAccess, &[]),
            ]);
            inventory.entities.push(host("mail2"));
            let risk = only("mailboxes-tied", &inventory).risk;
            risk.split(' ').next().map(str::to_owned)
        };
        assert_eq!(groups("info", "info").as_deref(), Some("3"));
        // Its twin: one mailbox of one domain, on both.
        let whole = "info@corp.example";
        assert_eq!(groups(whole, whole).as_deref(), Some("2"));
    }

    #[test]
    fn whoever_is_tied_to_one_of_a_group_belongs_to_it() {
        let finding = only("mailboxes-tied", &positive());
        assert!(
            finding
                .risk
                .starts_with("2 groups of mailboxes must move together"),
            "{}",
            finding.risk
        );
        assert_eq!(
            finding.indicator,
            "4 ties, the largest of 4: CORP\\anna, bert, chef@corp.example and info@corp.example; desk@corp.example and dora (as rights.csv says)"
        );
    }
}

pub(crate) mod outside {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with(vec![
            tie(
                "info@corp.example",
                "desk@elsewhere.example",
                TieWay::Forward,
                &["redirect"],
            ),
            tie(
                "chef@corp.example",
                "chef@sub.corp.example",
                TieWay::Forward,
                &["forward"],
            ),
        ])
    }

    pub(crate) fn negative() -> Inventory {
        with(vec![
            tie(
                "info@corp.example",
                "bert@corp.example",
                TieWay::Forward,
                &["redirect"],
            ),
            tie("info@corp.example", "bert", TieWay::Forward, &["redirect"]),
            tie(
                "info@corp.example",
                "eve@elsewhere.example",
                TieWay::Calendar,
                &["Reviewer"],
            ),
        ])
    }

    #[test]
    fn it_names_the_mailbox_and_the_domain() {
        let finding = only("mail-handed-on-outside", &positive());
        assert_eq!(
            finding.indicator,
            "from info@corp.example to elsewhere.example (1)"
        );
    }

    #[test]
    fn where_nobody_says_what_is_inside_nobody_is_judged() {
        let unknown = with(vec![tie(
            "info",
            "desk@elsewhere.example",
            TieWay::Forward,
            &["redirect"],
        )]);
        assert_eq!(found("mail-handed-on-outside", &unknown), []);
    }
}
