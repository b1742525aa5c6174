use super::ParsedFile;
use crate::text::{TextRange, lines_around};

impl ParsedFile {
    /// Returns the smallest piece of syntax around a range that has its lines for itself: mostly a statement. From the
    /// start of its first line to the last character of its last.
    ///
    /// Where that is more than `most_lines`, or there is no tree, it is the lines of the range alone.
    pub fn own_lines(&self, text: &str, range: TextRange, most_lines: usize) -> TextRange {
        let alone = lines_around(text, range);
        let Some(tree) = self.tree() else {
            return alone;
        };
        let mut node = tree.root_node().descendant_for_byte_range(range.start, range.end);
        while let Some(own) = node {
            let around = lines_around(text, own.byte_range().into());
            if text[around.as_range()].lines().count() > most_lines {
                break;
            }
            let before = &text[around.start..own.start_byte()];
            let after = text[own.end_byte()..around.end].trim_start_matches([';', ',', ' ', '\t']);
            let is_comment = ["//", "#", "--", "/*"].iter().any(|mark| after.starts_with(mark));
            if own.parent().is_some() && before.trim().is_empty() && (after.is_empty() || is_comment) {
                return around;
            }
            node = own.parent();
        }
        alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn own_lines<'t>(language: Language, text: &'t str, part: &str, most_lines: usize) -> &'t str {
        let start = text.find(part).unwrap();
        let range = TextRange::new(start, start + part.len());
        let parsed = ParsedFile::parse(language, text);
        &text[parsed.own_lines(text, range, most_lines).as_range()]
    }

    #[test]
    fn a_statement_has_its_lines_for_itself() {
        let text = "void f(void) {\n  int a = g(\n    1); /* one */\n  if (a) h(2);\n  x = 1; y = k(3);\n}\n";
        let own = |part| own_lines(Language::C, text, part, 8);
        assert_eq!(own("g(\n    1)"), "  int a = g(\n    1); /* one */");
        assert_eq!(own("1)"), "  int a = g(\n    1); /* one */");
        assert_eq!(own("h(2)"), "  if (a) h(2);");
        // Two statements on one line: what has lines for itself is the function.
        assert_eq!(own("k(3)").lines().count(), 6);
        assert_eq!(own_lines(Language::C, text, "k(3)", 4), "  x = 1; y = k(3);");
    }

    #[test]
    fn a_block_that_is_too_long_is_left_at_its_head() {
        let text = "if check(a):\n    b()\n    c()\nd()";
        assert_eq!(
            own_lines(Language::Python, text, "check(a)", 8),
            "if check(a):\n    b()\n    c()"
        );
        assert_eq!(own_lines(Language::Python, text, "check(a)", 2), "if check(a):");
        assert_eq!(own_lines(Language::Python, text, "d()", 2), "d()");
    }
}
