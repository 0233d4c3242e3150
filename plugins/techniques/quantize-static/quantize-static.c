/* SPDX-License-Identifier: Apache-2.0 */
/* quantize-static: weights and what flows into them become codes of 8 bits and fewer, with ranges of data that was seen.
 *
 * The network that goes out computes with codes where the one that came in had floats: as QuantizeLinear and
 * DequantizeLinear around its products, or with operators of integers. */
#include <string.h>

#include "static.h"

#define LAYER_PARAMS \
  { .name = "weight-range", .type = ADZE_PARAM_CHOICE, .preset = "max", .choices = "max|mse", \
    .help = "scales that reach the largest number, or that lose the fewest squares" }, \
  { .name = "bias-correction", .type = ADZE_PARAM_BOOL, .preset = "false", \
    .help = "what codes move a channel by in the mean is taken off its bias" }, \
  { .name = "bits", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_INT, .preset = "{}", .range = "[2, 8]", \
    .help = "weight-bits of layers by a pattern of their node's or weight's name" }, \
  { .name = "float", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]", \
    .help = "patterns of nodes or weights that stay as they are" }, \
  { .name = "ops", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_CHOICE, \
    .preset = "[\"Conv\", \"Gemm\", \"MatMul\"]", .choices = "Conv|Gemm|MatMul", \
    .help = "operators whose layers become codes" }, \
  { .name = "samples", .type = ADZE_PARAM_INT, .preset = "1024", .range = "[0, 1000000000]", .unit = "examples", \
    .help = "of the data that are looked at, in whole batches; 0: all" }, \
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1048576]", .unit = "examples", \
    .help = "at once; 0: as many as the network is made for, else 64" }

static const adze_param static_params[] = {
  { .name = "activations", .type = ADZE_PARAM_CHOICE, .preset = "u8", .choices = "u8|s8|float",
    .help = "codes of what flows into layers; float: weights alone become codes" },
  { .name = "range", .type = ADZE_PARAM_CHOICE, .preset = "min-max",
    .choices = "min-max|moving-average|percentile|entropy|mse",
    .help = "how the range of those codes is found" },
  { .name = "percentile", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 100]", .unit = "%",
    .help = "range = percentile: so many numbers lie within each end; 0: 99.99" },
  { .name = "averaging", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "range = moving-average: what each batch counts; 0: 0.1" },
  { .name = "symmetric", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "as many codes of activations below 0 as above it" },
  { .name = "weight-bits", .type = ADZE_PARAM_INT, .preset = "8", .range = "[2, 8]", .unit = "bits",
    .help = "of weights; codes of fewer than 8 lie in bytes all the same" },
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "channel", .choices = "channel|tensor",
    .help = "what of a weight shares a scale" },
  { .name = "rounding", .type = ADZE_PARAM_CHOICE, .preset = "nearest", .choices = "nearest|adaround",
    .help = "of weights: to the nearest code, or as it changes least what the layer gives" },
  { .name = "damping", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "rounding = adaround: how much data counts that was not seen, as a share of what was; 0: 0.01" },
  { .name = "equalise", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "channels that one layer hands to the next get weights as large in both" },
  { .name = "smooth", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "alpha of SmoothQuant: how much of the range of what flows goes into the weights; 0: none" },
  { .name = "form", .type = ADZE_PARAM_CHOICE, .preset = "qdq", .choices = "qdq|integers",
    .help = "QuantizeLinear and DequantizeLinear around products, or operators of integers" },
  LAYER_PARAMS,
  ADZE_FEED_PARAMS,
  { .name = NULL }
};

static const adze_param gptq_params[] = {
  { .name = "weight-bits", .type = ADZE_PARAM_INT, .preset = "4", .range = "[2, 8]", .unit = "bits",
    .help = "of weights; codes of fewer than 8 lie in bytes all the same" },
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 1048576]", .unit = "weights",
    .help = "of a channel that share a scale; 0: all of them" },
  { .name = "block", .type = ADZE_PARAM_INT, .preset = "128", .range = "[1, 1048576]", .unit = "weights",
    .help = "that are coded before those behind them make up for it" },
  { .name = "damping", .type = ADZE_PARAM_FLOAT, .preset = "0.01", .range = "[0, 1]",
    .help = "how much data counts that was not seen, as a share of what was" },
  { .name = "act-order", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "weights through which the most flows are coded first" },
  { .name = "keep-zeros", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "patterns of nodes or weights whose zeros stay zero: what was pruned stays so" },
  LAYER_PARAMS,
  ADZE_FEED_PARAMS,
  { .name = NULL }
};

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1, .help = "a network in floats" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what flows through it while it is looked at" },
  { .name = "held-out", .type = "dataset", .direction = ADZE_PORT_IN,
    .help = "what tells the error of each layer; without it, that is told of the data, or not at all" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the network with codes" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT,
    .help = "its layers, their ranges and their errors" },
  { .name = NULL }
};

