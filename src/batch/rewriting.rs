use std::cell::LazyCell;
use std::collections::BTreeMap;

use super::BatchError;
use super::plan::{Group, Rewrite};
use super::site::{Said, Site, SiteFile, values};
use super::template::Unfilled;
use crate::lang::{Language, ParsedFile};
use crate::text::{RepoPath, TextEdit, TextRange};

/// A file in which the rewrites of a plan were carried out as far as they fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The text afterwards.
    pub(super) text: String,
    /// What was done, in this order; each edit is one of the text that the steps before it leave.
    pub(super) steps: Vec<Step>,
    /// What was not.
    pub(super) left: Vec<Left>,
}

/// A place that was rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Its number in the file.
    pub(super) site: usize,
    /// What happened there.
    pub(super) edit: TextEdit,
}

/// A place that is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its number in the file.
    pub(super) site: usize,
    /// Where it is in the text afterwards, with what stands in its holes; none where another place took it in.
    pub(super) now: Option<Tracked>,
    /// Why no rewrite was carried out.
    pub(super) why: Misfit,
}

/// Why no rewrite was carried out at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// There is none, or the conditions of none hold.
    #[error("no rewrite fits")]
    NoneFits,
    /// A hole of the one that fits has no value here.
    #[error("the rewrite has a hole that is empty here: {0}")]
    Unfilled(Unfilled),
    /// The file would not parse.
    #[error("the rewrite would break the syntax")]
    Syntax,
    /// A check failed on it.
    #[error("{0}")]
    Check(String),
    /// The place, or what stands in a hole, changed with another place.
    #[error("another site changed this place before")]
    Overtaken,
}

/// Where a place and what stands in its holes are while the text around and inside of them changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracked {
    pub(super) range: TextRange,
    pub(super) captures: BTreeMap<String, TextRange>,
    pub(super) said: Option<Said>,
}

/// Tells why the checks refuse a file with this text; nothing where they do not.
pub(super) type FileCheck<'c> = &'c dyn Fn(&str) -> Result<Option<String>, BatchError>;

/// Carries the rewrites out, inner places before those around them, so that a hole that holds another place holds what
/// became of it. With a check, each has to pass it beside those before it.
///
/// # Errors
/// What the check could not be run for.
pub(super) fn rewrite(
    language: Option<Language>,
    text: &str,
    found: &SiteFile,
    rewrites: &[Rewrite],
    check: Option<FileCheck<'_>>,
) -> Result<Rewritten, BatchError> {
    let SiteFile {
        path, sites, parsed, ..
    } = found;
    let anew = |text: &str| language.map(|language| ParsedFile::parse(language, text));
    let before = LazyCell::new(|| parsed.clone().or_else(|| anew(text)));
    let sound = |file: &File<'_>| {
        let edits = file.steps.iter().map(|step| &step.edit);
        let after = before.as_ref().and_then(|before| before.after(text, edits));
        errors(after.or_else(|| anew(&file.text)).as_ref()) <= errors(before.as_ref())
    };
    if check.is_none() {
        // Mostly all of them are sound; only where they are not it costs a parse each to find out which.
        let mut file = File::new(path, text, sites);
        file.rewrite_all(sites.len(), rewrites, &|_| Ok(None))?;
        if file.steps.is_empty() || sound(&file) {
            return Ok(file.finished());
        }
    }
    let most_errors = errors(before.as_ref());
    let mut file = File::new(path, text, sites);
    file.rewrite_all(sites.len(), rewrites, &|text| {
        if errors(anew(text).as_ref()) > most_errors {
            return Ok(Some(Misfit::Syntax));
        }
        let refused = check.map_or(Ok(None), |check| check(text))?;
        Ok(refused.map(Misfit::Check))
    })?;
    Ok(file.finished())
}

fn errors(parsed: Option<&ParsedFile>) -> usize {
    parsed.map_or(0, |parsed| parsed.syntax_errors().len())
}

struct File<'f> {
    path: &'f RepoPath,
    text: String,
    places: Vec<Option<Tracked>>,
    steps: Vec<Step>,
    left: Vec<(usize, Misfit)>,
}

