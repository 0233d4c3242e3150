/* SPDX-License-Identifier: Apache-2.0 */
/* int: whole numbers of 8, 4 or 2 bits, and a scale for the tensor, for each channel or for each group of a
 * channel's numbers. Zero is always one of the numbers that can be written, so zeros stay zeros. */
#include "int.h"

static const adze_param params[] = {
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "channel", .choices = "tensor|channel|group",
    .help = "what has a scale of its own: the tensor, each channel (its first dimension), or each group of "
            "numbers of a channel" },
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "32", .range = "[1, inf)",
    .help = "numbers of a group; those of a channel must be a multiple of it" },
  { .name = "symmetric", .type = ADZE_PARAM_BOOL, .preset = "true",
    .help = "as far below zero as above it; false: from the least number to the greatest" },
  { .name = NULL }
};

static int_way
way_of (const adze_host *host, const void *own, const adze_params *values)
{
  const char *per = adze_param_string (host, values, "per");
  return (int_way){ .bits = *(const uint32_t *)own,
                    .symmetric = adze_param_bool (host, values, "symmetric"),
                    .whole = strcmp (per, "tensor") == 0,
                    .group = strcmp (per, "group") == 0
                                 ? (uint64_t)adze_param_int (host, values, "group")
                                 : 0 };
}

/* ---- describe. */

enum { CODES, SCALE, ZERO };

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

/* One for each channel, or for each group of one. */
static void
put_cells (const int_way *way, const adze_tensor_meta *meta, uint64_t columns, const char *suffix,
           adze_dtype dtype, adze_plane *plane)
{
  strcpy (plane->suffix, suffix);
  plane->dtype = dtype;
  plane->by_rows = !way->whole;
  if (way->whole)
    return;
  if (meta->rank > 1)
    plane->shape[plane->rank++] = meta->shape[0];
  if (way->group)
    plane->shape[plane->rank++] = (int64_t)(columns / way->group);
}

static adze_status
describe (const adze_host *host, const void *own, const adze_params *values,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const int_way given = way_of (host, own, values), *way = &given;
  (void)found;
  coded->row_rank = meta->rank > 1 ? 1 : 0;
  uint64_t columns = adze_coded_columns (coded, meta);
  if (way->group && columns % way->group != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' has %llu numbers in a channel, which are no groups of %llu", meta->name,
                      (unsigned long long)columns, (unsigned long long)way->group);
  coded->plane_count = way->symmetric ? 2 : 3;
  put_codes (way, meta, columns, &coded->planes[CODES]);
  put_cells (way, meta, columns, ".scale", (adze_dtype){ ADZE_FLOAT, 32, 1 }, &coded->planes[SCALE]);
  if (!way->symmetric)
    put_cells (way, meta, columns, ".zero",
               (adze_dtype){ way->bits == 8 ? ADZE_INT : ADZE_UINT, 8, 1 }, &coded->planes[ZERO]);
  return ADZE_OK;
}

/* ---- What must be known of all of a tensor that has one scale. */

typedef struct range {
  float low, high; /* 0 is between them, as in zeros */
} range;

static size_t
accumulator (const adze_host *host, const void *own, const adze_params *values,
             const adze_tensor_meta *meta)
{
  (void)meta;
  return way_of (host, own, values).whole ? sizeof (range) : 0;
}

static adze_status
observe (const adze_host *host, const void *own, const adze_params *values,
         const adze_tensor_meta *meta, const float *numbers, uint64_t first, uint64_t count,
         void *accumulated)
{
  range *all = (range *)accumulated;
  float low, high;
  (void)host;
  (void)own;
  (void)values;
  (void)meta;
  (void)first;
  int_range (numbers, count, &low, &high);
  all->low = low < all->low ? low : all->low;
  all->high = high > all->high ? high : all->high;
  return ADZE_OK;
}

static adze_status
merge (const adze_host *host, const void *own, const adze_params *values, void *left,
       const void *right)
{
  range *into = (range *)left;
  const range *from = (const range *)right;
  (void)host;
  (void)own;
  (void)values;
  into->low = from->low < into->low ? from->low : into->low;
  into->high = from->high > into->high ? from->high : into->high;
  return ADZE_OK;
}

