/* Counts: `inc` adds one and answers the new count, `get` answers the count. The state is the count. Its states had another
 * form once, `["count" N]`: that was version 0. */
#include <hob/actor.h>

static hob_outcome turn(const hob_turn *turn) {
    int64_t count, next;
    if (!hob_as_int(&turn->state, &count)) return hob_fail(hob_problem("bad-state", "no count"));
    if (hob_method(turn, "get", 0)) return hob_answer(turn->state);
    if (!hob_method(turn, "inc", 0)) return hob_no_method(turn);
    if (__builtin_add_overflow(count, 1, &next)) return hob_fail(hob_problem("limit", "it counts no further"));
    return hob_become(hob_integer(next), hob_integer(next));
}

static hob_result upgrade(uint32_t from, hob_value state) {
    if (from == 0 && state.kind == HOB_LIST && state.as.list.count == 2) return hob_ok(state.as.list.items[1]);
    return hob_not(hob_problem("no-upgrade", "no count in it"));
}

HOB_ACTOR_VERSION(turn, 1, upgrade)
