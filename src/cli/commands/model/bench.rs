use std::fmt::Write;
use std::time::Instant;
use std::{fs, thread};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::args::ModelBenchArgs;
use crate::cli::context::Context;
use crate::cli::engine;
use crate::model::{
    Completion, CompletionRequest, Keep, LanguageModel, LlamaConfig, LlamaCpp, Message, ModelFile, Sampling,
};
use crate::prompt::{BenchPrompt, Template, fence_for};
use crate::review::escape_line;

/// Candidates that are written together.
const CANDIDATES: u32 = 8;
/// Functions of the file that is rewritten, and tokens that the new form may have more.
const COPY_FUNCTIONS: usize = 8;
const COPY_MARGIN_TOKENS: usize = 32;
/// Read to see what the memory gives; much more than any cache holds.
const MEMORY_BYTES: usize = 512 << 20;

/// What a model does on this machine: `model bench`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema_version: u32,
    model: String,
    sha256: String,
    plan: String,
    threads: u32,
    runs: u32,
    load_ms: f64,
    read: Rate,
    write: Rate,
    /// Rows of a pass and its milliseconds.
    verify: Vec<Pass>,
    copy: CopyEdit,
    candidates: Candidates,
    prefix: Prefix,
    memory: Memory,
    bandwidth: Bandwidth,
}

#[derive(Debug, Serialize)]
struct Rate {
    tokens: u64,
    tokens_per_s: f64,
}

#[derive(Debug, Serialize)]
struct Pass {
    rows: usize,
    ms: f64,
}

#[derive(Debug, Serialize)]
struct CopyEdit {
    tokens: u64,
    accepted_tokens: u64,
    plain_ms: f64,
    drafted_ms: f64,
    times_as_fast: f64,
    same_text: bool,
}

#[derive(Debug, Serialize)]
struct Candidates {
    count: u32,
    tokens_each: u64,
    together_ms: f64,
    one_ms: f64,
    times_one: f64,
}

#[derive(Debug, Serialize)]
struct Prefix {
    tokens: u64,
    cold_ms: f64,
    restored_ms: f64,
    restored_tokens: u64,
}

#[derive(Debug, Serialize)]
struct Memory {
    peak_resident_bytes: Option<u64>,
    file_bytes: u64,
    kv_bytes: u64,
}

/// How near decoding comes to reading every weight once a token at the rate of the memory. On a GPU that rate is not
/// measured.
#[derive(Debug, Serialize)]
struct Bandwidth {
    read_bytes_per_token: u64,
    achieved_bytes_per_s: f64,
    memory_bytes_per_s: Option<f64>,
    share: Option<f64>,
}

/// Measures the chosen model.
///
/// # Errors
/// When the model cannot be loaded or does not decode, or the run is interrupted.
pub(super) fn measure(args: &ModelBenchArgs, context: &Context) -> anyhow::Result<Report> {
    let file = engine::file(context)?;
    let scratch = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&context.directories.cache)
        .context("cannot create a directory for the states of prompts")?;
    let config = LlamaConfig {
        keep: Some(Keep {
            folder: scratch.path().to_owned(),
            prefix_bytes: u64::MAX,
        }),
        ..context.settings.llama(&context.directories.cache)
    };
    let started = Instant::now();
    let kept = LlamaCpp::load(&file, &config, &context.progress)?;
    let load_ms = ms(started);
    let prefix = Bench {
        args,
        context,
        model: &kept,
    }
    .prefix()?;
    let plan = kept.plan().to_string();
    drop(kept);
    // From here on nothing is kept, so that every run reads its prompt.
    let plain = LlamaCpp::load(&file, &LlamaConfig { keep: None, ..config }, &context.progress)?;
    let bench = Bench {
        args,
        context,
        model: &plain,
    };
    bench.report(&file, plan, load_ms, prefix)
}

#[derive(Clone, Copy)]
struct Bench<'a> {
    args: &'a ModelBenchArgs,
    context: &'a Context,
    model: &'a LlamaCpp,
}

