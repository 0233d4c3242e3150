/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques that do other than they say, and two honest ones beside them, for tests of what a host
 * notices. All work on f32 and pass over what is none.
 *
 *   liar-shape      announces f16 and gives f32
 *   liar-lazy       announces f16 and gives nothing
 *   liar-extra      claims to inspect and asks for an output
 *   liar-sparsity   claims to preserve adze.sparsity/1, and adds to every number
 *   liar-silent     adds to every number and says nothing of traits
 *   liar-breaks     the same, and says that it breaks adze.sparsity/1
 *   liar-claim      says that what it gives has adze.nm/1, and does nothing for it
 *   liar-idle       claims to change and leaves all as it was; with copy = true by giving the same
 *   liar-half       gives one of two outputs
 *   liar-fallback   tells a fallback in apply
 *   liar-early      tells a fallback in create, or in describe
 *   liar-metric     tells a metric in apply
 *   liar-spy        inspects, and writes into what it looks at, in apply
 *   liar-watch      the same in observe
 *   liar-scratch    changes its input in place first, and gives what that comes to
 *   liar-word       describes one thing before decide and another one afterwards
 *   liar-refuse     gives up in apply with whatever status it is told, known or not
 *   liar-run        honest: run; gives a model, a report, and keeps a checkpoint
 *   liar-threshold  honest: zeroes what is below a share of the largest of all, in two rounds
 */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

/* ---- What they share. */

static bool
is_float (const adze_tensor *input)
{
  return adze_view_is (&input->view, ADZE_FLOAT, 32);
}

static adze_status
add (const adze_host *host, adze_call *call, const adze_tensor *input, float number)
{
  adze_view out;
  if (!is_float (input))
    return ADZE_OK;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *to = adze_view_data (&out);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    to[i] = from[i] + number;
  return ADZE_OK;
}

static adze_status
apply_add (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  return add (host, call, input, 1);
}

/* Calls EACH for every f32 of port 0. */
static adze_status
for_floats (const adze_host *host, adze_outline *outline,
            adze_status (*each) (const adze_host *host, adze_outline *outline, adze_pick pick))
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    adze_dtype dtype = service->tensor (host, outline, pick)->dtype;
    if (dtype.code == ADZE_FLOAT && dtype.bits == 32 && dtype.lanes == 1)
      status = each (host, outline, pick);
  }
  return status;
}

/* ---- Outputs that were not announced. */

static adze_status
announce_half (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  return adze_outline_retype (host, outline, pick, (adze_dtype){ ADZE_FLOAT, 16, 1 },
                              "f32 -> f16");
}

static adze_status
describe_half (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  return for_floats (host, outline, announce_half);
}

static const adze_technique shape = {
  .struct_size = sizeof shape,
  .effect = ADZE_CHANGES,
  .describe = describe_half,
  .apply = apply_add,
};

static adze_status
apply_nothing (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)instance;
  (void)call;
  (void)input;
  return ADZE_OK;
}

static const adze_technique lazy = {
  .struct_size = sizeof lazy,
  .effect = ADZE_CHANGES,
  .describe = describe_half,
  .apply = apply_nothing,
};

static const adze_technique extra = {
  .struct_size = sizeof extra,
  .effect = ADZE_INSPECTS,
  .apply = apply_add,
};

static adze_status
announce_two (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  char name[300];
  const adze_tensor_meta *input = adze_outline_of (host)->tensor (host, outline, pick);
  adze_tensor_meta both[] = { *input, *input };
  snprintf (name, sizeof name, "%s.rest", input->name);
  both[1].name = name;
  adze_group group = { sizeof group, 1, &pick, both, 2, sizeof both[0], 0, 0, "two of one", 0, 0, 0 };
  return adze_outline_of (host)->group (host, outline, &group);
}

static adze_status
describe_two (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  return for_floats (host, outline, announce_two);
}

static const adze_technique half = {
  .struct_size = sizeof half,
  .effect = ADZE_CHANGES,
  .describe = describe_two,
  .apply = apply_add,
};

/* ---- Traits. */

