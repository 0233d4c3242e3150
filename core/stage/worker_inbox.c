/* SPDX-License-Identifier: Apache-2.0 */
/* What comes with a request to a technique. Bytes in the shared area stay there; others are taken in
 * the order in which the request names them. */
#include <string.h>

#include "stage/worker_private.h"

void
adze_inbox_cleanup (adze_inbox *inbox)
{
  for (size_t i = 0; i < inbox->input_count; i++)
    adze_arrival_cleanup (&inbox->inputs[i]);
  for (size_t i = 0; i < inbox->room_count; i++) {
    adze_arrival_cleanup (&inbox->pieces[i]);
    free (inbox->wholes[i]);
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (inbox->accumulator_memory); i++)
    free (inbox->accumulator_memory[i]);
  free (inbox->inputs);
  free (inbox->pointers);
  free (inbox->pieces);
  free (inbox->wholes);
  free (inbox->rooms);
  free (inbox->whole);
  free (inbox->name);
  *inbox = (adze_inbox){ 0 };
}

bool
adze_inbox_is_shared (const adze_inbox *inbox)
{
  bool shared = true;
  for (size_t i = 0; i < inbox->input_count; i++)
    shared = shared && !inbox->inputs[i].memory;
  for (size_t i = 0; i < inbox->room_count; i++)
    shared = shared && !inbox->pieces[i].memory;
  return shared;
}

bool
adze_inbox_has_one_name (const adze_inbox *inbox)
{
  bool same = inbox->whole != NULL;
  for (size_t i = 0; same && i < inbox->input_count; i++)
    same = strcmp (inbox->inputs[i].tensor.name, inbox->whole->name) == 0;
  for (size_t i = 0; same && i < inbox->room_count; i++)
    same = strcmp (inbox->wholes[i]->name, inbox->whole->name) == 0
           && strcmp (inbox->rooms[i].tensor.name, inbox->whole->name) == 0;
  return same;
}

adze_error *
adze_inbox_rename (adze_inbox *inbox, const char *name)
{
  char *copy = strdup (name);
  if (!copy)
    return adze_error_memory ();
  for (size_t i = 0; i < inbox->input_count; i++)
    inbox->inputs[i].tensor.name = copy;
  for (size_t i = 0; i < inbox->room_count; i++) {
    inbox->wholes[i]->name = copy;
    inbox->pieces[i].tensor.name = inbox->rooms[i].tensor.name = copy;
  }
  inbox->whole->name = copy;
  free (inbox->name);
  inbox->name = copy;
  return NULL;
}

/* ---- Where bytes are. */

/* *PLACE stays NULL when ROW has no "at". */
static adze_error *
area_place (const adze_worker_state *state, const adze_value *row, uint64_t size, void **place)
{
  size_t room;
  uint64_t offset;
  char *area = adze_child_area (state->parent, &room);
  *place = NULL;
  if (!adze_value_get (row, "at"))
    return NULL;
  if (!adze_wire_number (row, "at", room, &offset) || size > room - offset)
    return adze_wire_damaged ("a place in memory");
  *place = area + offset;
  return NULL;
}

/* Keeps the first of two failures. */
static void
keep (adze_error **first, adze_error *error)
{
  if (*first)
    adze_error_free (error);
  else
    *first = error;
}

/* ---- Inputs. */

static adze_error *
place_input (adze_worker_state *state, const adze_value *row, adze_arrival *input)
{
  if (!adze_wire_truth (row, "data"))
    return NULL;
  ADZE_TRY (area_place (state, row, input->tensor.byte_size, &input->tensor.view.data));
  return input->tensor.view.data ? NULL : adze_wire_allocate (input);
}

/* The bytes follow whether there is room for them or not. */
static void
take_input (adze_worker_state *state, const adze_value *row, adze_arrival *input,
            adze_error **failure)
{
  uint64_t bytes;
  adze_error *error = adze_wire_arrive (row, input);
  if (!error)
    error = place_input (state, row, input);
  if (adze_wire_truth (row, "data") && !adze_value_get (row, "at")
      && adze_wire_number (row, "bytes", SIZE_MAX, &bytes))
    keep (&error, adze_child_take (state->parent, error ? NULL : input->tensor.view.data,
                                   (size_t)bytes));
  keep (failure, error);
}

