use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::agent::{AgentConfig, SiteWriter, Workbench};
use crate::batch::{
    Author, BatchError, Ending, GroupBy, Keeper, Limits, Outcome, Plan, Run, RunStamp, RunState, SiteFile, SiteRecord,
    Summary, select, series,
};
use crate::cli::args::{BatchArgs, GroupByArg};
use crate::cli::batch_json::{BatchReport, DryRun, SiteEvent};
use crate::cli::context::{Context, now_unix_s};
use crate::cli::exit::ExitStatus;
use crate::cli::stamp::Stamp;
use crate::cli::{engine, input, mail, message, output, record, store};
use crate::index::Index;
use crate::ledger::{Digest, Recorder, SettledAs, SiteSettled};
use crate::model::{Sampling, Witnessed};
use crate::progress::Within;
use crate::repo::Snapshot;
use crate::review::escape;

/// A longer plan is no plan that a person wrote.
const MOST_PLAN_BYTES: u64 = 4 << 20;
/// The name of the series in the folder of a run.
const SERIES_FILE: &str = "series.mbox";
/// The name of the report.
const REPORT_FILE: &str = "report.json";

/// Carries a plan out.
pub(super) fn run(args: &BatchArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    let text = input::read(context.input.as_ref(), MOST_PLAN_BYTES)?;
    let text = String::from_utf8(text).with_context(|| format!("cannot read the plan {:?}", args.plan))?;
    let plan = Plan::parse(&text).with_context(|| format!("{:?} is no plan", args.plan))?;
    let repository = record::repository(context, recorder)?;
    let snapshot = repository.snapshot()?;
    let index = store::verified_index(context, &repository, &snapshot)?;
    store::say_skipped(context, &index);
    record::note_index(recorder, &index);
    let mut files = select(&plan, &index)?;
    files.retain(|file| args.shard.takes(&file.path));
    let sites = files.iter().map(|file| file.sites.len()).sum::<usize>();
    if args.dry_run {
        return dry_run(args, &plan, &index, &files);
    }
    if sites == 0 {
        message::note("the plan has no site here");
        return Ok(ExitStatus::NothingToChange);
    }
    let model = match &plan.request {
        Some(_) => Some(engine::load(context)?),
        None => None,
    };
    if let Some(model) = &model {
        record::note_model(recorder, model.as_ref());
    }
    let stamp = RunStamp {
        plan: Digest::of(text.as_bytes()).to_string(),
        title: plan.title.clone(),
        repository: repository.key(),
        shard: args.shard,
        skiff: env!("CARGO_PKG_VERSION").to_owned(),
        model: model.as_ref().map(|model| model.digest().to_owned()),
        seed: context.settings.seed,
    };
    let folder = folder(args, context, &stamp);
    let (state, settled) = open_state(args, &folder, &stamp)?;
    let model = model.as_ref().map(|model| Witnessed::new(model.as_ref(), recorder));
    let config = AgentConfig {
        sampling: Sampling {
            seed: context.settings.seed,
            ..Sampling::default()
        },
        ..AgentConfig::default()
    };
    let progress = Within(&context.progress);
    let bench = model.as_ref().map(|model| Workbench {
        snapshot: &snapshot,
        index: &index,
        model,
        config: &config,
        checks: None,
        witness: None,
        progress: &progress,
    });
    let mut run = Run {
        plan: &plan,
        snapshot: &snapshot,
        index: &index,
        writer: bench.as_ref().map(SiteWriter::new).transpose()?,
        limits: Limits {
            failures: args.max_failures,
            tokens: args.token_limit,
            until: args.time_limit.map(|seconds| started + Duration::from_secs(seconds)),
        },
        progress: &context.progress,
    };
    let mut book = Book {
        state,
        records: settled.clone(),
        recorder,
        prints: args.jsonl,
    };
    let ending = run.settle(&files, &settled, &mut book);
    drop(run);
    record::note_files(recorder, &snapshot);
    let mut records = book.records;
    records.sort_by(|a, b| a.path.cmp(&b.path));
    let ending = ending?;
    let patches = write_series(args, context, &folder, &stamp, &records, &snapshot)?;
    let summary = Summary::of(sites, &records);
    let report = BatchReport::new(
        &stamp,
        ending,
        &summary,
        &records,
        patches,
        &folder.join(SERIES_FILE),
        started.elapsed(),
    );
    let file = folder.join(REPORT_FILE);
    let json = output::json(&report)?;
    fs::write(&file, json).with_context(|| format!("cannot write {}", file.display()))?;
    match (args.json, args.jsonl) {
        (true, _) => output::write_json(&report)?,
        (_, true) => output::write_json_line(&report)?,
        (false, false) => output::write_styled(&escape(&report.to_string()))?,
    }
    Ok(status(ending, &summary))
}

