//! Which of several candidates is proposed.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::lang::{Language, ParsedFile, normal_form};
use crate::patch::{FilePatch, Patch};
use crate::sandbox::{Behaviour, CheckOutcome, EXAMPLES_COMMAND, Examples};

use super::branch::Branch;
use super::context::identifiers;
use super::observation::failures;
use super::{AgentError, Checks, JudgeBy, Workbench};

/// A way of carrying the request out, and what is known of it.
pub(super) struct Candidate<'a> {
    pub(super) branch: Branch<'a>,
    pub(super) patch: Patch,
    /// What came of the checks, up to the first that failed; nothing where they were not run.
    pub(super) checks: Vec<CheckOutcome>,
    /// The files of the patch without what does not matter: two candidates that have the same are the same program.
    form: Vec<String>,
    /// What the examples gave.
    behaviour: Option<Behaviour>,
}

/// How far a candidate gets. The greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    passes_gates: bool,
    passed_checks: usize,
    /// Of the check that failed, as far as its output says.
    failures: Reverse<usize>,
    /// How many examples gave a value at all.
    values: usize,
}

/// What is reported of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateReport {
    /// Whether every place passed its gates.
    pub passed_gates: bool,
    /// How many of the candidates are this program or, where examples were tried, give what it gives, itself included.
    pub agreeing: usize,
    /// See [`crate::model::Completion::mean_log_probability`]; none where one candidate was drawn alone.
    pub mean_log_probability: Option<f32>,
    /// How many checks it passed; none where none was run on it.
    pub passed_checks: Option<usize>,
    /// Whether it is the one that is proposed.
    pub is_chosen: bool,
}

/// The candidates of a run, in the order in which they were drawn.
pub(super) struct Pool<'a> {
    bench: &'a Workbench<'a>,
    /// What candidates are tried on, where the checks ask for it.
    pub(super) examples: Option<Examples>,
    candidates: Vec<Candidate<'a>>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(bench: &'a Workbench<'a>) -> Self {
        Self {
            bench,
            examples: None,
            candidates: Vec::new(),
        }
    }

    /// Takes candidates in, and lets the checks run on the likeliest first until one passes.
    pub(super) fn add(&mut self, branches: Vec<Branch<'a>>) -> Result<(), AgentError> {
        let first = self.candidates.len();
        for branch in branches {
            let patch = Patch::build(&branch.state.drafts.clone().into_change()?, self.bench.snapshot)?;
            let form = patch.files.iter().map(form).collect();
            self.candidates.push(Candidate {
                branch,
                patch,
                checks: Vec::new(),
                form,
                behaviour: None,
            });
        }
        let Some(checks) = self.bench.checks else {
            return Ok(());
        };
        let mut order: Vec<usize> = (first..self.candidates.len()).collect();
        order.sort_by_key(|at| self.rank(*at));
        for at in order.into_iter().rev() {
            let own = &self.candidates[at];
            let is_known = self
                .candidates
                .iter()
                .any(|other| !other.checks.is_empty() && other.form == own.form);
            if own.patch.is_empty() || !own.branch.passed() || is_known {
                continue;
            }
            let outcomes = checks
                .run(&own.patch, self.examples.as_ref())
                .map_err(AgentError::Check)?;
            let own = &mut self.candidates[at];
            own.behaviour = outcomes
                .iter()
                .find_map(|check| match check.command == EXAMPLES_COMMAND {
                    true => Behaviour::of(&check.output),
                    false => None,
                });
            own.checks = outcomes;
            if self.proves() {
                break;
            }
        }
        Ok(())
    }

    /// Tells whether a candidate passes everything there is to pass.
    pub(super) fn passes(&self) -> bool {
        self.candidates.iter().any(|own| own.passes(self.bench))
    }

    /// Tells whether a candidate passes everything there is to pass, and does something where examples were tried.
    pub(super) fn works(&self) -> bool {
        let does = |own: &Candidate<'a>| own.behaviour.as_ref().is_none_or(|behaviour| behaviour.values > 0);
        self.candidates.iter().any(|own| own.passes(self.bench) && does(own))
    }

    /// Tells whether a candidate passes everything there is to pass, and could have failed.
    pub(super) fn proves(&self) -> bool {
        let can_fail = match self.bench.checks.map(Checks::judge_by) {
            Some(JudgeBy::Examples) => self.examples.as_ref().is_some_and(Examples::can_fail),
            None | Some(JudgeBy::Commands | JudgeBy::CommandsAndExamples) => true,
        };
        can_fail && self.passes()
    }

    /// Returns the best candidate so far.
    pub(super) fn best(&self) -> Option<&Candidate<'a>> {
        (0..self.candidates.len())
            .max_by_key(|at| self.rank(*at))
            .map(|at| &self.candidates[at])
    }

    /// Returns the best candidate, and what there is to say about all.
    pub(super) fn choose(mut self) -> Option<(Candidate<'a>, Vec<CandidateReport>)> {
        let best = (0..self.candidates.len()).max_by_key(|at| self.rank(*at))?;
        let reports = (0..self.candidates.len()).map(|at| {
            let own = &self.candidates[at];
            let told = own.branch.mean_log_probability();
            CandidateReport {
                passed_gates: own.branch.passed(),
                agreeing: self.agreeing(at),
                mean_log_probability: told.is_finite().then_some(told),
                passed_checks: (!own.checks.is_empty()).then(|| own.passed_checks()),
                is_chosen: at == best,
            }
        });
        let reports = reports.collect();
        Some((self.candidates.swap_remove(best), reports))
    }

    /// Orders candidates: by how far they get, then by how many agree, then by how likely their tokens were, and of equal
    /// ones the first that was drawn.
    fn rank(&self, at: usize) -> (Standing, bool, usize, Likeliness, Reverse<usize>) {
        let own = &self.candidates[at];
        let likeliness = Likeliness(own.branch.mean_log_probability());
        (
            own.standing(),
            !own.patch.is_empty(),
            self.agreeing(at),
            likeliness,
            Reverse(at),
        )
    }

    fn agreeing(&self, at: usize) -> usize {
        let own = &self.candidates[at];
        let agrees = |other: &&Candidate<'a>| {
            let gives_something = own.behaviour.as_ref().is_some_and(|own| own.values > 0);
            let behaves_alike = gives_something && own.behaviour == other.behaviour;
            own.form == other.form || behaves_alike
        };
        self.candidates.iter().filter(agrees).count()
    }
}

