//! The areas, one a line.

use crate::Area;

/// All areas.
#[rustfmt::skip]
pub const AREAS: &[Area] = &[
    crate::archives::AREA,
    crate::devices::AREA,
];
