use crate::model::{CompletionRequest, Constraint, Finish, Message, Role, Session, Usage};
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
}

/// An answer and what the gates say of it.
pub(super) struct Judged<T> {
    pub(super) failures: Vec<GateFailure>,
    pub(super) result: T,
}

/// What came of asking, repairs included.
pub(super) struct Written<T> {
    /// The answer that passed, or else the last one that is not empty.
    pub(super) best: Option<T>,
    pub(super) attempts: u32,
    pub(super) gate_hits: Vec<String>,
    pub(super) failure: Option<String>,
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
            failure: None,
        };
        loop {
            let completion = session.complete(
                &CompletionRequest {
                    messages: &messages,
                    assistant_prefix: &prefix,
                    stop: &[&stop],
                    max_tokens: self.answer_tokens,
                    sampling: bench.config.sampling,
                    constraint: Constraint::None,
                    exclude: &failed,
                },
                bench.progress,
            )?;
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
                written.failure = None;
                return Ok(written);
            };
            written.gate_hits.push(problem.clone());
            bench.progress.note(&format!("{}: {problem}", self.what));
            written.failure = Some(problem.clone());
            if written.attempts >= bench.config.attempts {
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
