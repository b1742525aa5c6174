//! One change at many places of a code base: a plan says which places, what becomes of them without a model, and what
//! the model is asked where that does not do.
//!
//! Imports `text`, `lang`, `index`, `patch`, `agent`, `progress`, and of `repo` only what reads.

mod checking;
mod file_work;
mod finding;
mod merge;
mod plan;
mod plan_error;
mod record;
mod rewriting;
mod run;
mod series;
mod shard;
mod site;
mod state;
mod summary;
mod template;

use std::io;
use std::path::{Path, PathBuf};

pub use checking::{check_all, check_groups};
pub use finding::{Finding, FindingsError, parse as parse_findings};
pub use merge::{Joined, join};
pub use plan::{Filter, Group, Place, Plan, Rewrite, Selector};
pub use plan_error::PlanError;
pub use record::{Author, Outcome, SiteRecord, Tokens};
pub use rewriting::Misfit;
pub use run::{Ending, Keeper, Limits, Run};
pub use series::{GroupBy, SeriesPatch, series};
pub use shard::Shard;
pub use site::{Said, Site, SiteFile, select};
pub use state::{RunStamp, RunState, STATE_FILE, read_run};
pub use summary::Summary;
pub use template::{Filled, Template, Unfilled};

use crate::agent::{AgentError, CheckFailure};
use crate::index::Index;
use crate::lang::{CodePatternError, CodeQueryError};
use crate::progress::NoProgress;
use crate::repo::RepoError;
use crate::text::RepoPath;

/// Reads a text as a plan and as a report, and rewrites it by the plan that it is.
pub(crate) fn read_foreign(text: &str) {
    // An error is an answer.
    let _ = parse_findings(text, Path::new("/root"));
    let Ok(plan) = Plan::parse(text) else { return };
    let Ok(path) = RepoPath::new("file.c") else { return };
    let Ok(index) = Index::from_texts(vec![(path.clone(), text.to_owned())], &NoProgress) else {
        return;
    };
    let Ok(files) = select(&plan, Some(&[]), &index) else {
        return;
    };
    for file in files {
        let language = index.file(&path).and_then(|own| own.language);
        let Ok(done) = rewriting::rewrite(language, text, &file, &plan.rewrites, None) else {
            continue;
        };
        let again = done
            .steps
            .iter()
            .fold(text.to_owned(), |text, step| rewriting::replaced(&text, &step.edit));
        assert_eq!(again, done.text);
        assert_eq!(done.steps.len() + done.left.len(), file.sites.len());
        for now in done.left.iter().filter_map(|left| left.now.as_ref()) {
            assert!(done.text.get(now.range.as_range()).is_some(), "{now:?}");
        }
    }
}

/// What stops a run, or keeps it from beginning.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The text of `match.code` is no code.
    #[error("the pattern is no piece of code")]
    Pattern(#[source] CodePatternError),
    /// The grammar refuses `match.query`.
    #[error("the query is refused")]
    Query(#[source] CodeQueryError),
    /// Nothing uses the name.
    #[error("nothing uses the name {0:?}")]
    NoReferences(String),
    /// A file that the plan lists is not there.
    #[error("{0} is not in the index")]
    NoSuchFile(RepoPath),
    /// The plan is about findings, and there is no report.
    #[error("the plan takes its places from a report: name one with --findings")]
    NoFindings,
    /// A line that the plan lists is not there.
    #[error("{path} has no line {}; it has {lines}", line + 1)]
    NoSuchLine {
        /// The file.
        path: RepoPath,
        /// The line, zero-based.
        line: usize,
        /// How many lines it has.
        lines: usize,
    },
    /// The file is not the one in which the places were found.
    #[error("{0} has changed since its sites were found")]
    FileChanged(RepoPath),
    /// The state says something that cannot be of this file.
    #[error("the state of the run does not go with {0}")]
    Damaged(RepoPath),
    /// There is a run in the folder.
    #[error("{} holds a run already", .0.display())]
    RunExists(PathBuf),
    /// There is none.
    #[error("{} holds no run", .0.display())]
    NoRun(PathBuf),
    /// There is nothing to join.
    #[error("no run is named")]
    NoRuns,
    /// The run in the folder is another one.
    #[error("the run in {} has another {differs}", folder.display())]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// In what it differs.
        differs: &'static str,
    },
    /// The state is no state.
    #[error("line {line} of {} in {} is damaged", STATE_FILE, folder.display())]
    DamagedState {
        /// The folder.
        folder: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The state cannot be kept.
    #[error("cannot write or read {}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Who keeps what is settled failed.
    #[error("what is settled cannot be kept")]
    Keeper(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file cannot be read.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The checks could not be run.
    #[error(transparent)]
    Check(CheckFailure),
    /// The model could not be asked.
    #[error(transparent)]
    Agent(#[from] AgentError),
}
