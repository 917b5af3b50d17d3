//! `connector-relays-for-anybody`: a mail server lets machines that prove nothing send to anybody.

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::wording::names;
use crate::{Check, Draft, View};

pub(crate) struct ConnectorRelaysForAnybody;

impl Check for ConnectorRelaysForAnybody {
    fn name(&self) -> &'static str {
        "connector-relays-for-anybody"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        told(view, &["receive-connector"])
            .filter(|(_, entry)| is_open(entry))
            .map(|(server, entry)| draft(server, entry))
            .collect()
    }
}

fn is_open(entry: &DirectoryEntry) -> bool {
    let off = values(&entry.object, "state")
        .iter()
        .any(|s| s == "disabled");
    !off && !values(&entry.object, "relay").is_empty()
}

/// A network that is everybody.
fn is_everywhere(network: &str) -> bool {
    let begin = network.split(['-', '/']).next().unwrap_or(network);
    matches!(begin, "0.0.0.0" | "::")
}

fn draft(server: &Entity, entry: &DirectoryEntry) -> Draft {
    let object = &entry.object;
    let networks = values(object, "networks");
    let everywhere = networks.iter().any(|n| is_everywhere(n));
    let mut draft = Draft::about(&[server.id.as_str(), &object.dn.lossy()]);
    draft.severity = match everywhere {
        true => Severity::Critical,
        false => Severity::High,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = match everywhere {
        true => Likelihood::High,
        false => Likelihood::Medium,
    };
    draft.risk = format!(
        "The connector {} of {} takes mail for anybody from whoever stands in its networks: carried over as it is, the new server relays for them too; left behind, what sends through it stops.",
        object.name, server.name
    );
    let mut let_in: Vec<String> = networks.to_vec();
    let_in.extend(
        values(object, "single-addresses")
            .iter()
            .map(|n| format!("{n} single addresses")),
    );
    draft.indicator = format!(
        "relays {}; lets in {}",
        names(values(object, "relay")),
        names(&let_in)
    );
    "Devices that mail outside the house stop on the day of the move, or a machine that somebody took over sends in the organisation's name until others refuse its mail.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out from the connector's log who uses it, and for which recipients outside.",
        "Let the new connector take mail only from those addresses; give whatever can log on an account.",
        "Take the right from everybody on the old one before it is switched off, and see who calls.",
    ];
    draft.points_at(server);
    draft.cites_evidence(&entry.evidence);
    draft
}
