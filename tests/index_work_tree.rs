//! The index of a work tree: what it takes in, and what it leaves out and says so.

#[path = "support/git.rs"]
mod git;

use git::Bench;
use skiff::index::{Index, IndexConfig, SkipReason};
use skiff::progress::NoProgress;
use skiff::repo::{BlobId, Repository};

#[test]
fn text_is_indexed_and_what_is_left_out_is_named() {
    let bench = Bench::new();
    let large = "x = 1\n".repeat(100);
    let root = bench.repo(
        "repo",
        &[
            ("a.py", b"def f():\n    return 1\n"),
            ("b.bin", b"\0\x01"),
            ("c.txt", b"caf\xe9"),
            ("d.py", large.as_bytes()),
        ],
    );
    let snapshot = Repository::discover(&root).unwrap().snapshot().unwrap();
    let config = IndexConfig { max_file_bytes: 100 };
    let index = Index::build(&snapshot, &config, &NoProgress).unwrap();
    assert_eq!(index.files().len(), 1);
    assert_eq!(index.files()[0].blob, BlobId::of(b"def f():\n    return 1\n"));
    let skipped: Vec<_> = index.skipped().iter().map(|s| (s.path.as_str(), s.reason)).collect();
    let expected = [
        ("b.bin", SkipReason::NotText),
        ("c.txt", SkipReason::NotText),
        ("d.py", SkipReason::TooLarge),
    ];
    assert_eq!(skipped, expected);
}
