use llama_cpp_2::model::{LlamaModel, params::LlamaModelParams};

use super::{MAX_TEXT_BYTES, backend};
use crate::model::{ModelError, ModelFile};

/// The tokenizer of a model without its weights.
pub struct Vocabulary {
    model: LlamaModel,
}

impl Vocabulary {
    /// Loads the vocabulary of a file whose hash and header were checked.
    ///
    /// # Errors
    /// [`ModelError::Load`] when llama.cpp refuses it.
    pub fn load(file: &ModelFile) -> Result<Self, ModelError> {
        let fail = |reason: String| ModelError::Load {
            file: file.path.display().to_string(),
            reason,
        };
        let backend = backend().map_err(|reason| fail(reason.to_owned()))?;
        let params = LlamaModelParams::default().with_vocab_only(true);
        let model =
            LlamaModel::load_from_file(backend, &file.path, &params).map_err(|error| fail(error.to_string()))?;
        Ok(Self { model })
    }

    /// Returns the number of tokens of `text` as message content.
    pub fn count_tokens(&self, text: &str) -> usize {
        if text.len() > MAX_TEXT_BYTES {
            return text.len();
        }
        self.model.vocab().tokenize(text.as_bytes(), false, false).len()
    }
}
