//! The process that runs check commands for the brain, which can start none. It is forked before the brain confines
//! itself, knows what the user asked for as the brain does, and is told files alone.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};

use serde::{Deserialize, Serialize};

use super::CheckOutcome;
use crate::repo::{FileContent, FileMode, FileWrite};
use crate::sandbox::close_inherited;
use crate::text::RepoPath;

/// More than any patch; what is longer is not a request.
const MOST_BYTES: u64 = 1 << 30;

/// The brain's end of the pipes to the process that runs check commands.
#[derive(Debug)]
pub struct Checker {
    requests: Option<File>,
    answers: BufReader<File>,
    process: i32,
}

/// The other end: the candidates that come in.
#[derive(Debug)]
pub struct Requests {
    requests: BufReader<File>,
    answers: File,
}

/// One file of a candidate, as it is sent.
#[derive(Serialize, Deserialize)]
struct Changed {
    path: RepoPath,
    after: Option<(FileMode, Vec<u8>)>,
}

/// Why no check command could be run.
#[derive(Debug, thiserror::Error)]
pub enum CheckerError {
    /// The process cannot be started, or is gone.
    #[error("the process that runs check commands does not answer")]
    Gone(#[source] io::Error),
    /// It says why it could not.
    #[error("a check command could not be run: {0}")]
    Refused(String),
}

impl Checker {
    /// Forks the process, which calls `serve` and ends with the code that it returns. Comes before the first thread.
    ///
    /// # Errors
    /// [`CheckerError::Gone`] when it cannot be started.
    pub fn start(serve: impl FnOnce(Requests) -> i32) -> Result<Self, CheckerError> {
        let (request_reader, request_writer) = io::pipe().map_err(CheckerError::Gone)?;
        let (answer_reader, answer_writer) = io::pipe().map_err(CheckerError::Gone)?;
        // SAFETY: the process has one thread, so that the child is as whole as its parent.
        match unsafe { libc::fork() } {
            -1 => Err(CheckerError::Gone(io::Error::last_os_error())),
            0 => {
                drop((request_writer, answer_reader));
                let (requests, answers) = (OwnedFd::from(request_reader), OwnedFd::from(answer_writer));
                // The rest is the brain's.
                if close_inherited(&[requests.as_raw_fd(), answers.as_raw_fd()]).is_err() {
                    std::process::exit(1);
                }
                for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                    // SAFETY: ignores a signal. It ends when the brain is gone, and ends its command first.
                    unsafe { libc::signal(signal, libc::SIG_IGN) };
                }
                let code = serve(Requests {
                    requests: BufReader::new(requests.into()),
                    answers: answers.into(),
                });
                std::process::exit(code)
            }
            process => Ok(Self {
                requests: Some(OwnedFd::from(request_writer).into()),
                answers: BufReader::new(OwnedFd::from(answer_reader).into()),
                process,
            }),
        }
    }

    /// Lets every command run on a candidate, until one fails; returns what came of those that ran.
    ///
    /// # Errors
    /// [`CheckerError`] when they could not be run.
    pub fn check(&mut self, writes: &[FileWrite]) -> Result<Vec<CheckOutcome>, CheckerError> {
        let changed: Vec<Changed> = writes.iter().map(Changed::of).collect();
        let gone = || CheckerError::Gone(io::Error::from(io::ErrorKind::BrokenPipe));
        let requests = self.requests.as_mut().ok_or_else(gone)?;
        send(requests, &changed).map_err(CheckerError::Gone)?;
        let answer: Option<Result<Vec<CheckOutcome>, String>> =
            receive(&mut self.answers).map_err(CheckerError::Gone)?;
        answer.ok_or_else(gone)?.map_err(CheckerError::Refused)
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        drop(self.requests.take());
        // SAFETY: waitpid(2) for a child that nobody else waits for; it ends when its requests do.
        unsafe { libc::waitpid(self.process, std::ptr::null_mut(), 0) };
    }
}

impl Requests {
    /// Waits for the next candidate; none when the brain is gone.
    ///
    /// # Errors
    /// When what comes is no candidate.
    pub fn candidate(&mut self) -> io::Result<Option<Vec<FileWrite>>> {
        let changed: Option<Vec<Changed>> = receive(&mut self.requests)?;
        Ok(changed.map(|changed| changed.into_iter().map(Changed::into_write).collect()))
    }

    /// Sends what came of a candidate.
    ///
    /// # Errors
    /// When the brain is gone.
    pub fn answer(&mut self, answer: &Result<Vec<CheckOutcome>, String>) -> io::Result<()> {
        send(&mut self.answers, answer)
    }

    /// Tells whether the brain is gone.
    pub fn is_abandoned(&self) -> bool {
        let mut waited = libc::pollfd {
            fd: self.requests.get_ref().as_raw_fd(),
            events: 0,
            revents: 0,
        };
        // SAFETY: poll(2) is given one structure that lives as long as the call, and does not wait.
        unsafe { libc::poll(&mut waited, 1, 0) };
        waited.revents & (libc::POLLHUP | libc::POLLERR) != 0
    }
}

impl Changed {
    fn of(write: &FileWrite) -> Self {
        Self {
            path: write.path.clone(),
            after: write.after.as_ref().map(|after| (after.mode, after.bytes.clone())),
        }
    }

    fn into_write(self) -> FileWrite {
        FileWrite {
            path: self.path,
            before: None,
            after: self.after.map(|(mode, bytes)| FileContent { bytes, mode }),
        }
    }
}

/// Writes one line of JSON.
fn send(pipe: &mut File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    pipe.write_all(&line)
}

/// Reads one line of JSON; none at the end.
fn receive<T: for<'de> Deserialize<'de>>(pipe: &mut BufReader<File>) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    pipe.take(MOST_BYTES).read_until(b'\n', &mut line)?;
    match line.is_empty() {
        true => Ok(None),
        false => Ok(Some(serde_json::from_slice(&line)?)),
    }
}
