use super::*;

fn scopes(text: &str) -> Option<Scopes> {
    Scopes::of(&ParsedFile::parse(Language::Python, text), text)
}

#[track_caller]
fn unbound(text: &str) -> Vec<String> {
    let scopes = scopes(text).unwrap();
    scopes.unbound().into_iter().map(|unbound| unbound.name).collect()
}

#[test]
fn names_are_bound_by_every_construct_that_binds() {
    for text in [
        "import os.path, a.b as c\nfrom . import d\nfrom .e import f as g\nos, c, d, g\n",
        "def f(a, b=1, *c, d: int, e: int = 2, **g):\n    return a, b, c, d, e, g\n",
        "def f(a, /, *, b):\n    return a, b, f\n",
        "f = lambda a, *b, c=1, **d: (a, b, c, d)\n",
        "a = b = 1\nc, (d, *e) = a, b\n[g] = h: int = a\na, b, c, d, e, g, h\n"
            .replace("[g] = h: int = a", "[g] = a\nh: int = a")
            .as_str(),
        "for a, (b, c) in []:\n    a, b, c\n",
        "for a in []: pass\nelse: a\n",
        "with open('x') as a, open('y') as (b, c), open('z') as [d]:\n    a, b, c, d\n",
        "with (open('x') as a, open('y') as b):\n    a, b\n",
        "try:\n    pass\nexcept (OSError, ValueError) as e:\n    e\n",
        "try:\n    pass\nexcept* OSError as e:\n    e\n",
        "[a for a in [] if a]\n{a: b for a, b in []}\n{a for a in []}\nany(a for b in [] for a in b)\n",
        "if (a := 1): a\n[b := c for c in []]\nb\n",
        "def f():\n    return [y := x for x in []], y\n",
        "def f():\n    global a\n    a = 1\ndef g():\n    return a\n",
        "def f():\n    a = 1\n    def g():\n        nonlocal a\n        a += 1\n    return g\n",
        "class A(object, metaclass=type):\n    b = 1\n    c = b\n    def f(self, d=c) -> b:\n        return __class__\n    g = [h for h in [b]]\n",
        "@staticmethod\ndef f(): pass\n",
        "match 1:\n    case [a, *b]: a, b\n    case {'k': c, **d}: c, d\n    case object(x=e) | e: e\n    case (1 | 2) as f: f\n    case g if g: g\n    case int(h): h\n    case _: pass\n",
        "import enum\nmatch 1:\n    case enum.A: pass\n    case enum.B(): pass\n",
        "a = 1\nf'{a!r:>{a}} {a=}'\n",
        "def f():\n    return later()\ndef later(): pass\n",
        "import a\ndel a\n",
        "from __future__ import annotations as _annotations\n",
        "try:\n    import json\nexcept ImportError:\n    json = None\njson\n",
        "try:\n    unicode\nexcept NameError:\n    unicode = str\nunicode\n",
        "try:\n    missing\nexcept:\n    pass\n",
        "try:\n    missing\nexcept:  # why\n    pass\n",
        "try:\n    missing\nexcept (NameError, KeyError):\n    pass\n",
        "def f[T: int, *Ts](x: T) -> T:\n    return T, Ts\nclass A[U]:\n    def g(self): return U\ntype B[V] = list[V]\nB\n",
        "class A:\n    def f[T](self, x: T):\n        return T\n",
        "print(__name__, __file__, print(end=''), [].x, f'{1}')\nclass A:\n    __qualname__, __module__\n",
        "def f(a: 'Missing') -> 'Missing': pass\n",
        "async def f(a):\n    async for b in a:\n        yield b\n    async with a as c:\n        await c\n    return [d async for d in a]\n",
        "def f(g=lambda y=(lambda z: z): y):\n    return g\n",
        "match = 1\ntype = match\ncase = type\nprint(case)\n",
        "def f(x):\n    del x\n    return x.a[x].b\n",
    ] {
        assert_eq!(unbound(text), [""; 0], "{text}");
    }
}

#[test]
fn names_that_nothing_binds_are_found() {
    for (text, expected) in [
        ("def f(s):\n    return re.sub('a', 'b', s)\n", "re"),
        ("def f():\n    return helper(1)\n", "helper"),
        (
            "class A:\n    def g(self): pass\n    def f(self):\n        return g()\n",
            "g",
        ),
        ("class A:\n    b = 1\n    f = lambda self: b\n", "b"),
        ("def f():\n    a = 1\ndef g():\n    return a\n", "a"),
        ("[a for a in []]\na\n", "a"),
        ("def f(x: List): pass\n", "List"),
        ("def f(a, b=a): pass\n", "a"),
        ("f'{name}'\n", "name"),
        ("x += 1\n", "x"),
        ("import os.path as p\nos\n", "os"),
        ("from a import b\na\n", "a"),
        ("@cache\ndef f(): pass\n", "cache"),
        ("class A(Base): pass\n", "Base"),
        ("raise Missing('x') from None\n", "Missing"),
        ("match 1:\n    case Missing(x=1): pass\n", "Missing"),
        ("f = lambda a: b\n", "b"),
        ("for a in b: pass\n", "b"),
        ("print(key=value)\n", "value"),
        ("value.attribute = 1\n", "value"),
        ("try:\n    missing\nexcept ValueError:\n    pass\n", "missing"),
    ] {
        assert_eq!(unbound(text), [expected], "{text}");
    }
}

#[test]
fn a_use_knows_what_is_asked_of_it() {
    let text = "re.sub\n";
    let unbound = scopes(text).unwrap().unbound();
    assert_eq!(unbound[0].member.as_deref(), Some("sub"));
    assert_eq!(unbound[0].range, TextRange::new(0, 2));
}

#[test]
fn nothing_is_said_where_names_cannot_be_told() {
    for text in [
        "from m import *\nx\n",
        "exec('x = 1')\nx\n",
        "globals()['x'] = 1\nx\n",
        "print 'x', x\n",
        "IntEnum._convert_('x', __name__, str)\nx\n",
        "def f(:\n    x\n",
    ] {
        assert!(scopes(text).is_none(), "{text}");
    }
    let go = "package a\n";
    assert!(Scopes::of(&ParsedFile::parse(Language::Go, go), go).is_none());
}

#[test]
fn bindings_are_those_of_one_scope() {
    let text = "def f(): pass\nf = 1\ndef g(f):\n    return f\nf()\n";
    let scopes = scopes(text).unwrap();
    let last = text.rfind("f()").unwrap();
    let bindings = scopes.bindings(TextRange::new(last, last + 1));
    let starts: Vec<usize> = bindings.iter().map(|binding| binding.range.start).collect();
    assert_eq!(starts, [4, 14]);
    let inner = text.find("return f").unwrap() + 7;
    let bindings = scopes.bindings(TextRange::new(inner, inner + 1));
    assert_eq!(bindings.len(), 1);
}

#[test]
fn hostile_texts_end_in_time() {
    let deep = format!("{}x{}\n", "(lambda: ".repeat(5_000), ")".repeat(5_000));
    assert!(scopes(&deep).is_none());
    let started = Instant::now();
    scopes(&"try: x\nexcept: x\n".repeat(20_000));
    let parameters: Vec<String> = (0..40_000).map(|at| format!("a{at}=b{at}")).collect();
    scopes(&format!("def f({}): pass\n", parameters.join(", ")));
    assert!(started.elapsed() < PARSE_BUDGET * 8, "{:?}", started.elapsed());
}
