use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::agent::{Action, ModelStamp, Proposal, RegionReport};
use crate::model::{
    Completion, CompletionRequest, EnergyMeter, EngineStamp, Finish, LanguageModel, Message, ModelError, Role,
    Sampling, ScriptedModel, Session, Usage, Witness as _,
};
use crate::patch::{FilePatch, FileSide, Patch};
use crate::repo::FileMode;
use crate::sandbox::{CheckEnd, CheckOutcome};
use crate::text::RepoPath;

const NOW_UNIX_S: u64 = 1_704_164_645;

struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(&self.dir.path().join("ledger"), &self.dir.path().join("keys/ledger"))
    }

    fn begin(&self, verb: Verb) -> Recorder {
        Recorder::begin(self.ledger(), setting(Texts::Digests), verb).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ledger/ledger-000000000001.jsonl")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.file()).unwrap()
    }

    fn verify(&self) -> Result<Verified, LedgerError> {
        let keys = self.ledger().known_key().unwrap().into_iter().collect();
        self.ledger().verify(&Expectation { keys, head: None }, &mut |_, _| {})
    }

    /// Writes a run that does something of every kind.
    fn whole_run(&self, texts: Texts) {
        let recorder = Recorder::begin(self.ledger(), setting(texts), Verb::Edit).unwrap();
        recorder.note_work_tree("0123456789abcdef", "/work tree/\u{202e}x");
        recorder.note_model(&ScriptedModel::from_jsonl("tiny", "").unwrap(), &[("rewrite", "text")]);
        let path = RepoPath::new("src/a.py").unwrap();
        recorder.note_tree([(&path, "b".repeat(40))].into_iter());
        let messages = [Message::new(Role::User, "say \"no\"\n")];
        let request = CompletionRequest::new(&messages, 8);
        let ticket = recorder.asked(&request).unwrap();
        let completion = Completion {
            text: "no".to_owned(),
            finish: Finish::EndOfTurn,
            usage: Usage {
                completion_tokens: 1,
                decode_ms: 12,
                ..Usage::default()
            },
            mean_log_probability: None,
        };
        recorder.answered(ticket, Ok(&completion));
        let proposal = proposal();
        recorder.note_files([(path, "b".repeat(40))].into_iter());
        recorder.note_candidates(&proposal);
        recorder
            .record_checks(&proposal.patch, &["make test".to_owned()])
            .unwrap();
        recorder.note_checks(&proposal.checks);
        recorder.record_made(&proposal).unwrap();
        let id: ProposalId = "7".parse().unwrap();
        recorder.record_kept(id, &proposal.patch).unwrap();
        recorder
            .record_apply(Some(id), &proposal.patch, &proposal.patch, Hunks::All)
            .unwrap();
        recorder.note_written();
        recorder.end(0).unwrap();
    }
}

fn setting(texts: Texts) -> Setting {
    Setting {
        clock: || NOW_UNIX_S,
        texts,
        marking: Some("FOR TESTS".parse().unwrap()),
        role: "brain",
        confinement: "none",
        landlock_abi: None,
        policy_sha256: None,
    }
}

fn proposal() -> Proposal {
    let side = |text: &str| Some(FileSide::new(text.to_owned(), FileMode::Regular));
    let path = RepoPath::new("src/a.py").unwrap();
    Proposal {
        request: "say no".to_owned(),
        model: ModelStamp {
            name: "tiny".to_owned(),
            sha256: "scripted".to_owned(),
        },
        engine: EngineStamp::Scripted,
        sampling: Sampling::default(),
        regions: vec![RegionReport {
            path: path.clone(),
            symbol: None,
            action: Action::Rewrite,
            attempts: 2,
            gate_hits: vec!["a syntax error".to_owned()],
            failure: None,
        }],
        candidates: Vec::new(),
        usage: Usage::default(),
        energy_mj: None,
        steps: Vec::new(),
        checks: vec![CheckOutcome {
            command: "make test".to_owned(),
            end: CheckEnd::Exited(0),
            output: "ok\n".to_owned(),
            elapsed_ms: 7,
        }],
        patch: Patch {
            files: vec![FilePatch {
                path,
                old: side("yes\n"),
                new: side("no\n"),
            }],
        },
    }
}

fn keys(ledger: &Ledger) -> Expectation {
    Expectation {
        keys: vec![ledger.public_key().unwrap()],
        head: None,
    }
}

