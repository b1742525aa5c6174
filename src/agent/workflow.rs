mod create;
mod delete;
mod examples;
mod region;
mod repair;

use super::branch::{Branch, State, Step, Work};
use super::locate::{Located, locate};
use super::observation::failing_share;
use super::outline::outline;
use super::proposal::{Action, ModelStamp, Proposal};
use super::selection::{Candidate, MOSTLY_RIGHT, Pool};
use super::target::{Place, Target};
use super::task::{Slot, Task};
use super::usage::words;
use super::writing::{Asking, Ending, OnUnchanged, Order, Outcome, Rider, Until};
use super::{AgentError, Candidates, Checks, JudgeBy, Mode, Request, Workbench, tool_loop};
use crate::model::{Preamble, Sampling, Session, Usage};
use crate::prompt::{Fitted, TokenBudget, Wants};
use examples::Wanted;

/// So many places that a request names are all meant to change; of more, some are likely only named.
const MOST_MEANT: usize = 2;
/// Nobody who leaves the number of candidates to skiff waits for more of them, or for repairs, once so many tokens are
/// written.
const ENOUGH_TOKENS: u64 = 1500;
/// Where they do wait, for no more candidates than this, so many at a time.
const MOST_CANDIDATES: usize = 32;
const WAVE: usize = 8;
/// The temperature of candidates after the first: enough for them to differ, little enough for most to be code that runs.
const CANDIDATE_TEMPERATURE: f32 = 0.7;

/// Turns a request into a proposal: locate → rewrite → gate → check → repair, with as many candidates as are asked for.
///
/// # Errors
/// [`AgentError`] for what stops the run; a place that does not pass its gates is part of the proposal.
pub fn propose(request: &Request, bench: &Workbench<'_>) -> Result<Proposal, AgentError> {
    if bench.config.map_tokens == 0 {
        return propose_with(request, bench);
    }
    let model = Preamble::new(bench.model, outline(bench.index, bench.model, bench.config.map_tokens)?);
    propose_with(
        request,
        &Workbench {
            model: &model,
            ..*bench
        },
    )
}

fn propose_with(request: &Request, bench: &Workbench<'_>) -> Result<Proposal, AgentError> {
    if let Mode::Agent { steps } = bench.config.mode {
        return tool_loop::propose(request, bench, steps);
    }
    let mut run = Run::new(request, bench)?;
    let located = locate(request, bench, run.session.as_mut(), &mut run.usage)?;
    if !located.alternatives.is_empty() || located.targets.len() > MOST_MEANT {
        run.on_unchanged = OnUnchanged::GiveUp;
    }
    run.wanted = run.stated_examples(&located)?;
    let mut pool = Pool::new(bench, &request.failure);
    let mut drawn = 0;
    for most in waves(bench, request) {
        let width = run.width_of(most, drawn, &located)?;
        let is_enough = match bench.config.candidates {
            // Where something has failed before, nobody is believed without a proof.
            Candidates::Auto if request.failure.is_empty() => pool.works(),
            Candidates::Auto | Candidates::Number(_) => pool.proves(),
        };
        if drawn > 0 && (is_enough || run.has_written_enough()) {
            break;
        }
        run.draw_wave(&located, width, &mut pool, &mut drawn)?;
    }
    run.repair(&mut pool, &mut drawn)?;
    while run.is_worth_another_wave(&pool, drawn) {
        run.draw_wave(&located, WAVE, &mut pool, &mut drawn)?;
    }
    let (chosen, candidates) = pool.choose().ok_or(AgentError::NothingFound)?;
    let Candidate {
        branch, patch, checks, ..
    } = chosen;
    Ok(Proposal {
        request: request.text.clone(),
        model: ModelStamp {
            name: bench.model.name().to_owned(),
            sha256: bench.model.digest().to_owned(),
        },
        engine: bench.model.engine(),
        sampling: bench.config.sampling,
        regions: branch.state.regions,
        candidates,
        usage: run.usage,
        energy_mj: None,
        checks,
        steps: Vec::new(),
        patch,
    })
}

