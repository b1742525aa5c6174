use llama_cpp_2::{
    model::LlamaModel,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};

use super::super::{Constraint, ModelError, Sampling};

/// Survivors of the grammar are looked for among this many of the likeliest tokens before all are tried.
const SHORT_LIST: usize = 64;

/// Whether the distance between the two likeliest tokens is worth its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Margin {
    Wanted,
    NotWanted,
}

/// A chosen token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) token: LlamaToken,
    /// Logit of the likeliest token minus that of the second; infinite when there is no other or nobody asked.
    pub(super) margin: f32,
}

/// Chooses tokens from logits, under a grammar where there is one.
///
/// At temperature 0 no copy of the logits is made: one pass finds the likeliest token, and the grammar is asked about that
/// one first. Choosing never advances the grammar; [`Chooser::accept`] does, once a token.
pub(super) struct Chooser<'m> {
    control: &'m [bool],
    grammar: Option<LlamaSampler>,
    random: Option<LlamaSampler>,
    candidates: LlamaTokenDataArray,
}

impl<'m> Chooser<'m> {
    /// Returns a chooser; `control` marks the tokens that are never chosen.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when the grammar is not accepted.
    pub(super) fn new(
        model: &LlamaModel,
        control: &'m [bool],
        sampling: &Sampling,
        constraint: &Constraint,
    ) -> Result<Self, ModelError> {
        let grammar = match constraint {
            Constraint::None => None,
            Constraint::Gbnf(text) => Some(
                LlamaSampler::grammar(model, text, "root").map_err(|error| ModelError::Grammar(error.to_string()))?,
            ),
        };
        let random = (sampling.temperature > 0.0).then(|| {
            LlamaSampler::chain(
                [
                    LlamaSampler::top_p(sampling.top_p, 1),
                    LlamaSampler::temp(sampling.temperature),
                    LlamaSampler::dist(sampling.seed),
                ],
                true,
            )
        });
        Ok(Self {
            control,
            grammar,
            random,
            candidates: LlamaTokenDataArray::new(Vec::new(), false),
        })
    }

    /// Chooses the next token; those in `banned` are out.
    ///
    /// # Errors
    /// [`ModelError::Decode`] when no token is left.
    pub(super) fn choose(
        &mut self,
        logits: &[f32],
        banned: &[LlamaToken],
        margin: Margin,
    ) -> Result<Choice, ModelError> {
        let top = self.top_two(logits, banned);
        let token = if self.random.is_some() {
            self.sample(logits, banned)?
        } else if self.grammar.is_some() && margin == Margin::Wanted {
            return self.constrained_top(logits, banned, margin);
        } else {
            match top {
                Some(choice) if self.grammar_allows(choice.token) => choice.token,
                Some(_) => return self.constrained_top(logits, banned, margin),
                None => return Err(nothing_left()),
            }
        };
        Ok(Choice {
            token,
            margin: top.map_or(f32::INFINITY, |top| top.margin),
        })
    }

    /// Advances the grammar by a chosen token.
    ///
    /// # Errors
    /// [`ModelError::Decode`] when the grammar does not have it there.
    pub(super) fn accept(&mut self, token: LlamaToken) -> Result<(), ModelError> {
        match &mut self.grammar {
            Some(grammar) => grammar
                .try_accept(token)
                .map_err(|error| ModelError::Decode(format!("the grammar refused a token: {error}"))),
            None => Ok(()),
        }
    }

    /// Sets the grammar back to its start, then forward by `tokens`.
    ///
    /// # Errors
    /// [`ModelError::Decode`] when the grammar does not have them.
    pub(super) fn replay(&mut self, tokens: impl IntoIterator<Item = LlamaToken>) -> Result<(), ModelError> {
        if let Some(grammar) = &mut self.grammar {
            grammar.reset();
        }
        tokens.into_iter().try_for_each(|token| self.accept(token))
    }

