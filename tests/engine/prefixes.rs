use std::{
    fs,
    path::{Path, PathBuf},
};

use skiff::model::{Completion, Keep, LanguageModel, LlamaConfig, Message, Role};

use super::{complete, config, curve_file, request, tiny_with, user};

const MIB: u64 = 1 << 20;

/// Completes in what is a new process to the model.
fn in_new_process(folder: &Path, messages: &[Message], context_tokens: u32) -> Completion {
    let model = tiny_with(&LlamaConfig {
        context_tokens: Some(context_tokens),
        keep: Some(Keep {
            folder: folder.to_owned(),
            prefix_bytes: 64 * MIB,
        }),
        ..config()
    });
    complete(model.session().unwrap().as_mut(), &request(messages, 12))
}

/// Writes with a draft in what is a new process to the model.
fn rewritten(folder: &Path, copy: &str) -> String {
    let model = tiny_with(&LlamaConfig {
        keep: Some(Keep {
            folder: folder.to_owned(),
            prefix_bytes: 0,
        }),
        ..config()
    });
    let messages = user("x");
    let mut request = request(&messages, 12);
    request.copy = Some(copy);
    complete(model.session().unwrap().as_mut(), &request).text
}

fn states(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join("prefixes")).unwrap().flatten() {
        for file in fs::read_dir(entry.path()).unwrap().flatten() {
            found.push(file.path());
        }
    }
    found.sort();
    found
}

#[test]
fn what_one_process_read_another_does_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let long = user(&"def f():\n    pass\n".repeat(18));
    let cold = in_new_process(dir.path(), &long, 512);
    assert_eq!(cold.usage.cached_tokens, 0);
    assert_eq!(states(dir.path()).len(), 2);
    let warm = in_new_process(dir.path(), &long, 512);
    assert_eq!(warm.usage.cached_tokens, warm.usage.prompt_tokens - 1);
    assert_eq!(warm.text, cold.text);

    // Another request after the same files reads what is new, and gives what it gives alone.
    let mut other = long.clone();
    other[0].content.push_str("now rename f");
    let forked = in_new_process(dir.path(), &other, 512);
    assert!(forked.usage.cached_tokens > 300, "{:?}", forked.usage);
    let alone = tempfile::tempdir().unwrap();
    assert_eq!(forked.text, in_new_process(alone.path(), &other, 512).text);
    // Too little was new to keep it as well.
    assert_eq!(states(dir.path()).len(), 2);
}

#[test]
fn a_short_prompt_and_another_context_are_not_mixed_up_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let long = user(&"abc ".repeat(80));
    in_new_process(dir.path(), &user("short"), 512);
    assert!(!dir.path().join("prefixes").exists());
    in_new_process(dir.path(), &long, 512);
    assert_eq!(in_new_process(dir.path(), &long, 500).usage.cached_tokens, 0);
}

#[test]
fn a_damaged_state_is_not_used_and_is_replaced() {
    let long = [Message::new(Role::User, "abc ".repeat(80))];
    for number in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let cold = in_new_process(dir.path(), &long, 512);
        let damaged = &states(dir.path())[number];
        let mut bytes = fs::read(damaged).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(damaged, bytes).unwrap();
        let after = in_new_process(dir.path(), &long, 512);
        assert_eq!((after.usage.cached_tokens, &after.text), (0, &cold.text), "{damaged:?}");
        let again = in_new_process(dir.path(), &long, 512);
        assert_eq!(again.usage.cached_tokens, again.usage.prompt_tokens - 1);
    }
}

#[test]
fn the_cost_of_passes_is_measured_once() {
    let dir = tempfile::tempdir().unwrap();
    let plain = in_new_process(dir.path(), &user("x"), 512);
    // Nothing was drafted, so nobody had to know.
    assert_eq!(curve_file(dir.path()), None);
    let copy = plain.text.as_str();
    let first = rewritten(dir.path(), copy);
    assert_eq!(first, plain.text);
    let file = curve_file(dir.path()).unwrap();
    let measured = fs::read(&file).unwrap();
    assert_eq!(rewritten(dir.path(), copy), plain.text);
    assert_eq!(fs::read(&file).unwrap(), measured);
    // What makes no sense is measured again.
    let huge = [
        b"{\"points\":[[1,1.0]".to_vec(),
        b",[2,1.0]".repeat(100_000),
        b"]}".to_vec(),
    ]
    .concat();
    for odd in [
        &b"{\"points\":[[4,1.0],[1,2.0]]}"[..],
        b"{\"points\":[[1,1e39],[2,1e39]]}",
        b"{\"points\":[]}",
        b"\xff",
        b"",
        &huge,
    ] {
        fs::write(&file, odd).unwrap();
        assert_eq!(rewritten(dir.path(), copy), plain.text);
        let again = fs::read(&file).unwrap();
        assert_ne!(again, odd);
        assert!(again.starts_with(b"{\"points\":[[1,"), "{again:?}");
    }
}
