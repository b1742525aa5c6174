/// Returns a GBNF grammar for exactly one of `words`.
pub fn choice_grammar(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    include_str!("../../grammars/decode/choice.gbnf").replace("@WORDS@", &quoted.join(" | "))
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

    #[test]
    fn words_cannot_break_out_of_their_quotes() {
        assert!(choice_grammar(&["a\"b\\\n".to_owned()]).contains(r#"root ::= "a\"b\\\n""#));
    }
}
