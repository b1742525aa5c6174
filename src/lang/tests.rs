use super::*;

fn outline(language: Language, text: &str) -> Vec<(SymbolKind, Option<String>, String, String)> {
    ParsedFile::parse(language, text)
        .definitions(text)
        .into_iter()
        .map(|d| (d.kind, d.container, d.name, text[d.range.as_range()].to_owned()))
        .collect()
}

fn range_of(language: Language, text: &str, name: &str) -> String {
    let found = outline(language, text);
    let wanted = found.iter().find(|(_, _, n, _)| n == name);
    wanted.unwrap_or_else(|| panic!("{name} is not in {found:?}")).3.clone()
}

#[test]
fn ranges_hold_what_belongs_to_a_definition() {
    let rust = "/// Doc.\n#[test]\n#[ignore]\npub fn a() {}\n";
    assert_eq!(range_of(Language::Rust, rust, "a"), "#[test]\n#[ignore]\npub fn a() {}");
    let python = "@cache\n@other(1)\ndef f():\n    \"\"\"Doc.\"\"\"\n    return 1\n\nx = 1\n";
    assert_eq!(
        range_of(Language::Python, python, "f"),
        "@cache\n@other(1)\ndef f():\n    \"\"\"Doc.\"\"\"\n    return 1"
    );
    let js = "export const f = async (a) => a + 1;\n";
    assert_eq!(range_of(Language::JavaScript, js, "f"), js.trim_end());
    let ts = "@Injectable()\nexport class A {\n  @Input() size = 3;\n}\n";
    assert_eq!(range_of(Language::TypeScript, ts, "A"), ts.trim_end());
    assert_eq!(range_of(Language::TypeScript, ts, "size"), "@Input() size = 3;");
    let cpp = "template <typename T>\nclass A {\n  T x;\n};\n";
    assert_eq!(range_of(Language::Cpp, cpp, "A"), cpp.trim_end());
    let java = "class A {\n  @Override\n  public static int f() { return 1; }\n}\n";
    assert_eq!(
        range_of(Language::Java, java, "f"),
        "@Override\n  public static int f() { return 1; }"
    );
    let c = "static const char *\nname(void)\n{\n  return 0;\n}\n";
    assert_eq!(range_of(Language::C, c, "name"), c.trim_end());
}

#[test]
fn doc_comments_belong_to_the_full_range_only() {
    let text = "// header\n\n/// One.\n/// Two.\n#[inline]\nfn a() {}\n";
    let found = ParsedFile::parse(Language::Rust, text).definitions(text);
    assert_eq!(&text[found[0].full_range.as_range()], &text[11..text.len() - 1]);
    assert_eq!(found[0].doc.as_deref(), Some("One.\nTwo."));
    assert_eq!(found[0].signature, "fn a()");
    let text = "x = 1  # not of f\ndef f():\n    pass\n";
    let found = ParsedFile::parse(Language::Python, text).definitions(text);
    assert_eq!((found[1].full_range, &found[1].doc), (found[1].range, &None));
}

#[test]
fn line_endings_and_byte_order_marks_do_not_matter() {
    let unix = "# Doc.\n@d\ndef f(a,\n      b):\n    return 1\n\n\nclass A:\n    x = 1\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    let (plain, marked) = (outline(Language::Python, unix), outline(Language::Python, &windows));
    assert_eq!(plain.len(), 3);
    for (a, b) in plain.iter().zip(&marked) {
        assert_eq!((a.0, &a.1, &a.2), (b.0, &b.1, &b.2));
        assert_eq!(a.3, b.3.replace("\r\n", "\n"));
    }
    let found = ParsedFile::parse(Language::Python, &windows).definitions(&windows);
    assert_eq!(found[0].doc.as_deref(), Some("Doc."));
    assert_eq!(found[0].signature, "def f(a, b)");
    assert_eq!(found[0].full_range.start, 3);
}

