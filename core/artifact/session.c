/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/session.c: which formats there are, and a desk for one of them. */
#include "artifact/session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugin/manifest/params.h"
#include "plugin/services.h"

/* ---- Which there are. */

/* What runs in this process runs with all its rights, and a format is asked about files from
 * anywhere: so only those take part that are trusted like this program itself. A worker has few rights, and
 * loads what it was told to. */
static bool
may_run (const adze_runtime *runtime, const adze_plugin_record *record)
{
  return record->builtin || record->trusted || runtime->is_worker;
}

static size_t
format_components (const adze_runtime *runtime, adze_format_choice *formats)
{
  size_t count = 0;
  for (size_t i = 0; i < runtime->record_count; i++) {
    adze_plugin_record *record = runtime->records[i];
    if (!record->manifest || record->failure || !may_run (runtime, record))
      continue;
    for (size_t j = 0; j < record->manifest->component_count; j++) {
      const adze_manifest_component *component = &record->manifest->components[j];
      if (strcmp (component->kind, ADZE_FORMAT) != 0)
        continue;
      if (formats)
        formats[count] = (adze_format_choice){ record, component };
      count++;
    }
  }
  return count;
}

static const char *
ending_of (const char *path)
{
  const char *name = path ? adze_path_base (path) : "";
  const char *dot = strrchr (name, '.');
  return dot ? dot + 1 : "";
}

static int
compare_formats (const void *a, const void *b)
{
  return strcmp (((const adze_format_choice *)a)->component->id,
                 ((const adze_format_choice *)b)->component->id);
}

/* Moves the format of this id to the front. */
static void
bring_forward (adze_format_choice *formats, size_t count, const char *id)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (formats[i].component->id, id) == 0) {
      const adze_format_choice first = formats[i];
      memmove (formats + 1, formats, i * sizeof *formats);
      formats[0] = first;
    }
}

adze_error *
adze_formats_list (adze_runtime *runtime, const char *path, adze_format_choice **formats,
                   size_t *count)
{
  ADZE_TRY (adze_scan_once (runtime));
  *count = format_components (runtime, NULL);
  *formats = calloc (*count + 1, sizeof **formats);
  if (!*formats)
    return adze_error_memory ();
  *count = format_components (runtime, *formats);
  if (*count > 1)
    qsort (*formats, *count, sizeof **formats, compare_formats);
  bring_forward (*formats, *count, ending_of (path));
  return NULL;
}

adze_error *
adze_format_load (adze_runtime *runtime, const adze_format_choice *choice, adze_format *callbacks)
{
  const adze_callbacks *active;
  void *own;
  ADZE_TRY (adze_activate (runtime, choice->record));
  ADZE_TRY (adze_active_callbacks (choice->record, choice->component->id, &active, &own));
  *callbacks = active->format;
  return NULL;
}

adze_error *
adze_format_try (adze_runtime *runtime, const adze_format_choice *choice, adze_format *callbacks,
                 bool *usable)
{
  ADZE_AUTO_ERROR error = adze_format_load (runtime, choice, callbacks);
  *usable = !error;
  if (!error)
    return NULL;
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING, "the format '%s' cannot be asked: %s",
                      choice->component->id, adze_error_message (error));
  return NULL;
}

bool
adze_format_ending (const char *extensions, const char *path)
{
  const char *name = adze_path_base (path);
  size_t length = strlen (name);
  for (const char *at = extensions; at && *at;) {
    size_t size = strcspn (at, "|");
    if (size > 0 && length > size && name[length - size - 1] == '.'
        && strncasecmp (name + length - size, at, size) == 0)
      return true;
    at += size + (at[size] == '|');
  }
  return false;
}

/* ---- A desk for one. */

const void *
adze_session_services (const char *id, bool bare)
{
  static const struct {
    const char *id;
    const void *table;
  } own[] = {
    { ADZE_FILE, &adze_files_service },
    { ADZE_CATALOG, &adze_catalogs },
    { ADZE_CARGO, &adze_cargos },
    { ADZE_LAYOUT, &adze_layouts },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (own); i++)
    if (strcmp (own[i].id, id) == 0)
      return own[i].table;
  return adze_service_find (id, bare);
}

