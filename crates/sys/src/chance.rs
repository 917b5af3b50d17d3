//! Has the kernel gather chance where it has none yet.
//!
//! A program without shared libraries cannot look up `getrandom` in the C library by its name, which the crate of that name does;
//! it falls back to waiting until `/dev/random` can be read. On a guest that was just started and has no device for chance,
//! nothing ever makes that true: only a call that wants bytes makes kernels since 5.4 gather them.

#![expect(unsafe_code, reason = "one system call")]

/// Asks the kernel itself for a byte, and waits until it has one. Kernels before 3.17 do not know the call; nothing changes there.
pub(crate) fn gather() {
    let mut byte = 0_u8;
    // SAFETY: the kernel writes at most one byte to where one byte is, and keeps nothing of the pointer.
    let _ = unsafe { libc::syscall(libc::SYS_getrandom, &raw mut byte, 1_usize, 0_u32) };
}
