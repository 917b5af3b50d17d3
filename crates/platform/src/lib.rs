//! What platforms of virtualization write about themselves, read into the facts of [`groma_model::virtualization`].
//!
//! Pure: bytes go in; facts come out, beside what could not be read. The agent reads answers of an interface with it, `groma
//! import` reads files that somebody exported, and both find the same.
//!
//! Nothing here is believed: depth, length and number are limited, an unknown property is passed over, and a part that makes no
//! sense is told and left out without the rest.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod document;
pub mod hyperv;
mod json;
pub mod libvirt;
mod load;
pub mod ovf;
pub mod ovirt;
pub mod proxmox;
mod shared;
pub mod vsphere;
mod words;
pub mod xapi;

use groma_model::Fact;
use groma_model::fact::Measurement;

pub use words::{lasting, mac_address, own_uuid, reachable, reaches_beyond_its_link, steady, uuid};

/// What was read of a platform, and what was not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Read {
    /// Facts in the order of the input.
    pub facts: Vec<Fact>,
    /// What makes no sense: a line for a person, with its place in the input and without a secret.
    pub untold: Vec<String>,
}

impl Read {
    /// Adds a number that moves, of the thing whose subject is `subject`.
    pub fn measured(&mut self, metric: &str, subject: &groma_model::Foreign, value: f64) {
        self.facts.push(Fact::Measurement(Measurement {
            metric: metric.to_owned(),
            subject: subject.clone(),
            value,
        }));
    }
}
