use super::PromptError;
use crate::model::{LanguageModel, Message, ModelError};

/// How many tokens a prompt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBudget {
    /// Prompt and answer together: the context length.
    pub context_tokens: usize,
    /// What the answer needs.
    pub answer_tokens: usize,
    /// The most that context fragments may add to a prompt: small models do worse with long ones.
    pub fragment_tokens: usize,
}

/// A piece of context that a prompt can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What it is, for the person who is told that it was left out.
    pub title: String,
    /// The text.
    pub text: String,
}

/// A prompt that fits.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Its length in tokens.
    pub prompt_tokens: usize,
    /// The titles of the fragments that did not fit.
    pub left_out: Vec<String>,
}

/// Why no prompt fits.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// What the prompt cannot do without is too long already.
    #[error(
        "the prompt needs {prompt_tokens} tokens and the answer {answer_tokens}, but the context holds {context_tokens}"
    )]
    TooLong {
        prompt_tokens: usize,
        answer_tokens: usize,
        context_tokens: usize,
    },
    /// The template failed.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The model could not count.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl TokenBudget {
    /// Renders a prompt with as many fragments as fit, in their order; one that does not fit is left out whole.
    ///
    /// `render` is called with the text of each fragment, empty where it is left out. Counts are the model's own.
    ///
    /// # Errors
    /// [`BudgetError::TooLong`] when the prompt does not fit even without fragments.
    pub fn fit(
        &self,
        model: &dyn LanguageModel,
        fragments: &[Fragment],
        render: impl Fn(&[&str]) -> Result<Vec<Message>, PromptError>,
    ) -> Result<Fitted, BudgetError> {
        let mut texts = vec![""; fragments.len()];
        let mut messages = render(&texts)?;
        let mut prompt_tokens = model.count_conversation(&messages)?;
        let bare_tokens = prompt_tokens;
        if prompt_tokens + self.answer_tokens > self.context_tokens {
            return Err(BudgetError::TooLong {
                prompt_tokens,
                answer_tokens: self.answer_tokens,
                context_tokens: self.context_tokens,
            });
        }
        let most = (self.context_tokens - self.answer_tokens).min(bare_tokens + self.fragment_tokens);
        let mut left_out = Vec::new();
        for (i, fragment) in fragments.iter().enumerate() {
            if fragment.text.is_empty() {
                continue;
            }
            texts[i] = &fragment.text;
            let tried = render(&texts)?;
            let tokens = model.count_conversation(&tried)?;
            if tokens <= most {
                messages = tried;
                prompt_tokens = tokens;
            } else {
                texts[i] = "";
                left_out.push(fragment.title.clone());
            }
        }
        Ok(Fitted {
            messages,
            prompt_tokens,
            left_out,
        })
    }
}
