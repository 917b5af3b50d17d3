//! `delegation-crosses-waves`, `directory-binds-move`, `service-account-old-keys`

use groma_model::inventory::{Inventory, WaveEntry};

use crate::build::*;
use crate::{found, only};

fn wave(order: u32, state: &str, members: &[&str]) -> WaveEntry {
    WaveEntry {
        name: format!("wave {order}"),
        order,
        window: None,
        members: members.iter().map(|m| (*m).to_owned()).collect(),
        state: state.to_owned(),
        ..WaveEntry::default()
    }
}

pub(crate) mod delegation {
    use super::*;

    const CHECK: &str = "delegation-crosses-waves";

    fn with(waves: Vec<WaveEntry>) -> Inventory {
        let mut account = entity("account", "svc-till@corp.example");
        account.attributes.directory_objects = vec![directory_object(
            "service-account",
            "svc-till",
            &[
                ("servicePrincipalName", "HTTP/till1"),
                ("msDS-AllowedToDelegateTo", "MSSQLSvc/stock1:1433"),
            ],
        )];
        let all = vec![host("till1"), host("stock1"), account];
        let mut inventory = inventory(all, Vec::new());
        inventory.waves = waves;
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        with(vec![
            wave(1, "planned", &["till1"]),
            wave(2, "planned", &["stock1"]),
        ])
    }

    /// Both move together.
    pub(crate) fn negative() -> Inventory {
        with(vec![wave(1, "planned", &["till1", "stock1"])])
    }

    #[test]
    fn both_waves_are_named_and_one_that_stays_is_said_to() {
        let finding = only(CHECK, &positive());
        assert_eq!(
            finding.indicator,
            "till1 (wave 1) towards MSSQLSvc/stock1:1433 (stock1: wave 2)"
        );
        let stays = only(CHECK, &with(vec![wave(1, "ready", &["till1"])]));
        assert!(
            stays.indicator.contains("(stock1: stays)"),
            "{}",
            stays.indicator
        );
    }

    #[test]
    fn waves_that_have_moved_and_no_waves_cross_nothing() {
        assert!(found(CHECK, &with(vec![wave(1, "proven", &["till1"])])).is_empty());
        assert!(found(CHECK, &with(Vec::new())).is_empty());
    }
}

pub(crate) mod binds {
    use super::*;

    const CHECK: &str = "directory-binds-move";

    fn with(members: &[&str], state: &str) -> Inventory {
        let all = ["dc1", "app1", "mail1", "dc2"].map(host);
        let needs = vec![
            depends("app1", "ldap-bind", "dc1", 636),
            depends("mail1", "kerberos", "dc1", 88),
            depends("app1", "http", "dc1", 443),
        ];
        let mut inventory = inventory(all.into(), needs);
        inventory.waves = vec![wave(3, state, members)];
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        with(&["dc1", "mail1"], "planned")
    }

    /// Another controller moves.
    pub(crate) fn negative() -> Inventory {
        with(&["dc2"], "planned")
    }

    #[test]
    fn who_moves_along_keeps_its_server() {
        let finding = only(CHECK, &positive());
        assert_eq!(finding.indicator, "app1 (ldap-bind)");
        assert!(
            finding
                .risk
                .contains("logs on at dc1, which moves in wave 3"),
            "{}",
            finding.risk
        );
        let alone = only(CHECK, &with(&["dc1"], "ready"));
        assert_eq!(alone.indicator, "app1 (ldap-bind) and mail1 (kerberos)");
    }

    /// Two servers, in waves of their own, of which the first alone logs on at the second.
    fn servers(directories: [&str; 2], in_return: bool) -> Inventory {
        let server = |(name, directory): (&str, &str)| {
            let mut server = host(name);
            let mut object = directory_object("domain-controller", name, &[]);
            object.object.directory = directory.to_owned();
            server.attributes.directory_objects = vec![object];
            server
        };
        let all = ["ds1", "ds2"].into_iter().zip(directories).map(server);
        let mut needs = vec![depends("ds1", "ldap-bind", "ds2", 389)];
        if in_return {
            needs.push(depends("ds2", "kerberos", "ds1", 88));
        }
        let mut inventory = inventory(all.collect(), needs);
        inventory.waves = vec![wave(1, "planned", &["ds1"]), wave(2, "planned", &["ds2"])];
        inventory
    }

    #[test]
    fn replicas_are_moved_one_after_the_other() {
        let of_one = servers(["corp.example", "corp.example"], false);
        assert!(found(CHECK, &of_one).is_empty());
        // Those that no directory names call each other.
        let mut unnamed = servers(["", ""], true);
        for server in &mut unnamed.entities {
            server.attributes.directory_objects.clear();
        }
        assert!(found(CHECK, &unnamed).is_empty());
        // A server of another directory is a client like others.
        let trusting = servers(["corp.example", "lab.example"], false);
        assert_eq!(only(CHECK, &trusting).indicator, "ds1 (ldap-bind)");
    }

    #[test]
    fn what_has_moved_and_who_only_reads_a_page_is_silent() {
        assert!(found(CHECK, &with(&["dc1"], "moved")).is_empty());
        let mut pages = with(&["dc1"], "planned");
        pages.dependencies.retain(|d| d.kind == "http");
        assert!(found(CHECK, &pages).is_empty());
    }
}

pub(crate) mod keys {
    use super::*;

    const CHECK: &str = "service-account-old-keys";

    fn with(said: &[(&str, &str)]) -> Inventory {
        let mut account = entity("account", "svc-erp@corp.example");
        let mut object = directory_object("service-account", "svc-erp", said);
        let activity = object.object.attributes.get("activity").is_none();
        if activity {
            let active = vec!["active".to_owned()];
            object
                .object
                .attributes
                .insert("activity".to_owned(), active);
        }
        account.attributes.directory_objects = vec![object];
        inventory(vec![account], Vec::new())
    }

    pub(crate) fn positive() -> Inventory {
        with(&[("keys", "RC4"), ("password-age", "over-5-years-old")])
    }

    /// It takes the new kind.
    pub(crate) fn negative() -> Inventory {
        with(&[("keys", "AES")])
    }

    #[test]
    fn it_says_which_keys_and_how_old_the_password_is() {
        let finding = only(CHECK, &positive());
        assert_eq!(
            finding.indicator,
            "svc-erp (RC4, password over 5 years old)"
        );
    }

    #[test]
    fn who_says_nothing_or_is_not_used_is_silent() {
        for said in [
            vec![("password-age", "over-5-years-old")],
            vec![("keys", "RC4"), ("state", "disabled")],
            vec![("keys", "DES"), ("activity", "never")],
        ] {
            assert!(found(CHECK, &with(&said)).is_empty(), "{said:?}");
        }
    }
}
