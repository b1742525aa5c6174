//! The report of a batch as one page of HTML, to read what changed place by place: no script, nothing from elsewhere.

use std::fmt::Write as _;

use super::batch_json::BatchReport;
use crate::batch::SeriesPatch;
use crate::review::escape;

const STYLE: &str = "\
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #1b1f24; }
pre { font: 13px/1.4 ui-monospace, monospace; overflow-x: auto; background: #f6f8fa; padding: .6em; margin: .3em 0; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15em 1em .15em 0; vertical-align: top; }
td.n { text-align: right; } summary { cursor: pointer; font-family: ui-monospace, monospace; }
.add { color: #116329; } .del { color: #a40e26; } .at { color: #0550ae; } .head { color: #57606a; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } pre { background: #161b22; }
.add { color: #7ee787; } .del { color: #ff7b72; } .at { color: #79c0ff; } .head { color: #8b949e; } }";

/// Returns the head of the page: the numbers and what failed. The sections of the patches follow it.
pub(crate) fn head(report: &BatchReport<'_>, marking: Option<&str>) -> String {
    let title = text(report.title());
    let marking = marking.map_or(String::new(), |marking| format!("<p>{}</p>\n", text(marking)));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{marking}<h1>{title}</h1>\n<table>\n"
    );
    // Writing to a string cannot fail.
    for (what, count) in report.counts() {
        let _ = writeln!(out, "<tr><td class=\"n\">{count}<td>{what}");
    }
    out.push_str("</table>\n");
    let failures = report.failures();
    if !failures.is_empty() {
        out.push_str("<h2>Failed</h2>\n<table>\n");
        for (place, reason) in failures {
            let _ = writeln!(out, "<tr><td>{}<td>{}", text(&place), text(&reason));
        }
        out.push_str("</table>\n");
    }
    out.push_str("<h2>Patches</h2>\n");
    out
}

/// Returns the section of a page that shows a patch of the series.
pub(crate) fn section(patch: &SeriesPatch<'_>) -> String {
    let places = patch
        .sites
        .iter()
        .map(|site| format!("{}:{}", site.path, site.line + 1));
    let places: Vec<String> = places.collect();
    let summary = match &places[..] {
        [only] => only.clone(),
        [first, .., last] => format!("{} places, {first} to {last}", places.len()),
        [] => String::new(),
    };
    let mut out = format!("<details open><summary>{}</summary>\n<pre>", text(&summary));
    for line in patch.patch.unified().split_inclusive('\n') {
        let line = line.trim_end_matches('\n');
        let class = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'd' | b'i' | b'n' | b'o', ..] => "head",
            [b'+', ..] => "add",
            [b'-', ..] => "del",
            [b'@', ..] => "at",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = match class {
            "" => writeln!(out, "{}", text(line)),
            class => writeln!(out, "<span class=\"{class}\">{}</span>", text(line)),
        };
    }
    out.push_str("</pre></details>\n");
    out
}

/// Writes the report as Markdown.
pub(crate) fn markdown(report: &BatchReport<'_>, marking: Option<&str>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    if let Some(marking) = marking {
        let _ = writeln!(out, "{}\n", plain(marking));
    }
    let _ = writeln!(out, "# {}\n\n| sites | |\n|---|---|", plain(report.title()));
    for (what, count) in report.counts() {
        let _ = writeln!(out, "| {what} | {count} |");
    }
    let failures = report.failures();
    if !failures.is_empty() {
        out.push_str("\n| failed | why |\n|---|---|\n");
        for (place, reason) in failures {
            let _ = writeln!(out, "| {} | {} |", plain(&place), plain(&reason));
        }
    }
    out
}

/// Returns foreign text as HTML has to hold it; what nobody would see is spelled out.
fn text(foreign: &str) -> String {
    let shown = escape(foreign);
    shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Returns foreign text on one line, without what Markdown or HTML would act on.
fn plain(foreign: &str) -> String {
    let shown = escape(foreign).replace(['\n', '\r'], " ");
    let mut out = String::new();
    for c in shown.chars() {
        if "\\`*_{}[]<>()#+!|&~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        assert_eq!(
            text("<b a=\"&\">\u{202e}"),
            format!("&lt;b a=&quot;&amp;&quot;&gt;{}", escape("\u{202e}"))
        );
        assert_eq!(plain("a|b\n<i>_c_"), "a\\|b \\<i\\>\\_c\\_");
    }
}
