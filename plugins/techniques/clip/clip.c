/* SPDX-License-Identifier: Apache-2.0 */
/* clip: the largest magnitudes brought down to a percentile, of the whole model (clip) or of each
 * tensor (clip-tensor).
 *
 * The percentile is exact. The bits of magnitudes are ordered as the magnitudes are, so it is found
 * a few bits at a time: each round counts how often every value of the next bits occurs among the
 * numbers that begin with the bits that are known. How the data is cut, and in which order it is
 * counted, then changes nothing. */
#include "pools.h"

static const adze_param params[] = {
  { .name = "percentile", .type = ADZE_PARAM_FLOAT, .preset = "99.9", .range = "(0, 100]",
    .unit = "%", .help = "share of the magnitudes that stay as they are; nearest rank" },
  { .name = "nan", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|ignore",
    .help = "what to do about a NaN: the run fails, or it is not counted and stays" },
  { .name = NULL }
};

/* Bits of a magnitude that one round finds. */
typedef struct clip_round {
  uint32_t shift;
  uint32_t bits;
} clip_round;

/* Two rounds need 512 KiB to count in, three need 16: for a whole model the one, since data is
 * slower than memory; for each of its tensors the other. */
static const clip_round over_model[] = { { 15, 16 }, { 0, 15 }, { 0, 0 } };
static const clip_round over_tensor[] = { { 20, 11 }, { 10, 10 }, { 0, 10 }, { 0, 0 } };

typedef struct clip {
  const clip_round *rounds; /* ended by one of no bits */
  double percentile;        /* of the stage */
  clip_pools pools;         /* one for all, or one a tensor */
  size_t round;             /* how many are over */
  uint64_t total;
  uint64_t clipped;
  adze_left_tally left, told;
} clip;

/* Zeros are spread over a few places of their own, after all others: a processor counts in one
 * place much more slowly than in several, and models that were pruned are mostly zeros. */
enum { ZEROS = 8 };

static size_t
places_of (const clip_round *round)
{
  return ((size_t)1 << round->bits) + ZEROS;
}

static adze_status
create_with (const adze_host *host, const adze_params *values, const clip_round *rounds,
             bool each, void **instance)
{
  clip *self = (clip *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->rounds = rounds;
  self->percentile = adze_param_float (host, values, "percentile");
  self->pools.each = each;
  *instance = self;
  return ADZE_OK;
}

static adze_status
create_over_model (const adze_host *host, const adze_params *values, void **instance)
{
  return create_with (host, values, over_model, false, instance);
}

static adze_status
create_over_tensor (const adze_host *host, const adze_params *values, void **instance)
{
  return create_with (host, values, over_tensor, true, instance);
}

static void
destroy (const adze_host *host, void *instance)
{
  clip *self = (clip *)instance;
  adze_entries_end (host, &self->pools.entries);
  host->release (host, self);
}

/* ---- describe. */

static bool
is_double (const adze_tensor_meta *meta)
{
  return adze_dtype_is_float (meta->dtype) && meta->dtype.bits == 64;
}

static adze_status
describe_one (const adze_host *host, clip *self, adze_outline *outline, uint32_t index)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick pick = { 0, index };
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  adze_left_see (&self->left, meta);
  if (meta->codec || !adze_dtype_is_float (meta->dtype)) {
    if (adze_left_is_float (meta))
      adze_left_add (&self->left, meta);
    return ADZE_OK;
  }
  if (is_double (meta))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' is float64, whose magnitudes are not counted; cast it to f32 "
                      "before, or leave it out by a rule with skip = true",
                      meta->name);
  double percentile = adze_param_float (host, service->params (host, outline, pick), "percentile");
  if (!self->pools.each && percentile != self->percentile)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'percentile' of tensor '%s': clip has one threshold for all tensors, "
                      "so a rule cannot give another percentile (%g here, %g in the stage); "
                      "clip-tensor has one for each tensor, and skip = true leaves them out",
                      meta->name, percentile, self->percentile);
  if (!service->is_final (host, outline)) {
    const clip_entry entry = { .name = NULL };
    adze_status status = adze_entries_add (host, &self->pools.entries, &entry, sizeof entry, meta->name);
    if (status != ADZE_OK)
      return status;
  }
  char note[64];
  snprintf (note, sizeof note, "clip at percentile %g%s", percentile,
            self->pools.each ? "" : " of all");
  return adze_outline_like (host, outline, pick, note);
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  clip *self = (clip *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  /* In the end the tensors are those that were decided on; before, all begins anew. */
  if (!service->is_final (host, outline)) {
    clip_pools_clear (host, &self->pools);
    self->round = 0;
    self->total = self->clipped = 0;
  }
  self->left = (adze_left_tally){ 0 };
  adze_status status = ADZE_OK;
  uint32_t count = service->count (host, outline, 0);
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++)
    status = describe_one (host, self, outline, i);
  if (status == ADZE_OK)
    status = adze_entries_sort (host, &self->pools.entries);
  if (status != ADZE_OK)
    return status;
  adze_left_tell (host, &self->left, &self->told, "not clipped");
  return ADZE_OK;
}

