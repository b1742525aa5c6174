use std::collections::BTreeSet;

use super::*;
use crate::lang::Arity;

/// Nothing is known but the file.
fn alone(changed: &Changed<'_>, promise: Promise<'_>) -> Vec<GateFailure> {
    beside(changed, promise, &[], &|_, _| None)
}

fn beside(
    changed: &Changed<'_>,
    promise: Promise<'_>,
    imports: &[String],
    elsewhere: &dyn Fn(&str, &str) -> Option<Arity>,
) -> Vec<GateFailure> {
    let unsettled = BTreeSet::from(["unsettled".to_owned()]);
    let surroundings = Surroundings {
        imports,
        unsettled: &unsettled,
        elsewhere,
    };
    check(changed, promise, &surroundings)
}

const BEFORE: &str = "def first(a):\n    return a\n\n\ndef second(b):\n    return b\n";

fn rewritten(new: &str, promise: Promise<'_>) -> Vec<GateFailure> {
    let range = TextRange::new(0, "def first(a):\n    return a".len());
    let after = format!("{new}{}", &BEFORE[range.end..]);
    alone(
        &Changed {
            language: Some(Language::Python),
            before: BEFORE,
            after: &after,
            range_before: range,
            range_after: TextRange::new(0, new.len()),
        },
        promise,
    )
}

#[test]
fn a_sound_rewrite_passes() {
    assert_eq!(rewritten("def first(a):\n    return a + 1", Promise::KeepsNames), []);
}

#[test]
fn broken_syntax_names_the_line() {
    let failures = rewritten("def first(a:\n    return a + 1", Promise::KeepsNames);
    assert!(
        matches!(failures[0], GateFailure::Syntax { line: 0 | 1, .. }),
        "{failures:?}"
    );
}

#[test]
fn the_same_code_is_no_change() {
    assert_eq!(
        rewritten("def first(a):\n    return a", Promise::KeepsNames),
        [GateFailure::Unchanged]
    );
    assert_eq!(rewritten("  ", Promise::KeepsNames), [GateFailure::Empty]);
}

#[test]
fn the_name_must_stay_unless_it_may_go() {
    let renamed = "def primus(a):\n    return a";
    let lost = GateFailure::Lost {
        names: vec!["first".to_owned()],
    };
    assert_eq!(rewritten(renamed, Promise::KeepsNames), [lost]);
    assert_eq!(rewritten(renamed, Promise::MayLose("first")), []);
}

#[test]
fn left_out_code_is_found() {
    for elision in [
        "# ... rest unchanged",
        "# ...",
        "...",
        "# rest of the function remains the same",
    ] {
        let failures = rewritten(
            &format!("def first(a):\n    {elision}\n    return 1"),
            Promise::KeepsNames,
        );
        assert!(
            matches!(failures[..], [GateFailure::Elided { .. }]),
            "{elision}: {failures:?}"
        );
    }
    for comment in [
        "# everything else is an error",
        "# wait... this is slow when a is big and b is small too",
    ] {
        let failures = rewritten(
            &format!("def first(a):\n    {comment}\n    return 1"),
            Promise::KeepsNames,
        );
        assert_eq!(failures, [], "{comment}");
    }
}

#[test]
fn new_code_must_be_new() {
    let added = |new: &str| {
        let after = format!("{BEFORE}{new}");
        alone(
            &Changed {
                language: Some(Language::Python),
                before: BEFORE,
                after: &after,
                range_before: TextRange::empty(BEFORE.len()),
                range_after: TextRange::new(BEFORE.len(), after.len()),
            },
            Promise::AddsNames,
        )
    };
    assert_eq!(added("\n\ndef third():\n    return 3\n"), []);
    assert_eq!(added("\nprint(1)\n"), [GateFailure::NothingNew]);
    let repeated = GateFailure::Repeated {
        names: vec!["second".to_owned()],
    };
    assert_eq!(added("\n\ndef second(b):\n    return 3\n"), [repeated]);
}

