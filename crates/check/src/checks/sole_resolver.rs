//! `sole-resolver`: machines that ask one server alone for names, and it goes.

use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};

use crate::sole::{alone, is_going};
use crate::view::consumers;
use crate::wording::{agree, consumers_of, count, who};
use crate::{Check, Draft, View};

pub(crate) struct SoleResolver;

impl Check for SoleResolver {
    fn name(&self) -> &'static str {
        "sole-resolver"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        alone(view, "dns")
            .into_iter()
            .filter(|(server, _)| is_going(view, server))
            .filter_map(|(server, needs)| Some(draft(view.entity(server)?, &needs)))
            .collect()
    }
}

fn draft(server: &Entity, needs: &[&Dependency]) -> Draft {
    let machines = consumers(needs);
    let mut draft = Draft::about(&[server.id.as_str()]);
    draft.severity = Severity::Critical;
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} {} alone for names, which is to go: on that day {} nobody by name any more.",
        count(machines, "machine", "machines"),
        agree(machines, "asks", "ask"),
        server.name,
        agree(machines, "it finds", "they find"),
    );
    draft.indicator = format!("{}: {}", consumers_of(needs), who(needs));
    "Mail, log-ons, backups and every application that names another machine stop at the same moment, and remote administration by name with them.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Add a second resolver to each of these machines now; it is a small change that can be made in daylight.",
        "Let the new server take over the old one's address, if it can, until no question arrives there any more.",
        "Where DHCP hands the resolver out, change it there first and wait for one lease.",
    ];
    draft.points_at(server);
    needs.iter().for_each(|need| draft.cites(need));
    draft
}
