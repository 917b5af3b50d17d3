//! Every check with its positive and its negative twin, one file per check.

mod build;

mod accounts;
mod address_literal;
mod attached_hardware;
mod backup_not_running;
mod certificate_expires_soon;
mod certificate_name_mismatch;
mod certificate_not_loaded;
mod certificate_weak;
mod cleartext_directory_bind;
mod cleartext_mail_submission;
mod cluster_without_headroom;
mod connector_relays_for_anybody;
mod data_without_backup;
mod delegation_crosses_systems;
mod directory_role;
mod dns_record_aged;
mod domain_controller_by_address;
mod domain_trust_unseen;
mod duplicate_archive;
mod hosts_file_override;
mod local_mail_archive;
mod mail_ledger;
mod mail_records;
mod mail_routes;
mod mail_sender_by_address;
mod mailboxes;
mod managed_account_hosts;
mod moves_together;
mod never_seen_alive;
mod nobody_seen_to_use;
mod one_host_key;
mod operating_system_end_of_life;
mod orphan_rights;
mod pinned_certificate;
mod private_key_readable;
mod protocol_outdated;
mod questions;
mod quiet;
mod quiet_machine_still_calls;
mod register;
mod registry;
mod remote_mount;
mod scanner_mail_unknown;
mod scheduled_only;
mod secret_in_file;
mod service_principal_names_host;
mod sign_in_moves;
mod single_point_of_need;
mod sole_watcher;
mod target_silent;
mod time_and_names;
mod trusted_authority;
mod unconstrained_delegation;
mod unresolvable_reference;
mod vm_move_blocked;
mod wave_questions;
mod waves_and_keys;

use groma_model::inventory::{Finding, Inventory};

/// What one check says about an inventory.
fn found(check: &str, inventory: &Inventory) -> Vec<Finding> {
    let all = groma_check::check(inventory, build::now());
    all.into_iter().filter(|f| f.check == check).collect()
}

/// The one thing a check says about an inventory.
fn only(check: &str, inventory: &Inventory) -> Finding {
    let findings = found(check, inventory);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.into_iter().next().expect("there is one")
}