#[test]
fn containers_are_named() {
    let cases = [
        (Language::Rust, "impl<T> Stack<T> { fn push(&mut self) {} }", "Stack"),
        (Language::Rust, "impl Display for Stack { fn push(&self) {} }", "Stack"),
        (Language::Python, "class Stack:\n    def push(self): pass\n", "Stack"),
        (Language::Go, "package a\nfunc (s *Stack[T]) push() {}\n", "Stack"),
        (Language::Cpp, "int *Stack::push() { return 0; }", "Stack"),
        (
            Language::Cpp,
            "template <class T> void Stack<T>::push(T t) {}",
            "Stack<T>",
        ),
        (Language::Java, "class Stack { void push() {} }", "Stack"),
        (Language::JavaScript, "class Stack { push() {} }", "Stack"),
        (Language::JavaScript, "const Stack = { push() {} };", "Stack"),
        (Language::JavaScript, "const Stack = { push: () => 1 };", "Stack"),
        (Language::JavaScript, "Stack.prototype.push = function () {};", "Stack"),
        (Language::TypeScript, "interface Stack { push(): void }", "Stack"),
        #[cfg(feature = "all-languages")]
        (Language::Swift, "extension a.Stack { func push() {} }", "Stack"),
        (Language::Zig, "const Stack = struct { fn push() void {} };", "Stack"),
        (
            Language::Zig,
            "fn Stack(comptime T: type) type { return struct { fn push() void {} }; }",
            "Stack",
        ),
        (Language::Ruby, "class A::Stack\n  def self.push = 1\nend\n", "A::Stack"),
        (Language::Ruby, "def Stack.push\nend\n", "Stack"),
        (
            Language::Php,
            "<?php trait Stack { abstract function push(); }",
            "Stack",
        ),
        (Language::Lua, "function Stack:push() end", "Stack"),
        (Language::Lua, "a.Stack.push = function() end", "a.Stack"),
        (Language::Perl, "class Stack { method push { 1 } }", "Stack"),
        (
            Language::R,
            "Stack <- R6Class('Stack', public = list(push = function(x) x))",
            "Stack",
        ),
        (Language::Kotlin, "fun Stack?.push() {}", "Stack"),
        (Language::Scala, "extension (s: Stack) def push() = 1\n", "Stack"),
        (Language::CSharp, "record struct Stack { void push() {} }", "Stack"),
        #[cfg(feature = "all-languages")]
        (
            Language::ObjectiveC,
            "@implementation Stack\n- (void)push { }\n@end\n",
            "Stack",
        ),
        (Language::Dart, "mixin Stack { void push(); }", "Stack"),
        (Language::Groovy, "trait Stack { def push() { 1 } }", "Stack"),
    ];
    for (language, text, container) in cases {
        let found = outline(language, text);
        let push = found.iter().find(|(_, _, name, _)| name == "push");
        let push = push.unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert_eq!(
            (push.0, push.1.as_deref()),
            (SymbolKind::Method, Some(container)),
            "{text}"
        );
    }
    let exported = "module.exports.f = function () {};\nexports.g = () => 1;\n";
    for (kind, container, ..) in outline(Language::JavaScript, exported) {
        assert_eq!((kind, container), (SymbolKind::Function, None));
    }
}

#[test]
fn names_of_cpp_are_split() {
    let text = "A::A() {}\nA::~A() {}\nbool A::operator==(const A &o) const { return true; }\nA::operator bool() const { return true; }\nnamespace n { void f() {} }\nvoid n::g() {}\nEXPORT thing_t make(int a) { return 0; }\n";
    let found: Vec<_> = outline(Language::Cpp, text)
        .into_iter()
        .map(|(k, c, n, _)| (k, c, n))
        .collect();
    let row = |kind, container: &str, name: &str| {
        let container = (!container.is_empty()).then(|| container.to_owned());
        (kind, container, name.to_owned())
    };
    assert_eq!(
        found,
        [
            row(SymbolKind::Constructor, "A", "A"),
            row(SymbolKind::Method, "A", "~A"),
            row(SymbolKind::Method, "A", "operator=="),
            row(SymbolKind::Method, "A", "operator bool"),
            row(SymbolKind::Module, "", "n"),
            row(SymbolKind::Function, "n", "f"),
            row(SymbolKind::Function, "n", "g"),
            row(SymbolKind::Function, "", "make"),
        ]
    );
}