impl<'f> File<'f> {
    fn new(path: &'f RepoPath, text: &str, sites: &[Site]) -> Self {
        let places = sites.iter().map(|site| {
            Some(Tracked {
                range: site.range,
                captures: site.captures.clone(),
                said: site.said.clone(),
            })
        });
        Self {
            path,
            text: text.to_owned(),
            places: places.collect(),
            steps: Vec::new(),
            left: Vec::new(),
        }
    }

    fn rewrite_all(
        &mut self,
        count: usize,
        rewrites: &[Rewrite],
        misfit: &dyn Fn(&str) -> Result<Option<Misfit>, BatchError>,
    ) -> Result<(), BatchError> {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|at| {
            let range = self.places[*at].as_ref().map(|place| place.range);
            range.map(|range| (range.end, std::cmp::Reverse(range.start)))
        });
        for at in order {
            let rewriting = match self.edit_at(at, rewrites) {
                Ok(rewriting) => rewriting,
                Err(why) => {
                    self.left.push((at, why));
                    continue;
                }
            };
            let range = rewriting.edit.range;
            let before = self.text[range.as_range()].to_owned();
            self.text.replace_range(range.as_range(), &rewriting.edit.replacement);
            match misfit(&self.text)? {
                None => self.take(at, rewriting),
                Some(why) => {
                    let end = range.start + rewriting.edit.replacement.len();
                    self.text.replace_range(range.start..end, &before);
                    self.left.push((at, why));
                }
            }
        }
        Ok(())
    }

    fn edit_at(&self, at: usize, rewrites: &[Rewrite]) -> Result<Rewriting, Misfit> {
        let place = self.places[at].as_ref().ok_or(Misfit::Overtaken)?;
        let line = line_number(&self.text, place.range.start);
        let path = self.path.as_str();
        let known = place.values(&self.text, path, &line);
        let fitting = rewrites.iter().find_map(|own| Some((own, own.fit(&known)?)));
        let (rewrite, groups) = fitting.ok_or(Misfit::NoneFits)?;
        let mut captures = place.captures.clone();
        for Group { name, hole, range } in groups {
            let of = captures.get(hole).copied().unwrap_or(place.range);
            let range = TextRange::new(of.start + range.start, of.start + range.end);
            captures.insert(name.to_owned(), range);
        }
        let values = values(place.range, &captures, place.said.as_ref(), &self.text, path, &line);
        let indent = indent(&self.text, place.range.start);
        let filled = rewrite.to.fill(&values, indent).map_err(Misfit::Unfilled)?;
        let holes = captures.iter().filter_map(|(name, from)| {
            let start = place.range.start + filled.holes.get(name)?;
            Some((*from, start))
        });
        Ok(Rewriting {
            holes: holes.collect(),
            edit: TextEdit {
                range: place.range,
                replacement: filled.text,
            },
        })
    }

    fn take(&mut self, at: usize, rewriting: Rewriting) {
        for (other, place) in self.places.iter_mut().enumerate() {
            *place = place.take().and_then(|place| match other == at {
                true => None,
                false => rewriting.moved(place),
            });
        }
        self.steps.push(Step {
            site: at,
            edit: rewriting.edit,
        });
    }

    fn finished(mut self) -> Rewritten {
        self.left.sort_by_key(|(site, _)| *site);
        let left = self.left.into_iter().map(|(site, why)| Left {
            site,
            now: self.places[site].clone(),
            why,
        });
        Rewritten {
            left: left.collect(),
            text: self.text,
            steps: self.steps,
        }
    }
}

/// What a rewrite does at a place.
struct Rewriting {
    edit: TextEdit,
    /// What stood in its holes, and where that begins afterwards.
    holes: Vec<(TextRange, usize)>,
}

