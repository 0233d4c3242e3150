/* SPDX-License-Identifier: Apache-2.0 */
/* stage/eval_service.c: adze.eval/1: networks compiled and executed, and what comes out judged. */
#include <string.h>

#include "graph/metrics.h"
#include "graph/odd.h"
#include "stage/call.h"
#include "stage/networks.h"

struct adze_evaluation {
  adze_networks *networks;
  adze_executable *executable;
  size_t outputs;
};

/* The SDK's name for what counts. */
struct adze_judge {
  adze_metrics *metrics;
};

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

/* ---- Computing. */

static void
free_evaluation (void *object)
{
  adze_evaluation *evaluation = object;
  adze_executable_free (evaluation->executable);
  free (evaluation);
}

static uint64_t
absent (const void *object)
{
  const adze_evaluation *evaluation = object;
  return adze_executable_absent (evaluation->executable);
}

static adze_error *
options_of (adze_networks *networks, const adze_eval_options *options, adze_compile_options *compile)
{
  ADZE_TRY (adze_networks_options (networks, compile));
  compile->shapes = options ? options->shapes : NULL;
  compile->fixed_weights = !options || options->weights_change == 0;
  return NULL;
}

static adze_error *
compile (adze_networks *networks, adze_graph *graph, const adze_eval_options *options,
         adze_evaluation **evaluation)
{
  adze_compile_options compile;
  ADZE_TRY (options_of (networks, options, &compile));
  adze_evaluation *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (adze_networks_keep (networks, made, free_evaluation));
  made->networks = networks;
  adze_graph_outputs (graph, &made->outputs);
  adze_error *error = adze_graph_compile (graph, &compile, &made->executable);
  if (error) {
    adze_networks_drop (networks, made);
    return error;
  }
  adze_networks_weigh (networks, made, absent);
  adze_networks_tell (networks, adze_executable_facts_of (made->executable));
  *evaluation = made;
  return NULL;
}

static adze_status
eval_compile (const adze_host *host, adze_context *context, adze_graph *graph,
              const adze_eval_options *options, adze_evaluation **evaluation)
{
  adze_networks *networks = adze_networks_here (host, ADZE_EVAL " compile");
  (void)context;
  return networks ? settle (host, compile (networks, graph, options, evaluation))
                  : ADZE_E_UNSUPPORTED;
}

static adze_status
eval_execute (const adze_host *host, adze_evaluation *evaluation, const adze_view *const *inputs,
              const adze_view **outputs)
{
  adze_networks *networks = adze_networks_here (host, ADZE_EVAL " execute");
  if (!networks)
    return ADZE_E_UNSUPPORTED;
  if (adze_networks_rehearses (networks)) {
    adze_networks_look (networks);
    return ADZE_E_CANCELLED;
  }
  return settle (host, adze_execute (evaluation->executable, inputs, outputs));
}

/* ---- Numbers that are none. */

static adze_error *
find_odd (adze_networks *networks, adze_graph *graph, const adze_eval_options *options, uint32_t value,
          const adze_view *const *inputs, adze_buffer *into)
{
  adze_compile_options compile;
  ADZE_AUTO_GRAPH copy = NULL;
  bool given = false;
  const uint32_t *order;
  size_t count;
  const adze_odd_search search = { .graph = graph, .network = adze_graph_node_count (graph), .from = &value,
                                   .from_count = 1 };
  ADZE_TRY (options_of (networks, options, &compile));
  ADZE_TRY (adze_graph_order (graph, &order, &count));
  ADZE_TRY (adze_graph_copy (graph, &copy));
  return adze_odd_find (&search, copy, &compile, inputs, &given, into);
}

/* That something is wrong is known already: what keeps this from telling more is no second failure. */
static adze_status
eval_blame (const adze_host *host, adze_context *context, adze_graph *graph,
            const adze_eval_options *options, uint32_t value, const adze_view *const *inputs)
{
  adze_networks *networks = adze_networks_here (host, ADZE_EVAL " blame");
  ADZE_AUTO (adze_buffer) found = { 0 };
  (void)context;
  if (!networks || adze_networks_rehearses (networks))
    return ADZE_OK;
  ADZE_AUTO_ERROR error = find_odd (networks, graph, options, value, inputs, &found);
  return error || !found.data ? ADZE_OK
                              : settle (host, adze_error_new (ADZE_E_LIMIT, "%s", found.data));
}

static adze_status
eval_facts (const adze_host *host, const adze_evaluation *evaluation, adze_eval_facts *facts)
{
  (void)host;
  adze_networks_facts (evaluation->networks, adze_executable_facts_of (evaluation->executable),
                       facts);
  return ADZE_OK;
}

static void
eval_release (const adze_host *host, adze_context *context, adze_evaluation *evaluation)
{
  (void)host;
  (void)context;
  if (evaluation)
    adze_networks_drop (evaluation->networks, evaluation);
}

/* ---- Judging. */

static void
free_judge (void *object)
{
  adze_judge *judge = object;
  adze_metrics_free (judge->metrics);
  free (judge);
}

static adze_error *
open_judge (adze_networks *networks, uint32_t kind, const char *data, uint32_t most,
            adze_judge **judge)
{
  if (kind != ADZE_JUDGE_CLASSES && kind != ADZE_JUDGE_VALUES)
    return adze_error_new (ADZE_E_CONTRACT, "there is no kind %u of judging what comes out", kind);
  adze_judge *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (adze_networks_keep (networks, made, free_judge));
  adze_error *error = adze_metrics_new (
      kind == ADZE_JUDGE_CLASSES ? ADZE_METRICS_CLASSES : ADZE_METRICS_VALUES, data, most,
      &made->metrics);
  if (error) {
    adze_networks_drop (networks, made);
    return error;
  }
  *judge = made;
  return NULL;
}

static adze_status
eval_judge (const adze_host *host, adze_context *context, uint32_t kind, const char *data,
            uint32_t most, adze_judge **judge)
{
  adze_networks *networks = adze_networks_here (host, ADZE_EVAL " judge");
  (void)context;
  return networks ? settle (host, open_judge (networks, kind, data, most, judge))
                  : ADZE_E_UNSUPPORTED;
}

static adze_status
eval_add (const adze_host *host, adze_judge *judge, const adze_view *output,
          const adze_view *wanted)
{
  return settle (host, adze_metrics_add (judge->metrics, output, wanted));
}

static void
eval_verdict (const adze_host *host, const adze_judge *judge, adze_verdict *verdict)
{
  adze_metrics_result r;
  (void)host;
  adze_metrics_result_of (judge->metrics, &r);
  const adze_verdict all = { .struct_size = sizeof all,
                             .classes = r.protocol.classes,
                             .examples = r.protocol.examples,
                             .batches = r.protocol.batches,
                             .batch = r.protocol.batch,
                             .most = r.protocol.most,
                             .accuracy = r.accuracy,
                             .top_k = r.top_k,
                             .macro_f1 = r.macro_f1,
                             .perplexity = r.perplexity,
                             .surprise = r.surprise,
                             .squares = r.squares };
  uint32_t size = verdict->struct_size < sizeof all ? verdict->struct_size : (uint32_t)sizeof all;
  memcpy (verdict, &all, size);
  verdict->struct_size = size;
}

const adze_eval_service adze_eval_services = {
  .struct_size = sizeof adze_eval_services,
  .compile = eval_compile,
  .execute = eval_execute,
  .facts = eval_facts,
  .release = eval_release,
  .judge = eval_judge,
  .add = eval_add,
  .verdict = eval_verdict,
  .blame = eval_blame,
};
