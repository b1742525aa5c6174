//! The second mode: the model chooses actions from a closed set, one a turn, decoded under a grammar of what exists.
//!
//! An action names a place and never holds code: what it has written is written by the workflow's parts, behind the same
//! gates. What an action shows is data; a place can be named when it was shown, so nothing in a result leads out of the
//! snapshot.

mod call;
mod catalog;
mod change;
mod look;
mod seen;
mod step;
mod transcript;

pub use call::Tool;
pub use step::{StepOutcome, StepReport, StepWitness};

use call::{CallError, ToolCall};
use catalog::{Catalog, Spot};
use seen::{Seen, SeenKind};
use transcript::{Room, Transcript};

use super::branch::Branch;
use super::candidate::{candidates, named_in_request};
use super::locate::named_on_command_line;
use super::mention::Mentions;
use super::observation::{MOST_OUTPUT_TOKENS, condense};
use super::proposal::{ModelStamp, Proposal};
use super::target::Place;
use super::workflow::Run;
use super::{AgentError, CandidateReport, Request, Workbench};
use crate::model::{CompletionRequest, Constraint, Message, ModelError, Usage};
use crate::patch::Patch;
use crate::prompt::{
    ActionWords, AgentPrompt, ChecksOffered, Fragment, Template, TokenBudget, action_grammar, fence_for,
};
use crate::sandbox::CheckOutcome;

/// The most tokens of an action.
const ACTION_TOKENS: usize = 256;
/// What one action may show, as a part of the context, and at most.
const LOOK_PART: usize = 8;
const MOST_LOOK_TOKENS: usize = 1500;

/// Lets the model carry a request out in at most `steps` actions.
///
/// # Errors
/// [`AgentError`] for what stops the run; what an action cannot do goes back to the model.
pub(super) fn propose(request: &Request, bench: &Workbench<'_>, steps: u32) -> Result<Proposal, AgentError> {
    let mut tool_loop = ToolLoop {
        run: Run::new(request, bench)?,
        request,
        catalog: Catalog::new(bench.index),
        branch: Branch::new(bench.snapshot),
        failed: None,
        checked: None,
        last: None,
        look_tokens: (bench.model.context_tokens() / LOOK_PART).min(MOST_LOOK_TOKENS),
        steps: Vec::new(),
    };
    tool_loop.run(steps)?;
    tool_loop.proposal()
}

/// A request on its way.
struct ToolLoop<'a> {
    run: Run<'a>,
    request: &'a Request,
    /// What the model may name.
    catalog: Catalog<'a>,
    /// What was done so far.
    branch: Branch<'a>,
    /// The same with the last place that did not pass its gates, to be shown where nothing else was done.
    failed: Option<Branch<'a>>,
    /// What the checks said last.
    checked: Option<Checked>,
    /// The action before.
    last: Option<ToolCall>,
    /// The most tokens that one action may show.
    look_tokens: usize,
    steps: Vec<StepReport>,
}

/// What the checks said of a patch.
struct Checked {
    patch: Patch,
    outcomes: Vec<CheckOutcome>,
}

/// How the loop goes on.
enum Next {
    Step(Seen),
    End,
}

impl<'a> ToolLoop<'a> {
    fn bench(&self) -> &'a Workbench<'a> {
        self.run.bench
    }

