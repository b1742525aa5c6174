use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use llama_cpp_2::token::LlamaToken;

use super::{
    super::{Completion, CompletionRequest, ModelError},
    LlamaCpp,
    cache::{BATCH_TOKENS, Feed, KvCache, Restored, Truncated},
    cost::VerifyCurve,
    drafting::{Draft, DraftPlace, Drafting},
    pace::{Pace, STEP_TOKENS},
    sequence::{Flow, Sequence},
};
use crate::progress::{Phase, Progress};

/// The sequence that a conversation lives in; the others are forks of it.
pub(super) const TRUNK: usize = 0;
/// A state on disk is read, and one is written, where it saves reading this many tokens.
pub(super) const WORTH_KEEPING_TOKENS: usize = 256;
/// A request waits for a lane where that saves reading this many tokens.
const WORTH_WAITING_TOKENS: usize = 16;

/// Writes completions, as many at a time as there are sequences and cells for.
///
/// Each pass through the model takes the next token of every sequence that writes, with its draft, and fills up with
/// tokens of those that still read their prompts. A sequence that ends makes room for the next request.
pub(super) struct Scheduler<'s, 'm, 'r> {
    owner: &'m LlamaCpp,
    cache: &'s mut KvCache<'m>,
    pace: &'s mut Pace,
    drafting: &'s mut Drafting<'m>,
    progress: &'r dyn Progress,
    lanes: Vec<Lane<'m, 'r>>,
    outcomes: Vec<(usize, Outcome)>,
    /// Until when time was counted.
    counted: Instant,
    unclaimed: Unclaimed,
}

/// What was read for all, until the first request takes it upon itself: what a run costs is the sum over its requests.
#[derive(Default)]
struct Unclaimed {
    tokens: usize,
    time: Duration,
}

/// A request as it waits.
pub(super) struct Work<'r> {
    pub(super) number: usize,
    pub(super) request: &'r CompletionRequest<'r>,
    pub(super) prompt: Vec<LlamaToken>,
}

/// How a request ended.
pub(super) type Outcome = Result<Completion, ModelError>;

/// A request as it is served.
struct Lane<'m, 'r> {
    number: usize,
    slot: usize,
    sequence: Sequence<'m, 'r>,
    /// Cells that it may come to need beyond those that it shares.
    cells: usize,
}

/// What one pass reads, and who waits for which of its rows.
#[derive(Default)]
struct Pass {
    feeds: Vec<Feed>,
    awaited: Vec<Awaited>,
    rows: usize,
    /// Rows of lanes that read their prompts.
    reads: usize,
}

struct Awaited {
    lane: usize,
    /// The row of the last token that is no draft.
    row: usize,
    draft: Draft,
}

impl<'s, 'm, 'r> Scheduler<'s, 'm, 'r> {
    pub(super) fn new(
        owner: &'m LlamaCpp,
        cache: &'s mut KvCache<'m>,
        pace: &'s mut Pace,
        drafting: &'s mut Drafting<'m>,
        progress: &'r dyn Progress,
    ) -> Self {
        // What a run that was stopped has left there takes cells.
        for fork in TRUNK + 1..cache.sequences() {
            cache.truncate(fork, 0);
        }
        Self {
            owner,
            cache,
            pace,
            drafting,
            progress,
            lanes: Vec::new(),
            outcomes: Vec::new(),
            counted: Instant::now(),
            unclaimed: Unclaimed::default(),
        }
    }

    /// Serves one request in the trunk, which keeps what was read for it.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] and what the engine and the request's own sequence report.
    pub(super) fn run_one(mut self, work: Work<'r>) -> Outcome {
        let room = self.cache.capacity_tokens();
        self.recall(&work.prompt);
        self.admit(work, TRUNK, room, 0)?;
        match self.run(VecDeque::new(), 0)?.pop() {
            Some((_, outcome)) => outcome,
            None => Err(ModelError::Decode("the request came to no end".to_owned())),
        }
    }

