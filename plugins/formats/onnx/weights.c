/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/weights.c: collects weights, and makes their names unique. */
#include "weights.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

adze_status
onnx_weights_add (onnx_weights *weights, onnx_input *input, const onnx_weight *weight)
{
  const adze_host *host = weights->host;
  const char *suffix = weight->suffix ? weight->suffix : "";
  uint64_t own = weight->name.end - weight->name.at, size = own + strlen (suffix);
  /* Names are structure, of which the walk has seen no more than the limit. */
  if (size >= SIZE_MAX - 1)
    return onnx_fail_at (input, weight->name.at, ADZE_E_LIMIT, "a name is too long");
  void *items = weights->items, *names = weights->names;
  adze_status status
      = onnx_grow (host, &items, weights->count, 1, &weights->capacity, sizeof *weights->items);
  weights->items = (onnx_item *)items;
  if (status == ADZE_OK)
    status = onnx_grow (host, &names, weights->names_size, (size_t)size + 1,
                        &weights->names_capacity, 1);
  weights->names = (char *)names;
  if (status != ADZE_OK)
    return status;
  char *name = weights->names + weights->names_size;
  status = onnx_copy (input, weight->name.at, name, (size_t)own);
  if (status != ADZE_OK)
    return status;
  strcpy (name + own, suffix);
  if (strlen (name) != size)
    return onnx_fail_at (input, weight->name.at, ADZE_E_FORMAT, "the name '%s' has a NUL inside",
                         name);
  weights->items[weights->count++] = (onnx_item){ .name_at = weights->names_size,
                                                  .name_size = (size_t)size,
                                                  .tensor = weight->tensor.body,
                                                  .graph = weight->graph };
  weights->names_size += (size_t)size + 1;
  return ADZE_OK;
}

/* ---- Names that come more than once.
 *
 * A table of all names, so that a name is compared with those alone that have its hash. The hash
 * begins with a number that nobody can guess: no file can be made whose names all have the same. */

typedef struct named {
  uint32_t hash;
  uint32_t first, last; /* numbers of the weights with this name, and 1; first 0: a free place */
  uint32_t next;        /* what the next one gets behind its name */
} named;

typedef struct name_table {
  const onnx_weights *weights;
  named *places;
  size_t mask;
  uint64_t seed;
} name_table;

