//! What a vat is found by after a restart: references by name, in the first place of the vat.

use crate::kind::{Answer, Kind, Me};
use crate::problem::Problem;
use crate::turn::Turn;
use crate::value::Value;

/// The state is a struct of references. `['get name]`, `['set name ref]`, `['remove name]`, `['names]`.
#[derive(Debug)]
pub(crate) struct Roots;

pub(crate) static ROOTS: Roots = Roots;

impl Kind for Roots {
    fn name(&self) -> &str {
        "hob.roots"
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let Some(roots) = me.state().as_struct() else {
            return Err(Problem::rule("damaged", "the roots of a vat are a struct".into()));
        };
        match (args.first().and_then(Value::as_name), args) {
            (Some("get"), [_, Value::Str(name)]) => Ok(roots.get(name).cloned().unwrap_or_default().into()),
            (Some("set"), [_, Value::Str(name), Value::Ref(to)]) => {
                Ok(me.becomes(Value::Struct(roots.with(name, (*to).into()))))
            }
            (Some("remove"), [_, Value::Str(name)]) => Ok(me.becomes(Value::Struct(roots.without(name)))),
            (Some("names"), [_]) => {
                Ok(Value::list(roots.iter().map(|(name, _)| Value::Str(name.clone()))).into())
            }
            _ => Err(Problem::no_method(args, &["get name", "set name ref", "remove name", "names"])),
        }
    }
}
