use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::*;
use crate::{
    model::tiny_gguf::tiny_gguf,
    progress::{NoProgress, Phase},
};

struct Place {
    dir: tempfile::TempDir,
    registry: Registry,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(&dir.path().join("data/models"));
        Self { dir, registry }
    }

    fn file(&self, name: &str, seed: u64) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, tiny_gguf(seed)).unwrap();
        path
    }

    fn add(&self, name: &str, seed: u64) -> ModelEntry {
        let source = self.file("source.gguf", seed);
        self.registry.add(&source, Some(name), &NoProgress).unwrap()
    }
}

#[test]
fn a_model_is_added_listed_resolved_verified_and_removed() {
    let place = Place::new();
    let source = place.file("tiny.gguf", 1);
    let entry = place.registry.add(&source, None, &NoProgress).unwrap();
    assert_eq!(
        (entry.name.as_str(), entry.source.as_str(), entry.architecture.as_str()),
        ("tiny", "tiny.gguf", "llama")
    );
    let digest: String = Sha256::digest(tiny_gguf(1))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        (entry.sha256.as_str(), entry.bytes),
        (digest.as_str(), tiny_gguf(1).len() as u64)
    );
    assert_eq!(place.registry.list().unwrap(), std::slice::from_ref(&entry));
    assert_eq!(place.registry.default_name().unwrap(), "tiny");
    let file = place.registry.resolve("tiny", &NoProgress).unwrap();
    assert_eq!((file.path, file.sha256), (entry.path.clone(), digest));
    assert_eq!(place.registry.verify("tiny", &NoProgress).unwrap(), entry);
    // The same file again is no error.
    assert_eq!(place.registry.add(&source, None, &NoProgress).unwrap(), entry);
    place.registry.remove("tiny").unwrap();
    assert!(!entry.path.exists() && place.registry.list().unwrap().is_empty());
    assert!(source.exists());
}

#[test]
fn a_file_that_lies_in_the_registry_is_registered_in_place() {
    let place = Place::new();
    fs::create_dir_all(place.dir.path().join("data/models")).unwrap();
    let source = place.file("data/models/there.gguf", 1);
    let entry = place.registry.add(&source, None, &NoProgress).unwrap();
    assert_eq!(entry.path, source);
    assert!(place.registry.resolve("there", &NoProgress).is_ok());
}

#[test]
fn a_file_that_changed_is_refused() {
    let place = Place::new();
    let entry = place.add("one", 1);
    fs::write(&entry.path, tiny_gguf(2)).unwrap();
    for result in [
        place.registry.resolve("one", &NoProgress).map(|_| ()),
        place.registry.verify("one", &NoProgress).map(|_| ()),
    ] {
        assert!(matches!(result, Err(RegistryError::HashMismatch { .. })), "{result:?}");
    }
}

#[test]
fn an_unchanged_model_is_hashed_once_and_a_touched_one_again() {
    #[derive(Default)]
    struct Hashes(Mutex<usize>);
    impl Progress for Hashes {
        fn begin(&self, phase: Phase, _: u64) {
            assert_eq!(phase, Phase::Hash);
            *self.0.lock().unwrap() += 1;
        }
        fn advance(&self, _: Phase, _: u64) {}
        fn end(&self, _: Phase) {}
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            false
        }
    }
    let place = Place::new();
    let entry = place.add("one", 1);
    let hashes = Hashes::default();
    let count = || *hashes.0.lock().unwrap();
    place.registry.resolve("one", &hashes).unwrap();
    assert_eq!(count(), 0);
    fs::write(&entry.path, tiny_gguf(1)).unwrap();
    place.registry.resolve("one", &hashes).unwrap();
    assert_eq!(count(), 1);
    place.registry.resolve("one", &hashes).unwrap();
    assert_eq!(count(), 1);
    place.registry.resolve(entry.path.to_str().unwrap(), &hashes).unwrap();
    assert_eq!(count(), 2);
}

