use serde::{Deserialize, Serialize};

use crate::repo::BlobId;
use crate::text::{RepoPath, TextEdit, TextRange};

/// What became of a place, as it is kept while a run is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteRecord {
    /// The file.
    pub path: RepoPath,
    /// The id of its bytes when the place was found.
    pub blob: BlobId,
    /// Where the place was then.
    pub range: TextRange,
    /// The zero-based line on which it began.
    pub line: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it is left out of the series all the same: what a check said of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

/// What became of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// It was changed.
    Done {
        /// Who changed it.
        by: Author,
        /// In which round of its file: in round 0 the rewrites of the plan, each an edit of the text that those before it
        /// leave; in each other round the model's, all of them edits of the text that the rounds before leave.
        round: u32,
        /// What is replaced.
        replaced: TextRange,
        /// What stands there afterwards.
        text: String,
        /// What the model cost; nothing where it was not asked.
        tokens: Tokens,
    },
    /// It is right as it is.
    Unchanged {
        /// What it cost to find out.
        tokens: Tokens,
    },
    /// It could not be changed.
    Failed {
        /// Why.
        reason: String,
        /// What it cost to try.
        tokens: Tokens,
    },
}

/// Who changed a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A rewrite of the plan.
    Rewrite,
    /// The model.
    Model,
}

/// How many tokens a place cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Those that were read for it alone.
    pub prompt: u64,
    /// Those that were written.
    pub completion: u64,
}

impl SiteRecord {
    /// Returns the edit of a place that was changed, with its round.
    pub fn edit(&self) -> Option<(u32, TextEdit)> {
        match &self.outcome {
            Outcome::Done {
                round, replaced, text, ..
            } => {
                let edit = TextEdit {
                    range: *replaced,
                    replacement: text.clone(),
                };
                Some((*round, edit))
            }
            Outcome::Unchanged { .. } | Outcome::Failed { .. } => None,
        }
    }
}

impl Outcome {
    /// Returns what it cost.
    pub fn tokens(&self) -> Tokens {
        match self {
            Self::Done { tokens, .. } | Self::Unchanged { tokens } | Self::Failed { tokens, .. } => *tokens,
        }
    }
}
