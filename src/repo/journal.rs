use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::lock::{create_private_dir, sync_dir};
use super::root::DiskFile;
use super::{BlobId, FileMode, FileState, RepoError, fault};
use crate::text::RepoPath;

const RECORD_FILE: &str = "journal.json";

/// The records of what was written to one work tree, `applies/<number>/`, newest last.
///
/// A record is a directory with `journal.json` and one file per preimage. It comes and goes by a rename, so it is there
/// whole or not at all; a directory whose name is not a number is what a crash left of one, and is removed.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
}

/// One record: what is being, or was, written.
#[derive(Debug)]
pub(super) struct Record {
    dir: PathBuf,
    pub(super) plan: Plan,
}

/// The content of `journal.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    version: u32,
    pub(super) label: String,
    pub(super) phase: Phase,
    /// Makes the names of temporary files those of this record.
    pub(super) nonce: String,
    pub(super) entries: Vec<Entry>,
    /// The directories that did not exist before, the outermost first.
    pub(super) created_dirs: Vec<RepoPath>,
}

/// How far the writing of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The files may be old or new; they go back to old.
    Applying,
    /// All files are new.
    Applied,
    /// The files may be old or new; they go back to old.
    Undoing,
}

/// One file of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: RepoPath,
    pub(super) before: Option<Preimage>,
    pub(super) after: Option<FileState>,
}

/// What a file was before it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Preimage {
    pub(super) blob: BlobId,
    pub(super) mode: FileMode,
    pub(super) permissions: u32,
    pub(super) owner: (u32, u32),
    /// The file in the record's directory that holds the bytes.
    file: String,
}

impl Preimage {
    pub(super) fn state(&self) -> FileState {
        FileState {
            blob: self.blob,
            mode: self.mode,
        }
    }
}

impl Plan {
    /// Reads a plan. What it names can be nothing but files of the work tree and of the record: paths are [`RepoPath`]s,
    /// and the names of temporary files and preimages are plain.
    ///
    /// # Errors
    /// When it is not one, or of another version.
    pub(super) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let plan: Self = serde_json::from_slice(json)?;
        let refused = |why: String| Err(serde::de::Error::custom(why));
        if plan.version != 1 {
            return refused(format!("version {} is not known", plan.version));
        }
        if plan.nonce.is_empty() || !plan.nonce.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return refused("the nonce is not of letters and digits".to_owned());
        }
        for (at, entry) in plan.entries.iter().enumerate() {
            if entry
                .before
                .as_ref()
                .is_some_and(|before| before.file != preimage_name(at))
            {
                return refused(format!("file {at} has a preimage of another name"));
            }
        }
        Ok(plan)
    }
}

impl Journal {
    /// Opens the journal of a work tree and sweeps out what a crash left of unfinished records.
    pub(super) fn open(state_dir: &Path) -> Result<Self, RepoError> {
        let dir = state_dir.join("applies");
        create_private_dir(&dir).map_err(|e| RepoError::io(&dir, e))?;
        let journal = Self { dir };
        for name in journal.names()? {
            if name.parse::<u64>().is_err() {
                let path = journal.dir.join(name);
                fs::remove_dir_all(&path).map_err(|e| RepoError::io(&path, e))?;
            }
        }
        Ok(journal)
    }

    /// Returns the newest record.
    pub(super) fn newest(&self) -> Result<Option<Record>, RepoError> {
        let newest = self.newest_number()?;
        newest
            .map(|number| Record::load(self.dir.join(number.to_string())))
            .transpose()
    }

    /// Makes a new record durable; `files` are the preimages, in the order of the writes.
    pub(super) fn begin(
        &self,
        label: &str,
        files: &[(RepoPath, Option<&DiskFile>, Option<FileState>)],
        created_dirs: Vec<RepoPath>,
    ) -> Result<Record, RepoError> {
        let number = self.newest_number()?.unwrap_or(0) + 1;
        let staged = self.dir.join(format!("{number}.new"));
        let io = |e| RepoError::io(&staged, e);
        fault::point()?;
        create_private_dir(&staged).map_err(io)?;
        let mut entries = Vec::with_capacity(files.len());
        for (at, (path, before, after)) in files.iter().enumerate() {
            let before = match before {
                None => None,
                Some(file) => {
                    let name = preimage_name(at);
                    fault::point()?;
                    write_synced(&staged.join(&name), &file.bytes)?;
                    Some(Preimage {
                        blob: BlobId::of(&file.bytes),
                        mode: file.mode,
                        permissions: file.permissions,
                        owner: file.owner,
                        file: name,
                    })
                }
            };
            entries.push(Entry {
                path: path.clone(),
                before,
                after: *after,
            });
        }
        let mut record = Record {
            dir: staged.clone(),
            plan: Plan {
                version: 1,
                label: label.to_owned(),
                phase: Phase::Applying,
                nonce: nonce(&staged)?,
                entries,
                created_dirs,
            },
        };
        record.save()?;
        sync_dir(&staged).map_err(io)?;
        let dir = self.dir.join(number.to_string());
        fault::point()?;
        fs::rename(&staged, &dir).map_err(io)?;
        sync_dir(&self.dir).map_err(io)?;
        record.dir = dir;
        Ok(record)
    }

