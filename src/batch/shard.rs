use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::text::RepoPath;

/// One of several parts of a code base, `2/4`: the files whose names fall to it by a hash that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    /// From 1.
    number: NonZeroU32,
    count: NonZeroU32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self {
        number: NonZeroU32::MIN,
        count: NonZeroU32::MIN,
    };

    /// Tells whether a file falls to it. All places of a file are one shard's, so that none meets another's edits.
    pub fn takes(self, path: &RepoPath) -> bool {
        let digest = Sha256::digest(path.as_str());
        let head = u64::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ]);
        head % u64::from(self.count.get()) == u64::from(self.number.get() - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no shard: say 1/4 for the first of four");
        let (number, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self {
            number: number.parse().map_err(|_| wrong())?,
            count: count.parse().map_err(|_| wrong())?,
        };
        match shard.number <= shard.count {
            true => Ok(shard),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_falls_to_one_shard() {
        let shards: Vec<Shard> = (1..=4).map(|number| format!("{number}/4").parse().unwrap()).collect();
        let mut counts = [0; 4];
        for number in 0..400 {
            let path = RepoPath::new(&format!("src/{number}.c")).unwrap();
            let own: Vec<usize> = (0..4).filter(|at| shards[*at].takes(&path)).collect();
            assert_eq!(own.len(), 1);
            counts[own[0]] += 1;
            assert!(Shard::WHOLE.takes(&path));
        }
        assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
        // It is kept in files and spread over machines: it must never be another one.
        assert!(shards[0].takes(&RepoPath::new("src/main.c").unwrap()));
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("2/4".parse::<Shard>().unwrap().to_string(), "2/4");
    }
}
