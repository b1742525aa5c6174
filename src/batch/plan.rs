use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use super::plan_error::PlanError;
use super::template::Template;
use crate::lang::Language;
use crate::repo::{Exclusions, LetterCase};
use crate::text::{RepoPath, TextRange};

/// The one version of plans that is read.
pub(super) const VERSION: u32 = 1;

/// What is to be done at which places of a code base.
#[derive(Debug)]
pub struct Plan {
    /// What it does, in a line: the subject of its patches.
    pub title: String,
    /// What its places are.
    pub selector: Selector,
    /// In which files they are looked for.
    pub filter: Filter,
    /// What becomes of a place without a model. The first that fits is taken.
    pub rewrites: Vec<Rewrite>,
    /// What the model is asked to do at a place for which no rewrite fits.
    pub request: Option<Template>,
}

/// What the places of a plan are.
#[derive(Clone, Debug)]
pub enum Selector {
    /// What matches a piece of code with holes.
    Code(String),
    /// What a query of tree-sitter captures as `@site`; its captures in capitals are holes.
    Query(String),
    /// The uses of a name.
    References(String),
    /// What matches a regular expression; its groups in capitals are holes.
    Regex(Regex),
    /// Lines that the plan lists.
    Places(Vec<Place>),
    /// What a report says under these rules, or at all where there are none.
    Findings(BTreeSet<String>),
}

/// Some lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The first line, zero-based.
    pub first_line: usize,
    /// The last line, zero-based.
    pub last_line: usize,
}

/// Which files a plan is about, and which places in them.
#[derive(Debug)]
pub struct Filter {
    /// Files in these languages; in any where there are none.
    pub languages: BTreeSet<Language>,
    paths: Option<Exclusions>,
    conditions: Vec<Condition>,
    exceptions: Vec<Condition>,
}

/// What the text in a hole must be, from end to end.
#[derive(Clone, Debug)]
struct Condition {
    hole: String,
    regex: Regex,
}

/// A text that takes the place of a match.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// What stands there afterwards.
    pub to: Template,
    conditions: Vec<Condition>,
}

