//! Opening the host directory of a grant.
//!
//! The only place where a host path becomes authority: everything later goes through the directory
//! opened here. Stops: granting a kernel interface such as `/proc`, `/sys` or `/dev` as if it were a
//! folder; through `/proc/self/mem` alone a guest would own the host.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use cap_std::fs::Dir;
use hob_cap::FsGrant;
use rustix::fs::OFlags;

use crate::fs::pseudo;

/// Why the directory of a grant could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum GrantOpenError {
    /// The host does not have it, or does not let this process read it.
    #[error("cannot open directory `{host}` for the grant `--dir {host}::{guest}`: {source}")]
    Open {
        /// The host directory.
        host: String,
        /// The guest path it was to have.
        guest: String,
        /// What the host said.
        source: std::io::Error,
    },
    /// It is an interface of the kernel, not a folder.
    #[error("`{host}` is a {kind} file system and is never granted; name an ordinary directory instead")]
    Kernel {
        /// The host directory.
        host: String,
        /// Which file system it is.
        kind: &'static str,
    },
}

/// Opens the host directory of a grant. Errors: it cannot be opened, or it lies on a file system
/// through which the kernel is operated rather than data kept.
pub fn open_grant(grant: &FsGrant) -> Result<Dir, GrantOpenError> {
    let failed = |source| GrantOpenError::Open {
        host: grant.host.clone(),
        guest: grant.guest.as_str().to_owned(),
        source,
    };
    let flags = i32::try_from((OFlags::DIRECTORY | OFlags::CLOEXEC).bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(&grant.host).map_err(failed)?;
    if let Some(kind) = kernel_interface(&file).map_err(failed)? {
        return Err(GrantOpenError::Kernel { host: grant.host.clone(), kind });
    }
    Ok(Dir::from_std_file(file))
}

/// The open root of a grant, from a directory the embedder opened: a descriptor of its own, so that
/// two worlds never share an offset.
pub(crate) fn root_of(dir: &Dir) -> crate::Result<OwnedFd> {
    let root = rustix::fs::openat(
        dir.as_fd(),
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    pseudo::refuse(&root)?;
    Ok(root)
}

/// The name of the kernel file system a directory lies on, if it does. The one of `/dev` calls itself
/// an ordinary one, and is known by its device.
fn kernel_interface(dir: &File) -> std::io::Result<Option<&'static str>> {
    if let Some(kind) = pseudo::kind(dir)? {
        return Ok(Some(kind));
    }
    let device = |path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
    let dev = device("/dev");
    Ok((dev == Some(dir.metadata()?.dev()) && dev != device("/")).then_some("device"))
}
