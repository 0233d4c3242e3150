/* SPDX-License-Identifier: Apache-2.0 */
/* adze.run/1: whole artifacts for a technique that has a run. */
#include <string.h>

#include "base/json.h"
#include "graph/graph.h"
#include "stage/call.h"
#include "stage/networks.h"
#include "stage/run_ops.h"

/* The run that this thread is inside; NULL, and a broken rule, when it is inside none. Bodies of
 * adze.parallel may not ask: what answers keeps no two questions apart. */
adze_context *
adze_run_here_of (const adze_host *host, const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return NULL;
  adze_context *context = adze_desk_context (desk);
  if (adze_desk_phase (desk) == ADZE_PHASE_RUN && context
      && pthread_equal (context->thread, pthread_self ()))
    return context;
  adze_desk_broken ("%s was called outside of run, or on another thread than run", function);
  return NULL;
}

/* Jobs end in any order, and what they did would be seen in it. */
adze_context *
adze_run_no_job (const adze_host *host, const char *function)
{
  adze_context *context = adze_run_here_of (host, function);
  if (!context || !context->job)
    return context;
  adze_desk_broken ("%s was called in a job; a job answers, and run does that with the answer", function);
  return NULL;
}

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_push_error (host, error) : ADZE_OK;
}

/* With all that the error knows: node, value, what was needed. */
static adze_status
settle_fully (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_status
refuse (const char *what)
{
  adze_desk_broken ("%s", what);
  return ADZE_E_CONTRACT;
}

/* ---- What comes in. */

static adze_artifact *
run_input (const adze_host *host, adze_context *given, const char *port)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " input");
  struct adze_artifact *artifact = NULL;
  (void)given;
  if (!context || !port)
    return NULL;
  adze_error *error = context->ops->input (context->data, port, &artifact);
  if (error)
    adze_push_error (host, error);
  return artifact;
}

static const char *
run_type (const adze_host *host, const adze_artifact *artifact)
{
  return adze_run_here_of (host, ADZE_RUN " type") && artifact ? artifact->type : NULL;
}

static size_t
run_tensor_count (const adze_host *host, const adze_artifact *artifact)
{
  return adze_run_here_of (host, ADZE_RUN " tensor_count") && artifact && artifact->model
             ? artifact->model->count
             : 0;
}

static const adze_tensor_meta *
run_tensor (const adze_host *host, const adze_artifact *artifact, size_t index)
{
  return index < run_tensor_count (host, artifact) ? &artifact->model->tensors[index].meta : NULL;
}

static adze_status
run_read_tensor (const adze_host *host, adze_artifact *artifact, size_t index, uint64_t offset,
                 void *buffer, size_t size)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " read_tensor");
  const adze_tensor_meta *meta = run_tensor (host, artifact, index);
  if (!context || !meta || (size > 0 && !buffer) || offset > meta->byte_size
      || size > meta->byte_size - offset)
    return refuse ("it read what is no part of a tensor of the artifact");
  return settle (host, context->ops->read_tensor (context->data, artifact, index, offset, buffer,
                                                  size));
}

static const adze_column *
run_column (const adze_host *host, const adze_artifact *artifact, size_t index)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " column");
  return context && artifact ? context->ops->column (context->data, artifact, index) : NULL;
}

static bool
is_dataset (const adze_context *context, const adze_artifact *artifact)
{
  return context && artifact && strcmp (artifact->type, ADZE_TYPE_DATASET) == 0;
}

static uint64_t
run_batches (const adze_host *host, const adze_artifact *artifact, uint32_t batch_size)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " batches");
  uint64_t count = 0;
  if (!is_dataset (context, artifact) || batch_size == 0)
    return 0;
  settle (host, context->ops->batches (context->data, artifact, batch_size, &count));
  return count;
}

