/* SPDX-License-Identifier: Apache-2.0 */
/* run/leaves.c: leaves hashed and written, whole or as they come together. */
#define _GNU_SOURCE 1
#include "run/leaves.h"

#include <fcntl.h>
#include <string.h>

#include "run/pass.h"

struct adze_open_leaf {
  adze_open_leaf *next;
  size_t value;
  uint64_t number;
  uint64_t filled; /* bytes; under the pass's lock */
  char bytes[];
};

/* A stretch of a value: bytes from OFFSET on. */
typedef struct stretch {
  uint64_t offset, size;
} stretch;

static const adze_unit_value *
value_of (const adze_leaf_share *share)
{
  return &share->unit->values[share->value];
}

/* COUNT elements from FIRST on; the end of a tensor need be the end of no byte. */
static stretch
stretch_of (const adze_unit_value *value, uint64_t first, uint64_t count)
{
  uint64_t offset = adze_piece_bytes (value->meta, first);
  bool last = first + count >= value->elements;
  return (stretch){ offset, last ? value->meta->byte_size - offset
                                 : adze_piece_bytes (value->meta, count) };
}

/* ---- Writing. */

static adze_error *
write_stretch (const adze_leaf_share *share, stretch at, const void *data)
{
  adze_pass *pass = share->pass;
  const adze_unit_value *value = value_of (share);
  if (!pass->sink || value->sink == SIZE_MAX || at.size == 0)
    return NULL;
  adze_writer_place place = adze_sink_place (pass->sink, value->sink);
  uint64_t offset = place.offset + at.offset;
  /* The system lets one writer at a time into a file, and the others spin meanwhile. */
  pthread_mutex_lock (&pass->writing);
  adze_error *error = adze_write_at (place.fd, value->meta->name, offset, data, at.size);
  pthread_mutex_unlock (&pass->writing);
  ADZE_TRY (error);
  /* Early writeback: what the disk can do meanwhile need not be waited for at the end. */
  (void)sync_file_range (place.fd, (off_t)offset, (off_t)at.size, SYNC_FILE_RANGE_WRITE);
  return NULL;
}

/* ---- Leaves that are all there. */

static void
hash_leaves (const adze_leaf_share *share)
{
  const adze_unit_value *value = value_of (share);
  const adze_span span = adze_unit_span (value, share->which);
  const uint64_t leaf = adze_leaf_elements (value->meta), end = span.first + span.count;
  const uint64_t start = adze_piece_bytes (value->meta, span.first);
  adze_hash128 *hashes = share->state->hashes[share->value];
  for (uint64_t first = span.first; hashes && first < end; first += leaf) {
    stretch at = stretch_of (value, first, end - first < leaf ? end - first : leaf);
    hashes[first / leaf] = adze_leaf_hash ((const char *)share->data + (at.offset - start), at.size);
  }
}

/* ---- Leaves of several pieces. */

/* The one that waits, or a new one. */
static adze_error *
find_open (const adze_leaf_share *share, uint64_t number, uint64_t size, adze_open_leaf **found)
{
  adze_open_leaf **list = &share->state->open;
  for (*found = *list; *found; *found = (*found)->next)
    if ((*found)->value == share->value && (*found)->number == number)
      return NULL;
  adze_open_leaf *fresh = malloc (sizeof *fresh + size);
  if (!fresh)
    return adze_error_memory ();
  *fresh = (adze_open_leaf){ .next = *list, .value = share->value, .number = number };
  *found = *list = fresh;
  return NULL;
}

static adze_error *
enter_leaf (const adze_leaf_share *share, uint64_t number, uint64_t size, adze_open_leaf **leaf)
{
  pthread_mutex_lock (&share->pass->lock);
  adze_error *error = find_open (share, number, size, leaf);
  pthread_mutex_unlock (&share->pass->lock);
  return error;
}

