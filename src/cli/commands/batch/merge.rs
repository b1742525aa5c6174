use std::fs;
use std::time::Instant;

use anyhow::Context as _;

use super::results::{Results, SERIES_FILE};
use super::{settled, status};
use crate::batch::{Ending, Joined, RunState, SiteRecord, Summary, join, read_run};
use crate::cli::args::BatchMergeArgs;
use crate::cli::batch_json::BatchReport;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::{message, record};
use crate::ledger::Recorder;

/// Joins the runs of several shards into one.
pub(super) fn run(args: &BatchMergeArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    let repository = record::repository(context, recorder)?;
    let snapshot = repository.snapshot()?;
    let runs = args
        .folders
        .iter()
        .map(|folder| Ok((folder.as_path(), read_run(folder)?)));
    let runs = runs.collect::<anyhow::Result<Vec<_>>>()?;
    let Joined {
        stamp,
        records,
        conflicts,
    } = join(&runs)?;
    for SiteRecord { path, line, .. } in &conflicts {
        message::warning(&format!("{path}:{}: settled in two ways; the first is taken", line + 1));
    }
    fs::create_dir_all(&args.output).with_context(|| format!("cannot make {}", args.output.display()))?;
    let mut state = RunState::create(&args.output, &stamp)?;
    state.add(&records)?;
    recorder.record_sites(records.iter().map(settled).collect())?;
    let summary = Summary::of(stamp.sites, &records);
    let ending = Ending::Finished;
    let series = args.output.join(SERIES_FILE);
    let mut report = BatchReport::new(&stamp, ending, &summary, &records, &series, started.elapsed());
    report.set_run(recorder.run());
    let results = Results {
        folder: &args.output,
        stamp: &stamp,
        group_by: args.group_by.into(),
    };
    results.write(report, &records, &snapshot, context, args.form())?;
    Ok(match conflicts.is_empty() {
        true => status(ending, &summary),
        false => ExitStatus::Conflict,
    })
}
