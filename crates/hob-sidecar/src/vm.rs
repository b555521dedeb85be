//! A machine of a client: a session of hob, what the client lets it do, and the processes it started.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use hob::{Access, Exit, Files, GuestPath, Permit, Session, Shell, Signal};

use crate::files;
use crate::job::{self, Running};
use crate::out::Out;
use crate::protocol::{
    Bootstrapped, ConfigureVm, Configured, CreateVm, Entry, Execute, FileCall, Kill, Lower, Mount,
    OneProcess, Ownership, Permissions, ProcessEntry, ProcessStatus, Processes, Response, RootEntries,
    RootMode, Runtime, Software, Started, WriteStdin,
};
use crate::refusal::Refusal;
use crate::rights::{self, Rights};

/// Bytes of a name that a client chooses.
const NAME_BYTES_MAX: usize = 256;

/// Processes that ended and are still listed.
const ENDED_MAX: usize = 256;

pub(crate) struct Vm {
    session: Session,
    shell: Shell,
    out: Arc<Out>,
    owner: Ownership,
    rights: Rights,
    is_read_only: bool,
    env: Vec<(String, String)>,
    cwd: String,
    mounts: Vec<(Mount, bool)>,
    jobs: Arc<Mutex<Jobs>>,
    max: u64,
}

#[derive(Default)]
struct Jobs {
    running: BTreeMap<String, Arc<Running>>,
    ended: VecDeque<ProcessEntry>,
}

impl Vm {
    pub(crate) fn new(
        shell: &Shell,
        out: &Arc<Out>,
        owner: Ownership,
        request: &CreateVm,
        (cwd, max): (&str, u64),
    ) -> Result<Self, Refusal> {
        let rights = permissions(request.permissions.as_ref())?.unwrap_or_default();
        if request.root.disable_default_base_layer {
            return Err(Refusal::unsupported("disableDefaultBaseLayer: the base is always there"));
        }
        let mut env = Vec::new();
        let mut cwd = cwd.to_owned();
        for (key, value) in &request.metadata.0 {
            match key.strip_prefix("env.") {
                Some(name) if rights.env => env.push(variable(name, value)?),
                _ if key == "cwd" => cwd.clone_from(value),
                _ => {}
            }
        }
        let session = shell.session().map_err(|error| Refusal::limit_exceeded(error.to_string()))?;
        for lower in request.root.lowers.iter().rev() {
            if let Lower::Snapshot(layer) = lower {
                layer.entries.iter().try_for_each(|entry| files::make(&session, entry))?;
            }
        }
        request.root.bootstrap_entries.iter().try_for_each(|entry| files::make(&session, entry))?;
        Ok(Self {
            session,
            shell: shell.clone(),
            out: Arc::clone(out),
            owner,
            rights,
            is_read_only: request.root.mode == RootMode::ReadOnly,
            env,
            cwd,
            mounts: Vec::new(),
            jobs: Arc::default(),
            max,
        })
    }

    pub(crate) fn bootstrap(&self, entries: &[Entry]) -> Result<Response, Refusal> {
        entries.iter().try_for_each(|entry| files::make(&self.session, entry))?;
        Ok(Response::Bootstrapped(Bootstrapped { entry_count: count(entries.len()) }))
    }

    pub(crate) fn configure(&mut self, request: &ConfigureVm) -> Result<Response, Refusal> {
        let rights = permissions(request.permissions.as_ref())?;
        if !request.loopback_exempt_ports.is_empty() {
            let why = "loopbackExemptPorts: what is reached outside is said by `--net`, as in `--net tcp://127.0.0.1:8080`";
            return Err(Refusal::not_granted(why));
        }
        request.software.iter().try_for_each(|software| self.knows(software))?;
        for mount in &request.mounts {
            self.mount(mount)?;
        }
        for (command, tier) in &request.command_permissions.0 {
            self.session.permit(command, Permit::tier(rights::tier(*tier)));
        }
        if let Some(rights) = rights {
            self.rights = rights;
        }
        Ok(Response::Configured(Configured {
            applied_mounts: count(request.mounts.len()),
            applied_software: count(request.software.len()),
        }))
    }

    /// Whether the commands of a package are there.
    fn knows(&self, software: &Software) -> Result<(), Refusal> {
        if self.shell.commands_in(&software.root).is_empty() {
            let root = hob::escape_guest_text(&software.root, 400);
            return Err(Refusal::not_granted(format!("software at {root}; allow it with `--bin {root}`")));
        }
        Ok(())
    }

