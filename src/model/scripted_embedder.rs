use serde::Deserialize;

use super::embedder::unit_vector;
use super::{Embedder, ModelError, TextRole};
use crate::progress::Progress;

/// An embedder that reads its vectors from a script: one JSON object a line; a text gets the vector of the first line
/// whose `contains` stands in it.
///
/// ```json
/// {"contains": "parse_interval", "vector": [1, 0, 0]}
/// ```
#[derive(Debug)]
pub struct ScriptedEmbedder {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    contains: String,
    vector: Vec<f32>,
}

impl ScriptedEmbedder {
    /// What [`Embedder::identity`] says of every script.
    pub const IDENTITY: &str = "scripted";

    /// Reads a script; empty lines are skipped.
    ///
    /// # Errors
    /// [`ModelError::Script`] names the line that is not valid.
    pub fn from_jsonl(text: &str) -> Result<Self, ModelError> {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line = serde_json::from_str(line);
            lines.push(line.map_err(|error| ModelError::Script(format!("line {number}: {error}")))?);
        }
        Ok(Self { lines })
    }
}

impl Embedder for ScriptedEmbedder {
    fn identity(&self) -> &str {
        Self::IDENTITY
    }

    fn embed(&mut self, _: TextRole, texts: &[&str], progress: &dyn Progress) -> Result<Vec<Vec<f32>>, ModelError> {
        if progress.cancelled() {
            return Err(ModelError::Cancelled);
        }
        let vector = |text: &&str| {
            let line = self.lines.iter().find(|line| text.contains(&line.contains));
            let line = line.ok_or_else(|| ModelError::Script(format!("no vector for {text:?}")))?;
            unit_vector(line.vector.clone())
        };
        texts.iter().map(vector).collect()
    }
}
