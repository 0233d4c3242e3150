/* SPDX-License-Identifier: Apache-2.0 */
/* cast: numbers written in another float type. */
#include <stdatomic.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "to", .type = ADZE_PARAM_CHOICE, .choices = "f16|bf16|f32|f64",
    .help = "the type that floating-point tensors become" },
  { .name = "overflow", .type = ADZE_PARAM_CHOICE, .preset = "error",
    .choices = "error|inf|clamp",
    .help = "what becomes of a finite number that is too large for the type: the run fails, it is "
            "made infinite, or it is made the largest number that there is" },
  { .name = NULL }
};

typedef struct cast_type {
  const char *name;
  adze_dtype dtype;
  uint32_t limit; /* bits of the least float32 that is too large; 0: none is */
  uint32_t gone;  /* bits of the largest float32 that becomes zero; 0: none does */
  float most;
} cast_type;

static const cast_type types[] = {
  { "f16", { ADZE_FLOAT, 16, 1 }, ADZE_HALF_LIMIT, UINT32_C (0x33000000), 65504.0f },
  { "bf16", { ADZE_BFLOAT, 16, 1 }, ADZE_BFLOAT_LIMIT, UINT32_C (0x8000), 0x1.fep127f },
  { "f32", { ADZE_FLOAT, 32, 1 }, 0, 0, 0x1.fffffep127f },
  { "f64", { ADZE_FLOAT, 64, 1 }, 0, 0, 0 },
};

typedef struct cast {
  adze_left_tally left; /* what was told of it */
  atomic_flag lost;     /* that numbers become zero was told */
} cast;

static const cast_type *
type_named (const char *name)
{
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp (types[i].name, name) == 0)
      return &types[i];
  return NULL;
}

static const cast_type *
type_of (adze_dtype dtype)
{
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (adze_dtype_same (types[i].dtype, dtype))
      return &types[i];
  return NULL;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)values;
  cast *self = (cast *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  atomic_flag_clear (&self->lost);
  *instance = self;
  return ADZE_OK;
}

/* What is no float, and what is of the type already, is in no group and passes as it is. */
static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_left_tally left = { 0 };
  for (uint32_t i = 0; i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    const adze_tensor_meta *meta = service->tensor (host, outline, pick);
    adze_left_see (&left, meta);
    const cast_type *from = meta->codec ? NULL : type_of (meta->dtype);
    const cast_type *to
        = type_named (adze_param_string (host, service->params (host, outline, pick), "to"));
    if (!from && adze_left_is_float (meta))
      adze_left_add (&left, meta);
    if (!from || !to || from == to)
      continue;
    char note[24];
    snprintf (note, sizeof note, "%s -> %s", from->name, to->name);
    adze_status status = adze_outline_retype (host, outline, pick, to->dtype, note);
    if (status != ADZE_OK)
      return status;
  }
  adze_left_tell (host, &left, &((cast *)instance)->left, "not cast");
  return ADZE_OK;
}

/* ---- apply. */

typedef struct piece {
  const adze_host *host;
  const char *name;
  const cast_type *from;
  const cast_type *to;
  const char *overflow; /* the parameter */
  uint64_t first;       /* where the piece begins in the tensor */
  uint64_t beyond;      /* how many were too large */
  uint64_t first_beyond;
  uint64_t lost; /* and how many became zero */
  uint64_t first_lost;
} piece;

/* Numbers are handled in blocks that stay in the processor's nearest cache. */
enum { BLOCK = 1024 };

static adze_status
too_large (piece *p, uint64_t element, double number)
{
  if (p->beyond++ == 0)
    p->first_beyond = p->first + element;
  if (strcmp (p->overflow, "error") != 0)
    return ADZE_OK;
  return adze_fail (p->host, ADZE_E_LIMIT,
                    "tensor '%s': element %llu is %.9g, and the largest number in %s is %.9g; say "
                    "overflow = \"clamp\" or \"inf\", or keep the tensor as it is by a rule with "
                    "skip = true",
                    p->name, (unsigned long long)(p->first + element), number, p->to->name,
                    (double)p->to->most);
}

