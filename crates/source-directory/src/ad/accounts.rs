//! Machines, services and the accounts they run as; who may act for whom.

use std::collections::BTreeMap;

use groma_model::fact::{DirectoryObject, NeedReason};
use groma_model::{HostName, Peer};

use super::principal::Principal;
use super::security;
use crate::entry::Entry;
use crate::learnt::{Learnt, Says, need};

pub(crate) const COMPUTER: &[&str] = &[
    "objectClass",
    "cn",
    "dNSHostName",
    "sAMAccountName",
    "operatingSystem",
    "operatingSystemVersion",
    "lastLogonTimestamp",
    "userAccountControl",
    "servicePrincipalName",
    "primaryGroupID",
    "pwdLastSet",
    "msDS-SupportedEncryptionTypes",
    "msDS-AllowedToDelegateTo",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
];

pub(crate) const ACCOUNT: &[&str] = &[
    "objectClass",
    "cn",
    "sAMAccountName",
    "userAccountControl",
    "servicePrincipalName",
    "lastLogonTimestamp",
    "pwdLastSet",
    "msDS-SupportedEncryptionTypes",
    "msDS-AllowedToDelegateTo",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-GroupMSAMembership",
    "msDS-HostServiceAccountBL",
];

// userAccountControl, [MS-ADTS] 2.2.16.
const DISABLED: i64 = 0x2;
const DOMAIN_CONTROLLER: i64 = 0x2000;
const TRUSTED_FOR_DELEGATION: i64 = 0x8_0000;
const ANY_PROTOCOL: i64 = 0x100_0000;

/// 100-nanosecond intervals between 1601 and 1970.
pub(super) const EPOCH_1601: i64 = 116_444_736_000_000_000;

/// A member machine, or a domain controller.
pub(crate) fn computer(entry: &Entry, learnt: &mut Learnt) {
    let flags = entry.number("userAccountControl").unwrap_or(0);
    let name = entry.text("dNSHostName").and_then(|n| HostName::parse(&n));
    let short = entry.text("cn").or_else(|| {
        entry
            .text("sAMAccountName")
            .map(|n| n.trim_end_matches('$').to_owned())
    });
    let host = name.or_else(|| HostName::parse(&short?)).map(Peer::Name);
    let activity = activity(entry, learnt);
    let gone = flags & DISABLED != 0 || matches!(activity, "quiet-over-180-days" | "never");
    learnt.count("computers");
    if gone {
        learnt.count("computers_stale");
    }
    let class = if flags & DOMAIN_CONTROLLER != 0 {
        "domain-controller"
    } else {
        "computer"
    };
    if flags & DISABLED != 0
        && let Some(host) = host
            .clone()
            .filter(|_| learnt.disabled.len() < DISABLED_MAX)
    {
        learnt.disabled.insert(host);
    }
    let mut object = learnt.described(class, entry, &["operatingSystem", "operatingSystemVersion"]);
    // What has not been heard of for half a year makes no machine of the inventory; the directory still lists it.
    object.host = host
        .clone()
        .filter(|_| !gone || class == "domain-controller");
    object.says("activity", [activity.to_owned()]);
    keys(entry, &mut object, learnt);
    if flags & DISABLED != 0 {
        object.says("state", ["disabled".to_owned()]);
    }
    let own = |p: &Principal| p.service().is_some_and(|s| s.own);
    let services = entry
        .texts("servicePrincipalName")
        .filter(|text| !Principal::parse(text).is_some_and(|p| own(&p)));
    object.says("servicePrincipalName", services);
    if entry.number("primaryGroupID") == Some(521) {
        object.says("state", ["read-only".to_owned()]);
    }
    let hosts: Vec<Peer> = host.into_iter().collect();
    delegation(entry, flags, &hosts, &mut object, learnt);
    learnt.object(object);
}

/// Machines whose account is switched off that are kept for later questions.
const DISABLED_MAX: usize = 100_000;

