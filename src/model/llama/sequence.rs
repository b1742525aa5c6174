use std::time::Duration;

use llama_cpp_2::token::LlamaToken;

use super::{
    super::{
        Completion, CompletionRequest, Constraint, Finish, Likelihood, ModelError, Usage,
        draft::{Acceptance, CopyDrafter, DraftPlan, Foreseen, Gain, Grounds},
    },
    LlamaCpp,
    cache::KvCache,
    drafting::{Draft, Drafter},
    sampler::{Chooser, Margin, log_probability},
    text::{find_stop, finish_text},
};

/// How often decoding turns back from a completion that is excluded.
const MAX_REWINDS: usize = 8;
/// How often it turns back from a piece that is refused.
const MAX_REFUSALS: usize = 4;
/// A draft token is looked for in this many bytes of text.
const BYTES_PER_DRAFT_TOKEN: usize = 8;

/// One completion as it is written: its prompt, the tokens chosen so far, and what is expected next.
///
/// It never touches the cache. It says which tokens it wants read ([`Sequence::wanted`], [`Sequence::draft`]) and takes the
/// logits of a pass in ([`Sequence::absorb`]).
pub(super) struct Sequence<'m, 'r> {
    owner: &'m LlamaCpp,
    chooser: Chooser<'m>,
    request: &'r CompletionRequest<'r>,
    /// The prompt and what was chosen after it.
    wanted: Vec<LlamaToken>,
    prompt_tokens: usize,
    /// The most that prompt and completion may have together.
    room_tokens: usize,
    steps: Vec<Step>,
    bytes: Vec<u8>,
    /// Tokens that must not be chosen at a step again.
    bans: Vec<(usize, LlamaToken)>,
    rewinds: usize,
    refusals: usize,
    drafter: Option<CopyDrafter>,
    usage: Usage,
    phase: Phase,
    read_for: Duration,
    written_for: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Reading,
    Writing,
}

struct Step {
    token: LlamaToken,
    /// How far ahead of the second likeliest token this one was, in logits.
    margin: f32,
    /// The natural logarithm of its probability; zero where nobody asks.
    log_probability: f32,
    /// Where its text begins.
    start: usize,
}

struct End {
    finish: Finish,
    text_bytes: usize,
}

/// What a chosen token led to.
enum Taken {
    /// It stays, and more is to be chosen.
    On,
    /// It was taken back, with some before it.
    TurnedBack,
    /// It was the last.
    End(End),
}

/// What a pass led to.
pub(super) enum Flow {
    /// More is to be read.
    On,
    /// The completion is whole.
    Done(Completion),
}

impl<'m, 'r> Sequence<'m, 'r> {
    /// Begins a completion after `prompt`, of which the cache held the first `cached` tokens before; prompt and completion
    /// may have `room_tokens` together.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when the request's grammar is not accepted.
    pub(super) fn new(
        owner: &'m LlamaCpp,
        request: &'r CompletionRequest<'r>,
        prompt: Vec<LlamaToken>,
        cached: usize,
        room_tokens: usize,
    ) -> Result<Self, ModelError> {
        let chooser = Chooser::new(&owner.model, &owner.control, &request.sampling, &request.constraint)?;
        Ok(Self {
            drafter: owner.can_draft().then(|| drafter(request)).flatten(),
            owner,
            chooser,
            request,
            prompt_tokens: prompt.len(),
            room_tokens,
            usage: Usage {
                prompt_tokens: prompt.len() as u64,
                cached_tokens: cached as u64,
                ..Usage::default()
            },
            wanted: prompt,
            steps: Vec::new(),
            bytes: Vec::new(),
            bans: Vec::new(),
            rewinds: 0,
            refusals: 0,
            phase: Phase::Reading,
            read_for: Duration::ZERO,
            written_for: Duration::ZERO,
        })
    }

    /// Returns the tokens that the cache has to hold before the next one can be chosen.
    pub(super) fn wanted(&self) -> &[LlamaToken] {
        &self.wanted
    }

    /// Tells whether nothing was chosen yet.
    pub(super) fn is_reading(&self) -> bool {
        self.phase == Phase::Reading
    }

    /// Counts a share of the time of a pass, or of what was read for several.
    pub(super) fn spend(&mut self, time: Duration) {
        match self.phase {
            Phase::Reading => self.read_for += time,
            Phase::Writing => self.written_for += time,
        }
    }

    /// Returns the number of tokens chosen so far, those taken back left out.
    pub(super) fn written_tokens(&self) -> usize {
        self.steps.len()
    }

    /// Returns the most tokens that may be chosen.
    pub(super) fn max_tokens(&self) -> usize {
        self.request.max_tokens
    }

    /// Tells whether anything is expected after the wanted tokens.
    pub(super) fn foresees(&self) -> bool {
        self.drafter.as_ref().is_some_and(|drafter| drafter.propose().is_some())
    }

