use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Instant;

use proptest::prelude::*;
use tree_sitter::Query;

use super::agreement_tests::{FIXTURES, NO_HURRY, cuts, mangled};
use super::pattern::PatternError;
use super::table::{self, Table};
use super::walk::{self, Match, Search, Wanted};
use super::*;
use crate::text::TextRange;

/// Pattern, and capture with range, of one match.
type Found = (usize, BTreeSet<(u16, TextRange)>);

/// A query with every construct that the table takes.
const JAVASCRIPT: &str = r#"
(program . (_) @first)
(program (_) @last .)
(statement_block . (lexical_declaration) . (_) @second)
(statement_block (expression_statement) @a . (return_statement) @b .)
(arguments (_) @a (_) @b)
(arguments _ @a (identifier) @b)
(arguments (number) (identifier) @after)
(arguments (_ (_)) (_) @after)
(variable_declarator !value) @bare
(variable_declarator name: (_) @name value: (_)? @value)
(lexical_declaration kind: ["const" "let"] @kind (variable_declarator name: [(identifier) (object_pattern)] @name))
[(identifier) (property_identifier) @member "=>" @arrow] @leaf
function: [(identifier) (member_expression)] @callee
(call_expression
  function: [(identifier) @name (member_expression object: (_) @object property: (property_identifier) @name)]
  arguments: (arguments [(string) @text (number)]?))
