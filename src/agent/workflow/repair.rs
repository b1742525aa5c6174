use super::Run;
use crate::agent::AgentError;
use crate::agent::branch::{Branch, Step, Work};
use crate::agent::observation::{MOST_OUTPUT_TOKENS, condense, named_lines};
use crate::agent::selection::{Candidate, Pool};
use crate::agent::task::Task;
use crate::agent::writing::{Best, Ending, Order, Outcome, fits, length};
use crate::model::{Message, Sampling, Usage};
use crate::prompt::{CheckPrompt, Template};
use crate::sandbox::CheckOutcome;
use crate::text::{LineIndex, RepoPath};

/// The most lines of the candidate that are repeated because a check names them.
const MOST_LINES: usize = 6;

/// What went wrong with a candidate, and where.
struct Fault<'c> {
    check: &'c CheckOutcome,
    /// The step to do again.
    step: usize,
    task: &'c Task,
    messages: &'c [Message],
    text: &'c str,
}

impl<'a> Run<'a> {
    /// Shows the model what the checks said of the best candidate, in the conversation that wrote it, as often as the
    /// configuration allows. What comes is a candidate like others, so a repair that breaks more than it mends is left.
    /// No answer that failed comes back.
    pub(super) fn repair(&mut self, pool: &mut Pool<'a>, drawn: &mut usize) -> Result<(), AgentError> {
        let mut refused: Vec<(RepoPath, String)> = Vec::new();
        for round in 0..self.bench.config.rounds {
            if self.bench.checks.is_none() || pool.passes() || self.has_written_enough() {
                return Ok(());
            }
            let Some(best) = pool.best() else { return Ok(()) };
            let Some(fault) = fault(best) else { return Ok(()) };
            let path = fault.task.path().clone();
            if !refused.contains(&(path.clone(), fault.text.to_owned())) {
                refused.push((path.clone(), fault.text.to_owned()));
            }
            let said = format!(
                "repair {}: {} failed ({})",
                round + 1,
                fault.check.command,
                fault.check.end
            );
            self.bench.progress.note(&said);
            let messages = self.shown(best, &fault)?;
            if !fits(self.bench, &messages, fault.task.answer_tokens)? {
                return Ok(());
            }
            let width = match round {
                0 => 1,
                _ => self.width(),
            };
            let texts: Vec<String> = refused
                .iter()
                .filter(|(other, _)| *other == path)
                .map(|(_, text)| text.clone())
                .collect();
            let (task, step) = (fault.task.clone(), fault.step);
            let kept = Kept::of(best, step);
            let samplings: Vec<Sampling> = (0..width)
                .map(|at| self.sampling(if at == 0 { 0 } else { *drawn + at }))
                .collect();
            *drawn += width;
            let orders = samplings.iter().map(|sampling| Order {
                task: &task,
                messages: messages.clone(),
                sampling: *sampling,
                refused: texts.clone(),
                unfinished: None,
            });
            let outcomes = self.asking().write(orders.collect())?;
            let mut branches = Vec::new();
            for outcome in outcomes {
                if let Some(best) = &outcome.best {
                    refused.push((path.clone(), best.text.clone()));
                    branches.push(self.done_again(&kept, &task, outcome)?);
                }
            }
            pool.add(branches)?;
        }
        Ok(())
    }

    /// Returns how many answers are drawn for one repair.
    fn width(&self) -> usize {
        super::waves(self.bench, &self.request).into_iter().max().unwrap_or(1)
    }

    /// Returns the conversation with what the check said.
    fn shown(&self, candidate: &Candidate<'a>, fault: &Fault<'_>) -> Result<Vec<Message>, AgentError> {
        let count = |text: &str| self.bench.model.count_tokens(text);
        let output = condense(&fault.check.output, MOST_OUTPUT_TOKENS, &count);
        let mut messages = fault.messages.to_vec();
        messages.extend(
            CheckPrompt {
                command: &fault.check.command,
                end: &fault.check.end.to_string(),
                output: &output,
                lines: &named(candidate, fault),
                what: &fault.task.what,
                request: &self.request.text,
                length: length(self.bench, &self.request.text),
                fence: &fault.task.fence,
            }
            .messages()?,
        );
        Ok(messages)
    }

    /// Does a step again with another answer, and what came after it as it was.
    fn done_again(&self, kept: &Kept<'a>, task: &Task, outcome: Outcome) -> Result<Branch<'a>, AgentError> {
        let mut branch = kept.branch.clone();
        self.commit(&mut branch, task.clone(), outcome)?;
        for step in &kept.rest {
            match &step.work {
                Work::Deleted(place) => self.delete_on(&mut branch, place)?,
                Work::Wrote {
                    task,
                    messages,
                    text,
                    mean_log_probability,
                } => {
                    let outcome = Outcome {
                        best: Some(Best {
                            written: task.judge(text, self.bench).written,
                            text: text.clone(),
                            messages: messages.clone(),
                            mean_log_probability: *mean_log_probability,
                        }),
                        attempts: 1,
                        gate_hits: Vec::new(),
                        ending: Ending::Passed,
                        usage: Usage::default(),
                    };
                    self.commit(&mut branch, task.as_ref().clone(), outcome)?;
                }
            }
        }
        Ok(branch)
    }
}

/// What stays of a candidate when one step is done again.
struct Kept<'a> {
    branch: Branch<'a>,
    /// The steps after that one.
    rest: Vec<Step<'a>>,
}

impl<'a> Kept<'a> {
    fn of(candidate: &Candidate<'a>, step: usize) -> Self {
        let steps = &candidate.branch.steps;
        Self {
            branch: Branch {
                state: steps[step].before.clone(),
                steps: steps[..step].to_vec(),
            },
            rest: steps[step + 1..].to_vec(),
        }
    }
}

/// Returns what failed of a candidate and the step that is to blame: the one whose file the output names most often, and
/// of equal ones the last.
fn fault<'c>(candidate: &'c Candidate<'_>) -> Option<Fault<'c>> {
    let check = candidate.checks.iter().find(|check| !check.passed())?;
    let wrote = candidate.branch.steps.iter().enumerate();
    let wrote = wrote.filter_map(|(step, done)| match &done.work {
        Work::Wrote {
            task, messages, text, ..
        } => Some(Fault {
            check,
            step,
            task,
            messages,
            text,
        }),
        Work::Deleted(_) => None,
    });
    wrote.max_by_key(|fault| check.output.matches(fault.task.path().file_name()).count())
}

/// Returns the lines of the candidate's file that the output names.
fn named(candidate: &Candidate<'_>, fault: &Fault<'_>) -> String {
    let path = fault.task.path();
    let new = candidate.patch.files.iter().find(|file| file.path == *path);
    let Some(new) = new.and_then(|file| file.new.as_ref()) else {
        return String::new();
    };
    let index = LineIndex::new(&new.text);
    let lines = named_lines(&fault.check.output, path.file_name());
    let shown = lines
        .into_iter()
        .filter(|line| *line < new.text.lines().count())
        .take(MOST_LINES)
        .map(|line| new.text[index.line_range(line).as_range()].trim_end().to_owned());
    shown.collect::<Vec<String>>().join("\n")
}
