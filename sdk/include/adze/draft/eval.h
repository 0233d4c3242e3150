/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/eval.h: networks are computed with, and what comes out is judged. Tier: draft.
 *
 * For run, on its thread, in the host's process or a worker's. The backend is the
 * one that the pipeline names. All that is opened here ends with run, if not before.
 */
#ifndef ADZE_DRAFT_EVAL_H
#define ADZE_DRAFT_EVAL_H

#include <adze/draft/graph.h>
#include <adze/draft/run.h>

ADZE_BEGIN_DECLS

#define ADZE_EVAL "adze.eval/1"

/* A network compiled for sizes and a backend. */
typedef struct adze_evaluation adze_evaluation;

typedef struct adze_eval_options {
  uint32_t struct_size;
  /* 1: the numbers of weights change between executions, as those do that training shares (train.h).
   * Else they are constants, and what depends on them alone is computed once. */
  uint32_t weights_change;
  /* The shape of each input, in the graph's order; NULL: what the graph says. */
  const int64_t *const *shapes;
} adze_eval_options;

typedef struct adze_eval_facts {
  uint32_t struct_size;
  uint32_t steps;         /* programs that are executed one after the other */
  uint32_t delegated;     /* nodes that ref computes in the place of the backend */
  uint32_t folded;        /* nodes that were computed when the network was compiled */
  uint64_t values;        /* bytes that values take while it is executed */
  uint64_t constants;     /* bytes of weights and constants */
  const char *backend;    /* its id, and what its numbers depend on beside its plugin, or "" */
  const char *identity;
  uint32_t threads;       /* that may compute at once */
  uint32_t reserved;
} adze_eval_facts;

/* ---- How good it is. A number without the way it was come by is none: every result has its
 * protocol, and what was not measured is nan, never 0. */

typedef struct adze_judge adze_judge;

typedef enum adze_judge_kind {
  ADZE_JUDGE_CLASSES = 1, /* scores against class numbers; dimension 1 of scores is that of classes */
  ADZE_JUDGE_VALUES = 2   /* numbers against numbers */
} adze_judge_kind;

typedef struct adze_verdict {
  uint32_t struct_size;
  uint32_t classes;  /* 0: of values */
  uint64_t examples; /* what was compared */
  uint64_t batches;
  uint64_t batch;    /* examples in the largest batch */
  uint64_t most;     /* k of top_k */
  double accuracy;   /* share whose highest score, of equal ones the first, is that of its class */
  double top_k;      /* share whose class is among the k highest */
  double macro_f1;   /* mean over the classes that were labelled or guessed at least once */
  double perplexity; /* e to the mean of -log softmax at the class */
  double squares;    /* mean squared error */
  double surprise;   /* mean of -log softmax at the class: finite where its power, the perplexity, is not */
} adze_verdict;

typedef struct adze_eval_service {
  uint32_t struct_size;

  /* [callback] OPTIONS may be NULL. GRAPH is not changed, and its numbers must stay. */
  adze_status (*compile) (const adze_host *host, adze_context *context, adze_graph *graph,
                          const adze_eval_options *options, adze_evaluation **evaluation);
  /* [callback] INPUTS in the graph's order. OUTPUTS[I] becomes that of output number I, valid until
   * the next execution; there must be room for all. */
  adze_status (*execute) (const adze_host *host, adze_evaluation *evaluation,
                          const adze_view *const *inputs, const adze_view **outputs);
  adze_status (*facts) (const adze_host *host, const adze_evaluation *evaluation,
                        adze_eval_facts *facts);
  void (*release) (const adze_host *host, adze_context *context, adze_evaluation *evaluation);

  /* [callback] DATA says on which data, for the protocol. MOST: k of top_k; of values 0. */
  adze_status (*judge) (const adze_host *host, adze_context *context, uint32_t kind,
                        const char *data, uint32_t most, adze_judge **judge);
  /* [callback] One batch. Classes: WANTED are whole numbers, of OUTPUT's shape without dimension 1.
   * A label that is no class is refused. */
  adze_status (*add) (const adze_host *host, adze_judge *judge, const adze_view *output,
                      const adze_view *wanted);
  void (*verdict) (const adze_host *host, const adze_judge *judge, adze_verdict *verdict);

  /* [callback] GRAPH is computed once more, with OPTIONS and INPUTS as for compile and execute, since VALUE came
   * out with numbers that are none (NaN, or without end): fails with which node, or which loss of
   * adze.train/1, was the first to give one on the way there. ADZE_OK, and nothing is said, where that cannot
   * be told. */
  adze_status (*blame) (const adze_host *host, adze_context *context, adze_graph *graph,
                        const adze_eval_options *options, uint32_t value,
                        const adze_view *const *inputs);
} adze_eval_service;

static inline const adze_eval_service *
adze_eval_of (const adze_host *host)
{
  return (const adze_eval_service *)host->service (host, ADZE_EVAL);
}

ADZE_END_DECLS

#endif
