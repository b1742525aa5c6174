use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::BatchError;
use super::finding::Finding;
use super::plan::{Filter, Place, Plan, Selector};
use super::record::{Outcome, SiteRecord, Tokens};
use crate::index::{Index, IndexedFile};
use crate::lang::{CodeMatch, CodePattern, CodeQuery, Language, ParsedFile};
use crate::repo::BlobId;
use crate::text::{LineIndex, RepoPath, TextRange};

/// The syntax trees of so much text are kept from finding places to rewriting them; more would take memory, and parsing again
/// takes time. A tree is some twenty times its text.
const MOST_KEPT_BYTES: usize = 6 << 20;

/// A file with places that a plan is about.
#[derive(Clone, Debug)]
pub struct SiteFile {
    /// The file.
    pub path: RepoPath,
    /// The id of the bytes in which the places were found.
    pub blob: BlobId,
    /// The places: by where they begin, outer before inner.
    pub sites: Vec<Site>,
    /// What the places were found in, where that is kept.
    pub(super) parsed: Option<ParsedFile>,
}

/// A place that a plan is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What was found.
    pub range: TextRange,
    /// The zero-based line on which it begins.
    pub line: usize,
    /// What stands in the holes.
    pub captures: BTreeMap<String, TextRange>,
    /// What was said of it.
    pub said: Option<Said>,
}

/// What a tool says of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The name of the rule.
    pub rule: String,
    /// In its words.
    pub message: String,
}

impl SiteFile {
    /// Makes the record of one of its places.
    pub(super) fn record(&self, site: usize, outcome: Outcome) -> SiteRecord {
        let Site { range, line, .. } = &self.sites[site];
        SiteRecord {
            path: self.path.clone(),
            blob: self.blob,
            range: *range,
            line: *line,
            outcome,
            dropped: None,
        }
    }
}

impl SiteFile {
    /// Makes the record of one of its places that nobody could change, and that cost nothing.
    pub(super) fn failed(&self, site: usize, reason: &dyn Display) -> SiteRecord {
        self.record(
            site,
            Outcome::Failed {
                reason: reason.to_string(),
                tokens: Tokens::default(),
            },
        )
    }
}

impl Site {
    /// Returns what a template may use of the place.
    pub(super) fn values<'t>(&'t self, text: &'t str, path: &'t str, line: &'t str) -> BTreeMap<&'t str, &'t str> {
        values(self.range, &self.captures, self.said.as_ref(), text, path, line)
    }
}

/// Returns what a template may use of a place. Where nothing stood in a hole nobody looks to where that was.
pub(super) fn values<'t>(
    range: TextRange,
    captures: &'t BTreeMap<String, TextRange>,
    said: Option<&'t Said>,
    text: &'t str,
    path: &'t str,
    line: &'t str,
) -> BTreeMap<&'t str, &'t str> {
    let part = |range: TextRange| if range.is_empty() { "" } else { &text[range.as_range()] };
    let holes = captures.iter().map(|(name, range)| (name.as_str(), part(*range)));
    let always = [("MATCH", part(range)), ("PATH", path), ("LINE", line)];
    let said = said
        .into_iter()
        .flat_map(|said| [("RULE", said.rule.as_str()), ("MESSAGE", said.message.as_str())]);
    holes.chain(always).chain(said).collect()
}

/// Finds the places of a plan in a repository, by path; those of a report, where it is about one, as far as they are there.
///
/// # Errors
/// When a pattern or a query is not one in any language that it is for, or a listed place does not exist.
pub fn select(plan: &Plan, findings: Option<&[Finding]>, index: &Index) -> Result<Vec<SiteFile>, BatchError> {
    let filter = &plan.filter;
    // Only rewrites go on from them.
    let kept = Kept::new(if plan.rewrites.is_empty() { 0 } else { MOST_KEPT_BYTES });
    let in_files = |find: Finder<'_>| in_files(index, filter, &kept, find);
    match &plan.selector {
        Selector::Code(code) => {
            let patterns = patterns(code, filter, index)?;
            Ok(in_files(&|file, text| {
                let (found, parsed) = CodePattern::all_in(&patterns, file.language, text)?;
                Some((found, Some(parsed)))
            }))
        }
        Selector::Query(query) => {
            let queries = filter.languages.iter().map(|language| CodeQuery::new(*language, query));
            let queries = queries
                .collect::<Result<Vec<CodeQuery>, _>>()
                .map_err(BatchError::Query)?;
            Ok(in_files(&|file, text| {
                let own = queries.iter().find(|own| Some(own.language()) == file.language)?;
                let parsed = ParsedFile::parse(own.language(), text);
                Some((own.matches(&parsed, text), Some(parsed)))
            }))
        }
        Selector::Regex(regex) => Ok(in_files(&|_, text| {
            let found = regex.captures_iter(text).filter_map(|captures| {
                let range = captures.get(0).filter(|whole| !whole.is_empty())?.range().into();
                let holes = regex.capture_names().flatten().map(|name| {
                    let hole = captures.name(name).map(|hole| hole.range().into());
                    (name.to_owned(), hole.unwrap_or(TextRange::empty(0)))
                });
                let captures = holes.collect();
                Some(CodeMatch { range, captures })
            });
            Some((found.collect(), None))
        })),
        Selector::References(name) => {
            let references = index.references_to(name);
            if references.is_empty() {
                return Err(BatchError::NoReferences(name.clone()));
            }
            Ok(in_files(&|file, _| {
                let at = references.partition_point(|reference| reference.path < file.path);
                let own = references[at..]
                    .iter()
                    .take_while(|reference| reference.path == file.path);
                Some((own.map(|reference| found(reference.range)).collect(), None))
            }))
        }
        Selector::Places(places) => {
            let lines = places.iter().map(|place| (place, None));
            listed(lines, Missing::Refused, filter, index)
        }
        Selector::Findings(rules) => {
            let findings = findings.ok_or(BatchError::NoFindings)?;
            let own = findings
                .iter()
                .filter(|own| rules.is_empty() || rules.contains(&own.rule));
            let own: Vec<(Place, Said)> = own.map(placed).collect();
            let own = own.iter().map(|(place, said)| (place, Some(said)));
            listed(own, Missing::LeftOut, filter, index)
        }
    }
}

