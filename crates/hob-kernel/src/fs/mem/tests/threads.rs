//! Many at once: nothing is lost, nothing deadlocks, the quota holds.

use super::*;
use crate::fs::RenameHow;

/// A small generator of numbers: threads need no good ones.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn name(&mut self) -> [u8; 1] {
        [b"abcd"[usize::try_from(self.next(4)).unwrap()]]
    }
}

#[test]
fn writers_at_once_never_pass_the_quota() {
    let fs = MemFs::new(config(1 << 20, 100)).unwrap();
    let root = fs.root();
    let wrote: u64 = std::thread::scope(|scope| {
        let files: Vec<_> = (0..4).map(|number| file(&root, &format!("f{number}"))).collect();
        let append = |open: Arc<dyn File>| {
            std::iter::from_fn(move || open.append(&[1; 700]).ok()).map(|(done, _)| done as u64).sum::<u64>()
        };
        let threads: Vec<_> = files.into_iter().map(|open| scope.spawn(move || append(open))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let space = fs.space();
    assert!(space.bytes_used <= space.bytes && space.bytes - space.bytes_used < 512);
    assert!(wrote > (1 << 20) - 8 * 1024);
}

#[test]
fn appends_are_whole() {
    let fs = memory();
    let root = fs.root();
    file(&root, "log");
    std::thread::scope(|scope| {
        for byte in 0..4u8 {
            let open = root.lookup(b"log").unwrap().open(true).unwrap();
            scope.spawn(move || (0..500).for_each(|_| assert_eq!(open.append(&[byte; 37]).unwrap().0, 37)));
        }
    });
    let open = root.lookup(b"log").unwrap().open(false).unwrap();
    let mut buf = vec![0; 4 * 500 * 37];
    assert_eq!(open.read_at(&mut buf, 0), Ok(buf.len()));
    assert!(buf.chunks(37).all(|chunk| chunk.iter().all(|byte| *byte == chunk[0])));
}

#[test]
fn a_tree_changed_by_many_stays_a_tree() {
    let fs = memory();
    let root = fs.root();
    let empty = fs.space();
    std::thread::scope(|scope| {
        for seed in 1..=6 {
            let root = root.clone();
            scope.spawn(move || {
                let mut numbers = Numbers(seed * 0x9e37_79b9);
                for _ in 0..4000 {
                    let mut at = [root.clone(), root.clone()];
                    for at in &mut at {
                        for _ in 0..numbers.next(4) {
                            let name = numbers.name();
                            if let Ok(node) = at.lookup(&name)
                                && node.kind() == crate::fs::Kind::Directory
                            {
                                *at = node;
                            }
                        }
                    }
                    let (name, other) = (numbers.name(), numbers.name());
                    let [from, to] = &at;
                    let _any = match numbers.next(8) {
                        0 => from.make(&name, New::File, OWNER).map(drop),
                        1 | 2 => from.make(&name, New::Directory, OWNER).map(drop),
                        3 => from.unlink(&name, numbers.next(2) == 0),
                        4 => from.lookup(&name).and_then(|node| to.link(&other, &node)),
                        5 => from.rename(&name, to, &other, RenameHow::Exchange),
                        _ => from.rename(&name, to, &other, RenameHow::Replace),
                    };
                }
            });
        }
    });
    // Everything is still reachable from the root, so taking it all away gives everything back.
    let mut ways = vec![root.clone()];
    let mut counted = 0;
    while let Some(at) = ways.pop() {
        let found = names(&at);
        let directories = found.iter().filter_map(|name| {
            let node = at.lookup(name.as_bytes()).unwrap();
            (node.kind() == crate::fs::Kind::Directory).then_some(node)
        });
        let before = ways.len();
        ways.extend(directories);
        assert_eq!(at.stat().unwrap().links, 2 + (ways.len() - before) as u64);
        counted += 1;
    }
    assert!(counted > 0);
    fn clear(at: &NodeRef) {
        for name in names(at) {
            let node = at.lookup(name.as_bytes()).unwrap();
            let directory = node.kind() == crate::fs::Kind::Directory;
            if directory {
                clear(&node);
            }
            at.unlink(name.as_bytes(), directory).unwrap();
        }
    }
    clear(&root);
    assert_eq!(fs.space(), empty);
}
