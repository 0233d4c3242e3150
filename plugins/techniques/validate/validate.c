/* SPDX-License-Identifier: Apache-2.0 */
/* validate: is every number of a model one? What is found is given as metrics, so that `require`
 * can hold a model to limits. */
#include <string.h>

#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "finite", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "fail at the first tensor with a NaN or an infinity" },
  { .name = "unread", .type = ADZE_PARAM_CHOICE, .preset = "warn", .choices = "warn|error",
    .help = "what to do about tensors of types that cannot be looked into" },
  { .name = NULL }
};

/* What was seen of one tensor. Zeros are the empty one. */
typedef struct sums {
  uint64_t count;
  uint64_t zeros;
  uint64_t nan;
  uint64_t infinite;
  uint64_t first_bad; /* element of the first that is not finite, plus 1; 0: none */
  double bad;         /* what it is */
  double least;       /* of the finite ones, where there are any */
  double most;
} sums;

typedef struct validate {
  uint64_t tensors;
  adze_left_tally unread, told;
  sums all;
} validate;

static uint64_t
finite_count (const sums *s)
{
  return s->count - s->nan - s->infinite;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)values;
  validate *self = (validate *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static bool
is_readable (const adze_tensor_meta *meta)
{
  return !meta->codec && adze_dtype_is_number (meta->dtype);
}

static adze_status
refuse_unread (const adze_host *host, const adze_tensor_meta *meta)
{
  char name[40];
  adze_left_type_name (meta, name, sizeof name);
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is %s, whose numbers cannot be looked into; leave it out by a rule "
                    "with skip = true, or say unread = \"warn\"",
                    meta->name, name);
}

/* What cannot be read is counted and told: a model of which nothing was looked at is not a good
 * one. */
static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  validate *self = (validate *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  if (!service->is_final (host, outline)) {
    self->tensors = 0;
    self->all = (sums){ 0 };
  }
  self->unread = (adze_left_tally){ 0 };
  for (uint32_t i = 0; i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    const adze_tensor_meta *meta = service->tensor (host, outline, pick);
    adze_left_see (&self->unread, meta);
    if (!is_readable (meta)) {
      const adze_params *values = service->params (host, outline, pick);
      if (strcmp (adze_param_string (host, values, "unread"), "error") == 0)
        return refuse_unread (host, meta);
      adze_left_add (&self->unread, meta);
      continue;
    }
    adze_status status = adze_outline_look (host, outline, pick);
    if (status != ADZE_OK)
      return status;
  }
  adze_left_tell (host, &self->unread, &self->told, "not looked into");
  return ADZE_OK;
}

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
  return sizeof (sums);
}

static void
see_not_finite (sums *s, uint64_t element, double number)
{
  if (number != number)
    s->nan++;
  else
    s->infinite++;
  if (s->first_bad == 0) {
    s->first_bad = element + 1;
    s->bad = number;
  }
}

static void
see_range (sums *s, double least, double most)
{
  bool first = finite_count (s) == 0;
  s->least = first || least < s->least ? least : s->least;
  s->most = first || most > s->most ? most : s->most;
}

static void
see_block (sums *s, const double *numbers, size_t count, uint64_t element)
{
  for (size_t i = 0; i < count; i++, s->count++)
    if (numbers[i] - numbers[i] != 0) {
      see_not_finite (s, element + i, numbers[i]);
    } else {
      see_range (s, numbers[i], numbers[i]);
      s->zeros += numbers[i] == 0;
    }
}

enum { BLOCK = 256 };

/* The bits of a float32 as an integer with the same order, and back. */
static inline int32_t
ordered (uint32_t bits)
{
  return (int32_t)(bits ^ ((0u - (bits >> 31)) & UINT32_C (0x7fffffff)));
}

/* A block of float32 that are all finite; integers, because they are quick to compare. False: it
 * is not such a block. */
static bool
see_finite_floats (sums *s, const float *numbers)
{
  uint32_t odd = 0, zeros = 0;
  int32_t least = INT32_MAX, most = INT32_MIN;
  for (size_t i = 0; i < BLOCK; i++) {
    uint32_t bits = adze_float_bits (numbers[i]), size = bits & 0x7fffffff;
    int32_t order = ordered (bits);
    odd |= ~adze_bits_below (size, UINT32_C (0x7f800000));
    zeros -= adze_bits_below (size, 1);
    least = order < least ? order : least;
    most = order > most ? order : most;
  }
  if (odd)
    return false;
  see_range (s, (double)adze_float_of_bits ((uint32_t)ordered ((uint32_t)least)),
             (double)adze_float_of_bits ((uint32_t)ordered ((uint32_t)most)));
  s->zeros += zeros;
  s->count += BLOCK;
  return true;
}