    /// Tells whether another model may draft: under a grammar it would mostly propose what is not allowed.
    pub(super) fn takes_model_drafts(&self) -> bool {
        self.request.constraint == Constraint::None
    }

    /// Returns the number of tokens that came without a draft, one for each pass.
    pub(super) fn passes(&self) -> usize {
        usize::try_from(self.usage.completion_tokens - self.usage.accepted_tokens).unwrap_or(usize::MAX)
    }

    /// Returns the most tokens that may be drafted: what follows the last token is not wanted any more.
    pub(super) fn draft_limit(&self) -> usize {
        (self.request.max_tokens - self.steps.len().min(self.request.max_tokens))
            .min(self.room_tokens - self.wanted.len().min(self.room_tokens))
            .saturating_sub(1)
    }

    /// Returns what copying is expected to bring.
    pub(super) fn copy_gain(&self, acceptance: &Acceptance, plan: DraftPlan<'_>) -> Gain {
        match self.drafter.as_ref().and_then(CopyDrafter::propose) {
            Some((_, evidence)) => acceptance.gain(Grounds::Copied(evidence), plan),
            None => plan.without_draft(),
        }
    }

    /// Returns about `count` tokens of the text that is expected after the wanted ones.
    pub(super) fn copy_draft(&self, count: usize) -> Vec<LlamaToken> {
        let expected = self.drafter.as_ref().filter(|_| count > 0);
        let Some((text, _)) = expected.and_then(CopyDrafter::propose) else {
            return Vec::new();
        };
        let end = text.len().min((count + 1) * BYTES_PER_DRAFT_TOKEN);
        let mut tokens = self.owner.model.vocab().tokenize(&text[..end], false, false);
        if end < text.len() {
            // It may be the beginning of a longer one.
            tokens.pop();
        }
        tokens.truncate(count);
        tokens
    }

    /// Chooses tokens from the logits of a pass, as long as they are those of the draft: the first row is that of the last
    /// wanted token.
    ///
    /// # Errors
    /// [`ModelError::OnlyExcluded`] when it comes to nothing else again and again, and what the chooser reports.
    pub(super) fn absorb(
        &mut self,
        cache: &KvCache<'_>,
        first_row: usize,
        draft: &Draft,
        acceptance: &mut Acceptance,
    ) -> Result<Flow, ModelError> {
        self.phase = Phase::Writing;
        if self.request.max_tokens == 0 {
            return self.finish(End {
                finish: Finish::Length,
                text_bytes: 0,
            });
        }
        self.usage.drafted_tokens += draft.tokens.len() as u64;
        for row in 0..=draft.tokens.len() {
            let token = self.choose(cache.logits(first_row + row))?;
            if let (Drafter::Model, Some(drafted)) = (draft.by, draft.tokens.get(row)) {
                let foreseen = if *drafted == token { Foreseen::Yes } else { Foreseen::No };
                acceptance.observe(Grounds::Chosen { after_tokens: row }, foreseen);
            }
            match self.take(token, acceptance)? {
                Taken::On => {}
                Taken::TurnedBack => break,
                Taken::End(end) => return self.finish(end),
            }
            if draft.tokens.get(row) != Some(&token) {
                break;
            }
            self.usage.accepted_tokens += 1;
        }
        Ok(Flow::On)
    }

    fn choose(&mut self, logits: &[f32]) -> Result<LlamaToken, ModelError> {
        let here = self.steps.len();
        let banned: Vec<LlamaToken> = self
            .bans
            .iter()
            .filter(|(step, _)| *step == here)
            .map(|(_, token)| *token)
            .collect();
        let margin = if self.request.exclude.is_empty() && self.request.check.is_none() {
            Margin::NotWanted
        } else {
            Margin::Wanted
        };
        let choice = self.chooser.choose(logits, &banned, margin)?;
        self.steps.push(Step {
            token: choice.token,
            margin: choice.margin,
            log_probability: match self.request.likelihood {
                Likelihood::NotTold => 0.0,
                Likelihood::Told => log_probability(logits, choice.token),
            },
            start: self.bytes.len(),
        });
        self.usage.completion_tokens += 1;
        Ok(choice.token)
    }

