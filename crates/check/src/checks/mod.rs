//! All checks, one file each.

mod account;
mod address_literal;
mod anonymous_directory_bind;
mod attached_hardware;
mod backup_not_running;
mod certificate_expires_soon;
mod certificate_name_mismatch;
mod certificate_not_loaded;
mod certificate_weak;
mod cleartext_directory_bind;
mod cleartext_mail_submission;
mod clients_without_agent;
mod cluster_without_headroom;
mod connector_relays_for_anybody;
mod controller_gives_time;
mod data_without_backup;
mod delegation_crosses_systems;
mod delegation_crosses_waves;
mod directory_binds_move;
mod directory_role;
mod dkim_key_missing;
mod dns_record_aged;
mod domain_controller_by_address;
mod domain_trust_unseen;
mod duplicate_archive;
mod hidden_primary;
mod hosts_file_override;
mod leaf;
mod local_mail_archive;
mod mail_copied_to_archive;
mod mail_forwarded_outside;
mod mail_handed_outside;
mod mail_logon_in_clear;
mod mail_name_certificate;
mod mail_record_names_host;
mod mail_relay_by_address;
mod mail_relay_moves;
mod mail_relay_open_range;
mod mail_reverse_fault;
mod mail_route_to_leaving;
mod mail_rows;
mod mail_runs_program;
mod mail_sender_by_address;
mod mail_sender_refused;
mod mail_signed_on_host;
mod mail_tls_outdated;
mod mail_views_differ;
mod mailboxes_tied;
mod managed_account_hosts;
mod moves_together;
mod never_seen_alive;
mod nobody_seen_to_use;
mod ntlm_client;
mod one_host_key;
mod operating_system_end_of_life;
mod orphan_rights;
mod pinned_certificate;
mod private_key_readable;
mod protocol_outdated;
mod quiet;
mod quiet_machine_still_calls;
mod remote_mount;
mod scanner_mail_unknown;
mod scheduled_only;
mod secret_in_file;
mod service_account_interactive;
mod service_account_old_keys;
mod service_principal_names_host;
mod service_record_names_host;
mod shared_account;
mod sign_in_moves;
mod single_point_of_need;
mod sole_resolver;
mod sole_time_source;
mod sole_watcher;
mod spf_fault;
mod stale_record;
mod stale_zones;
mod standing;
mod target_silent;
mod trusted_authority;
mod ttl_too_long;
mod unconstrained_delegation;
mod unresolvable_reference;
mod vm_move_blocked;
mod wildcard_record;

pub use moves_together::{moves_together, moves_together_in};
pub use nobody_seen_to_use::proves_silence;

use std::collections::BTreeSet;

use groma_model::inventory::{Finding, Inventory};
use groma_model::{EntityId, Timestamp};

use crate::{Check, View};

/// Machines of which nothing in `inventory` says that somebody needs them. Whoever has them told in `attributes.watched` how
/// their connections were watched lets [`check`](crate::check) say which of them nobody was seen to use.
pub fn quiet_machines(inventory: &Inventory, now: Timestamp) -> BTreeSet<EntityId> {
    let view = View::new(inventory, now);
    let quiet = quiet::quiet(&view);
    quiet
        .into_iter()
        .map(|one| one.machine.id.clone())
        .collect()
}

/// What one check alone says: which machines nobody was seen to use. Whoever plans waves asks for nothing else of the register.
pub fn nobody_seen_in(view: &View<'_>) -> Vec<Finding> {
    crate::said_by(&[&nobody_seen_to_use::NobodySeenToUse], view)
}

