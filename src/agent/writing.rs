use crate::model::{CompletionRequest, Finish, Message, ModelError, Role, Session, Usage};
use crate::patch::gate::GateFailure;
use crate::prompt::{Fitted, RepairPrompt, Template};

use super::{AgentError, Workbench};

/// What is asked for, in the words and the fence of its prompt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing<'a> {
    pub(super) request: &'a str,
    /// For example: the function `f`.
    pub(super) what: &'a str,
    pub(super) fence: &'a str,
    /// The info string of the fence.
    pub(super) language: &'a str,
    pub(super) answer_tokens: usize,
    /// What the answer repeats with changes.
    pub(super) copy: Option<&'a str>,
    pub(super) on_unchanged: OnUnchanged,
}

/// What an answer that changes nothing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnUnchanged {
    /// It was named, alone or with one other: it is asked for once more.
    Repair,
    /// It is one of many, or was only supposed: it stays as it is. A model that must not repeat itself changes
    /// something, needed or not.
    GiveUp,
}

/// An answer and what the gates say of it.
pub(super) struct Judged<T> {
    pub(super) failures: Vec<GateFailure>,
    pub(super) result: T,
}

/// How asking ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// An answer passed every gate.
    Passed,
    /// Every answer was the code as it stood.
    Unchanged,
    /// The last answer failed; why.
    Failed(String),
}

/// What came of asking, repairs included.
pub(super) struct Written<T> {
    /// The answer that passed, or else the last one that is not empty.
    pub(super) best: Option<T>,
    pub(super) attempts: u32,
    pub(super) gate_hits: Vec<String>,
    pub(super) ending: Ending,
}

impl<T> Written<T> {
    /// Returns why the place does not pass. Code that stays as it is passes: a request may name what it only needs.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.ending {
            Ending::Passed | Ending::Unchanged => None,
            Ending::Failed(problem) => Some(problem.clone()),
        }
    }
}

impl Writing<'_> {
    /// Asks for the code, and once more for every failed attempt with what was wrong, as often as the configuration
    /// allows. An answer that failed cannot come back word for word.
    pub(super) fn run<T>(
        &self,
        bench: &Workbench<'_>,
        session: &mut dyn Session,
        usage: &mut Usage,
        fitted: Fitted,
        judge: impl Fn(&str) -> Judged<T>,
    ) -> Result<Written<T>, AgentError> {
        for title in &fitted.left_out {
            bench
                .progress
                .note(&format!("left out of the prompt, which would be too long: {title}"));
        }
        let prefix = format!("{}{}\n", self.fence, self.language);
        let stop = format!("\n{}", self.fence);
        let mut messages = fitted.messages;
        let mut failed: Vec<String> = Vec::new();
        let mut written = Written {
            best: None,
            attempts: 0,
            gate_hits: Vec::new(),
            ending: Ending::Unchanged,
        };
        loop {
            let request = CompletionRequest {
                assistant_prefix: &prefix,
                stop: &[&stop],
                sampling: bench.config.sampling,
                exclude: &failed,
                // A repair repeats what it repairs.
                copy: failed.last().map(String::as_str).or(self.copy),
                ..CompletionRequest::new(&messages, self.answer_tokens)
            };
            let completion = match session.complete(&request, bench.progress) {
                // The model has nothing to say but what failed.
                Err(ModelError::OnlyExcluded) => return Ok(written),
                completion => completion?,
            };
            *usage += completion.usage;
            written.attempts += 1;
            let judged = judge(&completion.text);
            let problem = match (completion.finish, judged.failures.first()) {
                (Finish::Length, _) => Some((String::from("the answer was cut off: it is too long"), String::new())),
                (_, Some(failure)) => Some((failure.to_string(), excerpt(failure))),
                (_, None) => None,
            };
            let nothing = judged
                .failures
                .iter()
                .any(|f| matches!(f, GateFailure::Empty | GateFailure::Unchanged));
            if !nothing {
                written.best = Some(judged.result);
            }
            let Some((problem, lines)) = problem else {
                written.ending = Ending::Passed;
                return Ok(written);
            };
            written.gate_hits.push(problem.clone());
            bench.progress.note(&format!("{}: {problem}", self.what));
            let unchanged = matches!(judged.failures.first(), Some(GateFailure::Unchanged));
            if !(unchanged && written.ending == Ending::Unchanged) {
                written.ending = Ending::Failed(problem.clone());
            }
            let gives_up = unchanged && self.on_unchanged == OnUnchanged::GiveUp;
            if gives_up || written.attempts >= bench.config.attempts {
                return Ok(written);
            }
            messages.push(Message::new(
                Role::Assistant,
                format!("{prefix}{}{stop}", completion.text),
            ));
            messages.extend(
                RepairPrompt {
                    problem: &problem,
                    lines: &lines,
                    what: self.what,
                    request: self.request,
                    fence: self.fence,
                }
                .messages()?,
            );
            let needed = bench.model.count_conversation(&messages)? + self.answer_tokens;
            if needed > bench.model.context_tokens() {
                bench
                    .progress
                    .note("no repair: the conversation would not fit the context");
                return Ok(written);
            }
            failed.push(completion.text);
        }
    }
}

fn excerpt(failure: &GateFailure) -> String {
    match failure {
        GateFailure::Syntax { excerpt, .. } => excerpt.clone(),
        GateFailure::Empty
        | GateFailure::Unchanged
        | GateFailure::Unparsed
        | GateFailure::Lost { .. }
        | GateFailure::Repeated { .. }
        | GateFailure::NothingNew
        | GateFailure::Elided { .. } => String::new(),
    }
}