impl Rewriting {
    /// Returns where another place is afterwards: one that stood in a hole goes where the hole went.
    fn moved(&self, mut place: Tracked) -> Option<Tracked> {
        let hole = self.holes.iter().find(|(from, _)| from.contains(place.range));
        let Some((from, to)) = hole.filter(|_| self.edit.range.contains(place.range)) else {
            return place.after(&self.edit);
        };
        let moved = |range: TextRange| TextRange::new(range.start - from.start + to, range.end - from.start + to);
        place.range = moved(place.range);
        for range in place.captures.values_mut().filter(|range| !range.is_empty()) {
            *range = moved(*range);
        }
        Some(place)
    }
}

impl Tracked {
    /// Returns what a template may use of a place.
    pub(super) fn values<'t>(&'t self, text: &'t str, path: &'t str, line: &'t str) -> BTreeMap<&'t str, &'t str> {
        values(self.range, &self.captures, self.said.as_ref(), text, path, line)
    }

    /// Returns where everything is after an edit; none where the edit took a part of it.
    pub(super) fn after(mut self, edit: &TextEdit) -> Option<Self> {
        self.range = moved(self.range, edit)?;
        for range in self.captures.values_mut().filter(|range| !range.is_empty()) {
            *range = moved(*range, edit)?;
        }
        Some(self)
    }
}

/// Returns the line of a place as people count, for templates.
pub(super) fn line_number(text: &str, offset: usize) -> String {
    let above = text[..offset].bytes().filter(|byte| *byte == b'\n').count();
    (above + 1).to_string()
}

/// Returns where a range is after an edit before, behind or inside of it; none where they only share a part.
pub(super) fn moved(range: TextRange, edit: &TextEdit) -> Option<TextRange> {
    let moved = |offset: usize| offset - edit.range.len() + edit.replacement.len();
    if range.contains(edit.range) && !range.is_empty() {
        return Some(TextRange::new(range.start, moved(range.end)));
    }
    if edit.range.end <= range.start {
        return Some(TextRange::new(moved(range.start), moved(range.end)));
    }
    (range.end <= edit.range.start).then_some(range)
}

/// Returns a text after an edit.
pub(super) fn replaced(text: &str, edit: &TextEdit) -> String {
    [&text[..edit.range.start], &edit.replacement, &text[edit.range.end..]].concat()
}

