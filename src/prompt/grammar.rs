/// Returns a GBNF grammar for exactly one of `words`.
pub fn choice_grammar(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    include_str!("../../grammars/decode/choice.gbnf").replace("@WORDS@", &quoted.join(" | "))
}

/// What an action of the tool loop may name.
#[derive(Clone, Copy, Debug)]
pub struct ActionWords<'a> {
    /// Actions, by the names of their rules in `grammars/decode/action.gbnf`.
    pub actions: &'a [&'a str],
    /// The files that were shown.
    pub files: &'a [String],
    /// Those of them that may be rewritten whole.
    pub short: &'a [String],
    /// The definitions that were shown.
    pub names: &'a [String],
}

/// Returns a GBNF grammar for exactly one action, as a line of JSON. An action that needs a place of a kind that there
/// is none of is left out.
pub fn action_grammar(words: &ActionWords<'_>) -> String {
    let terminals = |words: &[String]| -> Vec<String> { words.iter().map(|word| quote(&json_string(word))).collect() };
    let (files, short, names) = (terminals(words.files), terminals(words.short), terminals(words.names));
    let known = |rules: [(&'static str, &[String]); 2]| -> Vec<&'static str> {
        let known = rules.into_iter().filter(|(_, words)| !words.is_empty());
        known.map(|(rule, _)| rule).collect()
    };
    let places = known([("name", &names), ("file", &files)]);
    let regions = known([("name", &names), ("short", &short)]);
    let source = include_str!("../../grammars/decode/action.gbnf");
    let lacks = |rule: &str| match rule {
        "place" => places.is_empty(),
        "region" => regions.is_empty(),
        "short" => short.is_empty(),
        "file" => files.is_empty(),
        "name" => names.is_empty(),
        _ => false,
    };
    let has_words = |line: &str| {
        let (rule, body) = line.split_once(" ::= ").unwrap_or((line, ""));
        !lacks(rule) && !body.split([' ', '"']).any(lacks)
    };
    let rules: Vec<&str> = source
        .lines()
        .filter(|line| !line.starts_with('#') && has_words(line))
        .collect();
    let is_rule = |action: &&&str| rules.iter().any(|rule| rule.split(" ::= ").next() == Some(**action));
    let actions: Vec<&str> = words.actions.iter().filter(is_rule).copied().collect();
    let filled = rules.iter().map(|rule| match rule.split_once(" ::= ") {
        Some((rule, "@ACTIONS@")) => format!("{rule} ::= {}", actions.join(" | ")),
        Some((rule, "@PLACES@")) => format!("{rule} ::= {}", places.join(" | ")),
        Some((rule, "@REGIONS@")) => format!("{rule} ::= {}", regions.join(" | ")),
        Some((rule, "@SHORT@")) => format!("{rule} ::= {}", short.join(" | ")),
        Some((rule, "@FILES@")) => format!("{rule} ::= {}", files.join(" | ")),
        Some((rule, "@NAMES@")) => format!("{rule} ::= {}", names.join(" | ")),
        _ => (*rule).to_owned(),
    });
    filled.collect::<Vec<String>>().join("\n")
}

/// Spells a string in JSON.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Quotes a GBNF terminal.
fn quote(word: &str) -> String {
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\x{:02X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar(files: &[&str], names: &[&str]) -> String {
        let owned = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        action_grammar(&ActionWords {
            actions: &["find", "open", "open-lines", "references", "rewrite", "finish"],
            files: &owned(files),
            short: &[],
            names: &owned(names),
        })
    }

    #[test]
    fn actions_without_a_place_to_name_are_left_out() {
        let none = grammar(&[], &[]);
        assert!(none.starts_with("root ::= find | finish\n"), "{none}");
        assert!(!none.contains("place") && !none.contains('@'), "{none}");
        let files = grammar(&["a.py"], &[]);
        assert!(
            files.starts_with("root ::= find | open | open-lines | finish\n"),
            "{files}"
        );
        assert!(files.contains("place ::= file\n") && !files.contains("name"), "{files}");
        let both = grammar(&["a.py"], &["a.py:f"]);
        assert!(
            both.starts_with("root ::= find | open | open-lines | references | rewrite | finish\n"),
            "{both}"
        );
        assert!(both.ends_with(r#"name ::= "\"a.py:f\"""#), "{both}");
    }

    #[test]
    fn a_hostile_file_name_stays_a_word() {
        let hostile = grammar(&["a\"}\n@NAMES@"], &["x:y"]);
        assert!(hostile.contains(r#"file ::= "\"a\\\"}\\n"#), "{hostile}");
        assert_eq!(hostile.lines().count(), grammar(&["a"], &["x:y"]).lines().count());
    }

    #[test]
    fn words_cannot_break_out_of_their_quotes() {
        assert!(choice_grammar(&["a\"b\\\n".to_owned()]).contains(r#"root ::= "a\"b\\\n""#));
    }
}
