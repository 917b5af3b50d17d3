//! The inventory in the formats of other tools.
//!
//! One module per format, each after what its makers publish: GraphML, DOT and Mermaid for pictures, an inventory of
//! Ansible, targets for Prometheus, objects for NetBox, inventories for GLPI. Pure: a document in, text out, the same
//! bytes for the same document in whatever order its lists stand.
//!
//! Whatever a person judged wrong is left out of every format. Every name may have been written by an attacker: what
//! hides or turns text is made visible first, and then each format escapes what it would read as its own.
#![forbid(unsafe_code)]

mod ansible;
mod dot;
mod glpi;
mod graphml;
mod mermaid;
mod netbox;
mod object;
mod prometheus;
mod view;
mod visible;

pub use ansible::ansible;
pub use dot::dot;
pub use glpi::glpi;
pub use graphml::graphml;
pub use mermaid::mermaid;
pub use netbox::netbox;
pub use prometheus::prometheus_sd;
