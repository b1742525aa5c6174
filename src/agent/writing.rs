use crate::model::{
    Completion, CompletionRequest, Finish, Likelihood, Message, ModelError, Role, Sampling, Session, Usage,
};
use crate::patch::gate::GateFailure;
use crate::prompt::{MissingPrompt, RepairPrompt, RequestLength, Template};
use crate::text::RepoPath;

use super::task::{Task, Unfinished, Written};
use super::usage::homes;
use super::{AgentError, Drafting, Workbench};

/// What an answer that changes nothing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnUnchanged {
    /// It was named, alone or with one other: it is asked for once more.
    Repair,
    /// It is one of many, or was only supposed: it stays as it is. A model that must not repeat itself changes
    /// something, needed or not.
    GiveUp,
}

/// When enough has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The answers are to one question: the first that passes makes repairs of the others useless.
    AnyPasses,
    /// Each answers its own.
    AllPass,
}

/// One answer that is asked for.
pub(super) struct Order<'t> {
    pub(super) task: &'t Task,
    /// The conversation, ending with the question.
    pub(super) messages: Vec<Message>,
    pub(super) sampling: Sampling,
    /// Answers that failed before and must not come back.
    pub(super) refused: Vec<String>,
    /// The answer that this one is a part of.
    pub(super) unfinished: Option<Unfinished>,
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

/// What came of an order, repairs included.
pub(super) struct Outcome {
    /// The answer that passed, or else the last one that is not empty.
    pub(super) best: Option<Best>,
    pub(super) attempts: u32,
    pub(super) gate_hits: Vec<String>,
    pub(super) ending: Ending,
    /// What it cost.
    pub(super) usage: Usage,
}

/// An answer that can stand.
pub(super) struct Best {
    pub(super) written: Written,
    pub(super) text: String,
    /// The conversation, ending with the answer.
    pub(super) messages: Vec<Message>,
    pub(super) mean_log_probability: Option<f32>,
}

impl Outcome {
    pub(super) fn written(&self) -> Option<&Written> {
        self.best.as_ref().map(|best| &best.written)
    }

    /// Returns why the place does not pass. Code that stays as it is passes: a request may name what it only needs.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.ending {
            Ending::Passed | Ending::Unchanged => None,
            Ending::Failed(problem) => Some(problem.clone()),
        }
    }
}

/// A question that is asked beside the first orders, in the same passes, since it shares their prompt but for its end.
#[derive(Clone, Debug)]
pub(super) struct Rider {
    /// The conversation, ending with the question.
    pub(super) messages: Vec<Message>,
    /// How the answer begins.
    pub(super) prefix: String,
    /// Where it ends.
    pub(super) stop: String,
    pub(super) answer_tokens: usize,
}

/// Who is asked, and how.
pub(super) struct Asking<'r, 's> {
    pub(super) bench: &'r Workbench<'r>,
    pub(super) session: &'r mut (dyn Session + 's),
    pub(super) usage: &'r mut Usage,
    /// The request in a person's words.
    pub(super) request: &'r str,
    pub(super) on_unchanged: OnUnchanged,
    pub(super) until: Until,
    pub(super) rider: Option<Rider>,
    /// What the rider was answered, without its prefix.
    pub(super) ridden: Option<String>,
}

impl Asking<'_, '_> {
    /// Asks for the answers, all at once, and for those that fail a gate once more with what was wrong, as often as the
    /// configuration allows, as long as `until` says. An answer that failed cannot come back word for word.
    ///
    /// The outcomes are in the order of the orders.
    pub(super) fn write(&mut self, orders: Vec<Order<'_>>) -> Result<Vec<Outcome>, AgentError> {
        let mut desks: Vec<Desk<'_>> = orders.into_iter().map(Desk::new).collect();
        loop {
            let waiting: Vec<usize> = (0..desks.len()).filter(|at| desks[*at].is_waiting).collect();
            if waiting.is_empty() {
                break;
            }
            let completions = self.complete(&desks, &waiting)?;
            for (at, completion) in waiting.into_iter().zip(completions) {
                desks[at].is_waiting = false;
                match completion {
                    // The model has nothing to say but what failed.
                    Err(ModelError::OnlyExcluded) => {}
                    completion => self.take(&mut desks[at], completion?)?,
                }
            }
            let has_passed = |desk: &Desk<'_>| desk.outcome.ending == Ending::Passed;
            if self.until == Until::AnyPasses && desks.iter().any(has_passed) {
                break;
            }
        }
        Ok(desks.into_iter().map(|desk| desk.outcome).collect())
    }

