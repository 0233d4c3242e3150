/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/entries.h: what a technique remembers of each tensor from describe on, found again by the tensor's
 * name. Tier: draft; comes and goes with the revision of technique.
 *
 *   typedef struct my_entry {
 *     char *name;
 *     uint64_t zeros;
 *   } my_entry;
 *
 * An item begins with its name, which belongs to the table; items stay in the order in which they were added. A
 * table of zeros is empty. Those that were added are found once they were sorted. */
#ifndef ADZE_DRAFT_ENTRIES_H
#define ADZE_DRAFT_ENTRIES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <adze/error.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

typedef struct adze_entries_place {
  const char *name;
  size_t index;
} adze_entries_place;

typedef struct adze_entries {
  char *items;
  size_t item_size;
  size_t count;
  size_t room;
  adze_entries_place *places; /* by name */
  size_t sorted;              /* how many of the items have a place */
} adze_entries;

static inline void *
adze_entries_at (const adze_entries *entries, size_t index)
{
  return entries->items + index * entries->item_size;
}

static inline char **
adze_entries_name (const adze_entries *entries, size_t index)
{
  return (char **)adze_entries_at (entries, index);
}

/* OLD with room for more; NULL: there is none, and OLD stays. */
static inline void *
adze_entries_larger (const adze_host *host, void *old, size_t used, size_t wanted)
{
  void *room = host->allocate (host, wanted);
  if (!room || !old)
    return room;
  memcpy (room, old, used);
  host->release (host, old);
  return room;
}

static inline adze_status
adze_entries_grow (const adze_host *host, adze_entries *entries, size_t item_size)
{
  size_t room = entries->room ? entries->room * 2 : 64;
  char *items = (char *)adze_entries_larger (host, entries->items, entries->count * item_size,
                                               room * item_size);
  if (!items)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu tensors", room);
  entries->items = items;
  entries->item_size = item_size;
  entries->room = room;
  return ADZE_OK;
}

/* A copy of ITEM, all items having the same size, with a name of its own. */
static inline adze_status
adze_entries_add (const adze_host *host, adze_entries *entries, const void *item, size_t item_size,
                  const char *name)
{
  if (entries->count == entries->room) {
    adze_status status = adze_entries_grow (host, entries, item_size);
    if (status != ADZE_OK)
      return status;
  }
  size_t size = strlen (name) + 1;
  char *copy = (char *)host->allocate (host, size);
  if (!copy)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the name of a tensor");
  memcpy (copy, name, size);
  memcpy (adze_entries_at (entries, entries->count), item, item_size);
  *adze_entries_name (entries, entries->count++) = copy;
  return ADZE_OK;
}

static inline int
adze_entries_compare (const void *left, const void *right)
{
  return strcmp (((const adze_entries_place *)left)->name, ((const adze_entries_place *)right)->name);
}

static inline adze_status
adze_entries_sort (const adze_host *host, adze_entries *entries)
{
  if (entries->count == 0)
    return ADZE_OK;
  adze_entries_place *places = (adze_entries_place *)adze_entries_larger (host, entries->places, 0,
                                                                           entries->count * sizeof *places);
  if (!places)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu tensors", entries->count);
  for (size_t i = 0; i < entries->count; i++) {
    places[i].name = *adze_entries_name (entries, i);
    places[i].index = i;
  }
  qsort (places, entries->count, sizeof *places, adze_entries_compare);
  entries->places = places;
  entries->sorted = entries->count;
  return ADZE_OK;
}

/* NULL: there is none, or none that was sorted. */
static inline void *
adze_entries_find (const adze_entries *entries, const char *name)
{
  adze_entries_place wanted = { name, 0 };
  const adze_entries_place *place
      = entries->sorted == 0 ? NULL
                             : (const adze_entries_place *)bsearch (&wanted, entries->places, entries->sorted,
                                                                    sizeof wanted, adze_entries_compare);
  return place ? adze_entries_at (entries, place->index) : NULL;
}

/* Empty again. What else an item has is released before, by whoever put it there. */
static inline void
adze_entries_clear (const adze_host *host, adze_entries *entries)
{
  for (size_t i = 0; i < entries->count; i++)
    host->release (host, *adze_entries_name (entries, i));
  entries->count = 0;
  if (entries->places)
    host->release (host, entries->places);
  entries->places = NULL;
  entries->sorted = 0;
}

static inline void
adze_entries_end (const adze_host *host, adze_entries *entries)
{
  adze_entries_clear (host, entries);
  if (entries->items)
    host->release (host, entries->items);
  memset (entries, 0, sizeof *entries);
}

ADZE_END_DECLS

#endif
