/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/run.h: a technique that takes whole artifacts. Tier: draft.
 *
 * run gets a context: what is bound to its in-ports, a place for what goes to its out-ports,
 * checkpoints, and a word when somebody asks to stop. All of it is asked for on the thread that run
 * was called on; bodies of adze.parallel work on what was read before.
 */
#ifndef ADZE_DRAFT_RUN_H
#define ADZE_DRAFT_RUN_H

#include <adze/draft/graph.h>
#include <adze/draft/model.h>
#include <adze/draft/source.h>
#include <adze/error.h>

ADZE_BEGIN_DECLS

#define ADZE_RUN "adze.run/1"

typedef struct adze_context adze_context;

/* What is bound to a port. */
typedef struct adze_artifact adze_artifact;

typedef struct adze_run_service {
  uint32_t struct_size;

  /* [callback] NULL: nothing is bound to the port of this name. */
  adze_artifact *(*input) (const adze_host *host, adze_context *context, const char *port);
  /* [callback] "model", "dataset", "table", "text" ... */
  const char *(*type) (const adze_host *host, const adze_artifact *artifact);

  /* [callback] Of a model: its tensors, and SIZE bytes of one from OFFSET on. */
  size_t (*tensor_count) (const adze_host *host, const adze_artifact *artifact);
  const adze_tensor_meta *(*tensor) (const adze_host *host, const adze_artifact *artifact,
                                     size_t index);
  adze_status (*read_tensor) (const adze_host *host, adze_artifact *artifact, size_t index,
                              uint64_t offset, void *buffer, size_t size);

  /* [callback] Of a dataset: columns, batches an epoch, and one batch. What is filled in is valid
   * until the next batch. */
  const adze_column *(*column) (const adze_host *host, const adze_artifact *artifact,
                                size_t index); /* NULL beyond the last */
  uint64_t (*batches) (const adze_host *host, const adze_artifact *artifact, uint32_t batch_size);
  adze_status (*batch) (const adze_host *host, adze_artifact *artifact, uint64_t epoch,
                        uint64_t number, uint32_t batch_size, size_t column, const void **data,
                        size_t *count);

  /* [callback] Of a text, a report, a table (CSV), a dag (edges, one a line): all of its bytes. */
  adze_status (*bytes) (const adze_host *host, adze_artifact *artifact, const void **data,
                        size_t *size);

  /* [callback] To an out-port: a tensor of the model that goes out, in order; or all bytes of
   * anything else. */
  adze_status (*give_tensor) (const adze_host *host, adze_context *context, const char *port,
                              const adze_tensor_meta *meta, const void *data);
  adze_status (*give_bytes) (const adze_host *host, adze_context *context, const char *port,
                             const void *data, size_t size);

  /* [callback] Bytes under a name (letters, digits, "._-") that are found again when the run is resumed; they are durable
   * when save has returned. *SIZE becomes 0 where there is none. DATA is valid until the next
   * load. */
  adze_status (*save) (const adze_host *host, adze_context *context, const char *name,
                       const void *data, size_t size);
  adze_status (*load) (const adze_host *host, adze_context *context, const char *name,
                       const void **data, size_t *size);

  /* [callback] How far it is, for whoever watches; false: stop, and return ADZE_E_CANCELLED. */
  bool (*progress) (const adze_host *host, adze_context *context, uint64_t done, uint64_t total);

  /* [callback] The network of a model, with the numbers of its weights, of the host's opset and
   * verified. It is a copy for this run, may be edited by adze.graph, and is there until run returns.
   * Refused where the model is tensors alone, and in a process of its own. */
  adze_status (*graph) (const adze_host *host, adze_context *context, adze_artifact *artifact,
                        adze_graph **graph);
  /* [callback] An empty one. */
  adze_status (*new_graph) (const adze_host *host, adze_context *context, const char *name,
                            adze_graph **graph);
  /* [callback] A model that is a network: all weights of GRAPH as tensors, in order, and GRAPH itself.
   * Tensors that it does not compute with may be given beside them by give_tensor. */
  adze_status (*give_graph) (const adze_host *host, adze_context *context, const char *port,
                             adze_graph *graph);

  /* [callback] *HAS: 1 where the model is a network, 0 where it is tensors alone, as it always is for a
   * process of its own. Fails as graph does where there is one that cannot be worked with; no weight is
   * read for it. */
  adze_status (*has_graph) (const adze_host *host, adze_context *context,
                            const adze_artifact *artifact, uint32_t *has);
} adze_run_service;

static inline const adze_run_service *
adze_run_of (const adze_host *host)
{
  return (const adze_run_service *)host->service (host, ADZE_RUN);
}

/* ---- What a network does not compute with belongs to its model nevertheless. */

/* Has GRAPH a value of this name, or a body in it a weight, which give_graph gives as well? */
static inline bool
adze_run_knows (const adze_graph_service *graphs, const adze_graph *graph, const char *name, bool inside)
{
  uint32_t value = graphs->find_value (graph, name);
  if (value != ADZE_NONE && (!inside || graphs->value (graph, value)->role == ADZE_ROLE_WEIGHT))
    return true;
  for (uint32_t n = 0; n < graphs->node_count (graph); n++) {
    const adze_graph_node *node = graphs->node (graph, n);
    for (size_t i = 0; node && i < node->attribute_count; i++)
      if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH
          && adze_run_knows (graphs, node->attributes[i].graph, name, true))
        return true;
  }
  return false;
}

static inline adze_status
adze_run_hand_on (const adze_host *host, adze_context *context, adze_artifact *model, size_t index,
                  const char *port)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_tensor_meta *meta = run->tensor (host, model, index);
  size_t size = (size_t)meta->byte_size;
  void *bytes = host->allocate (host, size + 1);
  if (!bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the tensor '%s'", meta->name);
  adze_status status = run->read_tensor (host, model, index, 0, bytes, size);
  if (status == ADZE_OK)
    status = run->give_tensor (host, context, port, meta, bytes);
  host->release (host, bytes);
  return status;
}

/* Gives the tensors of MODEL that its network GRAPH does not know to PORT, as they are. In front of passes that may
 * let names go. */
static inline adze_status
adze_run_give_others (const adze_host *host, adze_context *context, adze_artifact *model,
                      const adze_graph *graph, const char *port)
{
  const adze_run_service *run = adze_run_of (host);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < run->tensor_count (host, model); i++)
    if (!adze_run_knows (adze_graph_of (host), graph, run->tensor (host, model, i)->name, false))
      status = adze_run_hand_on (host, context, model, i, port);
  return status;
}

ADZE_END_DECLS

#endif
