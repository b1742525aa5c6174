//! What is recorded. Every member has an integer, a string or a list of these, so that a record has one spelling.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CanonicalError, Digest, LedgerError, Person};
use crate::agent::{Action, Proposal, StepOutcome, Tool};
use crate::model::{EngineStamp, Message, Sampling, Usage};
use crate::patch::{FilePatch, FileSide, Patch};
use crate::text::RepoPath;

/// Something that a run did, or is about to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A run begins.
    RunStarted(RunStarted),
    /// The run works in this work tree.
    WorkTreeOpened(WorkTreeOpened),
    /// These weights and these templates of prompts are used.
    ModelChosen(ModelChosen),
    /// The files of the work tree as the index knows them.
    TreeRead(TreeRead),
    /// Files were read whole, to be shown to the model or changed.
    FilesRead(FilesRead),
    /// The model is about to be asked.
    Prompted(Prompted),
    /// The model has answered, or failed.
    Answered(Answered),
    /// A step of the tool loop was made.
    StepTaken(StepTaken),
    /// A place of a batch is settled.
    SiteSettled(SiteSettled),
    /// The gates have judged what came of one place.
    CandidateJudged(CandidateJudged),
    /// Check commands are about to be run on what the gates let pass.
    ChecksStarted(ChecksStarted),
    /// One of them ended.
    CheckEnded(CheckEnded),
    /// A proposal is about to be kept.
    ProposalMade(ProposalMade),
    /// A proposal has its number.
    ProposalKept(ProposalKept),
    /// A branch is about to be made.
    BranchMade(BranchMade),
    /// A patch that skiff did not make was read.
    PatchRead(PatchRead),
    /// A person decided about a proposal or about such a patch; what follows from it is about to be done.
    Decided(Decided),
    /// The files of a decision are written.
    TreeWritten(TreeWritten),
    /// What an earlier run had left half-done was taken back.
    TreeRecovered(TreeRecovered),
    /// A run ends.
    RunEnded(RunEnded),
    /// The last line was cut off by a crash; its bytes were put aside.
    LineSetAside(LineSetAside),
    /// The records so far are signed for.
    Checkpoint(Checkpoint),
}

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Edit,
    Batch,
    Apply,
    Undo,
    Discard,
}

impl Verb {
    /// Returns the name of the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Batch => "batch",
            Self::Apply => "apply",
            Self::Undo => "undo",
            Self::Discard => "discard",
        }
    }
}

/// [`Event::RunStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    pub verb: Verb,
    /// Whom the operating system says the process works for.
    pub user: Person,
    pub host: Option<String>,
    pub version: String,
    /// Processor and operating system that the program is built for.
    pub target: String,
    /// What the process that writes this is for, by the name of its role.
    pub role: String,
    /// The name of the confinement that this process has reached.
    pub confinement: String,
    /// The ABI version of Landlock; none where it is not in force.
    pub landlock_abi: Option<u32>,
    /// SHA-256 of the policy file; none where there is no policy.
    pub policy_sha256: Option<String>,
    pub marking: Option<String>,
}

/// [`Event::WorkTreeOpened`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkTreeOpened {
    /// The name under which the state of the work tree is kept; numbers of proposals count within it.
    pub key: String,
    /// The directory; bytes that are not UTF-8 are replaced.
    pub path: String,
}

/// [`Event::ModelChosen`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChosen {
    pub name: String,
    /// SHA-256 of the file in hexadecimal, or `scripted`.
    pub sha256: String,
    /// Of the model that drafts for it; none where there is none.
    pub draft_sha256: Option<String>,
    /// The digests of the templates that prompts are made of, by name.
    pub templates: BTreeMap<String, Digest>,
}

/// [`Event::TreeRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRead {
    pub files: u64,
    /// Of the lines `BLOB PATH`, in the order of the paths.
    pub tree: Digest,
}

/// [`Event::FilesRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesRead {
    pub files: Vec<FileRead>,
}

/// One file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    pub path: RepoPath,
    /// Git's id of the bytes.
    pub blob: String,
}

/// [`Event::Prompted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompted {
    /// Of the canonical JSON of `turns` and `prefix` as [`Conversation`] has them.
    pub prompt: Digest,
    pub sampling: SamplingRecord,
    pub max_tokens: u64,
    /// Of the grammar that the answer must follow.
    pub grammar: Option<Digest>,
    /// The conversation itself, where the settings ask for it.
    pub text: Option<Conversation>,
}

/// What a model is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    pub turns: Vec<Message>,
    /// How the answer is made to begin.
    pub prefix: String,
}

/// How tokens are chosen, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingRecord {
    pub temperature_milli: u32,
    pub top_p_milli: u32,
    pub seed: u32,
}

