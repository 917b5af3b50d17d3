//! `delegation-crosses-systems`: an application acts for its users towards a machine of another system.

use std::collections::HashMap;

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::wording::names;
use crate::{Check, Draft, View};

/// Objects that may act for others.
pub(super) const ACTING: [&str; 3] = ["computer", "service-account", "managed-service-account"];

pub(crate) struct DelegationCrossesSystems;

impl Check for DelegationCrossesSystems {
    fn name(&self) -> &'static str {
        "delegation-crosses-systems"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let acting: Vec<_> = told(view, &ACTING)
            .filter(|(_, entry)| !targets(entry).is_empty())
            .collect();
        if acting.is_empty() {
            return Vec::new();
        }
        let machines = Machines::of(view);
        acting
            .into_iter()
            .filter_map(|(on, entry)| draft(&machines, on, entry))
            .collect()
    }
}

pub(super) fn targets(entry: &DirectoryEntry) -> &[String] {
    values(&entry.object, "msDS-AllowedToDelegateTo")
}

/// Hosts by every name they have, in lower case; none for a name that several have.
pub(super) struct Machines<'a>(HashMap<String, Option<&'a Entity>>);

impl<'a> Machines<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let hosts = view.entities().filter(|e| e.kind == "host");
        let mut all: HashMap<String, Option<&'a Entity>> = HashMap::new();
        for host in hosts {
            for name in host.names.iter().chain([&host.name]) {
                all.entry(name.to_lowercase())
                    .and_modify(|known| *known = known.filter(|known| known.id == host.id))
                    .or_insert(Some(host));
            }
        }
        Self(all)
    }

    /// The machine of `MSSQLSvc/db1.corp.example:1433`.
    pub(super) fn at(&self, principal: &str) -> Option<&'a Entity> {
        let place = principal.split_once('/')?.1.split(['/', '@']).next()?;
        let name = place.split(':').next()?;
        *self.0.get(&name.to_lowercase())?
    }

    /// Where the one that acts runs: the machine itself, or those its services are registered on.
    pub(super) fn acting(&self, on: &'a Entity, entry: &DirectoryEntry) -> Vec<&'a Entity> {
        if entry.object.class == "computer" {
            return vec![on];
        }
        let principals = values(&entry.object, "servicePrincipalName");
        principals.iter().filter_map(|p| self.at(p)).collect()
    }
}

fn draft<'a>(machines: &Machines<'a>, on: &'a Entity, entry: &DirectoryEntry) -> Option<Draft> {
    let mut crossings: Vec<(&Entity, &Entity, &String)> = Vec::new();
    for from in machines.acting(on, entry) {
        for target in targets(entry) {
            let Some(to) = machines.at(target) else {
                continue;
            };
            let (Some(here), Some(there)) = (&from.system, &to.system) else {
                continue;
            };
            if here != there {
                crossings.push((from, to, target));
            }
        }
    }
    if crossings.is_empty() {
        return None;
    }
    let mut draft = Draft::about(&[&entry.object.directory, &entry.object.dn.lossy()]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} acts for its users towards machines of another system: whichever of the two moves first, the chain of logons breaks unless the list is changed on the same day.",
        entry.object.account.as_ref().unwrap_or(&entry.object.name)
    );
    let said = crossings
        .iter()
        .map(|(from, to, target)| format!("{} towards {target} ({})", from.name, to.name));
    draft.indicator = names(said);
    "Users reach the application and see no data: it may log on as them to a name that is no longer there."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Move both systems in one wave, or list the new target beside the old one before either moves.",
        "Test through the application as an ordinary user, not as an administrator.",
        "Take the old target off the list when nothing calls it any more.",
    ];
    for (from, to, _) in crossings {
        draft.points_at(from);
        draft.points_at(to);
    }
    draft.cites_evidence(&entry.evidence);
    Some(draft)
}
