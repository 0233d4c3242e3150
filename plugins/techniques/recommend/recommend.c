/* SPDX-License-Identifier: Apache-2.0 */
/* recommend: which codec each tensor should have, for a size that is not to be exceeded or an error that is. It
 * changes nothing, and writes the pipeline that does it. */
#include "recommend.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const adze_param params[] = {
  { .name = "candidates", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_COMPONENT, .component_kind = ADZE_CODEC,
    .preset = "[\"f16\", \"int8\", \"int4\", \"int2\"]",
    .help = "codecs to choose from; that a tensor stays as it is may be chosen too" },
  { .name = "bytes", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)", .unit = "bytes",
    .help = "all tensors are to have at most so many; 0: this is not the target" },
  { .name = "bits", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 64]",
    .help = "the same as bits a number, over all numbers of the model; 0: this is not the target" },
  { .name = "sqnr", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 300]", .unit = "dB",
    .help = "signal to noise at least so high, with as few bytes as can be; 0: this is not the target" },
  { .name = "error", .type = ADZE_PARAM_CHOICE, .preset = "absolute", .choices = "absolute|relative",
    .help = "errors of all tensors count alike, or against what their own tensor has" },
  { .name = "vectors", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "tensors of one dimension too, such as biases, which are few and count much" },
  { .name = "keep", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "patterns of tensors that stay as they are; their bytes count" },
  { .name = "source", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "path of the model, as it is to stand in the recipe" },
  { .name = "target", .type = ADZE_PARAM_STRING, .preset = "\"\"",
    .help = "path of what the recipe is to make" },
  { .name = NULL }
};

/* An instance is its parameters, which are the host's. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  bool bytes = adze_param_int (host, values, "bytes") > 0, bits = adze_param_float (host, values, "bits") > 0;
  bool sqnr = adze_param_float (host, values, "sqnr") > 0;
  *instance = (void *)(uintptr_t)values;
  if ((int)bytes + (int)bits + (int)sqnr != 1)
    return adze_fail (host, ADZE_E_PARAM,
                      "%s of the parameters 'bytes', 'bits' and 'sqnr' %s given; one of them is the target",
                      bytes || bits || sqnr ? "more than one" : "none", bytes || bits || sqnr ? "are" : "is");
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

/* ---- What there is. */

static adze_status
open_candidates (recommend_run *r)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, "candidates");
  size_t count = service->count (list);
  r->candidates = (adze_codec_use **)r->host->allocate (r->host, (count + 1) * sizeof *r->candidates);
  if (!r->candidates)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu candidates", count);
  adze_status status = ADZE_OK;
  for (; status == ADZE_OK && r->candidate_count < count; r->candidate_count++)
    status = r->codecs->open (r->host, list, service->name_at (list, r->candidate_count),
                              &r->candidates[r->candidate_count]);
  return status;
}

/* HIT marks the patterns that meant some tensor. */
static adze_status
is_skipped (const recommend_run *r, const char *name, bool *hit, bool *skipped)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, "keep");
  *skipped = false;
  for (size_t i = 0; i < service->count (list); i++) {
    const char *pattern = service->get_string (list, service->name_at (list, i));
    bool matches = false;
    adze_status status = adze_match (r->host, pattern, name, &matches);
    if (status != ADZE_OK)
      return adze_fail (r->host, status, "parameter 'keep' has the pattern '%s'", pattern);
    *skipped |= matches;
    hit[i] |= matches;
  }
  return ADZE_OK;
}

static adze_status
list_one (recommend_run *r, size_t index, bool *hit)
{
  const adze_tensor_meta *meta = r->run->tensor (r->host, r->model, index);
  bool floats = !meta->codec && adze_dtype_is_float (meta->dtype) && meta->dtype.bits <= 32;
  int32_t least = adze_param_bool (r->host, r->params, "vectors") ? 1 : 2;
  bool left_out = false;
  adze_status skip_status = is_skipped (r, meta->name, hit, &left_out);
  if (skip_status != ADZE_OK)
    return skip_status;
  uint64_t elements = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    elements *= (uint64_t)meta->shape[i];
  r->all_elements += elements;
  if (!floats || meta->rank < least || elements == 0) {
    r->fixed_bytes += meta->byte_size;
    return ADZE_OK;
  }
  const recommend_tensor tensor
      = { .index = index, .elements = elements, .bytes = meta->byte_size, .left_out = left_out };
  return adze_entries_add (r->host, &r->tensors, &tensor, sizeof tensor, meta->name);
}

