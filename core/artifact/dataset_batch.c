/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dataset_batch.c: adze.batch/1. Room is made when it is asked for, and used again for the
 * next batch. */
#include "artifact/dataset_parts.h"

#include <string.h>

enum { ALIGNMENT = 64 };

static adze_dataset *
dataset_in (const adze_host *host, const adze_batch *batch, size_t column, bool is_text,
            const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return NULL;
  adze_dataset *dataset = adze_desk_own (desk);
  if (!batch || dataset->now_batch != batch) {
    adze_desk_broken ("it called %s with a batch that is not this callback's", function);
    return NULL;
  }
  if (column >= batch->schema->count || batch->schema->faces[column].is_text != is_text) {
    adze_desk_broken ("it called %s with the column %zu, which is %s", function, column,
                      column >= batch->schema->count ? "none"
                      : is_text                      ? "one of tensors"
                                                     : "one of texts");
    return NULL;
  }
  return dataset;
}

/* SIZE zeros: what a source forgets must not be what another batch had. */
static bool
make_room (adze_batch_room *room, size_t size)
{
  if (size > room->capacity) {
    free (room->values);
    room->capacity = 0;
    room->values = aligned_alloc (ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!room->values)
      return false;
    room->capacity = size;
  }
  memset (room->values, 0, size);
  return true;
}

static adze_error *
open_room (adze_batch *batch, size_t column)
{
  adze_batch_room *room = &batch->rooms[column];
  size_t size;
  if (room->asked)
    return NULL;
  if (__builtin_mul_overflow (batch->schema->sizes[column], batch->count, &size)
      || size > SIZE_MAX / 2 || !make_room (room, size))
    return adze_error_wrap (adze_error_memory (),
                            "a batch of %zu examples of %zu bytes each in the column '%.64s' cannot "
                            "be held",
                            batch->count, batch->schema->sizes[column],
                            batch->schema->faces[column].name);
  room->asked = true;
  return NULL;
}

static void *
batch_room (const adze_host *host, adze_batch *batch, size_t column)
{
  adze_dataset *dataset = dataset_in (host, batch, column, false, ADZE_BATCH " room");
  if (!dataset)
    return NULL;
  adze_error *error = open_room (batch, column);
  if (!error)
    return batch->rooms[column].values;
  (void)adze_desk_fail (dataset->desk, error);
  return NULL;
}

static adze_status
batch_text (const adze_host *host, adze_batch *batch, size_t column, size_t index, adze_text text)
{
  adze_dataset *dataset = dataset_in (host, batch, column, true, ADZE_BATCH " text");
  if (!dataset)
    return ADZE_E_CONTRACT;
  size_t *places = batch->rooms[column].places;
  adze_text *texts = batch->rooms[column].values;
  if (index >= batch->count || places[index] != SIZE_MAX || (text.size > 0 && !text.data)) {
    adze_desk_broken ("it gave the text of example %zu in a batch of %zu, %s", index, batch->count,
                      index >= batch->count ? "which is none"
                      : places[index] != SIZE_MAX ? "for the second time"
                                                  : "without the text");
    return ADZE_E_CONTRACT;
  }
  size_t place = batch->text.size;
  if (text.size < SIZE_MAX)
    adze_buffer_add (&batch->text, text.data, (size_t)text.size);
  if (batch->text.failed || text.size >= SIZE_MAX)
    return adze_desk_fail (dataset->desk, adze_error_memory ());
  places[index] = place;
  texts[index].size = text.size;
  return ADZE_OK;
}

const adze_batch_service adze_batches
    = { .struct_size = sizeof adze_batches, .room = batch_room, .text = batch_text };

/* ---- Before and after. */

static adze_error *
begin_texts (adze_batch *batch, adze_batch_room *room)
{
  size_t size;
  free (room->places);
  room->places = NULL;
  if (__builtin_mul_overflow (batch->count, sizeof (adze_text), &size) || size > SIZE_MAX / 2
      || !make_room (room, size))
    return adze_error_memory ();
  room->places = calloc (batch->count, sizeof *room->places);
  if (!room->places)
    return adze_error_memory ();
  memset (room->places, 0xff, batch->count * sizeof *room->places); /* SIZE_MAX each */
  return NULL;
}

adze_error *
adze_batch_begin (adze_batch *batch, const adze_schema *schema, size_t count)
{
  batch->schema = schema;
  batch->count = count;
  batch->text.size = 0;
  if (!batch->rooms)
    batch->rooms = calloc (schema->count, sizeof *batch->rooms);
  if (!batch->rooms)
    return adze_error_memory ();
  for (size_t i = 0; i < schema->count; i++) {
    batch->rooms[i].asked = false;
    if (schema->faces[i].is_text)
      ADZE_TRY (begin_texts (batch, &batch->rooms[i]));
  }
  return NULL;
}

/* Now that the text grows no more: where each one lies. */
static adze_error *
finish_texts (adze_batch *batch, size_t column, const char *source)
{
  adze_batch_room *room = &batch->rooms[column];
  adze_text *texts = room->values;
  for (size_t i = 0; i < batch->count; i++) {
    if (room->places[i] == SIZE_MAX)
      return adze_error_new (ADZE_E_CONTRACT,
                             "read of '%s' gave no text for example %zu of a batch of %zu, in the "
                             "column '%.64s'",
                             source, i, batch->count, batch->schema->faces[column].name);
    texts[i].data = batch->text.data ? batch->text.data + room->places[i] : "";
  }
  return NULL;
}

adze_error *
adze_batch_finish (adze_batch *batch, const char *source)
{
  for (size_t i = 0; i < batch->schema->count; i++) {
    if (batch->schema->faces[i].is_text)
      ADZE_TRY (finish_texts (batch, i, source));
    else if (!batch->rooms[i].asked)
      return adze_error_new (ADZE_E_CONTRACT,
                             "read of '%s' asked for no room for the column '%.64s'", source,
                             batch->schema->faces[i].name);
  }
  return NULL;
}

void
adze_batch_cleanup (adze_batch *batch)
{
  for (size_t i = 0; batch->rooms && i < batch->schema->count; i++) {
    free (batch->rooms[i].values);
    free (batch->rooms[i].places);
  }
  free (batch->rooms);
  adze_buffer_cleanup (&batch->text);
  *batch = (adze_batch){ 0 };
}
