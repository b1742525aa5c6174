//! What `skiff batch` says of a plan and of a run: as JSON, whose schemas are `docs/schema/batch*.json`, and for people.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::batch::{Author, Ending, Outcome, Plan, RunStamp, SiteFile, SiteRecord, Summary};
use crate::index::Index;
use crate::text::{RepoPath, shortened};

const SCHEMA_VERSION: u32 = 1;
/// So much is shown of a place.
const MOST_CHARS: usize = 120;
/// So many failures are listed for people; the report has all.
const MOST_FAILURES: usize = 20;

/// The places of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct DryRun<'r> {
    schema_version: u32,
    title: &'r str,
    files: usize,
    sites: Vec<Found<'r>>,
}

#[derive(Debug, Serialize)]
struct Found<'r> {
    path: &'r RepoPath,
    /// From 1.
    line: usize,
    start: usize,
    end: usize,
    text: String,
}

impl<'r> DryRun<'r> {
    pub(crate) fn new(plan: &'r Plan, index: &Index, files: &'r [SiteFile]) -> Self {
        let of_file = |file: &'r SiteFile| {
            let text = index.text(&file.path).unwrap_or_default();
            let found = file.sites.iter().map(|site| Found {
                path: &file.path,
                line: site.line + 1,
                start: site.range.start,
                end: site.range.end,
                text: text.get(site.range.as_range()).unwrap_or_default().to_owned(),
            });
            found.collect::<Vec<Found<'r>>>()
        };
        Self {
            schema_version: SCHEMA_VERSION,
            title: &plan.title,
            files: files.len(),
            sites: files.iter().flat_map(of_file).collect(),
        }
    }
}

impl fmt::Display for DryRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Found { path, line, text, .. } in &self.sites {
            let first = text.lines().next().unwrap_or_default();
            writeln!(f, "{path}:{line}: {}", shortened(first, MOST_CHARS))?;
        }
        writeln!(f, "{}: {}", self.title, counted(self.sites.len(), self.files))
    }
}

fn counted(sites: usize, files: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("{sites} site{} in {files} file{}", plural(sites), plural(files))
}

/// A place that is settled.
#[derive(Debug, Serialize)]
pub(crate) struct SiteEvent<'r> {
    event: &'static str,
    path: &'r RepoPath,
    /// From 1.
    line: usize,
    start: usize,
    end: usize,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl<'r> SiteEvent<'r> {
    pub(crate) fn of(record: &'r SiteRecord) -> Self {
        let tokens = record.outcome.tokens();
        let (outcome, by, text, reason) = match &record.outcome {
            _ if record.dropped.is_some() => ("dropped", None, None, record.dropped.as_deref()),
            Outcome::Done { by, text, .. } => {
                let by = match by {
                    Author::Rewrite => "rewrite",
                    Author::Model => "model",
                };
                ("done", Some(by), Some(text.as_str()), None)
            }
            Outcome::Unchanged { .. } => ("unchanged", None, None, None),
            Outcome::Failed { reason, .. } => ("failed", None, None, Some(reason.as_str())),
        };
        Self {
            event: "site",
            path: &record.path,
            line: record.line + 1,
            start: record.range.start,
            end: record.range.end,
            outcome,
            by,
            text,
            reason,
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.completion,
        }
    }
}

/// What came of a run.
#[derive(Debug, Serialize)]
pub(crate) struct BatchReport<'r> {
    event: &'static str,
    schema_version: u32,
    title: &'r str,
    plan_sha384: &'r str,
    shard: String,
    model_sha256: Option<&'r str>,
    ending: &'static str,
    sites: usize,
    rewritten: usize,
    edited: usize,
    unchanged: usize,
    failed: usize,
    dropped: usize,
    not_reached: usize,
    check_all: Option<&'static str>,
    prompt_tokens: u64,
    completion_tokens: u64,
    elapsed_ms: u64,
    ledger_run: u64,
    series: String,
    patches: usize,
    failures: Vec<SiteEvent<'r>>,
}

impl<'r> BatchReport<'r> {
    pub(crate) fn new(
        stamp: &'r RunStamp,
        ending: Ending,
        summary: &Summary,
        records: &'r [SiteRecord],
        series: &Path,
        elapsed: Duration,
    ) -> Self {
        let failed =
            |record: &&SiteRecord| record.dropped.is_some() || matches!(record.outcome, Outcome::Failed { .. });
        Self {
            event: "report",
            schema_version: SCHEMA_VERSION,
            title: &stamp.title,
            plan_sha384: &stamp.plan,
            shard: stamp.shard.to_string(),
            model_sha256: stamp.model.as_deref(),
            ending: match ending {
                Ending::Finished => "finished",
                Ending::TooManyFailures => "too_many_failures",
                Ending::TooManyTokens => "too_many_tokens",
                Ending::TooLong => "too_long",
                Ending::Cancelled => "cancelled",
            },
            sites: summary.sites,
            rewritten: summary.rewritten,
            edited: summary.edited,
            unchanged: summary.unchanged,
            failed: summary.failed,
            dropped: summary.dropped,
            check_all: None,
            not_reached: summary.not_reached(),
            prompt_tokens: summary.tokens.prompt,
            completion_tokens: summary.tokens.completion,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            ledger_run: 0,
            series: series.display().to_string(),
            patches: 0,
            failures: records.iter().filter(failed).map(SiteEvent::of).collect(),
        }
    }
}

