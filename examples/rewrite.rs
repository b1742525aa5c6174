//! Rewrites real edits, one at a time, as it is told: `rewrite MODEL.gguf EDITS.jsonl [--threads N] [--context N]
//! [--tokens N] [--keep FOLDER]`.
//!
//! EDITS.jsonl is what `scripts/bench_edits.py` prints. It first prints one line with the number of edits that fit the
//! context and the prompts as token ids; then, for each line `NUMBER plain` or `NUMBER copy` on stdin, one JSON object:
//! tokens, milliseconds, drafted and accepted tokens, and the text. With `--keep`, prompts that were read before come back from
//! the folder.
#![allow(clippy::print_stdout)]

use std::{
    fs,
    io::{self, BufRead, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use skiff::{
    model::{CompletionRequest, Keep, LanguageModel, LlamaConfig, LlamaCpp, Message, Registry},
    progress::NoProgress,
    prompt::{BenchPrompt, Template, fence_for},
};

#[derive(Deserialize)]
struct Edit {
    path: String,
    language: String,
    old: String,
    change: String,
}

struct Task {
    messages: Vec<Message>,
    prefix: String,
    stop: String,
    old: String,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().context("the model is missing")?;
    let edits = arguments.next().context("the edits are missing")?;
    let mut config = LlamaConfig {
        context_tokens: Some(4096),
        ..LlamaConfig::default()
    };
    let mut limit = 400;
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--threads" => config.threads = Some(value.parse()?),
            "--context" => config.context_tokens = Some(value.parse()?),
            "--tokens" => limit = value.parse()?,
            "--keep" => {
                config.keep = Some(Keep {
                    folder: value.into(),
                    prefix_bytes: 1 << 30,
                });
            }
            _ => bail!("unknown flag {flag}"),
        }
    }
    let file = Registry::open(Path::new("")).resolve(&model, &NoProgress)?;
    let model = LlamaCpp::load(&file, &config, &NoProgress)?;
    let mut tasks = Vec::new();
    let mut prompts = Vec::new();
    for line in fs::read_to_string(edits)?.lines() {
        let task = task(serde_json::from_str(line)?)?;
        let prompt = model.prompt_tokens(&task.messages, &task.prefix)?;
        if prompt.len() + limit <= model.context_tokens() {
            prompts.push(prompt);
            tasks.push(task);
        }
    }
    let stops: Vec<&str> = tasks.iter().map(|task| task.stop.as_str()).collect();
    println!(
        "{}",
        serde_json::json!({ "prompts": prompts, "stops": stops, "limit": limit, "threads": model.threads() })
    );
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (number, mode) = line
            .split_once(' ')
            .context("expected `NUMBER plain` or `NUMBER copy`")?;
        let task = tasks.get(number.parse::<usize>()?).context("there is no such edit")?;
        let copy = match mode {
            "plain" => None,
            "copy" => Some(task.old.as_str()),
            _ => bail!("unknown mode {mode}"),
        };
        let request = CompletionRequest {
            assistant_prefix: &task.prefix,
            stop: &[&task.stop],
            copy,
            ..CompletionRequest::new(&task.messages, limit)
        };
        // A new session each time: it remembers nothing of how often drafts were right.
        let completion = model.session()?.complete(&request, &NoProgress)?;
        let usage = completion.usage;
        println!(
            "{}",
            serde_json::json!({
                "prompt_tokens": usage.prompt_tokens,
                "prefill_ms": usage.prefill_ms,
                "tokens": usage.completion_tokens,
                "ms": usage.decode_ms,
                "drafted": usage.drafted_tokens,
                "accepted": usage.accepted_tokens,
                "text": completion.text,
            })
        );
        io::stdout().flush()?;
    }
    Ok(())
}

fn task(edit: Edit) -> Result<Task> {
    let fence = fence_for(&[&edit.old, &edit.change]);
    let request = format!(
        "make this change; lines that begin with - go, lines that begin with + come:\n{fence}diff\n{}\n{fence}",
        edit.change
    );
    let prompt = BenchPrompt {
        path: &edit.path,
        language: &edit.language,
        code: &edit.old,
        request: &request,
        fence: &fence,
    };
    Ok(Task {
        messages: prompt.messages()?,
        prefix: format!("{fence}{}\n", edit.language),
        stop: format!("\n{fence}"),
        old: edit.old,
    })
}
