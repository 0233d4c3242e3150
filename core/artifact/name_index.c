/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/name_index.c: open addressing with linear steps, at most half full. */
#include "artifact/name_index.h"

#include <sys/random.h>
#include <xxhash.h>

struct adze_name_slot {
  uint32_t hash;
  uint32_t number; /* and 1; 0: free */
};

static uint64_t
unguessable (const adze_name_index *index)
{
  uint64_t seed;
  if (getrandom (&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
    seed = (uint64_t)(uintptr_t)index; /* early in a boot: where things lie is random too */
  return seed;
}

static uint32_t
hash_of (const adze_name_index *index, const char *name, size_t size)
{
  return (uint32_t)XXH3_64bits_withSeed (name, size, index->seed);
}

/* The slot of the name, or the free one where it would go. */
static struct adze_name_slot *
slot_of (const adze_name_index *index, uint32_t hash, const char *name, size_t size,
         adze_name_same same, const void *things)
{
  for (size_t at = hash;; at++) {
    struct adze_name_slot *slot = &index->slots[at & (index->capacity - 1)];
    if (slot->number == 0
        || (slot->hash == hash && same (things, slot->number - 1, name, size)))
      return slot;
  }
}

void
adze_name_index_fetch (const adze_name_index *index, const char *name, size_t size)
{
  if (index->capacity > 0)
    __builtin_prefetch (&index->slots[hash_of (index, name, size) & (index->capacity - 1)], 1);
}

size_t
adze_name_index_find (const adze_name_index *index, const char *name, size_t size,
                      adze_name_same same, const void *things)
{
  if (index->count == 0)
    return ADZE_NAME_NONE;
  const struct adze_name_slot *slot
      = slot_of (index, hash_of (index, name, size), name, size, same, things);
  return slot->number ? slot->number - 1 : ADZE_NAME_NONE;
}

static bool
grow (adze_name_index *index)
{
  size_t capacity = index->capacity ? index->capacity * 2 : 16;
  struct adze_name_slot *slots = calloc (capacity, sizeof *slots);
  if (!slots)
    return false;
  for (size_t i = 0; i < index->capacity; i++) {
    if (index->slots[i].number == 0)
      continue;
    size_t at = index->slots[i].hash;
    while (slots[at & (capacity - 1)].number)
      at++;
    slots[at & (capacity - 1)] = index->slots[i];
  }
  free (index->slots);
  index->slots = slots;
  index->capacity = capacity;
  return true;
}

adze_error *
adze_name_index_add (adze_name_index *index, const char *name, size_t size, size_t number,
                     adze_name_same same, const void *things, size_t *earlier)
{
  *earlier = ADZE_NAME_NONE;
  if (number >= ADZE_NAME_INDEX_MAX)
    return adze_error_new (ADZE_E_LIMIT, "more than %zu names", ADZE_NAME_INDEX_MAX);
  if (index->capacity == 0)
    index->seed = unguessable (index);
  if (index->count * 2 >= index->capacity && !grow (index))
    return adze_error_memory ();
  uint32_t hash = hash_of (index, name, size);
  struct adze_name_slot *slot = slot_of (index, hash, name, size, same, things);
  if (slot->number) {
    *earlier = slot->number - 1;
    return NULL;
  }
  *slot = (struct adze_name_slot){ hash, (uint32_t)number + 1 };
  index->count++;
  return NULL;
}

void
adze_name_index_cleanup (adze_name_index *index)
{
  free (index->slots);
  *index = (adze_name_index){ 0 };
}
