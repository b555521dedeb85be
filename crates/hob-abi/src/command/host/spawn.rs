//! Children, and programs that take over.

use hob_engine::{Ctx, Fault, HostTable, Memory, Value};
use hob_kernel::fd::Flags;
use hob_kernel::process::{FileAction, How, Lookup, Spawn};
use hob_os::Errno;

use super::guest::Guest;
use super::values::{bytes, environment, numbers, set, strings};
use super::{calls, process, reach};
use crate::command::{Generation, find};
use crate::wasi_p1::errno::Result;
use crate::wasi_p1::types::put_u32;
use crate::wasi_p1::with_once;

/// The most bytes of actions, and the most actions.
const ACTION_BYTES_MAX: u32 = 1 << 20;
const ACTIONS_MAX: usize = 4096;

/// The most descriptors named to be closed when another program takes over.
const CLOSED_MAX: u32 = 1 << 20;

/// The length of an action without its path.
const ACTION_BYTES: usize = 24;

/// What the attributes of a child ask for, by bits.
mod attributes {
    pub(super) const RESET_IDS: u32 = 1;
    pub(super) const SET_GROUP: u32 = 2;
    pub(super) const SET_DEFAULTS: u32 = 4;
    pub(super) const SET_PARAMETERS: u32 = 16;
    pub(super) const SET_SCHEDULER: u32 = 32;
    pub(super) const SET_SESSION: u32 = 128;
    pub(super) const ALL: u32 = 255;
}

pub(super) fn add_to(table: &mut HostTable<Guest>, generation: Generation) {
    if generation == Generation::P {
        process::add_first_wait(table);
    }
    calls! { table, "host_process";
        fn proc_spawn(mem, guest, argv: u32, argv_len: u32, envp: u32, envp_len: u32, stdin: u32, stdout: u32, stderr: u32, cwd: u32, cwd_len: u32, out: u32) {
            mem.check(out, 4)?;
            let args = strings(mem, argv, argv_len, guest.hides_preopens())?;
            let name = args.first().cloned().ok_or(Errno::Inval)?;
            // Who does not know where it is says the root, and means: where I am.
            let cwd = optional(mem, cwd, cwd_len)?.filter(|cwd| guest.knows_its_place || cwd != b"/");
            let spawn = Spawn {
                env: environment(mem, envp, envp_len)?,
                only: Some([stdin, stdout, stderr].map(descriptor)),
                ..simple(guest, name.clone(), args, cwd)
            };
            let pid = match guest.process.spawn(spawn.clone()) {
                // Its shell looks nowhere, and names the first directory there is.
                Err(error) if error.errno() == Errno::Noent && guest.generation == Generation::P => {
                    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
                    guest.process.spawn(Spawn { lookup: Lookup::Search { name, path: None }, ..spawn })?
                }
                other => other?,
            };
            put_u32(mem, out, pid)
        }
        fn proc_spawn_v2(mem, guest, path: u32, path_len: u32, argv: u32, argv_len: u32, envp: u32, envp_len: u32, stdin: u32, stdout: u32, stderr: u32, cwd: u32, cwd_len: u32, out: u32) {
            mem.check(out, 4)?;
            let name = bytes(mem, path, path_len)?;
            let args = strings(mem, argv, argv_len, true)?;
            let spawn = Spawn {
                env: environment(mem, envp, envp_len)?,
                actions: streams([stdin, stdout, stderr]),
                ..simple(guest, name, args, optional(mem, cwd, cwd_len)?)
            };
            put_u32(mem, out, guest.process.spawn(spawn)?)
        }
    }
    add_long(table, "proc_spawn_v3", |mem, guest, values| {
        let [
            path,
            path_len,
            argv,
            argv_len,
            envp,
            envp_len,
            actions,
            actions_len,
            cwd,
            cwd_len,
            flags,
            default_low,
            default_high,
            mask_low,
            mask_high,
            group,
            out,
        ] = *values
        else {
            return Err(Errno::Inval.into());
        };
        mem.check(out, 4)?;
        let name = bytes(mem, path, path_len)?;
        let args = strings(mem, argv, argv_len, true)?;
        let asked =
            Asked { flags, defaults: set(default_low, default_high), mask: set(mask_low, mask_high), group };
        let spawn = Spawn {
            env: environment(mem, envp, envp_len)?,
            actions: file_actions(mem, actions, actions_len)?,
            ..simple(guest, name, args, optional(mem, cwd, cwd_len)?)
        };
        put_u32(mem, out, guest.process.spawn(asked.of(spawn)?)?)
    });
    add_long(table, "proc_spawn_v4", |mem, guest, values| {
        let [
            path,
            path_len,
            argv,
            argv_len,
            envp,
            envp_len,
            actions,
            actions_len,
            cwd,
            cwd_len,
            search,
            search_len,
            flags,
            default_low,
            default_high,
            mask_low,
            mask_high,
            group,
            policy,
            priority,
            out,
        ] = *values
        else {
            return Err(Errno::Inval.into());
        };
        mem.check(out, 4)?;
        let name = bytes(mem, path, path_len)?;
        let args = strings(mem, argv, argv_len, true)?;
        let lookup = if search == 0 {
            Lookup::Exact(name.clone())
        } else {
            Lookup::Search { name: name.clone(), path: Some(bytes(mem, search, search_len)?) }
        };
        if flags & attributes::SET_SESSION != 0 && flags & attributes::SET_GROUP != 0 {
            return Err(Errno::Perm.into());
        }
        if flags & (attributes::SET_SCHEDULER | attributes::SET_PARAMETERS) != 0 {
            if policy != 0 {
                return Err(Errno::Perm.into());
            }
            if priority != 0 {
                return Err(Errno::Inval.into());
            }
        }
        let asked =
            Asked { flags, defaults: set(default_low, default_high), mask: set(mask_low, mask_high), group };
        let spawn = Spawn {
            lookup,
            env: environment(mem, envp, envp_len)?,
            actions: file_actions(mem, actions, actions_len)?,
            ..simple(guest, name, args, optional(mem, cwd, cwd_len)?)
        };
        put_u32(mem, out, guest.process.spawn(asked.of(spawn)?)?)
    });
    takes_over(table);
}

