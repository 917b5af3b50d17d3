//! `sign-in-moves`: services sign people in through a provider that a wave takes away.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity, WaveEntry};
use groma_model::relying::RelyingPartyEntry;

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct SignInMoves;

impl Check for SignInMoves {
    fn name(&self) -> &'static str {
        "sign-in-moves"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut rows: BTreeMap<&EntityId, Vec<&RelyingPartyEntry>> = BTreeMap::new();
        for row in view.all(|i| &i.relying_parties) {
            if let Some(provider) = &row.provider {
                rows.entry(provider).or_default().push(row);
            }
        }
        let mut moves: BTreeMap<EntityId, &WaveEntry> = BTreeMap::new();
        for (wave, machines) in view.waves() {
            if !matches!(wave.state.as_str(), "moved" | "proven") {
                machines
                    .into_iter()
                    .for_each(|machine| _ = moves.entry(machine).or_insert(wave));
            }
        }
        let moving = moves.iter().filter_map(|(machine, wave)| {
            let provider = view.entity(machine)?;
            let sign_ins = SignIns::at(
                view,
                machine,
                rows.get(machine).cloned().unwrap_or_default(),
            )?;
            Some(draft(provider, wave, &sign_ins))
        });
        moving.collect()
    }
}

/// Who signs people in through one machine.
struct SignIns<'a> {
    /// As the provider knows them.
    listed: Vec<&'a RelyingPartyEntry>,
    /// As services say themselves that the provider does not list.
    others: Vec<&'a Dependency>,
    /// Those that are listed, as they are needs.
    needs: Vec<&'a Dependency>,
}

impl<'a> SignIns<'a> {
    fn at(
        view: &View<'a>,
        provider: &EntityId,
        listed: Vec<&'a RelyingPartyEntry>,
    ) -> Option<Self> {
        let known: BTreeSet<&EntityId> = listed.iter().flat_map(|row| &row.consumers).collect();
        let needs = view.needs_for(provider).filter(|d| d.kind == "federation");
        let (needs, others): (Vec<_>, Vec<_>) =
            needs.partition(|need| known.contains(&need.consumer.entity));
        let some = !listed.is_empty() || !others.is_empty();
        some.then_some(Self {
            listed,
            others,
            needs,
        })
    }

    fn names(&self) -> BTreeSet<&'a str> {
        let others = self.others.iter().map(|need| need.consumer.name.as_str());
        let listed = self.listed.iter().map(|row| row.name.as_str());
        listed.chain(others).collect()
    }
}

fn draft(provider: &Entity, wave: &WaveEntry, sign_ins: &SignIns<'_>) -> Draft {
    let mut draft = Draft::about(&[provider.id.as_str()]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.control_date = wave.window.map(|window| window.from);
    let services = sign_ins.names();
    draft.risk = format!(
        "{} {} people in through {}, which moves in {}: nobody gets in if name, address or certificate change.",
        count(services.len(), "service", "services"),
        agree(services.len(), "signs", "sign"),
        provider.name,
        wave.name,
    );
    let unseen = sign_ins
        .listed
        .iter()
        .filter(|row| row.consumers.is_empty());
    draft.indicator = format!(
        "{}; {} of them {} no address that is known here",
        names(services),
        unseen.clone().count(),
        agree(unseen.count(), "has", "have"),
    );
    "Whoever is signed in stays in until the session ends; then all of them stand outside at once, at partners too."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Keep the provider's public name and its signing certificate through the move.",
        "Tell each service's owner the date, and have them ready to fetch the metadata anew; partners need weeks.",
        "Sign in to each of these services once on the day of the move, with an account that is nobody's.",
    ];
    draft.points_at(provider);
    sign_ins
        .listed
        .iter()
        .for_each(|row| draft.cites_evidence(&row.evidence));
    let needs = sign_ins.needs.iter().chain(&sign_ins.others);
    needs.for_each(|need| draft.cites(need));
    draft
}
