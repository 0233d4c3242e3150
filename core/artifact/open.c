/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/open.c: which format is it, and what does it say there is? */
#include <inttypes.h>
#include <string.h>

#include "artifact/blocks.h"
#include "artifact/session.h"

enum { HEAD = 4096 };

/* ---- Recognising. */

typedef struct head {
  const char *path;
  unsigned char bytes[HEAD];
  size_t size;
} head;

static adze_error *
read_head (const char *path, head *first)
{
  ADZE_AUTO_FD int fd = -1;
  struct stat status;
  ADZE_TRY (adze_file_open (path, &fd, &status));
  first->path = path;
  first->size = (uintmax_t)status.st_size < HEAD ? (size_t)status.st_size : HEAD;
  return adze_read_at (fd, path, 0, first->bytes, first->size);
}

static void
join_id (adze_buffer *ids, const char *id)
{
  adze_buffer_format (ids, "%s%s", ids->size ? ", " : "", id);
}

/* "begins with 47 47 55 46 (GGUF)" */
static void
describe_head (const head *first, adze_buffer *text)
{
  enum { SHOWN = 8 };
  size_t shown = first->size < SHOWN ? first->size : SHOWN;
  if (shown == 0) {
    adze_buffer_text (text, "is empty");
    return;
  }
  adze_buffer_text (text, "begins with");
  for (size_t i = 0; i < shown; i++)
    adze_buffer_format (text, " %02x", first->bytes[i]);
  adze_buffer_text (text, " (");
  for (size_t i = 0; i < shown; i++)
    adze_buffer_format (text, "%c",
                        first->bytes[i] >= ' ' && first->bytes[i] < 0x7f ? first->bytes[i] : '.');
  adze_buffer_text (text, ")");
}

static adze_error *
nobody_knows (const head *first, const char *asked)
{
  ADZE_AUTO (adze_buffer) look = { 0 };
  describe_head (first, &look);
  const char *found = look.data ? look.data : "?";
  adze_error *error = adze_error_new (
      ADZE_E_UNSUPPORTED, "%s is of no format that is known here: it %s; asked were: %s",
      first->path, found, asked[0] ? asked : "none");
  adze_error_set (error, "file", first->path);
  adze_error_set (error, "needed", asked[0] ? asked : "a format in a trusted folder");
  adze_error_set (error, "found", found);
  adze_error_set (error, "hint", "`adze list format` shows the formats; one can be named");
  return error;
}

static adze_error *
several_know (const head *first, const char *claims)
{
  adze_error *error
      = adze_error_new (ADZE_E_UNSUPPORTED, "%s could be of several formats: %s; name one of them",
                        first->path, claims);
  adze_error_set (error, "file", first->path);
  adze_error_set (error, "found", claims);
  return error;
}

/* Asks them in turn. The one whose name the file ends in comes first, and when it sees its own
 * content there, the others need not even be loaded. */
static adze_error *
ask_formats (adze_runtime *runtime, const head *first, const adze_format_choice *formats,
             size_t count, const char **format)
{
  int surest = 0;
  ADZE_AUTO (adze_buffer) asked = { 0 }, claims = { 0 };
  *format = NULL;
  for (size_t i = 0; i < count; i++) {
    const char *id = formats[i].component->id;
    adze_format callbacks;
    bool usable;
    ADZE_TRY (adze_format_try (runtime, &formats[i], &callbacks, &usable));
    if (!usable)
      continue;
    int sure = callbacks.recognise (adze_path_base (first->path), first->bytes, first->size);
    join_id (&asked, id);
    if (sure > surest) {
      *format = id;
      surest = sure;
      claims.size = 0;
    }
    if (sure == surest && sure > 0)
      join_id (&claims, id);
    if (sure >= 2 && i == 0 && adze_format_ending (id, first->path))
      return NULL;
  }
  if (!*format)
    return nobody_knows (first, asked.data ? asked.data : "");
  if (claims.data && strchr (claims.data, ','))
    return several_know (first, claims.data);
  return NULL;
}

static adze_error *
recognise (adze_runtime *runtime, const char *path, const char **format)
{
  head first;
  ADZE_AUTO_FREE adze_format_choice *formats = NULL;
  size_t count;
  ADZE_TRY (read_head (path, &first));
  ADZE_TRY (adze_formats_list (runtime, path, &formats, &count));
  return ask_formats (runtime, &first, formats, count, format);
}

/* ---- Reading. */

static adze_error *
call_read (adze_format_session *session, adze_file *file, adze_catalog *catalog)
{
  session->catalog = catalog;
  adze_session_enter (session);
  adze_status status
      = session->callbacks.read (adze_desk_table (session->desk), session->params, file, catalog);
  adze_error *error = adze_session_leave (session, "read", status);
  session->catalog = NULL;
  return error;
}

