use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache_file::{hex, replace};
use super::{Embedder, ModelError, TextRole};
use crate::progress::{Phase, Progress};

/// The most bytes that the vectors of one model take; the ones that were not used for longest go first.
const MOST_BYTES: usize = 32 << 20;
/// How many texts are computed before the next look at what is to be kept.
const TEXTS_AT_A_TIME: usize = 8;
/// The most dimensions that a vector has.
const MOST_DIMENSIONS: usize = 1 << 16;

/// The first bytes of the file; the last one is the version of the format.
const MAGIC: &[u8; 8] = b"skiffve\x01";
const KEY_BYTES: usize = 32;
const SUM_BYTES: usize = 4;
/// Magic, identity, the number of dimensions.
const HEAD_BYTES: usize = MAGIC.len() + KEY_BYTES + 4;

type Key = [u8; KEY_BYTES];

/// The vectors of texts on disk, one file for each [`Embedder::identity`], by the hash of the text.
///
/// A text that changes is another text, so nothing in it becomes wrong; it can be deleted at any time. Records that are
/// damaged are as if they were not there.
#[derive(Debug)]
pub struct VectorCache {
    file: PathBuf,
    identity: Key,
    /// Of all records alike; none as long as there is no record.
    dimensions: Option<usize>,
    vectors: HashMap<Key, Vec<f32>>,
    /// The keys, those that were used last at the end.
    order: Vec<Key>,
}

impl VectorCache {
    /// Reads what a directory holds for an embedder; nothing where that cannot be used.
    pub fn open(directory: &Path, identity: &str) -> Self {
        let identity: Key = Sha256::digest(identity).into();
        let name = hex(&identity[..8]);
        let mut cache = Self {
            file: directory.join(format!("{name}.vectors")),
            identity,
            dimensions: None,
            vectors: HashMap::new(),
            order: Vec::new(),
        };
        let is_whole =
            |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= MOST_BYTES as u64);
        if is_whole(&cache.file)
            && let Ok(bytes) = fs::read(&cache.file)
        {
            cache.read(&bytes);
        }
        cache
    }

    fn read(&mut self, bytes: &[u8]) {
        let Some((head, records)) = bytes.split_at_checked(HEAD_BYTES) else {
            return;
        };
        let (Some(rest), true) = (head.strip_prefix(MAGIC), head.len() == HEAD_BYTES) else {
            return;
        };
        let (identity, dimensions) = rest.split_at(KEY_BYTES);
        let dimensions = number(dimensions) as usize;
        if identity != self.identity || !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return;
        }
        self.dimensions = Some(dimensions);
        for record in records.chunks_exact(record_bytes(dimensions)) {
            let (content, sum) = record.split_at(record.len() - SUM_BYTES);
            let (key, vector) = content.split_at(KEY_BYTES);
            let (Ok(key), true) = (Key::try_from(key), crc32fast::hash(content) == number(sum)) else {
                continue;
            };
            let vector: Vec<f32> = vector.chunks_exact(4).map(|x| f32::from_bits(number(x))).collect();
            if vector.iter().all(|x| x.is_finite()) && self.vectors.insert(key, vector).is_none() {
                self.order.push(key);
            }
        }
    }

    fn clear(&mut self) {
        self.dimensions = None;
        self.vectors.clear();
        self.order.clear();
    }

    fn get(&self, key: &Key) -> Option<&[f32]> {
        self.vectors.get(key).map(Vec::as_slice)
    }

    fn put(&mut self, key: Key, vector: Vec<f32>) {
        self.dimensions = Some(vector.len());
        if self.vectors.insert(key, vector).is_none() {
            self.order.push(key);
        }
    }

    /// Writes the vectors to the file, in one step; those of `used` count as used last.
    fn save(&mut self, used: &[Key], most_bytes: usize) -> io::Result<()> {
        let Some(dimensions) = self.dimensions.filter(|count| (1..=MOST_DIMENSIONS).contains(count)) else {
            return Ok(());
        };
        let recent: HashSet<Key> = used.iter().copied().collect();
        self.order.sort_by_key(|key| recent.contains(key));
        let room = most_bytes.saturating_sub(HEAD_BYTES) / record_bytes(dimensions);
        let old = self.order.len().saturating_sub(room);
        for key in self.order.drain(..old) {
            self.vectors.remove(&key);
        }
        replace(&self.file, &self.encode(dimensions))
    }

    fn encode(&self, dimensions: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.order.len() * record_bytes(dimensions));
        bytes.extend(MAGIC);
        bytes.extend(self.identity);
        bytes.extend((dimensions as u32).to_le_bytes());
        for key in &self.order {
            let start = bytes.len();
            bytes.extend(key);
            let vector = self.vectors.get(key).into_iter().flatten();
            vector.for_each(|x| bytes.extend(x.to_le_bytes()));
            let sum = crc32fast::hash(&bytes[start..]);
            bytes.extend(sum.to_le_bytes());
        }
        bytes
    }
}

