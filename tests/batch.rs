//! One change at many places: what a plan finds, what becomes of it, and how a run that was cut short goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Outcome, Place};

const A: &str = "struct s { char name[8]; };\n\nvoid f(struct s *q, const char *from) {\n    char buf[8];\n    strcpy(buf, \"x\");\n    if (from)\n        strcpy(q->name, from);\n    strcpy(buf, strcpy(q->name, \"z\"));\n}\n";
const B: &str = "void g(char *p) {\n\tstrcpy(p, \"hello\");\n}\n";

const REWRITE: &str = r#"
version = 1
title = "Use strlcpy"
match.code = "strcpy($TO, $FROM)"
[[rewrite]]
to = "strlcpy($TO, $FROM, sizeof($TO))"
"#;

/// Rewrites what is an array by its name, and asks for the rest.
const MIXED: &str = r#"
version = 1
title = "Use strlcpy"
request = "Replace the call by one of strlcpy with the size of $TO."
match.code = "strcpy($TO, $FROM)"
[[rewrite]]
to = "strlcpy($TO, $FROM, sizeof($TO))"
where = { TO = 'buf' }
"#;

fn place() -> Place {
    Place::with(&[("src/a.c", A), ("src/b.c", B), ("README", "strcpy(a, b)\n")])
}

