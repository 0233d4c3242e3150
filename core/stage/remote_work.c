/* SPDX-License-Identifier: Apache-2.0 */
/* A technique in a worker: its calls, one request and one answer each. Tensors lie in the area that
 * both processes see, or follow the request; what came of them lies there, or follows the answer. */
#include <string.h>

#include "base/digest.h"
#include "stage/remote_private.h"
#include "stage/run_ops.h"

/* ---- Requests. */

static adze_error *
own (adze_shipment *shipment, void *memory)
{
  void **grown = reallocarray (shipment->owned, shipment->owned_count + 1, sizeof *grown);
  if (!grown) {
    free (memory);
    return adze_error_memory ();
  }
  shipment->owned = grown;
  grown[shipment->owned_count++] = memory;
  return NULL;
}

static adze_error *
add_input (const adze_remote *remote, adze_shipment *shipment, const adze_tensor *input,
           adze_value *row)
{
  const void *data = NULL;
  void *compact = NULL;
  adze_wire_describe (input, row);
  if (!input->view.data)
    return NULL;
  ADZE_TRY (adze_wire_compact (input, &data, &compact));
  if (compact)
    ADZE_TRY (own (shipment, compact));
  adze_json_bool (row, "data", true);
  adze_shipment_add (remote, shipment, row, data, (size_t)input->byte_size);
  return NULL;
}

/* A room whose memory is no part of the area is one of the worker's own; its bytes follow the
 * answer. */
static void
add_room (const adze_remote *remote, const adze_room *room, adze_value *row)
{
  size_t offset = 0;
  adze_wire_meta (room->whole, adze_json_table (row, "whole"));
  adze_wire_describe (&room->tensor, adze_json_table (row, "piece"));
  if (adze_remote_in_area (remote, room->tensor.view.data, (size_t)room->tensor.byte_size, &offset))
    adze_json_int (row, "at", (int64_t)offset);
}

static adze_error *
add_work (const adze_remote *remote, adze_shipment *shipment, const adze_work *work)
{
  adze_value *table = adze_json_table (shipment->request, "work");
  adze_json_int (table, "variant", (int64_t)work->variant);
  adze_json_int (table, "group", (int64_t)work->group);
  adze_json_int (table, "first", (int64_t)work->first);
  adze_json_int (table, "count", (int64_t)work->count);
  adze_wire_meta (work->whole, adze_json_table (table, "whole"));
  adze_value *inputs = adze_json_list (table, "inputs");
  for (size_t i = 0; i < work->input_count; i++)
    ADZE_TRY (add_input (remote, shipment, work->inputs[i], adze_json_table (inputs, NULL)));
  adze_value *rooms = adze_json_list (table, "rooms");
  for (size_t i = 0; i < work->room_count; i++)
    add_room (remote, &work->rooms[i], adze_json_table (rooms, NULL));
  return NULL;
}

/* ---- Repeating a request.
 *
 * A tensor goes through a stage in pieces of equal size, which come to lie in the same places: only
 * where they begin differs. Such a request need not be told again, and the worker has kept it. Nor of another
 * tensor of the same type and shape, as layers have, where all that is told of has its name. */

enum { ROOMS_MOST = 64 }; /* more of them are told anew */

typedef struct likeness {
  uint64_t sum;
  const char *name; /* of all of it; NULL: names differ */
  bool movable;     /* something lies outside of the area */
} likeness;

static void
put_number (likeness *of, uint64_t number)
{
  of->sum = adze_hash64 (&number, sizeof number, of->sum);
}

static void
put_text (likeness *of, const char *text)
{
  size_t size = text ? strlen (text) : 0;
  put_number (of, text ? size + 1 : 0);
  of->sum = adze_hash64 (text ? text : "", size, of->sum);
}

/* The one that all have is no part of it. */
static void
put_name (likeness *of, const char *name)
{
  if (!of->name)
    put_text (of, name);
}

