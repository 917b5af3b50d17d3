//! How far a look came: what each finished question brought, noted as it ends, so that a look that was killed goes on
//! where it stood.
//!
//! A page of a search cannot be taken up again: the server's mark for it dies with the connection. So a question is
//! either finished, and never asked again, or asked anew, and what it had brought is forgotten: no object is told twice.
//! Where the server cannot be reached any more, what the unfinished one had brought is told.

use std::collections::BTreeSet;

use groma_model::batch::Said;
use groma_model::{Coverage, Gap, Observation, Timestamp};
use groma_source::Sink;
use serde::{Deserialize, Serialize};

use crate::learnt::Learnt;

/// For how long notes are believed, in milliseconds: a directory of yesterday is asked anew.
const BELIEVED_MILLIS: i64 = 12 * 3_600_000;

/// Where a look notes how far it came. It belongs to whoever runs the agent, and to nobody else.
pub trait Journal: Send {
    /// Which build of the program notes: what another one noted was read with other eyes, and is not believed.
    fn program(&self) -> &str;
    /// Hands out the lines that were noted, oldest first; none where they are damaged, or another account's.
    fn replay(&mut self, each: &mut dyn FnMut(&str));
    /// Notes a line. What fails here costs no more than the lines: the look goes on.
    fn note(&mut self, line: &str);
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every line is something told"
)]
enum Line {
    /// What follows was said by this directory, to this account. The version is the program's, its build's and its
    /// questions', in one digest.
    Of {
        directory: String,
        account: String,
        version: String,
        at: Timestamp,
    },
    /// Something that was told.
    Told(Said),
    /// Something later questions need.
    Carried(String, serde_json::Value),
    /// A question was answered, or will be no better in this look.
    Done(String),
}

/// [`Line::Told`], without taking it away from whoever tells it.
#[derive(Serialize)]
struct Told<'a> {
    told: &'a Said,
}

/// What an earlier look brought.
#[derive(Default)]
pub(crate) struct Noted {
    /// Questions that need not be asked.
    pub(crate) done: BTreeSet<String>,
    /// What the unfinished question had brought.
    pub(crate) unfinished: Vec<Said>,
    /// How many facts were told again.
    pub(crate) told: u64,
}

/// The notes about one directory.
pub(crate) struct Notes<'a> {
    journal: Option<&'a mut (dyn Journal + 'static)>,
    directory: String,
    account: String,
    version: String,
    begun: bool,
    carried: Vec<(&'static str, String)>,
}

impl<'a> Notes<'a> {
    /// Notes of what `directory` says to `account` (both as whatever changes its answers changes them), when it is asked
    /// `questions`.
    pub(crate) fn new(
        journal: Option<&'a mut (dyn Journal + 'static)>,
        directory: String,
        account: String,
        questions: &str,
    ) -> Self {
        let program = journal.as_deref().map_or("", Journal::program);
        let version = groma_model::id::digest(&[env!("CARGO_PKG_VERSION"), program, questions]);
        Self {
            journal,
            directory,
            account,
            version,
            begun: false,
            carried: Vec::new(),
        }
    }

    /// Tells what finished questions had brought, and takes back what later ones need of it.
    pub(crate) fn resume(
        &mut self,
        now: Timestamp,
        learnt: &mut Learnt,
        sink: &mut dyn Sink,
    ) -> Noted {
        let mut noted = Noted::default();
        let Some(journal) = self.journal.as_deref_mut() else {
            return noted;
        };
        let (directory, account, own) = (&self.directory, &self.account, &self.version);
        let (mut ours, mut carried) = (false, Vec::new());
        journal.replay(&mut |line| match serde_json::from_str(line) {
            Ok(Line::Of {
                directory: of,
                account: by,
                version,
                at,
            }) => {
                let age = now.millis().saturating_sub(at.millis());
                let fresh = (0..BELIEVED_MILLIS).contains(&age);
                ours = fresh && of == *directory && by == *account && version == *own;
                noted.unfinished.clear();
                carried.clear();
            }
            Ok(Line::Told(said)) if ours => noted.unfinished.push(said),
            Ok(Line::Carried(name, value)) if ours => carried.push((name, value)),
            // What later questions need of this one cannot be read: it is asked again, and so is what came after it.
            Ok(Line::Done(_)) if ours && !carried.iter().all(|(n, v)| learnt.reads(n, v)) => {
                ours = false;
                noted.unfinished.clear();
            }
            Ok(Line::Done(question)) if ours => {
                for said in noted.unfinished.drain(..) {
                    noted.told += u64::from(matches!(said, Said::Saw(_)));
                    say(said, sink);
                }
                for (name, value) in carried.drain(..) {
                    // It can be read, as was asked above.
                    let _ = learnt.take_back(&name, value);
                }
                noted.done.insert(question);
            }
            Ok(_) => {}
            // Half of a line, or one that was damaged: what follows it in these notes may lack something.
            Err(_) => ours = false,
        });
        self.carried = fingerprints(learnt);
        noted
    }

    fn write(&mut self, line: &impl Serialize) {
        let Some(journal) = self.journal.as_deref_mut() else {
            return;
        };
        if let Ok(text) = serde_json::to_string(line) {
            journal.note(&text);
        }
    }

    /// Begins to note.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.begun = true;
        self.write(&Line::Of {
            directory: self.directory.clone(),
            account: self.account.clone(),
            version: self.version.clone(),
            at: now,
        });
    }

    /// Notes that a question is answered, with whatever it added to what is carried on.
    pub(crate) fn done(&mut self, question: &str, learnt: &Learnt) {
        if self.journal.is_none() {
            return;
        }
        let before = std::mem::take(&mut self.carried);
        for (name, value) in learnt.carried() {
            let print = fingerprint(&value);
            if !before.iter().any(|(n, p)| *n == name && *p == print) {
                self.write(&Line::Carried(name.to_owned(), value));
            }
            self.carried.push((name, print));
        }
        self.write(&Line::Done(question.to_owned()));
    }
}