/// Checks bytes as a file of their own; returns the first wrong line.
fn first_wrong(dir: &Path, bytes: &[u8], expected: &Expectation) -> Option<u64> {
    let file = dir.join("copy.jsonl");
    fs::write(&file, bytes).unwrap();
    match verify_file(&file, expected, &mut |_, _| {}) {
        Ok(_) => None,
        Err(LedgerError::Broken { line, .. }) => Some(line),
        Err(other) => panic!("{other}"),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let desk = Desk::new();
    desk.whole_run(Texts::Full);
    let (mut kinds, mut runs) = (Vec::new(), RunList::default());
    let verified = desk.ledger().verify(&keys(&desk.ledger()), &mut |record, _| {
        assert_eq!((record.run, record.time_unix_s), (1, NOW_UNIX_S));
        kinds.push(serde_json::to_value(&record.event).unwrap()["kind"].clone());
        runs.see(record);
    });
    let verified = verified.unwrap();
    assert_eq!(
        (verified.records(), verified.checkpoints, verified.unsigned()),
        (16, 1, 0)
    );
    assert_eq!(
        kinds,
        [
            "run_started",
            "work_tree_opened",
            "model_chosen",
            "tree_read",
            "prompted",
            "answered",
            "files_read",
            "candidate_judged",
            "checks_started",
            "check_ended",
            "proposal_made",
            "proposal_kept",
            "decided",
            "tree_written",
            "run_ended",
            "checkpoint"
        ]
    );
    assert_eq!(desk.ledger().head().unwrap(), verified.head);
    let runs = runs.last(5);
    assert_eq!((runs.len(), &runs[0].proposals), (1, &vec![7]));
    assert!(runs[0].decisions[0].written);
    assert_eq!(runs[0].end.unwrap().cost.completion_tokens, 1);
    assert_eq!(runs[0].marking.as_deref(), Some("FOR TESTS"));
    // The text is there, and only because it was asked for.
    let said = |desk: &Desk| String::from_utf8(desk.bytes()).unwrap().contains("say \\\"no\\\"\\n");
    assert!(said(&desk));
    let digests = Desk::new();
    digests.whole_run(Texts::Digests);
    assert!(!said(&digests));
}

/// Flips bits of a sound ledger and asserts that each is found where it is.
fn flip(desk: &Desk, bits: impl Fn(usize) -> std::ops::Range<usize>) {
    let (sound, expected) = (desk.bytes(), keys(&desk.ledger()));
    assert_eq!(first_wrong(desk.dir.path(), &sound, &expected), None);
    let (mut line, mut flipped) = (1, 0);
    for (at, byte) in sound.iter().enumerate() {
        for bit in bits(at) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            let wrong = first_wrong(desk.dir.path(), &bytes, &expected);
            // The line itself, or the next one, which knows its digest.
            assert!(
                wrong == Some(line) || wrong == Some(line + 1),
                "byte {at}, bit {bit}: {wrong:?}"
            );
            flipped += 1;
        }
        line += u64::from(*byte == b'\n');
    }
    println!("ledger: {flipped} bits flipped one by one, all found at their line or the next");
}

#[test]
fn every_flipped_bit_shows() {
    let desk = Desk::new();
    let recorder = desk.begin(Verb::Discard);
    recorder
        .record_discard("7".parse().unwrap(), &Patch::default())
        .unwrap();
    recorder.end(0).unwrap();
    flip(&desk, |_| 0..8);
}

#[test]
fn a_flipped_bit_of_any_byte_of_any_kind_shows() {
    let desk = Desk::new();
    desk.whole_run(Texts::Full);
    flip(&desk, |at| at % 8..at % 8 + 1);
}

