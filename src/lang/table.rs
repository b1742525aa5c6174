use tree_sitter::Language as Grammar;

use super::pattern::{Item, Kind, PatternError, Quantifier, Shape};
use super::predicate::Predicate;
use super::sexpr;

/// The patterns of both queries of a language, by the kind of the node at their root.
#[derive(Default)]
pub(super) struct Table {
    /// By kind id.
    rows: Vec<Row>,
    /// By kind id.
    classes: Vec<Class>,
    pub(super) plans: Vec<Plan>,
}

/// What wildcards and anchors tell nodes apart by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Named,
    Anonymous,
    Error,
}

/// Which query a pattern belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Query {
    Tags,
    References,
}

/// What begins at nodes of one kind.
#[derive(Default)]
pub(super) struct Row {
    /// Patterns that are no more than this node with one capture.
    pub(super) plain: Vec<Plain>,
    /// All others.
    pub(super) roots: Vec<Root>,
    /// Whether a pattern in `roots` can take an anonymous child.
    pub(super) anonymous: bool,
}

/// A pattern of one captured node.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    pub(super) query: Query,
    pub(super) pattern: usize,
    pub(super) capture: u16,
}

/// One branch of the root of a pattern.
pub(super) struct Root {
    /// Index into [`Table::plans`].
    pub(super) plan: usize,
    pub(super) branch: Branch,
}

/// What all branches of one pattern share.
pub(super) struct Plan {
    pub(super) query: Query,
    pub(super) pattern: usize,
    pub(super) predicates: Vec<Predicate>,
    /// Whether the captures of one match can be part of those of another.
    pub(super) nested: bool,
}

/// What one child has to be: any of the branches.
pub(super) struct Step {
    pub(super) branches: Vec<Branch>,
    /// Whether it may be left out.
    pub(super) optional: bool,
    /// Whether any branch captures something; without one the first place where it matches stands for all.
    pub(super) captures: bool,
    pub(super) anchored: bool,
    pub(super) last: bool,
}

/// One way to match a node.
pub(super) struct Branch {
    pub(super) test: Test,
    /// The field that the node must have in its parent; zero for any.
    pub(super) field: u16,
    pub(super) negated: Vec<u16>,
    pub(super) captures: Vec<u16>,
    pub(super) children: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Named(u16),
    Anonymous(u16),
    AnyNamed,
    Any,
}

impl Table {
    /// Returns what begins at nodes of a kind.
    pub(super) fn row(&self, kind: u16) -> Option<&Row> {
        self.rows.get(usize::from(kind))
    }

    /// Returns the class of nodes of a kind; the kinds of ERROR nodes lie beyond those of the grammar.
    pub(super) fn class(&self, kind: u16) -> Class {
        self.classes.get(usize::from(kind)).copied().unwrap_or(Class::Error)
    }

    /// Compiles a query and adds its patterns, or nothing where one of them is not supported; returns the names of
    /// the query's captures.
    pub(super) fn add(&mut self, query: Query, source: &str, grammar: &Grammar) -> Result<Vec<String>, PatternError> {
        let file = sexpr::parse(source)?;
        let compiled = file.patterns.into_iter().enumerate().map(|(pattern, parsed)| {
            let (fewest, most) = capture_counts(&parsed.root);
            let branches = Compiler { grammar, pattern }.root(&parsed.root)?;
            let predicates = parsed
                .predicates
                .into_iter()
                .filter_map(|predicate| Predicate::compile(predicate, pattern).transpose())
                .collect::<Result<_, _>>()?;
            let plan = Plan {
                query,
                pattern,
                predicates,
                nested: fewest != most,
            };
            Ok((plan, branches))
        });
        if self.classes.is_empty() {
            let kinds = u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
            let class = |kind| match grammar.node_kind_is_named(kind) {
                true => Class::Named,
                false => Class::Anonymous,
            };
            self.classes = (0..kinds).map(class).collect();
        }
        for (plan, branches) in compiled.collect::<Result<Vec<_>, PatternError>>()? {
            for (kind, branch) in branches {
                self.add_root(&plan, kind, branch);
            }
            self.plans.push(plan);
        }
        Ok(file.captures)
    }

    fn add_root(&mut self, plan: &Plan, kind: u16, branch: Branch) {
        let at = usize::from(kind);
        if self.rows.len() <= at {
            self.rows.resize_with(at + 1, Row::default);
        }
        let row = &mut self.rows[at];
        match branch.captures[..] {
            [capture] if branch.is_plain() && plan.predicates.is_empty() => row.plain.push(Plain {
                query: plan.query,
                pattern: plan.pattern,
                capture,
            }),
            _ => {
                row.anonymous |= branch.children.iter().any(Step::takes_anonymous);
                row.roots.push(Root {
                    plan: self.plans.len(),
                    branch,
                });
            }
        }
    }
}

impl Branch {
    fn is_plain(&self) -> bool {
        self.children.is_empty() && self.negated.is_empty() && self.field == 0
    }
}

