//! One area of this machine as a source.

use std::sync::Arc;

use groma_model::{CoverageState, Gap, Reason, SourceName, fact::Certificate};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};
use groma_windows::profiles::with_profiles;
use groma_windows::{Area, Hives, Machine, Noted, Said};

use crate::{DriveFiles, Shared};

/// Reads the DER bytes of a certificate: the parser is another crate's.
pub type Certificates = fn(&[u8]) -> Option<Certificate>;

/// Bytes of the hives of people who are not logged on, which are held while an area looks: a child has 512 MiB.
const HIVES_BYTES_MAX: u64 = 128 << 20;

/// Looks at one area.
pub struct AreaSource {
    world: World,
    system: Shared,
    area: &'static Area,
    certificates: Certificates,
}

impl AreaSource {
    /// Of `area` on the machine whose tables `system` has.
    pub fn new(
        world: World,
        system: Shared,
        area: &'static Area,
        certificates: Certificates,
    ) -> Self {
        Self {
            world,
            system,
            area,
            certificates,
        }
    }
}

impl Source for AreaSource {
    fn name(&self) -> SourceName {
        SourceName::new(self.area.name)
    }

    fn explain(&self) -> Explanation {
        explained(self.area)
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let files = DriveFiles::of(Arc::clone(&self.world.disk), Some(window));
        let system = self.system.system();
        let most = budget.total_bytes_max.min(HIVES_BYTES_MAX);
        let noted = Noted::over(system.registry());
        let (registry, doubts) = match reads_people(self.area) {
            true => with_profiles(&noted, &files, most),
            false => (Hives::over(&noted), Vec::new()),
        };
        let rows = self.system.rows(self.world.network.is_offline());
        let machine = Machine {
            registry: &registry,
            files: &files,
            rows,
            certificate: &self.certificates,
        };
        let mut said = (self.area.read)(&machine);
        if reads_people(self.area) && !doubts.is_empty() {
            doubt(&mut said, doubts, AS_WHOM);
        }
        doubt_what_was_left_out(&mut said, &noted);
        for said in said {
            pass_on(said, window, sink);
        }
    }
}

/// What would help where somebody's part of the registry could not be read.
const AS_WHOM: &str = "run as LocalSystem, or as an administrator";

/// Keys and values that were left out for their size: nobody knows which scope would have held them.
pub(crate) fn doubt_what_was_left_out(said: &mut [Said], noted: &Noted<'_>) {
    let left_out = noted.taken().into_iter();
    let left_out: Vec<_> = left_out.map(|what| (what, Reason::TooLarge)).collect();
    if !left_out.is_empty() {
        doubt(said, left_out, "look it up on the machine (regedit)");
    }
}

/// What was not read is missing wherever the area looks: one gap each, and nothing of it is said to be gone.
fn doubt(said: &mut [Said], doubts: Vec<(String, Reason)>, remedy: &str) {
    for one in said.iter_mut() {
        one.state = CoverageState::Partial;
    }
    let Some(first) = said.first_mut() else {
        return;
    };
    let gap = |(what, reason)| Gap {
        scope: first.scope.clone(),
        what,
        reason,
        remedy: Some(remedy.to_owned()),
    };
    let gaps: Vec<Gap> = doubts.into_iter().map(gap).collect();
    first.gaps.extend(gaps);
}

fn reads_people(area: &Area) -> bool {
    area.reads.iter().any(|line| line.contains("HKU"))
}

/// What an area says, now.
pub(crate) fn pass_on(said: Said, window: &Window, sink: &mut dyn Sink) {
    for fact in said.facts {
        sink.saw_now(window, &said.scope, fact);
    }
    for gap in said.gaps {
        sink.missed(gap);
    }
    sink.covered_now(window, &said.scope, said.state);
}

pub(crate) fn explained(area: &Area) -> Explanation {
    let all = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    Explanation {
        purpose: area.purpose.to_owned(),
        reads: all(area.reads),
        contacts: vec![
            "nobody by itself; the system may ask a domain controller what accounts are called, unless --offline".to_owned(),
        ],
        sends: Vec::new(),
        never_sends: all(area.never_sends),
        rights: vec![
            "none; an administrator's, or LocalSystem's, for what belongs to others".to_owned(),
        ],
        cost: "reads keys, files and tables; writes nothing, starts nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test that cannot go on stops here"
    )]

    use groma_windows::{Key, LeftOut, Part, Registry};

    use super::*;

    #[test]
    fn where_a_hive_was_not_read_nothing_is_said_to_be_gone() {
        let mut said = vec![
            Part::begin("host", "outlook").close(),
            Part::begin("archive", "C:").close(),
        ];
        doubt(
            &mut said,
            vec![("hive of S-1-5-21-1-2-3-1001".to_owned(), Reason::Locked)],
            AS_WHOM,
        );
        assert!(said.iter().all(|said| said.state == CoverageState::Partial));
        let gaps: usize = said.iter().map(|said| said.gaps.len()).sum();
        assert_eq!(gaps, 1);
    }

    /// A registry whose one key has more below it than is listed.
    struct Large;

    impl Registry for Large {
        fn key(&self, _: &str) -> Result<Option<Key>, Reason> {
            Ok(Some(Key {
                left_out: vec![LeftOut::Keys],
                ..Key::default()
            }))
        }
    }

    #[test]
    fn a_key_that_was_cut_is_a_gap_of_the_area_that_read_it() {
        let noted = Noted::over(&Large);
        let whole = || vec![Part::begin("registry", "odbc").close()];
        let mut silent = whole();
        doubt_what_was_left_out(&mut silent, &noted);
        assert_eq!(silent, whole());
        noted.key(r"HKLM\SOFTWARE\ODBC\ODBC.INI").unwrap();
        let mut said = whole();
        doubt_what_was_left_out(&mut said, &noted);
        assert_eq!(said[0].state, CoverageState::Partial);
        assert_eq!(said[0].gaps.len(), 1);
        assert_eq!(said[0].gaps[0].reason, Reason::TooLarge);
        assert!(said[0].gaps[0].what.ends_with("ODBC.INI"));
    }
}
