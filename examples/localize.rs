//! Ranks the files of past states of repositories for requests about them, and says how often the files that the change
//! touched come first. `scripts/bench-localize.sh` runs it.
//!
//! Reads JSON objects, one a line, on stdin: `id`, `repository` (a git directory), `commit`, `query`, `gold` (the paths
//! that the change touched). The index is on disk, in a temporary folder, one for each repository. Prints one JSON object
//! a line: `id`, `files`, `index_ms`, `query_ms`, `query_cpu_ms` (of the thread that asks), `ranks` (the zero-based rank
//! of each gold path; null where it is not among the first hundred), and `plain_ranks` by BM25 over one field; with the
//! argument `skiff-only` the latter is empty.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fs;
use std::io::{self, BufRead};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use skiff::index::{Index, IndexConfig, Source, StoreLocation};
use skiff::progress::NoProgress;
use skiff::repo::{Repository, Revision, RevisionFile};
use skiff::text::RepoPath;

/// How far down the gold files are looked for.
const MOST_HITS: usize = 100;
/// How often a query is repeated; the median is taken.
const RUNS: usize = 3;

#[derive(Deserialize)]
struct Instance {
    id: String,
    repository: String,
    commit: String,
    query: String,
    gold: Vec<String>,
}

#[derive(Serialize)]
struct Outcome {
    id: String,
    files: usize,
    index_ms: u128,
    query_ms: f64,
    query_cpu_ms: Option<f64>,
    ranks: Vec<Option<usize>>,
    plain_ranks: Vec<Option<usize>>,
}

fn main() -> ExitCode {
    match localize() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("localize: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn localize() -> anyhow::Result<()> {
    let compared = match env::args().nth(1).as_deref() {
        None => Compared::PlainBm25,
        Some("skiff-only") => Compared::Nothing,
        Some(other) => bail!("there is no argument {other}"),
    };
    let stores = tempfile::tempdir()?;
    // Instances of one commit stand one after the other.
    let mut last: Option<(Instance, Indexed)> = None;
    for line in io::stdin().lock().lines() {
        let instance: Instance = serde_json::from_str(&line?).context("an instance")?;
        let same = |own: &Instance| own.repository == instance.repository && own.commit == instance.commit;
        let indexed = match last.take() {
            Some((own, indexed)) if same(&own) => indexed,
            _ => Indexed::of(&instance, stores.path(), compared).with_context(|| instance.id.clone())?,
        };
        println!("{}", serde_json::to_string(&rank(&instance, &indexed))?);
        last = Some((instance, indexed));
    }
    Ok(())
}

/// What the ranking is compared with.
#[derive(Clone, Copy)]
enum Compared {
    PlainBm25,
    Nothing,
}

/// A commit, indexed.
struct Indexed {
    index: Index,
    plain: Option<PlainBm25>,
    index_ms: u128,
}

impl Indexed {
    /// Indexes a commit in the store of its repository, which then has the blobs of all commits that were looked at.
    fn of(instance: &Instance, stores: &Path, compared: Compared) -> anyhow::Result<Self> {
        let repository = Repository::discover(Path::new(&instance.repository))?;
        let revision = repository.revision(&instance.commit)?;
        let plain = match compared {
            Compared::PlainBm25 => Some(PlainBm25::of(&texts(&revision))),
            Compared::Nothing => None,
        };
        let location = StoreLocation {
            file: stores.join(format!("{}.sqlite", repository.shared_key())),
            view: None,
        };
        let began = Instant::now();
        let index = Index::open(
            Source::Revision(&revision),
            &location,
            &IndexConfig::default(),
            &NoProgress,
        )?;
        let index_ms = began.elapsed().as_millis();
        ensure!(index.summary().database_bytes.is_some(), "the index is not on disk");
        Ok(Self { index, plain, index_ms })
    }
}

fn rank(instance: &Instance, indexed: &Indexed) -> Outcome {
    let plain = indexed.plain.as_ref().map(|plain| plain.ranking(&instance.query));
    let mut times_ms: Vec<f64> = Vec::new();
    let mut cpu_ms: Vec<f64> = Vec::new();
    let mut hits = Vec::new();
    for _ in 0..RUNS {
        let (began, cpu_before_ms) = (Instant::now(), thread_cpu_ms());
        hits = indexed.index.search_files(&instance.query, MOST_HITS);
        times_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        if let (Some(before_ms), Some(after_ms)) = (cpu_before_ms, thread_cpu_ms()) {
            cpu_ms.push(after_ms - before_ms);
        }
    }
    times_ms.sort_unstable_by(f64::total_cmp);
    cpu_ms.sort_unstable_by(f64::total_cmp);
    let ranks = |paths: &[&str]| -> Vec<Option<usize>> {
        let rank = |gold: &String| paths.iter().position(|path| path == gold);
        instance.gold.iter().map(rank).collect()
    };
    let found: Vec<&str> = hits.iter().map(|hit| hit.path.as_str()).collect();
    let plain: Option<Vec<&str>> = plain.as_ref().map(|paths| paths.iter().map(RepoPath::as_str).collect());
    Outcome {
        id: instance.id.clone(),
        files: indexed.index.files().len(),
        index_ms: indexed.index_ms,
        query_ms: times_ms[RUNS / 2],
        query_cpu_ms: cpu_ms.get(RUNS / 2).copied(),
        ranks: ranks(&found),
        plain_ranks: plain.map_or_else(Vec::new, |plain| ranks(&plain)),
    }
}

/// Returns how long this thread has been on a processor; none where the kernel does not say.
fn thread_cpu_ms() -> Option<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let on_cpu_ns: u64 = stat.split_whitespace().next()?.parse().ok()?;
    Some(on_cpu_ns as f64 / 1e6)
}

