//! What holds for every check alike.

use std::collections::BTreeSet;

use groma_model::inventory::Inventory;
use proptest::prelude::*;

use crate::build::*;
use crate::*;

/// An inventory in which the check finds something, and one that differs in what matters only.
fn twins() -> Vec<(&'static str, Inventory, Inventory)> {
    vec![
        (
            "connector-relays-for-anybody",
            connector_relays_for_anybody::positive(),
            connector_relays_for_anybody::negative(),
        ),
        (
            "delegation-crosses-systems",
            delegation_crosses_systems::positive(),
            delegation_crosses_systems::negative(),
        ),
        (
            "delegation-crosses-waves",
            waves_and_keys::delegation::positive(),
            waves_and_keys::delegation::negative(),
        ),
        (
            "directory-binds-move",
            waves_and_keys::binds::positive(),
            waves_and_keys::binds::negative(),
        ),
        (
            "cluster-without-headroom",
            cluster_without_headroom::positive(),
            cluster_without_headroom::negative(),
        ),
        (
            "vm-move-blocked",
            vm_move_blocked::positive(),
            vm_move_blocked::negative(),
        ),
        (
            "protocol-outdated",
            protocol_outdated::positive(),
            protocol_outdated::negative(),
        ),
        (
            "one-host-key",
            one_host_key::positive(),
            one_host_key::negative(),
        ),
        (
            "scanner-mail-unknown",
            scanner_mail_unknown::positive(),
            scanner_mail_unknown::negative(),
        ),
        (
            "service-account-old-keys",
            waves_and_keys::keys::positive(),
            waves_and_keys::keys::negative(),
        ),
        (
            "dns-record-aged",
            dns_record_aged::positive(),
            dns_record_aged::negative(),
        ),
        (
            "domain-controller-by-address",
            domain_controller_by_address::positive(),
            domain_controller_by_address::negative(),
        ),
        (
            "domain-trust-unseen",
            domain_trust_unseen::positive(),
            domain_trust_unseen::negative(),
        ),
        (
            "managed-account-hosts",
            managed_account_hosts::positive(),
            managed_account_hosts::negative(),
        ),
        (
            "quiet-machine-still-calls",
            quiet_machine_still_calls::positive(),
            quiet_machine_still_calls::negative(),
        ),
        (
            "service-principal-names-host",
            service_principal_names_host::positive(),
            service_principal_names_host::negative(),
        ),
        (
            "anonymous-directory-bind",
            accounts::anonymous::positive(),
            accounts::anonymous::negative(),
        ),
        (
            "mail-handed-on-outside",
            mailboxes::outside::positive(),
            mailboxes::outside::negative(),
        ),
        (
            "mail-name-certificate",
            mail_records::name_certificate::positive(),
            mail_records::name_certificate::negative(),
        ),
        (
            "mailboxes-tied",
            mailboxes::tied::positive(),
            mailboxes::tied::negative(),
        ),
        (
            "ntlm-client",
            accounts::ntlm::positive(),
            accounts::ntlm::negative(),
        ),
        (
            "service-account-interactive",
            accounts::interactive::positive(),
            accounts::interactive::negative(),
        ),
        (
            "shared-account",
            accounts::shared::positive(),
            accounts::shared::negative(),
        ),
        (
            "sign-in-moves",
            sign_in_moves::positive(),
            sign_in_moves::negative(),
        ),
        (
            "address-literal",
            address_literal::positive(),
            address_literal::negative(),
        ),
        (
            "clients-without-agent",
            time_and_names::clients::positive(),
            time_and_names::clients::negative(),
        ),
        (
            "controller-gives-time",
            time_and_names::controller::positive(),
            time_and_names::controller::negative(),
        ),
        (
            "hidden-primary",
            time_and_names::primary::positive(),
            time_and_names::primary::negative(),
        ),
        (
            "sole-resolver",
            time_and_names::resolver::positive(),
            time_and_names::resolver::negative(),
        ),
        (
            "sole-time-source",
            time_and_names::time::positive(),
            time_and_names::time::negative(),
        ),
        (
            "stale-record",
            time_and_names::stale::positive(),
            time_and_names::stale::negative(),
        ),
        (
            "wildcard-record",
            time_and_names::wildcard::positive(),
            time_and_names::wildcard::negative(),
        ),
        (
            "attached-hardware",
            attached_hardware::positive(),
            attached_hardware::negative(),
        ),
        (
            "backup-not-running",
            backup_not_running::positive(),
            backup_not_running::negative(),
        ),
        (
            "data-without-backup",
            data_without_backup::positive(),
            data_without_backup::negative(),
        ),
        (
            "certificate-not-loaded",
            certificate_not_loaded::positive(),
            certificate_not_loaded::negative(),
        ),
        (
            "duplicate-archive",
            duplicate_archive::positive(),
            duplicate_archive::negative(),
        ),
        (
            "orphan-rights",
            orphan_rights::positive(),
            orphan_rights::negative(),
        ),
        (
            "mail-logon-in-clear",
            mail_ledger::in_clear::positive(),
            mail_ledger::in_clear::negative(),
        ),
        (
            "mail-relay-by-address",
            mail_ledger::by_address::positive(),
            mail_ledger::by_address::negative(),
        ),
        (
            "mail-relay-moves",
            mail_ledger::moves::positive(),
            mail_ledger::moves::negative(),
        ),
        (
            "mail-relay-open-range",
            mail_ledger::open_range::positive(),
            mail_ledger::open_range::negative(),
        ),
        (
            "mail-sender-refused",
            mail_ledger::refused::positive(),
            mail_ledger::refused::negative(),
        ),
        (
            "mail-tls-outdated",
            mail_ledger::tls_outdated::positive(),
            mail_ledger::tls_outdated::negative(),
        ),
        (
            "mail-record-names-host",
            mail_records::names_host::positive(),
            mail_records::names_host::negative(),
        ),
        (
            "service-record-names-host",
            mail_records::service_names_host::positive(),
            mail_records::service_names_host::negative(),
        ),
        (
            "mail-views-differ",
            mail_records::views::positive(),
            mail_records::views::negative(),
        ),
        (
            "spf-fault",
            mail_records::too_long::positive(),
            mail_records::too_long::negative(),
        ),
        (
            "mail-forwarded-outside",
            mail_routes::outside::positive(),
            mail_routes::outside::negative(),
        ),
        (
            "mail-copied-to-archive",
            mail_routes::archive::positive(),
            mail_routes::archive::negative(),
        ),
        (
            "mail-runs-program",
            mail_routes::program::positive(),
            mail_routes::program::negative(),
        ),
        (
            "mail-route-to-leaving",
            mail_routes::leaving::positive(),
            mail_routes::leaving::negative(),
        ),
        (
            "dkim-key-missing",
            mail_records::key::positive(),
            mail_records::key::negative(),
        ),
        (
            "mail-reverse-fault",
            mail_records::reverse::positive(),
            mail_records::reverse::negative(),
        ),
        (
            "mail-signed-on-host",
            mail_records::signed::positive(),
            mail_records::signed::negative(),
        ),
        (
            "ttl-too-long",
            mail_records::ttl::positive(),
            mail_records::ttl::negative(),
        ),
        (
            "directory-role",
            directory_role::positive(),
            directory_role::negative(),
        ),
        (
            "mail-sender-by-address",
            mail_sender_by_address::positive(),
            mail_sender_by_address::negative(),
        ),
        (
            "unconstrained-delegation",
            unconstrained_delegation::positive(),
            unconstrained_delegation::negative(),
        ),
        (
            "sole-watcher",
            sole_watcher::positive(),
            sole_watcher::negative(),
        ),
        (
            "local-mail-archive",
            local_mail_archive::positive(),
            local_mail_archive::negative(),
        ),
        (
            "certificate-expires-soon",
            certificate_expires_soon::positive(),
            certificate_expires_soon::negative(),
        ),
        (
            "certificate-name-mismatch",
            certificate_name_mismatch::positive(),
            certificate_name_mismatch::negative(),
        ),
        (
            "certificate-weak",
            certificate_weak::positive(),
            certificate_weak::negative(),
        ),
        (
            "cleartext-directory-bind",
            cleartext_directory_bind::positive(),
            cleartext_directory_bind::negative(),
        ),
        (
            "cleartext-mail-submission",
            cleartext_mail_submission::positive(),
            cleartext_mail_submission::negative(),
        ),
        (
            "hosts-file-override",
            hosts_file_override::positive(),
            hosts_file_override::negative(),
        ),
        (
            "never-seen-alive",
            never_seen_alive::positive(),
            never_seen_alive::negative(),
        ),
        (
            "operating-system-end-of-life",
            operating_system_end_of_life::positive(),
            operating_system_end_of_life::negative(),
        ),
        (
            "nobody-seen-to-use",
            nobody_seen_to_use::positive(),
            nobody_seen_to_use::negative(),
        ),
        (
            "pinned-certificate",
            pinned_certificate::positive(),
            pinned_certificate::negative(),
        ),
        (
            "private-key-readable",
            private_key_readable::positive(),
            private_key_readable::negative(),
        ),
        (
            "remote-mount",
            remote_mount::positive(),
            remote_mount::negative(),
        ),
        (
            "scheduled-only",
            scheduled_only::positive(),
            scheduled_only::negative(),
        ),
        (
            "secret-in-file",
            secret_in_file::positive(),
            secret_in_file::negative(),
        ),
        (
            "single-point-of-need",
            single_point_of_need::positive(),
            single_point_of_need::negative(),
        ),
        (
            "target-silent",
            target_silent::positive(),
            target_silent::negative(),
        ),
        (
            "trusted-authority",
            trusted_authority::positive(),
            trusted_authority::negative(),
        ),
        (
            "unresolvable-reference",
            unresolvable_reference::positive(),
            unresolvable_reference::negative(),
        ),
    ]
}

