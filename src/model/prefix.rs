//! Prompts that were read once, kept on disk: the keys and values of their tokens, for the next process.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

use super::cache_file::{create_private_dir, hex, replace};

const MAGIC: &[u8; 8] = b"skiffkv1";
const KEY_BYTES: usize = 32;
/// Magic, key, bytes and checksum of the state, number of tokens.
const HEAD_BYTES: usize = MAGIC.len() + KEY_BYTES + 8 + 4 + 4;
/// A state that nobody finished writing is removed after this time.
const ABANDONED: Duration = Duration::from_secs(3600);
const CHUNK_BYTES: usize = 1 << 20;

/// The states of one model under one set of parameters, in a folder.
///
/// A state is two files: `NAME.kv`, as the engine writes it, and `NAME.tokens`, which says of which tokens it is and holds
/// the checksum of both. The second is written last, so a state without it does not exist.
#[derive(Debug)]
pub(super) struct PrefixStore {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    cap_bytes: u64,
}

/// A state that begins as a prompt does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    name: String,
    kv_bytes: u64,
    kv_crc: u32,
    /// All its tokens.
    pub(super) tokens: Vec<i32>,
    /// How many of them the prompt begins with.
    pub(super) shared: usize,
}

impl PrefixStore {
    /// Returns the store of `key`, which names all that a state depends on, in a folder of its own below `folder`. It grows to
    /// `cap_bytes`.
    pub(super) fn new(folder: &Path, key: &str, cap_bytes: u64) -> Self {
        let key: [u8; KEY_BYTES] = Sha256::digest(key.as_bytes()).into();
        Self {
            folder: folder.join(hex(&key[..8])),
            key,
            cap_bytes,
        }
    }

    /// Returns the state that shares most of its beginning with `prompt`; none when none shares anything.
    pub(super) fn best(&self, prompt: &[i32]) -> Option<Stored> {
        let mut best: Option<Stored> = None;
        for name in self.names() {
            let Some(mut stored) = self.read_head(&name) else {
                self.remove(&name);
                continue;
            };
            stored.shared = stored
                .tokens
                .iter()
                .zip(prompt)
                .take_while(|(one, other)| one == other)
                .count();
            let most = best.as_ref().map_or(0, |best| best.shared);
            if stored.shared > most {
                best = Some(stored);
            }
        }
        best
    }

    /// Returns the file of a state for the engine to read; `None`, and the state is removed, when it is not what was written.
    pub(super) fn checked_file(&self, stored: &Stored) -> Option<PathBuf> {
        let path = self.kv_path(&stored.name);
        match checksum(&path) {
            Ok(found) if found == (stored.kv_bytes, stored.kv_crc) => {
                // Least recently used goes first. A file system without times only forgets the wrong ones.
                let _ =
                    File::open(self.tokens_path(&stored.name)).and_then(|file| file.set_modified(SystemTime::now()));
                Some(path)
            }
            _ => {
                self.remove(&stored.name);
                None
            }
        }
    }

    /// Forgets a state.
    pub(super) fn discard(&self, stored: &Stored) {
        self.remove(&stored.name);
    }

    /// Keeps the state of `tokens`, which `write` puts into a file.
    ///
    /// States that are the beginning of this one are dropped, and the least recently used ones that the size limit has no room
    /// for.
    ///
    /// # Errors
    /// What writing reports; nothing is kept then.
    pub(super) fn save(&self, tokens: &[i32], write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        create_private_dir(&self.folder)?;
        let mut bytes = Vec::with_capacity(tokens.len() * 4);
        tokens.iter().for_each(|token| bytes.extend(token.to_le_bytes()));
        let name = hex(&Sha256::digest(&bytes)[..16]);
        let partial = tempfile::Builder::new()
            .prefix("partial-")
            .tempfile_in(&self.folder)?
            .into_temp_path();
        write(&partial)?;
        let (kv_bytes, kv_crc) = checksum(&partial)?;
        if kv_bytes > self.cap_bytes {
            return Ok(());
        }
        for shorter in self.names().filter(|other| *other != name) {
            if self
                .read_head(&shorter)
                .is_none_or(|stored| tokens.starts_with(&stored.tokens))
            {
                self.remove(&shorter);
            }
        }
        partial.persist(self.kv_path(&name)).map_err(|error| error.error)?;
        let count = u32::try_from(tokens.len()).map_err(io::Error::other)?;
        let mut head = Vec::with_capacity(HEAD_BYTES + bytes.len() + 4);
        head.extend(MAGIC);
        head.extend(self.key);
        head.extend(kv_bytes.to_le_bytes());
        head.extend(kv_crc.to_le_bytes());
        head.extend(count.to_le_bytes());
        head.extend(&bytes);
        head.extend(crc32fast::hash(&head).to_le_bytes());
        replace(&self.tokens_path(&name), &head)?;
        self.evict();
        Ok(())
    }

