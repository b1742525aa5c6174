/// Matches are looked at over this many bytes; longer ones say no more.
const MAX_MATCH_BYTES: usize = 96;
/// What a distance costs, in informative bytes for each doubling.
const DISTANCE_COST: f32 = 0.5;
/// Text that was passed already is rarely written a second time.
const BACKWARD_COST: f32 = 2.0;
/// Gaps beyond this many bytes are far.
const NEAR_BYTES: usize = 160;

/// How well the place in a source is known that the output continues at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it was found.
    pub origin: Origin,
    /// Bytes other than white space that agree right before the place.
    pub informative_bytes: usize,
}

/// Where a continuation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the text that is rewritten, about where its order says.
    Near,
    /// In the text that is rewritten, elsewhere.
    Far,
    /// In other text that was read or written.
    Context,
}

/// A place in a source that the output is followed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Follow {
    /// The byte of the source that comes next.
    pub(super) at: usize,
    /// Bytes that agree right before it.
    pub(super) matched_bytes: usize,
    pub(super) evidence: Evidence,
}

impl Follow {
    /// Goes on by bytes that were written as the source has them.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        self.at += bytes.len();
        self.matched_bytes += bytes.len();
        self.evidence.informative_bytes += informative(bytes);
    }
}

/// Where source and output were last known to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) source: usize,
    pub(super) output: usize,
}

/// Finds the place in `source` where `output` most likely continues: the text before it ends as the output does, and it is
/// not far from the anchor.
pub(super) fn in_order(source: &[u8], output: &[u8], anchor: Anchor) -> Option<Follow> {
    let last = *output.last()?;
    let written = output.len() - anchor.output.min(output.len());
    let mut best: Option<(f32, Follow)> = None;
    for at in 1..=source.len() {
        if source[at - 1] != last {
            continue;
        }
        let matched = common_suffix(&source[..at], output);
        let forward = at >= anchor.source;
        let gap = if forward {
            (at - matched.min(written)).saturating_sub(anchor.source)
        } else {
            anchor.source - at
        };
        let agreeing = &source[at - matched..at];
        let told = informative(agreeing);
        let line = if agreeing.contains(&b'\n') { 1.0 } else { 0.0 };
        let score =
            told as f32 + line - DISTANCE_COST * (1.0 + gap as f32).log2() - if forward { 0.0 } else { BACKWARD_COST };
        if best.is_none_or(|(most, _)| score > most) {
            let origin = if forward && gap <= NEAR_BYTES {
                Origin::Near
            } else {
                Origin::Far
            };
            let evidence = Evidence {
                origin,
                informative_bytes: told,
            };
            best = Some((
                score,
                Follow {
                    at,
                    matched_bytes: matched,
                    evidence,
                },
            ));
        }
    }
    best.map(|(_, follow)| follow)
}

/// Finds the last place in `text` with the longest agreement before it, of `least` informative bytes at least.
pub(super) fn anywhere(text: &[u8], output: &[u8], least: usize) -> Option<Follow> {
    let last = *output.last()?;
    let mut best: Option<Follow> = None;
    // The end of the text has nothing to offer.
    for at in (1..text.len()).rev().filter(|at| text[at - 1] == last) {
        let matched = common_suffix(&text[..at], output);
        if best.is_some_and(|best| best.matched_bytes >= matched) {
            continue;
        }
        let told = informative(&text[at - matched..at]);
        if told >= least {
            let evidence = Evidence {
                origin: Origin::Context,
                informative_bytes: told,
            };
            best = Some(Follow {
                at,
                matched_bytes: matched,
                evidence,
            });
            if matched == MAX_MATCH_BYTES {
                break;
            }
        }
    }
    best
}

/// Returns the number of bytes that are not white space.
pub(super) fn informative(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count()
}

fn common_suffix(one: &[u8], other: &[u8]) -> usize {
    one.iter()
        .rev()
        .zip(other.iter().rev())
        .take(MAX_MATCH_BYTES)
        .take_while(|(one, other)| one == other)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_near_the_anchor_wins_over_a_longer_match_far_away() {
        let source = b"a(x);\nb(x);\nc(x);\nd(x);\n";
        // After `b(x);` a new line was written, then `c`.
        let anchor = Anchor { source: 12, output: 12 };
        let follow = in_order(source, b"a(x);\nb(x);\nnew();\nc", anchor).unwrap();
        assert_eq!((follow.at, follow.evidence.origin), (13, Origin::Near));
    }

    #[test]
    fn elsewhere_needs_enough_agreement() {
        let text = b"let total = prices.iter().sum();";
        assert_eq!(anywhere(text, b"x = prices.it", 12), None);
        let follow = anywhere(text, b"let other = prices.iter()", 12).unwrap();
        assert_eq!(&text[follow.at..], b".sum();");
    }
}
