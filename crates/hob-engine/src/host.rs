//! Host functions, written once for both engines, and the table of those a guest may import.
//!
//! A host function is an ordinary closure over [`Ctx`] and numbers. Registering it makes one trampoline for each engine
//! out of the same closure, typed at compile time, so that a call costs what a hand-written one would.
//!
//! The table *is* the guest's authority: linking looks here and nowhere else. Each entry therefore says what it reaches
//! ([`Reach`]), and `inspect` prints that, not what a manifest claims.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{compiled, contain, interpreted};
use crate::ctx::Ctx;
use crate::error::LinkError;
use crate::fault::Fault;
use crate::module::{ExternType, FuncType, Import};
use crate::value::{ValType, Value};

/// What a host function lets a guest reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing outside the instance: it computes, or ends the guest.
    Nothing,
    /// What these grants name, in the words of the grants.
    Granted(String),
    /// The function is there so that the module links, and always refuses. The text is the flag that would change that.
    Inert(String),
}

type LinkCompiled<T> = Box<
    dyn Fn(&mut wasmtime::Linker<compiled::State<T>>, &str, &str) -> Result<(), wasmtime::Error>
        + Send
        + Sync,
>;
type LinkInterpreted<T> = Box<
    dyn Fn(&mut wasmi::Linker<interpreted::State<T>>, &str, &str) -> Result<(), wasmi::Error> + Send + Sync,
>;

type Invoke<T> = Box<dyn Fn(&mut Ctx<'_, T>, &[Value]) -> Result<Option<Value>, Fault> + Send + Sync>;

/// One host function.
pub struct HostFunc<T: 'static> {
    ty: FuncType,
    reach: Reach,
    invoke: Invoke<T>,
    compiled: LinkCompiled<T>,
    interpreted: LinkInterpreted<T>,
}

impl<T: 'static> HostFunc<T> {
    /// Its type.
    #[must_use]
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// What it lets a guest reach.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Calls it with values whose types are known only now.
    ///
    /// # Errors
    ///
    /// As the function itself; a contract fault when number or types of the arguments do not fit.
    pub fn call(&self, ctx: &mut Ctx<'_, T>, args: &[Value]) -> Result<Option<Value>, Fault> {
        (self.invoke)(ctx, args)
    }

    pub(crate) fn link_compiled(
        &self,
        linker: &mut wasmtime::Linker<compiled::State<T>>,
        module: &str,
        name: &str,
    ) -> Result<(), LinkError> {
        (self.compiled)(linker, module, name).map_err(|error| LinkError::Engine(error.to_string()))
    }

    pub(crate) fn link_interpreted(
        &self,
        linker: &mut wasmi::Linker<interpreted::State<T>>,
        module: &str,
        name: &str,
    ) -> Result<(), LinkError> {
        (self.interpreted)(linker, module, name).map_err(|error| LinkError::Engine(error.to_string()))
    }
}

/// The host functions a guest may import, by module and name.
///
/// ```
/// use hob_engine::{Ctx, Fault, HostTable, Reach};
///
/// let mut table = HostTable::<u32>::new();
/// table.func("host", "add", Reach::Nothing, |ctx: &mut Ctx<'_, u32>, n: i32| -> Result<i32, Fault> {
///     *ctx.data() += 1;
///     Ok(n + 1)
/// });
/// assert_eq!(table.iter().count(), 1);
/// ```
pub struct HostTable<T: 'static> {
    modules: BTreeMap<Cow<'static, str>, BTreeMap<Cow<'static, str>, HostFunc<T>>>,
}

