use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tree_sitter::{InputEdit, ParseOptions, Parser, Point, Tree};

use super::walk::{Search, Wanted};
use super::{Definition, Engine, Language, NameUse, UseKind, extract};
use crate::text::{TextEdit, TextRange};

/// The largest text that is parsed, in bytes. Larger files are mostly generated; they stay searchable as text.
pub const MAX_SOURCE_BYTES: usize = 2 << 20;

/// How long one file may take to parse, and again to query.
pub const PARSE_BUDGET: Duration = Duration::from_secs(2);

/// How much longer a parse is waited for that should have ended by itself.
const GRACE: Duration = Duration::from_millis(500);

/// A syntax tree and what is read off it.
///
/// The text is not kept: the methods that need it take it again, and it must be the text that was parsed.
#[derive(Clone, Debug)]
pub struct ParsedFile {
    language: Language,
    tree: Option<Tree>,
    outcome: ParseOutcome,
}

/// What is read off one syntax tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The definitions, outer before inner, in the order of the text.
    pub definitions: Vec<Definition>,
    /// Where names are used, in the order of the text, the names in definitions included.
    pub uses: Vec<(TextRange, UseKind)>,
    /// The comments in the order of the text.
    pub comments: Vec<TextRange>,
}

/// How far a parse came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseOutcome {
    /// There is a tree of the whole text; where the text is broken the tree says so.
    Complete,
    /// The text is longer than [`MAX_SOURCE_BYTES`].
    TooLarge,
    /// Parsing took longer than [`PARSE_BUDGET`].
    TooSlow,
}

/// One place that the grammar does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyntaxError {
    /// The bytes that were skipped, or the empty range where something is missing.
    pub range: TextRange,
    /// What is wrong there.
    pub kind: SyntaxErrorKind,
}

/// What a parser reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyntaxErrorKind {
    /// An ERROR node: text that fits nowhere.
    Error,
    /// A MISSING node: a token that should be there.
    Missing,
}

impl ParsedFile {
    /// Parses a text. Broken source gives a tree with errors; a text over the limits gives no tree and says so in
    /// [`ParsedFile::outcome`].
    pub fn parse(language: Language, text: &str) -> Self {
        Self::parse_within(language, text, PARSE_BUDGET)
    }

    /// Parses what a text has become by edits, each of what those before it leave, from the tree of `text`, which takes a
    /// fraction of the time. None where there is no tree to go on from. Where the result is broken, parsing it anew may find
    /// other errors.
    pub fn after<'e>(&self, text: &str, edits: impl Iterator<Item = &'e TextEdit>) -> Option<Self> {
        let spec = self.language.spec();
        // Such a text has to be parsed aside, or is not the one that is parsed.
        if spec.endless_scan.is_some() || !spec.macro_lines.is_empty() {
            return None;
        }
        let mut tree = self.tree.clone()?;
        let mut now = text.to_owned();
        for TextEdit { range, replacement } in edits {
            let start_position = behind(Point::default(), &now[..range.start]);
            let old_end_position = behind(start_position, &now[range.as_range()]);
            now.replace_range(range.as_range(), replacement);
            tree.edit(&InputEdit {
                start_byte: range.start,
                old_end_byte: range.end,
                new_end_byte: range.start + replacement.len(),
                start_position,
                old_end_position,
                new_end_position: behind(start_position, replacement),
            });
        }
        if now.len() > MAX_SOURCE_BYTES {
            return None;
        }
        let tree = parse_from(self.language, &now, PARSE_BUDGET, Some(&tree))?;
        Some(Self {
            language: self.language,
            tree: Some(tree),
            outcome: ParseOutcome::Complete,
        })
    }

    /// Returns the language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Tells whether the whole text was parsed.
    pub fn outcome(&self) -> ParseOutcome {
        self.outcome
    }

    /// Returns the syntax tree; none unless the outcome is [`ParseOutcome::Complete`].
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()
    }

    /// Returns the places that the grammar does not accept, in the order of the text. Costs nothing for a text
    /// without one.
    pub fn syntax_errors(&self) -> Vec<SyntaxError> {
        let mut errors = Vec::new();
        let Some(root) = self.tree.as_ref().map(Tree::root_node) else {
            return errors;
        };
        if !root.has_error() {
            return errors;
        }
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            let kind = match (node.is_missing(), node.is_error()) {
                (true, _) => Some(SyntaxErrorKind::Missing),
                (_, true) => Some(SyntaxErrorKind::Error),
                _ => None,
            };
            if let Some(kind) = kind {
                errors.push(SyntaxError {
                    range: node.byte_range().into(),
                    kind,
                });
            }
            // Subtrees without an error are not entered, so the cost follows the errors, not the text.
            if node.has_error() && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    errors.sort();
                    return errors;
                }
            }
        }
    }

    /// Returns all that is read off the tree, which costs less than one part after the other.
    pub fn facts(&self, text: &str) -> Facts {
        self.facts_by(Engine::Walk, text)
    }

    /// Returns [`ParsedFile::facts`] as an engine finds them.
    pub fn facts_by(&self, engine: Engine, text: &str) -> Facts {
        self.extract(engine, Wanted::Both, text)
    }

    /// Returns the definitions, outer before inner, in the order of the text.
    pub fn definitions(&self, text: &str) -> Vec<Definition> {
        self.extract(Engine::Walk, Wanted::Tags, text).definitions
    }

    /// Returns every use of a name in the order of the text, the names in definitions included.
    pub fn references(&self, text: &str) -> Vec<NameUse> {
        let uses = self.extract(Engine::Walk, Wanted::References, text).uses;
        let named = uses.into_iter().filter_map(|(range, kind)| {
            let name = text.get(range.as_range())?.to_owned();
            Some(NameUse { name, range, kind })
        });
        named.collect()
    }

    /// Returns the comments in the order of the text.
    pub fn comments(&self, text: &str) -> Vec<TextRange> {
        self.extract(Engine::Walk, Wanted::Tags, text).comments
    }

    fn extract(&self, engine: Engine, wanted: Wanted, text: &str) -> Facts {
        let deadline = Instant::now() + PARSE_BUDGET;
        self.search(engine, Search { wanted, deadline }, text)
    }

    /// Returns what a search finds; the rest is empty.
    pub(super) fn search(&self, engine: Engine, search: Search, text: &str) -> Facts {
        self.tree.as_ref().map_or_else(Facts::default, |tree| {
            extract::facts(self.language, engine, search, tree, text)
        })
    }

    /// Returns [`ParsedFile::parse`] with another budget.
    pub(super) fn parse_within(language: Language, text: &str, budget: Duration) -> Self {
        let (tree, outcome) = if text.len() > MAX_SOURCE_BYTES {
            (None, ParseOutcome::TooLarge)
        } else {
            match parse_tree(language, text, budget) {
                Some(tree) => (Some(tree), ParseOutcome::Complete),
                None => (None, ParseOutcome::TooSlow),
            }
        };
        Self {
            language,
            tree,
            outcome,
        }
    }
}

