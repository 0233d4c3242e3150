/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of safetensors, or as an index of such files. */
#include "../unit/format-fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *
settings_of (const adze_model *model)
{
  (void)model;
  return "";
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  fuzz_format (data, size, "safetensors", "safetensors", settings_of);
  return 0;
}
