//! What `log --json`, `log --jsonl` and `log verify --json` print.

use serde::Serialize;

use super::json::SCHEMA_VERSION;
use crate::agent::{StepOutcome, Tool};
use crate::ledger::{Cost, Head, LedgerError, Marking, Person, RunCheck, RunStep, RunSummary, Verb, Verified};

/// Runs: `log`.
#[derive(Debug, Serialize)]
pub(crate) struct LogView<'a> {
    schema_version: u32,
    marking: Option<&'a str>,
    head: Option<String>,
    records: u64,
    unsigned: u64,
    runs: Vec<RunView<'a>>,
}

/// One run: `log --jsonl` prints them without the rest.
#[derive(Debug, Serialize)]
pub(crate) struct RunView<'a> {
    run: u64,
    time: &'a str,
    verb: Verb,
    user: &'a Person,
    host: Option<&'a str>,
    role: &'a str,
    confinement: &'a str,
    marking: Option<&'a str>,
    work_tree: Option<&'a str>,
    model: Option<ModelView<'a>>,
    prompts: u64,
    steps: Vec<StepView<'a>>,
    checks: Vec<CheckView>,
    proposals: &'a [u64],
    decisions: Vec<DecisionView>,
    end: Option<EndView>,
}

#[derive(Debug, Serialize)]
struct ModelView<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Debug, Serialize)]
struct StepView<'a> {
    action: Option<Tool>,
    target: Option<&'a str>,
    outcome: StepOutcome,
    evicted: u32,
    completion_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CheckView {
    candidate: usize,
    command: String,
    end: Option<CheckEndView>,
}

#[derive(Debug, Serialize)]
struct CheckEndView {
    passed: bool,
    exit_code: Option<i32>,
    ms: u64,
}

#[derive(Debug, Serialize)]
struct DecisionView {
    decision: &'static str,
    proposal: Option<u64>,
    files: usize,
    written: bool,
}

#[derive(Debug, Serialize)]
struct EndView {
    exit_code: u8,
    ms: u64,
    cost: Cost,
}

impl<'a> LogView<'a> {
    /// Returns the view of these runs.
    pub(crate) fn of(runs: &[&'a RunSummary], verified: &Verified, marking: Option<&'a Marking>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            marking: marking.map(Marking::as_str),
            head: verified.head.map(|head| head.to_string()),
            records: verified.records(),
            unsigned: verified.unsigned(),
            runs: runs.iter().map(|run| RunView::of(run)).collect(),
        }
    }
}

impl<'a> RunView<'a> {
    /// Returns the view of a run.
    pub(crate) fn of(run: &'a RunSummary) -> Self {
        let decisions = run.decisions.iter().map(|decision| DecisionView {
            decision: decision.decision.as_str(),
            proposal: decision.proposal,
            files: decision.files,
            written: decision.written,
        });
        Self {
            run: run.run,
            time: &run.time,
            verb: run.verb,
            user: &run.user,
            host: run.host.as_deref(),
            role: &run.role,
            confinement: &run.confinement,
            marking: run.marking.as_deref(),
            work_tree: run.work_tree.as_deref(),
            model: run.model.as_ref().map(|(name, sha256)| ModelView { name, sha256 }),
            prompts: run.prompts,
            steps: run.steps.iter().map(StepView::of).collect(),
            checks: run.checks.iter().map(CheckView::of).collect(),
            proposals: &run.proposals,
            decisions: decisions.collect(),
            end: run.end.map(|end| EndView {
                exit_code: end.exit_code,
                ms: end.ms,
                cost: end.cost,
            }),
        }
    }
}

impl<'a> StepView<'a> {
    fn of(step: &'a RunStep) -> Self {
        Self {
            action: step.action,
            target: step.target.as_deref(),
            outcome: step.outcome,
            evicted: step.evicted,
            completion_tokens: step.completion_tokens,
        }
    }
}

impl CheckView {
    fn of(check: &RunCheck) -> Self {
        Self {
            candidate: check.candidate + 1,
            command: check.command.to_string(),
            end: check.end.map(|end| CheckEndView {
                passed: end.passed,
                exit_code: end.exit_code,
                ms: end.ms,
            }),
        }
    }
}

/// The outcome of a check: `log verify`.
#[derive(Debug, Serialize)]
pub(crate) struct VerificationView<'a> {
    schema_version: u32,
    marking: Option<&'a str>,
    sound: bool,
    records: u64,
    head: Option<String>,
    checkpoint: Option<u64>,
    checkpoints: u64,
    keys: Vec<String>,
    unsigned: u64,
    set_aside: u64,
    fault: Option<FaultView>,
}

#[derive(Debug, Serialize)]
struct FaultView {
    file: String,
    line: u64,
    reason: String,
}

impl<'a> VerificationView<'a> {
    /// Returns the view of a sound ledger.
    pub(crate) fn sound(verified: &Verified, marking: Option<&'a Marking>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            marking: marking.map(Marking::as_str),
            sound: true,
            records: verified.records(),
            head: verified.head.map(|head| head.to_string()),
            checkpoint: verified.checkpoint,
            checkpoints: verified.checkpoints,
            keys: verified.keys.iter().map(ToString::to_string).collect(),
            unsigned: verified.unsigned(),
            set_aside: verified.set_aside,
            fault: None,
        }
    }

    /// Returns the view of a ledger that is sound up to a head; none where the error is of another kind.
    pub(crate) fn broken(error: &LedgerError, sound_to: Option<Head>, marking: Option<&'a Marking>) -> Option<Self> {
        let LedgerError::Broken { file, line, fault } = error else {
            return None;
        };
        let verified = Verified {
            head: sound_to,
            ..Verified::default()
        };
        Some(Self {
            sound: false,
            fault: Some(FaultView {
                file: file.display().to_string(),
                line: *line,
                reason: fault.to_string(),
            }),
            ..Self::sound(&verified, marking)
        })
    }
}
