use std::{sync::OnceLock, time::Instant};

use llama_cpp_2::{token::LlamaToken, token_type::LlamaTokenAttr};

use super::{
    super::{
        LanguageModel, ModelError,
        draft::{Acceptance, DraftPlan, Gain, Grounds},
    },
    LlamaCpp,
    cache::{BATCH_TOKENS, Feed, KvCache, Truncated},
    pace::Pace,
    scheduler::{TRUNK, shared_prefix},
    sequence::Sequence,
};
use crate::progress::Progress;

/// A sequence is served after so many passes, and while so many tokens may come: what it takes to find out whether it
/// pays must not weigh against what is written.
const SETTLED_PASSES: usize = 16;
/// Passes that tell what a token costs; the quickest counts.
const TRIALS: usize = 3;
/// What one more token of a prompt is taken to cost beside one that is written, until it was measured.
const READ_SHARE: f32 = 0.25;
/// Chunks of fewer tokens say little about reading.
const TELLING_TOKENS: usize = 16;
/// How much one more measurement weighs.
const NEWS: f32 = 0.1;
/// Another sequence's beginning is taken over where that saves reading this many tokens.
const WORTH_SHARING_TOKENS: usize = 16;
/// Passes that may fail before it is left alone.
const MAX_FAILURES: usize = 3;

/// A small model that proposes what a large one writes, and what its tokens cost.
pub(super) struct DraftModel {
    pub(super) model: LlamaCpp,
    /// The tokens that both vocabularies have.
    shared_tokens: i32,
    /// Milliseconds of a token, as the first session measured it.
    token_ms: OnceLock<f32>,
}

impl DraftModel {
    /// Takes `model` as the draft model of `target`.
    ///
    /// # Errors
    /// [`ModelError::DraftModel`] when it has another vocabulary, or cannot take back what it has read.
    pub(super) fn new(mut model: LlamaCpp, target: &LlamaCpp) -> Result<Self, ModelError> {
        let refuse = |reason: String| ModelError::DraftModel {
            draft: model.file.clone(),
            model: target.file.clone(),
            reason,
        };
        if model.keeps_running_state() {
            let reason = "it keeps a running state and cannot take back what it has read";
            return Err(refuse(reason.to_owned()));
        }
        let shared_tokens = shared_vocabulary(&model, target).map_err(refuse)?;
        // They read the same prompts on the same cores.
        model.plan.context_tokens = target.plan.context_tokens;
        model.threads = target.threads;
        Ok(Self {
            model,
            shared_tokens,
            token_ms: OnceLock::new(),
        })
    }
}

/// Returns the number of tokens that two vocabularies have in common, which is all that either uses; else says what
/// differs.
fn shared_vocabulary(draft: &LlamaCpp, target: &LlamaCpp) -> Result<i32, String> {
    let (one, other) = (draft.model.vocab(), target.model.vocab());
    let shared = one.n_tokens().min(other.n_tokens());
    for (vocab, count) in [(&one, one.n_tokens()), (&other, other.n_tokens())] {
        // Matrices are padded to round sizes, and files name what fills them.
        let padding = |token: i32| vocab.attr(LlamaToken(token)).contains(LlamaTokenAttr::Unused);
        if !(shared..count).all(padding) {
            return Err(format!(
                "its vocabulary has {} tokens and not {}",
                one.n_tokens(),
                other.n_tokens()
            ));
        }
    }
    for number in 0..shared {
        let token = LlamaToken(number);
        let same = one.text(token) == other.text(token)
            && one.is_control(token) == other.is_control(token)
            && one.is_eog(token) == other.is_eog(token);
        if !same {
            return Err(format!("token {number} of its vocabulary is another one"));
        }
    }
    let begins = |model: &LlamaCpp| model.model.vocab().should_add_bos().then(|| model.model.vocab().bos());
    if begins(draft) != begins(target) {
        return Err("its prompts begin with another token".to_owned());
    }
    Ok(shared)
}

