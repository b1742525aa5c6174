//! What the index found, put in another order by a model that compares meanings.

use super::AgentError;
use crate::index::{FileHit, Hit, Index, Symbol};
use crate::model::{Embedder, TextRole, cosine};
use crate::progress::Progress;
use crate::prompt::{EmbedFilePrompt, EmbedSymbolPrompt, Template};
use crate::text::{RepoPath, head};

/// How many of the best hits are compared by meaning; those behind them stay behind them.
pub const RERANKED: usize = 40;

/// The constant of reciprocal rank fusion: the larger, the less the first places count.
///
/// Source: Cormack, Clarke, Büttcher: Reciprocal rank fusion outperforms Condorcet and individual rank learning methods
/// (2009).
const FUSION: f32 = 60.0;
/// The most of a definition that is handed to the model, in bytes; it reads less of it.
const MOST_CODE_BYTES: usize = 8 << 10;
/// The most definitions of a file that speak for it.
const MOST_LINES: usize = 100;
/// The most characters of a line of a file that defines nothing.
const MOST_LINE_CHARS: usize = 200;

/// Fuses the order of symbols with the order by the likeness of their vectors to the query's.
///
/// The scores are those of the fusion, comparable within the answer only.
///
/// # Errors
/// [`AgentError::Model`] when the embedder fails.
pub fn rerank_symbols(
    query: &str,
    hits: Vec<Hit>,
    index: &Index,
    embedder: &mut dyn Embedder,
    progress: &dyn Progress,
) -> Result<Vec<Hit>, AgentError> {
    let text = |hit: &Hit| match index.find_symbol(hit.symbol) {
        Some(symbol) => symbol_text(index, symbol),
        None => Ok(String::new()),
    };
    let texts: Result<Vec<String>, AgentError> = hits.iter().take(RERANKED).map(text).collect();
    let scores = fused_scores(query, &texts?, hits.len(), embedder, progress)?;
    let scored = hits.into_iter().zip(scores).map(|(hit, score)| Hit { score, ..hit });
    Ok(sorted(scored.collect(), |hit| hit.score))
}

/// Fuses the order of files with the order by the likeness of their vectors to the query's; see [`rerank_symbols`].
///
/// # Errors
/// [`AgentError::Model`] when the embedder fails.
pub fn rerank_files(
    query: &str,
    hits: Vec<FileHit>,
    index: &Index,
    embedder: &mut dyn Embedder,
    progress: &dyn Progress,
) -> Result<Vec<FileHit>, AgentError> {
    let texts = hits.iter().take(RERANKED).map(|hit| file_text(index, &hit.path));
    let texts: Result<Vec<String>, AgentError> = texts.collect();
    let scores = fused_scores(query, &texts?, hits.len(), embedder, progress)?;
    let scored = hits
        .into_iter()
        .zip(scores)
        .map(|(hit, score)| FileHit { score, ..hit });
    Ok(sorted(scored.collect(), |hit| hit.score))
}

