use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::panic::resume_unwind;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use git2::{ErrorCode, RepositoryOpenFlags};
use sha2::{Digest, Sha256};

use super::exclusion::LetterCase;
use super::root::Root;
use super::walk::walk;
use super::{RepoError, Revision, Snapshot};
use crate::text::RepoPath;

/// A git repository and the work tree it was found from.
pub struct Repository {
    git: GitHandle,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_dir: Option<PathBuf>,
}

/// What `HEAD` points to; commits in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch with at least one commit.
    Branch { name: String, commit: String },
    /// A commit, and no branch.
    Detached { commit: String },
    /// A branch without a commit.
    Unborn { name: String },
}

impl Repository {
    /// Finds the repository that `dir` is in, by the rules of git: the nearest `.git` above it on the same file system.
    ///
    /// The environment (`GIT_DIR` and its like) takes no part.
    ///
    /// # Errors
    /// [`RepoError::NotARepository`], [`RepoError::PermissionDenied`], [`RepoError::Ownership`], or what libgit2 says.
    pub fn discover(dir: &Path) -> Result<Self, RepoError> {
        let dir = fs::canonicalize(dir).map_err(|e| RepoError::io(dir, e))?;
        allow_partial_clones();
        let no_ceiling: [&OsStr; 0] = [];
        let git = git2::Repository::open_ext(&dir, RepositoryOpenFlags::empty(), no_ceiling)
            .map_err(|error| not_opened(&dir, error))?;
        let git_dir = canonical(git.path())?;
        let common_dir = canonical(git.commondir())?;
        let work_dir = git.workdir().map(canonical).transpose()?;
        Ok(Self {
            git: GitHandle(Arc::new(Mutex::new(git))),
            git_dir,
            common_dir,
            work_dir,
        })
    }

    /// Returns the canonical root of the work tree; `None` when the repository is bare.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// Returns git's own folder of the work tree.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Returns what `HEAD` points to.
    ///
    /// # Errors
    /// When libgit2 cannot read it.
    pub fn head(&self) -> Result<Head, RepoError> {
        let git = self.git.lock();
        let error = |e| RepoError::git(&self.git_dir, e);
        let head = match git.head() {
            Ok(head) => head,
            Err(e) if e.code() == ErrorCode::UnbornBranch => {
                let head = git.find_reference("HEAD").map_err(error)?;
                let target = String::from_utf8_lossy(head.symbolic_target_bytes().unwrap_or_default()).into_owned();
                let name = target.strip_prefix("refs/heads/").unwrap_or(&target).to_owned();
                return Ok(Head::Unborn { name });
            }
            Err(e) => return Err(error(e)),
        };
        let commit = head.peel_to_commit().map_err(error)?.id().to_string();
        if git.head_detached().map_err(error)? {
            return Ok(Head::Detached { commit });
        }
        let name = String::from_utf8_lossy(head.shorthand_bytes()).into_owned();
        Ok(Head::Branch { name, commit })
    }

    /// Returns the name under which state of this work tree is kept: the first 16 hexadecimal digits of the SHA-256
    /// of the canonical path of the work tree, or of the repository where it is bare.
    pub fn key(&self) -> String {
        digest_of(self.work_dir.as_ref().unwrap_or(&self.git_dir))
    }

    /// Returns the name under which is kept what all work trees of the repository share, made as [`Repository::key`].
    pub fn shared_key(&self) -> String {
        digest_of(&self.common_dir)
    }

    /// Turns a path that a person typed in the directory `cwd` into a path of the repository.
    ///
    /// Absolute paths are taken when they lead into the work tree. Links in front of the work tree are followed, links
    /// inside it are not.
    ///
    /// # Errors
    /// [`RepoError::Outside`], [`RepoError::WorkTreeRoot`], [`RepoError::Bare`], or the rule of [`RepoPath`] that the
    /// path breaks.
    pub fn relative(&self, cwd: &Path, typed: &Path) -> Result<RepoPath, RepoError> {
        let root = self.require_work_dir()?;
        let outside = || RepoError::Outside {
            path: typed.to_path_buf(),
            root: root.to_path_buf(),
        };
        let cwd = canonical(cwd)?;
        let absolute = lexically_normal(&cwd.join(typed));
        let mut above: Vec<&Path> = absolute.ancestors().collect();
        above.reverse();
        for dir in above {
            let Ok(real) = fs::canonicalize(dir) else {
                break;
            };
            let Ok(inside) = real.strip_prefix(root) else {
                continue;
            };
            let rest = absolute.strip_prefix(dir).map_err(|_| outside())?;
            let path = inside.join(rest);
            if path.as_os_str().is_empty() {
                return Err(RepoError::WorkTreeRoot(typed.to_path_buf()));
            }
            return Ok(RepoPath::normalize(&path)?);
        }
        Err(outside())
    }

