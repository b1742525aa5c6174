use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::model;

/// A setting that is `auto` or has a value, as it is written on the command line and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice<T> {
    /// What suits the machine.
    #[default]
    Auto,
    /// This.
    Fixed(T),
}

impl<T> Choice<T> {
    /// Returns the value, or none where the machine decides.
    pub(crate) fn fixed(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Fixed(value) => Some(value),
        }
    }
}

/// How many layers of a model go to GPU memory.
pub(crate) type GpuLayers = Choice<u32>;

/// A context length in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextTokens(pub(crate) u32);

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KvType(pub(crate) model::KvType);

/// Something that stands beside `auto`.
pub(crate) trait Chosen: Sized + fmt::Display {
    /// What is expected, for the message.
    const EXPECTED: &'static str;

    /// Reads it; none where the text is something else.
    fn read(text: &str) -> Option<Self>;
}

impl Chosen for u32 {
    const EXPECTED: &'static str = "expected `auto` or a number";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Chosen for ContextTokens {
    const EXPECTED: &'static str = "expected `auto` or a number from 256";

    fn read(text: &str) -> Option<Self> {
        const LEAST: u32 = 256;
        text.parse().ok().filter(|tokens| *tokens >= LEAST).map(Self)
    }
}

impl fmt::Display for ContextTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Chosen for KvType {
    const EXPECTED: &'static str = "expected `auto`, `f16` or `q8_0`";

    fn read(text: &str) -> Option<Self> {
        let known = [model::KvType::F16, model::KvType::Q8_0];
        known.into_iter().find(|kind| kind.as_str() == text).map(Self)
    }
}

impl fmt::Display for KvType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Chosen> FromStr for Choice<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => T::read(text).map(Self::Fixed).ok_or_else(|| T::EXPECTED.to_owned()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(value) => value.fmt(f),
        }
    }
}

impl<'de, T: Chosen> Deserialize<'de> for Choice<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(u64),
            Word(String),
        }
        let wrong = || serde::de::Error::custom(T::EXPECTED);
        let text = match Raw::deserialize(deserializer).map_err(|_| wrong())? {
            Raw::Number(number) => number.to_string(),
            Raw::Word(word) => word,
        };
        text.parse().map_err(|_| wrong())
    }
}