/// Every check there is, by name.
pub fn all() -> &'static [&'static dyn Check] {
    &[
        &address_literal::AddressLiteral,
        &anonymous_directory_bind::AnonymousDirectoryBind,
        &attached_hardware::AttachedHardware,
        &backup_not_running::BackupNotRunning,
        &certificate_expires_soon::CertificateExpiresSoon,
        &certificate_name_mismatch::CertificateNameMismatch,
        &certificate_not_loaded::CertificateNotLoaded,
        &certificate_weak::CertificateWeak,
        &cleartext_directory_bind::CleartextDirectoryBind,
        &cleartext_mail_submission::CleartextMailSubmission,
        &clients_without_agent::ClientsWithoutAgent,
        &cluster_without_headroom::ClusterWithoutHeadroom,
        &connector_relays_for_anybody::ConnectorRelaysForAnybody,
        &controller_gives_time::ControllerGivesTime,
        &data_without_backup::DataWithoutBackup,
        &delegation_crosses_systems::DelegationCrossesSystems,
        &delegation_crosses_waves::DelegationCrossesWaves,
        &directory_binds_move::DirectoryBindsMove,
        &directory_role::DirectoryRole,
        &dkim_key_missing::DkimKeyMissing,
        &dns_record_aged::DnsRecordAged,
        &domain_controller_by_address::DomainControllerByAddress,
        &domain_trust_unseen::DomainTrustUnseen,
        &duplicate_archive::DuplicateArchive,
        &hidden_primary::HiddenPrimary,
        &hosts_file_override::HostsFileOverride,
        &local_mail_archive::LocalMailArchive,
        &mail_copied_to_archive::MailCopiedToArchive,
        &mail_forwarded_outside::MailForwardedOutside,
        &mail_handed_outside::MailHandedOutside,
        &mail_logon_in_clear::MailLogonInClear,
        &mail_name_certificate::MailNameCertificate,
        &mail_record_names_host::MailRecordNamesHost,
        &mail_relay_by_address::MailRelayByAddress,
        &mail_relay_moves::MailRelayMoves,
        &mail_relay_open_range::MailRelayOpenRange,
        &mail_reverse_fault::MailReverseFault,
        &mail_route_to_leaving::MailRouteToLeaving,
        &mail_runs_program::MailRunsProgram,
        &mail_sender_by_address::MailSenderByAddress,
        &mail_sender_refused::MailSenderRefused,
        &mail_signed_on_host::MailSignedOnHost,
        &mail_tls_outdated::MailTlsOutdated,
        &mail_views_differ::MailViewsDiffer,
        &mailboxes_tied::MailboxesTied,
        &managed_account_hosts::ManagedAccountHosts,
        &never_seen_alive::NeverSeenAlive,
        &nobody_seen_to_use::NobodySeenToUse,
        &ntlm_client::NtlmClient,
        &one_host_key::OneHostKey,
        &operating_system_end_of_life::OperatingSystemEndOfLife,
        &orphan_rights::OrphanRights,
        &pinned_certificate::PinnedCertificate,
        &private_key_readable::PrivateKeyReadable,
        &protocol_outdated::ProtocolOutdated,
        &quiet_machine_still_calls::QuietMachineStillCalls,
        &remote_mount::RemoteMount,
        &scanner_mail_unknown::ScannerMailUnknown,
        &scheduled_only::ScheduledOnly,
        &secret_in_file::SecretInFile,
        &service_account_interactive::ServiceAccountInteractive,
        &service_principal_names_host::ServicePrincipalNamesHost,
        &service_account_old_keys::ServiceAccountOldKeys,
        &service_record_names_host::ServiceRecordNamesHost,
        &shared_account::SharedAccount,
        &sign_in_moves::SignInMoves,
        &single_point_of_need::SinglePointOfNeed,
        &sole_resolver::SoleResolver,
        &sole_time_source::SoleTimeSource,
        &sole_watcher::SoleWatcher,
        &spf_fault::SpfFault,
        &stale_record::StaleRecord,
        &target_silent::TargetSilent,
        &trusted_authority::TrustedAuthority,
        &ttl_too_long::TtlTooLong,
        &unconstrained_delegation::UnconstrainedDelegation,
        &unresolvable_reference::UnresolvableReference,
        &vm_move_blocked::VmMoveBlocked,
        &wildcard_record::WildcardRecord,
    ]
}
