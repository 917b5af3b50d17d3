//! What name servers on this machine are set up to answer: zones read from their own files.
//!
//! **What it sees.** Records that lead to a machine (`A`, `AAAA`, `CNAME`, `DNAME`, `MX`, `NS`, `PTR`, `SRV`) with the time for
//! which others remember them. Which of them name a machine that moves, and which name one that nobody has any more, follows
//! from them later.
//!
//! **Where it reads it.** In BIND's settings and the zone files they name. A secondary's file in raw form, and changes
//! that stand in a journal beside the file, are gaps with the way to have them written as text. No server is asked: a
//! transfer of a zone (AXFR) is what intrusion detection waits for.

mod generate;
mod look;
mod master;

pub use look::ZonesSource;
