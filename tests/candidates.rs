//! More than one way of carrying a request out: which is proposed, and what a failed check leads to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{Outcome, Place};

const BEFORE: &str = "def total(prices):\n    pass\n";

fn place() -> Place {
    Place::with(&[("shop.py", BEFORE)])
}

/// Runs `edit` with a script of answers: the body of `total`, and what the prompt must hold and lack.
fn edit(place: &Place, turns: &[Value], more: &[&str]) -> Outcome {
    asked(place, "add the prices up", turns, more)
}

fn asked(place: &Place, request: &str, turns: &[Value], more: &[&str]) -> Outcome {
    let lines: Vec<String> = turns.iter().map(Value::to_string).collect();
    let model = place.scripted(&lines.join("\n"));
    let mut args = vec!["edit", "-m", &model, request, "--symbol", "total", "--json"];
    args.extend(more);
    // Where the system has its own Python: one of a user's home cannot be read by checks.
    let mut command = place.command(env!("CARGO_BIN_EXE_skiff"));
    Outcome::of(command.env("PATH", "/usr/bin:/bin").args(&args))
}

fn body(code: &str) -> String {
    format!("def total(prices):\n    {}\n", code.replace('\n', "\n    "))
}

fn turn(code: &str) -> Value {
    json!({"reply": format!("```python\n{}```", body(code))})
}

