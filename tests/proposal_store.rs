//! Proposals are kept, numbered and never lost.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use skiff::agent::{ModelStamp, Proposal};
use skiff::ledger::{LedgerError, ProposalId, ProposalState, ProposalStore};
use skiff::model::{EngineStamp, Sampling, Usage};
use skiff::patch::{FilePatch, FileSide, Patch};
use skiff::repo::FileMode;
use skiff::text::RepoPath;

const KEY: &str = "0123456789abcdef";

fn proposal(request: &str) -> Proposal {
    Proposal {
        request: request.to_owned(),
        model: ModelStamp {
            name: "scripted".to_owned(),
            sha256: "scripted".to_owned(),
        },
        engine: EngineStamp::Scripted,
        sampling: Sampling::default(),
        regions: Vec::new(),
        candidates: Vec::new(),
        usage: Usage::default(),
        energy_mj: None,
        checks: Vec::new(),
        steps: Vec::new(),
        patch: Patch {
            files: vec![FilePatch {
                path: RepoPath::new("a \u{fc}").unwrap(),
                old: None,
                new: Some(FileSide::new("\u{feff}a\r\nb".to_owned(), FileMode::Executable)),
            }],
        },
    }
}

fn id(number: &str) -> ProposalId {
    number.parse().unwrap()
}

#[test]
fn a_proposal_comes_back_as_it_was_kept() {
    let state = tempfile::tempdir().unwrap();
    let store = ProposalStore::open(state.path(), KEY).unwrap();
    assert!(store.list().unwrap().is_empty());
    let kept = proposal("do it");
    let first = store.add(&kept, 1_700_000_000).unwrap();
    assert_eq!(first, id("1"));
    let entry = ProposalStore::open(state.path(), KEY).unwrap().get(first).unwrap();
    assert_eq!(
        (entry.id, entry.created_unix_s, entry.state),
        (first, 1_700_000_000, ProposalState::Open)
    );
    assert_eq!(
        (entry.proposal.request.as_str(), &entry.proposal.patch),
        ("do it", &kept.patch)
    );
    let other = ProposalStore::open(state.path(), "fedcba9876543210").unwrap();
    assert!(matches!(other.get(first), Err(LedgerError::NoSuchProposal(missing)) if missing == first));
}

#[test]
fn numbers_are_not_used_again_after_a_discard() {
    let state = tempfile::tempdir().unwrap();
    let store = ProposalStore::open(state.path(), KEY).unwrap();
    let ids: Vec<_> = (0..11).map(|n| store.add(&proposal("x"), n).unwrap()).collect();
    store.set_state(ids[10], ProposalState::Discarded).unwrap();
    store.set_state(ids[0], ProposalState::Applied).unwrap();
    assert_eq!(store.add(&proposal("y"), 0).unwrap(), id("12"));
    let list = store.list().unwrap();
    let numbers: Vec<String> = list.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(
        numbers,
        (1..=12).map(|n: u32| n.to_string()).collect::<Vec<_>>(),
        "in order of numbers, not names"
    );
    assert_eq!(
        (list[0].state, list[10].state),
        (ProposalState::Applied, ProposalState::Discarded)
    );
    assert!(matches!(
        store.set_state(id("99"), ProposalState::Open),
        Err(LedgerError::NoSuchProposal(_))
    ));
}

#[test]
fn writers_side_by_side_get_numbers_of_their_own() {
    let state = tempfile::tempdir().unwrap();
    let ids: Vec<ProposalId> = std::thread::scope(|scope| {
        let add = || {
            let store = ProposalStore::open(state.path(), KEY).unwrap();
            (0..5)
                .map(|n| store.add(&proposal("x"), n).unwrap())
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(add)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(
        ProposalStore::open(state.path(), KEY).unwrap().list().unwrap().len(),
        20
    );
    let names = fs::read_dir(state.path().join("proposals").join(KEY)).unwrap();
    assert_eq!(names.count(), 20, "no temporary file is left");
}

#[test]
fn damage_is_named() {
    let state = tempfile::tempdir().unwrap();
    let store = ProposalStore::open(state.path(), KEY).unwrap();
    store.add(&proposal("x"), 0).unwrap();
    let second = store.add(&proposal("x"), 0).unwrap();
    let file = |n: u32| state.path().join("proposals").join(KEY).join(format!("{n}.json"));
    let damaged = |result: Result<(), LedgerError>, expected: PathBuf| match result {
        Err(LedgerError::Damaged { file, source }) => {
            assert_eq!(file, expected);
            source.to_string()
        }
        other => panic!("{other:?}"),
    };
    fs::copy(file(1), file(2)).unwrap();
    assert_eq!(damaged(store.get(second).map(drop), file(2)), "it holds proposal 1");
    let json = fs::read_to_string(file(1)).unwrap();
    fs::write(file(2), &json[..40]).unwrap();
    damaged(store.list().map(drop), file(2));
    damaged(store.set_state(second, ProposalState::Applied), file(2));
    let outside = json.replace("a \u{fc}", "../x").replace("\"id\":1", "\"id\":2");
    fs::write(file(2), outside).unwrap();
    assert!(damaged(store.get(second).map(drop), file(2)).contains("outside the repository"));
    fs::write(
        file(2),
        json.replace("a\\r\\nb", "a\\r\\nc").replace("\"id\":1", "\"id\":2"),
    )
    .unwrap();
    assert!(
        damaged(store.get(second).map(drop), file(2)).contains("blob id"),
        "the text was tampered with"
    );
    assert!(store.get(id("1")).is_ok(), "the others are not touched by it");
    fs::remove_file(file(2)).unwrap();
    fs::write(file(2).with_file_name("notes.txt"), "not ours").unwrap();
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn what_is_no_number_or_key_is_refused() {
    for text in ["", "0", "-1", "+1", "01", "1.json", "../1", "99999999999999999999999"] {
        assert!(
            matches!(text.parse::<ProposalId>(), Err(LedgerError::NotAnId(_))),
            "{text:?}"
        );
    }
    let state = tempfile::tempdir().unwrap();
    for key in ["", "..", "a/b"] {
        assert!(matches!(
            ProposalStore::open(state.path(), key),
            Err(LedgerError::BadKey(_))
        ));
    }
}

#[test]
fn a_proposal_of_a_release_that_kept_no_engine_is_read() {
    let state = tempfile::tempdir().unwrap();
    let store = ProposalStore::open(state.path(), KEY).unwrap();
    let id = store.add(&proposal("x"), 0).unwrap();
    assert_eq!(store.get(id).unwrap().proposal.engine, EngineStamp::Scripted);
    let file = state.path().join("proposals").join(KEY).join("1.json");
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(kept["proposal"].as_object_mut().unwrap().remove("engine").is_some());
    fs::write(&file, serde_json::to_vec(&kept).unwrap()).unwrap();
    assert_eq!(store.get(id).unwrap().proposal.engine, EngineStamp::Unknown);
}
