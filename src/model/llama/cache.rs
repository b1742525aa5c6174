use std::{io, num::NonZeroU32, path::Path};

use llama_cpp_2::{
    context::{
        LlamaContext,
        params::{KvCacheType, LlamaContextParams},
    },
    llama_batch::LlamaBatch,
    token::LlamaToken,
};

use super::{
    super::{KvType, LanguageModel, ModelError},
    LlamaCpp,
};

/// The most tokens of one pass.
pub(super) const BATCH_TOKENS: usize = 512;

/// The keys and values of a few sequences, and the only caller of llama.cpp's decode.
///
/// A sequence is a list of tokens that were read in this order. Sequences that begin alike can share the cells of the
/// beginning: see [`KvCache::fork`].
pub(super) struct KvCache<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    sequences: Vec<Vec<LlamaToken>>,
    capacity_tokens: usize,
}

/// Tokens that one pass appends to a sequence.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) sequence: usize,
    pub(super) tokens: Vec<LlamaToken>,
    /// Logits are wanted from this token on.
    pub(super) logits_from: usize,
}

impl<'m> KvCache<'m> {
    /// Allocates cells and compute buffers for `sequences` sequences that share the context's length.
    ///
    /// # Errors
    /// [`ModelError::Context`] when there is no memory for them.
    pub(super) fn new(owner: &'m LlamaCpp, sequences: usize) -> Result<Self, ModelError> {
        let threads = i32::try_from(owner.threads).unwrap_or(i32::MAX);
        let kv_type = match owner.plan.kv_type {
            KvType::F16 => KvCacheType::F16,
            KvType::Q8_0 => KvCacheType::Q8_0,
        };
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(owner.plan.context_tokens))
            .with_n_batch(BATCH_TOKENS as u32)
            .with_n_ubatch(BATCH_TOKENS as u32)
            .with_n_seq_max(u32::try_from(sequences).unwrap_or(u32::MAX))
            // One pool of cells: a copy of a part of a sequence is only possible there.
            .with_kv_unified(true)
            .with_type_k(kv_type)
            .with_type_v(kv_type)
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
            context,
            batch: LlamaBatch::new(BATCH_TOKENS, 1),
            sequences: vec![Vec::new(); sequences],
            capacity_tokens: owner.context_tokens(),
        })
    }

    /// Returns the number of cells.
    pub(super) fn capacity_tokens(&self) -> usize {
        self.capacity_tokens
    }

    /// Returns the number of sequences.
    pub(super) fn sequences(&self) -> usize {
        self.sequences.len()
    }

    /// Returns the tokens of a sequence.
    pub(super) fn tokens(&self, sequence: usize) -> &[LlamaToken] {
        &self.sequences[sequence]
    }

    /// Reads tokens, those of all feeds in one pass.
    ///
    /// # Errors
    /// [`ModelError::Decode`]; every sequence is empty then.
    pub(super) fn evaluate(&mut self, feeds: &[Feed]) -> Result<(), ModelError> {
        let outcome = self.evaluate_batch(feeds);
        match outcome {
            Ok(()) => {
                for feed in feeds {
                    self.sequences[feed.sequence].extend_from_slice(&feed.tokens);
                }
            }
            // Nobody can tell how much of the batch the cache holds.
            Err(_) => self.clear(),
        }
        outcome.map_err(ModelError::Decode)
    }

    /// Returns the logits of a row of the last pass: rows are counted over the tokens of all feeds.
    pub(super) fn logits(&self, row: usize) -> &[f32] {
        // A pass has at most BATCH_TOKENS rows.
        self.context.get_logits_ith(row as i32)
    }

    /// Waits for the device, so that a clock tells the truth.
    pub(super) fn synchronize(&self) {
        self.context.synchronize();
    }

    /// Takes all but the first `count` tokens out of a sequence; all of them where the model cannot take a part.
    pub(super) fn truncate(&mut self, sequence: usize, count: usize) -> Truncated {
        if count >= self.sequences[sequence].len() {
            return Truncated::AsAsked;
        }
        let from = u32::try_from(count).ok().filter(|count| *count > 0);
        let id = sequence_id(sequence);
        if self.context.kv_cache_seq_rm(id, from, None).is_ok() {
            self.sequences[sequence].truncate(count);
            return Truncated::AsAsked;
        }
        // Whole sequences can always be taken out.
        if self.context.kv_cache_seq_rm(id, None, None).is_err() {
            self.clear();
        }
        self.sequences[sequence].clear();
        Truncated::Emptied
    }

    /// Makes `to` begin with the first `count` tokens of `from`, in the same cells.
    ///
    /// # Errors
    /// [`ModelError::Decode`] when positions do not fit llama.cpp's.
    pub(super) fn fork(&mut self, from: usize, to: usize, count: usize) -> Result<(), ModelError> {
        self.truncate(to, 0);
        let end = u32::try_from(count).map_err(|error| ModelError::Decode(error.to_string()))?;
        self.context
            .copy_kv_cache_seq(sequence_id(from), sequence_id(to), Some(0), Some(end))
            .map_err(|error| ModelError::Decode(error.to_string()))?;
        self.sequences[to] = self.sequences[from][..count].to_vec();
        Ok(())
    }

    /// Writes the state of a sequence to a file.
    ///
    /// # Errors
    /// What llama.cpp reports.
    pub(super) fn save(&self, sequence: usize, path: &Path) -> io::Result<()> {
        self.context
            .state_seq_save_file(path, sequence_id(sequence), &self.sequences[sequence])
            .map(|_| ())
            .map_err(io::Error::other)
    }

    /// Reads the state of a sequence from a file; the sequence is empty when that fails.
    pub(super) fn restore(&mut self, sequence: usize, path: &Path) -> Restored {
        self.truncate(sequence, 0);
        match self
            .context
            .state_seq_load_file(path, sequence_id(sequence), self.capacity_tokens)
        {
            Ok((tokens, _)) => {
                self.sequences[sequence] = tokens;
                Restored::Yes
            }
            Err(_) => {
                // It may have got half of it.
                let _ = self.context.kv_cache_seq_rm(sequence_id(sequence), None, None);
                Restored::No
            }
        }
    }

    /// Empties every sequence.
    pub(super) fn clear(&mut self) {
        self.context.clear_kv_cache();
        self.sequences.iter_mut().for_each(Vec::clear);
    }

    fn evaluate_batch(&mut self, feeds: &[Feed]) -> Result<(), String> {
        self.batch.clear();
        for feed in feeds {
            let begin = self.sequences[feed.sequence].len();
            for (number, token) in feed.tokens.iter().enumerate() {
                let position = i32::try_from(begin + number).map_err(|error| error.to_string())?;
                self.batch
                    .add(
                        *token,
                        position,
                        &[sequence_id(feed.sequence)],
                        number >= feed.logits_from,
                    )
                    .map_err(|error| error.to_string())?;
            }
        }
        self.context.decode(&mut self.batch).map_err(|error| error.to_string())
    }
}

/// What became of a sequence that was to be shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truncated {
    AsAsked,
    /// The model keeps a running state that cannot be turned back: the sequence has to be read again.
    Emptied,
}

/// Whether a state could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restored {
    Yes,
    No,
}

fn sequence_id(sequence: usize) -> i32 {
    // llama.cpp allows 256 of them.
    sequence as i32
}