/* ---- observe. */

static size_t
accumulator (const adze_host *host, void *instance)
{
  const clip *self = (const clip *)instance;
  (void)host;
  return places_of (&self->rounds[0]) * sizeof (uint64_t);
}

/* Bits of magnitudes, in blocks that stay in the processor's nearest cache. */
enum { BLOCK = 256 };

typedef struct block {
  uint32_t sizes[BLOCK];
  size_t count;
  bool has_nan;
  bool has_zero;
} block;

static void
load (block *b, adze_dtype dtype, const void *in, size_t count)
{
  uint32_t *__restrict sizes = b->sizes;
  float numbers[BLOCK] = { 0 };
  adze_floats_read (dtype, in, count, numbers);
  uint32_t nan = 0, zero = 0;
  for (size_t i = 0; i < BLOCK; i++) {
    uint32_t size = adze_float_bits (numbers[i]) & 0x7fffffff;
    nan |= adze_bits_below (CLIP_INFINITE, size);
    zero |= adze_bits_below (size, 1);
    sizes[i] = size;
  }
  b->count = count;
  b->has_nan = nan != 0;
  b->has_zero = zero != 0;
}

/* The first NaN fails the run, or all of them go: the numbers behind them move up. */
static adze_status
see_to_nan (const adze_host *host, adze_call *call, const adze_tensor *input, block *b,
            size_t start)
{
  bool ignore = strcmp (adze_param_string (host, adze_call_params (host, call), "nan"), "ignore")
                == 0;
  size_t kept = 0;
  for (size_t i = 0; i < b->count; i++) {
    if (b->sizes[i] <= CLIP_INFINITE) {
      b->sizes[kept++] = b->sizes[i];
      continue;
    }
    adze_place place;
    adze_call_of (host)->place (host, call, &place);
    if (!ignore)
      return adze_fail (host, ADZE_E_UNSUPPORTED,
                        "tensor '%s' is NaN at element %llu, and a NaN has no place among the "
                        "magnitudes; say nan = \"ignore\" to leave such numbers as they are",
                        input->name, (unsigned long long)(place.first + start + i));
  }
  b->count = kept;
  return ADZE_OK;
}

static void
count_all (const block *b, const clip_round *round, uint64_t *counts)
{
  uint32_t shift = round->shift;
  if (!b->has_zero) {
    for (size_t i = 0; i < b->count; i++)
      counts[b->sizes[i] >> shift]++;
    return;
  }
  /* Without a branch: which number is a zero cannot be foreseen. */
  uint32_t zeros = UINT32_C (1) << round->bits;
  for (size_t i = 0; i < b->count; i++) {
    uint32_t is_zero = adze_bits_below (b->sizes[i], 1);
    counts[b->sizes[i] >> shift | (is_zero & (zeros + (uint32_t)(i & (ZEROS - 1))))]++;
  }
}

