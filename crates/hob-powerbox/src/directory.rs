//! A directory as an actor.

use std::sync::Arc;

use hob_cap::Access;
use hob_os::FileType;
use hob_vat::{Problem, Value};

use crate::answer::{read_only, shown};
use crate::desk::wrong;
use crate::file::File;
use crate::lanes::{Class, LaneId};
use crate::limits::exceeded;
use crate::object::{Ask, Done, Reply, Thing, data, whole};
use crate::paths::{Folder, kind, text, told};

pub(crate) struct Directory(pub(crate) Arc<Folder>, pub(crate) Root);

/// Whether the program gave it, or it was narrowed from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Given,
    Narrowed,
}

/// Entries with their names, and where it goes on if there are more.
type Entries = (Vec<(String, Value)>, Option<u64>);

const METHODS: &[&str] = &[
    "list",
    "page FROM [COUNT]",
    "stat PATH",
    "read PATH [OFFSET LENGTH]",
    "text PATH",
    "write PATH DATA",
    "append PATH DATA",
    "make-directory PATH",
    "remove PATH",
    "rename FROM TO",
    "open PATH",
    "file PATH",
    "read-only",
    "methods",
    "end",
];

impl Thing for Directory {
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.0.volume.lane, Class::Quick)
    }

    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done {
        let folder = &*self.0;
        match (method, args) {
            ("list", []) => self.list(ask),
            ("page", [from]) => self.page(ask, whole(from, "FROM")?, folder.volume.limits.list_entries),
            ("page", [from, count]) => {
                let count = usize::try_from(whole(count, "COUNT")?).unwrap_or(usize::MAX);
                let max = folder.volume.limits.list_entries;
                if count > max {
                    return Err(exceeded("list-entries", max));
                }
                self.page(ask, whole(from, "FROM")?, count)
            }
            ("stat", [Value::Str(path)]) => Ok(Value::fields(told(&folder.stat(ask, path, true)?)).into()),
            ("read", [Value::Str(path)]) => Ok(Value::bytes(&folder.read(ask, path, true, None)?).into()),
            ("read", [Value::Str(path), offset, length]) => {
                let part = (whole(offset, "OFFSET")?, whole(length, "LENGTH")?);
                Ok(Value::bytes(&folder.read(ask, path, true, Some(part))?).into())
            }
            ("text", [Value::Str(path)]) => Ok(text(path, folder.read(ask, path, true, None)?)?.into()),
            ("write" | "append", [Value::Str(path), bytes]) => {
                self.may_write(method)?;
                let bytes = data(bytes, method)?;
                folder.write(ask, path, true, method == "append", bytes)?;
                Ok(().into())
            }
            ("make-directory", [Value::Str(path)]) => {
                self.may_write(method)?;
                folder.work(ask, path, |world, fd| world.create_directory_at(fd, path.as_bytes()))?;
                Ok(().into())
            }
            ("remove", [Value::Str(path)]) => {
                self.may_write(method)?;
                let is_dir = folder.stat(ask, path, false)?.kind == FileType::Directory;
                folder.work(ask, path, |world, fd| match is_dir {
                    true => world.remove_directory_at(fd, path.as_bytes()),
                    false => world.unlink_at(fd, path.as_bytes()),
                })?;
                Ok(().into())
            }
            ("rename", [Value::Str(from), Value::Str(to)]) => {
                self.may_write(method)?;
                let both = format!("{from} -> {to}");
                folder
                    .work(ask, &both, |world, fd| world.rename_at(fd, from.as_bytes(), fd, to.as_bytes()))?;
                Ok(().into())
            }
            ("open", [Value::Str(path)]) => self.narrowed(ask, path, folder.access()),
            ("file", [Value::Str(path)]) => self.file(ask, path),
            ("read-only", []) => self.narrowed(ask, ".", Access::Read),
            _ => Err(wrong()),
        }
    }

    fn end(&self) {
        if self.1 == Root::Given {
            self.0.volume.stop();
        }
        self.0.volume.pass();
    }
}

impl Directory {
    fn may_write(&self, method: &str) -> Result<(), Problem> {
        if self.0.access() == Access::ReadWrite { Ok(()) } else { Err(read_only(method)) }
    }

    fn narrowed(&self, ask: &Ask, path: &str, access: Access) -> Done {
        let folder = Arc::new(self.0.below(ask, path, access)?);
        Ok(Reply::Narrowed(Arc::new(Self(folder, Root::Narrowed))))
    }

    /// One name in one directory, which is held open: the object is what has that name there.
    fn file(&self, ask: &Ask, path: &str) -> Done {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        if path.starts_with('/') {
            // It says why.
            self.0.stat(ask, path, true)?;
        }
        if matches!(name, "" | "." | "..") {
            return Err(Problem::rule(
                "bad-path",
                format!("`{}` does not end in the name of a file", shown(path)),
            ));
        }
        let folder = match parent {
            "." => Arc::clone(&self.0),
            parent => Arc::new(self.0.below(ask, parent, self.0.access())?),
        };
        let access = self.0.access();
        Ok(Reply::Narrowed(Arc::new(File { folder, name: name.into(), access })))
    }

    /// All entries by name, if they are not too many.
    fn list(&self, ask: &Ask) -> Done {
        let max = self.0.volume.limits.list_entries;
        let (mut entries, more) = self.entries(ask, 0, max)?;
        if more.is_some() {
            let message = format!("list-entries limit exceeded: {max} allowed; `page 0` lists a part");
            return Err(Problem::rule("limit", message));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Value::list(entries.into_iter().map(|(_, entry)| entry)).into())
    }

    /// Some entries, in the order of the host, and where it goes on.
    fn page(&self, ask: &Ask, from: u64, count: usize) -> Done {
        let (entries, next) = self.entries(ask, from, count)?;
        let next = next.map_or(Value::Undefined, Value::from);
        let entries = Value::list(entries.into_iter().map(|(_, entry)| entry));
        Ok(Value::fields([("entries", entries), ("next", next)]).into())
    }

    fn entries(&self, ask: &Ask, from: u64, count: usize) -> Result<Entries, Problem> {
        self.0.work(ask, ".", |world, fd| {
            let (mut found, mut at, mut next) = (Vec::new(), from, None);
            world.readdir(fd, from, &mut |entry| {
                if !matches!(entry.name, b"." | b"..") {
                    if found.len() >= count {
                        next = Some(at);
                        return false;
                    }
                    found.push((String::from_utf8_lossy(entry.name).into_owned(), entry.kind));
                }
                at = entry.next;
                true
            })?;
            let mut entries = Vec::with_capacity(found.len());
            for (name, told_kind) in found {
                let stat = world.filestat_at(fd, false, name.as_bytes());
                // What is gone by now, or may not be looked at, has a name and no size.
                let (what, size) = match stat {
                    Ok(stat) => (kind(stat.kind), stat.size.into()),
                    Err(hob_os::OsError::Errno(_)) => (kind(told_kind), Value::Undefined),
                    Err(error) => return Err(error),
                };
                let entry = Value::fields([("name", name.as_str().into()), ("kind", what), ("size", size)]);
                entries.push((name, entry));
            }
            Ok((entries, next))
        })
    }
}
