//! Measures plain decoding: `decode MODEL.gguf [--threads N] [--tokens N] [--runs N] [--context N] [--prompt FILE]
//! [--cpu-code NAME]`.
//!
//! Prints one JSON object a run: prompt tokens, prefill and decode rates, and the peak of resident memory.
#![allow(clippy::print_stdout)]

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use skiff::{
    model::{CompletionRequest, CpuCode, LanguageModel, LlamaConfig, LlamaCpp, Message, Registry, Role},
    progress::NoProgress,
};

const PROMPT: &str = "Write a Python module with a class `IntervalSet` that keeps half-open integer intervals, with \
    methods to add, remove, union, intersect and iterate. Explain every method in detail before its code.";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().context("the model is missing")?;
    let mut config = LlamaConfig::default();
    let (mut tokens, mut runs, mut prompt, mut show) = (128, 1, PROMPT.to_owned(), false);
    while let Some(flag) = arguments.next() {
        if flag == "--show" {
            show = true;
            continue;
        }
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--threads" => config.threads = Some(value.parse()?),
            "--tokens" => tokens = value.parse()?,
            "--runs" => runs = value.parse()?,
            "--context" => config.context_tokens = Some(value.parse()?),
            "--cpu-code" => choose(&value)?,
            "--prompt" => prompt = fs::read_to_string(value)?,
            _ => bail!("unknown flag {flag}"),
        }
    }
    let file = Registry::open(Path::new("")).resolve(&model, &NoProgress)?;
    let started = std::time::Instant::now();
    let model = LlamaCpp::load(&file, &config, &NoProgress)?;
    let load_ms = started.elapsed().as_millis();
    let messages = [Message::new(Role::User, prompt)];
    for _ in 0..runs {
        let request = CompletionRequest::new(&messages, tokens);
        // A new session each time: nothing is in the cache.
        let completion = model.session()?.complete(&request, &NoProgress)?;
        let usage = completion.usage;
        println!(
            "{}",
            serde_json::json!({
                "load_ms": load_ms as u64,
                "cpu_code": CpuCode::in_use().as_str(),
                "threads": model.threads(),
                "prompt_tokens": usage.prompt_tokens,
                "prefill_tokens_per_s": rate(usage.prompt_tokens, usage.prefill_ms),
                "completion_tokens": usage.completion_tokens,
                // The first token comes from the logits of the prompt: nothing is decoded for it.
                "decode_tokens_per_s": rate(usage.completion_tokens.saturating_sub(1), usage.decode_ms),
                "peak_rss_mib": peak_rss_kib().map(|kib| kib / 1024),
                "file_mib": file.bytes >> 20,
                "kv_mib": model.plan().kv_bytes >> 20,
            })
        );
        if show {
            println!("{}", completion.text);
        }
    }
    Ok(())
}

/// Makes the models run on the code of this name.
fn choose(name: &str) -> Result<()> {
    match CpuCode::built().into_iter().find(|code| code.as_str() == name) {
        Some(code) if code.choose() == code => Ok(()),
        Some(_) => bail!("this processor cannot run {name}"),
        None => bail!("this build has no CPU code {name}"),
    }
}

fn rate(tokens: u64, ms: u64) -> f64 {
    (tokens as f64 * 10_000.0 / ms.max(1) as f64).round() / 10.0
}

/// Returns the peak of resident memory, where the kernel tells it.
fn peak_rss_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
