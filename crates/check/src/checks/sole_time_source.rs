//! `sole-time-source`: machines that take the time from one server alone, which goes, or which they know by its address.

use groma_model::inventory::{Dependency, Entity, Likelihood, ReachedBy, Severity};

use crate::sole::{alone, is_going};
use crate::view::is_outside;
use crate::wording::{agree, consumers_of, count, who};
use crate::{Check, Draft, View};

pub(crate) struct SoleTimeSource;

impl Check for SoleTimeSource {
    fn name(&self) -> &'static str {
        "sole-time-source"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        alone(view, "ntp")
            .into_iter()
            .filter_map(|(server, needs)| draft(view, view.entity(server)?, &needs))
            .collect()
    }
}

fn draft(view: &View<'_>, server: &Entity, needs: &[&Dependency]) -> Option<Draft> {
    let goes = is_going(view, &server.id);
    let is_literal = |d: &&Dependency| d.reached_by == Some(ReachedBy::AddressLiteral);
    let literal: Vec<&Dependency> = needs.iter().copied().filter(|d| is_literal(d)).collect();
    let outside = is_outside(Some(server), &server.addresses);
    let needs: Vec<&Dependency> = match goes {
        true => needs.to_vec(),
        false => literal,
    };
    if needs.is_empty() || (outside && !goes) {
        return None;
    }
    let machines = crate::view::consumers(&needs);
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.severity = if goes { Severity::High } else { Severity::Low };
    "network".clone_into(&mut draft.layer);
    draft.likelihood = if goes {
        Likelihood::High
    } else {
        Likelihood::Medium
    };
    let how = if goes {
        "which is to go"
    } else {
        "by its address"
    };
    draft.risk = format!(
        "{} {} the time from {} alone, {how}.",
        count(machines, "machine", "machines"),
        agree(machines, "takes", "take"),
        server.name
    );
    draft.indicator = format!("{}: {}", consumers_of(&needs), who(&needs));
    "Clocks drift apart without a message. After minutes Kerberos log-ons fail, later certificates and backups do, and logs of two machines no longer fit together.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Give every machine the new server and a second one before the old one goes; a name that is moved spares the next time.",
        "Check on each machine that the new source is followed (chronyc sources, timedatectl timesync-status), not only written down.",
        "Where DHCP hands the server out, change it there first and wait for one lease.",
    ];
    draft.points_at(server);
    needs.iter().for_each(|need| draft.cites(need));
    Some(draft)
}
