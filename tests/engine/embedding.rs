use skiff::{
    model::{Embedder, EmbeddingPlan, LlamaEmbedder, ModelError, TextRole, cosine},
    progress::NoProgress,
};

use super::{CancelAfter, checked, config, tiny_gguf};

fn embedder(gguf: &[u8]) -> Result<LlamaEmbedder, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, gguf).unwrap();
    LlamaEmbedder::load(&EmbeddingPlan::new(checked(&path))?, &config(), &NoProgress)
}

/// A decoder whose header names no pooling, and encoders that take the mean, the first and the last vector.
fn embedders() -> Vec<LlamaEmbedder> {
    let mut files = vec![tiny_gguf::tiny_gguf(7)];
    files.extend([1, 2, 3].map(|pooling| tiny_gguf::tiny_bert_gguf(7, pooling)));
    files.iter().map(|file| embedder(file).unwrap()).collect()
}

fn embed(embedder: &mut LlamaEmbedder, texts: &[&str]) -> Vec<Vec<f32>> {
    embedder.embed(TextRole::Document, texts, &NoProgress).unwrap()
}

#[test]
fn texts_have_vectors_of_their_own_whatever_is_beside_them() {
    for mut embedder in embedders() {
        let name = embedder.identity().to_owned();
        let vectors = embed(&mut embedder, &["parse the file", "draw a line", "parse the file", ""]);
        assert!(vectors.iter().all(|vector| vector.len() == 64), "{name}");
        assert!(
            vectors.iter().all(|vector| (cosine(vector, vector) - 1.0).abs() < 1e-4),
            "{name}"
        );
        assert_eq!(vectors[0], vectors[2], "{name}");
        assert!(cosine(&vectors[0], &vectors[1]) < 0.999, "{name}");
        assert_eq!(embed(&mut embedder, &["draw a line"])[0], vectors[1], "{name}");
    }
}

#[test]
fn long_texts_are_cut_to_what_the_model_reads() {
    for mut embedder in embedders() {
        let name = embedder.identity().to_owned();
        let long = ["abc ".repeat(400), "abc ".repeat(9000) + "tail"];
        let vectors = embed(&mut embedder, &[&long[0], &long[1], "abc"]);
        assert_eq!(vectors[0], vectors[1], "{name}");
        assert_ne!(vectors[0], vectors[2], "{name}");
    }
}

#[test]
fn how_vectors_are_made_is_part_of_their_identity() {
    let identities: std::collections::HashSet<String> = embedders()
        .iter()
        .map(|embedder| embedder.identity().to_owned())
        .collect();
    assert_eq!(identities.len(), 4, "{identities:?}");
    let mut vectors: Vec<Vec<f32>> = embedders()
        .iter_mut()
        .skip(1)
        .map(|own| embed(own, &["parse"]).remove(0))
        .collect();
    vectors.dedup();
    assert_eq!(vectors.len(), 3);
}

#[test]
fn models_without_embeddings_are_refused_before_they_are_loaded() {
    for pooling in [4, 5, 99, u32::MAX] {
        let refused = embedder(&tiny_gguf::tiny_bert_gguf(7, pooling));
        assert!(matches!(refused, Err(ModelError::Load { .. })), "{pooling}");
    }
}

#[test]
fn cancel_stops_embedding() {
    for mut embedder in embedders() {
        let cancelled = embedder.embed(TextRole::Query, &["a", "b"], &CancelAfter::new(1));
        assert!(matches!(cancelled, Err(ModelError::Cancelled)));
    }
}