fn found(range: TextRange) -> CodeMatch {
    CodeMatch {
        range,
        captures: BTreeMap::new(),
    }
}

/// Reads a pattern in the languages that the plan names, or else in those of the repository that take it.
fn patterns(code: &str, filter: &Filter, index: &Index) -> Result<Vec<CodePattern>, BatchError> {
    let read = |language: Language| CodePattern::new(language, code);
    if !filter.languages.is_empty() {
        let all = filter.languages.iter().map(|language| read(*language));
        return all.collect::<Result<_, _>>().map_err(BatchError::Pattern);
    }
    let languages = index.files().iter().filter_map(|file| file.language);
    CodePattern::in_any(languages, code).map_err(BatchError::Pattern)
}

/// Finds places in a file, and says what they were found in.
type Finder<'f> = &'f (dyn Fn(&IndexedFile, &str) -> Option<(Vec<CodeMatch>, Option<ParsedFile>)> + Sync);

/// How much text has its tree kept.
struct Kept {
    bytes: AtomicUsize,
    most_bytes: usize,
}

impl Kept {
    fn new(most_bytes: usize) -> Self {
        let bytes = AtomicUsize::new(0);
        Self { bytes, most_bytes }
    }

    /// Tells whether there is room for the tree of a text, and takes it.
    fn takes(&self, text: &str) -> bool {
        self.bytes.fetch_add(text.len(), Ordering::Relaxed) + text.len() <= self.most_bytes
    }
}

fn in_files(index: &Index, filter: &Filter, kept: &Kept, find: Finder<'_>) -> Vec<SiteFile> {
    let files = index
        .files()
        .par_iter()
        .filter(|file| filter.takes(&file.path, file.language));
    let found = files.filter_map(|file| {
        let text = index.text(&file.path)?;
        let (mut found, parsed) = find(file, &text)?;
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|own| (own.range.start, std::cmp::Reverse(own.range.end)));
        found.dedup_by(|a, b| a.range == b.range);
        let lines = LineIndex::new(&text);
        found.retain(|own| {
            let line = (lines.line_of(own.range.start) + 1).to_string();
            filter.takes_place(&values(
                own.range,
                &own.captures,
                None,
                &text,
                file.path.as_str(),
                &line,
            ))
        });
        if found.is_empty() {
            return None;
        }
        let sites = found.into_iter().map(|own| Site {
            line: lines.line_of(own.range.start),
            range: own.range,
            captures: own.captures,
            said: None,
        });
        Some(SiteFile {
            path: file.path.clone(),
            blob: file.blob,
            sites: sites.collect(),
            parsed: parsed.filter(|_| kept.takes(&text)),
        })
    });
    // The order of the files is that of the index, whatever thread was first.
    let mut found: Vec<SiteFile> = found.collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn placed(finding: &Finding) -> (Place, Said) {
    let place = Place {
        path: finding.path.clone(),
        first_line: finding.first_line,
        last_line: finding.last_line,
    };
    let said = Said {
        rule: finding.rule.clone(),
        message: finding.message.clone(),
    };
    (place, said)
}

/// What becomes of a place that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// The plan is wrong.
    Refused,
    /// A tool may tell of what is not in the index, or of a text that has changed since.
    LeftOut,
}

