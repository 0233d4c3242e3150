/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/foreign.c: binding a manifest to the library that is installed. */
#include <string.h>

#include "base/file.h"
#include "plugin/foreign/call.h"

adze_error *
adze_foreign_check (const adze_document *document, const adze_value *foreign,
                    const adze_manifest *manifest)
{
  adze_foreign_table *table = NULL;
  ADZE_TRY (adze_foreign_table_read (document, foreign, manifest, &table));
  adze_foreign_table_free (table);
  return NULL;
}

/* ---- Finding a library that will do. */

/* How far the candidates came, for the refusal when none will do. */
typedef struct search {
  adze_step step;
  const char *symbol; /* that one of them lacks */
  adze_buffer found;
} search;

static adze_error *
libraries_find (adze_foreign *foreign, const char *path)
{
  foreign->libraries = calloc (foreign->table->function_count, sizeof *foreign->libraries);
  if (!foreign->libraries)
    return adze_error_memory ();
  for (size_t i = 0; i < foreign->table->function_count; i++) {
    ADZE_AUTO_FREE char *library = adze_foreign_library_of (foreign->kernels[i].address, path);
    bool known = false;
    if (!library)
      return adze_error_memory ();
    for (size_t k = 0; k < foreign->library_count; k++)
      known = known || strcmp (foreign->libraries[k], library) == 0;
    if (!known)
      foreign->libraries[foreign->library_count++] = adze_take (&library);
  }
  return NULL;
}

static adze_error *
functions_bind (adze_foreign *foreign, void *handle, const char *path, search *so_far)
{
  for (size_t i = 0; i < foreign->table->function_count; i++) {
    const adze_foreign_function *function = &foreign->table->functions[i];
    void *address = NULL;
    adze_error *error
        = adze_foreign_library_symbol (handle, path, function->symbol, &address);
    if (error) {
      so_far->step = ADZE_STEP_BINDING;
      so_far->symbol = function->symbol;
      return error;
    }
    ADZE_TRY (adze_kernel_prepare (function, address, &foreign->kernels[i]));
    foreign->techniques[i].kernel = &foreign->kernels[i];
  }
  adze_foreign_about_bind (foreign, handle);
  return libraries_find (foreign, path);
}

static adze_error *
library_try (adze_foreign *foreign, const adze_foreign_library *library, search *so_far)
{
  void *handle = NULL;
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_TRY (adze_foreign_library_open (library, &handle, &path));
  ADZE_TRY (adze_foreign_library_judge (library, handle, path));
  return functions_bind (foreign, handle, path, so_far);
}

static adze_error *
search_refusal (const adze_foreign *foreign, const search *so_far)
{
  const adze_foreign_table *table = foreign->table;
  ADZE_AUTO (adze_buffer) needed = { 0 };
  bool binding = so_far->step == ADZE_STEP_BINDING;
  if (binding)
    adze_buffer_format (&needed, "the function %s in ", so_far->symbol);
  for (size_t i = 0; i < table->library_count; i++)
    adze_buffer_format (&needed, "%s%s (%s)", i ? " or " : "", table->libraries[i].soname,
                        table->libraries[i].versions);
  if (needed.failed || so_far->found.failed)
    return adze_error_memory ();
  const char *hint = table->hint;
  if (!hint)
    hint = binding ? "compare the symbol with what `nm -D` says of the library"
                   : "install the library, or give the one that there is a [[foreign.library]] "
                     "of its own";
  adze_error *refusal = adze_refusal (
      ADZE_E_NOT_FOUND, so_far->step, foreign->path, "%s",
      binding ? "no library was found that has the functions it binds"
              : "no library was found that it is written for");
  return adze_refusal_facts (refusal, needed.data, so_far->found.data, hint);
}

/* The first one that opens, has a version in its range, and has every function. An installed
 * library that lacks one must not hide another that has it: libblas.so.3 comes with the C
 * interface on some systems and without it on others. Those that were tried stay in the process,
 * as everything that was ever loaded does. */
static adze_error *
library_search (adze_foreign *foreign)
{
  search so_far = { .step = ADZE_STEP_LIBRARY };
  adze_error *refusal = NULL;
  for (size_t i = 0; i < foreign->table->library_count; i++) {
    adze_error *error = library_try (foreign, &foreign->table->libraries[i], &so_far);
    if (!error || adze_error_status (error) == ADZE_E_MEMORY) {
      adze_buffer_cleanup (&so_far.found);
      return error;
    }
    adze_buffer_format (&so_far.found, "%s%s", so_far.found.size ? "; " : "",
                        adze_error_message (error));
    adze_error_free (error);
  }
  refusal = search_refusal (foreign, &so_far);
  adze_buffer_cleanup (&so_far.found);
  return refusal;
}