    /// Takes steps until the model finishes, none is left, or the conversation has no room.
    fn run(&mut self, most_steps: u32) -> Result<(), AgentError> {
        let bench = self.bench();
        let mut transcript = Transcript::new(self.opening(most_steps)?, self.checks_offered());
        let mut usage = Usage::default();
        let mut barred = Vec::new();
        for number in 1..=most_steps {
            let evicted = match transcript.make_room(bench.model, ACTION_TOKENS)? {
                Room::Made(evicted) => evicted,
                Room::None => {
                    bench
                        .progress
                        .note("the conversation does not fit the context any more");
                    break;
                }
            };
            for about in &evicted {
                let said = format!("left out of the conversation, which would be too long: {about}");
                bench.progress.note(&said);
            }
            self.run.usage = Usage::default();
            let said = match self.ask(&transcript.messages(), &barred) {
                // It has nothing else to say.
                Err(AgentError::Model(ModelError::OnlyExcluded)) => break,
                said => said?,
            };
            let call = ToolCall::parse(&said, &self.catalog);
            let mut report = self.begin(number, &call);
            report.evicted = u32::try_from(evicted.len()).unwrap_or(u32::MAX);
            let next = self.carry_out(call)?;
            report.usage = self.run.usage;
            usage += report.usage;
            report.outcome = match &next {
                Next::Step(seen) => seen.kind.outcome(),
                Next::End => StepOutcome::Done,
            };
            if let Some(witness) = bench.witness {
                witness.stepped(&report);
            }
            // Whoever was told and says it again would say it for ever.
            barred = match report.outcome {
                StepOutcome::Repeated => vec![said.clone()],
                StepOutcome::Done | StepOutcome::Nothing | StepOutcome::Failed | StepOutcome::Refused => Vec::new(),
            };
            self.steps.push(report);
            match next {
                Next::Step(seen) => transcript.push(&said, &seen, &self.request.text, most_steps - number)?,
                Next::End => break,
            }
        }
        self.run.usage = usage;
        if !self.steps.last().is_some_and(StepReport::finishes) {
            let said = format!("the model did not finish in {} steps", self.steps.len());
            bench.progress.note(&said);
        }
        Ok(())
    }

