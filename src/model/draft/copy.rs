use super::follow::{Anchor, Evidence, Follow, Origin, anywhere, in_order, informative};
use super::transform::{indentation_at, reindent, renamed, replace_words};

/// Agreement that makes a place certain: from here on the next difference is a new one.
const CERTAIN_NEAR_BYTES: usize = 6;
const CERTAIN_FAR_BYTES: usize = 16;
/// Agreement that other text must have before it is followed.
const CONTEXT_BYTES: usize = 12;
/// Agreement that the beginning is trusted with: a rewrite mostly starts as the old text does.
const BEGINNING_BYTES: usize = 24;
/// A change longer than this is no rename.
const MAX_RENAME_BYTES: usize = 128;

/// Proposes what is written next from the text that is being rewritten.
///
/// It follows the old text as long as the output agrees. After a difference it looks for the place where the output is in
/// the old text again, the nearest with the longest agreement: right after an insertion, further on after a
/// deletion. A changed name and a changed indentation are carried over to the rest of the old text. Where the old text has
/// nothing to offer it proposes from the context: what was read and written before.
pub struct CopyDrafter {
    old: Vec<u8>,
    /// The old text, what is ahead of the output changed as the output has shown.
    source: Vec<u8>,
    context: Vec<u8>,
    output: Vec<u8>,
    anchor: Anchor,
    follow: Option<Follow>,
}

impl CopyDrafter {
    /// Returns a drafter of a new form of `old`; `context` is other text that may be repeated.
    pub fn new(old: &[u8], context: &[u8]) -> Self {
        let mut drafter = Self {
            old: old.to_vec(),
            source: Vec::new(),
            context: context.to_vec(),
            output: Vec::new(),
            anchor: Anchor::default(),
            follow: None,
        };
        drafter.restart();
        drafter
    }

    /// Returns the text that is expected next and what speaks for it.
    pub fn propose(&self) -> Option<(&[u8], Evidence)> {
        let follow = self.follow.as_ref()?;
        let rest = self.rest(follow);
        (!rest.is_empty()).then_some((rest, follow.evidence))
    }

    /// Takes in what was written after what it knows.
    pub fn observe(&mut self, written: &[u8]) {
        let Some(mut follow) = self.follow else {
            self.output.extend_from_slice(written);
            self.follow = self.search();
            return;
        };
        let rest = self.rest(&follow);
        let agreed = rest.iter().zip(written).take_while(|(one, other)| one == other).count();
        follow.advance(&written[..agreed]);
        self.output.extend_from_slice(&written[..agreed]);
        self.follow = Some(follow);
        let certain = match follow.evidence.origin {
            Origin::Near => follow.evidence.informative_bytes >= CERTAIN_NEAR_BYTES,
            Origin::Far => follow.evidence.informative_bytes >= CERTAIN_FAR_BYTES,
            Origin::Context => false,
        };
        if certain {
            self.settle(follow);
        }
        if agreed < written.len() {
            self.output.extend_from_slice(&written[agreed..]);
            self.follow = self.search();
        }
    }

    /// Forgets all but the first `bytes` of what was written.
    pub fn rewind(&mut self, bytes: usize) {
        let kept = self.output[..bytes.min(self.output.len())].to_vec();
        self.restart();
        for line in kept.split_inclusive(|byte| *byte == b'\n') {
            self.observe(line);
        }
    }

    fn restart(&mut self) {
        self.source.clone_from(&self.old);
        self.output.clear();
        self.anchor = Anchor::default();
        self.follow = (!self.source.is_empty()).then_some(Follow {
            at: 0,
            matched_bytes: 0,
            evidence: Evidence {
                origin: Origin::Near,
                informative_bytes: BEGINNING_BYTES,
            },
        });
    }

    fn rest(&self, follow: &Follow) -> &[u8] {
        match follow.evidence.origin {
            Origin::Near | Origin::Far => &self.source[follow.at..],
            Origin::Context => &self.context[follow.at..],
        }
    }

    fn search(&self) -> Option<Follow> {
        let found = in_order(&self.source, &self.output, self.anchor);
        let told = found.map_or(0, |follow| follow.evidence.informative_bytes);
        // The context holds the old text too: what it says must be clearly more.
        anywhere(
            &self.context,
            &self.output,
            CONTEXT_BYTES.max(told + CERTAIN_NEAR_BYTES),
        )
        .or(found)
    }

    /// Takes a place as certain: learns from the difference before it, and makes it the anchor.
    fn settle(&mut self, follow: Follow) {
        let output = self.output.len();
        let matched = follow
            .matched_bytes
            .min(output - self.anchor.output)
            .min(follow.at.saturating_sub(self.anchor.source));
        let (start, written) = (follow.at - matched, output - matched);
        if start >= self.anchor.source && written > self.anchor.output {
            self.learn(follow.at, self.anchor.source..start, self.anchor.output..written);
        }
        self.anchor = Anchor {
            source: follow.at,
            output,
        };
    }