#[test]
fn of_several_candidates_the_one_that_others_agree_with_is_proposed() {
    let place = place();
    let likely = |code: &str, mean: f64| {
        let mut turn = turn(code);
        turn["mean_log_probability"] = json!(mean);
        turn
    };
    let turns = [
        likely("return max(prices)", -0.1),
        likely(
            "result = 0\nfor price in prices:\n    result += price\nreturn result",
            -0.9,
        ),
        likely(
            "# Adds up.\namount = 0\nfor item in prices:\n    amount += item\nreturn amount",
            -0.5,
        ),
        likely("return )", -0.1),
    ];
    let made = edit(&place, &turns, &["-n", "4"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = made.json();
    assert!(
        made["patch"].as_str().unwrap().contains("amount += item"),
        "{}",
        made["patch"]
    );
    let candidates = made["candidates"].as_array().unwrap();
    let of = |key: &str| -> Vec<&Value> { candidates.iter().map(|one| &one[key]).collect() };
    assert_eq!(of("agreeing"), [1, 2, 2, 1]);
    assert_eq!(of("passed_gates"), [true, true, true, false]);
    assert_eq!(of("is_chosen"), [false, false, true, false]);
}

#[test]
fn checks_stop_at_the_first_candidate_that_passes() {
    if !place().has_landlock() {
        return;
    }
    let place = place();
    let turns = [
        turn("return max(prices)"),
        turn("return min(prices)"),
        turn("return sum(prices)"),
        turn("return 0"),
    ];
    let made = edit(&place, &turns, &["-n", "4", "--check", "grep -q 'sum(' shop.py"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = made.json();
    assert!(made["patch"].as_str().unwrap().contains("sum(prices)"));
    let passed: Vec<&Value> = made["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["passed_checks"])
        .collect();
    assert_eq!(passed, [&json!(0), &json!(0), &json!(1), &Value::Null]);
    let log = place.skiff(&["log"]).stdout;
    assert!(log.contains("  1 check passed (candidate 3 of 3), made"), "{log}");
    let log = place.skiff(&["log", "--json"]).json();
    let seen = log["runs"][0]["checks"].as_array().unwrap().iter();
    let seen: Vec<Value> = seen
        .map(|check| json!([check["candidate"], check["end"]["passed"]]))
        .collect();
    assert_eq!(seen, [json!([1, false]), json!([2, false]), json!([3, true])]);
    // A first candidate that passes is the only one that is drawn.
    let made = edit(&place, &turns[2..3], &["-n", "4", "--check", "grep -q 'sum(' shop.py"]);
    let report: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(report["candidates"].as_array().unwrap().len(), 1);
}

#[test]
fn a_failed_check_goes_back_to_the_model_in_the_same_conversation() {
    if !place().has_landlock() {
        return;
    }
    let place = place();
    let check = "grep -q 'sum(' shop.py || { echo \"shop.py:2: error: the sum is wrong\"; exit 1; }";
    let mut repair = turn("return sum(prices)");
    repair["prompt_contains"] = json!(["return max(prices)", "error: the sum is wrong", "add the prices up"]);
    let made = edit(&place, &[turn("return max(prices)"), repair], &["--check", check]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stderr.contains("repair 1"), "{}", made.stderr);
    let made = made.json();
    assert_eq!(made["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(made["checks"].as_array().unwrap().len(), 1);
    assert_eq!(made["passed"], true);
    let kinds = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    assert_eq!(kinds.matches("\"kind\":\"checks_started\"").count(), 2, "{kinds}");
}

#[test]
fn a_repair_that_breaks_more_than_it_mends_is_dropped() {
    if !place().has_landlock() {
        return;
    }
    let place = place();
    let checks = [
        "--check",
        "grep -q prices shop.py",
        "--check",
        "grep -q 'sum(' shop.py",
        "--rounds",
        "1",
    ];
    let turns = [
        turn("return max(prices)"),
        json!({"reply": "```python\ndef total(costs):\n    return 1\n```"}),
    ];
    let made = edit(&place, &turns, &checks);
    assert_eq!(made.code, 4, "{}", made.stderr);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert!(made["patch"].as_str().unwrap().contains("max(prices)"));
    assert_eq!(made["candidates"][0]["is_chosen"], true);
    assert_eq!(made["candidates"][1]["passed_checks"], 0);
}

#[test]
fn a_failure_that_is_told_stands_in_the_prompt_and_a_file_is_rewritten_whole() {
    let place = place();
    let mut answer =
        json!({"reply": "```python\nimport math\n\n\ndef total(prices):\n    return math.fsum(prices)\n```"});
    answer["prompt_contains"] = json!(["AssertionError: None != 6", "the file `shop.py`"]);
    let script = place.root().join("script.jsonl");
    fs::write(&script, answer.to_string()).unwrap();
    fs::write(
        place.root().join("said.txt"),
        "FAIL: test_total\nAssertionError: None != 6\n",
    )
    .unwrap();
    let model = format!("scripted:{}", script.display());
    let args = [
        "edit",
        "-m",
        &model,
        "mend it",
        "shop.py",
        "--scope",
        "file",
        "--failure",
        "../said.txt",
        "--json",
    ];
    let made = place.skiff(&args);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.json()["patch"].as_str().unwrap().contains("+import math"));
    let without = place.skiff(&["edit", "-m", &model, "mend it", "--scope", "file"]);
    assert_eq!(without.code, 2, "{}", without.stderr);
    assert!(
        without.stderr.contains("--scope file needs a PATH"),
        "{}",
        without.stderr
    );
}

#[test]
fn candidates_are_tried_on_the_examples_of_a_failure() {
    if !has_python() {
        return;
    }
    let place = place();
    let failure = place.root().join("failure.txt");
    fs::write(
        &failure,
        "FAIL: test_two\n    self.assertEqual(total([1, 2]), 3)\nAssertionError: None != 3\n    self.assertEqual(total([]), 0)\n\
         \x20   self.assertEqual(total([5]), 5)\n    self.assertEqual(unknown(1), 5)\n",
    )
    .unwrap();
    let mut repair = turn("return sum(prices)");
    repair["prompt_contains"] = json!(["FAIL: total([1, 2]) gives 2, not 3"]);
    let more = ["--failure", failure.to_str().unwrap(), "--check", "@examples"];
    let made = edit(&place, &[turn("return max(prices, default=0)"), repair], &more);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(
        made.stderr.contains("3 examples, of 3 it is known what they give"),
        "{}",
        made.stderr
    );
    let made = made.json();
    let said = made["checks"][0]["output"].as_str().unwrap();
    assert!(said.contains("ok: total([1, 2]) gives 3"), "{said}");
    assert!(made["patch"].as_str().unwrap().contains("sum(prices)"));
}

#[test]
fn examples_of_the_model_are_believed_where_the_request_says_them() {
    if !has_python() {
        return;
    }
    let place = place();
    // The request is "add the prices up": nothing in it says what comes out, so that the candidates are only compared.
    let examples = json!({
        "prompt_contains": ["Do not write the code yet"],
        "reply": "[1, 2]) == 7\nassert total([]) == 0\nassert sum([1]) == 1\n",
    });
    let turns = [
        turn("return max(prices)"),
        examples,
        turn("return sum(prices)"),
        turn("result = 0\nfor price in prices:\n    result += price\nreturn result"),
    ];
    let made = edit(&place, &turns, &["-n", "3", "--check", "@examples"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = made.json();
    let of = |key: &str| -> Vec<&Value> { made["candidates"].as_array().unwrap().iter().map(|c| &c[key]).collect() };
    assert_eq!(of("agreeing"), [1, 2, 2]);
    assert_eq!(of("is_chosen"), [false, true, false]);
    let said = made["checks"][0]["output"].as_str().unwrap();
    assert!(said.contains("probe: total([1, 2]) gives 3"), "{said}");
    assert!(!said.contains("sum([1])"), "{said}");
}

#[test]
fn code_that_hangs_prints_or_ends_the_process_fails_its_examples() {
    if !has_python() {
        return;
    }
    let failure = "    self.assertEqual(total([1]), 1)\n    self.assertEqual(total([2]), 2)\n    self.assertEqual(total([3]), 3)\n";
    for (code, said) in [
        ("while True:\n    pass", "total([1]) does not end in 2 s"),
        (
            "raise SystemExit(0)",
            "total([1]) raises SystemExit(0), and is to give 1",
        ),
        ("print('ok: total([1]) gives 1')", "total([1]) gives None, not 1"),
        ("return total(prices)", "total([1]) raises RecursionError"),
    ] {
        let place = place();
        let file = place.root().join("failure.txt");
        fs::write(&file, failure).unwrap();
        let more = [
            "--failure",
            file.to_str().unwrap(),
            "--check",
            "@examples",
            "--rounds",
            "0",
        ];
        let made = edit(&place, &[turn(code)], &more);
        assert_eq!(made.code, 4, "{code}: {}", made.stderr);
        let made: Value = serde_json::from_str(&made.stdout).unwrap();
        let output = made["checks"][0]["output"].as_str().unwrap();
        assert!(output.contains(said), "{code}: {output}");
        assert!(output.ends_with("FAILED (failures=3)\n"), "{output}");
    }
}

#[test]
fn a_stated_example_that_fails_has_more_candidates_drawn() {
    if !has_python() {
        return;
    }
    let place = place();
    let script = [
        turn("return max(prices)"),
        json!({"reply": "[10, 20]) == 30\nassert total([5]) == 5\n"}),
        turn("return min(prices)"),
        turn("return sum(prices)"),
        turn("return 0"),
    ];
    let request = "add the prices up: 10 and 20 are 30";
    let made = asked(&place, request, &script, &["-n", "auto", "--check", "@examples"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stderr.contains("2 examples, of 1 it is known"), "{}", made.stderr);
    assert!(made.json()["patch"].as_str().unwrap().contains("sum(prices)"));
}

#[test]
fn who_gives_what_the_failed_code_gives_is_not_believed() {
    if !has_python() {
        return;
    }
    let place = Place::with(&[("shop.py", &body("return max(prices)"))]);
    let failure = place.root().join("failure.txt");
    fs::write(
        &failure,
        "AssertionError: 2 != 3\n\nRan 1 test in 0.1s\n\nFAILED (failures=1)\n",
    )
    .unwrap();
    let turns = [
        turn("return sorted(prices)[-1]"),
        json!({"reply": "[1, 2]) == 7\nassert total([4, 4]) == 0\n"}),
        turn("result = max(prices)\nreturn result"),
        turn("return sum(prices)"),
    ];
    let more = [
        "-n",
        "3",
        "--failure",
        failure.to_str().unwrap(),
        "--check",
        "@examples",
    ];
    let made = edit(&place, &turns, &more);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = made.json();
    let of = |key: &str| -> Vec<&Value> { made["candidates"].as_array().unwrap().iter().map(|c| &c[key]).collect() };
    assert_eq!(of("agreeing"), [2, 2, 1]);
    assert_eq!(of("is_chosen"), [false, false, true]);
}

#[test]
fn what_a_failure_misses_is_asked_for_and_preferred() {
    let place = place();
    let failure = place.root().join("failure.txt");
    let said = "TypeError: total() got an unexpected keyword argument 'tax'\n";
    fs::write(&failure, said).unwrap();
    let asks = |code: &str, likely: f64| {
        json!({
            "prompt_contains": ["The check needs `tax` in it, which that attempt lacks: add that."],
            "reply": format!("```python\n{code}```"),
            "mean_log_probability": likely,
        })
    };
    let turns = [
        asks("def total(prices):\n    return max(prices)\n", -0.1),
        asks("def total(prices, tax=0):\n    return sum(prices) + tax\n", -0.9),
    ];
    let made = edit(&place, &turns, &["-n", "2", "--failure", failure.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.json()["patch"].as_str().unwrap().contains("tax=0"));
}

#[test]
fn of_long_answers_not_many_are_drawn_unasked() {
    if !has_python() {
        return;
    }
    let place = place();
    let long = format!(
        "{}return max(prices)",
        "# one two three four five six seven\n".repeat(200)
    );
    let script = [
        turn(&long),
        json!({"reply": "[10, 20]) == 30\nassert total([5]) == 5\n"}),
    ];
    let request = "add the prices up: 10 and 20 are 30";
    let more = ["-n", "auto", "--check", "@examples", "--max-tokens", "4000"];
    let made = asked(&place, request, &script, &more);
    assert_eq!(made.code, 4, "{}", made.stderr);
    let report: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(report["candidates"].as_array().unwrap().len(), 1);
}

/// Tells whether examples can be tried here; says so where not.
fn has_python() -> bool {
    let has = place().has_landlock();
    let python = Path::new("/usr/bin/python3").exists();
    if !python {
        eprintln!("SKIPPED: there is no /usr/bin/python3");
    }
    has && python
}