fn plan(place: &Place, text: &str) -> String {
    let file = place.root().join("plan.toml");
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn out(place: &Place, name: &str) -> PathBuf {
    place.root().join(name)
}

fn batch(place: &Place, text: &str, folder: &str, more: &[&str]) -> Outcome {
    let (plan, out) = (plan(place, text), out(place, folder).display().to_string());
    place.skiff(&[&["batch", &plan, "-o", &out], more].concat())
}

fn answers(place: &Place, lines: &[&str]) -> String {
    let turns: Vec<String> = lines
        .iter()
        .map(|line| json!({"reply": format!("```c\n{line}\n```")}).to_string())
        .collect();
    place.scripted(&turns.join("\n"))
}

fn states(place: &Place, folder: &str) -> Vec<Value> {
    let text = fs::read_to_string(out(place, folder).join("sites.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn series(place: &Place, folder: &str) -> String {
    fs::read_to_string(out(place, folder).join("series.mbox")).unwrap()
}

#[test]
fn a_dry_run_lists_the_places_and_changes_nothing() {
    let place = place();
    let plan = plan(&place, REWRITE);
    let listed = place.skiff(&["batch", &plan, "--dry-run"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    insta::assert_snapshot!(listed.stdout, @r#"
    src/a.c:5: strcpy(buf, "x")
    src/a.c:7: strcpy(q->name, from)
    src/a.c:8: strcpy(buf, strcpy(q->name, "z"))
    src/a.c:8: strcpy(q->name, "z")
    src/b.c:2: strcpy(p, "hello")
    Use strlcpy: 5 sites in 2 files
    "#);
    let found = place.skiff(&["batch", &plan, "--dry-run", "--json"]).json();
    assert_eq!(found["sites"].as_array().unwrap().len(), 5);
    assert!(!place.home().join("state/skiff/batches").join("x").exists());
    let nothing = self::plan(&place, &REWRITE.replace("strcpy($TO", "gets($TO"));
    assert_eq!(place.skiff(&["batch", &nothing, "--dry-run"]).code, 3);
    assert_eq!(
        batch(&place, &REWRITE.replace("strcpy($TO", "gets($TO"), "none", &[]).code,
        3
    );
}

#[test]
fn rewrites_need_no_model_and_git_takes_the_series() {
    let place = place();
    let done = batch(&place, REWRITE, "out", &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.contains("5 changed by rewrites"), "{}", done.stdout);
    assert_eq!(place.read("src/a.c"), A);
    let mbox = out(&place, "out").join("series.mbox").display().to_string();
    place.git(&["apply", "--check", &mbox]);
    place.git(&["am", "--quiet", &mbox]);
    let after = place.read("src/a.c");
    assert!(
        after.contains("strlcpy(buf, strlcpy(q->name, \"z\", sizeof(q->name)), sizeof(buf));"),
        "{after}"
    );
    assert!(place.read("src/b.c").contains("\tstrlcpy(p, \"hello\", sizeof(p));"));
    assert_eq!(place.read("README"), "strcpy(a, b)\n");
    let log = place.git(&["log", "--format=%s", "-5"]);
    assert!(
        log.contains("Use strlcpy (src/a.c:5)") && log.contains("Use strlcpy (src/b.c:2)"),
        "{log}"
    );
}

#[test]
fn patches_can_be_of_files_or_of_all() {
    let place = place();
    for (what, patches) in [("site", 5), ("file", 2), ("all", 1)] {
        let report = batch(&place, REWRITE, what, &["--group-by", what, "--json"]).json();
        assert_eq!(report["patches"], patches, "{what}");
        let mbox = out(&place, what).join("series.mbox").display().to_string();
        place.git(&["am", "--quiet", &mbox]);
        assert!(place.read("src/a.c").contains("strlcpy(buf, strlcpy("));
        place.git(&["reset", "--quiet", "--hard", &format!("HEAD~{patches}")]);
    }
}

#[test]
fn the_model_is_asked_where_no_rewrite_fits() {
    let place = place();
    // Round 1: the two calls on lines of their own, and the third, whose line a rewrite has changed already.
    let model = answers(
        &place,
        &[
            "        strlcpy(q->name, from, sizeof(q->name));",
            "    strlcpy(buf, strlcpy(q->name, \"z\", sizeof(q->name)), sizeof(buf));",
            "\tstrlcpy(p, \"hello\", 6);",
        ],
    );
    let done = batch(&place, MIXED, "out", &["-m", &model, "--jsonl"]);
    assert_eq!(done.code, 0, "{done:?}");
    let events: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let report = events.last().unwrap();
    assert_eq!(
        (&report["rewritten"], &report["edited"]),
        (&json!(2), &json!(3)),
        "{report}"
    );
    assert_eq!(events.len(), 6);
    let mbox = out(&place, "out").join("series.mbox").display().to_string();
    place.git(&["am", "--quiet", &mbox]);
    let after = place.read("src/a.c");
    assert!(
        after.contains("        strlcpy(q->name, from, sizeof(q->name));\n    strlcpy(buf, strlcpy(q->name"),
        "{after}"
    );
    assert!(place.read("src/b.c").contains("\tstrlcpy(p, \"hello\", 6);\n"));
    assert!(series(&place, "out").contains("Assisted-by: skiff (model scripted"));
}

#[test]
fn what_fails_is_said_and_does_not_stop_the_run() {
    let place = place();
    let broken = "        strlcpy(q->name, from, sizeof(q->name);";
    let worse = "        strlcpy(q->name, from, sizeof(q->name;";
    let line = "    strlcpy(buf, strlcpy(q->name, \"z\", 8), sizeof(buf));";
    let model = answers(&place, &[broken, line, "\tstrlcpy(p, \"hello\", 6);", worse]);
    let done = batch(&place, MIXED, "out", &["-m", &model]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(
        done.stdout.contains("src/a.c:7: there is a syntax error at line 7"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("1 failed") && done.stdout.contains("4 patches"),
        "{}",
        done.stdout
    );
    // All of them: nothing is done.
    let alone = MIXED
        .replace("'buf'", "'nobody'")
        .replace("strcpy($TO, $FROM)", "strcpy($TO, \"hello\")")
        .replace(", $FROM,", ", 1,");
    let model = answers(&place, &["\tstrlcpy(p, \"hello\";", "\tstrlcpy(p \"hello\";"]);
    let done = batch(&place, &alone, "alone", &["-m", &model]);
    assert_eq!(done.code, 1, "{done:?}");
}

#[test]
fn a_run_goes_on_where_it_was_cut_short() {
    let place = place();
    let lines = [
        "        strlcpy(q->name, from, sizeof(q->name));",
        "    strlcpy(buf, strlcpy(q->name, \"z\", sizeof(q->name)), sizeof(buf));",
        "\tstrlcpy(p, \"hello\", 6);",
    ];
    let model = answers(&place, &lines);
    assert_eq!(batch(&place, MIXED, "whole", &["-m", &model]).code, 0);
    let whole = fs::read_to_string(out(&place, "whole").join("sites.jsonl")).unwrap();
    let kept: Vec<&str> = whole.split_inclusive('\n').collect();
    assert_eq!(kept.len(), 6);
    // Cut off after each line, and in the middle of the next.
    for count in 1..=kept.len() {
        for part in ["", "{\"path\":\"src/a"] {
            let folder = format!("cut-{count}-{}", part.len());
            fs::create_dir(out(&place, &folder)).unwrap();
            let state = out(&place, &folder).join("sites.jsonl");
            fs::write(&state, kept[..count].concat() + part).unwrap();
            // What is settled is not asked for again.
            let settled: Vec<Value> = kept[1..count]
                .iter()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let asked = settled
                .iter()
                .filter(|record| record["outcome"]["by"] == "model")
                .count();
            let model = answers(&place, &lines[asked..]);
            let done = batch(&place, MIXED, &folder, &["-m", &model, "--resume"]);
            assert_eq!(done.code, 0, "{folder}: {done:?}");
            assert_eq!(series(&place, &folder), series(&place, "whole"), "{folder}");
            assert_eq!(states(&place, &folder).len(), 6, "{folder}");
        }
    }
}

#[test]
fn shards_together_are_the_whole() {
    let files: Vec<(String, String)> = (0..12).map(|at| (format!("src/{at}.c"), B.to_owned())).collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let place = Place::with(&files);
    assert_eq!(batch(&place, REWRITE, "whole", &[]).code, 0);
    let mut parts = Vec::new();
    for number in 1..=16 {
        let folder = format!("shard-{number}");
        let done = batch(&place, REWRITE, &folder, &["--shard", &format!("{number}/16")]);
        assert!([0, 3].contains(&done.code), "{done:?}");
        parts.push(out(&place, &folder).display().to_string());
    }
    let joined = out(&place, "joined").display().to_string();
    let parts: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
    let done = place.skiff(&[&["batch", "merge"], &parts[..], &["-o", &joined, "--json"]].concat());
    assert_eq!((done.code, &done.json()["sites"]), (0, &json!(12)), "{done:?}");
    assert_eq!(series(&place, "joined"), series(&place, "whole"));
    // Two runs of the same, and one that says otherwise.
    let whole = out(&place, "whole").display().to_string();
    let twice = out(&place, "twice").display().to_string();
    assert_eq!(place.skiff(&["batch", "merge", &joined, &whole, "-o", &twice]).code, 0);
    assert_eq!(series(&place, "twice"), series(&place, "whole"));
    let state = out(&place, "joined").join("sites.jsonl");
    fs::write(
        &state,
        fs::read_to_string(&state)
            .unwrap()
            .replacen("sizeof(p)", "sizeof(q)", 1),
    )
    .unwrap();
    let other = out(&place, "other").display().to_string();
    let conflict = place.skiff(&["batch", "merge", &whole, &joined, "-o", &other]);
    assert_eq!(conflict.code, 6, "{conflict:?}");
    assert!(
        conflict.stderr.contains("src/0.c:2: settled in two ways"),
        "{conflict:?}"
    );
}

#[test]
fn findings_of_tools_become_places() {
    let place = place();
    let report = r#"{"runs": [{"results": [
        {"ruleId": "unsafe-call", "message": {"text": "strcpy is unsafe"}, "locations": [{"physicalLocation":
          {"artifactLocation": {"uri": "src/b.c"}, "region": {"startLine": 2}}}]},
        {"ruleId": "style", "message": {"text": "tab"}, "locations": [{"physicalLocation":
          {"artifactLocation": {"uri": "src/a.c"}, "region": {"startLine": 1}}}]}]}]}"#;
    let plan = plan(
        &place,
        "version = 1\ntitle = 't'\nrequest = 'Mend this: $MESSAGE ($RULE).'\nmatch.findings = ['unsafe-call']\n",
    );
    let model = place.scripted(
        &json!({"reply": "```c\n\tstrlcpy(p, \"hello\", 6);\n```", "prompt_contains": ["Mend this: strcpy is unsafe (unsafe-call)."]})
            .to_string(),
    );
    let folder = out(&place, "out").display().to_string();
    let done = place.skiff_told(
        &["batch", &plan, "--findings", "-", "-o", &folder, "-m", &model],
        report,
    );
    assert_eq!(done.code, 0, "{done:?}");
    assert!(series(&place, "out").contains("+\tstrlcpy(p, \"hello\", 6);"));
    let refused = place.skiff(&["batch", &plan, "--dry-run"]);
    assert!(refused.stderr.contains("name one with --findings"), "{refused:?}");
    let refused = place.skiff_told(&["batch", &plan, "--findings", "-", "--dry-run"], "not json");
    assert!(refused.stderr.contains("the report is not JSON"), "{refused:?}");
}

#[test]
fn a_request_needs_no_plan() {
    let place = place();
    let model = answers(&place, &["\tstrlcpy(p, \"hello\", 6);"]);
    let folder = out(&place, "out").display().to_string();
    let request = "Use strlcpy.\nWith \"its\" size.";
    let args = [
        "batch",
        request,
        "--match",
        "strcpy($TO, \"hello\")",
        "-o",
        &folder,
        "-m",
        &model,
    ];
    let done = place.skiff(&args);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(series(&place, "out").contains("Subject: [PATCH] Use strlcpy. (src/b.c:2)"));
    let refused = place.skiff(&["batch", "x", "--match", ")(", "-o", &folder]);
    assert!(refused.stderr.contains("no piece of code"), "{refused:?}");
}

#[test]
fn what_changes_can_be_kept_as_proposals() {
    let place = place();
    assert_eq!(batch(&place, REWRITE, "files", &["--propose"]).code, 0);
    let list = place.skiff(&["list", "--json"]).json();
    let paths = |at: usize| list["proposals"][at]["paths"].clone();
    assert_eq!((paths(0), paths(1)), (json!(["src/a.c"]), json!(["src/b.c"])));
    // Hunks can be taken or left.
    let chosen = place.skiff_told(&["apply", "1", "-p"], "y\nn\nn\nn\n");
    assert_eq!(chosen.code, 0, "{chosen:?}");
    assert!(place.read("src/a.c").contains("strlcpy(buf, \"x\", sizeof(buf));"));
    place.git(&["checkout", "--quiet", "."]);
    assert_eq!(
        batch(&place, REWRITE, "all", &["--propose", "--group-by", "all"]).code,
        0
    );
    let shown = place.skiff(&["show", "3", "--json"]).json();
    assert_eq!(
        (&shown["request"], shown["files"].as_array().unwrap().len()),
        (&json!("Use strlcpy"), 2)
    );
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
}

#[test]
fn many_repositories_are_worked_on_one_after_the_other() {
    let place = place();
    for name in ["one", "two"] {
        let repo = place.root().join("more").join(name);
        fs::create_dir_all(&repo).unwrap();
        fs::write(repo.join("b.c"), B).unwrap();
        place.git(&["init", "--quiet", repo.to_str().unwrap()]);
    }
    let list = place.root().join("list");
    fs::write(&list, "# all of them\n../more/*\n.\nnowhere\n").unwrap();
    let more = ["--repos", list.to_str().unwrap(), "--json"];
    let done = batch(&place, REWRITE, "out", &more);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(
        done.stderr.contains("cannot go to the repository") && done.stderr.contains("nowhere"),
        "{done:?}"
    );
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&report["sites"], &report["changed"], &report["patches"]),
        (&json!(7), &json!(7), &json!(7)),
        "{report}"
    );
    let codes: Vec<&Value> = report["repositories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| &own["exit_code"])
        .collect();
    assert_eq!(codes, [0, 0, 0, 1]);
    for folder in ["one", "two", "repo"] {
        assert!(
            series(&place, &format!("out/{folder}")).contains("strlcpy(p"),
            "{folder}"
        );
    }
    assert_eq!(read_json(&place, "out/report.json"), report);
    fs::write(&list, ".\n").unwrap();
    let text = batch(&place, REWRITE, "again", &["--repos", list.to_str().unwrap()]);
    assert!(
        text.stdout
            .ends_with("1 repositories: 5 sites, 5 changed, 0 failed, 5 patches\n"),
        "{text:?}"
    );
}

fn read_json(place: &Place, file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(place.root().join(file)).unwrap()).unwrap()
}

#[test]
fn a_branch_has_what_git_makes_of_the_series() {
    let place = place();
    for group_by in ["site", "file", "all"] {
        let done = batch(
            &place,
            REWRITE,
            group_by,
            &["--branch", group_by, "--group-by", group_by],
        );
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        assert_eq!(place.read("src/a.c"), A);
        place.git(&["checkout", "--quiet", "-b", "am", "main"]);
        place.git(&[
            "am",
            "--quiet",
            &out(&place, group_by).join("series.mbox").display().to_string(),
        ]);
        let log = |branch: &str| place.git(&["log", "--format=%T %an %ae %at %B", branch]);
        assert_eq!(log(group_by), log("am"), "{group_by}");
        place.git(&["checkout", "--quiet", "main"]);
        place.git(&["branch", "--quiet", "-D", "am"]);
    }
    place.git(&["fsck", "--strict"]);
    let again = batch(&place, REWRITE, "again", &["--branch", "site"]);
    assert!(
        again.code == 1 && again.stderr.contains("there is a branch \"site\" already"),
        "{again:?}"
    );
    let bad = batch(&place, REWRITE, "bad", &["--branch", "a..b"]);
    assert!(bad.stderr.contains("is no name for a branch"), "{bad:?}");
    fs::write(place.repo().join("src/b.c"), format!("// new\n{B}")).unwrap();
    let dirty = batch(&place, REWRITE, "dirty", &["--branch", "dirty"]);
    assert!(
        dirty.stderr.contains("src/b.c is not as the last commit has it"),
        "{dirty:?}"
    );
    assert!(!place.git(&["branch", "--list", "dirty"]).contains("dirty"));
    let made = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    assert_eq!(made.lines().filter(|line| line.contains("\"branch_made\"")).count(), 3);
}

#[test]
fn checks_leave_out_what_they_refuse() {
    let place = place();
    if !place.has_landlock() {
        return;
    }
    // No place may be done beside `from`: one of five.
    let check = "! grep -rn 'strlcpy(q->name, from' src";
    let more = ["--check-each", check, "--json"];
    let done = batch(&place, REWRITE, "each", &more);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&report["rewritten"], &report["failed"]),
        (&json!(4), &json!(1)),
        "{report}"
    );
    let reason = report["failures"][0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the check `! grep") && reason.contains("failed (exit code 1): src/a.c:"),
        "{reason}"
    );

    for (group_by, folder) in [("site", "file-wise"), ("all", "all")] {
        let more = [
            "--check-group",
            check,
            "--group-by",
            group_by,
            "--check-all",
            check,
            "--json",
        ];
        let done = batch(&place, REWRITE, folder, &more);
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(
            (&report["rewritten"], &report["dropped"]),
            (&json!(4), &json!(1)),
            "{report}"
        );
        assert_eq!(report["check_all"], "passed");
        // What was dropped stays so.
        assert_eq!(
            batch(&place, REWRITE, folder, &["--group-by", group_by, "--resume"]).code,
            4
        );
    }
    assert_eq!(series(&place, "file-wise"), series(&place, "each"));
    let mbox = out(&place, "all").join("series.mbox").display().to_string();
    place.git(&["am", "--quiet", &mbox]);
    assert!(
        place
            .read("src/a.c")
            .contains("        strcpy(q->name, from);\n    strlcpy(buf, strlcpy(q->name")
    );
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]);

    let done = batch(&place, REWRITE, "whole", &["--check-all", check]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(
        done.stderr.contains("on all that changed, the check `! grep"),
        "{done:?}"
    );
    assert!(done.stdout.contains("5 patches"), "{done:?}");
}

