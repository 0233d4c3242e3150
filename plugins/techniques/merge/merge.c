/* SPDX-License-Identifier: Apache-2.0 */
/* merge: the weighted average of two models. */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the first model, whose types and metadata the result has" },
  { .name = "other", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "the second model" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .required = 0,
    .help = "the average of both" },
  { .name = NULL }
};

static const adze_param params[] = {
  { .name = "weight", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1]",
    .help = "share of the other model: 0 is the first one alone, 1 the other" },
  { .name = "unmatched", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|keep",
    .help = "what becomes of a tensor that one of the models has alone" },
  { .name = NULL }
};

/* ---- describe. */

/* A tensor of the other model. */
typedef struct partner {
  const char *name;
  uint32_t index;
  bool met; /* the first model has one of this name */
} partner;

typedef struct pairing {
  const adze_host *host;
  adze_outline *outline;
  const adze_outline_service *service;
  partner *partners; /* by name */
  uint32_t partner_count;
  adze_left_tally left;
} pairing;

static int
by_name (const void *left, const void *right)
{
  return strcmp (((const partner *)left)->name, ((const partner *)right)->name);
}

static partner *
partner_of (const pairing *p, const char *name)
{
  const partner wanted = { .name = name };
  return p->partner_count == 0 ? NULL
                               : (partner *)bsearch (&wanted, p->partners, p->partner_count,
                                                     sizeof *p->partners, by_name);
}

static const adze_tensor_meta *
meta_of (const pairing *p, uint32_t port, uint32_t index)
{
  return p->service->tensor (p->host, p->outline, (adze_pick){ port, index });
}

/* A shape for people: "3x5", and "a scalar". */
static void
shape_text (const adze_tensor_meta *meta, char *text, size_t size)
{
  size_t used = (size_t)snprintf (text, size, "%s", meta->rank == 0 ? "a scalar" : "");
  for (int32_t i = 0; i < meta->rank && used < size; i++)
    used += (size_t)snprintf (text + used, size - used, "%s%lld", i ? "x" : "",
                              (long long)meta->shape[i]);
}

static bool
same_shape (const adze_tensor_meta *a, const adze_tensor_meta *b)
{
  for (int32_t i = 0; a->rank == b->rank && i < a->rank; i++)
    if (a->shape[i] != b->shape[i])
      return false;
  return a->rank == b->rank;
}

static bool
is_float (const adze_tensor_meta *meta)
{
  return !meta->codec && adze_dtype_is_float (meta->dtype);
}

static adze_status
check_shapes (const pairing *p, const adze_tensor_meta *meta, const adze_tensor_meta *other)
{
  if (same_shape (meta, other))
    return ADZE_OK;
  char first[128], second[128];
  shape_text (meta, first, sizeof first);
  shape_text (other, second, sizeof second);
  return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is %s in 'model' and %s in 'other'; only tensors of the same shape "
                    "can be averaged",
                    meta->name, first, second);
}

static adze_status
average (const pairing *p, uint32_t index, uint32_t other)
{
  const adze_pick picks[2] = { { 0, index }, { 1, other } };
  double weight
      = adze_param_float (p->host, p->service->params (p->host, p->outline, picks[0]), "weight");
  char note[64];
  snprintf (note, sizeof note, "%.4g + %.4g of the other", 1 - weight, weight);
  adze_group group = { .struct_size = sizeof group,
                       .input_count = 2,
                       .inputs = picks,
                       .outputs = meta_of (p, 0, index),
                       .output_count = 1,
                       .meta_size = sizeof (adze_tensor_meta),
                       .note = note };
  return p->service->group (p->host, p->outline, &group);
}

static adze_status
keep (const pairing *p, adze_pick pick, const char *note)
{
  adze_group group = { .struct_size = sizeof group,
                       .input_count = 1,
                       .inputs = &pick,
                       .outputs = meta_of (p, pick.port, pick.index),
                       .output_count = 1,
                       .meta_size = sizeof (adze_tensor_meta),
                       .same_bytes = 1,
                       .note = note };
  return p->service->group (p->host, p->outline, &group);
}

