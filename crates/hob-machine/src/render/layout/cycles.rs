//! Which arrows point up, so that the others all point down: layers need a graph without cycles.

/// For each arrow between `count` things whether it is drawn against its direction. Those that lead back to what a walk from
/// `first`, in the order of the document, is just coming from are.
pub(super) fn reversed(count: usize, arrows: &[(usize, usize)], first: Option<usize>) -> Vec<bool> {
    let mut outgoing: Vec<Vec<(usize, usize)>> = vec![Vec::new(); count];
    for (arrow, (from, to)) in arrows.iter().enumerate() {
        if let Some(list) = outgoing.get_mut(*from) {
            list.push((arrow, *to));
        }
    }
    let mut state = vec![Seen::No; count];
    let mut reversed = vec![false; arrows.len()];
    let set = |state: &mut Vec<Seen>, of: usize, to: Seen| {
        if let Some(place) = state.get_mut(of) {
            *place = to;
        }
    };
    for start in first.into_iter().chain(0..count) {
        if state.get(start) != Some(&Seen::No) {
            continue;
        }
        set(&mut state, start, Seen::Under);
        let mut walk = vec![(start, 0)];
        while let Some((at, next)) = walk.last_mut() {
            let Some((arrow, to)) = outgoing.get(*at).and_then(|list| list.get(*next)).copied() else {
                set(&mut state, *at, Seen::Done);
                walk.pop();
                continue;
            };
            *next += 1;
            match state.get(to) {
                Some(Seen::No) => {
                    set(&mut state, to, Seen::Under);
                    walk.push((to, 0));
                }
                Some(Seen::Under) => {
                    if let Some(place) = reversed.get_mut(arrow) {
                        *place = true;
                    }
                }
                _ => {}
            }
        }
    }
    reversed
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// The walk is inside it.
    Under,
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_back_is_reversed() {
        let check = |arrows: &[(usize, usize)], first, expected: &[usize]| {
            let flags = reversed(4, arrows, first);
            let found: Vec<usize> = (0..flags.len()).filter(|arrow| flags[*arrow]).collect();
            assert_eq!(found, expected);
        };
        check(&[(0, 1), (1, 2), (2, 0)], None, &[2]);
        check(&[(0, 1), (1, 2), (2, 0)], Some(2), &[1]);
        check(&[(0, 1), (0, 2), (1, 3), (2, 3)], None, &[]);
        check(&[(0, 1), (1, 0), (2, 3), (3, 2)], None, &[1, 3]);
    }
}
