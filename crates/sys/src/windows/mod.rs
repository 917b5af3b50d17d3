//! Windows: its calls, each behind a function that cannot be misused. What they return is bytes and rows; what it means is read
//! elsewhere, on every platform.

#![allow(
    unsafe_code,
    reason = "the interface of the system is C; each call says why it is sound"
)]

mod command_line;
mod console;
pub mod devices;
mod disk;
pub mod disks;
mod handle;
mod limits;
pub mod modules;
mod owner;
mod path;
pub mod people;
pub mod registry;
pub mod service;
pub mod services;
pub mod tables;

pub use console::{ask_hidden, stop_on_signals};
pub use disk::LocalDisk;
pub use limits::{be_modest, begin, space_at};
pub use owner::rights_of;
pub(crate) use owner::{file_for_us_alone, folder_for_us_alone, is_folder_of_ours, is_ours_alone};

/// Attributes and reparse tag of an open file.
pub(crate) fn attributes_of(file: &std::fs::File) -> Option<(u32, u32)> {
    handle::attributes(file).ok()
}

/// How many names an open file has.
pub(crate) fn names_of(file: &std::fs::File) -> Option<u32> {
    Some(handle::information(file).ok()?.nNumberOfLinks)
}

/// The name servers of the adapters that are up, and their suffixes. Addresses that stand for "none was given out" are left out.
pub(crate) fn name_servers() -> (Vec<std::net::IpAddr>, Vec<groma_model::HostName>) {
    let adapters = tables::adapters().unwrap_or_default();
    let up = adapters.iter().filter(|adapter| adapter.status == 1);
    let stands_for_none = |address: &std::net::IpAddr| matches!(address, std::net::IpAddr::V6(a) if a.segments().starts_with(&[0xfec0, 0, 0, 0xffff]));
    let (mut servers, mut search) = (Vec::new(), Vec::new());
    for adapter in up {
        let usable = adapter
            .name_servers
            .iter()
            .filter(|at| !stands_for_none(at));
        servers.extend(usable.copied());
        search.extend(groma_model::HostName::parse(&adapter.suffix));
    }
    (servers, search)
}

/// Text for a call that wants UTF-16 with a zero at its end.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The size of a type, as calls want it.
pub(crate) fn size_of_u32<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// The text of a call, up to its zero.
///
/// # Safety
/// `text` is null or leads to UTF-16 that ends with a zero.
pub(crate) unsafe fn text_at(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut length = 0;
    // SAFETY: nothing is read behind the zero, which the caller promises.
    let units = unsafe {
        while length < TEXT_UNITS_MAX && *text.add(length) != 0 {
            length += 1;
        }
        std::slice::from_raw_parts(text, length)
    };
    String::from_utf16_lossy(units)
}

/// Units of a text that a call hands out.
const TEXT_UNITS_MAX: usize = 32_768;
