/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: three keys, read strictly. */
#include "plugin/config.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/toml.h"

adze_error *
adze_list_add (char ***list, size_t *count, const char *text)
{
  char **grown = realloc (*list, (*count + 1) * sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  *list = grown;
  grown[*count] = strdup (text);
  if (!grown[*count])
    return adze_error_memory ();
  (*count)++;
  return NULL;
}

/* A folder that trust depends on must not depend on where the program happens to be started. */
static adze_error *
add_folder (const adze_document *document, const adze_value *value, const char *home,
            char ***list, size_t *count)
{
  if (value->type != ADZE_VALUE_STRING)
    return adze_document_error (document, value, "a folder must be a string, not %s",
                                adze_value_type_name (value->type));
  const char *text = value->string;
  /* What stands behind a NUL would not be looked at, and trust would go to another folder. */
  if (strlen (text) != value->string_size)
    return adze_document_error (document, value, "a folder's name cannot have a NUL in it");
  ADZE_AUTO_FREE char *expanded = NULL;
  if (strncmp (text, "~/", 2) == 0 && home)
    expanded = adze_text_format ("%s/%s", home, text + 2);
  else
    expanded = strdup (text);
  if (!expanded)
    return adze_error_memory ();
  if (expanded[0] != '/')
    return adze_document_error (document, value,
                                "the folder '%s' must be an absolute path, or begin with ~/", text);
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_TRY (adze_path_absolute (expanded, &absolute));
  return adze_list_add (list, count, absolute);
}

static adze_error *
add_folders (const adze_document *document, const adze_value *value, const char *home,
             char ***list, size_t *count)
{
  if (value->type != ADZE_VALUE_LIST)
    return adze_document_error (document, value, "'%s' must be a list of folders, not %s",
                                value->key, adze_value_type_name (value->type));
  for (size_t i = 0; i < value->count; i++)
    ADZE_TRY (add_folder (document, value->items[i], home, list, count));
  return NULL;
}

static adze_error *
read_key (const adze_document *document, const adze_value *value, const char *home,
          adze_places *places)
{
  static const char *const known[] = { "trusted", "keys", "require-signed" };
  if (strcmp (value->key, "trusted") == 0)
    return add_folders (document, value, home, &places->trusted, &places->trusted_count);
  if (strcmp (value->key, "keys") == 0)
    return add_folders (document, value, home, &places->keys, &places->key_count);
  if (strcmp (value->key, "require-signed") == 0) {
    if (value->type != ADZE_VALUE_BOOL)
      return adze_document_error (document, value, "'require-signed' must be true or false, not %s",
                                  adze_value_type_name (value->type));
    places->require_signed = places->require_signed || value->boolean;
    return NULL;
  }
  const char *meant = adze_nearest (value->key, known, ADZE_COUNT_OF (known));
  if (meant)
    return adze_document_key_error (document, value, "unknown key '%s'; did you mean '%s'?",
                                    value->key, meant);
  return adze_document_key_error (
      document, value, "unknown key '%s'; there are: trusted, keys, require-signed", value->key);
}

adze_error *
adze_config_read (const char *path, const char *home, adze_places *places)
{
  /* One that is there and cannot be reached is another matter: it may forbid something. */
  struct stat status;
  /* A link that leads nowhere is no configuration that says nothing: reading it will say why. */
  if (lstat (path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  adze_error *error = adze_toml_read (path, &document);
  for (size_t i = 0; !error && i < document.root->count; i++)
    error = read_key (&document, document.root->items[i], home, places);
  return error ? adze_error_wrap (error, "the configuration cannot be used") : NULL;
}
