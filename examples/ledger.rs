//! Measures the ledger: how long a million records take to verify, and how long a record takes to become durable.
//! `scripts/trust/ledger.sh` runs it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use skiff::agent::{Action, ModelStamp, Proposal, RegionReport};
use skiff::ledger::{Expectation, Ledger, ProposalId, Recorder, Setting, Texts, Verb};
use skiff::model::{EngineStamp, Sampling, Usage};
use skiff::patch::Patch;
use skiff::text::RepoPath;

#[derive(Parser)]
struct Args {
    /// How many records are verified.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// How many records are made durable one by one.
    #[arg(long, default_value_t = 300)]
    appends: usize,
    /// A directory on the disk that is measured; nothing may be in it.
    dir: PathBuf,
}

const VERIFY_GOAL: Duration = Duration::from_secs(10);
/// An edit of one place waits for five appends: 2 % of an edit of five seconds.
const APPEND_GOAL: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<bool, Box<dyn Error>> {
    let appended = append(args)?;
    println!(
        "append: median {:.2} ms, 95 % within {:.2} ms, {} records, each durable (goal: median under {} ms)",
        ms(appended[appended.len() / 2]),
        ms(appended[appended.len() * 95 / 100]),
        appended.len(),
        APPEND_GOAL.as_millis()
    );
    let (taken, records, bytes) = verify(args)?;
    println!(
        "verify: {records} records, {:.0} MB, {:.2} s (goal: under {} s)",
        bytes as f64 / 1e6,
        taken.as_secs_f64(),
        VERIFY_GOAL.as_secs()
    );
    Ok(taken < VERIFY_GOAL && appended[appended.len() / 2] < APPEND_GOAL)
}

/// Returns how long each append took, in order of length.
fn append(args: &Args) -> Result<Vec<Duration>, Box<dyn Error>> {
    let recorder = begin(&args.dir.join("appended"))?;
    let id: ProposalId = "1".parse()?;
    let mut taken = Vec::new();
    for _ in 0..args.appends.max(1) {
        let started = Instant::now();
        recorder.record_discard(id, &Patch::default())?;
        taken.push(started.elapsed());
    }
    recorder.end(0)?;
    taken.sort_unstable();
    Ok(taken)
}

/// Writes a ledger with the records that edits leave, and returns how long checking it took, its records and bytes.
fn verify(args: &Args) -> Result<(Duration, u64, u64), Box<dyn Error>> {
    /// Records of a run, its first, its last and the checkpoints not counted.
    const A_RUN: u64 = 992;
    let dir = args.dir.join("verified");
    let path = RepoPath::new("src/parser/interval.py")?;
    let proposal = Proposal {
        request: String::new(),
        model: ModelStamp {
            name: "model".to_owned(),
            sha256: "0".repeat(64),
        },
        engine: EngineStamp::Scripted,
        sampling: Sampling::default(),
        regions: vec![RegionReport {
            path: path.clone(),
            symbol: Some("IntervalParser.parse".to_owned()),
            action: Action::Rewrite,
            attempts: 2,
            gate_hits: vec!["line 12: a syntax error: expected `:`".to_owned()],
            failure: None,
        }],
        candidates: Vec::new(),
        usage: Usage::default(),
        energy_mj: None,
        steps: Vec::new(),
        checks: Vec::new(),
        patch: Patch::default(),
    };
    let blob = "89abcdef".repeat(5);
    for _ in 0..args.records.div_ceil(A_RUN) {
        let recorder = begin(&dir)?;
        for _ in 0..A_RUN / 4 {
            recorder.note_work_tree("0123456789abcdef", "/srv/projects/interval");
            recorder.note_tree([(&path, blob.clone())].into_iter());
            recorder.note_files([(path.clone(), blob.clone())].into_iter());
            recorder.note_candidates(&proposal);
        }
        recorder.end(0)?;
    }
    let ledger = ledger(&dir);
    let expected = Expectation {
        keys: vec![ledger.public_key()?],
        head: None,
    };
    let started = Instant::now();
    let verified = ledger.verify(&expected, &mut |_, _| {})?;
    let taken = started.elapsed();
    let mut bytes = 0;
    for entry in fs::read_dir(ledger.dir())? {
        bytes += entry?.metadata()?.len();
    }
    Ok((taken, verified.records(), bytes))
}

fn begin(dir: &Path) -> Result<Recorder, Box<dyn Error>> {
    let setting = Setting {
        clock: || 1_704_164_645,
        texts: Texts::Digests,
        marking: None,
        role: "brain",
        confinement: "seccomp",
        landlock_abi: None,
        policy_sha256: None,
    };
    Ok(Recorder::begin(ledger(dir), setting, Verb::Edit)?)
}

fn ledger(dir: &Path) -> Ledger {
    Ledger::new(&dir.join("ledger"), &dir.join("key"))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
