use super::*;
use crate::patch::FileSide;
use crate::repo::FileMode;

fn file(path: &str, old: &str, new: &str) -> Patch {
    let side = |text: &str| Some(FileSide::new(text.to_owned(), FileMode::Regular));
    Patch {
        files: vec![FilePatch {
            path: RepoPath::new(path).unwrap(),
            old: side(old),
            new: side(new),
        }],
    }
}

fn said(patch: &Patch) -> Vec<String> {
    patch.flags().iter().map(ToString::to_string).collect()
}

fn kinds(old: &str, new: &str) -> Vec<(FlagKind, Option<usize>)> {
    let flags = file("a.py", old, new).flags();
    flags.iter().map(|flag| (flag.kind, flag.line)).collect()
}

#[test]
fn what_is_hidden_is_flagged_where_it_is_added() {
    let cases = [
        ("x \u{202e}\u{2066}", FlagKind::Bidi),
        ("x\u{200b}y", FlagKind::ZeroWidth),
        ("x\u{feff}y", FlagKind::ZeroWidth),
        ("x\u{e0041}", FlagKind::Tag),
        ("\u{1b}[2J", FlagKind::Control),
        ("a\rb", FlagKind::Control),
        ("a\u{2028}b", FlagKind::Invisible),
        ("a\u{3164}b", FlagKind::Invisible),
        ("a\u{ad}b", FlagKind::Invisible),
        ("a\u{e0101}", FlagKind::Invisible),
    ];
    for (line, kind) in cases {
        let with = format!("one\n{line}\nthree\n");
        // Some of them are letters for Unicode, so that they make odd names besides.
        assert_eq!(kinds("one\nthree\n", &with)[0], (kind, Some(1)), "{line:?}");
        assert_eq!(kinds(&with, "one\nthree\n"), [], "removed: {line:?}");
        assert_eq!(kinds(&with, &format!("{with}four\n")), [], "context: {line:?}");
    }
    let flags = file("a.py", "", "\u{202e}\u{2066}\u{202e}").flags();
    assert_eq!(flags[0].found, "U+202E, U+2066");
}

#[test]
fn what_is_ordinary_is_not_flagged() {
    for text in [
        "plain\n\tx = 1\n",
        "dos\r\nlines\r\n",
        "\u{feff}first\n",
        "no newline",
        "漢字とかな mixed日本語 한글 ü é naïve\n",
        "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 ok\n",
        "слово и ещё слово\n",
        "page\u{c}\nbreak\n",
    ] {
        assert_eq!(kinds("", text), [], "{text:?}");
    }
}

#[test]
fn names_of_several_scripts_and_names_that_look_alike_are_flagged() {
    let said = said(&file(
        "a.py",
        "scope = 1\nλ_max = 2\n",
        "scope = 1\nλ_max = 2\nsс = λ_max\n",
    ));
    assert_eq!(said, ["a.py:3: letters of several scripts in one name: sс"]);
    // Cyrillic letters alone; the name beside it is Latin.
    assert_eq!(
        kinds("scope = 1\n", "scope = 1\nѕсоре = 2\n"),
        [(FlagKind::Confusable, Some(1))]
    );
    // A letter with its accent, in one code point and in two.
    assert_eq!(
        kinds("caf\u{e9} = 1\n", "caf\u{e9} = 1\ncafe\u{301} = 2\n"),
        [(FlagKind::Confusable, Some(1))]
    );
    // Python reads mathematical letters as plain ones.
    let flags = file("a.py", "", "𝐞𝐯𝐚𝐥(x)\n").flags();
    assert_eq!(
        (flags[0].kind, flags[0].found.as_str()),
        (FlagKind::Confusable, "𝐞𝐯𝐚𝐥 looks like eval")
    );
    // Both are the repository's own.
    assert_eq!(kinds("sсope = scope\n", "y = 1\nsсope = scope\nz = sсope\n"), []);
}

#[test]
fn names_of_files_are_looked_at_too() {
    let said = said(&file("src/ad\u{200b}min\u{202e}.рy", "a\n", "b\n"));
    assert_eq!(
        said,
        [
            "src/ad\\u{200b}min\\u{202e}.рy: changes the direction of text: U+202E",
            "src/ad\\u{200b}min\\u{202e}.рy: characters of no width: U+200B",
        ]
    );
    assert_eq!(file("a\nb\t", "a\n", "b\n").flags()[0].kind, FlagKind::Control);
    let new = Patch {
        files: vec![FilePatch {
            old: None,
            ..file("src/sсope.py", "", "x\n").files.remove(0)
        }],
    };
    assert_eq!(new.flags()[0].kind, FlagKind::MixedScript);
}

#[test]
fn files_that_programs_obey_are_flagged_in_any_spelling() {
    let flagged = [
        "AGENTS.md",
        "src/agents.MD",
        "CLAUDE.md",
        ".cursor/rules/x.mdc",
        ".cursorrules",
        ".github/workflows/ci.yml",
        "sub/.github/workflows/ci.yml",
        ".gitlab-ci.yml",
        "Jenkinsfile",
        "ci/Jenkinsfile.release",
        ".circleci/config.yml",
        ".skiffignore",
        ".skiff/config.toml",
        ".githooks/pre-commit",
        ".husky/pre-push",
        ".pre-commit-config.yaml",
        ".vscode/tasks.json",
        ".VSCode/Tasks.json",
        "AGENTS.md.",
        ".husky /x",
        ".envrc",
        ".mcp.json",
    ];
    for path in flagged {
        let flags = file(path, "a\n", "b\n").flags();
        assert_eq!(flags.len(), 1, "{path}");
        assert_eq!(
            (flags[0].kind, flags[0].line),
            (FlagKind::AgentConfiguration, None),
            "{path}"
        );
    }
    for path in [
        "src/agents.py",
        "hooks/use.ts",
        ".github/README.md",
        ".vscode/notes.txt",
        "docs/skiff.md",
        "a/workflows/x",
    ] {
        assert_eq!(file(path, "a\n", "b\n").flags(), [], "{path}");
    }
}

#[test]
fn a_line_lists_no_more_than_a_few() {
    let line: String = ('\u{e0020}'..'\u{e0050}').collect();
    let flags = file("a", "", &line).flags();
    assert_eq!(flags.len(), 1);
    assert_eq!(flags[0].found.matches("U+").count(), MAX_FOUND);
    assert!(flags[0].found.ends_with(", …"));
}
