use std::time::Duration;

/// Chunks are multiples of this: the kernels of llama.cpp's CPU code change there, and with them the last bits of what they
/// compute. What the model reads must not depend on how busy the machine is. On one core a 1.5B model in Q4_K_M reads 8
/// tokens at a time at half the rate of 64, and 16 at three quarters.
pub(super) const STEP_TOKENS: usize = 64;
/// How long one chunk may take: the cancel flag and the progress wait for it. Shorter chunks cost: at 350 ms two cores read
/// a prompt with a 0.5B model a fifth slower than at 1,500 ms.
const TARGET: Duration = Duration::from_millis(1200);
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
            tokens: STEP_TOKENS.min(limit),
            limit,
        }
    }

    /// Returns the most tokens of the next pass.
    pub(super) fn tokens(&self) -> usize {
        self.tokens.max(2 * STEP_TOKENS).min(self.limit)
    }

    /// Returns how many of `missing` tokens to read next. The last chunk has between one and two steps, whatever came
    /// before, so that it is computed the same way each time.
    pub(super) fn chunk(&self, missing: usize) -> usize {
        if missing < 2 * STEP_TOKENS {
            return missing.min(self.limit);
        }
        self.tokens.min((missing / STEP_TOKENS - 1) * STEP_TOKENS)
    }

    /// Learns that a chunk of `tokens` took `elapsed`.
    pub(super) fn measured(&mut self, tokens: usize, elapsed: Duration) {
        let rate = tokens as f64 / elapsed.as_secs_f64().max(1e-6);
        let fitting = (rate * TARGET.as_secs_f64()) as usize;
        let fitting = (fitting / STEP_TOKENS * STEP_TOKENS).max(STEP_TOKENS);
        // A short last chunk tells little: it never makes the next one smaller than a full chunk of its rate.
        self.tokens = fitting
            .min(tokens.max(STEP_TOKENS) * GROWTH)
            .max(self.floor(tokens))
            .min(self.limit);
    }

    /// Returns the least size after a chunk that was cut short by the end of the prompt.
    fn floor(&self, tokens: usize) -> usize {
        if tokens < self.tokens {
            self.tokens / 2 / STEP_TOKENS * STEP_TOKENS
        } else {
            STEP_TOKENS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pace: &mut Pace, mut missing: usize, tokens_per_s: f64) -> Vec<usize> {
        let mut chunks = Vec::new();
        while missing > 0 {
            let chunk = pace.chunk(missing);
            pace.measured(chunk, Duration::from_secs_f64(chunk as f64 / tokens_per_s));
            missing -= chunk;
            chunks.push(chunk);
        }
        chunks
    }

    #[test]
    fn grows_to_the_target_and_no_further() {
        let mut pace = Pace::new(512);
        assert_eq!(read(&mut pace, 1000, 400.0), [64, 256, 448, 128, 104]);
        assert_eq!(read(&mut Pace::new(512), 2000, 1e6), [64, 256, 512, 512, 512, 64, 80]);
    }

    #[test]
    fn a_slow_device_keeps_small_chunks() {
        assert_eq!(read(&mut Pace::new(512), 300, 4.0), [64, 64, 64, 108]);
    }

    #[test]
    fn the_last_chunk_does_not_depend_on_the_pace() {
        for tokens in [1, 63, 64, 127, 128, 200, 777, 1024] {
            let chunks = |rate| read(&mut Pace::new(512), tokens, rate);
            assert_eq!(chunks(10.0).last(), chunks(1e6).last(), "{tokens}");
            assert_eq!(chunks(300.0).iter().sum::<usize>(), tokens);
        }
    }
}
