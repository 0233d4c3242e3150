/* SPDX-License-Identifier: Apache-2.0 */
/* graph/arena.h: memory that is given back all at once. */
#ifndef ADZE_GRAPH_ARENA_H
#define ADZE_GRAPH_ARENA_H

#include <stddef.h>

typedef struct adze_arena {
  struct adze_arena_block *blocks; /* the newest first */
  size_t used;                     /* of the newest */
} adze_arena;

/* SIZE zeroed bytes, aligned for anything; NULL without memory. */
void *adze_arena_take (adze_arena *arena, size_t size);
/* Copies; NULL without memory. */
void *adze_arena_copy (adze_arena *arena, const void *from, size_t size);
char *adze_arena_text (adze_arena *arena, const char *text);
void adze_arena_cleanup (adze_arena *arena);

#endif
