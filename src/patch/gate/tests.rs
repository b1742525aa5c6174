use super::*;

const BEFORE: &str = "def first(a):\n    return a\n\n\ndef second(b):\n    return b\n";

fn rewritten(new: &str, promise: Promise<'_>) -> Vec<GateFailure> {
    let range = TextRange::new(0, "def first(a):\n    return a".len());
    let after = format!("{new}{}", &BEFORE[range.end..]);
    check(
        &Changed {
            language: Some(Language::Python),
            before: BEFORE,
            after: &after,
            range_before: range,
            range_after: TextRange::new(0, new.len()),
        },
        promise,
    )
}

#[test]
fn a_sound_rewrite_passes() {
    assert_eq!(rewritten("def first(a):\n    return a + 1", Promise::KeepsNames), []);
}

#[test]
fn broken_syntax_names_the_line() {
    let failures = rewritten("def first(a:\n    return a + 1", Promise::KeepsNames);
    assert!(
        matches!(failures[0], GateFailure::Syntax { line: 0 | 1, .. }),
        "{failures:?}"
    );
}

#[test]
fn the_same_code_is_no_change() {
    assert_eq!(
        rewritten("def first(a):\n    return a", Promise::KeepsNames),
        [GateFailure::Unchanged]
    );
    assert_eq!(rewritten("  ", Promise::KeepsNames), [GateFailure::Empty]);
}

#[test]
fn the_name_must_stay_unless_it_may_go() {
    let renamed = "def primus(a):\n    return a";
    let lost = GateFailure::Lost {
        names: vec!["first".to_owned()],
    };
    assert_eq!(rewritten(renamed, Promise::KeepsNames), [lost]);
    assert_eq!(rewritten(renamed, Promise::MayLose("first")), []);
}

#[test]
fn left_out_code_is_found() {
    for elision in [
        "# ... rest unchanged",
        "# ...",
        "...",
        "# rest of the function remains the same",
    ] {
        let failures = rewritten(
            &format!("def first(a):\n    {elision}\n    return 1"),
            Promise::KeepsNames,
        );
        assert!(
            matches!(failures[..], [GateFailure::Elided { .. }]),
            "{elision}: {failures:?}"
        );
    }
    for comment in [
        "# everything else is an error",
        "# wait... this is slow when a is big and b is small too",
    ] {
        let failures = rewritten(
            &format!("def first(a):\n    {comment}\n    return 1"),
            Promise::KeepsNames,
        );
        assert_eq!(failures, [], "{comment}");
    }
}

#[test]
fn new_code_must_be_new() {
    let added = |new: &str| {
        let after = format!("{BEFORE}{new}");
        check(
            &Changed {
                language: Some(Language::Python),
                before: BEFORE,
                after: &after,
                range_before: TextRange::empty(BEFORE.len()),
                range_after: TextRange::new(BEFORE.len(), after.len()),
            },
            Promise::AddsNames,
        )
    };
    assert_eq!(added("\n\ndef third():\n    return 3\n"), []);
    assert_eq!(added("\nprint(1)\n"), [GateFailure::NothingNew]);
    let repeated = GateFailure::Repeated {
        names: vec!["second".to_owned()],
    };
    assert_eq!(added("\n\ndef second(b):\n    return 3\n"), [repeated]);
}