#[test]
fn every_line_that_is_gone_or_elsewhere_shows() {
    let desk = Desk::new();
    desk.whole_run(Texts::Digests);
    desk.whole_run(Texts::Digests);
    let (sound, expected) = (desk.bytes(), keys(&desk.ledger()));
    let whole = lines(&sound);
    let last = whole.len() - 1;
    let tried = std::cell::Cell::new(0);
    let wrong = |lines: &[&[u8]]| {
        tried.set(tried.get() + 1);
        first_wrong(desk.dir.path(), &lines.concat(), &expected)
    };
    for at in 0..whole.len() {
        let mut gone = whole.clone();
        gone.remove(at);
        // Without its last line a file of its own is the sound record of less; see below.
        assert_eq!(wrong(&gone), (at < last).then_some(at as u64 + 1), "deleted {at}");
        let mut twice = whole.clone();
        twice.insert(at, whole[at]);
        assert_eq!(wrong(&twice), Some(at as u64 + 2), "doubled {at}");
        for other in at + 1..whole.len() {
            let mut swapped = whole.clone();
            swapped.swap(at, other);
            assert_eq!(wrong(&swapped), Some(at as u64 + 1), "swapped {at} and {other}");
        }
    }
    // The one that is not wrong by itself is the last line gone.
    println!(
        "ledger: {} deletions, doublings and swaps of lines, all but 1 found in a file alone",
        tried.get()
    );
}

#[test]
fn every_truncation_shows_against_a_head() {
    let desk = Desk::new();
    desk.whole_run(Texts::Digests);
    desk.whole_run(Texts::Digests);
    let sound = desk.bytes();
    let head = desk.ledger().head().unwrap();
    let expected = Expectation {
        head,
        ..keys(&desk.ledger())
    };
    assert_eq!(first_wrong(desk.dir.path(), &sound, &expected), None);
    let ends = sound
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1);
    let mut lengths: Vec<usize> = ends.flat_map(|end| [end.saturating_sub(200), end - 1, end]).collect();
    lengths.insert(0, 0);
    lengths.retain(|length| *length < sound.len());
    println!(
        "ledger: {} truncations, all found against a head and in place",
        lengths.len()
    );
    for length in lengths {
        let cut = &sound[..length];
        // In a file of its own a head from elsewhere tells; in place, the file that names the last checkpoint does.
        assert!(first_wrong(desk.dir.path(), cut, &expected).is_some(), "{length}");
        fs::write(desk.file(), cut).unwrap();
        assert!(matches!(desk.verify(), Err(LedgerError::Broken { .. })), "{length}");
        assert!(
            matches!(desk.ledger().head(), Err(LedgerError::Broken { .. })),
            "{length}"
        );
        let begun = Recorder::begin(desk.ledger(), setting(Texts::Digests), Verb::Undo);
        assert!(matches!(begun, Err(LedgerError::Broken { .. })), "{length}");
        assert_eq!(fs::read(desk.file()).unwrap(), cut, "a broken ledger was written to");
    }
    fs::remove_file(desk.file()).unwrap();
    assert!(matches!(desk.verify(), Err(LedgerError::Broken { .. })));
    fs::write(desk.file(), &sound).unwrap();
    assert!(desk.verify().is_ok());
    fs::remove_file(desk.dir.path().join("ledger/head.json")).unwrap();
    let Err(LedgerError::Broken { fault, .. }) = desk.verify() else {
        panic!("the missing file is not seen");
    };
    assert!(matches!(*fault, Fault::NoHeadFile));
}

#[test]
fn who_rewrites_the_chain_cannot_sign_it() {
    let desk = Desk::new();
    desk.whole_run(Texts::Digests);
    let other = Desk::new();
    other.whole_run(Texts::Digests);
    let forged = first_wrong(desk.dir.path(), &other.bytes(), &keys(&desk.ledger()));
    assert_eq!(forged, Some(16));
    let mut expected = keys(&desk.ledger());
    expected.keys.extend(keys(&other.ledger()).keys);
    assert_eq!(first_wrong(desk.dir.path(), &other.bytes(), &expected), None);
    // Somebody else's key may be named, and the signature does not fit it.
    let (mine, theirs) = (keys(&desk.ledger()).keys[0], keys(&other.ledger()).keys[0]);
    let text = String::from_utf8(desk.bytes()).unwrap();
    let text = text.replace(&mine.to_string(), &theirs.to_string());
    assert_eq!(first_wrong(desk.dir.path(), text.as_bytes(), &expected), Some(16));
}

