//! The areas, one a line.

use crate::Area;

/// All areas.
pub const AREAS: &[Area] = &[];
