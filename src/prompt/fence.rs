/// Returns a code fence that no run of backticks in `texts` can close.
pub fn fence_for(texts: &[&str]) -> String {
    let longest = texts.iter().map(|text| longest_run(text)).max().unwrap_or(0);
    "`".repeat((longest + 1).max(3))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fence_is_longer_than_any_run_inside() {
        assert_eq!(fence_for(&["a `b` c"]), "```");
        assert_eq!(fence_for(&["x", "````rust"]), "`````");
        assert_eq!(fence_for(&[]), "```");
    }
}