(method_definition (comment)* name: (_) @name (formal_parameters (_)+) (statement_block)) @method
((identifier) @name (#eq? @name "Cart"))
((identifier) @name (#not-eq? @name "Cart"))
((call_expression function: (_) @name) @call (#not-match? @name "[.]") (#match? @call "[(].+[)]$"))
((assignment_expression left: (_) @a right: (_) @b) (#eq? @a @b) (#set! kind same))
((property_identifier) @name (#any-of? @name "add" "remove" "total"))
((property_identifier) @name (#not-any-of? @name "add" "remove" "total"))
(pair key: (_) @key value: [(arrow_function) @function (function_expression) @function (_)])
"#;

/// How many patterns that query has.
const JAVASCRIPT_PATTERNS: usize = 22;

/// Anchors, alternations and fields in lists, as C has them.
const C: &str = r#"
(parameter_list . (parameter_declaration declarator: (_) @first))
(parameter_list (parameter_declaration) @a . (parameter_declaration) @b)
(parameter_list "," @comma . (parameter_declaration) @behind)
(declaration declarator: (_) @a declarator: (_) @b)
(declaration type: (_) @type declarator: [(init_declarator declarator: (_) @name value: (_)? @value) (_) @name])
(function_definition declarator: (function_declarator declarator: (identifier) @name) body: (_) @body)
(compound_statement . (declaration) @declared (return_statement)? @left)
(field_declaration_list (field_declaration) @one (field_declaration) @two .)
(translation_unit (comment) . (function_definition declarator: (_) @declarator))
"#;

const C_PATTERNS: usize = 9;

/// One query, compiled for both engines.
struct Compiled {
    language: Language,
    table: Table,
    query: Query,
}

impl Compiled {
    fn new(language: Language, source: &str) -> Self {
        let grammar = (language.spec().grammar)();
        let mut table = Table::default();
        table.add(table::Query::Tags, source, &grammar).unwrap();
        let query = Query::new(&grammar, source).unwrap();
        Self { language, table, query }
    }

    /// Returns what the walk finds, after asserting that the query engine finds the same.
    fn check(&self, text: &str) -> BTreeSet<Found> {
        let parsed = ParsedFile::parse_within(self.language, text, NO_HURRY);
        let tree = parsed.tree().unwrap();
        let (mut walked, mut queried) = (BTreeSet::new(), BTreeSet::new());
        walk::walk(&self.table, everything(), tree, text, |_, each| {
            walked.insert(found(each));
        });
        matches::for_each(&self.query, everything().deadline, tree, text, |each| {
            queried.insert(found(each));
        });
        let only = |a: &BTreeSet<Found>, b: &BTreeSet<Found>| a.difference(b).cloned().collect::<Vec<_>>();
        let (ours, theirs) = (only(&walked, &queried), only(&queried, &walked));
        assert!(
            ours.is_empty() && theirs.is_empty(),
            "{text}\nonly walk: {ours:?}\nonly query: {theirs:?}"
        );
        walked
    }

    /// Returns how many patterns match a text.
    fn patterns(&self, text: &str) -> usize {
        let found = self.check(text);
        found.iter().map(|found| found.0).collect::<BTreeSet<_>>().len()
    }
}

fn everything() -> Search {
    Search {
        wanted: Wanted::Both,
        deadline: Instant::now() + NO_HURRY,
    }
}

fn found(each: Match<'_>) -> Found {
    let captures = each.captures.iter().map(|capture| (capture.index, capture.range));
    (each.pattern, captures.collect())
}

fn captured(language: Language, source: &str, text: &str) -> Vec<String> {
    let words = |found: Found| {
        found
            .1
            .into_iter()
            .map(|(_, range)| &text[range.as_range()])
            .collect::<Vec<_>>()
    };
    let found = Compiled::new(language, source).check(text);
    found.into_iter().map(|found| words(found).join(" ")).collect()
}

#[test]
fn one_pattern_matches_in_every_way() {
    let found = |source| captured(Language::JavaScript, source, "f(a, 1, b);\n");
    assert_eq!(found("(arguments (identifier) @x)"), ["a", "b"]);
    assert_eq!(found("(arguments (_) @x (_) @y)"), ["a 1", "a b", "1 b"]);
    assert_eq!(found("(arguments . (_) @x . (_) @y)"), ["a 1"]);
    assert_eq!(found("(arguments (number) . (_) @x .)"), ["b"]);
    assert_eq!(found("(arguments (identifier) @x (string)? @y (number) @z)"), ["a 1"]);
    assert_eq!(found("(arguments [(number) (identifier)] @x \")\")"), ["a", "1", "b"]);
    assert_eq!(found("(call_expression !arguments) @x"), [""; 0]);
    assert_eq!(found("((identifier) @x (#match? @x \"^[bf]$\"))"), ["f", "b"]);
}

#[test]
fn every_construct_is_matched_as_the_engine_does() {
    let text = "const a = 1, b = 2;\nlet c;\nf(1, x);\nf(g(1), x, 'y', h);\na.b('t'); a = a; a = b;\nconst { d } = e;\n\
                class Cart {\n  // c\n  add(x) { const y = 1; y(); return y; }\n  remove() { x => 1; return; }\n}\n\
                o = { k: () => 1, l: function () {}, m: 3 };\n";
    assert_eq!(
        Compiled::new(Language::JavaScript, JAVASCRIPT).patterns(text),
        JAVASCRIPT_PATTERNS
    );
    let text =
        "/* c */\nint f(int a, int b, char *c) { int x = 1, y; return x; }\nstruct s { int a; int b; int c; };\n";
    assert_eq!(Compiled::new(Language::C, C).patterns(text), C_PATTERNS);
}

#[test]
fn what_is_not_supported_is_refused() {
    let refused = |source: &str| {
        let grammar = (Language::JavaScript.spec().grammar)();
        Table::default().add(table::Query::Tags, source, &grammar).unwrap_err()
    };
    for source in [
        "(_ (identifier) @a)",
        "(identifier)? @a",
        "(program (comment)* @a)",
        "(program (comment)? . (class_declaration) @a)",
        "(expression) @a",
        "((identifier) @a (#is-not? local))",
        "((identifier) @a (#any-eq? @a \"b\"))",
    ] {
        assert!(matches!(refused(source), PatternError::Unmatched { .. }), "{source}");
    }
    assert!(matches!(refused("(no_such_node) @a"), PatternError::UnknownKind(_)));
    assert!(matches!(
        refused("(program nothing: (_) @a)"),
        PatternError::UnknownField(_)
    ));
    assert!(matches!(
        refused("((identifier) @a (#match? @a \"(\"))"),
        PatternError::Regex(_)
    ));
}

#[test]
fn an_unsupported_query_leaves_the_table_as_it_was() {
    let grammar = (Language::JavaScript.spec().grammar)();
    let mut table = Table::default();
    let refused = table.add(table::Query::Tags, "(identifier) @a\n(expression) @b", &grammar);
    assert!(refused.is_err());
    table.add(table::Query::References, "(number) @a", &grammar).unwrap();
    let text = "a = 1;\n";
    let parsed = ParsedFile::parse(Language::JavaScript, text);
    let mut found = Vec::new();
    walk::walk(&table, everything(), parsed.tree().unwrap(), text, |query, each| {
        found.push((query, each.captures[0].range));
    });
    assert_eq!(found, [(table::Query::References, TextRange::new(4, 5))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mangled_source_is_matched_as_the_engine_does(cuts in cuts()) {
        static COMPILED: LazyLock<[Compiled; 2]> = LazyLock::new(|| {
            [Compiled::new(Language::JavaScript, JAVASCRIPT), Compiled::new(Language::C, C)]
        });
        for (language, _, text) in FIXTURES.iter() {
            for compiled in COMPILED.iter().filter(|compiled| compiled.language == *language) {
                compiled.check(&mangled(text, &cuts));
            }
        }
    }
}