    fn complete(
        &mut self,
        desks: &[Desk<'_>],
        waiting: &[usize],
    ) -> Result<Vec<Result<Completion, ModelError>>, AgentError> {
        let fences: Vec<(String, String)> = waiting.iter().map(|at| fences(desks[*at].order.task)).collect();
        let stops: Vec<[&str; 1]> = fences.iter().map(|(_, stop)| [stop.as_str()]).collect();
        let rider = self.rider.take();
        let rider_stop = [rider.as_ref().map_or("", |rider| rider.stop.as_str())];
        let mut requests: Vec<CompletionRequest<'_>> = waiting
            .iter()
            .zip(&fences)
            .zip(&stops)
            .map(|((at, (prefix, _)), stop)| {
                let Order {
                    task,
                    messages,
                    sampling,
                    refused,
                    unfinished,
                } = &desks[*at].order;
                let (exclude, copy) = match unfinished {
                    Some(unfinished) => (&[][..], &unfinished.code),
                    // A repair repeats what it repairs.
                    None => (&refused[..], refused.last().map_or(&task.copy, |failed| failed)),
                };
                CompletionRequest {
                    assistant_prefix: prefix,
                    stop,
                    sampling: *sampling,
                    exclude,
                    copy: match self.bench.config.drafts {
                        Drafting::OldText => Some(copy),
                        Drafting::Nothing => None,
                    },
                    likelihood: match desks.len() {
                        1 => Likelihood::NotTold,
                        _ => Likelihood::Told,
                    },
                    ..CompletionRequest::new(messages, task.answer_tokens)
                }
            })
            .collect();
        requests.extend(rider.iter().map(|rider| CompletionRequest {
            assistant_prefix: &rider.prefix,
            stop: &rider_stop,
            ..CompletionRequest::new(&rider.messages, rider.answer_tokens)
        }));
        let mut completions = match &requests[..] {
            // The conversation itself goes on.
            [only] => vec![self.session.complete(only, self.bench.progress)],
            many => self.session.complete_all(many, self.bench.progress)?,
        };
        if rider.is_some()
            && let Some(ridden) = completions.pop()
        {
            let ridden = ridden?;
            *self.usage += ridden.usage;
            self.ridden = Some(ridden.text);
        }
        Ok(completions)
    }

    /// Takes a completion in; where it fails and there is another attempt, the desk waits for that.
    fn take(&mut self, desk: &mut Desk<'_>, completion: Completion) -> Result<(), AgentError> {
        *self.usage += completion.usage;
        let Desk {
            order,
            outcome,
            is_waiting,
        } = desk;
        let task = order.task;
        outcome.attempts += 1;
        outcome.usage += completion.usage;
        let text = match order.unfinished.take() {
            Some(unfinished) => task.finished(&unfinished, &completion.text),
            None => completion.text.clone(),
        };
        let judged = task.judge(&text, self.bench);
        for mended in judged.mended {
            self.bench.progress.note(&format!("{}: {mended}", task.what));
            outcome.gate_hits.push(mended);
        }
        let problem = match (completion.finish, judged.failures.first()) {
            (Finish::Length, _) => Some((String::from("the answer was cut off: it is too long"), String::new())),
            (_, Some(failure)) => Some((failure.to_string(), excerpt(self.bench, task.path(), failure))),
            (_, None) => None,
        };
        let nothing = judged
            .failures
            .iter()
            .any(|f| matches!(f, GateFailure::Empty | GateFailure::Unchanged));
        let (prefix, stop) = fences(task);
        let said = Message::new(Role::Assistant, format!("{prefix}{}{stop}", completion.text));
        let mut messages = order.messages.clone();
        messages.push(said);
        if !nothing {
            outcome.best = Some(Best {
                written: judged.written,
                text: text.clone(),
                messages: messages.clone(),
                mean_log_probability: completion.mean_log_probability,
            });
        }
        let Some((problem, lines)) = problem else {
            outcome.ending = Ending::Passed;
            return Ok(());
        };
        outcome.gate_hits.push(problem.clone());
        self.bench.progress.note(&format!("{}: {problem}", task.what));
        let unchanged = matches!(judged.failures.first(), Some(GateFailure::Unchanged));
        if !(unchanged && outcome.ending == Ending::Unchanged) {
            outcome.ending = Ending::Failed(problem.clone());
        }
        let gives_up = unchanged && self.on_unchanged == OnUnchanged::GiveUp;
        if gives_up || outcome.attempts >= self.bench.config.attempts {
            return Ok(());
        }
        messages.extend(match &judged.unfinished {
            Some(unfinished) => {
                let names: Vec<String> = unfinished.names.iter().map(|name| format!("`{name}`")).collect();
                MissingPrompt {
                    names: &names.join(", "),
                    language: task.language,
                    code: &unfinished.code,
                    fence: &task.fence,
                }
                .messages()?
            }
            None => RepairPrompt {
                problem: &problem,
                lines: &lines,
                what: &task.what,
                request: self.request,
                length: length(self.bench, self.request),
                fence: &task.fence,
            }
            .messages()?,
        });
        if !fits(self.bench, &messages, task.answer_tokens)? {
            return Ok(());
        }
        order.messages = messages;
        order.refused.push(text);
        order.unfinished = judged.unfinished;
        *is_waiting = true;
        Ok(())
    }
}

/// Returns how long a request is: a long one costs more to read again than it brings.
pub(super) fn length(bench: &Workbench<'_>, request: &str) -> RequestLength {
    const MOST_TOKENS: usize = 200;
    match bench.model.count_tokens(request) <= MOST_TOKENS {
        true => RequestLength::Short,
        false => RequestLength::Long,
    }
}

/// Tells whether a conversation leaves room for an answer, and says so where it does not.
pub(super) fn fits(bench: &Workbench<'_>, messages: &[Message], answer_tokens: usize) -> Result<bool, AgentError> {
    let needed = bench.model.count_conversation(messages)? + answer_tokens;
    let fits = needed <= bench.model.context_tokens();
    if !fits {
        let said = "no repair: the conversation would not fit the context";
        bench.progress.note(said);
    }
    Ok(fits)
}

/// An order on its way.
struct Desk<'t> {
    order: Order<'t>,
    outcome: Outcome,
    is_waiting: bool,
}