impl Bench<'_> {
    fn report(&self, file: &ModelFile, plan: String, load_ms: f64, prefix: Prefix) -> anyhow::Result<Report> {
        let (read, write) = self.rates()?;
        let copy = self.copy()?;
        let candidates = self.candidates()?;
        let curve = self.model.verify_curve();
        let points = curve.map_or(&[][..], |curve| curve.points());
        // What is allocated to measure the memory's rate is not the model's.
        let peak_resident_bytes = peak_resident_bytes();
        let bandwidth = self.bandwidth(file, write.tokens_per_s);
        Ok(Report {
            schema_version: crate::cli::json::SCHEMA_VERSION,
            model: self.model.name().to_owned(),
            sha256: self.model.digest().to_owned(),
            plan,
            threads: self.model.threads(),
            runs: self.args.runs,
            load_ms,
            read,
            write,
            verify: points.iter().map(|&(rows, ms)| Pass { rows, ms: ms.into() }).collect(),
            copy,
            candidates,
            prefix,
            memory: Memory {
                peak_resident_bytes,
                file_bytes: file.bytes,
                kv_bytes: self.model.plan().kv_bytes,
            },
            bandwidth,
        })
    }

    /// Measures reading and writing, one token after another.
    fn rates(&self) -> anyhow::Result<(Rate, Rate)> {
        let messages = self.prompt(self.args.prompt_tokens as usize)?;
        let request = self.request(&messages, self.args.written_tokens);
        let runs = self.repeat(|| self.complete(&request).map(|completion| completion.usage))?;
        let prompt_tokens = runs[0].prompt_tokens;
        let written = runs[0].completion_tokens;
        let rate = |tokens: u64, ms: f64| Rate {
            tokens,
            tokens_per_s: tokens as f64 * 1000.0 / ms.max(0.001),
        };
        let read_ms = median(runs.iter().map(|usage| usage.prefill_ms as f64));
        let write_ms = median(runs.iter().map(|usage| usage.decode_ms as f64));
        // The first token comes from the logits of the prompt: nothing is decoded for it.
        Ok((rate(prompt_tokens, read_ms), rate(written.saturating_sub(1), write_ms)))
    }

    /// Measures a rewrite with one small change, with and without drafts.
    fn copy(&self) -> anyhow::Result<CopyEdit> {
        let request = "rename the parameter `width` of `measure_1` to `span`";
        let (mut code, mut messages) = (String::new(), bench_prompt("", request)?);
        for functions in 1..=COPY_FUNCTIONS {
            let longer = sample_code(functions);
            let prompt = bench_prompt(&longer, request)?;
            let needed =
                self.model.count_conversation(&prompt)? + self.model.count_tokens(&longer) + COPY_MARGIN_TOKENS;
            if needed <= self.model.context_tokens() {
                (code, messages) = (longer, prompt);
            }
        }
        let tokens = (self.model.count_tokens(&code) + COPY_MARGIN_TOKENS) as u32;
        let plain = CompletionRequest {
            assistant_prefix: "```python\n",
            stop: &["\n```"],
            ..self.request(&messages, tokens)
        };
        let drafted = CompletionRequest {
            copy: Some(&code),
            ..plain.clone()
        };
        let pairs = self.repeat(|| Ok((self.complete(&plain)?, self.complete(&drafted)?)))?;
        let plain_ms = median(pairs.iter().map(|(plain, _)| plain.usage.decode_ms as f64));
        let drafted_ms = median(pairs.iter().map(|(_, drafted)| drafted.usage.decode_ms as f64));
        let usage = pairs[0].1.usage;
        Ok(CopyEdit {
            tokens: usage.completion_tokens,
            accepted_tokens: usage.accepted_tokens,
            plain_ms,
            drafted_ms,
            times_as_fast: plain_ms / drafted_ms.max(0.001),
            same_text: pairs.iter().all(|(plain, drafted)| plain.text == drafted.text),
        })
    }

    /// Measures candidates of one edit together, beside one alone.
    fn candidates(&self) -> anyhow::Result<Candidates> {
        let messages = self.prompt(self.args.prompt_tokens as usize / 2)?;
        let requests: Vec<CompletionRequest<'_>> = (0..CANDIDATES)
            .map(|seed| CompletionRequest {
                sampling: Sampling {
                    temperature: 0.7,
                    seed,
                    ..Sampling::default()
                },
                ..self.request(&messages, self.args.written_tokens)
            })
            .collect();
        let times = self.repeat(|| {
            let started = Instant::now();
            self.complete(&requests[0])?;
            let one_ms = ms(started);
            let started = Instant::now();
            let outcomes = self.model.session()?.complete_all(&requests, &self.context.progress)?;
            outcomes.into_iter().collect::<Result<Vec<Completion>, _>>()?;
            Ok((one_ms, ms(started)))
        })?;
        let one_ms = median(times.iter().map(|(one, _)| *one));
        let together_ms = median(times.iter().map(|(_, together)| *together));
        Ok(Candidates {
            count: CANDIDATES,
            tokens_each: self.args.written_tokens.into(),
            together_ms,
            one_ms,
            times_one: together_ms / one_ms.max(0.001),
        })
    }

    /// Measures the time to the first token of a prompt that nobody has read, and of one that another session has read.
    fn prefix(&self) -> anyhow::Result<Prefix> {
        let messages = self.prompt(self.args.prompt_tokens as usize)?;
        let request = self.request(&messages, 1);
        let first_token = || -> anyhow::Result<(f64, u64, u64)> {
            let mut session = self.model.session()?;
            let started = Instant::now();
            let usage = session.complete(&request, &self.context.progress)?.usage;
            Ok((ms(started), usage.prompt_tokens, usage.cached_tokens))
        };
        let (cold_ms, tokens, _) = first_token()?;
        let restored = self.repeat(first_token)?;
        Ok(Prefix {
            tokens,
            cold_ms,
            restored_ms: median(restored.iter().map(|(ms, ..)| *ms)),
            restored_tokens: restored[0].2,
        })
    }

    fn bandwidth(&self, file: &ModelFile, tokens_per_s: f64) -> Bandwidth {
        let read_bytes_per_token = file.header.read_bytes;
        let achieved = read_bytes_per_token as f64 * tokens_per_s;
        let memory = (self.model.plan().gpu_layers == 0).then(|| memory_bytes_per_s(self.model.threads()));
        Bandwidth {
            read_bytes_per_token,
            achieved_bytes_per_s: achieved,
            memory_bytes_per_s: memory,
            share: memory.map(|memory| achieved / memory),
        }
    }

    fn request<'r>(&self, messages: &'r [Message], max_tokens: u32) -> CompletionRequest<'r> {
        CompletionRequest::new(messages, max_tokens as usize)
    }

    /// Returns a prompt of at most about `tokens` tokens that fits the context with what is written after it.
    fn prompt(&self, tokens: usize) -> anyhow::Result<Vec<Message>> {
        let written = self.args.written_tokens as usize + 1;
        let limit = tokens.min(self.model.context_tokens().saturating_sub(written));
        let mut functions = 0;
        let request = "explain what each function does";
        let mut best = bench_prompt("", request)?;
        loop {
            functions += 1;
            let longer = bench_prompt(&sample_code(functions), request)?;
            if self.model.count_conversation(&longer)? > limit {
                return Ok(best);
            }
            best = longer;
        }
    }

    /// Completes in a session of its own: nothing is in its cache.
    fn complete(&self, request: &CompletionRequest<'_>) -> anyhow::Result<Completion> {
        Ok(self.model.session()?.complete(request, &self.context.progress)?)
    }

    fn repeat<T>(&self, run: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
        (0..self.args.runs).map(|_| run()).collect()
    }
}

