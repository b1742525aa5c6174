use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::LedgerError;
use crate::agent::Proposal;
use crate::patch::{FilePatch, Patch};

/// The proposals made for one work tree: `proposals/<key>/<id>.json` under the state directory.
///
/// A file appears whole or not at all, and two processes never take one number. Nothing is ever removed, so a number
/// means the same proposal for good.
#[derive(Clone, Debug)]
pub struct ProposalStore {
    dir: PathBuf,
}

/// The number of a proposal, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProposalId(u64);

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for a person.
    Open,
    /// Some of its hunks are in the work tree, the rest waits.
    PartlyApplied,
    /// Its patch is in the work tree.
    Applied,
    /// Nobody wants it.
    Discarded,
}

/// A proposal as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub id: ProposalId,
    /// When it was made, in seconds since 1970 UTC.
    pub created_unix_s: u64,
    /// What became of it.
    pub state: ProposalState,
    /// The proposal.
    pub proposal: Proposal,
    /// What was applied of it, in order: one patch where all was taken at once, each for the texts that the one before left.
    #[serde(default)]
    pub applied: Vec<Patch>,
}

impl Entry {
    /// Returns what is to be applied: the patch, or what the parts that are applied leave of it.
    pub fn rest(&self) -> Patch {
        let patch = &self.proposal.patch;
        if self.state != ProposalState::PartlyApplied {
            return patch.clone();
        }
        let left = |file: &FilePatch| {
            let parts = self.applied.iter().rev().flat_map(|part| &part.files);
            let last = parts.into_iter().find(|part| part.path == file.path);
            let old = last.map_or_else(|| file.old.clone(), |part| part.new.clone());
            let (path, new) = (file.path.clone(), file.new.clone());
            (old != new).then_some(FilePatch { path, old, new })
        };
        let files = patch.files.iter().filter_map(left).collect();
        Patch { files }
    }

    /// Returns the number that the next part has, from 1.
    pub fn next_part(&self) -> usize {
        match self.state {
            ProposalState::PartlyApplied => self.applied.len() + 1,
            ProposalState::Open | ProposalState::Applied | ProposalState::Discarded => 1,
        }
    }
}

impl ProposalStore {
    /// Opens the proposals of the work tree with the key `repo_key`; makes the directory where there is none.
    ///
    /// # Errors
    /// When the key is no plain name, or the directory cannot be made.
    pub fn open(state_dir: &Path, repo_key: &str) -> Result<Self, LedgerError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if repo_key.is_empty() || !repo_key.chars().all(plain) {
            return Err(LedgerError::BadKey(repo_key.to_owned()));
        }
        let dir = state_dir.join("proposals").join(repo_key);
        create_private_dir(&dir).map_err(|e| io_error(&dir, e))?;
        Ok(Self { dir })
    }

    /// Keeps a new proposal and returns its number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&self, proposal: &Proposal, created_unix_s: u64) -> Result<ProposalId, LedgerError> {
        let mut id = ProposalId(self.ids()?.last().map_or(1, |last| last.0 + 1));
        loop {
            let entry = Entry {
                id,
                created_unix_s,
                state: ProposalState::Open,
                proposal: proposal.clone(),
                applied: Vec::new(),
            };
            let temporary = self.write(&entry)?;
            match temporary.persist_noclobber(self.file(id)) {
                Ok(_) => break,
                // Another process took the number between the look and the link.
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => id = ProposalId(id.0 + 1),
                Err(error) => return Err(io_error(&self.file(id), error.error)),
            }
        }
        self.sync()?;
        Ok(id)
    }

    /// Returns all proposals, oldest first.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] names the first file that is not a proposal.
    pub fn list(&self) -> Result<Vec<Entry>, LedgerError> {
        self.ids()?.into_iter().map(|id| self.get(id)).collect()
    }

    /// Returns one proposal.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchProposal`], [`LedgerError::Damaged`].
    pub fn get(&self, id: ProposalId) -> Result<Entry, LedgerError> {
        let file = self.file(id);
        let json = match fs::read(&file) {
            Ok(json) => json,
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(LedgerError::NoSuchProposal(id)),
            Err(e) => return Err(io_error(&file, e)),
        };
        let entry = serde_json::from_slice(&json).and_then(|entry: Entry| {
            if entry.id == id {
                return Ok(entry);
            }
            let what = format!("it holds proposal {}", entry.id);
            Err(serde::de::Error::custom(what))
        });
        entry.map_err(|source| LedgerError::Damaged { file, source })
    }

    /// Says what became of a proposal.
    ///
    /// # Errors
    /// As [`ProposalStore::get`], or when the file cannot be written.
    pub fn set_state(&self, id: ProposalId, state: ProposalState) -> Result<(), LedgerError> {
        let mut entry = self.get(id)?;
        if entry.state == state {
            return Ok(());
        }
        entry.state = state;
        self.replace(&entry)
    }

    /// Remembers that `patch` was applied as the next part of a proposal; returns what became of it by that.
    ///
    /// # Errors
    /// As [`ProposalStore::set_state`].
    pub fn add_part(&self, id: ProposalId, patch: &Patch) -> Result<ProposalState, LedgerError> {
        let mut entry = self.get(id)?;
        entry.applied.truncate(entry.next_part() - 1);
        entry.applied.push(patch.clone());
        entry.state = ProposalState::PartlyApplied;
        if entry.rest().is_empty() {
            entry.state = ProposalState::Applied;
        }
        self.replace(&entry)?;
        Ok(entry.state)
    }

    /// Remembers that a part of a proposal, from 1, was taken back. One that was discarded stays so.
    ///
    /// # Errors
    /// As [`ProposalStore::set_state`].
    pub fn take_back_part(&self, id: ProposalId, part: usize) -> Result<(), LedgerError> {
        let mut entry = self.get(id)?;
        entry.applied.truncate(part.saturating_sub(1));
        entry.state = match entry.state {
            ProposalState::Discarded => ProposalState::Discarded,
            _ if entry.applied.is_empty() => ProposalState::Open,
            _ => ProposalState::PartlyApplied,
        };
        self.replace(&entry)
    }

    fn replace(&self, entry: &Entry) -> Result<(), LedgerError> {
        let file = self.file(entry.id);
        let temporary = self.write(entry)?;
        temporary.persist(&file).map_err(|e| io_error(&file, e.error))?;
        self.sync()
    }

    /// Returns the numbers in use, in order; names that are not those of proposals are passed over.
    fn ids(&self) -> Result<Vec<ProposalId>, LedgerError> {
        let mut ids = Vec::new();
        let error = |e| io_error(&self.dir, e);
        for entry in fs::read_dir(&self.dir).map_err(error)? {
            let name = entry.map_err(error)?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(stem.and_then(|stem| stem.parse::<ProposalId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    fn file(&self, id: ProposalId) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    fn write(&self, entry: &Entry) -> Result<NamedTempFile, LedgerError> {
        let write = || -> io::Result<NamedTempFile> {
            let mut file = NamedTempFile::new_in(&self.dir)?;
            file.write_all(&serde_json::to_vec(entry)?)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        write().map_err(|e| io_error(&self.dir, e))
    }

    fn sync(&self) -> Result<(), LedgerError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|e| io_error(&self.dir, e))
    }
}

impl ProposalId {
    /// Returns the number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ProposalId {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok().filter(|_| digits);
        number.map(Self).ok_or_else(|| LedgerError::NotAnId(text.to_owned()))
    }
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn io_error(path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Io {
        path: path.to_path_buf(),
        source,
    }
}