impl From<Sampling> for SamplingRecord {
    fn from(sampling: Sampling) -> Self {
        // A cast from a float goes to the nearest value that there is, and NaN to 0.
        let milli = |value: f32| (value * 1000.0).round() as u32;
        Self {
            temperature_milli: milli(sampling.temperature),
            top_p_milli: milli(sampling.top_p),
            seed: sampling.seed,
        }
    }
}

/// [`Event::Answered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The number of the record that says what was asked.
    pub prompted: u64,
    /// Of the bytes of the answer; none where there is no answer.
    pub answer: Option<Digest>,
    /// Why the model failed.
    pub failure: Option<String>,
    pub cost: Cost,
    /// The answer itself, where the settings ask for it.
    pub text: Option<String>,
}

/// Tokens and milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    pub prompt_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub drafted_tokens: u64,
    pub accepted_tokens: u64,
    pub prefill_ms: u64,
    pub decode_ms: u64,
}

impl AddAssign for Cost {
    /// Adds, up to what there is a number for: records may hold any.
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut u64, more| *sum = sum.saturating_add(more);
        add(&mut self.prompt_tokens, other.prompt_tokens);
        add(&mut self.cached_tokens, other.cached_tokens);
        add(&mut self.completion_tokens, other.completion_tokens);
        add(&mut self.drafted_tokens, other.drafted_tokens);
        add(&mut self.accepted_tokens, other.accepted_tokens);
        add(&mut self.prefill_ms, other.prefill_ms);
        add(&mut self.decode_ms, other.decode_ms);
    }
}

impl From<Usage> for Cost {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            completion_tokens: usage.completion_tokens,
            drafted_tokens: usage.drafted_tokens,
            accepted_tokens: usage.accepted_tokens,
            prefill_ms: usage.prefill_ms,
            decode_ms: usage.decode_ms,
        }
    }
}

/// [`Event::StepTaken`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTaken {
    /// Counted from one.
    pub number: u32,
    /// What was done; none where the model named no action.
    pub action: Option<Tool>,
    /// The place that it was about.
    pub target: Option<String>,
    pub outcome: StepOutcome,
    /// How many results of earlier steps were left out of the conversation before this one.
    pub evicted: u32,
    /// Of the action and of the code that was written for it.
    pub cost: Cost,
    /// What the model said in the action in its own words, where the settings ask for texts.
    pub text: Option<String>,
}

/// [`Event::SiteSettled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSettled {
    pub path: RepoPath,
    /// Git's id of the file in which the place was found.
    pub blob: String,
    /// The bytes of the place in it.
    pub start: u64,
    pub end: u64,
    pub outcome: SettledAs,
    /// Of the text that stands there afterwards, where it changed.
    pub text: Option<Digest>,
}

/// What became of a place of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettledAs {
    /// A rewrite of the plan changed it.
    Rewritten,
    /// The model changed it.
    Edited,
    /// It is right as it is.
    Unchanged,
    /// It could not be changed.
    Failed,
    /// It was changed, and a check of its group refused it.
    Dropped,
}

/// [`Event::CandidateJudged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateJudged {
    pub path: RepoPath,
    pub symbol: Option<String>,
    pub action: Action,
    pub attempts: u32,
    /// What the gates said of the attempts that failed.
    pub gate_hits: Vec<String>,
    /// Why the place does not pass; none when every gate passed.
    pub failure: Option<String>,
}

/// [`Event::ChecksStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecksStarted {
    /// Of the unified diff that they are run on.
    pub patch: Digest,
    /// Of the command lines, in their order. The first that fails is the last that is run.
    pub commands: Vec<Digest>,
    /// The command lines themselves, where the settings ask for texts.
    pub lines: Option<Vec<String>>,
}

/// [`Event::CheckEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckEnded {
    /// Of the command line.
    pub command: Digest,
    pub passed: bool,
    /// None where it did not end by itself.
    pub exit_code: Option<i32>,
    /// How it ended, in words.
    pub end: String,
    /// From its start to its end.
    pub ms: u64,
    /// Of the last part of its output, as the proposal has it.
    pub output: Digest,
    /// That part itself, where the settings ask for texts.
    pub text: Option<String>,
}

/// [`Event::ProposalMade`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalMade {
    /// Of the unified diff.
    pub patch: Digest,
    pub passed: bool,
    /// What computed it, as a proposal in JSON has it.
    pub engine: Value,
    pub change: TreeChange,
    pub cost: Cost,
}

/// [`Event::ProposalKept`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalKept {
    pub proposal: u64,
    /// Of the unified diff.
    pub patch: Digest,
}

/// [`Event::BranchMade`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchMade {
    pub name: String,
    /// The commit at which it begins.
    pub base: String,
    /// Its last commit.
    pub head: String,
    /// How many are its own.
    pub commits: u64,
}

/// [`Event::PatchRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchRead {
    /// The file as it was named; bytes that are not UTF-8 are replaced. None where it came from the standard input.
    pub file: Option<String>,
    pub bytes: u64,
    /// Of these bytes.
    pub digest: Digest,
}