    /// Lists the files of the work tree as they are now.
    ///
    /// # Errors
    /// [`RepoError::Bare`] where there is none; I/O and index errors.
    pub fn snapshot(&self) -> Result<Snapshot, RepoError> {
        let path = self.require_work_dir()?;
        let taken_ns = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
        let (tracked, walked) = std::thread::scope(|scope| {
            let case = self.git.letter_case();
            let tracked = scope.spawn(|| self.git.tracked(path));
            let walked = walk(path, case);
            let tracked = tracked.join();
            (tracked.unwrap_or_else(|panic| resume_unwind(panic)), walked)
        });
        let tracked = tracked?;
        let root = Root::open(path, tracked.modules)?;
        Ok(Snapshot::take(root, self.git.clone(), tracked.files, walked, taken_ns))
    }

    /// Lists the files of a commit, a tag or a tree, by any name that git knows it by; a bare repository has them too.
    ///
    /// # Errors
    /// [`RepoError::NoSuchRevision`]; what libgit2 says of trees that cannot be read.
    pub fn revision(&self, name: &str) -> Result<Revision, RepoError> {
        Revision::take(&self.git, &self.git_dir, name)
    }

    /// Opens the root of the work tree.
    pub(super) fn root(&self) -> Result<Root, RepoError> {
        let path = self.require_work_dir()?;
        Root::open(path, self.git.tracked(path)?.modules)
    }

    /// Returns what asks libgit2.
    pub(super) fn git(&self) -> &GitHandle {
        &self.git
    }

    fn require_work_dir(&self) -> Result<&Path, RepoError> {
        self.work_dir().ok_or_else(|| RepoError::Bare(self.git_dir.clone()))
    }
}

/// A libgit2 repository that several threads may ask in turn.
#[derive(Clone)]
pub(super) struct GitHandle(Arc<Mutex<git2::Repository>>);

impl fmt::Debug for GitHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GitHandle")
    }
}

/// What the index lists.
pub(super) struct Tracked {
    /// Sorted.
    pub(super) files: Vec<RepoPath>,
    pub(super) modules: BTreeSet<RepoPath>,
}

impl GitHandle {
    pub(super) fn lock(&self) -> MutexGuard<'_, git2::Repository> {
        // libgit2 keeps no state of ours that a panic elsewhere could have left half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether git takes names that differ by case only for one.
    pub(super) fn letter_case(&self) -> LetterCase {
        letter_case(&self.lock())
    }

    /// Reads the index; entries whose paths are not UTF-8 are left out.
    pub(super) fn tracked(&self, work_dir: &Path) -> Result<Tracked, RepoError> {
        const GITLINK: u32 = 0o160_000;
        let git = self.lock();
        let error = |e| RepoError::git(work_dir, e);
        let mut index = git.index().map_err(error)?;
        index.read(false).map_err(error)?;
        let mut tracked = Tracked {
            files: Vec::with_capacity(index.len()),
            modules: BTreeSet::new(),
        };
        for entry in index.iter() {
            let path = std::str::from_utf8(&entry.path)
                .ok()
                .and_then(|p| RepoPath::new(p).ok());
            match path {
                Some(path) if entry.mode == GITLINK => drop(tracked.modules.insert(path)),
                Some(path) => tracked.files.push(path),
                None => {}
            }
        }
        // They are in order already; a path in conflict stands there several times.
        tracked.files.sort();
        tracked.files.dedup();
        Ok(tracked)
    }
}

/// Tells whether git takes names that differ by case only for one.
pub(super) fn letter_case(git: &git2::Repository) -> LetterCase {
    match git.config().and_then(|config| config.get_bool("core.ignorecase")) {
        Ok(true) => LetterCase::Ignored,
        Ok(false) | Err(_) => LetterCase::Distinct,
    }
}

fn digest_of(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest[..8].iter().fold(String::new(), |mut key, byte| {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

fn canonical(path: &Path) -> Result<PathBuf, RepoError> {
    fs::canonicalize(path).map_err(|e| RepoError::io(path, e))
}

/// Lets libgit2 open partial clones. It refuses them because objects may be missing; none is read here but the commit
/// at `HEAD`, which no partial clone leaves out.
fn allow_partial_clones() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: sets a static of libgit2, which nothing else in this process sets, before the first repository is opened.
        let allowed = unsafe { git2::opts::set_extensions(&["partialclone"]) };
        // Where it fails, such a repository is refused with libgit2's own message.
        drop(allowed);
    });
}

/// Resolves `.` and `..` by name alone; `path` is absolute.
fn lexically_normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Says why libgit2 found no repository: it reports a `.git` that may not be read as one that is not there.
fn not_opened(dir: &Path, error: git2::Error) -> RepoError {
    let denied = |path: &Path| match fs::metadata(path) {
        Err(e) => e.kind() == ErrorKind::PermissionDenied,
        Ok(meta) if meta.is_dir() => {
            fs::read(path.join("HEAD")).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied)
        }
        Ok(_) => fs::read(path).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied),
    };
    let dot_git = dir.ancestors().map(|a| a.join(".git")).find(|p| denied(p));
    match (dot_git, error.code()) {
        (Some(path), _) => RepoError::PermissionDenied(path),
        (None, ErrorCode::NotFound) => RepoError::NotARepository(dir.to_path_buf()),
        (None, _) => RepoError::git(dir, error),
    }
}