#[test]
fn every_check_speaks_for_its_positive_twin_and_is_silent_for_its_negative_one() {
    let tested: BTreeSet<&str> = twins().iter().map(|(name, ..)| *name).collect();
    let all: BTreeSet<&str> = groma_check::all().iter().map(|c| c.name()).collect();
    assert_eq!(tested, all);
    for (name, positive, negative) in twins() {
        assert!(
            !found(name, &positive).is_empty(),
            "{name} misses its positive twin"
        );
        assert!(
            found(name, &negative).is_empty(),
            "{name} speaks for its negative twin: {:#?}",
            found(name, &negative)
        );
    }
}

#[test]
fn every_check_has_a_heading_in_the_documentation_that_says_three_things() {
    let text = include_str!("../../../../docs/reference/checks.md");
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("## `")?.strip_suffix('`'))
        .collect();
    // Circles come from the graph, so this one is not asked like the others.
    let mut names: Vec<&str> = groma_check::all().iter().map(|c| c.name()).collect();
    names.push("moves-together");
    names.sort_unstable();
    assert_eq!(
        headings, names,
        "one heading per check, in the order of the registry"
    );
    for section in text.split("\n## `").skip(1) {
        let name = section.split('`').next().unwrap_or_default();
        for said in ["**Says**", "**Is silent**", "**What to do**"] {
            assert!(section.contains(said), "{name} lacks {said}");
        }
    }
}

