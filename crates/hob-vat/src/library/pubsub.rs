//! One says, many hear.

use super::parts::{bad_state, kind, method};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::{List, Value};

kind! {
    /// A topic. The state is the list of subscribers, those who came first before others.
    pub(super) static TOPIC: Topic = "hob.pubsub", call
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let all = me.state().as_list().ok_or_else(bad_state)?;
    match method(args) {
        (Some("subscribe"), [who @ Value::Ref(_)]) => {
            if all.contains(who) {
                return Ok(false.into());
            }
            Ok(me.becomes(Value::list(all.iter().cloned().chain([who.clone()]))).saying(true))
        }
        (Some("unsubscribe"), [who]) => {
            if !all.contains(who) {
                return Ok(false.into());
            }
            Ok(me.becomes(Value::list(all.iter().filter(|other| *other != who).cloned())).saying(true))
        }
        (Some("publish"), said) => {
            let said = List::from(said);
            for who in all.iter().filter_map(Value::as_ref) {
                turn.send_only(who, said.clone())?;
            }
            Ok(u64::try_from(all.len()).unwrap_or(u64::MAX).into())
        }
        (Some("subscribers"), []) => Ok(me.state().clone().into()),
        (Some("subscribe"), _) => Err(Problem::bad_args("subscribe", "one reference")),
        _ => Err(Problem::no_method(args, &["subscribe", "unsubscribe", "publish", "subscribers"])),
    }
}

/// A topic without subscribers.
///
/// | method | answers |
/// |---|---|
/// | `subscribe who` | whether it is new |
/// | `unsubscribe who` | whether it was there |
/// | `publish value …` | how many it was sent to |
/// | `subscribers` | all of them |
///
/// A [facet](super::facet()) with some of the methods is the right to do only these. What is published is sent, so no subscriber
/// hinders another or the publisher. Subscribing and leaving cost as much as there are subscribers.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let cell = map.poke(|turn| {
///     let topic = library::pubsub(turn)?;
///     let cell = turn.spawn(&library::CELL, ().into())?;
///     turn.call(topic, &[Value::symbol("subscribe"), cell.into()])?;
///     turn.call(topic, &[Value::symbol("publish"), "news".into()])?;
///     Ok(cell)
/// })?;
/// map.churn();
/// assert_eq!(map.peek(|turn| turn.call(cell, &[]))?, "news".into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn pubsub(turn: &mut Turn) -> Result<Ref, Problem> {
    turn.spawn(&TOPIC, Value::list([]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::CELL;
    use crate::library::tests::Stage;

    #[test]
    fn who_subscribes_hears_and_who_left_does_not() {
        let mut stage = Stage::new();
        stage.make(["topic", "a", "b"], |turn| {
            let cell = |turn: &mut Turn| turn.spawn(&CELL, 0.into());
            Ok([pubsub(turn)?, cell(turn)?, cell(turn)?])
        });
        stage.run(
            "topic 'publish 1 => 0
             topic 'subscribe $a => true
             topic 'subscribe $a => false
             topic 'subscribe $topic => true
             topic 'subscribe $b => true
             topic 'subscribe 5 => !bad-arguments
             topic 'subscribers => [$a $topic $b]
             topic 'publish 2 ~> done
             done ?= 3
             a => 2
             b => 2
             topic 'unsubscribe $a => true
             topic 'unsubscribe $a => false
             topic 'publish 3 ~> again
             again ?= 2
             a => 2
             b => 3",
        );
    }
}