    /// Serves many requests in forks of the trunk, which comes to hold what their prompts begin with.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] and what the engine reports; what goes wrong with one request is its own outcome.
    pub(super) fn run_many(mut self, works: Vec<Work<'r>>) -> Result<Vec<(usize, Outcome)>, ModelError> {
        let shared = shared_by_all(&works);
        let trunk = works.first().map_or(Vec::new(), |work| work.prompt[..shared].to_vec());
        self.read_trunk(&trunk)?;
        self.run(works.into(), shared)
    }

    /// Makes the trunk hold exactly these tokens.
    fn read_trunk(&mut self, tokens: &[LlamaToken]) -> Result<(), ModelError> {
        self.recall(tokens);
        let kept = shared_prefix(self.cache.tokens(TRUNK), tokens);
        self.cache.truncate(TRUNK, kept);
        let held = self.cache.tokens(TRUNK).len();
        let shown = Shown::prefill(self.progress, tokens.len() - held);
        while self.cache.tokens(TRUNK).len() < tokens.len() {
            self.heed_cancel()?;
            let rest = &tokens[self.cache.tokens(TRUNK).len()..];
            let chunk = rest[..self.pace.chunk(rest.len())].to_vec();
            let reads = chunk.len();
            let feed = Feed {
                sequence: TRUNK,
                logits_from: reads,
                tokens: chunk,
            };
            self.evaluate(&[feed], reads)?;
            shown.advance(self.cache.tokens(TRUNK).len() - held);
        }
        self.unclaimed = Unclaimed {
            tokens: tokens.len() - held,
            time: self.lap(),
        };
        self.keep(held);
        Ok(())
    }

    /// Brings the state of an earlier process back, where one shares more with the prompt than the trunk does.
    fn recall(&mut self, prompt: &[LlamaToken]) {
        let worth = shared_prefix(self.cache.tokens(TRUNK), prompt) + WORTH_KEEPING_TOKENS;
        let Some(store) = self.owner.prefixes().filter(|_| worth <= prompt.len()) else {
            return;
        };
        let Some(stored) = store.best(&numbers(prompt)).filter(|stored| stored.shared >= worth) else {
            return;
        };
        let Some(path) = store.checked_file(&stored) else {
            return;
        };
        let restored = self.cache.restore(TRUNK, &path);
        if restored == Restored::No || numbers(self.cache.tokens(TRUNK)) != stored.tokens {
            self.cache.truncate(TRUNK, 0);
            store.discard(&stored);
        }
    }

    /// Keeps the trunk's state for later processes, if much of it was read beyond the first `held` tokens.
    fn keep(&mut self, held: usize) {
        let tokens = self.cache.tokens(TRUNK);
        let Some(store) = self
            .owner
            .prefixes()
            .filter(|_| tokens.len() >= held + WORTH_KEEPING_TOKENS)
        else {
            return;
        };
        if let Err(error) = store.save(&numbers(tokens), |path| self.cache.save(TRUNK, path)) {
            self.progress
                .note(&format!("what was read is not kept for the next run: {error}"));
        }
    }

    /// Runs passes until every lane and everything that waits is done.
    fn run(mut self, mut waiting: VecDeque<Work<'r>>, shared: usize) -> Result<Vec<(usize, Outcome)>, ModelError> {
        let max_tokens = |lane: &Lane<'_, '_>| lane.sequence.max_tokens();
        let asked = waiting.iter().map(|work| work.request.max_tokens).sum::<usize>()
            + self.lanes.iter().map(max_tokens).sum::<usize>();
        let missing = self.lanes.iter().map(|lane| self.missing(lane)).sum::<usize>();
        let mut shown = Shown::prefill(self.progress, missing);
        let mut written = 0;
        let mut trunk_held = self.trunk_is_reading().then(|| self.cache.tokens(TRUNK).len());
        loop {
            self.admit_all(&mut waiting, shared)?;
            if self.lanes.is_empty() {
                return Ok(self.outcomes);
            }
            self.heed_cancel()?;
            self.measure(shared)?;
            let pass = self.plan();
            self.evaluate(&pass.feeds, pass.reads)?;
            self.share_time(&pass);
            written += self.absorb(pass.awaited);
            if let Some(held) = trunk_held.take_if(|_| !self.trunk_is_reading()) {
                self.keep(held);
            }
            if self.lanes.iter().all(|lane| lane.sequence.is_reading()) {
                let still_missing = self.lanes.iter().map(|lane| self.missing(lane)).sum::<usize>();
                shown.advance(missing.saturating_sub(still_missing));
            } else {
                shown.turn_to_decode(asked);
                let in_work = self
                    .lanes
                    .iter()
                    .map(|lane| lane.sequence.written_tokens())
                    .sum::<usize>();
                shown.advance(written + in_work);
            }
        }
    }

