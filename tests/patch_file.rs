//! `skiff apply FILE`: diffs that somebody else wrote, on the real binary. Those that should not be applied change nothing, in
//! the repository or beside it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are read by a person")]

#[path = "support/git.rs"]
mod git;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use git::{Bench, chmod, put, tree};
use proptest::prelude::*;
use skiff::patch::{MAX_PATCH_BYTES, UnifiedDiff};
use skiff::repo::Repository;
use support::{Outcome, Place};

const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// A repository with every kind of file, beside a folder that nothing may be written to.
fn world() -> Place {
    let place = Place::with(&[
        ("f", TEN),
        ("one", "a\n"),
        ("bare-end", "a"),
        ("empty", ""),
        ("crlf", "a\r\nb\r\n"),
        ("dir/file", "x\n"),
        ("with space", "x\n"),
        ("q\"\\\u{fc}", "x\n"),
        ("same", "x\ny\nx\ny\n"),
        ("tool.sh", "true\n"),
        ("AGENTS.md", "be careful\n"),
    ]);
    let (root, repo) = (place.root(), place.repo());
    fs::create_dir(root.join("outside")).unwrap();
    fs::write(root.join("outside/file"), "x\n").unwrap();
    fs::write(root.join("file"), "x\n").unwrap();
    fs::write(repo.join("latin1"), b"\xe4\n").unwrap();
    fs::write(repo.join("binary"), b"a\0b\n").unwrap();
    for (link, target) in [
        ("out", "../outside"),
        ("link", "one"),
        ("outfile", "../outside/file"),
        ("dangling", "../outside/new"),
        ("tunnel", ".git"),
        ("dir/up", "../.."),
    ] {
        symlink(target, repo.join(link)).unwrap();
    }
    fs::create_dir_all(repo.join("nested/.git")).unwrap();
    place
}

/// Everything below the root but skiff's own files: bytes, links, modes.
fn everything(place: &Place) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let bytes = if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if meta.is_dir() {
                if path != place.home() {
                    folders.push(path.clone());
                }
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path, (bytes, meta.permissions().mode()));
        }
    }
    found
}

/// Gives skiff a patch on its standard input.
fn apply(place: &Place, args: &[&str], patch: &[u8]) -> Outcome {
    place.skiff_told(&[&["apply"], args].concat(), patch)
}

/// A patch that creates a file of one line under names as they stand in the diff.
fn creation(git: &str, new: &str) -> String {
    format!("diff --git {git}\nnew file mode 100644\n--- /dev/null\n+++ {new}\n@@ -0,0 +1 @@\n+x\n")
}

/// A patch that changes the one line of a file.
fn change(old: &str, new: &str) -> String {
    format!("--- {old}\n+++ {new}\n@@ -1 +1 @@\n-x\n+y\n")
}

fn with_names(path: &str, hunks: &str) -> String {
    format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n{hunks}")
}

