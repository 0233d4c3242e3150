/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with one plugin file: doctor, dump, stamp. */
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "plugin/doctor/doctor.h"
#include "plugin/probe.h"
#include "plugin/runtime.h"

adze_error *
adze_doctor (adze_runtime *runtime, const char *path, bool json, bool *healthy, char **text)
{
  (void)runtime;
  ADZE_AUTO_VALUE report = NULL;
  ADZE_TRY (adze_doctor_examine (path, &report));
  const adze_value *verdict = adze_value_get (report, "healthy");
  *healthy = verdict && verdict->boolean;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  if (json) {
    adze_json_write (report, 2, &buffer);
    adze_buffer_text (&buffer, "\n");
  } else {
    adze_doctor_write (report, &buffer);
  }
  return adze_buffer_finish (&buffer, text);
}

/* ---- Dump. */

/* "component.0.id=fault": every leaf with the way to it. */
static void
write_lines (const adze_value *value, const char *way, adze_buffer *into)
{
  if (value->type != ADZE_VALUE_TABLE && value->type != ADZE_VALUE_LIST) {
    adze_buffer_format (into, "%s=", way);
    if (value->type == ADZE_VALUE_STRING)
      adze_buffer_text (into, value->string);
    else
      adze_value_write_toml (value, into);
    adze_buffer_text (into, "\n");
    return;
  }
  for (size_t i = 0; i < value->count; i++) {
    const char *dot = way[0] ? "." : "";
    ADZE_AUTO_FREE char *deeper
        = value->items[i]->key ? adze_text_format ("%s%s%s", way, dot, value->items[i]->key)
                               : adze_text_format ("%s%s%zu", way, dot, i);
    if (deeper)
      write_lines (value->items[i], deeper, into);
    else
      into->failed = true;
  }
}

adze_error *
adze_plugin_dump (adze_runtime *runtime, const char *path, adze_dump_form form, char **text)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  ADZE_TRY (adze_path_absolute (path, &absolute));
  ADZE_TRY (adze_admit (runtime, absolute));
  ADZE_TRY (adze_probe_plugin (runtime->places.worker, absolute, &manifest));
  if (form == ADZE_DUMP_MANIFEST) {
    ADZE_TRY (adze_manifest_write (manifest, &buffer));
    return adze_buffer_finish (&buffer, text);
  }
  ADZE_AUTO_VALUE root = adze_manifest_value (manifest);
  if (!root)
    return adze_error_memory ();
  adze_json_string (root, "path", absolute);
  if (adze_json_failed (root))
    return adze_error_memory ();
  if (form == ADZE_DUMP_LINES) {
    write_lines (root, "", &buffer);
  } else {
    adze_json_write (root, 2, &buffer);
    adze_buffer_text (&buffer, "\n");
  }
  return adze_buffer_finish (&buffer, text);
}

/* ---- Stamp. */

static char *
manifest_path_of (const char *path)
{
  size_t length = strlen (path);
  if (length > 3 && strcmp (path + length - 3, ".so") == 0)
    length -= 3;
  return adze_text_format ("%.*s.toml", (int)length, path);
}

static bool
is_manifest (const char *path)
{
  size_t length = strlen (path);
  return length > 5 && strcmp (path + length - 5, ".toml") == 0;
}

/* A foreign library's manifest is written by hand; all that can be added to it is a signature. */
static adze_error *
sign_foreign (const char *path, const char *key)
{
  enum { SIZE_MOST = 16 << 20 };
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_FREE char *written = NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  size_t size = 0;
  ADZE_TRY (adze_manifest_read (path, &manifest));
  if (!manifest->foreign)
    return adze_error_new (ADZE_E_PARAM,
                           "%s describes a plugin: stamp its shared object instead, which writes "
                           "the manifest anew",
                           path);
  if (!key)
    return adze_error_new (ADZE_E_PARAM,
                           "%s describes a foreign library, whose file is not ours to stamp; with "
                           "a key it can be signed",
                           path);
  ADZE_TRY (adze_file_read (path, SIZE_MOST, &written, &size));
  adze_buffer_add (&text, written, size);
  ADZE_TRY (adze_signature_add (key, &text));
  return adze_file_write (path, text.data, text.size, 0644);
}

static adze_error *
stamp_plugin (adze_runtime *runtime, const char *path, const char *key)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  char digest[ADZE_DIGEST_TEXT];
  /* Whoever stamps a file vouches for it: this is where signatures come from. */
  ADZE_TRY (adze_path_absolute (path, &absolute));
  ADZE_TRY (adze_probe_plugin (runtime->places.worker, absolute, &manifest));
  ADZE_TRY (adze_digest_file (absolute, digest));
  free (manifest->digest);
  manifest->digest = strdup (digest);
  ADZE_AUTO_FREE char *beside = manifest_path_of (absolute);
  if (!manifest->digest || !beside)
    return adze_error_memory ();
  ADZE_TRY (adze_manifest_write (manifest, &text));
  if (key)
    ADZE_TRY (adze_signature_add (key, &text));
  return adze_file_write (beside, text.data, text.size, 0644);
}

adze_error *
adze_plugin_stamp (adze_runtime *runtime, const char *path, const char *key)
{
  ADZE_LOCKED (runtime);
  return is_manifest (path) ? sign_foreign (path, key) : stamp_plugin (runtime, path, key);
}