/* Those that begin with PREFIX: few, so that most runs of numbers have none. */
static void
count_some (const block *b, const clip_round *round, uint32_t prefix, uint64_t *counts)
{
  uint32_t shift = round->shift + round->bits, mask = (UINT32_C (1) << round->bits) - 1;
  size_t start = 0;
  for (; start + 32 <= b->count; start += 32) {
    uint32_t hit = 0;
    for (size_t i = 0; i < 32; i++)
      hit |= (uint32_t)(b->sizes[start + i] >> shift == prefix);
    for (size_t i = 0; hit && i < 32; i++)
      if (b->sizes[start + i] >> shift == prefix)
        counts[b->sizes[start + i] >> round->shift & mask]++;
  }
  for (; start < b->count; start++)
    if (b->sizes[start] >> shift == prefix)
      counts[b->sizes[start] >> round->shift & mask]++;
}

static adze_status
check_plain (const adze_host *host, const adze_tensor *input)
{
  const adze_view *view = &input->view;
  if (!input->codec && adze_dtype_is_float (view->dtype) && view->dtype.bits <= 32
      && adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is not float16, bfloat16 or float32 without gaps", input->name);
}

static adze_status
observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
         void *accumulated)
{
  const clip *self = (const clip *)instance;
  const clip_round *round = &self->rounds[self->round];
  const clip_pool *pool = clip_pool_of (&self->pools, input->name);
  adze_status status = check_plain (host, input);
  if (status != ADZE_OK || !pool)
    return status;
  const char *in = (const char *)adze_view_data (&input->view);
  size_t size = input->view.dtype.bits / 8, count = adze_view_count (&input->view);
  block b;
  for (size_t start = 0; start < count; start += BLOCK) {
    load (&b, input->view.dtype, in + start * size, count - start < BLOCK ? count - start : BLOCK);
    if (b.has_nan)
      status = see_to_nan (host, call, input, &b, start);
    if (status != ADZE_OK)
      return status;
    if (self->round == 0)
      count_all (&b, round, (uint64_t *)accumulated);
    else
      count_some (&b, round, pool->prefix, (uint64_t *)accumulated);
  }
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  const clip *self = (const clip *)instance;
  uint64_t *into = (uint64_t *)left;
  const uint64_t *from = (const uint64_t *)right;
  (void)host;
  for (size_t i = 0; i < places_of (&self->rounds[0]); i++)
    into[i] += from[i];
  return ADZE_OK;
}

/* ---- decide. */

/* How many of it were clipped is known where the pool is the tensor's own. */
static adze_status
tell_tensor (const adze_host *host, const char *tensor, const clip_pool *pool, double percentile,
             bool own)
{
  const adze_decision_service *service = adze_decisions_of (host);
  const adze_field fields[] = {
    { .key = "threshold", .type = ADZE_FIELD_FLOAT,
      .value = { .real = (double)adze_float_of_bits (pool->prefix) } },
    { .key = "percentile", .type = ADZE_FIELD_FLOAT, .value = { .real = percentile } },
    { .key = "numbers", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)pool->total } },
    { .key = "clipped", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)pool->above } },
  };
  return service && pool->total > 0 ? service->tensor (host, tensor, fields, own ? 4 : 2)
                                    : ADZE_OK;
}

static adze_status
tell_achieved (const adze_host *host, const clip *self)
{
  const adze_decision_service *service = adze_decisions_of (host);
  double kept = (double)(self->total - self->clipped);
  adze_status status = adze_metric (host, "clipped", (double)self->clipped, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "numbers", (double)self->total, NULL);
  if (status == ADZE_OK && service && self->total > 0)
    status = service->achieved (host, "percentile", self->percentile,
                                kept / (double)self->total * 100);
  return status;
}

