//! Every copy of ggml's CPU code that runs here computes what the base does, on a tiny random model.
//!
//! A process chooses its code once, so each copy has a process of its own: this test binary, started again.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and a child prints"
)]

use std::{ffi::CStr, num::NonZeroU32, process::Command};

use llama_cpp_2::{
    context::params::LlamaContextParams,
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    token::LlamaToken,
};
use skiff::model::CpuCode;

#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use tiny_gguf::Weights;

const CHILD: &str = "SKIFF_TEST_CPU_CODE";
/// A line of the child with its logits begins so; the test harness prints lines of its own.
const MARK: &str = "logits ";
/// Tokens in one batch, for the products of matrices; and decoded one by one after that.
const BATCH: i32 = 40;
const DECODED: i32 = 8;
/// Of the largest logit. The copies add the same numbers up in another order, and round activations to 8 bits after.
const TOLERANCE: f32 = 0.01;

#[test]
fn all_copies_give_the_same_logits() {
    if let Ok(name) = std::env::var(CHILD) {
        return child(&name);
    }
    let runs: Vec<CpuCode> = CpuCode::built().into_iter().filter(|code| code.runs_here()).collect();
    let of_base = logits(CpuCode::Base);
    assert_eq!(of_base.len(), 3);
    for code in runs {
        for (kind, (base, copy)) in of_base.iter().zip(&logits(code)).enumerate() {
            assert_eq!(base.len(), copy.len());
            let largest = base.iter().fold(0_f32, |largest, logit| largest.max(logit.abs()));
            let apart = base.iter().zip(copy).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0_f32, f32::max);
            println!("{code}, weights {kind}: {apart} of {largest} apart");
            assert!(largest > 0.1, "{code}, weights {kind}: {largest}");
            assert!(
                apart <= TOLERANCE * largest,
                "{code}, weights {kind}: {apart} of {largest}"
            );
        }
    }
}

/// Returns what a process with this code computes, for each kind of weights.
fn logits(code: CpuCode) -> Vec<Vec<f32>> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "all_copies_give_the_same_logits", "--nocapture"])
        .env(CHILD, code.as_str())
        .output()
        .unwrap();
    assert!(child.status.success(), "{code}: {child:?}");
    String::from_utf8(child.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix(MARK))
        .map(|logits| logits.split(' ').map(|logit| logit.parse().unwrap()).collect())
        .collect()
}

fn child(name: &str) {
    let code = CpuCode::built().into_iter().find(|code| code.as_str() == name).unwrap();
    assert_eq!(code.choose(), code);
    let mut backend = LlamaBackend::init().unwrap();
    backend.void_logs();
    says_what_it_is(code);
    let dir = tempfile::tempdir().unwrap();
    for weights in [Weights::F32, Weights::Q8_0, Weights::Q4K] {
        let path = dir.path().join("tiny.gguf");
        std::fs::write(&path, tiny_gguf::tiny_gguf_of(7, weights)).unwrap();
        let params = LlamaModelParams::default().with_n_gpu_layers(0).with_use_mmap(false);
        let model = LlamaModel::load_from_file(&backend, &path, &params).unwrap();
        let logits: Vec<String> = run(&backend, &model).iter().map(f32::to_string).collect();
        println!("\n{MARK}{}", logits.join(" "));
    }
}

/// llama.cpp's own report names the instructions that the code in its registry was compiled for.
fn says_what_it_is(code: CpuCode) {
    // SAFETY: it returns a pointer to a static string of llama.cpp, which the next call would change; there is none.
    let info = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
    let info = info.to_str().unwrap();
    let (avx512, vnni) = (info.contains("AVX512 = 1"), info.contains("AVX512_VNNI = 1"));
    match code {
        // The base may have been compiled for anything.
        CpuCode::Base => {}
        CpuCode::Avx512 => assert!(avx512, "{info}"),
        CpuCode::Avx512Vnni => assert!(avx512 && vnni, "{info}"),
    }
    if CpuCode::built().contains(&CpuCode::Avx512) && code != CpuCode::Avx512Vnni {
        assert!(!vnni, "{info}");
    }
}

/// Returns the logits after the batch and after every token behind it.
fn run(backend: &LlamaBackend, model: &LlamaModel) -> Vec<f32> {
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(256))
        .with_n_threads(1)
        .with_n_threads_batch(1);
    let mut context = model.new_context(backend, params).unwrap();
    let mut logits = Vec::new();
    let mut batch = LlamaBatch::new(BATCH as usize, 1);
    let token = |position: i32| LlamaToken(position * 37 % 256);
    for position in 0..BATCH {
        batch
            .add(token(position), position, &[0], position == BATCH - 1)
            .unwrap();
    }
    context.decode(&mut batch).unwrap();
    logits.extend(context.get_logits_ith(BATCH - 1));
    for position in BATCH..BATCH + DECODED {
        batch.clear();
        batch.add(token(position), position, &[0], true).unwrap();
        context.decode(&mut batch).unwrap();
        logits.extend(context.get_logits_ith(0));
    }
    logits
}
