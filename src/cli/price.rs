//! What the tokens of a run would have cost where they are sold, at prices that the user sets.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ledger::Cost;

/// The price of a million tokens, to six decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Price {
    millionths: u64,
}

/// A price as it is written in TOML.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Whole(i64),
    Broken(f64),
}

impl TryFrom<Written> for Price {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        const MOST: f64 = 1e9;
        const MILLION: f64 = 1e6;
        let price = match written {
            Written::Whole(price) => price as f64,
            Written::Broken(price) => price,
        };
        match (0.0..=MOST).contains(&price) {
            true => Ok(Self {
                millionths: (price * MILLION).round() as u64,
            }),
            false => Err("expected a price from 0 to 1000000000"),
        }
    }
}

/// The prices that the user has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prices {
    /// Of prompt tokens that are read.
    pub(crate) prompt: Option<Price>,
    /// Of prompt tokens from a cache; none where they cost what the others do.
    pub(crate) cached: Option<Price>,
    /// Of tokens that are written.
    pub(crate) completion: Option<Price>,
    /// What they are in.
    pub(crate) currency: Option<String>,
}

impl Prices {
    /// Returns what these tokens would have cost; none where the price of what is read or of what is written is not set.
    pub(crate) fn of(&self, cost: &Cost) -> Option<Amount> {
        const MILLIONTHS_OF_MILLIONTHS: f64 = 1e12;
        let (prompt, completion) = (self.prompt?, self.completion?);
        let read = cost.prompt_tokens.saturating_sub(cost.cached_tokens);
        let parts = [
            (read, prompt),
            (
                cost.cached_tokens.min(cost.prompt_tokens),
                self.cached.unwrap_or(prompt),
            ),
            (cost.completion_tokens, completion),
        ];
        let sum: u128 = parts
            .iter()
            .map(|(tokens, price)| u128::from(*tokens) * u128::from(price.millionths))
            .sum();
        Some(Amount {
            amount: sum as f64 / MILLIONTHS_OF_MILLIONTHS,
            currency: self.currency.clone(),
        })
    }
}

/// A sum of money.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Amount {
    amount: f64,
    currency: Option<String>,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.amount)?;
        match &self.currency {
            Some(currency) => write!(f, " {currency}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Option<Price> {
        #[derive(Deserialize)]
        struct Setting {
            price: Price,
        }
        toml::from_str::<Setting>(&format!("price = {text}"))
            .ok()
            .map(|setting| setting.price)
    }

    #[test]
    fn every_kind_of_token_has_its_price() {
        let cost = Cost {
            prompt_tokens: 3_000_000,
            cached_tokens: 1_000_000,
            completion_tokens: 500_000,
            drafted_tokens: 400_000,
            accepted_tokens: 300_000,
            ..Cost::default()
        };
        let mut prices = Prices {
            prompt: price("2"),
            completion: price("10.0"),
            currency: Some("EUR".to_owned()),
            ..Prices::default()
        };
        let said = |prices: &Prices| prices.of(&cost).map(|amount| amount.to_string());
        assert_eq!(said(&prices).as_deref(), Some("11.000000 EUR"));
        prices.cached = price("0.5");
        assert_eq!(said(&prices).as_deref(), Some("9.500000 EUR"));
        prices.currency = None;
        prices.prompt = price("0.000001");
        assert_eq!(said(&prices).as_deref(), Some("5.500002"));
        prices.completion = None;
        assert_eq!(said(&prices), None);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for wrong in ["-1", "nan", "inf", "1e10", "'2'", "true"] {
            assert_eq!(price(wrong), None, "{wrong}");
        }
        assert_eq!(price("0.15"), Some(Price { millionths: 150_000 }));
    }
}
