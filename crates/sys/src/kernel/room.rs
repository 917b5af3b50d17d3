//! Entering a network namespace, for as long as it takes to open a socket there.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use groma_source::NetworkRoom;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Does `open` in the network of `room`, on a thread of its own that ends with it: no other thread ever leaves
/// its network, whatever fails.
pub(super) fn within<T: Send>(
    room: Option<&NetworkRoom>,
    open: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let Some(room) = room else { return open() };
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            enter(room)?;
            open()
        });
        there
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread within a network ended early")))
    })
}

fn enter(room: &NetworkRoom) -> io::Result<()> {
    let file = File::open(&room.file)?;
    if file.metadata()?.ino() != room.number {
        return Err(io::ErrorKind::NotFound.into()); // the process ended, and its number is somebody else's
    }
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}
