/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a manifest: they are refused with a place, or they are written and read back as the
 * same thing, through TOML and through JSON. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/toml.h"
#include "plugin/manifest/inspect.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
insist (bool truth, const char *what, const adze_error *error)
{
  if (truth)
    return;
  fprintf (stderr, "%s: %s\n", what, adze_error_message (error));
  abort ();
}

static void
same (const adze_manifest *manifest, const adze_document *document, const adze_error *parsed,
      const char *what)
{
  insist (!parsed, what, parsed);
  ADZE_AUTO_MANIFEST again = NULL;
  ADZE_AUTO_ERROR read = adze_manifest_from_value (document, document->root, &again);
  insist (!read, what, read);
  ADZE_AUTO_VALUE a = adze_manifest_value (manifest);
  ADZE_AUTO_VALUE b = adze_manifest_value (again);
  insist (a && b && adze_value_equal (a, b), what, NULL);
  ADZE_AUTO_ERROR differs = adze_manifest_compare ("x", manifest, again);
  insist (!differs, what, differs);
}

static void
through_toml (const adze_manifest *manifest)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO_ERROR written = adze_manifest_write (manifest, &text);
  insist (!written, "writing", written);
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR parsed = adze_toml_parse ("again.toml", text.data, text.size, &document);
  same (manifest, &document, parsed, "TOML");
}

static void
through_json (const adze_manifest *manifest)
{
  ADZE_AUTO_VALUE tree = adze_manifest_value (manifest);
  ADZE_AUTO (adze_buffer) text = { 0 };
  insist (tree, "tree", NULL);
  adze_json_write (tree, 0, &text);
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR parsed = adze_json_parse ("again.json", text.data, text.size, &document);
  same (manifest, &document, parsed, "JSON");
}

static void
show (const adze_manifest *manifest)
{
  for (size_t i = 0; i < manifest->component_count; i++) {
    ADZE_AUTO_VALUE schema = adze_inspect_schema (&manifest->components[i]);
    ADZE_AUTO_VALUE value = adze_inspect_value (manifest, &manifest->components[i]);
    ADZE_AUTO (adze_buffer) manual = { 0 };
    adze_inspect_manual (&manifest->components[i], &manual);
    insist (schema && value && !manual.failed, "showing", NULL);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR parsed = adze_toml_parse ("fuzz.toml", (const char *)data, size, &document);
  if (parsed)
    return 0;
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_ERROR error = adze_manifest_from_value (&document, document.root, &manifest);
  insist (!error == !!manifest, "neither one nor the other", error);
  if (error) {
    ADZE_AUTO_FREE char *text = adze_error_text (error);
    insist (text && strcmp (adze_error_fact (error, "step"), "manifest") == 0, "refusal", error);
    return 0;
  }
  through_toml (manifest);
  through_json (manifest);
  show (manifest);
  return 0;
}
