//! From text to tokens.

use std::ops::Range;

/// How many bytes a text may have.
const BYTES_MAX: usize = 64 << 10;

/// How many tokens: what is made of them is no deeper than they are many.
const TOKENS_MAX: usize = 8192;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 38] = [
    "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "=>", "+",
    "-", "*", "/", "%", "<", ">", "!", "=", "(", ")", "[", "]", "{", "}", ",", ";", ".", "?", ":", "&", "|",
];

/// The tokens, each with where it begins and ends. Errors: what is no token, and text that is too long.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("a script has at most {BYTES_MAX} bytes"));
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    let place = |rest: &str| text.len() - rest.len();
    while let Some(first) = rest.chars().next() {
        if tokens.len() > TOKENS_MAX {
            return Err(format!("a script has at most {TOKENS_MAX} words and signs"));
        }
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").ok_or("a comment has no end")?.1;
        } else if first.is_ascii_digit()
            || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()))
        {
            let (number, after) = number(rest);
            let number = number.parse().map_err(|_| format!("{number:?} is no number"))?;
            tokens.push((Token::Number(number), place(rest)..place(after)));
            rest = after;
        } else if first.is_alphabetic() || matches!(first, '_' | '$') {
            let end =
                rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push((Token::Word(word.to_owned()), place(rest)..place(after)));
            rest = after;
        } else if matches!(first, '"' | '\'') {
            let (inside, after) = string(rest.get(1..).unwrap_or_default(), first)?;
            tokens.push((Token::Text(inside), place(rest)..place(after)));
            rest = after;
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("{first:?} is not understood"))?;
            let after = rest.get(sign.len()..).unwrap_or_default();
            tokens.push((Token::Sign(sign), place(rest)..place(after)));
            rest = after;
        }
    }
    Ok(tokens)
}

fn number(text: &str) -> (&str, &str) {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut end = digits(text);
    if let Some(part) = text.get(end..).and_then(|rest| rest.strip_prefix('.')) {
        end += 1 + digits(part);
    }
    if let Some(exponent) = text.get(end..).and_then(|rest| rest.strip_prefix(['e', 'E'])) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let count = digits(exponent.get(sign..).unwrap_or_default());
        if count > 0 {
            end += 1 + sign + count;
        }
    }
    text.split_at(end)
}

fn string(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut found = String::new();
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((found, text.get(place + 1..).unwrap_or_default())),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => found.push('\n'),
                Some('t') => found.push('\t'),
                Some('r') => found.push('\r'),
                Some(c @ ('\\' | '\'' | '"' | '/')) => found.push(c),
                _ => return Err("an escape in a string is not understood".into()),
            },
            '\n' => break,
            c => found.push(c),
        }
    }
    Err("a string has no end".into())
}
