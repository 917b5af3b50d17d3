//! libvirt: KVM, QEMU, Xen and LXC on a host, asked through its own daemon.
//!
//! **What it sees.** The guests of one host with disks, cards, snapshots and what they have for themselves; the host; its pools
//! and networks. A title or a description that somebody wrote is never read.
//!
//! **How it asks.** By the daemon's own protocol, on a connection that may only read: the socket for readers on this machine
//! (`qemu:///system`, and each driver's own daemon where there is one), or TLS (`qemu://HOST/system`) with a certificate of our
//! own. Clear text stays on this machine. `test:///default` may be opened through a daemon as well. Nothing is asked over ssh:
//! that is for bringing an agent to a host, and an agent there asks its socket itself.
//!
//! **As whom.** As nobody, as polkit lets readers in, or as the certificate. A log-on by name and password (SASL) is not spoken.
//!
//! **Which rights it needs.** The socket for readers: none on most hosts. Only `ask_guests` needs the socket that may write, for
//! libvirt lets nobody else hear what helpers inside guests say; what is asked there changes nothing either.
//!
//! **What it costs.** One question at a time: one for a guest and two while it runs, two for a snapshot, one for a volume, a pool, a
//! network or a card; on this machine each takes about a fifth of a millisecond.

mod daemon;
mod part;
mod place;
mod reach;
mod reading;
mod rpc;
mod words;
mod xdr;

pub(crate) use place::NOT_OVER_SSH;
pub(crate) use reading::read;
