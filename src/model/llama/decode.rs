use llama_cpp_2::token::LlamaToken;

use super::{
    super::{CompletionRequest, Finish, ModelError},
    sampler::{Chooser, Margin},
    session::LlamaSession,
    text::{find_stop, finish_text},
};
use crate::progress::{Phase, Progress};

/// How often decoding turns back from a completion that is excluded.
const MAX_REWINDS: usize = 8;

/// What decoding gave.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) finish: Finish,
    /// Tokens decoded, those that were taken back included.
    pub(super) tokens: u64,
}

/// One completion as it is decoded, token by token.
pub(super) struct Decoding<'s, 'm, 'r> {
    session: &'s mut LlamaSession<'m>,
    chooser: Chooser<'m>,
    request: &'r CompletionRequest<'r>,
    progress: &'r dyn Progress,
    prompt_tokens: usize,
    steps: Vec<Step>,
    bytes: Vec<u8>,
    /// Tokens that must not be chosen at a step again.
    bans: Vec<(usize, LlamaToken)>,
    decoded: u64,
}

struct Step {
    token: LlamaToken,
    /// How far ahead of the second likeliest token this one was, in logits.
    margin: f32,
    /// Where its text begins.
    start: usize,
}

struct End {
    finish: Finish,
    text_bytes: usize,
}

impl<'s, 'm, 'r> Decoding<'s, 'm, 'r> {
    /// Begins after the prompt that the session has just read.
    pub(super) fn new(
        session: &'s mut LlamaSession<'m>,
        chooser: Chooser<'m>,
        request: &'r CompletionRequest<'r>,
        progress: &'r dyn Progress,
    ) -> Self {
        Self {
            prompt_tokens: session.cached().len(),
            session,
            chooser,
            request,
            progress,
            steps: Vec::new(),
            bytes: Vec::new(),
            bans: Vec::new(),
            decoded: 0,
        }
    }

    /// Decodes until the completion ends and is not one that is excluded.
    ///
    /// An excluded completion is left at its least certain token: that one is banned there and decoding goes on with the
    /// next likeliest.
    ///
    /// # Errors
    /// [`ModelError::OnlyExcluded`] when it is excluded again and again.
    pub(super) fn run(mut self) -> Result<Decoded, ModelError> {
        for _ in 0..=MAX_REWINDS {
            let end = self.until_end()?;
            let text = finish_text(&self.bytes[..end.text_bytes]);
            if !self.request.exclude.contains(&text) {
                return Ok(Decoded {
                    text,
                    finish: end.finish,
                    tokens: self.decoded,
                });
            }
            match self.least_certain(end.text_bytes) {
                Some(step) => self.turn_back(step)?,
                None => break,
            }
        }
        Err(ModelError::OnlyExcluded)
    }

    fn until_end(&mut self) -> Result<End, ModelError> {
        let end = |finish, text_bytes| Ok(End { finish, text_bytes });
        let margin = if self.request.exclude.is_empty() {
            Margin::NotWanted
        } else {
            Margin::Wanted
        };
        loop {
            if self.progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            if self.steps.len() >= self.request.max_tokens {
                return end(Finish::Length, self.bytes.len());
            }
            let here = self.steps.len();
            let banned: Vec<LlamaToken> = self
                .bans
                .iter()
                .filter(|(step, _)| *step == here)
                .map(|(_, token)| *token)
                .collect();
            let choice = self.chooser.choose(self.session.logits(), &banned, margin)?;
            let start = self.bytes.len();
            self.steps.push(Step {
                token: choice.token,
                margin: choice.margin,
                start,
            });
            self.decoded += 1;
            self.progress.advance(Phase::Decode, self.steps.len() as u64);
            let vocab = self.session.owner.model.vocab();
            if vocab.is_eog(choice.token) {
                return end(Finish::EndOfTurn, start);
            }
            vocab.token_to_piece_into(choice.token, &mut self.bytes, false, None);
            if let Some(stop) = find_stop(&self.bytes, start, self.request.stop) {
                return end(Finish::StopText, stop);
            }
            if self.steps.len() >= self.request.max_tokens || self.session.is_full() {
                return end(Finish::Length, self.bytes.len());
            }
            self.chooser.accept(choice.token)?;
            self.session.evaluate(&[choice.token])?;
        }
    }

    /// Returns the step to leave a completion at: the least certain one that was not left before, or else the least
    /// certain one that has another token to offer.
    ///
    /// Steps that only write white space, or end the turn, come after those that write: another text is wanted, not
    /// another layout.
    fn least_certain(&self, text_bytes: usize) -> Option<usize> {
        let left_before = |step: usize| self.bans.iter().any(|(banned, _)| *banned == step);
        let writes = |step: usize| {
            let start = self.steps[step].start;
            let end = self.steps.get(step + 1).map_or(self.bytes.len(), |next| next.start);
            start < text_bytes && self.bytes[start..end].iter().any(|byte| !byte.is_ascii_whitespace())
        };
        (0..self.steps.len())
            .filter(|step| self.steps[*step].margin.is_finite())
            .min_by(|&one, &other| {
                let rank = |step| (left_before(step), !writes(step));
                rank(one)
                    .cmp(&rank(other))
                    .then_with(|| self.steps[one].margin.total_cmp(&self.steps[other].margin))
            })
    }

    fn turn_back(&mut self, step: usize) -> Result<(), ModelError> {
        self.bans.retain(|(banned, _)| *banned <= step);
        self.bans.push((step, self.steps[step].token));
        self.bytes.truncate(self.steps[step].start);
        self.steps.truncate(step);
        self.chooser.replay(self.steps.iter().map(|step| step.token))?;
        let tokens = self.session.cached()[..self.prompt_tokens + step].to_vec();
        self.session.read(&tokens, self.progress, |_| {})
    }
}
