mod weights;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use weights::{clone_blocks, hash_file, same_file};

use super::{GgufError, Header};
use crate::progress::Progress;

const MAX_NAME_BYTES: usize = 100;

/// The GGUF files that this user has taken in, each under a name and pinned by its SHA-256.
///
/// A model is a pair of files: `<name>.gguf` and `<name>.json`, the record.
#[derive(Clone, Debug)]
pub struct Registry {
    dir: PathBuf,
    allowed: Option<BTreeSet<String>>,
}

/// One registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name that it is asked for by.
    pub name: String,
    /// Where the weights lie.
    pub path: PathBuf,
    /// The SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// The size of the file.
    pub bytes: u64,
    /// The name of the file that it was added from.
    pub source: String,
    /// `general.architecture` of the header.
    pub architecture: String,
}

/// A model file that was hashed and whose header was checked: what [`LlamaCpp::load`](super::LlamaCpp::load) takes.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// The name to show and to record.
    pub name: String,
    /// Where the weights lie.
    pub path: PathBuf,
    /// The SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// The size of the file.
    pub bytes: u64,
    /// What its header says.
    pub header: Header,
}

/// What can go wrong with registered models.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The person at the terminal stopped it.
    #[error("interrupted")]
    Cancelled,
    /// A name that cannot be a file name everywhere.
    #[error("{0:?} is not a model name: letters, digits, `.`, `_` and `-` are, beginning with a letter or digit")]
    InvalidName(String),
    /// Another file has the name already.
    #[error("a different model is registered as {0:?}")]
    NameTaken(String),
    /// No model of that name, and no such file.
    #[error("no model {name:?}; {}", known_names(known))]
    NotFound { name: String, known: Vec<String> },
    /// Nothing was asked for and there is not exactly one model.
    #[error("no model was chosen; {}", known_names(known))]
    NoDefault { known: Vec<String> },
    /// The file is not the one that was registered.
    #[error("{} has changed since it was registered: its SHA-256 is {found} and should be {expected}", path.display())]
    HashMismatch {
        path: PathBuf,
        expected: String,
        found: String,
    },
    /// The file is none of those that may be used.
    #[error("{} may not be used: its SHA-256 {sha256} is not among those that are allowed", path.display())]
    NotAllowed { path: PathBuf, sha256: String },
    /// The file is not a GGUF file that can be used.
    #[error("{} cannot be used as a model", path.display())]
    Gguf {
        path: PathBuf,
        #[source]
        source: GgufError,
    },
    /// A record that cannot be read.
    #[error("the record {} is damaged", path.display())]
    Record {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// The file system refused.
    #[error("{action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        "none is registered".to_owned()
    } else {
        format!("registered: {}", known.join(", "))
    }
}

/// The record beside the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    sha256: String,
    bytes: u64,
    source: String,
    architecture: String,
    /// What the file system said of the file when it was last hashed; the file is hashed again when that differs.
    #[serde(default)]
    stamp: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_ns: u64,
    changed_ns: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, RegistryError> {
        let metadata = fs::metadata(path).map_err(io_error("cannot read", path))?;
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        #[cfg(unix)]
        let (changed_ns, inode) = {
            use std::os::unix::fs::MetadataExt;
            let ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
            (u64::try_from(ns).unwrap_or(0), metadata.ino())
        };
        #[cfg(not(unix))]
        let (changed_ns, inode) = (0, 0);
        Ok(Self {
            bytes: metadata.len(),
            modified_ns: modified
                .and_then(|time| u64::try_from(time.as_nanos()).ok())
                .unwrap_or(0),
            changed_ns,
            inode,
        })
    }
}