#[test]
fn a_finding_fills_every_field_of_the_risk_table() {
    for (name, positive, _) in twins() {
        for finding in found(name, &positive) {
            let texts = [&finding.risk, &finding.indicator, &finding.impact];
            assert!(
                texts.iter().all(|t| !t.is_empty() && !t.contains("  ")),
                "{finding:#?}"
            );
            assert!(
                finding.risk.ends_with('.') && finding.impact.ends_with('.'),
                "{finding:#?}"
            );
            assert!(
                !finding.mitigations.is_empty() && !finding.subjects.is_empty(),
                "{finding:#?}"
            );
            assert!(!finding.evidence.is_empty(), "{finding:#?}");
            let known = |id: &String| {
                positive.entities.iter().any(|e| e.id.as_str() == id)
                    || positive.dependencies.iter().any(|d| d.id.as_str() == id)
            };
            assert!(finding.subjects.iter().all(known), "{finding:#?}");
        }
    }
}

#[test]
fn what_a_person_judged_wrong_does_not_exist_for_any_check() {
    for (name, mut positive, _) in twins() {
        if matches!(
            name,
            "anonymous-directory-bind"
                | "attached-hardware"
                | "backup-not-running"
                | "clients-without-agent"
                | "hidden-primary"
                | "stale-record"
                | "wildcard-record"
                | "certificate-expires-soon"
                | "certificate-not-loaded"
                | "certificate-weak"
                | "data-without-backup"
                | "directory-role"
                | "duplicate-archive"
                | "local-mail-archive"
                | "mail-copied-to-archive"
                | "mail-forwarded-outside"
                | "mail-handed-on-outside"
                | "mail-logon-in-clear"
                | "mail-name-certificate"
                | "mail-record-names-host"
                | "service-record-names-host"
                | "dkim-key-missing"
                | "mail-relay-by-address"
                | "mail-relay-moves"
                | "mail-relay-open-range"
                | "mail-reverse-fault"
                | "mail-route-to-leaving"
                | "mail-runs-program"
                | "mail-sender-refused"
                | "mail-signed-on-host"
                | "mail-tls-outdated"
                | "mail-views-differ"
                | "mailboxes-tied"
                | "nobody-seen-to-use"
                | "ntlm-client"
                | "one-host-key"
                | "operating-system-end-of-life"
                | "orphan-rights"
                | "pinned-certificate"
                | "private-key-readable"
                | "protocol-outdated"
                | "scanner-mail-unknown"
                | "sign-in-moves"
                | "sole-watcher"
                | "spf-fault"
                | "trusted-authority"
                | "ttl-too-long"
                | "unconstrained-delegation"
                | "vm-move-blocked"
                | "cluster-without-headroom"
                | "connector-relays-for-anybody"
                | "delegation-crosses-systems"
                | "delegation-crosses-waves"
                | "service-account-old-keys"
                | "dns-record-aged"
                | "domain-trust-unseen"
                | "managed-account-hosts"
                | "quiet-machine-still-calls"
                | "service-principal-names-host"
        ) {
            continue; // these speak about things, not about dependencies
        }
        positive
            .dependencies
            .iter_mut()
            .for_each(|d| d.verdict = wrong());
        assert!(found(name, &positive).is_empty(), "{name}");
    }
}