    /// Appends a chosen token.
    fn take(&mut self, token: LlamaToken, acceptance: &mut Acceptance) -> Result<Taken, ModelError> {
        let vocab = self.owner.model.vocab();
        let start = self.bytes.len();
        let ends_turn = vocab.is_eog(token);
        if !ends_turn {
            vocab.token_to_piece_into(token, &mut self.bytes, false, None);
        }
        let written = &self.bytes[start..];
        if let Some((text, evidence)) = self.drafter.as_ref().and_then(CopyDrafter::propose) {
            let foreseen = if !ends_turn && text.starts_with(written) {
                Foreseen::Yes
            } else {
                Foreseen::No
            };
            acceptance.observe(Grounds::Copied(evidence), foreseen);
        }
        let end = |finish, text_bytes| Ok(Taken::End(End { finish, text_bytes }));
        if ends_turn {
            return end(Finish::EndOfTurn, start);
        }
        if let Some(stop) = find_stop(&self.bytes, start, self.request.stop) {
            return end(Finish::StopText, stop);
        }
        if self.steps.len() >= self.request.max_tokens || self.wanted.len() >= self.room_tokens {
            return end(Finish::Length, self.bytes.len());
        }
        if let Some(step) = self.refused_from(start) {
            self.refusals += 1;
            self.turn_back(step)?;
            return Ok(Taken::TurnedBack);
        }
        if let Some(drafter) = &mut self.drafter {
            drafter.observe(&self.bytes[start..]);
        }
        self.chooser.accept(token)?;
        self.wanted.push(token);
        Ok(Taken::On)
    }

    /// Asks the request's check when the text from `start` on completes a line; returns the step to write anew from where
    /// it refuses the piece.
    fn refused_from(&self, start: usize) -> Option<usize> {
        let check = self.request.check.filter(|_| self.refusals < MAX_REFUSALS)?;
        let end = start + self.bytes[start..].iter().rposition(|byte| *byte == b'\n')? + 1;
        let piece = check.refused(&finish_text(&self.bytes[..end]))?;
        let first = self.steps.partition_point(|step| step.start < piece);
        self.least_certain(first, self.bytes.len())
    }

    /// Gives the completion back, unless it is one that is excluded.
    ///
    /// An excluded completion is left at its least certain token: that one is banned there and writing goes on with the next
    /// likeliest.
    fn finish(&mut self, end: End) -> Result<Flow, ModelError> {
        let text = finish_text(&self.bytes[..end.text_bytes]);
        if self.request.exclude.contains(&text) {
            let step = self
                .least_certain(0, end.text_bytes)
                .filter(|_| self.rewinds < MAX_REWINDS);
            let step = step.ok_or(ModelError::OnlyExcluded)?;
            self.rewinds += 1;
            self.turn_back(step)?;
            return Ok(Flow::On);
        }
        self.usage.prefill_ms = millis(self.read_for);
        self.usage.decode_ms = millis(self.written_for);
        Ok(Flow::Done(Completion {
            text,
            finish: end.finish,
            usage: self.usage,
            mean_log_probability: match self.request.likelihood {
                Likelihood::NotTold => None,
                Likelihood::Told => self.mean_log_probability(),
            },
        }))
    }

    fn mean_log_probability(&self) -> Option<f32> {
        let sum: f32 = self.steps.iter().map(|step| step.log_probability).sum();
        (!self.steps.is_empty()).then(|| sum / self.steps.len() as f32)
    }

    /// Returns the step to leave a completion at, from `first` on: the least certain one that was not left before, or else
    /// the least certain one that has another token to offer.
    ///
    /// Steps that only write white space, or end the turn, come after those that write: another text is wanted, not
    /// another layout.
    fn least_certain(&self, first: usize, text_bytes: usize) -> Option<usize> {
        let left_before = |step: usize| self.bans.iter().any(|(banned, _)| *banned == step);
        let writes = |step: usize| {
            let start = self.steps[step].start;
            let end = self.steps.get(step + 1).map_or(self.bytes.len(), |next| next.start);
            start < text_bytes && self.bytes[start..end].iter().any(|byte| !byte.is_ascii_whitespace())
        };
        (first..self.steps.len())
            .filter(|step| self.steps[*step].margin.is_finite())
            .min_by(|&one, &other| {
                let rank = |step| (left_before(step), !writes(step));
                rank(one)
                    .cmp(&rank(other))
                    .then_with(|| self.steps[one].margin.total_cmp(&self.steps[other].margin))
            })
    }

    fn turn_back(&mut self, step: usize) -> Result<(), ModelError> {
        self.bans.retain(|(banned, _)| *banned <= step);
        self.bans.push((step, self.steps[step].token));
        self.bytes.truncate(self.steps[step].start);
        self.steps.truncate(step);
        self.wanted.truncate(self.prompt_tokens + step);
        if let Some(drafter) = &mut self.drafter {
            drafter.rewind(self.bytes.len());
        }
        self.chooser.replay(self.steps.iter().map(|step| step.token))
    }
}

/// Returns the drafter of a request that names what it repeats. The end of the answer is expected after it.
fn drafter(request: &CompletionRequest<'_>) -> Option<CopyDrafter> {
    let copy = request.copy?;
    let stop = request.stop.first().copied().unwrap_or("");
    let old = format!("{}{stop}", copy.trim_end_matches('\n'));
    let context: String = request
        .messages
        .iter()
        .map(|message| message.content.as_str())
        .collect();
    Some(CopyDrafter::new(old.as_bytes(), context.as_bytes()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