/* True: nobody else has it any more. */
static bool
leave_leaf (const adze_leaf_share *share, adze_open_leaf *leaf, uint64_t added, uint64_t size)
{
  pthread_mutex_lock (&share->pass->lock);
  leaf->filled += added;
  bool complete = leaf->filled == size;
  adze_open_leaf **at = &share->state->open;
  while (complete && *at != leaf)
    at = &(*at)->next;
  if (complete)
    *at = leaf->next;
  pthread_mutex_unlock (&share->pass->lock);
  return complete;
}

static adze_error *
settle_leaf (const adze_leaf_share *share, uint64_t number, stretch whole, const void *data)
{
  share->state->hashes[share->value][number] = adze_leaf_hash (data, whole.size);
  return write_stretch (share, whole, data);
}

/* PART of the leaf WHOLE, which lies at DATA. */
static adze_error *
gather (const adze_leaf_share *share, uint64_t number, stretch whole, stretch part, const void *data)
{
  adze_open_leaf *leaf;
  if (part.size == whole.size)
    return settle_leaf (share, number, whole, data);
  ADZE_TRY (enter_leaf (share, number, whole.size, &leaf));
  memcpy (leaf->bytes + (part.offset - whole.offset), data, part.size);
  if (!leave_leaf (share, leaf, part.size, whole.size))
    return NULL;
  adze_error *error = settle_leaf (share, number, whole, leaf->bytes);
  free (leaf);
  return error;
}

static adze_error *
gather_all (const adze_leaf_share *share)
{
  const adze_unit_value *value = value_of (share);
  const adze_span span = adze_unit_span (value, share->which);
  const uint64_t leaf = adze_leaf_elements (value->meta), end = span.first + span.count;
  const uint64_t start = adze_piece_bytes (value->meta, span.first);
  for (uint64_t first = span.first; first < end;) {
    uint64_t number = first / leaf, next = (number + 1) * leaf;
    stretch whole = stretch_of (value, number * leaf, leaf);
    stretch part = stretch_of (value, first, (next < end ? next : end) - first);
    ADZE_TRY (gather (share, number, whole, part, (const char *)share->data + (part.offset - start)));
    first = next;
  }
  return NULL;
}

/* ---- Public. */

adze_error *
adze_leaves_read (const adze_leaf_share *share)
{
  const bool split = adze_unit_splits_leaves (value_of (share));
  if (!share->state->hashes[share->value])
    return NULL;
  /* What is gathered is so once: when it is written. */
  if (split)
    return value_of (share)->sink == SIZE_MAX ? gather_all (share) : NULL;
  hash_leaves (share);
  return NULL;
}

const adze_hash128 *
adze_leaves_known (const adze_leaf_share *share)
{
  const adze_unit_value *value = value_of (share);
  const adze_hash128 *hashes = share->state->hashes ? share->state->hashes[share->value] : NULL;
  const adze_span span = adze_unit_span (value, share->which);
  const uint64_t leaf = adze_leaf_elements (value->meta);
  bool whole = span.count > 0 && span.first % leaf == 0 /* an empty tensor has no leaf */
               && (span.count == leaf || (span.count < leaf && span.first + span.count == value->elements));
  return value->model && hashes && whole && !adze_unit_splits_leaves (value) ? &hashes[span.first / leaf] : NULL;
}

adze_error *
adze_leaves_write (const adze_leaf_share *share)
{
  const adze_unit_value *value = value_of (share);
  const adze_span span = adze_unit_span (value, share->which);
  if (adze_unit_splits_leaves (value))
    return gather_all (share);
  if (!value->model) /* what passes through was hashed when it was read */
    hash_leaves (share);
  return write_stretch (share, stretch_of (value, span.first, span.count), share->data);
}

void
adze_leaves_clear (adze_open_leaf **open)
{
  while (*open) {
    adze_open_leaf *next = (*open)->next;
    free (*open);
    *open = next;
  }
}