static adze_status
check_patterns (const recommend_run *r, const bool *hit)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, "keep");
  for (size_t i = 0; i < service->count (list); i++)
    if (!hit[i])
      return adze_fail (r->host, ADZE_E_PARAM, "parameter 'keep': no tensor of the model is meant by \"%s\"",
                        service->get_string (list, service->name_at (list, i)));
  return ADZE_OK;
}

static adze_status
list_tensors (recommend_run *r)
{
  const adze_params_service *service = adze_params_of (r->host);
  size_t patterns = service->count (service->get_nested (r->params, "keep"));
  bool *hit = (bool *)r->host->allocate (r->host, patterns + 1);
  if (!hit)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu patterns", patterns);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->run->tensor_count (r->host, r->model); i++)
    status = list_one (r, i, hit);
  if (status == ADZE_OK)
    status = check_patterns (r, hit);
  r->host->release (r->host, hit);
  if (status == ADZE_OK && r->tensors.count == 0)
    return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                      "the model has no floats in tensors of two dimensions or more; vectors = true takes those of "
                      "one, too");
  return status;
}

static adze_status
measure_all (recommend_run *r)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->tensors.count; i++) {
    if (!r->run->progress (r->host, r->context, i, r->tensors.count))
      return ADZE_E_CANCELLED;
    status = recommend_measure (r, recommend_tensor_at (r, i));
  }
  return status;
}

/* ---- The choice. */

typedef struct aim {
  bool is_bytes;
  double bytes; /* of the tensors that are chosen for */
  double noise;
  double signal;
} aim;

static aim
read_target (const recommend_run *r)
{
  aim t = { .is_bytes = adze_param_float (r->host, r->params, "sqnr") == 0 };
  double bits = adze_param_float (r->host, r->params, "bits");
  double bytes = bits > 0 ? floor (bits / 8 * (double)r->all_elements)
                          : (double)adze_param_int (r->host, r->params, "bytes");
  t.bytes = bytes - (double)r->fixed_bytes;
  for (size_t i = 0; i < r->tensors.count; i++)
    t.signal += recommend_tensor_at (r, i)->signal;
  /* A hair less: what is summed up in another order is not to be beyond it. */
  t.noise = t.signal * pow (10, -adze_param_float (r->host, r->params, "sqnr") / 10) * (1 - 1e-12);
  return t;
}

static adze_status
no_mix (const recommend_run *r, const choose_item *items, double target)
{
  double least = choose_weight (items, r->tensors.count) + (double)r->fixed_bytes;
  return adze_fail (r->host, ADZE_E_UNSUPPORTED,
                    "no mix of the candidates is that small: the smallest one has %.0f bytes of tensors, and %.0f "
                    "were asked for; give smaller candidates, keep less, or allow more",
                    least, target + (double)r->fixed_bytes);
}

static void
put_options (const recommend_tensor *tensor, bool by_bytes, choose_option *into)
{
  for (uint32_t k = 0; k < tensor->option_count; k++) {
    const recommend_option *option = &tensor->options[k];
    double bytes = (double)option->bytes;
    into[k] = (choose_option){ by_bytes ? bytes : option->noise, by_bytes ? option->noise : bytes, k };
  }
}

static adze_status
choose_with (recommend_run *r, const aim *t, choose_item *items, choose_option *options)
{
  size_t count = r->tensors.count;
  for (size_t i = 0; i < count; i++) {
    const recommend_tensor *tensor = recommend_tensor_at (r, i);
    items[i] = (choose_item){ .options = options, .count = tensor->option_count };
    put_options (tensor, t->is_bytes, options);
    options += tensor->option_count;
  }
  choose_result result = choose (items, count, t->is_bytes ? t->bytes : t->noise);
  if (result == CHOOSE_NO_MEMORY)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room to choose for %zu tensors", count);
  if (result == CHOOSE_BEYOND)
    return no_mix (r, items, t->bytes);
  for (size_t i = 0; i < count; i++)
    recommend_tensor_at (r, i)->chosen = items[i].options[items[i].chosen].tag;
  return ADZE_OK;
}

static adze_status
choose_mix (recommend_run *r, const aim *t)
{
  size_t count = r->tensors.count, options = count * (r->candidate_count + 1);
  choose_item *items = (choose_item *)r->host->allocate (r->host, count * sizeof *items);
  choose_option *all = (choose_option *)r->host->allocate (r->host, options * sizeof *all);
  adze_status status = items && all ? choose_with (r, t, items, all)
                                    : adze_fail (r->host, ADZE_E_MEMORY, "no room to choose for %zu tensors", count);
  if (items)
    r->host->release (r->host, items);
  if (all)
    r->host->release (r->host, all);
  return status;
}

