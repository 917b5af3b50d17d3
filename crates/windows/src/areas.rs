//! The areas, one a line.

use crate::Area;

/// All areas.
pub const AREAS: &[Area] = &[
    crate::host::system::AREA,
    crate::host::storage::AREA,
    crate::host::network::AREA,
    crate::host::accounts::AREA,
    crate::host::packages::AREA,
    crate::host::units::AREA,
    // One a line, so that two who add one do not meet.
    crate::shares::AREA,
    // One a line, so that two who add one do not meet.
    crate::needs::AREA,
#[rustfmt::skip]
pub const AREAS: &[Area] = &[
    crate::archives::AREA,
    crate::devices::AREA,
    // Whoever adds one adds a line.
    crate::certificates::AREA,
    crate::tasks::AREA,
];
