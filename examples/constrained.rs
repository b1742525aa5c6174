//! Measures what a constraint costs: `constrained MODEL.gguf [--runs N] [--tokens N] [--threads N]`.
//!
//! Each run writes JSON under a schema, greedily and at temperature 0.8, and one of a list of names under the choice grammar,
//! in turn with the same request without a constraint and as many tokens at most. Prints one JSON object a case: medians of the
//! tokens per second with and without, of their ratio, and of the milliseconds before the first token when the prompt is known.
#![allow(clippy::print_stdout)]

use std::path::Path;

use anyhow::{Context, Result, bail};
use skiff::{
    model::{
        Completion, CompletionRequest, Constraint, JsonSchema, LanguageModel, LlamaConfig, LlamaCpp, Message, Registry,
        Role, Sampling, Session,
    },
    progress::NoProgress,
    prompt::choice_grammar,
};

const SCHEMA: &str = r#"{
  "type": "object", "required": ["summary", "severity", "findings"],
  "properties": {
    "summary": {"type": "string", "maxLength": 400},
    "severity": {"enum": ["low", "medium", "high"]},
    "findings": {"type": "array", "minItems": 6, "maxItems": 8, "items": {
      "type": "object", "required": ["path", "line", "kind", "message", "certain"],
      "properties": {
        "path": {"type": "string", "maxLength": 120},
        "line": {"type": "integer"},
        "kind": {"enum": ["bug", "style", "speed", "security"]},
        "message": {"type": "string", "maxLength": 300},
        "certain": {"type": "boolean"},
        "score": {"anyOf": [{"type": "number"}, {"type": "null"}]}
      }
    }}
  }
}"#;

const REPORT: &str = "Invent a code review of a small Python project. Write it as one JSON object on one line, without line breaks \
    and without a fence, with the keys \"summary\", \"severity\" (low, medium or high) and \"findings\": a list of eight objects \
    with \"path\", \"line\", \"kind\" (bug, style, speed or security), \"message\" and \"certain\" (true or false).";

const NAMES: [&str; 6] = [
    "interval_set.IntervalSet.remove_overlapping_ranges",
    "interval_set.IntervalSet.union_with_sorted_ranges",
    "interval_parser.parse_half_open_interval_from_text",
    "interval_parser.reject_reversed_interval_bounds",
    "segment_cache.SegmentCache.evict_least_recently_used",
    "segment_cache.SegmentCache.write_back_dirty_segments",
];

struct Case {
    name: &'static str,
    messages: [Message; 1],
    constraint: Constraint,
    temperature: f32,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().context("the model is missing")?;
    let mut config = LlamaConfig {
        context_tokens: Some(2048),
        ..LlamaConfig::default()
    };
    let (mut tokens, mut runs) = (200, 5);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--threads" => config.threads = Some(value.parse()?),
            "--tokens" => tokens = value.parse()?,
            "--runs" => runs = value.parse()?,
            _ => bail!("unknown flag {flag}"),
        }
    }
    let file = Registry::open(Path::new("")).resolve(&model, &NoProgress)?;
    let model = LlamaCpp::load(&file, &config, &NoProgress)?;
    let mut session = model.session()?;
    for case in cases()? {
        measure(session.as_mut(), &case, tokens, runs)?;
    }
    Ok(())
}

fn cases() -> Result<[Case; 3]> {
    let names = NAMES.map(str::to_owned);
    let schema = Constraint::JsonSchema(JsonSchema::parse(SCHEMA)?);
    let choice = format!(
        "Which of these functions merges two sorted lists of intervals?\n\n{}\n\nAnswer with the name alone.",
        names.join("\n")
    );
    let case = |name, prompt: &str, constraint: &Constraint, temperature| Case {
        name,
        messages: [Message::new(Role::User, prompt)],
        constraint: constraint.clone(),
        temperature,
    };
    Ok([
        case("schema, greedy", REPORT, &schema, 0.0),
        case("schema, temperature 0.8", REPORT, &schema, 0.8),
        case(
            "choice, greedy",
            &choice,
            &Constraint::Gbnf(choice_grammar(&names)),
            0.0,
        ),
    ])
}

fn measure(session: &mut dyn Session, case: &Case, tokens: usize, runs: u32) -> Result<()> {
    let mut rows = Vec::new();
    let mut same_texts = 0;
    // The first only reads the prompt.
    for run in 0..=runs {
        let mut complete = |constraint: &Constraint, tokens| {
            let request = CompletionRequest {
                constraint: constraint.clone(),
                sampling: Sampling {
                    temperature: case.temperature,
                    seed: run,
                    ..Sampling::default()
                },
                ..CompletionRequest::new(&case.messages, tokens)
            };
            session.complete(&request, &NoProgress)
        };
        let (on, off);
        if run % 2 == 0 {
            on = complete(&case.constraint, tokens)?;
            off = complete(&Constraint::None, on.usage.completion_tokens as usize)?;
        } else {
            off = complete(&Constraint::None, tokens)?;
            on = complete(&case.constraint, tokens)?;
        }
        if run > 0 {
            same_texts += u32::from(on.text == off.text);
            rows.push((on, off));
        }
    }
    let of = |value: fn(&Completion, &Completion) -> f64| median(rows.iter().map(|(on, off)| value(on, off)).collect());
    println!(
        "{}",
        serde_json::json!({
            "case": case.name,
            "runs": runs,
            "tokens": of(|on, _| on.usage.completion_tokens as f64),
            "tokens_per_s": of(|on, _| rate(on)),
            "tokens_per_s_off": of(|_, off| rate(off)),
            "of_off": of(|on, off| rate(on) / rate(off)),
            "first_token_ms": of(|on, _| on.usage.prefill_ms as f64),
            "first_token_ms_off": of(|_, off| off.usage.prefill_ms as f64),
            "same_text": same_texts,
        })
    );
    Ok(())
}

/// Tokens a second; the first comes from the logits of the prompt.
fn rate(completion: &Completion) -> f64 {
    let usage = completion.usage;
    usage.completion_tokens.saturating_sub(1) as f64 * 1000.0 / usage.decode_ms.max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    (median * 1000.0).round() / 1000.0
}
