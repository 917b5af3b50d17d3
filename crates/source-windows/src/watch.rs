//! Sockets, sampled for as long as a look watches.

use std::time::Duration;

use groma_model::SourceName;
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};
use groma_windows::{AREAS, Area, Machine, Noted, Sockets};

use crate::area::{doubt_what_was_left_out, explained};
use crate::{Certificates, DriveFiles, SOCKETS, Shared};

/// Shortest time between two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// A sample may take this share of the time to the next.
const SHARE: u32 = 20;

/// Watches sockets.
pub struct SocketWatch {
    world: World,
    system: Shared,
    certificates: Certificates,
}

impl SocketWatch {
    /// On the machine whose tables `system` has.
    pub fn new(world: World, system: Shared, certificates: Certificates) -> Self {
        Self {
            world,
            system,
            certificates,
        }
    }

    fn sample(&self, sockets: &mut Sockets, window: &Window) {
        let begin = window.monotonic();
        loop {
            let before = window.monotonic();
            sockets.sample(&self.system.system().sockets(), window.now());
            let now = window.monotonic();
            let left = window.watch().saturating_sub(now.saturating_sub(begin));
            if left.is_zero() || window.is_over() {
                return;
            }
            let pause = now.saturating_sub(before).saturating_mul(SHARE);
            window.sleep(pause.max(INTERVAL).min(left));
            if window.is_over() {
                return;
            }
        }
    }
}

fn area() -> Option<&'static Area> {
    AREAS.iter().find(|area| area.name == SOCKETS)
}

impl Source for SocketWatch {
    fn name(&self) -> SourceName {
        SourceName::new(SOCKETS)
    }

    fn explain(&self) -> Explanation {
        area().map_or_else(Explanation::default, explained)
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let files = DriveFiles::of(self.world.disk.clone(), Some(window));
        let rows = self.system.rows(self.world.network.is_offline());
        let noted = Noted::over(self.system.system().registry());
        let machine = Machine {
            registry: &noted,
            files: &files,
            rows,
            certificate: &self.certificates,
        };
        let mut sockets = Sockets::of(&machine).without(std::process::id());
        self.sample(&mut sockets, window);
        let most = usize::try_from(budget.observations_max).unwrap_or(usize::MAX);
        for observation in sockets.observations().into_iter().take(most) {
            sink.saw(observation);
        }
        let mut said = sockets.said();
        doubt_what_was_left_out(&mut said, &noted);
        for said in said {
            for gap in said.gaps {
                sink.missed(gap);
            }
            sink.covered_now(window, &said.scope, said.state);
        }
    }
}
