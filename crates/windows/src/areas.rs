//! The areas, one a line: so that two who add one do not meet.

use crate::Area;

/// All areas.
#[rustfmt::skip]
pub const AREAS: &[Area] = &[
    crate::host::system::AREA,
    crate::host::storage::AREA,
    crate::host::network::AREA,
    crate::host::accounts::AREA,
    crate::host::packages::AREA,
    crate::host::units::AREA,
    crate::shares::AREA,
    crate::needs::AREA,
    crate::archives::AREA,
    crate::devices::AREA,
    crate::certificates::AREA,
    crate::iis::AREA,
    crate::tasks::AREA,
    crate::sockets::AREA,
];