/// Returns the score of every hit: of those without a text, by their place alone.
fn fused_scores(
    query: &str,
    texts: &[String],
    hits: usize,
    embedder: &mut dyn Embedder,
    progress: &dyn Progress,
) -> Result<Vec<f32>, AgentError> {
    let of_place = |place: usize| 1.0 / (FUSION + place as f32 + 1.0);
    let mut scores: Vec<f32> = (0..hits).map(of_place).collect();
    if texts.is_empty() {
        return Ok(scores);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let documents = embedder.embed(TextRole::Document, &texts, progress)?;
    let query = embedder.embed(TextRole::Query, &[query], progress)?;
    let likeness = |document: &Vec<f32>| query.first().map_or(0.0, |query| cosine(query, document));
    let mut by_likeness: Vec<(usize, f32)> = documents.iter().map(likeness).enumerate().collect();
    // A stable sort: what is equally like stays in the order of the words.
    by_likeness.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (place, (hit, _)) in by_likeness.into_iter().enumerate() {
        if let Some(score) = scores.get_mut(hit) {
            *score += of_place(place);
        }
    }
    Ok(scores)
}

fn sorted<T>(mut hits: Vec<T>, score: impl Fn(&T) -> f32) -> Vec<T> {
    hits.sort_by(|a, b| score(b).total_cmp(&score(a)));
    hits
}

fn symbol_text(index: &Index, symbol: &Symbol) -> Result<String, AgentError> {
    let source = index.text(&symbol.path);
    let range = symbol.definition.full_range.as_range();
    let code = source.as_deref().and_then(|text| text.get(range));
    let code = code.unwrap_or(&symbol.definition.signature);
    content(&EmbedSymbolPrompt {
        path: symbol.path.as_str(),
        kind: symbol.definition.kind.as_str(),
        name: &symbol.qualified,
        code: &code[..code.floor_char_boundary(MOST_CODE_BYTES)],
    })
}

/// A file is its path and what it defines; the beginning of the text where it defines nothing.
fn file_text(index: &Index, path: &RepoPath) -> Result<String, AgentError> {
    let symbols = index.in_file(path).iter().take(MOST_LINES);
    let mut lines: Vec<String> = symbols.map(|symbol| symbol.definition.signature.clone()).collect();
    if lines.is_empty() {
        let text = index.text(path).unwrap_or_default();
        lines = text
            .lines()
            .take(MOST_LINES)
            .map(|line| head(line, MOST_LINE_CHARS).to_owned())
            .collect();
    }
    content(&EmbedFilePrompt {
        path: path.as_str(),
        lines: &lines,
    })
}

fn content(prompt: &impl Template) -> Result<String, AgentError> {
    let messages = prompt.messages()?;
    Ok(messages
        .into_iter()
        .next()
        .map_or_else(String::new, |message| message.content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ScriptedEmbedder;
    use crate::progress::NoProgress;

    fn index() -> Index {
        let texts = [
            ("a.py", "def parse_red():\n    return 'apple'\n"),
            ("b.py", "def parse_green():\n    return 'parse parse'\n"),
            ("c.py", "def parse_blue():\n    return 'sky'\n"),
        ];
        let texts = texts.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
        Index::from_texts(texts.to_vec(), &NoProgress).unwrap()
    }

    /// The query is like `c.py`, less like `a.py` and not like `b.py`.
    const SCRIPT: &str = r#"
        {"contains": "c.py", "vector": [1, 0.1]}
        {"contains": "a.py", "vector": [1, 1]}
        {"contains": "b.py", "vector": [-1, 0]}
        {"contains": "", "vector": [1, 0]}
    "#;

    fn names(index: &Index, script: &str) -> Vec<String> {
        let mut embedder = ScriptedEmbedder::from_jsonl(script).unwrap();
        let hits = index.search("parse", 9);
        let hits = rerank_symbols("parse", hits, index, &mut embedder, &NoProgress).unwrap();
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        hits.iter()
            .map(|hit| index.symbol(hit.symbol).qualified.clone())
            .collect()
    }

    #[test]
    fn the_order_is_that_of_words_and_vectors_together() {
        let index = index();
        // First and last by words are last and first by vectors: the words decide, as the one between them has neither.
        assert_eq!(names(&index, SCRIPT), ["parse_green", "parse_blue", "parse_red"]);
        let alike = r#"{"contains": "", "vector": [1, 0]}"#;
        let by_words = index.search("parse", 9).into_iter();
        let by_words: Vec<String> = by_words.map(|hit| index.symbol(hit.symbol).qualified.clone()).collect();
        assert_eq!(names(&index, alike), by_words);
    }

    #[test]
    fn files_are_compared_by_what_they_define() {
        let index = index();
        let mut embedder = ScriptedEmbedder::from_jsonl(
            r#"{"contains": "parse_blue", "vector": [1, 0]}
               {"contains": ".py", "vector": [0, 1]}
               {"contains": "", "vector": [1, 0]}"#,
        )
        .unwrap();
        let hits = index.search_files("parse", 9);
        let last = hits.last().map(|hit| hit.path.as_str().to_owned());
        let hits = rerank_files("parse", hits, &index, &mut embedder, &NoProgress).unwrap();
        assert_eq!(last.as_deref(), Some("c.py"));
        assert_eq!(hits.iter().position(|hit| hit.path.as_str() == "c.py"), Some(1));
    }

    #[test]
    fn what_is_far_behind_stays_there() {
        let texts = (0..60).map(|n| {
            (
                RepoPath::new(&format!("f{n:02}.py")).unwrap(),
                format!("def word_{n:02}(): pass\n"),
            )
        });
        let index = Index::from_texts(texts.collect(), &NoProgress).unwrap();
        let hits = index.search("word", 60);
        let before: Vec<_> = hits.iter().map(|hit| hit.symbol).collect();
        let script = "{\"contains\": \"f39\", \"vector\": [1, 0]}\n{\"contains\": \"f5\", \"vector\": [1, 0]}\n\
                      {\"contains\": \"f\", \"vector\": [0, 1]}\n{\"contains\": \"\", \"vector\": [1, 0]}";
        let mut embedder = ScriptedEmbedder::from_jsonl(script).unwrap();
        let after = rerank_symbols("word", hits, &index, &mut embedder, &NoProgress).unwrap();
        let after: Vec<_> = after.iter().map(|hit| hit.symbol).collect();
        assert_eq!(after[RERANKED..], before[RERANKED..]);
        assert_ne!(after[..RERANKED], before[..RERANKED]);
        assert!(
            rerank_symbols("x", Vec::new(), &index, &mut embedder, &NoProgress)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn the_model_reads_where_and_what_a_definition_is() {
        let index = index();
        let text = symbol_text(&index, index.named("parse_red")[0]).unwrap();
        assert_eq!(text, "a.py: function parse_red\ndef parse_red():\n    return 'apple'");
        let text = file_text(&index, &RepoPath::new("c.py").unwrap()).unwrap();
        assert_eq!(text, "c.py\ndef parse_blue()");
    }
}
