/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/about.c: what is asked of a library with kernels beside numbers: how it was
 * built, and that it uses as many threads as the run. Which functions know is for the manifest to
 * say; a library needs none of them. This also reads which component is a backend. */
#include <string.h>

#include "plugin/foreign/call.h"

#define THREADS_MAX 16
#define CONFIGURATIONS_MAX 16

/* ---- Reading. */

static adze_error *
threads_read (const adze_foreign_fields *fields, adze_foreign_threads *threads)
{
  static const char *const keys[] = { "set", "get", "type" };
  const char *type = NULL;
  ADZE_TRY (adze_foreign_names (fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (adze_foreign_text (fields, "set", true, &threads->set));
  ADZE_TRY (adze_foreign_text (fields, "get", true, &threads->get));
  ADZE_TRY (adze_foreign_text (fields, "type", true, &type));
  threads->type = adze_c_type_find (type);
  if (threads->type && threads->type->sort == ADZE_C_INTEGER && threads->type->is_signed
      && (threads->type->size == sizeof (int32_t) || threads->type->size == sizeof (int64_t)))
    return NULL;
  return adze_document_error (fields->document, adze_value_get (fields->table, "type"),
                              "a number of threads is an int, a long or an int64, found '%s'",
                              type);
}

static adze_error *
all_threads_read (const adze_foreign_fields *foreign, adze_foreign_table *table)
{
  const adze_value *list = NULL;
  if (!adze_value_get (foreign->table, "threads"))
    return NULL;
  ADZE_TRY (adze_foreign_tables (foreign, "threads", THREADS_MAX, &list));
  table->threads = calloc (list->count, sizeof *table->threads);
  if (!table->threads)
    return adze_error_memory ();
  for (; table->thread_count < list->count; table->thread_count++) {
    adze_foreign_fields fields = { foreign->document, list->items[table->thread_count] };
    ADZE_TRY (threads_read (&fields, &table->threads[table->thread_count]));
  }
  return NULL;
}

static adze_error *
configurations_read (const adze_foreign_fields *foreign, adze_foreign_table *table)
{
  const adze_value *list = adze_value_get (foreign->table, "configuration");
  if (!list)
    return NULL;
  bool fits = list->type == ADZE_VALUE_LIST && list->count && list->count <= CONFIGURATIONS_MAX;
  for (size_t i = 0; fits && i < list->count; i++)
    fits = list->items[i]->type == ADZE_VALUE_STRING && list->items[i]->string_size
           && strlen (list->items[i]->string) == list->items[i]->string_size;
  if (!fits)
    return adze_document_error (foreign->document, list,
                                "'configuration' must be a list of 1 to %d names of functions",
                                CONFIGURATIONS_MAX);
  table->configurations = calloc (list->count, sizeof *table->configurations);
  if (!table->configurations)
    return adze_error_memory ();
  for (; table->configuration_count < list->count; table->configuration_count++)
    table->configurations[table->configuration_count]
        = list->items[table->configuration_count]->string;
  return NULL;
}

/* A technique is a function that is called as it is. */
static adze_error *
kernels_needed (const adze_foreign_fields *foreign, const adze_foreign_table *table)
{
  static const char *const keys[] = { "threads", "configuration" };
  for (size_t i = 0; i < table->function_count; i++)
    if (table->functions[i].contract)
      return NULL;
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++)
    if (adze_value_get (foreign->table, keys[i]))
      return adze_document_key_error (foreign->document, adze_value_get (foreign->table, keys[i]),
                                      "'%s' belongs to a manifest with kernels", keys[i]);
  return NULL;
}

adze_error *
adze_foreign_backend_read (const adze_foreign_fields *foreign, const adze_manifest *manifest,
                           adze_foreign_table *table)
{
  for (size_t i = 0; i < manifest->component_count; i++) {
    const adze_manifest_component *component = &manifest->components[i];
    if (strcmp (component->kind, ADZE_BACKEND) != 0)
      continue;
    if (table->backend)
      return adze_document_error (foreign->document, foreign->table,
                                  "there are two backends, '%s' and '%s'; the kernels of a "
                                  "manifest make one", table->backend->id, component->id);
    if (component->param_count)
      return adze_document_error (foreign->document, foreign->table,
                                  "the backend '%s' has the parameter '%s', and nobody to read it",
                                  component->id, component->params[0].name);
    table->backend = component;
  }
  ADZE_TRY (kernels_needed (foreign, table));
  ADZE_TRY (all_threads_read (foreign, table));
  return configurations_read (foreign, table);
}

/* ---- Binding. */

static void *
symbol_of (void *handle, const char *path, const char *symbol)
{
  void *address = NULL;
  adze_error_free (adze_foreign_library_symbol (handle, path, symbol, &address));
  return address;
}

void
adze_foreign_about_bind (adze_foreign *foreign, void *handle)
{
  const adze_foreign_table *table = foreign->table;
  for (size_t i = 0; i < table->thread_count && !foreign->threads; i++) {
    foreign->threads_set = symbol_of (handle, foreign->path, table->threads[i].set);
    foreign->threads_get = symbol_of (handle, foreign->path, table->threads[i].get);
    if (foreign->threads_set && foreign->threads_get)
      foreign->threads = &table->threads[i];
  }
  for (size_t i = 0; i < table->configuration_count && !foreign->configuration; i++)
    foreign->configuration = symbol_of (handle, foreign->path, table->configurations[i]);
}

/* ---- Asking. */

const char *
adze_foreign_configuration (const adze_foreign *foreign)
{
  return foreign->configuration ? ((const char *(*)(void))foreign->configuration) () : NULL;
}

static int64_t
threads_get (const adze_foreign *foreign)
{
  return foreign->threads->type->size == sizeof (int32_t)
             ? ((int32_t (*) (void))foreign->threads_get) ()
             : ((int64_t (*) (void))foreign->threads_get) ();
}

adze_error *
adze_foreign_use_threads (const adze_foreign *foreign, unsigned count, int64_t *actual)
{
  *actual = 0;
  if (!foreign->threads)
    return NULL;
  *actual = threads_get (foreign);
  if (*actual == (int64_t)count)
    return NULL;
  if (foreign->threads->type->size == sizeof (int32_t))
    ((void (*) (int32_t))foreign->threads_set) ((int32_t)count);
  else
    ((void (*) (int64_t))foreign->threads_set) ((int64_t)count);
  *actual = threads_get (foreign);
  if (*actual > 0 && *actual <= (int64_t)count)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED,
                         "%s (%u) was to set the threads of %s, and %s () says %lld",
                         foreign->threads->set, count, foreign->libraries[0], foreign->threads->get,
                         (long long)*actual);
}
