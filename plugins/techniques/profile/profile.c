/* SPDX-License-Identifier: Apache-2.0 */
/* profile: what a model is made of, tensor by tensor. */
#include <string.h>

#include "sums.h"

/* A tensor in blocks of a codec, which no piece of elements can be cut from: only its sizes are
 * known, and from describe. */
typedef struct coded {
  char *name;
  char codec[32];
  char shape[160];
  uint64_t parameters;
  uint64_t bytes;
} coded;

/* What decide adds up over all tensors. */
typedef struct totals {
  uint64_t tensors;
  uint64_t unread; /* of those */
  uint64_t parameters;
  uint64_t bytes;
  uint64_t numbers; /* parameters whose values were seen */
  uint64_t zeros;
  uint64_t nan;
  uint64_t infinite;
} totals;

typedef struct profile {
  coded *coded;
  size_t coded_count;
  size_t coded_room;
  totals all;
  adze_left_tally unread, told;
} profile;

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)values;
  *instance = host->allocate (host, sizeof (profile));
  return *instance ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for its state");
}

static void
forget_coded (const adze_host *host, profile *self)
{
  for (size_t i = 0; i < self->coded_count; i++)
    host->release (host, self->coded[i].name);
  self->coded_count = 0;
}

static void
destroy (const adze_host *host, void *instance)
{
  profile *self = (profile *)instance;
  forget_coded (host, self);
  if (self->coded)
    host->release (host, self->coded);
  host->release (host, self);
}

/* ---- describe. */

static uint64_t
parameters_of (const adze_tensor_meta *meta)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    count *= (uint64_t)meta->shape[i];
  return count;
}

static void
shape_text (const adze_tensor_meta *meta, char *text, size_t size)
{
  size_t used = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < meta->rank && used < size; i++)
    used += (size_t)snprintf (text + used, size - used, "%s%lld", i ? "x" : "",
                              (long long)meta->shape[i]);
}

static adze_status
make_room (const adze_host *host, profile *self)
{
  if (self->coded_count < self->coded_room)
    return ADZE_OK;
  size_t room = self->coded_room ? self->coded_room * 2 : 64;
  coded *list = (coded *)host->allocate (host, room * sizeof *list);
  if (!list)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu tensors", room);
  if (self->coded) {
    memcpy (list, self->coded, self->coded_count * sizeof *list);
    host->release (host, self->coded);
  }
  self->coded = list;
  self->coded_room = room;
  return ADZE_OK;
}

static adze_status
remember_coded (const adze_host *host, profile *self, const adze_tensor_meta *meta)
{
  adze_status status = make_room (host, self);
  if (status != ADZE_OK)
    return status;
  coded *one = &self->coded[self->coded_count];
  size_t size = strlen (meta->name) + 1;
  one->name = (char *)host->allocate (host, size);
  if (!one->name)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the name of a tensor");
  memcpy (one->name, meta->name, size);
  snprintf (one->codec, sizeof one->codec, "%s", meta->codec);
  shape_text (meta, one->shape, sizeof one->shape);
  one->parameters = parameters_of (meta);
  one->bytes = meta->byte_size;
  self->coded_count++;
  return ADZE_OK;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  profile *self = (profile *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  adze_status status = ADZE_OK;
  forget_coded (host, self);
  self->unread = (adze_left_tally){ 0 };
  if (!service->is_final (host, outline))
    self->all = (totals){ 0 };
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++) {
    adze_pick pick = { 0, i };
    const adze_tensor_meta *meta = service->tensor (host, outline, pick);
    adze_left_see (&self->unread, meta);
    if (meta->codec || !adze_dtype_is_number (meta->dtype))
      adze_left_add (&self->unread, meta);
    status = meta->codec ? remember_coded (host, self, meta)
                         : adze_outline_look (host, outline, pick);
  }
  if (status == ADZE_OK)
    adze_left_tell (host, &self->unread, &self->told, "not looked into");
  return status;
}

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
  return sizeof (profile_sums);
}

/* ---- observe. */

enum { BLOCK = 256 };

static void
see_not_finite (profile_sums *s, bool nan)
{
  if (nan) {
    s->nan++;
    if (!s->too_many)
      profile_distinct_add (s, UINT64_C (0x7ff8000000000000));
  } else {
    s->infinite++;
  }
}

static void
see_distinct (profile_sums *s, const double *numbers, size_t count)
{
  for (size_t i = 0; i < count && !s->too_many; i++)
    if (numbers[i] == numbers[i] && numbers[i] != 0)
      profile_distinct_add (s, adze_double_bits (numbers[i]));
}

static void
see_range (profile_sums *s, bool first, double least, double most)
{
  s->least = first || least < s->least ? least : s->least;
  s->most = first || most > s->most ? most : s->most;
}