impl Candidate<'_> {
    pub(super) fn standing(&self) -> Standing {
        let failed = self.checks.iter().find(|check| !check.passed());
        Standing {
            passes_gates: self.branch.passed(),
            passed_checks: self.passed_checks(),
            failures: Reverse(match failed {
                None if self.checks.is_empty() => usize::MAX,
                None => 0,
                Some(check) => failures(&check.output).unwrap_or(usize::MAX),
            }),
            values: self.behaviour.as_ref().map_or(0, |behaviour| behaviour.values),
        }
    }

    fn passed_checks(&self) -> usize {
        self.checks.iter().filter(|check| check.passed()).count()
    }

    fn passes(&self, bench: &Workbench<'_>) -> bool {
        let is_checked = bench.checks.is_none() || !self.checks.is_empty();
        is_checked && self.branch.passed() && self.checks.iter().all(CheckOutcome::passed)
    }
}

/// Returns what makes a file of a patch the same as that of another candidate. Names that stood in the file before are
/// kept: others may depend on them. Where no grammar is at hand it is the text.
fn form(file: &FilePatch) -> String {
    let Some(new) = &file.new else {
        return format!("{} is gone", file.path);
    };
    let known = file.old.iter().flat_map(|old| identifiers(&old.text)).collect();
    let parsed = Language::of_path(&file.path).map(|language| ParsedFile::parse(language, &new.text));
    let form = parsed.and_then(|parsed| normal_form(&parsed, &new.text, &known));
    format!("{}\n{}", file.path, form.unwrap_or_else(|| new.text.clone()))
}

/// A mean of log-probabilities, in its total order.
#[derive(Clone, Copy, Debug)]
struct Likeliness(f32);

impl PartialEq for Likeliness {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Likeliness {}

impl PartialOrd for Likeliness {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Likeliness {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