    fn trunk_is_reading(&self) -> bool {
        self.lanes
            .iter()
            .any(|lane| lane.slot == TRUNK && lane.sequence.is_reading())
    }

    fn heed_cancel(&self) -> Result<(), ModelError> {
        if self.progress.cancelled() {
            return Err(ModelError::Cancelled);
        }
        Ok(())
    }

    /// Measures what passes cost before the first one that would have a draft; `shared` tokens are in every lane.
    fn measure(&mut self, shared: usize) -> Result<(), ModelError> {
        let wants = |lane: &&Lane<'_, '_>| !lane.sequence.is_reading() && self.drafting.wants_curve(&lane.sequence);
        let Some(slot) = self.lanes.iter().find(wants).map(|lane| lane.slot) else {
            return Ok(());
        };
        let own = |sequence| self.cache.tokens(sequence).len().saturating_sub(shared);
        let used = shared + (0..self.cache.sequences()).map(own).sum::<usize>();
        if used + VerifyCurve::CELLS > self.cache.capacity_tokens() {
            return Ok(());
        }
        self.drafting.measure(self.cache, slot, self.progress)
    }

    fn missing(&self, lane: &Lane<'_, '_>) -> usize {
        let held = shared_prefix(self.cache.tokens(lane.slot), lane.sequence.wanted());
        lane.sequence.wanted().len() - held
    }

    /// Admits what waits, as far as sequences and cells go. Who begins like a lane that still reads waits for it.
    fn admit_all(&mut self, waiting: &mut VecDeque<Work<'r>>, shared: usize) -> Result<(), ModelError> {
        let mut still_waiting = VecDeque::new();
        while let Some(work) = waiting.pop_front() {
            if self.is_about_to_be_read(&work.prompt) {
                still_waiting.push_back(work);
                continue;
            }
            let taken = shared + self.lanes.iter().map(|lane| lane.cells).sum::<usize>();
            let free = self.cache.capacity_tokens().saturating_sub(taken);
            let own = work.prompt.len() - shared;
            let alone = self.lanes.is_empty();
            // Alone, a request may fill the context and be cut off there.
            let fits = own + work.request.max_tokens <= free || (alone && own < free);
            let slot =
                (TRUNK + 1..self.cache.sequences()).find(|slot| self.lanes.iter().all(|lane| lane.slot != *slot));
            match slot {
                Some(slot) if fits => {
                    let number = work.number;
                    let room = shared + free.min(own + work.request.max_tokens);
                    let (parent, held) = self.longest_held(&work.prompt);
                    self.cache.fork(parent, slot, held)?;
                    if let Err(error) = self.admit(work, slot, room, shared) {
                        self.outcomes.push((number, Err(error)));
                    }
                }
                _ if alone => {
                    let error = ModelError::ContextFull {
                        prompt_tokens: work.prompt.len(),
                        context_tokens: self.cache.capacity_tokens(),
                    };
                    self.outcomes.push((work.number, Err(error)));
                }
                _ => {
                    waiting.push_front(work);
                    break;
                }
            }
        }
        // They keep their turn.
        while let Some(work) = still_waiting.pop_back() {
            waiting.push_front(work);
        }
        Ok(())
    }