/* The session's files become the model's. */
static adze_error *
take_files (adze_format_session *session, adze_model *model)
{
  model->files = calloc (session->files.count + 1, sizeof *model->files);
  if (!model->files)
    return adze_error_memory ();
  for (size_t i = 0; i < session->files.count; i++) {
    adze_file *file = session->files.files[i];
    model->files[i] = (adze_model_file){ adze_take (&file->path), file->fd, file->identity };
    file->fd = -1;
  }
  model->file_count = session->files.count;
  return NULL;
}

static adze_error *
read_catalog (adze_format_session *session, const char *path, uint64_t limit, adze_model *model)
{
  adze_file *file;
  adze_catalog *catalog;
  ADZE_TRY (adze_files_open (&session->files, path, &file));
  ADZE_TRY (adze_catalog_open (session, model, limit, &catalog));
  adze_error *error = call_read (session, file, catalog);
  if (!error)
    error = adze_catalog_finish (catalog);
  adze_catalog_close (catalog);
  return error;
}

static adze_error *
name_model (adze_model *model, const char *path, const char *format)
{
  model->path = strdup (path);
  model->format = strdup (format);
  return model->path && model->format ? NULL : adze_error_memory ();
}

static adze_error *
open_model (adze_runtime *runtime, const char *path, const adze_format_options *options,
            const char *format, adze_model *model)
{
  adze_format_session session;
  ADZE_TRY (name_model (model, path, format));
  ADZE_TRY (adze_session_open (runtime, format, options, &session));
  uint64_t limit = options ? options->structure_limit : 0;
  adze_error *error = read_catalog (&session, path, limit, model);
  if (!error)
    error = adze_traits_take (runtime, limit, model);
  if (!error && session.callbacks.codes == ADZE_CODES_PACKED)
    error = adze_blocks_restore (runtime, model);
  if (!error)
    error = take_files (&session, model);
  adze_session_close (&session);
  return error;
}

adze_error *
adze_model_open (adze_runtime *runtime, const char *path, const adze_format_options *options,
                 adze_model **model)
{
  *model = NULL;
  ADZE_LOCKED (runtime);
  const char *format = options ? options->format : NULL;
  ADZE_AUTO_MODEL fresh = NULL;
  adze_error *error = format ? NULL : recognise (runtime, path, &format);
  if (!error)
    error = adze_model_new (&fresh);
  if (!error)
    error = open_model (runtime, path, options, format, fresh);
  if (error) {
    bool placed = adze_error_fact (error, "file") != NULL;
    error = adze_error_wrap (error, "cannot open the model %s", path);
    if (!placed)
      adze_error_set (error, "file", path);
    return error;
  }
  *model = adze_take (&fresh);
  return NULL;
}

/* ---- Writing: which format would it be? */

/* WORDS are the endings that there are, "a|b". */
static adze_error *
no_format_for (const char *path, const char *words)
{
  const char *base = adze_path_base (path), *dot = strrchr (base, '.'), *meant = NULL;
  char **endings = NULL;
  size_t count = 0;
  ADZE_AUTO (adze_buffer) all = { 0 };
  if (words[0])
    ADZE_TRY (adze_choices_split (words, &endings, &count));
  if (dot && dot[1])
    meant = adze_nearest (dot + 1, (const char *const *)endings, count);
  for (size_t i = 0; i < count; i++)
    adze_buffer_format (&all, "%s.%s", i > 0 ? ", " : "", endings[i]);
  const char *known = all.data ? all.data : "";
  adze_error *error
      = meant ? adze_error_new (ADZE_E_UNSUPPORTED,
                                "no format writes files that end in %s; did you mean .%s?", dot,
                                meant)
        : dot && dot[1]
            ? adze_error_new (ADZE_E_UNSUPPORTED, "no format writes files that end in %s", dot)
            : adze_error_new (ADZE_E_UNSUPPORTED,
                              "\"%s\" has no ending that says in which format to write it", base);
  adze_error_set (error, "file", path);
  if (words[0])
    adze_error_setf (error, "hint", "endings that are written: %s", known);
  else
    adze_error_set (error, "needed", "a format in a trusted folder that writes");
  adze_names_free (endings, count);
  return error;
}

adze_error *
adze_format_for_path (adze_runtime *runtime, const char *path, const char **format)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO_FREE adze_format_choice *formats = NULL;
  ADZE_AUTO (adze_buffer) endings = { 0 };
  size_t count;
  *format = NULL;
  ADZE_TRY (adze_formats_list (runtime, path, &formats, &count));
  for (size_t i = 0; i < count; i++) {
    adze_format callbacks;
    bool usable;
    ADZE_TRY (adze_format_try (runtime, &formats[i], &callbacks, &usable));
    if (!usable || !callbacks.write)
      continue;
    if (adze_format_ending (callbacks.extensions, path)) {
      *format = formats[i].component->id;
      return NULL;
    }
    adze_buffer_format (&endings, "%s%s", endings.size ? "|" : "", callbacks.extensions);
  }
  return no_format_for (path, endings.data ? endings.data : "");
}
