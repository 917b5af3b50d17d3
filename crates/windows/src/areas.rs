//! The areas, one a line.

use crate::Area;

/// All areas.
pub const AREAS: &[Area] = &[
    // Whoever adds one adds a line.
    crate::certificates::AREA,
    crate::iis::AREA,
    crate::tasks::AREA,
];