/// The draft model of one session. Its cache follows what the session's sequences hold when they are served.
pub(super) struct DraftEngine<'m> {
    owner: &'m DraftModel,
    /// Allocated when first needed.
    cache: Option<KvCache<'m>>,
    pace: Pace,
    /// Milliseconds of a token.
    token_ms: Option<f32>,
    /// Milliseconds of a token of a prompt.
    read_ms: Option<f32>,
    failures: usize,
}

impl<'m> DraftEngine<'m> {
    pub(super) fn new(owner: &'m DraftModel) -> Self {
        Self {
            owner,
            cache: None,
            pace: Pace::new(BATCH_TOKENS),
            token_ms: owner.token_ms.get().copied(),
            read_ms: None,
            failures: 0,
        }
    }

    /// Tells whether a sequence has shown that it writes long enough.
    pub(super) fn may_serve(sequence: &Sequence<'_, '_>) -> bool {
        sequence.takes_model_drafts() && sequence.passes() >= SETTLED_PASSES && sequence.draft_limit() >= SETTLED_PASSES
    }

    /// Returns what it chooses after the wanted tokens of a sequence, if that is expected to bring more than `copied`
    /// does; as many tokens as pay. A failure is no draft.
    pub(super) fn draft(
        &mut self,
        sequence: &Sequence<'_, '_>,
        slot: usize,
        acceptance: &Acceptance,
        plan: DraftPlan<'_>,
        copied: Gain,
        progress: &dyn Progress,
    ) -> Vec<LlamaToken> {
        if self.failures >= MAX_FAILURES || !Self::may_serve(sequence) {
            return Vec::new();
        }
        let drafted = self.worth(sequence, slot, acceptance, plan, copied).and_then(|tokens| {
            let room = self
                .owner
                .model
                .context_tokens()
                .saturating_sub(sequence.wanted().len());
            self.choose(slot, sequence.wanted(), tokens.min(room), progress)
        });
        drafted.unwrap_or_else(|_| {
            // A pass that fails has emptied the cache.
            self.failures += 1;
            Vec::new()
        })
    }

    /// Returns the number of tokens to draft.
    ///
    /// What it has not read yet must be read first. That is worth it when as many passes as there were so far would save
    /// as much: a sequence is taken to go on as long as it has gone on (as in the ski rental problem, so that at most as
    /// much is lost as was spent before).
    fn worth(
        &mut self,
        sequence: &Sequence<'_, '_>,
        slot: usize,
        acceptance: &Acceptance,
        plan: DraftPlan<'_>,
        copied: Gain,
    ) -> Result<usize, ModelError> {
        let token_ms = self.token_ms()?;
        let plan = DraftPlan {
            token_cost: token_ms,
            ..plan
        };
        let gain = acceptance.gain(Grounds::Chosen { after_tokens: 0 }, plan);
        if gain.tokens == 0 || gain.rate <= copied.rate {
            return Ok(0);
        }
        let held = self
            .cache
            .as_ref()
            .map_or(0, |cache| best_prefix(cache, slot, sequence.wanted()).1);
        // A token or two are always read anew; drafting has them in its price.
        let missing = (sequence.wanted().len() - held).saturating_sub(2);
        let read_ms = missing as f32 * self.read_ms.unwrap_or(token_ms * READ_SHARE);
        let saved_ms = (1.0 / copied.rate - 1.0 / gain.rate) * plan.other_tokens;
        let to_come = sequence.passes().min(sequence.draft_limit());
        Ok(if read_ms <= saved_ms * to_come as f32 {
            gain.tokens
        } else {
            0
        })
    }

