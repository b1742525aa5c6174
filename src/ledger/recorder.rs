use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Deserialize;

use super::chain::Part;
use super::event::{
    self, Answered, BranchMade, CandidateJudged, CheckEnded, ChecksStarted, Conversation, Cost, Decided, Decision,
    FileChange, FileRead, FilesRead, Hunks, ModelChosen, PatchRead, Prompted, ProposalKept, ProposalMade, RunEnded,
    RunStarted, SiteSettled, StepTaken, TreeChange, TreeRead, TreeRecovered, TreeWritten, Verb, WorkTreeOpened,
};
use super::{Digest, Event, Head, Ledger, LedgerError, Marking, Person, ProposalId, identity};
use crate::agent::{CheckOutcome, Proposal, StepReport, StepWitness};
use crate::model::{
    Completion, CompletionRequest, Constraint, EnergyMeter, EngineStamp, LanguageModel, ModelError, Usage, Witness,
};
use crate::patch::Patch;
use crate::text::RepoPath;

/// Records one run.
///
/// `record_*` returns when the record is durable, and is called before what it is about is done. `note_*` keeps what
/// leaves no trace by itself until the next record.
pub struct Recorder {
    ledger: Ledger,
    setting: Setting,
    started: Instant,
    meter: Option<EnergyMeter>,
    state: Mutex<State>,
}

/// What holds for every record of a run.
pub struct Setting {
    /// Returns the time, in seconds since 1970 UTC.
    pub clock: fn() -> u64,
    /// How much is kept of what the model is told and says.
    pub texts: Texts,
    /// How the user marks what is made.
    pub marking: Option<Marking>,
    /// The name of the role that the process has.
    pub role: &'static str,
    /// The name of the confinement that the process has reached.
    pub confinement: &'static str,
    /// The ABI version of Landlock; none where it is not in force.
    pub landlock_abi: Option<u32>,
    /// SHA-256 of the policy file; none where there is no policy.
    pub policy_sha256: Option<String>,
}

/// How much is kept of what the model is told and says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Texts {
    /// Their digests only.
    #[default]
    Digests,
    /// All of it.
    Full,
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digests => "digests",
            Self::Full => "full",
        })
    }
}

impl FromStr for Texts {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "digests" => Ok(Self::Digests),
            "full" => Ok(Self::Full),
            _ => Err("expected `digests` or `full`"),
        }
    }
}

struct State {
    run: u64,
    pending: Vec<(u64, Event)>,
    usage: Usage,
    /// What the last decision announced.
    change: Option<(u64, Digest)>,
}

impl Recorder {
    /// Records that a run begins.
    ///
    /// # Errors
    /// [`LedgerError::NotRecorded`], [`LedgerError::Broken`]; the work must not begin then.
    pub fn begin(ledger: Ledger, setting: Setting, verb: Verb) -> Result<Self, LedgerError> {
        let event = Event::RunStarted(RunStarted {
            verb,
            user: Person::of_process(),
            host: identity::host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            role: setting.role.to_owned(),
            confinement: setting.confinement.to_owned(),
            landlock_abi: setting.landlock_abi,
            policy_sha256: setting.policy_sha256.clone(),
            marking: setting.marking.as_ref().map(|marking| marking.as_str().to_owned()),
        });
        let (first, _) = ledger.append(Part::Begins, vec![((setting.clock)(), event)])?;
        Ok(Self {
            ledger,
            setting,
            started: Instant::now(),
            meter: None,
            state: Mutex::new(State {
                run: first.seq,
                pending: Vec::new(),
                usage: Usage::default(),
                change: None,
            }),
        })
    }

    /// Has a meter tell what the run takes.
    pub fn measured_by(self, meter: Option<EnergyMeter>) -> Self {
        Self { meter, ..self }
    }

    /// Returns the number of the run.
    pub fn run(&self) -> u64 {
        self.state().run
    }

    /// Returns what the processor packages took since the meter was started, in millijoules; none where the machine does
    /// not tell.
    pub fn energy_mj(&self) -> Option<u64> {
        self.meter.as_ref().and_then(EnergyMeter::millijoules)
    }

    /// Notes the work tree, by the key of its state and its directory.
    pub fn note_work_tree(&self, key: &str, path: &str) {
        self.note(Event::WorkTreeOpened(WorkTreeOpened {
            key: key.to_owned(),
            path: path.to_owned(),
        }));
    }

