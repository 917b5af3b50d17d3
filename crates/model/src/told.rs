//! What people said of a system or a dependency, put where it belongs.

use crate::Timestamp;
use crate::inventory::{
    Attributes, Dependency, FurtherConsumer, NeedTold, NoteTold, System, Told, Verdict, VerdictWord,
};
use crate::store::{Annotation, Word};

impl System {
    /// Takes over what a person said. The newest word on a field counts, by the day on which it was said; of two of one time
    /// the one handed over last, so hand annotations over in the order in which they were kept. An older word that is
    /// imported late changes nothing, nor does what says nothing of a system (a verdict that confirms nothing, a word
    /// of a risk).
    pub fn take(&mut self, annotation: &Annotation) {
        if self.knows_newer(annotation) {
            return;
        }
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
            Word::Note(_) => {
                note(&mut self.notes, annotation);
                return;
            }
            Word::Verdict { .. }
            | Word::StillNeeded(_)
            | Word::Answered { .. }
            | Word::ControlDate(_)
            | Word::OwnRisk(_)
            | Word::Closed { .. }
            | Word::Unknown(_) => return,
        };
        let is_newer = |told: &Told| told.field == field && is_before(annotation.at, told.on);
        if self.told.iter().any(is_newer) {
            return; // One more consumer, said earlier: the field was told of later.
        }
        self.told.retain(|told| told.field != field);
        self.told.push(Told {
            field: field.to_owned(),
            by: annotation.by.clone(),
            on: annotation.at,
        });
        self.told.sort();
    }

    /// True if something later is known of what a word speaks of.
    fn knows_newer(&self, annotation: &Annotation) -> bool {
        let newer = |on: Timestamp| is_before(annotation.at, on);
        let field = match &annotation.word {
            Word::Owner(_) => "owner",
            Word::Criticality(_) => "criticality",
            Word::Window(_) => "window",
            Word::KeyUsers(_) => "key_users",
            Word::OnCall(_) => "on_call",
            Word::AllowedDowntime(_) => "allowed_downtime",
            Word::CountsAsFailure(_) => "counts_as_failure",
            Word::Functions(_) => "functions",
            Word::Disposition(_) => "disposition",
            // Each consumer is a word of its own.
            Word::FurtherConsumer(name) => {
                let mut known = self.further_consumers.iter();
                return known.any(|known| known.name == *name && newer(known.on));
            }
            Word::Verdict { .. } => return self.confirmed_on.is_some_and(newer),
            _ => return false,
        };
        self.told
            .iter()
            .any(|told| told.field == field && newer(told.on))
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

impl Attributes {
    /// Keeps what a person noted; any other word changes nothing here. Notes stand beside each other: a newer one takes back
    /// no older one, and one that is handed over twice stands once.
    pub fn take_note(&mut self, annotation: &Annotation) {
        note(&mut self.notes, annotation);
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
            Word::StillNeeded(_) if self.knows_newer(annotation.at) => {}
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

    fn knows_newer(&self, at: Timestamp) -> bool {
        let told = self.details.still_needed.as_ref();
        told.is_some_and(|told| is_before(at, told.on))
    }
}

fn note(notes: &mut Vec<NoteTold>, annotation: &Annotation) {
    let Word::Note(says) = &annotation.word else {
        return;
    };
    if says.trim().is_empty() {
        return;
    }
    let told = NoteTold {
        on: annotation.at,
        by: annotation.by.clone(),
        says: says.clone(),
    };
    if let Err(place) = notes.binary_search(&told) {
        notes.insert(place, told);
    }
}

/// True if what was said at `at` is older than what was said at `known`. A sheet is signed with a day alone, which stands
/// as its midnight: it may be of any hour of that day.
fn is_before(at: Timestamp, known: Timestamp) -> bool {
    const DAY_MILLIS: i64 = 86_400_000;
    let (at, known) = (at.millis(), known.millis());
    let end = match at.rem_euclid(DAY_MILLIS) {
        0 => at.saturating_add(DAY_MILLIS - 1),
        _ => at,
    };
    end < known
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

    fn on(day: i64, word: Word) -> Annotation {
        Annotation {
            at: Timestamp::from_seconds(day * 86_400),
            ..said("anna", word)
        }
    }

    #[test]
    fn notes_stand_beside_each_other_with_name_and_day_each_once() {
        let mut system = System::default();
        for annotation in [
            on(3, Word::Note("runs at night only".to_owned())),
            on(1, Word::Note("ask Ben".to_owned())),
            on(1, Word::Note("ask Ben".to_owned())),
            on(2, Word::Note("  ".to_owned())),
        ] {
            system.take(&annotation);
        }
        let says: Vec<&str> = system.notes.iter().map(|n| n.says.as_str()).collect();
        assert_eq!(says, ["ask Ben", "runs at night only"]);
        let mut attributes = Attributes::default();
        attributes.take_note(&on(1, Word::Owner("Ben".to_owned())));
        assert_eq!(attributes, Attributes::default());
        attributes.take_note(&on(1, Word::Note("ask Ben".to_owned())));
        assert_eq!(attributes.notes[0].by, "anna");
    }

    #[test]
    fn an_old_sheet_that_is_imported_late_overwrites_no_newer_word() {
        let mut system = System::default();
        system.take(&on(20, Word::Owner("Ben".to_owned())));
        system.take(&on(20, Word::FurtherConsumer("till 7".to_owned())));
        system.take(&on(3, Word::Owner("Anna".to_owned())));
        system.take(&on(3, Word::Window("Saturdays".to_owned())));
        system.take(&on(3, Word::FurtherConsumer("the lift".to_owned())));
        assert_eq!(system.owner.as_deref(), Some("Ben"));
        assert_eq!(system.window.as_deref(), Some("Saturdays"), "nobody knew");
        assert_eq!(system.further_consumers.len(), 2);
        let further = system.told.iter().find(|t| t.field == "further_consumers");
        assert_eq!(
            further.map(|t| t.on),
            Some(Timestamp::from_seconds(20 * 86_400))
        );
        system.take(&on(21, Word::Owner("Eve".to_owned())));
        assert_eq!(system.owner.as_deref(), Some("Eve"));
    }

    #[test]
    fn a_sheet_signed_with_a_day_is_not_older_than_a_word_of_that_day() {
        let mut system = System::default();
        let mut morning = on(20, Word::Owner("Ben".to_owned()));
        morning.at = Timestamp::from_seconds(20 * 86_400 + 36_000);
        system.take(&morning);
        system.take(&on(20, Word::Owner("Anna".to_owned())));
        assert_eq!(system.owner.as_deref(), Some("Anna"));
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
