use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ObjectType, RepositoryOpenFlags, Tree};

use super::exclusion::{EXCLUSION_FILE, Exclusions};
use super::repository::GitHandle;
use super::repository::letter_case;
use super::{BlobId, RepoError};
use crate::text::RepoPath;

/// How deep folders may lie in each other; git itself stops far before.
const MAX_DEPTH: usize = 512;

/// The files of a commit's tree, without a work tree.
#[derive(Clone)]
pub struct Revision {
    git_dir: PathBuf,
    tree: String,
    files: Vec<RevisionFile>,
    /// Handles that no thread uses at the moment: libgit2 unpacks objects under one handle one by one.
    idle: Arc<Mutex<Vec<git2::Repository>>>,
}

/// One regular file of a [`Revision`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionFile {
    /// The file.
    pub path: RepoPath,
    /// Its bytes.
    pub blob: BlobId,
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revision")
            .field("tree", &self.tree)
            .finish_non_exhaustive()
    }
}

impl Revision {
    pub(super) fn take(git: &GitHandle, git_dir: &Path, name: &str) -> Result<Self, RepoError> {
        let git = git.lock();
        let unknown = |source| RepoError::NoSuchRevision {
            name: name.to_owned(),
            source: Box::new(source),
        };
        let object = git.revparse_single(name).map_err(unknown)?;
        let tree = object.peel(ObjectType::Tree).map_err(unknown)?;
        let error = |e| RepoError::git(git_dir, e);
        let tree = tree.peel_to_tree().map_err(error)?;
        let mut listing = Listing {
            files: Vec::new(),
            exclusions: Exclusions::new(letter_case(&git)),
        };
        listing.add(&git, &tree, "", 0).map_err(error)?;
        let Listing { mut files, exclusions } = listing;
        files.retain(|file| !exclusions.cover(&file.path));
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            git_dir: git_dir.to_path_buf(),
            tree: tree.id().to_string(),
            files,
            idle: Arc::default(),
        })
    }

    /// Returns the regular files, sorted by path; links and submodules are left out, and names that are not UTF-8.
    pub fn files(&self) -> &[RevisionFile] {
        &self.files
    }

    /// Returns the id of the tree, in hexadecimal.
    pub fn tree(&self) -> &str {
        &self.tree
    }

    /// Reads a blob of at most `max_bytes`; `path` is for the error only.
    ///
    /// # Errors
    /// [`RepoError::TooLarge`], and what libgit2 says of an object that cannot be read.
    pub fn read_bytes(&self, path: &RepoPath, blob: BlobId, max_bytes: u64) -> Result<Vec<u8>, RepoError> {
        let git = self.handle()?;
        let read = read(&git, blob, max_bytes).map_err(|e| RepoError::git(&self.git_dir, e));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(git);
        match read? {
            Ok(bytes) => Ok(bytes),
            Err(size_bytes) => Err(RepoError::TooLarge {
                path: path.clone(),
                size_bytes,
                limit_bytes: max_bytes,
            }),
        }
    }

    fn handle(&self) -> Result<git2::Repository, RepoError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(git) => Ok(git),
            None => {
                let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
                let no_ceiling: [&std::ffi::OsStr; 0] = [];
                git2::Repository::open_ext(&self.git_dir, flags, no_ceiling)
                    .map_err(|e| RepoError::git(&self.git_dir, e))
            }
        }
    }
}

/// Reads a blob, or returns the size of one that is too large.
fn read(git: &git2::Repository, blob: BlobId, max_bytes: u64) -> Result<Result<Vec<u8>, u64>, git2::Error> {
    let odb = git.odb()?;
    let id = git2::Oid::from_bytes(blob.as_bytes())?;
    let (size, _) = odb.read_header(id)?;
    if size as u64 > max_bytes {
        return Ok(Err(size as u64));
    }
    Ok(Ok(odb.read(id)?.data().to_vec()))
}

struct Listing {
    files: Vec<RevisionFile>,
    exclusions: Exclusions,
}

impl Listing {
    fn add(&mut self, git: &git2::Repository, tree: &Tree<'_>, folder: &str, depth: usize) -> Result<(), git2::Error> {
        const REGULAR: i32 = 0o100_000;
        const KIND: i32 = 0o170_000;
        for entry in tree.iter() {
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                continue;
            };
            let path = match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            match entry.kind() {
                Some(ObjectType::Tree) if depth < MAX_DEPTH => {
                    let inner = git.find_tree(entry.id())?;
                    self.add(git, &inner, &path, depth + 1)?;
                }
                Some(ObjectType::Blob) if entry.filemode() & KIND == REGULAR => {
                    if name == EXCLUSION_FILE {
                        let lines = git.find_blob(entry.id())?;
                        self.exclusions.add(folder, &String::from_utf8_lossy(lines.content()));
                    }
                    let blob = BlobId::from(entry.id());
                    self.files
                        .extend(RepoPath::new(&path).ok().map(|path| RevisionFile { path, blob }));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
