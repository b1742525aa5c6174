use std::time::Duration;

/// The first chunk of a prompt, and the least one: small, since nothing is known of the device. Smaller ones waste it:
/// on one core a 1.5B model in Q4_K_M reads 8 tokens at a time at half the rate of 64, and 16 at three quarters.
const FIRST_TOKENS: usize = 16;
/// How long one chunk may take, so that a cancel is heeded within half a second.
const TARGET: Duration = Duration::from_millis(350);
/// A chunk is at most this many times the one before, however quick that was.
const GROWTH: usize = 4;

/// Chooses how many prompt tokens to read between two looks at the cancel flag.
#[derive(Debug)]
pub(super) struct Pace {
    tokens: usize,
    limit: usize,
}

impl Pace {
    /// Returns a pace with chunks of at most `limit` tokens.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            tokens: FIRST_TOKENS.min(limit),
            limit,
        }
    }

    /// Returns the size of the next chunk.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Learns that a chunk of `tokens` took `elapsed`.
    pub(super) fn measured(&mut self, tokens: usize, elapsed: Duration) {
        let rate = tokens as f64 / elapsed.as_secs_f64().max(1e-6);
        let fitting = (rate * TARGET.as_secs_f64()) as usize;
        // Whole multiples of 8 suit the matrix kernels.
        let fitting = (fitting / 8 * 8).max(FIRST_TOKENS);
        // A short last chunk tells little: it never makes the next one smaller than a full chunk of its rate.
        self.tokens = fitting
            .min(tokens.max(FIRST_TOKENS) * GROWTH)
            .max(self.floor(tokens))
            .min(self.limit);
    }

    /// Returns the least size after a chunk that was cut short by the end of the prompt.
    fn floor(&self, tokens: usize) -> usize {
        if tokens < self.tokens { self.tokens / 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_target_and_no_further() {
        let mut pace = Pace::new(512);
        for _ in 0..10 {
            let tokens = pace.tokens();
            pace.measured(tokens, Duration::from_secs_f64(tokens as f64 / 400.0));
        }
        assert_eq!(pace.tokens(), 136);
    }

    #[test]
    fn a_quick_device_reaches_the_limit() {
        let mut pace = Pace::new(512);
        for _ in 0..4 {
            let tokens = pace.tokens();
            pace.measured(tokens, Duration::from_micros(100));
        }
        assert_eq!(pace.tokens(), 512);
    }

    #[test]
    fn a_slow_device_keeps_small_chunks() {
        let mut pace = Pace::new(512);
        pace.measured(FIRST_TOKENS, Duration::from_secs(4));
        assert_eq!(pace.tokens(), FIRST_TOKENS);
    }
}
