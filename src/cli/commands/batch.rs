pub(crate) mod branch;
mod merge;
mod proposals;
mod results;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use proposals::Origin;
use results::{Results, SERIES_FILE};

use crate::agent::{AgentConfig, Checks, SiteWriter, Workbench};
use crate::batch::{
    Author, BatchError, Ending, Finding, Keeper, Limits, Outcome, Plan, Run, RunStamp, RunState, SiteFile, SiteRecord,
    Summary, check_all, check_groups, parse_findings, select,
};
use crate::cli::args::{BatchArgs, BatchCommand};
use crate::cli::batch_json::{BatchReport, DryRun, SiteEvent};
use crate::cli::check_choice;
use crate::cli::check_level::ByLevel;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::cli::user_checks::UserChecks;
use crate::cli::{engine, input, message, output, record, store};
use crate::index::Index;
use crate::ledger::{Digest, Recorder, SettledAs, SiteSettled};
use crate::model::{LanguageModel as _, Sampling, Witnessed};
use crate::progress::Within;
use crate::repo::{Repository, Snapshot};
use crate::review::escape;
use crate::sandbox::{CheckProfile, Checker};

/// A longer plan is no plan that a person wrote.
const MOST_PLAN_BYTES: u64 = 4 << 20;
const MOST_REPORT_BYTES: u64 = 256 << 20;

/// Carries a plan out.
pub(super) fn run(args: &BatchArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    if let Some(BatchCommand::Merge(merge)) = &args.command {
        return merge::run(merge, context, recorder);
    }
    let started = Instant::now();
    let (text, plan) = plan(args, context)?;
    let repository = record::repository(context, recorder)?;
    let snapshot = repository.snapshot()?;
    let index = store::verified_index(context, &repository, &snapshot)?;
    store::say_skipped(context, &index);
    record::note_index(recorder, &index);
    let findings = findings(args, context, &repository)?;
    let mut files = select(&plan, findings.as_deref(), &index)?;
    files.retain(|file| args.shard.takes(&file.path));
    let sites = files.iter().map(|file| file.sites.len()).sum::<usize>();
    if args.dry_run {
        return dry_run(args, &plan, &index, &files);
    }
    if sites == 0 {
        message::note("the plan has no site here");
    }
    let lines = context
        .checks
        .as_ref()
        .try_map(|checks| check_choice::lines(checks, || Ok(CheckProfile::detect(&snapshot))))?;
    let checks = checks_of(context, &lines, recorder);
    let model = match &plan.request {
        Some(_) if sites > 0 => Some(engine::load(context)?),
        Some(_) | None => None,
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
        sites,
    };
    let folder = folder(args, context, &stamp);
    let (state, settled) = open_state(args, &folder, &stamp)?;
    refuse_changed(&settled, &files)?;
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
        each: checks.each.as_ref().map(|checks| checks as &dyn Checks),
        parallel: usize::from(args.parallel),
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
    let conclusion = Conclusion {
        args,
        context,
        snapshot: &snapshot,
        stamp: &stamp,
        folder: &folder,
        started,
        origin: args.propose.then(|| Origin {
            stamp: &stamp,
            model: model.as_ref().map(|model| (model.name().to_owned(), model.engine())),
            sampling: config.sampling,
        }),
        repository: &repository,
    };
    conclusion.draw(ending?, book, &checks)
}

/// Reads the plan, or makes one of the command line; returns its text too.
fn plan(args: &BatchArgs, context: &Context) -> anyhow::Result<(String, Plan)> {
    let name = args.plan.as_deref().unwrap_or(Path::new("-"));
    if let Some(code) = &args.matching {
        let request = name.to_string_lossy();
        let title = request.lines().next().unwrap_or_default();
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let text = format!(
            "version = 1\ntitle = {}\nrequest = {}\nmatch.code = {}\n",
            quoted(title),
            quoted(&request),
            quoted(code)
        );
        let plan = Plan::parse(&text).map_err(|error| UsageError(error.to_string()))?;
        return Ok((text, plan));
    }
    let text = input::read(context.input.as_ref(), MOST_PLAN_BYTES)?;
    let text = String::from_utf8(text).with_context(|| format!("cannot read the plan {name:?}"))?;
    let plan = Plan::parse(&text).with_context(|| format!("{name:?} is no plan"))?;
    Ok((text, plan))
}

/// Reads the report, where one is named.
fn findings(args: &BatchArgs, context: &Context, repository: &Repository) -> anyhow::Result<Option<Vec<Finding>>> {
    let Some(file) = &args.findings else {
        return Ok(None);
    };
    let bytes = input::read(context.report.as_ref(), MOST_REPORT_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let root = repository.work_dir().unwrap_or(Path::new("/"));
    let found = parse_findings(&text, root).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Some(found))
}