static adze_status
run_batch (const adze_host *host, adze_artifact *artifact, uint64_t epoch, uint64_t number,
           uint32_t batch_size, size_t column, const void **data, size_t *count)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " batch");
  uint64_t batches = 0;
  if (!is_dataset (context, artifact) || batch_size == 0 || !data || !count
      || !context->ops->column (context->data, artifact, column))
    return refuse ("it asked for a batch of what has none");
  adze_error *error = context->ops->batches (context->data, artifact, batch_size, &batches);
  if (!error && number >= batches)
    return refuse ("it asked for a batch beyond the last");
  if (!error)
    error = context->ops->batch (context->data, artifact, epoch, number, batch_size, column, data,
                                 count);
  return settle (host, error);
}

static adze_status
run_bytes (const adze_host *host, adze_artifact *artifact, const void **data, size_t *size)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " bytes");
  if (!context || !artifact || !data || !size || is_dataset (context, artifact)
      || strcmp (artifact->type, ADZE_TYPE_MODEL) == 0)
    return refuse ("it asked for the bytes of what is none");
  return settle (host, context->ops->bytes (context->data, artifact, data, size));
}

/* ---- What goes out. */

static bool
is_out_port (const adze_context *context, const char *name, bool model)
{
  size_t count = 0;
  const adze_port *ports = adze_manifest_ports (context->component, &count);
  for (size_t i = 0; name && i < count; i++)
    if (ports[i].direction == ADZE_PORT_OUT && strcmp (ports[i].name, name) == 0)
      return (strcmp (ports[i].type, ADZE_TYPE_MODEL) == 0) == model;
  return false;
}

static adze_status
run_give_tensor (const adze_host *host, adze_context *given, const char *port,
                 const adze_tensor_meta *meta, const void *data)
{
  adze_context *context = adze_run_no_job (host, ADZE_RUN " give_tensor");
  uint64_t elements, bytes;
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!is_out_port (context, port, true))
    return refuse ("it gave a tensor to what is no out-port for models");
  if (!meta || meta->struct_size < sizeof *meta || !meta->name || !meta->name[0])
    return refuse ("it gave a tensor without a size or a name");
  adze_tensor_meta own = *meta;
  own.struct_size = sizeof own;
  adze_error *error = adze_tensor_meta_size (&own, &elements, &bytes);
  if (error)
    return adze_push_broken (error);
  if (bytes > 0 && !data)
    return refuse ("it gave a tensor without data");
  own.byte_size = bytes;
  return settle (host, context->ops->give_tensor (context->data, port, &own, data));
}

static adze_status
run_give_bytes (const adze_host *host, adze_context *given, const char *port, const void *data,
                size_t size)
{
  adze_context *context = adze_run_no_job (host, ADZE_RUN " give_bytes");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!is_out_port (context, port, false) || (size > 0 && !data))
    return refuse ("it gave bytes to what is no out-port for them");
  return settle (host, context->ops->give_bytes (context->data, port, data, size));
}

/* ---- Networks. */

/* The model of ARTIFACT, with what it is computed with. */
static adze_error *
model_of (adze_context *context, const adze_artifact *artifact, const adze_model **model)
{
  return context->ops->model (context->data, (adze_artifact *)(uintptr_t)artifact, model);
}

static adze_status
run_graph (const adze_host *host, adze_context *given, adze_artifact *artifact,
           adze_graph **graph)
{
  adze_networks *networks = adze_networks_here (host, ADZE_RUN " graph");
  const adze_model *model = NULL;
  (void)given;
  if (!networks)
    return ADZE_E_UNSUPPORTED;
  if (!artifact || !artifact->model)
    return refuse ("it asked for the network of what is no model");
  adze_error *error = model_of (adze_run_here_of (host, ADZE_RUN " graph"), artifact, &model);
  return settle_fully (host, error ? error : adze_networks_graph (networks, model, graph));
}

static adze_status
run_has_graph (const adze_host *host, adze_context *given, const adze_artifact *artifact,
               uint32_t *has)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " has_graph");
  const adze_model *model = NULL;
  bool found = false;
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!artifact || !artifact->model || !has)
    return refuse ("it asked for the network of what is no model");
  *has = 0;
  adze_error *error = model_of (context, artifact, &model);
  if (error)
    return settle_fully (host, error);
  if (model->part_count == 0)
    return ADZE_OK;
  adze_networks *networks = adze_networks_here (host, ADZE_RUN " has_graph");
  if (!networks)
    return ADZE_E_UNSUPPORTED;
  error = adze_networks_has_graph (networks, model, &found);
  *has = found;
  return settle_fully (host, error);
}