static void
put_shape (likeness *of, adze_dtype dtype, int32_t rank, const int64_t *shape)
{
  put_number (of, (uint64_t)dtype.code << 32 | (uint64_t)dtype.bits << 16 | dtype.lanes);
  put_number (of, (uint64_t)rank);
  for (int32_t i = 0; i < rank; i++)
    put_number (of, (uint64_t)shape[i]);
}

static void
put_meta (likeness *of, const adze_tensor_meta *meta)
{
  put_name (of, meta->name);
  put_text (of, meta->codec);
  put_number (of, (uint64_t)meta->block_elements << 32 | meta->block_bytes);
  put_shape (of, meta->dtype, meta->rank, meta->shape);
}

static void
put_tensor (likeness *of, const adze_remote *remote, const adze_tensor *tensor)
{
  const adze_view *view = &tensor->view;
  size_t offset = 0;
  if (view->strides || view->byte_offset != 0
      || !adze_remote_in_area (remote, view->data, (size_t)tensor->byte_size, &offset))
    of->movable = true;
  put_name (of, tensor->name);
  put_text (of, tensor->codec);
  put_number (of, tensor->byte_size);
  put_number (of, offset);
  put_shape (of, view->dtype, view->rank, view->shape);
  for (int32_t i = 0; tensor->block_shape && i < view->rank; i++)
    put_number (of, (uint64_t)tensor->block_shape[i]);
}

/* The name of all tensors that a request tells of; NULL: there is none. */
static const char *
name_of_all (const adze_work *work)
{
  const char *name = work->whole->name;
  bool same = strlen (name) <= ADZE_WORKER_NAME_MOST;
  for (size_t i = 0; i < work->input_count; i++)
    same = same && work->inputs[i]->name && strcmp (work->inputs[i]->name, name) == 0;
  for (size_t i = 0; i < work->room_count; i++)
    same = same && strcmp (work->rooms[i].whole->name, name) == 0 && work->rooms[i].tensor.name
           && strcmp (work->rooms[i].tensor.name, name) == 0;
  return same ? name : NULL;
}

/* What a request would be, less what is told each time; 0: it cannot be repeated. */
static uint64_t
likeness_of (const adze_remote *remote, const adze_work *work)
{
  likeness of = { .sum = 1, .name = name_of_all (work) };
  put_number (&of, of.name != NULL);
  if (!of.name)
    put_number (&of, work->group);
  put_number (&of, work->variant);
  put_number (&of, work->count);
  put_meta (&of, work->whole);
  put_number (&of, work->input_count);
  for (size_t i = 0; i < work->input_count; i++)
    put_tensor (&of, remote, work->inputs[i]);
  for (size_t i = 0; i < work->room_count; i++) {
    put_meta (&of, work->rooms[i].whole);
    put_tensor (&of, remote, &work->rooms[i].tensor);
  }
  return of.movable ? 0 : of.sum;
}

/* In the area where there is room for it; *SHARED is where then. */
static void
add_accumulator (adze_remote *remote, adze_shipment *shipment, const char *key, size_t index,
                 const void *data, size_t size, void **shared)
{
  adze_value *row = adze_json_table (shipment->request, key);
  adze_json_int (row, "bytes", (int64_t)size);
  *shared = adze_remote_lend (remote, ADZE_LOAN_ACCUMULATOR, index, size);
  if (*shared)
    memcpy (*shared, data, size);
  adze_shipment_add (remote, shipment, row, *shared ? *shared : data, size);
}

/* As the worker left it. */
static adze_error *
fetch_accumulator (adze_remote *remote, const void *shared, void *accumulator, size_t size)
{
  if (!shared)
    return adze_child_take (adze_worker_child (remote->worker), accumulator, size);
  memcpy (accumulator, shared, size);
  return NULL;
}

/* ---- Describe. */

static adze_error *
describe (adze_remote *remote, const adze_value *question, adze_outline *outline)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_shipment shipment;
  adze_shipment_begin (&shipment, "describe");
  adze_value *copy = shipment.request ? adze_value_copy (question) : NULL;
  adze_error *error = copy ? adze_value_append (shipment.request, "outline", copy)
                           : adze_error_memory ();
  remote->asked = false;
  if (!error)
    error = adze_remote_exchange (remote, &shipment, &reply);
  adze_shipment_cleanup (&shipment);
  if (error || !outline)
    return error;
  const adze_value *ok = adze_value_get (reply.root, "ok");
  remote->facts.observes = adze_wire_truth (ok, "observes");
  return adze_outline_answer_from (outline, adze_value_get (ok, "answer"));
}