/// What follows when the places of a run are settled.
struct Conclusion<'c> {
    args: &'c BatchArgs,
    context: &'c Context,
    snapshot: &'c Snapshot,
    stamp: &'c RunStamp,
    folder: &'c Path,
    started: Instant,
    /// What proposals say, where they are asked for.
    origin: Option<Origin<'c>>,
    repository: &'c Repository,
}

impl Conclusion<'_> {
    /// Lets the checks of groups and of all run, and writes the series and the reports.
    fn draw(
        &self,
        ending: Ending,
        mut book: Book<'_>,
        checks: &ByLevel<Option<UserChecks<'_>>>,
    ) -> anyhow::Result<ExitStatus> {
        let Self {
            args,
            context,
            snapshot,
            stamp,
            folder,
            started,
            ref origin,
            repository,
        } = *self;
        let mut records = std::mem::take(&mut book.records);
        records.sort_by(|a, b| a.path.cmp(&b.path));
        let group_by = args.group_by.into();
        if let Some(checks) = &checks.group {
            let dropped = check_groups(&mut records, snapshot, group_by, checks, &context.progress)?;
            book.keep(&dropped)?;
        }
        let refused = match &checks.all {
            Some(checks) => Some(check_all(&records, snapshot, checks)?),
            None => None,
        };
        if let Some(Some(reason)) = &refused {
            message::warning(&format!("on all that changed, {reason}"));
        }
        let summary = Summary::of(stamp.sites, &records);
        let series = folder.join(SERIES_FILE);
        let mut report = BatchReport::new(stamp, ending, &summary, &records, &series, started.elapsed());
        report.set_run(book.recorder.run());
        if let Some(refused) = &refused {
            report.set_check_all(refused.as_deref());
        }
        let results = Results {
            folder,
            stamp,
            group_by,
        };
        if let Some(origin) = origin {
            let store = context.proposals(repository)?;
            origin.propose(&records, snapshot, group_by, &store, (context, book.recorder))?;
        }
        results.write(report, &records, snapshot, context, args.form())?;
        if let Some(name) = args.branch.as_deref().filter(|_| summary.changed() > 0)
            && !context.applier.hands_over("series")?
        {
            branch::build(name, folder, args, context, book.recorder)?;
        }
        Ok(match refused {
            Some(Some(_)) => ExitStatus::GateFailed,
            Some(None) | None => status(ending, &summary),
        })
    }
}

/// Returns the checks of each level, where there are any.
fn checks_of<'c>(
    context: &'c Context,
    lines: &'c ByLevel<Vec<String>>,
    recorder: &'c Recorder,
) -> ByLevel<Option<UserChecks<'c>>> {
    let of = |checker: &'c Option<Mutex<Checker>>, commands: &'c [String]| {
        checker.as_ref().map(|checker| UserChecks {
            checker,
            commands,
            recorder,
            progress: &context.progress,
        })
    };
    let checkers = &context.checkers;
    ByLevel {
        each: of(&checkers.each, &lines.each),
        group: of(&checkers.group, &lines.group),
        all: of(&checkers.all, &lines.all),
    }
}

/// Says what the exit code says.
fn status(ending: Ending, summary: &Summary) -> ExitStatus {
    match ending {
        Ending::Cancelled => ExitStatus::Interrupted,
        Ending::TooManyFailures | Ending::TooManyTokens | Ending::TooLong => ExitStatus::GateFailed,
        Ending::Finished => match (summary.changed(), summary.failed + summary.dropped) {
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
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    if args.resume {
        return Ok(RunState::resume(folder, stamp)?);
    }
    Ok((RunState::create(folder, stamp)?, Vec::new()))
}

/// Refuses to go on where a file is not the one in which places were settled: its other places are not those of then.
fn refuse_changed(settled: &[SiteRecord], files: &[SiteFile]) -> Result<(), BatchError> {
    let is_same = |record: &SiteRecord| {
        let at = files.binary_search_by(|file| file.path.cmp(&record.path));
        at.is_ok_and(|at| files[at].blob == record.blob)
    };
    match settled.iter().find(|record| !is_same(record)) {
        Some(record) => Err(BatchError::FileChanged(record.path.clone())),
        None => Ok(()),
    }
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
        let sites = records.iter().map(settled).collect();
        self.recorder
            .record_sites(sites)
            .map_err(|error| BatchError::Keeper(error.into()))?;
        for record in records {
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
        _ if record.dropped.is_some() => (SettledAs::Dropped, None),
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
