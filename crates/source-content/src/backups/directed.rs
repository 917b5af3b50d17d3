//! Jobs that one machine keeps for others: what a server of backups says it copies, and from whom.

use groma_model::Peer;
use groma_model::fact::BackupJob;

/// A job with what its program remembers.
#[derive(Clone, Debug)]
pub(super) struct Directed {
    pub(super) job: BackupJob,
    /// When it last ended well, seconds since 1970.
    pub(super) last_success: Option<i64>,
    /// The words by which something that starts it names the program; empty where it has a clock of its own.
    pub(super) started_by: Vec<String>,
}

/// The machine a name stands for; none where it is this one.
pub(super) fn other(name: &str) -> Option<Peer> {
    Peer::parse(name).filter(|peer| !peer.is_loopback())
}

/// What a job is called that is one of many of its program.
pub(super) fn called(name: &str, of: Option<&Peer>) -> String {
    match of {
        Some(peer) => format!("{name} of {peer}"),
        None => name.to_owned(),
    }
}