    /// Removes the least recently used states until the rest fits, and what was never finished.
    fn evict(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut states = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(meta) = entry.metadata() else { continue };
            let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("tokens") => {
                    let kv = fs::metadata(path.with_extension("kv")).map_or(0, |meta| meta.len());
                    states.push((changed, kv + meta.len(), path));
                }
                Some("kv") if path.with_extension("tokens").exists() => {}
                _ => {
                    if changed.elapsed().is_ok_and(|age| age > ABANDONED) {
                        let _ = fs::remove_file(&path);
                    }
                }
            }
        }
        states.sort();
        let mut sum: u64 = states.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in states {
            if sum <= self.cap_bytes {
                return;
            }
            // The head goes first: without it the state does not exist.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(path.with_extension("kv"));
            sum -= bytes;
        }
    }

    fn names(&self) -> impl Iterator<Item = String> + use<> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.strip_suffix(".tokens")?.to_owned())
        })
    }

    fn read_head(&self, name: &str) -> Option<Stored> {
        let bytes = fs::read(self.tokens_path(name)).ok()?;
        let (head, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if crc32fast::hash(head).to_le_bytes() != crc {
            return None;
        }
        let rest = head.strip_prefix(MAGIC)?.strip_prefix(&self.key)?;
        let (kv_bytes, rest) = rest.split_first_chunk::<8>()?;
        let (kv_crc, rest) = rest.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (tokens, remainder) = rest.as_chunks::<4>();
        if tokens.len() != u32::from_le_bytes(*count) as usize || !remainder.is_empty() {
            return None;
        }
        Some(Stored {
            name: name.to_owned(),
            kv_bytes: u64::from_le_bytes(*kv_bytes),
            kv_crc: u32::from_le_bytes(*kv_crc),
            tokens: tokens.iter().map(|token| i32::from_le_bytes(*token)).collect(),
            shared: 0,
        })
    }

    fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.tokens_path(name));
        let _ = fs::remove_file(self.kv_path(name));
    }

    fn tokens_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.tokens"))
    }

    fn kv_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.kv"))
    }
}

fn checksum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((bytes, hasher.finalize())),
            read => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: u64 = 1 << 20;

    fn keep(store: &PrefixStore, tokens: &[i32], content: &[u8]) {
        store.save(tokens, |path| fs::write(path, content)).unwrap();
    }

    fn read(store: &PrefixStore, prompt: &[i32]) -> Option<(usize, Vec<u8>)> {
        let stored = store.best(prompt)?;
        let path = store.checked_file(&stored)?;
        Some((stored.shared, fs::read(path).unwrap()))
    }

    fn files(store: &PrefixStore) -> usize {
        fs::read_dir(&store.folder).unwrap().count()
    }

    #[test]
    fn the_state_with_the_longest_shared_beginning_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = PrefixStore::new(dir.path(), "model", CAP);
        assert_eq!(read(&store, &[1, 2, 3]), None);
        keep(&store, &[1, 2, 3, 4], b"one");
        keep(&store, &[1, 2, 9], b"other");
        assert_eq!(read(&store, &[1, 2, 3, 5, 6]), Some((3, b"one".to_vec())));
        assert_eq!(read(&store, &[1, 2, 9, 9]), Some((3, b"other".to_vec())));
        assert_eq!(read(&store, &[7]), None);
    }

    #[test]
    fn another_key_sees_nothing_and_a_foreign_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let one = PrefixStore::new(dir.path(), "model", CAP);
        let other = PrefixStore::new(dir.path(), "other", CAP);
        keep(&one, &[1, 2], b"state");
        assert_eq!(read(&other, &[1, 2]), None);
        fs::create_dir_all(&other.folder).unwrap();
        for entry in fs::read_dir(&one.folder).unwrap().flatten() {
            fs::copy(entry.path(), other.folder.join(entry.file_name())).unwrap();
        }
        assert_eq!(read(&other, &[1, 2]), None);
        assert_eq!(files(&other), 0);
    }

    #[test]
    fn a_damaged_state_is_removed() {
        for suffix in ["kv", "tokens"] {
            let dir = tempfile::tempdir().unwrap();
            let store = PrefixStore::new(dir.path(), "model", CAP);
            keep(&store, &[1, 2], b"state");
            let name = store.names().next().unwrap();
            let path = store.folder.join(format!("{name}.{suffix}"));
            let mut bytes = fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&store, &[1, 2]), None, "{suffix}");
            assert_eq!(files(&store), 0, "{suffix}");
        }
    }

    #[test]
    fn a_longer_state_replaces_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let store = PrefixStore::new(dir.path(), "model", CAP);
        keep(&store, &[1, 2], b"short");
        keep(&store, &[1, 2, 3], b"long");
        assert_eq!(files(&store), 2);
        assert_eq!(read(&store, &[1, 2, 8]), Some((2, b"long".to_vec())));
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let store = PrefixStore::new(dir.path(), "model", 700);
        for number in 1..=3 {
            keep(&store, &[number], &[0; 250]);
            // The order is by time of last use.
            let age = SystemTime::now() - Duration::from_secs(60 * (10 - number as u64));
            let stored = store.best(&[number]).unwrap();
            File::open(store.tokens_path(&stored.name))
                .unwrap()
                .set_modified(age)
                .unwrap();
        }
        store.evict();
        assert_eq!(read(&store, &[1]), None);
        assert!(read(&store, &[3]).is_some());
        keep(&store, &[4], &[0; 900]);
        assert_eq!(read(&store, &[4]), None);
    }

    #[test]
    fn a_state_that_cannot_be_written_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = PrefixStore::new(dir.path(), "model", CAP);
        store.save(&[1], |_| Err(io::Error::other("disk full"))).unwrap_err();
        assert_eq!(files(&store), 0);
    }
}
