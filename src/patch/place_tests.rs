use proptest::prelude::*;

use super::*;
use crate::patch::fixture::file;
use crate::repo::FileMode;

/// Applies a diff of one file to a text; returns the new text and the lines on which hunks were found elsewhere.
fn applied(diff: &str, old: &str) -> Result<(String, Vec<usize>), PlaceError> {
    let diff = UnifiedDiff::parse(diff.as_bytes()).unwrap();
    let mut moved = Vec::new();
    let side = FileSide::new(old.to_owned(), FileMode::Regular);
    let new = diff.files[0].carried_out(Some(&side), &mut moved)?;
    let text = new.map(|new| new.text).unwrap_or_default();
    Ok((text, moved.iter().map(|moved| moved.found).collect()))
}

fn misplaced(hunks: &str, old: &str) -> Misplaced {
    let diff = format!("--- a/f\n+++ b/f\n{hunks}");
    match applied(&diff, old) {
        Err(PlaceError::Hunk { misplaced, .. }) => misplaced,
        other => panic!("{hunks}\n{other:?}"),
    }
}

#[test]
fn a_hunk_fits_where_it_says_or_where_alone_it_fits() {
    let diff = |line: usize| format!("--- a/f\n+++ b/f\n@@ -{line},3 +{line},3 @@\n b\n-c\n+C\n d\n");
    let old = "a\nb\nc\nd\ne\n";
    let new = "a\nb\nC\nd\ne\n";
    assert_eq!(applied(&diff(2), old).unwrap(), (new.to_owned(), vec![]));
    for line in [3, 4, 5, 600] {
        assert_eq!(applied(&diff(line), old).unwrap(), (new.to_owned(), vec![1]), "{line}");
    }
    // Twice there, the stated one counts, and no other is guessed.
    let twice = format!("{old}{old}");
    assert_eq!(applied(&diff(7), &twice).unwrap().0, format!("{old}{new}"));
    assert!(matches!(
        applied(&diff(3), &twice),
        Err(PlaceError::Hunk {
            misplaced: Misplaced::Ambiguous(2),
            ..
        })
    ));
}

#[test]
fn what_does_not_fit_is_said() {
    let shown = |line: &str| format!("{line:?}");
    let differs = |line, found: &str, expected: &str| Misplaced::Differs {
        line,
        found: shown(found),
        expected: shown(expected),
    };
    let change = "@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n";
    assert_eq!(misplaced(change, "a\nb\nX\u{1b}\nd\n"), differs(2, "X\u{1b}\n", "c\n"));
    assert_eq!(misplaced(change, "a\nb\nc\r\nd\n"), differs(2, "c\r\n", "c\n"));
    assert_eq!(misplaced(change, "a\nb \nc\nd\n"), differs(1, "b \n", "b\n"));
    assert_eq!(misplaced(change, "a\nb\nc\nd"), differs(3, "d", "d\n"));
    let ended = |line, lines, expected: &str| Misplaced::Ended {
        line,
        lines,
        expected: shown(expected),
    };
    assert_eq!(misplaced(change, "a\nb\nc\n"), ended(3, 3, "d\n"));
    assert_eq!(misplaced(change, ""), ended(1, 0, "b\n"));
    // A hunk for the first line, or for the last, is for no other.
    assert_eq!(
        misplaced("@@ -1,2 +1 @@\n-a\n b\n", "x\na\nb\n"),
        differs(0, "x\n", "a\n")
    );
    assert_eq!(misplaced("@@ -2 +2,2 @@\n b\n+c\n", "a\nb\nx\n"), Misplaced::NotLast(2));
    assert_eq!(misplaced("@@ -1,0 +2 @@\n+c\n", "a\n"), Misplaced::NoAnchor);
    assert_eq!(misplaced("@@ -0,0 +1 @@\n+c\n", "a\n"), Misplaced::NoAnchor);
    let backwards = "@@ -2,2 +2,2 @@\n-d\n+D\n e\n@@ -5,2 +5,2 @@\n-b\n+B\n c\n";
    assert_eq!(misplaced(backwards, "a\nb\nc\nd\ne\n"), Misplaced::Order(1));
}

#[test]
fn after_a_hunk_that_moved_only_one_place_will_do() {
    let hunks = "--- a/f\n+++ b/f\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n@@ -6,2 +6,2 @@\n-x\n+X\n y\n";
    let old = "a\nb\nc\nd\ne\nx\ny\nx\ny\n";
    assert_eq!(applied(hunks, old).unwrap().0, "a\nb\nC\nd\ne\nX\ny\nx\ny\n");
    let shifted = format!("0\n1\n{old}");
    let refused = applied(hunks, &shifted);
    assert!(matches!(
        refused,
        Err(PlaceError::Hunk {
            hunk: 2,
            misplaced: Misplaced::Ambiguous(2),
            ..
        })
    ));
}

#[test]
fn a_file_goes_only_whole() {
    let gone = "diff --git a/f b/f\ndeleted file mode 100644\n";
    assert_eq!(applied(gone, "").unwrap().0, "");
    assert!(matches!(applied(gone, "a\n"), Err(PlaceError::Remains(_))));
    let hunk = "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n";
    assert_eq!(applied(&format!("{gone}{hunk}"), "a\n").unwrap().0, "");
    for old in ["a", "a\nb\n", "b\n", "", "b\na\n"] {
        assert!(applied(&format!("{gone}{hunk}"), old).is_err(), "{old:?}");
    }
    let mode = "diff --git a/f b/f\nold mode 100755\nnew mode 100644\n";
    assert!(matches!(applied(mode, ""), Err(PlaceError::Mode { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_patch_is_read_and_applied_to_the_same_bytes(
        old in "\u{feff}?([ab\u{fc}]{0,2}\r?\n){0,40}a?",
        new in "\u{feff}?([ab\u{fc}]{0,2}\r?\n){0,40}a?",
    ) {
        prop_assume!(old != new);
        let patch = Patch { files: vec![file("f", Some(&old), Some(&new))] };
        prop_assert_eq!(applied(&patch.unified(), &old).unwrap(), (new, vec![]));
    }

    #[test]
    fn occurrences_are_those_of_a_search_one_by_one(
        lines in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 0..40),
        needle in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..6),
    ) {
        let simple: Vec<usize> = (0..lines.len()).filter(|at| lines[*at..].starts_with(&needle)).collect();
        prop_assert_eq!(occurrences(&lines, &needle), simple);
    }

    #[test]
    fn lines_above_move_a_patch_or_refuse_it(
        old in "([a-d]\n){5,30}",
        new in "([a-d]\n){5,30}",
        above in "([a-d]\n){1,8}",
    ) {
        prop_assume!(old != new);
        let patch = Patch { files: vec![file("f", Some(&old), Some(&new))] };
        // A conflict is right wherever lines repeat; what is applied is right only there.
        if let Ok((text, moved)) = applied(&patch.unified(), &format!("{above}{old}"))
            && moved.len() == patch.files[0].hunks().len()
            && moved.iter().zip(patch.files[0].hunks()).all(|(at, hunk)| *at == hunk.old.start + above.lines().count())
        {
            prop_assert_eq!(text, format!("{above}{new}"));
        }
    }
}
