//! The fuzz functions on inputs that are the same in every run: noise, and what is left of real files after damage.
//!
//! `SKIFF_FUZZ_INPUTS` says how many inputs each function gets, `SKIFF_FUZZ_FIRST` the number of the first. With a
//! nightly compiler, `cargo fuzz run source` looks further.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a long run is read by a person")]

#[path = "support/tiny_gguf.rs"]
#[allow(dead_code, reason = "only the model's bytes are taken")]
mod tiny_gguf;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use skiff::fuzz;
use skiff::lang::Language;
use skiff::ledger::{Ledger, Recorder, Setting, Texts, Verb};
use skiff::model::Header;
use skiff::model::ScriptedModel;
use skiff::patch::Patch;
use skiff::text::RepoPath;
use tiny_gguf::Random;

/// How long one input may take. Parsing and each query have a budget of 2 seconds; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of an input, where no sample has more.
const MAX_INPUT_BYTES: usize = 4 << 10;
/// What often ends a token, or is more than one byte.
const PIECES: [&str; 16] = [
    "\0", "\r\n", "\n", "\t", "\"", "'", "{", "}", "(", ")", "\\", "/*", "#", "é", "\u{feff}", "𐍈",
];
/// What is worth a line in the report of a run.
const SLOW: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(200);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A part of a text, anywhere in it.
    fn part<'a>(&mut self, bytes: &'a [u8], longest: usize) -> &'a [u8] {
        let start = self.below(bytes.len() + 1);
        let end = bytes.len().min(start + self.below(longest + 1));
        &bytes[start..end]
    }
}

/// Makes an input out of samples of its own kind and of others.
fn mangled(random: &mut Random, own: &[Vec<u8>], all: &[Vec<u8>]) -> Vec<u8> {
    let longest = own.iter().map(Vec::len).max().unwrap_or(0).max(MAX_INPUT_BYTES);
    let mut bytes = match random.below(8) {
        0 => {
            let len = random.below(600);
            (0..len).map(|_| random.byte()).collect()
        }
        // Printable noise gets further into a grammar than bytes do.
        1 => {
            let len = random.below(600);
            (0..len)
                .map(|_| *random.pick(b"  \n\n\t(){}[]<>;:,.\"'`#/*=-+%$@&|!?\\abfx09_"))
                .collect()
        }
        // One piece again and again: nesting, and lists without an end.
        2 => {
            let piece = {
                let from = random.pick(own).clone();
                random.part(&from, 12).to_vec()
            };
            let times = random.below(400);
            piece.repeat(times)
        }
        3 => random.pick(all).clone(),
        _ => random.pick(own).clone(),
    };
    for _ in 0..random.below(9) {
        let at = random.below(bytes.len() + 1);
        let end = bytes.len().min(at + random.below(80));
        match random.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(..at)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let from = random.pick(all).clone();
                let piece = random.part(&from, 200).to_vec();
                bytes.splice(at..end, piece);
            }
            5 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            _ => {
                let piece = *random.pick(&PIECES);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes.truncate(longest);
    bytes
}

/// Every fixture's text by language; a language has one at least.
fn samples() -> BTreeMap<Language, Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lang");
    let mut found: BTreeMap<Language, Vec<Vec<u8>>> = BTreeMap::new();
    for folder in fs::read_dir(&root).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let path = RepoPath::new(file.file_name().unwrap().to_str().unwrap()).unwrap();
            if let Some(language) = Language::detect(&path, &text) {
                found.entry(language).or_default().push(text.into_bytes());
            }
        }
    }
    found
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// What one thread is at.
#[derive(Default)]
struct Work {
    now: Mutex<Option<(Instant, u64, Vec<u8>)>>,
}

