//! A command may do no more than its own permit, and never more than who started it.

use std::collections::BTreeSet;

use hob::{Children, Connections, Files, GuestPath, Permit, Session, Tier};

use crate::lab::{host, lab, made, run, said};

/// Tries everything that a permit is about and says what it could do, one bit each. Then goes to the directory of its first
/// argument, starts the program of its second with what is left of them, and waits for that. Says why it could not.
const TRIES: &str = r#"
    (global $could (mut i32) (i32.const 0)) (global $bit (mut i32) (i32.const 1))
    (func $note (param $errno i32)
        (if (i32.eqz (local.get $errno)) (then (global.set $could (i32.or (global.get $could) (global.get $bit)))))
        (global.set $bit (i32.shl (global.get $bit) (i32.const 1))))
    (func $use (param $at i32) (param $len i32)
        (call $note (call $open_at (local.get $at) (local.get $len) (i32.const 0) (i64.const 2)))
        (call $note (call $open_at (local.get $at) (local.get $len) (i32.const 0) (i64.const 64))))
    (func (export "_start") (local $next i32) (local $len i32) (local $errno i32)
        (call $use @"/tmp/f") (call $use @"/tmp/a/f") (call $use @"/tmp/a/c/f") (call $use @"/tmp/b/f")
        (call $note (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
        (call $note (call $fd_pipe (i32.const 0x100) (i32.const 0x104)))
        (drop (call $proc_closefrom (i32.const 3)))
        (call $say @"could " (global.get $could))
        (drop (call $args_sizes_get (i32.const 0x100) (i32.const 0x104)))
        (if (i32.lt_u (i32.load (i32.const 0x100)) (i32.const 3)) (then (return)))
        (call $text (i32.const 2)) (local.set $len) (local.set $next)
        (local.set $errno (call $proc_spawn_v4 (local.get $next) (local.get $len)
            (local.get $next) (i32.sub (i32.add (i32.const 0x4100) (i32.load (i32.const 0x104))) (local.get $next))
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (call $text (i32.const 1)) @"/bin" (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
        (if (local.get $errno) (then (call $say @"refused " (local.get $errno)))
            (else (drop (call $wait_for (i32.const -1) (i32.const 0))))))"#;

/// Makes the directories that the others try.
const MAKES: &str = r#"(func (export "_start")
    (drop (call $path_create_directory (i32.const -1) @"/tmp/a"))
    (drop (call $path_create_directory (i32.const -1) @"/tmp/a/c"))
    (drop (call $path_create_directory (i32.const -1) @"/tmp/b")))"#;

const NAMES: [&str; 5] = ["one", "two", "three", "four", "five"];
const PATHS: [&str; 4] = ["/tmp/f", "/tmp/a/f", "/tmp/a/c/f", "/tmp/b/f"];
const PLACES: [&str; 4] = ["/tmp", "/tmp/a", "/tmp/a/c", "/tmp/b"];

fn prepared(session: &Session) {
    assert_eq!(run(session, "makes", &[]).exit.code, 0);
    PATHS.iter().for_each(|path| session.write_file(path, b"x").unwrap());
}

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn some_of<T: Clone + Ord>(&mut self, all: &[T]) -> BTreeSet<T> {
        all.iter().filter(|_| self.below(2) == 0).cloned().collect()
    }

    fn files(&mut self) -> Files {
        match self.below(4) {
            0 => Files::Here,
            1 => Files::Below(self.some_of(&PLACES.map(|path| GuestPath::new(path).unwrap()))),
            _ => Files::All,
        }
    }

    fn permit(&mut self) -> Permit {
        let names: Vec<String> = NAMES.map(ToOwned::to_owned).to_vec();
        Permit {
            read: self.files(),
            write: self.files(),
            children: if self.below(4) == 0 { Children::Only(self.some_of(&names)) } else { Children::Any },
            processes: (self.below(4) == 0).then(|| self.below(4) as u32 + 1),
            net: match self.below(3) {
                0 => Connections::None,
                1 => Connections::Only(BTreeSet::new()),
                _ => Connections::All,
            },
        }
    }
}

/// What a program with this permit says it could do.
fn could(permit: &Permit) -> u64 {
    let files = PATHS.iter().flat_map(|path| [permit.read.covers(path), permit.write.covers(path)]);
    let all = files.chain([permit.net != Connections::None, !permit.children.is_none()]);
    all.enumerate().map(|(bit, on)| u64::from(on) << bit).sum()
}

/// Why a line of permits cannot be made longer by a program of this name, if so.
fn refused(line: &[Permit], name: &str, next: &Permit) -> Option<u64> {
    let last = line.last().unwrap();
    if !last.children.allow(name) {
        return Some(2);
    }
    let all = line.len() + 1;
    let full = line
        .iter()
        .chain([next])
        .enumerate()
        .any(|(at, permit)| permit.processes.is_some_and(|max| all - at > max as usize));
    full.then_some(6)
}

#[test]
fn no_child_is_ever_wider_than_who_started_it() {
    let mut chance = Chance(7);
    let (mut deepest, mut refusals) = (0, 0);
    for tree in 0..60 {
        let rules = NAMES.map(|name| (name, chance.permit()));
        let programs: Vec<_> =
            NAMES.map(|name| (name, TRIES)).into_iter().chain([("makes", MAKES)]).collect();
        let lab = made(host(), &programs, |mut builder| {
            for (name, permit) in &rules {
                builder = builder.permit(name, permit.clone());
            }
            builder
        });
        let session = lab.session();
        prepared(&session);
        for _ in 0..12 {
            let line: Vec<(usize, &str)> =
                (0..6).map(|_| (chance.below(NAMES.len()), PLACES[chance.below(PLACES.len())])).collect();
            let given = if chance.below(2) == 0 { Permit::full() } else { chance.permit() };
            let here = |place: &str| GuestPath::new(place).unwrap();
            let (first, place) = line[0];
            let mut permits = vec![rules[first].1.at(&here(place)).meet(&given.at(&here(place)))];
            let mut want = vec![format!("could {}", could(&permits[0]))];
            for (name, place) in &line[1..] {
                let next = rules[*name].1.at(&here(place)).meet(permits.last().unwrap());
                if let Some(errno) = refused(&permits, NAMES[*name], &next) {
                    want.push(format!("refused {errno}"));
                    refusals += 1;
                    break;
                }
                want.push(format!("could {}", could(&next)));
                assert!(next.within(permits.last().unwrap()));
                permits.push(next);
            }
            deepest = deepest.max(permits.len());
            let args = line[1..].iter().flat_map(|(name, place)| [*place, NAMES[*name]]);
            let out = hob::SharedBuffer::default();
            let launch = session.start(NAMES[first]).args(args).cwd(place).permit(given);
            launch.stdout(hob::Sink::Buffer(out.clone())).spawn().unwrap().wait().unwrap();
            let said = String::from_utf8(out.take()).unwrap();
            assert_eq!(said.lines().collect::<Vec<_>>(), want, "tree {tree}, {line:?}, {rules:?}");
        }
    }
    assert!(deepest == 6 && refusals > 100, "{deepest} {refusals}");
}

/// Everything that writes, starts or connects, each a bit of what was not refused.
const MISBEHAVES: &str = r#"
    (global $could (mut i32) (i32.const 0)) (global $bit (mut i32) (i32.const 1))
    (func $note (param $errno i32)
        (if (i32.eqz (local.get $errno)) (then (global.set $could (i32.or (global.get $could) (global.get $bit)))))
        (global.set $bit (i32.shl (global.get $bit) (i32.const 1))))
    (func (export "_start") (local $fd i32)
        (drop (call $open_at @"/tmp/f" (i32.const 0) (i64.const 2))) (local.set $fd (i32.load (i32.const 16)))
        (call $note (call $open_at @"/tmp/f" (i32.const 0) (i64.const 64)))
        (call $note (call $open_at @"/tmp/new" (i32.const 1) (i64.const 64)))
        (call $note (call $open_at @"/tmp/f" (i32.const 8) (i64.const 2)))
        (call $note (call $path_create_directory (i32.const -1) @"/tmp/d"))
        (call $note (call $path_unlink_file (i32.const -1) @"/tmp/f"))
        (call $note (call $path_remove_directory (i32.const -1) @"/tmp/a/c"))
        (call $note (call $path_rename (i32.const -1) @"/tmp/f" (i32.const -1) @"/tmp/g"))
        (call $note (call $path_renameat2 (i32.const -1) @"/tmp/f" (i32.const -1) @"/tmp/a/f" (i32.const 2)))
        (call $note (call $path_symlink @"f" (i32.const -1) @"/tmp/l"))
        (call $note (call $path_link (i32.const -1) (i32.const 0) @"/tmp/f" (i32.const -1) @"/tmp/l"))
        (call $note (call $path_mknod (i32.const -1) @"/tmp/p" (i32.const 0x11b6) (i64.const 0)))
        (call $note (call $open_tmpfile (i32.const -1) @"/tmp" (i32.const 0x10000000) (i32.const 438) (i32.const 16)))
        (call $note (call $chmod (i32.const -1) @"/tmp/f" (i32.const 511)))
        (call $note (call $path_chown (i32.const -1) @"/tmp/f" (i32.const 1000) (i32.const 1000) (i32.const 1)))
        (call $note (call $path_setxattr (i32.const -1) @"/tmp/f" @"user.x" (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))
        (call $note (call $path_filestat_set_times (i32.const -1) (i32.const 1) @"/tmp/f" (i64.const 1) (i64.const 1) (i32.const 5)))
        (call $note (call $fd_filestat_set_size (local.get $fd) (i64.const 0)))
        (call $note (call $fd_allocate (local.get $fd) (i64.const 0) (i64.const 100)))
        (call $note (call $fchmod (local.get $fd) (i32.const 511)))
        (call $note (call $fd_setxattr (local.get $fd) @"user.x" (i32.const 0) (i32.const 1) (i32.const 0)))
        (call $note (call $fd_filestat_set_times (local.get $fd) (i64.const 1) (i64.const 1) (i32.const 5)))
        (call $note (call $fd_link (local.get $fd) (i32.const -1) @"/tmp/l"))
        (call $say @"wrote " (global.get $could))
        (global.set $could (i32.const 0)) (global.set $bit (i32.const 1))
        (call $note (call $spawn @"misbehaves"))
        (call $note (call $proc_exec @"/bin/misbehaves" @"misbehaves" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
        (call $note (call $proc_kill (i32.const -1) (i32.const 0)))
        (call $note (call $fd_pipe (i32.const 0x100) (i32.const 0x104)))
        (call $note (call $pty_open (i32.const 0x100) (i32.const 0x104)))
        (call $note (call $open_at @"/dev/ptmx" (i32.const 0) (i64.const 66)))
        (call $say @"started " (global.get $could))
        (global.set $could (i32.const 0)) (global.set $bit (i32.const 1))
        (call $note (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
        (call $note (call $net_socket (i32.const 3) (i32.const 6) (i32.const 0) (i32.const 16)))
        (call $note (call $fd_socketpair (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 0x104)))
        (i32.store (i32.const 0x100) (i32.const 0x1000))
        (call $note (call $net_getaddrinfo @"localhost" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x20000) (i32.const 0x100)))
        (call $say @"connected " (global.get $could)))"#;

#[test]
fn tiers_refuse_every_way_to_write_to_start_and_to_connect() {
    let programs = [("misbehaves", MISBEHAVES), ("makes", MAKES)];
    for tier in [Tier::Isolated, Tier::ReadOnly] {
        let lab = lab(host(), &programs);
        let session = lab.session();
        prepared(&session);
        let before = session.disk_used();
        let out = hob::SharedBuffer::default();
        let launch = session.start("misbehaves").permit(Permit::tier(tier)).cwd("/tmp");
        let exit = launch.stdout(hob::Sink::Buffer(out.clone())).spawn().unwrap().wait().unwrap();
        let said = String::from_utf8(out.take()).unwrap();
        assert_eq!((exit.code, said.as_str()), (0, "wrote 0\nstarted 0\nconnected 0\n"), "{tier}");
        assert_eq!(session.disk_used(), before, "{tier}");
        assert_eq!(session.read_file("/tmp/f").unwrap(), b"x");
    }
}

/// Starts itself under a permit for three, or lets itself take over, and then starts itself again. Says how many there were.
const SPREADS: &str = r#"
    (func (export "_start") (local $n i32)
        (if (call $argument (i32.const 1))
            (then (drop (call $proc_exec @"/bin/narrow" @"narrow\00" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
        (loop $more
            (if (i32.eqz (call $spawn @"sleeps")) (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
        (call $say @"children " (local.get $n)))"#;
const SLEEPS: &str = r#"(func (export "_start") (drop (call $sleep_ms (i32.const -1))))"#;
#[test]
fn a_permit_for_so_many_is_for_who_takes_over_too() {
    let programs = [("narrow", SPREADS), ("wide", SPREADS), ("sleeps", SLEEPS)];
    let narrow = Permit { processes: Some(3), ..Permit::full() };
    let lab = made(host(), &programs, |builder| builder.permit("narrow", narrow));
    assert_eq!(said(&run(&lab.session(), "narrow", &["0"]), "children"), 2);
    assert_eq!(said(&run(&lab.session(), "wide", &["1"]), "children"), 2);
    assert_eq!(said(&run(&lab.session(), "wide", &["0"]), "children"), 23);
}

/// Starts the next one and ends.
const LINE: &str = r#"(func (export "_start")
    (drop (call $sched_yield))
    (drop (call $spawn @"line")))"#;

#[test]
fn a_long_line_under_a_permit_for_so_many_costs_nothing() {
    let narrow = Permit { processes: Some(5), ..Permit::full() };
    let lab = made(host(), &[("line", LINE)], |builder| builder.permit("line", narrow));
    let session = lab.session();
    session.start("line").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    session.close();
}