static adze_status
observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
         void *accumulated)
{
  (void)instance;
  const adze_view *view = &input->view;
  if (!adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' does not lie in the processor's memory without gaps",
                      input->name);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  const char *in = (const char *)adze_view_data (view);
  size_t count = adze_view_count (view), size = view->dtype.bits / 8;
  bool floats = !input->codec && adze_dtype_is_float (view->dtype) && size < 8;
  float short_block[BLOCK];
  double block[BLOCK];
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t here = count - start < BLOCK ? count - start : BLOCK;
    if (floats && here == BLOCK) {
      adze_floats_read (view->dtype, in + start * size, here, short_block);
      if (see_finite_floats ((sums *)accumulated, short_block))
        continue;
    }
    if (input->codec || !adze_numbers_read (view->dtype, in + start * size, here, block))
      return adze_fail (host, ADZE_E_UNSUPPORTED, "tensor '%s' is of no type that can be read",
                        input->name);
    see_block ((sums *)accumulated, block, here, place.first + start);
  }
  return ADZE_OK;
}

static void
add (sums *left, const sums *right)
{
  if (finite_count (right) > 0) {
    bool first = finite_count (left) == 0;
    left->least = first || right->least < left->least ? right->least : left->least;
    left->most = first || right->most > left->most ? right->most : left->most;
  }
  if (left->first_bad == 0) { /* LEFT stands for what comes before */
    left->first_bad = right->first_bad;
    left->bad = right->bad;
  }
  left->count += right->count;
  left->zeros += right->zeros;
  left->nan += right->nan;
  left->infinite += right->infinite;
}

static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  (void)host;
  (void)instance;
  add ((sums *)left, (const sums *)right);
  return ADZE_OK;
}

/* ---- decide. */

static adze_status
tell_range (const adze_host *host, const validate *self)
{
  const sums *all = &self->all;
  if (finite_count (all) == 0)
    return ADZE_OK;
  /* Adding 0 makes one zero of both, of which either may have come first. */
  double most = all->most > -all->least ? all->most : -all->least;
  adze_status status = adze_left_metric (host, &self->unread, "min", all->least + 0.0, NULL);
  if (status == ADZE_OK)
    status = adze_left_metric (host, &self->unread, "max", all->most + 0.0, NULL);
  return status == ADZE_OK ? adze_left_metric (host, &self->unread, "max-abs", most + 0.0, NULL)
                           : status;
}

static adze_status
tell_all (const adze_host *host, const validate *self)
{
  const sums *all = &self->all;
  const struct {
    const char *name;
    uint64_t count;
  } counts[] = { { "nan", all->nan }, { "inf", all->infinite }, { "zeros", all->zeros } };
  adze_status status = adze_metric (host, "tensors", (double)self->tensors, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "unread", (double)self->unread.tensors, NULL);
  for (size_t i = 0; status == ADZE_OK && i < sizeof counts / sizeof counts[0]; i++)
    status = adze_left_metric (host, &self->unread, counts[i].name, (double)counts[i].count, NULL);
  return status == ADZE_OK ? tell_range (host, self) : status;
}

/* Once a tensor in order, so the one that is named is the first one of the model. */
static adze_status
decide (const adze_host *host, void *instance, adze_call *call, const void *accumulated,
        bool *again)
{
  validate *self = (validate *)instance;
  (void)again;
  if (!call)
    return tell_all (host, self);
  const sums *s = (const sums *)accumulated;
  self->tensors++;
  add (&self->all, s);
  if (s->first_bad == 0 || !adze_param_bool (host, adze_call_params (host, call), "finite"))
    return ADZE_OK;
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  return adze_fail (host, ADZE_E_FORMAT,
                    "tensor '%s': element %llu is %s; %llu of its %llu numbers are NaN and %llu "
                    "are infinite; finite = false lets that pass",
                    place.whole->name, (unsigned long long)(s->first_bad - 1),
                    s->bad != s->bad ? "NaN" : s->bad < 0 ? "-inf" : "inf",
                    (unsigned long long)s->nan, (unsigned long long)s->count,
                    (unsigned long long)s->infinite);
}

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_INSPECTS,
  .grain = ADZE_GRAIN_ELEMENT,
  .accumulate = ADZE_OVER_GROUP,
  .create = create,
  .destroy = destroy,
  .describe = describe,
  .accumulator = accumulator,
  .observe = observe,
  .merge = merge,
  .decide = decide,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "validate",
  .summary = "Looks for NaN, infinities and numbers beyond limits",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "validate",
  .version = "0.1.0",
  .summary = "Limits for the numbers of a model",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (validate, plugin);