/* Can every number of the type be a float32? */
static bool
is_short (adze_dtype dtype)
{
  return adze_dtype_is_float (dtype) ? dtype.bits < 64 : dtype.bits <= 16;
}

static void
read_short (adze_dtype dtype, const char *in, size_t count, float *out)
{
  double wide[BLOCK];
  if (adze_dtype_is_float (dtype)) {
    adze_floats_read (dtype, in, count, out);
    return;
  }
  adze_numbers_read (dtype, in, count, wide);
  adze_float_from_doubles (out, wide, count);
}

/* All that is finite is added to BY. */
static void
see_floats (profile_sums *s, exact_floats *by, const float *numbers, size_t count)
{
  float least = INFINITY, most = -INFINITY;
  uint64_t zeros = 0, finite = profile_finite (s);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = adze_float_bits (numbers[i]), size = bits & 0x7fffffff;
    if (__builtin_expect (size >= UINT32_C (0x7f800000), 0)) {
      see_not_finite (s, size > UINT32_C (0x7f800000));
      continue;
    }
    exact_floats_add (by, bits, i);
    zeros += size == 0;
    least = numbers[i] < least ? numbers[i] : least;
    most = numbers[i] > most ? numbers[i] : most;
  }
  if (least <= most)
    see_range (s, finite == 0, (double)least, (double)most);
  s->zeros += zeros;
  s->count += count;
}

static void
observe_floats (profile_sums *s, adze_dtype dtype, const char *in, size_t count)
{
  exact_floats by = { 0 };
  float block[BLOCK];
  double wide[BLOCK];
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t here = count - start < BLOCK ? count - start : BLOCK;
    read_short (dtype, in + start * (dtype.bits / 8), here, block);
    see_floats (s, &by, block, here);
    if (!s->too_many) {
      adze_float_to_doubles (wide, block, here);
      see_distinct (s, wide, here);
    }
    if (start % EXACT_FLOATS == 0)
      exact_floats_move (&by, &s->sum, &s->squares);
  }
  exact_floats_move (&by, &s->sum, &s->squares);
}

static void
see_doubles (profile_sums *s, const double *numbers, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    if (numbers[i] - numbers[i] != 0) {
      see_not_finite (s, numbers[i] != numbers[i]);
    } else {
      see_range (s, profile_finite (s) == 0, numbers[i], numbers[i]);
      exact_add_double (&s->sum, &s->squares, numbers[i]);
      s->zeros += numbers[i] == 0;
    }
    s->count++;
  }
  exact_carry (&s->sum);
  exact_carry (&s->squares);
}

/* Integers that are the same as float64 need not be. */
static void
see_distinct_long (profile_sums *s, const uint64_t *integers, size_t count)
{
  for (size_t i = 0; i < count && !s->too_many; i++)
    if (integers[i] != 0)
      profile_distinct_add (s, integers[i]);
}

static void
observe_numbers (profile_sums *s, adze_dtype dtype, const char *in, size_t count)
{
  double block[BLOCK];
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t here = count - start < BLOCK ? count - start : BLOCK;
    const char *from = in + start * (dtype.bits / 8);
    adze_numbers_read (dtype, from, here, block);
    see_doubles (s, block, here);
    if (dtype.bits == 64 && !adze_dtype_is_float (dtype))
      see_distinct_long (s, (const uint64_t *)(const void *)from, here);
    else
      see_distinct (s, block, here);
  }
}

static adze_status
observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
         void *accumulated)
{
  (void)instance;
  (void)call;
  const adze_view *view = &input->view;
  if (!adze_dtype_is_number (view->dtype))
    return ADZE_OK;
  if (!adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' does not lie in the processor's memory without gaps",
                      input->name);
  const char *in = (const char *)adze_view_data (view);
  size_t count = adze_view_count (view);
  if (is_short (view->dtype))
    observe_floats ((profile_sums *)accumulated, view->dtype, in, count);
  else
    observe_numbers ((profile_sums *)accumulated, view->dtype, in, count);
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  (void)host;
  (void)instance;
  profile_merge ((profile_sums *)left, (const profile_sums *)right);
  return ADZE_OK;
}

/* ---- decide. */

/* One row of the table. */
typedef struct row {
  adze_field fields[16];
  uint32_t count;
  char shape[160];
  char dtype[32];
  char distinct[24];
} row;

static void
put_integer (row *r, const char *key, uint64_t value)
{
  r->fields[r->count++] = (adze_field){ .key = key,
                                        .type = ADZE_FIELD_INT,
                                        .value = { .integer = (int64_t)value } };
}