#[test]
fn a_torn_line_is_put_aside_and_recorded() {
    let sound = {
        let desk = Desk::new();
        desk.whole_run(Texts::Digests);
        desk.bytes()
    };
    let last = lines(&sound)[4];
    for torn in [
        &last[..1],
        &last[..last.len() / 2],
        &last[..last.len() - 1],
        &[0; 3000],
        b"{\n\0\0\n",
    ] {
        let desk = Desk::new();
        desk.whole_run(Texts::Digests);
        let before = desk.bytes();
        // What holds a line feed is torn only where zeros follow it.
        let torn: &[u8] = if torn.starts_with(b"{\n") { b"\0{\n\0\0\n" } else { torn };
        fs::write(desk.file(), [&before[..], torn].concat()).unwrap();
        assert!(matches!(desk.verify(), Err(LedgerError::Broken { line: 17, .. })));
        let recorder = desk.begin(Verb::Apply);
        recorder.end(1).unwrap();
        let verified = desk.verify().unwrap();
        assert_eq!((verified.set_aside, verified.records()), (1, 20));
        assert!(desk.bytes().starts_with(&before));
        let mut kept = Vec::new();
        let ledger = desk.ledger();
        let mut visit = |record: &Record, _: Head| match &record.event {
            Event::LineSetAside(aside) => {
                assert_eq!((record.seq, record.run), (17, 18));
                kept = fs::read(ledger.dir().join(&aside.file)).unwrap();
                assert_eq!((aside.bytes, aside.digest), (kept.len() as u64, Digest::of(&kept)));
            }
            Event::RunStarted(_) => assert_eq!(record.run, record.seq),
            _ => {}
        };
        ledger.verify(&Expectation::default(), &mut visit).unwrap();
        assert_eq!(kept, torn);
    }
}

#[test]
fn segments_are_one_chain() {
    let desk = Desk::new();
    let ledger = desk.ledger().with_segments_of(3000);
    for _ in 0..150 {
        let recorder = Recorder::begin(ledger.clone(), setting(Texts::Digests), Verb::Discard).unwrap();
        recorder.end(0).unwrap();
    }
    let verified = desk.verify().unwrap();
    assert_eq!((verified.records(), verified.checkpoints), (450, 150));
    let dir = desk.dir.path().join("ledger");
    let mut names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    names.sort();
    assert!(names.len() > 20, "{}", names.len());
    // One file of all is the same ledger.
    let all: Vec<u8> = names.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(first_wrong(desk.dir.path(), &all, &keys(&ledger)), None);
    for at in [0, 1, names.len() / 2, names.len() - 1] {
        let kept = fs::read(&names[at]).unwrap();
        fs::remove_file(&names[at]).unwrap();
        assert!(matches!(desk.verify(), Err(LedgerError::Broken { .. })), "segment {at}");
        fs::write(&names[at], kept).unwrap();
    }
    // A segment that a crash left empty is gone on with.
    fs::write(dir.join("ledger-000000000451.jsonl"), "").unwrap();
    desk.begin(Verb::Undo).end(0).unwrap();
    assert_eq!(desk.verify().unwrap().records(), 453);
}

#[test]
fn a_long_run_is_signed_for_on_its_way() {
    let desk = Desk::new();
    let recorder = desk.begin(Verb::Edit);
    (0..600).for_each(|_| recorder.note_work_tree("0123456789abcdef", "/"));
    recorder
        .record_discard("7".parse().unwrap(), &Patch::default())
        .unwrap();
    let mut signed = Vec::new();
    let expected = keys(&desk.ledger());
    let mut visit = |record: &Record, _: Head| {
        if matches!(record.event, Event::Checkpoint(_)) {
            signed.push(record.seq);
        }
    };
    let verified = desk.ledger().verify(&expected, &mut visit).unwrap();
    // The run was cut short: what is behind the last checkpoint nobody has signed for.
    assert_eq!((verified.records(), verified.unsigned()), (604, 92));
    assert_eq!(signed, [256, 512]);
}