/// Returns how many candidates are drawn at a time: one alone where something can say that it is good enough, and where
/// nothing has failed before, so that it may well be.
fn waves(bench: &Workbench<'_>, request: &Request) -> Vec<usize> {
    const AUTO: [usize; 2] = [1, 3];
    const AFTER_A_FAILURE: [usize; 2] = [4, 4];
    match (bench.config.candidates, bench.checks) {
        (Candidates::Auto, _) if !request.failure.is_empty() => AFTER_A_FAILURE.to_vec(),
        (Candidates::Auto, _) => AUTO.to_vec(),
        (Candidates::Number(0 | 1), _) => vec![1],
        (Candidates::Number(most), Some(_)) => vec![1, most - 1],
        (Candidates::Number(most), None) => vec![most],
    }
}

fn verb(target: &Target) -> &'static str {
    match target {
        Target::Rewrite(_) => "rewriting",
        Target::Insert(_) => "adding beside",
        Target::Create(_) => "writing",
        Target::Delete(_) => "deleting",
    }
}

/// How a candidate is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    sampling: Sampling,
    wants: Wants,
}

/// One run: what it has and what it has spent.
pub(super) struct Run<'a> {
    /// What is asked for now: the whole request, or the part of it that an action carries out.
    pub(super) request: Request,
    pub(super) bench: &'a Workbench<'a>,
    pub(super) session: Box<dyn Session + 'a>,
    pub(super) usage: Usage,
    on_unchanged: OnUnchanged,
    /// What is asked beside the first candidate.
    rider: Option<Rider>,
    /// What came of it.
    ridden: Option<String>,
    /// The examples that the first wave of candidates is waited for with.
    wanted: Option<Wanted>,
}

impl<'a> Run<'a> {
    /// Opens a session for a request.
    pub(super) fn new(request: &Request, bench: &'a Workbench<'a>) -> Result<Self, AgentError> {
        Ok(Self {
            request: request.clone(),
            bench,
            session: bench.model.session()?,
            usage: Usage::default(),
            on_unchanged: OnUnchanged::Repair,
            rider: None,
            ridden: None,
            wanted: None,
        })
    }

    /// Draws candidates into the pool.
    fn draw_wave(
        &mut self,
        located: &Located,
        width: usize,
        pool: &mut Pool<'a>,
        drawn: &mut usize,
    ) -> Result<(), AgentError> {
        let draws: Vec<Draw> = (*drawn..*drawn + width).map(|at| self.draw(at)).collect();
        *drawn += width;
        let branches = self.carry_out(located, &draws)?;
        if let Some(wanted) = self.wanted.take() {
            pool.trial = self.trial(wanted)?;
        }
        pool.add(branches)
    }

    /// Tells whether to go on where repairs have not helped: answers are short, and what refuses them costs nothing to
    /// ask again.
    fn is_worth_another_wave(&self, pool: &Pool<'_>, drawn: usize) -> bool {
        let is_cheap = matches!(self.bench.checks.map(Checks::judge_by), Some(JudgeBy::Examples));
        let is_auto = self.bench.config.candidates == Candidates::Auto;
        is_auto && is_cheap && !pool.passes() && drawn + WAVE <= MOST_CANDIDATES && !self.has_written_enough()
    }

    /// Returns how many of the next candidates are drawn: of long answers fewer, where nobody says how many.
    fn width_of(&self, most: usize, drawn: usize, located: &Located) -> Result<usize, AgentError> {
        if self.bench.config.candidates != Candidates::Auto || self.request.failure.is_empty() {
            return Ok(most);
        }
        let expected = match drawn {
            0 => self.tokens_of(located)?,
            drawn => self.usage.completion_tokens / drawn as u64,
        };
        let affordable = usize::try_from(ENOUGH_TOKENS / expected.max(1)).unwrap_or(most);
        Ok(affordable.clamp(1, most))
    }