static const char *const sparsity_trait[] = { ADZE_TRAIT_SPARSITY, NULL };

static const adze_technique sparsity = {
  .struct_size = sizeof sparsity,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .preserves = sparsity_trait,
  .apply = apply_add,
};

static const adze_technique silent = {
  .struct_size = sizeof silent,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .apply = apply_add,
};

static const adze_technique breaks = {
  .struct_size = sizeof breaks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .breaks = sparsity_trait,
  .apply = apply_add,
};

static adze_status
announce_nm (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  const char *name = adze_outline_of (host)->tensor (host, outline, pick)->name;
  adze_status status = adze_outline_like (host, outline, pick, "one more");
  if (status != ADZE_OK)
    return status;
  return adze_outline_of (host)->set_trait (host, outline, name, ADZE_TRAIT_NM,
                                            "{\"n\": 1, \"m\": 4}");
}

static adze_status
describe_nm (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  return for_floats (host, outline, announce_nm);
}

static const adze_technique claim = {
  .struct_size = sizeof claim,
  .effect = ADZE_CHANGES,
  .describe = describe_nm,
  .apply = apply_add,
};

/* ---- Nothing done. */

static const adze_param idle_params[] = {
  { .name = "copy", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "give the same bytes instead of nothing" },
  { .name = NULL }
};

static adze_status
apply_idle (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  if (!adze_param_bool (host, adze_call_params (host, call), "copy"))
    return ADZE_OK;
  return add (host, call, input, -0.0f);
}

static const adze_technique idle = {
  .struct_size = sizeof idle,
  .effect = ADZE_CHANGES,
  .apply = apply_idle,
};

/* ---- Words out of place. */

static adze_status
apply_fallback (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_status status = adze_fallback (host, input->name, "twice as much", "one more",
                                      "it is easier");
  return status == ADZE_OK ? apply_add (host, instance, call, input) : status;
}

static const adze_technique fallback = {
  .struct_size = sizeof fallback,
  .effect = ADZE_CHANGES,
  .apply = apply_fallback,
};

/* Before anything runs. */
static const adze_param early_params[] = {
  { .name = "where", .type = ADZE_PARAM_CHOICE, .preset = "create", .choices = "create|describe",
    .help = "in which callback it tells the fallback" },
  { .name = NULL }
};

static adze_status
early_fallback (const adze_host *host)
{
  return adze_fallback (host, NULL, "twice as much", "one more", "it is easier");
}

static adze_status
early_create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)adze_param_string (host, params, "where");
  return strcmp (*instance, "create") == 0 ? early_fallback (host) : ADZE_OK;
}

static void
early_destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static adze_status
announce_same (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  return adze_outline_like (host, outline, pick, "one more");
}

static adze_status
early_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  adze_status status = for_floats (host, outline, announce_same);
  return status == ADZE_OK && strcmp (instance, "describe") == 0 ? early_fallback (host) : status;
}

static const adze_technique early = {
  .struct_size = sizeof early,
  .effect = ADZE_CHANGES,
  .create = early_create,
  .destroy = early_destroy,
  .describe = early_describe,
  .apply = apply_add,
};

static adze_status
apply_metric (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_status status = adze_metric (host, "pieces", 1, NULL);
  return status == ADZE_OK ? apply_add (host, instance, call, input) : status;
}

static const adze_technique metric = {
  .struct_size = sizeof metric,
  .effect = ADZE_CHANGES,
  .apply = apply_metric,
};

/* ---- The honest threshold: the largest magnitude, then how many lie above a share of it. */

static const adze_param threshold_params[] = {
  { .name = "share", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1]",
    .help = "of the largest magnitude: what is below becomes zero" },
  { .name = "fall", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "tell of a fallback in decide" },
  { .name = NULL }
};

typedef struct threshold_state {
  double share;
  bool fall;
  float largest;
  float threshold;
  uint32_t rounds;
} threshold_state;

/* Zeros are the empty one. */
typedef struct threshold_sum {
  uint64_t above;
  uint64_t all;
  float largest;
  uint32_t reserved;
} threshold_sum;

