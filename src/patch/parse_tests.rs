use proptest::prelude::*;

use super::*;
use crate::patch::fixture::file;
use crate::patch::{Envelope, Patch};
use crate::repo::FileMode;

fn parse(text: &str) -> Result<UnifiedDiff, ParseError> {
    UnifiedDiff::parse(text.as_bytes())
}

/// The line and the fault of a text that is refused.
fn refused(text: &str) -> (usize, ParseFault) {
    match parse(text) {
        Err(ParseError::At { line, fault }) => (line, fault),
        other => panic!("{text}\n{other:?}"),
    }
}

const NAMES: &str = "diff --git a/f b/f\n--- a/f\n+++ b/f\n";

#[test]
fn every_kind_of_change_is_read() {
    let diff = parse(
        "words before\ndiff --git a/f b/f\nindex 1111111..2222222 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ \u{fc}\n-a\n+b\n \
         c\n@@ -9 +9,0 @@\n-x\n\ndiff --git a/n b/n\nnew file mode 100755\nindex 0000000..2222222\n--- /dev/null\n+++ \
         b/n\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\ndiff --git a/g b/g\ndeleted file mode 100644\ndiff --git \
         a/m b/m\nold mode 100644\nnew mode 100755\n--- /dev/null\n+++ b/t\n@@ -0,0 +1 @@\n+y\n",
    );
    // The names behind the change of a mode are taken for its own.
    assert!(matches!(diff, Err(ParseError::At { line: 26, .. })), "{diff:?}");
    let diff = parse(
        "words before\ndiff --git a/f b/f\nindex 1111111..2222222 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ \u{fc}\n-a\n+b\n \
         c\n@@ -9 +9,0 @@\n-x\n\ndiff --git a/n b/n\nnew file mode 100755\nindex 0000000..2222222\n--- /dev/null\n+++ \
         b/n\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n--- a/t\tdate\n+++ b/t\tdate\n@@ -1 +1 @@\n-x\n+y\ndiff --git \
         a/g b/g\ndeleted file mode 100644\ndiff --git a/m b/m\nold mode 100644\nnew mode 100755\n-- \n2.40\n",
    )
    .unwrap();
    let found: Vec<_> = diff
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.change))
        .collect();
    let (old, new) = (FileMode::Regular, FileMode::Executable);
    assert_eq!(
        found,
        [
            ("f", DiffChange::Modify),
            ("n", DiffChange::Create(FileMode::Executable)),
            ("t", DiffChange::Modify),
            ("g", DiffChange::Delete),
            ("m", DiffChange::ChangeMode { old, new }),
        ]
    );
    assert_eq!(
        (diff.files[0].hunks[1].old.clone(), diff.files[0].hunks[1].new.clone()),
        (8..9, 9..9)
    );
    assert_eq!(diff.files[1].hunks[0].lines[0].text, "x");
    assert_eq!(parse(&diff.to_string()), Ok(diff));
}

#[test]
fn a_wrong_line_is_named() {
    use ParseFault as F;
    let cases = [
        ("@@ -1 +1 @@\n-a\n", 5, F::Truncated),
        ("@@ -1 +1 @@\n-a\n+b", 6, F::Truncated),
        ("@@ -1 +1 @@\n-a\n+b\n+c\n", 7, F::TooManyLines),
        ("@@ -1 +1,2 @@\n-a\n+b\n-c\n", 7, F::TooManyLines),
        (
            "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n\\ x\n",
            8,
            F::StrayMarker,
        ),
        ("@@ -1 +1 @@\n\\ No newline at end of file\n", 5, F::StrayMarker),
        ("@@ -1,2 +1 @@\n-a\n\\ No newline at end of file\n-b\n", 7, F::Unended),
        ("@@ -1 +1 @@\n-a\n*b\n", 6, F::Sign),
        ("@@ -1 +1 @@\n-a\n+\0\n", 6, F::Nul),
        ("@@ -0 +1 @@\n+a\n", 4, F::HunkHeader),
        ("@@ -1 +1 @\n-a\n+b\n", 4, F::HunkHeader),
        ("@@ -1,9999999999 +1 @@\n", 4, F::HunkHeader),
        ("@@ -1 +1 @@\n a\n", 4, F::NoChange),
        ("@@ -4 +4 @@\n-a\n+b\n@@ -4 +4 @@\n-a\n+b\n", 7, F::Order),
        ("@@ -4 +4 @@\n-a\n+b\n\n@@ -6 +6 @@\n-a\n+b\n", 8, F::StrayHunk),
        ("", 3, F::NoHunk),
        ("x\n", 4, F::NoHunk),
    ];
    for (text, line, fault) in cases {
        assert_eq!(refused(&format!("{NAMES}{text}")), (line, fault), "{text}");
    }
    assert_eq!(
        UnifiedDiff::parse(&[NAMES.as_bytes(), b"@@ -1 +1 @@\n-a\n+\xff\n"].concat()),
        Err(ParseError::At {
            line: 6,
            fault: F::NotUtf8
        })
    );
    assert_eq!(parse("nothing\n"), Err(ParseError::NoDiff));
    assert_eq!(parse(""), Err(ParseError::NoDiff));
    assert_eq!(
        UnifiedDiff::parse(&vec![b'\n'; MAX_PATCH_BYTES + 1]),
        Err(ParseError::TooLarge)
    );
}

