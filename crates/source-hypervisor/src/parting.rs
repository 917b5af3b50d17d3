//! A log-out has time of its own, however the look ends.

use std::time::Duration;

use groma_source::{Stop, Window};

use crate::cause::Cause;
use crate::http::{Address, Http};
use crate::look::Asking;

/// What the log-out may need at the end.
const FOR_LOG_OUT: Duration = Duration::from_secs(10);
/// What the log-out may take when the look has no time left.
const GRACE: Duration = Duration::from_secs(5);

/// The time of a look without that of its log-out.
pub(crate) fn before_log_out(window: &Window) -> Window {
    let left = window.remaining();
    window.shortened(left.saturating_sub(FOR_LOG_OUT.min(left / 4)))
}

/// A server, as a URL names it, and its port where that names none.
pub(crate) type Place<'p> = (&'p str, u16);

/// Conversations with `place` within `window`.
pub(crate) fn server(
    asking: &Asking<'_>,
    window: &Window,
    (url, port): Place<'_>,
) -> Result<Http, Cause> {
    let address = Address::parse(url, port)?;
    let (world, budget) = (asking.world, asking.budget);
    Http::new(world, window, budget, address, &asking.access.trust, None)
}

/// A new conversation for the log-out alone, where the look has no time left.
pub(crate) fn late(asking: &Asking<'_>, place: Place<'_>) -> Option<Result<Http, Cause>> {
    let is_over = asking.window.is_over();
    is_over.then(|| {
        let clock = asking.world.clock.clone();
        let window = Window::open(clock, Stop::default(), Duration::ZERO, GRACE);
        server(asking, &window, place)
    })
}
