//! Compiles ggml's CPU code again for newer x86-64 processors, so that one binary carries the fast kernels of each and
//! chooses among them when it starts (`src/model/llama/cpu.rs`).
//!
//! What is compiled, with which compiler and which flags, is read from the compilation database that the CMake build of
//! llama-cpp-sys-2 leaves behind: each copy is the very source that is linked as the base, with instruction sets added.
//! A copy is linked into one object, and every symbol that it defines gets the copy's prefix, templates and inline
//! functions too. So the linker cannot take code of a copy for the base, which must run everywhere.
//!
//! Where this cannot be done the base alone is built, as `skiff doctor` then says.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// A further copy of ggml's CPU code.
struct Copy {
    name: &'static str,
    /// The instruction sets beyond the base, as rustc names them; to the compiler of C they are `-m` and the name.
    features: &'static [&'static str],
}

const AVX512: Copy = Copy {
    name: "avx512",
    features: &["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"],
};
/// BF16 is left out: Ice Lake has none, and weights in that type are all that would gain.
const AVX512_VNNI: Copy = Copy {
    name: "avx512-vnni",
    features: &["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512vnni"],
};
const COPIES: [Copy; 2] = [AVX512, AVX512_VNNI];

/// The folder of the objects of ggml's CPU code in its CMake build.
const OBJECTS: &str = "CMakeFiles/ggml-cpu.dir/";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for tool in TOOLS {
        println!("cargo:rerun-if-env-changed={}", tool.to_uppercase());
    }
    println!("cargo:rustc-check-cfg=cfg(cpu_code, values(\"avx512\", \"avx512-vnni\"))");
    let wanted = wanted();
    if wanted.is_empty() {
        return;
    }
    match build(&wanted) {
        Ok(()) => {
            for copy in &wanted {
                println!("cargo:rustc-link-lib=static={}", copy.library());
                println!("cargo:rustc-cfg=cpu_code=\"{}\"", copy.name);
            }
        }
        Err(reason) => println!("cargo:warning=only the base CPU code is built: {reason}"),
    }
}

/// Returns the copies that have more than the base; none where the base is made for the machine that builds it.
fn wanted() -> Vec<&'static Copy> {
    let var = |name: &str| env::var(name).unwrap_or_default();
    let native = var("CARGO_ENCODED_RUSTFLAGS").contains("target-cpu=native");
    // The symbols are renamed in ELF objects; and only the x86-64 code of ggml has these copies.
    if native || var("CARGO_CFG_TARGET_ARCH") != "x86_64" || var("CARGO_CFG_TARGET_OS") != "linux" {
        return Vec::new();
    }
    let base = var("CARGO_CFG_TARGET_FEATURE");
    let in_base = |feature: &&str| base.split(',').any(|has| has == *feature);
    COPIES
        .iter()
        .filter(|copy| !copy.features.iter().all(in_base))
        .collect()
}

/// Makes the library of each copy in `$OUT_DIR`.
fn build(copies: &[&Copy]) -> Result<(), String> {
    for tool in TOOLS {
        run(binutil(tool).arg("--version")).map_err(|_| format!("there is no {tool}: install binutils"))?;
    }
    let cmake = env::var("DEP_LLAMA_GGML_CMAKE_DIR").map_err(|_| "llama-cpp-sys-2 does not say where it built ggml")?;
    let database = Path::new(&cmake).join("../../build/compile_commands.json");
    println!("cargo:rerun-if-changed={}", database.display());
    let commands = compile_commands(&database)?;
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?);
    println!("cargo:rustc-link-search=native={}", out.display());

    let jobs: Vec<(&Copy, &String)> = copies
        .iter()
        .flat_map(|copy| commands.iter().map(move |command| (*copy, command)))
        .collect();
    in_parallel(&jobs, |(copy, command)| compile(copy, command, &out.join(copy.name)))?;
    copies.iter().try_for_each(|copy| copy.link(&commands, &out))
}

/// Reads the commands that compiled ggml's CPU code.
fn compile_commands(database: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(database).map_err(|error| format!("{}: {error}", database.display()))?;
    let entries: Vec<serde_json::Value> =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", database.display()))?;
    let commands: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry["command"].as_str())
        .filter(|command| object(command).is_some_and(|object| object.contains(OBJECTS)))
        .map(str::to_owned)
        .collect();
    if commands.is_empty() {
        return Err(format!("{} does not name ggml's CPU code", database.display()));
    }
    Ok(commands)
}