/// What a person can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Apply,
    Undo,
    Discard,
}

impl Decision {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Undo => "undo",
            Self::Discard => "discard",
        }
    }
}

/// [`Event::Decided`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    pub decision: Decision,
    /// Whom the operating system says the process works for.
    pub by: Person,
    /// None where there is no proposal: a patch from a file, and what is taken back of one.
    pub proposal: Option<u64>,
    /// Of the unified diff of the proposal, or of the one that a patch from a file comes to.
    pub patch: Option<Digest>,
    pub hunks: Hunks,
    /// What is about to be written; no files where the work tree stays as it is.
    pub change: TreeChange,
}

/// Which hunks of a patch a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hunks {
    /// All of them.
    All,
    /// Those that were chosen.
    Some(Vec<FileHunks>),
}

/// The hunks of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileHunks {
    pub path: RepoPath,
    /// Numbers in the order of the diff, from 1.
    pub hunks: Vec<u64>,
}

/// The files that change, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeChange {
    pub files: Vec<FileChange>,
    /// Of the canonical JSON of the pairs of `path` and `before`.
    pub before: Digest,
    /// Of the canonical JSON of the pairs of `path` and `after`.
    pub after: Digest,
}

/// One file that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    pub path: RepoPath,
    /// None where there is no file.
    pub before: Option<FileIdentity>,
    /// None where there is no file.
    pub after: Option<FileIdentity>,
}

/// What identifies a file's bytes and mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileIdentity {
    /// Git's id of the bytes.
    pub blob: String,
    /// The mode, as git prints it.
    pub mode: String,
}

/// Returns how a record spells what computed a proposal: as JSON, so that records of other releases stay as they are.
pub(super) fn engine(stamp: &EngineStamp) -> Result<Value, LedgerError> {
    serde_json::to_value(stamp).map_err(|error| LedgerError::Unwritable(CanonicalError::Json(error)))
}

impl TreeChange {
    /// Returns the change of these files, with the digests of both sides.
    ///
    /// # Errors
    /// [`super::LedgerError::Unwritable`] when it has no canonical form.
    pub fn of(files: Vec<FileChange>) -> Result<Self, LedgerError> {
        let side = |pick: fn(&FileChange) -> &Option<FileIdentity>| {
            let pairs: Vec<_> = files.iter().map(|file| (&file.path, pick(file))).collect();
            Digest::of_json(&pairs)
        };
        Ok(Self {
            before: side(|file| &file.before)?,
            after: side(|file| &file.after)?,
            files,
        })
    }

    /// Returns the change that a patch makes.
    ///
    /// # Errors
    /// As [`TreeChange::of`].
    pub fn of_patch(patch: &Patch) -> Result<Self, LedgerError> {
        let identity = |side: &FileSide| FileIdentity {
            blob: side.blob.to_string(),
            mode: side.mode.as_str().to_owned(),
        };
        let change = |file: &FilePatch| FileChange {
            path: file.path.clone(),
            before: file.old.as_ref().map(identity),
            after: file.new.as_ref().map(identity),
        };
        Self::of(patch.files.iter().map(change).collect())
    }
}

/// [`Event::TreeWritten`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeWritten {
    pub files: u64,
    /// The digest of what the files are now, as the decision announced it.
    pub after: Digest,
}

/// [`Event::TreeRecovered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRecovered {
    /// What the journal called the writes.
    pub label: String,
    pub paths: Vec<RepoPath>,
}

/// [`Event::RunEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnded {
    pub exit_code: u8,
    /// How long the run took, by a clock that only goes forward.
    pub ms: u64,
    /// Tokens and milliseconds of all answers together.
    pub cost: Cost,
    /// What the processor packages took during the run, in millijoules. Left out where the machine does not tell, and by
    /// older releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_mj: Option<u64>,
}

/// [`Event::LineSetAside`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSetAside {
    /// The name of the file beside the ledger that has the bytes.
    pub file: String,
    pub bytes: u64,
    pub digest: Digest,
}

/// How a checkpoint is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), over the canonical line of the checkpoint with an empty signature.
    Ed25519,
}

/// [`Event::Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub algorithm: Algorithm,
    /// How many records stand before this one.
    pub count: u64,
    /// The digest of the line before, which stands for all of them.
    pub head: Digest,
    /// The public key, in hexadecimal.
    pub key: String,
    /// In hexadecimal.
    pub signature: String,
}

impl CandidateJudged {
    /// Returns what the gates said of each place of a proposal.
    pub(super) fn of(proposal: &Proposal) -> impl Iterator<Item = Event> + '_ {
        proposal.regions.iter().map(|region| {
            Event::CandidateJudged(Self {
                path: region.path.clone(),
                symbol: region.symbol.clone(),
                action: region.action,
                attempts: region.attempts,
                gate_hits: region.gate_hits.clone(),
                failure: region.failure.clone(),
            })
        })
    }
}