/* ---- An instance. */

typedef struct instance_of {
  const adze_params *params;
  bool gptq;
} instance_of;

static adze_status
create (const adze_host *host, const adze_params *values, bool gptq, void **instance)
{
  static_settings settings;
  instance_of *made = (instance_of *)host->allocate (host, sizeof *made);
  if (!made)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *made = (instance_of){ .params = values, .gptq = gptq };
  adze_status status = static_settings_read (host, values, gptq, &settings);
  if (status == ADZE_OK)
    *instance = made;
  else
    host->release (host, made);
  return status;
}

static adze_status
create_static (const adze_host *host, const adze_params *values, void **instance)
{
  return create (host, values, false, instance);
}

static adze_status
create_gptq (const adze_host *host, const adze_params *values, void **instance)
{
  return create (host, values, true, instance);
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

/* ---- At work. */

static adze_status
find_services (static_run *s)
{
  s->run = adze_run_of (s->host);
  s->graphs = adze_graph_of (s->host);
  s->tap = adze_tap_of (s->host);
  if (s->run && s->graphs && s->tap)
    return ADZE_OK;
  return adze_fail (s->host, ADZE_E_UNSUPPORTED, "this host has no %s, which ranges are found with",
                    !s->run ? ADZE_RUN : !s->graphs ? ADZE_GRAPH : ADZE_TAP);
}

/* Batch normalisations and added vectors belong to the layers in front of them before these become codes. */
static adze_status
open_network (static_run *s)
{
  enum { PASSES = ADZE_PASS_CONSTANTS | ADZE_PASS_IDENTITIES | ADZE_PASS_BATCH_NORM | ADZE_PASS_BIAS | ADZE_PASS_DEAD };
  uint64_t changed[ADZE_GRAPH_PASSES] = { 0 };
  s->model = s->run->input (s->host, s->context, "model");
  s->data = s->run->input (s->host, s->context, "data");
  s->held_out = s->run->input (s->host, s->context, "held-out");
  if (!s->model || !s->data)
    return adze_fail (s->host, ADZE_E_NOT_FOUND, "there is no %s", s->model ? "data" : "model");
  adze_status status = s->run->graph (s->host, s->context, s->model, &s->graph);
  if (status == ADZE_OK)
    status = adze_damage_refuse (s->host, s->graph, "model");
  if (status == ADZE_OK)
    status = adze_run_give_others (s->host, s->context, s->model, s->graph, "model");
  if (status == ADZE_OK)
    status = s->graphs->optimise (s->host, s->graph, PASSES, changed);
  return status == ADZE_OK ? s->graphs->verify (s->host, s->graph) : status;
}

/* Where codes were asked for and there are none, something else was done than was asked for. */
static adze_status
tell_fallbacks (const static_run *s)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < s->left_count; i++)
    if (s->left[i].asked)
      status = adze_fallback (s->host, s->left[i].name, "codes", "floats", s->left[i].why);
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    if (s->layers[i].fell_back)
      status = adze_fallback (s->host, s->layers[i].weight_name, "GPTQ", "the nearest codes",
                              s->layers[i].fell_back == FELL_ODD
                                  ? "its input had numbers that were none (NaN, or without end) with this data"
                                  : "the sums of what flows in have no inverse; more damping, or more data, gives them one");
  return status;
}

static adze_status
check_any (const static_run *s)
{
  if (s->layer_count > 0)
    return ADZE_OK;
  return adze_fail (s->host, ADZE_E_UNSUPPORTED,
                    "no layer of the network can become codes: of %llu products, %llu were to stay as they are, and "
                    "%zu cannot%s%s%s%s; needed is a Conv, Gemm or MatMul of float32 with a weight",
                    (unsigned long long)s->products, (unsigned long long)s->skipped, s->left_count,
                    s->left_count ? ", the first '" : "", s->left_count ? s->left[0].name : "",
                    s->left_count ? "', since " : "", s->left_count ? s->left[0].why : "");
}