impl<T: 'static> Default for HostTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static> HostTable<T> {
    /// A table that lets a guest import nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { modules: BTreeMap::new() }
    }

    /// Adds a function. A second one of the same name replaces the first.
    pub fn func<P, R>(
        &mut self,
        module: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
        reach: Reach,
        f: impl HostFn<T, P, R>,
    ) -> &mut Self {
        self.modules.entry(module.into()).or_default().insert(name.into(), f.into_host_func(reach));
        self
    }

    /// Adds a function whose type is known only now. It costs more to call than one of [`HostTable::func`].
    pub fn func_dyn(
        &mut self,
        module: impl Into<Cow<'static, str>>,
        name: impl Into<Cow<'static, str>>,
        ty: FuncType,
        reach: Reach,
        f: impl Fn(&mut Ctx<'_, T>, &[Value]) -> Result<Option<Value>, Fault> + Send + Sync + 'static,
    ) -> &mut Self {
        self.modules.entry(module.into()).or_default().insert(name.into(), dynamic(ty, reach, Arc::new(f)));
        self
    }

    /// The function that `module.name` stands for, if there is one.
    #[must_use]
    pub fn get(&self, module: &str, name: &str) -> Option<&HostFunc<T>> {
        self.modules.get(module)?.get(name)
    }

    /// Every function, in order of its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &HostFunc<T>)> {
        self.modules
            .iter()
            .flat_map(|(module, funcs)| funcs.iter().map(|(name, func)| (&**module, &**name, func)))
    }

    /// The function an import asks for, with its type checked.
    ///
    /// # Errors
    ///
    /// When there is none, it has another type, or the import is not a function.
    pub fn resolve(&self, import: &Import) -> Result<&HostFunc<T>, LinkError> {
        let escape = |text: &str| hob_cap::escape_guest_text(text, 128);
        let kind = match &import.ty {
            ExternType::Func(asked) => {
                let Some(func) = self.get(&import.module, &import.name) else {
                    return Err(self.unknown(import));
                };
                if func.ty == *asked {
                    return Ok(func);
                }
                return Err(LinkError::Type {
                    module: escape(&import.module),
                    name: escape(&import.name),
                    asked: Box::new(asked.clone()),
                    offered: Box::new(func.ty.clone()),
                });
            }
            ExternType::Memory { .. } => "memory",
            ExternType::Table => "table",
            ExternType::Global => "global",
            ExternType::Tag => "tag",
        };
        Err(LinkError::NotAFunction { module: escape(&import.module), name: escape(&import.name), kind })
    }

    fn unknown(&self, import: &Import) -> LinkError {
        let known_modules = self.modules.keys().map(ToString::to_string).collect();
        let similar = self.iter().find(|(module, name, _)| {
            module.eq_ignore_ascii_case(&import.module) && name.eq_ignore_ascii_case(&import.name)
        });
        LinkError::Unknown {
            module: hob_cap::escape_guest_text(&import.module, 128),
            name: hob_cap::escape_guest_text(&import.name, 128),
            known_modules,
            similar: similar.map(|(module, name, _)| format!("{module}.{name}")),
        }
    }
}

/// A closure that can be a host function: it takes [`Ctx`] and up to sixteen numbers, and returns a number or nothing.
///
/// Implemented for every such closure; `P` and `R` are found by the compiler.
pub trait HostFn<T: 'static, P, R>: Send + Sync + 'static {
    /// Makes the host function.
    #[doc(hidden)]
    fn into_host_func(self, reach: Reach) -> HostFunc<T>;
}

/// A number that a host function may take or return: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`.
pub trait HostVal: wasmtime::WasmTy + wasmi::WasmTy + Copy + 'static {
    /// Its WebAssembly type.
    #[doc(hidden)]
    const TY: ValType;
    /// The number in a value of that type.
    #[doc(hidden)]
    fn from_value(value: Value) -> Option<Self>;
}

/// What a host function may return: a number or nothing.
pub trait HostRet: wasmtime::WasmRet + 'static {
    /// The WebAssembly types of it.
    #[doc(hidden)]
    fn types() -> Vec<ValType>;
    /// As a value.
    #[doc(hidden)]
    fn into_value(self) -> Option<Value>;
}

macro_rules! host_val {
    ($($rust:ty => $wasm:ident, $from:expr, $into:expr;)*) => { $(
        impl HostVal for $rust {
            const TY: ValType = ValType::$wasm;
            fn from_value(value: Value) -> Option<Self> {
                let from: fn(_) -> $rust = $from;
                match value { Value::$wasm(value) => Some(from(value)), _ => None }
            }
        }
        impl HostRet for $rust {
            fn types() -> Vec<ValType> { vec![ValType::$wasm] }
            fn into_value(self) -> Option<Value> {
                let into: fn($rust) -> _ = $into;
                Some(Value::$wasm(into(self)))
            }
        }
    )* };
}

host_val! {
    i32 => I32, |value| value, |value| value;
    u32 => I32, i32::cast_unsigned, u32::cast_signed;
    i64 => I64, |value| value, |value| value;
    u64 => I64, i64::cast_unsigned, u64::cast_signed;
    f32 => F32, |value| value, |value| value;
    f64 => F64, |value| value, |value| value;
}

impl HostRet for () {
    fn types() -> Vec<ValType> {
        Vec::new()
    }

    fn into_value(self) -> Option<Value> {
        None
    }
}

fn misfit() -> Fault {
    Fault::contract("a host function was given arguments of other types than it takes")
}

