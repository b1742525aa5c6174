//! The model that a verb works with: settings in, a loaded model out.

use std::fs;

use anyhow::Context as _;

use super::context::Context;
use crate::model::{LanguageModel, LlamaCpp, Registry, ScriptedModel};

/// Names a script of answers instead of weights, for tests: `scripted:FILE`.
const SCRIPTED: &str = "scripted:";

/// Loads the model that the settings name, or the only one that is registered.
///
/// # Errors
/// When there is no such model, its file is not what was registered, or it cannot be loaded.
pub(crate) fn load(context: &Context) -> anyhow::Result<Box<dyn LanguageModel>> {
    let settings = &context.settings;
    if let Some(script) = settings.model.as_deref().and_then(|name| name.strip_prefix(SCRIPTED)) {
        let text = fs::read_to_string(script).with_context(|| format!("cannot read the script {script:?}"))?;
        return Ok(Box::new(ScriptedModel::from_jsonl(script, &text)?));
    }
    let registry = Registry::open(&context.directories.models);
    let name = match &settings.model {
        Some(name) => name.clone(),
        None => registry.default_name()?,
    };
    let file = registry.resolve(&name, &context.progress)?;
    Ok(Box::new(LlamaCpp::load(&file, &settings.llama(), &context.progress)?))
}
