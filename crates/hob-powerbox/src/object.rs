//! What an object is to the desk, and what it has to work with when it is asked for something.

use std::sync::Arc;
use std::time::Instant;

use hob_vat::{Problem, Value};

use crate::desk::Desk;
use crate::lanes::{Class, LaneId};

/// What stands behind a reference.
pub(crate) trait Thing: Send + Sync {
    /// What it does, in the form in which it is asked: `read PATH [OFFSET LENGTH]`.
    fn methods(&self) -> &'static [&'static str];

    /// Where its work is done. Asked while the desk is locked, so it does nothing else.
    fn lane(&self) -> (LaneId, Class);

    /// Does what was asked. It may wait for the machine.
    ///
    /// # Errors
    ///
    /// What the promise of the answer is broken with.
    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done;

    /// It was taken back, or all ends: what waits in it is woken. When this returns nothing in a file system happens through it
    /// any more.
    fn end(&self);
}

/// What came of a message.
pub(crate) type Done = Result<Reply, Problem>;

/// What is answered.
pub(crate) enum Reply {
    /// This.
    Value(Value),
    /// An object that can do less.
    Narrowed(Arc<dyn Thing>),
    /// Nothing now: somebody has taken the [`Ask`] and will settle it.
    Later,
}

impl<T: Into<Value>> From<T> for Reply {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

/// One message that is being handled.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) desk: Arc<Desk>,
    pub(crate) number: u64,
}

impl Ask {
    /// Whether whoever asked may still be answered: false when the object was taken back meanwhile.
    pub(crate) fn is_wanted(&self) -> bool {
        self.desk.is_wanted(self.number)
    }

    /// Answers.
    pub(crate) fn settle(&self, done: Done) {
        self.desk.settle(self.number, done);
    }

    /// Goes on in another lane.
    pub(crate) fn go_on(
        &self,
        lane: LaneId,
        class: Class,
        work: impl FnOnce(&Self) -> Done + Send + 'static,
    ) -> Done {
        let ask = self.clone();
        let job = Box::new(move || ask.desk.work(ask.number, || work(&ask)));
        if self.desk.lanes.push(lane, class, job) { Ok(Reply::Later) } else { Err(no_thread()) }
    }

    /// Answers with `value` when the time has come.
    pub(crate) fn answer_at(&self, when: Instant, value: Value) -> Done {
        self.desk.answer_at(self.number, when, value).map(|()| Reply::Later)
    }
}

pub(crate) fn no_thread() -> Problem {
    Problem::rule("failed", "there is no thread to do it".into())
}

/// It is no method, or takes other arguments.
pub(crate) fn misuse(methods: &[&str], args: &[Value]) -> Problem {
    let asked = args.first().and_then(Value::as_name).unwrap_or_default();
    let form = methods.iter().find(|form| form.split(' ').next() == Some(asked));
    match form.and_then(|form| form.split_once(' ')) {
        Some((method, takes)) => Problem::bad_args(method, takes),
        None if form.is_some() => Problem::bad_args(asked, "no arguments"),
        None => Problem::no_method(args, methods),
    }
}

/// A count or an offset.
pub(crate) fn whole(value: &Value, what: &str) -> Result<u64, Problem> {
    let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| {
        Problem::rule("bad-arguments", format!("{what} is a number from 0 on, and not {value}"))
    })
}

/// Bytes to write: a byte array, or text.
pub(crate) fn data<'v>(value: &'v Value, method: &str) -> Result<&'v [u8], Problem> {
    value
        .as_bytes()
        .or_else(|| value.as_str().map(str::as_bytes))
        .ok_or_else(|| Problem::rule("bad-arguments", format!("{method} takes bytes or text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_wrongly_is_told_what_there_is() {
        let check = |args: &[Value], want: &str| {
            assert_eq!(misuse(&["stat", "read PATH [OFFSET LENGTH]"], args).to_string(), want);
        };
        check(&[Value::symbol("read")], "bad-arguments: read takes PATH [OFFSET LENGTH]");
        check(&[Value::symbol("stat"), 1.into()], "bad-arguments: stat takes no arguments");
        check(
            &[Value::symbol("fly")],
            "no-method: 'fly is not a method here: stat, read PATH [OFFSET LENGTH]",
        );
        check(&[], "no-method: nothing is not a method here: stat, read PATH [OFFSET LENGTH]");
    }

    #[test]
    fn counts_and_bytes_are_read() {
        assert_eq!(whole(&0.into(), "it"), Ok(0));
        assert!(whole(&(-1).into(), "it").is_err() && whole(&"1".into(), "it").is_err());
        assert_eq!(data(&"ab".into(), "it"), Ok(b"ab".as_slice()));
        assert_eq!(data(&Value::bytes(b"\xff"), "it"), Ok(b"\xff".as_slice()));
        assert!(data(&1.into(), "it").is_err());
    }
}