/// Reads the text files of a commit, as many as the index takes.
fn texts(revision: &Revision) -> Vec<(RepoPath, String)> {
    let most_bytes = IndexConfig::default().max_file_bytes;
    let mut texts = Vec::new();
    for RevisionFile { path, blob } in revision.files() {
        // What is too large, or missing from a partial clone, is not in the index either.
        let Ok(bytes) = revision.read_bytes(path, *blob, most_bytes) else {
            continue;
        };
        if bytes.contains(&0) {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            texts.push((path.clone(), text));
        }
    }
    texts
}

/// What the ranking is compared with: BM25 over the words of path and text as one field (k1 = 1.2, b = 0.75), words
/// split at what is not alphanumeric, lower-cased, not stemmed.
struct PlainBm25 {
    paths: Vec<RepoPath>,
    lengths: Vec<usize>,
    postings: HashMap<String, Vec<(usize, usize)>>,
}

impl PlainBm25 {
    fn of(texts: &[(RepoPath, String)]) -> Self {
        let mut plain = Self {
            paths: Vec::new(),
            lengths: Vec::new(),
            postings: HashMap::new(),
        };
        for (document, (path, text)) in texts.iter().enumerate() {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for word in words(path.as_str()).chain(words(text)) {
                *counts.entry(word).or_default() += 1;
            }
            plain.paths.push(path.clone());
            plain.lengths.push(counts.values().sum());
            for (word, count) in counts {
                plain.postings.entry(word).or_default().push((document, count));
            }
        }
        plain
    }

    fn ranking(&self, query: &str) -> Vec<RepoPath> {
        const K1: f64 = 1.2;
        const B: f64 = 0.75;
        let documents = self.paths.len() as f64;
        let average = self.lengths.iter().sum::<usize>() as f64 / documents.max(1.0);
        let mut scores = vec![0.0; self.paths.len()];
        let terms: BTreeMap<String, ()> = words(query).map(|word| (word, ())).collect();
        for postings in terms.keys().filter_map(|term| self.postings.get(term)) {
            let found = postings.len() as f64;
            let idf = (1.0 + (documents - found + 0.5) / (found + 0.5)).ln();
            for (document, count) in postings {
                let count = *count as f64;
                let norm = 1.0 - B + B * self.lengths[*document] as f64 / average;
                scores[*document] += idf * count * (K1 + 1.0) / (K1 * norm + count);
            }
        }
        let mut order: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] > 0.0).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        order.truncate(MOST_HITS);
        order.into_iter().map(|at| self.paths[at].clone()).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