impl BatchReport<'_> {
    /// Returns what the plan says that it does.
    pub(crate) fn title(&self) -> &str {
        self.title
    }

    /// Says what came of the checks of all.
    pub(crate) fn set_check_all(&mut self, failed: Option<&str>) {
        self.check_all = Some(failed.map_or("passed", |_| "failed"));
    }

    /// Says which run of the ledger it is.
    pub(crate) fn set_run(&mut self, run: u64) {
        self.ledger_run = run;
    }

    /// Says how many patches came of it.
    pub(crate) fn set_patches(&mut self, patches: usize) {
        self.patches = patches;
    }

    /// Returns what was counted, in words: all places, and then what is not zero.
    pub(crate) fn counts(&self) -> Vec<(&'static str, usize)> {
        let counts = [
            ("sites", self.sites),
            ("changed by rewrites", self.rewritten),
            ("changed by the model", self.edited),
            ("right as they are", self.unchanged),
            ("failed", self.failed),
            ("dropped by a check of their group", self.dropped),
            ("not reached", self.not_reached),
        ];
        let counted = counts
            .into_iter()
            .enumerate()
            .filter(|(at, (_, count))| *at == 0 || *count > 0);
        counted.map(|(_, count)| count).collect()
    }

    /// Returns the places that failed, each with the reason.
    pub(crate) fn failures(&self) -> Vec<(String, String)> {
        let failures = self.failures.iter().map(|SiteEvent { path, line, reason, .. }| {
            let reason = reason.unwrap_or_default();
            (format!("{path}:{line}"), reason.to_owned())
        });
        failures.collect()
    }
}

impl fmt::Display for BatchReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.failures();
        for (place, reason) in failures.iter().take(MOST_FAILURES) {
            writeln!(f, "{place}: {}", shortened(reason, MOST_CHARS))?;
        }
        if let Some(more) = failures.len().checked_sub(MOST_FAILURES).filter(|more| *more > 0) {
            writeln!(f, "... and {more} more that failed")?;
        }
        writeln!(f, "{}", self.title)?;
        for (what, count) in self.counts() {
            writeln!(f, "{count:>8} {what}")?;
        }
        if self.prompt_tokens + self.completion_tokens > 0 {
            let (read, written) = (self.prompt_tokens, self.completion_tokens);
            writeln!(f, "{read:>8} tokens read, {written} written")?;
        }
        writeln!(f, "{:>8} patches in {}", self.patches, self.series)
    }
}

/// What came of a plan in many repositories.
#[derive(Debug, Serialize)]
pub(crate) struct FleetReport {
    schema_version: u32,
    repositories: Vec<Harbour>,
    sites: u64,
    changed: u64,
    failed: u64,
    patches: u64,
}

/// What came of it in one.
#[derive(Debug, Serialize)]
pub(crate) struct Harbour {
    pub(crate) path: String,
    /// Its folder in that of the output.
    pub(crate) folder: String,
    pub(crate) exit_code: u8,
    /// What its run reported, where it came to that.
    pub(crate) report: Option<serde_json::Value>,
}

impl FleetReport {
    pub(crate) fn new(repositories: Vec<Harbour>) -> Self {
        let sum = |keys: &[&str]| {
            let counts = repositories
                .iter()
                .flat_map(|own| keys.iter().map(|key| own.count(key)));
            counts.sum()
        };
        Self {
            schema_version: SCHEMA_VERSION,
            sites: sum(&["sites"]),
            changed: sum(&["rewritten", "edited"]),
            failed: sum(&["failed", "dropped"]),
            patches: sum(&["patches"]),
            repositories,
        }
    }
}

impl Harbour {
    fn count(&self, key: &str) -> u64 {
        self.report
            .as_ref()
            .and_then(|report| report[key].as_u64())
            .unwrap_or(0)
    }
}

impl fmt::Display for FleetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for own in &self.repositories {
            match own.report {
                None => writeln!(f, "{}: no run (exit code {})", own.path, own.exit_code)?,
                Some(_) => {
                    let changed = own.count("rewritten") + own.count("edited");
                    let (sites, failed) = (own.count("sites"), own.count("failed") + own.count("dropped"));
                    writeln!(f, "{}: {sites} sites, {changed} changed, {failed} failed", own.path)?;
                }
            }
        }
        let repositories = self.repositories.len();
        let (sites, changed, failed) = (self.sites, self.changed, self.failed);
        writeln!(
            f,
            "{repositories} repositories: {sites} sites, {changed} changed, {failed} failed, {} patches",
            self.patches
        )
    }
}