/// What is refused: the patch, the exit code, and what is said.
fn refused() -> Vec<(String, i32, &'static str)> {
    const ERROR: i32 = 1;
    const CONFLICT: i32 = 6;
    let mut cases: Vec<(String, i32, &'static str)> = Vec::new();
    let mut case = |patch: String, code, said| cases.push((patch, code, said));
    // Names that lead out or into git's own folder.
    for (path, said) in [
        ("../outside/new", "outside the repository"),
        ("../file", "outside the repository"),
        ("dir/../../file", "outside the repository"),
        ("dir/../one", "outside the repository"),
        ("/tmp/skiff-was-here", "outside the repository"),
        ("//tmp/x", "outside the repository"),
        ("./one", "not in normal form"),
        ("dir//file", "not in normal form"),
        ("dir/./file", "not in normal form"),
        ("dir/", "not in normal form"),
        ("new/", "not in normal form"),
        ("", "the path is empty"),
        (".git/config", "git's own directory"),
        (".git", "git's own directory"),
        (".GIT/hooks/pre-commit", "git's own directory"),
        (".git./config", "git's own directory"),
        (".git /config", "git's own directory"),
        ("git~1/config", "git's own directory"),
        ("dir/.Git/config", "git's own directory"),
        (".git::$INDEX_ALLOCATION/config", "git's own directory"),
    ] {
        case(
            creation(&format!("a/{path} b/{path}"), &format!("b/{path}")),
            ERROR,
            said,
        );
        case(change(&format!("a/{path}"), &format!("b/{path}")), ERROR, said);
    }
    for (name, said) in [
        ("\"b/.g\\342\\200\\214it/x\"", "git's own directory"),
        ("\"b/.\\147it/config\"", "git's own directory"),
        ("\"b/\\056\\056/file\"", "outside the repository"),
        ("\"b/a\\000b\"", "not in normal form"),
        ("\"b/\\377\"", "is not UTF-8"),
        ("\"b/x\\q\"", "not quoted as git quotes"),
        ("\"b/x", "not quoted as git quotes"),
        ("\"b/x\"y", "not quoted as git quotes"),
        ("b/x\\..\\..\\y", "not quoted as git quotes"),
        ("b/x\"", "not quoted as git quotes"),
        ("\"/dev/null\"", "does not begin with `a/`"),
        ("/etc/passwd", "does not begin with `a/`"),
        ("x", "does not begin with `a/`"),
        ("src/x", "does not begin with `a/`"),
        ("\u{1b}[2Jx", "not quoted as git quotes"),
        ("b/x\r", "a carriage return"),
    ] {
        let patch = format!("--- /dev/null\n+++ {name}\n@@ -0,0 +1 @@\n+x\n");
        case(patch, ERROR, said);
    }
    // Names that differ, and /dev/null where it has no place.
    case(change("a/one", "b/f"), ERROR, "where one file is meant");
    case(change("/dev/null", "/dev/null"), ERROR, "where a file must be named");
    case(creation("a/x b/y", "b/y"), ERROR, "where one file is meant");
    case(creation("a/x b/x", "b/y"), ERROR, "where one file is meant");
    case(creation("a/x b/x", "/dev/null"), ERROR, "where a file must be named");
    case(creation("a/x /dev/null", "b/x"), ERROR, "not two names of one file");
    case(creation("\"a/x\" b/x", "b/x"), ERROR, "not two names of one file");
    case(creation("x x", "b/x"), ERROR, "does not begin with `a/`");
    let git = "diff --git a/one b/one\n";
    case(
        format!("{git}{}", change("/dev/null", "b/one")),
        ERROR,
        "where a file must be named",
    );
    case(
        format!("{git}{}", change("a/one", "/dev/null")),
        ERROR,
        "where a file must be named",
    );
    case(
        format!("{git}new file mode 100644\n{}", change("a/one", "b/one")),
        ERROR,
        "where `/dev/null` must stand",
    );
    case(
        format!("{git}deleted file mode 100644\n{}", change("a/one", "b/one")),
        ERROR,
        "where `/dev/null` must stand",
    );
    case(format!("{git}--- a/one\n@@ -1 +1 @@\n-a\n+b\n"), ERROR, "no line `+++`");
    case(format!("{git}index 1111..2222\n"), ERROR, "nothing changes");
    // Counts and places that lie.
    for (hunks, said) in [
        ("@@ -1,2 +1 @@\n-a\n+b\n", "ends before the lines"),
        ("@@ -1 +1,2 @@\n-a\n+b\n", "ends before the lines"),
        ("@@ -1 +1 @@\n-a\n+b\n+c\n", "more lines than its header"),
        ("@@ -1 +1 @@\n-a\n-b\n+c\n", "more lines than its header"),
        ("@@ -1 +1 @@\n-a\n+b", "ends before the lines"),
        ("@@ -1 +1 @@\n", "ends before the lines"),
        ("@@ -1,1000000000 +1 @@\n-a\n", "not the header of a hunk"),
        ("@@ -1 +1 @@ x\r\n a\r\n", "nothing changes"),
        ("@@ -0,1 +1 @@\n-a\n+b\n", "not the header of a hunk"),
        ("@@ --1 +1 @@\n-a\n+b\n", "not the header of a hunk"),
        (
            "@@ -1 +1 @@\n-a\n+b\n@@ -1 +1 @@\n-b\n+c\n",
            "before the end of the one above",
        ),
        (
            "@@ -1,0 +2 @@\n+b\n@@ -1,0 +2 @@\n+b\n",
            "before the end of the one above",
        ),
        ("\n@@ -1 +1 @@\n-a\n+b\n", "a hunk must begin here"),
        (
            "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n+c\n",
            "more lines than its header",
        ),
        (
            "@@ -1 +1,2 @@\n-a\n+b\n\\ No newline at end of file\n+c\n",
            "which can only be the last",
        ),
    ] {
        case(with_names("one", hunks), ERROR, said);
    }
    let first = "@@ -2,3 +2,3 @@\n 2\n-3\n+3!\n 4\n";
    let later = "@@ -6,3 +6,3 @@\n 6\n-7\n+7!\n 8\n";
    case(
        with_names("f", &format!("{later}{first}")),
        ERROR,
        "before the end of the one above",
    );
    let overlapping = "@@ -4,3 +4,3 @@\n 4\n-5\n+5!\n 6\n";
    case(
        with_names("f", &format!("{first}{overlapping}")),
        ERROR,
        "before the end of the one above",
    );
    let twice = format!("{}{}", with_names("f", first), with_names("f", later));
    case(twice, ERROR, "changed a second time");
    case(
        format!("{}{}", creation("a/n b/n", "b/n"), creation("a/n/m b/n/m", "b/n/m")),
        ERROR,
        "a file and a folder",
    );
    // The first part would fit: all or nothing.
    for second in [
        with_names("one", "@@ -1 +1 @@\n-b\n+c\n"),
        creation("a/one b/one", "b/one"),
        with_names("missing", "@@ -1 +1 @@\n-b\n+c\n"),
    ] {
        let both = format!("{}{second}", with_names("f", first));
        case(both, CONFLICT, "hint: nothing is written");
    }
    case(
        format!("{}{}", with_names("f", first), change("a/../x", "b/../x")),
        ERROR,
        "outside the repository",
    );
    // Files that are not what the patch was made for.
    for (path, hunks, said) in [
        (
            "one",
            "@@ -1 +1 @@\n-x\n+y\n",
            "hunk 1 of one does not fit: line 1 is \"a\\n\", and the patch has \"x\\n\"",
        ),
        (
            "crlf",
            "@@ -1,2 +1,2 @@\n-a\n+c\n b\n",
            "line 1 is \"a\\r\\n\", and the patch has \"a\\n\"",
        ),
        (
            "bare-end",
            "@@ -1 +1 @@\n-a\n+c\n",
            "line 1 is \"a\", and the patch has \"a\\n\"",
        ),
        ("f", "@@ -1,2 +1,3 @@\n 1\n+1!\n 3\n", "line 2 is \"2\\n\""),
        ("f", "@@ -2,3 +2,3 @@\n 3\n-4\n+4!\n 4\n", "hunk 1 of f does not fit"),
        ("f", "@@ -99,3 +99,3 @@\n 3\n-4\n+4!\n 4\n", "the file has 10 lines"),
        ("same", "@@ -3,2 +3,2 @@\n y\n-x\n+z\n", "hunk 1 of same"),
        ("same", "@@ -2,2 +2,2 @@\n-x\n+z\n y\n", "fits on 2 lines"),
        ("f", "@@ -5,0 +6 @@\n+new\n", "no line of the old file to be found by"),
        (
            "f",
            "@@ -5 +5 @@\n-5\n+five\n",
            "is for the end of the file, and line 6 follows",
        ),
        ("empty", "@@ -1 +1 @@\n-a\n+b\n", "the file has 0 lines"),
        ("missing", "@@ -1 +1 @@\n-a\n+b\n", "which does not exist"),
        ("dir/missing/x", "@@ -1 +1 @@\n-a\n+b\n", "which does not exist"),
    ] {
        case(with_names(path, hunks), CONFLICT, said);
    }
    case(creation("a/f b/f", "b/f"), CONFLICT, "which exists already");
    case(creation("a/empty b/empty", "b/empty"), CONFLICT, "which exists already");
    let goes = |path: &str| format!("diff --git a/{path} b/{path}\ndeleted file mode 100644\n");
    case(goes("f"), CONFLICT, "holds more than the patch removes");
    let removed = "--- a/one\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n";
    case(
        format!("{}{removed}", goes("one")),
        CONFLICT,
        "hunk 1 of one does not fit",
    );
    case(goes("missing"), CONFLICT, "which does not exist");
    let modes = "diff --git a/f b/f\nold mode 100755\nnew mode 100644\n";
    case(
        modes.to_owned(),
        CONFLICT,
        "changes the mode of f from 100755, and it is 100644",
    );
    // Links, folders and files that are no text.
    for (path, said) in [
        ("out/new", "out is a symbolic link"),
        ("out/file", "out is a symbolic link"),
        ("outfile", "outfile is a symbolic link"),
        ("link", "link is a symbolic link"),
        ("dangling", "dangling is a symbolic link"),
        ("tunnel/config", "tunnel is a symbolic link"),
        ("dir/up/file", "dir/up is a symbolic link"),
        ("dir/up/repo/one", "dir/up is a symbolic link"),
        ("dir", "dir is a directory"),
        ("one/new", "one is not a directory"),
        ("nested/new", "nested repository"),
        ("binary", "is a binary file"),
        ("latin1", "is not UTF-8"),
    ] {
        case(
            creation(&format!("a/{path} b/{path}"), &format!("b/{path}")),
            ERROR,
            said,
        );
        case(change(&format!("a/{path}"), &format!("b/{path}")), ERROR, said);
        case(goes(path), ERROR, said);
    }
    // A link that the patch itself would make.
    let link = "diff --git a/new b/new\nnew file mode 120000\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+../outside\n\\ No \
                newline at end of file\n";
    case(
        format!("{link}{}", creation("a/new/x b/new/x", "b/new/x")),
        ERROR,
        "a symbolic link",
    );
    let becomes = format!("{}{link}", goes("empty")).replace("a/new b/new", "a/empty b/empty");
    case(becomes, ERROR, "a symbolic link");
    case(
        "diff --git a/link b/link\nindex 1111111..2222222 120000\n".to_owned(),
        ERROR,
        "a symbolic link",
    );
    case(
        "diff --git a/m b/m\nnew file mode 160000\n".to_owned(),
        ERROR,
        "a submodule",
    );
    case(
        "diff --git a/m b/m\nnew file mode 100666\n".to_owned(),
        ERROR,
        "no mode that a file can have",
    );
    case(
        "diff --git a/m b/m\nnew file mode 040000\n".to_owned(),
        ERROR,
        "no mode that a file can have",
    );
    let renamed = "diff --git a/one b/../two\nsimilarity index 100%\nrename from one\nrename to ../two\n";
    case(renamed.to_owned(), ERROR, "renames a file");
    case(renamed.replace("rename", "copy"), ERROR, "copies a file");
    case(
        "diff --git a/f b/f\nGIT binary patch\nliteral 0\nHcmV?d00001\n".to_owned(),
        ERROR,
        "a binary file",
    );
    case("Binary files a/f and b/f differ\n".to_owned(), ERROR, "a binary file");
    case(
        "diff --cc f\n@@@ -1,1 -1,1 +1,1 @@@\n".to_owned(),
        ERROR,
        "a combined diff",
    );
    case(String::new(), ERROR, "no unified diff in it");
    case("only words\n".to_owned(), ERROR, "no unified diff in it");
    case(
        "*** a/f\n--- b/f\n***************\n".to_owned(),
        ERROR,
        "no unified diff in it",
    );
    let mail = "From: a\nContent-Transfer-Encoding: base64\n\nZGlmZg==\n";
    case(mail.to_owned(), ERROR, "encoded as \"base64\"");
    case(with_names("f", first).replace('\n', "\r\n"), ERROR, "a carriage return");
    case(creation("a/n b/n", "b/n").replace("+x", "+\0"), ERROR, "a NUL byte");
    // What is flagged wants a yes, and a pipe is nobody.
    let agents = with_names("AGENTS.md", "@@ -1 +1 @@\n-be careful\n+be careless\n");
    case(agents, 5, "--accept-flags");
    case(
        creation("a/n b/n", "b/n").replace("+x", "+\u{202e}"),
        5,
        "--accept-flags",
    );
    cases
}

#[test]
fn what_is_refused_changes_nothing() {
    let place = world();
    let before = everything(&place);
    let cases = refused();
    println!("{} patches are refused", cases.len());
    for (patch, code, said) in cases {
        let outcome = apply(&place, &["-"], patch.as_bytes());
        assert_eq!(outcome.code, code, "{patch}\n{}", outcome.stderr);
        assert!(outcome.stderr.contains(said), "{patch}\n{}\n{said}", outcome.stderr);
        assert!(!outcome.stderr.contains('\u{1b}'), "{:?}", outcome.stderr);
        assert_eq!(everything(&place), before, "{patch}");
    }
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
    assert_eq!(place.skiff(&["undo"]).code, 1, "nothing was applied");
}

#[test]
fn a_file_is_applied_recorded_and_taken_back() {
    let place = world();
    let before = everything(&place);
    let patch = [
        "words before\n\n",
        "diff --git a/f b/f\nindex 1111111..2222222 100644\n--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@ fn x\n 1\n-2\n+two\n 3\n 4\n",
        "diff --git a/dir/new b/dir/new\nnew file mode 100755\n--- /dev/null\n+++ b/dir/new\n@@ -0,0 +1,2 @@\n+a\r\n+b\n\\ No \
         newline at end of file\n",
        "--- a/bare-end\t2024-01-01 00:00:00\n+++ b/bare-end\t2024-01-01 00:00:00\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of \
         file\n+a\n+b\n",
        "diff --git a/tool.sh b/tool.sh\nold mode 100644\nnew mode 100755\n",
        "diff --git a/empty b/empty\ndeleted file mode 100644\nindex e69de29..0000000\n",
        "diff --git \"a/q\\\"\\\\\\303\\274\" \"b/q\\\"\\\\\\303\\274\"\n--- \"a/q\\\"\\\\\\303\\274\"\n+++ \
         \"b/q\\\"\\\\\\303\\274\"\n@@ -1 +1 @@\n-x\n+y\n",
        "--- a/with space\t\n+++ b/with space\t\n@@ -1 +1 @@\n-x\n+y\n-- \n2.40\n",
    ]
    .concat();
    let file = place.root().join("7");
    fs::write(&file, &patch).unwrap();
    let outcome = place.skiff(&["apply", "../7"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("applied the patch: 7 files, +7 -4"),
        "{}",
        outcome.stderr
    );
    assert_eq!(place.read("f"), TEN.replace('2', "two"));
    assert_eq!(place.read("dir/new"), "a\r\nb");
    assert_eq!(place.read("bare-end"), "a\nb\n");
    assert_eq!(
        (place.read("with space"), place.read("q\"\\\u{fc}")),
        ("y\n".to_owned(), "y\n".to_owned())
    );
    assert!(!place.repo().join("empty").exists());
    for tool in ["tool.sh", "dir/new"] {
        let mode = fs::metadata(place.repo().join(tool)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111 & !umask(), "{tool}");
    }

    let exported = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    let records: Vec<serde_json::Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let body = |kind: &str| &records.iter().find(|record| record["kind"] == kind).unwrap()["body"];
    let read = body("patch_read");
    assert_eq!((&read["file"], &read["bytes"]), (&"../7".into(), &patch.len().into()));
    assert_eq!(body("run_started")["role"], "hand");
    let decided = body("decided");
    assert_eq!(
        (&decided["proposal"], &decided["hunks"]),
        (&serde_json::Value::Null, &"all".into())
    );
    assert_eq!(decided["change"]["files"].as_array().unwrap().len(), 7);
    let schema = fs::read_to_string(support::project().join("docs/schema/ledger-record.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(records.iter().all(|record| schema.is_valid(record)));
    assert!(place.skiff(&["log"]).stdout.contains("apply a patch (7 files)"));

    let undone = place.skiff(&["undo"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(undone.stderr.contains("took back patch "), "{}", undone.stderr);
    fs::remove_file(&file).unwrap();
    assert_eq!(everything(&place), before);
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
}

/// The bits that a new file of this process does not get.
fn umask() -> u32 {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("x")).unwrap();
    !fs::metadata(folder.path().join("x")).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_name_of_digits_is_a_proposal_and_every_other_a_file() {
    let place = Place::with(&[("a", "x\n")]);
    let patch = change("a/a", "b/a");
    fs::write(place.repo().join("7"), &patch).unwrap();
    let missing = place.skiff(&["apply", "7"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("proposal 7"), "{}", missing.stderr);
    for wrong in ["0", "99999999999999999999", ""] {
        assert_eq!(place.skiff(&["apply", wrong]).code, 2, "{wrong:?}");
    }
    let unknown = place.skiff(&["apply", "nowhere.patch"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("cannot read the patch \"nowhere.patch\""),
        "{}",
        unknown.stderr
    );
    let folder = place.skiff(&["apply", "."]);
    assert_eq!(folder.code, 1, "{}", folder.stderr);
    assert_eq!(place.read("a"), "x\n");
    assert_eq!(place.skiff(&["apply", "./7"]).code, 0);
    assert_eq!(place.read("a"), "y\n");
    // The same again is a conflict, not done twice.
    assert_eq!(place.skiff(&["apply", "./7"]).code, 6);
}

#[test]
fn hunks_of_a_file_are_chosen() {
    let place = Place::with(&[("f", TEN)]);
    let patch = with_names(
        "f",
        "@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n@@ -8,3 +8,3 @@\n 8\n 9\n-10\n+ten\n",
    );
    fs::write(place.root().join("x.patch"), patch).unwrap();
    assert_eq!(apply(&place, &["-p", "../x.patch"], b"n\n").code, 2);
    assert_eq!(apply(&place, &["-p", "../x.patch"], b"n\nn\n").code, 3);
    assert_eq!(place.read("f"), TEN);
    let chosen = apply(&place, &["-p", "../x.patch"], b"n\ny\n");
    assert_eq!(chosen.code, 0, "{}", chosen.stderr);
    assert_eq!(place.read("f"), TEN.replace("10", "ten"));
    let piped = apply(&place, &["-p", "-"], b"y\n");
    assert_eq!(piped.code, 2, "{}", piped.stderr);
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.read("f"), TEN);
}

#[test]
fn a_hunk_that_moved_is_named_and_flags_are_accepted() {
    let place = Place::with(&[("f", TEN), ("AGENTS.md", "be careful\n")]);
    let moved = with_names("f", "@@ -2,3 +2,3 @@\n 5\n-6\n+six\n 7\n");
    let outcome = apply(&place, &["-"], moved.as_bytes());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("hunk 1 of f is on line 5, 3 below the one that the patch says"),
        "{}",
        outcome.stderr
    );
    assert_eq!(place.read("f"), TEN.replace('6', "six"));
    let flagged = with_names("AGENTS.md", "@@ -1 +1 @@\n-be careful\n+be careless\n");
    assert_eq!(apply(&place, &["--accept-flags", "-"], flagged.as_bytes()).code, 0);
    assert_eq!(place.read("AGENTS.md"), "be careless\n");
    let nothing = with_names("f", "@@ -1,2 +1,2 @@\n-1\n+1\n 2\n");
    assert_eq!(apply(&place, &["-"], nothing.as_bytes()).code, 3);
}

#[test]
fn a_patch_that_is_too_large_is_not_read_on() {
    let place = Place::with(&[("f", TEN)]);
    let mut patch = with_names("f", "@@ -1,2 +1,2 @@\n-1\n+one\n 2\n").into_bytes();
    patch.resize(MAX_PATCH_BYTES + 1, b'\n');
    let outcome = apply(&place, &["-"], &patch);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("the patch has more than"), "{}", outcome.stderr);
    assert_eq!(apply(&place, &["-"], &patch[..MAX_PATCH_BYTES]).code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_patch_is_read_from_where_the_hand_may_not_look() {
    let place = Place::with(&[("a", "x\n")]);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("change.patch");
    fs::write(&file, change("a/a", "b/a")).unwrap();
    // A descriptor that the shell hands over, as `<(git diff)` does.
    let script = "exec 7<\"$1\"; shift; exec \"$@\"";
    let outcome = Outcome::of(place.command("sh").args(["-c", script, "sh"]).arg(&file).args([
        env!("CARGO_BIN_EXE_skiff"),
        "apply",
        "/dev/fd/7",
    ]));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(place.read("a"), "y\n");
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.skiff(&["apply", file.to_str().unwrap()]).code, 0);
    assert_eq!(place.read("a"), "y\n");
}

#[test]
fn mails_of_git_and_of_skiff_are_applied() {
    let place = Place::with(&[("f", TEN), ("crlf", "a\r\nb\r\n")]);
    fs::write(place.repo().join("f"), TEN.replace('5', "five")).unwrap();
    place.git(&[
        "commit",
        "--quiet",
        "--all",
        "--message=one\n\n@@ -1 +1 @@\nBinary files a and b differ",
    ]);
    fs::write(place.repo().join("g"), "new\n").unwrap();
    place.git(&["add", "g"]);
    place.git(&["commit", "--quiet", "--message=two"]);
    let mails = place.git(&["format-patch", "--stdout", "-2"]);
    place.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    let outcome = apply(&place, &["-"], mails.as_bytes());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        (place.read("f"), place.read("g")),
        (TEN.replace('5', "five"), "new\n".to_owned())
    );
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.git(&["status", "--porcelain"]), "");

    let id = place.propose("crlf", "a\r\n", "\u{fc} = 1\r\n").to_string();
    for format in ["diff", "mbox"] {
        let shown = place.skiff(&["show", &id, "--format", format]).stdout;
        let outcome = apply(&place, &["-"], shown.as_bytes());
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert_eq!(place.read("crlf"), "\u{fc} = 1\r\nb\r\n", "{format}");
        assert_eq!(place.skiff(&["undo"]).code, 0);
    }
}

/// Applies what git wrote in memory, as skiff would, to the files of a repository.
fn by_skiff(root: &Path, state: &Path, diff: &str) -> Result<(), String> {
    let diff = UnifiedDiff::parse(diff.as_bytes()).map_err(|error| format!("{error}\n{diff}"))?;
    let repository = Repository::discover(root).unwrap();
    let placed = diff
        .place(&repository.snapshot().unwrap().reader())
        .map_err(|error| error.to_string())?;
    let mut work_tree = skiff::repo::WorkTree::open(&repository, state).unwrap();
    work_tree
        .apply(&placed.patch.writes(), "test")
        .map_err(|error| error.to_string())
}

fn text() -> impl Strategy<Value = Option<String>> {
    let line = prop::sample::select(vec![
        "",
        "a",
        "b",
        "c",
        "  d",
        "\u{fc} ",
        "-- ",
        "--- a/f",
        "+++ b/f",
        "@@ -1 +1 @@",
        "diff --git a/f b/f",
        "\\ x",
        "\u{feff}",
        "\t",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n"]);
    let lines = prop::collection::vec((line, end).prop_map(|(line, end)| format!("{line}{end}")), 0..30);
    let text = (lines, prop::sample::select(vec!["", "", "a", "\r"])).prop_map(|(lines, last)| lines.concat() + last);
    prop::option::weighted(0.85, text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_git_writes_is_applied_as_git_applies_it(
        old in prop::array::uniform3(text()),
        new in prop::array::uniform3(text()),
        modes in prop::array::uniform4(any::<bool>()),
        context in 1..5_usize,
        above in prop::option::of("[a-c]\n"),
    ) {
        const NAMES: [&str; 3] = ["f", "with space", "q\"\u{fc}\t/x"];
        let bench = Bench::new();
        let files = |texts: &[Option<String>; 3]| -> Vec<(&'static str, String)> {
            let pairs = NAMES.iter().zip(texts);
            pairs.filter_map(|(name, text)| Some((*name, text.clone()?))).collect()
        };
        let root = bench.repo("repo", &[]);
        let set = |texts: &[Option<String>; 3], modes: &[bool]| {
            for (name, text) in files(texts) {
                put(&root, name, text.as_bytes());
            }
            if texts[0].is_some() && modes[0] {
                chmod(&root.join("f"), 0o755);
            }
        };
        set(&old, &modes[..2]);
        bench.commit(&root);
        for name in NAMES {
            let _ = fs::remove_file(root.join(name));
        }
        set(&new, &modes[2..]);
        bench.git(&root, ["add", "--all", "--force"]);
        let unified = format!("--unified={context}");
        let diff = bench.git(&root, ["diff", "--cached", "--no-renames", "--no-color", &unified]);
        bench.git(&root, ["reset", "--quiet", "--hard"]);
        // Sometimes the files are not quite those that the diff was made of.
        if let (Some(line), Some(text)) = (&above, &old[0]) {
            put(&root, "f", format!("{line}{text}").as_bytes());
        }
        let before = tree(&root);
        put(&bench.path(""), "git.patch", diff.as_bytes());
        let by_git = bench.try_git(&root, ["apply", "--whitespace=nowarn", "../git.patch"]);
        let after = tree(&root);
        // Back to what both begin with.
        for (path, (bytes, executable)) in &before {
            put(&root, path.to_str().unwrap(), bytes);
            chmod(&root.join(path), if *executable { 0o755 } else { 0o644 });
        }
        for path in after.keys().filter(|path| !before.contains_key(*path)) {
            fs::remove_file(root.join(path)).unwrap();
        }
        prop_assert_eq!(&tree(&root), &before);
        match by_skiff(&root, &bench.state(), &diff) {
            Ok(()) => {
                prop_assert!(by_git.status.success(), "git does not apply it: {}\n{diff}", String::from_utf8_lossy(&by_git.stderr));
                prop_assert_eq!(tree(&root), after, "{}", diff);
            }
            Err(reason) => {
                // Git takes the nearest of several places, and guesses nothing else that skiff does not.
                let ambiguous = above.is_some() && reason.contains("fits on");
                prop_assert!(diff.is_empty() || ambiguous || !by_git.status.success(), "{reason}\n{diff}");
                prop_assert_eq!(&tree(&root), &before);
            }
        }
    }
}