/// Returns places that are named by their lines: from the first letter to the last. What is said of one goes with it.
fn listed<'p>(
    places: impl Iterator<Item = (&'p Place, Option<&'p Said>)>,
    missing: Missing,
    filter: &Filter,
    index: &Index,
) -> Result<Vec<SiteFile>, BatchError> {
    let mut by_path: BTreeMap<&RepoPath, Vec<(&Place, Option<&Said>)>> = BTreeMap::new();
    for (place, said) in places {
        match index.file(&place.path) {
            Some(file) if filter.takes(&place.path, file.language) => {
                by_path.entry(&place.path).or_default().push((place, said));
            }
            None if missing == Missing::Refused => return Err(BatchError::NoSuchFile(place.path.clone())),
            Some(_) | None => {}
        }
    }
    let mut files = Vec::new();
    for (path, mut own) in by_path {
        let Some((file, text)) = index.file(path).zip(index.text(path)) else {
            match missing {
                Missing::Refused => return Err(BatchError::NoSuchFile(path.clone())),
                Missing::LeftOut => continue,
            }
        };
        let lines = text.lines().count();
        let beyond = own.iter().find(|(place, _)| place.last_line >= lines);
        if let (Some((place, _)), Missing::Refused) = (beyond, missing) {
            return Err(BatchError::NoSuchLine {
                path: place.path.clone(),
                line: place.last_line,
                lines,
            });
        }
        own.retain(|(place, _)| place.last_line < lines);
        let index = LineIndex::new(&text);
        let mut sites: Vec<Site> = own
            .into_iter()
            .map(|(place, said)| {
                let start = index.line_range(place.first_line).start;
                let end = index.line_range(place.last_line).end;
                let lines = &text[start..end];
                let range = TextRange::new(
                    start + (lines.len() - lines.trim_start().len()),
                    start + lines.trim_end().len(),
                );
                Site {
                    line: place.first_line,
                    range,
                    captures: BTreeMap::new(),
                    said: said.cloned(),
                }
            })
            .filter(|site| !site.range.is_empty())
            .filter(|site| {
                let line = (site.line + 1).to_string();
                filter.takes_place(&site.values(&text, path.as_str(), &line))
            })
            .collect();
        sites.sort_by_key(|site| (site.range.start, std::cmp::Reverse(site.range.end)));
        sites.dedup_by(|a, b| a.range == b.range);
        if !sites.is_empty() {
            files.push(SiteFile {
                path: path.clone(),
                blob: file.blob,
                sites,
                parsed: None,
            });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;

    fn index() -> Index {
        let texts = [
            ("a.c", "void f(char *a) {\n  strcpy(a, strcpy(a, \"x\"));\n}\n"),
            ("b.py", "import f\nf.g(1)\n"),
            ("sub/c.c", "// strcpy(a, b)\nvoid g(char *b) { strcpy(b, \"\"); }\n"),
        ];
        let texts = texts.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
        Index::from_texts(texts.to_vec(), &NoProgress).unwrap()
    }

    fn places(rest: &str) -> Result<Vec<String>, BatchError> {
        let plan = Plan::parse(&format!("version = 1\ntitle = 't'\nrequest = 'r'\n[match]\n{rest}")).unwrap();
        let index = index();
        let found = select(&plan, None, &index)?;
        let sites = found.iter().flat_map(|file| {
            let text = index.text(&file.path).unwrap();
            let place = move |site: &Site| format!("{}:{} {}", file.path, site.line + 1, &text[site.range.as_range()]);
            file.sites.iter().map(place).collect::<Vec<String>>()
        });
        Ok(sites.collect())
    }

    #[test]
    fn every_way_of_saying_it_finds_its_places() {
        let strcpy = [
            "a.c:2 strcpy(a, strcpy(a, \"x\"))",
            "a.c:2 strcpy(a, \"x\")",
            "sub/c.c:2 strcpy(b, \"\")",
        ];
        assert_eq!(places("code = 'strcpy($A, $B)'").unwrap(), strcpy);
        assert_eq!(
            places("code = 'strcpy($A, $B)'\npaths = ['sub/']").unwrap(),
            strcpy[2..]
        );
        let query =
            "query = '((call_expression function: (_) @NAME) @site (#eq? @NAME \"strcpy\"))'\nlanguages = ['C']";
        assert_eq!(places(query).unwrap(), strcpy);
        assert_eq!(places("regex = '^import (?<NAME>\\w+)'").unwrap(), ["b.py:1 import f"]);
        assert_eq!(
            places("references = 'strcpy'").unwrap(),
            ["a.c:2 strcpy", "a.c:2 strcpy", "sub/c.c:2 strcpy"]
        );
        assert_eq!(places("places = ['b.py:2', 'a.c:1-3']").unwrap()[1], "b.py:2 f.g(1)");
        assert_eq!(places("code = 'gets($A)'").unwrap(), [""; 0]);
    }

    #[test]
    fn what_does_not_exist_is_said() {
        let refused = |rest: &str| places(rest).unwrap_err().to_string();
        assert_eq!(refused("places = ['x.c:1']"), "x.c is not in the index");
        assert_eq!(refused("places = ['b.py:3']"), "b.py has no line 3; it has 2");
        assert_eq!(refused("references = 'nobody'"), "nothing uses the name \"nobody\"");
        assert_eq!(refused("code = ')('"), "the pattern is no piece of code");
        assert_eq!(
            refused("query = '(nothing) @site'\nlanguages = ['C']"),
            "the query is refused"
        );
    }
}