/// An account that services run as.
pub(crate) fn service_account(entry: &Entry, learnt: &mut Learnt) {
    let account = entry
        .text("sAMAccountName")
        .unwrap_or_else(|| entry.first_name());
    // The account of the key distribution centre itself is nobody's service.
    if account.eq_ignore_ascii_case("krbtgt") || account.to_lowercase().starts_with("krbtgt_") {
        return;
    }
    let managed =
        entry.is("msDS-GroupManagedServiceAccount") || entry.is("msDS-ManagedServiceAccount");
    let class = if managed {
        "managed-service-account"
    } else {
        "service-account"
    };
    learnt.count("service_accounts");
    let flags = entry.number("userAccountControl").unwrap_or(0);
    let mut object = learnt.described(
        class,
        entry,
        &["servicePrincipalName", "msDS-HostServiceAccountBL"],
    );
    object.account = Some(account.as_str().into());
    object.says("activity", [activity(entry, learnt).to_owned()]);
    keys(entry, &mut object, learnt);
    if flags & DISABLED != 0 {
        object.says("state", ["disabled".to_owned()]);
    }
    let mut may_fetch = None;
    if let Some(descriptor) = entry.bytes("msDS-GroupMSAMembership") {
        let readers = security::allowed(descriptor).unwrap_or_default();
        let of_a_domain = readers.iter().filter(|sid| super::is_of_a_domain(sid));
        learnt.asked_for.extend(of_a_domain.cloned());
        may_fetch = Some(readers);
    }
    let mut principals: Vec<Principal> = entry
        .texts("servicePrincipalName")
        .filter_map(|t| Principal::parse(&t))
        .collect();
    principals.sort();
    principals.dedup();
    let mut hosts: Vec<Peer> = principals.iter().map(|p| p.host.clone()).collect();
    hosts.dedup();
    for principal in principals {
        service(entry, principal, &account, learnt);
    }
    delegation(entry, flags, &hosts, &mut object, learnt);
    match may_fetch {
        Some(readers) if learnt.managed.len() < MANAGED_MAX => {
            learnt.managed.push((object, readers))
        }
        _ => learnt.object(object),
    }
}

/// Managed accounts that wait for the names of their hosts.
const MANAGED_MAX: usize = 10_000;

/// Tells managed accounts with the machines that may run as them.
pub(crate) fn tell_managed(names: &BTreeMap<String, String>, learnt: &mut Learnt) {
    for (mut object, readers) in std::mem::take(&mut learnt.managed) {
        let name = |sid: &String| names.get(sid).unwrap_or(sid).clone();
        object.says("password-readable-by", readers.iter().map(name));
        learnt.object(object);
    }
}

/// A service on a machine, and the account it runs as.
fn service(entry: &Entry, principal: Principal, account: &str, learnt: &mut Learnt) {
    let mut object = learnt.described("service-principal", entry, &[]);
    let after = match (&principal.port, &principal.instance) {
        (Some(port), _) => format!(":{port}"),
        (None, Some(instance)) => format!(":{instance}"),
        (None, None) => String::new(),
    };
    object.name = format!("{}/{}{after}", principal.class, principal.host).into();
    object.account = Some(account.into());
    let title = principal.service().map(|s| s.title.clone());
    object.says(
        "service",
        [title.unwrap_or_else(|| "a class that groma does not know".to_owned())],
    );
    object.host = Some(principal.host);
    learnt.object(object);
}

