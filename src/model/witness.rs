use std::error::Error;

use super::{Completion, CompletionRequest, EngineStamp, LanguageModel, Message, ModelError, ModelScale, Session};
use crate::progress::Progress;

/// Is told what a model is asked and what it answers.
pub trait Witness {
    /// Takes note of a request before the model reads it; returns a number for [`Witness::answered`].
    ///
    /// # Errors
    /// When it cannot take note; the model is not asked then.
    fn asked(&self, request: &CompletionRequest<'_>) -> Result<u64, Box<dyn Error + Send + Sync>>;

    /// Takes note of what became of the request with this number.
    fn answered(&self, ticket: u64, outcome: Result<&Completion, &ModelError>);
}

/// A model that says nothing without its witness.
pub struct Witnessed<'m> {
    model: &'m dyn LanguageModel,
    witness: &'m dyn Witness,
}

impl<'m> Witnessed<'m> {
    /// Returns the model with a witness to every completion.
    pub fn new(model: &'m dyn LanguageModel, witness: &'m dyn Witness) -> Self {
        Self { model, witness }
    }
}

impl LanguageModel for Witnessed<'_> {
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
        self.model.count_conversation(messages)
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError> {
        Ok(Box::new(WitnessedSession {
            witness: self.witness,
            session: self.model.session()?,
        }))
    }
}

struct WitnessedSession<'m> {
    witness: &'m dyn Witness,
    session: Box<dyn Session + 'm>,
}

impl Session for WitnessedSession<'_> {
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError> {
        let ticket = self.witness.asked(request).map_err(ModelError::NotRecorded)?;
        let outcome = self.session.complete(request, progress);
        self.witness.answered(ticket, outcome.as_ref());
        outcome
    }

    fn complete_all(
        &mut self,
        requests: &[CompletionRequest<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<Completion, ModelError>>, ModelError> {
        let tickets = requests.iter().map(|request| self.witness.asked(request));
        let tickets: Vec<u64> = tickets.collect::<Result<_, _>>().map_err(ModelError::NotRecorded)?;
        let outcomes = self.session.complete_all(requests, progress);
        match &outcomes {
            Ok(all) => {
                for (ticket, outcome) in tickets.iter().zip(all) {
                    self.witness.answered(*ticket, outcome.as_ref());
                }
            }
            Err(error) => tickets
                .iter()
                .for_each(|ticket| self.witness.answered(*ticket, Err(error))),
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::model::{Role, ScriptedModel};
    use crate::progress::NoProgress;

    #[derive(Default)]
    struct Book {
        lines: RefCell<Vec<String>>,
        full: bool,
    }

    impl Witness for Book {
        fn asked(&self, request: &CompletionRequest<'_>) -> Result<u64, Box<dyn Error + Send + Sync>> {
            if self.full {
                return Err("the book is full".into());
            }
            let mut lines = self.lines.borrow_mut();
            lines.push(request.messages[0].content.clone());
            Ok(lines.len() as u64)
        }

        fn answered(&self, ticket: u64, outcome: Result<&Completion, &ModelError>) {
            let text = outcome.map_or_else(ToString::to_string, |answer| answer.text.clone());
            self.lines.borrow_mut().push(format!("{ticket}: {text}"));
        }
    }

    #[test]
    fn nothing_is_asked_without_the_witness() {
        let script = ScriptedModel::from_jsonl("script", "{\"reply\": \"x\"}\n{\"reply\": \"y\"}").unwrap();
        let messages = [Message::new(Role::User, "go")];
        let request = CompletionRequest::new(&messages, 8);
        let full = Book {
            full: true,
            ..Book::default()
        };
        let refused = Witnessed::new(&script, &full)
            .session()
            .unwrap()
            .complete(&request, &NoProgress);
        assert!(matches!(refused, Err(ModelError::NotRecorded(_))));
        let book = Book::default();
        let model = Witnessed::new(&script, &book);
        let mut session = model.session().unwrap();
        // The refused request took nothing from the script.
        assert_eq!(session.complete(&request, &NoProgress).unwrap().text, "x");
        let both = session.complete_all(&[request.clone(), request], &NoProgress).unwrap();
        assert!(both[0].is_ok() && both[1].is_err());
        let lines = book.lines.borrow();
        assert_eq!(lines[..5], ["go", "1: x", "go", "go", "3: y"]);
        assert!(lines[5].starts_with("4: the script has no answer"), "{lines:?}");
    }
}