/// A function of a type known only now, for both engines.
fn dynamic<T: 'static, F>(ty: FuncType, reach: Reach, func: Arc<F>) -> HostFunc<T>
where
    F: Fn(&mut Ctx<'_, T>, &[Value]) -> Result<Option<Value>, Fault> + Send + Sync + 'static,
{
    let (for_compiled, for_interpreted) = (Arc::clone(&func), Arc::clone(&func));
    let (compiled_ty, interpreted_ty) = (ty.clone(), ty.clone());
    HostFunc {
        ty,
        reach,
        invoke: Box::new(move |ctx, args| func(ctx, args)),
        compiled: Box::new(move |linker, module, name| {
            let func = Arc::clone(&for_compiled);
            let ty = compiled::func_type(linker.engine(), &compiled_ty);
            linker.func_new(module, name, ty, move |caller, args, results| {
                let args = args.iter().map(compiled::from_val).collect::<Result<Vec<_>, _>>();
                let args = args.map_err(wasmtime::Error::new)?;
                let value = func(&mut Ctx::compiled(caller), &args).map_err(wasmtime::Error::new)?;
                for (result, value) in results.iter_mut().zip(&value) {
                    *result = compiled::to_val(value);
                }
                Ok(())
            })?;
            Ok(())
        }),
        interpreted: Box::new(move |linker, module, name| {
            let func = Arc::clone(&for_interpreted);
            let ty = interpreted::func_type(&interpreted_ty);
            linker.func_new(module, name, ty, move |caller, args, results| {
                let args = args.iter().map(interpreted::from_val).collect::<Result<Vec<_>, _>>();
                let args = args.map_err(wasmi::Error::host)?;
                let value =
                    contain(|| func(&mut Ctx::interpreted(caller), &args)).map_err(wasmi::Error::host)?;
                for (result, value) in results.iter_mut().zip(&value) {
                    *result = interpreted::to_val(value);
                }
                Ok(())
            })?;
            Ok(())
        }),
    }
}

macro_rules! host_fn {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, reason = "the parameters are named after their types; none where there are none")]
        #[allow(clippy::too_many_arguments, reason = "as many as the widest contract has; most have fewer")]
        impl<T, Func, Ret, $($arg),*> HostFn<T, ($($arg,)*), Ret> for Func
        where
            T: 'static,
            Func: Fn(&mut Ctx<'_, T>, $($arg),*) -> Result<Ret, Fault> + Send + Sync + 'static,
            Ret: HostRet,
            Result<Ret, wasmi::Error>: wasmi::WasmRet,
            $($arg: HostVal,)*
        {
            fn into_host_func(self, reach: Reach) -> HostFunc<T> {
                let func = Arc::new(self);
                let for_compiled = Arc::clone(&func);
                let for_values = Arc::clone(&func);
                HostFunc {
                    ty: FuncType { params: vec![$($arg::TY),*], results: Ret::types() },
                    reach,
                    invoke: Box::new(move |ctx, args| {
                        let mut args = args.iter();
                        $(let $arg = args.next().and_then(|value| $arg::from_value(*value)).ok_or_else(misfit)?;)*
                        if args.next().is_some() {
                            return Err(misfit());
                        }
                        Ok(for_values(ctx, $($arg),*)?.into_value())
                    }),
                    compiled: Box::new(move |linker, module, name| {
                        let func = Arc::clone(&for_compiled);
                        linker.func_wrap(
                            module,
                            name,
                            move |caller: wasmtime::Caller<'_, compiled::State<T>>, $($arg: $arg),*| {
                                func(&mut Ctx::compiled(caller), $($arg),*).map_err(wasmtime::Error::new)
                            },
                        )?;
                        Ok(())
                    }),
                    interpreted: Box::new(move |linker, module, name| {
                        let func = Arc::clone(&func);
                        linker.func_wrap(
                            module,
                            name,
                            move |caller: wasmi::Caller<'_, interpreted::State<T>>, $($arg: $arg),*| {
                                // wasmi cannot be unwound through; Wasmtime can, and its panics are caught further out.
                                contain(|| func(&mut Ctx::interpreted(caller), $($arg),*)).map_err(wasmi::Error::host)
                            },
                        )?;
                        Ok(())
                    }),
                }
            }
        }
    };
}

host_fn!();
host_fn!(A1);
host_fn!(A1 A2);
host_fn!(A1 A2 A3);
host_fn!(A1 A2 A3 A4);
host_fn!(A1 A2 A3 A4 A5);
host_fn!(A1 A2 A3 A4 A5 A6);
host_fn!(A1 A2 A3 A4 A5 A6 A7);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);
host_fn!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
