//! What VMware vCenter and a lone ESXi answer to questions of the vSphere Web Services API, in SOAP, versions 5.0 to 8.
//!
//! Answers are read from a stream: one property of one object at a time is held, however long the answer is. The paths of
//! properties and the names of types are those of VMware's published API reference (vSphere Web Services API, Managed Objects and
//! Data Objects); what a newer version adds is passed over.

mod answer;
mod cluster;
mod datastore;
mod device;
mod disk;
mod element;
mod guest;
mod host;
mod inventory;
mod load;
mod network;
mod snapshot;

pub use answer::{Fault, Missing, Object, Page, Unread, page, whole};
pub use element::Element;
pub use inventory::{Hidden, Inventory, QUESTIONS, Question};
pub use load::{Counters, load};