    fn mount(&mut self, mount: &Mount) -> Result<(), Refusal> {
        if self.mounts.iter().any(|(known, _)| known == mount) {
            return Ok(());
        }
        if mount.plugin.id != "host_dir" {
            let id = hob::escape_guest_text(&mount.plugin.id, 80);
            return Err(Refusal::unsupported(format!("the mount plugin {id}; there is `host_dir`")));
        }
        let guest = GuestPath::new(&mount.guest_path)
            .map_err(|error| Refusal::invalid_argument(error.to_string()))?;
        let at = guest.as_str();
        if at == "/" || files::FIXED.contains(&at) {
            return Err(Refusal::invalid_argument(format!("nothing is mounted at {at}")));
        }
        if self.mounts.iter().any(|(known, _)| known.guest_path == mount.guest_path) {
            return Err(Refusal::unsupported(format!("something else is mounted at {at} and stays there")));
        }
        let config: serde_json::Value = serde_json::from_str(&mount.plugin.config).map_err(|error| {
            Refusal::invalid_argument(format!("the configuration of the mount is no JSON: {error}"))
        })?;
        let host = config.get("hostPath").and_then(serde_json::Value::as_str);
        let host = host.ok_or_else(|| Refusal::invalid_argument("the mount has no `hostPath`"))?;
        let read_only = mount.read_only || config.get("readOnly") == Some(&serde_json::Value::Bool(true));
        // Commands first: a folder of them is usually not granted as files.
        let commands = self.session.mount_commands(host, at).map_err(|error| Refusal::of_file(&error))?;
        if commands == 0 {
            let access = if read_only { Access::Read } else { Access::ReadWrite };
            self.session.mount(host, at, access).map_err(|error| Refusal::of_file(&error))?;
        }
        self.mounts.push((mount.clone(), read_only || commands > 0));
        Ok(())
    }

    pub(crate) fn file(&self, call: &FileCall) -> Result<Response, Refusal> {
        if !self.rights.files {
            return Err(Refusal::permission_denied("EACCES: permissions.fs denies it"));
        }
        if self.is_read_only && files::changes(call.operation) {
            let below = |path: &str| self.written().any(|at| is_below(path, at));
            if ![Some(call.path.as_str()), call.destination_path.as_deref()].into_iter().flatten().all(below)
            {
                return Err(Refusal::kernel_error("EROFS: the root is read-only"));
            }
        }
        files::call(&self.session, call, self.max).map(Response::File)
    }

    pub(crate) fn entries(&self) -> Result<Response, Refusal> {
        if !self.rights.files {
            return Err(Refusal::permission_denied("EACCES: permissions.fs denies it"));
        }
        let mounts = self.mounts.iter().map(|(mount, _)| mount.guest_path.trim_end_matches('/'));
        let mounted: Vec<&str> = files::FIXED.into_iter().chain(mounts).collect();
        Ok(Response::Root(RootEntries { entries: files::entries(&self.session, &mounted, self.max)? }))
    }

    /// Where a read-only root is written to all the same: directories that are mounted so.
    fn written(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter(|(_, read_only)| !read_only).map(|(mount, _)| mount.guest_path.as_str())
    }

    /// Starts a process and answers, before anything is told of it.
    pub(crate) fn execute(&self, request: Execute, request_id: i64) -> Result<(), Refusal> {
        name(&request.process_id)?;
        if self.jobs().running.contains_key(&request.process_id) {
            let why = format!("{} is running already", hob::escape_guest_text(&request.process_id, 80));
            return Err(Refusal::invalid_state(why));
        }
        let command = program(&request)?;
        if request.args.iter().chain([&command]).any(|arg| arg.contains('\0')) {
            return Err(Refusal::invalid_argument("an argument has a NUL in it"));
        }
        let written = self.is_read_only.then(|| {
            let paths = self.written().chain(["/dev", "/proc"]);
            Files::Below(paths.filter_map(|path| GuestPath::new(path).ok()).collect())
        });
        let mut permit = self.rights.permit(written);
        if let Some(tier) = request.tier {
            permit = permit.meet(&Permit::tier(rights::tier(tier)));
        }
        let mut launch = self.session.start(&command).args(request.args).permit(permit).feed().stream();
        launch = launch.cwd(request.cwd.as_deref().unwrap_or(&self.cwd));
        for (key, value) in &self.env {
            launch = launch.env(key, value);
        }
        for (key, value) in request.env.0.iter().filter(|_| self.rights.env) {
            let (key, value) = variable(key, value)?;
            launch = launch.env(&key, &value);
        }
        let job = launch.spawn().map_err(|error| Refusal::of_start(&command, &error))?;
        let pid = job.pid();
        let running = Arc::new(Running::new(request.process_id.clone(), command, job));
        self.jobs().running.insert(request.process_id.clone(), Arc::clone(&running));
        let started = Started { process_id: request.process_id, pid: Some(pid) };
        let jobs = Arc::clone(&self.jobs);
        let (id, entry) = (running.process_id.clone(), self.entry_of(&running));
        let forget = move |exit: &Exit| {
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.running.remove(&id);
            jobs.ended.push_back(ProcessEntry {
                status: ProcessStatus::Exited,
                exit_code: Some(i32::from(exit.code)),
                ..entry
            });
            if jobs.ended.len() > ENDED_MAX {
                jobs.ended.pop_front();
            }
        };
        let (go, answered) = std::sync::mpsc::sync_channel(1);
        running.listen(&self.out, &self.owner, answered, forget).map_err(|error| {
            running.job.kill();
            self.jobs().running.remove(&running.process_id);
            Refusal::limit_exceeded(format!("no thread to read with: {error}"))
        })?;
        self.out.answer(request_id, self.owner.clone(), Response::Started(started));
        // The thread waits for this, or for its being dropped.
        let _told = go.send(());
        Ok(())
    }

