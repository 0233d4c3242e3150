/* SPDX-License-Identifier: Apache-2.0 */
/* graph/from_model.c: asks the format that a part is of, and holds what it says against the tensors
 * that there are. */
#include "graph/from_model.h"

#include <string.h>

#include <adze/half.h>

#include "artifact/session.h"
#include "graph/graph_private.h"
#include "graph/infer.h"
#include "graph/retype.h"
#include "graph/upgrade.h"

/* ---- The format. */

const void *
adze_graph_services (const char *id, bool bare)
{
  return strcmp (id, ADZE_GRAPH) == 0 ? &adze_graph_table : adze_session_services (id, bare);
}

/* A part's id begins with that of its format: "onnx.model/1". *FORMAT is NULL where none does. */
static adze_error *
format_of (const adze_model_part *part, char **format)
{
  size_t size = strcspn (part->id, "./");
  *format = NULL;
  if (size == 0 || !part->id[size])
    return NULL;
  *format = strndup (part->id, size);
  return *format ? NULL : adze_error_memory ();
}

static adze_error *
call_graph (adze_format_session *session, const adze_model_part *part, adze_graph *graph)
{
  adze_session_enter (session);
  adze_status status
      = session->callbacks.graph (adze_desk_table (session->desk), session->params, part->id,
                                  part->data, part->size, graph);
  return adze_session_leave (session, "graph", status);
}

/* *ASKED: the format of this part knows graphs, and has built one. */
static adze_error *
ask_format (adze_runtime *runtime, const adze_model_part *part, adze_graph *graph, bool *asked)
{
  ADZE_AUTO_FREE char *format = NULL;
  adze_format_session session;
  ADZE_TRY (format_of (part, &format));
  *asked = false;
  if (!format)
    return NULL;
  ADZE_TRY (adze_session_open_with (runtime, format, NULL, adze_graph_services, &session));
  *asked = session.callbacks.graph != NULL;
  adze_error *error = *asked ? call_graph (&session, part, graph) : NULL;
  adze_session_close (&session);
  return error;
}

static adze_error *
no_graph (const adze_model *model)
{
  adze_error *error = adze_error_new (
      ADZE_E_UNSUPPORTED,
      "the model %s has tensors, and nothing that says how they are computed with",
      model->path ? model->path : "of this stage");
  adze_error_set (error, "needed", "a model with a graph");
  adze_error_set (error, "found", model->format ? model->format : "tensors alone");
  adze_error_set (error, "hint", "ONNX files have graphs");
  return error;
}

/* *HAS: a part of it is a network. */
static adze_error *
build (adze_runtime *runtime, const adze_model *model, adze_graph *graph, bool *has)
{
  *has = false;
  for (size_t i = 0; i < model->part_count && !*has; i++)
    ADZE_TRY (ask_format (runtime, &model->parts[i], graph, has));
  return NULL;
}

adze_error *
adze_graph_from_part (adze_runtime *runtime, const char *id, void *bytes, size_t size,
                      adze_graph **graph)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO_GRAPH made = NULL;
  ADZE_AUTO_FREE char *own = strdup (id);
  const adze_model_part part = { .id = own, .data = bytes, .size = size };
  bool asked = false;
  if (!own)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_new (NULL, &made));
  ADZE_TRY (ask_format (runtime, &part, made, &asked));
  if (!asked)
    return adze_error_new (ADZE_E_UNSUPPORTED, "no format that is installed reads the part '%s'",
                           id);
  *graph = adze_take (&made);
  return NULL;
}

/* ---- Weights. */

static adze_error *
check_weight (const adze_graph_value *value, const adze_model_tensor *tensor)
{
  if (!tensor)
    return adze_error_new (ADZE_E_FORMAT,
                           "the graph computes with a weight '%s', and the model has no tensor of "
                           "that name",
                           value->name);
  const adze_tensor_meta *meta = &tensor->meta;
  bool floats = adze_dtype_is_float (meta->dtype) && adze_dtype_is_float (value->dtype);
  bool same = !meta->codec && meta->rank == value->rank
              && (floats || memcmp (&meta->dtype, &value->dtype, sizeof meta->dtype) == 0);
  for (int32_t i = 0; same && i < meta->rank; i++)
    same = meta->shape[i] == value->shape[i];
  if (same)
    return NULL;
  ADZE_AUTO (adze_buffer) wanted = { 0 };
  ADZE_AUTO (adze_buffer) found = { 0 };
  adze_shape_text (value->rank, value->shape, &wanted);
  adze_shape_text (meta->rank, meta->shape, &found);
  return adze_error_new (ADZE_E_FORMAT,
                         "the graph computes with '%s' as %s %s, and the model has it as %s %s",
                         value->name, adze_dtype_name (value->dtype),
                         wanted.data ? wanted.data : "?", adze_meta_type_word (meta),
                         found.data ? found.data : "?");
}

