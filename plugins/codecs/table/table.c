/* SPDX-License-Identifier: Apache-2.0 */
/* table: codes of 4, 2 or 1 bits that are places in a table of numbers, and a scale for each channel or for each
 * group of a channel's numbers, the last of which may be shorter than the others. */
#include "table.h"

static const adze_param group_params[] = {
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "64", .range = "[1, inf)",
    .help = "numbers of a channel (the first dimension) that have a scale; those that are left over at its "
            "end are a group, too" },
  { .name = NULL }
};

static const adze_param per_params[] = {
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "channel", .choices = "channel|group",
    .help = "what has a scale of its own: each channel (the first dimension), or each group of numbers of "
            "a channel" },
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "64", .range = "[1, inf)",
    .help = "numbers of a group; those that are left over at the end of a channel are one, too" },
  { .name = NULL }
};

/* How a row of COLUMNS is cut. */
typedef struct cut {
  uint64_t columns;
  uint64_t span; /* numbers of a cell, but for the last one */
  uint64_t cells;
  bool groups; /* the plane of scales has a dimension for them */
} cut;

static cut
cut_of (const adze_host *host, const table *kind, const adze_params *params, uint64_t columns)
{
  cut made = { columns, columns, 1, false };
  made.groups = kind->grouped || strcmp (adze_param_string (host, params, "per"), "group") == 0;
  if (!made.groups)
    return made;
  made.span = (uint64_t)adze_param_int (host, params, "group");
  made.cells = columns / made.span + (columns % made.span > 0);
  return made;
}

static uint64_t
count_of (const cut *way, uint64_t cell)
{
  uint64_t left = way->columns - cell * way->span;
  return left < way->span ? left : way->span;
}

/* ---- describe. */

enum { CODES, SCALE };

static adze_status
describe (const adze_host *host, const void *own, const adze_params *params,
          const adze_tensor_meta *meta, const void *found, adze_coded *coded)
{
  const table *kind = (const table *)own;
  adze_plane *codes = &coded->planes[CODES], *scale = &coded->planes[SCALE];
  (void)found;
  coded->row_rank = meta->rank > 1 ? 1 : 0;
  coded->plane_count = 2;
  cut way = cut_of (host, kind, params, adze_coded_columns (coded, meta));
  codes->dtype = (adze_dtype){ ADZE_UINT, 8, 1 };
  strcpy (scale->suffix, ".scale");
  scale->dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  codes->by_rows = scale->by_rows = 1;
  if (meta->rank > 1)
    codes->shape[codes->rank++] = scale->shape[scale->rank++] = meta->shape[0];
  codes->shape[codes->rank++] = (int64_t)adze_codes_bytes (kind->bits, way.columns);
  if (way.groups)
    scale->shape[scale->rank++] = (int64_t)way.cells;
  return ADZE_OK;
}

/* ---- Codes. */

static adze_status
encode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const table *kind = (const table *)own;
  const float *values = coding->values;
  float *scale = (float *)coding->planes[SCALE];
  uint8_t *out = (uint8_t *)coding->planes[CODES];
  cut way = cut_of (host, kind, params, coding->columns);
  uint8_t *codes = (uint8_t *)host->allocate (host, coding->columns + 1);
  if (!codes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'",
                      coding->meta->name);
  for (uint64_t row = 0; row < coding->row_count; row++) {
    for (uint64_t i = 0; i < way.cells; i++)
      *scale++ = kind->encode (values + i * way.span, count_of (&way, i), codes + i * way.span);
    adze_codes_pack (kind->bits, codes, way.columns, out);
    out += adze_codes_bytes (kind->bits, way.columns);
    values += way.columns;
  }
  host->release (host, codes);
  return ADZE_OK;
}

static void
decode_cell (const table *kind, const uint8_t *codes, uint64_t count, float scale, float *values)
{
  for (uint64_t i = 0; i < count; i++)
    values[i] = kind->numbers[codes[i]] * scale;
}

