use std::num::NonZeroU32;

use llama_cpp_2::{
    context::{
        LlamaContext,
        params::{LlamaContextParams, LlamaPoolingType},
    },
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::LlamaModel,
    token::LlamaToken,
};

use super::{
    super::{Embedder, FitPlan, FitWish, Header, KvType, ModelError, ModelFile, TextRole, embedder::unit_vector},
    CoreUse, LlamaConfig, backend, load_weights,
};
use crate::progress::Progress;

/// The most tokens of a text that are read; a definition is told from others by its beginning.
const TEXT_TOKENS: u32 = 512;
/// The most bytes of a text that are tokenized: no token of any vocabulary in use spells more on average.
const TEXT_BYTES: usize = TEXT_TOKENS as usize * 16;
const SEQUENCE: i32 = 0;

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first.
    First,
    /// That of the last.
    Last,
}

/// How a model file is used for embeddings; known before its weights are loaded.
#[derive(Clone, Debug)]
pub struct EmbeddingPlan {
    file: ModelFile,
    pooling: Pooling,
    tokens: u32,
    identity: String,
}

impl EmbeddingPlan {
    /// Plans for a file whose hash and header were checked: with the pooling that its header names, else the mean.
    ///
    /// # Errors
    /// [`ModelError::Load`] when it is a model for something else.
    pub fn new(file: ModelFile) -> Result<Self, ModelError> {
        let fail = |reason: String| {
            Err(ModelError::Load {
                file: file.path.display().to_string(),
                reason,
            })
        };
        // The numbers are those of `enum llama_pooling_type`. llama.cpp aborts the process on one that it does not know.
        let pooling = match file.header.pooling_type {
            None | Some(0 | 1) => Pooling::Mean,
            Some(2) => Pooling::First,
            Some(3) => Pooling::Last,
            Some(4) => return fail("it ranks pairs of texts and has no embeddings".to_owned()),
            Some(other) => return fail(format!("its pooling type {other} is not known")),
        };
        // Its decoder would read what its encoder has not written.
        if file.header.architecture == "t5" {
            return fail("it is an encoder with a decoder, which has no embeddings".to_owned());
        }
        let trained = trained_tokens(&file.header);
        let tokens = TEXT_TOKENS.min(trained).max(1);
        let identity = format!("{} {pooling:?} {tokens} {FORM_VERSION}", file.sha256);
        Ok(Self {
            file,
            pooling,
            tokens,
            identity,
        })
    }

    /// Returns what [`Embedder::identity`] of the loaded model will say.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

fn trained_tokens(header: &Header) -> u32 {
    let tokens = header.context_tokens.and_then(|tokens| u32::try_from(tokens).ok());
    tokens.unwrap_or(TEXT_TOKENS)
}

/// Raised when texts reach the model in another form.
const FORM_VERSION: u32 = 1;

/// A GGUF model that computes embeddings in this process; encoders and decoders alike.
pub struct LlamaEmbedder {
    model: LlamaModel,
    backend: &'static LlamaBackend,
    plan: EmbeddingPlan,
    threads: u32,
}

impl LlamaEmbedder {
    /// Loads the weights.
    ///
    /// # Errors
    /// [`ModelError::Load`] when llama.cpp refuses the file, [`ModelError::Cancelled`] when `progress` says so.
    pub fn load(plan: &EmbeddingPlan, config: &LlamaConfig, progress: &dyn Progress) -> Result<Self, ModelError> {
        let fail = |reason: String| ModelError::Load {
            file: plan.file.path.display().to_string(),
            reason,
        };
        let backend = backend().map_err(|reason| fail(reason.to_owned()))?;
        let fit = FitPlan::for_this_machine(
            &plan.file.header,
            FitWish {
                context_tokens: Some(plan.tokens),
                kv_type: Some(KvType::F16),
                gpu_layers: config.gpu_layers,
            },
        );
        let core_use = CoreUse::begin();
        let model = load_weights(backend, &plan.file, &fit, progress)?;
        if model.vocab().n_tokens() <= 0 {
            return Err(fail("it has no vocabulary".to_owned()));
        }
        Ok(Self {
            model,
            backend,
            plan: plan.clone(),
            threads: config.threads.unwrap_or_else(|| core_use.threads()).max(1),
        })
    }

    fn context(&self) -> Result<LlamaContext<'_>, ModelError> {
        let threads = i32::try_from(self.threads).unwrap_or(i32::MAX);
        // An encoder sees a text as a whole or not at all, so a batch holds all of it.
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.plan.tokens))
            .with_n_batch(self.plan.tokens)
            .with_n_ubatch(self.plan.tokens)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_embeddings(true)
            .with_pooling_type(match self.plan.pooling {
                Pooling::Mean => LlamaPoolingType::Mean,
                Pooling::First => LlamaPoolingType::Cls,
                Pooling::Last => LlamaPoolingType::Last,
            })
            .with_no_perf(true);
        self.model
            .new_context(self.backend, params)
            .map_err(|error| ModelError::Context {
                context_tokens: self.plan.tokens as usize,
                reason: error.to_string(),
            })
    }

    /// Tokenizes a text, with what the vocabulary puts around every text; of a long one the middle and the end are left
    /// out, not what is around it.
    fn tokens(&self, role: TextRole, text: &str) -> Vec<LlamaToken> {
        let vocab = self.model.vocab();
        let text = &text[..text.floor_char_boundary(TEXT_BYTES)];
        let text = [task_prefix(&self.plan.file.header, role), text].concat();
        let mut tokens = vocab.tokenize(text.as_bytes(), true, false);
        let most = self.plan.tokens as usize;
        if tokens.len() > most {
            let last = tokens.last().copied().filter(|last| vocab.is_control(*last));
            tokens.truncate(most);
            if let (Some(last), Some(end)) = (last, tokens.last_mut()) {
                *end = last;
            }
        }
        if tokens.is_empty() {
            // Nothing but a text of no tokens says nothing; any token stands for it.
            tokens.extend(
                [vocab.eos(), vocab.bos(), LlamaToken(0)]
                    .into_iter()
                    .find(|token| token.0 >= 0),
            );
        }
        tokens
    }
}

/// What the makers of a model family put before texts, without which its vectors are not comparable.
///
/// Source: the model card of nomic-embed-text.
fn task_prefix(header: &Header, role: TextRole) -> &'static str {
    match (header.architecture.starts_with("nomic-bert"), role) {
        (true, TextRole::Query) => "search_query: ",
        (true, TextRole::Document) => "search_document: ",
        (false, _) => "",
    }
}

impl Embedder for LlamaEmbedder {
    fn identity(&self) -> &str {
        &self.plan.identity
    }

    fn embed(&mut self, role: TextRole, texts: &[&str], progress: &dyn Progress) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut context = self.context()?;
        let mut batch = LlamaBatch::new(self.plan.tokens as usize, 1);
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            if progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            vectors.push(vector_of(&mut context, &mut batch, &self.tokens(role, text))?);
        }
        Ok(vectors)
    }
}

fn vector_of(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    tokens: &[LlamaToken],
) -> Result<Vec<f32>, ModelError> {
    let fail = |error: &dyn std::fmt::Display| ModelError::Embedding(error.to_string());
    context.clear_kv_cache();
    batch.clear();
    batch
        .add_sequence(tokens, SEQUENCE, true)
        .map_err(|error| fail(&error))?;
    // Models without a cache of keys and values are encoded by this call.
    context.decode(batch).map_err(|error| fail(&error))?;
    let vector = context.embeddings_seq_ith(SEQUENCE).map_err(|error| fail(&error))?;
    unit_vector(vector.to_vec())
}
