/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_network.c: the network of a plan's model, held against the backends. */
#include "pipeline/plan_network.h"

#include <string.h>

#include "graph/from_model.h"
#include "graph/to_model.h"

#define REFERENCE "ref"

typedef struct backends {
  adze_backend_at_work *asked, *ref;
} backends;

static void
backends_cleanup (backends *b)
{
  adze_backend_close (b->asked);
  adze_backend_close (b->ref);
}

static adze_error *
share_out (const adze_plan *plan, adze_graph *graph, adze_plan_network *network)
{
  ADZE_AUTO (backends) b = { 0 };
  ADZE_TRY (adze_backend_open (plan->runtime, REFERENCE, NULL, NULL, &b.ref));
  if (strcmp (network->backend, REFERENCE) != 0)
    ADZE_TRY (adze_backend_open (plan->runtime, network->backend, NULL, NULL, &b.asked));
  const adze_compile_options options = { .backend = b.asked, .ref = b.ref };
  return adze_graph_share_out (graph, &options, &network->shares);
}

/* ---- The model, as a network is read from one: a plan's have no files, and names that nobody finds. */

/* Lent to it are what lies in files, and the parts. */
static void
stand_in_cleanup (adze_model **model)
{
  if (!*model)
    return;
  for (size_t i = 0; i < (*model)->count; i++)
    (*model)->tensors[i].data = NULL;
  (*model)->files = NULL;
  (*model)->file_count = 0;
  (*model)->parts = NULL;
  (*model)->part_count = 0;
  adze_model_close (*model);
}

/* The model before, of which what a stage lets pass is a part; NULL: none. */
static const adze_plan_model *
before (const adze_plan *plan, const adze_plan_model *model)
{
  const adze_plan_stage *giver = model->stage != SIZE_MAX ? &plan->stages[model->stage] : NULL;
  return giver && model->sources && giver->port_count > 0 ? giver->ports[0].model : NULL;
}

/* The one that lies in files from which MODEL is made; NULL: none does as yet. */
static const adze_plan_model *
root_of (const adze_plan *plan, const adze_plan_model *model)
{
  while (model && !model->file)
    model = before (plan, model);
  return model;
}

/* Tensor NUMBER as it lies in the files of the root; NULL: a stage in between makes it. */
static const adze_model_tensor *
written (const adze_plan *plan, const adze_plan_model *model, size_t number)
{
  for (; !model->file; model = before (plan, model)) {
    if (model->sources[number].group != SIZE_MAX)
      return NULL;
    number = model->sources[number].number;
  }
  return &model->file->tensors[number];
}

static adze_error *
add_tensor (const adze_plan *plan, const adze_plan_model *model, size_t number,
            const adze_plan_model *root, adze_model *into)
{
  adze_model_tensor *added;
  const adze_model_tensor *from = root ? written (plan, model, number) : NULL;
  ADZE_TRY (adze_model_add (into, &model->view.tensors[number].meta, &added));
  if (!from)
    return NULL;
  added->file = from->file;
  added->offset = from->offset;
  added->data = from->data;
  return NULL;
}

static adze_error *
make_stand_in (const adze_plan *plan, const adze_plan_model *model, adze_model **made)
{
  const adze_plan_model *root = root_of (plan, model);
  ADZE_TRY (adze_model_new (made));
  if (root) {
    (*made)->files = root->file->files;
    (*made)->file_count = root->file->file_count;
  }
  (*made)->parts = model->view.parts;
  (*made)->part_count = model->view.part_count;
  for (size_t i = 0; i < model->view.count; i++)
    ADZE_TRY (add_tensor (plan, model, i, root, *made));
  return NULL;
}

/* ---- What is said of it. */

/* Backends are asked with sizes, as they are when it runs: a size that nobody knows yet is taken as
 * that of a common batch. */
enum { COMMON = 64 };

static adze_error *
put_sizes (adze_graph *graph)
{
  size_t count;
  const uint32_t *inputs = adze_graph_inputs (graph, &count);
  for (size_t i = 0; i < count; i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, inputs[i]);
    int64_t shape[ADZE_GRAPH_RANK];
    for (int32_t d = 0; d < value->rank; d++)
      shape[d] = value->shape[d] < 0 ? COMMON : value->shape[d];
    if (value->rank > 0)
      ADZE_TRY (adze_graph_set_type (graph, inputs[i], value->dtype, value->rank, shape));
  }
  return adze_graph_verify (graph);
}

/* Networks that cannot have such sizes are taken as they are. */
static adze_error *
share_sized (const adze_plan *plan, adze_graph *graph, adze_plan_network *network)
{
  ADZE_AUTO_GRAPH sized = NULL;
  ADZE_TRY (adze_graph_copy (graph, &sized));
  ADZE_AUTO_ERROR error = put_sizes (sized);
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  return share_out (plan, error ? graph : sized, network);
}