static adze_error *
take_inputs (adze_worker_state *state, const adze_value *list)
{
  adze_inbox *inbox = &state->inbox;
  adze_error *failure = NULL;
  adze_arrival none = { 0 };
  inbox->inputs = calloc (list->count + 1, sizeof *inbox->inputs);
  inbox->pointers = calloc (list->count + 1, sizeof *inbox->pointers);
  if (!inbox->inputs || !inbox->pointers)
    failure = adze_error_memory ();
  bool room = !failure;
  for (size_t i = 0; i < list->count; i++) {
    take_input (state, list->items[i], room ? &inbox->inputs[i] : &none, &failure);
    adze_arrival_cleanup (&none);
    if (!room)
      continue;
    inbox->pointers[i] = &inbox->inputs[i].tensor;
    inbox->input_count = i + 1;
  }
  return failure;
}

/* ---- Rooms. */

static adze_error *
make_room (adze_worker_state *state, const adze_value *row, size_t index)
{
  adze_inbox *inbox = &state->inbox;
  adze_arrival *piece = &inbox->pieces[index];
  ADZE_TRY (adze_wire_arrive (adze_value_get (row, "piece"), piece));
  ADZE_TRY (adze_wire_meta_from (adze_value_get (row, "whole"), &inbox->wholes[index]));
  ADZE_TRY (area_place (state, row, piece->tensor.byte_size, &piece->tensor.view.data));
  if (!piece->tensor.view.data)
    ADZE_TRY (adze_wire_allocate (piece));
  inbox->rooms[index] = (adze_room){ .whole = inbox->wholes[index], .tensor = piece->tensor };
  return NULL;
}

static adze_error *
make_rooms (adze_worker_state *state, const adze_value *list)
{
  adze_inbox *inbox = &state->inbox;
  inbox->pieces = calloc (list->count + 1, sizeof *inbox->pieces);
  inbox->wholes = calloc (list->count + 1, sizeof *inbox->wholes);
  inbox->rooms = calloc (list->count + 1, sizeof *inbox->rooms);
  if (!inbox->pieces || !inbox->wholes || !inbox->rooms)
    return adze_error_memory ();
  inbox->room_count = list->count;
  for (size_t i = 0; i < list->count; i++)
    ADZE_TRY (make_room (state, list->items[i], i));
  return NULL;
}

/* ---- Accumulators. */

static adze_error *
take_accumulator (adze_worker_state *state, const adze_value *row, size_t index)
{
  adze_inbox *inbox = &state->inbox;
  uint64_t size;
  if (!row)
    return NULL;
  if (!adze_wire_number (row, "bytes", (uint64_t)1 << 30, &size))
    return adze_wire_damaged ("an accumulator");
  ADZE_TRY (area_place (state, row, size, &inbox->accumulators[index]));
  inbox->accumulator_size = (size_t)size;
  if (inbox->accumulators[index])
    return NULL;
  inbox->accumulator_memory[index] = calloc (1, (size_t)size + 1);
  inbox->accumulators[index] = inbox->accumulator_memory[index];
  adze_error *error = adze_child_take (state->parent, inbox->accumulators[index], (size_t)size);
  if (!error && !inbox->accumulators[index])
    return adze_error_memory ();
  return error;
}

/* ---- All of it. */

static adze_error *
take_work (adze_worker_state *state, const adze_value *table)
{
  adze_inbox *inbox = &state->inbox;
  const adze_value *inputs = adze_value_get (table, "inputs");
  const adze_value *rooms = adze_value_get (table, "rooms");
  uint64_t variant, group, first, count;
  if (!inputs || inputs->type != ADZE_VALUE_LIST || !rooms || rooms->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("a request");
  ADZE_TRY (take_inputs (state, inputs));
  ADZE_TRY (make_rooms (state, rooms));
  ADZE_TRY (adze_wire_meta_from (adze_value_get (table, "whole"), &inbox->whole));
  if (inbox->input_count == 0 || !adze_wire_number (table, "variant", SIZE_MAX, &variant)
      || !adze_wire_number (table, "group", SIZE_MAX, &group)
      || !adze_wire_number (table, "first", INT64_MAX, &first)
      || !adze_wire_number (table, "count", INT64_MAX, &count))
    return adze_wire_damaged ("a request");
  inbox->work = (adze_work){ .inputs = inbox->pointers,
                             .input_count = inbox->input_count,
                             .rooms = inbox->rooms,
                             .room_count = inbox->room_count,
                             .variant = (size_t)variant,
                             .group = (size_t)group,
                             .whole = inbox->whole,
                             .first = first,
                             .count = count };
  return NULL;
}

adze_error *
adze_inbox_take (adze_worker_state *state, const adze_value *request)
{
  const adze_value *table = adze_value_get (request, "work");
  adze_worker_set_answering (state, false);
  adze_error *error = table ? take_work (state, table) : NULL;
  keep (&error, take_accumulator (state, adze_value_get (request, "accumulator"), 0));
  keep (&error, take_accumulator (state, adze_value_get (request, "right"), 1));
  adze_worker_set_answering (state, true);
  return error;
}
