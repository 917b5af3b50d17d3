//! The machine itself: who it is, what it runs and is made of, its disks, its network, its accounts, packages and services.

pub(crate) mod accounts;
mod activation;
mod clock;
pub(crate) mod domain;
mod firmware;
mod name_policy;
pub(crate) mod network;
pub(crate) mod packages;
mod release;
mod resolvers;
mod smbios;
pub(crate) mod stated;
pub(crate) mod storage;
pub(crate) mod system;
#[cfg(test)]
mod testing;
mod time_zones;
pub(crate) mod units;
mod version;

/// `HKLM\SYSTEM\CurrentControlSet\Services`: a key for every service and driver.
pub(crate) const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
/// What the network stack was told: host name, domain, interfaces.
const TCPIP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";

/// A number that moves, as a measurement holds it.
#[expect(
    clippy::cast_precision_loss,
    reason = "a measurement is a floating number; a few bytes in a petabyte do not matter"
)]
fn measured(number: u64) -> f64 {
    number as f64
}
