use proptest::prelude::*;

use super::*;
use crate::model::tiny_gguf::{CHAT_TEMPLATE, tiny_gguf};

fn read(bytes: &[u8]) -> Result<Header, GgufError> {
    Header::read(bytes, bytes.len() as u64)
}

/// Returns the file with the first occurrence of `from` replaced by `to`, of the same length.
fn with(from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = tiny_gguf(1);
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

fn after(key: &str, skip: usize, to: &[u8]) -> Vec<u8> {
    let mut bytes = tiny_gguf(1);
    let at = bytes
        .windows(key.len())
        .position(|window| window == key.as_bytes())
        .unwrap()
        + key.len()
        + skip;
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_valid_header_says_what_the_model_is() {
    let bytes = tiny_gguf(1);
    let header = read(&bytes).unwrap();
    assert_eq!(header.architecture, "llama");
    assert_eq!(header.name.as_deref(), Some("tiny random llama"));
    assert_eq!(
        (header.version, header.context_tokens, header.block_count),
        (3, Some(512), Some(2))
    );
    assert_eq!(
        (header.head_count, header.head_count_kv, header.embedding_length),
        (Some(4), Some(2), Some(64))
    );
    assert_eq!(
        (header.tokenizer.as_deref(), header.vocabulary_tokens),
        (Some("gpt2"), Some(260))
    );
    assert_eq!(header.chat_template.as_deref(), Some(CHAT_TEMPLATE));
    let block = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64;
    assert_eq!(header.block_bytes, [block * 4, block * 4]);
    assert_eq!(header.parameters, 2 * block + 2 * 260 * 64 + 64);
    assert_eq!((header.tensor_count, header.tensor_bytes), (21, header.parameters * 4));
    assert_eq!(header.header_bytes + header.tensor_bytes, bytes.len() as u64);
    assert_eq!(header.read_bytes, header.tensor_bytes - 260 * 64 * 4);
    // 2 heads × (16 + 16) × 2 blocks × 2 bytes
    assert_eq!(header.kv_bytes_per_token(), Some(256));
}

#[test]
fn what_is_not_gguf_is_called_so() {
    for bytes in [b"".as_slice(), b"GG", b"#!/bin/sh\nexit 1\n"] {
        assert!(matches!(read(bytes), Err(GgufError::NotGguf)));
    }
    let directory = tempfile::tempdir().unwrap();
    assert!(Header::of_file(directory.path()).is_err());
}

#[test]
fn other_versions_and_byte_orders_are_refused() {
    assert!(matches!(
        read(&with(b"GGUF\x03", b"GGUF\x01")),
        Err(GgufError::Version(1))
    ));
    assert!(matches!(
        read(&with(b"GGUF\x03\0\0\0", b"GGUF\0\0\0\x03")),
        Err(GgufError::Version(0x0300_0000))
    ));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = tiny_gguf(1);
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let error = read(&bytes[..length]).unwrap_err();
        assert!(
            matches!(
                error,
                GgufError::Truncated { .. } | GgufError::HeaderTruncated { .. } | GgufError::NotGguf
            ),
            "{length}: {error}"
        );
    }
}

#[test]
fn counts_that_cannot_be_are_refused_before_they_are_used() {
    let huge = u64::MAX.to_le_bytes();
    for at in [8, 16] {
        let mut bytes = tiny_gguf(1);
        bytes[at..at + 8].copy_from_slice(&huge);
        assert!(matches!(read(&bytes), Err(GgufError::Limit { .. })));
    }
    // Of a string, an array, and a tensor's dimension.
    assert!(matches!(
        read(&after("general.architecture", 4, &huge)),
        Err(GgufError::Limit { .. })
    ));
    assert!(matches!(
        read(&after("tokenizer.ggml.tokens", 8, &huge)),
        Err(GgufError::Limit { .. })
    ));
    assert!(matches!(
        read(&after("blk.0.attn_q.weight", 4, &huge)),
        Err(GgufError::Malformed(_))
    ));
    assert!(matches!(
        read(&after("blk.0.attn_q.weight", 4, &[0; 8])),
        Err(GgufError::Malformed(_))
    ));
}

#[test]
fn arrays_that_the_tokenizer_indexes_must_match_the_vocabulary() {
    let short = 259_u64.to_le_bytes();
    // One type too few: the four bytes left over are then read as the next key.
    assert!(read(&after("tokenizer.ggml.token_type", 8, &short)).is_err());
    let error = read(&after("tokenizer.ggml.token_type", 4, &4_u32.to_le_bytes())).unwrap_err();
    assert!(error.to_string().contains("token_type"), "{error}");
    let error = read(&after("tokenizer.ggml.eos_token_id", 4, &260_u32.to_le_bytes())).unwrap_err();
    assert!(error.to_string().contains("eos_token_id"), "{error}");
}

#[test]
fn arrays_in_arrays_unknown_types_and_gaps_are_refused() {
    assert!(read(&after("tokenizer.ggml.tokens", 4, &9_u32.to_le_bytes())).is_err());
    assert!(read(&after("general.name", 0, &13_u32.to_le_bytes())).is_err());
    // Type 4 was removed from ggml.
    assert!(read(&after("blk.0.attn_q.weight", 20, &4_u32.to_le_bytes())).is_err());
    let error = read(&after("blk.0.attn_q.weight", 24, &[0; 8])).unwrap_err();
    assert!(error.to_string().contains("should begin"), "{error}");
}

#[test]
fn names_that_appear_twice_are_refused() {
    let error = read(&with(b"blk.1.attn_q.weight", b"blk.0.attn_q.weight")).unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    let error = read(&with(b"llama.block_count", b"llama.block_counx")).map(|header| header.block_count);
    assert_eq!(error.unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..2048), magic in any::<bool>()) {
        if magic && bytes.len() > 8 {
            bytes[..8].copy_from_slice(b"GGUF\x03\0\0\0");
        }
        let _ = read(&bytes);
    }

    #[test]
    fn flipped_bits_of_a_header_never_panic(flips in proptest::collection::vec((0_usize..8192, 0_u8..8), 1..8)) {
        let mut bytes = tiny_gguf(1);
        for (at, bit) in flips {
            bytes[at] ^= 1 << bit;
        }
        if let Ok(header) = read(&bytes) {
            prop_assert!(header.header_bytes + header.tensor_bytes <= bytes.len() as u64);
        }
    }
}
