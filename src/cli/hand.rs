//! `edit --apply` in two processes: the brain makes the proposal, the hand, which forked it, applies it. Where nothing is
//! confined one process does both.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::args::BatchArgs;
use super::commands::apply;
use super::commands::batch::branch;
use super::context::Context;
use super::dialogue::FlagsRefused;
use super::exit::ExitStatus;
use super::{child, interrupt, record};
use crate::ledger::{Entry, ProposalId, Recorder, Verb};
use crate::repo::Repository;

/// Whether this build has roles to keep apart.
pub(super) const IS_SEPARATE: bool = cfg!(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// After a signal the brain has this long to end by itself.
const GRACE: Duration = Duration::from_millis(600);

/// Who applies a proposal that passed.
#[derive(Debug)]
pub(crate) enum Applier {
    /// This process.
    Here,
    /// The process that reads the other end.
    Hand(File),
}

/// Which of the two processes this is.
pub(super) enum Side {
    /// The child, with the pipe to name the proposal on.
    Brain(Applier),
    /// The parent.
    Hand(Brain),
}

/// The brain as the hand sees it.
pub(super) struct Brain {
    process: i32,
    proposals: File,
}

impl Applier {
    /// Applies a proposal, or lets it be applied; the hand records that as a run of its own.
    ///
    /// # Errors
    /// As [`apply::apply`]; when the hand is gone.
    pub(crate) fn apply(
        &self,
        context: &Context,
        repository: &Repository,
        entry: &Entry,
        recorder: &Recorder,
    ) -> anyhow::Result<ExitStatus> {
        match self.hands_over(&entry.id.to_string())? {
            false => apply::apply(context, repository, entry, &entry.proposal.patch, recorder),
            true => Ok(ExitStatus::Done),
        }
    }

    /// Names to the hand what it is to do; tells whether there is one.
    ///
    /// # Errors
    /// When the hand is gone.
    pub(crate) fn hands_over(&self, what: &str) -> anyhow::Result<bool> {
        match self {
            Self::Here => Ok(false),
            Self::Hand(pipe) => {
                let mut pipe = pipe;
                writeln!(pipe, "{what}").context("cannot hand over to the process that writes")?;
                Ok(true)
            }
        }
    }
}

/// Becomes two processes. Comes before the first thread.
///
/// # Errors
/// When the system has no room for another process.
pub(super) fn split() -> io::Result<Side> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: the process has one thread, so that the child is as whole as its parent.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            child::end_with_parent();
            Ok(Side::Brain(Applier::Hand(OwnedFd::from(writer).into())))
        }
        process => Ok(Side::Hand(Brain {
            process,
            proposals: OwnedFd::from(reader).into(),
        })),
    }
}

impl Brain {
    /// Waits for the brain and applies the proposal that it named.
    ///
    /// # Errors
    /// As [`apply::apply`].
    pub(super) fn wait_and_apply(mut self, context: &Context) -> anyhow::Result<ExitStatus> {
        interrupt::raise_flag()?;
        let Some(named) = self.named()? else {
            // Its end comes with ours.
            return Ok(ExitStatus::Interrupted);
        };
        let status = self.status()?;
        if status != ExitStatus::Done || named.trim().is_empty() {
            return Ok(status);
        }
        interrupt::watch()?;
        let id: ProposalId = named.trim().parse()?;
        record::recorded(Verb::Apply, context, |recorder| {
            let repository = record::repository(context, recorder)?;
            let entry = context.proposals(&repository)?.get(id)?;
            if !entry.proposal.passed() {
                bail!("proposal {id} did not pass and is not applied");
            }
            let patch = &entry.proposal.patch;
            let flags = patch.flags();
            if !flags.is_empty() {
                return Err(FlagsRefused::of(&flags).into());
            }
            apply::apply(context, &repository, &entry, patch, recorder)
        })
    }

    /// Waits for the brain, and makes a branch of the series that it has left.
    ///
    /// # Errors
    /// As [`branch::build`].
    pub(super) fn wait_and_branch(mut self, args: &BatchArgs, context: &Context) -> anyhow::Result<ExitStatus> {
        interrupt::raise_flag()?;
        let Some(named) = self.named()? else {
            return Ok(ExitStatus::Interrupted);
        };
        let status = self.status()?;
        let (Some(name), Some(folder)) = (&args.branch, &args.output) else {
            return Ok(status);
        };
        if named.trim().is_empty() {
            return Ok(status);
        }
        interrupt::watch()?;
        record::recorded(Verb::Batch, context, |recorder| {
            branch::build(name, folder, args, context, recorder)?;
            Ok(status)
        })
    }

    /// Reads what the brain names until it closes the pipe; none after a signal that it does not obey.
    fn named(&mut self) -> anyhow::Result<Option<String>> {
        /// More than any number of a proposal.
        const MOST_BYTES: usize = 64;
        let mut named = Vec::new();
        let mut signalled: Option<Instant> = None;
        loop {
            let mut waited = libc::pollfd {
                fd: self.proposals.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: poll(2) is given one structure that lives as long as the call.
            let ready = unsafe { libc::poll(&mut waited, 1, 50) };
            if ready > 0 {
                let mut buffer = [0; MOST_BYTES];
                let length = self.proposals.read(&mut buffer).context("cannot hear from the brain")?;
                if length == 0 || named.len() > MOST_BYTES {
                    return Ok(Some(String::from_utf8_lossy(&named).into_owned()));
                }
                named.extend_from_slice(&buffer[..length]);
            }
            if interrupt::requested() && signalled.get_or_insert_with(Instant::now).elapsed() > GRACE {
                return Ok(None);
            }
        }
    }

    fn status(&self) -> anyhow::Result<ExitStatus> {
        let status = child::wait(self.process).context("cannot wait for the brain")?;
        if libc::WIFSIGNALED(status) {
            bail!(
                "the process that runs the model was ended by signal {}",
                libc::WTERMSIG(status)
            );
        }
        Ok(ExitStatus::from_code(libc::WEXITSTATUS(status)))
    }
}