    /// Tells whether a lane reads more of a prompt than any sequence holds.
    fn is_about_to_be_read(&self, prompt: &[LlamaToken]) -> bool {
        let (_, held) = self.longest_held(prompt);
        let mut readers = self.lanes.iter().filter(|lane| lane.sequence.is_reading());
        readers.any(|lane| shared_prefix(lane.sequence.wanted(), prompt) >= held + WORTH_WAITING_TOKENS)
    }

    /// Returns the sequence that holds most of what a prompt begins with, and how much of it; of equal ones the first.
    fn longest_held(&self, prompt: &[LlamaToken]) -> (usize, usize) {
        let lanes = self.lanes.iter().map(|lane| lane.slot);
        let held = std::iter::once(TRUNK)
            .chain(lanes)
            .map(|slot| (slot, shared_prefix(self.cache.tokens(slot), prompt)));
        held.rev().max_by_key(|(_, held)| *held).unwrap_or((TRUNK, 0))
    }

    /// Begins a completion in a sequence, of whose cells others count the first `shared`.
    fn admit(&mut self, work: Work<'r>, slot: usize, room_tokens: usize, shared: usize) -> Result<(), ModelError> {
        let kept = shared_prefix(self.cache.tokens(slot), &work.prompt);
        self.cache.truncate(slot, kept);
        let held = self.cache.tokens(slot).len();
        let Unclaimed { tokens, time } = std::mem::take(&mut self.unclaimed);
        let cached = held.saturating_sub(tokens);
        let mut sequence = Sequence::new(self.owner, work.request, work.prompt, cached, room_tokens)?;
        sequence.spend(time);
        self.lanes.push(Lane {
            number: work.number,
            slot,
            sequence,
            // What is shared with a lane beside it counts as its own: that lane may end first.
            cells: room_tokens.saturating_sub(shared),
        });
        Ok(())
    }

    /// Chooses what the next pass reads: first what the lanes that write need, then as much of the prompts as the pace
    /// allows.
    fn plan(&mut self) -> Pass {
        let mut pass = Pass::default();
        let (readers, writers): (Vec<usize>, Vec<usize>) =
            (0..self.lanes.len()).partition(|lane| self.lanes[*lane].sequence.is_reading());
        for (done, &lane) in writers.iter().enumerate() {
            let others_to_come = writers.len() - done - 1;
            self.plan_lane(&mut pass, lane, BATCH_TOKENS - others_to_come, writers.len());
        }
        let end = BATCH_TOKENS.min(pass.rows + self.pace.tokens());
        for lane in readers {
            let before = pass.rows;
            self.plan_lane(&mut pass, lane, end, 0);
            pass.reads += pass.rows - before;
        }
        pass
    }

    /// Adds what a lane misses, and a draft where it misses no more; the pass has `end` rows at most then.
    fn plan_lane(&mut self, pass: &mut Pass, number: usize, end: usize, writers: usize) {
        let lane = &self.lanes[number];
        let kept = shared_prefix(self.cache.tokens(lane.slot), lane.sequence.wanted());
        if self.cache.truncate(lane.slot, kept) == Truncated::Emptied {
            self.drafting.give_up();
        }
        let missing = &lane.sequence.wanted()[self.cache.tokens(lane.slot).len()..];
        let chunk = self.pace.chunk(missing.len()).min(end.saturating_sub(pass.rows));
        if chunk == 0 {
            return;
        }
        let mut tokens = missing[..chunk].to_vec();
        let mut logits_from = chunk;
        if chunk == missing.len() {
            let row = pass.rows + chunk - 1;
            let others = writers.saturating_sub(1);
            // A draft does not change how the prompt before it is computed.
            let end = if lane.sequence.is_reading() && chunk < STEP_TOKENS {
                end.min(pass.rows + STEP_TOKENS - 1)
            } else {
                end
            };
            let place = DraftPlace {
                slot: lane.slot,
                rows: pass.rows.max(others) + chunk,
                others,
                limit: end - row - 1,
            };
            let draft = self.drafting.draft(&lane.sequence, place, self.progress);
            logits_from = chunk - 1;
            tokens.extend_from_slice(&draft.tokens);
            pass.awaited.push(Awaited {
                lane: number,
                row,
                draft,
            });
        }
        pass.rows += tokens.len();
        pass.feeds.push(Feed {
            sequence: lane.slot,
            tokens,
            logits_from,
        });
    }