static adze_status
put_into_integers (static_run *s)
{
  enum { INTEGERS = 6 }; /* ADZE_PASS_INTEGERS is 1 << INTEGERS */
  enum { PASSES = ADZE_PASS_CONSTANTS | ADZE_PASS_DEAD | ADZE_PASS_INTEGERS };
  uint64_t changed[ADZE_GRAPH_PASSES] = { 0 };
  adze_status status = s->graphs->optimise (s->host, s->graph, PASSES, changed);
  s->in_integers = changed[INTEGERS];
  if (status == ADZE_OK && s->in_integers == 0)
    return adze_fail (s->host, ADZE_E_UNSUPPORTED, "form = \"integers\": no layer of the network can be computed in "
                                                   "integers; form = \"qdq\" leaves that to whoever runs it");
  return status;
}

/* What changes the floats, and leaves what they compute. */
static adze_status
prepare_floats (static_run *s)
{
  adze_status status = static_equalise (s);
  if (status == ADZE_OK)
    status = static_smooth (s);
  return status == ADZE_OK ? static_give_biases (s) : status;
}

static adze_status
find_codes (static_run *s)
{
  adze_status status = static_find_ranges (s);
  if (status == ADZE_OK)
    status = check_any (s);
  if (status == ADZE_OK)
    status = static_note_means (s);
  if (status == ADZE_OK)
    status = static_code_weights (s);
  if (status == ADZE_OK)
    status = static_round (s);
  for (size_t i = 0; i < s->layer_count; i++)
    static_weigh_codes (&s->layers[i]);
  return status;
}

static adze_status
write_network (static_run *s)
{
  adze_status status = static_write_nodes (s);
  if (status == ADZE_OK)
    status = static_correct (s);
  if (status == ADZE_OK)
    status = s->set.integers ? put_into_integers (s) : static_write_biases (s);
  if (status == ADZE_OK)
    status = s->graphs->verify (s->host, s->graph);
  return status;
}

static adze_status
work (static_run *s, bool gptq)
{
  adze_status status = find_services (s);
  if (status == ADZE_OK)
    status = static_settings_read (s->host, s->params, gptq, &s->set);
  if (status == ADZE_OK)
    status = open_network (s);
  if (status == ADZE_OK)
    status = static_find_layers (s);
  if (status == ADZE_OK)
    status = check_any (s);
  if (status == ADZE_OK)
    status = prepare_floats (s);
  if (status == ADZE_OK)
    status = find_codes (s);
  if (status == ADZE_OK)
    status = write_network (s);
  if (status == ADZE_OK)
    status = tell_fallbacks (s);
  if (status == ADZE_OK)
    status = s->run->give_graph (s->host, s->context, "model", s->graph);
  if (status == ADZE_OK)
    status = static_give_report (s);
  return status == ADZE_OK ? static_tell (s) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const instance_of *self = (const instance_of *)instance;
  static_run s = { .host = host, .context = context, .params = self->params };
  adze_status status = work (&s, self->gptq);
  static_end_layers (&s);
  return status;
}

/* ---- The plugin. */

/* To the nearest code, or to one of its neighbours, zeros stay of themselves; GPTQ lets them make up for others. */
static const char *const breaks[] = { ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };
static const char *const static_keeps[] = { NULL };
static const char *const gptq_keeps[] = { ADZE_TRAIT_SPARSITY, "keep-zeros", ADZE_TRAIT_NM, "keep-zeros", NULL };

#define CALIBRATED(name, says, identifier) \
  static const adze_technique identifier##_callbacks = { \
    .struct_size = sizeof identifier##_callbacks, \
    .effect = ADZE_CHANGES, \
    .ports = ports, \
    .port_size = sizeof (adze_port), \
    .breaks = breaks, \
    .create = create_##identifier, \
    .destroy = destroy, \
    .run = run, \
    .rehearses = 1, \
    .keeps = identifier##_keeps, \
  }; \
  static const adze_component identifier##_component = { \
    .struct_size = sizeof identifier##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = says, \
    .params = identifier##_params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_INSTANCE, \
    .callbacks = &identifier##_callbacks, \
  }

CALIBRATED ("quantize-static", "Makes a network one of integers, with ranges of data that was seen", static);
CALIBRATED ("quantize-gptq", "Makes weights codes that make up for each other, by data that was seen", gptq);

static const adze_component *const components[] = { &static_component, &gptq_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "quantize-static",
  .version = "0.1.0",
  .summary = "Networks of integers, calibrated",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (quantize_static, plugin);