adze_error *
adze_plan_open_network (const adze_plan *plan, const adze_plan_model *model, adze_graph **graph)
{
  __attribute__ ((cleanup (stand_in_cleanup))) adze_model *whole = NULL;
  if (model->view.part_count == 0)
    return NULL;
  ADZE_TRY (make_stand_in (plan, model, &whole));
  return adze_graph_from_model (plan->runtime, whole, graph);
}

/* The part as it is, held against nothing: whoever only makes weights smaller may have a network that nobody could
 * compute. */
adze_error *
adze_plan_network_codes (const adze_plan *plan, const adze_plan_model *model, adze_graph_codes *codes)
{
  for (size_t i = 0; i < model->view.part_count; i++) {
    const adze_model_part *part = &model->view.parts[i];
    ADZE_AUTO_GRAPH graph = NULL;
    ADZE_AUTO_ERROR error = adze_graph_from_part (plan->runtime, part->id, part->data, part->size, &graph);
    if (adze_error_status (error) == ADZE_E_MEMORY)
      return adze_take (&error);
    if (graph)
      ADZE_TRY (adze_graph_find_codes (graph, codes));
  }
  return NULL;
}

static adze_error *
look (const adze_plan *plan, const adze_plan_model *model, adze_plan_network *network)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_TRY (adze_plan_open_network (plan, model, &graph));
  return share_sized (plan, graph, network);
}

/* ---- What a stage has made of it. */

void
adze_plan_part_free (adze_model_part *part)
{
  if (!part)
    return;
  free (part->id);
  free (part->data);
  free (part);
}

/* Does GRAPH, or the body of one of its nodes, have a value of the name? */
static bool
has_value (const adze_graph *graph, const char *name)
{
  if (adze_graph_find (graph, name) != ADZE_NONE)
    return true;
  for (uint32_t i = 0; i < adze_graph_node_count (graph); i++) {
    const adze_graph_node *node = adze_graph_node_at (graph, i);
    for (size_t k = 0; node && k < node->attribute_count; k++)
      if (node->attributes[k].graph && has_value (node->attributes[k].graph, name))
        return true;
  }
  return false;
}

/* Tensors of MODEL that GRAPH, the part that was made, has no place for: small constants, which are in the part
 * itself now, and what no node needs any more. */
static void
leave_out (const adze_graph *graph, adze_plan_model *model)
{
  size_t kept = 0;
  for (size_t i = 0; i < model->view.count; i++) {
    bool made = model->sources[i].group != SIZE_MAX;
    if (!made && !has_value (graph, model->view.tensors[i].meta.name)) {
      adze_value_free (model->traits[i]);
      continue;
    }
    model->view.tensors[kept] = model->view.tensors[i];
    model->sources[kept] = model->sources[i];
    model->traits[kept++] = model->traits[i];
  }
  model->view.count = kept;
}

adze_error *
adze_plan_take_network (const adze_plan *plan, adze_graph *graph, adze_plan_model *model)
{
  ADZE_AUTO_GRAPH needed = NULL;
  ADZE_TRY (adze_graph_verify (graph));
  adze_model_part *part = calloc (1, sizeof *part);
  if (!part)
    return adze_error_memory ();
  adze_error *error
      = adze_graph_make_part (plan->runtime, graph, &part->id, &part->data, &part->size);
  if (error) {
    adze_plan_part_free (part);
    return error;
  }
  adze_plan_part_free (model->part);
  model->part = part;
  model->view.parts = part;
  model->view.part_count = 1;
  ADZE_TRY (adze_graph_from_part (plan->runtime, part->id, part->data, part->size, &needed));
  leave_out (needed, model);
  return NULL;
}

/* An error becomes words, unless memory was what was missing. */
static adze_error *
refuse (adze_error *error, adze_plan_network *network)
{
  if (!error || adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  ADZE_AUTO (adze_buffer) words = { 0 };
  for (const adze_error *e = error; e; e = adze_error_cause (e))
    adze_buffer_format (&words, "%s%s", e == error ? "" : ": ", adze_error_message (e));
  adze_error_free (error);
  return adze_buffer_finish (&words, &network->refused);
}

adze_error *
adze_plan_network_of (const adze_plan *plan, const adze_plan_stage *planned,
                      adze_plan_network *network)
{
  const adze_plan_model *model = planned->port_count > 0 ? planned->ports[0].model : NULL;
  *network = (adze_plan_network){ 0 };
  if (!planned->facts->runs || !model || !model->known || model->view.part_count == 0)
    return NULL;
  network->is_one = true;
  network->backend = planned->stage->backend ? planned->stage->backend : plan->pipeline->backend;
  return refuse (look (plan, model, network), network);
}

void
adze_plan_network_cleanup (adze_plan_network *network)
{
  adze_graph_shares_cleanup (&network->shares);
  free (network->refused);
}
