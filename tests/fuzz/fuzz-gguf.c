/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a GGUF file. */
#include "../unit/format-fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* A model that does not say what it is cannot be written without being told. */
static const char *
settings_of (const adze_model *model)
{
  return adze_metadata_get (&model->metadata, "general.architecture")
             ? ""
             : "architecture = \"fuzz\"\n";
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  fuzz_format (data, size, "gguf", "gguf", settings_of);
  return 0;
}
