/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/convert.c: a model from one file, and format, into another. */
#include <string.h>

#include "artifact/look.h"
#include "plugin/manifest/params.h"

/* A model may take its own place, with all files that belong to it; what it may not is to replace
 * those alone that it leads to. */
static bool
onto_itself (const adze_model *model, const char *out)
{
  struct stat status;
  return model->file_count > 0 && stat (out, &status) == 0
         && (uint64_t)status.st_dev == model->files[0].identity.device
         && (uint64_t)status.st_ino == model->files[0].identity.inode;
}

/* A message calls a parameter as a pipeline gives it, "NAME = VALUE"; here it is an option. One that was
 * GIVEN is complained of, and not advised; nor is the value that it has without being given. */
static void
tell_option (const adze_manifest_component *component, const adze_value *given,
             adze_error *error)
{
  for (const adze_error *link = error; link; link = adze_error_cause (link))
    for (size_t i = 0; i < component->param_count; i++) {
      const char *name = component->params[i].name;
      if (adze_value_get (given, name))
        continue;
      ADZE_AUTO_FREE char *words = adze_text_format ("%s = ", name);
      const char *at = words ? strstr (adze_error_message (link), words) : NULL;
      if (!at)
        continue;
      at += strlen (words);
      at += *at == '"';
      size_t size = strcspn (at, "\" ,;:");
      const char *preset = component->params[i].preset;
      if (!preset || strlen (preset) != size || memcmp (preset, at, size) != 0)
        adze_error_setf (error, "hint", "give it as --set %s=%.*s", name, (int)size, at);
    }
}

static adze_error *
write_settings (adze_runtime *runtime, const adze_model *model, const char *out,
                const adze_convert_options *options)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO (adze_document) document = { 0 };
  const char *format = options->to;
  if (!format)
    ADZE_TRY (adze_format_for_path (runtime, out, &format));
  ADZE_TRY (adze_find_component (runtime, format, &record, &component));
  ADZE_TRY (adze_settings_parse (component, options->settings, &document));
  ADZE_AUTO (adze_guard) guard = { 0 };
  if (!onto_itself (model, out))
    ADZE_TRY (adze_guard_add_model (&guard, model, "the model that is converted"));
  adze_format_options write = {
    .format = format, .document = &document, .settings = document.root, .guard = &guard
  };
  adze_error *error = adze_model_write (runtime, model, out, &write);
  if (error)
    tell_option (component, document.root, error);
  return error;
}

adze_error *
adze_model_convert (adze_runtime *runtime, const char *in, const char *out,
                    const adze_convert_options *given)
{
  adze_convert_options options;
  ADZE_AUTO_MODEL model = NULL;
  ADZE_TRY (adze_options_copy ("adze_convert_options", given, &options, sizeof options));
  adze_format_options read
      = { .format = options.from, .structure_limit = options.structure_limit };
  ADZE_LOCKED (runtime);
  adze_error *error = adze_model_open (runtime, in, &read, &model);
  if (!error)
    error = write_settings (runtime, model, out, &options);
  return error ? adze_error_wrap (error, "cannot convert %s to %s", in, out) : NULL;
}
