use proptest::strategy::Strategy;

use super::*;
use crate::lang::UseKind;
use crate::progress::{NoProgress, Phase, Progress};
use crate::text::RepoPath;

macro_rules! fixtures {
    ($($path:literal),* $(,)?) => {
        vec![$(($path, include_str!(concat!("../../fixtures/lang/", $path)))),*]
    };
}

fn index_of(texts: Vec<(&str, &str)>) -> Index {
    let texts = texts
        .into_iter()
        .map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
    Index::from_texts(texts.collect(), &NoProgress).unwrap()
}

/// Every fixture as one repository, with some text that has no grammar.
fn repository() -> Index {
    let mut texts = fixtures![
        "c/ring.c",
        "cpp/matrix.cpp",
        "go/cache.go",
        "java/Account.java",
        "javascript/cart.js",
        "python/report.py",
        "python/test_report.py",
        "rust/interval.rs",
        "tsx/panel.tsx",
        "typescript/scheduler.ts",
    ];
    texts.push((
        "README.md",
        "# Samples\n\nOne small program a language.\n\n## Installation\n\nNothing to install.\n",
    ));
    texts.push((
        "config/logging.toml",
        "[logging]\nlevel = \"debug\"\nrotate_daily = true\n",
    ));
    texts.push(("package.json", "{\"name\": \"samples\", \"license\": \"MIT\"}\n"));
    index_of(texts)
}

fn found(index: &Index, query: &str) -> Vec<String> {
    let hits = index.search(query, 5);
    hits.into_iter()
        .map(|hit| index.symbol(hit.symbol).qualified.clone())
        .collect()
}

#[test]
fn requests_in_plain_language_find_the_function() {
    let index = repository();
    for (query, expected) in [
        ("reject reversed ranges in parse_interval", "parse_interval"),
        (
            "the report should print totals with two decimals",
            "Report.render_totals",
        ),
        ("round cents half to even", "roundCents"),
        ("wait longer between retries after each failure", "Scheduler.retry"),
        ("coupons must never make an amount negative", "applyCoupon"),
        ("drop expired cache entries", "evictExpired"),
        (
            "grow the ring instead of failing when pushing to a full one",
            "ring_push",
        ),
        (
            "transposing a matrix swaps rows and columns",
            "linear::Matrix::transpose",
        ),
        ("withdrawing more than the overdraft allows", "Account.withdraw"),
        ("show badge counts over 99 differently", "Badge"),
        ("orders below the minimum should be logged when loading", "load_orders"),
    ] {
        let found = found(&index, query);
        // The first three: what is shown to a model to choose from is longer.
        assert!(found.iter().take(3).any(|name| name == expected), "{query}: {found:?}");
    }
}

#[test]
fn what_is_mentioned_comes_first() {
    let index = repository();
    for (query, expected) in [
        ("make Cart.add() return the new count", "Cart.add"),
        ("Interval::contains should include the end", "Interval::contains"),
        ("document `line`", "Report.render_totals.line"),
        ("in withTax use the reduced rate", "withTax"),
        (
            "Traceback: File \"python/report.py\", line 36, in from_row",
            "Order.from_row",
        ),
        ("panic at go/cache.go:66", "Cache.Get"),
    ] {
        let found = found(&index, query);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{query}: {found:?}");
    }
    let hits = index.search("what does scheduler.ts do", 5);
    assert!(
        hits.iter()
            .all(|hit| index.symbol(hit.symbol).path.as_str() == "typescript/scheduler.ts")
    );
}

#[test]
fn tests_come_later_unless_they_are_asked_for() {
    let index = repository();
    assert_ne!(found(&index, "totals are rendered")[0], "test_totals_are_rendered");
    assert_eq!(
        found(&index, "test that totals are rendered")[0],
        "test_totals_are_rendered"
    );
}

#[test]
fn files_without_a_grammar_are_found() {
    let index = repository();
    for (query, expected) in [
        ("logging level", "config/logging.toml"),
        ("rotate the log daily", "config/logging.toml"),
        ("installation section of the readme", "README.md"),
        ("which license", "package.json"),
        ("parse intervals", "rust/interval.rs"),
        ("change report.py", "python/report.py"),
    ] {
        let hits = index.search_files(query, 3);
        assert_eq!(
            hits.first().map(|hit| hit.path.as_str()),
            Some(expected),
            "{query}: {hits:?}"
        );
    }
}

fn first_file(index: &Index, query: &str) -> String {
    let hits = index.search_files(query, 1);
    hits.first().map(|hit| hit.path.to_string()).unwrap_or_default()
}

#[test]
fn files_that_are_named_come_first() {
    let index = repository();
    for (query, expected) in [
        ("totals are wrong\n\nsee /srv/app/rust/interval.rs", "rust/interval.rs"),
        (
            "totals are wrong\n\nthe loop in rust.interval never ends",
            "rust/interval.rs",
        ),
        (
            "expired entries\n\nException in thread \"main\"\n\tat bank.Account.withdraw(Account.java:12)",
            "java/Account.java",
        ),
        (
            "it crashes\n\nTraceback (most recent call last):\n  File \"go/cache.py\", line 3, in x\n  \
             File \"/app/python/report.py\", line 36, in from_row\nValueError: cache entry",
            "python/report.py",
        ),
        ("`parse_interval` takes the totals of a report", "rust/interval.rs"),
    ] {
        assert_eq!(first_file(&index, query), expected, "{query}");
    }
}