static adze_status
threshold_create (const adze_host *host, const adze_params *params, void **instance)
{
  threshold_state *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->share = adze_param_float (host, params, "share");
  self->fall = adze_param_bool (host, params, "fall");
  *instance = self;
  return ADZE_OK;
}

static void
threshold_destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
announce_zeros (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  return adze_outline_like (host, outline, pick, "below the threshold -> 0");
}

static adze_status
threshold_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  return for_floats (host, outline, announce_zeros);
}

static size_t
threshold_accumulator (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
  return sizeof (threshold_sum);
}

static float
magnitude (float number)
{
  return number < 0 ? -number : number;
}

static adze_status
threshold_observe (const adze_host *host, void *instance, adze_call *call,
                   const adze_tensor *input, void *accumulator)
{
  const threshold_state *self = instance;
  threshold_sum *sum = accumulator;
  const float *from = adze_view_data (&input->view);
  (void)host;
  (void)call;
  for (size_t i = 0; i < adze_view_count (&input->view); i++) {
    float own = magnitude (from[i]);
    sum->all++;
    sum->above += self->rounds > 0 && own >= self->threshold;
    if (own > sum->largest)
      sum->largest = own;
  }
  return ADZE_OK;
}

static adze_status
threshold_merge (const adze_host *host, void *instance, void *left, const void *right)
{
  threshold_sum *to = left;
  const threshold_sum *from = right;
  (void)host;
  (void)instance;
  to->above += from->above;
  to->all += from->all;
  if (from->largest > to->largest)
    to->largest = from->largest;
  return ADZE_OK;
}

static adze_status
threshold_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
                  bool *again)
{
  threshold_state *self = instance;
  const threshold_sum *sum = accumulator;
  (void)call;
  if (self->rounds++ == 0) {
    self->largest = sum->largest;
    self->threshold = (float)(self->share * sum->largest);
    *again = true;
    return ADZE_OK;
  }
  adze_status status = adze_metric (host, "threshold", self->threshold, NULL);
  if (status == ADZE_OK)
    status = adze_achieved (host, "kept", sum->all > 0 ? 1 - self->share : 0,
                            sum->all > 0 ? (double)sum->above / (double)sum->all : 0);
  if (status == ADZE_OK && self->fall)
    status = adze_fallback (host, NULL, "the exact median", "half of the largest", "it is near");
  return status;
}

static adze_status
threshold_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const threshold_state *self = instance;
  adze_view out;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *to = adze_view_data (&out);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    to[i] = magnitude (from[i]) < self->threshold ? 0 : from[i];
  return ADZE_OK;
}

static const adze_technique threshold = {
  .struct_size = sizeof threshold,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .accumulate = ADZE_OVER_STAGE,
  .preserves = sparsity_trait,
  .create = threshold_create,
  .destroy = threshold_destroy,
  .describe = threshold_describe,
  .accumulator = threshold_accumulator,
  .observe = threshold_observe,
  .merge = threshold_merge,
  .decide = threshold_decide,
  .apply = threshold_apply,
};

/* ---- The honest run. */

static const adze_param run_params[] = {
  { .name = "do", .type = ADZE_PARAM_CHOICE, .preset = "all", .choices = "all|stop|fail|crash|thread",
    .help = "crash: after it has saved a checkpoint, unless one was there; stop: asks whether to go "
            "on until it is told not to" },
  { .name = NULL }
};

static const adze_port run_ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what is to be negated" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .help = "examples to count" },
  { .name = "words", .type = "text", .direction = ADZE_PORT_IN, .help = "what the report repeats" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "the negated" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "what there was" },
  { .name = NULL }
};

static adze_status
run_create (const adze_host *host, const adze_params *params, void **instance)
{
  *instance = (void *)adze_param_string (host, params, "do");
  return ADZE_OK;
}

