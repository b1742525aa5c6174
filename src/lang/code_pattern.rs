//! Pieces of code with holes, looked for in syntax trees: `open($PATH, $$$REST)`.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use tree_sitter::Node;

use super::{Language, ParsedFile};
use crate::text::TextRange;

/// A longer pattern is no pattern that a person wrote.
const MOST_PATTERN_BYTES: usize = 4096;
/// How many comparisons one place may take, so that several `$$$` cannot take forever.
const MOST_COMPARISONS: usize = 100_000;

/// A piece of code with holes.
///
/// `$NAME` (capitals, digits, `_`) stands for one node of the syntax tree, `$$$NAME` for any number of neighbours; a name
/// that comes twice must stand for the same text, `$_` and `$$$` may differ each time. The rest must be there as it is
/// written, whatever its layout and comments; punctuation and keywords that the pattern lacks may be there too.
#[derive(Clone, Debug)]
pub struct CodePattern {
    language: Language,
    piece: Piece,
    /// A word that must stand in a text with a match.
    word: Option<String>,
}

/// A place that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeMatch {
    /// What matches.
    pub range: TextRange,
    /// What stands in the named holes; the empty range where `$$$NAME` stands for nothing.
    pub captures: BTreeMap<String, TextRange>,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodePatternError {
    /// It has no code, or a hole is all that it has.
    #[error("a pattern needs more than a hole")]
    OnlyAHole,
    /// It is longer than a pattern may be.
    #[error("the pattern has {bytes} bytes; at most {MOST_PATTERN_BYTES} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The grammar does not accept it as one expression, statement or definition.
    #[error("the pattern is no single piece of {language} code")]
    NoCode {
        /// The language.
        language: &'static str,
    },
    /// `$` begins a variable there, or there is no code.
    #[error("code is not looked for in {language}")]
    NotTaken {
        /// The language.
        language: &'static str,
    },
}

#[derive(Clone, Debug)]
enum Piece {
    One(Hole),
    Many(Hole),
    /// A node without children: a name, a number, an operator.
    Leaf {
        kind: u16,
        text: String,
    },
    Node {
        kind: u16,
        children: Vec<Piece>,
    },
}

/// The name of a hole; none where it may stand for something else each time.
type Hole = Option<String>;