/* Sees to the numbers of a block that are too large; they are written to COPY, which holds the
 * block, where they are to become others. DOUBLES are what they were made of, or NULL: a message
 * gives the number that is in the file. */
static adze_status
see_to_large (piece *p, size_t start, const float *numbers, const double *doubles, float *copy,
              size_t count)
{
  bool clamp = strcmp (p->overflow, "clamp") == 0;
  size_t at = adze_floats_beyond (numbers, count, p->to->limit);
  for (; at < count; at += 1 + adze_floats_beyond (numbers + at + 1, count - at - 1, p->to->limit)) {
    adze_status status = too_large (p, start + at, doubles ? doubles[at] : (double)numbers[at]);
    if (status != ADZE_OK)
      return status;
    if (clamp)
      copy[at] = numbers[at] < 0 ? -p->to->most : p->to->most;
  }
  return ADZE_OK;
}

/* ---- Numbers that are not zero and become it. */

static void
lose (piece *p, uint64_t element, uint64_t count)
{
  if (p->lost == 0)
    p->first_lost = p->first + element;
  p->lost += count;
}

static bool
is_lost (float number, uint32_t gone)
{
  uint32_t bits = adze_float_bits (number) & 0x7fffffff;
  return (adze_bits_below (0, bits) & ~adze_bits_below (gone, bits)) != 0;
}

static void
see_to_small (piece *p, size_t start, const float *numbers, size_t count)
{
  enum { AT_ONCE = 32 }; /* a fixed number, which compilers make vectors of */
  const uint32_t gone = p->to->gone;
  uint32_t lost = 0;
  size_t first = 0;
  for (; first + AT_ONCE <= count; first += AT_ONCE)
    for (size_t i = 0; i < AT_ONCE; i++)
      lost += is_lost (numbers[first + i], gone);
  for (; first < count; first++)
    lost += is_lost (numbers[first], gone);
  if (lost == 0)
    return;
  for (first = 0; !is_lost (numbers[first], gone);)
    first++;
  lose (p, start + first, lost);
}

static void
store (const cast_type *to, void *out, const float *numbers, size_t count)
{
  if (to->dtype.code == ADZE_BFLOAT)
    adze_bfloat_from_floats ((uint16_t *)out, numbers, count);
  else if (to->dtype.bits == 16)
    adze_half_from_floats ((uint16_t *)out, numbers, count);
  else if (to->dtype.bits == 64)
    adze_float_to_doubles ((double *)out, numbers, count);
  else
    memcpy (out, numbers, count * sizeof *numbers);
}

/* From anything but float64, or from float64 to a half: by way of float32, which loses nothing
 * that the target would keep. */
static adze_status
block_by_floats (piece *p, size_t start, const void *in, void *out, size_t count)
{
  float copy[BLOCK];
  const float *numbers = copy;
  const double *doubles = p->from->dtype.bits == 64 ? (const double *)in : NULL;
  if (doubles)
    adze_float_from_doubles_sticky (copy, doubles, count);
  else if (p->from->dtype.bits == 32)
    numbers = (const float *)in;
  else
    adze_floats_read (p->from->dtype, in, count, copy);
  if (p->to->limit != 0 && adze_floats_beyond (numbers, count, p->to->limit) < count) {
    if (numbers != copy)
      memcpy (copy, numbers, count * sizeof *copy);
    numbers = copy;
    adze_status status = see_to_large (p, start, numbers, doubles, copy, count);
    if (status != ADZE_OK)
      return status;
  }
  if (p->to->gone != 0)
    see_to_small (p, start, numbers, count);
  store (p->to, out, numbers, count);
  return ADZE_OK;
}

