//! The tool loop on the command line: checks, the record of steps, what is left out of a long conversation, who decides.
//! Edits from end to end are among the scenarios, from 030 on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::fs;

use serde_json::{Value, json};
use support::{Outcome, Place};

const TOTAL: &str = "def total(prices):\n    return sum(prices)\n";

fn edit(place: &Place, request: &str, script: &[Value], more: &[&str]) -> Outcome {
    let file = place.root().join("script.jsonl");
    let lines: Vec<String> = script.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&file, lines.concat()).unwrap();
    let model = format!("scripted:{}", file.display());
    let args = ["edit", "--mode", "agent", "--model", &model, request];
    place.skiff(&[&args[..], more].concat())
}

fn says(action: Value, expects: &[&str]) -> Value {
    json!({"reply": action.to_string(), "prompt_contains": expects})
}

fn writes(code: &str) -> Value {
    json!({"reply": format!("```python\n{code}```\n")})
}

fn records(place: &Place, kind: &str) -> Vec<Value> {
    let file = place.home().join("state/skiff/ledger/ledger-000000000001.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["kind"] == kind)
        .map(|record| record["body"].clone())
        .collect()
}

fn conforms(schema: &str, value: &Value) {
    let file = support::project().join("docs/schema").join(schema);
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_check_that_fails_is_shown_and_the_place_is_written_again() {
    let place = Place::with(&[("prices.py", TOTAL)]);
    if !place.has_landlock() {
        return;
    }
    let check = "grep -q 'return round(sum(prices), 2)' prices.py || { echo 'Error: not rounded'; exit 1; }";
    let script = [
        says(json!({"do": "check"}), &["{\"do\": \"check\"} runs the checks"]),
        says(
            json!({"do": "rewrite", "place": "prices.py:total", "how": "round the sum"}),
            &["Not done: there is nothing to check yet"],
        ),
        writes("def total(prices):\n    return round(sum(prices))\n"),
        says(
            json!({"do": "check"}),
            &["Done: prices.py:total rewritten", "carried out with that, check."],
        ),
        says(
            json!({"do": "rewrite", "place": "prices.py:total", "how": "to two digits"}),
            &["fails:", "Error: not rounded"],
        ),
        // The code as it is now, and what the check said of it.
        json!({
            "prompt_contains": ["return round(sum(prices))\n", "This is what a check said of the last attempt", "Error: not rounded"],
            "reply": "```python\ndef total(prices):\n    return round(sum(prices), 2)\n```\n",
        }),
        says(json!({"do": "check"}), &["Done: prices.py:total rewritten"]),
        says(json!({"do": "finish", "summary": "rounded"}), &["The checks pass"]),
    ];
    let made = edit(
        &place,
        "`total` should be rounded to cents",
        &script,
        &["--check", check, "--json"],
    );
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = made.json();
    conforms("proposal.json", &made);
    assert_eq!(
        (&made["passed"], &made["checks"][0]["passed"]),
        (&true.into(), &true.into())
    );
    let patch = made["patch"].as_str().unwrap();
    assert!(
        patch.contains("+    return round(sum(prices), 2)\n") && !patch.contains("round(sum(prices))\n"),
        "{patch}"
    );
    let steps: Vec<(&str, &str)> = made["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["action"].as_str().unwrap(), step["outcome"].as_str().unwrap()))
        .collect();
    let expected = [
        ("check", "refused"),
        ("rewrite", "done"),
        ("check", "failed"),
        ("rewrite", "done"),
        ("check", "done"),
        ("finish", "done"),
    ];
    assert_eq!(steps, expected);

    let taken = records(&place, "step_taken");
    assert_eq!(taken.len(), 6);
    for (step, (action, outcome)) in taken.iter().zip(expected) {
        assert_eq!((&step["action"], &step["outcome"]), (&action.into(), &outcome.into()));
        // What the model says is a text, and texts are not kept unless somebody asks for them.
        assert_eq!(step["text"], Value::Null);
    }
    assert_eq!(taken[1]["target"], "prices.py:total");
    let answered: u64 = records(&place, "answered")
        .iter()
        .map(|answer| answer["cost"]["completion_tokens"].as_u64().unwrap())
        .sum();
    let stepped: u64 = taken
        .iter()
        .map(|step| step["cost"]["completion_tokens"].as_u64().unwrap())
        .sum();
    assert_eq!(stepped, answered);
    // The checks ran on two patches: what was known was not run again.
    assert_eq!(records(&place, "checks_started").len(), 2);
    let export = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    assert_eq!(export.lines().filter(|line| line.contains("\"step_taken\"")).count(), 6);
    for line in export.lines() {
        conforms("ledger-record.json", &serde_json::from_str(line).unwrap());
    }
    let log = place.skiff(&["log", "--json"]).json();
    conforms("log.json", &log);
    let steps = serde_json::to_string_pretty(&log["runs"][0]["steps"]).unwrap();
    insta::assert_snapshot!("the_steps_in_the_log", steps);
    let page = place.skiff(&["log"]).stdout;
    let steps = "6 steps (check rewrite check rewrite check finish)";
    assert!(page.contains(steps), "{page}");
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
}

#[test]
fn old_results_are_left_out_of_a_long_conversation_and_that_is_recorded() {
    let long: String = (0..120).map(|n| format!("# line {n} of a long, long file\n")).collect();
    let names = ["a.py", "b.py", "c.py", "d.py", "e.py", "f.py", "g.py", "h.py", "i.py"];
    let texts: Vec<(&str, String)> = names
        .iter()
        .map(|name| (*name, format!("{long}# end of {name}\n")))
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let place = Place::with(&files);
    let mut script: Vec<Value> = names
        .iter()
        .map(|name| says(json!({"do": "open", "place": name, "from": 1, "to": 200}), &[]))
        .collect();
    script.push(json!({
        "prompt_contains": ["Left out to save room: a.py, lines 1 to", "# line 3 of a long, long file"],
        "reply": json!({"do": "finish", "summary": "nothing"}).to_string(),
    }));
    script.push(says(
        json!({"do": "finish", "summary": "nothing"}),
        &["Nothing is changed yet"],
    ));
    let paths = [&names[..], &["--steps", "12"]].concat();
    let done = edit(&place, "look around", &script, &paths);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let note = "left out of the conversation, which would be too long: a.py, lines 1 to";
    assert!(done.stderr.contains(note), "{}", done.stderr);
    let taken = records(&place, "step_taken");
    let evicted: u64 = taken.iter().map(|step| step["evicted"].as_u64().unwrap()).sum();
    assert!(evicted > 0 && taken[0]["evicted"] == 0, "{taken:?}");
    assert!(
        place
            .skiff(&["log"])
            .stdout
            .contains(&format!("{evicted} results left out"))
    );
}

#[test]
fn paths_on_the_command_line_bound_what_may_change() {
    let place = Place::with(&[("a.py", TOTAL), ("b.py", "from a import total\n\nprint(total([1]))\n")]);
    let script = [
        says(json!({"do": "open", "place": "b.py"}), &["b.py"]),
        says(json!({"do": "references", "place": "b.py"}), &["print(total([1]))"]),
        says(json!({"do": "find", "text": "total"}), &["b.py was not shown to you"]),
        says(json!({"do": "rewrite", "place": "a.py:total"}), &["a.py:total  line 1"]),
        says(
            json!({"do": "new_file", "path": "c.py"}),
            &["Not done: a.py is not among the files that the request is about"],
        ),
        says(json!({"do": "finish"}), &["Not done: c.py is not among"]),
        says(json!({"do": "finish"}), &[]),
    ];
    let done = edit(&place, "print `total` of two", &script, &["b.py"]);
    assert_eq!(done.code, 3, "{}", done.stderr);
}

#[test]
fn a_file_that_was_changed_can_go() {
    let place = Place::with(&[("a.py", TOTAL), ("b.py", "def old():\n    return 1\n")]);
    let script = [
        says(json!({"do": "rewrite", "place": "b.py:old"}), &["b.py:old"]),
        writes("def old():\n    return 2\n"),
        says(json!({"do": "delete", "place": "b.py"}), &["Done: b.py:old rewritten"]),
        says(json!({"do": "open", "place": "b.py:old"}), &["Done: b.py deleted"]),
        says(json!({"do": "finish"}), &["b.py:old is gone"]),
    ];
    let done = edit(&place, "get rid of `old`", &script, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stdout.contains("deleted file mode 100644") && !done.stdout.contains("return 2"),
        "{}",
        done.stdout
    );
}

#[test]
fn a_whole_file_is_rewritten_from_what_it_is_now() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let script = [
        says(json!({"do": "insert", "after": "a.py:f"}), &["a.py:f"]),
        writes("import os\n\ndef g():\n    return os.sep\n"),
        says(
            json!({"do": "rewrite", "place": "a.py"}),
            &["Done: a.py:f new code stands behind it"],
        ),
        json!({
            "prompt_contains": ["import os\n\ndef f():\n    return 1\n\n\ndef g():\n    return os.sep"],
            "reply": "```python\nimport os\n\n\ndef f():\n    return 2\n\n\ndef g():\n    return os.sep\n```\n",
        }),
        // A part of what was written whole is no place any more.
        says(json!({"do": "open", "place": "a.py:f"}), &["Done: a.py rewritten"]),
        says(json!({"do": "rewrite", "place": "a.py:f"}), &["a.py:f is gone"]),
        writes("def f():\n    return 3\n"),
        says(json!({"do": "finish"}), &["Not done: it does not go together"]),
    ];
    let done = edit(&place, "add g", &script, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let added: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| line.starts_with(['+', '-']))
        .skip(2)
        .collect();
    let expected = [
        "+import os",
        "+",
        "+",
        "-    return 1",
        "+    return 2",
        "+",
        "+",
        "+def g():",
        "+    return os.sep",
    ];
    assert_eq!(added, expected, "{}", done.stdout);
}

#[test]
fn a_long_file_is_changed_by_its_definitions() {
    let long: String = (0..120).map(|n| format!("def f{n}():\n    return {n}\n\n\n")).collect();
    let place = Place::with(&[("a.py", &long)]);
    let script = [
        says(json!({"do": "rewrite", "place": "a.py"}), &["a.py:f7"]),
        says(json!({"do": "rewrite", "place": "a.py:f7"}), &["not rewritten whole"]),
        writes("def f7():\n    return 0\n"),
        says(json!({"do": "finish"}), &["Done: a.py:f7 rewritten"]),
    ];
    assert_eq!(edit(&place, "`f7` should return 0", &script, &[]).code, 0);
}

#[test]
fn what_only_the_workflow_can_is_refused() {
    let place = Place::with(&[("a.py", TOTAL)]);
    let several = edit(&place, "x", &[], &["-n", "2"]);
    assert_eq!(several.code, 2, "{}", several.stderr);
    assert!(several.stderr.contains("one candidate"), "{}", several.stderr);
    assert_eq!(edit(&place, "x", &[], &["a.py", "--scope", "file"]).code, 2);
    assert_eq!(edit(&place, "x", &[], &["--steps", "0"]).code, 2);
}

#[test]
fn auto_leaves_small_models_to_the_workflow_and_says_so() {
    let place = Place::with(&[("a.py", TOTAL)]);
    let script = place.root().join("script.jsonl");
    fs::write(&script, format!("{}\n", writes("def total(prices):\n    return 0\n"))).unwrap();
    let scripted = format!("scripted:{}", script.display());
    let auto = |model: &str, more: &[&str]| {
        let args = [
            "edit", "return 0", "--symbol", "total", "--mode", "auto", "--model", model,
        ];
        place.skiff(&[&args[..], more].concat())
    };
    let done = auto(&scripted, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains("mode workflow: the model has no chat template"),
        "{}",
        done.stderr
    );
    let file = place.root().join("tiny.gguf");
    fs::write(&file, tiny_gguf::tiny_gguf(3)).unwrap();
    let small = auto(file.to_str().unwrap(), &["--max-tokens", "4"]);
    assert!(
        small
            .stderr
            .contains("mode workflow: the model has 0.0 billion weights"),
        "{}",
        small.stderr
    );
}