#[test]
fn boilerplate_does_not_lead_astray() {
    let index = repository();
    let query = "drop expired entries\n\n## Environment\n\nreport totals orders report.py scheduler retry account\n";
    assert_eq!(first_file(&index, query), "go/cache.go");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Built of what the parser looks for, so that its branches are reached.
    #[test]
    fn any_query_is_answered(
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::string::string_regex("(?s).{0,12}").unwrap(),
                proptest::sample::select(vec![
                    "\n", "`", "```", "<!--", "-->", "at ", "File \"", "\", line ", ":1", "#L", "::", ".", "/", "\\", "(",
                    "#1 0x", " in ", "panicked at ", "é", "\u{1F980}", "report", "rust/interval.rs", "Cart.add", "99999999999999999999",
                ]).prop_map(str::to_owned),
            ],
            0..60,
        )
    ) {
        static INDEX: std::sync::LazyLock<Index> = std::sync::LazyLock::new(repository);
        let query = parts.concat();
        for hit in INDEX.search(&query, 50) {
            proptest::prop_assert!(hit.score.is_finite() && hit.score > 0.0);
        }
        for hit in INDEX.search_files(&query, 50) {
            proptest::prop_assert!(hit.score.is_finite() && hit.score > 0.0);
        }
    }
}

#[test]
fn a_very_long_query_is_answered_soon() {
    let index = repository();
    for part in [
        "report.py ",
        "a.b.c.d::",
        "File \"a.py\", line 1, in x\n",
        "`x`(",
        "report totals\n",
        "x1/",
    ] {
        let query = part.repeat((1 << 20) / part.len());
        let began = std::time::Instant::now();
        index.search_files(&query, 10);
        // Without a bound it would take minutes.
        assert!(began.elapsed().as_secs() < 20, "{part}: {:?}", began.elapsed());
    }
}

#[test]
fn names_are_looked_up_with_their_qualifiers() {
    let index = repository();
    let qualified = |name: &str| -> Vec<&str> { index.named(name).iter().map(|s| s.qualified.as_str()).collect() };
    assert_eq!(
        qualified("transpose"),
        ["linear::Matrix::transpose", "linear::Matrix::transpose"]
    );
    assert_eq!(qualified("Matrix::transpose").len(), 2);
    assert_eq!(qualified("Report.render_totals"), ["Report.render_totals"]);
    assert_eq!(qualified("Account#withdraw()"), ["Account.withdraw"]);
    assert_eq!(qualified("report.load_orders"), ["load_orders"]);
    assert_eq!(qualified("crate::interval::parse_interval"), ["parse_interval"]);
    assert_eq!(qualified("Other.render_totals"), Vec::<&str>::new());
    assert_eq!(qualified("#items"), ["Cart.#items"]);
    assert_eq!(qualified("Cart.#items"), ["Cart.#items"]);
    assert_eq!(qualified("Matrix::operator==").len(), 2);
    assert_eq!(qualified(""), Vec::<&str>::new());
}

#[test]
fn references_know_what_encloses_them() {
    let index = repository();
    let references = index.references_to("parse_bound");
    let enclosing: Vec<_> = references
        .iter()
        .map(|found| {
            (
                found.kind,
                found.line,
                found.enclosing.map(|id| index.symbol(id).definition.name.as_str()),
            )
        })
        .collect();
    assert_eq!(
        enclosing,
        [
            (UseKind::Call, 52, Some("parse_interval")),
            (UseKind::Call, 53, Some("parse_interval"))
        ]
    );
    let imported = index.references_to("Report");
    assert!(
        imported
            .iter()
            .any(|found| found.path.as_str() == "python/test_report.py" && found.enclosing.is_none())
    );
    assert_eq!(index.references_to("Cart.#items").len(), 4);
    assert_eq!(index.references_to("#items").len(), 4);
    assert!(index.references_to("no_such_name").is_empty());
}

#[test]
fn files_and_symbols_are_in_order() {
    let index = repository();
    assert!(index.files().is_sorted_by_key(|file| &file.path));
    assert!(index.symbols().is_sorted_by_key(|symbol| symbol.id));
    for symbol in index.symbols() {
        assert_eq!(index.symbol(symbol.id), symbol);
    }
    let path = RepoPath::new("python/report.py").unwrap();
    assert!(index.in_file(&path).iter().all(|symbol| symbol.path == path));
    assert_eq!(index.in_file(&RepoPath::new("none.py").unwrap()), []);
    let again = repository();
    assert_eq!(
        index.search("print the totals", 50),
        again.search("print the totals", 50)
    );
}

#[test]
fn a_search_without_a_match_finds_nothing() {
    let index = repository();
    assert!(index.search("", 5).is_empty());
    assert!(index.search("zzzz qqqq", 5).is_empty());
    assert!(index_of(Vec::new()).search("anything", 5).is_empty());
    assert!(index_of(Vec::new()).search_files("anything a.py", 5).is_empty());
}

#[test]
fn indexing_can_be_cancelled() {
    struct Cancelled;
    impl Progress for Cancelled {
        fn begin(&self, _: Phase, _: u64) {}
        fn advance(&self, _: Phase, _: u64) {}
        fn end(&self, _: Phase) {}
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let texts = vec![(RepoPath::new("a.py").unwrap(), "x = 1\n".to_owned())];
    assert!(matches!(
        Index::from_texts(texts, &Cancelled),
        Err(IndexError::Cancelled)
    ));
}