/// Gives a function `count` inputs. A panic in it fails the test; an input that takes too long ends the process, since C
/// code cannot be stopped.
fn run(name: &'static str, count: u64, input: impl Fn(u64) -> Vec<u8> + Sync, body: fn(&[u8])) {
    let first = number("SKIFF_FUZZ_FIRST", 0);
    let end = first + number("SKIFF_FUZZ_INPUTS", count);
    let next = AtomicU64::new(first);
    let slow = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let works: Arc<Vec<Work>> = Arc::new((0..threads).map(|_| Work::default()).collect());
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (works, done) = (Arc::clone(&works), Arc::clone(&done));
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(POLL);
                for work in works.iter() {
                    let now = work.now.lock().unwrap();
                    let Some((started, number, bytes)) = now.as_ref() else {
                        continue;
                    };
                    if started.elapsed() > PATIENCE {
                        let file = kept(name, bytes);
                        println!("{name}: input {number} takes more than {PATIENCE:?}; it is in {file}");
                        std::process::exit(101);
                    }
                }
            }
        })
    };
    thread::scope(|scope| {
        for work in works.iter() {
            let (next, slow, input) = (&next, &slow, &input);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return;
                    }
                    let bytes = input(number);
                    let started = Instant::now();
                    *work.now.lock().unwrap() = Some((started, number, bytes.clone()));
                    let ended = std::panic::catch_unwind(|| body(&bytes));
                    *work.now.lock().unwrap() = None;
                    let took = started.elapsed();
                    assert!(
                        ended.is_ok(),
                        "{name}: input {number} panics; it is in {}",
                        kept(name, &bytes)
                    );
                    if took > SLOW {
                        slow.lock().unwrap().push((number, took));
                    }
                }
            });
        }
    });
    done.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let mut slow = slow.into_inner().unwrap();
    slow.sort_unstable();
    println!(
        "{name}: {} inputs, of which {} took more than {SLOW:?}",
        end - first,
        slow.len()
    );
    for (number, took) in slow.iter().take(100) {
        println!("{name}: input {number} took {took:?}");
    }
}

fn kept(name: &str, bytes: &[u8]) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
    fs::write(&file, bytes).unwrap();
    file.display().to_string()
}

/// Inputs of [`fuzz::source`]: the languages take turns.
fn source_input(samples: &BTreeMap<Language, Vec<Vec<u8>>>, all: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let languages = Language::ALL;
    let at = number as usize % languages.len();
    let mut random = Random(seed ^ number.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let mut bytes = vec![at as u8];
    bytes.extend(mangled(&mut random, &samples[&languages[at]], all));
    bytes
}

fn sources(name: &'static str, per_language: u64, seed: u64, body: fn(&[u8])) {
    let samples = samples();
    assert_eq!(samples.len(), Language::ALL.len());
    let all: Vec<Vec<u8>> = samples.values().flatten().cloned().collect();
    let count = per_language * Language::ALL.len() as u64;
    // The queries are compiled before the clock starts.
    (0..Language::ALL.len()).for_each(|at| body(&[at as u8]));
    run(name, count, |number| source_input(&samples, &all, seed, number), body);
}

fn others(name: &'static str, count: u64, samples: Vec<Vec<u8>>, body: fn(&[u8])) {
    let input = |number: u64| mangled(&mut Random(number), &samples, &samples);
    run(name, count, input, body);
}

#[test]
fn any_bytes_are_a_source_file() {
    sources("source", 40, 1, fuzz::source);
}

#[test]
fn any_source_file_is_indexed() {
    sources("index", 20, 2, fuzz::index);
}

#[test]
fn a_damaged_store_is_read() {
    let samples = samples();
    let texts = samples.values().flatten().cloned().collect::<Vec<_>>();
    let input = |number: u64| {
        let mut random = Random(number);
        let damages = 1 + random.below(6);
        let mut bytes = vec![damages as u8];
        bytes.extend((0..3 * damages).map(|_| random.byte()));
        bytes.extend_from_slice(&samples[&Language::Python][0]);
        let other = random.pick(&texts);
        bytes.extend_from_slice(random.part(other, 2000));
        bytes
    };
    run("store", 500, input, fuzz::store);
}

#[test]
fn any_bytes_are_a_model_file() {
    let model = tiny_gguf::tiny_gguf(1);
    let size_bytes = model.len() as u64;
    let header_bytes = Header::read(model.as_slice(), size_bytes).unwrap().header_bytes as usize;
    others("gguf", 2000, vec![model[..header_bytes].to_vec()], fuzz::gguf);
}

#[test]
fn any_bytes_are_a_chat_template() {
    let samples = [
        tiny_gguf::CHAT_TEMPLATE,
        "{% if messages[0].role != 'system' %}{{ raise_exception('no') }}{% endif %}{% for m in messages[::-1] %}{{ m | tojson }}{% endfor %}",
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(bos_token) }}{% set ns = namespace(n=0) %}{% for i in range(10 ** 9) %}{% set ns.n = i %}{% endfor %}",
        "{{ (bos_token * 1000000) * 1000000 }}{{ messages | map(attribute='content') | join(eos_token) }}{{ 'a'.strip().split('a')[0].title() }}",
    ];
    others(
        "template",
        2000,
        samples.map(|sample| sample.as_bytes().to_vec()).to_vec(),
        fuzz::template,
    );
}