static adze_error *
load (adze_graph *graph, uint32_t number, const adze_model *model)
{
  const adze_graph_value *value = adze_graph_value_at (graph, number);
  const adze_model_tensor *tensor = adze_model_find (model, value->name);
  size_t size = (size_t)tensor->meta.byte_size;
  /* While a pipeline is planned there may be none. */
  if (value->data || (size > 0 && tensor->file < 0 && !tensor->data))
    return NULL;
  if (memcmp (&tensor->meta.dtype, &value->dtype, sizeof value->dtype) != 0)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the graph reckons sizes with '%s', which is %s there, and the model has "
                           "it as %s: leave its type by a rule with skip = true",
                           value->name, adze_dtype_name (value->dtype),
                           adze_dtype_name (tensor->meta.dtype));
  ADZE_AUTO_FREE void *numbers = malloc (size + 1);
  if (!numbers)
    return adze_error_memory ();
  ADZE_TRY (adze_model_read (model, tensor, 0, numbers, size));
  return adze_graph_set_data (graph, number, numbers, size, true);
}

static uint64_t
elements_of (const adze_graph_value *value)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (uint64_t)value->shape[i]; /* held against a tensor, so it fits */
  return count;
}

/* Sizes, axes, pads and the like. Nobody trains whole numbers. */
static bool
may_be_sizes (const adze_graph_value *value)
{
  return value->dtype.code == ADZE_INT && value->dtype.bits >= 32
         && elements_of (value) <= ADZE_INFER_INTS;
}

static adze_error *
take_weights (adze_graph *graph, const adze_model *model)
{
  for (uint32_t i = 0; i < graph->value_count; i++) {
    const adze_graph_value *value = graph->values[i];
    if (value->role != ADZE_ROLE_WEIGHT)
      continue;
    ADZE_TRY (check_weight (value, adze_model_find (model, value->name)));
    if (may_be_sizes (value))
      ADZE_TRY (load (graph, i, model));
  }
  return NULL;
}

/* Operators whose floats say how large the result is. */
static bool
floats_are_sizes (const adze_graph_node *node)
{
  static const char *const operators[] = { "Range", "Resize", "Upsample" };
  for (size_t i = 0; i < ADZE_COUNT_OF (operators); i++)
    if (node && !node->domain[0] && strcmp (node->op, operators[i]) == 0)
      return true;
  return false;
}

static adze_error *
take_sizes (adze_graph *graph, const adze_model *model)
{
  for (size_t n = 0; n < graph->node_count; n++) {
    const adze_graph_node *node = graph->nodes[n];
    for (size_t i = 0; floats_are_sizes (node) && i < node->input_count; i++) {
      const adze_graph_value *value = adze_graph_value_at (graph, node->inputs[i]);
      if (value && value->role == ADZE_ROLE_WEIGHT && elements_of (value) <= ADZE_GRAPH_RANK)
        ADZE_TRY (load (graph, node->inputs[i], model));
    }
  }
  return NULL;
}

static adze_error *
take_numbers (adze_graph *graph, const adze_model *model)
{
  ADZE_TRY (take_weights (graph, model));
  ADZE_TRY (take_sizes (graph, model));
  for (size_t i = 0; i < graph->body_count; i++)
    ADZE_TRY (take_numbers (graph->bodies[i], model));
  return NULL;
}

/* ---- All of it. */

static adze_error *
make (adze_runtime *runtime, const adze_model *model, adze_graph *graph, bool *has)
{
  ADZE_TRY (build (runtime, model, graph, has));
  if (!*has)
    return NULL;
  ADZE_TRY (take_numbers (graph, model));
  ADZE_TRY (adze_graph_upgrade (graph, adze_graph_opset (graph)));
  ADZE_TRY (adze_graph_verify (graph));
  return adze_graph_retype (graph, model);
}

static adze_error *
refuse (adze_error *error, const adze_model *model)
{
  return adze_error_wrap (error, "the network of %s cannot be worked with",
                          model->path ? model->path : "the model");
}

adze_error *
adze_graph_find_in_model (adze_runtime *runtime, const adze_model *model, adze_graph **graph)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO_GRAPH made = NULL;
  bool has = false;
  *graph = NULL;
  ADZE_TRY (adze_graph_new (model->path ? adze_path_base (model->path) : NULL, &made));
  adze_error *error = make (runtime, model, made, &has);
  if (error)
    return refuse (error, model);
  if (has)
    *graph = adze_take (&made);
  return NULL;
}

adze_error *
adze_graph_from_model (adze_runtime *runtime, const adze_model *model, adze_graph **graph)
{
  ADZE_TRY (adze_graph_find_in_model (runtime, model, graph));
  return *graph ? NULL : refuse (no_graph (model), model);
}
