//! Children, and programs that take over.

use std::sync::Arc;

use hob_cap::{GuestPath, Permit, StopToken};
use hob_os::{Errno, Result};

use crate::fd::{Descriptor, Descriptors};
use crate::fs::Kind;
use crate::fs::walk::{Last, Place};
use crate::limits::ARGUMENT_BYTES_MAX;
use crate::process::load::{Command, Image};
use crate::process::run::Birth;
use crate::process::{Base, How, Process};
use crate::wait::lock;

/// Where a program is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// At this path.
    Exact(Vec<u8>),
    /// At this path if it has a slash, else in the directories of a list separated by colons.
    Search {
        /// The name.
        name: Vec<u8>,
        /// The list; `None` is the usual one.
        path: Option<Vec<u8>>,
    },
}

/// Something done to the descriptors of a child before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAction {
    /// Close it; one that is not open is no error.
    Close(u32),
    /// Make the second stand for what the first does. Equal numbers stay open when another program takes over.
    Duplicate(u32, u32),
    /// Open a file as this number.
    Open(u32, Vec<u8>, How),
    /// Go to a directory.
    ChangeDirectory(Vec<u8>),
    /// Go to an open directory.
    ChangeDirectoryTo(u32),
    /// Close this number and everything above.
    CloseFrom(u32),
}

/// A child to be.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What to run.
    pub lookup: Lookup,
    /// Arguments, its own name first; without any the path is its name.
    pub args: Vec<Vec<u8>>,
    /// The environment, `KEY=VALUE` each.
    pub env: Vec<Vec<u8>>,
    /// Where; `None` is where the parent is.
    pub cwd: Option<Vec<u8>>,
    /// What happens to its descriptors, in this order.
    pub actions: Vec<FileAction>,
    /// Only these three descriptors of the parent, as 0, 1 and 2; `None` instead of one is `/dev/null`. Those above 2
    /// are the child's from then on. `None` is all descriptors.
    pub only: Option<[Option<u32>; 3]>,
    /// Signals that do what they do by default.
    pub defaults: u64,
    /// Signals that are blocked; `None` is as in the parent.
    pub mask: Option<u64>,
    /// The group to join; 0 is one of its own. `None` is the parent's.
    pub group: Option<u32>,
    /// Whether it begins a session of its own.
    pub session: bool,
    /// Whether effective user and group become the real ones.
    pub reset_ids: bool,
}

impl Process {
    /// Starts a child, and says its number. Nothing of the parent changes when that fails.
    ///
    /// Errors: those of finding and loading the program and of the actions; [`Errno::TooBig`] for arguments or an
    /// environment of more than [`ARGUMENT_BYTES_MAX`]; [`Errno::Again`] at a limit on processes; [`Errno::Acces`]
    /// where the permit allows no children; [`Errno::Perm`] for a group of another session.
    pub fn spawn(&self, spawn: Spawn) -> Result<u32> {
        self.check()?;
        self.bounded(&spawn.args)?;
        self.bounded(&spawn.env)?;
        let parent = {
            let state = lock(&self.me.state);
            if state.permit.children.is_none() {
                return Err(Errno::Acces.into());
            }
            (state.umask, state.who.clone(), state.signals.clone(), state.limits, Arc::clone(&state.cwd))
        };
        let (umask, mut who, mut signals, limits, cwd) = parent;
        let cwd = match &spawn.cwd {
            Some(path) => self.directory_at(&cwd, path)?,
            None => cwd,
        };
        let mut descriptors = match spawn.only {
            Some(only) => self.three(only)?,
            None => lock(&self.me.descriptors).clone(),
        };
        let cwd = self.act(&spawn.actions, &mut descriptors, cwd)?;
        let command = Command {
            args: if spawn.args.is_empty() { vec![named(&spawn.lookup)] } else { spawn.args },
            env: spawn.env,
            cwd: cwd.path(),
        };
        let image = self.image(&spawn.lookup, command, &cwd)?;
        drop(descriptors.retain(|_, descriptor| !descriptor.close_on_exec));
        if spawn.reset_ids {
            who = who.real();
        }
        signals.pending = 0;
        signals.exec();
        for signal in (1..=64).filter_map(crate::process::Signal::new) {
            if spawn.defaults & signal.bit() != 0 {
                signals.set_action(signal, crate::process::Action::Default);
            }
        }
        if let Some(mask) = spawn.mask {
            signals.set_mask(mask);
        }
        let group = match spawn.group {
            None => Some(self.me.group()),
            Some(0) => None,
            Some(group) => Some(self.group_to_join(group)?),
        };
        let permit = self.child_permit(&image, &cwd)?;
        let child = self.kernel.bear(Birth {
            parent: self.me.pid,
            group: if spawn.session { None } else { group },
            session: if spawn.session { None } else { Some(self.me.session()) },
            image,
            cwd,
            umask,
            who,
            permit,
            signals,
            limits,
            descriptors,
            stop: StopToken::new(None, self.me.stop.hard_deadline()),
            tie: None,
            quota: self.quota.clone(),
            terminal: None,
        })?;
        if let Some(only) = spawn.only {
            let mut own = lock(&self.me.descriptors);
            for fd in only.into_iter().flatten().filter(|fd| *fd > 2) {
                drop(own.give_away(fd));
            }
        }
        Ok(child.pid)
    }

