//! The areas, one a line.

use crate::Area;

/// All areas.
pub const AREAS: &[Area] = &[
    // One a line, so that two who add one do not meet.
    crate::needs::AREA,
    crate::databases::AREA,
];
