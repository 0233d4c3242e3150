/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a manifest: a complaint with its step, or a [foreign] table from which arguments can
 * be made. No library is opened and nothing is called. */
#include <stdlib.h>

#include "base/toml.h"
#include "plugin/foreign/call.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Numbers of every size: most do not fit somewhere, and none may get past the end of its type. */
static void
place_all (const adze_foreign_table *table)
{
  static const int64_t numbers[] = { 0, 1, -1, INT32_MAX, INT64_MAX, INT64_MIN };
  for (size_t i = 0; i < table->function_count; i++) {
    adze_kernel kernel;
    ADZE_AUTO_ERROR error = adze_kernel_prepare (&table->functions[i], NULL, &kernel);
    for (size_t n = 0; !error && n < ADZE_COUNT_OF (numbers); n++) {
      adze_slot slots[ADZE_FOREIGN_SLOTS];
      adze_foreign_value values[ADZE_FOREIGN_ARGUMENTS];
      for (size_t slot = 0; slot < ADZE_FOREIGN_SLOTS; slot++)
        slots[slot].integer = numbers[n];
      adze_error_free (adze_kernel_place (&kernel, slots, values));
    }
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_MANIFEST manifest = NULL;
  adze_foreign_table *table = NULL;
  ADZE_AUTO_ERROR syntax = adze_toml_parse ("input", (const char *)data, size, &document);
  if (syntax)
    return 0;
  ADZE_AUTO_ERROR refusal = adze_manifest_from_value (&document, document.root, &manifest);
  if (refusal && !adze_error_fact (refusal, "step"))
    abort ();
  if (refusal || !manifest->foreign)
    return 0;
  /* What was taken once is taken again, from the manifest's own copy. */
  ADZE_AUTO_ERROR again = adze_foreign_table_read (&document, manifest->foreign, manifest, &table);
  if (again)
    abort ();
  place_all (table);
  adze_foreign_table_free (table);
  return 0;
}
