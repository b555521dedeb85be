//! From tokens to what can be run.

use std::ops::Range;
use std::rc::Rc;

use super::lex::{Token, tokens};

/// How deep expressions and blocks may nest.
const DEPTH_MAX: usize = 64;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
    Bool(bool),
    Null,
    Undefined,
    Name(String),
    List(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    Member(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `new`, of a function.
    New(String, Vec<Expr>),
    /// A function, as it is written.
    Function(String),
    /// With the operator that stands before the `=`, if one does.
    Assign(Box<Expr>, &'static str, Box<Expr>),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    Expr(Expr),
    Var(Vec<(String, Option<Expr>)>),
    If(Expr, Vec<Statement>, Vec<Statement>),
    Return(Option<Expr>),
    /// Its name, its parameters, and where in the text its body stands.
    Function(String, Function),
}

/// Parameters and a body.
pub(super) type Function = Rc<(Vec<String>, Vec<Statement>)>;

/// By how strongly they bind, weakest first.
const BINARY: [&[&str]; 6] = [
    &["||"],
    &["&&"],
    &["===", "!==", "==", "!="],
    &["<=", ">=", "<", ">", "in", "instanceof"],
    &["+", "-"],
    &["*", "/", "%"],
];

const RESERVED: [&str; 19] = [
    "function",
    "return",
    "var",
    "if",
    "else",
    "for",
    "while",
    "do",
    "new",
    "delete",
    "this",
    "throw",
    "try",
    "switch",
    "let",
    "const",
    "class",
    "in",
    "instanceof",
];

/// Reads one expression.
pub(super) fn expression(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.expr()?;
    // One that is a statement is taken for what it is.
    while parser.sign(";") {}
    parser.end()?;
    Ok(expr)
}

/// Reads a function: its parameters and its body.
pub(super) fn function(text: &str) -> Result<Function, String> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    if !parser.word("function") {
        return Err("a function begins with \"function\"".into());
    }
    let (_, function) = parser.function()?;
    parser.end()?;
    Ok(function)
}

/// Reads statements.
pub(super) fn script(text: &str) -> Result<Vec<Statement>, String> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let mut statements = Vec::new();
    while parser.at < parser.tokens.len() {
        statements.extend(parser.statement()?);
    }
    Ok(statements)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(of)) if *of == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(of)) if of == word);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("{sign:?} is missing before {}", self.shown())) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek().cloned() {
            Some(Token::Word(word)) if !RESERVED.contains(&word.as_str()) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(format!("a name is missing before {}", self.shown())),
        }
    }

    fn shown(&self) -> String {
        self.peek().map_or_else(|| "the end".into(), |token| format!("{token:?}"))
    }

    fn end(&self) -> Result<(), String> {
        if self.peek().is_none() { Ok(()) } else { Err(format!("{} is not understood here", self.shown())) }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("a script nests deeper than {DEPTH_MAX}"));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn statement(&mut self) -> Result<Option<Statement>, String> {
        self.deeper(|parser| {
            if parser.sign(";") {
                return Ok(None);
            }
            let statement = if parser.word("var") {
                let mut names = Vec::new();
                loop {
                    let name = parser.name()?;
                    let value = if parser.sign("=") { Some(parser.expr()?) } else { None };
                    names.push((name, value));
                    if !parser.sign(",") {
                        break;
                    }
                }
                Statement::Var(names)
            } else if parser.word("return") {
                let ends = matches!(parser.peek(), None | Some(Token::Sign(";" | "}")));
                Statement::Return(if ends { None } else { Some(parser.expr()?) })
            } else if parser.word("if") {
                parser.need("(")?;
                let cond = parser.expr()?;
                parser.need(")")?;
                let then = parser.block()?;
                let other = if parser.word("else") { parser.block()? } else { Vec::new() };
                return Ok(Some(Statement::If(cond, then, other)));
            } else if parser.word("function") {
                let (name, function) = parser.function()?;
                let name = name.ok_or("a function has a name here")?;
                return Ok(Some(Statement::Function(name, function)));
            } else {
                Statement::Expr(parser.expr()?)
            };
            parser.sign(";");
            Ok(Some(statement))
        })
    }

    /// A function, behind the word: its name, if it has one, its parameters and its body.
    fn function(&mut self) -> Result<(Option<String>, Function), String> {
        let name = if self.sign("(") {
            None
        } else {
            let name = self.name()?;
            self.need("(")?;
            Some(name)
        };
        let mut params = Vec::new();
        while !self.sign(")") {
            params.push(self.name()?);
            self.sign(",");
        }
        Ok((name, Rc::new((params, self.block()?))))
    }

    fn block(&mut self) -> Result<Vec<Statement>, String> {
        if !self.sign("{") {
            return Ok(self.statement()?.into_iter().collect());
        }
        let mut statements = Vec::new();
        while !self.sign("}") {
            if self.peek().is_none() {
                return Err("\"}\" is missing before the end".into());
            }
            statements.extend(self.statement()?);
        }
        Ok(statements)
    }

    fn expr(&mut self) -> Result<Expr, String> {
        self.deeper(|parser| {
            let left = parser.choice()?;
            for (sign, op) in [("=", ""), ("+=", "+"), ("-=", "-"), ("*=", "*"), ("/=", "/"), ("%=", "%")] {
                if parser.sign(sign) {
                    if !matches!(left, Expr::Name(_) | Expr::Member(..)) {
                        return Err("only a name or a member can be assigned to".into());
                    }
                    return Ok(Expr::Assign(Box::new(left), op, Box::new(parser.expr()?)));
                }
            }
            Ok(left)
        })
    }

    fn choice(&mut self) -> Result<Expr, String> {
        let cond = self.binary(0)?;
        if !self.sign("?") {
            return Ok(cond);
        }
        let then = self.expr()?;
        self.need(":")?;
        Ok(Expr::Choice(Box::new(cond), Box::new(then), Box::new(self.expr()?)))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(ops) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut chain = 0;
        while let Some(op) = ops.iter().find(|op| self.sign(op) || self.word(op)) {
            // A chain to the left is as deep a tree as it is long.
            chain += 1;
            if chain > DEPTH_MAX {
                return Err(format!("more than {DEPTH_MAX} operators follow each other"));
            }
            left = Expr::Binary(op, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        for op in ["!", "-", "+"] {
            if self.sign(op) {
                return self.deeper(|parser| Ok(Expr::Unary(op, Box::new(parser.unary()?))));
            }
        }
        for (sign, op) in [("++", "+"), ("--", "-")] {
            if self.sign(sign) {
                let to = self.deeper(Self::unary)?;
                if !matches!(to, Expr::Name(_) | Expr::Member(..)) {
                    return Err("only a name or a member can be counted".into());
                }
                return Ok(Expr::Assign(Box::new(to), op, Box::new(Expr::Number(1.0))));
            }
        }
        if self.word("typeof") {
            return self.deeper(|parser| Ok(Expr::Unary("typeof", Box::new(parser.unary()?))));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        let mut expr = self.primary()?;
        let mut chain = 0;
        loop {
            chain += 1;
            if chain > DEPTH_MAX {
                return Err(format!("more than {DEPTH_MAX} members follow each other"));
            }
            if self.sign(".") {
                let Some(Token::Word(word)) = self.peek().cloned() else {
                    return Err(format!("a name is missing before {}", self.shown()));
                };
                self.at += 1;
                expr = Expr::Member(Box::new(expr), Box::new(Expr::Text(word)));
            } else if self.sign("[") {
                let key = self.expr()?;
                self.need("]")?;
                expr = Expr::Member(Box::new(expr), Box::new(key));
            } else if self.sign("(") {
                expr = Expr::Call(Box::new(expr), self.items(")")?);
            } else if self.sign("++") {
                return Self::count_after(expr, "+", "-");
            } else if self.sign("--") {
                return Self::count_after(expr, "-", "+");
            } else {
                return Ok(expr);
            }
        }
    }

    /// `x++` is the value from before.
    fn count_after(to: Expr, op: &'static str, back: &'static str) -> Result<Expr, String> {
        if !matches!(to, Expr::Name(_) | Expr::Member(..)) {
            return Err("only a name or a member can be counted".into());
        }
        let one = || Box::new(Expr::Number(1.0));
        Ok(Expr::Binary(back, Box::new(Expr::Assign(Box::new(to), op, one())), one()))
    }

    fn items(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        while !self.sign(end) {
            items.push(self.expr()?);
            if !self.sign(",") {
                self.need(end)?;
                break;
            }
        }
        Ok(items)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let token = self.peek().cloned();
        let begin = self.at;
        self.at += 1;
        Ok(match token {
            Some(Token::Number(number)) => Expr::Number(number),
            Some(Token::Text(text)) => Expr::Text(text),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                "null" => Expr::Null,
                "undefined" => Expr::Undefined,
                "this" => Expr::Name(word),
                "new" => {
                    let name = self.name()?;
                    Expr::New(name, if self.sign("(") { self.items(")")? } else { Vec::new() })
                }
                "function" => {
                    self.deeper(Self::function)?;
                    let place = |at: usize| self.tokens.get(at).map(|(_, place)| place);
                    let (from, to) = (place(begin), place(self.at - 1));
                    let text = from.zip(to).and_then(|(from, to)| self.text.get(from.start..to.end));
                    Expr::Function(text.unwrap_or_default().to_owned())
                }
                word if RESERVED.contains(&word) => return Err(format!("{word:?} is not understood here")),
                _ => Expr::Name(word),
            },
            Some(Token::Sign("(")) => {
                let inside = self.expr()?;
                self.need(")")?;
                inside
            }
            Some(Token::Sign("[")) => Expr::List(self.items("]")?),
            Some(Token::Sign("{")) => {
                let mut fields = Vec::new();
                while !self.sign("}") {
                    let key = match self.peek().cloned() {
                        Some(Token::Word(key) | Token::Text(key)) => key,
                        _ => return Err(format!("a key is missing before {}", self.shown())),
                    };
                    self.at += 1;
                    self.need(":")?;
                    fields.push((key, self.expr()?));
                    if !self.sign(",") {
                        self.need("}")?;
                        break;
                    }
                }
                Expr::Object(fields)
            }
            Some(other) => return Err(format!("{other:?} is not understood here")),
            None => return Err("an expression is missing".into()),
        })
    }
}
