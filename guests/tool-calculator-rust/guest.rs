//! Works out `{"expression": "2 * (3 + 4)"}` and answers `{"result": 14}` or `{"error": "…"}`. Knows + - * / and brackets.

use std::io::{Read, Write};

fn main() {
    let mut request = String::new();
    let answer = match std::io::stdin().read_to_string(&mut request) {
        Ok(_) => answer(&request),
        Err(_) => Err("the request is no text"),
    };
    let text = match answer {
        Ok(result) => format!("{{\"result\":{result}}}\n"),
        Err(why) => format!("{{\"error\":\"{why}\"}}\n"),
    };
    drop(std::io::stdout().write_all(text.as_bytes()));
}

fn answer(request: &str) -> Result<f64, &'static str> {
    // The host has checked the request against the schema, so there is one string of that name.
    let rest = request.split_once("\"expression\"").and_then(|(_, rest)| rest.split_once('"'));
    let (_, rest) = rest.ok_or("there is no expression")?;
    let text = rest.split_once('"').map(|(text, _)| text).ok_or("there is no expression")?;
    let mut parser = Parser { text: text.as_bytes(), at: 0, depth: 0 };
    let result = parser.sum()?;
    match parser.peek() {
        Some(_) => Err("something is left over"),
        None if result.is_finite() => Ok(result),
        None => Err("there is no such number"),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn sum(&mut self) -> Result<f64, &'static str> {
        let mut total = self.product()?;
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            self.at += 1;
            let next = self.product()?;
            total += if sign == b'+' { next } else { -next };
        }
        Ok(total)
    }

    fn product(&mut self) -> Result<f64, &'static str> {
        let mut total = self.factor()?;
        while let Some(sign @ (b'*' | b'/')) = self.peek() {
            self.at += 1;
            let next = self.factor()?;
            total = if sign == b'*' { total * next } else { total / next };
        }
        Ok(total)
    }

    fn factor(&mut self) -> Result<f64, &'static str> {
        match self.peek() {
            Some(sign @ (b'-' | b'(')) => {
                self.at += 1;
                self.depth += 1;
                if self.depth > 100 {
                    return Err("the brackets are too deep");
                }
                let value = if sign == b'-' { -self.factor()? } else { self.sum()? };
                self.depth -= 1;
                if sign == b'(' {
                    if self.peek() != Some(b')') {
                        return Err("a bracket is not closed");
                    }
                    self.at += 1;
                }
                Ok(value)
            }
            Some(b'0'..=b'9' | b'.') => {
                let start = self.at;
                while let Some(b'0'..=b'9' | b'.') = self.text.get(self.at) {
                    self.at += 1;
                }
                let digits = self.text.get(start..self.at).unwrap_or_default();
                std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or("a number is malformed")
            }
            Some(_) => Err("a number or a bracket is expected"),
            None => Err("the expression ends too early"),
        }
    }
}