    /// Returns how long the code is that is to be rewritten, in tokens.
    fn tokens_of(&self, located: &Located) -> Result<u64, AgentError> {
        let mut state = State::of(self.bench.snapshot);
        let mut tokens = 0;
        for target in &located.targets {
            if let Target::Rewrite(place) = target {
                let (_, region) = state.region(place, self.bench.index)?;
                tokens += self.bench.model.count_tokens(&region.code) as u64;
            }
        }
        Ok(tokens)
    }

    /// Tells whether the run has cost as much as it may where nobody says how much.
    fn has_written_enough(&self) -> bool {
        self.bench.config.candidates == Candidates::Auto && self.usage.completion_tokens >= ENOUGH_TOKENS
    }

    /// Returns how candidate `at` is drawn: the first as configured, the others at random.
    fn sampling(&self, at: usize) -> Sampling {
        let own = self.bench.config.sampling;
        match at {
            0 => own,
            at => Sampling {
                temperature: own.temperature.max(CANDIDATE_TEMPERATURE),
                seed: own.seed.wrapping_add(at as u32),
                ..own
            },
        }
    }

    /// Returns how candidate `at` is made: where the code as it stands has failed, the first mends it. Of the others every
    /// second one begins anew, or all where most of the tests failed; the first of those without chance too.
    pub(super) fn draw(&self, at: usize) -> Draw {
        let failure = &self.request.failure;
        let is_mostly_right = failing_share(failure).is_some_and(|share| share <= MOSTLY_RIGHT);
        let (sampling, wants) = match (at, is_mostly_right) {
            (at, _) if failure.is_empty() => (at, Wants::Code),
            (0, _) => (0, Wants::Code),
            (at, true) if at % 2 == 1 => (at, Wants::Code),
            (at, true) => (at / 2 - 1, Wants::CodeAnew),
            (at, false) => (at - 1, Wants::CodeAnew),
        };
        Draw {
            sampling: self.sampling(sampling),
            wants,
        }
    }