impl Report {
    /// Returns the report for a terminal.
    pub(super) fn page(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, text: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<12} {text}");
        };
        line("model", format!("{}  {}", escape_line(&self.model), self.sha256));
        line("plan", escape_line(&self.plan).to_string());
        line("threads", format!("{}, medians of {}", self.threads, self.runs));
        line("load", format!("{:.2} s", self.load_ms / 1000.0));
        line(
            "read",
            format!("{:.1} tokens/s ({} tokens)", self.read.tokens_per_s, self.read.tokens),
        );
        line(
            "write",
            format!("{:.1} tokens/s ({} tokens)", self.write.tokens_per_s, self.write.tokens),
        );
        let passes: Vec<String> = self
            .verify
            .iter()
            .map(|pass| format!("{}: {:.1}", pass.rows, pass.ms))
            .collect();
        line("verify", format!("{} (tokens of a pass: ms)", passes.join("  ")));
        let copy = &self.copy;
        line(
            "copy edit",
            format!(
                "{:.2} times plain: {:.0} ms for {:.0}, {} of {} tokens foreseen{}",
                copy.times_as_fast,
                copy.drafted_ms,
                copy.plain_ms,
                copy.accepted_tokens,
                copy.tokens,
                if copy.same_text { "" } else { "; the texts differ" }
            ),
        );
        let many = &self.candidates;
        line(
            "candidates",
            format!(
                "{} together take {:.2} times one: {:.0} ms for {:.0}, {} tokens each",
                many.count, many.times_one, many.together_ms, many.one_ms, many.tokens_each
            ),
        );
        line(
            "kept prompt",
            format!(
                "first token after {:.0} ms, cold {:.0}: {} of {} tokens from disk",
                self.prefix.restored_ms, self.prefix.cold_ms, self.prefix.restored_tokens, self.prefix.tokens
            ),
        );
        let mib = |bytes: u64| bytes >> 20;
        let peak = self
            .memory
            .peak_resident_bytes
            .map_or("not known".to_owned(), |bytes| format!("{} MiB", mib(bytes)));
        line(
            "memory",
            format!(
                "peak {peak}; file {} MiB, KV cache {} MiB",
                mib(self.memory.file_bytes),
                mib(self.memory.kv_bytes)
            ),
        );
        let band = &self.bandwidth;
        let share = band
            .share
            .zip(band.memory_bytes_per_s)
            .map_or(String::new(), |(share, limit)| {
                format!(
                    ", {:.0} % of the {:.1} GB/s that {} threads read from memory",
                    share * 100.0,
                    limit / 1e9,
                    self.threads
                )
            });
        line(
            "bandwidth",
            format!(
                "{:.1} GB/s: {} MiB of weights a token{share}",
                band.achieved_bytes_per_s / 1e9,
                mib(band.read_bytes_per_token)
            ),
        );
        out
    }
}

