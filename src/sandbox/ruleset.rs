//! Landlock: which files a process may read and change.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, Scope, make_bitflags,
};

use super::{Role, SandboxError};

/// Rights of a later ABI are not asked for, so that what a rule set means does not depend on the crate's version.
const NEWEST: ABI = ABI::V6;
/// The first version lets no file be moved between folders, which writing a work tree does.
const OLDEST: u32 = 2;

/// What may be done to the files of a folder that is open for change.
const CHANGE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | RemoveDir | RemoveFile | MakeDir | MakeReg | Refer | Truncate
});
/// What a build may do besides.
const BUILD: BitFlags<AccessFs> = make_bitflags!(AccessFs::{MakeSym | MakeSock | MakeFifo});
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// Rules that are ready to be put in force.
#[derive(Debug)]
pub(super) struct Rules {
    ruleset: OwnedFd,
}

/// Returns the version of the kernel's Landlock; none where there is none, it is switched off, or too old.
pub(super) fn abi() -> Option<u32> {
    const VERSION: u32 = 1;
    let none = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag landlock_create_ruleset(2) takes no structure and opens nothing.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, VERSION) };
    u32::try_from(abi).ok().filter(|abi| *abi >= OLDEST)
}

/// Builds the rules by which a role can change nothing but `writes`, and cannot start a program unless that is its work.
pub(super) fn limit_writes(role: Role, writes: &[PathBuf]) -> Result<Rules, SandboxError> {
    let mut handled = AccessFs::from_all(NEWEST) & !READ;
    let mut change = CHANGE;
    match role {
        Role::Brain | Role::Hand => {}
        Role::Checker => {
            handled.remove(AccessFs::Execute);
            change |= BUILD;
        }
    }
    let scope = match role {
        Role::Brain | Role::Checker => Scope::from_all(NEWEST),
        // Its end is a signal to the brain, which has rules of its own. It can send no other signal by its system calls.
        Role::Hand => Scope::AbstractUnixSocket.into(),
    };
    let rules = create(handled, scope)?;
    let rules = allow(rules, writes, change)?;
    let rules = allow(
        rules,
        &[PathBuf::from("/dev/null")],
        AccessFs::WriteFile | AccessFs::Truncate,
    )?;
    Rules::new(allow(rules, &drivers(), AccessFs::WriteFile | AccessFs::IoctlDev)?)
}

/// Builds the rules by which nothing can be read but `reads`.
///
/// Every set of rules refuses to move files between folders unless it allows that, whatever else it is about; this one
/// leaves it to the rules for writing.
pub(super) fn limit_reads(reads: &[PathBuf]) -> Result<Rules, SandboxError> {
    let rules = Ruleset::default()
        .handle_access(READ | AccessFs::Refer)
        .and_then(Ruleset::create)
        .map_err(files)?;
    let rules = allow(rules, &[PathBuf::from("/")], AccessFs::Refer.into())?;
    Rules::new(allow(rules, reads, READ)?)
}

/// Builds the rules of one check command: it changes nothing outside of `writes`, and reads and runs what is beneath
/// `reads`.
pub(super) fn limit_check(writes: &[PathBuf], reads: &[PathBuf]) -> Result<Rules, SandboxError> {
    let rules = create(AccessFs::from_all(NEWEST), Scope::from_all(NEWEST))?;
    let rules = allow(rules, writes, CHANGE | BUILD | READ | AccessFs::Execute)?;
    let rules = allow(rules, reads, READ | AccessFs::Execute)?;
    Rules::new(allow(
        rules,
        &[PathBuf::from("/dev/null")],
        AccessFs::WriteFile | AccessFs::Truncate,
    )?)
}

impl Rules {
    /// `None` of the crate's descriptor means that the kernel has no Landlock; [`abi`] said that it has.
    fn new(ruleset: RulesetCreated) -> Result<Self, SandboxError> {
        match Option::<OwnedFd>::from(ruleset) {
            Some(ruleset) => Ok(Self { ruleset }),
            None => Err(files(std::io::Error::from(std::io::ErrorKind::Unsupported))),
        }
    }

    /// Puts the rules in force for this thread and all that it starts. `no_new_privs` is set already.
    pub(super) fn enforce(&self) -> Result<(), SandboxError> {
        self.enforce_here().map_err(files)
    }

    /// As [`Rules::enforce`], for the time between fork and exec: nothing is allocated.
    pub(super) fn enforce_here(&self) -> std::io::Result<()> {
        // SAFETY: landlock_restrict_self(2) takes a descriptor, which is open, and flags.
        match unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.ruleset.as_raw_fd(), 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}

/// Creates rules that allow nothing of `handled`, no TCP, and no way out of `scope`, as far as the kernel knows these.
fn create(handled: BitFlags<AccessFs>, scope: BitFlags<Scope>) -> Result<RulesetCreated, SandboxError> {
    Ruleset::default()
        .handle_access(handled)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(scope))
        .and_then(Ruleset::create)
        .map_err(files)
}

/// Allows `access` beneath paths. One that is not there or cannot be opened is left out: that only allows less.
fn allow(
    mut rules: RulesetCreated,
    paths: &[PathBuf],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, SandboxError> {
    for path in paths {
        let Ok(file) = PathFd::new(path) else {
            continue;
        };
        let access = match path.is_dir() {
            true => access,
            false => access & AccessFs::from_file(NEWEST),
        };
        if access.is_empty() {
            continue;
        }
        rules = rules.add_rule(PathBeneath::new(file, access)).map_err(files)?;
    }
    Ok(rules)
}

/// The devices that a driver of graphics cards works through, in builds that use them.
pub(super) fn drivers() -> Vec<PathBuf> {
    if !super::seccomp::HAS_DRIVERS {
        return Vec::new();
    }
    let named = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        (name.starts_with("nvidia") || matches!(&*name, "dri" | "kfd" | "shm")).then(|| entry.path())
    };
    let devices = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    devices.filter_map(named).collect()
}

fn files(error: impl std::error::Error + Send + Sync + 'static) -> SandboxError {
    SandboxError::Files(Box::new(error))
}
