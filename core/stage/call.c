/* SPDX-License-Identifier: Apache-2.0 */
/* adze.call/1: one piece of a group, on its way through observe, decide or apply. */
#include "stage/call.h"

#include <string.h>

#include "artifact/dag.h"
#include "artifact/table.h"
#include "plugin/services.h"
#include "graph/graph.h"
#include "stage/networks.h"
#include "stage/piece.h"
#include "stage/run_ops.h"

/* The cause in front of what it has led to. */
static void
push_chain (adze_desk *desk, const adze_error *error)
{
  const adze_error *cause = adze_error_cause (error);
  if (cause)
    push_chain (desk, cause);
  adze_desk_reason (desk, adze_error_status (error), adze_error_message (error));
}

adze_status
adze_push_error (const adze_host *host, adze_error *error)
{
  adze_status status = adze_error_status (error);
  push_chain (adze_desk_of (host), error);
  adze_error_free (error);
  return status;
}

adze_status
adze_push_broken (adze_error *error)
{
  adze_status status = adze_error_status (error);
  if (status != ADZE_E_MEMORY) {
    adze_desk_broken ("%s", adze_error_message (error));
    status = ADZE_E_CONTRACT;
  }
  adze_error_free (error);
  return status;
}

/* ---- Outputs. */

/* "f16 [4096, 64]" */
static void
describe_view (const adze_view *view, const char *codec, adze_buffer *into)
{
  const char *type = codec ? codec : adze_dtype_name (view->dtype);
  if (type)
    adze_buffer_text (into, type);
  else
    adze_buffer_format (into, "type %u of %u bits", (unsigned)view->dtype.code,
                        (unsigned)view->dtype.bits);
  if (!codec && view->dtype.lanes != 1)
    adze_buffer_format (into, "x%u", (unsigned)view->dtype.lanes);
  adze_buffer_text (into, " ");
  adze_shape_text (view->rank, view->shape, into);
}

static bool
same_view (const adze_view *a, const adze_view *b)
{
  return memcmp (&a->dtype, &b->dtype, sizeof a->dtype) == 0 && a->rank == b->rank
         && (a->rank == 0
             || memcmp (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0);
}

static bool
is_whole (const adze_work *work, const adze_room *room)
{
  const adze_tensor_meta *whole = room->whole;
  const adze_view *view = &room->tensor.view;
  (void)work;
  return whole->rank == view->rank
         && (view->rank == 0
             || memcmp (whole->shape, view->shape, (size_t)view->rank * sizeof *view->shape) == 0);
}

static void
break_for_view (const adze_call *call, const adze_room *room, const adze_view *asked)
{
  ADZE_AUTO (adze_buffer) announced = { 0 };
  ADZE_AUTO (adze_buffer) given = { 0 };
  describe_view (&room->tensor.view, room->tensor.codec, &announced);
  describe_view (asked, NULL, &given);
  adze_desk_broken ("describe announced %s for '%s'%s, apply gave %s",
                    announced.data ? announced.data : "another tensor", room->whole->name,
                    is_whole (call->work, room) ? "" : ", in this piece of it",
                    given.data ? given.data : "another one");
}

/* NULL: a rule was broken. */
static adze_room *
open_room (adze_call *call, size_t index)
{
  if (call->inspects) {
    adze_desk_broken ("it asked for an output, and its table says that it only inspects");
    return NULL;
  }
  if (call->phase != ADZE_PHASE_APPLY || !call->rooms) {
    adze_desk_broken ("it asked for an output outside of apply");
    return NULL;
  }
  if (index >= call->work->room_count) {
    adze_desk_broken ("it asked for output number %zu, and describe announced %zu", index,
                      call->work->room_count);
    return NULL;
  }
  if (call->rooms[index].given) {
    adze_desk_broken ("it asked for a second output in one call");
    return NULL;
  }
  return &call->rooms[index];
}

static adze_status
call_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
             const int64_t *shape, adze_view *out)
{
  size_t bytes;
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CALL " output"))
    return ADZE_E_CONTRACT;
  adze_room *room = open_room (call, 0);
  if (!room)
    return ADZE_E_CONTRACT;
  /* Its rank must be known to be one before the shape is looked at. */
  adze_error *error = adze_tensor_bytes (dtype, rank, shape, &bytes);
  if (error)
    return adze_push_broken (error);
  const adze_view asked = { .rank = rank, .dtype = dtype, .shape = (int64_t *)shape };
  if (!same_view (&room->tensor.view, &asked)) {
    break_for_view (call, room, &asked);
    return ADZE_E_CONTRACT;
  }
  room->given = true;
  *out = room->tensor.view;
  return ADZE_OK;
}