    /// Notes which weights are used, and the texts of the templates of prompts by their names.
    pub fn note_model(&self, model: &dyn LanguageModel, templates: &[(&str, &str)]) {
        let digests = templates
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Digest::of(text.as_bytes())));
        self.note(Event::ModelChosen(ModelChosen {
            name: model.name().to_owned(),
            sha256: model.digest().to_owned(),
            draft_sha256: match model.engine() {
                EngineStamp::Llama(stamp) => stamp.draft_model,
                EngineStamp::Scripted | EngineStamp::Unknown => None,
            },
            templates: digests.collect::<BTreeMap<_, _>>(),
        }));
    }

    /// Notes the files of the work tree, by path and blob id.
    pub fn note_tree<'a>(&self, files: impl Iterator<Item = (&'a RepoPath, String)>) {
        let (mut count, mut lines) = (0, String::new());
        for (path, blob) in files {
            count += 1;
            lines.push_str(&format!("{blob} {path}\n"));
        }
        self.note(Event::TreeRead(TreeRead {
            files: count,
            tree: Digest::of(lines.as_bytes()),
        }));
    }

    /// Notes the files that were read whole, by path and blob id.
    pub fn note_files(&self, files: impl Iterator<Item = (RepoPath, String)>) {
        let files = files.map(|(path, blob)| FileRead { path, blob }).collect();
        self.note(Event::FilesRead(FilesRead { files }));
    }

    /// Notes that what an earlier run had left half-done was taken back.
    pub fn note_recovery(&self, label: &str, paths: &[RepoPath]) {
        self.note(Event::TreeRecovered(TreeRecovered {
            label: label.to_owned(),
            paths: paths.to_vec(),
        }));
    }

    /// Records that places of a batch are settled, all at once.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_sites(&self, mut sites: Vec<SiteSettled>) -> Result<(), LedgerError> {
        let Some(last) = sites.pop() else {
            return Ok(());
        };
        sites.into_iter().for_each(|site| self.note(Event::SiteSettled(site)));
        self.record(Event::SiteSettled(last))?;
        Ok(())
    }

    /// Notes what the gates said of each place.
    pub fn note_candidates(&self, proposal: &Proposal) {
        CandidateJudged::of(proposal).for_each(|event| self.note(event));
    }

    /// Records that these check commands are about to be run on a candidate.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_checks(&self, patch: &Patch, commands: &[String]) -> Result<(), LedgerError> {
        self.record(Event::ChecksStarted(ChecksStarted {
            patch: digest_of(patch),
            commands: commands.iter().map(|line| Digest::of(line.as_bytes())).collect(),
            lines: self.kept(|| commands.to_vec()),
        }))?;
        Ok(())
    }

    /// Notes what came of check commands.
    pub fn note_checks(&self, outcomes: &[CheckOutcome]) {
        self.follow_meter();
        for outcome in outcomes {
            self.note(Event::CheckEnded(CheckEnded {
                command: Digest::of(outcome.command.as_bytes()),
                passed: outcome.passed(),
                exit_code: outcome.end.exit_code(),
                end: outcome.end.to_string(),
                ms: outcome.elapsed_ms,
                output: Digest::of(outcome.output.as_bytes()),
                text: self.kept(|| outcome.output.clone()),
            }));
        }
    }

    /// Records a proposal before it is kept.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_made(&self, proposal: &Proposal) -> Result<(), LedgerError> {
        self.record(Event::ProposalMade(ProposalMade {
            patch: digest_of(&proposal.patch),
            passed: proposal.passed(),
            engine: event::engine(&proposal.engine)?,
            change: TreeChange::of_patch(&proposal.patch)?,
            cost: proposal.usage.into(),
        }))?;
        Ok(())
    }

    /// Records the number of a proposal that was kept.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_kept(&self, id: ProposalId, patch: &Patch) -> Result<(), LedgerError> {
        self.record(Event::ProposalKept(ProposalKept {
            proposal: id.number(),
            patch: digest_of(patch),
        }))?;
        Ok(())
    }

    /// Records that a branch is about to be made.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_branch(&self, name: &str, base: &str, head: &str, commits: u64) -> Result<(), LedgerError> {
        self.record(Event::BranchMade(BranchMade {
            name: name.to_owned(),
            base: base.to_owned(),
            head: head.to_owned(),
            commits,
        }))?;
        Ok(())
    }

    /// Notes the bytes of a patch that was read from a file, or from the standard input where there is no name.
    pub fn note_patch(&self, file: Option<&str>, bytes: &[u8]) {
        self.note(Event::PatchRead(PatchRead {
            file: file.map(str::to_owned),
            bytes: bytes.len() as u64,
            digest: Digest::of(bytes),
        }));
    }

    /// Records a decision to write `patch`, which is the whole or a part of what is proposed, before it is written; without
    /// a number where that comes from a file.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_apply(
        &self,
        id: Option<ProposalId>,
        proposed: &Patch,
        patch: &Patch,
        hunks: Hunks,
    ) -> Result<(), LedgerError> {
        let change = TreeChange::of_patch(patch)?;
        self.decide(Decision::Apply, id, Some(digest_of(proposed)), hunks, change)
    }

    /// Records a decision to take writes back, before that is done: the files as they are and as they will be.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_undo(&self, id: Option<ProposalId>, files: Vec<FileChange>) -> Result<(), LedgerError> {
        self.decide(Decision::Undo, id, None, Hunks::All, TreeChange::of(files)?)
    }

    /// Records a decision against a proposal, before its state changes.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn record_discard(&self, id: ProposalId, patch: &Patch) -> Result<(), LedgerError> {
        let nothing = TreeChange::of(Vec::new())?;
        self.decide(Decision::Discard, Some(id), Some(digest_of(patch)), Hunks::All, nothing)
    }

    /// Notes that the files of the last decision are written.
    pub fn note_written(&self) {
        let change = self.state().change.take();
        if let Some((files, after)) = change {
            self.note(Event::TreeWritten(TreeWritten { files, after }));
        }
    }

    /// Records that the run ends, with a checkpoint of all that was recorded.
    ///
    /// # Errors
    /// As [`Recorder::begin`].
    pub fn end(&self, exit_code: u8) -> Result<(), LedgerError> {
        let event = Event::RunEnded(RunEnded {
            exit_code,
            ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cost: self.state().usage.into(),
            energy_mj: self.energy_mj(),
        });
        self.append(Part::Ends, event)?;
        Ok(())
    }

    fn decide(
        &self,
        decision: Decision,
        id: Option<ProposalId>,
        patch: Option<Digest>,
        hunks: Hunks,
        change: TreeChange,
    ) -> Result<(), LedgerError> {
        let announced = (change.files.len() as u64, change.after);
        self.record(Event::Decided(Decided {
            decision,
            by: Person::of_process(),
            proposal: id.map(ProposalId::number),
            patch,
            hunks,
            change,
        }))?;
        self.state().change = Some(announced);
        Ok(())
    }

    /// Looks at the meter after work that takes long, so that no counter wraps twice unseen.
    fn follow_meter(&self) {
        let _ = self.energy_mj();
    }

    fn note(&self, event: Event) {
        self.state().pending.push(((self.setting.clock)(), event));
    }

    fn record(&self, event: Event) -> Result<Head, LedgerError> {
        self.append(Part::Of, event)
    }

    fn append(&self, part: fn(u64) -> Part, event: Event) -> Result<Head, LedgerError> {
        let mut state = self.state();
        let mut events = std::mem::take(&mut state.pending);
        events.push(((self.setting.clock)(), event));
        Ok(self.ledger.append(part(state.run), events)?.1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept<T>(&self, text: impl FnOnce() -> T) -> Option<T> {
        match self.setting.texts {
            Texts::Digests => None,
            Texts::Full => Some(text()),
        }
    }

    fn prompted(&self, request: &CompletionRequest<'_>) -> Result<u64, LedgerError> {
        let conversation = Conversation {
            turns: request.messages.to_vec(),
            prefix: request.assistant_prefix.to_owned(),
        };
        let head = self.record(Event::Prompted(Prompted {
            prompt: Digest::of_json(&conversation)?,
            sampling: request.sampling.into(),
            max_tokens: request.max_tokens as u64,
            grammar: match &request.constraint {
                Constraint::None => None,
                Constraint::Gbnf(grammar) => Some(Digest::of(grammar.as_bytes())),
                Constraint::JsonSchema(schema) => Some(Digest::of(schema.grammar().as_bytes())),
            },
            text: self.kept(|| conversation),
        }))?;
        Ok(head.seq)
    }
}

impl StepWitness for Recorder {
    fn stepped(&self, step: &StepReport) {
        self.note(Event::StepTaken(StepTaken {
            number: step.number,
            action: step.action,
            target: step.target.clone(),
            outcome: step.outcome,
            evicted: step.evicted,
            cost: step.usage.into(),
            text: step.words.as_ref().and_then(|words| self.kept(|| words.clone())),
        }));
    }
}

impl Witness for Recorder {
    fn asked(&self, request: &CompletionRequest<'_>) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Ok(self.prompted(request)?)
    }

    fn answered(&self, ticket: u64, outcome: Result<&Completion, &ModelError>) {
        self.follow_meter();
        let answer = outcome.ok();
        if let Some(answer) = answer {
            self.state().usage += answer.usage;
        }
        self.note(Event::Answered(Answered {
            prompted: ticket,
            answer: answer.map(|answer| Digest::of(answer.text.as_bytes())),
            failure: outcome.err().map(ToString::to_string),
            cost: answer.map_or_else(Cost::default, |answer| answer.usage.into()),
            text: answer.and_then(|answer| self.kept(|| answer.text.clone())),
        }));
    }
}

fn digest_of(patch: &Patch) -> Digest {
    Digest::of(patch.unified().as_bytes())
}