/* A tensor that only one of the models has. */
static adze_status
alone (const pairing *p, adze_pick pick)
{
  const adze_params *values = p->service->params (p->host, p->outline, pick);
  const char *where = pick.port == 0 ? "first" : "other";
  if (strcmp (adze_param_string (p->host, values, "unmatched"), "keep") != 0)
    return adze_fail (p->host, ADZE_E_NOT_FOUND,
                      "tensor '%s' is in the %s model alone; say unmatched = \"keep\" to have it "
                      "in the result as it is",
                      meta_of (p, pick.port, pick.index)->name, where);
  return keep (p, pick, pick.port == 0 ? "in the first model alone" : "in the other model alone");
}

/* Numbers that are no floats (positions, token ids) have no average that means anything; others
 * have one that is not made. */
static adze_status
keep_first (pairing *p, adze_pick pick)
{
  const adze_tensor_meta *meta = meta_of (p, 0, pick.index);
  char name[40], note[120];
  if (!adze_left_is_float (meta))
    return keep (p, pick, "no floats: the first model's");
  adze_left_add (&p->left, meta);
  adze_left_type_name (meta, name, sizeof name);
  snprintf (note, sizeof note, "not done: %s is no type that merge averages; the first model's", name);
  return keep (p, pick, note);
}

static adze_status
pair_one (pairing *p, uint32_t index)
{
  const adze_pick pick = { 0, index };
  const adze_tensor_meta *meta = meta_of (p, 0, index);
  adze_left_see (&p->left, meta);
  partner *found = partner_of (p, meta->name);
  if (!found)
    return alone (p, pick);
  found->met = true;
  const adze_tensor_meta *other = meta_of (p, 1, found->index);
  adze_status status = check_shapes (p, meta, other);
  if (status != ADZE_OK)
    return status;
  if (is_float (meta) && is_float (other))
    return average (p, index, found->index);
  if (is_float (meta) || is_float (other))
    return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' has numbers of float16, bfloat16, float32 or float64 in one of "
                      "the models and others in the other one; they have no average",
                      meta->name);
  return keep_first (p, pick);
}

static adze_status
pair_all (pairing *p)
{
  for (uint32_t i = 0; i < p->partner_count; i++)
    p->partners[i] = (partner){ meta_of (p, 1, i)->name, i, false };
  qsort (p->partners, p->partner_count, sizeof *p->partners, by_name);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < p->service->count (p->host, p->outline, 0); i++)
    status = pair_one (p, i);
  /* In the order of the other model, not of the names. */
  bool *met = (bool *)p->host->allocate (p->host, (size_t)p->partner_count + 1);
  if (!met)
    return adze_fail (p->host, ADZE_E_MEMORY, "no room for %u tensors", p->partner_count);
  for (uint32_t i = 0; i < p->partner_count; i++)
    met[p->partners[i].index] = p->partners[i].met;
  for (uint32_t i = 0; status == ADZE_OK && i < p->partner_count; i++)
    if (!met[i])
      status = alone (p, (adze_pick){ 1, i });
  p->host->release (p->host, met);
  return status;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  if (service->ports (host, outline) < 2)
    return adze_fail (host, ADZE_E_PARAM, "two models are needed, and only one is bound: say "
                                          "inputs = { other = \"input.NAME\" }");
  pairing p = { .host = host,
                .outline = outline,
                .service = service,
                .partner_count = service->count (host, outline, 1) };
  p.partners = (partner *)host->allocate (host, ((size_t)p.partner_count + 1) * sizeof *p.partners);
  if (!p.partners)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the names of %u tensors", p.partner_count);
  adze_status status = pair_all (&p);
  host->release (host, p.partners);
  if (status == ADZE_OK)
    adze_left_tell (host, &p.left, (adze_left_tally *)instance, "not averaged, but the first model's");
  return status;
}

/* ---- apply. */

typedef struct piece {
  const adze_host *host;
  const adze_tensor *first;
  const adze_tensor *other;
  double weight;
  uint64_t start; /* element of the tensor that the piece begins with */
} piece;

/* The average of two numbers lies between them; but what the other model's type can hold may be
 * too much for the first one's. */
static adze_status
too_large (const piece *p, size_t at, double number)
{
  return adze_fail (p->host, ADZE_E_LIMIT,
                    "tensor '%s': the average at element %llu is %.9g, which is too large for the "
                    "first model's type; cast that model to a larger one before",
                    p->first->name, (unsigned long long)(p->start + at), number);
}

