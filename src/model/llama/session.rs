use std::{num::NonZeroU32, time::Instant};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_batch::LlamaBatch,
    token::LlamaToken,
};

use super::{
    super::{Completion, CompletionRequest, LanguageModel, ModelError, Session, Usage},
    LlamaCpp,
    decode::Decoding,
    pace::Pace,
    sampler::Chooser,
};
use crate::progress::{Phase, Progress};

const BATCH_TOKENS: u32 = 512;
const SEQUENCE: i32 = 0;

/// One conversation with its KV cache.
pub(super) struct LlamaSession<'m> {
    pub(super) owner: &'m LlamaCpp,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// The tokens whose keys and values the cache holds, in order of position.
    cached: Vec<LlamaToken>,
    pace: Pace,
}

impl<'m> LlamaSession<'m> {
    /// Allocates the KV cache and the compute buffers.
    ///
    /// # Errors
    /// [`ModelError::Context`] when there is no memory for them.
    pub(super) fn new(owner: &'m LlamaCpp) -> Result<Self, ModelError> {
        let threads = i32::try_from(owner.threads).unwrap_or(i32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(owner.context_tokens))
            .with_n_batch(BATCH_TOKENS)
            .with_n_ubatch(BATCH_TOKENS)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_no_perf(true);
        let context = owner
            .model
            .new_context(owner.backend, params)
            .map_err(|error| ModelError::Context {
                context_tokens: owner.context_tokens(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            owner,
            context,
            batch: LlamaBatch::new(BATCH_TOKENS as usize, 1),
            cached: Vec::new(),
            pace: Pace::new(BATCH_TOKENS as usize),
        })
    }

    /// Returns the tokens that the cache holds.
    pub(super) fn cached(&self) -> &[LlamaToken] {
        &self.cached
    }

    /// Tells whether no further token has room.
    pub(super) fn is_full(&self) -> bool {
        self.cached.len() >= self.owner.context_tokens()
    }

    /// Returns the logits after the last token that was read.
    pub(super) fn logits(&self) -> &[f32] {
        self.context.get_logits_ith(self.batch.n_tokens() - 1)
    }

    /// Makes the cache hold exactly `tokens` (one at least), and reads those that it does not hold yet.
    ///
    /// The last one is read in any case, since its logits are wanted. Calls `read` with the number of tokens read so far.
    pub(super) fn read(
        &mut self,
        tokens: &[LlamaToken],
        progress: &dyn Progress,
        mut read: impl FnMut(u64),
    ) -> Result<(), ModelError> {
        self.keep(shared_prefix(&self.cached, tokens));
        let mut done = 0;
        while self.cached.len() < tokens.len() {
            if progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            let rest = &tokens[self.cached.len()..];
            let chunk = &rest[..rest.len().min(self.pace.tokens())];
            let started = Instant::now();
            self.evaluate(chunk)?;
            // Devices compute behind our back; without this the time of a chunk says nothing.
            self.context.synchronize();
            self.pace.measured(chunk.len(), started.elapsed());
            done += chunk.len() as u64;
            read(done);
        }
        Ok(())
    }

    /// Reads tokens at the end of what the cache holds; the logits after the last of them are kept.
    ///
    /// # Errors
    /// [`ModelError::Decode`]; the cache is empty then.
    pub(super) fn evaluate(&mut self, tokens: &[LlamaToken]) -> Result<(), ModelError> {
        let outcome = self.evaluate_batch(tokens);
        match outcome {
            Ok(()) => self.cached.extend_from_slice(tokens),
            // Nobody can tell how much of the batch the cache holds.
            Err(_) => self.clear(),
        }
        outcome.map_err(ModelError::Decode)
    }

    fn evaluate_batch(&mut self, tokens: &[LlamaToken]) -> Result<(), String> {
        self.batch.clear();
        for (number, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.cached.len() + number).map_err(|error| error.to_string())?;
            self.batch
                .add(*token, position, &[SEQUENCE], number + 1 == tokens.len())
                .map_err(|error| error.to_string())?;
        }
        self.context.decode(&mut self.batch).map_err(|error| error.to_string())
    }

    /// Takes all but the first `count` tokens out of the cache; all of them where the model cannot take a part.
    fn keep(&mut self, count: usize) {
        if count >= self.cached.len() {
            return;
        }
        let from = u32::try_from(count).ok().filter(|count| *count > 0);
        if from.is_some() && self.context.kv_cache_seq_rm(SEQUENCE, from, None).is_ok() {
            self.cached.truncate(count);
        } else {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.context.clear_kv_cache();
        self.cached.clear();
    }

    fn complete_prompt(
        &mut self,
        prompt: &[LlamaToken],
        request: &CompletionRequest<'_>,
        progress: &dyn Progress,
    ) -> Result<Completion, ModelError> {
        let chooser = Chooser::new(
            &self.owner.model,
            &self.owner.control,
            &request.sampling,
            &request.constraint,
        )?;
        let cached = shared_prefix(&self.cached, prompt);
        let mut usage = Usage {
            prompt_tokens: prompt.len() as u64,
            ..Usage::default()
        };

        let started = Instant::now();
        let mut read_tokens = 0;
        progress.begin(Phase::Prefill, (prompt.len() - cached) as u64);
        let outcome = self.read(prompt, progress, |read| {
            read_tokens = read;
            progress.advance(Phase::Prefill, read);
        });
        progress.end(Phase::Prefill);
        outcome?;
        usage.cached_tokens = usage.prompt_tokens - read_tokens;
        usage.prefill_ms = elapsed_ms(started);

        let started = Instant::now();
        progress.begin(Phase::Decode, request.max_tokens as u64);
        let outcome = Decoding::new(self, chooser, request, progress).run();
        progress.end(Phase::Decode);
        let decoded = outcome?;
        usage.completion_tokens = decoded.tokens;
        usage.decode_ms = elapsed_ms(started);
        Ok(Completion {
            text: decoded.text,
            finish: decoded.finish,
            usage,
        })
    }
}

impl Session for LlamaSession<'_> {
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError> {
        let prompt = self.owner.prompt(request.messages, request.assistant_prefix)?;
        if prompt.is_empty() {
            return Err(ModelError::Template("the prompt came out empty".to_owned()));
        }
        let context_tokens = self.owner.context_tokens();
        if prompt.len() >= context_tokens {
            return Err(ModelError::ContextFull {
                prompt_tokens: prompt.len(),
                context_tokens,
            });
        }
        self.complete_prompt(&prompt, request, progress)
    }
}

/// Returns how many tokens of `wanted` need not be read: never all, since the logits of the last are wanted.
fn shared_prefix(cached: &[LlamaToken], wanted: &[LlamaToken]) -> usize {
    let shared = cached
        .iter()
        .zip(wanted)
        .take_while(|(one, other)| one == other)
        .count();
    shared.min(wanted.len().saturating_sub(1))
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
