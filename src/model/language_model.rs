use super::{Completion, CompletionRequest, EngineStamp, Message};
use crate::progress::Progress;

/// What is known of how much can be left to a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelScale {
    /// The number of weights; none where it is not known.
    pub parameters: Option<u64>,
    /// Who wrote the template that conversations are put in.
    pub template: TemplateSource,
}

/// Where a chat template comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemplateSource {
    /// The file has none.
    #[default]
    Missing,
    /// The file has one.
    File,
}

/// A model that can be asked for completions.
pub trait LanguageModel {
    /// Returns the name to show and to record, for example the registry's.
    fn name(&self) -> &str;

    /// Returns the SHA-256 of the weights in hexadecimal, or `scripted`.
    fn digest(&self) -> &str;

    /// Returns what writes the completions, to record it.
    fn engine(&self) -> EngineStamp;

    /// Returns what is known of how much can be left to it.
    fn scale(&self) -> ModelScale {
        ModelScale::default()
    }

    /// Returns the context length in tokens: prompt and completion together.
    fn context_tokens(&self) -> usize;

    /// Returns from how many tokens on what was read is kept for later processes; none where nothing is.
    fn least_kept_tokens(&self) -> Option<usize> {
        None
    }

    /// Returns the number of tokens of `text` as message content, by the model's own tokenizer.
    fn count_tokens(&self, text: &str) -> usize;

    /// Returns the number of tokens of a whole conversation as its chat template renders it, the opening of the
    /// assistant's turn included.
    ///
    /// # Errors
    /// [`ModelError::Template`] when the template cannot be rendered.
    fn count_conversation(&self, messages: &[Message]) -> Result<usize, ModelError>;

    /// Opens a session: one conversation with its own KV cache.
    ///
    /// # Errors
    /// [`ModelError::Context`] when the memory for it cannot be had.
    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError>;
}

/// One conversation. What it has read stays read: see [`CompletionRequest::messages`].
pub trait Session {
    /// Completes the conversation.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] when `progress` says so, [`ModelError::ContextFull`] when the prompt alone does not
    /// fit, and what the engine reports.
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError>;

    /// Completes many conversations, together where the engine can: what their prompts begin with is read once, and one
    /// pass takes all of them a token further. The outcomes are in the order of the requests.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`], and what ends all of them; what goes wrong with one is its own outcome.
    fn complete_all(
        &mut self,
        requests: &[CompletionRequest<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<Completion, ModelError>>, ModelError> {
        one_after_another(self, requests, progress)
    }
}

/// Completes conversations in turn.
pub(super) fn one_after_another<S: Session + ?Sized>(
    session: &mut S,
    requests: &[CompletionRequest<'_>],
    progress: &dyn Progress,
) -> Result<Vec<Result<Completion, ModelError>>, ModelError> {
    requests
        .iter()
        .map(|request| match session.complete(request, progress) {
            Err(ModelError::Cancelled) => Err(ModelError::Cancelled),
            outcome => Ok(outcome),
        })
        .collect()
}

/// What can go wrong between a request and its completion.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The person at the terminal stopped it.
    #[error("interrupted")]
    Cancelled,
    /// The prompt is longer than the context.
    #[error("the prompt has {prompt_tokens} tokens and the context holds {context_tokens}")]
    ContextFull {
        prompt_tokens: usize,
        context_tokens: usize,
    },
    /// The chat template did not render.
    #[error("the model's chat template cannot be rendered: {0}")]
    Template(String),
    /// The grammar of a constraint is not accepted.
    #[error("the decode grammar was rejected: {0}")]
    Grammar(String),
    /// The KV cache and buffers cannot be allocated.
    #[error("cannot create a context of {context_tokens} tokens: {reason}")]
    Context { context_tokens: usize, reason: String },
    /// Loading would end in the process being killed.
    #[error(
        "{file} does not fit: about {} MiB of main memory are needed and {} MiB are free",
        needed_bytes >> 20, free_bytes >> 20
    )]
    Memory {
        file: String,
        needed_bytes: u64,
        free_bytes: u64,
    },
    /// The weights cannot be loaded.
    #[error("cannot load {file}: {reason}")]
    Load { file: String, reason: String },
    /// One model cannot draft for another.
    #[error("{draft} cannot draft for {model}: {reason}")]
    DraftModel {
        draft: String,
        model: String,
        reason: String,
    },
    /// llama.cpp reported a failure while decoding.
    #[error("decoding failed: {0}")]
    Decode(String),
    /// A text has no vector.
    #[error("embedding failed: {0}")]
    Embedding(String),
    /// All that the model has to say is in [`CompletionRequest::exclude`].
    #[error("the model repeats what was already refused")]
    OnlyExcluded,
    /// A witness could not take note of the request, so it was not made.
    #[error("the model is not asked: its work cannot be recorded")]
    NotRecorded(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A scripted model was asked something that its script does not answer.
    #[error("the script has no answer: {0}")]
    Script(String),
}