adze_error *
adze_remote_describe (adze_remote *remote, const adze_value *question, bool replay,
                      adze_outline *outline)
{
  ADZE_TRY (adze_remote_check (remote));
  remote->replaying = replay;
  adze_error *error = describe (remote, question, outline);
  remote->replaying = false;
  return error ? adze_remote_explain (remote, "describe", error) : NULL;
}

/* ---- Observe, merge, decide. */

static adze_error *
ask_size (adze_remote *remote, size_t *size)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  uint64_t number;
  adze_shipment shipment;
  adze_shipment_begin (&shipment, "accumulator");
  adze_error *error = adze_remote_exchange (remote, &shipment, &reply);
  adze_shipment_cleanup (&shipment);
  if (error)
    return error;
  if (!adze_wire_number (adze_value_get (reply.root, "ok"), "size", (uint64_t)1 << 30, &number)
      || number == 0)
    return adze_wire_damaged ("an accumulator's size");
  *size = (size_t)number;
  return NULL;
}

adze_error *
adze_remote_accumulator (adze_remote *remote, size_t *size)
{
  ADZE_TRY (adze_remote_check (remote));
  adze_error *error = ask_size (remote, size);
  return error ? adze_remote_explain (remote, "accumulator", error) : NULL;
}

static adze_error *
observe (adze_remote *remote, adze_shipment *shipment, const adze_work *work, void *accumulator,
         size_t size)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  void *shared = NULL;
  remote->asked = false;
  ADZE_TRY (add_work (remote, shipment, work));
  add_accumulator (remote, shipment, "accumulator", 0, accumulator, size, &shared);
  ADZE_TRY (adze_remote_exchange (remote, shipment, &reply));
  return fetch_accumulator (remote, shared, accumulator, size);
}

adze_error *
adze_remote_observe (adze_remote *remote, const adze_work *work, void *accumulator, size_t size)
{
  adze_shipment shipment;
  ADZE_TRY (adze_remote_check (remote));
  adze_shipment_begin (&shipment, "observe");
  adze_error *error = observe (remote, &shipment, work, accumulator, size);
  adze_shipment_cleanup (&shipment);
  return error ? adze_remote_explain (remote, "observe", error) : NULL;
}

static adze_error *
merge (adze_remote *remote, adze_shipment *shipment, void *left, const void *right, size_t size)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  void *shared = NULL, *other = NULL;
  add_accumulator (remote, shipment, "accumulator", 0, left, size, &shared);
  add_accumulator (remote, shipment, "right", 1, right, size, &other);
  ADZE_TRY (adze_remote_exchange (remote, shipment, &reply));
  return fetch_accumulator (remote, shared, left, size);
}

adze_error *
adze_remote_merge (adze_remote *remote, void *left, const void *right, size_t size)
{
  adze_shipment shipment;
  ADZE_TRY (adze_remote_check (remote));
  adze_shipment_begin (&shipment, "merge");
  adze_error *error = merge (remote, &shipment, left, right, size);
  adze_shipment_cleanup (&shipment);
  return error ? adze_remote_explain (remote, "merge", error) : NULL;
}

static adze_error *
decide (adze_remote *remote, adze_shipment *shipment, const adze_work *work,
        const void *accumulator, size_t size, bool *again)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  void *shared = NULL;
  remote->asked = false;
  if (work)
    ADZE_TRY (add_work (remote, shipment, work));
  if (accumulator)
    add_accumulator (remote, shipment, "accumulator", 0, accumulator, size, &shared);
  adze_json_bool (shipment->request, "again", *again);
  ADZE_TRY (adze_remote_exchange (remote, shipment, &reply));
  *again = adze_wire_truth (adze_value_get (reply.root, "ok"), "again");
  return NULL;
}