    /// Lets the lanes choose; returns the number of tokens that those which ended have written.
    fn absorb(&mut self, awaited: Vec<Awaited>) -> usize {
        let mut ended = Vec::new();
        let mut written = 0;
        for Awaited { lane, row, draft } in awaited {
            let sequence = &mut self.lanes[lane].sequence;
            let outcome = match sequence.absorb(self.cache, row, &draft, self.drafting.acceptance()) {
                Ok(Flow::On) => continue,
                Ok(Flow::Done(completion)) => Ok(completion),
                Err(error) => Err(error),
            };
            written += sequence.written_tokens();
            ended.push((lane, outcome));
        }
        // From the last, so that the numbers of the others stay.
        ended.sort_by_key(|(lane, _)| std::cmp::Reverse(*lane));
        for (lane, outcome) in ended {
            let lane = self.lanes.remove(lane);
            if lane.slot != TRUNK {
                self.cache.truncate(lane.slot, 0);
            }
            self.outcomes.push((lane.number, outcome));
        }
        written
    }

    /// Counts the time since the last pass for those that this one was for, by its rows.
    fn share_time(&mut self, pass: &Pass) {
        self.cache.synchronize();
        let time = self.lap();
        for feed in &pass.feeds {
            let share = feed.tokens.len() as f64 / pass.rows.max(1) as f64;
            if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.slot == feed.sequence) {
                lane.sequence.spend(time.mul_f64(share));
            }
        }
    }

    /// Returns the time since it was last asked for.
    fn lap(&mut self) -> Duration {
        let last = std::mem::replace(&mut self.counted, Instant::now());
        self.counted.duration_since(last)
    }

    /// Runs a pass; its time teaches the pace where `reads` of its rows are prompt.
    fn evaluate(&mut self, feeds: &[Feed], reads: usize) -> Result<(), ModelError> {
        let started = Instant::now();
        self.cache.evaluate(feeds)?;
        if reads > 1 {
            // Devices compute behind our back; without this the time of a chunk says nothing.
            self.cache.synchronize();
            self.pace.measured(reads, started.elapsed());
        }
        Ok(())
    }
}

/// Returns how many tokens of `wanted` need not be read: never all, since the logits of the last are wanted.
pub(super) fn shared_prefix(held: &[LlamaToken], wanted: &[LlamaToken]) -> usize {
    let shared = held.iter().zip(wanted).take_while(|(one, other)| one == other).count();
    shared.min(wanted.len().saturating_sub(1))
}

fn numbers(tokens: &[LlamaToken]) -> Vec<i32> {
    tokens.iter().map(|token| token.0).collect()
}

/// Returns how many tokens all prompts begin with; each has one more at least.
fn shared_by_all(works: &[Work<'_>]) -> usize {
    let Some((first, others)) = works.split_first() else {
        return 0;
    };
    let own = first.prompt.len().saturating_sub(1);
    others
        .iter()
        .map(|work| shared_prefix(&first.prompt, &work.prompt))
        .fold(own, usize::min)
}

/// A phase that progress was told of; it ends with this value.
struct Shown<'r> {
    progress: &'r dyn Progress,
    phase: Phase,
}

impl<'r> Shown<'r> {
    fn prefill(progress: &'r dyn Progress, tokens: usize) -> Self {
        progress.begin(Phase::Prefill, tokens as u64);
        Self {
            progress,
            phase: Phase::Prefill,
        }
    }

    fn turn_to_decode(&mut self, tokens: usize) {
        if self.phase == Phase::Prefill {
            self.progress.end(Phase::Prefill);
            self.progress.begin(Phase::Decode, tokens as u64);
            self.phase = Phase::Decode;
        }
    }

    fn advance(&self, tokens: usize) {
        self.progress.advance(self.phase, tokens as u64);
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.progress.end(self.phase);
    }
}
