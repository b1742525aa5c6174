use llama_cpp_2::{
    model::LlamaModel,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};

use super::{
    super::{Constraint, ModelError, Sampling},
    text::OpenCharacter,
};

/// What the grammar allows is looked for among so many of the likeliest tokens, list by list, before all are tried: a
/// thousand tokens take the grammar 0.1 ms.
const SHORT_LISTS: [usize; 3] = [64, 512, 4096];
/// The nucleus of a draw among what the grammar allows is at most so much: the rest would be nearly all tokens.
const MOST_MASS: f64 = 0.999;

/// The likeliest token is looked for in blocks of so many.
const BLOCK: usize = 256;

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
    model: &'m LlamaModel,
    control: &'m [bool],
    grammar: Option<LlamaSampler>,
    /// Under a grammar, where the text stands inside a character.
    open: OpenCharacter,
    top_p: f32,
    random: Option<LlamaSampler>,
    candidates: LlamaTokenDataArray,
}

impl<'m> Chooser<'m> {
    /// Returns a chooser; `control` marks the tokens that are never chosen.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when the grammar is not accepted.
    pub(super) fn new(
        model: &'m LlamaModel,
        control: &'m [bool],
        sampling: &Sampling,
        constraint: &Constraint,
    ) -> Result<Self, ModelError> {
        let grammar = match constraint {
            Constraint::None => None,
            Constraint::Gbnf(text) => Some(text.as_str()),
            Constraint::JsonSchema(schema) => Some(schema.grammar()),
        };
        let grammar = grammar
            .map(|text| LlamaSampler::grammar(model, text, "root"))
            .transpose()
            .map_err(|error| ModelError::Grammar(error.to_string()))?;
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
            model,
            control,
            grammar,
            open: OpenCharacter::default(),
            top_p: sampling.top_p,
            random,
            candidates: LlamaTokenDataArray::new(Vec::new(), false),
        })
    }

    /// Chooses the next token; those in `banned` are out.
    ///
    /// # Errors
    /// [`ModelError::Grammar`] when the grammar allows no token, [`ModelError::Decode`] when none is left without one.
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
                None => return Err(self.nothing_left()),
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
        let Some(grammar) = &mut self.grammar else {
            return Ok(());
        };
        grammar
            .try_accept(token)
            .map_err(|error| ModelError::Decode(format!("the grammar refused a token: {error}")))?;
        self.open = self.after(token).unwrap_or_default();
        Ok(())
    }

    /// Sets the grammar back to its start, then forward by `tokens`.
    ///
    /// # Errors
    /// [`ModelError::Decode`] when the grammar does not have them.
    pub(super) fn replay(&mut self, tokens: impl IntoIterator<Item = LlamaToken>) -> Result<(), ModelError> {
        if let Some(grammar) = &mut self.grammar {
            grammar.reset();
            self.open = OpenCharacter::default();
        }
        tokens.into_iter().try_for_each(|token| self.accept(token))
    }

    fn top_two(&self, logits: &[f32], banned: &[LlamaToken]) -> Option<Choice> {
        let mut best: Option<(usize, f32)> = None;
        let mut second = f32::NEG_INFINITY;
        for (number, block) in logits.chunks(BLOCK).enumerate() {
            // Few blocks have such a logit, so what comes after may be slow.
            if greatest(block) <= second {
                continue;
            }
            for (id, &logit) in (number * BLOCK..).zip(block) {
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
        if self.grammar.is_none() {
            return true;
        }
        let mut data = std::mem::take(&mut self.candidates.data);
        data.clear();
        data.push(LlamaTokenData::new(token, 1.0, 0.0));
        self.candidates = LlamaTokenDataArray::new(data, false);
        self.keep_what_the_grammar_allows();
        !self.candidates.data.is_empty()
    }

    /// Draws at random; a token that the grammar refuses is drawn again from those that it allows.
    fn sample(&mut self, logits: &[f32], banned: &[LlamaToken]) -> Result<LlamaToken, ModelError> {
        self.collect(logits, banned, usize::MAX);
        let token = self.draw()?;
        if self.grammar_allows(token) {
            return Ok(token);
        }
        self.collect_allowed_mass(logits, banned);
        self.draw()
    }

    fn draw(&mut self) -> Result<LlamaToken, ModelError> {
        if self.candidates.data.is_empty() {
            return Err(self.nothing_left());
        }
        if let Some(random) = &mut self.random {
            random.apply(&mut self.candidates);
        }
        self.candidates.selected_token().ok_or_else(|| self.nothing_left())
    }

    /// Collects the likeliest tokens that the grammar allows, until those that it was not asked about cannot matter to a
    /// draw from the nucleus. While the longest list has one, none beyond it is drawn: asking about all takes the grammar as
    /// long as half a token takes a small model.
    fn collect_allowed_mass(&mut self, logits: &[f32], banned: &[LlamaToken]) {
        let wanted = f64::from(self.top_p).min(MOST_MASS);
        let greatest = greatest(logits);
        let mass = |logit: f32| f64::from((logit - greatest).exp());
        let mut whole = None;
        for limit in SHORT_LISTS {
            let complete = self.collect(logits, banned, limit) == Collected::All;
            let listed: f64 = self.candidates.data.iter().map(|data| mass(data.logit())).sum();
            self.keep_what_the_grammar_allows();
            let kept: f64 = self.candidates.data.iter().map(|data| mass(data.logit())).sum();
            let whole = *whole.get_or_insert_with(|| logits.iter().map(|logit| mass(*logit)).sum::<f64>());
            if complete || (kept > 0.0 && kept >= wanted * (kept + (whole - listed).max(0.0))) {
                return;
            }
        }
        if self.candidates.data.is_empty() {
            self.collect(logits, banned, usize::MAX);
            self.keep_what_the_grammar_allows();
        }
    }

    /// Returns the likeliest token that the grammar allows.
    fn constrained_top(&mut self, logits: &[f32], banned: &[LlamaToken], margin: Margin) -> Result<Choice, ModelError> {
        // The likeliest survivor of a short list is the likeliest of all; the second may be among the rest.
        let needed = if margin == Margin::Wanted { 2 } else { 1 };
        for limit in SHORT_LISTS.into_iter().chain([usize::MAX]) {
            let collected = self.collect(logits, banned, limit);
            self.keep_what_the_grammar_allows();
            if collected == Collected::All || self.candidates.data.len() >= needed {
                break;
            }
        }
        self.candidates.data.sort_unstable_by(likelier_first);
        match self.candidates.data.as_slice() {
            [] => Err(self.nothing_left()),
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

    /// Collects the likeliest tokens, at most `limit` of them, in no order.
    fn collect(&mut self, logits: &[f32], banned: &[LlamaToken], limit: usize) -> Collected {
        let mut data = std::mem::take(&mut self.candidates.data);
        data.clear();
        let mut floor = f32::NEG_INFINITY;
        let mut collected = Collected::All;
        for (id, &logit) in logits.iter().enumerate() {
            // Few logits pass the first test once the list has been full, and none that is not a number does.
            if logit > floor && self.allowed(id, banned) {
                data.push(LlamaTokenData::new(token_of(id), logit, 0.0));
                if data.len() >= limit.saturating_mul(2) {
                    data.select_nth_unstable_by(limit - 1, likelier_first);
                    floor = data[limit - 1].logit();
                    data.truncate(limit);
                    collected = Collected::Likeliest;
                }
            }
        }
        if data.len() > limit {
            data.select_nth_unstable_by(limit - 1, likelier_first);
            data.truncate(limit);
            collected = Collected::Likeliest;
        }
        self.candidates = LlamaTokenDataArray::new(data, false);
        collected
    }

    fn keep_what_the_grammar_allows(&mut self) {
        let Some(grammar) = &mut self.grammar else {
            return;
        };
        grammar.apply(&mut self.candidates);
        let mut data = std::mem::take(&mut self.candidates.data);
        data.retain(|data| data.logit().is_finite() && self.after(data.id()).is_some());
        self.candidates.data = data;
    }

    /// Returns where the text stands after `token`, or nothing if it is no text then: the grammar, which reads characters,
    /// does not notice a zero byte or an overlong form.
    fn after(&self, token: LlamaToken) -> Option<OpenCharacter> {
        let vocab = self.model.vocab();
        if vocab.is_eog(token) {
            return (self.open == OpenCharacter::default()).then_some(self.open);
        }
        let mut piece = Vec::with_capacity(32);
        vocab.token_to_piece_into(token, &mut piece, false, None);
        self.open.after(&piece)
    }

    fn nothing_left(&self) -> ModelError {
        match self.grammar {
            Some(_) => ModelError::Grammar("it allows nothing that this vocabulary can write".to_owned()),
            None => ModelError::Decode("no token is left to choose".to_owned()),
        }
    }
}

/// Which tokens a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Collected {
    All,
    Likeliest,
}

fn likelier_first(one: &LlamaTokenData, other: &LlamaTokenData) -> std::cmp::Ordering {
    other
        .logit()
        .total_cmp(&one.logit())
        .then_with(|| one.id().0.cmp(&other.id().0))
}

/// Returns the natural logarithm of a token's probability by the softmax of the logits.
pub(super) fn log_probability(logits: &[f32], token: LlamaToken) -> f32 {
    let greatest = greatest(logits);
    let Some(own) = usize::try_from(token.0).ok().and_then(|id| logits.get(id)) else {
        return f32::NEG_INFINITY;
    };
    let mass: f64 = logits.iter().map(|logit| f64::from((logit - greatest).exp())).sum();
    own - greatest - mass.ln() as f32
}

/// Returns the greatest number, with lanes that a compiler makes vector instructions of; what is not a number counts for nothing.
fn greatest(block: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (whole, rest) = block.as_chunks::<16>();
    for chunk in whole {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if logit > lane { *logit } else { *lane };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

fn token_of(id: usize) -> LlamaToken {
    // Vocabularies are counted in 32 bits.
    LlamaToken::new(id as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn probabilities_are_those_of_the_softmax() {
        let logits = [1.0, 3.0, 2.0];
        let mass: f32 = logits.iter().map(|logit: &f32| logit.exp()).sum();
        for (id, logit) in (0..).zip(logits) {
            let wanted = (logit.exp() / mass).ln();
            assert!((log_probability(&logits, LlamaToken::new(id)) - wanted).abs() < 1e-5);
        }
        assert_eq!(log_probability(&logits, LlamaToken::new(3)), f32::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn the_greatest_is_that_of_a_plain_search(logits in prop::collection::vec(prop::num::f32::ANY, 0..600)) {
            let plain = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            prop_assert_eq!(greatest(&logits), plain);
        }
    }
}