/* Looks at one pool in one round, and says whether it was the last one. */
static bool
decide_pool (const clip *self, clip_pool *pool, const void *accumulated, double percentile)
{
  const clip_round *round = &self->rounds[self->round];
  clip_pool_find (pool, (const uint64_t *)accumulated, round->bits, self->round == 0 ? ZEROS : 0,
                  self->round == 0, percentile);
  return self->rounds[self->round + 1].bits == 0;
}

static adze_status
decide_over_model (const adze_host *host, void *instance, adze_call *call,
                   const void *accumulated, bool *again)
{
  clip *self = (clip *)instance;
  clip_pool *pool = &self->pools.all;
  (void)call;
  bool last = decide_pool (self, pool, accumulated, self->percentile);
  self->round++;
  *again = !last;
  if (!last)
    return ADZE_OK;
  self->total = pool->total;
  self->clipped = pool->above;
  adze_status status = ADZE_OK;
  if (pool->total > 0)
    status = adze_metric (host, "threshold", (double)adze_float_of_bits (pool->prefix), NULL);
  if (status == ADZE_OK)
    status = tell_achieved (host, self);
  for (size_t i = 0; status == ADZE_OK && i < self->pools.entries.count; i++)
    status = tell_tensor (host, *adze_entries_name (&self->pools.entries, i), pool, self->percentile, false);
  return status;
}

/* Once a tensor, and then once without one. */
static adze_status
decide_over_tensor (const adze_host *host, void *instance, adze_call *call,
                    const void *accumulated, bool *again)
{
  clip *self = (clip *)instance;
  bool last = self->rounds[self->round + 1].bits == 0;
  *again = !last;
  if (!call) {
    self->round++;
    return last ? tell_achieved (host, self) : ADZE_OK;
  }
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  clip_pool *pool = clip_pool_of (&self->pools, place.whole->name);
  if (!pool)
    return adze_fail (host, ADZE_E_CONTRACT, "tensor '%s' was not described before",
                      place.whole->name);
  double percentile = adze_param_float (host, adze_call_params (host, call), "percentile");
  if (!decide_pool (self, pool, accumulated, percentile))
    return ADZE_OK;
  self->total += pool->total;
  self->clipped += pool->above;
  return tell_tensor (host, place.whole->name, pool, percentile, true);
}

/* ---- apply. */

/* Numbers are clipped in blocks of a known size, which compilers turn into vector instructions;
 * the rest is filled up to one. */
enum { CLIP_BLOCK = 32 };

static inline void
clip_float_block (float *__restrict out, const float *__restrict in, uint32_t threshold)
{
  for (size_t i = 0; i < CLIP_BLOCK; i++) {
    uint32_t bits = adze_float_bits (in[i]), magnitude = bits & 0x7fffffff;
    uint32_t over = adze_bits_below (threshold, magnitude)
                    & adze_bits_below (magnitude, CLIP_INFINITE + 1);
    out[i] = adze_float_of_bits (adze_bits_choose (over, threshold, magnitude)
                                 | (bits & UINT32_C (0x80000000)));
  }
}

static void
clip_floats (float *out, const float *in, size_t count, uint32_t threshold)
{
  float rest[CLIP_BLOCK] = { 0 }, clipped[CLIP_BLOCK];
  for (; count >= CLIP_BLOCK; count -= CLIP_BLOCK, in += CLIP_BLOCK, out += CLIP_BLOCK)
    clip_float_block (out, in, threshold);
  if (count == 0)
    return;
  memcpy (rest, in, count * sizeof *in);
  clip_float_block (clipped, rest, threshold);
  memcpy (out, clipped, count * sizeof *out);
}

