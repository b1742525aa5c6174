//! The writer of the work tree: all or nothing, and back again.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/git.rs"]
mod git;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git::{Bench, chmod, put, tree};
use skiff::repo::{BlobId, FileContent, FileMode, FileState, FileWrite, RepoError, Repository, WorkTree};
use skiff::text::RepoPath;

fn write(name: &str, old: Option<&str>, new: Option<&str>) -> FileWrite {
    let mode = FileMode::Regular;
    FileWrite {
        path: RepoPath::new(name).unwrap(),
        before: old.map(|text| FileState {
            blob: BlobId::of(text.as_bytes()),
            mode,
        }),
        after: new.map(|text| FileContent {
            bytes: text.as_bytes().to_vec(),
            mode,
        }),
    }
}

fn bench(files: &[(&str, &[u8])]) -> (Bench, PathBuf) {
    let bench = Bench::new();
    let root = bench.path("repo");
    git2::Repository::init(&root).unwrap();
    for (name, bytes) in files {
        put(&root, name, bytes);
    }
    (bench, root)
}

fn open(bench: &Bench, root: &Path) -> Result<WorkTree, RepoError> {
    WorkTree::open(&Repository::discover(root)?, &bench.state())
}

#[test]
fn applies_are_undone_newest_first() {
    let (bench, root) = bench(&[("a", b"0")]);
    let start = tree(&root);
    let mut work_tree = open(&bench, &root).unwrap();
    work_tree.apply(&[write("a", Some("0"), Some("1"))], "first").unwrap();
    let middle = tree(&root);
    let second = [write("a", Some("1"), None), write("d/e/f", None, Some("new"))];
    work_tree.apply(&second, "second").unwrap();
    assert_eq!(tree(&root).len(), 1);
    drop(work_tree);
    let mut work_tree = open(&bench, &root).unwrap();
    let undone = work_tree.undo().unwrap();
    assert_eq!((undone.label.as_str(), undone.paths.len()), ("second", 2));
    assert_eq!(tree(&root), middle);
    assert!(!root.join("d").exists(), "directories that were made go away again");
    assert_eq!(work_tree.undo().unwrap().label, "first");
    assert_eq!(tree(&root), start);
    assert!(matches!(work_tree.undo(), Err(RepoError::NothingToUndo)));
}

#[test]
fn a_changed_preimage_stops_everything() {
    let (bench, root) = bench(&[("a", b"0"), ("b", b"0"), ("here", b"x")]);
    let start = tree(&root);
    let mut work_tree = open(&bench, &root).unwrap();
    let good = write("a", Some("0"), Some("1"));
    let bad = [
        write("b", Some("other"), Some("1")),
        write("b", Some("other"), None),
        write("here", None, Some("1")),
        write("missing", Some("0"), Some("1")),
    ];
    for bad in bad {
        let error = work_tree.apply(&[good.clone(), bad.clone()], "test").unwrap_err();
        assert!(
            matches!(&error, RepoError::PreimageChanged { path } if *path == bad.path),
            "{error:?}"
        );
        assert!(error.to_string().contains(bad.path.as_str()));
        assert_eq!(tree(&root), start);
    }
    chmod(&root.join("b"), 0o755);
    let error = work_tree
        .apply(&[good.clone(), write("b", Some("0"), Some("1"))], "test")
        .unwrap_err();
    assert!(
        matches!(error, RepoError::PreimageChanged { .. }),
        "the mode is part of the preimage"
    );
    let twice = work_tree.apply(&[good.clone(), good], "test").unwrap_err();
    assert!(matches!(twice, RepoError::WrittenTwice(_)));
    assert!(matches!(work_tree.undo(), Err(RepoError::NothingToUndo)));
}

#[test]
fn undo_refuses_what_a_person_has_changed_since() {
    let (bench, root) = bench(&[("a", b"0"), ("b", b"0")]);
    let mut work_tree = open(&bench, &root).unwrap();
    work_tree
        .apply(&[write("a", Some("0"), Some("1")), write("b", Some("0"), None)], "test")
        .unwrap();
    put(&root, "b", b"mine");
    let changed = tree(&root);
    let error = work_tree.undo().unwrap_err();
    assert!(matches!(error, RepoError::PreimageChanged { path } if path.as_str() == "b"));
    assert_eq!(tree(&root), changed);
    fs::remove_file(root.join("b")).unwrap();
    work_tree.undo().unwrap();
    assert_eq!(fs::read(root.join("b")).unwrap(), b"0");
}