static adze_status
block_double_to_float (piece *p, size_t start, const double *in, float *out, size_t count)
{
  bool clamp = strcmp (p->overflow, "clamp") == 0;
  adze_float_from_doubles (out, in, count);
  for (size_t i = 0; i < count; i++) {
    uint32_t size = adze_float_bits (out[i]) & 0x7fffffff;
    bool infinite = size == UINT32_C (0x7f800000);
    if (size == 0 && (adze_double_bits (in[i]) << 1) != 0)
      lose (p, start + i, 1);
    if (!infinite || (double)out[i] == in[i])
      continue;
    adze_status status = too_large (p, start + i, in[i]);
    if (status != ADZE_OK)
      return status;
    if (clamp)
      out[i] = in[i] < 0 ? -p->to->most : p->to->most;
  }
  return ADZE_OK;
}

/* What became of numbers, of how many, and of which first: an event a piece. */
static void
tell (const piece *p, const char *id, const char *became, uint64_t count, uint64_t first)
{
  const adze_field fields[] = {
    { .key = "tensor", .type = ADZE_FIELD_STRING, .value = { .string = p->name } },
    { .key = "became", .type = ADZE_FIELD_STRING, .value = { .string = became } },
    { .key = "count", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)count } },
    { .key = "first", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)first } },
  };
  adze_emit (p->host, id, fields, sizeof fields / sizeof fields[0]);
}

/* Nobody asked for it, and no pass over the model was made to know it before: said with the first. */
static void
tell_lost (const piece *p, cast *self)
{
  tell (p, "cast.underflow", "zero", p->lost, p->first_lost);
  if (!atomic_flag_test_and_set (&self->lost))
    adze_log (p->host, ADZE_LOG_WARNING,
              "numbers that are not zero become zero, being too small for %s: how many, and of which "
              "tensors, is in the events cast.underflow", p->to->name);
}

static adze_status
apply_piece (piece *p, cast *self, const adze_view *input, const adze_view *output)
{
  const char *in = (const char *)adze_view_data (input);
  char *out = (char *)adze_view_data (output);
  size_t in_size = p->from->dtype.bits / 8, out_size = p->to->dtype.bits / 8;
  size_t count = adze_view_count (input);
  bool halves = p->to->dtype.bits == 16;
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t size = count - start < BLOCK ? count - start : BLOCK;
    const void *from = in + start * in_size;
    void *to = out + start * out_size;
    adze_status status
        = p->from->dtype.bits == 64 && !halves
              ? block_double_to_float (p, start, (const double *)from, (float *)to, size)
              : block_by_floats (p, start, from, to, size);
    if (status != ADZE_OK)
      return status;
  }
  /* It was asked for, and is still nothing to be silent about. */
  if (p->beyond > 0)
    tell (p, "cast.overflow", p->overflow, p->beyond, p->first_beyond);
  if (p->lost > 0)
    tell_lost (p, self);
  return ADZE_OK;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const adze_params *values = adze_call_params (host, call);
  piece p = { .host = host,
              .name = input->name,
              .from = input->codec ? NULL : type_of (input->view.dtype),
              .to = type_named (adze_param_string (host, values, "to")),
              .overflow = adze_param_string (host, values, "overflow") };
  if (!p.from || !p.to || p.from == p.to)
    return ADZE_OK;
  if (!adze_view_is (&input->view, (adze_dtype_code)input->view.dtype.code,
                     input->view.dtype.bits))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' does not lie in the processor's memory without gaps",
                      input->name);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  p.first = place.first;
  adze_view out;
  adze_status status = adze_call_output (host, call, p.to->dtype, input->view.rank,
                                         input->view.shape, &out);
  return status == ADZE_OK ? apply_piece (&p, (cast *)instance, &input->view, &out) : status;
}

/* Zero stays zero, and k values become at most k. */
static const char *const preserves[]
    = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, NULL };
static const char *const breaks[] = { ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .preserves = preserves,
  .breaks = breaks,
  .create = create,
  .destroy = adze_left_destroy,
  .describe = describe,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "cast",
  .summary = "Writes numbers in another floating-point type",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "cast",
  .version = "0.1.0",
  .summary = "Floating-point types",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (cast, plugin);