impl CodePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`CodePatternError`] when it is no single piece of code of the language.
    pub fn new(language: Language, pattern: &str) -> Result<Self, CodePatternError> {
        let pattern = pattern.trim();
        if pattern.len() > MOST_PATTERN_BYTES {
            return Err(CodePatternError::TooLong { bytes: pattern.len() });
        }
        let spec = language.spec();
        if !spec.takes_patterns {
            return Err(CodePatternError::NotTaken { language: spec.name });
        }
        let holes = Holes::in_text(pattern);
        let code = holes.code.trim_end_matches(';').trim_end();
        for (before, after) in spec.contexts {
            let text = format!("{before}{code}{after}");
            let parsed = ParsedFile::parse(language, &text);
            let Some(root) = parsed.tree().map(|tree| tree.root_node()) else {
                continue;
            };
            let range = before.len()..before.len() + code.len();
            let Some(node) = root.named_descendant_for_byte_range(range.start, range.end) else {
                continue;
            };
            let beyond = [&text[node.start_byte()..range.start], &text[range.end..node.end_byte()]];
            // The root holds several pieces, or the context.
            let is_one = node.parent().is_some();
            let adds_nothing = beyond.iter().all(|text| text.trim_matches([';', ' ', '\n']).is_empty());
            if !is_one || !adds_nothing || !is_sound(node) {
                continue;
            }
            let piece = holes.piece(only_child(node), &text);
            // A part of a word or of a string is no hole.
            if piece.holes() != holes.names.len() {
                continue;
            }
            return match piece {
                Piece::One(_) | Piece::Many(_) => Err(CodePatternError::OnlyAHole),
                piece @ (Piece::Leaf { .. } | Piece::Node { .. }) => Ok(Self {
                    language,
                    word: piece.word(),
                    piece,
                }),
            };
        }
        Err(CodePatternError::NoCode { language: spec.name })
    }

    /// Reads a pattern in those of some languages that take it: what one refuses another may take.
    ///
    /// # Errors
    /// The first refusal, where all refuse it.
    pub fn in_any(languages: impl Iterator<Item = Language>, pattern: &str) -> Result<Vec<Self>, CodePatternError> {
        let languages: BTreeSet<Language> = languages.filter(|language| language.spec().takes_patterns).collect();
        let mut patterns = Vec::new();
        let mut refused = None;
        for language in languages {
            match Self::new(language, pattern) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(error) if patterns.is_empty() => Err(error),
            _ => Ok(patterns),
        }
    }

    /// Returns the places in a text that the pattern of its language matches, of several patterns, and the tree that they were
    /// found in; none where there can be none.
    pub fn all_in(patterns: &[Self], language: Option<Language>, text: &str) -> Option<(Vec<CodeMatch>, ParsedFile)> {
        let own = patterns.iter().find(|own| Some(own.language) == language)?;
        own.may_match(text).then(|| {
            let parsed = ParsedFile::parse(own.language, text);
            (own.matches(&parsed, text), parsed)
        })
    }

    /// Returns the language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Tells whether a text may have a match; much cheaper than parsing it.
    pub fn may_match(&self, text: &str) -> bool {
        self.word.as_ref().is_none_or(|word| text.contains(word.as_str()))
    }

    /// Returns the places that match, outer before inner, in the order of the text.
    pub fn matches(&self, parsed: &ParsedFile, text: &str) -> Vec<CodeMatch> {
        let mut found = Vec::new();
        let Some(tree) = parsed.tree().filter(|_| parsed.language() == self.language) else {
            return found;
        };
        let mut cursor = tree.walk();
        loop {
            let node = cursor.node();
            let mut matcher = Matcher {
                text,
                captures: BTreeMap::new(),
                comparisons: 0,
            };
            if matcher.matches(&self.piece, node) {
                found.push(CodeMatch {
                    range: node.byte_range().into(),
                    captures: matcher.captures,
                });
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return found;
                }
            }
        }
    }
}

/// Tells whether the grammar accepts a node, but for terminators: where a hole stands for statements nobody writes one.
fn is_sound(node: Node<'_>) -> bool {
    let is_accepted = !node.is_error() && (!node.is_missing() || node.kind() == ";");
    let mut inside = (0..node.child_count()).filter_map(|at| node.child(at as _));
    is_accepted && (!node.has_error() || inside.all(is_sound))
}

