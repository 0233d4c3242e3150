/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate: how good a network is on data, how sure that is, and what it takes. Every number is told
 * with the way it was come by; without data there is none. */
#include <math.h>
#include <string.h>

#include "evaluate.h"

static const adze_param params[] = {
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1048576]",
    .unit = "examples", .help = "at once; 0: as many as the network is made for, else 256" },
  { .name = "measure", .type = ADZE_PARAM_CHOICE, .preset = "auto",
    .choices = "auto|classes|values",
    .help = "what the target is: class numbers, numbers to be met, or what its type says" },
  { .name = "top", .type = ADZE_PARAM_INT, .preset = "5", .range = "[1, 1000000]",
    .help = "k of the metric top-k: the class is among the k highest scores" },
  { .name = "interval", .type = ADZE_PARAM_FLOAT, .preset = "0.95", .range = "(0, 1)",
    .help = "how sure it is that the accuracy lies between its low and its high" },
  { .name = "resamples", .type = ADZE_PARAM_INT, .preset = "1000", .range = "[0, 1000000]",
    .help = "how often the examples are drawn anew for that; 0: no interval" },
  { .name = "latency-runs", .type = ADZE_PARAM_INT, .preset = "50", .range = "[0, 1000000]",
    .help = "how often a batch is timed; 0: not at all" },
  { .name = "latency-batch", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1048576]",
    .unit = "examples", .help = "in it; 0: as many as the network is made for, else one" },
  { .name = "warm-up", .type = ADZE_PARAM_INT, .preset = "10", .range = "[0, 1000000]",
    .help = "how often it goes through before it is timed" },
  { .name = "arithmetic", .type = ADZE_PARAM_CHOICE, .preset = "both",
    .choices = "both|floats|integers",
    .help = "of a quantised network: as it is written, with floats between its codes; in integers; or "
            "both, and how far apart they are" },
  ADZE_FEED_PARAMS,
  { .name = NULL }
};

/* An instance is its parameters. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)host;
  *instance = (void *)(uintptr_t)values;
  return ADZE_OK;
}

/* They are the host's. */
static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- What is told. */

typedef struct metric {
  const char *name, *unit;
  double value;
} metric;

enum { METRICS = 24 };

/* Of a quantised network: what becomes of it in integers. */
static size_t
list_integers (const evaluate_run *e, metric *list)
{
  size_t count = 0;
  if (e->both && e->classes) {
    list[count++] = (metric){ "integer-accuracy", NULL, e->integers.accuracy };
    list[count++] = (metric){ "integer-agreement", NULL,
                              (double)e->agreeing / (double)e->compared };
  } else if (e->both)
    list[count++] = (metric){ "integer-mse", NULL, e->integers.squares };
  if (e->both)
    list[count++] = (metric){ "integer-difference", NULL, e->apart };
  if (e->integer_nodes > 0) {
    list[count++] = (metric){ "integer-nodes", NULL, (double)e->integer_nodes };
    list[count++] = (metric){ "float-nodes", NULL, (double)e->float_nodes };
  }
  return count;
}

static size_t
list_metrics (const evaluate_run *e, metric list[METRICS])
{
  const adze_verdict *v = &e->verdict;
  double loss = e->classes ? v->surprise : v->squares;
  size_t count = 0;
  list[count++] = (metric){ "loss", NULL, loss };
  if (e->classes) {
    list[count++] = (metric){ "accuracy", NULL, v->accuracy };
    list[count++] = (metric){ "accuracy-low", NULL, e->low };
    list[count++] = (metric){ "accuracy-high", NULL, e->high };
    /* All classes are among the highest of all: that says nothing. */
    list[count++] = (metric){ "top-k", NULL, v->most < v->classes ? v->top_k : NAN };
    list[count++] = (metric){ "macro-f1", NULL, v->macro_f1 };
    /* Of a loss beyond 709 no number is large enough. */
    list[count++] = (metric){ "perplexity", NULL, isfinite (v->perplexity) ? v->perplexity : NAN };
  } else
    list[count++] = (metric){ "mse", NULL, v->squares };
  list[count++] = (metric){ "examples", NULL, (double)v->examples };
  list[count++] = (metric){ "delegated", NULL, (double)e->facts.delegated };
  list[count++] = (metric){ "memory", "bytes", (double)(e->facts.values + e->facts.constants) };
  list[count++] = (metric){ "size", "bytes", (double)e->size };
  list[count++] = (metric){ "parameters", NULL, (double)e->parameters };
  return count + list_integers (e, list + count);
}

static adze_field
text_field (const char *key, const char *value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static adze_field
count_field (const char *key, uint64_t value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)value } };
}

static adze_field
real_field (const char *key, double value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
}

static adze_status
tell_protocol (const evaluate_run *e)
{
  const adze_verdict *v = &e->verdict;
  const adze_field fields[] = {
    text_field ("target", e->target),
    text_field ("measure", e->classes ? "classes" : "values"),
    text_field ("arithmetic", e->in_floats ? "floats" : "integers"),
    count_field ("examples", v->examples),
    count_field ("batches", v->batches),
    count_field ("batch", v->batch),
    count_field ("classes", v->classes),
    count_field ("top", v->most),
    count_field ("resamples", (uint64_t)adze_param_int (e->host, e->params, "resamples")),
    real_field ("interval", adze_param_float (e->host, e->params, "interval")),
    text_field ("backend", e->backend),
    text_field ("identity", e->identity),
  };
  return adze_row (e->host, "protocol", fields, sizeof fields / sizeof fields[0]);
}

