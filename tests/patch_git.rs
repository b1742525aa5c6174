//! What git makes of skiff's patches is what skiff's own writer makes of them.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/git.rs"]
mod git;

use std::path::Path;

use git::{Bench, Tree, chmod, put, tree};
use proptest::prelude::*;
use skiff::patch::{Envelope, FilePatch, FileSide, Patch};
use skiff::repo::{FileMode, Repository, WorkTree};
use skiff::text::{RepoPath, SourceChange, TextEdit, TextRange};

/// A file before and after; `None` where it is not there.
type Change<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn source_change(changes: &[Change<'_>]) -> SourceChange {
    let mut change = SourceChange::default();
    for (name, old, new) in changes {
        match (old, new) {
            (Some(old), Some(new)) => change.edit(
                path(name),
                TextEdit {
                    range: TextRange::new(0, old.len()),
                    replacement: (*new).to_owned(),
                },
            ),
            (None, Some(new)) => change.create(path(name), (*new).to_owned()),
            (_, None) => change.delete(path(name)),
        }
        .unwrap();
    }
    change
}

fn envelope() -> Envelope {
    Envelope {
        subject: "Rewrite the texts".to_owned(),
        body: "As asked.".to_owned(),
        author: "A U Thor".to_owned(),
        email: "author@example.org".to_owned(),
        date_unix_s: 1_704_164_645,
        trailers: vec!["Assisted-by: skiff (scripted)".to_owned()],
    }
}

fn patch_of(root: &Path, changes: &[Change<'_>]) -> Patch {
    let snapshot = Repository::discover(root).unwrap().snapshot().unwrap();
    Patch::build(&source_change(changes), &snapshot).unwrap()
}

/// Applies `patch` to the repository in four ways and returns the one tree that they all gave.
fn agree(bench: &Bench, root: &Path, patch: &Patch) -> Tree {
    let before = tree(root);
    std::fs::write(bench.path("unified.patch"), patch.unified()).unwrap();
    std::fs::write(bench.path("mail.mbox"), patch.mbox(&envelope())).unwrap();

    bench.git(root, ["apply", "--check", "../unified.patch"]);
    bench.git(root, ["apply", "../unified.patch"]);
    let by_git = tree(root);
    bench.git(root, ["apply", "--reverse", "../unified.patch"]);
    assert_eq!(tree(root), before, "git takes the patch back");

    bench.git(root, ["am", "--quiet", "../mail.mbox"]);
    assert_eq!(tree(root), by_git, "git am");
    assert_eq!(bench.git(root, ["status", "--porcelain"]), "");
    assert_eq!(
        bench.git(root, ["log", "-1", "--format=%an|%ae|%at|%B"]),
        "A U Thor|author@example.org|1704164645|Rewrite the texts\n\nAs asked.\n\nAssisted-by: skiff (scripted)\n\n"
    );
    bench.git(root, ["reset", "--quiet", "--hard", "HEAD^"]);
    assert_eq!(tree(root), before);

    let mut work_tree = WorkTree::open(&Repository::discover(root).unwrap(), &bench.state()).unwrap();
    work_tree.apply(&patch.writes(), "test").unwrap();
    let by_skiff = tree(root);
    assert_eq!(by_skiff, by_git, "the writer of the work tree");
    work_tree.undo().unwrap();
    assert_eq!(tree(root), before, "undo");
    by_git
}

/// Shows that every way to apply `changes` gives the new texts.
fn round_trip(changes: &[Change<'_>]) -> Patch {
    let bench = Bench::new();
    let mut files: Vec<_> = changes
        .iter()
        .filter_map(|(name, old, _)| Some((*name, (*old)?.as_bytes())))
        .collect();
    files.push(("untouched", b"as it was\n"));
    let root = bench.repo("repo", &files);
    let patch = patch_of(&root, changes);
    let after = agree(&bench, &root, &patch);
    for (name, _, new) in changes {
        let bytes = after.get(Path::new(name)).map(|(bytes, _)| bytes.as_slice());
        assert_eq!(bytes, new.map(str::as_bytes), "{name:?}");
    }
    patch
}

#[test]
fn line_endings_and_byte_order_marks_are_kept() {
    round_trip(&[
        ("crlf", Some("a\r\nb\r\nc\r\n"), Some("a\r\nB\r\nc\r\n")),
        ("to-crlf", Some("a\nb\n"), Some("a\r\nb\r\n")),
        ("mixed", Some("a\r\nb\nc\rd\n"), Some("a\nb\r\nc\rD\n\r")),
        ("bom", Some("\u{feff}a\nb\n"), Some("\u{feff}a\nc\n")),
        ("no-bom", Some("\u{feff}a\nb\n"), Some("a\nb\n")),
    ]);
}

#[test]
fn a_missing_final_newline_is_kept_on_either_side() {
    round_trip(&[
        ("old", Some("a\nb"), Some("a\nb\n")),
        ("new", Some("a\nb\n"), Some("a\nb")),
        ("both", Some("a\nb"), Some("a\nc")),
        ("context", Some("a\nb\nc"), Some("A\nb\nc")),
        ("only", Some("a"), Some("b")),
        ("crlf", Some("a\r\nb"), Some("a\r\nb\r\nc")),
    ]);
}

#[test]
fn files_come_and_go_also_empty_ones() {
    let patch = round_trip(&[
        ("new", None, Some("a\nb\n")),
        ("deep/er/new", None, Some("x")),
        ("new-empty", None, Some("")),
        ("gone/away/file", Some("a\n"), None),
        ("gone-empty", Some(""), None),
        ("emptied", Some("a\n"), Some("")),
        ("filled", Some(""), Some("a\n")),
    ]);
    assert!(
        patch
            .unified()
            .contains("deleted file mode 100644\nindex e69de29bb2d1d6434b8b29ae775ad8c2e48c5391..0")
    );
}

#[test]
fn unusual_names_are_quoted() {
    round_trip(&[
        ("with space", Some("a\n"), Some("b\n")),
        ("trailing space ", Some("a\n"), Some("b\n")),
        ("q\"uote\\", Some("a\n"), Some("b\n")),
        ("\u{fc}/\u{4e16}", Some("a\n"), Some("b\n")),
        ("line\nbreak\ttab", Some("a\n"), Some("b\n")),
        ("new \u{fc} file", None, Some("b\n")),
        ("gone\n", Some("b\n"), None),
        ("-- ", Some("b\n"), Some("c\n")),
    ]);
}

#[test]
fn lines_that_look_like_a_patch_or_a_mail_are_text() {
    round_trip(&[
        (
            "tricky",
            Some("From a Mon Sep 17 00:00:00 2001\n--- a/x\n+++ b/x\n-- \n"),
            Some("From b Mon Sep 17 00:00:00 2001\n-- a/x\n++ b/x\n--- \n\\ No newline at end of file\n"),
        ),
        ("long", Some("x\n"), Some(&format!("{}\u{fc}=20 \n", "y ".repeat(700)))),
        (
            "from",
            Some("x\r\n"),
            Some(&format!("{}From me\n{}\n", "z".repeat(75), "From \r".repeat(40))),
        ),
    ]);
}

#[test]
fn distant_changes_are_hunks_of_their_own() {
    let lines: Vec<String> = (0..60).map(|n| format!("line {n}\n")).collect();
    let old = lines.concat();
    let new = old
        .replace("line 3\n", "")
        .replace("line 9\n", "nine\n")
        .replace("line 40\n", "line 40\nmore\n");
    let patch = round_trip(&[("f", Some(&old), Some(&new))]);
    let hunks = patch.files[0].hunks();
    assert_eq!(hunks.len(), 2);
    assert_eq!((hunks[0].old.clone(), hunks[0].new.clone()), (0..13, 0..12));
    assert_eq!((hunks[1].old.clone(), hunks[1].new.clone()), (38..44, 37..44));
    assert_eq!(hunks[1].section, "line 37");
    let stat = patch.stat();
    assert_eq!((stat.added, stat.removed), (2, 2));
}

#[test]
fn file_modes_are_kept_and_changed() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[]);
    for name in ["run", "becomes", "stops"] {
        put(&root, name, b"#!/bin/sh\n");
    }
    chmod(&root.join("run"), 0o755);
    chmod(&root.join("stops"), 0o755);
    bench.commit(&root);
    let mut patch = patch_of(&root, &[("run", Some("#!/bin/sh\n"), Some("#!/bin/sh\ntrue\n"))]);
    assert_eq!(patch.files[0].new.as_ref().unwrap().mode, FileMode::Executable);
    let side = |text: &str, mode| Some(FileSide::new(text.to_owned(), mode));
    patch.files.insert(
        0,
        FilePatch {
            path: path("becomes"),
            old: side("#!/bin/sh\n", FileMode::Regular),
            new: side("#!/bin/sh\n", FileMode::Executable),
        },
    );
    patch.files.push(FilePatch {
        path: path("stops"),
        old: side("#!/bin/sh\n", FileMode::Executable),
        new: side("no more\n", FileMode::Regular),
    });
    patch.files.push(FilePatch {
        path: path("tool"),
        old: None,
        new: side("new\n", FileMode::Executable),
    });
    let after = agree(&bench, &root, &patch);
    let executable = |name: &str| after[Path::new(name)].1;
    assert_eq!(
        ["run", "becomes", "stops", "tool"].map(executable),
        [true, true, false, true]
    );
}

#[test]
fn the_diff_is_the_one_that_git_prints() {
    let bench = Bench::new();
    let old = "fn a() {\n    1\n    2\n    3\n    4\n}\n";
    let root = bench.repo("repo", &[("a b", old.as_bytes()), ("g", b"x")]);
    let changes = [
        ("a b", Some(old), Some("fn a() {\n    1\n    2\n    3\n    5\n}\n")),
        ("g", Some("x"), None),
    ];
    let patch = patch_of(&root, &changes);
    put(&root, "a b", changes[0].2.unwrap().as_bytes());
    std::fs::remove_file(root.join("g")).unwrap();
    assert_eq!(
        patch.unified(),
        bench.git(&root, ["diff", "--full-index", "--histogram"])
    );
    assert_eq!(patch.stat().to_string(), bench.git(&root, ["diff", "--stat"]));
}

#[test]
fn an_envelope_cannot_break_out_of_its_mail() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("f", b"a\n")]);
    let patch = patch_of(&root, &[("f", Some("a\n"), Some("b\n"))]);
    let body = "From: Mallory <m@example.org>\nSubject: taken over\n\nFrom x Mon Sep 17 00:00:00 2001\ndiff --git a/f b/f\n\
                --- a/f\n---\nIndex: f\n-- >8 --\nthe end\r\nof \u{fc}";
    let envelope = Envelope {
        subject: "S\u{fc}bject\r\nBcc: x@example.org\n\nFrom: y \u{4e16}\u{754c} and a good deal more text than one line holds".to_owned(),
        body: body.to_owned(),
        author: "J\u{f6}rg \"Q\" <z>\nTo: w".to_owned(),
        email: "j@example.org>\nCc: v <u".to_owned(),
        date_unix_s: 0,
        trailers: vec!["Assisted-by: skiff (m\nSigned-off-by: x)".to_owned()],
    };
    let mbox = patch.mbox(&envelope);
    let headers: Vec<&str> = mbox.split("\n\n").next().unwrap().lines().collect();
    assert!(
        headers.iter().all(|line| line.is_ascii() && line.len() <= 76),
        "{headers:#?}"
    );
    assert!(
        !headers
            .iter()
            .any(|line| ["To:", "Cc:", "Bcc:"].iter().any(|h| line.starts_with(h)))
    );
    std::fs::write(bench.path("mail.mbox"), mbox).unwrap();
    bench.git(&root, ["am", "--quiet", "--scissors", "../mail.mbox"]);
    assert_eq!(
        bench.git(&root, ["log", "-1", "--format=%an|%ae|%at|%s"]),
        "J\u{f6}rg Q z To: w|j@example.orgCc:vu|0|S\u{fc}bject Bcc: x@example.org From: y \u{4e16}\u{754c} and a good deal \
         more text than one line holds\n"
    );
    let message = bench.git(&root, ["log", "-1", "--format=%b"]);
    assert!(
        message.contains("Mallory") && message.contains("-- > 8 --\nthe end\nof \u{fc}\n"),
        "{message}"
    );
    assert!(
        message.ends_with("Assisted-by: skiff (m Signed-off-by: x)\n\n"),
        "{message}"
    );
    assert_eq!(bench.git(&root, ["rev-list", "--count", "HEAD"]), "2\n");
    assert_eq!(std::fs::read(root.join("f")).unwrap(), b"b\n");
}

