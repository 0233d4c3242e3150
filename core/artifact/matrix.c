/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/matrix.c: which format holds what which codec makes, and how: each codec is asked what a tensor
 * becomes, and each format whether it has that. */
#include <string.h>

#include <adze/half.h>

#include "adze/host.h"
#include "artifact/codec.h"
#include "artifact/session.h"
#include "base/json.h"
#include "plugin/manifest/params.h"

/* One row of blocks of any type, and an even number of rows. */
enum { ROWS = 4, COLUMNS = 256 };

/* What a codec makes of such a tensor; WHY not, where it cannot be asked. */
typedef struct sample {
  adze_tensor_meta meta;
  adze_params *params;
  adze_codec_use *use;
  adze_coded coded;
  adze_error *why;
} sample;

static void
sample_cleanup (sample *s)
{
  adze_codec_close (s->use);
  adze_params_free (s->params);
  adze_error_free (s->why);
}

static const int64_t sizes[] = { ROWS, COLUMNS };

/* With the codec's presets. */
static adze_error *
open_codec (adze_runtime *runtime, const char *id, sample *s)
{
  static const char *const none[] = { NULL };
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (runtime, id, &record, &component));
  ADZE_TRY (adze_settings_parse (component, none, &document));
  ADZE_TRY (adze_params_bind (component, &document, document.root, NULL, NULL, NULL, NULL, &s->params));
  ADZE_TRY (adze_codec_open (runtime, id, s->params, NULL, &s->use));
  return adze_codec_describe (s->use, &s->meta, NULL, &s->coded);
}

static void
take_sample (adze_runtime *runtime, const char *id, sample *s)
{
  *s = (sample){ .meta = { .struct_size = sizeof s->meta,
                           .rank = 2,
                           .name = "weight",
                           .shape = sizes,
                           .dtype = { ADZE_FLOAT, 32, 1 } } };
  s->why = open_codec (runtime, id, s);
}

/* ---- One cell. */

static bool
same_places (const adze_plane *plane, const adze_tensor_meta *meta)
{
  return plane->rank == meta->rank
         && memcmp (plane->shape, meta->shape, (size_t)meta->rank * sizeof *meta->shape) == 0;
}

/* All that a codec makes as one tensor of a type that may be the format's own; false: it is not one. */
static bool
native_meta (const sample *s, adze_tensor_meta *meta)
{
  const adze_plane *plane = &s->coded.planes[0];
  bool blocks = plane->dtype.code == ADZE_OPAQUE;
  *meta = s->meta;
  meta->dtype = plane->dtype;
  meta->codec = blocks ? adze_codec_id (s->use) : NULL;
  meta->block_elements = blocks ? plane->block_elements : 0;
  meta->block_bytes = blocks ? plane->block_bytes : 0;
  return s->coded.plane_count == 1
         && (blocks || (adze_dtype_is_float (plane->dtype) && same_places (plane, &s->meta)));
}

static adze_error *
ask_planes (adze_format_session *session, const sample *s)
{
  adze_coded coded = s->coded;
  adze_coded_as_bytes (&coded, &s->meta);
  for (uint32_t i = 0; i < coded.plane_count; i++) {
    const adze_plane *plane = &coded.planes[i];
    ADZE_AUTO_FREE char *name = adze_text_format ("%s%s", s->meta.name, plane->suffix);
    adze_tensor_meta meta = { .struct_size = sizeof meta,
                              .rank = plane->rank,
                              .name = name,
                              .shape = plane->shape,
                              .dtype = plane->dtype };
    if (!name)
      return adze_error_memory ();
    ADZE_TRY (adze_session_ask (session, &meta));
  }
  return NULL;
}

static adze_error *
ask_cell (adze_format_session *session, const sample *s, const char **how)
{
  adze_tensor_meta native;
  bool blocks = s->coded.planes[0].dtype.code == ADZE_OPAQUE;
  uint32_t codes = session->callbacks.codes;
  *how = "native";
  if (native_meta (s, &native) && !(blocks && codes == ADZE_CODES_PACKED)) {
    ADZE_AUTO_ERROR refused = adze_session_ask (session, &native);
    if (!refused || codes == ADZE_CODES_REFUSED)
      return adze_take (&refused);
  }
  if (codes == ADZE_CODES_REFUSED)
    return adze_error_new (ADZE_E_UNSUPPORTED, "it has types of its own alone, and no place for what belongs to codes");
  if (codes == ADZE_CODES_BY_NODES && !adze_codec_has_graph (s->use))
    return adze_error_new (ADZE_E_UNSUPPORTED, "the codec has no form in a network");
  *how = codes == ADZE_CODES_BY_NODES ? "nodes" : "packed";
  return ask_planes (session, s);
}

/* CAUSE: why not, NULL if it can. */
static adze_error *
put_cell (const adze_error *cause, const char *how, adze_codec_cell *cell)
{
  cell->how = cause ? "no" : how;
  if (!cause)
    return NULL;
  while (adze_error_cause (cause))
    cause = adze_error_cause (cause);
  cell->why = strdup (adze_error_message (cause));
  return cell->why ? NULL : adze_error_memory ();
}