fn said(before: &str, after: &str, imports: &[&str]) -> Vec<String> {
    let util = "def tidy(text, *, width):\n    return text\n";
    let elsewhere = |name: &str, module: &str| {
        let parsed = ParsedFile::parse(Language::Python, util);
        (name == "tidy" && module == "util").then(|| Arity::of(&parsed, util, TextRange::new(4, 8)))?
    };
    let imports: Vec<String> = imports.iter().map(|line| (*line).to_owned()).collect();
    let changed = Changed {
        language: Some(Language::Python),
        before,
        after,
        range_before: TextRange::new(0, before.len()),
        range_after: TextRange::new(0, after.len()),
    };
    let failures = beside(&changed, Promise::KeepsNames, &imports, &elsewhere);
    failures.iter().map(ToString::to_string).collect()
}

#[test]
fn new_code_uses_what_is_there() {
    let before = "def f(s):\n    return s\n";
    let uses_re = "def f(s):\n    return re.sub('a', 'b', s)\n";
    let missing = ["`re` is used and not imported or defined"];
    assert_eq!(said(before, uses_re, &[]), missing);
    assert_eq!(said(before, uses_re, &["import re"]), [""; 0]);
    assert_eq!(said(before, uses_re, &["from tools import *"]), [""; 0]);
    assert_eq!(
        said(before, "def f(s):\n    return a(s) + b(s) + a(s)\n", &[]),
        ["`a`, `b` are used and not imported or defined"]
    );
    // What was unbound before is known to somebody else, and what another change brings will be.
    let unbound_before = "def f(s):\n    return re.match(s)\n";
    assert_eq!(said(unbound_before, uses_re, &[]), [""; 0]);
    assert_eq!(said(before, "def f(s):\n    return unsettled(s)\n", &[]), [""; 0]);
    assert_eq!(
        said(
            &format!("from m import *\n{before}"),
            &format!("from m import *\n{uses_re}"),
            &[]
        ),
        [""; 0]
    );
}

#[test]
fn an_undefined_name_shows_its_line() {
    let after = "def first(a):\n    b = 1\n    return helper(a) + b";
    match &rewritten(after, Promise::KeepsNames)[..] {
        [GateFailure::Undefined { names, excerpt }] => {
            assert_eq!(names[0].name, "helper");
            assert_eq!(excerpt, "    return helper(a) + b");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_fit_their_functions() {
    let before = "from util import tidy\n\ndef g(a, b):\n    return a\n\ndef f(s):\n    return s\n";
    let with = |call: &str| said(before, &before.replace("return s", &format!("return {call}")), &[]);
    assert_eq!(with("g(s, 1)"), [""; 0]);
    assert_eq!(with("tidy(s, width=1)"), [""; 0]);
    assert_eq!(with("g(s)"), ["`g` is called without `b`"]);
    assert_eq!(
        with("g(s, 1, 2)"),
        ["`g` takes at most 2 positional arguments, and 3 are given"]
    );
    assert_eq!(with("tidy(s)"), ["`tidy` is called without `width`"]);
    assert_eq!(with("[g(s) for g in [len]]"), [""; 0]);
    // A name with two bindings may be either.
    let twice = format!("{before}\nif f:\n    def g(a): pass\n");
    assert_eq!(said(before, &twice.replace("return s", "return g(s)"), &[]), [""; 0]);
    // What stood there before is not the new code's fault.
    let wrong = before.replace("return s", "return g(s)");
    assert_eq!(said(&wrong, &wrong.replace("def f(s)", "def f(s, t=0)"), &[]), [""; 0]);
}

#[test]
fn an_attribute_does_not_hide_a_method() {
    let before = "class Node:\n    def next(self):\n        pass\n\n    def link(self, node):\n        pass\n";
    let after = before.replace("node):\n        pass", "node):\n        self.next = node");
    assert_eq!(
        said(before, &after, &[]),
        ["the attribute `next` hides the method `Node.next` and needs another name"]
    );
    // What stood there before is not the new code's fault.
    assert_eq!(said(&after, &after.replace("= node", "= node or None"), &[]), [""; 0]);
    let before = &before.replace("Node:\n", "Node:\n    def __init__(self):\n        pass\n\n");
    let reads = before.replace("node):\n        pass", "node):\n        return self.first");
    assert_eq!(
        said(before, &reads, &[]),
        ["`self.first` is used in `Node` and never assigned"]
    );
    // Who read another one before has them from elsewhere.
    assert_eq!(said(&reads, &reads.replace("first", "last"), &[]), [""; 0]);
}
