use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::patch::FilePatch;
use crate::patch::fixture::file;

/// Two hunks of one file, the first of which can be split; a new file; a file that goes.
fn patch() -> Patch {
    let lines: Vec<String> = (0..30).map(|n| format!("line {n}\n")).collect();
    let old = format!("def f():\n{}", lines.concat());
    let new = old
        .replace("line 3\n", "line three\n")
        .replace("line 5\n", "line five\n")
        .replace("line 20\n", "line twenty\n");
    Patch {
        files: vec![
            file("a.py", Some(&old), Some(&new)),
            file("new.txt", None, Some("hello\n")),
            file("old.txt", Some("x\n"), None),
        ],
    }
}

/// Plays answers; what is shown, and what comes of it in the end.
fn played(patch: &Patch, answers: &[&str]) -> String {
    let notes = [
        Note {
            path: Some(RepoPath::new("a.py").unwrap()),
            text: "gate: f: passed".to_owned(),
        },
        Note {
            path: None,
            text: "check: make: exit 0".to_owned(),
        },
    ];
    let mut chooser = Chooser::new(patch, &notes);
    let mut out = format!("{}{}", chooser.page(Renderer::Plain), chooser.prompt());
    for answer in answers {
        let _ = writeln!(out, "{answer}");
        match chooser.answer(answer) {
            Turn::Show => out += &chooser.page(Renderer::Plain),
            Turn::Explain(text) => {
                let _ = writeln!(out, "{text}");
            }
            Turn::Edit(text) => {
                let edited = text.replace("+line three\n", "+line 3, edited\n");
                match chooser.edited(&edited) {
                    Ok(Turn::Show) => out += &chooser.page(Renderer::Plain),
                    other => {
                        let _ = writeln!(out, "{other:?}");
                    }
                }
            }
            Turn::Done => break,
        }
        out += &chooser.prompt();
    }
    let _ = write!(
        out,
        "\n=== done: {}\n{}",
        chooser.is_done(),
        chooser.chosen().unwrap().unified()
    );
    // Ids and the lines of headers say nothing about the choice.
    out.lines()
        .filter(|line| !line.starts_with("index "))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn key_y_and_n() {
    insta::assert_snapshot!(played(&patch(), &["y", "n", "n", "y"]));
}

#[test]
fn key_a_ends_with_the_file() {
    insta::assert_snapshot!(played(&patch(), &["a", "n", "n"]));
}

#[test]
fn key_d_ends_with_the_file() {
    insta::assert_snapshot!(played(&patch(), &["d", "y", "n"]));
}

#[test]
fn key_s_splits_at_unchanged_lines() {
    insta::assert_snapshot!(played(&patch(), &["s", "n", "y", "s", "q"]));
}

#[test]
fn key_e_edits() {
    insta::assert_snapshot!(played(&patch(), &["e", "q"]));
}

#[test]
fn key_q_leaves_the_rest() {
    insta::assert_snapshot!(played(&patch(), &["y", "q"]));
}

#[test]
fn keys_j_and_k_decide_later() {
    insta::assert_snapshot!(played(&patch(), &["j", "k", "k", "j", "y", "n", "j", "n", "y"]));
}

#[test]
fn anything_else_explains_the_keys() {
    insta::assert_snapshot!(played(&patch(), &["?", "\u{1b}[2J", "", "Y", "q"]));
}

#[test]
fn an_edited_hunk_that_does_not_fit_stays_undecided() {
    let patch = patch();
    let mut chooser = Chooser::new(&patch, &[]);
    assert!(matches!(chooser.answer("e"), Turn::Edit(_)));
    assert_eq!(chooser.edited("# nothing\n"), Err(HunkTextError::Empty.into()));
    assert!(chooser.edited(" other\n+x\n").is_err());
    assert!(!chooser.is_done());
    assert_eq!(chooser.answer("q"), Turn::Done);
    assert!(chooser.chosen().unwrap().is_empty());
}

#[test]
fn flags_stand_by_their_own_hunk() {
    let old: String = (0..30).map(|n| format!("{n}\n")).collect();
    let new = old
        .replace("\n2\n", "\n2 \u{202e}\n")
        .replace("\n25\n", "\ntwenty-five\n");
    let patch = Patch {
        files: vec![file("a", Some(&old), Some(&new))],
    };
    let mut chooser = Chooser::new(&patch, &[]);
    assert!(
        chooser
            .page(Renderer::Plain)
            .contains("flag: a:3: changes the direction of text: U+202E\n")
    );
    assert_eq!(chooser.answer("n"), Turn::Show);
    assert!(!chooser.page(Renderer::Plain).contains("flag:"));
    assert_eq!(chooser.answer("y"), Turn::Done);
    assert_eq!(chooser.chosen().unwrap().flags(), []);
}

#[test]
fn changed_words_are_set_off_in_colour() {
    let patch = Patch {
        files: vec![file("a", Some("let a = f(b);\n"), Some("let a = f(c);\n"))],
    };
    let page = Chooser::new(&patch, &[]).page(Renderer::Colored);
    assert!(
        page.contains("\u{1b}[32m+let a = f(\u{1b}[0m\u{1b}[7m\u{1b}[32mc\u{1b}[0m\u{1b}[32m);\u{1b}[0m\n"),
        "{page:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_shown_and_edited(
        old in "[ab\r\n\u{feff}\u{202e}#@+ -]{0,40}",
        new in "[ab\r\n\u{feff}\u{202e}#@+ -]{0,40}",
        edited in "[ab\r\n\u{feff}\u{1b}#@+\\\\ -]{0,20}",
        nth in 0_usize..9,
    ) {
        let patch = Patch { files: vec![file("f", Some(&old), Some(&new)), file("g", None, Some(&new))] };
        let mut chooser = Chooser::new(&patch, &[]);
        chooser.page(Renderer::Colored);
        // What an editor could leave: other text, or the hunk with something in the middle of it.
        let Turn::Edit(text) = chooser.answer("e") else { return Ok(()) };
        let at = (0..=text.len() * nth / 8).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        for edited in [&edited, &format!("{}{edited}{}", &text[..at], &text[at..])] {
            let mut chooser = chooser.clone();
            if chooser.edited(edited).is_ok() {
                let chosen = chooser.chosen().unwrap();
                prop_assert!(chosen.files.len() <= 1);
                chooser.page(Renderer::Colored);
            }
        }
        // What is left as it was is the hunk.
        prop_assert!(chooser.edited(&text).is_ok());
    }

    #[test]
    fn all_is_the_patch_and_none_is_nothing(
        old in "\u{feff}?([abü]?\r?\n){0,40}a?",
        new in "\u{feff}?([abü]?\r?\n){0,40}a?",
        answers in prop::collection::vec("[sjk?]|[sjk]|s", 0..12),
    ) {
        let patch = Patch { files: vec![file("f", Some(&old), Some(&new)), file("g", None, Some(&new))] };
        for (key, whole) in [("y", true), ("n", false), ("a", true), ("d", false)] {
            let mut chooser = Chooser::new(&patch, &[]);
            for answer in &answers {
                chooser.answer(answer);
            }
            for _ in 0..200 {
                if chooser.is_done() {
                    break;
                }
                chooser.answer(key);
            }
            prop_assert!(chooser.is_done());
            let chosen = chooser.chosen().unwrap();
            let expected: Vec<FilePatch> = patch.files.iter().filter(|file| whole && file.old != file.new).cloned().collect();
            prop_assert_eq!(chosen.files, expected);
        }
    }
}
