/* SPDX-License-Identifier: Apache-2.0 */
/* codecs.c: what every codec of one plugin, linked in, makes of the same numbers: a line for each codec and kind
 * of numbers, with hashes of codes and of what comes back. For machines that have no adze, so the host is the
 * least that codecs ask for: memory, and parameters with their presets. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <adze/sdk.h>

#include "../unit/gguf-data.h"

extern const adze_plugin *adze_entry (void);

/* ---- A host. */

static void *
allocate (const adze_host *host, size_t size)
{
  (void)host;
  return calloc (1, size ? size : 1);
}

static void
release (const adze_host *host, void *memory)
{
  (void)host;
  free (memory);
}

/* A set of parameters is the component. */
static const char *
preset_of (const adze_params *params, const char *name)
{
  static char text[128];
  const adze_param *param = ((const adze_component *)(const void *)params)->params;
  for (; param && param->name; param++)
    if (strcmp (param->name, name) == 0 && param->preset) {
      size_t quotes = param->preset[0] == '"';
      snprintf (text, sizeof text, "%s", param->preset + quotes);
      text[strcspn (text, "\"")] = '\0';
      return text;
    }
  return "";
}

static bool
get_bool (const adze_params *params, const char *name)
{
  return strcmp (preset_of (params, name), "true") == 0;
}

static int64_t
get_int (const adze_params *params, const char *name)
{
  return strtoll (preset_of (params, name), NULL, 10);
}

static double
get_float (const adze_params *params, const char *name)
{
  return strtod (preset_of (params, name), NULL);
}

static const adze_params *
get_nested (const adze_params *params, const char *name)
{
  (void)params;
  (void)name;
  return NULL;
}

static const adze_params_service params_service = { .struct_size = sizeof params_service,
                                                    .get_bool = get_bool,
                                                    .get_int = get_int,
                                                    .get_float = get_float,
                                                    .get_string = preset_of,
                                                    .get_nested = get_nested };

static const void *
service (const adze_host *host, const char *id)
{
  (void)host;
  return strcmp (id, ADZE_PARAMS) == 0 ? &params_service : NULL;
}

static const adze_host host = { .struct_size = sizeof host,
                                .service = service,
                                .allocate = allocate,
                                .release = release };

/* ---- One codec and tensor. */

enum { ROWS = 7, COLUMNS = 512 };

static uint64_t
hash_of (uint64_t hash, const void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C (0x100000001b3);
  return hash;
}

static size_t
plane_size (const adze_coded *coded, uint32_t number, const adze_tensor_meta *meta)
{
  const adze_plane *plane = &coded->planes[number];
  size_t elements = 1;
  if (plane->by_rows)
    return (size_t)(adze_coded_rows (coded, meta) * adze_plane_row_bytes (coded, number, meta));
  for (int32_t i = 0; i < plane->rank; i++)
    elements *= (size_t)plane->shape[i];
  return (elements * plane->dtype.bits + 7) / 8;
}

/* Codes are written, hashed and read; what cannot be coded has its status as its hash. */
static adze_status
code (const adze_component *component, const adze_tensor_meta *meta, float *values, const float *importance,
      uint64_t *codes, uint64_t *back)
{
  static float read[ROWS * COLUMNS];
  static uint64_t found[65536];
  const adze_codec *codec = (const adze_codec *)component->callbacks;
  const adze_params *params = (const adze_params *)(const void *)component;
  adze_coded coded = { .struct_size = sizeof coded };
  bool seen = codec->accumulator && codec->accumulator (&host, codec->own, params, meta) > 0;
  adze_status status = ADZE_OK;
  memset (found, 0, sizeof found);
  if (seen && codec->accumulator (&host, codec->own, params, meta) > sizeof found)
    return ADZE_E_LIMIT;
  if (seen)
    status = codec->observe (&host, codec->own, params, meta, values, 0, ROWS * COLUMNS, found);
  if (status == ADZE_OK)
    status = codec->describe (&host, codec->own, params, meta, seen ? found : NULL, &coded);
  if (status != ADZE_OK)
    return status;
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = meta,
                         .coded = &coded,
                         .found = seen ? found : NULL,
                         .importance = importance,
                         .row_count = adze_coded_rows (&coded, meta),
                         .columns = adze_coded_columns (&coded, meta),
                         .values = values };
  for (uint32_t i = 0; i < coded.plane_count; i++)
    coding.planes[i] = calloc (1, plane_size (&coded, i, meta) + 1);
  status = codec->encode (&host, codec->own, params, &coding);
  for (uint32_t i = 0; i < coded.plane_count; i++)
    *codes = hash_of (*codes, coding.planes[i], plane_size (&coded, i, meta));
  coding.found = NULL;
  coding.values = read;
  if (status == ADZE_OK)
    status = codec->decode (&host, codec->own, params, &coding);
  /* The sign of a NaN is the processor's. */
  for (size_t i = 0; i < ROWS * COLUMNS; i++)
    read[i] = read[i] == read[i] ? read[i] : 0;
  *back = hash_of (*back, read, sizeof read);
  for (uint32_t i = 0; i < coded.plane_count; i++)
    free (coding.planes[i]);
  return status;
}

static void
show (const adze_component *component, unsigned kind, unsigned importance)
{
  static float values[ROWS * COLUMNS], weights[COLUMNS];
  static const int64_t shape[] = { ROWS, COLUMNS };
  const adze_tensor_meta meta = { .struct_size = sizeof meta,
                                  .rank = 2,
                                  .name = "t",
                                  .shape = shape,
                                  .dtype = { ADZE_FLOAT, 32, 1 },
                                  .byte_size = sizeof values };
  uint64_t codes = UINT64_C (0xcbf29ce484222325), back = codes;
  gguf_data_fill ((gguf_data_kind)kind, 11, ROWS, COLUMNS, values);
  adze_status status
      = code (component, &meta, values, gguf_importance_fill (importance, 3, COLUMNS, weights), &codes, &back);
  printf ("%s %u %u: %d %016" PRIx64 " %016" PRIx64 "\n", component->id, kind, importance, (int)status, codes, back);
}

int
main (void)
{
  const adze_component *const *components = adze_entry ()->components;
  for (size_t i = 0; components[i]; i++) {
    if (strcmp (components[i]->kind, ADZE_CODEC) != 0)
      continue;
    bool weighs = ((const adze_codec *)components[i]->callbacks)->weighs;
    for (unsigned kind = 0; kind < GGUF_DATA_COUNT; kind++)
      for (unsigned k = 0; k < (weighs ? GGUF_IMPORTANCE_KINDS : 1u); k++)
        show (components[i], kind, k);
  }
  return 0;
}
