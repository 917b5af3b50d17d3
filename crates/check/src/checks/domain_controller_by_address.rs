//! `domain-controller-by-address`: a domain controller is called by its address, where the domain would find the next one by itself.

use groma_model::inventory::{Dependency, Entity, Likelihood, ReachedBy, Severity};

use crate::view::{consumers, directory_objects};
use crate::wording::{agree, consumers_of, names, who};
use crate::{Check, Draft, View};

pub(crate) struct DomainControllerByAddress;

impl Check for DomainControllerByAddress {
    fn name(&self) -> &'static str {
        "domain-controller-by-address"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(|d| is_meant(view, d));
        groups.values().filter_map(|all| draft(view, all)).collect()
    }
}

fn is_controller(entity: &Entity) -> bool {
    directory_objects(entity).any(|object| object.class == "domain-controller")
}

/// What asks the controller as a directory. Resolvers are written as addresses everywhere, and have a check of their own.
fn is_meant(view: &View<'_>, d: &Dependency) -> bool {
    matches!(d.kind.as_str(), "ldap-bind" | "kerberos" | "smb")
        && d.reached_by == Some(ReachedBy::AddressLiteral)
        && !d.details.local
        && view.entity(&d.provider.entity).is_some_and(is_controller)
}

fn draft(view: &View<'_>, all: &[&Dependency]) -> Option<Draft> {
    let first = all.first()?;
    let machines = consumers(all);
    let mut draft = Draft::about(&[first.provider.entity.as_str()]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} the domain controller {} by its address: they go to no other one when it is switched off, though the domain has others.",
        consumers_of(all),
        agree(machines, "calls", "call"),
        first.provider.name
    );
    let written = names(all.iter().filter_map(|d| d.reached_as.as_deref()));
    draft.indicator = format!("written as {written}: {}", who(all));
    "Logons to these applications stop at the moment the controller goes, while everybody else's go on."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Write the name of the domain instead: it leads to every controller there is.",
        "Where only one server can be named, give it an alias of its own and move the alias.",
        "With TLS, see that the certificate names what is written then.",
    ];
    view.entity(&first.provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    all.iter().for_each(|d| draft.cites(d));
    Some(draft)
}