fn fingerprint(value: &serde_json::Value) -> String {
    groma_model::id::digest(&[&value.to_string()])
}

fn fingerprints(learnt: &Learnt) -> Vec<(&'static str, String)> {
    let all = learnt.carried();
    all.iter()
        .map(|(name, value)| (*name, fingerprint(value)))
        .collect()
}

pub(crate) fn say(said: Said, sink: &mut dyn Sink) {
    match said {
        Said::Saw(observation) => sink.saw(observation),
        Said::Missed(gap) => sink.missed(gap),
        Said::Covered(coverage) => sink.covered(coverage),
    }
}

/// A sink that notes what it hands on.
pub(crate) struct Noting<'a, 'n> {
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) notes: Notes<'n>,
}

impl Noting<'_, '_> {
    fn hand_on(&mut self, said: Said) {
        if self.notes.begun {
            self.notes.write(&Told { told: &said });
        }
        say(said, self.sink);
    }
}

impl Sink for Noting<'_, '_> {
    fn saw(&mut self, observation: Observation) {
        self.hand_on(Said::Saw(observation));
    }
    fn missed(&mut self, gap: Gap) {
        self.hand_on(Said::Missed(gap));
    }
    fn covered(&mut self, coverage: Coverage) {
        self.hand_on(Said::Covered(coverage));
    }
}