static adze_error *
fill_cell (adze_runtime *runtime, const char *format, const sample *s, adze_codec_cell *cell)
{
  const char *how = "";
  adze_format_session session;
  if (s->why)
    return put_cell (s->why, how, cell);
  ADZE_TRY (adze_session_open (runtime, format, NULL, &session));
  ADZE_AUTO_ERROR refused = ask_cell (&session, s, &how);
  adze_session_close (&session);
  return adze_error_status (refused) == ADZE_E_MEMORY ? adze_take (&refused) : put_cell (refused, how, cell);
}

/* ---- A row, in words. */

static adze_error *
add_holder (adze_runtime *runtime, const char *format, const sample *s, adze_buffer *names)
{
  const char *how;
  adze_format_session session;
  ADZE_TRY (adze_session_open (runtime, format, NULL, &session));
  ADZE_AUTO_ERROR refused = ask_cell (&session, s, &how);
  adze_session_close (&session);
  if (!refused)
    adze_buffer_format (names, "%s%s", names->size ? ", " : "", format);
  return NULL;
}

adze_error *
adze_codec_holders (adze_runtime *runtime, const char *id, const char *except, adze_buffer *names)
{
  ADZE_AUTO_FREE adze_format_choice *formats = NULL;
  __attribute__ ((cleanup (sample_cleanup))) sample s;
  size_t count;
  take_sample (runtime, id, &s);
  ADZE_TRY (adze_formats_list (runtime, NULL, &formats, &count));
  for (size_t i = 0; i < count && !s.why; i++)
    if (!except || strcmp (formats[i].component->id, except) != 0)
      ADZE_TRY (add_holder (runtime, formats[i].component->id, &s, names));
  return NULL;
}

/* ---- All of them. */

void
adze_codec_matrix_free (adze_codec_matrix *matrix)
{
  if (!matrix)
    return;
  for (size_t i = 0; matrix->cells && i < matrix->codec_count * matrix->format_count; i++)
    free ((char *)(uintptr_t)matrix->cells[i].why);
  free ((void *)(uintptr_t)matrix->cells);
  free ((void *)(uintptr_t)matrix->codecs);
  free ((void *)(uintptr_t)matrix->formats);
  free (matrix);
}

static void
matrix_cleanup (adze_codec_matrix **matrix)
{
  adze_codec_matrix_free (*matrix);
}

static adze_error *
list_codecs (adze_runtime *runtime, adze_codec_matrix *matrix)
{
  const adze_component_info *const *components;
  size_t count;
  ADZE_TRY (adze_component_list (runtime, ADZE_CODEC, &components, &count));
  const char **ids = calloc (count + 1, sizeof *ids);
  if (!ids)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ids[i] = components[i]->id;
  matrix->codecs = ids;
  matrix->codec_count = count;
  return NULL;
}

/* Those that write. */
static adze_error *
list_formats (adze_runtime *runtime, adze_codec_matrix *matrix)
{
  ADZE_AUTO_FREE adze_format_choice *formats = NULL;
  size_t count;
  ADZE_TRY (adze_formats_list (runtime, NULL, &formats, &count));
  const char **ids = calloc (count + 1, sizeof *ids);
  matrix->formats = ids;
  if (!ids)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++) {
    adze_format callbacks;
    bool usable;
    ADZE_TRY (adze_format_try (runtime, &formats[i], &callbacks, &usable));
    if (usable && callbacks.write)
      ids[matrix->format_count++] = formats[i].component->id;
  }
  return NULL;
}

static adze_error *
fill_row (adze_runtime *runtime, const adze_codec_matrix *matrix, size_t codec, adze_codec_cell *cells)
{
  __attribute__ ((cleanup (sample_cleanup))) sample s;
  take_sample (runtime, matrix->codecs[codec], &s);
  for (size_t i = 0; i < matrix->format_count; i++)
    ADZE_TRY (fill_cell (runtime, matrix->formats[i], &s, &cells[codec * matrix->format_count + i]));
  return NULL;
}

adze_error *
adze_codec_matrix_make (adze_runtime *runtime, adze_codec_matrix **made)
{
  *made = NULL;
  ADZE_LOCKED (runtime);
  __attribute__ ((cleanup (matrix_cleanup))) adze_codec_matrix *matrix = calloc (1, sizeof *matrix);
  if (!matrix)
    return adze_error_memory ();
  matrix->struct_size = sizeof *matrix;
  ADZE_TRY (list_codecs (runtime, matrix));
  ADZE_TRY (list_formats (runtime, matrix));
  adze_codec_cell *cells = calloc (matrix->codec_count * matrix->format_count + 1, sizeof *cells);
  if (!cells)
    return adze_error_memory ();
  matrix->cells = cells;
  for (size_t i = 0; i < matrix->codec_count; i++)
    ADZE_TRY (fill_row (runtime, matrix, i, cells));
  *made = adze_take (&matrix);
  return NULL;
}

adze_error *
adze_codec_matrix_json (const adze_codec_matrix *matrix, char **text)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_value *codecs = adze_json_table (root, "codecs");
  for (size_t i = 0; i < matrix->codec_count; i++) {
    adze_value *codec = adze_json_table (codecs, matrix->codecs[i]);
    for (size_t k = 0; k < matrix->format_count; k++) {
      const adze_codec_cell *cell = &matrix->cells[i * matrix->format_count + k];
      adze_value *format = adze_json_table (codec, matrix->formats[k]);
      adze_json_string (format, "how", cell->how);
      adze_json_string (format, "why", cell->why);
    }
  }
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, &buffer);
  adze_buffer_text (&buffer, "\n");
  return adze_buffer_finish (&buffer, text);
}
