//! Names of what platforms tell, by their keys.

use groma_model::virtualization::{At, Platforms};

/// The name of a host; its key where the platform told of no such host.
pub(crate) fn host_name(platforms: &Platforms<'_>, at: At<'_>) -> String {
    let told = platforms.host(at);
    told.map_or_else(|| at.2.to_owned(), |(_, host)| host.name.to_string())
}

/// The name of a datastore; its key where the platform told of no such one.
pub(crate) fn store_name(platforms: &Platforms<'_>, at: At<'_>) -> String {
    let told = platforms.store(at);
    told.map_or_else(|| at.2.to_owned(), |(_, store)| store.name.to_string())
}