impl<'t> Desk<'t> {
    fn new(order: Order<'t>) -> Self {
        Self {
            order,
            outcome: Outcome {
                best: None,
                attempts: 0,
                gate_hits: Vec::new(),
                ending: Ending::Unchanged,
                usage: Usage::default(),
            },
            is_waiting: true,
        }
    }
}

/// Returns how an answer begins and where it ends.
fn fences(task: &Task) -> (String, String) {
    (
        format!("{}{}\n", task.fence, task.language),
        format!("\n{}", task.fence),
    )
}

/// Returns what shows a failure: the lines, and where the repository has what they miss.
fn excerpt(bench: &Workbench<'_>, path: &RepoPath, failure: &GateFailure) -> String {
    match failure {
        GateFailure::Syntax { excerpt, .. }
        | GateFailure::Arity { excerpt, .. }
        | GateFailure::Members { excerpt, .. }
        | GateFailure::Unwritten { excerpt, .. } => excerpt.clone(),
        GateFailure::Undefined { names, excerpt } => {
            let homes = homes(bench, path, names).into_iter();
            [excerpt.clone()]
                .into_iter()
                .chain(homes)
                .collect::<Vec<String>>()
                .join("\n")
        }
        GateFailure::Empty
        | GateFailure::Unchanged
        | GateFailure::Unparsed
        | GateFailure::Lost { .. }
        | GateFailure::Repeated { .. }
        | GateFailure::NothingNew
        | GateFailure::Elided { .. } => String::new(),
    }
}
