/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an ELF file: a refusal with its facts, or a result whose strings can be read. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plugin/doctor/libraries.h"
#include "plugin/doctor/elf.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
use_text (const char *text)
{
  if (text && strlen (text) > (size_t)1 << 30)
    abort ();
}

static void
use_elf (const adze_elf *elf)
{
  use_text (elf->soname);
  use_text (elf->rpath);
  use_text (elf->runpath);
  use_text (elf->interpreter);
  for (size_t i = 0; i < elf->needed_count; i++)
    use_text (elf->needed[i]);
  for (size_t i = 0; i < elf->symbol_count; i++) {
    use_text (elf->symbols[i].name);
    use_text (elf->symbols[i].version);
    use_text (elf->symbols[i].library);
  }
  for (size_t i = 0; i < elf->versions_needed_count; i++) {
    use_text (elf->versions_needed[i].name);
    use_text (elf->versions_needed[i].library);
  }
  for (size_t i = 0; i < elf->versions_defined_count; i++)
    use_text (elf->versions_defined[i]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ADZE_AUTO_ELF elf = NULL;
  ADZE_AUTO_ERROR error = adze_elf_parse ("input", (const char *)data, size, &elf);
  if (error && (!adze_error_fact (error, "step") || !adze_error_fact (error, "found")))
    abort ();
  if (!error)
    use_elf (elf);
  /* The same bytes as the dynamic linker's cache. */
  size_t at = 0;
  const char *path;
  while ((path = adze_library_cache_next ((const char *)data, size, "libm.so.6", &at)))
    use_text (path);
  return 0;
}
