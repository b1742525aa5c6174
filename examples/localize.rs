//! Ranks the files of past states of repositories for requests about them, and says how often the files that the change
//! touched come first. `scripts/bench-localize.sh` runs it.
//!
//! Reads JSON objects, one a line, on stdin: `id`, `repository` (a git directory), `commit`, `query`, `gold` (the paths
//! that the change touched). Prints one JSON object a line: `id`, `files`, `index_ms`, `query_ms`, `ranks` (the zero-based
//! rank of each gold path; null where it is not among the first hundred), and `plain_ranks` by BM25 over one field.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use skiff::index::{Index, IndexConfig};
use skiff::progress::NoProgress;
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
    // Instances of one commit stand one after the other.
    let mut last: Option<(Instance, Indexed)> = None;
    for line in io::stdin().lock().lines() {
        let instance: Instance = serde_json::from_str(&line?).context("an instance")?;
        let same = |own: &Instance| own.repository == instance.repository && own.commit == instance.commit;
        let indexed = match last.take() {
            Some((own, indexed)) if same(&own) => indexed,
            _ => Indexed::of(&instance).with_context(|| instance.id.clone())?,
        };
        println!("{}", serde_json::to_string(&rank(&instance, &indexed))?);
        last = Some((instance, indexed));
    }
    Ok(())
}

/// A commit, indexed.
struct Indexed {
    index: Index,
    plain: PlainBm25,
    index_ms: u128,
}

impl Indexed {
    fn of(instance: &Instance) -> anyhow::Result<Self> {
        let texts = tree(&instance.repository, &instance.commit)?;
        let plain = PlainBm25::of(&texts);
        let began = Instant::now();
        let index = Index::from_texts(texts, &NoProgress)?;
        Ok(Self {
            index,
            plain,
            index_ms: began.elapsed().as_millis(),
        })
    }
}

fn rank(instance: &Instance, indexed: &Indexed) -> Outcome {
    let plain = indexed.plain.ranking(&instance.query);
    let mut times_ms: Vec<f64> = Vec::new();
    let mut hits = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        hits = indexed.index.search_files(&instance.query, MOST_HITS);
        times_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times_ms.sort_unstable_by(f64::total_cmp);
    let ranks = |paths: &[&str]| -> Vec<Option<usize>> {
        let rank = |gold: &String| paths.iter().position(|path| path == gold);
        instance.gold.iter().map(rank).collect()
    };
    let found: Vec<&str> = hits.iter().map(|hit| hit.path.as_str()).collect();
    let plain: Vec<&str> = plain.iter().map(RepoPath::as_str).collect();
    Outcome {
        id: instance.id.clone(),
        files: indexed.index.files().len(),
        index_ms: indexed.index_ms,
        query_ms: times_ms[RUNS / 2],
        ranks: ranks(&found),
        plain_ranks: ranks(&plain),
    }
}

/// Reads the text files of a commit, as many as the index would take of a work tree.
fn tree(repository: &str, commit: &str) -> anyhow::Result<Vec<(RepoPath, String)>> {
    let git = || {
        let mut git = Command::new("git");
        git.args(["--git-dir", repository]);
        git
    };
    let listing = git()
        .args(["ls-tree", "-r", "-z", "--long", commit])
        .stderr(Stdio::inherit())
        .output()
        .context("git ls-tree")?;
    ensure!(listing.status.success(), "git ls-tree failed");
    let entries: Vec<(String, RepoPath)> = listing.stdout.split(|byte| *byte == 0).filter_map(entry).collect();
    let mut batch = git()
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("git cat-file")?;
    let (Some(mut input), Some(output)) = (batch.stdin.take(), batch.stdout.take()) else {
        bail!("git cat-file has no pipes");
    };
    let ids: String = entries.iter().map(|(id, _)| format!("{id}\n")).collect();
    let writer = thread::spawn(move || input.write_all(ids.as_bytes()));
    let mut output = BufReader::new(output);
    let mut texts = Vec::new();
    for (_, path) in entries {
        let mut header = String::new();
        output.read_line(&mut header)?;
        let size_bytes: usize = header
            .split_whitespace()
            .nth(2)
            .and_then(|size| size.parse().ok())
            .with_context(|| format!("git cat-file said {header:?}"))?;
        let mut bytes = vec![0; size_bytes + 1];
        output.read_exact(&mut bytes)?;
        bytes.pop();
        if bytes.contains(&0) {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            texts.push((path, text));
        }
    }
    match writer.join() {
        Ok(written) => written?,
        Err(_) => bail!("git cat-file was not fed"),
    }
    batch.wait()?;
    Ok(texts)
}

/// Reads `mode type id size\tpath`; none for links, submodules and what is too large to index.
fn entry(line: &[u8]) -> Option<(String, RepoPath)> {
    const LINK: &str = "120000";
    let line = std::str::from_utf8(line).ok()?;
    let (head, path) = line.split_once('\t')?;
    let mut head = head.split_whitespace();
    let (mode, kind, id, size) = (head.next()?, head.next()?, head.next()?, head.next()?);
    let size_bytes: u64 = size.parse().ok()?;
    let taken = mode != LINK && kind == "blob" && size_bytes <= IndexConfig::default().max_file_bytes;
    Some((id.to_owned(), RepoPath::new(path).ok()?)).filter(|_| taken)
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
