//! What `--json` prints is what `docs/schema/` says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::fs;

use serde_json::Value;
use skiff::model::{EngineStamp, GpuStamp, KvType, LlamaStamp, Speculation};
use support::{Place, RETURNS_2};

fn conforms(schema: &str, value: &Value) {
    let file = support::project().join("docs/schema").join(schema);
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn proposals() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let id = place.propose("a.py", "return 1", "return 2").to_string();
    let shown = place.skiff(&["show", &id, "--json"]).json();
    conforms("proposal.json", &shown);
    assert_eq!(shown["created"], "2024-01-02T03:04:05Z");
    assert_eq!(shown["files"][0]["change"], "modify");
    assert_eq!(shown["files"][0]["hunks"][0]["old_start"], 1);
    assert_eq!(shown["files"][0]["hunks"][0]["new_lines"], 2);

    let list = place.skiff(&["list", "--json"]).json();
    conforms("proposal-list.json", &list);
    assert_eq!(list["proposals"][0]["paths"][0], "a.py");
}

#[test]
fn the_stamp_of_an_engine() {
    let stamp = EngineStamp::Llama(LlamaStamp {
        skiff: "0.1.0".to_owned(),
        llama: "binding 1.0".to_owned(),
        target: "x86_64-linux".to_owned(),
        cpu_code: "base".to_owned(),
        gpus: vec![GpuStamp {
            name: "GPU0".to_owned(),
            layers: 3,
        }],
        gpu_layers: 3,
        threads: 2,
        context_tokens: 4096,
        kv_type: KvType::Q8_0,
        speculation: Speculation::Copy,
        draft_model: None,
        sequences: 17,
        pass_tokens: 512,
    });
    for stamp in [stamp, EngineStamp::Scripted, EngineStamp::Unknown] {
        let file = support::project().join("docs/schema/proposal.json");
        let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let engine = jsonschema::validator_for(&schema["properties"]["engine"]).unwrap();
        let value = serde_json::to_value(&stamp).unwrap();
        assert!(engine.is_valid(&value), "{value}");
    }
}

#[test]
fn doctor_and_models() {
    let place = Place::with(&[]);
    let doctor = place.skiff(&["doctor", "--json"]).json();
    conforms("doctor.json", &doctor);
    let models = place.skiff(&["model", "list", "--json"]).json();
    conforms("model-list.json", &models);
    assert_eq!(models["models"].as_array().map(Vec::len), Some(0));
}