    /// Carries the request out as often as there are draws, side by side.
    fn carry_out(&mut self, located: &Located, draws: &[Draw]) -> Result<Vec<Branch<'a>>, AgentError> {
        let Located { targets, alternatives } = located;
        let mut branches = vec![Branch::new(self.bench.snapshot); draws.len()];
        for (i, target) in targets.iter().enumerate() {
            let others: Vec<String> = targets
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != i)
                .map(|(_, other)| format!("`{}`", other.name(self.bench.index)))
                .collect();
            let mut unchanged: Vec<usize> = (0..branches.len()).collect();
            self.work(&mut branches, &mut unchanged, draws, target, &others.join(", "))?;
            // A place that was only supposed, and needs no change, was the wrong one.
            for place in alternatives {
                if unchanged.is_empty() {
                    break;
                }
                let target = Target::Rewrite(place.clone());
                self.work(&mut branches, &mut unchanged, draws, &target, "")?;
            }
        }
        Ok(branches)
    }

    /// Does what is to be done at a place on some of the branches; keeps in `which` those on which it stayed as it is.
    pub(super) fn work(
        &mut self,
        branches: &mut [Branch<'a>],
        which: &mut Vec<usize>,
        draws: &[Draw],
        target: &Target,
        others: &str,
    ) -> Result<(), AgentError> {
        let index = self.bench.index;
        let line = format!("{} {} in {}", verb(target), target.name(index), target.path(index));
        self.bench.progress.note(&line);
        type Write<'w, 'a> = &'w dyn Fn(&mut State<'a>, Wants) -> Result<Task, AgentError>;
        let mut each = |write: Write<'_, 'a>| -> Result<Vec<Task>, AgentError> {
            let wanted = which.iter().map(|at| (*at, draws[*at].wants));
            wanted
                .map(|(at, wants)| write(&mut branches[at].state, wants))
                .collect()
        };
        let mut tasks = match target {
            Target::Rewrite(place) => each(&|state, wants| self.rewrite(state, place, others, wants))?,
            Target::Insert(place) => each(&|state, _| self.insert(state, place))?,
            Target::Create(path) => each(&|_, _| self.create(path))?,
            Target::Delete(place) => {
                for at in which.drain(..) {
                    self.delete_on(&mut branches[at], place)?;
                }
                return Ok(());
            }
        };
        for (task, at) in tasks.iter_mut().zip(which.iter()) {
            task.unsettled = branches[*at].state.words(task.path());
            if !others.is_empty() {
                // What the request names may be what another place is about to bring.
                let named = words(&self.request.text).chain(words(others));
                task.unsettled.extend(named.map(str::to_owned));
            }
        }
        let orders = tasks.iter().zip(which.iter()).map(|(task, at)| Order {
            task,
            messages: task.fitted.messages.clone(),
            sampling: draws[*at].sampling,
            // What a check has refused must not come back.
            refused: match self.request.failure.is_empty() {
                true => Vec::new(),
                false => vec![task.copy.clone()],
            },
            unfinished: None,
        });
        let orders = orders.collect();
        let mut asking = self.asking();
        let outcomes = asking.write(orders)?;
        self.ridden = asking.ridden.take().or(self.ridden.take());
        let mut unchanged = Vec::new();
        for ((at, task), outcome) in which.drain(..).zip(tasks).zip(outcomes) {
            if outcome.ending == Ending::Unchanged {
                unchanged.push(at);
            }
            self.commit(&mut branches[at], task, outcome)?;
        }
        *which = unchanged;
        Ok(())
    }

    fn asking(&mut self) -> Asking<'_, 'a> {
        Asking {
            bench: self.bench,
            session: self.session.as_mut(),
            usage: &mut self.usage,
            request: &self.request.text,
            on_unchanged: self.on_unchanged,
            until: Until::AnyPasses,
            rider: self.rider.take(),
            ridden: None,
        }
    }

    /// Takes what came of a task into a branch.
    fn commit(&self, branch: &mut Branch<'a>, task: Task, outcome: Outcome) -> Result<(), AgentError> {
        let before = branch.state.clone();
        let state = &mut branch.state;
        match &task.slot {
            slot @ Slot::Region { .. } => self.commit_region(state, slot, &outcome)?,
            Slot::After { place, .. } => {
                region::record(state, self.bench.index, place, Action::InsertAfter, &outcome)?;
            }
            Slot::File(path) => create::record(state, path, &outcome)?,
        }
        if let Some(best) = outcome.best {
            branch.steps.push(Step {
                before,
                work: Work::Wrote {
                    task: Box::new(task),
                    messages: best.messages,
                    text: best.text,
                    mean_log_probability: best.mean_log_probability,
                },
            });
        }
        Ok(())
    }

    pub(super) fn delete_on(&self, branch: &mut Branch<'a>, place: &Place) -> Result<(), AgentError> {
        let before = branch.state.clone();
        self.delete(&mut branch.state, place)?;
        branch.steps.push(Step {
            before,
            work: Work::Deleted(place.clone()),
        });
        Ok(())
    }

    fn answer_tokens(&self, by_size: usize) -> usize {
        self.bench.config.answer_tokens.unwrap_or(by_size)
    }

    fn budget(&self, answer_tokens: usize) -> TokenBudget {
        TokenBudget {
            context_tokens: self.bench.model.context_tokens(),
            answer_tokens,
            fragment_tokens: self.bench.config.fragment_tokens,
        }
    }

    /// Says what did not fit a prompt.
    fn say_left_out(&self, fitted: &Fitted) {
        for title in &fitted.left_out {
            let said = format!("left out of the prompt, which would be too long: {title}");
            self.bench.progress.note(&said);
        }
    }
}
