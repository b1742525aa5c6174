//! From a request to a proposal: by a workflow (locate → rewrite → gate → repair), or by a loop of actions that the model
//! chooses, with the same parts.
//!
//! Imports `text`, `lang`, `index`, `patch`, `model`, `prompt`, `progress`, and of `repo` only what reads. Two kinds
//! of failure: an observation goes back to the model, an [`AgentError`] stops the run.

mod answer;
mod branch;
mod call_statement;
mod candidate;
mod checks;
mod context;
mod draft;
mod followup;
mod lacking;
mod left_out;
mod locate;
mod mention;
mod neighbours;
mod observation;
mod outline;
mod placement;
mod proposal;
mod rerank;
mod selection;
mod site;
mod target;
mod task;
mod tool_loop;
mod usage;
mod workflow;
mod writing;

pub use checks::{CheckFailure, CheckOutcome, Checks, Examples, JudgeBy};
pub use observation::telling_line;
pub use outline::{Preparation, prepare};
pub use proposal::{Action, ModelStamp, Proposal, RegionReport};
pub use rerank::{RERANKED, rerank_files, rerank_symbols};
pub use selection::CandidateReport;
pub use site::{SiteAnswer, SiteRequest, SiteWriter, site_region};
pub use tool_loop::{StepOutcome, StepReport, StepWitness, Tool};
pub use workflow::propose;

use crate::index::Index;
use crate::model::{LanguageModel, ModelError, Sampling};
use crate::patch::PatchError;
use crate::progress::Progress;
use crate::prompt::{BudgetError, PromptError};
use crate::repo::{RepoError, Snapshot};
use crate::text::{EditError, RepoPath};

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The request in natural language.
    pub text: String,
    /// The files it is about; all of the repository where there are none.
    pub paths: Vec<RepoPath>,
    /// The symbols it is about, by name or qualified name.
    pub symbols: Vec<String>,
    /// What is rewritten of the files.
    pub scope: Scope,
    /// What a check said of the code as it is; nothing where nobody tells.
    pub failure: String,
}

/// What is rewritten of the files that a request names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The definitions that it is about.
    #[default]
    Definitions,
    /// Each of [`Request::paths`], whole.
    Files,
}

/// Who decides what is done next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The workflow: locate, rewrite, gate, check, repair.
    #[default]
    Workflow,
    /// The model, action by action, in so many steps at most.
    Agent { steps: u32 },
}

/// How the agent works.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Who decides what is done next.
    pub mode: Mode,
    /// How often the model is asked for one region: the first try and its repairs.
    pub attempts: u32,
    /// How many places are offered when it is not clear which one is meant.
    pub places: usize,
    /// How many ways of carrying the request out are drawn.
    pub candidates: Candidates,
    /// How often the model is shown what the checks said of the best candidate.
    pub rounds: u32,
    /// The most places that one request may touch.
    pub regions: usize,
    /// The most tokens of one answer; by the size of the place where there is no such limit.
    pub answer_tokens: Option<usize>,
    /// The most tokens of context fragments in a prompt.
    pub fragment_tokens: usize,
    /// The most tokens of the outline of the repository that stands before every prompt; 0 shows none.
    pub map_tokens: usize,
    /// What new code is drafted from.
    pub drafts: Drafting,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Workflow,
            attempts: 2,
            places: 8,
            candidates: Candidates::Number(1),
            rounds: 2,
            regions: 8,
            answer_tokens: None,
            fragment_tokens: 1200,
            map_tokens: 0,
            drafts: Drafting::OldText,
            sampling: Sampling::default(),
        }
    }
}

/// What new code is drafted from, which changes the time that it takes and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drafting {
    /// The code in its place.
    OldText,
    /// Nothing; for measuring.
    Nothing,
}

/// How many candidates are drawn for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// So many at most: fewer where a check passes before.
    Number(usize),
    /// One, and more where it fails a gate or a check.
    Auto,
}

/// What the agent works with.
#[derive(Clone, Copy)]
pub struct Workbench<'a> {
    pub snapshot: &'a Snapshot,
    pub index: &'a Index,
    pub model: &'a dyn LanguageModel,
    pub config: &'a AgentConfig,
    /// The user's checks, where there are any.
    pub checks: Option<&'a dyn Checks>,
    /// Who is told of the steps of the tool loop.
    pub witness: Option<&'a dyn StepWitness>,
    pub progress: &'a dyn Progress,
}

/// What stops a run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No place in the repository fits the request.
    #[error("nothing in the repository seems to be meant by the request")]
    NothingFound,
    /// A symbol that was named on the command line does not exist.
    #[error("no symbol is named {name:?}{}", listed("; similar: ", similar))]
    NoSuchSymbol { name: String, similar: Vec<String> },
    /// A symbol that was named on the command line exists more than once.
    #[error("{name:?} is defined in more than one place{}", listed(": ", places))]
    AmbiguousSymbol { name: String, places: Vec<String> },
    /// The region does not fit the model's context.
    #[error("{what} is too long for the model's context")]
    TooLong {
        what: String,
        #[source]
        source: BudgetError,
    },
    /// A file cannot be edited.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The checks could not be run.
    #[error(transparent)]
    Check(CheckFailure),
    /// A prompt template failed.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The changes do not go together.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The patch cannot be built.
    #[error(transparent)]
    Patch(#[from] PatchError),
}

fn listed(before: &str, items: &[String]) -> String {
    match items {
        [] => String::new(),
        items => format!("{before}{}", items.join(", ")),
    }
}

impl AgentError {
    /// Says that nothing has a name, with what the index has that is like it.
    pub fn no_such_symbol(index: &Index, name: &str) -> Self {
        const SIMILAR: usize = 3;
        let hits = index.search_names(name, SIMILAR).into_iter();
        Self::NoSuchSymbol {
            name: name.to_owned(),
            similar: hits.map(|hit| index.symbol(hit.symbol).qualified.clone()).collect(),
        }
    }

    /// Wraps a budget failure with the name of what did not fit.
    fn budget(what: &str, error: BudgetError) -> Self {
        match error {
            BudgetError::Prompt(error) => Self::Prompt(error),
            BudgetError::Model(error) => Self::Model(error),
            too_long @ BudgetError::TooLong { .. } => Self::TooLong {
                what: what.to_owned(),
                source: too_long,
            },
        }
    }
}