/// Returns the white space at the start of the line of a place.
fn indent(text: &str, start: usize) -> &str {
    let line = &text[text[..start].rfind('\n').map_or(0, |at| at + 1)..start];
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::plan::Plan;
    use crate::batch::site::select;
    use crate::index::Index;
    use crate::progress::NoProgress;

    fn rewritten(code: &str, rewrites: &str, text: &str) -> Rewritten {
        let plan = format!("version = 1\ntitle = 't'\nmatch.code = '{code}'\n{rewrites}");
        let plan = Plan::parse(&plan).unwrap();
        let path = RepoPath::new("a.c").unwrap();
        let index = Index::from_texts(vec![(path.clone(), text.to_owned())], &NoProgress).unwrap();
        let mut found = select(&plan, None, &index).unwrap().remove(0);
        let language = Some(Language::C);
        let done = rewrite(language, text, &found, &plan.rewrites, None).unwrap();
        assert!(found.parsed.take().is_some());
        assert_eq!(rewrite(language, text, &found, &plan.rewrites, None).unwrap(), done);
        done
    }

    #[test]
    fn inner_places_are_rewritten_before_outer_ones() {
        let text = "int f(int a) { return old(old(a, 1), old(2, 3)) + old(4, 5); }\n";
        let done = rewritten("old($A, $B)", "[[rewrite]]\nto = 'fresh($B, $A)'", text);
        assert_eq!(
            done.text,
            "int f(int a) { return fresh(fresh(3, 2), fresh(1, a)) + fresh(5, 4); }\n"
        );
        assert_eq!(
            done.steps.iter().map(|step| step.site).collect::<Vec<_>>(),
            [1, 2, 0, 3]
        );
        assert!(done.left.is_empty());
        // Every step can be taken again from the text that the ones before it leave.
        let again = done
            .steps
            .iter()
            .fold(text.to_owned(), |text, step| replaced(&text, &step.edit));
        assert_eq!(again, done.text);
    }

    #[test]
    fn what_does_not_fit_is_left_with_its_place() {
        let text = "void f(char *p, s *q) {\n  strcpy(buf, \"x\");\n  strcpy(q->p, \"y\");\n}\n";
        let rewrites = "[[rewrite]]\nto = 'strlcpy($TO, $FROM, sizeof($TO))'\nwhere = { TO = '\\w+' }";
        let done = rewritten("strcpy($TO, $FROM)", rewrites, text);
        assert!(done.text.contains("strlcpy(buf, \"x\", sizeof(buf));\n  strcpy(q->p"));
        assert_eq!(done.left[0].why, Misfit::NoneFits);
        let now = done.left[0].now.as_ref().unwrap();
        assert_eq!(&done.text[now.range.as_range()], "strcpy(q->p, \"y\")");
        assert_eq!(&done.text[now.captures["TO"].as_range()], "q->p");
    }

    #[test]
    fn conditions_name_parts_of_what_stands_in_a_hole() {
        let text = "void f(void) {\n  log(\"a %d\", v(1, g(2)));\n  log(\"b\");\n}\n";
        let rewrites = "[[rewrite]]\nto = 'log($FORMAT, $LIST)'\nwhere = { LAST = 'v\\((?<LIST>.*)\\)' }";
        let done = rewritten("log($FORMAT, $LAST)", rewrites, text);
        assert!(done.text.contains("log(\"a %d\", 1, g(2));"), "{}", done.text);
    }

    #[test]
    fn what_is_left_inside_of_a_hole_goes_with_it() {
        let text = "void f(s *q) {\n  strcpy(buf, strcpy(q->p, \"y\"));\n}\n";
        let rewrites = "[[rewrite]]\nto = 'strlcpy($TO, $FROM, sizeof($TO))'\nwhere = { TO = 'buf' }";
        let done = rewritten("strcpy($TO, $FROM)", rewrites, text);
        assert!(done.text.contains("strlcpy(buf, strcpy(q->p, \"y\"), sizeof(buf));"));
        let now = done.left[0].now.as_ref().unwrap();
        assert_eq!(&done.text[now.range.as_range()], "strcpy(q->p, \"y\")");
        assert_eq!(&done.text[now.captures["TO"].as_range()], "q->p");
    }

    #[test]
    fn what_would_not_parse_is_left_alone() {
        let text = "void f(void) {\n  g(1);\n  g(\"a\");\n}\n";
        let rewrites = "[[rewrite]]\nto = 'h(('\nwhere = { A = '\\d' }\n[[rewrite]]\nto = 'h($A)'";
        let done = rewritten("g($A)", rewrites, text);
        assert_eq!(done.text, "void f(void) {\n  g(1);\n  h(\"a\");\n}\n");
        assert_eq!(done.left[0].why, Misfit::Syntax);
    }

    #[test]
    fn lines_of_a_replacement_keep_the_indentation() {
        let text = "void f(void) {\n    g(1);\n}\n";
        let done = rewritten("g($A)", "[[rewrite]]\nto = '''\nh($A,\n  2)'''", text);
        assert_eq!(done.text, "void f(void) {\n    h(1,\n      2);\n}\n");
    }

    #[test]
    fn ranges_follow_the_text() {
        let edit = |start, end, text: &str| TextEdit {
            range: TextRange::new(start, end),
            replacement: text.to_owned(),
        };
        let range = TextRange::new(10, 20);
        assert_eq!(moved(range, &edit(0, 5, "")), Some(TextRange::new(5, 15)));
        assert_eq!(moved(range, &edit(20, 21, "abc")), Some(range));
        assert_eq!(moved(range, &edit(12, 13, "abc")), Some(TextRange::new(10, 22)));
        assert_eq!(moved(range, &edit(10, 20, "")), Some(TextRange::empty(10)));
        assert_eq!(moved(range, &edit(5, 12, "")), None);
        assert_eq!(moved(range, &edit(5, 25, "")), None);
    }
}