/* ---- What is told. */

/* Of nothing lost it is beyond all numbers, and told as the most that floats can have. */
static double
decibels (double signal, double noise)
{
  return noise > 0 ? 10 * log10 (signal / noise) : 300;
}

static adze_status
tell_tensor (const recommend_run *r, const recommend_tensor *tensor)
{
  const recommend_option *chosen = recommend_chosen (tensor);
  const char *codec = chosen->candidate == RECOMMEND_AS_IS ? "as it is"
                                                           : r->codecs->id (r->candidates[chosen->candidate]);
  const adze_field fields[] = {
    { .key = "tensor", .type = ADZE_FIELD_STRING, .value = { .string = tensor->name } },
    { .key = "codec", .type = ADZE_FIELD_STRING, .value = { .string = codec } },
    { .key = "bytes", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)chosen->bytes } },
    { .key = "of", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)tensor->bytes } },
    { .key = "sqnr", .type = ADZE_FIELD_FLOAT, .value = { .real = decibels (tensor->signal, chosen->noise) } },
  };
  adze_status status = adze_row (r->host, "mix", fields, sizeof fields / sizeof fields[0]);
  return status == ADZE_OK ? adze_decided (r->host, tensor->name, fields + 1, sizeof fields / sizeof fields[0] - 1)
                           : status;
}

static adze_status
tell_all (const recommend_run *r, double bytes, double sqnr)
{
  double asked_bytes = (double)adze_param_int (r->host, r->params, "bytes");
  double asked_bits = adze_param_float (r->host, r->params, "bits");
  double asked_sqnr = adze_param_float (r->host, r->params, "sqnr"), bits = bytes * 8 / (double)r->all_elements;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->tensors.count; i++)
    status = tell_tensor (r, recommend_tensor_at (r, i));
  const char *asked = asked_bytes > 0 ? "bytes" : asked_bits > 0 ? "bits" : "sqnr";
  if (status == ADZE_OK)
    status = adze_achieved (r->host, asked, asked_bytes > 0 ? asked_bytes : asked_bits > 0 ? asked_bits : asked_sqnr,
                            asked_bytes > 0 ? bytes : asked_bits > 0 ? bits : sqnr);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "bytes", bytes, "bytes");
  if (status == ADZE_OK)
    status = adze_metric (r->host, "bits", bits, NULL);
  return status == ADZE_OK ? adze_metric (r->host, "sqnr", sqnr, "dB") : status;
}

static adze_status
settle (recommend_run *r, const aim *t)
{
  double bytes = (double)r->fixed_bytes, noise = 0;
  for (size_t i = 0; i < r->tensors.count; i++) {
    const recommend_option *chosen = recommend_chosen (recommend_tensor_at (r, i));
    bytes += (double)chosen->bytes;
    noise += chosen->noise;
  }
  double sqnr = decibels (t->signal, noise);
  adze_status status = tell_all (r, bytes, sqnr);
  return status == ADZE_OK ? recommend_give_recipe (r, bytes, sqnr) : status;
}

/* ---- A run. */

static void
end (recommend_run *r)
{
  for (size_t i = 0; i < r->tensors.count; i++)
    if (recommend_tensor_at (r, i)->options)
      r->host->release (r->host, recommend_tensor_at (r, i)->options);
  adze_entries_end (r->host, &r->tensors);
  if (r->candidates)
    r->host->release (r->host, r->candidates);
}

static adze_status
recommend_all (recommend_run *r)
{
  adze_status status = open_candidates (r);
  if (status == ADZE_OK)
    status = list_tensors (r);
  if (status == ADZE_OK)
    status = measure_all (r);
  if (status != ADZE_OK)
    return status;
  aim t = read_target (r);
  status = choose_mix (r, &t);
  return status == ADZE_OK ? settle (r, &t) : status;
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  recommend_run r = { .host = host,
                      .params = (const adze_params *)instance,
                      .run = adze_run_of (host),
                      .codecs = adze_codecs_of (host),
                      .context = context };
  if (!r.run || !r.codecs)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", !r.run ? ADZE_RUN : ADZE_CODECS);
  r.model = r.run->input (host, context, "model");
  adze_status status = recommend_all (&r);
  end (&r);
  return status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1, .help = "what is to be smaller" },
  { .name = "recipe", .type = "text", .direction = ADZE_PORT_OUT, .help = "the pipeline that makes it so" },
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
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "recommend",
  .summary = "Finds the codec that each tensor should have for a size or an error",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "recommend",
  .version = "0.1.0",
  .summary = "Which codec for which tensor",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (recommend, plugin);