impl Registry {
    /// Opens the registry in a directory, which need not exist yet.
    pub fn open(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            allowed: None,
        }
    }

    /// Returns the registry as one that uses no other files than those with these SHA-256, in lower-case hexadecimal. Any
    /// other is refused by its hash alone, before its header is read.
    pub fn allowing(self, sha256: impl IntoIterator<Item = String>) -> Self {
        Self {
            allowed: Some(sha256.into_iter().collect()),
            ..self
        }
    }

    /// Takes a file in under a name (by default its own), unless it is there already.
    ///
    /// The file is hashed and its header checked; on file systems that can, the copy shares its blocks with the source.
    ///
    /// # Errors
    /// [`RegistryError::NameTaken`] when another file has the name, and what the file system or the header check say.
    pub fn add(&self, source: &Path, name: Option<&str>, progress: &dyn Progress) -> Result<ModelEntry, RegistryError> {
        if self.allowed.is_some() {
            self.check_allowed(source, &hash_file(source, io::sink(), progress)?)?;
        }
        let header = read_header(source)?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => source
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        check_name(&name)?;
        fs::create_dir_all(&self.dir).map_err(io_error("cannot create", &self.dir))?;
        let target = self.weights_path(&name);
        let sha256 = if same_file(source, &target) {
            hash_file(source, io::sink(), progress)?
        } else {
            self.copy_in(source, &name, progress)?
        };
        let record = Record {
            sha256,
            bytes: fs::metadata(&target).map_err(io_error("cannot read", &target))?.len(),
            source: source
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            architecture: header.architecture,
            stamp: Some(Stamp::of(&target)?),
        };
        if let Some(old) = self.record(&name)?
            && old.sha256 != record.sha256
        {
            return Err(RegistryError::NameTaken(name));
        }
        self.write_record(&name, &record)?;
        Ok(self.entry(name, record))
    }

    /// Returns the registered models, by name.
    ///
    /// # Errors
    /// [`RegistryError::Record`] when a record cannot be read.
    pub fn list(&self) -> Result<Vec<ModelEntry>, RegistryError> {
        let mut entries = Vec::new();
        for name in self.names()? {
            if let Some(record) = self.record(&name)? {
                entries.push(self.entry(name, record));
            }
        }
        Ok(entries)
    }

    /// Hashes a registered model again, and checks its header then.
    ///
    /// # Errors
    /// [`RegistryError::HashMismatch`] when the file has changed, [`RegistryError::NotAllowed`].
    pub fn verify(&self, name: &str, progress: &dyn Progress) -> Result<ModelEntry, RegistryError> {
        let mut record = self.expect(name)?;
        let path = self.weights_path(name);
        self.check_hash(name, &mut record, progress)?;
        self.check_allowed(&path, &record.sha256)?;
        read_header(&path)?;
        Ok(self.entry(name.to_owned(), record))
    }

    /// Forgets a model and deletes its file.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], and what the file system says.
    pub fn remove(&self, name: &str) -> Result<ModelEntry, RegistryError> {
        let entry = self.entry(name.to_owned(), self.expect(name)?);
        match fs::remove_file(&entry.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("cannot remove", &entry.path)(source));
            }
            _ => {}
        }
        let record = self.record_path(name);
        fs::remove_file(&record).map_err(io_error("cannot remove", &record))?;
        Ok(entry)
    }

    /// Returns the model to use when none was named: the only one.
    ///
    /// # Errors
    /// [`RegistryError::NoDefault`] when there is none or more than one.
    pub fn default_name(&self) -> Result<String, RegistryError> {
        let mut names = self.names()?;
        if names.len() == 1 {
            return Ok(names.remove(0));
        }
        Err(RegistryError::NoDefault { known: names })
    }

    /// Finds a model by registered name or by path, and checks it.
    ///
    /// A file given by path is hashed. A registered one is hashed when the file system says that it is not as it was
    /// when it was last hashed (size, inode, times of modification and of status change). The hash comes first, then
    /// whether it is allowed, and only then is the header read.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] names the models there are, [`RegistryError::HashMismatch`],
    /// [`RegistryError::NotAllowed`] and [`RegistryError::Gguf`] refuse the file.
    pub fn resolve(&self, name_or_path: &str, progress: &dyn Progress) -> Result<ModelFile, RegistryError> {
        if check_name(name_or_path).is_ok()
            && let Some(mut record) = self.record(name_or_path)?
        {
            let path = self.weights_path(name_or_path);
            if record.stamp != Some(Stamp::of(&path)?) {
                self.check_hash(name_or_path, &mut record, progress)?;
            }
            self.check_allowed(&path, &record.sha256)?;
            let header = read_header(&path)?;
            return Ok(ModelFile {
                name: name_or_path.to_owned(),
                path,
                sha256: record.sha256,
                bytes: record.bytes,
                header,
            });
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            return Err(RegistryError::NotFound {
                name: name_or_path.to_owned(),
                known: self.names()?,
            });
        }
        let sha256 = hash_file(path, io::sink(), progress)?;
        self.check_allowed(path, &sha256)?;
        let header = read_header(path)?;
        Ok(ModelFile {
            name: path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
            path: path.to_owned(),
            sha256,
            bytes: fs::metadata(path).map_err(io_error("cannot read", path))?.len(),
            header,
        })
    }

    /// Copies a file in under a name that it takes only when the copy is complete; returns its hash.
    fn copy_in(&self, source: &Path, name: &str, progress: &dyn Progress) -> Result<String, RegistryError> {
        let target = self.weights_path(name);
        let mut copy = tempfile::Builder::new()
            .prefix(".adding-")
            .tempfile_in(&self.dir)
            .map_err(io_error("cannot write to", &self.dir))?;
        let sha256 = if clone_blocks(source, copy.as_file()) {
            hash_file(copy.path(), io::sink(), progress)?
        } else {
            hash_file(source, copy.as_file_mut(), progress)?
        };
        if let Some(old) = self.record(name)? {
            if old.sha256 != sha256 {
                return Err(RegistryError::NameTaken(name.to_owned()));
            }
        } else if target.exists() {
            return Err(RegistryError::NameTaken(name.to_owned()));
        }
        copy.as_file().sync_all().map_err(io_error("cannot write", &target))?;
        copy.persist(&target)
            .map_err(|error| io_error("cannot write", &target)(error.error))?;
        Ok(sha256)
    }

    fn check_allowed(&self, path: &Path, sha256: &str) -> Result<(), RegistryError> {
        match &self.allowed {
            Some(allowed) if !allowed.contains(sha256) => Err(RegistryError::NotAllowed {
                path: path.to_owned(),
                sha256: sha256.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check_hash(&self, name: &str, record: &mut Record, progress: &dyn Progress) -> Result<(), RegistryError> {
        let path = self.weights_path(name);
        let stamp = Stamp::of(&path)?;
        let found = hash_file(&path, io::sink(), progress)?;
        if found != record.sha256 {
            return Err(RegistryError::HashMismatch {
                path,
                expected: record.sha256.clone(),
                found,
            });
        }
        record.stamp = Some(stamp);
        // A registry that this process may only read is hashed every time; that is not an error.
        if self.write_record(name, record).is_err() {
            progress.note(&format!(
                "{name} was hashed anew; `skiff model verify {name}` remembers it"
            ));
        }
        Ok(())
    }

    fn weights_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.gguf"))
    }

    fn record_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn names(&self) -> Result<Vec<String>, RegistryError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("cannot read", &self.dir)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io_error("cannot read", &self.dir))?;
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".json"))
                && check_name(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn expect(&self, name: &str) -> Result<Record, RegistryError> {
        check_name(name)?;
        match self.record(name)? {
            Some(record) => Ok(record),
            None => Err(RegistryError::NotFound {
                name: name.to_owned(),
                known: self.names()?,
            }),
        }
    }

    fn record(&self, name: &str) -> Result<Option<Record>, RegistryError> {
        let path = self.record_path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("cannot read", &path)(error)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| RegistryError::Record { path, source })
    }

    fn write_record(&self, name: &str, record: &Record) -> Result<(), RegistryError> {
        let path = self.record_path(name);
        let text = serde_json::to_vec_pretty(record).map_err(|source| RegistryError::Record {
            path: path.clone(),
            source,
        })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io_error("cannot write to", &self.dir))?;
        file.write_all(&text).map_err(io_error("cannot write", &path))?;
        file.as_file().sync_all().map_err(io_error("cannot write", &path))?;
        file.persist(&path)
            .map_err(|error| io_error("cannot write", &path)(error.error))?;
        Ok(())
    }

    fn entry(&self, name: String, record: Record) -> ModelEntry {
        ModelEntry {
            path: self.weights_path(&name),
            name,
            sha256: record.sha256,
            bytes: record.bytes,
            source: record.source,
            architecture: record.architecture,
        }
    }
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    let valid = name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if valid {
        Ok(())
    } else {
        Err(RegistryError::InvalidName(name.to_owned()))
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RegistryError {
    let path = path.to_owned();
    move |source| RegistryError::Io { action, path, source }
}

fn read_header(path: &Path) -> Result<Header, RegistryError> {
    Header::of_file(path).map_err(|source| match source {
        GgufError::Io(source) => io_error("cannot read", path)(source),
        source => RegistryError::Gguf {
            path: path.to_owned(),
            source,
        },
    })
}

#[cfg(test)]
mod tests;