static const void *
element (const adze_tensor *tensor, size_t at)
{
  const adze_view *view = &tensor->view;
  return (const char *)adze_view_data (view) + at * (view->dtype.bits / 8);
}

/* Of two NaN, or of infinities that cancel out, machines make different NaN: here all are one. */
static inline double
one_nan (double number)
{
  return number == number ? number : adze_double_of_bits (UINT64_C (0x7ff8000000000000));
}

enum { BLOCK = 256 };

/* Weights of 0 and 1 take one side as it is: 0 times an infinity would be none of the two. */
static void
average_into (double *__restrict first, const double *__restrict other, double weight)
{
  double share = 1 - weight;
  if (weight == 0)
    return;
  if (weight == 1)
    memcpy (first, other, BLOCK * sizeof *first);
  else
    for (size_t i = 0; i < BLOCK; i++)
      first[i] = one_nan (share * first[i] + weight * other[i]);
}

/* Writes what was averaged, the only place where a digit is lost, and gives the number of the
 * first that became infinite; COUNT: none did. */
static size_t
store (adze_dtype dtype, void *out, const double *numbers, size_t count)
{
  float floats[BLOCK];
  if (dtype.bits == 64) {
    memcpy (out, numbers, count * sizeof *numbers);
    return count;
  }
  if (dtype.bits == 32) {
    float *to = (float *)out;
    adze_float_from_doubles (to, numbers, count);
    size_t at = 0;
    while (at < count && (to[at] - to[at] == 0 || numbers[at] - numbers[at] != 0))
      at++;
    return at;
  }
  adze_float_from_doubles_sticky (floats, numbers, count);
  if (dtype.code == ADZE_BFLOAT)
    adze_bfloat_from_floats ((uint16_t *)out, floats, count);
  else
    adze_half_from_floats ((uint16_t *)out, floats, count);
  return adze_floats_beyond (floats, count,
                             dtype.code == ADZE_BFLOAT ? ADZE_BFLOAT_LIMIT : ADZE_HALF_LIMIT);
}

static adze_status
average_block (const piece *p, size_t start, size_t count, char *out)
{
  double first[BLOCK] = { 0 }, other[BLOCK] = { 0 };
  adze_dtype dtype = p->first->view.dtype;
  adze_doubles_read (dtype, element (p->first, start), count, first);
  adze_doubles_read (p->other->view.dtype, element (p->other, start), count, other);
  average_into (first, other, p->weight);
  size_t at = store (dtype, out + start * (dtype.bits / 8), first, count);
  return at < count ? too_large (p, start + at, first[at]) : ADZE_OK;
}

static bool
is_plain (const adze_tensor *tensor)
{
  return !tensor->codec && adze_dtype_is_float (tensor->view.dtype)
         && adze_view_is (&tensor->view, (adze_dtype_code)tensor->view.dtype.code,
                          tensor->view.dtype.bits);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)instance;
  const adze_call_service *service = adze_call_of (host);
  const adze_tensor *other = service->input (host, call, 1);
  if (!other || !is_plain (input) || !is_plain (other)
      || adze_view_count (&input->view) != adze_view_count (&other->view))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' did not come as two plain pieces of the same size", input->name);
  adze_place place;
  service->place (host, call, &place);
  piece p = { .host = host,
              .first = input,
              .other = other,
              .weight = adze_param_float (host, adze_call_params (host, call), "weight"),
              .start = place.first };
  adze_view out;
  adze_status status = adze_call_output_like (host, call, input, &out);
  size_t count = adze_view_count (&input->view);
  for (size_t start = 0; status == ADZE_OK && start < count; start += BLOCK)
    status = average_block (&p, start, count - start < BLOCK ? count - start : BLOCK,
                            (char *)adze_view_data (&out));
  return status;
}

/* A zero of one model is none of the other. */
static const char *const breaks[] = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK,
                                      ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .ports = ports,
  .port_size = sizeof (adze_port),
  .grain = ADZE_GRAIN_ELEMENT,
  .breaks = breaks,
  .create = adze_left_create,
  .destroy = adze_left_destroy,
  .describe = describe,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "merge",
  .summary = "Averages two models",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "merge",
  .version = "0.1.0",
  .summary = "Averages of models",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (merge, plugin);
