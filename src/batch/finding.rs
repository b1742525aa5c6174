//! Reports of analysers and compilers: SARIF 2.1.0, the JSON lines of cargo and rustc, the JSON of GCC.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::text::RepoPath;

/// Something that a tool found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: RepoPath,
    /// The first line of it, zero-based.
    pub first_line: usize,
    /// The last line, zero-based.
    pub last_line: usize,
    /// The name of the rule, as the tool calls it; empty where it says none.
    pub rule: String,
    /// What the tool says of it.
    pub message: String,
}

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// It is no JSON.
    #[error("the report is not JSON")]
    Json(#[source] serde_json::Error),
    /// It is JSON of another kind.
    #[error("the report is neither SARIF, nor JSON messages of cargo or rustc, nor JSON diagnostics of GCC")]
    Unknown,
}

/// Reads a report. What it says of files outside of `root`, and of none, is left out.
///
/// # Errors
/// [`FindingsError`] where it is no report of a known kind.
pub fn parse(text: &str, root: &Path) -> Result<Vec<Finding>, FindingsError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        values.push(value.map_err(FindingsError::Json)?);
    }
    let mut found = match &values[..] {
        [Value::Object(only)] if only.contains_key("runs") => sarif(&values[0], root),
        [Value::Array(diagnostics)] => gcc(diagnostics, root),
        messages if !messages.is_empty() && messages.iter().all(is_message) => rustc(messages, root),
        _ => return Err(FindingsError::Unknown),
    };
    found.sort_by(|a, b| (&a.path, a.first_line, a.last_line).cmp(&(&b.path, b.first_line, b.last_line)));
    found.dedup();
    Ok(found)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: Option<String>,
    message: SarifMessage,
    #[serde(default)]
    locations: Vec<SarifLocation>,
}

