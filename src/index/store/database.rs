use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::fingerprint::fingerprint;
use super::segment::Shelf;
use super::{Segment, StoreError, View};

/// How long a statement waits for another process. Writers take turns by a lock of their own; this is for the moments
/// in which SQLite itself needs the file.
const BUSY: Duration = Duration::from_secs(5);
/// How long a view is kept that nobody asks for, in seconds.
const VIEW_AGE_S: u64 = 30 * 24 * 3600;

const SCHEMA: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE segment (id INTEGER PRIMARY KEY, header BLOB NOT NULL, units BLOB NOT NULL);
    CREATE TABLE block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE record (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE view (key TEXT PRIMARY KEY, used_s INTEGER NOT NULL, data BLOB NOT NULL);
";

/// The tables that hold records, by the part that they take in a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Segment,
    Units,
    Blocks,
    Records,
}

/// An SQLite file with the index of one repository, held open at one state of it.
///
/// Other processes may write meanwhile; what this one sees stays as it was.
#[derive(Debug)]
pub(in crate::index) struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// What opening a file found.
#[derive(Debug)]
pub(in crate::index) enum Opened {
    /// A store of this program.
    Ready(Database),
    /// Nothing yet.
    Absent,
    /// A store of another version.
    Outdated,
}

/// What is in the file for one view.
#[derive(Debug)]
pub(in crate::index) struct Loaded {
    /// Changes whenever the segments do.
    pub(in crate::index) generation: u64,
    pub(in crate::index) segments: Vec<Segment>,
    pub(in crate::index) view: Option<View>,
}