    pub(crate) fn write_stdin(
        &self,
        request: WriteStdin,
        request_id: i64,
    ) -> Result<Option<Response>, Refusal> {
        self.running(&request.process_id)?.write(&self.out, request.chunk, (request_id, &self.owner))
    }

    pub(crate) fn close_stdin(&self, request: OneProcess) -> Result<Response, Refusal> {
        self.running(&request.process_id)?.close_stdin();
        Ok(job::closed(request.process_id))
    }

    pub(crate) fn kill(&self, request: Kill) -> Result<Response, Refusal> {
        let running = self.running(&request.process_id)?;
        if request.signal != "0" {
            let shown = hob::escape_guest_text(&request.signal, 40);
            let signal = Signal::parse(&request.signal)
                .ok_or_else(|| Refusal::invalid_argument(format!("{shown} is no signal")))?;
            running.job.signal(signal);
        }
        Ok(Response::Killed(OneProcess { process_id: request.process_id }))
    }

    pub(crate) fn processes(&self) -> Result<Response, Refusal> {
        if !self.rights.processes {
            return Err(Refusal::permission_denied("EACCES: permissions.process denies it"));
        }
        let jobs = self.jobs();
        let named = |pid| jobs.running.values().find(|running| running.job.pid() == pid);
        let alive = self.session.processes().into_iter().filter(|seen| seen.ended.is_none());
        let alive = alive.map(|seen| {
            let named = named(seen.pid);
            let mut args = seen.args.into_iter().map(|arg| String::from_utf8_lossy(&arg).into_owned());
            let first = args.next().unwrap_or_default();
            ProcessEntry {
                process_id: named
                    .map_or_else(|| format!("pid-{}", seen.pid), |running| running.process_id.clone()),
                pid: seen.pid,
                ppid: seen.parent,
                pgid: seen.group,
                sid: seen.session,
                driver: "wasm".into(),
                command: named.map_or(first, |running| running.command.clone()),
                args: args.collect(),
                cwd: String::from_utf8_lossy(&seen.cwd).into_owned(),
                status: if seen.is_stopped { ProcessStatus::Stopped } else { ProcessStatus::Running },
                exit_code: None,
            }
        });
        let processes = alive.chain(jobs.ended.iter().cloned()).collect();
        Ok(Response::Processes(Processes { processes }))
    }

    /// Ends everything in it.
    pub(crate) fn close(self) {
        self.session.close();
    }

    fn entry_of(&self, running: &Running) -> ProcessEntry {
        let pid = running.job.pid();
        let seen = self.session.processes().into_iter().find(|seen| seen.pid == pid);
        ProcessEntry {
            process_id: running.process_id.clone(),
            pid,
            ppid: 1,
            pgid: pid,
            sid: pid,
            driver: "wasm".into(),
            command: running.command.clone(),
            args: Vec::new(),
            cwd: seen.map_or_else(String::new, |seen| String::from_utf8_lossy(&seen.cwd).into_owned()),
            status: ProcessStatus::Running,
            exit_code: None,
        }
    }

    fn running(&self, process_id: &str) -> Result<Arc<Running>, Refusal> {
        let gone = || {
            Refusal::invalid_state(format!(
                "no process {} is running",
                hob::escape_guest_text(process_id, 80)
            ))
        };
        self.jobs().running.get(process_id).cloned().ok_or_else(gone)
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to run: a command by its name, or a module by its path.
fn program(request: &Execute) -> Result<String, Refusal> {
    if let Some(command) = &request.command {
        return Ok(command.clone());
    }
    match (request.runtime, &request.entrypoint) {
        (Some(Runtime::WebAssembly), Some(path)) if path.contains('/') => Ok(path.clone()),
        (Some(Runtime::WebAssembly), Some(path)) => Ok(format!("./{path}")),
        (Some(runtime @ (Runtime::JavaScript | Runtime::Python)), _) => {
            Err(Refusal::unsupported(format!("the runtime {runtime:?}; programs are WebAssembly here")))
        }
        _ => Err(Refusal::invalid_argument(
            "what is executed is a `command`, or an `entrypoint` of a `runtime`",
        )),
    }
}

fn permissions(given: Option<&Permissions>) -> Result<Option<Rights>, Refusal> {
    given.map(Rights::of).transpose()
}

fn variable(key: &str, value: &str) -> Result<(String, String), Refusal> {
    if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
        let key = hob::escape_guest_text(key, 80);
        return Err(Refusal::invalid_argument(format!("{key} cannot be a variable with this value")));
    }
    Ok((key.into(), value.into()))
}

fn name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Refusal::invalid_argument(format!(
            "a process has a name of 1 to {NAME_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// Whether a path is written as one below another. `..` means what links say, and is none.
fn is_below(path: &str, at: &str) -> bool {
    let inside = path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    inside && path.split('/').all(|part| part != "..")
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
