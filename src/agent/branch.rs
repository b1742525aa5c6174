use std::collections::BTreeSet;

use crate::index::Index;
use crate::model::Message;
use crate::prompt::Fragment;
use crate::repo::{Snapshot, SourceText};
use crate::text::{RepoPath, TextRange};

use super::AgentError;
use super::draft::Drafts;
use super::proposal::RegionReport;
use super::target::{Place, Region};
use super::task::Task;
use super::usage::words;

/// One way of carrying a request out: what was written, place by place.
#[derive(Clone)]
pub(super) struct Branch<'a> {
    pub(super) state: State<'a>,
    /// What was done, in the order of the work.
    pub(super) steps: Vec<Step<'a>>,
}

/// What there is after some of the places.
#[derive(Clone)]
pub(super) struct State<'a> {
    pub(super) drafts: Drafts<'a>,
    pub(super) regions: Vec<RegionReport>,
    /// New code by place, for the places that follow.
    pub(super) done: Vec<Fragment>,
}

/// What was done at one place.
#[derive(Clone)]
pub(super) struct Step<'a> {
    /// What there was before.
    pub(super) before: State<'a>,
    pub(super) work: Work,
}

/// What a step did.
#[derive(Clone)]
pub(super) enum Work {
    /// The model wrote something.
    Wrote {
        task: Box<Task>,
        /// The conversation, ending with the answer.
        messages: Vec<Message>,
        /// The answer.
        text: String,
        /// See [`crate::model::Completion::mean_log_probability`].
        mean_log_probability: Option<f32>,
    },
    /// The place went away.
    Deleted(Place),
}

impl<'a> Branch<'a> {
    /// Returns the way on which nothing is written yet.
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            state: State::of(snapshot),
            steps: Vec::new(),
        }
    }

    /// Tells whether every place passed its gates.
    pub(super) fn passed(&self) -> bool {
        self.state.regions.iter().all(|region| region.failure.is_none())
    }

    /// Returns the mean over the steps of how likely their tokens were; minus infinity where nobody asked.
    pub(super) fn mean_log_probability(&self) -> f32 {
        let told = self.steps.iter().filter_map(|step| match &step.work {
            Work::Wrote {
                mean_log_probability, ..
            } => *mean_log_probability,
            Work::Deleted(_) => None,
        });
        let told: Vec<f32> = told.collect();
        match told.len() {
            0 => f32::NEG_INFINITY,
            steps => told.iter().sum::<f32>() / steps as f32,
        }
    }
}

impl<'a> State<'a> {
    /// Returns the state in which nothing is written yet.
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            drafts: Drafts::new(snapshot),
            regions: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Returns the words of what was written already, as far as it may mean something in the file at `path`.
    pub(super) fn words(&self, path: &RepoPath) -> BTreeSet<String> {
        let done = self.done.iter().map(|done| done.text.as_str());
        let imports = self.drafts.imports(path).iter().map(String::as_str);
        done.chain(imports).flat_map(words).map(str::to_owned).collect()
    }

    /// Returns a region as it is now, and its file with what changed inside of the region. Edits of other places of the
    /// file are left aside.
    pub(super) fn region(&mut self, place: &Place, index: &Index) -> Result<(SourceText, Region), AgentError> {
        let path = place.path(index);
        let source = self.drafts.source(path)?.clone();
        let region = Region::new(place, &source, index);
        Ok(match self.drafts.within(path, region.extent(place))? {
            None => (source, region),
            Some((source, end)) => {
                let range = TextRange::new(region.range.start, end);
                let region = region.at(range, &source.text);
                (source, region)
            }
        })
    }

    /// Returns what was written already, unless it is too much to be shown.
    pub(super) fn done_text(&self) -> String {
        const MOST_LINES: usize = 60;
        let all: Vec<String> = self
            .done
            .iter()
            .map(|done| format!("{}:\n{}", done.title, done.text))
            .collect();
        let text = all.join("\n\n");
        match text.lines().count() > MOST_LINES {
            true => String::new(),
            false => text,
        }
    }
}
