/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/coded.c: a number out of codes, by the trait that says what they are. */
#include "artifact/coded.h"

#include <string.h>

#include "artifact/decode.h"
#include "plugin/manifest/params.h"

typedef struct look {
  adze_params *params;
  adze_codec_use *use;
  adze_tensor_meta meta;
  int64_t shape[ADZE_RANK_MAX];
  adze_coded coded;
  float *numbers; /* of a row, or of all */
} look;

static void
look_cleanup (look *l)
{
  adze_codec_close (l->use);
  adze_params_free (l->params);
  free (l->numbers);
}

static adze_error *
open_codec (adze_runtime *runtime, const char *id, const adze_value *trait, look *l)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  const adze_document document = { .path = (char *)"a tensor's trait" };
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_TRY (adze_params_bind (component, &document, adze_value_get (trait, "params"), NULL, NULL, NULL, NULL,
                              &l->params));
  return adze_codec_open (runtime, id, l->params, NULL, &l->use);
}

static bool
read_shape (const adze_value *shape, const char *name, look *l)
{
  if (!shape || shape->type != ADZE_VALUE_LIST || shape->count == 0 || shape->count > ADZE_RANK_MAX)
    return false;
  for (size_t i = 0; i < shape->count; i++)
    l->shape[i] = shape->items[i]->type == ADZE_VALUE_INT ? shape->items[i]->integer : 0;
  l->meta = (adze_tensor_meta){ .struct_size = sizeof l->meta,
                                .rank = (int32_t)shape->count,
                                .name = name,
                                .shape = l->shape,
                                .dtype = { ADZE_FLOAT, 32, 1 } };
  return true;
}

/* As the codec says, and not only as much of it as could become of it at most. */
static bool
lies_so (const look *l, const adze_tensor_meta *const *metas, size_t count)
{
  bool so = count == l->coded.plane_count;
  for (size_t i = 0; so && i < count; i++) {
    const adze_plane *plane = &l->coded.planes[i];
    const adze_tensor_meta *meta = metas[i];
    bool blocks = plane->dtype.code == ADZE_OPAQUE;
    so = meta->dtype.code == plane->dtype.code && meta->dtype.bits == plane->dtype.bits
         && (blocks || (meta->rank == plane->rank
                        && memcmp (meta->shape, plane->shape, (size_t)plane->rank * sizeof *meta->shape) == 0));
  }
  return so;
}

/* The code, where each number has an element of its own. */
static void
read_code (const look *l, const adze_tensor_meta *codes, const void *data, uint64_t element,
           adze_coded_number *number)
{
  number->has_code = adze_decodes (codes) && codes->dtype.bits % 8 == 0 && (codes->dtype.code == ADZE_INT || codes->dtype.code == ADZE_UINT)
                     && adze_tensor_meta_same_shape (codes, &l->meta);
  if (number->has_code)
    adze_decode (codes->dtype, (const char *)data + element * (codes->dtype.bits / 8), 1, &number->code);
}

/* That of the number's row, or of its part of it. */
static void
read_scale (const look *l, const adze_tensor_meta *const *metas, const void *const *data, uint64_t element,
            adze_coded_number *number)
{
  uint64_t columns = adze_coded_columns (&l->coded, &l->meta);
  for (uint32_t i = 1; i < l->coded.plane_count; i++) {
    const adze_plane *plane = &l->coded.planes[i];
    if (strcmp (plane->suffix, ".scale") != 0 || plane->dtype.code != ADZE_FLOAT
        || (!plane->by_rows && plane->rank > 0))
      continue;
    uint64_t size = plane->dtype.bits / 8;
    uint64_t cells = plane->by_rows ? adze_plane_row_bytes (&l->coded, i, &l->meta) / size : 0;
    uint64_t span = cells > 0 ? (columns + cells - 1) / cells : 1;
    uint64_t at = cells > 0 ? element / columns * cells + element % columns / span : 0;
    number->has_scale = true;
    adze_decode (metas[i]->dtype, (const char *)data[i] + at * size, 1, &number->scale);
  }
}

static adze_error *
decode (look *l, const void *const *data, uint64_t element, adze_coded_number *number)
{
  uint64_t columns = adze_coded_columns (&l->coded, &l->meta);
  uint64_t row = l->coded.whole ? 0 : element / columns;
  uint64_t rows = l->coded.whole ? adze_coded_rows (&l->coded, &l->meta) : 1;
  l->numbers = calloc ((size_t)(rows * columns) + 1, sizeof *l->numbers);
  if (!l->numbers)
    return adze_error_memory ();
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &l->meta,
                         .coded = &l->coded,
                         .first_row = row,
                         .row_count = rows,
                         .columns = columns,
                         .values = l->numbers };
  for (uint32_t i = 0; i < l->coded.plane_count; i++)
    coding.planes[i] = (char *)(uintptr_t)data[i] + row * adze_plane_row_bytes (&l->coded, i, &l->meta);
  ADZE_TRY (adze_codec_decode (l->use, &coding));
  number->number = (double)l->numbers[element - row * columns];
  return NULL;
}

/* *KNOWN: the trait is one that a codec has set. */
static adze_error *
describe (adze_runtime *runtime, const adze_value *trait, const char *name, look *l, bool *known)
{
  const adze_value *id = adze_value_get (trait, "codec");
  *known = id && id->type == ADZE_VALUE_STRING && read_shape (adze_value_get (trait, "shape"), name, l);
  if (!*known)
    return NULL;
  ADZE_TRY (open_codec (runtime, id->string, trait, l));
  return adze_codec_describe (l->use, &l->meta, NULL, &l->coded);
}

adze_error *
adze_coded_planes (adze_runtime *runtime, const adze_value *trait, const char *name, adze_coded *coded)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO (look) l = { 0 };
  bool known;
  *coded = (adze_coded){ 0 };
  ADZE_AUTO_ERROR error = describe (runtime, trait, name, &l, &known);
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  if (known && !error)
    *coded = l.coded;
  return NULL;
}

adze_error *
adze_coded_look (adze_runtime *runtime, const adze_value *trait, const adze_tensor_meta *const *metas,
                 const void *const *data, size_t count, uint64_t element, adze_coded_number *number)
{
  ADZE_AUTO (look) l = { 0 };
  bool known = false;
  *number = (adze_coded_number){ 0 };
  if (count > 0)
    ADZE_TRY (describe (runtime, trait, metas[0]->name, &l, &known));
  if (!known)
    return NULL;
  if (metas[0]->dtype.code != ADZE_OPAQUE)
    adze_coded_as_bytes (&l.coded, &l.meta);
  if (!lies_so (&l, metas, count))
    return NULL;
  ADZE_TRY (decode (&l, data, element, number));
  number->known = true;
  number->codec = adze_value_get (trait, "codec")->string;
  read_code (&l, metas[0], data[0], element, number);
  read_scale (&l, metas, data, element, number);
  return NULL;
}
