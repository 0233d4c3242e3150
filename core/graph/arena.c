/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct adze_arena_block {
  struct adze_arena_block *next;
  size_t size;
  _Alignas (16) char bytes[];
} adze_arena_block;

enum { BLOCK = 16384, ALIGN = 16 };

static adze_arena_block *
new_block (size_t size)
{
  adze_arena_block *block = calloc (1, sizeof (adze_arena_block) + size);
  if (block)
    block->size = size;
  return block;
}

void *
adze_arena_take (adze_arena *arena, size_t size)
{
  if (size > SIZE_MAX / 2)
    return NULL;
  size = (size + ALIGN - 1) / ALIGN * ALIGN;
  adze_arena_block *newest = arena->blocks;
  if (newest && newest->size - arena->used >= size) {
    void *place = newest->bytes + arena->used;
    arena->used += size;
    return place;
  }
  adze_arena_block *block = new_block (size > BLOCK ? size : BLOCK);
  if (!block)
    return NULL;
  /* What is left of the newest is worth more than what a large piece leaves of its own. */
  if (newest && size > BLOCK) {
    block->next = newest->next;
    newest->next = block;
    return block->bytes;
  }
  block->next = newest;
  arena->blocks = block;
  arena->used = size;
  return block->bytes;
}

void *
adze_arena_copy (adze_arena *arena, const void *from, size_t size)
{
  void *place = adze_arena_take (arena, size);
  if (place && size)
    memcpy (place, from, size);
  return place;
}

char *
adze_arena_text (adze_arena *arena, const char *text)
{
  return adze_arena_copy (arena, text, strlen (text) + 1);
}

void
adze_arena_cleanup (adze_arena *arena)
{
  for (adze_arena_block *block = arena->blocks, *next; block; block = next) {
    next = block->next;
    free (block);
  }
  *arena = (adze_arena){ 0 };
}