#[test]
fn a_finding_keeps_its_id_when_one_more_host_joins() {
    let literal = |name: &str| {
        with(depends(name, "sql", "10.0.0.9", 5432), |d| {
            d.reached_by = Some(groma_model::inventory::ReachedBy::AddressLiteral)
        })
    };
    let hosts = vec![host("app1"), host("app2"), entity("host", "10.0.0.9")];
    let before = only(
        "address-literal",
        &inventory(hosts.clone(), vec![literal("app1")]),
    );
    let after = only(
        "address-literal",
        &inventory(hosts, vec![literal("app1"), literal("app2")]),
    );
    assert_eq!(before.id, after.id);
    assert_ne!(before.subjects, after.subjects);
}

#[test]
fn the_gravest_come_first() {
    let mut all = positive_of_everything();
    all.generated_at = now();
    let severities: Vec<_> = groma_check::check(&all, now())
        .into_iter()
        .map(|f| (f.severity, f.id))
        .collect();
    let mut sorted = severities.clone();
    sorted.sort();
    assert_eq!(severities, sorted);
    assert!(severities.len() > 10, "{}", severities.len());
}

fn positive_of_everything() -> Inventory {
    let mut all = inventory(Vec::new(), Vec::new());
    for (_, positive, _) in twins() {
        all.entities.extend(positive.entities);
        all.dependencies.extend(positive.dependencies);
        all.listeners.extend(positive.listeners);
        all.coverage.extend(positive.coverage);
    }
    all.entities.sort_by(|a, b| a.id.cmp(&b.id));
    all.entities.dedup_by(|a, b| a.id == b.id);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_the_inventory_does_not_matter(seed in any::<u64>()) {
        let all = positive_of_everything();
        let mut shuffled = all.clone();
        let mut chance = groma_fuzz::Chance::new(seed);
        shuffle(&mut chance, &mut shuffled.dependencies);
        shuffle(&mut chance, &mut shuffled.listeners);
        shuffle(&mut chance, &mut shuffled.coverage);
        prop_assert_eq!(groma_check::check(&all, now()), groma_check::check(&shuffled, now()));
        prop_assert_eq!(groma_check::questions(&all), groma_check::questions(&shuffled));
    }
}

fn shuffle<T>(chance: &mut groma_fuzz::Chance, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, chance.below(at + 1));
    }
}

