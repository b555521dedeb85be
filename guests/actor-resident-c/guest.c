/* Counts in its memory, which stays from turn to turn: answers how many turns it has had, and how many pages its memory has. */
#include <hob/actor.h>

static int64_t count;

static hob_outcome turn(const hob_turn *turn) {
    (void)turn;
    count++;
    return hob_answer(HOB_LIST_OF(hob_integer(count), hob_integer(__builtin_wasm_memory_size(0))));
}

HOB_ACTOR(turn)
HOB_ACTOR_SECTION("1.0 resident 0");