fn parse_tree(language: Language, text: &str, budget: Duration) -> Option<Tree> {
    match language.spec().endless_scan {
        Some(trigger) if text.contains(trigger) => parse_aside(language, text, budget),
        _ => parse_here(language, text, budget),
    }
}

/// Parses on a thread of its own, which is left behind when it does not end: nothing can stop it but the end of the
/// process.
fn parse_aside(language: Language, text: &str, budget: Duration) -> Option<Tree> {
    let (sender, receiver) = mpsc::channel();
    let text = text.to_owned();
    let parse = move || drop(sender.send(parse_here(language, &text, budget)));
    thread::Builder::new().name("parser".to_owned()).spawn(parse).ok()?;
    receiver.recv_timeout(budget + GRACE).ok().flatten()
}

fn parse_here(language: Language, text: &str, budget: Duration) -> Option<Tree> {
    parse_from(language, text, budget, None)
}

fn parse_from(language: Language, text: &str, budget: Duration, from: Option<&Tree>) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&(language.spec().grammar)()).ok()?;
    let text = without_macro_lines(language, text);
    let bytes = text.as_bytes();
    let deadline = Instant::now() + budget;
    let mut progress = |_: &tree_sitter::ParseState| {
        if Instant::now() < deadline {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    parser.parse_with_options(
        &mut |offset, _| bytes.get(offset..).unwrap_or_default(),
        from,
        Some(ParseOptions::new().progress_callback(&mut progress)),
    )
}

/// Returns where a text ends that begins at a point; columns are in bytes.
fn behind(start: Point, text: &str) -> Point {
    match text.rfind('\n') {
        None => Point::new(start.row, start.column + text.len()),
        Some(last) => {
            let lines = text.bytes().filter(|byte| *byte == b'\n').count();
            Point::new(start.row + lines, text.len() - last - 1)
        }
    }
}

/// Returns the text with every macro line of the language blank, each byte in its place.
fn without_macro_lines(language: Language, text: &str) -> Cow<'_, str> {
    let macros = language.spec().macro_lines;
    if !macros.iter().any(|name| text.contains(name)) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if macros.contains(&line.trim()) {
            masked.extend(line.chars().map(|c| if c.is_ascii_graphic() { ' ' } else { c }));
        } else {
            masked.push_str(line);
        }
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_missing_tokens_are_found() {
        assert!(
            ParsedFile::parse(Language::Rust, "fn a() {}\n")
                .syntax_errors()
                .is_empty()
        );
        let errors = ParsedFile::parse(Language::C, "int a = 1\nint b;\n").syntax_errors();
        assert!(errors.iter().any(|e| e.kind == SyntaxErrorKind::Missing), "{errors:?}");
        let errors = ParsedFile::parse(Language::Python, "def f():\n    return 1 ) + (\n").syntax_errors();
        assert!(errors.iter().any(|e| e.kind == SyntaxErrorKind::Error), "{errors:?}");
    }

    #[test]
    fn a_tree_after_edits_is_that_of_the_text_after_them() {
        let text = "def f(a):\n    if a:\n        g(a)\n    return 1\n\n\nclass C:\n    x = \"é\"\n";
        let edit = |of: &str, start: &str, replacement: &str| TextEdit {
            range: {
                let at = of.find(start).unwrap();
                (at..at + start.len()).into()
            },
            replacement: replacement.to_owned(),
        };
        let parsed = ParsedFile::parse(Language::Python, text);
        let mut edits = Vec::new();
        let mut now = text.to_owned();
        for (old, new) in [
            ("g(a)", "g(\n            a,\n        )"),
            ("    return 1\n", ""),
            ("x = ", "y = x = "),
        ] {
            let next = edit(&now, old, new);
            now.replace_range(next.range.as_range(), new);
            edits.push(next);
            let after = parsed.after(text, edits.iter()).unwrap();
            let anew = ParsedFile::parse(Language::Python, &now);
            let tree = |parsed: &ParsedFile| parsed.tree().unwrap().root_node().to_sexp();
            assert_eq!(tree(&after), tree(&anew));
            assert_eq!(after.definitions(&now), anew.definitions(&now));
        }
        let broken = edit(&now, "g(", "g((");
        edits.push(broken);
        assert!(!parsed.after(text, edits.iter()).unwrap().syntax_errors().is_empty());
    }

    #[cfg(feature = "all-languages")]
    #[test]
    fn macro_lines_are_not_code() {
        let text = "NS_ASSUME_NONNULL_BEGIN\r\n\n@interface A : B\n- (void)f;\n@end\nNS_ASSUME_NONNULL_END\n";
        let parsed = ParsedFile::parse(Language::ObjectiveC, text);
        assert_eq!(parsed.syntax_errors(), []);
        let names: Vec<String> = parsed.definitions(text).into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["A", "f"]);
    }

    #[test]
    fn limits_are_reported_instead_of_a_tree() {
        let large = " ".repeat(MAX_SOURCE_BYTES + 1);
        let parsed = ParsedFile::parse(Language::Rust, &large);
        assert_eq!(parsed.outcome(), ParseOutcome::TooLarge);
        assert!(parsed.tree().is_none() && parsed.definitions(&large).is_empty());
        let long = "fn a() { let x = [1, 2, 3]; }\n".repeat(20_000);
        let parsed = ParsedFile::parse_within(Language::Rust, &long, Duration::ZERO);
        assert_eq!(parsed.outcome(), ParseOutcome::TooSlow);
    }

    #[test]
    fn a_scanner_that_does_not_end_is_left_behind() {
        for text in ["<<``\n$)", "print <<\"A\";\n$)"] {
            let parsed = ParsedFile::parse_within(Language::Perl, text, Duration::from_millis(100));
            assert_eq!(parsed.outcome(), ParseOutcome::TooSlow);
        }
        let text = "print <<\"A\";\nsub $x\nA\nsub f { 1 }\n";
        let names: Vec<String> = ParsedFile::parse(Language::Perl, text)
            .definitions(text)
            .into_iter()
            .map(|definition| definition.name)
            .collect();
        assert_eq!(names, ["f"]);
    }

    #[test]
    fn deep_nesting_ends_in_time() {
        for (language, open) in [
            (Language::Rust, "f(|| "),
            (Language::Python, "["),
            (Language::Tsx, "<a>"),
            (Language::Cpp, "a<"),
            (Language::C, "{"),
            #[cfg(feature = "all-languages")]
            (Language::Swift, "f { "),
            (Language::Zig, "if (a) {"),
            (Language::Ruby, "a { [ "),
            (Language::Php, "<?php f(function () { "),
            (Language::Lua, "f(function() "),
            (Language::Perl, "sub { ("),
            (Language::R, "function(x) {"),
            #[cfg(feature = "all-languages")]
            (Language::Julia, "function f(x) ["),
            (Language::Kotlin, "f<a { "),
            (Language::Scala, "{ case a => ("),
            (Language::CSharp, "a<("),
            #[cfg(feature = "all-languages")]
            (Language::ObjectiveC, "[a ^{ "),
            (Language::Dart, "f(() { "),
            (Language::Groovy, "a { [ "),
        ] {
            let text = open.repeat(20_000);
            // The queries are compiled before the clock starts.
            let empty = ParsedFile::parse(language, "");
            empty.definitions("");
            empty.references("");
            let started = Instant::now();
            let parsed = ParsedFile::parse(language, &text);
            parsed.syntax_errors();
            parsed.definitions(&text);
            parsed.references(&text);
            assert!(
                started.elapsed() < PARSE_BUDGET * 4,
                "{language:?}: {:?}",
                started.elapsed()
            );
        }
    }
}