/// Of several candidates each has checks of its own; those behind one that failed are never run.
#[test]
fn what_came_of_a_check_stays_with_its_candidate() {
    let desk = Desk::new();
    let recorder = desk.begin(Verb::Edit);
    let commands = ["lint", "test"].map(str::to_owned);
    let patch = proposal().patch;
    let outcome = |command: usize, code: i32, elapsed_ms: u64| CheckOutcome {
        command: commands[command].clone(),
        end: CheckEnd::Exited(code),
        output: String::new(),
        elapsed_ms,
    };
    for outcomes in [
        &[outcome(0, 1, 10)][..],
        &[outcome(0, 0, 20), outcome(1, 2, 21)],
        // It could not be run.
        &[],
        &[outcome(0, 0, 30), outcome(1, 0, 31)],
    ] {
        recorder.record_checks(&patch, &commands).unwrap();
        recorder.note_checks(outcomes);
    }
    recorder.end(0).unwrap();
    let mut list = RunList::default();
    let keys = keys(&desk.ledger());
    desk.ledger().verify(&keys, &mut |record, _| list.see(record)).unwrap();
    let checks = &list.last(1)[0].checks;
    let [lint, test] = commands.each_ref().map(|line| Digest::of(line.as_bytes()));
    let seen: Vec<_> = checks
        .iter()
        .map(|check| {
            (
                check.candidate,
                check.command,
                check.end.map(|end| (end.passed, end.ms)),
            )
        })
        .collect();
    let expected = [
        (0, lint, Some((false, 10))),
        (0, test, None),
        (1, lint, Some((true, 20))),
        (1, test, Some((false, 21))),
        (2, lint, None),
        (2, test, None),
        (3, lint, Some((true, 30))),
        (3, test, Some((true, 31))),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn writers_take_turns() {
    let desk = Desk::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| desk.begin(Verb::Apply).end(0).unwrap()));
        }
    });
    let mut runs = RunList::default();
    let verified = desk
        .ledger()
        .verify(&keys(&desk.ledger()), &mut |record, _| runs.see(record));
    assert!(verified.unwrap().records() >= 300);
    let runs = runs.last(usize::MAX);
    assert_eq!(runs.len(), 100);
    assert!(runs.iter().all(|run| run.end.is_some()));
}

#[test]
fn the_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::new();
    let public = desk.ledger().public_key().unwrap();
    assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
    let file = desk.dir.path().join("keys/ledger");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(desk.ledger().public_key().unwrap(), public);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        desk.ledger().public_key(),
        Err(LedgerError::SigningKey { .. })
    ));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "no key\n").unwrap();
    assert!(matches!(
        desk.ledger().public_key(),
        Err(LedgerError::SigningKey { .. })
    ));
}

#[test]
fn a_ledger_that_is_not_there_has_no_head() {
    let desk = Desk::new();
    assert_eq!(desk.verify().unwrap(), Verified::default());
    assert_eq!(desk.ledger().head().unwrap(), None);
    let expected = Expectation {
        keys: Vec::new(),
        head: Some(Head {
            seq: 1,
            hash: Digest::of(b""),
        }),
    };
    let missing = desk.ledger().verify(&expected, &mut |_, _| {});
    assert!(matches!(missing, Err(LedgerError::Broken { file, .. }) if file == desk.ledger().dir()));
}

