/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/read.c: the [foreign] table of a manifest: which libraries will do, and what
 * their functions are for. */
#include <string.h>

#include <adze/draft/backend.h>
#include <adze/draft/technique.h>
#include <adze/kernel.h>

#include "plugin/foreign/table.h"
#include "plugin/refusal.h"

#define LIBRARIES_MAX 16
#define FUNCTIONS_MAX 64

typedef struct reader {
  const adze_document *document;
  const adze_manifest *manifest;
  adze_foreign_table *table;
} reader;

/* ---- Libraries. */

static adze_error *
version_from_read (const adze_foreign_fields *fields, adze_foreign_library *library)
{
  static const char *const keys[] = { "symbol" };
  const adze_value *from = adze_value_get (fields->table, "version-from");
  library->version_from = "soname";
  if (!from)
    return NULL;
  if (from->type == ADZE_VALUE_TABLE) {
    adze_foreign_fields inner = { fields->document, from };
    library->version_from = NULL;
    ADZE_TRY (adze_foreign_names (&inner, keys, ADZE_COUNT_OF (keys)));
    return adze_foreign_text (&inner, "symbol", true, &library->version_symbol);
  }
  if (from->type == ADZE_VALUE_STRING && strcmp (from->string, "file") == 0)
    library->version_from = "file";
  else if (from->type != ADZE_VALUE_STRING || strcmp (from->string, "soname") != 0)
    return adze_document_error (fields->document, from,
                                "'version-from' must be \"soname\", \"file\", or a table such as "
                                "{ symbol = \"library_version\" }");
  return NULL;
}

