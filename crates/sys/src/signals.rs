//! Being asked to stop: the first time a look ends early and keeps what it has, the second time the program ends.

use groma_source::Stop;

/// From now on SIGINT and SIGTERM ask for `stop`; a second one ends the program at once. Call it before any thread is
/// started: threads wait for signals as the one that started them does.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the mask of signals and the wait for them have no safe wrapper here"
)]
pub fn stop_on_signals(stop: &Stop) {
    // SAFETY: the set is made by `sigemptyset` before anything reads it, and lives as long as each call.
    let set = unsafe {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
        libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        set.assume_init()
    };
    let stop = stop.clone();
    let waiting = std::thread::Builder::new().name("groma-signals".to_owned());
    // Without the thread signals would be held back for ever: then they end the program as before.
    let started = waiting.spawn(move || {
        let mut signal = 0;
        // SAFETY: both pointers are to values of this thread.
        while unsafe { libc::sigwait(&raw const set, &raw mut signal) } == 0 {
            if stop.is_asked() {
                std::process::exit(128 + signal);
            }
            stop.ask();
        }
    });
    if started.is_err() {
        // SAFETY: as above.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
    }
}

/// Elsewhere a signal ends the program, as it always does.
#[cfg(not(target_os = "linux"))]
pub fn stop_on_signals(_: &Stop) {}