/* What a parameter of type component names. */
static adze_error *
find_for_params (void *context, const char *kind, const char *id,
                 const adze_manifest_component **component)
{
  adze_plugin_record *record;
  ADZE_TRY (adze_find_component (context, id, &record, component));
  if (strcmp ((*component)->kind, kind) != 0)
    return adze_error_new (ADZE_E_PARAM, "'%s' is of kind %s; one of kind %s is needed", id,
                           (*component)->kind, kind);
  return NULL;
}

static adze_error *
check_choice (const adze_runtime *runtime, const adze_format_choice *choice)
{
  const adze_manifest_component *component = choice->component;
  if (strcmp (component->kind, ADZE_FORMAT) != 0)
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' is of kind %s, and no format; `adze list format` shows which there "
                           "are",
                           component->id, component->kind);
  if (may_run (runtime, choice->record))
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_TRUST, "the format '%s' is not used: it would run in this process, and %s is in a "
      "folder that is not trusted", component->id, choice->record->path);
  adze_error_set (error, "file", choice->record->path);
  adze_error_set (error, "hint",
                  "if you trust it, list its folder under `trusted` in config.toml, or sign it");
  return error;
}

static adze_error *
open_parts (const adze_format_options *options, adze_session_services_fn *services,
            adze_format_session *session)
{
  adze_runtime *runtime = session->runtime;
  const adze_format_choice choice = { session->record, session->component };
  ADZE_TRY (check_choice (runtime, &choice));
  ADZE_TRY (adze_params_bind (session->component, options ? options->document : NULL,
                              options ? options->settings : NULL, NULL, NULL, find_for_params,
                              runtime, &session->params));
  ADZE_TRY (adze_format_load (runtime, &choice, &session->callbacks));
  adze_desk_options desk = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = services,
    .source = session->component->id,
    .seed = runtime->seed,
    .own = session,
  };
  return adze_desk_open (&desk, &session->desk);
}

adze_error *
adze_session_open (adze_runtime *runtime, const char *format, const adze_format_options *options,
                   adze_format_session *session)
{
  return adze_session_open_with (runtime, format, options, adze_session_services, session);
}

adze_error *
adze_session_open_with (adze_runtime *runtime, const char *format,
                        const adze_format_options *options, adze_session_services_fn *services,
                        adze_format_session *session)
{
  *session = (adze_format_session){ .runtime = runtime };
  ADZE_TRY (adze_find_component (runtime, format, &session->record, &session->component));
  adze_error *error = open_parts (options, services, session);
  if (error)
    adze_session_close (session);
  return error;
}

void
adze_session_close (adze_format_session *session)
{
  ADZE_AUTO_ERROR kept = session->desk ? adze_desk_audit (session->desk) : NULL;
  if (kept)
    adze_tell_end (session->runtime->bus, session->component->id, kept, true);
  adze_desk_close (session->desk);
  adze_params_free (session->params);
  adze_files_cleanup (&session->files);
  *session = (adze_format_session){ 0 };
}

/* ---- Callbacks. All formats are called under the runtime's lock; that of the plugin keeps out the
 * components of other kinds that it may have. */

void
adze_session_enter (adze_format_session *session)
{
  if (session->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_lock (&session->record->plugin_lock);
  adze_desk_enter (session->desk, &session->frame);
}

adze_error *
adze_session_leave (adze_format_session *session, const char *callback, adze_status status)
{
  adze_error *error = adze_desk_leave (&session->frame, callback, status);
  if (session->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_unlock (&session->record->plugin_lock);
  return error;
}

const char *
adze_quoted_name (const char *name, size_t size, char text[ADZE_QUOTED_NAME])
{
  enum { SHOWN = 64 };
  ADZE_AUTO (adze_buffer) quoted = { 0 };
  adze_buffer_quoted (&quoted, name, size < SHOWN ? size : SHOWN);
  snprintf (text, ADZE_QUOTED_NAME, "%s%s", quoted.data ? quoted.data : "?",
            size > SHOWN ? "..." : "");
  return text;
}
