//! What people said of a system or a dependency, put where it belongs.

use crate::inventory::{Dependency, FurtherConsumer, NeedTold, System, Told, Verdict, VerdictWord};
use crate::store::{Annotation, Word};

impl System {
    /// Takes over what a person said. The newest word on a field counts: hand annotations over in the order in which they
    /// were kept. What says nothing of a system (a note, a verdict that confirms nothing, a word of a risk) changes nothing.
    pub fn take(&mut self, annotation: &Annotation) {
        let field = match &annotation.word {
            Word::Owner(text) => told(&mut self.owner, text, "owner"),
            Word::Criticality(text) => told(&mut self.criticality, text, "criticality"),
            Word::Window(text) => told(&mut self.window, text, "window"),
            Word::KeyUsers(text) => told(&mut self.key_users, text, "key_users"),
            Word::OnCall(text) => told(&mut self.on_call, text, "on_call"),
            Word::AllowedDowntime(text) => {
                told(&mut self.allowed_downtime, text, "allowed_downtime")
            }
            Word::CountsAsFailure(text) => {
                told(&mut self.counts_as_failure, text, "counts_as_failure")
            }
            Word::Functions(functions) => {
                self.functions.clone_from(functions);
                "functions"
            }
            Word::Disposition(disposition) => {
                self.disposition = Some(*disposition);
                "disposition"
            }
            Word::FurtherConsumer(name) => {
                self.further(name, annotation);
                "further_consumers"
            }
            Word::Verdict {
                verdict: VerdictWord::Confirmed,
                ..
            } => {
                self.confirmed_by = Some(annotation.by.clone());
                self.confirmed_on = Some(annotation.at);
                return;
            }
            Word::Note(_)
            | Word::Verdict { .. }
            | Word::StillNeeded(_)
            | Word::Answered { .. }
            | Word::ControlDate(_)
            | Word::OwnRisk(_)
            | Word::Closed { .. }
            | Word::Unknown(_) => return,
        };
        self.told.retain(|told| told.field != field);
        self.told.push(Told {
            field: field.to_owned(),
            by: annotation.by.clone(),
            on: annotation.at,
        });
        self.told.sort();
    }

    fn further(&mut self, name: &str, annotation: &Annotation) {
        self.further_consumers.retain(|known| known.name != name);
        self.further_consumers.push(FurtherConsumer {
            name: name.to_owned(),
            by: annotation.by.clone(),
            on: annotation.at,
        });
        self.further_consumers.sort();
    }
}

impl Dependency {
    /// Takes over what a person said: a verdict, or whether it is needed any more. That it is not needed does not make it
    /// wrong: it is there until somebody takes it out.
    pub fn take(&mut self, annotation: &Annotation) {
        match &annotation.word {
            Word::Verdict { verdict, because } => {
                self.verdict = Some(Verdict {
                    verdict: *verdict,
                    by: annotation.by.clone(),
                    because: because.clone(),
                });
            }
            Word::StillNeeded(word) => {
                self.details.still_needed = Some(NeedTold {
                    word: *word,
                    by: annotation.by.clone(),
                    on: annotation.at,
                });
            }
            _ => {}
        }
    }
}

fn told(field: &mut Option<String>, text: &str, name: &'static str) -> &'static str {
    *field = Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::inventory::Disposition;

    fn said(by: &str, word: Word) -> Annotation {
        Annotation {
            about: "sys-1".to_owned(),
            by: by.to_owned(),
            at: Timestamp::from_seconds(60),
            word,
        }
    }

    #[test]
    fn the_newest_word_counts_and_stands_with_its_name() {
        let mut system = System::default();
        for (by, word) in [
            ("anna", Word::Owner("Mail team".to_owned())),
            ("ben", Word::Owner("Ben".to_owned())),
            ("ben", Word::Disposition(Disposition::Retire)),
            ("ben", Word::FurtherConsumer("till 7".to_owned())),
            ("eve", Word::FurtherConsumer("till 7".to_owned())),
            ("eve", Word::Note("x".to_owned())),
        ] {
            system.take(&said(by, word));
        }
        assert_eq!(system.owner.as_deref(), Some("Ben"));
        assert_eq!(system.disposition, Some(Disposition::Retire));
        let [only] = system.further_consumers.as_slice() else {
            panic!("{:?}", system.further_consumers);
        };
        assert_eq!(only.by, "eve");
        let told: Vec<(&str, &str)> = system
            .told
            .iter()
            .map(|told| (told.field.as_str(), told.by.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("disposition", "ben"),
                ("further_consumers", "eve"),
                ("owner", "ben")
            ]
        );
    }

    #[test]
    fn an_empty_word_takes_back_and_a_window_is_no_downtime() {
        let mut system = System::default();
        system.take(&said("anna", Word::Owner("anna".to_owned())));
        system.take(&said("anna", Word::Owner(" ".to_owned())));
        system.take(&said("anna", Word::Window("Saturdays".to_owned())));
        assert_eq!((&system.owner, &system.allowed_downtime), (&None, &None));
        assert_eq!(system.window.as_deref(), Some("Saturdays"));
    }
}