impl Step {
    fn takes_anonymous(&self) -> bool {
        self.branches.iter().any(|branch| {
            matches!(branch.test, Test::Anonymous(_) | Test::Any) || branch.children.iter().any(Step::takes_anonymous)
        })
    }
}

/// Resolves one pattern against a grammar.
struct Compiler<'a> {
    grammar: &'a Grammar,
    pattern: usize,
}

impl Compiler<'_> {
    /// Returns the branches of a root with the kinds that they begin at.
    fn root(&self, item: &Item) -> Result<Vec<(u16, Branch)>, PatternError> {
        if item.quantifier != Quantifier::One {
            return Err(self.unmatched("a quantifier at its root"));
        }
        let with_kind = |branch: Branch| match branch.test {
            Test::Named(kind) | Test::Anonymous(kind) => Ok((kind, branch)),
            Test::AnyNamed | Test::Any => Err(self.unmatched("a wildcard at its root")),
        };
        self.branches(item)?.into_iter().map(with_kind).collect()
    }

    /// Returns the branches of an item, those of nested alternations included.
    fn branches(&self, item: &Item) -> Result<Vec<Branch>, PatternError> {
        let mut branches = match &item.shape {
            Shape::Node {
                kind,
                negated,
                children,
            } => vec![Branch {
                test: self.test(kind)?,
                field: 0,
                negated: negated.iter().map(|name| self.field(name)).collect::<Result<_, _>>()?,
                captures: Vec::new(),
                children: self.steps(children)?,
            }],
            Shape::OneOf(items) => {
                let mut branches = Vec::new();
                for item in items {
                    if item.quantifier != Quantifier::One {
                        return Err(self.unmatched("a quantifier inside an alternation"));
                    }
                    branches.extend(self.branches(item)?);
                }
                branches
            }
        };
        for branch in &mut branches {
            if let Some(name) = &item.field {
                branch.field = self.field(name)?;
            }
            branch.captures.extend(&item.captures);
        }
        Ok(branches)
    }

    fn steps(&self, items: &[Item]) -> Result<Vec<Step>, PatternError> {
        let mut steps = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let step = self.step(item)?;
            let next_anchored = items.get(at + 1).is_some_and(|next| next.anchored);
            if next_anchored && step.branches.iter().any(|branch| branch.test == Test::Any) {
                return Err(self.unmatched("an anchor behind a wildcard for any token"));
            }
            if item.quantifier != Quantifier::One && (item.anchored || item.last || next_anchored) {
                return Err(self.unmatched("an anchor beside a quantifier"));
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn step(&self, item: &Item) -> Result<Step, PatternError> {
        let captures = capture_counts(item).1 > 0;
        let optional = match item.quantifier {
            Quantifier::One => false,
            Quantifier::ZeroOrOne => true,
            // Without a capture it does not matter how many there are.
            Quantifier::ZeroOrMore if !captures => true,
            Quantifier::OneOrMore if !captures => false,
            Quantifier::ZeroOrMore | Quantifier::OneOrMore => return Err(self.unmatched("a repeated capture")),
        };
        Ok(Step {
            branches: self.branches(item)?,
            optional,
            captures,
            anchored: item.anchored,
            last: item.last,
        })
    }

    fn test(&self, kind: &Kind) -> Result<Test, PatternError> {
        let (name, named) = match kind {
            Kind::AnyNamed => return Ok(Test::AnyNamed),
            Kind::Any => return Ok(Test::Any),
            Kind::Named(name) => (name, true),
            Kind::Anonymous(name) => (name, false),
        };
        match self.grammar.id_for_node_kind(name, named) {
            0 => Err(PatternError::UnknownKind(name.clone())),
            id if self.grammar.node_kind_is_supertype(id) => Err(self.unmatched("a supertype")),
            id if named => Ok(Test::Named(id)),
            id => Ok(Test::Anonymous(id)),
        }
    }

    fn field(&self, name: &str) -> Result<u16, PatternError> {
        let id = self.grammar.field_id_for_name(name);
        id.map(u16::from)
            .ok_or_else(|| PatternError::UnknownField(name.to_owned()))
    }

    fn unmatched(&self, what: &'static str) -> PatternError {
        PatternError::Unmatched {
            pattern: self.pattern,
            what,
        }
    }
}

/// Returns the fewest and the most nodes that a match of an item captures; what repeats counts once.
fn capture_counts(item: &Item) -> (usize, usize) {
    let (fewest, most) = match &item.shape {
        Shape::Node { children, .. } => children
            .iter()
            .map(capture_counts)
            .fold((0, 0), |sum, child| (sum.0 + child.0, sum.1 + child.1)),
        Shape::OneOf(items) => {
            let counts = || items.iter().map(capture_counts);
            let fewest = counts().map(|count| count.0).min();
            let most = counts().map(|count| count.1).max();
            (fewest.unwrap_or(0), most.unwrap_or(0))
        }
    };
    let own = item.captures.len();
    match item.quantifier {
        Quantifier::One | Quantifier::OneOrMore => (fewest + own, most + own),
        Quantifier::ZeroOrOne | Quantifier::ZeroOrMore => (0, most + own),
    }
}
