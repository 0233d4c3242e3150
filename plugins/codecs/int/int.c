/* SPDX-License-Identifier: Apache-2.0 */
/* int: whole numbers of 8, 4 or 2 bits, and a scale for the tensor, for each channel or for each group of a
 * channel's numbers. Zero is always one of the numbers that can be written, so zeros stay zeros. */
#include "int.h"

static const adze_param params[] = {
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "channel", .choices = "tensor|channel|group",
    .help = "what has a scale of its own: the tensor, each channel (its first dimension), or each group of "
            "numbers of a channel" },
  { .name = "axis", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 63]",
    .help = "per channel: the dimension that counts channels" },
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "32", .range = "[1, inf)",
    .help = "numbers of a group; those of a channel must be a multiple of it" },
  { .name = "symmetric", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "as far below zero as above it; false: from the least number to the greatest" },
  { .name = "range", .type = ADZE_PARAM_CHOICE, .preset = "min-max",
    .choices = "min-max|percentile|mse|entropy",
    .help = "how far codes go: to the outermost numbers, to where few are beyond, as far as gives the least "
            "squared error, or the least loss of what the distribution says; numbers beyond become the "
            "outermost code" },
  { .name = "percentile", .type = ADZE_PARAM_FLOAT, .preset = "99.99", .range = "[50, 100]",
    .unit = "%", .help = "for range = \"percentile\": numbers that are within it, of those that are not zero" },
  { .name = NULL }
};

static const char *const rules[] = { "min-max", "percentile", "mse", "entropy" };

static int_rule
rule_named (const char *name)
{
  for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (strcmp (name, rules[i]) == 0)
      return (int_rule)i;
  return INT_MIN_MAX;
}

/* Of a vector, all is one channel. */
static int_way
way_of (const adze_host *host, const void *own, const adze_params *values, const adze_tensor_meta *meta)
{
  const char *per = adze_param_string (host, values, "per");
  bool channels = strcmp (per, "channel") == 0 && meta->rank > 1;
  return (int_way){ .bits = *(const uint32_t *)own,
                    .symmetric = adze_param_bool (host, values, "symmetric"),
                    .whole = strcmp (per, "tensor") == 0,
                    .group = strcmp (per, "group") == 0
                                 ? (uint64_t)adze_param_int (host, values, "group")
                                 : 0,
                    .axis = channels ? (int32_t)adze_param_int (host, values, "axis") : 0,
                    .rule = rule_named (adze_param_string (host, values, "range")),
                    .percentile = adze_param_float (host, values, "percentile") };
}

/* ---- describe. */

static void
put_codes (const int_way *way, const adze_tensor_meta *meta, uint64_t columns, adze_plane *plane)
{
  plane->by_rows = 1;
  if (way->bits == 8) {
    plane->dtype = (adze_dtype){ ADZE_INT, 8, 1 };
    plane->rank = meta->rank;
    memcpy (plane->shape, meta->shape, (size_t)meta->rank * sizeof *plane->shape);
    return;
  }
  plane->dtype = (adze_dtype){ ADZE_UINT, 8, 1 };
  plane->rank = meta->rank > 1 ? 2 : 1;
  plane->shape[0] = meta->shape[0];
  plane->shape[plane->rank - 1] = (int64_t)adze_codes_bytes (way->bits, columns);
}

/* One for each channel, or for each group of one; for channels across the rows, one for all rows. */
static void
put_cells (const int_way *way, const adze_tensor_meta *meta, uint64_t columns, const char *suffix,
           adze_dtype dtype, adze_plane *plane)
{
  strcpy (plane->suffix, suffix);
  plane->dtype = dtype;
  plane->by_rows = !way->whole && way->axis == 0;
  if (way->whole)
    return;
  if (meta->rank > 1)
    plane->shape[plane->rank++] = meta->shape[way->axis];
  if (way->group)
    plane->shape[plane->rank++] = (int64_t)(columns / way->group);
}

static adze_status
check_way (const adze_host *host, const int_way *way, const adze_params *values,
           const adze_tensor_meta *meta, uint64_t columns)
{
  if (way->axis >= meta->rank)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'axis' is %d, and tensor '%s' has %d dimensions, counted from 0; give it "
                      "another one by a rule, or leave it out with skip = true",
                      (int)way->axis, meta->name, (int)meta->rank);
  if (way->group && adze_param_int (host, values, "axis") != 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'axis' is %lld, and groups are of the numbers of the first dimension's "
                      "channels; say axis = 0, or per = \"channel\"",
                      (long long)adze_param_int (host, values, "axis"));
  if (way->group && columns % way->group != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' has %llu numbers in a channel, which are no groups of %llu", meta->name,
                      (unsigned long long)columns, (unsigned long long)way->group);
  return ADZE_OK;
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *values,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const int_way given = way_of (host, own, values, meta), *way = &given;
  (void)found;
  coded->row_rank = meta->rank > 1 ? 1 : 0;
  coded->whole = way->axis > 0;
  uint64_t columns = adze_coded_columns (coded, meta);
  adze_status status = check_way (host, way, values, meta, columns);
  if (status != ADZE_OK)
    return status;
  coded->plane_count = way->symmetric ? 2 : 3;
  coded->keeps_values = way->bits == 8 && way->whole;
  coded->keeps_zeros = way->bits == 8 && way->symmetric;
  put_codes (way, meta, columns, &coded->planes[INT_CODES]);
  put_cells (way, meta, columns, ".scale", (adze_dtype){ ADZE_FLOAT, 32, 1 }, &coded->planes[INT_SCALE]);
  if (!way->symmetric)
    put_cells (way, meta, columns, ".zero",
               (adze_dtype){ way->bits == 8 ? ADZE_INT : ADZE_UINT, 8, 1 }, &coded->planes[INT_ZERO]);
  return ADZE_OK;
}