/* ---- Codes. Those of 8 bits lie as signed ones, 128 lower. */

static void
put_cell (const int_way *way, const adze_coding *coding, uint64_t number, int_cell cell)
{
  ((float *)coding->planes[SCALE])[number] = cell.scale;
  if (!way->symmetric)
    ((uint8_t *)coding->planes[ZERO])[number]
        = (uint8_t)(way->bits == 8 ? cell.zero ^ 0x80 : cell.zero);
}

static int_cell
get_cell (const int_way *way, const adze_coding *coding, uint64_t number)
{
  uint32_t zero = UINT32_C (1) << (way->bits - 1);
  if (!way->symmetric)
    zero = ((const uint8_t *)coding->planes[ZERO])[number] ^ (way->bits == 8 ? 0x80u : 0);
  return (int_cell){ ((const float *)coding->planes[SCALE])[number], zero };
}

/* CODES has room for a row. */
static void
encode_row (const int_way *way, const adze_coding *coding, uint64_t row, uint8_t *codes)
{
  uint64_t span = way->group ? way->group : coding->columns, cells = coding->columns / span;
  const float *values = coding->values + row * coding->columns;
  const range *all = (const range *)coding->found;
  for (uint64_t i = 0; i < cells; i++) {
    float low, high;
    if (way->whole) {
      low = all->low;
      high = all->high;
    } else
      int_range (values + i * span, span, &low, &high);
    int_cell cell = int_cell_for (way, low, high);
    int_encode (way, cell, values + i * span, span, codes + i * span);
    if (!way->whole)
      put_cell (way, coding, row * cells + i, cell);
  }
}

static adze_status
encode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  const int_way given = way_of (host, own, values), *way = &given;
  uint64_t columns = coding->columns;
  uint64_t row_bytes = adze_plane_row_bytes (coding->coded, CODES, coding->meta);
  uint8_t *codes = (uint8_t *)host->allocate (host, columns + 1);
  if (!codes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'",
                      coding->meta->name);
  for (uint64_t row = 0; row < coding->row_count; row++) {
    uint8_t *out = (uint8_t *)coding->planes[CODES] + row * row_bytes;
    encode_row (way, coding, row, codes);
    if (way->bits < 8)
      adze_codes_pack (way->bits, codes, columns, out);
    else
      int_flip (codes, columns, out);
  }
  host->release (host, codes);
  if (way->whole && coding->first_row == 0) {
    const range *all = (const range *)coding->found;
    put_cell (way, coding, 0, int_cell_for (way, all->low, all->high));
  }
  return ADZE_OK;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *values, const adze_coding *coding)
{
  const int_way given = way_of (host, own, values), *way = &given;
  uint64_t columns = coding->columns, span = way->group ? way->group : columns, cells = columns / span;
  uint64_t row_bytes = adze_plane_row_bytes (coding->coded, CODES, coding->meta);
  uint8_t *codes = (uint8_t *)host->allocate (host, columns + 1);
  if (!codes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'",
                      coding->meta->name);
  for (uint64_t row = 0; row < coding->row_count; row++) {
    const uint8_t *in = (const uint8_t *)coding->planes[CODES] + row * row_bytes;
    if (way->bits < 8)
      adze_codes_unpack (way->bits, in, columns, codes);
    else
      int_flip (in, columns, codes);
    for (uint64_t i = 0; i < cells; i++)
      int_decode (get_cell (way, coding, way->whole ? 0 : row * cells + i), codes + i * span, span,
                  coding->values + row * columns + i * span);
  }
  host->release (host, codes);
  return ADZE_OK;
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *values,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  const int_way way = way_of (host, own, values);
  return int_graph (host, &way, meta, coded, into, planes, value);
}

/* ---- The three of them, which have their bits for their own. */

static const uint32_t eight = 8, four = 4, two = 2;

#define INT_CODEC(bits) \
  { \
    .struct_size = sizeof (adze_codec), .revision = 1, .own = &bits, .describe = describe, \
    .accumulator = accumulator, .observe = observe, .merge = merge, .encode = encode, \
    .decode = decode, .graph = graph, \
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