static void
run_destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* In two reads where it can be. */
static adze_status
negate (const adze_host *host, adze_context *context, adze_artifact *model, size_t index)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_tensor_meta *meta = run->tensor (host, model, index);
  size_t size = (size_t)meta->byte_size, middle = size / 8 * 4;
  char *bytes = host->allocate (host, size + 1);
  if (!bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for '%s'", meta->name);
  adze_status status = run->read_tensor (host, model, index, 0, bytes, middle);
  if (status == ADZE_OK)
    status = run->read_tensor (host, model, index, middle, bytes + middle, size - middle);
  bool number = meta->dtype.code == ADZE_FLOAT && meta->dtype.bits == 32 && !meta->codec;
  for (size_t i = 0; number && i < size / sizeof (float); i++)
    ((float *)bytes)[i] = -((float *)bytes)[i];
  if (status == ADZE_OK)
    status = run->give_tensor (host, context, "model", meta, bytes);
  host->release (host, bytes);
  return status;
}

/* Examples of all batches of two, and the texts among them. */
static adze_status
count_examples (const adze_host *host, adze_context *context, size_t *examples)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *data = run->input (host, context, "data");
  *examples = 0;
  if (!data)
    return ADZE_OK;
  for (uint64_t i = 0; i < run->batches (host, data, 2); i++) {
    const void *values;
    size_t count = 0;
    adze_status status = run->batch (host, data, 0, i, 2, 0, &values, &count);
    if (status != ADZE_OK)
      return status;
    *examples += count;
  }
  return ADZE_OK;
}

static adze_status
give_report (const adze_host *host, adze_context *context, bool resumed)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *words = run->input (host, context, "words");
  const void *text = "";
  size_t size = 0, examples = 0;
  char report[400];
  adze_status status = count_examples (host, context, &examples);
  if (status == ADZE_OK && words)
    status = run->bytes (host, words, &text, &size);
  if (status != ADZE_OK)
    return status;
  int length = snprintf (report, sizeof report,
                         "{\"resumed\": %s, \"examples\": %zu, \"words\": %zu}\n",
                         resumed ? "true" : "false", examples, size);
  adze_metric (host, "examples", (double)examples, NULL);
  return run->give_bytes (host, context, "report", report, (size_t)length);
}

static adze_status
ask_elsewhere (void *argument, size_t first, size_t last)
{
  void **both = argument;
  const adze_host *host = both[0];
  (void)first;
  (void)last;
  return adze_run_of (host)->progress (host, both[1], 1, 2) ? ADZE_OK : ADZE_E_CANCELLED;
}

static adze_status
run_all (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  const char *what = instance;
  const void *saved = NULL;
  size_t size = 0;
  void *both[] = { (void *)host, context };
  adze_status status = run->load (host, context, "half-way", &saved, &size);
  bool resumed = size == 5 && memcmp (saved, "half", 5) == 0;
  if (status == ADZE_OK)
    status = run->save (host, context, "half-way", "half", 5);
  if (status == ADZE_OK && strcmp (what, "crash") == 0 && !resumed)
    abort ();
  if (status == ADZE_OK && strcmp (what, "fail") == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "it was asked to fail");
  if (strcmp (what, "thread") == 0)
    return adze_parallel_for (host, 1000, 1, ask_elsewhere, both);
  while (strcmp (what, "stop") == 0)
    if (!run->progress (host, context, 1, 0))
      return adze_fail (host, ADZE_E_CANCELLED, "it was asked to stop");
  adze_artifact *model = status == ADZE_OK ? run->input (host, context, "model") : NULL;
  if (!model)
    return adze_fail (host, ADZE_E_NOT_FOUND, "there is no model");
  for (size_t i = 0; status == ADZE_OK && i < run->tensor_count (host, model); i++) {
    status = negate (host, context, model, i);
    if (!run->progress (host, context, i + 1, run->tensor_count (host, model)))
      return adze_fail (host, ADZE_E_CANCELLED, "it was asked to stop");
  }
  return status == ADZE_OK ? give_report (host, context, resumed) : status;
}

static const adze_technique whole = {
  .struct_size = sizeof whole,
  .effect = ADZE_CHANGES,
  .ports = run_ports,
  .port_size = sizeof (adze_port),
  .create = run_create,
  .destroy = run_destroy,
  .run = run_all,
};

/* ---- Writing into what is only to be looked at. */