/// Every positive twin of every check, `times` over: an estate of as many sites that know nothing of each other.
fn estate(times: usize) -> Inventory {
    let mut all = inventory(Vec::new(), Vec::new());
    for (at, (_, positive, _)) in twins().into_iter().enumerate() {
        let text = serde_json::to_string(&positive).expect("it is plain");
        for copy in 0..times {
            let own = |mark: &str| text_of(mark, at, copy);
            // Machines that a check knows by their short names alone: nobody's where several have one.
            let text = ["vault1", "portal1", "till1", "stock1", "app7", "APP7"]
                .iter()
                .fold(text.clone(), |text, name| {
                    text.replace(name, &format!("{name}{copy}"))
                });
            let text = text
                .replace("\"ent-", &own("\"ent-"))
                .replace("\"dep-", &own("\"dep-"))
                .replace("\"sha256\":\"", &own("\"sha256\":\""));
            take(
                &mut all,
                serde_json::from_str(&text).expect("only ids changed"),
            );
        }
    }
    all.entities.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn text_of(mark: &str, at: usize, copy: usize) -> String {
    format!("{mark}{at}x{copy}-")
}

fn take(all: &mut Inventory, one: Inventory) {
    all.entities.extend(one.entities);
    all.dependencies.extend(one.dependencies);
    all.listeners.extend(one.listeners);
    all.coverage.extend(one.coverage);
    all.systems.extend(one.systems);
    all.volumes.extend(one.volumes);
    all.measurements.extend(one.measurements);
    all.rights.extend(one.rights);
    all.backups.extend(one.backups);
    all.watching.extend(one.watching);
    all.mail_records.extend(one.mail_records);
    all.zone_records.extend(one.zone_records);
    all.ledger.extend(one.ledger);
    all.mailbox_ties.extend(one.mailbox_ties);
    all.relying_parties.extend(one.relying_parties);
    all.mail_routes.extend(one.mail_routes);
    all.mail_ledger.extend(one.mail_ledger);
    all.mail_servers.extend(one.mail_servers);
    all.devices.extend(one.devices);
    all.guests.extend(one.guests);
    all.waves.extend(one.waves);
    all.evidence.extend(one.evidence);
}

/// Rows each check walked through in an estate, and what it found.
fn rows_walked(estate: &Inventory) -> Vec<(&'static str, u64, usize)> {
    let view = groma_check::View::new(estate, now());
    let walk = |check: &&'static dyn groma_check::Check| {
        let before = view.rows_walked();
        let found = check.look(&view).len();
        (check.name(), view.rows_walked() - before, found)
    };
    groma_check::all().iter().map(walk).collect()
}

/// Work is counted, not time: what walks a whole list for each of its findings walks four times as far in twice the estate.
#[test]
fn no_check_walks_farther_than_the_estate_grows() {
    let (small, large) = (estate(20), estate(40));
    let grown = rows_walked(&small).into_iter().zip(rows_walked(&large));
    for ((name, rows, found), (_, more_rows, more_found)) in grown {
        assert!(
            rows > 0 && found > 0,
            "{name} was not tried: {rows} rows, {found} found"
        );
        assert!(
            more_found <= 2 * found,
            "{name} found {found}, then {more_found}"
        );
        assert!(
            more_rows * 10 <= rows * 22,
            "{name} walked {rows} rows, and {more_rows} in twice the estate"
        );
    }
}

#[test]
fn circles_cost_what_their_members_need() {
    let circles = |times: usize| {
        let names = (0..times).map(|at| [format!("a{at}"), format!("b{at}")]);
        let pairs: Vec<[String; 2]> = names.collect();
        let entities = pairs.iter().flatten().map(|name| host(name)).collect();
        let needs = pairs
            .iter()
            .flat_map(|[a, b]| [depends(a, "http", b, 443), depends(b, "http", a, 443)]);
        let estate = inventory(entities, needs.collect());
        let view = groma_check::View::new(&estate, now());
        let cycles: Vec<_> = pairs.iter().map(|[a, b]| vec![id(a), id(b)]).collect();
        let findings = groma_check::moves_together_in(&view, &cycles);
        assert_eq!(findings.len(), times);
        view.rows_walked()
    };
    let (rows, more_rows) = (circles(50), circles(100));
    assert!(more_rows * 10 <= rows * 22, "{rows} rows, then {more_rows}");
}
