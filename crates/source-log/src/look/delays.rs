//! How long mail takes here, day by day: numbers that move, each of one day of the week.
//!
//! A log is told whole at each look, so the numbers of a day are those of all its lines that are still there. What stands in
//! two logs is told once: of each day the log counts that knows most of it.

use std::collections::BTreeMap;

use groma_model::fact::Measurement;
use groma_model::{Coverage, CoverageState, Fact, Observation, Scope, Seen, Timestamp};
use groma_source::{Sink, Window};

use crate::mail::delays::{Day, Delays, weekday};

/// What all logs know of the last days, by product and day.
#[derive(Default)]
pub(super) struct Week(BTreeMap<&'static str, BTreeMap<Timestamp, Known>>);

/// What one log knows of a day.
struct Known {
    day: Day,
    /// False if lines of it may be missing.
    is_whole: bool,
    /// How far the log reaches.
    to: Timestamp,
}

impl Week {
    /// Takes what one log tells of a product.
    pub(super) fn take(
        &mut self,
        product: &'static str,
        delays: Delays,
        (is_whole, ends): (bool, Option<Timestamp>),
        now: Timestamp,
    ) {
        for (begin, day) in delays.week(now) {
            let days = self.0.entry(product).or_default();
            let more = |known: &Known| day.lines() > known.day.lines();
            if days.get(&begin).is_none_or(more) {
                let to = ends.map_or(day.first, |ends| ends.max(day.first));
                days.insert(begin, Known { day, is_whole, to });
            }
        }
    }

    /// Says them.
    ///
    /// The moment of a number is the first thing it counts, so that one after a move holds nothing from before it. Where older
    /// lines may come to light it is the begin of the day, for a moment never goes back.
    pub(super) fn say(self, window: &Window, sink: &mut dyn Sink) {
        for (product, days) in self.0 {
            let scope = Scope::new("mail-delay", &product.to_ascii_lowercase());
            let from = days.keys().next().copied().unwrap_or(window.now());
            let to = days.values().map(|known| known.to).max();
            let mut state = CoverageState::Complete;
            for (begin, known) in days {
                if !known.is_whole {
                    state = CoverageState::Partial;
                }
                let at = match known.is_whole {
                    true => known.day.first,
                    false => begin,
                };
                let subject = format!("{product}, {}", weekday(begin));
                for (metric, value) in known.day.numbers() {
                    let fact = Fact::Measurement(Measurement {
                        metric: metric.to_owned(),
                        subject: subject.as_str().into(),
                        value,
                    });
                    let (scope, seen) = (scope.clone(), Seen::once(at));
                    sink.saw(Observation { scope, fact, seen });
                }
            }
            sink.covered(Coverage {
                scope,
                state,
                from,
                to: to.unwrap_or(from),
                how: Some("the days of the last week (UTC) that the log still holds".to_owned()),
            });
        }
    }
}