static void
scribble (const adze_tensor *input)
{
  if (is_float (input) && adze_view_count (&input->view) > 0)
    ((float *)adze_view_data (&input->view))[0] += 1;
}

static adze_status
apply_scribble (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)instance;
  (void)call;
  scribble (input);
  return ADZE_OK;
}

static size_t
byte_size (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
  return 1;
}

static adze_status
observe_scribble (const adze_host *host, void *instance, adze_call *call,
                  const adze_tensor *input, void *accumulator)
{
  (void)accumulator;
  return apply_scribble (host, instance, call, input);
}

static adze_status
merge_nothing (const adze_host *host, void *instance, void *left, const void *right)
{
  (void)host;
  (void)instance;
  (void)left;
  (void)right;
  return ADZE_OK;
}

static adze_status
decide_nothing (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
                bool *again)
{
  (void)host;
  (void)instance;
  (void)call;
  (void)accumulator;
  *again = false;
  return ADZE_OK;
}

static const adze_technique spy = { .struct_size = sizeof spy,
                                    .effect = ADZE_INSPECTS,
                                    .grain = ADZE_GRAIN_ELEMENT,
                                    .apply = apply_scribble };
static const adze_technique watch = { .struct_size = sizeof watch,
                                      .effect = ADZE_INSPECTS,
                                      .grain = ADZE_GRAIN_ELEMENT,
                                      .accumulator = byte_size,
                                      .observe = observe_scribble,
                                      .merge = merge_nothing,
                                      .decide = decide_nothing };

/* What it gives is not far from what it has made of its input: no zero that was there is left. */
static const adze_param scratch_params[] = {
  { .name = "more", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "[0, 1]",
    .help = "what is added to the input once it was changed; 0: it is given as it is then" },
  { .name = NULL }
};

static adze_status
apply_scratch (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  float *own = adze_view_data (&input->view);
  for (size_t i = 0; is_float (input) && i < adze_view_count (&input->view); i++)
    own[i] += 1;
  return add (host, call, input,
              (float)adze_param_float (host, adze_call_params (host, call), "more"));
}

static const adze_technique scratch = { .struct_size = sizeof scratch,
                                        .effect = ADZE_CHANGES,
                                        .grain = ADZE_GRAIN_ELEMENT,
                                        .apply = apply_scratch };

/* What it describes once it has decided. "halve" is honest where it is said to be a bound before. */
static const adze_param word_params[] = {
  { .name = "then", .type = ADZE_PARAM_CHOICE, .preset = "double",
    .choices = "double|halve|f16|other-name|drop|leave|take|take-more",
    .help = "what it describes after decide: another number of rows, type or name, none, no group, one "
            "where there was none, one that takes the next tensor as well" },
  { .name = "bound", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "describe a bound before decide" },
  { .name = NULL }
};

static adze_status
announce_word (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_params *params = service->params (host, outline, pick);
  const char *then = adze_param_string (host, params, "then");
  bool final = service->is_final (host, outline);
  adze_tensor_meta meta = *service->tensor (host, outline, pick);
  int64_t sizes[] = { meta.shape[0], meta.shape[1] };
  meta.shape = sizes;
  if (strcmp (then, final ? "leave" : "take") == 0)
    return ADZE_OK;
  if (strcmp (then, "leave") == 0 || (final && strcmp (then, "halve") == 0))
    sizes[0] /= 2;
  if (final && strcmp (then, "double") == 0)
    sizes[0] *= 2;
  if (final && strcmp (then, "f16") == 0)
    meta.dtype.bits = 16;
  if (final && strcmp (then, "other-name") == 0)
    meta.name = "other";
  bool more = final && strcmp (then, "take-more") == 0;
  adze_pick picks[] = { pick, { 0, pick.index + 1 } };
  if (more && pick.index > 0)
    return ADZE_OK;
  adze_group group = { .struct_size = sizeof group, .inputs = picks, .input_count = 1 + more,
                       .outputs = &meta, .meta_size = sizeof meta,
                       .output_count = !final || strcmp (then, "drop") != 0,
                       .at_most = !final && adze_param_bool (host, params, "bound") };
  return service->group (host, outline, &group);
}