/* Times are other ones each time, so they are in no report. */
static adze_status
tell_latency (const evaluate_run *e)
{
  if (isnan (e->p50))
    return ADZE_OK;
  const adze_field fields[] = {
    real_field ("p50", e->p50),
    real_field ("p95", e->p95),
    count_field ("batch", e->latency_batch),
    count_field ("warm-up", e->warm_up),
    count_field ("runs", e->runs),
    count_field ("threads", e->facts.threads),
    text_field ("backend", e->backend),
    text_field ("identity", e->identity),
  };
  adze_status status = adze_row (e->host, "latency", fields, sizeof fields / sizeof fields[0]);
  if (status == ADZE_OK)
    status = adze_metric (e->host, "latency-p50", e->p50, "s");
  return status == ADZE_OK ? adze_metric (e->host, "latency-p95", e->p95, "s") : status;
}

static adze_status
tell_all (const evaluate_run *e)
{
  metric list[METRICS];
  size_t count = list_metrics (e, list);
  adze_status status = tell_protocol (e);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    if (!isnan (list[i].value))
      status = adze_metric (e->host, list[i].name, list[i].value, list[i].unit);
  return status == ADZE_OK ? tell_latency (e) : status;
}

/* ---- What is given. */

static void
report_protocol (const evaluate_run *e, adze_report *r)
{
  const adze_host *host = e->host;
  const adze_verdict *v = &e->verdict;
  adze_report_open (host, r, "protocol", "{");
  adze_report_text (host, r, "target", e->target);
  adze_report_text (host, r, "measure", e->classes ? "classes" : "values");
  adze_report_text (host, r, "arithmetic", e->in_floats ? "floats" : "integers");
  adze_report_count (host, r, "batch", v->batch);
  adze_report_count (host, r, "batches", v->batches);
  if (e->classes) {
    adze_report_count (host, r, "classes", v->classes);
    adze_report_count (host, r, "top", v->most);
    adze_report_number (host, r, "interval", adze_param_float (host, e->params, "interval"));
    adze_report_count (host, r, "resamples",
                       (uint64_t)adze_param_int (host, e->params, "resamples"));
  }
  adze_report_text (host, r, "backend", e->backend);
  adze_report_text (host, r, "identity", e->identity);
  adze_report_close (host, r, "}");
}

static adze_status
give_report (const evaluate_run *e)
{
  adze_report r = { .status = ADZE_OK };
  metric list[METRICS];
  size_t count = e->data ? list_metrics (e, list) : 0;
  adze_report_open (e->host, &r, NULL, "{");
  adze_report_bool (e->host, &r, "evaluated", e->data != NULL);
  if (!e->data)
    adze_report_text (e->host, &r, "why", "no data was bound");
  for (size_t i = 0; i < count; i++)
    if (!isnan (list[i].value))
      adze_report_number (e->host, &r, list[i].name, list[i].value);
  if (e->data)
    report_protocol (e, &r);
  adze_report_close (e->host, &r, "}");
  adze_status status = r.status;
  if (status == ADZE_OK)
    status = e->run->give_bytes (e->host, e->context, "report", r.text.data, r.text.size);
  adze_bytes_release (e->host, &r.text);
  return status;
}

/* ---- A run. */

static adze_status
find_services (evaluate_run *e)
{
  e->run = adze_run_of (e->host);
  e->graphs = adze_graph_of (e->host);
  e->eval = adze_eval_of (e->host);
  if (e->run && e->graphs && e->eval)
    return ADZE_OK;
  return adze_fail (e->host, ADZE_E_UNSUPPORTED, "this host has no %s",
                    !e->run ? ADZE_RUN : !e->graphs ? ADZE_GRAPH : ADZE_EVAL);
}

static void
weigh (evaluate_run *e)
{
  for (size_t i = 0; i < e->run->tensor_count (e->host, e->model); i++) {
    const adze_tensor_meta *meta = e->run->tensor (e->host, e->model, i);
    uint64_t elements = 1;
    for (int32_t k = 0; k < meta->rank; k++)
      elements *= (uint64_t)meta->shape[k];
    e->size += meta->byte_size;
    e->parameters += elements;
  }
}

/* What is judged is not there, but what is to be judged is: a network that is broken could not be. */
static adze_status
run_without_data (const evaluate_run *e)
{
  uint32_t has = 0;
  adze_status status = e->run->has_graph (e->host, e->context, e->model, &has);
  if (status != ADZE_OK)
    return status;
  adze_log (e->host, ADZE_LOG_WARNING, "not evaluated: no data is bound; data = \"NAME\" names "
                                       "that of a table [data.NAME]");
  return give_report (e);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  evaluate_run e = { .host = host, .context = context, .params = (const adze_params *)instance };
  adze_status status = find_services (&e);
  if (status != ADZE_OK)
    return status;
  e.model = e.run->input (host, context, "model");
  e.data = e.run->input (host, context, "data");
  if (!e.data)
    return run_without_data (&e);
  const char *arithmetic = adze_param_string (host, e.params, "arithmetic");
  e.in_floats = strcmp (arithmetic, "integers") != 0;
  e.in_integers = strcmp (arithmetic, "floats") != 0;
  weigh (&e);
  status = evaluate_quality (&e);
  if (status == ADZE_OK)
    status = evaluate_latency (&e);
  if (status == ADZE_OK)
    status = give_report (&e);
  return status == ADZE_OK ? tell_all (&e) : status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the network" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "what it is evaluated on; without it there is no number" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "what was found, and how" },
  { .name = NULL }
};

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .create = create,
  .destroy = destroy,
  .run = run,
  .rehearses = 1,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "evaluate",
  .summary = "Says how good a network is on data, and what it takes",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "evaluate",
  .version = "0.1.0",
  .summary = "Networks judged by data",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (evaluate, plugin);