static adze_status
call_output_at (const adze_host *host, adze_call *call, size_t index, adze_view *out)
{
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CALL " output_at"))
    return ADZE_E_CONTRACT;
  adze_room *room = open_room (call, index);
  if (!room)
    return ADZE_E_CONTRACT;
  room->given = true;
  *out = room->tensor.view;
  return ADZE_OK;
}

/* ---- Inputs, place, parameters. */

static const adze_tensor *
call_input (const adze_host *host, adze_call *call, size_t index)
{
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CALL " input"))
    return NULL;
  return index < call->work->input_count ? call->work->inputs[index] : NULL;
}

static void
call_place (const adze_host *host, const adze_call *call, adze_place *place)
{
  adze_desk_inside (adze_desk_of (host), ADZE_CALL " place");
  *place = (adze_place){ call->work->first, call->work->count, call->work->whole };
}

static const adze_params *
call_params (const adze_host *host, const adze_call *call)
{
  adze_desk_inside (adze_desk_of (host), ADZE_CALL " params");
  return call->work->variant < call->variants ? call->params[call->work->variant] : NULL;
}

const adze_call_service adze_call_services = {
  .struct_size = sizeof adze_call_services,
  .output = call_output,
  .output_at = call_output_at,
  .input = call_input,
  .place = call_place,
  .params = call_params,
};

/* ---- What came of it. */

/* Input 0 may stay in the place of the one output if its bytes are such an output's. */
static bool
may_stay (const adze_work *work)
{
  if (work->room_count != 1 || work->input_count == 0)
    return false;
  const adze_tensor *input = work->inputs[0], *output = &work->rooms[0].tensor;
  return memcmp (&input->view.dtype, &output->view.dtype, sizeof input->view.dtype) == 0
         && !input->codec == !output->codec
         && (!input->codec || strcmp (input->codec, output->codec) == 0)
         && input->byte_size == output->byte_size;
}

static void
break_for_nothing (const adze_work *work)
{
  ADZE_AUTO (adze_buffer) input = { 0 };
  ADZE_AUTO (adze_buffer) output = { 0 };
  const adze_room *room = &work->rooms[0];
  describe_view (&work->inputs[0]->view, work->inputs[0]->codec, &input);
  describe_view (&room->tensor.view, room->tensor.codec, &output);
  if (work->room_count > 1)
    adze_desk_broken ("describe announced %zu outputs for '%s', apply gave none", work->room_count,
                      work->inputs[0]->name);
  else
    adze_desk_broken ("describe announced %s for '%s', apply left %s as it was",
                      output.data ? output.data : "another tensor", room->whole->name,
                      input.data ? input.data : "the input");
}

void
adze_call_settle (const adze_call *call)
{
  const adze_work *work = call->work;
  size_t given = 0, wanted = 0;
  for (size_t i = 0; i < work->room_count; i++) {
    given += work->rooms[i].given && !adze_room_is_absent (&work->rooms[i]);
    wanted += !adze_room_is_absent (&work->rooms[i]);
  }
  if (given == wanted)
    return;
  if (given > 0)
    adze_desk_broken ("describe announced %zu outputs for '%s', apply gave %zu", wanted,
                      work->inputs[0]->name, given);
  else if (!may_stay (work))
    break_for_nothing (work);
}

/* ---- Which service. */

const void *
adze_technique_service (const char *id, bool bare)
{
  if (strcmp (id, ADZE_CALL) == 0)
    return &adze_call_services;
  if (strcmp (id, ADZE_OUTLINE) == 0)
    return &adze_outline_services;
  if (strcmp (id, ADZE_CODECS) == 0)
    return bare ? NULL : &adze_codecs_services;
  if (strcmp (id, ADZE_SCORERS) == 0)
    return bare ? NULL : &adze_scorers_services;
  if (strcmp (id, ADZE_RUN) == 0)
    return &adze_run_services;
  if (strcmp (id, ADZE_GRAPH) == 0)
    return &adze_graph_table;
  if (strcmp (id, ADZE_EVAL) == 0)
    return bare ? NULL : &adze_eval_services;
  if (strcmp (id, ADZE_CLAIM) == 0)
    return bare ? NULL : &adze_claim_services;
  if (strcmp (id, ADZE_JOBS) == 0)
    return bare ? NULL : &adze_jobs_services;
  if (strcmp (id, ADZE_TAP) == 0)
    return bare ? NULL : &adze_tap_services;
  if (strcmp (id, ADZE_TRAIN) == 0)
    return bare ? NULL : &adze_train_services;
  if (strcmp (id, ADZE_DECISION) == 0)
    return bare ? NULL : &adze_decision_services;
  if (strcmp (id, ADZE_TABLE) == 0)
    return bare ? NULL : &adze_table_services;
  if (strcmp (id, ADZE_DRAWING) == 0)
    return bare ? NULL : &adze_drawing_services;
  if (strcmp (id, ADZE_DAG) == 0)
    return bare ? NULL : &adze_dag_services;
  return adze_service_find (id, bare);
}