    /// Carries over what the change of one range into the other tells to the source after `at`.
    fn learn(&mut self, at: usize, before: std::ops::Range<usize>, after: std::ops::Range<usize>) {
        let small = before.len().max(after.len()) <= MAX_RENAME_BYTES;
        let ahead = &self.source[at..];
        let changed = match (
            indentation_at(&self.source, before.end),
            indentation_at(&self.output, after.end),
        ) {
            (Some(from), Some(to)) if from != to => reindent(ahead, from, to),
            _ if small && informative(&self.output[after.clone()]) > 0 => {
                renamed(&self.source, before, &self.output, after).map(|(old, new)| replace_words(ahead, old, new))
            }
            _ => None,
        };
        if let Some(changed) = changed {
            self.source.truncate(at);
            self.source.extend_from_slice(&changed);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes `new` in pieces of words and returns how many of its bytes were proposed in time.
    fn foreseen(old: &str, new: &str) -> usize {
        let mut drafter = CopyDrafter::new(old.as_bytes(), b"");
        let mut right = 0;
        let mut rest = new;
        while !rest.is_empty() {
            let first_is_word = rest.starts_with(|c: char| c.is_alphanumeric());
            let length = rest
                .find(|c: char| c.is_alphanumeric() != first_is_word)
                .unwrap_or(rest.len());
            let piece = &rest[..length];
            if drafter
                .propose()
                .is_some_and(|(text, _)| text.starts_with(piece.as_bytes()))
            {
                right += length;
            }
            drafter.observe(piece.as_bytes());
            rest = &rest[length..];
        }
        right
    }

    const OLD: &str = "def total(items, rate):\n    amount = 0\n    for item in items:\n        amount += item.price\n        \
        log(item)\n    if amount > 100:\n        amount -= 10\n    return amount * rate\n";

    #[test]
    fn an_unchanged_text_is_foreseen_to_its_end() {
        assert_eq!(foreseen(OLD, OLD), OLD.len());
    }

    #[test]
    fn an_insertion_costs_what_is_new_and_a_little() {
        let new = OLD.replace("    for", "    if not items:\n        raise ValueError(rate)\n    for");
        let missed = new.len() - foreseen(OLD, &new);
        let inserted = new.len() - OLD.len();
        assert!(missed <= inserted + 8, "{missed} of {inserted}");
    }

    #[test]
    fn a_deletion_costs_a_word_or_two() {
        let new = OLD.replace("        log(item)\n", "");
        let missed = new.len() - foreseen(OLD, &new);
        assert!(missed <= 10, "{missed}");
    }

    #[test]
    fn a_name_that_changes_once_is_foreseen_from_then_on() {
        let new = OLD.replace("amount", "running_sum");
        let missed = new.len() - foreseen(OLD, &new);
        // The first time `running`, `_` and `sum` are news, and it takes some agreement to be sure.
        assert!(missed <= "running_sum".len() + 6, "{missed}");
    }

    #[test]
    fn a_block_that_moves_to_the_right_is_foreseen_after_its_first_line() {
        let old = "def f(a):\n    x = first(a)\n    y = second(x)\n    return third(y)\n";
        let new = "def f(a):\n    if a:\n        x = first(a)\n        y = second(x)\n        return third(y)\n";
        let missed = new.len() - foreseen(old, new);
        assert!(missed <= "if a:\n        ".len() + 8, "{missed}");
    }

    #[test]
    fn repeated_context_is_foreseen() {
        let mut drafter = CopyDrafter::new(b"", b"assert_eq!(parse_interval(\"1..2\"), Ok(Interval::new(1, 2)));\n");
        drafter.observe(b"    assert_eq!(parse_interval(");
        let (text, evidence) = drafter.propose().unwrap();
        assert!(text.starts_with(b"\"1..2\"), Ok"));
        assert_eq!(evidence.origin, Origin::Context);
    }

    #[test]
    fn a_rewound_drafter_proposes_as_one_that_never_went_on() {
        let mut drafter = CopyDrafter::new(OLD.as_bytes(), b"");
        drafter.observe(&OLD.as_bytes()[..40]);
        let before = drafter.propose().map(|(text, _)| text.to_vec());
        drafter.observe(b"something else");
        drafter.rewind(40);
        assert_eq!(drafter.propose().map(|(text, _)| text.to_vec()), before);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_taken(
            old in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b' '), Just(b'\n'), any::<u8>()], 0..80),
            pieces in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![Just(b'a'), Just(b' '), Just(b'\n'), any::<u8>()], 0..9),
                0..20,
            ),
            cut in 0..60_usize,
        ) {
            let mut drafter = CopyDrafter::new(&old, &old);
            for piece in &pieces {
                drafter.observe(piece);
                drafter.propose();
            }
            drafter.rewind(cut);
            drafter.observe(b"a");
            drafter.propose();
        }
    }
}