/// Goes down to the innermost node with the same text: a statement that is only an expression is that expression.
fn only_child(mut node: Node<'_>) -> Node<'_> {
    while node.named_child_count() == 1 {
        match node.named_child(0) {
            Some(child) if child.start_byte() == node.start_byte() && is_end_of(child, node) => node = child,
            _ => break,
        }
    }
    node
}

/// Tells whether a child ends where its parent does, but for a terminator.
fn is_end_of(child: Node<'_>, node: Node<'_>) -> bool {
    let next = child.next_sibling();
    child.end_byte() == node.end_byte() || next.is_some_and(|next| next.kind() == ";" && next.next_sibling().is_none())
}

/// A pattern with words of the language in place of its holes.
struct Holes {
    code: String,
    names: Vec<Hole>,
}

impl Holes {
    /// Letters and digits only: every grammar takes that for a name.
    const ONE: &str = "skiffone";
    const MANY: &str = "skiffmany";
    const END: char = 'q';

    fn in_text(pattern: &str) -> Self {
        let mut code = String::new();
        let mut names = Vec::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('$') {
            code.push_str(&rest[..at]);
            let dollars = if rest[at..].starts_with("$$$") { 3 } else { 1 };
            let after = &rest[at + dollars..];
            let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            let name = &after[..end];
            if dollars == 1 && !name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') {
                code.push('$');
                rest = after;
                continue;
            }
            let word = if dollars == 3 { Self::MANY } else { Self::ONE };
            code.push_str(&format!("{word}{}{}", names.len(), Self::END));
            names.push((!name.is_empty() && name != "_").then(|| name.to_owned()));
            rest = &after[end..];
        }
        code.push_str(rest);
        Self { code, names }
    }

    /// Returns the hole that a text is, and nothing else.
    fn hole(&self, text: &str) -> Option<Piece> {
        let text = text.trim_end_matches(';').trim_end().strip_suffix(Self::END)?;
        let one = text.strip_prefix(Self::ONE).map(|number| (number, false));
        let (number, is_many) = one.or(text.strip_prefix(Self::MANY).map(|number| (number, true)))?;
        let hole = self.names.get(number.parse::<usize>().ok()?)?.clone();
        Some(if is_many { Piece::Many(hole) } else { Piece::One(hole) })
    }

    fn piece(&self, node: Node<'_>, text: &str) -> Piece {
        let own = &text[node.byte_range()];
        if let Some(hole) = self.hole(own) {
            return hole;
        }
        let children: Vec<Node<'_>> = children(node).collect();
        if children.is_empty() {
            return Piece::Leaf {
                kind: node.kind_id(),
                text: own.to_owned(),
            };
        }
        let last = children.len() - 1;
        let written = children.iter().enumerate().filter(|(at, child)| {
            // A terminator that the grammar wants and nobody wrote.
            !(child.is_missing() || (*at == last && child.kind() == ";"))
        });
        let mut pieces: Vec<Piece> = written.map(|(_, child)| self.piece(*child, text)).collect();
        drop_separators(&mut pieces);
        Piece::Node {
            kind: node.kind_id(),
            children: pieces,
        }
    }
}

/// Takes the commas beside `$$$` out: where it stands for nothing they are not there either.
fn drop_separators(pieces: &mut Vec<Piece>) {
    let is_many = |piece: Option<&Piece>| matches!(piece, Some(Piece::Many(_)));
    let kept = (0..pieces.len()).map(|at| {
        let is_comma = matches!(&pieces[at], Piece::Leaf { text, .. } if text == ",");
        let beside = is_many(pieces.get(at + 1)) || (at > 0 && is_many(pieces.get(at - 1)));
        !(is_comma && beside)
    });
    let kept: Vec<bool> = kept.collect();
    let mut kept = kept.into_iter();
    pieces.retain(|_| kept.next().unwrap_or(true));
}

fn children(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    (0..node.child_count())
        .filter_map(move |at| node.child(at as _))
        .filter(|child| !child.is_extra())
}

impl Piece {
    fn holes(&self) -> usize {
        match self {
            Self::One(_) | Self::Many(_) => 1,
            Self::Leaf { .. } => 0,
            Self::Node { children, .. } => children.iter().map(Self::holes).sum(),
        }
    }

    /// Returns the longest word that must be there.
    fn word(&self) -> Option<String> {
        match self {
            Self::One(_) | Self::Many(_) => None,
            Self::Leaf { text, .. } => Some(text.clone()),
            Self::Node { children, .. } => children.iter().filter_map(Self::word).max_by_key(String::len),
        }
    }
}

struct Matcher<'t> {
    text: &'t str,
    captures: BTreeMap<String, TextRange>,
    comparisons: usize,
}