    /// Returns the likeliest tokens after `wanted`, one after the other: `count` at most, none that ends the turn.
    fn choose(
        &mut self,
        slot: usize,
        wanted: &[LlamaToken],
        count: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<LlamaToken>, ModelError> {
        let mut drafted = Vec::new();
        if count == 0 {
            return Ok(drafted);
        }
        let Some(mut row) = self.follow(slot, wanted, progress)? else {
            return Ok(drafted);
        };
        let model = &self.owner.model;
        let shared = self.owner.shared_tokens;
        let vocab = model.model.vocab();
        loop {
            let Some(cache) = &mut self.cache else {
                return Ok(drafted);
            };
            let token = likeliest(cache.logits(row));
            let is_text =
                |token: &LlamaToken| token.0 < shared && !model.control[token.0 as usize] && !vocab.is_eog(*token);
            let Some(token) = token.filter(is_text) else {
                return Ok(drafted);
            };
            drafted.push(token);
            if drafted.len() >= count || progress.cancelled() {
                return Ok(drafted);
            }
            let started = Instant::now();
            cache.evaluate(&[one_token(slot, token)])?;
            cache.synchronize();
            learn(&mut self.token_ms, started.elapsed().as_secs_f32() * 1000.0);
            row = 0;
        }
    }

    /// Brings a sequence to `wanted`; returns the row of its logits, or nothing where that was stopped.
    fn follow(
        &mut self,
        slot: usize,
        wanted: &[LlamaToken],
        progress: &dyn Progress,
    ) -> Result<Option<usize>, ModelError> {
        let cache = open(&mut self.cache, self.owner)?;
        let (source, shared) = best_prefix(cache, slot, wanted);
        if source != slot {
            cache.fork(source, slot, shared)?;
        } else if cache.truncate(slot, shared) == Truncated::Emptied {
            return Err(ModelError::Decode("the draft model cannot be turned back".to_owned()));
        }
        loop {
            if progress.cancelled() {
                return Ok(None);
            }
            let missing = &wanted[cache.tokens(slot).len()..];
            let chunk = missing.len().min(self.pace.tokens());
            let feed = Feed {
                sequence: slot,
                tokens: missing[..chunk].to_vec(),
                logits_from: chunk - 1,
            };
            let last = chunk == missing.len();
            let started = Instant::now();
            cache.evaluate(&[feed])?;
            cache.synchronize();
            if chunk >= TELLING_TOKENS {
                let elapsed = started.elapsed();
                self.pace.measured(chunk, elapsed);
                learn(&mut self.read_ms, elapsed.as_secs_f32() * 1000.0 / chunk as f32);
            }
            if last {
                return Ok(Some(chunk - 1));
            }
        }
    }

    /// Returns what a token costs; the first session finds out.
    fn token_ms(&mut self) -> Result<f32, ModelError> {
        if let Some(ms) = self.token_ms {
            return Ok(ms);
        }
        let cache = open(&mut self.cache, self.owner)?;
        let mut least = f32::INFINITY;
        for _ in 0..TRIALS {
            let started = Instant::now();
            cache.evaluate(&[one_token(TRUNK, LlamaToken(0))])?;
            cache.synchronize();
            likeliest(cache.logits(0));
            least = least.min(started.elapsed().as_secs_f32() * 1000.0);
        }
        cache.clear();
        self.token_ms = Some(least);
        self.owner.token_ms.get_or_init(|| least);
        Ok(least)
    }
}

fn open<'c, 'm>(cache: &'c mut Option<KvCache<'m>>, owner: &'m DraftModel) -> Result<&'c mut KvCache<'m>, ModelError> {
    let opened = match cache.take() {
        Some(opened) => opened,
        None => KvCache::new(&owner.model, owner.model.sequences())?,
    };
    Ok(cache.insert(opened))
}

/// Returns the sequence that has the longest beginning of `wanted`, and how long that is; the sequence's own unless another
/// has much more.
fn best_prefix(cache: &KvCache<'_>, slot: usize, wanted: &[LlamaToken]) -> (usize, usize) {
    let own = shared_prefix(cache.tokens(slot), wanted);
    (0..cache.sequences())
        .map(|source| (source, shared_prefix(cache.tokens(source), wanted)))
        .filter(|(_, shared)| *shared >= own + WORTH_SHARING_TOKENS)
        .max_by_key(|(_, shared)| *shared)
        .unwrap_or((slot, own))
}

fn one_token(sequence: usize, token: LlamaToken) -> Feed {
    Feed {
        sequence,
        tokens: vec![token],
        logits_from: 0,
    }
}

fn likeliest(logits: &[f32]) -> Option<LlamaToken> {
    let best = logits
        .iter()
        .enumerate()
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    i32::try_from(best.0).ok().map(LlamaToken)
}

fn learn(mean: &mut Option<f32>, ms: f32) {
    *mean = Some(mean.map_or(ms, |mean| mean + NEWS * (ms - mean)));
}
