use std::fmt::Write;
use std::path::Path;
use std::{env, fs, thread};

use crate::cli::args::DoctorArgs;
use crate::cli::check_choice;
use crate::cli::context::Context;
use crate::cli::directories::Directories;
use crate::cli::exit::ExitStatus;
use crate::cli::json::{CpuCodeView, DirectoriesView, DoctorView, GpuView, ProfileView};
use crate::cli::output;
use crate::cli::self_test::{self, ConfinementView, Tried};
use crate::model;
use crate::review::escape_line;
use crate::sandbox::{self, Confinement, Level, Probe};

/// Reports what this machine and this build can do, and tries the confinement.
pub(super) fn run(args: &DoctorArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let mut probe = sandbox::probe(&context.confinement, &self_test::targets(&context.directories));
    probe.calls.extend(context.findings.foreign.clone());
    let holds = probe.holds() && context.findings.tried.iter().all(Tried::holds);
    let report = report(context, &probe);
    if args.json {
        output::write_json(&report)?;
    } else {
        output::write_styled(&page(&report, &context.confinement))?;
    }
    Ok(match context.confinement.level() {
        Level::Seccomp | Level::Landlock(_) if !holds => ExitStatus::Refused,
        Level::Seccomp | Level::Landlock(_) | Level::None => ExitStatus::Done,
    })
}

fn report(context: &Context, probe: &Probe) -> DoctorView {
    DoctorView {
        schema_version: DoctorView::SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        target: format!("{}-{}", env::consts::ARCH, env::consts::OS),
        gpu_backends: gpu_backends(),
        gpus: model::gpus().into_iter().map(GpuView::of).collect(),
        threads: thread::available_parallelism().map_or(1, usize::from),
        cpu_features: cpu_features(),
        cpu_code: CpuCodeView::of_this_process(),
        memory_bytes: memory_bytes(),
        confinement: ConfinementView::of(
            context.confinement.role(),
            context.confinement.level(),
            context.confined_in.as_secs_f64() * 1000.0,
            probe,
        ),
        roles: context.findings.tried.iter().map(ConfinementView::of_tried).collect(),
        check_profiles: check_profiles(context),
        directories: directories(&context.directories),
    }
}

/// Names the check profiles that fit the work tree; none where there is no repository that can be read.
fn check_profiles(context: &Context) -> Vec<ProfileView> {
    let detected = context
        .repository()
        .and_then(|repository| check_choice::detect(&repository));
    detected.unwrap_or_default().into_iter().map(ProfileView::of).collect()
}

fn directories(directories: &Directories) -> DirectoriesView {
    let text = |path: &Path| path.display().to_string();
    DirectoriesView {
        config: text(&directories.config),
        state: text(&directories.state),
        cache: text(&directories.cache),
        models: text(&directories.models),
    }
}

/// Names the GPU back ends that this build was made with.
pub(super) fn gpu_backends() -> Vec<&'static str> {
    let built = [
        ("cuda", cfg!(feature = "cuda")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("rocm", cfg!(feature = "rocm")),
        ("metal", cfg!(feature = "metal")),
    ];
    built
        .iter()
        .filter(|(_, built)| *built)
        .map(|(name, _)| *name)
        .collect()
}

/// Names the vector instructions that matter to quantized matrix products, as far as this processor has them.
fn cpu_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&'static str, bool); 0] = [];
    found.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect()
}

/// Reads the machine's memory from proc_meminfo(5); none where there is no such file.
fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn page(report: &DoctorView, confinement: &Confinement) -> String {
    let mut out = String::new();
    let list = |names: &[&str]| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(" ")
        }
    };
    let mut row = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<14}{}", escape_line(value));
    };
    row("skiff", &format!("{} ({})", report.version, report.target));
    row("gpu support", &list(&report.gpu_backends));
    for gpu in &report.gpus {
        row("gpu", &format!("{}, {} free", gpu.name, gibibytes(gpu.free_bytes)));
    }
    row(
        "processor",
        &format!("{} threads; {}", report.threads, list(&report.cpu_features)),
    );
    let code = &report.cpu_code;
    row("cpu code", &format!("{} of {}", code.in_use, code.built.join(", ")));
    if let Some(bytes) = report.memory_bytes {
        row("memory", &gibibytes(bytes));
    }
    row("confinement", &confinement.to_string());
    for tried in [&report.confinement].into_iter().chain(&report.roles) {
        if tried.calls.is_empty() && tried.error.is_none() {
            continue;
        }
        if let Some(error) = &tried.error {
            row("NOT TESTED", &format!("{}: {error}", tried.role));
            continue;
        }
        row(
            "tested",
            &format!(
                "{} of {} forbidden calls denied ({})",
                tried.refused, tried.forbidden, tried.role
            ),
        );
        for leak in tried.leaks() {
            row(
                "NOT DENIED",
                &format!("{} {}: {}", leak.call, leak.argument, leak.outcome),
            );
        }
    }
    if !report.confinement.calls.is_empty() {
        row(
            "threads",
            &format!(
                "{} of {} filtered",
                report.confinement.threads_filtered, report.confinement.threads
            ),
        );
    }
    for profile in &report.check_profiles {
        row(
            "check profile",
            &format!("@{}: {}", profile.name, profile.commands.join("; ")),
        );
    }
    let directories = &report.directories;
    row("config", &directories.config);
    row("state", &directories.state);
    row("cache", &directories.cache);
    row("models", &directories.models);
    out
}
