use std::time::{Duration, Instant};

use llama_cpp_2::token::LlamaToken;
use serde::{Deserialize, Serialize};

use super::{
    super::ModelError,
    cache::{Feed, KvCache, Truncated},
};
use crate::progress::Progress;

/// Rows of the passes that are measured. Kernels change with the size (CUDA's small-batch kernel ends at 8, attention on
/// a CPU is quicker from 64 on), so both sides of such a step are there.
const ROWS: [usize; 10] = [1, 2, 4, 8, 9, 16, 32, 48, 64, 128];
/// Each size is measured so often at most, and twice at least; the quickest counts, since other work only ever slows a pass down.
const RUNS: usize = 4;
/// A size that took this long altogether is not measured again.
const ENOUGH: Duration = Duration::from_millis(60);

/// The longest pass. Longer ones check a token for hardly less, and progress is seen between passes only.
pub(super) const MAX_PASS_MS: f32 = 2000.0;

/// What a pass over so many tokens costs on this device, beside a pass over one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyCurve {
    /// Rows and milliseconds, rows rising.
    points: Vec<(usize, f32)>,
}

impl VerifyCurve {
    /// The cells that measuring takes for a while.
    pub(super) const CELLS: usize = ROWS[ROWS.len() - 1];

    /// Measures the curve behind what a sequence holds, since passes cost more there than in an empty cache. The sequence
    /// is as it was afterwards; without tokens, or with a model that cannot take back what it has read, there is no curve.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`], and [`ModelError::Decode`] with an empty cache.
    pub(super) fn measure(
        cache: &mut KvCache<'_>,
        sequence: usize,
        progress: &dyn Progress,
    ) -> Result<Option<Self>, ModelError> {
        let held = cache.tokens(sequence).len();
        let repeated: Vec<LlamaToken> = cache.tokens(sequence).iter().rev().copied().collect();
        if repeated.is_empty() {
            return Ok(None);
        }
        let mut points = Vec::new();
        for rows in ROWS {
            let tokens: Vec<LlamaToken> = repeated.iter().copied().cycle().take(rows).collect();
            let mut least = f32::INFINITY;
            let begun = Instant::now();
            for run in 0..RUNS {
                if run > 1 && begun.elapsed() > ENOUGH {
                    break;
                }
                if progress.cancelled() {
                    return Err(ModelError::Cancelled);
                }
                let feed = Feed {
                    sequence,
                    tokens: tokens.clone(),
                    logits_from: 0,
                };
                let started = Instant::now();
                cache.evaluate(&[feed])?;
                cache.synchronize();
                least = least.min(started.elapsed().as_secs_f32() * 1000.0);
                if cache.truncate(sequence, held) == Truncated::Emptied {
                    return Ok(None);
                }
            }
            points.push((rows, least));
            if least > MAX_PASS_MS {
                break;
            }
        }
        Ok(Some(Self::from_points(points)))
    }

    /// Returns the curve through measured points; more rows never cost less than fewer.
    fn from_points(mut points: Vec<(usize, f32)>) -> Self {
        let mut most = 0.0_f32;
        for (_, ms) in &mut points {
            most = most.max(*ms);
            *ms = most;
        }
        Self { points }
    }

    /// Returns the milliseconds of a pass over `rows` tokens; between and beyond what was measured on straight lines.
    pub fn cost(&self, rows: usize) -> f32 {
        let next = self.points.partition_point(|(measured, _)| *measured < rows);
        let (before, after) = match (next.checked_sub(1), self.points.get(next)) {
            (None, Some((_, ms))) => return *ms,
            (Some(before), Some(after)) => (self.points[before], *after),
            (Some(last), None) if last > 0 => (self.points[last - 1], self.points[last]),
            _ => return 1.0,
        };
        let slope = (after.1 - before.1) / (after.0 - before.0) as f32;
        before.1 + slope * (rows as f32 - before.0 as f32)
    }

    /// Returns the rows of the largest pass that was measured.
    pub fn max_rows(&self) -> usize {
        self.points.last().map_or(1, |(rows, _)| *rows)
    }

    /// Returns the rows of the largest pass that takes at most `limit_ms`, of those that were measured and between them.
    pub fn rows_within(&self, limit_ms: f32) -> usize {
        (1..=self.max_rows())
            .rev()
            .find(|rows| self.cost(*rows) <= limit_ms)
            .unwrap_or(1)
    }

    /// Returns the measured points: rows and milliseconds.
    pub fn points(&self) -> &[(usize, f32)] {
        &self.points
    }

    /// Tells whether the numbers can be what [`VerifyCurve::measure`] gave: a file may say anything.
    pub(super) fn is_sound(&self) -> bool {
        let sizes = self.points.iter().map(|(rows, _)| *rows);
        // On a slow device measuring ends early.
        !self.points.is_empty()
            && sizes.eq(ROWS.into_iter().take(self.points.len()))
            && self.points.windows(2).all(|pair| pair[0].1 <= pair[1].1)
            && self.points.iter().all(|(_, ms)| ms.is_finite() && *ms > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_lie_on_lines_between_the_points_and_never_fall() {
        let curve = VerifyCurve::from_points(vec![(1, 10.0), (2, 9.0), (4, 20.0)]);
        assert_eq!(curve.cost(1), 10.0);
        assert_eq!(curve.cost(2), 10.0);
        assert_eq!(curve.cost(3), 15.0);
        assert_eq!(curve.cost(6), 30.0);
        assert_eq!(curve.max_rows(), 4);
        assert_eq!(
            (curve.rows_within(15.0), curve.rows_within(99.0), curve.rows_within(1.0)),
            (3, 4, 1)
        );
    }

    #[test]
    fn a_curve_that_nobody_measured_is_not_sound() {
        let good: Vec<(usize, f32)> = ROWS.map(|rows| (rows, 3.0 + rows as f32)).to_vec();
        let is_sound = |points: &[(usize, f32)]| {
            VerifyCurve {
                points: points.to_vec(),
            }
            .is_sound()
        };
        assert!(is_sound(&good) && is_sound(&good[..5]));
        assert!(!is_sound(&[]) && !is_sound(&good[1..]) && !is_sound(&[good.clone(), good.clone()].concat()));
        for (number, point) in [
            (0, (0, 4.0)),
            (0, (1, 0.0)),
            (1, (2, f32::NAN)),
            (8, (usize::MAX, 99.0)),
            (8, (64, 1.0)),
        ] {
            let mut points = good.clone();
            points[number] = point;
            assert!(!is_sound(&points), "{point:?}");
        }
    }
}