static adze_status
describe_word (const adze_host *host, void *instance, adze_outline *outline)
{
  (void)instance;
  return for_floats (host, outline, announce_word);
}

static adze_status
observe_nothing (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
                 void *accumulator)
{
  (void)accumulator;
  return apply_nothing (host, instance, call, input);
}

/* Zeros, whatever that is. */
static adze_status
apply_word (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  (void)instance;
  (void)input;
  adze_status status = adze_call_of (host)->output_at (host, call, 0, &out);
  if (status == ADZE_OK)
    memset (adze_view_data (&out), 0, adze_view_count (&out) * out.dtype.bits / 8);
  return status;
}

static const adze_technique word = { .struct_size = sizeof word,
                                     .effect = ADZE_CHANGES,
                                     .describe = describe_word,
                                     .accumulator = byte_size,
                                     .observe = observe_nothing,
                                     .merge = merge_nothing,
                                     .decide = decide_nothing,
                                     .apply = apply_word };

/* It writes one tensor, so that there is a file to leave, and then gives up. */
static const adze_param refuse_params[] = {
  { .name = "status", .type = ADZE_PARAM_INT, .range = "[1, 1000]",
    .help = "what apply returns for the last tensor" },
  { .name = NULL }
};

static adze_status
apply_refuse (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  if (strcmp (input->name, "layer.0.weight") != 0)
    return (adze_status)adze_param_int (host, adze_call_params (host, call), "status");
  return add (host, call, input, 1);
}

static const adze_technique refuse = { .struct_size = sizeof refuse,
                                       .effect = ADZE_CHANGES,
                                       .grain = ADZE_GRAIN_ELEMENT,
                                       .apply = apply_refuse };

/* ---- The plugin. */

#define LIAR(variable, name, text, table, params_table) \
  static const adze_component variable##_component = { \
    .struct_size = sizeof variable##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = text, \
    .params = params_table, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &table, \
  }

LIAR (shape, "liar-shape", "announces f16 and gives f32", shape, NULL);
LIAR (lazy, "liar-lazy", "announces f16 and gives nothing", lazy, NULL);
LIAR (extra, "liar-extra", "claims to inspect and gives", extra, NULL);
LIAR (half, "liar-half", "gives one of two outputs", half, NULL);
LIAR (sparsity, "liar-sparsity", "claims to keep zeros and does not", sparsity, NULL);
LIAR (silent, "liar-silent", "keeps no zeros and says nothing", silent, NULL);
LIAR (breaks, "liar-breaks", "keeps no zeros and says so", breaks, NULL);
LIAR (claim, "liar-claim", "has no trait that it claims", claim, NULL);
LIAR (idle, "liar-idle", "changes nothing", idle, idle_params);
LIAR (fallback, "liar-fallback", "falls back", fallback, NULL);
LIAR (early, "liar-early", "falls back before it runs", early, early_params);
LIAR (metric, "liar-metric", "tells a metric in apply", metric, NULL);
LIAR (spy, "liar-spy", "writes into its input", spy, NULL);
LIAR (watch, "liar-watch", "writes into what it observes", watch, NULL);
LIAR (scratch, "liar-scratch", "works in its input", scratch, scratch_params);
LIAR (word, "liar-word", "does not keep its word", word, word_params);
LIAR (refuse, "liar-refuse", "gives up", refuse, refuse_params);
LIAR (whole, "liar-run", "negates a whole model", whole, run_params);
LIAR (threshold, "liar-threshold", "zeroes small numbers", threshold, threshold_params);

static const adze_component *const components[] = {
  &shape_component,    &lazy_component,  &extra_component,    &half_component,
  &sparsity_component, &silent_component, &breaks_component,  &claim_component,
  &idle_component,
  &fallback_component, &early_component,  &metric_component,  &spy_component,
  &watch_component,    &scratch_component, &whole_component,  &threshold_component,
  &word_component,     &refuse_component,
  NULL,
};

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "liar",
  .version = "1.0",
  .summary = "for tests of what a host notices",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (liar, plugin);