impl Database {
    /// Opens a file that is there.
    pub(in crate::index) fn open(path: &Path) -> Result<Opened, StoreError> {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.len() == 0 => return Ok(Opened::Absent),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Opened::Absent),
            Err(source) => return Err(io(path, source)),
        }
        let connection = connect(path)?;
        connection.execute_batch("BEGIN")?;
        let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            return Ok(Opened::Absent);
        }
        let found: Option<String> = connection
            .query_row("SELECT value FROM meta WHERE key = 'fingerprint'", [], |row| row.get(0))
            .optional()?;
        let database = Self {
            path: path.to_path_buf(),
            connection: Mutex::new(connection),
        };
        Ok(match found.as_deref() == Some(fingerprint()) {
            true => Opened::Ready(database),
            false => Opened::Outdated,
        })
    }

    /// Makes an empty file in place of whatever is there. The caller holds the writer's lock.
    pub(in crate::index) fn create(path: &Path) -> Result<Self, StoreError> {
        remove(path)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(path);
        file.map_err(|source| io(path, source))?;
        let connection = connect(path)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")?;
        connection.execute_batch(SCHEMA)?;
        connection.execute(
            "INSERT INTO meta VALUES ('fingerprint', ?1), ('generation', '0')",
            [fingerprint()],
        )?;
        connection.execute_batch("COMMIT; BEGIN")?;
        Ok(Self {
            path: path.to_path_buf(),
            connection: Mutex::new(connection),
        })
    }

    /// Moves on to what the file holds now.
    pub(in crate::index) fn refresh(&self) -> Result<(), StoreError> {
        Ok(self.lock().execute_batch("COMMIT; BEGIN")?)
    }

    /// Returns the number that changes whenever the segments do.
    pub(in crate::index) fn generation(&self) -> Result<u64, StoreError> {
        generation(&self.lock())
    }

    /// Returns the segments and one view.
    pub(in crate::index) fn load(self: &Arc<Self>, view: &str) -> Result<Loaded, StoreError> {
        let connection = self.lock();
        let generation = generation(&connection)?;
        let mut statement = connection.prepare("SELECT id, header FROM segment ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut segments = Vec::new();
        for row in rows {
            let (id, header) = row?;
            segments.push(Segment::new(id, &header, Shelf::Database(Arc::clone(self)))?);
        }
        let sealed: Option<Vec<u8>> = connection
            .query_row("SELECT data FROM view WHERE key = ?1", [view], |row| row.get(0))
            .optional()?;
        let view = sealed.map(|sealed| View::unseal(&sealed)).transpose()?;
        Ok(Loaded {
            generation,
            segments,
            view,
        })
    }

    /// Reads one record.
    pub(super) fn read(&self, table: Table, segment: u32, number: u32) -> Result<Vec<u8>, StoreError> {
        let (sql, id) = match table {
            Table::Segment => ("SELECT header FROM segment WHERE id = ?1", i64::from(segment)),
            Table::Units => ("SELECT units FROM segment WHERE id = ?1", i64::from(segment)),
            Table::Blocks => ("SELECT data FROM block WHERE id = ?1", row_id(segment, number)),
            Table::Records => ("SELECT data FROM record WHERE id = ?1", row_id(segment, number)),
        };
        let connection = self.lock();
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row([id], |row| row.get(0))?)
    }

    /// Returns every view with its key.
    pub(in crate::index) fn views(&self) -> Result<Vec<(String, View)>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare("SELECT key, data FROM view")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut views = Vec::new();
        for row in rows {
            let (key, sealed) = row?;
            views.push((key, View::unseal(&sealed)?));
        }
        Ok(views)
    }

    /// Writes segments and views and takes segments away, all of it or nothing. The caller holds the writer's lock.
    pub(in crate::index) fn write(
        &self,
        added: &[&Segment],
        removed: &[u32],
        views: &[(String, &View)],
        now_s: u64,
    ) -> Result<(), StoreError> {
        let connection = self.lock();
        connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        let written = write_all(&connection, added, removed, views, now_s);
        let ended = match written {
            Ok(()) => connection.execute_batch("COMMIT").map_err(StoreError::from),
            Err(error) => Err(error),
        };
        if ended.is_err() && !connection.is_autocommit() {
            // What cannot be taken back is taken back by the next one to open the file.
            drop(connection.execute_batch("ROLLBACK"));
        }
        if connection.is_autocommit() {
            connection.execute_batch("BEGIN")?;
        }
        ended
    }

    /// Moves what was written into the file itself, so that the log beside it is empty.
    pub(in crate::index) fn checkpoint(&self) -> Result<(), StoreError> {
        let connection = self.lock();
        connection.execute_batch("COMMIT")?;
        // A reader that is still at an older state keeps the log; it is emptied another time.
        let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        connection.execute_batch("BEGIN")?;
        Ok(done?)
    }

    /// Returns how many bytes the file and its log take.
    pub(in crate::index) fn size_bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
        size(&self.path) + size(&beside(&self.path, "-wal"))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves no statement half-done that matters: the next reader sees the same state.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a file beside the database.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> Result<(), StoreError> {
    for file in [path.to_path_buf(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(io(&file, source)),
        }
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Emptying the log waits for the disk; a command that only asks does not.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection
        .execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF")?;
    // The confined process cannot write to the folders where SQLite puts temporary files.
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    Ok(connection)
}

fn generation(connection: &Connection) -> Result<u64, StoreError> {
    let text: String = connection.query_row("SELECT value FROM meta WHERE key = 'generation'", [], |row| row.get(0))?;
    text.parse().map_err(|_| StoreError::Damaged("the index"))
}

fn write_all(
    connection: &Connection,
    added: &[&Segment],
    removed: &[u32],
    views: &[(String, &View)],
    now_s: u64,
) -> Result<(), StoreError> {
    for id in removed {
        let (first, last) = (row_id(*id, 0), row_id(*id, u32::MAX));
        connection.execute("DELETE FROM segment WHERE id = ?1", [id])?;
        connection.execute("DELETE FROM block WHERE id BETWEEN ?1 AND ?2", [first, last])?;
        connection.execute("DELETE FROM record WHERE id BETWEEN ?1 AND ?2", [first, last])?;
    }
    let mut block = connection.prepare("INSERT INTO block VALUES (?1, ?2)")?;
    let mut record = connection.prepare("INSERT INTO record VALUES (?1, ?2)")?;
    for segment in added {
        let id = segment.id();
        let Some(parts) = segment.parts() else {
            continue;
        };
        connection.execute(
            "INSERT INTO segment VALUES (?1, ?2, ?3)",
            params![id, parts.header, parts.units],
        )?;
        for (number, data) in (0u32..).zip(&parts.blocks) {
            block.execute(params![row_id(id, number), data])?;
        }
        for (number, data) in (0u32..).zip(&parts.groups) {
            record.execute(params![row_id(id, number), data])?;
        }
    }
    for (key, view) in views {
        connection.execute(
            "INSERT OR REPLACE INTO view VALUES (?1, ?2, ?3)",
            params![key, now_s as i64, view.seal()],
        )?;
    }
    let oldest = now_s.saturating_sub(VIEW_AGE_S) as i64;
    connection.execute("DELETE FROM view WHERE used_s < ?1", [oldest])?;
    if !added.is_empty() || !removed.is_empty() {
        let next = generation(connection)?.wrapping_add(1);
        connection.execute(
            "UPDATE meta SET value = ?1 WHERE key = 'generation'",
            [next.to_string()],
        )?;
    }
    Ok(())
}

fn row_id(segment: u32, number: u32) -> i64 {
    i64::from(segment) << 32 | i64::from(number)
}

fn io(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io {
        path: path.to_path_buf(),
        source,
    }
}
