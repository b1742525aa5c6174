use std::collections::BTreeMap;

use crate::agent::{StepOutcome, Tool};

use super::{Cost, Decision, Digest, Event, Person, Record, Verb};

/// The runs of a ledger, put together from their records.
#[derive(Clone, Debug, Default)]
pub struct RunList {
    runs: BTreeMap<u64, RunSummary>,
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its number: that of the record that starts it.
    pub run: u64,
    /// When it began, in UTC by RFC 3339.
    pub time: String,
    /// The same, in seconds since 1970 UTC.
    pub time_unix_s: u64,
    /// What it was asked to do.
    pub verb: Verb,
    /// Whom the operating system says the process worked for.
    pub user: Person,
    /// The machine.
    pub host: Option<String>,
    /// What the process was for, by the name of its role.
    pub role: String,
    /// The name of the confinement that the process was in.
    pub confinement: String,
    /// How the user marked what was made.
    pub marking: Option<String>,
    /// The directory of the work tree.
    pub work_tree: Option<String>,
    /// The name and the SHA-256 of the model.
    pub model: Option<(String, String)>,
    /// How often the model was asked.
    pub prompts: u64,
    /// Tokens and milliseconds of the answers so far.
    pub cost: Cost,
    /// The steps of the tool loop, in their order.
    pub steps: Vec<RunStep>,
    /// The check commands, in their order.
    pub checks: Vec<RunCheck>,
    /// The numbers of the proposals that were kept.
    pub proposals: Vec<u64>,
    /// What was decided.
    pub decisions: Vec<RunDecision>,
    /// How it ended; none while it runs, and where it was cut short.
    pub end: Option<RunEnd>,
}

/// A step of a tool loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// What was done; none where the model named no action.
    pub action: Option<Tool>,
    /// The place that it was about.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: StepOutcome,
    /// How many results of earlier steps were left out of the conversation before this one.
    pub evicted: u32,
    /// Tokens that the model wrote for it.
    pub completion_tokens: u64,
}

/// A check command of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCheck {
    /// Which candidate of the run it was to be run on, from 0.
    pub candidate: usize,
    /// Of the command line.
    pub command: Digest,
    /// What came of it; none where it was not run, as one before it failed, and where the run was cut short.
    pub end: Option<RunCheckEnd>,
}

/// What came of a check command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCheckEnd {
    /// Whether it passed.
    pub passed: bool,
    /// None where it did not end by itself.
    pub exit_code: Option<i32>,
    /// From its start to its end, in milliseconds.
    pub ms: u64,
}

/// What a person decided in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunDecision {
    /// The decision.
    pub decision: Decision,
    /// What about; none where there is no proposal.
    pub proposal: Option<u64>,
    /// How many files of the work tree it is about.
    pub files: usize,
    /// Whether the files are known to be written.
    pub written: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// The exit code of the process.
    pub exit_code: u8,
    /// Wall time, in milliseconds.
    pub ms: u64,
    /// Tokens and milliseconds of all answers together.
    pub cost: Cost,
    /// What the processor packages took, in millijoules; none where it is not known.
    pub energy_mj: Option<u64>,
}

impl RunList {
    /// Takes the next record in.
    pub fn see(&mut self, record: &Record) {
        if let Event::RunStarted(started) = &record.event {
            let summary = RunSummary {
                run: record.seq,
                time: record.time(),
                time_unix_s: record.time_unix_s,
                verb: started.verb,
                user: started.user.clone(),
                host: started.host.clone(),
                role: started.role.clone(),
                confinement: started.confinement.clone(),
                marking: started.marking.clone(),
                work_tree: None,
                model: None,
                prompts: 0,
                cost: Cost::default(),
                steps: Vec::new(),
                checks: Vec::new(),
                proposals: Vec::new(),
                decisions: Vec::new(),
                end: None,
            };
            self.runs.insert(record.seq, summary);
        }
        let Some(run) = self.runs.get_mut(&record.run) else {
            return;
        };
        match &record.event {
            Event::WorkTreeOpened(opened) => run.work_tree = Some(opened.path.clone()),
            Event::ModelChosen(model) => run.model = Some((model.name.clone(), model.sha256.clone())),
            Event::Prompted(_) => run.prompts += 1,
            Event::Answered(answered) => run.cost += answered.cost,
            Event::StepTaken(step) => run.steps.push(RunStep {
                action: step.action,
                target: step.target.clone(),
                outcome: step.outcome,
                evicted: step.evicted,
                completion_tokens: step.cost.completion_tokens,
            }),
            Event::ChecksStarted(started) => {
                let candidate = run.checks.last().map_or(0, |last| last.candidate + 1);
                let check = |command: &Digest| RunCheck {
                    candidate,
                    command: *command,
                    end: None,
                };
                run.checks.extend(started.commands.iter().map(check));
            }
            Event::CheckEnded(ended) => {
                // What is open of an earlier candidate was never run: its checks ended with the first that failed.
                let candidate = run.checks.last().map(|last| last.candidate);
                let is_ended = |check: &&mut RunCheck| Some(check.candidate) == candidate && check.end.is_none();
                if let Some(check) = run.checks.iter_mut().find(is_ended) {
                    check.end = Some(RunCheckEnd {
                        passed: ended.passed,
                        exit_code: ended.exit_code,
                        ms: ended.ms,
                    });
                }
            }
            Event::ProposalKept(kept) => run.proposals.push(kept.proposal),
            Event::Decided(decided) => run.decisions.push(RunDecision {
                decision: decided.decision,
                proposal: decided.proposal,
                files: decided.change.files.len(),
                written: false,
            }),
            Event::TreeWritten(_) => {
                if let Some(last) = run.decisions.last_mut() {
                    last.written = true;
                }
            }
            Event::RunEnded(ended) => {
                run.end = Some(RunEnd {
                    exit_code: ended.exit_code,
                    ms: ended.ms,
                    cost: ended.cost,
                    energy_mj: ended.energy_mj,
                });
            }
            Event::RunStarted(_)
            | Event::TreeRead(_)
            | Event::FilesRead(_)
            | Event::SiteSettled(_)
            | Event::CandidateJudged(_)
            | Event::ProposalMade(_)
            | Event::BranchMade(_)
            | Event::PatchRead(_)
            | Event::TreeRecovered(_)
            | Event::LineSetAside(_)
            | Event::Checkpoint(_) => {}
        }
    }

    /// Returns the last `most` runs, the newest last.
    pub fn last(&self, most: usize) -> Vec<&RunSummary> {
        let skipped = self.runs.len().saturating_sub(most);
        self.runs.values().skip(skipped).collect()
    }
}
