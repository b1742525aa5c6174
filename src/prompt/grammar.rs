/// Returns a GBNF grammar for one to `most` of the numbers `1..=count`, separated by commas.
pub fn numbers_grammar(count: usize, most: usize) -> String {
    let numbers: Vec<String> = (1..=count.max(1)).map(|n| n.to_string()).collect();
    include_str!("../../grammars/decode/numbers.gbnf")
        .replace("@MORE@", &most.saturating_sub(1).to_string())
        .replace("@NUMBERS@", &alternatives(&numbers))
}

/// Returns a GBNF grammar for exactly one of `words`.
pub fn choice_grammar(words: &[String]) -> String {
    include_str!("../../grammars/decode/choice.gbnf").replace("@WORDS@", &alternatives(words))
}

fn alternatives(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    quoted.join(" | ")
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
    fn the_grammar_offers_just_the_given_numbers() {
        let grammar = numbers_grammar(3, 2);
        assert!(grammar.contains("number ::= \"1\" | \"2\" | \"3\"\n"));
        assert!(grammar.contains("{0,1}"));
    }

    #[test]
    fn words_cannot_break_out_of_their_quotes() {
        assert!(choice_grammar(&["a\"b\\\n".to_owned()]).contains(r#"root ::= "a\"b\\\n""#));
    }
}
