//! The words on an arrow: `event [guard] / actions`.

use crate::document::model::{GuardNode, Ref, Transition};
use crate::guard::value;
use crate::name::Name;

/// How long a part of a label may become before the rest is left out; pictures cut it further.
const CHARS_MAX: usize = 400;

/// What is written on an arrow for one transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Where the transition stands.
    pub(super) at: String,
    /// The event; `None` of a transition that is for none, or for any.
    pub(super) event: Option<String>,
    /// The event, or what stands for it.
    pub(super) head: String,
    /// When; empty when always.
    pub(super) guard: String,
    /// What it does; empty when nothing.
    pub(super) actions: String,
}

impl Label {
    /// All of it.
    pub(super) fn line(&self) -> String {
        let mut line = self.head.clone();
        if !self.guard.is_empty() {
            line.push_str(&format!(" [{}]", self.guard));
        }
        if !self.actions.is_empty() {
            line.push_str(&format!(" / {}", self.actions));
        }
        line
    }
}

pub(super) fn of(transition: &Transition) -> Label {
    let named = || Some(&transition.on).filter(|on| !on.is_empty()).map(Name::to_string);
    let event = if transition.event_less || transition.wildcard { None } else { named() };
    let head = match (&event, transition.after) {
        (Some(event), Some(nanos)) => format!("after {} ({event})", duration(nanos)),
        (Some(event), None) => event.clone(),
        (None, _) if transition.event_less => "always".into(),
        (None, _) if transition.wildcard => "*".into(),
        (None, _) => "no event".into(),
    };
    let mut guard: Vec<String> = transition.guards.iter().map(|guard| guard.name.clone()).collect();
    if let Some(node) = &transition.guard_expr {
        let mut text = String::new();
        show(node, false, &mut text);
        guard.push(text);
    }
    Label {
        at: transition.at.clone(),
        event,
        head: cut(head),
        guard: cut(guard.join(" and ")),
        actions: list(&transition.effects, &transition.assigns, &transition.raise),
    }
}

/// Actions, changes of the context and events that are raised, as a list.
pub(super) fn list(actions: &[Ref], assigns: &[Ref], raise: &[Name]) -> String {
    let actions = actions.iter().map(|action| action.name.clone());
    let assigns = assigns.iter().map(|assign| format!("assign {}", assign.name));
    let raise = raise.iter().map(|event| format!("raise {event}"));
    let mut text = String::new();
    for each in actions.chain(assigns).chain(raise) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&each);
        if text.len() > CHARS_MAX {
            break;
        }
    }
    cut(text)
}

/// A guard as people write it. How deep it nests is bounded by the document.
fn show(node: &GuardNode, nested: bool, text: &mut String) {
    if text.len() > CHARS_MAX {
        return;
    }
    let mut join = |word: &str| {
        let wrap = nested && matches!(word, "and" | "or") && node.children.len() > 1;
        text.push_str(if wrap { "(" } else { "" });
        for (number, child) in node.children.iter().enumerate() {
            if number > 0 {
                text.push_str(&format!(" {word} "));
            }
            show(child, true, text);
        }
        text.push_str(if wrap { ")" } else { "" });
    };
    match node.op.as_str() {
        "and" | "or" => join(&node.op),
        "eq" => join("="),
        "ne" => join("\u{2260}"),
        "lt" => join("<"),
        "le" => join("\u{2264}"),
        "gt" => join(">"),
        "ge" => join("\u{2265}"),
        "not" => {
            text.push_str("not ");
            for child in &node.children {
                show(child, true, text);
            }
        }
        "leaf" => text.push_str(node.reference.as_ref().map_or("?", |reference| &reference.name)),
        "stateIn" => text.push_str(&format!("in {}", node.state.as_ref().unwrap_or(&Name::empty()))),
        "field" => text.push_str(&node.path),
        "literal" => text.push_str(&node.literal.as_ref().map_or_else(|| "?".into(), value::show)),
        "in" => {
            for child in &node.children {
                show(child, true, text);
            }
            let set: Vec<String> = node.set.iter().take(20).map(value::show).collect();
            text.push_str(&format!(" in {{{}}}", set.join(", ")));
        }
        other => text.push_str(other),
    }
}

fn cut(text: String) -> String {
    shorten(&text, CHARS_MAX)
}

/// At most so many characters; what is longer ends in an ellipsis.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// A length of time as people write it: `1m30s`, `1.5s`, `250ms`.
pub(super) fn duration(nanos: i64) -> String {
    let total = nanos.unsigned_abs();
    let (unit, size) = match total {
        0 => return "0s".into(),
        1..1_000 => ("ns", 1),
        1_000..1_000_000 => ("\u{b5}s", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000_u64),
    };
    let mut text = String::from(if nanos < 0 { "-" } else { "" });
    let (seconds, fraction) = (total / size, total % size);
    let (minutes, rest) = if unit == "s" { (seconds / 60, seconds % 60) } else { (0, seconds) };
    if minutes >= 60 {
        text.push_str(&format!("{}h", minutes / 60));
    }
    if minutes % 60 > 0 {
        text.push_str(&format!("{}m", minutes % 60));
    }
    if fraction > 0 {
        let digits = format!("{:0width$}", fraction, width = size.to_string().len() - 1);
        text.push_str(&format!("{rest}.{}{unit}", digits.trim_end_matches('0')));
    } else if rest > 0 {
        text.push_str(&format!("{rest}{unit}"));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use crate::document::Document;

    fn check(transition: &str, expected: &str) {
        let text = format!("{{\"states\":[{{\"name\":\"a\",\"transitions\":[{transition}]}}]}}");
        let (machine, _) = Document::parse(&text).unwrap().read();
        assert_eq!(of(&machine.states[0].transitions[0]).line(), expected);
    }

    #[test]
    fn labels() {
        check(r#"{"on":"go"}"#, "go");
        check(r#"{"on":7,"guards":[{"name":"g"},{"name":"h"}]}"#, "7 [g and h]");
        check(r#"{"on":"t","after":5000000000}"#, "after 5s (t)");
        check(r#"{"on":"","eventLess":true,"effects":[{"name":"e"}]}"#, "always / e");
        check(r#"{"on":"","wildcard":true,"assigns":[{"name":"n"}],"raise":["x"]}"#, "* / assign n, raise x");
        check(
            r#"{"on":"e","guardExpr":{"op":"and","children":[{"op":"leaf","ref":{"name":"a"}},
                {"op":"not","children":[{"op":"or","children":[{"op":"stateIn","in":"s"},
                    {"op":"in","set":[{"type":"enum","value":"x"}],"children":[{"op":"field","path":"f"}]}]}]},
                {"op":"ge","children":[{"op":"field","path":"t.u"},{"op":"literal","literal":{"type":"int","value":4}}]}]}}"#,
            "e [a and not (in s or f in {\"x\"}) and t.u \u{2265} 4]",
        );
    }

    #[test]
    fn lengths_of_time() {
        for (nanos, expected) in [
            (0, "0s"),
            (5_000_000_000, "5s"),
            (90_000_000_000, "1m30s"),
            (250_000_000, "250ms"),
            (3_600_000_000_000, "1h"),
            (5_400_000_000_001, "1h30m0.000000001s"),
            (-1_500_000, "-1.5ms"),
            (1_050, "1.05\u{b5}s"),
        ] {
            assert_eq!(duration(nanos), expected);
        }
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde\u{2026}");
        assert_eq!(shorten("ab   fg", 6), "ab\u{2026}");
    }
}
