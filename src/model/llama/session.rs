use super::{
    super::{Completion, CompletionRequest, LanguageModel, ModelError, Session},
    LlamaCpp,
    cache::{BATCH_TOKENS, KvCache},
    drafting::Drafting,
    pace::Pace,
    scheduler::{Outcome, Scheduler, Work},
};
use crate::progress::Progress;

/// One conversation with its KV cache, and room for many completions at once beside it.
pub(super) struct LlamaSession<'m> {
    owner: &'m LlamaCpp,
    cache: KvCache<'m>,
    pace: Pace,
    drafting: Drafting<'m>,
}

impl<'m> LlamaSession<'m> {
    /// Allocates the KV cache and the compute buffers.
    ///
    /// # Errors
    /// [`ModelError::Context`] when there is no memory for them.
    pub(super) fn new(owner: &'m LlamaCpp) -> Result<Self, ModelError> {
        Ok(Self {
            owner,
            cache: KvCache::new(owner, owner.sequences())?,
            pace: Pace::new(BATCH_TOKENS),
            drafting: Drafting::new(owner),
        })
    }

    fn work<'r>(&self, number: usize, request: &'r CompletionRequest<'r>) -> Result<Work<'r>, ModelError> {
        let prompt = self.owner.prompt(request.messages, request.assistant_prefix)?;
        if prompt.is_empty() {
            return Err(ModelError::Template("the prompt came out empty".to_owned()));
        }
        let context_tokens = self.owner.context_tokens();
        if prompt.len() >= context_tokens {
            return Err(ModelError::ContextFull {
                prompt_tokens: prompt.len(),
                context_tokens,
            });
        }
        Ok(Work {
            number,
            request,
            prompt,
        })
    }

    fn scheduler<'s, 'r>(&'s mut self, progress: &'r dyn Progress) -> Scheduler<'s, 'm, 'r> {
        Scheduler::new(
            self.owner,
            &mut self.cache,
            &mut self.pace,
            &mut self.drafting,
            progress,
        )
    }
}

impl Session for LlamaSession<'_> {
    fn complete(&mut self, request: &CompletionRequest<'_>, progress: &dyn Progress) -> Result<Completion, ModelError> {
        let work = self.work(0, request)?;
        self.scheduler(progress).run_one(work)
    }

    fn complete_all(
        &mut self,
        requests: &[CompletionRequest<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, ModelError> {
        if self.cache.sequences() < 3 {
            return super::super::language_model::one_after_another(self, requests, progress);
        }
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let mut works = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            match self.work(number, request) {
                Ok(work) => {
                    works.push(work);
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Err(error))),
            }
        }
        for (number, outcome) in self.scheduler(progress).run_many(works)? {
            outcomes[number] = Some(outcome);
        }
        let lost = || ModelError::Decode("a request came to no end".to_owned());
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err(lost())))
            .collect())
    }
}
