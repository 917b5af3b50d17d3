//! The areas, one a line.

use crate::Area;

/// All areas.
pub const AREAS: &[Area] = &[
    // One a line, so that two who add one do not meet.
    crate::archives::AREA,
    crate::devices::AREA,
];
