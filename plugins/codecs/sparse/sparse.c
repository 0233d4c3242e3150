/* SPDX-License-Identifier: Apache-2.0 */
/* sparse: tensors that are mostly zeros: the numbers that are none, and where they belong. */
#include "sparse.h"

static const adze_param params[] = {
  { .name = "values", .type = ADZE_PARAM_CHOICE, .preset = "same", .choices = "same|f32|f16|bf16",
    .help = "the type of the numbers that are not zero; same: the tensor's own" },
  { .name = "places", .type = ADZE_PARAM_CHOICE, .preset = "bits", .choices = "bits|indices",
    .help = "how it is said where they belong: one bit for each number of the tensor, or an index of 64 bits "
            "for each value, as ONNX's sparse initialisers have it" },
  { .name = NULL }
};

sparse_way
sparse_way_of (const adze_host *host, const adze_params *values, const adze_tensor_meta *meta)
{
  const char *type = adze_param_string (host, values, "values");
  sparse_way way = { { ADZE_FLOAT, 32, 1 }, false };
  way.indices = strcmp (adze_param_string (host, values, "places"), "indices") == 0;
  if (strcmp (type, "same") == 0 && meta->dtype.bits == 16)
    way.type = meta->dtype;
  else if (strcmp (type, "f16") == 0)
    way.type.bits = 16;
  else if (strcmp (type, "bf16") == 0)
    way.type = (adze_dtype){ ADZE_BFLOAT, 16, 1 };
  return way;
}

/* ---- What must be known of all of it: how many values there are. */

typedef struct seen {
  uint64_t values;
} seen;

static size_t
accumulator (const adze_host *host, const void *own, const adze_params *values,
             const adze_tensor_meta *meta)
{
  (void)host;
  (void)own;
  (void)values;
  (void)meta;
  return sizeof (seen);
}

static adze_status
observe (const adze_host *host, const void *own, const adze_params *values,
         const adze_tensor_meta *meta, const float *numbers, uint64_t first, uint64_t count,
         void *accumulated)
{
  uint64_t found = 0;
  (void)host;
  (void)own;
  (void)values;
  (void)meta;
  (void)first;
  for (uint64_t i = 0; i < count; i++)
    found += sparse_is_value (numbers[i]);
  ((seen *)accumulated)->values += found;
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, const void *own, const adze_params *values, void *left,
       const void *right)
{
  (void)host;
  (void)own;
  (void)values;
  ((seen *)left)->values += ((const seen *)right)->values;
  return ADZE_OK;
}

/* ---- describe. */

static uint64_t
count_of (const adze_tensor_meta *meta)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    count *= (uint64_t)meta->shape[i];
  return count;
}

/* Bits are in rows, each beginning with a byte of its own. */
static void
put_places (const sparse_way *way, const adze_tensor_meta *meta, uint64_t values, uint64_t columns,
            adze_plane *places)
{
  strcpy (places->suffix, way->indices ? ".indices" : ".mask");
  places->dtype = (adze_dtype){ way->indices ? ADZE_INT : ADZE_UINT, way->indices ? 64 : 8, 1 };
  places->by_rows = !way->indices;
  if (!way->indices && meta->rank > 1)
    places->shape[places->rank++] = meta->shape[0];
  places->shape[places->rank++] = (int64_t)(way->indices ? values : adze_codes_bytes (1, columns));
}

/* A dense tensor is its own shortest form; bits are so few that it does not matter, indices are not. */
static adze_status
check_smaller (const adze_host *host, const sparse_way *way, const adze_tensor_meta *meta, uint64_t values,
               uint64_t count)
{
  uint64_t dense = meta->dtype.bits / 8, each = way->type.bits / 8 + sizeof (int64_t);
  if (!way->indices || values * each < count * dense)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "'%s' has %llu values that are not zero, which with their indices take %llu bytes, and all "
                    "of its numbers take %llu",
                    meta->name, (unsigned long long)values, (unsigned long long)(values * each),
                    (unsigned long long)(count * dense));
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params_,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const sparse_way way = sparse_way_of (host, params_, meta);
  adze_plane *values = &coded->planes[SPARSE_VALUES];
  uint64_t count = count_of (meta), kept = found ? ((const seen *)found)->values : count;
  (void)own;
  if (count == 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "'%s' has no numbers, and so none that are not zero",
                      meta->name);
  /* Not everybody knows what to make of a tensor without numbers: one that is all zeros has one of them. */
  kept = kept > 0 ? kept : 1;
  adze_status status = found ? check_smaller (host, &way, meta, kept, count) : ADZE_OK;
  if (status != ADZE_OK)
    return status;
  coded->row_rank = meta->rank > 1 ? 1 : 0;
  coded->whole = 1; /* where a row's values begin depends on all rows before it */
  coded->plane_count = 2;
  coded->keeps_values = 1 << SPARSE_VALUES;
  values->dtype = way.type;
  values->rank = 1;
  values->shape[0] = (int64_t)kept;
  put_places (&way, meta, kept, adze_coded_columns (coded, meta), &coded->planes[SPARSE_PLACES]);
  return ADZE_OK;
}

static const adze_codec callbacks = {
  .struct_size = sizeof callbacks,
  .revision = 1,
  .describe = describe,
  .accumulator = accumulator,
  .observe = observe,
  .merge = merge,
  .encode = sparse_encode,
  .decode = sparse_decode,
  .graph = sparse_graph,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_CODEC_REVISION,
  .kind = ADZE_CODEC,
  .id = "sparse",
  .summary = "The numbers that are not zero, and their places",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "sparse",
  .version = "0.1.0",
  .summary = "Tensors that are mostly zeros",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (sparse, plugin);