/* ---- Binding. */

static adze_error *
foreign_fill (adze_foreign *foreign, const adze_manifest *manifest, const char *path)
{
  foreign->path = strdup (path);
  if (!foreign->path)
    return adze_error_memory ();
  if (!manifest->foreign)
    return adze_refusal (ADZE_E_FORMAT, ADZE_STEP_MANIFEST, path, "it has no [foreign] table");
  /* The text is gone by now; the values remember their lines. */
  adze_document document = { .path = foreign->path, .text = NULL, .root = NULL };
  ADZE_TRY (adze_foreign_table_read (&document, manifest->foreign, manifest, &foreign->table));
  size_t count = foreign->table->function_count;
  foreign->kernels = calloc (count, sizeof *foreign->kernels);
  foreign->techniques = calloc (count, sizeof *foreign->techniques);
  if (!foreign->kernels || !foreign->techniques)
    return adze_error_memory ();
  return library_search (foreign);
}

adze_error *
adze_foreign_bind (const adze_manifest *manifest, const char *path, adze_foreign **foreign)
{
  *foreign = NULL;
  adze_foreign *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  adze_error *error = foreign_fill (made, manifest, path);
  if (error) {
    adze_foreign_free (made);
    return error;
  }
  *foreign = made;
  return NULL;
}

void
adze_foreign_free (adze_foreign *foreign)
{
  if (!foreign)
    return;
  adze_foreign_table_free (foreign->table);
  free (foreign->techniques);
  free (foreign->kernels);
  adze_names_free (foreign->libraries, foreign->library_count);
  free (foreign->path);
  free (foreign);
}

const char *
adze_foreign_library_path (const adze_foreign *foreign)
{
  return adze_foreign_library_at (foreign, 0);
}

const char *
adze_foreign_library_at (const adze_foreign *foreign, size_t index)
{
  return index < foreign->library_count ? foreign->libraries[index] : NULL;
}

/* ---- What it offers. */

/* function_count when there is none. */
static size_t
function_index (const adze_foreign *foreign, const char *name, bool component)
{
  size_t i = 0;
  for (; i < foreign->table->function_count; i++) {
    const adze_foreign_function *function = &foreign->table->functions[i];
    if ((function->component != NULL) == component
        && strcmp (adze_foreign_function_name (function), name) == 0)
      break;
  }
  return i;
}

adze_error *
adze_foreign_kernel (adze_foreign *foreign, const char *contract, const adze_kernel **kernel)
{
  size_t index = function_index (foreign, contract, false);
  *kernel = NULL;
  if (index == foreign->table->function_count)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s binds no kernel %s", foreign->path, contract);
  *kernel = &foreign->kernels[index];
  return NULL;
}

adze_error *
adze_foreign_technique_find (adze_foreign *foreign, const char *component,
                             const adze_foreign_technique **technique)
{
  size_t index = function_index (foreign, component, true);
  *technique = NULL;
  if (index == foreign->table->function_count)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s binds no technique %s", foreign->path, component);
  *technique = &foreign->techniques[index];
  return NULL;
}

static const adze_kernel *
kernel_of (adze_foreign *foreign, adze_foreign_shape shape, const char *element)
{
  for (size_t i = 0; i < foreign->table->function_count; i++) {
    const adze_foreign_contract *contract = foreign->table->functions[i].contract;
    if (contract && contract->shape == shape && strcmp (contract->element, element) == 0)
      return &foreign->kernels[i];
  }
  return NULL;
}

static adze_foreign_kernels
kernels_of (adze_foreign *foreign, const char *element)
{
  return (adze_foreign_kernels){ .gemm = kernel_of (foreign, ADZE_FOREIGN_GEMM, element),
                                 .gemv = kernel_of (foreign, ADZE_FOREIGN_GEMV, element),
                                 .dot = kernel_of (foreign, ADZE_FOREIGN_DOT, element) };
}

adze_error *
adze_foreign_backend_find (adze_foreign *foreign, const char *component,
                           const adze_foreign_backend **backend)
{
  const adze_manifest_component *declared = foreign->table->backend;
  *backend = NULL;
  if (!declared || strcmp (declared->id, component) != 0)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s makes no backend %s", foreign->path, component);
  foreign->backend = (adze_foreign_backend){ .foreign = foreign,
                                             .single = kernels_of (foreign, "float"),
                                             .twice = kernels_of (foreign, "double") };
  *backend = &foreign->backend;
  return NULL;
}