    /// Lets another program take over. When it succeeds the program that asked must end at once: what follows runs as
    /// the same process. Errors: as [`Process::spawn`].
    pub fn exec(
        &mut self,
        lookup: &Lookup,
        args: Vec<Vec<u8>>,
        env: Vec<Vec<u8>>,
        close: &[u32],
    ) -> Result<()> {
        self.check()?;
        self.bounded(&args)?;
        self.bounded(&env)?;
        if lock(&self.me.state).permit.children.is_none() {
            return Err(Errno::Acces.into());
        }
        let cwd = self.cwd();
        let args = if args.is_empty() { vec![named(lookup)] } else { args };
        let image = self.image(lookup, Command { args, env, cwd: cwd.path() }, &cwd)?;
        self.take_over(image, &cwd, close)
    }

    /// As [`Process::exec`], with an open file.
    pub fn exec_open(&mut self, fd: u32, args: Vec<Vec<u8>>, env: Vec<Vec<u8>>, close: &[u32]) -> Result<()> {
        self.check()?;
        self.bounded(&args)?;
        self.bounded(&env)?;
        if lock(&self.me.state).permit.children.is_none() {
            return Err(Errno::Acces.into());
        }
        let description = self.description(fd)?;
        let place = description.place.clone().ok_or(Errno::Acces)?;
        let cwd = self.cwd();
        let path = format!("/proc/self/fd/{fd}").into_bytes();
        let command = Command { args, env, cwd: cwd.path() };
        let image = self.load(place, path, command, &cwd, crate::limits::INTERPRETERS_MAX)?;
        self.take_over(image, &cwd, close)
    }

    fn take_over(&mut self, image: Image, cwd: &Arc<Place>, close: &[u32]) -> Result<()> {
        let permit = self.child_permit(&image, cwd)?;
        lock(&self.me.state).permit = Arc::new(permit);
        let gone = lock(&self.me.descriptors).retain(|fd, one| !(one.close_on_exec || close.contains(&fd)));
        drop(gone);
        self.next = Some(image);
        Ok(())
    }

    /// What a program may do that this process starts in `cwd`: what its own permit and this process's both allow.
    pub(crate) fn child_permit(&self, image: &Image, cwd: &Arc<Place>) -> Result<Permit> {
        let own = Arc::clone(&lock(&self.me.state).permit);
        self.permit_of(image, cwd, &own)
    }

