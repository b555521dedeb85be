//! A file as an actor: one name in one directory that is held open.
//!
//! It is what has that name there, made by the first writing if there is nothing. A symbolic link of that name is not followed: who
//! was given a file was not given what somebody else lets its name lead to.

use std::sync::Arc;

use hob_cap::Access;
use hob_vat::{Problem, Value};

use crate::answer::read_only;
use crate::desk::wrong;
use crate::lanes::{Class, LaneId};
use crate::object::{Ask, Done, Reply, Thing, data, whole};
use crate::paths::{Folder, text, told};

pub(crate) struct File {
    pub(crate) folder: Arc<Folder>,
    pub(crate) name: String,
    pub(crate) access: Access,
}

const METHODS: &[&str] = &[
    "stat",
    "size",
    "read [OFFSET LENGTH]",
    "text",
    "write DATA",
    "append DATA",
    "truncate SIZE",
    "read-only",
    "methods",
    "end",
];

impl Thing for File {
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.folder.volume.lane, Class::Quick)
    }

    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done {
        let (folder, name) = (&*self.folder, self.name.as_str());
        match (method, args) {
            ("stat", []) => Ok(Value::fields(told(&folder.stat(ask, name, false)?)).into()),
            ("size", []) => Ok(Value::from(folder.stat(ask, name, false)?.size).into()),
            ("read", []) => Ok(Value::bytes(&folder.read(ask, name, false, None)?).into()),
            ("read", [offset, length]) => {
                let part = (whole(offset, "OFFSET")?, whole(length, "LENGTH")?);
                Ok(Value::bytes(&folder.read(ask, name, false, Some(part))?).into())
            }
            ("text", []) => Ok(text(name, folder.read(ask, name, false, None)?)?.into()),
            ("write" | "append", [bytes]) => {
                self.may_write(method)?;
                folder.write(ask, name, false, method == "append", data(bytes, method)?)?;
                Ok(().into())
            }
            ("truncate", [size]) => {
                self.may_write(method)?;
                folder.truncate(ask, name, whole(size, "SIZE")?)?;
                Ok(().into())
            }
            ("read-only", []) => {
                let (folder, name) = (Arc::clone(&self.folder), self.name.clone());
                Ok(Reply::Narrowed(Arc::new(Self { folder, name, access: Access::Read })))
            }
            _ => Err(wrong()),
        }
    }

    fn end(&self) {
        self.folder.volume.pass();
    }
}

impl File {
    fn may_write(&self, method: &str) -> Result<(), Problem> {
        if self.access == Access::ReadWrite { Ok(()) } else { Err(read_only(method)) }
    }
}
