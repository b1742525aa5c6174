use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::LedgerError;

const MAX_CHARS: usize = 200;

/// How a person marks what skiff makes, for example `INTERNAL`; never guessed. One line of text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Marking(String);

impl Marking {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Marking {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.chars().count() > MAX_CHARS || trimmed.contains(breaks) {
            return Err(LedgerError::NotAMarking(text.to_owned()));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl TryFrom<String> for Marking {
    type Error = LedgerError;

    fn try_from(text: String) -> Result<Self, LedgerError> {
        text.parse()
    }
}