static adze_status
decode (const adze_host *host, const void *own, const adze_params *params, const adze_coding *coding)
{
  const table *kind = (const table *)own;
  float *values = coding->values;
  const float *scale = (const float *)coding->planes[SCALE];
  const uint8_t *in = (const uint8_t *)coding->planes[CODES];
  cut way = cut_of (host, kind, params, coding->columns);
  uint8_t *codes = (uint8_t *)host->allocate (host, coding->columns + 1);
  if (!codes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'",
                      coding->meta->name);
  for (uint64_t row = 0; row < coding->row_count; row++) {
    adze_codes_unpack (kind->bits, in, way.columns, codes);
    for (uint64_t i = 0; i < way.cells; i++)
      decode_cell (kind, codes + i * way.span, count_of (&way, i), *scale++, values + i * way.span);
    in += adze_codes_bytes (kind->bits, way.columns);
    values += way.columns;
  }
  host->release (host, codes);
  return ADZE_OK;
}

/* ---- In a network. */

/* The scales as [rows][columns], each as often as its group has numbers; or as [rows][1]. */
static uint32_t
spread (adze_nodes *b, const cut *way, uint32_t scale, int64_t rows)
{
  int64_t cells = (int64_t)way->cells, span = (int64_t)way->span;
  const int64_t column[] = { rows, 1 }, apart[] = { rows, cells, 1 }, all[] = { rows, cells, span };
  const int64_t flat[] = { rows, cells * span };
  if (cells == 1)
    return adze_nodes_reshape (b, scale, column, 2);
  uint32_t spread = adze_nodes_reshape (b, scale, apart, 3);
  spread = adze_nodes_pair (b, "Expand", spread, adze_nodes_ints (b, all, 3));
  return adze_nodes_left (b, adze_nodes_reshape (b, spread, flat, 2), flat[1], (int64_t)way->columns);
}

static adze_status
graph (const adze_host *host, const void *own, const adze_params *params,
       const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *into,
       const uint32_t *planes, uint32_t *value)
{
  const table *kind = (const table *)own;
  adze_nodes b;
  cut way = cut_of (host, kind, params, adze_coded_columns (coded, meta));
  int64_t rows = (int64_t)adze_coded_rows (coded, meta);
  if (!adze_nodes_begin (&b, host, into))
    return b.status;
  uint32_t numbers = adze_nodes_floats (&b, kind->numbers, INT64_C (1) << kind->bits);
  uint32_t codes = adze_nodes_unpack (&b, kind->bits, planes[CODES], rows, (int64_t)way.columns);
  numbers = adze_nodes_pair (&b, "Gather", numbers, codes);
  numbers = adze_nodes_pair (&b, "Mul", numbers, spread (&b, &way, planes[SCALE], rows));
  *value = adze_nodes_reshape (&b, numbers, meta->shape, meta->rank);
  return b.status;
}

/* ---- The three of them. */

#define TABLE_CODEC(kind) \
  { \
    .struct_size = sizeof (adze_codec), .revision = 1, .own = &kind, .describe = describe, \
    .encode = encode, .decode = decode, .graph = graph, \
  }

static const adze_codec nf4_callbacks = TABLE_CODEC (table_nf4),
                        ternary_callbacks = TABLE_CODEC (table_ternary),
                        binary_callbacks = TABLE_CODEC (table_binary);

#define TABLE_COMPONENT(id_, summary_, params_, callbacks_) \
  { \
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_CODEC_REVISION, \
    .kind = ADZE_CODEC, .id = id_, .summary = summary_, .params = params_, \
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL, .callbacks = callbacks_, \
  }

static const adze_component nf4 = TABLE_COMPONENT ("nf4", "Sixteen numbers that lie as normal ones do",
                                                   group_params, &nf4_callbacks),
                            ternary = TABLE_COMPONENT ("ternary", "Minus one, zero and one, times a scale",
                                                       per_params, &ternary_callbacks),
                            binary = TABLE_COMPONENT ("binary", "Signs, times a scale", per_params,
                                                      &binary_callbacks);

static const adze_component *const components[] = { &nf4, &ternary, &binary, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "table",
  .version = "0.1.0",
  .summary = "Sixteen, three and two numbers, times a scale",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (table, plugin);
