//! An edit changes the bytes it names and no others, whatever line ends, marks, encodings and modes are around them; and what
//! was applied and taken back is what was there before. `SKIFF_TRUST_CASES` says how many cases are tried.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are read by a person")]

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use skiff::patch::Patch;
use skiff::repo::{BlobId, FileContent, FileMode, FileState, FileWrite, Repository, WorkTree};
use skiff::text::{RepoPath, SourceChange, TextEdit, TextRange};

/// A file: what stands in it, what of it is replaced by what, and its permission bits.
#[derive(Clone, Debug)]
struct Case {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
    replacement: String,
    permissions: u32,
    executable_after: bool,
}

/// Pieces of text, and some that are none.
const TEXT: [&[u8]; 7] = [
    b"a line",
    b"",
    b"\tindented  ",
    "\u{fc}\u{4e2d}\u{1f600}".as_bytes(),
    b"trailing \x0c\x0b",
    "\u{2028}\u{85}\u{feff}".as_bytes(),
    b"\x1b[31mold mac\rmore",
];
const OTHER: [&[u8]; 3] = [b"caf\xe9 latin-1", b"\x00\x01 binary \xff\xfe", b"\xd8\x00\x3d\xd8"];
const ENDS: [&[u8]; 6] = [b"\n", b"\r\n", b"\r", b"\n\r", b"\r\r\n", b""];

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::collection::vec((select(&TEXT[..]), select(&ENDS[..])), 0..12);
    let all: Vec<&[u8]> = TEXT.into_iter().chain(OTHER).collect();
    let bytes = prop::collection::vec((select(all), select(&ENDS[..])), 0..12);
    let text = (select(vec![&b""[..], b"\xef\xbb\xbf"]), text);
    let bytes = (select(vec![&b""[..], b"\xff\xfe", b"\xfe\xff"]), bytes);
    prop_oneof![3 => text, 2 => bytes].prop_map(|(mark, lines)| {
        let mut bytes = mark.to_vec();
        for (line, end) in lines {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(end);
        }
        bytes
    })
}

fn case() -> impl Strategy<Value = Case> {
    let replacement = select(vec!["", "new", "new\n", "new\r\n", "\u{feff}", "\u{e9}\r", "x\n\n\ny"]);
    let permissions = select(vec![0o644, 0o755, 0o600, 0o700, 0o640, 0o664, 0o444, 0o555, 0o711]);
    (
        lines(),
        any::<(prop::sample::Index, prop::sample::Index)>(),
        replacement,
        permissions,
        any::<bool>(),
    )
        .prop_map(|(bytes, (a, b), replacement, permissions, executable_after)| {
            let (a, b) = (a.index(bytes.len() + 1), b.index(bytes.len() + 1));
            Case {
                from: a.min(b),
                to: a.max(b),
                bytes,
                replacement: replacement.to_owned(),
                permissions,
                executable_after,
            }
        })
}

fn mode_of(permissions: u32) -> FileMode {
    match permissions & 0o100 {
        0 => FileMode::Regular,
        _ => FileMode::Executable,
    }
}

fn look(file: &Path) -> (Vec<u8>, u32) {
    (fs::read(file).unwrap(), fs::metadata(file).unwrap().mode() & 0o7777)
}

/// The change as skiff makes it: through the snapshot and the patch where the file is text, by its bytes where it is not.
fn writes(repository: &Repository, case: &Case) -> (Vec<FileWrite>, Vec<u8>, bool) {
    let mut new = case.bytes.clone();
    let path = RepoPath::new("dir/file").unwrap();
    let before = FileState {
        blob: BlobId::of(&case.bytes),
        mode: mode_of(case.permissions),
    };
    let text = std::str::from_utf8(&case.bytes).ok();
    let in_text =
        text.is_some_and(|t| t.is_char_boundary(case.from) && t.is_char_boundary(case.to) && !t.contains('\0'));
    new.splice(case.from..case.to, case.replacement.bytes());
    if in_text && !case.executable_after {
        let mut change = SourceChange::default();
        let edit = TextEdit {
            range: TextRange::new(case.from, case.to),
            replacement: case.replacement.clone(),
        };
        change.edit(path, edit).unwrap();
        let patch = Patch::build(&change, &repository.snapshot().unwrap()).unwrap();
        return (patch.writes(), new, true);
    }
    let mode = if case.executable_after {
        FileMode::Executable
    } else {
        before.mode
    };
    let after = FileContent {
        bytes: new.clone(),
        mode,
    };
    let write = FileWrite {
        path,
        before: Some(before),
        after: Some(after),
    };
    (vec![write], new, false)
}

#[test]
fn only_what_is_named_changes_and_undo_is_the_way_back() {
    let cases = std::env::var("SKIFF_TRUST_CASES").map_or(400, |cases| cases.parse().unwrap());
    let place = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let root = place.path().join("repo");
    git2::Repository::init(&root).unwrap();
    fs::create_dir(root.join("dir")).unwrap();
    let repository = Repository::discover(&root).unwrap();
    let file = root.join("dir/file");
    let (tried, through_text) = (Cell::new(0), Cell::new(0));
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&case(), |case| {
        if file.exists() {
            fs::remove_file(&file).unwrap();
        }
        fs::write(&file, &case.bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(case.permissions)).unwrap();
        let start = look(&file);
        let (writes, new, is_patch) = writes(&repository, &case);
        let mut work_tree = WorkTree::open(&repository, &place.path().join("state")).unwrap();
        work_tree.apply(&writes, "case").unwrap();
        let (bytes, permissions) = look(&file);
        prop_assert_eq!(&bytes, &new);
        // The bits that git does not keep stay; the executable ones follow the mode.
        prop_assert_eq!(permissions & 0o666, case.permissions & 0o666);
        let executable = case.executable_after || case.permissions & 0o100 != 0;
        prop_assert_eq!(permissions & 0o100 != 0, executable);
        if !case.executable_after || case.permissions & 0o100 != 0 {
            prop_assert_eq!(permissions, case.permissions);
        }
        if !writes.is_empty() {
            work_tree.undo().unwrap();
        }
        prop_assert_eq!(look(&file), start);
        prop_assert_eq!(fs::read_dir(root.join("dir")).unwrap().count(), 1);
        tried.set(tried.get() + 1);
        through_text.set(through_text.get() + u32::from(is_patch));
        Ok(())
    });
    result.unwrap();
    println!(
        "round trips: {} cases ({} through a patch), 0 unintended bytes, apply and undo the identity in all",
        tried.get(),
        through_text.get()
    );
    assert_eq!(tried.get(), cases);
}