    /// What a program may do that is started in `cwd`: what its own permit and `most` both allow.
    pub(crate) fn permit_of(&self, image: &Image, cwd: &Arc<Place>, most: &Permit) -> Result<Permit> {
        let name = String::from_utf8_lossy(image.exe.name()).into_owned();
        let here = here(cwd)?;
        Ok(self.kernel.permit(&name).at(&here).meet(&most.at(&here)))
    }

    /// The directory at a path. Errors: [`Errno::NotDir`] and those of walking.
    pub(crate) fn directory_at(&self, base: &Arc<Place>, path: &[u8]) -> Result<Arc<Place>> {
        self.walk(|walker| {
            let place = walker.find(base, path, Last::Follow)?.existing()?;
            if place.node.kind() != Kind::Directory {
                return Err(Errno::NotDir.into());
            }
            walker.who.need(&place.node.stat()?, 1)?;
            Ok(place)
        })
    }

    /// Goes to a directory.
    pub fn change_directory(&self, base: Base, path: &[u8]) -> Result<()> {
        let base = self.base(base, path)?;
        let place = self.directory_at(&base, path)?;
        lock(&self.me.state).cwd = place;
        Ok(())
    }

    fn bounded(&self, strings: &[Vec<u8>]) -> Result<()> {
        let bytes: usize = strings.iter().map(|string| string.len().saturating_add(1)).sum();
        if bytes > ARGUMENT_BYTES_MAX {
            return Err(Errno::TooBig.into());
        }
        if strings.iter().any(|string| string.contains(&0)) {
            return Err(Errno::Inval.into());
        }
        Ok(())
    }

    fn group_to_join(&self, group: u32) -> Result<u32> {
        let family = lock(&self.kernel.family);
        let exists = family.all().any(|proc| proc.group() == group && proc.session() == self.me.session());
        if exists { Ok(group) } else { Err(Errno::Perm.into()) }
    }

    fn three(&self, only: [Option<u32>; 3]) -> Result<Descriptors> {
        let mut three = Descriptors::default();
        for (to, from) in (0..).zip(only) {
            let description = match from {
                Some(fd) => self.description(fd)?,
                None => self.open_null()?,
            };
            three.replace(to, Descriptor::new(description));
        }
        Ok(three)
    }

    fn act(
        &self,
        actions: &[FileAction],
        descriptors: &mut Descriptors,
        mut cwd: Arc<Place>,
    ) -> Result<Arc<Place>> {
        let max = lock(&self.me.state).limits.descriptors();
        for action in actions {
            match action {
                FileAction::Close(fd) => drop(descriptors.close(*fd)),
                FileAction::Duplicate(from, to) => {
                    let mut descriptor = descriptors.get(*from)?.clone();
                    if *to >= max {
                        return Err(Errno::Badf.into());
                    }
                    descriptor.close_on_exec = false;
                    drop(descriptors.replace(*to, descriptor));
                }
                FileAction::Open(fd, path, how) => {
                    if *fd >= max {
                        return Err(Errno::Badf.into());
                    }
                    let description = self.open_from(&cwd, path, *how)?;
                    drop(descriptors.replace(*fd, Descriptor::new(description)));
                }
                FileAction::ChangeDirectory(path) => cwd = self.directory_at(&cwd, path)?,
                FileAction::ChangeDirectoryTo(fd) => {
                    cwd = Arc::clone(descriptors.get(*fd)?.description.directory()?);
                }
                FileAction::CloseFrom(low) => drop(descriptors.retain(|fd, _| fd < *low)),
            }
        }
        Ok(cwd)
    }
}

fn named(lookup: &Lookup) -> Vec<u8> {
    match lookup {
        Lookup::Exact(path) => path.clone(),
        Lookup::Search { name, .. } => name.clone(),
    }
}

/// A directory, as permits name it. Errors: [`Errno::Ilseq`] for a name that is not UTF-8.
pub(crate) fn here(cwd: &Place) -> Result<GuestPath> {
    let path = String::from_utf8(cwd.path()).map_err(|_| Errno::Ilseq)?;
    GuestPath::new(&path).map_err(|_| Errno::Inval.into())
}
