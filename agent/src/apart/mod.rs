//! Sources that look in a process of their own.
//!
//! What a source reads was made by strangers, and may hang, flood or break whoever reads it. So sources that read
//! files look in a child: this very program, started again from its own image, in a role no person types.
//! The child gives up every right it does not need ([`groma_sys::confine`]), and what it says comes back through
//! a pipe, bounded. The parent waits until a deadline and not longer: a child that is stuck in the kernel is left
//! where it is. Whatever happens to a child costs what one source had not said yet, and one gap says so;
//! the sources behind it look in another child. There is one child for each set of rights ([`Sight`]) and one for
//! each source that watches for as long as the look lasts: a start costs some milliseconds, and rights are what
//! sets them apart. A file system one of them hung on is passed over by all that come after it in the same look, each
//! with a gap of its own ([`Silence`]).
//!
//! What has to look within this process (name servers and certificates at listeners, which need to call somebody;
//! everything, where the program cannot be started again, and a gap says so) looks on a thread of its own, which is
//! waited for no longer than a child would be (`bounded`). And wherever it looks, the memory of another process
//! is read with a deadline of its own ([`PatientDisk`]).

pub(crate) mod bounded;
mod child;
mod ear;
mod opened;
mod parent;
mod patient;
mod silence;
mod sober;
mod watched;
mod words;

pub use child::{Sources, Wish, is_called, serve};
pub use parent::{Group, Outcome, look};
pub(crate) use parent::{Trouble, told};
pub use patient::PatientDisk;
pub use silence::Silence;
pub use words::Sight;
