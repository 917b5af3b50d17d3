//! `controller-gives-time`: machines take the time from a domain controller.

use std::collections::BTreeMap;

use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};
use groma_model::{EntityId, Port};

use crate::view::{consumers, directory_objects};
use crate::wording::{agree, consumers_of, count, who};
use crate::{Check, Draft, View};

const KERBEROS: Port = Port(88);
const LDAP: Port = Port(389);

pub(crate) struct ControllerGivesTime;

impl Check for ControllerGivesTime {
    fn name(&self) -> &'static str {
        "controller-gives-time"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let time = |d: &Dependency| d.kind == "ntp" && !d.details.local;
        let groups: BTreeMap<&EntityId, _> = view.by_provider(time);
        groups
            .into_iter()
            .filter_map(|(server, needs)| Some((view.entity(server)?, needs)))
            .filter(|(server, _)| is_controller(view, server))
            .map(|(server, needs)| draft(server, &needs))
            .collect()
    }
}

/// As the directory says, or because it serves both tickets and directory.
fn is_controller(view: &View<'_>, server: &Entity) -> bool {
    let mut objects = directory_objects(server);
    let listens = |port: Port| view.listeners(&server.id).iter().any(|l| l.port == port);
    objects.any(|o| o.class == "domain-controller") || (listens(KERBEROS) && listens(LDAP))
}

fn draft(server: &Entity, needs: &[&Dependency]) -> Draft {
    let machines = consumers(needs);
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} the time from the domain controller {}: a new controller gives it to members of the domain by itself, and to nobody else.",
        count(machines, "machine", "machines"),
        agree(machines, "takes", "take"),
        server.name
    );
    draft.indicator = format!("{}: {}", consumers_of(needs), who(needs));
    "Devices and machines outside the domain keep the old address for ever. Their clocks drift, and with them cameras, door logs, backups and log-ons that compare times.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Give time a name or an address of its own that does not move with the directory, and set the devices to it.",
        "Hand over the role of the PDC emulator with its own source of time: the whole domain follows it.",
        "Keep the old controller answering for time until nobody asks it any more.",
    ];
    draft.points_at(server);
    needs.iter().for_each(|need| draft.cites(need));
    draft
}
