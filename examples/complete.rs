//! Completes one conversation through skiff's own engine: the plain prompt that `scripts/eval-edits.sh --baseline`
//! compares with. Reads a JSON array of `{role, content}` on stdin; prints `{text, usage}`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use skiff::model::{CompletionRequest, LanguageModel, LlamaConfig, LlamaCpp, Message, Registry};
use skiff::progress::NoProgress;

#[derive(Parser)]
struct Args {
    /// A registered model, or a GGUF file.
    #[arg(long)]
    model: String,
    /// The directory of the registry.
    #[arg(long)]
    models: Option<PathBuf>,
    #[arg(long, default_value_t = 1024)]
    max_tokens: usize,
    #[arg(long)]
    ctx: Option<u32>,
}

fn main() -> ExitCode {
    match complete(&Args::parse()) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("complete: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn complete(args: &Args) -> anyhow::Result<serde_json::Value> {
    let messages: Vec<Message> = serde_json::from_reader(io::stdin().lock())?;
    let registry = Registry::open(&args.models.clone().map_or_else(default_models, Ok)?);
    let file = registry.resolve(&args.model, &NoProgress)?;
    let config = LlamaConfig {
        context_tokens: args.ctx,
        ..LlamaConfig::default()
    };
    let model = LlamaCpp::load(&file, &config, &NoProgress)?;
    let completion = model
        .session()?
        .complete(&CompletionRequest::new(&messages, args.max_tokens), &NoProgress)?;
    Ok(serde_json::json!({
        "text": completion.text,
        "finish": completion.finish,
        "usage": completion.usage,
    }))
}

fn default_models() -> anyhow::Result<PathBuf> {
    use etcetera::BaseStrategy;
    Ok(etcetera::choose_base_strategy()?
        .data_dir()
        .join("skiff")
        .join("models"))
}
