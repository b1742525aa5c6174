use super::Index;
use super::terms::each_term;

/// The paths of an index, to be searched for terms. A path belongs to a view and not to a blob, so it has no postings.
pub(super) struct PathTerms<'i> {
    index: &'i Index,
    /// All paths in lower case and without underscores, each followed by a line feed.
    folded: String,
    /// Where each path ends in it.
    ends: Vec<usize>,
}

impl<'i> PathTerms<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        let mut folded = String::new();
        let mut ends = Vec::with_capacity(index.files.len());
        for file in &index.files {
            let path = file.path.as_str();
            let kept = path.chars().filter(|c| *c != '_');
            if path.is_ascii() {
                folded.extend(kept.map(|c| c.to_ascii_lowercase()));
            } else {
                folded.extend(kept.flat_map(char::to_lowercase));
            }
            folded.push('\n');
            ends.push(folded.len());
        }
        Self { index, folded, ends }
    }

    /// Calls `each` with the number of every file whose path has a term, and how often.
    pub(super) fn each_file_with(&self, term: &str, mut each: impl FnMut(u32, u32)) {
        // Stems are beginnings of words, but for a last `y` that was `ies`.
        let needle = term.strip_suffix('y').unwrap_or(term);
        let mut from = 0;
        while let Some(at) = self.folded[from..].find(needle) {
            let file = self.ends.partition_point(|end| *end <= from + at);
            let Some(indexed) = self.index.files.get(file) else {
                return;
            };
            let mut count = 0;
            each_term(indexed.path.as_str(), |own| count += u32::from(own == term));
            if count > 0 {
                each(file as u32, count);
            }
            from = self.ends[file];
        }
    }
}
