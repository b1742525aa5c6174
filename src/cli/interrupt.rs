//! What Ctrl-C and a request to terminate do.
//!
//! A signal raises a flag, which long work polls through `Progress::cancelled`. Work that does not poll (a C library
//! that loads weights) is ended by a watchdog, unless the work tree is being written: then the write is finished first.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::exit::ExitStatus;

/// Work that polls has this long to stop by itself.
const GRACE: Duration = Duration::from_millis(400);
const POLL: Duration = Duration::from_millis(50);

static WRITING: Mutex<()> = Mutex::new(());

/// The work was stopped by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Starts to watch for signals. Called after the process is confined, as this starts a thread.
///
/// # Errors
/// When a signal cannot be watched or the thread not be started.
pub(crate) fn watch() -> io::Result<()> {
    raise_flag()?;
    thread::Builder::new().name("interrupt".to_owned()).spawn(|| {
        while !requested() {
            thread::sleep(POLL);
        }
        thread::sleep(GRACE - POLL);
        // Held until the end: no write begins any more.
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(io::stderr(), "skiff: interrupted");
        // Ends at once: the destructors of a C library must not run under its own working threads.
        signal_hook::low_level::exit(i32::from(ExitStatus::Interrupted.code()));
    })?;
    Ok(())
}

/// Lets signals raise the flag and do nothing else, for work that polls it.
///
/// # Errors
/// When a signal cannot be watched.
pub(crate) fn raise_flag() -> io::Result<()> {
    let flag = flag();
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(flag))?;
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(flag))?;
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(flag))?;
    Ok(())
}

/// Tells whether a signal has asked the process to stop.
pub(crate) fn requested() -> bool {
    flag().load(Ordering::Relaxed)
}

fn flag() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(Arc::default)
}

/// While a value of this type lives, a signal does not end the process: the work tree is being written.
#[derive(Debug)]
pub(crate) struct Uninterruptible {
    _writing: MutexGuard<'static, ()>,
}

impl Uninterruptible {
    /// Begins work that must be finished.
    ///
    /// # Errors
    /// [`Interrupted`] when a signal came before.
    pub(crate) fn enter() -> Result<Self, Interrupted> {
        let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if requested() {
            return Err(Interrupted);
        }
        Ok(Self { _writing: writing })
    }
}