static adze_status
run_new_graph (const adze_host *host, adze_context *given, const char *name, adze_graph **graph)
{
  adze_networks *networks = adze_networks_here (host, ADZE_RUN " new_graph");
  (void)given;
  return networks ? settle_fully (host, adze_networks_new_graph (networks, name, graph))
                  : ADZE_E_UNSUPPORTED;
}

/* Is it a tensor for the part, or for one of its bodies? Small constants are in the part itself. */
static bool
asks_for (const adze_graph *needed, const char *name)
{
  uint32_t found = adze_graph_find (needed, name);
  bool asks = found != ADZE_NONE && adze_graph_value_at (needed, found)->role == ADZE_ROLE_WEIGHT;
  for (uint32_t n = 0; !asks && n < adze_graph_node_count (needed); n++) {
    const adze_graph_node *node = adze_graph_node_at (needed, n);
    for (size_t i = 0; node && !asks && i < node->attribute_count; i++)
      asks = node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH
             && asks_for (node->attributes[i].graph, name);
  }
  return asks;
}

static adze_error *
give_value (const adze_context *context, const char *port, const adze_graph *needed,
            const adze_graph_value *value)
{
  if ((value->role != ADZE_ROLE_WEIGHT && value->role != ADZE_ROLE_CONSTANT)
      || !asks_for (needed, value->name))
    return NULL;
  adze_tensor_meta meta = { .struct_size = sizeof meta,
                            .name = value->name,
                            .dtype = value->dtype,
                            .rank = value->rank,
                            .shape = value->shape };
  uint64_t elements, bytes;
  ADZE_TRY (adze_tensor_meta_size (&meta, &elements, &bytes));
  meta.byte_size = bytes;
  if (bytes > 0 && !value->data)
    return adze_error_new (ADZE_E_CONTRACT, "the network's weight '%s' has no numbers",
                           value->name);
  return context->ops->give_tensor (context->data, port, &meta, value->data);
}

/* Those of bodies are in no other graph's list. */
static adze_error *
give_values (const adze_context *context, const char *port, const adze_graph *needed,
             const adze_graph *graph)
{
  for (uint32_t i = 0; i < adze_graph_value_count (graph); i++)
    ADZE_TRY (give_value (context, port, needed, adze_graph_value_at (graph, i)));
  for (uint32_t n = 0; n < adze_graph_node_count (graph); n++) {
    const adze_graph_node *node = adze_graph_node_at (graph, n);
    for (size_t i = 0; node && i < node->attribute_count; i++)
      if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
        ADZE_TRY (give_values (context, port, needed, node->attributes[i].graph));
  }
  return NULL;
}

static adze_error *
give_graph (adze_networks *networks, const adze_context *context, const char *port,
            adze_graph *graph)
{
  ADZE_AUTO_FREE char *id = NULL;
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_GRAPH needed = NULL;
  size_t size = 0;
  ADZE_TRY (adze_graph_verify (graph));
  ADZE_TRY (adze_networks_part (networks, graph, &id, &bytes, &size, &needed));
  ADZE_TRY (give_values (context, port, needed, graph));
  return context->ops->give_part (context->data, port, id, bytes, size);
}

static adze_status
run_give_graph (const adze_host *host, adze_context *given, const char *port, adze_graph *graph)
{
  adze_networks *networks = adze_networks_here (host, ADZE_RUN " give_graph");
  (void)given;
  if (!networks)
    return ADZE_E_UNSUPPORTED;
  const adze_context *context = adze_run_no_job (host, ADZE_RUN " give_graph");
  if (!context)
    return ADZE_E_CONTRACT;
  if (!is_out_port (context, port, true) || !graph)
    return refuse ("it gave a network to what is no out-port for models");
  return settle_fully (host, give_graph (networks, context, port, graph));
}