#[test]
fn a_file_that_changed_under_way_is_refused() {
    let place = place();
    assert_eq!(batch(&place, REWRITE, "out", &[]).code, 0);
    fs::write(place.repo().join("src/b.c"), "void g(char *p) { }\n").unwrap();
    let done = batch(&place, REWRITE, "out", &["--resume"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.stderr.contains("src/b.c has changed since its sites were found"),
        "{done:?}"
    );
}

#[test]
fn reports_are_pages_without_scripts_and_escape_what_is_foreign() {
    let place = Place::with(&[(
        "a.c",
        "void f(char *p) { strcpy(p, \"<script>\u{202e}\"); strcpy(q, 1); }\n",
    )]);
    let some = REWRITE.to_owned() + "where = { TO = 'p' }\n";
    assert_eq!(batch(&place, &some, "out", &[]).code, 4);
    let read = |name: &str| fs::read_to_string(out(&place, "out").join(name)).unwrap();
    let page = read("report.html");
    assert!(
        page.contains("strlcpy(p, &quot;&lt;script&gt;") && !page.contains("<script"),
        "{page}"
    );
    assert!(
        !page.contains('\u{202e}') && page.contains("a.c:1<td>no rewrite fits"),
        "{page}"
    );
    insta::assert_snapshot!(read("report.md"), @r"
    # Use strlcpy

    | sites | |
    |---|---|
    | sites | 2 |
    | changed by rewrites | 1 |
    | failed | 1 |

    | failed | why |
    |---|---|
    | a.c:1 | no rewrite fits |
    ");
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report["patches"], 1);
}

#[test]
fn limits_end_a_run_that_can_go_on() {
    let place = place();
    let broken: Vec<String> = (0..10).map(|at| format!("\tstrlcpy(p, {at};")).collect();
    let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
    let model = answers(&place, &broken);
    let alone = MIXED.replace("'buf'", "'nobody'");
    let done = batch(&place, &alone, "out", &["-m", &model, "--max-failures", "0", "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["ending"], "too_many_failures");
    let done = batch(&place, REWRITE, "tokens", &["--token-limit", "1", "--json"]);
    assert_eq!(done.json()["ending"], "finished");
}

#[test]
fn what_is_wrong_with_a_run_is_said() {
    let place = place();
    let refused = |text: &str, folder: &str, more: &[&str]| {
        let done = batch(&place, text, folder, more);
        assert_ne!(done.code, 0, "{done:?}");
        done.stderr
    };
    assert!(refused(&REWRITE.replace("title", "titel"), "x", &[]).contains("unknown field `titel`"));
    let query = "version = 1\ntitle = 't'\nrequest = 'r'\n[match]\nquery = '(nope) @site'\nlanguages = ['C']\n";
    assert!(refused(query, "x", &[]).contains("the query does not compile for C"));
    let nothing = out(&place, "nothing").display().to_string();
    let merged = place.skiff(&[
        "batch",
        "merge",
        &nothing,
        "-o",
        &out(&place, "y").display().to_string(),
    ]);
    assert!(merged.stderr.contains("holds no run"), "{merged:?}");
    assert_eq!(batch(&place, REWRITE, "x", &["--resume"]).code, 0);
    assert!(refused(REWRITE, "x", &[]).contains("holds a run already"));
    assert!(refused(&REWRITE.replace("Use", "Take"), "x", &["--resume"]).contains("another plan"));
    assert!(refused(REWRITE, "x", &["--resume", "--shard", "1/2"]).contains("another shard"));
    let state = out(&place, "x").join("sites.jsonl");
    fs::write(
        &state,
        fs::read_to_string(&state).unwrap().replace("\"done\"", "\"dome\""),
    )
    .unwrap();
    assert!(refused(REWRITE, "x", &["--resume"]).contains("line 2 of sites.jsonl"));
    let missing = place.skiff(&["batch", "nowhere.toml"]);
    assert!(
        missing.stderr.contains("cannot read the plan \"nowhere.toml\""),
        "{missing:?}"
    );
}

#[test]
fn the_ledger_names_every_place_once() {
    let place = place();
    assert_eq!(batch(&place, REWRITE, "out", &[]).code, 0);
    assert_eq!(batch(&place, REWRITE, "out", &["--resume"]).code, 0);
    let export = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    assert_eq!(
        export.lines().filter(|line| line.contains("\"site_settled\"")).count(),
        5
    );
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
}

#[test]
fn a_hostile_file_name_and_text_reach_no_terminal_raw() {
    let place = Place::with(&[("a.c", "void f(char *p) { strcpy(p, \"\u{1b}[31m\"); }\n")]);
    let plan = plan(&place, REWRITE);
    let listed = place.skiff(&["--color", "always", "batch", &plan, "--dry-run"]);
    assert!(!listed.stdout.contains('\u{1b}'), "{listed:?}");
}