/* INFINITE is what the type writes for it. */
static inline void
clip_half_block (uint16_t *__restrict out, const uint16_t *__restrict in, uint16_t threshold,
                 uint16_t infinite)
{
  for (size_t i = 0; i < CLIP_BLOCK; i++) {
    int16_t magnitude = (int16_t)(in[i] & 0x7fff);
    bool over = magnitude > (int16_t)threshold && magnitude <= (int16_t)infinite;
    out[i] = (uint16_t)((over ? threshold : (uint16_t)magnitude) | (in[i] & 0x8000));
  }
}

static void
clip_halves (uint16_t *out, const uint16_t *in, size_t count, uint16_t threshold,
             uint16_t infinite)
{
  uint16_t rest[CLIP_BLOCK] = { 0 }, clipped[CLIP_BLOCK];
  for (; count >= CLIP_BLOCK; count -= CLIP_BLOCK, in += CLIP_BLOCK, out += CLIP_BLOCK)
    clip_half_block (out, in, threshold, infinite);
  if (count == 0)
    return;
  memcpy (rest, in, count * sizeof *in);
  clip_half_block (clipped, rest, threshold, infinite);
  memcpy (out, clipped, count * sizeof *out);
}

/* The largest number of the type that is not above the threshold, which may be another type's. */
static uint16_t
half_threshold (uint32_t threshold, bool bfloat)
{
  float number = adze_float_of_bits (threshold);
  uint16_t half = bfloat ? adze_bfloat_from_float (number) : adze_half_from_float (number);
  float back = bfloat ? adze_bfloat_to_float (half) : adze_half_to_float (half);
  return back > number ? (uint16_t)(half - 1) : half;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const clip *self = (const clip *)instance;
  const clip_pool *pool = clip_pool_of (&self->pools, input->name);
  adze_status status = check_plain (host, input);
  if (status != ADZE_OK || !pool || pool->total == 0)
    return status;
  adze_view out;
  status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const void *from = adze_view_data (&input->view);
  void *to = adze_view_data (&out);
  size_t count = adze_view_count (&input->view);
  bool bfloat = input->view.dtype.code == ADZE_BFLOAT;
  if (input->view.dtype.bits == 32)
    clip_floats ((float *)to, (const float *)from, count, pool->prefix);
  else
    clip_halves ((uint16_t *)to, (const uint16_t *)from, count,
                 half_threshold (pool->prefix, bfloat), bfloat ? 0x7f80 : 0x7c00);
  return ADZE_OK;
}

/* Zero stays zero, and k values become at most k. */
static const char *const preserves[]
    = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, NULL };
static const char *const breaks[] = { ADZE_TRAIT_FROZEN, NULL };

#define CLIP_TECHNIQUE(over, create_, decide_) \
  { \
    .struct_size = sizeof (adze_technique), .effect = ADZE_CHANGES, .grain = ADZE_GRAIN_ELEMENT, \
    .accumulate = over, .preserves = preserves, .breaks = breaks, .create = create_, \
    .destroy = destroy, .describe = describe, .accumulator = accumulator, .observe = observe, \
    .merge = merge, .decide = decide_, .apply = apply, \
  }

static const adze_technique model_callbacks
    = CLIP_TECHNIQUE (ADZE_OVER_STAGE, create_over_model, decide_over_model);
static const adze_technique tensor_callbacks
    = CLIP_TECHNIQUE (ADZE_OVER_GROUP, create_over_tensor, decide_over_tensor);

#define CLIP_COMPONENT(id_, summary_, callbacks_) \
  { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, .id = id_, .summary = summary_, .params = params, \
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = callbacks_, \
  }

static const adze_component model_component
    = CLIP_COMPONENT ("clip", "Clips a model to a percentile of its magnitudes", &model_callbacks);
static const adze_component tensor_component = CLIP_COMPONENT (
    "clip-tensor", "Clips each tensor to a percentile of its magnitudes", &tensor_callbacks);

static const adze_component *const components[] = { &model_component, &tensor_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "clip",
  .version = "0.1.0",
  .summary = "Large magnitudes brought down to a percentile",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (clip, plugin);
