use super::AgentError;
use crate::index::{Index, MapFocus};
use crate::model::{CompletionRequest, LanguageModel, Preamble};
use crate::progress::Progress;
use crate::prompt::{MapPrompt, RequestLength, RewritePrompt, Template, Wants, map_within};

/// What came of a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// The model has read it, and what it read is on disk.
    Kept {
        /// Tokens of the outline and of what stands around it.
        tokens: u64,
        /// Those of them that nobody had read before.
        read_tokens: u64,
    },
    /// It is too short to be kept.
    TooShort { tokens: usize, least_tokens: usize },
    /// The model keeps no prompts.
    NotKept,
}

/// Lets the model read what every prompt of a run with this many tokens of outline begins with, and keep it for later
/// processes.
///
/// # Errors
/// [`AgentError`] when the model fails or the outline does not fit its context.
pub fn prepare(
    index: &Index,
    model: &dyn LanguageModel,
    map_tokens: usize,
    progress: &dyn Progress,
) -> Result<Preparation, AgentError> {
    let Some(least_tokens) = model.least_kept_tokens() else {
        return Ok(Preparation::NotKept);
    };
    let text = outline(index, model, map_tokens)?;
    let tokens = model.count_tokens(&text);
    if tokens < least_tokens {
        return Ok(Preparation::TooShort { tokens, least_tokens });
    }
    // What rewriting is told comes next; the other steps are told something else there.
    let rewriting = RewritePrompt {
        path: "",
        language: "",
        kind: "",
        name: "",
        code: "",
        outline: "",
        used: "",
        done: "",
        others: "",
        failure: "",
        lacking: "",
        request: "",
        length: RequestLength::Short,
        wants: Wants::Code,
        fence: "",
    };
    let messages = rewriting.messages()?;
    let told = Preamble::new(model, text);
    let usage = told
        .session()?
        .complete(&CompletionRequest::new(&messages, 1), progress)?
        .usage;
    Ok(Preparation::Kept {
        tokens: usage.prompt_tokens,
        read_tokens: usage.prompt_tokens - usage.cached_tokens,
    })
}

/// Returns the outline of the repository, drawn towards nothing: the same for every request, so that it is read once.
pub(super) fn outline(index: &Index, model: &dyn LanguageModel, map_tokens: usize) -> Result<String, AgentError> {
    let ranked = index.map(&MapFocus::default());
    let map = map_within(index, &ranked, map_tokens, &|text: &str| model.count_tokens(text));
    let messages = MapPrompt {
        map: map.text.trim_end(),
    }
    .messages()?;
    Ok(messages.into_iter().map(|message| message.content).collect())
}
