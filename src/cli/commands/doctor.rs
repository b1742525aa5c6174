use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, thread};

use crate::cli::args::DoctorArgs;
use crate::cli::context::Context;
use crate::cli::directories::Directories;
use crate::cli::exit::ExitStatus;
use crate::cli::json::{CallView, ConfinementView, CpuCodeView, DirectoriesView, DoctorView, GpuView};
use crate::cli::output;
use crate::model;
use crate::repo::Surroundings;
use crate::review::escape_line;
use crate::sandbox::{self, CallProbe, Confinement, Level, Outcome, Probe, Targets};

/// Reports what this machine and this build can do, and tries the confinement.
pub(super) fn run(args: &DoctorArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let probe = sandbox::probe(&context.confinement, &targets(&context.directories));
    let report = report(context, &probe);
    if args.json {
        output::write_json(&report)?;
    } else {
        output::write_styled(&page(&report, &context.confinement))?;
    }
    Ok(match context.confinement.level() {
        Level::Seccomp | Level::Landlock(_) if !probe.holds() => ExitStatus::Refused,
        Level::Seccomp | Level::Landlock(_) | Level::None => ExitStatus::Done,
    })
}

/// Returns what is tried to be read and written: places outside that a user has, and, to tell a wall from a locked room,
/// some that are open.
fn targets(directories: &Directories) -> Targets {
    let home = &directories.home;
    let repository = env::current_dir().ok().and_then(|dir| Surroundings::find(&dir));
    let work_dir = repository
        .as_ref()
        .and_then(|found| found.work_dir().map(Path::to_owned));
    let parent = format!("/proc/{}/environ", std::os::unix::process::parent_id());
    let mut reads = vec![
        PathBuf::from("/"),
        PathBuf::from("/tmp"),
        PathBuf::from("/var"),
        parent.into(),
        home.clone(),
    ];
    reads.extend([".bashrc", ".profile", ".bash_history", ".ssh"].map(|name| home.join(name)));
    reads.extend(work_dir.iter().filter_map(|dir| dir.parent()).map(Path::to_owned));
    reads.extend(work_dir.clone());
    let mut writes = vec![
        PathBuf::from("/tmp"),
        PathBuf::from("/var/tmp"),
        PathBuf::from("/etc/passwd"),
    ];
    writes.extend([home.clone(), home.join(".bashrc"), directories.state.join("worktrees")]);
    writes.extend([directories.models.clone(), directories.cache.clone()]);
    writes.extend(work_dir.iter().flat_map(|dir| [dir.clone(), dir.join(".git/HEAD")]));
    let known = |paths: Vec<PathBuf>| {
        let mut paths: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        paths.sort();
        paths.dedup();
        paths
    };
    Targets {
        reads: known(reads),
        writes: known(writes),
    }
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
        confinement: ConfinementView {
            kind: context.confinement.level().as_str(),
            level: context.confinement.level().to_string(),
            landlock_abi: context.confinement.level().landlock_abi(),
            role: context.confinement.role().as_str(),
            entry_ms: context.confined_in.as_secs_f64() * 1000.0,
            holds: probe.holds(),
            seccomp_mode: probe.seccomp_mode,
            no_new_privs: probe.no_new_privs,
            threads: probe.threads.total,
            threads_filtered: probe.threads.filtered,
            calls: probe.calls.iter().map(call).collect(),
        },
        directories: directories(&context.directories),
    }
}

fn call(probe: &CallProbe) -> CallView {
    let (outcome, errno) = match probe.outcome {
        Outcome::Allowed => ("allowed", None),
        Outcome::Denied => ("denied", None),
        Outcome::Failed(number) => ("failed", Some(number)),
    };
    CallView {
        call: probe.call,
        argument: probe.argument.clone(),
        permitted: probe.permitted,
        outcome,
        errno,
    }
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
fn gpu_backends() -> Vec<&'static str> {
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
    let calls = &report.confinement.calls;
    if !calls.is_empty() {
        let forbidden: Vec<&CallView> = calls.iter().filter(|call| !call.permitted).collect();
        let denied = forbidden.iter().filter(|call| call.outcome == "denied").count();
        row(
            "tested",
            &format!("{denied} of {} forbidden calls denied", forbidden.len()),
        );
        for leak in forbidden.iter().filter(|call| call.outcome != "denied") {
            row(
                "NOT DENIED",
                &format!("{} {}: {}", leak.call, leak.argument, leak.outcome),
            );
        }
        row(
            "threads",
            &format!(
                "{} of {} filtered",
                report.confinement.threads_filtered, report.confinement.threads
            ),
        );
    }
    let directories = &report.directories;
    row("config", &directories.config);
    row("state", &directories.state);
    row("cache", &directories.cache);
    row("models", &directories.models);
    out
}