#[test]
fn broken_source_still_gives_definitions() {
    let cases = [
        (Language::Rust, "fn a() { let x = ; match { \n}\n\nfn b() {}\n", "b"),
        (Language::Python, "def a(:\n    pass\n\ndef b():\n    return 1\n", "b"),
        (
            Language::JavaScript,
            "function a() { return ( }\n\nfunction b() {}\n",
            "b",
        ),
        (
            Language::Go,
            "package p\nfunc a() { x := }\n\nfunc b() int { return 1 }\n",
            "b",
        ),
        (
            Language::C,
            "int a(void) { return (; }\nint b(void) { return 1; }\n",
            "b",
        ),
        (Language::Java, "class A { void x() { int = } void b() { } }\n", "b"),
        #[cfg(feature = "all-languages")]
        (Language::Swift, "func a() { let x = }\nfunc b() {}\n", "b"),
        (Language::Ruby, "def a\n  x = )\nend\ndef b\nend\n", "b"),
        (Language::Php, "<?php function a() { $x = ; }\nfunction b() {}\n", "b"),
        (Language::Kotlin, "fun a() { val x = ) }\nfun b() {}\n", "b"),
        (Language::CSharp, "class A { void a() { int = } void b() { } }\n", "b"),
    ];
    for (language, text, name) in cases {
        range_of(language, text, name);
    }
}

#[test]
fn references_know_how_a_name_is_used() {
    let text = "fn f(s: Stack) { push(s.top, Stack::new()); vec![push] }\n";
    let uses = ParsedFile::parse(Language::Rust, text).references(text);
    let kinds = |name: &str| -> Vec<UseKind> { uses.iter().filter(|u| u.name == name).map(|u| u.kind).collect() };
    assert_eq!(kinds("push"), [UseKind::Call, UseKind::Other]);
    assert_eq!(kinds("Stack"), [UseKind::Type, UseKind::Other]);
    assert_eq!(kinds("new"), [UseKind::Call]);
    assert_eq!(kinds("top"), [UseKind::Other]);
}

#[test]
fn comments_are_found() {
    let text = "# a\nx = 1  # b\n";
    let comments = ParsedFile::parse(Language::Python, text).comments(text);
    let comments: Vec<&str> = comments.into_iter().map(|range| &text[range.as_range()]).collect();
    assert_eq!(comments, ["# a", "# b"]);
}

mod properties {
    use proptest::prelude::*;

    use super::super::*;

    fn check(language: Language, text: &str) {
        let parsed = ParsedFile::parse(language, text);
        for error in parsed.syntax_errors() {
            assert!(text.get(error.range.as_range()).is_some());
        }
        for found in parsed.references(text) {
            assert_eq!(&text[found.range.as_range()], found.name);
        }
        for comment in parsed.comments(text) {
            assert!(text.get(comment.as_range()).is_some());
        }
        let definitions = parsed.definitions(text);
        for (i, a) in definitions.iter().enumerate() {
            assert!(text.get(a.range.as_range()).is_some());
            assert!(text.get(a.full_range.as_range()).is_some());
            assert_eq!(&text[a.name_range.as_range()], a.name);
            assert!(a.full_range.contains(a.range) && a.range.contains(a.name_range));
            assert!(a.body.is_none_or(|body| a.range.contains(body)));
            for b in &definitions[i + 1..] {
                let nested = a.range.contains(b.range) || b.range.contains(a.range);
                assert!(nested || !a.range.overlaps(b.range), "{a:?} {b:?}");
                assert!(a.range.start <= b.range.start);
            }
        }
    }

    /// Pieces that make definitions likely, so that random text is not all ERROR.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "def f(a):\n",
            "class A:\n",
            "    ",
            "\n",
            "@d\n",
            "# c\n",
            "// c\n",
            "/// d\n",
            "/* b */ ",
            "#[x]\n",
            "fn f() {",
            "}",
            "{",
            "(",
            ")",
            ";",
            "impl A ",
            "struct A ",
            "typedef ",
            "template <class T> ",
            "export ",
            "const f = () => 1",
            "func (a *A) f() ",
            "type A ",
            "public ",
            "@Override ",
            "int ",
            "A::f()",
            "~",
            "x = 1",
            "é",
            "\u{1F980}",
            "\"",
            "'",
            "`",
            "\r\n",
            "#define X 1\n",
            "namespace n ",
            "operator ",
            "end\n",
            "local function f()\n",
            "sub f {",
            "@interface A\n",
            "module A\n",
            "--[[ ",
            "=begin\n",
            "f <- function(a) ",
            "fun A.f() = ",
            "attr_reader :a\n",
            "\u{0}",
            "<",
            ">",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            Language::ALL.iter().for_each(|language| check(*language, &text));
        }

        #[test]
        fn any_mix_of_pieces_is_taken(text in pieces()) {
            Language::ALL.iter().for_each(|language| check(*language, &text));
        }
    }
}
