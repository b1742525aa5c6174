//! One check command, from its start to the end of all that it started.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seccompiler::BpfProgram;

use super::family::{self, Family};
use super::{CheckCommand, CheckEnd, CheckError, CheckLimits, CheckOutcome, Scratch};
use crate::sandbox::ruleset::{self, Rules};
use crate::sandbox::{Role, seccomp};

/// What is kept of the output.
const KEPT_BYTES: usize = 64 << 10;
/// The kernel limits threads, and compilers start some in each process.
const THREADS_A_PROCESS: usize = 8;
/// How often memory and processes are counted: it takes a look at every process of the machine.
const LOOK: Duration = Duration::from_millis(100);
const POLL_MS: i32 = 20;

/// Whose child a lost process is can be told for one command at a time.
static RUNNING: Mutex<()> = Mutex::new(());

pub(super) fn run(
    command: &CheckCommand,
    scratch: &Scratch,
    stopped: &dyn Fn() -> bool,
) -> Result<CheckOutcome, CheckError> {
    if ruleset::abi().is_none() {
        return Err(CheckError::Unconfined);
    }
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    family::adopt_orphans().map_err(CheckError::io("adopt orphans"))?;
    let strangers = family::strangers();
    let started = Instant::now();
    let (mut child, output) = start(command, scratch)?;
    let mut family = Family::new(child.id(), strangers);
    let mut watch = Watch {
        limits: command.limits,
        output,
        kept: Vec::new(),
        written_bytes: 0,
        ended: false,
    };
    let end = watch.until_end(&mut child, &family, started, stopped);
    if matches!(child.try_wait(), Ok(Some(_))) {
        family.bury_head();
    }
    family.end();
    let status = child.wait();
    // What the dead have left in the pipe.
    let drained = watch.take_output();
    let end = match end.and_then(|end| drained.map(|()| end)) {
        Ok(Some(limit)) => limit,
        Ok(None) => ended_with(status.map_err(CheckError::io("wait for the check command"))?),
        Err(source) => return Err(CheckError::io("watch the check command")(source)),
    };
    Ok(CheckOutcome {
        command: command.line.clone(),
        end,
        output: watch.text(),
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// Starts the shell, confined, with one pipe for both of its streams.
fn start(command: &CheckCommand, scratch: &Scratch) -> Result<(Child, OwnedFd), CheckError> {
    let failed = || CheckError::io("start the check command");
    let (reader, writer) = io::pipe().map_err(failed())?;
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(&command.line)
        .current_dir(scratch.tree())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", scratch.home())
        .env("TMPDIR", scratch.temporary())
        .env("LANG", "C.UTF-8")
        .env("TERM", "dumb")
        .envs(command.passed_on.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed())?)
        .stderr(writer);
    let writes = [scratch.tree(), scratch.home(), scratch.temporary()];
    let cage = Cage {
        rules: ruleset::limit_check(&writes, &command.reads())?,
        filter: seccomp::program(Role::Checker)?,
        limits: command.limits,
        most_threads: family::threads_of_this_user() + command.limits.processes * THREADS_A_PROCESS,
    };
    // SAFETY: between fork and exec the cage makes system calls only: it takes no lock and allocates nothing.
    unsafe { shell.pre_exec(move || cage.shut()) };
    let child = shell.spawn().map_err(failed())?;
    // The writing ends that are left in this process go with the command.
    drop(shell);
    let reader = OwnedFd::from(reader);
    set_nonblocking(&reader).map_err(failed())?;
    Ok((child, reader))
}

fn set_nonblocking(pipe: &OwnedFd) -> io::Result<()> {
    rustix::fs::fcntl_setfl(pipe, rustix::fs::OFlags::NONBLOCK).map_err(io::Error::from)
}

/// What the command's process does to itself before it becomes the shell.
struct Cage {
    rules: Rules,
    filter: BpfProgram,
    limits: CheckLimits,
    most_threads: usize,
}

impl Cage {
    fn shut(&self) -> io::Result<()> {
        let done = |result: i32| match result {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        };
        // SAFETY: these calls take integers, or point to a structure that lives as long as the call.
        unsafe {
            // A session of its own: no terminal, and a mark to know its processes by.
            done(libc::setsid())?;
            done(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
            let close_on_exec = libc::CLOSE_RANGE_CLOEXEC;
            done(libc::syscall(libc::SYS_close_range, 3, u32::MAX, close_on_exec) as i32)?;
            done(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        }
        for (resource, most) in [
            (Resource::Core, 0),
            (Resource::Data, self.limits.memory_bytes),
            (Resource::Fsize, self.limits.file_bytes),
            // It counts all threads of the user, and does not hold for root.
            (Resource::Nproc, self.most_threads as u64),
        ] {
            lower(resource, most)?;
        }
        self.rules.enforce_here()?;
        seccompiler::apply_filter(&self.filter).map_err(|_| io::Error::last_os_error())
    }
}

/// Lowers a limit, for good; one that is lower already stays.
fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum.map_or(most, |now| now.min(most));
    let limit = Rlimit {
        current: Some(maximum),
        maximum: Some(maximum),
    };
    setrlimit(resource, limit).map_err(io::Error::from)
}

/// Follows a running command.
struct Watch {
    limits: CheckLimits,
    output: OwnedFd,
    kept: Vec<u8>,
    written_bytes: u64,
    /// Whether nobody has the pipe open for writing any more.
    ended: bool,
}

impl Watch {
    /// Returns when the command has ended, or with the limit that it went beyond.
    fn until_end(
        &mut self,
        child: &mut Child,
        family: &Family,
        started: Instant,
        stopped: &dyn Fn() -> bool,
    ) -> io::Result<Option<CheckEnd>> {
        let mut looked = started;
        loop {
            self.wait_for_output();
            self.take_output()?;
            if self.written_bytes > self.limits.output_bytes {
                return Ok(Some(CheckEnd::OutputLimit));
            }
            if child.try_wait()?.is_some() {
                return Ok(None);
            }
            if started.elapsed() > self.limits.time {
                return Ok(Some(CheckEnd::TimeLimit));
            }
            if looked.elapsed() < LOOK {
                continue;
            }
            looked = Instant::now();
            if stopped() {
                return Ok(Some(CheckEnd::Stopped));
            }
            let used = family.usage();
            if used.processes > self.limits.processes {
                return Ok(Some(CheckEnd::ProcessLimit));
            }
            if used.resident_bytes > self.limits.memory_bytes {
                return Ok(Some(CheckEnd::MemoryLimit));
            }
        }
    }

    fn wait_for_output(&self) {
        if self.ended {
            std::thread::sleep(Duration::from_millis(POLL_MS as u64));
            return;
        }
        let mut waited = libc::pollfd {
            fd: self.output.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: poll(2) is given one structure that lives as long as the call. What it says is found out by reading.
        unsafe { libc::poll(&mut waited, 1, POLL_MS) };
    }

    /// Takes what is in the pipe, up to the limit.
    fn take_output(&mut self) -> io::Result<()> {
        let mut pipe = File::from(self.output.try_clone()?);
        let mut buffer = [0; 16 << 10];
        while self.written_bytes <= self.limits.output_bytes {
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(length) => {
                    self.written_bytes += length as u64;
                    self.kept.extend_from_slice(&buffer[..length]);
                    let surplus = self.kept.len().saturating_sub(KEPT_BYTES);
                    self.kept.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

fn ended_with(status: ExitStatus) -> CheckEnd {
    // What a shell exits with after a program that the signal ended: 128 and its number.
    const SHELL_SAYS_FILE_LIMIT: i32 = 128 + libc::SIGXFSZ;
    match (status.code(), status.signal()) {
        (Some(SHELL_SAYS_FILE_LIMIT), _) | (None, Some(libc::SIGXFSZ)) => CheckEnd::FileLimit,
        (Some(code), _) => CheckEnd::Exited(code),
        (None, signal) => CheckEnd::Signal(signal.unwrap_or(0)),
    }
}
