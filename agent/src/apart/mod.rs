//! Sources that look in a process of their own.
//!
//! What a source reads was made by strangers, and may hang, flood or break whoever reads it. So sources that read
//! files look in a child: this very program, started again from its own image, in a role no person types.
//! The child gives up every right it does not need ([`groma_sys::confine`]), and what it says comes back through
//! a pipe, bounded. The parent waits until a deadline and not longer: a child that is stuck in the kernel is left
//! where it is. Whatever happens to a child costs what one source had not said yet, and one gap says so;
//! the sources behind it look in another child. There is one child for those that look at other processes and
//! one for those that do not: a start costs some milliseconds, and rights are what sets them apart.
//!
//! Where the program cannot be started again, sources look in this process, and a gap says that too.

mod child;
mod ear;
mod parent;
mod watched;
mod words;

pub use child::{is_called, serve};
pub use parent::{Group, Outcome, look};