/// Says what the exit code says.
fn status(ending: Ending, summary: &Summary) -> ExitStatus {
    match ending {
        Ending::Cancelled => ExitStatus::Interrupted,
        Ending::TooManyFailures | Ending::TooManyTokens | Ending::TooLong => ExitStatus::GateFailed,
        Ending::Finished => match (summary.changed(), summary.failed) {
            (0, 0) => ExitStatus::NothingToChange,
            (0, _) => ExitStatus::Error,
            (_, 0) => ExitStatus::Done,
            (_, _) => ExitStatus::GateFailed,
        },
    }
}

fn dry_run(args: &BatchArgs, plan: &Plan, index: &Index, files: &[SiteFile]) -> anyhow::Result<ExitStatus> {
    let found = DryRun::new(plan, index, files);
    match args.json || args.jsonl {
        true => output::write_json(&found)?,
        false => output::write_styled(&escape(&found.to_string()))?,
    }
    Ok(match files.is_empty() {
        true => ExitStatus::NothingToChange,
        false => ExitStatus::Done,
    })
}

/// Returns the folder of a run: the one that is named, or one that the same command line finds again.
fn folder(args: &BatchArgs, context: &Context, stamp: &RunStamp) -> PathBuf {
    const MOST_DIGITS: usize = 12;
    args.output.clone().unwrap_or_else(|| {
        let of = format!("{} {} {}", stamp.plan, stamp.repository, stamp.shard);
        let digest = Digest::of(of.as_bytes()).to_string();
        batches(&context.directories.state).join(&digest[..MOST_DIGITS])
    })
}

/// Returns the folder of the runs for which none is named.
pub(crate) fn batches(state: &Path) -> PathBuf {
    state.join("batches")
}

fn open_state(args: &BatchArgs, folder: &Path, stamp: &RunStamp) -> anyhow::Result<(RunState, Vec<SiteRecord>)> {
    if args.resume {
        return Ok(RunState::resume(folder, stamp)?);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok((RunState::create(folder, stamp)?, Vec::new()))
}

/// Keeps what is settled: on disk first, then in the ledger, then for who reads along.
struct Book<'r> {
    state: RunState,
    records: Vec<SiteRecord>,
    recorder: &'r Recorder,
    prints: bool,
}

impl Keeper for Book<'_> {
    fn keep(&mut self, records: &[SiteRecord]) -> Result<(), BatchError> {
        self.state.add(records)?;
        for record in records {
            self.recorder.note_site(settled(record));
            if self.prints {
                // Who went away is told when the report is printed.
                let _ = output::write_json_line(&SiteEvent::of(record));
            }
        }
        self.records.extend_from_slice(records);
        Ok(())
    }
}

fn settled(record: &SiteRecord) -> SiteSettled {
    let (outcome, text) = match &record.outcome {
        Outcome::Done { by, text, .. } => {
            let outcome = match by {
                Author::Rewrite => SettledAs::Rewritten,
                Author::Model => SettledAs::Edited,
            };
            (outcome, Some(Digest::of(text.as_bytes())))
        }
        Outcome::Unchanged { .. } => (SettledAs::Unchanged, None),
        Outcome::Failed { .. } => (SettledAs::Failed, None),
    };
    SiteSettled {
        path: record.path.clone(),
        blob: record.blob.to_string(),
        start: record.range.start as u64,
        end: record.range.end as u64,
        outcome,
        text,
    }
}

/// Writes the series, all of it or nothing; returns how many patches it has.
fn write_series(
    args: &BatchArgs,
    context: &Context,
    folder: &Path,
    stamp: &RunStamp,
    records: &[SiteRecord],
    snapshot: &Snapshot,
) -> anyhow::Result<usize> {
    let group_by = match args.group_by {
        GroupByArg::Site => GroupBy::Site,
        GroupByArg::File => GroupBy::File,
        GroupByArg::All => GroupBy::All,
    };
    let marking = Stamp::of(context).marking;
    let date = now_unix_s()?;
    let file = folder.join(SERIES_FILE);
    let unfinished = folder.join(format!("{SERIES_FILE}.part"));
    let failed = || format!("cannot write {}", unfinished.display());
    let mut out = BufWriter::new(File::create(&unfinished).with_context(failed)?);
    let mut patches = 0;
    let mut written = Ok(());
    series(records, snapshot, group_by, &mut |patch| {
        patches += 1;
        let text = mail::of_series(&patch, stamp, marking.as_ref(), date);
        if written.is_ok() {
            written = out.write_all(text.as_bytes());
        }
        Ok(())
    })?;
    written.and_then(|()| out.flush()).with_context(failed)?;
    out.get_ref().sync_all().with_context(failed)?;
    fs::rename(&unfinished, &file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(patches)
}
