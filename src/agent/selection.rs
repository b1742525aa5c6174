//! Which of several candidates is proposed.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::lang::{Language, ParsedFile, normal_form};
use crate::patch::{FilePatch, Patch};
use crate::sandbox::{Behaviour, CheckOutcome, EXAMPLES_COMMAND, Examples};

use super::branch::Branch;
use super::context::identifiers;
use super::lacking::Lacking;
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
    /// How much it has of what a failure found to be lacking.
    brings: usize,
    /// What the examples gave.
    behaviour: Option<Behaviour>,
}

/// Code that fails no more of its tests than this may well be right on an example that nobody tells of.
pub(super) const MOSTLY_RIGHT: f32 = 1.0 / 3.0;

/// How far a candidate gets. The greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    passes_gates: bool,
    passed_checks: usize,
    /// Of the check that failed, as far as its output says.
    failures: Reverse<usize>,
    /// Whether it gives anything, and anything else than the code that failed.
    departs: bool,
    /// How much it has of what a failure found to be lacking.
    brings: usize,
    /// How it differs from the code that failed.
    departure: Departure,
    /// How many examples gave a value at all.
    values: usize,
}

/// What candidates are tried on, where the checks ask for it.
pub(super) struct Trial {
    pub(super) examples: Examples,
    pub(super) refused: Option<Refused>,
}

/// What the code gives that a check has refused, where nothing says on which of these examples it is right.
pub(super) struct Refused {
    pub(super) behaviour: Behaviour,
    /// Which part of its tests it fails, if they told.
    pub(super) failing_share: Option<f32>,
}

/// How the answers of a candidate differ from those of code that failed. The greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Departure {
    /// It gives nothing, or the same: who gives the same fails the same way.
    None,
    /// It differs in another part of the examples than the part of the tests that failed, by so many thirds.
    OffBy(Reverse<u8>),
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
    failure: String,
    pub(super) trial: Option<Trial>,
    candidates: Vec<Candidate<'a>>,
}

impl<'a> Pool<'a> {
    /// Opens a pool for code of which a check has said `failure`, or nothing.
    pub(super) fn new(bench: &'a Workbench<'a>, failure: &str) -> Self {
        Self {
            bench,
            failure: failure.to_owned(),
            trial: None,
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
                brings: brings(&patch, &self.failure),
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
            let outcomes = checks.run(&own.patch, self.examples()).map_err(AgentError::Check)?;
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
            Some(JudgeBy::Examples) => self.examples().is_some_and(Examples::can_fail),
            None | Some(JudgeBy::Commands | JudgeBy::CommandsAndExamples) => true,
        };
        can_fail && self.passes()
    }

    fn examples(&self) -> Option<&Examples> {
        self.trial.as_ref().map(|trial| &trial.examples)
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
            own.standing(self.trial.as_ref()),
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
    fn standing(&self, trial: Option<&Trial>) -> Standing {
        let refused = trial.and_then(|trial| trial.refused.as_ref());
        let values = self.behaviour.as_ref().filter(|behaviour| behaviour.values > 0);
        let failed = self.checks.iter().find(|check| !check.passed());
        let departure = match (refused, values) {
            (None, _) => Departure::OffBy(Reverse(0)),
            (Some(_), None) => Departure::None,
            (Some(refused), Some(behaviour)) => refused.departure(behaviour),
        };
        Standing {
            passes_gates: self.branch.passed(),
            passed_checks: self.passed_checks(),
            failures: Reverse(match failed {
                None if self.checks.is_empty() => usize::MAX,
                None => 0,
                Some(check) => failures(&check.output).unwrap_or(usize::MAX),
            }),
            departs: departure > Departure::None,
            brings: self.brings,
            departure,
            values: values.map_or(0, |behaviour| behaviour.values),
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

impl Refused {
    fn departure(&self, behaviour: &Behaviour) -> Departure {
        let differing = self
            .behaviour
            .lines
            .iter()
            .filter(|line| !behaviour.lines.contains(line));
        let share = differing.count() as f32 / self.behaviour.lines.len().max(1) as f32;
        let failing = self.failing_share.unwrap_or(share);
        if share == 0.0 && self.failing_share.is_none_or(|failing| failing > MOSTLY_RIGHT) {
            return Departure::None;
        }
        Departure::OffBy(Reverse(((share - failing).abs() * 3.0) as u8))
    }
}

/// Returns how much a patch has of what a failure found the files to lack.
fn brings(patch: &Patch, failure: &str) -> usize {
    let texts = patch
        .files
        .iter()
        .filter_map(|file| file.old.as_ref().zip(file.new.as_ref()));
    let brought = texts.map(|(old, new)| {
        let lacking = Lacking::of(failure, &old.text);
        lacking.iter().filter(|lacking| lacking.is_in(&new.text)).count()
    });
    brought.sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(gives: &[u8]) -> Behaviour {
        let line = |(at, value)| format!("probe: f({at}) gives {value}\n");
        let output: String = gives.iter().enumerate().map(line).collect();
        Behaviour::of(&output).unwrap()
    }

    #[test]
    fn what_failed_on_all_tests_gives_other_answers_everywhere_once_it_is_right() {
        let failed = |failing_share| Refused {
            behaviour: behaviour(&[1, 2, 3, 4]),
            failing_share,
        };
        let off = |thirds| Departure::OffBy(Reverse(thirds));
        let all = failed(Some(1.0));
        assert_eq!(all.departure(&behaviour(&[1, 2, 3, 4])), Departure::None);
        assert_eq!(all.departure(&behaviour(&[1, 2, 3, 9])), off(2));
        assert_eq!(all.departure(&behaviour(&[9, 9, 9, 9])), off(0));
        let few = failed(Some(0.2));
        assert_eq!(few.departure(&behaviour(&[1, 2, 3, 4])), off(0));
        assert_eq!(few.departure(&behaviour(&[9, 9, 9, 9])), off(2));
        // Where nobody says how many failed, anything else will do.
        let some = failed(None);
        assert_eq!(some.departure(&behaviour(&[1, 2, 3, 9])), off(0));
        assert!(off(2) > Departure::None && off(0) > off(2));
    }
}