/* ---- What must be known of all of a tensor that has one scale: its extremes, or how many numbers of which size
 * there are. */

static size_t
accumulator (const adze_host *host, const void *own, const adze_params *values,
             const adze_tensor_meta *meta)
{
  const int_way way = way_of (host, own, values, meta);
  if (!way.whole)
    return 0;
  return way.rule == INT_MIN_MAX ? sizeof (int_range) : int_seen_size (&way);
}

static void
widen (int_range *all, int_range range)
{
  all->low = range.low < all->low ? range.low : all->low;
  all->high = range.high > all->high ? range.high : all->high;
}

static adze_status
observe (const adze_host *host, const void *own, const adze_params *values,
         const adze_tensor_meta *meta, const float *numbers, uint64_t first, uint64_t count,
         void *accumulated)
{
  const int_way way = way_of (host, own, values, meta);
  (void)first;
  if (way.rule == INT_MIN_MAX)
    widen ((int_range *)accumulated, int_extremes (numbers, count));
  else
    int_see (&way, numbers, count, (int_seen *)accumulated);
  return ADZE_OK;
}

/* What counts of a way here does not depend on the tensor. */
static adze_status
merge (const adze_host *host, const void *own, const adze_params *values, void *left,
       const void *right)
{
  const adze_tensor_meta any = { .struct_size = sizeof any };
  const int_way way = way_of (host, own, values, &any);
  if (way.rule == INT_MIN_MAX)
    widen ((int_range *)left, *(const int_range *)right);
  else
    int_see_both (&way, (int_seen *)left, (const int_seen *)right);
  return ADZE_OK;
}

static uint64_t
beyond (const int_side *side, float end, int_bin *bins)
{
  uint64_t numbers = 0;
  for (uint64_t count = int_bins_of (side, bins); count > 0 && bins[count - 1].low >= end; count--)
    numbers += bins[count - 1].count;
  return numbers;
}

static adze_status
decide_seen (const adze_host *host, const int_way *way, const adze_tensor_meta *meta, int_seen *seen,
             uint64_t *clipped)
{
  int_bin *bins = (int_bin *)host->allocate (host, INT_SEEN_ROOM * sizeof *bins);
  if (!bins)
    return adze_fail (host, ADZE_E_MEMORY, "no room to look for the range of '%s'", meta->name);
  seen->range = int_range_of_seen (way, seen, bins);
  seen->decided = 1;
  *clipped = beyond (&seen->sides[0], seen->range.high, bins)
             + (way->symmetric ? 0 : beyond (&seen->sides[1], -seen->range.low, bins));
  host->release (host, bins);
  return ADZE_OK;
}

static adze_field
real (const char *key, float value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = (double)value } };
}

static adze_status
decide (const adze_host *host, const void *own, const adze_params *values, const adze_tensor_meta *meta,
        void *found, adze_field *fields, uint32_t most, uint32_t *count)
{
  const int_way way = way_of (host, own, values, meta);
  int_range range, extremes;
  uint64_t clipped = 0;
  adze_status status = ADZE_OK;
  if (way.rule == INT_MIN_MAX)
    range = extremes = *(const int_range *)found;
  else {
    int_seen *seen = (int_seen *)found;
    status = decide_seen (host, &way, meta, seen, &clipped);
    range = seen->range;
    extremes = int_seen_extremes (&way, seen);
  }
  const adze_field told[] = {
    { .key = "range", .type = ADZE_FIELD_STRING, .value = { .string = rules[way.rule] } },
    real ("low", range.low),
    real ("high", range.high),
    real ("least", extremes.low),
    real ("greatest", extremes.high),
    { .key = "clipped", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)clipped } },
    real ("scale", int_cell_for (&way, range).scale),
  };
  *count = 0;
  for (uint32_t i = 0; i < sizeof told / sizeof told[0] && i < most; i++)
    fields[(*count)++] = told[i];
  return status;
}

/* ---- Codes. */

static adze_status
encode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  const int_way way = way_of (host, own, values, coding->meta);
  return int_encode_rows (host, &way, coding);
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  const int_way way = way_of (host, own, values, coding->meta);
  return int_decode_rows (host, &way, coding);
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *values,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  const int_way way = way_of (host, own, values, meta);
  return int_graph (host, &way, meta, coded, into, planes, value);
}

/* ---- The three of them, which have their bits for their own. */

static const uint32_t eight = 8, four = 4, two = 2;

#define INT_CODEC(bits) \
  { \
    .struct_size = sizeof (adze_codec), .revision = 1, .own = &bits, .describe = describe, \
    .accumulator = accumulator, .observe = observe, .merge = merge, .encode = encode, \
    .decode = decode, .graph = graph, .decide = decide, \
  }

static const adze_codec int8_callbacks = INT_CODEC (eight), int4_callbacks = INT_CODEC (four),
                        int2_callbacks = INT_CODEC (two);

#define INT_COMPONENT(id_, summary_, callbacks_) \
  { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_CODEC_REVISION, \
    .kind = ADZE_CODEC, .id = id_, .summary = summary_, .params = params, \
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL, .callbacks = callbacks_, \
  }

static const adze_component int8 = INT_COMPONENT ("int8", "Whole numbers of 8 bits", &int8_callbacks),
                            int4 = INT_COMPONENT ("int4", "Whole numbers of 4 bits", &int4_callbacks),
                            int2 = INT_COMPONENT ("int2", "Whole numbers of 2 bits", &int2_callbacks);

static const adze_component *const components[] = { &int8, &int4, &int2, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "int",
  .version = "0.1.0",
  .summary = "Whole numbers of 8, 4 and 2 bits",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (int, plugin);