static void
put_real (row *r, const char *key, double value)
{
  r->fields[r->count++]
      = (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
}

static void
put_text (row *r, const char *key, const char *value)
{
  r->fields[r->count++]
      = (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static void
put_dtype (row *r, const adze_tensor_meta *meta)
{
  adze_left_type_name (meta, r->dtype, sizeof r->dtype);
  put_text (r, "dtype", r->dtype);
}

static void
put_values (row *r, const profile_sums *s)
{
  put_integer (r, "zeros", s->zeros);
  if (profile_distinct_is_known (s))
    snprintf (r->distinct, sizeof r->distinct, "%llu", (unsigned long long)profile_distinct (s));
  else
    snprintf (r->distinct, sizeof r->distinct, ">%d", DISTINCT_MOST);
  put_text (r, "distinct", r->distinct);
  put_integer (r, "nan", s->nan);
  put_integer (r, "inf", s->infinite);
  if (profile_finite (s) == 0)
    return;
  int power;
  double count = (double)profile_finite (s);
  /* Adding 0 makes one zero of both, of which either may have come first. */
  put_real (r, "min", s->least + 0.0);
  put_real (r, "max", s->most + 0.0);
  double sum = exact_value (&s->sum, &power);
  put_real (r, "mean", ldexp (sum / count, power) + 0.0);
  double squares = exact_value (&s->squares, &power); /* POWER is even */
  put_real (r, "rms", ldexp (sqrt (squares / count), power / 2));
}

static void
add_tensor (profile *self, const adze_tensor_meta *meta, const profile_sums *s)
{
  self->all.tensors++;
  self->all.unread += !adze_dtype_is_number (meta->dtype);
  self->all.parameters += parameters_of (meta);
  self->all.bytes += meta->byte_size;
  self->all.numbers += s->count;
  self->all.zeros += s->zeros;
  self->all.nan += s->nan;
  self->all.infinite += s->infinite;
}

/* The tensors of codecs, after all others. */
static adze_status
tell_coded (const adze_host *host, profile *self)
{
  const adze_decision_service *service = adze_decisions_of (host);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->coded_count; i++) {
    const coded *one = &self->coded[i];
    row r = { .count = 0 };
    put_text (&r, "tensor", one->name);
    put_text (&r, "dtype", one->codec);
    put_text (&r, "shape", one->shape);
    put_integer (&r, "parameters", one->parameters);
    put_integer (&r, "bytes", one->bytes);
    self->all.tensors++;
    self->all.unread++;
    self->all.parameters += one->parameters;
    self->all.bytes += one->bytes;
    if (service)
      status = service->row (host, "tensors", r.fields, r.count);
  }
  return status;
}

/* What is known only of tensors that were looked into. */
static adze_status
tell_values (const adze_host *host, const profile *self)
{
  const totals *all = &self->all;
  const struct {
    const char *name;
    double value;
  } metrics[] = {
    { "zeros", (double)all->zeros },
    { "nan", (double)all->nan },
    { "inf", (double)all->infinite },
    { "sparsity", all->numbers > 0 ? (double)all->zeros / (double)all->numbers : 0 },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    status = adze_left_metric (host, &self->unread, metrics[i].name, metrics[i].value, NULL);
  return status;
}

static adze_status
tell_all (const adze_host *host, const profile *self)
{
  const struct {
    const char *name;
    double value;
    const char *unit;
  } metrics[] = {
    { "tensors", (double)self->all.tensors, NULL },
    { "parameters", (double)self->all.parameters, NULL },
    { "bytes", (double)self->all.bytes, "bytes" },
    { "unread", (double)self->all.unread, NULL },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    status = adze_metric (host, metrics[i].name, metrics[i].value, metrics[i].unit);
  return status == ADZE_OK ? tell_values (host, self) : status;
}

static adze_status
decide (const adze_host *host, void *instance, adze_call *call, const void *accumulated,
        bool *again)
{
  profile *self = (profile *)instance;
  (void)again;
  if (!call) {
    adze_status status = tell_coded (host, self);
    return status == ADZE_OK ? tell_all (host, self) : status;
  }
  const profile_sums *s = (const profile_sums *)accumulated;
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  add_tensor (self, place.whole, s);
  row r = { .count = 0 };
  put_text (&r, "tensor", place.whole->name);
  put_dtype (&r, place.whole);
  shape_text (place.whole, r.shape, sizeof r.shape);
  put_text (&r, "shape", r.shape);
  put_integer (&r, "parameters", parameters_of (place.whole));
  put_integer (&r, "bytes", place.whole->byte_size);
  if (s->count > 0)
    put_values (&r, s);
  const adze_decision_service *service = adze_decisions_of (host);
  return service ? service->row (host, "tensors", r.fields, r.count) : ADZE_OK;
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
  .id = "profile",
  .summary = "Counts and describes what a model is made of",
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "profile",
  .version = "0.1.0",
  .summary = "What a model is made of",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (profile, plugin);
