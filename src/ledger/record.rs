use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use super::canonical::{self, CanonicalError};
use super::{Digest, Event, Fault, LedgerError};

/// The version of the form of records.
const VERSION: u64 = 1;

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number, from 1.
    pub seq: u64,
    /// The digest of the line before; [`Digest::NONE`] for the first.
    pub prev: Digest,
    /// The run that it belongs to: the number of the record that starts the run.
    pub run: u64,
    /// When it was written, in seconds since 1970 UTC.
    pub time_unix_s: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The version of this form.
    pub(super) v: u64,
}

/// A record and the digest of its line, which stands for all that was recorded up to it: `SEQ:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the record.
    pub seq: u64,
    /// The digest of its line.
    pub hash: Digest,
}

impl Record {
    pub(super) fn new(after: Option<Head>, run: u64, time_unix_s: u64, event: Event) -> Self {
        Self {
            seq: after.map_or(0, |head| head.seq) + 1,
            prev: after.map_or(Digest::NONE, |head| head.hash),
            run,
            time_unix_s,
            event,
            v: VERSION,
        }
    }

    /// Returns the line, without the line feed.
    pub(super) fn line(&self) -> Result<String, CanonicalError> {
        canonical::text(self)
    }

    /// Reads a line, without the line feed. Only the one spelling that [`Record::line`] gives is taken.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Fault> {
        let value = serde_json::from_slice(line).map_err(|error| Fault::Line(CanonicalError::Json(error)))?;
        let Value::Object(mut members) = value else {
            return Err(wrong("it is no object"));
        };
        let mut integer = |name: &str| {
            let value = members.remove(name);
            let integer = value.as_ref().and_then(Value::as_u64);
            integer.ok_or_else(|| wrong(&format!("it has no number `{name}`")))
        };
        let (seq, run, time_unix_s, v) = (integer("seq")?, integer("run")?, integer("time_unix_s")?, integer("v")?);
        if v != VERSION {
            return Err(wrong(&format!(
                "its form has version {v}, and this program knows {VERSION}"
            )));
        }
        let prev = members.remove("prev").unwrap_or_default();
        let prev = serde_json::from_value(prev).map_err(Fault::Record)?;
        let event = serde_json::from_value(Value::Object(members)).map_err(Fault::Record)?;
        let record = Self {
            seq,
            prev,
            run,
            time_unix_s,
            event,
            v,
        };
        // By the record, not by the JSON: a member that is null could be left out otherwise.
        canonical::check(&record, line).map_err(Fault::Line)?;
        Ok(record)
    }
}

fn wrong(reason: &str) -> Fault {
    Fault::Record(serde::de::Error::custom(reason))
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let wrong = || LedgerError::NotAHead(text.to_owned());
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let digits = !seq.starts_with('0') && seq.bytes().all(|digit| digit.is_ascii_digit());
        Ok(Self {
            seq: seq.parse().ok().filter(|_| digits).ok_or_else(wrong)?,
            hash: hash.parse().map_err(|_| wrong())?,
        })
    }
}