/// Texts whose lines repeat, mean something to diff and mail tools, or end in unusual ways.
fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "",
        "a",
        "b",
        "  c",
        "\u{fc} ",
        "-- ",
        "---",
        "--- a/f",
        "+++ b/f",
        "@@ -1 +1 @@",
        "From x",
        "diff --git a/f b/f",
        "\\ No newline at end of file",
        "\u{feff}",
        "=3D",
        "\t",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r\r\n"]);
    let lines = prop::collection::vec((line, end).prop_map(|(line, end)| format!("{line}{end}")), 0..24);
    (lines, prop::sample::select(vec!["", "", "a", "\r"])).prop_map(|(lines, last)| lines.concat() + last)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_round_trip_by_mail(old in text(), new in text()) {
        if old != new {
            round_trip(&[("f", Some(&old), Some(&new))]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_are_applied_by_git_and_taken_back_by_undo(old in text(), new in text()) {
        let bench = Bench::new();
        let root = bench.path("repo");
        git2::Repository::init(&root).unwrap();
        put(&root, "f", old.as_bytes());
        let patch = patch_of(&root, &[("f", Some(&old), Some(&new))]);
        prop_assert_eq!(patch.is_empty(), old == new);
        let read = || std::fs::read_to_string(root.join("f")).unwrap();
        let mut work_tree = WorkTree::open(&Repository::discover(&root).unwrap(), &bench.state()).unwrap();
        work_tree.apply(&patch.writes(), "test").unwrap();
        prop_assert_eq!(read(), new.as_str());
        if !patch.is_empty() {
            work_tree.undo().unwrap();
            prop_assert_eq!(read(), old.as_str());
            put(&bench.path(""), "unified.patch", patch.unified().as_bytes());
            bench.git(&root, ["apply", "../unified.patch"]);
            prop_assert_eq!(read(), new.as_str());
        }
    }
}
