//! The walk finds what tree-sitter's query engine finds: on source as people write it and on what is left of it after
//! random cuts.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tree_sitter::Tree;

use super::fixture_tests::fixtures;
use super::query::Queries;
use super::walk::{Search, Wanted};
use super::*;
use crate::text::TextRange;

pub(super) static FIXTURES: LazyLock<Vec<(Language, String, String)>> = LazyLock::new(fixtures);

/// Enough on any machine: what is found must not depend on the time it takes.
pub(super) const NO_HURRY: Duration = Duration::from_secs(3600);

/// One match, as query, pattern, and capture with range.
type Found = (table::Query, usize, BTreeSet<(u16, TextRange)>);

/// Asserts that the walk finds what the query engine finds, and nothing more than [`beyond_the_engine`] explains.
fn check(language: Language, text: &str) {
    // Some grammars take minutes over text of another language; how far they come does not matter here.
    let parsed = ParsedFile::parse(language, text);
    let Some(tree) = parsed.tree() else { return };
    let search = Search {
        wanted: Wanted::Both,
        deadline: Instant::now() + NO_HURRY,
    };
    let found = |engine| {
        let mut found: BTreeSet<Found> = BTreeSet::new();
        let queries = Queries::of(language, engine).unwrap();
        queries.for_each_match(search, tree, text, |query, each| {
            let captures = each.captures.iter().map(|capture| (capture.index, capture.range));
            found.insert((query, each.pattern, captures.collect()));
        });
        found
    };
    let (walked, queried) = (found(Engine::Walk), found(Engine::Query));
    // A name that is missing is no name: what has an empty one is dropped whoever finds it.
    let is_whole = |found: &&Found| found.2.iter().all(|(_, range)| !range.is_empty());
    let extras = extras(tree);
    let takes_extra = |found: &&Found| found.2.len() > 1 && found.2.iter().any(|(_, range)| extras.contains(range));
    let only_engine = queried.difference(&walked).filter(is_whole);
    let (of_extras, missing): (Vec<&Found>, Vec<&Found>) = only_engine.partition(takes_extra);
    assert!(missing.is_empty(), "{language:?}: {text}\nonly the engine: {missing:?}");
    let more: Vec<&Found> = walked.difference(&queried).collect();
    if more.is_empty() && of_extras.is_empty() {
        let facts = |engine| parsed.search(engine, search, text);
        assert_eq!(facts(Engine::Walk), facts(Engine::Query), "{language:?}: {text}");
        return;
    }
    let beyond = beyond_the_engine(tree);
    for (query, pattern, captures) in &more {
        let inside = |range: TextRange| beyond.iter().any(|node| node.contains(range));
        // The engine has the same, but for one capture that is a comment.
        let has_extra =
            |found: &Found| (found.0, found.1) == (*query, *pattern) && found.2.difference(captures).count() == 1;
        assert!(
            captures.iter().any(|(_, range)| inside(*range)) || of_extras.iter().any(|found| has_extra(found)),
            "{language:?}: {text}\nonly the walk: {more:?}"
        );
    }
}

/// Returns the ranges of comments and whatever else may stand anywhere. For tree-sitter's nodes and cursors such a node
/// has no field; its query engine gives it the one of a hidden node around it, so that it takes the comment in Scala's
/// `extension (x: A) /* why */ f` of two lines for the body. The walk goes by the cursor: a comment is no part of what
/// it stands in.
fn extras(tree: &Tree) -> BTreeSet<TextRange> {
    let mut extras = BTreeSet::new();
    let mut cursor = tree.walk();
    loop {
        if cursor.node().is_extra() {
            extras.insert(cursor.node().byte_range().into());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return extras;
            }
        }
    }
}

/// Returns the nodes that come later than the first of their field in one parent. Of `const a, b = 1, 2` in Go the
/// query engine misses `b`: it gives up on a field at the first node behind which the grammar's rule, as opposed to a
/// repetition inside of it, has no other. In a broken construct it gives up as early, for no reason that its output
/// shows, so what is inside a node with an error counts as well.
fn beyond_the_engine(tree: &Tree) -> Vec<TextRange> {
    let mut beyond = Vec::new();
    let mut cursor = tree.walk();
    let mut seen: Vec<BTreeSet<u16>> = vec![BTreeSet::new()];
    loop {
        let node = cursor.node();
        let first = cursor
            .field_id()
            .is_none_or(|field| seen.last_mut().unwrap().insert(field.get()));
        if !first || node.has_error() {
            beyond.push(node.byte_range().into());
        }
        if cursor.goto_first_child() {
            seen.push(BTreeSet::new());
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return beyond;
            }
            seen.pop();
        }
    }
}

#[test]
fn fixtures_are_read_alike() {
    for (language, _, text) in FIXTURES.iter() {
        check(*language, text);
    }
}

#[test]
fn every_name_of_a_list_is_found() {
    let text = "package p\n\nconst a, b = 1, 2\n";
    let found = ParsedFile::parse(Language::Go, text).definitions(text);
    let names: Vec<&str> = found.iter().map(|definition| definition.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    check(Language::Go, text);
}

#[test]
fn a_comment_is_no_body() {
    let text = "extension (text: String)\n  /** Tells. */isEven\n";
    let found = ParsedFile::parse(Language::Scala, text).definitions(text);
    let bodies: Vec<&str> = found
        .iter()
        .map(|definition| &text[definition.body.unwrap().as_range()])
        .collect();
    assert_eq!(bodies, ["isEven"]);
    check(Language::Scala, text);
}

#[test]
fn parts_of_the_facts_are_the_same_as_all() {
    for (language, _, text) in FIXTURES.iter() {
        let parsed = ParsedFile::parse(*language, text);
        let facts = parsed.facts(text);
        assert_eq!(facts.definitions, parsed.definitions(text));
        let references = parsed.references(text).into_iter();
        assert_eq!(
            facts.uses,
            references.map(|found| (found.range, found.kind)).collect::<Vec<_>>()
        );
        assert_eq!(facts.comments, parsed.comments(text));
    }
}

/// What happens to one place of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Bytes are left out.
    Remove,
    /// They stand there twice.
    Repeat,
    /// A bracket, quote or end of line takes their place.
    Replace(char),
}

pub(super) fn cuts() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Cut)>> {
    let cut = prop_oneof![
        Just(Cut::Remove),
        Just(Cut::Repeat),
        prop::sample::select(vec!['{', '}', '(', ')', ';', '"', '\n', ':', '=', '<']).prop_map(Cut::Replace),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 1..80usize, cut), 1..12)
}

pub(super) fn mangled(text: &str, cuts: &[(prop::sample::Index, usize, Cut)]) -> String {
    let mut text = text.to_owned();
    for (at, length, cut) in cuts {
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        let end = text.ceil_char_boundary((at + length).min(text.len()));
        match cut {
            Cut::Remove => text.replace_range(at..end, ""),
            Cut::Repeat => {
                let again = text[at..end].to_owned();
                text.insert_str(at, &again);
            }
            Cut::Replace(c) => text.replace_range(at..end, &c.to_string()),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn mangled_fixtures_are_read_alike(cuts in cuts()) {
        for (language, _, text) in FIXTURES.iter() {
            check(*language, &mangled(text, &cuts));
        }
    }

    #[test]
    fn source_of_another_language_is_read_alike(from in any::<prop::sample::Index>(), cuts in cuts()) {
        let (_, _, text) = from.get(&FIXTURES);
        let text = mangled(text, &cuts);
        for language in Language::ALL {
            check(*language, &text);
        }
    }
}