    fn top_two(&self, logits: &[f32], banned: &[LlamaToken]) -> Option<Choice> {
        let mut best: Option<(usize, f32)> = None;
        let mut second = f32::NEG_INFINITY;
        for (id, &logit) in logits.iter().enumerate() {
            // Few logits pass the first test, so the second may be slow.
            if logit > second && self.allowed(id, banned) {
                match best {
                    Some((_, first)) if logit <= first => second = logit,
                    previous => {
                        second = previous.map_or(f32::NEG_INFINITY, |(_, first)| first);
                        best = Some((id, logit));
                    }
                }
            }
        }
        best.map(|(id, logit)| Choice {
            token: token_of(id),
            margin: logit - second,
        })
    }

    fn allowed(&self, id: usize, banned: &[LlamaToken]) -> bool {
        self.control.get(id) != Some(&true) && !banned.contains(&token_of(id))
    }

    fn grammar_allows(&mut self, token: LlamaToken) -> bool {
        let Some(grammar) = &mut self.grammar else {
            return true;
        };
        let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 1.0, 0.0)], false);
        grammar.apply(&mut one);
        one.data.first().is_some_and(|data| data.logit().is_finite())
    }

    /// Draws at random; a token that the grammar refuses is drawn again from those that it allows.
    fn sample(&mut self, logits: &[f32], banned: &[LlamaToken]) -> Result<LlamaToken, ModelError> {
        self.collect(logits, banned);
        let token = self.draw()?;
        if self.grammar_allows(token) {
            return Ok(token);
        }
        self.collect(logits, banned);
        self.keep_what_the_grammar_allows();
        self.draw()
    }

    fn draw(&mut self) -> Result<LlamaToken, ModelError> {
        if self.candidates.data.is_empty() {
            return Err(nothing_left());
        }
        if let Some(random) = &mut self.random {
            random.apply(&mut self.candidates);
        }
        self.candidates.selected_token().ok_or_else(nothing_left)
    }

    /// Returns the likeliest token that the grammar allows.
    fn constrained_top(&mut self, logits: &[f32], banned: &[LlamaToken], margin: Margin) -> Result<Choice, ModelError> {
        self.collect(logits, banned);
        let descending = |one: &LlamaTokenData, other: &LlamaTokenData| other.logit().total_cmp(&one.logit());
        if self.candidates.data.len() > SHORT_LIST {
            self.candidates.data.select_nth_unstable_by(SHORT_LIST, descending);
            self.candidates.data.truncate(SHORT_LIST);
        }
        self.keep_what_the_grammar_allows();
        // The likeliest survivor of the short list is the likeliest of all; the second may be among the rest.
        let needed = if margin == Margin::Wanted { 2 } else { 1 };
        if self.candidates.data.len() < needed {
            self.collect(logits, banned);
            self.keep_what_the_grammar_allows();
        }
        self.candidates.data.sort_unstable_by(descending);
        match self.candidates.data.as_slice() {
            [] => Err(nothing_left()),
            [only] => Ok(Choice {
                token: only.id(),
                margin: f32::INFINITY,
            }),
            [first, second, ..] => Ok(Choice {
                token: first.id(),
                margin: first.logit() - second.logit(),
            }),
        }
    }

    fn collect(&mut self, logits: &[f32], banned: &[LlamaToken]) {
        let mut data = std::mem::take(&mut self.candidates.data);
        data.clear();
        data.extend(
            logits
                .iter()
                .enumerate()
                .filter(|(id, logit)| !logit.is_nan() && self.allowed(*id, banned))
                .map(|(id, &logit)| LlamaTokenData::new(token_of(id), logit, 0.0)),
        );
        self.candidates = LlamaTokenDataArray::new(data, false);
    }

    fn keep_what_the_grammar_allows(&mut self) {
        if let Some(grammar) = &mut self.grammar {
            grammar.apply(&mut self.candidates);
            self.candidates.data.retain(|data| data.logit().is_finite());
        }
    }
}

fn token_of(id: usize) -> LlamaToken {
    // Vocabularies are counted in 32 bits.
    LlamaToken::new(id as i32)
}

fn nothing_left() -> ModelError {
    ModelError::Decode("no token is left to choose".to_owned())
}