/// Adds a function of more parameters than a closure can be typed for; all of them are 32 bits.
fn add_long(
    table: &mut HostTable<Guest>,
    name: &'static str,
    f: impl Fn(&mut Memory<'_>, &mut Guest, &[u32]) -> Result<()> + Send + Sync + 'static,
) {
    let Some(function) = find("host_process", name) else { return };
    table.func_dyn(
        "host_process",
        name,
        function.ty(),
        reach("host_process", name),
        move |ctx: &mut Ctx<'_, Guest>, args: &[Value]| {
            let number = |value: &Value| match value {
                Value::I32(number) => number.cast_unsigned(),
                _ => 0,
            };
            let values: Vec<u32> = args.iter().map(number).collect();
            let errno = with_once(ctx, |mem, guest| f(mem, guest, &values))?;
            Ok(Some(Value::I32(errno)))
        },
    );
}

/// What a child's attributes ask for.
struct Asked {
    flags: u32,
    defaults: u64,
    mask: u64,
    group: u32,
}

impl Asked {
    fn of(&self, spawn: Spawn) -> Result<Spawn> {
        let has = |bit: u32| self.flags & bit != 0;
        if self.flags & !attributes::ALL != 0 {
            return Err(Errno::NotSup.into());
        }
        Ok(Spawn {
            defaults: if has(attributes::SET_DEFAULTS) { self.defaults } else { 0 },
            mask: Some(self.mask),
            group: has(attributes::SET_GROUP).then_some(self.group),
            session: has(attributes::SET_SESSION),
            reset_ids: has(attributes::RESET_IDS),
            ..spawn
        })
    }
}

/// A child of which only name, arguments and directory are known: its name is looked for in the parent's `PATH`.
fn simple(guest: &Guest, name: Vec<u8>, args: Vec<Vec<u8>>, cwd: Option<Vec<u8>>) -> Spawn {
    let path = guest.process.env().iter().find_map(|one| one.strip_prefix(b"PATH=").map(<[u8]>::to_vec));
    Spawn {
        lookup: Lookup::Search { name, path },
        args,
        env: Vec::new(),
        cwd,
        actions: Vec::new(),
        only: None,
        defaults: 0,
        mask: None,
        group: None,
        session: false,
        reset_ids: false,
    }
}

fn optional(mem: &mut Memory<'_>, at: u32, len: u32) -> Result<Option<Vec<u8>>> {
    Ok(if len == 0 { None } else { Some(bytes(mem, at, len)?) })
}

fn descriptor(fd: u32) -> Option<u32> {
    (fd != u32::MAX).then_some(fd)
}

/// Three streams as actions: all ones is nothing to read and nowhere to write.
fn streams(fds: [u32; 3]) -> Vec<FileAction> {
    let both = How { read: true, write: true, ..How::default() };
    (0..)
        .zip(fds)
        .map(|(to, from)| match descriptor(from) {
            Some(from) => FileAction::Duplicate(from, to),
            None => FileAction::Open(to, b"/dev/null".to_vec(), both),
        })
        .collect()
}