#[test]
fn what_skiff_does_not_apply_has_its_own_reason() {
    use ParseFault as F;
    for (text, line, fault) in [
        (
            "diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n",
            3,
            F::Rename,
        ),
        ("diff --git a/f b/g\ncopy from f\ncopy to g\n", 2, F::Copy),
        ("diff --git a/f b/f\nindex 1111..2222\nGIT binary patch\n", 3, F::Binary),
        (
            "diff --git a/f b/f\nindex 1111..2222\nBinary files a/f and b/f differ\n",
            3,
            F::Binary,
        ),
        ("Binary files a/f and b/f differ\n", 1, F::Binary),
        ("diff --git a/l b/l\nnew file mode 120000\n", 2, F::Symlink),
        ("diff --git a/l b/l\nindex 1111..2222 120000\n", 2, F::Symlink),
        ("diff --git a/l b/l\nold mode 100644\nnew mode 120000\n", 3, F::Symlink),
        ("diff --git a/m b/m\nnew file mode 160000\n", 2, F::Gitlink),
        ("diff --git a/m b/m\nindex 1111..2222 160000\n", 2, F::Gitlink),
        (
            "diff --git a/m b/m\nnew file mode 100600\n",
            2,
            F::Mode("100600".to_owned()),
        ),
        ("diff --cc f\nindex 1,2..3\n", 1, F::Combined),
        ("diff --git a/f b/f\r\n", 1, F::CarriageReturn),
        ("diff --git a/f b/f\nindex 1..2\n", 2, F::Index("1..2".to_owned())),
        ("diff --git a/f b/f\nindex 1111..2222\n", 1, F::NoChange),
        ("diff --git a/f b/f\nold mode 100644\n", 1, F::Contradiction),
        ("diff --git a/f b/f\nold mode 100644\nold mode 100644\n", 3, F::Repeated),
        (
            "diff --git a/f b/f\nnew file mode 100644\ndeleted file mode 100644\n",
            1,
            F::Contradiction,
        ),
        ("diff --git f f\n", 1, F::Prefix("f".to_owned())),
        ("diff --git a/f b/ff\n", 1, F::NamesApart("a/f b/ff".to_owned())),
        ("diff --git a/f\\ b/f\\\n", 1, F::Quoting),
        (
            "diff --git \"a/f\" \"b/f\n",
            1,
            F::NamesApart("\"a/f\" \"b/f".to_owned()),
        ),
        ("diff --git a/f b/f\n--- a/f\n", 2, F::OneName),
    ] {
        // The names are looked at after what is said below them.
        let (found_line, found) = refused(text);
        assert_eq!((found_line, &found), (line, &fault), "{text}");
        assert!(!found.to_string().is_empty());
    }
}

#[test]
fn bodies_of_mails_are_read() {
    let patch = Patch {
        files: vec![file(
            "a b",
            Some("x\r\n"),
            Some(&format!("{}\r\n=\n", "\u{fc}".repeat(900))),
        )],
    };
    let envelope = Envelope {
        subject: "s".to_owned(),
        body: "@@ -1 +1 @@\nBinary files a and b differ".to_owned(),
        ..Envelope::default()
    };
    let mail = patch.mbox(&envelope);
    assert!(mail.contains("quoted-printable"));
    let both = format!("{mail}{}", mail.replace("a b", "c d").replace("a=20b", "c=20d"));
    assert_eq!(parse(&mail), parse(&patch.unified()));
    assert_eq!(parse(&both).unwrap().files.len(), 2);
    assert!(matches!(refused(&format!("{mail}{mail}")).1, ParseFault::Twice(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_skiff_writes_is_read_and_written_again(
        name in "([a -]|\u{fc}|\"|\\\\|\t|\n){1,8}",
        old in prop::option::of("\u{feff}?([ab\u{fc} @+-]{0,3}\r?\n){0,30}a?"),
        new in prop::option::of("\u{feff}?([ab\u{fc} @+-]{0,3}\r?\n){0,30}a?"),
        mail in any::<bool>(),
    ) {
        let patch = Patch { files: vec![file(&name, old.as_deref(), new.as_deref())] };
        prop_assume!(old != new);
        let text = if mail { patch.mbox(&Envelope::default()) } else { patch.unified() };
        let diff = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(diff.files.len(), 1);
        prop_assert_eq!(diff.files[0].path.as_str(), &name);
        let hunks = patch.files[0].hunks();
        prop_assert_eq!(diff.files[0].hunks.len(), hunks.len());
        for (read, written) in diff.files[0].hunks.iter().zip(hunks) {
            prop_assert_eq!(read, &Hunk { section: String::new(), ..written });
        }
        prop_assert_eq!(parse(&diff.to_string()), Ok(diff));
    }
}