fn bench_prompt(code: &str, request: &str) -> anyhow::Result<Vec<Message>> {
    let prompt = BenchPrompt {
        path: "measures.py",
        language: "python",
        code,
        request,
        fence: &fence_for(&[code]),
    };
    Ok(prompt.messages()?)
}

/// Returns code of so many functions, the same each time.
fn sample_code(functions: usize) -> String {
    let mut code = String::new();
    for number in 0..functions {
        let _ = write!(
            code,
            "def measure_{number}(width, height, scale={number}):\n    \"\"\"Returns the scaled measure number {number}.\"\"\"\n    \
             if width < 0 or height < 0:\n        raise ValueError(\"negative size\")\n    \
             total = width * height + {number}\n    for step in range(scale):\n        total += step * width\n    \
             return total\n\n\n"
        );
    }
    code.trim_end().to_owned()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

/// Returns the peak of resident memory, where the kernel tells it.
fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Measures how many bytes so many threads read from memory in a second: the best of three passes.
fn memory_bytes_per_s(threads: u32) -> f64 {
    let words = vec![1_u64; MEMORY_BYTES / 8];
    let part = words.len().div_ceil(threads.max(1) as usize);
    let mut best = 0.0_f64;
    for _ in 0..3 {
        let started = Instant::now();
        let sum: u64 = thread::scope(|scope| {
            let readers: Vec<_> = words
                .chunks(part)
                .map(|part| scope.spawn(move || part.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word))))
                .collect();
            readers.into_iter().map(|reader| reader.join().unwrap_or(0)).sum()
        });
        // The sum is looked at, so that it is computed.
        let seconds = started.elapsed().as_secs_f64().max(1e-9);
        if sum > 0 {
            best = best.max(MEMORY_BYTES as f64 / seconds);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_value_is_the_median() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([].into_iter()), 0.0);
    }

    #[test]
    fn memory_is_read() {
        assert!(memory_bytes_per_s(2) > 1e8);
    }
}