#[derive(Default, Deserialize)]
struct SarifMessage {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    physical_location: Option<SarifPlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifPlace {
    artifact_location: SarifArtifact,
    region: Option<SarifRegion>,
}

#[derive(Deserialize)]
struct SarifArtifact {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifRegion {
    start_line: Option<usize>,
    end_line: Option<usize>,
}

fn sarif(report: &Value, root: &Path) -> Vec<Finding> {
    let runs = report["runs"].as_array().into_iter().flatten();
    let results = runs.flat_map(|run| run["results"].as_array().into_iter().flatten());
    let results = results.filter_map(|result| SarifResult::deserialize(result).ok());
    let found = results.filter_map(|result| {
        let place = result
            .locations
            .into_iter()
            .find_map(|location| location.physical_location)?;
        let region = place.region?;
        let first_line = region.start_line?.checked_sub(1)?;
        Some(Finding {
            path: path_of(&unescaped(&place.artifact_location.uri?), root)?,
            first_line,
            last_line: region
                .end_line
                .and_then(|line| line.checked_sub(1))
                .unwrap_or(first_line)
                .max(first_line),
            rule: result.rule_id.unwrap_or_default(),
            message: result.message.text,
        })
    });
    found.collect()
}

fn is_message(value: &Value) -> bool {
    value.get("reason").is_some() || value.get("spans").is_some()
}

fn rustc(messages: &[Value], root: &Path) -> Vec<Finding> {
    let found = messages.iter().filter_map(|value| {
        let message = match value.get("reason").and_then(Value::as_str) {
            Some("compiler-message") => &value["message"],
            Some(_) => return None,
            None => value,
        };
        let span = message["spans"]
            .as_array()?
            .iter()
            .find(|span| span["is_primary"] == true)?;
        let line = |key: &str| usize::try_from(span[key].as_u64()?).ok()?.checked_sub(1);
        Some(Finding {
            path: path_of(span["file_name"].as_str()?, root)?,
            first_line: line("line_start")?,
            last_line: line("line_end")?,
            rule: message["code"]["code"].as_str().unwrap_or_default().to_owned(),
            message: message["message"].as_str()?.to_owned(),
        })
    });
    found.collect()
}

fn gcc(diagnostics: &[Value], root: &Path) -> Vec<Finding> {
    let found = diagnostics.iter().filter_map(|diagnostic| {
        let location = diagnostic["locations"].as_array()?.first()?;
        let line = |key: &str| usize::try_from(location[key]["line"].as_u64()?).ok()?.checked_sub(1);
        let first_line = line("caret")?;
        Some(Finding {
            path: path_of(location["caret"]["file"].as_str()?, root)?,
            first_line,
            last_line: line("finish").unwrap_or(first_line).max(first_line),
            rule: diagnostic["option"].as_str().unwrap_or_default().to_owned(),
            message: diagnostic["message"].as_str()?.to_owned(),
        })
    });
    found.collect()
}

/// Returns the path inside of the repository; nothing where it is outside.
fn path_of(named: &str, root: &Path) -> Option<RepoPath> {
    let named = named.strip_prefix("file://").unwrap_or(named);
    let path = Path::new(named);
    let inside = match path.is_absolute() {
        true => path.strip_prefix(root).ok()?,
        false => path,
    };
    RepoPath::normalize(inside).ok()
}

/// Takes the percent encoding of a URI back (RFC 3986, 2.1).
fn unescaped(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(String, usize, usize, String, String)> {
        let found = parse(text, Path::new("/repo")).unwrap().into_iter();
        found
            .map(|f| (f.path.to_string(), f.first_line, f.last_line, f.rule, f.message))
            .collect()
    }

    fn place(
        path: &str,
        first: usize,
        last: usize,
        rule: &str,
        message: &str,
    ) -> (String, usize, usize, String, String) {
        (path.to_owned(), first, last, rule.to_owned(), message.to_owned())
    }

    #[test]
    fn sarif_is_read() {
        let text = r#"{"version": "2.1.0", "runs": [{"results": [
            {"ruleId": "B2", "message": {"text": "bad"}, "locations": [{"physicalLocation":
              {"artifactLocation": {"uri": "src/a%20b.py"}, "region": {"startLine": 3, "endLine": 5, "startColumn": 2}}}]},
            {"ruleId": "A1", "message": {"text": "worse"}, "locations": [{"physicalLocation":
              {"artifactLocation": {"uri": "file:///repo/c.py"}, "region": {"startLine": 1}}}]},
            {"message": {"text": "elsewhere"}, "locations": [{"physicalLocation":
              {"artifactLocation": {"uri": "file:///etc/passwd"}, "region": {"startLine": 1}}}]},
            {"message": {"text": "up"}, "locations": [{"physicalLocation":
              {"artifactLocation": {"uri": "../x.py"}, "region": {"startLine": 1}}}]},
            {"message": {"text": "nowhere"}}]}]}"#;
        let wanted = [
            place("c.py", 0, 0, "A1", "worse"),
            place("src/a b.py", 2, 4, "B2", "bad"),
        ];
        assert_eq!(places(text), wanted);
    }

    #[test]
    fn messages_of_compilers_are_read() {
        let cargo = r#"{"reason":"compiler-artifact"}
{"reason":"compiler-message","message":{"message":"unused variable: `x`","code":{"code":"unused_variables"},"spans":[
  {"file_name":"src/z.rs","line_start":9,"line_end":9,"is_primary":false},
  {"file_name":"src/lib.rs","line_start":2,"line_end":2,"is_primary":true}]}}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            places(cargo),
            [place("src/lib.rs", 1, 1, "unused_variables", "unused variable: `x`")]
        );
        let gcc = r#"[{"kind":"warning","message":"unused","option":"-Wunused","locations":[
            {"caret":{"file":"/repo/a.c","line":4,"column":2},"finish":{"file":"/repo/a.c","line":5}}]}]"#;
        assert_eq!(places(gcc), [place("a.c", 3, 4, "-Wunused", "unused")]);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in ["{}", "[1, 2", "", "{\"a\": 1}\n{\"b\": 2}", "3"] {
            assert!(parse(text, Path::new("/repo")).is_err(), "{text}");
        }
        assert!(places("[]").is_empty());
    }
}
