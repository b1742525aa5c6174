//! What runs came to: tokens, time and money of a proposal and of all of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Outcome, Place};

fn place() -> Place {
    Place::with(&[("a.py", "def f():\n    return 1\n")])
}

fn edit(place: &Place, model: &str, date_unix_s: u64) -> Value {
    let script = place.root().join(model);
    fs::write(&script, "{\"reply\": \"```python\\ndef f():\\n    return 2\\n```\"}\n").unwrap();
    let outcome = Outcome::of(
        place
            .command(env!("CARGO_BIN_EXE_skiff"))
            .env("SOURCE_DATE_EPOCH", date_unix_s.to_string())
            .args(["edit", "return 2", "--symbol", "f", "--json", "--model"])
            .arg(format!("scripted:{}", script.display())),
    );
    outcome.json()
}

fn tokens(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

#[test]
fn runs_are_added_up_by_model_and_since_a_day() {
    let place = place();
    let first = edit(&place, "one.jsonl", support::DATE_UNIX_S);
    let second = edit(&place, "two.jsonl", support::DATE_UNIX_S + 86_400);
    assert_eq!(place.skiff(&["apply", "1"]).code, 0);
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.skiff(&["apply", "1"]).code, 0);
    let stats = place.skiff(&["log", "stats", "--json"]).json();
    let total = &stats["total"];
    assert_eq!(
        ["runs", "unended", "prompts", "proposals", "applied", "checks"].map(|name| tokens(total, name)),
        [5, 0, 2, 2, 1, 0]
    );
    for name in [
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "drafted_tokens",
        "accepted_tokens",
    ] {
        let sum = tokens(&first["usage"], name) + tokens(&second["usage"], name);
        assert_eq!(tokens(&total["cost"], name), sum, "{name}");
    }
    assert!(tokens(&total["cost"], "prompt_tokens") > 0 && tokens(&total["cost"], "completion_tokens") > 0);
    assert_eq!((&total["price"], &first["price"]), (&Value::Null, &Value::Null));
    let models = stats["models"].as_array().unwrap();
    let of = |model: &Value| (model["name"].clone(), tokens(model, "runs"), tokens(model, "applied"));
    assert_eq!(models.iter().map(|model| tokens(model, "proposals")).sum::<u64>(), 2);
    assert_eq!(models.iter().map(|model| of(model).2).sum::<u64>(), 1);

    // Midnight of the second day; the applies are of the first.
    let since = place.skiff(&["log", "stats", "--since", "2024-01-03", "--json"]).json();
    assert_eq!(since["since"], "2024-01-03T00:00:00Z");
    assert_eq!(
        (tokens(&since["total"], "runs"), tokens(&since["total"], "applied")),
        (1, 0)
    );
    let late = place
        .skiff(&["log", "stats", "--since", "2024-01-02T03:04:06Z", "--json"])
        .json();
    assert_eq!(tokens(&late["total"], "runs"), 1);
    for wrong in ["yesterday", "2024-1-3", "2024-02-30", "1960-01-01", "2024-01-03 x"] {
        assert_eq!(place.skiff(&["log", "stats", "--since", wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn money_is_told_where_there_are_prices() {
    let place = place();
    place.configure("price_prompt_per_million = 2\nprice_completion_per_million = 10.5\ncurrency = 'EUR'\n");
    let proposal = edit(&place, "one.jsonl", support::DATE_UNIX_S);
    let usage = &proposal["usage"];
    let expected = 2.0 * tokens(usage, "prompt_tokens") as f64 + 10.5 * tokens(usage, "completion_tokens") as f64;
    let amount = |value: &Value| value["price"]["amount"].as_f64().unwrap() * 1e6;
    assert!((amount(&proposal) - expected).abs() < 1e-6, "{proposal}");
    assert_eq!(proposal["price"]["currency"], "EUR");
    let shown = place.skiff(&["show", "1", "--json"]).json();
    assert_eq!(shown["price"], proposal["price"]);
    let stats = place.skiff(&["log", "stats", "--json"]).json();
    assert!((amount(&stats["total"]) - expected).abs() < 1e-6, "{stats}");
    let page = place.skiff(&["log", "stats"]).stdout;
    let line = format!("{:.6} EUR at your prices\n", expected / 1e6);
    assert_eq!(page.matches(&line).count(), 2, "{page}");
    // One price alone says nothing.
    place.configure("price_prompt_per_million = 2\n");
    assert!(!place.skiff(&["log", "stats"]).stdout.contains("at your prices"));
    place.configure("price_prompt_per_million = -2\n");
    let wrong = place.skiff(&["log", "stats"]);
    assert!(
        wrong.code == 1 && wrong.stderr.contains("expected a price"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_ledger_that_is_not_sound_has_no_sums() {
    let place = place();
    assert_eq!(place.skiff(&["log", "stats", "--json"]).json()["total"]["runs"], 0);
    edit(&place, "one.jsonl", support::DATE_UNIX_S);
    let file = place.home().join("state/skiff/ledger/ledger-000000000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"prompt_tokens\":", "\"prompt_tokens\":9", 1)).unwrap();
    let outcome = place.skiff(&["log", "stats"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (6, ""));
}
