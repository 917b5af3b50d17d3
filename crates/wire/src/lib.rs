//! Batches between agent and collector: versioned, bounded, bytes in and bytes out.
//!
//! A batch is a text file that anybody can read with two standard tools, `zstd -dc batch | jq`: one
//! zstd frame (RFC 8878) of JSON lines. The first line is the header, the last one counts the records,
//! so that a cut-off file is known as such:
//!
//! ```text
//! {"schema":"groma.batch/1","agent":"agt-…","site":"default","epoch":1,"sequence":7,…}
//! {"source":"host.sockets","scope":"socket:net-1/tcp","seen":{…},"saw":{"fact":"listener",…}}
//! {"n":1,"source":"host.sockets","scope":"socket:net-1/tcp","seen":{…},"saw":{"fact":"connection",…}}
//! {"again":1,"seen":{…}}
//! {"source":"host.sockets","covered":{"scope":"socket:net-1/tcp","state":"complete",…}}
//! {"records":4}
//! ```
//!
//! A fact that is said twice in a batch is written once, with a small number; every later saying names
//! the number and the new times. Source and scope stand in plain text on each line that says something
//! new: reading matters more than the bytes, and zstd removes the repetition.
//!
//! Reading is where strangers' bytes come in. [`Limits`] bounds what arrives, what it expands to, the
//! window, every line, its depth, its strings and how many values it builds; a decoder stops at the
//! first thing beyond them. Unknown fields are ignored and unknown kinds of facts are kept as they
//! came, so that a newer agent may talk to an older collector within one schema version.
//!
//! Besides batches, agent and collector exchange a few small documents ([`talk`]); a [`token::Token`] lets an agent in, and a batch that is carried
//! by hand has a [`signature`] behind it.
//!
//! [`Decoder`] streams and holds one line at a time (and the facts that carry a number); [`decode`]
//! gathers a whole [`Batch`](groma_model::Batch). Neither touches a file, a clock or a socket.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

pub mod against;
mod decode;
mod encode;
mod error;
mod limits;
mod line;
mod marks;
mod openings;
pub mod signature;
pub mod talk;
pub mod token;
mod unpack;

pub use decode::{Decoder, Knows, Received, decode, receive, receive_text, receive_told};
pub use encode::encode;
pub use error::WireError;
pub use limits::Limits;
pub use marks::{Mark, Told};

/// The first four bytes of every batch: the magic number of a zstd frame (RFC 8878 §3.1.1).
pub const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