#[cfg(test)]
mod tests {
    use groma_model::fact::{Fact, Measurement};
    use groma_model::{Scope, Seen, SourceName};
    use groma_source::Recorder;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(std::sync::Arc<std::sync::Mutex<Vec<String>>>, &'static str);

    impl Journal for Paper {
        fn program(&self) -> &str {
            self.1
        }
        fn replay(&mut self, each: &mut dyn FnMut(&str)) {
            self.0.lock().unwrap().iter().for_each(|line| each(line));
        }
        fn note(&mut self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    const NOW: i64 = 1_795_000_000_000;

    fn observation(metric: &str) -> Observation {
        Observation {
            scope: Scope::new("directory", "x"),
            fact: Fact::Measurement(Measurement {
                metric: metric.to_owned(),
                subject: "x".into(),
                value: 1.0,
            }),
            seen: Seen::once(Timestamp::from_millis(NOW)),
        }
    }

    fn recorder() -> Recorder {
        Recorder::new(SourceName::new("directory.objects"))
    }

    /// A look that tells `told`, ends the questions among them (`!name`), and is killed.
    fn look(paper: &Paper, told: &[&str]) {
        let mut journal = paper.clone();
        let mut learnt = crate::testing::learnt();
        let mut heard = recorder();
        let mut notes = Notes::new(Some(&mut journal), "dc1".to_owned(), "a".to_owned(), "q");
        notes.resume(Timestamp::from_millis(NOW), &mut learnt, &mut recorder());
        notes.begin(Timestamp::from_millis(NOW));
        let mut noting = Noting {
            sink: &mut heard,
            notes,
        };
        for word in told {
            match word.strip_prefix('!') {
                Some(question) => noting.notes.done(question, &learnt),
                None => {
                    noting.saw(observation(word));
                    learnt.count("people");
                }
            }
        }
    }

    /// What the next look is told, which questions it need not ask, and what was counted.
    fn again(paper: &Paper, account: &str, millis: i64) -> (Vec<String>, Vec<String>, Option<u64>) {
        asked(paper, (account, "q"), millis)
    }

    /// The same of a program that asks other `questions`.
    fn asked(
        paper: &Paper,
        (account, questions): (&str, &str),
        millis: i64,
    ) -> (Vec<String>, Vec<String>, Option<u64>) {
        let mut journal = paper.clone();
        let mut learnt = crate::testing::learnt();
        let mut heard = recorder();
        let mut notes = Notes::new(
            Some(&mut journal),
            "dc1".to_owned(),
            account.to_owned(),
            questions,
        );
        let noted = notes.resume(Timestamp::from_millis(millis), &mut learnt, &mut heard);
        let metric = |fact: &Fact| match fact {
            Fact::Measurement(m) => m.metric.clone(),
            _ => String::new(),
        };
        (
            heard.facts().map(metric).collect(),
            noted.done.into_iter().collect(),
            learnt.counts.get("people").copied(),
        )
    }

    #[test]
    fn finished_questions_come_back_once_however_often_a_look_is_killed() {
        let paper = Paper::default();
        look(&paper, &["a", "b", "!one", "half"]);
        look(&paper, &["half", "rest", "!two", "more"]);
        let (told, done, people) = again(&paper, "a", NOW + 1_000);
        assert_eq!(told, ["a", "b", "half", "rest"]);
        assert_eq!(done, ["one", "two"]);
        // The test's second look takes back the two of the first.
        assert_eq!(people, Some(4));
    }

    #[test]
    fn notes_of_another_account_another_day_or_of_a_damaged_file_are_not_believed() {
        let paper = Paper::default();
        look(&paper, &["a", "!one"]);
        let nothing = (vec![], vec![], None);
        assert_eq!(again(&paper, "b", NOW), nothing);
        assert_eq!(again(&paper, "a", NOW + BELIEVED_MILLIS), nothing);
        assert_eq!(again(&paper, "a", NOW - 1), nothing);
        paper.0.lock().unwrap()[1] = "\0\0".to_owned();
        assert_eq!(again(&paper, "a", NOW), nothing);
    }

    #[test]
    fn notes_of_other_questions_or_of_another_build_are_not_believed() {
        let paper = Paper::default();
        look(&paper, &["a", "!one"]);
        let nothing = (vec![], vec![], None);
        assert_eq!(asked(&paper, ("a", "changed"), NOW), nothing);
        let other_build = Paper(paper.0.clone(), "built again");
        assert_eq!(again(&other_build, "a", NOW), nothing);
        assert_eq!(again(&paper, "a", NOW).1, ["one"]);
    }

    #[test]
    fn a_question_whose_carried_values_cannot_be_read_is_asked_again() {
        let paper = Paper::default();
        look(&paper, &["a", "!one", "b", "!two", "c", "!three"]);
        let damage = |line: &mut String| {
            if line.contains(r#""people":2"#) {
                *line = r#"{"carried":["counts",["another shape"]]}"#.to_owned();
            }
        };
        paper.0.lock().unwrap().iter_mut().for_each(damage);
        let (told, done, people) = again(&paper, "a", NOW);
        assert_eq!(told, ["a"]);
        assert_eq!(done, ["one"]);
        assert_eq!(people, Some(1));
    }

    #[test]
    fn no_line_brings_it_down() {
        let paper = Paper::default();
        look(&paper, &[]);
        let of = paper.0.lock().unwrap().remove(0);
        groma_fuzz::hammer(
            3_000,
            &[
                of.as_bytes(),
                br#"{"carried":["counts",{"people":3}]}"#,
                br#"{"done":"one"}"#,
            ],
            |bytes| {
                let paper = Paper::default();
                look(&paper, &["a"]);
                let line = String::from_utf8_lossy(bytes).into_owned();
                paper.0.lock().unwrap().push(line);
                let _ = again(&paper, "a", NOW);
            },
        );
    }
}