#[test]
fn batches() {
    let place = Place::with(&[("a.c", "void f(void) {\n  g(1);\n  g(2);\n}\n")]);
    let plan = place.root().join("plan.toml");
    let text = "version = 1\ntitle = 't'\nmatch.code = 'g($A)'\n[[rewrite]]\nto = 'h($A)'\nwhere = { A = '1' }\n";
    fs::write(&plan, text).unwrap();
    let plan = plan.display().to_string();
    conforms(
        "batch-sites.json",
        &place.skiff(&["batch", &plan, "--dry-run", "--json"]).json(),
    );
    let done = place.skiff(&["batch", &plan, "--jsonl"]);
    assert_eq!(done.code, 4, "{done:?}");
    let events: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    events.iter().for_each(|event| conforms("batch-event.json", event));
    let kinds: Vec<Option<&str>> = events.iter().map(|event| event["outcome"].as_str()).collect();
    assert_eq!(kinds, [Some("done"), Some("failed"), None]);
    let list = place.root().join("list");
    fs::write(&list, ".\nnowhere\n").unwrap();
    let out = place.root().join("out").display().to_string();
    let many = place.skiff(&[
        "batch",
        &plan,
        "--repos",
        &list.display().to_string(),
        "-o",
        &out,
        "--json",
    ]);
    conforms("batch-repositories.json", &serde_json::from_str(&many.stdout).unwrap());
    let (run, bundle) = (format!("{out}/repo"), place.root().join("b").display().to_string());
    assert_eq!(place.skiff(&["bundle", "create", &run, "-o", &bundle]).code, 0);
    conforms(
        "bundle-manifest.json",
        &place.skiff(&["bundle", "verify", &bundle, "--json"]).json(),
    );
    for line in place.skiff(&["log", "export", "--format", "jsonl"]).stdout.lines() {
        conforms("ledger-record.json", &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn a_map() {
    let place = Place::with(&[
        ("a.py", "class A:\n    def f(self):\n        return 1\n"),
        ("b.py", "from a import A\n\ndef g():\n    return A().f()\n"),
    ]);
    let map = place.skiff(&["map", "--json"]).json();
    conforms("map.json", &map);
    assert_eq!(map["counted_by"], "estimate");
    assert_eq!(map["files"][0]["path"], "a.py");
    assert_eq!(map["files"][0]["symbols"][1]["name"], "A.f");
    assert_eq!(map["files"][0]["symbols"][1]["line"], 2);
}

#[test]
fn the_index_and_what_is_found() {
    let place = Place::with(&[(
        "a.py",
        "def parse_it(text):\n    \"\"\"Parses it.\"\"\"\n    return 1\n",
    )]);
    let index = place.skiff(&["index", "--json"]).json();
    conforms("index.json", &index);
    assert_eq!((&index["files"], &index["symbols"]), (&1.into(), &1.into()));
    let found = place.skiff(&["find", "--json", "parse", "it"]).json();
    conforms("find.json", &found);
    assert_eq!(found["symbols"][0]["name"], "parse_it");
    assert_eq!(found["symbols"][0]["doc"], "Parses it.");
    let found = place.skiff(&["find", "--json", "--files", "parse"]).json();
    conforms("find.json", &found);
    assert_eq!(found["files"][0]["path"], "a.py");
    let found = place.skiff(&["find", "--json", "--regex", "return \\d"]).json();
    conforms("find.json", &found);
    assert_eq!(
        (&found["matches"][0]["line"], &found["matches"][0]["start"]),
        (&3.into(), &45.into())
    );
    let found = place.skiff(&["find", "--json", "--references", "text"]).json();
    conforms("find.json", &found);
    assert_eq!(place.skiff(&["find", "--regex", "("]).code, 2);
}

#[test]
fn an_edit() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let model = place.scripted(RETURNS_2);
    let edit = place.skiff(&["edit", "return 2", "--symbol", "f", "--json", "--model", &model]);
    let edit = edit.json();
    conforms("proposal.json", &edit);
    assert_eq!(edit["model"]["sha256"], "scripted");
    assert!(edit["patch"].as_str().unwrap().contains("+    return 2\n"), "{edit}");
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
}

#[test]
fn a_model_bench() {
    let place = Place::with(&[]);
    let model = place.root().join("tiny.gguf");
    fs::write(&model, tiny_gguf::tiny_gguf(3)).unwrap();
    let model = model.to_str().unwrap().to_owned();
    let args = [
        "--model",
        &model,
        "--threads",
        "1",
        "model",
        "bench",
        "--runs",
        "2",
        "--written-tokens",
        "8",
        "--prompt-tokens",
        "400",
    ];
    let report = place.skiff(&[&args[..], &["--json"]].concat()).json();
    conforms("model-bench.json", &report);
    assert_eq!(
        (&report["read"]["tokens"], &report["threads"]),
        (&report["prefix"]["tokens"], &report["threads"])
    );
    let tokens = report["prefix"]["tokens"].as_u64().unwrap();
    assert_eq!(report["prefix"]["restored_tokens"].as_u64(), Some(tokens - 1));
    let page = place.skiff(&args);
    assert!(page.stdout.contains("\ncopy edit "), "{}", page.stdout);
}

#[test]
fn the_ledger() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let model = place.scripted(RETURNS_2);
    let confinement = &place.skiff(&["doctor", "--json"]).json()["confinement"];
    let (check, expected): (&[&str], usize) = match confinement["kind"] == "landlock" {
        true => (&["--check", "true"], 16),
        false => (&[], 14),
    };
    let args = ["edit", "return 2", "--symbol", "f", "--apply", "--model", &model];
    assert_eq!(place.skiff(&[&args[..], check].concat()).code, 0);
    place.skiff(&["undo"]);
    place.skiff(&["discard", "1"]);
    let exported = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    let mut kinds = std::collections::BTreeSet::new();
    for line in exported.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        conforms("ledger-record.json", &record);
        kinds.insert(record["kind"].as_str().unwrap().to_owned());
    }
    // All but what a crash leaves.
    assert_eq!(kinds.len(), expected, "{kinds:?}");
    let log = place.skiff(&["log", "--json"]).json();
    conforms("log.json", &log);
    assert_eq!(log["runs"][1]["decisions"][0]["written"], true);
    let lines = place.skiff(&["log", "--jsonl", "-n", "2"]).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((lines.lines().count(), &last), (2, &log["runs"][3]));
    conforms("log-stats.json", &place.skiff(&["log", "stats", "--json"]).json());
    conforms("log-verify.json", &place.skiff(&["log", "verify", "--json"]).json());
    let file = place.root().join("export.jsonl");
    fs::write(&file, exported.replacen("\"seq\":2,", "\"seq\":3,", 1)).unwrap();
    let broken = place.skiff(&["log", "verify", "--json", file.to_str().unwrap()]);
    let broken: Value = serde_json::from_str(&broken.stdout).unwrap();
    conforms("log-verify.json", &broken);
    assert_eq!((&broken["sound"], &broken["fault"]["line"]), (&false.into(), &2.into()));
}