impl Matcher<'_> {
    fn matches(&mut self, piece: &Piece, node: Node<'_>) -> bool {
        self.comparisons += 1;
        if self.comparisons > MOST_COMPARISONS {
            return false;
        }
        match piece {
            Piece::One(hole) => node.is_named() && self.capture(hole, node.byte_range().into()),
            Piece::Many(hole) => self.capture(hole, node.byte_range().into()),
            Piece::Leaf { kind, text } => {
                node.kind_id() == *kind && node.child_count() == 0 && self.text[node.byte_range()] == **text
            }
            Piece::Node { kind, children: pieces } => {
                node.kind_id() == *kind && {
                    let children: Vec<Node<'_>> = children(node).collect();
                    self.matches_all(pieces, &children, node.start_byte())
                }
            }
        }
    }

    /// Tells whether pieces match neighbours, of which the first that is left stands behind `after`.
    fn matches_all(&mut self, pieces: &[Piece], nodes: &[Node<'_>], after: usize) -> bool {
        let Some((piece, pieces)) = pieces.split_first() else {
            return nodes.iter().all(|node| !node.is_named());
        };
        let before = self.captures.clone();
        if let Piece::Many(hole) = piece {
            for count in 0..=nodes.len() {
                let mut named = nodes[..count].iter().filter(|node| node.is_named());
                let range = match (named.next(), nodes[..count].iter().rfind(|node| node.is_named())) {
                    (Some(first), Some(last)) => TextRange::new(first.start_byte(), last.end_byte()),
                    _ => TextRange::empty(after),
                };
                let end = nodes[..count].last().map_or(after, Node::end_byte);
                if self.capture(hole, range) && self.matches_all(pieces, &nodes[count..], end) {
                    return true;
                }
                self.captures.clone_from(&before);
                if self.comparisons > MOST_COMPARISONS {
                    return false;
                }
            }
            return false;
        }
        for (at, node) in nodes.iter().enumerate() {
            if self.matches(piece, *node) && self.matches_all(pieces, &nodes[at + 1..], node.end_byte()) {
                return true;
            }
            self.captures.clone_from(&before);
            if node.is_named() {
                return false;
            }
        }
        false
    }

    /// Takes what stands in a hole; tells whether it is what stood there before.
    fn capture(&mut self, hole: &Hole, range: TextRange) -> bool {
        self.comparisons += 1;
        let Some(name) = hole else { return true };
        match self.captures.get(name) {
            Some(known) => self.text[known.as_range()] == self.text[range.as_range()],
            None => {
                self.captures.insert(name.clone(), range);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(language: Language, pattern: &str, text: &'t str) -> Vec<&'t str> {
        let pattern = CodePattern::new(language, pattern).unwrap();
        let parsed = ParsedFile::parse(language, text);
        let matches = pattern.matches(&parsed, text);
        assert!(matches.is_empty() || pattern.may_match(text));
        matches.into_iter().map(|found| &text[found.range.as_range()]).collect()
    }

    fn holes(language: Language, pattern: &str, text: &str) -> Vec<(String, String)> {
        let pattern = CodePattern::new(language, pattern).unwrap();
        let mut matches = pattern.matches(&ParsedFile::parse(language, text), text);
        assert_eq!(matches.len(), 1, "{matches:?}");
        let captures = matches.remove(0).captures.into_iter();
        captures
            .map(|(name, range)| (name, text[range.as_range()].to_owned()))
            .collect()
    }

    #[test]
    fn layout_and_comments_do_not_matter() {
        let text = "x = open(\n    path,  # where\n    mode,\n)\nopen(path)\nreopen(path, mode)\n";
        assert_eq!(
            found(Language::Python, "open($P, $M)", text),
            ["open(\n    path,  # where\n    mode,\n)"]
        );
        assert_eq!(found(Language::Python, "open($P)", text), ["open(path)"]);
        assert_eq!(found(Language::Python, "open($$$)", text).len(), 2);
    }

    #[test]
    fn holes_take_what_stands_there() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let python = |pattern, text| holes(Language::Python, pattern, text);
        assert_eq!(
            python("log($FIRST, $$$REST)", "log(a.b(1), c, *d)"),
            [pair("FIRST", "a.b(1)"), pair("REST", "c, *d")]
        );
        assert_eq!(
            python("log($FIRST, $$$REST)", "log(a)"),
            [pair("FIRST", "a"), pair("REST", "")]
        );
        assert_eq!(
            python("log($$$BEFORE, last=$L, $$$AFTER)", "log(1, 2, last=3)"),
            [pair("AFTER", ""), pair("BEFORE", "1, 2"), pair("L", "3")]
        );
        assert_eq!(
            python("if $C:\n    return $V", "def f():\n    if a and b:\n        return 1\n"),
            [pair("C", "a and b"), pair("V", "1")]
        );
    }

    #[test]
    fn a_name_stands_for_the_same_text_each_time() {
        let text = "a.x == a.x\na.x == b.x\n";
        assert_eq!(found(Language::Python, "$A == $A", text), ["a.x == a.x"]);
        assert_eq!(found(Language::Python, "$_ == $_", text).len(), 2);
        assert_eq!(found(Language::Python, "$A < $A", text), Vec::<&str>::new());
    }

    #[test]
    fn calls_in_c_are_calls() {
        let text = "int f(char *s) {\n  strcpy(buf, s);\n  if (strcpy(a->b, \"x\")) return 1;\n  /* strcpy(a, b) */\n  return 0;\n}\n";
        assert_eq!(
            found(Language::C, "strcpy($TO, $FROM)", text),
            ["strcpy(buf, s)", "strcpy(a->b, \"x\")"]
        );
        assert_eq!(found(Language::C, "if ($C) return 1;", text).len(), 1);
        assert_eq!(found(Language::C, "int $F($$$ARGS) { $$$BODY }", text).len(), 1);
    }

    #[test]
    fn many_languages_take_the_same_call() {
        let cases = [
            (Language::Rust, "fn f() { let a = go(1, b); }"),
            (Language::JavaScript, "const a = go(1, b);"),
            (Language::TypeScript, "const a: number = go(1, b)"),
            (Language::Go, "package p\nfunc f() { a := go_(1, b) }"),
            (Language::Java, "class A { void f() { int a = go(1, b); } }"),
            (Language::CSharp, "class A { void F() { var a = go(1, b); } }"),
            (Language::Cpp, "int f() { auto a = go(1, b); }"),
            (Language::Ruby, "a = go(1, b)"),
            (Language::Kotlin, "fun f() { val a = go(1, b) }"),
            (Language::Lua, "local a = go(1, b)"),
        ];
        for (language, text) in cases {
            let name = if language == Language::Go { "go_" } else { "go" };
            let pattern = format!("{name}($A, $B)");
            assert_eq!(
                found(language, &pattern, text),
                [format!("{name}(1, b)")],
                "{}",
                language.name()
            );
        }
    }

    #[test]
    fn what_is_no_piece_of_code_is_refused() {
        let refused = |language, pattern| CodePattern::new(language, pattern).unwrap_err();
        assert_eq!(refused(Language::Python, "$A"), CodePatternError::OnlyAHole);
        assert_eq!(
            refused(Language::Python, "f("),
            CodePatternError::NoCode { language: "Python" }
        );
        assert_eq!(
            refused(Language::Python, "a = 1\nb = 2"),
            CodePatternError::NoCode { language: "Python" }
        );
        assert_eq!(
            refused(Language::Bash, "echo $A"),
            CodePatternError::NotTaken { language: "Bash" }
        );
        assert!(matches!(
            refused(Language::Python, &"a".repeat(5000)),
            CodePatternError::TooLong { .. }
        ));
    }

    #[test]
    fn many_holes_end_in_time() {
        let text = format!("f({})", "a, ".repeat(400));
        assert_eq!(
            found(Language::Python, "f($$$A, x, $$$B, y, $$$C, z)", &text),
            Vec::<&str>::new()
        );
    }
}
