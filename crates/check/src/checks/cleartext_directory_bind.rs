//! `cleartext-directory-bind`: a password for the directory travels in clear text.

use groma_model::fact::{ProtocolSetting, ProtocolSide};
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};
use groma_model::name::Protection;

use crate::view::{consumers, was_seen_alive};
use crate::wording::{agree, consumers_of, without_tls};
use crate::{Check, Draft, View};

/// Logons that send no password over the wire.
const WITHOUT_PASSWORD: &[&str] = &[
    "anonymous",
    "external",
    "gssapi",
    "gss-spnego",
    "kerberos",
    "digest-md5",
    "scram",
];

pub(crate) struct CleartextDirectoryBind;

impl Check for CleartextDirectoryBind {
    fn name(&self) -> &'static str {
        "cleartext-directory-bind"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(is_open_bind);
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

fn is_open_bind(d: &Dependency) -> bool {
    let mechanism = d
        .details
        .mechanism
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let silent = WITHOUT_PASSWORD
        .iter()
        .any(|word| mechanism.starts_with(word));
    d.kind == "ldap-bind"
        && d.details.protection == Some(Protection::None)
        && !d.details.local
        && !silent
}

/// An account or a secret stands there, or the logon is known to be the simple one.
fn sends_password(d: &Dependency) -> bool {
    let simple = d
        .details
        .mechanism
        .as_deref()
        .is_some_and(|m| m.eq_ignore_ascii_case("simple"));
    simple
        || d.details.secret_in_file
        || d.details.account.is_some()
        || !d.details.accounts.is_empty()
}

/// The setting by which a controller answers logons that are not signed: a new one comes without it.
fn lets_unsigned_in(controller: &Entity) -> Option<&ProtocolSetting> {
    let mut settings = controller.attributes.protocol_settings.iter();
    settings.find(|setting| {
        setting.protocol == "ldap-signing"
            && setting.side == ProtocolSide::Server
            && setting.state != "required"
    })
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let machines = consumers(dependencies);
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    let password = dependencies.iter().any(|d| sends_password(d));
    draft.severity = if password {
        Severity::High
    } else {
        Severity::Medium
    };
    "identity".clone_into(&mut draft.layer);
    let alive = dependencies.iter().any(|d| was_seen_alive(d));
    draft.likelihood = if alive {
        Likelihood::High
    } else {
        Likelihood::Medium
    };
    let whose = consumers_of(dependencies);
    draft.risk = match password {
        true => format!(
            "{whose} {} on to the directory {} in clear text: anybody on the way can read the password.",
            agree(machines, "logs", "log"),
            provider.name
        ),
        false => format!(
            "{whose} {} the directory {} in clear text: any password that passes can be read on the way.",
            agree(machines, "asks", "ask"),
            provider.name
        ),
    };
    draft.indicator = without_tls(dependencies);
    if let Some(setting) = view.entity(&provider.entity).and_then(lets_unsigned_in) {
        let says = format!("; it lets them in by {} in {}", setting.key, setting.file);
        draft.indicator.push_str(&says);
    }
    "A read password opens whatever that account may do; a new directory refuses such logons from the first day, and they stop.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Switch these clients to ldaps or STARTTLS while the old directory still allows both.",
        "Change the passwords that travelled openly, after the switch.",
        "Only then require signing and TLS on the new directory.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