#[test]
fn names_are_file_names_and_taken_once() {
    let place = Place::new();
    let source = place.file("source.gguf", 1);
    for name in ["", "../up", "a/b", ".hidden", "-flag", "a b", "ä", &"a".repeat(101)] {
        let result = place.registry.add(&source, Some(name), &NoProgress);
        assert!(matches!(result, Err(RegistryError::InvalidName(_))), "{name}");
    }
    place.add("one", 1);
    let other = place.file("other.gguf", 2);
    let result = place.registry.add(&other, Some("one"), &NoProgress);
    assert!(matches!(result, Err(RegistryError::NameTaken(_))));
    assert!(place.registry.verify("one", &NoProgress).is_ok());
}

#[test]
fn unknown_names_tell_the_known_ones() {
    let place = Place::new();
    assert!(
        place
            .registry
            .default_name()
            .unwrap_err()
            .to_string()
            .contains("none is registered")
    );
    place.add("one", 1);
    place.add("two", 2);
    let error = place.registry.resolve("three", &NoProgress).unwrap_err().to_string();
    assert!(error.contains("three") && error.contains("one, two"), "{error}");
    assert!(
        place
            .registry
            .default_name()
            .unwrap_err()
            .to_string()
            .contains("one, two")
    );
    assert!(matches!(
        place.registry.remove("three"),
        Err(RegistryError::NotFound { .. })
    ));
}

#[test]
fn what_is_not_a_model_is_not_taken_in() {
    let place = Place::new();
    let source = place.dir.path().join("text.gguf");
    fs::write(&source, "hello").unwrap();
    assert!(matches!(
        place.registry.add(&source, None, &NoProgress),
        Err(RegistryError::Gguf { .. })
    ));
    let missing = place.dir.path().join("missing.gguf");
    assert!(matches!(
        place.registry.add(&missing, None, &NoProgress),
        Err(RegistryError::Io { .. })
    ));
    assert!(place.registry.list().unwrap().is_empty());
}

#[test]
fn a_damaged_record_is_named() {
    let place = Place::new();
    place.add("one", 1);
    fs::write(place.registry.record_path("one"), "{").unwrap();
    let error = place.registry.resolve("one", &NoProgress).unwrap_err();
    assert!(error.to_string().contains("one.json"), "{error}");
}

#[test]
fn an_unlisted_or_changed_model_is_refused_before_it_is_parsed() {
    let place = Place::new();
    let entry = place.add("one", 1);
    let listed = place.registry.clone().allowing([entry.sha256.clone()]);
    assert!(listed.resolve("one", &NoProgress).is_ok() && listed.verify("one", &NoProgress).is_ok());
    // What is no GGUF file at all is refused for its hash: its header was not looked at.
    let garbage = place.dir.path().join("garbage.gguf");
    fs::write(&garbage, "not a model").unwrap();
    let path = garbage.to_str().unwrap();
    for refused in [
        listed.resolve(path, &NoProgress).map(|_| ()),
        listed.add(&garbage, Some("two"), &NoProgress).map(|_| ()),
    ] {
        assert!(matches!(refused, Err(RegistryError::NotAllowed { .. })), "{refused:?}");
    }
    assert!(matches!(
        place.registry.resolve(path, &NoProgress),
        Err(RegistryError::Gguf { .. })
    ));
    // A registered model that is not on the list.
    let none = place.registry.clone().allowing([]);
    for refused in [
        none.resolve("one", &NoProgress).map(|_| ()),
        none.verify("one", &NoProgress).map(|_| ()),
    ] {
        assert!(matches!(refused, Err(RegistryError::NotAllowed { .. })), "{refused:?}");
    }
    // A changed one, with and without a list.
    fs::write(&entry.path, "not a model any more").unwrap();
    for registry in [&listed, &place.registry] {
        for refused in [
            registry.resolve("one", &NoProgress).map(|_| ()),
            registry.verify("one", &NoProgress).map(|_| ()),
        ] {
            assert!(
                matches!(refused, Err(RegistryError::HashMismatch { .. })),
                "{refused:?}"
            );
        }
    }
}
