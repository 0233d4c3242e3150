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
} adze_run_service;

static inline const adze_run_service *
adze_run_of (const adze_host *host)
{
  return (const adze_run_service *)host->service (host, ADZE_RUN);
}

ADZE_END_DECLS

#endif