static uint64_t
mix (uint64_t a, uint64_t b)
{
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t
hash_of (const name_table *table, const char *name, size_t size)
{
  uint64_t hash = table->seed ^ size, word = 0;
  for (; size >= sizeof word; name += sizeof word, size -= sizeof word) {
    memcpy (&word, name, sizeof word);
    hash = mix (hash ^ word, UINT64_C (0x9e3779b97f4a7c15) ^ table->seed);
  }
  word = 0;
  memcpy (&word, name, size);
  hash = mix (hash ^ word, UINT64_C (0xd6e8feb86659fd93) ^ table->seed);
  return (uint32_t)(hash ^ hash >> 32);
}

static const char *
name_of (const onnx_weights *weights, size_t index)
{
  return weights->names + weights->items[index].name_at;
}

/* Where the name is, or the free place where it would go. */
static named *
place_of (const name_table *table, const char *name, size_t size, uint32_t hash)
{
  for (size_t at = hash;; at++) {
    named *place = &table->places[at & table->mask];
    if (place->first == 0)
      return place;
    const onnx_item *item = &table->weights->items[place->first - 1];
    if (place->hash == hash && item->name_size == size
        && memcmp (name_of (table->weights, place->first - 1), name, size) == 0)
      return place;
  }
}

static adze_status
open_table (const onnx_weights *weights, name_table *table)
{
  size_t capacity = 16;
  while (capacity < weights->count * 2)
    capacity *= 2;
  *table = (name_table){ .weights = weights, .mask = capacity - 1 };
  /* Early in a boot there is none: where things lie is random too. */
  if (getrandom (&table->seed, sizeof table->seed, GRND_NONBLOCK) != (ssize_t)sizeof table->seed)
    table->seed = (uint64_t)(uintptr_t)weights->items;
  void *places = weights->count < UINT32_MAX
                     ? weights->host->allocate (weights->host, capacity * sizeof *table->places)
                     : NULL;
  if (!places)
    return adze_fail (weights->host, ADZE_E_MEMORY, "there is no memory for the names of %zu weights",
                      weights->count);
  table->places = (named *)memset (places, 0, capacity * sizeof *table->places);
  return ADZE_OK;
}

#define NUMBER_ROOM 24

/* Places are far apart; they are fetched while those of the names before are looked at. */
static void
fetch_place (const name_table *table, size_t index)
{
  if (index >= table->weights->count)
    return;
  uint32_t hash = hash_of (table, name_of (table->weights, index),
                           table->weights->items[index].name_size);
  __builtin_prefetch (&table->places[hash & table->mask], 1);
}

/* Puts all names in; *ROOM is how many bytes those with a number take at most. */
static void
fill_table (name_table *table, size_t *room)
{
  enum { AHEAD = 16 };
  const onnx_weights *weights = table->weights;
  *room = 0;
  for (size_t i = 0; i < weights->count; i++) {
    fetch_place (table, i + AHEAD);
    const char *name = name_of (weights, i);
    size_t size = weights->items[i].name_size;
    uint32_t hash = hash_of (table, name, size);
    named *place = place_of (table, name, size, hash);
    if (place->first == 0)
      *place = (named){ hash, (uint32_t)i + 1, (uint32_t)i + 1, 2 };
    else
      *room += size + NUMBER_ROOM;
  }
}

/* A name with a number that no weight has by itself; *ROOM is where it goes. */
static void
number_name (const name_table *table, named *place, onnx_item *item, char **room)
{
  const char *name = item->name;
  size_t length;
  do {
    length = item->name_size;
    memcpy (*room, name, length);
    length += (size_t)sprintf (*room + length, "#%" PRIu32, place->next++);
  } while (place_of (table, *room, length, hash_of (table, *room, length))->first != 0);
  item->name = *room;
  *room += length + 1;
}

/* ROOM is for those that need a number; NULL: none does. */
static adze_status
name_all (onnx_weights *weights, const onnx_input *input, const name_table *table, char *room)
{
  for (size_t i = 0; i < weights->count; i++)
    weights->items[i].name = name_of (weights, i);
  for (size_t i = 0; room && i < weights->count; i++) {
    onnx_item *item = &weights->items[i];
    named *place
        = place_of (table, item->name, item->name_size, hash_of (table, item->name, item->name_size));
    if (place->first == i + 1)
      continue;
    if (item->graph == weights->items[place->last - 1].graph)
      return onnx_fail_at (input, item->tensor.at, ADZE_E_FORMAT,
                           "the name '%s' is given twice in one graph", item->name);
    place->last = (uint32_t)i + 1;
    number_name (table, place, item, &room);
  }
  return ADZE_OK;
}

adze_status
onnx_weights_name (onnx_weights *weights, const onnx_input *input)
{
  const adze_host *host = weights->host;
  name_table table;
  if (weights->count == 0)
    return ADZE_OK;
  adze_status status = open_table (weights, &table);
  if (status != ADZE_OK)
    return status;
  size_t size = 0;
  fill_table (&table, &size);
  if (size > 0 && !(weights->more_names = (char *)host->allocate (host, size)))
    status = adze_fail (host, ADZE_E_MEMORY, "there is no memory for %zu bytes of names", size);
  if (status == ADZE_OK)
    status = name_all (weights, input, &table, weights->more_names);
  host->release (host, table.places);
  return status;
}

void
onnx_weights_release (onnx_weights *weights)
{
  onnx_drop (weights->items);
  onnx_drop (weights->names);
  if (weights->more_names)
    weights->host->release (weights->host, weights->more_names);
}