#[test]
fn any_bytes_are_a_list_of_exclusions() {
    let samples = [
        &b"*.log\n!keep.log\n/build/\n"[..],
        b"**/a/**/[a-z]*.{x,y}\n\\#x\n\\ \n[!]\n[z-a]\n{a,{b,c}}\n",
    ];
    others(
        "exclusions",
        2000,
        samples.map(<[u8]>::to_vec).to_vec(),
        fuzz::exclusions,
    );
}

#[test]
fn any_bytes_are_a_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let setting = Setting {
        clock: || 1_704_164_645,
        texts: Texts::Full,
        marking: "FOR TESTS".parse().ok(),
        role: "brain",
        confinement: "none",
        landlock_abi: None,
        policy_sha256: None,
    };
    let recorder = Recorder::begin(Ledger::new(dir.path(), &dir.path().join("key")), setting, Verb::Edit).unwrap();
    recorder.note_work_tree("0123456789abcdef", "/a \"b\"\n\u{1}é");
    recorder.note_model(&ScriptedModel::from_jsonl("tiny", "").unwrap(), &[("rewrite", "text")]);
    recorder
        .record_discard("7".parse().unwrap(), &Patch::default())
        .unwrap();
    recorder.end(0).unwrap();
    let sample = fs::read(dir.path().join("ledger-000000000001.jsonl")).unwrap();
    let lines = sample.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    let whole = std::iter::once(sample.clone());
    others("ledger", 5000, lines.chain(whole).collect(), fuzz::ledger);
}

/// The inputs that the fuzzer starts from, too.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let is_seed = |file: &Path| file.file_name().unwrap().to_str().unwrap().starts_with("seed-");
    let mut seeds: Vec<_> = files.filter(|file| is_seed(file)).collect();
    seeds.sort();
    assert!(seeds.len() > 2, "{target}: the seeds are gone");
    seeds.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn any_bytes_are_a_patch() {
    others("patch", 20_000, seeds("patch"), fuzz::patch);
}

#[test]
fn any_bytes_are_a_plan() {
    // The text is the plan and what it rewrites: its holes and patterns stand in it.
    let mut samples = seeds("plan");
    let code = "version = 1\ntitle = 't'\nmatch.code = 'f($A, $$$B)'\n[[rewrite]]\nto = 'g($$$B, $A)'\nwhere = { A = '.(?<X>.*)' }\n";
    let regex = "version = 1\ntitle = 'f(f(1, 2), é)'\nmatch.regex = '(?<N>\\w+)'\n[[rewrite]]\nto = '<$N $LINE>'\n";
    samples.extend([code, regex].map(|text| text.as_bytes().to_vec()));
    others("plan", 2000, samples, fuzz::plan);
}

#[test]
fn any_bytes_are_a_configuration() {
    others("config", 5000, seeds("config"), fuzz::config);
}

#[test]
fn any_bytes_are_shown() {
    let samples = [
        &b"\x1b[31mred\x1b[0m\r\n"[..],
        "\u{202e}x\u{9b}31m\u{200b}é\n\t".as_bytes(),
    ];
    others("terminal", 5000, samples.map(<[u8]>::to_vec).to_vec(), fuzz::terminal);
}

#[test]
fn any_bytes_are_a_path() {
    others("path", 20_000, seeds("path"), fuzz::path);
}

#[test]
fn any_bytes_are_a_journal() {
    let samples = seeds("journal");
    samples.iter().for_each(|sample| fuzz::journal(sample));
    others("journal", 1500, samples, fuzz::journal);
}