fn record_bytes(dimensions: usize) -> usize {
    KEY_BYTES + 4 * dimensions + SUM_BYTES
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn key_of(role: TextRole, text: &str) -> Key {
    let role: &[u8] = match role {
        TextRole::Query => b"query\0",
        TextRole::Document => b"document\0",
    };
    Sha256::new().chain_update(role).chain_update(text).finalize().into()
}

/// Loads an embedder when it turns out to be needed.
type Load<'a> = Box<dyn FnMut() -> Result<Box<dyn Embedder>, ModelError> + 'a>;

/// An embedder that computes what the cache does not hold, and loads its weights only for that.
pub struct CachedEmbedder<'a> {
    identity: String,
    cache: VectorCache,
    load: Load<'a>,
    loaded: Option<Box<dyn Embedder>>,
    most_bytes: usize,
}

impl<'a> CachedEmbedder<'a> {
    /// Puts a cache before an embedder of that identity.
    pub fn new(
        directory: &Path,
        identity: &str,
        load: impl FnMut() -> Result<Box<dyn Embedder>, ModelError> + 'a,
    ) -> Self {
        Self {
            identity: identity.to_owned(),
            cache: VectorCache::open(directory, identity),
            load: Box::new(load),
            loaded: None,
            most_bytes: MOST_BYTES,
        }
    }

    /// Computes vectors into the cache, some texts at a time.
    fn compute(&mut self, role: TextRole, missing: &[(Key, &str)], progress: &dyn Progress) -> Result<(), ModelError> {
        let embedder = match &mut self.loaded {
            Some(embedder) => embedder,
            none => none.insert((self.load)()?),
        };
        progress.begin(Phase::Embed, missing.len() as u64);
        let mut done = 0;
        let outcome = missing.chunks(TEXTS_AT_A_TIME).try_for_each(|some| {
            let texts: Vec<&str> = some.iter().map(|(_, text)| *text).collect();
            let vectors = embedder.embed(role, &texts, progress)?;
            let dimensions = vectors.first().map_or(0, Vec::len);
            if vectors.len() != texts.len() || vectors.iter().any(|vector| vector.len() != dimensions) {
                return Err(ModelError::Embedding("the vectors do not match the texts".to_owned()));
            }
            if self.cache.dimensions.is_some_and(|own| own != dimensions) {
                // The cache is not what it says it is; nothing of it is used.
                self.cache.clear();
            }
            for ((key, _), vector) in some.iter().zip(vectors) {
                self.cache.put(*key, vector);
            }
            done += some.len() as u64;
            progress.advance(Phase::Embed, done);
            Ok(())
        });
        progress.end(Phase::Embed);
        outcome
    }
}

