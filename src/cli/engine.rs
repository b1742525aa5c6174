//! The model that a verb works with: settings in, a loaded model out.

use std::fs;

use anyhow::Context as _;

use super::config::ConfigError;
use super::context::Context;
use crate::model::{
    CachedEmbedder, EmbeddingPlan, LanguageModel, LlamaConfig, LlamaCpp, LlamaEmbedder, ModelFile, Registry,
    ScriptedEmbedder, ScriptedModel, Vocabulary,
};

/// Names a script of answers instead of weights, for tests: `scripted:FILE`.
pub(super) const SCRIPTED: &str = "scripted:";

/// Loads the model that the settings name, or the only one that is registered, and the draft model where they name one.
///
/// # Errors
/// When there is no such model, its file is not what was registered, it cannot be loaded, or it cannot draft.
pub(crate) fn load(context: &Context) -> anyhow::Result<Box<dyn LanguageModel>> {
    let settings = &context.settings;
    if let Some(script) = scripted(context)? {
        return Ok(Box::new(script));
    }
    let file = file(context)?;
    let config = settings.llama(&context.directories.cache);
    let Some(name) = &settings.draft_model else {
        let model = LlamaCpp::load(&file, &config, &context.progress)?;
        context.progress.detail(&format!("plan: {}", model.plan()));
        return Ok(Box::new(model));
    };
    let draft_file = registry(context).resolve(name, &context.progress)?;
    let draft_config = LlamaConfig {
        keep: None,
        ..config.clone()
    };
    // First, so that the plan of the other knows what is left of a GPU's memory.
    let draft = LlamaCpp::load(&draft_file, &draft_config, &context.progress)?;
    let model = LlamaCpp::load(&file, &config, &context.progress)?;
    context
        .progress
        .detail(&format!("plan: {}; drafts: {}", model.plan(), draft.plan()));
    Ok(Box::new(model.with_draft_model(draft)?))
}

/// Prepares the embedding model that the settings name, with its vectors in the cache directory; none where they name
/// none. The weights are loaded when a text has no vector yet.
///
/// # Errors
/// When there is no such model, or its file is not what was registered or no embedding model.
pub(crate) fn embedder(context: &Context) -> anyhow::Result<Option<CachedEmbedder<'_>>> {
    let Some(name) = &context.settings.embed_model else {
        return Ok(None);
    };
    let vectors = context.directories.cache.join("vectors");
    if let Some(script) = name.strip_prefix(SCRIPTED) {
        refuse_scripts(context)?;
        let text = fs::read_to_string(script).with_context(|| format!("cannot read the script {script:?}"))?;
        let load = move || Ok(Box::new(ScriptedEmbedder::from_jsonl(&text)?) as _);
        return Ok(Some(CachedEmbedder::new(&vectors, ScriptedEmbedder::IDENTITY, load)));
    }
    let file = registry(context).resolve(name, &context.progress)?;
    let plan = EmbeddingPlan::new(file)?;
    let identity = plan.identity().to_owned();
    let config = context.settings.llama(&context.directories.cache);
    let load = move || Ok(Box::new(LlamaEmbedder::load(&plan, &config, &context.progress)?) as _);
    Ok(Some(CachedEmbedder::new(&vectors, &identity, load)))
}

/// Counts the tokens of texts.
pub(crate) enum TokenCounter {
    /// As the chosen model does.
    Model(Vocabulary),
    /// As a script does.
    Script(ScriptedModel),
    /// No model is chosen: a token for every three bytes, which is more than tokenizers of code need.
    Estimate,
}

impl TokenCounter {
    /// Takes the tokenizer of the model that the settings name; an estimate where they name none.
    ///
    /// # Errors
    /// When the model cannot be loaded.
    pub(crate) fn new(context: &Context) -> anyhow::Result<Self> {
        Ok(match scripted(context)? {
            Some(script) => Self::Script(script),
            None if context.settings.model.is_none() => Self::Estimate,
            None => Self::Model(Vocabulary::load(&file(context)?)?),
        })
    }

    /// Returns how it counts, as in JSON.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Model(_) | Self::Script(_) => "model",
            Self::Estimate => "estimate",
        }
    }

    /// Returns the number of tokens of a text.
    pub(crate) fn count(&self, text: &str) -> usize {
        const BYTES_A_TOKEN: usize = 3;
        match self {
            Self::Model(vocabulary) => vocabulary.count_tokens(text),
            Self::Script(script) => script.count_tokens(text),
            Self::Estimate => text.len().div_ceil(BYTES_A_TOKEN),
        }
    }
}

fn scripted(context: &Context) -> anyhow::Result<Option<ScriptedModel>> {
    let named = context.settings.model.as_deref();
    let Some(script) = named.and_then(|name| name.strip_prefix(SCRIPTED)) else {
        return Ok(None);
    };
    refuse_scripts(context)?;
    let text = fs::read_to_string(script).with_context(|| format!("cannot read the script {script:?}"))?;
    Ok(Some(ScriptedModel::from_jsonl(script, &text)?))
}

/// Opens the registry, which refuses what the policy does not allow.
pub(crate) fn registry(context: &Context) -> Registry {
    let registry = Registry::open(&context.directories.models);
    match &context.settings.rules.allowed_models {
        Some(allowed) => registry.allowing(allowed.iter().map(|hash| hash.0.clone())),
        None => registry,
    }
}

/// A policy that names the models leaves no room for a script in the place of one.
fn refuse_scripts(context: &Context) -> Result<(), ConfigError> {
    match context.settings.rules.allowed_models {
        Some(_) => Err(ConfigError::ScriptDenied),
        None => Ok(()),
    }
}

/// Returns the checked file of the model that the settings name, or of the only one that is registered.
///
/// # Errors
/// When there is no such model, or its file is not what was registered.
pub(crate) fn file(context: &Context) -> anyhow::Result<ModelFile> {
    let registry = registry(context);
    let name = match &context.settings.model {
        Some(name) => name.clone(),
        None => registry.default_name()?,
    };
    Ok(registry.resolve(&name, &context.progress)?)
}
