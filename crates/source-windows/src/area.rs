//! One area of this machine as a source.

use std::sync::Arc;

use groma_model::{SourceName, fact::Certificate};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};
use groma_windows::profiles::with_profiles;
use groma_windows::{Area, Machine, Said};

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
        let (registry, doubts) = with_profiles(
            system.registry(),
            &files,
            budget.total_bytes_max.min(HIVES_BYTES_MAX),
        );
        let rows = self.system.rows(self.world.network.is_offline());
        let machine = Machine {
            registry: &registry,
            files: &files,
            rows,
            certificate: &self.certificates,
        };
        let said = (self.area.read)(&machine);
        // Whoever was not read is missing wherever people are read.
        if let Some(first) = said.first().filter(|_| reads_people(self.area)) {
            for (what, reason) in doubts {
                let remedy = "run as LocalSystem, or as an administrator";
                sink.missed_because(&first.scope, what, reason, remedy);
            }
        }
        for said in said {
            pass_on(said, window, sink);
        }
    }
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