/// Returns the object that a command writes, relative to the folder that it runs in; all else in it is absolute.
fn object(command: &str) -> Option<&str> {
    let (_, rest) = command.split_once(" -o ")?;
    let (object, _) = rest.split_once(" -c ")?;
    Path::new(object).is_relative().then_some(object)
}

/// Runs a command of the base in a folder of the copy, with the instruction sets of the copy added.
fn compile(copy: &Copy, command: &str, folder: &Path) -> Result<(), String> {
    let path = object(command).and_then(|object| folder.join(object).parent().map(Path::to_owned));
    let path = path.ok_or("a compiler command without an object")?;
    fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let features: String = copy.features.iter().map(|feature| format!(" -m{feature}")).collect();
    // CMake has quoted the command for this shell.
    run(Command::new("sh")
        .current_dir(folder)
        .args(["-c", &format!("exec {command}{features} -g0")]))?;
    Ok(())
}

impl Copy {
    fn library(&self) -> String {
        format!("ggml_cpu_{}", self.name.replace('-', "_"))
    }

    fn prefix(&self) -> String {
        format!("skiff_{}_", self.name.replace('-', "_"))
    }

    /// Links the objects into one, gives every symbol that it defines the prefix, and puts it into a library.
    ///
    /// # Panics
    /// Where the result is not what the base may be linked with: a released binary must not hide that.
    fn link(&self, commands: &[String], out: &Path) -> Result<(), String> {
        let folder = out.join(self.name);
        let objects = commands
            .iter()
            .filter_map(|command| Some(folder.join(object(command)?)));
        // Groups hold what several objects define. Of two groups with one signature the linker drops one, whatever they
        // define by now; and signatures need not be symbols. So they must not reach the last link.
        let linked = folder.join("linked.o");
        run(binutil("ld")
            .args(["-r", "--force-group-allocation", "-o"])
            .arg(&linked)
            .args(objects))?;

        let prefix = self.prefix();
        let names: String = defined(&linked)?
            .iter()
            .map(|symbol| format!("{symbol} {prefix}{symbol}\n"))
            .collect();
        let map = folder.join("symbols");
        fs::write(&map, names).map_err(|error| format!("{}: {error}", map.display()))?;
        let renamed = folder.join("renamed.o");
        run(binutil("objcopy")
            .arg(format!("--redefine-syms={}", map.display()))
            .args([&linked, &renamed]))?;

        let mut symbols = defined(&renamed)?;
        assert!(symbols.contains(&format!("{prefix}ggml_backend_cpu_reg")));
        symbols.retain(|symbol| !symbol.starts_with(&prefix));
        assert!(symbols.is_empty(), "{} defines {symbols:?}", self.name);
        let sections = run(binutil("readelf").args(["--wide", "--sections"]).arg(&renamed))?;
        assert!(sections.contains(".text"), "{} has no code", self.name);
        assert!(!sections.contains("GROUP"), "{} has groups of sections", self.name);
        // What runs before `main` would run on processors that lack the instructions.
        for early in [".init_array", ".preinit_array", ".ctors"] {
            assert!(
                !sections.contains(early),
                "{} has code that runs before main",
                self.name
            );
        }

        let library = out.join(format!("lib{}.a", self.library()));
        if library.exists() {
            fs::remove_file(&library).map_err(|error| format!("{}: {error}", library.display()))?;
        }
        run(binutil("ar").arg("crs").arg(&library).arg(&renamed))?;
        Ok(())
    }
}

/// Returns the symbols that an object defines for others.
fn defined(object: &Path) -> Result<BTreeSet<String>, String> {
    let listing = run(binutil("nm")
        .args(["--extern-only", "--defined-only", "--format=posix"])
        .arg(object))?;
    let symbol = |line: &str| line.split_once(' ').map(|(symbol, _)| symbol.to_owned());
    Ok(listing.lines().filter_map(symbol).collect())
}

const TOOLS: [&str; 5] = ["ar", "ld", "nm", "objcopy", "readelf"];

/// Returns one of the [`TOOLS`], or what the environment names in its place.
fn binutil(tool: &str) -> Command {
    Command::new(env::var_os(tool.to_uppercase()).unwrap_or_else(|| tool.into()))
}

/// Runs a command to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let line = errors
        .lines()
        .find(|line| line.contains("error"))
        .or(errors.lines().last());
    Err(format!("{name}: {}", line.unwrap_or("it failed")))
}

/// Does all jobs, as many at a time as cargo allows; returns the first error.
fn in_parallel<T: Sync>(jobs: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) -> Result<(), String> {
    let threads = env::var("NUM_JOBS")
        .ok()
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(1);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        work(job)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