adze_error *
adze_remote_decide (adze_remote *remote, const adze_work *work, const void *accumulator,
                    size_t size, bool replay, bool *again)
{
  adze_shipment shipment;
  ADZE_TRY (adze_remote_check (remote));
  adze_shipment_begin (&shipment, "decide");
  remote->replaying = replay;
  adze_error *error = decide (remote, &shipment, work, accumulator, size, again);
  remote->replaying = false;
  adze_shipment_cleanup (&shipment);
  return error ? adze_remote_explain (remote, "decide", error) : NULL;
}

/* ---- Apply. */

static adze_error *
fetch_room (adze_remote *remote, const adze_value *given, adze_room *room)
{
  size_t offset;
  if (given->type != ADZE_VALUE_BOOL)
    return adze_wire_damaged ("the answer to apply");
  room->given = given->boolean;
  if (!room->given
      || adze_remote_in_area (remote, room->tensor.view.data, (size_t)room->tensor.byte_size,
                              &offset))
    return NULL;
  return adze_child_take (adze_worker_child (remote->worker), room->tensor.view.data,
                          (size_t)room->tensor.byte_size);
}

/* All rooms lie in the area. */
static adze_error *
apply_again (adze_remote *remote, adze_work *work)
{
  char given[ROOMS_MOST];
  const uint64_t asked = remote->repeatable;
  const char *name = work->group != remote->group ? work->whole->name : NULL;
  remote->repeatable = 0;
  remote->asked = true;
  remote->group = work->group;
  ADZE_TRY (adze_worker_again (remote->worker, work->first, work->group, name, remote->time_limit_ms,
                               given, work->room_count));
  for (size_t i = 0; i < work->room_count; i++)
    work->rooms[i].given = given[i] == '1';
  remote->repeatable = asked;
  return NULL;
}

static adze_error *
apply_anew (adze_remote *remote, adze_shipment *shipment, adze_work *work)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  remote->asked = false;
  ADZE_TRY (add_work (remote, shipment, work));
  ADZE_TRY (adze_remote_exchange (remote, shipment, &reply));
  const adze_value *given = adze_value_get (adze_value_get (reply.root, "ok"), "given");
  if (!given || given->type != ADZE_VALUE_LIST || given->count != work->room_count)
    return adze_wire_damaged ("the answer to apply");
  for (size_t i = 0; i < work->room_count; i++)
    ADZE_TRY (fetch_room (remote, given->items[i], &work->rooms[i]));
  return NULL;
}

static adze_error *
apply (adze_remote *remote, adze_work *work)
{
  const uint64_t asked = work->room_count <= ROOMS_MOST ? likeness_of (remote, work) : 0;
  adze_shipment shipment;
  if (asked != 0 && asked == remote->repeatable)
    return apply_again (remote, work);
  adze_shipment_begin (&shipment, "apply");
  adze_error *error = apply_anew (remote, &shipment, work);
  adze_shipment_cleanup (&shipment);
  if (!error) {
    remote->repeatable = asked;
    remote->group = work->group;
  }
  return error;
}

adze_error *
adze_remote_apply (adze_remote *remote, adze_work *work)
{
  ADZE_TRY (adze_remote_check (remote));
  remote->applying = true;
  adze_error *error = apply (remote, work);
  remote->applying = false;
  return error ? adze_remote_explain (remote, "apply", error) : NULL;
}

/* ---- Run. */

adze_error *
adze_remote_run (adze_remote *remote, adze_run_here *here)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_shipment shipment;
  ADZE_TRY (adze_remote_check (remote));
  adze_run_answers answers = { .here = here };
  adze_shipment_begin (&shipment, "run");
  adze_remote_answer_with (remote, &answers);
  adze_error *error = adze_remote_exchange (remote, &shipment, &reply);
  adze_worker_answer_with (remote->worker, NULL, NULL);
  adze_shipment_cleanup (&shipment);
  adze_run_answers_cleanup (&answers);
  return error ? adze_remote_explain (remote, "run", error) : NULL;
}
