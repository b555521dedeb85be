/* Introduces: `['meet who whom]` sends `whom` to `who`, at once (`call`) or when the turn is over (`send`). `['keep it]` keeps a
 * reference, `['give who]` calls `who` with what was kept in an earlier turn. */
#include <hob/actor.h>

static hob_outcome turn(const hob_turn *turn) {
    if (hob_method(turn, "keep", 1)) return hob_become(hob_list(&turn->args[1], 1), hob_undefined());
    bool calls = hob_method_from(turn, "call", 1), sends = hob_method_from(turn, "send", 1);
    bool tries = hob_method_from(turn, "try", 1), gives = hob_method(turn, "give", 1);
    if (!calls && !sends && !tries && !gives) return hob_no_method(turn);

    const hob_value *args = turn->args + 2, nobody = hob_problem("bad-arguments", "there must be somebody");
    uint32_t count = turn->count - 2;
    if (gives && turn->state.kind != HOB_LIST) return hob_fail(nobody);
    hob_cap who;
    if (!hob_as_cap(&turn->args[1], &who)) return hob_fail(nobody);
    if (calls) return hob_pass(hob_call(who, args, count));
    if (sends) return hob_pass(hob_send(who, args, count));
    if (gives) return hob_pass(hob_call(who, turn->state.as.list.items, turn->state.as.list.count));
    /* What a callee says is dealt with here, so the turn goes on. */
    hob_result told = hob_call(who, args, count);
    return hob_become(turn->state, HOB_LIST_OF(hob_bool(told.ok), told.value));
}

HOB_ACTOR(turn)