#[test]
fn only_records_are_taken() {
    let desk = Desk::new();
    desk.begin(Verb::Undo).end(0).unwrap();
    let text = String::from_utf8(desk.bytes()).unwrap();
    let line = text.lines().next().unwrap();
    assert!(Record::parse(line.as_bytes()).is_ok());
    for (from, to) in [
        ("\"kind\":\"run_started\"", "\"kind\":\"run_startled\""),
        ("\"verb\":\"undo\"", "\"verb\":\"redo\""),
        ("\"body\":{", "\"body\":{\"a\":1,"),
        ("{\"body\"", "{\"aside\":1,\"body\""),
        ("\"v\":1}", "\"v\":2}"),
        ("\"seq\":1,", ""),
        ("\"policy_sha256\":null,", ""),
        ("\"policy_sha256\":null,", "\"policy_sha256\": null,"),
        ("\"seq\":1,", "\"seq\":-1,"),
        ("\"prev\":\"0", "\"prev\":\"g"),
    ] {
        assert!(line.contains(from), "{line}");
        assert!(Record::parse(line.replace(from, to).as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn heads_and_markings_are_parsed() {
    let head = Head {
        seq: 12,
        hash: Digest::of(b"x"),
    };
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    let hash = head.hash.to_string();
    for wrong in [
        String::new(),
        "12".to_owned(),
        format!("012:{hash}"),
        format!("+1:{hash}"),
        format!("12:{}", &hash[1..]),
        format!("12:{}", hash.to_uppercase()),
    ] {
        assert!(wrong.parse::<Head>().is_err(), "{wrong}");
    }
    assert_eq!(" A b ".parse::<Marking>().unwrap().as_str(), "A b");
    for wrong in ["", "  ", "a\nb", "\u{1b}[31m", "a\u{2028}b"] {
        assert!(wrong.parse::<Marking>().is_err(), "{wrong:?}");
    }
    assert!("x".repeat(201).parse::<Marking>().is_err());
}

/// A script that says of itself that it is a model with a smaller one beside it.
struct Drafted {
    script: ScriptedModel,
    engine: EngineStamp,
}

impl LanguageModel for Drafted {
    fn name(&self) -> &str {
        self.script.name()
    }

    fn digest(&self) -> &str {
        self.script.digest()
    }

    fn engine(&self) -> EngineStamp {
        self.engine.clone()
    }

    fn context_tokens(&self) -> usize {
        self.script.context_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.script.count_tokens(text)
    }

    fn count_conversation(&self, messages: &[Message]) -> Result<usize, ModelError> {
        self.script.count_conversation(messages)
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError> {
        self.script.session()
    }
}

#[test]
fn the_draft_model_and_what_computed_are_named() {
    let desk = Desk::new();
    let draft = "ab".repeat(32);
    let stamp = serde_json::json!({
        "kind": "llama", "skiff": "0.1.0", "llama": "llama-cpp-2", "target": "x86_64-linux", "cpu_code": "avx2",
        "gpus": [{"name": "GPU0", "layers": 5}], "gpu_layers": 5, "threads": 2, "context_tokens": 8192,
        "kv_type": "f16", "speculation": "copy", "draft_model": draft, "sequences": 17, "pass_tokens": 512,
    });
    let model = Drafted {
        script: ScriptedModel::from_jsonl("large", "").unwrap(),
        engine: serde_json::from_value(stamp.clone()).unwrap(),
    };
    let recorder = desk.begin(Verb::Edit);
    recorder.note_model(&model, &[]);
    let proposal = Proposal {
        engine: model.engine(),
        ..proposal()
    };
    recorder.record_made(&proposal).unwrap();
    recorder.end(0).unwrap();
    let mut seen = 0;
    let visit = &mut |record: &Record, _| match &record.event {
        Event::ModelChosen(chosen) => {
            assert_eq!(chosen.draft_sha256.as_deref(), Some(draft.as_str()));
            seen += 1;
        }
        Event::ProposalMade(made) => {
            assert_eq!(made.engine, stamp);
            seen += 1;
        }
        _ => {}
    };
    desk.ledger().verify(&keys(&desk.ledger()), visit).unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn energy_is_recorded_where_the_machine_tells() {
    let desk = Desk::new();
    desk.begin(Verb::Edit).end(0).unwrap();
    // As an older release would have written it.
    assert!(!String::from_utf8(desk.bytes()).unwrap().contains("energy"));
    let zone = desk.dir.path().join("powercap/intel-rapl:0");
    fs::create_dir_all(&zone).unwrap();
    for (name, text) in [
        ("name", "package-0"),
        ("max_energy_range_uj", "9000"),
        ("energy_uj", "1000"),
    ] {
        fs::write(zone.join(name), text).unwrap();
    }
    let meter = EnergyMeter::start_in(zone.parent().unwrap());
    let recorder = desk.begin(Verb::Edit).measured_by(meter);
    // The counter wraps twice, and is looked at in between.
    fs::write(zone.join("energy_uj"), "500").unwrap();
    recorder.note_checks(&[]);
    fs::write(zone.join("energy_uj"), "0").unwrap();
    assert_eq!(recorder.energy_mj(), Some(17));
    recorder.end(0).unwrap();
    let mut list = RunList::default();
    let keys = keys(&desk.ledger());
    desk.ledger().verify(&keys, &mut |record, _| list.see(record)).unwrap();
    let energy: Vec<_> = list.last(9).iter().map(|run| run.end.unwrap().energy_mj).collect();
    assert_eq!(energy, [None, Some(17)]);
    let stats = LedgerStats::of(&list.last(9), 0);
    assert_eq!((stats.total.runs, stats.total.energy_mj), (2, Some(17)));
    // It is left out where it is not known, and spelled in no other way.
    let line = String::from_utf8(desk.bytes()).unwrap();
    let ended = line.lines().find(|line| line.contains("\"run_ended\"")).unwrap();
    assert!(Record::parse(ended.as_bytes()).is_ok());
    let spelled = ended.replacen("\"exit_code\"", "\"energy_mj\":null,\"exit_code\"", 1);
    assert!(spelled != ended && Record::parse(spelled.as_bytes()).is_err());
}