    /// Returns what the model is told first, with the places that the request seems to mean.
    fn opening(&mut self, steps: u32) -> Result<Vec<Message>, AgentError> {
        let bench = self.bench();
        let (request, index) = (self.request, bench.index);
        let mentions = Mentions::of(&request.text);
        let mut places = named_on_command_line(request, index)?;
        let files = bench.snapshot.files().iter().map(|file| &file.path);
        let named = files.filter(|path| request.paths.contains(path));
        places.extend(named.cloned().map(Place::File));
        places.extend(named_in_request(request, bench, &mentions));
        places.extend(candidates(request, bench, &mentions));
        let mut lines: Vec<String> = Vec::new();
        for place in &places {
            let line = match Spot::from(place) {
                Spot::Symbol(id) => self.definition_line(id),
                file @ Spot::File(_) => self.catalog.show(file),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            lines.push(self.map(None).text);
        }
        let failure = self.failing_output();
        let fragments = [
            ("what a check says", failure),
            ("the places that may matter", lines.join("\n")),
        ];
        let fragments = fragments.map(|(title, text)| Fragment {
            title: title.to_owned(),
            text,
        });
        let texts = fragments.each_ref().map(|fragment| fragment.text.as_str());
        let fence = fence_for(&texts);
        let budget = TokenBudget {
            context_tokens: bench.model.context_tokens(),
            answer_tokens: ACTION_TOKENS + self.look_tokens,
            fragment_tokens: bench.config.fragment_tokens,
        };
        let fitted = budget.fit(bench.model, &fragments, |texts| {
            AgentPrompt {
                failure: texts[0],
                places: texts[1],
                request: &request.text,
                steps,
                checks: self.checks_offered(),
                fence: &fence,
            }
            .messages()
        });
        Ok(fitted
            .map_err(|error| AgentError::budget("the request", error))?
            .messages)
    }

    fn checks_offered(&self) -> ChecksOffered {
        match self.bench().checks {
            Some(_) => ChecksOffered::Yes,
            None => ChecksOffered::No,
        }
    }

    /// Lets the model write an action that is none of `barred`.
    fn ask(&mut self, messages: &[Message], barred: &[String]) -> Result<String, AgentError> {
        const LOOKING: &[Tool] = &[Tool::Find, Tool::Open, Tool::Map, Tool::References];
        const CHANGING: &[Tool] = &[Tool::Rewrite, Tool::Insert, Tool::NewFile, Tool::Delete, Tool::Rename];
        let bench = self.bench();
        let check: &[Tool] = match bench.checks {
            Some(_) => &[Tool::Check],
            None => &[],
        };
        let tools = [LOOKING, CHANGING, check, &[Tool::Finish]].concat();
        let actions: Vec<&str> = tools.iter().flat_map(|tool| tool.rules()).copied().collect();
        let (files, names) = self.catalog.offered();
        let is_short =
            |name: &&String| matches!(self.catalog.spot(name), Some(Spot::File(path)) if self.is_short(path));
        let short: Vec<String> = files.iter().filter(is_short).cloned().collect();
        let grammar = action_grammar(&ActionWords {
            actions: &actions,
            files: &files,
            short: &short,
            names: &names,
        });
        let completion = self.run.session.complete(
            &CompletionRequest {
                stop: &["\n"],
                sampling: bench.config.sampling,
                constraint: Constraint::Gbnf(grammar),
                exclude: barred,
                ..CompletionRequest::new(messages, ACTION_TOKENS)
            },
            bench.progress,
        )?;
        self.run.usage += completion.usage;
        Ok(completion.text.trim().to_owned())
    }

    /// Says what is about to be done.
    fn begin(&self, number: u32, call: &Result<ToolCall, CallError>) -> StepReport {
        let (action, target, words) = match call {
            Ok(call) => {
                let words = call.words().map(str::to_owned);
                (Some(call.tool()), call.target(&self.catalog), words)
            }
            Err(CallError::Unreadable) => (None, None, None),
            Err(CallError::NotShown(tool, name)) => (Some(*tool), None, Some(name.clone())),
            Err(CallError::NoPath(path, _)) => (Some(Tool::NewFile), None, Some(path.clone())),
        };
        let parts = [
            Some(action.map_or("no action", Tool::as_str).to_owned()),
            target.clone(),
            words.as_ref().map(|words| format!("{words:?}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        self.bench()
            .progress
            .note(&format!("step {number}: {}", parts.join(" ")));
        StepReport {
            number,
            action,
            target,
            words,
            outcome: StepOutcome::Refused,
            evicted: 0,
            usage: Usage::default(),
        }
    }

    /// Carries an action out, unless it is the one before.
    fn carry_out(&mut self, call: Result<ToolCall, CallError>) -> Result<Next, AgentError> {
        let call = match call {
            Ok(call) => call,
            Err(error) => {
                self.last = None;
                return Ok(Next::Step(match error {
                    CallError::Unreadable => Seen::new(SeenKind::Unreadable, "a line that was no action", ""),
                    CallError::NotShown(_, name) => Seen::new(SeenKind::NotShown, name, ""),
                    CallError::NoPath(path, why) => Seen::new(SeenKind::Refused, path, why),
                }));
            }
        };
        let before = self.last.replace(call.clone());
        if before.as_ref() == Some(&call) && call.tool() != Tool::Finish {
            return Ok(Next::Step(Seen::new(
                SeenKind::Repeated,
                "an action that was repeated",
                "",
            )));
        }
        let name = call.target(&self.catalog).unwrap_or_default();
        let seen = match call {
            ToolCall::Find(text) => Ok(self.find(&text)),
            ToolCall::Open(spot, lines) => self.open(&spot, lines),
            ToolCall::Map(path) => Ok(self.map(path.as_ref())),
            ToolCall::References(id) => Ok(self.references(id)),
            ToolCall::Rewrite(spot, how) => self.rewrite(&spot, &how),
            ToolCall::Insert(after, how) => self.insert(after, &how),
            ToolCall::NewFile(path, how) => self.new_file(&path, &how),
            ToolCall::Delete(spot) => self.delete(&spot),
            ToolCall::Rename(id, to) => self.rename(id, &to),
            ToolCall::Check => self.check(),
            ToolCall::Finish(_) => {
                return match before {
                    Some(ToolCall::Finish(_)) => Ok(Next::End),
                    _ => self.finish(),
                };
            }
        };
        Ok(Next::Step(match seen {
            Ok(seen) => seen,
            Err(error) => Seen::new(SeenKind::Refused, name, told(error)?),
        }))
    }

    /// Runs the user's checks on what was changed so far.
    fn check(&mut self) -> Result<Seen, AgentError> {
        let bench = self.bench();
        let patch = self.patch()?;
        let Some(checks) = bench.checks.filter(|_| !patch.is_empty()) else {
            let why = "there is nothing to check yet";
            return Ok(Seen::new(SeenKind::Refused, "the checks", why));
        };
        let is_known = self.checked.as_ref().is_some_and(|checked| checked.patch == patch);
        if !is_known {
            let outcomes = checks.run(&patch, None).map_err(AgentError::Check)?;
            self.checked = Some(Checked { patch, outcomes });
        }
        Ok(match self.failing() {
            None => Seen::new(SeenKind::CheckPassed, "the checks", ""),
            Some(failing) => {
                let command = failing.command.clone();
                Seen::new(SeenKind::CheckFailed, command, self.failing_output())
            }
        })
    }

    /// Ends the work, unless nothing is changed or a check fails: then the model is told, and may finish once more.
    fn finish(&mut self) -> Result<Next, AgentError> {
        if self.patch()?.is_empty() {
            return Ok(Next::Step(Seen::new(
                SeenKind::NothingChanged,
                "an end without a change",
                "",
            )));
        }
        if self.bench().checks.is_none() {
            return Ok(Next::End);
        }
        let seen = self.check()?;
        Ok(match seen.kind {
            SeenKind::CheckFailed => Next::Step(seen),
            _ => Next::End,
        })
    }

    /// Returns the check that failed last.
    fn failing(&self) -> Option<&CheckOutcome> {
        let outcomes = self.checked.iter().flat_map(|checked| &checked.outcomes);
        outcomes.into_iter().find(|outcome| !outcome.passed())
    }

    /// Returns what it said, or what the person says that one said, in few tokens.
    fn failing_output(&self) -> String {
        let count = |text: &str| self.bench().model.count_tokens(text);
        let output = match (&self.checked, self.failing()) {
            (None, _) => &self.request.failure,
            (Some(_), Some(failing)) => &failing.output,
            (Some(_), None) => return String::new(),
        };
        condense(output, MOST_OUTPUT_TOKENS, &count)
    }

    fn patch(&self) -> Result<Patch, AgentError> {
        let change = self.branch.state.drafts.clone().into_change()?;
        Ok(Patch::build(&change, self.bench().snapshot)?)
    }

    /// Returns what the steps came to.
    fn proposal(mut self) -> Result<Proposal, AgentError> {
        let bench = self.bench();
        if self.patch()?.is_empty()
            && let Some(failed) = self.failed.take()
        {
            self.branch = failed;
        }
        let patch = self.patch()?;
        if self.branch.passed() && !patch.is_empty() && bench.checks.is_some() {
            self.check()?;
        }
        let checks: Vec<CheckOutcome> = match self.checked {
            Some(checked) if checked.patch == patch => checked.outcomes,
            _ => Vec::new(),
        };
        let passed_checks = checks.iter().filter(|check| check.passed()).count();
        Ok(Proposal {
            request: self.request.text.clone(),
            model: ModelStamp {
                name: bench.model.name().to_owned(),
                sha256: bench.model.digest().to_owned(),
            },
            engine: bench.model.engine(),
            sampling: bench.config.sampling,
            candidates: vec![CandidateReport {
                passed_gates: self.branch.passed(),
                agreeing: 1,
                mean_log_probability: None,
                passed_checks: (!checks.is_empty()).then_some(passed_checks),
                is_chosen: true,
            }],
            regions: self.branch.state.regions,
            usage: self.run.usage,
            energy_mj: None,
            checks,
            steps: self.steps,
            patch,
        })
    }
}

/// Returns what a model is told of an error that is about its action alone.
///
/// # Errors
/// The error itself, where it ends the run.
fn told(error: AgentError) -> Result<String, AgentError> {
    match error {
        AgentError::TooLong { .. } | AgentError::Repo(_) => Ok(error.to_string()),
        AgentError::Edit(_) | AgentError::Patch(_) => {
            Ok("it does not go together with what was changed there before: rewrite the whole file".to_owned())
        }
        AgentError::NothingFound
        | AgentError::NoSuchSymbol { .. }
        | AgentError::AmbiguousSymbol { .. }
        | AgentError::Model(_)
        | AgentError::Check(_)
        | AgentError::Prompt(_) => Err(error),
    }
}