    fn newest_number(&self) -> Result<Option<u64>, RepoError> {
        Ok(self.names()?.iter().filter_map(|name| name.parse().ok()).max())
    }

    fn names(&self) -> Result<Vec<String>, RepoError> {
        let io = |e| RepoError::io(&self.dir, e);
        let entries = fs::read_dir(&self.dir).map_err(io)?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect::<io::Result<_>>().map_err(io)
    }
}

impl Record {
    /// Returns where the preimages are kept.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads the bytes of a preimage.
    pub(super) fn preimage(&self, preimage: &Preimage) -> Result<Vec<u8>, RepoError> {
        let file = self.dir.join(&preimage.file);
        let bytes = fs::read(&file).map_err(|e| RepoError::io(&file, e))?;
        if BlobId::of(&bytes) == preimage.blob {
            return Ok(bytes);
        }
        let source = serde::de::Error::custom("its bytes are not those of the recorded blob id");
        Err(RepoError::StateDamaged { file, source })
    }

    /// Moves the record to a phase, durably.
    pub(super) fn enter(&mut self, phase: Phase) -> Result<(), RepoError> {
        let before = std::mem::replace(&mut self.plan.phase, phase);
        self.save().inspect_err(|_| self.plan.phase = before)
    }

    /// Forgets the record.
    pub(super) fn remove(self) -> Result<(), RepoError> {
        let io = |e| RepoError::io(&self.dir, e);
        let gone = self.dir.with_extension("gone");
        fault::point()?;
        fs::rename(&self.dir, &gone).map_err(io)?;
        if let Some(parent) = self.dir.parent() {
            sync_dir(parent).map_err(io)?;
        }
        fault::point()?;
        fs::remove_dir_all(&gone).map_err(io)
    }

    fn load(dir: PathBuf) -> Result<Self, RepoError> {
        let file = dir.join(RECORD_FILE);
        let json = fs::read(&file).map_err(|e| RepoError::io(&file, e))?;
        match Plan::parse(&json) {
            Ok(plan) => Ok(Self { dir, plan }),
            Err(source) => Err(RepoError::StateDamaged { file, source }),
        }
    }

    fn save(&self) -> Result<(), RepoError> {
        let file = self.dir.join(RECORD_FILE);
        let io = |e: io::Error| RepoError::io(&file, e);
        let json = serde_json::to_vec(&self.plan).map_err(|e| io(e.into()))?;
        fault::point()?;
        let mut temporary = NamedTempFile::new_in(&self.dir).map_err(io)?;
        temporary.write_all(&json).map_err(io)?;
        temporary.as_file().sync_all().map_err(io)?;
        fault::point()?;
        temporary.persist(&file).map_err(|e| io(e.error))?;
        sync_dir(&self.dir).map_err(io)
    }
}

/// Returns the name of the file that holds the preimage of entry number `at`.
fn preimage_name(at: usize) -> String {
    format!("{at}.old")
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), RepoError> {
    let write = || -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| RepoError::io(path, e))
}

/// Returns a few characters that no earlier record used: those that `tempfile` drew for a name.
fn nonce(dir: &Path) -> Result<String, RepoError> {
    let drawn = tempfile::Builder::new().prefix("").tempfile_in(dir);
    let drawn = drawn.map_err(|e: io::Error| RepoError::io(dir, e))?;
    let name = drawn.path().file_name().and_then(OsStr::to_str).map(str::to_owned);
    name.ok_or_else(|| RepoError::io(dir, io::Error::from(ErrorKind::InvalidData)))
}
