/* Memory for one turn: given out from an arena, never given back, and all of it free again when the next message comes.
 *
 * The arena is there from the beginning. A turn that needs no more never makes memory grow, so that its instance is used again.
 * What outlives a turn of a resident actor does not belong here.
 */
#ifndef HOB_ACTOR_MEMORY_H
#define HOB_ACTOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are there from the beginning. */
#ifndef HOB_ARENA_BYTES
#define HOB_ARENA_BYTES (256u << 10)
#endif

/* What several source files of one module share. */
#define HOB_SHARED_ __attribute__((weak))

/* What few turns come to, kept out of what all do. */
#define HOB_APART_ static __attribute__((noinline, unused))

#define HOB_PAGE_BYTES_ 65536u

typedef struct {
    unsigned char *begin, *next, *end;
} hob_room_;

HOB_SHARED_ _Alignas(16) unsigned char hob_arena_[HOB_ARENA_BYTES];
/* The arena, and what memory grew by when that was not enough. */
HOB_SHARED_ hob_room_ hob_rooms_[2];
HOB_SHARED_ unsigned hob_room_used_;

/* All that was given out is free again. */
static inline void hob_forget_(void) {
    hob_rooms_[0] = (hob_room_){hob_arena_, hob_arena_, hob_arena_ + HOB_ARENA_BYTES};
    hob_rooms_[1].next = hob_rooms_[1].begin;
    hob_room_used_ = 0;
}

HOB_APART_ bool hob_grow_(size_t bytes) {
#ifdef __wasm__
    hob_room_ *grown = &hob_rooms_[1];
    size_t pages = bytes / HOB_PAGE_BYTES_ + 4;
    size_t at = __builtin_wasm_memory_grow(0, pages);
    if (at == SIZE_MAX) return false;
    unsigned char *from = (unsigned char *)(at * HOB_PAGE_BYTES_);
    /* Somebody else made memory grow meanwhile. */
    if (from != grown->end) grown->begin = grown->next = from;
    grown->end = from + pages * HOB_PAGE_BYTES_;
    return true;
#else
    (void)bytes;
    return false;
#endif
}

/* So many bytes, aligned to 16, until the turn is over. NULL when there are no more. */
static inline void *hob_alloc(size_t bytes) {
    if (!hob_rooms_[0].end) hob_forget_();
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t size = (bytes + 15) & ~(size_t)15;
    for (;;) {
        hob_room_ *room = &hob_rooms_[hob_room_used_];
        if ((size_t)(room->end - room->next) >= size) {
            void *at = room->next;
            room->next += size;
            return at;
        }
        if (hob_room_used_ == 0) hob_room_used_ = 1;
        else if (!hob_grow_(size)) return NULL;
    }
}

/* The same bytes with more room behind them: where they are if nothing was given out since, else in another place. */
HOB_APART_ void *hob_widen_(void *at, size_t have, size_t want) {
    hob_room_ *room = &hob_rooms_[hob_room_used_];
    size_t size = (have + 15) & ~(size_t)15;
    if (at && (unsigned char *)at + size == room->next && want >= size &&
        (size_t)(room->end - room->next) >= ((want + 15) & ~(size_t)15) - size) {
        room->next = (unsigned char *)at + ((want + 15) & ~(size_t)15);
        return at;
    }
    void *to = hob_alloc(want);
    if (to && have) __builtin_memcpy(to, at, have);
    return to;
}

#endif
