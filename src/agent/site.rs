//! Places of a batch: many small requests with one beginning, asked side by side.

use std::collections::BTreeSet;

use crate::lang::{Language, ParsedFile};
use crate::model::{Session, Usage};
use crate::prompt::{SitePrompt, Template, TokenBudget, fence_for};
use crate::repo::SourceText;
use crate::text::{TextEdit, TextRange, lines_around};

use super::target::{Place, Region};
use super::task::{Loses, Slot, Task, Written};
use super::writing::{Asking, OnUnchanged, Order, Until};
use super::{AgentError, Workbench};

/// The most lines of a piece of syntax that is rewritten for a place inside of it.
const MOST_REGION_LINES: usize = 24;
/// What an answer may have beyond twice what it replaces.
const SPARE_TOKENS: usize = 128;

/// What is asked at one place.
#[derive(Clone, Debug)]
pub struct SiteRequest {
    /// The file as it is now.
    pub source: SourceText,
    /// What is rewritten of it: see [`site_region`].
    pub region: TextRange,
    /// What is asked.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct SiteAnswer {
    /// What changes; nothing where the model left it as it is, or its answers failed.
    pub edit: Option<TextEdit>,
    /// Why its last answer failed.
    pub failure: Option<String>,
    /// What it cost.
    pub usage: Usage,
}

/// Returns what is rewritten for a place: the lines of the smallest piece of syntax around it that has lines for itself.
pub fn site_region(parsed: Option<&ParsedFile>, text: &str, site: TextRange) -> TextRange {
    match parsed {
        Some(parsed) => parsed.own_lines(text, site, MOST_REGION_LINES),
        None => lines_around(text, site),
    }
}

/// Asks for places, a batch at a time, in one session: what their prompts begin with is read once.
pub struct SiteWriter<'a> {
    bench: &'a Workbench<'a>,
    session: Box<dyn Session + 'a>,
}

impl<'a> SiteWriter<'a> {
    /// Opens the session.
    ///
    /// # Errors
    /// When the model has none.
    pub fn new(bench: &'a Workbench<'a>) -> Result<Self, AgentError> {
        Ok(Self {
            session: bench.model.session()?,
            bench,
        })
    }

    /// Asks for all of them side by side, and once more for those that fail a gate; in the order of the requests.
    ///
    /// # Errors
    /// [`AgentError`] for what stops the run; what goes wrong at one place is its own failure.
    pub fn write(&mut self, requests: &[SiteRequest]) -> Result<Vec<SiteAnswer>, AgentError> {
        let tasks: Vec<Result<Task, AgentError>> = requests.iter().map(|request| self.task(request)).collect();
        let orders = tasks.iter().flatten().map(|task| Order {
            task,
            messages: task.fitted.messages.clone(),
            sampling: self.bench.config.sampling,
            refused: Vec::new(),
            unfinished: None,
        });
        let mut usage = Usage::default();
        let mut asking = Asking {
            bench: self.bench,
            session: self.session.as_mut(),
            usage: &mut usage,
            request: "",
            // A place may be right as it is.
            on_unchanged: OnUnchanged::GiveUp,
            until: Until::AllPass,
            rider: None,
            ridden: None,
        };
        let orders = orders.collect();
        let mut outcomes = asking.write(orders)?.into_iter();
        let mut answers = Vec::new();
        for task in &tasks {
            answers.push(match task {
                Err(AgentError::TooLong { what, source }) => SiteAnswer {
                    edit: None,
                    failure: Some(format!("{what} is too long for the model's context: {source}")),
                    usage: Usage::default(),
                },
                Err(_) => continue,
                Ok(_) => match outcomes.next() {
                    None => continue,
                    Some(outcome) => SiteAnswer {
                        edit: match outcome.failure() {
                            None => outcome.written().and_then(Written::edit).cloned(),
                            Some(_) => None,
                        },
                        failure: outcome.failure(),
                        usage: outcome.usage,
                    },
                },
            });
        }
        // What is no place's own fault stops the run.
        match tasks
            .into_iter()
            .find_map(|task| task.err().filter(|error| !matches!(error, AgentError::TooLong { .. })))
        {
            Some(error) => Err(error),
            None => Ok(answers),
        }
    }

    fn task(&self, request: &SiteRequest) -> Result<Task, AgentError> {
        let SiteRequest { source, region, text } = request;
        let bench = self.bench;
        let language = bench
            .index
            .file(&source.path)
            .map_or_else(|| Language::of_path(&source.path), |file| file.language);
        let region = Region::of_lines(source, language, *region);
        let fence = fence_for(&[&source.text, text]);
        let answer_tokens = 2 * bench.model.count_tokens(&region.code) + SPARE_TOKENS;
        let answer_tokens = bench.config.answer_tokens.unwrap_or(answer_tokens);
        let info = region.language.map_or("", |language| language.spec().fence);
        let what = format!("{} of {}", region.name, region.path);
        let budget = TokenBudget {
            context_tokens: bench.model.context_tokens(),
            answer_tokens,
            fragment_tokens: bench.config.fragment_tokens,
        };
        let fitted = budget.fit(bench.model, &[], |_| {
            SitePrompt {
                request: text,
                path: source.path.as_str(),
                language: info,
                code: &region.code,
                fence: &fence,
            }
            .messages()
        });
        let fitted = fitted.map_err(|error| AgentError::budget(&what, error))?;
        Ok(Task {
            fitted,
            what,
            fence,
            language: info,
            answer_tokens,
            copy: region.code.clone(),
            unsettled: BTreeSet::new(),
            slot: Slot::Region {
                place: Place::File(source.path.clone()),
                source: source.clone(),
                region,
                own_name: None,
                loses: Loses::Nothing,
            },
        })
    }
}
