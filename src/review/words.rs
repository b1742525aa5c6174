use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// Texts beyond this are not compared by their words.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// Where less than one in so many bytes is shared, the texts are two, and not one with changes.
const LEAST_SHARED: usize = 4;

/// Returns the bytes of both texts that differ, by words: runs of letters, digits and `_`, runs of blanks, and every
/// other character by itself. Nothing where the texts have too little in common for that to help.
pub(super) fn changed_words(old: &str, new: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let none = (Vec::new(), Vec::new());
    if old.is_empty() || new.is_empty() || old.len().max(new.len()) > MAX_TEXT_BYTES {
        return none;
    }
    let (old_words, new_words) = (words(old), words(new));
    let mut input = InternedInput::default();
    input.update_before(old_words.iter().map(|range| &old[range.clone()]));
    input.update_after(new_words.iter().map(|range| &new[range.clone()]));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for hunk in diff.hunks() {
        before.extend(bytes(&old_words, hunk.before));
        after.extend(bytes(&new_words, hunk.after));
    }
    let solid = |text: &str| text.bytes().filter(|b| !b.is_ascii_whitespace()).count();
    let changed: usize = before.iter().map(|range| solid(&old[range.clone()])).sum();
    let all = solid(old);
    if (all - changed) * LEAST_SHARED < all.max(1) {
        return none;
    }
    (before, after)
}

/// Cuts a text into words.
fn words(text: &str) -> Vec<Range<usize>> {
    #[derive(PartialEq)]
    enum Class {
        Word,
        Blank,
        Single,
    }
    let class = |c: char| match c {
        ' ' | '\t' => Class::Blank,
        '_' => Class::Word,
        c if c.is_alphanumeric() => Class::Word,
        _ => Class::Single,
    };
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut last = Class::Single;
    for (at, c) in text.char_indices() {
        let (class, end) = (class(c), at + c.len_utf8());
        match words.last_mut() {
            Some(word) if class == last && class != Class::Single => word.end = end,
            _ => words.push(at..end),
        }
        last = class;
    }
    words
}

/// Returns the bytes of a run of words.
fn bytes(words: &[Range<usize>], run: Range<u32>) -> Option<Range<usize>> {
    let run = words.get(run.start as usize..run.end as usize)?;
    Some(run.first()?.start..run.last()?.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(text: &str, ranges: &[Range<usize>]) -> String {
        let mut out = text.to_owned();
        for range in ranges.iter().rev() {
            out.insert(range.end, ']');
            out.insert(range.start, '[');
        }
        out
    }

    #[test]
    fn what_differs_is_told_by_words() {
        let (old, new) = ("    return foo(a, b)\n", "    return foo_bar(a, b + 1)\n");
        let (before, after) = changed_words(old, new);
        assert_eq!(marked(old, &before), "    return [foo](a, b)\n");
        assert_eq!(marked(new, &after), "    return [foo_bar](a, b[ + 1])\n");
        assert_eq!(changed_words("abc\n", "something(else)\n"), (Vec::new(), Vec::new()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_not_marked_is_the_same(old in "[ab _ü(]{0,20}", new in "[ab _ü(]{0,20}") {
            let (before, after) = changed_words(&old, &new);
            let rest = |text: &str, ranges: &[Range<usize>]| {
                let mut rest = text.to_owned();
                for range in ranges.iter().rev() {
                    rest.replace_range(range.clone(), "");
                }
                rest
            };
            if !before.is_empty() || !after.is_empty() {
                prop_assert_eq!(rest(&old, &before), rest(&new, &after));
            }
        }
    }
}
