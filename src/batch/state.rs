use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BatchError;
use super::record::SiteRecord;
use super::shard::Shard;

/// The name of the state file in the folder of a run.
pub const STATE_FILE: &str = "sites.jsonl";
const SCHEMA_VERSION: u32 = 1;

/// What a run is of: only the same can go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStamp {
    /// The digest of the plan.
    pub plan: String,
    /// What the plan says it does.
    pub title: String,
    /// Which repository.
    pub repository: String,
    /// Which part of it.
    pub shard: Shard,
    /// Which skiff.
    pub skiff: String,
    /// SHA-256 of the model, if one is asked.
    pub model: Option<String>,
    /// The seed of the sampler.
    pub seed: u32,
    /// How many places it has.
    pub sites: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema_version: u32,
    run: RunStamp,
}

/// The state of a run on disk: a header, then a line for each place that is settled. Lines are only ever added.
#[derive(Debug)]
pub struct RunState {
    path: PathBuf,
    file: File,
}

impl RunState {
    /// Begins the state of a run in a folder.
    ///
    /// # Errors
    /// [`BatchError::RunExists`] where there is one already, or the file cannot be written.
    pub fn create(folder: &Path, stamp: &RunStamp) -> Result<Self, BatchError> {
        let path = folder.join(STATE_FILE);
        let mut options = OpenOptions::new();
        let file = options.append(true).read(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BatchError::RunExists(folder.to_owned()),
            _ => failed(&path, error),
        })?;
        let mut state = Self { path, file };
        state.write_line(&Header {
            schema_version: SCHEMA_VERSION,
            run: stamp.clone(),
        })?;
        state.sync()?;
        // The name of the file has to be there too.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(&state.path, error))?;
        Ok(state)
    }

    /// Goes on with the state of a run, or begins it where there is none: returns it with what is settled. A line that a
    /// crash cut off is dropped.
    ///
    /// # Errors
    /// When it is one of another run ([`BatchError::OtherRun`]), it is damaged, or the file cannot be used.
    pub fn resume(folder: &Path, stamp: &RunStamp) -> Result<(Self, Vec<SiteRecord>), BatchError> {
        let (own, records, whole_bytes) = match read(folder) {
            Ok(found) => found,
            Err(BatchError::NoRun(_)) => {
                // What there is of a header was never whole, and nothing follows it.
                let path = folder.join(STATE_FILE);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path, error)),
                    Ok(()) | Err(_) => return Ok((Self::create(folder, stamp)?, Vec::new())),
                }
            }
            Err(error) => return Err(error),
        };
        if let Some(differs) = own.difference(stamp) {
            return Err(BatchError::OtherRun {
                folder: folder.to_owned(),
                differs,
            });
        }
        let path = folder.join(STATE_FILE);
        let file = OpenOptions::new().append(true).read(true).open(&path);
        let file = file.map_err(|error| failed(&path, error))?;
        let length = file.metadata().map_err(|error| failed(&path, error))?.len();
        if length > whole_bytes {
            file.set_len(whole_bytes).map_err(|error| failed(&path, error))?;
        }
        Ok((Self { path, file }, records))
    }

    /// Adds what is settled, and returns when it is on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, records: &[SiteRecord]) -> Result<(), BatchError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for record in records {
            line(record, &mut lines);
        }
        self.file.write_all(&lines).map_err(|error| failed(&self.path, error))?;
        self.sync()
    }

    fn write_line(&mut self, value: &impl Serialize) -> Result<(), BatchError> {
        let mut bytes = Vec::new();
        line(value, &mut bytes);
        self.file.write_all(&bytes).map_err(|error| failed(&self.path, error))
    }

    fn sync(&self) -> Result<(), BatchError> {
        self.file.sync_data().map_err(|error| failed(&self.path, error))
    }
}

/// Reads the state of a run, for those that only look.
///
/// # Errors
/// [`BatchError::NoRun`] where there is none, or it is damaged.
pub fn read_run(folder: &Path) -> Result<(RunStamp, Vec<SiteRecord>), BatchError> {
    let (stamp, records, _) = read(folder)?;
    Ok((stamp, records))
}

impl RunStamp {
    /// Says in what another run differs.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self {
            plan,
            title: _,
            repository,
            shard,
            skiff,
            model,
            seed,
            sites: _,
        } = self;
        [
            ("plan", *plan != other.plan),
            ("repository", *repository != other.repository),
            ("shard", *shard != other.shard),
            ("version of skiff", *skiff != other.skiff),
            ("model", *model != other.model),
            ("seed", *seed != other.seed),
        ]
        .into_iter()
        .find_map(|(what, differs)| differs.then_some(what))
    }
}

/// Reads a state file: its header, its records, and how many bytes they take. What follows is a line that was cut off.
fn read(folder: &Path) -> Result<(RunStamp, Vec<SiteRecord>, u64), BatchError> {
    let path = folder.join(STATE_FILE);
    let file = File::open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BatchError::NoRun(folder.to_owned()),
        _ => failed(&path, error),
    })?;
    let mut reader = BufReader::new(file);
    let mut whole_bytes = 0;
    let mut next = |number: usize| -> Result<Option<String>, BatchError> {
        let mut bytes = Vec::new();
        reader
            .read_until(b'\n', &mut bytes)
            .map_err(|error| failed(&path, error))?;
        if bytes.pop() != Some(b'\n') {
            return Ok(None);
        }
        whole_bytes += bytes.len() as u64 + 1;
        let damaged = |_| damaged(folder, number);
        String::from_utf8(bytes).map(Some).map_err(damaged)
    };
    let header = next(1)?.ok_or_else(|| BatchError::NoRun(folder.to_owned()))?;
    let header: Header = serde_json::from_str(&header).map_err(|_| damaged(folder, 1))?;
    if header.schema_version != SCHEMA_VERSION {
        return Err(damaged(folder, 1));
    }
    let mut records: Vec<SiteRecord> = Vec::new();
    let mut places = BTreeMap::new();
    for number in 2.. {
        let Some(line) = next(number)? else { break };
        let record: SiteRecord = serde_json::from_str(&line).map_err(|_| damaged(folder, number))?;
        // A place comes once more where a check of its group has refused it.
        match places.entry((record.path.clone(), record.range)) {
            Entry::Occupied(at) => records[*at.get()] = record,
            Entry::Vacant(at) => {
                at.insert(records.len());
                records.push(record);
            }
        }
    }
    Ok((header.run, records, whole_bytes))
}

fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, and every key is a string.
    let _ = serde_json::to_writer(&mut *out, value);
    out.push(b'\n');
}

fn failed(path: &Path, source: io::Error) -> BatchError {
    BatchError::State {
        path: path.to_owned(),
        source,
    }
}

fn damaged(folder: &Path, line: usize) -> BatchError {
    BatchError::DamagedState {
        folder: folder.to_owned(),
        line,
    }
}
