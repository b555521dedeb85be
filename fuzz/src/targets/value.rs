//! Any bytes as a value are refused or read. What is read can be written, read again and shown, within bounds; and an actor that
//! is sent it answers it.

use hob_vat::{Actormap, ENCODED_DEPTH_MAX, NoNames, Standing, Value, decode, encode, library::CELL};

/// What a value may say of itself: the bound on values, each with a bounded text.
const SHOWN_MAX: usize = 4 << 20;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let value = match decode(bytes, &mut NoNames) {
        Ok(value) => value,
        Err(problem) if problem.to_string().chars().any(char::is_control) => {
            return Err(format!("{problem:?} is not fit to show"));
        }
        Err(_) => return Ok(()),
    };
    if value.depth() > ENCODED_DEPTH_MAX {
        return Err(format!("a value of {} levels was read", value.depth()));
    }
    let written =
        encode(&value, &mut NoNames).map_err(|problem| format!("{value} is not written: {problem}"))?;
    let again = decode(&written, &mut NoNames)
        .map_err(|problem| format!("{} is not read: {problem}", written.escape_ascii()))?;
    if again != value || (again.weight(), again.depth()) != (value.weight(), value.depth()) {
        return Err(format!("{value} is read again as {again}"));
    }
    if encode(&again, &mut NoNames).as_ref() != Ok(&written) {
        return Err(format!("{value} has two spellings"));
    }
    if value.to_string().len() > SHOWN_MAX {
        return Err(format!(
            "{} bytes are shown of a value of {} bytes",
            value.to_string().len(),
            bytes.len()
        ));
    }
    sent(value)
}

/// A value goes through an actor and a promise unchanged, or is over a limit that the error names.
fn sent(value: Value) -> Result<(), String> {
    let mut map = Actormap::new();
    let done = map.poke(|turn| {
        let cell = turn.spawn(&CELL, ().into())?;
        turn.send_only(cell, [value.clone()])?;
        turn.send(cell, [])
    });
    let answer = match done {
        Ok(answer) => answer,
        Err(problem) if problem.rule_name() == Some("limit") => return Ok(()),
        Err(problem) => return Err(format!("{value} was not sent: {problem}")),
    };
    map.churn();
    match map.peek(|turn| turn.standing(answer)) {
        Ok(Standing::Value(got)) if got == value => Ok(()),
        other => Err(format!("{value} was answered as {other:?}")),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 8] = [
        b"[3'inc1+]",
        b"{1\"bt2\"aa{1'k[]1'l<4'void>}}",
        b"<11'desc:tagged1't[<4'null>f]>",
        b"<10'desc:error2\"no5'limit>",
        b"[D@\x04\0\0\0\0\0\0D\x7f\xf8\0\0\0\0\0\0D\x80\0\0\0\0\0\0\0]",
        b"[1180591620717411303424+1180591620717411303424-0+9223372036854775807+9223372036854775808-]",
        b"[[[[[[[[[[1:x]]]]]]]]]]",
        b"<11'desc:export0+>",
    ];
    seeds.iter().map(|seed| seed.to_vec()).collect()
}
