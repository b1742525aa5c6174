use git2::build::TreeUpdateBuilder;
use git2::{ErrorCode, FileMode as GitMode, Oid, Signature, Time};

use super::{BlobId, FileMode, FileWrite, RepoError, Repository};

/// Commits on top of `HEAD` that no branch names yet; the work tree and git's index stay as they are.
pub struct BranchBuilder<'r> {
    repository: &'r Repository,
    name: String,
    base: Oid,
    head: Oid,
    commits: usize,
}

/// Who made a commit, and what it says.
#[derive(Clone, Debug)]
pub struct CommitText {
    /// Subject, body and trailers.
    pub message: String,
    /// Whom it names as author and committer.
    pub author: String,
    /// Their address.
    pub email: String,
    /// Seconds since 1970.
    pub date_unix_s: i64,
}

impl<'r> BranchBuilder<'r> {
    /// Begins at the commit that `HEAD` names.
    ///
    /// # Errors
    /// [`RepoError::BranchName`], [`RepoError::BranchExists`], or what libgit2 says: without a commit there is no `HEAD`.
    pub fn begin(repository: &'r Repository, name: &str) -> Result<Self, RepoError> {
        let git = repository.git().lock();
        let failed = |error| RepoError::git(repository.git_dir(), error);
        if !git2::Branch::name_is_valid(name).map_err(failed)? {
            return Err(RepoError::BranchName(name.to_owned()));
        }
        match git.find_branch(name, git2::BranchType::Local) {
            Ok(_) => return Err(RepoError::BranchExists(name.to_owned())),
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let base = git.head().and_then(|head| head.peel_to_commit()).map_err(failed)?.id();
        Ok(Self {
            repository,
            name: name.to_owned(),
            base,
            head: base,
            commits: 0,
        })
    }

    /// Adds a commit.
    ///
    /// # Errors
    /// [`RepoError::NotCommitted`] where a file is not the one that the commit before has; what libgit2 says.
    pub fn commit(&mut self, files: &[FileWrite], text: &CommitText) -> Result<(), RepoError> {
        let git = self.repository.git().lock();
        let failed = |error| RepoError::git(self.repository.git_dir(), error);
        let parent = git.find_commit(self.head).map_err(failed)?;
        let tree = parent.tree().map_err(failed)?;
        let mut update = TreeUpdateBuilder::new();
        for file in files {
            let path = file.path.as_str();
            let there = match tree.get_path(path.as_ref()) {
                Ok(entry) => Some(BlobId::from(entry.id())),
                Err(error) if error.code() == ErrorCode::NotFound => None,
                Err(error) => return Err(failed(error)),
            };
            if there != file.before.as_ref().map(|state| state.blob) {
                return Err(RepoError::NotCommitted(file.path.clone()));
            }
            match &file.after {
                None => {
                    update.remove(path);
                }
                Some(content) => {
                    let blob = git.blob(&content.bytes).map_err(failed)?;
                    let mode = match content.mode {
                        FileMode::Regular => GitMode::Blob,
                        FileMode::Executable => GitMode::BlobExecutable,
                    };
                    update.upsert(path, blob, mode);
                }
            }
        }
        let tree = update.create_updated(&git, &tree).map_err(failed)?;
        let tree = git.find_tree(tree).map_err(failed)?;
        let when = Time::new(text.date_unix_s, 0);
        let who = Signature::new(&text.author, &text.email, &when).map_err(failed)?;
        self.head = git
            .commit(None, &who, &who, &text.message, &tree, &[&parent])
            .map_err(failed)?;
        self.commits += 1;
        Ok(())
    }

    /// Returns the commit at which the branch begins.
    pub fn base(&self) -> String {
        self.base.to_string()
    }

    /// Returns the last commit.
    pub fn head(&self) -> String {
        self.head.to_string()
    }

    /// Returns how many commits there are.
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Gives the commits the name of the branch.
    ///
    /// # Errors
    /// [`RepoError::BranchExists`] where somebody else was first; what libgit2 says.
    pub fn finish(self) -> Result<(), RepoError> {
        let git = self.repository.git().lock();
        let failed = |error: git2::Error| match error.code() {
            ErrorCode::Exists => RepoError::BranchExists(self.name.clone()),
            _ => RepoError::git(self.repository.git_dir(), error),
        };
        let head = git.find_commit(self.head).map_err(failed)?;
        git.branch(&self.name, &head, false).map_err(failed)?;
        Ok(())
    }
}
