//! What services wrote down: who used them, as their own logs tell it, rotated and compressed ones too.
//!
//! **What it sees.** One source, `log.services`. A client that sends mail once a month, binds to the directory at
//! night, or logs on by a script shows in no connection of today; the server's log has it with address, account,
//! mechanism and protection. A month of logs on day one says more than a month of watching.
//!
//! **Where it reads it.** In the syslog files of the machine and the files a product writes by itself, newest
//! first, with their rotations (`.1`, `-20261101`, `.gz`, `.zst`; where logrotate puts them, and with the ending it was told to keep), in the journal of systemd, and in the records of logons (`wtmp`). How a product's lines read is data
//! (`groma_knowledge::logs`); docs/guide/log-grammars.md shows how to add one. It also says from when to when a log
//! reaches, and of an installed product without one how to switch it on: it never does so itself.
//!
//! **Which rights it needs.** Most logs are for root and the group adm.
//!
//! **What it costs the host.** The bytes of those files, up to the budget of a look, in one pass and a few MiB of memory. They
//! are read when a look begins, and what was added while it watched when its watch ends. What each file told is kept
//! beside the agent's state (`remembered`), so the next look reads only what was added since, and says the whole again.
//!
//! **What never leaves.** Addresses of senders and recipients of mail (their domains do), its subjects, names that were asked for outside of this server's own zones and who asked for which, search filters, who logged on
//! to a machine, and every line as such. Uses by the public internet are left out but for peers that come back
//! on several days; mail that strangers deliver to port 25 is nobody's need.
//!
//! A second source, `log.windows`, reads event logs (`.evtx`) and the text logs of Exchange and IIS that somebody carried here
//! and named (`--events`), also in UTF-16 as PowerShell copies them: evidence of the machines these logs are of, not of this one.
//!
//! A name server's questions are read as lines, and in binary (dnstap) where it writes them into a file.
//!
//! **Not read yet:** xz and bzip2, and what a journal older than systemd 246 packed with XZ; each is a gap with a way
//! around it.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod address;
mod dnstap;
mod evtx;
mod family;
mod handed;
mod journal;
mod kept;
mod knot;
mod known;
mod lines;
mod listen;
mod look;
mod mail;
mod part;
mod postfix;
mod quick;
mod radius;
mod reach;
mod read;
mod remembered;
mod search;
mod sendmail;
mod session;
mod stamp;
mod syslog;
mod syslogd;
mod tally;
mod utf16;
mod utmp;
mod windows;
mod word;
mod zones;

pub use handed::{JournalTexts, NAME as JOURNAL_TEXT_NAME, is_journal_text};
pub use look::LogSource;
pub use windows::{NAME as WINDOWS_NAME, WindowsLogs};