#[test]
fn nothing_is_written_through_links_or_into_other_repositories() {
    let (bench, root) = bench(&[("a", b"0"), ("nested/.git/HEAD", b"x")]);
    fs::create_dir(bench.path("outside")).unwrap();
    symlink(bench.path("outside"), root.join("out")).unwrap();
    symlink("a", root.join("link")).unwrap();
    let mut work_tree = open(&bench, &root).unwrap();
    let good = write("a", Some("0"), Some("1"));
    let mut refused = |bad| work_tree.apply(&[good.clone(), bad], "test").unwrap_err();
    assert!(matches!(
        refused(write("out/x", None, Some("1"))),
        RepoError::Symlink { .. }
    ));
    assert!(matches!(
        refused(write("link", Some("0"), Some("1"))),
        RepoError::Symlink { .. }
    ));
    assert!(matches!(
        refused(write("nested/x", None, Some("1"))),
        RepoError::Submodule { .. }
    ));
    assert!(matches!(
        refused(write("nested", None, Some("1"))),
        RepoError::Submodule { .. }
    ));
    assert!(matches!(
        refused(write("a/x", None, Some("1"))),
        RepoError::NotADirectory { .. }
    ));
    assert_eq!(fs::read(root.join("a")).unwrap(), b"0");
    assert_eq!(fs::read_dir(bench.path("outside")).unwrap().count(), 0);
}

#[test]
fn a_failure_half_way_takes_back_what_was_written() {
    let (bench, root) = bench(&[("a", b"0"), ("z", b"0")]);
    let start = tree(&root);
    let mut work_tree = open(&bench, &root).unwrap();
    // The second file stands where the third needs a directory.
    let writes = [
        write("a", Some("0"), Some("1")),
        write("new", None, Some("file")),
        write("new/x", None, Some("1")),
        write("z", Some("0"), None),
    ];
    assert!(work_tree.apply(&writes, "test").is_err());
    assert_eq!(tree(&root), start);
    assert!(matches!(work_tree.undo(), Err(RepoError::NothingToUndo)));
    work_tree.apply(&writes[..2], "test").unwrap();
}

#[test]
fn permissions_are_kept_and_emptied_directories_go() {
    let (bench, root) = bench(&[("private", b"0"), ("d/e/f", b"0"), ("d/kept", b"0")]);
    chmod(&root.join("private"), 0o600);
    let mut work_tree = open(&bench, &root).unwrap();
    let writes = [write("private", Some("0"), Some("1")), write("d/e/f", Some("0"), None)];
    work_tree.apply(&writes, "test").unwrap();
    let mode = || fs::metadata(root.join("private")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    assert!(!root.join("d/e").exists() && root.join("d/kept").exists());
    work_tree.undo().unwrap();
    assert_eq!((mode(), fs::read(root.join("d/e/f")).unwrap()), (0o600, b"0".to_vec()));
}

#[test]
fn one_process_at_a_time_writes() {
    let (bench, root) = bench(&[("a", b"0")]);
    let first = open(&bench, &root).unwrap();
    let error = open(&bench, &root).err().unwrap();
    assert!(
        matches!(&error, RepoError::Locked(file) if file.ends_with("lock")),
        "{error:?}"
    );
    drop(first);
    open(&bench, &root).unwrap();
}

#[test]
fn a_damaged_journal_is_named_and_nothing_is_touched() {
    let (bench, root) = bench(&[("a", b"0")]);
    let mut work_tree = open(&bench, &root).unwrap();
    work_tree.apply(&[write("a", Some("0"), Some("1"))], "test").unwrap();
    drop(work_tree);
    let key = Repository::discover(&root).unwrap().key();
    let record = bench.state().join("worktrees").join(key).join("applies/1");
    let whole = fs::read(record.join("journal.json")).unwrap();
    put(&record, "0.old", b"not what was there");
    let error = open(&bench, &root).unwrap().undo().unwrap_err();
    assert!(
        matches!(&error, RepoError::StateDamaged { file, .. } if file.ends_with("0.old")),
        "{error:?}"
    );
    assert_eq!(fs::read(root.join("a")).unwrap(), b"1");
    put(&record, "journal.json", &whole[..whole.len() / 2]);
    let error = open(&bench, &root).err().unwrap();
    assert!(
        matches!(&error, RepoError::StateDamaged { file, .. } if file.ends_with("journal.json")),
        "{error:?}"
    );
}