/* ---- What is true of tensors. */

static adze_error *
claim (const adze_context *context, const char *port, const char *tensor, const char *id, const char *json)
{
  enum { JSON_MOST = 1 << 20 };
  static const adze_value none = { .type = ADZE_VALUE_BOOL };
  ADZE_AUTO (adze_document) document = { 0 };
  if (!json)
    return context->ops->claim (context->data, port, tensor, id, &none);
  size_t size = strnlen (json, JSON_MOST + 1);
  if (size > JSON_MOST)
    return adze_error_new (ADZE_E_LIMIT, "the trait '%s' of '%s' is longer than 1 MiB", id, tensor);
  adze_error *error = adze_json_parse ("<trait>", json, size, &document);
  if (error)
    return adze_error_wrap (error, "the trait '%s' of '%s' cannot be kept", id, tensor);
  if (document.root->type != ADZE_VALUE_TABLE)
    return adze_error_new (ADZE_E_CONTRACT, "the trait '%s' of '%s' is no object", id, tensor);
  return context->ops->claim (context->data, port, tensor, id, document.root);
}

static adze_status
claim_trait (const adze_host *host, adze_context *given, const char *port, const char *tensor, const char *id,
             const char *json)
{
  adze_context *context = adze_run_no_job (host, ADZE_CLAIM " trait");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!is_out_port (context, port, true) || !tensor || !tensor[0] || !id || !id[0])
    return refuse ("it gave a trait without a tensor or an id, or to what is no out-port for models");
  return settle (host, claim (context, port, tensor, id, json));
}

const adze_claim_service adze_claim_services = {
  .struct_size = sizeof adze_claim_services,
  .trait = claim_trait,
};

/* ---- Checkpoints and progress. */

bool
adze_run_name (const char *name)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  enum { NAME_MOST = 100 };
  if (!name)
    return false;
  size_t size = strnlen (name, NAME_MOST + 1);
  return size > 0 && size <= NAME_MOST && name[0] != '.' && strspn (name, allowed) == size;
}

static const char bad_name[]
    = "it named a checkpoint by what is no name: 1 to 100 of A-Z a-z 0-9 . _ -, no dot in front";

static adze_status
run_save (const adze_host *host, adze_context *given, const char *name, const void *data,
          size_t size)
{
  adze_context *context = adze_run_no_job (host, ADZE_RUN " save");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!adze_run_name (name) || (size > 0 && !data))
    return refuse (bad_name);
  return settle (host, context->ops->save (context->data, name, data, size));
}

static adze_status
run_load (const adze_host *host, adze_context *given, const char *name, const void **data,
          size_t *size)
{
  adze_context *context = adze_run_no_job (host, ADZE_RUN " load");
  (void)given;
  if (!context)
    return ADZE_E_CONTRACT;
  if (!adze_run_name (name) || !data || !size)
    return refuse (bad_name);
  free (adze_take (&context->loaded));
  *size = 0;
  adze_error *error = context->ops->load (context->data, name, &context->loaded, size);
  *data = context->loaded;
  return settle (host, error);
}

static bool
run_progress (const adze_host *host, adze_context *given, uint64_t done, uint64_t total)
{
  adze_context *context = adze_run_here_of (host, ADZE_RUN " progress");
  (void)given;
  return context && context->ops->progress (context->data, done, total);
}

const adze_run_service adze_run_services = {
  .struct_size = sizeof adze_run_services,
  .input = run_input,
  .type = run_type,
  .tensor_count = run_tensor_count,
  .tensor = run_tensor,
  .read_tensor = run_read_tensor,
  .column = run_column,
  .batches = run_batches,
  .batch = run_batch,
  .bytes = run_bytes,
  .give_tensor = run_give_tensor,
  .give_bytes = run_give_bytes,
  .save = run_save,
  .load = run_load,
  .progress = run_progress,
  .graph = run_graph,
  .new_graph = run_new_graph,
  .give_graph = run_give_graph,
  .has_graph = run_has_graph,
};
