//! What a guest may write to its host: any bytes as an answer or the arguments of a host function. Whatever they are, the only
//! references in what is read are those that the guest was given and has not dropped; what is read is bounded; what is
//! refused is told in words that are fit to show.

use hob::abi::actor::{Answered, Handles, Room, read_answer, read_message};
use hob::vat::{Actormap, Names, Problem, Ref, Value, library::CELL};

const ROOM: Room = Room { weight: 4096, depth: 16 };

/// The longest text of a problem, in bytes.
const TEXT_BYTES_MAX: usize = 1000;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut map = Actormap::new();
    let given = map.poke(|turn| (0..4).map(|n| turn.spawn(&CELL, n.into())).collect::<Result<Vec<Ref>, _>>());
    let given = given.map_err(|problem| problem.to_string())?;
    let mut handles = Handles::new(16);
    handles.begin(2);
    for reference in &given {
        handles.name(&Value::Ref(*reference)).map_err(|problem| problem.to_string())?;
    }
    // The last was dropped.
    handles.drop((2 << 32) + 3).map_err(|problem| problem.to_string())?;
    let open = given.get(..3).unwrap_or_default();
    check(read_message::<2>(bytes, &mut handles, ROOM), &mut handles, open)?;
    let answered = read_answer(bytes, &mut handles, ROOM).map(|answered| match answered {
        Answered::Answer(value) | Answered::Fail(value) => [value, Value::Undefined],
        Answered::Become { state, value } => [state, value],
    });
    check(answered, &mut handles, open)
}

fn check(read: Result<[Value; 2], Problem>, handles: &mut dyn Names, open: &[Ref]) -> Result<(), String> {
    match read {
        Ok(values) => values.iter().try_for_each(|value| {
            let mut forged = None;
            value.visit_refs(&mut |found| {
                if !open.contains(&found) {
                    forged = Some(found);
                }
            });
            if let Some(forged) = forged {
                return Err(format!("{forged} was never given"));
            }
            if value.depth() > ROOM.depth + 1 || value.weight() > 64 * ROOM.weight {
                return Err(format!("{} bytes, {} levels are too much", value.weight(), value.depth()));
            }
            let written = hob::vat::encode(value, handles).map_err(|problem| problem.to_string())?;
            match hob::vat::decode(&written, handles) {
                Ok(again) if again == *value => Ok(()),
                again => Err(format!("{value} is read as {again:?} again")),
            }
        }),
        Err(problem) => {
            let text = problem.to_string();
            if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
                return Err(format!("{text:?} is not fit to show"));
            }
            Ok(())
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 8] = [
        b"<6'answer<8'desc:cap8589934592+>>",
        b"<6'become[<8'desc:cap8589934593+>{1\"a1+}]t>",
        b"<4'fail<10'desc:error2\"no4'rule>>",
        b"[<8'desc:cap8589934595+>[]]",
        b"[<8'desc:cap4294967296+>[]]",
        b"[<8'desc:cap0+>[<4'void><4'null><11'desc:tagged1't3:abc>]]",
        b"[18446744073709551616+D\x7f\xf8\x00\x00\x00\x00\x00\x01]",
        b"[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]",
    ];
    seeds.iter().map(|seed| seed.to_vec()).collect()
}