static adze_error *
library_read (const adze_foreign_fields *fields, adze_foreign_library *library)
{
  static const char *const keys[] = { "soname", "versions", "version-from" };
  ADZE_TRY (adze_foreign_names (fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (adze_foreign_text (fields, "soname", true, &library->soname));
  if (library->soname[0] != '/' && strchr (library->soname, '/'))
    return adze_document_error (fields->document, adze_value_get (fields->table, "soname"),
                                "'%s' is neither a soname, such as \"libm.so.6\", nor an absolute "
                                "path",
                                library->soname);
  ADZE_TRY (adze_foreign_text (fields, "versions", true, &library->versions));
  adze_foreign_version zero = { { 0 } };
  if (!adze_foreign_version_within (library->versions, &zero, NULL))
    return adze_document_error (fields->document, adze_value_get (fields->table, "versions"),
                                "'%s' is no range of versions; write one such as \">= 3, < 4\"",
                                library->versions);
  return version_from_read (fields, library);
}

static adze_error *
libraries_read (const reader *r, const adze_foreign_fields *foreign)
{
  const adze_value *list = NULL;
  ADZE_TRY (adze_foreign_tables (foreign, "library", LIBRARIES_MAX, &list));
  r->table->libraries = calloc (list->count, sizeof *r->table->libraries);
  if (!r->table->libraries)
    return adze_error_memory ();
  for (; r->table->library_count < list->count; r->table->library_count++) {
    adze_foreign_fields fields = { r->document, list->items[r->table->library_count] };
    ADZE_TRY (library_read (&fields, &r->table->libraries[r->table->library_count]));
  }
  return NULL;
}

/* ---- Functions. */

static adze_error *
contract_read (const adze_foreign_fields *fields, const char *contract,
               adze_foreign_function *function)
{
  function->contract = adze_foreign_contract_find (contract);
  if (function->contract) {
    function->shape = function->contract->shape;
    function->element = adze_c_type_find (function->contract->element);
    return NULL;
  }
  const adze_value *at = adze_value_get (fields->table, "contract");
  if (strcmp (contract, ADZE_KERNEL_MAP_F32) == 0 || strcmp (contract, ADZE_KERNEL_MAP_F64) == 0)
    return adze_document_error (fields->document, at,
                                "a function of one number becomes a technique: write component = "
                                "\"ID\" and shape = \"map\" in place of the contract");
  ADZE_AUTO (adze_buffer) known = { 0 };
  for (size_t i = 0; adze_foreign_contract_id (i); i++)
    adze_buffer_format (&known, "%s%s", i ? ", " : "", adze_foreign_contract_id (i));
  if (known.failed)
    return adze_error_memory ();
  return adze_document_error (fields->document, at,
                              "'%s' is no contract that a library can be bound to; there are: %s",
                              contract, known.data);
}

static adze_error *
component_read (const reader *r, const adze_foreign_fields *fields, const char *id,
                adze_foreign_function *function)
{
  const adze_value *at = adze_value_get (fields->table, "component");
  function->component = adze_manifest_find (r->manifest, id);
  if (!function->component)
    return adze_document_error (r->document, at, "the manifest has no component '%s'", id);
  if (strcmp (function->component->kind, ADZE_TECHNIQUE) != 0)
    return adze_document_error (r->document, at,
                                "'%s' is of kind %s; a foreign function can be a technique, or "
                                "fulfil a contract",
                                id, function->component->kind);
  if (function->component->effect != ADZE_CHANGES)
    return adze_document_error (r->document, at,
                                "'%s' must have effect = \"changes\": a foreign function always "
                                "gives an output",
                                id);
  const char *shape = NULL;
  ADZE_TRY (adze_foreign_text (fields, "shape", true, &shape));
  if (strcmp (shape, "map") != 0 && strcmp (shape, "buffer") != 0)
    return adze_document_error (r->document, adze_value_get (fields->table, "shape"),
                                "'shape' must be \"map\" (a call an element) or \"buffer\" (a "
                                "call a tensor), found '%s'",
                                shape);
  function->shape = shape[0] == 'm' ? ADZE_FOREIGN_MAP : ADZE_FOREIGN_BUFFER;
  return NULL;
}

/* What belongs to a technique has no place in a contract; a map's element is what it returns. */
static adze_error *
element_read (const adze_foreign_fields *fields, adze_foreign_function *function)
{
  const char *element = NULL;
  bool wanted = function->shape == ADZE_FOREIGN_BUFFER;
  ADZE_TRY (adze_foreign_text (fields, "element", wanted, &element));
  if (element && !wanted)
    return adze_document_key_error (fields->document, adze_value_get (fields->table, "element"),
                                    "'element' belongs to shape = \"buffer\"");
  if (function->contract) {
    if (adze_value_get (fields->table, "shape"))
      return adze_document_key_error (fields->document, adze_value_get (fields->table, "shape"),
                                      "'shape' belongs to a component");
    return NULL;
  }
  function->element = wanted ? adze_c_type_find (element) : function->returns;
  if (!function->element || function->element->sort != ADZE_C_REAL)
    return adze_document_error (fields->document,
                                adze_value_get (fields->table, wanted ? "element" : "returns"),
                                "elements are float or double, found '%s'",
                                wanted ? element : function->returns->name);
  return NULL;
}

/* Is what it returns the result? */
static bool
returns_number (const adze_foreign_function *function)
{
  return function->shape == ADZE_FOREIGN_MAP || function->shape == ADZE_FOREIGN_DOT;
}

/* A return value that nobody looks at may be the only sign of a failure. */
static adze_error *
returns_read (const adze_foreign_fields *fields, adze_foreign_function *function)
{
  const char *name = NULL;
  ADZE_TRY (adze_foreign_text (fields, "returns", true, &name));
  const adze_value *at = adze_value_get (fields->table, "returns");
  function->returns = adze_c_type_find (name);
  if (!function->returns)
    return adze_document_error (fields->document, at, "'%s' is no type that a function returns",
                                name);
  const adze_value *success = adze_value_get (fields->table, "success");
  if (returns_number (function)) {
    if (success)
      return adze_document_key_error (fields->document, success,
                                      "'success' belongs to a whole number that the function "
                                      "returns");
    return function->returns->sort == ADZE_C_REAL || function->shape == ADZE_FOREIGN_MAP
               ? NULL
               : adze_document_error (fields->document, at,
                                      "the function must return what '%s' is about: float or "
                                      "double, found '%s'",
                                      function->contract->id, name);
  }
  if (function->returns->sort == ADZE_C_VOID) {
    function->has_success = success != NULL;
    return adze_foreign_integer (fields, "success", false, INT32_MIN, INT32_MAX,
                                 &function->success);
  }
  if (function->returns->sort != ADZE_C_INTEGER)
    return adze_document_error (fields->document, at,
                                "the function must return void, or a whole number of which one "
                                "means success, found '%s'",
                                name);
  int64_t low = 0, high = 0;
  adze_c_type_limits (function->returns, &low, &high);
  function->has_success = true;
  return adze_foreign_integer (fields, "success", true, low, high, &function->success);
}

static adze_error *
function_read (const reader *r, const adze_foreign_fields *fields,
               adze_foreign_function *function)
{
  static const char *const keys[] = { "symbol", "contract", "component", "shape",
                                      "element", "returns", "success", "arguments" };
  const char *contract = NULL;
  const char *component = NULL;
  ADZE_TRY (adze_foreign_names (fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (adze_foreign_text (fields, "symbol", true, &function->symbol));
  ADZE_TRY (adze_foreign_text (fields, "contract", false, &contract));
  ADZE_TRY (adze_foreign_text (fields, "component", false, &component));
  if ((contract == NULL) == (component == NULL))
    return adze_document_error (fields->document, fields->table,
                                "a function has either a 'contract' or a 'component'");
  if (contract)
    ADZE_TRY (contract_read (fields, contract, function));
  else
    ADZE_TRY (component_read (r, fields, component, function));
  const char *name = adze_foreign_function_name (function);
  for (size_t i = 0; i < r->table->function_count; i++)
    if (strcmp (adze_foreign_function_name (&r->table->functions[i]), name) == 0)
      return adze_document_error (fields->document, fields->table,
                                  "'%s' has a function already, %s", name,
                                  r->table->functions[i].symbol);
  ADZE_TRY (returns_read (fields, function));
  ADZE_TRY (element_read (fields, function));
  return adze_foreign_arguments_read (fields, function);
}

/* A backend needs a product of matrices: without one it would claim nothing. */
static bool
is_served (const reader *r, const adze_manifest_component *component)
{
  bool backend = strcmp (component->kind, ADZE_BACKEND) == 0;
  for (size_t n = 0; n < r->table->function_count; n++)
    if (backend ? r->table->functions[n].shape == ADZE_FOREIGN_GEMM
                : r->table->functions[n].component == component)
      return true;
  return false;
}

static adze_error *
components_served (const reader *r, const adze_value *foreign)
{
  for (size_t i = 0; i < r->manifest->component_count; i++) {
    const adze_manifest_component *component = &r->manifest->components[i];
    if (is_served (r, component))
      continue;
    return strcmp (component->kind, ADZE_BACKEND) == 0
               ? adze_document_error (r->document, foreign,
                                      "the backend '%s' needs a [[foreign.function]] with "
                                      "contract = \"" ADZE_KERNEL_GEMM_F32
                                      "\" or \"" ADZE_KERNEL_GEMM_F64 "\"",
                                      component->id)
               : adze_document_error (r->document, foreign,
                                      "component '%s' has no [[foreign.function]]", component->id);
  }
  return NULL;
}

static adze_error *
functions_read (const reader *r, const adze_foreign_fields *foreign)
{
  const adze_value *list = NULL;
  ADZE_TRY (adze_foreign_tables (foreign, "function", FUNCTIONS_MAX, &list));
  r->table->functions = calloc (list->count, sizeof *r->table->functions);
  if (!r->table->functions)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    adze_foreign_fields fields = { r->document, list->items[i] };
    adze_error *error = function_read (r, &fields, &r->table->functions[i]);
    r->table->function_count++; /* one that is half read has memory too */
    ADZE_TRY (error);
  }
  return components_served (r, foreign->table);
}

static adze_error *
table_fill (const reader *r, const adze_value *foreign)
{
  static const char *const keys[]
      = { "hint", "library", "function", "test", "threads", "configuration" };
  adze_foreign_fields fields = { r->document, foreign };
  ADZE_TRY (adze_foreign_names (&fields, keys, ADZE_COUNT_OF (keys)));
  ADZE_TRY (adze_foreign_text (&fields, "hint", false, &r->table->hint));
  ADZE_TRY (libraries_read (r, &fields));
  ADZE_TRY (functions_read (r, &fields));
  ADZE_TRY (adze_foreign_backend_read (&fields, r->manifest, r->table));
  return adze_foreign_vectors_read (r->document, foreign, r->table);
}

adze_error *
adze_foreign_table_read (const adze_document *document, const adze_value *foreign,
                         const adze_manifest *manifest, adze_foreign_table **table)
{
  reader r = { document, manifest, calloc (1, sizeof **table) };
  *table = NULL;
  if (!r.table)
    return adze_error_memory ();
  adze_error *error = table_fill (&r, foreign);
  if (error) {
    adze_foreign_table_free (r.table);
    adze_error_set (error, "step", adze_step_name (ADZE_STEP_MANIFEST));
    if (document->path)
      adze_error_set (error, "file", document->path);
    return error;
  }
  *table = r.table;
  return NULL;
}

void
adze_foreign_table_free (adze_foreign_table *table)
{
  if (!table)
    return;
  for (size_t i = 0; i < table->function_count; i++) {
    for (size_t n = 0; n < table->functions[i].argument_count; n++)
      free (table->functions[i].arguments[n].map);
    free (table->functions[i].arguments);
  }
  for (size_t i = 0; i < table->vector_count; i++) {
    free (table->vectors[i].input);
    free (table->vectors[i].expected);
  }
  free (table->threads);
  free (table->configurations);
  free (table->libraries);
  free (table->functions);
  free (table->vectors);
  free (table);
}