impl Embedder for CachedEmbedder<'_> {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn embed(&mut self, role: TextRole, texts: &[&str], progress: &dyn Progress) -> Result<Vec<Vec<f32>>, ModelError> {
        let keys: Vec<Key> = texts.iter().map(|text| key_of(role, text)).collect();
        // A cache that turns out to be another's is emptied in the first round, and filled in the second.
        for _ in 0..2 {
            let mut asked = HashSet::new();
            let missing = keys.iter().zip(texts);
            let missing = missing.filter(|(key, _)| self.cache.get(key).is_none() && asked.insert(**key));
            let missing: Vec<(Key, &str)> = missing.map(|(key, text)| (*key, *text)).collect();
            if missing.is_empty() {
                break;
            }
            let computed = self.compute(role, &missing, progress);
            // What was computed before an interruption is kept too.
            if let Err(error) = self.cache.save(&keys, self.most_bytes) {
                progress.note(&format!("the vectors are not kept on disk: {error}"));
            }
            computed?;
        }
        let vectors: Option<Vec<Vec<f32>>> = keys
            .iter()
            .map(|key| self.cache.get(key).map(<[f32]>::to_vec))
            .collect();
        vectors.ok_or_else(|| ModelError::Embedding("a text got no vector".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;
    use std::cell::Cell;
    use std::rc::Rc;

    /// Gives a text the direction of its length, and counts what it is asked.
    struct Counting(Rc<Cell<usize>>, usize);

    impl Embedder for Counting {
        fn identity(&self) -> &str {
            "counting"
        }

        fn embed(&mut self, _: TextRole, texts: &[&str], _: &dyn Progress) -> Result<Vec<Vec<f32>>, ModelError> {
            self.0.set(self.0.get() + texts.len());
            let vector = |text: &&str| {
                let mut vector = vec![0.0; self.1];
                vector[text.len() % self.1] = 1.0;
                vector
            };
            Ok(texts.iter().map(vector).collect())
        }
    }

    fn cached(directory: &Path, count: &Rc<Cell<usize>>, dimensions: usize) -> CachedEmbedder<'static> {
        let count = Rc::clone(count);
        CachedEmbedder::new(directory, "counting", move || {
            Ok(Box::new(Counting(Rc::clone(&count), dimensions)))
        })
    }

    fn embed(embedder: &mut CachedEmbedder<'_>, texts: &[&str]) -> Vec<Vec<f32>> {
        embedder.embed(TextRole::Document, texts, &NoProgress).unwrap()
    }

    fn only_file(directory: &Path) -> PathBuf {
        let mut files = fs::read_dir(directory).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }

    #[test]
    fn a_text_is_computed_once() {
        let directory = tempfile::tempdir().unwrap();
        let count = Rc::default();
        let mut first = cached(directory.path(), &count, 3);
        let vectors = embed(&mut first, &["a", "bb", "a"]);
        assert_eq!(vectors, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]);
        assert_eq!(count.get(), 2);
        let mut second = cached(directory.path(), &count, 3);
        assert_eq!(
            embed(&mut second, &["bb", "a"]),
            [vectors[1].clone(), vectors[0].clone()]
        );
        assert!(second.loaded.is_none());
        assert_eq!(embed(&mut second, &["a", "ccc"])[1], [1.0, 0.0, 0.0]);
        assert_eq!(count.get(), 3);
        second.embed(TextRole::Query, &["a"], &NoProgress).unwrap();
        assert_eq!(count.get(), 4);
    }

    #[test]
    fn what_is_damaged_is_computed_again() {
        let directory = tempfile::tempdir().unwrap();
        let count = Rc::default();
        embed(&mut cached(directory.path(), &count, 3), &["a", "bb"]);
        let file = only_file(directory.path());
        let good = fs::read(&file).unwrap();
        let mut asked = count.get();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            fs::write(&file, bad).unwrap();
            let vectors = embed(&mut cached(directory.path(), &count, 3), &["a", "bb"]);
            assert_eq!(vectors, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "{at}");
            assert!(count.get() > asked, "{at}");
            asked = count.get();
            assert_eq!(fs::read(&file).unwrap().len(), good.len());
        }
        for length in 0..good.len() {
            fs::write(&file, &good[..length]).unwrap();
            let vectors = embed(&mut cached(directory.path(), &count, 3), &["a", "bb"]);
            assert_eq!(vectors[1], [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn vectors_of_another_length_are_not_mixed() {
        let directory = tempfile::tempdir().unwrap();
        let count = Rc::default();
        embed(&mut cached(directory.path(), &count, 3), &["a"]);
        let vectors = embed(&mut cached(directory.path(), &count, 4), &["a", "bb"]);
        assert!(vectors.iter().all(|vector| vector.len() == 4), "{vectors:?}");
    }

    #[test]
    fn the_file_stays_small_and_keeps_what_was_used() {
        let directory = tempfile::tempdir().unwrap();
        let count = Rc::default();
        let mut small = cached(directory.path(), &count, 3);
        small.most_bytes = HEAD_BYTES + 2 * record_bytes(3);
        embed(&mut small, &["a", "bb"]);
        embed(&mut small, &["a", "ccc"]);
        assert_eq!(
            fs::metadata(only_file(directory.path())).unwrap().len() as usize,
            small.most_bytes
        );
        let asked = count.get();
        embed(&mut cached(directory.path(), &count, 3), &["a", "ccc"]);
        assert_eq!(count.get(), asked);
    }

    #[test]
    fn what_was_computed_before_a_failure_is_kept() {
        /// Fails at texts that say so.
        struct Failing(Counting);
        impl Embedder for Failing {
            fn identity(&self) -> &str {
                self.0.identity()
            }
            fn embed(
                &mut self,
                role: TextRole,
                texts: &[&str],
                to: &dyn Progress,
            ) -> Result<Vec<Vec<f32>>, ModelError> {
                match texts.contains(&"fail") {
                    true => Err(ModelError::Cancelled),
                    false => self.0.embed(role, texts, to),
                }
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let count = Rc::default();
        let own = Rc::clone(&count);
        let mut failing = CachedEmbedder::new(directory.path(), "counting", move || {
            Ok(Box::new(Failing(Counting(Rc::clone(&own), 3))))
        });
        let mut texts: Vec<String> = (0..TEXTS_AT_A_TIME).map(|n| "x".repeat(n + 1)).collect();
        texts.push("fail".to_owned());
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = failing.embed(TextRole::Document, &texts, &NoProgress);
        assert!(matches!(outcome, Err(ModelError::Cancelled)));
        assert_eq!(count.get(), TEXTS_AT_A_TIME);
        embed(&mut cached(directory.path(), &count, 3), &texts[..TEXTS_AT_A_TIME]);
        assert_eq!(count.get(), TEXTS_AT_A_TIME);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let count = Rc::default();
        assert_eq!(embed(&mut cached(&file, &count, 3), &["a"]).len(), 1);
    }
}
