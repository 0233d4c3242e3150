/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines of JSON: a refusal with a reason, or columns that can be read. The first byte
 * chooses the parameters. */
#include "../../plugins/sources/jsonl/jsonl_value.c"
#include "../../plugins/sources/jsonl/jsonl_read.c"
#undef SHOWN
#include "../../plugins/sources/jsonl/jsonl.c"

#include "../unit/source-host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const settings[]
      = { "", "missing=nan\0number-type=f32\0", "fields=[\"a\"]\0", "fields=[\"b\", \"a\"]\0missing=nan\0" };
  size_t choice = size ? data[0] % (sizeof settings / sizeof settings[0]) : 0;
  own.file_count = 0;
  own_file ("path", size ? data + 1 : data, size ? size - 1 : 0);
  own_try (settings[choice]);
  return 0;
}