/// Reads what is done to a child's descriptors.
fn file_actions(mem: &mut Memory<'_>, at: u32, len: u32) -> Result<Vec<FileAction>> {
    if len > ACTION_BYTES_MAX {
        return Err(Errno::TooBig.into());
    }
    let raw = mem.bytes(at, len)?;
    let (mut rest, mut actions) = (raw, Vec::new());
    while !rest.is_empty() {
        if actions.len() >= ACTIONS_MAX {
            return Err(Errno::TooBig.into());
        }
        let (head, after) = rest.split_at_checked(ACTION_BYTES).ok_or(Errno::Inval)?;
        let mut words = head.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four));
        let mut next = || words.next().unwrap_or(0);
        let (command, fd, source, flags, mode, path_len) = (next(), next(), next(), next(), next(), next());
        let path_len = usize::try_from(path_len).map_err(|_| Errno::Inval)?;
        let (path, after) = after.split_at_checked(path_len).ok_or(Errno::Inval)?;
        let number = |fd: u32| if fd > u32::MAX >> 1 { Err(Errno::Badf) } else { Ok(fd) };
        actions.push(match command {
            1 => FileAction::Close(number(fd)?),
            2 => FileAction::Duplicate(number(source)?, number(fd)?),
            3 => FileAction::Open(number(fd)?, path.to_vec(), open_how(flags, mode)?),
            4 => FileAction::ChangeDirectory(path.to_vec()),
            5 => FileAction::ChangeDirectoryTo(number(fd)?),
            6 => FileAction::CloseFrom(number(fd)?),
            _ => return Err(Errno::Inval.into()),
        });
        rest = after;
    }
    Ok(actions)
}

/// Which accesses there are where the C library of WASI numbers them.
const WASI_ACCESS: u32 = 0x1c00_0000;

/// How an action opens. Two numberings are in use, and the access tells which.
pub(super) fn open_how(flags: u32, mode: u32) -> Result<How> {
    let has = |bit: u32| flags & bit != 0;
    let mode = u16::try_from(mode & 0o7777).map_err(|_| Errno::Inval)?;
    let how = if has(WASI_ACCESS) {
        How {
            read: has(0x0400_0000),
            write: has(0x1000_0000),
            create: has(1 << 12),
            directory: has(2 << 12),
            exclusive: has(4 << 12),
            truncate: has(8 << 12),
            no_follow: has(0x0100_0000),
            flags: Flags { append: has(1), nonblock: has(4), sync: has(2 | 16), direct: has(0x2000_0000) },
            ..How::default()
        }
    } else {
        How {
            read: flags & 3 != 1,
            write: flags & 3 != 0,
            create: has(0o100),
            exclusive: has(0o200),
            truncate: has(0o1000),
            directory: has(0o20_0000),
            no_follow: has(0o40_0000),
            close_on_exec: has(0o200_0000),
            flags: Flags {
                append: has(0o2000),
                nonblock: has(0o4000),
                sync: has(0o1_0000),
                direct: has(0o4_0000),
            },
            ..How::default()
        }
    };
    Ok(How { mode, ..how })
}

fn takes_over(table: &mut HostTable<Guest>) {
    table.func(
        "host_process",
        "proc_exec",
        reach("host_process", "proc_exec"),
        |ctx: &mut Ctx<'_, Guest>,
         path: u32,
         path_len: u32,
         argv: u32,
         argv_len: u32,
         envp: u32,
         envp_len: u32,
         close: u32,
         count: u32| {
            exec(ctx, |mem, guest| {
                let path = bytes(mem, path, path_len)?;
                let args = strings(mem, argv, argv_len, true)?;
                let env = environment(mem, envp, envp_len)?;
                let close = numbers(mem, close, count, CLOSED_MAX)?;
                Ok(guest.process.exec(&Lookup::Exact(path), args, env, &close)?)
            })
        },
    );
    table.func(
        "host_process",
        "proc_fexec",
        reach("host_process", "proc_fexec"),
        |ctx: &mut Ctx<'_, Guest>,
         fd: u32,
         argv: u32,
         argv_len: u32,
         envp: u32,
         envp_len: u32,
         close: u32,
         count: u32| {
            exec(ctx, |mem, guest| {
                let args = strings(mem, argv, argv_len, true)?;
                let env = environment(mem, envp, envp_len)?;
                let close = numbers(mem, close, count, CLOSED_MAX)?;
                Ok(guest.process.exec_open(fd, args, env, &close)?)
            })
        },
    );
}

/// Runs a call after which the program is gone, unless it fails.
fn exec(
    ctx: &mut Ctx<'_, Guest>,
    f: impl Fn(&mut Memory<'_>, &mut Guest) -> Result<()>,
) -> std::result::Result<i32, Fault> {
    let answer = with_once(ctx, |mem, guest| {
        f(mem, guest)?;
        guest.taken_over = true;
        Ok(())
    })?;
    if ctx.data().taken_over { Err(Fault::exit(0)) } else { Ok(answer) }
}