/// Who may act for others, towards whom: without bounds, towards services that are listed, or as the target allows.
fn delegation(
    entry: &Entry,
    flags: i64,
    hosts: &[Peer],
    object: &mut DirectoryObject,
    learnt: &mut Learnt,
) {
    let account = entry.text("sAMAccountName").unwrap_or_default();
    if flags & TRUSTED_FOR_DELEGATION != 0 && flags & DOMAIN_CONTROLLER == 0 {
        object.says("delegation", ["to any service".to_owned()]);
    }
    let targets: Vec<String> = entry.texts("msDS-AllowedToDelegateTo").collect();
    if !targets.is_empty() {
        let how = if flags & ANY_PROTOCOL != 0 {
            "to listed services, from any logon"
        } else {
            "to listed services"
        };
        object.says("delegation", [how.to_owned()]);
        object.says("msDS-AllowedToDelegateTo", targets.iter().cloned());
    }
    // Who is switched off acts for nobody any more: it is written there, and no need.
    let acting = match flags & DISABLED {
        0 => hosts,
        _ => &[],
    };
    for target in targets.iter().filter_map(|t| Principal::parse(t)) {
        for host in acting {
            let kind = target.service().map_or("other", |s| s.kind.as_str());
            let mut need = need(
                host.clone(),
                target.host.clone(),
                (kind, NeedReason::Delegation),
                entry,
                "msDS-AllowedToDelegateTo",
            );
            need.port = target.reached_at();
            need.account = Some(account.as_str().into());
            need.resource = Some(format!("{}/{}", target.class, target.host).into());
            learnt.need(need);
        }
    }
    let Some(descriptor) = entry.bytes("msDS-AllowedToActOnBehalfOfOtherIdentity") else {
        return;
    };
    let trusted = security::allowed(descriptor).unwrap_or_default();
    if !trusted.is_empty() {
        object.says("delegation-accepted-from", trusted.iter().cloned());
    }
    for sid in trusted {
        let towards = hosts.iter().map(|host| (entry.dn.clone(), host.clone()));
        learnt.trusted_by.entry(sid).or_default().extend(towards);
    }
}

/// The one behind an identifier that a machine lets act for others.
pub(crate) fn trusted(entry: &Entry, towards: &[(String, Peer)], learnt: &mut Learnt) {
    let account = entry.text("sAMAccountName").unwrap_or_default();
    let principals = entry
        .texts("servicePrincipalName")
        .filter_map(|t| Principal::parse(&t).map(|p| p.host));
    let name = entry.text("dNSHostName").and_then(|n| Peer::parse(&n));
    let mut hosts: Vec<Peer> = match name {
        Some(name) => vec![name],
        None => principals.collect(),
    };
    hosts.sort();
    hosts.dedup();
    for (dn, target) in towards {
        for host in &hosts {
            let target_entry = Entry {
                dn: dn.clone(),
                ..Entry::default()
            };
            let reason = ("other", NeedReason::Delegation);
            let mut need = need(
                host.clone(),
                target.clone(),
                reason,
                &target_entry,
                "msDS-AllowedToActOnBehalfOfOtherIdentity",
            );
            need.account = Some(account.as_str().into());
            learnt.need(need);
        }
    }
}

/// Kinds of keys for tickets, as an account says it takes them ([MS-KILE] 2.2.7).
const KEYS: [(i64, &str); 5] = [
    (0x1, "DES"),
    (0x2, "DES"),
    (0x4, "RC4"),
    (0x8, "AES"),
    (0x10, "AES"),
];

/// Which keys it takes, and how old its password is. Where nothing is said the controllers decide, each by its own habit.
fn keys(entry: &Entry, object: &mut DirectoryObject, learnt: &Learnt) {
    let stated = entry
        .number("msDS-SupportedEncryptionTypes")
        .filter(|bits| *bits != 0);
    if let Some(bits) = stated {
        let taken = KEYS.iter().filter(|(bit, _)| bits & bit != 0);
        object.says("keys", taken.map(|(_, word)| (*word).to_owned()));
    }
    let set = entry.number("pwdLastSet").filter(|s| *s > EPOCH_1601);
    object.says(
        "password-age",
        set.map(|stamp| {
            let seconds = stamp.saturating_sub(EPOCH_1601) / 10_000_000;
            let days = (learnt.now.millis() / 1000 - seconds) / 86_400;
            match days {
                ..=365 => "of-the-last-year",
                366..=1825 => "over-1-year-old",
                _ => "over-5-years-old",
            }
            .to_owned()
        }),
    );
}

/// How long it has been quiet, in words that do not change from day to day; the time stamp lags up to two weeks.
fn activity(entry: &Entry, learnt: &Learnt) -> &'static str {
    let Some(stamp) = entry
        .number("lastLogonTimestamp")
        .filter(|s| *s > EPOCH_1601)
    else {
        return "never";
    };
    let seconds = stamp.saturating_sub(EPOCH_1601) / 10_000_000;
    let days = (learnt.now.millis() / 1000 - seconds) / 86_400;
    match days {
        ..=45 => "active",
        46..=180 => "quiet-over-45-days",
        _ => "quiet-over-180-days",
    }
}
