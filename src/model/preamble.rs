use super::{Completion, CompletionRequest, EngineStamp, LanguageModel, Message, ModelError, ModelScale, Session};
use crate::progress::Progress;

/// A model whose conversations all begin with the same text.
///
/// The text stands before all else, so the engine reads it once: the sessions of this process share its keys and values, and
/// those of later ones find them on disk.
pub struct Preamble<'m> {
    model: &'m dyn LanguageModel,
    text: String,
}

impl<'m> Preamble<'m> {
    /// Returns a model that is told `text` before the first message of each conversation.
    pub fn new(model: &'m dyn LanguageModel, text: String) -> Self {
        Self { model, text }
    }

    fn told(&self, messages: &[Message]) -> Vec<Message> {
        let mut told = messages.to_vec();
        if let Some(first) = told.first_mut() {
            first.content = format!("{}\n\n{}", self.text, first.content);
        }
        told
    }
}

impl LanguageModel for Preamble<'_> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn digest(&self) -> &str {
        self.model.digest()
    }

    fn engine(&self) -> EngineStamp {
        self.model.engine()
    }

    fn scale(&self) -> ModelScale {
        self.model.scale()
    }

    fn context_tokens(&self) -> usize {
        self.model.context_tokens()
    }

    fn least_kept_tokens(&self) -> Option<usize> {
        self.model.least_kept_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }

    fn count_conversation(&self, messages: &[Message]) -> Result<usize, ModelError> {
        self.model.count_conversation(&self.told(messages))
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError> {
        Ok(Box::new(PreambleSession {
            preamble: self,
            session: self.model.session()?,
        }))
    }
}

struct PreambleSession<'m> {
    preamble: &'m Preamble<'m>,
    session: Box<dyn Session + 'm>,
}

impl Session for PreambleSession<'_> {
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError> {
        let messages = self.preamble.told(request.messages);
        let request = CompletionRequest {
            messages: &messages,
            ..request.clone()
        };
        self.session.complete(&request, progress)
    }

    fn complete_all(
        &mut self,
        requests: &[CompletionRequest<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<Completion, ModelError>>, ModelError> {
        let conversations: Vec<Vec<Message>> = requests
            .iter()
            .map(|request| self.preamble.told(request.messages))
            .collect();
        let requests: Vec<CompletionRequest<'_>> = requests
            .iter()
            .zip(&conversations)
            .map(|(request, messages)| CompletionRequest {
                messages,
                ..request.clone()
            })
            .collect();
        self.session.complete_all(&requests, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Role, ScriptedModel},
        progress::NoProgress,
    };

    #[test]
    fn every_conversation_begins_with_it_and_counts_it() {
        let line = r#"{"reply": "x", "prompt_contains": ["the outline\n\nbe careful"]}"#;
        let script = ScriptedModel::from_jsonl("script", &format!("{line}\n{line}\n{line}")).unwrap();
        let model = Preamble::new(&script, "the outline".to_owned());
        let messages = [Message::new(Role::System, "be careful"), Message::new(Role::User, "go")];
        assert!(model.count_conversation(&messages).unwrap() > script.count_conversation(&messages).unwrap());
        let request = CompletionRequest::new(&messages, 8);
        let mut session = model.session().unwrap();
        assert_eq!(session.complete(&request, &NoProgress).unwrap().text, "x");
        let both = session.complete_all(&[request.clone(), request], &NoProgress).unwrap();
        assert!(both.into_iter().all(|outcome| outcome.unwrap().text == "x"));
    }
}