/// A part of what stands in a hole, which a condition gives a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'p> {
    /// Its name.
    pub name: &'p str,
    /// The hole.
    pub hole: &'p str,
    /// The bytes of it; none where it stands for nothing.
    pub range: TextRange,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    version: u32,
    title: String,
    r#match: MatchTable,
    #[serde(default)]
    rewrite: Vec<RewriteTable>,
    request: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchTable {
    code: Option<String>,
    query: Option<String>,
    references: Option<String>,
    regex: Option<String>,
    places: Option<Vec<String>>,
    findings: Option<BTreeSet<String>>,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    r#where: BTreeMap<String, String>,
    #[serde(default)]
    unless: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RewriteTable {
    to: String,
    #[serde(default)]
    r#where: BTreeMap<String, String>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`] for what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let file: PlanFile = toml::from_str(text).map_err(|error| PlanError::Toml(Box::new(error)))?;
        if file.version != VERSION {
            return Err(PlanError::Version(file.version));
        }
        if file.rewrite.is_empty() && file.request.is_none() {
            return Err(PlanError::NothingToDo);
        }
        let filter = Filter::new(&file.r#match)?;
        let selector = Selector::new(file.r#match)?;
        if matches!(selector, Selector::Query(_)) && filter.languages.is_empty() {
            return Err(PlanError::QueryLanguages);
        }
        let plan = Self {
            title: file.title.trim().to_owned(),
            selector,
            filter,
            rewrites: file.rewrite.into_iter().map(Rewrite::new).collect::<Result<_, _>>()?,
            request: file.request.map(|text| Template::new(text.trim())),
        };
        plan.refuse_unbound()?;
        Ok(plan)
    }

    fn refuse_unbound(&self) -> Result<(), PlanError> {
        let known = self.selector.names();
        let check = |key, name: &str| match known.iter().any(|known| known == name) {
            true => Ok(()),
            false => Err(PlanError::Unbound {
                key,
                name: name.to_owned(),
                known: known.clone(),
            }),
        };
        for rewrite in &self.rewrites {
            let is_own = |name: &str| rewrite.groups().any(|group| group == name);
            let mut named = rewrite.to.names().filter(|name| !is_own(name));
            named.try_for_each(|name| check("rewrite.to", name))?;
            let mut conditions = rewrite.conditions.iter();
            conditions.try_for_each(|condition| check("rewrite.where", &condition.hole))?;
        }
        let Filter {
            conditions, exceptions, ..
        } = &self.filter;
        conditions.iter().try_for_each(|own| check("match.where", &own.hole))?;
        exceptions.iter().try_for_each(|own| check("match.unless", &own.hole))?;
        let mut asked = self.request.iter().flat_map(Template::names);
        asked.try_for_each(|name| check("request", name))
    }
}

impl Selector {
    fn new(table: MatchTable) -> Result<Self, PlanError> {
        let MatchTable {
            code,
            query,
            references,
            regex,
            places,
            findings,
            ..
        } = table;
        let given = [
            ("code", code.is_some()),
            ("query", query.is_some()),
            ("references", references.is_some()),
            ("regex", regex.is_some()),
            ("places", places.is_some()),
            ("findings", findings.is_some()),
        ];
        let given: Vec<&str> = given
            .into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(key, _)| key)
            .collect();
        if given.len() != 1 {
            return Err(PlanError::Match(given));
        }
        if let Some(code) = code {
            return Ok(Self::Code(code));
        }
        if let Some(query) = query {
            return Ok(Self::Query(query));
        }
        if let Some(name) = references {
            return Ok(Self::References(name));
        }
        if let Some(regex) = regex {
            return Ok(Self::Regex(compiled("match.regex", &format!("(?m:{regex})"))?));
        }
        if let Some(rules) = findings {
            return Ok(Self::Findings(rules));
        }
        let places = places.unwrap_or_default();
        let places = places.iter().map(|place| Place::parse(place));
        Ok(Self::Places(places.collect::<Result<_, _>>()?))
    }

    /// Returns the names that a template may use.
    fn names(&self) -> Vec<String> {
        let own: Vec<String> = match self {
            Self::Code(code) => Template::new(code).names().map(str::to_owned).collect(),
            // What it captures is known when it is compiled.
            Self::Query(query) => query.split('@').skip(1).filter_map(capture).collect(),
            Self::Regex(regex) => regex.capture_names().flatten().map(str::to_owned).collect(),
            Self::Findings(_) => ["RULE", "MESSAGE"].map(str::to_owned).to_vec(),
            Self::References(_) | Self::Places(_) => Vec::new(),
        };
        let own: BTreeSet<String> = own.into_iter().collect();
        own.into_iter()
            .chain(["MATCH", "PATH", "LINE"].map(str::to_owned))
            .collect()
    }
}

/// Returns the name of a hole that a text begins with.
fn capture(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

impl Place {
    fn parse(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError::Place(text.to_owned());
        let (path, lines) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let number = |text: &str| text.parse::<usize>().ok().and_then(|line| line.checked_sub(1));
        let (first_line, last_line) = number(first).zip(number(last)).ok_or_else(wrong)?;
        if last_line < first_line {
            return Err(wrong());
        }
        let path = RepoPath::new(path).map_err(|source| PlanError::Path {
            place: text.to_owned(),
            source,
        })?;
        Ok(Self {
            path,
            first_line,
            last_line,
        })
    }
}

impl Filter {
    fn new(table: &MatchTable) -> Result<Self, PlanError> {
        let language = |name: &String| {
            let is_named = |language: &&Language| {
                let spec = language.spec();
                spec.name.eq_ignore_ascii_case(name) || spec.fence == name
            };
            let found = Language::ALL.iter().find(is_named).copied();
            found.ok_or_else(|| PlanError::Language { name: name.clone() })
        };
        let paths = (!table.paths.is_empty()).then(|| {
            let mut paths = Exclusions::new(LetterCase::Distinct);
            paths.add("", &table.paths.join("\n"));
            paths
        });
        Ok(Self {
            languages: table.languages.iter().map(language).collect::<Result<_, _>>()?,
            paths,
            conditions: Condition::all("match.where", &table.r#where)?,
            exceptions: Condition::all("match.unless", &table.unless)?,
        })
    }

    /// Tells whether a place is one of them, by what stands in its holes.
    pub(super) fn takes_place(&self, values: &BTreeMap<&str, &str>) -> bool {
        let holds = |own: &Condition| own.holds(values);
        self.conditions.iter().all(holds) && !self.exceptions.iter().any(holds)
    }

    /// Tells whether a file is one of them.
    pub fn takes(&self, path: &RepoPath, language: Option<Language>) -> bool {
        let is_named = |language| self.languages.contains(&language);
        let in_language = self.languages.is_empty() || language.is_some_and(is_named);
        in_language && self.paths.as_ref().is_none_or(|paths| paths.cover(path))
    }
}

impl Rewrite {
    fn new(table: RewriteTable) -> Result<Self, PlanError> {
        Ok(Self {
            to: Template::new(&table.to),
            conditions: Condition::all("rewrite.where", &table.r#where)?,
        })
    }

    /// Tells whether it fits the texts in the holes; if so, returns what the groups of its conditions are.
    pub fn fit(&self, values: &BTreeMap<&str, &str>) -> Option<Vec<Group<'_>>> {
        let mut groups = Vec::new();
        for Condition { hole, regex } in &self.conditions {
            let captures = regex.captures(values.get(hole.as_str())?)?;
            groups.extend(regex.capture_names().flatten().map(|name| {
                let range = captures.name(name).map(|group| group.range().into());
                let range = range.unwrap_or(TextRange::empty(0));
                Group { name, hole, range }
            }));
        }
        Some(groups)
    }

    /// Returns the names that its conditions bind.
    fn groups(&self) -> impl Iterator<Item = &str> {
        self.conditions
            .iter()
            .flat_map(|own| own.regex.capture_names().flatten())
    }
}

impl Condition {
    fn all(key: &str, table: &BTreeMap<String, String>) -> Result<Vec<Self>, PlanError> {
        let conditions = table.iter().map(|(hole, text)| {
            let regex = compiled(&format!("{key}.{hole}"), &format!("^(?s:{text})$"))?;
            let hole = hole.clone();
            Ok(Self { hole, regex })
        });
        conditions.collect()
    }

    fn holds(&self, values: &BTreeMap<&str, &str>) -> bool {
        values
            .get(self.hole.as_str())
            .is_some_and(|text| self.regex.is_match(text))
    }
}

fn compiled(key: &str, text: &str) -> Result<Regex, PlanError> {
    Regex::new(text).map_err(|source| PlanError::Regex {
        key: key.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRCPY: &str = r#"
        version = 1
        title = "Use strlcpy"
        request = "Replace the call of strcpy in $PATH."
        [match]
        code = "strcpy($TO, $FROM)"
        languages = ["c", "C++"]
        paths = ["src/", "!src/vendor/"]
        [[rewrite]]
        to = "strlcpy($TO, $FROM, sizeof($TO))"
        where = { TO = '\w+' }
    "#;

    fn refused(text: &str) -> String {
        let error = Plan::parse(text).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    }

    #[test]
    fn a_plan_is_read() {
        let plan = Plan::parse(STRCPY).unwrap();
        assert_eq!(plan.title, "Use strlcpy");
        assert_eq!(plan.filter.languages, BTreeSet::from([Language::C, Language::Cpp]));
        let takes = |path: &str, language| plan.filter.takes(&RepoPath::new(path).unwrap(), Some(language));
        assert!(takes("src/a.c", Language::C) && takes("src/b/c.cc", Language::Cpp));
        assert!(
            !takes("src/vendor/a.c", Language::C) && !takes("a.c", Language::C) && !takes("src/a.py", Language::Python)
        );
        let rewrite = &plan.rewrites[0];
        assert_eq!(rewrite.fit(&BTreeMap::from([("TO", "buffer")])), Some(Vec::new()));
        assert_eq!(rewrite.fit(&BTreeMap::from([("TO", "a->b")])), None);
        assert_eq!(rewrite.fit(&BTreeMap::new()), None);
    }

    #[test]
    fn places_are_lines() {
        let plan =
            Plan::parse("version = 1\ntitle = 't'\nrequest = 'r'\nmatch.places = ['a/b.c:7', 'x.py:2-4']\n").unwrap();
        let Selector::Places(places) = plan.selector else {
            panic!("not places")
        };
        assert_eq!(
            (places[0].path.as_str(), places[0].first_line, places[0].last_line),
            ("a/b.c", 6, 6)
        );
        assert_eq!((places[1].first_line, places[1].last_line), (1, 3));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |from: &str, to: &str| refused(&STRCPY.replace(from, to));
        assert!(
            with("title =", "titel =").contains("unknown field `titel`"),
            "{}",
            with("title =", "titel =")
        );
        assert_eq!(
            with("version = 1", "version = 2"),
            "the plan says version = 2; this skiff reads version 1"
        );
        let unknown = with("C++", "Klingon");
        assert!(
            unknown.starts_with("`match.languages`: \"Klingon\" is not known; known are Rust, "),
            "{unknown}"
        );
        insta::assert_snapshot!(
            [
                with("paths =", "regex = 'x'\n paths ="),
                with("code =", "references ="),
                with("$PATH", "$FILE"),
                with("{ TO =", "{ TWO ="),
                with(r"\w+", "("),
                refused("version = 1\ntitle = 't'\n[match]\ncode = 'f()'\n"),
                refused("version = 1\ntitle = 't'\nrequest = 'r'\n[match]\n"),
                refused("version = 1\ntitle = 't'\nrequest = 'r'\nmatch.query = '(call) @site'\n"),
                refused("version = 1\ntitle = 't'\nrequest = 'r'\nmatch.places = ['a.c']\n"),
                refused("version = 1\ntitle = 't'\nrequest = 'r'\nmatch.places = ['a.c:0']\n"),
                refused("version = 1\ntitle = 't'\nrequest = 'r'\nmatch.places = ['../a.c:1']\n"),
            ]
            .join("\n")
        );
    }
}
